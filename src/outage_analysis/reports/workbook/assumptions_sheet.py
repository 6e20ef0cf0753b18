"""The sheet of the assumptions: every input of the expected cost as a named cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from outage_analysis.assumptions import BandMix
from outage_analysis.costs import Factor
from outage_analysis.reports.blocks import Text
from outage_analysis.reports.model_views import BEHIND
from outage_analysis.reports.report import Report
from outage_analysis.reports.table_views import views
from outage_analysis.reports.workbook.cells import Cell, Formula, Kind, Rows, heads, rows_of
from outage_analysis.reports.workbook.cost_lines_sheet import why_no_formulas
from outage_analysis.reports.workbook.formulas import CHANGED, Live, at, quoted, sheet_cell
from outage_analysis.reports.workbook.sheet import Page, Placed

KINDS: dict[str, Kind] = {"share": "share", "money": "money", "times": "decimal"}
VALUE, UNIT, ORIGINAL = 3, 4, 5
"""Columns of the inputs."""
LONGEST_TITLE = 32
"""Characters of a message about what was typed."""


def write_inputs(page: Page, report: Report, live: Live | None) -> None:
    """The inputs, and what else the ledger states.

    Args:
        page: an empty sheet.
        report: the figures.
        live: the products, where there are any; the cells that its names stand for are added.
    """
    locale = report.words
    page.open(locale("workbook.assumptions"))
    page.sortable = False
    section = next((s for s in report.sections if s.id == "assumptions"), None)
    for block in section.blocks if section else ():
        if isinstance(block, Text):
            page.say(block.text, "strong" if block.role != "plain" else "text")
    if live is not None:
        page.say(locale("workbook.inputs_intro"), "note")
        _named(page, report, live)
    view = views(report.analysis, report.writer).get("assumptions")
    if view is None:
        if live is None:
            page.say(why_no_formulas(report))
        return
    frame, _ = view
    used = {f.assumption for f in live.products.factors} if live else set()
    rest = frame.filter(~frame["assumption"].is_in(sorted(used)))
    if len(rest):
        page.head(locale("workbook.others") if live else locale("report.assumptions_title"))
        page.table(rows_of(report.writer, rest, rest.columns))


def _named(page: Page, report: Report, live: Live) -> None:
    locale, factors = report.words, live.products.factors
    counted, page.row = page.row, page.row + 1
    page.freeze(page.row + 1)
    told = _told(report)
    first = page.row + 1
    rows = [_row(report, live, f, told.get(f.assumption, {}), n) for n, f in enumerate(factors, start=first)]
    titles: list[tuple[str, Kind]] = [
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
    placed = page.table(Rows(heads(titles), rows))
    for row, factor in enumerate(factors, start=placed.first):
        live.cells[live.names[factor.id]] = sheet_cell(page.name, at(row, VALUE, fixed=True))
        _validate(page, report, factor, row)
    ends = [f"{at(placed.first, c)}:{at(placed.last, c)}" for c in (VALUE, ORIGINAL)]
    page.write(counted, 0, Cell(locale("workbook.changed_count"), look="total"))
    page.write(counted, 1, Cell(Formula(f"=SUMPRODUCT(--({ends[0]}<>{ends[1]}))", 0), "whole", "total"))
    live.cells[CHANGED] = sheet_cell(page.name, at(counted, 1, fixed=True))
    _mixes(page, report, live, placed)


def _row(report: Report, live: Live, factor: Factor, told: Mapping[str, str], row: int) -> list[Cell]:
    locale, kind = report.words, KINDS[factor.measure]
    value = live.shown(factor)
    low, high = _ends(report, factor)
    flag = f'=IF({at(row, VALUE)}<>{at(row, ORIGINAL)},{quoted(locale("workbook.is_changed"))},"")'
    unit = locale.unit if factor.measure == "money" else locale(f"workbook.{factor.measure}")
    ends = [Cell(None if x is None else live.shown(factor, x), kind) for x in (low, high)]
    return [
        Cell(report.names.get(factor.assumption, factor.assumption) or locale("workbook.tier")),
        Cell(_part(report, factor)),
        Cell(locale(f"word.{factor.kind}")),
        Cell(value, kind, "input"),
        Cell(unit),
        Cell(value, kind, "original"),
        Cell(Formula(flag, ""), look="flag"),
        *ends,
        *(Cell(told.get(c, "")) for c in ("distribution", "grade", *BEHIND[1:])),
        Cell(live.names[factor.id]),
    ]


def _part(report: Report, factor: Factor) -> str:
    """The line and the band that an input is for."""
    band = (factor.over, factor.up_to)
    parts = [report.names.get(factor.line, factor.line)] if factor.line else []
    parts += [report.words.band(*band)] if band != (None, None) else []
    return ", ".join(parts)


def _ends(report: Report, factor: Factor) -> tuple[float | None, float | None]:
    """The stated ends of an input; a tier has none, the policy states it."""
    ledger = report.analysis.ledger
    entry = next((a for a in ledger.assumptions if a.id == factor.id), None) if ledger else None
    if entry is not None and not isinstance(entry, BandMix):
        return entry.range.low, entry.range.high
    return (factor.low, factor.high) if factor.assumption else (None, None)


def _told(report: Report) -> dict[str, dict[str, str]]:
    """What the ledger says of each assumption, in words, by id and column."""
    view = views(report.analysis, report.writer).get("assumptions")
    if view is None:
        return {}
    frame, _ = view
    rows = rows_of(report.writer, frame, frame.columns).cells
    told = [{c: str(cell.value or "") for c, cell in zip(frame.columns, row, strict=True)} for row in rows]
    return dict(zip(frame["assumption"], told, strict=True))


def _validate(page: Page, report: Report, factor: Factor, row: int) -> None:
    """What may be typed into an input."""
    locale = report.words
    asked: dict[str, Any] = {"validate": "decimal", "error_title": locale("workbook.invalid")[:LONGEST_TITLE]}
    if factor.measure == "share":
        said = locale("workbook.invalid_share", high=locale.share(factor.high))
        asked |= {"criteria": "between", "minimum": 0, "maximum": factor.high, "error_message": said}
    else:
        asked |= {"criteria": ">=", "value": 0, "error_message": locale("workbook.invalid_amount")}
    page.sheet.data_validation(row, VALUE, row, VALUE, asked)


def _mixes(page: Page, report: Report, live: Live, placed: Placed) -> None:
    """Whether the shares of each mix still add up."""
    locale = report.words
    mixes: dict[str, list[int]] = {}
    for row, factor in enumerate(live.products.factors, start=placed.first):
        if factor.kind == "band_mix":
            mixes.setdefault(factor.assumption, []).append(row)
    rows = []
    for row, (mix, places) in enumerate(mixes.items(), start=page.row):
        sums = ["+".join(at(place, c) for place in places) for c in (VALUE, ORIGINAL)]
        value = sum(live.products.factors[place - placed.first].value for place in places)
        flag = f'=IF(ABS({at(row, VALUE)}-{at(row, ORIGINAL)})<1E-9,"",{quoted(locale("workbook.mix_off"))})'
        name = locale("workbook.mix_sum", mix=report.names.get(mix, mix))
        numbers = [Cell(Formula(f"={s}", round(value, 12)), "share", "total") for s in sums]
        blank = Cell("", look="total")
        flagged = Cell(Formula(flag, ""), look="flag")
        rows.append([Cell(name, look="total"), blank, blank, numbers[0], blank, numbers[1], flagged])
    if rows:
        page.table(Rows((), rows))
