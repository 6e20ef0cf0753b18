"""The result of a budget search in words, and as points of a chart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from outage_analysis.costs import OBJECTIVES, PolicySearch
from outage_analysis.policies import PolicyExplainer
from outage_analysis.text import Column, Locale, TableSchema

BENEFIT_DIGITS = 3
"""Significant digits of what people get; with two, policies that differ by a tenth would look the same."""
FRONTIER_POINTS = TableSchema(
    "One row per point of the chart: a candidate of the frontier, or a policy.",
    (
        Column("policy", "name", "Id of the policy; empty for a candidate.", label="policy_name"),
        Column("role", "word", "frontier, solution, nearest, announced or named."),
        Column("at_level", "money", "Cost at the level of the search, such as P90."),
        Column("benefit", "decimal", "What claimants get, by the objective."),
        Column("objective", "word", "The objective of the search."),
        Column("mark", "text", "The level of the search, such as P90."),
        Column("budget", "money", "The budget; empty if it limits the expected cost."),
        Column("parameters", "text", "Values of the parameters that vary."),
    ),
)


def solution_sentences(search: PolicySearch, locale: Locale) -> list[str]:
    """Return the result of a search in sentences."""
    chosen, announced = (search.table.row(n, named=True) for n in (0, 1))
    values = _cost_values(search, chosen, locale) | {"tiers": _varied_tiers(search, locale)}
    by_mean = "" if search.request.level is not None else "_expected"
    if search.is_feasible:
        sentences = [locale(f"solve.answer{by_mean}", **values)]
    else:
        sentences = [locale(f"solve.none{by_mean}", **values), locale("solve.nearest", **values)]
        cliff = search.request.max_cliff
        values["amount"] = "" if cliff is None else locale.money_in_full(cliff)
        names = [locale(f"solve.without_{name}", **values) for name in search.excluded_by]
        key = "excluded" if names else "excluded_together"
        sentences.append(locale(f"solve.{key}", constraints=", ".join(names)))
        if search.least_budget is not None:
            unit = 10**locale.minor_units
            amount = math.ceil(search.least_budget / unit - 1e-9) * unit
            sentences.append(locale("solve.least", amount=locale.exact_money(amount), unit=locale.unit))
    got, had = (_benefits(row, search, locale) for row in (chosen, announced))
    sentences.append(locale("solve.benefits", got=got, had=had))
    if announced["expected"] is None:
        sentences.append(locale("solve.announced_unknown"))
    else:
        sentence = locale("solve.announced", **_cost_values(search, announced, locale))
        if announced["dominated_by"]:
            sentence += f" {locale('solve.dominated', parameters=announced['dominated_by'])}"
        sentences.append(sentence)
    if search.is_feasible and chosen["parameters"] == announced["parameters"]:
        sentences.append(locale("solve.same"))
    if search.is_feasible and not search.is_limited:
        sentences.append(locale("solve.not_limited"))
    if search.is_feasible and (largest := search.largest_values):
        sentences.append(locale("solve.largest", parameters=", ".join(p.name for p in largest)))
    if search.inputs.with_handling:
        sentences.append(locale("solve.with_handling"))
    if not search.cubes and search.policy.loss_unit == search.policy.currency:
        sentences.append(locale("solve.only_counts"))
    return sentences


def _varied_tiers(search: PolicySearch, locale: Locale) -> str:
    # Such as `up to 300,000: 20,000 won`.
    explainer, texts = PolicyExplainer(search.policy, locale), []
    parameters = search.tried.parameters
    lines = dict.fromkeys(p.line for p in parameters)
    for schedule in (x for x in search.policy.schedules if x.id in lines):
        varied = {p.tier for p in parameters if p.line == schedule.id}
        varied |= {p.tier + 1 for p in parameters if p.line == schedule.id and p.kind == "up_to"}
        listed = "; ".join(
            locale("solve.tier", band=locale.band_with_unit(*band), payment=explainer.rule_text(rule))
            for tier, (band, rule) in enumerate(schedule.tariff.bands_with_rules)
            if tier in varied
        )
        name = schedule.name[locale.lang]
        texts.append(listed if len(lines) == 1 else locale("solve.line", name=name, tiers=listed))
    return "; ".join(texts)


def _cost_values(search: PolicySearch, row: Mapping[str, Any], locale: Locale) -> dict[str, str]:
    return {
        "expected": locale.money(row["expected"]),
        "quantile": locale.money(row["at_level"]),
        "mark": search.quantile_mark,
        "budget": locale.money_in_full(search.request.budget),
        "chance": locale.share(row["over_budget"]),
        "count": f"{len(search.tried.values):,}",
    }


def _benefits(row: Mapping[str, Any], search: PolicySearch, locale: Locale) -> str:
    own = search.tried.objective
    order = [own, *(name for name in OBJECTIVES if name != own)]
    texts = [
        locale(f"solve.got_{name}", value=benefit_text(name, row[name], locale))
        for name in order
        if row[name] is not None
    ]
    return "; ".join(texts) if texts else locale("solve.got_unknown")


def benefit_text(objective: str, value: float | None, locale: Locale) -> str:
    """Return what claimants get as text: a share, a number of claims, or an amount."""
    if value is None:
        return "–"
    if objective == "replaced":
        return locale.share(value)
    return locale.number(round(value)) if objective == "made_whole" else locale.money(value, BENEFIT_DIGITS)


def frontier_points(search: PolicySearch) -> pl.DataFrame:
    """Return the points of the chart of the frontier: the columns of `FRONTIER_POINTS`."""
    budget = None if search.request.level is None else float(search.request.budget)
    objective = pl.lit(search.tried.objective)
    rows = pl.concat([search.frontier.with_columns(role=pl.lit("frontier")), search.table], how="diagonal")
    points = rows.with_columns(
        benefit=pl.col(search.tried.objective),
        objective=objective,
        mark=pl.lit(search.quantile_mark),
        budget=pl.lit(budget, pl.Float64),
    )
    return points.select(*FRONTIER_POINTS.dtypes).drop_nulls(["at_level", "benefit"])
