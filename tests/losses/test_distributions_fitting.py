"""From a cube to the counts of a fit: edges between heaps, unions of bands, what is refused."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Bands, log_grid
from outage_analysis.losses import loss_counts
from outage_analysis.losses.grouped_losses import between_heaps, fit_edges
from tests.loss_cubes import CUTS, LOSSES, cube_of_claims, loss_cube, made_up

INF = math.inf


# --- edges ----------------------------------------------------------------------------------------------


def test_cuts_between_heaps_repeat_in_every_decade() -> None:
    assert between_heaps(1_000, 100_000) == (1_616, 2_610, 4_217, 6_813, 16_156, 26_102, 42_170, 68_129)
    assert between_heaps(1_616, 2_610) == (1_616,)
    assert between_heaps(5, 5) == ()


@given(low=st.integers(1, 10**14), high=st.integers(1, 10**15))
def test_cuts_between_heaps_make_bands_of_the_fine_grid_and_are_not_round(low: int, high: int) -> None:
    cuts = between_heaps(low, high)
    assert Bands.from_cuts(cuts).cuts == cuts
    assert set(cuts) <= set(log_grid())
    assert all(low <= cut < high for cut in cuts)
    assert all(str(cut).rstrip("0") not in {"1", "2", "3", "5", "15", "25"} for cut in cuts if cut > 10)
    assert len(cuts) >= 4 * math.floor(math.log10(high / low)) or low > high or low < 10


def test_the_top_band_of_a_fit_is_open_and_holds_enough() -> None:
    many = loss_cube([*range(1_000, 2_000), *[3_000] * 40, *[5_000] * 29], *log_grid())
    assert fit_edges(many)[-2:] == (2_610, INF)  # 69 losses above it; above 4,217 there would be 29
    few = loss_cube([1_700, *range(1_000, 1_020)], *log_grid())
    assert fit_edges(few) == (0, INF)  # 1 of 21 losses is above 1,616: fewer than one in 20


def test_a_cube_on_the_cuts_is_fitted_on_the_cuts() -> None:
    cuts = between_heaps(1_000, 100_000)
    losses = [1_000, *(cut for cut in cuts), 90_000]
    assert fit_edges(loss_cube(losses, *cuts))[1:-1] == cuts


def test_a_cut_inside_a_band_gives_way_to_its_nearer_end() -> None:
    cube = loss_cube(range(1_000, 100_000, 50), *log_grid(), 30_000)
    edges = fit_edges(cube)
    assert (edges[0], edges[-1]) == (0, INF)
    assert 30_000 not in edges
    grid = set(log_grid())
    for cut, edge in zip(between_heaps(1_000, 100_000), edges[1:], strict=False):
        assert edge in grid
        assert abs(math.log(edge / cut)) <= math.log(10) / 48
    totals = cube_of_claims([("mail", x) for x in (1, 400_000, 600_000)], Bands((300_000, 500_000)))
    assert fit_edges(totals) == (0, 300_000, 500_000, INF)


@given(losses=LOSSES, cuts=CUTS)
def test_the_default_edges_cut_no_band(losses: list[int], cuts: list[int]) -> None:
    cube = loss_cube(losses, *cuts, negative=True)
    positive = [x for x in losses if x > 0]
    if not positive:
        with pytest.raises(ModelRefused, match="no positive loss"):
            fit_edges(cube)
        return
    counted = loss_counts(cube)
    assert sum(counted.counts) == len(positive)


# --- counts ---------------------------------------------------------------------------------------------


@given(losses=LOSSES, cuts=CUTS)
def test_counts_are_those_of_the_claims(losses: list[int], cuts: list[int]) -> None:
    edges = (0, *sorted(cuts), INF)
    counted = loss_counts(loss_cube(losses, *cuts, negative=True), edges=edges)
    expected = [sum(low < x <= high for x in losses) for low, high in itertools.pairwise(edges)]
    assert list(counted.counts) == expected


SERVICES = cube_of_claims([("mail", 5), ("mail", 25), ("taxi", 15), (None, 25)], Bands((10, 20)))


@pytest.mark.parametrize(
    ("value", "counts"),
    [("mail", (1, 0, 1)), (["mail", "taxi"], (1, 1, 1)), (("mail", None), (1, 0, 2)), (None, (0, 0, 1))],
)
def test_the_claims_of_some_values_are_counted(value: object, counts: tuple[int, ...]) -> None:
    assert loss_counts(SERVICES, edges=(0, 10, 20, INF), where={"service": value}).counts == counts


# --- refusals -------------------------------------------------------------------------------------------


def test_synthetic_claims_are_fitted_for_recovery_only() -> None:
    cube = made_up(SERVICES)
    with pytest.raises(ModelRefused, match=r"a fit of synthetic claims would be no finding.*recovery=True"):
        loss_counts(cube)
    assert loss_counts(cube, recovery=True).synthetic


def test_an_edge_inside_a_band_is_refused_with_the_nearest_edge_of_the_cube() -> None:
    cube = loss_cube([15, 25], 10, 20)
    with pytest.raises(UsageError, match=r"the edge 12 is inside .* over 10 up to 20.*nearest .* is 10;"):
        loss_counts(cube, edges=(0, 12, INF))
    with pytest.raises(UsageError, match=r"nearest edge of the cube is 20;"):
        loss_counts(cube, edges=(0, 18.5, INF))
    with pytest.raises(UsageError, match=r"the edge 40 is inside the cube's band over 20\. "):
        loss_counts(cube, edges=(0, 40))
    assert loss_counts(cube, edges=(0, 7, 20, INF)).counts == (0, 1, 1)  # an edge where no claim is


@pytest.mark.parametrize(
    "edges", [(), (0,), (0, 20, 10), (0, 20, 20), (-5, 20), (INF, INF), (0, math.nan), (math.nan, 10)]
)
def test_edges_that_are_none_are_refused(edges: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match=r"at least two, from 0 on.*Write \(0, 1400"):
        loss_counts(SERVICES, edges=edges)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"servce": "mail"}, r"no such dimension \(found 'servce'\). Did you mean 'service'\?"),
        ({"service": "mial"}, r"no claim of the cube has it \(found 'mial'\). Did you mean 'mail'\?"),
        ({"service": ["mail", "mail"]}, "is named twice"),
    ],
)
def test_unknown_names_are_refused(where: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        loss_counts(SERVICES, where=where)


def test_a_band_that_mixes_zero_with_positive_losses_is_refused() -> None:
    cube = loss_cube([5], 10)
    mixed = replace(cube, frame=cube.frame.with_columns(over=pl.lit(-1, pl.Int64)))
    with pytest.raises(ModelRefused, match="mixes losses up to 0 with larger ones"):
        loss_counts(mixed)


def test_a_cube_without_claims_has_no_default_edges_and_counts_of_none() -> None:
    empty = replace(SERVICES, frame=SERVICES.frame.clear())
    with pytest.raises(ModelRefused, match="no positive loss"):
        loss_counts(empty)
    assert loss_counts(empty, edges=(0, 10, INF)).counts == (0, 0)
