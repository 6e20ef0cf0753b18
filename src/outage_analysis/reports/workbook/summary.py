"""The first sheet: how much, how sure, what drives it, what to decide, why it differs."""

from __future__ import annotations

import polars as pl

from outage_analysis.reports.contents import views
from outage_analysis.reports.report import Report
from outage_analysis.reports.workbook.cells import Kind, Rows, Scale, amount, heads, rows_of
from outage_analysis.reports.workbook.figures import Figure, apart, figures
from outage_analysis.reports.workbook.formulas import CHANGED, Live
from outage_analysis.reports.workbook.lines import why_no_formulas
from outage_analysis.reports.workbook.page import Page

WIDTHS = (42, 17, 13, 17, 13, 15, 30, 52)
STALE_INK = "#A33A00"


def write_summary(page: Page, report: Report, live: Live | None, inputs: str) -> None:
    """The figures of the first screen, those that formulas keep up to date beside those of the model.

    Args:
        page: an empty sheet.
        report: the figures.
        live: the products, where there are any.
        inputs: the name of the sheet of the inputs.
    """
    w = report.words
    page.fix(*WIDTHS)
    page.sortable = False
    if report.warning:
        page.say(report.warning, "warning")
    page.open(report.title, report.banner)
    for text, look in ((report.kicker, "text"), (report.policy, "text"), (report.colophon, "note")):
        page.say(text, look)
    page.head(w("workbook.figures"))
    page.say(w("workbook.live_intro", sheet=inputs) if live else why_no_formulas(report), "note")
    _figures(page, report, live, figures(report, live, page.book.scale, page.row + 1))
    beside = apart(report, live, page.book.scale, page.row + 3)
    if beside:
        page.head(w("workbook.apart"))
        _figures(page, report, live, beside)
    told = report.answers
    for key, said in (("drives", told.drives), ("decide", told.decide), ("left_out", told.left_out)):
        if said:
            page.head(w(f"report.{key}"))
            for text in said:
                page.say(text)
    view = views(report.analysis, report.writer).get("headlines")
    if view is not None:
        page.head(w("report.differs"))
        page.say(w("report.differs_text"))
        page.table(_headlines(report, page.book.scale, *view))


def _figures(page: Page, report: Report, live: Live | None, found: list[Figure]) -> None:
    w = report.words
    if not found:
        page.say(report.tiles[0].note if report.tiles else w("report.no_headline"), "strong")
        return
    larger = page.book.scale.title()
    titles: list[tuple[str, Kind]] = [
        (w("workbook.figure"), "text"),
        (w("workbook.live", unit=w.unit), "money"),
        (larger, "scaled"),
        (w("workbook.written", unit=w.unit), "money"),
        (larger, "scaled"),
        (w("workbook.error"), "money"),
        (w("workbook.state"), "text"),
        (w("column.note"), "text"),
    ]
    placed = page.table(Rows(heads(titles), [figure.cells for figure in found]))
    if live is None:
        return
    look = page.book.workbook.add_format({"font_color": STALE_INK, "bold": True})
    rule = {"type": "formula", "criteria": f"={CHANGED}>0", "format": look}
    for row, figure in enumerate(found, start=placed.first):
        if figure.drawn:
            page.sheet.conditional_format(row, 0, row, len(titles) - 2, rule)


def _headlines(report: Report, scale: Scale, frame: pl.DataFrame, columns: list[str]) -> Rows:
    """What others said, under the columns of the figures: each end in both units."""
    w = report.words
    texts = rows_of(report.writer, frame, columns).cells
    places = {column: place for place, column in enumerate(columns)}
    unit = 10**w.minor_units
    cells = []
    for record, told in zip(frame.iter_rows(named=True), texts, strict=True):
        ends = [None if record[end] is None else record[end] * unit for end in ("low", "high")]
        sums = [cell for end in ends for cell in (amount(w, end), scale.cell(end))]
        rest = [told[places[column]] for column in ("public_on", "facts", "counts")]
        cells.append([told[places["headline"]], *sums, *rest])
    larger = scale.title()
    titles: list[tuple[str, Kind]] = [
        (w("column.headline"), "text"),
        (w("column.value_low"), "money"),
        (larger, "scaled"),
        (w("column.value_high"), "money"),
        (larger, "scaled"),
        (w("column.public_on"), "day"),
        (w("column.facts"), "text"),
        (w("column.counts"), "text"),
    ]
    return Rows(heads(titles), cells)
