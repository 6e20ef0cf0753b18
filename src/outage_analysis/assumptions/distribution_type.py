"""What every law of one uncertain number answers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from outage_analysis.assumptions.normal_scores import FloatArray
from outage_analysis.errors import UsageError
from outage_analysis.files import Document

Interval = tuple[float, float]
Finite = Annotated[float, Field(ge=-1e100, le=1e100, allow_inf_nan=False)]
"""Small enough for its square to be a number."""
Positive = Annotated[float, Field(gt=0, le=1e100, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]

RANGE_PROBABILITIES = (0.01, 0.99)
"""Probabilities of the two ends shown of a distribution that its author did not bound."""
FLOAT_NOISE = 1e-9


class Distribution(Document, ABC):
    """The law of one uncertain number."""

    bounds_are_stated: ClassVar[bool] = False

    @property
    def mean(self) -> float:
        """The expected value."""
        return self._moments()[0]

    @property
    def variance(self) -> float:
        """The expected squared distance from the mean."""
        return self._moments()[1]

    @property
    def support(self) -> Interval:
        """The least and the most that can be; infinite where nothing bounds it."""
        return self._support()

    @property
    def ends(self) -> Interval:
        """What a table shows as low and high: bounds that the author stated, else the 1 % and 99 % points.

        The mean of a heavy tail can lie beyond one of these points; that end is then the mean.
        """
        if self.bounds_are_stated:
            return self.support
        low, high = self.quantile(RANGE_PROBABILITIES)
        return min(float(low), self.mean), max(float(high), self.mean)

    @property
    def most(self) -> float | None:
        """The largest possible value; None where nothing limits it."""
        top = self.support[1]
        return None if np.isinf(top) else float(top)

    def quantile(self, u: ArrayLike) -> FloatArray:
        """The least values that are not exceeded with probabilities u, (...) -> (...).

        Raises:
            UsageError: a probability that is not between 0 and 1, ends excluded.
        """
        return self._quantile(check_probabilities(u))

    def cdf(self, x: ArrayLike) -> FloatArray:
        """The probability of at most each x, (...) -> (...).

        Raises:
            UsageError: an x that is not a number.
        """
        values = np.asarray(x, float)
        if np.isnan(values).any():
            raise UsageError("a probability was asked of what is not a number", value="nan")
        return self._cdf(values)

    def capped_mean(self, ceiling: float) -> float:
        """The mean of min(X, ceiling): what a cap leaves.

        Raises:
            UsageError: a ceiling that is not a number.
        """
        if np.isnan(ceiling):
            raise UsageError("a ceiling is not a number", value="nan")
        low, high = self.support
        if ceiling <= low:
            return float(ceiling)
        return self.mean if ceiling >= high else self._capped_mean(float(ceiling))

    @abstractmethod
    def _moments(self) -> tuple[float, float]:
        """The mean and the variance."""

    @abstractmethod
    def _support(self) -> Interval: ...

    @abstractmethod
    def _quantile(self, u: FloatArray) -> FloatArray: ...

    @abstractmethod
    def _cdf(self, x: FloatArray) -> FloatArray: ...

    @abstractmethod
    def _capped_mean(self, ceiling: float) -> float:
        """For a ceiling inside the support."""


def check_probabilities(u: ArrayLike) -> FloatArray:
    """Probabilities as an array.

    Raises:
        UsageError: one that is not between 0 and 1, ends excluded.
    """
    probabilities = np.asarray(u, float)
    if not np.all((probabilities > 0) & (probabilities < 1)):
        raise UsageError(
            "a quantile needs probabilities between 0 and 1, ends excluded",
            remedy="Shift the points of a lattice by half a step.",
        )
    return probabilities


def largest_product(*tops: float | None) -> float | None:
    """The product of the largest values of non-negative factors; None where nothing limits one of them."""
    if 0 in tops:
        return 0.0
    known = [top for top in tops if top is not None]
    return math.prod(known) if len(known) == len(tops) else None


def check_adds_up(what: str, shares: Sequence[float]) -> None:
    """Refuse shares of a whole that do not make it up, in the words of a page's error.

    Raises:
        ValueError: their sum is not 1, but for rounding.
    """
    if abs(sum(shares) - 1) > FLOAT_NOISE:
        raise ValueError(f"has {what} that do not sum to 1")
