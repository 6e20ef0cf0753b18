"""Sobol points against scipy's, their nets, what stays when more is asked for, and rank correlations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from outage_analysis.costs.simulation import (
    MAX_DIMENSIONS,
    correlate_ranks,
    direction_numbers,
    sobol_points,
    sobol_replicates,
)
from outage_analysis.errors import UsageError


def test_the_direction_numbers_are_those_of_scipys_sequence() -> None:
    power = 11
    columns = direction_numbers(MAX_DIMENSIONS)[:, :power] << (power - 1 - np.arange(power, dtype=np.uint64))
    points = np.zeros((1, MAX_DIMENSIONS), np.uint64)
    for column in columns.T:
        points = np.concatenate([points, points ^ column])
    gray = np.arange(2**power) ^ (np.arange(2**power) >> 1)  # the order in which scipy goes
    expected = stats.qmc.Sobol(MAX_DIMENSIONS, scramble=False).random_base2(power)
    np.testing.assert_array_equal(points[gray] / 2**power, expected)


def test_every_replicate_is_a_net() -> None:
    u = sobol_points(40, 4 * 64, seed=7, replicates=4)
    assert u.shape == (4, 64, 40)
    assert ((u > 0) & (u < 1)).all()
    # Cut into 64 equal parts, each coordinate has one point in each; so have the first two in all boxes.
    assert (np.sort(np.floor(u * 64), axis=1) == np.arange(64)[:, None]).all()
    for power in range(7):
        boxes = np.floor(u[..., 0] * 2**power) * 64 + np.floor(u[..., 1] * 2 ** (6 - power))
        assert all(len(np.unique(replicate)) == 64 for replicate in boxes)


def test_the_same_seed_gives_the_same_points_for_ever() -> None:
    u = sobol_points(2, 8, seed=20221015, replicates=2)
    pinned = [
        0.13118965623805534, 0.626077501930684, 0.4874074357449457, 0.9886095292841769,
        0.07120517434323415, 0.5707270881562766, 0.4570977830716306, 0.9576105495973756,
    ]  # fmt: skip
    assert u[..., 0].ravel().tolist() == pinned
    assert not np.isin(u, sobol_points(2, 8, seed=20221016, replicates=2)).any()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"count": 1000}, "fits is 1,024"),
        ({"count": 1025}, "fits is 2,048"),
        ({"count": 96, "replicates": 3}, None),
        ({"count": 100, "replicates": 3}, "fits is 192"),
        ({"count": 0}, "fits is 8"),
        ({"count": -5}, "fits is 8"),
        ({"count": 2**40}, "more draws"),
        ({"seed": -1}, "seed"),
    ],
)
def test_numbers_that_do_not_fit_are_refused_with_the_next_that_do(
    wrong: dict[str, int], says: str | None
) -> None:
    asked = {"dimensions": 2, "count": 1024, "seed": 1, "replicates": 8} | wrong
    if says is None:
        sobol_points(**asked)
        return
    with pytest.raises(UsageError, match=says):  # at once, not at the first point
        sobol_replicates(**asked)


def test_declared_rank_correlations_come_out() -> None:
    (u, *_) = sobol_replicates(4, 2**14, seed=3, replicates=2)
    ranks = np.eye(4)
    ranks[0, 2] = ranks[2, 0] = 0.5
    ranks[2, 3] = ranks[3, 2] = -0.7
    tied = correlate_ranks(u, ranks)
    assert stats.spearmanr(tied).statistic == pytest.approx(ranks, abs=3e-3)
    assert (np.sort(np.floor(tied[:, 2] * 16)) == np.repeat(np.arange(16), 512)).mean() > 0.99  # uniform
    np.testing.assert_array_equal(tied[:, :2], u[:, :2])  # depend on none before


@given(st.integers(0, 2**32), st.integers(1, 6))
def test_the_correlations_of_any_copula_are_taken_and_keep_points_inside(seed: int, size: int) -> None:
    loads = np.random.default_rng(seed).normal(size=(size, size + 1))
    normal = np.corrcoef(loads) if size > 1 else np.ones((1, 1))
    ranks = 6 / np.pi * np.arcsin((normal + normal.T) / 4)
    np.fill_diagonal(ranks, 1)
    tied = correlate_ranks(sobol_points(size, 128, seed=seed), ranks)
    assert ((tied > 0) & (tied < 1)).all()
