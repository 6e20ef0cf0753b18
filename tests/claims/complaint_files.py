"""Complaint files, and the place of each reject in the bytes of its file."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from outage_analysis.claims import Claims
from outage_analysis.incidents import Incident, load_incident

WHOLE = "loss is an amount that can be read, below 10^15"
MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def csv_incident() -> Incident:
    """The Kakao incident with one text column."""
    kakao = load_incident("kakao-2022")
    return kakao.model_copy(update={"dimensions": kakao.dimensions[:1]})


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


CELLS = {
    "claim_id is given": {"claim_id": ""},
    "claimant_id is in full": {"claimant_id": "1.000123E+11"},
    "service is known": {"service": "no such service"},
    "filed_on is a date": {"filed_on": "2022-10-32"},
    "filed_on is within the claims window": {"filed_on": "2021-10-15"},
    "loss is an amount that can be read, below 10^15": {"loss": "약 30만원"},
    "loss is not negative": {"loss": "-30000"},
}
"""What stands in the cells of a row that breaks a rule."""
HEADER_AGAIN = "the record is not the header again"
COPY = "the complaint is not an exact copy of another"
REPEATED_ID = "claim_id is not repeated"


def with_broken_rows(clean: pl.DataFrame, every: int) -> tuple[pl.DataFrame, Counter[str]]:
    """One row in `every` broken, by each rule in turn, as text; and how many rows break each rule.

    Further rows at the end copy the row before each broken one, exactly or with its id alone.
    """
    rules = [*CELLS, HEADER_AGAIN, COPY, REPEATED_ID]
    changed = {**CELLS, HEADER_AGAIN: {name: name for name in clean.columns}}
    number = pl.int_range(pl.len())
    frame = clean.with_columns(pl.all().cast(pl.String))
    which = pl.when(number % every == every - 1).then(number // every % len(rules))
    marked = frame.with_columns(which.alias("broken"))
    broken = marked.with_columns(
        pl.coalesce(
            *(
                pl.when(pl.col("broken") == rules.index(rule)).then(pl.lit(cells[name]))
                for rule, cells in changed.items()
                if name in cells
            ),
            pl.col(name),
        ).alias(name)
        for name in clean.columns
    )
    copies = marked.filter(pl.col("broken") == rules.index(COPY))
    again = marked.filter(pl.col("broken") == rules.index(REPEATED_ID)).with_columns(
        claimant_id=pl.col("claimant_id") + "-2"
    )
    counts = Counter(rules[k] for k in marked["broken"].drop_nulls())
    return pl.concat([broken, copies, again]).drop("broken"), counts
