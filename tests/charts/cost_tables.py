"""Tables of an uncertain cost as a run makes them, written out by hand, and what a chart has of them.

The total is lognormal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from statistics import NormalDist
from typing import Any

import polars as pl

from outage_analysis.charts import ChartContext
from outage_analysis.text import Locale, schema_of

MEDIAN, SIGMA = 100e6, 1.0
DAY = date(2022, 12, 30)


def frame(lang: str = "en", names: dict[str, str] | None = None, *, synthetic: bool = False) -> ChartContext:
    return ChartContext(Locale(lang), names or {}, DAY, synthetic=synthetic)


def lognormal_distribution(
    budget: float | None = None,
    *,
    median: float = MEDIAN,
    sigma: float = SIGMA,
    published: Sequence[tuple[str, str, float | None, float]] = (),
) -> pl.DataFrame:
    """The columns of `total_distribution`: lognormal cash, and face value that no chart of cash may show."""
    normal = NormalDist(math.log(median), sigma)

    def row(
        valuation: str, mark: str | None, amount: float, fact: str = "", low: float | None = None
    ) -> tuple[object, ...]:
        return valuation, mark, fact, low, amount, normal.cdf(math.log(amount))

    marks = {"expected": math.exp(normal.mean + sigma**2 / 2)}
    marks |= {f"p{round(100 * p)}": math.exp(normal.inv_cdf(p)) for p in (0.1, 0.5, 0.9)}
    if budget is not None:
        marks["budget"] = budget
    dots = [math.exp(normal.inv_cdf((n + 0.5) / 50)) for n in range(50)]
    rows = [row(v, None, x) for v in ("face_value", "cash") for x in dots]
    rows += [row("cash", mark, x) for mark, x in marks.items()]
    rows += [row("cash", mark, high, fact, low) for mark, fact, low, high in published]
    return schema_of("total_distribution").frame(rows)


def atoms(*shares: tuple[float, float]) -> pl.DataFrame:
    """The columns of `total_distribution` for cash of a few amounts: pairs of amount and probability."""

    def quantile(p: float) -> float:
        reached = 0.0
        for amount, share in shares:
            reached += share
            if reached >= p - 1e-12:
                return amount
        return shares[-1][0]

    def below(x: float) -> float:
        return math.fsum(share for amount, share in shares if amount <= x)

    marks = {"expected": math.fsum(amount * share for amount, share in shares)}
    marks |= {f"p{round(100 * p)}": quantile(p) for p in (0.1, 0.5, 0.9)}
    if 0 < below(0) < 1:
        marks["zero"] = 0.0
    dots = [] if len(shares) == 1 else [quantile((n + 0.5) / 50) for n in range(50)]
    rows: list[tuple[object, ...]] = [("cash", None, "", None, x, (n + 0.5) / 50) for n, x in enumerate(dots)]
    rows += [("cash", mark, "", None, x, below(x)) for mark, x in marks.items()]
    return schema_of("total_distribution").frame(rows)


def steps_of(*expected: float) -> pl.DataFrame:
    """The columns of `steps`: as many bands as amounts, the last one reviewed."""
    last = len(expected) - 1
    rows = [
        (None, None, 100 * n, 100 * (n + 1), "review" if n == last else "pays", x, f"F-{n}")
        for n, x in enumerate(expected)
    ]
    return schema_of("steps").frame(rows)


# The cost falls as the backlog grows.
SWINGS = pl.DataFrame(
    [
        ("cash", "filing", "filing_share", 0.02, 0.64, 13e6, 190e6, 508e6),
        ("cash", "award", "review_award", 100e3, 1.1e6, 82e6, 190e6, 473e6),
        ("cash", "mix", "band_mix", None, None, 76e6, 190e6, 342e6),
        ("cash", "backlog", "ultimate", 1.2, 2.5, 240e6, 190e6, 111e6),
        ("face_value", "taken", "take_up", 0.1, 0.9, 1e9, 5e9, 9e9),
    ],
    schema=schema_of("tornado").dtypes,
    orient="row",
)

TRIED = pl.DataFrame(
    [
        ("filed", True, "cases", 200.0, 900.0, 4000.0, 400.0, True, 8000.0, 8000.0, None, None),
        ("applied", True, "people", 30e3, 100e3, 500e3, 1000.0, False, 1e6, 1e6, None, None),
        ("paid", False, "KRW", 5e6, 60e6, 500e6, 50e6, True, 250e6, 500e6, None, 400e6),
        ("nothing", True, "cases", 1.0, 2.0, 3.0, 0.0, False, 5.0, 5.0, None, None),
    ],
    schema=[
        *("outcome", "independent", "unit", "range_low", "p50", "range_high", "observed", "inside"),
        *("naive_low", "naive_high", "press_low", "press_high"),
    ],
    schema_overrides={"press_low": pl.Float64, "press_high": pl.Float64},
    orient="row",
)
"""What the chart of a back-test takes of its ranges."""

POLICIES = pl.DataFrame(
    [
        ("voucher", 60e9, 15e9, 1e9, 9e9, 40e9, 0.1, ""),
        ("fees", 1.7e9, 1.7e9, 1.7e9, 1.7e9, 1.7e9, 0.2, ""),
        ("proof", 18e9, 1.8e9, 40e6, 0.6e9, 4.6e9, 0.7, ""),
        ("silent", 5e9, None, None, None, None, None, "silent-line"),
    ],
    schema=["policy", "most", "expected", "range_low", "p50", "range_high", "cheapest", "left_out"],
    orient="row",
)
"""What the chart of a comparison takes of its policies."""

RANGES = pl.DataFrame(
    [
        ("cash", "", None, 1e6, 50e6, 190e6, 440e6, "CO-07"),
        ("cash", "tiers", None, 1e6, 50e6, 190e6, 440e6, "CO-07"),
        ("handling", "", None, 110e6, 270e6, 310e6, 580e6, ""),
        ("face_value", "", 600e9, 9e9, 66e9, 150e9, 400e9, "US-03"),
        ("face_value", "emoticons", 360e9, 1e9, 25e9, 90e9, 220e9, "US-03"),
        ("face_value", "coupons", 240e9, 1e9, 20e9, 60e9, 170e9, "US-03"),
        ("top_down", "", 40e9, 13e9, 40e9, 60e9, 127e9, "CO-12"),
    ],
    schema=schema_of("cost_ranges").dtypes,
    orient="row",
)
"""Separate sums, with lines of cash and of free goods."""

FRONTIER = pl.DataFrame(
    [
        (None, "frontier", 2e8, 0.1, "tier1=10,000"),
        (None, "frontier", 3e8, 0.2, "tier1=20,000"),
        (None, "frontier", 5e8, 0.3, "tier1=30,000"),
        ("kakao-2022-solution", "solution", 3e8, 0.2, "tier1=20,000"),
        ("kakao-2022", "announced", 3.5e8, 0.18, "tier1=25,000"),
    ],
    schema=["policy", "role", "at_level", "benefit", "parameters"],
    orient="row",
).with_columns(
    pl.col("policy").cast(pl.String), objective=pl.lit("replaced"), mark=pl.lit("P90"), budget=pl.lit(4e8)
)
"""A frontier of three points, a solution within the budget and an announced policy that is dominated."""


def rows_with(spec: dict[str, Any], *columns: str) -> list[dict[str, Any]]:
    """The rows of the data set that has just these columns."""
    (rows,) = [rows for rows in spec["datasets"].values() if set(rows[0]) == set(columns)]
    assert isinstance(rows, list)
    return rows


def title_of(spec: dict[str, Any]) -> str:
    return " ".join(spec["title"]["text"])
