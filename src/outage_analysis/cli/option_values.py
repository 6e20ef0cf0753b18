"""Parse the values of options, which are texts: amounts, tiers, columns, levels, days and shares."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import TYPE_CHECKING

from outage_analysis.errors import UsageError
from outage_analysis.text import DEFAULT_LEVEL, LEAST_LEVEL, MONEY_UNITS, MOST_LEVEL, in_smallest_units

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    from outage_analysis.policies import Amount

MOST_MONEY_DIGITS = 17
"""Most digits of an amount that is given as an option."""


def parse_money(text: str, option: str = "--budget") -> int:
    """Parse an amount in whole currency units, with or without separators, such as 400M, 1.5bn or 4억.

    Raises:
        UsageError: the text is not a positive whole number of at most 17 digits.
    """
    digits = _in_full(text.replace("_", "").replace(",", "").strip())
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MOST_MONEY_DIGITS and int(digits)):
        raise UsageError(
            f"{option} is no sum in whole currency", value=text, remedy="Write it as 300_000_000."
        )
    return int(digits)


def _in_full(text: str) -> str:
    match = re.fullmatch(rf"([0-9]+)(\.[0-9]*)?\s*({'|'.join(MONEY_UNITS)})", text.casefold())
    if match is None or len(re.findall("[0-9]", match[0])) > MOST_MONEY_DIGITS:
        return text
    value = Decimal(match[1] + (match[2] or "")) * MONEY_UNITS[match[3]]
    return str(int(value)) if value == int(value) else text


def parse_amount(text: str, option: str) -> Decimal:
    """Parse an amount in whole currency, with decimals if necessary.

    Raises:
        UsageError: the text is no amount.
    """
    try:
        amount = Decimal(text.replace("_", ""))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise UsageError(f"{option} is no amount", value=text, remedy="Write it as 30_000 or 12.50.")
    return amount


def parse_tiers(text: str) -> dict[Amount | None, Amount]:
    """Parse tiers such as 300000:30000,500000:50000; the star in *:80000 stands for all larger losses.

    Raises:
        UsageError: the text is no list of tiers.
    """
    tiers: dict[Amount | None, Amount] = {}
    for part in text.split(","):
        up_to, colon, pays = part.strip().partition(":")
        if not colon:
            remedy = "Write 300000:30000,500000:50000, without thousands separators other than _."
            raise UsageError("--tiers is no list of tiers", value=text, remedy=remedy)
        edge = None if up_to.strip() == "*" else parse_amount(up_to.strip(), "--tiers")
        if edge in tiers:
            raise UsageError("--tiers has two payments for one tier", value=up_to)
        tiers[edge] = parse_amount(pays.strip(), "--tiers")
    return tiers


def parse_changes(texts: Sequence[str]) -> dict[str, float]:
    """Return the number for each name, from texts such as cash.tier1=20000 or as-filing-share=30%.

    Raises:
        UsageError: a text has no equals sign, a name is given twice, or a value is no number from 0.
    """
    return {
        name: float(
            parse_amount(text.removesuffix("%"), f"--set {name}") / (100 if text.endswith("%") else 1)
        )
        for name, text in parse_pairs(texts, "--set", "cash.tier1=20000").items()
    }


def parse_pairs(texts: Sequence[str], option: str, example: str) -> dict[str, str]:
    """Parse texts such as service=Product into a mapping from name to value.

    Raises:
        UsageError: a text has no equals sign or no name, or a name is given twice.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name.strip() and equals) or name.strip() in pairs:
            problem = (
                "has no value" if not equals else "is given twice for one name" if name else "has no name"
            )
            raise UsageError(f"{option} {problem}", value=text, remedy=f"Write each once, as in {example}.")
        pairs[name.strip()] = value
    return pairs


def parse_level(text: str | None) -> int:
    """Parse the level of the likely range in percent, such as 90 or 90%; None gives the default level.

    Raises:
        UsageError: the text is no whole number from 50 to 98.
    """
    if text is None:
        return DEFAULT_LEVEL
    digits = text.removesuffix("%")
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= len(str(MOST_LEVEL))
    if not (is_number and LEAST_LEVEL <= int(digits) <= MOST_LEVEL):
        raise UsageError(
            f"--level is no whole number from {LEAST_LEVEL} to {MOST_LEVEL}",
            value=text,
            remedy="Write 90 for P5 to P95.",
        )
    return int(digits)


def parse_share(text: str, option: str = "--max-rejects") -> float:
    """Parse a share such as 5% or 0.05.

    Raises:
        UsageError: the text is not a number between 0 and 1.
    """
    percent = text.endswith("%")
    try:
        value = float(text.removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"{option} is not a share", value=text, remedy="Write it as 5% or 0.05.")
    return value


def parse_edges(text: str, digits: int, option: str = "--bands") -> tuple[int, ...]:
    """Parse edges of loss bands, such as 0,300000,500000 or 0,12.50, into whole numbers of the smallest unit.

    An edge of 0 at the beginning is left out, because every list of bands has an edge at 0.

    Args:
        text: the edges, separated by commas, in whole currency or in the unit of the losses.
        digits: the number of decimals of a loss.
        option: the name of the option, for the error message.

    Raises:
        UsageError: an edge is not a number from 0, has more decimals than a loss, or does not increase.
    """
    units: list[int] = []
    for word in text.split(","):
        number = word.strip().replace("_", "")
        plain = number.isascii() and number.replace(".", "", 1).isdigit() and len(number) <= MOST_MONEY_DIGITS
        unit = in_smallest_units(number, digits) if plain else None
        if unit is None or unit >= 10**MOST_MONEY_DIGITS:
            example = "0,300000,500000" if digits == 0 else f"0,300,500.{'0' * digits}"
            raise UsageError(
                f"an edge of {option} is not a number with at most {digits} decimals",
                value=word.strip(),
                remedy=f"Write the edges in increasing order, as {example}.",
            )
        units.append(unit)
    for low, high in pairwise(units):
        if low >= high:
            raise UsageError(
                f"the edges of {option} do not increase", value=text, remedy="Sort them, each once."
            )
    return tuple(edge for edge in units if edge > 0)
