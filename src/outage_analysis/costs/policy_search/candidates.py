"""What each candidate pays, costs and gives. A candidate is one combination of values of the parameters.

The losses of a varied line are divided into intervals that end at every upper edge that is tried. So each
candidate pays each interval by one formula, and the accepted claims of an interval, the sum of their losses
and the sum of their awards are the same for all candidates. They are drawn once. A candidate costs, in each
draw,

    base + sum over intervals of (fixed x claims + share x losses + awards if reviewed)

What claimants get is exact if the cube has an edge at each loss that a payment replaces exactly; `loss_cuts`
returns these edges. Otherwise it is guaranteed: the true value is at least as good.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
import polars as pl

from outage_analysis.assumptions import FloatArray, Ledger, MeanPayment
from outage_analysis.costs.claim_payments import cube_fits_line, cube_for, rows_with_formula
from outage_analysis.costs.comparison.benefits import LOW, Flags, LossCells, line_payments, measure_benefits
from outage_analysis.costs.comparison.compare_policies import shared_runs
from outage_analysis.costs.compile_lines import compiled_lines
from outage_analysis.costs.expected import Portfolio, build_portfolio, expected_at, ledger_for_policy
from outage_analysis.costs.policy_search.parameters import Parameter, Vary
from outage_analysis.costs.simulation import Simulation, quantile_place, simulate
from outage_analysis.costs.terms import Term
from outage_analysis.errors import ModelRefused, either
from outage_analysis.files import validated_copy
from outage_analysis.losses import Cube
from outage_analysis.policies import MAX_STEPS, SHARE_SCALE, Policy, Rule, RuleBand, Schedule, Tariff

IntArray = npt.NDArray[np.int64]
FIXED, SHARE, REVIEWED = PARTS = range(3)
"""The parts of a payment: a fixed amount, a share of the loss, and 1 if the award of a review is paid."""
REPLACED, MADE_WHOLE, SHORTFALL, PER_CLAIM = "replaced", "made_whole", "shortfall", "per_claim"
OBJECTIVES = (REPLACED, MADE_WHOLE, SHORTFALL, PER_CLAIM)
"""What a search can maximise; of the shortfall it takes the smallest."""
USUAL_LEVEL = 0.9
"""The frontier compares P90 if the budget limits the expected cost."""
CHUNK = 2**19
"""At most about this many totals, or payments to cells of claims, are computed at once."""


class VariedLine:
    """A cost line that pays by loss band, with its varied parameters.

    Attributes:
        schedule: the cost line as announced.
        places: (tier, kind of parameter) -> the column of the table of candidates with its values.
        possible_cuts: the largest losses that each tier except the last can have, in increasing order.
        edges: the largest loss of each interval except the last, in increasing order.
        used: whether some candidate pays the fixed amount, the share or the award in an interval of losses,
            (intervals, parts). An interval that all candidates pay as announced uses no part.
        usual: a payment above 0 for each interval: as announced, where that is a fixed payment.
    """

    def __init__(self, schedule: Schedule, parameters: Sequence[Parameter]) -> None:
        self.schedule, self._shift = schedule, schedule.tariff.shift
        self.places = {(p.tier, p.kind): n for n, p in enumerate(parameters) if p.line == schedule.id}
        stated = [(rule.up_to or 0) - self._shift for rule in schedule.bands[:-1]]
        self.possible_cuts = [
            [x - self._shift for x in parameters[self.places[tier, "up_to"]].values]
            if (tier, "up_to") in self.places
            else [cut]
            for tier, cut in enumerate(stated)
        ]
        lows = [0, *(cuts[0] for cuts in self.possible_cuts)]
        highs = [*(cuts[-1] for cuts in self.possible_cuts), None]
        # The announced rule of each tier that does not vary, for all losses that the tier can contain.
        self._tariffs: dict[int, Tariff] = {}
        for tier, (rule, over, up_to) in enumerate(zip(schedule.bands, lows, highs, strict=True)):
            if not self.is_varied(tier):
                widest = rule.model_copy(update={"over": over, "up_to": up_to})
                self._tariffs[tier] = Tariff((widest,), Rule(), None, 0, schedule.rounding)
        jumps = {cut for tariff in self._tariffs.values() for cut in tariff.cuts}
        cuts = [{own, *possible} for own, possible in zip(stated, self.possible_cuts, strict=True)]
        moved = {jump for jump in jumps if any(min(c) < jump < max(c) for c in cuts)}
        self.edges = sorted(cut for cut in moved.union(*cuts) if cut > 0)
        # The parts of the announced payment, (tiers, intervals, parts): not a number where a tier contains no
        # candidate. In a varied tier, a part is 1 if candidates pay it.
        self._announced = np.full((len(lows), len(self.edges) + 1, len(PARTS)), np.nan)
        tiers, intervals = zip(lows, highs, strict=True), list(pairwise([0, *self.edges, None]))
        for (tier, (low, high)), (place, band) in product(enumerate(tiers), enumerate(intervals)):
            first, last = band
            if (first or 0) < low or (high is not None and (last is None or last > high)):
                continue
            if self.is_varied(tier):
                parts: tuple[float, ...] = (1, (tier, "share") in self.places, 0)
            else:
                formula = self._tariffs[tier].formula(band)
                parts = (0, 0, 1) if formula is None else (*(x / SHARE_SCALE for x in formula), 0)
            self._announced[tier, place] = parts
        reached = ~np.isnan(self._announced[:, :, FIXED])
        self._stated = np.searchsorted(stated, [*self.edges, np.inf])
        varied = [self.is_varied(tier) for tier in range(len(lows))]
        alike = (reached.sum(axis=0) == 1) & ~reached[varied].any(axis=0)
        alike &= reached[self._stated, np.arange(len(self._stated))]
        self.used: Flags = (np.nan_to_num(self._announced) != 0).any(axis=0)
        self.used[:, FIXED] = True
        self.used &= ~alike[:, None]
        most = max((band.fixed for band in schedule.bands if band.fixed), default=1)
        self.usual = [schedule.bands[tier].fixed or most for tier in self._stated]

    def is_varied(self, tier: int) -> bool:
        """Whether the payment or the share of a tier varies, so that its announced rule does not apply."""
        return (tier, "payment") in self.places or (tier, "share") in self.places

    def paid_alike(self, share: int) -> Schedule:
        """Return the line as announced, with the usual payment times 0 or 1 in each interval that varies."""
        rules = [
            RuleBand(over=0, fixed=usual * share) if used.any() else self.schedule.bands[tier]
            for tier, usual, used in zip(self._stated, self.usual, self.used, strict=True)
        ]
        return self._with_rules(rules)

    def paid_apart(self, interval: int, part: int) -> Schedule:
        """Return the line so that it pays only the usual payment, the losses or the awards of an interval."""
        paid = ({"fixed": self.usual[interval]}, {"share": 1.0}, {"review": True})[part]
        rules = [RuleBand(over=0, **(paid if n == interval else {})) for n in range(len(self.used))]
        unpaid = [x.model_copy(update={"bands": (RuleBand(over=0),)}) for x in self.schedule.segments]
        return self._with_rules(rules, segments=tuple(unpaid), zero=Rule(), unknown=Rule(), rounding=None)

    def _with_rules(self, rules: Sequence[RuleBand], **changes: object) -> Schedule:
        written = [edge + self._shift for edge in self.edges]
        ends = zip(rules, (0, *written), (*written, None), strict=True)
        bands = [rule.model_copy(update={"over": over, "up_to": up_to}) for rule, over, up_to in ends]
        return validated_copy(self.schedule, bands=tuple(bands), **changes)

    def intervals_in(self, cube: Cube) -> IntArray:
        """Return the place of the interval of each row of a cube, (rows,).

        It is -1 for claims that all candidates pay as announced.

        Raises:
            ModelRefused: a loss band of the cube spans an edge that is tried.
        """
        mine = pl.col("entitled") & (pl.col("tariff") == len(self.schedule.tariffs) - 1)
        mine &= (pl.col("claims") > 0) & (pl.col("over") >= 0)
        mine &= pl.col("up_to").is_null() | (pl.col("up_to") > 0)
        found = []
        rows = rows_with_formula(cube, self.schedule).select("over", "up_to", mine)
        for over, up_to, counted in rows.iter_rows():
            place = bisect_right(self.edges, over) if counted else 0
            if counted and place < len(self.edges) and (up_to is None or self.edges[place] < up_to):
                raise ModelRefused(
                    f"a loss band of the claims spans the edge {self.edges[place]:,} that is tried",
                    value=f"({over}, {up_to}]",
                    remedy="Thresholds need claims, or counts by band that end at each of them.",
                )
            found.append(place if counted and self.used[place].any() else -1)
        return np.array(found, dtype=np.int64)

    def cuts_of(self, candidates: IntArray) -> FloatArray:
        """Return the largest loss of each tier except the last, (candidates, tiers - 1)."""
        written = [cuts[0] + self._shift for cuts in self.possible_cuts]
        cuts = [self._values(tier, "up_to", candidates, edge) for tier, edge in enumerate(written)]
        return np.array(cuts).reshape(len(cuts), len(candidates)).T - self._shift

    def _values(self, tier: int, kind: str, candidates: IntArray, otherwise: float) -> FloatArray:
        # The values of a parameter, (candidates,), or another value if it does not vary.
        place = self.places.get((tier, kind))
        return np.full(len(candidates), otherwise) if place is None else candidates[:, place].astype(float)

    def _varied_rule(self, tier: int, candidates: IntArray) -> tuple[FloatArray, FloatArray]:
        # The fixed payment and the share in ten-thousandths in a varied tier, each (candidates,). A varied
        # payment replaces the announced rule; if only the share varies, the announced fixed payment remains.
        fixed = self._values(tier, "payment", candidates, float(self.schedule.bands[tier].fixed))
        return fixed, self._values(tier, "share", candidates, 0.0)

    def payments(self, candidates: IntArray) -> FloatArray:
        """Return the parts of what candidates pay in each interval, (candidates, intervals, parts).

        They are 0 in an interval that all candidates pay as announced.
        """
        tiers = (self.cuts_of(candidates)[:, :, None] < np.array([*self.edges, np.inf])).sum(axis=1)
        found: FloatArray = self._announced[tiers, np.arange(tiers.shape[1])] * self.used
        for tier in filter(self.is_varied, range(len(self.schedule.bands))):
            fixed, share = self._varied_rule(tier, candidates)
            rows, columns = np.nonzero(tiers == tier)
            found[rows, columns, FIXED], found[rows, columns, SHARE] = fixed[rows], share[rows] / SHARE_SCALE
        return found

    def pays_at(self, tier: int, candidates: IntArray, losses: FloatArray) -> FloatArray:
        """Return what candidates pay for one loss each, if the loss is in a tier, (candidates,).

        The result is in ten-thousandths of the smallest unit; it is not a number if the claim is reviewed.
        """
        if self.is_varied(tier):
            fixed, share = self._varied_rule(tier, candidates)
            return np.asarray(fixed * SHARE_SCALE + share * losses)
        distinct, which = np.unique(losses, return_inverse=True)
        paid = [self._tariffs[tier].pay(int(loss)) for loss in distinct]
        return np.array([np.nan if x is None else float(x * SHARE_SCALE) for x in paid])[which]

    def with_values(self, values: Sequence[int]) -> Schedule:
        """Return the cost line with one value per parameter. A changed band cites no facts."""
        row = np.array([values], dtype=np.int64)
        bands, over = [], 0
        for tier, rule in enumerate(self.schedule.bands):
            place = self.places.get((tier, "up_to"))
            up_to = rule.up_to if place is None else int(values[place])
            band = rule.model_copy(update={"over": over, "up_to": up_to, "facts": ()})
            if self.is_varied(tier):
                fixed, share = (int(x[0]) for x in self._varied_rule(tier, row))
                band = RuleBand(over=over, up_to=up_to, fixed=fixed, share=share / SHARE_SCALE)  # type: ignore[arg-type]
            bands.append(rule if band == rule.model_copy(update={"facts": ()}) else band)
            over = up_to or 0
        return validated_copy(self.schedule, bands=tuple(bands))


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
        max_cliff: the largest jump of the payment at an edge of a loss band; by default without limit.
        with_handling: whether the cost of handling claims belongs to the total.
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
    max_cliff: int | None = None
    with_handling: bool = False

    @property
    def quantile_level(self) -> float:
        """The probability of the quantile by which the frontier compares costs."""
        return USUAL_LEVEL if self.level is None else self.level

    def portfolio(self, policy: Policy, cubes: Sequence[Cube]) -> Portfolio:
        """Return the terms of a policy, from cubes of claims or from published counts.

        Raises:
            ModelRefused: handling counts, and the ledger does not state its cost.
        """
        ledger = ledger_for_policy(self.ledger, policy)
        found = build_portfolio(policy, ledger, as_of=self.as_of, cubes=cubes)
        if not self.with_handling:
            return found
        published = build_portfolio(policy, ledger, as_of=self.as_of) if cubes else found
        handling = [term for term in published.terms if term.valuation == "handling"]
        if not handling:
            raise ModelRefused(
                "the ledger states no cost of handling, so it cannot be counted",
                remedy=f"Leave {either('handling', '--handling')} out, or add an assumption of the kind "
                "`handling`.",
            )
        rest = [term for term in found.terms if term.valuation != "handling"]
        entries = {**found.entries, **published.entries}
        declared = self.ledger.as_known_on(self.as_of).correlations if self.ledger else ()
        return replace(
            found,
            terms=(*rest, *handling),
            entries={name: entries[name] for name in sorted(entries)},
            correlations={c.of: c.rank for c in declared if set(c.of) <= entries.keys()},
        )

    def simulated(self, portfolio: Portfolio) -> Simulation:
        """Return the simulation of a run, with only the payments that count against the budget."""
        return self._counted(simulate(portfolio, draws=self.draws, seed=self.seed))

    def _counted(self, run: Simulation) -> Simulation:
        valuations = ("cash", "handling") if self.with_handling else ("cash",)
        return run.with_terms(lambda term: term.valuation in valuations)

    def candidates(self, lines: Sequence[VariedLine], cubes: Sequence[Cube]) -> CandidateCosts:
        """Draw what the costs of all candidates are computed from.

        Policies that are simulated together accept the same claims. So one policy pays what all candidates
        pay alike, and one policy per column pays the claims, losses or awards of the column.

        Args:
            lines: the varied lines.
            cubes: cubes of claims with an edge at every edge of the lines; empty for published counts.

        Raises:
            ModelRefused: a varied line has no expected cost, or its payments do not follow from the policy.
        """
        policy = self.policy
        for line in lines:
            self._check_cost(policy.model_copy(update={"lines": (line.paid_alike(1),)}), cubes)
        portfolios, usual = {}, [1]
        for name, share in (("base", 0), ("usual", 1)):
            alike = {line.schedule.id: line.paid_alike(share) for line in lines}
            own = policy.model_copy(update={"lines": tuple(alike.get(x.id, x) for x in policy.lines)})
            portfolios[name] = self.portfolio(own, cubes)
        for line in lines:
            cube = cube_for(line.schedule, cubes)
            intervals = np.zeros(0) if cube is None else line.intervals_in(cube)
            for interval, part in np.argwhere(line.used).tolist():
                own = policy.model_copy(update={"lines": (line.paid_apart(interval, part),)})
                portfolio = build_portfolio(
                    own, ledger_for_policy(self.ledger, own), as_of=self.as_of, cubes=cubes
                )
                if not portfolio.terms and (intervals == interval).any():
                    raise ModelRefused(
                        "claims are reviewed, and the ledger states no mean award of a review",
                        value=line.schedule.id,
                        remedy="Add an assumption of the kind `review_award`.",
                    )
                portfolios[f"{line.schedule.id} {interval} {part}"] = portfolio
                usual.append(line.usual[interval] if part == FIXED else 1)
        found = shared_runs(portfolios, self.ledger, self.as_of, self.draws, self.seed)
        found.pop("usual")  # it makes the draws those of the announced policy, because it weighs them alike
        runs = [run.with_terms(lambda term: term.valuation == "cash") for run in found.values()]
        runs[0] = self._counted(found["base"])
        terms = [term for run in runs for term in run.portfolio.terms]
        columns = [n for n, run in enumerate(runs) for _ in run.portfolio.terms]
        engine = replace(
            runs[0],
            portfolio=replace(runs[0].portfolio, terms=tuple(terms)),
            process=replace(runs[0].process, units=tuple(x for run in runs for x in run.process.units)),
            draws=self.draws,  # a simulation of few claims would take 16 times as many
        )
        drawn, means = [], np.zeros(len(runs))
        for column, term in zip(columns, terms, strict=True):
            means[column] += expected_payment(engine, term) / usual[column]
        for block in engine.replicates():
            sums = np.zeros((len(runs), len(block.uniforms)))
            for column, amounts in zip(columns, block.amounts, strict=True):
                sums[column] += amounts.sum(axis=1) / usual[column]
            drawn.append(sums)
        base, *draws = np.stack(drawn, axis=1)
        return CandidateCosts(
            lines,
            np.array(draws),
            means[1:],
            base,
            float(means[0]),
            *paid_and_accepted(engine, runs[0].portfolio.terms, policy),
        )

    def _check_cost(self, policy: Policy, cubes: Sequence[Cube]) -> None:
        (line,), ledger = policy.lines, ledger_for_policy(self.ledger, policy)
        compiled = [*compiled_lines(policy, ledger, as_of=self.as_of, cubes=cubes)]
        cash = [term for one in compiled for term in one.terms if term.valuation == "cash"]
        missing = next((term.missing for term in cash if term.missing), None)
        if not compiled:
            problem, remedy = (
                f"the line was not public by {self.as_of}",
                f"Move {either('as_of', '--as-of')} to a later day.",
            )
        elif not cubes and isinstance(compiled[0].funnel.entries.get("mean_payment"), MeanPayment):
            problem = "the ledger states one mean payment for all loss bands, so payments cannot vary"
            remedy = "Replace the mean payment by a band mix, or give claims."
        elif any(term.certain for term in cash):
            problem = "the ledger states the total of the line, so payments cannot vary"
            remedy = "Take the total out of the ledger."
        elif not any(term.has_expected_cost for term in cash):
            problem = "the line has no expected cost, so no policy can be chosen by it"
            remedy = f"The ledger lacks: {missing}." if missing else "See the status of the line in `cost`."
        else:
            return
        raise ModelRefused(problem, value=line.id, remedy=remedy)


@dataclass(frozen=True, eq=False)
class CandidateCosts:
    """The cost of each candidate: what it pays, times what is paid for.

    The columns are the parts of the payment in each interval of each line.

    Args:
        lines: the varied lines.
        draws: the claims, losses or awards of each column in each draw, (columns, replicates, draws).
        means: their expected values, (columns,).
        base: what all candidates pay alike in each draw, and handling if it counts, (replicates, draws).
        expected_base: its expected value.
        expected_by_loss: its expected value in lines that pay by loss band.
        accepted: the expected number of accepted claims of all lines that pay by loss band.
    """

    lines: Sequence[VariedLine]
    draws: FloatArray
    means: FloatArray
    base: FloatArray
    expected_base: float
    expected_by_loss: float
    accepted: float

    def payments(self, candidates: IntArray) -> FloatArray:
        """Return what candidates pay per claim, loss or award of each column, (candidates, columns)."""
        return np.concatenate([line.payments(candidates)[:, line.used] for line in self.lines], axis=1)

    @property
    def on_average(self) -> CandidateCosts:
        """The costs with one draw, in which everything has its expected value."""
        return replace(self, draws=self.means[:, None, None], base=np.full((1, 1), self.expected_base))

    def per_claim(self, payments: FloatArray) -> FloatArray | None:
        """Return the mean payment per accepted claim, (candidates,), of lines that pay by loss band.

        It is None if no claim is accepted.
        """
        paid = self.expected_by_loss + (payments * self.means).sum(axis=1)
        return paid / self.accepted if self.accepted else None

    def totals(self, payments: FloatArray) -> Iterator[FloatArray]:
        """Yield the costs of candidates in each draw, (candidates, replicates, draws), for some at a time."""
        rows = max(1, CHUNK // self.base.size)
        for first in range(0, len(payments), rows):
            part = payments[first : first + rows]
            total = np.broadcast_to(self.base, (len(part), *self.base.shape)).copy()
            # A matrix product may have other last digits with other numbers of threads.
            for paid, drawn in zip(part.T, self.draws, strict=True):
                if paid.any():
                    total += paid[:, None, None] * drawn
            yield total

    def quantiles(self, payments: FloatArray, level: float) -> FloatArray:
        """Return a quantile of the costs of candidates, (candidates,)."""
        place = quantile_place(level, self.base.size)
        totals = (total.reshape(len(total), -1) for total in self.totals(payments))
        return np.concatenate([np.empty(0), *(np.partition(x, place, axis=1)[:, place] for x in totals)])


def expected_payment(run: Simulation, term: Term) -> float:
    """Return the expected payments of a term: in closed form, or from the inputs of all draws."""
    if run.portfolio.has_closed_form(term.valuation):
        return float(expected_at(replace(run.portfolio, terms=(term,)), term.valuation, {})[0])
    return run.mean_payment([term])


def paid_and_accepted(run: Simulation, terms: Sequence[Term], policy: Policy) -> tuple[float, float]:
    """Return the expected payments and the expected accepted claims of lines that pay by loss band."""
    by_loss = {line.id for line in policy.schedules}
    own = [s for s in terms if s.valuation == "cash" and s.line in by_loss]
    people = [term.per_person() for term in own]
    return sum(expected_payment(run, s) for s in own), sum(expected_payment(run, s) for s in people)


def ordered_edges(lines: Sequence[VariedLine], candidates: IntArray) -> Flags:
    """Return whether the upper edges of each candidate increase, (candidates,)."""
    steps = np.concatenate([np.diff(x.cuts_of(candidates), axis=1, prepend=0) for x in lines], axis=1)
    return np.asarray((steps > 0).all(axis=1))


def payment_jumps(lines: Sequence[VariedLine], candidates: IntArray) -> tuple[FloatArray, Flags]:
    """Return how the payments of candidates jump at the edges of the loss bands of the varied lines.

    The first jump is from a loss of zero to the smallest loss. Edges are left out if neither they nor the
    payments beside them vary, if the claims on one side are reviewed, and if the band above is announced to
    pay nothing, which no candidate changes.

    Returns:
        The largest jump upwards, in the smallest unit of the currency, and whether a payment falls at an
        edge, each (candidates,).
    """
    largest, falls = np.zeros(len(candidates)), np.zeros(len(candidates), dtype=bool)
    for line in lines:
        cuts, zero = line.cuts_of(candidates), line.schedule.tariff.pay(0)
        below = np.full(len(candidates), np.nan if zero is None else float(zero * SHARE_SCALE))
        for tier, rule in enumerate(line.schedule.bands):
            edge = cuts[:, tier - 1] if tier else np.zeros(len(candidates))
            below = line.pays_at(tier - 1, candidates, edge) if tier else below
            jump = np.nan_to_num(line.pays_at(tier, candidates, edge + 1) - below) / SHARE_SCALE
            around = line.is_varied(tier) or line.is_varied(tier - 1) or (tier - 1, "up_to") in line.places
            if around and (line.is_varied(tier) or rule.pays):
                largest, falls = np.maximum(largest, jump), falls | (jump < 0)
    return largest, falls


def largest_shortfall(lines: Sequence[VariedLine], candidates: IntArray) -> FloatArray | None:
    """Return the largest shortfall at the upper edges of the loss bands, (candidates,), without any claims.

    Returns:
        None if a band without an upper edge is paid by a rule, so that the shortfall has no limit.
    """
    worst = np.zeros(len(candidates))
    for line in lines:
        cuts, tiers = line.cuts_of(candidates), len(line.possible_cuts)
        if not np.isnan(line.pays_at(tiers, candidates, np.ones(len(candidates)))).all():
            return None
        for tier in range(tiers):
            paid = line.pays_at(tier, candidates, cuts[:, tier]) / SHARE_SCALE
            worst = np.maximum(worst, np.nan_to_num(cuts[:, tier] - paid, nan=0.0))
    return worst


def loss_cuts(parameters: Sequence[Parameter], shown: Sequence[Policy]) -> list[int]:
    """Return the losses at which a payment equals the loss, as far as there is room for them.

    A payment of `fixed + share x loss` replaces losses up to fixed / (1 - share).

    Args:
        parameters: the parameters with the values that are tried.
        shown: the announced policy, which is varied, and further policies.
    """
    if shown[0].loss_unit != shown[0].currency:
        return []
    pairs: set[tuple[int, int]] = set()
    for line in shown[0].schedules:
        tried = {(p.tier, p.kind): p.values for p in parameters if p.line == line.id}
        for tier, band in enumerate(line.bands):
            shares = tried.get((tier, "share"), (0,))
            pairs.update(product(tried.get((tier, "payment"), (band.fixed,)), shares))
    rules = (rule for p in shown for line in p.schedules for _, t in line.tariffs for _, rule in t.rules())
    pairs.update((rule.fixed, rule.share) for rule in rules)
    cuts = {fixed * SHARE_SCALE // (SHARE_SCALE - share) for fixed, share in pairs if share < SHARE_SCALE}
    room = MAX_STEPS - len({cut for each in shown for cut in each.breakpoints})
    return sorted(cut for cut in cuts if cut > 0)[: max(room, 0)]


def shown_benefits(
    policies: Sequence[Policy],
    cube: Cube | None,
    lines: Sequence[VariedLine],
    candidates: IntArray,
    *,
    with_claims: bool,
) -> list[dict[str, FloatArray]]:
    """Return what claimants get under all candidates, and then under each policy, by objective.

    The replaced share is of the losses of all claims; the shortfall is of claims that some policy entitles.

    Args:
        policies: the announced policy, which is varied, and further policies.
        cube: the cube of claims, or of the claimants of the one varied line; None if it is not known which
            claims the varied lines pay together.
        lines: the varied lines.
        candidates: the values of each candidate, (candidates, parameters).
        with_claims: whether there are claims; without, only the largest shortfall may be known.

    Returns:
        One dictionary for the candidates and one per policy; arrays are (candidates,) or (1,).
    """
    known: list[dict[str, FloatArray]] = [{} for _ in ("candidates", *policies)]
    if policies[0].loss_unit != policies[0].currency or (with_claims and cube is None):
        return known
    none = np.zeros((1, 0), dtype=np.int64)
    if cube is None:
        same = [[policy.schedule(line.schedule.id) for line in lines] for policy in policies]
        stated = [[VariedLine(x, ()) for x in own if x] for own in same]
        lacking = [largest_shortfall(lines, candidates)]
        lacking += [largest_shortfall(x, none) if len(x) == len(lines) else None for x in stated]
        return [{} if x is None else {SHORTFALL: x} for x in lacking]
    paid = [line_payments(x, cube) for p in policies for x in p.schedules if cube_fits_line(x, cube)]
    entitled = np.zeros(len(cube.frame), dtype=bool)
    for own in paid:
        entitled |= np.array([bool(rules) for rules in own.rules], dtype=bool)
    varied = _claim_benefits(policies[0], cube, entitled, lines, candidates)
    return [varied, *(_claim_benefits(policy, cube, entitled, (), none) for policy in policies)]


def _claim_benefits(
    policy: Policy, cube: Cube, entitled: Flags, lines: Sequence[VariedLine], candidates: IntArray
) -> dict[str, FloatArray]:
    # The benefits of all candidates or, without lines, of a policy.
    cells, places = LossCells.from_rows(cube.frame), [line.intervals_in(cube) for line in lines]
    payments = [line.payments(candidates) for line in lines]
    same = np.zeros((len(PARTS), len(cube.frame)))
    for schedule in policy.schedules:
        if cube_fits_line(schedule, cube):
            varied = [x for line, x in zip(lines, places, strict=True) if line.schedule.id == schedule.id]
            alike = (np.array(varied) < 0).all(axis=0)  # a varied line adds only what all pay alike
            own = line_payments(schedule, cube)
            unreviewed = np.where(own.reviewed, 0.0, own.formulas[LOW]) / SHARE_SCALE
            same += np.vstack([unreviewed, own.reviewed]) * alike
    total, count = cells.loss[cells.stated].sum(), len(candidates)
    if not total:
        return {}
    replaced, whole, shortfall = np.zeros((3, count))
    keys, which = np.unique(np.vstack([*places, entitled]), axis=1, return_inverse=True)
    for number, (*intervals, counted) in enumerate(keys.T):  # the claims of the same intervals
        mine = which.ravel() == number
        group = cells.where(mine)
        paid = [x[:, place] for x, place in zip(payments, intervals, strict=True) if place >= 0]
        distinct, back = np.unique(sum(paid, np.zeros((count, 3))), axis=0, return_inverse=True)
        found = []
        for part in np.array_split(distinct, 1 + len(distinct) * len(group.claims) // CHUNK):
            fixed, share, reviewed = same[:, None, mine] + part.T[:, :, None]
            found.append(measure_benefits(group, fixed, np.minimum(share, 1.0), reviewed > 0))
        share_paid, full, lacking = (
            np.concatenate([x[name] for x in found])[back.ravel()]
            for name in ("replaced_low", "made_whole_low", "largest_shortfall")
        )
        replaced += np.nan_to_num(share_paid) * group.loss[group.stated].sum()
        whole, shortfall = whole + full, np.maximum(shortfall, lacking * counted)
    return {REPLACED: replaced / total, MADE_WHOLE: whole, SHORTFALL: shortfall}
