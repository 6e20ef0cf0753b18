"""Sobol indices against closed forms, and what is exact whatever the draws."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import special

from outage_analysis.costs.sensitivity.variance_shares import sobol_indices
from outage_analysis.errors import ModelRefused, UsageError

Array = NDArray[np.float64]

ONE_EACH = {"a": (0,), "b": (1,), "c": (2,)}
# The variance of a product of independent inputs with these coefficients of variation, taken apart.
CVS = np.array([0.1, 0.2, 0.05])
PRODUCT_FIRST = [0.18858673103760418, 0.7543469241504167, 0.047146682759401044]
PRODUCT_TOTAL = [0.1966205257798061, 0.7637951193754006, 0.04952287557047485]


def product(u: Array) -> Array:
    sigmas = np.sqrt(np.log1p(CVS**2))
    return np.asarray(5e8 * np.exp(special.ndtri(u) @ sigmas))


def ishigami(u: Array) -> Array:
    x, y, z = (np.pi * (2 * u - 1)).T
    return np.asarray(np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x))


def within(table: pl.DataFrame, name: str, truth: list[float]) -> list[bool]:
    low, high = table[f"{name}_low"], table[f"{name}_high"]
    return [a <= t <= b for a, t, b in zip(low, truth, high, strict=True)]


def test_the_indices_of_a_product_are_the_closed_form() -> None:
    table = sobol_indices(product, ONE_EACH, count=2**14, seed=6)
    assert table.columns == [
        "group", "first", "first_low", "first_high", "total", "total_low", "total_high",
    ]  # fmt: skip
    assert table["group"].to_list() == ["a", "b", "c"]
    assert table["first"].to_list() == pytest.approx(PRODUCT_FIRST, abs=1e-3)
    assert table["total"].to_list() == pytest.approx(PRODUCT_TOTAL, abs=1e-3)
    assert within(table, "first", PRODUCT_FIRST) == within(table, "total", PRODUCT_TOTAL) == [True] * 3


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    held = np.array(
        [
            within(table, "first", PRODUCT_FIRST) + within(table, "total", PRODUCT_TOTAL)
            for table in (sobol_indices(product, ONE_EACH, count=2**10, seed=seed) for seed in range(60))
        ]
    )
    # 90 % of 60 runs is 54, give or take 2.3.
    assert (held.sum(axis=0) >= 49).all()


def test_the_indices_of_ishigamis_function_are_the_closed_form() -> None:
    alone = [(1 + 0.1 * np.pi**4 / 5) ** 2 / 2, 49 / 8, 0.0]
    joint = 0.1**2 * np.pi**8 * (1 / 18 - 1 / 50)
    everything = sum(alone) + joint
    table = sobol_indices(ishigami, ONE_EACH, count=2**15, seed=1)
    first = [v / everything for v in alone]
    total = [(alone[0] + joint) / everything, alone[1] / everything, joint / everything]
    assert table["first"].to_list() == pytest.approx(first, abs=4e-3)
    assert table["total"].to_list() == pytest.approx(total, abs=4e-3)
    # The third input matters only together with the first: nothing is clipped around its 0.
    assert table["first_low"][2] < 0 < table["first_high"][2]


def test_an_additive_model_has_no_interaction_and_an_idle_input_has_no_effect() -> None:
    table = sobol_indices(lambda u: 3 * u[:, 0] + u[:, 1] ** 2, ONE_EACH, count=2**8, seed=2)
    assert table["first"].to_list() == pytest.approx(table["total"].to_list())
    assert table["first"].sum() == pytest.approx(1, abs=1e-3)
    assert table.row(2)[1:] == (0, 0, 0, 0, 0, 0)


def test_groups_are_whole_and_a_total_is_what_the_others_leave() -> None:
    pair = sobol_indices(ishigami, {"ac": (0, 2), "b": (1,)}, count=2**8, seed=3)
    assert pair["total"][0] == pytest.approx(1 - pair["first"][1])
    assert pair["total"][1] == pytest.approx(1 - pair["first"][0])
    whole = sobol_indices(ishigami, {"all": (2, 0, 1)}, count=2**8, seed=3)
    assert whole.row(0)[1:] == pytest.approx((1, 1, 1, 1, 1, 1))


def test_results_far_from_zero_lose_nothing() -> None:
    near = sobol_indices(ishigami, ONE_EACH, count=2**8, seed=4)
    far = sobol_indices(lambda u: ishigami(u) + 1e6, ONE_EACH, count=2**8, seed=4)
    assert near["first"].to_list() == pytest.approx(far["first"].to_list(), abs=1e-7)


def test_what_varies_in_one_replicate_only_is_still_shared_out() -> None:
    rare = sobol_indices(
        lambda u: np.where(u[:, 0] < 1 / 300, 1.0, 0.0), {"a": (0,), "b": (1,)}, count=2**9, seed=5
    )
    assert rare["total"].to_list() == [1, 0]


def test_a_model_that_does_not_vary_is_refused() -> None:
    for constant in (lambda u: np.full(len(u), 7e9), lambda u: 0 * u[:, 0], lambda u: 0.1 + 1e-17 * u[:, 0]):
        with pytest.raises(ModelRefused, match="do not vary"):
            sobol_indices(constant, {"a": (0,)}, count=64, seed=1)


def test_results_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ModelRefused, match="no numbers"):
        sobol_indices(lambda u: np.where(u[:, 0] < 0.5, np.nan, 1.0), {"a": (0,)}, count=64, seed=1)
    with pytest.raises(UsageError, match="one result per point"):
        sobol_indices(lambda u: u, {"a": (0,)}, count=64, seed=1)


@pytest.mark.parametrize("groups", [{}, {"a": ()}, {"a": (0, 2)}, {"a": (0,), "b": (0, 1)}, {"a": (1,)}])
def test_groups_hold_each_coordinate_once(groups: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(UsageError, match="each coordinate once"):
        sobol_indices(product, groups, count=64, seed=1)
