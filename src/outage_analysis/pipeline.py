"""The recipe: a Plan says what to analyse, `run` does it, an Analysis holds every figure.

This is the only module that knows the order of the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from outage_analysis.assumptions import Ledger, load_ledger
from outage_analysis.claims import MAX_REJECTS, Claims, read_claims
from outage_analysis.costs import cost_table, drivers, funnel_of, levers, tie_outs, totals
from outage_analysis.cube import Cube, build_cube, read_counts
from outage_analysis.datasets import Noun, data_root, ids
from outage_analysis.distributions import cumulative_intake, display_bands, regroup, with_shares
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Incident, load_incident
from outage_analysis.policies import Policy, Schedule, load_policy
from outage_analysis.published import facts, figure, outcomes

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to analyse. Ids of bundled pages and paths to one's own serve alike.

    Args:
        incident: the outage.
        policy: the promises; by default the bundled policy of the incident's id.
        ledger: the assumptions; by default the bundled ledger of that id, if there is one.
        claims: complaint files; by default the bundled synthetic file of that id, if there is one.
        counts: a CSV of totals by service, claimant type and band, instead of claims.
        as_of: use only what was public by this day; by default the ledger's day.
        max_rejects: the largest share of rejected rows to go on with.
        hindsight: whether to show, apart, what came out after `as_of`.
    """

    incident: str | Path = "kakao-2022"
    policy: str | Path | None = None
    ledger: str | Path | None = None
    claims: tuple[str | Path, ...] | None = None
    counts: str | Path | None = None
    as_of: date | None = None
    max_rejects: float = MAX_REJECTS
    hindsight: bool = True


@dataclass(frozen=True)
class Analysis:
    """Every figure of one run, and what it was made from."""

    plan: Plan
    incident: Incident
    policy: Policy
    ledger: Ledger | None
    as_of: date
    claims: Claims | None
    cubes: dict[str, Cube]
    """cost, intake and profile, from claims; only cost, from totals."""
    tables: dict[str, pl.DataFrame] = field(repr=False)
    """Every table of the report, by name."""
    dropped_lines: tuple[str, ...] = ()
    """Cost lines that were not public by `as_of`."""

    @property
    def synthetic(self) -> bool:
        """Whether the claims are synthetic."""
        return any(cube.synthetic for cube in self.cubes.values())

    def total(self, basis: str, valuation: str = "cash") -> dict[str, float | None] | None:
        """The row of the totals for one basis: published, synthetic or claims."""
        rows = self.tables["totals"].filter(basis=basis, valuation=valuation).rows(named=True)
        return rows[0] if rows else None


def run(plan: Plan, *, progress: Progress = lambda _: None) -> Analysis:
    """Do what a plan says.

    Args:
        plan: what to analyse.
        progress: called with the name of each step as it starts.

    Raises:
        UsageError: a page that is wrong, or pages that do not fit each other.
        InputRefused: claims that cannot be used.
        ModelRefused: nothing can be said about the cost as of that day.
    """
    progress("reading the incident, the policy and the ledger")
    incident, policy, ledger = _pages(plan)
    as_of = plan.as_of or (ledger.as_of if ledger else max(line.public_on for line in policy.lines))
    progress("reading the claims")
    claims, cubes = _cubes(plan, incident, policy)
    progress("computing the cost")
    published = cost_table(policy, ledger, as_of=as_of)
    costs = [published]
    if "cost" in cubes:
        costs.append(cost_table(policy, ledger, as_of=as_of, cube=cubes["cost"]))
    table = pl.concat(costs)
    _refuse_if_silent(table, policy, as_of)
    known, later = policy.public_by(as_of)
    tables = {
        "costs": table,
        "totals": totals(table),
        "funnel": _funnel(policy, ledger, as_of, table),
        "drivers": drivers(policy, ledger, as_of=as_of) if ledger else pl.DataFrame(),
        "levers": levers(policy, ledger, as_of=as_of) if ledger else pl.DataFrame(),
        "headlines": _headlines(incident, published, as_of, hindsight=plan.hindsight),
        "tie_outs": _ties(plan, incident, policy, as_of),
        "services": _services(incident),
        "facts": _cited(incident, policy, ledger, as_of=as_of),
        **_claims_tables(claims, cubes, policy),
    }
    if plan.hindsight and incident.id in outcomes()["collection"].unique():
        tables["outcomes"] = outcomes().filter(
            pl.col("collection") == incident.id, pl.col("public_on") > as_of,
            pl.col("value").is_not_null(), pl.col("grade").is_in(["A", "B"]), pl.col("topic").is_in(["cost", "documents-round"]),
        )
    return Analysis(
        plan, incident, policy, ledger, as_of, claims, cubes, tables, tuple(x.id for x in later)
    )


def _pages(plan: Plan) -> tuple[Incident, Policy, Ledger | None]:
    incident = load_incident(plan.incident)
    if plan.policy is None and incident.id not in ids("policies"):
        raise UsageError(f"no bundled policy for {incident.id}", remedy="Give one with --policy.")
    policy = load_policy(plan.policy or incident.id)
    bundled = incident.id if plan.policy is None and incident.id in ids("assumptions") else None
    ledger = load_ledger(plan.ledger or bundled) if plan.ledger or bundled else None
    if policy.currency != incident.currency:
        raise UsageError(
            f"the policy {policy.id} pays {policy.currency}, the incident {incident.id} counts in "
            f"{incident.currency}", remedy="Restate the policy in the incident's currency.",
        )  # fmt: skip
    if policy.loss_unit != incident.loss.unit:
        raise UsageError(
            f"the policy's bands are in {policy.loss_unit}, the incident's losses in "
            f"{incident.loss.unit}", remedy="Restate the bands in the incident's loss unit.",
        )  # fmt: skip
    known = {"service", "claimant_type", *(d.id for d in incident.dimensions)}
    for line in policy.lines:
        for dimension in line.eligibility:
            if dimension not in known:
                raise UsageError(f"the line {line.id} depends on {dimension}, which no claim has")
    return incident, policy, ledger


def _cubes(plan: Plan, incident: Incident, policy: Policy) -> tuple[Claims | None, dict[str, Cube]]:
    if plan.counts is not None:
        if plan.claims:
            raise UsageError("give claim files or counts, not both")
        return None, {"cost": read_counts(plan.counts, incident)}
    paths = plan.claims
    if paths is None:
        bundled = data_root() / "claims" / f"{incident.id}-synthetic.parquet"
        paths = (bundled,) if bundled.is_file() else ()
    if not paths:
        return None, {}
    claims = read_claims(list(paths), incident, max_rejects=plan.max_rejects)
    eligibility = sorted({d for line in policy.lines for d in line.eligibility} - {"service", "claimant_type"})
    display = display_bands(policy.cuts, negative=incident.loss.negative == "band")
    profile = [d.id for d in incident.dimensions if d.id not in eligibility]
    return claims, {
        "cost": build_cube(claims, dimensions=("service", "claimant_type", *eligibility), policy=policy),
        "intake": build_cube(claims, dimensions=("service", "claimant_type", "filed_on"), bands=display),
        "profile": build_cube(claims, dimensions=("service", *eligibility, *profile), bands=display),
    }


def _refuse_if_silent(table: pl.DataFrame, policy: Policy, as_of: date) -> None:
    """Refuse when not one line has a figure, rather than print a page of nothing."""
    if table.filter(pl.col("high").is_not_null() | pl.col("promised").is_not_null()).is_empty():
        counts = [x.published_count for x in policy.schedules if x.published_count]
        remedy = f"Needed: {', '.join(counts)}. " if counts else ""
        raise ModelRefused(
            f"as of {as_of} no cost line of {policy.id} has a count that was public",
            remedy=remedy + "Move --as-of to a later day, or give claims or counts of your own.",
        )


def _funnel(policy: Policy, ledger: Ledger | None, as_of: date, table: pl.DataFrame) -> pl.DataFrame:
    """Reports, filings and payments of each schedule with a published count."""
    rows: list[tuple[object, ...]] = []
    lines = table.filter(pl.col("basis") == "published", pl.col("level") == "line", pl.col("count").is_not_null())
    for name, count in lines.select("line", "count").iter_rows():
        line = policy.line(name)
        if not isinstance(line, Schedule):
            continue
        funnel = funnel_of(line, ledger, as_of)
        rows.append((name, "reported", count, count, count))
        for stage, share in (("filed", funnel.filing), ("paid", funnel.paid)):
            expected = None if share.expected is None else count * share.expected
            rows.append((name, stage, count * share.low, expected, count * (share.high or 1.0)))
    numbers = dict.fromkeys(("low", "expected", "high"), pl.Float64)
    schema = {"line": pl.String, "stage": pl.String, **numbers}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(pl.col(pl.Float64).round_sig_figs(10))


def _headlines(incident: Incident, published: pl.DataFrame, as_of: date, *, hindsight: bool) -> pl.DataFrame:
    """What others said, public by the day (later ones marked), with our own figure of the same line first."""
    lines = {h.line for h in incident.headlines if h.line}
    ours = published.filter(pl.col("line").is_in(sorted(lines)), pl.col("level") == "line")
    rows = [("", r["line"], r["low"], r["expected"], r["high"], as_of, "", False) for r in ours.iter_rows(named=True)]
    for headline in incident.headlines:
        fact = figure(headline.fact, hindsight=True)
        later = fact.public_on is None or fact.public_on > as_of
        if later and not hindsight:
            continue
        low, high = (fact.low, fact.high) if fact.value is None else (fact.value, fact.value)
        rows.append((fact.id, headline.line, low, None, high, fact.public_on, fact.counts, later))
    schema = {
        "fact": pl.String, "line": pl.String, "low": pl.Float64, "expected": pl.Float64, "high": pl.Float64,
        "public_on": pl.Date, "counts": pl.String, "hindsight": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _ties(plan: Plan, incident: Incident, policy: Policy, as_of: date) -> pl.DataFrame:
    checked = tie_outs(incident, policy, as_of=as_of)
    return checked if plan.hindsight else checked.filter(~pl.col("hindsight"))


def _services(incident: Incident) -> pl.DataFrame:
    """What is published about each service: users and outage hours, and that no count of claims is."""
    rows = [
        {
            "service": s.id,
            "group": s.group,
            "published_count": s.published_count,
            "hours_low": min((w.hours for w in s.outage if w.hours), default=None),
            "hours_high": max((w.hours for w in s.outage if w.hours), default=None),
            "facts": " ".join((*s.users, *(f for w in s.outage for f in w.facts))),
        }
        for s in incident.services
    ]
    hours = {"hours_low": pl.Float64, "hours_high": pl.Float64}
    texts = dict.fromkeys(("service", "group", "published_count"), pl.String)
    return pl.DataFrame(rows, schema={**texts, **hours, "facts": pl.String})


def _cited(*pages: Noun | None, as_of: date) -> pl.DataFrame:
    """The published facts that the pages cite and that were public by the day, in the order of the files."""
    words: set[str] = set()

    def walk(value: object) -> None:
        if isinstance(value, str):
            words.add(value)
        elif isinstance(value, Mapping):
            walk(tuple(value.values()))
        elif isinstance(value, tuple):
            for inner in value:
                walk(inner)

    for page in pages:
        walk(page.model_dump() if page else ())
    return facts(public_by=as_of).filter(pl.col("id").is_in(sorted(words)))


def _claims_tables(claims: Claims | None, cubes: dict[str, Cube], policy: Policy) -> dict[str, pl.DataFrame]:
    """Tables about the claims themselves; none when only published counts are used."""
    tables: dict[str, pl.DataFrame] = {}
    if "cost" in cubes:
        bands = display_bands(policy.cuts, negative=claims is not None and claims.incident.loss.negative == "band")
        cost = cubes["cost"]
        if claims is None:  # totals come in bands of their own
            frame = cost.frame.select("service", "over", "up_to", "claims", "loss")
        else:
            frame = regroup(cost, ["service"], bands)
        tables["bands"] = with_shares(frame, ["service"])
        tables["claims_by_service"] = with_shares(regroup(cost, ["service"]))
    if "intake" in cubes:
        tables["intake"] = cumulative_intake(cubes["intake"])
    if claims is not None:
        tables["quality"] = claims.files
        tables["rejects"] = claims.broken_rules()
    return tables
