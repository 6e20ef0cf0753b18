"""From reports to payments: filing, acceptance, and what an accepted claim is paid in each band.

Every expected cost is multilinear in these independent inputs, so the product of their means is the
mean of the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from outage_analysis.assumptions import Award, BandMix, Ledger, Rate, RateAssumption
from outage_analysis.bands import Band
from outage_analysis.policies import CostLine, Rule, Schedule

CERTAIN = Rate(expected=1.0, low=1.0, high=1.0)


@dataclass(frozen=True)
class Input:
    """One input of the funnel: low, expected (None when nothing is stated) and high (None: no limit)."""

    low: float
    expected: float | None
    high: float | None
    assumption: str = ""

    @classmethod
    def of(cls, rate: Rate, assumption: str = "") -> Input:
        """A rate of the ledger."""
        return cls(rate.low, rate.expected, rate.high, assumption)

    def __mul__(self, other: Input) -> Input:
        """The product of independent non-negative inputs."""
        expected = (
            None if None in (self.expected, other.expected) else _product(self.expected, other.expected)
        )
        high = None if None in (self.high, other.high) else _product(self.high, other.high)
        named = " ".join(a for a in (self.assumption, other.assumption) if a)
        return Input(self.low * other.low, expected, high, named)


def _product(a: float | None, b: float | None) -> float:
    return float(a or 0) * float(b or 0)


@dataclass(frozen=True)
class Funnel:
    """The stages of one cost line under one ledger, as known on one day."""

    line: str
    filing: Input
    acceptance: Input
    take_up: Input
    take_up_rate: RateAssumption | None
    award: Input
    mix: dict[Band, float]
    """Expected share of reports in each positive band; empty when the ledger states none."""
    mix_assumption: str

    @property
    def paid(self) -> Input:
        """The share of reports that ends in a payment."""
        return self.filing * self.acceptance

    def missing(self, *, review: bool, mix: bool) -> str:
        """What the ledger does not state and the expected cost of a schedule needs, by kind."""
        needed = {"filing_share": self.filing, "acceptance": self.acceptance}
        needed |= {"review_award": self.award} if review else {}
        absent = [name for name, value in needed.items() if value.expected is None]
        return " ".join([*absent, "band_mix"] if mix and not self.mix else absent)

    def payment(self, line: Schedule, band: Band, rule: Rule) -> Input:
        """What one accepted claim in a band is paid."""
        if rule.review:
            return self.award
        least, most = line.tariff.extremes(band)
        return Input(
            float(least), float(least) if least == most else None, None if most is None else float(most)
        )

    def taken(self, people: int, served: int) -> Input:
        """How many of the people entitled take a good that at most `served` can have."""
        if self.take_up_rate is None:
            if self.take_up.expected is None:
                return Input(0.0, None, float(served))
            return Input(*3 * (float(served),))
        rate = self.take_up_rate.capped(served / people)
        return Input.of(rate, self.take_up_rate.id) * Input(*3 * (float(people),))


def funnel_of(line: CostLine, ledger: Ledger | None, as_of: date) -> Funnel:
    """The funnel of a cost line; an input that the ledger does not state has bounds and no mean."""
    effort = line.effort_on(as_of)
    automatic = effort == "automatic"
    known = ledger.admissible(as_of) if ledger else None

    def rate(kind: str) -> Input:
        found = known.find(kind, line.id, effort) if known else None
        if isinstance(found, RateAssumption):
            return Input.of(found.rate, found.id)
        return Input.of(CERTAIN) if automatic else Input(0.0, None, 1.0)

    taken = known.find("take_up", line.id, effort) if known else None
    award = known.find("review_award", line.id) if known else None
    mix = known.find("band_mix", line.id) if known else None
    return Funnel(
        line=line.id,
        filing=rate("filing_share"),
        acceptance=rate("acceptance"),
        take_up=rate("take_up"),
        take_up_rate=taken if isinstance(taken, RateAssumption) else None,
        award=Input(award.low, award.expected, award.high, award.id)
        if isinstance(award, Award)
        else Input(0.0, None, None),
        mix=mix.on(line) if isinstance(mix, BandMix) and isinstance(line, Schedule) else {},
        mix_assumption=mix.id if mix else "",
    )


def status_of(expected: float | None) -> str:
    """`ok` when there is an expected cost, else `bounds_only`."""
    return "ok" if expected is not None else "bounds_only"


def named(*groups: str) -> str:
    """Ids of several groups, each once, separated by spaces."""
    return " ".join(dict.fromkeys(a for g in groups for a in g.split()))
