"""Results that need only a policy: payments at band edges, and reconciliation with published amounts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import bundled_ids
from outage_analysis.incidents import TieOut, get_fact, is_currency
from outage_analysis.policies import (
    SHARE_DIGITS,
    SHARE_SCALE,
    CostLine,
    Policy,
    PolicyExplainer,
    Tariff,
    load_policy,
    recomputed_amount,
    stated_amounts,
)
from outage_analysis.text import TABLE_DIGITS, Locale, schema_of


def reconciliation_table(ties: Sequence[TieOut], policy: Policy, *, as_of: date) -> pl.DataFrame:
    """Recompute and compare each published amount, if the policy has all cost lines that it covers.

    Returns:
        One row per tie-out: the `computed` amount (null if the payment is under review), the `printed`
        amount, both in `unit`, and the `relation` that they should have. `status` is `ties` or `differs`;
        `as_expected` is whether the tie-out declares this status as expected; `hindsight` marks rows that use
        facts later than `as_of`.
    """
    ids, rows = {line.id for line in policy.lines}, []
    for tie in (tie for tie in ties if ids.issuperset(tie.lines)):
        computed = _computed_value(tie, policy)
        printed, cited = tie.printed_value, [tie.printed] if tie.printed else []
        if printed is None:
            fact = get_fact(tie.printed, hindsight=True)
            printed = {"value": fact.value, "low": fact.low, "high": fact.high}[tie.end]
            if printed is None:
                raise UsageError(f"the tie-out {tie.id} needs the {tie.end} of {fact.id}, which it has not")
        gap = math.nan if computed is None else computed - printed
        ties_in = abs(gap) <= tie.tolerance or (tie.at_least and gap > 0) or (tie.at_most and gap < 0)
        status = "ties" if ties_in else "differs"
        lines = [policy.line(id_) for id_ in tie.lines]
        used = [get_fact(f, hindsight=True) for f in dict.fromkeys((*tie.of, *cited, *tie.facts))]
        behind = [get_fact(f, hindsight=True) for line in lines for f in line.numeric_facts]
        later = any(fact.public_on is None or fact.public_on > as_of for fact in (*used, *behind))
        rows.append(
            {
                "id": tie.id,
                "computed": computed,
                "relation": "≥" if tie.at_least else "≤" if tie.at_most else "≈" if tie.tolerance else "=",
                "printed": float(printed),
                "unit": tie.unit,
                "status": status,
                "as_expected": status == tie.expect,
                "hindsight": later or not all(line.known_on(as_of) for line in lines),
                "facts": " ".join(fact.id for fact in used),
            }
        )
    table = schema_of("policy.tie_outs").frame(rows)
    return table.with_columns(pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS))


def _computed_value(tie: TieOut, policy: Policy) -> float | None:
    facts = [get_fact(f, hindsight=True) for f in tie.of]
    numbers = [fact.number for fact in facts]
    stranger = next(
        (f for f in facts if is_currency(f.unit) and is_currency(tie.unit) and f.unit != tie.unit), None
    )
    if stranger is not None and tie.kind != "ratio":
        raise UsageError(
            f"the tie-out {tie.id} mixes {stranger.unit} with {tie.unit}",
            value=stranger.id,
            remedy="A tie-out adds up amounts in one currency only.",
        )
    if tie.kind == "sum":
        return sum(numbers)
    if tie.kind == "figure":
        return numbers[0]
    if tie.kind == "ratio":
        return numbers[0] / (sum(numbers[1:]) or 1) * tie.scale
    count = facts[0].count if facts else None
    amounts = [_line_amount(tie, policy, line, count) for line in tie.lines]
    known = [amount for amount in amounts if amount is not None]
    return float(sum(known) / 10**policy.digits) if len(known) == len(amounts) else None


def _line_amount(tie: TieOut, policy: Policy, id_: str, count: int | None) -> Fraction | None:
    """Return what a line pays in a tie-out, in the smallest unit; None if a review decides it."""
    schedule = policy.schedule(id_) if tie.kind == "payments" else None
    if schedule and not schedule.segments and count is not None and tie.loss is not None:
        payment = schedule.tariff.pay(tie.loss)
        return None if payment is None else payment * count
    amount = recomputed_amount(policy.line(id_), tie.kind, count)
    if amount is None:
        raise UsageError(
            f"the tie-out {tie.id} cannot be computed from the line",
            value=id_,
            remedy="It needs a line of its kind with an amount, without segments.",
        )
    return Fraction(policy.resolve_amount(amount)) if isinstance(amount, str) else amount


def policy_result(policy: Policy, *, as_of: date | None = None) -> dict[str, Any]:
    """Return the payments and the reconciliation of a policy as a dictionary that JSON can store.

    Args:
        policy: the policy.
        as_of: leave out amounts that use later facts; by default nothing is left out.

    Returns:
        `lines`: what each line pays per claimant at every band edge, in whole currency as text;
        `tie_outs`: each published amount beside the recomputed one; `missing`: what was not published.
    """
    ties = policy_reconciliation(policy, as_of)
    return {
        "policy": policy.id,
        "currency": policy.currency,
        "lines": {line.id: _line_result(line, policy, as_of) for line in policy.lines},
        "tie_outs": ties.drop("as_expected", "hindsight").to_dicts(),
        "missing": [text.en for text in policy.missing],
    }


def policy_reconciliation(policy: Policy, as_of: date | None) -> pl.DataFrame:
    """Return the reconciliation of a policy; if `as_of` is given, without the rows that use later facts."""
    ties = reconciliation_table(policy.tie_outs, policy, as_of=as_of or date.max)
    return ties if as_of is None else ties.filter(~pl.col("hindsight"))


def _line_result(line: CostLine, policy: Policy, as_of: date | None) -> dict[str, Any]:
    schedule = policy.schedule(line.id)
    if schedule is not None:
        segments = {
            s.id: _payments_at_edges(t, policy)
            for s, (_, t) in zip(schedule.segments, schedule.tariffs, strict=False)
        }
        return {**_payments_at_edges(schedule.tariff, policy), **({"segments": segments} if segments else {})}
    return {
        name: {day: _amount_with_fact(each, policy, as_of) for day, each in amount.items()}
        if isinstance(amount, dict)
        else _amount_with_fact(amount, policy, as_of)
        for name, amount in stated_amounts(line, as_of or date.max).items()
    }


def _amount_with_fact(stated: int | str | None, policy: Policy, as_of: date | None) -> str | None:
    """Return an amount in whole currency with the id of its fact; only the id if the fact is not public."""
    try:
        amount = None if stated is None else policy.resolve_amount(stated, as_of, hindsight=True)
    except ModelRefused:
        return str(stated)
    formatted = _format_amount(amount, policy)
    return f"{formatted} ({stated})" if isinstance(stated, str) else formatted


def _payments_at_edges(tariff: Tariff, policy: Policy) -> dict[str, str]:
    """Return the payment for losses on both sides of every band edge, and for zero and unknown losses."""
    edges = sorted({0, 1, *(x for cut in tariff.cuts for x in (cut, cut + 1))})
    losses: dict[str, int | None] = {"unknown": None, **{str(x): x for x in edges}}
    pays = {name: _format_amount(tariff.pay(x), policy) or "review" for name, x in losses.items()}
    return pays if tariff.unknown else pays | {"unknown": "no rule"}


def _format_amount(value: Fraction | int | None, policy: Policy) -> str | None:
    """Format an amount exactly, in whole currency."""
    if value is None:
        return None
    exact = Decimal((Fraction(value) * SHARE_SCALE).numerator).scaleb(-SHARE_DIGITS - policy.digits)
    return f"{exact.normalize():f}"


def reconciliation_summary(policy: Policy, locale: Locale) -> str:
    """Count the published amounts that the policy reproduces, as text such as `3 tie, 1 differ`.

    The text is empty if the policy names no published amount.
    """
    statuses = reconciliation_table(policy.tie_outs, policy, as_of=date.max)["status"].to_list()
    ties, differ = statuses.count("ties"), statuses.count("differs")
    if not statuses:
        return ""
    if not differ:
        return locale("terminal.ties", ties=ties)
    return locale("terminal.ties_differ", ties=ties, differ=differ)


def overview(lang: str = "en") -> pl.DataFrame:
    """List the bundled policies, one row per policy.

    Args:
        lang: the language of the texts.

    Returns:
        `policy`, `currency`, `lines` (how many), `public_from`, `ties` and `name`. `ties` is the text of
        `reconciliation_summary`.
    """
    rows = []
    for id_ in bundled_ids("policies"):
        policy = load_policy(id_)
        first = min((line.public_on for line in policy.lines if line.public_on), default=None)
        summary = reconciliation_summary(policy, Locale(lang))
        rows.append((id_, policy.currency, len(policy.lines), first, summary, policy.name[lang]))
    return schema_of("policy.overview").frame(rows)


def line_table(policy: Policy, lang: str = "en") -> pl.DataFrame:
    """List the cost lines of a policy, one row per line.

    Args:
        policy: the policy.
        lang: the language of the texts.

    Returns:
        `line`, `kind`, `public_on`, `effort`, `least`, `most`, `unit` and `unknown`. `least` and `most` are
        the payment per recipient in whole currency; null if the line states no amount or no limit. `unknown`
        is what a schedule pays for a claim without a stated loss.
    """
    locale = Locale(lang, policy.currency, policy.digits)
    teller = PolicyExplainer(policy, locale)
    rows = []
    for line in policy.lines:
        schedule = policy.schedule(line.id)
        least, most = line.payment_range
        ends = [None if x is None else float(x / 10**policy.digits) for x in (least, most)]
        rows.append(
            (
                *(line.id, locale(f"word.{line.kind}"), line.public_on, line.effort, *ends, policy.currency),
                schedule and teller.rule_text(schedule.unknown),
            )
        )
    return schema_of("policy.lines").frame(rows)
