"""Write report.pptx. A slide has a title, some texts, a chart or a table of the report, and speaker notes.

Every slide has the same places. PowerPoint lays a slide out only when it is opened, so whether a text has
room is estimated from its number of letters. What has no room stands in the notes, which have every text.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from functools import partial
from importlib.resources import files
from itertools import accumulate
from math import ceil
from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.text import MSO_AUTO_SIZE, PP_ALIGN
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.oxml.ns import qn
from pptx.presentation import Presentation as Deck
from pptx.slide import Slide
from pptx.util import Emu, Inches, Pt
from rich.cells import cell_len, set_cell_size

from outage_analysis.charts import INK, MUTED, png, source_line, svg
from outage_analysis.reports.blocks import (
    Block,
    BulletList,
    ChartBlock,
    Heading,
    KeyFigures,
    PageChart,
    Section,
    TableBlock,
    Text,
    plain_text,
)
from outage_analysis.reports.report import Report, facts_by_site, repack
from outage_analysis.text import fonts

GAP = 0.35
"""The space between two columns of a slide, in inches."""
FEW_TEXTS = 3
"""More texts than this, if they stand alone, are set in two columns."""
TITLE_SIZE, SMALL = 24, 14
"""Font sizes in points: of the title, and of the lines around it and above charts."""
TEXT_SIZES, TABLE_SIZES = (18, 16, 14), (16, 14, 12)
"""Font sizes in points; the first at which everything has room is used."""
LETTER, LINE, SPACE = 0.52, 1.25, 0.45
"""The width of a letter, the height of a line, and the space below a text, in relation to the font size."""
MOST_IN_TITLE, MOST_IN_TEXT, MOST_IN_CELL = 120, 700, 120
"""Longer texts are cut, and the notes have all of them; a Hangul letter counts as two."""
MARGIN, WIDEST = 4, 40
"""In letters: the space beside the text of a table cell, and the longest text that widens its column."""
PIXELS = 62
"""Pixels of a chart per inch of a slide, so that its letters are 14 points high."""
LANGUAGE_TAGS = {"en": "en-US", "ko": "ko-KR"}
FONTS = {"en": "Arial", "ko": "Malgun Gothic"}
"""The font per language. Decks cannot embed fonts, so these are common on office computers."""


@dataclass(frozen=True)
class Box:
    """A rectangle on a slide. `left` and `top` are inches from the top left corner of the slide."""

    left: float
    top: float
    width: float
    height: float

    @property
    def emu(self) -> tuple[Emu, ...]:
        """Left, top, width and height in English Metric Units, the unit of the file format."""
        return tuple(Inches(inches) for inches in (self.left, self.top, self.width, self.height))

    def below(self, inches: float) -> Box:
        """Return what remains of the box below its uppermost `inches`."""
        return Box(self.left, self.top + inches, self.width, self.height - inches)

    def split(self, left: float) -> tuple[Box, Box]:
        """Return a left part of the box that is `left` inches wide, and a right part."""
        right = Box(self.left + left + GAP, self.top, self.width - left - GAP, self.height)
        return replace(self, width=left), right


WARNING, KICKER, BADGE = Box(0.65, 0.09, 12.03, 0.27), Box(0.65, 0.4, 9.9, 0.27), Box(10.88, 0.4, 1.8, 0.27)
BODY, FOOTER = Box(0.65, 1.68, 12.03, 5.14), Box(0.65, 6.98, 11.2, 0.26)
"""The footer has this place in the template, too."""
FOOTER_ID, NUMBER_ID = 11, 12
"""The ids of the placeholders of the footer and of the number of the slide in the template."""


@dataclass(frozen=True)
class Paragraph:
    """A paragraph on a slide."""

    text: str
    bold: bool = False
    bullet: bool = False
    muted: bool = False


@dataclass(frozen=True)
class Page:
    """What one slide shows: texts, and two charts at most or a table."""

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
    pages = [page for section in report.slides for page in _pages(section)]
    deck = _new_deck(report)
    for number, page in enumerate(pages, start=1):
        slide = deck.slides.add_slide(deck.slide_layouts[0])
        _draw(report, slide, page, number)
        for part in (slide, slide.notes_slide):
            for run in part.element.iter(qn("a:rPr"), qn("a:endParaRPr")):
                run.set("lang", LANGUAGE_TAGS[report.lang])
    stream = io.BytesIO()
    deck.save(stream)
    return repack(stream.getvalue())  # without the dates inside the zip archive


def _pages(section: Section) -> Iterator[Page]:
    """Yield the slides of a section: one per two charts, then one per table; the first has all texts."""
    blocks = [block for block in section.blocks if block.slide]
    texts = tuple(block for block in blocks if not isinstance(block, ChartBlock | TableBlock))
    # A note such as "added by the user" is on every slide.
    repeated = tuple(block for block in texts if isinstance(block, Text) and block.role == "strong")
    charts = [block for block in blocks if isinstance(block, ChartBlock)]
    groups: list[tuple[ChartBlock | TableBlock, ...]] = [
        *(tuple(charts[place : place + 2]) for place in range(0, len(charts), 2)),
        *((block,) for block in blocks if isinstance(block, TableBlock)),
    ]
    for number, figures in enumerate(groups or [()]):
        yield Page(section, repeated if number else texts, figures, continued=number > 0)


def _draw(report: Report, slide: Slide, page: Page, number: int) -> None:
    locale, analysis, section = report.locale, report.analysis, page.section
    charts = [figure.chart for figure in page.figures if isinstance(figure, ChartBlock)]
    tables = [figure for figure in page.figures if isinstance(figure, TableBlock)]
    title = report.charts[charts[0]].title if charts else report.title if number == 1 else section.title
    title = tables[0].caption if page.continued and not charts else title
    slide.shapes.title.name = "Title"
    _write(slide.shapes.title.text_frame, [Paragraph(_cut(title, MOST_IN_TITLE), bold=True)], TITLE_SIZE)
    _add_line(slide, "Kicker", KICKER, f"{locale.day(analysis.as_of)} · {report.title}", muted=True)
    _add_line(slide, "Warning", WARNING, report.warning, bold=True)
    is_synthetic = section.synthetic or analysis.headline_is_synthetic
    if is_synthetic:
        _add_line(slide, "Badge", BADGE, locale("report.synthetic_badge"), bold=True)
        slide.shapes[-1].line.color.rgb = RGBColor.from_string(INK[1:])
        slide.shapes[-1].text_frame.paragraphs[0].alignment = PP_ALIGN.CENTER
    texts = _paragraphs(page.texts)
    if number == 1:
        banner = [Paragraph(report.banner, bold=True)] if analysis.headline_is_synthetic else []
        texts = [Paragraph(report.policy, muted=True), *banner, *texts]
    texts += [Paragraph(table.caption, bold=True) for table in tables if table.caption != title]
    more, box = partial(locale, "deck.more_rows"), BODY
    if texts and len(charts) == 1:
        texts_box, box = box.split(5.2)  # inches
        _add_text(slide, "Text", texts_box, texts, more)
    elif texts:
        place = replace(box, height=box.height / 2) if page.figures else box
        columns = 1 if page.figures or len(texts) <= FEW_TEXTS else 2
        box = box.below(_add_text(slide, "Text", place, texts, more, columns))
    places = box.split((box.width - GAP) / 2) if len(charts) > 1 else (box,)
    for name, place in zip(charts, places, strict=False):
        _add_chart(slide, report.charts[name], name, place, titled=name != charts[0])
    for table in tables:
        _add_table(slide, report, table, box, more)
    for shape in slide.slide_layout.placeholders:  # python-pptx does not copy footers to slides
        if shape.placeholder_format.idx in (FOOTER_ID, NUMBER_ID):
            element = copy.deepcopy(shape.element)
            element.nvSpPr.cNvPr.set("id", str(100 + shape.placeholder_format.idx))
            slide.shapes._spTree.append(element)  # noqa: SLF001 - python-pptx has no method for it
    source = source_line(section.facts, analysis.as_of, locale, synthetic=section.synthetic)
    source = _cut(source, _letters(FOOTER.width, SMALL))
    _write(slide.placeholders[FOOTER_ID].text_frame, [Paragraph(source, muted=True)], SMALL)
    slide.placeholders[NUMBER_ID].element.find(f".//{qn('a:fld')}/{qn('a:t')}").text = str(number)
    notes = [*_notes(report, page), *([report.banner] if is_synthetic else [])]
    _write(slide.notes_slide.notes_text_frame, [Paragraph(fonts.printable(x)) for x in notes], SMALL)


def _paragraphs(blocks: Iterable[Block]) -> list[Paragraph]:
    lines = []
    for block in blocks:
        if isinstance(block, BulletList | KeyFigures):
            items = block.items if isinstance(block, BulletList) else ("; ".join(block.items),)
            lines += [Paragraph(item, bullet=True) for item in items]
        elif isinstance(block, Text | Heading):
            lines.append(Paragraph(block.text, bold=isinstance(block, Heading) or block.role != "plain"))
    return [line for line in lines if line.text]


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
            yield from (
                "; ".join(filter(None, map(plain_text, row))) for row in report.grids[table.grid].rows
            )
    cited = facts_by_site(report, section.facts)
    yield locale("deck.notes_sources") if cited else locale("deck.notes_none")
    for site, ids in cited.items():
        yield locale("deck.notes_host", host=site, facts=", ".join(ids))
    yield locale("deck.notes_day", day=locale.day(report.analysis.as_of))


# --- what has room ---


def _cut(text: str, most: int) -> str:
    """Return a text of at most `most` letters, where a Hangul letter counts as two."""
    plain = plain_text(text)
    return plain if cell_len(plain) <= most else f"{set_cell_size(plain, most - 1).rstrip()}…"


def _letters(width: float, size: float) -> int:
    """Return how many letters fit on a line."""
    return max(int(width * 72 / (size * LETTER)), 2)


def _height(text: str, width: float, size: float) -> float:
    """Return the approximate height of a paragraph in inches."""
    return (ceil(cell_len(text) / _letters(width, size)) * LINE + SPACE) * size / 72


def _fitted(
    sizes: Sequence[int], heights_at: Callable[[int], list[float]], room: float
) -> tuple[int, list[float], int]:
    """Return the first font size at which all parts fit, or the last; their heights; and how many fit.

    If not all parts fit, there is room for a further line.
    """
    for size in sizes:
        heights = heights_at(size)
        if sum(heights) <= room:
            return size, heights, len(heights)
    return size, heights, sum(end + LINE * size / 72 <= room for end in accumulate(heights))


# --- what stands on a slide ---


def _add_line(slide: Slide, name: str, box: Box, text: str, **looks: bool) -> None:
    """Write a text on one line."""
    if text:
        line = Paragraph(_cut(text, _letters(box.width, SMALL)), **looks)
        _write(_text_box(slide, name, box), [line], SMALL)


def _add_text(
    slide: Slide, name: str, box: Box, texts: Sequence[Paragraph], more: Callable[..., str], columns: int = 1
) -> float:
    """Write the paragraphs that fit, as large as they fit, and return their height in inches."""
    width = (box.width - GAP * (columns - 1)) / columns
    texts = [replace(text, text=_cut(text.text, MOST_IN_TEXT)) for text in texts]
    size, heights, shown = _fitted(
        TEXT_SIZES, lambda size: [_height(x.text, width, size) for x in texts], box.height * columns
    )
    height = sum(heights[:shown]) / columns + LINE * size / 72 * (columns - 1)
    if shown < len(texts):
        texts, height = [*texts[:shown], Paragraph(more(count=len(texts) - shown), muted=True)], box.height
    frame = _text_box(slide, name, replace(box, height=height))
    _write(frame, texts, size, SPACE)
    # python-pptx has no property for columns.
    frame._txBody.bodyPr.attrib.update({"numCol": str(columns), "spcCol": str(Inches(GAP))})  # noqa: SLF001
    return height


def _add_chart(slide: Slide, chart: PageChart, name: str, box: Box, *, titled: bool) -> None:
    """Add a chart below what it measures, and below its title if it is not the title of the slide."""
    texts = [Paragraph(chart.title, bold=True)] if titled else []
    texts += [Paragraph(chart.subtitle, muted=True)] if chart.subtitle else []
    if texts:
        texts = [replace(text, text=_cut(text.text, 3 * _letters(box.width, SMALL))) for text in texts]
        height = sum(_height(text.text, box.width, SMALL) for text in texts)
        _write(_text_box(slide, f"Measure: {name}", replace(box, height=height)), texts, SMALL)
        box = box.below(height)
    image = io.BytesIO(png(svg(chart.spec, round(box.width * PIXELS))))
    picture = slide.shapes.add_picture(image, *box.emu[:2])
    scale = min(Inches(box.width) / picture.width, Inches(box.height) / picture.height)
    picture.width, picture.height = (Emu(round(x * scale)) for x in (picture.width, picture.height))
    _name(picture, f"Chart: {name}", chart.description)


def _add_table(slide: Slide, report: Report, block: TableBlock, box: Box, more: Callable[..., str]) -> None:
    """Add the rows of a table that fit. If some do not, a last row says how many are in the notes."""
    grid = report.grids[block.grid]
    cells = [
        [_cut(cell, MOST_IN_CELL) for cell in row] for row in ([x.title for x in grid.columns], *grid.rows)
    ]
    needed = [  # a title has two lines
        max(map(cell_len, (*head.split(), head[len(head) // 2 :], *texts)))
        for head, *texts in zip(*cells, strict=True)
    ]
    letters = [MARGIN + min(length, WIDEST) for length in needed]
    widths = [box.width * part / sum(letters) for part in letters]
    size, heights, shown = _fitted(
        TABLE_SIZES,
        lambda size: [max(map(_height, row, widths, [size] * len(row))) for row in cells],
        box.height,
    )
    rows = cells[:shown]
    if shown < len(cells):
        rows.append([more(count=len(cells) - shown), *([""] * (len(widths) - 1))])
    place = replace(box, height=sum(heights[: len(rows)]))
    shape = slide.shapes.add_table(len(rows), len(widths), *place.emu)
    _name(shape, f"Table: {block.grid}", block.caption)
    table = shape.table
    style = table._tbl.tblPr.find(qn("a:tableStyleId"))  # noqa: SLF001 - python-pptx has no property for it
    style.text = "{3B4B98B0-60AC-42C2-AFA5-B58CD77FA1E5}"  # thin lines, every other row lightly shaded
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Inches(width)
    for n, (row, height) in enumerate(zip(rows, heights, strict=False)):
        table.rows[n].height = Inches(height)
        for cell, text, column in zip(table.rows[n].cells, row, grid.columns, strict=True):
            cell.margin_top = cell.margin_bottom = Inches(0.03)
            _write(cell.text_frame, [Paragraph(text, bold=n == 0)], size)
            if column.style == "n":
                cell.text_frame.paragraphs[0].alignment = PP_ALIGN.RIGHT
    if shown < len(cells):
        table.cell(shown, 0).merge(table.cell(shown, len(widths) - 1))


def _name(shape: Any, name: str, alternative: str) -> None:  # noqa: ANN401 - python-pptx has no types
    """Name a shape, and give it a text for readers who cannot see it."""
    shape.name = name
    shape._element.xpath(".//p:cNvPr")[0].set("descr", fonts.printable(alternative))  # noqa: SLF001 - no property


def _text_box(slide: Slide, name: str, box: Box) -> Any:  # noqa: ANN401 - same
    shape = slide.shapes.add_textbox(*box.emu)
    shape.name = name
    frame = shape.text_frame
    # Programs shrink a text that is larger than estimated.
    frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.TEXT_TO_FIT_SHAPE
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    return frame


def _write(frame: Any, texts: Iterable[Paragraph], size: float, space: float = 0) -> None:  # noqa: ANN401 - same
    """Replace the content of a text frame by paragraphs; `space` is below each, in relation to the size."""
    frame.clear()
    for n, text in enumerate(texts):
        paragraph = frame.paragraphs[0] if n == 0 else frame.add_paragraph()
        paragraph.space_after, paragraph.line_spacing = Pt(size * space), Pt(size * LINE)
        if text.bullet:
            properties = paragraph._p.get_or_add_pPr()  # noqa: SLF001 - python-pptx has no property for bullets
            properties.attrib.update({"marL": str(Pt(size)), "indent": str(-Pt(size))})
            properties.append(properties.makeelement(qn("a:buChar"), {"char": "•"}))
        run = paragraph.add_run()
        run.text, run.font.size, run.font.bold = text.text, Pt(size), text.bold
        run.font.color.rgb = RGBColor.from_string((MUTED if text.muted else INK)[1:])


# --- the file ---


def _new_deck(report: Report) -> Deck:
    """Return a slide deck without slides: the template, with the font of the language and the title."""
    deck = Presentation(str(files("outage_analysis.reports") / "templates" / "slides.pptx"))
    for master in (deck.slide_master, deck.notes_master):
        theme = master.part.part_related_by(RT.THEME)
        ours, theirs = (f'latin typeface="{FONTS[lang]}"'.encode() for lang in ("en", report.lang))
        theme.blob = theme.blob.replace(ours, theirs)
    properties = deck.core_properties
    properties.title, properties.language = report.title, LANGUAGE_TAGS[report.lang]
    created = datetime.combine(report.analysis.as_of, time(), UTC).replace(tzinfo=None)
    properties.created = properties.modified = created
    return deck
