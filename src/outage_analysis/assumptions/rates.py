"""Assumptions that are one number: rates of the funnel, factors, mean payments."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from outage_analysis.assumptions.distribution_type import Distribution
from outage_analysis.assumptions.distributions import AnyDistribution
from outage_analysis.assumptions.entries import OneDistribution, Range
from outage_analysis.assumptions.event_data import update_rate
from outage_analysis.assumptions.reference_classes import published_spread, reference_class_prior
from outage_analysis.errors import ModelRefused
from outage_analysis.files import Day, Document
from outage_analysis.incidents import get_fact


class ObservedCounts(Document):
    """What was seen of the same event: so many of so many."""

    hits: str
    """The fact that counts those who did."""
    of: str
    """The fact that counts those who could."""
    counted_on: Day | None = None
    """The day up to which `hits` was counted; by default the day on which that fact was public."""
    closed_on: Day | None = None
    """The last day to file or to take, where the line of the policy states no deadline."""
    decided: bool = False
    """Whether every filing that `of` counts had been decided by that day; an acceptance rate requires it."""

    @property
    def day(self) -> date | None:
        """The day up to which it was counted; None for an undated fact."""
        days = [d for d in (self.counted_on, get_fact(self.hits, hindsight=True).public_on) if d]
        return min(days, default=None)


class RateAssumption(OneDistribution):
    """A rate of the funnel, from reference classes or stated outright, updated by the event's own data."""

    kind: Literal["claimant_share", "entitled_share", "filing_share", "acceptance", "take_up"]
    """Different claimants for each report; those entitled among them; those who file; filings accepted;
    people who take a good."""
    classes: tuple[str, ...] = ()
    """Facts in percent, one an event (a range counts by its middle); the prior follows by rule."""
    widest: tuple[str, ...] = ()
    """Facts in percent whose lowest and highest bound the rate, instead of the prior's ends."""
    law: AnyDistribution | None = None
    """The law of the rate, instead of reference classes."""
    observed: ObservedCounts | None = None
    """Data of the same event: they update the rate of this event, never the spread between events."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.classes) == bool(self.law):
            raise ValueError("needs either reference classes or a law")
        if self.law and not (self.law.support[0] >= 0 and self.law.support[1] <= 1):
            raise ValueError("needs a law of shares between 0 and 1")
        return self

    @property
    def computed_from(self) -> tuple[str, ...]:
        """Classes, widest ends and what was observed."""
        seen = (self.observed.hits, self.observed.of) if self.observed else ()
        return (*self.classes, *self.widest, *seen)

    @cached_property
    def prior(self) -> Distribution:
        """The law before the event's own data."""
        if self.law is not None:
            return self.law
        shares = [get_fact(c).middle / 100 for c in self.classes]
        return reference_class_prior(shares, published_spread(self.classes))

    @cached_property
    def sampled_distribution(self) -> Distribution:
        """The law that draws follow: the prior, or what the event's own data made of it."""
        if self.observed is None:
            return self.prior
        hits, of = (get_fact(f, hindsight=True).count for f in (self.observed.hits, self.observed.of))
        return update_rate(self.prior, hits, of)

    def interim_error(self, closes: date | None) -> ModelRefused | None:
        """Why what was observed is no final count, as an error to raise; None where it is final.

        Args:
            closes: the last day to claim under a line of the policy, as far as it is known.
        """
        seen = self.observed
        if seen is None or self.kind not in ("acceptance", "filing_share", "take_up"):
            return None
        counts = f"{self.id}: `observed` counts {seen.hits} of {seen.of} up to {seen.day or 'an unknown day'}"
        if self.kind == "acceptance":
            if seen.decided:
                return None
            return ModelRefused(
                f"{counts}, and filings may still be undecided"
                + (f" (the last day to file is {closes})" if closes else ""),
                remedy="Leave out `observed` until the review has ended; or let `of` count the filings that"
                " were decided, and state `decided = true`.",
            )
        last = max((d for d in (closes, seen.closed_on) if d), default=None)
        if last is None:
            return ModelRefused(
                f"{counts}, and no last day to file or to take is known",
                remedy="Give the line of the policy its deadlines, or state `closed_on` beside the counts.",
            )
        if seen.day is not None and seen.day > last:
            return None
        return ModelRefused(
            f"{counts}, but the last day to file or to take is {last}: more may come",
            remedy="Leave out `observed` until a count after that day is published; or forecast what is still"
            " to come as late claims (`ultimate`).",
        )

    def range_under_cap(self, ceiling: float) -> Range:
        """The rate, when it cannot exceed a ceiling."""
        low, high = self.sampled_distribution.ends
        if self.widest:
            ends = [get_fact(c).number / 100 for c in self.widest]
            low, high = min(ends), max(ends)
        return Range.around(self.sampled_distribution.capped_mean(ceiling), min(low, ceiling), min(high, ceiling))

    @cached_property
    def range(self) -> Range:
        """The expected value and the bounds: the widest classes, else the ends of the law."""
        return self.range_under_cap(1.0)

    @property
    def most(self) -> float:
        """All: by chance every claim may pass a stage, whatever its rate."""
        return 1.0


class StatedNumber(OneDistribution):
    """A number whose law is stated outright, and is never below a least value."""

    law: AnyDistribution
    """In the smallest unit of the currency, of a sum."""

    @property
    def least(self) -> int:
        """What the law may not go below."""
        return 0

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        if self.law.support[0] < self.least:
            raise ValueError(f"needs a law that is never below {self.least}")
        return self

    @property
    def sampled_distribution(self) -> Distribution:
        """The law that draws follow."""
        return self.law


class Factor(StatedNumber):
    """A number that a count or a sum is multiplied by."""

    kind: Literal["ultimate", "new_applicants", "realised_ratio"]
    """Reports in the end for each so far; filings by people who never reported, for each report; what was
    paid in the end for each unit announced."""

    @property
    def least(self) -> int:
        """Of reports in the end no fewer than so far; of the others nothing."""
        return 1 if self.kind == "ultimate" else 0

    @property
    def most(self) -> float | None:
        """The largest value; None for new applicants: they are in no count that would limit them."""
        if self.kind == "new_applicants" and self.sampled_distribution.most != 0:
            return None
        return self.sampled_distribution.most


class MeanPayment(StatedNumber):
    """What an accepted claim is paid on average, when that is known better than its bands."""

    kind: Literal["mean_payment"]
    spread: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Standard deviation of single payments, as a share of their mean."""

    @property
    def most(self) -> float | None:
        """The largest mean payment; None where single payments scatter about it without a limit."""
        return None if self.spread else self.sampled_distribution.most


class PaidTotal(StatedNumber):
    """What a line came to in all, once that is known: in place of everything that would forecast it.

    What is left of doubt in its law is how it was rounded.
    """

    kind: Literal["paid_total"]
