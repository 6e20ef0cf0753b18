"""Tables in a notebook, under a line that says what they were made from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from html import escape

import polars as pl
from markupsafe import Markup

from outage_analysis.assumptions import Ledger
from outage_analysis.claims import Claims
from outage_analysis.cube import Cube
from outage_analysis.intakes import IntakeSeries
from outage_analysis.labels import Words
from outage_analysis.notebook.markup import Html, note
from outage_analysis.pipeline import Analysis
from outage_analysis.policies import Policy
from outage_analysis.reports.report import Report
from outage_analysis.severity.page import GroupedPage

LONGEST_UNBROKEN = 24
"""Up to here a cell keeps its text on one line: ids, days."""


def show_table(
    table: pl.DataFrame,
    source: Analysis | Claims | Cube | Policy | Ledger | GroupedPage | IntakeSeries,
    *,
    lang: str = "en",
) -> Html:
    """A table under a line that says what it was made from.

    Args:
        table: any frame; its columns keep their names.
        source: an analysis stands for published figures; claims or a cube for their rows, which are
            marked when they are synthetic; any page for what it says itself.
        lang: en or ko.
    """
    words = Words(lang)
    if isinstance(source, Analysis):
        mark = words("notebook.published", day=words.day(source.as_of))
    elif isinstance(source, Policy | Ledger | GroupedPage | IntakeSeries):
        mark = f"{source.name[lang]}."
    else:
        mark = words("notebook.synthetic" if source.synthetic else "notebook.claims")
    if table.is_empty():
        return note(f"{mark} {words('notebook.no_rows')}")
    heads = "".join(f"<th{_class(kind, c)}>{escape(c)}</th>" for c, kind in table.schema.items())
    rows = "".join(f"<tr>{_cells(row, table, words)}</tr>\n" for row in table.iter_rows())
    return Html(f"<p><em>{escape(mark)}</em></p>\n{_scrolling(heads, rows)}", f"{mark}\n{table}")


def _scrolling(heads: str, rows: str) -> str:
    """A table that may be wider than its place; the keyboard reaches it."""
    table = f"<table><thead><tr>{heads}</tr></thead>\n<tbody>{rows}</tbody></table>"
    return f'<div class="outage-grid" tabindex="0">{table}</div>'


def _cells(row: tuple[object, ...], table: pl.DataFrame, words: Words) -> str:
    cells = zip((_shown(value, words) for value in row), table.dtypes, strict=True)
    return "".join(f"<td{_class(kind, text)}>{escape(text)}</td>" for text, kind in cells)


def _class(kind: pl.DataType, text: str) -> str:
    short = ' class="d"' if len(text) <= LONGEST_UNBROKEN else ""
    return ' class="n"' if kind.is_numeric() else short


def _shown(value: object, words: Words) -> str:
    """A value as tables of the report show it: every digit of a whole number, two decimals of another."""
    if value is None:
        return "–"
    if isinstance(value, date):
        return words.day(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return words.exact(float(value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def show_grid(report: Report, name: str) -> Html:
    """A table as a report shows it: titles and names in the report's language, every figure in full."""
    if name not in report.grids:
        return note(report.words("notebook.no_rows"))
    grid, mark = report.grids[name], report.analysis.marked(name)
    told = [[c.striptags() if isinstance(c, Markup) else c for c in row] for row in grid.rows]
    styles = [f' class="{c.style}"' if c.style else "" for c in grid.columns]

    def cells(tag: str, texts: Iterable[str]) -> str:
        pairs = zip(styles, texts, strict=True)
        return "".join(f"<{tag}{style}>{escape(text)}</{tag}>" for style, text in pairs)

    body = "".join(f"<tr>{cells('td', row)}</tr>\n" for row in told)
    opening = note(report.words("notebook.synthetic")).markup if mark else ""
    markup = opening + _scrolling(cells("th", (c.title for c in grid.columns)), body)
    return Html(markup, "\n".join("; ".join(row) for row in told))
