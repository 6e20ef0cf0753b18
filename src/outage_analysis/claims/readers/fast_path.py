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
from outage_analysis.claims.queries import literal, quoted
from outage_analysis.claims.rules import CONTROLS, conditions
from outage_analysis.incidents import Dimension, Incident, Layout, NamedItem, normalized_name
from outage_analysis.text import NEVER, amount_sql, day_sql

BLANKS = " \t\r\n\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"
"""What may stand around a text and says nothing."""
REAL = ("", "false", "0", "no", "n", "f", "null", "none", "거짓", "아니요", "아니오")
"""What a column `synthetic` says of real rows; whatever else it says is taken for a yes."""


def enum(words: Iterable[str]) -> str:
    """SQL of the type of these words, one byte each where they are few."""
    return f"enum({', '.join(map(literal, words))})"


IDS = ("claim_id", "claimant_id")
PLAIN_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[ T][\d:.]+)?")
PLAIN_AMOUNT = re.compile(r"[+-]?\d+(?:\.\d{1,2})?")
MANY = 0.02
"""The share of texts from which on they are many."""
MOST_WORDS = 200
"""Words that are kept in one byte each."""
_OTHER = rf"[^ \t\x{{A0}}\x{{3000}}+{CONTROLS}]*"
_ID = f"'{_OTHER}[1-9]{_OTHER}'"
"""An id that is plain: it has a digit other than 0, and no blank, plus, line break or control character.

It is neither a word for nobody nor a rounded number.
"""


Texts = Counter[str]
"""Texts of the first rows of a column, and how many have each."""
NONE: Texts = Counter()


def value_sql(column: str, incident: Incident, layout: Layout, *, only_if: str = "") -> str:
    """SQL of what the text `raw_<column>` of a day, an amount or a dimension stands for; null for nothing.

    `only_if` is a condition under which it is read at more than first sight.
    """
    raw = quoted(f"raw_{column}")
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


def first_sight(
    incident: Incident,
    layout: Layout,
    cells: Mapping[str, str],
    shown: Mapping[str, Texts],
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
    texts = {name: _text(cells.get(name), shown.get(name, NONE)) for name in (*_COLUMNS, *dimensions)}
    names = {"service": incident.services, "claimant_type": incident.claimant_types}
    told = {c: _named(c, items, shown.get(c, NONE)) for c, items in names.items()}
    values = {
        c: value_sql(c, incident, layout, only_if=_only_if(c, shown.get(c, NONE)))
        for c in ("filed_on", "loss", *dimensions)
    }
    values |= {c: f"try_cast({quoted(f'raw_{c}')} as {enum(known)})" for c, known in words.items()}
    named = {name if name in (*IDS, "synthetic") else f"raw_{name}": text for name, text in texts.items()}
    extra = {f"surplus {name}": quoted(name) for name in surplus}
    return queries.load(
        "first_sight",
        source=source,
        file=str(file),
        texts=", ".join(f"{text} as {quoted(name)}" for name, text in (named | extra).items()),
        values="".join(f", {sql} as {quoted(name)}" for name, sql in {**told, **values}.items()),
        marked=MARKED,
        dimensions="".join(f", {quoted(name)}" for name in dimensions),
        ok=" and ".join([*_plain(incident, words), *(f"{quoted(name)} is null" for name in extra)]),
    )


_WORDS = " or ".join(f"told = {literal(word)}" for word in REAL)
MARKED = (
    "case when synthetic = 'true' then true when synthetic = 'false' then false else "
    f"coalesce(not list_transform([trim(lower(synthetic))], lambda told: {_WORDS})[1], false) end"
)
"""SQL of whether a row says of itself that it is synthetic.

The engine would make a join of a long list behind `in`, and the rows of a join come in any order.
"""
_COLUMNS = (*IDS, "service", "claimant_type", "filed_on", "loss", "synthetic")


def words_of(texts: Texts) -> tuple[str, ...]:
    """The words of which texts are, if they are so few that each comes ten times on average; else none."""
    found = {text for text in texts if text and text == text.strip(BLANKS)}
    return tuple(sorted(found)) if 0 < len(found) <= min(MOST_WORDS, texts.total() // 10) else ()


def _text(cell: str | None, shown: Texts) -> str:
    """SQL of a cell's text, without the blanks around it where many of the first rows have some."""
    if cell is None:
        return "cast(null as varchar)"
    padded = sum(count for text, count in shown.items() if text != text.strip(BLANKS))
    return f"nullif(trim({cell}, {literal(BLANKS)}), '')" if padded > shown.total() * MANY else cell


def _only_if(column: str, shown: Texts) -> str:
    """SQL of the condition under which a text is read that is not plainly a day or an amount.

    To read a few takes the engine longer than to look at them again, so it is done only where the first
    rows show that many are of that kind.
    """
    plain = PLAIN_DAY if column == "filed_on" else PLAIN_AMOUNT
    others = sum(n for text, n in shown.items() if text and plain.fullmatch(text.strip(BLANKS)) is None)
    return _bare(quoted(f"raw_{column}")) if others > shown.total() * MANY else NEVER


def _bare(text: str) -> str:
    """SQL of whether a text has something at both ends that is no blank."""
    codes, blanks = ", ".join(str(ord(b)) for b in BLANKS), ", ".join(map(literal, BLANKS))
    return f"unicode({text}) not in ({codes}) and {text}[-1] not in ({blanks})"


def _named(column: str, items: Sequence[NamedItem], shown: Texts) -> str:
    """SQL of the id for which a text stands, if it is written as the incident or the first rows write it.

    The ways that the first rows have most often are looked for first.
    """
    ids = {spelling: item.id for item in items for spelling in item.spellings()}
    texts: Texts = Counter()
    for text, count in shown.items():
        texts[text.strip(BLANKS)] += count
    common = {
        text: ids[normalized_name(text)] for text, _ in texts.most_common() if normalized_name(text) in ids
    }
    ways = common | {way: item.id for item in items for way in (item.id, *item.known_names)}
    if not ways:
        return "cast(null as varchar)"
    names, told = (", ".join(map(literal, words)) for words in (ways, ways.values()))
    found = enum(item.id for item in items)
    return f"(cast([{told}] as {found}[]))[list_position([{names}], {quoted('raw_' + column)})]"


def _plain(incident: Incident, words: Mapping[str, Sequence[str]]) -> list[str]:
    """Conditions that hold of a row that needs no closer look."""
    ids = (
        f"regexp_full_match(claim_id, {_ID})",
        f"(claimant_id is null or regexp_full_match(claimant_id, {_ID}))",
    )
    rules = [
        condition for rule, condition in conditions(incident).items() if rule.split(" ", 1)[0] not in IDS
    ]
    if incident.loss.negative == "zero":
        rules.append("loss < 0")
    texts = [d.id for d in incident.dimensions if d.kind == "text"]
    bare = (f"({quoted(t)} is null or ({_bare(quoted(t))}))" for t in texts if t not in words)
    known = (f"({quoted(f'raw_{t}')} is null or {quoted(t)} is not null)" for t in words)
    return [*(f"not coalesce({rule}, false)" for rule in rules), *ids, *bare, *known]
