"""Show tables in a notebook, under a line that names their source."""

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
from outage_analysis.text import Locale, cell_class, html_table


def show_table(
    table: pl.DataFrame,
    source: Analysis | Claims | Cube | Policy | Ledger | GroupedLossesDocument | IntakeSeries,
    *,
    lang: str = "en",
) -> Html:
    """Show a table under a line that names its source and marks synthetic data.

    If the source has a currency, as analyses, claims, policies and ledgers do, amounts are shown in whole
    currency units.

    Args:
        table: any data frame; its columns keep their names.
        source: what the table was computed from. For an analysis the line names its published figures, or its
            claims if the cost is computed from claims. For claims or a cube, the line states whether they are
            synthetic. For a TOML document, the line states the name of the document.
        lang: en or ko.
    """
    locale = Locale(lang)
    if isinstance(source, Analysis) and not source.headline_from_claims:
        mark = locale("notebook.published", day=locale.day(source.as_of))
    elif isinstance(source, Policy | Ledger | GroupedLossesDocument | IntakeSeries):
        mark = f"{source.name[lang]}."
    else:
        mark = locale("notebook.synthetic" if source.synthetic else "notebook.claims")
    units = _display_units(source)
    if units and (currency := units.currency_if_converted(table)):
        mark += f" {locale('notebook.sums', currency=currency)}"
    if table.is_empty():
        return note(f"{mark} {locale('notebook.no_rows')}")
    numeric = [kind.is_numeric() for kind in table.dtypes]
    counted = whole_counts(table)
    formatted = units.format_amounts(counted, partial(_format_value, locale)) if units else counted
    rows = ([_format_value(locale, value) for value in row] for row in formatted.iter_rows())
    html = html_table(table.columns, rows, lambda column, text: cell_class(text, number=numeric[column]))
    return Html(f"<p><em>{escape(mark)}</em></p>\n{html}", f"{mark}\n{formatted}")


def _display_units(
    source: Analysis | Claims | Cube | Policy | Ledger | GroupedLossesDocument | IntakeSeries,
) -> DisplayUnits | None:
    """Return the currency units in which to show a source's amounts; None if the source has no currency."""
    if isinstance(source, Analysis | Claims):
        return DisplayUnits.from_document(source.incident)
    if isinstance(source, Policy):
        return DisplayUnits.from_document(source)
    return DisplayUnits.from_ledger(source) if isinstance(source, Ledger) else None


def _format_value(locale: Locale, value: object) -> str:
    """Format a value as in the report's tables: whole numbers in full, others with two decimals."""
    if value is None:
        return "–"
    if isinstance(value, date):
        return locale.day(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return locale.exact(int(value) if float(value).is_integer() else float(value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def show_grid(report: Report, name: str) -> Html:
    """Show a table of a report, with translated column titles and names and with all digits.

    Args:
        report: the report.
        name: the key of the table in `report.grids`, such as cost or headlines.
    """
    if name not in report.grids:
        return note(report.locale("notebook.no_rows"))
    table, mark = report.grids[name], report.table_is_synthetic(name)
    rows = [[c.striptags() if isinstance(c, Markup) else c for c in row] for row in table.rows]
    titles = [column.title for column in table.columns]
    html = html_table(titles, rows, lambda column, _text: table.columns[column].style)
    opening = note(report.locale("notebook.synthetic")).markup if mark else ""
    return Html(opening + html, "\n".join("; ".join(row) for row in rows))
