"""Cube x policy -> payments, exact to the smallest unit of the currency.

A policy pays `fixed + slope x loss` on each piece of its tariff, so a total is exact from the count and
the sum of losses. Where the cube's bands straddle the pieces, or only counts are known and a share is
paid, the total is bounded instead, sharply.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

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
NO_RULE = "no_rule"
"""The `rule` of claims without a stated loss where the policy has no rule for them."""


def payments(cube: Cube, policy: Policy, *, award: int | None = None) -> pl.DataFrame:
    """What each schedule of a policy pays, if every claim is accepted.

    Args:
        cube: any cube with the dimensions that the policy's eligibility and segments name. A cube of
            claimants pays the one line it was built for, a cube of claims every line paid by claim.
        policy: the promises.
        award: the most that a review grants one claim, in the smallest unit, if that is known: it bounds
            what is reviewed, and the bands that lie across a rule and a review.

    Returns:
        One row per line, combination of dimensions and policy band: `line`, the dimensions, `over`
        and `up_to`, `rule` (pays, nothing, review, not_entitled, straddles, no_rule), `segment` (null for
        claims in no segment), `claims`, `loss` (null for claims that state none), and the payment in units of
        the currency, scale 4: `payment` (null under review or when only bounded), `payment_low`,
        `payment_high` (null when unbounded); `payment_squared`, the sum of squared payments as a float, for
        variances (null where the payment is, or where the cube has no squares).

        A band of the cube that spans several rules keeps its own `over` and `up_to` if all its losses are
        paid by one formula; the payment is then exact. Otherwise it is bounded, `rule` is `straddles`, and
        `over` and `up_to` are null.

        `no_rule` means that a claim states no loss and the policy has no `unknown` rule. Such claims count as
        paid 0, at most what the schedule pays for any loss. If they are more than half of the claims that a
        line entitles, their payment is null: the line has bounds and no point estimate.

    Raises:
        UsageError: the cube lacks a dimension that a line asks for.
        InputRefused: the sums are too large.
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
    typed = [pl.col(name).cast(dtype) for name, dtype in schema.items()]
    try:
        frames = [
            _line(cube, line, award).select(typed) for line in policy.schedules if paid_from(line, cube)
        ]
    except (pl.exceptions.ComputeError, pl.exceptions.InvalidOperationError) as error:
        raise InputRefused(
            f"the payments add up to more than {PLACES} digits hold",
            file=cube.source,
            remedy="State losses in a larger unit, or check the counts.",
        ) from error
    return pl.concat([pl.DataFrame(schema=schema), *frames])


def paid_from(line: Schedule, cube: Cube) -> bool:
    """Whether a cube has the rows that a line pays: claims, or the claimants it was built for."""
    return line.grain == "claim" if cube.line is None else cube.line == line.id


def placed_rows(cube: Cube, line: Schedule, award: int | None = None) -> pl.DataFrame:
    """The rows of a cube with the formula that a schedule pays them by.

    Returns:
        The columns and the order of the cube, then `entitled`, `tariff` (which of the line's) and, of the
        tariff's band, `place`, `rule_over`, `rule_up_to` and `rule`; `fixed` and `slope`, so that a claim is
        paid `fixed + slope x loss` in units of the currency (null without a formula), and its bounds `low`
        and `high`.
    """
    entitled = pl.lit(value=True) if cube.line else _fits(line.eligibility, cube, line)
    bands = cube.frame.select(*EDGES).unique(maintain_order=True).rows()
    places = pl.concat([_places(n, tariff, bands, award) for n, (_, tariff) in enumerate(line.tariffs)])
    rows = cube.frame.with_columns(entitled=entitled, tariff=_tariff_of(cube, line))
    return rows.join(places, on=[*EDGES, "tariff"], nulls_equal=True, maintain_order="left")


def _line(cube: Cube, line: Schedule, award: int | None) -> pl.DataFrame:
    """What one schedule pays: rows of the cube, priced by their place in a tariff, then added up."""
    segments = {n: segment.id for n, segment in enumerate(line.segments)}
    return (
        _priced(placed_rows(cube, line, award))
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


def _tariff_of(cube: Cube, line: Schedule) -> pl.Expr:
    """The number of the tariff that fits; claims without entitlement stand at the last one, paid nothing."""
    number = pl.lit(len(line.tariffs) - 1)
    for n, (when, _) in reversed(list(enumerate(line.tariffs[:-1]))):
        number = pl.when(_fits(when, cube, line)).then(n).otherwise(number)
    return number.cast(pl.Int64)


def _priced(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with what they are paid: exactly, or between the ends of their place; nothing if not entitled."""
    claims, nothing = pl.col("claims"), pl.lit(Decimal(0), MONEY)
    unruled = (pl.col("rule") == NO_RULE) & (claims > 0)
    entitled = claims.filter("entitled").sum()
    mostly_unstated = 2 * claims.filter("entitled", unruled).sum() > entitled
    # A flat payment needs no loss, which may be unknown.
    moving = pl.when(pl.col("slope") == 0).then(Decimal(0)).otherwise(pl.col("slope") * pl.col("loss"))
    exact = (pl.col("fixed") * claims + moving).cast(MONEY)
    found = (
        rows.with_columns(
            payment=pl.when(claims == 0).then(nothing).otherwise(exact), payment_squared=_squared()
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
    return null_unstated_sums(found)


def _squared() -> pl.Expr:
    """Sum of (fixed + slope x loss)^2, in floats: it decides no published figure."""
    fixed, slope = (pl.col(c).cast(pl.Float64) for c in ("fixed", "slope"))
    loss, squared = (pl.col(c).cast(pl.Float64) for c in ("loss", "loss_squared"))
    moving = 2 * fixed * slope * loss + slope**2 * squared
    of_claims = fixed**2 * pl.col("claims") + pl.when(slope == 0).then(0.0).otherwise(moving)
    return pl.when(pl.col("claims") == 0).then(0.0).otherwise(of_claims)


def _fits(entitled: Mapping[str, tuple[str, ...]], cube: Cube, line: Schedule) -> pl.Expr:
    """Whether a row has the values that each dimension asks for; an unknown value fits none."""
    for dimension in entitled:
        if dimension not in cube.dimensions:
            raise UsageError(
                f"the line {line.id} depends on {dimension}, which the cube does not have",
                remedy=f"Build the cube with the dimension {dimension}.",
            )
    return pl.all_horizontal(
        pl.lit(value=True),
        *(pl.col(d).cast(pl.String).is_in(list(values)) for d, values in entitled.items()),
    ).fill_null(value=False)


def _places(number: int, tariff: Tariff, bands: list[Band], award: int | None) -> pl.DataFrame:
    """For each band of a cube: the rule that covers it, and what one claim in it is paid."""
    schema: Schema = {
        **EDGES,
        "tariff": pl.Int64,
        "place": pl.Int64,
        "rule_over": pl.Int64,
        "rule_up_to": pl.Int64,
        "rule": pl.String,
        **dict.fromkeys(("fixed", "slope", "low", "high"), MONEY),
    }
    rows = [(*band, number, *place) for band, place in zip(bands, _placed(tariff, bands, award), strict=True)]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _placed(tariff: Tariff, bands: list[Band], award: int | None) -> Iterator[tuple[object, ...]]:
    for band in bands:
        formula = tariff.formula(band)
        terms = (None, None) if formula is None else tuple(map(_scaled, formula))
        low, high = tariff.extremes(band, award)
        rule = _named(tariff, band, formula)
        if band == UNKNOWN and tariff.unknown is None:
            high = tariff.extremes(ANY_LOSS, award)[1]
            rule = (*rule[:-1], "nothing" if high == 0 else NO_RULE)  # nothing is due for any loss
        yield *rule, *terms, _money(low), None if high is None else _money(high)


def _named(tariff: Tariff, band: Band, formula: tuple[int, int] | None) -> tuple[object, ...]:
    """The place, the edges and the rule under which a band of a cube is listed."""
    rules, touched = tariff.rules(), tariff.touched(band)
    place = touched[0].place
    if touched[-1].place == place:
        edges, rule = rules[place]
        return (place, *edges, rule.outcome)
    if formula is not None:
        return (place, *band, "pays" if any(formula) else "nothing")
    if all(piece.fixed is None for piece in touched):
        return (place, *band, "review")
    return (None, None, None, "straddles")


def _scaled(amount: int) -> Decimal:
    """Ten-thousandths as a decimal, exactly."""
    return Decimal(f"{amount}E-4")


def _money(amount: Fraction) -> Decimal:
    """A rational in ten-thousandths as a decimal, exactly."""
    return _scaled((amount * SHARE_SCALE).numerator)


def rounded(amount: Decimal) -> int:
    """A line's total in whole units, half up, once."""
    return math.floor(Fraction(amount) + Fraction(1, 2))
