"""What the templates set: the report as plain values, every text inert and every glyph there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from outage_analysis.errors import EnvironmentFailed
from outage_analysis.reports.blocks import Block, Heading, Items, Picture, Section, Table, Text, Tile
from outage_analysis.reports.pdf.column_widths import breakable, sheet
from outage_analysis.reports.report import Report
from outage_analysis.text import fonts

Values = dict[str, Any]
WHOLE = 20
"""Lines of the longest table that is never divided between pages."""
TITLE, RUNNING = 200, 60
"""Letters of the longest title, and of the longest name that the head of a page has room for."""
CITED = ("facts", "hindsight_outcomes")
"""Tables whose rows are facts, to which others lead."""
FOR_BRIEF = ("total_law", "waterfall", "comparison", "tornado", "headlines", "funnel", "band_distribution")
"""Charts that an executive sees, the first three that there are."""
BRIEF_CHARTS = 3


@dataclass(frozen=True)
class Pages:
    """A report as the templates read it."""

    report: Report
    _anchored: set[str] = field(default_factory=set, repr=False)

    @property
    def shared(self) -> Values:
        """What the brief and the report both tell: the first screen, and words of the templates."""
        r, locale = self.report, self.report.words
        said, made_up = r.answers, r.analysis.headline_is_synthetic
        answers = (
            ("drives", "drives", said.drives, made_up),
            ("decide", "decide", said.decide, made_up),
            ("left_out", "left_out_title", said.left_out, False),
        )
        return {
            "lang": r.lang,
            "title": breakable(cut(fonts.shown(r.title), TITLE)),
            "kicker": ours(r.kicker),
            "policy": breakable(cut(fonts.shown(r.policy), TITLE)),
            "running": cut(data(r.analysis.incident.name[r.lang]), RUNNING),
            "warning": ours(r.warning),
            "banner": ours(r.banner),
            "badge": ours(locale("report.synthetic_badge")),
            "colophon": data(r.colophon),
            "tiles": [_tile(tile) for tile in r.tiles],
            "differs": {"title": ours(locale("report.differs")), "text": ours(locale("report.differs_text"))},
            **{
                name: {
                    "title": ours(locale(f"report.{key}")),
                    "texts": [data(text) for text in texts],
                    "synthetic": badge,
                }
                for name, key, texts, badge in answers
            },
        }

    @cached_property
    def brief(self) -> Values:
        """The two pages for an executive."""
        r, locale = self.report, self.report.words
        told = self.shared | {
            "kind": ours(locale("report.brief")),
            "headlines": None,
            "more": ours(locale("report.more")),
            "charts": [self._chart(name) for name in FOR_BRIEF if name in r.charts][:BRIEF_CHARTS],
            "reading": None,
        }
        if "headlines" in r.grids:
            grid = r.grids["headlines"]
            told["headlines"] = {
                "heads": [ours(column.title) for column in grid.columns[:-1]],
                "styles": [column.style for column in grid.columns[:-1]],
                "rows": [[plain(cell) for cell in row[:-1]] for row in grid.rows],
            }
        if "quantiles" in r.grids:
            told["reading"] = {
                "title": ours(locale("report.reading_title")),
                "text": ours(locale("report.reading")),
            }
        return told

    @cached_property
    def whole(self) -> Values:
        """The full report: the first screen, and runs of pages that stand or lie."""
        blocks = [self._settled(block) for block in (*self._differs(), *self._sections())]
        self._unlink(blocks)
        runs: list[Values] = []
        for block in self._turned(blocks):
            if not runs or runs[-1]["flipped"] != block["flipped"]:
                runs.append({"flipped": block["flipped"], "blocks": []})
            runs[-1]["blocks"].append(block)
        return self.shared | {"contents": ours(self.report.words("report.contents")), "runs": runs}

    @cached_property
    def drawings(self) -> dict[str, bytes]:
        """Every chart as SVG without its titles, by the name of its file."""
        return {f"{name}.svg": drawn.encode() for name, drawn in self.report.drawings.items()}

    def _differs(self) -> Iterator[Block | Section]:
        """Why it differs from the headlines, as a section of its own."""
        locale = self.report.words
        if "headlines" in self.report.grids:
            title = locale("report.differs")
            charts = (Picture("headlines"),) if "headlines" in self.report.charts else ()
            blocks = (Text(locale("report.differs_text")), *charts, Table("headlines", title))
            yield Section("headlines", title, blocks)
            yield from blocks

    def _sections(self) -> Iterator[Block | Section]:
        """Every section, each followed by its blocks; the table of a picture follows the picture."""
        for section in self.report.sections:
            yield section
            for block in section.blocks:
                yield block
                if isinstance(block, Picture) and block.table is not None:
                    yield block.table

    def _settled(self, block: Block | Section) -> Values:
        """A block as values."""
        match block:
            case Section():
                marks = {"synthetic": block.synthetic, "hindsight": block.hindsight}
                return {"kind": "section", "text": ours(block.title), **marks}
            case Text():
                return {"kind": "text", "text": data(block.text), "role": block.role}
            case Heading():
                return {"kind": "heading", "text": ours(block.text)}
            case Items():
                return {"kind": "items", "items": [data(item) for item in block.items]}
            case Picture():
                return {"kind": "picture", **self._chart(block.chart)}
            case Table():
                return self._table(block)

    def _chart(self, name: str) -> Values:
        chart = self.report.charts[name]
        return {
            "file": f"{name}.svg",
            "title": data(chart.title),
            "subtitle": data(chart.subtitle),
            "footer": data(chart.footer),
            "alt": data(chart.description),
            "synthetic": self.report.made_up(name),
        }

    def _table(self, table: Table) -> Values:
        grid = self.report.grids[table.grid]
        heads = [ours(column.title) for column in grid.columns]
        rows = [[parts(cell) for cell in row] for row in grid.rows]
        texts = [[plain(cell) for cell in row] for row in grid.rows]
        laid = sheet(heads, [bool(column.style) for column in grid.columns], texts)
        anchors = [self._anchor(str(row[0])) for row in grid.rows] if table.grid in CITED else []
        return {
            "kind": "table",
            "caption": ours(table.caption),
            "synthetic": self.report.marked(table.grid),
            "heads": heads,
            "styles": [column.style for column in grid.columns],
            "rows": rows,
            "anchors": anchors or [""] * len(rows),
            "flipped": laid.setting.flipped,
            "halved": laid.setting.halved,
            "size": laid.setting.size,
            "gap": laid.setting.gap,
            "widths": laid.points,
            "whole": len(rows) * laid.lines <= WHOLE,
        }

    def _anchor(self, fact: str) -> str:
        """The place that links to a fact lead to: its first row."""
        place = f"fact-{fact}"
        if place in self._anchored:
            return ""
        self._anchored.add(place)
        return place

    def _unlink(self, blocks: Sequence[Values]) -> None:
        """A link to a fact that no table lists becomes its text."""
        parts = (part for block in blocks for row in block.get("rows", ()) for cell in row for part in cell)
        for part in parts:
            if part.get("to", "") not in self._anchored:
                part.pop("to", None)

    @staticmethod
    def _turned(blocks: Sequence[Values]) -> Iterator[Values]:
        """Blocks with the pages they stand on: titles and texts go with the table or picture that follows.

        A caption that only says its title again is left out.
        """
        waiting: list[Values] = []
        flipped = False
        for block in blocks:
            if block["kind"] in ("section", "heading", "text", "items"):
                waiting.append(block)
                continue
            titles = [n for n, held in enumerate(waiting) if held["kind"] in ("section", "heading")]
            ended = titles[0] if titles else 0
            if block.get("caption") in [held.get("text") for held in waiting]:
                block["caption"] = ""
            for held in waiting[:ended]:
                yield held | {"flipped": flipped, "sticky": False}
            flipped = block.get("flipped", False)
            for held in waiting[ended:]:
                yield held | {"flipped": flipped, "sticky": True}
            yield block | {"flipped": flipped}
            waiting = []
        for held in waiting:
            yield held | {"flipped": False, "sticky": False}


def _tile(tile: Tile) -> Values:
    return {
        "title": ours(tile.title),
        "figure": ours(tile.figure),
        "likely": data(tile.likely.strip()),
        "note": data(tile.note.removeprefix(tile.likely)),
        "synthetic": tile.synthetic,
    }


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
