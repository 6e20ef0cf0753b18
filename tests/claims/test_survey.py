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
    assert all(rows[:filled])
    assert not any(rows[filled:])
    ragged = {number for number, row in enumerate(rows[:filled], start=1) if row and len(row) != 3}
    assert ragged <= set(found.uneven)
    some = range(1, filled + 1)
    assert [rows_of(raw)[0] for _, _, raw in found.fetch(some)] == [rows[number - 1] for number in some]
    joined = "".join(raw for *_, raw in found.fetch(range(1, found.records + 1)))
    assert joined == text


@given(
    rows=st.lists(
        st.lists(st.text(st.sampled_from('a,"카 \n'), max_size=4), min_size=1, max_size=4).filter(any),
        max_size=6,
    ),
    block=blocks,
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_the_csv_module_writes_is_regular(
    folder: Path, rows: list[list[str]], block: int, quoting: int
) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, quoting=quoting, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    found = surveyed(folder, written.getvalue(), block=block)
    assert found.regular
    assert found.records == len(rows)
    assert found.several_lines == any("\n" in cell for row in rows for cell in row)


@pytest.mark.parametrize(
    ("text", "regular"),
    [
        ("a,b,c\n1,2,3\n", True),
        ("a,b,c\r\n1,2,3\r\n", True),
        ("a,b,c\r\n1,2,3", True),
        ("a", True),
        ("a,b,c\n\n", True),  # blank ones at the end move no row
        ("a,b,c\n\n\n", True),
        ("\na,b,c\n", False),
        ("a,b,c\n\n1,2,3\n", False),
        ("a,b,c\r\n\r\n1,2,3\r\n", False),
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


def test_records_above_the_header_may_have_any_number_of_fields(tmp_path: Path) -> None:
    found = surveyed(tmp_path, "title\na,b,c\n1,2\n1,2,3\n1,2,3,4\n", header_row=2)
    assert (found.records, found.uneven, found.regular) == (5, [3, 5], True)


def test_a_record_that_may_be_two_rows_between_stray_marks_is_looked_at(tmp_path: Path) -> None:
    found = surveyed(tmp_path, 'a,b,"c\n1,2,3"\n4,"5\n6",7\n')
    assert (found.records, found.uneven) == (2, [1])


def test_a_mark_is_text_where_nothing_is_quoted(tmp_path: Path) -> None:
    found = surveyed(tmp_path, 'a,"b,c\nd,e,f\n', quote="")
    assert (found.records, found.uneven, found.regular) == (2, [], True)
