"""The tables of an analysis: what each is computed from, and access to them by name or as attributes.

A table is computed when somebody asks for it, and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import polars as pl

from outage_analysis import claims, costs, incidents, losses
from outage_analysis.analysis import exploration, reserve, scenarios, service_bands
from outage_analysis.assumptions import Ledger
from outage_analysis.costs import (
    ALL_PASS,
    NO_RULE,
    Funnel,
    Input,
    Simulation,
    build_funnel,
    rounded_estimate,
    rounded_probability,
    unstated_losses,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import Document, spelling_hint
from outage_analysis.incidents import Incident, facts, get_fact
from outage_analysis.policies import Policy
from outage_analysis.text import (
    DEFAULT_LEVEL,
    ESTIMATE_DIGITS,
    FACTS,
    FLOAT,
    LINE,
    PUBLIC_ON,
    SERVICE,
    TABLE_DIGITS,
    Column,
    LikelyRange,
    TableSchema,
    UnitByRow,
)

if TYPE_CHECKING:
    from outage_analysis.analysis.alternatives import PolicyComparison
    from outage_analysis.analysis.analysis import Analysis
    from outage_analysis.claims import Claims
    from outage_analysis.incidents import Bands
    from outage_analysis.losses import Cube

CLAIMS, HINDSIGHT = "claims_", "hindsight_"
"""Prefixes of the names of tables computed from claims, and of tables that use later facts."""
Make = Callable[["Analysis"], pl.DataFrame | None]
"""A function that makes a table of an analysis, or None if the analysis has none."""
Stages = dict[str, tuple[Input, str]]
"""Funnel stage -> (its share of the counted reports or claims, the kind of assumption that it requires, or
"" if it requires none)."""

FUNNEL = TableSchema(
    "One row per cost line and stage of the funnel.",
    (
        LINE,
        Column("stage", "word", "Stage, from reports or claims to payments."),
        Column("low", "count", "Lower bound of the number of people or claims.", FLOAT, label="value_low"),
        Column("expected", "count", "Expected number; empty if unknown.", FLOAT, label="value"),
        Column("high", "count", "Upper bound of the number.", FLOAT, label="value_high"),
    ),
)
HEADLINE_UNIT = UnitByRow("fact", {"": "money"}, otherwise="stated")
HEADLINES = TableSchema(
    "One row per estimate: our own, then the published ones.",
    (
        Column("fact", "facts", "Id of the published fact; empty for our own estimate.", label="facts"),
        LINE,
        Column(
            "low",
            HEADLINE_UNIT,
            "Low end; for our own forecast that of the likely range, or a bound without a simulation.",
            label="value_low",
        ),
        Column("p50", HEADLINE_UNIT, "Our median; empty for published estimates or without a simulation."),
        Column("expected", HEADLINE_UNIT, "Our expected cost; empty for published estimates."),
        Column(
            "high",
            HEADLINE_UNIT,
            "High end; for our own forecast that of the likely range, or a bound without a simulation.",
            label="value_high",
        ),
        PUBLIC_ON,
        Column("counts", "text", "What the estimate includes."),
        Column("counts_ko", "text", "What the estimate includes, in Korean.", label="counts"),
        Column("hindsight", "flag", "Whether it was published after the day of the analysis."),
    ),
)
SERVICES = TableSchema(
    "One row per service.",
    (
        replace(SERVICE, description="Id of the service."),
        Column("group", "name", "Group of services that it belongs to."),
        Column(
            "published_count",
            "published_count",
            "Fact with the number of complaints; empty if not published.",
        ),
        Column("hours_low", "hours", "Shortest published length of its outage."),
        Column("hours_high", "hours", "Longest published length of its outage."),
        FACTS,
    ),
)


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

    def __init__(self, makers: Mapping[str, Callable[[], pl.DataFrame | None]], prefix: str = "") -> None:
        """Offer tables by name; a function that returns None makes none. A prefix is cut from the names."""
        self._prefix = prefix
        self._makers = {n.removeprefix(prefix): make for n, make in makers.items() if n.startswith(prefix)}

    @property
    def from_claims(self) -> AnalysisTables:
        """The tables computed from claims or totals."""
        return AnalysisTables(self._makers, CLAIMS)

    @property
    def hindsight(self) -> AnalysisTables:
        """The tables that use facts published after the day of the analysis."""
        return AnalysisTables(self._makers, HINDSIGHT)

    def schema(self, name: str) -> TableSchema:
        """Return the columns of a table with unit and description.

        Raises:
            NoSuchTable: the analysis has no such table.
        """
        self[name]
        return analysis_schema(self._prefix + name)

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

    def __dir__(self) -> list[str]:
        attributes = (n for n in self if not n.startswith((CLAIMS, HINDSIGHT)))
        return sorted({*super().__dir__(), *attributes})

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._makers if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"AnalysisTables({', '.join(self)})"


def tables_of(analysis: Analysis) -> AnalysisTables:
    """Return the tables of an analysis."""
    return AnalysisTables({name: cache(partial(make, analysis)) for name, (_, make) in TABLES.items()})


def analysis_schema(name: str) -> TableSchema:
    """Return the columns of a table of an analysis.

    Raises:
        KeyError: no analysis has a table with this name.
    """
    return TABLES[name][0]()


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
    lines = table.filter(pl.col("level") == "line", pl.col("count").is_not_null())
    for name, count, basis in lines.select("line", "count", "basis").iter_rows():
        line = policy.schedule(name)
        if line is None:
            continue
        funnel, published = build_funnel(line, ledger, as_of), basis == "published"
        least, mid, most = (
            (count, count, count) if published else _claims_in_paying_bands(table.filter(line=name))
        )
        rows.append((name, "reported" if published else "claimed", count, count, count))
        for stage, (share, kind) in (
            _report_stages(funnel) if published else _claim_stages(funnel, decision)
        ).items():
            if kind and kind not in funnel.entries:
                continue
            # Nobody has to file for an automatic payment.
            if stage == "filed" and line.effort_on(as_of) == "automatic":
                continue
            expected = None if mid is None or share.expected is None else mid * share.expected
            high = 1.0 if share.high is None else share.high
            rows.append((name, stage, least * share.low, expected, most * high))
    frame = pl.DataFrame(rows, schema=FUNNEL.dtypes, orient="row")
    return frame.with_columns(pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS))


def _report_stages(funnel: Funnel) -> Stages:
    return {
        "ultimate": (funnel.ultimate, "ultimate"),
        "exposure": (funnel.exposed, "exposure"),
        "claimants": (funnel.exposed * funnel.claimants, "claimant_share"),
        "entitled": (funnel.reports, "entitled_share"),
        "new": (funnel.reports * funnel.new, "new_applicants"),
        "filed": (funnel.filed, ""),
        "paid": (funnel.paid, ""),
    }


def _claim_stages(funnel: Funnel, decision: str) -> Stages:
    filing: Stages = {
        "new": (funnel.exposed * funnel.new, "new_applicants"),
        "filed": (funnel.exposed * (funnel.filing + funnel.new), ""),
    }
    return {
        "due": (ALL_PASS, ""),
        "ultimate": (funnel.ultimate, "ultimate"),
        "exposure": (funnel.exposed, "exposure"),
        **(filing if decision == "complaint" else {}),
        **({"paid": (funnel.paid_share_of_claims(decision), "")} if decision else {}),
    }


def _claims_in_paying_bands(bands: pl.DataFrame) -> tuple[float, float | None, float]:
    counts = dict(bands.filter(level="band").group_by("rule").agg(pl.col("count").sum()).iter_rows())
    sure, across = counts.get("pays", 0.0) + counts.get("review", 0.0), counts.get("straddles", 0.0)
    known = not across and unstated_losses(bands)["priced"].all()
    return sure, sure if known else None, sure + across + counts.get(NO_RULE, 0.0)


def headlines_table(
    incident: Incident,
    published: pl.DataFrame,
    run: Simulation | None,
    as_of: date,
    *,
    level: int = DEFAULT_LEVEL,
) -> pl.DataFrame:
    """Return our estimates of the cost lines in published headlines, then the published estimates.

    Args:
        incident: states the published headlines.
        published: the cost table from published counts.
        run: the simulation from published counts, if any.
        as_of: the day of the analysis.
        level: the probability of the likely range in percent.

    Returns:
        One row per estimate: `fact` (id; "" for our own), `line`, `low`, `p50`, `expected`, `high` (our own
        low and high are the likely range, or bounds without a simulation), `public_on`, `counts` and
        `counts_ko` (what the estimate includes), and `hindsight` (whether it was published after `as_of`).
    """
    lines = {h.line for h in incident.headlines if h.line}
    theirs = pl.col("line").is_in(sorted(lines)) & (pl.col("valuation") != "handling")
    ours = published.filter(theirs, level="line")
    rows: list[tuple[object, ...]] = [
        ("", r["line"], low, median, r["expected"], high, as_of, "", "", False)
        for r in ours.iter_rows(named=True)
        for low, median, high in [_likely_range(r, run, LikelyRange(level))]
    ]
    for headline in incident.headlines:
        fact = get_fact(headline.fact, hindsight=True)
        later = fact.public_on is None or fact.public_on > as_of
        low, high = (fact.low, fact.high) if fact.value is None else (fact.value, fact.value)
        rows.append(
            (
                *(fact.id, headline.line, low, None, None, high),
                *(fact.public_on, fact.counts, fact.counts_ko, later),
            )
        )
    return pl.DataFrame(rows, schema=HEADLINES.dtypes, orient="row")


def _likely_range(
    row: Mapping[str, Any], run: Simulation | None, likely: LikelyRange
) -> tuple[float | None, float | None, float | None]:
    line_run = None if run is None else run.only(row["line"], row["valuation"])
    if line_run is None:
        return row["low"], None, row["high"]
    total = line_run.totals[row["valuation"]]
    low, median, high = (rounded_estimate(total.quantile(p)).value for p in likely.points.values())
    return low, median, high


def service_table(incident: Incident) -> pl.DataFrame:
    """Return what is published about each service, one row per service.

    Columns: service, group, published_count (of claims), hours_low and hours_high (length of the outage),
    facts (ids).
    """
    rows = [
        {
            "service": s.id,
            "group": s.group,
            "published_count": s.published_count,
            "hours_low": min((outage.hours for outage in s.outage if outage.hours), default=None),
            "hours_high": max((outage.hours for outage in s.outage if outage.hours), default=None),
            "facts": " ".join((*s.users, *(fact for outage in s.outage for fact in outage.facts))),
        }
        for s in incident.services
    ]
    return pl.DataFrame(rows, schema=SERVICES.dtypes)


def cited_facts(*documents: Document | None, as_of: date) -> pl.DataFrame:
    """Return the published facts that documents cite, if public by a day, in the order of the facts file.

    Args:
        documents: the documents; None is skipped.
        as_of: the day.
    """
    texts: set[str] = set()

    def walk(value: object) -> None:
        if isinstance(value, str):
            texts.add(value)
        elif isinstance(value, Mapping):
            walk(tuple(value.values()))
        elif isinstance(value, tuple):
            for inner in value:
                walk(inner)

    for document in documents:
        walk(document.model_dump() if document else ())
    return facts(public_by=as_of).filter(pl.col("id").is_in(sorted(texts)))


# --- claims -------------------------------------------------------------------------------------------


def _of_claims(make: Callable[[Analysis, Claims], pl.DataFrame | None]) -> Make:
    """Return a function that makes a table from single claims; there is none without them."""
    return lambda a: None if a.claims is None or a.claims_costs is None else make(a, a.claims)


def _of_cube(make: Callable[[Analysis, Cube], pl.DataFrame | None]) -> Make:
    """Return a function that makes a table from the cube of claims or totals; there is none without them."""
    return lambda a: None if a.claims_costs is None else make(a, a.cubes["cost"])


def _display_bands(analysis: Analysis) -> Bands:
    return losses.display_bands(
        analysis.known_policy.cuts, negative=analysis.incident.loss.negative == "band"
    )


def _bands(analysis: Analysis, cube: Cube) -> pl.DataFrame:
    if analysis.claims is None:  # the bands of totals cannot be regrouped, so they are shown as stated
        frame = losses.sorted_cube(losses.regroup(cube, ["service", "over", "up_to"]), ["service"])
    else:
        frame = losses.regroup(cube, ["service"], _display_bands(analysis))
    return losses.with_shares(frame, ["service"])


def _summary(_: Analysis, cube: Cube) -> pl.DataFrame | None:
    with suppress(ModelRefused):
        return losses.summary(cube, ["service"])
    return None


def fitted_tables(analysis: Analysis) -> dict[str, pl.DataFrame]:
    """Return the tables of fitted loss distributions; {} if nothing can be fitted."""
    if analysis.claims_costs is not None:
        with suppress(ModelRefused, UsageError):
            fits, _ = exploration.fit_cube(analysis.cubes["cost"], totals=analysis.claims is None)
            return {**exploration.fit_tables(fits), "curves": losses.curve_table(fits)}
    return {}


def _intake(analysis: Analysis, claims: Claims) -> pl.DataFrame:
    days = ("service", "claimant_type", "filed_on")
    bands = _display_bands(analysis)
    return losses.cumulative_intake(
        losses.build_cube(claims, until=analysis.as_of, dimensions=days, bands=bands)
    )


def _intake_by_hour(analysis: Analysis, claims: Claims) -> pl.DataFrame | None:
    if not claims.has_times:
        return None
    bands = _display_bands(analysis)
    hours = losses.build_cube(claims, until=analysis.as_of, dimensions=("filed_hour",), bands=bands)
    return losses.cumulative_intake(hours, per="hour")


def _service_bands(analysis: Analysis) -> pl.DataFrame | None:
    if not analysis.headline_from_claims:
        return None
    table = service_bands.service_band_table(
        analysis.cubes["cost"],
        analysis.known_policy,
        analysis.ledger,
        analysis.as_of,
        negative=analysis.incident.loss.negative == "band",
    )
    return None if table.is_empty() else table


def _funnel_of_claims(analysis: Analysis) -> pl.DataFrame | None:
    table = analysis.claims_costs
    if table is None or "published" in analysis.runs:
        return None
    cube = next(iter(analysis.cubes.values()))
    decision = "" if cube.decision else cube.first_decision
    return funnel_table(analysis.policy, analysis.ledger, analysis.as_of, table, decision)


# --- draws --------------------------------------------------------------------------------------------


def _of_run(make: Callable[[Analysis, Simulation], pl.DataFrame | None], number: int = 0) -> Make:
    """Return a function that makes a table of draws: of the headline (0), or of the claims beside it (1)."""
    return lambda a: next((make(a, run) for run in [*a.runs.values()][number : number + 1]), None)


def _quantiles(analysis: Analysis, run: Simulation) -> pl.DataFrame:
    return costs.quantiles_table(run, level=analysis.plan.level)


def _split(_: Analysis, run: Simulation) -> pl.DataFrame:
    return costs.variance_split(run).with_columns(pl.col(pl.Float64).round_sig_figs(ESTIMATE_DIGITS))


def _contributions(_: Analysis, run: Simulation) -> pl.DataFrame:
    return costs.contributions(run).with_columns(pl.col(pl.Float64).round_sig_figs(ESTIMATE_DIGITS))


def _chance(analysis: Analysis, run: Simulation) -> pl.DataFrame | None:
    return None if analysis.budget is None else costs.budget_chance(run, analysis.budget)


def _distribution(analysis: Analysis) -> pl.DataFrame | None:
    """Return the distribution of each total, with press forecasts if they forecast the only line of cash."""
    run = analysis.headline_run
    if run is None:
        return None
    table = costs.total_distribution_table(run, analysis.budget, level=analysis.plan.level)
    published = analysis.runs.get("published")
    if published is None or len(published.portfolio.counted("cash")) != 1:
        return table
    (line,) = published.portfolio.counted("cash")
    forecasts = analysis.tables["headlines"].filter(
        pl.col("fact") != "", pl.col("high").is_not_null(), line=line
    )
    # Published amounts are in whole currency, simulated totals in the smallest unit.
    amounts = forecasts.select("fact", pl.col("low", "high") * 10**analysis.incident.minor_units)
    return _with_published_amounts(table, published, [("press", *row) for row in amounts.rows()])


def _distribution_in_hindsight(analysis: Analysis) -> pl.DataFrame | None:
    """Return the distribution with the cash that was paid, if that is published of the only line of cash."""
    published, outcome = analysis.runs.get("published"), analysis.incident.outcome
    later = analysis.tables.get("hindsight_outcomes")
    if published is None or outcome is None or later is None:
        return None
    paid = later.filter(id=outcome.paid)["value"].to_list()
    if published.portfolio.counted("cash") != (outcome.line,) or not paid:
        return None
    amount = float(paid[0]) * 10**analysis.incident.minor_units
    table = analysis.tables["total_distribution"]
    return _with_published_amounts(table, published, [("observed", outcome.paid, None, amount)])


def _with_published_amounts(
    table: pl.DataFrame, run: Simulation, amounts: Iterable[tuple[str, str, float | None, float]]
) -> pl.DataFrame:
    """Add rows of published amounts of cash: each has a mark, a fact, a lower end and the amount."""
    total = run.totals["cash"]
    rows = [
        (
            *("cash", mark, fact, None if low == high else low, high),
            1 - rounded_probability(total.exceedance(high)).value,
        )
        for mark, fact, low, high in amounts
    ]
    return pl.concat([table, pl.DataFrame(rows, schema=costs.TOTAL_DISTRIBUTION.dtypes, orient="row")])


def _information_value(analysis: Analysis, run: Simulation) -> pl.DataFrame | None:
    if analysis.budget is None or "cash" not in run.portfolio.valuations:
        return None
    return costs.information_value([run], alternative=analysis.budget)


def _of_compared(make: Callable[[PolicyComparison], pl.DataFrame]) -> Make:
    return lambda a: None if a.compared is None else make(a.compared)


# --- hindsight ----------------------------------------------------------------------------------------


def _by_day(make: Make, *, later: bool) -> Make:
    """Return a function that keeps only the rows of a table that use later facts, or only the others."""

    def kept(analysis: Analysis) -> pl.DataFrame | None:
        table = make(analysis)
        if table is None or (later and not analysis.plan.hindsight):
            return None
        return table.filter(pl.col("hindsight") == later).drop("hindsight")

    return kept


def _headlines(analysis: Analysis) -> pl.DataFrame:
    published = analysis.runs.get("published")
    return headlines_table(
        analysis.incident, analysis.costs["published"], published, analysis.as_of, level=analysis.plan.level
    )


def _tie_outs(analysis: Analysis) -> pl.DataFrame:
    return costs.reconciliation_table(analysis.tie_outs, analysis.policy, as_of=analysis.as_of)


def _outcomes(analysis: Analysis) -> pl.DataFrame | None:
    if not analysis.plan.hindsight:
        return None
    return incidents.outcomes().filter(
        pl.col("collection") == analysis.incident.id,
        pl.col("public_on") > analysis.as_of,
        pl.col("value").is_not_null(),
        pl.col("grade").is_in(["A", "B"]),
        pl.col("topic").is_in(["cost", "documents-round"]),
    )


BY_SERVICE = {"service": losses.CLAIM_COMBINATIONS["service"].dtype}
TABLES: dict[str, tuple[Callable[[], TableSchema], Make]] = {
    "costs": (lambda: costs.COSTS, lambda a: a.costs["published"]),
    "totals": (lambda: costs.TOTALS, lambda a: costs.totals(a.costs["published"])),
    "funnel": (lambda: FUNNEL, lambda a: funnel_table(a.policy, a.ledger, a.as_of, a.costs["published"])),
    "services": (lambda: SERVICES, lambda a: service_table(a.incident)),
    "facts": (
        lambda: incidents.FACTS_TABLE,
        lambda a: cited_facts(a.incident, a.policy, a.ledger, as_of=a.as_of),
    ),
    "headlines": (lambda: HEADLINES.without("hindsight"), _by_day(_headlines, later=False)),
    "tie_outs": (lambda: costs.TIE_OUTS.without("hindsight"), _by_day(_tie_outs, later=False)),
    "claims_costs": (lambda: costs.COSTS, lambda a: a.claims_costs),
    "claims_totals": (
        lambda: costs.TOTALS,
        lambda a: None if a.claims_costs is None else costs.totals(a.claims_costs),
    ),
    "claims_bands": (lambda: losses.BAND_COUNTS.grouped_by(BY_SERVICE), _of_cube(_bands)),
    "claims_services": (
        lambda: losses.GROUP_COUNTS.grouped_by(BY_SERVICE),
        _of_cube(lambda _, cube: losses.with_shares(losses.regroup(cube, ["service"]))),
    ),
    "claims_summary": (lambda: losses.SUMMARY.grouped_by(BY_SERVICE), _of_cube(_summary)),
    "claims_fits": (lambda: losses.FITS, lambda a: a.fitted.get("fits")),
    "claims_fitted": (lambda: exploration.FITTED, lambda a: a.fitted.get("quantities")),
    "claims_curves": (lambda: losses.CURVES_TABLE, lambda a: a.fitted.get("curves")),
    "claims_combinations": (
        lambda: losses.CLAIM_COMBINATIONS,
        _of_claims(lambda a, x: exploration.combination_counts(x, a.known_policy, until=a.as_of)),
    ),
    "claims_intake": (lambda: losses.INTAKE, _of_claims(_intake)),
    "claims_intake_hours": (lambda: losses.INTAKE_BY_HOUR, _of_claims(_intake_by_hour)),
    "claims_quality": (lambda: losses.QUALITY, _of_claims(lambda _, x: losses.quality_table(x))),
    "claims_amounts": (lambda: claims.CONTROL_TOTALS, _of_claims(lambda _, x: x.control_totals)),
    "claims_rules": (lambda: losses.BROKEN_RULES, _of_claims(lambda _, x: losses.rule_table(x))),
    "claims_heaping": (lambda: losses.HEAPING, _of_claims(lambda _, x: losses.heaping_table(x))),
    "claims_bunching": (
        lambda: losses.BUNCHING,
        _of_claims(lambda a, x: exploration.heap_tables(x, a.known_policy)["bunching"]),
    ),
    "claims_claimants": (lambda: losses.CLAIMANTS, _of_claims(lambda _, x: losses.claimants_table(x))),
    "claims_service_bands": (lambda: service_bands.SERVICE_BANDS, _service_bands),
    "claims_funnel": (lambda: FUNNEL, _funnel_of_claims),
    "tornado": (
        lambda: costs.TORNADO,
        lambda a: (
            costs.tornado(a.headline_run.portfolio, level=a.plan.level)
            if a.headline_run
            else costs.TORNADO.empty()
        ),
    ),
    "levers": (
        lambda: costs.LEVERS,
        lambda a: costs.levers(a.headline_run.portfolio) if a.headline_run else costs.LEVERS.empty(),
    ),
    "quantiles": (lambda: costs.QUANTILES, _of_run(_quantiles)),
    "split": (lambda: costs.VARIANCE_SPLIT, _of_run(_split)),
    "contributions": (
        lambda: costs.CONTRIBUTIONS,
        _of_run(_contributions),
    ),
    "budget": (lambda: costs.BUDGET_CHANCE, _of_run(_chance)),
    "total_distribution": (lambda: costs.TOTAL_DISTRIBUTION, _distribution),
    "cost_ranges": (
        lambda: costs.COST_RANGES,
        _of_run(lambda a, run: costs.cost_ranges(run, a.headline_source, level=a.plan.level)),
    ),
    "steps": (
        lambda: costs.WATERFALL_STEPS,
        _of_run(lambda a, _: costs.waterfall_steps(a.headline_source, a.tables["contributions"])),
    ),
    "information_value": (lambda: costs.INFORMATION_VALUE, _of_run(_information_value)),
    "claims_quantiles": (lambda: costs.QUANTILES, _of_run(_quantiles, 1)),
    "claims_split": (
        lambda: costs.VARIANCE_SPLIT,
        _of_run(_split, 1),
    ),
    "claims_contributions": (
        lambda: costs.CONTRIBUTIONS,
        _of_run(_contributions, 1),
    ),
    "claims_budget": (lambda: costs.BUDGET_CHANCE, _of_run(_chance, 1)),
    "scenarios": (lambda: costs.SCENARIOS, scenarios.scenarios_of),
    "reserve": (lambda: reserve.RESERVE, reserve.reserve_table),
    "comparison": (lambda: costs.POLICIES, _of_compared(lambda c: c.simulations.policies)),
    "pairs": (lambda: costs.PAIRS, _of_compared(lambda c: c.pairs)),
    "flips": (lambda: costs.FLIPS, _of_compared(lambda c: c.flips)),
    "policy_information_value": (
        lambda: costs.INFORMATION_VALUE,
        _of_compared(lambda c: c.information_value),
    ),
    "winners_and_losers": (lambda: costs.WINNERS_AND_LOSERS, _of_compared(lambda c: c.winners_table)),
    "hindsight_backtest": (lambda: costs.RANGES, lambda a: a.backtest.ranges if a.backtest else None),
    "hindsight_rivals": (lambda: costs.RIVALS, lambda a: a.backtest.rivals if a.backtest else None),
    "hindsight_headlines": (lambda: HEADLINES.without("hindsight"), _by_day(_headlines, later=True)),
    "hindsight_tie_outs": (lambda: costs.TIE_OUTS.without("hindsight"), _by_day(_tie_outs, later=True)),
    "hindsight_outcomes": (lambda: incidents.FACTS_TABLE, _outcomes),
    "hindsight_total_distribution": (lambda: costs.TOTAL_DISTRIBUTION, _distribution_in_hindsight),
}
"""Per table of an analysis: its columns, and the function that makes it, or None if there is none."""
