"""What people get from each compared policy in numbers: columns, ranks and dominated policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from outage_analysis.costs.comparison.benefits import LossCells, measure_benefits
from outage_analysis.costs.comparison.row_payments import (
    NOTHING,
    Awards,
    LossRange,
    RowPayment,
    row_payments,
)
from outage_analysis.losses import Cube
from outage_analysis.policies import SHARE_SCALE, Policy
from outage_analysis.text import ESTIMATE_DIGITS, FLOAT, Column

BENEFIT_COLUMNS = (
    Column("recipients", "count", "Expected number of payments; empty if a line has no count.", FLOAT),
    Column("per_recipient", "money", "Expected cost per payment."),
    Column(
        "replaced_low",
        "share",
        "Smallest possible share of the stated losses that is paid, if each claim is accepted.",
    ),
    Column("replaced_high", "share", "Largest possible share of the stated losses that is paid."),
    Column("made_whole_low", "count", "Smallest possible number of claims paid their loss or more."),
    Column("made_whole_high", "count", "Largest possible number of claims paid their loss or more."),
    Column(
        "largest_shortfall",
        "money",
        "No claim without a review lacks more than this of its loss; empty without a limit.",
    ),
    Column(
        "benefit_rank",
        "count",
        "Rank by `replaced_low` or, with published counts, by `per_recipient`; 1 gives people most.",
    ),
    Column(
        "dominated_by",
        "names",
        "Policies with no larger expected cost and P90 and no smaller benefits, of which one differs.",
    ),
    Column("not_measured", "word", "Why the share of the loss that is paid is unknown; else empty."),
)
"""The columns with what people get if each claim is accepted, one row per policy."""
MEASURES = ("replaced_low", "replaced_high", "made_whole_low", "made_whole_high", "largest_shortfall")
BY_CLAIMS = ("replaced_low", "replaced_high")
"""The benefits that a policy must not have smaller to dominate another: both bounds of the share replaced."""
BY_COUNTS = ("per_recipient", "recipients")
"""The same with published counts. A larger payment to fewer people is no larger benefit."""


@dataclass(frozen=True)
class LossShares:
    """The share of the losses that a policy pays, or the reason why it is unknown.

    Args:
        measures: the columns `MEASURES`; empty if they are unknown.
        reason: the key of a word, such as `published_counts`; None if the measures are known.
    """

    measures: Mapping[str, float | None]
    reason: str | None = None


def loss_shares(policy: Policy, cube: Cube | None, awards: Awards) -> LossShares:
    """Return the share of the stated losses that a policy pays if each claim is accepted.

    Args:
        policy: the policy, with the lines that were public on the day of the analysis.
        cube: a cube of claims; None if there are only published counts.
        awards: the mean award of a review per cost line.
    """
    if policy.loss_unit != policy.currency:
        return LossShares({}, "loss_not_money")
    if cube is None:
        return LossShares({}, "published_counts")
    if any(line.grain == "claimant" for line in policy.schedules):
        return LossShares({}, "paid_by_claimant")
    counted = cube.frame["claims"] > 0
    frame = cube.frame.filter(counted)
    payments = [x for x, kept in zip(row_payments(policy, cube, awards), counted, strict=True) if kept]
    above_zero = (frame["up_to"].fill_null(1) > 0) & frame["over"].is_not_null()
    if frame.filter(above_zero)["loss"].null_count():
        return LossShares({}, "sums_not_stated")
    if not above_zero.any():
        return LossShares({}, "no_losses")
    ranges = [
        LossRange.of_band((over, up_to)).given_sum(claims, loss)
        for over, up_to, claims, loss in frame.select("over", "up_to", "claims", "loss").iter_rows()
    ]
    cells = LossCells(
        frame["claims"].cast(pl.Float64).to_numpy(),
        frame["loss"].fill_null(0).cast(pl.Float64).to_numpy(),
        np.array([float(max(losses.least, 1) - 1) for losses in ranges]),
        np.array([np.inf if losses.most is None else float(losses.most) for losses in ranges]),
        above_zero.to_numpy(),
    )
    return LossShares(_measured(cells, payments))


def _measured(cells: LossCells, payments: Sequence[RowPayment]) -> dict[str, float | None]:
    lows = [p.low for p in payments]
    highs = [p.high for p in payments]
    fixed, slope = (
        np.array([[getattr(x or NOTHING, name) for x in side] for side in (lows, highs)], np.float64)
        / SHARE_SCALE
        for name in ("fixed", "slope")
    )
    reviewed = np.array([p.reviewed for p in payments])
    unlimited = reviewed | np.array([x is None for x in highs])
    found = measure_benefits(cells, fixed, slope, np.stack([reviewed, unlimited]))
    shortfall = float(found.largest_shortfall[0])
    return {
        "replaced_low": float(found.replaced_low[0]),
        "replaced_high": float(found.replaced_high[1]),
        "made_whole_low": round(found.made_whole_low[0]),
        "made_whole_high": round(found.made_whole_high[1]),
        "largest_shortfall": shortfall if np.isfinite(shortfall) else None,
    }


def with_ranks(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of the policy table with the columns `benefit_rank` and `dominated_by`.

    Args:
        rows: one row per policy with `policy`, `expected`, `p90` and the benefits, where they are known.
    """
    measured = any(row.get("replaced_low") is not None for row in rows)
    columns = BY_CLAIMS if measured else BY_COUNTS
    compared = [_rounded(row, (columns[0],)) for row in rows]
    return [
        row
        | {
            "benefit_rank": None if mine is None else 1 + sum(x is not None and x > mine for x in compared),
            "dominated_by": " ".join(x["policy"] for x in rows if _dominates(x, row, columns)) or None,
        }
        for row, mine in zip(rows, compared, strict=True)
    ]


def _dominates(one: Mapping[str, Any], other: Mapping[str, Any], benefits: Sequence[str]) -> bool:
    columns = ("expected", "p90", *benefits)
    mine, others = _rounded(one, columns), _rounded(other, columns)
    if mine is None or others is None:
        return False
    gaps = [b - a for a, b in zip(mine[:2], others[:2], strict=True)]
    gaps += [a - b for a, b in zip(mine[2:], others[2:], strict=True)]
    return min(gaps) >= 0 and max(gaps) > 0


def _rounded(row: Mapping[str, Any], columns: Sequence[str]) -> tuple[float, ...] | None:
    """Return values without the digits that depend on the order of additions; None if one is unknown."""
    values = [row.get(name) for name in columns]
    known = [float(f"{value:.{ESTIMATE_DIGITS + 3}g}") for value in values if value is not None]
    return tuple(known) if len(known) == len(values) else None
