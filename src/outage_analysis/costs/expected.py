"""The cost table: promised, low, expected and high by cost line, service and loss band.

Low and high are bounds: every input at its least or most at once. They are not quantiles and are
never to be read as a likely range.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import polars as pl

from outage_analysis.assumptions import Ledger, PaidTotal
from outage_analysis.costs.budgets import budget
from outage_analysis.costs.counts import fee_credit, from_count, handling, in_kind, published
from outage_analysis.costs.funnel import Funnel, Input, funnel_of, named, status_of
from outage_analysis.cube import Cube, known_sum
from outage_analysis.payouts import paid_from, payments
from outage_analysis.policies import Budget, CostLine, FeeCredit, InKind, Policy, Schedule
from outage_analysis.published import known_by

SCHEMA: dict[str, pl.DataType] = {
    "basis": pl.String(),
    "line": pl.String(),
    "valuation": pl.String(),
    "level": pl.String(),
    "service": pl.String(),
    "claimant_type": pl.String(),
    "segment": pl.String(),
    "over": pl.Int64(),
    "up_to": pl.Int64(),
    "rule": pl.String(),
    "count": pl.Float64(),
    "promised": pl.Float64(),
    "low": pl.Float64(),
    "expected": pl.Float64(),
    "high": pl.Float64(),
    "status": pl.String(),
    "missing": pl.String(),
    "facts": pl.String(),
    "assumptions": pl.String(),
}
"""Columns of a cost table.

`level` is line or band: add up one level only. `valuation` says which money: never add two kinds.
`promised` is what everyone counted would get under the fixed rules. `missing` names what the ledger
lacks for an expected cost.
"""

KEYS = ("service", "claimant_type", "over", "up_to", "rule", "segment")
"""What tells the rows of bands apart."""
MODELLED = ("low", "expected", "high")
SIGNIFICANT_DIGITS = 10
"""Floats are rounded to this once, here: vector instructions differ in the last bits."""


def cost_table(
    policy: Policy, ledger: Ledger | None, *, as_of: date, cubes: Sequence[Cube] = ()
) -> pl.DataFrame:
    """What a policy costs, from published counts or from cubes of claims.

    Args:
        policy: the promises; lines not public by `as_of` are left out.
        ledger: the assumptions; without one there are bounds and no expected cost.
        as_of: only facts, lines and assumptions public by this day are used.
        cubes: claims or totals by service, claimant type and band, and for each line that pays by
            claimant a cube of its claimants. Without any, the counts are the published ones that
            the policy's lines cite.

    Returns:
        The columns of `SCHEMA`, in units of the currency; one row a line (a free good has one a
        valuation), and one a line, service, claimant type and band.
    """
    lines, _ = policy.public_by(as_of)
    rows: list[dict[str, object]] = []
    for line in lines:
        funnel = funnel_of(line, ledger, as_of)
        known = funnel.entries.get("paid_total")
        if isinstance(known, PaidTotal) and not cubes:
            rows.append(_came_to(line, known, as_of))
        elif cubes:
            rows += _from_cubes(line, funnel, cubes, policy) if isinstance(line, Schedule) else ()
        else:
            rows += _published(line, funnel, as_of, policy)
            rows += handling(line, funnel)
    table = pl.DataFrame(rows, schema=SCHEMA)
    cited = {ids: known_by(ids, as_of) for ids in table["facts"].drop_nulls().unique()}
    table = table.with_columns(pl.col("facts").replace(cited))
    return table.with_columns(pl.col(MODELLED).round_sig_figs(SIGNIFICANT_DIGITS))


def _published(line: CostLine, funnel: Funnel, as_of: date, policy: Policy) -> Iterable[dict[str, object]]:
    if isinstance(line, Schedule):
        return from_count(line, funnel, as_of)
    if isinstance(line, InKind):
        return in_kind(line, funnel, as_of)
    if isinstance(line, FeeCredit):
        return (fee_credit(line, funnel, as_of),)
    return (budget(line, funnel, as_of, policy),)


def _came_to(line: CostLine, known: PaidTotal, as_of: date) -> dict[str, object]:
    """The row of a line of which it is known what it came to."""
    counts = line.published_count if isinstance(line, Schedule) else getattr(line, "recipients", None)
    count, found = published(counts, as_of), known.range
    return {
        "basis": "published",
        "line": line.id,
        "valuation": valuation_of(line),
        "level": "line",
        "rule": line.kind,
        "count": None if count is None else float(count.count),
        "low": found.low,
        "expected": found.expected,
        "high": found.high,
        "status": "ok",
        "facts": named(count.id if count else "", *known.facts),
        "assumptions": known.id,
    }


def valuation_of(line: CostLine) -> str:
    """The money that a line counts in: of a good its face value."""
    if isinstance(line, InKind):
        return "face_value"
    return line.valuation if isinstance(line, Budget) else "cash"


COUNTED = pl.any_horizontal(pl.col("count", "promised", "expected", "high").is_not_null())
"""Whether a row has any figure."""


def totals(table: pl.DataFrame) -> pl.DataFrame:
    """Sums over cost lines, one row a basis and valuation.

    Low and high bound every line that has a count; high is null as soon as one of them has no upper
    bound. A line without an expected cost is left out of `expected` and named in `left_out`; a line
    without any figure is in no sum and named there too.
    """
    lines = table.filter(pl.col("level") == "line")
    known = pl.col("expected").is_not_null()
    return (
        lines.group_by("basis", "valuation", maintain_order=True)
        .agg(
            pl.when(pl.col("promised").is_not_null().any()).then(pl.col("promised").sum()),
            pl.when(COUNTED.any()).then(pl.col("low").sum()),
            pl.when(known.any()).then(pl.col("expected").sum()),
            pl.when(COUNTED.any() & (pl.col("high").filter(COUNTED).null_count() == 0)).then(
                pl.col("high").sum()
            ),
            left_out=pl.col("line").filter(~known).str.join(" "),
        )
        .select("basis", "valuation", "promised", "low", "expected", "high", "left_out")
        .with_columns(pl.col(MODELLED).round_sig_figs(SIGNIFICANT_DIGITS))
    )


def by_band(table: pl.DataFrame) -> pl.DataFrame:
    """A cost table with services and claimant types added up: one row a line, and one a line and band.

    Low and high add up as well: every input is at the same end in each of the rows, and claims are
    counted in their bands.

    Returns:
        The columns of `SCHEMA`, the lines in their order, each before its bands, zero first and unknown last.
    """
    keys = ("basis", "line", "valuation", "level", "segment", "over", "up_to", "rule")
    rows = table.group_by(keys, maintain_order=True).agg(
        *map(known_sum, ("count", "promised", *MODELLED)),
        pl.col("status").first(),
        pl.col("missing").first(),
        pl.col("facts", "assumptions").max(),  # alike in all rows of a band, or empty where nothing is paid
        service=pl.lit(None, pl.String),
        claimant_type=pl.lit(None, pl.String),
    )
    lines = {line: place for place, line in enumerate(table["line"].unique(maintain_order=True))}
    unknown = pl.all_horizontal(pl.col("over", "up_to").is_null())
    rows = rows.select(*SCHEMA).with_columns(pl.col(MODELLED).round_sig_figs(SIGNIFICANT_DIGITS))
    return rows.sort(
        pl.col("line").replace_strict(lines, return_dtype=pl.Int64),
        *(pl.col("level") != "line", "valuation", "segment", unknown, "over"),
        pl.col("up_to").is_null(),
        "up_to",
        "rule",
        nulls_last=False,
        maintain_order=True,
    )


def _from_cubes(
    line: Schedule, funnel: Funnel, cubes: Sequence[Cube], policy: Policy
) -> Iterator[dict[str, object]]:
    """A schedule from the cube that has its rows: payments by band, times the funnel."""
    head: dict[str, object] = {
        "basis": "synthetic" if any(cube.synthetic for cube in cubes) else "claims",
        "line": line.id,
        "valuation": "cash",
        "level": "line",
        "rule": "schedule",
        "facts": " ".join(line.facts),
    }
    cube = next((cube for cube in cubes if paid_from(line, cube)), None)
    if cube is None:  # totals count claims: who made several is not in them
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
        "status": status_of(sums["expected"]),
        "missing": funnel.missing(review=any(b["rule"] == "review" for b in bands), mix=False),
        "assumptions": named(funnel.paid_of_claims.assumption, funnel.award.assumption),
    }
    yield from bands


def _paid_by_band(line: Schedule, funnel: Funnel, cube: Cube, policy: Policy) -> pl.DataFrame:
    """What a schedule pays if all are accepted: a row a service, claimant type, band, rule and segment."""
    most = funnel.award.high
    only = policy.model_copy(update={"lines": (line,)})
    frame = payments(cube, only, award=None if most is None else math.ceil(most))
    for name in ("service", "claimant_type"):
        if name not in frame.columns:
            frame = frame.with_columns(pl.lit(None, pl.String).alias(name))
    return frame.group_by(KEYS, maintain_order=True).agg(
        pl.col("claims").sum(), *map(known_sum, ("payment", "payment_low", "payment_high"))
    )


def _facts_of_bands(line: Schedule) -> dict[tuple[str | None, int | None, int | None], str]:
    """The facts behind the rule of each band, by segment (None for those in none) and band."""
    names = [*(s.id for s in line.segments), None]
    return {
        (name, *band): " ".join(rule.facts)
        for name, (_, tariff) in zip(names, line.tariffs, strict=True)
        for band, rule in tariff.rules()
    }


def _cube_row(row: dict[str, Any], funnel: Funnel) -> dict[str, object]:
    """What a row of a cube adds to a line: its payments, times the funnel."""
    review = row["rule"] == "review"
    claims = float(str(row["claims"]))
    if not claims:
        cost = Input(0.0, 0.0, 0.0)
    elif review:
        cost = Input(claims, claims, claims) * funnel.award * funnel.paid_of_claims
    else:
        low, mid, high = (_float(row[c]) for c in ("payment_low", "payment", "payment_high"))
        cost = Input(low or 0.0, mid, high) * funnel.paid_of_claims
        if mid == high == 0:  # certain, whatever the ledger lacks
            cost = Input(0.0, 0.0, 0.0)
    return {
        "level": "band",
        **{key: row[key] for key in KEYS},
        "count": claims,
        "promised": None if review else _float(row["payment"]),
        "low": cost.low,
        "expected": cost.expected,
        "high": cost.high,
        "status": status_of(cost.expected),
        "assumptions": cost.assumption,
    }


def _float(value: object) -> float | None:
    return None if value is None else float(str(value))


def _sum(values: list[object]) -> float | None:
    """The sum, or None as soon as one part is unknown."""
    return None if None in values else sum(float(str(v)) for v in values)
