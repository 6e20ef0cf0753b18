"""The command `synth`, which writes synthetic complaints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from outage_analysis.cli.console import print_json, print_line, progress
from outage_analysis.cli.options import BUNDLED, Incident, Json, Language

commands = typer.Typer()

Rows = Annotated[
    int | None,
    typer.Option(
        help="Number of rows, such as 10_000_000, in the published proportions. By default the published "
        "number."
    ),
]


@commands.command()
def synth(
    *,
    assumptions: Annotated[
        str, typer.Option(help="Bundled id, or path to the TOML file of what is assumed.")
    ] = BUNDLED,
    incident: Incident = BUNDLED,
    seed: Annotated[
        int,
        typer.Option(min=0, help="Another seed gives other rows; the totals still match the published ones."),
    ] = 20221015,
    rows: Rows = None,
    text: Annotated[bool, typer.Option("--text", help="Add the text of each complaint, in Korean.")] = False,
    out: Annotated[
        Path, typer.Option(help="File to write, .csv or .parquet, with 'synthetic' in its name.")
    ] = Path("kakao-2022-synthetic.csv"),
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Write synthetic complaints whose totals match the published totals exactly.

    Use these complaints to test the program and for teaching. They are not findings about the incident, and
    no headline figure depends on them. Examples:

        outage-analysis synth --seed 7 --out my-synthetic.csv

        outage-analysis synth --rows 10_000_000 --text --out big-synthetic.csv
    """
    from outage_analysis.claims import load_synthetic, row_count, synthetic_chunks, write_synthetic
    from outage_analysis.incidents import load_incident
    from outage_analysis.text import Locale

    Locale(lang)  # an unknown language is refused before anything is written
    recipe, about = load_synthetic(assumptions), load_incident(incident)
    with progress(lang) as step:
        step("drawing synthetic complaints")
        chunks = synthetic_chunks(recipe, about, seed=seed, rows=rows, text=text)
        write_synthetic(chunks, out, seed=seed)
    if as_json:
        print_json({"file": str(out), "rows": row_count(recipe, rows)})
        return
    print_line(str(out))
