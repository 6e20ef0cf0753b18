"""Write report.pptx: one slide per section of the report, or more if the section has several tables."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from lxml import etree
from markupsafe import Markup
from pptx import Presentation
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.oxml.ns import qn
from pptx.presentation import Presentation as Deck
from pptx.util import Emu, Inches

from outage_analysis.charts import png, source_line, svg
from outage_analysis.reports.archives import repack
from outage_analysis.reports.blocks import (
    Block,
    BulletList,
    ChartBlock,
    Heading,
    KeyFigures,
    Section,
    TableBlock,
    Text,
)
from outage_analysis.reports.deck import canvas as place
from outage_analysis.reports.deck.canvas import Box, Canvas
from outage_analysis.reports.deck.text_size import TEXT_SIZES, Paragraph, text_height
from outage_analysis.reports.report import Report, facts_by_host

PIXELS_PER_INCH = 80
"""The scale of a chart; the charts of most slides are then not taller than their place."""
LARGER = {"fontsize": 15.6, "lineheight": 18, "limit": 300}
"""Ending of the name of a size -> its pixels in the charts of slides: letters are 14 points high."""
TEXT_WIDTH = 5.2
"""The width of the texts beside a chart, in inches."""
TEXT_SHARE = 0.4
"""The texts above two figures or a table take at most this share of the slide."""
CAPTION = 0.4
"""The height of the caption of a table, in inches."""
ROWS_TOGETHER = 8
"""Two tables share a slide if they have at most this many rows together."""


@dataclass(frozen=True)
class Page:
    """What one slide shows: texts, and charts or tables, two at most."""

    section: Section
    texts: tuple[Block, ...]
    figures: tuple[ChartBlock | TableBlock, ...] = ()
    continued: bool = False
    """Whether another slide of the section precedes it."""


def write_pptx(report: Report, folder: Path) -> None:
    """Write the report as the slide deck report.pptx."""
    (folder / "report.pptx").write_bytes(build_deck(report))


def build_deck(report: Report) -> bytes:
    """Return the slide deck as the bytes of a .pptx file; the same report always gives the same bytes."""
    pages = [page for section in report.slides for page in _pages(report, section)]
    deck, analysis = _new_deck(report, slides=len(pages)), report.analysis
    kicker = f"{report.locale.day(analysis.as_of)} · {report.title}"
    for number, page in enumerate(pages, start=1):
        canvas = Canvas(deck.slides.add_slide(deck.slide_layouts[0]), report.locale)
        opening = []
        if number == 1:
            opening.append(Paragraph(report.policy, muted=True))
            opening += [Paragraph(report.banner, bold=True)] if analysis.headline_is_synthetic else []
        title = _title(report, page, report.title if number == 1 else page.section.title)
        body = canvas.add_title(title, kicker)
        is_synthetic = page.section.synthetic or analysis.headline_is_synthetic
        if is_synthetic:
            canvas.add_badge(report.locale("report.synthetic_badge"))
        canvas.add_line("Warning", place.WARNING, report.warning, bold=True)
        _draw(report, canvas, page, body, opening, title)
        facts, synthetic = page.section.facts, page.section.synthetic
        canvas.add_footer(source_line(facts, analysis.as_of, report.locale, synthetic=synthetic), number)
        canvas.add_notes([*_notes(report, page), *([report.banner] if is_synthetic else [])])
    stream = io.BytesIO()
    deck.save(stream)
    return repack(stream.getvalue())  # without the dates inside the zip archive


def _pages(report: Report, section: Section) -> Iterator[Page]:
    """Yield the slides of a section; charts and small tables share a slide, and the first has all texts."""
    texts: list[Block] = []
    groups: list[list[ChartBlock | TableBlock]] = []
    for block in (block for block in section.blocks if block.slide):
        if not isinstance(block, ChartBlock | TableBlock):
            texts.append(block)
        elif groups and len(groups[-1]) == 1 and _go_together(report, groups[-1][0], block):
            groups[-1].append(block)
        else:
            groups.append([block])
    first, *others = groups or [[]]
    yield Page(section, tuple(texts), tuple(first))
    # A note such as "added by the user" is on every slide.
    repeated = tuple(block for block in texts if isinstance(block, Text) and block.role == "strong")
    for group in others:
        yield Page(section, repeated, tuple(group), continued=True)


def _go_together(report: Report, one: Block, other: Block) -> bool:
    if isinstance(one, TableBlock) and isinstance(other, TableBlock):
        return len(report.grids[one.grid].rows) + len(report.grids[other.grid].rows) <= ROWS_TOGETHER
    return isinstance(one, ChartBlock) and isinstance(other, ChartBlock)


def _title(report: Report, page: Page, otherwise: str) -> str:
    for figure in page.figures:
        if isinstance(figure, ChartBlock):
            return report.charts[figure.chart].title
        if page.continued:
            return figure.caption
    return otherwise


def _draw(
    report: Report, canvas: Canvas, page: Page, body: Box, opening: Sequence[Paragraph], title: str
) -> None:
    texts = [*opening, *_paragraphs(page.texts)]
    charts = [figure.chart for figure in page.figures if isinstance(figure, ChartBlock)]
    tables = [figure for figure in page.figures if isinstance(figure, TableBlock)]
    columns = 2 if len(texts) > 1 and text_height(texts, TEXT_SIZES[0], body.width) > 1.0 else 1
    if len(charts) == 1:
        body = body.below(_add_caption(report, canvas, body, charts[0], titled=False))
        if texts:
            left, body = body.split(TEXT_WIDTH)
            canvas.add_text("Text", left, texts)
        _add_chart(report, canvas, body, charts[0])
    elif not page.figures:
        canvas.add_text("Text", body, texts, columns)
    elif texts:
        strip = Box(body.left, body.top, body.width, body.height * TEXT_SHARE)
        body = body.below(canvas.add_text("Text", strip, texts, columns))
    if len(charts) > 1:
        for half, chart in zip(body.split((body.width - place.GAP) / 2), charts, strict=True):
            caption = _add_caption(report, canvas, half, chart, titled=chart != charts[0])
            _add_chart(report, canvas, half.below(caption), chart)
    for count, table in zip(range(len(tables), 0, -1), tables, strict=True):
        if table.caption != title:
            body = body.below(canvas.add_line(f"Caption: {table.grid}", body, table.caption, bold=True))
        columns_of = report.grids[table.grid].columns
        heads, styles = [column.title for column in columns_of], [column.style for column in columns_of]
        box = Box(body.left, body.top, body.width, (body.height - CAPTION * (count - 1)) / count)
        used = canvas.add_table(table.grid, box, heads, _rows(report, table), styles, table.caption)
        body = body.below(used + place.GAP / 2)


def _add_caption(report: Report, canvas: Canvas, box: Box, name: str, *, titled: bool) -> float:
    """Write what a chart measures, and its title if it is not the title of the slide; return the height."""
    chart = report.charts[name]
    height = canvas.add_line(f"Title: {name}", box, chart.title, 2, bold=True) if titled else 0.0
    height += canvas.add_line(f"Measure: {name}", box.below(height), chart.subtitle, 3, muted=True)
    return height + 0.1


def _add_chart(report: Report, canvas: Canvas, box: Box, name: str) -> None:
    chart = report.charts[name]
    image = png(svg(_enlarged(chart.spec), round(box.width * PIXELS_PER_INCH)))
    canvas.add_picture(f"Chart: {name}", box, image, chart.description)


def _enlarged(part: Any, name: str = "") -> Any:  # noqa: ANN401 - a part of JSON
    if isinstance(part, dict):  # data may have a column that is named like a size
        return {key: x if key in ("data", "datasets") else _enlarged(x, key) for key, x in part.items()}
    if isinstance(part, list):
        return [_enlarged(x) for x in part]
    larger = (pixels for ending, pixels in LARGER.items() if name.lower().endswith(ending))
    return next(larger, part) if type(part) in (int, float) else part


def _paragraphs(blocks: Iterable[Block]) -> list[Paragraph]:
    lines = []
    for block in blocks:
        if isinstance(block, KeyFigures) and not block.figures[0].note:
            lines.append(Paragraph("; ".join(block.items), bullet=True))
        elif isinstance(block, BulletList | KeyFigures):
            lines += [Paragraph(item, bullet=True) for item in block.items]
        elif isinstance(block, Text):
            lines.append(Paragraph(block.text, bold=block.role != "plain"))
        elif isinstance(block, Heading):
            lines.append(Paragraph(block.text, bold=True, heading=True))
    return [line for line in lines if line.text]


def _rows(report: Report, table: TableBlock) -> list[list[str]]:
    rows = report.grids[table.grid].rows
    return [[cell.striptags() if isinstance(cell, Markup) else cell for cell in row] for row in rows]


def _notes(report: Report, page: Page) -> Iterator[str]:
    """Yield the speaker notes: texts of the section, figures as text, sources by website, and day."""
    locale, section = report.locale, page.section
    yield from filter(None, (report.warning, section.title))
    yield from (line.text for line in _paragraphs(page.texts if page.continued else section.blocks))
    for figure in page.figures:
        table = figure.table if isinstance(figure, ChartBlock) else figure
        if isinstance(figure, ChartBlock):
            chart = report.charts[figure.chart]
            yield from filter(None, (chart.title, chart.subtitle, chart.description, chart.footer))
        if table is not None:
            yield from ("; ".join(filter(None, row)) for row in _rows(report, table))
    cited = facts_by_host(report, section.facts)
    yield locale("deck.notes_sources") if cited else locale("deck.notes_none")
    for host, ids in cited.items():
        yield locale("deck.notes_host", host=host, facts=", ".join(ids))
    yield locale("deck.notes_day", day=locale.day(report.analysis.as_of))


LAYOUT, AUTHOR = "Title Only", "outage-analysis"
LATIN = {"en": "Arial", "ko": "Malgun Gothic"}
"""The font per language. Decks cannot embed fonts, so these are common on office computers."""
HANGUL = "Malgun Gothic"
PROPERTIES = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Application>\
outage-analysis</Application><PresentationFormat>Widescreen</PresentationFormat><Slides>{slides}</Slides>\
<Notes>{slides}</Notes></Properties>"""
PLACEHOLDERS = {
    "title": (place.TITLE, "l", "b"),
    "body": (place.BODY, "l", "t"),
    "ftr": (place.FOOTER, "l", "ctr"),
    "sldNum": (place.NUMBER, "r", "ctr"),
}
"""The box, alignment and vertical anchor of each placeholder of the master slide."""


def _new_deck(report: Report, *, slides: int) -> Deck:
    """Return a slide deck without slides, whose properties state the number of slides to come."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(place.WIDTH), Inches(place.HEIGHT)
    deck.element.find(qn("p:sldSz")).attrib.pop("type", None)
    for layout in list(deck.slide_layouts):
        if layout.name != LAYOUT:
            deck.slide_layouts.remove(layout)
    _remove_related_parts(deck.part, RT.PRINTER_SETTINGS)
    _remove_related_parts(deck.part.package, RT.THUMBNAIL)
    _style_master(deck, report.lang)
    deck.part.package.part_related_by(RT.EXTENDED_PROPERTIES).blob = PROPERTIES.format(slides=slides).encode()
    properties = deck.core_properties
    properties.title, properties.author, properties.last_modified_by = report.title, AUTHOR, AUTHOR
    properties.revision, properties.language = 1, place.LANGUAGE_TAGS[report.lang]
    created = datetime.combine(report.analysis.as_of, time(), UTC).replace(tzinfo=None)
    properties.created = properties.modified = created
    return deck


def _remove_related_parts(owner: Any, kind: str) -> None:  # noqa: ANN401 - python-pptx has no types
    rels = owner._rels  # noqa: SLF001 - the library has no public method to remove parts
    for name in [name for name, rel in rels.items() if rel.reltype == kind]:
        rels.pop(name)


def _style_master(deck: Deck, lang: str) -> None:
    master = deck.slide_master
    theme_part = master.part.part_related_by(RT.THEME)
    theme = etree.fromstring(theme_part.blob)
    _set_fonts(theme, lang)
    theme_part.blob = etree.tostring(theme, xml_declaration=True, encoding="UTF-8", standalone=True)
    _set_fonts(deck.notes_master.part.part_related_by(RT.THEME)._element, lang)  # noqa: SLF001 - python-pptx has no property for it
    for page in (master, *deck.slide_layouts):
        for shape in list(page.placeholders):
            kind = shape.element.ph.get("type", "body")
            if kind == "dt":
                shape.element.getparent().remove(shape.element)
            elif page is master:
                box, alignment, anchor = PLACEHOLDERS[kind]
                shape.left, shape.top, shape.width, shape.height = map(Emu, box.emu)
                body = shape.element.txBody.find(qn("a:bodyPr"))
                body.attrib.update({"lIns": "0", "rIns": "0", "tIns": "0", "bIns": "0", "anchor": anchor})
                for style in shape.element.iter(qn("a:lvl1pPr")):
                    style.set("algn", alignment)
                    style.find(qn("a:defRPr")).set("sz", str(100 * place.FOOTER_SIZE))
    heading = master.element.find(".//" + qn("p:titleStyle")).find(qn("a:lvl1pPr"))
    heading.set("algn", "l")
    heading.find(qn("a:defRPr")).attrib.update({"sz": "2800", "b": "1"})


def _set_fonts(theme: etree._Element, lang: str) -> None:
    for kind in ("majorFont", "minorFont"):
        fonts = theme.find(f".//{qn('a:fontScheme')}/{qn(f'a:{kind}')}")
        fonts.find(qn("a:latin")).set("typeface", LATIN[lang])
        fonts.find(qn("a:ea")).set("typeface", HANGUL)
