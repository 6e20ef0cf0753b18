"""The range of the total after each step of a bridge, from a simulation of its cost lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from outage_analysis.assumptions import Assumption, Ledger
from outage_analysis.costs.uncertainty.policy_streams import build_portfolio
from outage_analysis.costs.uncertainty.portfolio import Portfolio, Stream
from outage_analysis.costs.uncertainty.simulation import simulate
from outage_analysis.costs.uncertainty.tables import rounded_estimate
from outage_analysis.errors import ModelRefused
from outage_analysis.policies import CostLine, Policy

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
        line: the line, as known on the day.
        ledger: the assumptions that apply to it, with the correlations of the whole ledger.
        day: the day whose facts are used.
        cost: the expected cost; None if there is none.
    """

    line: CostLine
    ledger: Ledger | None
    day: date
    cost: float | None


Stage = Mapping[str, StagedLine]
"""The cost lines after a step of the bridge, by id."""


def costs_of(stage: Stage) -> dict[str, float]:
    """Return the expected costs of the lines that have one, by id."""
    return {id_: staged.cost for id_, staged in stage.items() if staged.cost is not None}


@dataclass
class StageRanges:
    """Simulates the stages of a bridge, each with the same seed.

    A stage is simulated with all its lines, also those of other valuations, because a run draws them
    together: the last stage then has the figures of the second run. Stages whose lines of the valuation are
    equal have equal figures, so that a step that changes nothing shows no numerical noise.

    Args:
        policy: a policy that states the currency; its lines are replaced.
        valuation: the kind of cost that is added up.
        draws: the number of points; None if nothing is simulated.
        seed: the seed.
    """

    policy: Policy
    valuation: str
    draws: int | None
    seed: int
    _known: list[tuple[object, dict[str, float | None]]] = field(default_factory=list)

    def rows(self, stages: Iterable[Stage]) -> pl.DataFrame:
        """Return one row per stage with the columns of `QUANTILES`, in the smallest unit of the currency."""
        every = list(stages)
        self._quantiles(every[-1])  # first, because equal stages take its figures
        rows = [self._quantiles(stage) for stage in every]
        return pl.DataFrame(rows, schema=dict.fromkeys(QUANTILES, pl.Float64))

    def _quantiles(self, stage: Stage) -> dict[str, float | None]:
        empty: dict[str, float | None] = dict.fromkeys(QUANTILES)
        portfolio = None if self.draws is None else self._portfolio(stage)
        if portfolio is None or self.valuation not in portfolio.valuations:
            return empty
        part = _part(portfolio, self.valuation)
        for known, quantiles in self._known:
            if known == part:
                return quantiles
        try:
            run = simulate(portfolio, draws=self.draws or 0, seed=self.seed)
            total = run.with_streams(lambda stream: stream.valuation == self.valuation).totals[self.valuation]
            found: dict[str, float | None] = {
                name: rounded_estimate(total.quantile(p)).value for name, p in QUANTILES.items()
            }
        except ModelRefused:  # a mixture of two runs need not be a possible run
            found = empty
        self._known.append((part, found))
        return found

    def _portfolio(self, stage: Stage) -> Portfolio:
        streams: list[Stream] = []
        entries: dict[str, Assumption] = {}
        for id_, staged in stage.items():
            policy = self.policy.model_copy(update={"lines": (staged.line,)})
            portfolio = build_portfolio(policy, staged.ledger, as_of=staged.day)
            own = dict(_distinct(portfolio.entries, entries, id_))
            entries |= {own[name]: entry for name, entry in portfolio.entries.items()}
            streams += [_renamed(stream, own) for stream in portfolio.streams]
        ledgers = (staged.ledger for staged in stage.values() if staged.ledger)
        correlations = {c.of: c.rank for ledger in ledgers for c in ledger.correlations}
        return Portfolio(
            tuple(streams),
            {name: entries[name] for name in sorted(entries)},
            {pair: rank for pair, rank in correlations.items() if set(pair) <= entries.keys()},
        )


def _part(portfolio: Portfolio, valuation: str) -> tuple[object, ...]:
    streams = tuple(stream for stream in portfolio.streams if stream.valuation == valuation)
    used = {name for stream in streams for name in stream.inputs}
    stated = {name: portfolio.entries[name].model_dump(exclude=REMARKS) for name in used}
    return (
        streams,
        stated,
        {pair: rank for pair, rank in portfolio.correlations.items() if used.issuperset(pair)},
    )


def _distinct(
    own: Mapping[str, Assumption], taken: Mapping[str, Assumption], line: str
) -> Iterator[tuple[str, str]]:
    for name, entry in own.items():
        yield name, name if taken.get(name, entry) == entry else f"{name} ({line})"


def _renamed(stream: Stream, names: Mapping[str, str]) -> Stream:
    return replace(
        stream,
        scales=tuple(names[name] for name in stream.scales),
        rates=tuple(names[name] for name in stream.rates),
        mix=names.get(stream.mix, ""),
        award=names.get(stream.award, ""),
    )
