"""Reconciliation: published amounts, recomputed by this model and compared with the results.

A tie-out checks the arithmetic of one published amount. It uses facts of any date. A row that uses facts
later than the as-of date is marked as hindsight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

import polars as pl

from outage_analysis.costs.claim_payments import payments
from outage_analysis.errors import UsageError
from outage_analysis.incidents import Fact, TieOut, get_fact, is_currency
from outage_analysis.losses import EDGES, MEASURES, Cube
from outage_analysis.policies import Policy, Schedule
from outage_analysis.text import FACTS, TABLE_DIGITS, Column, TableSchema

TIE_OUTS: TableSchema = TableSchema(
    "One row per published amount that the model recomputes.",
    (
        Column("id", "name", "Id of the comparison.", label="tie_out"),
        Column("computed", "stated", "The recomputed amount; empty if the payment is decided by review."),
        Column("relation", "text", "How the two amounts should compare: =, ≈, ≤ or ≥."),
        Column("printed", "stated", "The published amount."),
        Column("unit", "unit", "Unit of both amounts."),
        Column("status", "word", "ties or differs."),
        Column("as_expected", "flag", "Whether the document declares this status.", shown=False),
        Column("hindsight", "flag", "Whether it uses facts later than the day of the analysis.", shown=False),
        replace(FACTS, shown=False),
    ),
)


def reconciliation_table(ties: Sequence[TieOut], policy: Policy, *, as_of: date) -> pl.DataFrame:
    """Recompute and compare each published amount, if the policy has all cost lines that it covers.

    Returns:
        One row per tie-out: the `computed` amount (null if the payment is under review), the `printed`
        amount, both in `unit`, and the `relation` that they should have. `status` is `ties` or `differs`;
        `as_expected` is whether the tie-out declares this status as expected; `hindsight` marks rows that use
        facts later than `as_of`.
    """
    lines = {line.id for line in policy.lines}
    rows = [_row(t, policy, as_of) for t in ties if lines.issuperset(t.lines)]
    return pl.DataFrame(rows, schema=TIE_OUTS.dtypes).with_columns(
        pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS)
    )


def _row(tie: TieOut, policy: Policy, as_of: date) -> dict[str, object]:
    computed = _computed_value(tie, policy)
    printed, cited = _printed_value(tie)
    gap = math.nan if computed is None else computed - printed
    ties = abs(gap) <= tie.tolerance or (tie.at_least and gap > 0) or (tie.at_most and gap < 0)
    used = [get_fact(f, hindsight=True) for f in dict.fromkeys((*tie.of, *cited, *tie.facts))]
    lines = [policy.line(id_) for id_ in tie.lines]
    behind = [get_fact(f, hindsight=True) for line in lines for f in line.numeric_facts]
    status = "ties" if ties else "differs"
    return {
        "id": tie.id,
        "computed": computed,
        "relation": "≥" if tie.at_least else "≤" if tie.at_most else "≈" if tie.tolerance else "=",
        "printed": printed,
        "unit": tie.unit,
        "status": status,
        "as_expected": status == tie.expect,
        "hindsight": any(f.public_on is None or f.public_on > as_of for f in (*used, *behind))
        or not all(line.known_on(as_of) for line in lines),
        "facts": " ".join(f.id for f in used),
    }


def _printed_value(tie: TieOut) -> tuple[float, tuple[str, ...]]:
    if tie.printed_value is not None:
        return float(tie.printed_value), ()
    fact = get_fact(tie.printed, hindsight=True)
    value = {"value": fact.value, "low": fact.low, "high": fact.high}[tie.end]
    if value is None:
        raise UsageError(f"the tie-out {tie.id} needs the {tie.end} of {fact.id}, which it has not")
    return value, (fact.id,)


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
    total = Fraction(0)
    for line in tie.lines:
        amount = _line_amount(tie, policy, line)
        if amount is None:
            return None
        total += amount
    return float(total / 10**policy.digits)


def _line_amount(tie: TieOut, policy: Policy, id_: str) -> Fraction | None:
    line = policy.line(id_)
    count = get_fact(tie.of[0], hindsight=True) if tie.of else None
    loss = tie.loss if tie.kind == "payments" else None
    schedule = policy.schedule(id_)
    if schedule is not None and not schedule.segments and count and loss is not None:
        return _schedule_payment(policy, schedule, loss, count)
    amount = line.recomputed_amount(tie.kind, count.count if count else None)
    if amount is not None:
        return Fraction(policy.resolve_amount(amount)) if isinstance(amount, str) else amount
    raise UsageError(
        f"the tie-out {tie.id} cannot be computed from the line",
        value=id_,
        remedy="It needs a line of its kind with an amount, without segments.",
    )


def _schedule_payment(policy: Policy, line: Schedule, loss: int, count: Fact) -> Fraction | None:
    # The function builds a cube with one row, so that `payments` computes the amount as for any other cube.
    entitled = {d: values[0] for d, values in line.eligibility.items()}
    row = {
        **entitled,
        "over": loss - 1,
        "up_to": loss,
        "claims": count.count,
        "loss": loss * count.count,
        "loss_squared": None,
    }
    schema = {**dict.fromkeys(entitled, pl.String), **EDGES, **MEASURES}
    frame = pl.DataFrame([row], schema=schema)
    by_claimant = line.id if line.grain == "claimant" else None
    cube = Cube(frame, tuple(entitled), synthetic=False, source=count.id, line=by_claimant)
    only = policy.model_copy(update={"lines": (line,)})
    paid = payments(cube, only)["payment"].item()
    return None if paid is None else Fraction(str(paid))
