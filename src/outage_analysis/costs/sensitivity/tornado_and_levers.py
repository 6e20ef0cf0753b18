"""The tornado (the effect of each input on the total) and the levers (the effect of single decisions)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from outage_analysis.assumptions import Award, BandMix, FloatArray, RateAssumption
from outage_analysis.costs.sensitivity.inputs import assumptions_behind, input_quantiles, sample_input
from outage_analysis.costs.uncertainty.portfolio import Portfolio, Stream, expected_at

PERCENTILES = (0.1, 0.9)

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
    """Return the expected total with each input at its P10 and its P90 and the others at their means.

    Returns:
        The columns of `TORNADO`, one row per valuation and uncertain input, the widest range of cost first.
        Costs are in the smallest unit of the currency. A band mix is not a single number: its `input_low` and
        `input_high` are null, and the costs are the P10 and P90 of the expected total over sampled mixes.
    """
    rows = [
        _tornado_row(portfolio, valuation, name)
        for valuation in portfolio.valuations
        for name in assumptions_behind(portfolio, valuation)
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


def _tornado_row(portfolio: Portfolio, valuation: str, name: str) -> dict[str, object]:
    entry = portfolio.entries[name]
    if isinstance(entry, BandMix):
        ends: tuple[float, float] | tuple[None, None] = (None, None)
        costs = np.quantile(expected_at(portfolio, valuation, {name: sample_input(entry)}), PERCENTILES)
    else:
        values = input_quantiles(entry, PERCENTILES)
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


PERCENTAGE_POINT = 0.01
LEVERS = {"line": pl.String, "lever": pl.String, "step": pl.Float64, "adds": pl.Float64}


def levers(portfolio: Portfolio) -> pl.DataFrame:
    """Return how much one step of each lever (a decision) adds to the expected cash cost of each line.

    Returns:
        One row per line and lever: `line`, `lever`, `step` and `adds` (in the smallest unit of the currency).
        The levers are `award` (a round step of about a tenth of the mean award), `review_share` (one
        percentage point more of the reports in the review band) and `filing` (one percentage point more).
    """
    lines = sorted({s.line for s in portfolio.streams if s.valuation == "cash"})
    rows = []
    for line in lines:
        streams = tuple(s for s in portfolio.streams if s.line == line and s.valuation == "cash")
        only = Portfolio(streams, portfolio.entries)
        base = expected_at(only, "cash", {})[0]
        for lever, name, step, moved in _lever_moves(only):
            rows.append((line, lever, step, expected_at(only, "cash", {name: moved})[0] - base))
    frame = pl.DataFrame(rows, schema=LEVERS, orient="row")
    return frame.filter(pl.col("adds") != 0).with_columns(pl.col("adds").round_sig_figs(10))


def _lever_moves(portfolio: Portfolio) -> Iterator[tuple[str, str, float, FloatArray]]:
    """Yield, for each lever, its name, the assumption that it changes, the step, and the changed value."""
    for name, entry in assumptions_behind(portfolio, "cash").items():
        if isinstance(entry, BandMix):
            more = _mix_with_more_review(entry, portfolio.streams)
            if more is not None:
                yield "review_share", name, PERCENTAGE_POINT, more
            continue
        mean = entry.range.expected
        if isinstance(entry, Award) and mean:
            step = 10.0 ** math.floor(math.log10(mean / 10))
            yield "award", name, step, np.array([mean + step])
        if (
            isinstance(entry, RateAssumption)
            and entry.kind == "filing_share"
            and mean + PERCENTAGE_POINT <= 1
        ):
            yield "filing", name, PERCENTAGE_POINT, np.array([mean + PERCENTAGE_POINT])


def _mix_with_more_review(mix: BandMix, streams: tuple[Stream, ...]) -> FloatArray | None:
    """Return the band mix with one percentage point more under review, taken pro rata from other bands."""
    reviewed = [part.band for s in streams for part in s.parts if part.reviewed and part.band is not None]
    shares = np.array([band.share for band in mix.bands])
    inside = np.isin(np.arange(len(shares)), reviewed)
    under, rest = shares[inside].sum(), shares[~inside].sum()
    if not under or rest <= PERCENTAGE_POINT:
        return None
    return np.asarray(
        np.where(inside, shares * (1 + PERCENTAGE_POINT / under), shares * (1 - PERCENTAGE_POINT / rest))
    )[None, :]
