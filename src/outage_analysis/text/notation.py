"""A notation of days or amounts, and SQL that combines several notations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Notation:
    """One way to write a day or an amount.

    `sql` returns the SQL of a value from the SQL of a text and a context: a time zone for days, a currency
    code for amounts. The value is a DATE, or an amount in the unit of the column as DECIMAL(38, 12).
    """

    name: str
    description: str
    """A one-line description for users."""
    examples: tuple[str, ...]
    sql: Callable[..., str]
    exact: bool = False
    """Whether the text is matched as it is; other notations also match full-width characters."""
    unit: bool = False
    """Whether the text states its unit, so that the column's scale does not apply."""


def agreed_value_sql(column: str, notations: Sequence[Notation], *context: str) -> str:
    """SQL of the value on which all matching notations agree; NULL if none matches or two disagree."""
    exact = ", ".join(n.sql(column, *context) for n in notations if n.exact)
    others = ", ".join(n.sql("normalised", *context) for n in notations if not n.exact)
    values = f"list_concat([{exact}], {let_sql('normalised', narrowed_sql(column), f'[{others}]')})"
    # list_distinct drops NULLs, so notations that do not match are ignored.
    single_value = let_sql(
        "readings", f"list_distinct({values})", "case when len(readings) = 1 then readings[1] end"
    )
    return f"case when {column} is not null then {single_value} end"


def let_sql(name: str, value: str, body: str) -> str:
    """SQL of an expression with a named value that is computed only once."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"


def if_match_sql(text: str, pattern: str, value: str) -> str:
    """SQL of a value if a pattern matches the whole text, else NULL."""
    return f"case when regexp_full_match({text}, '{pattern}') then {value} end"


def is_canonical_sql(text: str, kind: str) -> str:
    """SQL of whether a text is exactly how DuckDB writes its value."""
    return f"cast(try_cast({text} as {kind}) as varchar) = {text}"


def case_sql(condition: str, value: str, otherwise: str) -> str:
    """SQL of a value if a condition holds, else of another value; DuckDB computes only the one needed."""
    return f"case when {condition} then {value} else {otherwise} end"


NEVER = "false"
"""The condition that disables a computation."""


def guarded_sql(condition: str, value: str, kind: str) -> str:
    """SQL of a value of a type if a condition holds, else NULL; without a condition, always the value."""
    if condition == NEVER:
        return f"cast(null as {kind})"  # planning long SQL takes time even if it is never executed
    return f"case when {condition} then {value} end" if condition else value


_ASCII = "0123456789,.:/-+()"
_WIDE = "".join(chr(ord(c) + 0xFEE0) for c in _ASCII)
_OTHER_WIDE = (
    "\N{MINUS SIGN}\N{FULLWIDTH WON SIGN}\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"
    "\N{FULLWIDTH DOLLAR SIGN}\N{FULLWIDTH POUND SIGN}\N{FULLWIDTH YEN SIGN}"
)


def narrowed_sql(text: str) -> str:
    """SQL of a text with full-width characters made narrow and outer spaces removed."""
    return f"trim(translate({text}, '{_WIDE}{_OTHER_WIDE}', '{_ASCII}-₩  $£¥'))"
