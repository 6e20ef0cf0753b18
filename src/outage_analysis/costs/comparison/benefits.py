"""What people get from a policy: the share of their loss, the claims made whole, the largest shortfall.

The measures are computed from cells: claims of one cube row, whose losses lie in one band. Each payment
policy pays `fixed + share x loss` for a claim of a cell, or reviews the claim. Within a cell only the number
of claims and the sum of their losses are known, so a measure has a lower and an upper bound. Both are equal
if the cells have an edge at each loss that a payment replaces exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from outage_analysis.assumptions import FloatArray

Flags = npt.NDArray[np.bool_]
CLOSE = 1e-5
"""Two losses that differ by less are equal."""


@dataclass(frozen=True, eq=False)
class LossCells:
    """Claims grouped into cells. Every array has the shape (cells,).

    Args:
        claims: the number of claims.
        loss: the sum of their stated losses, in the smallest unit of the currency.
        over: each loss of the cell is larger than this; losses are whole numbers.
        up_to: each loss of the cell is at most this; `inf` if there is no limit.
        stated: whether the claims state a loss above 0.
    """

    claims: FloatArray
    loss: FloatArray
    over: FloatArray
    up_to: FloatArray
    stated: Flags

    def where(self, kept: Flags) -> LossCells:
        """Return only some of the cells."""
        return LossCells(
            self.claims[kept], self.loss[kept], self.over[kept], self.up_to[kept], self.stated[kept]
        )

    @cached_property
    def least(self) -> FloatArray:
        """The smallest possible loss of a claim."""
        return self.over + 1

    @cached_property
    def most(self) -> FloatArray:
        """The largest possible loss of a claim: the edge, or what the other claims leave of the sum."""
        return np.minimum(self.up_to, self.loss - (self.claims - 1) * self.least)


@dataclass(frozen=True, eq=False)
class Benefits:
    """What the claimants get under several policies if each claim is accepted. Each array is (policies,).

    Args:
        recipients: the number of claims that are paid or reviewed.
        replaced_low: the smallest possible share of the stated losses that is paid. Payments above a loss do
            not count. Nothing is counted for reviewed claims, because only their mean award is assumed.
        replaced_high: the largest possible share; a review may replace the whole loss.
        made_whole_low: the smallest possible number of claims that are paid at least their loss.
        made_whole_high: the largest possible number.
        largest_shortfall: no claim that is paid by a rule, or by nothing, lacks more than this amount.
    """

    recipients: FloatArray
    replaced_low: FloatArray
    replaced_high: FloatArray
    made_whole_low: FloatArray
    made_whole_high: FloatArray
    largest_shortfall: FloatArray


def measure_benefits(cells: LossCells, fixed: FloatArray, share: FloatArray, reviewed: Flags) -> Benefits:
    """Return what claimants get under several policies, if each claim is accepted.

    Args:
        cells: the claims.
        fixed: the fixed part of the payment per claim, (policies, cells), in the smallest unit.
        share: the share of the loss that is paid in addition, (policies, cells), from 0 to 1.
        reviewed: whether the claims are reviewed individually, (policies, cells).

    Example:
        Two claims lose 10 and 40, each in a cell of its own. A payment of 20 replaces 30 of the loss of 50:

        >>> loss, over, up_to = np.array([[10.0, 40.0], [0.0, 20.0], [20.0, 50.0]])
        >>> cells = LossCells(np.ones(2), loss, over, up_to, loss > 0)
        >>> got = measure_benefits(cells, np.full((1, 2), 20.0), np.zeros((1, 2)), np.zeros((1, 2), bool))
        >>> got.replaced_low.tolist(), got.made_whole_low.tolist(), got.largest_shortfall.tolist()
        ([0.6], [1.0], [20.0])
    """
    counted = cells.stated & (cells.claims > 0)
    kept = cells.where(counted)
    pays = (fixed > 0) | (share > 0) | reviewed
    recipients = (pays * cells.claims).sum(axis=1)
    fixed, share, reviewed = fixed[:, counted], share[:, counted], reviewed[:, counted]
    # A claim is made whole up to the loss at which `fixed + share x loss` equals the loss.
    with np.errstate(divide="ignore", invalid="ignore"):
        whole_up_to = np.where(share < 1, fixed / (1 - share), np.inf)
        # Payments have four decimals, so a value this close to a whole number differs from it by rounding.
        nearest = np.rint(whole_up_to)
        whole_up_to = np.where(np.abs(whole_up_to - nearest) < CLOSE, nearest, whole_up_to)
    all_whole, none_whole = kept.most <= whole_up_to, kept.least > whole_up_to
    paid = fixed * kept.claims + share * kept.loss
    low = np.where(all_whole, kept.loss, np.where(none_whole, paid, _least_replaced(kept, fixed, share)))
    high = np.where(all_whole, kept.loss, np.minimum(kept.loss, paid))
    low, high = np.where(reviewed, 0.0, low), np.where(reviewed, kept.loss, high)
    # Rounding in the lower bound must not move it above the upper bound.
    low = np.minimum(low, high)
    whole_low = np.where(all_whole & ~reviewed, kept.claims, 0.0)
    whole_high = np.where(none_whole & ~reviewed, 0.0, kept.claims)
    lacking = np.maximum(kept.most * (1 - share) - fixed, 0.0)
    total = kept.loss.sum()
    return Benefits(
        recipients,
        low.sum(axis=1) / total if total else np.full(len(low), np.nan),
        high.sum(axis=1) / total if total else np.full(len(low), np.nan),
        whole_low.sum(axis=1),
        whole_high.sum(axis=1),
        np.where(reviewed, 0.0, lacking).max(axis=1, initial=0.0),
    )


def _least_replaced(cells: LossCells, fixed: FloatArray, share: FloatArray) -> FloatArray:
    at_least, at_most = (np.minimum(x, fixed + share * x) for x in (cells.least, cells.most))
    width = np.maximum(cells.most - cells.least, 1.0)
    slope = (at_most - at_least) / width
    return np.asarray(at_least * cells.claims + slope * (cells.loss - cells.least * cells.claims))
