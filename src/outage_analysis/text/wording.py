"""Plural forms, capital letters and short forms of names."""

from __future__ import annotations

import string
from collections.abc import Sequence


class PluralFormatter(string.Formatter):
    """Formats `{count:claim|claims}` as the singular if the count is 1, else as the plural."""

    def format_field(self, value: object, format_spec: str) -> str:
        """Return one of two word forms; format other values as `str.format` does."""
        singular, is_plural, plural = format_spec.partition("|")
        if not is_plural:
            return str(super().format_field(value, format_spec))
        return singular if str(value) == "1" else plural


def capitalized(text: str) -> str:
    """Return a string with its first letter capitalised."""
    return text[:1].upper() + text[1:]


def short_names(names: Sequence[str]) -> list[str]:
    """Shorten names such as "Cash: relief" to the part before the colon, if these parts are unique.

    If all names have the same part before the colon, the parts after the colon are used if they are unique.
    Otherwise, the names are returned unchanged.
    """
    parts = [name.partition(": ") for name in names]
    heads, tails = [p[0] for p in parts], [p[2] for p in parts]
    if len(set(heads)) == len(names):
        return heads
    same_heads = len(set(heads)) == 1 and len(set(tails)) == len(names) and all(tails)
    return [capitalized(tail) for tail in tails] if same_heads else list(names)
