"""Counts of synthetic rows: the published counts, scaled to the size of the file and divided over chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from outage_analysis.claims.synthetic.synthetic_assumptions import LOSS_STATES, SyntheticAssumptions
from outage_analysis.errors import UsageError
from outage_analysis.incidents import get_fact

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
    """The rows that are still to be drawn, per value. Each chunk takes rows in proportion to these counts."""

    def __init__(self, counts: Iterable[int]) -> None:
        self.left = np.array([*counts], dtype=int)

    def take(self, rows: int) -> np.ndarray:
        """Subtract `rows` rows from the remaining counts, and return how many rows each value gets."""
        counts = apportion(self.left, rows)
        self.left -= counts
        return counts


@dataclass(frozen=True)
class FileCounts:
    """The number of rows of a file by category, by loss state (`LOSS_STATES`) and by claimant type."""

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
        """Return the published counts, or counts in the same proportions that add up to `rows`.

        Raises:
            UsageError: the published counts contradict each other, or the number of rows is out of range.
        """
        published, wanted = row_count(assumptions), row_count(assumptions, rows)
        if wanted != published:
            # The published counts are always computed, because this raises an error if they contradict each
            # other. Scaling could hide the contradiction.
            cls._for_rows(assumptions, published)
        return cls._for_rows(assumptions, wanted)

    @classmethod
    def _for_rows(cls, assumptions: SyntheticAssumptions, rows: int) -> Self:
        sizes = _category_counts(assumptions)
        published = sum(sizes.values())
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
        cases = {type_: get_fact(id_).whole for type_, id_ in assumptions.claimant_types.items()}
        rows_by_type = dict(zip(cases, apportion(cases.values(), own_rows).tolist(), strict=True))
        wanted_losses = {
            t: round(get_fact(id_).whole * rows / published) for t, id_ in assumptions.with_loss.items()
        }
        losses = _loss_counts_by_type(rows_by_type, rows_with_loss, wanted_losses)
        if rows == published and (rows_by_type != cases or not wanted_losses.items() <= losses.items()):
            raise UsageError("the counts by category and by claimant type disagree", file=assumptions.id)
        return cls(
            rows,
            early=round(get_fact(assumptions.early).whole * rows / published),
            categories=RemainingCounts(categories.values()),
            loss_states={category: RemainingCounts(part) for category, part in loss_states.items()},
            with_loss=RemainingCounts(losses[type_] for type_ in rows_by_type),
            without_loss=RemainingCounts(rows_by_type[type_] - losses[type_] for type_ in rows_by_type),
            affiliates=RemainingCounts(apportion(rows_by_type.values(), rows - own_rows)),
        )


def _loss_state_counts(assumptions: SyntheticAssumptions, category: str, rows: int) -> np.ndarray:
    """Return the number of rows per loss state in a category, from the assumed frequencies."""
    mixes = [m for m in assumptions.mixes_for("loss") if not m.categories or category in m.categories]
    if len(mixes) != 1 or mixes[0].claimant_types:
        raise UsageError("needs one mix of loss for all claimant types", file=assumptions.id, value=category)
    weights = dict(zip(mixes[0].weights, mixes[0].numbers, strict=True))
    return apportion((weights.get(word, 0) for word in LOSS_STATES), rows)


def _loss_counts_by_type(
    rows_by_type: Mapping[str, int], rows_with_loss: int, wanted_losses: Mapping[str, int]
) -> dict[str, int]:
    """Divide the rows with a loss among the claimant types, and return their number per type.

    Args:
        rows_by_type: claimant type -> the number of its rows.
        rows_with_loss: the number of rows with a loss.
        wanted_losses: claimant type -> the number of its rows that should have a loss. This number is met as
            closely as possible. The other types get rows in proportion to their size.
    """
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


def _category_counts(assumptions: SyntheticAssumptions) -> dict[str, int]:
    """Return the published number of complaints per category."""
    return {category: get_fact(id_).whole for category, id_ in assumptions.categories.items()}


def row_count(assumptions: SyntheticAssumptions, rows: int | None = None) -> int:
    """Return the number of complaints in a file: `rows`, or the published number if `rows` is None.

    Raises:
        UsageError: `rows` is not between 1 and `MAX_ROWS`.
    """
    if rows is None:
        return sum(_category_counts(assumptions).values())
    if not 1 <= rows <= MAX_ROWS:
        raise UsageError(f"the number of rows is not between 1 and {MAX_ROWS:,}", value=rows)
    return rows
