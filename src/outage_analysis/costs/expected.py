"""The cost table: promised, low, expected, high and most by cost line, service and loss band.

`low` and `high` bound the expected cost: all inputs are at their low ends, or all at their high ends.
They are not quantiles, and the total may lie outside them. `most` bounds the total: every claim gets its
largest payment.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import polars as pl

from outage_analysis.assumptions import Assumption, BandMix, Ledger, PaidTotal
from outage_analysis.costs.budgets import budget_row
from outage_analysis.costs.claim_payments import NO_RULE, cube_fits_line, payments
from outage_analysis.costs.funnel import Funnel, Input, build_funnel, cost_status, join_ids
from outage_analysis.costs.published_counts import (
    fee_credit_row,
    handling_rows,
    in_kind_rows,
    public_fact,
    schedule_rows,
)
from outage_analysis.costs.schemas import COSTS
from outage_analysis.incidents import ids_public_by
from outage_analysis.losses import Cube, sum_or_null
from outage_analysis.policies import Budget, CostLine, FeeCredit, InKind, Policy, Schedule

SIGNIFICANT_DIGITS = 10
"""Floats are rounded to this many digits, because vector instructions differ in the last bits."""
MOST_DIGITS = 15
"""Digits of `most`; rounded to fewer digits, this upper bound could fall below the total."""


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
        The columns of `COSTS`, in the smallest unit of the currency: one row per line (per line and
        valuation for a free good), and one row per line, service, claimant type and band.
    """
    lines, _ = policy.public_by(as_of)
    rows: list[dict[str, object]] = []
    for line in lines:
        funnel = build_funnel(line, ledger, as_of)
        known = funnel.entries.get("paid_total")
        if isinstance(known, PaidTotal) and not cubes:
            rows.append(_known_total_row(line, known, as_of))
        elif cubes:
            rows += cube_rows(line, funnel, cubes, policy) if isinstance(line, Schedule) else ()
        else:
            rows += _published_rows(line, funnel, as_of, policy)
            rows += handling_rows(line, funnel)
    table = pl.DataFrame(rows, schema=COSTS.dtypes)
    cited = {ids: ids_public_by(ids, as_of) for ids in table["facts"].drop_nulls().unique()}
    return _round_amounts(table.with_columns(pl.col("facts").replace(cited)))


def _round_amounts(table: pl.DataFrame) -> pl.DataFrame:
    *expected, most = MODELLED
    return table.with_columns(
        pl.col(expected).round_sig_figs(SIGNIFICANT_DIGITS), pl.col(most).round_sig_figs(MOST_DIGITS)
    )


def _published_rows(
    line: CostLine, funnel: Funnel, as_of: date, policy: Policy
) -> Iterable[dict[str, object]]:
    if isinstance(line, Schedule):
        return schedule_rows(line, funnel, as_of)
    if isinstance(line, InKind):
        return in_kind_rows(line, funnel, as_of)
    if isinstance(line, FeeCredit):
        return (fee_credit_row(line, funnel, as_of),)
    return (budget_row(line, funnel, as_of, policy),)


def _known_total_row(line: CostLine, known: PaidTotal, as_of: date) -> dict[str, object]:
    """Return the cost row of a line whose total payments are known."""
    counts = line.published_count if isinstance(line, Schedule) else getattr(line, "recipients", None)
    count, cost = public_fact(counts, as_of), known.range
    return {
        "basis": "published",
        "line": line.id,
        "valuation": line_valuation(line),
        "level": "line",
        "rule": line.kind,
        "count": None if count is None else float(count.count),
        "low": cost.low,
        "expected": cost.expected,
        "high": cost.high,
        "most": known.most,
        "status": "ok",
        "facts": join_ids(count.id if count else "", *known.facts),
        "assumptions": known.id,
    }


def line_valuation(line: CostLine) -> str:
    """Return the valuation of a line: `cash`, `face_value` for a free good, or the valuation of a budget."""
    if isinstance(line, InKind):
        return "face_value"
    return line.valuation if isinstance(line, Budget) else "cash"


HAS_AMOUNT = pl.any_horizontal(pl.col("count", "promised", "expected", "high").is_not_null())
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
            *(_whole_sum(name) for name in MODELLED),
            left_out=pl.col("line").filter(~known).str.join(" "),
        )
        .select("basis", "valuation", "promised", *MODELLED, "left_out")
    )
    return _round_amounts(sums)


def _whole_sum(name: str) -> pl.Expr:
    """Return an expression for the sum of a column over the included lines.

    The sum is null if an included line has no value, or if no line is included.
    """
    counted = pl.col(name).filter("summed")
    return pl.when(pl.col("summed").any() & (counted.null_count() == 0)).then(counted.sum()).alias(name)


def assumption_ids(table: pl.DataFrame) -> frozenset[str]:
    """Return the ids of the assumptions that the figures of a cost table depend on."""
    return frozenset(id_ for ids in table["assumptions"].drop_nulls().unique() for id_ in ids.split())


def by_band(table: pl.DataFrame) -> pl.DataFrame:
    """Add up the services and claimant types of a cost table: one row per line, and one per line and band.

    Adding up `low` (or `high`) is valid, because in every row all inputs are at their low (or high) ends.

    Returns:
        The columns of `COSTS`. Lines keep their order and come before their bands; the band of zero losses
        is first, the band of unknown losses last.
    """
    keys = ("basis", "line", "valuation", "level", "segment", "over", "up_to", "rule")
    rows = table.group_by(keys, maintain_order=True).agg(
        *map(sum_or_null, ("count", "promised", *MODELLED)),
        pl.col("status").first(),
        pl.col("missing").first(),
        pl.col("facts", "assumptions").max(),  # the same in all rows of a band, or empty if nothing is paid
        service=pl.lit(None, pl.String),
        claimant_type=pl.lit(None, pl.String),
    )
    lines = {line: place for place, line in enumerate(table["line"].unique(maintain_order=True))}
    unknown = pl.all_horizontal(pl.col("over", "up_to").is_null())
    rows = _round_amounts(rows.select(*COSTS))
    return rows.sort(
        pl.col("line").replace_strict(lines, return_dtype=pl.Int64),
        *(pl.col("level") != "line", "valuation", "segment", unknown, "over"),
        pl.col("up_to").is_null(),
        "up_to",
        "rule",
        nulls_last=False,
        maintain_order=True,
    )


def mix_fits_line(entry: Assumption, line: CostLine) -> bool:
    """Whether an assumption fits a line: a band mix must have the loss bands of the line; others fit."""
    if not isinstance(entry, BandMix) or not isinstance(line, Schedule):
        return True
    return [(b.over, b.up_to) for b in entry.bands] == [(b.over, b.up_to) for b in line.bands]


def ledger_for_policy(ledger: Ledger, policy: Policy) -> Ledger:
    """Return the ledger without band mixes whose loss bands differ from the bands of the policy."""
    lines = {line.id: line for line in policy.lines}
    kept = []
    for entry in ledger.assumptions:
        mine = tuple(id_ for id_ in entry.lines if id_ not in lines or mix_fits_line(entry, lines[id_]))
        if mine:
            kept.append(entry if mine == entry.lines else entry.model_copy(update={"lines": mine}))
    return ledger.model_copy(update={"assumptions": tuple(kept)})


KEYS = ("service", "claimant_type", "over", "up_to", "rule", "segment")
"""The columns that identify a row of a band."""
MODELLED = ("low", "expected", "high", "most")
"""The columns of a cost table that depend on the funnel."""
UNSTATED = "unstated"
"""The status of a line without an expected cost because most of its claims state no loss."""


def cube_rows(
    line: Schedule, funnel: Funnel, cubes: Sequence[Cube], policy: Policy
) -> Iterator[dict[str, object]]:
    """Yield the cost rows of a schedule from a cube: payments by loss band times the share of claims paid."""
    head: dict[str, object] = {
        "basis": "synthetic" if any(cube.synthetic for cube in cubes) else "claims",
        "line": line.id,
        "valuation": "cash",
        "level": "line",
        "rule": "schedule",
        "facts": " ".join(line.facts),
    }
    cube = next((cube for cube in cubes if cube_fits_line(line, cube)), None)
    if cube is None:  # the line pays per claimant, but totals only count claims
        yield head | {"status": "needs_claimants"}
        return
    facts = _facts_of_bands(line)
    bands = [
        head | _cube_row(row, funnel) | {"facts": facts.get((row["segment"], row["over"], row["up_to"]), "")}
        for row in _paid_by_band(line, funnel, cube, policy).iter_rows(named=True)
    ]
    sums = {name: _sum([b[name] for b in bands]) for name in MODELLED}
    yield {
        **head,
        **sums,
        "count": _sum([b["count"] for b in bands if b["rule"] != "not_entitled"]),
        "promised": _sum([b["promised"] for b in bands if b["rule"] != "review"]),
        "status": _status([b["status"] for b in bands], sums["expected"]),
        "missing": funnel.missing(review=any(b["rule"] == "review" for b in bands), mix=False),
        "assumptions": join_ids(funnel.paid_share_of_claims.assumption, funnel.award.assumption),
    }
    yield from bands


def _paid_by_band(line: Schedule, funnel: Funnel, cube: Cube, policy: Policy) -> pl.DataFrame:
    """Return the payments if every claim is accepted, by service, claimant type, band, rule and segment."""
    only = policy.model_copy(update={"lines": (line,)})
    award, largest = (None if x is None else math.ceil(x) for x in (funnel.award.high, funnel.award.most))
    frame = payments(cube, only, award=award)
    most = frame if largest == award else payments(cube, only, award=largest)
    frame = frame.with_columns(payment_most=most["payment_high"])
    for name in ("service", "claimant_type"):
        if name not in frame.columns:
            frame = frame.with_columns(pl.lit(None, pl.String).alias(name))
    return frame.group_by(KEYS, maintain_order=True).agg(
        pl.col("claims").sum(), *map(sum_or_null, ("payment", "payment_low", "payment_high", "payment_most"))
    )


def _facts_of_bands(line: Schedule) -> dict[tuple[str | None, int | None, int | None], str]:
    """Return the ids of the facts that each payment rule cites, by segment (or None) and loss band."""
    names = [*(s.id for s in line.segments), None]
    return {
        (name, *band): " ".join(rule.facts)
        for name, (_, tariff) in zip(names, line.tariffs, strict=True)
        for band, rule in tariff.rules()
    }


def _cube_row(row: dict[str, Any], funnel: Funnel) -> dict[str, object]:
    """Return the cost row of one loss band: its payments times the share of claims that are paid."""
    review = row["rule"] == "review"
    claims = float(str(row["claims"]))
    if not claims:
        cost = Input.certain(0.0)
    elif review:
        cost = Input.certain(claims) * funnel.award * funnel.paid_share_of_claims
    else:
        names = ("payment_low", "payment", "payment_high", "payment_most")
        low, mid, high, most = (_float(row[name]) for name in names)
        cost = Input(low or 0.0, mid, high, most) * funnel.paid_share_of_claims
        if mid == high == 0:  # a payment of 0 is certain without any assumption
            cost = Input.certain(0.0)
    return {
        "level": "band",
        **{key: row[key] for key in KEYS},
        "count": claims,
        "promised": None if review else _float(row["payment"]),
        "low": cost.low,
        "expected": cost.expected,
        "high": cost.high,
        "most": cost.most,
        "status": UNSTATED
        if row["rule"] == NO_RULE and row["payment"] is None
        else cost_status(cost.expected),
        "assumptions": cost.assumption,
    }


def _status(bands: list[object], expected: float | None) -> str:
    """Return `unstated` if any loss band of the line has this status, else the status by `cost_status`."""
    return UNSTATED if UNSTATED in bands else cost_status(expected)


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
    with_counts = lines.join(counts, on="line", how="inner", maintain_order="left")
    return with_counts.select("line", "unstated", "entitled", priced=pl.col("status") != UNSTATED)


def _float(value: object) -> float | None:
    return None if value is None else float(str(value))


def _sum(values: list[object]) -> float | None:
    """Return the sum of the values, or None if a value is unknown."""
    return None if None in values else sum(float(str(v)) for v in values)
