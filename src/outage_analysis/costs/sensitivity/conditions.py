"""Break-even values of single inputs, and the inputs in the outcomes that exceed a limit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from outage_analysis.assumptions import INPUT_UNIT, FloatArray
from outage_analysis.costs.sensitivity.tornado_and_levers import (
    assumptions_behind,
    chance_above,
    scalar_inputs,
    sign_change,
)
from outage_analysis.costs.uncertainty.portfolio import Portfolio, expected_at
from outage_analysis.costs.uncertainty.simulation import Simulation
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.text import (
    ASSUMPTION,
    ESTIMATE_DIGITS,
    KIND,
    TABLE_DIGITS,
    Column,
    TableSchema,
    UnitByRow,
)

MIN_DRAWS = 50
"""The inputs of the draws above a limit are described only if there are at least this many draws."""

BREAK_EVENS = TableSchema(
    "One row per input that is a single number.",
    (
        ASSUMPTION,
        KIND,
        Column("expected", INPUT_UNIT, "Mean of the input."),
        Column(
            "break_even",
            INPUT_UNIT,
            "Value at which the expected total equals the limit; empty if none does.",
        ),
        Column(
            "beyond", "share", "Probability of a value at which the total exceeds the limit.", label="chance"
        ),
    ),
)
MEASURED_UNIT = UnitByRow(
    "measure",
    {"median": INPUT_UNIT, "share": "share", "chance": "share"},
    otherwise="decimal",
)
INPUTS_GIVEN_EXCEEDANCE = TableSchema(
    "One row per input, and per part of a band mix or rival model.",
    (
        ASSUMPTION,
        KIND,
        Column("measure", "word", "median of a number, mean share of a band, or chance of a rival model."),
        Column("part", "count", "Number of the band or model, from 0; empty for a single number."),
        Column("usual", MEASURED_UNIT, "Value in all draws."),
        Column("given_exceedance", MEASURED_UNIT, "Value in the draws above the limit."),
    ),
)


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
    table = pl.DataFrame(rows, schema=BREAK_EVENS.dtypes, orient="row")
    return table.with_columns(pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS)).sort(
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
        _input_rows(run, exceeding.ravel(), valuation), schema=INPUTS_GIVEN_EXCEEDANCE.dtypes, orient="row"
    )
    return table.with_columns(pl.col("usual", "given_exceedance").round_sig_figs(ESTIMATE_DIGITS))


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
