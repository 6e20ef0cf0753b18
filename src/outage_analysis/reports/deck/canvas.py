"""Write the contents of one slide: title, texts, tables, footer and speaker notes."""

from __future__ import annotations

import copy
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pptx.dml.color import RGBColor
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import MSO_AUTO_SIZE
from pptx.oxml.ns import qn
from pptx.presentation import Presentation as Deck
from pptx.slide import Slide
from pptx.util import Emu, Pt

from outage_analysis.reports.deck import theme
from outage_analysis.reports.deck.theme import (
    LINE_SPACING,
    Box,
    Paragraph,
    fit_paragraphs,
    line_count,
    text_width,
    truncate_lines,
)
from outage_analysis.text import Locale, fonts

TITLE_SIZES = ((28, 1), (26, 1), (24, 1), (28, 2), (24, 2), (20, 2))
"""Font size in points and number of lines of the title, in order of preference."""
TABLE_SIZES = (13, 12.5, 12, 11.5, 11, 10.5)
PLAIN_TABLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"
"""The id of PowerPoint's table style without lines and fills."""
MAX_CELL_LINES = 6
"""The most lines of text in a table cell."""
CELL_PADDING = 0.05
"""Space above and below the text of a cell, in inches."""
COLUMN_GAP = 0.15
"""Space between two columns of a table, in inches."""
TWO_LINE_SHARE = 0.62
"""The width of a title on two lines, as a share of its width on one line."""
MORE_ROWS_HEIGHT = 0.3
"""The height in inches of the note that a table was shortened."""


@dataclass(frozen=True)
class Canvas:
    """A slide of the deck, with methods to add content."""

    slide: Slide
    lang: str

    @classmethod
    def on_new_slide(cls, deck: Deck, lang: str) -> Canvas:
        """Append a new slide to a deck, and return the slide as a canvas."""
        return cls(deck.slides.add_slide(deck.slide_layouts[0]), lang)

    def add_title(self, title: str, kicker: str, subtitle: str = "") -> None:
        """Write the slide title, and the lines above and below it."""
        text = fonts.printable(title)
        fits = (x for x in TITLE_SIZES if line_count(text, x[0], theme.TITLE.width, bold=True) <= x[1])
        size, most = next(fits, TITLE_SIZES[-1])
        paragraphs = Paragraph(
            truncate_lines(text, size, theme.TITLE.width, 2, bold=True), size, bold=True, space_after=0
        )
        box = _balanced_title_box(text, size) if most > 1 else theme.TITLE.shrunk_by(theme.ONE_LINE)
        place = self.slide.shapes.title
        place.name = "Title"
        place.left, place.top, place.width, place.height = map(Emu, box.emu)
        self._write(place.text_frame, [paragraphs])
        bar = self.slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *map(Emu, theme.BAR.emu))
        bar.name = "Accent"
        _fill_decorative(bar, theme.ACCENT)
        self.add_text("Kicker", theme.KICKER, [Paragraph(kicker, 12, colour=theme.MUTED, space_after=0)])
        if subtitle:
            self.add_text(
                "Measure",
                theme.SUBTITLE if most > 1 else theme.SUBTITLE.moved_up(theme.ONE_LINE),
                [Paragraph(subtitle, 14, colour=theme.MUTED, space_after=0)],
            )

    def add_badge(self, badge: str) -> None:
        """Write a word in a frame at the top of the slide."""
        self.add_text("Badge", theme.BADGE, [Paragraph(badge, 12, bold=True, space_after=0)], framed=True)

    def add_footer(self, text: str, number: int) -> None:
        """Write the footer and the number of the slide."""
        for shape in self.slide.slide_layout.placeholders:
            kind = shape.element.ph.get("type")
            if kind in ("ftr", "sldNum"):
                tree = self.slide.shapes._spTree  # noqa: SLF001 - python-pptx does not copy footers to slides
                element = copy.deepcopy(shape.element)
                tree.append(element)
                element.nvSpPr.cNvPr.set("id", str(max(int(i) for i in tree.xpath("//p:cNvPr/@id")) + 1))
                element.nvSpPr.cNvPr.set("name", "Footer" if kind == "ftr" else "Slide Number")
        footer, page = self.slide.placeholders[11], self.slide.placeholders[12]
        line = Paragraph(
            truncate_lines(fonts.printable(text), 10, theme.FOOTER.width),
            10,
            colour=theme.MUTED,
            space_after=0,
        )
        self._write(footer.text_frame, [line])
        field = page.element.find(".//" + qn("a:fld"))
        field.find(qn("a:t")).text = str(number)
        for run in self.slide.element.iter(qn("a:rPr"), qn("a:endParaRPr")):
            run.set("lang", theme.LOCALES[self.lang])

    @property
    def title(self) -> str:
        """The title of the slide."""
        return str(self.slide.shapes.title.text_frame.text)

    def add_text(
        self, name: str, box: Box, lines: Sequence[Paragraph], *, framed: bool = False, more: bool = False
    ) -> None:
        """Add a text box with paragraphs to the slide; fonts shrink until the text fits into the box.

        Args:
            name: the name of the shape in PowerPoint.
            box: the position and size of the text box.
            lines: the paragraphs.
            framed: whether the box has a frame and its text is centred.
            more: whether paragraphs that do not fit are left out; a line then refers to the notes. Otherwise
                the longest paragraphs are shortened.
        """
        place = self.slide.shapes.add_textbox(*map(Emu, box.emu))
        place.name = name
        frame = place.text_frame
        frame.word_wrap, frame.auto_size = (
            True,
            MSO_AUTO_SIZE.TEXT_TO_FIT_SHAPE,
        )
        if framed:
            place.line.color.rgb = RGBColor.from_string(theme.INK)
            place.line.width = Pt(1)
        paragraphs = [
            Paragraph(fonts.printable(x.text), x.size, x.bold, x.colour, x.space_after, x.bullet)
            for x in lines
        ]
        width = box.width - 0.02
        self._write(
            frame,
            whole_paragraphs(paragraphs, width, box.height, Locale(self.lang))
            if more
            else fit_paragraphs(paragraphs, width, box.height),
        )
        body = frame._txBody.bodyPr  # noqa: SLF001 - python-pptx has no property for it
        body.attrib.update({"lIns": "0", "rIns": "0", "tIns": "0", "bIns": "0"})
        body.set("anchor", "ctr" if framed else "t")
        if framed:
            for paragraph in frame.paragraphs:
                paragraph._p.get_or_add_pPr().set("algn", "ctr")  # noqa: SLF001 - same

    def add_warning(self, text: str) -> None:
        """Write a warning at the top of the slide, unless the warning is empty."""
        if text:
            self.add_text("Warning", theme.WARNING, [Paragraph(text, 14, bold=True, space_after=0)])

    def add_line(self, top: float) -> None:
        """Draw a thin horizontal line across the slide, `top` inches below its upper edge."""
        box = Box(theme.LEFT, top, theme.FULL_WIDTH, 0.01)
        line = self.slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *map(Emu, box.emu))
        line.name = "Line"
        _fill_decorative(line, theme.LIGHT)

    def add_picture(self, name: str, box: Box, image: bytes, alt_text: str) -> None:
        """Add a PNG picture, as large as fits into the box."""
        picture = self.slide.shapes.add_picture(io.BytesIO(image), 0, 0)
        scale = min(box.width * theme.EMU / picture.width, box.height * theme.EMU / picture.height)
        picture.width, picture.height = (Emu(round(x * scale)) for x in (picture.width, picture.height))
        picture.left, picture.top, _, _ = map(Emu, box.emu)
        picture.name = name
        set_alt_text(picture, alt_text)

    def add_table(
        self,
        name: str,
        box: Box,
        heads: Sequence[str],
        body: Sequence[Sequence[str]],
        *,
        widths: Sequence[float],
        alt_text: str,
        highlighted_row: int = -1,
    ) -> None:
        """Add a PowerPoint table; if rows do not fit, they are left out and a note below states their number.

        Args:
            name: the name of the shape in PowerPoint.
            box: the position and size of the area for the table.
            heads: the titles of the columns.
            body: the cells, row by row.
            widths: relative widths of the columns.
            alt_text: the text alternative for readers who cannot see the table.
            highlighted_row: the row to emphasise, counted from 0; -1 for none.
        """
        inches = [x * box.width / sum(widths) for x in widths]
        cells = [[fonts.printable(cell) for cell in row] for row in (heads, *body)]
        size, heights = _table_size(cells, inches, box.height)
        if len(heights) < len(cells):
            size, heights = _table_size(cells, inches, box.height - MORE_ROWS_HEIGHT)
            rest = Box(
                box.left, box.top + box.height - MORE_ROWS_HEIGHT + 0.04, box.width, MORE_ROWS_HEIGHT - 0.04
            )
            note = Locale(self.lang)("deck.more_rows", count=len(cells) - len(heights))
            self.add_text(f"{name}: more", rest, [Paragraph(note, 11, colour=theme.MUTED, space_after=0)])
        cells = cells[: len(heights)]
        element = self.slide.shapes.add_table(
            len(heights), len(heads), *map(Emu, Box(box.left, box.top, box.width, sum(heights)).emu)
        )
        element.name = name
        set_alt_text(element, alt_text)
        grid = element.table
        grid._tbl.tblPr.find(qn("a:tableStyleId")).text = PLAIN_TABLE  # noqa: SLF001 - python-pptx has no property for it
        grid.horz_banding = False
        for column, inch in zip(grid.columns, inches, strict=True):
            column.width = Emu(round(inch * theme.EMU))
        for row_index, (row, available_height) in enumerate(zip(cells, heights, strict=True)):
            grid.rows[row_index].height = Emu(round(available_height * theme.EMU))
            for n, text in enumerate(row):
                bold, colour = (
                    row_index in (0, highlighted_row + 1),
                    theme.ACCENT if row_index == highlighted_row + 1 > 0 else theme.INK,
                )
                line = Paragraph(text, size, bold, theme.MUTED if row_index == 0 else colour, 0)
                self._write_cell(grid.cell(row_index, n), line, inches[n], heavy=row_index == 0)

    def _write_cell(self, cell: Any, line: Paragraph, available_width: float, *, heavy: bool) -> None:  # noqa: ANN401 - python-pptx has no types
        text = truncate_lines(
            line.text, line.size, available_width - COLUMN_GAP, MAX_CELL_LINES, bold=line.bold
        )
        self._write(cell.text_frame, [Paragraph(text, line.size, line.bold, line.colour, 0)])
        cell.margin_left, cell.margin_right = Emu(0), Emu(round(COLUMN_GAP * theme.EMU))
        cell.margin_top = cell.margin_bottom = Emu(round(CELL_PADDING * theme.EMU))
        element = cell._tc.get_or_add_tcPr()  # noqa: SLF001 - python-pptx has no property for cell borders
        bottom_line = element.makeelement(qn("a:lnB"), {"w": "12700" if heavy else "6350"})
        fill = bottom_line.makeelement(qn("a:solidFill"), {})
        fill.append(fill.makeelement(qn("a:srgbClr"), {"val": theme.GREY if heavy else theme.LIGHT}))
        bottom_line.append(fill)
        element.append(bottom_line)

    def add_notes(self, paragraphs: Sequence[str]) -> None:
        """Write the speaker notes of the slide."""
        page = self.slide.notes_slide
        for shape in list(page.placeholders):
            # python-pptx leaves the slide number on the notes page empty, so its placeholder is removed.
            if shape.element.ph.get("type") == "sldNum":
                shape.element.getparent().remove(shape.element)
        self._write(
            page.notes_text_frame,
            [Paragraph(fonts.printable(text), 12, space_after=0) for text in paragraphs],
        )

    def _write(self, frame: Any, lines: Sequence[Paragraph]) -> None:  # noqa: ANN401 - python-pptx has no types
        """Replace the content of a PowerPoint text frame by paragraphs."""
        frame.clear()
        for n, line in enumerate(lines):
            paragraph = frame.paragraphs[0] if n == 0 else frame.add_paragraph()
            paragraph.space_after, paragraph.line_spacing = Pt(line.space_after), Pt(line.size * LINE_SPACING)
            if line.bullet:
                _add_bullet(paragraph, line)
            run = paragraph.add_run()
            run.text = line.text
            font = run.font
            font.size, font.bold = Pt(line.size), line.bold
            font.color.rgb = RGBColor.from_string(line.colour)
            run._r.get_or_add_rPr().set("lang", theme.LOCALES[self.lang])  # noqa: SLF001 - same


def set_alt_text(shape: Any, text: str) -> None:  # noqa: ANN401 - python-pptx has no types
    """Set the text alternative of a chart or table for readers who cannot see it."""
    element = shape._element.xpath(".//p:cNvPr")[0]  # noqa: SLF001 - python-pptx has no property for it
    element.set("descr", fonts.printable(text))


def _fill_decorative(shape: Any, colour: str) -> None:  # noqa: ANN401 - python-pptx has no types
    """Fill a shape with a colour and mark it as decorative, so that screen readers skip the shape."""
    shape.fill.solid()
    shape.fill.fore_color.rgb = RGBColor.from_string(colour)
    shape.line.fill.background()
    element = shape._element  # noqa: SLF001 - same
    for part in (element.find(qn("p:style")), element.find(qn("p:txBody"))):
        element.remove(part)
    from lxml import etree

    mark = (
        '<a:extLst xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        '<a:ext uri="{C183D7F6-B498-43B3-948B-1728B52AA6E4}"><adec:decorative val="1" '
        'xmlns:adec="http://schemas.microsoft.com/office/drawing/2017/decorative"/></a:ext></a:extLst>'
    )
    element.xpath(".//p:cNvPr")[0].append(etree.fromstring(mark))


def _add_bullet(paragraph: Any, line: Paragraph) -> None:  # noqa: ANN401 - python-pptx has no types
    element = paragraph._p.get_or_add_pPr()  # noqa: SLF001 - python-pptx has no property for bullets
    inset = round(line.indent * theme.EMU)
    element.attrib.update({"marL": str(inset), "indent": str(-inset)})
    element.append(element.makeelement(qn("a:buChar"), {"char": "•"}))


def whole_paragraphs(
    lines: Sequence[Paragraph], width: float, max_height: float, locale: Locale
) -> list[Paragraph]:
    """Return the first paragraphs that fit into a box as a whole, and a line on how many the notes have."""
    for kept in range(len(lines), 1, -1):
        left = len(lines) - kept
        rest = [Paragraph(locale("deck.more_rows", count=left), 11, colour=theme.MUTED)] if left else []
        fitted = fit_paragraphs([*lines[:kept], *rest], width, max_height)
        if [line.text for line in fitted] == [line.text for line in (*lines[:kept], *rest)]:
            return fitted
    return fit_paragraphs(lines[:1], width, max_height)


def _balanced_title_box(title: str, size: float) -> Box:
    available_width = min(theme.TITLE.width, text_width(title, size, bold=True) * TWO_LINE_SHARE)
    narrow = Box(theme.TITLE.left, theme.TITLE.top, available_width, theme.TITLE.height)
    return narrow if line_count(title, size, available_width, bold=True) <= 2 else theme.TITLE  # noqa: PLR2004 - two lines


def least_table_height(cells: Sequence[Sequence[str]], widths: Sequence[float], width: float) -> float:
    """Return the height in inches of a table in the smallest font size, including the header.

    Args:
        cells: the header and the rows.
        widths: relative widths of the columns.
        width: the width of the table in inches.
    """
    inches = [x * width / sum(widths) for x in widths]
    return sum(_row_height(row, inches, TABLE_SIZES[-1], bold=n == 0) for n, row in enumerate(cells))


def _table_size(
    cells: Sequence[Sequence[str]], inches: Sequence[float], available_height: float
) -> tuple[float, list[float]]:
    """Return the font size of a table on a slide, and the heights in inches of the rows that fit.

    Only if the table is too high even at the smallest font size, its last rows are left out.
    """
    for size in TABLE_SIZES:
        heights = [_row_height(row, inches, size, bold=n == 0) for n, row in enumerate(cells)]
        if sum(heights) <= available_height:
            return size, heights
    while len(heights) > 2 and sum(heights) > available_height:  # noqa: PLR2004 - a head and one row
        heights.pop()
    return size, heights


def _row_height(row: Sequence[str], inches: Sequence[float], size: float, *, bold: bool) -> float:
    text_widths = [inch - COLUMN_GAP for inch in inches]
    most = max(
        min(MAX_CELL_LINES, line_count(t, size, x, bold=bold)) for t, x in zip(row, text_widths, strict=True)
    )
    return most * size * LINE_SPACING / 72 + 2 * CELL_PADDING
