"""The sheet of the cost lines: what each adds to the expected cost, as formulas over the inputs."""

from __future__ import annotations

from outage_analysis.costs import Term
from outage_analysis.reports.report import Report
from outage_analysis.reports.workbook.cells import Cell, Formula, Kind, Look, Rows, heads
from outage_analysis.reports.workbook.formulas import OURS, Key, Live, at, sheet_cell
from outage_analysis.reports.workbook.sheet import Page

BASE, EXPECTED, SCALED = 6, 8, 9
"""Columns of the terms."""
TOTALS = (0, 1, EXPECTED, SCALED, SCALED + 1)
"""Those that a total has, too."""
BANDED = ("pays", "review")
"""Rules that hold for a band; losses that nobody stated are one, too."""


def write_lines(page: Page, report: Report, live: Live | None, inputs: str) -> None:
    """The terms of every line, the totals of the lines and of the valuations.

    Args:
        page: an empty sheet.
        report: the figures.
        live: the products; without any, a sentence says why there are no formulas.
        inputs: the name of the sheet of the inputs.
    """
    locale = report.words
    page.open(
        locale("workbook.lines"), report.banner if report.analysis.needs_synthetic_mark("quantiles") else ""
    )
    page.sortable = False
    if live is None:
        page.say(why_no_formulas(report), "strong")
        return
    page.say(locale("workbook.lines_intro", sheet=inputs), "note")
    page.freeze(page.row + 1)
    rows = [_row(report, live, term, row) for row, term in enumerate(live.terms, start=page.row + 1)]
    placed = page.table(Rows(heads(_titles(report, live)), rows))
    keys: dict[Key, list[int]] = {}
    for row, term in enumerate(live.terms, start=placed.first):
        keys.setdefault((term.line, term.valuation), []).append(row)
    page.head(locale("workbook.totals"))
    first = page.row + 1
    totals = [
        _total(report, live, line, valuation, f"{at(places[0], EXPECTED)}:{at(places[-1], EXPECTED)}", row)
        for row, ((line, valuation), places) in enumerate(keys.items(), start=first)
    ]
    for row, valuation in enumerate(live.valuations, start=first + len(keys)):
        parts = [n for n, (_, v) in enumerate(keys, start=first) if v == valuation]
        totals.append(
            _total(report, live, "", valuation, f"{at(parts[0], EXPECTED)}:{at(parts[-1], EXPECTED)}", row)
        )
        live.cells[OURS.format(valuation)] = sheet_cell(page.name, at(row, EXPECTED, fixed=True))
    titles = [(t if place in TOTALS else "", kind) for place, (t, kind) in enumerate(_titles(report, live))]
    page.table(Rows(heads(titles), totals))


def why_no_formulas(report: Report) -> str:
    """Why a workbook has values alone."""
    a = report.analysis
    return report.words("workbook.no_formulas_tied" if a.headline_basis in a.runs else "workbook.no_formulas")


def _titles(report: Report, live: Live) -> list[tuple[str, Kind]]:
    locale = report.words
    columns: list[tuple[str, Kind]] = [
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


def _row(report: Report, live: Live, term: Term, row: int) -> list[Cell]:
    locale, names = report.words, report.names
    banded = (term.over, term.up_to) != (None, None) or term.rule in BANDED
    texts = (
        names.get(term.line, term.line),
        locale(f"word.{term.valuation}"),
        names.get(term.service or "", term.service or ""),
        names.get(term.claimant_type or "", term.claimant_type or ""),
        locale.band(term.over, term.up_to) if banded else "",
        locale(f"word.{term.rule}") if term.rule else "",
    )
    value = live.value(term)
    counted = any(live.factors[f].measure == "money" for f in term.factors)
    return [
        *map(Cell, texts),
        Cell(live.base(term), "decimal" if counted else "money"),
        Cell(" × ".join(live.names[f] for f in term.factors)),
        Cell(live.product(term, at(row, BASE)), "money"),
        Cell(live.scaled(at(row, EXPECTED), value), "scaled"),
        Cell(value, "money", "original"),
    ]


def _total(report: Report, live: Live, line: str, valuation: str, cells: str, row: int) -> list[Cell]:
    """The sum of a line, or of a whole valuation."""
    locale = report.words
    value = live.sum(valuation, line or None)
    told = locale(f"word.{valuation}")
    look: Look = "plain" if line else "total"
    name = report.names.get(line, line) if line else locale("workbook.total_of", valuation=told)
    blanks = [Cell("", look=look)] * (EXPECTED - 2)
    return [
        Cell(name, look=look),
        Cell(told, look=look),
        *blanks,
        Cell(Formula(f"=SUM({cells})", value), "money", look),
        Cell(live.scaled(at(row, EXPECTED), value), "scaled", look),
        Cell(value if line else live.modelled(valuation), "money", "original" if line else "total"),
    ]
