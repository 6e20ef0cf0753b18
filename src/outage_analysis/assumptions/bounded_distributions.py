"""Distributions between bounds: uniform, triangular, PERT, and distributions of a share (beta, logit)."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from scipy import special

from outage_analysis.assumptions.distribution_type import Distribution, Finite, Interval, Positive
from outage_analysis.assumptions.normal_scores import FloatArray, QuantileTable, log_beta_quantile


class BoundedDistribution(Distribution):
    """A distribution between two stated bounds."""

    bounds_are_stated: ClassVar[bool] = True

    low: Finite
    """The smallest possible value."""
    high: Finite
    """The largest possible value."""

    @model_validator(mode="after")
    def _low_below_high(self) -> Self:
        if not self.low < self.high:
            raise ValueError('needs low < high | A value without a spread is kind = "fixed".')
        return self

    @property
    def width(self) -> float:
        """The distance between the two bounds."""
        return self.high - self.low

    def _support(self) -> Interval:
        return self.low, self.high


class Uniform(BoundedDistribution):
    """The uniform distribution: every value between the bounds is equally likely."""

    kind: Literal["uniform"] = "uniform"

    def _moments(self) -> tuple[float, float]:
        return (self.low + self.high) / 2, self.width**2 / 12

    def _quantile(self, u: FloatArray) -> FloatArray:
        return np.minimum(self.low + self.width * u, self.high)

    def _cdf(self, x: FloatArray) -> FloatArray:
        return np.clip((x - self.low) / self.width, 0, 1)

    def _capped_mean(self, ceiling: float) -> float:
        return ceiling - (ceiling - self.low) ** 2 / (2 * self.width)


class PeakedDistribution(BoundedDistribution):
    """A distribution between two stated bounds with a most likely value."""

    mode: Finite
    """The most likely value."""

    @model_validator(mode="after")
    def _mode_in_bounds(self) -> Self:
        if not self.low <= self.mode <= self.high:
            raise ValueError("needs low <= mode <= high")
        return self


class Triangular(PeakedDistribution):
    """The triangular distribution: its density rises linearly to the mode and falls linearly from it."""

    kind: Literal["triangular"] = "triangular"

    @property
    def sides(self) -> Interval:
        """The distances from the lower bound to the mode and from the mode to the upper bound."""
        return self.mode - self.low, self.high - self.mode

    def _moments(self) -> tuple[float, float]:
        rise, fall = self.sides
        return (self.low + self.mode + self.high) / 3, (rise**2 + rise * fall + fall**2) / 18

    def _quantile(self, u: FloatArray) -> FloatArray:
        rise, fall = self.sides
        rising = self.low + np.sqrt(u * self.width * rise)
        falling = self.high - np.sqrt((1 - u) * self.width * fall)
        return np.where(u * self.width <= rise, rising, falling)

    def _cdf(self, x: FloatArray) -> FloatArray:
        rise, fall = self.sides
        x = np.clip(x, self.low, self.high)
        # If the mode is at a bound, the side between them has width 0. Its formula is then not used; the 1
        # only avoids a division by 0.
        rising = (x - self.low) ** 2 / (self.width * (rise or 1))
        falling = 1 - (self.high - x) ** 2 / (self.width * (fall or 1))
        return np.where((x < self.mode) | (fall == 0), rising, falling)

    def _capped_mean(self, ceiling: float) -> float:
        rise, fall = self.sides
        if ceiling < self.mode:
            return ceiling - (ceiling - self.low) ** 3 / (3 * self.width * rise)
        return self.mean - (self.high - ceiling) ** 3 / (3 * self.width * fall)


class Pert(PeakedDistribution):
    """The PERT distribution: a scaled beta with mean (low + weight x mode + high) / (weight + 2)."""

    kind: Literal["pert"] = "pert"
    weight: Annotated[float, Field(gt=0, le=1e6)] = 4.0
    """The weight of the mode in the mean, where each bound weighs 1."""

    @cached_property
    def standard(self) -> Beta:
        """The beta distribution of (value - low) / (high - low), from 0 to 1."""
        at = (self.mode - self.low) / self.width
        return Beta(a=1 + self.weight * at, b=1 + self.weight * (1 - at))

    def _moments(self) -> tuple[float, float]:
        return self.low + self.width * self.standard.mean, self.width**2 * self.standard.variance

    def _quantile(self, u: FloatArray) -> FloatArray:
        return np.minimum(self.low + self.width * self.standard.quantile(u), self.high)

    def _cdf(self, x: FloatArray) -> FloatArray:
        return self.standard.cdf((x - self.low) / self.width)

    def _capped_mean(self, ceiling: float) -> float:
        return self.low + self.width * self.standard.capped_mean((ceiling - self.low) / self.width)


MIDPOINTS = (np.arange(20_000) + 0.5) / 20_000
"""Probabilities at which logit distributions are averaged, because their moments have no closed form."""

Weight = Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]


class ShareDistribution(Distribution):
    """A distribution of a share, between 0 and 1."""

    def _support(self) -> Interval:
        return 0.0, 1.0


class Beta(ShareDistribution):
    """The beta distribution of a share, as precise as if `a` successes and `b` failures had been observed."""

    kind: Literal["beta"] = "beta"
    a: Weight
    """The weight of the ones; the mean is a / (a + b)."""
    b: Weight
    """The weight of the zeros."""

    @cached_property
    def logits(self) -> QuantileTable:
        """A table from normal scores (normal quantiles of probabilities) to the logits of the share."""
        a, b = self.a, self.b
        return QuantileTable(lambda z: log_beta_quantile(a, b, z) - log_beta_quantile(b, a, -z))

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


class LogitDistribution(ShareDistribution):
    """A share whose logit, log(share / (1 - share)), is location + scale x a standard normal or t variable.

    Mean, variance and capped mean are averages over 20,000 points of equal probability.
    """

    location: Finite
    """The median of the logit."""
    scale: Positive
    """The scale of the logit."""

    @cached_property
    def points(self) -> FloatArray:
        """The quantiles at 20,000 evenly spaced probabilities; mean and variance are computed from them."""
        return self._quantile(MIDPOINTS)

    @cached_property
    def moments(self) -> tuple[float, float]:
        """The mean and the variance of the share."""
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


class LogitNormal(LogitDistribution):
    """A share whose logit, log(share / (1 - share)), has a normal distribution."""

    kind: Literal["logit-normal"] = "logit-normal"

    def _standard_quantile(self, u: FloatArray) -> FloatArray:
        return np.asarray(special.ndtri(u))

    def _standard_cdf(self, x: FloatArray) -> FloatArray:
        return np.asarray(special.ndtr(x))


class LogitT(LogitDistribution):
    """A share whose logit, log(share / (1 - share)), has a Student t distribution."""

    kind: Literal["logit-t"] = "logit-t"
    df: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    """The degrees of freedom: the fewer, the heavier the tails."""

    def _standard_quantile(self, u: FloatArray) -> FloatArray:
        return np.asarray(special.stdtrit(self.df, u))

    def _standard_cdf(self, x: FloatArray) -> FloatArray:
        return np.asarray(special.stdtr(self.df, x))
