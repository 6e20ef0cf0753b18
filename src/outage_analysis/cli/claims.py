"""The commands for complaint files: `ingest`, `inspect` and `cube`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from outage_analysis import analysis, claims, files, incidents, jupyter, losses, policies, reports, text
from outage_analysis.cli.console import print_answer, print_json, print_line, print_warnings, progress
from outage_analysis.cli.option_values import parse_edges
from outage_analysis.cli.options import (
    Currency,
    Dimensions,
    Encoding,
    Output,
    ReadOptions,
    expand_options,
    language_option,
    option_words,
    suggest_command,
)
from outage_analysis.errors import UsageError, one_line
from outage_analysis.text import Note

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
        Path | None, "Save the claims: .parquet for other tools, .duckdb as a warehouse file."
    ] = None,
    output: Output,
) -> None:
    """Read complaint files, and count for each file how many rows are claims and how many are rejected.

    Prints a summary of each file, the rules that rows break, and the first rejected rows with file, row,
    column, value and remedy. Personal data are masked. Examples:

        outage-analysis ingest complaints.xlsx --incident my-outage.toml --columns call-centre.toml

        outage-analysis ingest exports/ --out claims.duckdb
    """
    lang = output.lang
    if out and out.exists():
        raise UsageError("exists already", file=out, remedy="Choose another --out.")
    with progress(lang) as step:
        step(Note("step_reading_the_files"))
        complaints = options.read_claims(files)
        if out:
            step(Note("step_writing_the_claims"))
            claims.save_claims(complaints, out)
    quality = losses.ClaimsQuality(complaints)
    if output.as_json:
        print_json({**quality.to_dict(), "written": str(out) if out else None})
        return
    print_answer(quality.answer(lang))
    if out:
        print_line(str(out))


@dataclass(frozen=True, kw_only=True)
class InspectOptions:
    """The options of `inspect` that state what is known about the file."""

    incident: Annotated[
        str | None,
        "Bundled id, or path to an incident's TOML file. By default the incident that the file describes.",
    ] = None
    columns: Annotated[str | None, "TOML file with the part of the layout that you know already."] = None
    encoding: Encoding = None
    currency: Currency = None
    sheet: Annotated[str | None, "The sheet of a workbook."] = None


@commands.command()
@expand_options()
def inspect(
    file: Annotated[Path, typer.Argument(help="One complaint file.")],
    *,
    options: InspectOptions,
    toml: Annotated[bool, typer.Option("--toml", help="Print only the proposed layout.")] = False,
    output: Output,
) -> None:
    """Inspect an unknown complaint file, and propose a layout (TOML file that maps columns) to read it.

    Prints the columns with their types, notations, missing shares and personal data, the first rows (masked),
    the names of services and claimant types that the incident does not know, and the number of claimants. The
    incident determines which columns and services are expected: that of --incident or, by default, the one
    that the file describes. Example:

        outage-analysis inspect complaints.xlsx --incident my-outage.toml --toml > call-centre.toml
    """
    lang = output.lang
    layout = incidents.load_layout(options.columns) if options.columns else incidents.Layout()
    if options.sheet:
        layout = layout.model_copy(update={"sheet": options.sheet})
    with progress(lang) as step:
        step(Note("step_reading_the_file"))
        known = incidents.load_incident(options.incident) if options.incident else None
        inspection = claims.inspect_file(
            file, known, layout=layout, encoding=options.encoding, currency=options.currency or ""
        )
    if toml:
        print_line(inspection.layout_toml.rstrip())
    elif output.as_json:
        values = ("name", "encoding", "dialect", "records", "unreadable", "claimants", "layout_toml")
        tables = ("columns", "rows", "strangers", "amounts", "proposals")
        print_json(
            {name: getattr(inspection, name) for name in values}
            | {name: getattr(inspection, name).to_dicts() for name in tables}
        )
    else:
        print_answer(_inspection_answer(inspection, inspection.incident.locale(lang)))
        print_line("")
        print_line(inspection.layout_toml.rstrip())
        # The shell empties the file behind `>` first, so it must be no file that exists.
        layout_file = "new-layout.toml" if Path("layout.toml").exists() else "layout.toml"
        suggest_command(
            *("inspect", jupyter.shell_path(file), *option_words(options), "--toml", f"> {layout_file} &&"),
            *("outage-analysis ingest", jupyter.shell_path(file)),
            *option_words(options, "columns", "encoding", "sheet"),
            f"--columns {layout_file}",
            *language_option(lang),
            lang=lang,
        )


def _inspection_answer(inspection: claims.Inspection, locale: text.Locale) -> text.Answer:
    # The comments of the layout are English in every language, because the layout is a file.
    import polars as pl

    count = f"{inspection.unreadable:,}"
    unreadable = locale("terminal.inspect_unreadable", count=count) if inspection.unreadable else ""
    dialect = f", {one_line(locale.note(inspection.dialect))}" if inspection.dialect else ""
    about = {"name": one_line(inspection.name), "format": f"{inspection.encoding}{dialect}"}
    about |= {"count": f"{inspection.records:,}", "unreadable": unreadable}
    # The word `nothing` means "no payment" in all other tables.
    columns = inspection.columns.with_columns(pl.col("reads_as").replace("nothing", "no_values"))
    hidden = {shown: locale(f"word.{shown}") for shown in ("(personal)", "(text)", "(free text)")}
    rows = inspection.rows.with_columns(pl.col(pl.String).replace(hidden))
    parts: list[text.ShownTable | str] = [
        text.ShownTable(locale("terminal.inspect_columns"), columns, text.schema_of("claims.columns")),
        text.ShownTable(locale("terminal.inspect_rows"), rows),
    ]
    amounts = text.schema_of("claims_amounts")
    losses_read = amounts.smallest(inspection.amounts, locale.places)
    further = (
        ("terminal.inspect_strangers", inspection.strangers, text.schema_of("claims.unknown_names")),
        ("report.quality_amounts", losses_read, amounts),
    )
    parts += [text.ShownTable(locale(title), table, schema) for title, table, schema in further if len(table)]
    if inspection.claimants is not None:
        parts.append(locale("terminal.inspect_claimants", count=f"{inspection.claimants:,}"))
    return text.Answer(locale, [locale("terminal.inspect_file", **about)], parts)


@commands.command()
@expand_options()
def cube(
    files: Files,
    *,
    options: ReadOptions,
    by: Dimensions = "service,claimant_type",
    bands: Annotated[
        str | None,
        "Edges of the loss bands, in whole currency or in the unit of the losses, as "
        "0,300000,500000. By default a fine grid.",
    ] = None,
    policy: Annotated[
        str | None,
        "Also end bands at the edges of this policy: bundled id, or path to its TOML file. Without "
        "--bands, by default the bundled policy of the incident, if there is one.",
    ] = None,
    out: Annotated[Path | None, "Write .csv or .parquet instead of printing."] = None,
    output: Output,
) -> None:
    """Aggregate claims by dimensions and loss band: number of claims, sum of losses, sum of squared losses.

    Give the edges of the loss bands with --bands. Otherwise the bands are a fine grid that includes the edges
    of the policy. In JSON and files, a band contains losses over `over`, up to and including `up_to`. Both
    are empty in the band of unknown losses. Examples:

        outage-analysis cube complaints.csv --by service --bands 0,300000,500000

        outage-analysis cube complaints.csv --by service --out cube.parquet
    """
    if out and out.exists():
        raise UsageError("exists already", file=out, remedy="Choose another --out.")
    with progress(output.lang) as step:
        step(Note("step_reading_the_files"))
        complaints = options.read_claims(files)
        loss_bands = _cube_bands(complaints.incident, bands, policy)
        step(Note("step_building_the_cube"))
        dimensions = tuple(name.strip() for name in by.split(","))
        built = losses.build_cube(complaints, dimensions=dimensions, bands=loss_bands)
    print_warnings(analysis.input_warnings(complaints, None, output.lang))
    rows, locale = losses.null_unstated_sums(built.frame), complaints.incident.locale(output.lang)
    whole = text.schema_of("distribution.cube").whole(rows, locale.places)
    if out is None:
        title = locale("terminal.cube_synthetic" if built.synthetic else "terminal.cube")
        shown = text.ShownTable(title, rows, text.schema_of("distribution.cube"))
        values = {"synthetic": built.synthetic, "rows": whole.to_dicts()}
        output.print(values, text.Answer(locale, tables=[shown]))
        return
    if out.suffix == claims.PARQUET_SUFFIX:
        losses.save_cube(built, out, claims=complaints)
    else:
        reports.write_table(whole, out)
    print_line(str(out))


def _cube_bands(incident: incidents.Incident, edges: str | None, policy: str | None) -> incidents.Bands:
    """Return the loss bands of a cube: those of --bands or a fine grid, cut at the edges of the policy."""
    if policy is None and edges is None and incident.id in files.bundled_ids("policies"):
        policy = incident.id
    cuts: tuple[int, ...] = ()
    if policy is not None:
        document = policies.load_policy(policy)
        policies.check_same_units(document, incident)
        cuts = document.breakpoints
    ends = incidents.log_grid() if edges is None else parse_edges(edges, incident.loss_digits)
    return incidents.Bands.from_cuts(ends, cuts)
