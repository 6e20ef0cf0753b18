"""Choose the tables that a report shows, and the columns of each table."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from outage_analysis.analysis import Analysis
from outage_analysis.costs import HAS_AMOUNT
from outage_analysis.incidents import facts_in_language
from outage_analysis.policies import PolicyExplainer
from outage_analysis.reports.accounting import accounting_table
from outage_analysis.reports.grids import Grid, TableFormatter
from outage_analysis.reports.model_views import (
    ASSUMPTION_COLUMNS,
    RATIONALE_COLUMNS,
    View,
    assumption_table,
    backtest_table,
    comparison_views,
    uncertainty_views,
)
from outage_analysis.text import LikelyRange, Locale

COST_COLUMNS = [
    "line",
    "band",
    "rule",
    "count",
    "promised",
    "low",
    "expected",
    "high",
    "most",
    "status",
    "facts",
    "assumptions",
]
SOURCE_TABLES = {"cost": "costs", "controller": "costs", "exceedance": "quantiles"}
"""Report tables whose name differs from the analysis table that they are made from."""
FACT_COLUMNS = [
    "id",
    "quantity",
    "value",
    "value_low",
    "value_high",
    "unit",
    "counts",
    "public_on",
    "grade",
    "source",
]
SEPARATE_VALUATIONS = ("top_down", "handling")
"""Valuations shown in a table of their own: lines known only as a total, and handling effort."""
HEADLINE_COLUMNS = ["headline", "stated_amount", "counts", "public_on", "facts"]
HEADLINE_DIGITS = 6
"""The most significant digits of a published amount, such as 557.7 billion or 253.83 million."""
TIE_OUT_COLUMNS = ["tie_out", "computed", "relation", "printed", "unit", "status", "note", "facts"]


def format_tables(analysis: Analysis, formatter: TableFormatter) -> dict[str, Grid]:
    """Return every report table that has rows, formatted as text, by name."""
    return {name: formatter.grid(*view) for name, view in build_views(analysis, formatter).items()}


def build_views(analysis: Analysis, formatter: TableFormatter) -> dict[str, View]:
    """Return every report table that has rows as a data frame with the columns to show, by name.

    Output formats that need numbers rather than text, such as Excel, use these data frames.
    """
    views = {
        **_cost_views(analysis),
        **_document_views(analysis, formatter),
        **_claims_views(analysis),
        **comparison_views(analysis),
        **_hindsight_views(analysis, formatter),
    }
    return {name: view for name, view in views.items() if not view[0].is_empty()}


def _cost_views(analysis: Analysis) -> dict[str, View]:
    tables = analysis.tables
    figures = tables["costs"].filter(HAS_AMOUNT)  # lines without an amount are in the policy table
    is_separate = pl.col("valuation").is_in(SEPARATE_VALUATIONS)
    free = figures.filter(~is_separate, pl.col("valuation") != "cash")
    numbers = {"low": "value_low", "expected": "value", "high": "value_high"}
    funnel = (
        tables[analysis.headline_table_name("funnel")].with_columns(pl.col(*numbers).round(0)).rename(numbers)
    )
    line_column = ["line"] if funnel["line"].n_unique() > 1 else []
    return {
        "cost": _cash_view(analysis),
        "beside": (
            figures.filter(is_separate),
            ["line", "valuation", *COST_COLUMNS[4:9], "facts", "assumptions"],
        ),
        "free": (free, ["line", "valuation", *(c for c in COST_COLUMNS[3:] if c != "status")]),
        "funnel": (funnel, [*line_column, "stage", "value_low", "value", "value_high"]),
        **uncertainty_views(tables, analysis.incident.minor_units),
        "services": (
            tables["services"],
            ["service", "group", "published_count", "hours_low", "hours_high", "facts"],
        ),
    }


def _cash_view(analysis: Analysis) -> View:
    """Return the headline cost in cash by cost line and loss band.

    The table has the columns `basis` and `segment` if they differ between rows.
    """
    cash = analysis.headline_costs.filter(HAS_AMOUNT)
    keys = [c for c in ("basis", "segment") if cash[c].n_unique() > 1]
    return cash, [COST_COLUMNS[0], *keys, *COST_COLUMNS[1:]]


def _document_views(analysis: Analysis, formatter: TableFormatter) -> dict[str, View]:
    tables, locale = analysis.tables, formatter.locale
    assumptions = assumption_table(analysis, locale)
    return {
        "headlines": (_headlines_table(tables["headlines"], formatter), HEADLINE_COLUMNS),
        "tie_outs": (_tie_outs_table(analysis, tables["tie_outs"], locale.lang), TIE_OUT_COLUMNS),
        "policy": (
            _policy_table(analysis, locale, formatter.names),
            ["line", "kind", "payment", "effort", "eligibility", "public_on", "status", "facts"],
        ),
        "controller": (
            accounting_table(analysis, locale),
            ["line", "obligation", "presentation", "best_estimate", "closes_on", "note"],
        ),
        "assumptions": (assumptions, ASSUMPTION_COLUMNS),
        "assumptions_behind": (assumptions, RATIONALE_COLUMNS),
        "facts": (_facts_table(tables["facts"], locale.lang), FACT_COLUMNS),
    }


def _claims_views(analysis: Analysis) -> dict[str, View]:
    summary = analysis.tables.get("claims_summary", pl.DataFrame({"negative": [0]}))
    negative = ["negative"] if summary["negative"].fill_null(1).sum() else []
    columns = {
        "claims_costs": [
            *("line", "service", "claimant_type", "band", "rule", "count", "promised"),
            *("low", "expected", "high", "most"),
        ],
        "claims_bands": ["service", "band", "claims", "share"],
        "claims_intake": ["filed_on", "claims", "cumulative"],
        "claims_quality": [
            *("file", "encoding", "dialect", "rows", "claims", "rejects", "first_day", "last_day"),
        ],
        "claims_rules": ["source_file", "rule_text", "outcome", "complaints", "source_row", "example"],
        "claims_claimants": ["identified_by", "grain", "claims", "claimants", "filed_again"],
        "claims_heaping": ["step", "claims", "share", "even"],
        "claims_bunching": [
            *("edge", "losses", "below", "at_edge", "above", "alike", "excess", "under_share", "up_to_share"),
        ],
        "claims_summary": [
            *("service", "claims", *negative, "zero", "unknown"),
            *("mean", "median", "median_low", "median_high"),
        ],
        "claims_points": ["loss_edge", "share_below", "share_above"],
        "claims_fits": ["family", "weight", "parameters", "chi_square", "df", "p"],
        "claims_fitted": [
            *("quantity_asked", "family", "fit_value", "fit_low", "fit_high", "average", "least", "greatest"),
        ],
    }
    tables = {name: analysis.tables[name] for name in columns if name in analysis.tables}
    if "claims_curves" in analysis.tables:  # observed shares only, no fitted curves
        counted = analysis.tables["claims_curves"].filter(family="counted")
        tables["claims_points"] = counted.rename({"loss": "loss_edge"})
    if "claims_costs" in tables:
        tables["claims_costs"] = tables["claims_costs"].filter(pl.col("rule") != "not_entitled")
        if tables["claims_costs"]["segment"].null_count() < len(tables["claims_costs"]):
            columns["claims_costs"].insert(3, "segment")
    if "claims_fitted" in tables:
        new_names = {"quantity": "quantity_asked", "value": "fit_value", "low": "fit_low", "high": "fit_high"}
        tables["claims_fitted"] = tables["claims_fitted"].rename(new_names)
    if "claims_rules" in tables:
        tables["claims_rules"] = tables["claims_rules"].rename({"rule": "rule_text"})
    return {name: (frame, columns[name]) for name, frame in tables.items()}


def _hindsight_views(analysis: Analysis, formatter: TableFormatter) -> dict[str, View]:
    tables = analysis.tables
    if "hindsight_outcomes" not in tables:
        return {}
    texts = (f"{x}_counted" for x in (*LikelyRange().columns, "observed"))
    backtest_columns = ["outcome_name", "denominator", *texts, "percentile", "verdict", "crps"]
    return {
        **(
            {"backtest": (backtest_table(tables["hindsight_backtest"], formatter), backtest_columns)}
            if "hindsight_backtest" in tables
            else {}
        ),
        "hindsight_outcomes": (
            _facts_table(tables["hindsight_outcomes"], formatter.locale.lang),
            [c for c in FACT_COLUMNS if c not in ("value_low", "value_high")],
        ),
        "hindsight_headlines": (_headlines_table(tables["hindsight_headlines"], formatter), HEADLINE_COLUMNS),
        "hindsight_tie_outs": (
            _tie_outs_table(analysis, tables["hindsight_tie_outs"], formatter.locale.lang),
            TIE_OUT_COLUMNS,
        ),
    }


def _facts_table(frame: pl.DataFrame, lang: str) -> pl.DataFrame:
    return facts_in_language(frame, lang).rename({"low": "value_low", "high": "value_high"})


def _headlines_table(frame: pl.DataFrame, formatter: TableFormatter) -> pl.DataFrame:
    """Return the amounts in press headlines; the first row is the model's figure for the same cash cost."""
    locale = formatter.locale
    ours = pl.col("expected").is_not_null()
    table = facts_in_language(frame.filter(ours | (pl.col("fact") != "")), locale.lang).rename(
        {"fact": "facts"}
    )
    rows = []
    for row in table.iter_rows(named=True):
        if row["facts"]:
            name = formatter.names.get(row["facts"], row["facts"])
            rows.append((name, headline_amount(row["low"], row["high"], locale), row["counts"]))
            continue
        range_text = locale.money_range(row["low"] or 0.0, row["high"]) if row["high"] is not None else "–"
        amount = locale("report.headline_said", expected=locale.money(row["expected"]), likely=range_text)
        line = formatter.names.get(row["line"], row["line"])
        rows.append((locale("chart.headlines_ours"), amount, locale("report.headline_counts", line=line)))
    texts = pl.DataFrame(
        rows, schema=dict.fromkeys(("headline", "stated_amount", "counts"), pl.String), orient="row"
    )
    return table.drop("counts").hstack(texts)


def headline_amount(low: float | None, high: float | None, locale: Locale) -> str:
    """Return a published amount as text: a single amount, a range, or a lower or upper bound.

    Args:
        low: the lower end in whole currency; None if only an upper bound was published.
        high: the upper end in whole currency; None if only a lower bound was published.
        locale: the language and the currency.
    """
    ends = [None if end is None else end * 10**locale.minor_units for end in (low, high)]
    if ends[0] is not None and ends[1] is not None:
        return locale.money_range(ends[0], ends[1], HEADLINE_DIGITS)
    key = "report.at_most" if ends[0] is None else "report.at_least"
    end = ends[1] if ends[0] is None else ends[0]
    return "" if end is None else locale(key, amount=locale.money(end, HEADLINE_DIGITS))


def _tie_outs_table(analysis: Analysis, frame: pl.DataFrame, lang: str) -> pl.DataFrame:
    notes = {tie.id: tie.note[lang] if tie.note else "" for tie in analysis.tie_outs}
    return frame.with_columns(note=pl.Series([notes[i] for i in frame["id"]], dtype=pl.String)).rename(
        {"id": "tie_out"}
    )


def _line_statuses(analysis: Analysis) -> dict[str, str]:
    """Return the status of each cost line: that it has a cost, or the reason why it has none.

    If the headline cost is computed from claims, the status from claims replaces the status from published
    counts.
    """
    tables = [
        analysis.tables[name] for name in dict.fromkeys(("costs", analysis.headline_table_name("costs")))
    ]
    return {
        line: status
        for table in tables
        for line, status in table.filter(level="line").select("line", "status").rows()[::-1]
    }


def _policy_table(analysis: Analysis, locale: Locale, names: Mapping[str, str]) -> pl.DataFrame:
    rows = []
    teller = PolicyExplainer(analysis.policy, locale, analysis.as_of)
    statuses = _line_statuses(analysis)
    for line in analysis.policy.lines:
        if line.id in analysis.dropped_lines:
            continue
        who = "; ".join(names.get(v, v) for values in line.eligibility.values() for v in values)
        rows.append(
            (
                line.id,
                line.kind,
                teller.payment_summary(line),
                line.effort_on(analysis.as_of),
                who,
                line.public_on,
                statuses.get(line.id),
                " ".join(line.facts),
            )
        )
    schema = {
        "line": pl.String,
        "kind": pl.String,
        "payment": pl.String,
        "effort": pl.String,
        "eligibility": pl.String,
        "public_on": pl.Date,
        "status": pl.String,
        "facts": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
