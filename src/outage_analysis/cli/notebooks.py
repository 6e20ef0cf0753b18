"""The commands for projects and notebooks: `new` creates, `lab` opens, `notebook run` exports."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from outage_analysis.cli.console import print_json, print_line, progress
from outage_analysis.cli.options import Json
from outage_analysis.errors import UsageError, one_line

commands = typer.Typer()
notebook_commands = typer.Typer(no_args_is_help=True, help="The notebooks, as pages that open offline.")
commands.add_typer(notebook_commands, name="notebook")


@commands.command()
def new(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A new or an empty folder; its name is the id of the outage."),
    ],
    *,
    name: Annotated[str, typer.Option(help="Name of the outage. By default its id, in words.")] = "",
    currency: Annotated[str, typer.Option(help="ISO code of the currency.")] = "KRW",
    lang: Annotated[
        str, typer.Option(help="Language of the project's charts, tables and reports: en or ko.")
    ] = "en",
    loss_unit: Annotated[
        str,
        typer.Option(help="What claims state as lost: minutes, hours or days. By default the currency."),
    ] = "",
    counted: Annotated[
        bool,
        typer.Option(
            "--counted",
            help="Start from totals by service, claimant type and loss band instead of claims; such a "
            "project has no notebooks.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Create a project for your own outage: TOML files, sample claims, notebooks and a Makefile.

    The new project works at once, with inputs that are marked as examples. Replace them with your own inputs.
    The folder is written completely or not at all. In this folder, `outage-analysis inspect FILE --incident
    incident.toml` shows how the program reads one of your files.

    Example:
        outage-analysis new tram-2031 --name "Tram outage in Lindau" --currency EUR --loss-unit minutes
    """
    from outage_analysis.jupyter import MAX_PATH_LENGTH, new_project, shell_path

    project = new_project(
        folder, name=name, currency=currency, lang=lang, loss_unit=loss_unit, counted=counted
    )
    make_option = _make_option()
    data = "the totals" if counted else "claims/"
    lab = "" if counted else f"      make lab{make_option} opens its notebooks\n"
    inspect = "      outage-analysis inspect FILE --incident incident.toml shows how a file of yours reads\n"
    sys.stderr.write(
        f"Next: cd {shell_path(folder)} && make report{make_option}\n{lab}"
        f"Then: put your own into incident.toml, {data}, policy.toml and ledger.toml; README.md says how\n"
        + ("" if counted else inspect)
    )
    if as_json:
        print_json({"project": str(project)})
    else:
        print_line(one_line(project, MAX_PATH_LENGTH))


def _make_option() -> str:
    """Return the option of `make` that states where this program is; empty if the program is on the PATH."""
    program = Path(sys.executable).with_name("outage-analysis")
    if shutil.which("outage-analysis") or not program.is_file():
        return ""
    return f" OUTAGE={shlex.quote(str(program).replace('$', '$$'))}"


@commands.command()
def lab(
    folder: Annotated[Path, typer.Argument(help="Folder of notebooks.")] = Path("notebooks"),
    *,
    browser: Annotated[bool, typer.Option(help="Open it in a browser.")] = True,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Port to listen on. By default 8888 or the next.")
    ] = None,
) -> None:
    """Open a folder of notebooks in JupyterLab, on its welcome page, without network requests.

    Example:
        outage-analysis lab notebooks --no-browser --port 8890
    """
    from outage_analysis.jupyter import open_lab

    open_lab(folder, port=port, browser=browser)


@notebook_commands.command("run")
def run_notebook(
    name: Annotated[
        str,
        typer.Argument(metavar="NOTEBOOK", help="Name of a bundled notebook, or path to one of your own."),
    ],
    *,
    param: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=VALUE in place of a value in the notebook's cell tagged `parameters`; repeat for more."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Page to write; by default the notebook's name with .html.")
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(help="Language of charts and tables: en or ko. By default the notebook's language."),
    ] = None,
    code: Annotated[
        bool, typer.Option("--code/--no-code", help="Keep the code of each cell, folded.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing page.")] = False,
    as_json: Json = False,
) -> None:
    """Run a notebook with parameters, and export it as one HTML page that works offline.

    The same notebook and parameters always give the same bytes. The last line on stdout is the path of the
    page.

    Example:
        outage-analysis notebook run 05_executive_summary --param policy=my-policy.toml --out summary.html
    """
    from outage_analysis.jupyter import run_notebook as execute

    parameters = _parse_parameters(param or ())
    with progress() as step:
        page = execute(name, out, parameters=parameters, lang=lang, code=code, force=force, progress=step)
    if as_json:
        print_json({"page": str(page)})
    else:
        print_line(str(page))


def _parse_parameters(texts: Sequence[str]) -> dict[str, str]:
    """Parse parameters such as budget=300_000_000. Each name may occur only once.

    Raises:
        UsageError: a parameter has no value, or a name occurs twice.
    """
    parameters: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name.strip() in parameters:
            problem = "--param is given twice for one name" if equals else "--param has no value"
            raise UsageError(problem, value=text, remedy="Write each once, as in budget=300_000_000.")
        parameters[name.strip()] = value
    return parameters
