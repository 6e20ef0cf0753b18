"""The commands that explore claims: how their losses are spread, and how many are still to come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outage_analysis.console import print_json, print_named, progress, tell_rejects
from outage_analysis.errors import UsageError
from outage_analysis.options import (
    ColumnPages,
    Counts,
    Incident,
    Json,
    Level,
    MaxRejects,
    Policy,
    Recovery,
    day,
    read_under,
    share,
)

if TYPE_CHECKING:  # heavy: `--help` does without it
    from outage_analysis.analysis import Counted, DisplayUnits

exploring = typer.Typer()

SomeFiles = Annotated[
    list[Path] | None,
    typer.Argument(help="Complaint files. By default the bundled synthetic file of the incident."),
]
IntakeFiles = Annotated[
    list[Path] | None,
    typer.Argument(help="Complaint files to count by day. By default a bundled published intake."),
]
Grouped = Annotated[
    str | None,
    typer.Option(help="A printed table of losses instead of claims: bundled id, or path to its TOML."),
]
By_ = Annotated[
    str,
    typer.Option(
        help="Dimensions, separated by commas: service, claimant_type, filed_on or one of the incident's."
    ),
]
Where = Annotated[
    list[str] | None, typer.Option(help="Only claims with this value, as service=kakao_t; repeat for more.")
]
Compare = Annotated[
    str | None, typer.Option(help="Two values of the first dimension of --by, as kakao_t,kakao_pay.")
]
Fit = Annotated[bool, typer.Option("--fit", help="Fit laws of loss to the losses above zero.")]
Family = Annotated[list[str] | None, typer.Option(help="A family to fit; repeat for more. By default all.")]
Top = Annotated[
    str | None,
    typer.Option(
        help="What lies above the last edge of totals or of a printed table: open, closed or truncated. By "
        "default what the table says."
    ),
]
Series = Annotated[
    str | None,
    typer.Option(help="Bundled id, or path to the TOML of a published intake. By default kakao-federation."),
]
KnownBy = Annotated[
    str | None,
    typer.Option(help="Use only what was public (of files: filed) by this day (YYYY-MM-DD)."),
]
Closes = Annotated[str | None, typer.Option(help="Last day of the intake (YYYY-MM-DD).")]
ExtendTo = Annotated[
    str | None, typer.Option(help="Last day of a further branch: the deadline extended to it.")
]
Former = Annotated[
    list[str] | None,
    typer.Option(help="Last day of a deadline that has passed, with its rush; repeat for more."),
]
Spike = Annotated[
    float | None,
    typer.Option(help="Further claims on the last day, in multiples of what the curve expects of it."),
]
By = Annotated[str | None, typer.Option(help="Count up to the end of this day only.")]
Backtest = Annotated[
    bool, typer.Option("--backtest", help="Also forecast the later counts from the earlier ones.")
]
Hindsight = Annotated[bool, typer.Option(help="Show, apart, how it ended.")]

LATE = {
    "points": "Counts used",
    "branches": "Claims by the end of each branch, with an interval",
    "families": "The same by growth curve",
    "spread": "How far the curves are apart",
    "variance": "Variance of the claims still to come",
    "weekdays": "Weekday factors",
    "spikes": "Counts beside deadlines that have passed",
    "bounds": "Bounds of branches without a forecast",
    "backtest": "Forecasts of later counts from earlier ones alone",
    "coverage": "How many of them held",
    "hindsight": "In hindsight, and used nowhere above: how it ended",
}
"""The tables about late claims, in order, with their titles."""
SPREAD = {
    "bands": "Claims by loss band; share: of all claims of the group",
    "summary": "Means and medians of the stated losses; a median lies between its bounds",
    "quantiles": "Quantiles of the stated losses, between the bounds that the bands leave",
    "concentration": "Concentration of the losses from zero up, between bounds: Gini's coefficient, and the "
    "share of the losses that the largest claims hold",
    "heaps": "Losses stated most often; share: of the losses above zero",
    "bunching": "Losses at and beside the edges of the policy; shares: of the losses above zero",
    "shares": "Two groups: shares of all claims of each by band, with the interval of the difference",
    "differences": "Two groups: means with an interval, medians with bounds",
    "fits": "Laws fitted by maximum likelihood, likeliest first",
    "quantities": "What they say of the losses above zero: under the likeliest with its interval, averaged, "
    "and between families",
    "refused": "Families that could not be fitted",
}
"""The tables of a distribution, in order, with their titles."""


@exploring.command()
def distribution(
    files: SomeFiles = None,
    *,
    incident: Incident = "kakao-2022",
    policy: Policy = None,
    columns: ColumnPages = None,
    counts: Counts = None,
    grouped: Grouped = None,
    by: By_ = "service",
    where: Where = None,
    compare: Compare = None,
    fit: Fit = False,
    family: Family = None,
    top: Top = None,
    level: Level = "95%",
    recovery: Recovery = False,
    max_rejects: MaxRejects = "5%",
    as_json: Json = False,
) -> None:
    """Show how losses are spread: by band, means, quantiles, concentration, heaps; and fit laws to them.

    Works from claims, from totals (--counts), or from a printed table of losses (--grouped). A fit or a
    comparison of synthetic claims is refused, unless --recovery says what it is. Examples:

        outage-analysis distribution complaints.csv --by region,industry --where service=kakao_t

        outage-analysis distribution --grouped dental-claims
    """
    from outage_analysis.analysis import Question, explore, explore_grouped

    if grouped:
        idle = {"FILES": files, "--columns": columns, "--counts": counts, "--policy": policy}
        _refuse_idle("with --grouped", {**idle, "--where": where, "--compare": compare})
    else:
        _refuse_idle("with claims", {"--top": None if counts else top})
        _refuse_idle("without --fit", {"--family": None if fit else family})
    question = Question(
        by=_listed(by, "--by"),
        where=_pairs(where or []),
        compared=_listed(compare, "--compare") if compare else (),
        fit=fit,
        families=tuple(family or ()),
        top=top,
        level=share(level, "--level"),
        recovery=recovery,
    )
    with progress() as step, read_under(incident):
        step("reading the losses")
        if grouped:
            found = explore_grouped(grouped, question)
        else:
            found = explore(files, incident, policy, columns or [], counts, question, share(max_rejects))
    tell_rejects(found.claims)
    if as_json:
        shown = {name: table.to_dicts() for name, table in found.tables.items()}
        print_json({"source": found.source, "synthetic": found.synthetic, "notes": found.notes, **shown})
    else:
        mark = "Synthetic rows: " if found.synthetic else ""
        sums = None if grouped else _sums(incident, found.starts)
        print_named(found.tables, SPREAD, mark, found.notes, sums)


@exploring.command()
def intake(
    files: IntakeFiles = None,
    *,
    series: Series = None,
    incident: Incident = "kakao-2022",
    columns: ColumnPages = None,
    max_rejects: MaxRejects = "5%",
    as_of: KnownBy = None,
    closes: Closes = None,
    extend_to: ExtendTo = None,
    former: Former = None,
    spike: Spike = None,
    by: By = None,
    level: Level = "80%",
    backtest: Backtest = False,
    recovery: Recovery = False,
    hindsight: Hindsight = True,
    as_json: Json = False,
) -> None:
    """Tell how many claims are still to come: by branch, with an interval, from growth curves.

    Works from a published intake, of which only what was public by the as-of day is used, or from
    claim files, counted by day. Counts that determine no forecast give bounds. State with --spike
    whether claimants hurry on the last day: counts before that day cannot show it. Examples:

        outage-analysis intake --as-of 2022-10-21 --extend-to 2022-10-31

        outage-analysis intake complaints.csv --incident my-outage.toml --closes 2031-03-20 --spike 0
    """
    from outage_analysis.analysis import counted_on_page
    from outage_analysis.incidents import load_intake
    from outage_analysis.losses import answer

    until = day(as_of)
    idle = {"--series": series} if files else {"--columns": columns, "--recovery": recovery or None}
    _refuse_idle("with files" if files else "without files", idle)
    with progress() as step, read_under(incident):
        step("reading the counts")
        if files:
            found = _of_files(files, incident, columns or [], share(max_rejects), until, recovery=recovery)
        else:
            found = counted_on_page(load_intake(series or "kakao-federation"), until)
        step("weighing growth curves")
        passed = [last for text in former or () if (last := day(text, "--former"))]
        ends = (day(closes, "--closes"), day(extend_to, "--extend-to"))
        channel = found.channel.asked(*ends, spike, former=passed)
        tables = answer(
            channel,
            by=day(by, "--by"),
            level=share(level, "--level"),
            ended=found.ended if hindsight else None,
            tested=backtest,
        )
    if as_json:
        facts = {"source": found.source, "as_of": found.as_of, "opened": channel.opened}
        shown = {name: table.to_dicts() for name, table in tables.items()}
        print_json(facts | {"synthetic": channel.synthetic} | shown)
    else:
        mark = "Recovery, no finding: " if channel.synthetic else ""
        print_named(tables, LATE, mark, tables["left_out"]["note"])


def _of_files(
    files: list[Path],
    incident: str,
    columns: list[str],
    max_rejects: float,
    until: date | None,
    *,
    recovery: bool,
) -> Counted:
    from outage_analysis.analysis import claims_of, counted_by_day
    from outage_analysis.incidents import load_incident

    claims = claims_of(files, load_incident(incident), columns, max_rejects)
    tell_rejects(claims)
    return counted_by_day(claims, until, recovery=recovery)


def _sums(incident: str, starts: frozenset[int]) -> DisplayUnits:
    """How the sums of an incident are written, and the edges of its bands."""
    from outage_analysis.analysis import DisplayUnits
    from outage_analysis.incidents import load_incident

    return DisplayUnits.of(load_incident(incident), starts)


def _listed(text: str, option: str) -> tuple[str, ...]:
    """Words separated by commas."""
    words = tuple(word.strip() for word in text.split(","))
    if not all(words):
        raise UsageError(f"{option} has an empty word", value=text, remedy="Write words with commas between.")
    return words


def _pairs(texts: list[str]) -> dict[str, list[str]]:
    """Dimension -> values, written as service=kakao_t."""
    found: dict[str, list[str]] = {}
    for text in texts:
        dimension, sign, value = text.partition("=")
        if not (dimension and sign):
            remedy = "Write it as service=kakao_t."
            raise UsageError("--where is not a dimension and a value", value=text, remedy=remedy)
        found.setdefault(dimension, []).append(value)
    return found


def _refuse_idle(beside: str, options: Mapping[str, object]) -> None:
    """Refuse options that would do nothing: whoever gave them expects something of them."""
    idle = next((name for name, value in options.items() if value), None)
    if idle:
        raise UsageError(f"{idle} has no meaning {beside}", remedy="Leave it out.")
