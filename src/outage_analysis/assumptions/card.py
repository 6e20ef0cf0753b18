"""What a ledger shows of itself."""

from __future__ import annotations

from outage_analysis.assumptions.ledger import Ledger
from outage_analysis.assumptions.listing import SUMS, grade, inputs, warning
from outage_analysis.cards import Card, Table, first
from outage_analysis.labels import Words, short
from outage_analysis.policies.policy import decimal_places


def ledger_card(ledger: Ledger, lang: str) -> Card:
    """Its first assumptions: the value that each is expected to have, its bounds, since when."""
    code = ledger.currency
    w = Words(lang, code or "", decimal_places(code) if code else 0)
    told = short([a.name[lang] for a in ledger.assumptions])
    names = dict(zip((a.id for a in ledger.assumptions), told, strict=True))
    rows, more = first(
        w,
        ledger.assumptions,
        lambda a: (names[a.id], *inputs(a, w), grade(a, w), w.day(a.public_on)),
        "ledger.assumptions",
    )
    heads = ("assumption", "expected_text", "range_text", "grade", "public_on")
    known = sum(a.outcome_known for a in ledger.assumptions)
    said = w(
        "card.ledger",
        id=ledger.id,
        incident=ledger.incident,
        day=w.day(ledger.as_of),
        count=w.number(len(ledger.assumptions)),
        ties=w.number(len(ledger.correlations)),
    )
    notes = [w("card.outcome_known", count=w.number(known))] if known else []
    if any(a.kind in SUMS for a in ledger.assumptions):
        notes.append(w("card.sums_in", unit=w.unit) if code else w("card.sums"))
    table = Table(tuple(w(f"column.{head}") for head in heads), rows, frozenset({1, 2}), more=more)
    lines = tuple(filter(None, (said, warning(ledger, w))))
    return Card(ledger.name[lang], lines, (table,), (*notes, w("card.ledger_next")))
