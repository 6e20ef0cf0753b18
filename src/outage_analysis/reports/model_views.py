"""What a page shows of the model: how unsure, the options compared, the back-test, the assumptions."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from outage_analysis.analysis import Analysis
from outage_analysis.assumptions import SUMS, distribution, grade, inputs
from outage_analysis.reports.grids import Writer
from outage_analysis.text import Locale

View = tuple[pl.DataFrame, list[str]]
ASSUMED = ["assumption", "kind", "expected_text", "range_text", "distribution", "grade", "public_on"]
BEHIND = ["assumption", "rationale", "stated_source", "facts", "owner", "approved_by"]
"""What an assumption says; and why, from where, and who answers for it."""
PEOPLE = ("recipients", "per_recipient")


def doubt_views(t: Mapping[str, pl.DataFrame], digits: int) -> dict[str, View]:
    """How unsure the totals are, and what moves them; with the decimal places of the currency."""
    moved = ["valuation", "assumption", "input_low", "input_high", "cost_low", "cost_expected", "cost_high"]
    views: dict[str, View] = {"tornado": (_whole(t["tornado"], digits, "input_low", "input_high"), moved)}
    if "quantiles" in t:
        amounts = t["quantiles"].rename({"value": "amount"})
        sources = t["split"].rename({"source": "doubt"})
        views["quantiles"] = (amounts, ["valuation", "measure", "amount", "error", "stressed"])
        views["split"] = (sources, ["valuation", "doubt", "sd", "share"])
        views["exceedance"] = (_exceedance(amounts), ["chance", "amount", "error"])
    if "steps" in t:
        views["steps"] = _steps(t["steps"])
    return views


def _exceedance(amounts: pl.DataFrame) -> pl.DataFrame:
    """The quantiles of the cash as chances of more, the likeliest first."""
    points = amounts.filter(pl.col("measure").str.contains(r"^p\d+$"), valuation="cash")
    below = pl.col("measure").str.strip_prefix("p").cast(pl.Float64) / 100
    return points.with_columns(chance=(1 - below).round(6)).sort("chance", descending=True)


def _steps(frame: pl.DataFrame) -> View:
    """What adds up to the expected cash: by line, by service or by band, whichever the steps are."""
    told = [c for c in ("line", "service") if frame[c].null_count() < len(frame)]
    banded = frame["rule"].null_count() < len(frame)
    level = pl.when(pl.col("rule").is_null()).then(pl.lit("line")).alias("level")
    return frame.with_columns(level), [
        *told,
        *(("band", "rule") if banded else ()),
        "expected",
        "tail",
        "facts",
    ]


def compared_views(analysis: Analysis) -> dict[str, View]:
    """The policies side by side, and where the cheaper of two changes."""
    if analysis.compared is None:
        return {}
    t = analysis.tables
    offers = ["policy_name", *("promised", "expected", "p10", "p50", "p90", "most"), *PEOPLE, "cheapest"]
    pairs = ["policy_name", "other", "difference", "p10", "p50", "p90", "cheaper"]
    flips = ["policy_name", "other", "assumption", "flips_at", "beyond"]
    named = {"policy": "policy_name"}
    return {
        "comparison": (t["comparison"].rename(named), offers),
        "pairs": (t["pairs"].rename(named), pairs),
        "flips": (_whole(t["flips"], analysis.incident.minor_units, "flips_at").rename(named), flips),
    }


def _whole(frame: pl.DataFrame, digits: int, *columns: str) -> pl.DataFrame:
    """Values of inputs as a reader takes them: those that are sums in whole currency."""
    sums = pl.when(pl.col("kind").is_in(SUMS)).then(10.0**digits).otherwise(1.0)
    return frame.with_columns(pl.col(*columns) / sums)


def backtest_table(frame: pl.DataFrame, writer: Writer) -> pl.DataFrame:
    """Counts and sums stand in one column, so they are written here."""
    locale = writer.words
    names = [writer.names.get(x, x) for x in frame["outcome"]]
    cash = frame["stage"].is_in(["paid", "total"])
    told = {
        f"{column}_counted": pl.Series(
            [
                locale.exact_money(round(x)) if money else locale.exact(x)
                for x, money in zip(frame[column], cash, strict=True)
            ],
            dtype=pl.String,
        )
        for column in ("p10", "p50", "p90", "observed")
    }
    return frame.with_columns(outcome_name=pl.Series(names, dtype=pl.String), **told)


def assumption_table(analysis: Analysis, locale: Locale) -> pl.DataFrame:
    """The inputs of the figures: value, bounds, distribution; reason, source, owner."""
    rows = []
    for a in analysis.used_ledger.assumptions if analysis.used_ledger else ():
        expected, bounds = inputs(a, locale)
        facts = dict.fromkeys((*a.facts, *a.computed_from))
        rows.append(
            (
                a.id,
                a.kind,
                expected,
                bounds,
                distribution(a, locale),
                grade(a, locale),
                a.public_on,
                a.rationale[locale.lang],
                a.source[locale.lang],
                " ".join(facts),
                a.owner,
                a.approved_by or "–",
            )
        )
    schema = {c: pl.Date if c == "public_on" else pl.String for c in dict.fromkeys((*ASSUMED, *BEHIND))}
    return pl.DataFrame(rows, schema=schema, orient="row")
