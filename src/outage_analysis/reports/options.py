"""Compare the options of a decision: cost, uncertainty and who benefits."""

from __future__ import annotations

from typing import Any

from outage_analysis.analysis import Analysis
from outage_analysis.costs import scenarios
from outage_analysis.reports.blocks import Option
from outage_analysis.reports.grids import Grid, GridColumn
from outage_analysis.text import Locale, short_names

DECISIONS = ("effort", "extra_days", "award_factor", "acceptance_odds_ratio")
"""Changes that are decisions of the company. Scenarios with other changes are stress tests."""
NO_FIGURE = "–"
"""Placeholder in a cell without a figure."""


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
    if analysis.compared is not None:
        return _policy_options(analysis, locale)
    found = decision_rows(analysis)
    if not found:
        return ()
    base = analysis.exact_tables["scenarios"].filter(scenario="base").row(0, named=True)
    named = [(locale("report.scenario_base"), base)]
    named += [(scenario.name[locale.lang], row) for scenario, row in found]
    return tuple(
        Option(
            name,
            row["expected"],
            row["range_low"],
            row["range_high"],
            row["over_budget"],
            row["recipients"],
            row["per_recipient"],
        )
        for name, row in named
    )


def _policy_options(analysis: Analysis, locale: Locale) -> tuple[Option, ...]:
    table, names = analysis.exact_tables["comparison"], analysis.names(locale.lang)
    chances = _chances_over_budget(analysis)
    options = [
        Option(
            name,
            row["expected"],
            row["range_low"],
            row["range_high"],
            over_budget=chances.get(row["policy"]),
            recipients=row["recipients"],
            per_recipient=row["per_recipient"],
        )
        for name, row in zip(
            short_names([names.get(id_, id_) for id_ in table["policy"]]),
            table.iter_rows(named=True),
            strict=True,
        )
    ]
    return (_as_in_the_headline(options[0], analysis), *options[1:])


def _chances_over_budget(analysis: Analysis) -> dict[str, float]:
    budget, compared = analysis.plan.budget, analysis.compared
    if budget is None or compared is None:
        return {}
    return compared.simulations.chances_over(budget * 10.0**analysis.incident.minor_units)


def _as_in_the_headline(option: Option, analysis: Analysis) -> Option:
    # The comparison simulates all policies together, so its range differs slightly from that of the headline
    # because of simulation error.
    likely = analysis.likely_cash(analysis.headline_basis)
    if likely is None:
        return option
    budget = analysis.uncertainty_table(analysis.headline_basis, "budget")
    chance = None if budget is None else float(budget["exceeded"][0])
    expected = analysis.expected_cash(analysis.headline_basis)
    return Option(option.name, expected, *likely, chance, option.recipients, option.per_recipient)


def option_heads(options: tuple[Option, ...], analysis: Analysis, locale: Locale) -> list[str]:
    """Return the titles of the columns of the table of options: only those of columns with figures."""
    heads = [locale(f"report.option_{column}") for column in ("name", "expected", "range")]
    budget = analysis.plan.budget
    if budget is not None and _have(options, "over_budget"):
        amount = locale.money_in_full(budget * 10**analysis.incident.minor_units)
        heads.append(locale("report.option_over", budget=amount))
    return heads + ([locale("report.option_gains")] if _have(options, "recipients") else [])


def option_grid(options: tuple[Option, ...], analysis: Analysis, locale: Locale) -> Grid:
    """Return the table of options as strings, rounded as on the first screen."""
    titles = option_heads(options, analysis, locale)
    styles = ["", "n", "n", *(["n"] if _have(options, "over_budget") else [])]
    styles += [""] * (len(titles) - len(styles))
    columns = tuple(GridColumn(title, style) for title, style in zip(titles, styles, strict=True))
    return Grid(columns, tuple(_cells(option, options, locale) for option in options))


def _cells(option: Option, options: tuple[Option, ...], locale: Locale) -> tuple[str, ...]:
    has_range = option.low is not None and option.high is not None
    cells = [
        option.name,
        NO_FIGURE if option.expected is None else locale.money(option.expected),
        locale.money_range(option.low or 0.0, option.high or 0.0) if has_range else NO_FIGURE,
    ]
    if _have(options, "over_budget"):
        cells.append(NO_FIGURE if option.over_budget is None else locale.share(option.over_budget))
    if _have(options, "recipients"):
        cells.append(_gains(option, locale))
    return tuple(cells)


def _gains(option: Option, locale: Locale) -> str:
    if option.recipients is None:
        return NO_FIGURE
    count = locale.exact(float(f"{option.recipients:.2g}"))
    if option.per_recipient is None:
        return locale("report.option_recipients", count=count)
    return locale("report.option_paid", count=count, amount=locale.money(option.per_recipient))


def _have(options: tuple[Option, ...], name: str) -> bool:
    """Return whether at least one option has the figure."""
    return any(getattr(option, name) is not None for option in options)
