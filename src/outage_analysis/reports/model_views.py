"""Prepare the tables about the model: uncertainty, compared policies, back-test and assumptions."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from outage_analysis.analysis import Analysis
from outage_analysis.assumptions import AMOUNT_KINDS, distribution_text, grade_label, value_and_range
from outage_analysis.reports.grids import TableFormatter
from outage_analysis.text import PERCENTILE_MEASURES, LikelyRange, Locale, percentile_probability

View = tuple[pl.DataFrame, list[str]]
ASSUMPTION_COLUMNS = [
    "assumption",
    "kind",
    "expected_text",
    "range_text",
    "distribution",
    "grade",
    "public_on",
]
RATIONALE_COLUMNS = ["assumption", "rationale", "stated_source", "facts", "owner", "approved_by"]
"""`ASSUMPTION_COLUMNS` contain the values; `RATIONALE_COLUMNS` contain the reason, source and owner."""
RANGE_COLUMNS = tuple(LikelyRange().columns)
RECIPIENT_COLUMNS = ("recipients", "per_recipient")


def uncertainty_views(tables: Mapping[str, pl.DataFrame], digits: int) -> dict[str, View]:
    """Return the tables on the uncertainty of the cost and on its drivers, with the columns to show.

    Args:
        tables: the tables of the analysis, by name.
        digits: the number of decimal places of the currency.
    """
    tornado = ["valuation", "assumption", "input_low", "input_high", "cost_low", "cost_expected", "cost_high"]
    views: dict[str, View] = {
        "tornado": (_in_whole_currency(tables["tornado"], digits, "input_low", "input_high"), tornado)
    }
    if "quantiles" in tables:
        amounts = tables["quantiles"].rename({"value": "amount"})
        sources = tables["split"].rename({"source": "doubt"})
        views["quantiles"] = (amounts, ["valuation", "measure", "amount", "error", "stressed"])
        views["split"] = (sources, ["valuation", "doubt", "sd", "share"])
        views["exceedance"] = (_exceedance_table(amounts), ["chance", "amount", "error"])
    if "steps" in tables:
        views["steps"] = _steps_view(tables["steps"])
    return views


def _exceedance_table(amounts: pl.DataFrame) -> pl.DataFrame:
    """Return the probability that the cash cost exceeds each percentile, highest probability first."""
    points = amounts.filter(pl.col("measure").is_in(PERCENTILE_MEASURES), valuation="cash")
    below = [percentile_probability(measure) for measure in points["measure"]]
    chance = 1 - pl.Series("chance", below, dtype=pl.Float64)
    return points.with_columns(chance.round(6)).sort("chance", descending=True)


def _steps_view(frame: pl.DataFrame) -> View:
    """Return the parts that add up to the expected cash cost, by cost line, service or loss band."""
    keys = [c for c in ("line", "service") if frame[c].null_count() < len(frame)]
    banded = frame["rule"].null_count() < len(frame)
    level = pl.when(pl.col("rule").is_null()).then(pl.lit("line")).alias("level")
    return frame.with_columns(level), [
        *keys,
        *(("band", "rule") if banded else ()),
        "expected",
        "tail",
        "facts",
    ]


def comparison_views(analysis: Analysis) -> dict[str, View]:
    """Return the tables that compare policies: cost per policy, pairs of policies, and break-even inputs.

    A break-even input is the value of an input at which the other policy of a pair becomes cheaper.
    """
    if analysis.compared is None:
        return {}
    tables = analysis.tables
    comparison = [
        "policy_name",
        *("promised", "expected", *RANGE_COLUMNS, "most"),
        *RECIPIENT_COLUMNS,
        "cheapest",
    ]
    pairs = ["policy_name", "other", "difference", *RANGE_COLUMNS, "cheaper"]
    flips = ["policy_name", "other", "assumption", "flips_at", "beyond"]
    new_names = {"policy": "policy_name"}
    return {
        "comparison": (tables["comparison"].rename(new_names), comparison),
        "pairs": (tables["pairs"].rename(new_names), pairs),
        "flips": (
            _in_whole_currency(tables["flips"], analysis.incident.minor_units, "flips_at").rename(new_names),
            flips,
        ),
    }


def _in_whole_currency(frame: pl.DataFrame, digits: int, *columns: str) -> pl.DataFrame:
    """Convert input values that are amounts to whole currency; other input values stay unchanged."""
    divisor = pl.when(pl.col("kind").is_in(AMOUNT_KINDS)).then(10.0**digits).otherwise(1.0)
    return frame.with_columns(pl.col(*columns) / divisor)


def backtest_table(frame: pl.DataFrame, formatter: TableFormatter) -> pl.DataFrame:
    """Return the back-test table with its values as text, because its columns mix counts and amounts."""
    locale = formatter.locale
    names = [formatter.names.get(x, x) for x in frame["outcome"]]
    is_amount = frame["stage"].is_in(["paid", "total"])
    texts = {
        f"{column}_counted": pl.Series(
            [
                locale.exact_money(round(x)) if money else locale.exact(x)
                for x, money in zip(frame[column], is_amount, strict=True)
            ],
            dtype=pl.String,
        )
        for column in (*RANGE_COLUMNS, "observed")
    }
    return frame.with_columns(outcome_name=pl.Series(names, dtype=pl.String), **texts)


def assumption_table(analysis: Analysis, locale: Locale) -> pl.DataFrame:
    """Return one row per assumption that the cost uses, with `ASSUMPTION_COLUMNS` and `RATIONALE_COLUMNS`."""
    rows = []
    for assumption in analysis.used_ledger.assumptions if analysis.used_ledger else ():
        expected, bounds = value_and_range(assumption, locale)
        facts = dict.fromkeys((*assumption.facts, *assumption.computed_from))
        rows.append(
            (
                assumption.id,
                assumption.kind,
                expected,
                bounds,
                distribution_text(assumption, locale),
                grade_label(assumption, locale),
                assumption.public_on,
                assumption.rationale[locale.lang],
                assumption.source[locale.lang],
                " ".join(facts),
                assumption.owner,
                assumption.approved_by or "–",
            )
        )
    schema = {
        c: pl.Date if c == "public_on" else pl.String
        for c in dict.fromkeys((*ASSUMPTION_COLUMNS, *RATIONALE_COLUMNS))
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
