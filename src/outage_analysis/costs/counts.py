"""Cost lines from published counts: schedules, free goods, fee credits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from outage_analysis.bands import Band
from outage_analysis.costs.funnel import Funnel, Input, named, status_of
from outage_analysis.errors import ModelRefused
from outage_analysis.policies import FeeCredit, InKind, Schedule
from outage_analysis.published import figure


def from_count(line: Schedule, funnel: Funnel, as_of: date) -> Iterator[dict[str, object]]:
    """A schedule from the published count that it cites, spread over its bands by the ledger's mix."""
    head = {
        "basis": "published",
        "line": line.id,
        "valuation": "cash",
        "level": "line",
        "rule": "schedule",
        "claimant_type": " ".join(line.eligibility.get("claimant_type", ())) or None,
    }
    try:
        count = figure(line.published_count, public_by=as_of) if line.published_count else None
    except ModelRefused:
        count = None
    if count is None:
        status = "not_public_yet" if line.published_count else "not_published"
        yield {**head, "status": status, "facts": " ".join(line.facts), "low": 0.0}
        return
    positive = line.positive
    pays = {band: funnel.payment(band, rule) for band, rule in positive}
    cited = {"facts": " ".join((count.id, *line.facts))}
    yield head | cited | _line_total(line, funnel, count.whole, pays)
    for band, rule in positive:
        share = funnel.mix.get(band)
        one = pays[band] * funnel.paid
        expected = None if share is None or one.expected is None else count.whole * share * one.expected
        yield head | {
            "level": "band",
            "over": band[0],
            "up_to": band[1],
            "rule": "review" if rule.review else "pays",
            "count": None if share is None else count.whole * share,
            "promised": None if rule.review or share is None else count.whole * share * rule.fixed,
            "low": 0.0,
            "expected": expected,
            "high": None if one.high is None else count.whole * one.high,
            "status": status_of(expected),
            "facts": " ".join((count.id, *rule.facts)),
            "assumptions": named(one.assumption, funnel.mix_assumption),
        }


def _line_total(line: Schedule, funnel: Funnel, count: int, pays: dict[Band, Input]) -> dict[str, object]:
    paid = funnel.paid
    terms = [
        None if pay.expected is None or paid.expected is None else share * pay.expected * paid.expected
        for band, share in funnel.mix.items()
        for pay in [pays[band]]
    ]
    expected = None if not terms or None in terms else count * sum(t for t in terms if t is not None)
    highs = [pay.high for pay in pays.values()]
    top = None if None in highs or paid.high is None else max(h for h in highs if h is not None)
    return {
        "count": float(count),
        "promised": float(count * line.largest_fixed),
        "low": count * paid.low * min(pay.low for pay in pays.values()),
        "expected": expected,
        "high": None if top is None or paid.high is None else count * paid.high * top,
        "status": status_of(expected),
        "missing": funnel.missing(review=any(rule.review for _, rule in line.positive), mix=True),
        "assumptions": named(paid.assumption, funnel.award.assumption, funnel.mix_assumption),
    }


def in_kind(line: InKind, funnel: Funnel, as_of: date) -> dict[str, object]:
    """A free good at list price; the ledger says which share takes it up."""
    head = {
        "basis": "published",
        "line": line.id,
        "valuation": "face_value",
        "level": "line",
        "rule": "in_kind",
    }
    if line.recipients is None:
        return {**head, "status": "not_published", "facts": " ".join(line.facts)}
    try:
        people = figure(line.recipients, public_by=as_of)
    except ModelRefused:
        return {**head, "status": "not_public_yet", "facts": line.recipients}
    full = float(people.whole * line.unit_value)
    share = funnel.take_up
    return {
        **head,
        "count": float(people.whole),
        "promised": full,
        "low": full * share.low,
        "expected": None if share.expected is None else full * share.expected,
        "high": full * (1.0 if share.high is None else share.high),
        "status": status_of(share.expected),
        "facts": named(people.id, *line.facts),
        "assumptions": share.assumption,
    }


def fee_credit(line: FeeCredit, funnel: Funnel, as_of: date) -> dict[str, object]:
    """A fee handed back: exact when the subscribers were counted, else at most bounded."""
    head = {
        "basis": "published",
        "line": line.id,
        "valuation": "cash",
        "level": "line",
        "rule": "fee_credit",
        "facts": " ".join(line.facts),
    }
    paid = funnel.paid
    try:
        if line.recipients is not None:
            people = figure(line.recipients, public_by=as_of).whole
            full = float(people * line.payment)
            return {
                **head,
                "count": float(people),
                "promised": full,
                "low": full * paid.low,
                "expected": None if paid.expected is None else full * paid.expected,
                "high": full * (1.0 if paid.high is None else paid.high),
                "status": status_of(paid.expected),
                "facts": " ".join((line.recipients, *line.facts)),
                "assumptions": paid.assumption,
            }
        bound = figure(line.recipients_high, public_by=as_of).whole if line.recipients_high else None
    except ModelRefused:
        bound = None
    most = None if bound is None else float(bound * line.payment)
    cited = " ".join((*line.facts, line.recipients_high or "")).strip()
    return {**head, "low": 0.0, "high": most, "status": "not_published", "facts": cited}
