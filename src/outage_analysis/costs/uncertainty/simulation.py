"""The uncertainty run: draws of the inputs and of the counts, and the sample of each total."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.uncertainty.count_process import CountProcess, shared_processes
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.costs.uncertainty.samples import SampledTotal
from outage_analysis.costs.uncertainty.sobol import (
    COLUMNS,
    correlate_ranks,
    quasi_random_replicates,
    sobol_replicates,
)
from outage_analysis.errors import ModelRefused, UsageError

DRAWS = 2**14
SEED = 20221015
"""The day of the outage; any whole number serves."""
REPLICATES = 16
COUNT_VARIANCE_SHARE = 0.01
"""Share of the variance above which the counts, given the inputs, need more points."""
REFINEMENT = 8
"""How many times as many points are then taken; twice as many again for more than `FEW_COUNTS`."""
FEW_COUNTS = 4
"""Counts that Sobol points of the usual number draw evenly enough."""


@dataclass(frozen=True)
class Replicate:
    """One replicate: the inputs, and what each stream pays."""

    uniforms: FloatArray
    values: Mapping[str, FloatArray]
    amounts: tuple[FloatArray, ...]
    """By stream: what each unit is paid in each draw, (draws, units)."""


@dataclass(frozen=True)
class Simulation:
    """A portfolio's totals under everything that is uncertain about it."""

    portfolio: Portfolio
    process: CountProcess = field(repr=False)
    draws: int
    seed: int
    rank: FloatArray | None = field(default=None, repr=False)
    """Rank correlations of the assumptions, in the portfolio's order; None when they are independent."""

    def points(self) -> Iterator[FloatArray]:
        """The uniform points of the inputs, replicate by replicate, always the same: nothing is kept."""
        return (u for u, _ in self._drawn())

    def blocks(self) -> Iterator[Replicate]:
        """The inputs at these points, and what each stream pays given them."""
        for u, values in self._drawn():
            scores = self.process.scores(u[:, self.portfolio.dimensions :])
            amounts = tuple(
                self.process.amounts(stream, units, values, scores, len(u))
                for stream, units in zip(self.portfolio.streams, self.process.units, strict=True)
            )
            yield Replicate(u, values, amounts)

    def _drawn(self) -> Iterator[tuple[FloatArray, dict[str, FloatArray]]]:
        dimensions = self.portfolio.dimensions + self.process.dimensions
        for u in quasi_random_replicates(dimensions, self.draws, seed=self.seed, replicates=REPLICATES):
            values = self.portfolio.values(u)
            yield (u, values) if self.rank is None else self._tied(u, values, self.rank)

    def _tied(
        self, u: FloatArray, values: dict[str, FloatArray], rank: FloatArray
    ) -> tuple[FloatArray, dict[str, FloatArray]]:
        """The points of each assumption and its values, rearranged so that their ranks are correlated.

        No assumption loses or gains a point (Iman and Conover 1982), so each keeps its law; which of its
        points go together with which of another's is drawn by a Gaussian copula.
        """
        portfolio, tied, told = self.portfolio, u.copy(), dict(values)
        names = _sampled_names(portfolio)
        places = [portfolio.places[name] for name in names]
        wanted = correlate_ranks(u[:, [place.start for place in places]], rank)
        for k in np.flatnonzero((rank != np.eye(len(names))).any(axis=1)):
            drawn = values[names[k]]
            size = drawn if drawn.ndim == 1 else drawn[:, -1]  # a mix by the share of its last band
            by_size, by_wish = (np.argsort(x, kind="stable") for x in (size, wanted[:, k]))
            tied[by_wish, places[k]] = u[by_size, places[k]]
            told[names[k]] = np.empty_like(drawn)
            told[names[k]][by_wish] = drawn[by_size]
        return tied, told

    def only(self, line: str, valuation: str) -> Simulation | None:
        """The same draws of one line alone; None when it has no expected cost."""
        streams = self.portfolio.streams
        mine = [k for k, s in enumerate(streams) if (s.line, s.valuation) == (line, valuation)]
        if not mine:
            return None
        return replace(
            self,
            portfolio=replace(self.portfolio, streams=tuple(streams[k] for k in mine)),
            process=replace(self.process, units=tuple(self.process.units[k] for k in mine)),
        )

    @cached_property
    def totals(self) -> dict[str, SampledTotal]:
        """The sampled total of each valuation."""
        rows: dict[str, list[FloatArray]] = {v: [] for v in self.portfolio.valuations}
        for block in self.blocks():
            for valuation, mine in rows.items():
                mine.append(self._sums(block, valuation))
        return {valuation: SampledTotal(*np.stack(mine, axis=1)) for valuation, mine in rows.items()}

    def _sums(self, block: Replicate, valuation: str) -> FloatArray:
        """A total of one replicate, with its mean and variance given the inputs, (3, draws)."""
        sums = np.zeros((3, len(block.uniforms)))
        for stream, paid in zip(self.portfolio.streams, block.amounts, strict=True):
            if stream.valuation == valuation:
                means, covariances = stream.moments(block.values, len(block.uniforms))
                sums += np.array([paid.sum(axis=1), means.sum(axis=1), covariances.sum(axis=1)])
        return sums


def simulate(portfolio: Portfolio, *, draws: int = DRAWS, seed: int = SEED) -> Simulation:
    """The uncertainty run of a portfolio.

    Args:
        portfolio: what is paid, and the inputs.
        draws: how many points are taken, a power of two; 8 or 16 times as many if chance carries more than
            1 % of the variance, because few claims or large payments carry it.
        seed: the same seed gives the same digits on any number of threads.

    Raises:
        ModelRefused: no line has an expected cost, or the correlations cannot hold together.
        UsageError: a number of draws that is no power of two.
    """
    return simulate_together([portfolio], draws=draws, seed=seed)[0]


def simulate_together(
    portfolios: Sequence[Portfolio], *, draws: int = DRAWS, seed: int = SEED
) -> list[Simulation]:
    """The uncertainty runs of several policies on the same points, with the same claims accepted.

    Args:
        portfolios: with the same inputs and correlations; lines of the same id share their claims.
        draws: see `simulate`.
        seed: see `simulate`.

    Raises:
        ModelRefused: see `simulate`.
        UsageError: see `simulate`.
    """
    if not all(portfolio.streams for portfolio in portfolios):
        raise ModelRefused(
            "no line has an expected cost, so nothing can be drawn",
            remedy="Give a ledger with the inputs that the policy needs.",
        )
    trial = next(sobol_replicates(portfolios[0].dimensions, draws, seed=seed, replicates=REPLICATES))
    values = portfolios[0].values(trial)
    processes = shared_processes(portfolios, values)
    if any(_counts_matter(portfolio, values, len(trial)) for portfolio in portfolios):
        many = processes[0].dimensions > FEW_COUNTS
        draws = min(draws * (2 * REFINEMENT if many else REFINEMENT), REPLICATES << COLUMNS)
    rank = _rank_matrix(portfolios[0])
    return [
        _check_correlations(Simulation(portfolio, process, draws, seed, rank))
        for portfolio, process in zip(portfolios, processes, strict=True)
    ]


def _counts_matter(portfolio: Portfolio, values: Mapping[str, FloatArray], draws: int) -> bool:
    """Whether chance, given the inputs, carries more than `COUNT_VARIANCE_SHARE` of the variance of a total."""
    for valuation in portfolio.valuations:
        moments = [s.moments(values, draws) for s in portfolio.streams if s.valuation == valuation]
        mean = np.sum([means.sum(axis=1) for means, _ in moments], axis=0)
        chance = float(np.sum([covariances.sum(axis=1) for _, covariances in moments], axis=0).mean())
        if chance > COUNT_VARIANCE_SHARE * (chance + float(mean.var())):
            return True
    return False


def with_equal_correlations(run: Simulation, rank: float = 0.5) -> Simulation:
    """The same run with this rank correlation between all assumptions: what independence hides."""
    names = _sampled_names(run.portfolio)
    matrix = np.full((len(names), len(names)), rank)
    np.fill_diagonal(matrix, 1.0)
    return _check_correlations(replace(run, rank=matrix))


def _check_correlations(run: Simulation) -> Simulation:
    """The run, if its draws and correlations can be had: said now, not when the first total is asked for."""
    if run.rank is not None:
        correlate_ranks(np.empty((0, len(run.rank))), run.rank, _sampled_names(run.portfolio))
    return run


def _sampled_names(portfolio: Portfolio) -> list[str]:
    return [name for name, entry in portfolio.entries.items() if entry.dimensions]


def _rank_matrix(portfolio: Portfolio) -> FloatArray | None:
    names = _sampled_names(portfolio)
    pairs = {pair: rank for pair, rank in portfolio.correlations.items() if rank}
    if not pairs:
        return None
    matrix = np.eye(len(names))
    for (one, other), rank in pairs.items():
        if one not in names or other not in names:
            raise UsageError(
                f"a correlation of {one} with {other}, one of which is certain",
                remedy="Give the band mix a size, or leave the correlation out.",
            )
        a, b = names.index(one), names.index(other)
        matrix[a, b] = matrix[b, a] = rank
    return matrix
