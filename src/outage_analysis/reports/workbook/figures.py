"""The figures of the summary: what formulas keep up to date, and what the model gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from outage_analysis.labels import capital
from outage_analysis.reports.first_screen import promised_range, quarter_profit
from outage_analysis.reports.report import Report
from outage_analysis.reports.workbook.cells import Cell, Formula, Scale, amount, whole
from outage_analysis.reports.workbook.formulas import CHANGED, Live, quoted

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
    w, expected = report.words, report.analysis.expected_cash(_basis(report))
    if expected is None:
        return [*_promised(report, scale), *_claims(report, scale)]
    told = f"=IF({CHANGED}>0,{quoted(w('workbook.moved'))},{quoted(w('workbook.same'))})"
    first = Figure(
        w("report.tile_expected"),
        _model(report, scale, expected),
        _live(live, "cash", row),
        amount(w, _error(report)),
        EMPTY if live is None else Cell(Formula(told, w("workbook.same"))),
        _note(report, w("report.tile_expected")),
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
    w, table = report.words, report.analysis.tables.get("quantiles")
    if table is None:
        return []
    notes = {"face_value": _note(report, w("report.tile_free"))}
    told = table.filter(pl.col("valuation") != "cash", measure="expected")
    return [
        Figure(
            w("report.tile_free") if valuation == "face_value" else capital(w(f"word.{valuation}")),
            _model(report, scale, value),
            _live(live, valuation, place),
            amount(w, error),
            note=notes.get(valuation, ""),
        )
        for place, (valuation, value, error) in enumerate(
            told.select("valuation", "value", "error").rows(), start=row
        )
    ]


def _basis(report: Report) -> str:
    """What the headline rests on."""
    return report.analysis.headline or "published"


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
    w = report.words
    told = f"=IF({CHANGED}>0,{quoted(w('workbook.stale'))},{quoted(w('workbook.current'))})"
    return EMPTY if live is None else Cell(Formula(told, w("workbook.current")))


def _quantiles(report: Report, live: Live | None, scale: Scale) -> list[Figure]:
    w, table = report.words, report.analysis.tables.get("quantiles")
    if table is None:
        return []
    found = {row["measure"]: row for row in table.filter(valuation="cash").rows(named=True)}
    return [
        Figure(
            w(f"word.{measure}"),
            _model(report, scale, row["value"]),
            error=amount(w, row["error"]),
            state=_stale(report, live),
            drawn=True,
        )
        for measure in QUANTILES
        if (row := found.get(measure))
    ]


def _budget(report: Report, live: Live | None) -> list[Figure]:
    w, table = report.words, report.analysis.doubt(_basis(report), "budget")
    if table is None:
        return []
    row: dict[str, Any] = table.row(0, named=True)
    title = w("report.tile_budget", budget=w.stated(row["budget"]))
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
    w, profit = report.words, quarter_profit(report.analysis)
    if not profit:
        return []
    share, told = Cell(w.rounded(expected / profit, 10), "share"), EMPTY
    if live is not None and "cash" in live.valuations:
        told = Cell(
            Formula(f"=B{row + 1}/{round(whole(w, profit))}", w.rounded(expected / profit, 10)), "share"
        )
    note = _note(report, w("report.tile_profit"))
    return [Figure(w("workbook.profit_share"), (share, EMPTY), (told, EMPTY), note=note)]


def _promised(report: Report, scale: Scale) -> list[Figure]:
    """What is promised if all are paid: of the policy and a published count, so that no rate moves it."""
    w, found = report.words, promised_range(report.analysis)
    note = _note(report, w("report.tile_promised"))
    ends = zip(("low", "high"), found[1:], strict=True) if found else ()
    return [
        Figure(w(f"workbook.promised_{end}"), _model(report, scale, value), note=note) for end, value in ends
    ]


def _claims(report: Report, scale: Scale) -> list[Figure]:
    """The expected cash of the claims given, where the headline is another."""
    w, a = report.words, report.analysis
    basis = next((b for b in ("claims", "synthetic") if b in a.runs and b != a.headline), "")
    expected = a.expected_cash(basis) if basis else None
    if expected is None:
        return []
    title = w("report.tile_claims")
    name = f"{title} ({w('workbook.synthetic')})" if basis == "synthetic" else title
    return [Figure(name, _model(report, scale, expected), note=_note(report, title))]


def _error(report: Report) -> float:
    """One standard error of the expected cash: none, but where it is the mean of the draws."""
    table = report.analysis.tables.get("quantiles")
    found = [] if table is None else table.filter(valuation="cash", measure="expected")["error"].to_list()
    return float(found[0]) if found else 0.0


def _note(report: Report, title: str) -> str:
    """What the first screen says of a figure."""
    return next((tile.note for tile in report.tiles if tile.title == title), "")
