"""Cost lines from published counts: schedules, free goods, fee credits, and the handling of claims."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from outage_analysis.assumptions import Handling
from outage_analysis.costs.funnel import Funnel, Input, cost_status, join_ids, product_or_none
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import Band, Fact, get_fact
from outage_analysis.policies import CostLine, FeeCredit, InKind, Schedule

Row = dict[str, object]


def schedule_rows(line: Schedule, funnel: Funnel, as_of: date) -> Iterator[Row]:
    """Yield the cost rows of a schedule: its published count, split over the bands by the ledger's mix."""
    head: Row = {
        "basis": "published",
        "line": line.id,
        "valuation": "cash",
        "level": "line",
        "rule": "schedule",
        "claimant_type": " ".join(line.eligibility.get("claimant_type", ())) or None,
    }
    count = public_fact(line.published_count, as_of)
    if count is None:
        status = "not_public_yet" if line.published_count else "not_published"
        yield {**head, "status": status, "facts": " ".join(line.facts)}
        return
    positive = line.positive_bands
    pays = {band: funnel.payment(line, band, rule) for band, rule in positive}
    cited = {"facts": " ".join((count.id, *line.facts))}
    yield head | cited | _line_total(line, funnel, count.count, pays)
    if funnel.mean_payment is not None:  # a stated mean payment gives no cost per band
        return
    for band, rule in positive:
        claims = product_or_none(count.count, funnel.mix.get(band))
        one = pays[band] * funnel.paid
        expected = product_or_none(claims, one.expected)
        yield head | {
            "level": "band",
            "over": band[0],
            "up_to": band[1],
            "rule": rule.outcome,
            "count": claims,
            "promised": None if rule.review else product_or_none(claims, pays[band].expected),
            "low": 0.0,
            "expected": expected,
            "high": product_or_none(count.count, one.high),
            "most": product_or_none(count.count, one.most),
            "status": cost_status(expected),
            "facts": " ".join((count.id, *rule.facts)),
            "assumptions": join_ids(one.assumption, funnel.mix_assumption),
        }


def public_fact(fact: str | None, as_of: date) -> Fact | None:
    """Return the fact with an id; None if there is no id or the fact was not public by `as_of`."""
    try:
        return get_fact(fact, public_by=as_of) if fact else None
    except ModelRefused:
        return None


def _line_total(line: Schedule, funnel: Funnel, count: int, pays: dict[Band, Input]) -> Row:
    paid = funnel.paid
    expected = product_or_none(count, paid.expected, _mean_payment(funnel, pays))
    fixed = [pays[band].high for band, rule in line.positive_bands if not rule.review]
    return {
        "count": float(count),
        "promised": product_or_none(count, _largest(fixed)),
        "low": count * paid.low * min(pay.low for pay in pays.values()),
        "expected": expected,
        "high": product_or_none(count, paid.high, _largest([pay.high for pay in pays.values()])),
        "most": product_or_none(count, paid.most, _largest([pay.most for pay in pays.values()])),
        "status": cost_status(expected),
        "missing": funnel.missing(review=any(rule.review for _, rule in line.positive_bands), mix=True),
        "assumptions": join_ids(paid.assumption, *_payment_assumptions(funnel)),
    }


def _mean_payment(funnel: Funnel, pays: dict[Band, Input]) -> float | None:
    """Return the mean payment per accepted claim; None if the payment of any band is unknown."""
    if funnel.mean_payment is not None:
        return funnel.mean_payment.expected
    each = [(share, pays[band].expected) for band, share in funnel.mix.items()]
    known = [(share, pay) for share, pay in each if pay is not None]
    if not known or len(known) < len(each):
        return None
    payments = [pay for _, pay in known]
    # Rounding must not move the mean outside the range of the payments.
    return min(max(sum(share * pay for share, pay in known), min(payments)), max(payments))


def _largest(amounts: list[float | None]) -> float | None:
    """Return the largest amount; None if there are no amounts or an amount has no limit (None)."""
    known = [amount for amount in amounts if amount is not None]
    return max(known) if known and len(known) == len(amounts) else None


def _payment_assumptions(funnel: Funnel) -> tuple[str, ...]:
    if funnel.mean_payment is not None:
        return (funnel.mean_payment.assumption,)
    return funnel.award.assumption, funnel.mix_assumption


def in_kind_rows(line: InKind, funnel: Funnel, as_of: date) -> Iterator[Row]:
    """Yield the cost rows of a free good: one at face value, and one per other valuation of the policy.

    The ledger states the share of people who take the good; the cap limits their number.
    """
    people, cap = public_fact(line.recipients, as_of), public_fact(line.cap, as_of)
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
            "facts": join_ids(line.recipients or "", line.cap or "", *line.facts),
        }
        if later or people is None or worth is None:
            status = "not_public_yet" if later else "unpriced" if worth is None else "not_published"
            yield {**head, "status": status}
            continue
        served = people.count if cap is None else min(people.count, cap.count)
        taken = funnel.people_served(people.count, served)
        expected = None if taken.expected is None else taken.expected * worth
        yield {
            **head,
            "count": float(people.count),
            "promised": float(served * worth),
            "low": taken.low * worth,
            "expected": expected,
            "high": (served if taken.high is None else taken.high) * worth,
            "most": product_or_none(taken.most, worth),
            "status": cost_status(expected),
            "assumptions": taken.assumption,
        }


def fee_credit_row(line: FeeCredit, funnel: Funnel, as_of: date) -> Row:
    """Return the cost row of a fee credit; it has bounds at most if the subscribers were not published."""
    people, most = public_fact(line.recipients, as_of), public_fact(line.recipients_high, as_of)
    head: Row = {
        "basis": "published",
        "line": line.id,
        "valuation": "cash",
        "level": "line",
        "rule": "fee_credit",
        "facts": join_ids(line.recipients or "", *line.facts, line.recipients_high or ""),
    }
    if line.payment is None:
        return {**head, "status": "unpriced"}
    paid = funnel.paid
    highest_share = 1.0 if paid.high is None else paid.high
    if people is None:
        later = (line.recipients and not people) or (line.recipients_high and not most)
        status = "not_public_yet" if later else "not_published"
        if most is None:
            return {**head, "status": status}
        full = float(most.count * line.payment)
        return {
            **head,
            "low": 0.0,
            "high": full * highest_share,
            "most": product_or_none(full, paid.most),
            "status": status,
            "assumptions": paid.assumption,
        }
    full = float(people.count * line.payment)
    largest = max(people.count, most.count if most else 0)
    expected = None if paid.expected is None else full * paid.expected
    return {
        **head,
        "count": float(people.count),
        "promised": full,
        "low": full * paid.low,
        "expected": expected,
        "high": full * highest_share,
        "most": product_or_none(largest * line.payment, paid.most),
        "status": cost_status(expected),
        "assumptions": paid.assumption,
    }


def handling_rows(line: CostLine, funnel: Funnel) -> Iterator[Row]:
    """Yield the row for the cost of handling the claims of a line, if the ledger states this cost."""
    entry = funnel.entries.get("handling")
    if isinstance(entry, Handling):
        effort = entry.range
        yield {
            "basis": "published",
            "line": line.id,
            "valuation": "handling",
            "level": "line",
            "rule": "handling",
            "low": effort.low,
            "expected": effort.expected,
            "high": effort.high,
            "most": entry.most,
            "status": "ok",
            "facts": " ".join(entry.facts),
            "assumptions": entry.id,
        }
