"""Prepare the tables about the model: uncertainty, compared policies, back-test and assumptions."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from outage_analysis.analysis import RESERVE, Analysis
from outage_analysis.assumptions import distribution_text, grade_label, value_and_range
from outage_analysis.costs import (
    COST_RANGES,
    FLIPS,
    INFORMATION_VALUE,
    PAIRS,
    POLICIES,
    QUANTILES,
    SCENARIOS,
    TORNADO,
    VARIANCE_SPLIT,
    WATERFALL_STEPS,
    load_scenarios,
)
from outage_analysis.text import (
    ASSUMPTION,
    BAND,
    FACTS,
    KIND,
    PERCENTILE_MEASURES,
    PUBLIC_ON,
    Column,
    Locale,
    TableSchema,
    percentile_probability,
)

View = tuple[pl.DataFrame, tuple[Column, ...]]
"""A data frame, and the columns that a report shows of it."""
ASSUMPTION_VIEW = TableSchema(
    "One row per assumption that the cost uses.",
    (
        ASSUMPTION,
        KIND,
        Column("expected_text", "text", "Expected value with its unit."),
        Column("range_text", "text", "Bounds of the value."),
        Column("distribution", "text", "The distribution in words."),
        Column("grade", "text", "Evidence grade."),
        PUBLIC_ON,
        Column("rationale", "text", "Why this value."),
        Column("stated_source", "text", "Where the value comes from."),
        FACTS,
        Column("owner", "data", "Person or group responsible for it."),
        Column("approved_by", "data", "Who approved it."),
    ),
)
VALUES = ASSUMPTION_VIEW.columns[:7]
RATIONALE = ASSUMPTION_VIEW.pick("assumption", "rationale", "stated_source", "facts", "owner", "approved_by")
"""`VALUES` are the columns with the values; `RATIONALE` has the reason, source and owner."""
CHANCE = Column("chance", "share", "Probability that the cash cost exceeds the amount.")


def uncertainty_views(tables: Mapping[str, pl.DataFrame]) -> dict[str, View]:
    """Return the tables on the uncertainty of the cost and on its drivers, with the columns to show.

    Args:
        tables: the tables of the analysis, by name.
    """
    views: dict[str, View] = {"tornado": (tables["tornado"], TORNADO.without("kind").columns)}
    if "information_value" in tables and not tables["tornado"].is_empty():
        views["information_value"] = _information_view(tables["information_value"])
    if "quantiles" in tables:
        quantiles = tables["quantiles"]
        views["quantiles"] = (quantiles, QUANTILES.columns)
        views["split"] = (tables["split"], VARIANCE_SPLIT.columns)
        views["exceedance"] = (_exceedance_table(quantiles), (CHANCE, *QUANTILES.pick("value", "error")))
    if "cost_ranges" in tables:
        sums = tables["cost_ranges"].filter(line="")
        views["separate_sums"] = (sums, COST_RANGES.without("line", "facts").columns)
    if "steps" in tables:
        views["steps"] = _steps_view(tables["steps"])
    return views


def _exceedance_table(quantiles: pl.DataFrame) -> pl.DataFrame:
    points = quantiles.filter(pl.col("measure").is_in(PERCENTILE_MEASURES), valuation="cash")
    below = [percentile_probability(measure) for measure in points["measure"]]
    chance = 1 - pl.Series("chance", below, dtype=pl.Float64)
    return points.with_columns(chance.round(6)).sort("chance", descending=True)


def _steps_view(frame: pl.DataFrame) -> View:
    keys = [c for c in ("line", "service") if frame[c].null_count() < len(frame)]
    banded = frame["rule"].null_count() < len(frame)
    level = pl.when(pl.col("rule").is_null()).then(pl.lit("line")).alias("level")
    bands = (BAND, WATERFALL_STEPS["rule"]) if banded else ()
    amounts = WATERFALL_STEPS.pick("expected", "tail", "facts")
    return frame.with_columns(level), (*WATERFALL_STEPS.pick(*keys), *bands, *amounts)


WHAT_PEOPLE_GET = (
    "cost_rank", "replaced_low", "replaced_high", "made_whole_low", "made_whole_high",
    "largest_shortfall", "benefit_rank", "dominated_by", "not_measured",
)  # fmt: skip
"""Columns that the table of costs on the page leaves out, because it would be too wide with them."""


ABOUT_FILING = ("nothing_claimed", "nothing_filed")
"""Statuses of scenarios that change how people file although payments are automatic."""


def decision_views(analysis: Analysis, locale: Locale) -> dict[str, View]:
    """Return the tables of the scenarios and of the reserve, with the columns to show."""
    tables, views = analysis.tables, {}
    if "scenarios" in tables:
        stresses = load_scenarios()
        frame = tables["scenarios"].filter(~pl.col("status").is_in(ABOUT_FILING))
        names = {scenario.id: scenario.name[locale.lang] for scenario in stresses.scenarios}
        names |= {frame["scenario"][0]: locale("report.scenario_base")}
        hidden = ["reason", *([] if analysis.plan.budget is not None else ["over_budget"])]
        if analysis.likely_range.high == "p75":
            hidden.append("p75")
        columns = SCENARIOS.without(*hidden).columns
        views["scenarios"] = (frame.with_columns(pl.col("scenario").replace(names)), columns)
    if "reserve" in tables:
        views["reserve"] = (tables["reserve"], RESERVE.columns)
    return views


def comparison_views(analysis: Analysis) -> dict[str, View]:
    """Return the tables that compare policies: cost per policy, pairs of policies, and break-even inputs.

    A break-even input is the value of an input at which the other policy of a pair becomes cheaper.
    """
    if analysis.compared is None:
        return {}
    tables = analysis.tables
    return {
        "comparison": (tables["comparison"], POLICIES.without(*WHAT_PEOPLE_GET).columns),
        "pairs": (tables["pairs"], PAIRS.without("dearer").columns),
        "flips": (tables["flips"], FLIPS.without("kind", "expected").columns),
        "policy_information_value": _information_view(tables["policy_information_value"]),
    }


def _information_view(frame: pl.DataFrame) -> View:
    """Return the table of what it is worth to know each input before a decision."""
    return frame, INFORMATION_VALUE.without("kind").columns


def assumption_table(analysis: Analysis, locale: Locale) -> pl.DataFrame:
    """Return one row per assumption that the cost uses, with the columns of `ASSUMPTION_VIEW`."""
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
    return pl.DataFrame(rows, schema=ASSUMPTION_VIEW.dtypes, orient="row")
