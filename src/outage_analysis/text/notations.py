"""SQL that parses amounts, days and times of day, as people write them, and the lists of known words."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from math import inf
from numbers import Real

from outage_analysis.errors import UsageError


def listed_words(kind: str) -> dict[str, str]:
    """Return the words of one kind in word_lists.csv, each with its meaning.

    An underscore stands for a blank within a word.
    """
    rows = csv.DictReader((files(__package__) / "word_lists.csv").read_text("utf-8").splitlines())
    found = ((word, row["meaning"]) for row in rows if row["kind"] == kind for word in row["words"].split())
    return {word.replace("_", " "): meaning for word, meaning in found}


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
    # A text states a unit or does not, so at most one of the two values is not NULL.
    notations, values = [AMOUNTS[name] for name in names], list[str]()
    for states_unit, multiplier in ((False, factor), (True, Decimal(10**digits))):
        if alike := [notation for notation in notations if notation.unit == states_unit]:
            values.append(_smallest_unit_sql(agreed_value_sql(column, alike, currency), multiplier))
    amount = f"coalesce({', '.join(values)})"
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
    return f"case when {plain} then {whole} * {factor} else coalesce({regular}, {otherwise}) end"


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
    if isinstance(amount, bool) or not isinstance(amount, Real | Decimal) or not 0 <= float(amount) < inf:
        raise UsageError(f"{name} is a number from 0", value=amount, remedy="Write 300_000, not text.")
    whole = in_smallest_units(amount, digits)
    if whole is None:
        places = f"at most {digits} decimal places" if digits else "no decimal places"
        raise UsageError(f"{name} has {places}", value=amount)
    return whole


def parse_day(day: object, name: str) -> date:
    """Return a day that is given as a date or as ISO text, such as 2022-12-30.

    Raises:
        UsageError: it is no day. The message names what it is for.
    """
    try:
        return date.fromisoformat(str(day))
    except ValueError:
        raise UsageError(f"{name} is not a day", value=day, remedy="Write it as 2022-12-30.") from None


Window = tuple[date, date] | None
_YEAR = r"(?:000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d{3})"
_SECONDS = r"(?::[0-5]\d(?:\.\d+)?)?"
_HOUR = r"(?:[01]\d|2[0-3])"
_MOMENT = rf"{_YEAR}-\d\d-\d\d[ T]{_HOUR}:[0-5]\d{_SECONDS}"
_ISO = rf"(?:{_YEAR}-\d\d-\d\d|{_MOMENT})"
# The patterns below match texts in lower case.
_MINUTES = rf":[0-5]\d{_SECONDS}"
_KOREAN_MINUTES = r"시 ?(?:[0-5]?\d분(?: ?[0-5]?\d초)?)?"
_UP_TO_23, _UP_TO_12 = r"(?:[01]?\d|2[0-3])", r"(?:0?\d|1[0-2])"
_TIME = (
    rf"(?:{_UP_TO_23}(?:{_MINUTES}(?: uhr)?|{_KOREAN_MINUTES})|{_UP_TO_12}{_MINUTES} ?[ap]m"
    rf"|(?:오전|오후|am|pm) ?{_UP_TO_12}(?:{_MINUTES}|{_KOREAN_MINUTES}))"
)
_AFTER = rf"(?:,? {_TIME})?"
_WEEKDAY = r"(?: ?\([월화수목금토일](?:요일)?\)| ?[월화수목금토일]요일)?"
_MONTH_DAY = r"(?:-\d\d?-\d\d?|/\d\d?/\d\d?|\. ?\d\d?\. ?\d\d?\.?)"
_AFTER_YEAR = rf"(?:[년年] ?\d\d?[월月] ?\d\d?[일日]{_WEEKDAY}(?: ?{_TIME})?|{_MONTH_DAY}{_WEEKDAY}{_AFTER})"
_DAY_AND_MONTH = r"\d\d?(?:\.\d\d?\.|/\d\d?/|-\d\d?-)"
_MONTH_AND_DAY = r"\d\d?(?:/\d\d?/|-\d\d?-)"
_MONTHS = listed_words("month")
_MONTH = f"(?:{'|'.join(_MONTHS)})"
_WEEKDAY_NAME = (
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
    r"|(?:mo|di|mi|do|fr|sa|so)|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|sonnabend)"
)
_BEFORE = rf"(?:{_WEEKDAY_NAME}[,.]{{0,2}} )?"
"""Pattern of a weekday before a day."""
_DAY_NUMBER = r"\d\d?(?:st|nd|rd|th|\.)?"
MAX_YEARS = 3
"""Most years of a claims window within which a day without a year can be unique."""


def _iso(text: str, zone: str, _window: Window) -> str:
    local = if_match_sql(text, _ISO, f"try_cast(substr({text}, 1, 10) as date)")
    local_day = f"timezone({zone}, {offset_moment_sql(text)})::date"
    # In time zones further east, the last hours of the year 9999 are in the year 10000, which is not
    # accepted.
    day = let_sql("day", local_day, "case when year(day) between 1 and 9999 then day end")
    return f"coalesce({local}, {if_match_sql(text, _MOMENT + OFFSET, day)})"


def _numbers(pattern: str, order: str, split: str = r"(\d+)\D+(\d+)\D+(\d+)") -> Callable[..., str]:
    """Return a function that returns SQL to parse days that match a pattern; other texts give NULL.

    `order` states how the parts of the text are rearranged to an ISO day.
    """

    def sql(text: str, _zone: str, _window: Window) -> str:
        iso = f"regexp_replace({text}, '^{split}.*$', '{order}')"
        return if_match_sql(f"lower({text})", pattern, f"try_cast({iso} as date)")

    return sql


def _excel(text: str, _zone: str, _window: Window) -> str:
    # Excel wrongly treats 1900 as a leap year, so day numbers up to 60 are not accepted.
    serial = f"split_part({text}, '.', 1)::int"
    day = f"case when {serial} between 61 and 2958465 then date '1899-12-30' + {serial} end"
    return if_match_sql(text, r"\d{1,7}(?:\.\d+)?", day)


def _unix(text: str, zone: str, _window: Window) -> str:
    moment = f"to_timestamp(substr({text}, 1, 10)::bigint)"
    return if_match_sql(text, r"[1-9]\d{9}(?:\d{3})?", f"timezone({zone}, {moment})::date")


def _month_number_sql(text: str) -> str:
    """Return SQL for the number of the month that a text in lower case names.

    Three letters suffice in both languages.
    """
    starts = {name[:3]: number for name, number in _MONTHS.items()}
    listed = ", ".join(f"'{start}'" for start in starts)
    found = rf"regexp_extract({text}, '(?:^|[^a-zä])({_MONTH})(?:[^a-zä]|$)', 1)[1:3]"
    return f"([{', '.join(starts.values())}])[list_position([{listed}], {found})]"


def _named(pattern: str, split: str, order: str) -> Callable[..., str]:
    """Return a function that returns SQL to parse days with the name of a month; other texts give NULL.

    `split` is a pattern of the numbers of the text, and `order` states which are the year and the day.
    """

    def sql(text: str, _zone: str, _window: Window) -> str:
        lower = f"lower({text})"
        year, day = (f"regexp_extract({lower}, '^{split}', {place})" for place in order)
        value = (
            f"try_cast(right('20' || {year}, 4) || '-' || {_month_number_sql(lower)} || '-' || {day} as date)"
        )
        return if_match_sql(lower, pattern, value)

    return sql


def _month_name(text: str, zone: str, window: Window) -> str:
    day_first = rf"{_DAY_NUMBER}(?: of)?[ -]?{_MONTH}\.?,?[ -]?"
    month_first = rf"{_MONTH}\.?[ -]?{_DAY_NUMBER},?[ -]{{1,2}}"
    year_last = rf"{_BEFORE}(?:{day_first}|{month_first})[1-9]\d{{3}}{_AFTER}"
    year_first = rf"[1-9]\d{{3}}[ -]{_MONTH}[ -]\d\d?{_AFTER}"
    parsed = _named(year_last, r"\D*(\d\d?)\D+(\d{4})", "21")(text, zone, window)
    other = _named(year_first, r"(\d{4})\D+(\d\d?)", "12")(text, zone, window)
    return f"coalesce({parsed}, {other})"


def _without_year(text: str, _zone: str, window: Window) -> str:
    """Return SQL to parse days without a year: the only such day in the window, else NULL."""
    if window is None or window[1].year - window[0].year >= MAX_YEARS:
        return "cast(null as date)"
    lower = f"lower({text})"
    korean = if_match_sql(
        lower,
        rf"\d\d?월 ?\d\d?일{_WEEKDAY}(?: ?{_TIME})?",
        rf"regexp_replace({lower}, '^(\d+)\D+(\d+).*$', '\1-\2')",
    )
    number = rf"{_month_number_sql(lower)} || '-' || regexp_extract({lower}, '\d+')"
    named = if_match_sql(
        lower, rf"{_BEFORE}(?:{_DAY_NUMBER} ?{_MONTH}\.?|{_MONTH}\.? ?{_DAY_NUMBER}){_AFTER}", number
    )
    month_day = f"coalesce({korean}, {named})"
    first, last = (f"date '{day.isoformat()}'" for day in window)
    years = range(window[0].year, window[1].year + 1)
    days = ", ".join(f"try_cast('{year}-' || month_day as date)" for year in years)
    inside = f"list_filter([{days}], lambda day: day between {first} and {last})"
    only = let_sql("days", inside, "case when len(days) = 1 then days[1] end")
    return let_sql("month_day", month_day, only)


DATES = listed_notations(
    "day",
    {
        "iso": _iso,
        "korean": _numbers(_YEAR + _AFTER_YEAR, r"\1-\2-\3"),
        "dmy": _numbers(_DAY_AND_MONTH + _YEAR + _AFTER, r"\3-\2-\1"),
        "mdy": _numbers(_MONTH_AND_DAY + _YEAR + _AFTER, r"\3-\1-\2"),
        "compact": _numbers(
            rf"{_YEAR}\d{{4}}(?:[ t]?{_HOUR}[0-5]\d(?:[0-5]\d)?)?", r"\1-\2-\3", r"(\d{4})(\d\d)(\d\d)"
        ),
        "short": _numbers(r"\d\d" + _AFTER_YEAR, r"20\1-\2-\3"),
        "dmy_short": _numbers(_DAY_AND_MONTH + r"\d\d" + _AFTER, r"20\3-\2-\1"),
        "mdy_short": _numbers(_MONTH_AND_DAY + r"\d\d" + _AFTER, r"20\3-\1-\2"),
        "excel": _excel,
        "unix": _unix,
        "month_name": _month_name,
        "month_name_short": _named(
            rf"{_BEFORE}{_DAY_NUMBER}[ -]?{_MONTH}\.?[ -]?(?:'')?\d\d{_AFTER}", r"\D*(\d\d?)\D+(\d\d)", "21"
        ),
        "no_year": _without_year,
    },
)
"""Notation name -> notation."""


def day_sql(column: str, names: Sequence[str], zone: str, *, only_if: str = "", window: Window = None) -> str:
    """Return SQL that parses a text column to a DATE; NULL if no notation matches or two disagree.

    If two notations read a text as different days, the only one of these days in the window is taken.

    Args:
        column: the SQL expression of the text.
        names: notations in `DATES`.
        zone: the IANA time zone in which the day is taken if the text has a UTC offset.
        only_if: an SQL condition. Texts that are not plain ISO days are parsed only if it is true.
        window: the first and the last day on which a complaint can be filed. Without it, two notations that
            disagree give NULL, and `no_year` reads nothing.

    Raises:
        KeyError: `names` contains an unknown notation.
    """
    zoned = "'" + zone.replace("'", "''") + "'"
    notations = [DATES[name] for name in names]
    first, last = (f"date '{day.isoformat()}'" for day in window or (date.min, date.max))
    among = f"reading between {first} and {last}" if window else ""
    agreed = agreed_value_sql(column, notations, zoned, window, among=among)
    day = guarded_sql(only_if, agreed, "date")
    if "iso" not in names:
        return day
    # Most texts are ISO days, which a cast parses fastest. Because the cast also accepts other notations, its
    # result must equal the text.
    plain = f"strlen({column}) = 10 and {is_canonical_sql(column, 'date')}"
    iso_day = if_match_sql(column, _ISO, f"try_cast(substr({column}, 1, 10) as date)")
    return f"case when {plain} then try_cast({column} as date) else coalesce({iso_day}, {day}) end"


LONGEST_DAY = 10
"""A string of at most this many bytes contains only a date, except in one of the `SHORT_NOTATIONS`."""
SHORT_NOTATIONS = frozenset(("excel", "unix", "no_year"))
"""Date formats in which a string of at most `LONGEST_DAY` bytes may contain a time."""
_WIDE_DIGITS = "\N{FULLWIDTH COLON}\N{FULLWIDTH DIGIT ZERO}-\N{FULLWIDTH DIGIT NINE}"
_TIME_MARK = rf"[:시{_WIDE_DIGITS}]|\d{{8}}[ T]?\d|^\s*[1-9]\d{{9}}|^\s*\d{{1,7}}\.\d+\s*$"
"""Pattern that matches every string with a time of day, and few others. Full-width digits always match."""
_MIDNIGHT = r"(?:[ T]0?0:00(?::00(?:\.0+)?)?(?: (?i:uhr))?|^\s*\d{8}[ T]?0{4}(?:00)?|^\s*\d{1,7}\.0+)\s*$"
"""Pattern of a date with midnight as the time, without a UTC offset."""
_ISO_TIME = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
OFFSET = r"(?: ?(?:Z|UTC)| ?[+-](?:0\d|1[0-3])(?::?[0-5]\d)?| ?[+-]14(?::?00)?)"
"""Pattern of a UTC offset after an ISO date and time."""
_COMPACT = r"^\d{8}[ T]?(\d\d)(\d\d)(\d\d)?$"
_CLOCK = (
    r"(오전|오후|[AaPp][Mm])?[^0-9]?(\d{1,2})"
    r"(?::(\d\d)(?::(\d\d)(?:\.(\d{1,6})\d*)?)?|시 ?(?:(\d{1,2})분 ?(?:(\d{1,2})초)?)?)"
    r" ?(?:(?i:uhr)|([AaPp][Mm]))?$"
)
"""Pattern of a time at the end of a string: 15:30:05.25, 오후 3:05, 3:05 PM, 오후 3시 5분, 15:30 Uhr."""


def has_time(text: str) -> bool:
    """Return whether a filing date is followed by a time of day other than midnight.

    Spreadsheets and databases often write a date without a time as midnight.

    Example:
        >>> has_time("2022-10-15 15:30"), has_time("2022-10-15 00:00:00"), has_time("2022-10-15")
        (True, False, False)
    """
    return re.search(_TIME_MARK, text) is not None and re.search(_MIDNIGHT, text) is None


def has_time_sql(text: str, notations: frozenset[str]) -> str:
    """Return the SQL condition that a filing date is followed by a time of day other than midnight.

    Args:
        text: the SQL expression of the string to parse.
        notations: the date formats that the string may have.
    """
    marked, midnight = (f"regexp_matches({text}, '{pattern}')" for pattern in (_TIME_MARK, _MIDNIGHT))
    # For `and`, DuckDB evaluates all parts for all rows. For `case`, it skips the branches it does not need.
    long = f"case when strlen({text}) > {LONGEST_DAY} then {marked} else false end"
    condition = marked if notations & SHORT_NOTATIONS else long
    return f"case when {condition} then not {midnight} else false end"


def moment_sql(text: str, day: str, zone: str, *, midnight: bool) -> str:
    """Return SQL that parses the date and time of filing to a TIMESTAMPTZ; NULL if there is only a date.

    The result is also NULL if it is not on the date `day`, or if the clocks skip the time (start of summer
    time). A time that the clocks show twice (end of summer time) is read as the second one.

    Args:
        text: the SQL expression of the string to parse.
        day: the SQL expression of the date in `zone` that `day_sql` parses from the string.
        zone: the IANA time zone of times without a UTC offset.
        midnight: whether 00:00 without a UTC offset is a real time. If false, it means that only the date
            is known.
    """
    zoned = "'" + zone.replace("'", "''") + "'"
    exact = if_match_sql(text, _ISO_TIME + OFFSET, offset_moment_sql(text))
    local = if_match_sql(text, _ISO_TIME, f"try_cast({text} as timestamp)")
    unix = "make_timestamptz(rpad(narrowed, 16, '0')::bigint)"  # the text may have seconds or milliseconds
    unix = if_match_sql("narrowed", r"[1-9]\d{9}(?:\d{3})?", unix)
    either = f"coalesce({unix}, {_local_moment('narrowed', day, zoned)})"
    other = let_sql("narrowed", narrowed_sql(text), either)
    moment = f"coalesce({exact}, {_in_zone(local, zoned)}, {other})"
    on_day = f"case when timezone({zoned}, moment)::date = {day} then moment end"
    stated = f"{text} is not null and {day} is not null"
    if not midnight:
        stated += f" and not regexp_matches({text}, '{_MIDNIGHT}')"
    return f"case when {stated} then {let_sql('moment', moment, on_day)} end"


def offset_moment_sql(text: str) -> str:
    """Return SQL that parses an ISO date and time with a UTC offset to a TIMESTAMPTZ."""
    bare = rf"regexp_replace(regexp_replace({text}, ' ?(?:Z|UTC)$', 'Z'), ' ([+-])', '\1')"
    return f"try_cast({bare} as timestamptz)"


def _in_zone(local: str, zone: str) -> str:
    """Return SQL that converts a local time of a zone to a TIMESTAMPTZ; NULL if the clocks skip the time."""
    moment = f"timezone({zone}, local)"
    return let_sql("local", local, f"case when timezone({zone}, {moment}) = local then {moment} end")


def _local_moment(text: str, day: str, zone: str) -> str:
    names = "['before', 'hour', 'minute', 'second', 'fraction', 'korean_minute', 'korean_second', 'behind']"
    hour = "try_cast(clock.hour as bigint)"
    half = "lower(concat(clock.before, clock.behind))"
    hours = (
        f"case when {half} = '' then {hour} "
        f"else {hour} % 12 + case when {half} in ('pm', '오후') then 12 else 0 end end"
    )
    parts = {60: "concat(clock.minute, clock.korean_minute)", 1: "concat(clock.second, clock.korean_second)"}
    seconds = " + ".join(f"{n} * coalesce(try_cast({part} as bigint), 0)" for n, part in parts.items())
    fraction = "coalesce(try_cast(rpad(nullif(clock.fraction, ''), 6, '0') as bigint), 0)"
    clock = let_sql(
        "clock",
        f"regexp_extract({text}, '{_CLOCK}', {names})",
        f"1000000 * (3600 * ({hours}) + {seconds}) + {fraction}",
    )
    compact = let_sql(
        "clock",
        f"regexp_extract({text}, '{_COMPACT}', ['hour', 'minute', 'second'])",
        f"1000000 * (3600 * {hour} + 60 * try_cast(clock.minute as bigint) "
        "+ coalesce(try_cast(clock.second as bigint), 0))",
    )
    # Excel's numbers have rounding errors, so the time is rounded to seconds.
    share = f"try_cast(concat('0.', split_part({text}, '.', 2)) as double)"
    excel = if_match_sql(text, r"\d{1,7}\.\d+", f"1000000 * cast(round(86400 * {share}) as bigint)")
    microseconds = f"coalesce({clock}, {compact}, {excel})"
    return _in_zone(f"{day} + to_microseconds({microseconds})", zone)
