"""The uncertainty run: draws of the inputs and of the counts, and the sample of each total."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.uncertainty.count_process import Process, shared_process
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.costs.uncertainty.samples import SampledTotal
from outage_analysis.costs.uncertainty.sobol import COLUMNS, blocks, correlated, even_blocks
from outage_analysis.errors import ModelRefused, UsageError

DRAWS = 2**14
SEED = 20221015
"""The day of the outage; any whole number serves."""
REPLICATES = 16
CHANCE = 0.01
"""Share of the variance above which the counts, given the inputs, need more points."""
REFINED = 8
"""How many times as many points are then taken; twice as many again for more than `FEW_COUNTS`."""
FEW_COUNTS = 4
"""Counts that Sobol points of the usual number draw evenly enough."""


@dataclass(frozen=True)
class Block:
    """One replicate: the inputs, and what each stream pays."""

    uniforms: FloatArray
    values: Mapping[str, FloatArray]
    amounts: tuple[FloatArray, ...]
    """By stream: what each unit is paid in each draw, (draws, units)."""


@dataclass(frozen=True)
class Uncertainty:
    """A portfolio's totals under everything that is uncertain about it."""

    portfolio: Portfolio
    process: Process = field(repr=False)
    draws: int
    seed: int
    rank: FloatArray | None = field(default=None, repr=False)
    """Rank correlations of the assumptions, in the portfolio's order; None when they are independent."""

    def points(self) -> Iterator[FloatArray]:
        """The uniform points of the inputs, replicate by replicate, always the same: nothing is kept."""
        return (u for u, _ in self._drawn())

    def blocks(self) -> Iterator[Block]:
        """The inputs at these points, and what each stream pays given them."""
        for u, values in self._drawn():
            scores = self.process.scores(u[:, self.portfolio.dimensions :])
            amounts = tuple(
                self.process.amounts(stream, units, values, scores, len(u))
                for stream, units in zip(self.portfolio.streams, self.process.units, strict=True)
            )
            yield Block(u, values, amounts)

    def _drawn(self) -> Iterator[tuple[FloatArray, dict[str, FloatArray]]]:
        dimensions = self.portfolio.dimensions + self.process.dimensions
        for u in even_blocks(dimensions, self.draws, seed=self.seed, replicates=REPLICATES):
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
        names = _leading(portfolio)
        places = [portfolio.places[name] for name in names]
        wanted = correlated(u[:, [place.start for place in places]], rank)
        for k in np.flatnonzero((rank != np.eye(len(names))).any(axis=1)):
            drawn = values[names[k]]
            size = drawn if drawn.ndim == 1 else drawn[:, -1]  # a mix by the share of its last band
            by_size, by_wish = (np.argsort(x, kind="stable") for x in (size, wanted[:, k]))
            tied[by_wish, places[k]] = u[by_size, places[k]]
            told[names[k]] = np.empty_like(drawn)
            told[names[k]][by_wish] = drawn[by_size]
        return tied, told

    def only(self, line: str, valuation: str) -> Uncertainty | None:
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

    def _sums(self, block: Block, valuation: str) -> FloatArray:
        """A total of one replicate, with its mean and variance given the inputs, (3, draws)."""
        sums = np.zeros((3, len(block.uniforms)))
        for stream, paid in zip(self.portfolio.streams, block.amounts, strict=True):
            if stream.valuation == valuation:
                means, covariances = stream.moments(block.values, len(block.uniforms))
                sums += np.array([paid.sum(axis=1), means.sum(axis=1), covariances.sum(axis=1)])
        return sums


def simulate(portfolio: Portfolio, *, draws: int = DRAWS, seed: int = SEED) -> Uncertainty:
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
) -> list[Uncertainty]:
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
    trial = next(blocks(portfolios[0].dimensions, draws, seed=seed, replicates=REPLICATES))
    values = portfolios[0].values(trial)
    processes = shared_process(portfolios, values)
    if any(_chance_matters(portfolio, values, len(trial)) for portfolio in portfolios):
        many = processes[0].dimensions > FEW_COUNTS
        draws = min(draws * (2 * REFINED if many else REFINED), REPLICATES << COLUMNS)
    rank = _declared(portfolios[0])
    return [
        _checked(Uncertainty(portfolio, process, draws, seed, rank))
        for portfolio, process in zip(portfolios, processes, strict=True)
    ]


def _chance_matters(portfolio: Portfolio, values: Mapping[str, FloatArray], draws: int) -> bool:
    """Whether chance, given the inputs, carries more than `CHANCE` of the variance of a total."""
    for valuation in portfolio.valuations:
        moments = [s.moments(values, draws) for s in portfolio.streams if s.valuation == valuation]
        mean = np.sum([means.sum(axis=1) for means, _ in moments], axis=0)
        chance = float(np.sum([covariances.sum(axis=1) for _, covariances in moments], axis=0).mean())
        if chance > CHANCE * (chance + float(mean.var())):
            return True
    return False


def stressed(run: Uncertainty, rank: float = 0.5) -> Uncertainty:
    """The same run with this rank correlation between all assumptions: what independence hides."""
    names = _leading(run.portfolio)
    matrix = np.full((len(names), len(names)), rank)
    np.fill_diagonal(matrix, 1.0)
    return _checked(replace(run, rank=matrix))


def _checked(run: Uncertainty) -> Uncertainty:
    """The run, if its draws and correlations can be had: said now, not when the first total is asked for."""
    if run.rank is not None:
        correlated(np.empty((0, len(run.rank))), run.rank, _leading(run.portfolio))
    return run


def _leading(portfolio: Portfolio) -> list[str]:
    return [name for name, entry in portfolio.entries.items() if entry.dimensions]


def _declared(portfolio: Portfolio) -> FloatArray | None:
    names = _leading(portfolio)
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
