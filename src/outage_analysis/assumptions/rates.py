"""Assumptions about one number: rates of the claims funnel, factors, mean payments and totals paid."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from outage_analysis.assumptions.distribution_type import Distribution
from outage_analysis.assumptions.distributions import AnyDistribution
from outage_analysis.assumptions.entries import OneDistribution, Range
from outage_analysis.assumptions.reference_classes import (
    published_spread,
    reference_class_prior,
    update_rate,
)
from outage_analysis.errors import ModelRefused
from outage_analysis.files import Day, Document, OptionalText
from outage_analysis.incidents import get_fact, published_rates


class ObservedCounts(Document):
    """Counts of the event whose rate is assumed: the successes (`hits`) and the trials (`of`)."""

    hits: str
    """The id of the fact that counts the successes."""
    of: str
    """The id of the fact that counts the trials."""
    counted_on: Day | None = None
    """The day up to which `hits` was counted; by default the day on which that fact was public."""
    closed_on: Day | None = None
    """The last day to file or to take an offer, where the policy's line states no deadline."""
    decided: bool = False
    """Whether every filing counted in `of` had been decided by that day; an acceptance rate requires it."""

    @property
    def day(self) -> date | None:
        """The day up to which the successes were counted; None if their published fact has no day."""
        days = [d for d in (self.counted_on, get_fact(self.hits, hindsight=True).public_on) if d]
        return min(days, default=None)


class RateAssumption(OneDistribution):
    """A rate of the claims funnel, such as acceptance: a prior, and counts of the same event to update it."""

    kind: Literal["claimant_share", "entitled_share", "filing_share", "acceptance", "take_up"]
    """Which rate: `claimant_share` is different claimants per report; `entitled_share` the share of them who
    are entitled; `filing_share` the share of those who file; `acceptance` the share of filings accepted;
    `take_up` the share of people who take a good."""
    classes: tuple[str, ...] = ()
    """Reference classes: ids of facts in percent, one per event. The prior follows from them by a written
    rule, for which a range counts as its midpoint."""
    left_out: tuple[str, ...] = ()
    """Events whose rates the spread between events leaves out, such as this outage: values of the column
    `event` in data/published/rates.csv."""
    distribution: AnyDistribution | None = None
    """The distribution of the rate, if it does not come from reference classes."""
    observed: ObservedCounts | None = None
    """Counts from the same event. They update the rate of this event, but not the spread between events."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.classes) == bool(self.distribution):
            raise ValueError("needs either reference classes or a distribution")
        if self.distribution and not (
            self.distribution.support[0] >= 0 and self.distribution.support[1] <= 1
        ):
            raise ValueError("needs a distribution of shares between 0 and 1")
        if unknown := set(self.left_out).difference(published_rates()["event"]):
            raise ValueError(
                f"leaves out {min(unknown)}, which is no event of data/published/rates.csv"
                " | Correct the event, or drop it from left_out."
            )
        return self

    @property
    def computed_from(self) -> tuple[str, ...]:
        """The ids of the facts that state the reference classes and the observed counts."""
        observed = (self.observed.hits, self.observed.of) if self.observed else ()
        return (*self.classes, *observed)

    @cached_property
    def prior(self) -> Distribution:
        """The distribution of the rate before it is updated with counts from the event itself."""
        if self.distribution is not None:
            return self.distribution
        shares = [get_fact(c).middle / 100 for c in self.classes]
        spread = published_spread(self.kind, self.classes, public_by=self.public_on, without=self.left_out)
        return reference_class_prior(shares, spread)

    @cached_property
    def sampled_distribution(self) -> Distribution:
        """The distribution from which the rate is drawn: the posterior or, without counts, the prior."""
        if self.observed is None:
            return self.prior
        hits, of = (get_fact(f, hindsight=True).count for f in (self.observed.hits, self.observed.of))
        return update_rate(self.prior, hits, of)

    def interim_error(self, closes: date | None) -> ModelRefused | None:
        """An error to raise if the observed counts may still change; None if they are final.

        Args:
            closes: the last day to claim under the line of the policy, if it is known.
        """
        observed = self.observed
        if observed is None or self.kind not in ("acceptance", "filing_share", "take_up"):
            return None
        day = observed.day or "an unknown day"
        counts = f"{self.id}: `observed` counts {observed.hits} of {observed.of} up to {day}"
        if self.kind == "acceptance":
            if observed.decided:
                return None
            return ModelRefused(
                f"{counts}, and filings may still be undecided"
                + (f" (the last day to file is {closes})" if closes else ""),
                remedy="Leave out `observed` until the review has ended; or let `of` count the filings that"
                " were decided, and state `decided = true`.",
            )
        last = max((d for d in (closes, observed.closed_on) if d), default=None)
        if last is None:
            return ModelRefused(
                f"{counts}, and no last day to file or to take is known",
                remedy="Give the line of the policy its deadlines, or state `closed_on` beside the counts.",
            )
        if observed.day is not None and observed.day > last:
            return None
        return ModelRefused(
            f"{counts}, but the last day to file or to take is {last}: more may come",
            remedy="Leave out `observed` until a count after that day is published; or forecast what is still"
            " to come as late claims (`ultimate`).",
        )

    def range_under_cap(self, ceiling: float) -> Range:
        """The expected value and the range of the smaller of the rate and `ceiling`."""
        low, high = self.sampled_distribution.ends
        return Range.around(
            self.sampled_distribution.capped_mean(ceiling), min(low, ceiling), min(high, ceiling)
        )

    @cached_property
    def range(self) -> Range:
        """The expected rate and its range."""
        return self.range_under_cap(1.0)

    @property
    def most(self) -> float:
        """The largest possible rate: always 1, because by chance all claims may pass the funnel stage."""
        return 1.0


class StatedNumber(OneDistribution):
    """A number with a stated distribution and a smallest allowed value."""

    distribution: AnyDistribution
    """The distribution; an amount is in the smallest unit of the currency."""

    @property
    def least(self) -> int:
        """The smallest value that the distribution is allowed to have."""
        return 0

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        if self.distribution.support[0] < self.least:
            raise ValueError(f"needs a distribution that is never below {self.least}")
        return self

    @property
    def sampled_distribution(self) -> Distribution:
        """The distribution from which values of the assumption are drawn."""
        return self.distribution


class Factor(StatedNumber):
    """A number that multiplies a count or an amount."""

    kind: Literal["ultimate", "exposure", "new_applicants", "realised_ratio"]
    """Which factor: `ultimate` is reports at the end per report so far; `exposure` is people (or other things
    paid for) per unit that was counted, such as passengers per flight; `new_applicants` is filings by people
    who never reported, per report; `realised_ratio` is the amount paid in the end per amount announced."""
    unit: OptionalText = None
    """The unit of an `exposure`, such as passengers per flight; required for it, not allowed otherwise."""

    @model_validator(mode="after")
    def _unit_only_for_exposure(self) -> Self:
        if (self.kind == "exposure") != (self.unit is not None):
            raise ValueError(
                "has a unit exactly when its kind is exposure | Write it as "
                'unit = { en = "passengers per flight" }.'
            )
        return self

    @property
    def least(self) -> int:
        """The smallest allowed value: 1 for `ultimate` (final reports per report so far), otherwise 0."""
        return 1 if self.kind == "ultimate" else 0

    @property
    def most(self) -> float | None:
        """The largest possible value; None for new applicants, because no count limits their number."""
        if self.kind == "new_applicants" and self.sampled_distribution.most != 0:
            return None
        return self.sampled_distribution.most


class MeanPayment(StatedNumber):
    """The average payment per accepted claim, stated if it is known better than the payments by band."""

    kind: Literal["mean_payment"]
    spread: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Standard deviation of single payments, as a share of their mean."""

    @property
    def most(self) -> float | None:
        """The largest mean payment; None if single payments vary around it without a limit."""
        return None if self.spread else self.sampled_distribution.most


class PaidTotal(StatedNumber):
    """The total paid under a cost line, once it is known; it replaces every forecast of the line.

    The distribution describes only how the published total was rounded.
    """

    kind: Literal["paid_total"]
