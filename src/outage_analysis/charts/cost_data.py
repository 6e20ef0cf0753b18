"""What charts of an uncertain cost are drawn from, frame -> frame: few rows, whatever the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from outage_analysis.charts.curve_data import evenly
from outage_analysis.text import Locale

MOST_POINTS = 120
"""Of the line of a law."""
MOST_ROWS = 12
"""Bars of a waterfall, inputs of a tornado, outcomes, policies."""
RIVALS = ("naive", "press")
"""Whose ranges stand beside a forecast's."""
STEP = ("line", "service", "over", "up_to", "rule")


def marks(table: pl.DataFrame) -> dict[str, dict[str, float]]:
    """What is marked of the cash: `amount`, `above` (the chance of more) and `density`, by mark.

    Args:
        table: as `total_law` returns it.
    """
    rows = table.filter(pl.col("mark").is_not_null(), pl.col("amount") > 0, valuation="cash")
    return {
        r["mark"]: {"amount": r["amount"], "above": 1 - r["below"], "density": r["density"]}
        for r in rows.iter_rows(named=True)
    }


def curve(table: pl.DataFrame) -> pl.DataFrame:
    """`amount` and `above`, the chance of more in percent."""
    grid = evenly(table.filter(pl.col("mark").is_null(), valuation="cash"), MOST_POINTS)
    return grid.select("amount", above=100 * (1 - pl.col("below"))).with_columns(pl.all().round_sig_figs(5))


def areas(table: pl.DataFrame) -> pl.DataFrame:
    """The density of the cash, cut at its 10 and 90 % points.

    Returns:
        `part` (below, likely, above; neighbours share their edge), `amount`, `density` in percent of its
        peak.
    """
    grid = evenly(table.filter(pl.col("mark").is_null(), valuation="cash"), MOST_POINTS)
    edges = table.filter(pl.col("mark").is_in(["p10", "p90"]), pl.col("amount") > 0, valuation="cash")
    relative = 100 * pl.col("density") / pl.col("density").max()
    points = pl.concat([grid, edges]).sort("amount").select("amount", density=relative)
    ends = dict(edges.select("mark", "amount").rows())
    low, high = ends.get("p10", 0.0), ends["p90"]
    amount = pl.col("amount")
    cuts = {"below": amount <= low, "likely": amount.is_between(low, high), "above": amount >= high}
    parts = [points.filter(cut).select(pl.lit(part).alias("part"), pl.all()) for part, cut in cuts.items()]
    return pl.concat(parts).with_columns(pl.col(pl.Float64).round_sig_figs(5))


def bars(table: pl.DataFrame, most: int = MOST_ROWS) -> pl.DataFrame:
    """The steps of a waterfall, each from where the one before it ends, the smallest ones as one.

    Args:
        table: as `steps` returns it.
        most: bars, without that of the sum.

    Returns:
        `line`, `service`, `over`, `up_to`, `rule`, `joined` (how many stand in the row, all of them
        smaller than the others), `expected`, `start`, `end`, and `share` and `tail_share`, from 0 to 1, of
        the expected sum and of the mean of the worst cases, and `facts`.
    """
    small = pl.col("expected").rank("ordinal", descending=True) > (most - 1 if len(table) > most else most)
    rows = table.with_columns(joined=pl.when(small).then(pl.lit(0)).otherwise(pl.lit(1)))
    kept, rest = rows.filter(pl.col("joined") == 1), rows.filter(pl.col("joined") == 0)
    if len(rest):
        sums = rest.select(
            *(pl.lit(None, rest.schema[c]).alias(c) for c in STEP),
            pl.sum("expected", "tail"),
            pl.col("facts").str.join(" "),
        )
        kept = pl.concat([kept, sums.with_columns(joined=pl.lit(len(rest), pl.Int32))])
    whole, tail = pl.col("expected").sum(), pl.col("tail").sum()
    end = pl.col("expected").cum_sum()
    return kept.select(
        *STEP,
        "joined",
        "expected",
        start=end - pl.col("expected"),
        end=end,
        share=pl.col("expected") / whole,
        tail_share=pl.when(tail > 0).then(pl.col("tail") / tail),
        facts="facts",
    )


def step_name(row: Mapping[str, Any], words: Locale, name: Callable[[str], str]) -> tuple[str, str]:
    """What a row of `bars` is called, and the rule of its band ("" where it is none).

    Args:
        row: a line, a service, a band, or the smallest together.
        words: the language.
        name: what readers call a line or a service.
    """
    if row["joined"] > 1:
        return words("chart.other_services", count=row["joined"]), ""
    if row["rule"] is not None:
        return words.band(row["over"], row["up_to"]), words(f"word.{row['rule']}")
    return name(row["line"] or row["service"] or ""), ""


def swings(table: pl.DataFrame, most: int = MOST_ROWS) -> pl.DataFrame:
    """The inputs that move the cash most: the rows of a tornado with `left` and `right` ends in order.

    Args:
        table: the columns of `TORNADO`, the widest swing first.
        most: inputs to show.

    Returns:
        `assumption`, `kind`, `expected`, `left`, `right` (costs), `input_left`, `input_right`.
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


def ratios(table: pl.DataFrame, most: int = MOST_ROWS) -> pl.DataFrame:
    """Forecasts of several outcomes as multiples of what happened.

    Args:
        table: `outcome`, `independent`, `unit`, `p10`, `p50`, `p90`, `observed`, `inside`, `naive_low`,
            `naive_high`, `press_low`, `press_high` (a low end is null where only the most was said). An
            outcome of nothing has no multiples and is left out.
        most: outcomes to show.

    Returns:
        `outcome`, `independent`, `observed`, `unit`, `inside`, `part` (forecast, naive, press), `low`,
        `middle` (of the forecast), `high`; rivals without a range have no row.
    """
    rows = table.filter(pl.col("observed") > 0).head(most)
    heads = [pl.col(name) for name in ("outcome", "independent", "observed", "unit", "inside")]
    seen = pl.col("observed")
    forecast = rows.select(
        *heads,
        pl.lit("forecast").alias("part"),
        low=pl.col("p10") / seen,
        middle=pl.col("p50") / seen,
        high=pl.col("p90") / seen,
    )
    rivals = [
        rows.select(
            *heads,
            pl.lit(rival).alias("part"),
            low=pl.coalesce(f"{rival}_low", f"{rival}_high") / seen,
            middle=pl.lit(None, pl.Float64),
            high=pl.col(f"{rival}_high") / seen,
        )
        for rival in RIVALS
    ]
    return pl.concat([forecast, *rivals]).filter(pl.col("high").is_not_null())


def offers(table: pl.DataFrame, most: int = MOST_ROWS) -> pl.DataFrame:
    """Policies with an expected cost, the cheapest first.

    Args:
        table: the columns of `POLICIES`.
        most: policies to show.

    Returns:
        `policy`, `most`, `expected`, `p10`, `p50`, `p90`, `cheapest`.
    """
    wanted = ["policy", "most", "expected", "p10", "p50", "p90", "cheapest"]
    return table.filter(pl.col("expected") > 0).sort("expected", "policy").head(most).select(wanted)
