"""Write the executive brief and the full report as tagged PDF, typeset by typst.

Every text becomes a string of report.json, which typst never reads as markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

from markupsafe import Markup
from rich.cells import cell_len

from outage_analysis.errors import EnvironmentFailed
from outage_analysis.reports.blocks import (
    Block,
    BulletList,
    ChartBlock,
    Grid,
    GridColumn,
    Heading,
    KeyFigures,
    Section,
    TableBlock,
    Text,
    plain_text,
)
from outage_analysis.reports.report import Report, facts_by_site
from outage_analysis.text import fonts

Values = dict[str, Any]
BRIEF_CHARTS = (
    *("separate_sums", "comparison", "services_by_band", "tornado"),
    *("headlines", "waterfall", "funnel"),
)
"""Charts for the second page of the brief, in order of preference; as many as fit are shown."""
SOURCES = "sources"
"""The table of the facts by the website that published them, which only the PDF has."""
PRINTED_COLUMNS = {
    "services": ("service", "users", "published_count", "expected"),
    "scenarios": (
        *("scenario", "expected", "range_low", "p50", "p75", "range_high"),
        *("over_budget", "change", "recipients", "status"),
    ),
    "controller": ("obligation", "presentation", "line", "best_estimate"),
}
"""Table -> the columns that the PDF prints, in order. Other tables are printed without `OMITTED_COLUMNS`."""
NOT_PRINTED = ("hindsight_tie_outs", "hindsight_outcomes")
OMITTED_COLUMNS = ("kind", "rule", "status", "facts", "assumptions", "approved_by")
MAX_TEXT, MAX_TITLE, MAX_RUNNING_TITLE = 1_500, 200, 60
"""The most characters of a text, of a title, and of the incident's name in the header of a page."""
MAX_WORD, PIECE = 26, 12
"""A word with more characters than `MAX_WORD` may be broken after every `PIECE` characters."""
ZERO_WIDTH_SPACE = "\u200b"
"""Marks a place where a long word may be broken; it is invisible and needs no glyph."""
MAX_UNBROKEN = 800
"""A table of at most this many letters is never split between pages."""
LETTERS_PORTRAIT, LETTERS_LANDSCAPE = 114, 172
"""About how many letters of this size fit side by side on a page."""
LONG_CELL, SPACE = 18, 2
"""Texts with more letters than this are broken into lines; the letters that fit between two columns."""


def write_pdf(report: Report, folder: Path) -> None:
    """Write the two-page executive brief as brief.pdf and the full report as report.pdf.

    Raises:
        EnvironmentFailed: a font is missing, or typst reports an error.
    """
    drawings = {f"{name}.svg": drawing.encode() for name, drawing in report.chart_svgs.items()}
    for name, values in (("brief", brief_values(report)), ("report", report_values(report))):
        (folder / f"{name}.pdf").write_bytes(typeset(name, values, drawings, report.analysis.as_of))


def typeset(template: str, values: Mapping[str, Any], drawings: Mapping[str, bytes], as_of: date) -> bytes:
    """Typeset a template with the values of a report, and return the tagged PDF (PDF/UA-1).

    Typst receives all files in memory.

    Args:
        template: the name of the template, brief or report.
        values: the values of the report, which the template reads as report.json.
        drawings: the SVG charts, by file name.
        as_of: the as-of day, used as the creation date of the PDF (midnight UTC).

    Raises:
        EnvironmentFailed: a font is missing, or typst reports an error.
    """
    import typst

    folder = files("outage_analysis.reports") / "templates"
    sources = {name: (folder / name).read_bytes() for name in ("brief.typ", "report.typ", "style.typ")}
    told = json.dumps(values, ensure_ascii=False, sort_keys=True).encode()
    project: Any = {"main": sources[f"{template}.typ"], **sources, "report.json": told, **drawings}
    try:
        pdf: bytes = typst.compile(
            project,
            root=fonts.folder(),  # typst would otherwise read files in the current folder
            font_paths=fonts.for_typst(),
            format="pdf",
            pdf_standards=["ua-1"],
            timestamp=int(datetime.combine(as_of, time(), UTC).timestamp()),
        )
    except typst.TypstError as error:
        problem = str(error.message).partition("\n")[0]
        raise EnvironmentFailed(f"typst failed: {problem}", file=f"{template}.pdf") from error
    return pdf


def printed(text: str | Markup, most: int = MAX_TEXT) -> str:
    """Return a text in a form that the PDF can print.

    Links and characters without a glyph are replaced, long texts are cut, and long words get points at which
    a line may break.
    """
    plain = plain_text(text)
    plain = plain if len(plain) <= most else plain[:most] + "…"
    long_word, piece = rf"\S{{{MAX_WORD + 1},}}", rf"(\S{{{PIECE}}})(?=\S)"
    return re.sub(long_word, lambda word: re.sub(piece, rf"\1{ZERO_WIDTH_SPACE}", word[0]), plain)


def brief_values(report: Report) -> Values:
    """Return the values for the template of the two-page executive brief."""
    locale, made = report.locale, report.analysis.headline_is_synthetic
    charts = (n for n in BRIEF_CHARTS if n in report.charts and (made or not report.charts[n].synthetic))
    reading = {"title": locale("report.reading_title"), "text": locale("report.reading")}
    return first_page_values(report) | {
        "kind": locale("report.brief"),
        "more": locale("report.more"),
        "charts": [_chart(report, name) for name in charts],
        "reading": reading if "quantiles" in report.grids else None,
    }


def report_values(report: Report) -> Values:
    """Return the values for the template of the full report: the first page, and all other blocks."""
    grids = printed_grids(report)
    blocks = [_values(part, report, grids) for s in printed_sections(report) for part in (s, *s.blocks)]
    titles = "; ".join(s.title for s in report.sections if s.appendix and not s.printed)
    return first_page_values(report) | {
        "contents": report.locale("report.contents"),
        "sums": _chart(report, "separate_sums") if "separate_sums" in report.charts else None,
        "elsewhere": report.locale("report.printed_less", titles=titles) if titles else "",
        "blocks": blocks,
    }


def first_page_values(report: Report) -> Values:
    """Return the values of the first page, which the brief and the full report share."""
    made = report.analysis.headline_is_synthetic
    left_out = [printed(text) for text in report.answers.left_out]
    return {
        "lang": report.lang,
        "title": printed(report.title, MAX_TITLE),
        "kicker": printed(report.kicker),
        "policy": printed(report.policy, MAX_TITLE),
        "running": printed(report.analysis.incident.name[report.lang], MAX_RUNNING_TITLE),
        "warning": printed(report.warning),
        "banner": printed(report.banner) if made else "",
        "badge": report.locale("report.synthetic_badge"),
        "footer": printed(report.footer),
        "groups": [
            {
                "title": title,
                "synthetic": made,
                "blocks": [_values(block, report, report.grids) for block in blocks],
            }
            for section in report.front
            for title, blocks in section.groups
        ],
        "left_out": {"title": report.locale("report.left_out_title"), "items": left_out},
    }


def printed_sections(report: Report) -> list[Section]:
    """Return the sections of the report that are printed, with their printed blocks."""
    made = not report.analysis.headline_is_synthetic  # then print nothing of synthetic rows
    chosen = (s for s in report.sections if s.printed and not (s.synthetic and made))
    return [replace(section, blocks=tuple(_printed_blocks(section, report))) for section in chosen]


def _printed_blocks(section: Section, report: Report) -> Iterator[Block]:
    for number, (title, blocks) in enumerate(section.groups):
        left_out = [x for x in blocks if isinstance(x, TableBlock) and (x.folded or x.grid in NOT_PRINTED)]
        printed_blocks = [
            replace(block, caption="") if isinstance(block, TableBlock) and block.caption == title else block
            for block in blocks
            if block not in left_out
        ]
        yield from [Heading(title)] if number and printed_blocks else []
        yield from printed_blocks
    if section.id == "method" and len(report.analysis.exact_tables["facts"]):
        title = report.locale("report.facts_title")
        yield from (Heading(title), Text(report.locale("report.printed_sources")), TableBlock(SOURCES, ""))


def printed_grids(report: Report) -> dict[str, Grid]:
    """Return the printed tables by name: fewer columns than on the page, and none that is empty."""
    grids = dict(report.grids)
    for name, (frame, columns) in report.views.items():
        if name == "options" or name in report.own_tables:
            continue
        by_name = {column.name: column for column in columns}
        kept = [c for c in by_name if c not in OMITTED_COLUMNS]
        chosen = [by_name[c] for c in PRINTED_COLUMNS.get(name, kept) if c in by_name]
        grid = report.formatter.grid(frame, chosen)
        filled = [n for n in range(len(chosen)) if any(row[n] for row in grid.rows)]
        rows = tuple(tuple(row[n] for n in filled) for row in grid.rows)
        grids[name] = Grid(tuple(grid.columns[n] for n in filled), rows)
    by_site = facts_by_site(report, report.analysis.exact_tables["facts"]["id"])
    listed = {site: dict.fromkeys(id_.partition(".")[0] for id_ in ids) for site, ids in by_site.items()}
    ordered = sorted(listed.items(), key=lambda item: (-len(item[1]), item[0]))
    heads = tuple(GridColumn(report.locale(f"column.{name}"), "") for name in ("source", "facts"))
    return grids | {SOURCES: Grid(heads, tuple((site, ", ".join(ids)) for site, ids in ordered))}


def _values(block: Block | Section, report: Report, grids: Mapping[str, Grid]) -> Values:
    match block:
        case Section():
            marks = {"synthetic": block.synthetic, "hindsight": block.hindsight}
            return {"kind": "section", "text": printed(block.title), **marks}
        case Text():
            return {"kind": "text", "text": printed(block.text), "role": block.role}
        case Heading():
            return {"kind": "heading", "text": printed(block.text)}
        case BulletList():
            return {"kind": "items", "items": [printed(item) for item in block.items]}
        case KeyFigures():
            return {"kind": "figures", "figures": [list(map(printed, figure)) for figure in block.figures]}
        case ChartBlock():
            return {"kind": "picture", **_chart(report, block.chart)}
        case TableBlock():
            return {
                "kind": "table",
                "synthetic": report.table_is_synthetic(block.grid),
                "caption": printed(block.caption),
                **table_values(grids[block.grid]),
            }


def _chart(report: Report, name: str) -> Values:
    chart = report.charts[name]
    return {
        "file": f"{name}.svg",
        "title": printed(chart.title),
        "subtitle": printed(chart.subtitle),
        "footer": printed(chart.footer),
        "alt": printed(chart.description),
        "synthetic": chart.synthetic,
    }


def table_values(grid: Grid) -> Values:
    """Return a table with the size of its letters, its orientation and the shares of its columns."""
    heads = [printed(column.title) for column in grid.columns]
    rows = [[printed(cell) for cell in row] for row in grid.rows]
    styles = [column.style for column in grid.columns]
    columns = list(zip(styles, heads, *rows, strict=True))
    # Figures and all words stay whole; long texts are broken into lines.
    widths = [
        SPACE + max(_longest_word(head), *(_least(style, cell) for cell in cells))
        for style, head, *cells in columns
    ]
    needed = sum(widths)
    # A table gets a page in landscape only if its letters would else be smaller than 80 % of 8 points.
    flipped = needed * 0.8 > LETTERS_PORTRAIT
    page = LETTERS_LANDSCAPE if flipped else LETTERS_PORTRAIT
    # Long texts share the width that is left.
    prose = [
        sum(cell_len(cell) for cell in cells if cell_len(cell) > _least(style, cell))
        for style, _, *cells in columns
    ]
    left = max(page - needed, 0) / max(sum(prose), 1)
    return {
        "styles": styles,
        "heads": heads,
        "rows": rows,
        "flipped": flipped,
        "size": round(8.0 * min(1.0, page / needed), 1),
        "widths": [width + left * x for width, x in zip(widths, prose, strict=True)],
        "full": any(prose) or needed > page,
        "keep_together": sum(map(cell_len, chain(*rows))) <= MAX_UNBROKEN,
    }


def _least(style: str, cell: str) -> int:
    """Return the least width of a column with this cell, in letters."""
    # An id such as TM-EU261-BEUC is wider than other words.
    wide = 0 if " " in cell else sum(map(str.isupper, cell)) // 3
    return cell_len(cell) if style else max(min(cell_len(cell), LONG_CELL), _longest_word(cell)) + wide


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.replace(ZERO_WIDTH_SPACE, " ").split()), default=0)
