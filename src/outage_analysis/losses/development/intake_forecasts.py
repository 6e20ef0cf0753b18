"""Claim counts of an intake, published or from a cube, and their forecast as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo

import polars as pl

from outage_analysis.errors import InputRefused, ModelRefused, UsageError, either
from outage_analysis.incidents import Incident, IntakeSeries, get_fact
from outage_analysis.losses.cube import Cube
from outage_analysis.losses.development.growth_curves import LateClaimBounds, late_claim_bounds
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
        facts: the id of the published fact that states each count, or "" if there is none. The tuple is empty
            if the counts were made from claims.
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
    facts: tuple[str, ...] = ()

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
        for last in (closes, extended):
            if last is not None and self.end_of(last) < self.times[-1]:
                raise UsageError(
                    f"the last count is of {until:%Y-%m-%d %H:%M}, after that day",
                    value=last,
                    remedy="Name a later day"
                    + either(".", ", or give a deadline that has passed with --former."),
                )
        branches = {b.id: b for b in self.branches if b.closes >= self.times[-1]}
        for id_, last in ((DEADLINE, closes), (EXTENDED, extended)):
            if last is not None:
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
    local = series.opened.astimezone(series.zone)
    without_points = Channel(
        opened=series.opened,
        zone=series.zone,
        times=(),
        counts=tuple(p.filed for p in known.points),
        starts=local.date() if local.time() == time() else None,
    )
    closes = known.deadline.closes if known.deadline else None
    branches = [
        Branch(b.id, without_points.days(b.closes), b.spike) for b in known.branches if b.closes != closes
    ]
    if closes:
        branches = [Branch(DEADLINE, without_points.days(closes)), *branches]
    notes = [Note("branch_hindsight", branch=b.id) for b in known.branches if b.outcome_known]
    undated = [fact for fact in series.facts if get_fact(fact).public_on is None]
    if undated:
        notes.append(Note("undated", facts=", ".join(undated)))
    if late := len(series.points) - len(known.points):
        notes.append(Note("later_counts", day=str(day), count=str(late)))
    return replace(
        without_points,
        times=tuple(without_points.days(p.at) for p in known.points),
        branches=tuple(branches),
        former=tuple(
            without_points.days(d.closes) for d in known.deadlines if d.closes <= known.points[-1].at
        ),
        notes=tuple(notes),
        facts=tuple(p.fact for p in known.points),
    )


def channel_from_cube(
    cube: Cube,
    incident: Incident,
    *,
    until: date | None = None,
    former: Sequence[date] = (),
    recovery: bool = False,
) -> Channel:
    """Make a channel with daily cumulative counts from a cube that has the dimension `filed_on`.

    Days begin and end in the incident's time zone. The channel opens at the start of the first day with
    claims, and days without claims are included. The only branch of the channel closes at the end of the
    incident's claims window.

    Args:
        cube: a cube with the dimension `filed_on`; claims are summed over its other dimensions.
        incident: the incident of the claims.
        until: the last day to use; later days are left out.
        former: the last days of deadlines that have passed.
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
    opened = datetime.combine(first, time(), incident.zone)
    notes = [Note("last_day", day=str(last))]
    if last > last_with_claims:
        notes.append(Note("quiet", day=str(last_with_claims), last=str(last)))
    channel = Channel(
        opened=opened,
        zone=incident.zone,
        times=tuple(float(n) for n in range(1, len(days) + 1)),
        counts=tuple(counts.to_list()),
        starts=first,
        synthetic=cube.synthetic,
        notes=(*([Note("recovery")] if cube.synthetic else []), *notes),
    )
    return replace(
        channel,
        former=tuple(map(channel.end_of, former)),
        branches=(Branch(DEADLINE, channel.end_of(incident.claims_to)),),
    )


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
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
        The tables by name, and notes on what the forecast leaves out. Tables: `points` (the counts). If a
        branch has a forecast: `branches` (late and total claims per branch), and if available `weekdays`
        (weekday factors) and `spikes` (extra claims before former deadlines). For branches without a
        forecast: `bounds`. If `ended` is given: `hindsight`.

    Raises:
        ModelRefused: no claim was filed.
        UsageError: a branch closes before the last count, or the day `by` is before the last count.
    """
    tables, notes = {"points": channel.points()}, [*channel.notes]
    forecast, bounded = None, channel.branches
    try:
        forecast = channel.forecast(by=None if by is None else channel.end_of(by), levels=(level,))
    except ModelRefused as refusal:
        notes.append(Note("no_curve", reason=refusal.problem))
    else:
        closes = {late.branch: _format_moment(channel, late.by) for late in forecast.late.values()}
        tables["branches"] = forecast.table().with_columns(by=pl.col("branch").replace_strict(closes))
        if forecast.weekdays:
            tables["weekdays"] = pl.DataFrame({"weekday": WEEKDAYS, "factor": forecast.weekdays})
        if forecast.spikes:
            ends = [_format_moment(channel, spike.deadline) for spike in forecast.spikes]
            tables["spikes"] = pl.DataFrame([*map(vars, forecast.spikes)]).with_columns(
                deadline=pl.Series(ends)
            )
        notes += forecast.notes
        bounded = tuple(branch for branch in channel.branches if branch.id in forecast.refused)
    bounds = {b.id: late_claim_bounds(channel.times, channel.counts, b.closes) for b in bounded}
    if bounds:
        rows = [
            (branch, _format_moment(channel, found.closes), bound, late, found.counted + late)
            for branch, found in bounds.items()
            for bound, late in (("low", 0), ("high", found.max_late))
        ]
        tables["bounds"] = schema_of("intake.bounds").frame(rows)
        notes.append(next(iter(bounds.values())).rests_on)
    if ended:
        tables["hindsight"] = _hindsight_table(channel, forecast or bounds, level, *ended)
    rounded = pl.col(pl.Float64).round_sig_figs(DIGITS)
    return {name: table.with_columns(rounded) for name, table in tables.items()}, notes


def _hindsight_table(
    channel: Channel,
    known: LateClaimsForecast | Mapping[str, LateClaimBounds],
    level: float,
    at: datetime,
    count: int,
) -> pl.DataFrame:
    """Compare the final number of claims with the forecast, or with the bounds, that were made without it.

    There is one row per branch. Whether the interval contains the final number, and the probability of fewer
    claims, are null if the intake did not end at the closing time of the branch.
    """
    rows: list[tuple[object, ...]] = []
    for branch in channel.branches:
        ended_so = abs(channel.days(at) - branch.closes) < AN_HOUR
        if isinstance(known, LateClaimsForecast):
            if branch.id not in known.late:
                continue
            late = known.late[branch.id]
            ended_so = ended_so and late.by == branch.closes
            (low, high), pit = late.total(level), late.pit(count)
        else:
            low, pit = known[branch.id].counted, None
            high = low + known[branch.id].max_late
        verdict = (low <= count <= high, pit) if ended_so else (None, None)
        rows.append((branch.id, ended_so, None if pit is None else level, low, high, count, *verdict))
    return schema_of("intake.hindsight").frame(rows)


def _format_moment(channel: Channel, days: float) -> str:
    return channel.moment(days).isoformat(timespec="minutes")
