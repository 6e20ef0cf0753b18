"""Which input moves a total most: each at its P10 and its P90, the others at their means."""

from __future__ import annotations

import numpy as np
import polars as pl

from outage_analysis.assumptions import BandMix
from outage_analysis.costs.sensitivity.expected_at import expected_at
from outage_analysis.costs.sensitivity.inputs import drawn, inputs_of, quantiles
from outage_analysis.costs.uncertainty.portfolio import Portfolio

ENDS = (0.1, 0.9)

TORNADO: dict[str, pl.DataType] = {
    "valuation": pl.String(),
    "assumption": pl.String(),
    "kind": pl.String(),
    "input_low": pl.Float64(),
    "input_high": pl.Float64(),
    "cost_low": pl.Float64(),
    "cost_expected": pl.Float64(),
    "cost_high": pl.Float64(),
}


def tornado(portfolio: Portfolio) -> pl.DataFrame:
    """One row an uncertain input of each total, the widest swing first.

    Returns:
        The columns of `TORNADO`: the input at its 10 % and 90 % points (null for a band mix, which is
        not one number: there the cost is at its own 10 % and 90 % points over the mixes) and the expected
        total at them, in units of the currency.
    """
    rows = [
        _row(portfolio, valuation, name)
        for valuation in portfolio.valuations
        for name in inputs_of(portfolio, valuation)
    ]
    order = {valuation: n for n, valuation in enumerate(portfolio.valuations)}
    place = pl.col("valuation").replace_strict(order, return_dtype=pl.Int64)
    swing = pl.col("cost_high") - pl.col("cost_low")
    return (
        pl.DataFrame(rows, schema=TORNADO)
        .with_columns(pl.col(pl.Float64).round_sig_figs(10))
        .filter(swing != 0)
        .sort(place, swing, "assumption", descending=[False, True, False])
    )


def _row(portfolio: Portfolio, valuation: str, name: str) -> dict[str, object]:
    entry = portfolio.entries[name]
    if isinstance(entry, BandMix):
        ends: tuple[float, float] | tuple[None, None] = (None, None)
        costs = np.quantile(expected_at(portfolio, valuation, {name: drawn(entry)}), ENDS)
    else:
        values = quantiles(entry, ENDS)
        ends = (float(values[0]), float(values[1]))
        costs = expected_at(portfolio, valuation, {name: values})
    return {
        "valuation": valuation,
        "assumption": name,
        "kind": entry.kind,
        "input_low": ends[0],
        "input_high": ends[1],
        "cost_low": float(costs[0]),
        "cost_expected": float(expected_at(portfolio, valuation, {})[0]),
        "cost_high": float(costs[1]),
    }
