"""The commands for complaint files, and those that explore them: `query`, `distribution` and `intake`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from outage_analysis import analysis, claims, incidents, losses, reports, text
from outage_analysis.cli.console import (
    MOST_MONEY_DIGITS,
    Counts,
    Currency,
    Dimensions,
    Encoding,
    Incident,
    Level,
    Output,
    Policy,
    Progress,
    ReadOptions,
    Recovery,
    expand_options,
    parse_amount,
    parse_pairs,
    parse_share,
    print_json,
    print_line,
    print_warnings,
    progress,
    refuse_unused,
)
from outage_analysis.errors import UsageError, one_line
from outage_analysis.text import Note

commands = typer.Typer()
exploring = typer.Typer()
"""The commands that explore claims."""

Files = Annotated[
    list[Path], typer.Argument(help="Complaint files, folders, patterns in quotes, or one warehouse file.")
]
ClaimFiles = Annotated[
    list[Path] | None,
    typer.Argument(help="Complaint files. By default the bundled synthetic file of the incident."),
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
    with progress(lang, Note("step_reading_the_files")) as step:
        complaints = options.read_claims(files)
        if out:
            step(Note("step_writing_the_claims"))
            claims.save_claims(complaints, out)
    quality = losses.ClaimsQuality(complaints)
    if output.as_json:
        print_json({**quality.to_dict(), "written": str(out) if out else None})
        return
    output.print_answer(quality.answer(lang))
    if out:
        print_line(str(out))


@commands.command()
@expand_options()
def inspect(
    file: Annotated[Path, typer.Argument(help="One complaint file.")],
    *,
    incident: Incident = None,
    columns: Annotated[str | None, "TOML file with the part of the layout that you know already."] = None,
    encoding: Encoding = None,
    currency: Currency = None,
    sheet: Annotated[str | None, "The sheet of a workbook."] = None,
    toml: Annotated[bool, typer.Option("--toml", help="Print only the proposed layout.")] = False,
    output: Output,
) -> None:
    """Inspect an unknown complaint file, and propose a layout (TOML file that maps columns) to read it.

    Prints the columns with their types, notations, missing shares and personal data. The incident determines
    which columns and services are expected: that of --incident or, by default, the one that the file
    describes. Example:

        outage-analysis inspect complaints.xlsx --incident my-outage.toml --toml > call-centre.toml
    """
    lang = output.lang
    layout = incidents.load_layout(columns) if columns else incidents.Layout()
    if sheet:
        layout = layout.model_copy(update={"sheet": sheet})
    with progress(lang, Note("step_reading_the_file")):
        known = incidents.load_incident(incident) if incident else None
        inspection = claims.inspect_file(
            file, known, layout=layout, encoding=encoding, currency=currency or ""
        )
    if toml:
        print_line(inspection.layout_toml.rstrip())
    elif output.as_json:
        values = ("name", "encoding", "dialect", "records", "unreadable", "layout_toml")
        tables = {name: getattr(inspection, name).to_dicts() for name in ("columns", "amounts")}
        print_json({name: getattr(inspection, name) for name in values} | tables)
    else:
        output.print_answer(_inspection_answer(inspection, inspection.incident.locale(lang)))
        print_line("")
        print_line(inspection.layout_toml.rstrip())
        print_warnings([text.Locale(lang)("terminal.inspect_next")])


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
    parts = [text.ShownTable(locale("terminal.inspect_columns"), columns, text.schema_of("claims.columns"))]
    if len(inspection.amounts):
        amounts = text.schema_of("claims_amounts")
        read = amounts.smallest(inspection.amounts, locale.places)
        parts.append(text.ShownTable(locale("report.quality_amounts"), read, amounts))
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
    out: Annotated[Path | None, "Write .csv or .parquet instead of printing."] = None,
    output: Output,
) -> None:
    """Aggregate claims by dimensions and loss band: number of claims, sum of losses, sum of squared losses.

    Give the edges of the loss bands with --bands, such as those of your policy. Otherwise the bands are a
    fine grid. In JSON and files, a band contains losses over `over`, up to and including `up_to`. Both
    are empty in the band of unknown losses. Examples:

        outage-analysis cube complaints.csv --by service --bands 0,300000,500000

        outage-analysis cube complaints.csv --by service --out cube.parquet
    """
    if out and out.exists():
        raise UsageError("exists already", file=out, remedy="Choose another --out.")
    with progress(output.lang, Note("step_reading_the_files")) as step:
        complaints = options.read_claims(files)
        digits = complaints.incident.loss_digits
        edges = incidents.log_grid() if bands is None else _parse_edges(bands, digits)
        step(Note("step_building_the_cube"))
        dimensions = tuple(name.strip() for name in by.split(","))
        built = losses.build_cube(complaints, dimensions=dimensions, bands=incidents.Bands.from_cuts(edges))
    print_warnings(analysis.input_warnings(complaints, None, output.lang))
    rows, locale = losses.null_unstated_sums(built.frame), complaints.incident.locale(output.lang)
    whole = text.schema_of("distribution.cube").whole(rows, locale.places)
    if out is None:
        title = locale("terminal.cube_synthetic" if built.synthetic else "terminal.cube")
        shown = [text.ShownTable(title, rows, text.schema_of("distribution.cube"))]
        output.print(
            {"synthetic": built.synthetic, "rows": whole.to_dicts()}, text.Answer(locale, tables=shown)
        )
        return
    if out.suffix == claims.PARQUET_SUFFIX:
        losses.save_cube(built, out, claims=complaints)
    else:
        reports.write_table(whole, out)
    print_line(str(out))


def _parse_edges(value: str, digits: int) -> tuple[int, ...]:
    """Parse edges of loss bands in whole currency, such as 0,300000 or 0,12.50, into the smallest unit."""
    amounts = (parse_amount(word.strip(), "an edge of --bands") for word in value.split(","))
    edges = tuple(text.smallest_units(amount, digits, "an edge of --bands") for amount in amounts)
    if max(edges) >= 10**MOST_MONEY_DIGITS:
        raise UsageError("an edge of --bands is too large", value=value)
    return edges


@exploring.command()
@expand_options()
def query(
    name: Annotated[
        str | None, typer.Argument(help="Name of a query. Without a name, the queries are listed.")
    ] = None,
    files: ClaimFiles = None,
    *,
    reading: ReadOptions,
    output: Output,
) -> None:
    """Run a named query on complaint files: claims by day, repeat claimants, round losses and others.

    The results are counts and sums of losses, without the ids and the texts of claims. Examples:

        outage-analysis query

        outage-analysis query losses-by-service complaints.csv
    """
    locale = text.Locale(output.lang)
    if name is None:
        listed = claims.Claims.queries()
        titles = (f"{known:<24} {locale(f'terminal.query_{known}')}" for known in listed["query"])
        output.print(listed.to_dicts(), text.Answer(locale, tables=[*titles]))
        return
    claims.named_query(name)  # Refuse an unknown name before the files are read.
    with progress(output.lang, Note("step_reading_the_files")):
        complaints = reading.read_claims(files)
        rows = complaints.exact_rows(name)
    print_warnings(analysis.input_warnings(complaints, None, output.lang))
    title = text.synthetic_mark(locale, synthetic=complaints.synthetic) + locale(f"terminal.query_{name}")
    shown, locale = text.schema_of(f"query.{name}"), complaints.incident.locale(output.lang)
    whole = shown.whole(rows, locale.places).to_dicts()
    values = {"query": name, "synthetic": complaints.synthetic, "rows": whole}
    names = complaints.incident.display_names(output.lang)
    output.print(values, text.Answer(locale, tables=[text.ShownTable(title, rows, shown)], names=names))


@exploring.command()
@expand_options()
def distribution(
    files: ClaimFiles = None,
    *,
    reading: ReadOptions,
    policy: Policy = None,
    counts: Counts = None,
    by: Dimensions = "service",
    where: Annotated[
        list[str] | None, "Only claims with this value, as service=kakao_t; repeat for more."
    ] = None,
    fit: Annotated[
        bool, typer.Option("--fit", help="Fit severity distributions to the losses above zero.")
    ] = False,
    family: Annotated[list[str] | None, "A family to fit; repeat for more. By default all."] = None,
    top: Annotated[str | None, "What lies above the last edge of totals: open, closed or truncated."] = None,
    level: Level = "95%",
    recovery: Recovery = False,
    output: Output,
) -> None:
    """Print the distribution of losses: by band, means, quantiles, heaping; fit distributions.

    The losses come from claims or from totals (--counts). The command refuses to fit synthetic claims, unless
    --recovery marks this as a test. Examples:

        outage-analysis distribution complaints.csv --by service
    """
    unused: dict[str, dict[str, object]] = {
        "with --counts": {"FILES": files if counts else None},
        "with claims": {"--top": None if counts else top},
        "without files": {} if files else _about_files(reading),
        "without --fit": {"--family": None if fit else family},
    }
    refuse_unused(unused)
    dimensions = tuple(word.strip() for word in by.split(","))
    if not all(dimensions):
        raise UsageError("--by has an empty word", value=by, remedy="Write words with commas between.")
    values: dict[str, list[str]] = {}
    for given in where or ():  # one by one, because a dimension may have several values
        for dimension, value in parse_pairs([given], "--where", "service=kakao_t").items():
            values.setdefault(dimension, []).append(value)
    probability = parse_share(level, "--level")

    def explored(_: Progress) -> analysis.Exploration:
        return analysis.explore(
            reading.read_claims(files) if files else None,
            reading.incident,
            policy,
            counts,
            by=dimensions,
            where=values,
            fit=fit,
            families=tuple(family or ()),
            top=top,
            level=probability,
            recovery=recovery,
        )

    output.emit(explored, Note("step_reading_the_losses"))


@exploring.command()
@expand_options()
def intake(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Complaint files to count by day. By default a bundled published intake."),
    ] = None,
    *,
    series: Annotated[
        str | None, "Bundled id, or path to the TOML file of a published intake. By default kakao-federation."
    ] = None,
    reading: ReadOptions,
    as_of: Annotated[
        str | None, "Use only what was public by this day (YYYY-MM-DD); of files, the claims filed by it."
    ] = None,
    closes: Annotated[str | None, "Last day of the intake (YYYY-MM-DD)."] = None,
    extend_to: Annotated[str | None, "Also forecast an extension of the deadline to this day."] = None,
    former: Annotated[
        list[str] | None, "Last day of an earlier deadline that caused a rush; repeat for more."
    ] = None,
    spike: Annotated[
        float | None,
        "Further claims on the last day, as a multiple of the claims that the curve expects on it.",
    ] = None,
    by: Annotated[str | None, "Count only up to the end of this day."] = None,
    by_day: Annotated[bool, "Forecast as on each day, beside what came."] = False,
    level: Level = "80%",
    hindsight: Annotated[bool, "Show in a separate table how the intake ended."] = True,
    recovery: Recovery = False,
    output: Output,
) -> None:
    """Forecast how many claims are still to come, for each possible deadline, with an interval.

    The forecast extrapolates growth curves from the counts of a published intake, or from claim files,
    counted by day. It uses only counts that were public, or claims that were filed, by the as-of day. If the
    counts do not determine a forecast, the command prints bounds. State with --spike whether claimants rush
    on the last day, because earlier counts cannot show this. Examples:

        outage-analysis intake --as-of 2022-10-21 --extend-to 2022-10-31

        outage-analysis intake complaints.csv --incident my-outage.toml --closes 2031-03-20 --spike 0
    """
    until = analysis.as_day(as_of, "--as-of")
    unused = {"--series": series} if files else {**_about_files(reading), "--recovery": recovery}
    not_by_day = {"--extend-to": extend_to, "--by": by} if by_day else {}
    refuse_unused({"with files" if files else "without files": unused, "with --by-day": not_by_day})

    def forecast(step: Progress) -> analysis.IntakeForecast:
        source = reading.read_claims(files) if files else incidents.load_intake(series or "kakao-federation")
        step(Note("step_weighing_growth_curves"))
        options: dict[str, Any] = {
            "closes": analysis.as_day(closes, "--closes"),
            "former": [last for day in former or () if (last := analysis.as_day(day, "--former"))],
            "level": parse_share(level, "--level"),
            "recovery": recovery,
            "spike": spike,
        }
        if by_day:
            return analysis.forecast_by_day(source, until, **options | {"spike": spike or 0.0})
        options |= {"extend_to": analysis.as_day(extend_to, "--extend-to"), "hindsight": hindsight}
        return analysis.forecast_intake(source, until, by=analysis.as_day(by, "--by"), **options)

    output.emit(forecast, Note("step_reading_the_counts"))


def _about_files(reading: ReadOptions) -> dict[str, object]:
    about = {f"--{x}": getattr(reading, x) for x in ("columns", "encoding", "currency", "scale", "column")}
    return about | {"--max-rejects": reading.max_rejects != ReadOptions.max_rejects}
