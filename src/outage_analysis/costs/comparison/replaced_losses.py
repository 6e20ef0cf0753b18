"""The share of the loss that a policy pays for an accepted claim, by service and loss band."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import polars as pl

from outage_analysis.costs.claim_payments import payments
from outage_analysis.incidents import Band
from outage_analysis.losses import Cube, sum_or_null
from outage_analysis.policies import SHARE_SCALE, Policy, Tariff
from outage_analysis.text import (
    BASIS,
    CLAIMS,
    LINE,
    LOSS,
    OVER,
    RULE,
    SEGMENT,
    SERVICE,
    UP_TO,
    Column,
    TableSchema,
)

LOSS_REPLACEMENT = TableSchema(
    "One row per policy, cost line, service and loss band.",
    (
        Column("policy", "name", "Id of the policy.", label="policy_name"),
        LINE,
        BASIS,
        SERVICE,
        SEGMENT,
        OVER,
        UP_TO,
        RULE,
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
KEYS = ("line", "service", "segment", "over", "up_to", "rule")


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
        {
            "policy": policy.id,
            "line": line.id,
            "basis": "published",
            "segment": segment,
            "over": band[0],
            "up_to": band[1],
            "rule": rule.outcome,
            **dict(zip(("low", "high"), _share_bounds(tariff, band), strict=True)),
        }
        for line in policy.schedules
        for segment, (_, tariff) in zip([*(s.id for s in line.segments), None], line.tariffs, strict=True)
        for band, rule in tariff.rules()[3:]
    ]
    return pl.DataFrame(rows, schema=LOSS_REPLACEMENT.dtypes)


def _replaced_claims(policy: Policy, cube: Cube) -> pl.DataFrame:
    paid = payments(cube, policy)
    if "service" not in paid.columns:
        paid = paid.with_columns(service=pl.lit(None, pl.String))
    sums = ("loss", "payment_low", "payment_high")
    return (
        paid.filter(pl.col("rule") != "not_entitled")
        .group_by(KEYS, maintain_order=True)
        .agg(pl.col("claims").sum(), *map(sum_or_null, sums))
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
        if piece.fixed is None:
            ratios.append(Fraction(0))
            limited = False
            continue
        first = max(edge for edge in (band[0], piece.band[0]) if edge is not None) + 1
        tops = [edge for edge in (band[1], piece.band[1]) if edge is not None]
        for fixed in (piece.fixed + error for error in piece.rounding_error):
            ratios.append(Fraction(fixed, first) + piece.slope)
            ratios.append((Fraction(fixed, min(tops)) if tops else Fraction(0)) + piece.slope)
        limited = limited and not (first == 1 and piece.fixed > 0)
    low, high = (float(end / SHARE_SCALE) for end in (min(ratios), max(ratios)))
    return low, high if limited else None
