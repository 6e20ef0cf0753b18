"""How many rows of each kind: the published counts, in proportion at any size, split over chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from outage_analysis.claims.synthetic.synthetic_assumptions import LOSS_STATES, SyntheticAssumptions
from outage_analysis.errors import UsageError
from outage_analysis.incidents import figure

MAX_ROWS = 2_000_000_000
AFFILIATE = "affiliate"
"""The category whose claimant types were not counted."""


def apportion(weights: Iterable[float], total: int) -> np.ndarray:
    """Whole numbers in proportion to the weights, with exactly this total; none of none.

    Whole weights with at least this total are never exceeded.
    """
    running = np.cumsum([*weights], dtype=float)
    if not total:
        return np.zeros(len(running), dtype=int)
    return np.asarray(np.diff(np.rint(running / running[-1:] * total), prepend=0), dtype=int)


class RemainingCounts:
    """Rows still to give out, by value; every chunk gets some of each, in proportion to what is left."""

    def __init__(self, counts: Iterable[int]) -> None:
        self.left = np.array([*counts], dtype=int)

    def take(self, rows: int) -> np.ndarray:
        """How many of each value this many rows have."""
        given = apportion(self.left, rows)
        self.left -= given
        return given


@dataclass(frozen=True)
class FileCounts:
    """The counts of a file. Types are in the order of the page, what is known in that of `LOSS_STATES`."""

    rows: int
    early: int
    """Rows filed on one of the early days."""
    categories: RemainingCounts
    known: dict[str, RemainingCounts]
    """Category -> what is known of its losses."""
    with_loss: RemainingCounts
    """Own cases with a loss above 0, by claimant type."""
    without: RemainingCounts
    affiliates: RemainingCounts

    @classmethod
    def of(cls, page: SyntheticAssumptions, rows: int | None = None) -> Self:
        """The published counts, or as many rows in their proportions.

        Raises:
            UsageError: counts that disagree, or a number of rows that cannot be.
        """
        published, wanted = row_count(page), row_count(page, rows)
        if wanted != published:
            cls._at(page, published)  # refuses counts that disagree, which other sizes could hide
        return cls._at(page, wanted)

    @classmethod
    def _at(cls, page: SyntheticAssumptions, rows: int) -> Self:
        sizes = _category_counts(page)
        published = sum(sizes.values())
        categories = dict(zip(sizes, apportion(sizes.values(), rows).tolist(), strict=True))
        known = {
            category: _loss_state_counts(page, category, count) for category, count in categories.items()
        }
        own_rows = rows - categories.get(AFFILIATE, 0)
        some = sum(
            int(part[LOSS_STATES.index("some")]) for category, part in known.items() if category != AFFILIATE
        )
        cases = {type_: figure(id_).whole for type_, id_ in page.claimant_types.items()}
        own = dict(zip(cases, apportion(cases.values(), own_rows).tolist(), strict=True))
        wished = {t: round(figure(id_).whole * rows / published) for t, id_ in page.with_loss.items()}
        losses = _loss_counts_by_type(own, some, wished)
        if rows == published and (own != cases or not wished.items() <= losses.items()):
            raise UsageError("the counts by category and by claimant type disagree", file=page.id)
        return cls(
            rows,
            early=round(figure(page.early).whole * rows / published),
            categories=RemainingCounts(categories.values()),
            known={category: RemainingCounts(part) for category, part in known.items()},
            with_loss=RemainingCounts(losses[type_] for type_ in own),
            without=RemainingCounts(own[type_] - losses[type_] for type_ in own),
            affiliates=RemainingCounts(apportion(own.values(), rows - own_rows)),
        )


def _loss_state_counts(page: SyntheticAssumptions, category: str, rows: int) -> np.ndarray:
    """What is known of the losses of a category, by the mix that covers it."""
    mixes = [m for m in page.of("loss") if not m.categories or category in m.categories]
    if len(mixes) != 1 or mixes[0].claimant_types:
        raise UsageError("needs one mix of loss for all claimant types", file=page.id, value=category)
    weights = dict(zip(mixes[0].weights, mixes[0].numbers, strict=True))
    return apportion((weights.get(word, 0) for word in LOSS_STATES), rows)


def _loss_counts_by_type(own: Mapping[str, int], some: int, wished: Mapping[str, int]) -> dict[str, int]:
    """How many of each type's own cases have a loss: as near as can be to the wished, others by size."""
    given: dict[str, int] = {}
    left, room = some, sum(own.values())
    for type_, wish in wished.items():
        room -= own[type_]
        given[type_] = min(max(wish, left - room), own[type_], left)
        left -= given[type_]
    others = [type_ for type_ in own if type_ not in wished]
    return given | dict(zip(others, apportion((own[t] for t in others), left).tolist(), strict=True))


def _category_counts(page: SyntheticAssumptions) -> dict[str, int]:
    """Category -> how many complaints of it were published."""
    return {category: figure(id_).whole for category, id_ in page.categories.items()}


def row_count(page: SyntheticAssumptions, rows: int | None = None) -> int:
    """How many complaints a file has: by default as many as were published.

    Raises:
        UsageError: fewer than 1, or more than `MAX_ROWS`.
    """
    if rows is None:
        return sum(_category_counts(page).values())
    if not 1 <= rows <= MAX_ROWS:
        raise UsageError(f"the number of rows is not between 1 and {MAX_ROWS:,}", value=rows)
    return rows
