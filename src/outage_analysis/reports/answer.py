"""The answer of a report: how much, how sure, what would narrow it, and the amounts to set aside."""

from __future__ import annotations

import polars as pl

from outage_analysis.analysis import MAX_NAMED_LINES, Analysis, counted_notes, narrowing_input
from outage_analysis.costs import rounded_estimate
from outage_analysis.reports.options import decision_rows
from outage_analysis.text import Locale, short_names


def headline_sentences(analysis: Analysis, locale: Locale) -> tuple[str, ...]:
    """Return the cash with its scope, median, mean and range, and what the figure does not include."""
    basis = analysis.headline_basis
    points = _quantiles(analysis, "cash")
    likely = analysis.likely_range
    if not {"expected", "p50", likely.low, likely.high} <= set(points):
        return ()
    certain = points[likely.low] == points[likely.high] == points["expected"]
    first = locale(
        "report.answer_certain" if certain else "report.answer_cash",
        scope=_scope(analysis, locale, basis),
        median=locale.money(points["p50"]),
        high=locale.money(points[likely.high]),
        above=locale.share(round(1 - likely.upper, 4)),
        mean=locale.money(points["expected"]),
        low=locale.money(points[likely.low]),
    )
    if analysis.compared is not None:
        first = f"{first} {locale('report.answer_options', count=len(analysis.tables['comparison']))}"
    first = " ".join([*counted_notes(analysis, locale), first])
    return (first, *_budget_chance(analysis, locale), *_not_in_it(analysis, locale))


def _budget_chance(analysis: Analysis, locale: Locale) -> list[str]:
    table = analysis.uncertainty_table(analysis.headline_basis, "budget")
    if table is None:
        return []
    row = table.row(0, named=True)
    return [
        locale(
            "report.answer_budget",
            budget=locale.money_in_full(row["budget"]),
            chance=locale.share(row["exceeded"]),
            together=locale.share(row["stressed"]),
        )
    ]


def _quantiles(analysis: Analysis, valuation: str) -> dict[str, float]:
    """Return the mean (`expected`) and the quantiles of a valuation, by measure; {} without a simulation."""
    table = analysis.uncertainty_table(analysis.headline_basis, "quantiles")
    total = analysis.totals_row(analysis.headline_basis, valuation)
    if table is None or total is None or total["expected"] is None:
        return {}
    found = dict(table.filter(valuation=valuation).select("measure", "value").iter_rows())
    # With correlated inputs the mean of the draws is the expected cash, not the product of the means.
    cash = analysis.expected_cash(analysis.headline_basis) if valuation == "cash" else None
    return {**found, "expected": float(total["expected"] if cash is None else cash)}


def _scope(analysis: Analysis, locale: Locale, basis: str) -> str:
    costs = analysis.tables["costs" if basis == "published" else "claims_costs"]
    rows = costs.filter(pl.col("expected").is_not_null(), level="line", valuation="cash")
    lines, names = rows["line"].to_list(), analysis.names(locale.lang)
    if len(lines) <= MAX_NAMED_LINES:
        return ", ".join(short_names([names.get(line, line) for line in lines]))
    return locale("report.answer_lines", count=len(lines))


def _not_in_it(analysis: Analysis, locale: Locale) -> list[str]:
    parts, likely = [], analysis.likely_range
    if handling := _quantiles(analysis, "handling").get("p50"):
        parts.append(locale("report.answer_handling", median=locale.money(handling)))
    points, total = _quantiles(analysis, "top_down"), analysis.totals_row("published", "top_down")
    if total is not None and total["promised"] and {likely.low, likely.high} <= set(points):
        parts.append(
            locale(
                "report.answer_announced",
                announced=locale.money(total["promised"]),
                range=locale(
                    "report.low_to_high",
                    low=locale.money(points[likely.low]),
                    high=locale.money(points[likely.high]),
                ),
            )
        )
    unpriced = len(analysis.unpriced_lines)
    if unpriced:
        parts.append(locale("report.answer_unpriced", count=unpriced))
    if not parts:
        return []
    *first, last = parts
    named = locale("report.answer_and").join([", ".join(first), last]) if first else last
    return [locale("report.answer_without", parts=named)]


def narrowing_sentence(analysis: Analysis, locale: Locale) -> tuple[str, ...]:
    """Return a sentence on how wide the likely range would be, on average, if one input were known."""
    found = narrowing_input(analysis)
    if found is None:
        return ()
    assumption, width, now, is_narrower = found
    name = analysis.names(locale.lang).get(assumption, assumption).split(":")[0]
    known = rounded_estimate(width)
    return (
        locale(
            f"report.narrows_{'most' if is_narrower else 'none'}",
            name=name,
            width=locale.money(known.value),
            error=locale.money(known.error),
            now=locale.money(now.value),
        ),
    )


def choice_sentences(analysis: Analysis, locale: Locale) -> list[str]:
    """Return one sentence per scenario that is a decision: what it would cost, and how much more."""
    return [
        locale(
            "report.choice_more" if row["change"] >= 0 else "report.choice_less",
            name=scenario.name[locale.lang],
            expected=locale.money(row["expected"]),
            change=locale.money(abs(row["change"])),
            high=locale.money(row["range_high"]),
        )
        for scenario, row in decision_rows(analysis)
    ]


def reserve_lines(analysis: Analysis, locale: Locale) -> tuple[tuple[str, str], ...]:
    """Return the amounts to set aside by measure: label and amount of the cash, without handling."""
    table = analysis.tables.get("reserve")
    if table is None:
        return ()
    rows = table.select("measure", "cash").iter_rows()
    labels = {"mean": locale("report.live_mean"), "p50": locale("report.live_median")}
    return tuple(
        (labels.get(name, name.upper()), locale.money(amount)) for name, amount in rows if amount is not None
    )
