"""What people get from a policy: payments per accepted claim, the share of their loss, the claims made whole.

Amounts of a payment are ten-thousandths of the smallest unit of the currency. Floats hold these whole numbers
exactly, so that comparisons of two payments are exact.

The benefits are measured by cells: claims of one cube row, whose losses lie in one band. Each policy pays
`fixed + share x loss` for a claim of a cell, or reviews the claim. Within a cell only the number of claims
and the sum of their losses are known, so a measure has a lower and an upper bound. Both are equal if the
cells have an edge at each loss that a payment replaces exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from outage_analysis.assumptions import FloatArray, Ledger
from outage_analysis.costs.claim_payments import (
    ANY_LOSS,
    NO_RULE,
    cube_fits_line,
    exact_payments,
    rows_with_formula,
)
from outage_analysis.costs.expected import basis_of, ledger_for_policy
from outage_analysis.costs.terms import build_funnel
from outage_analysis.incidents import UNKNOWN, Band
from outage_analysis.losses import EDGES, Cube, sum_or_null
from outage_analysis.policies import SHARE_SCALE, Policy, Schedule, Tariff
from outage_analysis.text import schema_of

Flags = npt.NDArray[np.bool_]
CENTRAL, LOW, HIGH = range(3)
"""A payment as the expected cost counts it (not a number if it has only bounds), and its bounds."""
RowPayment = tuple[Sequence[tuple[float, float]], bool, tuple[object, ...]]
"""The payment of one row: the pairs (`fixed`, `slope`), whether it is reviewed, and what decides it."""

UNPAID: RowPayment = ([(0, 0)] * 3, False, ())


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
    def from_rows(cls, rows: Iterable[RowPayment]) -> Payments:
        """Return the payments of rows, of which there must be one at least."""
        formulas, reviewed, rules = zip(*rows, strict=True)
        return cls(np.moveaxis(np.array(formulas, np.float64), 0, -1), np.array(reviewed), rules)

    @classmethod
    def nothing(cls, rows: int) -> Payments:
        """Return payments of nothing."""
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
            paid += line_payments(
                line, cube, build_funnel(line, fitting, as_of).inputs["review_award"].expected
            )
    return paid


def line_payments(line: Schedule, cube: Cube, award: float | None = None) -> Payments:
    """Return the payment of one line per accepted claim in each row of a cube, with a mean award if known."""
    rows, tariffs = rows_with_formula(cube, line), [tariff for _, tariff in line.tariffs]
    claims, unruled = pl.col("claims").filter("entitled"), pl.col("rule") == NO_RULE
    mostly_unruled = rows.select(2 * claims.filter(unruled.filter("entitled")).sum() > claims.sum()).item()
    paid = cache(lambda tariff, band: band_payment(tariffs[tariff], band, award))
    found: list[RowPayment] = []
    for over, up_to, tariff, entitled, rule in rows.select(*EDGES, "tariff", "entitled", "rule").iter_rows():
        formulas, reviewed, rules = paid(tariff, (over, up_to))
        if rule == NO_RULE and mostly_unruled:  # otherwise the expected cost counts them as paid nothing
            formulas = [(np.nan, 0), *formulas[LOW:]]
        found.append((formulas, reviewed, rules) if entitled else UNPAID)
    return Payments.from_rows(found) if found else Payments.nothing(0)


def band_payment(tariff: Tariff, band: Band, award: float | None) -> RowPayment:
    """Return what one tariff pays an accepted claim with a loss in a band."""
    low, high = tariff.payment_range(band)
    central: float = np.nan
    reviewed = all(piece.fixed is None for piece in tariff.pieces_overlapping(band))
    if reviewed and award is not None:
        return [(round(award * SHARE_SCALE), 0)] * 3, True, (tariff, award)
    if band == UNKNOWN and tariff.unknown is None:
        central, high = 0, tariff.payment_range(ANY_LOSS)[1]
    elif (formula := tariff.formula(band)) is not None:
        return [formula] * 3, False, (tariff, None)
    ends = (float(low * SHARE_SCALE), np.inf if high is None else float(high * SHARE_SCALE))
    return [(fixed, 0) for fixed in (central, *ends)], reviewed, (tariff, None)


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


def measure_benefits(
    cells: LossCells, fixed: FloatArray, share: FloatArray, reviewed: Flags
) -> dict[str, FloatArray]:
    """Return what claimants get under several policies, if each claim is accepted.

    Args:
        cells: the claims.
        fixed: the fixed part of the payment per claim, (policies, cells), in the smallest unit.
        share: the share of the loss that is paid in addition, (policies, cells), from 0 to 1.
        reviewed: whether the claims are reviewed individually, (policies, cells).

    Returns:
        Arrays of the shape (policies,). `replaced_low` and `replaced_high` bound the share of the stated
        losses that is paid. Payments above a loss do not count. A review guarantees nothing, because only its
        mean award is assumed, and it may replace the whole loss. `made_whole_low` and `made_whole_high` bound
        the number of claims that are paid at least their loss. No claim that is paid by a rule, or by
        nothing, lacks more than `largest_shortfall`.

    Example:
        Two claims lose 10 and 40, each in a cell of its own. A payment of 20 replaces 30 of the loss of 50:

        >>> rows = pl.DataFrame({"over": [0, 20], "up_to": [20, 50], "claims": [1, 1], "loss": [10, 40]})
        >>> nothing = np.zeros((1, 2))
        >>> got = measure_benefits(LossCells.from_rows(rows), nothing + 20, nothing, nothing > 0)
        >>> got["replaced_low"].item(), got["made_whole_low"].item(), got["largest_shortfall"].item()
        (0.6, 1.0, 20.0)
    """
    kept = cells.where(cells.stated)
    fixed, share = fixed[:, cells.stated], share[:, cells.stated]
    reviewed = reviewed[:, cells.stated]
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
    lacking = np.maximum(kept.most * (1 - share) - fixed, 0.0)
    return {
        # Rounding in the lower bound must not move it above the upper bound.
        "replaced_low": np.minimum(low, high).sum(axis=1) / total,
        "replaced_high": high.sum(axis=1) / total,
        "made_whole_low": np.where(all_whole & ~reviewed, kept.claims, 0.0).sum(axis=1),
        "made_whole_high": np.where(none_whole & ~reviewed, 0.0, kept.claims).sum(axis=1),
        "largest_shortfall": np.where(reviewed, 0.0, lacking).max(axis=1, initial=0.0),
    }


def loss_shares(policy: Policy, cube: Cube | None, ledger: Ledger | None, as_of: date) -> dict[str, Any]:
    """Return the measures of `measure_benefits` for one policy, or why they are unknown as `not_measured`.

    Args:
        policy: the policy, with the lines that were public on the day of the analysis.
        cube: a cube of claims; None if there are only published counts.
        ledger: the assumptions, as for `row_payments`.
        as_of: only assumptions public by this day are used.
    """
    if policy.loss_unit != policy.currency:
        return {"not_measured": "loss_not_money"}
    if cube is None:
        return {"not_measured": "published_counts"}
    if any(line.grain == "claimant" for line in policy.schedules):
        return {"not_measured": "paid_by_claimant"}
    over, up_to = pl.col("over"), pl.col("up_to").fill_null(1)
    positive = cube.frame.filter(pl.col("claims") > 0, over.is_not_null() & (up_to > 0))
    if positive["loss"].null_count():
        return {"not_measured": "sums_not_stated"}
    if positive.is_empty():
        return {"not_measured": "no_losses"}
    paid = row_payments(policy, cube, ledger, as_of)
    fixed, share = np.moveaxis(paid.formulas[[LOW, HIGH]], 1, 0) / SHARE_SCALE
    unlimited = np.isinf(fixed)
    limited, reviewed = np.where(unlimited, 0.0, fixed), paid.reviewed | unlimited
    found = measure_benefits(LossCells.from_rows(cube.frame), limited, share, reviewed)
    shortfall = float(found["largest_shortfall"][0])
    return {
        "replaced_low": float(found["replaced_low"][0]),
        "replaced_high": float(found["replaced_high"][1]),
        "made_whole_low": round(found["made_whole_low"][0]),
        "made_whole_high": round(found["made_whole_high"][1]),
        "largest_shortfall": shortfall if np.isfinite(shortfall) else None,
    }


def loss_replacement(policy: Policy, cubes: Sequence[Cube] = ()) -> pl.DataFrame:
    """Return the share of the loss that is paid for an accepted claim, by cost line, service and loss band.

    Args:
        policy: the policy, as known on the day of the analysis.
        cubes: cubes of claims; by default the result has bounds for each loss band of a schedule.

    Returns:
        The table `compare.replaced`. With claims (`basis` is `claims` or `synthetic`) `low`
        and `high` are payments divided by the sum of losses, and equal if the payments are exact. Without
        claims (`published`) they bound the share of any single loss in the band. `high` is null if there is
        no limit: under review, or if a fixed payment applies to arbitrarily small losses. Lines whose losses
        are not in currency have no row.
    """
    if policy.loss_unit != policy.currency:
        return schema_of("compare.replaced").frame()
    if cubes:
        return pl.concat([_replaced_claims(policy, cube) for cube in cubes])
    rows = [
        (line.id, segment, *band, rule.outcome, *_share_bounds(tariff, band))
        for line in policy.schedules
        for segment, (_, tariff) in zip([*(s.id for s in line.segments), None], line.tariffs, strict=True)
        for band, rule in tariff.rules()[3:]
    ]
    names, stated = (
        ("line", "segment", *EDGES, "rule", "low", "high"),
        {"policy": policy.id, "basis": "published"},
    )
    return schema_of("compare.replaced").frame(stated | dict(zip(names, row, strict=True)) for row in rows)


def _replaced_claims(policy: Policy, cube: Cube) -> pl.DataFrame:
    paid = exact_payments(cube, policy)
    if "service" not in paid.columns:
        paid = paid.with_columns(service=pl.lit(None, pl.String))
    return (
        paid.filter(pl.col("rule") != "not_entitled")
        .group_by("line", "service", "segment", "over", "up_to", "rule", maintain_order=True)
        .agg(pl.col("claims").sum(), *map(sum_or_null, ("loss", "payment_low", "payment_high")))
        .filter(pl.col("loss") > 0)
        .with_columns(
            policy=pl.lit(policy.id),
            basis=pl.lit(basis_of([cube])),
            low=pl.col("payment_low").cast(pl.Float64) / pl.col("loss"),
            high=pl.col("payment_high").cast(pl.Float64) / pl.col("loss"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in schema_of("compare.replaced").dtypes.items())
    )


def _share_bounds(tariff: Tariff, band: Band) -> tuple[float, float | None]:
    ratios: list[Fraction] = []
    limited = True
    for piece in tariff.pieces_overlapping(band):
        first, last = piece.overlap(band)
        if piece.fixed is None or first is None:  # a review
            ratios.append(Fraction(0))
            limited = False
            continue
        ratios.append(Fraction(piece.fixed, first) + piece.slope)
        ratios.append((Fraction(piece.fixed, last) if last else 0) + Fraction(piece.slope))
        limited = limited and not (first == 1 and piece.fixed > 0)
    low, high = (float(end / SHARE_SCALE) for end in (min(ratios), max(ratios)))
    return low, high if limited else None
