"""Tables for charts of fitted loss distributions and for fan charts of an intake forecast."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl

from outage_analysis.losses import COUNTED, Channel, LateClaimsForecast

MAX_POINTS = 32
"""Points per curve: more would not change how a curve looks."""
LEVELS = {"50": 0.5, "80": 0.8}
FAN_STEPS = 12
"""A fan is computed at this many evenly spaced times between the last count and the last closing."""


def family_weights(curves: pl.DataFrame) -> pl.DataFrame:
    """Return `family` and `weight` of each fitted distribution, the largest weight first.

    Args:
        curves: what `severity.curves` returns. Rows of the family `counted` hold the counts; the other
            rows hold the fitted distributions at several losses.
    """
    weights = curves.filter(pl.col("family") != COUNTED).group_by("family").agg(pl.col("weight").first())
    return weights.sort("weight", "family", descending=[True, False])


def counted_shares(curves: pl.DataFrame) -> pl.DataFrame:
    """Return the counted shares at each band edge: `loss`, `share_below`, `share_above`."""
    return curves.filter(family=COUNTED).select("loss", "share_below", "share_above").sort("loss")


def family_curves(curves: pl.DataFrame, most: int = MAX_POINTS) -> pl.DataFrame:
    """Return the fitted curves with at most `most` points each, the family with the largest weight first.

    Returns:
        `family`, `loss`, `share_below` with its interval `low` to `high`, and `share_above` with its
        interval `above_low` to `above_high`.
    """
    wanted = ["family", "loss", "share_below", "share_above", "low", "high", "above_low", "above_high"]
    parts = [
        thin_evenly(curves.filter(family=family).select(wanted).sort("loss"), most)
        for family in family_weights(curves)["family"]
    ]
    return pl.concat(parts).with_columns(pl.col(pl.Float64).round_sig_figs(4))


def thin_evenly(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """Keep at most `most` rows (2 or more), evenly spread, including the first and the last."""
    if len(rows) <= most:
        return rows
    return rows[[round(n * (len(rows) - 1) / (most - 1)) for n in range(most)]]


def median_loss(curves: pl.DataFrame) -> float | None:
    """Interpolate the median loss of the family with the largest weight; None if outside the table."""
    part = curves.filter(family=family_weights(curves)["family"][0]).sort("loss")
    below, above = part.filter(pl.col("share_below") <= 0.5), part.filter(pl.col("share_below") > 0.5)  # noqa: PLR2004
    if below.is_empty() or above.is_empty():
        return None
    low_loss, low_share = below.select("loss", "share_below").row(-1)
    high_loss, high_share = above.select("loss", "share_below").row(0)
    start, end = math.log(low_loss), math.log(high_loss)
    return float(math.exp(start + (end - start) * (0.5 - low_share) / (high_share - low_share)))


def spread_labels(places: Sequence[float], gap: float, last: float) -> list[float]:
    """Move label positions apart so that they are at least `gap` apart and none exceeds `last`."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = [0.0] * len(places)
    least = -math.inf
    for i in order:
        moved[i] = least = max(places[i], least)
        least += gap
    most = last
    for i in reversed(order):
        moved[i] = most = min(moved[i], most)
        most -= gap
    return moved


def forecast_fan(
    channel: Channel,
    forecast: LateClaimsForecast,
    *,
    ended: tuple[datetime, int] | None = None,
    fact: str = "",
) -> pl.DataFrame:
    """Return the table of a fan chart: the counts of an intake and the forecast of its later counts.

    Args:
        channel: the counts of the intake.
        forecast: the forecast of these counts, with intervals at the levels 0.5 and 0.8.
        ended: when the intake ended and its final number of claims, if the chart may show that.
        fact: the id of the fact that states the final number.

    Returns:
        What `fan_table` returns.
    """
    closes = {branch.id: branch.closes for branch in forecast.branches}
    last = max(closes.values())
    steps = (forecast.until + (last - forecast.until) * n / FAN_STEPS for n in range(1, FAN_STEPS))
    later = None if ended is None else (channel.days(ended[0]), ended[1], fact)
    facts = pl.Series("facts", channel.facts or [""] * len(channel.times), dtype=pl.String)
    return fan_table(
        channel.points().select(pl.col("days").alias("at"), "cumulative", facts),
        forecast.path(sorted({*steps, *closes.values()})),
        closes,
        opens=channel.opened.astimezone(channel.zone),
        later=later,
    )


def fan_table(
    counts: pl.DataFrame,
    path: pl.DataFrame,
    closes: Mapping[str, float],
    *,
    opens: datetime,
    later: tuple[float, int, str] | None = None,
) -> pl.DataFrame:
    """Return the points of a fan chart: counts so far, forecasts to each closing, and the final count.

    Args:
        counts: `at` (days since the opening), `cumulative` and, for published counts, `facts` (ids
            separated by spaces).
        path: `branch`, `at`, `median`, `level`, `low`, `high`, as `Forecast.path` returns it. Times after a
            branch's closing are dropped, so include the closing itself.
        closes: branch -> its closing, in days since the opening.
        opens: when the intake opened, in the time zone of the incident.
        later: time, value and fact id of a later count, if the chart may show it.

    Returns:
        `part` (counted, expected, closing, outcome), `branch`, `at`, `moment` (local time without a
        zone), `cumulative`, `low_50`, `high_50`, `low_80`, `high_80`, `facts`. The rows of a branch
        start with the last count; `cumulative` of an expected row is the median.
    """
    facts = pl.col("facts") if "facts" in counts.columns else pl.lit("").alias("facts")
    texts = (pl.lit("counted").alias("part"), pl.lit("").alias("branch"))
    counted = counts.select(*texts, "at", "cumulative", facts)
    last_at, last = counted.sort("at").select("at", "cumulative").row(-1)
    parts = [counted]
    for branch, closing in closes.items():
        ends = {f"{end}_{name}": [last] for name in LEVELS for end in ("low", "high")}
        start = pl.DataFrame({"part": "expected", "branch": branch, "at": last_at, "cumulative": last} | ends)
        parts += [start, _expected(path, branch, last_at, closing)]
        parts.append(pl.DataFrame({"part": "closing", "branch": branch, "at": closing}))
    if later is not None:
        at, count, fact = later
        outcome = {"part": "outcome", "branch": "", "at": at, "cumulative": count, "facts": fact}
        parts.append(pl.DataFrame(outcome))
    numbers = ("cumulative", *(f"{end}_{name}" for name in LEVELS for end in ("low", "high")))
    typed = [
        p.with_columns(pl.col("at").cast(pl.Float64), *(pl.col(n).cast(pl.Int64) for n in numbers if n in p))
        for p in parts
    ]
    table = pl.concat(typed, how="diagonal")
    local = opens.replace(tzinfo=None)
    moments = [local + timedelta(days=at) for at in table["at"]]
    cited = pl.col("facts").fill_null("")
    return table.select("part", "branch", "at", pl.Series("moment", moments), *numbers, cited)


def _expected(path: pl.DataFrame, branch: str, after: float, closing: float) -> pl.DataFrame:
    rows = path.filter(pl.col("branch") == branch, pl.col("at") > after, pl.col("at") <= closing)
    table = rows.select("branch", "at", cumulative="median").unique(maintain_order=True)
    for name, level in LEVELS.items():
        ends = rows.filter((pl.col("level") - level).abs() < 1e-9)  # noqa: PLR2004
        table = table.join(
            ends.select("at", pl.col("low").alias(f"low_{name}"), pl.col("high").alias(f"high_{name}")),
            on="at",
            how="left",
            maintain_order="left",
        )
    return table.select(pl.lit("expected").alias("part"), pl.all())
