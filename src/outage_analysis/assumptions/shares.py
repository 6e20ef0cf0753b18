"""Laws of a share between 0 and 1: beta, and a normal or a Student t law of its logit."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from scipy import special

from outage_analysis.assumptions.law import Finite, Interval, Law, Positive
from outage_analysis.assumptions.scores import FloatArray, Table, log_beta_quantile

MIDPOINTS = (np.arange(20_000) + 0.5) / 20_000
"""Probabilities at which a law of a logit is averaged: its moments have no formula."""

Weight = Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]


class ShareLaw(Law):
    """A law of a share."""

    def _support(self) -> Interval:
        return 0.0, 1.0


class Beta(ShareLaw):
    """A share of which `a` ones and `b` zeros were seen, in effect."""

    kind: Literal["beta"] = "beta"
    a: Weight
    """The weight of the ones; the mean is a / (a + b)."""
    b: Weight
    """The weight of the zeros."""

    @cached_property
    def logits(self) -> Table:
        """The logit of the quantile, by normal score."""
        a, b = self.a, self.b
        return Table(lambda z: log_beta_quantile(a, b, z) - log_beta_quantile(b, a, -z))

    def _moments(self) -> tuple[float, float]:
        size = self.a + self.b
        return self.a / size, self.a * self.b / (size**2 * (size + 1))

    def _quantile(self, u: FloatArray) -> FloatArray:
        return np.asarray(special.expit(self.logits(special.ndtri(u))))

    def _cdf(self, x: FloatArray) -> FloatArray:
        return np.asarray(special.betainc(self.a, self.b, np.clip(x, 0, 1)))

    def _capped_mean(self, ceiling: float) -> float:
        below = self.mean * special.betainc(self.a + 1, self.b, ceiling)
        return float(below + ceiling * special.betaincc(self.a, self.b, ceiling))


class LogitLaw(ShareLaw):
    """A share whose logit, log(share / (1 - share)), is a location plus a scale times a standard law.

    Mean, variance and mean under a cap are averages over 20,000 points of equal probability.
    """

    location: Finite
    """The median of the logit."""
    scale: Positive
    """Its scale."""

    @cached_property
    def points(self) -> FloatArray:
        """The share at each of the 20,000 probabilities."""
        return self._quantile(MIDPOINTS)

    @cached_property
    def moments(self) -> tuple[float, float]:
        """The mean and the variance."""
        return float(self.points.mean()), float(self.points.var())

    def _moments(self) -> tuple[float, float]:
        return self.moments

    def _quantile(self, u: FloatArray) -> FloatArray:
        return np.asarray(special.expit(self._standard_quantile(u) * self.scale + self.location))

    def _cdf(self, x: FloatArray) -> FloatArray:
        return self._standard_cdf((special.logit(np.clip(x, 0, 1)) - self.location) / self.scale)

    def _capped_mean(self, ceiling: float) -> float:
        return float(np.minimum(self.points, ceiling).mean())

    @abstractmethod
    def _standard_quantile(self, u: FloatArray) -> FloatArray: ...

    @abstractmethod
    def _standard_cdf(self, x: FloatArray) -> FloatArray: ...


class LogitNormal(LogitLaw):
    """A share whose logit is normal."""

    kind: Literal["logit-normal"] = "logit-normal"

    def _standard_quantile(self, u: FloatArray) -> FloatArray:
        return np.asarray(special.ndtri(u))

    def _standard_cdf(self, x: FloatArray) -> FloatArray:
        return np.asarray(special.ndtr(x))


class LogitT(LogitLaw):
    """A share whose logit follows a Student t law."""

    kind: Literal["logit-t"] = "logit-t"
    df: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    """Its degrees of freedom: the fewer, the heavier its tails."""

    def _standard_quantile(self, u: FloatArray) -> FloatArray:
        return np.asarray(special.stdtrit(self.df, u))

    def _standard_cdf(self, x: FloatArray) -> FloatArray:
        return np.asarray(special.stdtr(self.df, x))
