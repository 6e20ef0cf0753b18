"""Cost lines from published counts: schedules, free goods, fee credits, budgets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal

from outage_analysis.bands import Band
from outage_analysis.costs.funnel import Funnel, Input, named, status_of
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.policies import Budget, FeeCredit, InKind, Policy, Schedule
from outage_analysis.published import Fact, figure

Row = dict[str, object]


def from_count(line: Schedule, funnel: Funnel, as_of: date) -> Iterator[Row]:
    """A schedule from the published count that it cites, spread over its bands by the ledger's mix."""
    head: Row = {
        "basis": "published",
        "line": line.id,
        "valuation": "cash",
        "level": "line",
        "rule": "schedule",
        "claimant_type": " ".join(line.eligibility.get("claimant_type", ())) or None,
    }
    count = _public(line.published_count, as_of)
    if count is None:
        status = "not_public_yet" if line.published_count else "not_published"
        yield {**head, "status": status, "facts": " ".join(line.facts)}
        return
    positive = line.positive
    pays = {band: funnel.payment(line, band, rule) for band, rule in positive}
    cited = {"facts": " ".join((count.id, *line.facts))}
    yield head | cited | _line_total(line, funnel, count.count, pays)
    for band, rule in positive:
        share = funnel.mix.get(band)
        claims = None if share is None else count.count * share
        one = pays[band] * funnel.paid
        expected = None if claims is None or one.expected is None else claims * one.expected
        yield head | {
            "level": "band",
            "over": band[0],
            "up_to": band[1],
            "rule": rule.outcome,
            "count": claims,
            "promised": None
            if rule.review or claims is None or pays[band].expected is None
            else claims * (pays[band].expected or 0.0),
            "low": 0.0,
            "expected": expected,
            "high": None if one.high is None else count.count * one.high,
            "status": status_of(expected),
            "facts": " ".join((count.id, *rule.facts)),
            "assumptions": named(one.assumption, funnel.mix_assumption),
        }


def _public(fact: str | None, as_of: date) -> Fact | None:
    """A fact, if the line names one and it was public by the day."""
    try:
        return figure(fact, public_by=as_of) if fact else None
    except ModelRefused:
        return None


def _line_total(line: Schedule, funnel: Funnel, count: int, pays: dict[Band, Input]) -> Row:
    paid = funnel.paid
    terms = [
        None if pay.expected is None or paid.expected is None else share * pay.expected * paid.expected
        for band, share in funnel.mix.items()
        for pay in [pays[band]]
    ]
    expected = None if not terms or None in terms else count * sum(t for t in terms if t is not None)
    highs = [pay.high for pay in pays.values()]
    top = None if None in highs or paid.high is None else max(h for h in highs if h is not None)
    fixed = [pays[band].high for band, rule in line.positive if not rule.review]
    most = None if None in fixed or not fixed else max(f for f in fixed if f is not None)
    return {
        "count": float(count),
        "promised": None if most is None else count * most,
        "low": count * paid.low * min(pay.low for pay in pays.values()),
        "expected": expected,
        "high": None if top is None or paid.high is None else count * paid.high * top,
        "status": status_of(expected),
        "missing": funnel.missing(review=any(rule.review for _, rule in line.positive), mix=True),
        "assumptions": named(paid.assumption, funnel.award.assumption, funnel.mix_assumption),
    }


def in_kind(line: InKind, funnel: Funnel, as_of: date) -> Iterator[Row]:
    """A free good, one row a valuation that the page states, face value always.

    The ledger says which share takes it up, the cap how many can.
    """
    people, cap = _public(line.recipients, as_of), _public(line.cap, as_of)
    later = (people is None and line.recipients) or (cap is None and line.cap)
    for valuation, worth in line.valuations.items():
        if worth is None and valuation != "face_value":
            continue
        head: Row = {
            "basis": "published",
            "line": line.id,
            "valuation": valuation,
            "level": "line",
            "rule": "in_kind",
            "facts": named(line.recipients or "", line.cap or "", *line.facts),
        }
        if later or people is None or worth is None:
            status = "not_public_yet" if later else "unpriced" if worth is None else "not_published"
            yield {**head, "status": status}
            continue
        served = people.count if cap is None else min(people.count, cap.count)
        taken = funnel.taken(people.count, served)
        expected = None if taken.expected is None else taken.expected * worth
        yield {
            **head,
            "count": float(people.count),
            "promised": float(served * worth),
            "low": taken.low * worth,
            "expected": expected,
            "high": (served if taken.high is None else taken.high) * worth,
            "status": status_of(expected),
            "assumptions": taken.assumption,
        }


def fee_credit(line: FeeCredit, funnel: Funnel, as_of: date) -> Row:
    """A fee handed back: exact when the fee and the subscribers are known, else at most bounded."""
    people, most = _public(line.recipients, as_of), _public(line.recipients_high, as_of)
    head: Row = {
        "basis": "published",
        "line": line.id,
        "valuation": "cash",
        "level": "line",
        "rule": "fee_credit",
        "facts": named(line.recipients or "", *line.facts, line.recipients_high or ""),
    }
    if line.payment is None:
        return {**head, "status": "unpriced"}
    if people is None:
        later = (line.recipients and not people) or (line.recipients_high and not most)
        status = "not_public_yet" if later else "not_published"
        if most is None:
            return {**head, "status": status}
        return {**head, "low": 0.0, "high": float(most.count * line.payment), "status": status}
    full = float(people.count * line.payment)
    paid = funnel.paid
    expected = None if paid.expected is None else full * paid.expected
    return {
        **head,
        "count": float(people.count),
        "promised": full,
        "low": full * paid.low,
        "expected": expected,
        "high": full * (1.0 if paid.high is None else paid.high),
        "status": status_of(expected),
        "assumptions": paid.assumption,
    }


def budget(line: Budget, funnel: Funnel, as_of: date, policy: Policy) -> Row:
    """A sum as announced, or what a true-up that was public by the day says it came to."""
    head: Row = {
        "basis": "published",
        "line": line.id,
        "valuation": line.valuation,
        "level": "line",
        "rule": "budget",
        "facts": " ".join(line.facts),
    }
    for found in line.true_ups_by(as_of):
        try:
            exact = float(amount_of(found.amount, policy, as_of, hindsight=True))
        except ModelRefused:  # its fact came out later than the page says
            continue
        sums = dict.fromkeys(("promised", "low", "expected", "high"), exact)
        return {**head, **sums, "status": "ok", "facts": named(*found.facts, *line.facts)}
    if line.amount is None:
        return {**head, "status": "unpriced"}
    try:
        amount = float(amount_of(line.amount, policy, as_of))
        least = line.low if line.low is not None else line.amount if funnel.take_up.low == 1 else 0
        low = float(amount_of(least, policy, as_of, end="low"))
        high = amount if line.high is None else float(amount_of(line.high, policy, as_of, end="high"))
    except ModelRefused:
        return {**head, "status": "not_public_yet"}
    if not low <= amount <= high:
        raise UsageError(f"the line {line.id} has facts that do not give low <= amount <= high")
    share = funnel.take_up
    expected = None if share.expected is None else amount * share.expected
    return {
        **head,
        "promised": amount,
        "low": low if expected is None else min(low, amount * share.low),
        "expected": expected,
        "high": high,
        "status": status_of(expected),
        "assumptions": share.assumption,
    }


def amount_of(
    given: int | str,
    policy: Policy,
    public_by: date | None = None,
    *,
    end: Literal["value", "low", "high"] = "value",
    hindsight: bool = False,
) -> int:
    """An amount in the smallest unit, given outright or by a fact in the policy's currency.

    `end` is taken of a fact that is a range. Only a true-up, which counts from its own day on, may rest
    on an outcome (`hindsight`).

    Raises:
        ModelRefused: the fact was not public by the day.
        UsageError: it is no sum in the policy's currency.
    """
    if isinstance(given, int):
        return given
    fact = figure(given, public_by=public_by, hindsight=hindsight)
    return round(fact.money(policy.currency, end) * float(10**policy.digits))
