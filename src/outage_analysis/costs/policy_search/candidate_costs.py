"""Costs of candidates: expected costs in closed form, and totals in all draws from one simulation.

For each interval of losses, the number of accepted claims, the sum of their losses and the sum of their
awards do not depend on what a candidate pays. They are drawn once. The total of a candidate in a draw is

    base + sum over intervals of (fixed x claims + share x losses + awards if reviewed)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.claim_payments import rows_with_formula
from outage_analysis.costs.comparison.shared_runs import shared_runs
from outage_analysis.costs.compile_lines import compile_lines
from outage_analysis.costs.policy_search.loss_intervals import Formulas, IntArray, VariedLine
from outage_analysis.costs.policy_search.search_inputs import SearchInputs
from outage_analysis.costs.policy_search.shared_draws import (
    NO_GROUP,
    ClaimGroups,
    SharedDraws,
    basis_portfolios,
    check_same_cells,
    draw_groups,
)
from outage_analysis.costs.policy_search.varied_claims import checked_term, claim_groups, claims_by_group
from outage_analysis.costs.terms import CompiledLine, LineTerm
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.costs.uncertainty.simulation import Simulation
from outage_analysis.errors import ModelRefused
from outage_analysis.policies import Policy


@dataclass(frozen=True, eq=False)
class LineCounts:
    """The expected claims of a varied line by group of loss intervals. Arrays have the shape (groups,).

    Args:
        accepted: the expected number of accepted claims per claim.
        claims: the number of claims.
        losses: the sum of their losses; 0 if the costs come from published counts.
        award: the mean award of a review.
        entitled: the number of all entitled claims, also those in no group.
        other: the expected cost of the claims in no group: without a loss, or of a segment.
    """

    accepted: float
    claims: FloatArray
    losses: FloatArray
    award: float
    entitled: float
    other: float

    def expected(self, formulas: Formulas) -> FloatArray:
        """Return the expected cost of each candidate, (candidates,)."""
        total = np.zeros(len(formulas.fixed))
        for group in range(len(self.claims)):
            mean = formulas.fixed[:, group] * self.claims[group]
            mean = mean + formulas.share[:, group] * self.losses[group]
            total += mean + formulas.reviewed[:, group] * self.claims[group] * self.award
        return np.asarray(total * self.accepted + self.other)


@dataclass(frozen=True, eq=False)
class CandidateCosts:
    """The simulated costs of all candidates, and of the announced and named policies on the same draws.

    Args:
        lines: the varied lines.
        counts: their expected claims.
        draws: what all candidates share in each draw.
        expected_base: the expected cost of the other lines, and of handling if it counts.
        expected_handling: the expected cost of handling, or 0 if it does not count.
        runs: the simulations of the announced policy and of named policies, by id.
    """

    lines: tuple[VariedLine, ...]
    counts: tuple[LineCounts, ...]
    draws: SharedDraws
    expected_base: float
    expected_handling: float
    accepted: float
    """The expected number of accepted claims of all lines that pay by loss band."""
    expected_unvaried: float
    """The expected cost of the lines that pay by loss band and do not vary."""
    runs: Mapping[str, Simulation]

    def formulas(self, candidates: IntArray) -> list[Formulas]:
        """Return, per varied line, what candidates pay in each group."""
        return [line.formulas(candidates) for line in self.lines]

    def expected(self, formulas: Sequence[Formulas]) -> FloatArray:
        """Return the expected total of each candidate, (candidates,)."""
        costs = [count.expected(paid) for count, paid in zip(self.counts, formulas, strict=True)]
        return np.asarray(sum(costs, np.full(len(costs[0]), self.expected_base)))

    def per_claim(self, formulas: Sequence[Formulas]) -> FloatArray:
        """Return the mean payment per accepted claim of the lines that pay by loss band, (candidates,)."""
        costs = [count.expected(paid) for count, paid in zip(self.counts, formulas, strict=True)]
        total = sum(costs, np.full(len(costs[0]), self.expected_unvaried))
        return np.asarray(total / self.accepted if self.accepted else np.full(len(costs[0]), np.nan))

    def total(self, formulas: Sequence[Formulas], candidate: int, points: int | None = None) -> FloatArray:
        """Return the total of one candidate in each draw, (replicates, draws).

        Args:
            formulas: what candidates pay.
            candidate: the row of the candidate.
            points: use only this many points of each replicate, a power of two; by default all.
        """
        used = slice(points)
        total = self.draws.base[:, used].copy()
        for line, paid in enumerate(formulas):
            for group in range(paid.fixed.shape[1]):
                self._add(total, line, group, paid, candidate, used)
        return total

    def _add(
        self, total: FloatArray, line: int, group: int, paid: Formulas, candidate: int, used: slice
    ) -> None:
        fixed, share = float(paid.fixed[candidate, group]), float(paid.share[candidate, group])
        if fixed:
            total += fixed * self.draws.claims[line][group][:, used]
        losses, awards = self.draws.losses[line][group], self.draws.awards[line][group]
        if share and losses is not None:
            total += share * losses[:, used]
        if paid.reviewed[candidate, group] and awards is not None:
            total += awards[:, used]

    @cached_property
    def points(self) -> int:
        """The number of points of one replicate."""
        return int(self.draws.base.shape[1])


def simulate_candidates(
    inputs: SearchInputs, lines: Sequence[VariedLine], named: Sequence[Policy]
) -> CandidateCosts:
    """Simulate what the costs of all candidates are computed from.

    Args:
        inputs: the announced policy, the assumptions and the claims.
        lines: the varied lines.
        named: the announced policy and further policies, which are simulated on the same draws.

    Raises:
        ModelRefused: a varied line has no expected cost, or its payments do not follow from the policy.
    """
    model = _policy_with_typical_values(inputs.policy, lines)
    model_cubes = list(inputs.cubes.get(inputs.policy.id, ()))
    compiled = {
        one.line.id: one
        for one in compile_lines(model, inputs.fitting_ledger(model), as_of=inputs.as_of, cubes=model_cubes)
    }
    terms = [checked_term(line, compiled, inputs) for line in lines]
    groups = [
        claim_groups(line, term, compiled[line.schedule.id]) for line, term in zip(lines, terms, strict=True)
    ]
    portfolio = _cash_and_handling(inputs, inputs.portfolio(model, model_cubes), model)
    portfolios = basis_portfolios(portfolio, {own.line.schedule.id: own for own in groups})
    for policy in named:
        own_portfolio = inputs.portfolio(policy)
        if "cash" in own_portfolio.valuations:
            portfolios[policy.id] = own_portfolio
    check_same_cells(portfolios)
    runs = shared_runs(portfolios, inputs.ledger, inputs.as_of, inputs.draws, inputs.seed)
    counts = tuple(_line_counts(term, own) for own, term in zip(groups, terms, strict=True))
    handling = _expected_handling(inputs) if inputs.with_handling else 0.0
    varied = {line.schedule.id for line in lines}
    unvaried = [one for one in compiled.values() if one.line.id not in varied]
    by_loss = {line.id for line in inputs.policy.schedules}
    schedules = [one for one in compiled.values() if one.line.id in by_loss]
    return CandidateCosts(
        tuple(lines),
        counts,
        draw_groups(runs, lines, with_handling=inputs.with_handling),
        _expected_cash(unvaried) + handling,
        handling,
        accepted_claims(schedules),
        _expected_cash([one for one in schedules if one.line.id not in varied]),
        {policy.id: runs[policy.id] for policy in named if policy.id in runs},
    )


def _cash_terms(lines: Sequence[CompiledLine]) -> list[LineTerm]:
    terms = [term for one in lines for term in one.terms if term.valuation == "cash"]
    return [term for term in terms if term.has_expected_cost]


def _expected_cash(lines: Sequence[CompiledLine]) -> float:
    """Return the expected cash of cost lines, in the smallest unit of the currency."""
    return sum(term.cost.expected or 0.0 for term in _cash_terms(lines))


def accepted_claims(lines: Sequence[CompiledLine]) -> float:
    """Return the expected number of accepted claims of cost lines that pay by loss band."""
    return sum(term.trials * (term.accepted_share.expected or 0.0) for term in _cash_terms(lines))


def policy_per_claim(inputs: SearchInputs, policy: Policy) -> float | None:
    """Return the mean payment per accepted claim under a policy that is no candidate; None if not known."""
    cubes = inputs.cubes.get(policy.id, inputs.cubes.get(inputs.policy.id, ()))
    compiled = compile_lines(policy, inputs.fitting_ledger(policy), as_of=inputs.as_of, cubes=cubes)
    by_loss = {line.id for line in policy.schedules}
    lines = [one for one in compiled if one.line.id in by_loss]
    accepted = accepted_claims(lines)
    return _expected_cash(lines) / accepted if accepted else None


def _policy_with_typical_values(policy: Policy, lines: Sequence[VariedLine]) -> Policy:
    changed = {}
    for line in lines:
        fixed = [band.fixed for band in line.schedule.bands if band.fixed]
        typical = max(fixed, default=10**policy.digits)
        values = [0] * (1 + max(line.places.values()))
        for (tier, kind), place in line.places.items():
            rule = line.schedule.bands[tier]
            usual = {"payment": rule.fixed or typical, "share": rule.share, "up_to": rule.up_to or 0}
            values[place] = usual[kind]
        changed[line.schedule.id] = line.with_values(values)
    return policy.model_copy(update={"lines": tuple(changed.get(x.id, x) for x in policy.lines)})


def _cash_and_handling(inputs: SearchInputs, portfolio: Portfolio, model: Policy) -> Portfolio:
    cash = tuple(s for s in portfolio.streams if s.valuation == "cash")
    if not inputs.with_handling:
        return replace(portfolio, streams=cash)
    published = inputs.portfolio(model, ())
    handling = tuple(s for s in published.streams if s.valuation == "handling")
    if not handling:
        raise ModelRefused(
            "the ledger states no cost of handling, so it cannot be counted",
            remedy="Leave --handling out, or add an assumption of the kind `handling`.",
        )
    entries = {**portfolio.entries, **published.entries}
    return replace(portfolio, streams=(*cash, *handling), entries=entries)


def _expected_handling(inputs: SearchInputs) -> float:
    lines = compile_lines(inputs.policy, inputs.fitting_ledger(inputs.policy), as_of=inputs.as_of)
    terms = [term for line in lines for term in line.terms if term.valuation == "handling"]
    return sum(term.cost.expected or 0.0 for term in terms)


def _line_counts(term: LineTerm, own: ClaimGroups) -> LineCounts:
    accepted, award = term.accepted_share.expected or 0.0, own.mean_award
    claims, losses = claims_by_group(own.line, term, own.numbers), np.zeros(len(own.line.group_bands))
    other = 0.0
    if term.claim_cells is None:
        for payment, group in zip(term.groups, own.numbers, strict=True):
            other += (term.group_cost(payment).expected or 0.0) if group == NO_GROUP else 0.0
        return LineCounts(accepted, claims, losses, award, term.trials, other)
    rows = rows_with_formula(term.claim_cells.cube, term.claim_cells.line)
    columns = ("claims", "loss", "entitled", "fixed", "slope", "rule")
    for row, group in zip(rows.select(columns).iter_rows(), own.numbers, strict=True):
        count, loss, entitled, fixed, slope, rule = row
        if group != NO_GROUP:
            losses[group] += loss or 0
        elif entitled and rule == "review":
            other += accepted * count * award
        elif entitled and fixed is not None:
            other += accepted * (float(fixed) * count + float(slope) * (loss or 0))
    return LineCounts(accepted, claims, losses, award, term.trials, other)
