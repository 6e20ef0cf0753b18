"""What a ledger shows of itself."""

from __future__ import annotations

from outage_analysis.assumptions.ledger import Assumption, Ledger
from outage_analysis.assumptions.listing import SUMS, inputs
from outage_analysis.cards import Card, Table, first
from outage_analysis.labels import Words, short


def ledger_card(ledger: Ledger, lang: str) -> Card:
    """Its first assumptions: the value that each is expected to have, its bounds, since when."""
    w = Words(lang, currency="")  # the currency is the incident's, which a ledger only names
    told = short([a.name[lang] for a in ledger.assumptions])
    names = dict(zip((a.id for a in ledger.assumptions), told, strict=True))
    rows, more = first(
        w,
        ledger.assumptions,
        lambda a: (names[a.id], *inputs(a, w), _grade(a, w), w.day(a.public_on)),
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
    notes += [w("card.sums")] if any(a.kind in SUMS for a in ledger.assumptions) else []
    table = Table(tuple(w(f"column.{head}") for head in heads), rows, frozenset({1, 2}), more=more)
    return Card(ledger.name[lang], (said,), (table,), (*notes, w("card.ledger_next")))


def _grade(assumption: Assumption, w: Words) -> str:
    return w("card.assumed") if assumption.grade == "assumed" else assumption.grade
