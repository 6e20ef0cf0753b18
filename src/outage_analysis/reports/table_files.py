"""Write CSV, Parquet, SVG, PNG and Markdown files, and zip archives with the same bytes everywhere."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import polars as pl

from outage_analysis.errors import UsageError
from outage_analysis.files import atomic_file
from outage_analysis.reports.blocks import (
    Block,
    BulletList,
    Grid,
    Heading,
    KeyFigures,
    TableBlock,
    Text,
    plain_text,
)
from outage_analysis.reports.report import Report
from outage_analysis.text import TableSchema, escape_formulas


def write_table(
    frame: pl.DataFrame, path: Path, *, schema: TableSchema | None = None, bom: bool = False
) -> None:
    """Write a data frame as a .csv or .parquet file, atomically: to a temporary file that is then renamed.

    In a CSV file, a text that a spreadsheet would run as a formula gets a leading apostrophe. `bom` adds a
    byte order mark, which Korean Excel needs to read UTF-8. With a schema, a Parquet file has the metadata
    `row` (what one row is) and `columns` (unit and description of each column, as JSON).

    Raises:
        UsageError: the suffix of the path is neither .csv nor .parquet.
        EnvironmentFailed: the file cannot be written.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise UsageError("is neither .csv nor .parquet", file=path.name)
    with atomic_file(path) as part:
        if path.suffix == ".csv":
            escape_formulas(frame).write_csv(part, include_bom=bom)
        else:
            # If Polars wrote to the disk itself, it would report a full disk as a format error.
            buffer = BytesIO()
            metadata = schema.metadata() if schema else None
            frame.write_parquet(buffer, compression="zstd", metadata=metadata)
            part.write_bytes(buffer.getvalue())


def write_tables(report: Report, folder: Path, *, suffix: str) -> None:
    """Write every table as tables/<name>.csv or .parquet; the content does not depend on the language."""
    target = folder / "tables"
    target.mkdir(exist_ok=True)
    tables = report.analysis.tables
    for name, (frame, _) in report.own_tables.items():
        write_table(frame, target / f"{name}.{suffix}", bom=report.bom)
    for name, frame in tables.items():
        stem = f"{name}-synthetic" if report.analysis.needs_synthetic_mark(name) else name
        write_table(frame, target / f"{stem}.{suffix}", schema=tables.schema(name), bom=report.bom)


def write_charts(report: Report, folder: Path, *, suffix: str) -> None:
    """Write every chart as charts/<name>.svg or .png, with its title and sources."""
    svgs = {name: drawing.encode() for name, drawing in report.titled_svgs.items()}
    for name, data in (svgs if suffix == "svg" else report.pictures).items():
        (folder / "charts").mkdir(exist_ok=True)
        mark = "-synthetic" if report.chart_is_synthetic(name) else ""
        (folder / "charts" / f"{name}{mark}.{suffix}").write_bytes(data)


def write_markdown(report: Report, folder: Path) -> None:
    """Write report.md; it shows the charts if the report has their SVG files."""
    sections = [*report.front, *(section for section in report.sections if not section.appendix)]
    parts = [f"# {_text(report.title)}", *map(_text, (report.kicker, report.policy, report.warning))]
    parts += [_text(report.banner)] if report.analysis.headline_is_synthetic else []
    for section in sections:
        badge = f" ({report.locale('report.synthetic_badge')})" if section.synthetic else ""
        parts.append(f"## {_text(section.title)}{badge}")
        parts += (text for block in section.blocks for text in _block(block, report, folder))
    parts += [_text(report.locale("report.markdown_rest")), "---", _text(report.footer)]
    (folder / "report.md").write_text("\n\n".join(filter(None, parts)) + "\n", "utf-8")


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
    escaped = re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", " ".join(plain_text(text).split()))
    return re.sub(r"^[-+=](?= |$)", r"\\\g<0>", escaped)  # a mark of a list or of a heading


def repack(data: bytes) -> bytes:
    """Return a zip archive with the same files, sorted by name, without compression and with a fixed date.

    The bytes do not depend on the time, the operating system or the version of zlib.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as new:
        for name in sorted(old.namelist()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # the earliest date that zip can store
            # Files are marked as created on Unix (3). Otherwise, archives from Windows would differ.
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            new.writestr(entry, old.read(name))
    return buffer.getvalue()
