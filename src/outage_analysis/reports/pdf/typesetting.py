"""Write the executive brief and the full report as tagged PDF, typeset by typst.

Every text becomes a string, which typst never reads as markup, and contains only characters that the
fonts have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

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
from outage_analysis.reports.pdf.selection import PrintedReport
from outage_analysis.reports.pdf.texts import external_text, own_text, plain_text, truncate
from outage_analysis.reports.report import Report
from outage_analysis.text import fonts

TEMPLATES = ("brief.typ", "report.typ", "style.typ")


def write_pdf(report: Report, folder: Path) -> None:
    """Write the two-page executive brief as brief.pdf and the full report as report.pdf.

    Raises:
        EnvironmentFailed: a font is missing or lacks a character, or typst reports an error.
    """
    pages, as_of = PdfContent(report), report.analysis.as_of
    (folder / "brief.pdf").write_bytes(typeset("brief", pages.brief, pages.chart_files, as_of))
    (folder / "report.pdf").write_bytes(typeset("report", pages.full_report, pages.chart_files, as_of))


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

    project = _project(template, values, drawings)
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


def _project(template: str, values: Mapping[str, Any], drawings: Mapping[str, bytes]) -> Any:  # noqa: ANN401
    """Return the files of a document for typst. Its result is `Any` because of the type hints of typst."""
    templates = files("outage_analysis.reports") / "templates"
    sources = {name: (templates / name).read_bytes() for name in TEMPLATES}
    data_files = {"report.json": json.dumps(values, ensure_ascii=False, sort_keys=True).encode(), **drawings}
    return {"main": sources[f"{template}.typ"], **sources, **data_files}


def _end_of_text(
    template: str, values: Mapping[str, Any], drawings: Mapping[str, bytes]
) -> tuple[int, float]:
    import typst

    try:
        answer = typst.query(
            _project(template, values, drawings),
            "<end>",
            field="value",
            one=True,
            root=fonts.folder(),
            font_paths=[fonts.folder()],
            ignore_system_fonts=True,
        )
    except typst.TypstError as error:
        problem = str(error.message).partition("\n")[0]
        raise EnvironmentFailed(f"typst failed: {problem}", file=f"{template}.pdf") from error
    position = json.loads(answer)
    return int(position["page"]), float(position["y"].removesuffix("pt"))


Values = dict[str, Any]
SETTINGS_OF_SIZE = ((1.0, 1.0), (1.0, 0.9), (1.0, 0.8), (1.0, 0.75), (0.97, 0.8), (0.94, 0.8), (0.91, 0.8))
"""Sizes of the text and of the charts in the full report, relative to their normal size."""
LEAST_LAST_PAGE = 260.0
"""A last page is nearly empty if its text ends above this height, in points from the top (of 842)."""
MAX_UNBROKEN_LINES = 20
"""A table of at most this many lines of text is never split between pages."""
MAX_TITLE_LENGTH, MAX_RUNNING_TITLE = 200, 60
"""The most characters of a title, and of the incident's name in the header of a page."""
BRIEF_CHARTS = (
    "separate_sums",
    "comparison",
    "services_by_band",
    "tornado",
    "headlines",
    "waterfall",
    "funnel",
    "band_distribution",
)
"""Charts for the second page of the brief, in order of preference; as many as fit are shown."""
FIRST_CHART = "total_distribution"
"""The chart of the first page."""


@dataclass(frozen=True)
class PdfContent:
    """The values of a report that the typst templates read."""

    report: Report

    @cached_property
    def printed(self) -> PrintedReport:
        """The sections and tables of the full report."""
        return PrintedReport(self.report)

    @property
    def common_values(self) -> Values:
        """Values for the typst templates of both the brief and the full report: first screen and labels."""
        report, locale = self.report, self.report.locale
        sentences, is_synthetic = report.answers, report.analysis.headline_is_synthetic
        answers = (
            ("drives", "drives", sentences.drives, is_synthetic),
            ("narrows", "narrows", sentences.narrows, is_synthetic),
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
            "banner": own_text(report.banner) if is_synthetic else "",
            "badge": own_text(locale("report.synthetic_badge")),
            "footer": external_text(report.footer),
            "headline": [external_text(sentence) for sentence in sentences.headline],
            "dots": self._chart(FIRST_CHART) if FIRST_CHART in report.charts else None,
            # Without a distribution there are no sentences, and key figures take their place.
            "tiles": [] if sentences.headline else [_tile_values(tile) for tile in report.tiles],
            "options": self._options(),
            "reserve": {
                "title": own_text(sentences.reserve_title),
                "rows": [[own_text(measure), own_text(amount)] for measure, amount in sentences.reserve],
                "note": external_text(sentences.reserve_note),
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

    def _options(self) -> Values | None:
        grid = self.report.options
        if grid is None:
            return None
        return {
            "styles": [column.style for column in grid.columns],
            "heads": [external_text(column.title) for column in grid.columns],
            "rows": [[external_text(str(cell)) for cell in row] for row in grid.rows],
        }

    @cached_property
    def brief(self) -> Values:
        """Values for the typst template of the two-page executive brief."""
        report, locale = self.report, self.report.locale
        values = self.common_values | {
            "kind": own_text(locale("report.brief")),
            "more": own_text(locale("report.more")),
            "charts": [self._chart(name) for name in BRIEF_CHARTS if self._in_brief(name)],
            "reading": None,
        }
        if "quantiles" in report.grids:
            values["reading"] = {
                "title": own_text(locale("report.reading_title")),
                "text": own_text(locale("report.reading")),
            }
        return values

    @cached_property
    def full_report(self) -> Values:
        """Values for the template of the full report. Smaller if the last page were nearly empty."""
        content, closest = self._content, (10**6, self._content)
        for density, chart_width in SETTINGS_OF_SIZE:
            values = content | {"density": density, "chart_width": chart_width}
            page, height = _end_of_text("report", values, self.chart_files)
            if height >= LEAST_LAST_PAGE:
                return values
            closest = (page, values) if page < closest[0] else closest
        return closest[1]

    @property
    def _content(self) -> Values:
        """The first screen, and the content grouped by page orientation."""
        report = self.report
        runs: list[Values] = []
        for block in self._with_orientation(list(map(self._block_values, self._sections_with_blocks()))):
            if not runs or runs[-1]["flipped"] != block["flipped"]:
                runs.append({"flipped": block["flipped"], "blocks": []})
            runs[-1]["blocks"].append(block)
        titles = "; ".join(self.printed.left_to_the_page)
        return self.common_values | {
            "contents": own_text(report.locale("report.contents")),
            "sums": self._chart("separate_sums") if "separate_sums" in report.charts else None,
            "elsewhere": own_text(report.locale("report.printed_less", titles=titles)) if titles else "",
            "runs": runs,
        }

    @cached_property
    def chart_files(self) -> dict[str, bytes]:
        """All charts of the report as SVG without titles, by file name."""
        return {f"{name}.svg": chart_svg.encode() for name, chart_svg in self.report.chart_svgs.items()}

    def _sections_with_blocks(self) -> Iterator[Block | Section]:
        for section in self.printed.sections:
            yield section
            yield from section.blocks

    def _block_values(self, block: Block | Section) -> Values:
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

    def _in_brief(self, chart: str) -> bool:
        report = self.report
        return chart in report.charts and (
            report.analysis.headline_is_synthetic or not report.chart_is_synthetic(chart)
        )

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
        grid = self.printed.grids[table.grid]
        heads = [own_text(column.title) for column in grid.columns]
        rows = [[plain_text(cell) for cell in row] for row in grid.rows]
        layout = table_layout(heads, [bool(column.style) for column in grid.columns], rows)
        return {
            "kind": "table",
            "caption": own_text(table.caption),
            "synthetic": self.report.table_is_synthetic(table.grid),
            "heads": heads,
            "styles": [column.style for column in grid.columns],
            "rows": rows,
            "flipped": layout.setting.flipped,
            "halved": layout.setting.halved,
            "size": layout.setting.size,
            "gap": layout.setting.gap,
            "widths": layout.points,
            "keep_together": len(rows) * layout.mean_lines <= MAX_UNBROKEN_LINES,
        }

    @staticmethod
    def _with_orientation(blocks: Sequence[Values]) -> Iterator[Values]:
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
