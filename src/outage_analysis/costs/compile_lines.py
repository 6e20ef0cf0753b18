"""Compile cost lines to terms (count x factors x payment), with one function per kind of cost line.

A further kind of cost line needs one function, registered for its class with `register_kind`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from outage_analysis.assumptions import Handling, Ledger, PaidTotal, RateAssumption
from outage_analysis.costs.compile_schedules import schedule_from_claims, schedule_from_count
from outage_analysis.costs.funnel import (
    Funnel,
    FunnelFactor,
    Input,
    build_funnel,
    join_ids,
    product_or_none,
)
from outage_analysis.costs.terms import CompiledLine, CompileInputs, Group, Term
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.losses import Cube
from outage_analysis.policies import Budget, CostLine, FeeCredit, InKind, Line, Policy, Schedule, Voucher

AnyLine = TypeVar("AnyLine", bound=Line)


Compiler = Callable[[AnyLine, Funnel, CompileInputs], Iterator[Term]]
FROM_COUNTS: dict[type[Line], Compiler[Any]] = {}
"""Per kind of cost line, the function that compiles it from published counts."""
FROM_CLAIMS: dict[type[Line], Compiler[Any]] = {}
"""The same for cubes of claims, for the kinds that pay for claims."""


def register_kind(
    kind: type[AnyLine],
    from_counts: Compiler[AnyLine],
    from_claims: Compiler[AnyLine] | None = None,
) -> None:
    """Add a kind of cost line to the cost model.

    Args:
        kind: the class of its lines.
        from_counts: yields the cost terms of a line from published counts.
        from_claims: yields the cost terms of a line from cubes of claims; None if the kind does not pay per
            claim.
    """
    FROM_COUNTS[kind] = from_counts
    if from_claims is not None:
        FROM_CLAIMS[kind] = from_claims


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
    inputs = CompileInputs(policy, as_of, cubes)
    lines, _ = policy.public_by(as_of)
    funnels = [(line, build_funnel(line, ledger, as_of)) for line in lines]
    return tuple(
        CompiledLine(
            line,
            funnel,
            tuple(each for term in _terms(line, funnel, inputs) for each in _with_arrivals(term, funnel)),
        )
        for line, funnel in funnels
    )


def _with_arrivals(term: Term, funnel: Funnel) -> Iterator[Term]:
    """Yield the term with what it promises to everybody, and the term of those who had not reported."""
    factors = {factor.kind: factor for factor in term.factors}
    people = funnel.exposure.expected if "exposure" in factors else 1.0
    yield replace(
        term,
        promised=product_or_none(term.promised, people),
        groups=tuple(replace(g, promised=product_or_none(g.promised, people)) for g in term.groups),
    )
    if "filing_share" in factors and "new_applicants" in funnel.entries:
        factors["filing_share"] = FunnelFactor(funnel.new, "new_applicants")
        yield replace(term, factors=tuple(factors.values()), arrivals=True, count=None, promised=None)


def _terms(line: CostLine, funnel: Funnel, inputs: CompileInputs) -> Iterator[Term]:
    if inputs.cubes:
        if type(line) in FROM_CLAIMS:
            yield from FROM_CLAIMS[type(line)](line, funnel, inputs)
        return
    known = funnel.entries.get("paid_total")
    if isinstance(known, PaidTotal):
        count = inputs.fact(line.count_fact)
        term = _stated_total(line, known, line.main_valuation, line.kind)
        yield replace(
            term,
            count=None if count is None else float(count.count),
            facts=join_ids(count.id if count else "", term.facts),
        )
    else:
        if type(line) not in FROM_COUNTS:
            raise TypeError(f"no compiler is registered for the kind of cost line {type(line).__name__}")
        yield from FROM_COUNTS[type(line)](line, funnel, inputs)
    handling = funnel.entries.get("handling")
    if isinstance(handling, Handling):
        yield _stated_total(line, handling, "handling", "handling")


def _stated_total(line: CostLine, entry: PaidTotal | Handling, valuation: str, rule: str) -> Term:
    """Return the term of a total that the ledger states: the amount paid or a handling cost."""
    stated = Input.from_range(entry.range, entry.most, entry.id)
    return Term(
        line.id,
        valuation,
        rule,
        " ".join(entry.facts),
        groups=(Group(Input.certain(1.0), 1.0, 1.0),),
        factors=(FunnelFactor(stated, scale=True),),
        certain=True,
    )


def _in_kind(line: InKind, funnel: Funnel, inputs: CompileInputs) -> Iterator[Term]:
    people, cap = inputs.fact(line.recipients), inputs.fact(line.cap)
    later = (people is None and line.recipients) or (cap is None and line.cap)
    rate = funnel.entries.get("take_up")
    for valuation, worth in line.valuations.items():
        if worth is None and valuation != "face_value":
            continue
        facts = join_ids(line.recipients or "", line.cap or "", *line.facts)
        term = Term(line.id, valuation, "in_kind", facts)
        if later or people is None or worth is None:
            status = "not_public_yet" if later else "unpriced" if worth is None else "not_published"
            yield replace(term, status=status)
            continue
        served = people.count if cap is None else min(people.count, cap.count)
        factor = FunnelFactor(
            funnel.take_up, "take_up", rate=rate if isinstance(rate, RateAssumption) else None
        )
        yield replace(
            term.for_people(people.count, worth),
            factors=(factor,),
            promised=float(served * worth),
            capacity=None if cap is None else float(served),
        )


def _voucher(line: Voucher, funnel: Funnel, inputs: CompileInputs) -> Iterator[Term]:
    people = inputs.fact(line.recipients)
    facts = join_ids(line.recipients or "", *line.facts)
    take_up = FunnelFactor(funnel.take_up, "take_up")
    term = Term(line.id, line.main_valuation, line.kind, facts, factors=(take_up,))
    if people is None:
        yield replace(term, status="not_public_yet" if line.recipients else "not_published")
    else:
        yield term.for_people(people.count, line.payment)


def _fee_credit(line: FeeCredit, funnel: Funnel, inputs: CompileInputs) -> Iterator[Term]:
    people, most = inputs.fact(line.recipients), inputs.fact(line.recipients_high)
    facts = join_ids(line.recipients or "", *line.facts, line.recipients_high or "")
    term = Term(line.id, "cash", "fee_credit", facts, factors=funnel.report_factors)
    if line.payment is None:
        yield replace(term, status="unpriced")
        return
    limit = None if most is None else float(most.count * line.payment)
    if people is None:
        later = line.recipients or (line.recipients_high and not most)
        term = replace(term, status="not_public_yet" if later else "not_published")
        bounds = () if limit is None else (Group(Input(0.0, None, limit, limit), 0.0),)
        yield replace(term, groups=bounds)
        return
    yield term.for_people(people.count, line.payment, most=limit or 0.0)


def _budget(line: Budget, funnel: Funnel, inputs: CompileInputs) -> Iterator[Term]:
    policy, as_of = inputs.policy, inputs.as_of
    term = Term(line.id, line.valuation, "budget", " ".join(line.facts))
    for true_up in line.true_ups_by(as_of):
        try:
            exact = float(policy.resolve_amount(true_up.amount, as_of, hindsight=True))
        except ModelRefused:  # skip an amount whose fact became public later than the policy states
            continue
        facts = join_ids(*true_up.facts, term.facts)
        yield replace(term.for_amount(exact), facts=facts)
        return
    if line.amount is None:
        yield replace(term, status="unpriced")
        return
    share = funnel.realised_ratio or funnel.take_up
    try:
        amount = float(policy.resolve_amount(line.amount, as_of))
        least = line.low if line.low is not None else line.amount if share.low == 1 else 0
        low = float(policy.resolve_amount(least, as_of, end="low"))
        high = amount if line.high is None else float(policy.resolve_amount(line.high, as_of, end="high"))
    except ModelRefused:
        yield replace(term, status="not_public_yet")
        return
    if not low <= amount <= high:
        raise UsageError(f"the line {line.id} has facts that do not give low <= amount <= high")
    unlimited = line.valuation == "top_down" and funnel.realised_ratio is None
    yield replace(
        term.for_amount(amount),
        factors=(FunnelFactor(share, scale=True),),
        announced=(low, None if unlimited else high),
    )


register_kind(Schedule, schedule_from_count, schedule_from_claims)
register_kind(InKind, _in_kind)
register_kind(Voucher, _voucher)
register_kind(FeeCredit, _fee_credit)
register_kind(Budget, _budget)
