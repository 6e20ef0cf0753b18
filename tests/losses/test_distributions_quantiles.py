"""Quantiles of a cube: in their bounds lies the exact one, whatever the losses and the bands."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Bands, log_grid
from outage_analysis.losses import quantiles, summary
from outage_analysis.losses.cube import Cell
from outage_analysis.losses.loss_summaries import PROBABILITIES, loss_bounds, quantile
from tests.loss_cubes import CUTS, LOSSES, counts_only, cube_of_claims, loss_cube


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


def test_a_cube_without_claims_gives_no_row() -> None:
    cube = loss_cube([5], 10)
    empty = replace(cube, frame=cube.frame.clear())
    assert summary(empty, ["service"]).is_empty()
    assert quantiles(empty).is_empty()
    assert summary(empty).columns == summary(cube).columns


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


def test_sums_sharpen_the_bounds_and_close_the_open_band() -> None:
    losses = [11, 12, 13, 500, 900]
    table = quantiles(loss_cube(losses, 10, 20), probabilities=[0.2, 0.6, 0.8, 1])
    # Three losses from 11 to 20 add up to 36; two over 20 add up to 1,400.
    assert table.select("low", "high").rows() == [(11, 12), (12, 14), (21, 700), (700, 1379)]
    assert all(low <= value <= high for _, value, low, high, _ in table.iter_rows())


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


@given(losses=st.lists(st.integers(0, 40), min_size=1), p=st.floats(0, 1))
def test_bands_of_one_value_give_the_exact_quantile(losses: list[int], p: float) -> None:
    for cube in (loss_cube(losses, *range(1, 41)), counts_only(loss_cube(losses, *range(1, 41)))):
        told = exact(losses, p)
        assert quantiles(cube, probabilities=[p]).rows() == [(p, told, told, told, 0)]


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
    value, low, high = quantile_of(losses, log_grid(), p)
    told = exact(losses, p)
    assert abs(value - told) <= max(value - low, high - value) <= math.ceil(told * (10 ** (1 / 24) - 1))


def quantile_of(losses: list[int], cuts: tuple[int, ...], p: float) -> tuple[int, int, int]:
    ((_, value, low, high, _),) = quantiles(loss_cube(losses, *cuts), probabilities=[p]).rows()
    return value, low, high


# --- refusals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_a_probability_outside_0_to_1_is_refused(p: float) -> None:
    with pytest.raises(UsageError, match="a probability is from 0 to 1"):
        quantiles(loss_cube([5], 10), probabilities=[p])


def test_an_unknown_dimension_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"found 'servce'.*Did you mean 'service'\?"):
        summary(loss_cube([5], 10), ["servce"])
    with pytest.raises(UsageError, match="named twice"):
        summary(loss_cube([5], 10), ["service", "service"])
    without = replace(loss_cube([5], 10), dimensions=())
    with pytest.raises(UsageError, match="It has none"):
        summary(without, ["service"])


def test_bands_that_overlap_are_refused_and_apart_they_are_not() -> None:
    one, other = (
        cube_of_claims([(s, 15)], Bands(cuts)) for s, cuts in (("mail", (10, 20)), ("taxi", (12, 18)))
    )
    both = replace(one, frame=pl.concat([one.frame, other.frame]))
    with pytest.raises(ModelRefused, match=r"over 10 up to 20 and over 12 up to 18 overlap.*same bands"):
        summary(both)
    assert summary(both, ["service"])["median_low"].to_list() == [15, 15]


def test_a_band_of_zero_and_positive_losses_has_a_quantile() -> None:
    cube = loss_cube([5], 10)
    mixed = replace(cube, frame=cube.frame.with_columns(over=pl.lit(-1, pl.Int64)))
    assert quantiles(mixed, probabilities=[0.5]).select("low", "high").rows() == [(5, 5)]


def test_no_loss_has_no_quantile() -> None:
    assert quantile([], 0.5) == (None, None, None)
