"""Individual reviews: the amounts that they award, and the cost of handling the claims."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from outage_analysis.assumptions.distributions import (
    Distribution,
    FloatArray,
    SimpleDistribution,
    check_adds_up,
)
from outage_analysis.assumptions.entries import Entry, Range
from outage_analysis.files import Document, Name

MIDPOINTS = (np.arange(400) + 0.5) / 400
"""Probabilities at which the mean award under a floor and a cap is averaged."""


class AwardRule(Document):
    """One rule that a review may follow: it pays a share of the proved loss, between a floor and a cap."""

    name: Name
    """The name for readers."""
    weight: Annotated[float, Field(gt=0, le=1)]
    """The probability that the review follows this rule."""
    share: SimpleDistribution
    """The share of the mean proved loss that is paid."""
    floor: Annotated[int, Field(ge=0)] = 0
    """The minimum award, in the smallest unit."""
    cap: Annotated[int, Field(gt=0)] | None = None
    """The maximum award, in the smallest unit."""

    @model_validator(mode="after")
    def _floor_below_cap(self) -> Self:
        if self.cap is not None and self.floor > self.cap:
            raise ValueError("has a floor above its cap")
        return self

    def award(self, loss_share: FloatArray | float) -> FloatArray:
        """The mean award for each product of mean loss and share, limited by floor and cap."""
        return np.clip(loss_share, self.floor, np.inf if self.cap is None else self.cap)

    def mean(self, loss: Distribution) -> float:
        """The expected award if the mean loss has the distribution `loss`."""
        shares, counts = np.unique(self.share.quantile(MIDPOINTS), return_counts=True)

        def mean_up_to(limit: float) -> float:
            """The mean of min(limit, share x loss)."""
            means = [s * loss.capped_mean(limit / s) if s else 0.0 for s in shares.tolist()]
            return float(np.average(means, weights=counts))

        below_cap = loss.mean * self.share.mean if self.cap is None else mean_up_to(self.cap)
        return below_cap + self.floor - mean_up_to(self.floor)


class Award(Entry):
    """The mean award per accepted claim in an individual review."""

    kind: Literal["review_award"]
    distribution: SimpleDistribution | None = None
    """The distribution of the mean award, in the smallest unit of the currency. Stated instead of rules and
    `loss`."""
    loss: SimpleDistribution | None = None
    """The distribution of the mean proved loss of the reviewed claims."""
    rules: tuple[AwardRule, ...] = Field(default=(), alias="rule")
    """Rival rules. Which one applies is uncertain; tables list this as model uncertainty."""
    spread: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Standard deviation of single awards, as a share of their mean."""

    @model_validator(mode="after")
    def _distribution_or_rules(self) -> Self:
        if bool(self.distribution) == bool(self.rules) or bool(self.rules) != bool(self.loss):
            raise ValueError("needs either a distribution, or rules and the loss they apply to")
        if self.rules:
            check_adds_up("weights of rules", [rule.weight for rule in self.rules])
        stated = [x for x in (self.distribution, self.loss, *(r.share for r in self.rules)) if x]
        if any(distribution.support[0] < 0 for distribution in stated):
            raise ValueError("needs distributions that are never below 0")
        return self

    @property
    def dimensions(self) -> int:
        """How many uniform random numbers one draw needs: 3 with rules (rule, loss, share), otherwise 1."""
        return 3 if self.rules else 1

    @property
    def models(self) -> tuple[Name, ...]:
        """The names of the rival rules that the review may follow."""
        return tuple(rule.name for rule in self.rules)

    def branch(self, u: FloatArray) -> np.ndarray | None:
        """The index of the rule that each draw uses; None if a distribution is stated instead of rules.

        A larger uniform number never selects a rule with a smaller mean award.
        """
        if not self.rules:
            return None
        upper = np.cumsum([self.rules[k].weight for k in self._by_cost])[:-1]
        return self._by_cost[np.searchsorted(upper, u[:, 0], side="right")]

    @cached_property
    def _by_cost(self) -> np.ndarray:
        return np.argsort([rule.mean(self._proved_loss) for rule in self.rules], kind="stable")

    @property
    def _proved_loss(self) -> Distribution:
        assert self.loss is not None  # noqa: S101 - only called with rules, which require a loss
        return self.loss

    def draw(self, u: FloatArray) -> FloatArray:
        """Convert uniform random numbers (n, dimensions) to n draws (simulated values) of the mean award."""
        if self.distribution is not None:
            return self.distribution.quantile(u[:, 0])
        loss = self._proved_loss.quantile(u[:, 1])
        branch, paid = self.branch(u), np.empty(len(u))
        for k, rule in enumerate(self.rules):
            rows = branch == k
            paid[rows] = rule.award(loss[rows] * rule.share.quantile(u[rows, 2]))
        return paid

    @cached_property
    def range(self) -> Range:
        """The expected award, with the smallest and the largest award of any rule."""
        if self.distribution is not None:
            return Range.around(self.distribution.mean, *self.distribution.ends)
        ends = np.array(self._proved_loss.ends)
        low, high = zip(*(rule.award(ends * rule.share.ends) for rule in self.rules), strict=True)
        expected = sum(rule.weight * rule.mean(self._proved_loss) for rule in self.rules)
        return Range.around(expected, float(min(low)), float(max(high)))

    @property
    def most(self) -> float | None:
        """The largest award; None if nothing limits it, or if single awards vary around the mean."""
        if self.spread:
            return None
        if self.distribution is not None:
            return self.distribution.most
        products = [_largest_product(self._proved_loss, rule.share) for rule in self.rules]
        most = float(max(rule.award(product) for rule, product in zip(self.rules, products, strict=True)))
        return most if most < np.inf else None


class Handling(Entry):
    """The cost of handling the claims of a cost line: people x weeks x weekly wage."""

    kind: Literal["handling"]
    people: SimpleDistribution
    """The number of people."""
    weeks: SimpleDistribution
    """The number of weeks."""
    weekly_wage: SimpleDistribution
    """The wage per person and week, in the smallest unit of the currency."""

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        if any(factor.support[0] < 0 for factor in self._factors):
            raise ValueError("needs distributions that are never below 0")
        return self

    @property
    def _factors(self) -> tuple[Distribution, Distribution, Distribution]:
        return self.people, self.weeks, self.weekly_wage

    @property
    def dimensions(self) -> int:
        """How many uniform random numbers one draw needs: 3 (people, weeks and wage)."""
        return 3

    def draw(self, u: FloatArray) -> FloatArray:
        """Convert uniform random numbers (n, 3) to n draws (simulated values) of the handling cost."""
        people, weeks, wage = (factor.quantile(u[:, k]) for k, factor in enumerate(self._factors))
        return people * weeks * wage

    @cached_property
    def range(self) -> Range:
        """The expected cost (product of the means), with the products of the low and of the high values."""
        low, high = np.prod([factor.ends for factor in self._factors], axis=0)
        return Range.around(math.prod(factor.mean for factor in self._factors), float(low), float(high))

    @property
    def most(self) -> float | None:
        """The largest possible cost: the product of the largest values; None if a factor has no limit."""
        most = _largest_product(*self._factors)
        return most if most < np.inf else None


def _largest_product(*factors: Distribution) -> float:
    """The largest product of non-negative factors: infinity if one has no limit and none is always 0."""
    maxima = [factor.support[1] for factor in factors]
    return 0.0 if 0 in maxima else float(np.prod(maxima))
