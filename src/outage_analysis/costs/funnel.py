"""The funnel from reports to payments: the shares that are entitled, file and are accepted, and the payment.

The cost is a product of independent inputs, so the expected cost is the product of the means of the inputs.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce

from outage_analysis.assumptions import Assumption, BandMix, Ledger, Range, RateAssumption
from outage_analysis.incidents import Band
from outage_analysis.policies import CostLine, contains_integer


@dataclass(frozen=True)
class Input:
    """One input of the funnel, such as a rate or a payment, with its bounds.

    `low` and `high` bound the mean of the input, and so the expected cost. `expected` is the mean; it is None
    if the ledger states none. `most` is the largest value that the input can take, and so bounds the total
    cost. None in `high` or `most` means that there is no limit.
    """

    low: float
    expected: float | None
    high: float | None
    most: float | None
    assumption: str = ""

    @classmethod
    def from_range(cls, values: Range, most: float | None, assumption: str = "") -> Input:
        """Build an input from the range that an assumption states."""
        return cls(values.low, values.expected, values.high, most, assumption)

    @classmethod
    def certain(cls, value: float) -> Input:
        """Build an input whose bounds and mean are one known value."""
        return cls(*4 * (value,))

    def __mul__(self, other: Input) -> Input:
        """Multiply two independent, non-negative inputs."""
        return Input(
            self.low * other.low,
            product_or_none(self.expected, other.expected),
            product_or_none(self.high, other.high),
            product_or_none(self.most, other.most),
            join_ids(self.assumption, other.assumption),
        )

    def __add__(self, other: Input) -> Input:
        """Add the means, the bounds and the largest values of two inputs."""
        return Input(
            self.low + other.low,
            sum_or_none(self.expected, other.expected),
            sum_or_none(self.high, other.high),
            sum_or_none(self.most, other.most),
            join_ids(self.assumption, other.assumption),
        )


ALL_PASS = Input.certain(1.0)
"""The share of a stage that every claim passes."""


RATES = {"filing_share": "filing", "acceptance": "acceptance"}
"""Kind of rate that claims pass, in order -> its name in a `Funnel`."""


def rates_from(decision: str) -> tuple[str, ...]:
    """Return the kinds of rate that claims have yet to pass which have come so far."""
    return tuple(RATES)[{"complaint": 0, "filed": 1}.get(decision, len(RATES)) :]


def product_or_none(*factors: float | None) -> float | None:
    """Return the product of the factors, or None if a factor is unknown."""
    known = [factor for factor in factors if factor is not None]
    return math.prod(known) if len(known) == len(factors) else None


def sum_or_none(*parts: float | None) -> float | None:
    """Return the sum of the parts, or None if a part is unknown."""
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


@dataclass(frozen=True)
class FunnelFactor:
    """A factor by which the funnel multiplies a count: an assumption of the ledger or a constant."""

    mean: Input
    """The value with its bounds, and the id of the assumption that states it."""
    kind: str = ""
    """The kind of assumption that states it, such as `acceptance`; empty if none can."""
    scale: bool = False
    """Whether it multiplies the number of trials; otherwise it is the chance that a trial passes."""
    rate: RateAssumption | None = None
    """The rate whose distribution gives the mean below a cap; needed only for a term with a capacity."""

    def under_cap(self, ceiling: float) -> Input:
        """Return the expected value and the bounds of min(factor, ceiling)."""
        if self.rate is not None:
            return Input.from_range(self.rate.range_under_cap(ceiling), ceiling, self.rate.id)
        mean = self.mean
        expected, high, most = (
            None if x is None else min(x, ceiling) for x in (mean.expected, mean.high, mean.most)
        )
        return Input(min(mean.low, ceiling), expected, high, most, mean.assumption)


def product_of_factors(factors: Iterable[FunnelFactor]) -> Input:
    """Return the product of the factors: the expected number that passes all stages, per trial."""
    return reduce(Input.__mul__, (factor.mean for factor in factors), ALL_PASS)


@dataclass(frozen=True)
class Funnel:
    """The funnel of one cost line under one ledger, as known on one day."""

    line: str
    """The id of the cost line."""
    entries: Mapping[str, Assumption]
    """The assumptions that apply to the line, by kind."""
    ultimate: Input
    """Final number of reports per report received so far."""
    exposure: Input
    """People, or other things that are paid for, per counted unit, such as passengers per flight."""
    claimants: Input
    """Distinct claimants per report."""
    entitled: Input
    """Share of the claimants who are entitled."""
    filing: Input
    """Share of the entitled reports that become filed claims."""
    new: Input
    """Filed claims by people who had not reported, per report."""
    acceptance: Input
    """Share of the filed claims that is accepted."""
    take_up: Input
    """Share of the entitled people who take a free good."""
    award: Input
    """Mean payment that a review grants."""
    mean_payment: Input | None
    """Mean payment per accepted claim, if the ledger states it; it replaces the payments of the bands."""
    realised_ratio: Input | None
    """Amount paid per unit of the announced amount, if the ledger states it."""
    mix: dict[Band, float]
    """Expected share of reports in each positive loss band; empty if the ledger states none."""
    mix_assumption: str
    """The id of the assumption that states the mix; empty if there is none."""

    @property
    def scales(self) -> tuple[FunnelFactor, ...]:
        """The factors on the count itself: reports still to come, and people per counted unit if stated."""
        exposure = (
            (FunnelFactor(self.exposure, "exposure", scale=True),) if "exposure" in self.entries else ()
        )
        return (FunnelFactor(self.ultimate, "ultimate", scale=True), *exposure)

    @property
    def report_factors(self) -> tuple[FunnelFactor, ...]:
        """The factors that turn the number of reports received so far into paid claims of those reporting."""
        people = FunnelFactor(self.claimants, "claimant_share"), FunnelFactor(self.entitled, "entitled_share")
        return (*self.scales, *people, *self.claim_factors()[len(self.scales) :])

    def claim_factors(self, decision: str = "complaint") -> tuple[FunnelFactor, ...]:
        """The factors that turn entitled claims so far into paid claims, including claims still to come.

        `decision` says how far the claims have come: the funnel begins there.
        """
        rates = (FunnelFactor(getattr(self, RATES[kind]), kind) for kind in rates_from(decision))
        return (*self.scales, *rates)

    @property
    def exposed(self) -> Input:
        """Expected people per counted unit so far, including units still to come."""
        return product_of_factors(self.scales)

    @property
    def reports(self) -> Input:
        """Expected entitled claimants per report received so far, including reports still to come."""
        return self.exposed * self.claimants * self.entitled

    @property
    def filed(self) -> Input:
        """Expected filed claims per report so far, including claims by people who had not reported."""
        return self.reports * (self.filing + self.new)

    @property
    def paid(self) -> Input:
        """Expected paid claims per report so far."""
        return self.filed * self.acceptance

    def paid_share_of_claims(self, decision: str) -> Input:
        """Expected number of paid claims per entitled claim at a stage, including claims still to come."""
        shares = {"filing_share": self.filing + self.new, "acceptance": self.acceptance}
        return reduce(Input.__mul__, (shares[kind] for kind in rates_from(decision)), self.exposed)

    def missing(self, *, review: bool, mix: bool, rates: Collection[str] = RATES) -> str:
        """Return the kinds of input that the expected cost of a schedule needs and the ledger lacks.

        Args:
            review: whether the schedule has a band under review, which needs a mean award.
            mix: whether the expected cost needs the shares of the loss bands.
            rates: the kinds of rate that it needs.

        Returns:
            The kinds, separated by spaces; empty if nothing is missing.
        """
        needed = {kind: getattr(self, RATES[kind]) for kind in rates}
        if self.mean_payment is None and review:
            needed["review_award"] = self.award
        absent = [name for name, value in needed.items() if value.expected is None]
        return " ".join([*absent, "band_mix"] if mix and not self.mix and not self.mean_payment else absent)


def build_funnel(line: CostLine, ledger: Ledger | None, as_of: date) -> Funnel:
    """Build the funnel of a cost line from the assumptions that were public by a day.

    An input that the ledger does not state has no effect (such as a factor of 1), or bounds without a mean.

    Raises:
        ModelRefused: an assumption updates a rate with observed counts that were not yet final on `as_of`.
    """
    effort = line.effort_on(as_of)
    known = ledger.as_known_on(as_of) if ledger else None
    entries: dict[str, Assumption] = {}
    for kind in dict.fromkeys(a.kind for a in known.assumptions) if known else ():
        entry = known.find(kind, line.id, effort) if known else None
        if isinstance(entry, RateAssumption) and (refusal := entry.interim_error(line.closes_on(as_of))):
            raise refusal
        if entry is not None:
            entries[kind] = entry

    def input_for(kind: str, default: Input | None = None) -> Input:
        entry = entries.get(kind)
        if entry is not None and not isinstance(entry, BandMix):
            return Input.from_range(entry.range, entry.most, entry.id)
        if default is not None:
            return default
        return ALL_PASS if effort == "automatic" else Input(0.0, None, 1.0, 1.0)

    mix = entries.get("band_mix")
    return Funnel(
        line=line.id,
        entries=entries,
        ultimate=input_for("ultimate", ALL_PASS),
        exposure=input_for("exposure", ALL_PASS),
        claimants=input_for("claimant_share", ALL_PASS),
        entitled=input_for("entitled_share", ALL_PASS),
        filing=input_for("filing_share"),
        new=input_for("new_applicants", Input.certain(0.0)),
        acceptance=input_for("acceptance"),
        take_up=input_for("take_up"),
        award=input_for("review_award", Input(0.0, None, None, None)),
        mean_payment=input_for("mean_payment") if "mean_payment" in entries else None,
        realised_ratio=input_for("realised_ratio") if "realised_ratio" in entries else None,
        mix=_mix(mix, line),
        mix_assumption=mix.id if mix else "",
    )


def _mix(mix: Assumption | None, line: CostLine) -> dict[Band, float]:
    bands = [band for band in line.bands_as_written.values() if contains_integer(band)]
    if bands and isinstance(mix, BandMix):
        return mix.shares_by_band(line)
    return {bands[0]: 1.0} if len(bands) == 1 else {}


def cost_status(expected: float | None) -> str:
    """Return `ok` if there is an expected cost, else `bounds_only`."""
    return "ok" if expected is not None else "bounds_only"


def join_ids(*groups: str) -> str:
    """Join groups of ids into one text, each id once, separated by spaces."""
    return " ".join(dict.fromkeys(a for g in groups for a in g.split()))
