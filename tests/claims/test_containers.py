"""Containers of complaints: zip archives, JSON arrays, and workbooks that are no .xlsx."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from outage_analysis.claims import read_claims
from outage_analysis.errors import InputRefused
from tests.claims.test_damaged_rows import ids
from tests.claims.test_ingest_csv import HEADER, csv_incident, lines, row
from tests.contract.damaged_files.container_kinds import zipped

if TYPE_CHECKING:
    from pathlib import Path

    from outage_analysis.claims import Claims

pytestmark = pytest.mark.slow  # many files; the contract suite reads some of each kind in the quick run

CSV = lines(HEADER, row(1), row(2)).encode()
OLE = b"\xd0\xcf\x11\xe0"
"""The first bytes of a workbook of the format before 2007."""
GRID = [HEADER.split(","), *(row(n).split(",") for n in (1, 2, 3))]


def read(path: Path, content: bytes) -> Claims:
    path.write_bytes(content)
    return read_claims(path, csv_incident(), max_rejects=1)


# --- zip archives -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.zip", "a.csv.zip", "A.CSV.ZIP"])
@pytest.mark.parametrize("inside", ["complaints.csv", "folder/complaints.CSV", "../../complaints.tsv"])
def test_the_file_of_complaints_in_an_archive_is_read(tmp_path: Path, name: str, inside: str) -> None:
    others = {"README.txt": b"x", "__MACOSX/._a.csv": b"x", ".hidden.csv": b"x", "logo.png": b"x"}
    claims = read(tmp_path / name, zipped({**others, inside: CSV}))
    assert ids(claims) == ["1", "2"]
    assert claims.inputs[0].name == name
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"a.csv": CSV, "b.csv": CSV}, r"holds several files of complaints \(found 'a\.csv, b\.csv'\)"),
        ({"a.csv": CSV, "notes.txt": b"x"}, r"holds several files of complaints"),
        ({"README.txt": b"x"}, "holds no file of complaints"),
        ({}, "holds no file of complaints"),
    ],
)
def test_an_archive_of_several_files_or_none_is_refused_by_name(
    tmp_path: Path, files: dict[str, bytes], problem: str
) -> None:
    with pytest.raises(InputRefused, match=problem):
        read(tmp_path / "a.zip", zipped(files))


@pytest.mark.parametrize("size", [3, 30, -20])
def test_a_damaged_archive_is_refused(tmp_path: Path, size: int) -> None:
    with pytest.raises(InputRefused, match="is damaged, or no zip archive"):
        read(tmp_path / "a.zip", zipped({"a.csv": CSV})[:size])


def test_an_archive_with_a_password_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": CSV}))
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(InputRefused, match="is protected by a password"):
        read(tmp_path / "a.zip", bytes(content))


# --- JSON arrays --------------------------------------------------------------------------------------------

OBJECTS = [dict(zip(HEADER.split(","), row(n).split(","), strict=True)) for n in (1, 2, 3)]


def test_json_lines_under_the_suffix_of_json_are_read(tmp_path: Path) -> None:
    text = "".join(json.dumps(o) + "\n" for o in OBJECTS)
    assert ids(read(tmp_path / "a.json", text.encode())) == ["1", "2", "3"]
    assert ids(read(tmp_path / "b.json", json.dumps(OBJECTS[0]).encode())) == ["1"]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_damaged_object_of_an_array_costs_its_row(tmp_path: Path, indent: int | None) -> None:
    text = json.dumps(OBJECTS, ensure_ascii=False, indent=indent)
    damaged = text.replace('"claim_id": "2"', '"claim_id" "2"')
    claims = read(tmp_path / "a.json", damaged.encode())
    assert ids(claims) == ["1", "3"]
    (byte, raw) = claims.rejected_rows.select("byte", "raw").row(0)
    assert damaged.encode()[byte:].decode().startswith(raw)
    assert (raw[0], raw[-1]) == ("{", "}")
    assert '"2"' in raw
    cut = text[: text.index('"claim_id": "3"') + 20]
    assert ids(read(tmp_path / "b.json", cut.encode())) == ["1", "2"]
    assert len(read(tmp_path / "c.json", cut.encode()).rejected_rows) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (json.dumps({"a": OBJECTS, "b": OBJECTS}), r"holds several arrays of objects \(found 'a, b'\)"),
        (json.dumps({"a": 1, "b": [1, 2]}, indent=1), "holds no array of objects"),
        (json.dumps(OBJECTS) + json.dumps(OBJECTS), "has text below its JSON array"),
    ],
)
def test_json_without_exactly_one_array_of_objects_is_refused(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(InputRefused, match=problem):
        read(tmp_path / "a.json", text.encode())


# --- workbooks ----------------------------------------------------------------------------------------------


def ods(cells: str) -> bytes:
    """An OpenDocument workbook with these cells below the header, in a row that follows two plain ones."""
    plain = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{t}</text:p></table:table-cell>'
            for t in line
        )
        + "</table:table-row>"
        for line in GRID[:3]
    )
    spaces = " ".join(
        f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"'
        for n in ("office", "table", "text", "number")
    )
    body = f'<table:table table:name="list">{plain}<table:table-row>{cells}</table:table-row></table:table>'
    content = (
        f"<office:document-content {spaces}><office:body><office:spreadsheet>{body}</office:spreadsheet>"
        "</office:body></office:document-content>"
    )
    return zipped(
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": content.encode(),
            "META-INF/manifest.xml": (
                b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
                b'<manifest:file-entry manifest:full-path="/" '
                b'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>'
            ),
        }
    )


def ods_row(loss: str) -> bytes:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    first, last = "".join(map(cell.format, GRID[3][:4])), cell.format("x")
    return ods(first + loss + last)


@pytest.mark.parametrize(
    "loss",
    [
        (
            '<table:table-cell table:formula="of:=1/0" office:value-type="string"><text:p>#DIV/0!</text:p>'
            "</table:table-cell>"
        ),
        '<table:table-cell table:formula="of:=[.Z1]"/>',
    ],
)
def test_an_error_or_a_formula_without_value_in_ods_is_a_reject(tmp_path: Path, loss: str) -> None:
    claims = read(tmp_path / "a.ods", ods_row(loss))
    assert ids(claims) == ["1", "2"]
    assert claims.rejected_rows["source_row"].to_list() == [4]


def test_merged_cells_in_ods_are_refused_and_an_empty_cell_is_an_unknown_loss(tmp_path: Path) -> None:
    merged = (
        '<table:table-cell office:value-type="string" table:number-rows-spanned="2"><text:p>5</text:p>'
        "</table:table-cell>"
    )
    with pytest.raises(InputRefused, match="has merged cells among its rows"):
        read(tmp_path / "a.ods", ods_row(merged))
    claims = read(tmp_path / "b.ods", ods_row("<table:table-cell/>"))
    assert claims.to_polars()["loss"].to_list() == [5, 5, None]
