"""Tables in a notebook, under a line that says what they were made from."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial
from html import escape

import polars as pl
from markupsafe import Markup

from outage_analysis.analysis import Analysis, DisplayUnits, whole_counts
from outage_analysis.assumptions import Ledger
from outage_analysis.claims import Claims
from outage_analysis.incidents import IntakeSeries
from outage_analysis.jupyter.markup import Html, note
from outage_analysis.losses import Cube, GroupedLossesDocument
from outage_analysis.policies import Policy
from outage_analysis.reports import Report
from outage_analysis.text import Locale, grid, style_of


def show_table(
    table: pl.DataFrame,
    source: Analysis | Claims | Cube | Policy | Ledger | GroupedLossesDocument | IntakeSeries,
    *,
    lang: str = "en",
) -> Html:
    """A table under a line that says what it was made from.

    Args:
        table: any frame; its columns keep their names.
        source: an analysis stands for published figures, or for its claims where those give it none;
            claims or a cube for their rows, which are marked when they are synthetic; any page for what
            it says itself.
        lang: en or ko.

    Sums are shown in whole currency where the source knows the currency: analyses, claims and policies do.
    """
    words = Locale(lang)
    if isinstance(source, Analysis) and not source.headline_from_claims:
        mark = words("notebook.published", day=words.day(source.as_of))
    elif isinstance(source, Policy | Ledger | GroupedLossesDocument | IntakeSeries):
        mark = f"{source.name[lang]}."
    else:
        mark = words("notebook.synthetic" if source.synthetic else "notebook.claims")
    sums = _sums(source)
    if sums and (currency := sums.currency_if_converted(table)):
        mark += f" {words('notebook.sums', currency=currency)}"
    if table.is_empty():
        return note(f"{mark} {words('notebook.no_rows')}")
    numeric = [kind.is_numeric() for kind in table.dtypes]
    counted = whole_counts(table)
    told = sums.format_amounts(counted, partial(_shown, words)) if sums else counted
    rows = ([_shown(words, value) for value in row] for row in told.iter_rows())
    drawn = grid(table.columns, rows, lambda column, text: style_of(text, number=numeric[column]))
    return Html(f"<p><em>{escape(mark)}</em></p>\n{drawn}", f"{mark}\n{told}")


def _sums(
    source: Analysis | Claims | Cube | Policy | Ledger | GroupedLossesDocument | IntakeSeries,
) -> DisplayUnits | None:
    """How the sums of a table are written, where its source knows."""
    if isinstance(source, Analysis | Claims):
        return DisplayUnits.from_document(source.incident)
    if isinstance(source, Policy):
        return DisplayUnits.from_document(source)
    return DisplayUnits.from_ledger(source) if isinstance(source, Ledger) else None


def _shown(words: Locale, value: object) -> str:
    """A value as tables of the report show it: every digit of a whole number, two decimals of another."""
    if value is None:
        return "–"
    if isinstance(value, date):
        return words.day(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return words.exact(int(value) if float(value).is_integer() else float(value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def show_grid(report: Report, name: str) -> Html:
    """A table as a report shows it: titles and names in the report's language, every figure in full."""
    if name not in report.grids:
        return note(report.words("notebook.no_rows"))
    made, mark = report.grids[name], report.marked(name)
    told = [[c.striptags() if isinstance(c, Markup) else c for c in row] for row in made.rows]
    titles = [column.title for column in made.columns]
    drawn = grid(titles, told, lambda column, _text: made.columns[column].style)
    opening = note(report.words("notebook.synthetic")).markup if mark else ""
    return Html(opening + drawn, "\n".join("; ".join(row) for row in told))
