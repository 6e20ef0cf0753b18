"""Assumptions whose distribution the user replaces by a value or a range."""

from __future__ import annotations

import math
from decimal import Decimal
from numbers import Real
from typing import TypeVar

from outage_analysis.assumptions.bounded_distributions import Pert, Uniform
from outage_analysis.assumptions.distributions import Fixed
from outage_analysis.assumptions.entries import Entry
from outage_analysis.assumptions.rates import Factor, MeanPayment, PaidTotal, RateAssumption
from outage_analysis.assumptions.reviews import Award
from outage_analysis.errors import UsageError
from outage_analysis.files import Text, validated_copy
from outage_analysis.policies import decimal_places

T = TypeVar("T", bound=Entry)
SOURCE = Text(en="Set by the user.", ko="사용자가 정한 값.")


def with_distribution(
    entry: T, currency: str | None, value: float | None, low: float | None, high: float | None
) -> T:
    """Return an assumption with a value or a range that the user sets.

    Args:
        entry: the assumption.
        currency: ISO code of the currency of the ledger's amounts.
        value: the value, in whole currency if it is an amount.
        low: the smallest possible value.
        high: the largest possible value.

    Raises:
        UsageError: a value is invalid, or the assumption is not one number.
    """
    if isinstance(entry, RateAssumption):
        replaced: dict[str, object] = {"classes": (), "left_out": (), "observed": None}
    elif isinstance(entry, Award):
        replaced = {"loss": None, "rules": ()}
    elif isinstance(entry, Factor | MeanPayment | PaidTotal):
        replaced = {}
    else:
        kind = getattr(entry, "kind", "")
        remedy = "Edit the TOML file of the ledger."
        raise UsageError(f"{entry.id} is a {kind}, which is not one number", remedy=remedy)
    unit = _unit(entry, currency)
    _check_values(entry, value, low, high)
    return validated_copy(
        entry,
        distribution=_distribution(value, low, high, unit),
        grade="assumed",
        source=SOURCE,
        rationale=SOURCE,
        facts=(),
        approved_by="",
        **replaced,
    )


def _unit(entry: Entry, currency: str | None) -> int:
    if not isinstance(entry, Award | MeanPayment | PaidTotal):
        return 1
    if currency is None:
        raise UsageError(
            f"the ledger states no currency, so the unit of {entry.id} is unknown",
            remedy='Add the currency to the ledger, as in currency = "EUR".',
        )
    return int(10 ** decimal_places(currency))


def _check_values(entry: Entry, value: float | None, low: float | None, high: float | None) -> None:
    if (low is None) != (high is None) or (value is None and low is None):
        raise UsageError(f"{entry.id} needs a value, or low and high, or all three")
    least = entry.least if isinstance(entry, Factor) else 0
    most = 1 if isinstance(entry, RateAssumption) else math.inf
    numbers: tuple[object, ...] = (value, low, high)
    for number in numbers:
        if number is None:
            continue
        if (
            isinstance(number, bool)
            or not isinstance(number, int | float | Real)
            or not math.isfinite(number)
        ):
            raise UsageError(f"{entry.id} is a number", value=number)
        if not least <= float(number) <= most:
            limits = f"from {least} to {most}" if most < math.inf else f"of at least {least}"
            remedy = "Write 50 % as 0.5." if most == 1 else ""
            raise UsageError(f"{entry.id} is a number {limits}", value=number, remedy=remedy)
    if low is not None and high is not None:
        if not low < high:
            raise UsageError(f"{entry.id} needs low < high", value=f"{low} and {high}")
        if value is not None and not low <= value <= high:
            raise UsageError(f"{entry.id} needs a value from low to high", value=value)


def _distribution(
    value: float | None, low: float | None, high: float | None, unit: int
) -> Fixed | Uniform | Pert:
    if low is None or high is None:
        assert value is not None  # noqa: S101 - `_check_values` has checked this
        return Fixed(value=_scaled(value, unit))
    if value is None:
        return Uniform(low=_scaled(low, unit), high=_scaled(high, unit))
    return Pert(low=_scaled(low, unit), mode=_scaled(value, unit), high=_scaled(high, unit))


def _scaled(amount: float, unit: int) -> float:
    """Multiply in decimals, because 80.15 euros times 100 is not 8015 cents in binary floats."""
    return float(Decimal(str(amount)) * unit)
