"""One damaged row costs one row: stray quotation marks, broken bytes, NUL characters, odd headers."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outage_analysis.claims import read_claims
from outage_analysis.claims.readers.record_splitting import DOUBTFUL_LINE, NOT_CLOSED, UNDECODABLE
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Layout
from tests.claims.test_ingest_csv import HEADER, csv_incident, lines, refusal, row

if TYPE_CHECKING:
    from pathlib import Path

    from outage_analysis.claims import Claims

pytestmark = pytest.mark.slow  # many files; the contract suite reads some of each kind in the quick run

ROWS = [row(n) for n in range(1, 7)]


def read(path: Path, content: str | bytes, *layouts: Layout) -> Claims:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    claims = read_claims(path, csv_incident(), layouts=layouts, max_rejects=1)
    rows, kept, rejected = claims.files.select("rows", "claims", "rejects").row(0)
    assert rows == kept + rejected
    return claims


def ids(claims: Claims) -> list[str]:
    return claims.to_polars()["claim_id"].to_list()


def problems(claims: Claims) -> dict[int, str | None]:
    """Row -> why it cannot be read."""
    return dict(claims.rejected_rows.select("source_row", "problem").rows())


# --- stray quotation marks ----------------------------------------------------------------------------------


def test_each_of_several_stray_marks_is_reported_with_its_row_and_byte(tmp_path: Path) -> None:
    table = [ROWS[0], '"' + ROWS[1], ROWS[2], row(4, '"x'), ROWS[4], ROWS[5]]
    text = lines(HEADER, *table)
    claims = read(tmp_path / "a.csv", text)
    assert ids(claims) == ["1", "3", "5", "6"]
    assert problems(claims) == {3: NOT_CLOSED, 5: NOT_CLOSED}
    for byte, raw in claims.rejected_rows.select("byte", "raw").rows():
        assert text.encode()[byte:].decode().startswith(raw + "\n")


def test_lines_that_may_belong_to_the_note_of_a_damaged_row_are_rejected(tmp_path: Path) -> None:
    table = [ROWS[0], row(2, '"he said "no",'), ROWS[2], 'and left"', ROWS[3]]
    claims = read(tmp_path / "a.csv", lines(HEADER, *table))
    assert ids(claims) == ["1", "4"]
    assert problems(claims)[4] == problems(claims)[5] == DOUBTFUL_LINE


# --- every damaged file ends with an account ----------------------------------------------------------------


PIECES = (
    '"',
    '"",',
    '",',
    "'",
    ",",
    ",,",
    ";",
    "\n",
    "\r",
    "\0",
    "\\",
    '\\"',
    " ",
    "\u200b",
    "\x85",
    "=",
    "합계",
)
BYTES = (*(piece.encode() for piece in PIECES), b"\xff", b"\xb0\xa1", b"\xe9", b"\xef\xbb\xbf", b"\x1a")


def broken_lines(content: bytes) -> int:
    """The number of lines that are no text in UTF-8."""
    return sum(
        "\N{REPLACEMENT CHARACTER}" in line or "\0" in line
        for line in content.decode(errors="replace").split("\n")
    )


@given(
    notes=st.lists(st.sampled_from(["x", '"a, b"', '"a\nb"', '"x ""y"""', ""]), min_size=5, max_size=5),
    damage=st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 80), st.integers(0, 9), st.sampled_from(BYTES)),
        min_size=1,
        max_size=5,
    ),
    end=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_with_any_damaged_rows_ends_with_an_account_and_no_value_of_another_row(
    tmp_path_factory: pytest.TempPathFactory,
    notes: list[str],
    damage: list[tuple[int, int, int, bytes]],
    end: str,
) -> None:
    """Text is put into some rows, or replaces some of their bytes, even in all of them."""
    texts = [(row(n, note, loss=f"{n}00") + end).encode() for n, note in enumerate(notes, start=1)]
    for n, at, replaced, piece in damage:
        at %= len(texts[n])  # noqa: PLW2901 - a place within the row
        texts[n] = texts[n][:at] + piece + texts[n][at + replaced :]
    untouched = {str(n) for n in range(1, 6)} - {str(n + 1) for n, *_ in damage}
    path = tmp_path_factory.mktemp("damaged") / "a.csv"
    content = (HEADER + end).encode() + b"".join(texts)
    try:
        claims = read(path, content)
    except InputRefused as refused:
        assert re.search(r"and in \d+ of \d+ lines", refused.problem)  # noqa: PT017 - only in some examples
        assert 2 * broken_lines(content) > len([*filter(None, content.split(b"\n"))])
        return
    kept = {row["claim_id"]: row for row in claims.to_polars().iter_rows(named=True)}
    for id_ in untouched & kept.keys():
        note = next(csv.reader(io.StringIO(notes[int(id_) - 1], newline="")), [""])[0]
        row_ = kept[id_]
        assert (row_["loss"], row_["region"] or "") == (int(f"{id_}00"), note)
        assert (row_["service"], row_["filed_on"]) == ("kakaotalk", date(2022, 10, 19))


# --- bytes --------------------------------------------------------------------------------------------------


def test_bytes_that_are_no_text_alone_on_the_last_line_are_a_reject(tmp_path: Path) -> None:
    claims = read(tmp_path / "a.csv", lines(HEADER, *ROWS).encode() + b"\xff")
    assert (len(claims), problems(claims)) == (6, {8: UNDECODABLE})


def test_lines_in_cp949_in_a_utf_8_file_are_rejected_and_the_other_way_round(tmp_path: Path) -> None:
    parts = [line.encode() + b"\n" for line in (HEADER, *ROWS)]
    parts[3] = ROWS[2].encode("cp949") + b"\n"
    claims = read(tmp_path / "a.csv", b"".join(parts))
    assert (ids(claims), claims.inputs[0].encoding) == (["1", "2", "4", "5", "6"], "utf-8")
    parts = [line.encode("cp949") + b"\n" for line in (HEADER, *ROWS)]
    parts[3] = ROWS[2].encode() + b"\n"
    claims = read(tmp_path / "a.csv", b"".join(parts))
    assert (ids(claims), claims.inputs[0].encoding) == (["1", "2", "4", "5", "6"], "cp949")
    assert claims.rejected_rows["byte"].to_list() == [len(b"".join(parts[:3]))]


# --- headers and fields -------------------------------------------------------------------------------------


def test_a_header_without_a_name_that_could_be_anywhere_is_refused(tmp_path: Path) -> None:
    assert "7 fields in each row" in str(
        refusal(tmp_path / "b.csv", lines(HEADER, *(f"{r},y" for r in ROWS)))
    )
    odd = lines(HEADER, *(f"k{n * n},C-{line}" for n, line in enumerate(ROWS)))
    error = refusal(tmp_path / "a.csv", odd)
    assert "has 7 fields in each row and 6 names in its header" in str(error)
    assert error.row == 1
