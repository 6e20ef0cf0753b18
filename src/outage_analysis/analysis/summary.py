"""Figures and notes of an analysis in words: for its card and for the chance of exceeding the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.text import Locale

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis

MAX_NAMED_LINES = 2
"""Summaries name at most this many cost lines; for more lines they state the number."""


def budget_scope(analysis: Analysis, basis: str, locale: Locale) -> str:
    """Return sentences on the probability of exceeding the budget and the cost lines that it includes.

    The sentences state the probability if all inputs are correlated, the cost lines that it includes, and the
    number of lines that it leaves out.

    Args:
        analysis: the analysis; without a budget the result is an empty text.
        basis: the data source of the simulation: `published`, `claims` or `synthetic`.
        locale: the language.
    """
    table = analysis.uncertainty_table(basis, "budget")
    if table is None:
        return ""
    row, names = table.row(0, named=True), analysis.names(locale.lang)
    counted, omitted = row["counted"].split(), row["left_out"].split()
    lines = ", ".join(names.get(x, x) for x in counted)
    sentences = [
        locale("report.budget_stressed", share=locale.share(row["stressed"])),
        locale("report.budget_counts", lines=lines)
        if len(counted) <= MAX_NAMED_LINES
        else locale("report.budget_counts_many", count=len(counted)),
    ]
    if omitted:
        sentences.append(locale("report.budget_omits", count=len(omitted)))
    return " ".join(sentences)


def cash_texts(analysis: Analysis, basis: str, locale: Locale) -> tuple[str, ...]:
    """Format the expected cash and the likely range of a data source, rounded as on the first screen."""
    expected, likely = analysis.expected_cash(basis), analysis.likely_cash(basis) or (None, None)
    return tuple("–" if value is None else locale.money(value) for value in (expected, *likely))


def card_notes(analysis: Analysis, locale: Locale) -> list[str]:
    """Return the notes of the notebook summary: chance to exceed the budget, lines left out, table names."""
    budget = analysis.uncertainty_table(analysis.headline_basis, "budget")
    notes = [] if analysis.bases else [locale("report.no_headline")]
    if budget is not None:
        row = budget.row(0, named=True)
        chance = locale("report.tile_budget", budget=locale.money_in_full(row["budget"]))
        scope = budget_scope(analysis, analysis.headline_basis, locale)
        notes.append(f"{chance}: {locale.share(row['exceeded'])}. {scope}")
    left_out = (analysis.bounded_lines, analysis.unpriced_lines, analysis.dropped_lines)
    bounded, unpriced, later = (locale.number(len(lines)) for lines in left_out)
    if any(left_out):
        notes.append(locale("card.left_out", bounded=bounded, silent=unpriced, later=later))
    notes += analysis.unstated_notes(locale, first_screen=True)
    return [*notes, locale("card.tables", names=", ".join(analysis.tables))]
