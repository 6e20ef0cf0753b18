"""The simulation: draws of the inputs and of the claim counts, and the sample of the total per valuation.

A sample gives quantiles, exceedance probabilities and tail means. It consists of independent replicates;
the spread of their results gives the numerical error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from outage_analysis.assumptions import FloatArray, Handling
from outage_analysis.costs.count_process import CountProcess, shared_processes
from outage_analysis.costs.expected import Portfolio
from outage_analysis.costs.points import COLUMNS, correlate_ranks, quasi_random_replicates, sobol_replicates
from outage_analysis.costs.terms import Term
from outage_analysis.errors import ModelRefused, UsageError, either
from outage_analysis.text import ShortRepr

Key = TypeVar("Key", bound=Hashable)
DRAWS = 2**14
SEED = 20221015
"""The date of the outage; any other whole number would do."""
REPLICATES = 16
COUNT_VARIANCE_SHARE = 0.01
"""If the counts cause more than this share of the variance, the simulation uses more points."""
REFINEMENT = 8
"""The factor by which the number of points is multiplied; it is doubled for more than `FEW_COUNTS` counts."""
MOST_KEPT = 2**22
"""A simulation of at most this many random numbers keeps its draws (100 MB); a larger one repeats them."""
FEW_COUNTS = 4
"""Up to this number of random counts, Sobol points cover the counts evenly enough."""


@dataclass(frozen=True)
class Replicate:
    """One independent replicate of the simulation: the drawn inputs and the payments of each term."""

    uniforms: FloatArray
    """The uniform numbers of the inputs, (draws, dimensions)."""
    values: Mapping[str, FloatArray]
    """The inputs by assumption."""
    amounts: tuple[FloatArray, ...]
    """Per term, the payments to each unit in each draw, (draws, units)."""


@dataclass(frozen=True, repr=False)
class Simulation(ShortRepr):
    """A simulation of the totals of a portfolio."""

    portfolio: Portfolio
    process: CountProcess = field(repr=False)
    draws: int
    seed: int
    rank: FloatArray | None = field(default=None, repr=False)
    """Rank correlations of the assumptions, in the portfolio's order; None if they are independent."""
    rank_of_factors: float = 0.0
    """The rank correlation between the factors of one assumption: people, weeks and wage of the handling."""

    def replicates(self) -> Iterator[Replicate]:
        """Yield the replicates one by one, each with its sampled inputs and the payments of each term.

        Every call yields the same; a small simulation keeps them.
        """
        size = self.draws * (self.portfolio.dimensions + self.process.dimensions)
        yield from self._kept if size <= MOST_KEPT else self._draw()

    @cached_property
    def _kept(self) -> tuple[Replicate, ...]:
        return tuple(self._draw())

    def _draw(self) -> Iterator[Replicate]:
        for u, values in self._sampled_inputs():
            scores = self.process.scores(u[:, self.portfolio.dimensions :])
            amounts = tuple(
                self.process.amounts(term, units, values, scores, len(u))
                for term, units in zip(self.portfolio.terms, self.process.units, strict=True)
            )
            yield Replicate(u, values, amounts)

    def _sampled_inputs(self) -> Iterator[tuple[FloatArray, dict[str, FloatArray]]]:
        dimensions = self.portfolio.dimensions + self.process.dimensions
        for points in quasi_random_replicates(dimensions, self.draws, seed=self.seed, replicates=REPLICATES):
            u = self._with_correlated_factors(points) if self.rank_of_factors else points
            values = self.portfolio.values(u)
            if self.rank is not None:
                u, values = self._correlate(u, values, self.rank)
            yield u, values | self.portfolio.redrawn_values(u)

    def _with_correlated_factors(self, u: FloatArray) -> FloatArray:
        moved = u.copy()
        for name, place in self.portfolio.places.items():
            if isinstance(self.portfolio.entries[name], Handling):
                ranks = _equal_ranks(place.stop - place.start, self.rank_of_factors)
                moved[:, place] = correlate_ranks(u[:, place], ranks)
        return moved

    def _correlate(
        self, u: FloatArray, values: dict[str, FloatArray], rank: FloatArray
    ) -> tuple[FloatArray, dict[str, FloatArray]]:
        # Reorder the uniform numbers and values of the assumptions so that they have the rank correlation.
        # Each assumption keeps its set of points, and so its distribution (Iman and Conover 1982).
        portfolio, reordered, new_values = self.portfolio, u.copy(), dict(values)
        names = _sampled_names(portfolio)
        places = [portfolio.places[name] for name in names]
        target = correlate_ranks(u[:, [place.start for place in places]], rank)
        for k in np.flatnonzero((rank != np.eye(len(names))).any(axis=1)):
            sample = values[names[k]]
            # A band mix is ranked by the share of its last band.
            size = sample if sample.ndim == 1 else sample[:, -1]
            by_size, by_target = (np.argsort(x, kind="stable") for x in (size, target[:, k]))
            reordered[by_target, places[k]] = u[by_size, places[k]]
            new_values[names[k]] = np.empty_like(sample)
            new_values[names[k]][by_target] = sample[by_size]
        return reordered, new_values

    def only(self, line: str, valuation: str) -> Simulation | None:
        """Return the simulation of one cost line, with the same draws; None if it has no expected cost."""
        run = self.with_terms(lambda term: (term.line, term.valuation) == (line, valuation))
        return run if run.portfolio.terms else None

    def with_terms(self, keep: Callable[[Term], bool]) -> Simulation:
        """Return the simulation of some terms, with the same draws.

        Args:
            keep: returns whether a term is kept; the random points of the others stay unused.
        """
        pairs = zip(self.portfolio.terms, self.process.units, strict=True)
        kept = [(term, units) for term, units in pairs if keep(term)]
        return replace(
            self,
            portfolio=replace(self.portfolio, terms=tuple(term for term, _ in kept)),
            process=replace(self.process, units=tuple(units for _, units in kept)),
        )

    @cached_property
    def totals(self) -> dict[str, SampledTotal]:
        """The sampled total of each valuation."""
        return self.samples(lambda term: term.valuation)

    def samples(self, key: Callable[[Term], Key]) -> dict[Key, SampledTotal]:
        """Return the sampled totals of the terms that have the same key, such as their valuation."""
        rows: dict[Key, list[FloatArray]] = {key(term): [] for term in self.portfolio.terms}
        for block in self.replicates():
            sums = {name: np.zeros((3, len(block.uniforms))) for name in rows}
            for term, paid in zip(self.portfolio.terms, block.amounts, strict=True):
                means, covariances = term.moments(block.values, len(block.uniforms))
                sums[key(term)] += np.array([paid.sum(axis=1), means.sum(axis=1), covariances.sum(axis=1)])
            for name, replicates in rows.items():
                replicates.append(sums[name])
        return {name: SampledTotal(*np.stack(replicates, axis=1)) for name, replicates in rows.items()}

    def mean_payment(self, terms: Iterable[Term]) -> float:
        """Return what terms pay on average, from their means given the inputs of each draw."""
        blocks = [(block.values, len(block.uniforms)) for block in self.replicates()]
        return sum(float(t.moments(*block)[0].sum()) for t in terms for block in blocks) / self.draws

    @cached_property
    def stressed(self) -> Simulation:
        """The same draws with rank correlations of 0.5 between all inputs."""
        return with_equal_correlations(self)


def simulate(portfolio: Portfolio, *, draws: int = DRAWS, seed: int = SEED) -> Simulation:
    """Simulate the totals of a portfolio.

    Args:
        portfolio: the terms and their inputs.
        draws: the number of points, a power of two. If the claim counts cause more than 1 % of the variance,
            because claims are few or payments large, 8 or 16 times as many points are used.
        seed: the seed; results are identical for any number of threads.

    Raises:
        ModelRefused: no line has an expected cost, or the correlations contradict each other.
        UsageError: the number of draws is not a power of two.
    """
    return simulate_together([portfolio], draws=draws, seed=seed)[0]


def simulate_together(
    portfolios: Sequence[Portfolio], *, draws: int = DRAWS, seed: int = SEED
) -> list[Simulation]:
    """Simulate several policies with the same random draws, so that each policy accepts the same claims.

    Args:
        portfolios: portfolios with the same inputs and correlations; lines with the same id share their
            claims.
        draws: the number of points, a power of two; `simulate` states when more points are used.
        seed: the seed of the random points.

    Raises:
        ModelRefused: a policy has no line with an expected cost, or the correlations contradict each other.
        UsageError: the number of draws is not a power of two.
    """
    if not all(portfolio.terms for portfolio in portfolios):
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
    for valuation in portfolio.valuations:
        moments = [term.moments(values, draws) for term in portfolio.terms_of(valuation)]
        mean = np.sum([means.sum(axis=1) for means, _ in moments], axis=0)
        chance = float(np.sum([covariances.sum(axis=1) for _, covariances in moments], axis=0).mean())
        if chance > COUNT_VARIANCE_SHARE * (chance + float(mean.var())):
            return True
    return False


def with_equal_correlations(run: Simulation, rank: float = 0.5) -> Simulation:
    """Return the simulation with the same rank correlation between all pairs of assumptions and factors."""
    matrix = _equal_ranks(len(_sampled_names(run.portfolio)), rank)
    return _check_correlations(replace(run, rank=matrix, rank_of_factors=rank))


def _equal_ranks(size: int, rank: float) -> FloatArray:
    matrix = np.full((size, size), rank)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _check_correlations(run: Simulation) -> Simulation:
    """Return the run after checking its correlations, so that an error appears before the first draw."""
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
                f"the correlation of {one} with {other} is not possible, because one of them is certain",
                remedy="Give the band mix a size, or leave the correlation out.",
            )
        a, b = names.index(one), names.index(other)
        matrix[a, b] = matrix[b, a] = rank
    return matrix


FEWEST_BEYOND = 50
"""A quantile is estimated only if at least this many values of the sample lie beyond it."""
SLOPE_POINTS = 10
"""The least number of points on each side of a quantile from which its density is estimated."""


def quantile_place(p: float, count: int) -> int:
    """Return the place of a quantile, from 0, among sorted and equally likely values."""
    return min(max(math.ceil(p * count - 1e-6), 1), count) - 1


@dataclass(frozen=True)
class Estimate:
    """A number from a sample and its numerical error (one standard error)."""

    value: float
    error: float


@dataclass(frozen=True, eq=False, repr=False)
class Sample(ShortRepr):
    """Equally likely values of an amount, of shape (replicates, draws)."""

    values: FloatArray

    @cached_property
    def _sorted_values(self) -> FloatArray:
        return np.sort(self.values, axis=None)

    @property
    def draws(self) -> int:
        """The number of values in the sample."""
        return self.values.size

    def exceedance(self, x: float) -> Estimate:
        """Return the probability that a value exceeds x.

        Raises:
            UsageError: x is not a number.
        """
        if math.isnan(x):
            raise UsageError("a total is a number", value=x)
        return replicate_mean((self.values > x).mean(axis=1))

    def quantile(self, p: float) -> Estimate:
        """Return the smallest x with P(value <= x) >= p.

        The error of the quantile is the standard error of the distribution function divided by the density.
        It is 0 if all values near the quantile are equal.

        Raises:
            UsageError: p does not lie between 0 and 1, ends excluded.
            ModelRefused: too few values of the sample lie beyond the quantile.
        """
        self._refuse_unsupported(p)
        x = self._order_statistic(p)
        cdf_error = max(self.exceedance(x).error, 1 / self.draws)
        wide = max(cdf_error, SLOPE_POINTS / self.draws)
        low, high = max(p - wide, 0.0), min(p + wide, 1.0)
        return Estimate(
            x, cdf_error * (self._order_statistic(high) - self._order_statistic(low)) / (high - low)
        )

    def tvar(self, p: float) -> Estimate:
        """Return the tail value at risk: the mean of the quantiles from p to 1.

        If equal values lie on both sides of the quantile, only the part of their probability above p counts.

        Raises:
            UsageError: p does not lie between 0 and 1, ends excluded.
            ModelRefused: too few values of the sample lie beyond the quantile.
        """
        self._refuse_unsupported(p)
        x = self._order_statistic(p)
        excess = replicate_mean(np.maximum(self.values - x, 0.0).mean(axis=1) / (1 - p))
        return Estimate(x + excess.value, excess.error)

    @cached_property
    def expected(self) -> Estimate:
        """The mean of the sample, with its numerical error."""
        if not self._varies:
            return Estimate(float(self._sorted_values[0]), 0.0)
        return replicate_mean(self.values.mean(axis=1))

    @property
    def _varies(self) -> bool:
        return bool(self._sorted_values[0] < self._sorted_values[-1])

    def _order_statistic(self, p: float) -> float:
        return float(self._sorted_values[quantile_place(p, self.draws)])

    def _refuse_unsupported(self, p: float) -> None:
        if not 0 < p < 1:
            raise UsageError(
                "a probability lies between 0 and 1, ends excluded", value=p, remedy="Write 99 % as 0.99."
            )
        if min(p, 1 - p) * self.draws < FEWEST_BEYOND and self._varies:
            needed = 2 ** math.ceil(math.log2(FEWEST_BEYOND / min(p, 1 - p)))
            raise ModelRefused(
                f"{self.draws:,} draws do not support the {100 * p:.6g} % quantile",
                remedy=f"Take {either('draws=', '--draws ')}{needed} or more.",
            )


@dataclass(frozen=True, eq=False, repr=False)
class SampledTotal(Sample):
    """A sample of a total, with its mean and variance given the inputs of each draw.

    Args:
        values: the totals, (replicates, draws).
        mean: the mean of the total given the inputs of each draw, same shape.
        variance: the variance of the total given the inputs of each draw, same shape.

    Raises:
        ModelRefused: a total, a mean or a variance is not a number, infinite or negative.
    """

    mean: FloatArray
    variance: FloatArray

    def __post_init__(self) -> None:
        """Refuse NaN, infinite or negative amounts."""
        for amounts in (self.values, self.mean, self.variance):
            if not (np.isfinite(amounts) & (amounts >= 0)).all():
                raise ModelRefused(
                    "some draws give a total that is no number, or infinite or negative",
                    remedy="Bound the distributions of the ledger that produce these values.",
                )

    @cached_property
    def process(self) -> float:
        """The process variance: the mean of the conditional variance of the total, given the inputs."""
        return float(self.variance.mean())

    @cached_property
    def parameter(self) -> float:
        """The parameter variance: the variance of the conditional mean of the total, given the inputs."""
        return float(self.mean.var()) if np.ptp(self.mean) else 0.0


def replicate_mean(by_replicate: FloatArray) -> Estimate:
    """Return the mean of one value per independent replicate, and the standard error of this mean."""
    replicates = len(by_replicate)
    error = float(by_replicate.std(ddof=1)) / math.sqrt(replicates) if replicates > 1 else math.nan
    return Estimate(float(by_replicate.mean()), error)
