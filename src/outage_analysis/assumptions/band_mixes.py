"""How reports spread over loss bands: shares that nobody published."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from outage_analysis.assumptions.entries import Entry
from outage_analysis.assumptions.law import check_adds_up
from outage_analysis.assumptions.laws import FloatArray
from outage_analysis.assumptions.mixes import Dirichlet, Size
from outage_analysis.bands import Band, Closed, check_partition
from outage_analysis.datasets import Noun
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.policies import Schedule
from outage_analysis.policies.tariff import holds_any


class MixBand(Noun):
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

    def on(self, line: Schedule) -> dict[Band, float]:
        """The expected share of each band of a schedule whose written edges it follows."""
        mine = [(b.over, b.up_to) for b in self.bands]
        if mine != [(b.over, b.up_to) for b in line.bands]:
            raise ModelRefused(
                f"the band mix {self.id} is not stated on the bands of {line.id}",
                remedy="State the shares of the policy's own bands in the ledger.",
            )
        shares = zip((band for band, _ in line.tariff.written), self.shares, strict=True)
        return {band: share for band, share in shares if share or holds_any(band)}
