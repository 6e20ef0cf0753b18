"""The last slide: what to decide, what is left out, how it was made and from what."""

from __future__ import annotations

from collections import Counter

from outage_analysis.reports.deck import theme as look
from outage_analysis.reports.deck.canvas import Canvas
from outage_analysis.reports.deck.speaker_notes import Talk, some, web_hosts
from outage_analysis.reports.deck.text_size import Line
from outage_analysis.reports.deck.theme import Box
from outage_analysis.reports.report import Report
from outage_analysis.text import short

MOST_HOSTS = 12
"""Named on the slide; the notes have all."""
MIDDLE, LOW = 5.42, 5.56
"""Where the upper part ends and the lower begins."""


def closing(report: Report, canvas: Canvas) -> Talk:
    """The options or the choices as a table, the left-out sentences, method and limits, the sources."""
    locale, a = report.words, report.analysis
    compared = a.compared
    made_up = compared is not None and compared.synthetic and a.headline_is_synthetic
    title = report.charts["comparison"].title if "comparison" in report.charts else locale("deck.close_title")
    lede = "" if compared else locale("deck.no_options")
    canvas.head(title, report.kicker, lede, locale("report.synthetic_badge") if made_up else "")
    wide = 7.2 if compared else 5.3
    said = _options(report, canvas, wide) if compared else _choices(report, canvas, wide)
    left = look.LEFT + wide + 0.35
    omitted = report.answers.left_out or (locale("deck.nothing_left_out"),)
    lines = [Line(locale("deck.left_out"), 15, bold=True, after=5)]
    lines += [Line(text, 12, after=5, bullet=True) for text in omitted]
    top = look.TOP if lede or compared is None else look.LEDE.top + 0.1
    canvas.text("Left out", Box(left, top, look.LEFT + look.FULL - left, MIDDLE - top), lines)
    canvas.rule((MIDDLE + LOW) / 2)
    cited = list(a.tables["facts"]["id"])
    sources = a.tables["facts"]["source"].drop_nulls()
    known = [host for host, _ in Counter(x for source in sources for x in web_hosts(source)).most_common()]
    method = locale("deck.method_drawn" if a.runs else "deck.method", draws=locale.number(a.plan.draws))
    said_by = (
        locale("deck.sources", hosts=some(report, known, MOST_HOSTS)) if known else locale("deck.notes_none")
    )
    rule = [locale("deck.method_rule")] if a.has_rule_based_rates else []
    limits, apart = [text[locale.lang] for text in a.limits], " ".join((*rule, locale("deck.limits")))
    lower = [
        Line(locale("report.method_title"), 13, bold=True, after=2),
        *(Line(text, 12, after=2) for text in (method, apart)),
        Line(said_by, 12, colour=look.MUTED, after=0),
    ]
    canvas.text("Method and sources", Box(look.LEFT, LOW, look.FULL, look.BOTTOM - LOW), lower)
    return Talk(
        (*said, *omitted, method, apart, *limits),
        tuple(cited),
        synthetic=made_up,
        foot=report.colophon,
    )


def _options(report: Report, canvas: Canvas, wide: float) -> list[str]:
    """The policies side by side."""
    locale, table = report.words, report.analysis.tables["comparison"]
    columns = ("policy_name", "expected", "range", "most", "cheapest")
    heads = [locale(f"deck.option_{c}") for c in columns]
    rows = []
    names = short([report.names.get(x, x) for x in table["policy"]])
    for name, row in zip(names, table.iter_rows(named=True), strict=True):
        amounts = [None if row[c] is None else locale.money(row[c]) for c in ("expected", "most")]
        none = locale("deck.no_figure")
        spread = (
            none if row["p10"] is None or row["p90"] is None else locale.money_range(row["p10"], row["p90"])
        )
        chance = none if row["cheapest"] is None else locale.share(row["cheapest"])
        rows.append((name, amounts[0] or none, spread, amounts[1] or none, chance))
    compared = report.analysis.compared
    sentence = compared.sentence(locale) if compared else ""
    top = look.LEDE.top + 0.1
    place = Box(look.LEFT, top, wide, 2.6)
    canvas.table(
        "Options",
        place,
        heads,
        rows,
        widths=(2.1, 1.3, 1.6, 1.3, 1.1),
        describes=locale("report.compared_title"),
    )
    low = top + 2.7
    canvas.text("What the comparison finds", Box(look.LEFT, low, wide, MIDDLE - low), [Line(sentence, 13)])
    return [sentence]


def _choices(report: Report, canvas: Canvas, wide: float) -> list[str]:
    """What one step of each choice adds to the expected cash."""
    locale, levers = report.words, report.analysis.tables["levers"]
    if levers.is_empty():
        said = locale("deck.decide_none")
        canvas.text("What to decide", Box(look.LEFT, look.TOP, wide, 1.5), [Line(said, 16)])
        return [said]
    several = levers["line"].n_unique() > 1
    rows = []
    for row in levers.sort("adds", descending=True, maintain_order=True).iter_rows(named=True):
        name = locale(f"deck.choice_{row['lever']}")
        if several:
            name = f"{report.names.get(row['line'], row['line'])}: {name}"
        step = locale.money(row["step"]) if row["lever"] == "award" else locale("deck.point")
        rows.append((name, step, locale.money(row["adds"])))
    heads = [locale(f"deck.choice_{c}") for c in ("name", "step", "adds")]
    canvas.table(
        "Choices",
        Box(look.LEFT, look.TOP, wide, MIDDLE - look.TOP - 0.1),
        heads,
        rows,
        widths=(2.3, 1.6, 1.4),
        describes=locale("report.decide"),
    )
    return [f"{name}: {step}, {adds}." for name, step, adds in rows]
