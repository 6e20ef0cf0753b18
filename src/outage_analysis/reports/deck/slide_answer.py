"""Write the slide with the answer: how much, how sure, why, and what to decide."""

from __future__ import annotations

import polars as pl

from outage_analysis.analysis import budget_scope
from outage_analysis.reports.blocks import Tile
from outage_analysis.reports.deck import native_charts, theme
from outage_analysis.reports.deck.canvas import (
    COLUMN_GAP,
    TABLE_SIZES,
    TWO_LINE_SHARE,
    Canvas,
    least_table_height,
)
from outage_analysis.reports.deck.speaker_notes import SlideNotes, cash_facts
from outage_analysis.reports.deck.theme import Box, Paragraph, fit_paragraphs, text_height, text_width
from outage_analysis.reports.report import Report
from outage_analysis.text import percent

NO_FIGURE = "–"
"""The figure of a key figure (tile) that has no value."""
CHART_WIDTH, CHART_HEIGHT = 5.2, 1.95
"""The size of the chart in inches."""
LEAST_NAMES = 0.25
"""Smallest width of the column of option names, as a share of the table."""
NARROW_WIDTHS = (0.246, 0.157, 0.224, 0.134, 0.239)
"""Column widths as shares of the table if it has the column "who gains"; figures then take two lines."""
GAP = 0.08
"""The vertical space between the table of options and the line with the reserve amounts, in inches."""
LEAST_TEXT = 0.4
"""Smallest height of the paragraphs above the table of options, as a share of the slide column."""
MOST_RESERVE = 0.4
"""Largest height of the amounts to set aside, in inches."""
CHART_TOP = 2.06
"""Where the chart starts, in inches from the top."""
SUMS_TOP = 6.02
"""Where the strip of separate sums starts, in inches from the top."""


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


def answer_slide(report: Report, canvas: Canvas) -> SlideNotes:
    """Write the slide that says what the first screen says: how much, how sure, why, and what to decide.

    Its chart has the percentiles, the mean and the budget as bars. Without a distribution, the slide has only
    texts.
    """
    locale, analysis, points = report.locale, report.analysis, cost_points(report)
    is_synthetic = analysis.needs_synthetic_mark("quantiles")
    likely = likely_ends(report, points)
    if likely is None or likely[0] == likely[1] or "total_distribution" not in report.charts:
        return _text_slide(report, canvas, points)
    data, highlighted, unit = _percentile_bars(report, points)
    title = report.charts["total_distribution"].title
    canvas.add_title(title, report.kicker)
    measure = Box(theme.LEFT, theme.SUBTITLE.top, CHART_WIDTH - 0.15, theme.SUBTITLE.height)
    line = Paragraph(locale("deck.sure_measure", unit=unit), 14, colour=theme.MUTED, space_after=0)
    canvas.add_text("Measure", measure, [line])
    sums = _separate_sums(report)
    low = SUMS_TOP - 0.1 if sums else theme.BOTTOM
    native_charts.add_bar_chart(
        canvas, "Distribution of the total", Box(0.5, CHART_TOP, CHART_WIDTH, CHART_HEIGHT), data, highlighted
    )
    answers = report.answers
    left_out = _left_out_text(report)
    scope = [Paragraph(text, 13, n == 0, space_after=4) for n, text in enumerate(answers.headline)]
    # The table of options takes the space of the lines outside the budget; these are in the notes.
    below = () if report.options else (_reserve_text(report), left_out)
    scope += [Paragraph(text, 12) for text in below if text]
    top = CHART_TOP + CHART_HEIGHT + 0.05
    box = Box(theme.LEFT, top, CHART_WIDTH - 0.15, low - top)
    canvas.add_text("Cash and its scope", box, scope, more=True)
    left = theme.LEFT + CHART_WIDTH + 0.2
    right = theme.SUBTITLE.top - 0.02
    column = Box(left, right, theme.LEFT + theme.FULL_WIDTH - left, low - right)
    _add_reasons(report, canvas, column)
    if sums:
        canvas.add_line(SUMS_TOP)
        width = theme.FULL_WIDTH / len(sums)
        for n, (name, amounts) in enumerate(sums):
            box = Box(theme.LEFT + n * width, SUMS_TOP + 0.09, width - 0.15, theme.BOTTOM - SUMS_TOP - 0.09)
            lines = [
                Paragraph(name, 11.5, colour=theme.MUTED, space_after=1),
                Paragraph(amounts, 13, bold=True),
            ]
            canvas.add_text(name, box, lines)
    sentences = (*answers.headline, *answers.drives, *answers.narrows, *answers.decide, _reserve_text(report))
    texts = _uncertainty_sentences(report, points)
    apart = [f"{name}: {amounts}." for name, amounts in sums]
    notes = (*sentences, *texts, left_out, *apart, locale("deck.sure_apart"))
    return SlideNotes(tuple(filter(None, notes)), cash_facts(report), synthetic=is_synthetic)


def _percentile_bars(
    report: Report, points: dict[str, float]
) -> tuple[native_charts.BarData, list[int], str]:
    locale, percentiles = report.locale, report.locale.likely_range.percentiles
    scale = native_charts.amount_format(
        locale, [points[p] / minor_units_factor(report) for p in percentiles if p in points]
    )
    rows = [(points["expected"], locale("deck.sure_expected"))]
    rows += [
        (points[p], locale("deck.sure_below", share=percent(below), mark=locale(f"word.{p}")))
        for p, below in percentiles.items()
        if p in points
    ]
    budget = _budget(report)
    if budget is not None:
        rows.append((budget, locale("deck.sure_budget")))
    rows.sort(key=lambda row: row[0])
    amounts = {locale("deck.sure_series"): [amount / minor_units_factor(report) for amount, _ in rows]}
    names = [name for _, name in rows]
    alt = _percentiles_alt_text(report, scale.unit)
    data = native_charts.BarData(names, amounts, scale.format, alt, report.analysis.as_of)
    # The title names the median, the mean and the budget.
    marks = {locale("deck.sure_expected"), locale("deck.sure_budget")}
    marks.add(locale("deck.sure_below", share=percent(0.5), mark=locale("word.p50")))
    return data, [n for n, name in enumerate(names) if name in marks], scale.unit


def _add_reasons(report: Report, canvas: Canvas, column: Box) -> None:
    lines, options = _answer_paragraphs(report), report.options
    if options is None:
        canvas.add_text("Why, and what to decide", column, lines, more=True)
        return
    decide, width = report.locale("report.decide"), column.width - 0.02
    reserve = [Paragraph(text, 12, space_after=0) for text in (_reserve_text(report),) if text]
    reserve = fit_paragraphs(reserve, width, MOST_RESERVE)
    last = text_height(reserve, width) + GAP if reserve else 0.0
    heads = [decide, *(column.title for column in options.columns[1:])]
    rows = [[str(cell) for cell in row] for row in options.rows]
    widths = _option_widths(report, [heads, *rows], column.width)
    least = least_table_height([heads, *rows], widths, column.width) + 0.01
    room = max(column.height - last - least, column.height * LEAST_TEXT)
    height = min(text_height(lines, width) + 0.02, room)
    canvas.add_text("Why", Box(column.left, column.top, column.width, height), lines, more=True)
    canvas.add_table(
        "Options",
        Box(column.left, column.top + height, column.width, column.height - height - last),
        heads,
        rows,
        widths=widths,
        alt_text=decide,
    )
    if reserve:
        top = column.top + column.height - last + GAP
        canvas.add_text("To set aside", Box(column.left, top, column.width, last - GAP + 0.02), reserve)


def _option_widths(report: Report, cells: list[list[str]], available: float) -> list[float]:
    grid = report.options
    if grid is None or len(grid.columns) == len(NARROW_WIDTHS):
        return [share * available for share in NARROW_WIDTHS]
    size, widths = TABLE_SIZES[-1], []
    for head, *texts in zip(*cells, strict=True):
        longest = max(text_width(text, size) for text in texts)
        widths.append(max(longest, text_width(head, size, bold=True) * TWO_LINE_SHARE) + COLUMN_GAP + 0.05)
    figures = sum(width for width, column in zip(widths, grid.columns, strict=True) if column.style)
    texts_width = max(available - figures, available * LEAST_NAMES)
    return [texts_width if n == 0 else width for n, width in enumerate(widths)]


def _answer_paragraphs(report: Report) -> list[Paragraph]:
    locale, answers = report.locale, report.answers
    decide = () if report.options else answers.decide
    parts = (("drives", answers.drives), ("narrows", answers.narrows), ("decide", decide))
    lines = []
    for key, texts in parts:
        if texts:
            lines.append(Paragraph(locale(f"report.{key}"), 13, bold=True, space_after=2))
            lines += [
                Paragraph(text, 12, space_after=3 if n + 1 < len(texts) else 7, bullet=key == "decide")
                for n, text in enumerate(texts)
            ]
    return lines


def _reserve_text(report: Report) -> str:
    """Return the amounts to set aside as one text; empty if there are none."""
    amounts = "; ".join(f"{measure} {amount}" for measure, amount in report.answers.reserve)
    return f"{report.answers.reserve_title}: {amounts}" if amounts else ""


def _separate_sums(report: Report) -> list[tuple[str, str]]:
    locale, likely = report.locale, report.analysis.likely_range
    table = report.analysis.tables.get("cost_ranges")
    if table is None or report.analysis.headline_is_synthetic:
        return []
    rows = table.filter(pl.col("line") == "", pl.col("range_high") > 0).iter_rows(named=True)
    sums = [
        (
            locale(f"chart.sum_{row['valuation']}"),
            locale(
                "deck.sum_range",
                median=locale.money(row["p50"] or 0.0),
                range=locale.money_range(row["range_low"] or 0.0, row["range_high"]),
                low=likely.low.upper(),
                high=likely.high.upper(),
            ),
        )
        for row in rows
    ]
    return sums if len(sums) > 1 else []


def likely_ends(report: Report, points: dict[str, float]) -> tuple[float, float] | None:
    """Return both ends of the likely range, taken from `points`; None if one is missing."""
    likely = report.analysis.likely_range
    return (points[likely.low], points[likely.high]) if {likely.low, likely.high} <= set(points) else None


def _percentiles_alt_text(report: Report, unit: str) -> str:
    locale = report.locale
    names = ", ".join(locale(f"word.{p}") for p in locale.likely_range.percentiles)
    return locale("deck.sure_alt", percentiles=names, unit=unit)


def minor_units_factor(report: Report) -> float:
    """Return the number of smallest currency units per whole unit, such as 100 cents per euro."""
    return 10.0**report.analysis.incident.minor_units


def _budget(report: Report) -> float | None:
    """Return the budget in the smallest currency unit; None if no budget was given."""
    table = report.analysis.tables.get("budget")
    return None if table is None else float(table["budget"][0])


def _text_slide(report: Report, canvas: Canvas, points: dict[str, float]) -> SlideNotes:
    locale, is_synthetic = report.locale, report.analysis.needs_synthetic_mark("quantiles")
    first, *others = report.tiles
    canvas.add_title(_text_title(report, first), report.kicker)
    key = "certain" if likely_ends(report, points) else "few" if "expected" in points else "none"
    texts = [locale(f"deck.{key}"), first.note]
    texts += [
        f"{tile.title}: {tile.figure}. {tile.note}" for tile in others if not tile.synthetic or is_synthetic
    ]
    full = Box(theme.LEFT, theme.TOP, theme.FULL_WIDTH, theme.BOTTOM - theme.TOP)
    canvas.add_text("In words", full, [Paragraph(text, 18, space_after=10) for text in texts], more=True)
    return SlideNotes(tuple(texts), cash_facts(report), synthetic=is_synthetic)


def _text_title(report: Report, first: Tile) -> str:
    locale = report.locale
    if first.figure == NO_FIGURE:
        key = "deck.answer_none_claims" if report.analysis.headline_from_claims else "deck.answer_none"
        return locale(key, day=locale.day(report.analysis.as_of))
    if first.synthetic:
        return locale("chart.synthetic_prefix", title=first.title)
    return locale("deck.answer_title", title=first.title, figure=first.figure)


def _left_out_text(report: Report) -> str:
    locale, analysis = report.locale, report.analysis
    names = analysis.names(locale.lang)
    lines = ", ".join(names.get(x, x) for x in analysis.lines_outside_budget)
    return locale("report.budget_left_out", lines=lines) if lines else ""


def _uncertainty_sentences(report: Report, points: dict[str, float]) -> list[str]:
    locale, texts = report.locale, []
    if _budget(report) is not None:
        texts.append(budget_scope(report.analysis, report.analysis.headline_basis, locale))
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
