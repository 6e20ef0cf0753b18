"""SQL for the text and the value of one cell. Every step that reads cells takes its SQL from here.

A new format of days or amounts, or a word for a missing value, is added in this module.

The fast path parses all rows of a file at once and accepts the plain ones: the texts of their cells have one
obvious meaning and break no validation rule. Most rows are plain. DuckDB evaluates one SQL expression per
column for the whole file, and does not store the texts. In a row that is not plain, the column `ok` is false.
Such a row is read again as text and validated (see `recheck_rows`). For a plain row, validation would give
the same values and accept the row.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from outage_analysis.claims import queries
from outage_analysis.claims.header_words import decision_sql
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.incidents import COUNT, FILED_AT, LARGEST_LOSS, Incident, Layout, normalized_name
from outage_analysis.text import (
    CURRENCY,
    CURRENCY_WORDS,
    NEVER,
    amount_sql,
    day_sql,
    has_time,
    has_time_sql,
    let_sql,
    listed_words,
    moment_sql,
)

UNREADABLE = "the record has the fields of its header"
REPEATED_HEADER = "the record is not the header again"
REPEATED_ID = "claim_id is not repeated"
EXACT_COPY = "the complaint is not an exact copy of another"
SAME_DAY = "filed_on is the day of filed_at"
SAME_COMPLAINT = "claim_id"
"""The column of text that tells complaints apart: of rows with the same one, the first is kept."""
READABLE_LOSS = "loss is an amount that can be read, below 10^15"
COUNTED_CLAIMS = "count is a whole number of claims, at least 1"
A_DECISION, PAID = "is a decision", "is an amount for each paid claim and no other"
"""The ends of two rule names: that a status is known, and that only paid claims have an amount paid."""
ROUNDED_NUMBER = r"'\d([.,]\d+)?[eE]\+\d+'"
"""SQL pattern of a long number that a spreadsheet has rounded, such as 1.23457E+11."""
CONTROL_CHARACTERS = r"\x00-\x08\n-\x1F\x7F-\x9F\x{2028}\x{2029}"
"""SQL character class (regular expression) of line breaks and control characters except the tab.

An id with a line break probably contains a whole row that a stray quotation mark has merged into it.
"""

RULES = (
    UNREADABLE,
    REPEATED_HEADER,
    "claim_id is given",
    "claim_id is in full",
    "claimant_id is in full",
    "claim_id is one line of text",
    "claimant_id is one line of text",
    REPEATED_ID,
    EXACT_COPY,
    "service is given",
    "service is known",
    "claimant_type is given",
    "claimant_type is known",
    "filed_on is a date",
    "filed_on is within the claims window",
    SAME_DAY,
    READABLE_LOSS,
    "loss is not negative",
    "loss is plausible",
    COUNTED_CLAIMS,
)
"""The names of the validation rules; each dimension of an incident adds one more.

For each rule, the locale files contain a label `remedy.<rule>` that says how to correct the row.
"""


def rule_conditions(incident: Incident) -> dict[str, str]:
    """Return the SQL condition of each rule that is checked row by row: rule -> condition.

    The condition is true if the row breaks the rule.
    """
    first, last = (
        quote_literal(incident.claims_from.isoformat()),
        quote_literal(incident.claims_to.isoformat()),
    )
    condition_by_rule = {
        "claim_id is given": "claim_id is null",
        "claim_id is in full": f"regexp_full_match(claim_id, {ROUNDED_NUMBER})",
        "claimant_id is in full": f"regexp_full_match(claimant_id, {ROUNDED_NUMBER})",
        "claim_id is one line of text": f"regexp_matches(claim_id, '[{CONTROL_CHARACTERS}]')",
        "claimant_id is one line of text": f"regexp_matches(claimant_id, '[{CONTROL_CHARACTERS}]')",
        "service is given": "raw_service is null",
        "service is known": "raw_service is not null and service is null",
        "claimant_type is given": "raw_claimant_type is null",
        "claimant_type is known": "raw_claimant_type is not null and claimant_type is null",
        "filed_on is a date": "filed_on is null",
        "filed_on is within the claims window": f"filed_on < date {first} or filed_on > date {last}",
        SAME_DAY: "raw_filed_at is not null and filed_at_day is distinct from filed_on "
        "and filed_on is not null",
        READABLE_LOSS: f"raw_loss is not null and (loss is null or abs(loss) >= {LARGEST_LOSS})",
    }
    if incident.loss.negative == "reject":
        condition_by_rule["loss is not negative"] = "loss < 0"
    if incident.loss.plausible_to is not None:
        condition_by_rule["loss is plausible"] = f"loss > {incident.loss.plausible_to}"
    wanted = {"number": "is a whole number", "decision": A_DECISION, "paid": PAID}
    for dimension in (d for d in incident.dimensions if d.kind in wanted):
        raw, value = quote_identifier(f"raw_{dimension.id}"), quote_identifier(dimension.id)
        broken = f"{raw} is not null and {value} is null"
        if dimension.kind == "paid":
            decided = f"{quote_identifier(incident.decision)} is not distinct from 'paid'"
            broken = (
                f"{broken} or {value} < 0 or ({value} is null) = ({decided}) and {value} is distinct from 0"
            )
        condition_by_rule[f"{dimension.id} {wanted[dimension.kind]}"] = broken
    return condition_by_rule


def broken_rules_sql(incident: Incident) -> str:
    """Return SQL expressions, one per rule: the name of the rule if a row breaks it, else null."""
    conditions = rule_conditions(incident) | {COUNTED_CLAIMS: f"{COUNT} is null"}
    return ", ".join(
        f"case when {condition} then {quote_literal(rule)} end" for rule, condition in conditions.items()
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
FirstTexts = defaultdict[str, TextCounts]
"""Column -> the texts of its first cells."""
MANY_SHARE = 0.02
"""If more than this share of the first cells have a property, the property counts as frequent."""


def _is_frequent(texts: TextCounts, has_property: Callable[[str], object]) -> bool:
    """Return whether many of the first cells of a column have a property."""
    return sum(n for text, n in texts.items() if has_property(text)) > texts.total() * MANY_SHARE


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


def states_times(first_texts: FirstTexts, cells: Iterable[str]) -> bool:
    """Return whether enough of the first rows of a file may contain times of filing for the fast path.

    Times are not counted if they are midnight.

    Args:
        first_texts: column -> cells of the first rows. Those of computed columns are not known.
        cells: the columns.
    """
    texts = [first_texts[column] for column in ("filed_on", FILED_AT) if column in cells]
    return any(not counts or _is_frequent(counts, has_time) for counts in texts)


def _day_sql(text: str, formats: Sequence[str], incident: Incident, *, only_if: str = "") -> str:
    window = (incident.claims_from, incident.claims_to)
    return day_sql(text, formats, incident.time_zone, only_if=only_if, window=window)


def _day_formats(layout: Layout) -> tuple[str, ...]:
    # If `filed_at` is a file's only date column, its format may be set under this key.
    return layout.formats.get("filed_on", tuple(dict.fromkeys((*layout.formats.get(FILED_AT, ()), "iso"))))


def enum_type(values: Iterable[str]) -> str:
    """Return the SQL enum type with these values. DuckDB stores a value of a short enum in one byte."""
    return f"enum({', '.join(map(quote_literal, values))})"


PLAIN_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[ T][\d:.]+)?")
PLAIN_AMOUNT = re.compile(r"[+-]?\d+(?:\.\d{1,2})?")
CURRENCY_TEXT = "currency text"
"""The text that names the currency of a row, beside a dimension that may be called `currency`."""
MAX_ENUM_VALUES = 200
"""Most values of a dimension that is stored as an SQL enum."""
_ID_CHARACTERS = rf"[^ \t\x{{A0}}\x{{3000}}\x{{200B}}\x{{2060}}\x{{FEFF}}+{CONTROL_CHARACTERS}]*"
_PLAIN_ID = f"'{_ID_CHARACTERS}[1-9]{_ID_CHARACTERS}'"
"""Pattern of a plain id: it contains a digit other than 0, and no blank, plus sign or control character.

A plain id is neither a word for a missing id nor a number that a spreadsheet has rounded.
"""


def fast_path_sql(
    incident: Incident,
    layout: Layout,
    cells: Mapping[str, str],
    first_texts: FirstTexts,
    *,
    enum_values: Mapping[str, Sequence[str]],
    surplus: Sequence[str] = (),
    source: str,
    file: int,
) -> str:
    """Return SQL that converts rows of text to typed claims.

    The query returns the columns of a claim, and `ok`, which is true for rows that need no recheck. The
    column `filed_at` is returned only if many rows have a time; otherwise, rows with a time are rechecked.

    Args:
        incident: defines the columns and how files write them.
        layout: the formats of the file.
        cells: column -> SQL of the cell text in the source. The text is null for an empty cell.
        first_texts: column -> cell texts of the first rows, which show how the file writes its values.
        enum_values: dimension -> the values of its enum. A row with another value is rechecked.
        surplus: columns without a header. A row that has a value in them is rechecked.
        source: the SQL to insert after `from`.
        file: the number of the file.
    """
    dimensions = [d.id for d in incident.dimensions]
    texts = {
        name: _plain_text_sql(name, cells[name], first_texts[name], layout.missing)
        if name in cells
        else "cast(null as varchar)"
        for name in (
            *IDS,
            *NAMED_COLUMNS,
            "filed_on",
            "loss",
            *dimensions,
            *(x for x in (FILED_AT, COUNT) if x in cells),
        )
    }
    named_ids = {c: _named_id_sql(c, incident, first_texts[c]) for c in incident.named_items}
    values = {
        column: value_sql(column, incident, layout, only_if=_unusual_format_condition(column, first_texts))
        for column in ("filed_on", "loss", *dimensions)
    }
    values |= {c: f"try_cast({values[c]} as {enum_type(known)})" for c, known in enum_values.items()}
    named = {name if name in (*IDS, "synthetic") else f"raw_{name}": text for name, text in texts.items()}
    named |= {f"surplus {name}": quote_identifier(name) for name in surplus}
    own_column, times, added = FILED_AT in cells, states_times(first_texts, cells), ""
    conditions = _plain_row_conditions(incident, enum_values, own_column=own_column)
    conditions += [f"{quote_identifier(f'surplus {name}')} is null" for name in surplus]
    if own_column:
        values[FILED_AT_DAY] = filed_at_day_sql(incident, layout)
    if times or own_column:
        added = f", {filed_at_sql(incident, own_column=own_column, midnight=times)} as {FILED_AT}"
    else:  # A row with a time is rechecked.
        timed = has_time_sql("raw_filed_on", frozenset(_day_formats(layout)))
        conditions.append(f"coalesce(not ({timed}), true)")
    if COUNT in cells:
        values[COUNT] = count_sql(layout)
        conditions.append(f"{COUNT} is not null")
        added += f", {COUNT}"
    if CURRENCY in cells and (currency := incident.loss_currency):
        named[CURRENCY_TEXT] = cells[CURRENCY]
        words = [currency.casefold(), *(w for w, codes in CURRENCY_WORDS.items() if codes == (currency,))]
        text = quote_identifier(CURRENCY_TEXT)
        is_own = _is_among_sql(f"lower(trim({text}))", map(quote_literal, words))
        conditions.append(f"({text} is null or {is_own})")
    return queries.load(
        "fast_path",
        source=source,
        file=str(file),
        texts=queries.listed_sql(named).removeprefix(","),
        values=queries.listed_sql(named_ids | values),
        added=added,
        marked=IS_SYNTHETIC,
        dimensions="".join(f", {quote_identifier(name)}" for name in dimensions),
        ok=" and ".join(conditions),
    )


def _plain_text_sql(column: str, cell: str, first_texts: TextCounts, missing: Sequence[str]) -> str:
    # Blanks are removed only if many of the first cells have them. Any other row with blanks is rechecked,
    # and `stated_text_sql` gives its texts.
    if _is_frequent(first_texts, lambda text: text != text.strip(BLANKS)):
        cell = f"nullif(trim({cell}, {quote_literal(BLANKS)}), '')"
    return _null_if_missing_sql(column, cell, missing)


def _is_among_sql(value: str, constants: Iterable[str]) -> str:
    # DuckDB turns `in` and `list_contains` into a join, which does not keep the order of the rows.
    return f"(coalesce(list_position([{', '.join(constants)}], {value}), 0) > 0)"


def values_for_enum(texts: TextCounts) -> tuple[str, ...]:
    """Return the distinct values of a column if few enough for an SQL enum, else an empty tuple.

    There may be at most `MAX_ENUM_VALUES` values, and each must occur ten times on average.
    """
    values = {text for text in texts if text and text == text.strip(BLANKS)}
    return tuple(sorted(values)) if 0 < len(values) <= min(MAX_ENUM_VALUES, texts.total() // 10) else ()


def _unusual_format_condition(column: str, first_texts: FirstTexts) -> str:
    plain = PLAIN_DAY if column == "filed_on" else PLAIN_AMOUNT
    texts = first_texts[column]  # none of a computed column
    if not texts or _is_frequent(texts, lambda text: text and not plain.fullmatch(text.strip(BLANKS))):
        return _is_unpadded_sql(quote_identifier(f"raw_{column}"))
    return NEVER


def _is_unpadded_sql(text: str) -> str:
    """Return an SQL condition that is true if a text has no blank at either end."""
    first = _is_among_sql(f"unicode({text})", (str(ord(blank)) for blank in BLANKS))
    last = _is_among_sql(f"{text}[-1]", map(quote_literal, BLANKS))
    return f"not {first} and not {last}"


def _named_id_sql(column: str, incident: Incident, first_texts: TextCounts) -> str:
    items, ids = incident.named_items[column], incident.known_ids[column]
    texts = (text.strip(BLANKS) for text, _ in first_texts.most_common())  # frequent ones are found sooner
    common = {text: ids[normalized_name(text)] for text in texts if normalized_name(text) in ids}
    id_by_spelling = common | {name: item.id for item in items for name in (item.id, *item.known_names)}
    if not id_by_spelling:
        return "cast(null as varchar)"
    spellings, spelled_ids = (
        ", ".join(map(quote_literal, texts)) for texts in (id_by_spelling, id_by_spelling.values())
    )
    id_type = enum_type(item.id for item in items)
    position = f"list_position([{spellings}], {quote_identifier('raw_' + column)})"
    return f"(cast([{spelled_ids}] as {id_type}[]))[{position}]"


def _plain_row_conditions(
    incident: Incident, enum_values: Mapping[str, Sequence[str]], *, own_column: bool
) -> list[str]:
    conditions = [
        f"not coalesce({condition}, false)"
        for rule, condition in rule_conditions(incident).items()
        if rule.split(" ", 1)[0] not in IDS and (own_column or rule != SAME_DAY)
    ]
    if incident.loss.negative == "zero":
        conditions.append("not coalesce(loss < 0, false)")
    conditions.append(f"regexp_full_match(claim_id, {_PLAIN_ID})")
    conditions.append(f"(claimant_id is null or regexp_full_match(claimant_id, {_PLAIN_ID}))")
    for column in (d.id for d in incident.dimensions if d.kind == "text"):
        text, value = quote_identifier(f"raw_{column}"), quote_identifier(column)
        plain = f"{value} is not null" if column in enum_values else f"({_is_unpadded_sql(value)})"
        conditions.append(f"({text} is null or {plain})")
    return conditions
