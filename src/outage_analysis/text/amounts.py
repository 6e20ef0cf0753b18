"""Notations (ways to write) of amounts, and SQL that parses them. Notations of days use the same class.

Also amounts of whole currency in the smallest unit.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from numbers import Real

from outage_analysis.errors import UsageError
from outage_analysis.text.word_lists import listed_words

MONEY_UNITS = {word: int(size) for word, size in listed_words("money_unit").items()}
"""Units that may follow the number of an amount: 400M, 400 million, 1.5bn, 4억. Longer names come first."""


@dataclass(frozen=True)
class Notation:
    """A notation: one way to write a day or an amount.

    `sql` is a function that returns SQL to parse a text. Its arguments are the SQL of the text and a context:
    a time zone and a window for days, a currency code for amounts. The parsed value is a DATE, or an amount
    as DECIMAL(38, 12) in the unit in which it is written.
    """

    name: str
    description: str
    """A one-line description for users."""
    examples: tuple[str, ...]
    sql: Callable[..., str]
    exact: bool
    """Whether the text is matched unchanged. Other notations also match full-width characters."""
    unit: bool
    """Whether the text states its unit, so that the scale of the column is not applied."""


def listed_notations(kind: str, parsers: Mapping[str, Callable[..., str]]) -> dict[str, Notation]:
    """Return the notations of days or amounts that notations.csv lists, by name, each with its `sql`."""
    rows = csv.DictReader((files(__package__) / "notations.csv").read_text("utf-8").splitlines())
    return {
        (name := row["name"]): Notation(
            name,
            row["description"],
            tuple(row["examples"].split(" | ")),
            parsers[name],
            exact=bool(row["exact"]),
            unit=bool(row["unit"]),
        )
        for row in rows
        if row["kind"] == kind
    }


def agreed_value_sql(column: str, notations: Sequence[Notation], *context: object, among: str = "") -> str:
    """Return SQL that parses a text in several notations; NULL if none matches or two of them disagree.

    `among` is an SQL condition on a value called `reading`. If notations disagree, the only value that meets
    it is taken.
    """
    exact = ", ".join(n.sql(column, *context) for n in notations if n.exact)
    others = ", ".join(n.sql("normalised", *context) for n in notations if not n.exact)
    values = f"list_concat([{exact}], {let_sql('normalised', narrowed_sql(column), f'[{others}]')})"
    # list_distinct drops NULL values, so notations that do not match are ignored.
    only_value = "case when len(readings) = 1 then readings[1] end"
    if among and len(notations) > 1:
        possible = f"list_filter(readings, lambda reading: {among})"
        only_possible = let_sql("possible", possible, "case when len(possible) = 1 then possible[1] end")
        only_value = f"case when len(readings) = 1 then readings[1] else {only_possible} end"
    single_value = let_sql("readings", f"list_distinct({values})", only_value)
    return f"case when {column} is not null then {single_value} end"


def let_sql(name: str, value: str, body: str) -> str:
    """Return SQL that computes a value once, under a name by which the SQL `body` uses it."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"


def if_match_sql(text: str, pattern: str, value: str) -> str:
    """Return SQL for a value if a pattern matches the whole text, else NULL."""
    return f"case when regexp_full_match({text}, '{pattern}') then {value} end"


def is_canonical_sql(text: str, kind: str) -> str:
    """Return an SQL condition: a text stays the same if it is converted to the type `kind` and back."""
    return f"cast(try_cast({text} as {kind}) as varchar) = {text}"


def case_sql(condition: str, value: str, otherwise: str) -> str:
    """Return SQL for one of two values, depending on a condition. DuckDB computes only the value needed."""
    return f"case when {condition} then {value} else {otherwise} end"


NEVER = "false"
"""The SQL condition with which `guarded_sql` always returns NULL."""


def guarded_sql(condition: str, value: str, kind: str) -> str:
    """Return SQL for a value if a condition is true, else NULL. An empty condition counts as true."""
    if condition == NEVER:
        # DuckDB would take time to plan the long SQL, even if it never executes it. So the SQL is left out.
        return f"cast(null as {kind})"
    return f"case when {condition} then {value} end" if condition else value


_ASCII = "0123456789,.:/-+()"
_WIDE = "".join(chr(ord(c) + 0xFEE0) for c in _ASCII)
_OTHER_WIDE = (
    "\N{MINUS SIGN}\N{FULLWIDTH WON SIGN}\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"
    "\N{FULLWIDTH DOLLAR SIGN}\N{FULLWIDTH POUND SIGN}\N{FULLWIDTH YEN SIGN}"
)


def narrowed_sql(text: str) -> str:
    """Return SQL that replaces full-width digits and signs by ordinary ones, and removes outer spaces."""
    return f"trim(translate({text}, '{_WIDE}{_OTHER_WIDE}', '{_ASCII}-₩  $£¥'))"


_DECIMALS = r"(?:\.\d{1,12}0*)?"
_WHOLE = r"(?:[1-9]\d{0,14}|0\d{0,7})"
"""Pattern of a whole number. More digits after a leading zero are a telephone or account number."""
_NUMBER = rf"(?:{_WHOLE}|[1-9]\d{{0,2}}(?:,\d{{3}}){{1,4}}){_DECIMALS}"
_GAPS = (r" ", r"[\x{2009}\x{202F}]", r"''", r"\x{2019}")
"""Patterns of the spaces and apostrophes that separate thousands; an amount has only one of them."""
_GROUPS = "|".join(rf"(?:{gap}\d{{3}}){{1,4}}" for gap in _GAPS)
_SPACED = rf"(?:{_WHOLE}|[1-9]\d{{0,2}}(?:{_GROUPS}))"
_COMMA_DECIMALS = r"(?:,\d{1,12}0*)?"
_EUROPEAN = rf"(?:{_WHOLE}|[1-9]\d{{0,2}}(?:\.\d{{3}}){{1,4}}){_COMMA_DECIMALS}"
_BARE_POINT = "regexp_replace({}, '[^0-9.+-]', '', 'g')"
_BARE_COMMA = "translate(regexp_replace({}, '[^0-9,+-]', '', 'g'), ',', '.')"
_WON_PREFIX = r"(?:[₩\\]|(?i:krw)) ?"
_WON_SUFFIX = r" ?(?:[원₩]|(?i:krw|won))"
SIGNS = listed_words("sign")
"""Currency -> pattern of its signs. Other currencies are recognised only by their ISO code."""
_UNITS = r"(?:[1-9]천(?: ?[1-9]백)?(?: ?[1-9]십)?|[1-9]백(?: ?[1-9]십)?|[1-9]십)"
_UP_TO_9999 = r"(?:\d{1,4}|[1-9],\d{3})"
_LEADING_NUMBER = r"(?:\d{1,9}|[1-9]\d{0,2}(?:,\d{3}){1,2})"
_EOK = rf"(?:{_LEADING_NUMBER}|{_UNITS}) ?억"
_MYRIADS = rf"(?:{_EOK} ?(?:{_UP_TO_9999}|{_UNITS}) ?만|{_EOK}|(?:{_LEADING_NUMBER}|{_UNITS}) ?만)"
_MYRIADS_WITH_REST = rf"(?:(?:{_EOK} ?)?(?:{_UP_TO_9999}|{_UNITS}) ?만|{_LEADING_NUMBER} ?만)"
# "3억 2000" and "3억 2천" often mean 3억 2000만. So digits after 억 without 만 are accepted only before 원.
_KOREAN = (
    rf"(?:[+-]?(?:{_WON_PREFIX})?|{_WON_PREFIX}[+-])(?:"
    rf"(?:{_MYRIADS}|{_MYRIADS_WITH_REST} ?{_UNITS}|{_UNITS}"
    rf"|{_LEADING_NUMBER}{_DECIMALS} ?(?:[천백십]?[만억]|[천백십]))(?: ?원)?"
    rf"|(?:{_MYRIADS} ?(?:{_UP_TO_9999}|{_UNITS})|(?:{_MYRIADS} ?)?[1-9]천 ?\d{{1,3}}) ?원)"
)
_KOREAN_PLACES = r"(?:([\d.]+)천)?(?:([\d.]+)백)?(?:([\d.]+)십)?([\d.]*)"


def _number(pattern: str, bare: str) -> Callable[..., str]:
    """Return a function that returns SQL to parse amounts that match a pattern; other texts give NULL.

    `bare` is the SQL that reduces the text to a plain number.
    """
    return lambda text, _currency: if_match_sql(
        text, pattern, f"try_cast({bare.format(text)} as decimal(38, 12))"
    )


def _with_currency(number: str, bare: str) -> Callable[..., str]:
    """Return a function that returns SQL to parse amounts with the sign or code of a currency, as $ or EUR.

    Args:
        number: the pattern of the amount without the sign.
        bare: the SQL that reduces the text to a plain number.
    """

    def sql(text: str, currency: str) -> str:
        patterns = []
        for code in [currency] if currency else SIGNS:  # Without a currency, any of `SIGNS` is accepted.
            mark = f"(?:{'|'.join(filter(None, (SIGNS.get(code), f'(?i:{code})')))})"
            patterns.append(rf"(?:[+-]?{mark} ?|{mark} ?[+-]){number}(?: ?{mark})?|[+-]?{number} ?{mark}")
        value = f"try_cast({bare.format(text)} as decimal(38, 12))"
        return if_match_sql(text, f"(?:{'|'.join(patterns)})", value)

    return sql


def _korean(text: str, _currency: str) -> str:
    places = "abcdefghijkl"
    digits_and_places = f"regexp_replace({text}, '[^0-9.억만천백십]', '', 'g')"
    names = ", ".join(f"'{place}'" for place in places)
    pattern = f"^(?:{_KOREAN_PLACES}억)?(?:{_KOREAN_PLACES}만)?{_KOREAN_PLACES}$"
    split = f"regexp_extract({digits_and_places}, '{pattern}', [{names}])"
    counts = ", ".join(f"coalesce(try_cast(places.{place} as decimal(38, 12)), 0)" for place in places)
    total = let_sql("places", split, f"list_reduce([{counts}], lambda sum, count: sum * 10 + count)")
    return if_match_sql(text, _KOREAN, f"{total} * case when contains({text}, '-') then -1 else 1 end")


AMOUNTS = listed_notations(
    "amount",
    {
        "plain": _number(rf"[+-]?{_WHOLE}{_DECIMALS}", "{}"),
        "grouped": _number(rf"[+-]?{_NUMBER}", "replace({}, ',', '')"),
        "won": _number(
            rf"(?:(?:[+-]?{_WON_PREFIX}|{_WON_PREFIX}[+-]){_NUMBER}(?:{_WON_SUFFIX})?|[+-]?{_NUMBER}{_WON_SUFFIX})",
            _BARE_POINT,
        ),
        "korean": _korean,
        "european": _number(rf"[+-]?{_EUROPEAN}", "translate({}, ',.', '.')"),
        "currency": _with_currency(_NUMBER, _BARE_POINT),
        "european_currency": _with_currency(rf"(?:{_EUROPEAN}|{_SPACED}{_COMMA_DECIMALS})", _BARE_COMMA),
        "spaced": _number(rf"[+-]?{_SPACED}{_DECIMALS}", _BARE_POINT),
        "spaced_european": _number(rf"[+-]?{_SPACED}{_COMMA_DECIMALS}", _BARE_COMMA),
        "spaced_currency": _with_currency(rf"{_SPACED}{_DECIMALS}", _BARE_POINT),
    },
)
"""Name -> notation of amounts."""


COMMA_AMOUNTS = ("european", "european_currency", "spaced_european")
"""The notations in which a comma separates the decimals."""
THOUSANDTHS = 3
"""Number of decimals of currencies such as the Kuwaiti dinar, for which three decimals are normal."""
_MARK_BEHIND = rf"(?:{_WON_SUFFIX}| ?(?:[A-Z]{{0,2}}[$€£¥]|[A-Za-z]{{3}}))"


def _unless_ambiguous_sql(text: str, names: Sequence[str], value: str) -> str:
    """Return SQL for a value, NULL for texts that a point or comma before three digits makes ambiguous.

    "300.000" may mean 300,000, and "300,000" may mean 300 in European notation. Whether the declared
    notations decide depends on whether the text has the sign or code of a currency.
    """
    with_point, with_comma = (rf"[1-9]\d{{0,2}}[{mark}]\d{{3}}" for mark in ".,")
    patterns = [rf"[ +-]*{with_comma if 'european' in names else with_point}"]
    if "spaced_european" in names and "european" not in names:
        patterns.append(rf"[ +-]*{with_comma}")
    number = with_comma if "european_currency" in names else with_point
    before = r"[^0-9.,]*"
    patterns.append(rf"{before}{number}{_MARK_BEHIND}|{before}[^0-9., +-]{before}{number}")
    return f"case when not regexp_full_match({narrowed_sql(text)}, '{'|'.join(patterns)}') then {value} end"


def amount_sql(
    column: str,
    names: Sequence[str],
    *,
    digits: int = 0,
    scale: Decimal | int = 1,
    currency: str = "",
    only_if: str = "",
) -> str:
    """Return SQL that parses an amount to a BIGINT in the smallest unit: parsed number x scale x 10^digits.

    The value is NULL if no notation matches or two notations give different values, or if the result is not a
    whole number below 10^15. It is also NULL for "300.000", which may mean 300,000, unless the European
    notation is given or the currency has three decimals; with the European notation it is NULL for "300,000".
    If the text states its unit, the scale is not applied.

    Args:
        column: the SQL expression of the text.
        names: notations in `AMOUNTS`.
        digits: the number of decimals of the currency: 0 for won, 2 for euros.
        scale: the factor between the written numbers and the currency: 1000 if amounts are in thousands.
        currency: ISO code of the currency whose sign or code may be part of the text. If empty, all common
            currencies are accepted.
        only_if: an SQL condition. Texts that are not plain numbers are parsed only if it is true.

    Raises:
        KeyError: `names` contains an unknown notation.
        ValueError: scale x 10^digits is not positive, is above 10^12, or has more than nine decimals.
    """
    factor = Decimal(scale).scaleb(digits)
    if not 0 < factor <= 10**12 or factor != round(factor, 9):
        raise ValueError(f"an amount cannot be multiplied by {factor}")
    notations = [AMOUNTS[name] for name in names]
    without_unit, with_unit = [n for n in notations if not n.unit], [n for n in notations if n.unit]
    if scale == 1 or not (without_unit and with_unit):
        amount = _smallest_unit_sql(
            agreed_value_sql(column, notations, currency), Decimal(10**digits) if with_unit else factor
        )
    else:  # A text states a unit or does not, so at most one of the two values is not NULL.
        unscaled = _smallest_unit_sql(agreed_value_sql(column, with_unit, currency), Decimal(10**digits))
        scaled = _smallest_unit_sql(agreed_value_sql(column, without_unit, currency), factor)
        amount = f"coalesce({scaled}, {unscaled})"
    if digits != THOUSANDTHS:
        amount = _unless_ambiguous_sql(column, names, amount)
    amount = guarded_sql(only_if, amount, "bigint")
    if "plain" not in names or factor != int(factor):
        return amount
    points = not any(name in names for name in COMMA_AMOUNTS)
    return _fast_amount_sql(column, int(factor), amount, points=points)


def _fast_amount_sql(column: str, factor: int, otherwise: str, *, points: bool) -> str:
    # Decimal points are only accepted if `points` is true, because in European notation they separate
    # thousands. Three decimals are never accepted, because "1.000" is ambiguous. The number of digits is
    # limited so that the result is always a whole number that fits into BIGINT.
    digits_before_point = 15 - len(str(factor))
    places = min(2, len(str(factor)) - len(str(factor).rstrip("0")))
    decimals = (rf"(?:\.\d{{1,{places}}})?" if places else r"(?:\.00?)?") if points else ""
    number = f"try_cast({column} as decimal({digits_before_point + places}, {places}))"
    digits = rf"(?:[1-9]\d{{0,{digits_before_point - 1}}}|0\d{{0,{min(7, digits_before_point - 1)}}})"
    most, whole = 10**digits_before_point - 1, f"try_cast({column} as bigint)"
    plain = f"{whole} between -{most} and {most} and {is_canonical_sql(column, 'bigint')}"
    regular = if_match_sql(column, rf"[+-]?{digits}{decimals}", f"({number} * {factor})::bigint")
    return case_sql(plain, f"{whole} * {factor}", f"coalesce({regular}, {otherwise})")


def _smallest_unit_sql(amount: str, factor: Decimal) -> str:
    """Return SQL for an amount times a factor as BIGINT; NULL unless the result is whole and below 10^15."""
    exact = max(0, -int(factor.normalize().as_tuple().exponent))
    product = f"try({amount} * {factor:f}::decimal(38, {exact}))"
    counted = "case when product = trunc(product) then try_cast(product as decimal(15, 0))::bigint end"
    return let_sql("product", product, counted)


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
