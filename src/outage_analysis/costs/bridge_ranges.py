"""The range of the total after each step of a bridge, from a simulation of its cost lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from outage_analysis.assumptions import Assumption, Ledger
from outage_analysis.costs.terms import CompiledLine, Term
from outage_analysis.costs.uncertainty.portfolio import Portfolio, portfolio_of_lines
from outage_analysis.costs.uncertainty.simulation import simulate
from outage_analysis.costs.uncertainty.tables import rounded_estimate
from outage_analysis.errors import ModelRefused

QUANTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9}
"""Column of the bridge -> the probability of a total below it."""

REMARKS = {
    *("name", "lines", "effort", "public_on", "grade", "source", "facts"),
    *("rationale", "owner", "approved_by", "outcome_known"),
}
"""The keys of an assumption that do not change its draws."""


@dataclass(frozen=True)
class StagedLine:
    """A cost line at one stage of a bridge.

    Args:
        compiled: the terms of the line; empty if the line was not public.
        ledger: the assumptions that apply to it, with the correlations of the whole ledger.
        day: the day whose facts are used.
        cost: the expected cost; None if there is none.
    """

    compiled: tuple[CompiledLine, ...]
    ledger: Ledger | None
    day: date
    cost: float | None


Stage = Mapping[str, StagedLine]
"""The cost lines after a step of the bridge, by id."""


def costs_of(stage: Stage) -> dict[str, float]:
    """Return the expected costs of the lines that have one, by id."""
    return {id_: staged.cost for id_, staged in stage.items() if staged.cost is not None}


def stage_ranges(stages: Sequence[Stage], valuation: str, draws: int, seed: int) -> pl.DataFrame:
    """Return quantiles of the total after each stage of a bridge, each simulated with the same seed.

    A stage is simulated with all its lines, also those of other valuations, because a run draws them
    together: the last stage then has the figures of the second run. Stages whose lines of the valuation are
    equal have equal figures, so that a step that changes nothing shows no numerical noise.

    Returns:
        One row per stage with the columns of `QUANTILES`, in the smallest unit of the currency; null for a
        stage without an expected cost.
    """
    known: list[tuple[object, dict[str, float | None]]] = []

    def quantiles(stage: Stage) -> dict[str, float | None]:
        portfolio = _portfolio(stage)
        if valuation not in portfolio.valuations:
            return dict.fromkeys(QUANTILES)
        part = _part(portfolio, valuation)
        for before, found in known:
            if before == part:
                return found
        try:
            run = simulate(portfolio, draws=draws, seed=seed)
            total = run.with_terms(lambda term: term.valuation == valuation).totals[valuation]
            found = {name: rounded_estimate(total.quantile(p)).value for name, p in QUANTILES.items()}
        except ModelRefused:  # a mixture of two runs need not be a possible run
            found = dict.fromkeys(QUANTILES)
        known.append((part, found))
        return found

    quantiles(stages[-1])  # first, because equal stages take its figures
    return pl.DataFrame([*map(quantiles, stages)], schema=dict.fromkeys(QUANTILES, pl.Float64))


def _portfolio(stage: Stage) -> Portfolio:
    terms: list[Term] = []
    entries: dict[str, Assumption] = {}
    for id_, staged in stage.items():
        portfolio = portfolio_of_lines(staged.compiled, staged.ledger, staged.day)
        own = dict(_distinct(portfolio.entries, entries, id_))
        entries |= {own[name]: entry for name, entry in portfolio.entries.items()}
        terms += [_renamed(term, own) for term in portfolio.terms]
    ledgers = (staged.ledger for staged in stage.values() if staged.ledger)
    correlations = {c.of: c.rank for ledger in ledgers for c in ledger.correlations}
    return Portfolio(
        tuple(terms),
        {name: entries[name] for name in sorted(entries)},
        {pair: rank for pair, rank in correlations.items() if set(pair) <= entries.keys()},
    )


def _part(portfolio: Portfolio, valuation: str) -> tuple[object, ...]:
    terms = [term for term in portfolio.terms if term.valuation == valuation]
    used = {name for term in terms for name in term.inputs}
    stated = {name: portfolio.entries[name].model_dump(exclude=REMARKS) for name in used}
    drawn = [(t.process, t.trials, t.factors, t.parts, t.mix, t.award, t.spread, t.capacity) for t in terms]
    return (
        drawn,
        stated,
        {pair: rank for pair, rank in portfolio.correlations.items() if used.issuperset(pair)},
    )


def _distinct(
    own: Mapping[str, Assumption], taken: Mapping[str, Assumption], line: str
) -> Iterator[tuple[str, str]]:
    for name, entry in own.items():
        yield name, name if taken.get(name, entry) == entry else f"{name} ({line})"


def _renamed(term: Term, names: Mapping[str, str]) -> Term:
    factors = (
        replace(f, mean=replace(f.mean, assumption=names.get(f.mean.assumption, ""))) for f in term.factors
    )
    return replace(term, factors=tuple(factors), mix=names.get(term.mix, ""), award=names.get(term.award, ""))
