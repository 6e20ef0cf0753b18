"""The cost table: promised, low, expected and high by cost line, service and loss band.

Low and high are bounds: every input at its least or most at once. They are not quantiles and are
never to be read as a likely range.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl

from outage_analysis.assumptions import Ledger
from outage_analysis.bands import Band
from outage_analysis.costs.funnel import Funnel, Input, funnel_of
from outage_analysis.cube import Cube
from outage_analysis.errors import ModelRefused
from outage_analysis.payouts import payments
from outage_analysis.policies import FeeCredit, InKind, Policy, Schedule
from outage_analysis.published import figure

SCHEMA: dict[str, pl.DataType] = {
    "basis": pl.String(),
    "line": pl.String(),
    "valuation": pl.String(),
    "level": pl.String(),
    "service": pl.String(),
    "claimant_type": pl.String(),
    "over": pl.Int64(),
    "up_to": pl.Int64(),
    "rule": pl.String(),
    "count": pl.Float64(),
    "promised": pl.Float64(),
    "low": pl.Float64(),
    "expected": pl.Float64(),
    "high": pl.Float64(),
    "status": pl.String(),
    "facts": pl.String(),
    "assumptions": pl.String(),
}
"""Columns of a cost table. `level` is line or band: add up one level only. `valuation` is cash or
face_value: never add the two. `promised` is what everyone counted would get under the fixed rules."""

SIGNIFICANT_DIGITS = 10
"""Floats are rounded to this once, here: vector instructions differ in the last bits."""


def cost_table(
    policy: Policy, ledger: Ledger | None, *, as_of: date, cube: Cube | None = None
) -> pl.DataFrame:
    """What a policy costs, from published counts or from a cube of claims.

    Args:
        policy: the promises; lines not public by `as_of` are left out.
        ledger: the assumptions; without one there are bounds and no expected cost.
        as_of: only facts, lines and assumptions public by this day are used.
        cube: claims or totals by service, claimant type and band. Without it the counts are the
            published ones that the policy's lines cite.

    Returns:
        The columns of `SCHEMA`, in units of the currency; one row a line, and one a line, service,
        claimant type and band.
    """
    lines, _ = policy.public_by(as_of)
    rows: list[dict[str, object]] = []
    for line in lines:
        funnel = funnel_of(line, ledger, as_of)
        if isinstance(line, Schedule):
            rows += (
                _from_cube(line, funnel, cube, policy) if cube else _from_count(line, funnel, as_of)
            )
        elif cube is None:
            rows.append(_in_kind(line, funnel, as_of) if isinstance(line, InKind) else _fee(line, funnel, as_of))
    table = pl.DataFrame(rows, schema=SCHEMA)
    return table.with_columns(pl.col(pl.Float64).round_sig_figs(SIGNIFICANT_DIGITS))


def totals(table: pl.DataFrame) -> pl.DataFrame:
    """Sums over cost lines, one row a basis and valuation; a line without a figure is counted as left out."""
    lines = table.filter(pl.col("level") == "line")
    known = pl.col("expected").is_not_null()
    return (
        lines.group_by("basis", "valuation", maintain_order=True)
        .agg(
            pl.col("promised", "low", "high").filter(known).sum(),
            pl.when(known.any()).then(pl.col("expected").sum()),
            left_out=pl.col("line").filter(~known).str.join(" "),
        )
        .select("basis", "valuation", "promised", "low", "expected", "high", "left_out")
        .with_columns(pl.col(pl.Float64).round_sig_figs(SIGNIFICANT_DIGITS))
    )


def _from_count(line: Schedule, funnel: Funnel, as_of: date) -> Iterator[dict[str, object]]:
    """A schedule from the published count that it cites, spread over its bands by the ledger's mix."""
    head = {"basis": "published", "line": line.id, "valuation": "cash", "level": "line", "rule": "schedule",
            "claimant_type": " ".join(line.eligibility.get("claimant_type", ())) or None}  # fmt: skip
    try:
        if line.published_count is None:
            raise ModelRefused("no count was published")
        count = figure(line.published_count, public_by=as_of)
    except ModelRefused as refusal:
        status = "not_published" if line.published_count is None else "not_public_yet"
        yield {**head, "status": status, "facts": " ".join(line.facts), "low": 0.0, "rule": refusal.problem}
        return
    positive = line.rules()[3:]
    pays = {band: funnel.payment(band, rule) for band, rule in positive}
    cited = {"facts": " ".join((count.id, *line.facts))}
    yield head | cited | _line_total(line, funnel, count.whole, pays)
    for band, rule in positive:
        share = funnel.mix.get(band)
        one = pays[band] * funnel.paid
        expected = None if share is None or one.expected is None else count.whole * share * one.expected
        yield head | {
            "level": "band", "over": band[0], "up_to": band[1],
            "rule": "review" if rule.review else "pays",
            "count": None if share is None else count.whole * share,
            "promised": None if rule.review or share is None else count.whole * share * rule.fixed,
            "low": 0.0, "expected": expected,
            "high": None if one.high is None else count.whole * one.high,
            "status": _status(expected), "facts": " ".join((count.id, *rule.facts)),
            "assumptions": _named(one.assumption, funnel.mix_assumption),
        }  # fmt: skip


def _line_total(
    line: Schedule, funnel: Funnel, count: int, pays: dict[Band, Input]
) -> dict[str, object]:
    paid = funnel.paid
    terms = [
        None if pay.expected is None or paid.expected is None else share * pay.expected * paid.expected
        for band, share in funnel.mix.items() for pay in [pays[band]]
    ]  # fmt: skip
    expected = None if not terms or None in terms else count * sum(t for t in terms if t is not None)
    highs = [pay.high for pay in pays.values()]
    top = None if None in highs or paid.high is None else max(h for h in highs if h is not None)
    return {
        "count": float(count),
        "promised": float(count * line.largest_fixed),
        "low": count * paid.low * min(pay.low for pay in pays.values()),
        "expected": expected,
        "high": None if top is None or paid.high is None else count * paid.high * top,
        "status": _status(expected),
        "assumptions": _named(paid.assumption, funnel.award.assumption, funnel.mix_assumption),
    }


def _from_cube(
    line: Schedule, funnel: Funnel, cube: Cube, policy: Policy
) -> Iterator[dict[str, object]]:
    """A schedule from a cube: payments by service, claimant type and band, times the funnel."""
    basis = "synthetic" if cube.synthetic else "claims"
    keys = ["service", "claimant_type", "over", "up_to", "rule"]
    frame = payments(cube, policy).filter(pl.col("line") == line.id)
    for name in ("service", "claimant_type"):
        if name not in frame.columns:
            frame = frame.with_columns(pl.lit(None, pl.String).alias(name))
    whole = [
        pl.when(pl.col(c).null_count() == 0).then(pl.col(c).sum())
        for c in ("payment", "payment_low", "payment_high")
    ]
    grouped = frame.group_by(keys, maintain_order=True).agg(pl.col("claims").sum(), *whole)
    bands = [_cube_row(row, line, funnel, basis) for row in grouped.iter_rows(named=True)]
    promised = [b["promised"] for b in bands if b["rule"] != "review"]
    yield {
        "basis": basis, "line": line.id, "valuation": "cash", "level": "line", "rule": "schedule",
        "count": _sum([b["count"] for b in bands if b["rule"] != "not_entitled"]),
        "promised": _sum(promised), "low": _sum([b["low"] for b in bands]),
        "expected": _sum([b["expected"] for b in bands]), "high": _sum([b["high"] for b in bands]),
        "status": _status(_sum([b["expected"] for b in bands])), "facts": " ".join(line.facts),
        "assumptions": _named(funnel.paid.assumption, funnel.award.assumption),
    }  # fmt: skip
    yield from bands


def _cube_row(row: dict[str, object], line: Schedule, funnel: Funnel, basis: str) -> dict[str, object]:
    review = row["rule"] == "review"
    claims = float(str(row["claims"]))
    if review:
        cost = Input(claims, claims, claims) * funnel.award * funnel.paid
    else:
        low, mid, high = (_float(row[c]) for c in ("payment_low", "payment", "payment_high"))
        cost = Input(low or 0.0, mid, high) * funnel.paid
        if mid == high == 0:  # certain, whatever the ledger lacks
            cost = Input(0.0, 0.0, 0.0)
    rules = {band: rule for band, rule in line.rules() if rule.facts}
    rule = rules.get((row["over"], row["up_to"]))  # type: ignore[call-overload]
    return {
        "basis": basis, "line": line.id, "valuation": "cash", "level": "band",
        **{k: row[k] for k in ("service", "claimant_type", "over", "up_to", "rule")},
        "count": claims, "promised": None if review else _float(row["payment"]),
        "low": cost.low, "expected": cost.expected, "high": cost.high,
        "status": _status(cost.expected), "facts": " ".join(rule.facts if rule else ()),
        "assumptions": cost.assumption,
    }  # fmt: skip


def _in_kind(line: InKind, funnel: Funnel, as_of: date) -> dict[str, object]:
    """A free good at list price; the ledger says which share takes it up."""
    head = {"basis": "published", "line": line.id, "valuation": "face_value", "level": "line", "rule": "in_kind"}
    if line.recipients is None:
        return {**head, "status": "not_published", "facts": " ".join(line.facts)}
    try:
        people = figure(line.recipients, public_by=as_of)
    except ModelRefused:
        return {**head, "status": "not_public_yet", "facts": line.recipients}
    full = float(people.whole * line.unit_value)
    share = funnel.take_up
    return {
        **head, "count": float(people.whole), "promised": full, "low": full * share.low,
        "expected": None if share.expected is None else full * share.expected,
        "high": full * (1.0 if share.high is None else share.high), "status": _status(share.expected),
        "facts": " ".join((people.id, *line.facts)), "assumptions": share.assumption,
    }  # fmt: skip


def _fee(line: FeeCredit, funnel: Funnel, as_of: date) -> dict[str, object]:
    """A fee handed back: exact when the subscribers were counted, else at most bounded."""
    head = {"basis": "published", "line": line.id, "valuation": "cash", "level": "line", "rule": "fee_credit",
            "facts": " ".join(line.facts)}  # fmt: skip
    paid = funnel.paid
    try:
        if line.recipients is not None:
            people = figure(line.recipients, public_by=as_of).whole
            full = float(people * line.payment)
            return {
                **head, "count": float(people), "promised": full, "low": full * paid.low,
                "expected": None if paid.expected is None else full * paid.expected,
                "high": full * (paid.high or 1.0), "status": _status(paid.expected),
                "facts": " ".join((line.recipients, *line.facts)), "assumptions": paid.assumption,
            }  # fmt: skip
        bound = figure(line.recipients_high, public_by=as_of).whole if line.recipients_high else None
    except ModelRefused:
        bound = None
    most = None if bound is None else float(bound * line.payment)
    cited = " ".join((*line.facts, line.recipients_high or "")).strip()
    return {**head, "low": 0.0, "high": most, "status": "not_published", "facts": cited}


def _status(expected: float | None) -> str:
    return "ok" if expected is not None else "bounds_only"


def _named(*groups: str) -> str:
    return " ".join(dict.fromkeys(a for g in groups for a in g.split()))


def _float(value: object) -> float | None:
    return None if value is None else float(str(value))


def _sum(values: list[object]) -> float | None:
    """The sum, or None as soon as one part is unknown."""
    return None if None in values else sum(float(str(v)) for v in values)
