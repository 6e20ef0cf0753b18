"""The efficient frontier: the candidates that no other candidate dominates.

A candidate dominates another if it costs no more, in the mean and at the level of the search, and gives
claimants no less, and if one of the three is strictly better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.policy_search.loss_intervals import FlagArray, IntArray

CHUNK = 2_000_000
"""At most about this many pairs of candidates are compared at once."""


@dataclass(frozen=True, eq=False)
class Criteria:
    """What candidates are compared by; each array has the shape (candidates,).

    Args:
        expected: the expected cost; zeros if it does not count.
        quantile: the cost at the level of the search.
        benefit: what claimants get; larger is better.
    """

    expected: FloatArray
    quantile: FloatArray
    benefit: FloatArray

    def take(self, kept: IntArray | FlagArray) -> Criteria:
        """Return the criteria of some candidates."""
        return Criteria(self.expected[kept], self.quantile[kept], self.benefit[kept])

    def dominating(self, expected: float, quantile: float, benefit: float) -> FlagArray:
        """Return which candidates dominate a policy with these values, (candidates,)."""
        no_worse = (self.expected <= expected) & (self.quantile <= quantile) & (self.benefit >= benefit)
        better = (self.expected < expected) | (self.quantile < quantile) | (self.benefit > benefit)
        return no_worse & better


def efficient(criteria: Criteria) -> FlagArray:
    """Return which candidates no other candidate dominates, (candidates,).

    Example:
        The second candidate costs more than the first and gives less:

        >>> cost, benefit = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.4, 0.9])
        >>> efficient(Criteria(cost, cost, benefit)).tolist()
        [True, False, True]
    """
    count = len(criteria.benefit)
    kept = np.ones(count, dtype=bool)
    rows = max(1, CHUNK // max(count, 1))
    columns = (criteria.expected, criteria.quantile, -criteria.benefit)
    for first in range(0, count, rows):
        part = slice(first, first + rows)
        no_worse, better = np.ones((2, len(columns[0][part]), count), dtype=bool)
        better[:] = False
        for column in columns:
            no_worse &= column[None, :] <= column[part, None]
            better |= column[None, :] < column[part, None]
        kept[part] = ~(no_worse & better).any(axis=1)
    return kept


def cheapest_dominators(criteria: Criteria) -> IntArray:
    """Return, per candidate, the one with the smallest quantile that is no worse in the other criteria.

    Returns:
        Places of candidates, (candidates,). The place may be that of the candidate itself.
    """
    order = np.lexsort((criteria.quantile, criteria.expected))
    levels = np.unique(-criteria.benefit, return_inverse=True)[1].ravel()
    best = np.full(len(order) + 1, -1, dtype=np.int64)
    found = np.empty(len(order), dtype=np.int64)
    quantile, expected = criteria.quantile.tolist(), criteria.expected
    last = np.searchsorted(expected[order], expected[order], side="right")
    inserted = 0
    for place, candidate in enumerate(order.tolist()):
        while inserted < last[place]:
            _insert(best, int(levels[order[inserted]]) + 1, int(order[inserted]), quantile)
            inserted += 1
        found[candidate] = _best_up_to(best, int(levels[candidate]) + 1, quantile)
    return found


def _insert(best: IntArray, place: int, candidate: int, quantile: list[float]) -> None:
    while place < len(best):
        if best[place] < 0 or quantile[candidate] < quantile[best[place]]:
            best[place] = candidate
        place += place & -place


def _best_up_to(best: IntArray, place: int, quantile: list[float]) -> int:
    found = -1
    while place:
        candidate = int(best[place])
        if candidate >= 0 and (found < 0 or quantile[candidate] < quantile[found]):
            found = candidate
        place -= place & -place
    return found
