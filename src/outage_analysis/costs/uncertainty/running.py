"""The uncertainty run: draws of the ledger, the process integrated out, the law of each total."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from outage_analysis.assumptions.laws import FloatArray
from outage_analysis.costs.uncertainty.draws import blocks, correlated
from outage_analysis.costs.uncertainty.mixtures import Mixture
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.errors import ModelRefused, UsageError

DRAWS = 2**14
SEED = 20221015
"""The day of the outage; any whole number serves."""
REPLICATES = 16


@dataclass(frozen=True)
class Block:
    """One replicate: the inputs, and each stream's parts given them."""

    uniforms: FloatArray
    values: Mapping[str, FloatArray]
    moments: tuple[tuple[FloatArray, FloatArray], ...]
    """By stream: means and covariances, (draws, parts)."""


@dataclass(frozen=True)
class Uncertainty:
    """A portfolio's totals under everything that is uncertain about it."""

    portfolio: Portfolio
    draws: int
    seed: int
    rank: FloatArray | None = field(default=None, repr=False)
    """Rank correlations of the assumptions, in the portfolio's order; None when they are independent."""

    def points(self) -> Iterator[FloatArray]:
        """The uniform points of the inputs, replicate by replicate, always the same: nothing is kept."""
        return (u for u, _ in self._drawn()) if self.rank is not None else self._independent()

    def blocks(self) -> Iterator[Block]:
        """The inputs at these points, and what each stream pays given them."""
        for u, values in self._drawn():
            yield Block(u, values, tuple(s.moments(values, len(u)) for s in self.portfolio.streams))

    def _independent(self) -> Iterator[FloatArray]:
        return blocks(self.portfolio.dimensions, self.draws, seed=self.seed, replicates=REPLICATES)

    def _drawn(self) -> Iterator[tuple[FloatArray, dict[str, FloatArray]]]:
        for u in self._independent():
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
        mine = tuple(s for s in self.portfolio.streams if (s.line, s.valuation) == (line, valuation))
        return replace(self, portfolio=replace(self.portfolio, streams=mine)) if mine else None

    @cached_property
    def laws(self) -> dict[str, Mixture]:
        """The law of the total of each valuation."""
        found: dict[str, list[tuple[FloatArray, FloatArray]]] = {v: [] for v in self.portfolio.valuations}
        for block in self.blocks():
            for valuation, rows in found.items():
                mine = [
                    m
                    for s, m in zip(self.portfolio.streams, block.moments, strict=True)
                    if s.valuation == valuation
                ]
                rows.append(
                    (
                        np.sum([mean.sum(axis=1) for mean, _ in mine], axis=0),
                        np.sum([cov.sum(axis=1) for _, cov in mine], axis=0),
                    )
                )
        return {
            valuation: Mixture(np.array([m for m, _ in rows]), np.array([v for _, v in rows]))
            for valuation, rows in found.items()
        }


def simulate(portfolio: Portfolio, *, draws: int = DRAWS, seed: int = SEED) -> Uncertainty:
    """The uncertainty run of a portfolio.

    Args:
        portfolio: what is paid, and the inputs.
        draws: how many points of the inputs are taken, a power of two; the process is integrated out at
            each, so that the number of claims costs nothing.
        seed: the same seed gives the same digits on any number of threads.

    Raises:
        ModelRefused: no line has an expected cost, or the correlations cannot hold together.
        UsageError: a number of draws that is no power of two.
    """
    if not portfolio.streams:
        raise ModelRefused(
            "no line has an expected cost, so nothing can be drawn",
            remedy="Give a ledger with the inputs that the policy needs.",
        )
    return _checked(Uncertainty(portfolio, draws, seed, _declared(portfolio)))


def stressed(run: Uncertainty, rank: float = 0.5) -> Uncertainty:
    """The same run with this rank correlation between all assumptions: what independence hides."""
    names = _leading(run.portfolio)
    matrix = np.full((len(names), len(names)), rank)
    np.fill_diagonal(matrix, 1.0)
    return _checked(Uncertainty(run.portfolio, run.draws, run.seed, matrix))


def _checked(run: Uncertainty) -> Uncertainty:
    """The run, if its draws and correlations can be had: said now, not when the first total is asked for."""
    blocks(run.portfolio.dimensions, run.draws, seed=run.seed, replicates=REPLICATES)
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
