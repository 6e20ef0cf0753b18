"""Write report.md: the report without its appendices, for a pull request or a wiki."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from outage_analysis.reports.blocks import Block, BulletList, Heading, KeyFigures, Section, TableBlock, Text
from outage_analysis.reports.grids import Grid
from outage_analysis.reports.report import Report

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_LIST_MARK = re.compile(r"^[-+=](?= |$)")


def write_markdown(report: Report, folder: Path) -> None:
    """Write report.md; it shows the charts if the report has their SVG files."""
    sections = [*report.front, *(section for section in report.sections if not section.appendix)]
    parts = [f"# {_text(report.title)}", *map(_text, (report.kicker, report.policy, report.warning))]
    parts += [_text(report.banner)] if report.analysis.headline_is_synthetic else []
    for section in sections:
        parts += _section(section, report, folder)
    parts += [_text(report.locale("report.markdown_rest")), "---", _text(report.footer)]
    (folder / "report.md").write_text("\n\n".join(filter(None, parts)) + "\n", "utf-8")


def _section(section: Section, report: Report, folder: Path) -> Iterator[str]:
    badge = f" ({report.locale('report.synthetic_badge')})" if section.synthetic else ""
    yield f"## {_text(section.title)}{badge}"
    for block in section.blocks:
        yield from _block(block, report, folder)


def _block(block: Block, report: Report, folder: Path) -> Iterator[str]:
    if isinstance(block, Text):
        yield _text(block.text) if block.role == "plain" else f"**{_text(block.text)}**"
    elif isinstance(block, Heading):
        yield f"### {_text(block.text)}"
    elif isinstance(block, BulletList | KeyFigures):
        yield "\n".join(f"- {_text(item)}" for item in block.items)
    elif isinstance(block, TableBlock):
        yield _table(report.grids[block.grid])
    else:
        chart = report.charts[block.chart]
        yield f"**{_text(chart.title)}** {_text(chart.subtitle)}"
        drawn = sorted((folder / "charts").glob(f"{block.chart}*.svg"))
        names = {block.chart, f"{block.chart}-synthetic"}
        yield from (f"![{_text(chart.description)}](charts/{p.name})" for p in drawn if p.stem in names)
        if block.table:
            yield _table(report.grids[block.table.grid])


def _table(grid: Grid) -> str:
    heads = " | ".join(_text(column.title) for column in grid.columns)
    rule = " | ".join("--:" if column.style == "n" else "---" for column in grid.columns)
    rows = (" | ".join(map(_text, row)) for row in grid.rows)
    return "\n".join(f"| {line} |" for line in (heads, rule, *rows))


def _text(text: str) -> str:
    """Return a text on one line, in which nothing is markup."""
    plain = text.striptags() if isinstance(text, Markup) else text
    return _LIST_MARK.sub(r"\\\g<0>", _SPECIAL.sub(r"\\\1", " ".join(plain.split())))
