"""What a workbook holds and does not show, or shows and does not hold: told, never taken for nothing."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import xlsxwriter

from outage_analysis.claims import read_claims
from outage_analysis.claims.readers import workbooks
from outage_analysis.claims.readers.workbook_xml import CHUNK, UsedRange, used_range
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Layout, load_incident
from tests.conftest import claim_rows

if TYPE_CHECKING:
    from outage_analysis.claims import Claims
    from outage_analysis.incidents import Incident

Sheet = Any
Change = Callable[[Any, Sheet], object]
LOSS = 4
"""The column of the loss: E."""


@pytest.fixture
def workbook(tmp_path: Path, incident: Incident) -> Callable[..., Path]:
    """A writer of workbooks with three good rows on each sheet, and then what a test does to it."""

    def write(change: Change = lambda _book, _sheet: None, *, sheets: tuple[str, ...] = ("s",)) -> Path:
        path = tmp_path / "a.xlsx"
        book = xlsxwriter.Workbook(path)
        for name in sheets:
            sheet = book.add_worksheet(name)
            good = claim_rows([{"claim_id": f"{name}{n}"} for n in range(1, 4)], incident)
            sheet.write_row(0, 0, list(good[0]))
            for place, row in enumerate(good, start=1):
                sheet.write_row(place, 0, [int(v) if k == "loss" else v for k, v in row.items()])
            change(book, sheet)
        book.close()
        return path

    return write


def read(path: Path, incident: Incident, **layout: object) -> Claims:
    return read_claims(path, incident, layouts=[Layout.model_validate(layout)], max_rejects=1)


@pytest.mark.parametrize(
    ("shown", "factor"),
    [
        *(('#,##0"만원"', 10_000), ('0"만원"', 10_000), ('#,##0"만"', 10_000)),
        *(('0"천원"', 1_000), ('#,##0,"천원"', 1_000), ('#,##0"억원"', 10**8), ('0"억"', 10**8)),
    ],
)
def test_a_number_format_in_another_unit_refuses_until_the_scale_is_stated(
    workbook: Callable[..., Path], incident: Incident, shown: str, factor: int
) -> None:
    path = workbook(lambda book, sheet: sheet.write(1, LOSS, 30, book.add_format({"num_format": shown})))
    with pytest.raises(InputRefused, match="another unit than its cells hold") as refusal:
        read(path, incident)
    assert refusal.value.value == shown
    assert f"loss = {factor} under [scale]" in refusal.value.remedy
    assert read(path, incident, scale={"loss": 1}).to_polars()["loss"][0] == 30
    assert read(path, incident, scale={"loss": factor}).to_polars()["loss"][0] == 30 * factor


def by_hand(path: Path, rows: str, target: str = "worksheets/sheet1.xml", before: str = "") -> Path:
    """A workbook of one sheet, 접수, with a header, one complaint and further rows."""
    (complaint,) = claim_rows([{}], load_incident("kakao-2022"))
    head, first = (
        "".join(f'<c r="{chr(65 + at)}{n}" t="inlineStr"><is><t>{text}</t></is></c>' for at, text in row)
        for n, row in ((1, enumerate(complaint)), (2, enumerate(complaint.values())))
    )
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    links = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, text in {
            "_rels/.rels": f'<Relationships {links}><Relationship Id="a" Type="{office}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook {main} xmlns:r="{office}"><sheets>'
            '<sheet name="접수" sheetId="1" r:id="b"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships {links}><Relationship Id="b" '
            f'Type="{office}/worksheet" Target="{target}"/></Relationships>',
            f"xl/{target}": f'<worksheet {main}>{before}<sheetData><row r="1">{head}</row>'
            f'<row r="2">{first}</row>{rows}</sheetData></worksheet>',
        }.items():
            parts.writestr(name, text)
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


@pytest.mark.slow
@pytest.mark.parametrize("target", ["worksheets/sheet1.xml", "elsewhere/a.bin"])
@pytest.mark.parametrize("name", FAR)
def test_the_used_range_is_bounded_before_a_workbook_is_read(
    incident: Incident, tmp_path: Path, name: str, target: str
) -> None:
    path = by_hand(tmp_path / "a.xlsx", FAR[name], target)
    with pytest.raises(InputRefused, match="far away from the others, on the sheet 접수") as refusal:
        read(path, incident)
    assert (refusal.value.file, refusal.value.remedy) == ("a.xlsx", "Delete the rows and columns between.")
    assert re.fullmatch("row [0-9,]+, column [0-9,]+", str(refusal.value.value))


def test_a_range_that_is_only_declared_is_not_believed(incident: Incident, tmp_path: Path) -> None:
    declared = '<dimension ref="A1:XFD1048576"/>'
    assert len(read(by_hand(tmp_path / "a.xlsx", "", before=declared), incident)) == 1


@pytest.mark.parametrize("size", [CHUNK, CHUNK + 1, CHUNK + 77])
@pytest.mark.parametrize("cut", range(0, 30, 3))
def test_a_tag_across_two_pieces_of_a_sheet_is_seen(size: int, cut: int) -> None:
    tag = b'<c x=">" y="<" r="XFD9"/>'
    text = b"<sheetData>" + b" " * (size - 11 - cut) + tag + b" " * CHUNK
    assert used_range(io.BytesIO(text)) == UsedRange(9, 16_384, 0)


@pytest.mark.parametrize("tag", [b'<c %s r="XFD1048576">', b'<%s:c r="XFD1048576">', b'<c x="%s" r="XFD9">'])
def test_a_tag_too_long_to_be_seen_whole_is_refused(tag: bytes) -> None:
    filling = b" " if b"c %" in tag else b"a"
    text = b"<sheetData>" + b" " * (CHUNK - 400_000) + tag % (filling * 500_000) + b" " * CHUNK
    with pytest.raises(ValueError, match="a tag has more than"):
        used_range(io.BytesIO(text))


def test_many_sheets_that_each_fit_are_refused_together(incident: Incident, tmp_path: Path) -> None:
    full = 50 * '<row><c r="XFC1000"><v>1</v></c></row>'  # few cells, so they count as empty
    path = by_hand(tmp_path / "a.xlsx", full)
    with zipfile.ZipFile(path, "a") as parts:
        parts.writestr("xl/worksheets/sheet2.xml", f"<worksheet><sheetData>{full}</sheetData></worksheet>")
    with pytest.raises(InputRefused, match="far away from the others"):
        read(path, incident)


def test_more_cells_than_the_memory_takes_are_refused_even_if_they_are_full(
    incident: Incident, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = by_hand(tmp_path / "a.xlsx", "")
    monkeypatch.setattr(workbooks, "MAX_CELLS", 16)
    assert len(read(path, incident)) == 1
    monkeypatch.setattr(workbooks, "MAX_CELLS", 15)
    with pytest.raises(
        InputRefused, match="has more than 15 cells, most of them on the sheet 접수"
    ) as refusal:
        read(path, incident)
    assert (refusal.value.value, refusal.value.remedy) == ("16", "Save its sheets as CSV.")
