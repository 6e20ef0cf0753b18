"""The first sheet: how much, how sure, what drives it, what to decide, why it differs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from outage_analysis.reports.first_screen import promised_range, quarter_profit
from outage_analysis.reports.report import Report
from outage_analysis.reports.table_views import views
from outage_analysis.reports.workbook.cells import (
    Cell,
    Formula,
    Kind,
    Rows,
    Scale,
    amount,
    heads,
    rows_of,
    whole,
)
from outage_analysis.reports.workbook.cost_lines_sheet import why_no_formulas
from outage_analysis.reports.workbook.formulas import CHANGED, Live, quoted
from outage_analysis.reports.workbook.sheet import Page
from outage_analysis.text import capital

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
    locale = report.words
    page.fix(*WIDTHS)
    page.sortable = False
    if report.warning:
        page.say(report.warning, "warning")
    page.open(report.title, report.banner)
    for text, look in ((report.kicker, "text"), (report.policy, "text"), (report.colophon, "note")):
        page.say(text, look)
    page.head(locale("workbook.figures"))
    page.say(locale("workbook.live_intro", sheet=inputs) if live else why_no_formulas(report), "note")
    _figures(page, report, live, figures(report, live, page.book.scale, page.row + 1))
    beside = apart(report, live, page.book.scale, page.row + 3)
    if beside:
        page.head(locale("workbook.apart"))
        _figures(page, report, live, beside)
    told = report.answers
    for key, said in (("drives", told.drives), ("decide", told.decide), ("left_out", told.left_out)):
        if said:
            page.head(locale(f"report.{key}"))
            for text in said:
                page.say(text)
    view = views(report.analysis, report.writer).get("headlines")
    if view is not None:
        page.head(locale("report.differs"))
        page.say(locale("report.differs_text"))
        page.table(_headlines(report, page.book.scale, *view))


def _figures(page: Page, report: Report, live: Live | None, found: list[Figure]) -> None:
    locale = report.words
    if not found:
        page.say(report.tiles[0].note if report.tiles else locale("report.no_headline"), "strong")
        return
    larger = page.book.scale.title()
    titles: list[tuple[str, Kind]] = [
        (locale("workbook.figure"), "text"),
        (locale("workbook.live", unit=locale.unit), "money"),
        (larger, "scaled"),
        (locale("workbook.written", unit=locale.unit), "money"),
        (larger, "scaled"),
        (locale("workbook.error"), "money"),
        (locale("workbook.state"), "text"),
        (locale("column.note"), "text"),
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
    locale = report.words
    texts = rows_of(report.writer, frame, columns).cells
    places = {column: place for place, column in enumerate(columns)}
    unit = 10**locale.minor_units
    cells = []
    for record, told in zip(frame.iter_rows(named=True), texts, strict=True):
        ends = [None if record[end] is None else record[end] * unit for end in ("low", "high")]
        sums = [cell for end in ends for cell in (amount(locale, end), scale.cell(end))]
        rest = [told[places[column]] for column in ("public_on", "facts", "counts")]
        cells.append([told[places["headline"]], *sums, *rest])
    larger = scale.title()
    titles: list[tuple[str, Kind]] = [
        (locale("column.headline"), "text"),
        (locale("column.value_low"), "money"),
        (larger, "scaled"),
        (locale("column.value_high"), "money"),
        (larger, "scaled"),
        (locale("column.public_on"), "day"),
        (locale("column.facts"), "text"),
        (locale("column.counts"), "text"),
    ]
    return Rows(heads(titles), cells)


QUANTILES = ("p10", "p50", "p90", "p95", "p99")
EMPTY = Cell(None)
Pair = tuple[Cell, Cell]
"""An amount in whole currency, and in the larger unit."""
NOTHING: Pair = (EMPTY, EMPTY)


@dataclass(frozen=True)
class Figure:
    """One row of the summary."""

    name: str
    model: Pair
    live: Pair = NOTHING
    error: Cell = EMPTY
    state: Cell = EMPTY
    note: str = ""
    drawn: bool = field(default=False, kw_only=True)
    """Only the model can tell it: it is stale as soon as an input is changed."""

    @property
    def cells(self) -> list[Cell]:
        """As the sheet has them."""
        return [Cell(self.name), *self.live, *self.model, self.error, self.state, Cell(self.note)]


def figures(report: Report, live: Live | None, scale: Scale, row: int) -> list[Figure]:
    """Expected cash, how unsure it is, and what it is weighed against.

    Args:
        report: the figures.
        live: the products, where there are any.
        scale: the larger unit.
        row: the row of the sheet that the first stands in, from 0.
    """
    locale, expected = report.words, report.analysis.expected_cash(_basis(report))
    if expected is None:
        return [*_promised(report, scale), *_claims(report, scale)]
    told = f"=IF({CHANGED}>0,{quoted(locale('workbook.moved'))},{quoted(locale('workbook.same'))})"
    first = Figure(
        locale("report.tile_expected"),
        _model(report, scale, expected),
        _live(live, "cash", row),
        amount(locale, _error(report)),
        EMPTY if live is None else Cell(Formula(told, locale("workbook.same"))),
        _note(report, locale("report.tile_expected")),
    )
    return [
        first,
        *_quantiles(report, live, scale),
        *_budget(report, live),
        *_profit(report, live, expected, row),
        *_promised(report, scale),
        *_claims(report, scale),
    ]


def apart(report: Report, live: Live | None, scale: Scale, row: int) -> list[Figure]:
    """Free goods at face value, lines without detail, handling: each for itself, never added."""
    locale, table = report.words, report.analysis.tables.get("quantiles")
    if table is None:
        return []
    notes = {"face_value": _note(report, locale("report.tile_free"))}
    told = table.filter(pl.col("valuation") != "cash", measure="expected")
    return [
        Figure(
            locale("report.tile_free") if valuation == "face_value" else capital(locale(f"word.{valuation}")),
            _model(report, scale, value),
            _live(live, valuation, place),
            amount(locale, error),
            note=notes.get(valuation, ""),
        )
        for place, (valuation, value, error) in enumerate(
            told.select("valuation", "value", "error").rows(), start=row
        )
    ]


def _basis(report: Report) -> str:
    """What the headline rests on."""
    return report.analysis.headline_basis or "published"


def _model(report: Report, scale: Scale, value: float) -> Pair:
    return amount(report.words, value), scale.cell(value)


def _live(live: Live | None, valuation: str, row: int) -> Pair:
    """The live total of a valuation that stands in a row."""
    if live is None or valuation not in live.valuations:
        return NOTHING
    total = live.total(valuation)
    larger = live.scaled(f"B{row + 1}", float(total.cached))
    return Cell(total, "money", "total"), Cell(larger, "scaled", "total")


def _stale(report: Report, live: Live | None) -> Cell:
    """Whether what the model drew still belongs to the inputs."""
    locale = report.words
    told = f"=IF({CHANGED}>0,{quoted(locale('workbook.stale'))},{quoted(locale('workbook.current'))})"
    return EMPTY if live is None else Cell(Formula(told, locale("workbook.current")))


def _quantiles(report: Report, live: Live | None, scale: Scale) -> list[Figure]:
    locale, table = report.words, report.analysis.tables.get("quantiles")
    if table is None:
        return []
    found = {row["measure"]: row for row in table.filter(valuation="cash").rows(named=True)}
    return [
        Figure(
            locale(f"word.{measure}"),
            _model(report, scale, row["value"]),
            error=amount(locale, row["error"]),
            state=_stale(report, live),
            drawn=True,
        )
        for measure in QUANTILES
        if (row := found.get(measure))
    ]


def _budget(report: Report, live: Live | None) -> list[Figure]:
    locale, table = report.words, report.analysis.uncertainty_table(_basis(report), "budget")
    if table is None:
        return []
    row: dict[str, Any] = table.row(0, named=True)
    title = locale("report.tile_budget", budget=locale.stated(row["budget"]))
    chance, error = Cell(row["exceeded"], "share"), Cell(row["error"], "share")
    return [
        Figure(
            title,
            (chance, EMPTY),
            error=error,
            state=_stale(report, live),
            note=_note(report, title),
            drawn=True,
        )
    ]


def _profit(report: Report, live: Live | None, expected: float, row: int) -> list[Figure]:
    locale, profit = report.words, quarter_profit(report.analysis)
    if not profit:
        return []
    share, told = Cell(locale.rounded(expected / profit, 10), "share"), EMPTY
    if live is not None and "cash" in live.valuations:
        told = Cell(
            Formula(f"=B{row + 1}/{round(whole(locale, profit))}", locale.rounded(expected / profit, 10)),
            "share",
        )
    note = _note(report, locale("report.tile_profit"))
    return [Figure(locale("workbook.profit_share"), (share, EMPTY), (told, EMPTY), note=note)]


def _promised(report: Report, scale: Scale) -> list[Figure]:
    """What is promised if all are paid: of the policy and a published count, so that no rate moves it."""
    locale, found = report.words, promised_range(report.analysis)
    note = _note(report, locale("report.tile_promised"))
    ends = zip(("low", "high"), found[1:], strict=True) if found else ()
    return [
        Figure(locale(f"workbook.promised_{end}"), _model(report, scale, value), note=note)
        for end, value in ends
    ]


def _claims(report: Report, scale: Scale) -> list[Figure]:
    """The expected cash of the claims given, where the headline is another."""
    locale, a = report.words, report.analysis
    basis = next((b for b in ("claims", "synthetic") if b in a.runs and b != a.headline_basis), "")
    expected = a.expected_cash(basis) if basis else None
    if expected is None:
        return []
    title = locale("report.tile_claims")
    name = f"{title} ({locale('workbook.synthetic')})" if basis == "synthetic" else title
    return [Figure(name, _model(report, scale, expected), note=_note(report, title))]


def _error(report: Report) -> float:
    """One standard error of the expected cash: none, but where it is the mean of the draws."""
    table = report.analysis.tables.get("quantiles")
    found = [] if table is None else table.filter(valuation="cash", measure="expected")["error"].to_list()
    return float(found[0]) if found else 0.0


def _note(report: Report, title: str) -> str:
    """What the first screen says of a figure."""
    return next((tile.note for tile in report.tiles if tile.title == title), "")
