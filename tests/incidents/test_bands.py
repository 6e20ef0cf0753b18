"""Loss bands: the partition, the closed sides and the ways people write them."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from outage_analysis.errors import UsageError
from outage_analysis.incidents import (
    LARGEST_LOSS,
    NEGATIVE,
    UNKNOWN,
    ZERO,
    Band,
    Bands,
    band_within,
    check_partition,
    log_grid,
    parse_band,
)
from tests.loss_cubes import band_of

LOSSES = st.integers(-5, 60)
CUTS = st.lists(st.integers(1, 50), max_size=6, unique=True).map(sorted).map(tuple)


def holds(band: Band, loss: int) -> bool:
    """The definition: over < loss <= up_to, an open end where an edge is missing."""
    low = band[0] is None or band[0] < loss
    return band != UNKNOWN and low and (band[1] is None or loss <= band[1])


@given(cuts=CUTS, loss=LOSSES)
def test_every_loss_lies_in_exactly_one_row(cuts: tuple[int, ...], loss: int) -> None:
    bands = Bands(cuts, negative=True)
    assert sum(holds(row, loss) for row in bands.rows()) == 1


def test_an_unknown_loss_has_its_own_band_and_zero_another() -> None:
    bands = Bands((10,))
    assert bands.rows() == [ZERO, (0, 10), (10, None), UNKNOWN]
    assert band_within((5, None), (0, None))
    assert not band_within((5, None), (0, 9))
    assert [band_within(UNKNOWN, outer) for outer in (UNKNOWN, (0, None))] == [True, False]


@given(
    edges=st.lists(st.integers(2, 50), min_size=1, max_size=5, unique=True).map(sorted),
    loss=st.integers(1, 60),
)
def test_closed_below_is_the_same_as_a_cut_one_unit_lower(edges: list[int], loss: int) -> None:
    low, high = band_of(Bands.from_cuts(tuple(edge - 1 for edge in edges)), loss)
    assert low is not None
    assert low + 1 == max([e for e in edges if e <= loss], default=1)
    assert (None if high is None else high + 1) == min([e for e in edges if e > loss], default=None)


def test_the_union_of_cuts_is_sorted_positive_and_without_repeats() -> None:
    assert Bands.from_cuts((5, 3), (3, 0, -1), ()).cuts == (3, 5)
    assert Bands.from_cuts((5, 3), (3, -2), negative=True).cuts == (-2, 3, 5)


@pytest.mark.parametrize(
    ("cuts", "negative", "wrong"),
    [
        ((300_000, 200_000), False, "200000"),
        ((200_000, 200_000), False, "200000"),
        ((5, -9), True, "-9"),
        ((0, 5), False, "0"),
        ((-2, 5), False, "-2"),
        ((-1, 5), True, "-1"),
        ((1.5, 5), False, "1.5"),
        (("300000", 5), False, "300000"),
        ((True, 5), False, "True"),
        ((2**63,), False, "9223372036854775808"),
    ],
)
def test_edges_with_which_a_loss_has_two_bands_or_none_are_refused(
    cuts: tuple[int, ...], wrong: str, *, negative: bool
) -> None:
    with pytest.raises(UsageError, match=rf"whole numbers.*that increase .found '{wrong}'.. Write each once"):
        Bands(cuts, negative=negative)


@given(cuts=CUTS, loss=LOSSES)
def test_mirrored_bands_hold_each_negative_loss_as_finely_as_its_opposite(
    cuts: tuple[int, ...], loss: int
) -> None:
    bands = Bands(cuts).with_mirrored_negatives()
    assert bands == bands.with_mirrored_negatives()
    assert sum(holds(row, loss) for row in bands.rows()) == 1
    assert all(band in bands.rows() for band in Bands(cuts).rows())
    if loss:
        low, high = band_of(bands, loss)
        opposite = band_of(bands, -loss)
        assert opposite == (None if high is None else -high - 1, None if low is None else -low - 1)


def test_the_default_grid_has_integer_cuts_from_one_to_the_largest_loss() -> None:
    grid = log_grid()
    assert grid[0] == 1
    assert grid[-1] == LARGEST_LOSS
    assert list(grid) == sorted(set(grid))
    assert {10**k for k in range(16)} <= set(grid)


@given(
    a=st.tuples(st.integers(-3, 9), st.integers(1, 9)).map(lambda t: (t[0], t[0] + t[1])),
    b=st.tuples(st.integers(-3, 9), st.integers(1, 9)).map(lambda t: (t[0], t[0] + t[1])),
)
def test_a_band_is_within_another_when_its_losses_are(a: tuple[int, int], b: tuple[int, int]) -> None:
    of_a, of_b = set(range(a[0] + 1, a[1] + 1)), set(range(b[0] + 1, b[1] + 1))
    assert band_within(a, b) is (of_a <= of_b)


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ([(0, 5), (6, None)], "there is a gap: no band covers losses over 5 up to 6"),
        ([(0, 5), (4, None)], "two bands overlap on losses over 4 up to 5"),
        ([(0, 5), (5, 9)], "the last band ends at 9: larger losses have no rule"),
        ([(1, None)], "there is a gap: no band covers losses over 0 up to 1"),
        ([(0, 5), (5, 5), (5, None)], "the band over 5 is empty"),
        ([(0, None), (5, None)], "the band over 5 is empty, or a band below it has no upper edge"),
    ],
)
def test_a_list_of_bands_that_is_no_partition_is_refused(
    bands: list[tuple[int, int | None]], message: str
) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        check_partition(bands)


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("(0, 300000]", (0, 300_000)),
        ("(0,300000]", (0, 300_000)),
        ("(0,300]", (0, 300)),
        ("[300000, 500000)", (299_999, 499_999)),
        ("[300000, 500000]", (299_999, 500_000)),
        ("[0, 300000)", (-1, 299_999)),
        ("[0, 0]", ZERO),
        ("(500000, inf]", (500_000, None)),
        ("(500000,]", (500_000, None)),
        ("(100000000000000, 1000000000000000]", (10**14, 10**15)),
        (">500000", (500_000, None)),
        (">-5", (-5, None)),
        ("0", ZERO),
        ("unknown", UNKNOWN),
        ("  UNKNOWN ", UNKNOWN),
        ("negative", NEGATIVE),
    ],
)
def test_a_band_is_read_as_people_write_it(text: str, band: Band) -> None:
    assert parse_band(text) == band


@pytest.mark.parametrize(
    "text",
    [
        "a lot",
        "0-300000",
        "",
        "up to 300000",
        ">=500000",
        "(0, 300,000]",
        "(5, 3]",
        "(1, 2)",
        "(5, 5]",
        "<0",
        "<=0",
        "<1",
        ">,",
        "> _",
        ">1,2",
        ">",
        "(0, 1.5]",
        "(0, 1e5]",
        "(0, 300000",
        "0, 300000]",
        "(0, 3\n00]",
        "(0, 300000] or more",
        "(٣, ٤]",
        "> ٣",
        ">1000000000000001",
        "(0, 99999999999999999999]",
        "(0, " + "9" * 5000 + "]",
        "9" * 5000,
    ],
)
def test_what_is_no_band_is_refused_with_the_ways_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match="is not a loss band") as refusal:
        parse_band(text)
    assert "[300000, 500000)" in refusal.value.remedy
