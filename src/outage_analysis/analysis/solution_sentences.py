"""The result of a budget search in words, and as points of a chart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from outage_analysis.costs import OBJECTIVES, PolicySearch
from outage_analysis.policies import Policy, PolicyExplainer
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


def solution_sentences(
    search: PolicySearch, table: pl.DataFrame, policy: Policy, locale: Locale
) -> list[str]:
    """Return the result of a search in sentences.

    Args:
        search: the search.
        table: its table of policies; the chosen policy is in the first row, the announced in the second.
        policy: the solution, or the nearest policy.
        locale: the language and its number formats.
    """
    chosen, announced = table.row(0, named=True), table.row(1, named=True)
    values = _cost_values(search, chosen, locale) | {"tiers": varied_tiers(search, policy, locale)}
    if search.solution is None:
        sentences = _infeasible(search, values, locale)
    else:
        key = "answer" if search.request.level is not None else "answer_expected"
        sentences = [locale(f"solve.{key}", **values)]
    got, had = (_benefits(row, search, locale) for row in (chosen, announced))
    sentences.append(locale("solve.benefits", got=got, had=had))
    sentences.append(_announced(search, announced, locale))
    if search.solution is not None and chosen["parameters"] == announced["parameters"]:
        sentences.append(locale("solve.same"))
    if search.solution is not None and not search.is_limited:
        sentences.append(locale("solve.not_limited"))
    if search.solution is not None and (edges := search.largest_values):
        sentences.append(locale("solve.largest", parameters=", ".join(p.name for p in edges)))
    if search.inputs.with_handling:
        sentences.append(locale("solve.with_handling"))
    if not search.inputs.cubes and policy.loss_unit == policy.currency:
        sentences.append(locale("solve.only_counts"))
    return sentences


def varied_tiers(search: PolicySearch, policy: Policy, locale: Locale) -> str:
    """Return what a policy pays in the varied loss bands, such as `up to 300,000: 20,000 won`."""
    explainer = PolicyExplainer(policy, locale)
    texts = []
    lines = dict.fromkeys(p.line for p in search.parameters)
    for id_ in lines:
        varied = {p.tier for p in search.parameters if p.line == id_}
        varied |= {p.tier + 1 for p in search.parameters if p.line == id_ and p.kind == "up_to"}
        schedule = policy.schedule(id_)
        if schedule is None:
            continue
        own = [
            locale("solve.tier", band=locale.band_with_unit(*band), payment=explainer.rule_text(rule))
            for tier, (band, rule) in enumerate(schedule.tariff.bands_with_rules)
            if tier in varied
        ]
        listed = "; ".join(own)
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
        "count": f"{search.search.count:,}",
    }


def _infeasible(search: PolicySearch, values: Mapping[str, str], locale: Locale) -> list[str]:
    key = "none" if search.request.level is not None else "none_expected"
    sentences = [locale(f"solve.{key}", **values), locale("solve.nearest", **values)]
    cliff = search.request.max_cliff
    names = [
        locale(
            f"solve.without_{name}",
            budget=values["budget"],
            amount="" if cliff is None else locale.money_in_full(cliff),
        )
        for name in search.excluded_by
    ]
    if names:
        sentences.append(locale("solve.excluded", constraints=", ".join(names)))
    else:
        sentences.append(locale("solve.excluded_together"))
    if search.least_budget is not None:
        unit = 10**locale.minor_units
        amount = math.ceil(search.least_budget / unit - 1e-9) * unit
        sentences.append(locale("solve.least", amount=locale.exact_money(amount), unit=locale.unit))
    return sentences


def _benefits(row: Mapping[str, Any], search: PolicySearch, locale: Locale) -> str:
    order = [search.objective, *(name for name in OBJECTIVES if name != search.objective)]
    texts = []
    for name in order:
        value = row[name]
        if value is None:
            continue
        if name == "replaced":
            shown = locale.share(value)
        elif name == "made_whole":
            shown = locale.number(round(value))
        else:
            shown = locale.money(value, BENEFIT_DIGITS)
        texts.append(locale(f"solve.got_{name}", value=shown))
    return "; ".join(texts) if texts else locale("solve.got_unknown")


def _announced(search: PolicySearch, row: Mapping[str, Any], locale: Locale) -> str:
    if row["expected"] is None:
        return locale("solve.announced_unknown")
    sentence = locale("solve.announced", **_cost_values(search, row, locale))
    if row["dominated_by"]:
        return f"{sentence} {locale('solve.dominated', parameters=row['dominated_by'])}"
    return sentence


def frontier_points(search: PolicySearch, table: pl.DataFrame, frontier: pl.DataFrame) -> pl.DataFrame:
    """Return the points of the chart of the frontier: the columns of `FRONTIER_POINTS`."""
    budget = None if search.request.level is None else float(search.request.budget)
    rows = [
        *(row | {"policy": None, "role": "frontier"} for row in frontier.iter_rows(named=True)),
        *table.iter_rows(named=True),
    ]
    shared = {"objective": search.objective, "mark": search.quantile_mark, "budget": budget}
    return pl.DataFrame(
        [
            {name: row[name] for name in ("policy", "role", "at_level", "parameters")}
            | {"benefit": row[search.objective]}
            | shared
            for row in rows
            if row["at_level"] is not None and row[search.objective] is not None
        ],
        schema=FRONTIER_POINTS.dtypes,
    )
