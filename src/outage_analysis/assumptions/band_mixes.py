"""How reports spread over loss bands: shares that nobody published."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator
from scipy import special

from outage_analysis.assumptions.distribution_type import Share, check_adds_up, check_probabilities
from outage_analysis.assumptions.entries import Entry
from outage_analysis.assumptions.normal_scores import FloatArray, QuantileTable, log_gamma_quantile
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import Document
from outage_analysis.incidents import Band, Closed, check_partition
from outage_analysis.policies import Schedule, contains_integer


class MixBand(Document):
    """The share of reports expected in one band."""

    over: Annotated[int, Field(ge=0)]
    """The edge below it, in the smallest unit."""
    up_to: Annotated[int, Field(gt=0)] | None = None
    """The edge above it; left out for the last band."""
    share: Annotated[float, Field(ge=0, le=1)]
    """The share of reports in it."""


class BandMix(Entry):
    """How published reports spread over loss bands, when nobody published it."""

    kind: Literal["band_mix"]
    closed: Closed = "upper"
    """Whether an edge belongs to the band below it or above."""
    bands: tuple[MixBand, ...] = Field(alias="band", min_length=1)
    """The bands with their shares, which add up to 1."""
    size: Size | None = None
    """How many observations the shares are worth: the mix follows a Dirichlet law. Left out when the
    shares are not in doubt."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        try:
            check_partition([(b.over, b.up_to) for b in self.bands])
        except UsageError as error:
            raise ValueError(f"{error.problem} | {error.remedy}") from error
        check_adds_up("shares", [b.share for b in self.bands])
        return self

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of each band; they sum to 1 also where the page rounds them."""
        total = sum(b.share for b in self.bands)
        return tuple(b.share / total for b in self.bands)

    @cached_property
    def law(self) -> Dirichlet | None:
        """The joint law of the shares."""
        shares = tuple(b.share for b in self.bands)
        return None if self.size is None else Dirichlet(shares=shares, size=self.size)

    @property
    def dimensions(self) -> int:
        """One a band, or none when the shares are not in doubt."""
        return 0 if self.size is None else len(self.bands)

    def draw(self, u: FloatArray) -> FloatArray:
        """Shares of shape (n, bands).

        The first number of a draw drives the last band, mostly the dearest: a correlation with the mix is
        one with that share.
        """
        if self.law is None:
            return np.tile(self.shares, (len(u), 1))
        return self.law.quantile(u[:, ::-1])

    def shares_by_band(self, line: Schedule) -> dict[Band, float]:
        """The expected share of each band of a schedule whose written edges it follows."""
        mine = [(b.over, b.up_to) for b in self.bands]
        if mine != [(b.over, b.up_to) for b in line.bands]:
            raise ModelRefused(
                f"the band mix {self.id} is not stated on the bands of {line.id}",
                remedy="State the shares of the policy's own bands in the ledger.",
            )
        shares = zip((band for band, _ in line.tariff.bands_with_rules), self.shares, strict=True)
        return {band: share for band, share in shares if share or contains_integer(band)}


Size = Annotated[float, Field(ge=0.001, le=1_000_000)]
"""How many observations a statement is worth; beyond a million the shares are as good as known."""


class Dirichlet(Document):
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
        points = check_probabilities(u)
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
    def logarithms(self) -> dict[int, QuantileTable]:
        """The logarithm of the gamma quantile by normal score, of each share but those of zero."""
        return {at: _log_gamma(self.size * share) for at, share in enumerate(self.shares) if share}


def _log_gamma(shape: float) -> QuantileTable:
    return QuantileTable(lambda scores: log_gamma_quantile(shape, scores))
