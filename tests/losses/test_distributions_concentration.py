"""Concentration: exact at band edges, and between bounds that hold for every spread inside the bands."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import Bands
from outage_analysis.losses import concentration
from outage_analysis.losses.loss_summaries import TOPS
from tests.loss_cubes import CUTS, counts_only, cube_of_claims, loss_cube


def exact_gini(losses: list[int]) -> Fraction:
    """Half the mean distance of two losses, over the mean."""
    distance = sum(abs(a - b) for a, b in itertools.product(losses, repeat=2))
    return Fraction(distance, 2 * len(losses) * sum(losses))


def exact_top(losses: list[int], top: float) -> Fraction:
    """The share of the largest losses, the last of them in part."""
    left, held = Fraction(str(top)) * len(losses), Fraction(0)
    for x in sorted(losses, reverse=True):
        held += x * max(Fraction(0), min(Fraction(1), left))
        left -= 1
    return held / sum(losses)


def test_groups_have_figures_of_their_own_and_negative_losses_none() -> None:
    cube = cube_of_claims(
        [("mail", -5), ("mail", 4), ("taxi", 3), ("web", 0), ("web", None)], Bands((5,), negative=True)
    )
    table = concentration(cube, ["service"])
    assert table.select("service", "claims", "loss", "gini_low").rows() == [
        ("mail", 1, 4, 0.0),
        ("taxi", 1, 3, 0.0),
        ("web", 1, 0, None),
    ]


def test_known_figures_come_out() -> None:
    # Four claims of which one holds all: Gini 3/4, and the largest tenth of a claim-and-a-bit holds 40 %.
    (row,) = concentration(loss_cube([0, 0, 0, 8], *range(1, 9))).rows(named=True)
    assert (row["gini_low"], row["gini_high"]) == (0.75, 0.75)
    assert (row["top_1_low"], row["top_5_low"], row["top_10_high"]) == (0.04, 0.2, 0.4)


@pytest.mark.slow
@given(losses=st.lists(st.integers(0, 60), min_size=1, max_size=40).filter(any), cuts=CUTS)
def test_the_figures_of_the_claims_lie_within_the_bounds(losses: list[int], cuts: list[int]) -> None:
    (row,) = concentration(loss_cube(losses, *cuts)).rows(named=True)
    tell = {"gini": exact_gini(losses)} | {f"top_{round(100 * t)}": exact_top(losses, t) for t in TOPS}
    for name, figure in tell.items():
        assert row[f"{name}_low"] - 1e-9 <= figure <= row[f"{name}_high"] + 1e-9


@given(losses=st.lists(st.integers(1, 5), min_size=1, max_size=5), cut=st.integers(1, 5))
def test_both_bounds_are_reached_by_some_claims(losses: list[int], cut: int) -> None:
    cube = loss_cube(losses, cut, 5)
    (row,) = concentration(cube).rows(named=True)
    cells = cube.frame.sort("over").rows()
    fits = [
        [c for c in itertools.combinations_with_replacement(range(o + 1, u + 1), n) if sum(c) == s]
        for _, o, u, n, s, _ in cells
    ]
    every = [exact_gini([x for part in parts for x in part]) for parts in itertools.product(*fits)]
    assert row["gini_low"] == pytest.approx(float(min(every)))
    assert row["gini_high"] == pytest.approx(float(max(every)))


@given(losses=st.lists(st.integers(0, 30), min_size=1).filter(any))
def test_bands_of_one_value_leave_no_room(losses: list[int]) -> None:
    (row,) = concentration(loss_cube(losses, *range(1, 31))).rows(named=True)
    for name in ("gini", "top_1", "top_5", "top_10"):
        assert row[f"{name}_low"] == row[f"{name}_high"]
    assert row["gini_low"] == pytest.approx(float(exact_gini(losses)))


def test_counts_alone_are_refused() -> None:
    with pytest.raises(ModelRefused, match=r"from counts alone.*the sum of the losses"):
        concentration(counts_only(loss_cube([5, 7], 10)))
