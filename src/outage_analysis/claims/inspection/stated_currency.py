"""Find the currency that complaint files state in the header or in the values of their losses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from outage_analysis.claims.header_words import split_header
from outage_analysis.claims.inspection.columns import Column
from outage_analysis.errors import UsageError
from outage_analysis.text import CURRENCIES, CURRENCY_WORDS, masked_name, stated_unit

CURRENCY_MARKS = {"KRW": "원|₩", "EUR": "€", "GBP": "£"}
"""Currency -> pattern of marks in amounts that no other currency uses. A dollar sign is not among them."""


def stated_currency(losses: Sequence[Column], named: Iterable[str], file: str) -> str:
    """Return the only currency that columns of losses, or of currencies, state.

    Args:
        losses: the columns.
        named: the currencies that a column of currencies names.
        file: the name of the first file, for the error message.

    Raises:
        UsageError: the columns state none or several.
    """
    stated: set[str] = set()
    for column in losses:
        words = [*split_header(column.header), *stated_unit(column.header).currencies]
        meant = [CURRENCY_WORDS.get(word.casefold(), ()) for word in words]
        stated |= {codes[0] for codes in meant if len(codes) == 1}
        marks = [*CURRENCY_MARKS.items(), *((code, rf"\b{code}\b") for code in CURRENCIES)]
        text = column.header + " " + " ".join(column.texts["text"])
        stated |= {code for code, mark in marks if re.search(mark, text)}
    stated |= {*named}
    if len(stated) != 1:
        several = f"states losses in several currencies: {', '.join(sorted(stated))}"
        raise UsageError(
            several if stated else "does not state the currency",
            file=masked_name(file),
            remedy='Name it: currency="KRW" (on the command line: --currency KRW).',
        )
    return stated.pop()
