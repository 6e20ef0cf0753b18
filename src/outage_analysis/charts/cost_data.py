"""Reduce tables of the expected cost and its uncertainty to the few rows that a chart shows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl

from outage_analysis.text import DEFAULT_LEVEL, MEDIAN, LikelyRange

MAX_ROWS = 12
"""Largest number of rows in a waterfall, a tornado, a back-test or a comparison of policies."""
PROBABILITY_DIGITS = 10
"""Decimals of a probability, so that 1 - 0.9 is 0.1."""
BENCHMARKS = ("naive", "press")
"""Forecasts that the model is compared with: a naive estimate and press reports."""
STEP_KEYS = ("line", "service", "over", "up_to", "rule")


def marked_amounts(table: pl.DataFrame, level: int = DEFAULT_LEVEL) -> dict[str, dict[str, float]]:
    """Return the amounts to mark on the chart of the total cash cost, such as the budget, by name.

    The names are `expected`, `range_low` and `range_high` (the ends of the likely range), `p50`, `zero`,
    `budget` and `observed`. Each value has three items: `amount`, `above` (the probability that the cash cost
    exceeds the amount) and `quantile` (1 if the total itself has the amount if it is certain, else 0).

    Args:
        table: as `total_distribution_table` returns it.
        level: the probability of the likely range in percent.
    """
    likely = LikelyRange(level)
    columns = {measure: column for column, measure in likely.column_measures.items()}
    own = {"expected", *likely.points}
    rows = table.filter(pl.col("mark").is_not_null() & (pl.col("mark") != "press"), valuation="cash")
    return {
        columns.get(r["mark"], r["mark"]): {
            "amount": r["amount"],
            "above": round(1 - r["below"], PROBABILITY_DIGITS),
            "quantile": float(r["mark"] in own),
        }
        for r in rows.iter_rows(named=True)
    }


def waterfall_bars(table: pl.DataFrame, most: int = MAX_ROWS) -> pl.DataFrame:
    """Return the bars of a waterfall chart of the expected cash cost; the smallest parts share one bar.

    Args:
        table: the table `steps` of an analysis: the parts that add up to the expected cash cost.
        most: largest number of bars, not counting the bar of the total.

    Returns:
        One row per bar: `line`, `service`, `over`, `up_to`, `rule`, `joined` (the number of steps merged in
        the bar), `expected`, `start`, `end`, `percent` (of the expected total, whole percents that add up to
        100) and `facts`.
    """
    small = pl.col("expected").rank("ordinal", descending=True) > (most - 1 if len(table) > most else most)
    place = pl.when(small).then(len(table)).otherwise(pl.int_range(pl.len()))
    bars = table.group_by(place.alias("place"), maintain_order=True).agg(
        *(pl.when(pl.len() == 1).then(pl.first(key)).alias(key) for key in STEP_KEYS),
        pl.sum("expected"),
        pl.col("facts").str.join(" "),
        joined=pl.len(),
    )
    bars = bars.sort("place")
    end = pl.col("expected").cum_sum()
    return bars.select(
        *STEP_KEYS,
        "joined",
        "expected",
        start=end - pl.col("expected"),
        end=end,
        percent=pl.Series(whole_percents(bars["expected"].to_list())),
        facts="facts",
    )


def whole_percents(amounts: Sequence[float]) -> list[int]:
    """Return the shares of amounts in whole percents that add up to 100, by largest remainders.

    Example:
        >>> whole_percents([1, 1, 1])
        [34, 33, 33]
    """
    total = math.fsum(amounts)
    exact = [100 * amount / total for amount in amounts]
    down = [math.floor(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda n: (down[n] - exact[n], n))
    for n in by_remainder[: 100 - sum(down)]:
        down[n] += 1
    return down


def tornado_bars(table: pl.DataFrame, most: int = MAX_ROWS) -> pl.DataFrame:
    """Return the inputs with the largest effect on the expected cash cost, as bars of a tornado chart.

    Args:
        table: the table `tornado`; the input with the largest effect comes first.
        most: largest number of inputs.

    Returns:
        One row per input: `assumption`, `kind`, `expected`, `left` and `right` (the lower and the higher
        cost), `input_left` and `input_right` (the values of the input that lead to these costs).
    """
    falls = pl.col("cost_high") < pl.col("cost_low")
    ends = ("cost_low", "cost_high", "input_low", "input_high")
    low, high, first, last = (pl.col(name) for name in ends)
    return (
        table.filter(valuation="cash")
        .head(most)
        .select(
            "assumption",
            "kind",
            expected="cost_expected",
            left=pl.min_horizontal(low, high),
            right=pl.max_horizontal(low, high),
            input_left=pl.when(falls).then(last).otherwise(first),
            input_right=pl.when(falls).then(first).otherwise(last),
        )
        .filter(pl.col("right") > 0)
    )


def backtest_ratios(table: pl.DataFrame, most: int = MAX_ROWS) -> pl.DataFrame:
    """Divide the forecasts of each back-tested outcome by the observed value.

    Args:
        table: one row per outcome: `outcome`, `independent`, `unit`, `range_low`, `p50`, `range_high`,
            `observed`, `inside`, `naive_low`, `naive_high`, `press_low`, `press_high` (a low end is null if
            its source gave only an upper bound). Outcomes with an observed value of 0 are left out.
        most: largest number of outcomes.

    Returns:
        One row per outcome and forecast: `outcome`, `independent`, `observed`, `unit`, `inside`, `part`
        (`forecast` for the model, `naive` or `press` for a benchmark), `low`, `middle` (the model's median;
        null for benchmarks) and `high`. A benchmark without an upper end has no row.
    """
    rows = table.filter(pl.col("observed") > 0).head(most)
    heads, observed = ("outcome", "independent", "observed", "unit", "inside"), pl.col("observed")
    ends = {name: (f"{name}_low", f"{name}_high") for name in BENCHMARKS}
    parts = {"forecast": (LikelyRange.low_column, LikelyRange.high_column)} | ends
    forecasts = [
        rows.select(
            *heads,
            pl.lit(part).alias("part"),
            low=pl.coalesce(low, high) / observed,
            middle=pl.col(MEDIAN) / observed if part == "forecast" else pl.lit(None, pl.Float64),
            high=pl.col(high) / observed,
        )
        for part, (low, high) in parts.items()
    ]
    return pl.concat(forecasts).filter(pl.col("high").is_not_null())
