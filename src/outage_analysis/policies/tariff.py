"""A tariff compiled to pieces: stretches of losses on which a claim is paid `fixed + slope x loss`.

Deductibles, floors and limits bend a payment at one loss each. Rounding and periods make it jump: each
jump becomes an edge, so that what is paid still follows from counts and sums by band. Where the jumps
have no end, or are too many, the tariff is refused rather than approximated.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from outage_analysis.incidents import NEGATIVE, UNKNOWN, ZERO, Band
from outage_analysis.policies.rules import SHARE_SCALE, Rate, Rounding, Rule, RuleBand

LARGEST_TOTAL = 2**63 - 1
"""No loss is larger: what one claimant states may add up beyond the largest single loss."""
MAX_STEPS = 2_000
"""Edges of one policy, those of rounding and of periods included."""


@dataclass(frozen=True)
class Piece:
    """Losses of one rule on which a claim is paid `fixed + slope x loss`, in ten-thousandths.

    Under review `fixed` is None. `place` is the number of the rule in `Tariff.rules()`.
    """

    band: Band
    rule_index: int
    fixed: int | None
    slope: int

    def pay(self, loss: int) -> int | None:
        """One claim's payment, in ten-thousandths."""
        return None if self.fixed is None else self.fixed + self.slope * loss

    def overlap(self, band: Band) -> tuple[int | None, int | None]:
        """The smallest and the largest loss in both the piece and a band; None for an open end."""
        bottoms = [edge for edge in (band[0], self.band[0]) if edge is not None]
        tops = [edge for edge in (band[1], self.band[1]) if edge is not None]
        return max(bottoms) + 1 if bottoms else None, min(tops) if tops else None

    def matches_formula(self, fixed: int, slope: int, band: Band) -> bool:
        """Whether `fixed + slope x loss` is the payment of each loss that the piece shares with a band."""
        if (self.fixed, self.slope) == (fixed, slope):
            return True
        ends = self.overlap(band)
        return None not in ends and all(self.pay(x) == fixed + slope * x for x in ends if x is not None)


@dataclass(frozen=True)
class Tariff:
    """The rules by band of a schedule, or of one of its segments."""

    bands: tuple[RuleBand, ...]
    zero: Rule
    unknown: Rule | None
    """None where the policy does not say what a claim without a stated loss is paid."""
    shift: int
    """What turns a written edge into an inclusive upper cut."""
    rounding: Rounding | None

    @property
    def bands_with_rules(self) -> list[tuple[Band, RuleBand]]:
        """The bands as inclusive ones, in order; closed below, [0, 1) holds no positive whole number."""
        return [
            ((max(b.over - self.shift, 0), None if b.up_to is None else b.up_to - self.shift), b)
            for b in self.bands
        ]

    def rules(self) -> list[tuple[Band, Rule]]:
        """Every band that holds a loss, with its rule: negative, zero and unknown first."""
        positive = [(band, rule) for band, rule in self.bands_with_rules if contains_integer(band)]
        return [(NEGATIVE, Rule()), (ZERO, self.zero), (UNKNOWN, self.unknown or Rule()), *positive]

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Unknown first, then negative, zero and the positive pieces in order of the loss."""
        return _pieces(self)

    @cached_property
    def _tops(self) -> list[int]:
        """The last loss of each known piece, in order."""
        return [LARGEST_TOTAL if p.band[1] is None else p.band[1] for p in self.pieces[1:]]

    @property
    def cuts(self) -> tuple[int, ...]:
        """The inclusive upper cuts on which the payment bends or jumps."""
        return tuple(piece.band[1] for piece in self.pieces[3:] if piece.band[1] is not None)

    def pieces_overlapping(self, band: Band) -> tuple[Piece, ...]:
        """The pieces that share a loss with a band."""
        if band == UNKNOWN:
            return self.pieces[:1]
        tops, (low, high) = self._tops, band
        first = 0 if low is None else min(bisect_left(tops, low + 1), len(tops) - 1)
        last = len(tops) - 1 if high is None else min(bisect_left(tops, high), len(tops) - 1)
        return self.pieces[first + 1 : last + 2]

    def pay(self, loss: int | None) -> Fraction | None:
        """What one claim is paid, exactly, by its own rule; None under review. Unknown is None."""
        band = UNKNOWN if loss is None else (loss - 1, loss)
        amount = self.pieces_overlapping(band)[0].pay(loss or 0)
        return None if amount is None else Fraction(amount, SHARE_SCALE)

    def formula(self, band: Band) -> tuple[int, int] | None:
        """The `fixed` and `slope`, in ten-thousandths, that give the payment of every loss in a band.

        None where no single formula does: a review, or pieces that pay differently.
        """
        low, high = self.payment_range(band)
        if low == high:  # one amount for all, which needs no loss
            return int(low * SHARE_SCALE), 0
        touched = self.pieces_overlapping(band)
        for fixed, slope in ((piece.fixed, piece.slope) for piece in touched):
            if fixed is not None and all(piece.matches_formula(fixed, slope, band) for piece in touched):
                return fixed, slope
        return None

    def payment_range(self, band: Band, award: int | None = None) -> tuple[Fraction, Fraction | None]:
        """The least and the most that one claim in a band is paid; None: nothing limits it.

        `award` is the most that a review grants, where that is known.
        """
        lows: list[int] = []
        highs: list[int | None] = []
        for piece in self.pieces_overlapping(band):
            if piece.fixed is None:
                lows.append(0)
                highs.append(None if award is None else award * SHARE_SCALE)
                continue
            if not piece.slope:
                lows.append(piece.fixed)
                highs.append(piece.fixed)
                continue
            first, last = piece.overlap(band)
            lows.append(piece.fixed + piece.slope * (first or 0))
            highs.append(None if last is None else piece.fixed + piece.slope * last)
        known = [high for high in highs if high is not None]
        most = Fraction(max(known), SHARE_SCALE) if len(known) == len(highs) else None
        return Fraction(min(lows), SHARE_SCALE), most


def _pieces(tariff: Tariff) -> tuple[Piece, ...]:
    special: list[Piece] = []
    positive: list[Piece] = []
    rounded = tariff.rounding.round_amount if tariff.rounding else lambda amount: amount
    for place, (band, rule) in enumerate(tariff.rules()):
        if band in (NEGATIVE, ZERO, UNKNOWN):
            fixed = None if rule.review else rounded(rule.amount(0))
            special.append(Piece(band, place, fixed, 0))
            continue
        for piece in _merged(_compiled(band, place, rule, tariff.rounding)):
            positive.append(piece)
            check_step_count(len(positive))
    negative, zero, unknown = special
    return (unknown, negative, zero, *positive)


def contains_integer(band: Band) -> bool:
    """Whether a band of positive losses holds a whole number."""
    return band[1] is None or band[1] > (band[0] or 0)


def check_step_count(steps: int) -> None:
    """Refuse more steps than a plan may have.

    Raises:
        ValueError: too many, with what to do.
    """
    if steps > MAX_STEPS:
        raise ValueError(
            f"its payment jumps at more than {MAX_STEPS:,} losses"
            " | Round to a larger amount, lengthen the period, or set `limit` or `up_to`."
        )


def _compiled(band: Band, place: int, rule: Rule, rounding: Rounding | None) -> Iterator[Piece]:
    low, high = band[0] or 0, band[1]
    if rule.review:
        yield Piece(band, place, None, 0)
        return
    tops: list[int | None] = [*sorted(set(_bends(low, high, rule))), high]
    for bottom, top in pairwise([low, *tops]):
        yield from _straight((bottom, top), place, rule, rounding)


def _straight(band: Band, place: int, rule: Rule, rounding: Rounding | None) -> Iterator[Piece]:
    """A stretch without a bend, a straight line through its first two losses: one piece, or one a step."""
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
    check_step_count(slope * (top - low) // rounding.step)
    while low < top:
        value = rounding.round_amount(fixed + slope * (low + 1))
        end = min(top, (value + rounding.step - rounding.increment - fixed - 1) // slope)
        yield Piece((low, high if end == top else end), place, value, 0)
        low = end


def _bends(low: int, high: int | None, rule: Rule) -> Iterator[int]:
    """The losses inside a band after which the payment takes another course, or jumps."""
    top = LARGEST_TOTAL if high is None else high
    if not rule.depends_on_loss:
        return
    candidates = [rule.deductible]
    limited = top
    if rule.floor:
        candidates.append(_last(low, top, lambda x: rule.amount_before_limits(x) <= rule.floor * SHARE_SCALE))
    if rule.limit is not None:
        limit = rule.limit * SHARE_SCALE
        limited = _last(low, top, lambda x: rule.amount_before_limits(x) <= limit)
        candidates.append(limited)
    if rule.rate is not None:
        candidates.append(rule.rate.after)
        if rule.rate.every > 1:
            candidates += _periods(rule.rate, low, limited)
    yield from (x for x in candidates if low < x < top)


def _periods(rate: Rate, low: int, top: int) -> range:
    """The last loss of each number of periods, up to where the limit is reached."""
    first = rate.after if rate.begun else rate.after + rate.every - 1
    first += max(0, (low - first) // rate.every) * rate.every
    found = range(first, top + 1, rate.every)
    check_step_count(len(found))
    return found


def _last(low: int, top: int, holds: Callable[[int], bool]) -> int:
    """The last loss over `low` up to `top` for which something that ends once still holds, else `low`."""
    while low < top:
        middle = (low + top + 1) // 2
        low, top = (middle, top) if holds(middle) else (low, middle - 1)
    return low


def _merged(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Neighbours that pay alike are one piece."""
    held: Piece | None = None
    for piece in pieces:
        if held is not None and (held.fixed, held.slope) == (piece.fixed, piece.slope):
            held = Piece((held.band[0], piece.band[1]), held.rule_index, held.fixed, held.slope)
            continue
        if held is not None:
            yield held
        held = piece
    if held is not None:
        yield held
