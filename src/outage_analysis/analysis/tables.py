"""The tables of an analysis, computed when somebody asks for them and kept, and the columns of all tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from functools import cache, partial
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl

from outage_analysis import costs, incidents, losses, text
from outage_analysis.analysis import service_bands
from outage_analysis.assumptions import Ledger
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.policies import Policy

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis
    from outage_analysis.incidents import Incident

CLAIMS, HINDSIGHT = "claims_", "hindsight_"
"""Prefixes of the names of tables computed from claims, and of tables that use later facts."""
UNCERTAINTY_TABLES = (
    *("quantiles", "split", "contributions", "budget", "tornado", "levers", "total_distribution", "steps"),
    *("cost_ranges", "comparison", "pairs", "flips", "information_value", "policy_information_value"),
    *("scenarios", "reserve", "winners_and_losers"),
)
"""Tables that always belong to the headline, whether it is computed from published counts or claims."""
COST_TABLES = ("costs", "totals", "funnel")
"""Tables computed from published counts. The same tables computed from claims have the prefix `claims_`."""
Makers = dict[str, Callable[[], pl.DataFrame | None]]
"""Name of a table -> a function that makes it; a function that returns None makes none."""


def _module(name: str) -> Any:  # noqa: ANN401 - a module
    """Import a module of this package when a table needs it, because few runs do."""
    return import_module(f"outage_analysis.analysis.{name}")


def schema_named(table: str) -> text.TableSchema:
    """Return the columns of a table of an analysis; one from claims has those of the published counts.

    Other tables that charts show, such as `intake_days`, have no amounts and get no columns.
    """
    known = text.schemas_of("analysis")
    usual = known.get(table.removeprefix(CLAIMS).removeprefix(HINDSIGHT), text.TableSchema("", ()))
    return known.get(table, usual)


class NoSuchTable(UsageError, AttributeError, KeyError):
    """An analysis has no table with the requested name."""


class AnalysisTables(Mapping[str, pl.DataFrame]):
    """The tables of an analysis; each is computed when it is asked for, and kept.

    Each table is an attribute, such as `tables.costs`. Tables computed from claims are attributes of
    `tables.from_claims`, and tables that use facts published after the day of the analysis are attributes of
    `tables.hindsight`. All tables are also available by name, such as `tables["claims_costs"]`.

    Example:
        >>> tables = AnalysisTables({"claims_totals": lambda: pl.DataFrame({"expected": [2.5]})})
        >>> tables.from_claims.totals["expected"].to_list()
        [2.5]
    """

    def __init__(self, makers: Makers, prefix: str = "") -> None:
        """Offer the tables whose names begin with a prefix, which is cut from the names."""
        self._prefix = prefix
        self._makers = {n.removeprefix(prefix): make for n, make in makers.items() if n.startswith(prefix)}

    def __reduce__(self) -> tuple[type[AnalysisTables], tuple[Makers, str]]:
        """Pickle all tables in place of the functions that make them."""
        return AnalysisTables, ({self._prefix + name: self[name].clone for name in self}, self._prefix)

    @property
    def from_claims(self) -> AnalysisTables:
        """The tables computed from claims or totals."""
        return AnalysisTables(self._makers, CLAIMS)

    @property
    def hindsight(self) -> AnalysisTables:
        """The tables that use facts published after the day of the analysis."""
        return AnalysisTables(self._makers, HINDSIGHT)

    def schema(self, name: str) -> text.TableSchema:
        """Return the columns of a table with unit and description.

        Raises:
            NoSuchTable: the analysis has no such table.
        """
        self[name]
        return schema_named(self._prefix + name)

    def whole(self, places: Mapping[text.Unit, int]) -> AnalysisTables:
        """Return the same tables with amounts in whole currency; `places` are the decimals by unit."""

        def converted(name: str) -> pl.DataFrame | None:
            table = self._find(name)
            return None if table is None else self.schema(name).whole(table, places)

        makers: Makers = {name: cache(partial(converted, name)) for name in self._makers}
        return AnalysisTables(makers) if any(places.values()) else self

    def _find(self, name: object) -> pl.DataFrame | None:
        return self._makers[name]() if isinstance(name, str) and name in self._makers else None

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return a table by name.

        Raises:
            NoSuchTable: the analysis has no such table.
        """
        table = self._find(name)
        if table is None:
            known = list(self)
            remedy = spelling_hint(name, known) if known else "It has no tables of this kind."
            raise NoSuchTable("the analysis has no such table", value=name, remedy=remedy)
        return table

    def __contains__(self, name: object) -> bool:
        return self._find(name) is not None

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as in `Mapping`
        """Return a table by name, or the default if there is none."""
        table = self._find(name)
        return default if table is None else table

    def __getattr__(self, name: str) -> pl.DataFrame:
        if name.startswith("_"):  # no table; copying asks for such names before `_makers` exists
            raise AttributeError(name)
        return self[name]

    def _ipython_key_completions_(self) -> list[str]:
        return [*self._makers]  # all that may exist, because making the tables takes seconds

    def __dir__(self) -> list[str]:
        attributes = (n for n in self if not n.startswith((CLAIMS, HINDSIGHT)))
        return sorted({*super().__dir__(), *attributes})

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._makers if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"AnalysisTables({', '.join(self)})"


def tables_of(a: Analysis) -> AnalysisTables:
    """Return the tables of an analysis."""
    table, compared = a.costs["published"], a.compared
    makers: Makers = {
        "costs": lambda: table,
        "totals": lambda: costs.totals(table),
        "funnel": lambda: funnel_table(a.policy, a.ledger, a.as_of, table),
        "services": lambda: _services(a),
        "facts": lambda: _cited_facts(a),
        "headlines": lambda: _by_day(_headlines(a), later=False),
        "tie_outs": lambda: _by_day(_tie_outs(a), later=False),
        **_claims_tables(a),
        **_simulated_tables(a),
    }
    if compared is not None:
        makers |= {
            "comparison": lambda: compared.simulations.policies,
            "pairs": lambda: compared.simulations.pairs,
            "flips": lambda: compared.simulations.flips,
            "policy_information_value": lambda: compared.simulations.information_value,
            "winners_and_losers": lambda: compared.winners_table,
        }
    if a.plan.hindsight:
        makers |= {
            "hindsight_backtest": lambda: a.backtest.ranges if a.backtest else None,
            "hindsight_rivals": lambda: a.backtest.rivals if a.backtest else None,
            "hindsight_headlines": lambda: _by_day(_headlines(a), later=True),
            "hindsight_tie_outs": lambda: _by_day(_tie_outs(a), later=True),
            "hindsight_outcomes": lambda: incidents.outcomes().filter(
                pl.col("public_on") > a.as_of,
                pl.col("value").is_not_null(),
                pl.col("grade").is_in(["A", "B"]),
                pl.col("topic").is_in(["cost", "documents-round"]),
                collection=a.incident.id,
            ),
            "hindsight_total_distribution": lambda: _distribution_in_hindsight(a),
        }
    return AnalysisTables({name: cache(make) for name, make in makers.items()})


def service_table(
    incident: Incident, as_of: date | None = None, expected: Mapping[str, float] = MappingProxyType({})
) -> pl.DataFrame:
    """Return one row per service of an incident: group, published counts, length of its outage, facts.

    Args:
        incident: the incident.
        as_of: use only facts that were public by this day.
        expected: the expected cash of the cost lines that name one service alone, by service.
    """
    rows = []
    known = dict(incidents.facts(public_by=as_of).select("id", "value").iter_rows())
    for service in incident.services:
        users = next((known[fact] for fact in service.users if fact in known), None)
        hours = [outage.hours for outage in service.outage if outage.hours]
        ends = (min(hours, default=None), max(hours, default=None))
        cited = " ".join((*service.users, *(fact for outage in service.outage for fact in outage.facts)))
        cost = expected.get(service.id)
        rows.append((service.id, service.group, service.published_count, users, cost, *ends, cited))
    return text.schema_of("services").frame(rows)


def _services(a: Analysis) -> pl.DataFrame:
    lines = a.costs["published"].filter(pl.col("expected").is_not_null(), level="line", valuation="cash")
    costs_of_lines = dict(lines.select("line", "expected").iter_rows())
    expected: dict[str, float] = {}
    for line in a.policy.lines:
        served = line.eligibility.get("service", ())
        if len(served) == 1 and line.id in costs_of_lines:
            expected[served[0]] = expected.get(served[0], 0.0) + costs_of_lines[line.id]
    return service_table(a.incident, a.as_of, expected)


def _cited_facts(a: Analysis) -> pl.DataFrame:
    """Return the published facts that the documents cite, if public, in the order of the facts file."""

    def texts(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ()
        for each in inner:
            yield from texts(each)

    documents = tuple(document.model_dump() for document in (a.incident, a.policy, a.ledger) if document)
    return incidents.facts(public_by=a.as_of).filter(pl.col("id").is_in(sorted({*texts(documents)})))


def _by_day(table: pl.DataFrame, *, later: bool) -> pl.DataFrame:
    """Keep only the rows of a table that use later facts, or only the others."""
    return table.filter(pl.col("hindsight") == later).drop("hindsight")


def _tie_outs(a: Analysis) -> pl.DataFrame:
    return costs.benefits.reconciliation_table(a.tie_outs, a.policy, as_of=a.as_of)


def _headlines(a: Analysis) -> pl.DataFrame:
    """Return our estimates of the cost lines in published headlines, then the published estimates."""
    run = a.runs.get("published")
    rows: list[tuple[object, ...]] = []
    theirs = pl.col("line").is_in(sorted({h.line for h in a.incident.headlines if h.line}))
    ours = a.costs["published"].filter(theirs, pl.col("valuation") != "handling", level="line")
    for row in ours.iter_rows(named=True):
        low, median, high = row["low"], None, row["high"]
        if run and (part := run.only(row["line"], row["valuation"])):
            points = [part.totals[row["valuation"]].quantile(p) for p in a.likely_range.points.values()]
            low, median, high = (costs.rounded_estimate(point).value for point in points)
        rows.append(("", row["line"], low, median, row["expected"], high, a.as_of, "", "", False))
    for headline in a.incident.headlines:
        fact = incidents.get_fact(headline.fact, hindsight=True)
        low, high = (fact.low, fact.high) if fact.value is None else (fact.value, fact.value)
        later = fact.public_on is None or fact.public_on > a.as_of
        said = (fact.public_on, fact.counts, fact.counts_ko, later)
        rows.append((fact.id, headline.line, low, None, None, high, *said))
    types = text.schema_of("headlines").dtypes | {"hindsight": pl.Boolean()}
    return pl.DataFrame(rows, schema=types, orient="row")


def funnel_table(
    policy: Policy, ledger: Ledger | None, as_of: date, table: pl.DataFrame, decision: str = "complaint"
) -> pl.DataFrame:
    """Return the funnel from reports to payments for each schedule with a count of reports or claims.

    From published counts the first stage is `reported`. From claims, where entitlement is known, the first
    stages are `claimed` (entitled claims) and `due` (claims in bands that pay). Other stages, such as
    `ultimate`, `exposure` or `entitled`, appear only if the ledger has the assumption that they require.
    The stage `filed` is left out for a line that pays automatically.

    Args:
        policy: the policy.
        ledger: the ledger, if any.
        as_of: the day of the analysis.
        table: the cost table.
        decision: how far the claims have come, which is where the funnel begins; empty if each states its
            own, so that the funnel ends before the claims are filed.

    Returns:
        One row per line and stage: `line`, `stage`, `low`, `expected`, `high` (numbers of people or claims).
    """
    rows: list[tuple[object, ...]] = []
    counted = table.filter(pl.col("count").is_not_null(), level="line")
    for name, count, basis in counted.select("line", "count", "basis").iter_rows():
        line = policy.schedule(name)
        if line is None:
            continue
        funnel = costs.terms.build_funnel(line, ledger, as_of)
        stages = _stages(funnel, decision, published=basis == "published")
        first, (least, mid, most) = "reported", (count, count, count)
        if basis != "published":
            first, (least, mid, most) = "claimed", _claims_in_paying_bands(table.filter(line=name))
        if line.effort_on(as_of) == "automatic":  # nobody has to file
            stages.pop("filed", None)
        rows.append((name, first, count, count, count))
        for stage, (share, kind) in stages.items():
            if not kind or kind in funnel.entries:
                expected = costs.terms.product_or_none(mid, share.expected)
                high = most if share.high is None else most * share.high
                rows.append((name, stage, least * share.low, expected, high))
    frame = text.schema_of("funnel").frame(rows)
    return frame.with_columns(pl.col(pl.Float64).round_sig_figs(text.TABLE_DIGITS))


Stages = dict[str, tuple[costs.terms.Input, str]]
"""Funnel stage -> (its share of the counted reports or claims, the kind of assumption that it requires, or
"" if it requires none)."""


def _stages(funnel: costs.terms.Funnel, decision: str, *, published: bool) -> Stages:
    inputs, passed = funnel.inputs, costs.terms.product_of_factors(funnel.factors())
    stages: Stages = {} if published else {"due": (costs.terms.ALL_PASS, "")}
    stages |= {"ultimate": (inputs["ultimate"], "ultimate"), "exposure": (passed, "exposure")}
    for stage, kind in (("claimants", "claimant_share"), ("entitled", "entitled_share")):
        if published:
            passed *= inputs[kind]
            stages[stage] = (passed, kind)
    if decision == "complaint":
        stages["new"] = (passed * inputs["new_applicants"], "new_applicants")
        passed *= inputs["filing_share"] + inputs["new_applicants"]
        stages["filed"] = (passed, "")
    if decision:
        accepted = "acceptance" not in costs.terms.rates_from(decision)
        stages["paid"] = (passed if accepted else passed * inputs["acceptance"], "")
    return stages


def _claims_in_paying_bands(bands: pl.DataFrame) -> tuple[float, float | None, float]:
    counts = dict(bands.filter(level="band").group_by("rule").agg(pl.col("count").sum()).iter_rows())
    sure, across = counts.get("pays", 0.0) + counts.get("review", 0.0), counts.get("straddles", 0.0)
    known = not across and costs.expected.unstated_losses(bands)["priced"].all()
    return sure, sure if known else None, sure + across + counts.get(costs.benefits.NO_RULE, 0.0)


def _claims_tables(a: Analysis) -> Makers:
    table, rows = a.claims_costs, a.claims
    if table is None:
        return {}
    cube, policy, by = a.cubes["cost"], a.policy.as_known_on(a.as_of), ["service"]
    negative = a.incident.loss.negative == "band"
    bands, explored = losses.display_bands(policy.cuts, negative=negative), partial(_module, "exploration")

    @cache
    def fitted() -> dict[str, pl.DataFrame]:
        with suppress(ModelRefused, UsageError):  # without these tables if nothing can be fitted
            fits, _ = explored().fit_cube(cube, totals=rows is None)
            return {**explored().fit_tables(fits), "curves": losses.curve_table(fits)}
        return {}

    def summary() -> pl.DataFrame | None:
        with suppress(ModelRefused):
            return losses.summary(cube, by)
        return None

    def service_band_costs() -> pl.DataFrame | None:
        found = service_bands.service_band_table(cube, policy, a.ledger, a.as_of, negative=negative)
        return None if found.is_empty() else found

    makers: Makers = {
        "claims_costs": lambda: table,
        "claims_totals": lambda: costs.totals(table),
        "claims_bands": lambda: explored().band_counts(cube, by, None if rows is None else bands),
        "claims_services": lambda: losses.with_shares(losses.regroup(cube, by)),
        "claims_service_bands": service_band_costs,
        "claims_summary": summary,
        "claims_fits": lambda: fitted().get("fits"),
        "claims_fitted": lambda: fitted().get("quantities"),
        "claims_curves": lambda: fitted().get("curves"),
    }
    if rows is not None:
        days, hours = ("service", "claimant_type", "filed_on"), ("filed_hour",)
        build = partial(losses.build_cube, rows, until=a.as_of, bands=bands)
        makers |= {
            "claims_combinations": lambda: explored().combination_counts(rows, policy, until=a.as_of),
            "claims_intake": lambda: losses.cumulative_intake(build(dimensions=days)),
            "claims_intake_hours": lambda: (
                losses.cumulative_intake(build(dimensions=hours), per="hour") if rows.has_times else None
            ),
            "claims_quality": lambda: losses.quality_table(rows),
            "claims_amounts": lambda: rows.exact_totals,
            "claims_rules": lambda: losses.rule_table(rows),
            "claims_heaping": lambda: rows.exact_rows("round-losses"),
            "claims_bunching": lambda: explored().heap_tables(rows, policy)["bunching"],
            "claims_claimants": lambda: rows.exact_rows("repeat-claimants"),
        }
    if "published" not in a.runs:
        first = next(iter(a.cubes.values()))
        decision = "" if first.decision else first.first_decision
        makers["claims_funnel"] = lambda: funnel_table(a.policy, a.ledger, a.as_of, table, decision)
    return makers


def _simulated_tables(a: Analysis) -> Makers:
    level, budget, source = a.plan.level, a.budget, a.costs[a.cash_basis]
    fixed: Makers = {
        "scenarios": lambda: _module("decisions").scenarios_of(a, costs.scenarios.load_scenarios()),
        "reserve": lambda: _module("decisions").reserve_table(a),
    }
    if not a.runs:
        return {"tornado": text.schema_of("tornado").frame, "levers": text.schema_of("levers").frame, **fixed}
    run, *others = a.runs.values()

    def of_run(run: costs.Simulation) -> Makers:
        made: Makers = {
            "quantiles": lambda: costs.simulation.quantiles_table(run, level=level),
            "split": lambda: _rounded(costs.simulation.variance_split(run)),
            "contributions": lambda: _rounded(costs.simulation.contributions(run)),
        }
        if budget is not None:
            made["budget"] = lambda: costs.simulation.budget_chance(run, budget)
        return made

    makers: Makers = {
        "tornado": lambda: costs.sensitivity.tornado(run.portfolio, level=level),
        "levers": lambda: costs.sensitivity.levers(run.portfolio),
        **of_run(run),
        "total_distribution": lambda: _distribution(a, run),
        "cost_ranges": lambda: costs.simulation.cost_ranges(run, source, level=level),
        "steps": lambda: costs.simulation.waterfall_steps(source, a.exact_tables["contributions"]),
    }
    if budget is not None and "cash" in run.portfolio.valuations:
        makers["information_value"] = lambda: costs.sensitivity.information_value([run], alternative=budget)
    beside = {f"{CLAIMS}{name}": make for other in others for name, make in of_run(other).items()}
    return {**makers, **beside, **fixed}


def _rounded(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.col(pl.Float64).round_sig_figs(text.ESTIMATE_DIGITS))


def _distribution(a: Analysis, run: costs.Simulation) -> pl.DataFrame:
    """Return the distribution of each total, with press forecasts if they forecast the only line of cash."""
    table = costs.simulation.total_distribution_table(run, a.budget, level=a.plan.level)
    published = a.runs.get("published")
    counted = published.portfolio.counted("cash") if published else ()
    if len(counted) != 1:
        return table
    told = a.exact_tables["headlines"].filter(
        pl.col("fact") != "", pl.col("high").is_not_null(), line=counted[0]
    )
    return _with_amounts(a, table, "press", told.select("fact", "low", "high").iter_rows())


def _with_amounts(
    a: Analysis, table: pl.DataFrame, mark: str, amounts: Iterable[tuple[str, float | None, float]]
) -> pl.DataFrame:
    """Add published amounts of cash in whole currency: each has a fact, a lower end and the amount."""
    unit, rows = 10.0**a.incident.minor_units, []
    for fact, low, high in amounts:
        chance = costs.rounded_probability(a.runs["published"].totals["cash"].exceedance(high * unit))
        start = None if low is None or low == high else low * unit
        rows.append(("cash", mark, fact, start, high * unit, 1 - chance.value))
    return pl.concat([table, text.schema_of("total_distribution").frame(rows)])


def _distribution_in_hindsight(a: Analysis) -> pl.DataFrame | None:
    """Return the distribution with the cash that was paid, if that is published of the only line of cash."""
    run, outcome = a.runs.get("published"), a.incident.outcome
    if run is None or outcome is None or run.portfolio.counted("cash") != (outcome.line,):
        return None
    paid = a.exact_tables["hindsight_outcomes"].filter(id=outcome.paid)["value"].to_list()
    table = a.exact_tables["total_distribution"]
    return _with_amounts(a, table, "observed", [(outcome.paid, None, float(paid[0]))]) if paid else None
