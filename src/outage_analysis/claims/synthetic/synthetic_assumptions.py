"""The TOML page of a synthetic file: the facts that it matches, and all that it assumes."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from outage_analysis.assumptions import MixBand
from outage_analysis.files import Document, Identifier, Name, read_document
from outage_analysis.incidents import check_partition, figure

LOSS_STATES = ("some", "zero", "unknown")
"""What is known of a loss: that it is above 0, that it is 0, nothing."""
MIX_VALUES = {
    "loss": {*LOSS_STATES},
    "report": {"first", "second"},
    "spelling": {"plain", "free"},
    "unit": {"edge", "1", "10", "100", "1000", "5000", "10000", "50000", "100000", "1000000"},
}
"""The values that a mix may weigh, where not any will do."""
PLACEHOLDERS = {f"{{{column}}}": column for column in ("service", "loss", "filed_on")}
"""What a text may quote -> the column whose cell in the same row stands there, ? for an empty one."""


class RowAssumption(Document):
    """What every assumption about synthetic rows carries, and the rows it is about."""

    id: Identifier
    """What rows of the page are called by."""
    grade: Literal["assumed"]
    """That nobody measured it."""
    facts: tuple[str, ...] = ()
    """The facts that it leans on."""
    rationale: str = Field(min_length=1)
    """Why it is assumed so."""
    claimant_types: tuple[Identifier, ...] = ()
    """Only these types; none listed stands for all."""
    categories: tuple[Identifier, ...] = ()
    """Only these categories; none listed stands for all."""


class Mix(RowAssumption):
    """How often each value of a column occurs: weights, or facts whose value is the weight."""

    column: Literal[
        "loss",
        "service",
        "region",
        "industry",
        "early_day",
        "late_day",
        "unit",
        "report",
        "spelling",
        "content",
    ]
    """What is weighed."""
    weights: dict[Identifier, Annotated[float, Field(gt=0)] | str] = Field(min_length=1)
    """Value -> its weight, or a fact whose value is the weight."""

    @cached_property
    def numbers(self) -> tuple[float, ...]:
        """The weights, facts replaced by their values."""
        return tuple(figure(w).number if isinstance(w, str) else w for w in self.weights.values())


class LossModel(RowAssumption):
    """Positive losses, lognormal; each band, closed above, holds exactly its share of a chunk's."""

    median: Annotated[int, Field(gt=0)]
    """In the smallest unit."""
    sigma: Annotated[float, Field(gt=0, le=5)]
    """Of the logarithm."""
    bands: tuple[MixBand, ...] = Field(alias="band", default=(MixBand(over=0, share=1.0),))
    """Bands with the shares that they hold exactly."""


class SyntheticAssumptions(Document):
    """All that a synthetic complaint file assumes, and the facts whose counts it matches."""

    id: Identifier
    """What commands call it by."""
    name: Name
    """What readers call it."""
    incident: Identifier
    """The incident whose complaints it makes."""
    categories: dict[Identifier, str]
    """Category of the report -> the fact that counts it."""
    claimant_types: dict[Identifier, str]
    """Claimant type -> the fact that counts its own cases: those of no affiliate."""
    with_loss: dict[Identifier, str]
    """Claimant type -> the fact that counts those with a loss above 0."""
    early: str
    """The fact that counts the reports of the early days."""
    losses: tuple[LossModel, ...]
    """How large losses are."""
    mixes: tuple[Mix, ...] = Field(alias="mix")
    """How often each value of a column occurs."""
    texts: dict[Identifier, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    """What a complaint says, by an id that mixes of `content` weigh; it may quote `PLACEHOLDERS`."""

    def of(self, column: str) -> list[Mix]:
        """The mixes of a column."""
        return [mix for mix in self.mixes if mix.column == column]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for law in self.losses:
            check_partition([(b.over, b.up_to) for b in law.bands])
        if foreign := self.with_loss.keys() - self.claimant_types.keys():
            raise ValueError(f"has in with_loss '{min(foreign)}', which is no claimant type")
        known = {**MIX_VALUES, "content": self.texts.keys()}
        for by in (*self.losses, *self.mixes):
            strange = {*by.claimant_types} - self.claimant_types.keys()
            strange |= {*by.categories} - self.categories.keys()
            if isinstance(by, Mix):
                strange |= by.weights.keys() - known.get(by.column, by.weights.keys())
            if strange:
                raise ValueError(f"has in {by.id} the word '{min(strange)}', which it cannot use")
        for id_, text in self.texts.items():
            if re.search("[{}]", re.sub("|".join(PLACEHOLDERS), "", text)):
                raise ValueError(
                    f"has in the text {id_} a brace of its own | Known: {', '.join(PLACEHOLDERS)}."
                )
        return self

    @model_validator(mode="after")
    def _days_are_for_all(self) -> Self:
        for column in ("early_day", "late_day"):
            mixes = self.of(column)
            if len(mixes) != 1 or mixes[0].claimant_types or mixes[0].categories:
                raise ValueError(f"needs one mix of {column}, for all rows: they are in the order of filing")
        return self


def load_synthetic(id_or_path: str | Path) -> SyntheticAssumptions:
    """Read what a synthetic file assumes, from its bundled id or from a path to TOML."""
    return read_document(SyntheticAssumptions, "synthetic", id_or_path)
