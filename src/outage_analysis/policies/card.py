"""What a policy shows of itself."""

from __future__ import annotations

from datetime import date

from outage_analysis.cards import Card, Table, first
from outage_analysis.labels import Words
from outage_analysis.policies.explain import Teller
from outage_analysis.policies.lines import Effort
from outage_analysis.policies.policy import Policy


def policy_card(policy: Policy, lang: str) -> Card:
    """Its first lines: what each pays, since when, and what it asks of people."""
    w = policy.words(lang)
    teller = Teller(policy, w)
    rows, more = first(
        w,
        policy.lines,
        lambda line: (
            line.name[lang],
            w(f"word.{line.kind}"),
            teller.pays(line),
            w.day(line.public_on) if line.public_on else "–",
            _effort(line.effort_on(date.max), w),
        ),
        "policy.lines",
    )
    heads = ("line", "kind", "payment", "public_on", "effort")
    said = w(
        "card.policy",
        id=policy.id,
        count=w.number(len(policy.lines)),
        unit=w.unit,
        sums=w.number(len(policy.tie_outs)),
        missing=w.number(len(policy.missing)),
    )
    return Card(
        policy.name[lang],
        (said,),
        (Table(tuple(w(f"column.{head}") for head in heads), rows, more=more),),
        (*_unruled(policy, w), w("card.policy_next")),
    )


def _unruled(policy: Policy, w: Words) -> list[str]:
    """Which lines have no rule for a claim without a stated loss."""
    lines = [line.name[w.lang] for line in policy.schedules if line.unknown is None]
    return [w("card.no_rule", lines=", ".join(lines))] if lines else []


def _effort(effort: Effort | None, w: Words) -> str:
    return w(f"word.{effort}") if effort else "–"
