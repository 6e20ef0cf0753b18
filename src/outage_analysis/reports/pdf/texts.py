"""Prepare texts and table cells for typst: printable characters and places where words may break."""

from __future__ import annotations

from markupsafe import Markup

from outage_analysis.errors import EnvironmentFailed
from outage_analysis.reports.pdf.column_widths import add_break_points
from outage_analysis.text import fonts

MAX_TEXT_LENGTH = 1_500
"""The most characters of an input text; longer texts are cut."""


def plain_text(cell: str | Markup) -> str:
    """Return the text of a table cell without its links."""
    return external_text(str(cell.striptags()) if isinstance(cell, Markup) else cell)


def external_text(text: str) -> str:
    """Return a text that may come from input files in a form that the PDF can print.

    Long texts are cut, long words get points at which a line may break, and characters without a glyph are
    replaced.
    """
    return add_break_points(truncate(fonts.printable(text), MAX_TEXT_LENGTH))


def truncate(text: str, most: int) -> str:
    """Cut a text after `most` characters; an ellipsis marks the cut."""
    return text if len(text) <= most else text[:most] + "…"


def own_text(text: str) -> str:
    """Return one of the package's own texts unchanged, after checking that the fonts have all characters.

    Raises:
        EnvironmentFailed: the fonts lack a character.
    """
    missing = fonts.missing_characters(text)
    if missing:
        character = f"U+{ord(missing[0]):04X}"
        raise EnvironmentFailed(
            f"the package's fonts lack {character}",
            value=text,
            remedy="Install the package again, or correct the label.",
        )
    return text
