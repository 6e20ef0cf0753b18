"""Claims still to come: the forecast of an open intake, day by day, and as a factor of the cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from outage_analysis import losses, text
from outage_analysis.analysis.plan import input_warnings
from outage_analysis.assumptions import LateClaims, Ledger
from outage_analysis.errors import InputRefused, ModelRefused, UsageError, check_level
from outage_analysis.incidents import Incident, IntakeSeries, get_fact
from outage_analysis.policies import Policy

if TYPE_CHECKING:
    from outage_analysis.claims import Claims

ROUNDED = pl.col(pl.Float64).round_sig_figs(7)
"""Numbers as tables have them: the last bits of results differ between processors."""
PARTS = 200
"""The forecast count in the end is represented by so many equally likely values."""


@dataclass(frozen=True)
class IntakeForecast(text.Result):
    """How many claims are still to come, from the counts so far."""

    channel: losses.Channel
    as_of: date
    """The last day of the counts."""
    tables: dict[str, pl.DataFrame]
    """`points` (the counts; `forecast_by_day` has `days` instead), `branches` (late and total claims by
    branch; one without a forecast has bounds, without a level and a median), and `hindsight` (the final
    number beside the ranges, which are made without it)."""
    notes: list[str]
    origin: Claims | IntakeSeries
    """The claims that were counted, or the published intake."""
    reasons: frozenset[str] = frozenset()
    """Why days of the table `days` have no forecast."""

    def warnings(self, lang: str) -> list[str]:
        """Return a sentence on rejected rows, if there are any."""
        return input_warnings(None if isinstance(self.origin, IntakeSeries) else self.origin, None, lang)

    def to_dict(self) -> dict[str, Any]:
        """Return all tables as plain values."""
        channel, rows = self.channel, {name: table.to_dicts() for name, table in self.tables.items()}
        about = {"source": channel.source, "opened": channel.opened, "synthetic": channel.synthetic}
        return {**about, "as_of": self.as_of, "notes": self.notes, **rows}

    def answer(self, lang: str = "en") -> text.Answer:
        """Return what is forecast or possible, all tables, then notes on what the forecast leaves out."""
        locale = text.Locale(lang)
        mark = locale("terminal.recovery_prefix") if self.channel.synthetic else ""
        refused = pl.col("^refused$").replace({str(x): locale.note(x) for x in self.reasons})
        told = {name: table.with_columns(refused) for name, table in self.tables.items()}
        shown = text.shown_tables(told, "intake", locale, mark)
        sentences = [mark + sentence for sentence in self._sentences(locale)]
        return text.Answer(locale, sentences, [*shown, *map(locale.note, self.notes)])

    def _sentences(self, locale: text.Locale) -> Iterator[str]:
        channel = self.channel
        day, filed = _last_day(channel.moment(channel.times[-1])), locale.number(channel.counts[-1])
        yield locale("terminal.intake_counted", day=locale.day(day), count=filed)
        for row in self.tables["branches"].iter_rows(named=True):
            numbers = {n: locale.number(row[n]) for n in ("median", "low", "high") if row[n] is not None}
            about = {"day": locale.day(_last_day(datetime.fromisoformat(row["by"])))}
            about["branch"] = locale.label_or(f"word.{row['branch']}", row["branch"])
            if row["level"] is None:
                yield locale("terminal.intake_bounded", **about, **numbers)
            else:
                yield locale("terminal.intake_forecast", level=locale.share(row["level"]), **about, **numbers)
        # What came since the day before, beside its forecast, and why the forecast moved.
        for before, now in pairwise(self.tables.get("days", pl.DataFrame()).tail(2).to_dicts()):
            told = {name: locale.number(value) for name, value in now.items() if isinstance(value, int)}
            told |= {"day": locale.day(now["day"]), "level": locale.share(now["level"])}
            if before["next_low"] is not None:
                told |= {end: locale.number(before[f"next_{end}"]) for end in ("low", "high")}
                yield locale("terminal.intake_came", **told)
            if now["new_claims"] is not None:
                yield locale("terminal.intake_moved", before=locale.number(before["median"]), **told)


def counts_by(
    source: Claims | IntakeSeries, *, recovery: bool = False
) -> Callable[[date | None], losses.Channel]:
    """Return a function that gives the claim counts of an intake as they were known on a day.

    The function takes the day; None means everything that is known. It raises InputRefused if a claim has no
    filing day or no claim was filed, and ModelRefused if the claims are synthetic and `recovery` is not set,
    or if no count was public.

    Args:
        source: claims, which are counted by day up to the last day on which they can be filed, or a published
            intake.
        recovery: allow synthetic claims, to test whether the forecast recovers the generator's parameters.
    """
    if isinstance(source, IntakeSeries):
        return partial(losses.channel_from_series, source)
    cube, incident = losses.build_cube(source, dimensions=("filed_on",)), source.incident

    def channel_until(day: date | None) -> losses.Channel:
        until = day and min(day, incident.claims_to)
        return losses.channel_from_cube(cube, incident, until=until, recovery=recovery)

    return channel_until


def forecast_intake(  # noqa: PLR0913 - the options of the command `intake`
    source: Claims | IntakeSeries,
    until: date | None = None,
    *,
    closes: date | None = None,
    extend_to: date | None = None,
    spike: float | None = None,
    former: Sequence[date] = (),
    by: date | None = None,
    level: float = 0.8,
    hindsight: bool = True,
    recovery: bool = False,
) -> IntakeForecast:
    """Forecast how many claims are still to come.

    Args:
        source: claims, which are counted by day, or a published intake.
        until: use only what was filed or public by this day; by default everything.
        closes: the last day of the intake.
        extend_to: also forecast an extension of the deadline to this day.
        spike: the extra claims on the last day, as a multiple of the claims that the curve expects on it.
        former: last days of further earlier deadlines that caused a rush.
        by: count only up to the end of this day.
        level: the probability of the intervals.
        hindsight: whether a separate table shows how the intake ended.
        recovery: allow synthetic claims, to test whether the forecast recovers the generator's parameters.

    Raises:
        ModelRefused: no count was public, or the claims are synthetic and `recovery` is not set.
        UsageError: a deadline that is stated or the day `by` is before the last count.
    """
    check_level(level)
    known, ended = counts_by(source, recovery=recovery), None
    channel = known(until).with_deadlines(closes, extend_to, spike, former)
    as_of, counted = _last_day(channel.moment(channel.times[-1])), channel.counts[-1]
    if isinstance(source, IntakeSeries):
        as_of = until or source.as_of
        if hindsight and source.outcome:
            ended = channel.days(source.outcome.at), get_fact(source.outcome.fact, hindsight=True).count
    elif hindsight and (every := known(None)).times[-1] > channel.times[-1]:
        ended = every.times[-1], every.counts[-1]
    rows, notes, bounded = list[dict[str, Any]](), [*channel.notes], list[str]()
    late_counts: Mapping[str, losses.LateCount] = {}
    try:
        forecast = channel.forecast(by=None if by is None else channel.end_of(by))
        late_counts = forecast.late
        notes += forecast.notes
    except ModelRefused as refusal:
        notes.append(text.Note("no_curve", reason=refusal.problem))
    for branch in channel.branches:
        row: dict[str, Any] = {"branch": branch.id, "counted": counted}
        if late := late_counts.get(branch.id):
            low, high = late.total(level)
            row |= {"by": late.by, "late": late.mean, "total": counted + late.mean, "level": level}
            row |= {"median": late.median, "low": low, "high": high}
        else:
            most, rate = losses.late_claim_bounds(channel.times, channel.counts, branch.closes)
            row |= {"by": branch.closes, "low": counted, "high": counted + most}
            bounded = [text.Note("bounds", rate=f"{rate:,.0f}")]
        if ended:  # it was inside or outside only if the intake ended when the branch closes
            ended_so = row["by"] == branch.closes and abs(ended[0] - branch.closes) < 1 / 24
            inside = row["low"] <= ended[1] <= row["high"] if ended_so else None
            row |= {"ended_so": ended_so, "outcome": ended[1], "inside": inside}
        row["by"] = channel.moment(row["by"]).isoformat(timespec="minutes")
        rows.append(row)
    tables = {"points": channel.points(), "branches": text.schema_of("intake.branches").frame(rows)}
    if ended:
        tables["hindsight"] = text.schema_of("intake.hindsight").frame(rows)
    tables = {name: table.with_columns(ROUNDED) for name, table in tables.items()}
    return IntakeForecast(channel, as_of, tables, [*notes, *bounded], source)


def _last_day(moment: datetime) -> date:
    """Return the calendar day that ends at a moment or contains it; midnight ends the day before."""
    return (moment - timedelta(microseconds=1)).date()


def forecast_by_day(
    source: Claims | IntakeSeries,
    until: date | None = None,
    *,
    closes: date | None = None,
    spike: float = 0.0,
    former: Sequence[date] = (),
    changes: Mapping[date, Mapping[str, Any]] | None = None,
    level: float = 0.8,
    recovery: bool = False,
) -> IntakeForecast:
    """Forecast the final count once for each day of an intake, from what was filed or public by that day.

    The table `days` has one row per day: the claims filed so far, the deadline as known on that day, and the
    forecast of the count by the deadline (`median`, `low` to `high`), or the reason why there is none. Beside
    it stand the forecast of the next count (`next_low` to `next_high`), what had come in by then
    (`next_filed`), and the count at the deadline (`final`), where the counts reach it.

    The change of the median since the day before has two parts. Let F(counts, assumptions) be the median. The
    assumptions are the deadline, the rush on the last day and the former deadlines, whose days are not used
    for the curve. The part of new claims (`new_claims`) is F(new, old) - F(old, old), and that of changed
    assumptions (`changed`) is F(new, new) - F(new, old). They add up to the change exactly; where claims and
    assumptions act on each other, the joint effect is in the second part.

    Args:
        source: claims, which are counted by day, or a published intake.
        until: use only what was filed or public by this day; by default everything.
        closes: the last day of the intake; by default the deadline of the incident or of the intake that was
            known on each day.
        spike: the extra claims on the last day, as a multiple of the claims that the curve expects on it; by
            default nobody hurries, as in the cost.
        former: last days of further earlier deadlines that caused a rush.
        changes: day -> the arguments `closes`, `spike` or `former` that were assumed from that day on.
        level: the probability of the ranges.
        recovery: allow synthetic claims, to test whether the forecast recovers the generator's parameters.

    Raises:
        ModelRefused: no count was public, or the claims are synthetic and `recovery` is not set.
        UsageError: `changes` has another argument, or a deadline that is stated is before a count.

    Example:
        >>> import outage_analysis as oa
        >>> made = oa.forecast_by_day(oa.load_sample("trams"), recovery=True)
        >>> made.tables["days"].select("filed", "next_filed", "median").row(6)
        (220, 240, None)
    """
    assumed = {date.min: {"closes": closes, "spike": spike, "former": former}, **(changes or {})}
    if other := {name for change in assumed.values() for name in change} - {"closes", "spike", "former"}:
        raise UsageError(
            "changes names no assumption", value=min(other), remedy="Name closes, spike or former."
        )

    def assumed_on(day: date) -> dict[str, Any]:
        return {k: v for start in sorted(assumed) if start <= day for k, v in assumed[start].items()}

    known = counts_by(source, recovery=recovery)
    every = known(until)
    days = [every.moment(at - 1).date() for at in every.times]
    if isinstance(source, IntakeSeries):
        dated = [point for point in source.points if point.count is not None or point.public_on]
        public = {
            max(_last_day(point.at.astimezone(source.zone)), point.public_on or date.min) for point in dated
        }
        days = sorted(day for day in public if day <= (until or source.as_of))
    channels = [known(day).with_deadlines(extended=None, **assumed_on(day)) for day in days]
    rows, reached = list[dict[str, Any]](), dict(zip(every.times, every.counts, strict=True))
    for day, channel, following in zip_longest(days, channels, channels[1:]):
        branch = channel.branches[0]
        ahead = min(following.times[-1] if following else channel.times[-1] + 1, branch.closes)
        row: dict[str, Any] = {"day": day, "closes": _last_day(channel.moment(branch.closes)), "level": level}
        row |= {"filed": channel.counts[-1], "final": reached.get(branch.closes)}
        row |= {"next_filed": following and following.counts[-1]} | _medians(channel, branch, ahead, level)
        if rows and row["median"] is not None and (before := rows[-1]["median"]) is not None:
            old = channels[len(rows) - 1]
            kept = replace(old.branches[0], closes=max(old.branches[0].closes, channel.times[-1]))
            moved = row["median"]
            if (kept, old.former) != (branch, channel.former):
                between = replace(channel, former=old.former)
                moved = _medians(between, kept, channel.times[-1], level)["median"]
            if moved is not None:
                row |= {"new_claims": moved - before, "changed": row["median"] - moved}
        rows.append(row)
    options = assumed_on(days[-1]) | {"level": level, "hindsight": False, "recovery": recovery}
    made = forecast_intake(source, days[-1], **options)
    tables = {"branches": made.tables["branches"], "days": text.schema_of("intake.days").frame(rows)}
    return replace(made, tables=tables, reasons=frozenset(row["refused"] for row in rows if row["refused"]))


def _medians(channel: losses.Channel, branch: losses.Branch, ahead: float, level: float) -> dict[str, Any]:
    """Return the forecast of the next count and that of the final count, or why there is none."""
    found = dict[str, Any](median=None, refused=None)
    try:
        growth = channel.curves()
        for at, ends in ((ahead, ("next_low", "next_high")), (branch.closes, ("low", "high"))):
            late = losses.supported_late_count(growth, branch, at)
            found |= zip(ends, late.total(level), strict=True)
        return found | {"median": late.median}
    except ModelRefused as refusal:
        return found | {"refused": refusal.problem}


def open_lines(
    policies: Sequence[Policy], incident: Incident, ledger: Ledger | None, day: date
) -> dict[date, list[str]]:
    """Return the cost lines that still take claims after a day: their ids, by their last day to claim.

    A line is left out if it pays without a claim, or if the ledger says how many claims come in the end.
    """
    found: dict[date, dict[str, None]] = {}
    for line in (line for policy in policies for line in policy.as_known_on(day).schedules):
        effort, last = line.effort_on(day), line.closes_on(day) or incident.closes_on(day)
        stated = ledger is not None and ledger.find("ultimate", line.id, effort) is not None
        if last > day and effort != "automatic" and not stated:
            found.setdefault(last, {})[line.id] = None
    return {last: [*ids] for last, ids in sorted(found.items())}


def with_late_claims(
    ledger: Ledger | None, policies: Sequence[Policy], claims: Claims | None, incident: Incident, day: date
) -> tuple[Ledger | None, str]:
    """Add the forecast of claims still to come to a ledger, for lines that are paid by claims.

    Nothing is added for a line whose count was published, for synthetic claims, and where the dated claims
    do not determine a forecast. Nobody is expected to rush on the last day.

    Returns:
        The ledger, and why there is no forecast; empty if there is one or none is needed.
    """
    published = {line.id for policy in policies for line in policy.schedules if line.published_count}
    closing = {
        last: kept
        for last, ids in open_lines(policies, incident, ledger, day).items()
        if (kept := tuple(id_ for id_ in ids if id_ not in published))
    }
    if ledger is None or claims is None or claims.synthetic or not closing:
        return ledger, ""
    try:
        channel = counts_by(claims)(day)
        ids = {last: str(last) if len(closing) > 1 else losses.DEADLINE for last in closing}
        branches = tuple(losses.Branch(id_, channel.end_of(last), spike=0.0) for last, id_ in ids.items())
        forecast = replace(channel, branches=branches).forecast()
    except (InputRefused, ModelRefused) as refusal:
        return ledger, refusal.problem
    entries = [
        _entry(f"late-claims-{number}", late, kept, day, last)
        for number, (last, kept) in enumerate(closing.items(), start=1)
        if (late := forecast.late.get(ids[last]))
    ]
    refused = next(iter(forecast.refused.values()), "")
    return ledger.model_copy(update={"assumptions": (*ledger.assumptions, *entries)}), refused


def _entry(id_: str, late: losses.LateCount, lines: tuple[str, ...], day: date, closes: date) -> LateClaims:
    # Quantiles between the first and the last are interpolated: 200 searches would take a second.
    first, last = late.quantiles([0.5 / PARTS, 1 - 0.5 / PARTS])
    grid = np.linspace(first, last, 2 * PARTS)
    counts = late.counted + np.interp((np.arange(PARTS) + 0.5) / PARTS, late.cdf(grid), grid)
    values, times = np.unique(np.round(counts / late.counted, 7), return_counts=True)
    words = {
        key: {
            locale.lang: locale(f"report.late_{key}", day=locale.day(day), count=locale.number(late.counted))
            for locale in map(text.Locale, ("en", "ko"))
        }
        for key in ("name", "source", "rationale")
    }
    return LateClaims.model_validate(
        {
            "id": id_,
            **words,
            "lines": lines,
            "public_on": day,
            "grade": "assumed",
            "owner": "outage-analysis",
            "outcome_known": False,
            "distribution": {
                "kind": "discrete",
                "values": (*values.tolist(),),
                "probabilities": (*(times / PARTS).tolist(),),
            },
            "counted": late.counted,
            "closes": closes,
        }
    )


def late_claims_notes(
    ledger: Ledger | None, table: pl.DataFrame | None, day: date, locale: text.Locale
) -> Iterator[str]:
    """Say how many claims were filed, how many are expected by the deadline, and what each part costs.

    Args:
        ledger: the ledger of the run.
        table: the costs by line that are computed from claims; None if there are several policies, of whose
            costs the claims still to come have the same share.
        day: the day of the analysis.
        locale: the language.
    """
    likely = locale.likely_range
    for entry in ledger.assumptions if ledger else ():
        if not isinstance(entry, LateClaims):
            continue
        ends = entry.distribution.quantile([likely.lower, likely.upper])
        factors = {"counted": 1.0, "total": entry.range.expected, "low": ends[0], "high": ends[1]}
        told = {name: locale.number(round(entry.counted * factor)) for name, factor in factors.items()}
        told |= {"day": locale.day(day), "deadline": locale.day(entry.closes)}
        yield locale("report.late_claims", **told)
        if table is None:
            yield locale("report.late_share", late=locale.share(1 - 1 / entry.range.expected))
            continue
        lines = table.filter(pl.col("line").is_in(entry.lines), level="line", valuation="cash")
        if len(lines) and not lines["expected"].null_count():
            whole = float(lines["expected"].sum())
            so_far = whole / entry.range.expected
            yield locale("report.late_cost", so_far=locale.money(so_far), late=locale.money(whole - so_far))
