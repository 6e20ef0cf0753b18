"""A law that was put in is found again, and rounding hides it, as notebook 02 tells."""

from __future__ import annotations

import polars as pl
import pytest

from outage_analysis.claims import LossModel, load_synthetic
from outage_analysis.losses import rounding_table

EDGES = (0.0, 1_620.0, 4_220.0, 16_200.0, 42_200.0, 162_000.0, float("inf"))


@pytest.fixture(scope="module")
def distribution() -> LossModel:
    return next(x for x in load_synthetic("kakao-2022").losses if "general_user" in x.claimant_types)


@pytest.fixture(scope="module")
def table(distribution: LossModel) -> pl.DataFrame:
    return rounding_table(distribution, 5_000, EDGES, seed=1)


def test_exact_losses_do_not_mind_the_edges(table: pl.DataFrame, distribution: LossModel) -> None:
    exact = table.filter(losses="exact")
    assert exact["edges"].to_list() == ["between round sums", "on round sums"]
    assert all(low < distribution.median < high for low, high in exact.select("low", "high").rows())


def test_losses_rounded_to_one_digit_are_estimated_too_low_on_round_edges(
    table: pl.DataFrame, distribution: LossModel
) -> None:
    between, on = table.filter(losses="rounded to one digit")["estimate"].to_list()
    assert on < 0.9 * distribution.median
    assert abs(between - distribution.median) < abs(on - distribution.median) / 2


def test_the_seed_decides_the_losses(table: pl.DataFrame, distribution: LossModel) -> None:
    assert rounding_table(distribution, 5_000, EDGES, seed=1).equals(table)
    assert not rounding_table(distribution, 5_000, EDGES, seed=2).equals(table)
