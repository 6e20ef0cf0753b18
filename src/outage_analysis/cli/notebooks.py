"""The commands for projects and notebooks: `new` creates, `lab` opens, `notebook run` exports."""

from __future__ import annotations

import shlex
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from outage_analysis import analysis, jupyter, text
from outage_analysis.cli.console import (
    Json,
    Language,
    PlanOptions,
    expand_options,
    parse_pairs,
    print_json,
    print_line,
    print_warnings,
    progress,
    refuse_unused,
)
from outage_analysis.errors import UsageError, one_line

commands = typer.Typer()
notebook_commands = typer.Typer(no_args_is_help=True, help="The notebooks, as pages that open offline.")
commands.add_typer(notebook_commands, name="notebook")


OF_CLAIMS = ("tiers", "effort", "unknown", "scale", "encoding", "rows", "column", "max_rejects")
"""The options of a plan with which `new` writes the documents of given complaint files."""


@commands.command()
@expand_options(options=OF_CLAIMS)
def new(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder; its name is the id of the outage.")
    ],
    *,
    claims: Annotated[
        list[Path] | None,
        "Your complaint file, folder or pattern in quotes; repeat for more. The folder then gets "
        "only the TOML files of a report on these files, and no example. Needs --tiers.",
    ] = None,
    name: Annotated[str, "Name of the outage. By default its id, in words."] = "",
    currency: Annotated[
        str | None,
        "ISO code of the currency. By default KRW; with --claims, the currency that the files state.",
    ] = None,
    lang: Language = "en",
    loss_unit: Annotated[
        str, "What claims state as lost: minutes, hours or days. By default the currency."
    ] = "",
    options: PlanOptions,
    as_json: Json = False,
) -> None:
    """Create a project for your own outage: TOML files, sample claims, notebooks and a Makefile.

    The new project works at once, with inputs that are marked as examples. Replace them with your own inputs.
    The folder is written completely or not at all. In this folder, `outage-analysis inspect FILE --incident
    incident.toml` shows how the program reads one of your files.

    With --claims and --tiers, the folder gets only the TOML files that correspond to `report FILES --tiers
    ...`: incident.toml, policy.toml and ledger.toml. A report from these files has the same figures.

    Examples:
        outage-analysis new tram-2031 --name "Tram outage in Lindau" --currency EUR --loss-unit minutes

        outage-analysis new mine --claims complaints.csv --tiers 300000:30000,500000:50000
    """
    from_claims = bool(claims) or options.tiers is not None
    if from_claims:
        refuse_unused({"with --claims": {"--name": name, "--loss-unit": loss_unit}})
        if not claims or options.tiers is None:
            raise UsageError(
                "documents for your files need --claims and --tiers",
                remedy="Give both: --claims complaints.csv --tiers 300000:30000,500000:50000.",
            )
        with progress(lang, text.Note("step_reading_the_files")) as step:
            plan = replace(options, claims=claims, currency=currency).plan()
            step(text.Note("step_writing_the_documents"))
            written = analysis.write_documents(plan, folder)
        read = None if isinstance(plan.claims, tuple) else plan.claims
        print_warnings(analysis.input_warnings(read, None, lang))
    else:
        defaults = PlanOptions()
        changed = {f"--{x.replace('_', '-')}": getattr(options, x) != getattr(defaults, x) for x in OF_CLAIMS}
        refuse_unused({"in an example project": changed})
        written = jupyter.new_project(
            folder, name=name, currency=currency or "KRW", lang=lang, loss_unit=loss_unit
        )
        locale = text.Locale(lang)
        place = shlex.quote(one_line(folder, jupyter.MAX_PATH_LENGTH))
        following = locale("terminal.new_next", folder=place)
        print_warnings([following, *(locale(f"terminal.new_{x}") for x in ("lab", "then", "inspect"))])
    if as_json:
        print_json({"project": str(written)})
        return
    print_line(one_line(written, jupyter.MAX_PATH_LENGTH))


@commands.command()
@expand_options()
def lab(
    folder: Annotated[Path, typer.Argument(help="Folder of notebooks.")] = Path("notebooks"),
    *,
    browser: Annotated[bool, "Open it in a browser."] = True,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Port to listen on. By default 8888 or the next.")
    ] = None,
) -> None:
    """Open a folder of notebooks in JupyterLab, on its welcome page, without network requests.

    Example:
        outage-analysis lab notebooks --no-browser --port 8890
    """
    jupyter.open_lab(folder, port=port, browser=browser)


@notebook_commands.command("run")
@expand_options()
def run_notebook(
    name: Annotated[
        str,
        typer.Argument(metavar="NOTEBOOK", help="Name of a bundled notebook, or path to one of your own."),
    ],
    *,
    param: Annotated[
        list[str] | None,
        "NAME=VALUE in place of a value in the notebook's cell tagged `parameters`; repeat for more.",
    ] = None,
    out: Annotated[Path | None, "Page to write; by default the notebook's name with .html."] = None,
    lang: Annotated[
        str | None, "Language of charts and tables: en or ko. By default the notebook's language."
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
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # ends the kernel, too
    parameters = parse_pairs(param or (), "--param", "budget=300_000_000")
    with progress(lang or "en") as step:
        page = jupyter.run_notebook(
            name, out, parameters=parameters, lang=lang, code=code, force=force, progress=step
        )
    if as_json:
        print_json({"page": str(page)})
    else:
        print_line(str(page))
