"""Claim counts of an intake, published or from a cube, and their forecast as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

import polars as pl

from outage_analysis.errors import InputRefused, ModelRefused, UsageError, either
from outage_analysis.incidents import Incident, IntakeSeries, get_fact
from outage_analysis.losses.cube import Cube
from outage_analysis.losses.development.growth_curves import (
    WeightedCurves,
    increments_from_counts,
    late_claim_bounds,
    weigh_curves,
)
from outage_analysis.losses.development.late_claims import (
    LEVELS,
    Branch,
    LateClaimsForecast,
    forecast_late_claims,
)
from outage_analysis.text import Note, ShortRepr, schema_of

ONE_DAY = timedelta(days=1)
DEADLINE = "deadline"
"""The id of the branch in which the intake closes at the known deadline."""
EXTENDED = "extended"
"""The id of the branch in which the deadline is extended."""


@dataclass(frozen=True, repr=False)
class Channel(ShortRepr):
    """Cumulative claim counts of one intake channel, with its calendar and the ways in which it may end.

    Args:
        opened: the moment at which the intake opened (time 0).
        zone: the time zone of calendar days.
        times: the time of each count, in days since the opening, (k,).
        counts: the cumulative number of claims filed by each time, (k,).
        branches: the ways in which the intake may end.
        former: deadlines that have passed, in days since the opening.
        starts: the calendar day that begins at time 0; None if the intake opened during a day.
        synthetic: whether the claims are synthetic.
        notes: remarks on the counts for readers of the forecast.
        source: the id of the intake document, or the names of the claims files.
    """

    opened: datetime
    zone: tzinfo
    times: tuple[float, ...]
    counts: tuple[int, ...]
    branches: tuple[Branch, ...] = ()
    former: tuple[float, ...] = ()
    starts: date | None = None
    synthetic: bool = False
    notes: tuple[str, ...] = ()
    source: str = ""

    def days(self, moment: datetime) -> float:
        """The days from the opening of the intake to a moment, in local time.

        Every calendar day counts as 1 day, even if the clocks change on it.
        """
        return (moment.astimezone(self.zone) - self.opened.astimezone(self.zone)) / ONE_DAY

    def end_of(self, day: date) -> float:
        """The days from the opening of the intake to the end of a calendar day."""
        return self.days(datetime.combine(day + ONE_DAY, time(), self.zone))

    def moment(self, days: float) -> datetime:
        """The moment `days` days after the opening of the intake, rounded to the minute."""
        exact = self.opened.astimezone(self.zone) + days * ONE_DAY
        return (exact + timedelta(seconds=30)).replace(second=0, microsecond=0)

    def points(self) -> pl.DataFrame:
        """The cumulative claim counts as a table with one row per count.

        Columns: `at` (the time of the count), `days` (since the opening), `cumulative` (claims so far),
        `increment` (claims since the previous count), `daily_rate` (claims per day since the previous count).
        """
        frame = pl.DataFrame({"days": self.times, "cumulative": self.counts})
        before = {name: pl.col(name).shift(1, fill_value=0) for name in ("days", "cumulative")}
        return frame.select(
            pl.Series("at", [self.moment(t).isoformat(timespec="minutes") for t in self.times]),
            "days",
            "cumulative",
            increment=pl.col("cumulative") - before["cumulative"],
            daily_rate=(pl.col("cumulative") - before["cumulative"]) / (pl.col("days") - before["days"]),
        )

    def with_deadlines(
        self, closes: date | None, extended: date | None, spike: float | None, former: Sequence[date] = ()
    ) -> Channel:
        """A copy of the channel with the stated deadlines: the known, a possible extended, and former ones.

        Branches (ways in which the intake may end) that close before the last count are left out.

        Args:
            closes: the last day of the intake; replaces the branch `deadline`.
            extended: the last day if the deadline is extended; replaces the branch `extended`.
            spike: for every branch, the extra claims on the last day as a multiple of the expected claims;
                see `Branch`.
            former: the last days of further deadlines that have passed.

        Raises:
            UsageError: no branch is left, or a stated day is before the last count.
        """
        until = self.moment(self.times[-1])
        branches = {b.id: b for b in self.branches if b.closes >= self.times[-1]}
        for id_, last in ((DEADLINE, closes), (EXTENDED, extended)):
            if last is None:
                continue
            if self.end_of(last) < self.times[-1]:
                raise UsageError(
                    f"the last count is of {until:%Y-%m-%d %H:%M}, after that day",
                    value=last,
                    remedy="Name a later day"
                    + either(".", ", or give a deadline that has passed with --former."),
                )
            branches[id_] = Branch(id_, self.end_of(last))
        if not branches:
            raise UsageError(
                "no deadline is known", remedy="Say when the intake closes" + either(".", ": --closes DAY.")
            )
        if spike is not None:
            branches = {id_: replace(branch, spike=spike) for id_, branch in branches.items()}
        return replace(
            self, former=(*self.former, *map(self.end_of, former)), branches=tuple(branches.values())
        )

    def curves(self) -> WeightedCurves:
        """Return the growth curves that fit the claim counts."""
        return weigh_curves(
            increments_from_counts(self.times, self.counts, former=self.former, starts=self.starts)
        )

    def forecast(self, *, by: float | None = None, levels: Sequence[float] = LEVELS) -> LateClaimsForecast:
        """Forecast the late claims (still to be filed) of each branch (way in which the intake may end)."""
        return forecast_late_claims(
            self.times,
            self.counts,
            self.branches,
            by=by,
            levels=levels,
            former=self.former,
            starts=self.starts,
        )


def channel_from_series(series: IntakeSeries, as_of: date | None = None) -> Channel:
    """Make a channel from the counts and deadlines of an intake document that were public by `as_of`.

    The branches are the deadline that was known on that day and the branches that the document states.

    Args:
        series: the intake document.
        as_of: the day; by default the as-of day of the document.

    Raises:
        ModelRefused: no count was public by that day.
    """
    day = series.as_of if as_of is None else as_of
    known = series.known_by(day)
    if known is None:
        raise ModelRefused(
            f"no count of {series.id} was public by {day}",
            remedy=f"Ask as of a later day, such as {series.as_of}.",
        )
    opened = series.opened.astimezone(series.zone)

    def days(moment: datetime) -> float:
        return (moment.astimezone(series.zone) - opened) / ONE_DAY

    closes = known.deadline.closes if known.deadline else None
    branches = [Branch(b.id, days(b.closes), b.spike) for b in known.branches if b.closes != closes]
    if closes:
        branches = [Branch(DEADLINE, days(closes)), *branches]
    notes = [Note("branch_hindsight", branch=b.id) for b in known.branches if b.outcome_known]
    undated = [fact for fact in series.facts if get_fact(fact).public_on is None]
    if undated:
        notes.append(Note("undated", facts=", ".join(undated)))
    if late := len(series.points) - len(known.points):
        notes.append(Note("later_counts", day=str(day), count=str(late)))
    return Channel(
        opened=series.opened,
        zone=series.zone,
        times=tuple(days(p.at) for p in known.points),
        counts=tuple(p.filed for p in known.points),
        branches=tuple(branches),
        former=tuple(days(d.closes) for d in known.deadlines if d.closes <= known.points[-1].at),
        starts=opened.date() if opened.time() == time() else None,
        notes=tuple(notes),
        source=series.id,
    )


def channel_from_cube(
    cube: Cube, incident: Incident, *, until: date | None = None, recovery: bool = False
) -> Channel:
    """Make a channel with daily cumulative counts from a cube that has the dimension `filed_on`.

    Days begin and end in the incident's time zone. The channel opens at the start of the first day with
    claims, and days without claims are included. The only branch of the channel closes at the deadline of the
    incident that was known on the last day; deadlines that had passed by then are former ones. If no deadline
    is known, because the incident was derived from files, there is no branch.

    Args:
        cube: a cube with the dimension `filed_on`; claims are summed over its other dimensions.
        incident: the incident of the claims.
        until: the last day to use; later days are left out.
        recovery: allow synthetic claims, to test whether the forecast recovers the generator's parameters.

    Raises:
        UsageError: the cube does not have the dimension `filed_on`.
        InputRefused: a claim has no filing day, or there are no claims.
        ModelRefused: the cube is synthetic and `recovery` is not set.
    """
    if cube.synthetic and not recovery:
        raise ModelRefused(
            "synthetic claims say nothing of how many are still to come",
            remedy="Give real claims; or "
            + either("recovery=True", "--recovery")
            + " to see the generator's own input again.",
        )
    if "filed_on" not in cube.dimensions:
        dimensions = ", ".join(cube.dimensions)
        raise UsageError("the cube does not have the days", value=dimensions, remedy="Build it by filed_on.")
    filed = cube.frame.group_by("filed_on").agg(pl.col("claims").sum()).sort("filed_on")
    if filed["filed_on"].null_count():
        raise InputRefused("some claims have no day", column="filed_on", remedy="Leave them out.")
    if until is not None:
        filed = filed.filter(pl.col("filed_on") <= until)
    if filed.is_empty():
        raise InputRefused("no claim was filed" + (f" by {until}" if until else ""), file=cube.source)
    first, last_with_claims = filed["filed_on"][0], filed["filed_on"][-1]
    last = until or last_with_claims
    days = pl.DataFrame({"filed_on": pl.date_range(first, last, "1d", eager=True)})
    counts = days.join(filed, on="filed_on", how="left").sort("filed_on")["claims"].fill_null(0).cum_sum()
    notes = [Note("last_day", day=str(last))]
    if last > last_with_claims:
        notes.append(Note("quiet", day=str(last_with_claims), last=str(last)))
    closes = max(incident.closes_on(last), last)
    passed = {d.closes for d in incident.deadlines_by(last) if d.closes <= last and d.closes < closes}
    return Channel(
        opened=datetime.combine(first, time(), incident.zone),
        zone=incident.zone,
        times=tuple(float(n) for n in range(1, len(days) + 1)),
        counts=tuple(counts.to_list()),
        branches=() if incident.window == "observed" else (Branch(DEADLINE, (closes - first).days + 1.0),),
        former=tuple((day - first).days + 1.0 for day in sorted(passed)),
        starts=first,
        synthetic=cube.synthetic,
        source=cube.source,
        notes=(*([Note("recovery")] if cube.synthetic else []), *notes),
    )


AN_HOUR = 1 / 24
DIGITS = 7
"""Tables are rounded to this many significant digits: the last bits of results differ between processors."""


def late_claim_tables(
    channel: Channel, *, by: date | None = None, level: float = 0.8, ended: tuple[datetime, int] | None = None
) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """Forecast the late claims (claims still to be filed).

    Args:
        channel: the claim counts, and the branches (the ways in which the intake may end).
        by: count only late claims filed up to the end of this day.
        level: the probability level of the intervals.
        ended: the moment at which the intake ended and the final number of claims, for the table `hindsight`.

    Returns:
        The tables by name, and notes on what the forecast leaves out. Tables: `points` (the counts) and
        `branches` (late and total claims per branch; a branch without a forecast has bounds, without a level
        and a median). If `ended` is given: `hindsight`, which compares the final number with the range or the
        bounds, which were made without it. Whether it is inside is null if the intake did not end at the
        closing time of the branch.

    Raises:
        ModelRefused: no claim was filed.
        UsageError: a branch closes before the last count, or the day `by` is before the last count.
    """
    rows, notes, bounded = dict[str, dict[str, Any]](), [*channel.notes], list[str]()
    try:
        forecast = channel.forecast(by=None if by is None else channel.end_of(by), levels=(level,))
    except ModelRefused as refusal:
        notes.append(Note("no_curve", reason=refusal.problem))
    else:
        rows = {row["branch"]: row for row in forecast.table().to_dicts()}
        notes += forecast.notes
    counted, hindsight = channel.counts[-1], list[dict[str, Any]]()
    for branch in channel.branches:
        if branch.id not in rows:
            most, rate = late_claim_bounds(channel.times, channel.counts, branch.closes)
            about = {"branch": branch.id, "by": branch.closes, "counted": counted}
            rows[branch.id] = about | {"low": counted, "high": counted + most}
            bounded = [Note("bounds", rate=f"{rate:,.0f}")]
        row = rows[branch.id]
        if ended:
            at, outcome = channel.days(ended[0]), ended[1]
            ended_so = row["by"] == branch.closes and abs(at - branch.closes) < AN_HOUR
            inside = row["low"] <= outcome <= row["high"] if ended_so else None
            hindsight.append(row | {"ended_so": ended_so, "outcome": outcome, "inside": inside})
        row["by"] = channel.moment(row["by"]).isoformat(timespec="minutes")
    tables = {"points": channel.points(), "branches": _frame("branches", rows.values())}
    if ended:
        tables["hindsight"] = _frame("hindsight", hindsight)
    rounded = pl.col(pl.Float64).round_sig_figs(DIGITS)
    return {name: table.with_columns(rounded) for name, table in tables.items()}, [*notes, *bounded]


def _frame(name: str, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    schema = schema_of(f"intake.{name}")
    return schema.frame({column: row.get(column) for column in schema.names} for row in rows)
