"""Notations of days with the name of a month, or without a year, and SQL that parses them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

from outage_analysis.text.amounts import Notation, if_match_sql

MONTHS = (
    ("jan", "january", "januar", "jänner"),
    ("feb", "february", "februar"),
    ("mar", "march", "mär", "märz", "mrz"),
    ("apr", "april"),
    ("may", "mai"),
    ("jun", "june", "juni"),
    ("jul", "july", "juli"),
    ("aug", "august"),
    ("sep", "sept", "september"),
    ("oct", "october", "okt", "oktober"),
    ("nov", "november"),
    ("dec", "december", "dez", "dezember"),
)
"""The English and German names of each month, from January to December, in lower case."""
_MONTH = f"(?:{'|'.join(name for names in MONTHS for name in names)})"
_WEEKDAY = (
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
    r"|(?:mo|di|mi|do|fr|sa|so)|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|sonnabend)"
)
_BEFORE = rf"(?:{_WEEKDAY}[,.]{{0,2}} )?"
"""Pattern of a weekday before a day."""
_MINUTES = r":[0-5]\d(?::[0-5]\d)?"
_TIME = rf"(?:,? (?:(?:[01]?\d|2[0-3]){_MINUTES}|(?:0?\d|1[0-2]){_MINUTES} ?[ap]m)(?: uhr)?)?"
"""Pattern of a time after a day."""
_KOREAN_MINUTES = rf"(?:{_MINUTES}|시(?: ?[0-5]?\d분(?: ?[0-5]?\d초)?)?)"
_KOREAN_TIME = (
    rf"(?: ?(?:(?:[01]?\d|2[0-3]){_KOREAN_MINUTES}|(?:오전|오후) ?(?:0?\d|1[0-2]){_KOREAN_MINUTES}))?"
)
_KOREAN_DAY = rf"\d\d?월 ?\d\d?일(?: ?\([월화수목금토일](?:요일)?\))?{_KOREAN_TIME}"
_DAY = r"\d\d?(?:st|nd|rd|th|\.)?"
MAX_YEARS = 3
"""Most years of a claims window within which a day without a year can be unique."""


def _lower(text: str) -> str:
    return f"lower({text})"


def _month_number_sql(text: str) -> str:
    """Return SQL for the number of the month that a text in lower case names.

    Three letters suffice in both languages.
    """
    starts = [sorted({name[:3] for name in names}) for names in MONTHS]
    listed = ", ".join(f"'{start}'" for month in starts for start in month)
    numbers = ", ".join(str(n) for n, month in enumerate(starts, 1) for _ in month)
    found = rf"regexp_extract({text}, '(?:^|[^a-zä])({_MONTH})(?:[^a-zä]|$)', 1)[1:3]"
    return f"([{numbers}])[list_position([{listed}], {found})]"


def _named(pattern: str, split: str, order: str) -> Callable[..., str]:
    """Return a function that returns SQL to parse days with the name of a month; other texts give NULL.

    `split` is a pattern of the numbers of the text, and `order` states which are the year and the day.
    """

    def sql(text: str, zone: str) -> str:
        del zone
        lower = _lower(text)
        year, day = (f"regexp_extract({lower}, '^{split}', {place})" for place in order)
        value = (
            f"try_cast(right('20' || {year}, 4) || '-' || {_month_number_sql(lower)} || '-' || {day} as date)"
        )
        return if_match_sql(lower, pattern, value)

    return sql


def _day_or_month_first(text: str, zone: str) -> str:
    numbers = r"\D*(\d\d?)\D+(\d{4})"
    day_first = rf"{_BEFORE}{_DAY}(?: of)?[ -]?{_MONTH}\.?,?[ -]?[1-9]\d{{3}}{_TIME}"
    month_first = rf"{_BEFORE}{_MONTH}\.?[ -]?{_DAY},?[ -]{{1,2}}[1-9]\d{{3}}{_TIME}"
    parsed = _named(f"(?:{day_first}|{month_first})", numbers, "21")(text, zone)
    year_first = rf"[1-9]\d{{3}}[ -]{_MONTH}[ -]\d\d?{_TIME}"
    other = _named(year_first, r"(\d{4})\D+(\d\d?)", "12")(text, zone)
    return f"coalesce({parsed}, {other})"


def _without_year(text: str, zone: str, window: tuple[date, date] | None = None) -> str:
    """Return SQL to parse days without a year: the only such day in the window, else NULL."""
    del zone
    years = range(window[0].year, window[1].year + 1) if window else range(0)
    if window is None or len(years) > MAX_YEARS:
        return "cast(null as date)"
    lower = _lower(text)
    korean = if_match_sql(lower, _KOREAN_DAY, rf"regexp_replace({lower}, '^(\d+)\D+(\d+).*$', '\1-\2')")
    number = rf"{_month_number_sql(lower)} || '-' || regexp_extract({lower}, '\d+')"
    named = if_match_sql(lower, rf"{_BEFORE}(?:{_DAY} ?{_MONTH}\.?|{_MONTH}\.? ?{_DAY}){_TIME}", number)
    month_day = f"coalesce({korean}, {named})"
    first, last = (f"date '{day.isoformat()}'" for day in window)
    days = ", ".join(f"try_cast('{year}-' || month_day as date)" for year in years)
    inside = f"list_filter([{days}], lambda day: day between {first} and {last})"
    only = f"list_transform([{inside}], lambda days: case when len(days) = 1 then days[1] end)[1]"
    return f"list_transform([{month_day}], lambda month_day: {only})[1]"


MONTH_NAME = Notation(
    "month_name",
    "Day and the name of its month in English or German, and a year of four digits; a time may follow.",
    ("19 October 2022", "Oct 19, 2022", "19-Oct-2022", "Wed, 19 Oct 2022 15:30", "19. Oktober 2022"),
    _day_or_month_first,
)
MONTH_NAME_SHORT = Notation(
    "month_name_short",
    "Day, the name of its month in English or German, and the last two digits of a year from 2000 on.",
    ("19-Oct-22", "19 Oct 22", "19. Okt. 22"),
    _named(
        rf"{_BEFORE}{_DAY}[ -]?{_MONTH}\.?[ -]?'?\d\d{_TIME}".replace("'", "''"), r"\D*(\d\d?)\D+(\d\d)", "21"
    ),
)
NO_YEAR = Notation(
    "no_year",
    "Month and day without a year, which the claims window decides; a time may follow.",
    ("10월 19일", "19 Oct", "October 19", "10월 19일 오후 3:30"),
    _without_year,
)


def with_window(notation: Notation, window: tuple[date, date] | None) -> Callable[..., str]:
    """Return the function of a notation, which knows the first and the last day of the claims window."""
    return partial(_without_year, window=window) if notation is NO_YEAR else notation.sql
