"""Shares of a total's variance by assumption: Sobol indices of the cost model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from outage_analysis.assumptions.laws import FloatArray
from outage_analysis.costs.sensitivity.indices import sobol_indices
from outage_analysis.costs.sensitivity.inputs import inputs_of
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.costs.uncertainty.running import SEED
from outage_analysis.errors import ModelRefused

PAIRS = 2**13
"""Points at which the inputs are swapped one by one."""


def cost_indices(portfolio: Portfolio, valuation: str = "cash", *, draws: int = PAIRS) -> pl.DataFrame:
    """How much of the variance of a total's mean, given the inputs, each assumption explains.

    What chance leaves when every input is known is in no share (`variance_split` has it).

    Args:
        portfolio: what is paid, and the inputs.
        valuation: which total.
        draws: pairs of points, a power of two; they cost 2 x (assumptions + 1) evaluations each.

    Returns:
        One row an assumption, the largest total index first: `assumption`, `kind`, `first` (the share it
        explains alone), `total` (with all it takes part in), each with `_low` and `_high`, the 90 %
        interval of its numerical error.

    Raises:
        ModelRefused: nothing is uncertain, or inputs are declared to depend on each other.
    """
    entries = {name: e for name, e in inputs_of(portfolio, valuation).items() if e.dimensions}
    if not entries:
        raise ModelRefused(
            f"nothing about the {valuation.replace('_', ' ')} is uncertain, so there is no variance to share"
        )
    tied = next((pair for pair in portfolio.correlations if set(pair) <= entries.keys()), None)
    if tied is not None:
        raise ModelRefused(
            f"{tied[0]} and {tied[1]} are declared to depend on each other, and shares of the variance"
            " need independent inputs",
            remedy="Read the tornado, or take the correlations out of the ledger.",
        )
    mine = tuple(s for s in portfolio.streams if s.valuation == valuation)
    only = replace(portfolio, streams=mine, entries=inputs_of(portfolio, valuation))
    groups = {name: tuple(range(p.start, p.stop)) for name, p in only.places.items() if name in entries}

    def mean(points: FloatArray) -> FloatArray:
        values = only.values(points)
        parts = [stream.moments(values, len(points))[0].sum(axis=1) for stream in mine]
        return np.asarray(np.sum(parts, axis=0))

    table = sobol_indices(mean, groups, count=draws, seed=SEED).rename({"group": "assumption"})
    kinds = pl.col("assumption").replace_strict({name: e.kind for name, e in entries.items()})
    return (
        table.with_columns(pl.col(pl.Float64).round_sig_figs(6))
        .select("assumption", kinds.alias("kind"), pl.exclude("assumption"))
        .sort("total", "assumption", descending=[True, False])
    )
