"""Laws between bounds that their author states: uniform, triangular, PERT."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from outage_analysis.assumptions.law import Finite, Interval, Law
from outage_analysis.assumptions.scores import FloatArray
from outage_analysis.assumptions.shares import Beta


class Bounded(Law):
    """A law between two stated bounds."""

    bounds_are_stated: ClassVar[bool] = True

    low: Finite
    """The least that can be."""
    high: Finite
    """The most that can be."""

    @model_validator(mode="after")
    def _wide(self) -> Self:
        if not self.low < self.high:
            raise ValueError('needs low < high | A value without a spread is kind = "fixed".')
        return self

    @property
    def width(self) -> float:
        """From low to high."""
        return self.high - self.low

    def _support(self) -> Interval:
        return self.low, self.high


class Uniform(Bounded):
    """Every value between the bounds is as likely as any other."""

    kind: Literal["uniform"] = "uniform"

    def _moments(self) -> tuple[float, float]:
        return (self.low + self.high) / 2, self.width**2 / 12

    def _quantile(self, u: FloatArray) -> FloatArray:
        return np.minimum(self.low + self.width * u, self.high)

    def _cdf(self, x: FloatArray) -> FloatArray:
        return np.clip((x - self.low) / self.width, 0, 1)

    def _capped_mean(self, ceiling: float) -> float:
        return ceiling - (ceiling - self.low) ** 2 / (2 * self.width)


class Peaked(Bounded):
    """A law between two stated bounds with a likeliest value."""

    mode: Finite
    """The likeliest value."""

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not self.low <= self.mode <= self.high:
            raise ValueError("needs low <= mode <= high")
        return self


class Triangular(Peaked):
    """A density that rises to the mode and falls from it in straight lines."""

    kind: Literal["triangular"] = "triangular"

    @property
    def sides(self) -> Interval:
        """From low to the mode, and from there to high."""
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
        # The formula of a side of no width is never chosen: the 1 only keeps it from dividing by 0.
        rising = (x - self.low) ** 2 / (self.width * (rise or 1))
        falling = 1 - (self.high - x) ** 2 / (self.width * (fall or 1))
        return np.where((x < self.mode) | (fall == 0), rising, falling)

    def _capped_mean(self, ceiling: float) -> float:
        rise, fall = self.sides
        if ceiling < self.mode:
            return ceiling - (ceiling - self.low) ** 3 / (3 * self.width * rise)
        return self.mean - (self.high - ceiling) ** 3 / (3 * self.width * fall)


class Pert(Peaked):
    """A beta law between the bounds with its mean at (low + weight x mode + high) / (weight + 2)."""

    kind: Literal["pert"] = "pert"
    weight: Annotated[float, Field(gt=0, le=1e6)] = 4.0
    """What the mode weighs beside one bound."""

    @cached_property
    def standard(self) -> Beta:
        """The law of (X - low) / (high - low)."""
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
