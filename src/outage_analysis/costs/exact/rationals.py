"""Small totals in Fractions: claim by claim, without a lattice and without rounding."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction

from outage_analysis.costs.exact.pooling import Atoms, Pool

MOST_CLAIMS = 100
MOST_WORK = 2**18
"""Products of two whole numbers, about 0.1 s."""

Law = dict[int, Fraction]


def rational_law(pool: Pool) -> Law | None:
    """The probability of each total, by total; None where that is not small or not rational.

    Claims that are all paid alike only move the others, so that any number of them is small.
    """
    sure = sum(n * law[0][0] for law, n in pool.fixed.items() if len(law) == 1)
    open_ = {law: n for law, n in pool.fixed.items() if len(law) > 1}
    if not pool.rational or sum(open_.values()) > MOST_CLAIMS:
        return None
    total, scale, work = {sure: 1}, 1, 0
    for law, n in open_.items():
        weights, common = _over_one_denominator(law)
        for _ in range(n):
            work += len(total) * len(weights)
            if work > MOST_WORK:
                return None
            total, scale = _convolved(total, weights), scale * common
    return {x: Fraction(total[x], scale) for x in sorted(total)}


def _over_one_denominator(law: Atoms) -> tuple[dict[int, int], int]:
    """Probabilities as whole numbers over their common denominator."""
    shares = {payment: Fraction(p) for payment, p in law}
    common = math.lcm(*(p.denominator for p in shares.values()))
    return {payment: int(p * common) for payment, p in shares.items()}, common


def _convolved(total: dict[int, int], claim: dict[int, int]) -> dict[int, int]:
    found: dict[int, int] = defaultdict(int)
    for x, weight in total.items():
        for payment, p in claim.items():
            found[x + payment] += weight * p
    return found
