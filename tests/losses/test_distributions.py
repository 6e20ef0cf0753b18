"""Views of a cube: wider bands, shares and cumulative intake, against sums made by hand."""

from __future__ import annotations

from datetime import date
from itertools import combinations
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outage_analysis.claims import Claims, read_claims
from outage_analysis.errors import UsageError
from outage_analysis.incidents import UNKNOWN, Bands, Incident
from outage_analysis.losses import (
    EDGES,
    MEASURES,
    Cube,
    build_cube,
    cumulative_intake,
    display_bands,
    regroup,
    with_shares,
)
from tests.conftest import ClaimsCsv
from tests.loss_cubes import band_of

FINE = Bands((100, 200, 300, 400))
WIDE = Bands((200, 400))


def cube(rows: list[tuple[Any, ...]], dimensions: dict[str, Any] | None = None) -> Cube:
    """A cube from rows of dimensions, over, up_to, claims and loss."""
    by = dimensions or {"service": pl.String}
    frame = pl.DataFrame([(*r, None) for r in rows], schema={**by, **EDGES, **MEASURES}, orient="row")
    return Cube(frame, tuple(by), synthetic=False, source="a test")


SMALL = cube(
    [
        ("mail", -1, 0, 3, 0),
        ("mail", 0, 100, 2, 150),
        ("mail", 100, 200, 1, 180),
        ("mail", 200, 300, 4, 1000),
        ("mail", None, None, 5, 0),
        ("taxi", 300, 400, 1, 400),
        ("taxi", 400, None, 2, 1500),
    ]
)


def test_a_cube_summed_over_its_bands_keeps_every_claim() -> None:
    assert regroup(SMALL, ["service"]).rows() == [("mail", 15, 1330), ("taxi", 3, 1900)]
    assert regroup(SMALL, []).rows() == [(18, 3230)]


def test_wider_bands_are_exact_unions_of_the_cubes() -> None:
    assert regroup(SMALL, ["service"], WIDE).rows() == [
        ("mail", -1, 0, 3, 0),
        ("mail", 0, 200, 3, 330),
        ("mail", 200, 400, 4, 1000),
        ("mail", None, None, 5, None),  # they state no loss to add up
        ("taxi", 200, 400, 1, 400),
        ("taxi", 400, None, 2, 1500),
    ]


@given(losses=st.lists(st.one_of(st.none(), st.integers(-5, 600)), min_size=1))
def test_regrouping_finds_each_claim_in_the_band_that_holds_it(losses: list[int | None]) -> None:
    fine, wide = (Bands(b.cuts, negative=True) for b in (FINE, WIDE))
    cells = [("x", *band_of(fine, loss), 1, loss or 0) for loss in losses]
    found = {row[:2]: row[2:] for row in regroup(cube(cells), [], wide).rows()}
    for band in wide.rows():
        inside = [loss for loss in losses if band_of(wide, loss) == band]
        stated = None if band == UNKNOWN else sum(loss or 0 for loss in inside)
        assert found.get(band, (0, stated)) == (len(inside), stated)


def test_bands_that_are_no_union_of_the_cubes_are_refused() -> None:
    with pytest.raises(UsageError, match="the band over 100 up to 200 lies in no display band"):
        regroup(SMALL, ["service"], Bands((150, 400)))


def test_a_dimension_that_the_cube_does_not_have_is_refused() -> None:
    for by in (["servce"], ["service", "region"]):
        with pytest.raises(UsageError, match="the cube has no such dimension"):
            regroup(SMALL, by)
    with pytest.raises(UsageError, match="named twice"):
        regroup(SMALL, ["service", "service"])


EVERY = ("service", "claimant_type", "region", "industry", "filed_on")


@pytest.fixture
def mixed(claims_csv: ClaimsCsv, incident: Incident) -> Claims:
    """Claims that differ in every dimension, some without a region, an industry or a loss."""
    rows = [
        {
            "service": ("카톡", "멜론")[n % 2],
            "claimant_type": ("소상공인", "일반 이용자")[n % 3 % 2],
            "region": ("서울", "", "부산")[n % 3],
            "industry": ("카페", "")[n % 5 % 2],
            "filed_on": f"2022-10-{19 + n % 4}",
            "loss": ("", "0", "50", "150", "350", "9000")[n % 6],
        }
        for n in range(60)
    ]
    return read_claims(claims_csv(rows), incident)


@pytest.mark.slow
def test_every_combination_of_dimensions_is_what_the_engine_groups(mixed: Claims) -> None:
    full = build_cube(mixed, dimensions=EVERY, bands=FINE)
    for size in range(len(EVERY) + 1):
        for by in combinations(EVERY, size):
            names = ", ".join((*by, "up_to"))
            query = (
                f"select {names}, count(*) as claims, sum(loss)::bigint as loss "  # noqa: S608
                "from (select *, case when loss <= 0 then 0 when loss <= 200 then 200 "
                "when loss <= 400 then 400 when loss > 400 then 999 else -1 end as up_to from claims) "
                f"group by {names} order by all"
            )
            over = pl.when(pl.col("over").is_null()).then(-1).otherwise(999)
            found = regroup(full, by, WIDE).with_columns(pl.col("up_to").fill_null(over)).drop("over")
            assert sorted(found.rows(), key=str) == sorted(mixed.query(query).rows(), key=str)
            shares = with_shares(found, by)
            for _, group in shares.group_by(by) if by else [((), shares)]:
                assert group["share"].to_list() == pytest.approx(
                    (group["claims"] / group["claims"].sum()).to_list()
                )


def test_a_sum_of_losses_of_which_one_is_not_known_is_not_known() -> None:
    counted = cube([("mail", 0, 100, 2, 150), ("mail", 100, 200, 1, None), ("taxi", 0, 100, 1, 50)])
    assert regroup(counted, ["service"]).rows() == [("mail", 3, None), ("taxi", 1, 50)]


def test_shares_of_a_group_add_up_to_one() -> None:
    frame = with_shares(SMALL.frame, ["service"])
    for _, group in frame.group_by("service"):
        assert group["share"].sum() == pytest.approx(1)
    assert frame["share"].to_list()[:2] == [3 / 15, 2 / 15]


def test_a_group_without_a_claim_has_no_share() -> None:
    frame = pl.DataFrame({"service": ["mail", "taxi"], "claims": [0, 2]})
    assert with_shares(frame, ["service"])["share"].to_list() == [None, 1.0]


def test_shares_of_all_add_up_to_one() -> None:
    frame = with_shares(regroup(SMALL, ["service"]))
    assert frame["share"].to_list() == pytest.approx([15 / 18, 3 / 18])


INTAKE = cube(
    [
        ("mail", date(2022, 10, 19), 0, 100, 2, 10),
        ("mail", date(2022, 10, 19), 100, 200, 1, 150),
        ("mail", date(2022, 10, 22), 0, 100, 4, 10),
        ("taxi", date(2022, 10, 20), 0, 100, 1, 10),
    ],
    {"service": pl.String, "filed_on": pl.Date},
)


def test_every_day_from_the_first_to_the_last_has_a_row() -> None:
    assert cumulative_intake(INTAKE).rows() == [
        (date(2022, 10, 19), 3, 3),
        (date(2022, 10, 20), 1, 4),
        (date(2022, 10, 21), 0, 4),
        (date(2022, 10, 22), 4, 8),
    ]


def test_no_claim_gives_no_day() -> None:
    empty = Cube(INTAKE.frame.clear(), INTAKE.dimensions, synthetic=False, source="a test")
    assert cumulative_intake(empty).is_empty()


@pytest.mark.parametrize(
    ("cuts", "shown"),
    [
        ((300_000, 500_000), (100_000, 300_000, 500_000, 1_000_000)),
        ((60,), (10, 60, 100)),
        ((), (1_000, 10_000, 100_000, 1_000_000, 10_000_000)),
    ],
)
def test_display_bands_are_the_policys_cuts_and_the_powers_of_ten_near_them(
    cuts: tuple[int, ...], shown: tuple[int, ...]
) -> None:
    bands = display_bands(cuts)
    assert set(shown) <= set(bands.cuts)
    assert set(cuts) <= set(bands.cuts)
    near = [10**k for k in range(16)]
    assert all(c in cuts or c in near for c in bands.cuts)
    if cuts:
        assert all(cuts[0] / 10 <= c <= cuts[-1] * 10 for c in bands.cuts)
    assert not bands.negative
    assert display_bands(cuts, negative=True).negative
