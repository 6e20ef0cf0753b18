"""The tables of an analysis, computed when somebody asks for them and kept, and the columns of all tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl

from outage_analysis import costs, incidents, losses, text
from outage_analysis.analysis.plan import DEFAULT_INCIDENT, input_warnings
from outage_analysis.analysis.summary import reserve_table, scenarios_of
from outage_analysis.assumptions import Ledger
from outage_analysis.claims import Claims, read_claims
from outage_analysis.errors import ModelRefused, UsageError, check_level, either
from outage_analysis.files import bundled_ids, spelling_hint
from outage_analysis.policies import Policy, RuleBand, Schedule, check_same_units, load_policy

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis

CLAIMS, HINDSIGHT = "claims_", "hindsight_"
"""Prefixes of the names of tables computed from claims, and of tables that use later facts."""
UNCERTAINTY_TABLES = (
    *("quantiles", "budget", "tornado", "total_distribution", "steps"),
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
    known, usual = text.schemas_of("analysis"), table.removeprefix(CLAIMS).removeprefix(HINDSIGHT)
    return known.get(table) or known.get(usual) or text.TableSchema("", ())


class NoSuchTable(UsageError, AttributeError, KeyError):
    """An analysis has no table with the requested name."""


class AnalysisTables(Mapping[str, pl.DataFrame]):
    """The tables of an analysis by name; each is computed when it is asked for, and kept.

    Each table is an attribute, too: `tables.costs`. The names of tables computed from claims begin with
    `claims_`, those of tables that use facts published after the day of the analysis with `hindsight_`.

    Example:
        >>> tables = AnalysisTables({"claims_totals": lambda: pl.DataFrame({"expected": [2.5]})})
        >>> tables.claims_totals["expected"].to_list()
        [2.5]
    """

    def __init__(self, makers: Makers) -> None:
        """Offer the tables that functions make; a function that returns None has none to make."""
        self._makers = {name: cache(make) for name, make in makers.items()}

    def __reduce__(self) -> tuple[type[AnalysisTables], tuple[Makers]]:
        """Pickle all tables in place of the functions that make them."""
        return AnalysisTables, ({name: table.clone for name, table in self.items()},)

    def schema(self, name: str) -> text.TableSchema:
        """Return the columns of a table with unit and description.

        Raises:
            NoSuchTable: the analysis has no such table.
        """
        self[name]
        return schema_named(name)

    def whole(self, places: Mapping[text.Unit, int]) -> AnalysisTables:
        """Return the same tables with amounts in whole currency; `places` are the decimals by unit."""

        def converted(name: str) -> pl.DataFrame | None:
            table = self.get(name)
            return None if table is None else schema_named(name).whole(table, places)

        return AnalysisTables({name: partial(converted, name) for name in self._makers})

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return a table by name.

        Raises:
            NoSuchTable: the analysis has no such table.
        """
        table = self._makers[name]() if name in self._makers else None
        if table is None:
            raise NoSuchTable(
                "the analysis has no such table", value=name, remedy=spelling_hint(name, list(self._makers))
            )
        return table

    def __getattr__(self, name: str) -> pl.DataFrame:
        if name.startswith("_"):  # no table; copying asks for such names before `_makers` exists
            raise AttributeError(name)
        return self[name]

    def _ipython_key_completions_(self) -> list[str]:
        return [*self._makers]  # all that may exist, because making the tables takes seconds

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self})

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
            "winners_and_losers": lambda: compared.exact_tables["winners_and_losers"],
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
    return AnalysisTables(makers)


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
        about = (service.id, service.group, service.published_count)
        rows.append((*about, users, expected.get(service.id), *ends, cited))
    return text.schema_of("services").frame(rows)


def _services(a: Analysis) -> pl.DataFrame:
    served = {line.id: line.eligibility.get("service", ()) for line in a.policy.lines}
    alone = {line: services[0] for line, services in served.items() if len(services) == 1}
    lines = a.costs["published"].filter(pl.col("expected").is_not_null(), level="line", valuation="cash")
    priced = lines.filter(pl.col("line").is_in([*alone])).group_by(pl.col("line").replace(alone))
    return service_table(a.incident, a.as_of, dict(priced.agg(pl.col("expected").sum()).iter_rows()))


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

    @cache
    def fitted() -> dict[str, pl.DataFrame]:
        with suppress(ModelRefused, UsageError):  # without these tables if nothing can be fitted
            fits, _ = fit_cube(cube, totals=rows is None)
            return {**fit_tables(fits), "curves": losses.curve_table(fits)}
        return {}

    def summary() -> pl.DataFrame | None:
        with suppress(ModelRefused):
            return losses.summary(cube, by)
        return None

    makers: Makers = {
        "claims_costs": lambda: table,
        "claims_totals": lambda: costs.totals(table),
        "claims_bands": lambda: band_counts(cube, by, None if rows is None else bands),
        "claims_services": lambda: losses.with_shares(losses.regroup(cube, by)),
        "claims_service_bands": lambda: service_band_table(
            cube, policy, a.ledger, a.as_of, negative=negative
        ),
        "claims_summary": summary,
        "claims_fits": lambda: fitted().get("fits"),
        "claims_fitted": lambda: fitted().get("quantities"),
        "claims_curves": lambda: fitted().get("curves"),
    }
    if rows is not None:
        days, hours = ("service", "claimant_type", "filed_on"), ("filed_hour",)
        build = partial(losses.build_cube, rows, until=a.as_of, bands=bands)
        region = next((d.id for d in a.incident.dimensions if d.kind == "text"), None)
        makers |= {
            "claims_combinations": lambda: losses.count_combinations(
                rows, bands=bands, dimension=region, until=a.as_of
            ),
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
        return {"tornado": text.schema_of("tornado").frame, **fixed}
    run, *others = a.runs.values()

    def of_run(run: costs.Simulation) -> Makers:
        made: Makers = {"quantiles": lambda: costs.simulation.quantiles_table(run, level=level)}
        if budget is not None:
            made["budget"] = lambda: costs.simulation.budget_chance(run, budget)
        return made

    makers: Makers = {
        "tornado": lambda: costs.sensitivity.tornado(run.portfolio, level=level),
        **of_run(run),
        "total_distribution": lambda: _distribution(a, run),
        "cost_ranges": lambda: costs.simulation.cost_ranges(run, source, level=level),
        "steps": lambda: costs.simulation.waterfall_steps(source),
    }
    if budget is not None and "cash" in run.portfolio.valuations:
        makers["information_value"] = lambda: costs.sensitivity.information_value([run], alternative=budget)
    beside = {f"{CLAIMS}{name}": make for other in others for name, make in of_run(other).items()}
    return {**makers, **beside, **fixed}


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
) -> pl.DataFrame | None:
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
        `expected` (smallest unit of the currency) is null if the cost of a claim is unknown. There is no
        table if a band of the cube contains losses on both sides of an edge of the policy, which is possible
        in totals.
    """
    cuts = policy.cuts[:: max(1, -(-len(policy.cuts) // MAX_CUTS))]
    bands = incidents.Bands.from_cuts(cuts, negative=negative)
    try:
        counted = losses.regroup(cube, ["service"], bands)
    except UsageError:
        return None
    priced = _expected_by_band(cube, policy, ledger, as_of, bands.rows())
    if priced is None or counted.is_empty():
        return None
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
        raise ModelRefused(
            f"the line {per_claimant} pays per claimant, who may have claims in several groups",
            remedy='Set grain = "claim" in the line.',
        )
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
        portfolio = costs.build_portfolio(a.policy, a.ledger, as_of=a.as_of, cubes=[part])
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


# --- claims explored alone: the command `distribution` --------------------------------------------------

TIMES: dict[str, Callable[[str], date]] = {
    "filed_on": date.fromisoformat,
    "filed_hour": datetime.fromisoformat,
}
"""Dimension of times -> how its values are parsed."""


@dataclass(frozen=True)
class Exploration(text.Result):
    """The tables that answer a question, with their source and notes for the reader."""

    tables: dict[str, pl.DataFrame]
    source: str
    synthetic: bool
    by: tuple[str, ...]
    """The dimensions that the tables are grouped by."""
    incident: incidents.Incident
    claims: Claims | None
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why families were not fitted, by family."""
    starts: frozenset[int] = frozenset()
    """Band edges that belong to the upper band, such as 300000 in [0, 300000), stored as 299999."""
    notes: tuple[str, ...] = ()

    def warnings(self, lang: str) -> list[str]:
        """Return a sentence on rejected rows, if there are any."""
        return input_warnings(self.claims, None, lang)

    def to_dict(self) -> dict[str, Any]:
        """Return all tables as plain values."""
        places = self.incident.locale("en").places
        schemas = text.schemas_of("distribution")
        rows = {name: schemas[name].whole(table, places).to_dicts() for name, table in self.tables.items()}
        return {"source": self.source, "synthetic": self.synthetic, "notes": self.notes, **rows}

    def answer(self, lang: str = "en") -> text.Answer:
        """Return how many losses are small and large, all tables in the incident's units, then the notes."""
        locale = replace(self.incident.locale(lang), starts=self.starts)
        mark = text.synthetic_mark(locale, synthetic=self.synthetic)
        sentences = [mark + sentence for sentence in _band_sentences(self.tables["bands"], locale)]
        named = {"service": self.incident.services, "claimant_type": self.incident.claimant_types}
        words = {
            dimension: {item.id: item.name[lang] for item in named.get(dimension, ())}
            | {"": locale("terminal.merged_groups")}
            for dimension in self.by
        }
        reasons = [(family, locale.note(reason)) for family, reason in self.refused.items()]
        told = {"refused": text.schema_of("distribution.refused").frame(reasons)} if reasons else {}
        tables = {
            name: table.with_columns(
                pl.col(n).replace(words[n]) for n in words if table.schema.get(n) == pl.String
            )
            for name, table in (self.tables | told).items()
        }
        shown = text.shown_tables(tables, "distribution", locale, mark)
        return text.Answer(locale, sentences, [*shown, *map(locale.note, self.notes)])


def _band_sentences(bands: pl.DataFrame, locale: text.Locale) -> list[str]:
    """Return how many claims state no loss, a loss of zero, one in the lowest and one in the highest band.

    Nothing is said of totals whose bands do not separate zero, or overlap between groups.
    """
    total = bands.group_by("over", "up_to").agg(pl.col("claims").sum()).sort("over", "up_to", nulls_last=True)
    counts = {(over, up_to): locale.number(n) for over, up_to, n in total.iter_rows()}
    unstated, zero = (counts.pop(band, "0") for band in ((None, None), (-1, 0)))
    edges = [*counts]
    meet = all(up_to is not None and up_to <= over for (_, up_to), (over, _) in pairwise(edges))
    if not meet or any(over is None or over < 0 for over, _ in edges):
        return []
    every = locale.number(total["claims"].sum())
    told = [locale("terminal.distribution_answer", count=every, unstated=unstated, zero=zero)]
    if len(edges) > 1 and edges[0][0] == 0 and edges[-1][1] is None:
        count = locale.number(total.filter(pl.col("over") >= 0)["claims"].sum())
        ends = {"first": counts[edges[0]], "last": counts[edges[-1]]}
        amounts = {"edge": locale.loss(edges[0][1]), "top": locale.loss(edges[-1][0])}
        told.append(locale("terminal.distribution_ends", count=count, **ends, **amounts))
    return told


def explore(  # noqa: PLR0913 - the options of the command `distribution`
    claims: Claims | None,
    incident: str | Path | None,
    policy: str | Path | None,
    counts: str | Path | None,
    *,
    by: Sequence[str] = ("service",),
    where: losses.DimensionFilter | None = None,
    fit: bool = False,
    families: Sequence[str] = (),
    top: str | None = None,
    level: float = 0.95,
    recovery: bool = False,
) -> Exploration:
    """Describe the losses of claims or of totals.

    Args:
        claims: the claims; by default the bundled synthetic claims of the incident.
        incident: without claims, the id or path of the incident; by default the Kakao outage.
        policy: the id or path of a policy whose edges become band edges; by default the bundled policy with
            the incident's id, if there is one.
        counts: a file of totals, to use instead of claims.
        by: the dimensions to group by.
        where: dimension -> value or list of values; use only the claims with these values.
        fit: whether to fit severity distributions to the losses above 0.
        families: the families to fit; empty for all.
        top: what is known above the last edge of totals: open, closed or truncated.
        level: the confidence level of the intervals.
        recovery: allow a fit of synthetic claims, to test whether it recovers the generator's parameters.

    Raises:
        UsageError: a document, dimension or value does not exist, or there are neither claims nor totals.
        InputRefused: the data cannot be used.
        ModelRefused: claims are synthetic and a fit is requested without `recovery`, or no family can be
            fitted.
    """
    check_level(level)
    loaded = incidents.load_incident(incident or DEFAULT_INCIDENT) if claims is None else claims.incident
    edges = load_policy(policy or loaded.id) if policy or loaded.id in bundled_ids("policies") else None
    if edges:
        check_same_units(edges, loaded)
    bands, heaps, notes = None, dict[str, pl.DataFrame](), list[str]()
    if counts is not None:
        if claims is not None:
            raise UsageError("give claim files or counts, not both")
        cube = losses.cube_of(counts, loaded)
    else:
        claims = read_claims(None, loaded) if claims is None else claims
        dimensions = tuple(dict.fromkeys([*by, *(where or {})]))
        every = losses.build_cube(claims, dimensions=dimensions, policy=edges)
        texts = [d.id for d in loaded.dimensions if d.kind == "text" and d.id in dimensions]
        cube = losses.merge_rare_groups(every, texts)
        bands = losses.display_bands(edges.cuts if edges else (), negative=loaded.loss.negative == "band")
        ends = edges.edges[: losses.MAX_DISPLAY_CUTS] if edges else ()
        heaps = {
            "bunching": losses.bunching_table(claims, ends),
            "heaps": claims.exact_rows("frequent-losses"),
        }
        if cube is not every:
            notes.append(text.Note("merged_groups", least=str(losses.MIN_CLAIMS_PER_CATEGORY)))
    refused = dict[str, str]()
    where = {
        name: [_typed(name, value) for value in values] if isinstance(values, list | tuple) else values
        for name, values in (where or {}).items()
    }
    chosen = losses.filter_cube(cube, where)
    tables = {
        "bands": band_counts(chosen, by, bands),
        "summary": losses.summary(chosen, by),
        "quantiles": losses.quantiles(chosen, by),
        **heaps,
    }
    if fit:
        fits, note = fit_cube(
            cube, totals=bands is None, where=where, top=top, families=families, recovery=recovery
        )
        tables, refused = tables | fit_tables(fits, level), dict(fits.refused)
        notes.append(note)
    if heaps and (where or by):
        notes.append(text.Note("heaps_of_all"))
    if cube.synthetic:
        notes.append(text.Note("synthetic_fit"))
    about = (tables, cube.source, cube.synthetic, tuple(by), loaded, claims, refused)
    return Exploration(*about, edges.starts if edges else frozenset(), tuple(notes))


def band_counts(cube: losses.Cube, by: Sequence[str], bands: incidents.Bands | None) -> pl.DataFrame:
    """Count the claims of a cube by group and loss band; without `bands` in the cube's own, as of totals."""
    own = [*by, "over", "up_to"]
    counted = losses.regroup(cube, by, bands) if bands else losses.sorted_cube(losses.regroup(cube, own), by)
    return losses.with_shares(counted, by)


def _typed(dimension: str, value: object) -> object:
    parse = TIMES.get(dimension)
    try:
        return None if value == "" else parse(str(value)) if parse else value
    except ValueError as error:
        remedy = "Write a day as 2022-10-31, and an hour as 2022-10-31T15:00."
        raise UsageError("is not a day or an hour", column=dimension, value=value, remedy=remedy) from error


def fit_cube(
    cube: losses.Cube,
    *,
    totals: bool,
    where: losses.DimensionFilter | None = None,
    top: str | None = None,
    families: Sequence[str] = (),
    recovery: bool = False,
    unit: int = 1,
) -> tuple[losses.Fits, str]:
    """Fit severity distributions to the losses above 0 of a cube.

    Args:
        cube: a cube from claims or from totals.
        totals: whether the cube is from totals. Its bands are then used as stated, and `top` is required if
            the last band is not open.
        where: dimension -> value or list of values; use only the claims with these values.
        top: what is known above the last band: `open`, `closed` or `truncated`; see `GroupedLosses`.
        families: the families to fit.
        recovery: allow a synthetic cube, to test whether the fit recovers the generator's parameters.
        unit: the losses are divided by it before they are fitted, such as 100 for euros instead of cents.

    Returns:
        The fits, and a sentence that states the number of losses and bands.

    Raises:
        UsageError: the last band of totals is not open and there is no `top`, or a value or family does not
            exist.
        ModelRefused: the cube is synthetic and `recovery` is not set, or no family can be fitted.
    """
    stated = losses.stated_edges(cube) if totals else None
    ends, counts = losses.loss_counts(cube, edges=stated, where=where, recovery=recovery)
    edges = [edge / unit for edge in ends]
    if edges[-1] != float("inf") and top is None:
        raise UsageError(
            f"the last band ends at {edges[-1]:,.10g}: what lies above it is not said",
            remedy=f"Say {either('top', '--top')} closed (there was nothing), truncated (it could not be "
            "seen) or open.",
        )
    top, left = top or "open", "truncated" if edges[0] > 0 else "ground_up"
    fits = losses.fit_all(edges, counts, top=top, left=left, synthetic=cube.synthetic, families=families)
    return fits, text.Note("fitted", losses=f"{sum(counts):,}", bands=str(len(counts)), top=top, left=left)


def fit_tables(fits: losses.Fits, level: float = 0.95) -> dict[str, pl.DataFrame]:
    """Return tables of fitted distributions, of their means and quantiles, and of families not fitted.

    Args:
        fits: the result of `fit_all`.
        level: the confidence level of the profile intervals, between 0 and 1.

    Returns:
        `fits` (see `Fits.table`), `quantities` (see `Fits.quantities`) and `refused` (family, reason).

    Raises:
        UsageError: the level is outside 0 to 1.
    """
    return {
        "fits": fits.table(),
        "quantities": fits.quantities(level),
        "refused": text.schema_of("distribution.refused").frame([*fits.refused.items()]),
    }
