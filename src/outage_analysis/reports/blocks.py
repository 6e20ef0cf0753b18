"""The parts of a report that every output format renders: sections, paragraphs, tables and charts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Marked:
    """What every block of a section has: the mark that says whether the slides show it."""

    slide: bool = False
    """Whether a slide shows the block. The speaker notes have the texts of every block."""


@dataclass(frozen=True)
class Text(Marked):
    """A paragraph of a report section; `role` sets its emphasis."""

    text: str
    role: Literal["plain", "strong", "warning"] = "plain"


@dataclass(frozen=True)
class Heading(Marked):
    """A heading inside a report section."""

    text: str


@dataclass(frozen=True)
class BulletList(Marked):
    """A bulleted list in a report section."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Tile:
    """A key figure with its title and an explanatory note."""

    title: str
    figure: str
    note: str = ""
    synthetic: bool = False
    likely: str = ""
    """The start of the note if it is the likely range of the figure; it is set in bold."""

    @property
    def sentence(self) -> str:
        """The key figure in one line."""
        return f"{self.title}: {self.figure}{self.note and f'. {self.note}'}"


@dataclass(frozen=True)
class KeyFigures(Marked):
    """Key figures side by side; formats without a place for them list their sentences."""

    figures: tuple[Tile, ...]

    @property
    def items(self) -> tuple[str, ...]:
        """Each key figure in one line."""
        return tuple(figure.sentence for figure in self.figures)


@dataclass(frozen=True)
class TableBlock(Marked):
    """A table in a report section: the name of the table in `Report.grids`, and its caption."""

    grid: str
    caption: str
    folded: bool = False
    """Whether the HTML page hides the table until the reader opens it."""


@dataclass(frozen=True)
class ChartBlock(Marked):
    """A chart in a report section: its name in `Report.charts`, and a table with the same figures."""

    chart: str
    table: TableBlock | None = None


Block = Text | Heading | BulletList | KeyFigures | TableBlock | ChartBlock


@dataclass(frozen=True)
class Section:
    """A section of the report: a title, and blocks of text, tables and charts."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    synthetic: bool = False
    """Whether the section is based on synthetic claims; every format then labels it as synthetic."""
    hindsight: bool = False
    """Whether the section shows what became known after the as-of day."""
    appendix: bool = False
    """Whether the HTML page hides the section until the reader opens it."""
    printed: bool = True
    """Whether the PDF prints the section; with every appendix it would have thirty pages."""
    facts: tuple[str, ...] = ()
    """Ids of the published facts behind the section, which its slides cite."""

    @property
    def groups(self) -> list[tuple[str, list[Block]]]:
        """The blocks below each heading; those before the first heading are below the title."""
        groups: list[tuple[str, list[Block]]] = [(self.title, [])]
        for block in self.blocks:
            if isinstance(block, Heading):
                groups.append((block.text, []))
            else:
                groups[-1][1].append(block)
        return groups


@dataclass(frozen=True)
class Option:
    """One option of the decision; amounts are in the smallest unit of the currency."""

    name: str
    expected: float | None
    """The expected cash; None if the ledger lacks an input."""
    range_low: float | None
    """The low end of the likely range."""
    range_high: float | None
    over_budget: float | None = None
    """The probability that the cash cost exceeds the budget."""
    recipients: float | None = None
    """The expected number of recipients, if policies are compared."""
    per_recipient: float | None = None
    """The mean payment per recipient."""


@dataclass(frozen=True)
class Answers:
    """The texts of the first screen: how much and how sure, what would narrow it, why, and what to decide."""

    headline: tuple[str, ...] = ()
    """How much and how sure, with the scope; then what the figure does not include."""
    narrows: tuple[str, ...] = ()
    reserve: tuple[tuple[str, str], ...] = ()
    """The amounts to set aside: the measure, such as the median, and the amount."""
    recommended: tuple[str, ...] = ()
    """What to set aside and what to decide first, and why."""
    drives: tuple[str, ...] = ()
    decide: tuple[str, ...] = ()
    """What to decide, in sentences; without options, what changes of the policy add to the cost."""
    options: tuple[Option, ...] = ()
    """The options of the decision; the first is the announced policy."""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class PageChart:
    """A chart whose titles are separate texts, because titles inside a drawing cannot wrap."""

    spec: dict[str, Any] = field(repr=False)
    title: str
    subtitle: str
    footer: str
    hindsight: bool
    """Whether the chart shows what became known after the as-of day.

    The data of such a chart are embedded only in the hindsight section.
    """

    @property
    def description(self) -> str:
        """The text alternative of the chart, for readers who cannot see it."""
        return str(self.spec["description"])
