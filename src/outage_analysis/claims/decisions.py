"""Decisions about claims: how far a row has come, from a complaint to a paid claim."""

from __future__ import annotations

import re

from outage_analysis.claims.queries import quote_literal
from outage_analysis.text import listed_words

SPELLINGS = listed_words("decided")
"""Word for a decision in complaint files, in lower case and without blanks and hyphens -> the decision."""
DECISIONS = tuple(dict.fromkeys(SPELLINGS.values()))


def decision_sql(text: str) -> str:
    """Return SQL for the decision that a text names; null if it names none."""
    words, decisions = (f"[{', '.join(map(quote_literal, x))}]" for x in (SPELLINGS, SPELLINGS.values()))
    plain = rf"regexp_replace(lower({text}), '[\s\-_./·]+', '', 'g')"
    return f"({decisions})[list_position({words}, {plain})]"


def named_decision(text: str) -> str | None:
    """Return the decision that a text names, as `decision_sql` does; None if it names none."""
    return SPELLINGS.get(re.sub(r"[ \t\r\n\f\v\-_./·]+", "", text.lower()))
