"""The five lines of docs/claims.md, run as they stand on a workbook that nobody prepared."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter

from tests.doc_blocks import run_lines
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "claims.md").read_text("utf-8")
FIVE = re.findall(r"^outage-analysis .+$", PAGE.split("```sh\n")[1].split("```")[0], re.MULTILINE)

COMPLAINTS: list[list[str | int | date | None]] = [
    ["1차 접수 내역", None, None, None, None, None],
    [],
    ["접수 No", "대상 앱", "누가", "접수한 날", "피해금액 (만원)", "연락처"],
    ["A-1", "카카오톡", "소상공인", date(2022, 10, 19), 30, "010-0000-1111"],
    ["A-2", "카카오뱅크", "개인", "2022년 10월 20일 오후 3시", "1.5", "010-0000-2222"],
    ["A-3", "카카오 T", "개인", "2022. 10. 21.", None, "a@example.com"],
    ["A-4", "멜론", "법인", "2022-10-22 09:30", "120만원", None],
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with complaints.xlsx: titles above the header, days and amounts in four notations."""
    book = xlsxwriter.Workbook(tmp_path / "complaints.xlsx")
    sheet, day = book.add_worksheet("접수"), book.add_format({"num_format": "yyyy-mm-dd"})
    for row, cells in enumerate(COMPLAINTS):
        for column, cell in enumerate(cells):
            if isinstance(cell, date):
                sheet.write_datetime(row, column, cell, day)
            elif cell is not None:
                sheet.write(row, column, cell)
    book.close()
    return tmp_path


@pytest.mark.slow
def test_the_five_lines_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert len(FIVE) == 5
    told = [run_lines(line) for line in FIVE]
    assert "010-0000" not in "".join(told)
    assert "4 rows = 4 claims + 0 rejects" in told[2]
    manifest = json.loads((folder / "build/mine/manifest.json").read_text("utf-8"))
    (read,) = manifest["inputs"]
    assert (read["name"], read["rows"], read["claims"], read["rejects"]) == ("complaints.xlsx", 4, 4, 0)
    quality = (folder / "build/mine/tables/claims_quality.csv").read_text("utf-8")
    assert quality.splitlines()[1] == (
        'complaints.xlsx,xlsx,"sheet 접수, header in row 3",4,4,0,2022-10-19,2022-10-22'
    )
    services = (folder / "build/mine/tables/claims_services.csv").read_text("utf-8")
    assert "kakaotalk,1,300000," in services
    assert "kakao_bank,1,15000," in services
    assert "melon,1,1200000," in services
