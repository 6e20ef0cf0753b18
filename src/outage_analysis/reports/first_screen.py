"""Content of the report's first screen: key figures, sentences, and the options of the decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from outage_analysis.analysis import (
    MAX_NAMED_LINES,
    Analysis,
    budget_scope,
    driver_sentences,
    headline_sentences,
    input_notes,
    narrowing_sentence,
    parts_left_out,
    promised_range,
    recommendation,
    reserve_column,
    unstated_notes,
)
from outage_analysis.costs import UNSTATED, sensitivity
from outage_analysis.reports.blocks import Answers, Grid, GridColumn, Option, Tile
from outage_analysis.text import Column, Locale, short_names

MATTERS = 0.1
"""An option is named among the decisions if it changes the expected cost by at least this share."""


def tiles(analysis: Analysis, locale: Locale) -> list[Tile]:
    """Return the key figures (tiles) of the first screen of a report, in reading order."""
    published = [_expected_tile, _budget_tile, _promised_tile, _free_goods_tile]
    # The figure from claims comes first if published counts give no expected cash cost and no cost line
    # refers to a published count.
    cited = any(line.published_count for line in analysis.policy.schedules)
    counted = cited or analysis.expected_cash() is not None
    order = [*published, _claims_tile] if counted else [_claims_tile, *published[1:]]
    return [tile for make in order if (tile := make(analysis, locale)) is not None]


def _expected_tile(analysis: Analysis, locale: Locale) -> Tile | None:
    total, expected = analysis.totals_row("published"), analysis.expected_cash()
    title = locale("report.tile_expected")
    if total is None or expected is None:
        return Tile(title, "–", locale("report.no_headline"))
    # If inputs depend on each other, the mean can lie outside the bounds, which are computed for independent
    # inputs. The bounds are then widened to include the mean.
    low, high = min(total["low"] or 0.0, expected), total["high"] and max(total["high"], expected)
    key = "tile_expected_unbounded" if high is None else "tile_expected_note"
    ends = {"low": locale.money(low), "high": "" if high is None else locale.money(high)}
    bounds = locale(f"report.{key}", total=_upper_bound_text(total["most"], locale), **ends)
    rows = analysis.exact_tables["costs"].filter(basis="published", level="line", valuation="cash")
    counted, names = rows.filter(pl.col("expected").is_not_null())["line"], analysis.names(locale.lang)
    scope = ", ".join(names.get(x, x) for x in counted)
    scope = f"{locale('report.tile_scope', lines=scope)} " if 0 < len(counted) <= MAX_NAMED_LINES else ""
    likely = _likely_range(analysis, locale, "published")
    return Tile(title, locale.money(expected), f"{likely}{scope}{bounds}", likely=likely)


def _upper_bound_text(most: float | None, locale: Locale) -> str:
    """Return a text that states the largest possible total, or that the total has no upper limit."""
    open_end = locale("report.total_open")
    return open_end if most is None else locale("report.total_most", most=locale.money(most))


def _likely_range(analysis: Analysis, locale: Locale, basis: str) -> str:
    """Return the likely range of the cash cost as text; empty if the cost was not simulated."""
    likely = analysis.likely_cash(basis)
    if likely is None:
        return ""
    low, high = map(locale.money, likely)
    return locale("report.tile_likely_one" if low == high else "report.tile_likely", low=low, high=high) + " "


def _budget_tile(analysis: Analysis, locale: Locale) -> Tile | None:
    basis = next((b for b in analysis.runs if analysis.uncertainty_table(b, "budget") is not None), "")
    table = analysis.uncertainty_table(basis, "budget")
    if table is None:
        return None
    row = table.row(0, named=True)
    title = locale("report.tile_budget", budget=locale.money_in_full(row["budget"]))
    error = locale("report.tile_budget_error", error=locale.number(locale.rounded(100 * row["error"], 1)))
    note = f"{budget_scope(analysis, basis, locale)} {error}"
    return Tile(title, locale.share(row["exceeded"]), note, synthetic=basis == "synthetic")


def _promised_tile(analysis: Analysis, locale: Locale) -> Tile | None:
    promised = promised_range(analysis)
    if promised is None:
        return None
    line, count, low, high = promised
    several = "report.tile_promised_note" if low < high else "report.tile_promised_one"
    note, title = locale(several, count=locale.number(count)), "report.tile_promised"
    if any(rule.review for _, rule in line.positive_bands):
        note, title = f"{note} {locale('report.tile_promised_review')}", "report.tile_promised_tiers"
    return Tile(locale(title), locale.money_range(low, high), note)


def _free_goods_tile(analysis: Analysis, locale: Locale) -> Tile | None:
    total = analysis.totals_row("published", "face_value")
    if total is None or total["expected"] is None:
        return None
    return Tile(locale("report.tile_free"), locale.money(total["expected"]), free_note(analysis, locale))


def free_note(analysis: Analysis, locale: Locale) -> str:
    """Return the note on goods that are given away, which states the total promised at list price.

    If the promised amount of some goods is unknown, the note states for how many.
    """
    goods = analysis.exact_tables["costs"].filter(
        pl.col("expected").is_not_null(), level="line", valuation="face_value"
    )
    if goods["promised"].null_count():  # some promised amounts are unknown, so there is no total
        return locale("report.tile_free_known", count=locale.number(goods["promised"].null_count()))
    return locale("report.tile_free_note", promised=locale.money(float(goods["promised"].sum())))


def _claims_tile(analysis: Analysis, locale: Locale) -> Tile | None:
    total = analysis.totals_row("claims") or analysis.totals_row("synthetic")
    if total is None:
        return None
    lines, high = analysis.exact_tables["claims_costs"].filter(level="line"), total["high"]
    basis = str(lines["basis"][0])
    likely, key = _likely_range(analysis, locale, basis), "made" if analysis.synthetic else "note"
    missing = dict.fromkeys(" ".join(lines["missing"].fill_null("")).split())
    if total["expected"] is None:
        unstated = UNSTATED in lines["status"]
        likely, key = "", "unstated" if unstated else "none" if missing else "bands"
    elif high is None:
        likely, key = "", "open"
    note = locale(
        f"report.tile_claims_{key}",
        count=locale.number(sum(c.claims for n, c in analysis.cubes.items() if n == "cost")),
        low=locale.money(total["low"] or 0.0),
        high="–" if high is None else locale.money(high),
        total=_upper_bound_text(total["most"], locale),
        missing=", ".join(locale(f"word.{name}") for name in missing),
    )
    expected = analysis.expected_cash(basis)
    amount = "–" if expected is None else locale.money(expected)
    title = locale("report.tile_claims")
    return Tile(title, amount, likely + note, synthetic=analysis.synthetic, likely=likely)


def sentences(analysis: Analysis, locale: Locale, names: Mapping[str, str]) -> Answers:
    """Return the first screen's sentences on cost drivers, decisions and what the cost leaves out."""
    headline, options = headline_sentences(analysis, locale), decision_options(analysis, locale)
    rates = tuple(input_notes(analysis, locale))
    recommended = (*recommendation(analysis, locale), *_largest_change(options, locale))
    levers = analysis.exact_tables["levers"]
    several = levers["line"].n_unique() > 1
    changes = (
        locale(
            f"report.decide_{row['lever']}",
            line=locale("report.of_line", line=names.get(row["line"], row["line"])) if several else "",
            step=locale.money(row["step"]) if row["lever"] == "award" else "",
            adds=locale.money(row["adds"]),
        )
        for row in levers.iter_rows(named=True)
    )
    bounded = "not_counted_claims" if analysis.headline_from_claims else "not_counted"
    left_out = _without(bounded, analysis.bounded_lines, locale, names)
    left_out += _without("lines_apart", analysis.published_lines_left_out, locale, names)
    left_out += unstated_notes(analysis, locale, first_screen=True)
    left_out += [] if headline else [*rates, *parts_left_out(analysis, locale)]
    if analysis.claims is not None and "cost" in analysis.cubes:
        # Synthetic claims with a later date were generated from a count that was published later. They
        # therefore have a sentence of their own.
        key = "report.later_rows" if analysis.synthetic else "report.later_claims"
        if later := len(analysis.claims) - analysis.cubes["cost"].claims:
            left_out.append(locale(key, count=locale.number(later), day=locale.day(analysis.as_of)))
    if any(run.portfolio.has_correlated_inputs("cash") for run in analysis.runs.values()):
        left_out.append(locale("report.tied"))
    if unpriced := analysis.unpriced_lines:
        left_out.append(locale("report.no_figure", count=len(unpriced)))
    left_out += _without("dropped", analysis.dropped_lines, locale, names)
    left_out += _without("budget_left_out", analysis.lines_outside_budget, locale, names)
    return Answers(
        headline=headline and headline + rates,
        narrows=narrowing_sentence(analysis, locale),
        reserve=_reserve_lines(analysis, locale),
        recommended=recommended,
        options=options,
        drives=tuple(driver_sentences(analysis, locale)),
        decide=recommended if options else tuple(changes),
        left_out=tuple(left_out),
    )


def _without(key: str, lines: Iterable[str], locale: Locale, names: Mapping[str, str]) -> list[str]:
    """Return a sentence that names cost lines; none if there are no lines."""
    named = ", ".join(names.get(line, line) for line in lines)
    return [locale(f"report.{key}", lines=named)] if named else []


def _reserve_lines(analysis: Analysis, locale: Locale) -> tuple[tuple[str, str], ...]:
    """Return the amounts to set aside by measure: label, and amount of the cash with the handling."""
    table = analysis.exact_tables.get("reserve")
    if table is None:
        return ()
    rows = table.select("measure", reserve_column(analysis)).iter_rows()
    labels = {"mean": locale("report.live_mean"), "p50": locale("report.live_median")}
    for percent in (75, 90):
        labels[f"p{percent}"] = locale("report.reserve_above", percent=percent, above=100 - percent)
    return tuple((labels[name], locale.money(amount)) for name, amount in rows if amount is not None)


def _largest_change(options: Sequence[Option], locale: Locale) -> list[str]:
    """Return the sentence on the option that changes the expected cost most; [] if none does so clearly."""
    costs = {option.name: option.expected for option in options if option.expected is not None}
    if len(costs) < 2:  # noqa: PLR2004 - the announced policy and another
        return []
    base = next(iter(costs.values()))
    name = max(costs, key=lambda name: abs(costs[name] - base))
    if abs(costs[name] - base) < MATTERS * base:
        return []
    amounts = {"expected": locale.money(costs[name]), "base": locale.money(base)}
    return [locale("report.options_largest", name=name, **amounts)]


NO_FIGURE = "–"
"""Placeholder in a cell without a figure."""
FIGURES = ("expected", "range_low", "range_high", "over_budget", "recipients", "per_recipient")
"""The columns of the tables of scenarios and of compared policies that an option shows."""


def decision_options(analysis: Analysis, locale: Locale) -> tuple[Option, ...]:
    """Return the options of the first screen, starting with the announced policy; empty without options.

    If the analysis compares policies, return the policies; otherwise the scenarios that are decisions of the
    company. The figures of the first option are those of the headline.
    """
    if analysis.compared is None:
        table = analysis.exact_tables.get("scenarios", pl.DataFrame({"scenario": [], "status": []}))
        found = {row["scenario"]: row for row in table.filter(status="ok").iter_rows(named=True)}
        decisions = [
            scenario
            for scenario in sensitivity.load_scenarios().scenarios
            if scenario.id in found
            and {*scenario.changes} <= {"effort", "extra_days", "award_factor", "acceptance_odds_ratio"}
        ]
        names = [locale("report.scenario_base"), *(scenario.name[locale.lang] for scenario in decisions)]
        base = table.filter(scenario="base").to_dicts() if decisions else []
        rows = [*base, *(found[scenario.id] for scenario in decisions)]
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
