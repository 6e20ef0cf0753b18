"""Tables as files: CSV for people and sheets, Parquet for machines."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import polars as pl

from outage_analysis.charts import png, titled
from outage_analysis.errors import UsageError
from outage_analysis.files import file_in_place
from outage_analysis.reports.report import Report

FORMULA_STARTS = r"^[=+\-@\t\r]"


def write_table(frame: pl.DataFrame, path: Path, *, bom: bool = False) -> None:
    """One frame as .csv or .parquet, to a temporary name and then renamed.

    In a CSV, text that a spreadsheet would run as a formula gets a leading apostrophe; `bom` puts a byte
    order mark before it, which Korean Excel needs to read UTF-8.

    Raises:
        UsageError: another suffix.
        EnvironmentFailed: the file cannot be written.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise UsageError("is neither .csv nor .parquet", file=path.name)
    with file_in_place(path) as part:
        if path.suffix == ".csv":
            texts = [n for n, t in frame.schema.items() if t == pl.String or isinstance(t, pl.Enum)]
            frame.with_columns(_harmless(name) for name in texts).write_csv(part, include_bom=bom)
        else:
            held = BytesIO()  # the engine calls a full disk a fault of the format
            frame.write_parquet(held, compression="zstd")
            part.write_bytes(held.getvalue())


def _harmless(name: str) -> pl.Expr:
    text = pl.col(name).cast(pl.String)
    return pl.when(text.str.contains(FORMULA_STARTS)).then("'" + text).otherwise(text).alias(name)


def write_csv(report: Report, folder: Path) -> None:
    """Every table as tables/<name>.csv; names and figures are the same in every language."""
    _write_all(report, folder, "csv")


def write_parquet(report: Report, folder: Path) -> None:
    """Every table as tables/<name>.parquet."""
    _write_all(report, folder, "parquet")


def _write_all(report: Report, folder: Path, suffix: str) -> None:
    target = folder / "tables"
    target.mkdir(exist_ok=True)
    for name, frame in report.analysis.tables.items():
        stem = f"{name}-synthetic" if report.analysis.needs_synthetic_mark(name) else name
        write_table(frame, target / f"{stem}.{suffix}", bom=report.bom)


def write_svg(report: Report, folder: Path) -> None:
    """Every chart as charts/<name>.svg, with its title and its sources."""
    for stem, drawn in _drawings(report, folder):
        stem.with_suffix(".svg").write_text(drawn, "utf-8")


def write_png(report: Report, folder: Path) -> None:
    """Every chart as charts/<name>.png, the same drawing."""
    for stem, drawn in _drawings(report, folder):
        stem.with_suffix(".png").write_bytes(png(drawn))


def _drawings(report: Report, folder: Path) -> list[tuple[Path, str]]:
    """Where each chart goes, but for its suffix, and its drawing with title and sources."""
    target = folder / "charts"
    target.mkdir(exist_ok=True)
    return [
        (
            target / f"{name}{'-synthetic' if report.made_up(name) else ''}",
            titled(report.drawings[name], chart.title, chart.subtitle, chart.footer, chart.description),
        )
        for name, chart in report.charts.items()
    ]
