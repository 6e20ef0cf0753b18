"""Files that could be read wrongly without a warning: shifted columns, joined rows, stray quotation marks.

The examples are those of issue 21, E. Each row is a claim under the right columns, or a reject, or the file
is refused.
"""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis.claims import Claims, delimited, read_claims
from outage_analysis.claims.cell_values import UNREADABLE
from outage_analysis.claims.delimited import DOUBTFUL_LINE, MERGED_ROWS, NOT_CLOSED, UNDECODABLE
from outage_analysis.errors import OutageAnalysisError
from outage_analysis.incidents import Layout
from outage_analysis.losses import build_cube
from tests.claims.complaint_files import found_in_the_bytes, write_frame
from tests.claims.test_first_sight import summary_of
from tests.claims.test_ingest_csv import HEADER, csv_incident, lines, refusal, row

NARROW = Layout(constants={"service": "카톡", "claimant_type": "개인", "region": "x"})
"""The layout of a file with the columns claim_id, filed_on and loss."""
NARROW_TEXT = Layout(constants={"service": "카톡", "claimant_type": "개인", "filed_on": "2022-10-19"})
"""The layout of a file with the columns claim_id, loss and region."""


def read(path: Path, text: str, *layouts: Layout) -> Claims:
    path.write_bytes(text.encode())
    claims = read_claims(path, csv_incident(), layouts=layouts, max_rejects=1)
    rows = claims.files.select("rows", "claims", "rejects").row(0)
    assert rows == (len(claims) + len(claims.rejected_rows), len(claims), len(claims.rejected_rows))
    assert found_in_the_bytes(claims, [path]) == len(claims.rejected_rows)
    return claims


def regions(claims: Claims) -> dict[str, str | None]:
    """Claim id -> region."""
    return dict(claims.to_polars().select("claim_id", "region").rows())


def problems(claims: Claims) -> dict[int, str | None]:
    """Row -> what is wrong with a reject that cannot be read."""
    assert all(broken == [UNREADABLE] for broken in claims.rejected_rows["broken"].to_list())
    return dict(claims.rejected_rows.select("source_row", "problem").rows())


# --- shifted columns --------------------------------------------------------------------------------

SHIFTED = "claim_id,service,claimant_type,filed_on,region,phone note,wait,loss,ticket"
"""A header that lacks the delimiter between phone and note."""


def shifted(*fields: str, header: str = SHIFTED) -> str:
    return lines(header, *(f"A-{n},카톡,개인,2022-10-19,{','.join(fields)}" for n in range(1, 4)))


def test_a_header_that_lacks_a_delimiter_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path / "a.csv", shifted("North", "none", "late", "3", "250", ""))
    assert str(error) == (
        "a.csv, row 1: has 1 more field in each row than in its header, and its columns can be read in "
        "two ways (found 'phone note'). "
        "Add the missing delimiter to the header: there, or at its end if each row only ends in one too many."
    )


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        # Only the shifted reading has amounts.
        ("region,phone note,loss,ticket", ("North", "none", "late", "250", "")),
        # The header lacks two delimiters, or one and each row ends in one too many.
        ("region,phone wait note,loss,t,u", ("N", "0", "1", "2", "250", "", "")),
        # Any text could be a region.
        ("loss,phone note,region,ticket", ("250", "none", "late", "North", "")),
        # The ticket would be the loss that nobody states in the reading without a shift.
        ("region,phone note,loss,ticket", ("North", "none", "", "250", "")),
    ],
)
def test_a_shift_that_no_column_contradicts_is_refused(
    tmp_path: Path, header: str, fields: tuple[str, ...]
) -> None:
    text = shifted(*fields, header=f"claim_id,service,claimant_type,filed_on,{header}")
    error = refusal(tmp_path / "a.csv", text)
    assert (error.row, error.value) == (1, next(name for name in header.split(",") if "note" in name))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("loss,region", ("5", "North")),  # every header names a column
        ("loss,region,memo", ("5", "North", "m")),  # nothing is behind the memo
        ("region,memo,loss", ("North", "m", "5")),  # a shift would leave every loss empty
        ("memo,loss,region", ("m", "5", "North")),  # a shift would read North as a loss
        ("loss,memo,region", ("5", "m", "North")),  # a shift would leave every region empty
    ],
)
@pytest.mark.parametrize("surplus", [1, 2])
def test_rows_that_only_end_in_delimiters_are_read_and_reported(
    tmp_path: Path, header: str, fields: tuple[str, ...], surplus: int
) -> None:
    text = shifted(*fields, *[""] * surplus, header=f"claim_id,service,claimant_type,filed_on,{header}")
    claims = read(tmp_path / "a.csv", text)
    assert claims.to_polars().select("loss", "region").rows() == [(5, "North")] * 3
    assert claims.inputs[0].dialect.endswith(f"header in row 1, rows {surplus} wider than the header")


# --- rows that a stray mark joins ---------------------------------------------------------------------


def test_a_row_that_was_swallowed_is_never_part_of_an_id(tmp_path: Path) -> None:
    joined = '"A-1,2022-10-19,100\nA-2",2022-10-20,250'
    text = lines("claim_id,filed_on,loss", "A-0,2022-10-19,5", joined, "A-3,2022-10-21,7")
    claims = read(tmp_path / "a.csv", text, NARROW)
    assert claims.to_polars().select("source_row", "claim_id", "loss").rows() == [
        (2, "A-0", 5),
        (4, "A-3", 7),
    ]
    assert problems(claims) == {3: MERGED_ROWS}
    assert claims.rejected_rows["raw"].to_list() == [joined]


@pytest.mark.slow
@pytest.mark.parametrize("several_lines", [False, True])
def test_a_row_that_was_swallowed_is_never_part_of_a_region(tmp_path: Path, *, several_lines: bool) -> None:
    joined = 'A-1,100,"North\nA-2,250,South"'
    text = "one, two\nthree, four" if several_lines else "one, two, 3"
    path = tmp_path / "a.csv"
    claims = read(
        path, lines("claim_id,loss,region", "A-0,5,x", joined, f'A-3,7,"{text}"', "A-4,,y"), NARROW_TEXT
    )
    assert regions(claims) == {"A-0": "x", "A-3": text, "A-4": "y"}
    assert problems(claims) == {3: MERGED_ROWS}
    with patch.object(delimited, "_engine_query", lambda *_: None):
        assert summary_of(claims) == summary_of(read(path, path.read_text("utf-8"), NARROW_TEXT))


# --- marks inside a field -----------------------------------------------------------------------------


# --- spaces behind delimiters ----------------------------------------------------------------------------


def spaced(*rows: str) -> str:
    return lines(*(text.replace(",", ", ") for text in rows))


# --- both readers ---------------------------------------------------------------------------------------

PIECES = [
    "a",
    ",",
    ", ",
    '"',
    '""',
    '",',
    ',"',
    "\n",
    "\n",
    "\r\n",
    "5",
    " ",
    "2022-10-19",
    row(7),
    row(8, '"q"'),
]


@pytest.mark.slow
@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=30),
    top=st.sampled_from([lines(HEADER, row(1)), spaced(HEADER, row(1)), lines(HEADER, row(1, '"q"'))]),
    block=st.sampled_from([1, 2, 3, 7, 1 << 20]),
)
@settings(max_examples=60)
def test_the_engine_and_the_csv_module_read_any_text_alike_in_blocks_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], top: str, block: int
) -> None:
    path = tmp_path_factory.mktemp("both") / "a.csv"
    path.write_bytes((top + "".join(pieces)).encode())

    def outcome() -> object:
        try:
            return summary_of(read_claims(path, csv_incident(), max_rejects=1))
        except OutageAnalysisError as error:
            return str(error)

    with patch.object(delimited, "BLOCK_BYTES", block):
        by_the_engine = outcome()
    with patch.object(delimited, "_engine_query", lambda *_: None):
        assert by_the_engine == outcome()


# --- empty texts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "xlsx"])
def test_an_empty_text_and_none_are_one_group_in_every_format(tmp_path: Path, suffix: str) -> None:
    rows: list[dict[str, str | None]] = [
        {
            "claim_id": f"A-{n}",
            "service": "카톡",
            "claimant_type": "개인",
            "filed_on": "2022-10-19",
            "loss": "5",
            "region": region,
        }
        for n, region in enumerate(["x", "", None, "x", " ", "\N{IDEOGRAPHIC SPACE}"])
    ]
    claims = read_claims(
        write_frame(tmp_path / f"a.{suffix}", pl.DataFrame(rows)), csv_incident(), max_rejects=1
    )
    cube = build_cube(claims, dimensions=("region",)).frame
    assert dict(cube.group_by("region").agg(pl.col("claims").sum()).rows()) == {"x": 2, None: 4}


ROWS = [row(n) for n in range(1, 7)]


def read_all(path: Path, content: str | bytes, *layouts: Layout) -> Claims:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    claims = read_claims(path, csv_incident(), layouts=layouts, max_rejects=1)
    rows, kept, rejected = claims.files.select("rows", "claims", "rejects").row(0)
    assert rows == kept + rejected
    return claims


def ids(claims: Claims) -> list[str]:
    return claims.to_polars()["claim_id"].to_list()


def reject_problems(claims: Claims) -> dict[int, str | None]:
    """Row -> why it cannot be read_all."""
    return dict(claims.rejected_rows.select("source_row", "problem").rows())


# --- stray quotation marks ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_each_of_several_stray_marks_is_reported_with_its_row_and_byte(tmp_path: Path) -> None:
    table = [ROWS[0], '"' + ROWS[1], ROWS[2], row(4, '"x'), ROWS[4], ROWS[5]]
    text = lines(HEADER, *table)
    claims = read_all(tmp_path / "a.csv", text)
    assert ids(claims) == ["1", "3", "5", "6"]
    assert reject_problems(claims) == {3: NOT_CLOSED, 5: NOT_CLOSED}
    for byte, raw in claims.rejected_rows.select("byte", "raw").rows():
        assert text.encode()[byte:].decode().startswith(raw + "\n")


@pytest.mark.slow
def test_lines_that_may_belong_to_the_note_of_a_damaged_row_are_rejected(tmp_path: Path) -> None:
    table = [ROWS[0], row(2, '"he said "no",'), ROWS[2], 'and left"', ROWS[3]]
    claims = read_all(tmp_path / "a.csv", lines(HEADER, *table))
    assert ids(claims) == ["1", "4"]
    assert reject_problems(claims)[4] == reject_problems(claims)[5] == DOUBTFUL_LINE


# --- every damaged file ends with an account ----------------------------------------------------------------


# --- bytes --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_bytes_that_are_no_text_alone_on_the_last_line_are_a_reject(tmp_path: Path) -> None:
    claims = read_all(tmp_path / "a.csv", lines(HEADER, *ROWS).encode() + b"\xff")
    assert (len(claims), reject_problems(claims)) == (6, {8: UNDECODABLE})


@pytest.mark.slow
def test_lines_in_cp949_in_a_utf_8_file_are_rejected_and_the_other_way_round(tmp_path: Path) -> None:
    parts = [line.encode() + b"\n" for line in (HEADER, *ROWS)]
    parts[3] = ROWS[2].encode("cp949") + b"\n"
    claims = read_all(tmp_path / "a.csv", b"".join(parts))
    assert (ids(claims), claims.inputs[0].encoding) == (["1", "2", "4", "5", "6"], "utf-8")
    parts = [line.encode("cp949") + b"\n" for line in (HEADER, *ROWS)]
    parts[3] = ROWS[2].encode() + b"\n"
    claims = read_all(tmp_path / "a.csv", b"".join(parts))
    assert (ids(claims), claims.inputs[0].encoding) == (["1", "2", "4", "5", "6"], "cp949")
    assert claims.rejected_rows["byte"].to_list() == [len(b"".join(parts[:3]))]


# --- headers and fields -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_header_without_a_name_that_could_be_anywhere_is_refused(tmp_path: Path) -> None:
    assert "7 fields in each row" in str(
        refusal(tmp_path / "b.csv", lines(HEADER, *(f"{r},y" for r in ROWS)))
    )
    odd = lines(HEADER, *(f"k{n * n},C-{line}" for n, line in enumerate(ROWS)))
    error = refusal(tmp_path / "a.csv", odd)
    assert "has 7 fields in each row and 6 names in its header" in str(error)
    assert error.row == 1
