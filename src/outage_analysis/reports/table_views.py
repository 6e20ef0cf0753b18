"""Which tables a page shows, and which of their columns."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from outage_analysis.analysis import Analysis
from outage_analysis.costs import COUNTED
from outage_analysis.incidents import in_language
from outage_analysis.policies import Teller
from outage_analysis.reports.accounting import controller
from outage_analysis.reports.grids import Grid, Writer
from outage_analysis.reports.model_views import (
    ASSUMED,
    BEHIND,
    View,
    assumption_table,
    backtest_table,
    compared_views,
    doubt_views,
)
from outage_analysis.text import Locale

COST = [
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
RESTS_ON = {"cost": "costs", "controller": "costs", "exceedance": "quantiles"}
"""What tables of the page that no table of the analysis is named after are made from."""
FACT = [
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
BESIDE = ("top_down", "handling")
"""Valuations that stand beside the cash: lines without detail, and the work that claims make."""
HEADLINE = ["headline", "said", "counts", "public_on", "facts"]
PRINTED = 6
"""Digits of a sum that somebody printed: 557.7 billion, 253.83 million."""
TIE_OUT = ["tie_out", "computed", "relation", "printed", "unit", "status", "note", "facts"]


def grids(analysis: Analysis, writer: Writer) -> dict[str, Grid]:
    """Every table of the page that has rows, by name."""
    return {name: writer.grid(*view) for name, view in views(analysis, writer).items()}


def views(analysis: Analysis, writer: Writer) -> dict[str, View]:
    """The same tables as frames, each with the columns that are shown: for formats with real numbers."""
    found = {
        **_cost_views(analysis),
        **_page_views(analysis, writer),
        **_claims_views(analysis),
        **compared_views(analysis),
        **_hindsight_views(analysis, writer),
    }
    return {name: view for name, view in found.items() if not view[0].is_empty()}


def _cost_views(analysis: Analysis) -> dict[str, View]:
    t = analysis.tables
    figures = t["costs"].filter(COUNTED)  # the others stand in the policy, with their status
    beside = pl.col("valuation").is_in(BESIDE)
    free = figures.filter(~beside, pl.col("valuation") != "cash")
    numbers = {"low": "value_low", "expected": "value", "high": "value_high"}
    funnel = t[analysis.headline_table_name("funnel")].with_columns(pl.col(*numbers).round(0)).rename(numbers)
    several = ["line"] if funnel["line"].n_unique() > 1 else []
    return {
        "cost": _cash(analysis),
        "beside": (figures.filter(beside), ["line", "valuation", *COST[4:9], "facts", "assumptions"]),
        "free": (free, ["line", "valuation", *(c for c in COST[3:] if c != "status")]),
        "funnel": (funnel, [*several, "stage", "value_low", "value", "value_high"]),
        **doubt_views(t, analysis.incident.minor_units),
        "services": (
            t["services"],
            ["service", "group", "published_count", "hours_low", "hours_high", "facts"],
        ),
    }


def _cash(analysis: Analysis) -> View:
    """The cost lines and bands of the headline; segments and bases where there is more than one."""
    cash = analysis.headline_costs.filter(COUNTED)
    told = [c for c in ("basis", "segment") if cash[c].n_unique() > 1]
    return cash, [COST[0], *told, *COST[1:]]


def _page_views(analysis: Analysis, writer: Writer) -> dict[str, View]:
    t, locale = analysis.tables, writer.words
    assumed = assumption_table(analysis, locale)
    return {
        "headlines": (_headlines(t["headlines"], writer), HEADLINE),
        "tie_outs": (_tie_outs(analysis, t["tie_outs"], locale.lang), TIE_OUT),
        "policy": (
            _policy(analysis, locale, writer.names),
            ["line", "kind", "payment", "effort", "eligibility", "public_on", "status", "facts"],
        ),
        "controller": (
            controller(analysis, locale),
            ["line", "obligation", "presentation", "best_estimate", "closes_on", "note"],
        ),
        "assumptions": (assumed, ASSUMED),
        "assumptions_behind": (assumed, BEHIND),
        "facts": (_facts(t["facts"], locale.lang), FACT),
    }


def _claims_views(analysis: Analysis) -> dict[str, View]:
    summary = analysis.tables.get("claims_summary", pl.DataFrame({"negative": [0]}))
    negative = ["negative"] if summary["negative"].fill_null(1).sum() else []
    wanted = {
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
        "claims_claimants": ["told_by", "grain", "claims", "claimants", "filed_again"],
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
    tables = {name: analysis.tables[name] for name in wanted if name in analysis.tables}
    if "claims_curves" in analysis.tables:  # the points of the curves: what was counted
        counted = analysis.tables["claims_curves"].filter(family="counted")
        tables["claims_points"] = counted.rename({"loss": "loss_edge"})
    if "claims_costs" in tables:
        tables["claims_costs"] = tables["claims_costs"].filter(pl.col("rule") != "not_entitled")
        if tables["claims_costs"]["segment"].null_count() < len(tables["claims_costs"]):
            wanted["claims_costs"].insert(3, "segment")
    if "claims_fitted" in tables:
        asked = {"quantity": "quantity_asked", "value": "fit_value", "low": "fit_low", "high": "fit_high"}
        tables["claims_fitted"] = tables["claims_fitted"].rename(asked)
    if "claims_rules" in tables:
        tables["claims_rules"] = tables["claims_rules"].rename({"rule": "rule_text"})
    return {name: (frame, wanted[name]) for name, frame in tables.items()}


def _hindsight_views(analysis: Analysis, writer: Writer) -> dict[str, View]:
    t = analysis.tables
    if "hindsight_outcomes" not in t:
        return {}
    told = (f"{x}_counted" for x in ("p10", "p50", "p90", "observed"))
    tried = ["outcome_name", "given", *told, "percentile", "verdict", "crps"]
    return {
        **(
            {"backtest": (backtest_table(t["hindsight_backtest"], writer), tried)}
            if "hindsight_backtest" in t
            else {}
        ),
        "hindsight_outcomes": (
            _facts(t["hindsight_outcomes"], writer.words.lang),
            [c for c in FACT if c not in ("value_low", "value_high")],
        ),
        "hindsight_headlines": (_headlines(t["hindsight_headlines"], writer), HEADLINE),
        "hindsight_tie_outs": (_tie_outs(analysis, t["hindsight_tie_outs"], writer.words.lang), TIE_OUT),
    }


def _facts(frame: pl.DataFrame, lang: str) -> pl.DataFrame:
    return in_language(frame, lang).rename({"low": "value_low", "high": "value_high"})


def _headlines(frame: pl.DataFrame, writer: Writer) -> pl.DataFrame:
    """What others said, with our own figure of the same cash first."""
    locale = writer.words
    ours = pl.col("expected").is_not_null()
    table = in_language(frame.filter(ours | (pl.col("fact") != "")), locale.lang).rename({"fact": "facts"})
    rows = []
    for row in table.iter_rows(named=True):
        if row["facts"]:
            name = writer.names.get(row["facts"], row["facts"])
            rows.append((name, printed_sum(row["low"], row["high"], locale), row["counts"]))
            continue
        likely = locale.money_range(row["low"] or 0.0, row["high"]) if row["high"] is not None else "–"
        said = locale("report.headline_said", expected=locale.money(row["expected"]), likely=likely)
        line = writer.names.get(row["line"], row["line"])
        rows.append((locale("chart.headlines_ours"), said, locale("report.headline_counts", line=line)))
    told = pl.DataFrame(rows, schema=dict.fromkeys(("headline", "said", "counts"), pl.String), orient="row")
    return table.drop("counts").hstack(told)


def printed_sum(low: float | None, high: float | None, locale: Locale) -> str:
    """What a headline printed: whole currency, one sum, a range or a bound."""
    ends = [None if end is None else end * 10**locale.minor_units for end in (low, high)]
    if ends[0] is not None and ends[1] is not None:
        return locale.money_range(ends[0], ends[1], PRINTED)
    key = "report.at_most" if ends[0] is None else "report.at_least"
    end = ends[1] if ends[0] is None else ends[0]
    return "" if end is None else locale(key, amount=locale.money(end, PRINTED))


def _tie_outs(analysis: Analysis, frame: pl.DataFrame, lang: str) -> pl.DataFrame:
    notes = {tie.id: tie.note[lang] if tie.note else "" for tie in analysis.tie_outs}
    return frame.with_columns(note=pl.Series([notes[i] for i in frame["id"]], dtype=pl.String)).rename(
        {"id": "tie_out"}
    )


def _statuses(analysis: Analysis) -> dict[str, str]:
    """Whether each line has a figure, and why not: of claims first, where the headline rests on them."""
    tables = [
        analysis.tables[name] for name in dict.fromkeys(("costs", analysis.headline_table_name("costs")))
    ]
    return {
        line: status
        for table in tables
        for line, status in table.filter(level="line").select("line", "status").rows()[::-1]
    }


def _policy(analysis: Analysis, locale: Locale, names: Mapping[str, str]) -> pl.DataFrame:
    rows = []
    teller = Teller(analysis.policy, locale, analysis.as_of)
    statuses = _statuses(analysis)
    for line in analysis.policy.lines:
        if line.id in analysis.dropped_lines:
            continue
        who = "; ".join(names.get(v, v) for values in line.eligibility.values() for v in values)
        rows.append(
            (
                line.id,
                line.kind,
                teller.pays(line),
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
