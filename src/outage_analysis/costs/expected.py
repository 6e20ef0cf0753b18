"""The cost table: promised, low, expected, high and most by cost line, service and loss band.

Low and high bound the expected cost: every input is at its low end or at its high end at once. They are not
quantiles, no likely range, and no bounds of the total, which chance can carry beyond them. Most bounds the
total: every claim is paid the most that it can get.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl

from outage_analysis.assumptions import Assumption, BandMix, Ledger, PaidTotal
from outage_analysis.costs.budgets import budget
from outage_analysis.costs.cube_costs import MODELLED, from_cubes
from outage_analysis.costs.funnel import Funnel, funnel_of, named
from outage_analysis.costs.published_counts import fee_credit, from_count, handling, in_kind, published
from outage_analysis.incidents import known_by
from outage_analysis.losses import Cube, sum_or_null
from outage_analysis.policies import Budget, CostLine, FeeCredit, InKind, Policy, Schedule

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
    "most": pl.Float64(),
    "status": pl.String(),
    "missing": pl.String(),
    "facts": pl.String(),
    "assumptions": pl.String(),
}
"""Columns of a cost table.

`level` is line or band: add up one level only. `valuation` says which money: never add two kinds.
`promised` is what everyone counted would get under the fixed rules. `low` and `high` bound the expected
cost: low <= expected <= high. `most` bounds the total: what the line comes to if every claim is paid the
most that it can get, null where nothing limits it. `missing` names what the ledger lacks for an expected
cost.

What `most` is, by kind of line:

- schedule: the count, times the largest `ultimate`, times the largest payment; from claims, what each claim
  is paid, or the most that its band allows. Null with new applicants, whom no count limits, and with a
  review whose award has no largest value or scatters.
- free good: everyone entitled, or the cap, at the valuation of one. Fee credit: every subscriber, or the fact
  that bounds them, times the credit.
- budget: the sum or its `high`, or the sum times the largest `realised_ratio`; after a true-up, what it came
  to. Null for a sum of lines without detail (`top_down`) without a stated ratio.
- handling, and a line whose total is known: the largest value that the ledger allows.
"""

SIGNIFICANT_DIGITS = 10
"""Floats are rounded to this once, here: vector instructions differ in the last bits."""
MOST_DIGITS = 15
"""The same of `most`: rounded to fewer digits, it could fall below a total that it bounds."""


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
            rows += from_cubes(line, funnel, cubes, policy) if isinstance(line, Schedule) else ()
        else:
            rows += _published(line, funnel, as_of, policy)
            rows += handling(line, funnel)
    table = pl.DataFrame(rows, schema=SCHEMA)
    cited = {ids: known_by(ids, as_of) for ids in table["facts"].drop_nulls().unique()}
    return _rounded(table.with_columns(pl.col("facts").replace(cited)))


def _rounded(table: pl.DataFrame) -> pl.DataFrame:
    *expected, most = MODELLED
    return table.with_columns(
        pl.col(expected).round_sig_figs(SIGNIFICANT_DIGITS), pl.col(most).round_sig_figs(MOST_DIGITS)
    )


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
        "most": known.most,
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
    """Sums over cost lines, one row per basis and valuation.

    `low`, `expected`, `high` and `most` count the same lines, so low <= expected <= high: those with an
    expected cost, or, where no line has one, all that have any figure. `high` and `most` are null as soon as
    one of these lines has no upper bound. `left_out` names the lines without an expected cost. `promised`
    counts every line for which it is known.
    """
    known = pl.col("expected").is_not_null()
    lines = table.filter(pl.col("level") == "line").with_columns(
        summed=pl.when(known.any().over("basis", "valuation")).then(known).otherwise(COUNTED)
    )
    found = (
        lines.group_by("basis", "valuation", maintain_order=True)
        .agg(
            pl.when(pl.col("promised").is_not_null().any()).then(pl.col("promised").sum()),
            *(_whole_sum(name) for name in MODELLED),
            left_out=pl.col("line").filter(~known).str.join(" "),
        )
        .select("basis", "valuation", "promised", *MODELLED, "left_out")
    )
    return _rounded(found)


def _whole_sum(name: str) -> pl.Expr:
    """The sum over the lines that a total counts; null where one of them has no value, or none counts."""
    counted = pl.col(name).filter("summed")
    return pl.when(pl.col("summed").any() & (counted.null_count() == 0)).then(counted.sum()).alias(name)


def inputs_in(table: pl.DataFrame) -> frozenset[str]:
    """The ids of the assumptions that the figures of a cost table rest on."""
    return frozenset(id_ for ids in table["assumptions"].drop_nulls().unique() for id_ in ids.split())


def by_band(table: pl.DataFrame) -> pl.DataFrame:
    """A cost table with services and claimant types added up: one row a line, and one a line and band.

    Low and high add up as well: every input is at the same end in each of the rows, and claims are
    counted in their bands.

    Returns:
        The columns of `SCHEMA`, the lines in their order, each before its bands, zero first and unknown last.
    """
    keys = ("basis", "line", "valuation", "level", "segment", "over", "up_to", "rule")
    rows = table.group_by(keys, maintain_order=True).agg(
        *map(sum_or_null, ("count", "promised", *MODELLED)),
        pl.col("status").first(),
        pl.col("missing").first(),
        pl.col("facts", "assumptions").max(),  # alike in all rows of a band, or empty where nothing is paid
        service=pl.lit(None, pl.String),
        claimant_type=pl.lit(None, pl.String),
    )
    lines = {line: place for place, line in enumerate(table["line"].unique(maintain_order=True))}
    unknown = pl.all_horizontal(pl.col("over", "up_to").is_null())
    rows = _rounded(rows.select(*SCHEMA))
    return rows.sort(
        pl.col("line").replace_strict(lines, return_dtype=pl.Int64),
        *(pl.col("level") != "line", "valuation", "segment", unknown, "over"),
        pl.col("up_to").is_null(),
        "up_to",
        "rule",
        nulls_last=False,
        maintain_order=True,
    )


def fits(entry: Assumption, line: CostLine) -> bool:
    """Whether an assumption can be used for a line."""
    if not isinstance(entry, BandMix) or not isinstance(line, Schedule):
        return True
    return [(b.over, b.up_to) for b in entry.bands] == [(b.over, b.up_to) for b in line.bands]


def fitted(ledger: Ledger, policy: Policy) -> Ledger:
    """The ledger without the mixes that are stated on other bands than the policy's."""
    lines = {line.id: line for line in policy.lines}
    kept = []
    for entry in ledger.assumptions:
        mine = tuple(id_ for id_ in entry.lines if id_ not in lines or fits(entry, lines[id_]))
        if mine:
            kept.append(entry if mine == entry.lines else entry.model_copy(update={"lines": mine}))
    return ledger.model_copy(update={"assumptions": tuple(kept)})
