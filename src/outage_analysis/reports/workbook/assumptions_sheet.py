"""Write the sheet of assumptions: one named cell per input of the expected cost that users can change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from outage_analysis.assumptions import BandMix
from outage_analysis.costs import LiveInput
from outage_analysis.reports.blocks import Text
from outage_analysis.reports.model_views import ASSUMPTION_VIEW, RATIONALE
from outage_analysis.reports.report import Report
from outage_analysis.reports.table_views import build_views
from outage_analysis.reports.workbook.cells import (
    Cell,
    CellKind,
    Formula,
    SheetTable,
    column_heads,
    sheet_table,
)
from outage_analysis.reports.workbook.cost_lines_sheet import no_formulas_reason
from outage_analysis.reports.workbook.formulas import (
    CHANGED_INPUTS_NAME,
    LiveFormulas,
    cell_address,
    quoted_text,
    sheet_reference,
)
from outage_analysis.reports.workbook.sheet import SheetWriter, TableRange

MEASURE_KINDS: dict[str, CellKind] = {"share": "share", "money": "money", "times": "decimal"}
VALUE_COLUMN, ORIGINAL_COLUMN = 3, 5
"""Columns of the table of inputs, counted from 0."""
MAX_MESSAGE_TITLE = 32
"""The most characters that Excel allows in the title of a validation message."""


def write_inputs(sheet: SheetWriter, report: Report, live: LiveFormulas | None) -> None:
    """Write the inputs of the cost as named cells, and the other assumptions of the ledger as a table.

    Args:
        sheet: the writer of an empty sheet.
        report: the content of the report.
        live: the live formulas of the workbook; None if it has none. The addresses of the named cells are
            added to `live.cells`.
    """
    locale = report.locale
    sheet.write_title(locale("workbook.assumptions"))
    sheet.sortable = False
    section = next((s for s in report.sections if s.id == "assumptions"), None)
    for block in section.blocks if section else ():
        if isinstance(block, Text):
            sheet.write_paragraph(block.text, "strong" if block.role != "plain" else "text")
    if live is not None:
        sheet.write_paragraph(locale("workbook.inputs_intro"), "note")
        _write_input_table(sheet, report, live)
    view = build_views(report.analysis, report.formatter).get("assumptions")
    if view is None:
        if live is None:
            sheet.write_paragraph(no_formulas_reason(report))
        return
    frame, _ = view
    used = {f.assumption for f in live.products.factors} if live else set()
    rest = frame.filter(~frame["assumption"].is_in(sorted(used)))
    if len(rest):
        sheet.write_heading(locale("workbook.others") if live else locale("report.assumptions_title"))
        sheet.write_table(sheet_table(report.formatter, rest, ASSUMPTION_VIEW.columns))


def _write_input_table(sheet: SheetWriter, report: Report, live: LiveFormulas) -> None:
    locale, factors = report.locale, live.products.factors
    counter_row, sheet.row = sheet.row, sheet.row + 1
    sheet.freeze_above(sheet.row + 1)
    texts = _ledger_texts(report)
    first = sheet.row + 1
    rows = [
        _input_cells(report, live, f, texts.get(f.assumption, {}), n)
        for n, f in enumerate(factors, start=first)
    ]
    titles: list[tuple[str, CellKind]] = [
        (locale("column.assumption"), "text"),
        (locale("workbook.part"), "text"),
        (locale("column.kind"), "text"),
        (locale("workbook.value"), "share"),
        (locale("column.unit"), "text"),
        (locale("workbook.original"), "share"),
        (locale("workbook.changed"), "text"),
        (locale("workbook.low"), "share"),
        (locale("workbook.high"), "share"),
        (locale("column.distribution"), "text"),
        (locale("column.grade"), "text"),
        (locale("column.rationale"), "text"),
        (locale("column.stated_source"), "text"),
        (locale("column.facts"), "text"),
        (locale("column.owner"), "text"),
        (locale("column.approved_by"), "text"),
        (locale("workbook.defined"), "text"),
    ]
    table_range = sheet.write_table(SheetTable(column_heads(titles), rows))
    for row, factor in enumerate(factors, start=table_range.first):
        live.cells[live.names[factor.id]] = sheet_reference(
            sheet.name, cell_address(row, VALUE_COLUMN, fixed=True)
        )
        _add_validation(sheet, report, factor, row)
    ends = [
        f"{cell_address(table_range.first, c)}:{cell_address(table_range.last, c)}"
        for c in (VALUE_COLUMN, ORIGINAL_COLUMN)
    ]
    sheet.write_cell(counter_row, 0, Cell(locale("workbook.changed_count"), style="total"))
    sheet.write_cell(
        counter_row, 1, Cell(Formula(f"=SUMPRODUCT(--({ends[0]}<>{ends[1]}))", 0), "whole", "total")
    )
    live.cells[CHANGED_INPUTS_NAME] = sheet_reference(sheet.name, cell_address(counter_row, 1, fixed=True))
    _write_mix_checks(sheet, report, live, table_range)


def _input_cells(
    report: Report, live: LiveFormulas, factor: LiveInput, texts: Mapping[str, str], row: int
) -> list[Cell]:
    locale, kind = report.locale, MEASURE_KINDS[factor.measure]
    value = live.input_value(factor)
    low, high = _input_range(report, factor)
    current, original = cell_address(row, VALUE_COLUMN), cell_address(row, ORIGINAL_COLUMN)
    flag = f'=IF({current}<>{original},{quoted_text(locale("workbook.is_changed"))},"")'
    unit = locale.unit if factor.measure == "money" else locale(f"workbook.{factor.measure}")
    ends = [Cell(None if x is None else live.input_value(factor, x), kind) for x in (low, high)]
    return [
        Cell(report.names.get(factor.assumption, factor.assumption) or locale("workbook.tier")),
        Cell(_scope_text(report, factor)),
        Cell(locale(f"word.{factor.kind}")),
        Cell(value, kind, "input"),
        Cell(unit),
        Cell(value, kind, "original"),
        Cell(Formula(flag, ""), style="flag"),
        *ends,
        *(
            Cell(texts.get(c, ""))
            for c in ("distribution", "grade", *(column.name for column in RATIONALE[1:]))
        ),
        Cell(live.names[factor.id]),
    ]


def _scope_text(report: Report, factor: LiveInput) -> str:
    band = (factor.over, factor.up_to)
    parts = [report.names.get(factor.line, factor.line)] if factor.line else []
    parts += [report.locale.band(*band)] if band != (None, None) else []
    return ", ".join(parts)


def _input_range(report: Report, factor: LiveInput) -> tuple[float | None, float | None]:
    ledger = report.analysis.ledger
    entry = next((a for a in ledger.assumptions if a.id == factor.id), None) if ledger else None
    if entry is not None and not isinstance(entry, BandMix):
        return entry.range.low, entry.range.high
    return (factor.low, factor.high) if factor.assumption else (None, None)


def _ledger_texts(report: Report) -> dict[str, dict[str, str]]:
    view = build_views(report.analysis, report.formatter).get("assumptions")
    if view is None:
        return {}
    frame, _ = view
    rows = sheet_table(report.formatter, frame, ASSUMPTION_VIEW.columns).cells
    texts = [{c: str(cell.value or "") for c, cell in zip(frame.columns, row, strict=True)} for row in rows]
    return dict(zip(frame["assumption"], texts, strict=True))


def _add_validation(sheet: SheetWriter, report: Report, factor: LiveInput, row: int) -> None:
    locale = report.locale
    options: dict[str, Any] = {
        "validate": "decimal",
        "error_title": locale("workbook.invalid")[:MAX_MESSAGE_TITLE],
    }
    if factor.measure == "share":
        message = locale("workbook.invalid_share", high=locale.share(factor.high))
        options |= {"criteria": "between", "minimum": 0, "maximum": factor.high, "error_message": message}
    else:
        options |= {"criteria": ">=", "value": 0, "error_message": locale("workbook.invalid_amount")}
    sheet.worksheet.data_validation(row, VALUE_COLUMN, row, VALUE_COLUMN, options)


def _write_mix_checks(
    sheet: SheetWriter, report: Report, live: LiveFormulas, table_range: TableRange
) -> None:
    locale = report.locale
    mixes: dict[str, list[int]] = {}
    for row, factor in enumerate(live.products.factors, start=table_range.first):
        if factor.kind == "band_mix":
            mixes.setdefault(factor.assumption, []).append(row)
    rows = []
    for row, (mix, places) in enumerate(mixes.items(), start=sheet.row):
        sum_formulas = [
            "+".join(cell_address(place, c) for place in places) for c in (VALUE_COLUMN, ORIGINAL_COLUMN)
        ]
        value = sum(live.products.factors[place - table_range.first].value for place in places)
        current, original = cell_address(row, VALUE_COLUMN), cell_address(row, ORIGINAL_COLUMN)
        flag = f'=IF(ABS({current}-{original})<1E-9,"",{quoted_text(locale("workbook.mix_off"))})'
        name = locale("workbook.mix_sum", mix=report.names.get(mix, mix))
        numbers = [Cell(Formula(f"={s}", round(value, 12)), "share", "total") for s in sum_formulas]
        blank = Cell("", style="total")
        flagged = Cell(Formula(flag, ""), style="flag")
        rows.append([Cell(name, style="total"), blank, blank, numbers[0], blank, numbers[1], flagged])
    if rows:
        sheet.write_table(SheetTable((), rows))
