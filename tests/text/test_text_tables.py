"""Tables as text: whatever the width, no digit is cut, no word is shortened, no line is too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from outage_analysis.text import Table, wrap_text

TOTALS = Table(
    ("valuation", "expected", "left_out"),
    (
        ("cash", "189,917,025", "taxi-pro-membership emoticon-plus"),
        ("face_value", "160,686,464,900", ""),
        ("카카오톡 현금", "7", "카카오톡 선물하기"),
    ),
    frozenset({1}),
)


def test_a_grid_shows_each_row_on_one_line_where_there_is_room() -> None:
    assert TOTALS.grid() == [
        " valuation             expected  left_out",
        " " + "─" * 65,
        " cash               189,917,025  taxi-pro-membership emoticon-plus",
        " face_value     160,686,464,900",
        " 카카오톡 현금                7  카카오톡 선물하기",
    ]


def test_texts_are_broken_between_words_and_numbers_never() -> None:
    assert TOTALS.fits(52)
    assert TOTALS.grid(52) == [
        " valuation             expected  left_out",
        " " + "─" * 51,
        " cash               189,917,025  taxi-pro-membership",
        "                                 emoticon-plus",
        " face_value     160,686,464,900",
        " 카카오톡 현금                7  카카오톡 선물하기",
    ]
    assert TOTALS.fits(51)
    assert not TOTALS.fits(50)


def test_a_grid_without_room_becomes_blocks_of_labels_and_values() -> None:
    assert TOTALS.blocks(40) == [
        " valuation: cash",
        " expected:  189,917,025",
        " left_out:  taxi-pro-membership",
        "            emoticon-plus",
        "",
        " valuation: face_value",
        " expected:  160,686,464,900",
        "",
        " valuation: 카카오톡 현금",
        " expected:  7",
        " left_out:  카카오톡 선물하기",
    ]


def test_a_value_without_room_beside_its_label_starts_on_the_next_line() -> None:
    assert TOTALS.blocks(24)[:7] == [
        " valuation:",
        "   cash",
        " expected:",
        "   189,917,025",
        " left_out:",
        "   taxi-pro-membership",
        "   emoticon-plus",
    ]


def test_a_grid_of_tall_rows_is_no_better_than_blocks() -> None:
    number = "1," * 12 + "1"
    short, long = (
        Table(("text", "n"), ((text, number),), frozenset({1})) for text in ("word", "word " * 60 + "end")
    )
    assert short.fits(48)
    assert len(long.grid(48)) > len(long.blocks(48)) + 2
    assert not long.fits(48)


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 3, ["one", "two", "thr", "ee"]),
        ("300,000 원 이하", 10, ["300,000 원", "이하"]),
        ("카카오톡", 5, ["카카", "오톡"]),
        ("", 5, [""]),
    ],
)
def test_text_is_wrapped_between_words(text: str, width: int, expected: list[str]) -> None:
    assert wrap_text(text, width) == expected


words = st.text("abcdefgh-가나다라", min_size=1, max_size=30)
numbers = st.one_of(st.just(""), st.integers(-(10**15), 10**15).map("{:,}".format))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Tables of texts and numbers, wide and narrow."""
    kinds = draw(st.lists(st.booleans(), min_size=1, max_size=8))
    text = st.lists(words, max_size=12).map(" ".join)
    cells = [numbers if number else text for number in kinds]
    rows = draw(st.lists(st.tuples(*cells), max_size=5))
    heads = draw(st.tuples(*(words for _ in kinds)))
    return Table(heads, tuple(rows), frozenset(n for n, number in enumerate(kinds) if number))


@given(tables(), st.integers(40, 200))
def test_no_line_is_too_long_and_nothing_is_cut(table: Table, width: int) -> None:
    forms = [table.blocks(width), *([table.grid(width)] if table.fits(width) else [])]
    for lines in forms:
        assert all(cell_len(line) <= width for line in lines)
        found = set(" ".join(lines).split())
        shown = [text for row in table.rows for text in row]
        assert {word for text in shown for word in text.split()} <= found
    assert len(table.grid()) == len(table.rows) + 2
