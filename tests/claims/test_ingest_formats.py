"""Workbooks, JSON lines, Parquet, compressed files, folders, and any bytes under any suffix."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import xlsxwriter
import zstandard

from outage_analysis.claims import read_claims, structured_files
from outage_analysis.claims.cell_values import UNREADABLE
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Layout
from tests.claims.complaint_files import WHOLE, csv_incident, found_in_the_bytes, record, write_frame
from tests.contract.damaged_files.container_kinds import open_document, zipped

if TYPE_CHECKING:
    from pathlib import Path

    from outage_analysis.claims import Claims
    from tests.conftest import Row

pytestmark = pytest.mark.slow  # many files; the contract suite reads some of each kind in the quick run

COLUMNS = ("claim_id", "service", "claimant_type", "filed_on", "loss", "region")


def complaint(id_: str, **cells: Any) -> dict[str, Any]:  # noqa: ANN401 - formats carry values of any type
    good = {"service": "카톡", "claimant_type": "개인", "filed_on": "2022-10-19", "loss": "5", "region": "x"}
    return {"claim_id": id_, **good, **cells}


def read(path: Path, *layouts: Layout, max_rejects: float = 1) -> Claims:
    return read_claims(path, csv_incident(), layouts=layouts, max_rejects=max_rejects)


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
    as_text = dict.fromkeys(("strings_to_formulas", "strings_to_numbers", "strings_to_urls"), False)
    given = {"default_date_format": "yyyy/mm/dd", **as_text, **options}
    with xlsxwriter.Workbook(str(path), given) as workbook:
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for y, cells in enumerate(rows, start=row):
                for x, cell in enumerate(cells, start=column):
                    if isinstance(cell, bytes):
                        sheet.write_formula(y, x, "=1/0", None, cell.decode())
                    else:
                        sheet.write(y, x, cell)
        then(workbook, sheet)
    return path


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


def rewritten(path: Path, change: Callable[[str], str], member: str = "xl/worksheets/sheet1.xml") -> Path:
    """A workbook as other programs write it: one of its parts changed."""
    with zipfile.ZipFile(path) as parts:
        content = {name: parts.read(name) for name in parts.namelist()}
    changed = change(content[member].decode())
    assert changed != content[member].decode()
    path.write_bytes(zipped({**content, member: changed.encode()}))
    return path


ERROR = re.escape('<c r="E2" t="e"><f>1/0</f><v>#DIV/0!</v></c>')
SAME_CELL: dict[str, tuple[str, ...]] = {
    "its type first": (r'<c r="E2" t="e">', '<c t="e" r="E2">'),
    "attributes in apostrophes": (r'<c r="E2" t="e">', "<c r='E2' t='e'>"),
    "attributes on lines of their own": (r'<c r="E2" t="e">', '<c\n  r="E2"\n  t="e"\n>'),
    "a style": (r'<c r="E2" t="e">', '<c r="E2" s="0" t="e">'),
    "a formula of two lines": (r"<f>1/0</f>", "<f>1/\n0</f>"),
    "a formula with attributes": (r"<f>1/0</f>", '<f ca="1">1/0</f>'),
    "no formula": (r"<f>1/0</f>", ""),
    "spaces between": (r"<f>1/0</f><v>", "\n <f>1/0</f>\n <v>"),
    "a prefix": (r"<(/?)(?=[a-z])", r"<\1x:", "xmlns=", "xmlns:x="),
    "no addresses": (r'<(row|c) r="[A-Z]*\d+"', r"<\1"),
    "never calculated": (ERROR, '<c r="E2"><f>2*3</f></c>'),
    "never calculated, an empty value": (ERROR, '<c r="E2"><f>2*3</f><v></v></c>'),
    "never calculated, a value without text": (ERROR, '<c r="E2"><f>2*3</f><v/></c>'),
    "never calculated, on several lines": (ERROR, '<c r="E2"><f>2*3</f>\n<v />\n</c>'),
}
"""How else a program may write the cell with the error: patterns, each with what is written instead."""


@pytest.mark.parametrize("how", SAME_CELL)
def test_an_error_or_a_formula_without_value_is_found_however_a_program_writes_it(
    tmp_path: Path, how: str
) -> None:
    path = book(tmp_path / "a.xlsx", {"s": table(complaint("1", loss=b"#DIV/0!"), complaint("2"))})
    for old, new in zip(SAME_CELL[how][::2], SAME_CELL[how][1::2], strict=True):
        rewritten(path, partial(re.sub, old, new))
    claims = read(path)
    assert passed(claims) == [(3, "2")]
    loss = "=2*3" if how.startswith("never") else "#DIV/0!"
    assert claims.rejected_rows.select("source_row", "loss", "broken").rows() == [(2, loss, [WHOLE])]


Range = tuple[int, int, int, int]


def with_merged(path: Path, *ranges: Range, row: int = 0) -> Path:
    """A workbook of three complaints with cells merged from a row and column to another row and column."""

    def merge(_workbook: object, sheet: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        for merged in ranges:
            sheet.merge_range(*merged, "5")

    return book(path, {"s": table(*map(complaint, "123"))}, row=row, then=merge)


@pytest.mark.parametrize("merged", [(2, 4, 3, 4), (1, 1, 3, 2), (2, 0, 3, 9)])
def test_cells_merged_over_several_complaints_are_refused(tmp_path: Path, merged: Range) -> None:
    error = refused(with_merged(tmp_path / "a.xlsx", merged))
    assert ("has merged cells among its rows" in str(error), error.row) == (True, merged[0] + 1)


def test_cells_merged_in_titles_within_a_row_or_beside_the_columns_do_no_harm(tmp_path: Path) -> None:
    path = with_merged(tmp_path / "a.xlsx", (0, 0, 1, 5), (3, 6, 4, 6), (4, 7, 4, 9), row=2)
    assert passed(read(path)) == [(4, "1"), (5, "2"), (6, "3")]


def json_lines(*lines: object, end: str = "\n") -> bytes:
    """A text of JSON lines; a str is a line as it stands."""
    dumped = (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    return end.join(dumped).encode()


def objects(path: Path, *lines: object) -> Path:
    path.write_bytes(json_lines(*lines))
    return path


PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstandard.compress}


def text(*rows: Row, bad: bool = False) -> bytes:
    table_ = [list(COLUMNS), *(list(row.values()) for row in rows)]
    return "".join(map(record, table_)).encode() + (b"torn\n" if bad else b"")


def locked(archive: bytes) -> bytes:
    """An archive whose first member is said to have a password."""
    content = bytearray(archive)
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    return bytes(content)


ONE = text(complaint("1"))


NO_TABLE: list[tuple[str, bytes, str]] = [
    ("a.xlsx", b"claim_id,service\n", "is not an Excel workbook (.xlsx)"),
    ("a.xlsx", b"PK\x03\x04", "is not an Excel workbook (.xlsx)"),
    ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "is an old or a protected workbook"),
    ("a.xlsx", b"<html><table><tr><td>claim_id", "is a web page under the name of a workbook"),
    ("a.xlsx", zipped({}), "is not an Excel workbook (.xlsx)"),
    ("a.xlsx", zipped({"mimetype": b"text"}), "is not an Excel workbook (.xlsx)"),
    ("a.xlsx", zipped({"sheet": b"\0" * (65 << 20)}), "would expand to 68,157,440 bytes"),
    (
        "a.zip",
        zipped({"a.csv": ONE, "b.csv": ONE}),
        "holds several files of complaints (found 'a.csv, b.csv')",
    ),
    ("a.zip", zipped({"a.csv": ONE, "notes.txt": b"x"}), "holds several files of complaints"),
    ("a.zip", zipped({"README.txt": b"x"}), "holds no file of complaints"),
    ("a.zip", zipped({}), "holds no file of complaints"),
    *(("a.zip", zipped({"a.csv": ONE})[:size], "is damaged, or no zip archive") for size in (3, 30, -20)),
    ("a.zip", locked(zipped({"a.csv": ONE})), "is protected by a password"),
    *(
        (f"{name}{suffix}", pack(ONE), "is of no known format")
        for suffix, pack in PACK.items()
        for name in ("a.parquet", "a.xlsx", "a", f"a.csv{suffix}")
    ),
    ("a.jsonl", b"{}\n[]", "the column claim_id is missing"),
    ("a.jsonl", b"junk\nmore junk", "the column claim_id is missing"),
    ("a.jsonl", b'{\n"a": 1, "b": [1]\n}', "holds no array of objects"),
    ("a.jsonl", b'{"a": [{}],\n"b": [{}]}', "holds several arrays of objects"),
    ("a.jsonl", json_lines("[", complaint("1"), "]", "[{}]"), "has text below its JSON array"),
    ("a.jsonl", json_lines(complaint("1"), {"접수번호": "2"}), "two columns stand for claim_id"),
    ("a.jsonl", json_lines(complaint("1"), complaint("2"), end="\r"), "the column claim_id is missing"),
    (
        "a.jsonl",
        json_lines(complaint("1"), {**complaint("2"), "amount": "6"}),
        "two columns stand for loss (found 'loss and amount')",
    ),
]


@pytest.mark.parametrize(("name", "content", "problem"), NO_TABLE, ids=range(len(NO_TABLE)))
def test_what_holds_no_table_of_complaints_is_refused(
    tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert problem in str(refused(tmp_path / name))


@pytest.mark.parametrize(
    ("rows", "problem"), [([], "has no cell on any sheet"), (table(), "has a header and no rows")]
)
def test_a_workbook_without_a_cell_or_without_a_row_is_refused(
    tmp_path: Path, rows: Sheet, problem: str
) -> None:
    assert problem in str(refused(book(tmp_path / "a.xlsx", {"s": rows})))


@pytest.mark.parametrize(
    ("shown", "factor"),
    [
        *(('#,##0"만원"', 10_000), ('0"만원"', 10_000), ('#,##0"만"', 10_000)),
        *(('0"천원"', 1_000), ('#,##0,"천원"', 1_000), ('#,##0"억원"', 10**8), ('0"억"', 10**8)),
    ],
)
def test_a_number_format_in_another_unit_refuses_until_the_scale_is_stated(
    tmp_path: Path, shown: str, factor: int
) -> None:
    def format_loss(workbook: Any, sheet: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        sheet.write(1, 4, 30, workbook.add_format({"num_format": shown}))

    path = book(tmp_path / "a.xlsx", {"s": table(complaint("1"))}, then=format_loss)
    error = refused(path)
    assert ("another unit than its cells hold" in error.problem, error.value) == (True, shown)
    assert f"loss = {factor} under [scale]" in error.remedy
    for scale in (1, factor):
        assert read(path, Layout(scale={"loss": scale})).to_polars()["loss"].to_list() == [30 * scale]


def by_hand(path: Path, rows: str, target: str = "worksheets/sheet1.xml", before: str = "") -> Path:
    """A workbook of one sheet, 접수, with a header, one complaint and further rows."""
    head, first = (
        "".join(f'<c r="{chr(65 + at)}{n}" t="inlineStr"><is><t>{text}</t></is></c>' for at, text in cells)
        for n, cells in enumerate(map(enumerate, table(complaint("1"))), start=1)
    )
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    links = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    parts = {
        "_rels/.rels": f'<Relationships {links}><Relationship Id="a" Type="{office}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{office}"><sheets>'
        '<sheet name="접수" sheetId="1" r:id="b"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships {links}><Relationship Id="b" '
        f'Type="{office}/worksheet" Target="{target}"/></Relationships>',
        f"xl/{target}": f'<worksheet {main}>{before}<sheetData><row r="1">{head}</row>'
        f'<row r="2">{first}</row>{rows}</sheetData></worksheet>',
    }
    path.write_bytes(zipped({name: text.encode() for name, text in parts.items()}))
    return path


BESIDE = '<row r="3"><c r="XFD3"><v>1</v></c></row>'
FAR = {
    "a last row of cells without references": '<row r="1048576">' + "<c><v>1</v></c>" * 16_384 + "</row>",
    "one cell in the last column": '<row r="3"><c r="XFD1048576"><v>1</v></c></row>',
    "small letters": '<row r="3"><c r="xfd1048576"><v>1</v></c></row>',
    "a row of a number and a cell of none": BESIDE + '<row r="1048576"><c><v>1</v></c></row>',
    "a million empty rows": BESIDE + "<row/>" * 1_048_570 + "<row><c><v>1</v></c></row>",
    "beyond any column": '<row r="3"><c r="ZZZZ3"><v>1</v></c></row>',
    "beyond any row": '<row r="4294967295"><c><v>1</v></c></row>',
    "a mark in an attribute": '<row r="3"><c x=">" r="XFD1048576"><v>1</v></c></row>',
    "another prefix": '<row r="3"><a-b.c:c r="XFD1048576"><v>1</v></a-b.c:c></row>',
    "a tag on several lines": '<row r="3"><c\nr\n=\n"XFD1048576"\n><v>1</v></c></row>',
}
"""Rows behind the header and one complaint, for which the reader asks for up to 550 GB."""


@pytest.mark.parametrize("target", ["worksheets/sheet1.xml", "elsewhere/a.bin"])
@pytest.mark.parametrize("name", FAR)
def test_the_used_range_is_bounded_before_a_workbook_is_read(tmp_path: Path, name: str, target: str) -> None:
    error = refused(by_hand(tmp_path / "a.xlsx", FAR[name], target))
    assert "far away from the others, on the sheet 접수" in error.problem
    assert (error.file, error.remedy) == ("a.xlsx", "Delete the rows and columns between.")
    assert re.fullmatch("row [0-9,]+, column [0-9,]+", str(error.value))


def test_a_range_that_is_only_declared_is_not_believed(tmp_path: Path) -> None:
    declared = '<dimension ref="A1:XFD1048576"/>'
    assert len(read(by_hand(tmp_path / "a.xlsx", "", before=declared))) == 1


def test_many_sheets_that_each_fit_are_refused_together(tmp_path: Path) -> None:
    full = 50 * '<row><c r="XFC1000"><v>1</v></c></row>'  # few cells, so they count as empty
    path = by_hand(tmp_path / "a.xlsx", full)
    with zipfile.ZipFile(path, "a") as parts:
        parts.writestr("xl/worksheets/sheet2.xml", f"<worksheet><sheetData>{full}</sheetData></worksheet>")
    rewritten(
        path, lambda part: part.replace("</sheets>", '<sheet name="2" r:id="c"/></sheets>'), "xl/workbook.xml"
    )
    link = '<Relationship Id="c" Target="worksheets/sheet2.xml"/></Relationships>'
    rewritten(path, lambda part: part.replace("</Relationships>", link), "xl/_rels/workbook.xml.rels")
    assert "far away from the others" in str(refused(path))


def test_more_cells_than_the_memory_takes_are_refused_even_if_they_are_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = by_hand(tmp_path / "a.xlsx", "")
    monkeypatch.setattr(structured_files, "MAX_CELLS", 12)
    assert len(read(path)) == 1
    monkeypatch.setattr(structured_files, "MAX_CELLS", 11)
    error = refused(path)
    assert "has more than 11 cells, most of them on the sheet 접수" in error.problem
    assert (error.value, error.remedy) == ("12", "Save its sheets as CSV.")


CELL = '<table:table-cell office:value-type="string"{}><text:p>{}</text:p></table:table-cell>'


@pytest.mark.parametrize(
    ("cell", "losses"),
    [
        (CELL.format(' table:formula="of:=1/0"', "#DIV/0!"), [5]),
        ('<table:table-cell table:formula="of:=[.Z1]"/>', [5]),
        ("<table:table-cell/>", [5, None]),
        (CELL.format(' table:number-rows-spanned="2"', "5"), "has merged cells among its rows"),
    ],
)
def test_a_cell_of_an_open_document_is_read_rejected_or_refused(
    tmp_path: Path, cell: str, losses: list[int | None] | str
) -> None:
    path = tmp_path / "a.ods"
    path.write_bytes(open_document(table(complaint("1"), complaint("2", loss="@"))))
    rewritten(path, lambda part: part.replace(CELL.format("", "@"), cell), "content.xml")
    if isinstance(losses, str):
        assert losses in str(refused(path))
        return
    claims = read(path)
    assert claims.to_polars()["loss"].to_list() == losses
    assert claims.rejected_rows["source_row"].to_list() == [3][len(losses) - 1 :]


# --- JSON lines -------------------------------------------------------------------------------------


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


TEXTS = (
    *("=1+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "</table>&amp;&lt;"),
    *("'; drop table claims; --", '" or "1"="1', "$path", "{{x}}", "../../etc/passwd", "C:\\Windows\\"),
    *("a,b;c\td|e", 'said "hi"', "'quoted'", '"', "two\nlines", "007", "1e5", "TRUE", "NaN", "0x1F", "1_000"),
    *(
        "a\\nb",
        "\\u0041",
        "_x0041_",
        "&#65;",
        '{"a": [1]}',
        "\\",
        "a\u2028b",
        "a\x85b",
        "a\x0bb",
        "뷁",
        "漢字",
    ),
    *("👩\u200d👩", "e\u0301", "\u1100\u1161", "\u202eab", "a\ufeffb", "\U0010fffd", "가" * 30_000),
)
"""Texts that are only data, however they look."""


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".xlsx"])
def test_a_text_is_read_to_the_letter_from_every_format(tmp_path: Path, suffix: str) -> None:
    rows = [complaint(str(n), region=text) for n, text in enumerate(TEXTS)]
    path = tmp_path / f"a{suffix}"
    write_frame(path, pl.DataFrame(rows)) if suffix != ".xlsx" else book(path, {"s": table(*rows)})
    assert read(path).to_polars()["region"].to_list() == list(TEXTS)


def test_a_line_that_is_no_flat_object_is_a_reject_that_says_why(tmp_path: Path) -> None:
    path = objects(tmp_path / "a.jsonl", complaint("1"), *NO_OBJECT, complaint("2"))
    claims = read(path)
    assert passed(claims) == [(1, "1"), (len(NO_OBJECT) + 2, "2")]
    assert rejected(claims) == [(n, line, [UNREADABLE]) for n, line in enumerate(NO_OBJECT, start=2)]
    for problem, said in zip(claims.rejected_rows["problem"], NO_OBJECT.values(), strict=True):
        assert said in problem
    assert found_in_the_bytes(claims, [path]) == len(NO_OBJECT)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_damaged_object_of_an_array_costs_its_row(tmp_path: Path, indent: int | None) -> None:
    whole = json.dumps([complaint(n) for n in "123"], ensure_ascii=False, indent=indent)
    damaged, cut = whole.replace('"claim_id": "2"', '"claim_id" "2"'), whole[: whole.index('": "3"') + 20]
    for content, rows in ((damaged, [(1, "1"), (3, "3")]), (cut, [(1, "1"), (2, "2")])):
        claims = read(objects(tmp_path / "a.json", content))
        assert passed(claims) == rows
        ((byte, raw),) = claims.rejected_rows.select("byte", "raw").rows()
        assert content.encode()[byte:].decode().startswith(raw)
        assert content == cut or (raw[0], raw[-1], '"2"' in raw) == ("{", "}", True)


# --- Parquet ----------------------------------------------------------------------------------------


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
def test_a_parquet_column_of_no_plain_type_is_refused_by_name_where_it_is_needed(
    tmp_path: Path, type_: str
) -> None:
    frame, path = pl.DataFrame([complaint("1"), complaint("2")]), tmp_path / "a.parquet"
    frame.with_columns(NOT_PLAIN[type_].alias("loss")).write_parquet(path)
    error = refused(path)
    assert (error.problem, error.column) == ("holds neither text nor numbers nor days", "loss")
    frame.with_columns(NOT_PLAIN[type_].alias("memo")).write_parquet(path)
    assert passed(read(path)) == [(1, "1"), (2, "2")]


# --- compression ------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".jsonl", ".ndjson"])
def test_every_text_may_be_compressed(tmp_path: Path, suffix: str, packed: str) -> None:
    content = json_lines(complaint("1")) if suffix in (".jsonl", ".ndjson") else ONE
    path = tmp_path / f"a{suffix}{packed.upper()}"
    path.write_bytes(PACK[packed](content))
    assert read(path).to_polars()["claim_id"].to_list() == ["1"]


@pytest.mark.parametrize("name", ["a.zip", "a.csv.zip", "A.CSV.ZIP"])
@pytest.mark.parametrize("inside", ["complaints.csv", "folder/complaints.CSV", "../../complaints.tsv"])
def test_the_file_of_complaints_in_an_archive_is_read(tmp_path: Path, name: str, inside: str) -> None:
    others = {"README.txt": b"x", "__MACOSX/._a.csv": b"x", ".hidden.csv": b"x", "logo.png": b"x"}
    (tmp_path / name).write_bytes(zipped({**others, inside: text(complaint("1"))}))
    claims = read(tmp_path / name)
    assert (passed(claims), claims.inputs[0].name) == ([(2, "1")], name)
    assert [p.name for p in tmp_path.iterdir()] == [name]


# --- folders and patterns ---------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as it comes from a mailbox."""
    names = ("b.csv", "a.CSV", "c.jsonl", "d.parquet", ".hidden.csv", "~$e.xlsx", "notes.pdf", "old/z.csv")
    for path in (tmp_path / "inbox" / name for name in names):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_frame(path, pl.DataFrame([complaint(path.name)]))
    return tmp_path / "inbox"


FOUND: dict[tuple[str, ...], list[str]] = {
    (".",): ["a.CSV", "b.csv", "c.jsonl", "d.parquet"],
    ("*.csv",): ["b.csv"],
    ("[bc].*",): ["b.csv", "c.jsonl"],
    ("?.parquet",): ["d.parquet"],
    ("*/z.csv",): ["z.csv"],
    ("./old/../b.csv",): ["b.csv"],
    ("old", "*.parquet", "b.csv"): ["z.csv", "d.parquet", "b.csv"],
}


@pytest.mark.parametrize("asked", FOUND)
def test_files_folders_and_patterns_stand_for_their_files_in_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...]
) -> None:
    for where in ("", f"{folder}/"):
        monkeypatch.chdir(folder)
        claims = read_claims([f"{where}{path}" for path in asked], csv_incident())
        assert [f.name for f in claims.inputs] == claims.files["file"].to_list() == FOUND[asked]
        assert claims.skipped == (("notes.pdf", "old") if asked == (".",) else ())


def test_more_files_than_anyone_means_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = "outage_analysis.claims.read_files.MAX_FILES"
    monkeypatch.setattr(limit, 4)
    assert len(read(folder).inputs) == 4
    monkeypatch.setattr(limit, 3)
    assert "there are more than 3 files to read" in str(refused(folder))


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


def test_a_file_whose_name_is_a_pattern_is_that_file_alone_and_a_link_is_its_file(folder: Path) -> None:
    (folder / "*.csv").write_bytes(ONE)
    for asked, found in (("*.csv", ["*.csv"]), ("*.[c]sv", ["*.csv", "b.csv"])):
        assert [f.name for f in read(folder / asked).inputs] == found
    for target in ("b.csv", "gone.csv"):
        (folder / "old" / target).symlink_to(folder / target)
    assert passed(read(folder / "old" / "b.csv")) == [(2, "b.csv")]
    assert "there is no such file" in str(refused(folder / "old" / "gone.csv"))


def test_the_same_content_is_counted_once_whatever_its_name(folder: Path) -> None:
    (folder / "copy.csv").write_bytes((folder / "b.csv").read_bytes())
    error = refused(folder)
    assert (error.file, error.problem) == ("copy.csv", "has the same content as b.csv")
    with pytest.raises(InputRefused, match=r"has the same content as b\.csv"):
        read_claims([folder / "b.csv", folder / "b.csv"], csv_incident())


def test_a_number_in_the_name_of_a_file_that_tells_on_somebody_is_masked(tmp_path: Path) -> None:
    for n, name in enumerate(("홍 010-1234-5678.csv", "홍 010-1234-5679.csv", "2022-10-19.csv")):
        (tmp_path / name).write_bytes(text(complaint(str(n))))
    names = [f.name for f in read(tmp_path).inputs]
    assert names == ["2022-10-19.csv", "홍 ***-****-****.csv", "홍 ***-****-****.csv (3)"]
