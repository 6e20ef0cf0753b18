"""The expected cost: cost lines compiled to terms, the terms of a policy with their inputs, the cost table.

A further kind of cost line needs one function that compiles it to terms, which `COMPILERS` names for its
class. Given the inputs, the mean of each term and its variance have a closed form, so the number of claims
does not affect the run time.

In the cost table, `low` and `high` bound the expected cost: all inputs are at their low ends, or all at their
high ends. They are not quantiles, and the total may lie outside them. `most` bounds the total: every claim
gets its largest payment.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import reduce
from itertools import accumulate, groupby
from typing import Any

import numpy as np
import polars as pl

from outage_analysis import text
from outage_analysis.assumptions import (
    Assumption,
    Award,
    BandMix,
    FloatArray,
    Handling,
    Ledger,
    MeanPayment,
    PaidTotal,
    RateAssumption,
)
from outage_analysis.costs.benefits import NO_RULE, cube_for, exact_payments, rows_with_formula
from outage_analysis.costs.terms import (
    REPORT_RATES,
    UNSTATED,
    CompiledLine,
    CompileInputs,
    Funnel,
    FunnelFactor,
    Group,
    Input,
    Term,
    basis_of,
    build_funnel,
    join_ids,
    largest,
    mix_fits_line,
    product_or_none,
    rates_from,
    sum_or_none,
)
from outage_analysis.errors import ModelRefused, either
from outage_analysis.incidents import Band, ids_public_by
from outage_analysis.losses import Cube, sum_or_null
from outage_analysis.policies import (
    Budget,
    CostLine,
    FeeCredit,
    InKind,
    Line,
    Policy,
    Rule,
    Schedule,
    Voucher,
)

Compiler = Callable[[Any, Funnel, CompileInputs], Iterable[Term]]


def compiled_lines(
    policy: Policy, ledger: Ledger | None, *, as_of: date, cubes: Sequence[Cube] = ()
) -> tuple[CompiledLine, ...]:
    """Compile the cost lines that were public by a day to terms (count x factors x payment).

    Args:
        policy: the policy.
        ledger: the assumptions; only those public by `as_of` are used.
        as_of: only facts, lines and assumptions public by this day are used.
        cubes: cubes of claims or totals; by default the published counts that the lines cite are used.
    """
    inputs, compiled = CompileInputs(policy, as_of, cubes), []
    for line in policy.public_by(as_of)[0]:
        funnel = build_funnel(line, ledger, as_of)
        own = tuple(_promised_to_everybody(term, funnel) for term in _terms(line, funnel, inputs))
        compiled.append(CompiledLine(line, funnel, own))
    return tuple(compiled)


def _promised_to_everybody(term: Term, funnel: Funnel) -> Term:
    if all(factor.kind != "exposure" for factor in term.factors):
        return term
    people = funnel.inputs["exposure"].expected
    groups = tuple(replace(g, promised=product_or_none(g.promised, people)) for g in term.groups)
    return replace(term, promised=product_or_none(term.promised, people), groups=groups)


def _terms(line: CostLine, funnel: Funnel, inputs: CompileInputs) -> Iterator[Term]:
    from_counts, from_claims = COMPILERS[type(line)]
    if inputs.cubes:
        yield from from_claims(line, funnel, inputs) if from_claims else ()
        return
    known = funnel.entries.get("paid_total")
    if isinstance(known, PaidTotal):
        counted = line.fact("published_count") or line.fact("recipients")
        term, count = _stated_total(line, known, line.main_valuation, line.kind), inputs.fact(counted)
        if count is not None:
            term = replace(term, count=float(count.count), facts=join_ids(count.id, term.facts))
        yield term
    else:
        yield from from_counts(line, funnel, inputs)
    handling = funnel.entries.get("handling")
    if isinstance(handling, Handling):
        yield _stated_total(line, handling, "handling", "handling")


def _stated_total(line: CostLine, entry: PaidTotal | Handling, valuation: str, rule: str) -> Term:
    """Return the term of a total that the ledger states: the amount paid or a handling cost."""
    stated = Input.from_range(entry.range, entry.most, entry.id)
    one, factors = Group(Input.certain(1.0), 1.0, 1.0), (FunnelFactor(stated, scale=True),)
    facts = " ".join(entry.facts)
    return Term(line.id, valuation, rule, facts, groups=(one,), factors=factors, certain=True)


def _schedule_from_count(line: Schedule, funnel: Funnel, inputs: CompileInputs) -> list[Term]:
    """Return the term of a schedule from its published count, split over loss bands by the band mix."""
    claimant_type = " ".join(line.eligibility.get("claimant_type", ())) or None
    term = Term(line.id, "cash", "schedule", " ".join(line.facts), claimant_type=claimant_type)
    count = inputs.fact(line.published_count)
    if count is None:
        return [replace(term, status="not_public_yet" if line.published_count else "not_published")]
    trials = float(count.count)
    pays = {band: payment_in_band(line, funnel, band, rule) for band, rule in line.positive_bands}
    fixed = [pays[band].high for band, rule in line.positive_bands if not rule.review]
    term = replace(
        term,
        facts=" ".join((count.id, *line.facts)),
        factors=funnel.factors(*REPORT_RATES),
        trials=trials,
        count=trials,
        promised=product_or_none(trials, largest(fixed)),
        missing=funnel.missing(review=any(rule.review for _, rule in line.positive_bands), mix=True),
    )
    single, labels = funnel.entries.get("mean_payment"), {"claimant_type": claimant_type}
    if isinstance(single, MeanPayment):
        # The ledger states one mean payment for all bands, so the term has a single group.
        everybody = _awarded(trials, funnel.inputs["mean_payment"], labels=labels)
        term = replace(term, groups=(everybody,), award=single.id, spread=single.spread)
        return [replace(term, payment_assumptions=(single.id,))]
    if stray := funnel.mix.keys() - pays.keys():
        raise ModelRefused(
            f"the band mix {funnel.mix_assumption} names a band of {line.id} that contains no loss",
            value=str(stray.pop()),
            remedy="Give the share to another band.",
        )
    tiers, written, groups = _tiers(line), [*line.bands_as_written.values()], list[Group]()
    for band, rule in line.positive_bands:
        pay, share = pays[band], funnel.mix.get(band)
        claims = product_or_none(trials, share)
        group = Group(
            Input.certain(trials) * pay,
            trials,
            trials * (1.0 if rule.review else pay.expected or 0.0) ** 2,
            claims=claims,
            mix_share=share,
            position=written.index(band) if "band_mix" in funnel.entries else None,
            reviewed=rule.review,
            labels=labels | dict(zip(("over", "up_to", "rule"), (*band, rule.outcome), strict=True)),
            promised=None if rule.review else product_or_none(claims, pay.expected),
            facts=" ".join((*line.numeric_facts, *rule.facts)),
            tier=tiers.get(band),
        )
        groups.append(group)
    stated = (funnel.inputs["review_award"].assumption, funnel.mix_assumption)
    term = replace(term, groups=tuple(groups), mixed=True, mix=stated[1], payment_assumptions=stated)
    return [replace(term, **_award(funnel, groups))]


def payment_in_band(line: Schedule, funnel: Funnel, band: Band, rule: Rule) -> Input:
    """Return the payment per accepted claim in a loss band; the mean is unknown if it depends on the loss."""
    if "mean_payment" in funnel.inputs:
        return funnel.inputs["mean_payment"]
    if rule.review:
        return funnel.inputs["review_award"]
    least, most = line.tariff.payment_range(band)
    high = None if most is None else float(most)
    return Input(float(least), float(least) if least == most else None, high, high)


def _awarded(trials: float, award: Input, **fields: Any) -> Group:  # noqa: ANN401 - fields of a group
    """Return a payment group in which every claim is paid an uncertain amount with the mean `award`."""
    return Group(Input.certain(trials) * award, trials, trials, reviewed=True, **fields)


def _award(funnel: Funnel, groups: Sequence[Group]) -> dict[str, Any]:
    """Return the award fields of a term; {} if no claim is reviewed or the ledger states no award."""
    award = funnel.entries.get("review_award")
    if not isinstance(award, Award) or not any(group.reviewed for group in groups):
        return {}
    return {"award": award.id, "spread": award.spread}


def _tiers(line: Schedule) -> dict[Band, tuple[int, float]]:
    """Return the positions and payments of loss bands in which each claim is paid the same amount.

    There are none for a line with segments.
    """
    return {
        band: (position, float(least))
        for position, (band, _) in enumerate(line.positive_bands)
        for least, most in [line.tariff.payment_range(band)]
        if least and least == most and not line.segments
    }


STAGES = ("complaint", "filed", "accepted", "paid")
"""The stages of claims that a line can still pay, or has paid, in order."""
KEYS = ("service", "claimant_type", "over", "up_to", "rule", "segment")
"""The columns that identify a group of claims."""


def _schedule_from_claims(line: Schedule, funnel: Funnel, inputs: CompileInputs) -> Iterator[Term]:
    """Yield the terms of a schedule from its cube of claims, one per stage that the claims have come to."""
    term = Term(line.id, "cash", "schedule", " ".join(line.facts))
    cube = cube_for(line, inputs.cubes)
    if line.grain == "claimant" and "exposure" in funnel.entries:
        raise ModelRefused(
            f"{funnel.entries['exposure'].id} states people per counted unit, but the line {line.id} adds up "
            "what one claimant states",
            remedy='Set grain = "claim" in the line, or leave the line out of `lines` of the assumption.',
        )
    if cube is None:  # no cost: the line pays per claimant, but totals only count claims
        yield replace(term, status="needs_claimants")
        return
    segments = (*(segment.id for segment in line.segments), None)
    facts = {
        (name, *band): " ".join(rule.facts)
        for name, (_, tariff) in zip(segments, line.tariffs, strict=True)
        for band, rule in tariff.rules()
    }
    tiers, groups = _tiers(line), dict[str, list[Group]]()
    for row in _paid_by_band(line, funnel, cube, inputs.policy).iter_rows(named=True):
        groups.setdefault(row["decision"], []).append(_claims_group(row, funnel, facts, tiers))
    if paid_known := "paid" in cube.frame.columns:  # claims that were paid cost what was paid
        groups["paid"] = _paid_groups(line, cube)
    stages = [stage for stage in STAGES if any(_is_entitled(g) and g.trials for g in groups.get(stage, ()))]
    first = (*stages, "complaint")[0]
    without_cost = [g for stage, own in groups.items() if stage not in stages for g in own]
    for stage in stages or [first]:
        own = (*(groups[stage] if stages else ()), *(without_cost if stage == first else ()))
        promised = [group.promised for group in own if not group.reviewed]
        count = float(sum(group.trials for group in own if _is_entitled(group)))
        stated = pl.col(cube.decision).fill_null(cube.first_decision) == stage if cube.decision else True
        yield replace(
            term,
            groups=own,
            factors=funnel.factors(*rates_from(stage)),
            trials=count,
            count=count,
            promised=None if None in promised else sum(filter(None, promised)),
            payment_assumptions=(funnel.inputs["review_award"].assumption,),
            certain=stage == "paid" and paid_known,
            decision=stage if cube.decision else "",
            claim_cells=(replace(cube, frame=cube.frame.filter(stated), decision=""), line),
            status=UNSTATED if any(group.status == UNSTATED for group in own) else None,
            missing=funnel.missing(
                review=any(group.reviewed for group in own), mix=False, rates=rates_from(stage)
            ),
            **_award(funnel, [group for group in own if group.trials]),
        )


def _is_entitled(group: Group) -> bool:
    return group.labels["rule"] != "not_entitled"


def _paid_groups(line: Schedule, cube: Cube) -> list[Group]:
    """Return the claims that were paid, by service and band, with the sums that were paid."""
    paid = cube.frame.filter(pl.col(cube.decision) == "paid")
    by = ("service", "claimant_type", "rule_over", "rule_up_to", "rule")
    rows = rows_with_formula(replace(cube, frame=paid), line)
    rule = pl.when(pl.col("paid") > 0).then(pl.lit("pays")).otherwise("rule").alias("rule")
    sums = rows.with_columns(rule).group_by(by, maintain_order=True).agg(pl.col("claims", "paid").sum())
    return [
        Group(
            Input.certain(float(total)),
            float(claims),
            claims=float(claims),
            promised=float(total),
            labels=dict(zip(KEYS, (*of, None), strict=True)),
        )
        for *of, claims, total in sums.iter_rows()
    ]


def _paid_by_band(line: Schedule, funnel: Funnel, cube: Cube, policy: Policy) -> pl.DataFrame:
    only = policy.model_copy(update={"lines": (line,)})
    ends = funnel.inputs["review_award"].high, funnel.inputs["review_award"].most
    award, largest_award = (None if x is None else math.ceil(x) for x in ends)
    frame = exact_payments(cube, only, award=award)
    most = frame if largest_award == award else exact_payments(cube, only, award=largest_award)
    # Without squared losses, assume equal payments: a lower bound of the sum of squared payments.
    equal = pl.col("payment").cast(pl.Float64) ** 2 / pl.col("claims")
    frame = frame.with_columns(
        payment_most=most["payment_high"],
        payment_squared=pl.when(pl.col("claims") > 0).then(pl.col("payment_squared").fill_null(equal)),
    )
    stated = pl.col(cube.decision) if cube.decision else pl.lit(None, pl.String)
    frame = frame.with_columns(decision=stated.fill_null(cube.first_decision))
    frame = frame.with_columns(
        pl.lit(None, pl.String).alias(x) for x in ("service", "claimant_type") if x not in frame.columns
    )
    return frame.group_by(*KEYS, "decision", maintain_order=True).agg(
        pl.col("claims", "payment_squared").sum(),
        *map(sum_or_null, ("payment", "payment_low", "payment_high", "payment_most")),
    )


def _claims_group(
    row: Mapping[str, Any],
    funnel: Funnel,
    facts: Mapping[tuple[str | None, int | None, int | None], str],
    tiers: Mapping[Band, tuple[int, float]],
) -> Group:
    claims, already_paid = float(row["claims"]), row["decision"] == "paid"
    fields: dict[str, Any] = {
        "claims": claims,
        "labels": {name: row[name] for name in KEYS},
        "facts": facts.get((row["segment"], row["over"], row["up_to"]), ""),
    }
    if row["decision"] == "refused":
        fields["labels"]["rule"] = "not_entitled"
        return Group(Input.certain(0.0), claims, paid_nothing=True, promised=0.0, **fields)
    if row["rule"] == "review":
        return _awarded(claims, funnel.inputs["review_award"], paid_nothing=not claims, **fields)
    low, mid, high, most = (
        None if row[name] is None else float(row[name])
        for name in ("payment_low", "payment", "payment_high", "payment_most")
    )
    return Group(
        Input(low or 0.0, mid, high, most),
        claims,
        row["payment_squared"],
        paid_nothing=not claims or mid == high == 0,
        promised=mid,
        status=UNSTATED if row["rule"] == NO_RULE and mid is None else None,
        tier=tiers.get((row["over"], row["up_to"])) if row["rule"] == "pays" and not already_paid else None,
        **fields,
    )


def _taken_up(line: InKind | Voucher, funnel: Funnel, inputs: CompileInputs) -> list[Term]:
    stated = funnel.entries.get("take_up")
    rate = stated if isinstance(stated, RateAssumption) else None
    return _per_head(line, inputs, (replace(funnel.factor("take_up"), rate=rate),))


def _fee_credit(line: FeeCredit, funnel: Funnel, inputs: CompileInputs) -> list[Term]:
    return _per_head(line, inputs, funnel.factors(*REPORT_RATES))


def _per_head(
    line: InKind | Voucher | FeeCredit, inputs: CompileInputs, factors: tuple[FunnelFactor, ...]
) -> list[Term]:
    """Return the term of what each recipient gets: a good, a voucher, or part of a fee."""
    limit, high = line.fact("cap"), line.fact("recipients_high")
    people, cap, most = (inputs.fact(id_) for id_ in (line.recipients, limit, high))
    later = (people is None and (line.recipients or (high and most is None))) or (cap is None and limit)
    facts, worth = join_ids(line.recipients or "", limit or "", *line.facts, high or ""), line.payment
    term = Term(line.id, line.main_valuation, line.kind, facts, factors=factors)
    largest_sum = float(most.count * worth) if most is not None and worth is not None else None
    if people is None or worth is None or later:
        status = "not_public_yet" if later else "unpriced" if worth is None else "not_published"
        bounds = () if largest_sum is None else (Group(Input(0.0, None, largest_sum, largest_sum), 0.0),)
        return [replace(term, status=status, groups=bounds)]
    served = people.count if cap is None else min(people.count, cap.count)
    return [
        replace(
            term.for_people(people.count, worth, most=largest_sum or 0.0),
            promised=float(served * worth),
            capacity=None if cap is None else float(served),
        )
    ]


def _budget(line: Budget, funnel: Funnel, inputs: CompileInputs) -> list[Term]:
    policy, as_of = inputs.policy, inputs.as_of
    term = Term(line.id, line.valuation, "budget", " ".join(line.facts))
    if line.amount is None:
        return [replace(term, status="unpriced")]
    share = funnel.inputs.get("realised_ratio", funnel.inputs["take_up"])
    try:
        amount = float(policy.resolve_amount(line.amount, as_of))
        low = float(policy.resolve_amount(line.amount if share.low == 1 else 0, as_of, end="low"))
    except ModelRefused:
        return [replace(term, status="not_public_yet")]
    unlimited = line.valuation == "top_down" and "realised_ratio" not in funnel.inputs
    factors = (FunnelFactor(share, scale=True),)
    announced = (low, None if unlimited else amount)
    sum_ = Group(Input.certain(amount), 1.0, amount**2)
    return [
        replace(term, groups=(sum_,), factors=factors, promised=amount, announced=announced, certain=True)
    ]


COMPILERS: dict[type[Line], tuple[Compiler, Compiler | None]] = {
    Schedule: (_schedule_from_count, _schedule_from_claims),
    InKind: (_taken_up, None),
    Voucher: (_taken_up, None),
    FeeCredit: (_fee_credit, None),
    Budget: (_budget, None),
}
"""Per kind of cost line, the functions that compile it from published counts and from cubes of claims."""


@dataclass(frozen=True, repr=False)
class Portfolio(text.ShortRepr):
    """All terms of a policy that have an expected cost, and the assumptions they share."""

    terms: tuple[Term, ...]
    entries: Mapping[str, Assumption]
    """The assumptions behind the terms, by id in alphabetical order."""
    correlations: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Declared rank correlations between assumptions."""
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Per valuation, the lines without an expected cost, which no total includes. If the portfolio uses
    claims, these include the lines that do not pay per claim."""
    redrawn: Mapping[str, tuple[str, Assumption]] = field(default_factory=dict)
    """Further inputs by name: the id of the assumption from whose random points each is drawn, and the
    assumption that states its distribution, which needs no more coordinates."""

    @property
    def valuations(self) -> tuple[str, ...]:
        """The valuations of the terms; amounts of different valuations are never added."""
        return tuple(dict.fromkeys(s.valuation for s in self.terms))

    def terms_of(self, valuation: str) -> tuple[Term, ...]:
        """Return the terms that the total of a valuation adds up."""
        return tuple(term for term in self.terms if term.valuation == valuation)

    def inputs_of(self, valuation: str) -> dict[str, Assumption]:
        """Return the assumptions that affect the total of a valuation, by id."""
        used = {name for term in self.terms_of(valuation) for name in term.inputs}
        return {name: entry for name, entry in self.entries.items() if name in used}

    def counted(self, valuation: str) -> tuple[str, ...]:
        """Return the ids of the cost lines in the total of a valuation."""
        return tuple(dict.fromkeys(term.line for term in self.terms_of(valuation)))

    def has_correlated_inputs(self, valuation: str) -> bool:
        """Whether the ledger declares correlations between inputs of a total.

        With correlated inputs the mean of a product is not the product of the means.
        """
        names = {name for term in self.terms_of(valuation) for name in term.inputs}
        used = {self.redrawn[name][0] if name in self.redrawn else name for name in names}
        return any(used.issuperset(pair) for pair, rank in self.correlations.items() if rank)

    def has_closed_form(self, valuation: str) -> bool:
        """Whether the expected total is the total at the means of the inputs.

        It is not if the ledger declares correlations between inputs, or if a value is computed from inputs
        in a way that is not linear.
        """
        linear = (d.linear for term in self.terms_of(valuation) for d in term.derived.values())
        return all(linear) and not self.has_correlated_inputs(valuation)

    @property
    def places(self) -> dict[str, slice]:
        """The coordinates of a random point that each assumption uses, by the id of the assumption."""
        ends = accumulate(entry.dimensions for entry in self.entries.values())
        pairs = zip(self.entries.items(), ends, strict=True)
        return {name: slice(end - entry.dimensions, end) for (name, entry), end in pairs}

    @property
    def dimensions(self) -> int:
        """The number of uniform numbers that one draw of all inputs needs."""
        return sum(entry.dimensions for entry in self.entries.values())

    def values(self, u: FloatArray) -> dict[str, FloatArray]:
        """Draw the inputs from uniform points (draws, dimensions), and return the values by name.

        Redrawn inputs use the points of another input: the last ones, if they need fewer.
        """
        return {name: self.entries[name].draw(u[:, place]) for name, place in self.places.items()} | {
            name: entry.draw(u[:, self.places[id_]][:, -entry.dimensions :])
            for name, (id_, entry) in self.redrawn.items()
        }


def expected_at(portfolio: Portfolio, valuation: str, inputs: Mapping[str, FloatArray]) -> FloatArray:
    """Return the expected total of a valuation, with some inputs set to given values.

    All inputs are treated as independent, even if the ledger declares correlations.

    Args:
        portfolio: the terms and their inputs.
        valuation: the kind of cost that is added up, such as `cash`.
        inputs: values of some inputs by assumption, (n,), or (n, bands) for a mix; the other inputs are at
            their means.

    Returns:
        One total per value, (n,), in the smallest unit of the currency; (1,) if `inputs` is empty.

    Raises:
        ModelRefused: a value is computed from inputs in a way that is not linear, so that the total at the
            means of the inputs is not the expected total.
    """
    size = max((len(v) for v in inputs.values()), default=1)
    total = np.zeros(size)
    for term in portfolio.terms_of(valuation):
        if not all(derived.linear for derived in term.derived.values()):
            raise ModelRefused(f"the expected total of {term.line} has no closed form")
        if term.capacity is not None and not inputs.keys() & set(term.rates):
            # The mean of min(rate, cap) is less than the smaller of both means.
            total += (term.accepted_share.expected or 0.0) * term.parts[0].paid
        else:
            values = {name: inputs.get(name, _mean(portfolio, name)) for name in term.inputs}
            total += term.moments(values, size)[0].sum(axis=1)
    return total


def _mean(portfolio: Portfolio, name: str) -> FloatArray:
    entry = portfolio.redrawn[name][1] if name in portfolio.redrawn else portfolio.entries[name]
    if isinstance(entry, BandMix):
        return np.array([[band.share for band in entry.bands]])
    return np.array([entry.range.expected])


def build_portfolio(
    policy: Policy, ledger: Ledger | None, *, as_of: date, cubes: Sequence[Cube] = ()
) -> Portfolio:
    """Build the portfolio of a policy, from published counts or from cubes of claims.

    Args:
        policy: the policy; lines not public by `as_of` are left out.
        ledger: the assumptions; only those public by `as_of` are used.
        as_of: only facts, lines and assumptions public by this day are used.
        cubes: cubes of claims or totals, as for `cost_table`; by default published counts are used.

    Returns:
        A portfolio with the lines that have an expected cost in `cost_table`; `left_out` names the others.
    """
    return portfolio_of_lines(compiled_lines(policy, ledger, as_of=as_of, cubes=cubes), ledger, as_of)


def portfolio_of_lines(lines: Sequence[CompiledLine], ledger: Ledger | None, as_of: date) -> Portfolio:
    """Return the portfolio of lines that were compiled with a ledger for a day."""
    terms: list[Term] = []
    left_out: dict[str, list[str]] = {}
    used: dict[str, Assumption] = {}
    for compiled in lines:
        line = compiled.line
        for valuation, group in groupby(compiled.terms, lambda term: term.valuation):
            own = [*group]
            if all(term.has_expected_cost for term in own):
                terms += own
            else:
                left_out.setdefault(valuation, []).append(line.id)
        if not compiled.terms:
            left_out.setdefault(line.main_valuation, []).append(line.id)
        used |= {entry.id: entry for entry in compiled.funnel.entries.values()}
    inputs = sorted({name for term in terms for name in term.inputs})
    correlations = ledger.as_known_on(as_of).correlations if ledger else ()
    return Portfolio(
        tuple(terms),
        {name: used[name] for name in inputs},
        {c.of: c.rank for c in correlations if set(c.of) <= set(inputs)},
        {valuation: tuple(names) for valuation, names in left_out.items()},
    )


MOST_DIGITS = 15
"""Digits of `most`; rounded to fewer digits, this upper bound could fall below the total."""


def exact_costs(
    policy: Policy, ledger: Ledger | None, *, as_of: date, cubes: Sequence[Cube] = ()
) -> pl.DataFrame:
    """Return the result of `cost_table` in the smallest unit of the currency."""
    return costs_of_lines(compiled_lines(policy, ledger, as_of=as_of, cubes=cubes), as_of, cubes)


def cost_table(
    policy: Policy, ledger: Ledger | None, *, as_of: date, cubes: Sequence[Cube] = ()
) -> pl.DataFrame:
    """Return the cost of a policy, from published counts or from cubes of claims.

    Args:
        policy: the policy; lines not public by `as_of` are left out.
        ledger: the assumptions; without a ledger most lines have bounds and no expected cost.
        as_of: only facts, lines and assumptions public by this day are used.
        cubes: cubes of claims or totals by service, claimant type and band; each line that pays per claimant
            needs a cube of its claimants. By default the published counts that the lines cite are used.

    Returns:
        The table `costs`, in whole currency: one row per line (per line and valuation for a free good), and
        one row per line, service, claimant type and band.
    """
    exact = exact_costs(policy, ledger, as_of=as_of, cubes=cubes)
    return text.schema_of("costs").whole(exact, policy.locale("en").places)


def costs_of_lines(lines: Iterable[CompiledLine], as_of: date, cubes: Sequence[Cube] = ()) -> pl.DataFrame:
    """Return the cost table of compiled lines as of a day, in the smallest unit of the currency."""
    rows = [
        {"basis": basis_of(cubes), "line": compiled.line.id, **row}
        for compiled in lines
        for _, terms in groupby(compiled.terms, lambda term: term.valuation)
        for row in _rows([*terms])
    ]
    table = pl.DataFrame(rows, schema=text.schema_of("costs").dtypes)
    cited = {ids: ids_public_by(ids, as_of) for ids in table["facts"].drop_nulls().unique()}
    return _round_amounts(table.with_columns(pl.col("facts").replace(cited)))


def _round_amounts(table: pl.DataFrame) -> pl.DataFrame:
    *expected, most = MODELLED
    return table.with_columns(
        pl.col(expected).round_sig_figs(text.TABLE_DIGITS), pl.col(most).round_sig_figs(MOST_DIGITS)
    )


def _rows(terms: Sequence[Term]) -> Iterator[dict[str, object]]:
    """Yield the rows of a line under one valuation: the line, then its bands."""
    first = terms[0]
    head: dict[str, object] = {
        "valuation": first.valuation,
        "level": "line",
        "rule": first.rule,
        "claimant_type": first.claimant_type,
        "facts": first.facts,
    }
    if not first.groups:
        yield head | {"status": first.status}
        return
    used = (id_ for t in terms for id_ in (t.accepted_share.assumption, *t.payment_assumptions))
    yield (
        head
        | _amounts([term.cost for term in terms], [term.status for term in terms])
        | {
            "count": sum_or_none(*(term.count for term in terms)),
            "promised": sum_or_none(*(term.promised for term in terms)),
            "missing": None if first.missing is None else join_ids(*(t.missing or "" for t in terms)),
            "assumptions": join_ids(*used),
        }
    )
    bands: dict[tuple[object, ...], list[tuple[Term, Group]]] = {}
    for term in terms:
        for group in (group for group in term.groups if "rule" in group.labels):
            bands.setdefault(tuple(group.labels.values()), []).append((term, group))
    for alike in bands.values():  # claims at different stages
        costs = [term.group_cost(group) for term, group in alike]
        own = [group for _, group in alike]
        yield (
            head
            | own[0].labels
            | _amounts(costs, [group.status for group in own])
            | {
                "level": "band",
                "count": sum_or_none(*(group.claims for group in own)),
                "promised": sum_or_none(*(group.promised for group in own)),
                "facts": own[0].facts,
                "assumptions": join_ids(*(cost.assumption for cost in costs), first.mix),
            }
        )


def _amounts(costs: Sequence[Input], statuses: Iterable[str | None]) -> dict[str, object]:
    cost, status = reduce(Input.__add__, costs), next(filter(None, statuses), None)
    return {
        "low": cost.low,
        "expected": cost.expected,
        "high": cost.high,
        "most": cost.most,
        "status": status or ("bounds_only" if cost.expected is None else "ok"),
    }


def check_any_cost(table: pl.DataFrame, policy: Policy, as_of: date, *, counted: bool) -> None:
    """Check that a cost line has a cost on the day of the analysis.

    Args:
        table: the cost tables of all data sources.
        policy: the policy.
        as_of: the day of the analysis.
        counted: whether the user gave claims or totals.

    Raises:
        ModelRefused: no line has one.
    """
    if not table.filter(pl.col("high").is_not_null() | pl.col("promised").is_not_null()).is_empty():
        return
    days = [line.public_on for line in policy.schedules if line.public_on]
    if counted and days and as_of < min(days):
        raise ModelRefused(
            f"as of {as_of} no line of {policy.id} that pays by loss was public: first on {min(days)}",
            remedy=f"Move the day: {either('as_of', '--as-of')}, else as_of in the ledger.",
        )
    counts = [x.published_count for x in policy.schedules if x.published_count]
    remedy = f"Needed: {', '.join(counts)}. " if counts else ""
    raise ModelRefused(
        f"as of {as_of} no cost line of {policy.id} has a count that was public",
        remedy=f"{remedy}Move {either('as_of', '--as-of')} to a later day"
        + (", or give the lines their public_on." if counted else ", or give claims or counts of your own."),
    )


HAS_AMOUNT: pl.Expr = pl.any_horizontal(pl.col("count", "promised", "expected", "high").is_not_null())
"""An expression: whether a row has a count or any amount."""


def totals(table: pl.DataFrame) -> pl.DataFrame:
    """Add up the cost lines of a cost table: one row per basis (data source) and valuation (kind of cost).

    `low`, `expected`, `high` and `most` include the same lines, so low <= expected <= high: the lines with an
    expected cost or, if there is none, all lines with any amount. `high` and `most` are null if one of these
    lines has no upper bound. `left_out` names the lines without an expected cost. `promised` includes every
    line whose promised cost is known.
    """
    known = pl.col("expected").is_not_null()
    lines = table.filter(pl.col("level") == "line").with_columns(
        summed=pl.when(known.any().over("basis", "valuation")).then(known).otherwise(HAS_AMOUNT)
    )
    sums = (
        lines.group_by("basis", "valuation", maintain_order=True)
        .agg(
            pl.when(pl.col("promised").is_not_null().any()).then(pl.col("promised").sum()),
            *(
                pl.when(pl.col("summed").any() & (counted.null_count() == 0)).then(counted.sum())
                for counted in (pl.col(name).filter("summed") for name in MODELLED)
            ),
            left_out=pl.col("line").filter(~known).str.join(" "),
        )
        .select("basis", "valuation", "promised", *MODELLED, "left_out")
    )
    return _round_amounts(sums)


def assumption_ids(table: pl.DataFrame) -> frozenset[str]:
    """Return the ids of the assumptions that the figures of a cost table depend on."""
    return frozenset(id_ for ids in table["assumptions"].drop_nulls().unique() for id_ in ids.split())


def by_band(table: pl.DataFrame) -> pl.DataFrame:
    """Add up a cost table over services and claimant types: one row per line, and one per line and band.

    Adding up `low` (or `high`) is valid, because in every row all inputs are at their low (or high) ends.

    Returns:
        The table `costs`. Lines keep their order and come before their bands; the band of zero
        losses is first, the band of unknown losses last.
    """
    keys = ("basis", "line", "valuation", "level", "segment", "over", "up_to", "rule")
    rows = table.group_by(keys, maintain_order=True).agg(
        *map(sum_or_null, ("count", "promised", *MODELLED)),
        pl.col("status").first(),
        pl.col("missing").first(),
        pl.col("facts", "assumptions").max(),  # rows of a band cite the same ids, or none if unpaid
        service=pl.lit(None, pl.String),
        claimant_type=pl.lit(None, pl.String),
    )
    lines = {line: place for place, line in enumerate(table["line"].unique(maintain_order=True))}
    unknown = pl.all_horizontal(pl.col("over", "up_to").is_null())
    rows = _round_amounts(rows.select(*text.schema_of("costs")))
    return rows.sort(
        pl.col("line").replace_strict(lines, return_dtype=pl.Int64),
        *(pl.col("level") != "line", "valuation", "segment", unknown, "over"),
        pl.col("up_to").is_null(),
        "up_to",
        "rule",
        nulls_last=False,
        maintain_order=True,
    )


def mix_findings(policy: Policy, ledger: Ledger, lang: str = "en") -> pl.DataFrame:
    """List the band mixes of a ledger that are stated for other edges than the policy has.

    Returns:
        The columns of `findings`; the `finding` is `mix`.
    """
    locale = policy.locale(lang)
    rows = [
        ("mix", line.id, locale("finding.other_edges", mix=entry.id, ledger=ledger.id))
        for entry in ledger.assumptions
        for line in policy.lines
        if line.id in entry.lines and not mix_fits_line(entry, line)
    ]
    return pl.DataFrame(rows, schema=["finding", "line", "says"], orient="row")


MODELLED = ("low", "expected", "high", "most")
"""The columns of a cost table that depend on the funnel."""


def unstated_losses(table: pl.DataFrame) -> pl.DataFrame:
    """List the cost lines with entitled claims that state no loss and for which the policy has no rule.

    Args:
        table: a cost table.

    Returns:
        One row per line: `line`, `unstated` and `entitled` (numbers of claims), and `priced`, whether the
        line still has a point estimate because at most half of its entitled claims state no loss.
    """
    lines = table.filter(pl.col("level") == "line").select("line", entitled="count", status="status")
    unruled = table.filter((pl.col("level") == "band") & (pl.col("rule") == NO_RULE) & (pl.col("count") > 0))
    counts = unruled.group_by("line").agg(unstated=pl.col("count").sum())
    return lines.join(counts, on="line", how="inner", maintain_order="left").select(
        "line", "unstated", "entitled", priced=pl.col("status") != UNSTATED
    )
