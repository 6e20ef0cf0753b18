"""Complaint files, and the place of each reject in the bytes of its file."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from outage_analysis.claims import Claims

WHOLE = "loss is an amount that can be read, below 10^15"
MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def record(cells: Sequence[str], delimiter: str = ",", end: str = "\n", **options: Any) -> str:  # noqa: ANN401 - those of csv
    """Cells as one record, as Python's csv module writes it."""
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator=end, **options).writerow(cells)
    return stream.getvalue()


def encoded(text: str, encoding: str) -> bytes:
    """A text in an encoding, UTF-16 with the mark that says in which order its bytes come."""
    marks = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
    return marks.get(encoding, b"") + text.encode(encoding)


def write_frame(path: Path, frame: pl.DataFrame, *, separator: str = ",") -> Path:
    """A frame as a file in the format of the suffix of a path."""
    if path.suffix == ".xlsx":
        frame.write_excel(path)
    elif path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix in (".jsonl", ".ndjson"):
        frame.write_ndjson(path)
    else:
        frame.write_csv(path, separator=separator)
    return path


def found_in_the_bytes(claims: Claims, paths: Sequence[Path]) -> int:
    """Each reject's text stands in its file at the byte that it names, and is a whole record there.

    Returns how many were looked up, so that a test can say that there were any.
    """
    looked_up = 0
    for file, path in zip(claims.inputs, paths, strict=True):
        rejects = claims.rejected_rows.filter(pl.col("source_file") == file.name).sort("source_row")
        content = path.read_bytes()
        order = "utf-16-be" if content.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"
        codec = order if file.encoding == "utf-16" else file.encoding.removesuffix("-sig")
        ends = tuple(end.encode(codec) for end in "\r\n")
        after = 0
        for at, raw in rejects.select("byte", "raw").iter_rows():
            text = raw.encode(codec)
            assert at >= after, f"{file.name}: byte {at} lies within the record before it"
            assert content[at : at + len(text)] == text, f"{file.name}: {raw!r} does not stand at byte {at}"
            before, after = content[:at], at + len(text)
            assert before in (b"", *MARKS) or before.endswith(ends), f"{file.name}: {raw!r} begins in a line"
            assert content[after:].startswith((*ends,)) or after == len(content), f"{raw!r} is cut short"
            looked_up += 1
    return looked_up
