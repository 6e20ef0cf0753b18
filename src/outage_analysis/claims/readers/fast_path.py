"""What most rows are: complaints whose texts say at first sight what they mean, and break no rule.

One expression a column, so that the engine types a whole file in one pass and keeps no text. A row that
is not so plain is only marked, and looked at again, text by text; nothing is decided here that the
closer look would decide otherwise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from outage_analysis.claims import queries
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.claims.rules import CONTROL_CHARACTERS, rule_conditions
from outage_analysis.incidents import Dimension, Incident, Layout, Named, folded
from outage_analysis.text import NEVER, amount_sql, day_sql

BLANKS = " \t\r\n\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"
"""What may stand around a text and says nothing."""
NOT_SYNTHETIC = ("", "false", "0", "no", "n", "f", "null", "none", "거짓", "아니요", "아니오")
"""What a column `synthetic` says of real rows; whatever else it says is taken for a yes."""


def enum_type(words: Iterable[str]) -> str:
    """SQL of the type of these words, one byte each where they are few."""
    return f"enum({', '.join(map(quote_literal, words))})"


IDS = ("claim_id", "claimant_id")
PLAIN_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[ T][\d:.]+)?")
PLAIN_AMOUNT = re.compile(r"[+-]?\d+(?:\.\d{1,2})?")
MANY_SHARE = 0.02
"""The share of texts from which on they are many."""
MAX_ENUM_VALUES = 200
"""Words that are kept in one byte each."""
_ID_CHARACTERS = rf"[^ \t\x{{A0}}\x{{3000}}+{CONTROL_CHARACTERS}]*"
_PLAIN_ID = f"'{_ID_CHARACTERS}[1-9]{_ID_CHARACTERS}'"
"""An id that is plain: it has a digit other than 0, and no blank, plus, line break or control character.

It is neither a word for nobody nor a rounded number.
"""


TextCounts = Counter[str]
"""Texts of the first rows of a column, and how many have each."""
NO_TEXTS: TextCounts = Counter()


def value_sql(column: str, incident: Incident, layout: Layout, *, only_if: str = "") -> str:
    """SQL of what the text `raw_<column>` of a day, an amount or a dimension stands for; null for nothing.

    `only_if` is a condition under which it is read at more than first sight.
    """
    raw = quote_identifier(f"raw_{column}")
    if column == "filed_on":
        return day_sql(raw, layout.formats.get(column, ("iso",)), incident.time_zone, only_if=only_if)
    loss = column == "loss"
    if not loss and _dimension(incident, column).kind == "text":
        return raw
    return amount_sql(
        raw,
        layout.formats.get(column, ("plain",)),
        digits=incident.loss_digits if loss else 0,
        scale=layout.scale.get(column, 1),
        currency=incident.loss_currency if loss else "",
        only_if=only_if,
    )


def _dimension(incident: Incident, name: str) -> Dimension:
    return next(d for d in incident.dimensions if d.id == name)


def fast_path_sql(
    incident: Incident,
    layout: Layout,
    cells: Mapping[str, str],
    shown: Mapping[str, TextCounts],
    *,
    words: Mapping[str, Sequence[str]],
    surplus: Sequence[str] = (),
    source: str,
    file: int,
) -> str:
    """SQL that types rows of text: the columns of a claim, and `ok` where nothing speaks against it.

    Args:
        incident: which columns there are and how they are written.
        layout: what is particular to the file.
        cells: column -> SQL of its text in the source, null where there is none.
        shown: column -> texts of the first rows, and how many have each: how the file writes names, and
            whether it pads its cells.
        words: dimension of few words -> those that are kept as such; a row with another is looked at closely.
        surplus: columns of the source that should hold nothing.
        source: what stands behind `from`.
        file: the number of the file.
    """
    dimensions = [d.id for d in incident.dimensions]
    texts = {
        name: _cell_text_sql(cells.get(name), shown.get(name, NO_TEXTS)) for name in (*_COLUMNS, *dimensions)
    }
    names = {"service": incident.services, "claimant_type": incident.claimant_types}
    told = {c: _named_id_sql(c, items, shown.get(c, NO_TEXTS)) for c, items in names.items()}
    values = {
        c: value_sql(c, incident, layout, only_if=_unusual_format_condition(c, shown.get(c, NO_TEXTS)))
        for c in ("filed_on", "loss", *dimensions)
    }
    values |= {
        c: f"try_cast({quote_identifier(f'raw_{c}')} as {enum_type(known)})" for c, known in words.items()
    }
    named = {name if name in (*IDS, "synthetic") else f"raw_{name}": text for name, text in texts.items()}
    extra = {f"surplus {name}": quote_identifier(name) for name in surplus}
    return queries.load(
        "fast_path",
        source=source,
        file=str(file),
        texts=", ".join(f"{text} as {quote_identifier(name)}" for name, text in (named | extra).items()),
        values="".join(f", {sql} as {quote_identifier(name)}" for name, sql in {**told, **values}.items()),
        marked=IS_SYNTHETIC,
        dimensions="".join(f", {quote_identifier(name)}" for name in dimensions),
        ok=" and ".join(
            [
                *_plain_row_conditions(incident, words),
                *(f"{quote_identifier(name)} is null" for name in extra),
            ]
        ),
    )


_WORDS = " or ".join(f"told = {quote_literal(word)}" for word in NOT_SYNTHETIC)
IS_SYNTHETIC = (
    "case when synthetic = 'true' then true when synthetic = 'false' then false else "
    f"coalesce(not list_transform([trim(lower(synthetic))], lambda told: {_WORDS})[1], false) end"
)
"""SQL of whether a row says of itself that it is synthetic.

The engine would make a join of a long list behind `in`, and the rows of a join come in any order.
"""
_COLUMNS = (*IDS, "service", "claimant_type", "filed_on", "loss", "synthetic")


def values_for_enum(texts: TextCounts) -> tuple[str, ...]:
    """The words of which texts are, if they are so few that each comes ten times on average; else none."""
    found = {text for text in texts if text and text == text.strip(BLANKS)}
    return tuple(sorted(found)) if 0 < len(found) <= min(MAX_ENUM_VALUES, texts.total() // 10) else ()


def _cell_text_sql(cell: str | None, shown: TextCounts) -> str:
    """SQL of a cell's text, without the blanks around it where many of the first rows have some."""
    if cell is None:
        return "cast(null as varchar)"
    padded = sum(count for text, count in shown.items() if text != text.strip(BLANKS))
    return (
        f"nullif(trim({cell}, {quote_literal(BLANKS)}), '')" if padded > shown.total() * MANY_SHARE else cell
    )


def _unusual_format_condition(column: str, shown: TextCounts) -> str:
    """SQL of the condition under which a text is read that is not plainly a day or an amount.

    To read a few takes the engine longer than to look at them again, so it is done only where the first
    rows show that many are of that kind.
    """
    plain = PLAIN_DAY if column == "filed_on" else PLAIN_AMOUNT
    others = sum(n for text, n in shown.items() if text and plain.fullmatch(text.strip(BLANKS)) is None)
    return (
        _is_unpadded_sql(quote_identifier(f"raw_{column}")) if others > shown.total() * MANY_SHARE else NEVER
    )


def _is_unpadded_sql(text: str) -> str:
    """SQL of whether a text has something at both ends that is no blank."""
    codes, blanks = ", ".join(str(ord(b)) for b in BLANKS), ", ".join(map(quote_literal, BLANKS))
    return f"unicode({text}) not in ({codes}) and {text}[-1] not in ({blanks})"


def _named_id_sql(column: str, items: Sequence[Named], shown: TextCounts) -> str:
    """SQL of the id for which a text stands, if it is written as the incident or the first rows write it.

    The ways that the first rows have most often are looked for first.
    """
    ids = {spelling: item.id for item in items for spelling in item.spellings()}
    texts: TextCounts = Counter()
    for text, count in shown.items():
        texts[text.strip(BLANKS)] += count
    common = {text: ids[folded(text)] for text, _ in texts.most_common() if folded(text) in ids}
    ways = common | {way: item.id for item in items for way in (item.id, *item.written)}
    if not ways:
        return "cast(null as varchar)"
    names, told = (", ".join(map(quote_literal, words)) for words in (ways, ways.values()))
    found = enum_type(item.id for item in items)
    return f"(cast([{told}] as {found}[]))[list_position([{names}], {quote_identifier('raw_' + column)})]"


def _plain_row_conditions(incident: Incident, words: Mapping[str, Sequence[str]]) -> list[str]:
    """Conditions that hold of a row that needs no closer look."""
    ids = (
        f"regexp_full_match(claim_id, {_PLAIN_ID})",
        f"(claimant_id is null or regexp_full_match(claimant_id, {_PLAIN_ID}))",
    )
    rules = [
        condition for rule, condition in rule_conditions(incident).items() if rule.split(" ", 1)[0] not in IDS
    ]
    if incident.loss.negative == "zero":
        rules.append("loss < 0")
    texts = [d.id for d in incident.dimensions if d.kind == "text"]
    bare = (
        f"({quote_identifier(t)} is null or ({_is_unpadded_sql(quote_identifier(t))}))"
        for t in texts
        if t not in words
    )
    known = (f"({quote_identifier(f'raw_{t}')} is null or {quote_identifier(t)} is not null)" for t in words)
    return [*(f"not coalesce({rule}, false)" for rule in rules), *ids, *bare, *known]
