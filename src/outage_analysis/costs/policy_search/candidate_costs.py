"""Costs of candidates: expected costs in closed form, and totals in all draws from one simulation.

For each interval of losses, the number of accepted claims, the sum of their losses and the sum of their
awards do not depend on what a candidate pays. They are drawn once. The total of a candidate in a draw is

    base + sum over intervals of (fixed x claims + share x losses + awards if reviewed)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np

from outage_analysis.assumptions import Award, FloatArray, Ledger, MeanPayment
from outage_analysis.costs.claim_payments import cube_fits_line, rows_with_formula
from outage_analysis.costs.comparison.compare_policies import shared_runs
from outage_analysis.costs.compile_lines import compile_lines
from outage_analysis.costs.expected import ledger_for_policy
from outage_analysis.costs.policy_search.loss_intervals import Formulas, IntArray, VariedLine
from outage_analysis.costs.policy_search.shared_draws import (
    NO_GROUP,
    ClaimGroups,
    SharedDraws,
    basis_portfolios,
    check_same_cells,
    draw_groups,
)
from outage_analysis.costs.terms import CompiledLine, LineTerm
from outage_analysis.costs.uncertainty.policy_streams import build_portfolio
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.costs.uncertainty.simulation import Sample, Simulation
from outage_analysis.errors import ModelRefused
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy


@dataclass(frozen=True)
class SearchInputs:
    """What the costs of all candidates are computed from.

    Args:
        policy: the announced policy, whose lines are varied.
        ledger: the assumptions.
        as_of: only facts, lines and assumptions public by this day are used.
        cubes: by policy id, cubes of claims with an edge at every upper edge that is tried; empty for
            published counts.
        draws: the number of draws, a power of two.
        seed: the seed of the draws.
        with_handling: whether the cost of handling claims belongs to the total.
    """

    policy: Policy
    ledger: Ledger | None
    as_of: date
    cubes: Mapping[str, Sequence[Cube]]
    draws: int
    seed: int
    with_handling: bool = False

    def fitting_ledger(self, policy: Policy) -> Ledger | None:
        """Return the ledger without band mixes that do not fit a policy."""
        return None if self.ledger is None else ledger_for_policy(self.ledger, policy)

    def portfolio(self, policy: Policy, cubes: Sequence[Cube] | None = None) -> Portfolio:
        """Return the payment streams of a policy, from its cubes or from published counts."""
        own = self.cubes.get(policy.id, self.cubes.get(self.policy.id, ())) if cubes is None else cubes
        return build_portfolio(policy, self.fitting_ledger(policy), as_of=self.as_of, cubes=own)


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
    runs: Mapping[str, Simulation]

    def formulas(self, candidates: IntArray) -> list[Formulas]:
        """Return, per varied line, what candidates pay in each group."""
        return [line.formulas(candidates) for line in self.lines]

    def expected(self, formulas: Sequence[Formulas]) -> FloatArray:
        """Return the expected total of each candidate, (candidates,)."""
        costs = [count.expected(paid) for count, paid in zip(self.counts, formulas, strict=True)]
        return np.asarray(sum(costs, np.full(len(costs[0]), self.expected_base)))

    def totals(self, formulas: Sequence[Formulas], points: int | None = None) -> Iterator[Sample]:
        """Yield the sample of the total of each candidate, in order.

        Args:
            formulas: what candidates pay.
            points: use only this many points of each replicate, a power of two; by default all.
        """
        used = slice(points)
        for candidate in range(len(formulas[0].fixed)):
            total = self.draws.base[:, used].copy()
            for line, paid in enumerate(formulas):
                for group in range(paid.fixed.shape[1]):
                    self._add(total, line, group, paid, candidate, used)
            yield Sample(total)

    def _add(
        self, total: FloatArray, line: int, group: int, paid: Formulas, candidate: int, used: slice
    ) -> None:
        """Add what a candidate pays in one group to its total."""
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
    terms = [_checked_term(line, compiled, inputs) for line in lines]
    groups = [
        _claim_groups(line, term, compiled[line.schedule.id]) for line, term in zip(lines, terms, strict=True)
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
    varied = {line.schedule.id for line in lines}
    others = [
        t.cost.expected or 0.0
        for one in compiled.values()
        for t in one.terms
        if t.valuation == "cash" and t.has_expected_cost and one.line.id not in varied
    ]
    handling = _expected_handling(inputs) if inputs.with_handling else 0.0
    return CandidateCosts(
        tuple(lines),
        counts,
        draw_groups(runs, lines, with_handling=inputs.with_handling),
        sum(others) + handling,
        handling,
        {policy.id: runs[policy.id] for policy in named if policy.id in runs},
    )


def _policy_with_typical_values(policy: Policy, lines: Sequence[VariedLine]) -> Policy:
    """Return the policy with payments above 0 in all varied tiers.

    Only its claims and inputs are used; a payment of typical size lets the simulation choose its points well.
    """
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


def _checked_term(line: VariedLine, compiled: Mapping[str, CompiledLine], inputs: SearchInputs) -> LineTerm:
    """Return the term of a varied line after checking that its cost follows from what the policy pays."""
    id_ = line.schedule.id
    if id_ not in compiled:
        raise ModelRefused(
            f"the line was not public by {inputs.as_of}", value=id_, remedy="Move --as-of to a later day."
        )
    one = compiled[id_]
    if not inputs.cubes and isinstance(one.funnel.entries.get("mean_payment"), MeanPayment):
        raise ModelRefused(
            "the ledger states one mean payment for all loss bands, so payments cannot vary",
            value=id_,
            remedy="Replace the mean payment by a band mix, or give claims.",
        )
    cash = [term for term in one.terms if term.valuation == "cash"]
    if any(term.certain for term in cash):
        raise ModelRefused(
            "the ledger states the total of the line, so payments cannot vary",
            value=id_,
            remedy="Take the total out of the ledger.",
        )
    term = next((term for term in cash if term.has_expected_cost), None)
    if term is None:
        missing = next((t.missing for t in cash if t.missing), None)
        raise ModelRefused(
            "the line has no expected cost, so no policy can be chosen by it",
            value=id_,
            remedy=f"The ledger lacks: {missing}." if missing else "See the status of the line in `cost`.",
        )
    return term


def _cash_and_handling(inputs: SearchInputs, portfolio: Portfolio, model: Policy) -> Portfolio:
    """Return the streams of cash and, if handling counts, of handling, which the ledger states as a total."""
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


def _claim_groups(line: VariedLine, term: LineTerm, compiled: CompiledLine) -> ClaimGroups:
    """Return the claims of a varied line by group.

    Raises:
        ModelRefused: some candidate reviews claims, and the ledger states no mean award.
    """
    numbers = _group_numbers(line, term)
    counted = _claims_by_group(line, term, numbers)
    reviews = any(
        claims and any(reviewed for _, _, reviewed in line.possible_formulas(band))
        for claims, band in zip(counted, line.group_bands, strict=True)
    )
    award = compiled.funnel.entries.get("review_award")
    if reviews and not isinstance(award, Award):
        raise ModelRefused(
            "claims are reviewed, and the ledger states no mean award of a review",
            value=line.schedule.id,
            remedy="Add an assumption of the kind `review_award`.",
        )
    mean = compiled.funnel.award.expected or 0.0
    return ClaimGroups(line, numbers, award if reviews and isinstance(award, Award) else None, mean)


def _claims_by_group(line: VariedLine, term: LineTerm, numbers: Sequence[int]) -> FloatArray:
    """Return the expected number of claims in each group, accepted or not, (groups,)."""
    claims = np.zeros(len(line.group_bands))
    if term.claim_cells is None:
        counts = [group.claims or 0.0 for group in term.groups]
    else:
        counts = term.claim_cells.cube.frame["claims"].to_list()
    for count, group in zip(counts, numbers, strict=True):
        if group != NO_GROUP:
            claims[group] += count
    return claims


def _group_numbers(line: VariedLine, term: LineTerm) -> list[int]:
    """Return the group of each cell of the line's claims or, for published counts, of each loss band.

    Raises:
        ModelRefused: a band of the claims contains losses that some candidate pays by different formulas.
    """
    if term.claim_cells is None:
        groups = [line.group_of((g.labels["over"], g.labels["up_to"])) for g in term.groups]  # type: ignore[arg-type]
        return [NO_GROUP if group is None else group for group in groups]
    rows = rows_with_formula(term.claim_cells.cube, line.schedule)
    last = len(line.schedule.tariffs) - 1
    found = []
    for row in rows.select("over", "up_to", "entitled", "tariff", "claims").iter_rows():
        over, up_to, entitled, tariff, claims = row
        if not (entitled and tariff == last) or over is None or (up_to is not None and up_to <= 0):
            found.append(NO_GROUP)
            continue
        group = line.group_of((over, up_to))
        if group is None and claims:
            inside = next(edge for edge in line.edges if edge > over)
            raise ModelRefused(
                f"a loss band of the claims spans the edge {inside:,} that is tried",
                value=f"({over}, {up_to}]",
                remedy="Thresholds need claims, or counts by band that end at each of them.",
            )
        found.append(NO_GROUP if group is None else group)
    return found


def _line_counts(term: LineTerm, own: ClaimGroups) -> LineCounts:
    """Return the expected claims of a varied line by group of loss intervals."""
    accepted, award = term.accepted_share.expected or 0.0, own.mean_award
    claims, losses = _claims_by_group(own.line, term, own.numbers), np.zeros(len(own.line.group_bands))
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


def cost_cube(inputs: SearchInputs, line: VariedLine) -> Cube | None:
    """Return the cube whose claims a line pays; None if the costs come from published counts."""
    cubes = inputs.cubes.get(inputs.policy.id, ())
    return next((cube for cube in cubes if cube_fits_line(line.schedule, cube)), None)
