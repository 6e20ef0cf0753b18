"""Recognise words of complaint files: what a column header means, and the decision that a cell names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from outage_analysis.claims.queries import quote_literal
from outage_analysis.text import listed_words

IDENTIFIER = frozenset(listed_words("identifier"))
CLAIM = frozenset(listed_words("claim"))
CLAIMANT = frozenset(listed_words("claimant"))
FILED = frozenset(listed_words("filed"))
TIME = frozenset(listed_words("time_of_filing"))
LOSS = frozenset(listed_words("loss"))
AMOUNT = frozenset(listed_words("amount"))
ABOUT_AMOUNTS = frozenset(listed_words("about_amounts"))
"""Words that a header may contain beside a word of LOSS or AMOUNT, because they do not change its meaning."""
SERVICE = frozenset(listed_words("service"))
TYPE = frozenset(listed_words("type"))
DECISION = frozenset(listed_words("decision"))
ABOUT_DECISIONS = frozenset(listed_words("about_decisions"))
"""Words that a header may contain beside a word of DECISION."""
PAID = frozenset(listed_words("paid"))
NAME = frozenset(listed_words("name"))
CONTACT = frozenset(listed_words("contact"))
COUNTS = frozenset(listed_words("count"))
"""Words in brackets that show that the loss in a column is not an amount of money, as in 피해(건)."""
_WORDS = frozenset.union(
    *(IDENTIFIER, CLAIM, CLAIMANT, FILED, TIME, LOSS, AMOUNT, ABOUT_AMOUNTS, SERVICE, TYPE, DECISION),
    *(ABOUT_DECISIONS, PAID, NAME, CONTACT),
    {
        "발생"
    },  # a word that contains a shorter, unrelated one: 발생일 (date of an event) contains 생일 (birthday)
)
_LONGEST_FIRST = sorted((word for word in _WORDS if not word.isascii()), key=lambda word: (-len(word), word))
_KNOWN = re.compile("|".join(_LONGEST_FIRST))
_GERMAN = re.compile("|".join(listed_words("german_part")))
_GERMAN_COMPOUND = re.compile(f"(?:{_GERMAN.pattern})+")
"""Pattern of a German word that consists of known words, such as Schadenssumme."""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


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
    words = set(split_header(header))
    if words & CONTACT:
        return True
    return bool(words & NAME) and words <= NAME | CLAIMANT | {"first", "last", "full", "given", "family"}


def means_claim_id(header: str) -> bool:
    """Return whether a header names the id of a claim: "Ticket No.", "접수번호", or "ID" alone."""
    words = set(split_header(header))
    if words & (CLAIMANT | CONTACT | NAME):
        return False
    if words & CLAIM:
        return bool(words & IDENTIFIER) or words <= CLAIM
    return bool(words) and words <= IDENTIFIER


def means_claimant_id(header: str) -> bool:
    """Return whether a header names the id of a claimant: "customer id", "고객번호", "회원"."""
    words = set(split_header(header))
    return bool(words & CLAIMANT) and words <= CLAIMANT | IDENTIFIER


def means_loss(header: str, units: Iterable[str]) -> bool:
    """Return whether a header names the loss: "Damage", "피해 금액(만원)" or "amount", but not "paid amount".

    Args:
        header: the column header.
        units: the currency and the unit of losses. The header may contain them.
    """
    plain, inside = split_brackets(header)
    words, allowed = set(split_header(plain)), {unit.casefold() for unit in units}
    if set(inside) & (COUNTS - allowed):
        return False
    return bool(words & (LOSS | AMOUNT)) and words <= LOSS | AMOUNT | ABOUT_AMOUNTS | allowed


def means_decision(header: str) -> bool:
    """Return whether a header names the decision about a claim: "status", "claim status", "처리상태"."""
    words = set(split_header(header))
    return bool(words & DECISION) and words <= DECISION | ABOUT_DECISIONS | CLAIM


def means_paid(header: str, units: Iterable[str]) -> bool:
    """Return whether a header names the amount paid: "paid amount", "지급액", "payout (EUR)"."""
    words = set(split_header(split_brackets(header)[0]))
    return bool(words & PAID) and words <= PAID | AMOUNT | {"total", "in", "원", *map(str.casefold, units)}


def has_word(header: str, words: frozenset[str]) -> bool:
    """Return whether a header contains one of the given words."""
    return not words.isdisjoint(split_header(header))


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
