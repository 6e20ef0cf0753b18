"""What a policy pays per accepted claim in each row of a cube, all cost lines that pay per claim together.

Amounts are whole numbers of ten-thousandths of the smallest unit of the currency, so that comparisons of two
payments are exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import reduce
from itertools import combinations

from outage_analysis.assumptions import Ledger
from outage_analysis.costs.claim_payments import NO_RULE, rows_with_formula
from outage_analysis.costs.expected import ledger_for_policy
from outage_analysis.costs.funnel import build_funnel
from outage_analysis.incidents import UNKNOWN, Band
from outage_analysis.losses import Cube
from outage_analysis.policies import SHARE_SCALE, Policy, Schedule, Tariff

PLACES = 4
"""Decimals of a payment; `SHARE_SCALE` is ten to this power."""
Awards = Mapping[str, float | None]
"""Id of a cost line -> the mean award of a review in the smallest unit; None if the ledger states none."""


@dataclass(frozen=True)
class Formula:
    """A payment per claim: `fixed + slope x loss`, in ten-thousandths of the smallest unit."""

    fixed: int
    slope: int = 0

    def __add__(self, other: Formula) -> Formula:
        return Formula(self.fixed + other.fixed, self.slope + other.slope)

    def __sub__(self, other: Formula) -> Formula:
        return Formula(self.fixed - other.fixed, self.slope - other.slope)

    def total(self, claims: int, loss: int | None) -> int | None:
        """Return the sum over claims with a sum of losses; None if the sum matters and is unknown."""
        if not self.slope:
            return self.fixed * claims
        return None if loss is None else self.fixed * claims + self.slope * loss

    def least(self, losses: LossRange) -> int | None:
        """Return the smallest value for a loss in a range; None if there is none."""
        if self.slope >= 0:
            return self.fixed + self.slope * losses.least
        return None if losses.most is None else self.fixed + self.slope * losses.most

    def most(self, losses: LossRange) -> int | None:
        """Return the largest value for a loss in a range; None if there is none."""
        if self.slope <= 0:
            return self.fixed + self.slope * losses.least
        return None if losses.most is None else self.fixed + self.slope * losses.most


NOTHING = Formula(0)


@dataclass(frozen=True)
class LossRange:
    """The possible losses of single claims, in whole numbers; `most` is None if there is no limit."""

    least: int
    most: int | None

    @classmethod
    def of_band(cls, band: Band) -> LossRange:
        """Return the losses of a band; 0 for bands without a loss above 0, where no payment depends on it."""
        over, up_to = band
        if band == UNKNOWN or (up_to is not None and up_to <= 0):
            return cls(0, 0)
        return cls(0 if over is None else over + 1, up_to)

    def given_sum(self, claims: int, loss: int | None) -> LossRange:
        """Return the losses that are possible if several claims have a sum of losses."""
        if loss is None or not claims or self == LossRange(0, 0):
            return self
        rest = loss - (claims - 1) * self.least
        most = rest if self.most is None else min(self.most, rest)
        return LossRange(max(self.least, loss - (claims - 1) * most), most)


@dataclass(frozen=True)
class RowPayment:
    """What a policy pays per accepted claim of a row.

    Args:
        central: the payment that the expected cost counts; None if the payment has only bounds.
        low: a lower bound of the payment.
        high: an upper bound of the payment; None if there is no limit.
        reviewed: whether a review decides about the claims; the payment is then the mean award.
        rules: what decides the payment. Two policies with equal rules pay each claim of the row the same.
    """

    central: Formula | None
    low: Formula
    high: Formula | None
    reviewed: bool = False
    rules: tuple[object, ...] = ()

    @classmethod
    def exact(cls, formula: Formula, *, reviewed: bool = False) -> RowPayment:
        """Return a payment that is known exactly, or the mean award of a review."""
        return cls(formula, formula, formula, reviewed)

    def __add__(self, other: RowPayment) -> RowPayment:
        return RowPayment(
            None if self.central is None or other.central is None else self.central + other.central,
            self.low + other.low,
            None if self.high is None or other.high is None else self.high + other.high,
            self.reviewed or other.reviewed,
            (*self.rules, *other.rules),
        )

    @property
    def is_exact(self) -> bool:
        """Whether one formula gives the payment of each claim."""
        return self.central is not None and self.central == self.low == self.high


UNPAID = RowPayment.exact(NOTHING)


def mean_awards(policy: Policy, ledger: Ledger | None, as_of: date) -> dict[str, float | None]:
    """Return the mean award of a review per cost line that pays by loss band; None if it is not stated."""
    fitting = ledger and ledger_for_policy(ledger, policy)
    return {line.id: build_funnel(line, fitting, as_of).award.expected for line in policy.schedules}


def row_payments(policy: Policy, cube: Cube, awards: Awards) -> list[RowPayment]:
    """Return the payment per accepted claim in each row of a cube, over all lines that pay per claim.

    Args:
        policy: the policy, with the lines that were public on the day of the analysis.
        cube: a cube of claims.
        awards: the result of `mean_awards`.
    """
    lines = [line for line in policy.schedules if line.grain == "claim"]
    by_line = [list(_line_payments(line, cube, awards.get(line.id))) for line in lines]
    if not by_line:
        return [UNPAID] * len(cube.frame)
    return [reduce(RowPayment.__add__, payments) for payments in zip(*by_line, strict=True)]


def _line_payments(line: Schedule, cube: Cube, award: float | None) -> Iterator[RowPayment]:
    rows = rows_with_formula(cube, line).rows(named=True)
    entitled = sum(row["claims"] for row in rows if row["entitled"])
    unruled = sum(row["claims"] for row in rows if row["entitled"] and row["rule"] == NO_RULE)
    tariffs = [tariff for _, tariff in line.tariffs]
    for row in rows:
        if not row["entitled"]:
            yield UNPAID
            continue
        low, high = _formula(row["low"]), None if row["high"] is None else _formula(row["high"])
        if row["rule"] == "review":
            payment = review_payment(award)
        elif row["rule"] == NO_RULE:
            # The expected cost counts these claims as paid nothing, unless they are most of the claims.
            payment = RowPayment(None if 2 * unruled > entitled else NOTHING, NOTHING, high)
        elif row["fixed"] is None:
            payment = RowPayment(None, low, high)
        else:
            known = _formula(row["fixed"], row["slope"])
            low, high = (known + _formula(row[name]) for name in ("rounded_down", "rounded_up"))
            payment = RowPayment(known, low, high)
        rules = (tariffs[row["tariff"]], award if payment.reviewed else None)
        yield RowPayment(payment.central, payment.low, payment.high, payment.reviewed, rules)


def review_payment(award: float | None) -> RowPayment:
    """Return the payment of a reviewed claim: the mean award, or no upper bound if it is not stated."""
    if award is None:
        return RowPayment(None, NOTHING, None, reviewed=True)
    return RowPayment.exact(Formula(round(award * SHARE_SCALE)), reviewed=True)


def tariff_payment(tariff: Tariff, band: Band, award: float | None) -> RowPayment:
    """Return what one tariff pays an accepted claim with a loss in a band."""
    rules = (tariff, award)
    if all(piece.fixed is None for piece in tariff.pieces_overlapping(band)):
        payment = review_payment(award)
        return RowPayment(payment.central, payment.low, payment.high, reviewed=True, rules=rules)
    formula = tariff.formula(band)
    if formula is not None:
        known = Formula(*formula)
        least, most = (known + Formula(error) for error in tariff.rounding_error(band))
        return RowPayment(known, least, most, rules=rules)
    low, high = tariff.payment_range(band)
    ends = [None if x is None else Formula(int(x * SHARE_SCALE)) for x in (low, high)]
    return RowPayment(None, ends[0] or NOTHING, ends[1], rules=rules)


def _formula(fixed: Decimal, slope: Decimal | None = None) -> Formula:
    return Formula(int(fixed.scaleb(PLACES)), 0 if slope is None else int(slope.scaleb(PLACES)))


def edges_for_comparison(cube: Cube, payments: Sequence[Sequence[RowPayment]]) -> tuple[int, ...]:
    """Return the losses at which a cube needs further edges to compare policies exactly.

    Within a row whose payments are linear in the loss, a policy replaces the whole loss up to some loss, and
    two policies pay the same at one loss. Without an edge there, nobody knows on which side a claim is.

    Args:
        cube: a cube of claims with the edges of all policies.
        payments: the result of `row_payments` for each policy.
    """
    edges: set[int] = set()
    rows = cube.frame.select("over", "up_to", "claims", "loss").rows()
    for (over, up_to, claims, loss), *paid in zip(rows, *payments, strict=True):
        losses = LossRange.of_band((over, up_to)).given_sum(claims, loss)
        if losses.most is not None and losses.least >= losses.most:
            continue
        formulas = dict.fromkeys(p.central for p in paid if p.is_exact and p.central)
        whole = Formula(0, SHARE_SCALE)
        for first, second in combinations((whole, *formulas), 2):
            edges.update(_edges_at_crossing(first - second, losses))
    return tuple(sorted(edges))


def _edges_at_crossing(difference: Formula, losses: LossRange) -> Iterator[int]:
    if not difference.slope:
        return
    crossing, rest = divmod(-difference.fixed, difference.slope)
    for edge in (crossing,) if rest else (crossing - 1, crossing):
        if losses.least <= edge and (losses.most is None or edge < losses.most):
            yield edge
