"""What an accepted claim gets back of its loss, by service and band: from claims, or from the edges alone."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import polars as pl

from outage_analysis.costs.claim_payments import payments
from outage_analysis.incidents import Band
from outage_analysis.losses import Cube, sum_or_null
from outage_analysis.policies import SHARE_SCALE, Policy, Tariff

REPLACED: dict[str, pl.DataType] = {
    "policy": pl.String(),
    "line": pl.String(),
    "basis": pl.String(),
    "service": pl.String(),
    "segment": pl.String(),
    "over": pl.Int64(),
    "up_to": pl.Int64(),
    "rule": pl.String(),
    "claims": pl.Int64(),
    "loss": pl.Int64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}
KEYS = ("line", "service", "segment", "over", "up_to", "rule")


def replaced(policy: Policy, cubes: Sequence[Cube] = ()) -> pl.DataFrame:
    """The share of a loss that an accepted claim gets back, by line, service and band.

    Args:
        policy: the promises, as known on the day.
        cubes: claims; without any, the bands of each schedule give bounds.

    Returns:
        The columns of `REPLACED`. From claims (`basis` claims or synthetic) the shares are of the sums of
        losses, and `low` equals `high` where the payments are exact. From the bands alone (`published`)
        they bound what any single loss in the band gets back. `high` is null where nothing limits it: under
        review, and where a fixed sum meets losses down to nothing. Lines whose losses are no money have no
        row.
    """
    if policy.loss_unit != policy.currency:
        return pl.DataFrame(schema=REPLACED)
    if cubes:
        return pl.concat([_of_claims(policy, cube) for cube in cubes])
    rows = [
        {
            "policy": policy.id,
            "line": line.id,
            "basis": "published",
            "segment": segment,
            "over": band[0],
            "up_to": band[1],
            "rule": rule.outcome,
            **dict(zip(("low", "high"), _ends(tariff, band), strict=True)),
        }
        for line in policy.schedules
        for segment, (_, tariff) in zip([*(s.id for s in line.segments), None], line.tariffs, strict=True)
        for band, rule in tariff.rules()[3:]
    ]
    return pl.DataFrame(rows, schema=REPLACED)


def _of_claims(policy: Policy, cube: Cube) -> pl.DataFrame:
    found = payments(cube, policy)
    if "service" not in found.columns:
        found = found.with_columns(service=pl.lit(None, pl.String))
    sums = ("loss", "payment_low", "payment_high")
    return (
        found.filter(pl.col("rule") != "not_entitled")
        .group_by(KEYS, maintain_order=True)
        .agg(pl.col("claims").sum(), *map(sum_or_null, sums))
        .filter(pl.col("loss") > 0)
        .with_columns(
            policy=pl.lit(policy.id),
            basis=pl.lit("synthetic" if cube.synthetic else "claims"),
            low=pl.col("payment_low").cast(pl.Float64) / pl.col("loss"),
            high=pl.col("payment_high").cast(pl.Float64) / pl.col("loss"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in REPLACED.items())
    )


def _ends(tariff: Tariff, band: Band) -> tuple[float, float | None]:
    """The least and the most that is paid for one unit of a loss in a band: at the ends of its pieces."""
    ratios: list[Fraction] = []
    limited = True
    for piece in tariff.touched(band):
        if piece.fixed is None:
            ratios.append(Fraction(0))
            limited = False
            continue
        first = max(edge for edge in (band[0], piece.band[0]) if edge is not None) + 1
        tops = [edge for edge in (band[1], piece.band[1]) if edge is not None]
        ratios.append(Fraction(piece.fixed, first) + piece.slope)
        ratios.append((Fraction(piece.fixed, min(tops)) if tops else Fraction(0)) + piece.slope)
        limited = limited and not (first == 1 and piece.fixed > 0)
    low, high = (float(end / SHARE_SCALE) for end in (min(ratios), max(ratios)))
    return low, high if limited else None
