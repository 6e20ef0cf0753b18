"""Write the slides on cost drivers and on differences from press headlines."""

from __future__ import annotations

from typing import Any

import polars as pl

from outage_analysis.charts import cost_data as uncertain
from outage_analysis.incidents import facts_in_language
from outage_analysis.reports.deck import native_charts, theme
from outage_analysis.reports.deck.canvas import Canvas
from outage_analysis.reports.deck.slide_answer import minor_units_factor
from outage_analysis.reports.deck.speaker_notes import SlideNotes, cash_facts, split_ids
from outage_analysis.reports.deck.theme import Box, Paragraph
from outage_analysis.reports.report import Report
from outage_analysis.reports.sections import funnel_title
from outage_analysis.reports.table_views import headline_amount, headline_forecast
from outage_analysis.text import capitalized, short_names

MAX_INPUTS, MAX_PARTS = 7, 7
CONTENT_HEIGHT = theme.BOTTOM - theme.TOP
POINT = 0.01
"""Width of a forecast that is one amount, as a share of the longest bar, so that it can be seen."""


def drivers_slide(report: Report, canvas: Canvas) -> SlideNotes:
    """Write the slide on cost drivers: the cost range per input, and the cost of a step per policy lever."""
    locale, analysis = report.locale, report.analysis
    rows = uncertain.tornado_bars(analysis.tables["tornado"], MAX_INPUTS)
    is_synthetic = analysis.needs_synthetic_mark("tornado")
    answers = report.answers
    decide = [Paragraph(locale("report.decide"), 15, bold=True, space_after=6)]
    decide += [
        Paragraph(text, 14, space_after=8, bullet=True)
        for text in answers.decide or (locale("deck.decide_none"),)
    ]
    if rows.is_empty():
        canvas.add_title(locale("deck.drivers_none_title"), report.kicker)
        lines = [Paragraph(locale("deck.drivers_none"), 18, space_after=14), *decide]
        canvas.add_text("In words", Box(theme.LEFT, theme.TOP, theme.FULL_WIDTH, CONTENT_HEIGHT), lines)
        return SlideNotes(
            (locale("deck.drivers_none"), *answers.decide), cash_facts(report), synthetic=is_synthetic
        )
    unit = minor_units_factor(report)
    scale = native_charts.amount_format(locale, [x / unit for x in rows["right"]])
    title = report.charts["tornado"].title if "tornado" in report.charts else locale("chart.tornado_measure")
    expected = locale.money(float(rows["expected"][0]))
    subtitle = locale("deck.drivers_measure", unit=scale.unit, expected=expected)
    canvas.add_title(title, report.kicker, subtitle)
    series = {
        locale("deck.range_from"): [x / unit for x in rows["left"]],
        locale("deck.range_below"): [x / unit for x in rows["below"]],
        locale("deck.range_above"): [x / unit for x in rows["above"]],
    }
    alt = locale("deck.drivers_alt", unit=scale.unit)
    data = native_charts.BarData(_input_labels(report, rows), series, scale.format, alt, analysis.as_of)
    native_charts.add_range_chart(canvas, "What drives it", Box(0.5, theme.TOP, 7.9, CONTENT_HEIGHT), data)
    lines = [Paragraph(text, 14, space_after=14) for text in answers.drives] + decide
    box = Box(8.75, theme.TOP + 0.1, 3.93, CONTENT_HEIGHT - 0.1)
    canvas.add_text("What to decide", box, lines, more=True)
    return SlideNotes(
        (*answers.drives, *answers.decide), cash_facts(report), tuple(rows["assumption"]), is_synthetic
    )


def _input_labels(report: Report, rows: pl.DataFrame) -> list[str]:
    locale, names = report.locale, short_names([report.names.get(x, x) for x in rows["assumption"]])
    ends = [locale.money_range(left, right) for left, right in rows.select("left", "right").rows()]
    return [f"{name}\n{end}" for name, end in zip(names, ends, strict=True)]


def headlines_slide(report: Report, canvas: Canvas) -> SlideNotes:
    """Write the slide with the amounts in press headlines and the parts of the expected cash cost."""
    locale, analysis = report.locale, report.analysis
    published = facts_in_language(analysis.tables["headlines"].filter(pl.col("fact") != ""), locale.lang)
    steps = analysis.tables.get("steps", pl.DataFrame())
    parts = uncertain.waterfall_bars(steps, MAX_PARTS) if len(steps) > 1 else steps.clear()
    stages = _funnel_stages(report) if parts.is_empty() else parts.clear()
    is_synthetic = analysis.headline_is_synthetic and not (parts.is_empty() and stages.is_empty())
    chart_name = next((n for n in ("headlines", "waterfall") if n in report.charts), "")
    if chart_name == "waterfall" and parts.is_empty():
        chart_name = ""
    title = (
        report.charts[chart_name].title
        if chart_name
        else locale("report.differs" if len(published) else "deck.parts_title")
    )
    subtitle = locale("deck.headlines_measure" if len(published) else "deck.headlines_none")
    canvas.add_title(title, report.kicker, subtitle)
    width = theme.FULL_WIDTH if not chart_name and parts.is_empty() and stages.is_empty() else 7.7
    sentences = [locale("report.differs_text") if len(published) else subtitle]
    if len(published):
        _add_headlines_table(
            report, canvas, published, Box(theme.LEFT, theme.TOP + 0.05, width, CONTENT_HEIGHT - 0.05)
        )
        sentences += [
            f"{who}: {amount}. {counts}" for who, amount, counts, _ in _headline_rows(report, published)
        ]
    right_box = (
        Box(8.5, theme.TOP, 4.18, CONTENT_HEIGHT)
        if len(published)
        else Box(theme.LEFT, theme.TOP, theme.FULL_WIDTH, CONTENT_HEIGHT)
    )
    if chart_name == "headlines":
        _add_forecasts_chart(report, canvas, right_box)
        sentences.append(report.charts["headlines"].subtitle)
    elif not stages.is_empty():
        _add_funnel_chart(report, canvas, stages, right_box)
        sentences.append(locale(f"report.{funnel_title(report.analysis)}"))
    elif not parts.is_empty():
        _add_parts_chart(report, canvas, parts, right_box)
        sentences.append(locale("deck.parts_say", expected=locale.money(float(parts["expected"].sum()))))
    elif not len(published):
        message = locale("deck.parts_none")
        canvas.add_text(
            "In words", Box(theme.LEFT, theme.TOP + 0.1, theme.FULL_WIDTH, 3), [Paragraph(message, 18)]
        )
        sentences.append(message)
    facts = (*published["fact"], *(split_ids(parts["facts"]) if not parts.is_empty() else ()))
    return SlideNotes(tuple(sentences), facts, synthetic=is_synthetic and not len(published))


def _headline_rows(report: Report, published: pl.DataFrame) -> list[tuple[str, str, str, str]]:
    locale = report.locale
    rows = []
    for row in published.iter_rows(named=True):
        name = report.names.get(row["fact"], row["fact"])
        amount = headline_amount(row["low"], row["high"], locale) or locale("report.not_published")
        rows.append((name, amount, row["counts"] or "", locale.day(row["public_on"])))
    return rows


def _add_headlines_table(report: Report, canvas: Canvas, published: pl.DataFrame, box: Box) -> None:
    locale, analysis = report.locale, report.analysis
    ours = analysis.tables["headlines"].filter(pl.col("fact") == "", pl.col("expected").is_not_null())
    rows = [
        (
            locale("chart.headlines_ours"),
            headline_forecast(row, locale),
            locale("report.headline_counts", line=report.names.get(row["line"], row["line"])),
            locale.day(analysis.as_of),
        )
        for row in ours.iter_rows(named=True)
    ] + _headline_rows(report, published)
    heads = [locale(f"deck.headline_{c}") for c in ("who", "sum", "counts", "when")]
    canvas.add_table(
        "Headlines",
        box,
        heads,
        rows,
        widths=(2.2, 1.5, 2.65, 1.35),
        alt_text=locale("report.differs"),
        highlighted_row=-1 if ours.is_empty() else 0,
    )


def _add_forecasts_chart(report: Report, canvas: Canvas, box: Box) -> None:
    locale, factor = report.locale, minor_units_factor(report)
    table = report.analysis.tables["headlines"]
    ours, theirs = (
        table.filter(fact=""),
        table.filter(pl.col("fact") != "", pl.col("line") != "", pl.col("high") > 0),
    )
    names, bars = [], []
    for row in ours.iter_rows(named=True):
        low, mean, high = (row[c] / factor for c in ("low", "expected", "high"))
        name = locale("chart.headlines_ours")
        if len(ours) > 1:
            name = f"{name}: {report.names.get(row['line'], row['line'])}"
        names.append(f"{name}\n{locale('chart.mark_expected', amount=locale.money(row['expected']))}")
        bars.append((low, mean - low, high - mean))
    ends = [*theirs["high"], *map(sum, bars)]
    publishers = short_names([report.names.get(fact, fact) for fact in theirs["fact"]])
    for publisher, row in zip(publishers, theirs.iter_rows(named=True), strict=True):
        names.append(publisher)
        width = max(row["high"] - (row["low"] or 0.0), POINT * max(ends))
        bars.append((row["high"] - width, 0.0, width))
    scale = native_charts.amount_format(locale, [sum(bar) for bar in bars])
    series = {
        locale(f"deck.range_{part}"): [bar[n] for bar in bars]
        for n, part in enumerate(("from", "below", "above"))
    }
    alt = locale("chart.headlines_description")
    data = native_charts.BarData(names, series, scale.format, alt, report.analysis.as_of)
    title = locale("chart.headlines_measure")
    lines = [
        Paragraph(title, 14, bold=True, space_after=2),
        Paragraph(locale("deck.forecasts_measure", unit=scale.unit), 12, colour=theme.MUTED, space_after=0),
    ]
    canvas.add_text("What the bars show", Box(box.left, box.top + 0.05, box.width, 0.95), lines)
    place = Box(box.left, box.top + 1.05, box.width, min(box.height - 1.05, 0.7 + 0.85 * len(names)))
    native_charts.add_range_chart(canvas, title, place, data)


def _add_parts_chart(report: Report, canvas: Canvas, parts: pl.DataFrame, box: Box) -> None:
    locale = report.locale
    amounts = [x / minor_units_factor(report) for x in parts["expected"]]
    scale = native_charts.amount_format(locale, amounts)
    total = locale.money(float(parts["expected"].sum()))
    names = [_part_label(report, row) for row in parts.iter_rows(named=True)]
    series, alt = {locale("chart.waterfall_sum"): amounts}, locale("deck.parts_alt", unit=scale.unit)
    data = native_charts.BarData(names, series, scale.format, alt, report.analysis.as_of)
    largest = amounts.index(max(amounts))
    _add_captioned_bars(canvas, box, locale("deck.parts_caption", expected=total), scale.unit, data, largest)


def _funnel_stages(report: Report) -> pl.DataFrame:
    analysis = report.analysis
    table = analysis.tables[analysis.headline_table_name("funnel")]
    rows = table.filter(pl.col("line") == table["line"][0]) if len(table) else table
    return rows.clear() if rows["expected"].null_count() else rows


def _add_funnel_chart(report: Report, canvas: Canvas, rows: pl.DataFrame, box: Box) -> None:
    locale, counted = report.locale, [float(round(x)) for x in rows["expected"]]
    series, names = (
        {locale("column.claims" if "claimed" in rows["stage"] else "chart.funnel_x"): counted},
        [capitalized(locale(f"word.{x}")) for x in rows["stage"]],
    )
    data = native_charts.BarData(
        names, series, "#,##0", locale("chart.funnel_description"), report.analysis.as_of
    )
    unit = locale("column.claims" if "claimed" in rows["stage"] else "chart.funnel_x")
    title = locale(f"report.{funnel_title(report.analysis)}")
    _add_captioned_bars(canvas, box, title, unit, data, len(names) - 1)


def _add_captioned_bars(
    canvas: Canvas, box: Box, title: str, unit: str, data: native_charts.BarData, highlighted: int
) -> None:
    """Add a bar chart with its title and unit above; the row with the index `highlighted` is emphasised."""
    lines = [
        Paragraph(title, 14, bold=True, space_after=2),
        Paragraph(unit, 12, colour=theme.MUTED, space_after=0),
    ]
    canvas.add_text("What the bars show", Box(box.left, box.top + 0.05, box.width, 0.8), lines)
    height = min(box.height - 0.9, 0.7 + 0.85 * len(data.names))
    native_charts.add_bar_chart(
        canvas, title, Box(box.left, box.top + 0.9, box.width, height), data, [highlighted]
    )


def _part_label(report: Report, row: dict[str, Any]) -> str:
    name, rule = uncertain.step_labels(row, report.locale, lambda id_: report.names.get(id_, id_))
    return f"{capitalized(name)}\n{rule}" if rule else name
