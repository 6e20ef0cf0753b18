"""Texts as the templates take them: inert, with a glyph for every letter, and short enough to set."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

from markupsafe import Markup

from outage_analysis import fonts
from outage_analysis.errors import EnvironmentFailed
from outage_analysis.reports.pdf.widths import breakable

LONGEST = 1_500
"""Letters of the longest text from outside that is set whole."""


class _Links(HTMLParser):
    """A cell of markup as its texts, each with where it leads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[dict[str, str]] = []
        self._leads: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember where a link leads: to a fact, or to an address of the web; nowhere else."""
        address = dict(attrs).get("href") or ""
        if tag == "a" and address.startswith("#"):
            self._leads = {"to": address[1:]}
        elif tag == "a" and urlsplit(address).scheme in ("http", "https"):
            self._leads = {"url": address}

    def handle_endtag(self, tag: str) -> None:
        """A link ends."""
        if tag == "a":
            self._leads = {}

    def handle_data(self, text: str) -> None:
        """A text, inside a link or outside."""
        self.parts.append({"text": data(text), **self._leads})


def parts(cell: str | Markup) -> list[dict[str, str]]:
    """A cell as texts, each with where it leads: `to` a place in the document or a `url` of the web."""
    if not isinstance(cell, Markup):
        return [{"text": data(cell)}]
    reader = _Links()
    reader.feed(str(cell))
    reader.close()
    return reader.parts


def plain(cell: str | Markup) -> str:
    """A cell without its links."""
    return "".join(part["text"] for part in parts(cell))


def data(text: str) -> str:
    """A text that may hold what came from outside: with glyphs for all of it, and places to break it."""
    return breakable(cut(fonts.shown(text), LONGEST))


def cut(text: str, most: int) -> str:
    """No more than so many letters of a text."""
    return text if len(text) <= most else text[:most] + "…"


def ours(text: str) -> str:
    """A text of our own.

    Raises:
        EnvironmentFailed: the fonts lack a character of it.
    """
    lacking = fonts.lacking(text)
    if lacking:
        character = f"U+{ord(lacking[0]):04X}"
        raise EnvironmentFailed(
            f"the package's fonts lack {character}",
            value=text,
            remedy="Install the package again, or mend the word.",
        )
    return text
