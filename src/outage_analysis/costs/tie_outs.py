"""Published sums, computed again by the code that computes everything else, beside what was printed.

A tie-out is a check of arithmetic, not a run: it ignores the as-of date, except that rows resting on
later facts are marked as hindsight.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from outage_analysis.cube import EDGES, MEASURES, Cube
from outage_analysis.errors import UsageError
from outage_analysis.incidents import Incident, TieOut
from outage_analysis.payouts import payments
from outage_analysis.policies import FeeCredit, InKind, Policy, Schedule
from outage_analysis.published import Fact, figure

SCHEMA: dict[str, pl.DataType] = {
    "id": pl.String(),
    "computed": pl.Float64(),
    "printed": pl.Float64(),
    "unit": pl.String(),
    "status": pl.String(),
    "as_expected": pl.Boolean(),
    "hindsight": pl.Boolean(),
    "facts": pl.String(),
}


def tie_outs(incident: Incident, policy: Policy, *, as_of: date) -> pl.DataFrame:
    """Every tie-out of an incident whose cost lines the policy has.

    Returns:
        One row a tie-out: `computed` and `printed` in `unit`; `status` is ties or differs;
        `as_expected` says whether that is what the incident's page declares; `hindsight` marks rows
        that rest on facts later than `as_of`.
    """
    lines = {line.id for line in policy.lines}
    rows = [_row(t, policy, as_of) for t in incident.tie_outs if lines.issuperset(t.lines)]
    return pl.DataFrame(rows, schema=SCHEMA).with_columns(pl.col(pl.Float64).round_sig_figs(10))


def _row(tie: TieOut, policy: Policy, as_of: date) -> dict[str, object]:
    computed = _computed(tie, policy)
    printed, cited = _printed(tie)
    gap = computed - printed
    ties = gap >= 0 if tie.at_least else abs(gap) <= tie.tolerance
    used = [figure(f, hindsight=True) for f in dict.fromkeys((*tie.of, *cited, *tie.facts))]
    status = "ties" if ties else "differs"
    return {
        "id": tie.id,
        "computed": float(computed),
        "printed": printed,
        "unit": tie.unit,
        "status": status,
        "as_expected": status == tie.expect,
        "hindsight": any(f.public_on is None or f.public_on > as_of for f in used),
        "facts": " ".join(f.id for f in used),
    }


def _printed(tie: TieOut) -> tuple[float, tuple[str, ...]]:
    if tie.printed_value is not None:
        return float(tie.printed_value), ()
    fact = figure(tie.printed, hindsight=True)
    value = {"value": fact.value, "low": fact.low, "high": fact.high}[tie.end]
    if value is None:
        raise UsageError(f"the tie-out {tie.id} needs the {tie.end} of {fact.id}, which it has not")
    return value, (fact.id,)


def _computed(tie: TieOut, policy: Policy) -> float:
    values = [figure(f, hindsight=True) for f in tie.of]
    if tie.kind == "payments":
        return sum(_paid(policy, line, tie.loss, values[0]) for line in tie.lines)
    if tie.kind == "face_value":
        goods = [policy.line(line) for line in tie.lines]
        return sum(figure(str(g.recipients)).whole * g.unit_value for g in goods if isinstance(g, InKind))
    if tie.kind == "fee":
        credits_ = [policy.line(line) for line in tie.lines]
        return float(sum(c.computed for c in credits_ if isinstance(c, FeeCredit)))
    numbers = [v.number for v in values]
    if tie.kind == "sum":
        return sum(numbers)
    if tie.kind == "figure":
        return numbers[0]
    quotient = numbers[0] / (numbers[1] if len(numbers) > 1 else 1)
    return quotient * tie.scale


def _paid(policy: Policy, line_id: str, loss: int | None, count: Fact) -> float:
    """What a schedule pays to `count` claims that each lost `loss`, through a cube of one row."""
    line = policy.line(line_id)
    if not isinstance(line, Schedule) or loss is None:
        raise UsageError("a payments tie-out names a schedule and a loss", value=line_id)
    entitled = {d: values[0] for d, values in line.eligibility.items()}
    row = {
        **entitled,
        "over": loss - 1,
        "up_to": loss,
        "claims": count.whole,
        "loss": loss * count.whole,
        "loss_squared": None,
    }
    schema = {**dict.fromkeys(entitled, pl.String), **EDGES, **MEASURES}
    cube = Cube(pl.DataFrame([row], schema=schema), tuple(entitled), synthetic=False, source=count.id)
    only = policy.model_copy(update={"lines": (line,)})
    return float(payments(cube, only)["payment"].sum())
