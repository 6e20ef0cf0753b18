"""Break-even values of single inputs, and the inputs in the outcomes that exceed a limit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.sensitivity.tornado_and_levers import (
    assumptions_behind,
    chance_above,
    scalar_inputs,
    sign_change,
)
from outage_analysis.costs.uncertainty.portfolio import Portfolio, expected_at
from outage_analysis.costs.uncertainty.simulation import Simulation
from outage_analysis.errors import ModelRefused, UsageError

MIN_DRAWS = 50
"""The inputs of the draws above a limit are described only if there are at least this many draws."""

BREAK_EVENS = {
    "assumption": pl.String,
    "kind": pl.String,
    "expected": pl.Float64,
    "break_even": pl.Float64,
    "beyond": pl.Float64,
}
INPUTS_GIVEN_EXCEEDANCE = {
    "assumption": pl.String,
    "kind": pl.String,
    "measure": pl.String,
    "part": pl.Int64,
    "usual": pl.Float64,
    "given_exceedance": pl.Float64,
}


def break_evens(portfolio: Portfolio, limit: float, *, valuation: str = "cash") -> pl.DataFrame:
    """Return the value of each input at which the expected total equals a limit.

    For the break-even value of an input, all other inputs are at their means.

    Args:
        portfolio: the payment streams and their inputs.
        limit: an amount in the smallest unit of the currency.
        valuation: the kind of cost that is added up, such as `cash`.

    Returns:
        One row per input that is a single number, sorted by `beyond` descending: `assumption`, `kind`, its
        `expected` value, `break_even` (null if the expected total equals the limit at no possible value of
        the input) and `beyond`, the probability that the input has a value at which the expected total
        exceeds the limit.

    Raises:
        UsageError: the limit is not a positive number.
    """
    _check_limit(limit)
    rows = []
    for name, entry, mean in scalar_inputs(assumptions_behind(portfolio, valuation)):

        def gap(values: FloatArray, name: str = name) -> FloatArray:
            return expected_at(portfolio, valuation, {name: values}) - limit

        value = sign_change(gap, entry)
        # A larger input never lowers the total, so values above the break-even exceed the limit.
        beyond = float(gap(np.array([mean]))[0] > 0) if value is None else chance_above(entry, value)
        rows.append((name, entry.kind, mean, value, beyond))
    table = pl.DataFrame(rows, schema=BREAK_EVENS, orient="row")
    return table.with_columns(pl.col(pl.Float64).round_sig_figs(10)).sort(
        "beyond", "assumption", descending=[True, False]
    )


def inputs_given_exceedance(run: Simulation, limit: float, *, valuation: str = "cash") -> pl.DataFrame:
    """Compare the inputs in the draws whose total exceeds a limit with the inputs in all draws.

    Args:
        run: the simulation.
        limit: an amount in the smallest unit of the currency.
        valuation: the kind of cost that is added up, such as `cash`.

    Returns:
        `assumption`, `kind`, `measure`, `part`, `usual` (in all draws) and `given_exceedance` (in the draws
        above the limit). The measure is the `median` for a single number, the mean `share` for each band of a
        mix, and the `chance` for each rival model. `part` numbers the bands and the models from 0.

    Raises:
        ModelRefused: too few draws exceed the limit, or no line of that valuation has an expected cost.
        UsageError: the limit is not a positive number.
    """
    _check_limit(limit)
    if valuation not in run.totals:
        raise ModelRefused(f"no line has an expected cost in {valuation.replace('_', ' ')}")
    exceeding = run.totals[valuation].above(limit)
    if exceeding.sum() < MIN_DRAWS:
        raise ModelRefused(
            f"of {exceeding.size:,} draws, {exceeding.sum():,.0f} exceed {limit:,.0f}: too few to tell",
            remedy="Name a smaller limit, or take more --draws.",
        )
    table = pl.DataFrame(
        _input_rows(run, exceeding.ravel(), valuation), schema=INPUTS_GIVEN_EXCEEDANCE, orient="row"
    )
    return table.with_columns(pl.col("usual", "given_exceedance").round_sig_figs(6))


def _input_rows(
    run: Simulation, weights: FloatArray, valuation: str
) -> Iterator[tuple[str, str, str, int | None, float, float]]:
    blocks = [(block.values, run.portfolio.branches(block.uniforms)) for block in run.replicates()]
    for name, entry in assumptions_behind(run.portfolio, valuation).items():
        values = np.concatenate([inputs[name] for inputs, _ in blocks])
        if values.ndim == 1:
            evenly = np.ones_like(weights)
            yield (
                name,
                entry.kind,
                "median",
                None,
                _weighted_median(values, evenly),
                _weighted_median(values, weights),
            )
        else:
            for part, shares in enumerate(values.T):
                above = float(np.average(shares, weights=weights))
                yield name, entry.kind, "share", part, float(shares.mean()), above
        if entry.models:
            branch = np.concatenate([branches[name][0] for _, branches in blocks])
            for part in range(len(entry.models)):
                uses_model = branch == part
                above = float(weights[uses_model].sum() / weights.sum())
                yield name, entry.kind, "chance", part, float(uses_model.mean()), above


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])


def _check_limit(limit: float) -> None:
    if not (np.isfinite(limit) and limit > 0):
        raise UsageError("a limit is a positive sum", value=limit, remedy="Give it in whole currency.")
