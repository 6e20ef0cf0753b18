"""Reduce tables of the uncertain cost to the few rows that a chart shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from outage_analysis.charts.curve_data import thin_evenly
from outage_analysis.text import Locale

MAX_POINTS = 120
"""Points of a distribution's curve."""
MAX_ROWS = 12
"""Rows of a waterfall, a tornado, a back-test or a comparison of policies."""
BENCHMARKS = ("naive", "press")
"""Forecasts that the model is compared with: a naive estimate and press reports."""
STEP_KEYS = ("line", "service", "over", "up_to", "rule")


def marked_amounts(table: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Return the marked points of the distribution of the total cash, such as p10 or budget, by mark.

    Each has its `amount`, `above` (the probability that the cash exceeds it) and `density`.

    Args:
        table: as `total_distribution` returns it.
    """
    rows = table.filter(pl.col("mark").is_not_null(), pl.col("amount") > 0, valuation="cash")
    return {
        r["mark"]: {"amount": r["amount"], "above": 1 - r["below"], "density": r["density"]}
        for r in rows.iter_rows(named=True)
    }


def exceedance_curve(table: pl.DataFrame) -> pl.DataFrame:
    """Return the exceedance curve of the cash: `amount`, and `above`, the probability of more in percent."""
    grid = thin_evenly(table.filter(pl.col("mark").is_null(), valuation="cash"), MAX_POINTS)
    return grid.select("amount", above=100 * (1 - pl.col("below"))).with_columns(pl.all().round_sig_figs(5))


def density_areas(table: pl.DataFrame) -> pl.DataFrame:
    """Return the density of the total cash, split at P10 and P90.

    Returns:
        `part` (below, likely, above; neighbouring parts share a point), `amount`, and `density` in percent of
        the peak.
    """
    grid = thin_evenly(table.filter(pl.col("mark").is_null(), valuation="cash"), MAX_POINTS)
    edges = table.filter(pl.col("mark").is_in(["p10", "p90"]), pl.col("amount") > 0, valuation="cash")
    relative = 100 * pl.col("density") / pl.col("density").max()
    points = pl.concat([grid, edges]).sort("amount").select("amount", density=relative)
    ends = dict(edges.select("mark", "amount").rows())
    low, high = ends.get("p10", 0.0), ends["p90"]
    amount = pl.col("amount")
    cuts = {"below": amount <= low, "likely": amount.is_between(low, high), "above": amount >= high}
    parts = [points.filter(cut).select(pl.lit(part).alias("part"), pl.all()) for part, cut in cuts.items()]
    return pl.concat(parts).with_columns(pl.col(pl.Float64).round_sig_figs(5))


def waterfall_bars(table: pl.DataFrame, most: int = MAX_ROWS) -> pl.DataFrame:
    """Return the bars of a waterfall chart; the smallest steps are merged into one bar.

    Args:
        table: as `steps` returns it.
        most: largest number of bars, not counting the bar of the total.

    Returns:
        `line`, `service`, `over`, `up_to`, `rule`, `joined` (how many steps are merged in the row),
        `expected`, `start`, `end`, `share` (of the expected total, from 0 to 1), `tail_share` (of the mean
        of the worst cases) and `facts`.
    """
    small = pl.col("expected").rank("ordinal", descending=True) > (most - 1 if len(table) > most else most)
    rows = table.with_columns(joined=pl.when(small).then(pl.lit(0)).otherwise(pl.lit(1)))
    separate, rest = rows.filter(pl.col("joined") == 1), rows.filter(pl.col("joined") == 0)
    if len(rest):
        totals = rest.select(
            *(pl.lit(None, rest.schema[c]).alias(c) for c in STEP_KEYS),
            pl.sum("expected", "tail"),
            pl.col("facts").str.join(" "),
        )
        separate = pl.concat([separate, totals.with_columns(joined=pl.lit(len(rest), pl.Int32))])
    whole, tail = pl.col("expected").sum(), pl.col("tail").sum()
    end = pl.col("expected").cum_sum()
    return separate.select(
        *STEP_KEYS,
        "joined",
        "expected",
        start=end - pl.col("expected"),
        end=end,
        share=pl.col("expected") / whole,
        tail_share=pl.when(tail > 0).then(pl.col("tail") / tail),
        facts="facts",
    )


def step_labels(row: Mapping[str, Any], locale: Locale, name: Callable[[str], str]) -> tuple[str, str]:
    """Return the label of a waterfall bar, and the payment rule if the bar is a loss band (else "").

    Args:
        row: a cost line, a service, a band, or the merged small steps.
        locale: language and currency of the labels.
        name: returns the display name of a line or a service.
    """
    if row["joined"] > 1:
        return locale("chart.other_services", count=row["joined"]), ""
    if row["rule"] is not None:
        return locale.band(row["over"], row["up_to"]), locale(f"word.{row['rule']}")
    return name(row["line"] or row["service"] or ""), ""


def tornado_bars(table: pl.DataFrame, most: int = MAX_ROWS) -> pl.DataFrame:
    """Return the inputs that move the expected cash most, as the bars of a tornado chart.

    Args:
        table: the columns of `TORNADO`, the widest swing first.
        most: largest number of inputs.

    Returns:
        `assumption`, `kind`, `expected`, `left` and `right` (the lower and the higher cost), `input_left` and
        `input_right` (the values of the input at these costs).
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
    """Express forecasts of several outcomes as multiples of the observed value.

    Args:
        table: `outcome`, `independent`, `unit`, `p10`, `p50`, `p90`, `observed`, `inside`, `naive_low`,
            `naive_high`, `press_low`, `press_high` (a low end is null if the source gave only an upper
            bound). Outcomes with an observed value of 0 are left out.
        most: largest number of outcomes.

    Returns:
        `outcome`, `independent`, `observed`, `unit`, `inside`, `part` (forecast, naive, press), `low`,
        `middle` (median; null except for the forecast), `high`. Benchmarks without a range have no row.
    """
    rows = table.filter(pl.col("observed") > 0).head(most)
    heads = [pl.col(name) for name in ("outcome", "independent", "observed", "unit", "inside")]
    observed = pl.col("observed")
    forecast = rows.select(
        *heads,
        pl.lit("forecast").alias("part"),
        low=pl.col("p10") / observed,
        middle=pl.col("p50") / observed,
        high=pl.col("p90") / observed,
    )
    benchmarks = [
        rows.select(
            *heads,
            pl.lit(benchmark).alias("part"),
            low=pl.coalesce(f"{benchmark}_low", f"{benchmark}_high") / observed,
            middle=pl.lit(None, pl.Float64),
            high=pl.col(f"{benchmark}_high") / observed,
        )
        for benchmark in BENCHMARKS
    ]
    return pl.concat([forecast, *benchmarks]).filter(pl.col("high").is_not_null())


def policy_ranges(table: pl.DataFrame, most: int = MAX_ROWS) -> pl.DataFrame:
    """Return the policies that have an expected cost, the cheapest first.

    Args:
        table: the columns of `POLICIES`.
        most: largest number of policies.

    Returns:
        `policy`, `most`, `expected`, `p10`, `p50`, `p90`, `cheapest`.
    """
    columns = ["policy", "most", "expected", "p10", "p50", "p90", "cheapest"]
    return table.filter(pl.col("expected") > 0).sort("expected", "policy").head(most).select(columns)
