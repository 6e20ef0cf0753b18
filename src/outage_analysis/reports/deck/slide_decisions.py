"""Write the last slide: decisions, what the cost leaves out, method and sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from outage_analysis.reports.deck import theme
from outage_analysis.reports.deck.canvas import Canvas
from outage_analysis.reports.deck.speaker_notes import SlideNotes, first_names
from outage_analysis.reports.deck.theme import Box, Paragraph
from outage_analysis.reports.options import decision_rows
from outage_analysis.reports.report import Report
from outage_analysis.reports.sources import web_hosts
from outage_analysis.text import short_names

MAX_HOSTS = 12
"""The most source hosts that the slide names; the speaker notes name all."""
UPPER_END, LOWER_START = 5.42, 5.56
"""The end of the upper part and the start of the lower part, in inches from the top."""
RECOMMENDED_TOP = 4.35
"""The start of the recommendation below the table of choices, in inches from the top."""


def decisions_slide(report: Report, canvas: Canvas) -> SlideNotes:
    """Write the slide on decisions: table of policies or levers, costs left out, method and sources."""
    locale, analysis = report.locale, report.analysis
    compared = analysis.compared
    is_synthetic = compared is not None and compared.synthetic and analysis.headline_is_synthetic
    choices = _choices(report)
    title, subtitle = locale("deck.close_title"), "" if compared else locale("deck.no_options")
    if "comparison" in report.charts:
        title = report.charts["comparison"].title
    elif choices and not compared and not analysis.headline_is_synthetic:
        largest = max(choices, key=lambda choice: choice.change)
        title = locale("deck.choices_title", name=largest.name, change=locale.money(largest.change))
        subtitle = locale("deck.choices_measure")
    canvas.add_title(title, report.kicker, subtitle)
    width = 7.2 if compared else 6.4 if choices else 5.3
    texts = (
        _add_options_table(report, canvas, width)
        if compared
        else _add_choices_table(report, canvas, choices, width)
        if choices
        else _add_levers_table(report, canvas, width)
    )
    left = theme.LEFT + width + 0.35
    omitted = report.answers.left_out or (locale("deck.nothing_left_out"),)
    lines = [Paragraph(locale("deck.left_out"), 15, bold=True, space_after=5)]
    lines += [Paragraph(text, 12, space_after=5, bullet=True) for text in omitted]
    top = theme.TOP if subtitle or compared is None else theme.SUBTITLE.top + 0.1
    box = Box(left, top, theme.LEFT + theme.FULL_WIDTH - left, UPPER_END - top)
    canvas.add_text("Left out", box, lines, more=True)
    canvas.add_line((UPPER_END + LOWER_START) / 2)
    method, limits_text, sources_text = _method_texts(report)
    lower = [
        Paragraph(locale("report.method_title"), 13, bold=True, space_after=2),
        *(Paragraph(text, 12, space_after=2) for text in (method, limits_text)),
        Paragraph(sources_text, 12, colour=theme.MUTED, space_after=0),
    ]
    canvas.add_text(
        "Method and sources",
        Box(theme.LEFT, LOWER_START, theme.FULL_WIDTH, theme.BOTTOM - LOWER_START),
        lower,
    )
    return SlideNotes(
        (*texts, *omitted, method, limits_text, *(text[locale.lang] for text in analysis.limits)),
        tuple(analysis.tables["facts"]["id"]),
        synthetic=is_synthetic,
        footer=report.footer,
    )


def _method_texts(report: Report) -> tuple[str, str, str]:
    locale, analysis = report.locale, report.analysis
    method = locale(
        "deck.method_drawn" if analysis.runs else "deck.method", draws=locale.number(analysis.plan.draws)
    )
    rule = [locale("deck.method_rule")] if analysis.has_rule_based_rates else []
    sources = analysis.tables["facts"]["source"].drop_nulls()
    known = [host for host, _ in Counter(x for source in sources for x in web_hosts(source)).most_common()]
    hosts = locale("deck.sources", hosts=first_names(report, known, MAX_HOSTS)) if known else None
    return method, " ".join((*rule, locale("deck.limits"))), hosts or locale("deck.notes_none")


def _add_options_table(report: Report, canvas: Canvas, width: float) -> list[str]:
    locale, table = report.locale, report.analysis.tables["comparison"]
    columns = ("policy_name", "expected", "range", "most", "cheapest")
    heads = [locale(f"deck.option_{c}") for c in columns]
    rows = []
    names = short_names([report.names.get(x, x) for x in table["policy"]])
    for name, row in zip(names, table.iter_rows(named=True), strict=True):
        amounts = [None if row[c] is None else locale.money(row[c]) for c in ("expected", "most")]
        none = locale("deck.no_figure")
        spread = (
            none
            if row["range_low"] is None or row["range_high"] is None
            else locale.money_range(row["range_low"], row["range_high"])
        )
        chance = none if row["cheapest"] is None else locale.share(row["cheapest"])
        rows.append((name, amounts[0] or none, spread, amounts[1] or none, chance))
    compared = report.analysis.compared
    # The slide has room for the costs; the speaker notes also say what people get.
    sentence = compared.sentence(locale, benefits=False) if compared else ""
    top = theme.SUBTITLE.top + 0.1
    place = Box(theme.LEFT, top, width, 2.6)
    canvas.add_table(
        "Options",
        place,
        heads,
        rows,
        widths=(2.1, 1.3, 1.6, 1.3, 1.1),
        alt_text=locale("report.compared_title"),
    )
    low = top + 2.7
    canvas.add_text(
        "What the comparison finds", Box(theme.LEFT, low, width, UPPER_END - low), [Paragraph(sentence, 13)]
    )
    return [compared.sentence(locale) if compared else ""]


class _Choice(NamedTuple):
    """A scenario that is a decision of the company: amounts in the smallest unit of the currency."""

    name: str
    expected: float
    change: float
    """What the choice adds to the expected cash; negative if it costs less."""
    high: float
    """The high end of the likely range."""


def _choices(report: Report) -> list[_Choice]:
    columns = ("expected", "change", "range_high")
    return [
        _Choice(scenario.name[report.lang], *(row[column] for column in columns))
        for scenario, row in decision_rows(report.analysis)
    ]


def _add_choices_table(report: Report, canvas: Canvas, choices: Sequence[_Choice], width: float) -> list[str]:
    locale = report.locale
    heads = [
        locale("deck.choice_name"),
        locale("column.expected"),
        locale("deck.choice_change"),
        report.analysis.likely_range.high.upper(),
    ]
    rows = [(c.name, *(locale.money(x) for x in (c.expected, c.change, c.high))) for c in choices]
    canvas.add_table(
        "Choices",
        Box(theme.LEFT, theme.TOP, width, RECOMMENDED_TOP - theme.TOP - 0.1),
        heads,
        rows,
        widths=(1.9, 1.5, 1.4, 1.5),
        alt_text=locale("report.decide"),
    )
    recommended = report.answers.reserve_note
    if recommended:
        box = Box(theme.LEFT, RECOMMENDED_TOP, width, UPPER_END - RECOMMENDED_TOP)
        canvas.add_text("Recommendation", box, [Paragraph(recommended, 13, space_after=0)], more=True)
    return [*report.answers.decide, *([recommended] if recommended else [])]


def _add_levers_table(report: Report, canvas: Canvas, width: float) -> list[str]:
    locale, levers = report.locale, report.analysis.tables["levers"]
    if levers.is_empty():
        texts = locale("deck.decide_none")
        canvas.add_text("What to decide", Box(theme.LEFT, theme.TOP, width, 1.5), [Paragraph(texts, 16)])
        return [texts]
    several = levers["line"].n_unique() > 1
    rows = []
    for row in levers.sort("adds", descending=True, maintain_order=True).iter_rows(named=True):
        name = locale(f"deck.choice_{row['lever']}")
        if several:
            name = f"{report.names.get(row['line'], row['line'])}: {name}"
        step = locale.money(row["step"]) if row["lever"] == "award" else locale("deck.point")
        rows.append((name, step, locale.money(row["adds"])))
    heads = [locale(f"deck.choice_{c}") for c in ("name", "step", "adds")]
    canvas.add_table(
        "Choices",
        Box(theme.LEFT, theme.TOP, width, UPPER_END - theme.TOP - 0.1),
        heads,
        rows,
        widths=(2.3, 1.6, 1.4),
        alt_text=locale("report.decide"),
    )
    return [f"{name}: {step}, {adds}." for name, step, adds in rows]
