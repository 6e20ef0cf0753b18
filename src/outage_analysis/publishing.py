"""The command that makes a page of a notebook: `notebook run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from outage_analysis.console import print_json, print_line, progress
from outage_analysis.errors import UsageError
from outage_analysis.options import Json

publishing = typer.Typer()
notebook = typer.Typer(no_args_is_help=True, help="The notebooks, as pages that open offline.")
publishing.add_typer(notebook, name="notebook")


@notebook.command("run")
def run_(
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
        str | None, typer.Option(help="Language of charts and tables: en or ko. By default the notebook's.")
    ] = None,
    code: Annotated[
        bool, typer.Option("--code/--no-code", help="Keep the code of each cell, folded.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a page that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Execute a notebook with parameters, and export it as one offline HTML page.

    The same notebook and parameters give the same bytes. The last line on stdout is the path of the page.

    Example:
        outage-analysis notebook run 05_executive_summary --param policy=my-policy.toml --out summary.html
    """
    from outage_analysis.jupyter import run_notebook

    given: dict[str, str] = {}
    for text in param or ():
        key, equals, value = text.partition("=")
        if not equals or key.strip() in given:
            problem = "--param is given twice for one name" if equals else "--param has no value"
            raise UsageError(problem, value=text, remedy="Write each once, as in budget=300_000_000.")
        given[key.strip()] = value
    with progress() as step:
        written = run_notebook(name, out, parameters=given, lang=lang, code=code, force=force, progress=step)
    if as_json:
        print_json({"page": str(written)})
    else:
        print_line(str(written))
