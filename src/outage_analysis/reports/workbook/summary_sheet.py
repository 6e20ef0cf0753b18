"""Write the summary sheet: the answer, expected cost, uncertainty, drivers, decisions and reserve."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from outage_analysis.analysis import promised_range
from outage_analysis.reports.options import option_heads
from outage_analysis.reports.report import Report
from outage_analysis.reports.workbook.cells import (
    Cell,
    CellKind,
    Formula,
    LargerUnit,
    SheetTable,
    column_heads,
    money_cell,
)
from outage_analysis.reports.workbook.cost_lines_sheet import no_formulas_reason
from outage_analysis.reports.workbook.formulas import CHANGED_INPUTS_NAME, LiveFormulas, quoted_text
from outage_analysis.reports.workbook.sheet import SheetWriter
from outage_analysis.text import capitalized

COLUMN_WIDTHS = (40, 17, 13, 17, 13, 13, 24, 50)
STALE_INK = "#A33A00"


def write_summary(sheet: SheetWriter, report: Report, live: LiveFormulas | None, inputs: str) -> None:
    """Write the summary sheet: live formulas beside the model's values, and explanations.

    Args:
        sheet: the writer of an empty sheet.
        report: the content of the report.
        live: the live formulas of the workbook; None if it has none.
        inputs: the name of the sheet with the inputs.
    """
    locale = report.locale
    sheet.set_column_widths(*COLUMN_WIDTHS)
    sheet.sortable, sheet.one_page = False, True
    if report.warning:
        sheet.write_paragraph(report.warning, "warning")
    sheet.write_title(report.title, report.banner if report.analysis.headline_is_synthetic else "")
    for text in (report.kicker, report.policy):
        sheet.write_paragraph(text)
    answers = report.answers
    for place, text in enumerate(answers.headline):
        sheet.write_paragraph(text, "strong" if place == 0 else "text")
    sheet.write_heading(locale("workbook.figures"))
    sheet.write_paragraph(
        locale("workbook.live_intro", sheet=inputs) if live else no_formulas_reason(report), "note"
    )
    _write_rows(sheet, report, live, summary_rows(report, live, sheet.book.scale, sheet.row + 1))
    separate = separate_rows(report, live, sheet.book.scale, sheet.row + 3)
    if separate:
        sheet.write_heading(locale("workbook.apart"))
        _write_rows(sheet, report, live, separate)
    reserve = tuple(f"{measure}: {amount}" for measure, amount in answers.reserve)
    if answers.options:
        sheet.write_heading(locale("report.decide"))
        sheet.write_table(_options_table(report))
    for heading, texts in (
        (locale("report.drives"), answers.drives),
        (locale("report.narrows"), answers.narrows),
        (locale("report.decide"), () if answers.options else answers.decide),
        (answers.reserve_title, ("; ".join(reserve), answers.reserve_note) if reserve else ()),
    ):
        if any(texts):
            sheet.write_heading(heading)
            for text in texts:
                sheet.write_paragraph(text)
    sheet.write_paragraph(report.footer, "note")


def _options_table(report: Report) -> SheetTable:
    locale, options = report.locale, report.answers.options
    name, expected, *others = option_heads(options, report.analysis, locale)
    likely = report.analysis.likely_range
    titles: list[tuple[str, CellKind]] = [(name, "text"), (expected, "money")]
    titles += [(end.upper(), "money") for end in (likely.low, likely.high)]
    has_chance, has_recipients = (
        any(getattr(option, figure) is not None for option in options)
        for figure in ("over_budget", "recipients")
    )
    if has_chance:
        titles.append((others[1], "share"))
    if has_recipients:
        titles += [(others[-1], "whole"), (locale("column.per_recipient"), "money")]
    rows = []
    for option in options:
        row = [
            Cell(option.name),
            *(money_cell(locale, x) for x in (option.expected, option.low, option.high)),
        ]
        row += [Cell(option.over_budget, "share")] if has_chance else []
        if has_recipients:
            people = None if option.recipients is None else round(option.recipients)
            row += [Cell(people, "whole"), money_cell(locale, option.per_recipient)]
        rows.append(row)
    return SheetTable(column_heads(titles), rows)


def _write_rows(
    sheet: SheetWriter, report: Report, live: LiveFormulas | None, rows: list[SummaryRow]
) -> None:
    locale = report.locale
    if not rows:
        sheet.write_paragraph(
            report.tiles[0].note if report.tiles else locale("report.no_headline"), "strong"
        )
        return
    larger = sheet.book.scale.title()
    titles: list[tuple[str, CellKind]] = [
        (locale("workbook.figure"), "text"),
        (locale("workbook.live", unit=locale.unit), "money"),
        (larger, "scaled"),
        (locale("workbook.written", unit=locale.unit), "money"),
        (larger, "scaled"),
        (locale("workbook.error"), "money"),
        (locale("workbook.state"), "text"),
        (locale("column.note"), "text"),
    ]
    table_range = sheet.write_table(SheetTable(column_heads(titles), [figure.cells for figure in rows]))
    if live is None:
        return
    warning_format = sheet.book.workbook.add_format({"font_color": STALE_INK, "bold": True})
    rule = {"type": "formula", "criteria": f"={CHANGED_INPUTS_NAME}>0", "format": warning_format}
    for row, figure in enumerate(rows, start=table_range.first):
        if figure.from_model_only:
            sheet.worksheet.conditional_format(row, 0, row, len(titles) - 2, rule)


EMPTY_CELL = Cell(None)
AmountPair = tuple[Cell, Cell]
"""A cell with an amount in whole currency, and one with the same amount in the larger unit."""
NO_AMOUNT: AmountPair = (EMPTY_CELL, EMPTY_CELL)


@dataclass(frozen=True)
class SummaryRow:
    """A row of the summary sheet: a figure's values, numerical error, note, and whether it is up to date."""

    name: str
    model: AmountPair
    live: AmountPair = NO_AMOUNT
    error: Cell = EMPTY_CELL
    state: Cell = EMPTY_CELL
    note: str = ""
    from_model_only: bool = field(default=False, kw_only=True)
    """Whether only the simulation gives this figure, so that it is outdated once an input is changed."""

    @property
    def cells(self) -> list[Cell]:
        """The cells of the summary row, in the order of the columns."""
        return [Cell(self.name), *self.live, *self.model, self.error, self.state, Cell(self.note)]


def summary_rows(report: Report, live: LiveFormulas | None, scale: LargerUnit, row: int) -> list[SummaryRow]:
    """Return the summary rows for expected cash cost, percentiles, budget, promises and claims.

    Args:
        report: the content of the report.
        live: the live formulas of the workbook; None if it has none.
        scale: the larger unit, in which amounts are repeated.
        row: the sheet row of the first summary row, counted from 0.
    """
    locale, expected = report.locale, report.analysis.expected_cash(report.analysis.cash_basis)
    if expected is None:
        return [*_promised_rows(report, scale), *_claims_rows(report, scale)]
    changed, same = quoted_text(locale("workbook.moved")), quoted_text(locale("workbook.same"))
    formula = f"=IF({CHANGED_INPUTS_NAME}>0,{changed},{same})"
    first = SummaryRow(
        locale("report.tile_expected"),
        _amount_pair(report, scale, expected),
        _live_pair(live, "cash", row),
        money_cell(locale, _standard_error(report)),
        EMPTY_CELL if live is None else Cell(Formula(formula, locale("workbook.same"))),
        _tile_note(report, locale("report.tile_expected")),
    )
    return [
        first,
        *_quantile_rows(report, live, scale),
        *_budget_rows(report, live),
        *_promised_rows(report, scale),
        *_claims_rows(report, scale),
    ]


def separate_rows(report: Report, live: LiveFormulas | None, scale: LargerUnit, row: int) -> list[SummaryRow]:
    """Return the summary rows for costs other than cash: free goods, announced totals, handling costs."""
    locale, table = report.locale, report.analysis.tables.get("quantiles")
    if table is None:
        return []
    notes = {"face_value": _tile_note(report, locale("report.tile_free"))}
    expected = table.filter(pl.col("valuation") != "cash", measure="expected")
    return [
        SummaryRow(
            locale("report.tile_free")
            if valuation == "face_value"
            else capitalized(locale(f"word.{valuation}")),
            _amount_pair(report, scale, value),
            _live_pair(live, valuation, place),
            money_cell(locale, error),
            note=notes.get(valuation, ""),
        )
        for place, (valuation, value, error) in enumerate(
            expected.select("valuation", "value", "error").rows(), start=row
        )
    ]


def _amount_pair(report: Report, scale: LargerUnit, value: float) -> AmountPair:
    return money_cell(report.locale, value), scale.cell(value)


def _live_pair(live: LiveFormulas | None, valuation: str, row: int) -> AmountPair:
    """Return two cells with formulas for a total, such as cash: in whole currency and in a larger unit.

    The cells are empty if the workbook has no formulas for the valuation.
    """
    if live is None or valuation not in live.valuations:
        return NO_AMOUNT
    total = live.total_formula(valuation)
    larger = live.scaled_formula(f"B{row + 1}", float(total.cached))
    return Cell(total, "money", "total"), Cell(larger, "scaled", "total")


def _staleness_cell(report: Report, live: LiveFormulas | None) -> Cell:
    """Return a cell with a formula that states whether simulated figures still match the inputs."""
    locale = report.locale
    stale, current = quoted_text(locale("workbook.stale")), quoted_text(locale("workbook.current"))
    formula = f"=IF({CHANGED_INPUTS_NAME}>0,{stale},{current})"
    return EMPTY_CELL if live is None else Cell(Formula(formula, locale("workbook.current")))


def _quantile_rows(report: Report, live: LiveFormulas | None, scale: LargerUnit) -> list[SummaryRow]:
    locale, table = report.locale, report.analysis.tables.get("quantiles")
    if table is None:
        return []
    by_measure = {row["measure"]: row for row in table.filter(valuation="cash").rows(named=True)}
    return [
        SummaryRow(
            locale(f"word.{measure}"),
            _amount_pair(report, scale, row["value"]),
            error=money_cell(locale, row["error"]),
            state=_staleness_cell(report, live),
            from_model_only=True,
        )
        for measure in locale.likely_range.percentiles
        if (row := by_measure.get(measure))
    ]


def _budget_rows(report: Report, live: LiveFormulas | None) -> list[SummaryRow]:
    locale, table = report.locale, report.analysis.uncertainty_table(report.analysis.cash_basis, "budget")
    if table is None:
        return []
    row: dict[str, Any] = table.row(0, named=True)
    title = locale("report.tile_budget", budget=locale.money_in_full(row["budget"]))
    chance, error = Cell(row["exceeded"], "share"), Cell(row["error"], "share")
    return [
        SummaryRow(
            title,
            (chance, EMPTY_CELL),
            error=error,
            state=_staleness_cell(report, live),
            note=_tile_note(report, title),
            from_model_only=True,
        )
    ]


def _promised_rows(report: Report, scale: LargerUnit) -> list[SummaryRow]:
    """Return the summary rows with the lowest and highest promised amount if every report is paid.

    These amounts depend only on the policy and a published count, so changes of the inputs do not affect
    them.
    """
    locale, promised = report.locale, promised_range(report.analysis)
    note = _tile_note(report, locale("report.tile_promised"))
    ends = zip(("low", "high"), promised[1:], strict=True) if promised else ()
    return [
        SummaryRow(locale(f"workbook.promised_{end}"), _amount_pair(report, scale, value), note=note)
        for end, value in ends
    ]


def _claims_rows(report: Report, scale: LargerUnit) -> list[SummaryRow]:
    """Return the summary row with the cash cost from real claims, if the headline cost has another basis."""
    locale, analysis = report.locale, report.analysis
    is_beside = "claims" in analysis.runs and analysis.headline_basis != "claims"
    expected = analysis.expected_cash("claims") if is_beside else None
    if expected is None:
        return []
    title = locale("report.tile_claims")
    return [SummaryRow(title, _amount_pair(report, scale, expected), note=_tile_note(report, title))]


def _standard_error(report: Report) -> float:
    table = report.analysis.tables.get("quantiles")
    rows = [] if table is None else table.filter(valuation="cash", measure="expected")["error"].to_list()
    return float(rows[0]) if rows else 0.0


def _tile_note(report: Report, title: str) -> str:
    """Return the explanatory note on the first screen for the key figure with this title."""
    return next((tile.note for tile in report.tiles if tile.title == title), "")
