"""Compile cost lines to terms (count x factors x payment), with one function per kind of cost line.

A further kind of cost line needs one function, which `COMPILERS` names for its class.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from outage_analysis.assumptions import Award, Handling, Ledger, MeanPayment, PaidTotal, RateAssumption
from outage_analysis.costs import terms
from outage_analysis.costs.claim_payments import NO_RULE, cube_for, exact_payments, rows_with_formula
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Band
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

Compiler = Callable[[Any, terms.Funnel, terms.CompileInputs], Iterable[terms.Term]]


def compiled_lines(
    policy: Policy, ledger: Ledger | None, *, as_of: date, cubes: Sequence[Cube] = ()
) -> tuple[terms.CompiledLine, ...]:
    """Compile the cost lines that were public by a day to terms (count x factors x payment).

    Args:
        policy: the policy.
        ledger: the assumptions; only those public by `as_of` are used.
        as_of: only facts, lines and assumptions public by this day are used.
        cubes: cubes of claims or totals; by default the published counts that the lines cite are used.
    """
    inputs, compiled = terms.CompileInputs(policy, as_of, cubes), []
    for line in policy.public_by(as_of)[0]:
        funnel = terms.build_funnel(line, ledger, as_of)
        own = (each for term in _terms(line, funnel, inputs) for each in _with_arrivals(term, funnel))
        compiled.append(terms.CompiledLine(line, funnel, tuple(own)))
    return tuple(compiled)


def _with_arrivals(term: terms.Term, funnel: terms.Funnel) -> Iterator[terms.Term]:
    """Yield the term with what it promises to everybody, and the term of those who had not reported."""
    factors = {factor.kind: factor for factor in term.factors}
    people = funnel.inputs["exposure"].expected if "exposure" in factors else 1.0
    yield replace(
        term,
        promised=terms.product_or_none(term.promised, people),
        groups=tuple(replace(g, promised=terms.product_or_none(g.promised, people)) for g in term.groups),
    )
    if "filing_share" in factors and "new_applicants" in funnel.entries:
        factors["filing_share"] = funnel.factor("new_applicants")
        yield replace(term, factors=tuple(factors.values()), arrivals=True, count=None, promised=None)


def _terms(line: CostLine, funnel: terms.Funnel, inputs: terms.CompileInputs) -> Iterator[terms.Term]:
    from_counts, from_claims = COMPILERS.get(type(line), (None, None))
    if inputs.cubes:
        yield from from_claims(line, funnel, inputs) if from_claims else ()
        return
    known = funnel.entries.get("paid_total")
    if isinstance(known, PaidTotal):
        term, count = _stated_total(line, known, line.main_valuation, line.kind), inputs.fact(line.count_fact)
        if count is not None:
            term = replace(term, count=float(count.count), facts=terms.join_ids(count.id, term.facts))
        yield term
    else:
        if from_counts is None:
            raise TypeError(f"no compiler is registered for the kind of cost line {type(line).__name__}")
        yield from from_counts(line, funnel, inputs)
    handling = funnel.entries.get("handling")
    if isinstance(handling, Handling):
        yield _stated_total(line, handling, "handling", "handling")


def _stated_total(line: CostLine, entry: PaidTotal | Handling, valuation: str, rule: str) -> terms.Term:
    """Return the term of a total that the ledger states: the amount paid or a handling cost."""
    stated = terms.Input.from_range(entry.range, entry.most, entry.id)
    one, factors = terms.Group(terms.Input.certain(1.0), 1.0, 1.0), (terms.FunnelFactor(stated, scale=True),)
    facts = " ".join(entry.facts)
    return terms.Term(line.id, valuation, rule, facts, groups=(one,), factors=factors, certain=True)


def _schedule_from_count(
    line: Schedule, funnel: terms.Funnel, inputs: terms.CompileInputs
) -> list[terms.Term]:
    """Return the term of a schedule from its published count, split over loss bands by the band mix."""
    claimant_type = " ".join(line.eligibility.get("claimant_type", ())) or None
    term = terms.Term(line.id, "cash", "schedule", " ".join(line.facts), claimant_type=claimant_type)
    count = inputs.fact(line.published_count)
    if count is None:
        return [replace(term, status="not_public_yet" if line.published_count else "not_published")]
    trials = float(count.count)
    pays = {band: payment_in_band(line, funnel, band, rule) for band, rule in line.positive_bands}
    fixed = [pays[band].high for band, rule in line.positive_bands if not rule.review]
    term = replace(
        term,
        facts=" ".join((count.id, *line.facts)),
        factors=funnel.factors(*terms.REPORT_RATES),
        trials=trials,
        count=trials,
        promised=terms.product_or_none(trials, terms.largest(fixed)),
        missing=funnel.missing(review=any(rule.review for _, rule in line.positive_bands), mix=True),
    )
    single = funnel.entries.get("mean_payment")
    if isinstance(single, MeanPayment):
        # The ledger states one mean payment for all bands, so the term has a single group.
        group = _awarded(trials, funnel.inputs["mean_payment"], labels={"claimant_type": claimant_type})
        return [
            replace(
                term, groups=(group,), award=single.id, spread=single.spread, payment_assumptions=(single.id,)
            )
        ]
    groups = tuple(_bands(line, funnel, term, pays))
    term = replace(term, groups=groups, mixed=True, by_band=True, mix=funnel.mix_assumption)
    stated = (funnel.inputs["review_award"].assumption, funnel.mix_assumption)
    return [replace(term, payment_assumptions=stated, **_award(funnel, groups))]


def payment_in_band(line: Schedule, funnel: terms.Funnel, band: Band, rule: Rule) -> terms.Input:
    """Return the payment per accepted claim in a loss band; the mean is unknown if it depends on the loss."""
    if "mean_payment" in funnel.inputs:
        return funnel.inputs["mean_payment"]
    if rule.review:
        return funnel.inputs["review_award"]
    least, most = line.tariff.payment_range(band)
    high = None if most is None else float(most)
    return terms.Input(float(least), float(least) if least == most else None, high, high)


def _awarded(trials: float, award: terms.Input, **fields: Any) -> terms.Group:  # noqa: ANN401 - fields of a group
    """Return a payment group in which every claim is paid an uncertain amount with the mean `award`."""
    return terms.Group(terms.Input.certain(trials) * award, trials, trials, reviewed=True, **fields)


def _award(funnel: terms.Funnel, groups: Sequence[terms.Group]) -> dict[str, Any]:
    """Return the award fields of a term; {} if no claim is reviewed or the ledger states no award."""
    award = funnel.entries.get("review_award")
    if not isinstance(award, Award) or not any(group.reviewed for group in groups):
        return {}
    return {"award": award.id, "spread": award.spread}


def _bands(
    line: Schedule, funnel: terms.Funnel, term: terms.Term, pays: Mapping[Band, terms.Input]
) -> Iterator[terms.Group]:
    if stray := set(funnel.mix).difference(band for band, _ in line.positive_bands):
        raise ModelRefused(
            f"the band mix {funnel.mix_assumption} names a band of {line.id} that contains no loss",
            value=str(stray.pop()),
            remedy="Give the share to another band.",
        )
    trials, people = term.trials, term.claimant_type
    tiers, written = _tiers(line), list(line.bands_as_written.values())
    for band, rule in line.positive_bands:
        pay, share = pays[band], funnel.mix.get(band)
        claims, (over, up_to) = terms.product_or_none(trials, share), band
        yield terms.Group(
            terms.Input.certain(trials) * pay,
            trials,
            trials * (1.0 if rule.review else pay.expected or 0.0) ** 2,
            claims=claims,
            mix_share=share,
            position=written.index(band) if "band_mix" in funnel.entries else None,
            reviewed=rule.review,
            labels={"claimant_type": people, "over": over, "up_to": up_to, "rule": rule.outcome},
            promised=None if rule.review else terms.product_or_none(claims, pay.expected),
            facts=" ".join((*line.numeric_facts, *rule.facts)),
            tier=tiers.get(band),
        )


def _tiers(line: Schedule) -> dict[Band, terms.Tier]:
    """Return the loss bands in which each claim is paid the same amount; {} for a line with segments."""
    return {
        band: terms.Tier(position, float(least))
        for position, (band, _) in enumerate(line.positive_bands)
        for least, most in [line.tariff.payment_range(band)]
        if least and least == most and not line.segments
    }


STAGES = ("complaint", "filed", "accepted", "paid")
"""The stages of claims that a line can still pay, or has paid, in order."""
KEYS = ("service", "claimant_type", "over", "up_to", "rule", "segment")
"""The columns that identify a group of claims."""


def _schedule_from_claims(
    line: Schedule, funnel: terms.Funnel, inputs: terms.CompileInputs
) -> Iterator[terms.Term]:
    """Yield the terms of a schedule from its cube of claims, one per stage that the claims have come to."""
    term = terms.Term(line.id, "cash", "schedule", " ".join(line.facts))
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
    tiers, groups = _tiers(line), dict[str, list[terms.Group]]()
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
            factors=funnel.factors(*terms.rates_from(stage)),
            trials=count,
            count=count,
            promised=None if None in promised else sum(filter(None, promised)),
            by_band=True,
            payment_assumptions=(funnel.inputs["review_award"].assumption,),
            certain=stage == "paid" and paid_known,
            decision=stage if cube.decision else "",
            claim_cells=(replace(cube, frame=cube.frame.filter(stated), decision=""), line),
            status=terms.UNSTATED if any(group.status == terms.UNSTATED for group in own) else None,
            missing=funnel.missing(
                review=any(group.reviewed for group in own), mix=False, rates=terms.rates_from(stage)
            ),
            **_award(funnel, [group for group in own if group.trials]),
        )


def _is_entitled(group: terms.Group) -> bool:
    return group.labels["rule"] != "not_entitled"


def _paid_groups(line: Schedule, cube: Cube) -> list[terms.Group]:
    """Return the claims that were paid, by service and band, with the sums that were paid."""
    paid = cube.frame.filter(pl.col(cube.decision) == "paid")
    by = ("service", "claimant_type", "rule_over", "rule_up_to", "rule")
    rows = rows_with_formula(replace(cube, frame=paid), line)
    rule = pl.when(pl.col("paid") > 0).then(pl.lit("pays")).otherwise("rule").alias("rule")
    sums = rows.with_columns(rule).group_by(by, maintain_order=True).agg(pl.col("claims", "paid").sum())
    return [
        terms.Group(
            terms.Input.certain(float(total)),
            float(claims),
            claims=float(claims),
            promised=float(total),
            labels=dict(zip(KEYS, (*of, None), strict=True)),
        )
        for *of, claims, total in sums.iter_rows()
    ]


def _paid_by_band(line: Schedule, funnel: terms.Funnel, cube: Cube, policy: Policy) -> pl.DataFrame:
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
    funnel: terms.Funnel,
    facts: Mapping[tuple[str | None, int | None, int | None], str],
    tiers: Mapping[Band, terms.Tier],
) -> terms.Group:
    claims, already_paid = float(row["claims"]), row["decision"] == "paid"
    fields: dict[str, Any] = {
        "claims": claims,
        "labels": {name: row[name] for name in KEYS},
        "facts": facts.get((row["segment"], row["over"], row["up_to"]), ""),
    }
    if row["decision"] == "refused":
        fields["labels"]["rule"] = "not_entitled"
        return terms.Group(terms.Input.certain(0.0), claims, paid_nothing=True, promised=0.0, **fields)
    if row["rule"] == "review":
        return _awarded(claims, funnel.inputs["review_award"], paid_nothing=not claims, **fields)
    low, mid, high, most = (
        None if row[name] is None else float(row[name])
        for name in ("payment_low", "payment", "payment_high", "payment_most")
    )
    return terms.Group(
        terms.Input(low or 0.0, mid, high, most),
        claims,
        row["payment_squared"],
        paid_nothing=not claims or mid == high == 0,
        promised=mid,
        status=terms.UNSTATED if row["rule"] == NO_RULE and mid is None else None,
        tier=tiers.get((row["over"], row["up_to"])) if row["rule"] == "pays" and not already_paid else None,
        **fields,
    )


def _in_kind(line: InKind, funnel: terms.Funnel, inputs: terms.CompileInputs) -> Iterator[terms.Term]:
    people, cap = inputs.fact(line.recipients), inputs.fact(line.cap)
    later = (people is None and line.recipients) or (cap is None and line.cap)
    rate = funnel.entries.get("take_up")
    for valuation, worth in line.valuations.items():
        if worth is None and valuation != "face_value":
            continue
        facts = terms.join_ids(line.recipients or "", line.cap or "", *line.facts)
        term = terms.Term(line.id, valuation, "in_kind", facts)
        if later or people is None or worth is None:
            status = "not_public_yet" if later else "unpriced" if worth is None else "not_published"
            yield replace(term, status=status)
            continue
        served = people.count if cap is None else min(people.count, cap.count)
        known_rate = rate if isinstance(rate, RateAssumption) else None
        yield replace(
            term.for_people(people.count, worth),
            factors=(replace(funnel.factor("take_up"), rate=known_rate),),
            promised=float(served * worth),
            capacity=None if cap is None else float(served),
        )


def _voucher(line: Voucher, funnel: terms.Funnel, inputs: terms.CompileInputs) -> list[terms.Term]:
    people = inputs.fact(line.recipients)
    facts = terms.join_ids(line.recipients or "", *line.facts)
    factors = (funnel.factor("take_up"),)
    term = terms.Term(line.id, line.main_valuation, line.kind, facts, factors=factors)
    if people is None:
        return [replace(term, status="not_public_yet" if line.recipients else "not_published")]
    return [term.for_people(people.count, line.payment)]


def _fee_credit(line: FeeCredit, funnel: terms.Funnel, inputs: terms.CompileInputs) -> list[terms.Term]:
    people, most = inputs.fact(line.recipients), inputs.fact(line.recipients_high)
    facts = terms.join_ids(line.recipients or "", *line.facts, line.recipients_high or "")
    term = terms.Term(line.id, "cash", "fee_credit", facts, factors=funnel.factors(*terms.REPORT_RATES))
    if line.payment is None:
        return [replace(term, status="unpriced")]
    limit = None if most is None else float(most.count * line.payment)
    if people is None:
        later = line.recipients or (line.recipients_high and not most)
        bounds = () if limit is None else (terms.Group(terms.Input(0.0, None, limit, limit), 0.0),)
        return [replace(term, status="not_public_yet" if later else "not_published", groups=bounds)]
    return [term.for_people(people.count, line.payment, most=limit or 0.0)]


def _budget(line: Budget, funnel: terms.Funnel, inputs: terms.CompileInputs) -> list[terms.Term]:
    policy, as_of = inputs.policy, inputs.as_of
    term = terms.Term(line.id, line.valuation, "budget", " ".join(line.facts))
    for true_up in line.true_ups_by(as_of):
        try:
            exact = float(policy.resolve_amount(true_up.amount, as_of, hindsight=True))
        except ModelRefused:  # skip an amount whose fact became public later than the policy states
            continue
        return [replace(term.for_amount(exact), facts=terms.join_ids(*true_up.facts, term.facts))]
    if line.amount is None:
        return [replace(term, status="unpriced")]
    share = funnel.inputs.get("realised_ratio", funnel.inputs["take_up"])
    try:
        amount = float(policy.resolve_amount(line.amount, as_of))
        least = line.low if line.low is not None else line.amount if share.low == 1 else 0
        low = float(policy.resolve_amount(least, as_of, end="low"))
        high = amount if line.high is None else float(policy.resolve_amount(line.high, as_of, end="high"))
    except ModelRefused:
        return [replace(term, status="not_public_yet")]
    if not low <= amount <= high:
        raise UsageError(f"the line {line.id} has facts that do not give low <= amount <= high")
    unlimited = line.valuation == "top_down" and "realised_ratio" not in funnel.inputs
    factors = (terms.FunnelFactor(share, scale=True),)
    announced = (low, None if unlimited else high)
    return [replace(term.for_amount(amount), factors=factors, announced=announced)]


COMPILERS: dict[type[Line], tuple[Compiler, Compiler | None]] = {
    Schedule: (_schedule_from_count, _schedule_from_claims),
    InKind: (_in_kind, None),
    Voucher: (_voucher, None),
    FeeCredit: (_fee_credit, None),
    Budget: (_budget, None),
}
"""Per kind of cost line, the functions that compile it from published counts and from cubes of claims."""
