"""What would have to be true: break-evens of single inputs, and the inputs of an expensive outcome."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.sensitivity.inputs import (
    assumptions_behind,
    chance_above,
    scalar_inputs,
    sign_change,
)
from outage_analysis.costs.uncertainty.portfolio import Portfolio, expected_at
from outage_analysis.costs.uncertainty.simulation import Simulation
from outage_analysis.errors import ModelRefused, UsageError

MIN_DRAWS = 50
"""Draws beyond a limit that it takes to say what they have in common."""

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
    "given": pl.Float64,
}


def break_evens(portfolio: Portfolio, limit: float, *, valuation: str = "cash") -> pl.DataFrame:
    """The value of each input at which the expected total meets a limit, the others at their means.

    Args:
        portfolio: what is paid, and the inputs.
        limit: in units of the currency.
        valuation: which total.

    Returns:
        One row an input that is one number: `assumption`, `kind`, its `expected` value, `break_even` (null
        where the expected total meets the limit at no value that the input can take) and `beyond`, the
        chance that it lies where the expected total exceeds the limit; the largest chance first.

    Raises:
        UsageError: a limit that is no positive number.
    """
    _check_limit(limit)
    rows = []
    for name, entry, mean in scalar_inputs(assumptions_behind(portfolio, valuation)):

        def gap(values: FloatArray, name: str = name) -> FloatArray:
            return expected_at(portfolio, valuation, {name: values}) - limit

        value = sign_change(gap, entry)
        # No input lowers a total: what lies above the break-even exceeds the limit.
        beyond = float(gap(np.array([mean]))[0] > 0) if value is None else chance_above(entry, value)
        rows.append((name, entry.kind, mean, value, beyond))
    table = pl.DataFrame(rows, schema=BREAK_EVENS, orient="row")
    return table.with_columns(pl.col(pl.Float64).round_sig_figs(10)).sort(
        "beyond", "assumption", descending=[True, False]
    )


def inputs_given_exceedance(run: Simulation, limit: float, *, valuation: str = "cash") -> pl.DataFrame:
    """What the inputs look like when the total exceeds a limit, beside what they look like at all.

    Args:
        run: the draws.
        limit: in units of the currency.
        valuation: which total.

    Returns:
        `assumption`, `kind`, `measure`, `part`, `usual` and `given` (that the limit is exceeded). The
        measure of an input that is one number is its `median`; of the bands of a mix their mean `share`;
        of rival models their `chance`. `part` counts the bands and the models of an input from 0.

    Raises:
        ModelRefused: too few draws lie beyond the limit to say, or nothing of that valuation is drawn.
        UsageError: a limit that is no positive number.
    """
    _check_limit(limit)
    if valuation not in run.totals:
        raise ModelRefused(f"no line has an expected cost in {valuation.replace('_', ' ')}")
    weights = run.totals[valuation].above(limit)
    if weights.sum() < MIN_DRAWS:
        raise ModelRefused(
            f"of {weights.size:,} draws, {weights.sum():,.0f} exceed {limit:,.0f}: too few to tell",
            remedy="Name a smaller limit, or take more --draws.",
        )
    table = pl.DataFrame(
        _input_rows(run, weights.ravel(), valuation), schema=INPUTS_GIVEN_EXCEEDANCE, orient="row"
    )
    return table.with_columns(pl.col("usual", "given").round_sig_figs(6))


def _input_rows(
    run: Simulation, weights: FloatArray, valuation: str
) -> Iterator[tuple[str, str, str, int | None, float, float]]:
    blocks = [(block.values, run.portfolio.branches(block.uniforms)) for block in run.blocks()]
    for name, entry in assumptions_behind(run.portfolio, valuation).items():
        values = np.concatenate([drawn[name] for drawn, _ in blocks])
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
                given = float(np.average(shares, weights=weights))
                yield name, entry.kind, "share", part, float(shares.mean()), given
        if entry.models:
            branch = np.concatenate([branches[name][0] for _, branches in blocks])
            for part in range(len(entry.models)):
                mine = branch == part
                given = float(weights[mine].sum() / weights.sum())
                yield name, entry.kind, "chance", part, float(mine.mean()), given


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])


def _check_limit(limit: float) -> None:
    if not (np.isfinite(limit) and limit > 0):
        raise UsageError("a limit is a positive sum", value=limit, remedy="Give it in whole currency.")
