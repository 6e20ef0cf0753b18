"""What can be asked of a law: a parameter, its mean, its median, a percentile, or a function of one's own."""

from __future__ import annotations

import re
from collections.abc import Callable

from outage_analysis.datasets import nearest
from outage_analysis.errors import UsageError
from outage_analysis.severity.families import FAMILIES, Law

Quantity = str | Callable[[Law], float]
"""A parameter's name, `mean`, `median`, a percentile as `p95`, or a function of a `Law`."""


def asked(quantity: Quantity, family: str) -> Callable[[Law], float]:
    """The function that a quantity stands for, on laws of this family.

    Raises:
        UsageError: no such quantity.
    """
    if callable(quantity):
        return quantity
    if quantity in FAMILIES[family].params:
        return lambda law: law.params[quantity]
    if quantity in ("mean", "median"):
        return lambda law: float(getattr(law, quantity))
    if match := re.fullmatch(r"p(\d{1,2}(?:\.\d+)?)", quantity):
        share = float(match[1]) / 100
        if share > 0:
            return lambda law: float(law.quantile(share))
    known = [*FAMILIES[family].params, "mean", "median", "p95"]
    raise UsageError(
        f"the {family} law has no such quantity", value=quantity, remedy=nearest(quantity, known)
    )
