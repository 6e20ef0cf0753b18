"""Recognise words of complaint files: what a column header means, and the decision that a cell names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from outage_analysis.claims.queries import quote_literal
from outage_analysis.text import listed_words

WORDS = {
    kind: frozenset(listed_words(kind))
    for kind in (
        *("identifier", "claim", "claimant", "filed", "time_of_filing", "loss", "amount", "about_amounts"),
        *("service", "type", "decision", "about_decisions", "paid", "name", "contact"),
    )
}
"""Kind of header words -> the words.

Beside a word for a loss or an amount, a header may contain words of `about_amounts`, because they do not
change its meaning; likewise `about_decisions` beside a word for a decision.
"""
_COUNTS = frozenset(listed_words("count"))
"""Words in brackets that show that the loss in a column is not an amount of money, as in 피해(건)."""
_LONG = "발생"
"""A word that contains a shorter, unrelated one: 발생일 (date of an event) contains 생일 (birthday)."""
_LONGEST_FIRST = sorted(
    (word for word in {_LONG}.union(*WORDS.values()) if not word.isascii()),
    key=lambda word: (-len(word), word),
)
_KNOWN = re.compile("|".join(_LONGEST_FIRST))
_GERMAN = re.compile("|".join(listed_words("german_part")))
_GERMAN_COMPOUND = re.compile(f"(?:{_GERMAN.pattern})+")
"""Pattern of a German word that consists of known words, such as Schadenssumme."""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def known_words(*kinds: str) -> frozenset[str]:
    """Return the header words of some kinds."""
    return frozenset().union(*(WORDS[kind] for kind in kinds))


def split_header(header: str) -> list[str]:
    """Split a column header into words in lower case.

    "customerID" becomes "customer" and "id"; "접수번호" becomes "접수" and "번호"; "Vorgangsnummer" becomes
    "vorgangs" and "nummer". Other Korean characters stay together as one word. Digits and
    punctuation are dropped.
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", header)).casefold()
    apart = apart.translate(_UMLAUTS)
    words: list[str] = []
    for run in re.findall(r"[a-z]+|[^\W\d_a-z]+", apart):
        if _GERMAN_COMPOUND.fullmatch(run):
            words += _GERMAN.findall(run)
            continue
        known = [match.group() for match in _KNOWN.finditer(run)]
        words += known + [part for part in _KNOWN.split(run) if part]
    return words


def split_brackets(header: str) -> tuple[str, list[str]]:
    """Return the part of a column header outside brackets, and the words inside brackets."""
    plain = unicodedata.normalize("NFKC", header)
    inside = " ".join(re.findall(r"[(\[]([^()\[\]]*)[)\]]", plain))
    return re.sub(r"[(\[][^()\[\]]*[)\]]", " ", plain), split_header(inside)


def means_personal_data(header: str) -> bool:
    """Return whether a header names personal data: a name, contact data or a personal number."""
    words, names = set(split_header(header)), WORDS["name"]
    if words & WORDS["contact"]:
        return True
    about_names = {"first", "last", "full", "given", "family"}
    return bool(words & names) and words <= names | WORDS["claimant"] | about_names


def means_claim_id(header: str) -> bool:
    """Return whether a header names the id of a claim: "Ticket No.", "접수번호", or "ID" alone."""
    words = set(split_header(header))
    if words & known_words("claimant", "contact", "name"):
        return False
    if words & WORDS["claim"]:
        return bool(words & WORDS["identifier"]) or words <= WORDS["claim"]
    return bool(words) and words <= WORDS["identifier"]


MEANINGS = {
    "claimant_id": (("claimant",), ("identifier",)),
    "loss": (("loss", "amount"), ("about_amounts",)),
    "decision": (("decision",), ("about_decisions", "claim")),
    "paid": (("paid",), ("amount",)),
}
"""Column of a file -> the kinds of words of which its header has one, and the kinds that it may also have."""


def means(column: str, header: str, units: Iterable[str] = ()) -> bool:
    """Return whether a header names a column of `MEANINGS`: "고객번호", "피해 금액(만원)", "claim status".

    Args:
        column: the column.
        header: the header.
        units: the currency and the unit of losses. The header may contain them.
    """
    needed, others = MEANINGS[column]
    plain, inside = split_brackets(header) if "amount" in (*needed, *others) else (header, [])
    words, allowed = set(split_header(plain)), {unit.casefold() for unit in units}
    if column == "loss" and set(inside) & (_COUNTS - allowed):
        return False
    allowed |= {"total", "in", "원"} if column == "paid" else set()
    return bool(words & known_words(*needed)) and words <= known_words(*needed, *others) | allowed


def has_word(header: str, *kinds: str) -> bool:
    """Return whether a header contains a word of one of these kinds."""
    return not known_words(*kinds).isdisjoint(split_header(header))


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
