"""Shares of bands from a median or a mean: bounds by linear programming."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from outage_analysis.errors import UsageError
from outage_analysis.losses import lognormal_shares
from outage_analysis.losses.severity.known import BandShares

INF = np.inf
EDGES = (0.0, 10.0, 20.0, 35.0, 50.0, 100.0, INF)
KNOWN: list[dict[str, float]] = [{"median": 20}, {"mean": 30}, {"median": 20, "mean": 30}]
NAMES = [" ".join(f"{k} {v}" for k, v in known.items()) for known in KNOWN]


def shares_of(edges: Any, **known: float) -> BandShares:  # noqa: ANN401
    """Shares with a spread stated where only one number is known."""
    return lognormal_shares(edges, **known, sigmas=None if len(known) > 1 else {1.0: 1.0})


def sharp_bounds(
    edge: float, *, median: float | None = None, mean: float | None = None
) -> tuple[float, float]:
    """The least and the greatest share at or below an edge, over all laws on a fine set of points."""
    end = 1e7
    points = np.unique([0, edge, edge * (1 + 1e-9), median or 0, mean or 0, end, *np.linspace(0, 150, 31)])
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
def test_bounds_are_those_that_some_distribution_reaches_and_none_exceeds(known: dict[str, float]) -> None:
    bounds = shares_of(EDGES, **known).bounds
    assert bounds["loss"].to_list() == [10, 20, 35, 50, 100]
    for edge, low, high in bounds.iter_rows():
        assert (low, high) == pytest.approx(sharp_bounds(edge, **known), abs=1e-5), edge


@given(
    points=st.lists(st.integers(0, 60), min_size=2, max_size=6, unique=True),
    weights=st.lists(st.integers(1, 20), min_size=6, max_size=6),
    which=st.sampled_from(["median", "mean", "both"]),
    edges=st.lists(st.integers(1, 70), min_size=1, max_size=4, unique=True),
)
def test_no_distribution_lies_outside_the_bounds_of_its_own_median_and_mean(
    points: list[int], weights: list[int], which: str, edges: list[int]
) -> None:
    x = np.sort(points).astype(float)
    p = np.array(weights[: len(x)]) / sum(weights[: len(x)])
    known = {"median": float(x[np.searchsorted(np.cumsum(p), 0.5)]), "mean": float(x @ p)}
    known = {k: v for k, v in known.items() if which in (k, "both")}
    if 0 in known.values():
        return
    bands = [0.0, *sorted(edges), INF]
    try:
        bounds = shares_of(bands, **known).bounds
    except UsageError:  # a lognormal mean lies above its median, which that of these losses need not
        return
    for edge, low, high in bounds.iter_rows():
        assert low - 1e-9 <= p[x <= edge].sum() <= high + 1e-9


def test_the_bounds_of_a_mean_alone_are_markovs() -> None:
    bounds = shares_of(EDGES, mean=30).bounds
    assert bounds["low"].to_list() == pytest.approx([0, 0, 1 - 30 / 35, 1 - 30 / 50, 1 - 30 / 100])
    assert bounds["high"].to_list() == [1.0] * 5


@pytest.mark.parametrize("power", [-6, 9])
@pytest.mark.parametrize("known", KNOWN, ids=NAMES)
def test_another_unit_changes_no_share(known: dict[str, float], power: int) -> None:
    unit = 10.0**power
    scaled = {name: value * unit for name, value in known.items()}
    one, other = shares_of(EDGES, **known), shares_of([e * unit for e in EDGES], **scaled)
    assert other.table["share"].to_list() == pytest.approx(one.table["share"].to_list(), abs=1e-9)
    for column in ("low", "high"):
        assert other.bounds[column].to_list() == pytest.approx(one.bounds[column].to_list())


# --- lognormal shares --------------------------------------------------------------------------------------


def test_a_median_and_a_mean_fix_the_spread_of_a_lognormal_distribution() -> None:
    found = lognormal_shares(EDGES, median=20, mean=30)
    distribution = stats.lognorm(np.sqrt(2 * np.log(1.5)), scale=20)
    assert distribution.mean() == pytest.approx(30)
    assert found.table["share"].to_list() == pytest.approx(np.diff(distribution.cdf(EDGES)).tolist())
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
    found = lognormal_shares(EDGES, median=20, mean=30)
    assert found.table["over"].to_list() == list(EDGES[:-1])
    assert found.table["up_to"].to_list() == [*EDGES[1:-1], None]
    assert found.known == "median 20, mean 30"
    assert found.not_identified


# --- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edges", "known", "message"),
    [
        (EDGES, {}, "nothing is known"),
        (EDGES, {"mean": 0}, "the mean is not a positive number"),
        (EDGES, {"mean": -3}, "the mean is not a positive number"),
        (EDGES, {"mean": INF}, "the mean is not a positive number"),
        (EDGES, {"mean": np.nan}, "the mean is not a positive number"),
        (EDGES, {"median": np.nan, "mean": 30}, "the median is not a positive number"),
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
        lognormal_shares(edges, **known, sigmas={1.0: 1.0})


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
        ({"median": 20, "mean": 20}, "lognormal mean lies above"),
        ({"median": 20, "mean": 15}, "lognormal mean lies above"),
        ({"median": 20, "mean": 10}, "lognormal mean lies above"),
    ],
)
def test_a_spread_that_is_missing_impossible_or_not_needed_is_refused(
    known: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        lognormal_shares(EDGES, **known)


def test_without_a_spread_the_error_says_how_to_state_one() -> None:
    with pytest.raises(UsageError) as caught:
        lognormal_shares(EDGES, median=20)
    assert "sigmas" in caught.value.remedy
