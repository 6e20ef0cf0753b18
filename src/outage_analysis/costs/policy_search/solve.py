"""Find the policy that gives claimants most within a budget: the recipe, and its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.policy_search.budget_search import BudgetSearch
from outage_analysis.costs.policy_search.candidate_benefits import (
    MADE_WHOLE,
    OBJECTIVES,
    PER_CLAIM,
    REPLACED,
    SHORTFALL,
    Measures,
    benefit_cells,
    candidate_measures,
    edge_shortfall,
    lines_of_cube,
    loss_cuts,
    paid_by_line,
)
from outage_analysis.costs.policy_search.candidate_costs import CandidateCosts, simulate_candidates
from outage_analysis.costs.policy_search.candidate_grid import (
    combinations,
    with_edges_and_shares,
    with_payments,
)
from outage_analysis.costs.policy_search.constraints import (
    BUDGET,
    MAX_CLIFF,
    MONOTONE,
    Jumps,
    ordered_edges,
    payment_jumps,
    statutory_lines,
)
from outage_analysis.costs.policy_search.loss_intervals import IntArray, VariedLine
from outage_analysis.costs.policy_search.parameters import Parameter, Vary, parse_parameters, schedule_of
from outage_analysis.costs.policy_search.search_inputs import SearchInputs, cost_cube
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import spelling_hint, validated_copy
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from outage_analysis.text import percentile_mark, percentile_measure

CubesAt = Callable[[Sequence[int]], Mapping[str, Sequence[Cube]]]
"""A function that returns cubes by policy id, with loss bands that also end at the given losses."""
FRONTIER_LEVEL = 0.9
"""The frontier compares P90 if the budget limits the expected cost."""
MOST_EDGE_SETS = 64
"""Up to this many combinations of upper edges, the default range of a payment is limited by the budget."""
MAX_ID, MAX_NAME = 64, 120
SUFFIX = "-solution"
MARKS = {"en": " (solution)", "ko": " (예산 내 최적안)"}


@dataclass(frozen=True)
class SearchRequest:
    """What to search for. Amounts are in the smallest unit of the currency.

    Args:
        vary: the parameters, as for `parse_parameters`.
        budget: the largest cost.
        level: the probability with which the cost must stay within the budget; None for the expected cost.
        objective: one of `OBJECTIVES`; by default the replaced share of the loss or, if it is not known, the
            mean payment per accepted claim.
        step: the step between the payments that are tried; by default a round step.
        max_cliff: the largest jump of the payment at an edge of a loss band; by default without limit.
    """

    vary: Vary
    budget: int
    level: float | None = 0.9
    objective: str | None = None
    step: int | None = None
    max_cliff: int | None = None


@dataclass(frozen=True, eq=False)
class PolicySearch:
    """The result of a search: all candidates, the best within the budget, and the efficient frontier.

    Args:
        request: what was searched for.
        inputs: the announced policy, the assumptions and the claims.
        named: the announced policy and further policies, simulated on the same draws.
        parameters: the parameters with the values that were tried.
        candidates: the values of each candidate, (candidates, parameters).
        search: the costs of the candidates.
        measures: what claimants get under each candidate.
        objective: the objective of the search.
        cube: the claims by which benefits are measured; None if they are not known.
        entitled: above 0 for the rows of the cube that some policy entitles.
        solution: the best candidate within the budget; None if there is none.
        nearest: if there is no solution, the candidate with the smallest cost above the budget.
        frontier: the candidates that no other candidate dominates, the cheapest first.
        excluded_by: if there is no solution, each constraint without which there is one.
        least_budget: if there is no solution, the smallest budget that has one, rounded up to its error.
        is_limited: whether the budget rules out a better candidate.
    """

    request: SearchRequest
    inputs: SearchInputs
    named: tuple[Policy, ...]
    parameters: tuple[Parameter, ...]
    candidates: IntArray
    search: BudgetSearch
    measures: Measures
    objective: str
    cube: Cube | None
    entitled: FloatArray
    solution: int | None = None
    nearest: int | None = None
    frontier: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    excluded_by: tuple[str, ...] = ()
    least_budget: float | None = None
    is_limited: bool = True

    @property
    def chosen(self) -> int | None:
        """The solution or, if there is none, the nearest candidate."""
        return self.nearest if self.solution is None else self.solution

    @property
    def quantile_mark(self) -> str:
        """The name of the quantile by which costs are compared, such as P90."""
        return percentile_mark(percentile_measure(self.search.quantile_level))

    @property
    def largest_values(self) -> tuple[Parameter, ...]:
        """The payments and shares at the largest value that was tried; a larger value may be better."""
        if self.chosen is None:
            return ()
        return tuple(
            p
            for p, value in zip(self.parameters, self.values_of(self.chosen), strict=True)
            if p.kind != "up_to" and value == p.values[-1] and len(p.values) > 1 and not p.breaks_above
        )

    def values_of(self, candidate: int) -> tuple[int, ...]:
        """Return the value of each parameter of a candidate."""
        return tuple(int(value) for value in self.candidates[candidate])

    def policy_of(self, candidate: int) -> Policy:
        """Return the announced policy with the values of a candidate; its id ends in `-solution`."""
        changed = self.inputs.policy
        for line in self.search.costs.lines:
            changed = changed.with_line(line.with_values(self.values_of(candidate)))
        names = {
            lang: f"{self.inputs.policy.name[lang]}"[: MAX_NAME - len(m)] + m for lang, m in MARKS.items()
        }
        name = changed.name.model_copy(update=names)
        return validated_copy(changed, id=self.inputs.policy.id[: MAX_ID - len(SUFFIX)] + SUFFIX, name=name)

    @property
    def benefit(self) -> FloatArray:
        """The objective of each candidate, rounded; larger is better."""
        return self.measures.rank_values(self.objective)

    @property
    def by_mean(self) -> bool:
        """Whether the frontier counts the expected cost.

        The mean payment per accepted claim is the expected cost divided by the same number of claims for all
        candidates, so the frontier uses the quantile as its only cost.
        """
        return self.objective != PER_CLAIM


def find_best_policy(
    inputs: SearchInputs, request: SearchRequest, named: Sequence[Policy], cubes_at: CubesAt | None
) -> PolicySearch:
    """Find the candidate that gives claimants most within a budget.

    Args:
        inputs: the announced policy, the assumptions and the sampling; its cubes are replaced.
        request: what to search for.
        named: further policies to show beside the frontier.
        cubes_at: builds the cubes of claims; None for published counts.

    Raises:
        UsageError: a parameter, a value or the objective is invalid.
        ModelRefused: the inputs do not determine the cost or the objective, or the objective is the number of
            claims paid in full and no candidate within the budget pays one in full.
    """
    policy, shown = inputs.policy, (inputs.policy, *named)
    parameters = parse_parameters(request.vary, policy, statutory=statutory_lines(policy))
    parameters = with_edges_and_shares(parameters, policy, request.step)
    if cubes_at is None:
        _check_known_by_counts(parameters)
    varied = dict.fromkeys(p.line for p in parameters)
    lines = [VariedLine.from_parameters(schedule_of(policy, id_), parameters) for id_ in varied]
    edges = {edge for line in lines for edge in line.edges}
    inputs = replace(inputs, cubes={} if cubes_at is None else cubes_at(sorted(edges)))
    objective = _objective(request.objective, inputs, lines)
    costs = simulate_candidates(inputs, lines, shown)
    parameters = _with_all_values(parameters, request, costs, inputs)
    candidates = combinations(parameters)
    candidates = candidates[ordered_edges(lines, candidates)]
    if not len(candidates):
        raise UsageError("no combination of the upper edges is in order", remedy="Change their ranges.")
    level = FRONTIER_LEVEL if request.level is None else request.level
    search = BudgetSearch(costs, costs.formulas(candidates), request.budget, request.level, level)
    if cubes_at is not None:
        finer = cubes_at(sorted({*edges, *loss_cuts(parameters, shown)}))
        cube, entitled = _benefit_cube(replace(inputs, cubes=finer), lines, shown)
    else:
        cube, entitled = None, np.zeros(0)
    measures = _measures(search, policy.as_known_on(inputs.as_of), cube, entitled, candidates)
    if objective not in measures.values:
        raise ModelRefused(_unknown_objective(objective), remedy=f"Known: {', '.join(measures.values)}.")
    found = PolicySearch(
        request, inputs, shown, parameters, candidates, search, measures, objective, cube, entitled
    )
    return _searched(found, payment_jumps(lines, candidates))


def _with_all_values(
    parameters: Sequence[Parameter], request: SearchRequest, costs: CandidateCosts, inputs: SearchInputs
) -> tuple[Parameter, ...]:
    return with_payments(
        parameters,
        request.step,
        lambda parameter, value: _breaks_budget(costs, parameters, request, parameter, value),
        lambda parameter: _largest_loss(inputs, costs.lines, parameter),
    )


def _searched(found: PolicySearch, jumps: Jumps) -> PolicySearch:
    search, request = found.search, found.request
    steep = np.zeros(search.count, dtype=bool)
    if request.max_cliff is not None:
        steep = jumps.largest > request.max_cliff
    allowed = np.flatnonzero(~jumps.falls & ~steep)
    others = [name for name in found.measures.values if name != found.objective]
    further = [found.measures.rank_values(name) for name in others]
    solution = search.best(allowed, found.benefit, further)
    frontier = search.frontier(allowed, found.benefit, by_mean=found.by_mean)
    if solution is not None:
        if found.objective == MADE_WHOLE and not found.benefit[solution]:
            raise ModelRefused(
                "no policy that was tried and keeps the budget is sure to pay any claim in full, so by this "
                "objective nothing is better than paying nothing",
                value=MADE_WHOLE,
                remedy=f"Raise the budget, vary higher payments, or take the objective {REPLACED}.",
            )
        better = (found.benefit[allowed] > found.benefit[solution]).any()
        return replace(found, solution=solution, frontier=frontier, is_limited=bool(better))
    excluded = {
        BUDGET: allowed,
        MONOTONE: np.flatnonzero(jumps.falls & ~steep),
        MAX_CLIFF: np.flatnonzero(~jumps.falls & steep),
    }
    names_found = []
    for name, freed in excluded.items():
        best = search.cheapest(freed)
        if best is not None and (name == BUDGET or search.keeps_budget(best)):
            names_found.append(name)
    nearest = search.cheapest(allowed)
    least = None if nearest is None else search.budget_for(nearest)
    if nearest is None:  # no candidate is allowed: take the smallest cliff among payments that do not fall
        kept = np.flatnonzero(~jumps.falls) if not jumps.falls.all() else np.arange(search.count)
        nearest = search.cheapest(kept[jumps.largest[kept] == jumps.largest[kept].min()])
    return replace(
        found, nearest=nearest, frontier=frontier, excluded_by=tuple(names_found), least_budget=least
    )


def _check_known_by_counts(parameters: Sequence[Parameter]) -> None:
    for parameter in parameters:
        if parameter.kind != "payment":
            what = "thresholds need" if parameter.kind == "up_to" else "a share of the loss needs"
            raise ModelRefused(
                f"{what} claims: published counts do not say how losses are spread within a band",
                value=parameter.name,
                remedy="Give claims, or vary payments only.",
            )


def _objective(objective: str | None, inputs: SearchInputs, lines: Sequence[VariedLine]) -> str:
    if objective is not None and objective not in OBJECTIVES:
        raise UsageError("no such objective", value=objective, remedy=spelling_hint(objective, [*OBJECTIVES]))
    money = inputs.policy.loss_unit == inputs.policy.currency
    if objective is None:
        cubes = {id(cost_cube(inputs, line)) for line in lines}
        return REPLACED if money and inputs.cubes and len(cubes) == 1 else PER_CLAIM
    if not money and objective != PER_CLAIM:
        raise ModelRefused(
            f"losses are in {inputs.policy.loss_unit}, which is no money: no payment replaces them",
            value=objective,
            remedy=f"Take the objective {PER_CLAIM}.",
        )
    return objective


def _unknown_objective(objective: str) -> str:
    if objective == SHORTFALL:
        return "the largest shortfall has no limit: a band without an upper edge is paid by a rule"
    return (
        f"without claims, {objective} can only be bounded: nothing says how losses are spread within a band"
    )


def _breaks_budget(
    costs: CandidateCosts,
    parameters: Sequence[Parameter],
    request: SearchRequest,
    parameter: Parameter,
    value: int,
) -> bool:
    edges = [p.values for p in parameters if p.kind == "up_to"]
    if np.prod([len(values) for values in edges]) > MOST_EDGE_SETS:
        return False
    rows = []
    for chosen in product(*edges):
        places = iter(chosen)
        row = [next(places) if p.kind == "up_to" else (p.values or (p.low or 0,))[0] for p in parameters]
        row[[p.name for p in parameters].index(parameter.name)] = value
        rows.append(row)
    table = np.array(rows, dtype=np.int64)
    table = table[ordered_edges(costs.lines, table)]
    if not len(table):
        return False
    level = FRONTIER_LEVEL if request.level is None else request.level
    search = BudgetSearch(costs, costs.formulas(table), request.budget, request.level, level)
    return not any(search.keeps_budget(candidate) for candidate in range(len(table)))


def _largest_loss(inputs: SearchInputs, lines: Sequence[VariedLine], parameter: Parameter) -> int | None:
    if inputs.policy.loss_unit != inputs.policy.currency:
        return None
    line = next(x for x in lines if x.schedule.id == parameter.line)
    if parameter.tier < line.tiers - 1:
        return line.possible_cuts[parameter.tier][-1]
    cube = cost_cube(inputs, line)
    return None if cube is None else largest_claim_loss(cube)


def largest_claim_loss(cube: Cube) -> int | None:
    """Return the largest possible loss of a claim in a cube; None if it is unknown."""
    largest = 0
    for over, up_to, claims, loss in cube.frame.select("over", "up_to", "claims", "loss").iter_rows():
        if claims and over is not None and over >= 0:
            rest = None if loss is None else loss - (claims - 1) * (over + 1)
            ends = [end for end in (up_to, rest) if end is not None]
            if not ends:
                return None
            largest = max(largest, min(ends))
    return largest


def _benefit_cube(
    inputs: SearchInputs, lines: Sequence[VariedLine], shown: Sequence[Policy]
) -> tuple[Cube | None, FloatArray]:
    # It is also None if the varied lines pay different cubes, because benefits per claim and per claimant
    # cannot be added.
    nothing = np.zeros(0)
    cubes = [cost_cube(inputs, line) for line in lines]
    if inputs.policy.loss_unit != inputs.policy.currency or len({id(cube) for cube in cubes}) > 1:
        return None, nothing
    cube = cubes[0]
    if cube is None:
        return None, nothing
    entitled = np.zeros(len(cube.frame))
    for policy in shown:
        for schedule in lines_of_cube(policy.as_known_on(inputs.as_of), cube):
            entitled = entitled + paid_by_line(schedule, cube)[1]
    return cube, entitled


def _measures(
    search: BudgetSearch, policy: Policy, cube: Cube | None, entitled: FloatArray, candidates: IntArray
) -> Measures:
    lines = search.costs.lines
    values: dict[str, FloatArray] = {}
    if cube is not None:
        values = candidate_measures(benefit_cells(policy, cube, lines, entitled), search.formulas)
    elif policy.loss_unit == policy.currency:
        shortfall = edge_shortfall(lines, candidates)
        values = {} if shortfall is None else {SHORTFALL: shortfall}
    per_claim = search.costs.per_claim(search.formulas)
    if np.isfinite(per_claim).all():
        values[PER_CLAIM] = per_claim
    return Measures({name: values[name] for name in OBJECTIVES if name in values})
