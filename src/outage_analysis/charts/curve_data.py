"""What charts of fitted laws and of the intake's fan are drawn from, frame -> frame."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl

from outage_analysis.losses import COUNTED, Channel, LateClaimsForecast

MOST_POINTS = 32
"""Points of one line: a curve on a chart needs no more."""
LEVELS = {"50": 0.5, "80": 0.8}
STEPS = 12
"""Times between the last count and the last closing at which a fan is computed."""


def families(curves: pl.DataFrame) -> pl.DataFrame:
    """`family` and `weight` of each law, the likeliest first.

    Args:
        curves: what `severity.curves` returns: what was counted under the family `counted`, and the laws
            at several losses.
    """
    laws = curves.filter(pl.col("family") != COUNTED).group_by("family").agg(pl.col("weight").first())
    return laws.sort("weight", "family", descending=[True, False])


def counted(curves: pl.DataFrame) -> pl.DataFrame:
    """The edges with counts below and above them: `loss`, `share_below`, `share_above`."""
    return curves.filter(family=COUNTED).select("loss", "share_below", "share_above").sort("loss")


def lines(curves: pl.DataFrame, most: int = MOST_POINTS) -> pl.DataFrame:
    """The laws at no more than `most` losses each, first and last included, the likeliest law first.

    Returns:
        `family`, `loss`, `share_below`, `share_above`, `low`, `high` of the share below, and `above_low`,
        `above_high` of the share above.
    """
    wanted = ["family", "loss", "share_below", "share_above", "low", "high", "above_low", "above_high"]
    parts = [
        evenly(curves.filter(family=family).select(wanted).sort("loss"), most)
        for family in families(curves)["family"]
    ]
    return pl.concat(parts).with_columns(pl.col(pl.Float64).round_sig_figs(4))


def evenly(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """At most so many of the rows (2 or more), evenly spread, the first and the last among them."""
    if len(rows) <= most:
        return rows
    return rows[[round(n * (len(rows) - 1) / (most - 1)) for n in range(most)]]


def median(curves: pl.DataFrame) -> float | None:
    """The loss below which half of them are under the likeliest law; None outside the losses of the table."""
    part = curves.filter(family=families(curves)["family"][0]).sort("loss")
    below, above = part.filter(pl.col("share_below") <= 0.5), part.filter(pl.col("share_below") > 0.5)  # noqa: PLR2004
    if below.is_empty() or above.is_empty():
        return None
    (a, p), (b, q) = below.select("loss", "share_below").row(-1), above.select("loss", "share_below").row(0)
    return float(math.exp(math.log(a) + (math.log(b) - math.log(a)) * (0.5 - p) / (q - p)))


def spaced(places: Sequence[float], gap: float, last: float) -> list[float]:
    """Places of labels on a line, moved apart so that no two are closer than `gap`, none beyond `last`."""
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
    channel: Channel, made: LateClaimsForecast, *, ended: tuple[datetime, int] | None = None, fact: str = ""
) -> pl.DataFrame:
    """The fan of a forecast, at evenly spaced times and every closing.

    Args:
        channel: the counts.
        made: its forecast, with the levels 0.5 and 0.8.
        ended: when the intake ended and with how many claims, if that may be shown.
        fact: the id of that count.

    Returns:
        What `fan` returns.
    """
    closes = {branch.id: branch.closes for branch in made.branches}
    last = max(closes.values())
    steps = (made.until + (last - made.until) * n / STEPS for n in range(1, STEPS))
    later = None if ended is None else (channel.days(ended[0]), ended[1], fact)
    facts = pl.Series("facts", channel.facts or [""] * len(channel.times), dtype=pl.String)
    return fan(
        channel.points().select(pl.col("days").alias("at"), "cumulative", facts),
        made.path(sorted({*steps, *closes.values()})),
        closes,
        opens=channel.opened.astimezone(channel.zone),
        later=later,
    )


def fan(
    counts: pl.DataFrame,
    path: pl.DataFrame,
    closes: Mapping[str, float],
    *,
    opens: datetime,
    later: tuple[float, int, str] | None = None,
) -> pl.DataFrame:
    """What was counted, what is expected up to each closing, and what came out later: one row a point.

    Args:
        counts: `at` (days since the opening), `cumulative` and, where they are published, `facts` (ids
            with spaces between).
        path: `branch`, `at`, `median`, `level`, `low`, `high`, as a forecast's path; times beyond a
            branch's closing are left out, so the closing should be among them.
        closes: branch -> its closing, in days since the opening.
        opens: when the intake opened, by the incident's own clock.
        later: when a later count was taken, what it was and the id of its fact, if it may be shown.

    Returns:
        `part` (counted, expected, closing, outcome), `branch`, `at`, `moment` (local time without a
        zone), `cumulative`, `low_50`, `high_50`, `low_80`, `high_80`, `facts`. The rows of a branch
        begin with the last count; their `cumulative` is the median.
    """
    facts = pl.col("facts") if "facts" in counts.columns else pl.lit("").alias("facts")
    texts = (pl.lit("counted").alias("part"), pl.lit("").alias("branch"))
    seen = counts.select(*texts, "at", "cumulative", facts)
    last_at, last = seen.sort("at").select("at", "cumulative").row(-1)
    parts = [seen]
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
