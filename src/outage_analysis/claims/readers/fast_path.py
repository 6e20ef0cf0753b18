"""The fast path: SQL that parses all rows of a file at once and accepts the obviously valid ones.

A row is plain if the texts of its cells have one obvious meaning and break no validation rule. Most rows are
plain. DuckDB evaluates one SQL expression per column for the whole file, and does not store the texts. In a
row that is not plain, the column `ok` is false. Such a row is read again as text and validated (see
`recheck`). For a plain row, validation would give the same values and accept the row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from outage_analysis.claims import queries
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.claims.readers.cell_values import (
    BLANKS,
    FILED_AT_DAY,
    IDS,
    IS_SYNTHETIC,
    MANY_SHARE,
    NO_TEXTS,
    TextCounts,
    count_sql,
    filed_at_day_sql,
    filed_at_sql,
    no_time_sql,
    plain_text_sql,
    states_times,
    value_sql,
)
from outage_analysis.claims.rules import CONTROL_CHARACTERS, SAME_DAY, rule_conditions
from outage_analysis.incidents import COUNT, FILED_AT, Incident, Layout, normalized_name
from outage_analysis.text import CURRENCY, CURRENCY_WORDS, NEVER


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
    first_texts: Mapping[str, TextCounts],
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
        name: plain_text_sql(name, cells.get(name), first_texts.get(name, NO_TEXTS), layout.missing)
        for name in (*_COLUMNS, *dimensions, *(x for x in (FILED_AT, COUNT) if x in cells))
    }
    named_ids = {c: _named_id_sql(c, incident, first_texts.get(c, NO_TEXTS)) for c in incident.named_items}
    values = {
        c: value_sql(c, incident, layout, only_if=_unusual_format_condition(c, first_texts.get(c, NO_TEXTS)))
        for c in ("filed_on", "loss", *dimensions)
    }
    values |= {c: f"try_cast({values[c]} as {enum_type(known)})" for c, known in enum_values.items()}
    if own_column := FILED_AT in cells:
        values[FILED_AT_DAY] = filed_at_day_sql(incident, layout)
    if COUNT in cells:
        values[COUNT] = count_sql(layout)
    times = states_times(first_texts)
    moment = filed_at_sql(incident, own_column=own_column, midnight=times)
    filed_at = f", {moment} as {FILED_AT}" if times or own_column else ""
    named = {name if name in (*IDS, "synthetic") else f"raw_{name}": text for name, text in texts.items()}
    extra = {f"surplus {name}": quote_identifier(name) for name in surplus}
    conditions = _plain_row_conditions(incident, enum_values, own_column=own_column)
    if CURRENCY in cells and (currency := incident.loss_currency):
        named[CURRENCY_TEXT] = cells[CURRENCY]
        words = [currency.casefold(), *(w for w, codes in CURRENCY_WORDS.items() if codes == (currency,))]
        text = quote_identifier(CURRENCY_TEXT)
        is_own = _is_among_sql(f"lower(trim({text}))", map(quote_literal, words))
        conditions.append(f"({text} is null or {is_own})")
    conditions += [] if filed_at else [f"coalesce({no_time_sql(layout)}, true)"]
    conditions += [f"{COUNT} is not null"] if COUNT in cells else []
    return queries.load(
        "fast_path",
        source=source,
        file=str(file),
        texts=queries.listed_sql(named | extra).removeprefix(","),
        values=queries.listed_sql(named_ids | values),
        added=filed_at + (f", {COUNT}" if COUNT in cells else ""),
        marked=IS_SYNTHETIC,
        dimensions="".join(f", {quote_identifier(name)}" for name in dimensions),
        ok=" and ".join([*conditions, *(f"{quote_identifier(name)} is null" for name in extra)]),
    )


def _is_among_sql(value: str, constants: Iterable[str]) -> str:
    # DuckDB turns `in` and `list_contains` into a join, which does not keep the order of the rows.
    return f"(coalesce(list_position([{', '.join(constants)}], {value}), 0) > 0)"


_COLUMNS = (*IDS, "service", "claimant_type", "filed_on", "loss", "synthetic")


def values_for_enum(texts: TextCounts) -> tuple[str, ...]:
    """Return the distinct values of a column if few enough for an SQL enum, else an empty tuple.

    There may be at most `MAX_ENUM_VALUES` values, and each must occur ten times on average.
    """
    values = {text for text in texts if text and text == text.strip(BLANKS)}
    return tuple(sorted(values)) if 0 < len(values) <= min(MAX_ENUM_VALUES, texts.total() // 10) else ()


def _unusual_format_condition(column: str, first_texts: TextCounts) -> str:
    plain = PLAIN_DAY if column == "filed_on" else PLAIN_AMOUNT
    others = sum(n for text, n in first_texts.items() if text and plain.fullmatch(text.strip(BLANKS)) is None)
    return (
        _is_unpadded_sql(quote_identifier(f"raw_{column}"))
        if others > first_texts.total() * MANY_SHARE
        else NEVER
    )


def _is_unpadded_sql(text: str) -> str:
    """Return an SQL condition that is true if a text has no blank at either end."""
    first = _is_among_sql(f"unicode({text})", (str(ord(blank)) for blank in BLANKS))
    last = _is_among_sql(f"{text}[-1]", map(quote_literal, BLANKS))
    return f"not {first} and not {last}"


def _named_id_sql(column: str, incident: Incident, first_texts: TextCounts) -> str:
    items, ids = incident.named_items[column], incident.known_ids[column]
    texts: TextCounts = Counter()
    for text, count in first_texts.items():
        texts[text.strip(BLANKS)] += count
    common = {
        text: ids[normalized_name(text)] for text, _ in texts.most_common() if normalized_name(text) in ids
    }
    id_by_spelling = common | {
        spelling: item.id for item in items for spelling in (item.id, *item.known_names)
    }
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
    ids = (
        f"regexp_full_match(claim_id, {_PLAIN_ID})",
        f"(claimant_id is null or regexp_full_match(claimant_id, {_PLAIN_ID}))",
    )
    rules = [
        condition
        for rule, condition in rule_conditions(incident).items()
        if rule.split(" ", 1)[0] not in IDS and (own_column or rule != SAME_DAY)
    ]
    if incident.loss.negative == "zero":
        rules.append("loss < 0")
    texts = [d.id for d in incident.dimensions if d.kind == "text"]
    bare = (
        f"({quote_identifier(t)} is null or ({_is_unpadded_sql(quote_identifier(t))}))"
        for t in texts
        if t not in enum_values
    )
    known = (
        f"({quote_identifier(f'raw_{t}')} is null or {quote_identifier(t)} is not null)" for t in enum_values
    )
    return [*(f"not coalesce({rule}, false)" for rule in rules), *ids, *bare, *known]
