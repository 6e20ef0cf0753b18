"""How the case ended, beside what was expected: both halves of the lesson, in hindsight only."""

from __future__ import annotations

import polars as pl

from outage_analysis.analysis import Analysis
from outage_analysis.labels import Words
from outage_analysis.published import figure


def lesson(analysis: Analysis, w: Words) -> list[str]:
    """How the case ended, beside what was expected: both halves of the lesson, for hindsight only."""
    outcome, expected = analysis.incident.outcome, analysis.expected_cash()
    later = analysis.tables.get("hindsight_outcomes", pl.DataFrame())
    if outcome is None or later.is_empty() or expected is None:
        return []
    values = dict(later.select("id", "value").iter_rows())
    line = next((x for x in analysis.policy.schedules if x.id == outcome.line), None)
    if line is None or not {outcome.filed, outcome.accepted, outcome.paid} <= set(values):
        return []
    filed, accepted, paid = (values[f] for f in (outcome.filed, outcome.accepted, outcome.paid))
    said = [
        w(
            "report.hindsight_figures",
            day=w.day(analysis.as_of),
            expected=w.money(expected),
            paid=w.money(paid),
            fact=outcome.paid,
        )
    ]
    count = figure(line.published_count).whole if line.published_count else 0
    tiers = [rule.fixed for _, rule in line.rules() if rule.fixed]
    if count and tiers:
        mean = paid / accepted
        said.append(
            w(
                "report.hindsight_lesson",
                count=w.number(count),
                filed=w.number(filed),
                accepted=w.number(accepted),
                cut=w.number(w.rounded(count / accepted)),
                mean=w.money(mean),
                least=w.number(round(mean / max(tiers))),
                most=w.number(round(mean / min(tiers))),
            )
        )
    return said
