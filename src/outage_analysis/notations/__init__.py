"""How people write days and amounts: each notation is a named SQL expression, and never a guess.

An expression gives a value or NULL for any text, and never raises. Where several notations declared
for a column fit one text and disagree, the text is ambiguous and its value is NULL.
"""

from __future__ import annotations

from outage_analysis.notations.amounts import AMOUNTS, THOUSANDTHS, amount_sql
from outage_analysis.notations.days import DATES, day_sql
from outage_analysis.notations.notation import NEVER

__all__ = ["AMOUNTS", "DATES", "NEVER", "THOUSANDTHS", "amount_sql", "day_sql"]
