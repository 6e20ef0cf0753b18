"""Choose the tables that a report shows, and the columns of each table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from outage_analysis import text
from outage_analysis.analysis import Analysis
from outage_analysis.assumptions import distribution_text, grade_label, value_and_range
from outage_analysis.charts import services_by_claims
from outage_analysis.costs import HAS_AMOUNT, scenarios
from outage_analysis.incidents import UNKNOWN, facts_in_language
from outage_analysis.losses import sum_or_none
from outage_analysis.policies import PolicyExplainer
from outage_analysis.reports.accounting import accounting_table
from outage_analysis.reports.grids import Grid, TableFormatter

View = tuple[pl.DataFrame, tuple[text.Column, ...]]
"""A data frame, and the columns that a report shows of it."""
VALUES = text.schema_of("report.assumptions").columns[:7]
RATIONALE = text.schema_of("report.assumptions").pick(
    "assumption", "rationale", "stated_source", "facts", "owner", "approved_by"
)
"""`VALUES` are the columns with the values; `RATIONALE` has the reason, source and owner."""


def uncertainty_views(tables: Mapping[str, pl.DataFrame]) -> dict[str, View]:
    """Return the tables on the uncertainty of the cost and on its drivers, with the columns to show.

    Args:
        tables: the tables of the analysis, by name.
    """
    views: dict[str, View] = {
        "tornado": (tables["tornado"], text.schema_of("tornado").without("kind").columns)
    }
    if "information_value" in tables and not tables["tornado"].is_empty():
        views["information_value"] = _information_view(tables["information_value"])
    if "quantiles" in tables:
        quantiles = tables["quantiles"]
        views["quantiles"] = (quantiles, text.schema_of("quantiles").columns)
        views["split"] = (tables["split"], text.schema_of("split").columns)
        views["exceedance"] = (_exceedance_table(quantiles), text.schema_of("report.exceedance").columns)
    if "cost_ranges" in tables:
        sums = tables["cost_ranges"].filter(line="")
        views["separate_sums"] = (sums, text.schema_of("cost_ranges").without("line", "facts").columns)
    if "steps" in tables:
        views["steps"] = _steps_view(tables["steps"])
    return views


def _exceedance_table(quantiles: pl.DataFrame) -> pl.DataFrame:
    points = quantiles.filter(pl.col("measure").is_in(text.PERCENTILE_MEASURES), valuation="cash")
    below = [text.percentile_probability(measure) for measure in points["measure"]]
    chance = 1 - pl.Series("chance", below, dtype=pl.Float64)
    return points.with_columns(chance.round(6)).sort("chance", descending=True)


def _steps_view(frame: pl.DataFrame) -> View:
    keys = [c for c in ("line", "service") if frame[c].null_count() < len(frame)]
    banded = frame["rule"].null_count() < len(frame)
    level = pl.when(pl.col("rule").is_null()).then(pl.lit("line")).alias("level")
    bands = (text.column_of("band"), text.schema_of("steps")["rule"]) if banded else ()
    amounts = text.schema_of("steps").pick("expected", "tail", "facts")
    return frame.with_columns(level), (*text.schema_of("steps").pick(*keys), *bands, *amounts)


WHAT_PEOPLE_GET = (
    "cost_rank", "replaced_low", "replaced_high", "made_whole_low", "made_whole_high",
    "largest_shortfall", "benefit_rank", "dominated_by", "not_measured",
)  # fmt: skip
"""Columns that the table of costs on the page leaves out, because it would be too wide with them."""


ABOUT_FILING = ("nothing_claimed", "nothing_filed")
"""Statuses of scenarios that change how people file although payments are automatic."""


def decision_views(analysis: Analysis, locale: text.Locale) -> dict[str, View]:
    """Return the tables of the scenarios and of the reserve, with the columns to show."""
    tables, views = analysis.tables, {}
    if "scenarios" in tables:
        stresses = scenarios.load_scenarios()
        frame = tables["scenarios"].filter(~pl.col("status").is_in(ABOUT_FILING))
        names = {scenario.id: scenario.name[locale.lang] for scenario in stresses.scenarios}
        names |= {frame["scenario"][0]: locale("report.scenario_base")}
        hidden = ["reason", *([] if analysis.plan.budget is not None else ["over_budget"])]
        if analysis.likely_range.high == "p75":
            hidden.append("p75")
        columns = text.schema_of("scenarios").without(*hidden).columns
        views["scenarios"] = (frame.with_columns(pl.col("scenario").replace(names)), columns)
    if "reserve" in tables:
        views["reserve"] = (tables["reserve"], text.schema_of("reserve").columns)
    return views


def comparison_views(analysis: Analysis) -> dict[str, View]:
    """Return the tables that compare policies: cost per policy, pairs of policies, and break-even inputs.

    A break-even input is the value of an input at which the other policy of a pair becomes cheaper.
    """
    if analysis.compared is None:
        return {}
    tables = analysis.tables
    return {
        "comparison": (tables["comparison"], text.schema_of("comparison").without(*WHAT_PEOPLE_GET).columns),
        "pairs": (tables["pairs"], text.schema_of("pairs").without("dearer").columns),
        "flips": (tables["flips"], text.schema_of("flips").without("kind", "expected").columns),
        "policy_information_value": _information_view(tables["policy_information_value"]),
    }


def _information_view(frame: pl.DataFrame) -> View:
    """Return the table of what it is worth to know each input before a decision."""
    return frame, text.schema_of("information_value").without("kind").columns


def assumption_table(analysis: Analysis, locale: text.Locale) -> pl.DataFrame:
    """Return one row per assumption that the cost uses, as table `report.assumptions`."""
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
    return text.schema_of("report.assumptions").frame(rows)


SOURCE_TABLES = {
    "cost": "costs",
    "controller": "costs",
    "exceedance": "quantiles",
    **dict.fromkeys(
        ("service_bands_claims", "service_bands_loss", "service_bands_expected"), "claims_service_bands"
    ),
}
"""Report tables whose name differs from the analysis table that they are made from."""
COST_COLUMNS = (
    text.schema_of("costs")["line"],
    text.column_of("band"),
    *text.schema_of("costs").pick("rule", "count", "promised", "low", "expected", "high", "most"),
    *text.schema_of("costs").pick("status", "facts", "assumptions"),
)
FACT_COLUMNS = text.schema_of("facts").pick(
    *("id", "quantity", "value", "low", "high", "unit", "counts", "public_on", "grade", "source")
)
PUBLISHED_COLUMNS = text.schema_of("facts").pick("quantity", "value", "unit", "counts", "public_on", "source")
SEPARATE_VALUATIONS = ("top_down", "handling")
"""Valuations shown in a table of their own: lines known only as a total, and handling effort."""
HEADLINE_DIGITS = 6
"""The most significant digits of a published amount, such as 557.7 billion or 253.83 million."""


def format_tables(analysis: Analysis, formatter: TableFormatter) -> dict[str, Grid]:
    """Return every report table that has rows, formatted as text, by name."""
    return {name: formatter.grid(*view) for name, view in build_views(analysis, formatter).items()}


def build_views(analysis: Analysis, formatter: TableFormatter) -> dict[str, View]:
    """Return every report table that has rows as a data frame with the columns to show, by name.

    Output formats that need numbers rather than text, such as Excel, use these data frames.
    """
    views = {
        **_cost_views(analysis, formatter.locale),
        **_document_views(analysis, formatter),
        **_claims_views(analysis),
        **service_band_views(analysis, formatter),
        **comparison_views(analysis),
        **decision_views(analysis, formatter.locale),
        **_hindsight_views(analysis, formatter),
    }
    return {name: view for name, view in views.items() if not view[0].is_empty()}


def _cost_views(analysis: Analysis, locale: text.Locale) -> dict[str, View]:
    tables = analysis.tables
    # Cost lines without an amount are left out here; the policy table lists them.
    figures = tables["costs"].filter(HAS_AMOUNT)
    is_separate = pl.col("valuation").is_in(SEPARATE_VALUATIONS)
    free = figures.filter(~is_separate, pl.col("valuation") != "cash")
    numbers = ("low", "expected", "high")
    funnel = tables[analysis.headline_table_name("funnel")].with_columns(pl.col(*numbers).round(0))
    line_column = ("line",) if funnel["line"].n_unique() > 1 else ()
    return {
        "cost": _cash_view(analysis),
        "beside": (
            figures.filter(is_separate),
            text.schema_of("costs").pick(
                *("line", "valuation", "promised", "low", "expected", "high", "most", "facts", "assumptions")
            ),
        ),
        "free": (
            free,
            text.schema_of("costs").pick(
                *("line", "valuation", "count", "promised", "low", "expected", "high", "most"),
                *("facts", "assumptions"),
            ),
        ),
        "funnel": (funnel, text.schema_of("funnel").pick(*line_column, "stage", *numbers)),
        **uncertainty_views(tables),
        **_services_view(tables["services"], locale),
    }


def _services_view(services: pl.DataFrame, locale: text.Locale) -> dict[str, View]:
    columns = _columns_with_values(services, text.schema_of("services").columns)
    if all(column.name in ("service", "group") for column in columns):
        return {}
    counts = [locale("report.not_published") if x is None else locale.exact(x) for x in services["users"]]
    told = {"users": text.Column("users", "formatted", text.schema_of("services")["users"].description)}
    shown = tuple(told.get(column.name, column) for column in columns)
    return {"services": (services.with_columns(users=pl.Series(counts, dtype=pl.String)), shown)}


def _columns_with_values(frame: pl.DataFrame, columns: Sequence[text.Column]) -> tuple[text.Column, ...]:
    """Return the columns in which at least one row has a value."""
    return tuple(c for c in columns if (frame[c.name].cast(pl.String).fill_null("") != "").any())


def _cash_view(analysis: Analysis) -> View:
    cash = analysis.headline_costs.filter(HAS_AMOUNT)
    keys = (c for c in ("basis", "segment") if cash[c].n_unique() > 1)
    return cash, (COST_COLUMNS[0], *text.schema_of("costs").pick(*keys), *COST_COLUMNS[1:])


def _document_views(analysis: Analysis, formatter: TableFormatter) -> dict[str, View]:
    tables, locale = analysis.tables, formatter.locale
    assumptions, controller = assumption_table(analysis, locale), accounting_table(analysis, locale)
    facts = facts_in_language(tables["facts"], locale.lang)
    return {
        "headlines": (
            _headlines_table(tables["headlines"], formatter),
            text.schema_of("report.headlines").columns,
        ),
        "tie_outs": (
            _tie_outs_table(analysis, tables["tie_outs"], locale.lang),
            text.schema_of("report.tie_outs").columns,
        ),
        "policy": (_policy_table(analysis, locale, formatter.names), text.schema_of("report.policy").columns),
        "controller": (
            controller,
            _columns_with_values(controller, text.schema_of("report.controller").columns),
        ),
        "assumptions": (assumptions, VALUES),
        "assumptions_behind": (assumptions, RATIONALE),
        "facts": (facts, FACT_COLUMNS),
        "published_counts": (facts.filter(topic="intake-counts"), PUBLISHED_COLUMNS),
    }


def _claims_views(analysis: Analysis) -> dict[str, View]:
    tables = analysis.tables
    views: dict[str, View] = {}
    if "claims_costs" in tables:
        costs = tables["claims_costs"].filter(pl.col("rule") != "not_entitled")
        segment = ("segment",) if tables["claims_costs"]["segment"].count() else ()
        keys = text.schema_of("costs").pick("line", "service", "claimant_type", *segment)
        views["claims_costs"] = (costs, (*keys, *COST_COLUMNS[1:9]))
    if "claims_bands" in tables:
        columns = (
            text.column_of("service"),
            text.column_of("band"),
            *text.schema_of("distribution.bands").pick("claims", "share"),
        )
        views["claims_bands"] = (tables["claims_bands"], columns)
    intake = ("claims_intake", "claims_intake_hours")
    whole = (
        *intake,
        "claims_quality",
        "claims_amounts",
        "claims_rules",
        "claims_claimants",
        "claims_heaping",
    )
    for name in whole:
        if name in tables:
            views[name] = (tables[name], tables.schema(name).columns)
    if "claims_bunching" in tables:
        views["claims_bunching"] = (
            tables["claims_bunching"],
            text.schema_of("claims_bunching").pick(
                *(
                    "edge",
                    "losses",
                    "below",
                    "at_edge",
                    "above",
                    "alike",
                    "excess",
                    "under_share",
                    "up_to_share",
                )
            ),
        )
    if "claims_summary" in tables:
        summary = tables["claims_summary"]
        unneeded = () if summary["negative"].fill_null(1).sum() else ("negative",)
        schema = tables.schema("claims_summary").without("stated", "loss", *unneeded)
        views["claims_summary"] = (summary, schema.columns)
    if "claims_fits" in tables:
        names = ("family", "weight", "parameters", "chi_square", "df", "p")
        views["claims_fits"] = (tables["claims_fits"], text.schema_of("claims_fits").pick(*names))
    if "claims_fitted" in tables:
        views["claims_fitted"] = (tables["claims_fitted"], tables.schema("claims_fitted").columns)
    # This table has only the observed shares of losses; the rows of fitted curves are left out.
    if "claims_curves" in tables:
        counted = tables["claims_curves"].filter(family="counted")
        views["claims_points"] = (
            counted,
            text.schema_of("claims_curves").pick("loss", "share_below", "share_above"),
        )
    return views


SERVICE_BAND_MEASURES: dict[str, text.Unit] = {"claims": "count", "loss": "loss", "expected": "money"}
"""Measure of a service and loss band -> its unit. Each measure has a table of its own."""


MOST_SERVICES = 8
"""Most rows of a table of services; smaller services are added up in its last row."""


def _column_sums(rows: list[list[Any]]) -> list[Any]:
    return [sum_or_none(column) for column in zip(*rows, strict=True)]


def service_band_views(analysis: Analysis, formatter: TableFormatter) -> dict[str, View]:
    """Return, for each measure, a table with one row per service and one column per loss band.

    The last row and the last column contain totals. A total is empty if one of its parts is unknown.
    """
    if "claims_service_bands" not in analysis.tables:
        return {}
    table, locale = analysis.tables["claims_service_bands"], formatter.locale
    bands = table.select("over", "up_to").unique(maintain_order=True).rows()
    services = services_by_claims(table, analysis.incident.first_services)
    separate = services if len(services) <= MOST_SERVICES else services[: MOST_SERVICES - 1]
    views: dict[str, View] = {}
    for measure, unit in SERVICE_BAND_MEASURES.items():
        values = {
            (*row[:3],): row[3] for row in table.select("service", "over", "up_to", measure).iter_rows()
        }
        known = [band for band in bands if measure != "loss" or band != UNKNOWN]
        if all(values[service, *band] is None for service in services for band in known):
            continue
        rows = [[values[service, *band] for band in known] for service in services]
        total, others = _column_sums(rows), rows[len(separate) :]
        rows = [*rows[: len(separate)], *([_column_sums(others)] if others else []), total]
        names = [formatter.names.get(s, s) if s else locale("word.all") for s in separate]
        names += [locale("chart.other_services", count=len(others))] if others else []
        columns = tuple(
            text.Column(f"band_{n}", unit, "A loss band.", title=title)
            for n, title in enumerate([*(locale.band(*band) for band in known), locale("column.total")])
        )
        data = [
            (name, *row, sum_or_none(row))
            for name, row in zip([*names, locale("column.total")], rows, strict=True)
        ]
        schema = {"service": pl.String(), **{column.name: column.dtype for column in columns}}
        frame = pl.DataFrame(data, schema=schema, orient="row")
        views[f"service_bands_{measure}"] = (
            frame,
            (replace(text.column_of("service"), unit="text"), *columns),
        )
    return views


def _hindsight_views(analysis: Analysis, formatter: TableFormatter) -> dict[str, View]:
    tables = analysis.tables
    if "hindsight_outcomes" not in tables:
        return {}
    columns = text.schema_of("backtest.outcomes").pick(
        *(
            "outcome",
            "denominator",
            "range_low",
            "p50",
            "range_high",
            "observed",
            "percentile",
            "verdict",
            "crps",
        )
    )
    return {
        **({"backtest": (tables["hindsight_backtest"], columns)} if "hindsight_backtest" in tables else {}),
        "hindsight_outcomes": (
            facts_in_language(tables["hindsight_outcomes"], formatter.locale.lang),
            tuple(c for c in FACT_COLUMNS if c.name not in ("low", "high")),
        ),
        "hindsight_headlines": (
            _headlines_table(tables["hindsight_headlines"], formatter),
            text.schema_of("report.headlines").columns,
        ),
        "hindsight_tie_outs": (
            _tie_outs_table(analysis, tables["hindsight_tie_outs"], formatter.locale.lang),
            text.schema_of("report.tie_outs").columns,
        ),
    }


def _headlines_table(frame: pl.DataFrame, formatter: TableFormatter) -> pl.DataFrame:
    """Return the amounts in press headlines, beside the model's own figure for the cash cost."""
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
        counts = locale("report.headline_counts", line=formatter.names.get(row["line"], row["line"]))
        rows.append((locale("chart.headlines_ours"), headline_forecast(row, locale), counts))
    texts = pl.DataFrame(
        rows, schema=dict.fromkeys(("headline", "stated_amount", "counts"), pl.String), orient="row"
    )
    return table.drop("counts").hstack(texts)


def headline_forecast(row: Mapping[str, Any], locale: text.Locale) -> str:
    """Return the model's figure in a row of the headlines as text: the expected cash and its likely range."""
    likely = "–" if row["high"] is None else locale.money_range(row["low"] or 0.0, row["high"])
    return locale("report.headline_said", expected=locale.money(row["expected"]), likely=likely)


def headline_amount(low: float | None, high: float | None, locale: text.Locale) -> str:
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
    return frame.with_columns(note=pl.Series([notes[i] for i in frame["id"]], dtype=pl.String))


def _line_statuses(analysis: Analysis) -> dict[str, str]:
    tables = [
        analysis.tables[name] for name in dict.fromkeys(("costs", analysis.headline_table_name("costs")))
    ]
    return {
        line: status
        for table in tables
        for line, status in table.filter(level="line").select("line", "status").rows()[::-1]
    }


def _policy_table(analysis: Analysis, locale: text.Locale, names: Mapping[str, str]) -> pl.DataFrame:
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
                # If the amount was not published, the status column shows this.
                "" if statuses.get(line.id) == "unpriced" else teller.payment_summary(line),
                line.effort_on(analysis.as_of),
                who,
                line.public_on,
                statuses.get(line.id),
                " ".join(line.facts),
            )
        )
    return text.schema_of("report.policy").frame(rows)
