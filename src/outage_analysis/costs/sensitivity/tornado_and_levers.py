"""The tornado (the effect of each input on the total) and the levers (the effect of single decisions).

The other sensitivity tables use the same inputs, their quantiles and the search for break-even values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import polars as pl

from outage_analysis.assumptions import (
    INPUT_UNIT,
    Assumption,
    Award,
    BandMix,
    FloatArray,
    OneDistribution,
    RateAssumption,
)
from outage_analysis.costs.uncertainty.portfolio import Portfolio, Stream, expected_at
from outage_analysis.costs.uncertainty.sobol import sobol_points
from outage_analysis.text import (
    ASSUMPTION,
    DEFAULT_LEVEL,
    KIND,
    LINE,
    TABLE_DIGITS,
    VALUATION,
    Column,
    LikelyRange,
    TableSchema,
    UnitByRow,
)

TORNADO = TableSchema(
    "One row per kind of cost and uncertain input, the widest range of cost first.",
    (
        VALUATION,
        ASSUMPTION,
        KIND,
        Column("input_low", INPUT_UNIT, "Low end of the likely range of the input; empty for a band mix."),
        Column("input_high", INPUT_UNIT, "High end of the likely range of the input; empty for a band mix."),
        Column("cost_low", "money", "Expected cost with the input at the low end."),
        Column("cost_expected", "money", "Expected cost with every input at its mean."),
        Column("cost_high", "money", "Expected cost with the input at the high end."),
    ),
)


def tornado(portfolio: Portfolio, *, level: int = DEFAULT_LEVEL) -> pl.DataFrame:
    """Return the expected total with each input at the ends of its likely range, the others at their means.

    Args:
        portfolio: the payment streams and their inputs.
        level: the probability of the likely range in percent: 80 for P10 to P90, 90 for P5 to P95.

    Returns:
        The columns of `TORNADO`, one row per valuation and uncertain input, the widest range of cost first.
        Costs are in the smallest unit of the currency. A band mix is not a single number: its `input_low` and
        `input_high` are null, and the costs are the ends of the likely range of the expected total over
        sampled mixes.
    """
    likely = LikelyRange(level)
    rows = [
        _tornado_row(portfolio, valuation, name, (likely.lower, likely.upper))
        for valuation in portfolio.valuations
        for name in assumptions_behind(portfolio, valuation)
    ]
    order = {valuation: n for n, valuation in enumerate(portfolio.valuations)}
    place = pl.col("valuation").replace_strict(order, return_dtype=pl.Int64)
    swing = pl.col("cost_high") - pl.col("cost_low")
    return (
        pl.DataFrame(rows, schema=TORNADO.dtypes)
        .with_columns(pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS))
        .filter(swing != 0)
        .sort(place, swing, "assumption", descending=[False, True, False])
    )


def _tornado_row(
    portfolio: Portfolio, valuation: str, name: str, probabilities: tuple[float, float]
) -> dict[str, object]:
    entry = portfolio.entries[name]
    if isinstance(entry, BandMix):
        ends: tuple[float, float] | tuple[None, None] = (None, None)
        costs = np.quantile(expected_at(portfolio, valuation, {name: sample_input(entry)}), probabilities)
    else:
        values = input_quantiles(entry, probabilities)
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
LEVERS = TableSchema(
    "One row per cost line and decision.",
    (
        LINE,
        Column("lever", "word", "The decision: award, review_share or filing."),
        Column(
            "step", UnitByRow("lever", {"award": "money"}, "share"), "Size of one step.", label="lever_step"
        ),
        Column("adds", "money", "What one step adds to the expected cash."),
    ),
)


def levers(portfolio: Portfolio) -> pl.DataFrame:
    """Return how much one step of each lever (a decision) adds to the expected cash cost of each line.

    Returns:
        One row per line and lever: `line`, `lever`, `step` and `adds` (in the smallest unit of the currency).
        The levers are `award` (a round step of about a tenth of the mean award), `review_share` (one
        percentage point more of the reports in the review band) and `filing` (one percentage point more).
        Lines whose payment the law fixes have no row.
    """
    lines = sorted({s.line for s in portfolio.streams if s.valuation == "cash"} - portfolio.statutory)
    rows = []
    for line in lines:
        streams = tuple(s for s in portfolio.streams if s.line == line and s.valuation == "cash")
        only = Portfolio(streams, portfolio.entries)
        base = expected_at(only, "cash", {})[0]
        for lever, name, step, moved in _lever_moves(only):
            rows.append((line, lever, step, expected_at(only, "cash", {name: moved})[0] - base))
    frame = pl.DataFrame(rows, schema=LEVERS.dtypes, orient="row")
    return frame.filter(pl.col("adds") != 0).with_columns(pl.col("adds").round_sig_figs(TABLE_DIGITS))


def _lever_moves(portfolio: Portfolio) -> Iterator[tuple[str, str, float, FloatArray]]:
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
    reviewed = [part.band for s in streams for part in s.parts if part.reviewed and part.band is not None]
    shares = np.array([band.share for band in mix.bands])
    inside = np.isin(np.arange(len(shares)), reviewed)
    under, rest = shares[inside].sum(), shares[~inside].sum()
    if not under or rest <= PERCENTAGE_POINT:
        return None
    return np.asarray(
        np.where(inside, shares * (1 + PERCENTAGE_POINT / under), shares * (1 - PERCENTAGE_POINT / rest))
    )[None, :]


POINTS, SEED = 2**15, 1
"""The size and the seed of the sample of an input without closed-form quantiles, such as a mix."""
QUANTILE_LIMITS = (1e-9, 1 - 1e-9)
"""The search for a change of sign covers the values between these quantiles of the input."""
CELLS, ROUNDS = 64, 9
"""Each round of the search divides the range into `CELLS` cells and continues in the cell with the change."""


def assumptions_behind(portfolio: Portfolio, *valuations: str) -> dict[str, Assumption]:
    """Return the assumptions that affect the totals of some valuations, such as `cash`, by id."""
    used = {name for s in portfolio.streams if s.valuation in valuations for name in s.inputs}
    return {name: entry for name, entry in portfolio.entries.items() if name in used}


def scalar_inputs(entries: dict[str, Assumption]) -> Iterable[tuple[str, Assumption, float]]:
    """Yield each input that is a single number (so not a band mix), with its id and its mean."""
    for name, entry in entries.items():
        if not isinstance(entry, BandMix):
            yield name, entry, entry.range.expected


def sample_input(entry: Assumption) -> FloatArray:
    """Return a quasi-random (Sobol) sample of an input: shape (n,), or (n, bands) for a band mix."""
    return entry.draw(np.concatenate(sobol_points(entry.dimensions, POINTS, seed=SEED)))


def input_quantiles(entry: Assumption, p: Sequence[float]) -> FloatArray:
    """Return the quantiles of an input that is a single number, at the probabilities p."""
    if isinstance(entry, OneDistribution):
        return entry.sampled_distribution.quantile(p)
    return np.asarray(np.quantile(sample_input(entry), p))


def chance_above(entry: Assumption, x: float) -> float:
    """Return the probability that an input that is a single number exceeds x."""
    if isinstance(entry, OneDistribution):
        return float(1 - entry.sampled_distribution.cdf(x))
    return float((sample_input(entry) > x).mean())


def sign_change(gap: Callable[[FloatArray], FloatArray], entry: Assumption) -> float | None:
    """Return the smallest value of an input at which a function changes its sign; None if it never does."""
    low, high = input_quantiles(entry, QUANTILE_LIMITS)
    for _ in range(ROUNDS):
        values = np.linspace(low, high, CELLS + 1)
        positive = gap(values) > 0
        turns = np.flatnonzero(positive[1:] != positive[:-1])
        if not len(turns):
            return None
        low, high = values[turns[0]], values[turns[0] + 1]
    return float(high)
