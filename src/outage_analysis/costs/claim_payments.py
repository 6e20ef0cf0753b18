"""Exact payments of a policy for the claims of a cube (claim counts by dimension and loss band).

In each loss band of its tariff a policy pays `fixed + slope x loss` per claim. So the number of claims and
the sum of their losses give the exact total. If a band of the cube spans several bands of the tariff, or if
losses are unknown where a share of the loss is paid, the total has a lower and an upper bound instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import polars as pl

from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.incidents import UNKNOWN, ZERO, Band
from outage_analysis.losses import EDGES, Cube, Schema, null_unstated_sums, sum_or_null
from outage_analysis.policies import SHARE_SCALE, Policy, Schedule, Tariff

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
    segments = {n: segment.id for n, segment in enumerate(line.segments)}
    return (
        _with_payments(rows_with_formula(cube, line, award))
        .group_by(*cube.dimensions, "entitled", "tariff", "place", "rule_over", "rule_up_to", "rule")
        .agg(pl.col("claims").sum(), *map(sum_or_null, ("loss", *AMOUNTS, "payment_squared")))
        .sort(*cube.dimensions, "entitled", "tariff", "place", "rule_over", "rule_up_to", nulls_last=True)
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


def _with_payments(rows: pl.DataFrame) -> pl.DataFrame:
    claims, nothing = pl.col("claims"), pl.lit(Decimal(0), MONEY)
    unruled = (pl.col("rule") == NO_RULE) & (claims > 0)
    mostly_unstated = 2 * claims.filter("entitled", unruled).sum() > claims.filter("entitled").sum()
    # A flat payment is known even if the loss is unknown.
    moving = pl.when(pl.col("slope") == 0).then(Decimal(0)).otherwise(pl.col("slope") * pl.col("loss"))
    exact = (pl.col("fixed") * claims + moving).cast(MONEY)
    paid = (
        rows.with_columns(
            payment=pl.when(claims == 0).then(nothing).otherwise(exact),
            payment_squared=_sum_of_squared_payments(),
        )
        .with_columns(
            payment_low=pl.col("payment").fill_null((pl.col("low") * claims).cast(MONEY)),
            payment_high=pl.when(~unruled).then("payment").fill_null((pl.col("high") * claims).cast(MONEY)),
            **{
                name: pl.when(~(unruled & mostly_unstated)).then(name)
                for name in ("payment", "payment_squared")
            },
        )
        .with_columns(
            *(pl.when("entitled").then(pl.col(c)).otherwise(nothing).alias(c) for c in AMOUNTS),
            payment_squared=pl.when("entitled").then("payment_squared").otherwise(0.0),
        )
    )
    return null_unstated_sums(paid)


def _sum_of_squared_payments() -> pl.Expr:
    # The sum is a float, because only variances use it and rounding does not matter there.
    fixed, slope = (pl.col(c).cast(pl.Float64) for c in ("fixed", "slope"))
    loss, squared = (pl.col(c).cast(pl.Float64) for c in ("loss", "loss_squared"))
    moving = 2 * fixed * slope * loss + slope**2 * squared
    squares = fixed**2 * pl.col("claims") + pl.when(slope == 0).then(0.0).otherwise(moving)
    return pl.when(pl.col("claims") == 0).then(0.0).otherwise(squares)


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
