"""SQL that parses the time of day in strings with a filing date.

The formats in `dates` define which strings are valid. The SQL here only extracts the time from a valid
string, so it is the same for all date formats.
"""

from __future__ import annotations

import re

from outage_analysis.text.amounts import if_match_sql, let_sql, narrowed_sql

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
    condition = marked
    if not notations & SHORT_NOTATIONS:
        condition = f"case when strlen({text}) > {LONGEST_DAY} then {marked} else false end"
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
    either = f"coalesce({_unix('narrowed')}, {_local('narrowed', day, zoned)})"
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


def _unix(text: str) -> str:
    microseconds = f"rpad({text}, 16, '0')::bigint"
    return if_match_sql(text, r"[1-9]\d{9}(?:\d{3})?", f"make_timestamptz({microseconds})")


def _local(text: str, day: str, zone: str) -> str:
    names = "['before', 'hour', 'minute', 'second', 'fraction', 'korean_minute', 'korean_second', 'behind']"
    hour = "try_cast(clock.hour as bigint)"
    half = "lower(concat(clock.before, clock.behind))"
    hours = (
        f"case when {half} = '' then {hour} "
        f"else {hour} % 12 + case when {half} in ('pm', '오후') then 12 else 0 end end"
    )
    parts = {
        60: "concat(clock.minute, clock.korean_minute)",
        1: "concat(clock.second, clock.korean_second)",
    }
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
