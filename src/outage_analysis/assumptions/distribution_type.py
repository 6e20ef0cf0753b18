"""The interface of every distribution of one uncertain number."""

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
"""A number small enough that its square is still finite."""
Positive = Annotated[float, Field(gt=0, le=1e100, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]

RANGE_PROBABILITIES = (0.01, 0.99)
"""Percentiles listed as low and high for a distribution whose author stated no bounds."""
FLOAT_NOISE = 1e-9


class Distribution(Document, ABC):
    """The distribution of one uncertain number."""

    bounds_are_stated: ClassVar[bool] = False

    @property
    def mean(self) -> float:
        """The expected value."""
        return self._moments()[0]

    @property
    def variance(self) -> float:
        """The variance."""
        return self._moments()[1]

    @property
    def support(self) -> Interval:
        """The smallest and the largest possible value; minus or plus infinity if there is no bound."""
        return self._support()

    @property
    def ends(self) -> Interval:
        """The low and high value for tables: the stated bounds or, without them, the 1 % and 99 % quantiles.

        The mean of a heavy-tailed distribution can lie outside these percentiles; the range is then widened
        to include it.
        """
        if self.bounds_are_stated:
            return self.support
        low, high = self.quantile(RANGE_PROBABILITIES)
        return min(float(low), self.mean), max(float(high), self.mean)

    @property
    def most(self) -> float | None:
        """The largest possible value; None if the distribution is unbounded above."""
        maximum = self.support[1]
        return None if np.isinf(maximum) else float(maximum)

    def quantile(self, u: ArrayLike) -> FloatArray:
        """The quantiles at probabilities u, in an array of the same shape.

        Raises:
            UsageError: a probability is not strictly between 0 and 1.
        """
        return self._quantile(check_probabilities(u))

    def cdf(self, x: ArrayLike) -> FloatArray:
        """P(value <= x) for each x, in an array of the same shape.

        Raises:
            UsageError: an x is NaN.
        """
        values = np.asarray(x, float)
        if np.isnan(values).any():
            raise UsageError("a probability was asked of what is not a number", value="nan")
        return self._cdf(values)

    def capped_mean(self, ceiling: float) -> float:
        """The limited expected value: the mean of the smaller of the value and `ceiling`.

        Raises:
            UsageError: the ceiling is NaN.
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
        """The mean of min(value, ceiling), for a ceiling between the smallest and largest possible value."""


def check_probabilities(u: ArrayLike) -> FloatArray:
    """Check that probabilities are strictly between 0 and 1, and return them as an array.

    Raises:
        UsageError: a probability is not strictly between 0 and 1.
    """
    probabilities = np.asarray(u, float)
    if not np.all((probabilities > 0) & (probabilities < 1)):
        raise UsageError(
            "a quantile needs probabilities between 0 and 1, ends excluded",
            remedy="Shift the points of a lattice by half a step.",
        )
    return probabilities


def largest_product(*maxima: float | None) -> float | None:
    """The largest product of non-negative factors, given the largest value of each; None if unbounded."""
    if 0 in maxima:
        return 0.0
    known = [maximum for maximum in maxima if maximum is not None]
    return math.prod(known) if len(known) == len(maxima) else None


def check_adds_up(what: str, shares: Sequence[float]) -> None:
    """Raise an error if shares of a whole do not add up to 1.

    Args:
        what: what to call the shares in the error message.
        shares: the shares.

    Raises:
        ValueError: the sum of the shares differs from 1 by more than rounding.
    """
    if abs(sum(shares) - 1) > FLOAT_NOISE:
        raise ValueError(f"has {what} that do not sum to 1")
