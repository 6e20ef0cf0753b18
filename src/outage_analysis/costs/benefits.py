"""Compute what a policy pays in total, per accepted claim, as a share of losses, and at band edges.

In each loss band of its tariff a policy pays `fixed + slope x loss` per claim, or reviews the claim. So the
number of claims and the sum of their losses give the exact total. If a band of the cube spans several bands
of the tariff, or if losses are unknown where a share of the loss is paid, the total has bounds instead.

Amounts of a payment per claim are ten-thousandths of the smallest unit of the currency. Floats hold these
whole numbers exactly, so that comparisons of two payments are exact.

The replaced share is computed by cells: claims of one cube row, whose losses lie in one band. Within a cell
only the number of claims and the sum of their losses are known, so the share has a lower and an upper bound.
Both are equal if the cells have an edge at each loss that a payment replaces exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from outage_analysis.assumptions import FloatArray, Ledger
from outage_analysis.costs.terms import build_funnel, ledger_for_policy
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files import bundled_ids
from outage_analysis.incidents import UNKNOWN, ZERO, Band, TieOut, get_fact, is_currency
from outage_analysis.losses import EDGES, Cube, Schema, null_unstated_sums, sum_or_null
from outage_analysis.policies import (
    SHARE_SCALE,
    Policy,
    PolicyExplainer,
    Schedule,
    Tariff,
    load_policy,
    stated_amounts,
)
from outage_analysis.text import TABLE_DIGITS, Locale, schema_of

PLACES = 38
MONEY = pl.Decimal(PLACES, 4)
AMOUNTS = ("payment", "payment_low", "payment_high")
ANY_LOSS: Band = (ZERO[0], None)
"""Every loss from zero upwards."""
FORMULAS: Schema = {
    **EDGES,
    "tariff": pl.Int64,
    "place": pl.Int64,
    "rule_over": pl.Int64,
    "rule_up_to": pl.Int64,
    "rule": pl.String,
    **dict.fromkeys(("fixed", "slope", "low", "high"), MONEY),
}
"""The columns of a payment formula; `rows_with_formula` explains them."""
NO_RULE = "no_rule"
"""The `rule` of claims without a stated loss if the policy has no rule for them."""


def payments(cube: Cube, policy: Policy) -> pl.DataFrame:
    """Return what each schedule (cost line that pays by loss band) pays if every claim is accepted.

    Returns:
        The table of `exact_payments`, with amounts in whole currency.
    """
    table, places = exact_payments(cube, policy), policy.locale("en").places
    powers = {**dict.fromkeys((*EDGES, "loss"), places["loss"]), **dict.fromkeys(AMOUNTS, places["money"])}
    powers["payment_squared"] = 2 * places["money"]
    whole = (pl.col(name).cast(pl.Float64) / 10**power for name, power in powers.items() if power)
    return table.with_columns(whole)


def exact_payments(cube: Cube, policy: Policy, *, award: int | None = None) -> pl.DataFrame:
    """Return what each schedule (cost line that pays by loss band) pays if every claim is accepted.

    Args:
        cube: a cube with the dimensions that the policy's eligibility and segments name. A cube of
            claimants applies only to the line it was built for, a cube of claims to every line paid per
            claim.
        policy: the policy.
        award: the most that a review grants per claim, in the smallest unit of the currency, if known. It
            bounds the payments in bands that are reviewed fully or in part.

    Returns:
        One row per line, combination of dimensions and policy band: `line`, the dimensions, `over`
        and `up_to`, `rule` (pays, nothing, review, not_entitled, straddles, no_rule), `segment` (null for
        claims in no segment), `claims`, `loss` (null for claims that state none), and payments as decimals
        with 4 places, in the smallest unit of the currency: `payment` (null under review or if there are only
        bounds), `payment_low`, `payment_high` (null if unbounded). `payment_squared` is the sum of squared
        payments as a float, for variances (null if the payment is null or the cube has no squares).

        A band of the cube that spans several rules of the policy keeps its own edges (`over` and `up_to`) if
        one formula pays all its losses; the payment is then exact. Otherwise the payment has bounds, `rule`
        is `straddles`, and `over` and `up_to` are null.

        `no_rule` means that a claim states no loss and the policy has no `unknown` rule. Such claims have a
        payment of 0 and an upper bound of the largest payment of the schedule. If they are more than half of
        the claims entitled under a line, their payment is null, so the line has only bounds.

    Raises:
        UsageError: the cube lacks a dimension that a line needs.
        InputRefused: the payments add up to more than 38 digits.
    """
    schema: Schema = {
        "line": pl.String,
        **{d: cube.frame.schema[d] for d in cube.dimensions},
        **EDGES,
        "rule": pl.String,
        "segment": pl.String,
        "claims": pl.Int64,
        "loss": pl.Int64,
        **dict.fromkeys(AMOUNTS, MONEY),
        "payment_squared": pl.Float64,
    }
    try:
        frames = [
            _line_payments(cube, line, award).select(pl.col(x).cast(dtype) for x, dtype in schema.items())
            for line in policy.schedules
            if cube_fits_line(line, cube)
        ]
    except (pl.exceptions.ComputeError, pl.exceptions.InvalidOperationError) as error:
        raise InputRefused(
            f"the payments add up to more than {PLACES} digits hold",
            file=cube.source,
            remedy="State losses in a larger unit, or check the counts.",
        ) from error
    return pl.concat([pl.DataFrame(schema=schema), *frames])


def cube_fits_line(line: Schedule, cube: Cube) -> bool:
    """Whether a cube counts what a cost line pays for: claims, or the claimants of this line."""
    return line.grain == "claim" if cube.line is None else cube.line == line.id


def cube_for(line: Schedule, cubes: Iterable[Cube]) -> Cube | None:
    """Return the cube that counts what a cost line pays for; None if there is none."""
    return next((cube for cube in cubes if cube_fits_line(line, cube)), None)


def rows_with_formula(cube: Cube, line: Schedule, award: int | None = None) -> pl.DataFrame:
    """Return the rows of a cube, each with the formula by which a schedule pays the claims in the row.

    Returns:
        The columns of the cube in its order, then: `entitled` (whether the claims are entitled); `tariff`
        (the index of the line's tariff); `place`, `rule_over`, `rule_up_to` and `rule` (the index, the edges
        and the outcome of the tariff's band); `fixed` and `slope` of the payment `fixed + slope x loss` in
        the smallest unit of the currency (null if no single formula applies); and the bounds `low` and `high`
        of the payment per claim.
    """
    entitled = pl.lit(value=True) if cube.line else _matches(line.eligibility, cube, line)
    number = pl.lit(len(line.tariffs) - 1)
    for n, (when, _) in reversed(list(enumerate(line.tariffs[:-1]))):
        number = pl.when(_matches(when, cube, line)).then(n).otherwise(number)
    bands = cube.frame.select(*EDGES).unique(maintain_order=True).rows()
    places = [
        (*band, n, *_rule_and_formula(tariff, band, award))
        for n, (_, tariff) in enumerate(line.tariffs)
        for band in bands
    ]
    rows = cube.frame.with_columns(entitled=entitled, tariff=number.cast(pl.Int64))
    formulas = pl.DataFrame(places, schema=FORMULAS, orient="row")
    return rows.join(formulas, on=[*EDGES, "tariff"], nulls_equal=True, maintain_order="left")


def _line_payments(cube: Cube, line: Schedule, award: int | None) -> pl.DataFrame:
    claims, nothing = pl.col("claims"), pl.lit(Decimal(0), MONEY)
    unruled = (pl.col("rule") == NO_RULE) & (claims > 0)
    mostly_unstated = 2 * claims.filter("entitled", unruled).sum() > claims.filter("entitled").sum()
    # A flat payment is known even if the loss is unknown.
    moving = pl.when(pl.col("slope") == 0).then(Decimal(0)).otherwise(pl.col("slope") * pl.col("loss"))
    exact = (pl.col("fixed") * claims + moving).cast(MONEY)
    # The sum of squares is a float, because only variances use it and rounding does not matter there.
    fixed, slope, loss, squared = (
        pl.col(c).cast(pl.Float64) for c in ("fixed", "slope", "loss", "loss_squared")
    )
    moving = 2 * fixed * slope * loss + slope**2 * squared
    squares = fixed**2 * claims + pl.when(slope == 0).then(0.0).otherwise(moving)
    paid = (
        rows_with_formula(cube, line, award)
        .with_columns(
            payment=pl.when(claims == 0).then(nothing).otherwise(exact),
            payment_squared=pl.when(claims == 0).then(0.0).otherwise(squares),
        )
        .with_columns(
            payment_low=pl.col("payment").fill_null((pl.col("low") * claims).cast(MONEY)),
            payment_high=pl.when(~unruled).then("payment").fill_null((pl.col("high") * claims).cast(MONEY)),
            **{x: pl.when(~(unruled & mostly_unstated)).then(x) for x in ("payment", "payment_squared")},
        )
        .with_columns(
            *(pl.when("entitled").then(pl.col(c)).otherwise(nothing).alias(c) for c in AMOUNTS),
            payment_squared=pl.when("entitled").then("payment_squared").otherwise(0.0),
        )
    )
    segments = {n: segment.id for n, segment in enumerate(line.segments)}
    by = [*cube.dimensions, "entitled", "tariff", "place", "rule_over", "rule_up_to"]
    return (
        null_unstated_sums(paid)
        .group_by(*by, "rule")
        .agg(claims.sum(), *map(sum_or_null, ("loss", *AMOUNTS, "payment_squared")))
        .sort(by, nulls_last=True)
        .with_columns(
            line=pl.lit(line.id),
            over="rule_over",
            up_to="rule_up_to",
            segment=pl.when("entitled").then(
                pl.col("tariff").replace_strict(segments, default=None, return_dtype=pl.String)
            ),
            rule=pl.when("entitled").then("rule").otherwise(pl.lit("not_entitled")),
        )
    )


def _matches(entitled: Mapping[str, tuple[str, ...]], cube: Cube, line: Schedule) -> pl.Expr:
    """Return an expression: whether a cube row has an allowed value in each dimension of `entitled`.

    An unknown value never matches.
    """
    for dimension in entitled:
        if dimension not in cube.dimensions:
            raise UsageError(
                f"the line {line.id} depends on {dimension}, which the cube does not have",
                remedy=f"Build the cube with the dimension {dimension}.",
            )
    return pl.all_horizontal(
        pl.lit(value=True), *(pl.col(d).cast(pl.String).is_in(list(values)) for d, values in entitled.items())
    ).fill_null(value=False)


def _rule_and_formula(tariff: Tariff, band: Band, award: int | None) -> tuple[object, ...]:
    formula = tariff.formula(band)
    low, high = tariff.payment_range(band, award)
    rule = _rule_of_band(tariff, band, formula)
    if band == UNKNOWN and tariff.unknown is None:
        high = tariff.payment_range(ANY_LOSS, award)[1]
        # An unstated loss has no rule, but needs none if the schedule pays 0 for every loss.
        rule = (*rule[:-1], "nothing" if high == 0 else NO_RULE)
    ends = (None if end is None else (end * SHARE_SCALE).numerator for end in (low, high))
    amounts = (*(formula or (None, None)), *ends)
    # Whole numbers of ten-thousandths become exact decimals.
    return (*rule, *(None if x is None else Decimal(f"{x}E-4") for x in amounts))


def _rule_of_band(tariff: Tariff, band: Band, formula: tuple[int, int] | None) -> tuple[object, ...]:
    rules, touched = tariff.rules(), tariff.pieces_overlapping(band)
    place = touched[0].rule_index
    if touched[-1].rule_index == place:
        edges, rule = rules[place]
        return (place, *edges, rule.outcome)
    if formula is not None:
        return (place, *band, "pays" if any(formula) else "nothing")
    if all(piece.fixed is None for piece in touched):
        return (place, *band, "review")
    return (None, None, None, "straddles")


Flags = npt.NDArray[np.bool_]
CENTRAL, LOW, HIGH = range(3)
"""A payment as the expected cost counts it (not a number if it has only bounds), and its bounds."""


@dataclass(frozen=True, eq=False)
class Payments:
    """What a policy pays per accepted claim in several rows: `fixed + slope x loss`.

    Args:
        formulas: `fixed` and `slope` of the central payment and of its bounds, (3, 2, rows). The central
            payment of reviewed claims is the mean award. An upper bound without a limit is infinite.
        reviewed: whether a review decides about the claims, (rows,).
        rules: what decides the payment, by row. Two policies with equal rules pay each claim the same.
    """

    formulas: FloatArray
    reviewed: Flags
    rules: Sequence[tuple[object, ...]]

    @classmethod
    def nothing(cls, rows: int) -> Payments:
        """Return the payments of rows that nothing is paid for."""
        return cls(np.zeros((3, 2, rows)), np.zeros(rows, dtype=bool), [()] * rows)

    def __add__(self, other: Payments) -> Payments:
        rules = [(*mine, *others) for mine, others in zip(self.rules, other.rules, strict=True)]
        return Payments(self.formulas + other.formulas, self.reviewed | other.reviewed, rules)


def row_payments(policy: Policy, cube: Cube, ledger: Ledger | None, as_of: date) -> Payments:
    """Return the payment per accepted claim in each row of a cube, over all lines that pay these claims.

    Args:
        policy: the policy, with the lines that were public on the day of the analysis.
        cube: a cube of claims, or of the claimants of one line.
        ledger: the assumptions; a reviewed claim is paid their mean award.
        as_of: only assumptions public by this day are used.
    """
    fitting, paid = ledger_for_policy(ledger, policy), Payments.nothing(len(cube.frame))
    for line in policy.schedules:
        if cube_fits_line(line, cube):
            award = build_funnel(line, fitting, as_of).inputs["review_award"]
            paid += line_payments(line, cube, award.expected)
    return paid


def line_payments(line: Schedule, cube: Cube, award: float | None = None) -> Payments:
    """Return the payment of one line per accepted claim in each row of a cube, with a mean award if known."""
    rows, tariffs = rows_with_formula(cube, line), [tariff for _, tariff in line.tariffs]
    entitled, reviewed, unruled = (
        rows.select(x).to_series().to_numpy()
        for x in (pl.col("entitled"), pl.col("rule") == "review", pl.col("rule") == NO_RULE)
    )
    fixed, slope, low, high = (
        np.rint(rows[x].cast(pl.Float64).to_numpy() * SHARE_SCALE) for x in ("fixed", "slope", "low", "high")
    )
    formula, none = np.array([fixed, np.nan_to_num(slope)]), np.zeros(len(rows))
    exact = ~np.isnan(fixed) & ~unruled
    ends = [np.where(exact, formula, (end, none)) for end in (low, np.nan_to_num(high, nan=np.inf))]
    claims = rows["claims"].to_numpy() * entitled
    if 2 * claims[unruled].sum() > claims.sum():  # otherwise the expected cost counts them as paid nothing
        formula[0, unruled] = np.nan
    formulas = np.array([formula, *ends])
    if award is not None:
        formulas[:, :, reviewed] = [[round(award * SHARE_SCALE)], [0]]
    formulas[:, :, ~entitled], reviewed = 0, reviewed & entitled
    rules = [
        (tariffs[number], award if by_review else None) if paid else ()
        for number, by_review, paid in zip(rows["tariff"], reviewed, entitled, strict=True)
    ]
    return Payments(formulas, reviewed, rules)


def loss_ranges(rows: pl.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Return the smallest and the largest loss that a single claim of each row can have.

    They follow from the loss band and, where the sum of the losses is known, from what the other claims leave
    of it. Both are 0 in bands without a loss above 0, where no payment depends on the loss.

    Args:
        rows: `over`, `up_to`, `claims` and `loss`, as in a cube.
    """
    over, up_to, claims, loss = (
        rows[name].cast(pl.Float64).to_numpy() for name in (*EDGES, "claims", "loss")
    )
    zero = (np.isnan(over) & np.isnan(up_to)) | (up_to <= 0)
    least = np.where(zero, 0.0, np.nan_to_num(over + 1))
    most = np.where(zero, 0.0, np.where(np.isnan(up_to), np.inf, up_to))
    known = ~zero & ~np.isnan(loss) & (claims > 0)
    most = np.where(known, np.minimum(most, loss - (claims - 1) * least), most)
    rest = loss - (claims - 1) * np.where(known, most, 0.0)
    return np.where(known, np.maximum(least, rest), least), most


def largest_claim_loss(cube: Cube) -> int | None:
    """Return the largest possible loss of a claim in a cube; None if it is unknown."""
    largest = loss_ranges(cube.frame.filter(pl.col("claims") > 0))[1].max(initial=0)
    return int(largest) if np.isfinite(largest) else None


def edges_for_comparison(
    cube: Cube, policies: Sequence[Policy], ledger: Ledger | None, as_of: date
) -> tuple[int, ...]:
    """Return the losses at which a cube needs further edges to compare policies exactly.

    Within a row whose payments are linear in the loss, a policy replaces the whole loss up to some loss, and
    two policies pay the same at one loss. Without an edge there, nobody knows on which side a claim is.

    Args:
        cube: a cube of claims with the edges of all policies.
        policies: the policies, with the lines that were public on the day of the analysis.
        ledger: the assumptions, as for `row_payments`.
        as_of: only assumptions public by this day are used.
    """
    least, most = loss_ranges(cube.frame)
    edges: set[int] = set()
    whole = np.stack([np.zeros(len(least)), np.full(len(least), float(SHARE_SCALE))])
    paid = [row_payments(policy, cube, ledger, as_of).formulas for policy in policies]
    exact = [np.where((x == x[CENTRAL]).all(axis=(0, 1)), x[CENTRAL], np.nan) for x in paid]
    for first, second in combinations((whole, *exact), 2):
        with np.errstate(divide="ignore", invalid="ignore"):
            fixed, slope = first - second
            crossing = -fixed / slope
        for edge in (np.ceil(crossing) - 1, np.floor(crossing)):
            edges.update(edge[(least <= edge) & (edge < most)].astype(np.int64).tolist())
    return tuple(sorted(edges))


CLOSE = 1e-5
"""Two losses that differ by less are equal."""


class LossCells(NamedTuple):
    """Claims grouped into cells; each array is (cells,)."""

    claims: FloatArray
    loss: FloatArray
    """The sum of their losses, in the smallest unit of the currency."""
    least: FloatArray
    """The smallest possible loss of a claim; losses are whole numbers."""
    most: FloatArray
    """The largest possible loss of a claim; `inf` without a limit."""
    stated: Flags
    """Whether there are claims, and they state a loss above 0."""

    @classmethod
    def from_rows(cls, rows: pl.DataFrame) -> LossCells:
        """Return the cells of the rows of a cube, one per row."""
        stated = (pl.col("claims") > 0) & pl.col("over").is_not_null() & pl.col("loss").is_not_null()
        stated &= pl.col("up_to").is_null() | (pl.col("up_to") > 0)
        claims, loss = (rows[x].cast(pl.Float64).fill_null(0).to_numpy() for x in ("claims", "loss"))
        least, most = loss_ranges(rows)
        return cls(claims, loss, np.maximum(least, 1), most, rows.select(stated).to_series().to_numpy())

    def where(self, kept: Flags) -> LossCells:
        """Return only some of the cells."""
        rest = (self.loss[kept], self.least[kept], self.most[kept], self.stated[kept])
        return LossCells(self.claims[kept], *rest)


def replaced_shares(
    cells: LossCells, fixed: FloatArray, share: FloatArray, reviewed: Flags
) -> tuple[FloatArray, FloatArray]:
    """Return bounds of the share of the stated losses that policies pay, if each claim is accepted.

    Payments above a loss do not count. A review guarantees nothing, because only its mean award is assumed,
    and it may replace the whole loss.

    Args:
        cells: the claims.
        fixed: the fixed part of the payment per claim, (policies, cells), in the smallest unit.
        share: the share of the loss that is paid in addition, (policies, cells), from 0 to 1.
        reviewed: whether the claims are reviewed individually, (policies, cells).

    Returns:
        The lower bounds and the upper bounds, one number per policy each.

    Example:
        Two claims lose 10 and 40, each in a cell of its own. A payment of 20 replaces 30 of the loss of 50:

        >>> rows = pl.DataFrame({"over": [0, 20], "up_to": [20, 50], "claims": [1, 1], "loss": [10, 40]})
        >>> nothing = np.zeros((1, 2))
        >>> low, high = replaced_shares(LossCells.from_rows(rows), nothing + 20, nothing, nothing > 0)
        >>> low.item(), high.item()
        (0.6, 0.6)
    """
    kept = cells.where(cells.stated)
    fixed, share, reviewed = fixed[:, cells.stated], share[:, cells.stated], reviewed[:, cells.stated]
    # A claim is made whole up to the loss at which `fixed + share x loss` equals the loss.
    with np.errstate(divide="ignore", invalid="ignore"):
        whole_up_to = np.where(share < 1, fixed / (1 - share), np.inf)
        # Payments have four decimals, so a value this close to a whole number differs from it by rounding.
        nearest = np.rint(whole_up_to)
        whole_up_to = np.where(np.abs(whole_up_to - nearest) < CLOSE, nearest, whole_up_to)
    all_whole, none_whole = kept.most <= whole_up_to, kept.least > whole_up_to
    paid = fixed * kept.claims + share * kept.loss
    # Elsewhere the least is replaced if the losses are as unequal as they can be.
    at_least, at_most = (np.minimum(x, fixed + share * x) for x in (kept.least, kept.most))
    slope = (at_most - at_least) / np.maximum(kept.most - kept.least, 1.0)
    least_replaced = at_least * kept.claims + slope * (kept.loss - kept.least * kept.claims)
    low = np.where(all_whole, kept.loss, np.where(none_whole, paid, least_replaced))
    high = np.where(all_whole, kept.loss, np.minimum(kept.loss, paid))
    low, high = np.where(reviewed, 0.0, low), np.where(reviewed, kept.loss, high)
    total = kept.loss.sum() or np.nan
    # Rounding in the lower bound must not move it above the upper bound.
    return np.minimum(low, high).sum(axis=1) / total, high.sum(axis=1) / total


def loss_shares(policy: Policy, cube: Cube | None, ledger: Ledger | None, as_of: date) -> dict[str, float]:
    """Return the bounds of `replaced_shares` for one policy, by column; {} if the share is unknown.

    It is known for claims that state their losses in money, if the policy pays per claim.

    Args:
        policy: the policy, with the lines that were public on the day of the analysis.
        cube: a cube of claims; None if there are only published counts.
        ledger: the assumptions, as for `row_payments`.
        as_of: only assumptions public by this day are used.
    """
    by_claim = all(line.grain == "claim" for line in policy.schedules)
    if cube is None or policy.loss_unit != policy.currency or not by_claim:
        return {}
    over, up_to = pl.col("over"), pl.col("up_to").fill_null(1)
    positive = cube.frame.filter(pl.col("claims") > 0, over.is_not_null() & (up_to > 0))
    if positive.is_empty() or positive["loss"].null_count():
        return {}
    paid = row_payments(policy, cube, ledger, as_of)
    fixed, share = np.moveaxis(paid.formulas[[LOW, HIGH]], 1, 0) / SHARE_SCALE
    unlimited = np.isinf(fixed)
    limited, reviewed = np.where(unlimited, 0.0, fixed), paid.reviewed | unlimited
    low, high = replaced_shares(LossCells.from_rows(cube.frame), limited, share, reviewed)
    return {"replaced_low": float(low[0]), "replaced_high": float(high[1])}


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
    line, schedule = policy.line(id_), policy.schedule(id_)
    stated = stated_amounts(line).get("credit" if tie.kind == "credits" else tie.kind)
    amount: Fraction | int | None = None
    if tie.kind == "payments" and count is not None and tie.loss is not None:
        if schedule and not schedule.segments:
            if (payment := schedule.tariff.pay(tie.loss)) is None:
                return None
            amount = payment * count
    elif tie.kind == "fee" and line.kind == "fee_credit":
        amount = line.computed
    elif tie.kind == "budget" and stated is not None:
        amount = policy.resolve_amount(stated)
    elif isinstance(stated, int):
        counts = [get_fact(f).count for f in line.numeric_facts] if count is None else [count]
        amount = min(counts) * stated if counts else None
    if amount is None:
        raise UsageError(
            f"the tie-out {tie.id} cannot be computed from the line",
            value=id_,
            remedy="It needs a line of its kind with an amount, without segments.",
        )
    return Fraction(amount)


def policy_result(policy: Policy, *, as_of: date | None = None) -> dict[str, Any]:
    """Return the cost lines and the reconciliation of a policy as plain values.

    Args:
        policy: the policy.
        as_of: leave out amounts that use later facts; by default nothing is left out.

    Returns:
        `lines`: the rows of `line_table`; `tie_outs`: each published amount beside the recomputed one;
        `missing`: what was not published.
    """
    return {
        "policy": policy.id,
        "currency": policy.currency,
        "lines": line_table(policy).to_dicts(),
        "tie_outs": policy_reconciliation(policy, as_of).drop("as_expected", "hindsight").to_dicts(),
        "missing": [text.en for text in policy.missing],
    }


def policy_reconciliation(policy: Policy, as_of: date | None) -> pl.DataFrame:
    """Return the reconciliation of a policy; if `as_of` is given, without the rows that use later facts."""
    ties = reconciliation_table(policy.tie_outs, policy, as_of=as_of or date.max)
    return ties if as_of is None else ties.filter(~pl.col("hindsight"))


def reconciliation_summary(policy: Policy, locale: Locale) -> str:
    """Count the published amounts that the policy reproduces, as text such as `3 tie, 1 differ`.

    The text is empty if the policy names no published amount.
    """
    statuses = policy_reconciliation(policy, None)["status"].to_list()
    ties, differ = statuses.count("ties"), statuses.count("differs")
    key = "terminal.ties_differ" if differ else "terminal.ties"
    return locale(key, ties=ties, differ=differ) if statuses else ""


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
        unknown = schedule and teller.rule_text(schedule.unknown)
        ends = (None if x is None else float(x / 10**policy.digits) for x in line.payment_range)
        stated = (line.id, locale(f"word.{line.kind}"), line.public_on, line.effort)
        rows.append((*stated, *ends, policy.currency, unknown))
    return schema_of("policy.lines").frame(rows)
