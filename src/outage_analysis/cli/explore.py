"""The commands that explore claims: `query`, `distribution` of losses, and `intake` for claims to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from outage_analysis import analysis, claims, incidents, text
from outage_analysis.cli.console import print_warnings, progress
from outage_analysis.cli.option_values import parse_pairs, parse_share
from outage_analysis.cli.options import (
    Counts,
    Dimensions,
    Level,
    Output,
    Policy,
    ReadOptions,
    Recovery,
    expand_options,
)
from outage_analysis.errors import UsageError
from outage_analysis.text import Note

commands = typer.Typer()


@commands.command()
@expand_options()
def query(
    name: Annotated[
        str | None, typer.Argument(help="Name of a query. Without a name, the queries are listed.")
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Complaint files. By default the bundled synthetic file of the incident."),
    ] = None,
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
    with progress(output.lang) as step:
        step(Note("step_reading_the_files"))
        complaints = reading.read_claims(files)
        rows = complaints.exact_rows(name)
    print_warnings(analysis.input_warnings(complaints, None, output.lang))
    title = text.synthetic_mark(locale, synthetic=complaints.synthetic) + locale(f"terminal.query_{name}")
    incident, schema = complaints.incident, text.schema_of(f"query.{name}")
    shown, names = text.ShownTable(title, rows, schema), incident.display_names(output.lang)
    locale = incident.locale(output.lang)
    whole = schema.whole(rows, locale.places).to_dicts()
    values = {"query": name, "synthetic": complaints.synthetic, "rows": whole}
    output.print(values, text.Answer(locale, tables=[shown], names=names))


@commands.command()
@expand_options()
def distribution(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Complaint files. By default the bundled synthetic file of the incident."),
    ] = None,
    *,
    reading: ReadOptions,
    policy: Policy = None,
    counts: Counts = None,
    grouped: Annotated[
        str | None, "A printed table of losses instead of claims: bundled id, or path to its TOML file."
    ] = None,
    by: Dimensions = "service",
    where: Annotated[
        list[str] | None, "Only claims with this value, as service=kakao_t; repeat for more."
    ] = None,
    fit: Annotated[
        bool, typer.Option("--fit", help="Fit severity distributions to the losses above zero.")
    ] = False,
    family: Annotated[list[str] | None, "A family to fit; repeat for more. By default all."] = None,
    top: Annotated[
        str | None,
        "What lies above the last edge of totals or of a printed table: open, closed or truncated. "
        "By default as the table states.",
    ] = None,
    level: Level = "95%",
    recovery: Recovery = False,
    output: Output,
) -> None:
    """Print the distribution of losses: by band, means, quantiles, heaping; fit distributions.

    The losses come from claims, from totals (--counts), or from a printed table of losses (--grouped). The
    command refuses to fit synthetic claims, unless --recovery marks this as a test. Examples:

        outage-analysis distribution complaints.csv --by service

        outage-analysis distribution --grouped dental-claims
    """
    if grouped:
        unused = {"FILES": files, "--counts": counts, "--policy": policy, "--where": where}
        _refuse_unused("with --grouped", {**unused, **_about_files(reading)})
    else:
        _refuse_unused("with --counts", {"FILES": files if counts else None})
        _refuse_unused("with claims", {"--top": None if counts else top})
        _refuse_unused("without files", {} if files else _about_files(reading))
        _refuse_unused("without --fit", {"--family": None if fit else family})
    question = analysis.Question(
        by=_parse_list(by, "--by"),
        where=_parse_where(where or ()),
        fit=fit,
        families=tuple(family or ()),
        top=top,
        level=parse_share(level, "--level"),
        recovery=recovery,
    )
    with progress(output.lang) as step:
        step(Note("step_reading_the_losses"))
        if grouped:
            result = analysis.explore_grouped(grouped, question, "en" if output.as_json else output.lang)
        else:
            claims = reading.read_claims(files) if files else None
            result = analysis.explore(claims, reading.incident, policy, counts, question)
    output.emit(result)


@commands.command()
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
    _refuse_unused("with files" if files else "without files", unused)
    if by_day:
        _refuse_unused("with --by-day", {"--extend-to": extend_to, "--by": by})
    with progress(output.lang) as step:
        step(Note("step_reading_the_counts"))
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
            result = analysis.forecast_by_day(source, until, **options | {"spike": spike or 0.0})
        else:
            options |= {"extend_to": analysis.as_day(extend_to, "--extend-to"), "hindsight": hindsight}
            result = analysis.forecast_intake(source, until, by=analysis.as_day(by, "--by"), **options)
    output.emit(result)


def _parse_list(text: str, option: str) -> tuple[str, ...]:
    """Parse a list of words that are separated by commas.

    Raises:
        UsageError: one of the words is empty.
    """
    words = tuple(word.strip() for word in text.split(","))
    if not all(words):
        raise UsageError(f"{option} has an empty word", value=text, remedy="Write words with commas between.")
    return words


def _parse_where(texts: Sequence[str]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for given in texts:  # one by one, because a dimension may have several values
        for dimension, value in parse_pairs([given], "--where", "service=kakao_t").items():
            values.setdefault(dimension, []).append(value)
    return values


def _about_files(reading: ReadOptions) -> dict[str, object]:
    about = {f"--{x}": getattr(reading, x) for x in ("columns", "encoding", "currency", "scale", "column")}
    return about | {"--max-rejects": reading.max_rejects != ReadOptions.max_rejects}


def _refuse_unused(context: str, options: Mapping[str, object]) -> None:
    """Raise an error if the user gave an option that has no effect here, such as --series with files."""
    unused = next((name for name, value in options.items() if value), None)
    if unused:
        raise UsageError(f"{unused} has no meaning {context}", remedy="Leave it out.")
