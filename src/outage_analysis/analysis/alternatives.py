"""Compare several policies for one incident, for reports and for the command `compare`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from outage_analysis import costs, text
from outage_analysis.analysis.open_intake import late_claims_notes, with_late_claims
from outage_analysis.analysis.plan import (
    DEFAULT_INCIDENT,
    Plan,
    check_one_stage,
    load_cubes,
    load_inputs,
    make_plan,
)
from outage_analysis.analysis.results import ChartLook, IncidentResult
from outage_analysis.analysis.summary import rows_are_complaints
from outage_analysis.arguments import lists_arguments
from outage_analysis.assumptions import Ledger, bundled_ledger, load_ledger
from outage_analysis.claims import Claims
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import bundled_ids, spelling_hint, validated_copy
from outage_analysis.incidents import Bands, Incident, load_incident
from outage_analysis.losses import Cube, build_cube, cost_bands
from outage_analysis.policies import Policy, load_policy, policy_names

if TYPE_CHECKING:  # types only; importing charts is slow
    from outage_analysis.charts import AltairChart


@dataclass(frozen=True, repr=False)
class PolicyResult(IncidentResult):
    """A result about several policies for one incident, as of one day."""

    incident: Incident
    ledger: Ledger | None
    as_of: date
    claims: Claims | None = field(repr=False)
    """The claims that the costs are computed from; None if they come from counts."""
    plan: Plan = field(repr=False)
    """The plan, whose policy is not always one of the policies."""
    policies: tuple[Policy, ...]
    """The policies that the result is about, the most important first."""

    @abstractmethod
    def chart_data(self) -> tuple[str, pl.DataFrame]:
        """Return the name of the chart of the result, and its data."""

    @property
    def synthetic(self) -> bool:
        """Whether the claims are synthetic."""
        return self.claims is not None and self.claims.synthetic

    @property
    def named_policies(self) -> tuple[Policy, ...]:
        """The policies that the result is about, the most important first."""
        return self.policies

    def mark(self, locale: text.Locale) -> str:
        """Return the mark of synthetic claims if the figures are computed from them; else nothing."""
        return text.synthetic_mark(locale, synthetic=self.synthetic)

    def locale(self, lang: str) -> text.Locale:
        """Return the texts and number formats of a language, for the currency of the policies."""
        starts = frozenset[int]().union(*(policy.starts for policy in self.policies))
        return replace(self.policies[0].locale(lang), starts=starts, level=self.plan.level)

    def names(self, lang: str) -> dict[str, str]:
        """The display name of each policy by id. If two policies have the same name, the id is appended."""
        return policy_names(self.policies, lang)

    @lists_arguments(ChartLook)
    def chart(self, *, lang: str = "en", **look: Unpack[ChartLook]) -> AltairChart:
        """Return the chart of the result; `save` writes it as a notebook shows it.

        Args:
            lang: en or ko.
            look: `width` and `height` in pixels, and a `title` in place of the finding that the chart states.

        Raises:
            UsageError: the size is not possible.
            ModelRefused: there are too few policies to show.
        """
        from outage_analysis import charts  # imported here, because importing charts is slow

        context = charts.chart_context(
            self.incident, self.locale(lang), self.names(lang), self.as_of, synthetic=self.synthetic
        )
        chart = charts.standalone_chart(*self.chart_data(), context, **look)
        if chart is None:
            raise ModelRefused("too few policies have a cost to show")
        return chart


@dataclass(frozen=True, repr=False)
class PolicyComparison(PolicyResult):
    """The comparison of several policies for one incident, as of one day."""

    simulations: costs.comparison.PolicySimulations
    cubes: Mapping[str, Sequence[Cube]] = field(repr=False)
    """The cubes that each policy pays, by policy id: of claims, and of claimants for some lines."""
    claim_cube: Cube | None = field(repr=False)
    """A cube of claims with further edges, where a policy replaces a loss or two policies pay the same."""
    budget: int | None = None
    """An amount in the smallest unit; the table then has the probability that each policy costs more."""

    @property
    def used_assumptions(self) -> AbstractSet[str]:
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

    @property
    def pairs(self) -> pl.DataFrame:
        """One row per pair of policies: the expected difference, its range, the chance of a lower cost."""
        return self.whole(self.simulations.pairs, "compare.pairs")

    @property
    def flips(self) -> pl.DataFrame:
        """One row per pair of policies and input at which the cheaper policy changes."""
        return self.whole(self.simulations.flips, "compare.flips")

    @property
    def information_value(self) -> pl.DataFrame:
        """The expected value of knowing each input before the choice, in whole currency.

        The decision-maker takes the policy with the least expected cost; nothing but the cost counts.

        Example:
            >>> found = compare("kakao-candidate-cash", "kakao-candidate-fees", as_of="2022-10-24")
            >>> found.information_value["assumption"][0]
            'as-filing-share'
        """
        return self.whole(self.simulations.information_value, "compare.information_value")

    @property
    def replaced(self) -> pl.DataFrame:
        """The share of a loss that an accepted claim gets back, by policy, line, service and loss band."""
        return self.whole(self.simulations.replaced, "compare.replaced")

    @property
    def left_out(self) -> pl.DataFrame:
        """The lines without an expected cost, which no simulated total includes."""
        return self.whole(self.simulations.left_out, "compare.left_out")

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
            of_claimants = (cube for cube in cubes if cube.line is not None)
            own.append(cubes if self.claim_cube is None else [self.claim_cube, *of_claimants])
        pair = (by_id[policy], by_id[other])
        return costs.comparison.winners_and_losers(
            *pair, self.ledger, as_of=self.as_of, cubes=own[0], cubes_of_other=own[1]
        )

    @cached_property
    def winners_table(self) -> pl.DataFrame:
        """Who gains and who loses under the first policy; amounts are in the smallest unit."""
        first, *others = (policy.id for policy in self.policies)
        return pl.concat([self._winners(first, other) for other in others])

    def counted_notes(self, locale: text.Locale) -> list[str]:
        """Return the sentence that rows of the files count as complaints, if nobody states what they are."""
        cubes = self.cubes.get(self.policies[0].id, ())
        late = late_claims_notes(self.ledger, None, self.as_of, locale)
        return [*rows_are_complaints(self.incident, self.used_ledger, cubes, locale), *late]

    def sentence(self, locale: text.Locale) -> str:
        """State the result of the comparison: the costs, and what people get."""
        return self.simulations.sentence(locale, self.names(locale.lang))

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values, with who gains and who loses."""
        names = [name for name in text.schemas_of("compare") if name != "benefits"]
        tables = {name: self.whole(getattr(self.simulations, name), f"compare.{name}") for name in names}
        tables["winners_and_losers"] = self.whole(self.winners_table, "winners_and_losers")
        rows = {name: table.to_dicts() for name, table in tables.items()}
        return self.inputs | rows

    def answer(self, lang: str = "en") -> text.Answer:
        """Return which policy costs least and which gives people most, then all tables."""
        locale, simulations = self.locale(lang), self.simulations
        known = self.mark(locale) + simulations.information_sentence(locale)
        sentences = [" ".join([*self.counted_notes(locale), self.sentence(locale)]), known]
        names, notes = self.names(lang), [locale("report.compared_caveat")]
        if self.budget is not None:
            chances = self.simulations.chances_over(self.budget)
            listed = ", ".join(f"{names[id_]} {locale.share(chance)}" for id_, chance in chances.items())
            budget = locale("report.tile_budget", budget=locale.money_in_full(self.budget))
            notes.insert(0, f"{budget}: {listed}.")
        return text.Answer(locale, sentences, self._tables(locale), names, card_notes=notes)

    def _tables(self, locale: text.Locale) -> Iterator[text.ShownTable | str]:
        tables = {name: getattr(self.simulations, name) for name in text.schemas_of("compare")}
        mark = self.mark(locale)
        first, benefits, *others = text.shown_tables(tables, "compare", locale, mark)
        yield first
        yield replace(
            benefits,
            rows=_with_bounds(benefits.rows, locale),
            schema=text.schema_of("compare_shown.benefits"),
        )
        names = self.names(locale.lang)
        schema = text.schema_of("compare_shown.winners_and_losers")
        for pair in self.winners_table.partition_by("policy", "other", maintain_order=True):
            pair_names = {name: names[pair[name][0]] for name in ("policy", "other")}
            title = mark + locale("terminal.compare_winners", **pair_names)
            yield text.ShownTable(title, _winners(pair, locale), schema)
        yield from others
        yield from self.simulations.benefit_notes(locale)
        yield locale("terminal.result_units", day=self.as_of, currency=self.incident.currency)


def _with_bounds(benefits: pl.DataFrame, locale: text.Locale) -> pl.DataFrame:
    """Return what people get from each policy, with one column for the bounds of a measure."""

    def bounds(measure: str, show: Callable[[float], str]) -> pl.Series:
        texts = (
            None if ends[0] is None else "–".join(dict.fromkeys(map(show, ends)))
            for ends in benefits.select(f"{measure}_low", f"{measure}_high").iter_rows()
        )
        return pl.Series(measure, texts, pl.String)

    table = benefits.with_columns(bounds("replaced", locale.share), bounds("made_whole", locale.number))
    shown = table.select(text.schema_of("compare_shown.benefits").names)
    # With claims, the payment per recipient would make the table too wide.
    measured = benefits["replaced_low"].count() > 0
    return _without_empty_columns(shown.drop("per_recipient") if measured else shown)


def _winners(pair: pl.DataFrame, locale: text.Locale) -> pl.DataFrame:
    """Return who gains and who loses: one row per service or, without claims, per loss band or cost line.

    The last row is the sum.
    """

    def who(row: dict[str, Any]) -> str:
        if row["level"] == "band":
            band = locale.band(row["over"], row["up_to"])
            return " ".join(part for part in (row["line"] or row["service"], band) if part)
        return row["service"] or row["line"] or locale("word.total")

    by_service = "service" in pair["level"]
    rows = pair.filter(pl.col("level") != "band") if by_service else pair
    named = rows.with_columns(who=pl.Series(map(who, rows.iter_rows(named=True)), dtype=pl.String))
    shown = named.select(text.schema_of("compare_shown.winners_and_losers").names)
    return _without_empty_columns(shown.drop("payment", "payment_other") if by_service else shown)


def _without_empty_columns(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table without the columns that are empty, or that count nobody, in each row."""
    nobody = [name for name in ("equal", "unclear") if name in table.columns and not table[name].sum()]
    return table.drop(nobody, *(name for name in table.columns if not table[name].count()))


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
        dimensions = claim_cube.dimensions
        edges = costs.benefits.edges_for_comparison(claim_cube, known, ledger, as_of)
        bands = Bands.from_cuts(cost_bands(claims, known).cuts, edges)
        claim_cube = build_cube(claims, dimensions=dimensions, bands=bands, until=as_of)
    simulate = partial(costs.comparison.simulate_policies, draws=plan.draws, seed=plan.seed, level=plan.level)
    simulations = simulate(policies, ledger, as_of=as_of, cubes=cubes, claim_cube=claim_cube)
    return PolicyComparison(incident, ledger, as_of, claims, plan, policies, simulations, cubes, claim_cube)


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
        id_, number = policy.id, 1
        while any(other.id == id_ for other in distinct) and policy not in distinct:
            number += 1
            id_ = f"{policy.id[:60]}-{number}"
        distinct.append(policy if id_ == policy.id else validated_copy(policy, id=id_))
    return distinct
