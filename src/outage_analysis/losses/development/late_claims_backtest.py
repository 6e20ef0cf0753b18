"""Back-test: what would have been forecast at earlier origins, beside the counts that came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from outage_analysis.errors import ModelRefused
from outage_analysis.losses.development.growth_curves import CURVES
from outage_analysis.losses.development.late_claims import LEVELS, forecast_late_claims
from outage_analysis.losses.development.late_count import Branch

SCHEMA = {
    "origin": pl.Float64,
    "at": pl.Float64,
    "expected": pl.Float64,
    "actual": pl.Int64,
    "pit": pl.Float64,
    "level": pl.Float64,
    "low": pl.Int64,
    "high": pl.Int64,
    "inside": pl.Boolean,
}


@dataclass(frozen=True)
class LateClaimsBacktest:
    """Forecasts at earlier origins.

    Args:
        table: one row an origin, a later count and a level: the cumulative count as `expected` and as
            `actual`, its interval, whether it is `inside`, and `pit`, the probability of less than the
            actual count plus half of that of just as many.
        refused: the origins, and the times asked for, without a forecast, and why.
    """

    table: pl.DataFrame
    refused: tuple[str, ...]

    def coverage(self) -> pl.DataFrame:
        """One row a level: `origins`, `forecasts`, how many are `inside` and their `share`.

        Forecasts of one origin share its curve and later counts hold the earlier ones, so they are far
        from independent: a few origins illustrate and prove nothing.
        """
        inside = pl.col("inside")
        return (
            self.table.group_by("level", maintain_order=True)
            .agg(
                pl.col("origin").n_unique().alias("origins"),
                pl.len().alias("forecasts"),
                inside.sum().alias("inside"),
                inside.mean().alias("share"),
            )
            .sort("level")
        )


def backtest_late_claims(
    times: Sequence[float],
    counts: Sequence[int],
    origins: Sequence[float],
    branch: Branch,
    *,
    families: Sequence[str] = tuple(CURVES),
    levels: Sequence[float] = LEVELS,
    former: Sequence[float] = (),
    starts: date | None = None,
) -> LateClaimsBacktest:
    """At each origin, forecast every later count from the counts up to it alone.

    Args:
        times: when each count was taken, in days since the opening.
        counts: the claims filed by then.
        origins: the times to look from.
        branch: how the intake was held to end; later counts are forecast up to its closing.
        families: growth curves to average.
        levels: of the intervals.
        former: deadlines; at an origin those before it have passed, and no other is known.
        starts: the calendar day that begins at time 0.

    Raises:
        ModelRefused: no origin had increments enough, or no count came after it.
    """
    rows, refused = [], []
    for origin in origins:
        known = [(t, n) for t, n in zip(times, counts, strict=True) if t <= origin]
        later = [(t, n) for t, n in zip(times, counts, strict=True) if origin < t <= branch.closes]
        passed = [d for d in former if d <= origin]
        if not known or not later:
            refused.append(f"{origin:g} days: no count " + ("after it" if known else "up to it"))
            continue
        seen, filed = [t for t, _ in known], [n for _, n in known]
        try:
            made = forecast_late_claims(
                seen, filed, [branch], by=later[0][0], families=families, former=passed, starts=starts
            )
        except ModelRefused as refusal:
            refused.append(f"{origin:g} days: {refusal.problem}")
            continue
        for at, actual in later:
            try:
                late = made.late_count_by(branch.id, at)
            except ModelRefused as refusal:
                refused.append(f"{origin:g} days, up to {at:g}: {refusal.problem}")
                continue
            below, up_to = late.distribution.cdf([actual - made.counted - 1, actual - made.counted])
            shown = (float(origin), float(at), made.counted + late.mean, int(actual), (below + up_to) / 2)
            for level in levels:
                low, high = late.total(level)
                rows.append((*shown, level, low, high, low <= actual <= high))
    if not rows:
        raise ModelRefused(
            "no origin can be tested: " + "; ".join(refused[:3]),
            remedy="Choose later origins, with more counts before them and one at least after.",
        )
    return LateClaimsBacktest(pl.DataFrame(rows, schema=SCHEMA, orient="row"), tuple(refused))
