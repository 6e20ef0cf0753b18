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
    candidate_costs,
    loss_cuts,
    paid_and_accepted,
    payment_jumps,
    shown_benefits,
)
from outage_analysis.costs.policy_search.parameters import Parameter, parse_parameters, with_payments
from outage_analysis.costs.simulation import Estimate, Simulation, replicate_mean
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
MAX_ID, MAX_NAME = 64, 120
SUFFIX = "-solution"
MARKS = {"en": " (solution)", "ko": " (예산 내 최적안)"}


class Costs(NamedTuple):
    """The costs of a policy, with their numerical errors."""

    expected: Estimate
    at_level: Estimate
    over_budget: Estimate

    @property
    def columns(self) -> dict[str, float]:
        """The costs by the names of the columns of a table, rounded to their errors."""
        return {
            "expected": rounded_estimate(self.expected).value,
            "at_level": rounded_estimate(self.at_level).value,
            "over_budget": rounded_probability(self.over_budget).value,
        }


@dataclass(frozen=True, eq=False)
class Candidates:
    """All combinations of values: what they cost, and what they give.

    Args:
        request: what is searched for.
        parameters: the parameters with the values that are tried.
        lines: the varied lines.
        values: the values of each candidate, (candidates, parameters).
        costs: what the costs are computed from.
        benefits: objective -> its value, (candidates,).
        objective: the objective of the search.
    """

    request: SearchRequest
    parameters: Sequence[Parameter]
    lines: Sequence[VariedLine]
    values: IntArray
    costs: CandidateCosts
    benefits: Mapping[str, FloatArray]
    objective: str

    def benefit(self, name: str) -> FloatArray:
        """Return an objective of each candidate; larger is better."""
        return -_significant(self.benefits[name]) if name == SHORTFALL else _significant(self.benefits[name])

    def frontier(self, kept: IntArray, *, by_mean: bool) -> tuple[IntArray, FloatArray]:
        """Return the candidates that give more than every cheaper one, the cheapest first, and their costs.

        Among candidates with the same cost and benefit, the smaller expected cost decides, then the further
        benefits, and then the smaller values of the parameters.

        Args:
            kept: the candidates to compare.
            by_mean: whether the expected cost counts instead of the quantile.
        """
        values, level = self.values[kept], self.request.quantile_level
        expected = _significant(self.costs.on_average.quantiles(values, level))
        cost = expected if by_mean else _significant(self.costs.quantiles(values, level))
        ordered = (self.objective, *(name for name in self.benefits if name != self.objective))
        gains, *further = (self.benefit(name)[kept] for name in ordered)
        order = np.lexsort((*(-x for x in further[::-1]), expected, -gains, cost))
        more = gains[order] > np.maximum.accumulate([-np.inf, *gains[order]])[:-1]
        return kept[order][more], cost[order][more]

    def gains(self, candidate: int) -> dict[str, float]:
        """Return what people get under a candidate, by objective."""
        return {name: float(values[candidate]) for name, values in self.benefits.items()}

    def text(self, values: Sequence[int]) -> str:
        """Return values of the parameters as text, such as `tier1=40,000; tier2=60,000`."""
        with_line = len(self.lines) > 1
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

    def policy(self, candidate: int) -> Policy:
        """Return the announced policy with the values of a candidate; its id ends in `-solution`."""
        announced = changed = self.request.policy
        for line in self.lines:
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
        is_feasible: whether the chosen candidate keeps the budget.
        policy: the announced policy with the values of the chosen candidate.
        cubes: the claims of the announced policy; empty for published counts.
        table: the table `solution.solution`: the chosen policy first, then the announced and
            the named policies.
        frontier: the table `solution.frontier`.
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
        ModelRefused: the inputs do not determine the cost or the objective, or no combination of the values
            keeps the constraints on the payments.
    """
    shown, by_mean = (request.policy, *named), request.level is None
    tried, cubes, gains_of = _candidates(request, shown, cubes_of)
    jumps, falls = payment_jumps(tried.lines, tried.values)
    steep = jumps > (math.inf if request.max_cliff is None else request.max_cliff)
    allowed = np.flatnonzero(~falls & ~steep)
    if not len(allowed):
        raise ModelRefused(
            "in every combination a payment falls as the loss grows, or jumps by more than is allowed",
            remedy="Give more values, or a larger jump.",
        )
    frontier, at_level = tried.frontier(allowed, by_mean=False)
    line, cost = tried.frontier(allowed, by_mean=True) if by_mean else (frontier, at_level)
    for chosen in map(int, [*line[cost <= request.budget][::-1], line[0]]):
        policy = tried.policy(chosen)
        own = _costs_of(request.simulated(request.portfolio(policy, cubes_of([policy], ()))), request)
        limited = own.expected if by_mean else own.at_level
        if feasible := limited.value <= request.budget:
            break
    least = None
    if not feasible:
        unit = 10.0 ** math.floor(math.log10(limited.error)) if 0 < limited.error < math.inf else 0.0
        least = max(limited.value, float(cost[0]))
        least = math.ceil(least / unit) * unit if unit else least
    rows = _frontier_rows(tried, frontier, own, chosen)
    row: dict[str, Any] = {"policy": policy.id, "role": "solution" if feasible else "nearest"}
    table = [row | {"parameters": tried.text(tried.values[chosen])} | tried.gains(chosen) | own.columns]
    for other, role, gains in zip(shown, ["announced", *["named"] * len(named)], gains_of, strict=True):
        row = {"policy": other.id, "role": role, "parameters": tried.stated_text(other)} | gains
        portfolio = request.portfolio(other, cubes_of([other], ()))
        if "cash" in portfolio.valuations:
            run = request.simulated(portfolio)
            costs, (paid, accepted) = _costs_of(run, request), paid_and_accepted(run, other)
            row |= costs.columns | ({PER_CLAIM: paid / accepted} if accepted else {})
            row["dominated_by"] = _dominator(row, costs, rows, tried.objective)
        table.append(row)
    benefit = tried.benefit(tried.objective)
    return PolicySearch(
        request,
        tried,
        chosen,
        feasible,
        policy,
        cubes,
        rounded_table(table, schema_of("solution.solution")),
        rounded_table(rows, schema_of("solution.frontier")),
        least,
        bool((benefit[allowed] > benefit[chosen]).any()),
    )


def _candidates(
    request: SearchRequest, shown: Sequence[Policy], cubes_of: CubesOf
) -> tuple[Candidates, Sequence[Cube], list[dict[str, float]]]:
    # Return all candidates, the claims of the announced policy, and what people get from each shown policy.
    policy, objective = request.policy, request.objective
    if objective is not None and objective not in OBJECTIVES:
        raise UsageError("no such objective", value=objective, remedy=spelling_hint(objective, [*OBJECTIVES]))
    parameters = parse_parameters(request.vary, policy)
    lines = [VariedLine(x, parameters) for x in policy.schedules if any(p.line == x.id for p in parameters)]
    cubes, money = cubes_of([policy], ()), policy.loss_unit == policy.currency
    own_cubes = {x.schedule.id: cube_for(x.schedule, cubes) for x in lines}
    # Benefits per claim and per claimant cannot be added, so the lines must pay the same claims.
    same_claims = bool(cubes) and len({id(x) for x in own_cubes.values()}) == 1
    objective = objective or (REPLACED if money and same_claims else PER_CLAIM)
    costs = candidate_costs(request, lines, cubes)
    smallest = [(p.values or p.span or (0,))[0] for p in parameters]

    def limits(p: Parameter) -> tuple[int | None, float]:
        line, cube = next(x for x in lines if x.schedule.id == p.line), own_cubes[p.line]
        loss = None if cube is None else largest_claim_loss(cube)
        loss = line.edges[p.tier] if p.tier < len(line.edges) else loss
        used, place = costs.on_average if request.level is None else costs, parameters.index(p)
        most = used.largest_payment(smallest, place, request.budget, request.quantile_level)
        return loss if money else None, most

    parameters = with_payments(parameters, request.step, limits)
    axes = np.meshgrid(*(np.array(p.values, dtype=np.int64) for p in parameters), indexing="ij")
    values = np.stack([axis.ravel() for axis in axes], axis=1)
    cuts = loss_cuts(parameters, shown)
    cube = cube_for(lines[0].schedule, cubes_of(shown, cuts)) if same_claims else None
    known = [each.as_known_on(request.as_of) for each in shown]
    benefits, *others = shown_benefits(known, cube, lines, values, with_claims=bool(cubes))
    per_claim = costs.per_claim(values)
    benefits |= {} if per_claim is None else {PER_CLAIM: per_claim}
    if objective not in benefits:
        raise ModelRefused(
            f"{objective} is not known: losses are no money, or nothing says how they are spread",
            value=policy.loss_unit,
            remedy=f"Give claims whose losses are money, or take the objective {PER_CLAIM}.",
        )
    gains_of = [{name: float(x[0]) for name, x in other.items()} for other in others]
    return Candidates(request, parameters, lines, values, costs, benefits, objective), cubes, gains_of


def _frontier_rows(tried: Candidates, frontier: IntArray, own: Costs, chosen: int) -> list[dict[str, Any]]:
    # Costs are those in the common draws, with the relative errors of the chosen candidate's own costs.
    values, level = tried.values[frontier], tried.request.quantile_level
    over = [rows for x in tried.costs.totals(values) for rows in (x > tried.request.budget).mean(axis=2)]
    means = [costs.quantiles(values, level) for costs in (tried.costs.on_average, tried.costs)]
    errors = [x.error / x.value if x.value else 0.0 for x in (own.expected, own.at_level)]
    found = []
    for candidate, chance, *amounts in zip(frontier.tolist(), over, *means, strict=True):
        mean, cost = (Estimate(float(x), float(x * e)) for x, e in zip(amounts, errors, strict=True))
        costs = own if candidate == chosen else Costs(mean, cost, replicate_mean(chance))
        text = tried.text(tried.values[candidate])
        found.append({"parameters": text, **tried.gains(candidate), **costs.columns})
    return found


def _costs_of(run: Simulation, request: SearchRequest) -> Costs:
    total = run.totals["cash"]
    level, chance = total.quantile(request.quantile_level), total.exceedance(request.budget)
    return Costs(expected_estimate(run, "cash"), level, chance)


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
