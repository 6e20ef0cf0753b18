"""Write the report as an Excel workbook: a summary, live formulas, and a sheet per group of sections."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xlsxwriter.utility import quote_sheetname, xl_range, xl_rowcol_to_cell

from outage_analysis.assumptions import BandMix
from outage_analysis.charts import ACCENT, GREY, LIGHT, OKABE_ITO
from outage_analysis.costs import LiveCost, page_model, simulation
from outage_analysis.losses import display_bands, regroup
from outage_analysis.reports.blocks import Block, BulletList, Heading, KeyFigures, TableBlock, Text
from outage_analysis.reports.report import Report
from outage_analysis.reports.sheets import (
    FLAG_COLOUR,
    Book,
    Cell,
    Formula,
    Sheet,
    decimal_exponent,
    number_cell,
    table_cells,
)
from outage_analysis.reports.table_files import repack
from outage_analysis.reports.table_views import SERVICE_BAND_MEASURES
from outage_analysis.text import Column, Locale, Unit, capitalized, column_of

INPUT_TAB, HINDSIGHT_TAB = OKABE_ITO[4], OKABE_ITO[3]
SHEETS = (
    ("decisions", ACCENT, ("decisions",)),
    ("cost", ACCENT, ("cost", "free")),
    ("service_bands", ACCENT, ("service-bands", "services")),
    ("why", ACCENT, ("why",)),
    ("compared", ACCENT, ("compared",)),
    ("doubt", ACCENT, ("doubt",)),
    ("policy", ACCENT, ("policy", "accounting")),
    ("method", ACCENT, ("method",)),
    ("assumptions", INPUT_TAB, ("assumptions",)),
    ("claims", GREY, ("claims",)),
    ("quality", GREY, ("quality",)),
    ("hindsight", HINDSIGHT_TAB, ("hindsight",)),
    ("facts", LIGHT, ("facts",)),
    ("tie_outs", LIGHT, ("published", "tie-outs")),
)
"""The name and colour of each sheet, and the report sections on it. Other sections get a sheet of their own.

The summary, the inputs and the cost lines come before these sheets.
"""
SHADED_TABLES = tuple(f"service_bands_{measure}" for measure in SERVICE_BAND_MEASURES)
"""Tables of services by loss band. Excel shades their cells: the darker, the larger the number."""


def write_xlsx(report: Report, folder: Path) -> None:
    """Write the report as the Excel workbook report.xlsx.

    Raises:
        OSError: the file cannot be written.
    """
    (folder / "report.xlsx").write_bytes(workbook_bytes(report))


def workbook_bytes(report: Report) -> bytes:
    """Return the Excel workbook of a report as bytes.

    The only date in the file is the as-of day, so that a rebuild gives the same bytes.
    """
    locale, analysis = report.locale, report.analysis
    texts = {"title": report.title, "subject": report.policy, "comments": report.footer}
    book = Book(locale, analysis.as_of, texts)
    banner = report.banner if analysis.headline_is_synthetic else ""
    summary = book.add_sheet(
        locale("workbook.summary"), ACCENT, title=report.title, banner=banner, warning=report.warning
    )
    cost, inputs_name, live = report.products, locale("workbook.inputs"), None
    if cost and cost.factors:
        live = LiveFormulas(cost, locale)
        inputs = book.add_sheet(inputs_name, INPUT_TAB)
        lines = book.add_sheet(locale("workbook.lines"), ACCENT, banner=banner)
        write_inputs(inputs, report, live)
        write_lines(lines, report, live, inputs_name)
    tied = report.products is None and analysis.headline_basis in analysis.runs
    reason = "workbook.no_formulas_tied" if tied else "workbook.no_formulas"
    intro = locale("workbook.live_intro", sheet=inputs_name) if live else locale(reason)
    _write_summary(summary, report, live, intro)
    _write_sections(book, report)
    return repack(book.close())


def _write_summary(sheet: Sheet, report: Report, live: LiveFormulas | None, intro: str) -> None:
    """Write the first screen of the report, with the key figures as numbers after its headline."""
    sheet.sortable, sheet.one_page = False, True
    for text in (report.kicker, report.policy):
        sheet.write_paragraph(text)
    answer, *others = report.front
    for number, text in enumerate(report.answers.headline):
        sheet.write_paragraph(text, "plain" if number else "strong")
    blocks: list[Block] = [block for block in answer.blocks if not isinstance(block, Text)]
    sheet.write_heading(report.locale("workbook.figures"))
    sheet.write_paragraph(intro, "note")
    write_figures(sheet, report, live)
    for section in others:
        blocks += [Heading(section.title), *section.blocks]
    for block in blocks:
        _write_block(sheet, report, block)
    sheet.write_paragraph(report.footer, "note")
    sheet.widths |= {0: 40, 4: 26}  # column 4 can hold each of its states


def _write_sections(book: Book, report: Report) -> None:
    """Write one sheet per group of report sections, and the sheet with the claim cube."""
    remaining = {section.id: section for section in report.sections}
    groups = [(report.locale(f"workbook.{name}"), colour, ids) for name, colour, ids in SHEETS]
    grouped = {id_ for _, _, ids in groups for id_ in ids}
    groups += [(s.title, LIGHT, (s.id,)) for s in report.sections if s.id not in grouped]
    for name, colour, ids in groups:
        sections = [remaining[id_] for id_ in ids if id_ in remaining]
        if sections:
            banner = report.banner if any(section.synthetic for section in sections) else ""
            sheet = book.add_sheet(name, colour, title=sections[0].title, banner=banner)
            for section in sections:
                sheet.write_heading(section.title)
                for block in section.blocks:
                    _write_block(sheet, report, block)
        if ids == ("claims",) and "cost" in report.analysis.cubes:
            _write_cube(book, report)


def _write_block(sheet: Sheet, report: Report, block: Block) -> None:
    if isinstance(block, Text):
        sheet.write_paragraph(block.text, block.role)
    elif isinstance(block, Heading):
        sheet.write_heading(block.text)
    elif isinstance(block, BulletList | KeyFigures):
        for item in block.items:
            sheet.write_paragraph(f"• {item}")
    elif isinstance(block, TableBlock):
        _write_table(sheet, report, block)
    else:
        chart = report.charts[block.chart]
        sheet.insert_picture(report.pictures[block.chart], f"{chart.title}. {chart.description}")
        if block.table:
            _write_table(sheet, report, block.table)


def _write_table(sheet: Sheet, report: Report, block: TableBlock) -> None:
    """Write a table below its caption; a table without rows is skipped."""
    if block.grid in report.views:
        if block.caption:
            sheet.write_heading(block.caption)
        sheet.write_table(*table_cells(report.formatter, *report.views[block.grid]))
        if block.grid in SHADED_TABLES:
            sheet.shade_last_table()


def _write_cube(book: Book, report: Report) -> None:
    locale, analysis = report.locale, report.analysis
    cube = analysis.cubes["cost"]
    name = locale("workbook.cube")
    sheet = book.add_sheet(name, GREY, banner=report.banner if cube.synthetic else "")
    sheet.write_paragraph(locale("workbook.cube_intro"))
    # Totals from an input file are already in loss bands, so these bands are kept.
    if analysis.claims is None:
        frame = regroup(cube, [*cube.dimensions, "over", "up_to"])
    else:
        cuts = analysis.policy.as_known_on(analysis.as_of).cuts
        bands = display_bands(cuts, negative=analysis.incident.loss.negative == "band")
        frame = regroup(cube, cube.dimensions, bands)
    titles = {d: locale(f"column.{d}") for d in cube.dimensions if locale.has_label(f"column.{d}")}
    dimensions = (
        Column(d, "name", "A dimension of the cube.", title=titles.get(d) or report.names.get(d, d))
        for d in cube.dimensions
    )
    sheet.write_table(
        *table_cells(
            report.formatter, frame, (*dimensions, column_of("band"), column_of("claims"), column_of("loss"))
        )
    )


CHANGED_INPUTS = "inputs_changed"
"""The named cell with the number of inputs that the user changed."""
TOTAL_NAME = "expected_{}"
"""The named cell with the total of a valuation."""
CELL_REFERENCE = re.compile(r"[A-Z]{1,3}[0-9]+|R[0-9]*(C[0-9]*)?|C[0-9]*|TRUE|FALSE", re.IGNORECASE)
"""Texts that a formula would parse as a cell reference or a truth value instead of a name."""
VALUE, ORIGINAL = 3, 5
"""Columns of the table of inputs, counted from 0."""
BASE, LIVE = 6, 8
"""Columns of the table of cost lines."""
INPUT_UNITS: dict[str, Unit] = {"share": "share", "money": "money", "times": "decimal"}


class LiveFormulas:
    """The expected cost in the cells of a workbook: names, formulas, and their values in whole currency."""

    def __init__(self, cost: LiveCost, locale: Locale) -> None:
        self.cost, self.locale = cost, locale
        self.inputs = {factor.id: factor for factor in cost.factors}
        self.valuations = tuple(dict.fromkeys(term.valuation for term in cost.terms))
        lines = list(dict.fromkeys(term.line for term in cost.terms))
        self.terms = sorted(
            cost.terms, key=lambda t: (self.valuations.index(t.valuation), lines.index(t.line))
        )
        """The cost terms, so that those of a valuation and of a line stand together."""
        taken = (CHANGED_INPUTS, *map(TOTAL_NAME.format, self.valuations))
        self.names = formula_names(self.inputs, taken)
        """The name of the cell of each input, by the id of the input."""

    def name_cell(self, name: str, sheet: Sheet, row: int, column: int) -> None:
        """Give a cell a name, which formulas on every sheet can use."""
        cell = xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True)
        sheet.book.file.define_name(name, f"={quote_sheetname(sheet.name)}!{cell}")

    def value(self, terms: Iterable[page_model.Product]) -> float:
        """Return the sum of cost terms."""
        unit = 10.0**self.locale.minor_units
        values = (math.prod((t.base / unit, *(self.inputs[f].value for f in t.factors))) for t in terms)
        return simulation.round_digits(math.fsum(values))

    def total(self, valuation: str) -> float:
        """Return the total of a valuation, rounded as in its cell."""
        total = self.value(term for term in self.terms if term.valuation == valuation)
        return round(total, self.digits(total))

    def digits(self, value: float) -> int:
        """Return to how many decimals a total is rounded: ten significant digits, as in the tables."""
        return 9 - decimal_exponent(value) if value else 0


def formula_names(ids: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return a valid and unique Excel name for each id: id -> name.

    No name looks like a cell reference, and no two names are equal if case is ignored.
    """
    names: dict[str, str] = {}
    used = {name.casefold() for name in taken}
    for id_ in ids:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", id_)
        if plain[:1].isdigit() or CELL_REFERENCE.fullmatch(plain):
            plain = f"_{plain}"
        name, number = plain, 2
        while name.casefold() in used:
            name, number = f"{plain}_{number}", number + 1
        used.add(name.casefold())
        names[id_] = name
    return names


def choose_text(condition: str, then: str, otherwise: str) -> str:
    """Return a formula that shows one of two labels."""
    quoted = ('"' + text.replace('"', '""') + '"' for text in (then, otherwise))
    return f"=IF({condition},{','.join(quoted)})"


def write_inputs(sheet: Sheet, report: Report, live: LiveFormulas) -> None:
    """Write a table with one named cell per input, which users can change, and count the changed inputs."""
    locale, inputs = report.locale, list(live.inputs.values())
    sheet.sortable = False
    sheet.write_paragraph(locale("workbook.inputs_intro"), "note")
    counter, head = sheet.row, sheet.row + 1
    sheet.row = head
    titles = [
        locale("column.assumption"),
        locale("workbook.part"),
        locale("column.kind"),
        locale("workbook.value"),
        locale("column.unit"),
        *(locale(f"workbook.{name}") for name in ("original", "changed", "low", "high", "defined")),
    ]
    first, last = head + 1, head + len(inputs)
    sheet.write_table(
        titles, [_input_cells(report, live, factor, row) for row, factor in enumerate(inputs, start=first)]
    )
    for row, factor in enumerate(inputs, start=first):
        live.name_cell(live.names[factor.id], sheet, row, VALUE)
        sheet.worksheet.data_validation(row, VALUE, row, VALUE, _validation(locale, factor))
    values, originals = (xl_range(first, column, last, column) for column in (VALUE, ORIGINAL))
    changed = Formula(f"=SUMPRODUCT(--({values}<>{originals}))", 0)
    sheet.write_cell(counter, 0, Cell(locale("workbook.changed_count"), style="total"))
    sheet.write_cell(counter, 1, Cell(changed, "count", "total"))
    live.name_cell(CHANGED_INPUTS, sheet, counter, 1)
    _write_mix_checks(sheet, report, inputs, first)


def _input_cells(report: Report, live: LiveFormulas, factor: page_model.LiveInput, row: int) -> list[Cell]:
    locale, names, ledger = report.locale, report.names, report.analysis.ledger
    parts = [names.get(factor.line, factor.line)] if factor.line else []
    if (factor.over, factor.up_to) != (None, None):
        parts.append(locale.band(factor.over, factor.up_to))
    entry = next((a for a in ledger.assumptions if a.id == factor.id), None) if ledger else None
    low, high = (factor.low, factor.high) if factor.assumption else (None, None)
    if entry is not None and not isinstance(entry, BandMix):
        # The last digits of an end differ between processors.
        low, high = map(simulation.round_digits, (entry.range.low, entry.range.high))
    value, original = (xl_rowcol_to_cell(row, column) for column in (VALUE, ORIGINAL))
    flag = choose_text(f"{value}<>{original}", locale("workbook.is_changed"), "")
    unit = INPUT_UNITS[factor.measure]
    return [
        Cell(names.get(factor.assumption, factor.assumption) or locale("workbook.tier")),
        Cell(", ".join(parts)),
        Cell(locale(f"word.{factor.kind}")),
        number_cell(locale, factor.value, unit, "input"),
        Cell(locale.unit if factor.measure == "money" else locale(f"workbook.{factor.measure}")),
        number_cell(locale, factor.value, unit, "original"),
        Cell(Formula(flag, ""), style="flag"),
        number_cell(locale, low, unit),
        number_cell(locale, high, unit),
        Cell(live.names[factor.id]),
    ]


def _validation(locale: Locale, factor: page_model.LiveInput) -> dict[str, Any]:
    title = locale("workbook.invalid")[:32]  # Excel allows no more letters
    options = {"validate": "decimal", "error_title": title}
    if factor.measure != "share":
        return options | {"criteria": ">=", "value": 0, "error_message": locale("workbook.invalid_amount")}
    message = locale("workbook.invalid_share", high=locale.share(factor.high))
    limits = {"criteria": "between", "minimum": 0, "maximum": factor.high}
    return options | limits | {"error_message": message}


def _write_mix_checks(sheet: Sheet, report: Report, inputs: list[page_model.LiveInput], first: int) -> None:
    """Write one row per mix of loss bands, which warns if the shares no longer have the same sum."""
    locale, mixes = report.locale, dict[str, list[int]]()
    for row, factor in enumerate(inputs, start=first):
        if factor.kind == "band_mix":
            mixes.setdefault(factor.assumption, []).append(row)
    rows = []
    for row, (mix, places) in enumerate(mixes.items(), start=sheet.row):
        total = round(sum(inputs[place - first].value for place in places), 12)
        sums = (
            "=" + "+".join(xl_rowcol_to_cell(place, column) for place in places)
            for column in (VALUE, ORIGINAL)
        )
        current, original = (Cell(Formula(formula, total), "share", "total") for formula in sums)
        cells = (xl_rowcol_to_cell(row, column) for column in (VALUE, ORIGINAL))
        flag = choose_text(f"ABS({'-'.join(cells)})<1E-9", "", locale("workbook.mix_off"))
        name, blank = locale("workbook.mix_sum", mix=report.names.get(mix, mix)), Cell(style="total")
        flagged = Cell(Formula(flag, ""), style="flag")
        rows.append([Cell(name, style="total"), blank, blank, current, blank, original, flagged])
    if rows:
        sheet.write_table((), rows)


def write_lines(sheet: Sheet, report: Report, live: LiveFormulas, inputs: str) -> None:
    """Write the terms (products of inputs) of every cost line, and the totals by line and by valuation.

    Args:
        sheet: an empty sheet.
        report: the content of the report.
        live: the live formulas; the cells of the totals get names.
        inputs: the name of the sheet with the inputs.
    """
    locale = report.locale
    sheet.sortable = False
    sheet.write_paragraph(locale("workbook.lines_intro", sheet=inputs), "note")
    labels = ("line", "valuation", "service", "claimant_type", "band", "rule")
    titles = [
        *(locale(f"column.{name}") for name in labels),
        locale("workbook.base"),
        locale("workbook.times_inputs"),
        *(locale(f"workbook.{name}", unit=locale.unit) for name in ("live", "written")),
    ]
    first = sheet.row + 1
    sheet.write_table(
        titles, [_term_cells(report, live, term, row) for row, term in enumerate(live.terms, start=first)]
    )
    groups: dict[tuple[str, str], list[int]] = {}
    for row, term in enumerate(live.terms, start=first):
        groups.setdefault((term.valuation, term.line), []).append(row)
    sheet.write_heading(locale("workbook.totals"))
    totals, first_total = [], sheet.row
    for (valuation, line), rows in groups.items():
        total = live.value(live.terms[row - first] for row in rows)
        name = report.names.get(line, line)
        totals.append(_total_cells(live, name, valuation, rows, total, total, "plain"))
    for row, valuation in enumerate(live.valuations, start=first_total + len(groups)):
        rows = [n for n, (other, _) in enumerate(groups, start=first_total) if other == valuation]
        total = live.total(valuation)
        model = live.cost.expected(valuation) / 10**locale.minor_units
        name = locale("workbook.total_of", valuation=locale(f"word.{valuation}"))
        totals.append(_total_cells(live, name, valuation, rows, total, model, "total"))
        live.name_cell(TOTAL_NAME.format(valuation), sheet, row, LIVE)
    sheet.write_table((), totals)


def _term_cells(report: Report, live: LiveFormulas, term: page_model.Product, row: int) -> list[Cell]:
    locale, names = report.locale, report.names
    is_banded = (term.over, term.up_to) != (None, None) or term.rule in ("pays", "review")
    # If one input of the term is an amount, its constant is a count; otherwise the constant is an amount.
    amounts = sum(live.inputs[f].measure == "money" for f in term.factors)
    base = float(term.base * 10.0 ** (locale.minor_units * (amounts - 1)))
    formula = "*".join((xl_rowcol_to_cell(row, BASE), *(live.names[f] for f in term.factors)))
    value = live.value([term])
    return [
        Cell(names.get(term.line, term.line)),
        Cell(locale(f"word.{term.valuation}")),
        Cell(names.get(term.service or "", term.service)),
        Cell(names.get(term.claimant_type or "", term.claimant_type)),
        Cell(locale.band(term.over, term.up_to) if is_banded else ""),
        Cell(locale(f"word.{term.rule}") if term.rule else ""),
        Cell(base, "decimal" if amounts else "money"),
        Cell(" × ".join(live.names[f] for f in term.factors)),
        Cell(Formula(f"={formula}", value), "money"),
        Cell(value, "money", "original"),
    ]


def _total_cells(
    live: LiveFormulas, name: str, valuation: str, rows: list[int], total: float, model: float, style: str
) -> list[Cell]:
    blanks, digits = [Cell(style=style)] * (LIVE - 2), live.digits(total)
    formula = f"=ROUND(SUM({xl_range(rows[0], LIVE, rows[-1], LIVE)}),{digits})"
    return [
        Cell(name, style=style),
        Cell(live.locale(f"word.{valuation}"), style=style),
        *blanks,
        Cell(Formula(formula, round(total, digits)), "money", style),
        Cell(round(model, digits), "money", "original" if style == "plain" else style),
    ]


def write_figures(sheet: Sheet, report: Report, live: LiveFormulas | None) -> None:
    """Write the key figures: the live expected cost beside the figures of the model.

    Figures that only the model gives are marked as stale once an input is changed.
    """
    locale, analysis = report.locale, report.analysis
    titles = [
        locale("workbook.figure"),
        *(locale(f"workbook.{name}", unit=locale.unit) for name in ("live", "written")),
        *(locale(f"workbook.{name}") for name in ("error", "state")),
    ]
    cash = analysis.expected_cash(analysis.cash_basis)
    figures, simulated = [], []
    if cash is not None:
        title = locale("report.tile_expected")
        texts = (f"{CHANGED_INPUTS}>0", locale("workbook.moved"), locale("workbook.same"))
        state = Cell(Formula(choose_text(*texts), texts[-1])) if live else Cell()
        figures.append(_expected_figure(report, live, title, "cash", cash, state))
        simulated = _simulated_figures(report, live)
    first = sheet.row + 1 + len(figures)
    if figures:
        sheet.write_table(titles, [*figures, *simulated])
    if live and simulated:
        stale = sheet.book.file.add_format({"font_color": FLAG_COLOUR, "bold": True})
        rule = {"type": "formula", "criteria": f"={CHANGED_INPUTS}>0", "format": stale}
        sheet.worksheet.conditional_format(first, 0, first + len(simulated) - 1, len(titles) - 1, rule)
    separate = []
    for valuation, value in _simulated(report, "expected", "value").items():
        name = capitalized(locale(f"word.{valuation}"))
        title = locale("report.tile_free") if valuation == "face_value" else name
        if valuation != "cash":
            separate.append(_expected_figure(report, live, title, valuation, value, Cell()))
    if separate:
        sheet.write_heading(locale("workbook.apart"))
        sheet.write_table(titles, separate)


def _simulated(report: Report, measure: str, column: str) -> dict[str, float]:
    """Return a figure of the simulation, or its numerical error, by valuation."""
    table = report.analysis.exact_tables.get("quantiles")
    if table is None:
        return {}
    return dict(table.filter(measure=measure).select("valuation", column).rows())


def _expected_figure(
    report: Report, live: LiveFormulas | None, title: str, valuation: str, value: float, state: Cell
) -> list[Cell]:
    locale, error = report.locale, _simulated(report, "expected", "error").get(valuation)
    total = Cell()
    if live and valuation in live.valuations:
        formula, digits = TOTAL_NAME.format(valuation), locale.minor_units
        rounded = Formula(f"=ROUND({formula},{digits})", round(live.total(valuation), digits))
        total = Cell(rounded, "money", "total")
    model = number_cell(locale, value, "money")
    return [Cell(title), total, model, number_cell(locale, error, "money"), state]


def _simulated_figures(report: Report, live: LiveFormulas | None) -> list[list[Cell]]:
    """Return the percentiles of the cash cost, and the chance that it exceeds the budget."""
    locale, analysis = report.locale, report.analysis
    texts = (f"{CHANGED_INPUTS}>0", locale("workbook.stale"), locale("workbook.current"))
    state = Cell(Formula(choose_text(*texts), texts[-1])) if live else Cell()
    rows = []
    for measure in locale.likely_range.percentiles:
        if (value := _simulated(report, measure, "value").get("cash")) is not None:
            error = _simulated(report, measure, "error")["cash"]
            numbers = (number_cell(locale, number, "money") for number in (value, error))
            rows.append([Cell(locale(f"word.{measure}")), Cell(), *numbers, state])
    budget = analysis.uncertainty_table(analysis.cash_basis, "budget")
    if budget is not None:
        row = budget.row(0, named=True)
        title = locale("report.tile_budget", budget=locale.money_in_full(row["budget"]))
        shares = (Cell(row[column], "share") for column in ("exceeded", "error"))
        rows.append([Cell(title), Cell(), *shares, state])
    return rows
