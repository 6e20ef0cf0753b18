"""Find the policy that gives claimants most within a budget.

All candidates are compared on the same draws. The chosen policy must also keep the budget in a simulation of
its own, the one of a run; the result states the figures of that simulation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.claim_payments import cube_for
from outage_analysis.costs.comparison.benefits import largest_claim_loss
from outage_analysis.costs.policy_search.candidates import (
    OBJECTIVES,
    PER_CLAIM,
    REPLACED,
    SHORTFALL,
    CandidateCosts,
    IntArray,
    SearchRequest,
    VariedLine,
    loss_cuts,
    paid_and_accepted,
    payment_jumps,
    shown_benefits,
)
from outage_analysis.costs.policy_search.parameters import Parameter, parse_parameters, with_payments
from outage_analysis.costs.simulation import Estimate, Simulation, quantile_place, replicate_mean
from outage_analysis.costs.simulation_tables import (
    expected_estimate,
    rounded_estimate,
    rounded_probability,
    rounded_table,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import spelling_hint, validated_copy
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from outage_analysis.text import TABLE_DIGITS, percentile_mark, percentile_measure, schema_of

CubesOf = Callable[[Sequence[Policy], Sequence[int]], Sequence[Cube]]
"""Returns the cubes of the first policy. Their loss bands also end at the edges of the other policies, and at
the given losses."""
BUDGET, MONOTONE, MAX_CLIFF = "budget", "monotone", "max_cliff"
"""The names of the constraints."""
MAX_ID, MAX_NAME = 64, 120
SUFFIX = "-solution"
MARKS = {"en": " (solution)", "ko": " (예산 내 최적안)"}


class Costs(NamedTuple):
    """The costs of a policy, with their numerical errors."""

    expected: Estimate
    at_level: Estimate
    over_budget: Estimate


@dataclass(frozen=True, eq=False)
class Candidates:
    """All combinations of values: what they cost, and what they give.

    Args:
        request: what is searched for.
        parameters: the parameters with the values that are tried.
        values: the values of each candidate, (candidates, parameters).
        costs: what the costs are computed from.
        payments: what the candidates pay, as for the methods of `costs`.
        benefits: objective -> its value, (candidates,).
        objective: the objective of the search.
    """

    request: SearchRequest
    parameters: Sequence[Parameter]
    values: IntArray
    costs: CandidateCosts
    payments: FloatArray
    benefits: Mapping[str, FloatArray]
    objective: str

    def benefit(self, objective: str = "") -> FloatArray:
        """Return an objective of each candidate, by default that of the search; larger is better."""
        name = objective or self.objective
        return -_significant(self.benefits[name]) if name == SHORTFALL else _significant(self.benefits[name])

    def ranked(self, kept: IntArray, benefit: FloatArray, *, by_mean: bool) -> tuple[IntArray, FloatArray]:
        """Return the candidates that give more than every cheaper one, the cheapest first, and their costs.

        Among candidates with the same cost and benefit, the smaller expected cost decides, then the further
        benefits, and then the smaller values of the parameters.

        Args:
            kept: the candidates to compare.
            benefit: what claimants get, (candidates,); larger is better.
            by_mean: whether the expected cost counts instead of the quantile.
        """
        paid, level = self.payments[kept], self.request.quantile_level
        cost = expected = _significant(self.costs.on_average.quantiles(paid, level))
        if not by_mean:
            cost = _significant(self.costs.quantiles(paid, level))
        further = [-self.benefit(name)[kept] for name in self.benefits if name != self.objective]
        order = np.lexsort((*further[::-1], expected, -benefit[kept], cost))
        gains = benefit[kept][order]
        more = gains > np.maximum.accumulate([-np.inf, *gains])[:-1]
        return kept[order][more], cost[order][more]

    def rows(self, frontier: IntArray, own: Costs, chosen: int) -> list[dict[str, Any]]:
        """Return the rows of `FRONTIER`: costs in the common draws, with the relative errors of `own`.

        The chosen candidate has its own costs.
        """
        paid, level = self.payments[frontier], self.request.quantile_level
        over = [rows for x in self.costs.totals(paid) for rows in (x > self.request.budget).mean(axis=2)]
        values = [costs.quantiles(paid, level) for costs in (self.costs.on_average, self.costs)]
        errors = [x.error / x.value if x.value else 0.0 for x in (own.expected, own.at_level)]
        found = []
        for candidate, chance, *means in zip(frontier.tolist(), over, *values, strict=True):
            mean, cost = (Estimate(float(x), float(x * e)) for x, e in zip(means, errors, strict=True))
            costs = own if candidate == chosen else Costs(mean, cost, replicate_mean(chance))
            text = self.text(self.values[candidate])
            found.append({"parameters": text, **self.gains(candidate), **_cost_columns(costs)})
        return found

    def gains(self, candidate: int) -> dict[str, float]:
        """Return what people get under a candidate, by objective."""
        return {name: float(values[candidate]) for name, values in self.benefits.items()}

    def text(self, values: Sequence[int]) -> str:
        """Return values of the parameters as text, such as `tier1=40,000; tier2=60,000`."""
        with_line = len({p.line for p in self.parameters}) > 1
        pairs = zip(self.parameters, values, strict=True)
        return "; ".join(p.assignment(int(value), with_line=with_line) for p, value in pairs)

    def stated_text(self, policy: Policy) -> str | None:
        """Return the values of a policy that is no candidate; None if one of them has no single value."""
        values = []
        for p in self.parameters:
            schedule = policy.schedule(p.line)
            rule = schedule.bands[p.tier] if schedule and p.tier < len(schedule.bands) else None
            if rule is None or rule.review or rule.depends_on_loss:
                return None
            values.append(rule.fixed)
        return self.text(values)

    def policy(self, candidate: int, announced: Policy) -> Policy:
        """Return the announced policy with the values of a candidate; its id ends in `-solution`."""
        changed = announced
        for line in self.costs.lines:
            changed = changed.with_line(line.with_values(self.values[candidate].tolist()))
        names = {lang: announced.name[lang][: MAX_NAME - len(mark)] + mark for lang, mark in MARKS.items()}
        id_ = announced.id[: MAX_ID - len(SUFFIX)] + SUFFIX
        return validated_copy(changed, id=id_, name=changed.name.model_copy(update=names))


@dataclass(frozen=True, eq=False)
class PolicySearch:
    """The result of a search: the best policy within the budget, and the efficient frontier.

    Args:
        request: what was searched for.
        tried: all candidates.
        chosen: the best candidate within the budget or, if there is none, the one with the smallest cost.
        is_feasible: whether the chosen candidate keeps the budget and all other constraints.
        policy: the announced policy with the values of the chosen candidate.
        cubes: the claims of the announced policy; empty for published counts.
        table: the table `solution.solution`: the chosen policy first, then the announced and
            the named policies.
        frontier: the table `solution.frontier`.
        excluded_by: if there is no solution, each constraint without which there is one.
        least_budget: if there is no solution, the smallest budget that has one, rounded up to its error.
        is_limited: whether the budget rules out a better candidate.
    """

    request: SearchRequest
    tried: Candidates
    chosen: int
    is_feasible: bool
    policy: Policy
    cubes: Sequence[Cube]
    table: pl.DataFrame
    frontier: pl.DataFrame
    excluded_by: Sequence[str]
    least_budget: float | None
    is_limited: bool

    @property
    def quantile_mark(self) -> str:
        """The name of the quantile by which costs are compared, such as P90."""
        return percentile_mark(percentile_measure(self.request.quantile_level))

    @property
    def values(self) -> dict[Parameter, int]:
        """The value of each parameter in the chosen policy."""
        return dict(zip(self.tried.parameters, self.tried.values[self.chosen].tolist(), strict=True))

    @property
    def largest_values(self) -> list[Parameter]:
        """The payments at the largest value that was tried; a larger value may be better."""
        varied = ((p, value) for p, value in self.values.items() if len(p.values) > 1)
        return [p for p, value in varied if value == p.values[-1] and not p.breaks_above]


def find_best_policy(request: SearchRequest, named: Sequence[Policy], cubes_of: CubesOf) -> PolicySearch:
    """Find the candidate that gives claimants most within a budget.

    Args:
        request: what to search for.
        named: further policies to show beside the frontier.
        cubes_of: builds the cubes of claims; it returns none if costs come from published counts.

    Raises:
        UsageError: a parameter, a value or the objective is invalid.
        ModelRefused: the inputs do not determine the cost or the objective.
    """
    shown = (request.policy, *named)
    tried, cubes, gains_of = _candidates(request, shown, cubes_of)
    benefit, by_mean = tried.benefit(), request.level is None
    jumps, falls = payment_jumps(tried.costs.lines, tried.values)
    steep = jumps > (math.inf if request.max_cliff is None else request.max_cliff)
    allowed, nothing = np.flatnonzero(~falls & ~steep), np.zeros(len(falls))
    frontier, at_level = tried.ranked(allowed, benefit, by_mean=False)
    line, cost = tried.ranked(allowed, benefit, by_mean=True) if by_mean else (frontier, at_level)
    order = [*line[cost <= request.budget][::-1], *line[:1]]
    if not order:  # take the smallest jump among payments that do not fall
        rest = np.flatnonzero(~falls) if not falls.all() else np.arange(len(falls))
        order = [*tried.ranked(rest[jumps[rest] == jumps[rest].min()], nothing, by_mean=by_mean)[0][:1]]
    for chosen in map(int, order):
        policy = tried.policy(chosen, request.policy)
        own = _costs_of(request.simulated(request.portfolio(policy, cubes_of([policy], ()))), request)
        limited = own.expected if by_mean else own.at_level
        if feasible := len(allowed) > 0 and limited.value <= request.budget:
            break
    freed = {} if feasible else {MONOTONE: falls & ~steep, MAX_CLIFF: ~falls & steep}
    cheapest = {x: tried.ranked(np.flatnonzero(own), nothing, by_mean=by_mean)[1] for x, own in freed.items()}
    excluded, least = [name for name, own in cheapest.items() if (own <= request.budget).any()], None
    if len(allowed) and not feasible:
        excluded = [BUDGET, *excluded]
        unit = 10.0 ** math.floor(math.log10(limited.error)) if 0 < limited.error < math.inf else 0.0
        least = max(limited.value, float(cost[0]))
        least = math.ceil(least / unit) * unit if unit else least
    rows = tried.rows(frontier, own, chosen)
    row: dict[str, Any] = {"policy": policy.id, "role": "solution" if feasible else "nearest"}
    row |= {"parameters": tried.text(tried.values[chosen])} | tried.gains(chosen) | _cost_columns(own)
    table = [row]
    for other, role, gains in zip(shown, ["announced", *["named"] * len(named)], gains_of, strict=True):
        row = {"policy": other.id, "role": role, "parameters": tried.stated_text(other)} | gains
        portfolio = request.portfolio(other, cubes_of([other], ()))
        if "cash" in portfolio.valuations:
            run = request.simulated(portfolio)
            costs = _costs_of(run, request)
            paid, accepted = paid_and_accepted(run, run.portfolio.terms, other)
            row |= _cost_columns(costs) | ({PER_CLAIM: paid / accepted} if accepted else {})
            row["dominated_by"] = _dominator(row, costs, rows, tried.objective)
        table.append(row)
    return PolicySearch(
        request,
        tried,
        chosen,
        feasible,
        policy,
        cubes,
        rounded_table(table, schema_of("solution.solution")),
        rounded_table(rows, schema_of("solution.frontier")),
        excluded,
        least,
        bool((benefit[allowed] > benefit[chosen]).any()),
    )


def _candidates(
    request: SearchRequest, shown: Sequence[Policy], cubes_of: CubesOf
) -> tuple[Candidates, Sequence[Cube], list[dict[str, Any]]]:
    # Return all candidates, the claims of the announced policy, and what people get from each shown policy.
    policy = request.policy
    parameters = parse_parameters(request.vary, policy)
    lines = [VariedLine(x, parameters) for x in policy.schedules if any(p.line == x.id for p in parameters)]
    cubes = cubes_of([policy], ())
    own_cubes = {x.schedule.id: cube_for(x.schedule, cubes) for x in lines}
    objective = _objective(request.objective, policy, [*own_cubes.values()])
    costs = request.candidates(lines, cubes)

    def limits(p: Parameter) -> tuple[int | None, float]:
        line, cube = next(x for x in lines if x.schedule.id == p.line), own_cubes[p.line]
        loss = None if cube is None else largest_claim_loss(cube)
        if p.tier < len(line.edges):
            loss = line.edges[p.tier]
        used = costs.on_average if request.level is None else costs
        loss = loss if policy.loss_unit == policy.currency else None
        return loss, _largest_payment(used, parameters, request, p)

    parameters = with_payments(parameters, request.step, limits)
    axes = np.meshgrid(*(np.array(p.values, dtype=np.int64) for p in parameters), indexing="ij")
    values = np.stack([axis.ravel() for axis in axes], axis=1)
    cube, cuts = None, loss_cuts(parameters, shown)
    if cubes and len({id(x) for x in own_cubes.values()}) == 1:
        # Benefits per claim and per claimant cannot be added, so the lines must pay the same claims.
        cube = cube_for(lines[0].schedule, cubes_of(shown, cuts))
    known = [each.as_known_on(request.as_of) for each in shown]
    benefits, *others = shown_benefits(known, cube, lines, values, with_claims=bool(cubes))
    payments = costs.payments(values)
    per_claim = costs.per_claim(payments)
    benefits |= {} if per_claim is None else {PER_CLAIM: per_claim}
    if objective not in benefits:
        raise ModelRefused(
            f"without claims, {objective} can only be bounded: nothing says how losses are spread",
            remedy=f"Give claims, or take the objective {PER_CLAIM}.",
        )
    gains_of = [{name: float(x[0]) for name, x in other.items()} for other in others]
    return Candidates(request, parameters, values, costs, payments, benefits, objective), cubes, gains_of


def _objective(objective: str | None, policy: Policy, cubes: Sequence[Cube | None]) -> str:
    if objective is not None and objective not in OBJECTIVES:
        raise UsageError("no such objective", value=objective, remedy=spelling_hint(objective, [*OBJECTIVES]))
    money = policy.loss_unit == policy.currency
    if objective is None:
        return REPLACED if money and cubes[0] and len({id(cube) for cube in cubes}) == 1 else PER_CLAIM
    if not money and objective != PER_CLAIM:
        raise ModelRefused(
            f"losses are in {policy.loss_unit}, which is no money: no payment replaces them",
            value=objective,
            remedy=f"Take the objective {PER_CLAIM}.",
        )
    return objective


def _largest_payment(
    costs: CandidateCosts, parameters: Sequence[Parameter], request: SearchRequest, varied: Parameter
) -> float:
    # The largest payment that keeps the budget beside the smallest values of all other parameters.
    smallest = [(p.values or p.span or (0,))[0] for p in parameters]
    place = parameters.index(varied)
    values = np.array([smallest, smallest], dtype=np.int64)
    values[:, place] = (0, 1)
    without, with_1 = costs.payments(values)
    (total,) = costs.totals(without[None])
    rest = request.budget - total.ravel()
    claims = np.tensordot(with_1 - without, costs.draws, 1).ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.where(claims > 0, rest / claims, np.where(rest < 0, -np.inf, np.inf))
    within = most.size - 1 - quantile_place(request.quantile_level, most.size)
    return float(np.partition(most, within)[within])


def _costs_of(run: Simulation, request: SearchRequest) -> Costs:
    total = run.totals["cash"]
    level, chance = total.quantile(request.quantile_level), total.exceedance(request.budget)
    return Costs(expected_estimate(run, "cash"), level, chance)


def _cost_columns(costs: Costs) -> dict[str, float]:
    return {
        "expected": rounded_estimate(costs.expected).value,
        "at_level": rounded_estimate(costs.at_level).value,
        "over_budget": rounded_probability(costs.over_budget).value,
    }


def _dominator(
    row: Mapping[str, Any], costs: Costs, frontier: Sequence[Mapping[str, Any]], objective: str
) -> str | None:
    # The values of the candidate that gives most among those that cost no more and give no less, and are
    # better in one of the two. Quantiles of different draws must differ by more than chance.
    most = costs.at_level.value - 2 * costs.at_level.error
    found = None
    for other in frontier if objective in row else ():
        gains = other[objective] - row[objective]
        # The mean payment is the expected cost per claim, so it cannot be larger at no larger expected cost.
        saves = 0.0 if objective == PER_CLAIM else row["expected"] - other["expected"]
        close = 1e-9 * abs(row["expected"])
        no_worse = other["at_level"] <= most and gains >= 0 and saves >= -close
        if no_worse and (gains > 0 or saves > close):
            found = other["parameters"]
    return found


def _significant(values: FloatArray) -> FloatArray:
    # Values that differ only by rounding become equal.
    return pl.Series(values, dtype=pl.Float64).round_sig_figs(TABLE_DIGITS).to_numpy()
