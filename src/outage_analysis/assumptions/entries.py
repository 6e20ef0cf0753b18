"""What every kind of assumption in a ledger has in common: evidence, owner, range and draws."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Literal, Self

import numpy as np
from pydantic import Field

from outage_analysis.assumptions.distribution_type import Distribution, HasDistributionKey
from outage_analysis.assumptions.distributions import Mixture
from outage_analysis.assumptions.normal_scores import FloatArray
from outage_analysis.files import Day, Document, Identifier, Name, Text
from outage_analysis.incidents import get_fact
from outage_analysis.policies import Effort


class Range(Document):
    """An expected value with its bounds: low <= expected <= high."""

    expected: float
    low: float
    high: float

    @classmethod
    def around(cls, expected: float, low: float, high: float) -> Self:
        """The range from low to high, widened if the expected value lies outside it.

        Low and high are often the 1 % and 99 % percentiles. The mean of a heavy-tailed or capped distribution
        can lie outside them.
        """
        return cls(expected=expected, low=min(low, expected), high=max(high, expected))


class Entry(HasDistributionKey):
    """One assumption of a ledger: the keys and methods that all kinds share."""

    id: Identifier
    """What tables call the assumption."""
    name: Name
    """The name for readers."""
    lines: tuple[str, ...] = Field(min_length=1)
    """The ids of the cost lines that use the assumption."""
    effort: Effort | None = None
    """The effort class that the assumption applies to; left out if it applies to all classes."""
    public_on: Day
    """The day on which the assumption could first be known; a run as of an earlier day does not use it."""
    grade: Literal["A", "B", "C", "D", "assumed", "example"]
    """How good the evidence is: A (best) to D; `assumed` if its owner has no evidence; `example` for a
    placeholder value until somebody takes ownership. A report with an `example` warns that its figures must
    not be used."""
    source: Text
    """Where the assumption is from."""
    facts: tuple[str, ...] = ()
    """Ids of the published facts that support the assumption."""
    rationale: Text
    """Why the assumption has this value."""
    owner: str = Field(min_length=1)
    """Who is responsible for the assumption."""
    approved_by: str = ""
    """Who has approved the assumption; empty until somebody has."""
    outcome_known: bool
    """Whether the author already knew the outcome of the case."""

    @property
    def computed_from(self) -> tuple[str, ...]:
        """Ids of the facts from whose numbers the value is computed."""
        return ()

    def facts_public_by(self, day: date) -> bool:
        """Whether every fact that the value is computed from was public by a day."""
        return all((get_fact(f, hindsight=True).public_on or date.max) <= day for f in self.computed_from)

    @property
    def dimensions(self) -> int:
        """How many uniform numbers one draw needs."""
        raise NotImplementedError

    @property
    def models(self) -> tuple[Name, ...]:
        """The names of the rival models; empty if there is only one model."""
        return ()

    def draw(self, u: FloatArray) -> FloatArray:
        """Draw values from uniform numbers of shape (n, dimensions).

        Returns:
            An array of shape (n,), or (n, bands) for a band mix.
        """
        raise NotImplementedError

    def branch(self, u: FloatArray) -> np.ndarray | None:  # noqa: ARG002 - kinds with rival models use it
        """The index of the rival model in each draw, shape (n,); None if there is only one model."""
        return None


class OneDistribution(Entry):
    """An assumption about one number with one distribution."""

    @property
    def sampled_distribution(self) -> Distribution:
        """The distribution from which draws are made."""
        raise NotImplementedError

    @property
    def dimensions(self) -> int:
        """How many uniform numbers one draw needs: two for a mixture (branch and value), else one."""
        return 2 if isinstance(self.sampled_distribution, Mixture) else 1

    @property
    def models(self) -> tuple[Name, ...]:
        """The names of the branches of a mixture; empty otherwise."""
        return (
            tuple(Name(en=b.name) for b in self.sampled_distribution.branches)
            if isinstance(self.sampled_distribution, Mixture)
            else ()
        )

    def draw(self, u: FloatArray) -> FloatArray:
        """Draw n values from uniform numbers of shape (n, dimensions)."""
        sampled = self.sampled_distribution
        if isinstance(sampled, Mixture):
            return sampled.sample(u[:, 0], u[:, 1])
        return sampled.quantile(u[:, 0])

    def branch(self, u: FloatArray) -> np.ndarray | None:
        """The index of the branch of a mixture in each draw; None if the distribution is not a mixture."""
        return (
            self.sampled_distribution.branch(u[:, 0])
            if isinstance(self.sampled_distribution, Mixture)
            else None
        )

    @cached_property
    def range(self) -> Range:
        """The expected value with the low and the high value of the distribution."""
        return Range.around(self.sampled_distribution.mean, *self.sampled_distribution.ends)

    @property
    def most(self) -> float | None:
        """The largest possible value; None if there is no upper bound."""
        return self.sampled_distribution.most
