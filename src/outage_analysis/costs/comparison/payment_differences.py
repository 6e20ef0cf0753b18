"""Differences between the payments of two policies, summed over the claims of one row, with their signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from outage_analysis.costs.comparison.report_payments import ReportBand
from outage_analysis.costs.comparison.row_payments import Formula, LossRange, RowPayment
from outage_analysis.incidents import Band


@dataclass(frozen=True)
class Tally:
    """Sums over claims; amounts in ten-thousandths of the smallest unit, None if unknown or unlimited."""

    claims: float = 0
    paid: float | None = 0
    paid_other: float | None = 0
    total: float | None = 0
    low: float | None = 0
    high: float | None = 0
    gain: float = 0
    lose: float = 0
    equal: float = 0
    unclear: float = 0
    assumed: float = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.claims + other.claims,
            _add(self.paid, other.paid),
            _add(self.paid_other, other.paid_other),
            _add(self.total, other.total),
            _add(self.low, other.low),
            _add(self.high, other.high),
            self.gain + other.gain,
            self.lose + other.lose,
            self.equal + other.equal,
            self.unclear + other.unclear,
            self.assumed + other.assumed,
        )


def _add(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _subtract(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


@dataclass(frozen=True)
class DifferenceBounds:
    """The bounds of a payment less that of another policy; None if there is no limit."""

    low: Formula | None
    high: Formula | None

    @classmethod
    def of_payments(cls, payment: RowPayment, other: RowPayment) -> DifferenceBounds:
        """Return the bounds of the difference between two payments; both are 0 if the rules are equal."""
        if payment.rules == other.rules:
            return cls(Formula(0), Formula(0))
        return cls(
            None if other.high is None else payment.low - other.high,
            None if payment.high is None else payment.high - other.low,
        )

    def least(self, losses: LossRange) -> int | None:
        """Return the smallest possible difference for one claim."""
        return None if self.low is None else self.low.least(losses)

    def most(self, losses: LossRange) -> int | None:
        """Return the largest possible difference for one claim."""
        return None if self.high is None else self.high.most(losses)

    def sign(self, losses: LossRange) -> str:
        """Return `gain`, `lose` or `equal` if it is certain for each possible loss; else `unclear`."""
        least, most = self.least(losses), self.most(losses)
        if least is not None and least > 0:
            return "gain"
        if most is not None and most < 0:
            return "lose"
        if least is not None and most is not None and least >= 0 >= most:
            return "equal"
        return "unclear"

    def sums(self, claims: int, loss: int | None, losses: LossRange) -> tuple[int | None, int | None]:
        """Return the bounds of the sum over claims with a sum of losses, or of claims with any losses."""
        low, high = (None if x is None else x.total(claims, loss) for x in (self.low, self.high))
        least, most = self.least(losses), self.most(losses)
        return (
            least * claims if low is None and least is not None else low,
            most * claims if high is None and most is not None else high,
        )


def claims_tally(claims: int, loss: int | None, band: Band, payment: RowPayment, other: RowPayment) -> Tally:
    """Return the sums over claims with losses in one band, each paid by the same formulas.

    Args:
        claims: the number of claims.
        loss: the sum of their losses; None if it is unknown.
        band: the loss band.
        payment: what the policy pays.
        other: what the other policy pays.
    """
    losses = LossRange.of_band(band).given_sum(claims, loss)
    paid, paid_other = (
        None if p.central is None else p.central.total(claims, loss) for p in (payment, other)
    )
    bounds = DifferenceBounds.of_payments(payment, other)
    total = 0 if payment.rules == other.rules else _subtract(paid, paid_other)
    assumed = claims if payment.reviewed or other.reviewed else 0
    sign = {bounds.sign(losses): claims}
    return Tally(claims, paid, paid_other, total, *bounds.sums(claims, loss, losses), **sign, assumed=assumed)


def report_tally(reports: ReportBand) -> Tally:
    """Return the sums over the reports in a band, whose losses nobody knows.

    The sums are over one report if the number of reports is unknown.
    """
    claims = 1.0 if reports.claims is None else reports.claims
    parts = [
        (LossRange.of_band(band), DifferenceBounds.of_payments(mine, other))
        for band, mine, other in reports.parts
    ]
    signs = {bounds.sign(losses) for losses, bounds in parts}
    lows = [bounds.least(losses) for losses, bounds in parts]
    highs = [bounds.most(losses) for losses, bounds in parts]
    paid, paid_other = (
        _same_payment([payments[side] for _, *payments in reports.parts], claims) for side in (0, 1)
    )
    equal = all(mine.rules == other.rules for _, mine, other in reports.parts)
    reviewed = any(p.reviewed for _, *payments in reports.parts for p in payments)
    return Tally(
        claims,
        paid,
        paid_other,
        0.0 if equal else _subtract(paid, paid_other),
        None if None in lows else min(x for x in lows if x is not None) * claims,
        None if None in highs else max(x for x in highs if x is not None) * claims,
        **{signs.pop() if len(signs) == 1 else "unclear": claims},
        assumed=claims if reviewed else 0.0,
    )


def _same_payment(payments: Sequence[RowPayment], claims: float) -> float | None:
    amounts = {p.central.fixed if p.central and not p.central.slope else None for p in payments}
    amount = amounts.pop() if len(amounts) == 1 else None
    return None if amount is None else amount * claims
