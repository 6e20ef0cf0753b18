"""What a report is made of, whatever the format: sections of texts, tables and charts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    role: Literal["plain", "strong", "warning"] = "plain"


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True)
class BulletList:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class TableBlock:
    """A grid of the report, by name."""

    grid: str
    caption: str
    folded: bool = False
    """Whether a page on a screen shows it only when asked."""


@dataclass(frozen=True)
class ChartBlock:
    """A chart of the report by name, with the table that says the same."""

    chart: str
    table: TableBlock | None = None


Block = Text | Heading | BulletList | TableBlock | ChartBlock


@dataclass(frozen=True)
class Section:
    """A part of the report under a heading of its own."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    synthetic: bool = False
    """Made from synthetic rows: marked wherever it is shown."""
    hindsight: bool = False
    """Shows what came out after the as-of day."""


@dataclass(frozen=True)
class Tile:
    """One figure of the first screen, with its name and what it means."""

    title: str
    figure: str
    note: str
    synthetic: bool = False
    likely: str = ""
    """How the note begins, where that says how sure the figure is: set apart on a screen."""


@dataclass(frozen=True)
class Answers:
    """The questions of the first screen and their answers, in sentences."""

    drives: tuple[str, ...] = ()
    decide: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class PageChart:
    """A chart whose title stands in the page, where it wraps, instead of in the drawing."""

    spec: dict[str, Any] = field(repr=False)
    title: str
    subtitle: str
    footer: str
    hindsight: bool
    """Whether it shows what came out later: its data then stand in that section alone."""

    @property
    def description(self) -> str:
        """What it shows, for who cannot see it."""
        return str(self.spec["description"])
