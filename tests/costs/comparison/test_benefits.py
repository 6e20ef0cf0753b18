"""What people get from a policy, compared with sums over single losses."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.comparison.benefits import LossCells, measure_benefits

EDGES = (0, 10, 20, 50, 100)


def cells_of(losses: list[int], edges: tuple[int | None, ...] = (*EDGES, None)) -> LossCells:
    """Group losses into one cell per band."""
    rows = []
    for over, up_to in pairwise(edges):
        own = [x for x in losses if x > (over or 0) and (up_to is None or x <= up_to)]
        rows.append({"over": over, "up_to": up_to, "claims": len(own), "loss": sum(own)})
    return LossCells.from_rows(pl.DataFrame(rows))


def uniform_policy(cells: LossCells, fixed: float, share: float = 0.0) -> dict[str, FloatArray]:
    """Measure a policy that pays all cells by one formula."""
    nothing = np.zeros((1, len(cells.claims)))
    return measure_benefits(cells, nothing + fixed, nothing + share, nothing > 0)


def test_reviewed_claims_guarantee_nothing() -> None:
    cells = cells_of([5, 5, 90], (0, 5, 50, None))
    reviewed = np.array([[False, False, True]])
    got = measure_benefits(cells, np.where(reviewed, 0.0, 5.0), np.zeros((1, 3)), reviewed)
    assert (got["replaced_low"][0], got["replaced_high"][0]) == (pytest.approx(0.1), 1)
    assert (got["made_whole_low"][0], got["made_whole_high"][0]) == (2, 3)
    assert got["largest_shortfall"] == 0


def test_nobody_is_measured_without_a_stated_loss() -> None:
    stated = {"claims": [3], "loss": [None], "over": [None], "up_to": [None]}
    got = uniform_policy(LossCells.from_rows(pl.DataFrame(stated)), fixed=5.0)
    assert np.isnan(got["replaced_low"][0])
    assert got["made_whole_high"] == got["largest_shortfall"] == 0


@given(
    losses=st.lists(st.integers(1, 150), min_size=1, max_size=12),
    fixed=st.integers(0, 120),
    share=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
)
def test_bounds_contain_the_sums_over_single_losses(losses: list[int], fixed: int, share: float) -> None:
    got = uniform_policy(cells_of(losses), float(fixed), share)
    replaced = sum(min(x, fixed + share * x) for x in losses) / sum(losses)
    made_whole = sum(fixed + share * x >= x for x in losses)
    shortfall = max(max(x - fixed - share * x, 0) for x in losses)
    assert got["replaced_low"][0] - 1e-12 <= replaced <= got["replaced_high"][0] + 1e-12
    assert got["made_whole_low"][0] <= made_whole <= got["made_whole_high"][0]
    assert shortfall <= got["largest_shortfall"][0] + 1e-9
