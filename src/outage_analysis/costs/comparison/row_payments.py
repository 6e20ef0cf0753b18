"""What a policy pays per accepted claim, in each row of a cube or in each loss band of the reports.

Amounts are ten-thousandths of the smallest unit of the currency. Floats hold these whole numbers exactly, so
that comparisons of two payments are exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import combinations

import numpy as np
import numpy.typing as npt
import polars as pl

from outage_analysis.assumptions import FloatArray, Ledger
from outage_analysis.costs.claim_payments import ANY_LOSS, NO_RULE, cube_fits_line, rows_with_formula
from outage_analysis.costs.expected import ledger_for_policy
from outage_analysis.costs.funnel import build_funnel
from outage_analysis.incidents import UNKNOWN, Band
from outage_analysis.losses import EDGES, Cube
from outage_analysis.policies import SHARE_SCALE, Policy, Schedule, Tariff

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
    fitting, paid = ledger and ledger_for_policy(ledger, policy), Payments.nothing(len(cube.frame))
    for line in policy.schedules:
        if cube_fits_line(line, cube):
            award = build_funnel(line, fitting, as_of).award.expected
            paid += line_payments(line, cube, award)
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
        fixed, slope = formula
        return [(fixed + error, slope) for error in (0, *tariff.rounding_error(band))], False, (tariff, None)
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
