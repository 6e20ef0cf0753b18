"""Write tables as CSV and Parquet, and charts as SVG and PNG."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import polars as pl

from outage_analysis.errors import UsageError
from outage_analysis.files import atomic_file
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


def write_csv(report: Report, folder: Path) -> None:
    """Write every table of the analysis as tables/<name>.csv; the content does not depend on the language."""
    _write_tables(report, folder, "csv")


def write_parquet(report: Report, folder: Path) -> None:
    """Write every table of the analysis as tables/<name>.parquet."""
    _write_tables(report, folder, "parquet")


def _write_tables(report: Report, folder: Path, suffix: str) -> None:
    target = folder / "tables"
    target.mkdir(exist_ok=True)
    tables = report.analysis.tables
    for name, (frame, _) in report.own_tables.items():
        write_table(frame, target / f"{name}.{suffix}", bom=report.bom)
    for name, frame in tables.items():
        stem = f"{name}-synthetic" if report.analysis.needs_synthetic_mark(name) else name
        write_table(frame, target / f"{stem}.{suffix}", schema=tables.schema(name), bom=report.bom)


def write_svg(report: Report, folder: Path) -> None:
    """Write every chart of the report as charts/<name>.svg, with its title and sources."""
    for name, drawing in report.titled_svgs.items():
        _chart_file(report, folder, f"{name}.svg").write_text(drawing, "utf-8")


def write_png(report: Report, folder: Path) -> None:
    """Write every chart of the report as charts/<name>.png, rendered from the SVG."""
    for name, picture in report.pictures.items():
        _chart_file(report, folder, f"{name}.png").write_bytes(picture)


def _chart_file(report: Report, folder: Path, file: str) -> Path:
    name, _, suffix = file.rpartition(".")
    (folder / "charts").mkdir(exist_ok=True)
    return folder / "charts" / f"{name}{'-synthetic' if report.chart_is_synthetic(name) else ''}.{suffix}"
