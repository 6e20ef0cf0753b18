"""Split a tariff (payment rules by loss band) into loss intervals on which the payment is linear.

On each interval (piece), a claim is paid `fixed + slope x loss`. A deductible, floor or limit changes the
slope at one loss. Rounding and payment periods make the payment jump. Each jump starts a new piece, so that
the total payment can still be computed from the counts and sums of losses by band. A rounded share of any
loss has infinitely many jumps: after the first ones its payment is counted without rounding, and is known to
the rounding step. Any other tariff with too many jumps is rejected instead of approximated.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from outage_analysis.incidents import NEGATIVE, UNKNOWN, ZERO, Band
from outage_analysis.policies.rules import SHARE_SCALE, Rate, Rounding, Rule, RuleBand

LARGEST_TOTAL = 2**63 - 1
"""Upper bound for losses: the losses of one claimant may add up to more than the largest single loss."""
MAX_STEPS = 2_000
"""The largest number of edges of one policy, including those from rounding and periods."""
ROUNDED_STEPS = 200
"""So many steps of a rounded payment are exact if it has more than `MAX_STEPS`. So above, a step is at most
half a percent of the payment."""


@dataclass(frozen=True)
class Piece:
    """An interval of losses in which the payment for one claim is `fixed + slope x loss`.

    The payment is in ten-thousandths of the smallest currency unit. `fixed` is None if claims are paid by
    individual review. `rule_index` is the index of the rule in `Tariff.rules()`. With a `rounding`, the
    payment is `fixed + slope x loss` rounded by it.
    """

    band: Band
    rule_index: int
    fixed: int | None
    slope: int
    rounding: Rounding | None = None

    def pay(self, loss: int) -> int | None:
        """The payment for one claim, in ten-thousandths of the smallest unit; None if it takes a review."""
        amount = None if self.fixed is None else self.fixed + self.slope * loss
        return amount if amount is None or self.rounding is None else self.rounding.round_amount(amount)

    @property
    def rounding_error(self) -> tuple[int, int]:
        """The least and the most by which a payment exceeds `fixed + slope x loss`, in the same unit."""
        added = self.rounding.increment if self.rounding else 0
        return (added - self.rounding.step + 1 if self.rounding else 0), added

    def overlap(self, band: Band) -> tuple[int | None, int | None]:
        """The smallest and the largest loss of this piece that are also in `band`; None for an open end."""
        bottoms = [edge for edge in (band[0], self.band[0]) if edge is not None]
        upper_ends = [edge for edge in (band[1], self.band[1]) if edge is not None]
        return max(bottoms) + 1 if bottoms else None, min(upper_ends) if upper_ends else None

    def matches_formula(self, fixed: int, slope: int, band: Band) -> bool:
        """Whether this piece pays `fixed + slope x loss` for each of its losses that is also in `band`."""
        if (self.fixed, self.slope) == (fixed, slope):
            return True
        ends = self.overlap(band)
        if self.rounding or None in ends:
            return False
        return all(self.pay(x) == fixed + slope * x for x in ends if x is not None)


@dataclass(frozen=True)
class Tariff:
    """The payment rules by loss band, for all claims of a cost line or for one segment (group of claims)."""

    bands: tuple[RuleBand, ...]
    zero: Rule
    unknown: Rule | None
    """None if the policy has no rule for claims that state no loss."""
    shift: int
    """Subtracted from a written edge to get an inclusive upper cut: 0 or 1."""
    rounding: Rounding | None

    @property
    def bands_with_rules(self) -> list[tuple[Band, RuleBand]]:
        """The bands of positive losses (over < loss <= up_to) with their rules, in increasing order.

        A band that is closed at its lower edge may become empty: [0, 1) contains no positive whole number.
        """
        return [
            ((max(b.over - self.shift, 0), None if b.up_to is None else b.up_to - self.shift), b)
            for b in self.bands
        ]

    def rules(self) -> list[tuple[Band, Rule]]:
        """Every loss band that contains a whole number, with its payment rule.

        The order is: negative, zero and unknown losses, then bands of positive losses in increasing order.
        """
        positive = [(band, rule) for band, rule in self.bands_with_rules if contains_integer(band)]
        return [(NEGATIVE, Rule()), (ZERO, self.zero), (UNKNOWN, self.unknown or Rule()), *positive]

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The pieces (loss intervals with a linear payment) of the tariff.

        The order is: unknown, negative and zero losses, then positive losses in increasing order.
        """
        return _compile_pieces(self)

    @cached_property
    def _upper_ends(self) -> list[int]:
        return [LARGEST_TOTAL if p.band[1] is None else p.band[1] for p in self.pieces[1:]]

    @property
    def cuts(self) -> tuple[int, ...]:
        """The losses after which the payment formula changes, in increasing order."""
        return tuple(piece.band[1] for piece in self.pieces[3:] if piece.band[1] is not None)

    def pieces_overlapping(self, band: Band) -> tuple[Piece, ...]:
        """The pieces (loss intervals with one payment formula) that have a loss in common with `band`."""
        if band == UNKNOWN:
            return self.pieces[:1]
        upper_ends, (low, high) = self._upper_ends, band
        first = 0 if low is None else min(bisect_left(upper_ends, low + 1), len(upper_ends) - 1)
        last = (
            len(upper_ends) - 1 if high is None else min(bisect_left(upper_ends, high), len(upper_ends) - 1)
        )
        return self.pieces[first + 1 : last + 2]

    def pay(self, loss: int | None) -> Fraction | None:
        """The exact payment for one claim, in the smallest currency unit; None if it takes a review.

        A loss of None means that the loss is unknown.
        """
        band = UNKNOWN if loss is None else (loss - 1, loss)
        amount = self.pieces_overlapping(band)[0].pay(loss or 0)
        return None if amount is None else Fraction(amount, SHARE_SCALE)

    def formula(self, band: Band) -> tuple[int, int] | None:
        """A pair (`fixed`, `slope`) so that `fixed + slope x loss` is the payment for every loss in `band`.

        The payment is in ten-thousandths of the smallest currency unit. The result is None if there is no
        such pair: claims in the band are reviewed, or the pieces in the band have different formulas. Add
        `rounding_error` for the bounds of a rounded payment.
        """
        low, high = self.payment_range(band)
        if low == high:  # every claim in the band is paid the same: slope 0
            return int(low * SHARE_SCALE), 0
        overlapping = self.pieces_overlapping(band)
        for fixed, slope in ((piece.fixed, piece.slope) for piece in overlapping):
            if fixed is not None and all(piece.matches_formula(fixed, slope, band) for piece in overlapping):
                return fixed, slope
        return None

    def rounding_error(self, band: Band) -> tuple[int, int]:
        """The bounds of payment minus `formula` for a loss in `band`: what rounding takes off or adds."""
        low, high = self.payment_range(band)
        errors = [(0, 0), *(piece.rounding_error for piece in self.pieces_overlapping(band))]
        return (0, 0) if low == high else (min(errors)[0], max(most for _, most in errors))

    def payment_range(self, band: Band, award: int | None = None) -> tuple[Fraction, Fraction | None]:
        """The smallest and the largest payment for one claim in a band; None if there is no largest payment.

        `award` is the largest payment that an individual review can award, if it is known.
        """
        lows: list[int] = []
        highs: list[int | None] = []
        for piece in self.pieces_overlapping(band):
            if piece.fixed is None:
                lows.append(0)
                highs.append(None if award is None else award * SHARE_SCALE)
                continue
            first, last = piece.overlap(band)
            lows.append(piece.pay(first or 0) or 0)
            highs.append(piece.fixed if not piece.slope else None if last is None else piece.pay(last))
        known = [high for high in highs if high is not None]
        most = Fraction(max(known), SHARE_SCALE) if len(known) == len(highs) else None
        return Fraction(min(lows), SHARE_SCALE), most


def _compile_pieces(tariff: Tariff) -> tuple[Piece, ...]:
    zero_and_unknown: list[Piece] = []
    positive: list[Piece] = []
    round_payment = tariff.rounding.round_amount if tariff.rounding else lambda amount: amount
    for place, (band, rule) in enumerate(tariff.rules()):
        if band in (NEGATIVE, ZERO, UNKNOWN):
            fixed = None if rule.review else round_payment(rule.amount(0))
            zero_and_unknown.append(Piece(band, place, fixed, 0))
            continue
        for piece in _merge_equal_neighbours(_pieces_of_rule(band, place, rule, tariff.rounding)):
            positive.append(piece)
            check_step_count(len(positive))
    negative, zero, unknown = zero_and_unknown
    return (unknown, negative, zero, *positive)


def contains_integer(band: Band) -> bool:
    """Whether a band of positive losses contains a whole number."""
    return band[1] is None or band[1] > (band[0] or 0)


def check_step_count(steps: int) -> None:
    """Raise an error if the payment formula changes at more than `MAX_STEPS` losses.

    Raises:
        ValueError: there are more than `MAX_STEPS`; the message says what to change.
    """
    if steps > MAX_STEPS:
        raise ValueError(
            f"its payment jumps at more than {MAX_STEPS:,} losses"
            " | Round to a larger amount, lengthen the period, or set `limit` or `up_to`."
        )


def _pieces_of_rule(band: Band, place: int, rule: Rule, rounding: Rounding | None) -> Iterator[Piece]:
    low, high = band[0] or 0, band[1]
    if rule.review:
        yield Piece(band, place, None, 0)
        return
    upper_ends: list[int | None] = [*sorted(set(_breakpoints(low, high, rule))), high]
    for bottom, top in pairwise([low, *upper_ends]):
        yield from _pieces_of_line((bottom, top), place, rule, rounding)


def _pieces_of_line(band: Band, place: int, rule: Rule, rounding: Rounding | None) -> Iterator[Piece]:
    low, high = band[0] or 0, band[1]
    first = rule.amount(low + 1)
    slope = 0 if high == low + 1 else rule.amount(low + 2) - first
    fixed = first - slope * (low + 1)
    if rounding is None or (slope % rounding.step == 0 and fixed % rounding.step == 0):
        yield Piece(band, place, fixed, slope)
        return
    if not slope:
        yield Piece(band, place, rounding.round_amount(fixed), 0)
        return
    top = LARGEST_TOTAL if high is None else high
    steps = 0 if slope * (top - low) // rounding.step <= MAX_STEPS else ROUNDED_STEPS
    while low < top:
        value = rounding.round_amount(fixed + slope * (low + 1))
        end = min(top, (value + rounding.step - rounding.increment - fixed - 1) // slope)
        yield Piece((low, high if end == top else end), place, value, 0)
        low, steps = end, steps - 1
        if not steps:
            yield Piece((low, high), place, fixed, slope, rounding)
            return


def _breakpoints(low: int, high: int | None, rule: Rule) -> Iterator[int]:
    top = LARGEST_TOTAL if high is None else high
    if not rule.depends_on_loss:
        return
    candidates = [rule.deductible]
    limit_reached = top
    if rule.floor:
        candidates.append(
            _last_loss_where(low, top, lambda x: rule.amount_before_limits(x) <= rule.floor * SHARE_SCALE)
        )
    if rule.limit is not None:
        limit = rule.limit * SHARE_SCALE
        limit_reached = _last_loss_where(low, top, lambda x: rule.amount_before_limits(x) <= limit)
        candidates.append(limit_reached)
    if rule.rate is not None:
        candidates.append(rule.rate.after)
        if rule.rate.every > 1:
            candidates += _period_ends(rule.rate, low, limit_reached)
    yield from (x for x in candidates if low < x < top)


def _period_ends(rate: Rate, low: int, top: int) -> range:
    first = rate.after if rate.round_up else rate.after + rate.every - 1
    first += max(0, (low - first) // rate.every) * rate.every
    period_ends = range(first, top + 1, rate.every)
    check_step_count(len(period_ends))
    return period_ends


def _last_loss_where(low: int, top: int, holds: Callable[[int], bool]) -> int:
    """The largest loss from `low` + 1 to `top` for which `holds` is true, by bisection; `low` if none.

    The condition must be true up to some loss and false for all larger losses.
    """
    while low < top:
        middle = (low + top + 1) // 2
        low, top = (middle, top) if holds(middle) else (low, middle - 1)
    return low


def _merge_equal_neighbours(pieces: Iterator[Piece]) -> Iterator[Piece]:
    current: Piece | None = None
    for piece in pieces:
        if current is not None and replace(piece, band=current.band) == current:
            current = replace(current, band=(current.band[0], piece.band[1]))
            continue
        if current is not None:
            yield current
        current = piece
    if current is not None:
        yield current
