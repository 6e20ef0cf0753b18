"""The first two slides: what it would cost, and how sure that is."""

from __future__ import annotations

import polars as pl

from outage_analysis.analysis import budget_scope
from outage_analysis.charts import money_ends
from outage_analysis.reports.blocks import Tile
from outage_analysis.reports.deck import native_charts as graphs
from outage_analysis.reports.deck import theme as look
from outage_analysis.reports.deck.canvas import Canvas
from outage_analysis.reports.deck.speaker_notes import Talk, cash_facts, ids_in
from outage_analysis.reports.deck.text_size import Line, width
from outage_analysis.reports.deck.theme import Box
from outage_analysis.reports.first_screen import quarter_profit
from outage_analysis.reports.report import Report

NOTHING = "–"
"""The figure of a tile that has none."""
FIGURE_SIZES = (54, 50, 46, 42, 38, 34, 30, 26)
SMALL_SIZES = (22, 20, 18, 16, 14, 13, 12)
FOOT = 0.72
"""Inches at the foot of a slide for the cost lines that are left out."""
POINTS = ("p10", "p50", "p90", "p95", "p99")


def answer(report: Report, canvas: Canvas) -> Talk:
    """The expected cash large, with what it is to be read beside; what is no cash apart."""
    locale, (first, *others) = report.words, report.tiles
    apart = {locale("report.tile_free"), locale("report.tile_claims")}
    beside = [tile for tile in others if tile.title not in apart][:3]
    below = [tile for tile in others if tile.title in apart][:2]
    badge = locale("report.synthetic_badge") if first.synthetic else ""
    canvas.head(_finding(report, first, beside), report.kicker, report.policy, badge)
    low = 5.1 if below or report.banner else look.BOTTOM
    wide = 5.5 if beside else look.FULL
    figure = next((s for s in FIGURE_SIZES if width(first.figure, s, bold=True) <= wide), FIGURE_SIZES[-1])
    hero = [Line(_title(report, first), 15, colour=look.MUTED, after=2)]
    if first.figure != NOTHING:
        hero.append(Line(first.figure, figure, bold=True, colour=look.ACCENT, after=6))
    hero.append(Line(first.note, 20 if first.figure == NOTHING else 15, after=0))
    canvas.text("Expected cash", Box(look.LEFT, look.TOP + 0.1, wide, low - look.TOP - 0.15), hero)
    for n, tile in enumerate(beside):
        _row(report, canvas, tile, Box(6.75, look.TOP + 0.1 + n * 0.98, 5.93, 0.86))
    if below:
        canvas.rule(low + 0.02)
        for n, tile in enumerate(below):
            _row(report, canvas, tile, Box(look.LEFT + n * 6.1, low + 0.12, 5.93, 0.92))
    if report.banner:
        said = f"{locale('report.synthetic_badge')}: {report.banner}"
        canvas.text("Synthetic", Box(look.LEFT, 6.2, look.FULL, 0.56), [Line(said, 11.5, colour=look.MUTED)])
    a = report.analysis
    fact = a.incident.quarter_profit
    profit = (fact,) if fact and quarter_profit(a) is not None else ()
    free = a.tables["costs"].filter(pl.col("expected").is_not_null(), valuation="face_value", level="line")
    told = tuple(f"{_title(report, t)}: {t.figure}. {t.note}" for t in report.tiles)
    return Talk(told, (*cash_facts(report), *profit, *ids_in(free["facts"])), synthetic=first.synthetic)


def _finding(report: Report, first: Tile, beside: list[Tile]) -> str:
    """What the first figure says; of synthetic rows only what it measures."""
    locale = report.words
    if first.figure == NOTHING:
        none = "deck.answer_none_claims" if report.analysis.headline_from_claims else "deck.answer_none"
        return locale(none, day=locale.day(report.analysis.as_of))
    if first.synthetic:
        return locale("chart.synthetic_prefix", title=first.title)
    share = next((tile.figure for tile in beside if tile.title == locale("report.tile_profit")), "")
    key = "deck.answer_profit" if share else "deck.answer_title"
    return locale(key, title=first.title, figure=first.figure, share=share)


def _title(report: Report, tile: Tile) -> str:
    return f"{tile.title} · {report.words('report.synthetic_badge')}" if tile.synthetic else tile.title


def _row(report: Report, canvas: Canvas, tile: Tile, box: Box) -> None:
    """A figure with its name, and what it means beside it."""
    left = 2.9
    size = next((s for s in SMALL_SIZES if width(tile.figure, s, bold=True) <= left), SMALL_SIZES[-1])
    shown = [
        Line(_title(report, tile), 12, colour=look.MUTED, after=1),
        Line(tile.figure, size, bold=True, after=0),
    ]
    canvas.text(tile.title, Box(box.left, box.top, left, box.height), shown)
    note = Box(box.left + left + 0.15, box.top, box.width - left - 0.15, box.height)
    canvas.text(f"{tile.title}: note", note, [Line(tile.note, 11.5, colour=look.MUTED, after=0)])


def law(report: Report) -> dict[str, float]:
    """The expected cash of the headline and its points, in the smallest unit; empty where none is drawn."""
    a = report.analysis
    table, expected = a.tables.get("quantiles"), a.expected_cash(a.headline_basis or "published")
    if table is None or expected is None:
        return {}
    rows = table.filter(pl.col("value").is_not_null(), valuation="cash")
    return {**dict(rows.select("measure", "value").iter_rows()), "expected": expected}


def doubt(report: Report, canvas: Canvas) -> Talk:
    """Points of the law of the total as bars, and what they mean."""
    locale, a, found = report.words, report.analysis, law(report)
    made_up = a.needs_synthetic_mark("quantiles")
    badge = locale("report.synthetic_badge") if made_up else ""
    if not {"p10", "p90"} <= set(found) or found["p10"] == found["p90"]:
        return _worded(report, canvas, found)
    budget = _budget(report)
    scale = graphs.scale(locale, [found[p] / minor(report) for p in POINTS if p in found])
    lede = locale("deck.sure_measure", unit=scale.unit)
    canvas.head(_spread(report, found, budget, made_up=made_up), report.kicker, lede, badge)
    rows = [
        (found[p], locale(f"deck.sure_{p}"), p == "expected") for p in ("expected", *POINTS) if p in found
    ]
    if budget:
        rows.append((budget[0], locale("deck.sure_budget"), False))
    rows.sort(key=lambda row: row[0])
    amounts = {locale("deck.sure_series"): [row[0] / minor(report) for row in rows]}
    names = [row[1] for row in rows]
    plot = graphs.Plot(names, amounts, scale.format, locale("deck.sure_alt", unit=scale.unit), a.as_of)
    strong = [n for n, row in enumerate(rows) if row[2]]
    left_out = _left_out(report)
    high = look.BOTTOM - look.TOP - (FOOT if left_out else 0)
    graphs.bars(canvas, "Law of the total", Box(0.5, look.TOP, 7.9, high), plot, strong)
    said = tuple(_meaning(report, found, budget))
    column = Box(8.75, look.TOP + 0.15, 3.93, high - 0.15)
    canvas.text("What it means", column, [Line(text, 15, after=11) for text in said])
    if left_out:
        foot = Box(look.LEFT, look.TOP + high + 0.1, look.FULL, FOOT - 0.1)
        canvas.text("Left out", foot, [Line(left_out, 11.5, colour=look.MUTED, after=0)])
    told = filter(None, (*said, left_out, locale("deck.sure_apart")))
    return Talk(tuple(told), cash_facts(report), synthetic=made_up)


def minor(report: Report) -> float:
    """Smallest units in one of the currency."""
    return 10.0**report.analysis.incident.minor_units


def _budget(report: Report) -> tuple[float, float] | None:
    """The budget and the chance to exceed it, where the headline has one."""
    table = report.analysis.tables.get("budget")
    return None if table is None else (float(table["budget"][0]), float(table["exceeded"][0]))


def _worded(report: Report, canvas: Canvas, found: dict[str, float]) -> Talk:
    """How sure it is where there is no law to draw: nothing is uncertain, or too little is known."""
    locale, made_up = report.words, report.analysis.needs_synthetic_mark("quantiles")
    key = "certain" if {"p10", "p90"} <= set(found) else "few" if "expected" in found else "none"
    canvas.head(
        locale(f"deck.{key}_title"), report.kicker, badge=locale("report.synthetic_badge") if made_up else ""
    )
    said = (locale(f"deck.{key}"), report.tiles[0].note)
    full = Box(look.LEFT, look.TOP, look.FULL, look.BOTTOM - look.TOP)
    canvas.text("In words", full, [Line(text, 18, after=10) for text in said])
    return Talk(said, cash_facts(report), synthetic=made_up)


def _left_out(report: Report) -> str:
    """The lines that the chance of exceeding the budget leaves out, by name; empty where there are none."""
    locale, a = report.words, report.analysis
    names = a.names(locale.lang)
    lines = ", ".join(names.get(x, x) for x in a.lines_outside_budget)
    return locale("report.budget_left_out", lines=lines) if lines else ""


def _spread(
    report: Report, found: dict[str, float], budget: tuple[float, float] | None, *, made_up: bool
) -> str:
    locale = report.words
    if made_up:
        return locale("chart.synthetic_prefix", title=locale("chart.law_measure"))
    if budget:
        return locale(
            "chart.exceedance_budget", budget=locale.stated(budget[0]), share=locale.share(budget[1])
        )
    low, high = money_ends(locale, found["p10"], found["p90"])
    return locale("deck.sure_title", low=low, high=high)


def _meaning(report: Report, found: dict[str, float], budget: tuple[float, float] | None) -> list[str]:
    """The law in sentences: its middle, its end, where the doubt is from."""
    locale = report.words
    said = []
    if budget:
        low, high = money_ends(locale, found["p10"], found["p90"])
        said.append(budget_scope(report.analysis, report.analysis.headline_basis, locale))
        said.append(locale("deck.sure_eight", low=low, high=high))
    if "p50" in found:
        said.append(locale("deck.sure_half", median=locale.money(found["p50"])))
        if found["expected"] > found["p50"]:
            said.append(locale("deck.sure_above", expected=locale.money(found["expected"])))
    if "tvar95" in found:
        said.append(locale("deck.sure_tail", tail=locale.money(found["tvar95"])))
    split = report.analysis.tables.get("split")
    if split is not None:
        rows = split.filter(pl.col("share") > 0, valuation="cash").sort("share", descending=True)
        parts = [
            f"{locale('word.' + s)} {locale.share(locale.rounded(x))}"
            for s, x in rows.select("source", "share").rows()
        ]
        if parts:
            said.append(locale("deck.sure_split", parts="; ".join(parts)))
    return said
