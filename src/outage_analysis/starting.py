"""The commands to begin with: a project of one's own, and the notebooks in JupyterLab."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from outage_analysis.console import print_json, print_line
from outage_analysis.errors import one_line
from outage_analysis.options import Json

starting = typer.Typer()


@starting.command()
def new(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A new or an empty folder; its name is the id of the outage."),
    ],
    *,
    name: Annotated[
        str, typer.Option(help="What readers call the outage. By default its id, in words.")
    ] = "",
    currency: Annotated[str, typer.Option(help="ISO code of the currency.")] = "KRW",
    lang: Annotated[str, typer.Option(help="Language of its charts, tables and reports: en or ko.")] = "en",
    as_json: Json = False,
) -> None:
    """Make a project for an outage of your own: pages, sample claims, notebooks and a Makefile.

    It runs as created, on examples that say so and are yours to replace. It appears whole or not at all.
    In it, `outage-analysis inspect FILE --incident incident.toml` shows how a file of yours reads.

    Example:
        outage-analysis new tram-2031 --name "Tram outage in Lindau" --currency EUR
    """
    from outage_analysis.jupyter import MAX_PATH_LENGTH, new_project, shell_path

    made = new_project(folder, name=name, currency=currency, lang=lang)
    sys.stderr.write(
        f"Next: cd {shell_path(folder)} && make report{_named()}\n"
        f"      make lab{_named()} opens its notebooks\n"
        "Then: put your own into incident.toml, claims/, policy.toml and ledger.toml; README.md says how\n"
        "      outage-analysis inspect FILE --incident incident.toml shows how a file of yours reads\n"
    )
    if as_json:
        print_json({"project": str(made)})
    else:
        print_line(one_line(made, MAX_PATH_LENGTH))


@starting.command()
def lab(
    folder: Annotated[Path, typer.Argument(help="Folder of notebooks.")] = Path("notebooks"),
    *,
    browser: Annotated[bool, typer.Option(help="Open it in a browser.")] = True,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Port to listen on. By default 8888 or the next.")
    ] = None,
) -> None:
    """Open a folder of notebooks in JupyterLab, on its welcome; nothing is asked of the network.

    Example:
        outage-analysis lab notebooks --no-browser --port 8890
    """
    from outage_analysis.jupyter import open_lab

    open_lab(folder, port=port, browser=browser)


def _named() -> str:
    """What make must be told where the command is not on the PATH: the environment is not active."""
    own = Path(sys.executable).with_name("outage-analysis")
    if shutil.which("outage-analysis") or not own.is_file():
        return ""
    return f" OUTAGE={shlex.quote(str(own).replace('$', '$$'))}"
