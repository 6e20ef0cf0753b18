"""Whether the lines of the bundled policies state the figures of the facts that they cite."""

from __future__ import annotations

from collections.abc import Iterator

from outage_analysis.incidents import Fact, fact_exists, get_fact
from outage_analysis.policies import SHARE_DIGITS, CostLine, InKind, Rule, RuleBand, Schedule
from outage_analysis.text import Locale

Figures = dict[str, tuple[int, set[float | None]]]
"""Unit of facts -> the decimal places in which a policy states this unit, and the figures that it states."""


def contradicted_facts(line: CostLine, locale: Locale) -> Iterator[list[Fact]]:
    """Yield the cited facts that no figure of the line agrees with.

    A rule must state the figure of each fact that it cites. A whole line also cites facts for the context, so
    it must state the figure of one fact of each unit in which it states a figure, or this fact divided by a
    cited multiple.
    """
    if isinstance(line, Schedule):
        for rule in [rule for _, tariff in line.tariffs for _, rule in tariff.rules()]:
            figures = _figures_of_rule(rule, locale)
            facts = _comparable_facts(rule.facts, figures)
            yield from ([fact] for fact in facts if not _agrees(fact, figures))
        return
    terms = {"days": "days", "hours": "hours", "times": "multiple"}
    figures = {unit: (0, {getattr(line, term, None)}) for unit, term in terms.items()}
    amounts = line.valuations.values() if isinstance(line, InKind) else [line.amount]
    figures[locale.currency] = (locale.minor_units, {x for x in amounts if not isinstance(x, str)})
    multiples = [fact.number for fact in _comparable_facts(line.facts, {"times": (0, set())}) if fact.number]
    for unit in [unit for unit, (_, stated) in figures.items() if stated - {None}]:
        facts = [fact for fact in _comparable_facts(line.facts, figures) if fact.unit == unit]
        if facts and not any(_agrees(fact, figures, by) for fact in facts for by in (1.0, *multiples)):
            yield facts


def _figures_of_rule(rule: Rule, locale: Locale) -> Figures:
    rate = rule.rate
    money: set[float | None] = {rule.fixed, rule.floor, rule.limit, rate.amount if rate else None}
    losses: set[float | None] = {rule.deductible, *((rate.every, rate.after) if rate else ())}
    losses |= {rule.over, rule.up_to} if isinstance(rule, RuleBand) else set()
    if locale.loss_unit == locale.currency:
        money = losses = money | losses
    return {
        "%": (SHARE_DIGITS - 2, {rule.share}),
        locale.loss_unit: (locale.loss_digits, losses),
        locale.currency: (locale.minor_units, money),
    }


def _comparable_facts(ids: tuple[str, ...], figures: Figures) -> list[Fact]:
    facts = [get_fact(id_, hindsight=True) for id_ in ids if fact_exists(id_)]
    return [fact for fact in facts if fact.value is not None and fact.unit in figures]


def _agrees(fact: Fact, figures: Figures, divided_by: float = 1.0) -> bool:
    places, stated = figures[fact.unit]
    return round(fact.number * 10**places / divided_by, 4) in stated
