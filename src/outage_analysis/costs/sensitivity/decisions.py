"""Inputs that somebody decides, such as the award of a review: set to a fixed value instead of sampled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl
from pydantic import ValidationError

from outage_analysis.assumptions import Assumption, Award, BandMix, RateAssumption, StatedNumber
from outage_analysis.costs.sensitivity.tornado_and_levers import assumptions_behind
from outage_analysis.costs.uncertainty.portfolio import Portfolio, expected_at
from outage_analysis.costs.uncertainty.simulation import DRAWS, SEED, simulate
from outage_analysis.costs.uncertainty.tables import rounded_estimate
from outage_analysis.errors import UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.text import DEFAULT_LEVEL, TABLE_DIGITS, Column, LikelyRange, TableSchema

AWARD_VIEWS = TableSchema(
    "One row with the uncertain mean award, and one per fixed mean award.",
    (
        Column("view", "word", "uncertain or fixed."),
        Column("award", "money", "Expected or fixed mean award."),
        Column("expected", "money", "Expected cash."),
        Column("range_low", "money", "Low end of the likely range of the cash."),
        Column("p50", "money", "Median of the cash."),
        Column("range_high", "money", "High end of the likely range of the cash."),
    ),
)


def with_fixed_inputs(portfolio: Portfolio, values: Mapping[str, float | Sequence[float]]) -> Portfolio:
    """Return the portfolio with some inputs fixed at a value.

    Args:
        portfolio: the payment streams and their inputs.
        values: the fixed values by the id of the assumption; for a band mix, the share of each band.

    Returns:
        A portfolio with the other inputs unchanged, and without correlations with the fixed inputs.

    Raises:
        UsageError: the portfolio does not use an assumption, or the assumption cannot have that value.
    """
    for name in values:
        if name not in portfolio.entries:
            raise UsageError(
                "no such assumption behind the cost",
                value=name,
                remedy=spelling_hint(name, [*portfolio.entries]),
            )
    entries = {
        name: _fixed_entry(entry, values[name]) if name in values else entry
        for name, entry in portfolio.entries.items()
    }
    remaining = {pair: rank for pair, rank in portfolio.correlations.items() if not values.keys() & set(pair)}
    return replace(portfolio, entries=entries, correlations=remaining)


def with_fixed_award(portfolio: Portfolio, award: float) -> Portfolio:
    """Return the portfolio with the mean award of a review fixed at `award` instead of uncertain.

    Raises:
        UsageError: the policy has no review band, or the award is negative.
    """
    return with_fixed_inputs(portfolio, dict.fromkeys(_award_names(portfolio), award))


def award_views(
    portfolio: Portfolio,
    awards: Sequence[float],
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    level: int = DEFAULT_LEVEL,
) -> pl.DataFrame:
    """Compare the cash cost under an uncertain mean award of a review with the cost under fixed awards.

    Args:
        portfolio: the payment streams and their inputs.
        awards: the mean awards to compare, in the smallest unit of the currency.
        draws: the number of simulated draws, a power of two.
        seed: the seed of the simulation.
        level: the probability of the likely range in percent.

    Returns:
        `view` (one row `uncertain`, then one row `fixed` per award), `award` (the expected or the fixed
        award), `expected`, `range_low` and `range_high` (the ends of the likely range), `p50`, all in the
        smallest unit of the currency.

    Raises:
        UsageError: the policy has no review band, or an award is negative.
    """
    uncertain = [portfolio.entries[name] for name in _award_names(portfolio)]
    means = {entry.range.expected for entry in uncertain if isinstance(entry, Award)}
    views = [("uncertain", means.pop() if len(means) == 1 else None, portfolio)]
    views += [("fixed", award, with_fixed_award(portfolio, award)) for award in awards]
    rows, columns = [], LikelyRange(level).columns
    for view, award, decided in views:
        total = simulate(decided, draws=draws, seed=seed).totals["cash"]
        expected = float(expected_at(decided, "cash", {})[0])
        rows.append(
            (view, award, expected, *(rounded_estimate(total.quantile(p)).value for p in columns.values()))
        )
    table = pl.DataFrame(rows, schema=AWARD_VIEWS.dtypes, orient="row")
    return table.with_columns(pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS))


def _award_names(portfolio: Portfolio) -> list[str]:
    free = {s.award for s in portfolio.streams if s.line not in portfolio.statutory}
    awards = [
        name
        for name, entry in assumptions_behind(portfolio, "cash").items()
        if isinstance(entry, Award) and name in free
    ]
    if not awards:
        raise UsageError("nothing of the cash is reviewed", remedy="Choose a policy with a review band.")
    return awards


def _fixed_entry(entry: Assumption, value: float | Sequence[float]) -> Assumption:
    changes = _fixing_values(entry, value)
    try:
        return type(entry).model_validate(entry.model_dump(by_alias=True) | changes)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise UsageError(f"{entry.id} cannot be fixed there", value=value, remedy=f"{reason}.") from error


def _fixing_values(entry: Assumption, value: float | Sequence[float]) -> dict[str, Any]:
    if isinstance(entry, BandMix) == isinstance(value, int | float):
        raise UsageError(f"{entry.id} takes one share per band, other inputs one number", value=value)
    if isinstance(entry, BandMix):
        if not isinstance(value, Sequence) or len(value) != len(entry.bands):
            raise UsageError(f"{entry.id} takes {len(entry.bands)} shares", value=value)
        bands = [band.model_dump() | {"share": x} for band, x in zip(entry.bands, value, strict=True)]
        return {"band": tuple(bands), "size": None}
    distribution = {"distribution": {"kind": "fixed", "value": value}}
    if isinstance(entry, RateAssumption):
        return distribution | {"classes": (), "left_out": (), "observed": None}
    if isinstance(entry, StatedNumber):
        return distribution
    if isinstance(entry, Award):
        return distribution | {"loss": None, "rule": ()}
    raise UsageError(f"{entry.id} is no rate, factor, mean payment, award or mix, so it cannot be fixed")
