"""The commands that work on complaint files: read them, count them, make synthetic ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outage_analysis.console import (
    print_inspection,
    print_json,
    print_line,
    print_quality,
    print_table,
    progress,
    tell_rejects,
)
from outage_analysis.errors import UsageError
from outage_analysis.options import (
    ColumnPages,
    Files,
    Incident,
    Json,
    MaxRejects,
    Policy,
    read_under,
    share,
)

if TYPE_CHECKING:  # heavy: `--help` does without it
    from outage_analysis.claims import Claims
    from outage_analysis.incidents import Bands
    from outage_analysis.losses import Cube, KeptCube

complaints = typer.Typer()
UNSEEN = (
    "duplicates across files cannot be checked in a bare cube; where a claim may be in two files, use "
    "ingest --add with a warehouse file"
)
"""Said whenever cubes are added."""


@complaints.command()
def ingest(
    files: Files,
    *,
    incident: Incident = "kakao-2022",
    columns: ColumnPages = None,
    max_rejects: MaxRejects = "5%",
    out: Annotated[
        Path | None,
        typer.Option(help="Keep the claims: .parquet for others, .duckdb as a warehouse file to add to."),
    ] = None,
    add: Annotated[bool, typer.Option("--add", help="Add the files to the warehouse file --out.")] = False,
    as_json: Json = False,
) -> None:
    """Read complaint files and account for every row: rows = claims + rejects.

    Prints what the files were like, the rules broken, and the first rejects with file, row, column,
    value and remedy, personal data masked. Examples:

        outage-analysis ingest complaints.xlsx --incident my-outage.toml --columns call-centre.toml

        outage-analysis ingest exports/ --out claims.duckdb
    """
    from outage_analysis.analysis import DisplayUnits
    from outage_analysis.claims import STORE, read_claims, save_claims
    from outage_analysis.incidents import load_incident, load_layout
    from outage_analysis.losses import quality_report

    if add and (out is None or out.suffix != STORE):
        raise UsageError("--add needs the warehouse file to add to", remedy=f"Name it: --out claims{STORE}.")
    if out and out.exists() and not add:
        remedy = "Choose another --out, or give --add." if out.suffix == STORE else "Choose another --out."
        raise UsageError("exists already", file=out, remedy=remedy)
    with progress() as step, read_under(incident):
        step("reading the files")
        claims = read_claims(
            files,
            load_incident(incident),
            layouts=[load_layout(page) for page in columns or ()],
            max_rejects=share(max_rejects),
            onto=out if add else None,
        )
        if out:
            step("writing the claims")
            save_claims(claims, out)
    quality = quality_report(claims)
    if as_json:
        print_json({**quality, "written": str(out) if out else None})
    else:
        print_quality(quality, DisplayUnits.of(claims.incident))
        if out:
            print_line(str(out))


@complaints.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="One complaint file.")],
    *,
    incident: Incident = "kakao-2022",
    columns: Annotated[str | None, typer.Option(help="Layout page with what is known already.")] = None,
    sheet: Annotated[str | None, typer.Option(help="The sheet of a workbook.")] = None,
    toml: Annotated[bool, typer.Option("--toml", help="Print the proposed layout page alone.")] = False,
    as_json: Json = False,
) -> None:
    """Look into a file nobody has seen yet, and propose the layout page that reads it.

    Shows the columns with their types, notations, missing shares and personal data, the first rows
    (masked), the services and claimant types that no alias covers, and how many claimants there are.
    What it looks for is what the incident says: name your own. Example:

        outage-analysis inspect complaints.xlsx --incident my-outage.toml --toml > call-centre.toml
    """
    from outage_analysis.claims import inspect_file
    from outage_analysis.incidents import Layout, load_incident, load_layout

    known = load_layout(columns) if columns else Layout()
    if sheet:
        known = known.model_copy(update={"sheet": sheet})
    with progress() as step, read_under(incident):
        step("reading the file")
        found = inspect_file(file, load_incident(incident), layout=known)
    if toml:
        print_line(found.page.rstrip())
    elif as_json:
        tables = {
            "columns": found.columns,
            "rows": found.rows,
            "strangers": found.strangers,
            "proposals": found.proposals,
        }
        words = ("name", "encoding", "dialect", "records", "unreadable", "claimants", "page")
        print_json(
            {locale: getattr(found, locale) for locale in words}
            | {n: t.to_dicts() for n, t in tables.items()}
        )
    else:
        print_inspection(found)


@complaints.command()
def cube(
    files: Files,
    *,
    incident: Incident = "kakao-2022",
    policy: Policy = None,
    columns: ColumnPages = None,
    by: Annotated[
        str,
        typer.Option(
            help="Dimensions, separated by commas: service, claimant_type, filed_on or one of the incident's."
        ),
    ] = "service,claimant_type",
    out: Annotated[Path | None, typer.Option(help="Write .csv or .parquet instead of printing.")] = None,
    add: Annotated[
        Path | None,
        typer.Option(help="A cube written as .parquet before: add its counts; --out may be the same file."),
    ] = None,
    max_rejects: MaxRejects = "5%",
    as_json: Json = False,
) -> None:
    """Aggregate claims by dimensions and loss band: claims, loss, loss squared.

    Bands are a fine grid with the policy's edges. A band holds losses over `over`, up to and including
    `up_to`; both empty means unknown. A .parquet also says which files, rules and bands it is of, so that
    the files of another month can be added. Examples:

        outage-analysis cube complaints.csv --by service --out cube.parquet

        outage-analysis cube more.csv --by service --add cube.parquet --out cube.parquet
    """
    from outage_analysis.analysis import DisplayUnits, policy_of
    from outage_analysis.claims import read_claims
    from outage_analysis.incidents import Bands, load_incident, load_layout, log_grid
    from outage_analysis.losses import build_cube, load_cube

    replaced = _refuse_unkept(out, add)
    page = load_incident(incident)
    edges = policy_of(page, policy)
    bands = Bands.from_cuts(log_grid(), edges.breakpoints if edges else ())
    before = load_cube(add) if add else None
    with progress() as step, read_under(incident):
        step("reading the files")
        layouts = [load_layout(page) for page in columns or ()]
        claims = read_claims(files, page, layouts=layouts, max_rejects=share(max_rejects))
        step("building the cube")
        built = build_cube(claims, dimensions=tuple(d.strip() for d in by.split(",")), bands=bands)
    tell_rejects(claims)
    if out:
        _write_cube(built, claims, bands, out, before, replaced=replaced)
        print_line(str(out))
    elif as_json:
        print_json({"synthetic": built.synthetic, "rows": built.rows.to_dicts()})
    else:
        sums, title = DisplayUnits.of(page), "Synthetic rows" if built.synthetic else "Claims by band"
        print_table(built.rows, sums.titled(title, built.rows), sums)


def _refuse_unkept(out: Path | None, add: Path | None) -> bool:
    """Refuse a cube that could not be written; whether it takes the place of the one added to."""
    if add and (out is None or out.suffix != ".parquet"):
        raise UsageError("--add needs a file for the sum", remedy="Name it: --out both.parquet.")
    replaced = bool(add and out and out.exists() and add.exists() and out.samefile(add))
    if out and out.exists() and not replaced:
        raise UsageError("exists already", file=out, remedy="Choose another --out.")
    return replaced


def _write_cube(
    built: Cube, claims: Claims, bands: Bands, out: Path, before: KeptCube | None, *, replaced: bool
) -> None:
    """Write the rows alone as .csv, or a bare cube as .parquet, added to the one before."""
    from outage_analysis.losses import keep, merged, save_cube
    from outage_analysis.reports import write_table

    if out.suffix != ".parquet":
        write_table(built.rows, out)
        return
    kept = keep(built, claims, bands=bands)
    save_cube(merged(before, kept) if before else kept, out, onto=before if replaced else None)
    if before:
        typer.echo(UNSEEN, err=True)


@complaints.command()
def synth(
    *,
    assumptions: Annotated[
        str, typer.Option(help="Bundled id, or path to the TOML of what is assumed.")
    ] = "kakao-2022",
    incident: Incident = "kakao-2022",
    seed: Annotated[
        int, typer.Option(min=0, help="Another seed, other rows; the published margins stay.")
    ] = 20221015,
    rows: Annotated[
        int | None,
        typer.Option(help="How many, as 10_000_000, in the published proportions. By default as published."),
    ] = None,
    dirty: Annotated[
        str, typer.Option(help="Further rows that each break one rule, as a share of the rows: 2% or 0.02.")
    ] = "0%",
    text: Annotated[bool, typer.Option("--text", help="Add what each complaint says, in Korean.")] = False,
    out: Annotated[
        Path, typer.Option(help="File to write, .csv or .parquet, with 'synthetic' in its name.")
    ] = Path("kakao-2022-synthetic.csv"),
    as_json: Json = False,
) -> None:
    """Write synthetic complaints that match the published margins exactly.

    They serve the pipeline, tests and teaching. They are not findings about the incident, and no
    headline figure depends on them. With --dirty, the rows that `ingest` must reject are told by rule,
    so that its account can be checked. Examples:

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

    page, about = load_synthetic(assumptions), load_incident(incident)
    clean = row_count(page, rows)
    dirt = dirt_counts(clean, share(dirty, "--dirty"), about, csv=out.suffix == ".csv")
    with progress() as step:
        step("drawing synthetic complaints")
        write_synthetic(
            synthetic_chunks(page, about, seed=seed, rows=rows, text=text, dirt=dirt), out, seed=seed
        )
    if as_json:
        print_json({"file": str(out), "rows": clean + sum(dirt.values()), "rejects": dirt})
        return
    for rule, count in dirt.items():
        typer.echo(f"broken by {count:,}: {rule}", err=True)
    print_line(str(out))
