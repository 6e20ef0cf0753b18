"""Several policies for one incident: how they compare, and which gives claimants most within a budget."""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, partial
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from outage_analysis import costs, text
from outage_analysis.analysis.open_intake import late_claims_notes, with_late_claims
from outage_analysis.analysis.plan import (
    DEFAULT_INCIDENT,
    IncidentResult,
    InputArguments,
    Plan,
    check_one_stage,
    load_cubes,
    load_inputs,
    make_plan,
)
from outage_analysis.analysis.summary import share_to_be_filed
from outage_analysis.arguments import lists_arguments
from outage_analysis.assumptions import Ledger, bundled_ledger, load_ledger
from outage_analysis.claims import Claims, Sources
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import bundled_claims, bundled_ids, spelling_hint, validated_copy
from outage_analysis.incidents import Bands, Incident, load_incident
from outage_analysis.losses import Cube, build_cube, cost_bands
from outage_analysis.policies import Amount, Policy, PolicyExplainer, load_policy

if TYPE_CHECKING:  # types only; importing charts is slow
    from outage_analysis.charts import AltairChart

LOWEST, HIGHEST = 50, 99
"""The lowest and the highest percentile that a budget may limit."""


@dataclass(frozen=True, repr=False)
class PolicyResult(IncidentResult):
    """A result about several policies for one incident, as of one day."""

    @abstractmethod
    def chart_data(self) -> tuple[str, pl.DataFrame]:
        """Return the name of the chart of the result, and its data."""

    @property
    def synthetic(self) -> bool:
        """Whether the claims are synthetic."""
        return self.claims is not None and self.claims.synthetic

    def mark(self, locale: text.Locale) -> str:
        """Return the mark of synthetic claims if the figures are computed from them; else nothing."""
        return text.synthetic_mark(locale, synthetic=self.synthetic)

    def locale(self, lang: str) -> text.Locale:
        """Return the texts and number formats of a language, for the currency of the policies."""
        starts = frozenset[int]().union(*(policy.starts for policy in self.policies))
        return replace(self.policies[0].locale(lang), starts=starts, level=self.plan.level)

    def counted_notes(self, locale: text.Locale, cubes: Sequence[Cube]) -> list[str]:
        """Return what rows of the files count as, if nobody states it, and how many claims are to come."""
        entries = self.used_ledger.assumptions if self.used_ledger and cubes else ()
        share = share_to_be_filed(self.incident, entries, locale)
        notes = [locale("report.rows_complaints", share=share)] if share else []
        return [*notes, *late_claims_notes(self.ledger, None, self.as_of, locale)]

    @lists_arguments()
    def chart(
        self,
        *,
        lang: str = "en",
        width: int | None = None,
        height: int | None = None,
        title: str | None = None,
    ) -> AltairChart:
        """Return the chart of the result; `save` writes it as a notebook shows it.

        Args:
            lang: en or ko.
            width: the width in pixels; by default the chart fills its container.
            height: the height in pixels; by default the height that the data need.
            title: a title in place of the finding that the chart states.

        Raises:
            UsageError: the size is not possible.
            ModelRefused: there are too few policies to show.
        """
        from outage_analysis import charts  # imported here, because importing charts is slow

        context = charts.chart_context(
            self.incident, self.locale(lang), self.names(lang), self.as_of, synthetic=self.synthetic
        )
        name, data = self.chart_data()
        chart = charts.standalone_chart(name, data, context, width=width, height=height, title=title)
        if chart is None:
            raise ModelRefused("too few policies have a cost to show")
        return chart


@dataclass(frozen=True, repr=False)
class PolicyComparison(PolicyResult):
    """The comparison of several policies for one incident, as of one day."""

    simulations: costs.comparison.PolicySimulations
    cubes: Mapping[str, Sequence[Cube]]
    """The cubes that each policy pays, by policy id: of claims, and of claimants for some lines."""
    claim_cube: Cube | None
    """A cube of claims with further edges, where a policy replaces a loss or two policies pay the same."""
    budget: int | None = None
    """An amount in the smallest unit; the table then has the probability that each policy costs more."""

    @property
    def used_assumptions(self) -> frozenset[str]:
        """The ids of the assumptions that the costs depend on."""
        return self.simulations.inputs

    def chart_data(self) -> tuple[str, pl.DataFrame]:
        """Return the likely ranges of the policies."""
        return "comparison", self.simulations.policies

    @property
    def table(self) -> pl.DataFrame:
        """One row per policy, in whole currency: cost, range, chance to be the cheapest.

        With a budget, the column `over_budget` is the probability that the cost exceeds it.
        """
        table = self.whole(self.simulations.policies, "compare.policies")
        if self.budget is None:
            return table
        known = map(self.simulations.chances_over(self.budget).get, table["policy"])
        return table.with_columns(pl.Series("over_budget", known, pl.Float64))

    @cached_property
    def exact_tables(self) -> dict[str, pl.DataFrame]:
        """All tables by name, with amounts in the smallest unit; the winners are under the first policy."""
        first, *others = (policy.id for policy in self.policies)
        winners = pl.concat([self._winners(first, other) for other in others])
        drawn = [name for name in text.schemas_of("compare") if name != "winners_and_losers"]
        return {name: getattr(self.simulations, name) for name in drawn} | {"winners_and_losers": winners}

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """All tables by name, in whole currency.

        Example:
            >>> found = compare("kakao-candidate-cash", "kakao-candidate-fees", as_of="2022-10-24")
            >>> found.tables["information_value"]["assumption"][0]
            'as-filing-share'
        """
        return {name: self.whole(table, f"compare.{name}") for name, table in self.exact_tables.items()}

    def winners_and_losers(self, policy: str, other: str) -> pl.DataFrame:
        """Return who gets more under a policy than under another, by service and loss band.

        Args:
            policy: the id of a policy of the comparison.
            other: the id of the policy that it is compared with.

        Returns:
            The table `winners_and_losers`; amounts are in whole currency.

        Raises:
            UsageError: the comparison has no such policy.

        Example:
            >>> from outage_analysis.policies import load_policy
            >>> promised = load_policy("kakao-2022")
            >>> found = compare(promised, promised.with_tier(up_to=300_000, pays=40_000), draws=2**10)
            >>> table = found.winners_and_losers("kakao-2022-changed", "kakao-2022")
            >>> table.filter(level="total").select("gain", "lose", "equal").row(0)
            (4230.5, 0.0, 4230.5)
        """
        return self.whole(self._winners(policy, other), "winners_and_losers")

    def _winners(self, policy: str, other: str) -> pl.DataFrame:
        by_id, own = {each.id: each for each in self.policies}, list[Sequence[Cube]]()
        for id_ in (policy, other):
            if id_ not in by_id:
                raise UsageError("no such policy", value=id_, remedy=spelling_hint(id_, list(by_id)))
            cubes = self.cubes.get(id_, ())
            if self.claim_cube is not None:
                cubes = [self.claim_cube, *(cube for cube in cubes if cube.line is not None)]
            own.append(cubes)
        return costs.comparison.winners_and_losers(
            *(by_id[policy], by_id[other], self.ledger), as_of=self.as_of, cubes=own[0], cubes_of_other=own[1]
        )

    def sentence(self, locale: text.Locale) -> str:
        """State the result of the comparison: the costs, and what people get."""
        return self.simulations.sentence(locale, self.names(locale.lang))

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values, with who gains and who loses."""
        return self.inputs | {n: table.to_dicts() for n, table in self.tables.items() if n != "benefits"}

    def answer(self, lang: str = "en") -> text.Answer:
        """Return which policy costs least and which gives people most, then all tables."""
        locale, simulations = self.locale(lang), self.simulations
        names, notes = self.names(lang), [locale("report.compared_caveat")]
        counted = self.counted_notes(locale, self.cubes.get(self.policy.id, ()))
        known = self.mark(locale) + simulations.information_sentence(locale)
        sentences = [" ".join([*counted, self.sentence(locale)]), known]
        if self.budget is not None:
            chances = self.simulations.chances_over(self.budget)
            listed = ", ".join(f"{names[id_]} {locale.share(chance)}" for id_, chance in chances.items())
            budget = locale("report.tile_budget", budget=locale.money_in_full(self.budget))
            notes.insert(0, f"{budget}: {listed}.")
        winners = self.exact_tables["winners_and_losers"]
        if "service" in winners["level"]:  # each band of each service would be a long table
            winners = winners.filter(pl.col("level") != "band")
        told = self.exact_tables | {"winners_and_losers": winners}
        tables: list[text.ShownTable | str] = [*text.shown_tables(told, "compare", locale, self.mark(locale))]
        unknown = simulations.policies.filter(pl.col("replaced_low").is_null())["policy"]
        if policies := ", ".join(names[x] for x in unknown):
            tables.append(locale("compare.replaced_unknown", policies=policies))
        tables.append(locale("terminal.result_units", day=self.as_of, currency=self.incident.currency))
        return text.Answer(locale, sentences, tables, names, card_notes=notes)


def compare_loaded(
    plan: Plan,
    incident: Incident,
    policies: tuple[Policy, ...],
    ledger: Ledger | None,
    as_of: date,
    *,
    of_claims: bool,
) -> PolicyComparison:
    """Compare loaded policies on the claims of the plan or, if not `of_claims`, on published counts."""
    claims: Claims | None = None
    claim_cube: Cube | None = None
    cubes: dict[str, list[Cube]] = {}
    known = [policy.as_known_on(as_of) for policy in policies]
    read = plan
    for policy in known if of_claims else ():
        claims, built = load_cubes(read, incident, policy, as_of, beside=known)
        read = replace(plan, claims=claims, columns=()) if claims else plan
        check_one_stage(built.values())
        cubes[policy.id] = [*built.values()]
        claim_cube = next((cube for cube in built.values() if cube.line is None), None)
    ledger = with_late_claims(ledger, policies, claims, incident, as_of)[0]
    if claims is not None and claim_cube is not None:
        edges = costs.benefits.edges_for_comparison(claim_cube, known, ledger, as_of)
        bands = Bands.from_cuts(cost_bands(claims, known).cuts, edges)
        claim_cube = build_cube(claims, dimensions=claim_cube.dimensions, bands=bands, until=as_of)
    simulate = partial(costs.comparison.simulate_policies, draws=plan.draws, seed=plan.seed, level=plan.level)
    simulations = simulate(policies, ledger, as_of=as_of, cubes=cubes, claim_cube=claim_cube)
    return PolicyComparison(plan, incident, policies, ledger, as_of, claims, simulations, cubes, claim_cube)


def compare_policies(plan: Plan, policies: Sequence[str | Path | Policy]) -> PolicyComparison:
    """Compare the expected costs of policies for one incident.

    Args:
        plan: states the incident, the ledger, the day, and optionally claims or counts. Without a ledger, the
            latest bundled ledger of the incident by that day is used. The policy of the plan is not used.
        policies: two or more policies, as ids, paths or `Policy` objects.

    Raises:
        UsageError: documents do not fit together, or there are fewer than two policies.
        ModelRefused: fewer than two policies have an expected cost.
    """
    ledger = plan.ledger or bundled_ledger(load_incident(plan.incident).id, plan.as_of)
    first = next(iter(policies), None)
    inputs = load_inputs(replace(plan, policy=first, ledger=ledger, compare=tuple(policies[1:])))
    return compare_loaded(plan, *inputs, of_claims=plan.has_own_counts)


@lists_arguments()
def compare(
    *policies: str | Path | Policy,
    claims: Claims | None = None,
    ledger: str | Path | Ledger | None = None,
    incident: str | Path | Incident | None = None,
    as_of: date | str | None = None,
    budget: float | None = None,
    draws: int = costs.DRAWS,
    seed: int = costs.SEED,
    level: int = text.DEFAULT_LEVEL,
) -> PolicyComparison:
    """Compare the costs of policies for one incident on the same random draws.

    Args:
        *policies: two or more policies, as ids, paths or `Policy` objects. Different policies may have the
            same id, such as two changed copies of one policy; a number is then appended to the id.
        claims: the claims from which the costs are computed; by default, published counts.
        ledger: the assumptions, as id, path or `Ledger`; by default the latest bundled ledger of the incident
            by `as_of`.
        incident: the outage, as id, path or `Incident`; by default that of the claims or of the ledger, or
            else the bundled incident whose id a policy has, or else `kakao-2022`.
        as_of: use only what was public by this day, such as "2022-10-24"; by default the day of the ledger.
        budget: an amount in whole currency; the table then has the chance that each policy costs more.
        draws: the number of simulated draws, a power of two.
        seed: the seed of the draws.
        level: the probability of the likely range in percent; 90 gives P5 to P95.

    Returns:
        The comparison. `.table`, `.pairs` and `.flips` are Polars frames, `.chart()` is an Altair chart.

    Raises:
        UsageError: documents do not fit together, or there are fewer than two different policies.
        ModelRefused: fewer than two policies have an expected cost.

    Example:
        >>> from outage_analysis.policies import load_policy
        >>> promised = load_policy("kakao-2022")
        >>> found = compare(promised, promised.with_tier(up_to=300_000, pays=40_000), draws=2**10)
        >>> found.table["policy"].to_list()
        ['kakao-2022', 'kakao-2022-changed']
    """
    if claims is not None and not isinstance(claims, Claims | Cube):
        raise UsageError(
            "compare takes claims that were read",
            value=type(claims).__name__,
            remedy="Write claims=read_claims(...), or the claims of an analysis.",
        )
    loaded = _with_distinct_ids(list(map(load_policy, policies)))
    known = None if ledger is None else load_ledger(ledger)
    if incident is None:
        ids = [policy.id.removesuffix("-changed") for policy in loaded]
        incident = next((id_ for id_ in ids if id_ in bundled_ids("incidents")), DEFAULT_INCIDENT)
        incident = claims.incident if claims is not None else known.incident if known else incident
    plan = make_plan(
        claims, incident=incident, ledger=known, as_of=as_of, draws=draws, seed=seed, level=level
    )
    units = load_incident(incident).minor_units
    amount = None if budget is None else text.smallest_units(budget, units, "the budget")
    return replace(compare_policies(plan, loaded), budget=amount)


def _with_distinct_ids(policies: Sequence[Policy]) -> list[Policy]:
    distinct: list[Policy] = []
    for policy in policies:
        taken = {other.id for other in distinct if other != policy}
        numbered = (f"{policy.id[:60]}-{number}" for number in count(2))
        id_ = next(x for x in chain([policy.id], numbered) if x not in taken)
        distinct.append(policy if id_ == policy.id else validated_copy(policy, id=id_))
    return distinct


@dataclass(frozen=True, repr=False)
class BudgetSolution(PolicyResult):
    """The policy that gives claimants most within a budget, beside the announced policy and the frontier."""

    search: costs.policy_search.PolicySearch

    @property
    def used_assumptions(self) -> frozenset[str]:
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
        return "frontier", points.select(*text.schema_of("solution.frontier_points").dtypes).drop_nulls(
            ["at_level", "benefit"]
        )

    @property
    def is_feasible(self) -> bool:
        """Whether a policy that was tried keeps the budget."""
        return self.search.is_feasible

    @property
    def parameters(self) -> dict[str, int | float]:
        """The values of the varied payments in `policy`, in whole currency."""
        return {
            p.name: value / 10**p.digits if p.digits else value for p, value in self.search.values.items()
        }

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

    def answer(self, lang: str = "en") -> text.Answer:
        """Return what to announce, what it costs and what people get, then the choice and the frontier."""
        locale = self.locale(lang)
        counted = self.counted_notes(locale, self.search.cubes)
        return text.Answer(locale, [*counted, *_sentences(self.search, locale)], self._tables(locale))

    def _tables(self, locale: text.Locale) -> Iterator[text.ShownTable | str]:
        about = {"currency": self.incident.currency, "day": locale.day(self.as_of)}
        about["basis"] = locale(f"word.{self.basis}")
        for key, table in (("solution", self.search.table), ("frontier", self.search.frontier)):
            schema, mark = text.schema_of(f"solution.{key}"), self.search.quantile_mark.lower()
            columns = (replace(c, label=mark) if c.name == "at_level" else c for c in schema.columns)
            title = self.mark(locale) + locale(f"solve.{key}", **about)
            yield text.ShownTable(title, table, replace(schema, columns=tuple(columns)))


def _sentences(search: costs.policy_search.PolicySearch, locale: text.Locale) -> list[str]:
    chosen, announced = (search.table.row(n, named=True) for n in (0, 1))
    feasible, unit = search.is_feasible, 10**locale.minor_units
    least = math.ceil((search.least_budget or 0) / unit - 1e-9) * unit
    by_mean = "" if search.request.level is not None else "_expected"
    got, had = (_benefits(row, search, locale) for row in (chosen, announced))
    largest = ", ".join(p.name for p in search.largest_values)
    values = _cost_values(search, chosen, locale) | {"tiers": _varied_tiers(search, locale)}
    values |= {"amount": locale.exact_money(least), "unit": locale.unit, "got": got, "had": had}
    if announced["expected"] is None:
        of_announced = locale("solve.announced_unknown")
    else:
        of_announced = locale("solve.announced", **_cost_values(search, announced, locale))
    answer = {
        f"answer{by_mean}": feasible,
        f"none{by_mean}": not feasible,
        "nearest": not feasible,
        "least": not feasible and search.least_budget is not None,
        "benefits": True,
    }
    notes = {
        "same": feasible and chosen["parameters"] == announced["parameters"],
        "not_limited": feasible and not search.is_limited,
        "largest": feasible and largest,
        "only_counts": not search.cubes and search.policy.loss_unit == search.policy.currency,
    }
    return [
        *(locale(f"solve.{key}", **values) for key, holds in answer.items() if holds),
        of_announced,
        *(locale(f"solve.{key}", parameters=largest) for key, holds in notes.items() if holds),
    ]


def _varied_tiers(search: costs.policy_search.PolicySearch, locale: text.Locale) -> str:
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
    search: costs.policy_search.PolicySearch, row: Mapping[str, Any], locale: text.Locale
) -> dict[str, str]:
    return {
        "expected": locale.money(row["expected"]),
        "quantile": locale.money(row["at_level"]),
        "mark": search.quantile_mark,
        "budget": locale.money_in_full(search.request.budget),
        "chance": locale.share(row["over_budget"]),
        "count": f"{len(search.tried.values):,}",
    }


def _benefits(row: Mapping[str, Any], search: costs.policy_search.PolicySearch, locale: text.Locale) -> str:
    texts = []
    for name in dict.fromkeys((search.tried.objective, *costs.policy_search.OBJECTIVES)):
        if (value := row[name]) is not None:
            # With two digits, policies that differ by a tenth would look the same.
            shown = locale.share(value) if name == "replaced" else locale.money(value, digits=3)
            texts.append(locale(f"solve.got_{name}", value=shown))
    return "; ".join(texts) if texts else locale("solve.got_unknown")


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
    vary: costs.policy_search.Vary,
    budget: Amount,
    at: str = "P90",
    step: Amount | None = None,
    objective: str | None = None,
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
    limit = text.smallest_units(budget, incident.minor_units, "the budget")
    pace = None if step is None else text.smallest_units(step, incident.minor_units, "the step")
    if pace == 0:
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
    request = costs.policy_search.SearchRequest(*about, _percentile(at), objective, pace)
    found = costs.policy_search.find_best_policy(request, others, cubes_of)
    return BudgetSolution(plan, incident, (found.policy, *named), ledger, as_of, claims, found)
