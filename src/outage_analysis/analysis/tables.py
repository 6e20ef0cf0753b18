"""The tables of an analysis, computed when somebody asks for them and kept, and the columns of all tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import cache, partial
from importlib import import_module
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl

from outage_analysis import costs, incidents, losses, text
from outage_analysis.analysis.summary import reserve_table, scenarios_of
from outage_analysis.assumptions import Ledger
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.policies import Policy, RuleBand, Schedule

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis

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
MAX_CUTS = 7
"""The largest number of policy edges at which bands end. If a policy has more, bands end at every second or
third edge, so that a table with one column per band fits a page."""
EDGES = {"over": pl.Int64, "up_to": pl.Int64}
Makers = dict[str, Callable[[], pl.DataFrame | None]]
"""Name of a table -> a function that makes it; a function that returns None makes none."""


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
    headlines = cache(partial(_headlines, a))
    ties = cache(partial(costs.benefits.reconciliation_table, a.tie_outs, a.policy, as_of=a.as_of))
    makers: Makers = {
        "costs": lambda: table,
        "totals": lambda: costs.totals(table),
        "funnel": lambda: funnel_table(a.policy, a.ledger, a.as_of, table),
        "services": lambda: _services(a),
        "facts": lambda: _cited_facts(a),
        "headlines": lambda: _by_day(headlines(), later=False),
        "tie_outs": lambda: _by_day(ties(), later=False),
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
            "hindsight_headlines": lambda: _by_day(headlines(), later=True),
            "hindsight_tie_outs": lambda: _by_day(ties(), later=True),
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
    incident: incidents.Incident,
    as_of: date | None = None,
    expected: Mapping[str, float] = MappingProxyType({}),
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
    served = {line.id: line.eligibility.get("service", ()) for line in a.policy.lines}
    expected = defaultdict[str, float](float)
    for line, cost in lines.select("line", "expected").iter_rows():
        if len(served[line]) == 1:
            expected[served[line][0]] += cost
    return service_table(a.incident, a.as_of, expected)


def _cited_facts(a: Analysis) -> pl.DataFrame:
    """Return the published facts that the documents cite, if public, in the order of the facts file."""
    told = "".join(document.model_dump_json() for document in (a.incident, a.policy, a.ledger) if document)
    facts = incidents.facts(public_by=a.as_of)
    return facts.filter(pl.Series([f'"{id_}"' in told for id_ in facts["id"]], dtype=pl.Boolean))


def _by_day(table: pl.DataFrame, *, later: bool) -> pl.DataFrame:
    """Keep only the rows of a table that use later facts, or only the others."""
    return table.filter(pl.col("hindsight") == later).drop("hindsight")


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
        first, least, mid, most = "reported", count, count, count
        if basis != "published":
            bands = table.filter(line=name)
            counts = dict(bands.filter(level="band").group_by("rule").agg(pl.col("count").sum()).iter_rows())
            least, across = counts.get("pays", 0.0) + counts.get("review", 0.0), counts.get("straddles", 0.0)
            known = not across and costs.expected.unstated_losses(bands)["priced"].all()
            first, mid = "claimed", least if known else None
            most = least + across + counts.get(costs.benefits.NO_RULE, 0.0)
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


def _stages(
    funnel: costs.terms.Funnel, decision: str, *, published: bool
) -> dict[str, tuple[costs.terms.Input, str]]:
    """Return, by stage, its share of the counted reports or claims and the assumption it requires, if any."""
    inputs, passed = funnel.inputs, costs.terms.product_of_factors(funnel.factors())
    stages = {} if published else {"due": (costs.terms.ALL_PASS, "")}
    stages |= {"ultimate": (inputs["ultimate"], "ultimate"), "exposure": (passed, "exposure")}
    for stage, kind in (("claimants", "claimant_share"), ("entitled", "entitled_share")):
        if published:
            passed *= inputs[kind]
            stages[stage] = (passed, kind)
    if decision == "complaint":
        passed *= inputs["filing_share"]
        stages["filed"] = (passed, "")
    if decision:
        accepted = "acceptance" not in costs.terms.rates_from(decision)
        stages["paid"] = (passed if accepted else passed * inputs["acceptance"], "")
    return stages


def _claims_tables(a: Analysis) -> Makers:
    table, rows = a.claims_costs, a.claims
    if table is None:
        return {}
    cube, policy, by = a.cubes["cost"], a.policy.as_known_on(a.as_of), ["service"]
    negative = a.incident.loss.negative == "band"
    bands = losses.display_bands(policy.cuts, negative=negative)
    # Imported when a table needs it, because few runs do.
    explored: Callable[[], Any] = partial(import_module, "outage_analysis.analysis.exploration")

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
        found = service_band_table(cube, policy, a.ledger, a.as_of, negative=negative)
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
            "claims_bunching": lambda: losses.bunching_table(rows, policy.edges[: losses.MAX_DISPLAY_CUTS]),
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
        "scenarios": lambda: scenarios_of(a, costs.sensitivity.load_scenarios()),
        "reserve": lambda: reserve_table(a),
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


def service_band_table(
    cube: losses.Cube, policy: Policy, ledger: Ledger | None, as_of: date, *, negative: bool = False
) -> pl.DataFrame:
    """Return the claims, their stated loss and their expected cost by service and loss band.

    The bands end where the bands of the policy end. Every service has a row for every band with positive
    losses, and for the other bands (zero, negative, unknown) that contain claims.

    Args:
        cube: the claims by service, claimant type and the dimensions that the policy names.
        policy: the policy. Only lines that pay per claim and by loss band have a cost per band.
        ledger: the assumptions; without them most costs are unknown.
        as_of: the day of the analysis.
        negative: whether losses may be negative.

    Returns:
        The table `claims_service_bands`: `loss` is null for claims that state no loss,
        `expected` (smallest unit of the currency) is null if the cost of a claim is unknown. The table is
        empty if a band of the cube contains losses on both sides of an edge of the policy, which is possible
        in totals.
    """
    cuts = policy.cuts[:: max(1, -(-len(policy.cuts) // MAX_CUTS))]
    bands = incidents.Bands.from_cuts(cuts, negative=negative)
    priced = _expected_by_band(cube, policy, ledger, as_of, bands.rows())
    try:
        counted = losses.regroup(cube, ["service"], bands)
    except UsageError:
        return text.schema_of("claims_service_bands").frame()
    if priced is None:
        return text.schema_of("claims_service_bands").frame()
    keys = ["service", "over", "up_to"]
    filled = set(counted.filter(pl.col("claims") > 0).select(keys[1:]).rows())
    shown = [band for band in bands.rows() if incidents.holds_positive(band) or band in filled]
    grid = pl.DataFrame(shown, schema=EDGES, orient="row").with_row_index("place")
    table = grid.join(counted.select("service").unique(), how="cross")
    for found in (counted, priced):
        table = table.join(found, on=keys, how="left", nulls_equal=True)
    empty, unstated = pl.col("claims").is_null(), pl.all_horizontal(pl.col("over", "up_to").is_null())
    return (
        table.with_columns(
            pl.col("claims").fill_null(0),
            loss=pl.when(unstated).then(None).when(empty).then(0).otherwise("loss"),
            expected=pl.when(empty & pl.lit(not priced.is_empty())).then(0.0).otherwise("expected"),
        )
        .sort("service", "place", nulls_last=True)
        .select(
            pl.col(name).cast(dtype) for name, dtype in text.schema_of("claims_service_bands").dtypes.items()
        )
    )


def _expected_by_band(
    cube: losses.Cube, policy: Policy, ledger: Ledger | None, as_of: date, bands: Sequence[incidents.Band]
) -> pl.DataFrame | None:
    """Return the expected cost by service and band; None if a row of the cube lies in two bands."""
    edges = [up_to for _, up_to in bands if up_to is not None and up_to > 0]
    lines = tuple(_divided_line(line, edges) for line in policy.schedules if line.grain == "claim")
    if not lines:
        return pl.DataFrame(schema={"service": pl.String, **EDGES, "expected": pl.Float64})
    divided = policy.model_copy(update={"lines": lines})
    fitting = costs.terms.ledger_for_policy(ledger, divided)
    rows = costs.exact_costs(divided, fitting, as_of=as_of, cubes=[cube]).filter(level="band")
    if "straddles" in rows["rule"]:
        return None
    wider = [
        next(b for b in bands if incidents.band_within(row, b)) for row in rows.select(EDGES.keys()).rows()
    ]
    placed = rows.drop(EDGES.keys()).hstack(pl.DataFrame(wider, schema=EDGES, orient="row"))
    summed = placed.group_by("service", *EDGES, maintain_order=True).agg(losses.sum_or_null("expected"))
    return summed.with_columns(pl.col("expected").round_sig_figs(text.TABLE_DIGITS))


def _divided_line(line: Schedule, cuts: Sequence[int]) -> Schedule:
    edges = sorted(cut if line.closed == "upper" else cut + 1 for cut in cuts)

    def divided(bands: Sequence[RuleBand]) -> tuple[RuleBand, ...]:
        ends = ((x, [e for e in edges if e > x.over and (x.up_to is None or e < x.up_to)]) for x in bands)
        return tuple(
            band.model_copy(update={"over": over, "up_to": up_to})
            for band, inside in ends
            for over, up_to in pairwise([band.over, *inside, band.up_to])
        )

    segments = tuple(x.model_copy(update={"bands": divided(x.bands)}) for x in line.segments)
    return line.model_copy(update={"bands": divided(line.bands), "segments": segments})


def cost_by(a: Analysis, dimensions: Sequence[str]) -> pl.DataFrame:
    """Return the claims and their cash by dimensions; `Analysis.by` describes the table.

    Raises:
        UsageError: no dimension is named, a dimension does not exist, or it is named twice.
        ModelRefused: the analysis has no claims, or a line pays per claimant.
    """
    if not dimensions:
        raise UsageError("by names no dimension", remedy='Name one, such as analysis.by("service").')
    if not a.cubes:
        raise ModelRefused("the analysis has no claims to divide", remedy="Run it with claims.")
    if per_claimant := next((x.id for x in a.policy.schedules if x.grain == "claimant"), None):
        problem = f"the line {per_claimant} pays per claimant, who may have claims in several groups"
        raise ModelRefused(problem, remedy='Set grain = "claim" in the line.')
    cube = a.cubes["cost"]
    added = [name for name in dict.fromkeys(dimensions) if name not in cube.dimensions]
    divided = cube
    if a.claims and added:
        bands = losses.cost_bands(a.claims, [a.policy.as_known_on(a.as_of)])
        divided = losses.build_cube(
            a.claims, dimensions=(*cube.dimensions, *added), bands=bands, until=a.as_of
        )
    losses.check_dimensions(dimensions, divided.dimensions, "the claims have no such dimension")
    points, rows = a.likely_range.points, list[tuple[object, ...]]()
    groups = divided.frame.sort(dimensions, nulls_last=True).partition_by(dimensions, as_dict=True)
    for key, frame in groups.items():
        part = replace(cube, frame=frame.drop(added))  # with the dimensions that the policy knows
        lines = costs.compiled_lines(a.policy, a.ledger, as_of=a.as_of, cubes=[part])
        portfolio = costs.expected.portfolio_of_lines(lines, a.ledger, a.as_of)
        amounts: dict[str, float] = {}
        if "cash" in portfolio.valuations:
            run = costs.simulate(portfolio, draws=a.plan.draws, seed=a.plan.seed)
            quantiles = costs.simulation.known_quantiles(run.totals["cash"], points)
            amounts = {"expected": costs.simulation.expected_estimate(run, "cash").value}
            amounts |= {name: estimate.value for name, estimate in quantiles.items()}
        rows.append((*key, part.claims, *map(amounts.get, ("expected", *points))))
    kinds = dict.fromkeys(("expected", *points), pl.Float64())
    schema = {name: divided.frame.schema[name] for name in dimensions} | {"claims": pl.Int64(), **kinds}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.with_columns(pl.col("expected", *points) / 10**a.incident.minor_units)
