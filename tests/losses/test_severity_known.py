"""Shares of bands from a median or a mean: bounds by linear programming, entropy by search."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from outage_analysis.errors import ModelRefused, OutageAnalysisError, UsageError
from outage_analysis.losses import lognormal_shares
from outage_analysis.losses.severity.known import maximum_entropy

INF = np.inf
EDGES = (0.0, 10.0, 20.0, 35.0, 50.0, 100.0, INF)
KNOWN: list[dict[str, float]] = [
    {"mean": 30},
    {"mean": 30, "largest": 120},
    {"mean": 90, "largest": 120},
    {"median": 20, "largest": 120},
    {"median": 20, "mean": 30},
    {"median": 20, "mean": 15},
    {"median": 20, "mean": 20},
    {"median": 20, "mean": 30, "largest": 120},
    {"median": 20, "mean": 60, "largest": 120},
    {"median": 20, "mean": 12, "largest": 120},
]
NAMES = [" ".join(f"{k} {v}" for k, v in known.items()) for known in KNOWN]


def sharp_bounds(
    edge: float, *, median: float | None = None, mean: float | None = None, largest: float | None = None
) -> tuple[float, float]:
    """The least and the greatest share at or below an edge, over all laws on a fine set of points."""
    end = 1e7 if largest is None else largest
    points = np.unique([0, edge, edge * (1 + 1e-9), median or 0, mean or 0, end, *np.linspace(0, 150, 31)])
    points = points[points <= end]
    equal, to = [np.ones(len(points))], [1.0]
    if mean is not None:
        equal, to = [*equal, points], [*to, mean]
    at_most = [[-1.0 * (points <= median), -1.0 * (points >= median)]] if median is not None else [[]]
    ends = []
    for sign in (1, -1):
        solved = optimize.linprog(
            sign * (points <= edge),
            A_ub=np.array(at_most[0]) if median is not None else None,
            b_ub=[-0.5, -0.5] if median is not None else None,
            A_eq=np.array(equal),
            b_eq=to,
        )
        ends.append(sign * solved.fun)
    return ends[0], ends[1]


# --- bounds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", KNOWN, ids=NAMES)
def test_bounds_are_those_that_some_law_reaches_and_none_exceeds(known: dict[str, float]) -> None:
    bounds = maximum_entropy(EDGES, **known).bounds
    assert bounds["loss"].to_list() == [10, 20, 35, 50, 100]
    for edge, low, high in bounds.iter_rows():
        assert (low, high) == pytest.approx(sharp_bounds(edge, **known), abs=1e-5), edge


@given(
    points=st.lists(st.integers(0, 60), min_size=2, max_size=6, unique=True),
    weights=st.lists(st.integers(1, 20), min_size=6, max_size=6),
    which=st.sampled_from(["median", "mean", "both", "all"]),
    edges=st.lists(st.integers(1, 70), min_size=1, max_size=4, unique=True),
)
def test_no_law_lies_outside_the_bounds_of_its_own_median_and_mean(
    points: list[int], weights: list[int], which: str, edges: list[int]
) -> None:
    x = np.sort(points).astype(float)
    p = np.array(weights[: len(x)]) / sum(weights[: len(x)])
    known = {"median": float(x[np.searchsorted(np.cumsum(p), 0.5)]), "mean": float(x @ p)}
    known = {k: v for k, v in known.items() if which in (k, "both", "all")}
    if which == "all":
        known["largest"] = float(x[-1] + 1)
    if 0 in known.values():
        return
    bands = [0.0, *sorted(edges), INF]
    try:
        if which == "median":
            bounds = lognormal_shares(bands, median=known["median"], sigmas={1.0: 1.0}).bounds
        else:
            bounds = maximum_entropy(bands, **known).bounds
    except UsageError:  # the mean of a law at two points may be the least that its median allows
        return
    for edge, low, high in bounds.iter_rows():
        assert low - 1e-9 <= p[x <= edge].sum() <= high + 1e-9


def test_the_bounds_of_a_mean_alone_are_markovs() -> None:
    bounds = maximum_entropy(EDGES, mean=30).bounds
    assert bounds["low"].to_list() == pytest.approx([0, 0, 1 - 30 / 35, 1 - 30 / 50, 1 - 30 / 100])
    assert bounds["high"].to_list() == [1.0] * 5


def test_the_bounds_do_not_depend_on_the_shape_chosen() -> None:
    one = maximum_entropy(EDGES, median=20, mean=30).bounds
    other = lognormal_shares(EDGES, median=20, mean=30).bounds
    assert one.equals(other)


# --- maximum entropy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", KNOWN, ids=NAMES)
def test_shares_of_maximum_entropy_are_those_that_a_search_finds(known: dict[str, float]) -> None:
    end = known.get("largest", 15 * known.get("mean", 30))
    cells = np.unique(
        np.concatenate([EDGES[:-1], np.linspace(0, min(end, 150), 61), np.linspace(0, end, 41)])
    )
    cells = cells[cells <= end]
    widths, middles = np.diff(cells), (cells[1:] + cells[:-1]) / 2
    total = [(np.ones(len(widths)), 1.0)]
    if "mean" in known:
        total.append((middles, known["mean"]))
    if "median" in known:
        total.append((1.0 * (middles < known["median"]), 0.5))
    rows, to = np.array([row for row, _ in total]), np.array([value for _, value in total])

    def dual(multipliers: np.ndarray) -> float:
        """Its least value is the greatest entropy under the constraints (Boyd and Vandenberghe, 5.1.6)."""
        return float(widths @ np.exp(np.minimum(multipliers @ rows - 1, 200)) - multipliers @ to)

    start = np.zeros(len(to))
    for _ in range(4):
        start = optimize.minimize(
            dual, start, method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-10, "fatol": 1e-13}
        ).x
    density = widths * np.exp(start @ rows - 1)
    edges = [*EDGES[:-1], INF]
    searched = [density[(middles > low) & (middles < high)].sum() for low, high in pairwise(edges)]
    assert maximum_entropy(EDGES, **known).table["share"].to_list() == pytest.approx(searched, abs=3e-3)


@pytest.mark.parametrize("known", KNOWN, ids=NAMES)
def test_what_is_known_comes_out_of_the_shares_again(known: dict[str, float]) -> None:
    end = known.get("largest", 4_000.0)
    cells = np.unique([*np.linspace(0, end, 40_001), 20.0])
    share = maximum_entropy([*cells, INF], **known).table["share"].to_numpy()
    middles = np.append((cells[1:] + cells[:-1]) / 2, end)
    assert share.sum() == pytest.approx(1)
    assert (share >= 0).all()
    if "mean" in known:
        assert share @ middles == pytest.approx(known["mean"], rel=1e-3)
    if "median" in known:
        assert share[middles < 20].sum() == pytest.approx(0.5)


def test_a_mean_alone_gives_the_exponential_law_and_a_range_alone_the_uniform_one() -> None:
    share = maximum_entropy(EDGES, mean=30).table["share"].to_list()
    assert share == pytest.approx(np.diff(stats.expon(scale=30).cdf(EDGES)).tolist())
    flat = maximum_entropy((0, 30, 60, 120), mean=60, largest=120).table["share"].to_list()
    assert flat == pytest.approx([0.25, 0.25, 0.5])


def test_a_median_alone_leaves_the_upper_half_open() -> None:
    with pytest.raises(ModelRefused, match="a median alone") as caught:
        maximum_entropy(EDGES, median=20)
    assert "mean or a largest loss" in caught.value.remedy


@pytest.mark.parametrize("power", [-6, 9])
@pytest.mark.parametrize("known", KNOWN, ids=NAMES)
def test_another_unit_changes_no_share(known: dict[str, float], power: int) -> None:
    unit = 10.0**power
    scaled = {name: value * unit for name, value in known.items()}
    one, other = maximum_entropy(EDGES, **known), maximum_entropy([e * unit for e in EDGES], **scaled)
    assert other.table["share"].to_list() == pytest.approx(one.table["share"].to_list(), abs=1e-9)
    for column in ("low", "high"):
        assert other.bounds[column].to_list() == pytest.approx(one.bounds[column].to_list())


# --- lognormal shares --------------------------------------------------------------------------------------


def test_a_median_and_a_mean_fix_the_spread_of_a_lognormal_law() -> None:
    found = lognormal_shares(EDGES, median=20, mean=30)
    law = stats.lognorm(np.sqrt(2 * np.log(1.5)), scale=20)
    assert law.mean() == pytest.approx(30)
    assert found.table["share"].to_list() == pytest.approx(np.diff(law.cdf(EDGES)).tolist())
    assert found.table["low"].equals(found.table["share"].alias("low"))
    assert "lognormal is assumed" in found.not_identified


@pytest.mark.parametrize("known", [{"median": 20.0}, {"mean": 30.0}], ids=["median", "mean"])
def test_stated_spreads_are_averaged_and_their_range_is_shown(known: dict[str, float]) -> None:
    found = lognormal_shares(EDGES, **known, sigmas={0.5: 1, 1.0: 2, 1.5: 1})
    rows = []
    for sigma in (0.5, 1.0, 1.5):
        median = known.get("median", known.get("mean", 0) * np.exp(-(sigma**2) / 2))
        rows.append(np.diff(stats.lognorm(sigma, scale=median).cdf(EDGES)))
    average = (rows[0] + 2 * rows[1] + rows[2]) / 4
    assert found.table["share"].to_list() == pytest.approx(average.tolist())
    assert found.table["low"].to_list() == pytest.approx(np.min(rows, axis=0).tolist())
    assert found.table["high"].to_list() == pytest.approx(np.max(rows, axis=0).tolist())
    assert "nothing known says it" in found.not_identified


def test_a_table_names_its_bands_and_what_was_known() -> None:
    found = maximum_entropy(EDGES, median=20, mean=30)
    assert found.table["over"].to_list() == list(EDGES[:-1])
    assert found.table["up_to"].to_list() == [*EDGES[1:-1], None]
    assert found.known == "median 20, mean 30"
    assert found.not_identified


# --- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edges", "known", "message"),
    [
        (EDGES, {}, "nothing is known"),
        (EDGES, {"largest": 100}, "nothing is known"),
        (EDGES, {"mean": 0}, "the mean is not a positive number"),
        (EDGES, {"mean": -3}, "the mean is not a positive number"),
        (EDGES, {"mean": INF}, "the mean is not a positive number"),
        (EDGES, {"mean": np.nan}, "the mean is not a positive number"),
        (EDGES, {"median": np.nan, "mean": 30}, "the median is not a positive number"),
        (EDGES, {"mean": 30, "largest": 30}, "the mean must lie between"),
        (EDGES, {"mean": 30, "largest": 20}, "the mean must lie between"),
        (EDGES, {"median": 20, "mean": 10}, "the mean must lie between 10"),
        (EDGES, {"median": 20, "mean": 60, "largest": 100}, "the mean must lie between 10 and 60"),
        (EDGES, {"median": 20, "largest": 20}, "the median is not below the largest loss"),
        ((), {"mean": 30}, "edges do not increase"),
        ((0,), {"mean": 30}, "edges do not increase"),
        ((0, 10, 10), {"mean": 30}, "edges do not increase"),
        ((-1, 10), {"mean": 30}, "edges do not increase"),
        ((0, np.nan, 10), {"mean": 30}, "edges do not increase"),
        ((0, INF, INF), {"mean": 30}, "edges do not increase"),
        ((0, INF, 10), {"mean": 30}, "edges do not increase"),
    ],
)
def test_numbers_that_cannot_hold_together_are_refused(
    edges: tuple[float, ...], known: dict[str, float], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        maximum_entropy(edges, **known)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"median": 20}, "spread"),
        ({"median": 20, "sigmas": {}}, "spread"),
        ({"median": 20, "sigmas": {0.0: 1}}, "spread"),
        ({"median": 20, "sigmas": {-1.0: 1}}, "spread"),
        ({"median": 20, "sigmas": {np.nan: 1}}, "spread"),
        ({"median": 20, "sigmas": {INF: 1}}, "spread"),
        ({"median": 20, "sigmas": {1.0: 0}}, "spread"),
        ({"median": 20, "sigmas": {1.0: INF}}, "spread"),
        ({"median": 20, "mean": 30, "sigmas": {1.0: 1}}, "already say the spread"),
        ({"median": 20, "mean": 20}, "mean"),
        ({"median": 20, "mean": 15}, "mean"),
    ],
)
def test_a_spread_that_is_missing_impossible_or_not_needed_is_refused(
    known: dict[str, Any], message: str
) -> None:
    with pytest.raises(OutageAnalysisError, match=message):
        lognormal_shares(EDGES, **known)


def test_who_states_no_spread_is_told_how_to_state_one() -> None:
    with pytest.raises(UsageError) as caught:
        lognormal_shares(EDGES, median=20)
    assert "sigmas" in caught.value.remedy


@settings(max_examples=40)
@given(nearness=st.floats(-12, -0.4), upper=st.booleans(), which=st.integers(0, 2))
def test_a_mean_close_to_a_bound_gives_shares_or_a_refusal(
    nearness: float, *, upper: bool, which: int
) -> None:
    median, largest = [(None, 120.0), (20.0, None), (20.0, 120.0)][which]
    low = 0.0 if median is None else median / 2
    high = 1e6 if largest is None else (largest if median is None else (median + largest) / 2)
    gap = (high - low) * 10**nearness
    try:
        found = maximum_entropy(
            EDGES, median=median, largest=largest, mean=high - gap if upper else low + gap
        ).table["share"]
    except OutageAnalysisError:
        return
    assert found.sum() == pytest.approx(1)
    assert found.min() >= 0  # type: ignore[operator] # a share
