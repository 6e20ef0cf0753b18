"""Back-test of late-claim forecasts: forecasts made at earlier times, compared with the later counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from outage_analysis.errors import ModelRefused
from outage_analysis.losses.development.growth_curves import CURVES
from outage_analysis.losses.development.late_claims import LEVELS, LateClaimsForecast, forecast_late_claims
from outage_analysis.losses.development.late_count import Branch
from outage_analysis.text import ShortRepr

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

Row = tuple[float, float, float, int, float, float, int, int, bool]
"""One row of the table, in the order of `SCHEMA`."""


@dataclass(frozen=True, repr=False)
class LateClaimsBacktest(ShortRepr):
    """Forecasts made at earlier times (origins), compared with the later counts.

    Args:
        table: one row per origin, later count and level: `origin`, `at` (the time of the later count),
            `expected` and `actual` (the cumulative count), `pit` (the forecast probability of fewer claims
            plus half the probability of exactly the actual number), `level`, `low` and `high` (the interval),
            and `inside` (whether it contains the actual count).
        refused: one sentence per origin or later count without a forecast, with the reason.
    """

    table: pl.DataFrame
    refused: tuple[str, ...]

    def coverage(self) -> pl.DataFrame:
        """How often the intervals contained the actual count: one row per interval level.

        Columns: `level`, `origins` and `forecasts` (numbers), `inside` (the number of intervals that contain
        the actual count) and `share` (inside / forecasts). Forecasts from one origin use the same curve, and
        later counts include earlier ones, so the forecasts are far from independent. Results from a few
        origins only illustrate the method.
        """
        inside = pl.col("inside")
        return (
            self.table.group_by("level", maintain_order=True)
            .agg(
                pl.col("origin").n_unique().cast(pl.Int64).alias("origins"),
                pl.len().cast(pl.Int64).alias("forecasts"),
                inside.sum().cast(pl.Int64).alias("inside"),
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
    """From each origin (an earlier time), forecast the later counts, using only the counts up to the origin.

    Args:
        times: the time of each count, in days since the opening.
        counts: the cumulative number of claims filed by each time.
        origins: the times from which to forecast, in days since the opening.
        branch: the assumed end of the intake; counts after its closing are not forecast.
        families: the growth curves to average.
        levels: the probability levels of the intervals.
        former: former deadlines, in days since the opening; a forecast uses only the deadlines up to its
            origin.
        starts: the calendar day that begins at time 0.

    Raises:
        ModelRefused: no origin has both a forecast and a later count.
    """
    rows: list[Row] = []
    refused: list[str] = []
    for origin in origins:
        known = [(t, n) for t, n in zip(times, counts, strict=True) if t <= origin]
        later = [(t, n) for t, n in zip(times, counts, strict=True) if origin < t <= branch.closes]
        passed = [d for d in former if d <= origin]
        if not known or not later:
            refused.append(f"{origin:g} days: no count " + ("after it" if known else "up to it"))
            continue
        known_times, known_counts = [t for t, _ in known], [n for _, n in known]
        try:
            forecast = forecast_late_claims(
                known_times,
                known_counts,
                [branch],
                by=later[0][0],
                families=families,
                former=passed,
                starts=starts,
            )
        except ModelRefused as refusal:
            refused.append(f"{origin:g} days: {refusal.problem}")
            continue
        rows += _score_forecast(forecast, branch, origin, later, levels, refused)
    if not rows:
        raise ModelRefused(
            "no origin can be tested: " + "; ".join(refused[:3]),
            remedy="Choose later origins, with more counts before them and one at least after.",
        )
    return LateClaimsBacktest(pl.DataFrame(rows, schema=SCHEMA, orient="row"), tuple(refused))


def _score_forecast(
    forecast: LateClaimsForecast,
    branch: Branch,
    origin: float,
    later: Sequence[tuple[float, int]],
    levels: Sequence[float],
    refused: list[str],
) -> Iterator[Row]:
    for at, actual in later:
        try:
            late = forecast.late_count_by(branch.id, at)
        except ModelRefused as refusal:
            refused.append(f"{origin:g} days, up to {at:g}: {refusal.problem}")
            continue
        below, up_to = late.distribution.cdf([actual - forecast.counted - 1, actual - forecast.counted])
        expected, pit = forecast.counted + late.mean, float(below + up_to) / 2
        for level in levels:
            low, high = late.total(level)
            inside = low <= actual <= high
            yield (float(origin), float(at), expected, int(actual), pit, level, low, high, inside)
