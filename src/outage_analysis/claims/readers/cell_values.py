"""SQL for the text and the value of one cell. Every step that reads cells takes its SQL from here.

A new format of days or amounts, or a word for a missing value, is added in this module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from outage_analysis.claims.header_words import decision_sql
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.incidents import COUNT, FILED_AT, Incident, Layout
from outage_analysis.text import (
    amount_sql,
    day_sql,
    has_time,
    has_time_sql,
    let_sql,
    listed_words,
    moment_sql,
)

BLANKS = (
    " \t\r\n\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"
    "\N{ZERO WIDTH SPACE}\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}"
)
"""Blank characters that are removed from both ends of a cell."""
IDS = ("claim_id", "claimant_id")
NAMED_COLUMNS = ("service", "claimant_type", "synthetic")
"""Columns whose possible values are known, so that no text stands for a missing value in them."""
MISSING_WORDS = tuple(listed_words("missing"))
"""Texts that often stand for a missing value, in lower case. `inspect` proposes those that a file has."""
NOT_SYNTHETIC = ("", "false", "0", "no", "n", "f", "null", "none", "거짓", "아니요", "아니오")
"""Values of the column `synthetic` that mark a row as real. Any other value marks it as synthetic."""
NO_ID = (
    r"|[-–—.?*_/]+|n/?a|none|null|nan|unknown|미상|없음|해당 ?없음|익명|비회원"
    r"|계|합계|소계|총계|누계|total|subtotal|sum|grand total"
)
"""Pattern of a lower-case text that is not an id: empty, a word for a missing id, or the label of a total."""
NO_TEXT = {"claim_id": NO_ID, "claimant_id": f"{NO_ID}|0+"}
"""Id column -> pattern of the texts that are not an id."""
_IS_NOT_SYNTHETIC = " or ".join(f"mark = {quote_literal(value)}" for value in NOT_SYNTHETIC)
IS_SYNTHETIC = (
    "case when synthetic = 'true' then true when synthetic = 'false' then false else "
    f"coalesce(not list_transform([trim(lower(synthetic))], lambda mark: {_IS_NOT_SYNTHETIC})[1], false) end"
)
"""SQL condition that is true if a row is marked as synthetic.

It avoids `in` with a long list: DuckDB would turn the list into a join, and a join does not keep the row
order.
"""


TextCounts = Counter[str]
"""Text of a cell -> the number of the first rows that have this text in the column."""
NO_TEXTS: TextCounts = Counter()
MANY_SHARE = 0.02
"""If more than this share of the first cells have a property, the property counts as frequent."""


def plain_text_sql(column: str, cell: str | None, first_texts: TextCounts, missing: Sequence[str]) -> str:
    """Return SQL for the text of a cell on the fast path; null if `cell` is None (column not in file).

    The SQL removes blanks at both ends only if many of the first cells have such blanks. Any other row with
    such blanks is rechecked, and `stated_text_sql` gives its texts.

    `missing` lists the texts that the layout treats as missing values.
    """
    if cell is None:
        return "cast(null as varchar)"
    padded = sum(count for text, count in first_texts.items() if text != text.strip(BLANKS))
    text = (
        f"nullif(trim({cell}, {quote_literal(BLANKS)}), '')"
        if padded > first_texts.total() * MANY_SHARE
        else cell
    )
    return _null_if_missing_sql(column, text, missing)


def stated_text_sql(column: str, missing: Sequence[str]) -> str:
    """Return SQL for the text of a cell without blanks at both ends; null if the value is missing.

    `missing` lists the texts that the layout treats as missing values.
    """
    text = f"trim({quote_identifier(column)}, {quote_literal(BLANKS)})"
    if column in NO_TEXT:
        no_id = quote_literal(NO_TEXT[column])
        given = f"case when not regexp_full_match(lower({text}), {no_id}) then {text} end"
    else:
        given = f"nullif({text}, '')"
    return _null_if_missing_sql(column, given, missing)


def _null_if_missing_sql(column: str, text: str, missing: Sequence[str]) -> str:
    """Return SQL for a text; null if the layout treats the text as a missing value."""
    if not missing or column in NAMED_COLUMNS:
        return text
    listed = ", ".join(f"lower({quote_literal(word.strip(BLANKS))})" for word in missing)
    return f"case when not coalesce(list_contains([{listed}], lower({text})), false) then {text} end"


def value_sql(column: str, incident: Incident, layout: Layout, *, only_if: str = "") -> str:
    """Return SQL that parses the text column `raw_<column>`; the value is null if the text is unreadable.

    The value of a text dimension is the cell itself. If the layout has edges, it is the band of the number.

    `column` is the filing day, the loss or a dimension. `only_if` is an SQL condition: unless it is true,
    only the most common format of the column is tried.
    """
    raw = quote_identifier(f"raw_{column}")
    if column == "filed_on":
        return _day_sql(raw, _day_formats(layout), incident, only_if=only_if)
    formats = layout.formats.get(column, ("plain",))
    kind = "loss" if column == "loss" else next(d.kind for d in incident.dimensions if d.id == column)
    if kind == "decision":
        return decision_sql(raw)
    if kind == "text":
        return raw
    digits, currency = {
        "loss": (incident.loss_digits, incident.loss_currency),
        "paid": (incident.minor_units, incident.currency),
    }.get(kind, (0, ""))
    scale = Decimal(str(layout.scale.get(column, 1)))
    return amount_sql(raw, formats, digits=digits, scale=scale, currency=currency, only_if=only_if)


MAX_COUNT = 1_000_000
"""Most claims that one row may stand for."""


def count_sql(layout: Layout) -> str:
    """Return SQL for the number of claims that a row stands for; null if its text `raw_count` states none."""
    if not layout.counts_claims:
        return "1"
    number = f"try_cast(raw_{COUNT} as integer)"
    whole = rf"regexp_full_match(raw_{COUNT}, '\d{{1,7}}(\.0)?') and {number} between 1 and {MAX_COUNT}"
    return f"case when {whole} then {number} end"


MICROSECONDS = {"seconds": 1_000_000, "minutes": 60_000_000, "hours": 3_600_000_000}
"""Unit of losses -> its length."""


def duration_sql(texts: Sequence[str], incident: Incident, layout: Layout) -> str:
    """Return SQL for the time between two moments as text, in the unit of losses; "" if they are no times.

    The text is that of both cells if one of them cannot be read, or if the time is no whole number of units.
    """
    unit = MICROSECONDS.get(incident.loss.unit)
    if unit is None or len(texts) != 2:  # noqa: PLR2004 - start and end
        return ""
    zone, formats = incident.time_zone, _day_formats(layout)
    moments = [
        let_sql("stated", text, moment_sql("stated", day_sql("stated", formats, zone), zone, midnight=True))
        for text in texts
    ]
    length = f"epoch_us({moments[1]}) - epoch_us({moments[0]})"
    whole = let_sql("length", length, f"case when length % {unit} = 0 then (length // {unit})::varchar end")
    return f"coalesce({whole}, nullif(concat_ws(' ', {', '.join(texts)}), ''))"


FILED_AT_DAY = "filed_at_day"
"""The column with the date of `filed_at`."""


def filed_at_day_sql(incident: Incident, layout: Layout) -> str:
    """Return SQL that parses the date in the string column `raw_filed_at`; null if it is unreadable."""
    formats = layout.formats.get(FILED_AT, tuple(dict.fromkeys((*_day_formats(layout), "iso"))))
    return _day_sql(f"raw_{FILED_AT}", formats, incident)


def filed_at_sql(incident: Incident, *, own_column: bool, midnight: bool) -> str:
    """Return SQL for the date and time of filing; null if the file contains only the date.

    Args:
        incident: defines the time zone of times without a UTC offset.
        own_column: whether the file has the column `filed_at`. If a cell of it is empty, the time in
            `filed_on` is used.
        midnight: see `moment_sql`.
    """
    text = f"coalesce(raw_{FILED_AT}, raw_filed_on)" if own_column else "raw_filed_on"
    return moment_sql(text, "filed_on", incident.time_zone, midnight=midnight)


def states_times(first_texts: Mapping[str, TextCounts]) -> bool:
    """Return whether enough of the first rows of a file contain times of filing for the fast path.

    Times are not counted if they are midnight.

    Args:
        first_texts: column -> cells of the first rows.
    """
    columns = [first_texts.get(column, NO_TEXTS) for column in ("filed_on", FILED_AT)]
    return any(
        sum(count for text, count in texts.items() if has_time(text)) > texts.total() * MANY_SHARE
        for texts in columns
    )


def no_time_sql(layout: Layout) -> str:
    """Return the SQL condition that a cell of `raw_filed_on` has only a date, or midnight as its time."""
    return f"not ({has_time_sql('raw_filed_on', frozenset(_day_formats(layout)))})"


def _day_sql(text: str, formats: Sequence[str], incident: Incident, *, only_if: str = "") -> str:
    window = (incident.claims_from, incident.claims_to)
    return day_sql(text, formats, incident.time_zone, only_if=only_if, window=window)


def _day_formats(layout: Layout) -> tuple[str, ...]:
    # If `filed_at` is a file's only date column, its format may be set under this key.
    return layout.formats.get("filed_on", tuple(dict.fromkeys((*layout.formats.get(FILED_AT, ()), "iso"))))
