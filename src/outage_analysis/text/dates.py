"""Notations of days and times of day, and SQL that parses them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date

from outage_analysis.text import amounts
from outage_analysis.text.word_lists import listed_words

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
    local = amounts.if_match_sql(text, _ISO, f"try_cast(substr({text}, 1, 10) as date)")
    local_day = f"timezone({zone}, {offset_moment_sql(text)})::date"
    # In time zones further east, the last hours of the year 9999 are in the year 10000, which is not
    # accepted.
    day = amounts.let_sql("day", local_day, "case when year(day) between 1 and 9999 then day end")
    return f"coalesce({local}, {amounts.if_match_sql(text, _MOMENT + OFFSET, day)})"


def _numbers(pattern: str, order: str, split: str = r"(\d+)\D+(\d+)\D+(\d+)") -> Callable[..., str]:
    """Return a function that returns SQL to parse days that match a pattern; other texts give NULL.

    `order` states how the parts of the text are rearranged to an ISO day.
    """

    def sql(text: str, _zone: str, _window: Window) -> str:
        iso = f"regexp_replace({text}, '^{split}.*$', '{order}')"
        return amounts.if_match_sql(f"lower({text})", pattern, f"try_cast({iso} as date)")

    return sql


def _excel(text: str, _zone: str, _window: Window) -> str:
    # Excel wrongly treats 1900 as a leap year, so day numbers up to 60 are not accepted.
    serial = f"split_part({text}, '.', 1)::int"
    day = f"case when {serial} between 61 and 2958465 then date '1899-12-30' + {serial} end"
    return amounts.if_match_sql(text, r"\d{1,7}(?:\.\d+)?", day)


def _unix(text: str, zone: str, _window: Window) -> str:
    moment = f"to_timestamp(substr({text}, 1, 10)::bigint)"
    return amounts.if_match_sql(text, r"[1-9]\d{9}(?:\d{3})?", f"timezone({zone}, {moment})::date")


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
        return amounts.if_match_sql(lower, pattern, value)

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
    korean = amounts.if_match_sql(
        lower,
        rf"\d\d?월 ?\d\d?일{_WEEKDAY}(?: ?{_TIME})?",
        rf"regexp_replace({lower}, '^(\d+)\D+(\d+).*$', '\1-\2')",
    )
    number = rf"{_month_number_sql(lower)} || '-' || regexp_extract({lower}, '\d+')"
    named = amounts.if_match_sql(
        lower, rf"{_BEFORE}(?:{_DAY_NUMBER} ?{_MONTH}\.?|{_MONTH}\.? ?{_DAY_NUMBER}){_AFTER}", number
    )
    month_day = f"coalesce({korean}, {named})"
    first, last = (f"date '{day.isoformat()}'" for day in window)
    years = range(window[0].year, window[1].year + 1)
    days = ", ".join(f"try_cast('{year}-' || month_day as date)" for year in years)
    inside = f"list_filter([{days}], lambda day: day between {first} and {last})"
    only = amounts.let_sql("days", inside, "case when len(days) = 1 then days[1] end")
    return amounts.let_sql("month_day", month_day, only)


DATES = amounts.listed_notations(
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
    agreed = amounts.agreed_value_sql(column, notations, zoned, window, among=among)
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
