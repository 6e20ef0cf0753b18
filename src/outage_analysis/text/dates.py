"""The notations in which days may be written, and SQL that parses them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from outage_analysis.text.amounts import (
    Notation,
    agreed_value_sql,
    case_sql,
    guarded_sql,
    if_match_sql,
    is_canonical_sql,
    let_sql,
)
from outage_analysis.text.named_days import MONTH_NAME, MONTH_NAME_SHORT, NO_YEAR, with_window
from outage_analysis.text.times import OFFSET, offset_moment_sql

_YEAR = r"(?:000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d{3})"
_MONTH_DAY = r"(?:-\d\d?-\d\d?|/\d\d?/\d\d?|\. ?\d\d?\. ?\d\d?\.?)"
_SECONDS = r"(?::[0-5]\d(?:\.\d+)?)?"
_HOUR = r"(?:[01]\d|2[0-3])"
_TIME = rf"(?:[01]?\d|2[0-3]):[0-5]\d{_SECONDS}"
_TWELVE_HOUR_TIME = rf"(?:0?\d|1[0-2]):[0-5]\d{_SECONDS}"
"""Pattern of a time on a twelve-hour clock."""
_DMY_TIME = rf"(?:,? (?:{_TIME}(?: Uhr)?|{_TWELVE_HOUR_TIME} ?[AaPp][Mm]))?"
_MOMENT = rf"{_YEAR}-\d\d-\d\d[ T]{_HOUR}:[0-5]\d{_SECONDS}"
_ISO = rf"(?:{_YEAR}-\d\d-\d\d|{_MOMENT})"
_KOREAN_MINUTES = r"(?:[0-5]?\d분(?: ?[0-5]?\d초)?)?"
_KOREAN_TIME = (
    rf"(?:{_TIME}|(?:[01]?\d|2[0-3])시 ?{_KOREAN_MINUTES}"
    rf"|(?:오전|오후|AM|PM) ?(?:{_TWELVE_HOUR_TIME}|(?:0?\d|1[0-2])시 ?{_KOREAN_MINUTES}))"
)
_WEEKDAY = r"(?: ?\([월화수목금토일](?:요일)?\)| ?[월화수목금토일]요일)?"


def _iso(text: str, zone: str) -> str:
    local = if_match_sql(text, _ISO, f"try_cast(substr({text}, 1, 10) as date)")
    local_day = f"timezone({zone}, {offset_moment_sql(text)})::date"
    # In time zones further east, the last hours of the year 9999 are in the year 10000, which is not
    # accepted.
    day = let_sql("day", local_day, "case when year(day) between 1 and 9999 then day end")
    return f"coalesce({local}, {if_match_sql(text, _MOMENT + OFFSET, day)})"


def _day_parser(pattern: str, order: str, split: str = r"(\d+)\D+(\d+)\D+(\d+)") -> Callable[..., str]:
    """Return a function that returns SQL to parse days that match a pattern; other texts give NULL.

    `order` states how the parts of the text are rearranged to an ISO day.

    `times` parses the time of day.
    """

    def sql(text: str, zone: str) -> str:
        del zone
        iso = f"regexp_replace({text}, '^{split}.*$', '{order}')"
        return if_match_sql(text, pattern, f"try_cast({iso} as date)")

    return sql


def _excel(text: str, zone: str) -> str:
    del zone
    # Excel wrongly treats 1900 as a leap year, so day numbers up to 60 are not accepted.
    serial = f"split_part({text}, '.', 1)::int"
    day = f"case when {serial} between 61 and 2958465 then date '1899-12-30' + {serial} end"
    return if_match_sql(text, r"\d{1,7}(?:\.\d+)?", day)


def _unix(text: str, zone: str) -> str:
    moment = f"to_timestamp(substr({text}, 1, 10)::bigint)"
    return if_match_sql(text, r"[1-9]\d{9}(?:\d{3})?", f"timezone({zone}, {moment})::date")


_DATES = (
    Notation(
        "iso",
        "Year, month, day with hyphens; a time may follow, and an offset from UTC behind it.",
        ("2022-10-19", "2022-10-19 15:30", "2022-10-19T14:30:00Z", "2022-10-19T15:30+09:00"),
        _iso,
        exact=True,
    ),
    Notation(
        "korean",
        "Year first, with 년 월 일, dots, slashes or hyphens; a weekday and a Korean time may follow.",
        ("2022년 10월 19일 (수)", "2022. 10. 19. 오후 3:05", "2022/10/19 15:05", "2022-10-19 오후 3시 5분"),
        _day_parser(
            rf"{_YEAR}(?:년 ?\d\d?월 ?\d\d?일{_WEEKDAY}(?: ?{_KOREAN_TIME})?"
            rf"|{_MONTH_DAY}{_WEEKDAY}(?: {_KOREAN_TIME})?)",
            r"\1-\2-\3",
        ),
    ),
    Notation(
        "dmy",
        "Day, month, year of four digits, with dots, slashes or hyphens; a time may follow.",
        ("19.10.2022", "19/10/2022", "19-10-2022 15:30", "19.10.2022, 15:30 Uhr"),
        _day_parser(rf"\d\d?(?:\.\d\d?\.|/\d\d?/|-\d\d?-){_YEAR}{_DMY_TIME}", r"\3-\2-\1"),
    ),
    Notation(
        "mdy",
        "Month, day, year of four digits, with slashes or hyphens; a time may follow.",
        ("10/19/2022", "10-19-2022", "10/19/2022, 3:05 PM"),
        _day_parser(
            rf"\d\d?(?:/\d\d?/|-\d\d?-){_YEAR}(?:,? (?:{_TIME}|{_TWELVE_HOUR_TIME} ?[AaPp][Mm]))?",
            r"\3-\1-\2",
        ),
    ),
    Notation(
        "compact",
        "Year, month, day without a mark; hours, minutes and seconds may follow.",
        ("20221019", "20221019153000", "20221019T1530"),
        _day_parser(
            rf"{_YEAR}\d{{4}}(?:[ T]?{_HOUR}[0-5]\d(?:[0-5]\d)?)?", r"\1-\2-\3", r"(\d{4})(\d\d)(\d\d)"
        ),
    ),
    Notation(
        "short",
        "The last two digits of a year from 2000 on, month, day; a time may follow.",
        ("22-10-19", "22.10.19", "22/10/19 15:30", "22년 10월 19일 (수)"),
        _day_parser(
            rf"\d\d(?:{_MONTH_DAY}(?: {_TIME})?|년 ?\d\d?월 ?\d\d?일{_WEEKDAY}(?: ?{_KOREAN_TIME})?)",
            r"20\1-\2-\3",
        ),
    ),
    Notation(
        "dmy_short",
        "Day, month, the last two digits of a year from 2000 on; a time may follow.",
        ("19.10.22", "19/10/22", "19-10-22 15:30"),
        _day_parser(rf"\d\d?(?:\.\d\d?\.|/\d\d?/|-\d\d?-)\d\d(?:,? {_TIME}(?: Uhr)?)?", r"20\3-\2-\1"),
    ),
    Notation(
        "mdy_short",
        "Month, day, the last two digits of a year from 2000 on; a time may follow.",
        ("10/19/22", "10/19/22 15:30", "10/19/22 3:05 PM"),
        _day_parser(
            rf"\d\d?(?:/\d\d?/|-\d\d?-)\d\d(?:,? (?:{_TIME}|{_TWELVE_HOUR_TIME} ?[AaPp][Mm]))?", r"20\3-\1-\2"
        ),
    ),
    Notation("excel", "Excel's number of a day, from 61 (1 March 1900) on.", ("44853", "44853.625"), _excel),
    Notation("unix", "Seconds or milliseconds since 1970.", ("1666161000", "1666161000000"), _unix),
    MONTH_NAME,
    MONTH_NAME_SHORT,
    NO_YEAR,
)
DATES = {notation.name: notation for notation in _DATES}
"""Name -> notation of days."""


def day_sql(
    column: str,
    names: Sequence[str],
    zone: str,
    *,
    only_if: str = "",
    window: tuple[date, date] | None = None,
) -> str:
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
    notations = [replace(DATES[name], sql=with_window(DATES[name], window)) for name in names]
    first, last = (f"date '{day.isoformat()}'" for day in window or (date.min, date.max))
    among = f"reading between {first} and {last}" if window else ""
    agreed = agreed_value_sql(column, notations, zoned, among=among)
    day = guarded_sql(only_if, agreed, "date")
    if "iso" not in names:
        return day
    # Most texts are ISO days, which a cast parses fastest. Because the cast also accepts other notations, its
    # result must equal the text.
    plain = f"strlen({column}) = 10 and {is_canonical_sql(column, 'date')}"
    iso_day = if_match_sql(column, _ISO, f"try_cast(substr({column}, 1, 10) as date)")
    return case_sql(plain, f"try_cast({column} as date)", f"coalesce({iso_day}, {day})")
