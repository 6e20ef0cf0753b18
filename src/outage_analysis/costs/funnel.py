"""From reports to payments: who is entitled, files and is accepted, and what an accepted claim is paid.

Every expected cost is multilinear in these independent inputs, so the product of their means is the
mean of the product.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from outage_analysis.assumptions import Assumption, BandMix, Entry, Ledger, Range, RateAssumption
from outage_analysis.incidents import Band
from outage_analysis.policies import CostLine, Rule, Schedule


@dataclass(frozen=True)
class Input:
    """One input of the funnel.

    `low` and `high` (None: no limit) are its ends, which bound the expected cost; `expected` is None when
    nothing is stated. `most` bounds the total itself: what the input is if every claim is paid the most that
    it can get (None: no limit).
    """

    low: float
    expected: float | None
    high: float | None
    most: float | None
    assumption: str = ""

    @classmethod
    def of(cls, found: Range, most: float | None, assumption: str = "") -> Input:
        """A range of the ledger."""
        return cls(found.low, found.expected, found.high, most, assumption)

    @classmethod
    def certain(cls, value: float) -> Input:
        """A known value."""
        return cls(*4 * (value,))

    def __mul__(self, other: Input) -> Input:
        """The product of independent non-negative inputs."""
        return Input(
            self.low * other.low,
            product_or_none(self.expected, other.expected),
            product_or_none(self.high, other.high),
            product_or_none(self.most, other.most),
            join_ids(self.assumption, other.assumption),
        )

    def __add__(self, other: Input) -> Input:
        """The sum of two streams."""
        return Input(
            self.low + other.low,
            sum_or_none(self.expected, other.expected),
            sum_or_none(self.high, other.high),
            sum_or_none(self.most, other.most),
            join_ids(self.assumption, other.assumption),
        )


ALL_PASS = Input.certain(1.0)
"""Every claim passes the stage."""


def product_or_none(*factors: float | None) -> float | None:
    """The product; None as soon as one factor is unknown."""
    known = [factor for factor in factors if factor is not None]
    return math.prod(known) if len(known) == len(factors) else None


def sum_or_none(one: float | None, other: float | None) -> float | None:
    """The sum; None when either is unknown."""
    return None if one is None or other is None else one + other


@dataclass(frozen=True)
class Funnel:
    """The stages of one cost line under one ledger, as known on one day."""

    line: str
    entries: Mapping[str, Assumption]
    """The assumption in force, by kind."""
    ultimate: Input
    """Reports in the end for each so far."""
    claimants: Input
    """Different claimants for each report."""
    entitled: Input
    filing: Input
    new: Input
    """Filings of people who had never reported, for each report."""
    acceptance: Input
    take_up: Input
    award: Input
    mean_payment: Input | None
    """What an accepted claim is paid, where that is known better than its bands."""
    realised_ratio: Input | None
    """What was paid in the end for each unit announced, where the ledger states it."""
    mix: dict[Band, float]
    """Expected share of reports in each positive band; empty when the ledger states none."""
    mix_assumption: str

    @property
    def reports(self) -> Input:
        """Reports that can file, for each report so far."""
        return self.ultimate * self.claimants * self.entitled

    @property
    def paid_share_of_claims(self) -> Input:
        """The share of claims that ends in a payment, where a cube says who made them and who is entitled."""
        return self.ultimate * (self.filing + self.new) * self.acceptance

    @property
    def filed(self) -> Input:
        """Filings for each report so far, with those of people who had never reported."""
        return self.reports * (self.filing + self.new)

    @property
    def paid(self) -> Input:
        """The share of reports that ends in a payment."""
        return self.filed * self.acceptance

    def missing(self, *, review: bool, mix: bool) -> str:
        """What the ledger does not state and the expected cost of a schedule needs, by kind."""
        needed = {"filing_share": self.filing, "acceptance": self.acceptance}
        if self.mean_payment is None and review:
            needed["review_award"] = self.award
        absent = [name for name, value in needed.items() if value.expected is None]
        return " ".join([*absent, "band_mix"] if mix and not self.mix and not self.mean_payment else absent)

    def payment(self, line: Schedule, band: Band, rule: Rule) -> Input:
        """What one accepted claim in a band is paid."""
        if self.mean_payment is not None:
            return self.mean_payment
        if rule.review:
            return self.award
        least, most = line.tariff.extremes(band)
        top = None if most is None else float(most)
        return Input(float(least), float(least) if least == most else None, top, top)

    def people_served(self, people: int, served: int) -> Input:
        """How many of the people entitled take a good that at most `served` can have."""
        rate = self.entries.get("take_up")
        if not isinstance(rate, RateAssumption):
            if self.take_up.expected is None:
                return Input(0.0, None, float(served), float(served))
            return Input.certain(float(served))
        taken = Input.of(rate.capped(served / people), rate.most, rate.id) * Input.certain(float(people))
        return replace(taken, most=float(served))


def build_funnel(line: CostLine, ledger: Ledger | None, as_of: date) -> Funnel:
    """The funnel of a cost line; an input that the ledger does not state has bounds and no mean.

    Raises:
        ModelRefused: a rate is updated by a count that was not final.
    """
    effort = line.effort_on(as_of)
    known = ledger.admissible(as_of) if ledger else None
    entries: dict[str, Assumption] = {}
    for kind in dict.fromkeys(a.kind for a in known.assumptions) if known else ():
        found = known.find(kind, line.id, effort) if known else None
        if isinstance(found, RateAssumption) and (refusal := found.interim(line.closes_on(as_of))):
            raise refusal
        if found is not None:
            entries[kind] = found

    def stated(kind: str, otherwise: Input | None = None) -> Input:
        entry = entries.get(kind)
        if entry is not None and not isinstance(entry, BandMix):
            return Input.of(entry.range, entry.most, entry.id)
        if otherwise is not None:
            return otherwise
        return ALL_PASS if effort == "automatic" else Input(0.0, None, 1.0, 1.0)

    mix = entries.get("band_mix")
    return Funnel(
        line=line.id,
        entries=entries,
        ultimate=stated("ultimate", ALL_PASS),
        claimants=stated("claimant_share", ALL_PASS),
        entitled=stated("entitled_share", ALL_PASS),
        filing=stated("filing_share"),
        new=stated("new_applicants", Input.certain(0.0)),
        acceptance=stated("acceptance"),
        take_up=stated("take_up"),
        award=stated("review_award", Input(0.0, None, None, None)),
        mean_payment=stated("mean_payment") if "mean_payment" in entries else None,
        realised_ratio=stated("realised_ratio") if "realised_ratio" in entries else None,
        mix=_mix(mix, line) if isinstance(line, Schedule) else {},
        mix_assumption=mix.id if mix else "",
    )


def _mix(mix: Assumption | None, line: Schedule) -> dict[Band, float]:
    """The expected shares of the bands; where there is one band, no assumption is needed."""
    if isinstance(mix, BandMix):
        return mix.on(line)
    return {line.positive[0][0]: 1.0} if len(line.positive) == 1 else {}


def cost_status(expected: float | None) -> str:
    """`ok` when there is an expected cost, else `bounds_only`."""
    return "ok" if expected is not None else "bounds_only"


def join_ids(*groups: str) -> str:
    """Ids of several groups, each once, separated by spaces."""
    return " ".join(dict.fromkeys(a for g in groups for a in g.split()))


def assumption_ids_by_kind(entries: Mapping[str, Entry], *kinds: str) -> tuple[str, ...]:
    """The ids of the assumptions in force of some kinds, in their order."""
    return tuple(entries[kind].id for kind in kinds if kind in entries)
