"""The TOML document that describes a synthetic complaint file: counts to match, and assumptions."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from outage_analysis.assumptions import MixBand
from outage_analysis.files import Document, Identifier, Name, read_document
from outage_analysis.incidents import check_partition, get_fact

LOSS_STATES = ("some", "zero", "unknown")
"""Loss state of a complaint: the loss is above 0, the loss is 0, or the loss is unknown."""
MIX_VALUES = {
    "loss": {*LOSS_STATES},
    "report": {"first", "second"},
    "spelling": {"plain", "free"},
    "unit": {"edge", "1", "10", "100", "1000", "5000", "10000", "50000", "100000", "1000000"},
}
"""Column -> the values to which a mix may give a weight. Other columns allow any value."""
PLACEHOLDERS = {f"{{{column}}}": column for column in ("service", "loss", "filed_on")}
"""Placeholder in the text of a complaint -> the column whose cell replaces it. An empty cell becomes "?"."""


class RowAssumption(Document):
    """The fields that all assumptions about synthetic rows share, such as the rows to which they apply."""

    id: Identifier
    """The id of the assumption."""
    grade: Literal["assumed"]
    """Always "assumed": the value was not measured."""
    facts: tuple[str, ...] = ()
    """Ids of the facts that support the assumption."""
    rationale: str = Field(min_length=1)
    """The reason for the assumption."""
    claimant_types: tuple[Identifier, ...] = ()
    """The claimant types to which the assumption applies; an empty list means all."""
    categories: tuple[Identifier, ...] = ()
    """The categories to which the assumption applies; an empty list means all."""


class Mix(RowAssumption):
    """The assumed frequencies of the values in one column, as weights."""

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
    """The column to which the weights apply."""
    weights: dict[Identifier, Annotated[float, Field(gt=0)] | str] = Field(min_length=1)
    """Value -> its weight, or the id of a published fact whose value is the weight."""

    @cached_property
    def numbers(self) -> tuple[float, ...]:
        """The weights as numbers. Ids of facts are replaced by the values of the facts."""
        return tuple(get_fact(w).number if isinstance(w, str) else w for w in self.weights.values())


class LossModel(RowAssumption):
    """Lognormal distribution of losses above 0, with an exact share of rows for each loss band.

    A band includes its upper edge. The shares are met exactly within each chunk of rows.
    """

    median: Annotated[int, Field(gt=0)]
    """Median loss, in the smallest unit of the incident's losses."""
    sigma: Annotated[float, Field(gt=0, le=5)]
    """Standard deviation of the logarithm."""
    bands: tuple[MixBand, ...] = Field(alias="band", default=(MixBand(over=0, share=1.0),))
    """Loss bands and the share of the rows in each."""


class SyntheticAssumptions(Document):
    """The assumptions about a synthetic complaint file, and the published facts whose counts it matches."""

    id: Identifier
    """The id by which commands select the document."""
    name: Name
    """The name that readers see."""
    incident: Identifier
    """The incident to which the complaints belong."""
    categories: dict[Identifier, str]
    """Category of complaint -> the id of the fact with its count."""
    claimant_types: dict[Identifier, str]
    """Claimant type -> the id of the fact with its count, without complaints about affiliates."""
    with_loss: dict[Identifier, str]
    """Claimant type -> the id of the fact that counts its complaints with a loss above 0."""
    early: str
    """The id of the fact that counts the complaints of the early days."""
    losses: tuple[LossModel, ...]
    """The distributions of losses above 0."""
    mixes: tuple[Mix, ...] = Field(alias="mix")
    """The assumed frequencies of the values in the columns."""
    texts: dict[Identifier, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    """Id -> text of a complaint with `PLACEHOLDERS`. A mix of the column `content` weights the ids."""

    def mixes_for(self, column: str) -> list[Mix]:
        """Return the assumed frequencies of a column's values, one `Mix` per group of complaints."""
        return [mix for mix in self.mixes if mix.column == column]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for loss_model in self.losses:
            check_partition([(b.over, b.up_to) for b in loss_model.bands])
        if foreign := self.with_loss.keys() - self.claimant_types.keys():
            raise ValueError(f"has in with_loss '{min(foreign)}', which is no claimant type")
        known = {**MIX_VALUES, "content": self.texts.keys()}
        for assumption in (*self.losses, *self.mixes):
            unknown = {*assumption.claimant_types} - self.claimant_types.keys()
            unknown |= {*assumption.categories} - self.categories.keys()
            if isinstance(assumption, Mix):
                unknown |= assumption.weights.keys() - known.get(assumption.column, assumption.weights.keys())
            if unknown:
                raise ValueError(f"has in {assumption.id} the word '{min(unknown)}', which it cannot use")
        for id_, text in self.texts.items():
            if re.search("[{}]", re.sub("|".join(PLACEHOLDERS), "", text)):
                raise ValueError(
                    f"has in the text {id_} a brace of its own | Known: {', '.join(PLACEHOLDERS)}."
                )
        return self

    @model_validator(mode="after")
    def _days_are_for_all(self) -> Self:
        for column in ("early_day", "late_day"):
            mixes = self.mixes_for(column)
            if len(mixes) != 1 or mixes[0].claimant_types or mixes[0].categories:
                raise ValueError(f"needs one mix of {column}, for all rows: they are in the order of filing")
        return self


def load_synthetic(id_or_path: str | Path) -> SyntheticAssumptions:
    """Read the assumptions about a synthetic file, given a bundled id or the path of a TOML file."""
    return read_document(SyntheticAssumptions, "synthetic", id_or_path)
