"""What a review grants, and what it takes to work through the claims."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from outage_analysis.assumptions.distribution_type import FLOAT_NOISE, Distribution, largest_product
from outage_analysis.assumptions.distributions import SimpleDistribution
from outage_analysis.assumptions.entries import Entry, Range
from outage_analysis.assumptions.normal_scores import FloatArray
from outage_analysis.files import Document, Name

MIDPOINTS = (np.arange(400) + 0.5) / 400
"""Probabilities of the shares over which what a floor and a cap leave is averaged."""


class AwardRule(Document):
    """One rule that a review may follow: a share of the proved loss, between a floor and a cap."""

    name: Name
    """What readers call it."""
    weight: Annotated[float, Field(gt=0, le=1)]
    """How likely it is that the review follows this rule."""
    share: SimpleDistribution
    """The share of the mean proved loss that is paid."""
    floor: Annotated[int, Field(ge=0)] = 0
    """The least that it pays, in the smallest unit."""
    cap: Annotated[int, Field(gt=0)] | None = None
    """The most that it pays, in the smallest unit."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.cap is not None and self.floor > self.cap:
            raise ValueError("has a floor above its cap")
        return self

    def award(self, loss: FloatArray, share: FloatArray) -> FloatArray:
        """The mean award for a mean loss."""
        return np.clip(loss * share, self.floor, np.inf if self.cap is None else self.cap)

    def most(self, loss: Distribution) -> float | None:
        """The largest award for an uncertain mean loss; None where nothing limits it."""
        top = largest_product(loss.most, self.share.most)
        if top is None:
            return None if self.cap is None else float(self.cap)
        return float(self.award(np.array(top), np.array(1.0)))

    def mean(self, loss: Distribution) -> float:
        """The expected award over an uncertain mean loss."""
        shares, times = np.unique(self.share.quantile(MIDPOINTS), return_counts=True)

        def at_most(limit: float) -> float:
            """The mean of the lesser of a limit and the share of the loss."""
            means = [s * loss.capped_mean(limit / s) if s else 0.0 for s in shares.tolist()]
            return float(np.average(means, weights=times))

        below_cap = loss.mean * self.share.mean if self.cap is None else at_most(self.cap)
        return below_cap + self.floor - at_most(self.floor)


class Award(Entry):
    """What an individual review grants on average, per accepted claim."""

    kind: Literal["review_award"]
    law: SimpleDistribution | None = None
    """The law of the mean award, in the smallest unit of the currency; or rules on a proved loss."""
    loss: SimpleDistribution | None = None
    """The mean proved loss of the claims reviewed."""
    rules: tuple[AwardRule, ...] = Field(default=(), alias="rule")
    """Rival rules: which one is followed is in doubt, and counts as doubt about the model."""
    spread: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Standard deviation of single awards, as a share of their mean."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.law) == bool(self.rules) or bool(self.rules) != bool(self.loss):
            raise ValueError("needs either a law, or rules and the loss they apply to")
        if self.rules and abs(sum(r.weight for r in self.rules) - 1) > FLOAT_NOISE:
            raise ValueError("has rules whose weights do not sum to 1")
        laws = [x for x in (self.law, self.loss, *(r.share for r in self.rules)) if x]
        if any(law.support[0] < 0 for law in laws):
            raise ValueError("needs laws that are never below 0")
        return self

    @property
    def dimensions(self) -> int:
        """One for a law; rule, loss and share otherwise."""
        return 3 if self.rules else 1

    @property
    def models(self) -> tuple[Name, ...]:
        """The rival rules."""
        return tuple(rule.name for rule in self.rules)

    def branch(self, u: FloatArray) -> np.ndarray | None:
        """Which rule each draw follows; a larger number never goes with a cheaper rule."""
        if not self.rules or self.loss is None:
            return None
        upper = np.cumsum([self.rules[k].weight for k in self._by_cost])[:-1]
        return self._by_cost[np.searchsorted(upper, u[:, 0], side="right")]

    @cached_property
    def _by_cost(self) -> np.ndarray:
        assert self.loss is not None  # noqa: S101 - asked for only where there are rules
        return np.argsort([rule.mean(self.loss) for rule in self.rules], kind="stable")

    def draw(self, u: FloatArray) -> FloatArray:
        """Mean awards of shape (n,)."""
        if self.law is not None:
            return self.law.quantile(u[:, 0])
        assert self.loss is not None  # noqa: S101 - the validator saw to it
        loss = self.loss.quantile(u[:, 1])
        branch, paid = self.branch(u), np.empty(len(u))
        for k, rule in enumerate(self.rules):
            mine = branch == k
            paid[mine] = rule.award(loss[mine], rule.share.quantile(u[mine, 2]))
        return paid

    @cached_property
    def range(self) -> Range:
        """The expected award and the bounds: the least and the most that any rule grants."""
        if self.law is not None:
            return Range.around(self.law.mean, *self.law.ends)
        assert self.loss is not None  # noqa: S101 - the validator saw to it
        ends = np.array(self.loss.ends)
        granted = [rule.award(ends, np.array(rule.share.ends)) for rule in self.rules]
        return Range.around(
            sum(r.weight * r.mean(self.loss) for r in self.rules),
            float(min(g[0] for g in granted)),
            float(max(g[1] for g in granted)),
        )

    @property
    def most(self) -> float | None:
        """The largest award; None where nothing limits it, or where single awards scatter about the mean."""
        if self.spread:
            return None
        if self.law is not None:
            return self.law.most
        assert self.loss is not None  # noqa: S101 - the validator saw to it
        tops = [rule.most(self.loss) for rule in self.rules]
        known = [top for top in tops if top is not None]
        return max(known) if len(known) == len(tops) else None


class Handling(Entry):
    """What it takes to work through the claims of a line: people, weeks and a weekly wage."""

    kind: Literal["handling"]
    people: SimpleDistribution
    """How many work on it."""
    weeks: SimpleDistribution
    """For how long."""
    weekly_wage: SimpleDistribution
    """In the smallest unit of the currency."""

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        if any(law.support[0] < 0 for law in self._laws):
            raise ValueError("needs laws that are never below 0")
        return self

    @property
    def _laws(self) -> tuple[Distribution, Distribution, Distribution]:
        return self.people, self.weeks, self.weekly_wage

    @property
    def dimensions(self) -> int:
        """People, weeks, wage."""
        return 3

    def draw(self, u: FloatArray) -> FloatArray:
        """Handling costs of shape (n,)."""
        people, weeks, wage = (law.quantile(u[:, k]) for k, law in enumerate(self._laws))
        return people * weeks * wage

    @cached_property
    def range(self) -> Range:
        """The product of the means, and of the ends."""
        low, high = (float(np.prod([law.ends[k] for law in self._laws])) for k in (0, 1))
        return Range.around(float(np.prod([law.mean for law in self._laws])), low, high)

    @property
    def most(self) -> float | None:
        """The product of the largest values; None where nothing limits one of them."""
        return largest_product(*(law.most for law in self._laws))
