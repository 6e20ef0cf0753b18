"""Write the executive brief and the full report as tagged PDF, typeset by typst.

Every text becomes a string, which typst never reads as markup, and contains only characters that the
fonts have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import cached_property
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from outage_analysis.errors import EnvironmentFailed
from outage_analysis.reports.blocks import (
    Block,
    BulletList,
    ChartBlock,
    Heading,
    Section,
    TableBlock,
    Text,
    Tile,
)
from outage_analysis.reports.pdf.column_widths import add_break_points, table_layout
from outage_analysis.reports.report import Report
from outage_analysis.text import fonts

TEMPLATES = ("brief.typ", "report.typ", "style.typ")


def write_pdf(report: Report, folder: Path) -> None:
    """Write the two-page executive brief as brief.pdf and the full report as report.pdf.

    Raises:
        EnvironmentFailed: a font is missing or lacks a character, or typst reports an error.
    """
    pages, as_of = PdfContent(report), report.analysis.as_of
    for name, values in (("brief", pages.brief), ("report", pages.full_report)):
        (folder / f"{name}.pdf").write_bytes(typeset(name, values, pages.chart_files, as_of))


def typeset(template: str, values: Mapping[str, Any], drawings: Mapping[str, bytes], as_of: date) -> bytes:
    """Typeset a template with the values of a report, and return the tagged PDF (PDF/UA-1).

    Typst receives all files in memory. The values are passed as JSON, so typst never reads them as markup.

    Args:
        template: the name of the template, brief or report.
        values: the values of the report, which the template reads as report.json.
        drawings: the SVG charts, by file name.
        as_of: the as-of day, used as the creation date of the PDF (midnight UTC).

    Raises:
        EnvironmentFailed: a font is missing, or typst reports an error.
    """
    import typst

    templates = files("outage_analysis.reports") / "templates"
    sources = {name: (templates / name).read_bytes() for name in TEMPLATES}
    data_files = {"report.json": json.dumps(values, ensure_ascii=False, sort_keys=True).encode(), **drawings}
    # Any: the type hints of typst do not describe this dictionary of files exactly.
    project: Any = {"main": sources[f"{template}.typ"], **sources, **data_files}
    try:
        pdf: bytes = typst.compile(
            project,
            root=fonts.folder(),  # typst would otherwise read files in the current folder
            font_paths=[fonts.folder()],
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=["ua-1"],
            timestamp=int(datetime.combine(as_of, time(), UTC).timestamp()),
        )
    except typst.TypstError as error:
        problem = str(error.message).partition("\n")[0]
        raise EnvironmentFailed(f"typst failed: {problem}", file=f"{template}.pdf") from error
    return pdf


Values = dict[str, Any]
MAX_UNBROKEN_LINES = 20
"""A table of at most this many lines of text is never split between pages."""
MAX_TITLE_LENGTH, MAX_RUNNING_TITLE = 200, 60
"""The most characters of a title, and of the incident's name in the header of a page."""
FACT_TABLES = ("facts", "hindsight_outcomes")
"""Tables whose rows are facts; fact ids in other tables link to these rows."""
BRIEF_CHART_NAMES = (
    "total_distribution",
    "waterfall",
    "comparison",
    "tornado",
    "headlines",
    "funnel",
    "band_distribution",
)
"""Charts for the executive brief in order of preference; the brief shows the first three that exist."""
MAX_BRIEF_CHARTS = 3


@dataclass(frozen=True)
class PdfContent:
    """The values of a report that the typst templates read."""

    report: Report
    _anchored: set[str] = field(default_factory=set, repr=False)

    @property
    def common_values(self) -> Values:
        """Values for the typst templates of both the brief and the full report: first screen and labels."""
        report, locale = self.report, self.report.locale
        sentences, is_synthetic = report.answers, report.analysis.headline_is_synthetic
        answers = (
            ("drives", "drives", sentences.drives, is_synthetic),
            ("decide", "decide", sentences.decide, is_synthetic),
            ("left_out", "left_out_title", sentences.left_out, False),
        )
        return {
            "lang": report.lang,
            "title": add_break_points(truncate(fonts.printable(report.title), MAX_TITLE_LENGTH)),
            "kicker": own_text(report.kicker),
            "policy": add_break_points(truncate(fonts.printable(report.policy), MAX_TITLE_LENGTH)),
            "running": truncate(external_text(report.analysis.incident.name[report.lang]), MAX_RUNNING_TITLE),
            "warning": own_text(report.warning),
            "banner": own_text(report.banner),
            "badge": own_text(locale("report.synthetic_badge")),
            "footer": external_text(report.footer),
            "tiles": [_tile_values(tile) for tile in report.tiles],
            "differs": {
                "title": own_text(locale("report.differs")),
                "text": own_text(locale("report.differs_text")),
            },
            **{
                name: {
                    "title": own_text(locale(f"report.{key}")),
                    "texts": [external_text(text) for text in texts],
                    "synthetic": badge,
                }
                for name, key, texts, badge in answers
            },
        }

    @cached_property
    def brief(self) -> Values:
        """Values for the typst template of the two-page executive brief."""
        report, locale = self.report, self.report.locale
        values = self.common_values | {
            "kind": own_text(locale("report.brief")),
            "headlines": None,
            "more": own_text(locale("report.more")),
            "charts": [self._chart(name) for name in BRIEF_CHART_NAMES if name in report.charts][
                :MAX_BRIEF_CHARTS
            ],
            "reading": None,
        }
        if "headlines" in report.grids:
            grid = report.grids["headlines"]
            values["headlines"] = {
                "heads": [own_text(column.title) for column in grid.columns[:-1]],
                "styles": [column.style for column in grid.columns[:-1]],
                "rows": [[plain_text(cell) for cell in row[:-1]] for row in grid.rows],
            }
        if "quantiles" in report.grids:
            values["reading"] = {
                "title": own_text(locale("report.reading_title")),
                "text": own_text(locale("report.reading")),
            }
        return values

    @cached_property
    def full_report(self) -> Values:
        """Values for the typst template of the full report: first screen, and content by page orientation."""
        blocks = [self._block_values(block) for block in self._sections_with_blocks()]
        self._remove_dead_links(blocks)
        runs: list[Values] = []
        for block in self._with_orientation(blocks):
            if not runs or runs[-1]["flipped"] != block["flipped"]:
                runs.append({"flipped": block["flipped"], "blocks": []})
            runs[-1]["blocks"].append(block)
        return self.common_values | {
            "contents": own_text(self.report.locale("report.contents")),
            "runs": runs,
        }

    @cached_property
    def chart_files(self) -> dict[str, bytes]:
        """All charts of the report as SVG without titles, by file name."""
        return {f"{name}.svg": chart_svg.encode() for name, chart_svg in self.report.chart_svgs.items()}

    def _sections_with_blocks(self) -> Iterator[Block | Section]:
        """Yield every report section, then its texts, tables and charts; a chart precedes its table."""
        for section in self.report.sections:
            yield section
            for block in section.blocks:
                yield block
                if isinstance(block, ChartBlock) and block.table is not None:
                    yield block.table

    def _block_values(self, block: Block | Section) -> Values:
        """Return a block of the report (such as a text or a table) as plain values for the template."""
        match block:
            case Section():
                marks = {"synthetic": block.synthetic, "hindsight": block.hindsight}
                return {"kind": "section", "text": own_text(block.title), **marks}
            case Text():
                return {"kind": "text", "text": external_text(block.text), "role": block.role}
            case Heading():
                return {"kind": "heading", "text": own_text(block.text)}
            case BulletList():
                return {"kind": "items", "items": [external_text(item) for item in block.items]}
            case ChartBlock():
                return {"kind": "picture", **self._chart(block.chart)}
            case TableBlock():
                return self._table(block)

    def _chart(self, name: str) -> Values:
        chart = self.report.charts[name]
        return {
            "file": f"{name}.svg",
            "title": external_text(chart.title),
            "subtitle": external_text(chart.subtitle),
            "footer": external_text(chart.footer),
            "alt": external_text(chart.description),
            "synthetic": self.report.chart_is_synthetic(name),
        }

    def _table(self, table: TableBlock) -> Values:
        grid = self.report.grids[table.grid]
        heads = [own_text(column.title) for column in grid.columns]
        rows = [[cell_parts(cell) for cell in row] for row in grid.rows]
        texts = [[plain_text(cell) for cell in row] for row in grid.rows]
        layout = table_layout(heads, [bool(column.style) for column in grid.columns], texts)
        anchors = [self._anchor(str(row[0])) for row in grid.rows] if table.grid in FACT_TABLES else []
        return {
            "kind": "table",
            "caption": own_text(table.caption),
            "synthetic": self.report.table_is_synthetic(table.grid),
            "heads": heads,
            "styles": [column.style for column in grid.columns],
            "rows": rows,
            "anchors": anchors or [""] * len(rows),
            "flipped": layout.setting.flipped,
            "halved": layout.setting.halved,
            "size": layout.setting.size,
            "gap": layout.setting.gap,
            "widths": layout.points,
            "keep_together": len(rows) * layout.mean_lines <= MAX_UNBROKEN_LINES,
        }

    def _anchor(self, fact: str) -> str:
        """Return the link target for a row that lists a fact; empty if an earlier row lists the same fact."""
        place = f"fact-{fact}"
        if place in self._anchored:
            return ""
        self._anchored.add(place)
        return place

    def _remove_dead_links(self, blocks: Sequence[Values]) -> None:
        """Turn links to facts into plain text if no table of the report lists the fact."""
        parts = (part for block in blocks for row in block.get("rows", ()) for cell in row for part in cell)
        for part in parts:
            if part.get("to", "") not in self._anchored:
                part.pop("to", None)

    @staticmethod
    def _with_orientation(blocks: Sequence[Values]) -> Iterator[Values]:
        """Yield texts, tables and charts, each with its page orientation (portrait or landscape).

        Headings and texts take the orientation of the next table or chart.

        Captions that only repeat the heading above them are removed.
        """
        waiting: list[Values] = []
        flipped = False
        for block in blocks:
            if block["kind"] in ("section", "heading", "text", "items"):
                waiting.append(block)
                continue
            titles = [
                n
                for n, waiting_block in enumerate(waiting)
                if waiting_block["kind"] in ("section", "heading")
            ]
            first_heading = titles[0] if titles else 0
            if block.get("caption") in [waiting_block.get("text") for waiting_block in waiting]:
                block["caption"] = ""
            for waiting_block in waiting[:first_heading]:
                yield waiting_block | {"flipped": flipped, "sticky": False}
            flipped = block.get("flipped", False)
            for waiting_block in waiting[first_heading:]:
                yield waiting_block | {"flipped": flipped, "sticky": True}
            yield block | {"flipped": flipped}
            waiting = []
        for waiting_block in waiting:
            yield waiting_block | {"flipped": False, "sticky": False}


def _tile_values(tile: Tile) -> Values:
    return {
        "title": own_text(tile.title),
        "figure": own_text(tile.figure),
        "likely": external_text(tile.likely.strip()),
        "note": external_text(tile.note.removeprefix(tile.likely)),
        "synthetic": tile.synthetic,
    }


MAX_TEXT_LENGTH = 1_500
"""The most characters of an input text; longer texts are cut."""


class _LinkParser(HTMLParser):
    """Splits the HTML of a table cell into texts with their links."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[dict[str, str]] = []
        self._leads: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the target of a link that starts here, if the target is a fact or a web address."""
        address = dict(attrs).get("href") or ""
        if tag == "a" and address.startswith("#"):
            self._leads = {"to": address[1:]}
        elif tag == "a" and urlsplit(address).scheme in ("http", "https"):
            self._leads = {"url": address}

    def handle_endtag(self, tag: str) -> None:
        """Forget the current link target at the end of a link."""
        if tag == "a":
            self._leads = {}

    def handle_data(self, text: str) -> None:
        """Add a text, with the current link target if the text is inside a link."""
        self.parts.append({"text": external_text(text), **self._leads})


def cell_parts(cell: str | Markup) -> list[dict[str, str]]:
    """Return a table cell as texts with link targets: `to` within the document, `url` on the web."""
    if not isinstance(cell, Markup):
        return [{"text": external_text(cell)}]
    reader = _LinkParser()
    reader.feed(str(cell))
    reader.close()
    return reader.parts


def plain_text(cell: str | Markup) -> str:
    """Return the text of a table cell without its links."""
    return "".join(part["text"] for part in cell_parts(cell))


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
