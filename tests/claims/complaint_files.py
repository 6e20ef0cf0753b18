"""Complaint files in every format, encoding and kind of damage, each with the claims and rejects in it."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl
import xlsxwriter
import zstandard

from outage_analysis.claims.cell_values import EXACT_COPY, REPEATED_HEADER, REPEATED_ID, UNREADABLE
from outage_analysis.incidents import Dimension, Incident, load_incident

if TYPE_CHECKING:
    from pathlib import Path

    from outage_analysis.claims import Claims
    from tests.conftest import Row

WHOLE = "loss is an amount that can be read, below 10^15"
ERROR_CELL = "#DIV/0!"
"""In a workbook written as the value of a formula, elsewhere as this text."""
ROUNDED = ("1.23457E+11", "1,23457E+11", "9e+15")
BREAKS = ("\n", "\r\n", "\r", "\x01", "\x0b", "\x0c", "\x1c", "\x7f", "\x85", "\u2028", "\u2029")
"""Line breaks and control characters."""
CONTROLS = re.compile("[\x01-\x08\n-\x1f\x7f-\x9f\u2028\u2029]")
"""Long numbers as a spreadsheet shows them."""
COLUMNS = ("claim_id", "service", "claimant_type", "filed_on", "loss", "region", "delay", "claimant_id")


def corpus_incident() -> Incident:
    """The Kakao incident with one dimension of text and one of whole numbers."""
    kakao = load_incident("kakao-2022")
    delay = Dimension.model_validate(
        {"id": "delay", "name": {"en": "Delay"}, "kind": "number", "edges": (10,)}
    )
    return kakao.model_copy(update={"dimensions": (kakao.dimensions[0], delay)})


# --- damage -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Damage:
    """What is wrong, or merely odd, with the rows of one file.

    Each row says how it differs from a good complaint; None is a record whose cells cannot be told, which
    only a text can hold. Places are counted from 0; every row that is not broken is a claim.
    """

    rows: tuple[Row | None, ...]
    broken: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Place -> the rules that the row breaks."""
    says: Mapping[int, Mapping[str, object]] = field(default_factory=dict)
    """Place -> what some columns of the claim stand for."""

    def complaints(self, name: str) -> list[Row | None]:
        """The rows in full, their ids begun with a name so that no other file has them."""
        good = {
            "service": "카톡",
            "claimant_type": "소상공인",
            "filed_on": "2022-10-19",
            "loss": "100000",
            "region": "서울",
            "delay": "5",
            "claimant_id": "u1",
        }
        return [
            None
            if row is None
            else {"claim_id": _id(row.get("claim_id", str(n)), name), **good, **_rest(row)}
            for n, row in enumerate(self.rows, start=1)
        ]


def _id(written: str, name: str) -> str:
    """An id that no other file has, unless the id itself is what is wrong."""
    return written if written.strip() in ("", "claim_id", *ROUNDED) else f"{name} {written}"


def _rest(row: Row) -> Row:
    return {column: text for column, text in row.items() if column != "claim_id"}


def texts(*regions: str) -> Damage:
    """Texts that are only data, however they look: each row is a claim that says them as they are.

    They are ids as well, unless they have a line break or a control character.
    """
    ids = ([{"claim_id": text}, {}][bool(CONTROLS.search(text))] for text in regions)
    return Damage(tuple({"region": text, **id_} for text, id_ in zip(regions, ids, strict=True)))


def broken_once(rule: str, *rows: Row) -> Damage:
    """Rows that break one rule alone, between good ones."""
    return Damage(({}, *rows, {}), dict.fromkeys(range(1, len(rows) + 1), (rule,)))


DAMAGE: dict[str, Damage] = {
    "clean": Damage(({}, {}, {})),
    "unknown-loss": Damage(({"loss": ""}, {"loss": "  "}), says={0: {"loss": None}, 1: {"loss": None}}),
    "zero-loss": Damage(({"loss": "0"}, {"loss": "-0"}), says={0: {"loss": 0}, 1: {"loss": 0}}),
    "spellings": Damage(
        (
            {"service": "KAKAO  t", "claimant_type": "SME"},
            {"service": " 카카오뱅크 ", "claimant_type": "법인"},
        ),
        says={
            0: {"service": "kakao_t", "claimant_type": "small_business"},
            1: {"service": "kakao_bank", "claimant_type": "mid_large_firm"},
        },
    ),
    "notations": Damage(
        (
            {"loss": "3,000", "filed_on": "2022. 10. 20."},
            {"loss": "30만원", "filed_on": "2022년 10월 20일"},
            {"loss": "1,200 원", "filed_on": "2022-10-19T15:00:00Z"},
        ),
        says={
            n: {"loss": loss, "filed_on": "2022-10-20"} for n, loss in enumerate((3_000, 300_000, 1_200))
        },
    ),
    "torn": Damage(({}, None, {}, None), {1: (UNREADABLE,), 3: (UNREADABLE,)}),
    "header-again": Damage(({}, {column: column for column in COLUMNS}, {}), {1: (REPEATED_HEADER,)}),
    "no-id": broken_once("claim_id is given", {"claim_id": ""}, {"claim_id": "  "}),
    "id-rounded": broken_once("claim_id is in full", *({"claim_id": id_} for id_ in ROUNDED)),
    "claimant-rounded": broken_once("claimant_id is in full", *({"claimant_id": id_} for id_ in ROUNDED)),
    "id-on-two-lines": broken_once(
        "claim_id is one line of text",
        *({"claim_id": f"A-1{mark}A-2"} for mark in BREAKS),
    ),
    "claimant-on-two-lines": broken_once(
        "claimant_id is one line of text",
        *({"claimant_id": f"u-1{mark}u-2"} for mark in BREAKS),
    ),
    "ids-that-only-look-rounded": Damage(
        tuple({"claimant_id": id_} for id_ in ("1E5", "E+11", "1.2E+x", "12E+11", "1.2E-5")),
        says={n: {"claimant_id": id_} for n, id_ in enumerate(("1E5", "E+11", "1.2E+x", "12E+11", "1.2E-5"))},
    ),
    "id-repeated": Damage(
        ({"claim_id": "a", "loss": "1"}, {"claim_id": "a", "loss": "2"}, {"claim_id": "a", "region": "부산"}),
        {1: (REPEATED_ID,), 2: (REPEATED_ID,)},
    ),
    "exact-copy": Damage(({"claim_id": "a"}, {"claim_id": "b"}, {"claim_id": "a"}), {2: (EXACT_COPY,)}),
    "no-service": broken_once("service is given", {"service": ""}),
    "other-service": broken_once("service is known", {"service": "네이버"}, {"service": "<script>"}),
    "no-type": broken_once("claimant_type is given", {"claimant_type": " "}),
    "other-type": broken_once("claimant_type is known", {"claimant_type": "a cat"}),
    "no-day": broken_once("filed_on is a date", {"filed_on": ""}, {"filed_on": "2022-02-30"}),
    "day-outside": broken_once(
        "filed_on is within the claims window", {"filed_on": "2022-10-14"}, {"filed_on": "2022-11-07"}
    ),
    "no-number": broken_once(WHOLE, {"loss": "much"}, {"loss": "1.5"}, {"loss": "=300000"}),
    "error-cell": Damage(
        ({}, {"loss": ERROR_CELL}, {"delay": ERROR_CELL}, {"loss": ERROR_CELL, "filed_on": ERROR_CELL}),
        {1: (WHOLE,), 2: ("delay is a whole number",), 3: ("filed_on is a date", WHOLE)},
    ),
    "negative": broken_once("loss is not negative", {"loss": "-1"}),
    "implausible": broken_once("loss is plausible", {"loss": "150300000001"}),
    "no-whole-dimension": broken_once("delay is a whole number", {"delay": "soon"}),
    "everything-at-once": Damage(
        ({}, {"claim_id": "", "service": "", "claimant_type": "?", **dict.fromkeys(COLUMNS[3:], "?")}),
        {
            1: (
                "claim_id is given",
                "service is given",
                "claimant_type is known",
                "filed_on is a date",
                WHOLE,
                "delay is a whole number",
            )
        },
    ),
    "formulas": texts("=1+1", "+1-1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x")'),
    "markup": texts("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</table>&amp;&lt;"),
    "sql": texts("'; drop table claims; --", '" or "1"="1', "$path", "{broken}", "{{x}}", "select 1;"),
    "paths": texts("../../etc/passwd", "C:\\Windows\\", "\\\\server\\share", "file:///etc/passwd", "%2e%2e"),
    "delimiters": texts("a,b;c\td|e", 'said "hi"', "'quoted'", '"', "two\nlines", "three\r\n\r\nlines"),
    "look-alikes": texts("007", "1e5", "TRUE", "null", "NaN", "nan", "None", "2022-10-19", "0x1F", "1_000"),
    "escapes": texts("a\\nb", "\\u0041", "_x0041_", "&#65;", "%41", '{"a": [1]}', "\\", "ends in \\"),
    "line-ends-that-are-none": texts("a\u2028b", "a\u2029b", "a\x85b", "a\x0bb", "a\x0cb", "a\x1eb"),
    "hangul": texts("서울특별시 강남구", "ㄱㄴㄷ", "가나다", "漢字"),
    "hangul-beyond-euc-kr": texts("뷁", "똠방각하", "펲시"),
    "emoji": texts("👩\u200d👩", "😀", "e\u0301", "\u1100\u1161", "\u202eab", "a\ufeffb", "\U0010fffd"),
    "long": texts("가" * 30_000, "x" * 32_000),
}  # fmt: skip


# --- formats ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Carrier:
    """One way to bring complaints: its suffix, and the row number of its first complaint."""

    suffix: str
    first: int
    write: Callable[[Path, Sequence[Row | None], str], None]
    records: Callable[[Sequence[Row | None]], list[str]] | None = None
    """The text of every record, its header's too; None for a format that is no text."""
    encodings: tuple[str, ...] = ("binary",)

    def holds(self, damage: Damage, encoding: str) -> bool:
        """Whether it can bring such rows in such an encoding."""
        if self.records is None:
            return None not in damage.rows
        text = "".join(self.records(damage.complaints("")))
        try:
            content = text.encode(encoding)
        except UnicodeEncodeError:
            return False
        # Python's EUC-KR spells a syllable that it lacks in eight bytes, which no other program does.
        return encoding != "euc-kr" or content.decode("cp949") == text


def _delimited(delimiter: str, end: str) -> Callable[[Sequence[Row | None]], list[str]]:
    def records(rows: Sequence[Row | None]) -> list[str]:
        every = (dict(zip(COLUMNS, COLUMNS, strict=True)), *rows)
        cells = [["torn"] if row is None else list(row.values()) for row in every]
        # The csv module of some versions of Python does not quote a carriage return alone.
        minimal, quoted = csv.QUOTE_MINIMAL, csv.QUOTE_ALL
        return [
            record(row, delimiter, end, quoting=quoted if "\r" in "".join(row) else minimal) for row in cells
        ]

    return records


def record(cells: Sequence[str], delimiter: str = ",", end: str = "\n", **options: Any) -> str:  # noqa: ANN401 - those of csv.writer
    """Cells as one record, as Python's csv module writes it."""
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator=end, **options).writerow(cells)
    return stream.getvalue()


def _objects(rows: Sequence[Row | None]) -> list[str]:
    return [
        '{"claim_id": "torn"\n' if row is None else json.dumps(row, ensure_ascii=False) + "\n" for row in rows
    ]


def _text(
    records: Callable[[Sequence[Row | None]], list[str]],
) -> Callable[[Path, Sequence[Row | None], str], None]:
    def write(path: Path, rows: Sequence[Row | None], encoding: str) -> None:
        content = encoded("".join(records(rows)), encoding)
        if path.suffix == ".gz":
            content = gzip.compress(content, mtime=0)
        elif path.suffix == ".zst":
            content = zstandard.compress(content)
        path.write_bytes(content)

    return write


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


def write_parquet(path: Path, rows: Sequence[Row | None], encoding: str = "") -> None:
    del encoding
    pl.DataFrame(rows).write_parquet(path)


def write_workbook(path: Path, rows: Sequence[Row | None], encoding: str = "") -> None:
    del encoding
    full = [row for row in rows if row is not None]
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    for y, cells in enumerate((list(full[0]), *(list(row.values()) for row in full))):
        for x, text in enumerate(cells):
            if text == ERROR_CELL:
                sheet.write_formula(y, x, "=1/0", None, ERROR_CELL)
            else:
                sheet.write_string(y, x, text)
    book.close()


EVERY = ("utf-8", "utf-8-sig", "cp949", "euc-kr", "utf-16-le", "utf-16-be")
MOST, SOME = ("utf-8", "utf-8-sig", "cp949", "utf-16-be"), ("utf-8", "euc-kr")
RECORDED = {"euc-kr": "cp949", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}
"""What is recorded for an encoding, where its own name is not."""
_COMMA, _TAB, _SEMICOLON = _delimited(",", "\n"), _delimited("\t", "\n"), _delimited(";", "\r\n")

CARRIERS: dict[str, Carrier] = {
    "csv": Carrier(".csv", 2, _text(_COMMA), _COMMA, EVERY),
    "tsv": Carrier(".tsv", 2, _text(_TAB), _TAB, ("utf-16-le",)),
    "semicolon": Carrier(".csv", 2, _text(_SEMICOLON), _SEMICOLON, ("cp949",)),
    "csv.gz": Carrier(".csv.gz", 2, _text(_COMMA), _COMMA, ("utf-8",)),
    "csv.zst": Carrier(".csv.zst", 2, _text(_COMMA), _COMMA, SOME),
    "jsonl": Carrier(".jsonl", 1, _text(_objects), _objects, MOST),
    "parquet": Carrier(".parquet", 1, write_parquet, encodings=("parquet",)),
    "xlsx": Carrier(".xlsx", 2, write_workbook, encodings=("xlsx",)),
}


# --- where a reject stands --------------------------------------------------------------------------


def unpacked(path: Path) -> bytes:
    """The bytes of a file, decompressed where its suffix says that they are not."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        return zlib.decompress(content, wbits=31)
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().decompressobj().decompress(content)
    return content


def codec_of(recorded: str, content: bytes) -> str:
    """The codec in which a piece of a text stands, without the mark at its beginning."""
    if recorded == "utf-16":
        return "utf-16-be" if content.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"
    return recorded.removesuffix("-sig")


def found_in_the_bytes(claims: Claims, paths: Sequence[Path]) -> int:
    """Each reject's text stands in its file at the byte that it names, and is a whole record there.

    Returns how many were looked up, so that a test can say that there were any.
    """
    looked_up = 0
    for file, path in zip(claims.inputs, paths, strict=True):
        rejects = claims.rejected_rows.filter(pl.col("source_file") == file.name).sort("source_row")
        content = unpacked(path)
        codec = codec_of(file.encoding, content)
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


MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
