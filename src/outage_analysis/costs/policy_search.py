"""Policy search: a policy and a budget go in; the policy that gives claimants most within it comes out.

A candidate is one combination of values of the varied payments. Each is the payment of a tier (a loss band),
so the accepted claims of a tier are the same for all candidates. They are drawn once. A candidate costs, in
each draw,

    base + sum over varied tiers of (payment x accepted claims)

What claimants get is exact if the cube has an edge at each loss that a payment replaces exactly; `loss_cuts`
returns these edges. Otherwise it is guaranteed: the true value is at least as good. The chosen policy must
also keep the budget in a simulation of its own, the one of a run; the result states its figures.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from outage_analysis.assumptions import FloatArray, Ledger, MeanPayment
from outage_analysis.costs.benefits import (
    LOW,
    Flags,
    LossCells,
    cube_fits_line,
    cube_for,
    largest_claim_loss,
    line_payments,
    replaced_shares,
    rows_with_formula,
)
from outage_analysis.costs.expected import (
    Portfolio,
    build_portfolio,
    compiled_lines,
    expected_at,
    portfolio_of_lines,
)
from outage_analysis.costs.page_model import LiveInput
from outage_analysis.costs.simulation import (
    Estimate,
    Simulation,
    expected_estimate,
    quantile_place,
    replicate_mean,
    rounded_probability,
    rounded_table,
    simulate,
)
from outage_analysis.costs.terms import CompiledLine, Group, Term, ledger_for_policy
from outage_analysis.errors import ModelRefused, UsageError, either
from outage_analysis.files import spelling_hint, validated_copy
from outage_analysis.losses import Cube
from outage_analysis.policies import MAX_STEPS, SHARE_SCALE, Amount, Policy, RuleBand, Schedule
from outage_analysis.text import TABLE_DIGITS, percentile_mark, percentile_measure, schema_of, smallest_units

Vary = Sequence[str] | Mapping[str, Sequence[Amount] | None]
"""Parameters as texts, or parameter -> the values to try; None stands for the default values."""
MOST_CANDIDATES = 50_000
"""At most this many combinations, or values of one parameter, are tried."""
DEFAULT_STEPS = 20
"""By default, the values of a parameter have a round step that gives at most about this many of them."""
DEFAULT_CANDIDATES = 1_000
"""With several parameters, their default steps give at most about this many combinations."""
LARGEST_PAYMENT = 10**12
"""The largest payment that a policy may state, in the smallest unit of the currency."""
Limits = Callable[["Parameter"], tuple[int | None, float]]
"""Returns the largest loss in the band of a payment (None if it is unknown), and the largest payment that the
budget allows beside the smallest values of the other parameters."""
_PATTERN = re.compile(
    r"(?:(?P<line>[^.=]+)\.)?(?P<tier>tier\d+)"
    r"(?:=(?P<low>[^./]+(?:\.\d+)?)\.\.(?P<high>[^/]+?)(?:/(?P<step>.+))?)?"
)
_REMEDY = "Write LINE.tier1; a search may add =LOW..HIGH/STEP."


@dataclass(frozen=True)
class Parameter:
    """One payment of a policy that a search varies; its values are in the smallest unit of the currency."""

    line: str
    """The id of the cost line."""
    tier: int
    """The position of the loss band in the line, from 0."""
    digits: int
    """The number of decimal places with which users write the payment."""
    values: Sequence[int] = ()
    """The values to try, in increasing order; none if the default values are tried."""
    breaks_above: bool = False
    """Whether larger values were left out because each alone breaks the budget."""

    @property
    def name(self) -> str:
        """The parameter as users write it, such as `business-cash.tier2`."""
        return f"{self.line}.tier{self.tier + 1}"

    def assignment(self, value: int, *, with_line: bool = True) -> str:
        """Return a value as text: `business-cash.tier1=40,000`, or `tier1=40,000` without the line."""
        name = self.name if with_line else self.name.removeprefix(f"{self.line}.")
        return f"{name}={Decimal(value).scaleb(-self.digits).normalize():,f}"


def parse_parameters(vary: Vary, policy: Policy, step: int | None = None) -> tuple[Parameter, ...]:
    """Return the parameters that `vary` names, in the order of the policy.

    Args:
        vary: texts such as `business-cash.tier1` or `business-cash.tier1=0..50_000/5_000`. A text may name
            several parameters, separated by commas; the id of the line may be left out after the first, and
            if only one line pays by loss band. A mapping states the values to try.
        policy: the policy that is varied.
        step: the step of the payments in a range without one; by default a round step for each.

    Raises:
        UsageError: a text names an unknown parameter, or a parameter twice.
    """
    if isinstance(vary, Mapping):
        stated = dict(vary)
    else:
        texts = [vary] if isinstance(vary, str) else vary
        stated = dict.fromkeys(part.strip() for x in texts for part in str(x).split(",") if part.strip())
    lines = [line.id for line in policy.schedules]
    names = [f"{x.id}.tier{tier}" for x in policy.schedules for tier in range(1, len(x.bands) + 1)]
    possible = f"It can vary: {', '.join(names)}." if names else "No cost line pays by loss band."
    if not stated:
        raise UsageError("nothing is varied", remedy=possible)
    found: dict[str, Parameter] = {}
    line = lines[0] if len(lines) == 1 else ""
    for text, values in stated.items():
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise UsageError("is no parameter", value=text, remedy=f"{_REMEDY} {possible}")
        line = match["line"] or line
        name = f"{line}.{match['tier']}"
        if name not in names:
            hint = spelling_hint(name, names) if line else possible
            raise UsageError("the policy has no such parameter", value=text, remedy=hint)
        if policy.line(line).statutory:
            raise UsageError(
                "a line that is fixed by law cannot be varied", value=line, remedy="Vary another line."
            )
        if name in found:
            raise UsageError("a parameter is named twice", value=name, remedy="Name each once.")
        tier = int(match["tier"].removeprefix("tier")) - 1
        parameter = Parameter(line, tier, policy.digits)
        if values is not None or match["low"]:
            tried = _stated_values(parameter, match, values, step, _most_steps(len(stated)))
            parameter = replace(parameter, values=tried)
        found[name] = parameter
    return tuple(sorted(found.values(), key=lambda p: (lines.index(p.line), p.tier)))


def _stated_values(
    p: Parameter, match: re.Match[str], values: Sequence[Amount] | None, step: int | None, most_steps: float
) -> Sequence[int]:
    def whole(number: Amount | str) -> int:
        if isinstance(number, str):
            try:
                number = Decimal(number.strip().replace("_", ""))
            except InvalidOperation:
                raise UsageError(
                    f"{p.name} has a value that is no number", value=number, remedy=_REMEDY
                ) from None
        return smallest_units(number, p.digits, p.name)

    if values is not None:
        tried: Sequence[int] = tuple(sorted({*map(whole, values)}))
    else:
        low, high = whole(match["low"]), whole(match["high"])
        pace = whole(match["step"]) if match["step"] else step or round_step((high - low) / most_steps)
        tried = range(low, high + 1, pace) if pace else ()
    if not tried:
        raise UsageError(f"{p.name} has no values to try", value=match[0], remedy=_REMEDY)
    return tried


def _most_steps(parameters: int) -> float:
    most: float = DEFAULT_CANDIDATES ** (1 / parameters)
    return min(DEFAULT_STEPS, most)


def round_step(width: float) -> int:
    """Return the smallest number among 1, 2, 5, 10, 20, 50, ... that is at least the width.

    Example:
        >>> round_step(13), round_step(0.3), round_step(21_000)
        (20, 1, 50000)
    """
    if width <= 1:
        return 1
    decade: int = 10 ** (len(str(math.ceil(width))) - 1)
    return min(digit * decade for digit in (1, 2, 5, 10) if digit * decade >= width)


def with_payments(parameters: Sequence[Parameter], step: int | None, limits: Limits) -> tuple[Parameter, ...]:
    """Return the parameters, with the values to try.

    By default a payment ranges from 0 to the largest loss of its band, or to the largest payment that the
    budget allows if that is smaller.

    Args:
        parameters: the result of `parse_parameters`.
        step: the step of payments, in the smallest unit; by default a round step for each.
        limits: limits the payments whose range is not stated.

    Raises:
        UsageError: too many combinations are tried, or nothing limits a payment.
    """
    found = []
    for p in parameters:
        if not p.values:
            loss, most = limits(p)
            if loss is None and most >= LARGEST_PAYMENT:
                raise UsageError(
                    f"no loss or budget sets a maximum for {p.name}", remedy=f"Write {p.name}=LOW..HIGH."
                )
            largest = LARGEST_PAYMENT if loss is None else min(loss, LARGEST_PAYMENT)
            pace = step or 1
            high = int(min(largest, max(most, 0.0) * (1 + 1e-9)) // pace) * pace
            values = range(0, high + 1, step or round_step(high / _most_steps(len(parameters))))
            p = replace(p, values=values, breaks_above=most < high + pace)  # noqa: PLW2901 - the same payment
        found.append(p)
    # `len` refuses a range of more than 2**63 values, which a user may write.
    sizes = (x if isinstance(x := p.values, range) else range(len(x)) for p in found)
    if (total := math.prod(-(-(x.stop - x.start) // x.step) for x in sizes)) > MOST_CANDIDATES:
        raise UsageError(
            f"{total:,} combinations are more than the {MOST_CANDIDATES:,} that are possible",
            remedy="Take a larger step, vary less, or give fewer values.",
        )
    return tuple(found)


SearchablePayment = tuple[Schedule, LiveInput, dict[str, float | str | None]]
"""A fixed payment that a page can vary: its cost line, factor and limits, in the smallest currency unit.

`largest` is the largest loss of the band (None if it is unknown or not money). `below` and `above` are the
payments for the next lower and the next higher loss: an amount, or the id of a factor; None if not fixed."""


def page_search(
    policy: Policy, factors: Iterable[LiveInput], model: Mapping[str, Any], cubes: Sequence[Cube]
) -> list[SearchablePayment]:
    """Return the fixed payments that a page can search.

    The page maximises the mean payment per accepted claim, as `find_best_policy` can do; the search itself is
    in the script cost_model.js. A payment can be varied if it has a slider, is not fixed by law, and has its
    own count of claims in the simulation.

    Args:
        policy: the announced policy.
        factors: the factors that have a slider.
        model: the result of `browser_model`.
        cubes: the claims from which costs are computed; empty if they are computed from published counts.
    """
    counted = {unit["pays"] for term in model["terms"] for unit in term["units"]}
    pays = [factor for factor in factors if factor.kind == "pays" and factor.id in counted]
    found: list[SearchablePayment] = []
    for line in policy.schedules:
        bands = [band for band, _ in line.tariff.bands_with_rules]
        by_band = {(x.over, x.up_to): x for x in pays if x.line == line.id}
        varied = {
            tier: by_band[band]
            for tier, (band, rule) in enumerate(line.tariff.bands_with_rules)
            if not line.statutory and band in by_band and by_band[band].value == rule.fixed
        }
        cube = cube_for(line, cubes)
        money = policy.loss_unit == policy.currency
        for tier, factor in varied.items():
            over, up_to = bands[tier]
            loss = up_to or (None if cube is None else largest_claim_loss(cube))
            losses = {tier - 1: over or 0}
            if up_to is not None and line.bands[tier + 1].pays:
                losses[tier + 1] = up_to + 1
            amounts = {place: line.tariff.pay(beside) for place, beside in losses.items()}
            below, above = (
                varied[place].id if place in varied else None if amount is None else float(amount)
                for place, amount in ((tier + side, amounts.get(tier + side)) for side in (-1, 1))
            )
            limits = {"largest": loss if money else None, "below": below, "above": above}
            found.append((line, factor, limits))
    return found


IntArray = npt.NDArray[np.int64]
REPLACED, PER_CLAIM = "replaced", "per_claim"
OBJECTIVES = (REPLACED, PER_CLAIM)
"""What claimants get, and a search can maximise: share of the losses, mean payment per accepted claim."""
USUAL_LEVEL = 0.9
"""The frontier compares P90 if the budget limits the expected cost."""
CHUNK = 2**19
"""At most about this many totals, or payments to cells of claims, are computed at once."""


@dataclass(frozen=True)
class SearchRequest:
    """What to search for, and what the costs are computed from. Amounts are in the smallest currency unit.

    Args:
        policy: the announced policy, whose lines are varied.
        ledger: the assumptions.
        as_of: only facts, lines and assumptions public by this day are used.
        draws: the number of draws, a power of two.
        seed: the seed of the draws.
        vary: the parameters, as for `parse_parameters`.
        budget: the largest cost.
        level: the probability with which the cost must stay within the budget; None for the expected cost.
        objective: one of `OBJECTIVES`; by default the replaced share of the loss or, if it is not known, the
            mean payment per accepted claim.
        step: the step between the payments that are tried; by default a round step.
    """

    policy: Policy
    ledger: Ledger | None
    as_of: date
    draws: int
    seed: int
    vary: Vary
    budget: int
    level: float | None = USUAL_LEVEL
    objective: str | None = None
    step: int | None = None

    @property
    def quantile_level(self) -> float:
        """The probability of the quantile by which the frontier compares costs."""
        return USUAL_LEVEL if self.level is None else self.level

    def portfolio(self, policy: Policy, cubes: Sequence[Cube]) -> Portfolio:
        """Return the terms of a policy, from cubes of claims or from published counts."""
        return build_portfolio(policy, ledger_for_policy(self.ledger, policy), as_of=self.as_of, cubes=cubes)

    def simulated(self, portfolio: Portfolio) -> Simulation:
        """Return the simulation of the cash of a policy, which counts against the budget."""
        run = simulate(portfolio, draws=self.draws, seed=self.seed)
        return run.with_terms(lambda term: term.valuation == "cash")


class VariedLine:
    """A cost line that pays by loss band, and its tiers (loss bands) whose payments vary.

    Attributes:
        schedule: the cost line as announced.
        places: varied tier -> the column of the table of candidates with its payment.
        edges: the largest loss of each tier except the last.
        told_apart: the line with a payment in each varied tier that nothing else in it pays: as announced,
            where that is so. Claims with different payments are drawn apart, so these payments show which
            claims each candidate pays.
    """

    def __init__(self, schedule: Schedule, parameters: Sequence[Parameter]) -> None:
        self.schedule = schedule
        self.places = {p.tier: n for n, p in enumerate(parameters) if p.line == schedule.id}
        self.edges = [(rule.up_to or 0) - schedule.tariff.shift for rule in schedule.bands[:-1]]
        if self.places and schedule.segments:
            problem = "the payments of a line with segments are not varied"
            raise ModelRefused(problem, value=schedule.id, remedy="Write each segment as a line of its own.")
        bands, flat = list(schedule.bands), [x.fixed or 0 for x in schedule.tariff.pieces if not x.slope]
        for tier in self.places:
            paid = bands[tier].fixed * SHARE_SCALE
            if not paid or flat.count(paid) > 1 or bands[tier].depends_on_loss:
                paid = (max(flat) // SHARE_SCALE + 1) * SHARE_SCALE
                flat.append(paid)
            bands[tier] = _paying(bands[tier], paid // SHARE_SCALE)
        self.told_apart = validated_copy(schedule, bands=tuple(bands))

    def columns_of(self, cube: Cube) -> IntArray:
        """Return for each row of a cube the column of the payment of its claims, (rows,).

        It is -1 for claims that all candidates pay as announced.
        """
        bands = [band for band, _ in self.schedule.tariff.bands_with_rules]
        places = {bands[tier]: place for tier, place in self.places.items()}
        rows = rows_with_formula(cube, self.schedule).select("rule_over", "rule_up_to", "entitled", "claims")
        found = [
            places.get((over, up_to), -1) if entitled and claims else -1
            for over, up_to, entitled, claims in rows.iter_rows()
        ]
        return np.array(found, dtype=np.int64)

    def pays_at(self, tier: int, candidates: IntArray, loss: int) -> FloatArray:
        """Return what each candidate pays for a loss in a tier, (candidates,); NaN if a review decides it."""
        if tier in self.places:
            return candidates[:, self.places[tier]].astype(float)
        paid = self.schedule.tariff.pay(loss)
        return np.full(len(candidates), np.nan if paid is None else float(paid))

    def with_values(self, values: Sequence[int]) -> Schedule:
        """Return the cost line with one value per parameter. A changed band cites no facts."""
        bands = list(self.schedule.bands)
        for tier, place in self.places.items():
            band = _paying(bands[tier], values[place])
            bands[tier] = bands[tier] if band == bands[tier].model_copy(update={"facts": ()}) else band
        return validated_copy(self.schedule, bands=tuple(bands))


def _paying(rule: RuleBand, fixed: int) -> RuleBand:
    return RuleBand(over=rule.over, up_to=rule.up_to, fixed=fixed)


@dataclass(frozen=True, eq=False)
class CandidateCosts:
    """The cost of each candidate: what all candidates pay alike, and each payment times its accepted claims.

    Args:
        draws: the accepted claims of each parameter in each draw, (parameters, replicates, draws).
        means: their expected values, (parameters,).
        base: what all candidates pay alike in each draw, (replicates, draws).
        expected_base: its expected value.
        expected_by_loss: its expected value in lines that pay by loss band.
        accepted: the expected number of accepted claims of all lines that pay by loss band.
    """

    draws: FloatArray
    means: FloatArray
    base: FloatArray
    expected_base: float
    expected_by_loss: float
    accepted: float

    @property
    def on_average(self) -> CandidateCosts:
        """The costs with one draw, in which everything has its expected value."""
        return replace(self, draws=self.means[:, None, None], base=np.full((1, 1), self.expected_base))

    def totals(self, values: IntArray) -> Iterator[FloatArray]:
        """Yield the costs of candidates in each draw, (candidates, replicates, draws), for some at a time."""
        rows = max(1, CHUNK // self.base.size)
        for first in range(0, len(values), rows):
            part = values[first : first + rows]
            total = np.broadcast_to(self.base, (len(part), *self.base.shape)).copy()
            # A matrix product may have other last digits with other numbers of threads.
            for paid, drawn in zip(part.T, self.draws, strict=True):
                if paid.any():
                    total += paid[:, None, None] * drawn
            yield total

    def quantiles(self, values: IntArray, level: float) -> FloatArray:
        """Return a quantile of the costs of candidates, (candidates,)."""
        place = quantile_place(level, self.base.size)
        totals = (total.reshape(len(total), -1) for total in self.totals(values))
        return np.concatenate([np.empty(0), *(np.partition(x, place, axis=1)[:, place] for x in totals)])

    def largest_payment(self, smallest: Sequence[int], place: int, budget: float, level: float) -> float:
        """Return the largest value of a parameter that keeps the budget beside given values of the others."""
        values = np.array([smallest], dtype=np.int64)
        values[0, place] = 0
        (total,) = self.totals(values)
        rest, claims = budget - total.ravel(), self.draws[place].ravel()
        with np.errstate(divide="ignore", invalid="ignore"):
            most = np.where(claims > 0, rest / claims, np.where(rest < 0, -np.inf, np.inf))
        within = most.size - 1 - quantile_place(level, most.size)
        return float(np.partition(most, within)[within])


def candidate_costs(
    request: SearchRequest, lines: Sequence[VariedLine], cubes: Sequence[Cube]
) -> CandidateCosts:
    """Draw what the costs of all candidates are computed from, in one simulation of the announced policy.

    Args:
        request: what is searched for.
        lines: the varied lines.
        cubes: cubes of claims with an edge at every edge of the lines; empty for published counts.

    Raises:
        ModelRefused: a varied line has no expected cost, or its payments do not follow from the policy.
    """
    policy, as_of, varied = request.policy, request.as_of, {x.schedule.id: x.told_apart for x in lines}
    policy = policy.model_copy(update={"lines": tuple(varied.get(x.id, x) for x in policy.lines)})
    ledger = ledger_for_policy(request.ledger, policy)
    compiled = compiled_lines(policy, ledger, as_of=as_of, cubes=cubes)
    for id_ in varied:
        _check_cost(id_, next((x for x in compiled if x.line.id == id_), None), as_of, published=not cubes)
    run = request.simulated(portfolio_of_lines(compiled, ledger, as_of))
    run = replace(run, draws=request.draws)  # a simulation of few claims would take 16 times as many
    by_loss, count = {line.id for line in policy.schedules}, sum(len(line.places) for line in lines)
    paid, columns = np.ones(count + 1), dict[tuple[object, ...], int]()
    for line in lines:
        bands = line.told_apart.tariff.bands_with_rules
        for tier, place in line.places.items():
            columns[line.schedule.id, *bands[tier][0]], paid[place] = place, bands[tier][1].fixed

    def column(term: Term, labels: Mapping[str, object]) -> int:
        # The last column is of what all candidates pay alike.
        known = columns.get((term.line, labels.get("over"), labels.get("up_to")), count)
        return known if labels.get("rule") == "pays" else count

    means, expected_by_loss, shares = np.zeros(count + 1), 0.0, list[FloatArray]()
    for term, units in zip(run.portfolio.terms, run.process.units, strict=True):
        groups: dict[int, list[Group]] = {}
        for group in term.groups:
            groups.setdefault(column(term, group.labels), []).append(group)
        for place, own in groups.items():
            mean = expected_payment(run, replace(term, groups=tuple(own)))
            means[place] += mean / paid[place]
            expected_by_loss += mean if place == count and term.line in by_loss else 0.0
        shares.append(np.zeros((count + 1, len(units))))  # of each column in the payments of a unit
        for number, unit in enumerate(units):
            for labels in unit.labels:
                place = column(term, labels)
                shares[-1][place, number] += labels.get("share", 1.0) / paid[place]
    *draws, base = _draws_by_column(run, shares)
    accepted = paid_and_accepted(run, policy)[1]
    return CandidateCosts(np.array(draws), means[:-1], base, float(means[-1]), expected_by_loss, accepted)


def _draws_by_column(run: Simulation, shares: Sequence[FloatArray]) -> FloatArray:
    # The payments of each column in each draw over what is paid, (columns, replicates, draws).
    drawn = []
    for block in run.replicates():
        sums = np.zeros((len(shares[0]), len(block.uniforms)))
        for amounts, share in zip(block.amounts, shares, strict=True):
            for place, number in zip(*share.nonzero(), strict=True):
                sums[place] += share[place, number] * amounts[:, number]
        drawn.append(sums)
    return np.stack(drawn, axis=1)


def _check_cost(id_: str, compiled: CompiledLine | None, as_of: date, *, published: bool) -> None:
    if compiled is None:
        remedy = f"Move {either('as_of', '--as-of')} to a later day."
        raise ModelRefused(f"the line was not public by {as_of}", value=id_, remedy=remedy)
    cash = [term for term in compiled.terms if term.valuation == "cash"]
    missing = next((term.missing for term in cash if term.missing), None)
    alike = published and isinstance(compiled.funnel.entries.get("mean_payment"), MeanPayment)
    if alike or any(term.certain for term in cash):
        problem = "the ledger states the total or one mean payment of the line, so payments cannot vary"
        remedy = "Take it out of the ledger, and state a band mix or give claims."
    elif not all(term.has_expected_cost for term in cash):
        problem = "the line has no expected cost, so no policy can be chosen by it"
        remedy = f"The ledger lacks: {missing}." if missing else "See the status of the line in `cost`."
    else:
        return
    raise ModelRefused(problem, value=id_, remedy=remedy)


def expected_payment(run: Simulation, term: Term) -> float:
    """Return the expected payments of a term: in closed form, or from the inputs of all draws."""
    if run.portfolio.has_closed_form(term.valuation):
        return float(expected_at(replace(run.portfolio, terms=(term,)), term.valuation, {})[0])
    return run.mean_payment([term])


def paid_and_accepted(run: Simulation, policy: Policy) -> tuple[float, float]:
    """Return the expected payments and the expected accepted claims of lines that pay by loss band."""
    by_loss = {line.id for line in policy.schedules}
    own = [term for term in run.portfolio.terms if term.line in by_loss]
    people = [term.per_person() for term in own]
    return sum(expected_payment(run, s) for s in own), sum(expected_payment(run, s) for s in people)


def falling_payments(lines: Sequence[VariedLine], candidates: IntArray) -> Flags:
    """Return whether a payment falls at an edge of the loss bands of the varied lines, (candidates,).

    Edges are left out if the payments beside them do not vary, if the claims on one side are reviewed, and if
    the band above is announced to pay nothing, which no candidate changes.
    """
    falls = np.zeros(len(candidates), dtype=bool)
    for line in lines:
        for tier, (edge, rule) in enumerate(zip([0, *line.edges], line.schedule.bands, strict=True)):
            if {tier, tier - 1} & line.places.keys() and (tier in line.places or rule.pays):
                below, above = (line.pays_at(tier - 1 + n, candidates, edge + n) for n in (0, 1))
                falls |= above < below
    return falls


def loss_cuts(parameters: Sequence[Parameter], shown: Sequence[Policy]) -> list[int]:
    """Return the losses at which a payment equals the loss, as far as there is room for them.

    A payment of `fixed + share x loss` replaces losses up to fixed / (1 - share).

    Args:
        parameters: the parameters with the values that are tried.
        shown: the announced policy, which is varied, and further policies.
    """
    if shown[0].loss_unit != shown[0].currency:
        return []
    pairs = {(value, 0) for p in parameters for value in p.values}
    rules = (rule for p in shown for line in p.schedules for _, t in line.tariffs for _, rule in t.rules())
    pairs.update((rule.fixed, rule.share) for rule in rules)
    cuts = {fixed * SHARE_SCALE // (SHARE_SCALE - share) for fixed, share in pairs if share < SHARE_SCALE}
    room = MAX_STEPS - len({cut for each in shown for cut in each.breakpoints})
    return sorted(cut for cut in cuts if cut > 0)[: max(room, 0)]


def _replaced_share(
    policy: Policy, cube: Cube, lines: Sequence[VariedLine], candidates: IntArray
) -> FloatArray | None:
    # The least share of all stated losses that each candidate pays; without `lines`, that the policy pays.
    cells, places = LossCells.from_rows(cube.frame), {x.schedule.id: x.columns_of(cube) for x in lines}
    same = np.zeros((3, len(cube.frame)))  # the fixed payment, the share, and 1 for a review
    for schedule in policy.schedules:
        if cube_fits_line(schedule, cube):
            own = line_payments(schedule, cube)
            unreviewed = np.where(own.reviewed, 0.0, own.formulas[LOW]) / SHARE_SCALE
            alike = places.get(schedule.id, np.array(-1)) < 0  # a varied line adds only what all pay alike
            same += np.vstack([unreviewed, own.reviewed]) * alike
    total, replaced = cells.loss[cells.stated].sum(), np.zeros(len(candidates))
    if not total:
        return None
    none = np.full(len(cube.frame), -1)
    keys, which = np.unique(np.vstack([*places.values(), none]), axis=1, return_inverse=True)
    for number, columns in enumerate(keys.T):  # the claims that the same parameters pay
        mine = which.ravel() == number
        group, paid = cells.where(mine), candidates[:, columns[columns >= 0]].sum(axis=1)
        distinct, back = np.unique(paid, return_inverse=True)
        found = []
        for part in np.array_split(distinct, 1 + len(distinct) * len(group.claims) // CHUNK):
            fixed, share, reviewed = np.repeat(same[:, None, mine], len(part), axis=1)
            paid_part = fixed + part[:, None]
            found.append(replaced_shares(group, paid_part, np.minimum(share, 1), reviewed > 0)[0])
        lost = group.loss[group.stated].sum()
        replaced += np.nan_to_num(np.concatenate(found)[back]) * lost
    return np.asarray(replaced / total)


CubesOf = Callable[[Sequence[Policy], Sequence[int]], Sequence[Cube]]
"""Returns the cubes of the first policy. Their loss bands also end at the edges of the other policies, and at
the given losses."""
MAX_ID, MAX_NAME = 64, 120
SUFFIX = "-solution"
MARKS = {"en": " (solution)", "ko": " (예산 내 최적안)"}


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
        gains, *further = (_significant(self.benefits[name])[kept] for name in ordered)
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
        rules = {(x.id, tier): rule for x in policy.schedules for tier, rule in enumerate(x.bands)}
        stated = [rules.get((p.line, p.tier)) for p in self.parameters]
        fixed = [x.fixed for x in stated if x and not x.review and not x.depends_on_loss]
        return self.text(fixed) if len(fixed) == len(stated) else None

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
    allowed = np.flatnonzero(~falling_payments(tried.lines, tried.values))
    if not len(allowed):
        raise ModelRefused(
            "in every combination a payment falls as the loss grows", remedy="Give more values."
        )
    frontier, at_level = tried.frontier(allowed, by_mean=False)
    line, cost = tried.frontier(allowed, by_mean=True) if by_mean else (frontier, at_level)
    for chosen in map(int, [*line[cost <= request.budget][::-1], line[0]]):
        policy = tried.policy(chosen)
        own = _costs_of(request.simulated(request.portfolio(policy, cubes_of([policy], ()))), request)
        limited = own["expected" if by_mean else "at_level"]
        if feasible := limited.value <= request.budget:
            break
    least = None
    if not feasible:
        unit = 10.0 ** math.floor(math.log10(limited.error)) if 0 < limited.error < math.inf else 0.0
        least = max(limited.value, float(cost[0]))
        least = math.ceil(least / unit) * unit if unit else least
    rows = _frontier_rows(tried, frontier, own, chosen)
    row: dict[str, Any] = {"policy": policy.id, "role": "solution" if feasible else "nearest"}
    table = [row | {"parameters": tried.text(tried.values[chosen])} | tried.gains(chosen) | _rounded(own)]
    for other, role, gains in zip(shown, ["announced", *["named"] * len(named)], gains_of, strict=True):
        row = {"policy": other.id, "role": role, "parameters": tried.stated_text(other)} | gains
        portfolio = request.portfolio(other, cubes_of([other], ()))
        if "cash" in portfolio.valuations:
            run = request.simulated(portfolio)
            paid, accepted = paid_and_accepted(run, other)
            row |= _rounded(_costs_of(run, request)) | ({PER_CLAIM: paid / accepted} if accepted else {})
        table.append(row)
    benefit = _significant(tried.benefits[tried.objective])
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
    parameters = parse_parameters(request.vary, policy, request.step)
    lines = [VariedLine(x, parameters) for x in policy.schedules if any(p.line == x.id for p in parameters)]
    cubes, money = cubes_of([policy], ()), policy.loss_unit == policy.currency
    own_cubes = {x.schedule.id: cube_for(x.schedule, cubes) for x in lines}
    # Benefits per claim and per claimant cannot be added, so the lines must pay the same claims.
    same_claims = bool(cubes) and len({id(x) for x in own_cubes.values()}) == 1
    objective = objective or (REPLACED if money and same_claims else PER_CLAIM)
    costs = candidate_costs(request, lines, cubes)
    smallest = [(p.values or (0,))[0] for p in parameters]

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
    gains: dict[str, FloatArray] = {}
    gains_of: list[dict[str, float]] = [{} for _ in shown]
    if money and cube is not None and (share := _replaced_share(known[0], cube, lines, values)) is not None:
        gains[REPLACED], none = share, np.zeros((1, 0), dtype=np.int64)
        shares = [_replaced_share(each, cube, (), none) for each in known]
        gains_of = [{REPLACED: float(x[0])} for x in shares if x is not None]
    if costs.accepted:
        paid = costs.expected_by_loss + (values * costs.means).sum(axis=1)
        gains[PER_CLAIM] = paid / costs.accepted
    if objective not in gains:
        raise ModelRefused(
            f"{objective} is not known: losses are no money, or nothing says how they are spread",
            value=policy.loss_unit,
            remedy=f"Give claims whose losses are money, or take the objective {PER_CLAIM}.",
        )
    return Candidates(request, parameters, lines, values, costs, gains, objective), cubes, gains_of


def _frontier_rows(
    tried: Candidates, frontier: IntArray, own: Mapping[str, Estimate], chosen: int
) -> list[dict[str, Any]]:
    # The costs come from the draws that all candidates share; their errors, relative to the cost, from the
    # simulation of the chosen candidate.
    values, level = tried.values[frontier], tried.request.quantile_level
    over = [rows for x in tried.costs.totals(values) for rows in (x > tried.request.budget).mean(axis=2)]
    amounts = {
        "expected": tried.costs.on_average.quantiles(values, level),
        "at_level": tried.costs.quantiles(values, level),
    }
    found = []
    for place, (candidate, chance) in enumerate(zip(frontier.tolist(), over, strict=True)):
        costs = {"over_budget": replicate_mean(chance)}
        for name, values_ in amounts.items():
            error = own[name].error / own[name].value if own[name].value else 0.0
            costs[name] = Estimate(float(values_[place]), float(values_[place] * error))
        text = tried.text(tried.values[candidate])
        shown = own if candidate == chosen else costs
        found.append({"parameters": text, **tried.gains(candidate), **_rounded(shown)})
    return found


def _costs_of(run: Simulation, request: SearchRequest) -> dict[str, Estimate]:
    total = run.totals["cash"]
    return {
        "expected": expected_estimate(run, "cash"),
        "at_level": total.quantile(request.quantile_level),
        "over_budget": total.exceedance(request.budget),
    }


def _rounded(costs: Mapping[str, Estimate]) -> dict[str, float]:
    return {name: rounded_probability(estimate).value for name, estimate in costs.items()}


def _significant(values: FloatArray) -> FloatArray:
    # Values that differ only by rounding become equal.
    return pl.Series(values, dtype=pl.Float64).round_sig_figs(TABLE_DIGITS).to_numpy()
