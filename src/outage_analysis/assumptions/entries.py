"""What every assumption of a ledger carries, and how it is drawn."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Literal, Self

import numpy as np
from pydantic import Field

from outage_analysis.assumptions.distribution_type import Distribution
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
        """The range between two ends; an end that the expected value lies beyond moves to it.

        Ends are often 1 % and 99 % points, and a mean can lie beyond them: of a heavy tail, or under a cap.
        """
        return cls(expected=expected, low=min(low, expected), high=max(high, expected))


class Entry(Document):
    """What every assumption carries."""

    id: Identifier
    """What tables call it."""
    name: Name
    """What readers call it."""
    lines: tuple[str, ...] = Field(min_length=1)
    """The cost lines it feeds."""
    effort: Effort | None = None
    """The class of effort it holds for; left out when it holds for all."""
    public_on: Day
    """The day from which it could be known; an earlier run does not use it."""
    grade: Literal["A", "B", "C", "D", "assumed", "example"]
    """How good the evidence is, A to D, or that there is none: assumed by its owner, or an example that
    stands in until somebody owns it, with which a report says that no figure may be used."""
    source: Text
    """Where it is from."""
    facts: tuple[str, ...] = ()
    """The facts that it rests on."""
    rationale: Text
    """Why it is so and not otherwise."""
    owner: str = Field(min_length=1)
    """Who answers for it."""
    approved_by: str = ""
    """Who has signed it; empty until somebody has."""
    outcome_known: bool
    """Whether its author already knew how the case ended."""

    @property
    def computed_from(self) -> tuple[str, ...]:
        """The facts that its figures are computed from."""
        return ()

    def facts_public_by(self, day: date) -> bool:
        """Whether every figure it is computed from was public by a day."""
        return all((get_fact(f, hindsight=True).public_on or date.max) <= day for f in self.computed_from)

    @property
    def dimensions(self) -> int:
        """How many uniform numbers a draw of it takes."""
        raise NotImplementedError

    @property
    def models(self) -> tuple[Name, ...]:
        """The rival models that it holds; none when it holds but one."""
        return ()

    def draw(self, u: FloatArray) -> FloatArray:
        """Its values for uniforms of shape (n, dimensions): (n,), or (n, bands) for a mix."""
        raise NotImplementedError

    def branch(self, u: FloatArray) -> np.ndarray | None:  # noqa: ARG002 - kinds with rivals look at it
        """Which of its rival models each draw follows; None when it holds but one."""
        return None


class OneDistribution(Entry):
    """An assumption that is one number, whose uncertainty is one law."""

    @property
    def sampled_distribution(self) -> Distribution:
        """The law that draws follow."""
        raise NotImplementedError

    @property
    def dimensions(self) -> int:
        """Two when rival laws are mixed, else one."""
        return 2 if isinstance(self.sampled_distribution, Mixture) else 1

    @property
    def models(self) -> tuple[Name, ...]:
        """The rival laws that are mixed."""
        return tuple(Name(en=b.name) for b in self.sampled_distribution.branches) if isinstance(self.sampled_distribution, Mixture) else ()

    def draw(self, u: FloatArray) -> FloatArray:
        """Values of shape (n,)."""
        law = self.sampled_distribution
        return law.sample(u[:, 0], u[:, 1]) if isinstance(law, Mixture) else law.quantile(u[:, 0])

    def branch(self, u: FloatArray) -> np.ndarray | None:
        """Which of the rival laws each draw follows."""
        return self.sampled_distribution.branch(u[:, 0]) if isinstance(self.sampled_distribution, Mixture) else None

    @cached_property
    def range(self) -> Range:
        """The expected value and the bounds: ends of the law."""
        return Range.around(self.sampled_distribution.mean, *self.sampled_distribution.ends)

    @property
    def most(self) -> float | None:
        """The largest value of the distribution; None where nothing limits it."""
        return self.sampled_distribution.most
