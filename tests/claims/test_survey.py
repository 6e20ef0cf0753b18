"""Where records stand in a text: as the csv module cuts it, or not to be believed at all."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis.claims.readers import record_index as survey
from outage_analysis.claims.readers.record_index import RecordIndex

if TYPE_CHECKING:
    from pathlib import Path

blocks = st.integers(1, 9)


def surveyed(
    folder: Path, text: str, *, block: int = 1 << 20, header_row: int = 0, quote: str = '"'
) -> RecordIndex:
    """A text of three columns, looked at in blocks of so many bytes."""
    path = folder / "a.csv"
    path.write_bytes(text.encode())
    with patch.object(survey, "BLOCK_BYTES", block):
        return RecordIndex.build(path, ",", quote, width=3, header_row=header_row, begin=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the many files of a property."""
    return tmp_path_factory.mktemp("survey")


def rows_of(text: str) -> list[list[str]]:
    """What the csv module makes of it."""
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.slow
@given(text=st.text(st.sampled_from('a,,"\r\n카'), max_size=24), block=blocks)
@settings(max_examples=300)
def test_whatever_is_taken_for_regular_is_cut_as_the_csv_module_cuts_it(
    folder: Path, text: str, block: int
) -> None:
    found = surveyed(folder, text, block=block)
    if not found.regular:
        return
    rows = rows_of(text)
    assert found.records == len(rows)
    filled = len(rows) - found.blanks
    assert found.gaps == [number for number, row in enumerate(rows[:filled], start=1) if not row]
    assert not any(rows[filled:])
    ragged = {number for number, row in enumerate(rows[:filled], start=1) if row and len(row) != 3}
    assert ragged <= set(found.uneven)
    some = [number for number in range(1, filled + 1) if number not in found.gaps]
    assert [rows_of(raw)[0] for _, _, raw in found.fetch(some)] == [rows[number - 1] for number in some]
    joined = "".join(raw for *_, raw in found.fetch(range(1, found.records + 1)))
    assert joined == text


@pytest.mark.parametrize(
    ("text", "regular"),
    [
        ("a,b,c\n1,2,3\n", True),
        ("a,b,c\r\n1,2,3\r\n", True),
        ("a,b,c\r\n1,2,3", True),
        ("a", True),
        ("a,b,c\n\n", True),  # blank ones at the end move no row
        ("a,b,c\n\n\n", True),
        ("\na,b,c\n", True),
        ("a,b,c\n\n1,2,3\n", True),
        ("a,b,c\r\n\r\n1,2,3\r\n", True),
        ("a,b,c\r1,2,3\r", False),
        ("a,b,c\n1,2,3\r\n", True),
        ("a,b,c\r\n1,2,3\n", True),
        ("a,b,c\r\r\n", False),
        ('a,b,"c\nd"\n', True),
        ('a,b,"c\r\nd"\r\n', False),
        ('a,b,x"c"\n', False),
        ('a,b,"c"x\n', False),
        ('a,b,"c\n', False),
        ('a,b,"c""d"\n', True),
        ('a,b,""\n', True),
    ],
)
@pytest.mark.parametrize("block", [1, 2, 3, 1 << 20])
def test_a_text_is_regular_or_not_in_blocks_of_any_size(
    tmp_path: Path, text: str, block: int, *, regular: bool
) -> None:
    assert surveyed(tmp_path, text, block=block).regular == regular
