"""The commands for complaint files: `ingest`, `inspect` and `cube`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outage_analysis.cli.console import (
    print_json,
    print_line,
    print_table,
    print_text,
    progress,
    warn_of_rejects,
)
from outage_analysis.cli.cube_bands import CubePolicy, Edges, cube_bands
from outage_analysis.cli.next_commands import cost_command, inspect_command, language_option, suggest_command
from outage_analysis.cli.options import (
    BUNDLED,
    Dimensions,
    Encoding,
    Incident,
    Json,
    Language,
    ReadOptions,
    expand_options,
    mention_default_incident,
    option_words,
)
from outage_analysis.errors import UsageError, one_line

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    import polars as pl

    from outage_analysis.claims import Inspection
    from outage_analysis.losses import Cube
    from outage_analysis.text import Locale

commands = typer.Typer()

Files = Annotated[
    list[Path], typer.Argument(help="Complaint files, folders, patterns in quotes, or one warehouse file.")
]


@commands.command()
@expand_options()
def ingest(
    files: Files,
    *,
    options: ReadOptions,
    out: Annotated[
        Path | None,
        typer.Option(help="Save the claims: .parquet for other tools, .duckdb as a warehouse file."),
    ] = None,
    add: Annotated[bool, typer.Option("--add", help="Add the files to the warehouse file --out.")] = False,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Read complaint files, and count for each file how many rows are claims and how many are rejected.

    Prints a summary of each file, the rules that rows break, and the first rejected rows with file, row,
    column, value and remedy. Personal data are masked. Examples:

        outage-analysis ingest complaints.xlsx --incident my-outage.toml --columns call-centre.toml

        outage-analysis ingest exports/ --out claims.duckdb
    """
    from outage_analysis.claims import STORE_SUFFIX, save_claims
    from outage_analysis.incidents import load_incident
    from outage_analysis.losses import quality_report
    from outage_analysis.text import Locale

    Locale(lang)  # an unknown language is refused before anything is read
    if add and (out is None or out.suffix != STORE_SUFFIX):
        raise UsageError(
            "--add needs the warehouse file to add to", remedy=f"Name it: --out claims{STORE_SUFFIX}."
        )
    if out and out.exists() and not add:
        remedy = (
            "Choose another --out, or give --add." if out.suffix == STORE_SUFFIX else "Choose another --out."
        )
        raise UsageError("exists already", file=out, remedy=remedy)
    with progress(lang) as step, mention_default_incident(options.incident):
        step("reading the files")
        claims = options.read_claims(files, load_incident(options.incident), add_to=out if add else None)
        if out:
            step("writing the claims")
            save_claims(claims, out)
    quality = quality_report(claims, "en" if as_json else lang)
    if as_json:
        print_json({**quality, "written": str(out) if out else None})
        return
    _print_quality(quality, claims.incident.locale(lang))
    if out:
        print_line(str(out))
    words = (
        cost_command(claims, options, [out] if out else files, stored=out is not None)
        if len(claims)
        else inspect_command(options, files[0])
    )
    suggest_command(*words, *language_option(lang), lang=lang)


def _print_quality(quality: dict[str, Any], locale: Locale) -> None:
    import polars as pl

    from outage_analysis.analysis import currency_if_converted
    from outage_analysis.claims import CONTROL_TOTALS
    from outage_analysis.losses import BROKEN_RULES, CLAIMANTS, HEAPING, QUALITY

    files = pl.DataFrame(quality["files"], schema_overrides={"dialect": pl.String})
    title = locale("terminal.ingest_files")
    print_table(_with_notes(files, "dialect", locale), title, QUALITY, locale=locale)
    if quality["rules"]:
        print_table(
            pl.DataFrame(quality["rules"]), locale("terminal.ingest_rules"), BROKEN_RULES, locale=locale
        )
    for line in quality["first_rejects"]:
        print_text(line)
    if quality["rejects"] > len(quality["first_rejects"]):
        more = quality["rejects"] - len(quality["first_rejects"])
        print_text(locale("terminal.ingest_more", count=f"{more:,}"))
    amounts = pl.DataFrame(quality["amounts"], schema=CONTROL_TOTALS.dtypes)
    print_table(amounts, locale("report.quality_amounts"), CONTROL_TOTALS, locale=locale)
    claimants = pl.DataFrame(quality["claimants"])
    print_table(claimants, locale("terminal.ingest_claimants"), CLAIMANTS, locale=locale)
    if quality["heaping"]:
        heaping = pl.DataFrame(quality["heaping"])
        currency = currency_if_converted(heaping, HEAPING, locale)
        title = locale("terminal.ingest_heaping")
        title += locale("terminal.sums", currency=currency) if currency else ""
        print_table(heaping, title, HEAPING, locale=locale)
    for name in quality["skipped"]:
        print_text(locale("terminal.ingest_skipped", name=one_line(name)))
    counts = {name: f"{quality[name]:,}" for name in ("rows", "claims", "rejects")}
    key = "terminal.ingest_sum_synthetic" if quality["synthetic"] else "terminal.ingest_sum"
    print_text(locale(key, **counts))


@dataclass(frozen=True, kw_only=True)
class InspectOptions:
    """The options of `inspect` that state what is known about the file."""

    incident: Incident = BUNDLED
    columns: Annotated[
        str | None, typer.Option(help="TOML file with the part of the layout that you know already.")
    ] = None
    encoding: Encoding = None
    sheet: Annotated[str | None, typer.Option(help="The sheet of a workbook.")] = None


@commands.command()
@expand_options()
def inspect(
    file: Annotated[Path, typer.Argument(help="One complaint file.")],
    *,
    options: InspectOptions,
    toml: Annotated[bool, typer.Option("--toml", help="Print only the proposed layout.")] = False,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Inspect an unknown complaint file, and propose a layout (TOML file that maps columns) to read it.

    Prints the columns with their types, notations, missing shares and personal data, the first rows (masked),
    the names of services and claimant types that the incident does not know, and the number of claimants. The
    incident determines which columns and services are expected, so name your own with --incident. Example:

        outage-analysis inspect complaints.xlsx --incident my-outage.toml --toml > call-centre.toml
    """
    from outage_analysis.claims import inspect_file
    from outage_analysis.incidents import Layout, load_incident, load_layout
    from outage_analysis.jupyter import shell_path
    from outage_analysis.text import Locale

    Locale(lang)  # an unknown language is refused before anything is read
    layout = load_layout(options.columns) if options.columns else Layout()
    if options.sheet:
        layout = layout.model_copy(update={"sheet": options.sheet})
    with progress(lang) as step, mention_default_incident(options.incident):
        step("reading the file")
        incident = load_incident(options.incident)
        inspection = inspect_file(file, incident, layout=layout, encoding=options.encoding)
    if toml:
        print_line(inspection.layout_toml.rstrip())
    elif as_json:
        values = ("name", "encoding", "dialect", "records", "unreadable", "claimants", "layout_toml")
        tables = ("columns", "rows", "strangers", "amounts", "proposals")
        print_json(
            {name: getattr(inspection, name) for name in values}
            | {name: getattr(inspection, name).to_dicts() for name in tables}
        )
    else:
        _print_inspection(inspection, incident.locale(lang))
        # The shell empties the file behind `>` first, so it must be no file that exists.
        layout_file = "new-layout.toml" if Path("layout.toml").exists() else "layout.toml"
        suggest_command(
            *("inspect", shell_path(file), *option_words(options), "--toml", f"> {layout_file} &&"),
            *("outage-analysis ingest", shell_path(file)),
            *option_words(options, "columns", "encoding", "sheet"),
            f"--columns {layout_file}",
            *language_option(lang),
            lang=lang,
        )


def _print_inspection(inspection: Inspection, locale: Locale) -> None:
    # The comments of the layout are English in every language, because the layout is a file.
    import polars as pl

    from outage_analysis.claims import CONTROL_TOTALS, INSPECTED_COLUMNS, UNKNOWN_NAMES

    unreadable = (
        locale("terminal.inspect_unreadable", count=f"{inspection.unreadable:,}")
        if inspection.unreadable
        else ""
    )
    dialect = f", {one_line(locale.note(inspection.dialect))}" if inspection.dialect else ""
    about = {"name": one_line(inspection.name), "format": f"{inspection.encoding}{dialect}"}
    count = f"{inspection.records:,}"
    print_text(locale("terminal.inspect_file", **about, count=count, unreadable=unreadable))
    # The word `nothing` means "no payment" in all other tables.
    columns = inspection.columns.with_columns(pl.col("reads_as").replace("nothing", "no_values"))
    print_table(columns, locale("terminal.inspect_columns"), INSPECTED_COLUMNS, locale=locale)
    hidden = {text: locale(f"word.{text}") for text in ("(personal)", "(text)", "(free text)")}
    rows = inspection.rows.with_columns(pl.col(pl.String).replace(hidden))
    print_table(rows, locale("terminal.inspect_rows"), locale=locale)
    if len(inspection.strangers):
        title = locale("terminal.inspect_strangers")
        print_table(_with_notes(inspection.strangers, "nearest", locale), title, UNKNOWN_NAMES, locale=locale)
    if len(inspection.amounts):
        title = locale("report.quality_amounts")
        print_table(inspection.amounts, title, CONTROL_TOTALS, locale=locale)
    if inspection.claimants is not None:
        print_text(locale("terminal.inspect_claimants", count=f"{inspection.claimants:,}"))
    print_line("")
    print_line(inspection.layout_toml.rstrip())


def _with_notes(table: pl.DataFrame, column: str, locale: Locale) -> pl.DataFrame:
    """Return a table in which the notes of one column are in the language of a locale."""
    import polars as pl

    return table.with_columns(pl.col(column).map_elements(locale.note, return_dtype=pl.String))


@commands.command()
@expand_options()
def cube(
    files: Files,
    *,
    options: ReadOptions,
    by: Dimensions = "service,claimant_type",
    bands: Edges = None,
    policy: CubePolicy = None,
    out: Annotated[Path | None, typer.Option(help="Write .csv or .parquet instead of printing.")] = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Aggregate claims by dimensions and loss band: number of claims, sum of losses, sum of squared losses.

    Give the edges of the loss bands with --bands. Otherwise the bands are a fine grid that includes the edges
    of the policy. A band contains losses over `over`, up to and including `up_to`. Both are empty in the band
    of unknown losses. Examples:

        outage-analysis cube complaints.csv --by service --bands 0,300000,500000

        outage-analysis cube complaints.csv --by service --out cube.parquet
    """
    from outage_analysis.claims import PARQUET_SUFFIX
    from outage_analysis.incidents import load_incident
    from outage_analysis.losses import build_cube, save_cube
    from outage_analysis.reports import write_table
    from outage_analysis.text import Locale

    Locale(lang)
    if out and out.exists():
        raise UsageError("exists already", file=out, remedy="Choose another --out.")
    incident = load_incident(options.incident)
    loss_bands = cube_bands(incident, bands, policy)
    with progress(lang) as step, mention_default_incident(options.incident):
        step("reading the files")
        claims = options.read_claims(files, incident)
        step("building the cube")
        dimensions = tuple(name.strip() for name in by.split(","))
        built = build_cube(claims, dimensions=dimensions, bands=loss_bands)
    warn_of_rejects(claims, lang)
    if out and out.suffix == PARQUET_SUFFIX:
        save_cube(built, claims, out)
    elif out:
        write_table(built.display_rows, out)
    if out:
        print_line(str(out))
    elif as_json:
        print_json({"synthetic": built.synthetic, "rows": built.display_rows.to_dicts()})
    else:
        _print_cube(built, incident.locale(lang))


def _print_cube(built: Cube, locale: Locale) -> None:
    from outage_analysis.analysis import currency_if_converted
    from outage_analysis.losses import CUBE_MEASURES

    rows, title = (
        built.display_rows,
        locale("terminal.cube_synthetic" if built.synthetic else "terminal.cube"),
    )
    currency = currency_if_converted(rows, CUBE_MEASURES, locale)
    heading = f"{title}{locale('terminal.sums', currency=currency)}" if currency else title
    print_table(rows, heading, CUBE_MEASURES, locale=locale)
