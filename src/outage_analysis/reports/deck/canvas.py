"""Draw on one slide: title, texts, pictures, tables, footer and speaker notes."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pptx.dml.color import RGBColor
from pptx.enum.text import MSO_AUTO_SIZE
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pptx.util import Emu, Inches, Pt

from outage_analysis.charts import GREY, INK, LIGHT, MUTED
from outage_analysis.reports.deck.text_size import (
    CELL_PADDING,
    COLUMN_GAP,
    LINE_SPACING,
    MAX_CELL_LINES,
    SPACE_AFTER,
    Paragraph,
    fit_table,
    fit_text,
    indent,
    line_count,
    shorten_to_lines,
    text_height,
)
from outage_analysis.text import Locale, fonts

LANGUAGE_TAGS = {"en": "en-US", "ko": "ko-KR"}
WIDTH, HEIGHT = 13.333, 7.5
"""The size of a slide in inches, 16:9."""
TITLE_SIZES = ((28, 1), (26, 1), (24, 2), (20, 2))
"""Font size in points and most lines of the title, in order of preference."""
SMALL = 14
"""Font size in points of the lines around the title."""
FOOTER_SIZE = 14
PLAIN_TABLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"
"""The id of PowerPoint's table style without lines and fills."""
GAP = 0.35
"""The space between two columns of a slide, in inches."""


SLACK = 1.08
"""The height of a text box in relation to its text, in case another font replaces ours."""


@dataclass(frozen=True)
class Box:
    """A rectangle on a slide, in inches from the top left corner of the slide."""

    left: float
    top: float
    width: float
    height: float

    @property
    def emu(self) -> tuple[int, int, int, int]:
        """Left, top, width and height in English Metric Units, the unit of the file format."""
        edges = (self.left, self.top, self.left + self.width, self.top + self.height)
        left, top, right, bottom = map(Inches, edges)
        return left, top, right - left, bottom - top

    def below(self, inches: float) -> Box:
        """Return what remains of the box below its uppermost `inches`."""
        return Box(self.left, self.top + inches, self.width, self.height - inches)

    def split(self, left: float) -> tuple[Box, Box]:
        """Return a left part of the box that is `left` inches wide, and a right part."""
        rest = self.width - left - GAP
        return Box(self.left, self.top, left, self.height), Box(
            self.left + left + GAP, self.top, rest, self.height
        )


WARNING = Box(0.65, 0.09, 12.03, 0.27)
KICKER = Box(0.65, 0.4, 9.9, 0.27)
BADGE = Box(10.88, 0.4, 1.8, 0.3)
TITLE = Box(0.65, 0.74, 12.03, 0.84)
BODY = Box(0.65, 1.68, 12.03, 5.14)
FOOTER = Box(0.65, 6.98, 11.2, 0.26)
NUMBER = Box(11.98, 6.98, 0.7, 0.26)


@dataclass(frozen=True)
class Canvas:
    """A slide of the deck, with methods to add content."""

    slide: Slide
    locale: Locale

    def add_title(self, title: str, kicker: str) -> Box:
        """Write the title and the line above it, and return the rest of the slide above the footer."""
        text = fonts.printable(title)
        fits = (x for x in TITLE_SIZES if line_count(text, x[0], TITLE.width, bold=True) <= x[1])
        size, _ = next(fits, TITLE_SIZES[-1])
        shown = shorten_to_lines(text, size, TITLE.width, 2, bold=True)
        lines = line_count(shown, size, TITLE.width, bold=True)
        box = Box(TITLE.left, TITLE.top, TITLE.width, TITLE.height if lines > 1 else TITLE.height / 2 + 0.08)
        place = self.slide.shapes.title
        place.name = "Title"
        place.left, place.top, place.width, place.height = map(Emu, box.emu)
        self._write(place.text_frame, [Paragraph(shown, bold=True)], size, space_after=0)
        self.add_line("Kicker", KICKER, kicker, muted=True)
        return BODY.below(box.height - TITLE.height)

    def add_line(
        self, name: str, box: Box, text: str, most: int = 1, *, bold: bool = False, muted: bool = False
    ) -> float:
        """Write a text on at most `most` lines, shortened if necessary, and return its height in inches.

        An empty text is not written and has no height.
        """
        if not text:
            return 0.0
        shown = shorten_to_lines(fonts.printable(text), SMALL, box.width, most, bold=bold)
        height = line_count(shown, SMALL, box.width, bold=bold) * SMALL * LINE_SPACING / 72
        frame = self._text_box(name, Box(box.left, box.top, box.width, height)).text_frame
        self._write(frame, [Paragraph(shown, bold=bold, muted=muted)], SMALL, space_after=0)
        return height

    def add_badge(self, text: str) -> None:
        """Write a word in a frame at the top right of the slide."""
        self.add_line("Badge", BADGE, text, bold=True)
        shape = self.slide.shapes[-1]
        shape.line.color.rgb, shape.line.width = _colour(INK), Pt(1)
        shape.text_frame._txBody.bodyPr.set("anchor", "ctr")  # noqa: SLF001 - python-pptx has no property for it
        shape.text_frame.paragraphs[0]._p.get_or_add_pPr().set("algn", "ctr")  # noqa: SLF001 - same

    def add_text(self, name: str, box: Box, lines: Sequence[Paragraph], columns: int = 1) -> float:
        """Write paragraphs as large as they fit, and return the height that they take, in inches.

        Paragraphs that do not fit are left out; a line then refers to the speaker notes.
        """
        width = (box.width - GAP * (columns - 1)) / columns
        fitted = fit_text(_printable(lines), width, box.height, self._more, columns)
        left, height = box.left, 0.0
        for number, column in enumerate(fitted.columns, start=1):
            if column:
                needed = min(text_height(column, fitted.size, width) * SLACK, box.height)
                place = Box(left, box.top, width, needed)
                frame = self._text_box(f"{name} {number}" if columns > 1 else name, place).text_frame
                self._write(frame, column, fitted.size)
                left, height = left + width + GAP, max(height, needed)
        return height

    def add_picture(self, name: str, box: Box, image: bytes, alt_text: str) -> None:
        """Add a PNG picture, as large as fits into the box."""
        picture = self.slide.shapes.add_picture(io.BytesIO(image), 0, 0)
        scale = min(Inches(box.width) / picture.width, Inches(box.height) / picture.height)
        picture.width, picture.height = (Emu(round(x * scale)) for x in (picture.width, picture.height))
        picture.left, picture.top, _, _ = map(Emu, box.emu)
        picture.name = name
        _set_alt_text(picture, alt_text)

    def add_table(
        self,
        name: str,
        box: Box,
        heads: Sequence[str],
        rows: Sequence[Sequence[str]],
        styles: Sequence[str],
        alt_text: str,
    ) -> float:
        """Add a table as large as fits, and return the height that it takes, in inches.

        Rows that do not fit are left out; a line below the table then says how many.

        Args:
            name: the name of the shape in PowerPoint.
            box: the place for the table.
            heads: the titles of the columns.
            rows: the cells.
            styles: the style of each column; numbers have the style n and are aligned at the right.
            alt_text: the text for readers who cannot see the table.
        """
        cells = [[fonts.printable(cell) for cell in row] for row in (heads, *rows)]
        fitted, rest = fit_table(cells, box.width, box.height), 0.0
        if len(fitted.heights) < len(cells):
            rest = BADGE.height
            fitted = fit_table(cells, box.width, box.height - rest)
        height, count = sum(fitted.heights), len(fitted.heights)
        place = Box(box.left, box.top, box.width, height)
        shape = self.slide.shapes.add_table(count, len(heads), *map(Emu, place.emu))
        shape.name = f"Table: {name}"
        _set_alt_text(shape, alt_text)
        shape.table._tbl.tblPr.find(qn("a:tableStyleId")).text = PLAIN_TABLE  # noqa: SLF001 - python-pptx has no property for it
        shape.table.horz_banding = False
        for column, inches in zip(shape.table.columns, fitted.widths, strict=True):
            column.width = Inches(inches)
        for n, (row, inches) in enumerate(zip(cells[:count], fitted.heights, strict=True)):
            shape.table.rows[n].height = Inches(inches)
            for cell, text, style, width in zip(
                shape.table.rows[n].cells, row, styles, fitted.widths, strict=True
            ):
                self._write_cell(cell, text, fitted.size, width, head=n == 0, number=style == "n")
        if rest:
            line = Box(box.left, box.top + height + 0.02, box.width, rest - 0.02)
            self.add_line(f"More rows: {name}", line, self._more(len(cells) - count), muted=True)
        return height + rest

    def add_footer(self, text: str, number: int) -> None:
        """Write the footer and the number of the slide."""
        tree = self.slide.shapes._spTree  # noqa: SLF001 - python-pptx does not copy footers to slides
        for shape in self.slide.slide_layout.placeholders:
            kind = shape.element.ph.get("type")
            if kind in ("ftr", "sldNum"):
                element = copy.deepcopy(shape.element)
                tree.append(element)
                element.nvSpPr.cNvPr.set("id", str(max(int(i) for i in tree.xpath("//p:cNvPr/@id")) + 1))
                element.nvSpPr.cNvPr.set("name", "Footer" if kind == "ftr" else "Slide Number")
        line = Paragraph(shorten_to_lines(fonts.printable(text), FOOTER_SIZE, FOOTER.width), muted=True)
        self._write(self.slide.placeholders[11].text_frame, [line], FOOTER_SIZE, space_after=0)
        field = self.slide.placeholders[12].element.find(".//" + qn("a:fld"))
        field.find(qn("a:t")).text = str(number)
        for run in self.slide.element.iter(qn("a:rPr"), qn("a:endParaRPr")):
            run.set("lang", LANGUAGE_TAGS[self.locale.lang])

    def add_notes(self, paragraphs: Sequence[str]) -> None:
        """Write the speaker notes of the slide."""
        page = self.slide.notes_slide
        for shape in list(page.placeholders):
            # python-pptx leaves the slide number on the notes page empty, so its placeholder is removed.
            if shape.element.ph.get("type") == "sldNum":
                shape.element.getparent().remove(shape.element)
        self._write(page.notes_text_frame, _printable(map(Paragraph, paragraphs)), FOOTER_SIZE, space_after=0)

    def _more(self, count: int) -> str:
        return self.locale("deck.more_rows", count=count)

    def _text_box(self, name: str, box: Box) -> Any:  # noqa: ANN401 - python-pptx has no types
        shape = self.slide.shapes.add_textbox(*map(Emu, box.emu))
        shape.name = name
        frame = shape.text_frame
        frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.TEXT_TO_FIT_SHAPE
        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
        return shape

    def _write_cell(
        self,
        cell: Any,  # noqa: ANN401 - same
        text: str,
        size: float,
        width: float,
        *,
        head: bool,
        number: bool,
    ) -> None:
        shown = shorten_to_lines(text, size, width - COLUMN_GAP, MAX_CELL_LINES, bold=head)
        self._write(cell.text_frame, [Paragraph(shown, bold=head, muted=head)], size, space_after=0)
        if number:
            cell.text_frame.paragraphs[0]._p.get_or_add_pPr().set("algn", "r")  # noqa: SLF001 - same
        cell.margin_left, cell.margin_right = 0, Inches(COLUMN_GAP)
        cell.margin_top = cell.margin_bottom = Inches(CELL_PADDING)
        element = cell._tc.get_or_add_tcPr()  # noqa: SLF001 - python-pptx has no property for cell borders
        line = element.makeelement(qn("a:lnB"), {"w": "12700" if head else "6350"})
        fill = line.makeelement(qn("a:solidFill"), {})
        fill.append(fill.makeelement(qn("a:srgbClr"), {"val": (GREY if head else LIGHT)[1:].upper()}))
        line.append(fill)
        element.append(line)

    def _write(
        self,
        frame: Any,  # noqa: ANN401 - same
        lines: Sequence[Paragraph],
        size: float,
        *,
        space_after: float = SPACE_AFTER,
    ) -> None:
        """Replace the content of a text frame by paragraphs."""
        frame.clear()
        for n, line in enumerate(lines):
            paragraph = frame.paragraphs[0] if n == 0 else frame.add_paragraph()
            paragraph.space_after, paragraph.line_spacing = Pt(size * space_after), Pt(size * LINE_SPACING)
            if line.bullet:
                inset = Inches(indent(line, size))
                properties = paragraph._p.get_or_add_pPr()  # noqa: SLF001 - python-pptx has no property for bullets
                properties.attrib.update({"marL": str(inset), "indent": str(-inset)})
                properties.append(properties.makeelement(qn("a:buChar"), {"char": "•"}))
            run = paragraph.add_run()
            run.text = line.text
            run.font.size, run.font.bold = Pt(size), line.bold
            run.font.color.rgb = _colour(MUTED if line.muted else INK)
            run._r.get_or_add_rPr().set("lang", LANGUAGE_TAGS[self.locale.lang])  # noqa: SLF001 - same


def _printable(lines: Iterable[Paragraph]) -> list[Paragraph]:
    return [replace(line, text=fonts.printable(line.text)) for line in lines]


def _colour(colour: str) -> RGBColor:
    return RGBColor.from_string(colour[1:].upper())


def _set_alt_text(shape: Any, text: str) -> None:  # noqa: ANN401 - same
    element = shape._element.xpath(".//p:cNvPr")[0]  # noqa: SLF001 - python-pptx has no property for it
    element.set("descr", fonts.printable(text))
