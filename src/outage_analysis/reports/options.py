"""Compare the options of a decision: cost, uncertainty and who benefits."""

from __future__ import annotations

from typing import Any

import polars as pl

from outage_analysis.analysis import Analysis
from outage_analysis.costs import scenarios
from outage_analysis.reports.blocks import Option
from outage_analysis.reports.grids import Grid, GridColumn
from outage_analysis.text import Column, Locale, short_names

DECISIONS = ("effort", "extra_days", "award_factor", "acceptance_odds_ratio")
"""Changes that are decisions of the company. Scenarios with other changes are stress tests."""
NO_FIGURE = "–"
"""Placeholder in a cell without a figure."""
FIGURES = ("expected", "range_low", "range_high", "over_budget", "recipients", "per_recipient")
"""The columns of the tables of scenarios and of compared policies that an option shows."""


def decision_rows(analysis: Analysis) -> list[tuple[scenarios.Scenario, dict[str, Any]]]:
    """Return the scenarios that are decisions and have figures, each with its row of the scenario table."""
    table = analysis.exact_tables.get("scenarios")
    if table is None:
        return []
    rows = {row["scenario"]: row for row in table.filter(status="ok").iter_rows(named=True)}
    return [
        (scenario, rows[scenario.id])
        for scenario in scenarios.load_scenarios().scenarios
        if scenario.id in rows and set(scenario.changes) <= {*DECISIONS}
    ]


def decision_options(analysis: Analysis, locale: Locale) -> tuple[Option, ...]:
    """Return the options of the first screen, starting with the announced policy; empty without options.

    If the analysis compares policies, return the policies; otherwise the scenarios that are decisions of the
    company. The figures of the first option are those of the headline.
    """
    if analysis.compared is None:
        found = decision_rows(analysis)
        names = [locale("report.scenario_base"), *(scenario.name[locale.lang] for scenario, _ in found)]
        base = analysis.exact_tables["scenarios"].filter(scenario="base").to_dicts() if found else []
        rows = [*base, *(row for _, row in found)]
    else:
        table, display = analysis.exact_tables["comparison"], analysis.names(locale.lang)
        names = short_names([display.get(id_, id_) for id_ in table["policy"]])
        budget = analysis.plan.budget or 0
        chances = analysis.compared.simulations.chances_over(budget * 10.0**analysis.incident.minor_units)
        chances = chances if budget else {}
        rows = [row | {"over_budget": chances.get(row["policy"])} for row in table.to_dicts()]
        rows[0] |= _headline_figures(analysis)
    return tuple(Option(name, *(row[x] for x in FIGURES)) for name, row in zip(names, rows, strict=False))


def _headline_figures(analysis: Analysis) -> dict[str, float | None]:
    # The comparison simulates all policies together, so its range differs slightly from that of the headline
    # because of simulation error.
    likely, basis = analysis.likely_cash(analysis.headline_basis), analysis.headline_basis
    if likely is None:
        return {}
    budget = analysis.uncertainty_table(basis, "budget")
    chance = None if budget is None else float(budget["exceeded"][0])
    return dict(zip(FIGURES, (analysis.expected_cash(basis), *likely, chance), strict=False))


def option_titles(analysis: Analysis, locale: Locale) -> dict[str, str]:
    """Return the titles of the columns of the table of options."""
    budget = locale.money_in_full((analysis.plan.budget or 0) * 10**analysis.incident.minor_units)
    keys = ("name", "expected", "range", "over", "gains")
    return {key: locale(f"report.option_{key}", budget=budget) for key in keys}


def option_grid(options: tuple[Option, ...], analysis: Analysis, locale: Locale) -> Grid:
    """Return the table of options as strings, rounded as on the first screen."""
    cells = zip(*(_cells(option, locale) for option in options), strict=True)
    heads = zip(option_titles(analysis, locale).values(), ("", "n", "n", "n", ""), strict=True)
    shown = [(head, texts) for head, texts in zip(heads, cells, strict=True) if {*texts} != {NO_FIGURE}]
    rows = tuple(zip(*(texts for _, texts in shown), strict=True))
    return Grid(tuple(GridColumn(*head) for head, _ in shown), rows)


def _cells(option: Option, locale: Locale) -> tuple[str, ...]:
    low, high, gains = option.range_low, option.range_high, NO_FIGURE
    if option.recipients is not None:
        count = locale.exact(float(f"{option.recipients:.2g}"))
        gains = locale("report.option_recipients", count=count)
        if option.per_recipient is not None:
            gains = locale("report.option_paid", count=count, amount=locale.money(option.per_recipient))
    return (
        option.name,
        NO_FIGURE if option.expected is None else locale.money(option.expected),
        NO_FIGURE if low is None or high is None else locale.money_range(low, high),
        NO_FIGURE if option.over_budget is None else locale.share(option.over_budget),
        gains,
    )


def option_view(
    options: tuple[Option, ...], analysis: Analysis, locale: Locale
) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """Return the table of options as numbers, and those of its columns that have any."""
    titles, likely = option_titles(analysis, locale), analysis.likely_range
    columns = (
        Column("name", "text", "The option.", title=titles["name"]),
        Column("expected", "money", "The expected cash.", title=titles["expected"]),
        Column("range_low", "money", "The low end of the likely range.", title=likely.low.upper()),
        Column("range_high", "money", "The high end of the likely range.", title=likely.high.upper()),
        Column("over_budget", "share", "The chance of exceeding the budget.", title=titles["over"]),
        Column("recipients", "count", "The expected recipients.", title=titles["gains"]),
        Column("per_recipient", "money", "The mean payment."),
    )
    frame = pl.DataFrame(options)
    return frame, tuple(column for column in columns if frame[column.name].count())
