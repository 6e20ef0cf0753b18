"""Notations of days and times of day, and SQL that parses them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

from outage_analysis.text import amounts

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
    local = amounts.if_match_sql(text, _ISO, f"try_cast(substr({text}, 1, 10) as date)")
    local_day = f"timezone({zone}, {offset_moment_sql(text)})::date"
    # In time zones further east, the last hours of the year 9999 are in the year 10000, which is not
    # accepted.
    day = amounts.let_sql("day", local_day, "case when year(day) between 1 and 9999 then day end")
    return f"coalesce({local}, {amounts.if_match_sql(text, _MOMENT + OFFSET, day)})"


def _day_parser(pattern: str, order: str, split: str = r"(\d+)\D+(\d+)\D+(\d+)") -> Callable[..., str]:
    """Return a function that returns SQL to parse days that match a pattern; other texts give NULL.

    `order` states how the parts of the text are rearranged to an ISO day.
    """

    def sql(text: str, _zone: str) -> str:
        iso = f"regexp_replace({text}, '^{split}.*$', '{order}')"
        return amounts.if_match_sql(text, pattern, f"try_cast({iso} as date)")

    return sql


def _excel(text: str, _zone: str) -> str:
    # Excel wrongly treats 1900 as a leap year, so day numbers up to 60 are not accepted.
    serial = f"split_part({text}, '.', 1)::int"
    day = f"case when {serial} between 61 and 2958465 then date '1899-12-30' + {serial} end"
    return amounts.if_match_sql(text, r"\d{1,7}(?:\.\d+)?", day)


def _unix(text: str, zone: str) -> str:
    moment = f"to_timestamp(substr({text}, 1, 10)::bigint)"
    return amounts.if_match_sql(text, r"[1-9]\d{9}(?:\d{3})?", f"timezone({zone}, {moment})::date")


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
_WEEKDAY_NAME = (
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
    r"|(?:mo|di|mi|do|fr|sa|so)|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|sonnabend)"
)
_BEFORE = rf"(?:{_WEEKDAY_NAME}[,.]{{0,2}} )?"
"""Pattern of a weekday before a day."""
_MINUTES = r":[0-5]\d(?::[0-5]\d)?"
_TIME_BEHIND = rf"(?:,? (?:(?:[01]?\d|2[0-3]){_MINUTES}|(?:0?\d|1[0-2]){_MINUTES} ?[ap]m)(?: uhr)?)?"
"""Pattern of a time after a day."""
_AFTER_HOUR = rf"(?:{_MINUTES}|시(?: ?[0-5]?\d분(?: ?[0-5]?\d초)?)?)"
_KOREAN_DAY = (
    r"\d\d?월 ?\d\d?일(?: ?\([월화수목금토일](?:요일)?\))?"
    rf"(?: ?(?:(?:[01]?\d|2[0-3]){_AFTER_HOUR}|(?:오전|오후) ?(?:0?\d|1[0-2]){_AFTER_HOUR}))?"
)
_DAY_NUMBER = r"\d\d?(?:st|nd|rd|th|\.)?"
MAX_YEARS = 3
"""Most years of a claims window within which a day without a year can be unique."""


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

    def sql(text: str, _zone: str) -> str:
        lower = f"lower({text})"
        year, day = (f"regexp_extract({lower}, '^{split}', {place})" for place in order)
        value = (
            f"try_cast(right('20' || {year}, 4) || '-' || {_month_number_sql(lower)} || '-' || {day} as date)"
        )
        return amounts.if_match_sql(lower, pattern, value)

    return sql


def _day_or_month_first(text: str, zone: str) -> str:
    numbers = r"\D*(\d\d?)\D+(\d{4})"
    day_first = rf"{_BEFORE}{_DAY_NUMBER}(?: of)?[ -]?{_MONTH}\.?,?[ -]?[1-9]\d{{3}}{_TIME_BEHIND}"
    month_first = rf"{_BEFORE}{_MONTH}\.?[ -]?{_DAY_NUMBER},?[ -]{{1,2}}[1-9]\d{{3}}{_TIME_BEHIND}"
    parsed = _named(f"(?:{day_first}|{month_first})", numbers, "21")(text, zone)
    year_first = rf"[1-9]\d{{3}}[ -]{_MONTH}[ -]\d\d?{_TIME_BEHIND}"
    other = _named(year_first, r"(\d{4})\D+(\d\d?)", "12")(text, zone)
    return f"coalesce({parsed}, {other})"


def _without_year(text: str, _zone: str, window: tuple[date, date] | None = None) -> str:
    """Return SQL to parse days without a year: the only such day in the window, else NULL."""
    if window is None or window[1].year - window[0].year >= MAX_YEARS:
        return "cast(null as date)"
    lower = f"lower({text})"
    korean = amounts.if_match_sql(
        lower, _KOREAN_DAY, rf"regexp_replace({lower}, '^(\d+)\D+(\d+).*$', '\1-\2')"
    )
    number = rf"{_month_number_sql(lower)} || '-' || regexp_extract({lower}, '\d+')"
    named = amounts.if_match_sql(
        lower, rf"{_BEFORE}(?:{_DAY_NUMBER} ?{_MONTH}\.?|{_MONTH}\.? ?{_DAY_NUMBER}){_TIME_BEHIND}", number
    )
    month_day = f"coalesce({korean}, {named})"
    first, last = (f"date '{day.isoformat()}'" for day in window)
    years = range(window[0].year, window[1].year + 1)
    days = ", ".join(f"try_cast('{year}-' || month_day as date)" for year in years)
    inside = f"list_filter([{days}], lambda day: day between {first} and {last})"
    only = amounts.let_sql("days", inside, "case when len(days) = 1 then days[1] end")
    return amounts.let_sql("month_day", month_day, only)


_DATES = (
    amounts.Notation(
        "iso",
        "Year, month, day with hyphens; a time may follow, and an offset from UTC behind it.",
        ("2022-10-19", "2022-10-19 15:30", "2022-10-19T14:30:00Z", "2022-10-19T15:30+09:00"),
        _iso,
        exact=True,
    ),
    amounts.Notation(
        "korean",
        "Year first, with 년 월 일, 年 月 日, dots, slashes or hyphens; weekday and Korean time may follow.",
        (
            "2022년 10월 19일 (수)",
            "2022. 10. 19. 오후 3:05",
            "2022/10/19 15:05",
            "2022-10-19 오후 3시 5분",
            "2022年10月19日",
        ),
        _day_parser(
            rf"{_YEAR}(?:[년年] ?\d\d?[월月] ?\d\d?[일日]{_WEEKDAY}(?: ?{_KOREAN_TIME})?"
            rf"|{_MONTH_DAY}{_WEEKDAY}(?: {_KOREAN_TIME})?)",
            r"\1-\2-\3",
        ),
    ),
    amounts.Notation(
        "dmy",
        "Day, month, year of four digits, with dots, slashes or hyphens; a time may follow.",
        ("19.10.2022", "19/10/2022", "19-10-2022 15:30", "19.10.2022, 15:30 Uhr"),
        _day_parser(rf"\d\d?(?:\.\d\d?\.|/\d\d?/|-\d\d?-){_YEAR}{_DMY_TIME}", r"\3-\2-\1"),
    ),
    amounts.Notation(
        "mdy",
        "Month, day, year of four digits, with slashes or hyphens; a time may follow.",
        ("10/19/2022", "10-19-2022", "10/19/2022, 3:05 PM"),
        _day_parser(
            rf"\d\d?(?:/\d\d?/|-\d\d?-){_YEAR}(?:,? (?:{_TIME}|{_TWELVE_HOUR_TIME} ?[AaPp][Mm]))?",
            r"\3-\1-\2",
        ),
    ),
    amounts.Notation(
        "compact",
        "Year, month, day without a mark; hours, minutes and seconds may follow.",
        ("20221019", "20221019153000", "20221019T1530"),
        _day_parser(
            rf"{_YEAR}\d{{4}}(?:[ T]?{_HOUR}[0-5]\d(?:[0-5]\d)?)?", r"\1-\2-\3", r"(\d{4})(\d\d)(\d\d)"
        ),
    ),
    amounts.Notation(
        "short",
        "The last two digits of a year from 2000 on, month, day; a time may follow.",
        ("22-10-19", "22.10.19", "22/10/19 15:30", "22년 10월 19일 (수)"),
        _day_parser(
            rf"\d\d(?:{_MONTH_DAY}(?: {_TIME})?|년 ?\d\d?월 ?\d\d?일{_WEEKDAY}(?: ?{_KOREAN_TIME})?)",
            r"20\1-\2-\3",
        ),
    ),
    amounts.Notation(
        "dmy_short",
        "Day, month, the last two digits of a year from 2000 on; a time may follow.",
        ("19.10.22", "19/10/22", "19-10-22 15:30"),
        _day_parser(rf"\d\d?(?:\.\d\d?\.|/\d\d?/|-\d\d?-)\d\d(?:,? {_TIME}(?: Uhr)?)?", r"20\3-\2-\1"),
    ),
    amounts.Notation(
        "mdy_short",
        "Month, day, the last two digits of a year from 2000 on; a time may follow.",
        ("10/19/22", "10/19/22 15:30", "10/19/22 3:05 PM"),
        _day_parser(
            rf"\d\d?(?:/\d\d?/|-\d\d?-)\d\d(?:,? (?:{_TIME}|{_TWELVE_HOUR_TIME} ?[AaPp][Mm]))?", r"20\3-\1-\2"
        ),
    ),
    amounts.Notation(
        "excel", "Excel's number of a day, from 61 (1 March 1900) on.", ("44853", "44853.625"), _excel
    ),
    amounts.Notation("unix", "Seconds or milliseconds since 1970.", ("1666161000", "1666161000000"), _unix),
    amounts.Notation(
        "month_name",
        "Day and the name of its month in English or German, and a year of four digits; a time may follow.",
        ("19 October 2022", "Oct 19, 2022", "19-Oct-2022", "Wed, 19 Oct 2022 15:30", "19. Oktober 2022"),
        _day_or_month_first,
    ),
    amounts.Notation(
        "month_name_short",
        "Day, the name of its month in English or German, and the last two digits of a year from 2000 on.",
        ("19-Oct-22", "19 Oct 22", "19. Okt. 22"),
        _named(
            rf"{_BEFORE}{_DAY_NUMBER}[ -]?{_MONTH}\.?[ -]?'?\d\d{_TIME_BEHIND}".replace("'", "''"),
            r"\D*(\d\d?)\D+(\d\d)",
            "21",
        ),
    ),
    amounts.Notation(
        "no_year",
        "Month and day without a year, which the claims window decides; a time may follow.",
        ("10월 19일", "19 Oct", "October 19", "10월 19일 오후 3:30"),
        _without_year,
    ),
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
    notations = [
        replace(DATES[name], sql=partial(_without_year, window=window)) if name == "no_year" else DATES[name]
        for name in names
    ]
    first, last = (f"date '{day.isoformat()}'" for day in window or (date.min, date.max))
    among = f"reading between {first} and {last}" if window else ""
    agreed = amounts.agreed_value_sql(column, notations, zoned, among=among)
    day = amounts.guarded_sql(only_if, agreed, "date")
    if "iso" not in names:
        return day
    # Most texts are ISO days, which a cast parses fastest. Because the cast also accepts other notations, its
    # result must equal the text.
    plain = f"strlen({column}) = 10 and {amounts.is_canonical_sql(column, 'date')}"
    iso_day = amounts.if_match_sql(column, _ISO, f"try_cast(substr({column}, 1, 10) as date)")
    return amounts.case_sql(plain, f"try_cast({column} as date)", f"coalesce({iso_day}, {day})")


LONGEST_DAY = 10
"""A string of at most this many bytes contains only a date, except in one of the `SHORT_NOTATIONS`."""
SHORT_NOTATIONS = frozenset(("excel", "unix", "no_year"))
"""Date formats in which a string of at most `LONGEST_DAY` bytes may contain a time."""
_WIDE = "\N{FULLWIDTH COLON}\N{FULLWIDTH DIGIT ZERO}-\N{FULLWIDTH DIGIT NINE}"
_TIME_MARK = rf"[:시{_WIDE}]|\d{{8}}[ T]?\d|^\s*[1-9]\d{{9}}|^\s*\d{{1,7}}\.\d+\s*$"
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
    long = amounts.case_sql(f"strlen({text}) > {LONGEST_DAY}", marked, "false")
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
    exact = amounts.if_match_sql(text, _ISO_TIME + OFFSET, offset_moment_sql(text))
    local = amounts.if_match_sql(text, _ISO_TIME, f"try_cast({text} as timestamp)")
    unix = "make_timestamptz(rpad(narrowed, 16, '0')::bigint)"  # the text may have seconds or milliseconds
    unix = amounts.if_match_sql("narrowed", r"[1-9]\d{9}(?:\d{3})?", unix)
    either = f"coalesce({unix}, {_local_moment('narrowed', day, zoned)})"
    other = amounts.let_sql("narrowed", amounts.narrowed_sql(text), either)
    moment = f"coalesce({exact}, {_in_zone(local, zoned)}, {other})"
    on_day = f"case when timezone({zoned}, moment)::date = {day} then moment end"
    stated = f"{text} is not null and {day} is not null"
    if not midnight:
        stated += f" and not regexp_matches({text}, '{_MIDNIGHT}')"
    return f"case when {stated} then {amounts.let_sql('moment', moment, on_day)} end"


def offset_moment_sql(text: str) -> str:
    """Return SQL that parses an ISO date and time with a UTC offset to a TIMESTAMPTZ."""
    bare = rf"regexp_replace(regexp_replace({text}, ' ?(?:Z|UTC)$', 'Z'), ' ([+-])', '\1')"
    return f"try_cast({bare} as timestamptz)"


def _in_zone(local: str, zone: str) -> str:
    """Return SQL that converts a local time of a zone to a TIMESTAMPTZ; NULL if the clocks skip the time."""
    moment = f"timezone({zone}, local)"
    return amounts.let_sql("local", local, f"case when timezone({zone}, {moment}) = local then {moment} end")


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
    clock = amounts.let_sql(
        "clock",
        f"regexp_extract({text}, '{_CLOCK}', {names})",
        f"1000000 * (3600 * ({hours}) + {seconds}) + {fraction}",
    )
    compact = amounts.let_sql(
        "clock",
        f"regexp_extract({text}, '{_COMPACT}', ['hour', 'minute', 'second'])",
        f"1000000 * (3600 * {hour} + 60 * try_cast(clock.minute as bigint) "
        "+ coalesce(try_cast(clock.second as bigint), 0))",
    )
    # Excel's numbers have rounding errors, so the time is rounded to seconds.
    share = f"try_cast(concat('0.', split_part({text}, '.', 2)) as double)"
    excel = amounts.if_match_sql(text, r"\d{1,7}\.\d+", f"1000000 * cast(round(86400 * {share}) as bigint)")
    microseconds = f"coalesce({clock}, {compact}, {excel})"
    return _in_zone(f"{day} + to_microseconds({microseconds})", zone)
