"""Write the sheet of cost lines: the expected cost per line, as formulas that refer to the inputs."""

from __future__ import annotations

from outage_analysis.costs import Product
from outage_analysis.reports.report import Report
from outage_analysis.reports.workbook.cells import (
    Cell,
    CellKind,
    CellStyle,
    Formula,
    SheetTable,
    column_heads,
)
from outage_analysis.reports.workbook.formulas import (
    TOTAL_NAME,
    LineKey,
    LiveFormulas,
    cell_address,
    sheet_reference,
)
from outage_analysis.reports.workbook.sheet import SheetWriter

BASE_COLUMN, EXPECTED_COLUMN, SCALED_COLUMN = 6, 8, 9
"""Columns of the table of terms, counted from 0."""
TOTAL_COLUMNS = (0, 1, EXPECTED_COLUMN, SCALED_COLUMN, SCALED_COLUMN + 1)
"""Columns of the table of terms that the table of totals has as well."""
BANDED_RULES = ("pays", "review")
"""Rules that apply to a loss band; unstated losses count as a band."""


def write_cost_lines(sheet: SheetWriter, report: Report, live: LiveFormulas | None, inputs: str) -> None:
    """Write the terms (products of inputs) of every cost line, and the totals by line and by valuation.

    Args:
        sheet: the writer of an empty sheet.
        report: the content of the report.
        live: the live formulas; if None, the sheet contains a sentence that states why there are none.
        inputs: the name of the sheet with the inputs.
    """
    locale = report.locale
    sheet.write_title(
        locale("workbook.lines"), report.banner if report.analysis.needs_synthetic_mark("quantiles") else ""
    )
    sheet.sortable = False
    if live is None:
        sheet.write_paragraph(no_formulas_reason(report), "strong")
        return
    sheet.write_paragraph(locale("workbook.lines_intro", sheet=inputs), "note")
    sheet.freeze_above(sheet.row + 1)
    rows = [_term_cells(report, live, term, row) for row, term in enumerate(live.terms, start=sheet.row + 1)]
    table_range = sheet.write_table(SheetTable(column_heads(_column_titles(report, live)), rows))
    keys: dict[LineKey, list[int]] = {}
    for row, term in enumerate(live.terms, start=table_range.first):
        keys.setdefault((term.line, term.valuation), []).append(row)
    sheet.write_heading(locale("workbook.totals"))
    first = sheet.row + 1
    totals = [
        _total_cells(
            report,
            live,
            line,
            valuation,
            f"{cell_address(places[0], EXPECTED_COLUMN)}:{cell_address(places[-1], EXPECTED_COLUMN)}",
            row,
        )
        for row, ((line, valuation), places) in enumerate(keys.items(), start=first)
    ]
    for row, valuation in enumerate(live.valuations, start=first + len(keys)):
        parts = [n for n, (_, v) in enumerate(keys, start=first) if v == valuation]
        totals.append(
            _total_cells(
                report,
                live,
                "",
                valuation,
                f"{cell_address(parts[0], EXPECTED_COLUMN)}:{cell_address(parts[-1], EXPECTED_COLUMN)}",
                row,
            )
        )
        live.cells[TOTAL_NAME.format(valuation)] = sheet_reference(
            sheet.name, cell_address(row, EXPECTED_COLUMN, fixed=True)
        )
    titles = [
        (t if place in TOTAL_COLUMNS else "", kind)
        for place, (t, kind) in enumerate(_column_titles(report, live))
    ]
    sheet.write_table(SheetTable(column_heads(titles), totals))


def no_formulas_reason(report: Report) -> str:
    """Return a sentence that states why the workbook has values but no formulas."""
    analysis = report.analysis
    return report.locale(
        "workbook.no_formulas_tied" if analysis.headline_basis in analysis.runs else "workbook.no_formulas"
    )


def _column_titles(report: Report, live: LiveFormulas) -> list[tuple[str, CellKind]]:
    locale = report.locale
    columns: list[tuple[str, CellKind]] = [
        (locale(f"column.{name}"), "text")
        for name in ("line", "valuation", "service", "claimant_type", "band", "rule")
    ]
    return [
        *columns,
        (locale("workbook.base"), "whole"),
        (locale("workbook.times_inputs"), "text"),
        (locale("workbook.live", unit=locale.unit), "money"),
        (live.scale.title(), "scaled"),
        (locale("workbook.written", unit=locale.unit), "money"),
    ]


def _term_cells(report: Report, live: LiveFormulas, term: Product, row: int) -> list[Cell]:
    locale, names = report.locale, report.names
    banded = (term.over, term.up_to) != (None, None) or term.rule in BANDED_RULES
    texts = (
        names.get(term.line, term.line),
        locale(f"word.{term.valuation}"),
        names.get(term.service or "", term.service or ""),
        names.get(term.claimant_type or "", term.claimant_type or ""),
        locale.band(term.over, term.up_to) if banded else "",
        locale(f"word.{term.rule}") if term.rule else "",
    )
    value = live.term_value(term)
    is_count = any(live.factors[f].measure == "money" for f in term.factors)
    return [
        *map(Cell, texts),
        Cell(live.term_base(term), "decimal" if is_count else "money"),
        Cell(" × ".join(live.names[f] for f in term.factors)),
        Cell(live.term_formula(term, cell_address(row, BASE_COLUMN)), "money"),
        Cell(live.scaled_formula(cell_address(row, EXPECTED_COLUMN), value), "scaled"),
        Cell(value, "money", "original"),
    ]


def _total_cells(
    report: Report, live: LiveFormulas, line: str, valuation: str, cells: str, row: int
) -> list[Cell]:
    """Return a row of cells with a total: of a cost line, or of a whole valuation if `line` is empty."""
    locale = report.locale
    value = live.total_value(valuation, line or None)
    valuation_name = locale(f"word.{valuation}")
    style: CellStyle = "plain" if line else "total"
    name = report.names.get(line, line) if line else locale("workbook.total_of", valuation=valuation_name)
    blanks = [Cell("", style=style)] * (EXPECTED_COLUMN - 2)
    return [
        Cell(name, style=style),
        Cell(valuation_name, style=style),
        *blanks,
        Cell(Formula(f"=SUM({cells})", value), "money", style),
        Cell(live.scaled_formula(cell_address(row, EXPECTED_COLUMN), value), "scaled", style),
        Cell(value if line else live.model_total(valuation), "money", "original" if line else "total"),
    ]
