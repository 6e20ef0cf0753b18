"""The summary of a policy for display in notebooks and terminals."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from outage_analysis.policies.cost_lines import Effort
from outage_analysis.policies.explanation import PolicyExplainer
from outage_analysis.text import Card, Locale, Table, first_rows

if TYPE_CHECKING:
    from outage_analysis.policies.policy import Policy


def policy_card(policy: Policy, lang: str) -> Card:
    """The display of a policy: for each cost line, the payment, the announcement day and the effort."""
    locale = policy.locale(lang)
    explainer = PolicyExplainer(policy, locale)
    rows, more = first_rows(
        locale,
        policy.lines,
        lambda line: (
            line.name[lang],
            locale(f"word.{line.kind}"),
            explainer.payment_summary(line),
            locale.day(line.public_on) if line.public_on else "–",
            _effort_label(line.effort_on(date.max), locale),
        ),
        "policy.lines",
    )
    heads = ("line", "kind", "payment", "public_on", "effort")
    description = locale(
        "card.policy",
        id=policy.id,
        count=locale.number(len(policy.lines)),
        unit=locale.unit,
        sums=locale.number(len(policy.tie_outs)),
        missing=locale.number(len(policy.missing)),
    )
    return Card(
        policy.name[lang],
        (description,),
        (Table(tuple(locale(f"column.{head}") for head in heads), rows, more=more),),
        (*_lines_without_unknown_rule(policy, locale), locale("card.policy_next")),
    )


def _lines_without_unknown_rule(policy: Policy, locale: Locale) -> list[str]:
    """A note that lists the cost lines without a rule for claims that state no loss, if there are any."""
    lines = [line.name[locale.lang] for line in policy.schedules if line.unknown is None]
    return [locale("card.no_rule", lines=", ".join(lines))] if lines else []


def _effort_label(effort: Effort | None, locale: Locale) -> str:
    return locale(f"word.{effort}") if effort else "–"
