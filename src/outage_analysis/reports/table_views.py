"""Choose the tables that a report shows, and the columns of each table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from outage_analysis import text
from outage_analysis.analysis import Analysis, reserve_mean, schema_named
from outage_analysis.assumptions import distribution_text, grade_label, value_and_range
from outage_analysis.charts import merge_small_services
from outage_analysis.costs import HAS_AMOUNT, sensitivity
from outage_analysis.incidents import facts_in_language
from outage_analysis.losses import sum_or_null
from outage_analysis.policies import CostLine, PolicyExplainer
from outage_analysis.reports.blocks import TableFormatter
from outage_analysis.text import Locale, schema_of


def accounting_table(analysis: Analysis, locale: Locale) -> pl.DataFrame:
    """Return the accounting proposal: one row per cost line that was public on the as-of day.

    Returns:
        The table `report.controller`: cost line, kind of obligation, presentation
        (expense or reduction of revenue), best estimate, last day for claims, and note. `best_estimate` is a
        text: an amount in whole currency, or the reason why there is no amount.
    """
    rows = [
        (
            line.id,
            locale(f"explain.{line.accounting.obligation}"),
            locale(f"explain.{line.accounting.presentation}"),
            _best_estimate(line, analysis, locale),
            line.closes_on(analysis.as_of),
            line.accounting.note[locale.lang] if line.accounting.note else "",
        )
        for line in analysis.policy.public_by(analysis.as_of)[0]
        if line.accounting
    ]
    return schema_of("report.controller").frame(rows)


def presentation_totals(analysis: Analysis, locale: Locale) -> tuple[str, ...]:
    """Return a sentence on the total cash estimate of expenses, and one on that of reductions of revenue.

    The presentation of a cost line is an expense or a reduction of revenue.

    Cost lines without an obligation or without a best estimate are left out.
    """
    lines: dict[str, list[str]] = {}
    for line in analysis.policy.public_by(analysis.as_of)[0]:
        if line.accounting and line.accounting.obligation != "none":
            lines.setdefault(line.accounting.presentation, []).append(line.id)
    amounts = {presentation: reserve_mean(analysis, ids) for presentation, ids in lines.items()}
    stated = {locale(f"explain.{key}"): _exact(x, locale) for key, x in amounts.items() if x is not None}
    return tuple(locale("report.controller_total", presentation=key, amount=x) for key, x in stated.items())


def _exact(amount: float, locale: Locale) -> str:
    """Format an amount without rounding, with its unit."""
    return locale("report.exact", amount=locale.exact_money(amount), unit=locale.unit)


def _best_estimate(line: CostLine, analysis: Analysis, locale: Locale) -> str:
    if line.accounting and line.accounting.obligation == "none":
        return locale("report.controller_not_due")
    if (cash := reserve_mean(analysis, [line.id])) is not None:
        return _exact(cash, locale)
    # Claims give costs only for payment schedules. Other cost lines get their costs from published counts.
    costs = analysis.exact_tables[analysis.headline_table_name("costs")].filter(
        HAS_AMOUNT, level="line", line=line.id
    )
    costs = analysis.exact_tables["costs"].filter(level="line", line=line.id) if costs.is_empty() else costs
    rows = {row["valuation"]: row for row in costs.iter_rows(named=True)}
    if (line_total := rows.get("top_down", {}).get("expected")) is not None:
        return locale("report.controller_whole", amount=_exact(line_total, locale))
    bounds = rows.get("cash", {})
    suffix = "" if bounds.get("basis", "published") == "published" else "_claims"
    if bounds.get("high") is not None:
        low, high = (_exact(bounds[end] or 0.0, locale) for end in ("low", "high"))
        return locale(f"report.controller_between{suffix}", low=low, high=high)
    if bounds.get("low") or suffix:
        return locale(f"report.controller_from{suffix}", low=_exact(bounds["low"] or 0.0, locale))
    face_value = rows.get("face_value", {})
    if price := face_value.get("expected") or face_value.get("promised"):
        return locale("report.controller_face", amount=_exact(price, locale))
    return locale("report.controller_unreliable")


View = tuple[pl.DataFrame, tuple[text.Column, ...]]
"""A data frame, and the columns that a report shows of it."""
WHAT_PEOPLE_GET = "cost_rank replaced_low replaced_high benefit_rank dominated_by"
"""Columns that the table of costs on the page leaves out, because it would be too wide with them."""
SHOWN = {
    "separate_sums": ("cost_ranges", "-line facts"),
    "beside": ("costs", "line valuation promised low expected high most facts assumptions"),
    "free": ("costs", "line valuation count promised low expected high most facts assumptions"),
    "tornado": ("tornado", "-kind"),
    "information_value": ("information_value", "-kind"),
    "exceedance": ("report.exceedance", ""),
    "headlines": ("report.headlines", ""),
    "tie_outs": ("report.tie_outs", ""),
    "policy": ("report.policy", ""),
    "assumptions": ("report.assumptions", "-rationale stated_source facts owner approved_by"),
    "assumptions_behind": (
        "report.assumptions",
        "assumption rationale stated_source facts owner approved_by",
    ),
    "facts": ("facts", "id quantity value low high unit counts public_on grade source"),
    "published_counts": ("facts", "quantity value unit counts public_on source"),
    "claims_bunching": (
        "claims_bunching",
        "edge losses below at_edge above alike excess under_share up_to_share",
    ),
    "claims_fits": ("claims_fits", "family weight parameters chi_square df p"),
    "claims_points": ("claims_curves", "loss share_below share_above"),
    "comparison": ("comparison", f"-{WHAT_PEOPLE_GET}"),
    "pairs": ("pairs", "-dearer"),
    "flips": ("flips", "-kind expected"),
    "policy_information_value": ("information_value", "-kind"),
    "backtest": (
        "backtest.outcomes",
        "outcome denominator range_low p50 range_high observed percentile verdict crps",
    ),
    "hindsight_outcomes": ("facts", "id quantity value unit counts public_on grade source"),
    "hindsight_headlines": ("report.headlines", ""),
    "hindsight_tie_outs": ("report.tie_outs", ""),
}
"""Report table -> the table that describes its columns, and the columns that a report shows: all, those of
them that are listed or, after a minus, all others. A table that is missing here shows all of its columns."""
SOURCE_TABLES = {
    "cost": "costs",
    "controller": "costs",
    "exceedance": "quantiles",
    **dict.fromkeys(
        ("service_bands_claims", "service_bands_loss", "service_bands_expected"), "claims_service_bands"
    ),
}
"""Report tables whose name differs from the analysis table that they are made from."""
COST_AMOUNTS = text.schema_of("costs").pick("rule", "count", "promised", "low", "expected", "high", "most")
HEADLINE_DIGITS = 6
"""The most significant digits of a published amount, such as 557.7 billion or 253.83 million."""
UNCHANGED = (
    *("tornado", "information_value", "quantiles", "reserve"),
    *("comparison", "pairs", "flips", "policy_information_value"),
    *("claims_intake", "claims_intake_hours", "claims_quality", "claims_amounts", "claims_rules"),
    *("claims_claimants", "claims_heaping", "claims_fitted", "claims_bunching", "claims_fits"),
)
"""Tables of an analysis whose rows are all shown as they are."""


def build_views(analysis: Analysis, formatter: TableFormatter) -> dict[str, View]:
    """Return every report table that has rows as a data frame with the columns to show, by name.

    Output formats that need numbers rather than text, such as Excel, use these data frames.
    """
    frames = {name: _rows(analysis, name) for name in UNCHANGED}
    frames |= _cost_tables(analysis) | _document_tables(analysis, formatter)
    views = {
        **{name: (frame, _listed_columns(name)) for name, frame in frames.items()},
        **_cost_views(analysis, formatter.locale),
        **_claims_views(analysis),
        **service_band_views(analysis, formatter),
        **_scenario_views(analysis, formatter.locale),
    }
    return {name: view for name, view in views.items() if not view[0].is_empty()}


def _rows(analysis: Analysis, name: str) -> pl.DataFrame:
    """Return a table of the analysis; without rows if the analysis does not have it."""
    return analysis.exact_tables.get(name, schema_named(name).frame())


def _listed_columns(name: str) -> tuple[text.Column, ...]:
    """Return the columns of a report table that `SHOWN` lists."""
    table, listed = SHOWN.get(name, (name, ""))
    schema, columns = text.schema_of(table), listed.removeprefix("-").split()
    return schema.pick(*columns) if columns and listed[0] != "-" else schema.without(*columns).columns


def _cost_tables(analysis: Analysis) -> dict[str, pl.DataFrame]:
    # Cost lines without an amount are left out here; the policy table lists them.
    figures, valuation = _rows(analysis, "costs").filter(HAS_AMOUNT), pl.col("valuation")
    is_separate = valuation.is_in(("top_down", "handling"))
    quantiles = _rows(analysis, "quantiles")
    points = quantiles.filter(pl.col("measure").is_in(list(text.PERCENTILES)), valuation="cash")
    chances = [round(1 - text.PERCENTILES[measure], 6) for measure in points["measure"]]
    return {
        "beside": figures.filter(is_separate),
        "free": figures.filter(~is_separate, valuation != "cash"),
        "exceedance": points.with_columns(chance=pl.Series(chances, dtype=pl.Float64)).sort(
            "chance", descending=True
        ),
        "separate_sums": _rows(analysis, "cost_ranges").filter(line=""),
    }


def _cost_views(analysis: Analysis, locale: text.Locale) -> dict[str, View]:
    schema, numbers = text.schema_of("costs"), ("low", "expected", "high")
    cash = analysis.headline_costs.filter(HAS_AMOUNT)
    keys = ["line", *(column for column in ("basis", "segment") if cash[column].n_unique() > 1)]
    ends = schema.pick("status", "facts", "assumptions")
    funnel = _rows(analysis, analysis.headline_table_name("funnel")).with_columns(pl.col(*numbers).round(0))
    line_column = ("line",) if funnel["line"].n_unique() > 1 else ()
    views = {
        "cost": (cash, (*schema.pick(*keys), text.column_of("band"), *COST_AMOUNTS, *ends)),
        "funnel": (funnel, text.schema_of("funnel").pick(*line_column, "stage", *numbers)),
    }
    level = pl.when(pl.col("rule").is_null()).then(pl.lit("line")).alias("level")
    steps, schema = _rows(analysis, "steps").with_columns(level), text.schema_of("steps")
    first = _columns_with_values(steps, schema.pick("line", "service"))
    bands = (text.column_of("band"), schema["rule"]) if steps["rule"].count() else ()
    views["steps"] = (steps, (*first, *bands, *schema.pick("expected", "facts")))
    services = _rows(analysis, "services")
    shown = _columns_with_values(services, text.schema_of("services").columns)
    if {column.name for column in shown} - {"service", "group"}:
        counts = [locale("report.not_published") if x is None else locale.exact(x) for x in services["users"]]
        told = (replace(column, unit="formatted") if column.name == "users" else column for column in shown)
        views["services"] = (services.with_columns(users=pl.Series(counts, dtype=pl.String)), tuple(told))
    controller = accounting_table(analysis, locale)
    shown = _columns_with_values(controller, text.schema_of("report.controller").columns)
    return views | {"controller": (controller, shown)}


def _columns_with_values(frame: pl.DataFrame, columns: Sequence[text.Column]) -> tuple[text.Column, ...]:
    """Return the columns in which at least one row has a value."""
    return tuple(c for c in columns if (frame[c.name].cast(pl.String).fill_null("") != "").any())


def _document_tables(analysis: Analysis, formatter: TableFormatter) -> dict[str, pl.DataFrame]:
    locale = formatter.locale
    rows = [
        (
            assumption.id,
            assumption.kind,
            *value_and_range(assumption, locale),
            distribution_text(assumption, locale),
            grade_label(assumption, locale),
            assumption.public_on,
            assumption.rationale[locale.lang],
            assumption.source[locale.lang],
            " ".join(dict.fromkeys((*assumption.facts, *assumption.computed_from))),
            assumption.owner,
            assumption.approved_by or "–",
        )
        for assumption in (analysis.used_ledger.assumptions if analysis.used_ledger else ())
    ]
    assumptions = text.schema_of("report.assumptions").frame(rows)
    facts = facts_in_language(_rows(analysis, "facts"), locale.lang)
    outcomes = facts_in_language(_rows(analysis, "hindsight_outcomes"), locale.lang)
    notes = {tie.id: tie.note[locale.lang] if tie.note else "" for tie in analysis.tie_outs}
    note = pl.col("id").replace_strict(notes, return_dtype=pl.String).alias("note")
    return {
        "policy": _policy_table(analysis, locale, formatter.names),
        "assumptions": assumptions,
        "assumptions_behind": assumptions,
        "facts": facts,
        "published_counts": facts.filter(topic="intake-counts"),
        "tie_outs": _rows(analysis, "tie_outs").with_columns(note),
        "headlines": _headlines_table(_rows(analysis, "headlines"), formatter),
        "backtest": _rows(analysis, "hindsight_backtest"),
        "hindsight_headlines": _headlines_table(_rows(analysis, "hindsight_headlines"), formatter),
        "hindsight_tie_outs": _rows(analysis, "hindsight_tie_outs").with_columns(note),
        "hindsight_outcomes": outcomes,
    }


def _claims_views(analysis: Analysis) -> dict[str, View]:
    costs, summary = _rows(analysis, "claims_costs"), _rows(analysis, "claims_summary")
    segment = ("segment",) if costs["segment"].count() else ()
    keys = text.schema_of("costs").pick("line", "service", "claimant_type", *segment)
    counts = text.schema_of("distribution.bands").pick("claims", "share")
    unneeded = () if summary["negative"].fill_null(1).sum() else ("negative",)
    # The table of points has only the observed shares of losses, without the rows of fitted curves.
    points = _rows(analysis, "claims_curves").filter(family="counted")
    return {
        "claims_costs": (
            costs.filter(pl.col("rule") != "not_entitled"),
            (*keys, text.column_of("band"), *COST_AMOUNTS),
        ),
        "claims_bands": (
            _rows(analysis, "claims_bands"),
            (text.column_of("service"), text.column_of("band"), *counts),
        ),
        "claims_summary": (
            summary,
            schema_named("claims_summary").without("stated", "loss", *unneeded).columns,
        ),
        "claims_points": (points, _listed_columns("claims_points")),
    }


SERVICE_BAND_MEASURES: dict[str, text.Unit] = {"claims": "count", "loss": "loss", "expected": "money"}
"""Measure of a service and loss band -> its unit. Each measure has a table of its own."""
MOST_SERVICES = 8
"""Most rows of a table of services; smaller services are added up in its last row."""


def service_band_views(analysis: Analysis, formatter: TableFormatter) -> dict[str, View]:
    """Return, for each measure, a table with one row per service and one column per loss band.

    The last row and the last column contain totals. A total is empty if one of its parts is unknown.
    """
    table, locale = _rows(analysis, "claims_service_bands"), formatter.locale
    table = merge_small_services(table, MOST_SERVICES, analysis.incident.first_services)
    services = table.select("service", "services").unique(maintain_order=True).with_row_index("row")
    names = [
        locale("chart.other_services", count=count)
        if count > 1
        else formatter.names.get(service, service) or locale("word.all")
        for _, service, count in services.rows()
    ]
    bands = table.select("over", "up_to").unique(maintain_order=True).with_row_index("band")
    titles = [*(locale.band(over, up_to) for _, over, up_to in bands.rows()), locale("column.total")]
    cells = table.join(bands, on=("over", "up_to"), nulls_equal=True).join(
        services, on="service", nulls_equal=True
    )
    # The totals are a further row and a further column.
    cells = pl.concat([cells, cells.with_columns(row=pl.lit(len(names), pl.UInt32))])
    cells = pl.concat([cells, cells.with_columns(band=pl.lit(len(bands), pl.UInt32))])
    names.append(locale("column.total"))
    views: dict[str, View] = {}
    for measure, unit in SERVICE_BAND_MEASURES.items():
        stated = pl.any_horizontal(pl.col("over", "up_to").is_not_null())
        known = cells.filter(stated) if measure == "loss" else cells
        if known[measure].count():
            sums = known.group_by("row", "band").agg(sum_or_null(measure)).sort("row", "band")
            frame = sums.pivot("band", index="row", values=measure)
            columns = [
                text.Column(number, unit, "A loss band.", title=titles[int(number)])
                for number in frame.columns[1:]
            ]
            shown = (replace(text.column_of("service"), unit="text"), *columns)
            named = frame.select(pl.Series("service", names), *frame.columns[1:])
            views[f"service_bands_{measure}"] = (named, shown)
    return views


def _scenario_views(analysis: Analysis, locale: text.Locale) -> dict[str, View]:
    frame = _rows(analysis, "scenarios").filter(~pl.col("status").is_in(("nothing_claimed", "nothing_filed")))
    titles = {x.id: x.name[locale.lang] for x in sensitivity.load_scenarios().scenarios}
    titles |= dict.fromkeys(frame["scenario"].head(1), locale("report.scenario_base"))
    hidden = ["reason", *([] if analysis.plan.budget is not None else ["over_budget"])]
    hidden += ["p75"] if analysis.likely_range.high == "p75" else []
    columns = text.schema_of("scenarios").without(*hidden).columns
    return {"scenarios": (frame.with_columns(pl.col("scenario").replace(titles)), columns)}


def _headlines_table(frame: pl.DataFrame, formatter: TableFormatter) -> pl.DataFrame:
    """Return the amounts in press headlines, beside the model's own figure for the cash cost."""
    locale, rows = formatter.locale, []
    table = frame.filter(pl.col("expected").is_not_null() | (pl.col("fact") != ""))
    table = facts_in_language(table, locale.lang).rename({"fact": "facts"})
    for row in table.iter_rows(named=True):
        if row["facts"]:
            name, stated = row["facts"], _published_amount(row["low"], row["high"], locale)
            rows.append((formatter.names.get(name, name), stated, row["counts"]))
            continue
        likely = "–" if row["high"] is None else locale.money_range(row["low"] or 0.0, row["high"])
        rows.append(
            (
                locale("chart.headlines_ours"),
                locale("report.headline_said", expected=locale.money(row["expected"]), likely=likely),
                locale("report.headline_counts", line=formatter.names.get(row["line"], row["line"])),
            )
        )
    schema = dict.fromkeys(("headline", "stated_amount", "counts"), pl.String)
    return table.drop("counts").hstack(pl.DataFrame(rows, schema=schema, orient="row"))


def _published_amount(low: float | None, high: float | None, locale: text.Locale) -> str:
    """Return a published amount as text: a single amount, a range, or a lower or upper bound (None)."""
    low, high = (None if end is None else end * 10**locale.minor_units for end in (low, high))
    if low is not None and high is not None:
        return locale.money_range(low, high, HEADLINE_DIGITS)
    key, end = ("explain.floor", low) if high is None else ("explain.limit", high)
    return "" if end is None else locale(key, amount=locale.money(end, HEADLINE_DIGITS))


def _policy_table(analysis: Analysis, locale: text.Locale, names: Mapping[str, str]) -> pl.DataFrame:
    teller = PolicyExplainer(analysis.policy, locale, analysis.as_of)
    tables = dict.fromkeys(("costs", analysis.headline_table_name("costs")))
    costs = pl.concat(_rows(analysis, name).select("line", "level", "status") for name in reversed(tables))
    # The first row of a line counts.
    statuses = dict(costs.filter(level="line").select("line", "status").unique("line", keep="first").rows())
    rows = [
        (
            line.id,
            line.kind,
            # If the amount was not published, the status column shows this.
            "" if statuses.get(line.id) == "unpriced" else teller.payment_summary(line),
            line.effort_on(analysis.as_of),
            "; ".join(names.get(v, v) for values in line.eligibility.values() for v in values),
            line.public_on,
            statuses.get(line.id),
            " ".join(line.facts),
        )
        for line in analysis.policy.lines
        if line.id not in analysis.dropped_lines
    ]
    return text.schema_of("report.policy").frame(rows)
