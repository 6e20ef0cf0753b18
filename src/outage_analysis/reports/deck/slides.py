"""Write the PowerPoint deck as reproducible bytes: slides with native charts, then added sections."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from lxml import etree
from pptx import Presentation
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.oxml.ns import qn
from pptx.presentation import Presentation as Deck
from pptx.util import Emu

from outage_analysis.reports.archives import repack
from outage_analysis.reports.deck import theme
from outage_analysis.reports.deck.canvas import Canvas
from outage_analysis.reports.deck.own_slides import own_slides
from outage_analysis.reports.deck.slide_answer import answer_slide
from outage_analysis.reports.deck.slide_cover import cover_slide
from outage_analysis.reports.deck.slide_decisions import decisions_slide
from outage_analysis.reports.deck.slide_drivers import drivers_slide, headlines_slide
from outage_analysis.reports.deck.slide_services import has_service_bands, services_slide
from outage_analysis.reports.deck.speaker_notes import SlideNotes, footer_text, note_paragraphs
from outage_analysis.reports.deck.theme import Box
from outage_analysis.reports.report import Report


def write_pptx(report: Report, folder: Path) -> None:
    """Write the report as the slide deck report.pptx."""
    (folder / "report.pptx").write_bytes(build_deck(report))


SLIDE_FUNCTIONS: tuple[Callable[[Report, Canvas], SlideNotes], ...] = (
    answer_slide,
    drivers_slide,
    headlines_slide,
    decisions_slide,
)
"""The functions that write the slides after the cover: the answer, drivers, headlines, decisions."""


def slide_functions(report: Report) -> list[Callable[[Report, Canvas], SlideNotes]]:
    """Return the functions that write the slides; services by loss band follow the answer."""
    first, *others = SLIDE_FUNCTIONS
    return [first, *([services_slide] if has_service_bands(report) else []), *others]


def build_deck(report: Report) -> bytes:
    """Return the slide deck as the bytes of a .pptx file; the same report always gives the same bytes."""
    functions = slide_functions(report)
    slides = len(functions) + 1
    deck = create_deck(report.title, report.lang, report.analysis.as_of, slides=slides)
    cover, *canvases = [Canvas.on_new_slide(deck, report.lang) for _ in range(slides)]
    notes = [write(report, canvas) for write, canvas in zip(functions, canvases, strict=True)]
    notes.insert(0, cover_slide(report, cover, [canvas.title for canvas in canvases]))
    for number, (canvas, slide_notes) in enumerate(zip((cover, *canvases), notes, strict=True), start=1):
        if slide_notes.synthetic or report.analysis.headline_is_synthetic:
            canvas.add_badge(report.locale("report.synthetic_badge"))
        canvas.add_warning(report.warning)
        canvas.add_footer(footer_text(report, slide_notes), number)
        canvas.add_notes(note_paragraphs(report, slide_notes))
    for number, slide in enumerate(own_slides(report), start=slides + 1):
        canvas = Canvas.on_new_slide(deck, report.lang)
        canvas.add_notes(slide.write(report, canvas))
        canvas.add_warning(report.warning)
        canvas.add_footer(report.footer, number)
    properties = deck.part.package.part_related_by(RT.EXTENDED_PROPERTIES)
    properties.blob = PROPERTIES.format(slides=len(deck.slides)).encode()
    return deck_bytes(deck)


LAYOUT = "Title Only"
AUTHOR = "outage-analysis"
THEME_COLOURS = {
    "dk1": theme.INK,
    "lt1": "FFFFFF",
    "dk2": theme.MUTED,
    "lt2": theme.LIGHT,
    "accent1": theme.ACCENT,
    "accent2": theme.GREY,
    "accent3": theme.PALE,
    "accent4": theme.MUTED,
    "accent5": theme.LIGHT,
    "accent6": theme.INK,
    "hlink": theme.ACCENT,
    "folHlink": theme.ACCENT,
}
PROPERTIES = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Application>\
outage-analysis</Application><PresentationFormat>Widescreen</PresentationFormat><Slides>{slides}</Slides>\
<Notes>{slides}</Notes></Properties>"""
PLACEHOLDER_BOXES = {
    "title": theme.TITLE,
    "body": Box(theme.LEFT, theme.TOP, theme.FULL_WIDTH, theme.BOTTOM - theme.TOP),
}
PLACEHOLDER_BOXES |= {"ftr": theme.FOOTER, "sldNum": theme.NUMBER}
PLACEHOLDER_ALIGNMENT = {"ftr": "l", "sldNum": "r"}
"""Alignment of the footer and the slide number."""


def create_deck(title: str, lang: str, as_of: date, *, slides: int) -> Deck:
    """Return a new slide deck without slides.

    Args:
        title: the title of the document.
        lang: the language, en or ko.
        as_of: the as-of day, which the file records as its creation date.
        slides: the number of slides, which the properties of the file state.
    """
    deck = Presentation()
    deck.slide_width, deck.slide_height = (Emu(round(x * theme.EMU)) for x in (theme.WIDTH, theme.HEIGHT))
    deck.element.find(qn("p:sldSz")).attrib.pop("type", None)
    for layout in list(deck.slide_layouts):
        if layout.name != LAYOUT:
            deck.slide_layouts.remove(layout)
    _remove_related_parts(deck.part, RT.PRINTER_SETTINGS)
    _remove_related_parts(deck.part.package, RT.THUMBNAIL)
    _style_master(deck, lang)
    deck.part.package.part_related_by(RT.EXTENDED_PROPERTIES).blob = PROPERTIES.format(slides=slides).encode()
    created, properties = datetime.combine(as_of, time(), UTC).replace(tzinfo=None), deck.core_properties
    properties.title, properties.author, properties.last_modified_by = title, AUTHOR, AUTHOR
    properties.revision = 1
    properties.created = properties.modified = created
    properties.language = theme.LOCALES[lang]
    return deck


def deck_bytes(deck: Deck) -> bytes:
    """Return a slide deck as the bytes of a .pptx file.

    The dates inside the zip archive are removed, so that the same deck always gives the same bytes.
    """
    stream = io.BytesIO()
    deck.save(stream)
    return repack(stream.getvalue())


def _remove_related_parts(owner: Any, kind: str) -> None:  # noqa: ANN401 - python-pptx has no types
    """Remove unneeded parts of python-pptx's default template, such as printer settings or a thumbnail."""
    rels = owner._rels  # noqa: SLF001 - the library has no public method to remove parts
    for name in [name for name, rel in rels.items() if rel.reltype == kind]:
        rels.pop(name)


def _style_master(deck: Deck, lang: str) -> None:
    master = deck.slide_master
    theme_part = master.part.part_related_by(RT.THEME)
    theme_xml = etree.fromstring(theme_part.blob)
    theme_part.blob = etree.tostring(
        _apply_theme(theme_xml, lang), xml_declaration=True, encoding="UTF-8", standalone=True
    )
    _apply_theme(deck.notes_master.part.part_related_by(RT.THEME)._element, lang)  # noqa: SLF001 - python-pptx has no property for it
    for page in (master, *deck.slide_layouts):
        for shape in list(page.placeholders):
            kind = shape.element.ph.get("type", "body")
            if kind == "dt":
                shape.element.getparent().remove(shape.element)
            elif page is master:
                shape.left, shape.top, shape.width, shape.height = map(Emu, PLACEHOLDER_BOXES[kind].emu)
                body = shape.element.txBody.find(qn("a:bodyPr"))
                body.attrib.update({"lIns": "0", "rIns": "0", "tIns": "0", "bIns": "0"})
                body.set("anchor", "t" if kind in ("title", "body") else "ctr")
                for style in shape.element.iter(qn("a:lvl1pPr")):
                    style.set("algn", PLACEHOLDER_ALIGNMENT.get(kind, "l"))
                    style.find(qn("a:defRPr")).set("sz", "1000")
    heading = master.element.find(".//" + qn("p:titleStyle")).find(qn("a:lvl1pPr"))
    heading.set("algn", "l")
    heading.find(qn("a:defRPr")).attrib.update({"sz": "2800", "b": "1"})


def _apply_theme(theme_part: etree._Element, lang: str) -> etree._Element:
    for name, colour in THEME_COLOURS.items():
        slot = theme_part.find(f".//{qn('a:clrScheme')}/{qn(f'a:{name}')}")
        slot[:] = [slot.makeelement(qn("a:srgbClr"), {"val": colour})]
    for kind in ("majorFont", "minorFont"):
        fonts = theme_part.find(f".//{qn(f'a:{kind}')}")
        fonts.find(qn("a:latin")).set("typeface", theme.LATIN[lang])
        fonts.find(qn("a:ea")).set("typeface", theme.HANGUL)
    return theme_part
