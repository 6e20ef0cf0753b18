"""Winners and losers between two policies: who gets more, less or the same, by service and loss band.

Every figure assumes that each claim is accepted. A policy pays 0 for a claim that is not entitled, so people
who are entitled under only one policy gain or lose. A reviewed claim is paid the mean award of the ledger,
which is an assumption: the column `assumed` counts these claims.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from outage_analysis.assumptions import FloatArray, Ledger
from outage_analysis.costs import benefits
from outage_analysis.costs.expected import exact_costs, ledger_for_policy
from outage_analysis.costs.terms import Funnel, build_funnel
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import Band, get_fact
from outage_analysis.losses import EDGES, Cube, sum_or_null
from outage_analysis.policies import SHARE_SCALE, Policy, Schedule
from outage_analysis.text import TABLE_DIGITS, schema_of

SIGNS = ("gain", "lose", "equal", "unclear")
PAYMENTS = ("payment", "payment_other", "difference")
SUMS = ("total_difference", "total_low", "total_high")
PAID = ("paid", "paid_other")
"""The sums of the payments. Until the last step, amounts are in ten-thousandths of the smallest unit."""
ADDED = ("claims", *SIGNS, "assumed", *PAID, *SUMS)
"""What is added up over claims."""


def winners_and_losers(
    policy: Policy,
    other: Policy,
    ledger: Ledger | None = None,
    *,
    as_of: date,
    cubes: Sequence[Cube] = (),
    cubes_of_other: Sequence[Cube] = (),
) -> pl.DataFrame:
    """Return who gets more under a policy than under another, and who gets less.

    Args:
        policy: the policy.
        other: the policy that it is compared with; it pays the same currency.
        ledger: the assumptions, for the mean award of a review and, with published counts, the band mix.
        as_of: only lines, facts and assumptions public by this day are used.
        cubes: cubes of claims on the band edges of both policies, as for `cost_table`; by default published
            counts are used. The comparison is exact if the cube of claims has the edges of
            `edges_for_comparison`.
        cubes_of_other: cubes of claimants of the lines of the other policy, if it pays per claimant.

    Returns:
        The table `winners_and_losers`. Without claims, the number of reports in a band is
        known only if the ledger states the band mix.
    """
    pair = [each.as_known_on(as_of) for each in (policy, other)]
    cube = next((c for c in cubes if c.line is None), None)
    tables = [_lines(pair, ledger, as_of, (cubes, cubes_of_other or cubes))]
    if cube is not None:
        tables.insert(0, _claim_bands(cube, pair, ledger, as_of))
    else:
        tables = [*_report_bands(pair, ledger, as_of), *tables]
    rows = pl.concat(tables, how="diagonal_relaxed")
    added = [sum_or_null(name).alias(name) for name in ADDED]
    by_service = rows.drop_nulls("service").group_by("service", maintain_order=True)
    tables = [rows, by_service.agg(pl.lit("service").alias("level"), *added)]
    if not rows.is_empty():
        total = rows.select(pl.lit("total").alias("level"), *added)
        # People may be counted by several lines, so their numbers are not added up.
        tables.append(total if rows.select("level", "line").n_unique() == 1 else total.select("level", *SUMS))
    per_claim = {
        name: pl.coalesce(name, pl.when(pl.col("claims") > 0).then(pl.col(paid) / pl.col("claims")))
        for name, paid in zip(PAYMENTS, (*PAID, SUMS[0]), strict=True)
    }
    return (
        pl.concat(tables, how="diagonal_relaxed")
        .with_columns(policy=pl.lit(policy.id), other=pl.lit(other.id), **per_claim)
        .with_columns(pl.col(*PAYMENTS, *SUMS) / SHARE_SCALE)
        .select(pl.col(name).cast(dtype) for name, dtype in schema_of("winners_and_losers").dtypes.items())
        .with_columns(pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS))
    )


def _differences(rows: pl.DataFrame, mine: benefits.Payments, other: benefits.Payments) -> pl.DataFrame:
    """Return rows with sums over their claims, and with bounds of the difference for a single claim.

    Args:
        rows: `over`, `up_to`, `claims` and `loss`, as in a cube.
        mine: what the policy pays the claims of each row.
        other: what the other policy pays them.

    Returns:
        The rows with `paid`, `paid_other` and `total_difference`, which are null if they are unknown, with
        their bounds `total_low` and `total_high`, and with `least` and `most`, the bounds for each single
        claim; and `assumed`, the claims that are reviewed.
    """
    claims, loss = (rows[name].cast(pl.Float64).to_numpy() for name in ("claims", "loss"))
    loss = np.where(
        rows.select(pl.all_horizontal(pl.col("over", "up_to").is_null())).to_series(), np.nan, loss
    )
    same = np.array([one == two for one, two in zip(mine.rules, other.rules, strict=True)], dtype=bool)
    low = np.where(same, 0.0, mine.formulas[benefits.LOW] - other.formulas[benefits.HIGH])
    high = np.where(same, 0.0, mine.formulas[benefits.HIGH] - other.formulas[benefits.LOW])
    ranges = benefits.loss_ranges(rows)
    least = np.minimum(*(_value(low, 1.0, end) for end in ranges))
    most = np.maximum(*(_value(high, 1.0, end) for end in ranges))
    paid, paid_other = (_value(x.formulas[benefits.CENTRAL], claims, loss) for x in (mine, other))
    # If the sum of the losses matters and is unknown, the bounds are those of the single claims.
    sums = [_value(formula, claims, loss) for formula in (low, high)]
    sums = [np.where(np.isnan(x), end * claims, x) for x, end in zip(sums, (least, most), strict=True)]
    amounts = {"paid": paid, "paid_other": paid_other, SUMS[0]: np.where(same, 0.0, paid - paid_other)}
    amounts |= {SUMS[1]: sums[0], SUMS[2]: sums[1], "least": least, "most": most}
    return rows.with_columns(
        **{name: pl.Series(values, nan_to_null=True) for name, values in amounts.items()},
        assumed=pl.Series(np.where(mine.reviewed | other.reviewed, claims, 0.0)),
    )


def _value(formula: FloatArray, claims: FloatArray | float, loss: FloatArray) -> FloatArray:
    fixed, slope = formula
    moving = np.multiply(slope, loss, out=np.zeros_like(slope), where=(slope != 0) & np.isfinite(fixed))
    return np.asarray(fixed * claims + moving)


def _with_signs(rows: pl.DataFrame) -> pl.DataFrame:
    least, most = pl.col("least"), pl.col("most")
    equal = pl.when(least >= 0, most <= 0).then(pl.lit("equal")).otherwise(pl.lit("unclear"))
    sign = pl.when(least > 0).then(pl.lit("gain")).when(most < 0).then(pl.lit("lose")).otherwise(equal)
    return rows.with_columns(
        *(pl.when(sign == name).then("claims").otherwise(0.0).alias(name) for name in SIGNS),
        *(pl.when(pl.col(name).is_finite()).then(name).alias(name) for name in SUMS),
    )


def _claim_bands(cube: Cube, pair: Sequence[Policy], ledger: Ledger | None, as_of: date) -> pl.DataFrame:
    counted = replace(cube, frame=cube.frame.filter(pl.col("claims") > 0))
    paid = [benefits.row_payments(policy, counted, ledger, as_of) for policy in pair]
    cuts = sorted({cut for policy in pair for cut in policy.cuts})
    wide = [_wide_band(band, cuts) for band in counted.frame.select(*EDGES).iter_rows()]
    service = pl.col("service") if "service" in cube.dimensions else pl.lit(None)
    unknown = pl.all_horizontal(pl.col(*EDGES).is_null())
    return (
        _with_signs(_differences(counted.frame, *paid))
        .with_columns(pl.DataFrame(wide, schema=EDGES, orient="row"), service=service.cast(pl.String))
        .group_by("service", *EDGES, maintain_order=True)
        .agg(pl.lit("band").alias("level"), *(sum_or_null(name).alias(name) for name in ADDED))
        .sort("service", unknown, *EDGES, nulls_last=[True, False, False, True])
    )


def _wide_band(band: Band, cuts: Sequence[int]) -> Band:
    over, up_to = band
    if over is None or over < 0:
        return band
    place = bisect_left(cuts, over + 1)
    high = cuts[place] if place < len(cuts) else None
    inside = high is None or (up_to is not None and up_to <= high)
    return (cuts[place - 1] if place else 0, high) if inside else band


def _report_bands(pair: Sequence[Policy], ledger: Ledger | None, as_of: date) -> Iterator[pl.DataFrame]:
    # Lines that cite the same published count pay the same reports. Any other line pays reports of its own,
    # for which a policy without this line pays nothing.
    sides: list[dict[str, list[tuple[Schedule, Funnel]]]] = [{}, {}]
    for policy, side in zip(pair, sides, strict=True):
        fitting = ledger_for_policy(ledger, policy)
        for line in policy.schedules:
            own = side.setdefault(line.published_count or f"line {line.id}", [])
            own.append((line, build_funnel(line, fitting, as_of)))
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        lines = [own for side in sides for own in side.get(key, ())]
        first, mix = lines[0][0], max((funnel.mix for _, funnel in lines), key=len)
        bands = [*mix] or _bands(cut for line, _ in lines for cut in line.cuts)
        shares = mix or {(0, None): 1.0}
        try:
            count = get_fact(first.published_count, public_by=as_of).count if first.published_count else None
        except ModelRefused:  # not public yet
            count = None
        claims = [None if count is None or x not in shares else count * shares[x] for x in bands]
        breaks = {cut for line, _ in lines for cut in line.breakpoints}
        # A part is paid by one formula, and nobody knows to which part of its band a report belongs.
        parts = [(n, *part) for n, band in enumerate(bands) for part in _bands(breaks, band)]
        paid = [benefits.Payments.nothing(len(parts)) for _ in sides]
        for place, side in enumerate(sides):
            for line, funnel in side.get(key, ()):
                paid[place] += benefits.Payments.from_rows(
                    _report_payment(line, funnel, (over, up_to)) for _, over, up_to in parts
                )
        rows = pl.DataFrame(parts, schema={"band": pl.Int64, **EDGES}, orient="row")
        rows = _differences(rows.with_columns(claims=1.0, loss=pl.lit(None, pl.Float64)), *paid)
        known = [
            pl.when(pl.col(name).n_unique() == 1).then(pl.col(name).first()).alias(name)
            for name in ("claims", *PAID, SUMS[0])
        ]
        rows = rows.group_by("band", maintain_order=True).agg(
            *known, pl.col("least", SUMS[1]).min(), pl.col("most", SUMS[2], "assumed").max()
        )
        yield (
            _with_signs(rows)
            .with_columns(payment="paid", payment_other="paid_other", difference=SUMS[0])
            .with_columns(pl.col(ADDED) * pl.Series(claims, dtype=pl.Float64))
            .with_columns(pl.DataFrame(bands, schema=EDGES, orient="row"))
            .with_columns(level=pl.lit("band"), line=pl.lit(first.id))
        )


def _bands(cuts: Iterable[int], within: Band = (0, None)) -> list[Band]:
    over, up_to = within[0] or 0, within[1]
    inner = sorted({x for x in cuts if x > over and (up_to is None or x < up_to)})
    return list(pairwise([over, *inner, up_to]))


def _report_payment(line: Schedule, funnel: Funnel, band: Band) -> benefits.RowPayment:
    stated = funnel.inputs.get("mean_payment")
    if stated is not None and stated.expected is not None:
        # One mean payment for all bands is an assumption like the award of a review.
        return [(round(stated.expected * SHARE_SCALE), 0)] * 3, True, (stated.expected,)
    if len(line.tariffs) == 1:
        return benefits.band_payment(line.tariff, band, funnel.inputs["review_award"].expected)
    # Nobody knows to which segment a report belongs.
    ranges = [tariff.payment_range(band) for _, tariff in line.tariffs]
    low = float(min(low for low, _ in ranges) * SHARE_SCALE)
    high = max(np.inf if high is None else float(high * SHARE_SCALE) for _, high in ranges)
    return [(x, 0) for x in (low if low == high else np.nan, low, high)], False, (line.tariffs,)


def _lines(
    pair: Sequence[Policy], ledger: Ledger | None, as_of: date, cubes: Sequence[Sequence[Cube]]
) -> pl.DataFrame:
    # The lines without loss bands and, with claims, those that pay per claimant. Fees, goods and budgets then
    # have no cost.
    sides: list[dict[str, list[float | None]]] = []
    for policy, own in zip(pair, cubes, strict=True):
        banded = [x.id for x in policy.schedules if not (own and x.grain == "claimant")]
        table = exact_costs(policy, ledger_for_policy(ledger, policy), as_of=as_of, cubes=own)
        lines = table.filter(~pl.col("line").is_in(banded), level="line", valuation="cash")
        stated = lines.filter(pl.col("rule") != "handling").select("line", "count", "promised").iter_rows()
        sides.append({id_: amounts for id_, *amounts in stated if any(x is not None for x in amounts)})
    unequal = {line.id for policy in pair for line in policy.schedules}
    rows = []
    for id_ in dict.fromkeys([*sides[0], *sides[1]]):
        counts = {side[id_][0] for side in sides if id_ in side}
        row: list[object] = [id_, id_ in unequal, counts.pop() if len(counts) == 1 else None]
        for people, paid in (side.get(id_, [None, 0.0]) for side in sides):
            row += [paid, 0.0 if paid == 0 else paid / people if people and paid is not None else None]
        rows.append(row)
    numbers = ("claims", "paid", "payment", "paid_other", "payment_other")
    schema = {"line": pl.String, "unequal": pl.Boolean, **dict.fromkeys(numbers, pl.Float64)}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    gap = pl.col("payment") - pl.col("payment_other")
    # A line that pays by loss band pays people different amounts, so nobody knows who gains.
    ends = pl.when(~pl.col("unequal")).then(gap)
    lines = _with_signs(
        table.with_columns(
            **dict.fromkeys(SUMS, pl.col("paid") - pl.col("paid_other")), least=ends, most=ends, assumed=0.0
        )
    ).with_columns(
        pl.when(pl.col("claims").is_not_null()).then(pl.col(*SIGNS, "assumed")),
        level=pl.lit("line"),
        difference=gap,
    )
    lines = pl.concat([schema_of("winners_and_losers").frame(), lines], how="diagonal_relaxed")
    return lines.with_columns(pl.col(*PAYMENTS, *PAID, *SUMS) * SHARE_SCALE)
