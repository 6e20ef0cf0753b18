"""What people get from a policy: the share of their loss, the claims made whole, the largest shortfall.

The measures are computed from cells: claims of one cube row, whose losses lie in one band. Each policy pays
`fixed + share x loss` for a claim of a cell, or reviews the claim. Within a cell only the number of claims
and the sum of their losses are known, so a measure has a lower and an upper bound. Both are equal if the
cells have an edge at each loss that a payment replaces exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from outage_analysis.assumptions import FloatArray, Ledger
from outage_analysis.costs.claim_payments import payments
from outage_analysis.costs.comparison.row_payments import HIGH, LOW, Flags, loss_ranges, row_payments
from outage_analysis.costs.expected import COSTS
from outage_analysis.incidents import Band
from outage_analysis.losses import Cube, sum_or_null
from outage_analysis.policies import SHARE_SCALE, Policy, Tariff
from outage_analysis.text import CLAIMS, LOSS, Column, TableSchema

CLOSE = 1e-5
"""Two losses that differ by less are equal."""
POLICY = Column("policy", "name", "Id of the policy.", label="policy_name")
LOSS_REPLACEMENT: TableSchema = TableSchema(
    "One row per policy, cost line, service and loss band.",
    (
        POLICY,
        *COSTS.pick("line", "basis", "service", "segment", "over", "up_to", "rule"),
        CLAIMS,
        LOSS,
        Column("low", "share", "Smallest share of the loss that is paid.", label="value_low"),
        Column(
            "high",
            "share",
            "Largest share of the loss that is paid; empty without a limit.",
            label="value_high",
        ),
    ),
)


class LossCells(NamedTuple):
    """Claims grouped into cells; each array is (cells,)."""

    claims: FloatArray
    loss: FloatArray
    """The sum of their losses, in the smallest unit of the currency."""
    least: FloatArray
    """The smallest possible loss of a claim; losses are whole numbers."""
    most: FloatArray
    """The largest possible loss of a claim; `inf` without a limit."""
    stated: Flags
    """Whether there are claims, and they state a loss above 0."""

    @classmethod
    def from_rows(cls, rows: pl.DataFrame) -> LossCells:
        """Return the cells of the rows of a cube, one per row."""
        stated = (pl.col("claims") > 0) & pl.col("over").is_not_null() & pl.col("loss").is_not_null()
        stated &= pl.col("up_to").is_null() | (pl.col("up_to") > 0)
        claims, loss = (rows[x].cast(pl.Float64).fill_null(0).to_numpy() for x in ("claims", "loss"))
        least, most = loss_ranges(rows)
        return cls(claims, loss, np.maximum(least, 1), most, rows.select(stated).to_series().to_numpy())

    def where(self, kept: Flags) -> LossCells:
        """Return only some of the cells."""
        rest = (self.loss[kept], self.least[kept], self.most[kept], self.stated[kept])
        return LossCells(self.claims[kept], *rest)


def measure_benefits(
    cells: LossCells, fixed: FloatArray, share: FloatArray, reviewed: Flags
) -> dict[str, FloatArray]:
    """Return what claimants get under several policies, if each claim is accepted.

    Args:
        cells: the claims.
        fixed: the fixed part of the payment per claim, (policies, cells), in the smallest unit.
        share: the share of the loss that is paid in addition, (policies, cells), from 0 to 1.
        reviewed: whether the claims are reviewed individually, (policies, cells).

    Returns:
        Arrays of the shape (policies,). `replaced_low` and `replaced_high` bound the share of the stated
        losses that is paid. Payments above a loss do not count. A review guarantees nothing, because only its
        mean award is assumed, and it may replace the whole loss. `made_whole_low` and `made_whole_high` bound
        the number of claims that are paid at least their loss. No claim that is paid by a rule, or by
        nothing, lacks more than `largest_shortfall`.

    Example:
        Two claims lose 10 and 40, each in a cell of its own. A payment of 20 replaces 30 of the loss of 50:

        >>> rows = pl.DataFrame({"over": [0, 20], "up_to": [20, 50], "claims": [1, 1], "loss": [10, 40]})
        >>> nothing = np.zeros((1, 2))
        >>> got = measure_benefits(LossCells.from_rows(rows), nothing + 20, nothing, nothing > 0)
        >>> got["replaced_low"].item(), got["made_whole_low"].item(), got["largest_shortfall"].item()
        (0.6, 1.0, 20.0)
    """
    kept = cells.where(cells.stated)
    fixed, share = fixed[:, cells.stated], share[:, cells.stated]
    reviewed = reviewed[:, cells.stated]
    # A claim is made whole up to the loss at which `fixed + share x loss` equals the loss.
    with np.errstate(divide="ignore", invalid="ignore"):
        whole_up_to = np.where(share < 1, fixed / (1 - share), np.inf)
        # Payments have four decimals, so a value this close to a whole number differs from it by rounding.
        nearest = np.rint(whole_up_to)
        whole_up_to = np.where(np.abs(whole_up_to - nearest) < CLOSE, nearest, whole_up_to)
    all_whole, none_whole = kept.most <= whole_up_to, kept.least > whole_up_to
    paid = fixed * kept.claims + share * kept.loss
    # Elsewhere the least is replaced if the losses are as unequal as they can be.
    at_least, at_most = (np.minimum(x, fixed + share * x) for x in (kept.least, kept.most))
    slope = (at_most - at_least) / np.maximum(kept.most - kept.least, 1.0)
    least_replaced = at_least * kept.claims + slope * (kept.loss - kept.least * kept.claims)
    low = np.where(all_whole, kept.loss, np.where(none_whole, paid, least_replaced))
    high = np.where(all_whole, kept.loss, np.minimum(kept.loss, paid))
    low, high = np.where(reviewed, 0.0, low), np.where(reviewed, kept.loss, high)
    total = kept.loss.sum() or np.nan
    lacking = np.maximum(kept.most * (1 - share) - fixed, 0.0)
    return {
        # Rounding in the lower bound must not move it above the upper bound.
        "replaced_low": np.minimum(low, high).sum(axis=1) / total,
        "replaced_high": high.sum(axis=1) / total,
        "made_whole_low": np.where(all_whole & ~reviewed, kept.claims, 0.0).sum(axis=1),
        "made_whole_high": np.where(none_whole & ~reviewed, 0.0, kept.claims).sum(axis=1),
        "largest_shortfall": np.where(reviewed, 0.0, lacking).max(axis=1, initial=0.0),
    }


def loss_shares(policy: Policy, cube: Cube | None, ledger: Ledger | None, as_of: date) -> dict[str, Any]:
    """Return the measures of `measure_benefits` for one policy, or why they are unknown as `not_measured`.

    Args:
        policy: the policy, with the lines that were public on the day of the analysis.
        cube: a cube of claims; None if there are only published counts.
        ledger: the assumptions, as for `row_payments`.
        as_of: only assumptions public by this day are used.
    """
    if policy.loss_unit != policy.currency:
        return {"not_measured": "loss_not_money"}
    if cube is None:
        return {"not_measured": "published_counts"}
    if any(line.grain == "claimant" for line in policy.schedules):
        return {"not_measured": "paid_by_claimant"}
    over, up_to = pl.col("over"), pl.col("up_to").fill_null(1)
    positive = cube.frame.filter(pl.col("claims") > 0, over.is_not_null() & (up_to > 0))
    if positive["loss"].null_count():
        return {"not_measured": "sums_not_stated"}
    if positive.is_empty():
        return {"not_measured": "no_losses"}
    paid = row_payments(policy, cube, ledger, as_of)
    fixed, share = np.moveaxis(paid.formulas[[LOW, HIGH]], 1, 0) / SHARE_SCALE
    unlimited = np.isinf(fixed)
    reviewed = paid.reviewed | unlimited
    found = measure_benefits(
        LossCells.from_rows(cube.frame), np.where(unlimited, 0.0, fixed), share, reviewed
    )
    shortfall = float(found["largest_shortfall"][0])
    return {
        "replaced_low": float(found["replaced_low"][0]),
        "replaced_high": float(found["replaced_high"][1]),
        "made_whole_low": round(found["made_whole_low"][0]),
        "made_whole_high": round(found["made_whole_high"][1]),
        "largest_shortfall": shortfall if np.isfinite(shortfall) else None,
    }


def loss_replacement(policy: Policy, cubes: Sequence[Cube] = ()) -> pl.DataFrame:
    """Return the share of the loss that is paid for an accepted claim, by cost line, service and loss band.

    Args:
        policy: the policy, as known on the day of the analysis.
        cubes: cubes of claims; by default the result has bounds for each loss band of a schedule.

    Returns:
        The columns of `LOSS_REPLACEMENT`. With claims (`basis` is `claims` or `synthetic`) `low` and `high`
        are payments divided by the sum of losses, and equal if the payments are exact. Without claims
        (`published`) they bound the share of any single loss in the band. `high` is null if there is no
        limit: under review, or if a fixed payment applies to arbitrarily small losses. Lines whose losses are
        not in currency have no row.
    """
    if policy.loss_unit != policy.currency:
        return LOSS_REPLACEMENT.empty()
    if cubes:
        return pl.concat([_replaced_claims(policy, cube) for cube in cubes])
    rows = [
        (line.id, segment, *band, rule.outcome, *_share_bounds(tariff, band))
        for line in policy.schedules
        for segment, (_, tariff) in zip([*(s.id for s in line.segments), None], line.tariffs, strict=True)
        for band, rule in tariff.rules()[3:]
    ]
    names = ("line", "segment", "over", "up_to", "rule", "low", "high")
    stated = {"policy": policy.id, "basis": "published"}
    return pl.DataFrame(
        [stated | dict(zip(names, row, strict=True)) for row in rows], schema=LOSS_REPLACEMENT.dtypes
    )


def _replaced_claims(policy: Policy, cube: Cube) -> pl.DataFrame:
    paid = payments(cube, policy)
    if "service" not in paid.columns:
        paid = paid.with_columns(service=pl.lit(None, pl.String))
    return (
        paid.filter(pl.col("rule") != "not_entitled")
        .group_by("line", "service", "segment", "over", "up_to", "rule", maintain_order=True)
        .agg(pl.col("claims").sum(), *map(sum_or_null, ("loss", "payment_low", "payment_high")))
        .filter(pl.col("loss") > 0)
        .with_columns(
            policy=pl.lit(policy.id),
            basis=pl.lit("synthetic" if cube.synthetic else "claims"),
            low=pl.col("payment_low").cast(pl.Float64) / pl.col("loss"),
            high=pl.col("payment_high").cast(pl.Float64) / pl.col("loss"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in LOSS_REPLACEMENT.dtypes.items())
    )


def _share_bounds(tariff: Tariff, band: Band) -> tuple[float, float | None]:
    ratios: list[Fraction] = []
    limited = True
    for piece in tariff.pieces_overlapping(band):
        first, last = piece.overlap(band)
        if piece.fixed is None or first is None:  # a review
            ratios.append(Fraction(0))
            limited = False
            continue
        for fixed in (piece.fixed + error for error in piece.rounding_error):
            ratios.append(Fraction(fixed, first) + piece.slope)
            ratios.append((Fraction(fixed, last) if last else 0) + Fraction(piece.slope))
        limited = limited and not (first == 1 and piece.fixed > 0)
    low, high = (float(end / SHARE_SCALE) for end in (min(ratios), max(ratios)))
    return low, high if limited else None
