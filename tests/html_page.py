"""A report's page as a reader of its markup sees it: elements, texts, tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

VOID = {"meta", "br", "img", "link", "input", "hr", "base", "embed", "source"}

Attributes = dict[str, str]


@dataclass
class Element:
    """One element: its tag, attributes and the text inside it."""

    tag: str
    attributes: Attributes
    text: str = ""
    within: tuple[str, ...] = ()
    """Tags and classes of the elements around it."""


@dataclass
class WebPage(HTMLParser):
    """Every element of a page, in order."""

    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = []

    @classmethod
    def of(cls, path: Path) -> WebPage:
        page = cls()
        page.feed(path.read_text("utf-8"))
        page.close()
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        around = tuple(f"{e.tag}.{e.attributes.get('class', '')}" for e in self._open)
        element = Element(tag, attributes, within=around)
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Elements of a tag with these attributes (`class_` stands for class)."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            e
            for e in self.elements
            if e.tag == tag and all(e.attributes.get(k) == v for k, v in wanted.items())
        ]

    def prose(self) -> str:
        """The text a reader sees, without style and script."""
        (body,) = self.all("body")
        text = body.text
        for script in self.all("script"):
            text = text.replace(script.text, "")
        return text

    def table(self, label: str) -> list[dict[str, str]]:
        """The rows of the table with this caption, by column title."""
        rows: list[list[str]] = []
        inside = False
        for e in self.elements:
            if e.tag == "table":
                inside = False
            if e.tag == "caption":
                inside = e.text.strip() == label
            if inside and e.tag == "tr":
                rows.append([])
            if inside and e.tag in ("th", "td"):
                rows[-1].append(e.text.strip())
        head, *body = rows
        return [dict(zip(head, row, strict=True)) for row in body]
