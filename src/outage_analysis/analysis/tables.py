"""Functions that compute the tables of an analysis from its documents, cubes and costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from outage_analysis.analysis.exploration.loss_tables import (
    combination_counts,
    fit_cube,
    fit_tables,
    heap_tables,
)
from outage_analysis.assumptions import Ledger
from outage_analysis.claims import Claims
from outage_analysis.costs import (
    ALL_PASS,
    NO_RULE,
    Funnel,
    Input,
    Simulation,
    build_funnel,
    rounded_estimate,
    totals,
    unstated_losses,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import Document
from outage_analysis.incidents import Incident, facts, get_fact, outcomes
from outage_analysis.losses import (
    Cube,
    build_cube,
    claimants_table,
    cumulative_intake,
    curve_table,
    display_bands,
    heaping_table,
    quality_table,
    regroup,
    rule_table,
    sorted_cube,
    summary,
    with_shares,
)
from outage_analysis.policies import Policy
from outage_analysis.text import (
    DEFAULT_LEVEL,
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


def split_hindsight(
    tables: dict[str, pl.DataFrame], incident: Incident, as_of: date, *, keep: bool
) -> dict[str, pl.DataFrame]:
    """Move the rows that use facts published after `as_of` to tables of their own, or remove them.

    Args:
        tables: all tables by name.
        incident: the incident.
        as_of: the day of the analysis.
        keep: whether to keep these rows, in tables with the prefix `hindsight_`; else they are removed.
    """
    separated = dict(tables)
    for name in ("headlines", "tie_outs"):
        separated[name] = tables[name].filter(~pl.col("hindsight")).drop("hindsight")
        if keep:
            separated[f"hindsight_{name}"] = tables[name].filter("hindsight").drop("hindsight")
    if keep:
        separated["hindsight_outcomes"] = outcomes().filter(
            pl.col("collection") == incident.id,
            pl.col("public_on") > as_of,
            pl.col("value").is_not_null(),
            pl.col("grade").is_in(["A", "B"]),
            pl.col("topic").is_in(["cost", "documents-round"]),
        )
    return separated


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


def claims_tables(
    claims: Claims | None,
    cubes: dict[str, Cube],
    policy: Policy,
    claims_costs: pl.DataFrame | None,
    as_of: date,
) -> dict[str, pl.DataFrame]:
    """Return the tables computed from claims or totals, named `claims_...`; {} without either of them."""
    if claims_costs is None:
        return {}
    cost = cubes["cost"]
    tables = {"claims_costs": claims_costs, "claims_totals": totals(claims_costs)}
    if claims is None:  # the bands of totals cannot be regrouped, so they are shown as stated
        frame = sorted_cube(regroup(cost, ["service", "over", "up_to"]), ["service"])
    else:
        display = display_bands(policy.cuts, negative=claims.incident.loss.negative == "band")
        frame = regroup(cost, ["service"], display)
    tables["claims_bands"] = with_shares(frame, ["service"])
    tables["claims_services"] = with_shares(regroup(cost, ["service"]))
    tables |= _summary_tables(cost) | _fit_tables_if_possible(cost, totals=claims is None)
    if claims is not None:
        tables["claims_combinations"] = combination_counts(claims, policy, until=as_of)
        days = ("service", "claimant_type", "filed_on")
        tables["claims_intake"] = cumulative_intake(
            build_cube(claims, until=as_of, dimensions=days, bands=display)
        )
        if claims.has_times:
            hours = build_cube(claims, until=as_of, dimensions=("filed_hour",), bands=display)
            tables["claims_intake_hours"] = cumulative_intake(hours, per="hour")
        tables["claims_quality"] = quality_table(claims)
        tables["claims_amounts"] = claims.control_totals
        tables["claims_rules"] = rule_table(claims)
        tables["claims_heaping"] = heaping_table(claims)
        tables["claims_bunching"] = heap_tables(claims, policy)["bunching"]
        tables["claims_claimants"] = claimants_table(claims)
    return tables


def _summary_tables(cost: Cube) -> dict[str, pl.DataFrame]:
    try:
        return {"claims_summary": summary(cost, ["service"])}
    except ModelRefused:
        return {}


def _fit_tables_if_possible(cost: Cube, *, totals: bool) -> dict[str, pl.DataFrame]:
    try:
        fits, _ = fit_cube(cost, totals=totals)
        fitted = fit_tables(fits)
    except (ModelRefused, UsageError):
        return {}
    return {
        "claims_fits": fitted["fits"],
        "claims_fitted": fitted["quantities"],
        "claims_curves": curve_table(fits),
    }
