"""Find the currency that complaint files state in the header or in the values of their losses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from outage_analysis.claims.inspection.columns import Column
from outage_analysis.claims.inspection.header_words import split_header
from outage_analysis.errors import UsageError
from outage_analysis.policies import NO_DECIMALS, THREE_DECIMALS
from outage_analysis.text import SIGNS, masked_name

CURRENCIES = {
    *(*SIGNS, *NO_DECIMALS, *THREE_DECIMALS),
    *("AED", "ARS", "BRL", "CHF", "COP", "CZK", "DKK", "EGP", "HUF", "IDR", "ILS", "INR", "MXN", "MYR"),
    *("NGN", "NOK", "PEN", "PHP", "PLN", "QAR", "RON", "SAR", "SEK", "THB", "TRY", "TWD", "UAH", "ZAR"),
}
"""Currency codes that are recognised in the header of the loss and in its values."""
CURRENCY_WORDS = {"원": "KRW", "won": "KRW", "euro": "EUR", "euros": "EUR", "yen": "JPY"}
"""Words in the header of the loss that name a currency."""
CURRENCY_MARKS = {"KRW": "원|₩", "EUR": "€", "GBP": "£"}
"""Currency -> pattern of marks in amounts that no other currency uses. A dollar sign is not among them."""


def stated_currency(losses: Sequence[Column], file: str) -> str:
    """Return the only currency that columns of losses state.

    Args:
        losses: the columns.
        file: the name of the first file, for the error message.

    Raises:
        UsageError: the columns state none or several.
    """
    stated: set[str] = set()
    for column in losses:
        words = {word.upper() for word in split_header(column.header)}
        stated |= words & CURRENCIES
        stated |= {code for word, code in CURRENCY_WORDS.items() if word.upper() in words}
        marks = [*CURRENCY_MARKS.items(), *((code, rf"\b{code}\b") for code in CURRENCIES)]
        text = column.header + " " + " ".join(column.texts["text"])
        stated |= {code for code, mark in marks if re.search(mark, text)}
    if len(stated) != 1:
        several = f"states losses in several currencies: {', '.join(sorted(stated))}"
        raise UsageError(
            several if stated else "does not state the currency",
            file=masked_name(file),
            remedy='Name it: currency="KRW" (on the command line: --currency KRW).',
        )
    return stated.pop()
