"""Convert amounts of whole currency to the smallest unit, such as euros to cents."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from numbers import Real

from outage_analysis.errors import UsageError

NO_DECIMALS = {
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF",
    "XPF",
}  # fmt: skip
"""Currencies without decimal places (ISO 4217)."""
THREE_DECIMALS = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}
"""Currencies with three decimal places (ISO 4217)."""


def in_smallest_units(amount: object, digits: int) -> int | None:
    """Return an amount in the main unit as a whole number of the smallest unit: 12.5 euros are 1,250 cents.

    Args:
        amount: a number, as a person writes it.
        digits: the number of decimals of the unit.

    Returns:
        The whole number; None if the value is not a number or has more decimals.
    """
    try:
        scaled = Decimal(str(amount)).scaleb(digits)
        whole = int(scaled)
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return whole if scaled == whole and not isinstance(amount, bool) else None


def smallest_units(amount: object, digits: int, name: str) -> int:
    """Convert an amount of whole currency to the smallest unit, such as 12.5 euros to 1250 cents.

    Args:
        amount: a number from 0; a float counts as the decimal number that Python prints.
        digits: the number of decimal places of the currency.
        name: what the amount is, for the error message.

    Raises:
        UsageError: the amount is not a number from 0, or it has more decimal places than the currency.

    Example:
        >>> smallest_units(12.35, 2, "the payment")
        1235
    """
    if isinstance(amount, bool) or not isinstance(amount, Real | Decimal) or not float(amount) >= 0:
        raise UsageError(f"{name} is a number from 0", value=amount, remedy="Write 300_000, not text.")
    whole = in_smallest_units(amount, digits)
    if whole is None:
        places = f"at most {digits} decimal places" if digits else "no decimal places"
        raise UsageError(f"{name} has {places}", value=amount)
    return whole
