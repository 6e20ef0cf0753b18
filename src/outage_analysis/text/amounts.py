"""How people write amounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from outage_analysis.text.notation import (
    Notation,
    agreed_value_sql,
    case_sql,
    guarded_sql,
    if_match_sql,
    is_canonical_sql,
    let_sql,
    narrowed_sql,
)

_DECIMALS = r"(?:\.\d{1,12}0*)?"
_WHOLE = r"(?:[1-9]\d{0,14}|0\d{0,7})"
"""Digits of a number; more of them behind a zero are a telephone or an account."""
_NUMBER = rf"(?:{_WHOLE}|[1-9]\d{{0,2}}(?:,\d{{3}}){{1,4}}){_DECIMALS}"
_MARK = r"(?:[₩\\]|(?i:krw)) ?"
_BEHIND = r" ?(?:[원₩]|(?i:krw|won))"
SIGNS = {
    "USD": r"(?:US)?\$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "CNY": "¥",
    "AUD": r"AU?\$|\$",
    "CAD": r"CA?\$|\$",
    "NZD": r"(?:NZ)?\$",
    "SGD": r"S?\$",
    "HKD": r"(?:HK)?\$",
    "KRW": "₩",
}
"""Currency -> the signs that stand for it; of any other, the code alone does."""
_UNITS = r"(?:[1-9]천(?: ?[1-9]백)?(?: ?[1-9]십)?|[1-9]백(?: ?[1-9]십)?|[1-9]십)"
_FOUR = r"(?:\d{1,4}|[1-9],\d{3})"
_FIRST = r"(?:\d{1,9}|[1-9]\d{0,2}(?:,\d{3}){1,2})"
_EOK = rf"(?:{_FIRST}|{_UNITS}) ?억"
_MYRIADS = rf"(?:{_EOK} ?(?:{_FOUR}|{_UNITS}) ?만|{_EOK}|(?:{_FIRST}|{_UNITS}) ?만)"
_MYRIADS_TOLD = rf"(?:(?:{_EOK} ?)?(?:{_FOUR}|{_UNITS}) ?만|{_FIRST} ?만)"
# "3억 2000" and "3억 2천" often mean 3억 2000만: what stands behind 억 without 만 counts only as so many 원.
_KOREAN = (
    rf"(?:[+-]?(?:{_MARK})?|{_MARK}[+-])(?:"
    rf"(?:{_MYRIADS}|{_MYRIADS_TOLD} ?{_UNITS}|{_UNITS}"
    rf"|{_FIRST}{_DECIMALS} ?(?:[천백십]?[만억]|[천백십]))(?: ?원)?"
    rf"|(?:{_MYRIADS} ?(?:{_FOUR}|{_UNITS})|(?:{_MYRIADS} ?)?[1-9]천 ?\d{{1,3}}) ?원)"
)
_PLACES = r"(?:([\d.]+)천)?(?:([\d.]+)백)?(?:([\d.]+)십)?([\d.]*)"


def _number(pattern: str, bare: str) -> Callable[..., str]:
    """Amounts of a pattern, with SQL of the bare number in them, whatever the currency."""
    return lambda text, _currency: if_match_sql(
        text, pattern, f"try_cast({bare.format(text)} as decimal(38, 12))"
    )


def _marked(text: str, currency: str) -> str:
    """Amounts with the sign or the code of the currency; of those of `SIGNS`, where none is given."""
    patterns = []
    for code in [currency] if currency else SIGNS:
        mark = f"(?:{'|'.join(filter(None, (SIGNS.get(code), f'(?i:{code})')))})"
        patterns.append(
            rf"(?:[+-]?{mark} ?|{mark} ?[+-]){_NUMBER}(?: ?{mark})?|[+-]?{_NUMBER} ?{mark}",
        )
    bare = f"regexp_replace({text}, '[^0-9.+-]', '', 'g')"
    return if_match_sql(text, f"(?:{'|'.join(patterns)})", f"try_cast({bare} as decimal(38, 12))")


def _korean(text: str, _currency: str) -> str:
    """Twelve places, from 천억 down to one, each ten times the next."""
    places = "abcdefghijkl"
    kept = f"regexp_replace({text}, '[^0-9.억만천백십]', '', 'g')"
    names = ", ".join(f"'{place}'" for place in places)
    split = f"regexp_extract({kept}, '^(?:{_PLACES}억)?(?:{_PLACES}만)?{_PLACES}$', [{names}])"
    counts = ", ".join(f"coalesce(try_cast(places.{place} as decimal(38, 12)), 0)" for place in places)
    total = let_sql("places", split, f"list_reduce([{counts}], lambda sum, count: sum * 10 + count)")
    return if_match_sql(text, _KOREAN, f"{total} * case when contains({text}, '-') then -1 else 1 end")


_AMOUNTS = (
    Notation(
        "plain",
        "Digits, with a point before decimals.",
        ("300000", "-1200", "1200.50"),
        _number(rf"[+-]?{_WHOLE}{_DECIMALS}", "{}"),
        exact=True,
    ),
    Notation(
        "grouped",
        "Digits in groups of three behind commas, or not grouped, with a point before decimals.",
        ("300,000", "-1,234,567", "1,200.50"),
        _number(rf"[+-]?{_NUMBER}", "replace({}, ',', '')"),
    ),
    Notation(
        "won",
        "A plain or grouped number with ₩, \\ or KRW before it, or 원, ₩, KRW or won behind it.",
        ("₩1,200", "300,000원", "KRW 300000", "-₩1,200", "300000 won"),
        _number(
            rf"(?:(?:[+-]?{_MARK}|{_MARK}[+-]){_NUMBER}(?:{_BEHIND})?|[+-]?{_NUMBER}{_BEHIND})",
            "regexp_replace({}, '[^0-9.+-]', '', 'g')",
        ),
        unit=True,
    ),
    Notation(
        "korean",
        "Counts of 억, 만, 천, 백 and 십 in falling order, with or without ₩ and 원.",
        ("30만원", "1.2만", "1억 2,000만 원", "3천만원", "30만5천원", "2천5백원"),
        _korean,
        unit=True,
    ),
    Notation(
        "european",
        "Digits in groups of three behind points, or not grouped, with a comma before decimals.",
        ("300.000", "1.234.567,89", "12,50"),
        _number(
            rf"[+-]?(?:{_WHOLE}|[1-9]\d{{0,2}}(?:\.\d{{3}}){{1,4}})(?:,\d{{1,12}}0*)?",
            "translate({}, ',.', '.')",
        ),
    ),
    Notation(
        "currency",
        "A plain or grouped number with the sign or the code of the incident's currency before or behind it.",
        ("$2,400.00", "US$ 12.50", "-€1,200.50", "2,400 EUR", "GBP 300", "A$99.95"),
        _marked,
        unit=True,
    ),
)
AMOUNTS = {notation.name: notation for notation in _AMOUNTS}
"""Name -> notation of amounts, whose `sql` takes a text."""


THOUSANDTHS = 3
"""Decimals of the few currencies in which three decimals are ordinary."""
_EITHER = rf"[^0-9.]*[1-9]\d{{0,2}}\.\d{{3}}(?:{_BEHIND}| ?(?:[A-Z]{{0,2}}[$€£¥]|[A-Za-z]{{3}}))?"


def amount_sql(
    column: str,
    names: Sequence[str],
    *,
    digits: int = 0,
    scale: Decimal | int = 1,
    currency: str = "",
    only_if: str = "",
) -> str:
    """SQL of the amount in the smallest unit, text x scale x 10^digits, as BIGINT.

    NULL where no notation fits or two disagree, where the product is no whole number below 10^15, and
    for "300.000", which half of the world reads as 300,000. A text that names its unit is not scaled.

    Args:
        column: the SQL of a text, its identifiers quoted.
        names: notations of `AMOUNTS`.
        digits: decimals of the currency: 0 for won, 2 for euros.
        scale: what one unit of the column stands for: 1000 where amounts are in thousands.
        currency: the ISO code of the one whose sign or code an amount may bear; any common one without.
        only_if: a condition under which a text is read that is not plainly an amount.

    Raises:
        KeyError: an unknown notation.
        ValueError: scale x 10^digits is not positive, above 10^12, or has more than nine decimals.
    """
    factor = Decimal(scale).scaleb(digits)
    if not 0 < factor <= 10**12 or factor != round(factor, 9):
        raise ValueError(f"an amount cannot be multiplied by {factor}")
    notations = [AMOUNTS[name] for name in names]
    counted, named = [n for n in notations if not n.unit], [n for n in notations if n.unit]
    if scale == 1 or not (counted and named):
        amount = _whole(
            agreed_value_sql(column, notations, currency), Decimal(10**digits) if named else factor
        )
    else:  # no text both names a unit and lacks one
        unscaled = _whole(agreed_value_sql(column, named, currency), Decimal(10**digits))
        amount = f"coalesce({_whole(agreed_value_sql(column, counted, currency), factor)}, {unscaled})"
    if digits != THOUSANDTHS and "european" not in names:
        amount = f"case when not regexp_full_match({narrowed_sql(column)}, '{_EITHER}') then {amount} end"
    amount = guarded_sql(only_if, amount, "bigint")
    if "plain" not in names or factor != int(factor):
        return amount
    return _at_once(column, int(factor), amount, points="european" not in names)


def _at_once(column: str, factor: int, otherwise: str, *, points: bool) -> str:
    """SQL of an amount that every reader reads alike, which needs no second opinion, else of another.

    A point is not one of them beside the European notation, nor are three decimals anywhere: "1.000".
    The room for digits and decimals is such that no product can be a fraction or leave BIGINT.
    """
    room = 15 - len(str(factor))
    places = min(2, len(str(factor)) - len(str(factor).rstrip("0")))
    decimals = (rf"(?:\.\d{{1,{places}}})?" if places else r"(?:\.00?)?") if points else ""
    number = f"try_cast({column} as decimal({room + places}, {places}))"
    digits = rf"(?:[1-9]\d{{0,{room - 1}}}|0\d{{0,{min(7, room - 1)}}})"
    most, whole = 10**room - 1, f"try_cast({column} as bigint)"
    plain = f"{whole} between -{most} and {most} and {is_canonical_sql(column, 'bigint')}"
    regular = if_match_sql(column, rf"[+-]?{digits}{decimals}", f"({number} * {factor})::bigint")
    return case_sql(plain, f"{whole} * {factor}", f"coalesce({regular}, {otherwise})")


def _whole(amount: str, factor: Decimal) -> str:
    """SQL of an amount times a factor as BIGINT, NULL unless it is whole and below 10^15."""
    exact = max(0, -int(factor.normalize().as_tuple().exponent))
    product = f"try({amount} * {factor:f}::decimal(38, {exact}))"
    counted = "case when product = trunc(product) then try_cast(product as decimal(15, 0))::bigint end"
    return let_sql("product", product, counted)
