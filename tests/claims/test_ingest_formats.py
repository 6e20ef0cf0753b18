"""Workbooks, JSON lines, Parquet, compressed files, folders, and any bytes under any suffix."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import xlsxwriter
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis.claims import READABLE_SUFFIXES, read_claims
from outage_analysis.claims.readers import json_files, read_files
from outage_analysis.claims.rules import EXACT_COPY, REPEATED_HEADER, REPEATED_ID, UNREADABLE
from outage_analysis.errors import InputRefused, OutageAnalysisError
from outage_analysis.incidents import Incident, Layout, load_incident
from tests.claims.complaint_files import WHOLE, found_in_the_bytes, record, write_parquet, write_workbook

if TYPE_CHECKING:
    from pathlib import Path

    from outage_analysis.claims import Claims
    from tests.conftest import Row

pytestmark = pytest.mark.slow  # many files; the contract suite reads some of each kind in the quick run

COLUMNS = ("claim_id", "service", "claimant_type", "filed_on", "loss", "region")
NUMBERED: dict[str, tuple[str, ...]] = {c: (str(n),) for n, c in enumerate(COLUMNS, start=1)}


def small_incident() -> Incident:
    """The Kakao incident with one text column."""
    kakao = load_incident("kakao-2022")
    return kakao.model_copy(update={"dimensions": kakao.dimensions[:1]})


def counting() -> Incident:
    """The same, with ids that may repeat: several files can be read in one run."""
    return small_incident().model_copy(update={"rules": {REPEATED_ID: "count", EXACT_COPY: "count"}})


def together(paths: Sequence[Path]) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """The claims and the rejects of each of several files, read in one run."""
    claims = read_claims(list(paths), counting(), max_rejects=1)
    both = claims.to_polars(), claims.rejected_rows
    of = [pl.col("source_file") == file.name for file in claims.inputs]
    return [(both[0].filter(this), both[1].filter(this)) for this in of]


def complaint(id_: str, **cells: Any) -> dict[str, Any]:  # noqa: ANN401 - formats carry values of any type
    good = {"service": "카톡", "claimant_type": "개인", "filed_on": "2022-10-19", "loss": "5", "region": "x"}
    return {"claim_id": id_, **good, **cells}


def read(path: Path, *layouts: Layout, max_rejects: float = 1) -> Claims:
    return read_claims(path, small_incident(), layouts=layouts, max_rejects=max_rejects)


def refused(path: Path, *layouts: Layout) -> InputRefused:
    with pytest.raises(InputRefused) as error:
        read(path, *layouts)
    assert len(str(error.value).splitlines()) == 1
    return error.value


def passed(claims: Claims) -> list[tuple[int, str]]:
    return claims.to_polars().select("source_row", "claim_id").rows()


def rejected(claims: Claims) -> list[tuple[int, str, list[str]]]:
    return claims.rejected_rows.select("source_row", "raw", "broken").rows()


# --- workbooks --------------------------------------------------------------------------------------

Sheet = Sequence[Sequence[Any]]


def book(
    path: Path,
    sheets: Mapping[str, Sheet],
    *,
    row: int = 0,
    column: int = 0,
    then: Callable[[Any, Any], object] = lambda _workbook, _sheet: None,
    **options: Any,  # noqa: ANN401
) -> Path:
    """A workbook, and what `then` does to its last sheet.

    A cell is written by its type, one of bytes as a formula whose value is an error.
    """
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy/mm/dd", **options}) as workbook:
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for y, cells in enumerate(rows, start=row):
                for x, cell in enumerate(cells, start=column):
                    write(sheet, y, x, cell)
        then(workbook, sheet)
    return path


def write(sheet: Any, y: int, x: int, cell: object) -> None:  # noqa: ANN401 - xlsxwriter has no types
    if isinstance(cell, bytes):
        sheet.write_formula(y, x, "=1/0", None, cell.decode())
    elif isinstance(cell, str):
        sheet.write_string(y, x, cell)
    else:
        sheet.write(y, x, cell)


def table(*rows: dict[str, Any]) -> list[list[Any]]:
    return [list(COLUMNS), *(list(row.values()) for row in rows)]


def test_the_rows_of_a_sheet_have_the_numbers_that_excel_shows(tmp_path: Path) -> None:
    rows = table(complaint("1"), {}, complaint("2", loss="much"), complaint("3"))
    claims = read(book(tmp_path / "a.xlsx", {"접수": rows}, row=3, column=2))
    assert passed(claims) == [(5, "1"), (8, "3")]
    assert rejected(claims) == [(7, "2 | 카톡 | 개인 | 2022-10-19 | much", [WHOLE])]
    assert claims.rejected_rows["byte"].to_list() == [None]
    assert (claims.inputs[0].encoding, claims.inputs[0].dialect) == ("xlsx", "sheet 접수, header in row 4")


@pytest.mark.parametrize("options", [{}, {"date_1904": True}])
def test_typed_cells_are_read_as_what_they_mean(tmp_path: Path, options: dict[str, Any]) -> None:
    rows = table(
        complaint("1", loss=300_000, filed_on=date(2022, 10, 19)),
        complaint("2", loss=999_999_999, filed_on=datetime(2022, 10, 20, 15, 30)),  # noqa: DTZ001 - as in Excel
        complaint("3", loss=300_000.0, region=7),
        complaint("007", loss=None),
        complaint("5", loss=0.5),
        complaint("6", loss=True),
        complaint("7", filed_on=44_853),
    )
    claims = read(book(tmp_path / "a.xlsx", {"s": rows}, **options))
    found = claims.to_polars().select("claim_id", "filed_on", "loss", "region").rows()
    assert found == [
        ("1", date(2022, 10, 19), 300_000, "x"),
        ("2", date(2022, 10, 20), 999_999_999, "x"),
        ("3", date(2022, 10, 19), 300_000, "7"),
        ("007", date(2022, 10, 19), None, "x"),
    ]
    assert [(n, rules) for n, _, rules in rejected(claims)] == [
        (6, [WHOLE]),
        (7, [WHOLE]),
        (8, ["filed_on is a date"]),
    ]


def test_a_day_is_a_day_in_whatever_format_the_sheet_shows_it(tmp_path: Path) -> None:
    formats = ['yyyy"년" m"월" d"일"', "m/d/yy", "[$-412]yyyy. m. d.", "yyyy-mm-dd hh:mm:ss"]

    def dated(workbook: Any, sheet: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        for y, shown in enumerate(formats, start=1):
            sheet.write_datetime(y, 3, datetime(2022, 10, 21), workbook.add_format({"num_format": shown}))  # noqa: DTZ001 - as in Excel

    rows = table(*(complaint(str(n)) for n in range(len(formats))))
    path = book(tmp_path / "a.xlsx", {"s": rows}, then=dated)
    assert read(path).to_polars()["filed_on"].to_list() == [date(2022, 10, 21)] * len(formats)


def rewritten(path: Path, change: Callable[[str], str], member: str = "xl/worksheets/sheet1.xml") -> Path:
    """A workbook as other programs write it: one of its parts changed."""
    with zipfile.ZipFile(path) as parts:
        content = {name: parts.read(name) for name in parts.namelist()}
    changed = change(content[member].decode())
    assert changed != content[member].decode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, part in {**content, member: changed.encode()}.items():
            parts.writestr(name, part)
    return path


SAME_CELL: dict[str, tuple[str, str]] = {
    "its type first": (r'<c r="E2" t="e">', '<c t="e" r="E2">'),
    "attributes in apostrophes": (r'<c r="E2" t="e">', "<c r='E2' t='e'>"),
    "attributes on lines of their own": (r'<c r="E2" t="e">', '<c\n  r="E2"\n  t="e"\n>'),
    "a style": (r'<c r="E2" t="e">', '<c r="E2" s="0" t="e">'),
    "a formula of two lines": (r"<f>1/0</f>", "<f>1/\n0</f>"),
    "a formula with attributes": (r"<f>1/0</f>", '<f ca="1">1/0</f>'),
    "no formula": (r"<f>1/0</f>", ""),
    "spaces between": (r"<f>1/0</f><v>", "\n <f>1/0</f>\n <v>"),
    "a prefix": (r"<(/?)(?=[a-z])", r"<\1x:"),
    "no addresses": (r'<(row|c) r="[A-Z]*\d+"', r"<\1"),
}


def test_an_error_is_found_however_a_program_writes_the_cell(tmp_path: Path) -> None:
    paths = []
    for n, (how, (old, new)) in enumerate(SAME_CELL.items()):
        path = book(tmp_path / f"{n}.xlsx", {"s": table(complaint("1", loss=b"#DIV/0!"), complaint("2"))})

        def change(part: str, old: str = old, new: str = new, how: str = how) -> str:
            part = re.sub(old, new, part)
            return part.replace("xmlns=", "xmlns:x=") if how == "a prefix" else part

        paths.append(rewritten(path, change))
    for how, (claims, rejects) in zip(SAME_CELL, together(paths), strict=True):
        assert claims["source_row"].to_list() == [3], how
        assert rejects.select("source_row", "broken").rows() == [(2, [WHOLE])], how


NEVER_CALCULATED = ("<f>2*3</f>", "<f>2*3</f><v></v>", "<f>2*3</f><v/>", "<f>2*3</f>\n<v />\n")


def test_a_formula_that_was_never_calculated_is_not_an_unknown_loss(tmp_path: Path) -> None:
    paths = []
    for n, formula in enumerate(NEVER_CALCULATED):
        path = book(tmp_path / f"{n}.xlsx", {"s": table(complaint("1", loss=b"#DIV/0!"), complaint("2"))})
        error, new = '<c r="E2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', f'<c r="E2">{formula}</c>'
        paths.append(rewritten(path, lambda part, error=error, new=new: part.replace(error, new)))  # type: ignore[misc]
    for formula, (claims, rejects) in zip(NEVER_CALCULATED, together(paths), strict=True):
        assert claims["source_row"].to_list() == [3], formula
        assert rejects.select("source_row", "loss", "broken").rows() == [(2, "=2*3", [WHOLE])], formula


@pytest.mark.parametrize(("rows", "columns"), [((2, 3), (4, 4)), ((1, 3), (1, 2)), ((2, 3), (0, 9))])
def test_cells_merged_over_several_complaints_are_refused(
    tmp_path: Path, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    def merge(_workbook: object, sheet: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        sheet.merge_range(rows[0], columns[0], rows[1], columns[1], "5")

    complaints = table(*(complaint(str(n)) for n in range(1, 4)))
    error = refused(book(tmp_path / "a.xlsx", {"s": complaints}, then=merge))
    assert "has merged cells among its rows" in str(error)
    assert error.row == rows[0] + 1


def test_cells_merged_in_titles_within_a_row_or_beside_the_columns_do_no_harm(tmp_path: Path) -> None:
    def merge(_workbook: object, sheet: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        sheet.merge_range(0, 0, 1, 5, "카카오 피해 신고 현황")
        sheet.merge_range(3, 6, 4, 6, "담당")
        sheet.merge_range(4, 7, 4, 9, "비고")

    rows = table(complaint("1"), complaint("2"))
    path = book(tmp_path / "a.xlsx", {"s": rows}, row=2, then=merge)
    assert passed(read(path)) == [(4, "1"), (5, "2")]


def test_a_sheet_without_a_header_is_read_by_the_numbers_of_its_columns(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", {"s": table(complaint("1"), complaint("2"))[1:]})
    assert "has a complaint in place of its header" in str(refused(path))
    assert passed(read(path, Layout(header_row=0, columns=NUMBERED))) == [(1, "1"), (2, "2")]


def test_a_chart_on_a_sheet_of_its_own_is_passed_over_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def draw(workbook: Any, _sheet: object) -> None:  # noqa: ANN401 - xlsxwriter has no types
        leaf, chart = workbook.add_chartsheet(), workbook.add_chart({"type": "bar"})
        chart.add_series({"values": "=data!$E$2:$E$2"})
        leaf.set_chart(chart)

    path = book(tmp_path / "a.xlsx", {"data": table(complaint("1"))}, then=draw)
    assert passed(read(path)) == [(2, "1")]
    assert capfd.readouterr() == ("", "")


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, content in members.items():
            parts.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"claim_id,service\n", "is not an Excel workbook (.xlsx)"),
        (b"PK\x03\x04", "is not an Excel workbook (.xlsx)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "is an old or a protected workbook"),
        (b"<html><table><tr><td>claim_id", "is a web page under the name of a workbook"),
        (zipped(), "cannot be read as a workbook"),
        (zipped(mimetype=b"text"), "cannot be read as a workbook"),
        (zipped(sheet=b"\0" * (65 << 20)), "would expand to 68,157,440 bytes"),
    ],
)
def test_what_is_no_workbook_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    assert problem in str(refused(path))


def test_a_workbook_without_a_cell_or_without_a_row_is_refused(tmp_path: Path) -> None:
    assert "has no cell on any sheet" in str(refused(book(tmp_path / "a.xlsx", {"s": []})))
    assert "has a header and no rows" in str(refused(book(tmp_path / "b.xlsx", {"s": table()})))


# --- JSON lines -------------------------------------------------------------------------------------


def objects(path: Path, *lines: object, end: str = "\n") -> Path:
    """A text of JSON lines; a str is a line as it stands."""
    text = end.join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    path.write_text(text, "utf-8", newline="")
    return path


def test_an_object_a_line_is_a_complaint_whatever_the_order_of_its_keys(tmp_path: Path) -> None:
    lines = [
        complaint("1"),
        "",
        dict(reversed(complaint("2", memo="m").items())),
        {key: cell for key, cell in complaint("3").items() if key not in ("loss", "region")},
        "  \t",
        complaint("4", loss="much"),
    ]
    claims = read(objects(tmp_path / "a.jsonl", *lines))
    assert claims.to_polars().select("source_row", "claim_id", "loss", "region").rows() == [
        (1, "1", 5, "x"),
        (3, "2", 5, "x"),
        (4, "3", None, None),
    ]
    assert rejected(claims) == [(6, json.dumps(lines[-1], ensure_ascii=False), [WHOLE])]
    assert claims.inputs[0].dialect == "one object per line"


def test_json_lines_end_as_lines_do(tmp_path: Path) -> None:
    ends = {"a.jsonl": "\n", "b.ndjson": "\r\n", "c.NDJSON": "\n"}
    lines = ["{", complaint("2", region="a\u2028\x85b"), ""]
    paths = [
        objects(tmp_path / name, complaint("1", region=name), *lines, end=end) for name, end in ends.items()
    ]
    claims = read_claims(paths, counting(), max_rejects=1)
    assert claims.to_polars().select("source_file", "source_row", "region").rows() == [
        (name, row, region) for name in ends for row, region in ((1, name), (3, "a\u2028\x85b"))
    ]
    assert rejected(claims) == [(2, "{", [UNREADABLE])] * 3
    assert found_in_the_bytes(claims, paths) == 3


def test_values_of_json_are_read_as_they_are_written(tmp_path: Path) -> None:
    losses = ["300000", "300000.0", "3e5", "null", "true", '"3,000"', "0", "-1", "150300000001", "9" * 5_000]
    lines = [json.dumps(complaint(str(n)))[:-1] + f', "loss": {loss}}}' for n, loss in enumerate(losses)]
    lines = [line.replace('"loss": "5", ', "") for line in lines]
    claims = read(objects(tmp_path / "a.jsonl", *lines))
    assert claims.to_polars().select("claim_id", "loss").rows() == [
        ("0", 300_000), ("1", 300_000), ("3", None), ("5", 3_000), ("6", 0),
    ]  # fmt: skip
    assert [(n, rules) for n, _, rules in rejected(claims)] == [
        (3, [WHOLE]), (5, [WHOLE]), (8, ["loss is not negative"]), (9, ["loss is plausible"]), (10, [WHOLE]),
    ]  # fmt: skip


NO_OBJECT: dict[str, str] = {
    "[1, 2]": "no JSON object",
    '"text"': "no JSON object",
    "null": "no JSON object",
    "claim_id,service": "no flat JSON object",
    '{"claim_id": "1"': "no flat JSON object",
    '{"claim_id": "1"} {"claim_id": "2"}': "no flat JSON object",
    '{"claim_id": ["1"]}': "a value is a list or an object",
    '{"claim_id": {"a": 1}}': "a value is a list or an object",
    '{"loss": NaN}': "NaN is no number of JSON",
    '{"loss": -Infinity}': "-Infinity is no number of JSON",
    '{"loss": 1, "loss": 2}': "a key is given twice",
    '{"region": "\\ud83d"}': "half a character",
    '{"\\udc00": "x"}': "half a character",
    "[" * 100_000: "nested too deeply",
    '{"region": "a\tb"}': "no flat JSON object",
}


def test_a_line_that_is_no_flat_object_is_a_reject_that_says_why(tmp_path: Path) -> None:
    path = objects(tmp_path / "a.jsonl", complaint("1"), *NO_OBJECT, complaint("2"))
    claims = read(path)
    assert passed(claims) == [(1, "1"), (len(NO_OBJECT) + 2, "2")]
    assert rejected(claims) == [(n, line, [UNREADABLE]) for n, line in enumerate(NO_OBJECT, start=2)]
    for problem, said in zip(claims.rejected_rows["problem"], NO_OBJECT.values(), strict=True):
        assert said in problem
    assert found_in_the_bytes(claims, [path]) == len(NO_OBJECT)


def test_a_nested_value_counts_only_under_a_key_that_is_wanted(tmp_path: Path) -> None:
    lines = [complaint("1", memo=["a", {"b": 1}]), complaint("2", region=["서울"]), complaint("3", memo={})]
    claims = read(objects(tmp_path / "a.jsonl", *lines))
    assert passed(claims) == [(1, "1"), (3, "3")]
    assert claims.rejected_rows["problem"].to_list() == [
        "no flat JSON object: a value is a list or an object"
    ]


def test_json_may_hold_any_character_by_its_number(tmp_path: Path) -> None:
    path = objects(tmp_path / "a.jsonl", json.dumps(complaint("가", region="😀\u0000\n")))
    assert read(path).to_polars().select("claim_id", "region").rows() == [("가", "😀\0")]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["{}", "[]"], "the column claim_id is missing"),
        (["junk", "more junk"], "the column claim_id is missing"),
        (
            [complaint("1"), {**complaint("2"), "amount": "6"}],
            "two columns stand for loss (found 'loss and amount')",
        ),
        (["{", '"a": 1', "}"], "holds no array of objects"),
        ([complaint("1"), {"접수번호": "2"}], "two columns stand for claim_id"),
    ],
)
def test_json_lines_without_a_column_or_with_two_for_one_are_refused(
    tmp_path: Path, lines: list[object], problem: str
) -> None:
    assert problem in str(refused(objects(tmp_path / "a.jsonl", *lines)))


def test_json_lines_that_end_in_cr_alone_are_never_read_wrongly(tmp_path: Path) -> None:
    path = objects(tmp_path / "a.jsonl", complaint("1"), complaint("2"), end="\r")
    assert "the column claim_id is missing" in str(refused(path))


def test_json_lines_are_the_same_in_batches_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = objects(tmp_path / "a.jsonl", *("{" if n % 3 == 1 else complaint(str(n)) for n in range(9)))
    found = []
    for size in (1, 2, 50_000):
        monkeypatch.setattr(json_files, "BATCH_ROWS", size)
        claims = read(path)
        found.append((claims.to_polars().rows(), claims.rejected_rows.rows()))
    assert len(found[0][0]) == 6
    assert all(one == found[-1] for one in found)


# --- Parquet ----------------------------------------------------------------------------------------


def parquet(path: Path, **columns: pl.Series | Sequence[object]) -> Path:
    rows = len(next(iter(columns.values())))
    frame = pl.DataFrame([complaint(str(n + 1)) for n in range(rows)])
    frame.with_columns(**{c: pl.Series(c, values) for c, values in columns.items()}).write_parquet(path)
    return path


SEOUL = ZoneInfo("Asia/Seoul")
LATE = datetime(2022, 10, 20, 23, 59)  # noqa: DTZ001 - a moment of no zone
TYPED: dict[str, tuple[str, pl.Series, list[object]]] = {
    "whole numbers": ("loss", pl.Series([5, None, -0], dtype=pl.Int64), [5, None, 0]),
    "small numbers": ("loss", pl.Series([5, None, 200], dtype=pl.UInt8), [5, None, 200]),
    "floats": ("loss", pl.Series([300_000.0, None, 12_345_678.0]), [300_000, None, 12_345_678]),
    "short floats": (
        "loss",
        pl.Series([300_000.0, None, 1e7], dtype=pl.Float32),
        [300_000, None, 10_000_000],
    ),
    "decimals": ("loss", pl.Series(["5.00", None, "1200.00"]).cast(pl.Decimal(20, 2)), [5, None, 1_200]),
    "decimals of three places": (
        "loss",
        pl.Series(["5.000", None, "1200.000"]).cast(pl.Decimal(20, 3)),
        [5, None, 1_200],
    ),
    "days": ("filed_on", pl.Series([date(2022, 10, 20)] * 3), [date(2022, 10, 20)] * 3),
    "moments of no zone": ("filed_on", pl.Series([LATE] * 3), [date(2022, 10, 20)] * 3),
    "moments of utc": (
        "filed_on",
        pl.Series([datetime(2022, 10, 20, hour, 59, tzinfo=UTC) for hour in (0, 14, 15)]),
        [date(2022, 10, 20), date(2022, 10, 20), date(2022, 10, 21)],
    ),
    "moments of seoul": (
        "filed_on",
        pl.Series([datetime(2022, 10, 20, 0, 30, tzinfo=SEOUL)] * 3),
        [date(2022, 10, 20)] * 3,
    ),
    "moments in nanoseconds": (
        "filed_on",
        pl.Series([LATE] * 3).cast(pl.Datetime("ns")),
        [date(2022, 10, 20)] * 3,
    ),
    "categories": (
        "service",
        pl.Series(["카톡", "멜론", "카톡"], dtype=pl.Categorical),
        ["kakaotalk", "melon", "kakaotalk"],
    ),
    "an enumeration": ("service", pl.Series(["카톡"] * 3, dtype=pl.Enum(["카톡"])), ["kakaotalk"] * 3),
    "nothing": ("region", pl.Series([None] * 3), [None] * 3),
    "truths": ("region", pl.Series([True, None, False]), ["true", None, "false"]),
    "numbers for names": ("region", pl.Series([1, 2, 3]), ["1", "2", "3"]),
}


def test_a_column_of_parquet_is_read_as_what_it_means(tmp_path: Path) -> None:
    paths = [
        parquet(tmp_path / f"{type_}.parquet", **{column: values})
        for type_, (column, values, _) in TYPED.items()
    ]
    for (type_, (column, _, expected)), (claims, rejects) in zip(TYPED.items(), together(paths), strict=True):
        assert claims[column].to_list() == expected, type_
        assert len(rejects) == 0, type_


NOT_PLAIN = {
    "lists": pl.Series([["카톡"], ["카톡"]]),
    "records": pl.Series([{"a": "카톡"}, {"a": "카톡"}]),
    "arrays": pl.Series([["카톡"], ["카톡"]], dtype=pl.Array(pl.String, 1)),
    "bytes": pl.Series(["카톡".encode()] * 2),
    "times": pl.Series([time(12)] * 2),
    "durations": pl.Series([timedelta(hours=1)] * 2),
    "wide numbers": pl.Series([5, 6], dtype=pl.Int128),
}


@pytest.mark.parametrize("type_", NOT_PLAIN)
def test_a_parquet_column_of_no_plain_type_is_refused_by_name(tmp_path: Path, type_: str) -> None:
    error = refused(parquet(tmp_path / "a.parquet", loss=NOT_PLAIN[type_]))
    assert (error.problem, error.column) == ("holds neither text nor numbers nor days", "loss")


def test_a_parquet_column_of_no_plain_type_is_passed_over_where_it_is_not_needed(tmp_path: Path) -> None:
    paths = [parquet(tmp_path / f"{type_}.parquet", memo=values) for type_, values in NOT_PLAIN.items()]
    for type_, (claims, _) in zip(NOT_PLAIN, together(paths), strict=True):
        assert claims["claim_id"].to_list() == ["1", "2"], type_


def test_hostile_names_of_parquet_columns_are_only_names(tmp_path: Path) -> None:
    names = (
        "file_row_number",
        "filename",
        'a"b',
        "'; drop table staged; --",
        "MEMO",
        "memo",
        "file_number",
        "",
    )
    path = parquet(tmp_path / "a.parquet", **dict.fromkeys(names, ("p", "q")))
    assert passed(read(path)) == [(1, "1"), (2, "2")]
    named = pl.read_parquet(path).rename({"loss": "손실액", "service": "SERVICE"})
    named.write_parquet(path)
    assert passed(read(path)) == [(1, "1"), (2, "2")]


def test_the_rows_of_parquet_are_counted_across_its_groups(tmp_path: Path) -> None:
    rows = [complaint(f"c{n}", loss="much" if n % 500 == 0 else "5") for n in range(1, 3_001)]
    pl.DataFrame(rows).write_parquet(tmp_path / "a.parquet", row_group_size=700)
    claims = read(tmp_path / "a.parquet")
    assert passed(claims) == [(n, f"c{n}") for n in range(1, 3_001) if n % 500]
    assert claims.rejected_rows.select("source_row", "claim_id", "byte").rows() == [
        (n, f"c{n}", None) for n in range(500, 3_001, 500)
    ]


def test_an_empty_parquet_is_refused(tmp_path: Path) -> None:
    pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String)).write_parquet(tmp_path / "a.parquet")
    assert "has a header and no rows" in str(refused(tmp_path / "a.parquet"))
    pl.DataFrame().write_parquet(tmp_path / "b.parquet")
    assert "the column claim_id is missing" in str(refused(tmp_path / "b.parquet"))


# --- compression ------------------------------------------------------------------------------------

PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstandard.compress}


def text(*rows: Row, bad: bool = False) -> bytes:
    table_ = [list(COLUMNS), *(list(row.values()) for row in rows)]
    return "".join(map(record, table_)).encode() + (b"torn\n" if bad else b"")


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("parts", [1, 40])
def test_a_compressed_file_may_have_several_parts(tmp_path: Path, packed: str, parts: int) -> None:
    content = text(*(complaint(f"c{n}") for n in range(400)), bad=True)
    size = len(content) // parts + 1
    path = tmp_path / f"a.csv{packed}"
    path.write_bytes(b"".join(PACK[packed](content[at : at + size]) for at in range(0, len(content), size)))
    claims = read(path)
    assert len(claims) == 400
    assert claims.rejected_rows.select("source_row", "byte", "raw").rows() == [
        (402, len(content) - 5, "torn")
    ]
    assert claims.inputs[0].bytes == path.stat().st_size


@pytest.mark.parametrize("packed", PACK)
def test_every_text_may_be_compressed_and_no_other_format(tmp_path: Path, packed: str) -> None:
    contents = {suffix: text(complaint("1", region=suffix)) for suffix in (".csv", ".tsv", ".txt")}
    contents |= {
        suffix: json.dumps(complaint("1", region=suffix)).encode() for suffix in (".jsonl", ".ndjson")
    }
    paths = [tmp_path / f"a{suffix}{packed.upper()}" for suffix in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_bytes(PACK[packed](content))
    assert [claims["region"].to_list() for claims, _ in together(paths)] == [[suffix] for suffix in contents]
    for name in (f"a.parquet{packed}", f"a.xlsx{packed}", f"a{packed}", f"a.csv{packed}{packed}"):
        (tmp_path / name).write_bytes(PACK[packed](text(complaint("1"))))
        assert "is of no known format" in str(refused(tmp_path / name))


# --- folders and patterns ---------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as it comes from a mailbox."""
    inbox = tmp_path / "inbox"
    for name in (
        "b.csv",
        "a.CSV",
        "c.jsonl",
        "d.parquet",
        ".hidden.csv",
        "~$e.xlsx",
        "notes.pdf",
        "old/z.csv",
    ):
        path = inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".jsonl":
            objects(path, complaint(name))
        elif path.suffix == ".parquet":
            write_parquet(path, [complaint(name)])
        else:
            path.write_bytes(text(complaint(name)))
    return inbox


def test_a_folder_stands_for_its_own_files_in_order(folder: Path) -> None:
    claims = read(folder)
    assert [f.name for f in claims.inputs] == ["a.CSV", "b.csv", "c.jsonl", "d.parquet"]
    assert claims.files["file"].to_list() == [f.name for f in claims.inputs]
    assert claims.skipped == ("notes.pdf", "old")


def test_a_pattern_stands_for_the_files_that_fit_it(folder: Path) -> None:
    assert [f.name for f in read(folder / "*.csv").inputs] == ["b.csv"]
    assert [f.name for f in read(folder / "[bc].*").inputs] == ["b.csv", "c.jsonl"]
    assert [f.name for f in read(folder / "?.parquet").inputs] == ["d.parquet"]
    assert [f.name for f in read(folder / "*" / "z.csv").inputs] == ["z.csv"]


def test_files_folders_and_patterns_may_be_named_together(folder: Path) -> None:
    claims = read_claims([folder / "old", str(folder / "*.parquet"), folder / "b.csv"], small_incident())
    assert [f.name for f in claims.inputs] == ["z.csv", "d.parquet", "b.csv"]


NO_FILE = {
    **dict.fromkeys(("*.tsv", "none*/*.csv", "*.pdf", "empty", "~$*"), "holds no file of complaints"),
    **dict.fromkeys(("nul\0*.csv", "nul\0/*.csv"), "holds no file of complaints"),  # no name fits these
    **dict.fromkeys(("x" * 5_000 + "*", "*/" * 2_500 + "*"), "holds no file of complaints"),
    **dict.fromkeys(("gone.csv", "gone", "gone/a.csv", "b.csv/c.csv"), "there is no such file"),
    **dict.fromkeys(("x" * 5_000, "nul\0.csv"), "there is no such file"),
}


@pytest.mark.parametrize("name", NO_FILE, ids=range(len(NO_FILE)))
def test_a_folder_or_pattern_without_a_file_to_read_is_refused(folder: Path, name: str) -> None:
    (folder / "empty").mkdir()
    assert NO_FILE[name] in str(refused(folder / name))


def test_a_file_whose_name_is_a_pattern_is_that_file_alone(folder: Path) -> None:
    (folder / "*.csv").write_bytes(text(complaint("1")))
    assert [f.name for f in read(folder / "*.csv").inputs] == ["*.csv"]
    assert [f.name for f in read(folder / "*.[c]sv").inputs] == ["*.csv", "b.csv"]


def test_the_same_content_is_counted_once_whatever_its_name(folder: Path) -> None:
    (folder / "copy.csv").write_bytes((folder / "b.csv").read_bytes())
    error = refused(folder)
    assert (error.file, error.problem) == ("copy.csv", "has the same content as b.csv")
    with pytest.raises(InputRefused, match=r"has the same content as b\.csv"):
        read_claims([folder / "b.csv", folder / "b.csv"], small_incident())


def test_more_files_than_anyone_means_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_files, "MAX_FILES", 4)
    assert len(read(folder).inputs) == 4
    monkeypatch.setattr(read_files, "MAX_FILES", 3)
    assert "there are more than 3 files to read" in str(refused(folder))


def test_a_number_in_the_name_of_a_file_that_tells_on_somebody_is_masked(tmp_path: Path) -> None:
    for n, name in enumerate(("홍 010-1234-5678.csv", "홍 010-1234-5679.csv", "2022-10-19.csv")):
        (tmp_path / name).write_bytes(text(complaint(str(n))))
    names = [f.name for f in read(tmp_path).inputs]
    assert names == ["2022-10-19.csv", "홍 ***-****-****.csv", "홍 ***-****-****.csv (3)"]


def test_a_path_may_be_relative_to_where_the_user_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for path in ("b.csv", "./b.csv", "*.csv", "old/../b.csv"):
        assert [f.name for f in read_claims(path, small_incident()).inputs] == ["b.csv"]
    assert len(read_claims(".", small_incident()).inputs) == 4


def test_a_link_is_the_file_that_it_leads_to(folder: Path) -> None:
    (folder / "old" / "link.csv").symlink_to(folder / "b.csv")
    assert passed(read(folder / "old" / "link.csv")) == [(2, "b.csv")]
    (folder / "old" / "broken.csv").symlink_to(folder / "gone.csv")
    assert "there is no such file" in str(refused(folder / "old" / "broken.csv"))


# --- layouts ----------------------------------------------------------------------------------------


def test_each_file_is_read_by_the_first_layout_whose_pattern_fits_its_name(tmp_path: Path) -> None:
    for name, header in {"seoul.csv": "금액", "busan-1.CSV": "won", "else.csv": "loss"}.items():
        content = text(complaint(name)).decode().replace("loss", header, 1)
        (tmp_path / name).write_text(content, "utf-8")
    layouts = [
        Layout(files="busan-*.csv", columns={"loss": ("won",)}, scale={"loss": 1_000}),
        Layout(files="seoul.*", columns={"loss": ("금액",)}, scale={"loss": 10_000}),
        Layout(files="*.csv", columns={"loss": ("never",)}),
    ]
    losses = read(tmp_path, *layouts).to_polars().select("source_file", "loss").rows()
    assert losses == [("busan-1.CSV", 5_000), ("else.csv", 5), ("seoul.csv", 50_000)]


def test_a_layout_gives_what_a_file_has_no_column_for(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [complaint("1"), complaint("2", loss="much")]
    bare = [{k: v for k, v in row.items() if k not in ("service", "region")} for row in rows]
    path.write_text("".join(map(record, [list(bare[0]), *(list(row.values()) for row in bare)])), "utf-8")
    claims = read(path, Layout(constants={"service": "카톡", "region": ""}))
    assert claims.to_polars().select("service", "region").rows() == [("kakaotalk", None)]
    assert claims.rejected_rows.select("service", "raw").rows() == [("카톡", "2,개인,2022-10-19,much")]


def test_a_title_that_says_no_unit_is_a_title(tmp_path: Path) -> None:
    titles = [
        "고객 불만 접수 현황", "인천 지점", "부천, 순천, 춘천 지역", "천만 고객 사은 행사",
        "(단위: 원)", "피해액(원)", "단위 농협", "30만원 이상 피해 신고",
    ]  # fmt: skip
    paths = [tmp_path / f"{n}.csv" for n, _ in enumerate(titles)]
    for title, path in zip(titles, paths, strict=True):
        path.write_text(f"{title}\n{text(complaint('1')).decode()}", "utf-8")
    for title, (claims, _) in zip(titles, together(paths), strict=True):
        assert claims["loss"].to_list() == [5], title


def test_a_word_among_the_losses_is_one_reject(tmp_path: Path) -> None:
    words = ["불만", "인천 지점", "없음", "천만에요"]
    path = tmp_path / "a.csv"
    path.write_bytes(text(complaint("1"), *(complaint(f"c-{word}", loss=word) for word in words)))
    claims = read(path)
    assert claims.rejected_rows.select("loss", "broken").rows() == [(word, [WHOLE]) for word in words]


def test_a_repeated_header_is_reported_even_where_a_layout_gives_its_day(tmp_path: Path) -> None:
    header = ["claim_id", "service", "claimant_type", "loss", "region"]
    rows = [header, ["1", "카톡", "개인", "5", "x"], header]
    path = tmp_path / "a.csv"
    path.write_text("".join(map(record, rows)), "utf-8")
    claims = read(path, Layout(constants={"filed_on": "2022-10-19"}))
    assert passed(claims) == [(2, "1")]
    assert [(n, rules) for n, _, rules in rejected(claims)] == [(3, [REPEATED_HEADER])]


def test_a_layout_replaces_the_notations_of_the_incident(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    first = complaint("1", loss="1.000", filed_on="19/10/2022")
    path.write_bytes(text(first, complaint("2", loss="3,00"), complaint("3", loss="3,000")))
    claims = read(path, Layout(formats={"loss": ("european",), "filed_on": ("dmy", "iso")}))
    assert claims.to_polars().select("loss", "filed_on").rows() == [
        (1_000, date(2022, 10, 19)),
        (3, date(2022, 10, 19)),
    ]
    assert claims.rejects["value"].to_list() == ["3,000"]  # 3 with decimals, or 3000 in groups


# --- properties -------------------------------------------------------------------------------------


def accounted_for(path: Path, incident: Incident) -> Claims | None:
    """The claims of a file whose every row is one claim or one reject; None when it is refused."""
    try:
        claims = read_claims(path, incident, max_rejects=1)
    except OutageAnalysisError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - the refusal is one outcome of two
        assert error.exit_code in (2, 3, 6)  # noqa: PT017
        return None
    seen = [*claims.to_polars()["source_row"], *claims.rejected_rows["source_row"]]
    assert len(seen) == len(set(seen)) == claims.files["rows"].item()
    assert claims.files["rows"].item() == claims.files["claims"].item() + claims.files["rejects"].item()
    return claims


HEADERS = [
    ",".join(COLUMNS).encode(),
    json.dumps(complaint("1")).encode(),
    "접수번호\t서비스".encode("cp949"),
]
PIECES = [
    b"\n",
    b"\r",
    b'"',
    b",",
    b"\t",
    b"\0",
    b"{",
    b"}",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"PK\x03\x04",
    b"PAR1",
]
BYTES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.one_of(st.sampled_from([*HEADERS, *PIECES]), st.binary(max_size=4)), max_size=20).map(
        b"".join
    ),
    st.lists(st.one_of(st.sampled_from([*HEADERS, *PIECES]), st.binary(max_size=4)), max_size=20).map(
        lambda parts: text(complaint("1")) + b"".join(parts)
    ),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3).map(str.encode)), max_size=20).map(
        lambda parts: HEADERS[1] + b"\n" + b"".join(parts)
    ),
)


@given(suffix=st.sampled_from(READABLE_SUFFIXES), content=BYTES, pack=st.booleans())
@settings(max_examples=40)
def test_any_bytes_under_any_suffix_are_accounted_for_or_refused_on_one_line(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, content: bytes, *, pack: bool
) -> None:
    path = tmp_path_factory.mktemp("bytes") / f"a{suffix}"
    packing = PACK.get(path.suffix)
    path.write_bytes(packing(content) if packing and pack else content)
    accounted_for(path, small_incident())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A good file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    rows = [complaint(str(n), region="서울" * n) for n in range(30)]
    write_parquet(folder / "a.parquet", rows)
    write_workbook(folder / "a.xlsx", rows)
    pl.DataFrame(rows).write_parquet(folder / "b.parquet", compression="uncompressed")
    plain, lines = text(*rows), "".join(json.dumps(row) + "\n" for row in rows).encode()
    return {
        ".parquet": (folder / "a.parquet").read_bytes(),
        " uncompressed.parquet": (folder / "b.parquet").read_bytes(),
        ".xlsx": (folder / "a.xlsx").read_bytes(),
        " of parts.xlsx": stored((folder / "a.xlsx").read_bytes()),
        ".csv": plain,
        ".csv.gz": gzip.compress(plain),
        ".csv.zst": zstandard.compress(plain),
        ".jsonl": lines,
    }


def stored(workbook: bytes) -> bytes:
    """A workbook without compression, whose parts a damage can reach."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as parts, zipfile.ZipFile(stream, "w") as other:
        for name in parts.namelist():
            other.writestr(name, parts.read(name))
    return stream.getvalue()
