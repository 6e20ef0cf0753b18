"""The search for the best candidate within a budget, and for the efficient frontier.

All candidates are first screened on the first points of each replicate. A candidate is ruled out on these
points only if chance cannot explain the difference; all others are computed on all points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.policy_search.candidate_benefits import significant
from outage_analysis.costs.policy_search.candidate_costs import CandidateCosts
from outage_analysis.costs.policy_search.frontier import Criteria, cheapest_dominators, efficient
from outage_analysis.costs.policy_search.loss_intervals import FlagArray, Formulas, IntArray
from outage_analysis.costs.uncertainty.simulation import Sample, quantile_place

SCREENING_DRAWS = (2**11, 2**14)
"""The numbers of draws of the screenings, if the simulation has more."""
SURE = 5.0
"""A screening rules a candidate out if a difference has this many standard errors or more."""
NEAREST = 200
"""This many candidates with the smallest cost in a screening are computed on all points."""


@dataclass(frozen=True, eq=False)
class BudgetSearch:
    """Candidates, their costs and the limit of the budget.

    Args:
        costs: the simulated costs.
        formulas: what candidates pay, per varied line.
        budget: in the smallest unit of the currency.
        level: the probability with which the cost must stay within the budget; None for the expected cost.
        quantile_level: the probability of the quantile by which the frontier compares costs.
    """

    costs: CandidateCosts
    formulas: Sequence[Formulas]
    budget: float
    level: float | None
    quantile_level: float
    _quantiles: dict[int, float] = field(default_factory=dict)
    _within: dict[int, bool] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The number of candidates."""
        return len(self.formulas[0].fixed)

    @cached_property
    def expected(self) -> FloatArray:
        """The expected cost of each candidate."""
        return self.costs.expected(self.formulas)

    @cached_property
    def _screenings(self) -> list[int]:
        """The points per replicate of each screening."""
        replicates = self.costs.draws.base.shape[0]
        points = (draws // replicates for draws in SCREENING_DRAWS)
        return [each for each in points if 0 < each < self.costs.points]

    def sample(self, candidate: int) -> Sample:
        """Return the sample of the total of a candidate."""
        return Sample(self.costs.total(self.formulas, candidate))

    def quantile(self, candidate: int) -> float:
        """Return the cost of a candidate at the level of the search, from all draws."""
        if candidate not in self._quantiles:
            self._quantiles[candidate] = self._quantile(candidate, None)
        return self._quantiles[candidate]

    def _quantile(self, candidate: int, points: int | None) -> float:
        total = self.costs.total(self.formulas, candidate, points).ravel()
        place = quantile_place(self.quantile_level, len(total))
        return float(np.partition(total, place)[place])

    def limited_cost(self, candidate: int) -> float:
        """Return the cost that must not exceed the budget: the expected cost or a quantile."""
        return float(self.expected[candidate]) if self.level is None else self.quantile(candidate)

    def budget_for(self, candidate: int) -> float:
        """Return a budget that a candidate keeps: its limited cost, rounded up to the error of a quantile."""
        cost = self.limited_cost(candidate)
        error = 0.0 if self.level is None else self.sample(candidate).quantile(self.level).error
        step = 10.0 ** math.floor(math.log10(error)) if error and math.isfinite(error) else 0.0
        return math.ceil(cost / step) * step if step else cost

    def keeps_budget(self, candidate: int) -> bool:
        """Whether a candidate keeps the budget, from all draws."""
        if self.level is None:
            return bool(self.expected[candidate] <= self.budget)
        if candidate not in self._within:
            self._within[candidate] = self._keeps(candidate)
        return self._within[candidate]

    def _keeps(self, candidate: int) -> bool:
        limit = 1 - (self.level or 0.0)
        for points in self._screenings:
            over = self.costs.total(self.formulas, candidate, points) > self.budget
            error = math.sqrt(limit * (1 - limit) / over.size)
            if over.mean() > limit + SURE * error + 1 / over.size:
                return False
        over = self.costs.total(self.formulas, candidate) > self.budget
        # As for a quantile: the smallest x with P(cost <= x) >= level must not exceed the budget.
        return int(over.sum()) <= over.size - 1 - quantile_place(self.level or 0.0, over.size)

    def best(self, allowed: IntArray, benefit: FloatArray, further: Sequence[FloatArray]) -> int | None:
        """Return the best candidate that keeps the budget; None if none does.

        Among candidates with equal benefits, the one with the smallest quantile is the best, then the one
        with the smallest expected cost. So no other candidate dominates the result. Then the further benefits
        decide, and then the smaller values of the parameters.

        Args:
            allowed: the candidates that satisfy the other constraints.
            benefit: the objective, (candidates,); larger is better.
            further: further benefits, (candidates,) each; larger is better.
        """
        order = allowed[np.argsort(-benefit[allowed], kind="stable")]
        for place, candidate in enumerate(order.tolist()):
            if not self.keeps_budget(candidate):
                continue
            rest = order[place:]
            alike: list[int] = rest[benefit[rest] == benefit[candidate]].tolist()
            tied = [c for c in alike if self.keeps_budget(c)]
            costs = {c: (self.quantile(c), float(self.expected[c])) for c in tied}
            return min(tied, key=lambda c: (*costs[c], *(-float(rank[c]) for rank in further), c))
        return None

    def cheapest(self, allowed: IntArray) -> int | None:
        """Return the candidate with the smallest limited cost; None if no candidate is allowed."""
        if not len(allowed):
            return None
        if self.level is None:
            return int(min(allowed.tolist(), key=lambda c: (float(self.expected[c]), c)))
        kept = allowed
        for points in self._screenings:
            if len(kept) > NEAREST:
                costs = np.array([self._quantile(c, points) for c in kept.tolist()])
                kept = kept[np.argsort(costs, kind="stable")[:NEAREST]]
        return int(min(kept.tolist(), key=lambda c: (self.quantile(c), float(self.expected[c]), c)))

    def criteria(self, candidates: IntArray, benefit: FloatArray, *, by_mean: bool) -> Criteria:
        """Return what candidates are compared by, with quantiles from all draws."""
        quantiles = np.array([self.quantile(c) for c in candidates.tolist()])
        expected = self._expected_or_zero(by_mean=by_mean)[candidates]
        # Two candidates that differ only by rounding must not dominate each other.
        return Criteria(significant(expected), significant(quantiles), benefit[candidates])

    def _expected_or_zero(self, *, by_mean: bool) -> FloatArray:
        return self.expected if by_mean else np.zeros(self.count)

    def frontier(self, allowed: IntArray, benefit: FloatArray, *, by_mean: bool) -> IntArray:
        """Return the candidates that no other allowed candidate dominates, in order of their quantile.

        Args:
            allowed: the candidates to compare.
            benefit: what claimants get, (candidates,); larger is better.
            by_mean: whether the expected cost counts besides the quantile.
        """
        kept = allowed
        for points in self._screenings:
            kept = self._screened(kept, benefit, points, by_mean=by_mean)
        criteria = self.criteria(kept, benefit, by_mean=by_mean)
        chosen = efficient(criteria)
        kept, quantiles = kept[chosen], criteria.quantile[chosen]
        return np.asarray(kept[np.lexsort((kept, self.expected[kept], quantiles))])

    def _screened(self, kept: IntArray, benefit: FloatArray, points: int, *, by_mean: bool) -> IntArray:
        quantiles = np.array([self._quantile(c, points) for c in kept.tolist()])
        expected = self._expected_or_zero(by_mean=by_mean)[kept]
        dominators = cheapest_dominators(Criteria(expected, quantiles, benefit[kept]))
        flags: FlagArray = np.ones(len(kept), dtype=bool)
        for place, dominator in enumerate(dominators.tolist()):
            if quantiles[dominator] < quantiles[place]:
                middle = (quantiles[dominator] + quantiles[place]) / 2
                pair = int(kept[place]), int(kept[dominator])
                flags[place] = not self._surely_cheaper(*pair, middle, points)
        return np.asarray(kept[flags])

    def _surely_cheaper(self, candidate: int, dominator: int, amount: float, points: int) -> bool:
        own, other = (self.costs.total(self.formulas, c, points) > amount for c in (candidate, dominator))
        more, less = int((own & ~other).sum()), int((other & ~own).sum())
        return more - less >= SURE * math.sqrt(max(more + less, 1))
