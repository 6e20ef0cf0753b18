"""Terms: what every cost line is compiled to. The expected cost, the draws and everything else evaluate them.

term = count x named factors x payment per loss band

The factors of a count of reports are a funnel: the shares that are entitled, file and are accepted. The
inputs are independent, so the expected cost is the product of the means of the inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, reduce
from typing import Any, NamedTuple

import numpy as np

from outage_analysis.assumptions import Assumption, BandMix, FloatArray, Ledger, Range, RateAssumption
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import Band, Fact, get_fact
from outage_analysis.losses import Cube
from outage_analysis.policies import CostLine, Policy, Schedule, contains_integer
from outage_analysis.text import ShortRepr


@dataclass(frozen=True)
class Input:
    """One input of the funnel, such as a rate or a payment, with its bounds.

    `low` and `high` bound the mean of the input, and so the expected cost. `expected` is the mean; it is None
    if the ledger states none. `most` is the largest value that the input can take, and so bounds the total
    cost. None in `high` or `most` means that there is no limit.
    """

    low: float
    expected: float | None
    high: float | None
    most: float | None
    assumption: str = ""

    @classmethod
    def from_range(cls, values: Range, most: float | None, assumption: str = "") -> Input:
        """Build an input from the range that an assumption states."""
        return cls(values.low, values.expected, values.high, most, assumption)

    @classmethod
    def certain(cls, value: float) -> Input:
        """Build an input whose bounds and mean are one known value."""
        return cls(*4 * (value,))

    def __mul__(self, other: Input) -> Input:
        """Multiply two independent, non-negative inputs."""
        return Input(
            self.low * other.low,
            product_or_none(self.expected, other.expected),
            product_or_none(self.high, other.high),
            product_or_none(self.most, other.most),
            join_ids(self.assumption, other.assumption),
        )

    def __add__(self, other: Input) -> Input:
        """Add the means, the bounds and the largest values of two inputs."""
        return Input(
            self.low + other.low,
            sum_or_none(self.expected, other.expected),
            sum_or_none(self.high, other.high),
            sum_or_none(self.most, other.most),
            join_ids(self.assumption, other.assumption),
        )


ALL_PASS = Input.certain(1.0)
"""The share of a stage that every claim passes."""


RATES = ("filing_share", "acceptance")
"""The kinds of rate that claims pass, in order."""
REPORT_RATES = ("claimant_share", "entitled_share", *RATES)
"""The kinds of rate that reports pass, in order."""
IF_NOT_STATED = {
    **dict.fromkeys(("ultimate", "exposure", "claimant_share", "entitled_share"), ALL_PASS),
    "review_award": Input(0.0, None, None, None),
}
"""Kind of assumption -> the input of the funnel if the ledger does not state it."""


def rates_from(decision: str) -> tuple[str, ...]:
    """Return the kinds of rate that claims have yet to pass which have come so far."""
    return RATES[{"complaint": 0, "filed": 1}.get(decision, len(RATES)) :]


def product_or_none(*factors: float | None) -> float | None:
    """Return the product of the factors, or None if a factor is unknown."""
    return None if None in factors else math.prod(x for x in factors if x is not None)


def sum_or_none(*parts: float | None) -> float | None:
    """Return the sum of the parts, or None if a part is unknown."""
    return None if None in parts else sum(x for x in parts if x is not None)


@dataclass(frozen=True)
class FunnelFactor:
    """A factor by which the funnel multiplies a count: an assumption of the ledger or a constant."""

    mean: Input
    """The value with its bounds, and the id of the assumption that states it."""
    kind: str = ""
    """The kind of assumption that states it, such as `acceptance`; empty if none can."""
    scale: bool = False
    """Whether it multiplies the number of trials; otherwise it is the chance that a trial passes."""
    rate: RateAssumption | None = None
    """The rate whose distribution gives the mean below a cap; needed only for a term with a capacity."""


def product_of_factors(factors: Iterable[FunnelFactor]) -> Input:
    """Return the product of the factors: the expected number that passes all stages, per trial."""
    return reduce(Input.__mul__, (factor.mean for factor in factors), ALL_PASS)


@dataclass(frozen=True)
class Funnel:
    """The funnel of one cost line under one ledger, as known on one day."""

    entries: Mapping[str, Assumption]
    """The assumptions that apply to the line, by kind."""
    inputs: Mapping[str, Input]
    """The inputs by kind of assumption; `mean_payment` and `realised_ratio` only if they are stated."""
    mix: dict[Band, float]
    """Expected share of reports in each positive loss band; empty if the ledger states none."""
    mix_assumption: str
    """The id of the assumption that states the mix; empty if there is none."""

    def factor(self, kind: str, *, scale: bool = False) -> FunnelFactor:
        """Return the factor that an input of the funnel is."""
        return FunnelFactor(self.inputs[kind], kind, scale=scale)

    def factors(self, *rates: str) -> tuple[FunnelFactor, ...]:
        """The factors that turn a count so far into paid claims, including those still to come.

        They are the scales of the count itself (reports still to come, and people per counted unit if
        stated), and then the rates that the counted have yet to pass.
        """
        stated = ("ultimate", "exposure") if "exposure" in self.entries else ("ultimate",)
        return (*(self.factor(kind, scale=True) for kind in stated), *map(self.factor, rates))

    def missing(self, *, review: bool, mix: bool, rates: Collection[str] = RATES) -> str:
        """Return the kinds of input that the expected cost of a schedule needs and the ledger lacks.

        Args:
            review: whether the schedule has a band under review, which needs a mean award.
            mix: whether the expected cost needs the shares of the loss bands.
            rates: the kinds of rate that it needs.

        Returns:
            The kinds, separated by spaces; empty if nothing is missing.
        """
        by_band = "mean_payment" not in self.inputs
        needed = (*rates, "review_award") if review and by_band else rates
        absent = [kind for kind in needed if self.inputs[kind].expected is None]
        return " ".join([*absent, "band_mix"] if mix and not self.mix and by_band else absent)


def build_funnel(line: CostLine, ledger: Ledger | None, as_of: date) -> Funnel:
    """Build the funnel of a cost line from the assumptions that were public by a day.

    An input that the ledger does not state has no effect (such as a factor of 1), or bounds without a mean.

    Raises:
        ModelRefused: an assumption updates a rate with observed counts that were not yet final on `as_of`.
    """
    effort = line.effort_on(as_of)
    entries = assumptions_in_force(ledger and ledger.as_known_on(as_of), line, day=as_of)
    for entry in entries.values():
        if isinstance(entry, RateAssumption) and (refusal := entry.interim_error(line.closes_on(as_of))):
            raise refusal
    unknown = ALL_PASS if effort == "automatic" else Input(0.0, None, 1.0, 1.0)
    inputs = IF_NOT_STATED | dict.fromkeys((*RATES, "take_up"), unknown)
    for name, stated in entries.items():
        if not isinstance(stated, BandMix):
            inputs[name] = Input.from_range(stated.range, stated.most, stated.id)
    mix, shares = entries.get("band_mix"), dict[Band, float]()
    bands = [band for band in line.bands_as_written.values() if contains_integer(band)]
    if bands and isinstance(mix, BandMix):
        shares = mix.shares_by_band(line)
    elif len(bands) == 1:
        shares = {bands[0]: 1.0}
    return Funnel(entries, inputs, shares, mix.id if mix else "")


def assumptions_in_force(ledger: Ledger | None, line: CostLine, *, day: date) -> dict[str, Assumption]:
    """Return, by kind, the assumptions that apply to a line, given what claimants must do on a day."""
    kinds = dict.fromkeys(entry.kind for entry in ledger.assumptions) if ledger else ()
    entries = {kind: ledger.find(kind, line.id, line.effort_on(day)) for kind in kinds if ledger}
    return {kind: entry for kind, entry in entries.items() if entry is not None}


def join_ids(*groups: str) -> str:
    """Join groups of ids into one text, each id once, separated by spaces."""
    return " ".join(dict.fromkeys(a for g in groups for a in g.split()))


UNSTATED = "unstated"
"""The status of a line without an expected cost because most of its claims state no loss."""
NOTHING = Input.certain(0.0)
PAIR = 2
"""So few losses may be drawn one by one: their sum and their sum of squares determine both."""
LABELS = ("service", "claimant_type", "over", "up_to", "rule")
"""The columns that identify the claims of a group."""
ROUNDING_SHARE = 1e-12
"""A variance below this share of the sum of squares is a rounding error and treated as 0."""
Values = Mapping[str, FloatArray]
"""Drawn inputs by the assumption's id: (draws,), or (draws, bands) for a mix."""


@dataclass(frozen=True)
class Group:
    """Claims that are paid in the same way: a loss band, or everybody whom the line pays."""

    payments: Input
    """The sum of the payments if every trial is accepted and, with a band mix, falls into this band."""
    trials: float
    """The number of trials that `payments` counts."""
    sum_of_squares: float = 0.0
    """The sum of the squared payments; in multiples of the award if the claims are reviewed."""
    claims: float | None = None
    """The expected number of trials in this band; None if the ledger states no mix."""
    mix_share: float | None = 1.0
    """The expected share of the trials in this band; None if the ledger states no mix."""
    position: int | None = None
    """The position of the band in the ledger's mix."""
    reviewed: bool = False
    """Whether a review decides the payment, so that each accepted claim is paid the award."""
    paid_nothing: bool = False
    """Whether the payment is certain to be 0 without any assumption."""
    labels: dict[str, object] = field(default_factory=dict)
    """Service, claimant type, segment, edges of the band and outcome of the rule, where they apply."""
    promised: float | None = None
    status: str | None = None
    """A status other than `ok`, with an expected cost, and `bounds_only`, without one."""
    facts: str = ""
    tier: tuple[int, float] | None = None
    """The position of the band among the bands of positive losses, and the payment of each accepted claim, in
    the smallest unit of the currency; None if the claims are not all paid the same."""

    @property
    def paid(self) -> float:
        """The expected payments if every trial is accepted; in multiples of the award if reviewed."""
        return self.trials if self.reviewed else self.payments.expected or 0.0


class Part(NamedTuple):
    """The groups of a term whose payments are drawn alike: those of a band of the mix, or all of one kind."""

    band: int | None
    """The position of the band in the mix, if the term has one; the sums assume that all trials are in it."""
    reviewed: bool
    """Whether the sums are multiples of the award."""
    paid: float
    """The sum of payments if every trial were accepted."""
    sum_of_squares: float
    labels: tuple[Mapping[str, Any], ...] = ({},)
    """The `LABELS` of its groups, each with its `share` of the mean."""


@dataclass(frozen=True)
class DerivedInput:
    """A value that is computed from the drawn inputs, such as a rate whose odds are doubled.

    Args:
        inputs: the inputs that the value depends on.
        compute: returns the value in each draw from the drawn inputs, in the shape of an input.
        linear: whether the value is a constant, or a constant times one input. The mean of the value is then
            its value at the means of the inputs.
    """

    inputs: tuple[str, ...]
    compute: Callable[[Values], FloatArray]
    linear: bool = False


@dataclass(frozen=True, repr=False)
class Term(ShortRepr):
    """One part of the cost of a line under one valuation, such as cash: a count x factors x payments."""

    line: str
    valuation: str
    rule: str
    facts: str = ""
    groups: tuple[Group, ...] = ()
    """What is paid, per loss band; empty if the cost cannot be computed, for the reason in `status`."""
    factors: tuple[FunnelFactor, ...] = ()
    trials: float = 1.0
    """The count that the factors multiply: reports, people, claims, or one amount."""
    count: float | None = None
    """The number of reports, people or claims that the cost table shows."""
    promised: float | None = None
    """The cost if everyone counted is paid under the fixed rules."""
    mixed: bool = False
    """Whether each trial falls into one of the groups at random; otherwise each group counts its trials."""
    mix: str = ""
    """The id of the assumption that states the shares of the loss bands."""
    award: str = ""
    """The id of the assumption that states the mean payment of reviewed claims."""
    spread: float = 0.0
    """The standard deviation of single awards, as a share of the mean award."""
    payment_assumptions: tuple[str, ...] = ()
    """The assumptions about payments and bands, which the cost table names besides those of the factors."""
    capacity: float | None = None
    """The largest number of people who can be served; None if there is no limit."""
    announced: tuple[float, float | None] | None = None
    """The announced ends of the amount: `low` reaches down to the first, `high` and `most` reach up to the
    second, and have no limit if the second is None."""
    certain: bool = False
    """Whether the payments are certain once the inputs are known, as for an amount announced in total."""
    claim_cells: tuple[Cube, Schedule] | None = field(default=None, repr=False)
    """The cube of the claims that the term counts, and what pays them; None if it uses a published count."""
    decision: str = ""
    """How far the claims have come, if those of the line have come to different stages."""
    claimant_type: str | None = None
    status: str | None = None
    """A status other than `ok`, with an expected cost, and `bounds_only`, without one."""
    missing: str | None = None
    """The kinds of input that the ledger lacks for an expected cost."""
    derived: Mapping[str, DerivedInput] = field(default_factory=dict, repr=False)
    """By the name of an input of the term: the computed value that the term uses in its place."""

    def for_people(self, people: int, payment: int, *, most: float = 0.0) -> Term:
        """Return the term with a count of people who are all paid the same amount.

        Args:
            people: the number of people, or reports.
            payment: the amount per person, in the smallest unit of the currency.
            most: the largest total, if it exceeds the number of people times the amount.
        """
        trials, total = float(people), float(people * payment)
        payments = replace(Input.certain(total), most=max(total, most))
        group = Group(payments, trials, trials * float(payment) ** 2)
        return replace(self, groups=(group,), trials=trials, count=trials, promised=total)

    def per_person(self, share: float = 1.0) -> Term:
        """Return the term that pays 1 to each accepted claim, or to a share of the accepted claims."""
        group = Group(Input.certain(self.trials * share), self.trials)
        return replace(self, groups=(group,), mixed=False, claim_cells=None, mix="", award="")

    @property
    def paid_share(self) -> float:
        """The expected share of the accepted claims that are paid anything."""
        if self.mixed:
            return sum(group.mix_share or 0.0 for group in self.groups if group.paid)
        paid = sum(group.trials for group in self.groups if group.paid)
        return paid / self.trials if self.trials else 0.0

    @cached_property
    def accepted_share(self) -> Input:
        """The expected number of payments per trial (a report, claim or person), limited by the capacity."""
        if self.capacity is None or not self.trials:
            return product_of_factors(self.factors)
        mean, rate, ceiling = self.factors[0].mean, self.factors[0].rate, self.capacity / self.trials
        if rate is not None:
            return Input.from_range(rate.range_under_cap(ceiling), ceiling, rate.id)
        ends = (mean.expected, mean.high, mean.most)
        expected, high, most = (None if x is None else min(x, ceiling) for x in ends)
        return Input(min(mean.low, ceiling), expected, high, most, mean.assumption)

    @property
    def has_expected_cost(self) -> bool:
        """Whether the simulation includes the term: its payments and all its factors have a mean."""
        return bool(self.groups) and None not in (self.cost.expected, self.accepted_share.expected)

    def group_cost(self, group: Group) -> Input:
        """Return the expected cost of a payment group and its bounds; the low bound is 0 with a band mix."""
        if group.paid_nothing:
            return NOTHING
        cost = self._in_whole_trials(group.payments * self.accepted_share, group.trials)
        if self.mixed:
            cost = replace(cost, low=0.0, expected=product_or_none(cost.expected, group.mix_share))
        return cost

    @cached_property
    def cost(self) -> Input:
        """The expected cost, its bounds, and the largest possible cost."""
        if not self.mixed:
            total = reduce(Input.__add__, map(self.group_cost, self.groups), NOTHING)
            if self.announced is None:
                return total
            low, high = self.announced
            return replace(
                total,
                low=low if total.expected is None else min(low, total.low),
                high=largest([high, total.high]),
                most=largest([high, total.most]),
            )
        payments = [group.payments for group in self.groups]
        highs, mosts = [pay.high for pay in payments], [pay.most for pay in payments]
        expected = sum_or_none(*(product_or_none(g.mix_share, g.payments.expected) for g in self.groups))
        if expected is not None:  # rounding must not move the mean outside the range of the payments
            means = [pay.expected or 0.0 for pay in payments]
            expected = min(max(expected, min(means)), max(means))
        mean = Input(min(pay.low for pay in payments), expected, largest(highs), largest(mosts))
        return self._in_whole_trials(mean * self.accepted_share, self.trials)

    def _in_whole_trials(self, cost: Input, trials: float) -> Input:
        """Return the cost with its largest value for whole trials, to which the simulation may round up."""
        scale = math.prod(factor.mean.most or 0.0 for factor in self.factors if factor.scale)
        if cost.most is None or not trials * scale or self.certain or self.capacity is not None:
            return cost
        # Two losses may be drawn one by one, so that each is rounded up.
        whole = trials * math.ceil(scale) if trials <= PAIR else math.ceil(round(trials * scale, 6))
        return replace(cost, most=cost.most * whole / (trials * scale))

    @property
    def process(self) -> str:
        """The name of the claim counts; terms with the same name get the same random counts."""
        return f"{self.line} ({self.decision})" if self.decision else self.line

    @property
    def scales(self) -> tuple[str, ...]:
        """The assumptions that multiply the number of trials."""
        return tuple(f.mean.assumption for f in self.factors if f.scale and f.mean.assumption)

    @property
    def rates(self) -> tuple[str, ...]:
        """The assumptions whose product is the probability that a trial is accepted."""
        return tuple(f.mean.assumption for f in self.factors if not f.scale and f.mean.assumption)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the drawn inputs that the term depends on."""
        used = (x for x in (*self.scales, *self.rates, self.mix, self.award) if x)
        drawn = (self.derived[x].inputs if x in self.derived else (x,) for x in used)
        return tuple(dict.fromkeys(name for names in drawn for name in names))

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The groups, added up where their payments are drawn alike."""
        alike: dict[tuple[int | None, bool], list[Group]] = {}
        for group in self.groups:
            alike.setdefault((group.position if self.mix else None, group.reviewed), []).append(group)
        parts = []
        for key, groups in sorted(alike.items(), key=lambda item: item[0][1] and not self.mix):
            whole, squares = sum(group.paid for group in groups), sum(g.sum_of_squares for g in groups)
            labels = tuple(
                {name: g.labels[name] for name in LABELS if name in g.labels}
                | {"share": g.paid / whole if whole else 1.0, "tier": g.tier}
                for g in groups
                if g.paid or not whole
            )
            if whole or not self.claim_cells:
                parts.append(Part(*key, whole, squares, labels))
        return tuple(parts)

    def value(self, name: str, values: Values) -> FloatArray:
        """Return an input of the term in each draw: the drawn value, or the value that is computed from it.

        Args:
            name: one of `scales` or `rates`, the `mix` or the `award`.
            values: the drawn inputs.
        """
        return self.derived[name].compute(values) if name in self.derived else values[name]

    def scale_and_rate(self, values: Values, draws: int = 1) -> tuple[FloatArray, FloatArray]:
        """Return the factor on the number of trials, and the acceptance rate of the trials, each (draws,).

        A factor or a rate without an assumption is 1.
        """
        factors = ([self.value(name, values) for name in names] for names in (self.scales, self.rates))
        scale, rate = (reduce(np.multiply, own, np.ones(draws)) for own in factors)
        return scale, rate

    def moments(self, values: Values, draws: int) -> tuple[FloatArray, FloatArray]:
        """Return, given the inputs, each part's mean payments and the variance of the term's total.

        Returns:
            The means in the smallest unit of the currency, (draws, parts), and the variance in its square,
            (draws,).
        """
        scale, rate = self.scale_and_rate(values, draws)
        if self.capacity is not None:
            (part,) = self.parts
            payment, demand = part.paid / self.trials, self.trials * scale * rate
            below = demand < self.capacity
            mean = np.where(below, demand, self.capacity) * payment
            return mean[:, None], np.where(below, demand * (1 - rate), 0.0) * payment**2
        award = self.value(self.award, values) if self.award else np.ones(draws)
        mix = self.value(self.mix, values) if self.mix else np.ones((draws, 0))
        ones, means = np.ones(draws), np.empty((draws, len(self.parts)))
        squares, thinned = np.zeros((2, draws))
        for k, part in enumerate(self.parts):
            share = ones if part.band is None else mix[:, part.band]
            factor = award if part.reviewed else ones
            means[:, k] = scale * rate * share * part.paid * factor
            square = scale * rate * share * part.sum_of_squares * factor**2
            squares += square * (1 + self.spread**2 * part.reviewed)
            thinned += square * rate
        if self.mix:  # each trial falls into one band, so the bands are negatively correlated
            thinned = means.sum(axis=1) ** 2 / np.maximum(self.trials * scale, 1e-300)
        variance = squares - thinned
        # If every trial is accepted and paid the same, the variance is 0 and the difference is only rounding.
        none = variance <= ROUNDING_SHARE * squares
        return means, np.where(self.certain or none, 0.0, variance)


def largest(amounts: list[float | None]) -> float | None:
    """Return the largest amount; None if there are no amounts or an amount has no limit (None)."""
    return None if not amounts or None in amounts else max(x for x in amounts if x is not None)


@dataclass(frozen=True)
class CompiledLine:
    """A cost line compiled to terms under one ledger: one or more terms per valuation, such as cash."""

    line: CostLine
    funnel: Funnel
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class CompileInputs:
    """What the cost of a line is computed from, besides its assumptions.

    Args:
        policy: the policy of the line.
        as_of: only facts public by this day are used.
        cubes: cubes of claims or totals; if empty, published counts are used.
    """

    policy: Policy
    as_of: date
    cubes: Sequence[Cube] = ()

    def fact(self, id_: str | None) -> Fact | None:
        """Return the fact with an id; None if there is no id or the fact was not yet public."""
        try:
            return get_fact(id_, public_by=self.as_of) if id_ else None
        except ModelRefused:
            return None


def basis_of(cubes: Sequence[Cube]) -> str:
    """Return what costs are computed from: `published` counts without cubes, else `claims` or `synthetic`."""
    return "published" if not cubes else "synthetic" if any(cube.synthetic for cube in cubes) else "claims"


def mix_fits_line(entry: Assumption, line: CostLine) -> bool:
    """Return False only for a band mix whose loss bands differ from the loss bands of the cost line."""
    return not isinstance(entry, BandMix) or not line.bands_as_written or entry.fits(line)


def ledger_for_policy(ledger: Ledger | None, policy: Policy) -> Ledger | None:
    """Return the ledger, if any, without the band mixes of cost lines of the policy with other loss bands."""
    lines = {line.id: line for line in policy.lines}
    kept = []
    for entry in ledger.assumptions if ledger else ():
        mine = tuple(id_ for id_ in entry.lines if id_ not in lines or mix_fits_line(entry, lines[id_]))
        if mine:
            kept.append(entry if mine == entry.lines else entry.model_copy(update={"lines": mine}))
    return ledger and ledger.model_copy(update={"assumptions": tuple(kept)})
