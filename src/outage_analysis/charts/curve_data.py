"""Build the tables for charts of fitted loss distributions and for fan charts of claims forecasts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl

from outage_analysis.losses import COUNTED, Channel, LateClaimsForecast

MAX_POINTS = 32
"""Largest number of points per curve; more points would not change how a curve looks."""
LEVELS = {"50": 0.5, "80": 0.8}
"""The levels of the two bands of a fan chart, by name; they do not depend on the level of a report."""
INNER, OUTER = LEVELS
FAN_STEPS = 12
"""A fan is computed at this many evenly spaced times between the last count and the last closing."""


def family_weights(curves: pl.DataFrame) -> pl.DataFrame:
    """Return the fitted distribution families with their model weights, the largest weight first.

    Args:
        curves: the table that `curve_table` returns. Rows with the family `counted` contain the observed
            shares; the other rows contain the fitted distributions at several losses.
    """
    weights = curves.filter(pl.col("family") != COUNTED).group_by("family").agg(pl.col("weight").first())
    return weights.sort("weight", "family", descending=[True, False])


def counted_shares(curves: pl.DataFrame) -> pl.DataFrame:
    """Return the observed shares of losses at each band edge: `loss`, `share_below`, `share_above`."""
    return curves.filter(family=COUNTED).select("loss", "share_below", "share_above").sort("loss")


def family_curves(curves: pl.DataFrame, most: int = MAX_POINTS) -> pl.DataFrame:
    """Return the fitted distributions as curves of at most `most` points, the largest weight first.

    Returns:
        One row per point: `family`, `loss`, `share_below` with its interval from `low` to `high`, and
        `share_above` with its interval from `above_low` to `above_high`.
    """
    wanted = ["family", "loss", "share_below", "share_above", "low", "high", "above_low", "above_high"]
    parts = [
        thin_evenly(curves.filter(family=family).select(wanted).sort("loss"), most)
        for family in family_weights(curves)["family"]
    ]
    return pl.concat(parts).with_columns(pl.col(pl.Float64).round_sig_figs(4))


def thin_evenly(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """Keep at most `most` evenly spaced rows, including the first and the last; `most` is 2 or more."""
    if len(rows) <= most:
        return rows
    return rows[[round(n * (len(rows) - 1) / (most - 1)) for n in range(most)]]


def median_loss(curves: pl.DataFrame) -> float | None:
    """Return the median loss under the fitted distribution with the largest weight, by interpolation.

    Return None if the median lies outside the losses in the table.
    """
    part = curves.filter(family=family_weights(curves)["family"][0]).sort("loss")
    below, above = part.filter(pl.col("share_below") <= 0.5), part.filter(pl.col("share_below") > 0.5)  # noqa: PLR2004
    if below.is_empty() or above.is_empty():
        return None
    low_loss, low_share = below.select("loss", "share_below").row(-1)
    high_loss, high_share = above.select("loss", "share_below").row(0)
    start, end = math.log(low_loss), math.log(high_loss)
    return float(math.exp(start + (end - start) * (0.5 - low_share) / (high_share - low_share)))


def spread_labels(places: Sequence[float], gap: float, last: float) -> list[float]:
    """Shift label positions so that they are at least `gap` apart and none exceeds `last`."""
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
    """Return the table of a fan chart: the number of claims filed so far and its forecast.

    Args:
        channel: the cumulative counts of claims of one intake channel.
        forecast: the forecast of later counts, with intervals at the levels 0.5 and 0.8.
        ended: when the intake ended, and the final number of claims; None if the chart must not show them.
        fact: the id of the published fact that states the final number.

    Returns:
        The table that `fan_table` returns.
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
    """Return the points of a fan chart: counts so far, forecasts up to each closing time, and final count.

    Args:
        counts: `at` (days since the opening), `cumulative` and, for published counts, `facts` (ids
            separated by spaces).
        path: the forecast, as `LateClaimsForecast.path` returns it: `branch`, `at`, `median`, `level`, `low`,
            `high`. Times after a branch's closing time are dropped, so include the closing time itself.
        closes: branch (a scenario of when the intake closes) -> its closing time, in days since the opening.
        opens: when the intake opened, in the time zone of the incident.
        later: time (days since the opening), value and fact id of a later count; None if the chart must not
            show it.

    Returns:
        The columns `part` (`counted`, `expected`, `closing` or `outcome`), `branch`, `at`, `moment` (local
        time without a zone), `cumulative`, `low_50`, `high_50`, `low_80`, `high_80` and `facts`. In
        `expected` rows, `cumulative` is the median of the forecast. The `expected` rows of each branch start
        with the last count.
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
