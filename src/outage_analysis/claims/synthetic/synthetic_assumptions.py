"""The assumptions of a synthetic complaint file, and the counts of rows that follow from them.

The published counts are scaled to the size of the file and split over its chunks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field

from outage_analysis.assumptions import MixBand
from outage_analysis.errors import UsageError
from outage_analysis.files import Document, Identifier, NamedDocument, read_document
from outage_analysis.incidents import check_partition, get_fact

LOSS_STATES = ("some", "zero", "unknown")
"""Loss state of a complaint: the loss is above 0, the loss is 0, or the loss is unknown."""
MIX_VALUES = {
    "loss": {*LOSS_STATES},
    "report": {"first", "second"},
    "spelling": {"plain", "free"},
    "unit": {"edge", "1", "5", "10", "15", "100", "1000", "5000", "10000", "50000", "100000", "1000000"},
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


RowCount = Annotated[int, Field(ge=0)] | str
"""A number of rows, or the id of the published fact that states it."""


class SyntheticAssumptions(NamedDocument):
    """The assumptions about a synthetic complaint file, and the counts that it matches.

    The counts of a real outage are published facts, named by their ids. The counts of an invented outage are
    numbers.
    """

    incident: Identifier
    """The incident to which the complaints belong."""
    language: Literal["ko", "en"] = "ko"
    """The language in which the file names services and claimant types."""
    category_column: Identifier = "category"
    """The column of the file that states the category: a dimension of the incident."""
    categories: dict[Identifier, RowCount]
    """Category of complaint -> its count."""
    claimant_types: dict[Identifier, RowCount]
    """Claimant type -> its count, without complaints about affiliates."""
    with_loss: dict[Identifier, RowCount] = Field(default_factory=dict)
    """Claimant type -> the count of its complaints with a loss above 0. Types that are left out share the
    other losses in proportion to their counts."""
    early: RowCount
    """The count of the complaints of the early days."""
    losses: tuple[LossModel, ...]
    """The distributions of losses above 0."""
    mixes: tuple[Mix, ...] = Field(alias="mix")
    """The assumed frequencies of the values in the columns."""
    texts: dict[Identifier, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    """Id -> text of a complaint with `PLACEHOLDERS`. A mix of the column `content` weights the ids."""

    def mixes_for(self, column: str) -> list[Mix]:
        """Return the assumed frequencies of a column's values, one `Mix` per group of complaints."""
        return [mix for mix in self.mixes if mix.column == column]

    def _check(self) -> None:
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
        for column in ("early_day", "late_day"):
            mixes = self.mixes_for(column)
            if len(mixes) != 1 or mixes[0].claimant_types or mixes[0].categories:
                raise ValueError(f"needs one mix of {column}, for all rows: they are in the order of filing")


def load_synthetic(id_or_path: str | Path) -> SyntheticAssumptions:
    """Read the assumptions about a synthetic file, given a bundled id or the path of a TOML file."""
    return read_document(SyntheticAssumptions, "synthetic", id_or_path)


def _row_count(count: RowCount) -> int:
    """Return a number of rows; the id of a fact is replaced by the value of the fact."""
    return get_fact(count).whole if isinstance(count, str) else count


MAX_ROWS = 2_000_000_000
AFFILIATE = "affiliate"
"""The category of complaints for which no counts by claimant type were published."""


def apportion(weights: Iterable[float], total: int) -> np.ndarray:
    """Divide `total` into whole numbers that are proportional to the weights.

    If the weights are whole numbers whose sum is at least `total`, no result is larger than its weight.
    """
    running = np.cumsum([*weights], dtype=float)
    if not total:
        return np.zeros(len(running), dtype=int)
    return np.asarray(np.diff(np.rint(running / running[-1:] * total), prepend=0), dtype=int)


class RemainingCounts:
    """The number of rows that still have to be drawn for a file, per value (such as each category).

    Each chunk of rows takes from these counts in proportion.
    """

    def __init__(self, counts: Iterable[int]) -> None:
        self.left = np.array([*counts], dtype=int)

    def take(self, rows: int) -> np.ndarray:
        """Subtract `rows` rows from the remaining counts, and return how many rows each value gets."""
        counts = apportion(self.left, rows)
        self.left -= counts
        return counts


@dataclass(frozen=True)
class FileCounts:
    """The number of rows of a file by category, by loss state (above 0, 0, unknown) and by claimant type."""

    rows: int
    early: int
    """The number of rows that are filed on the early days."""
    categories: RemainingCounts
    loss_states: dict[str, RemainingCounts]
    """Category -> the number of rows per loss state."""
    with_loss: RemainingCounts
    """The number of rows with a loss above 0 per claimant type, without the affiliates."""
    without_loss: RemainingCounts
    """The number of rows without a loss above 0 per claimant type, without the affiliates."""
    affiliates: RemainingCounts
    """The number of rows about affiliates per claimant type."""

    @classmethod
    def from_assumptions(cls, assumptions: SyntheticAssumptions, rows: int | None = None) -> Self:
        """Return the published numbers of rows, or numbers in the same proportions that add up to `rows`.

        Raises:
            UsageError: the published counts contradict each other, or the number of rows is out of range.
        """
        rows, published = row_count(assumptions, rows), row_count(assumptions)
        if rows != published:
            # Raises an error if the published counts contradict each other. Scaling could hide that.
            cls.from_assumptions(assumptions)
        sizes = {category: _row_count(count) for category, count in assumptions.categories.items()}
        categories = dict(zip(sizes, apportion(sizes.values(), rows).tolist(), strict=True))
        loss_states = {
            category: _loss_state_counts(assumptions, category, count)
            for category, count in categories.items()
        }
        own_rows = rows - categories.get(AFFILIATE, 0)
        rows_with_loss = sum(
            int(part[LOSS_STATES.index("some")])
            for category, part in loss_states.items()
            if category != AFFILIATE
        )
        cases = {type_: _row_count(count) for type_, count in assumptions.claimant_types.items()}
        rows_by_type = dict(zip(cases, apportion(cases.values(), own_rows).tolist(), strict=True))
        wanted_losses = {
            t: round(_row_count(count) * rows / published) for t, count in assumptions.with_loss.items()
        }
        losses = _loss_counts_by_type(rows_by_type, rows_with_loss, wanted_losses)
        if rows == published and (rows_by_type != cases or not wanted_losses.items() <= losses.items()):
            raise UsageError("the counts by category and by claimant type disagree", file=assumptions.id)
        return cls(
            rows,
            early=round(_row_count(assumptions.early) * rows / published),
            categories=RemainingCounts(categories.values()),
            loss_states={category: RemainingCounts(part) for category, part in loss_states.items()},
            with_loss=RemainingCounts(losses[type_] for type_ in rows_by_type),
            without_loss=RemainingCounts(rows_by_type[type_] - losses[type_] for type_ in rows_by_type),
            affiliates=RemainingCounts(apportion(rows_by_type.values(), rows - own_rows)),
        )


def _loss_state_counts(assumptions: SyntheticAssumptions, category: str, rows: int) -> np.ndarray:
    mixes = [m for m in assumptions.mixes_for("loss") if not m.categories or category in m.categories]
    if len(mixes) != 1 or mixes[0].claimant_types:
        raise UsageError("needs one mix of loss for all claimant types", file=assumptions.id, value=category)
    weights = dict(zip(mixes[0].weights, mixes[0].numbers, strict=True))
    return apportion((weights.get(word, 0) for word in LOSS_STATES), rows)


def _loss_counts_by_type(
    rows_by_type: Mapping[str, int], rows_with_loss: int, wanted_losses: Mapping[str, int]
) -> dict[str, int]:
    counts: dict[str, int] = {}
    left, rows_left = rows_with_loss, sum(rows_by_type.values())
    for type_, wish in wanted_losses.items():
        rows_left -= rows_by_type[type_]
        counts[type_] = min(max(wish, left - rows_left), rows_by_type[type_], left)
        left -= counts[type_]
    other_types = [type_ for type_ in rows_by_type if type_ not in wanted_losses]
    return counts | dict(
        zip(other_types, apportion((rows_by_type[t] for t in other_types), left).tolist(), strict=True)
    )


def row_count(assumptions: SyntheticAssumptions, rows: int | None = None) -> int:
    """Return the number of complaints in a file: `rows`, or the published number if `rows` is None.

    Raises:
        UsageError: `rows` is not between 1 and `MAX_ROWS`.
    """
    if rows is None:
        return sum(map(_row_count, assumptions.categories.values()))
    if not 1 <= rows <= MAX_ROWS:
        raise UsageError(f"the number of rows is not between 1 and {MAX_ROWS:,}", value=rows)
    return rows
