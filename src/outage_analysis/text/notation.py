"""A notation, and how several of them agree on what a text says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Notation:
    """One way to write a day or an amount.

    `sql` takes the SQL of a text, and for days that of a time zone or for amounts the code of a currency,
    and gives the SQL of a value: a DATE, or an amount in the unit of the column as DECIMAL(38, 12).
    """

    name: str
    words: str
    """What it covers, in one line."""
    examples: tuple[str, ...]
    sql: Callable[..., str]
    exact: bool = False
    """Whether it is read only as it stands; the others are read in full-width characters as well."""
    unit: bool = False
    """Whether the text itself names its unit, so that the column's scale does not multiply it."""


def agreed_value_sql(column: str, notations: Sequence[Notation], *context: str) -> str:
    """SQL of the one value that notations give to a text, NULL where they give none or several."""
    exact = ", ".join(n.sql(column, *context) for n in notations if n.exact)
    others = ", ".join(n.sql("said", *context) for n in notations if not n.exact)
    found = f"list_concat([{exact}], {let_sql('said', narrowed_sql(column), f'[{others}]')})"
    # Nulls are not distinct values: a notation that does not fit has no say.
    one = let_sql("readings", f"list_distinct({found})", "case when len(readings) = 1 then readings[1] end")
    return f"case when {column} is not null then {one} end"


def let_sql(name: str, value: str, body: str) -> str:
    """SQL of an expression that names a value in order to compute it once."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"


def if_match_sql(text: str, pattern: str, value: str) -> str:
    """SQL of a value where a pattern fits the whole text, else NULL."""
    return f"case when regexp_full_match({text}, '{pattern}') then {value} end"


def is_canonical_sql(text: str, kind: str) -> str:
    """SQL of whether a text is exactly what its value is written as."""
    return f"cast(try_cast({text} as {kind}) as varchar) = {text}"


def case_sql(condition: str, value: str, otherwise: str) -> str:
    """SQL of a value under a condition, else of another, which is not computed where the first is."""
    return f"case when {condition} then {value} else {otherwise} end"


NEVER = "false"
"""The condition under which nothing is computed."""


def guarded_sql(condition: str, value: str, kind: str) -> str:
    """SQL of a value of a type that is computed under a condition only, if there is one."""
    if condition == NEVER:
        return f"cast(null as {kind})"  # long SQL takes long to plan, even where it is never reached
    return f"case when {condition} then {value} end" if condition else value


_ASCII = "0123456789,.:/-+()"
_WIDE = "".join(chr(ord(c) + 0xFEE0) for c in _ASCII)
_ODD = (
    "\N{MINUS SIGN}\N{FULLWIDTH WON SIGN}\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"
    "\N{FULLWIDTH DOLLAR SIGN}\N{FULLWIDTH POUND SIGN}\N{FULLWIDTH YEN SIGN}"
)


def narrowed_sql(text: str) -> str:
    """SQL of a text with its full-width characters narrowed and the spaces at its ends gone."""
    return f"trim(translate({text}, '{_WIDE}{_ODD}', '{_ASCII}-₩  $£¥'))"
