"""The third and the fourth slide: what drives the cost, and why it differs from the headlines."""

from __future__ import annotations

from typing import Any

import polars as pl

from outage_analysis.charts import cost_data as uncertain
from outage_analysis.incidents import in_language
from outage_analysis.reports.deck import native_charts as graphs
from outage_analysis.reports.deck import theme as look
from outage_analysis.reports.deck.canvas import Canvas
from outage_analysis.reports.deck.slide_cost import law, minor
from outage_analysis.reports.deck.speaker_notes import Talk, cash_facts, ids_in
from outage_analysis.reports.deck.text_size import Line
from outage_analysis.reports.deck.theme import Box
from outage_analysis.reports.report import Report
from outage_analysis.reports.table_views import printed_sum
from outage_analysis.text import capital, short

MOST_INPUTS, MOST_PARTS = 7, 7
HIGH = look.BOTTOM - look.TOP


def drivers(report: Report, canvas: Canvas) -> Talk:
    """The inputs by what they move, and what one step of each choice costs."""
    locale, a = report.words, report.analysis
    rows = uncertain.swings(a.tables["tornado"], MOST_INPUTS)
    made_up = a.needs_synthetic_mark("tornado")
    badge = locale("report.synthetic_badge") if made_up else ""
    said = report.answers
    decide = [Line(locale("report.decide"), 15, bold=True, after=6)]
    decide += [Line(text, 14, after=8, bullet=True) for text in said.decide or (locale("deck.decide_none"),)]
    if rows.is_empty():
        canvas.head(locale("deck.drivers_none_title"), report.kicker, badge=badge)
        lines = [Line(locale("deck.drivers_none"), 18, after=14), *decide]
        canvas.text("In words", Box(look.LEFT, look.TOP, look.FULL, HIGH), lines)
        return Talk((locale("deck.drivers_none"), *said.decide), cash_facts(report), synthetic=made_up)
    unit = minor(report)
    scale = graphs.scale(locale, [x / unit for x in rows["right"]])
    title = report.charts["tornado"].title if "tornado" in report.charts else locale("chart.tornado_measure")
    expected = locale.money(float(rows["expected"][0]))
    lede = locale("deck.drivers_measure", unit=scale.unit, expected=expected)
    canvas.head(title, report.kicker, lede, badge)
    middle = pl.col("expected").clip("left", "right")
    parts = rows.select(below=middle - pl.col("left"), above=pl.col("right") - middle)
    series = {
        locale("deck.range_from"): [x / unit for x in rows["left"]],
        locale("deck.range_below"): [x / unit for x in parts["below"]],
        locale("deck.range_above"): [x / unit for x in parts["above"]],
    }
    alt = locale("deck.drivers_alt", unit=scale.unit)
    plot = graphs.Plot(_inputs(report, rows), series, scale.format, alt, a.as_of)
    graphs.ranges(canvas, "What drives it", Box(0.5, look.TOP, 7.9, HIGH), plot)
    lines = [Line(text, 14, after=14) for text in said.drives] + decide
    canvas.text("What to decide", Box(8.75, look.TOP + 0.1, 3.93, HIGH - 0.1), lines)
    return Talk((*said.drives, *said.decide), cash_facts(report), tuple(rows["assumption"]), made_up)


def _inputs(report: Report, rows: pl.DataFrame) -> list[str]:
    """The name of each input, and below it the cost at its ends."""
    locale, shown = report.words, short([report.names.get(x, x) for x in rows["assumption"]])
    ends = [locale.money_range(left, right) for left, right in rows.select("left", "right").rows()]
    return [f"{name}\n{end}" for name, end in zip(shown, ends, strict=True)]


def headlines(report: Report, canvas: Canvas) -> Talk:
    """Who said what, when, and what it counts, beside what the expected cash is made of."""
    locale, a = report.words, report.analysis
    told = in_language(a.tables["headlines"].filter(pl.col("fact") != ""), locale.lang)
    steps = a.tables.get("steps", pl.DataFrame())
    parts = uncertain.bars(steps, MOST_PARTS) if len(steps) > 1 else steps.clear()
    stages = _stages(report) if parts.is_empty() else parts.clear()
    made_up = a.headline_is_synthetic and not (parts.is_empty() and stages.is_empty())
    drawn = next((n for n in ("headlines", "waterfall") if n in report.charts), "")
    if drawn == "waterfall" and parts.is_empty():
        drawn = ""
    title = (
        report.charts[drawn].title if drawn else locale("report.differs" if len(told) else "deck.parts_title")
    )
    lede = locale("report.differs_text" if len(told) else "deck.headlines_none")
    canvas.head(title, report.kicker, lede, locale("report.synthetic_badge") if made_up else "")
    wide = look.FULL if parts.is_empty() and stages.is_empty() else 7.7
    said = [lede]
    if len(told):
        _said(report, canvas, told, Box(look.LEFT, look.TOP + 0.05, wide, HIGH - 0.05))
        said += [f"{who}: {sum_}. {counts}" for who, sum_, counts, _ in _rows(report, told)]
    beside = Box(8.65, look.TOP, 4.03, HIGH) if len(told) else Box(look.LEFT, look.TOP, look.FULL, HIGH)
    if not stages.is_empty():
        _funnel(report, canvas, stages, beside)
        said.append(locale("report.funnel_title"))
    elif not parts.is_empty():
        _parts(report, canvas, parts, beside)
        said.append(locale("deck.parts_say", expected=locale.money(float(parts["expected"].sum()))))
    elif not len(told):
        whole = locale("deck.parts_none")
        canvas.text("In words", Box(look.LEFT, look.TOP + 0.1, look.FULL, 3), [Line(whole, 18)])
        said.append(whole)
    facts = (*told["fact"], *(ids_in(parts["facts"]) if not parts.is_empty() else ()))
    return Talk(tuple(said), facts, synthetic=made_up and not len(told))


def _rows(report: Report, told: pl.DataFrame) -> list[tuple[str, str, str, str]]:
    locale = report.words
    rows = []
    for row in told.iter_rows(named=True):
        name = report.names.get(row["fact"], row["fact"])
        said = printed_sum(row["low"], row["high"], locale) or locale("report.not_published")
        rows.append((name, said, row["counts"] or "", locale.day(row["public_on"])))
    return rows


def _said(report: Report, canvas: Canvas, told: pl.DataFrame, box: Box) -> None:
    """The headlines as a table, with the expected cash of this model on top where it has one."""
    locale, a = report.words, report.analysis
    rows, found = _rows(report, told), law(report)
    ours = a.headline_basis == "published" and "expected" in found
    if ours:
        spread = {"p10", "p90"} <= set(found) and locale.money_range(found["p10"], found["p90"])
        counts = locale("deck.ours_likely", range=spread) if spread else locale("deck.ours_counts")
        rows = [
            (locale("chart.headlines_ours"), locale.money(found["expected"]), counts, locale.day(a.as_of)),
            *rows,
        ]
    heads = [locale(f"deck.headline_{c}") for c in ("who", "sum", "counts", "when")]
    canvas.table(
        "Headlines",
        box,
        heads,
        rows,
        widths=(2.2, 1.5, 2.65, 1.35),
        describes=locale("report.differs"),
        strong=0 if ours else -1,
    )


def _parts(report: Report, canvas: Canvas, parts: pl.DataFrame, box: Box) -> None:
    """What adds up to the expected cash, as bars on a line of their own."""
    locale = report.words
    amounts = [x / minor(report) for x in parts["expected"]]
    scale = graphs.scale(locale, amounts)
    total = locale.money(float(parts["expected"].sum()))
    names = [_part(report, row) for row in parts.iter_rows(named=True)]
    series, alt = {locale("chart.waterfall_sum"): amounts}, locale("deck.parts_alt", unit=scale.unit)
    plot = graphs.Plot(names, series, scale.format, alt, report.analysis.as_of)
    largest = amounts.index(max(amounts))
    _captioned(canvas, box, locale("deck.parts_caption", expected=total), scale.unit, plot, largest)


def _stages(report: Report) -> pl.DataFrame:
    """How many reports are expected to come through, stage by stage; nothing where it is not known."""
    a = report.analysis
    table = a.tables[a.headline_table_name("funnel")]
    rows = table.filter(pl.col("line") == table["line"][0]) if len(table) else table
    return rows.clear() if rows["expected"].null_count() else rows


def _funnel(report: Report, canvas: Canvas, rows: pl.DataFrame, box: Box) -> None:
    """From reports to payments, as bars: a headline of all reports counts another thing."""
    locale, counted = report.words, [float(round(x)) for x in rows["expected"]]
    series, names = {locale("chart.funnel_x"): counted}, [capital(locale(f"word.{x}")) for x in rows["stage"]]
    plot = graphs.Plot(names, series, "#,##0", locale("chart.funnel_description"), report.analysis.as_of)
    unit = locale("column.claims" if "claimed" in rows["stage"] else "chart.funnel_x")
    _captioned(canvas, box, locale("report.funnel_title"), unit, plot, len(names) - 1)


def _captioned(canvas: Canvas, box: Box, title: str, unit: str, plot: graphs.Plot, strong: int) -> None:
    """Bars under their title and unit, one of them in the accent colour."""
    lines = [Line(title, 14, bold=True, after=2), Line(unit, 12, colour=look.MUTED, after=0)]
    canvas.text("What the bars show", Box(box.left, box.top + 0.05, box.width, 0.8), lines)
    high = min(box.height - 0.9, 0.7 + 0.85 * len(plot.names))
    graphs.bars(canvas, title, Box(box.left, box.top + 0.9, box.width, high), plot, [strong])


def _part(report: Report, row: dict[str, Any]) -> str:
    name, rule = uncertain.step_name(row, report.words, lambda id_: report.names.get(id_, id_))
    return f"{capital(name)}\n{rule}" if rule else name
