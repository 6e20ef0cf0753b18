"""A notation of days or amounts, and SQL that parses texts in any of several notations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Notation:
    """A notation: one way to write a day or an amount.

    `sql` is a function that returns SQL to parse a text. Its arguments are the SQL of the text and a context:
    a time zone for days, a currency code for amounts. The parsed value is a DATE, or an amount as DECIMAL(38,
    12) in the unit in which it is written.
    """

    name: str
    description: str
    """A one-line description for users."""
    examples: tuple[str, ...]
    sql: Callable[..., str]
    exact: bool = False
    """Whether the text is matched unchanged. Other notations also match full-width characters."""
    unit: bool = False
    """Whether the text states its unit, so that the scale of the column is not applied."""


def agreed_value_sql(column: str, notations: Sequence[Notation], *context: str) -> str:
    """Return SQL that parses a text in several notations; NULL if none matches or two of them disagree."""
    exact = ", ".join(n.sql(column, *context) for n in notations if n.exact)
    others = ", ".join(n.sql("normalised", *context) for n in notations if not n.exact)
    values = f"list_concat([{exact}], {let_sql('normalised', narrowed_sql(column), f'[{others}]')})"
    # list_distinct drops NULL values, so notations that do not match are ignored.
    single_value = let_sql(
        "readings", f"list_distinct({values})", "case when len(readings) = 1 then readings[1] end"
    )
    return f"case when {column} is not null then {single_value} end"


def let_sql(name: str, value: str, body: str) -> str:
    """Return SQL that computes a value once, and uses it by its name in another expression."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"


def if_match_sql(text: str, pattern: str, value: str) -> str:
    """Return SQL for a value if a pattern matches the whole text, else NULL."""
    return f"case when regexp_full_match({text}, '{pattern}') then {value} end"


def is_canonical_sql(text: str, kind: str) -> str:
    """Return an SQL condition that is true if DuckDB would write the value of a text in exactly this way."""
    return f"cast(try_cast({text} as {kind}) as varchar) = {text}"


def case_sql(condition: str, value: str, otherwise: str) -> str:
    """Return SQL for one of two values, depending on a condition. DuckDB computes only the value needed."""
    return f"case when {condition} then {value} else {otherwise} end"


NEVER = "false"
"""The SQL condition with which `guarded_sql` always returns NULL."""


def guarded_sql(condition: str, value: str, kind: str) -> str:
    """Return SQL for a value if a condition is true, else NULL. An empty condition counts as true."""
    if condition == NEVER:
        # DuckDB would take time to plan the long SQL, even if it never executes it.
        return f"cast(null as {kind})"
    return f"case when {condition} then {value} end" if condition else value


_ASCII = "0123456789,.:/-+()"
_WIDE = "".join(chr(ord(c) + 0xFEE0) for c in _ASCII)
_OTHER_WIDE = (
    "\N{MINUS SIGN}\N{FULLWIDTH WON SIGN}\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"
    "\N{FULLWIDTH DOLLAR SIGN}\N{FULLWIDTH POUND SIGN}\N{FULLWIDTH YEN SIGN}"
)


def narrowed_sql(text: str) -> str:
    """Return SQL that replaces full-width characters of a text by normal ones and removes outer spaces."""
    return f"trim(translate({text}, '{_WIDE}{_OTHER_WIDE}', '{_ASCII}-₩  $£¥'))"
