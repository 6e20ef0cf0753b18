"""One slide: its title, texts, tables and notes, each in its place, in one language."""

from __future__ import annotations

import copy
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

from outage_analysis.reports.deck import theme as look
from outage_analysis.reports.deck.text_size import LEADING, Line, cut, fitted, rows, width
from outage_analysis.reports.deck.theme import Box
from outage_analysis.text import Locale, fonts

TITLE_SIZES = ((28, 1), (26, 1), (24, 1), (28, 2), (24, 2), (20, 2))
"""Points and lines, in order of preference."""
TABLE_SIZES = (13, 12.5, 12, 11.5, 11, 10.5)
PLAIN_TABLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"
"""The style of a table without lines or fills, known to every version of the format."""
MOST_LINES = 4
"""Of a cell."""
PAD = 0.05
"""Inches above and below the text of a cell."""
GAP = 0.15
"""Inches between two columns of a table."""
BALANCE = 0.62
"""Of the length of a title on one line: the width of two lines."""
MORE = 0.3
"""Inches for saying that there is more."""


@dataclass(frozen=True)
class Canvas:
    """A slide that is being written."""

    slide: Slide
    lang: str

    @classmethod
    def of(cls, deck: Deck, lang: str) -> Canvas:
        """A new slide at the end of a deck."""
        return cls(deck.slides.add_slide(deck.slide_layouts[0]), lang)

    def head(self, title: str, kicker: str, lede: str = "", badge: str = "") -> None:
        """The title in the place that an outline reads, what stands above and below it, and a badge."""
        text = fonts.printable(title)
        fits = (x for x in TITLE_SIZES if rows(text, x[0], look.TITLE.width, bold=True) <= x[1])
        size, most = next(fits, TITLE_SIZES[-1])
        shown = Line(cut(text, size, look.TITLE.width, 2, bold=True), size, bold=True, after=0)
        box = _balanced(text, size) if most > 1 else look.TITLE.lower(look.ONE_LINE)
        place = self.slide.shapes.title
        place.name = "Title"
        place.left, place.top, place.width, place.height = map(Emu, box.emu)
        self._write(place.text_frame, [shown])
        bar = self.slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *map(Emu, look.BAR.emu))
        bar.name = "Accent"
        _decorative(bar, look.ACCENT)
        self.text("Kicker", look.KICKER, [Line(kicker, 12, colour=look.MUTED, after=0)])
        if lede:
            self.text(
                "Measure",
                look.LEDE if most > 1 else look.LEDE.up(look.ONE_LINE),
                [Line(lede, 14, colour=look.MUTED, after=0)],
            )
        if badge:
            self.text("Badge", look.BADGE, [Line(badge, 12, bold=True, after=0)], framed=True)

    def foot(self, text: str, number: int) -> None:
        """The footer and the number of the slide, in the placeholders of the layout."""
        for shape in self.slide.slide_layout.placeholders:
            kind = shape.element.ph.get("type")
            if kind in ("ftr", "sldNum"):
                tree = self.slide.shapes._spTree  # noqa: SLF001 - the library copies no footers
                held = copy.deepcopy(shape.element)
                tree.append(held)
                held.nvSpPr.cNvPr.set("id", str(max(int(i) for i in tree.xpath("//p:cNvPr/@id")) + 1))
                held.nvSpPr.cNvPr.set("name", "Footer" if kind == "ftr" else "Slide Number")
        foot, page = self.slide.placeholders[11], self.slide.placeholders[12]
        line = Line(cut(fonts.printable(text), 10, look.FOOTER.width), 10, colour=look.MUTED, after=0)
        self._write(foot.text_frame, [line])
        field = page.element.find(".//" + qn("a:fld"))
        field.find(qn("a:t")).text = str(number)
        for run in self.slide.element.iter(qn("a:rPr"), qn("a:endParaRPr")):
            run.set("lang", look.LOCALES[self.lang])

    def text(self, name: str, box: Box, lines: Sequence[Line], *, framed: bool = False) -> None:
        """Paragraphs in a box, as large as they fit."""
        place = self.slide.shapes.add_textbox(*map(Emu, box.emu))
        place.name = name
        frame = place.text_frame
        frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.TEXT_TO_FIT_SHAPE  # for who edits it
        if framed:
            place.line.color.rgb = RGBColor.from_string(look.INK)
            place.line.width = Pt(1)
        shown = [Line(fonts.printable(x.text), x.size, x.bold, x.colour, x.after, x.bullet) for x in lines]
        self._write(frame, fitted(shown, box.width - 0.02, box.height))
        body = frame._txBody.bodyPr  # noqa: SLF001 - attributes that have no property
        body.attrib.update({"lIns": "0", "rIns": "0", "tIns": "0", "bIns": "0"})
        body.set("anchor", "ctr" if framed else "t")
        if framed:
            for paragraph in frame.paragraphs:
                paragraph._p.get_or_add_pPr().set("algn", "ctr")  # noqa: SLF001 - same

    def warn(self, text: str) -> None:
        """What must be known before anything is read, above all else; nothing where there is nothing."""
        if text:
            self.text("Warning", look.WARNING, [Line(text, 14, bold=True, after=0)])

    def rule(self, top: float) -> None:
        """A thin line across."""
        box = Box(look.LEFT, top, look.FULL, 0.01)
        line = self.slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *map(Emu, box.emu))
        line.name = "Line"
        _decorative(line, look.LIGHT)

    def table(
        self,
        name: str,
        box: Box,
        heads: Sequence[str],
        body: Sequence[Sequence[str]],
        *,
        widths: Sequence[float],
        describes: str,
        strong: int = -1,
    ) -> None:
        """A native table that fits its box; what does not fit is left out from its end, and said to be.

        Args:
            name: of the shape.
            box: where it stands.
            heads: titles of the columns.
            body: cells as text.
            widths: of the columns, relative.
            describes: what it shows, for who cannot see it.
            strong: the row that stands out, from 0.
        """
        inches = [x * box.width / sum(widths) for x in widths]
        cells = [[fonts.printable(cell) for cell in row] for row in (heads, *body)]
        size, heights = _sized(cells, inches, box.height)
        if len(heights) < len(cells):
            size, heights = _sized(cells, inches, box.height - MORE)
            rest = Box(box.left, box.top + box.height - MORE + 0.04, box.width, MORE - 0.04)
            said = Locale(self.lang)("deck.more_rows", count=len(cells) - len(heights))
            self.text(f"{name}: more", rest, [Line(said, 11, colour=look.MUTED, after=0)])
        cells = cells[: len(heights)]
        held = self.slide.shapes.add_table(
            len(heights), len(heads), *map(Emu, Box(box.left, box.top, box.width, sum(heights)).emu)
        )
        held.name = name
        describe(held, describes)
        grid = held.table
        grid._tbl.tblPr.find(qn("a:tableStyleId")).text = PLAIN_TABLE  # noqa: SLF001 - no property
        grid.horz_banding = False
        for column, inch in zip(grid.columns, inches, strict=True):
            column.width = Emu(round(inch * look.EMU))
        for at, (row, high) in enumerate(zip(cells, heights, strict=True)):
            grid.rows[at].height = Emu(round(high * look.EMU))
            for n, text in enumerate(row):
                bold, colour = at in (0, strong + 1), look.ACCENT if at == strong + 1 > 0 else look.INK
                line = Line(text, size, bold, look.MUTED if at == 0 else colour, 0)
                self._cell(grid.cell(at, n), line, inches[n], heavy=at == 0)

    def _cell(self, cell: Any, line: Line, wide: float, *, heavy: bool) -> None:  # noqa: ANN401 - no types
        text = cut(line.text, line.size, wide - GAP, MOST_LINES, bold=line.bold)
        self._write(cell.text_frame, [Line(text, line.size, line.bold, line.colour, 0)])
        cell.margin_left, cell.margin_right = Emu(0), Emu(round(GAP * look.EMU))
        cell.margin_top = cell.margin_bottom = Emu(round(PAD * look.EMU))
        held = cell._tc.get_or_add_tcPr()  # noqa: SLF001 - lines of a cell have no property
        under = held.makeelement(qn("a:lnB"), {"w": "12700" if heavy else "6350"})
        fill = under.makeelement(qn("a:solidFill"), {})
        fill.append(fill.makeelement(qn("a:srgbClr"), {"val": look.GREY if heavy else look.LIGHT}))
        under.append(fill)
        held.append(under)

    def notes(self, paragraphs: Sequence[str]) -> None:
        """What the speaker says and where it is from."""
        page = self.slide.notes_slide
        for shape in list(page.placeholders):
            if shape.element.ph.get("type") == "sldNum":  # the library leaves it empty
                shape.element.getparent().remove(shape.element)
        self._write(page.notes_text_frame, [Line(fonts.printable(text), 12, after=0) for text in paragraphs])

    def _write(self, frame: Any, lines: Sequence[Line]) -> None:  # noqa: ANN401 - no types
        """Paragraphs into a text frame, in place of what is there."""
        frame.clear()
        for n, line in enumerate(lines):
            paragraph = frame.paragraphs[0] if n == 0 else frame.add_paragraph()
            paragraph.space_after, paragraph.line_spacing = Pt(line.after), Pt(line.size * LEADING)
            if line.bullet:
                _bulleted(paragraph, line)
            run = paragraph.add_run()
            run.text = line.text
            font = run.font
            font.size, font.bold = Pt(line.size), line.bold
            font.color.rgb = RGBColor.from_string(line.colour)
            run._r.get_or_add_rPr().set("lang", look.LOCALES[self.lang])  # noqa: SLF001 - same


def describe(shape: Any, text: str) -> None:  # noqa: ANN401 - no types
    """What a chart or a table shows, for who cannot see it."""
    held = shape._element.xpath(".//p:cNvPr")[0]  # noqa: SLF001 - no property
    held.set("descr", fonts.printable(text))


def _decorative(shape: Any, colour: str) -> None:  # noqa: ANN401 - no types
    """A plain filled shape without text, marked as saying nothing, so that nobody is read its name."""
    shape.fill.solid()
    shape.fill.fore_color.rgb = RGBColor.from_string(colour)
    shape.line.fill.background()
    held = shape._element  # noqa: SLF001 - same
    for part in (held.find(qn("p:style")), held.find(qn("p:txBody"))):
        held.remove(part)
    from lxml import etree

    mark = (
        '<a:extLst xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        '<a:ext uri="{C183D7F6-B498-43B3-948B-1728B52AA6E4}"><adec:decorative val="1" '
        'xmlns:adec="http://schemas.microsoft.com/office/drawing/2017/decorative"/></a:ext></a:extLst>'
    )
    held.xpath(".//p:cNvPr")[0].append(etree.fromstring(mark))


def _bulleted(paragraph: Any, line: Line) -> None:  # noqa: ANN401 - no types
    held = paragraph._p.get_or_add_pPr()  # noqa: SLF001 - bullets have no property
    inset = round(line.indent * look.EMU)
    held.attrib.update({"marL": str(inset), "indent": str(-inset)})
    held.append(held.makeelement(qn("a:buChar"), {"char": "•"}))


def _balanced(title: str, size: float) -> Box:
    """The place of a title of two lines, as narrow as makes them about as long."""
    wide = min(look.TITLE.width, width(title, size, bold=True) * BALANCE)
    narrow = Box(look.TITLE.left, look.TITLE.top, wide, look.TITLE.height)
    return narrow if rows(title, size, wide, bold=True) <= 2 else look.TITLE  # noqa: PLR2004 - two lines


def _sized(cells: Sequence[Sequence[str]], inches: Sequence[float], high: float) -> tuple[float, list[float]]:
    """The size of the letters of a table and the heights of its rows; rows that find no room have none."""
    for size in TABLE_SIZES:
        heights = [_row(row, inches, size, bold=n == 0) for n, row in enumerate(cells)]
        if sum(heights) <= high:
            return size, heights
    while len(heights) > 2 and sum(heights) > high:  # noqa: PLR2004 - a head and one row
        heights.pop()
    return size, heights


def _row(row: Sequence[str], inches: Sequence[float], size: float, *, bold: bool) -> float:
    room = [wide - GAP for wide in inches]
    most = max(min(MOST_LINES, rows(t, size, x, bold=bold)) for t, x in zip(row, room, strict=True))
    return most * size * LEADING / 72 + 2 * PAD
