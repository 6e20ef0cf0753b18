"""The command `synth`, which writes synthetic complaints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outage_analysis.cli.console import print_json, print_line, progress
from outage_analysis.cli.option_values import parse_share
from outage_analysis.cli.options import BUNDLED, Incident, Json, Language

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    from outage_analysis.text import Locale

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
    dirty: Annotated[
        str,
        typer.Option(help="Add rows that each break one rule, as a share of the rows: 2% or 0.02."),
    ] = "0%",
    text: Annotated[bool, typer.Option("--text", help="Add the text of each complaint, in Korean.")] = False,
    out: Annotated[
        Path, typer.Option(help="File to write, .csv or .parquet, with 'synthetic' in its name.")
    ] = Path("kakao-2022-synthetic.csv"),
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Write synthetic complaints whose totals match the published totals exactly.

    Use these complaints to test the program and for teaching. They are not findings about the incident, and
    no headline figure depends on them. With --dirty, the command prints how many rows `ingest` must reject
    for each rule. Examples:

        outage-analysis synth --seed 7 --out my-synthetic.csv

        outage-analysis synth --rows 10_000_000 --dirty 2% --text --out big-synthetic.csv
    """
    from outage_analysis.claims import (
        dirt_counts,
        load_synthetic,
        row_count,
        synthetic_chunks,
        write_synthetic,
    )
    from outage_analysis.incidents import load_incident
    from outage_analysis.text import Locale

    locale = Locale(lang)  # an unknown language is refused before anything is written
    recipe, about = load_synthetic(assumptions), load_incident(incident)
    clean = row_count(recipe, rows)
    dirt = dirt_counts(clean, parse_share(dirty, "--dirty"), about, csv=out.suffix == ".csv")
    with progress(lang) as step:
        step("drawing synthetic complaints")
        chunks = synthetic_chunks(recipe, about, seed=seed, rows=rows, text=text, dirt=dirt)
        write_synthetic(chunks, out, seed=seed)
    if as_json:
        print_json({"file": str(out), "rows": clean + sum(dirt.values()), "rejects": dirt})
        return
    _warn_of_dirt(dirt, locale)
    print_line(str(out))


def _warn_of_dirt(dirt: Mapping[str, int], locale: Locale) -> None:
    """Print on stderr how many rows break each rule, so that `ingest` must reject them."""
    for rule, count in dirt.items():
        broken = locale("terminal.synth_broken", count=f"{count:,}", rule=locale(f"rule.{rule}"))
        typer.echo(broken, err=True)
