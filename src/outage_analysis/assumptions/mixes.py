"""Dirichlet: the joint law of the shares of a whole."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator
from scipy import special

from outage_analysis.assumptions.law import Share, check_adds_up, inside
from outage_analysis.assumptions.scores import FloatArray, Table, log_gamma_quantile
from outage_analysis.datasets import Noun
from outage_analysis.errors import UsageError

Size = Annotated[float, Field(ge=0.001, le=1_000_000)]
"""How many observations a statement is worth; beyond a million the shares are as good as known."""


class Dirichlet(Noun):
    """Shares of a whole, all uncertain, known as if `size` members of it had been seen.

    A joint law: it takes as many uniforms as it has shares. Each makes a gamma quantile with shape
    size x share; these, divided by their sum, are the shares. Raising one uniform raises its own share
    and lowers the others. A share of zero stays zero.
    """

    kind: Literal["dirichlet"] = "dirichlet"
    shares: tuple[Share, ...] = Field(min_length=1)
    """The expected shares; they sum to 1."""
    size: Size
    """How many observations the statement is worth: the more, the closer the shares stay to the expected."""

    @model_validator(mode="after")
    def _a_whole(self) -> Self:
        check_adds_up("shares", self.shares)
        return self

    @property
    def mean(self) -> FloatArray:
        """The expected shares, (k,)."""
        return np.array(self.shares) / sum(self.shares)

    def quantile(self, u: ArrayLike) -> FloatArray:
        """The shares at n points of the unit cube, (n, k) -> (n, k); rows sum to 1.

        Raises:
            UsageError: another number of columns, or a number that is not between 0 and 1, ends excluded.
        """
        points = inside(u)
        if points.shape[-1] != len(self.shares):
            raise UsageError(
                f"a mix of {len(self.shares)} shares needs as many uniforms a point", value=points.shape[-1]
            )
        logs = np.full(points.shape, -np.inf)
        for at, table in self.logarithms.items():
            logs[..., at] = table(special.ndtri(points[..., at]))
        parts = np.exp(logs - logs.max(axis=-1, keepdims=True))
        return np.asarray(parts / parts.sum(axis=-1, keepdims=True))

    @cached_property
    def logarithms(self) -> dict[int, Table]:
        """The logarithm of the gamma quantile by normal score, of each share but those of zero."""
        return {at: _log_gamma(self.size * share) for at, share in enumerate(self.shares) if share}


def _log_gamma(shape: float) -> Table:
    return Table(lambda scores: log_gamma_quantile(shape, scores))
