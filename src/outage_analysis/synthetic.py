"""Synthetic complaints: published margins matched exactly, everything else assumed on a TOML page.

Nothing made here is a finding about an incident; every row says of itself that it is synthetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from outage_analysis.assumptions import MixBand
from outage_analysis.bands import LARGEST_LOSS, check_partition
from outage_analysis.datasets import Day, Identifier, Name, Noun, nearest, read_noun
from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.incidents import Incident, Named
from outage_analysis.published import figure

Category = Literal["paid", "free_with_loss", "other", "affiliate"]
Fraction = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[int, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]


class Stated(Noun):
    """What every assumption about synthetic rows carries."""

    id: Identifier
    grade: Literal["assumed"]
    facts: tuple[str, ...] = ()
    rationale: str = Field(min_length=1)


class Margins(Noun):
    """Ids of the facts that the rows must add up to."""

    total: str
    own: str
    affiliates: str
    paid: str
    free_with_loss: str
    other: str
    claimant_types: dict[Identifier, str]
    """Claimant type -> the fact that counts its own cases."""
    with_loss: dict[Identifier, str] = Field(default_factory=dict)
    """Claimant type -> the fact that counts its own cases with a loss."""
    early: str
    """The fact that counts what was filed through `early_until`."""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        parts = {self.total: (self.own, self.affiliates), self.own: (self.paid, self.free_with_loss, self.other)}
        for whole, ids in (*parts.items(), (self.own, tuple(self.claimant_types.values()))):
            if _count(whole) != sum(map(_count, ids)):
                raise ValueError(f"{' + '.join(ids)} do not add up to {whole}")
        return self


class Filing(Stated):
    """When reports come in: one weight a day, from the first day on."""

    opens: Day
    early_until: Day
    weights: tuple[Weight, ...] = Field(min_length=2)


class Habits(Stated):
    """How people file."""

    second_reports: Annotated[float, Field(ge=0, le=0.5)]
    plain_name: Fraction


class LossShares(Stated):
    """Who names a loss, where no count was published."""

    paid: Fraction
    affiliate: Fraction
    other_zero: Fraction
    claimant_types: dict[Identifier, Fraction] = Field(default_factory=dict)


class HeapUnit(Noun):
    """The share of losses told in multiples of a round sum."""

    unit: Amount
    share: Fraction


class Heaping(Stated):
    """How told losses gather on round sums and on edges."""

    units: tuple[HeapUnit, ...]
    edges: tuple[Amount, ...] = Field(min_length=1)
    edge_share: Fraction

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        if sum(u.share for u in self.units) > 1:
            raise ValueError("has unit shares that sum to more than 1")
        return self


class LossLaw(Stated):
    """Positive losses of some claimant types: lognormal, with the share of each band if stated."""

    claimant_types: tuple[Identifier, ...]
    median: Amount
    sigma: Annotated[float, Field(gt=0, le=5)]
    bands: tuple[MixBand, ...] = Field(alias="band", default=(MixBand(over=0, share=1.0),), min_length=1)

    @model_validator(mode="after")
    def _partition(self) -> Self:
        try:
            check_partition([(b.over, b.up_to) for b in self.bands])
        except UsageError as error:
            raise ValueError(f"{error.problem} | {error.remedy}") from error
        return self


class Mix(Stated):
    """The weights of a column's values: numbers, or ids of facts whose value is the weight."""

    claimant_types: tuple[Identifier, ...]
    categories: tuple[Category, ...] = ()
    """Only these categories; none stands for all."""
    weights: dict[Identifier, Weight | str] = Field(min_length=1)


class SyntheticAssumptions(Noun):
    """Everything assumed about a synthetic complaint file."""

    id: Identifier
    name: Name
    incident: Identifier
    margins: Margins
    filing: Filing
    habits: Habits
    loss_shares: LossShares
    heaping: Heaping
    losses: tuple[LossLaw, ...] = Field(min_length=1)
    services: tuple[Mix, ...] = Field(min_length=1)
    regions: tuple[Mix, ...]
    industries: tuple[Mix, ...]


def load_synthetic(id_or_path: str | Path) -> SyntheticAssumptions:
    """Read what a synthetic file assumes, from its bundled id or from a path to TOML.

    Raises:
        UsageError: no such page, or a page that breaks a rule, by key.
    """
    return read_noun(SyntheticAssumptions, "synthetic", id_or_path)
