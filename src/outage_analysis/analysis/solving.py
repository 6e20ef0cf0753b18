"""Find the policy that gives claimants most within a budget, for notebooks and for the command `solve`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Required, TypedDict, Unpack

import polars as pl

from outage_analysis import costs
from outage_analysis.analysis.alternatives import PolicyResult
from outage_analysis.analysis.open_intake import late_claims_notes, with_late_claims
from outage_analysis.analysis.plan import (
    InputArguments,
    Plan,
    check_one_stage,
    load_cubes,
    load_inputs,
    make_plan,
)
from outage_analysis.analysis.summary import rows_are_complaints
from outage_analysis.arguments import lists_arguments
from outage_analysis.claims import Claims, Sources
from outage_analysis.costs import policy_search
from outage_analysis.errors import UsageError
from outage_analysis.files import bundled_claims
from outage_analysis.losses import Cube
from outage_analysis.policies import Amount, Policy, PolicyExplainer
from outage_analysis.text import Answer, Locale, ShownTable, schema_of, smallest_units

LOWEST, HIGHEST = 50, 99
"""The lowest and the highest percentile that a budget may limit."""


FRONTIER_ROWS = 12
"""At most this many rows of the frontier are shown."""
BENEFIT_DIGITS = 3
"""Significant digits of what people get; with two, policies that differ by a tenth would look the same."""


@dataclass(frozen=True, repr=False)
class BudgetSolution(PolicyResult):
    """The policy that gives claimants most within a budget, beside the announced policy and the frontier."""

    search: policy_search.PolicySearch

    @property
    def used_assumptions(self) -> AbstractSet[str]:
        """The ids of the assumptions that the cost of the announced policy depends on."""
        announced = self.search.request.policy
        fitting = costs.terms.ledger_for_policy(self.ledger, announced)
        return costs.assumption_ids(
            costs.cost_table(announced, fitting, as_of=self.as_of, cubes=self.search.cubes)
        )

    def chart_data(self) -> tuple[str, pl.DataFrame]:
        """Return the points of the frontier and the policies: table `solution.frontier_points`."""
        search = self.search
        rows = [search.frontier.with_columns(role=pl.lit("frontier")), search.table]
        budget = None if search.request.level is None else float(search.request.budget)
        points = pl.concat(rows, how="diagonal").with_columns(
            benefit=pl.col(search.tried.objective),
            objective=pl.lit(search.tried.objective),
            mark=pl.lit(search.quantile_mark),
            budget=pl.lit(budget, pl.Float64),
        )
        return "frontier", points.select(*schema_of("solution.frontier_points").dtypes).drop_nulls(
            ["at_level", "benefit"]
        )

    @property
    def is_feasible(self) -> bool:
        """Whether a policy that was tried keeps the budget and all other constraints."""
        return self.search.is_feasible

    @property
    def policy(self) -> Policy:
        """The solution or, if there is none, the nearest policy; its id ends in `-solution`."""
        return self.search.policy

    @property
    def parameters(self) -> dict[str, int | float]:
        """The values of the varied payments in `policy`, in whole currency."""
        return {p.name: p.stated_value(value) for p, value in self.search.values.items()}

    @property
    def table(self) -> pl.DataFrame:
        """One row per policy, amounts in whole currency: solution, announced policy, named policies."""
        return self.whole(self.search.table, "solution.solution")

    @property
    def frontier(self) -> pl.DataFrame:
        """One row per combination that gives more than every cheaper one, in whole currency."""
        return self.whole(self.search.frontier, "solution.frontier")

    @property
    def basis(self) -> str:
        """Where the costs come from: `published`, `claims` or `synthetic`."""
        return costs.terms.basis_of(self.search.cubes)

    def to_dict(self) -> dict[str, Any]:
        """Return the solution and the frontier as plain values."""
        search, unit = self.search, 10**self.incident.minor_units
        return self.inputs | {
            "policy": self.policy.id,
            "basis": self.basis,
            "feasible": self.is_feasible,
            "budget": search.request.budget / unit,
            "at": search.quantile_mark if search.request.level is not None else "expected",
            "objective": search.tried.objective,
            "candidates": len(search.tried.values),
            "parameters": self.parameters,
            "budget_is_binding": search.is_limited if self.is_feasible else True,
            "least_budget": None if search.least_budget is None else search.least_budget / unit,
            "solution": self.table.to_dicts(),
            "frontier": self.frontier.to_dicts(),
        }

    def answer(self, lang: str = "en") -> Answer:
        """Return what to announce, what it costs and what people get, then the choice and the frontier."""
        locale = self.locale(lang)
        counted = rows_are_complaints(self.incident, self.used_ledger, self.search.cubes, locale)
        late = late_claims_notes(self.ledger, None, self.as_of, locale)
        return Answer(locale, [*counted, *late, *_sentences(self.search, locale)], self._tables(locale))

    def _tables(self, locale: Locale) -> Iterator[ShownTable | str]:
        mark = self.search.quantile_mark.lower()
        level = replace(schema_of("solution.solution")["at_level"], name=mark, label=mark)
        about = {"currency": self.incident.currency, "day": locale.day(self.as_of)}
        about["basis"] = locale(f"word.{self.basis}")
        table = self.search.table.rename({"at_level": mark})
        table = table.drop(name for name in table.columns if table[name].null_count() == len(table))
        frontier = self.search.frontier.rename({"at_level": mark})
        frontier = frontier.select(name for name in frontier.columns if name in (*table.columns, mark))
        count, most = len(frontier), FRONTIER_ROWS - 1
        some = range(count) if count <= most + 1 else [round(k * (count - 1) / most) for k in range(most + 1)]
        for key, rows, schema in (
            ("compared", table, schema_of("solution.solution")),
            ("frontier", frontier[list(some)], schema_of("solution.frontier")),
        ):
            columns = replace(schema, columns=(*schema.columns, level))
            yield ShownTable(self.mark(locale) + locale(f"solve.{key}", **about), rows, columns)
        if len(some) < count:
            yield locale("solve.more", rows=len(some), count=f"{count:,}")


def _sentences(search: policy_search.PolicySearch, locale: Locale) -> list[str]:
    chosen, announced = (search.table.row(n, named=True) for n in (0, 1))
    values = _cost_values(search, chosen, locale) | {"tiers": _varied_tiers(search, locale)}
    by_mean = "" if search.request.level is not None else "_expected"
    if search.is_feasible:
        sentences = [locale(f"solve.answer{by_mean}", **values)]
    else:
        sentences = [locale(f"solve.none{by_mean}", **values), locale("solve.nearest", **values)]
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
    if not search.cubes and search.policy.loss_unit == search.policy.currency:
        sentences.append(locale("solve.only_counts"))
    return sentences


def _varied_tiers(search: policy_search.PolicySearch, locale: Locale) -> str:
    # Such as `up to 300,000: 20,000 won`.
    explainer, texts = PolicyExplainer(search.policy, locale), []
    parameters = search.tried.parameters
    lines = dict.fromkeys(p.line for p in parameters)
    for schedule in (x for x in search.policy.schedules if x.id in lines):
        varied = {p.tier for p in parameters if p.line == schedule.id}
        listed = "; ".join(
            locale("solve.tier", band=locale.band_with_unit(*band), payment=explainer.rule_text(rule))
            for tier, (band, rule) in enumerate(schedule.tariff.bands_with_rules)
            if tier in varied
        )
        name = schedule.name[locale.lang]
        texts.append(listed if len(lines) == 1 else locale("solve.line", name=name, tiers=listed))
    return "; ".join(texts)


def _cost_values(
    search: policy_search.PolicySearch, row: Mapping[str, Any], locale: Locale
) -> dict[str, str]:
    return {
        "expected": locale.money(row["expected"]),
        "quantile": locale.money(row["at_level"]),
        "mark": search.quantile_mark,
        "budget": locale.money_in_full(search.request.budget),
        "chance": locale.share(row["over_budget"]),
        "count": f"{len(search.tried.values):,}",
    }


def _benefits(row: Mapping[str, Any], search: policy_search.PolicySearch, locale: Locale) -> str:
    def text(objective: str) -> str:
        if objective == "replaced":
            return locale.share(row[objective])
        if objective == "made_whole":
            return locale.number(round(row[objective]))
        return locale.money(row[objective], BENEFIT_DIGITS)

    own = search.tried.objective
    known = [x for x in (own, *(x for x in policy_search.BENEFITS if x != own)) if row[x] is not None]
    texts = [locale(f"solve.got_{objective}", value=text(objective)) for objective in known]
    return "; ".join(texts) if texts else locale("solve.got_unknown")


class SearchArguments(TypedDict, total=False):
    """What `solve` searches for; its documentation says more."""

    vary: Required[policy_search.Vary]
    budget: Required[Amount]
    at: str
    step: Amount | None
    objective: str | None
    max_cliff: Amount | None


def _percentile(at: object) -> float | None:
    text = str(at).strip()
    if text.casefold() == "expected":
        return None
    match = re.fullmatch(r"[pP](\d{2}(?:\.\d)?)", text)
    if match is None or not LOWEST <= float(match[1]) <= HIGHEST:
        raise UsageError(
            "the budget is kept at a percentile from P50 to P99, or on average",
            value=text,
            remedy="Write P90, or expected.",
        )
    return float(match[1]) / 100


@lists_arguments(InputArguments)
def solve(
    claims: Plan | Claims | Cube | Sources | None = None,
    *,
    vary: policy_search.Vary,
    budget: Amount,
    at: str = "P90",
    step: Amount | None = None,
    objective: str | None = None,
    max_cliff: Amount | None = None,
    **inputs: Unpack[InputArguments],
) -> BudgetSolution:
    """Find the policy that gives claimants most within a budget; payments never fall as the loss grows.

    Args:
        claims: the claims that `read_claims` returned, or complaint files; by default published counts. A
            `Plan` states all inputs.
        vary: what varies, such as ["business-cash.tier1,tier2"]: `LINE.tierN` is the payment of the N-th loss
            band; "LINE.tier1=0..50_000/5_000", or a mapping of parameter -> values, states what is tried.
        budget: the largest cost, in whole currency.
        at: the percentile of the cost that must not exceed the budget, such as "P90"; or "expected".
        step: the step between payments, in whole currency; by default a round step.
        objective: `replaced` (share of the losses) or `per_claim` (mean payment per accepted claim). By
            default `replaced` with claims, and `per_claim` without.
        max_cliff: the largest jump of the payment at an edge of a loss band, in whole currency.
        inputs: the arguments of `run`. `policy` is the announced policy; the cost line of `tiers` is called
            `tiers`; the policies of `compare` are shown beside the frontier.

    Raises:
        UsageError: a parameter or another argument is not possible.
        ModelRefused: the inputs do not determine the cost or the objective.

    Example:
        >>> found = solve(vary=["small-business-cash.tier1,tier2"], budget=540_000_000, step=10_000)
        >>> found.parameters
        {'small-business-cash.tier1': 20000, 'small-business-cash.tier2': 40000}
    """
    plan = make_plan(claims, **inputs)
    incident, named, ledger, as_of = load_inputs(plan)
    policy, *others = named
    ids = [each.id for each in named]
    if repeated := [id_ for id_ in ids if ids.count(id_) > 1]:
        raise UsageError(
            "two policies have the same id", value=repeated[0], remedy="Give one of them another id."
        )
    limit = smallest_units(budget, incident.minor_units, "the budget")
    least, jump = (
        None if amount is None else smallest_units(amount, incident.minor_units, name)
        for name, amount in (("the step", step), ("the largest jump", max_cliff))
    )
    if least == 0:
        raise UsageError("the step is not above 0", value=step)
    published = any(line.published_count for line in policy.as_known_on(as_of).schedules)
    of_claims = plan.has_own_counts or not (published or bundled_claims(incident.id) is None)
    claims, own = load_cubes(plan, incident, policy.as_known_on(as_of), as_of) if of_claims else (None, {})
    check_one_stage(own.values())
    ledger = with_late_claims(ledger, named, claims, incident, as_of)[0]
    read = replace(plan, claims=claims, columns=()) if claims else plan

    def cubes_of(policies: Sequence[Policy], cuts: Sequence[int]) -> list[Cube]:
        first, *beside = (each.as_known_on(as_of) for each in policies)
        cubes = load_cubes(read, incident, first, as_of, beside=beside, cuts=cuts)[1] if of_claims else {}
        return [*cubes.values()]

    about = (policy, ledger, as_of, plan.draws, plan.seed, vary, limit)
    request = policy_search.SearchRequest(*about, _percentile(at), objective, least, jump)
    found = policy_search.find_best_policy(request, others, cubes_of)
    return BudgetSolution(incident, ledger, as_of, claims, plan, (found.policy, *named), found)
