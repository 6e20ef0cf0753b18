"""What a policy shows of itself."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from outage_analysis.policies.cost_lines import Effort
from outage_analysis.policies.explanation import PolicyExplainer
from outage_analysis.text import Card, Locale, Table, first_rows

if TYPE_CHECKING:
    from outage_analysis.policies.policy import Policy


def policy_card(policy: Policy, lang: str) -> Card:
    """Its first lines: what each pays, since when, and what it asks of people."""
    locale = policy.words(lang)
    teller = PolicyExplainer(policy, locale)
    rows, more = first_rows(
        locale,
        policy.lines,
        lambda line: (
            line.name[lang],
            locale(f"word.{line.kind}"),
            teller.payment_summary(line),
            locale.day(line.public_on) if line.public_on else "–",
            _effort(line.effort_on(date.max), locale),
        ),
        "policy.lines",
    )
    heads = ("line", "kind", "payment", "public_on", "effort")
    said = locale(
        "card.policy",
        id=policy.id,
        count=locale.number(len(policy.lines)),
        unit=locale.unit,
        sums=locale.number(len(policy.tie_outs)),
        missing=locale.number(len(policy.missing)),
    )
    return Card(
        policy.name[lang],
        (said,),
        (Table(tuple(locale(f"column.{head}") for head in heads), rows, more=more),),
        (*_unruled(policy, locale), locale("card.policy_next")),
    )


def _unruled(policy: Policy, locale: Locale) -> list[str]:
    """Which lines have no rule for a claim without a stated loss."""
    lines = [line.name[locale.lang] for line in policy.schedules if line.unknown is None]
    return [locale("card.no_rule", lines=", ".join(lines))] if lines else []


def _effort(effort: Effort | None, locale: Locale) -> str:
    return locale(f"word.{effort}") if effort else "–"
