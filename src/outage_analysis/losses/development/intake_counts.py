"""Where counts come from: a page of a published intake, or a cube of claims by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo

import polars as pl

from outage_analysis.errors import InputRefused, ModelRefused, UsageError
from outage_analysis.incidents import Incident, IntakeSeries, figure
from outage_analysis.losses.cube import Cube
from outage_analysis.losses.development.bounds import LateClaimBounds, late_claim_bounds
from outage_analysis.losses.development.growth_curves import CURVES
from outage_analysis.losses.development.late_claims import LEVELS, LateClaimsForecast, forecast_late_claims
from outage_analysis.losses.development.late_claims_backtest import LateClaimsBacktest, backtest_late_claims
from outage_analysis.losses.development.late_count import Branch

RECOVERY = "synthetic claims: a test whether the method finds again what the generator was given; no finding"
ONE_DAY = timedelta(days=1)
DEADLINE = "deadline"
"""The branch in which the deadline that is known is kept."""
EXTENDED = "extended"
"""The branch in which it is extended."""


@dataclass(frozen=True)
class Channel:
    """Counts of one channel, ready to be forecast, with their calendar.

    Args:
        opened: the moment of time 0.
        zone: whose days it counts by.
        times: of the counts, in days since the opening, (k,).
        counts: the claims filed by then, (k,).
        branches: how it may end.
        former: deadlines that have passed, in days.
        starts: the calendar day that begins at time 0, if one does.
        synthetic: whether the claims are.
        notes: what a reader must know of the counts.
        facts: the published figure behind each count, "" where there is none; empty for claims.
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
        """Days from the opening to a moment, by the clocks of the zone: midnights are whole days apart."""
        return (moment.astimezone(self.zone) - self.opened.astimezone(self.zone)) / ONE_DAY

    def end_of(self, day: date) -> float:
        """Days from the opening to the end of a calendar day."""
        return self.days(datetime.combine(day + ONE_DAY, time(), self.zone))

    def moment(self, days: float) -> datetime:
        """The moment so many days after the opening, to the minute."""
        exact = self.opened.astimezone(self.zone) + days * ONE_DAY
        return (exact + timedelta(seconds=30)).replace(second=0, microsecond=0)

    def points(self) -> pl.DataFrame:
        """One row a count: `at`, `days` since the opening, `cumulative`, `increment`, its `daily_rate`."""
        frame = pl.DataFrame({"days": self.times, "cumulative": self.counts})
        before = {name: pl.col(name).shift(1, fill_value=0) for name in ("days", "cumulative")}
        return frame.select(
            pl.Series("at", [self.moment(t).isoformat(timespec="minutes") for t in self.times]),
            "days",
            "cumulative",
            increment=pl.col("cumulative") - before["cumulative"],
            daily_rate=(pl.col("cumulative") - before["cumulative"]) / (pl.col("days") - before["days"]),
        )

    def with_branches(self, *branches: Branch) -> Channel:
        """The same counts with other branches."""
        return replace(self, branches=branches)

    def with_deadlines(
        self,
        closes: date | None,
        extended: date | None,
        spike: float | None,
        former: Sequence[date] = (),
    ) -> Channel:
        """The same counts with what a reader asks for in the place of the branches of these names.

        Args:
            closes: the last day of the intake.
            extended: the last day if the deadline is extended.
            spike: of every branch.
            former: last days of deadlines that have passed.

        Raises:
            UsageError: no branch is left, or one that closes before the last count.
        """
        until = self.moment(self.times[-1])
        for last in (closes, extended):
            if last is not None and self.end_of(last) < self.times[-1]:
                raise UsageError(
                    f"the last count is of {until:%Y-%m-%d %H:%M}, after that day",
                    value=last,
                    remedy="Name a later day, or give a deadline that has passed with --former.",
                )
        branches = {b.id: b for b in self.branches if b.closes >= self.times[-1]}
        for id_, last in ((DEADLINE, closes), (EXTENDED, extended)):
            if last is not None:
                branches[id_] = Branch(id_, self.end_of(last))
        if not branches:
            raise UsageError("no deadline is known", remedy="Say when the intake closes: --closes DAY.")
        if spike is not None:
            branches = {id_: replace(branch, spike=spike) for id_, branch in branches.items()}
        passed = (*self.former, *map(self.end_of, former))
        return replace(self, former=passed).with_branches(*branches.values())

    def forecast(
        self,
        *,
        by: float | None = None,
        families: Sequence[str] = tuple(CURVES),
        levels: Sequence[float] = LEVELS,
    ) -> LateClaimsForecast:
        """The claims still to come; see the function `forecast_late_claims`."""
        return forecast_late_claims(
            self.times,
            self.counts,
            self.branches,
            by=by,
            families=families,
            levels=levels,
            former=self.former,
            starts=self.starts,
        )

    def bounds(self) -> dict[str, LateClaimBounds]:
        """The least and the most late claims of each branch; see the function."""
        return {b.id: late_claim_bounds(self.times, self.counts, b.closes) for b in self.branches}

    def backtest(self, origins: Sequence[float] | None = None, *, level: float = 0.8) -> LateClaimsBacktest:
        """Forecasts of later counts from earlier ones, under the first branch; see the function."""
        return backtest_late_claims(
            self.times,
            self.counts,
            self.times[:-1] if origins is None else origins,
            self.branches[0],
            levels=(level,),
            former=self.former,
            starts=self.starts,
        )


def channel_from_series(series: IntakeSeries, as_of: date | None = None) -> Channel:
    """The counts and deadlines of a page that were public by a day, by default the page's own.

    The branches are the deadline that was then known, and what else the page asks for.

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
    bare = Channel(
        opened=series.opened,
        zone=series.zone,
        times=(),
        counts=tuple(p.filed for p in known.points),
        starts=local.date() if local.time() == time() else None,
    )
    kept = known.deadline.closes if known.deadline else None
    endings = [Branch(b.id, bare.days(b.closes), b.spike) for b in known.branches if b.closes != kept]
    if kept:
        endings = [Branch(DEADLINE, bare.days(kept)), *endings]
    notes = [
        f"the branch {b.id} is by people who knew the outcome" for b in known.branches if b.outcome_known
    ]
    undated = [fact for fact in series.facts if figure(fact).public_on is None]
    if undated:
        notes.append(f"when {', '.join(undated)} became public is not known; the opening rests on it")
    if late := len(series.points) - len(known.points):
        notes.append(f"{late} counts of the page were not public by {day}")
    return replace(
        bare,
        times=tuple(bare.days(p.at) for p in known.points),
        branches=tuple(endings),
        former=tuple(bare.days(d.closes) for d in known.deadlines if d.closes <= known.points[-1].at),
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
    """The counts by day of an intake cube, one with the dimension `filed_on`.

    Days are those of the incident's time zone; the channel opens at the start of the first day on
    which anything was filed, and a day without claims counts as one. The branch is the end of the
    incident's claims window.

    Args:
        cube: claims by `filed_on`, and by anything else, which is summed over.
        incident: whose claims they are.
        until: the last day to look at; later ones are left out.
        former: last days of deadlines that have passed.
        recovery: take synthetic claims, to see the method recover what they were made from.

    Raises:
        UsageError: no dimension `filed_on`.
        InputRefused: a claim without a day, or no claim at all.
        ModelRefused: a synthetic cube, without `recovery`.
    """
    if cube.synthetic and not recovery:
        raise ModelRefused(
            "synthetic claims say nothing of how many are still to come",
            remedy="Give real claims; or recovery=True (--recovery) to see the generator's own input again.",
        )
    filed = _claims_by_day(cube, until)
    first, busy = filed["filed_on"][0], filed["filed_on"][-1]
    last = until or busy
    days = pl.DataFrame({"filed_on": pl.date_range(first, last, "1d", eager=True)})
    counts = days.join(filed, on="filed_on", how="left").sort("filed_on")["claims"].fill_null(0).cum_sum()
    opened = datetime.combine(first, time(), incident.zone)
    notes = [f"the counts of the last day, {last}, are held to be complete"]
    if last > busy:
        quiet = (last - busy).days
        notes.append(f"no claim on the last {quiet} days up to {last}; a file drawn earlier looks so too")
    channel = Channel(
        opened=opened,
        zone=incident.zone,
        times=tuple(float(n) for n in range(1, len(days) + 1)),
        counts=tuple(counts.to_list()),
        starts=first,
        synthetic=cube.synthetic,
        notes=(*([RECOVERY] if cube.synthetic else []), *notes),
    )
    passed = tuple(channel.end_of(day) for day in former)
    return replace(channel, former=passed).with_branches(Branch(DEADLINE, channel.end_of(incident.claims_to)))


def _claims_by_day(cube: Cube, until: date | None) -> pl.DataFrame:
    """Days on which anything was filed, in order: `filed_on`, `claims`."""
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
    return filed
