"""Views of a cube: wider bands, shares and cumulative intake, against sums made by hand."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, strategies as st

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import UNKNOWN, Bands, log_grid
from outage_analysis.losses import (
    Cube,
    cumulative_intake,
    display_bands,
    loss_counts,
    quantiles,
    regroup,
    summary,
    with_shares,
)
from outage_analysis.losses.cube import PROBABILITIES, Cell, loss_bounds
from outage_analysis.losses.severity import fit_edges
from tests.loss_cubes import (
    CUTS,
    LOSSES,
    band_of,
    counts_only,
    cube_of_claims,
    cube_of_rows,
    loss_cube,
    made_up,
)

FINE = Bands((100, 200, 300, 400))
WIDE = Bands((200, 400))


SMALL = cube_of_rows(
    [
        ("mail", -1, 0, 3, 0),
        ("mail", 0, 100, 2, 150),
        ("mail", 100, 200, 1, 180),
        ("mail", 200, 300, 4, 1000),
        ("mail", None, None, 5, 0),
        ("taxi", 300, 400, 1, 400),
        ("taxi", 400, None, 2, 1500),
    ],
    "service",
)


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
    found = {row[:2]: row[2:] for row in regroup(cube_of_rows(cells, "service"), [], wide).rows()}
    for band in wide.rows():
        inside = [loss for loss in losses if band_of(wide, loss) == band]
        stated = None if band == UNKNOWN else sum(loss or 0 for loss in inside)
        assert found.get(band, (0, stated)) == (len(inside), stated)


def test_bands_that_are_no_union_and_dimensions_that_are_not_there_are_refused() -> None:
    with pytest.raises(UsageError, match="the band over 100 up to 200 lies in no display band"):
        regroup(SMALL, ["service"], Bands((150, 400)))
    for by in (["servce"], ["service", "region"]):
        with pytest.raises(UsageError, match="the cube has no such dimension"):
            regroup(SMALL, by)
    with pytest.raises(UsageError, match="named twice"):
        regroup(SMALL, ["service", "service"])


def test_a_sum_of_losses_of_which_one_is_not_known_is_not_known() -> None:
    counted = cube_of_rows(
        [("mail", 0, 100, 2, 150), ("mail", 100, 200, 1), ("taxi", 0, 100, 1, 50)], "service"
    )
    assert regroup(counted, ["service"]).rows() == [("mail", 3, None), ("taxi", 1, 50)]


def test_shares_of_a_group_and_of_all_add_up_to_one() -> None:
    assert with_shares(SMALL.frame, ["service"])["share"].to_list()[:2] == [3 / 15, 2 / 15]
    assert with_shares(regroup(SMALL, ["service"]))["share"].to_list() == pytest.approx([15 / 18, 3 / 18])
    none = pl.DataFrame({"service": ["mail", "taxi"], "claims": [0, 2]})
    assert with_shares(none, ["service"])["share"].to_list() == [None, 1.0]


INTAKE = cube_of_rows(
    [
        ("mail", date(2022, 10, 19), 0, 100, 2, 10),
        ("mail", date(2022, 10, 19), 100, 200, 1, 150),
        ("mail", date(2022, 10, 22), 0, 100, 4, 10),
        ("taxi", date(2022, 10, 20), 0, 100, 1, 10),
    ],
    "service",
    filed_on=pl.Date,
)


def test_every_day_from_the_first_to_the_last_has_a_row() -> None:
    assert cumulative_intake(INTAKE).rows() == [
        (date(2022, 10, 19), 3, 3),
        (date(2022, 10, 20), 1, 4),
        (date(2022, 10, 21), 0, 4),
        (date(2022, 10, 22), 4, 8),
    ]


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


START = datetime(2022, 10, 15, 22)  # noqa: DTZ001 - local time


def hourly(rows: list[tuple[str, datetime | None, int]]) -> Cube:
    """A cube of claims without a stated loss: service, hour, claims."""
    cells = [(service, hour, None, None, claims) for service, hour, claims in rows]
    return cube_of_rows(cells, "service", filed_hour=pl.Datetime("us"))


def test_claims_of_which_only_the_day_is_known_are_counted_apart() -> None:
    later = START + timedelta(hours=1)
    counted = hourly([("app", None, 4), ("app", START, 3), ("web", None, 5), ("bus", later, 1)])
    assert cumulative_intake(counted, per="hour").rows() == [(START, 3, 3), (later, 1, 4), (None, 9, None)]
    assert cumulative_intake(hourly([]), per="hour").is_empty()
    assert cumulative_intake(hourly([("app", None, 4)]), per="hour").rows() == [(None, 4, None)]
    with pytest.raises(UsageError, match="the cube has no such dimension"):
        cumulative_intake(hourly([("app", START, 1)]))


def exact(losses: list[int], p: float) -> int:
    """The smallest loss that at least the share p of the losses do not exceed."""
    return min(x for x in losses if Fraction(sum(y <= x for y in losses), len(losses)) >= Fraction(str(p)))


# --- a group in one row ---------------------------------------------------------------------------------


def test_a_summary_counts_every_kind_of_claim_and_averages_the_stated_ones() -> None:
    losses = [-4, None, None, 0, 0, 10, 30]
    table = summary(loss_cube(losses, 10, 20, negative=True))
    assert table.columns == [
        "claims", "negative", "zero", "unknown", "stated", "loss", "mean",
        "median", "median_low", "median_high",
    ]  # fmt: skip
    assert table.rows() == [(7, 1, 2, 2, 5, 36, 7.2, 0, 0, 0)]


def test_each_group_has_its_row_also_one_without_a_name_or_a_stated_loss() -> None:
    cube = cube_of_claims([("mail", 5), ("mail", 7), (None, 3), ("taxi", None)], Bands((10,)))
    table = summary(cube, ["service"]).select("service", "claims", "stated", "loss", "mean")
    assert table.rows() == [(None, 1, 1, 3, 3.0), ("mail", 2, 2, 12, 6.0), ("taxi", 1, 0, 0, None)]
    assert quantiles(cube, ["service"], [0.5]).filter(service="taxi").rows() == [
        ("taxi", 0.5, None, None, None, None)
    ]


def test_without_sums_a_mean_is_not_known_but_zero_is_zero() -> None:
    assert summary(counts_only(loss_cube([0, 5], 10)))["mean"].to_list() == [None]
    assert summary(counts_only(loss_cube([0, 0, None], 10)))["mean"].to_list() == [0.0]


# --- quantiles ------------------------------------------------------------------------------------------


def test_a_quantile_lies_between_the_ends_of_its_band() -> None:
    cube = counts_only(loss_cube([0, 15, 18, 25, 25, 25, 25], 10, 20, 30))
    assert quantiles(cube, probabilities=[0, 0.25, 0.5, 1]).rows() == [
        (0.0, 0, 0, 0, 0),
        (0.25, 13, 11, 20, 7),
        (0.5, 22, 21, 30, 8),
        (1.0, 29, 21, 30, 8),
    ]


def test_counts_alone_leave_the_open_band_open() -> None:
    cube = counts_only(loss_cube([5, 500], 10))
    assert quantiles(cube, probabilities=[1]).rows() == [(1.0, None, 11, None, None)]
    below = counts_only(loss_cube([-5, 5, 6], 10, negative=True))
    assert quantiles(below, probabilities=[0]).rows() == [(0.0, None, None, -1, None)]


def test_a_share_of_a_hundred_is_that_many_and_not_one_more() -> None:
    assert 0.07 * 100 > 7
    assert quantiles(loss_cube(range(1, 101), *range(1, 101)), probabilities=[0.07])["value"].item() == 7


@given(losses=LOSSES, cuts=CUTS, p=st.one_of(st.sampled_from(PROBABILITIES), st.floats(0, 1)))
def test_the_exact_quantile_lies_in_its_bounds(losses: list[int], cuts: list[int], p: float) -> None:
    cube = loss_cube(losses, *cuts, negative=True)
    for one in (cube, counts_only(cube)):
        ((_, value, low, high, error),) = quantiles(one, probabilities=[p]).rows()
        if not losses:
            assert (value, low, high, error) == (None,) * 4
            continue
        told = exact(losses, p)
        assert low is None or low <= told
        assert high is None or told <= high
        assert value is None or (low <= value <= high and abs(value - told) <= error)
        assert value is not None or one is not cube


@given(least=st.integers(-3, 3), width=st.integers(1, 4), claims=st.integers(1, 4), data=st.data())
def test_no_bound_could_be_sharper(least: int, width: int, claims: int, data: st.DataObject) -> None:
    values = range(least, least + width + 1)
    loss = data.draw(st.sampled_from(sorted({sum(c) for c in itertools.product(values, repeat=claims)})))
    rank = data.draw(st.integers(1, claims))
    ranked = [sorted(c)[rank - 1] for c in itertools.product(values, repeat=claims) if sum(c) == loss]
    cell = Cell(least - 1, least + width, claims, loss, None)
    assert loss_bounds(cell, rank) == (min(ranked), max(ranked))


@given(losses=st.lists(st.integers(1, 10**6), min_size=1, max_size=40), p=st.floats(0, 1))
def test_the_default_grid_keeps_the_error_within_a_tenth(losses: list[int], p: float) -> None:
    ((_, value, low, high, _),) = quantiles(loss_cube(losses, *log_grid()), probabilities=[p]).rows()
    told = exact(losses, p)
    assert abs(value - told) <= max(value - low, high - value) <= math.ceil(told * (10 ** (1 / 24) - 1))


# --- refusals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_a_probability_outside_0_to_1_is_refused(p: float) -> None:
    with pytest.raises(UsageError, match="a probability is from 0 to 1"):
        quantiles(loss_cube([5], 10), probabilities=[p])


def test_bands_that_overlap_are_refused_and_apart_they_are_not() -> None:
    one, other = (
        cube_of_claims([(s, 15)], Bands(cuts)) for s, cuts in (("mail", (10, 20)), ("taxi", (12, 18)))
    )
    both = replace(one, frame=pl.concat([one.frame, other.frame]))
    with pytest.raises(ModelRefused, match=r"over 10 up to 20 and over 12 up to 18 overlap.*same bands"):
        summary(both)
    assert summary(both, ["service"])["median_low"].to_list() == [15, 15]


INF = math.inf


# --- edges ----------------------------------------------------------------------------------------------


def test_the_top_band_of_a_fit_is_open_and_holds_enough() -> None:
    many = loss_cube([*range(1_000, 2_000), *[3_000] * 40, *[5_000] * 29], *log_grid())
    assert fit_edges(many)[-2:] == (2_610, INF)  # 69 losses above it; above 4,217 there would be 29
    few = loss_cube([1_700, *range(1_000, 1_020)], *log_grid())
    assert fit_edges(few) == (0, INF)  # 1 of 21 losses is above 1,616: fewer than one in 20


def test_edges_repeat_in_every_decade_and_one_inside_a_band_is_left_out() -> None:
    cube = loss_cube(range(1_000, 100_000, 50), *log_grid(), 30_000)
    assert fit_edges(cube) == (0, 1_616, 2_610, 4_217, 6_813, 16_156, 26_102, 42_170, 68_129, INF)
    totals = cube_of_claims([("mail", x) for x in (1, 400_000, 600_000)], Bands((300_000, 500_000)))
    assert fit_edges(totals) == (0, INF)


@given(losses=LOSSES, cuts=CUTS)
def test_the_default_edges_cut_no_band(losses: list[int], cuts: list[int]) -> None:
    cube = loss_cube(losses, *cuts, negative=True)
    positive = [x for x in losses if x > 0]
    if not positive:
        with pytest.raises(ModelRefused, match="no positive loss"):
            fit_edges(cube)
        return
    _, counts = loss_counts(cube)
    assert sum(counts) == len(positive)


# --- counts ---------------------------------------------------------------------------------------------


@given(losses=LOSSES, cuts=CUTS)
def test_counts_are_those_of_the_claims(losses: list[int], cuts: list[int]) -> None:
    edges = (0, *sorted(cuts), INF)
    _, counts = loss_counts(loss_cube(losses, *cuts, negative=True), edges=edges)
    expected = [sum(low < x <= high for x in losses) for low, high in itertools.pairwise(edges)]
    assert list(counts) == expected


SERVICES = cube_of_claims([("mail", 5), ("mail", 25), ("taxi", 15), (None, 25)], Bands((10, 20)))


@pytest.mark.parametrize(
    ("value", "counts"),
    [("mail", (1, 0, 1)), (["mail", "taxi"], (1, 1, 1)), (("mail", None), (1, 0, 2)), (None, (0, 0, 1))],
)
def test_the_claims_of_some_values_are_counted(value: object, counts: tuple[int, ...]) -> None:
    assert loss_counts(SERVICES, edges=(0, 10, 20, INF), where={"service": value})[1] == counts


# --- refusals -------------------------------------------------------------------------------------------


def test_synthetic_claims_are_fitted_for_recovery_only() -> None:
    cube = made_up(SERVICES)
    with pytest.raises(ModelRefused, match=r"a fit of synthetic claims would be no finding.*recovery=True"):
        loss_counts(cube)
    assert sum(loss_counts(cube, recovery=True)[1]) > 0


def test_an_edge_inside_a_band_is_refused() -> None:
    cube = loss_cube([15, 25], 10, 20)
    with pytest.raises(UsageError, match=r"the edge 12 is inside .* over 10 up to 20\. Take an edge"):
        loss_counts(cube, edges=(0, 12, INF))
    with pytest.raises(UsageError, match=r"the edge 40 is inside the cube's band over 20\. "):
        loss_counts(cube, edges=(0, 40))
    assert loss_counts(cube, edges=(0, 7, 20, INF))[1] == (0, 1, 1)  # an edge where no claim is


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"servce": "mail"}, r"no such dimension \(found 'servce'\). Did you mean 'service'\?"),
        ({"service": "mial"}, r"no claim of the cube has it \(found 'mial'\). Did you mean 'mail'\?"),
    ],
)
def test_unknown_names_are_refused(where: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        loss_counts(SERVICES, where=where)


def test_a_band_that_mixes_zero_with_positive_losses_has_a_quantile_but_no_count() -> None:
    cube = loss_cube([5], 10)
    mixed = replace(cube, frame=cube.frame.with_columns(over=pl.lit(-1, pl.Int64)))
    assert quantiles(mixed, probabilities=[0.5]).select("low", "high").rows() == [(5, 5)]
    with pytest.raises(ModelRefused, match="mixes losses up to 0 with larger ones"):
        loss_counts(mixed)
