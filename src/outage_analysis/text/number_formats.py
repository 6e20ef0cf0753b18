"""Numbers, shares and amounts as text; the formats are the same in every language."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

LARGE = 100
"""Numbers in prose from this size on are written without decimals."""
TINY = 0.0001
"""Positive numbers below this are written as "<0.0001"."""
LEAST_PERCENT = 0.01
"""Smaller percentages are written as "<0.01%", and percentages as close to 100 % as ">99.99%"."""
NEARLY_ALL, ALL = 99.5, 100
MOST_DIGITS = 4


def format_number(value: float | Decimal) -> str:
    """Format a number for prose.

    Whole numbers get thousands separators. Numbers below 100 are written with up to four significant
    digits. Powers of ten are never used.
    """
    if not math.isfinite(value):
        return f"{value}"
    if float(value).is_integer() or abs(float(value)) >= LARGE:
        return f"{round(value):,}"  # The format `:.0f` would convert an int to a float and lose digits.
    return _tiny(value) or f"{value:,.4g}"


def format_exact(value: float) -> str:
    """Format a number for a table.

    Whole numbers are written in full, other numbers with up to two decimals, and numbers below 1 with up
    to three significant digits.
    """
    if isinstance(value, int):
        return f"{value:,}"
    if float(value).is_integer():
        return f"{value:,.0f}"
    if abs(value) < 1:
        return _tiny(value) or f"{value:.3g}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def format_share(value: float) -> str:
    """Format a share in percent with two significant digits.

    Shares just below 100 % get as many digits as they need to differ from 100 %.
    """
    percent = value * 100
    if percent == 0:
        return "0%"
    if abs(percent) < LEAST_PERCENT:
        return f"<{LEAST_PERCENT}%"
    digits = max(0, 1 - math.floor(math.log10(abs(percent))))
    if NEARLY_ALL <= percent < ALL:
        gap_to_all = round(ALL - percent, 9)  # Rounding removes the binary error: 100 - 99.9 becomes 0.1.
        if gap_to_all < LEAST_PERCENT:
            return f">{ALL - LEAST_PERCENT}%"
        digits = -math.floor(math.log10(gap_to_all))
    # Halves are rounded up: 24.5 % becomes 25 %. Rounding to nine decimals first removes binary errors.
    step = Decimal(1).scaleb(-min(digits, MOST_DIGITS))
    return f"{Decimal(repr(round(percent, 9))).quantize(step, ROUND_HALF_UP)}%"


def in_units(amount: float, digits: int) -> str:
    """Convert an amount to the main unit (cents to euros), and format it with `digits` decimals.

    Integers are converted without rounding errors.
    """
    if not isinstance(amount, int):
        return f"{amount / 10**digits:,.{digits}f}"
    units, rest = divmod(abs(amount), 10**digits)
    return ("-" if amount < 0 else "") + f"{units:,}" + (f".{rest:0{digits}d}" if digits else "")


def _tiny(value: float | Decimal) -> str:
    """Return a number very close to zero as "<0.0001" or ">-0.0001"; empty text for other numbers."""
    if abs(float(value)) >= TINY:
        return ""
    return f"<{TINY}" if value > 0 else f">-{TINY}"
