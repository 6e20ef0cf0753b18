"""Write the first two slides: the expected cost and its uncertainty."""

from __future__ import annotations

import polars as pl

from outage_analysis.analysis import budget_scope
from outage_analysis.charts import money_range_ends
from outage_analysis.reports.blocks import Tile
from outage_analysis.reports.deck import native_charts, theme
from outage_analysis.reports.deck.canvas import Canvas
from outage_analysis.reports.deck.speaker_notes import SlideNotes, cash_facts, split_ids
from outage_analysis.reports.deck.theme import Box, Paragraph, text_width
from outage_analysis.reports.report import Report
from outage_analysis.text import percent

NO_FIGURE = "–"
"""The figure of a key figure (tile) that has no value."""
FIGURE_SIZES = (54, 50, 46, 42, 38, 34, 30, 26)
SMALL_SIZES = (22, 20, 18, 16, 14, 13, 12)
LEFT_OUT_HEIGHT = 0.72
"""The height in inches of the note on cost lines that are left out."""


def cost_slide(report: Report, canvas: Canvas) -> SlideNotes:
    """Write the slide on the expected cost: cash, related key figures, and below them free goods, claims."""
    locale, (first, *others) = report.locale, report.tiles
    separate_titles = {locale("report.tile_free"), locale("report.tile_claims")}
    related = [tile for tile in others if tile.title not in separate_titles][:3]
    separate = [tile for tile in others if tile.title in separate_titles][:2]
    badge = locale("report.synthetic_badge") if first.synthetic else ""
    canvas.add_title(_cost_title(report, first), report.kicker, report.policy, badge)
    low = 5.1 if separate or report.banner else theme.BOTTOM
    width = 5.5 if related else theme.FULL_WIDTH
    figure_size = next(
        (s for s in FIGURE_SIZES if text_width(first.figure, s, bold=True) <= width), FIGURE_SIZES[-1]
    )
    paragraphs = [Paragraph(_tile_title(report, first), 15, colour=theme.MUTED, space_after=2)]
    if first.figure != NO_FIGURE:
        paragraphs.append(Paragraph(first.figure, figure_size, bold=True, colour=theme.ACCENT, space_after=6))
    paragraphs.append(Paragraph(first.note, 20 if first.figure == NO_FIGURE else 15, space_after=0))
    canvas.add_text(
        "Expected cash", Box(theme.LEFT, theme.TOP + 0.1, width, low - theme.TOP - 0.15), paragraphs
    )
    for n, tile in enumerate(related):
        _add_tile(report, canvas, tile, Box(6.75, theme.TOP + 0.1 + n * 0.98, 5.93, 0.86))
    if separate:
        canvas.add_line(low + 0.02)
        for n, tile in enumerate(separate):
            _add_tile(report, canvas, tile, Box(theme.LEFT + n * 6.1, low + 0.12, 5.93, 0.92))
    if report.banner:
        notice = f"{locale('report.synthetic_badge')}: {report.banner}"
        canvas.add_text(
            "Synthetic",
            Box(theme.LEFT, 6.2, theme.FULL_WIDTH, 0.56),
            [Paragraph(notice, 11.5, colour=theme.MUTED)],
        )
    analysis = report.analysis
    free = analysis.tables["costs"].filter(
        pl.col("expected").is_not_null(), valuation="face_value", level="line"
    )
    note_texts = tuple(f"{_tile_title(report, t)}: {t.figure}. {t.note}" for t in report.tiles)
    return SlideNotes(note_texts, (*cash_facts(report), *split_ids(free["facts"])), synthetic=first.synthetic)


def _cost_title(report: Report, first: Tile) -> str:
    """Return the title of the cost slide: the expected cash cost, but no amount if claims are synthetic."""
    locale = report.locale
    if first.figure == NO_FIGURE:
        no_cost_key = (
            "deck.answer_none_claims" if report.analysis.headline_from_claims else "deck.answer_none"
        )
        return locale(no_cost_key, day=locale.day(report.analysis.as_of))
    if first.synthetic:
        return locale("chart.synthetic_prefix", title=first.title)
    return locale("deck.answer_title", title=first.title, figure=first.figure)


def _tile_title(report: Report, tile: Tile) -> str:
    return f"{tile.title} · {report.locale('report.synthetic_badge')}" if tile.synthetic else tile.title


def _add_tile(report: Report, canvas: Canvas, tile: Tile, box: Box) -> None:
    """Add a key figure (tile) to the slide: title and figure, with the explanatory note beside them."""
    left = 2.9
    size = next((s for s in SMALL_SIZES if text_width(tile.figure, s, bold=True) <= left), SMALL_SIZES[-1])
    paragraphs = [
        Paragraph(_tile_title(report, tile), 12, colour=theme.MUTED, space_after=1),
        Paragraph(tile.figure, size, bold=True, space_after=0),
    ]
    canvas.add_text(tile.title, Box(box.left, box.top, left, box.height), paragraphs)
    note = Box(box.left + left + 0.15, box.top, box.width - left - 0.15, box.height)
    canvas.add_text(
        f"{tile.title}: note", note, [Paragraph(tile.note, 11.5, colour=theme.MUTED, space_after=0)]
    )


def cost_points(report: Report) -> dict[str, float]:
    """Return the expected value and percentiles of the headline cost in cash, by name.

    Amounts are in the smallest currency unit. The result is empty if the cost was not simulated.
    """
    analysis = report.analysis
    table, expected = (
        analysis.tables.get("quantiles"),
        analysis.expected_cash(analysis.cash_basis),
    )
    if table is None or expected is None:
        return {}
    rows = table.filter(pl.col("value").is_not_null(), valuation="cash")
    return {**dict(rows.select("measure", "value").iter_rows()), "expected": expected}


def uncertainty_slide(report: Report, canvas: Canvas) -> SlideNotes:
    """Write the slide on the uncertainty of the total: percentiles as bars, with an explanation."""
    locale, analysis, points = report.locale, report.analysis, cost_points(report)
    is_synthetic = analysis.needs_synthetic_mark("quantiles")
    badge = locale("report.synthetic_badge") if is_synthetic else ""
    likely = likely_ends(report, points)
    if likely is None or likely[0] == likely[1]:
        return _text_slide(report, canvas, points)
    budget, percentiles = _budget_chance(report), locale.likely_range.percentiles
    scale = native_charts.amount_format(
        locale, [points[p] / minor_units_factor(report) for p in percentiles if p in points]
    )
    subtitle = locale("deck.sure_measure", unit=scale.unit)
    canvas.add_title(
        _uncertainty_title(report, likely, budget, synthetic=is_synthetic), report.kicker, subtitle, badge
    )
    rows = [(points["expected"], locale("deck.sure_expected"), True)]
    rows += [
        (points[p], locale("deck.sure_below", share=percent(below), mark=locale(f"word.{p}")), False)
        for p, below in percentiles.items()
        if p in points
    ]
    if budget:
        rows.append((budget[0], locale("deck.sure_budget"), False))
    rows.sort(key=lambda row: row[0])
    amounts = {locale("deck.sure_series"): [row[0] / minor_units_factor(report) for row in rows]}
    names = [row[1] for row in rows]
    data = native_charts.BarData(
        names, amounts, scale.format, _percentiles_alt_text(report, scale.unit), analysis.as_of
    )
    highlighted = [n for n, row in enumerate(rows) if row[2]]
    left_out = _left_out_text(report)
    high = theme.BOTTOM - theme.TOP - (LEFT_OUT_HEIGHT if left_out else 0)
    native_charts.add_bar_chart(
        canvas, "Distribution of the total", Box(0.5, theme.TOP, 7.9, high), data, highlighted
    )
    texts = tuple(_uncertainty_sentences(report, points, likely, budget))
    column = Box(8.75, theme.TOP + 0.15, 3.93, high - 0.15)
    canvas.add_text("What it means", column, [Paragraph(text, 15, space_after=11) for text in texts])
    if left_out:
        footer_box = Box(theme.LEFT, theme.TOP + high + 0.1, theme.FULL_WIDTH, LEFT_OUT_HEIGHT - 0.1)
        canvas.add_text(
            "Left out", footer_box, [Paragraph(left_out, 11.5, colour=theme.MUTED, space_after=0)]
        )
    note_texts = filter(None, (*texts, left_out, locale("deck.sure_apart")))
    return SlideNotes(tuple(note_texts), cash_facts(report), synthetic=is_synthetic)


def likely_ends(report: Report, points: dict[str, float]) -> tuple[float, float] | None:
    """Return both ends of the likely range, taken from `points`; None if one is missing."""
    likely = report.analysis.likely_range
    return (points[likely.low], points[likely.high]) if {likely.low, likely.high} <= set(points) else None


def _percentiles_alt_text(report: Report, unit: str) -> str:
    """Return the description of the bar chart of percentiles for readers who cannot see the chart."""
    locale = report.locale
    names = ", ".join(locale(f"word.{p}") for p in locale.likely_range.percentiles)
    return locale("deck.sure_alt", percentiles=names, unit=unit)


def minor_units_factor(report: Report) -> float:
    """Return the number of smallest currency units per whole unit, such as 100 cents per euro."""
    return 10.0**report.analysis.incident.minor_units


def _budget_chance(report: Report) -> tuple[float, float] | None:
    """Return the budget and the probability that the cost exceeds it; None if no budget was given."""
    table = report.analysis.tables.get("budget")
    return None if table is None else (float(table["budget"][0]), float(table["exceeded"][0]))


def _text_slide(report: Report, canvas: Canvas, points: dict[str, float]) -> SlideNotes:
    """Write the slide on uncertainty as text only, for a cost without a distribution to draw."""
    locale, is_synthetic = report.locale, report.analysis.needs_synthetic_mark("quantiles")
    key = "certain" if likely_ends(report, points) else "few" if "expected" in points else "none"
    canvas.add_title(
        locale(f"deck.{key}_title"),
        report.kicker,
        badge=locale("report.synthetic_badge") if is_synthetic else "",
    )
    texts = (locale(f"deck.{key}"), report.tiles[0].note)
    full = Box(theme.LEFT, theme.TOP, theme.FULL_WIDTH, theme.BOTTOM - theme.TOP)
    canvas.add_text("In words", full, [Paragraph(text, 18, space_after=10) for text in texts])
    return SlideNotes(texts, cash_facts(report), synthetic=is_synthetic)


def _left_out_text(report: Report) -> str:
    """Return a sentence on the cost lines that the budget probability leaves out; empty if none."""
    locale, analysis = report.locale, report.analysis
    names = analysis.names(locale.lang)
    lines = ", ".join(names.get(x, x) for x in analysis.lines_outside_budget)
    return locale("report.budget_left_out", lines=lines) if lines else ""


def _uncertainty_title(
    report: Report, likely: tuple[float, float], budget: tuple[float, float] | None, *, synthetic: bool
) -> str:
    locale = report.locale
    if synthetic:
        return locale("chart.synthetic_prefix", title=locale("chart.total_distribution_measure"))
    if budget:
        return locale(
            "deck.sure_budget_title", budget=locale.money_in_full(budget[0]), share=locale.share(budget[1])
        )
    low, high = money_range_ends(locale, *likely)
    return locale("deck.sure_title", low=low, high=high)


def _uncertainty_sentences(
    report: Report,
    points: dict[str, float],
    likely: tuple[float, float],
    budget: tuple[float, float] | None,
) -> list[str]:
    """Return sentences on the cost distribution: median, worst outcomes and sources of uncertainty."""
    locale = report.locale
    texts = []
    if budget:
        low, high = money_range_ends(locale, *likely)
        texts.append(budget_scope(report.analysis, report.analysis.headline_basis, locale))
        texts.append(locale("deck.sure_range", low=low, high=high))
    if "p50" in points:
        texts.append(locale("deck.sure_half", median=locale.money(points["p50"])))
        if points["expected"] > points["p50"]:
            texts.append(locale("deck.sure_above", expected=locale.money(points["expected"])))
    if "tvar95" in points:
        texts.append(locale("deck.sure_tail", tail=locale.money(points["tvar95"])))
    split = report.analysis.tables.get("split")
    if split is not None:
        rows = split.filter(pl.col("share") > 0, valuation="cash").sort("share", descending=True)
        parts = [
            f"{locale('word.' + s)} {locale.share(locale.rounded(x))}"
            for s, x in rows.select("source", "share").rows()
        ]
        if parts:
            texts.append(locale("deck.sure_split", parts="; ".join(parts)))
    return texts
