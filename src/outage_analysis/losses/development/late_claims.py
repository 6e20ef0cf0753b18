"""Counts of an intake, and the forecast of its late claims (still to be filed) for each way it may end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import accumulate

import numpy as np
import polars as pl

from outage_analysis.errors import InputRefused, ModelRefused, UsageError, check_level, either
from outage_analysis.incidents import Incident, IntakeSeries, get_fact
from outage_analysis.losses.cube import Cube
from outage_analysis.losses.development.growth_curves import (
    Array,
    WeightedCurves,
    increments_from_counts,
    weigh_curves,
)
from outage_analysis.special_functions import special
from outage_analysis.text import Note, ShortRepr

MAX_WIDTH = 1.5
"""A forecast is refused if the upper end of the 80 % range of all claims is more than 1.5 times the lower
end."""
MAX_HORIZON = 5.0
"""A forecast reaches at most to five times the time observed; `tests/studies/late_claims.py` goes as far."""
MIN_CLAIMS = 2_500
"""The smallest number of claims in used increments. With fewer, ranges are wide, or narrow by accident."""
PARTS = 200
"""Curves that expect nearly the same late count are joined into about this many groups of equal weight."""


@dataclass(frozen=True)
class Branch:
    """One way in which the intake of claims may end, such as at the known deadline.

    Args:
        id: the identifier in tables.
        closes: the closing time, in days since the opening; no claims are filed after it.
        spike: extra claims on the last day, as a multiple of the claims that the curve expects on that day; 0
            means no rush. Earlier counts cannot predict a rush. If the spike is None (not stated), only late
            claims before the last day can be forecast.
    """

    id: str
    closes: float
    spike: float | None = None


@dataclass(frozen=True, repr=False)
class LateCount(ShortRepr):
    """The forecast number of late claims of one branch: the claims filed between the last count and a time.

    The number follows a mixture of negative binomial distributions, one per group of growth curves. A
    component with mean m and over-dispersion phi has the variance phi x m + phi x m^2 / base. The first
    term is the chance variance of the count. The second term comes from the level of the curve, which is
    estimated from `base`.

    Args:
        branch: the id of the branch.
        by: the time up to which late claims count, in days since the opening.
        counted: the number of claims filed so far.
        weights: the weight of each component, (n,); the weights add up to 1.
        means: the expected number of late claims of each component, (n,).
        phis: the over-dispersion of each component, (n,).
        base: the number of claims to which curves are fitted, plus one.
    """

    branch: str
    by: float
    counted: int
    weights: Array
    means: Array
    phis: Array
    base: float

    @property
    def mean(self) -> float:
        """The expected number of late claims."""
        return float(self.weights @ self.means)

    def cdf(self, counts: object) -> Array:
        """For each number in `counts`, the probability of at most so many late claims."""
        x = np.floor(np.asarray(counts, float))[..., None]
        with np.errstate(all="ignore"):
            over = self.phis - 1 + self.phis * self.means / self.base
            below = special.betainc(self.means / over, x + 1, 1 / (1 + over))
        below = np.where(self.means > 0, below, 1.0)
        return np.asarray(np.where(x < 0, 0.0, below) @ self.weights)

    def quantiles(self, p: object) -> Array:
        """For each probability p, the smallest number with a cumulative probability of at least p."""
        p = np.asarray(p, float)
        low, high = np.full(p.shape, -1.0), np.full(p.shape, np.ceil(self.mean) + 1)
        while (too_low := self.cdf(high) < p).any():
            low, high = np.where(too_low, high, low), np.where(too_low, 2 * high, high)
        while (high - low > 1).any():
            middle = np.floor((low + high) / 2)
            enough = self.cdf(middle) >= p
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return high

    def quantile(self, p: float) -> int:
        """The smallest number of late claims with a cumulative probability of at least p."""
        check_level(p)
        return int(self.quantiles(p))

    def interval(self, level: float) -> tuple[int, int]:
        """The central interval that contains the number of late claims with probability `level` or more.

        The probability on each side of the interval is at most (1 - level) / 2.
        """
        check_level(level)
        low, high = self.quantiles([(1 - level) / 2, (1 + level) / 2])
        return int(low), int(high)

    def total(self, level: float) -> tuple[int, int]:
        """The interval of the total number of claims: the claims filed so far plus the late claims."""
        low, high = self.interval(level)
        return self.counted + low, self.counted + high


def supported_late_count(growth: WeightedCurves, branch: Branch, at: float) -> LateCount:
    """Forecast the late claims of a branch; raise ModelRefused if the counts do not determine them.

    Args:
        growth: the weighted growth curves.
        branch: the assumed end of the intake.
        at: the time up to which late claims count, in days since the opening.

    Raises:
        ModelRefused: the range of all claims is too wide; the time is too far ahead; there are too few
            claims; or the forecast includes the last day and the branch does not state its spike.
        UsageError: the time or the closing is before the last count, or the spike is negative.
    """
    late, observed = late_count(growth, branch, at), growth.observed
    where = {"branch": branch.id}
    if late.by > MAX_HORIZON * observed.until:
        days, by = f"{observed.until:,.4g}", f"{late.by:,.4g}"
        raise ModelRefused(Note("too_far", days=days, by=by, most=f"{MAX_HORIZON:g}", **where))
    low, high = late.total(0.8)
    if high > MAX_WIDTH * low:
        raise ModelRefused(Note("undetermined", low=f"{low:,}", high=f"{high:,}", level="80%", **where))
    if observed.used_total < MIN_CLAIMS and late.by > observed.until:
        count = f"{observed.used_total:,}"
        raise ModelRefused(Note("too_few_claims", count=count, need=f"{MIN_CLAIMS:,}", **where))
    if branch.spike is None and late.by > max(branch.closes - 1, observed.until):
        options = {"spike": either("spike=", "--spike"), "by": either("by=", "--by")}
        raise ModelRefused(Note("spike_unstated", **where, **options))
    return late


def late_count(growth: WeightedCurves, branch: Branch, at: float) -> LateCount:
    """Forecast the late claims of a branch up to a time or up to its closing, whichever comes first.

    If the branch does not state its spike, the spike counts as 0. Unlike `supported_late_count`, this
    function does not check whether the counts determine the number of late claims.

    Raises:
        UsageError: the time or the closing is before the last count, or the spike is negative.
    """
    until, by = growth.observed.until, min(at, branch.closes)
    for what, when in (("closes", branch.closes), ("is asked for by a time", at)):
        if not np.isfinite(when) or when < until:
            raise UsageError(
                f"the branch {branch.id} {what} before the last count, at {until:g} days",
                value=f"{when:g}",
                remedy="Give a later one; a deadline that has passed is a former one.",
            )
    if branch.spike is not None and not (np.isfinite(branch.spike) and branch.spike >= 0):
        raise UsageError("a spike is a multiple, 0 or more", value=branch.spike)
    base = growth.observed.used_total + 1
    stretches = [until, min(max(branch.closes - 1, until), by), by]  # the last is the last day, with its rush
    means = base * growth.relative(stretches) @ [1, 1 + (branch.spike or 0.0)]
    order = np.argsort(means, kind="stable")
    weights, means, phis = growth.weights[order], means[order], growth.phis[order]
    groups = np.floor((np.cumsum(weights) - weights / 2) * PARTS).astype(int)
    sums = np.array([np.bincount(groups, x) for x in (weights, weights * means, weights * phis)])
    weights, means, phis = sums[:, sums[0] > 0]
    return LateCount(branch.id, by, growth.observed.total, weights, means / weights, phis / weights, base)


LEVELS = (0.5, 0.8, 0.95)


@dataclass(frozen=True, repr=False)
class LateClaimsForecast:
    """A forecast of the late claims of each branch (way in which the intake may end).

    Args:
        growth: the weighted growth curves.
        late: the forecast number of late claims by branch id, up to the closing of the branch or the
            requested time.
        refused: by branch id, the reason why the branch has no forecast.
        levels: the probability levels of the intervals in the table.
    """

    growth: WeightedCurves
    late: dict[str, LateCount]
    refused: dict[str, str]
    levels: tuple[float, ...]

    def __repr__(self) -> str:
        """Return one line per branch: the claims so far and the likely range of their total."""
        lines = [f"Forecast from {self.counted:,} claims by day {self.growth.observed.until:g}"]
        for late in self.late.values():
            median, (low, high) = self.counted + late.quantile(0.5), late.total(0.8)
            said = f"{median:,} claims by day {late.by:g}, 80% likely {low:,} to {high:,}"
            lines.append(f"{late.branch}: {said}")
        return "\n".join([*lines, *self.notes])

    @property
    def counted(self) -> int:
        """The number of claims filed so far."""
        return self.growth.observed.total

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on the effects and branches that were left out, with the reasons."""
        refused = [Note("no_forecast", branch=branch, reason=why) for branch, why in self.refused.items()]
        return (*self.growth.notes, *refused)

    def table(self) -> pl.DataFrame:
        """The forecast as a table: expected late and total claims, with intervals of the total.

        One row per branch and level. Columns: `branch`, `by` (days since the opening), `counted` (claims
        filed so far), `late` and `total` (expected values), `median`, `level`, `low` and `high` (median and
        interval of the total).
        """
        rows = []
        for late in self.late.values():
            median, total = self.counted + late.quantile(0.5), self.counted + late.mean
            about = (late.branch, late.by, self.counted, late.mean, total, median)
            rows += [(*about, level, *late.total(level)) for level in self.levels]
        names = ("branch", "by", "counted", "late", "total", "median", "level", "low", "high")
        return pl.DataFrame(rows, schema=names, orient="row")


def forecast_late_claims(
    times: Sequence[float],
    counts: Sequence[int],
    branches: Sequence[Branch],
    *,
    by: float | None = None,
    levels: Sequence[float] = LEVELS,
    former: Sequence[float] = (),
    starts: date | None = None,
) -> LateClaimsForecast:
    """Forecast the number of late claims from cumulative counts.

    Increments (the claims filed between successive counts) follow an over-dispersed Poisson distribution
    whose means follow a growth curve: a Burr curve, which contains exponential, Weibull and log-logistic
    curves, or a lognormal curve. The curves are weighted by how well they fit; the level (the expected
    total) is integrated out. The number of late claims then follows a mixture of negative binomial
    distributions.

    Args:
        times: the time of each count, in days since the opening at 0, increasing.
        counts: the cumulative number of claims filed by each time, never decreasing.
        branches: the ways in which the intake may end. Each branch gets its own forecast; forecasts of
            different branches are never averaged.
        by: count only late claims up to this time, in days since the opening; by default up to the closing.
        levels: the probability levels of the intervals in the table, each between 0 and 1.
        former: deadlines that have passed, in days since the opening. Increments that overlap the day before
            a deadline are not used to fit the curve, because of the rush before a deadline; the claims in
            these increments still count.
        starts: the calendar day that begins at time 0. If it is known and there are 14 or more increments of
            one day each, weekday factors are estimated.

    Raises:
        InputRefused: counts decrease, or times are not in order.
        ModelRefused: no claim was filed; there are too few increments (use `late_claim_bounds`); or no
            branch has a forecast, because the counts do not determine its late claims or the branch does
            not state its spike.
        UsageError: there is no branch, or a branch closes before the last count.

    Example:
        >>> from outage_analysis.losses import Branch, forecast_late_claims
        >>> counts = [4000, 6400, 7900, 8800, 9300, 9600, 9800]
        >>> branches = [Branch("deadline", 10.0, spike=0.0)]
        >>> forecast = forecast_late_claims([1, 2, 3, 4, 5, 6, 7], counts, branches)
        >>> forecast.late["deadline"].total(0.8)
        (9968, 10076)
    """
    observed = increments_from_counts(times, counts, former=former, starts=starts)
    return _forecast(weigh_curves(observed), branches, by, levels)


def _forecast(
    growth: WeightedCurves, branches: Sequence[Branch], by: float | None, levels: Sequence[float]
) -> LateClaimsForecast:
    for level in levels:
        check_level(level)
    if not branches or len({b.id for b in branches}) < len(branches):
        raise UsageError("branches have ids of their own, and there is one at least", remedy="Name them.")
    late: dict[str, LateCount] = {}
    refused: dict[str, ModelRefused] = {}
    for branch in branches:
        try:
            late[branch.id] = supported_late_count(growth, branch, branch.closes if by is None else by)
        except ModelRefused as refusal:
            refused[branch.id] = refusal
    if not late:
        raise refused[branches[0].id]
    reasons = {id_: refusal.problem for id_, refusal in refused.items()}
    return LateClaimsForecast(growth, late, reasons, tuple(levels))


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
        at = [self.moment(t).isoformat(timespec="minutes") for t in self.times]
        frame = pl.DataFrame({"at": at, "days": self.times, "cumulative": self.counts})
        days, claims = (pl.col(name) - pl.col(name).shift(1, fill_value=0) for name in frame.columns[1:])
        return frame.with_columns(increment=claims, daily_rate=claims / days)

    def with_deadlines(
        self, closes: date | None, extended: date | None, spike: float | None, former: Sequence[date] = ()
    ) -> Channel:
        """A copy of the channel with the stated deadlines: the known, a possible extended, and former ones.

        Branches (ways in which the intake may end) that close before the last count are left out. The branch
        `deadline` comes first.

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
        stated = {id_: day for id_, day in ((DEADLINE, closes), (EXTENDED, extended)) if day}
        for id_, last in stated.items():
            if self.end_of(last) < self.times[-1]:
                remedy = (
                    f"Name a later day{either('.', ', or give a deadline that has passed with --former.')}"
                )
                problem = f"the last count is of {until:%Y-%m-%d %H:%M}, after that day"
                raise UsageError(problem, value=last, remedy=remedy)
            branches[id_] = Branch(id_, self.end_of(last))
        if not branches:
            remedy = f"Say when the intake closes{either('.', ': --closes DAY.')}"
            raise UsageError("no deadline is known", remedy=remedy)
        if spike is not None:
            branches = {id_: replace(branch, spike=spike) for id_, branch in branches.items()}
        ordered = sorted(branches.values(), key=lambda branch: branch.id != DEADLINE)
        return replace(self, former=(*self.former, *map(self.end_of, former)), branches=tuple(ordered))

    def curves(self) -> WeightedCurves:
        """Return the growth curves that fit the claim counts."""
        return weigh_curves(
            increments_from_counts(self.times, self.counts, former=self.former, starts=self.starts)
        )

    def forecast(self, *, by: float | None = None, levels: Sequence[float] = LEVELS) -> LateClaimsForecast:
        """Forecast the late claims (still to be filed) of each branch (way in which the intake may end)."""
        return _forecast(self.curves(), self.branches, by, levels)


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
    channel = Channel(series.opened, series.zone, (), (), source=series.id)
    closes = known.deadline.closes if known.deadline else None
    branches = [Branch(b.id, channel.days(b.closes), b.spike) for b in known.branches if b.closes != closes]
    if closes:
        branches = [Branch(DEADLINE, channel.days(closes)), *branches]
    notes = [Note("branch_hindsight", branch=b.id) for b in known.branches if b.outcome_known]
    undated = [fact for fact in series.facts if get_fact(fact).public_on is None]
    if undated:
        notes.append(Note("undated", facts=", ".join(undated)))
    if late := len(series.points) - len(known.points):
        notes.append(Note("later_counts", day=str(day), count=str(late)))
    opened = series.opened.astimezone(series.zone)
    return replace(
        channel,
        times=tuple(channel.days(p.at) for p in known.points),
        counts=tuple(p.filed for p in known.points),
        branches=tuple(branches),
        former=tuple(channel.days(d.closes) for d in known.deadlines if d.closes <= known.points[-1].at),
        starts=opened.date() if opened.time() == time() else None,
        notes=tuple(notes),
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
        say = either("recovery=True", "--recovery")
        remedy = f"Give real claims; or {say} to see the generator's own input again."
        raise ModelRefused("synthetic claims say nothing of how many are still to come", remedy=remedy)
    if "filed_on" not in cube.dimensions:
        dimensions = ", ".join(cube.dimensions)
        raise UsageError("the cube does not have the days", value=dimensions, remedy="Build it by filed_on.")
    filed = dict(cube.frame.group_by("filed_on").agg(pl.col("claims").sum()).iter_rows())
    if None in filed:
        raise InputRefused("some claims have no day", column="filed_on", remedy="Leave them out.")
    with_claims = [day for day in filed if until is None or day <= until]
    if not with_claims:
        raise InputRefused("no claim was filed" + (f" by {until}" if until else ""), file=cube.source)
    first, last_with_claims = min(with_claims), max(with_claims)
    last = until or last_with_claims
    by_day = [filed.get(first + n * ONE_DAY, 0) for n in range((last - first).days + 1)]
    notes = [Note("last_day", day=str(last))]
    if last > last_with_claims:
        notes.append(Note("quiet", day=str(last_with_claims), last=str(last)))
    closes = max(incident.closes_on(last), last)
    passed = {d.closes for d in incident.deadlines_by(last) if d.closes <= last and d.closes < closes}
    return Channel(
        opened=datetime.combine(first, time(), incident.zone),
        zone=incident.zone,
        times=tuple(float(n) for n in range(1, len(by_day) + 1)),
        counts=tuple(accumulate(by_day)),
        branches=() if incident.window == "observed" else (Branch(DEADLINE, (closes - first).days + 1.0),),
        former=tuple((day - first).days + 1.0 for day in sorted(passed)),
        starts=first,
        synthetic=cube.synthetic,
        source=cube.source,
        notes=(*([Note("recovery")] if cube.synthetic else []), *notes),
    )
