"""The recipe: a Plan says what to analyse, `run` does it, an Analysis holds every figure.

This is the only module that knows the order of the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from outage_analysis.alternatives import Compared, beside
from outage_analysis.assumptions import Ledger, load_ledger
from outage_analysis.charts.specs import names_of
from outage_analysis.claims import Claims
from outage_analysis.costs import (
    Uncertainty,
    cost_table,
    levers,
    portfolio_of,
    simulate,
    steps,
    tie_outs,
    tornado,
    total_law,
    totals,
    uncertainty_tables,
)
from outage_analysis.costs.backtest.results import Backtest
from outage_analysis.costs.backtest.retrospect import backtest
from outage_analysis.costs.sensitivity.levers import LEVERS
from outage_analysis.costs.sensitivity.tornado import TORNADO
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.cube import Cube
from outage_analysis.datasets import Text, ids
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Incident
from outage_analysis.plans import Plan, cubes_of, last_day, pages_of
from outage_analysis.policies import Policy, load_policy
from outage_analysis.published import TieOut, cites_later
from outage_analysis.retrospects import load_retrospect
from outage_analysis.tables import (
    cited_facts,
    claims_tables,
    funnel_table,
    headline_table,
    hindsight_apart,
    service_table,
)

Progress = Callable[[str], None]
Drawn = tuple[Uncertainty, dict[str, pl.DataFrame]]
"""An uncertainty run and its tables by name."""
DOUBT = (
    *("quantiles", "split", "contributions", "budget", "tornado", "levers", "total_law", "steps"),
    *("comparison", "pairs", "flips"),
)
"""Tables of what the headline rests on."""


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
    """cost, intake and profile, from claims, and claimants of each line paid by claimant; only cost,
    from totals."""
    tables: dict[str, pl.DataFrame] = field(repr=False)
    """Every table of the report, by name."""
    dropped_lines: tuple[str, ...] = ()
    """Cost lines that were not public by `as_of`."""
    runs: dict[str, Uncertainty] = field(default_factory=dict, repr=False)
    """The uncertainty runs by basis: published, and synthetic or claims. None where nothing is expected."""
    backtest: Backtest | None = field(default=None, repr=False)
    """In hindsight only: how the same policy and ledger did, where a page of outcomes is bundled."""
    compared: Compared | None = field(default=None, repr=False)
    """The policy beside those that the plan names."""

    @property
    def tie_outs(self) -> tuple[TieOut, ...]:
        """The published sums that the policy and the incident name."""
        return (*self.policy.tie_outs, *self.incident.tie_outs)

    @property
    def limits(self) -> tuple[Text, ...]:
        """What the incident's page says of its data, but for what cites a fact of a later day."""
        return tuple(text for text in self.incident.limits if not cites_later(text.en, self.as_of))

    @property
    def synthetic(self) -> bool:
        """Whether the claims are synthetic."""
        return any(cube.synthetic for cube in self.cubes.values())

    @property
    def headline(self) -> str:
        """What the headline rests on: published counts where they give any, else claims or synthetic ones."""
        return next(iter(self.runs), "")

    def names(self, lang: str) -> dict[str, str]:
        """What readers call everything that has an id."""
        tried = self.backtest.page if self.backtest else None
        names = names_of(self.incident, self.policy, self.ledger, tried, lang=lang)
        return names | (self.compared.names(lang) if self.compared else {})

    def marked(self, name: str) -> bool:
        """Whether a table is made from synthetic rows, and must say so."""
        drawn = self.headline == "synthetic" and name in DOUBT
        return self.synthetic and (drawn or name.startswith("claims_"))

    def doubt(self, basis: str, name: str) -> pl.DataFrame | None:
        """A table of the uncertainty run of a basis, such as its quantiles; None where nothing was drawn."""
        if basis not in self.runs:
            return None
        return self.tables.get(name if basis == self.headline else f"claims_{name}")

    def total(self, basis: str, valuation: str = "cash") -> dict[str, float | None] | None:
        """The row of the totals for one basis: published, synthetic or claims."""
        table = self.tables.get("totals" if basis == "published" else "claims_totals")
        rows = [] if table is None else table.filter(basis=basis, valuation=valuation).rows(named=True)
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
    incident, policy, ledger = pages_of(plan)
    as_of = plan.as_of or (ledger.as_of if ledger else last_day(policy, incident))
    progress("reading the claims")
    known = policy.as_known_on(as_of)
    budget = None if plan.budget is None else plan.budget * 10.0**incident.minor_units
    with ThreadPoolExecutor(1) as beneath:  # what rests on no claim, while the engine reads them
        trying = beneath.submit(_tried, plan, policy, ledger, as_of)
        drawing = beneath.submit(lambda: _drawn(plan, portfolio_of(policy, ledger, as_of=as_of), budget))
        claims, cubes = cubes_of(plan, incident, known, as_of)
    progress("computing the cost")
    published = cost_table(policy, ledger, as_of=as_of)
    paid = [cube for name, cube in cubes.items() if name == "cost" or cube.line]
    given = cost_table(policy, ledger, as_of=as_of, cubes=paid) if paid else None
    _refuse_if_silent(published if given is None else pl.concat([published, given]), policy, as_of)
    _, later = policy.public_by(as_of)
    progress("drawing what is uncertain")
    tried, drawn = trying.result(), {"published": drawing.result()}
    if paid:
        basis = "synthetic" if any(cube.synthetic for cube in paid) else "claims"
        drawn[basis] = _drawn(plan, portfolio_of(policy, ledger, as_of=as_of, cubes=paid), budget)
    runs = {basis: found[0] for basis, found in drawn.items() if found}
    of_claims = bool(runs) and "published" not in runs
    compared = beside(plan, incident, policy, ledger, as_of, of_claims=of_claims)
    tables = {
        **_published(incident, policy, ledger, as_of, published, runs.get("published")),
        **claims_tables(claims, cubes, known, given),
        **_doubt({basis: found for basis, found in drawn.items() if found}, published, given, budget),
        **({} if compared is None else compared.tables),
        **({} if tried is None else {"hindsight_backtest": tried.ranges, "hindsight_rivals": tried.rivals}),
    }
    return Analysis(
        plan,
        incident,
        policy,
        ledger,
        as_of,
        claims,
        cubes,
        hindsight_apart(tables, incident, as_of, shown=plan.hindsight),
        tuple(x.id for x in later),
        runs,
        tried,
        compared,
    )


def _published(
    incident: Incident,
    policy: Policy,
    ledger: Ledger | None,
    as_of: date,
    published: pl.DataFrame,
    drawn: Uncertainty | None,
) -> dict[str, pl.DataFrame]:
    """The tables that rest on published figures alone, but for those of the uncertainty run."""
    return {
        "costs": published,
        "totals": totals(published),
        "funnel": funnel_table(policy, ledger, as_of, published),
        "services": service_table(incident),
        "facts": cited_facts(incident, policy, ledger, as_of=as_of),
        "headlines": headline_table(incident, published, drawn, as_of),
        "tie_outs": tie_outs((*policy.tie_outs, *incident.tie_outs), policy, as_of=as_of),
    }


def _tried(plan: Plan, policy: Policy, ledger: Ledger | None, as_of: date) -> Backtest | None:
    """The back-test of what this run forecasts, where outcomes may be shown and a page of them is bundled."""
    if not plan.hindsight or ledger is None:
        return None
    for page in map(load_retrospect, ids("backtests")):
        if (page.policy, page.ledger, page.as_of) != (policy.id, ledger.id, as_of):
            continue
        if (load_policy(page.policy), load_ledger(page.ledger)) != (policy, ledger):
            continue  # pages of one's own that bear the bundled ids
        with suppress(ModelRefused, UsageError):  # not all of its outcomes are known
            return backtest(page, draws=plan.draws, seed=plan.seed)
    return None


def _drawn(plan: Plan, portfolio: Portfolio, budget: float | None) -> Drawn | None:
    """An uncertainty run and its tables; None of what has no expected cost."""
    if not portfolio.streams:
        return None
    found = simulate(portfolio, draws=plan.draws, seed=plan.seed)
    return found, uncertainty_tables(found, budget=budget)


def _doubt(
    drawn: dict[str, Drawn],
    published: pl.DataFrame,
    given: pl.DataFrame | None,
    budget: float | None,
) -> dict[str, pl.DataFrame]:
    """The tables of each run: those of the headline under their own names, others marked as the claims'."""
    tables = {"tornado": pl.DataFrame(schema=TORNADO), "levers": pl.DataFrame(schema=LEVERS)}
    for number, (basis, (run_, told)) in enumerate(drawn.items()):
        found = dict(told)
        if number == 0:
            counted = published if basis == "published" or given is None else given
            found |= {
                "tornado": tornado(run_.portfolio),
                "levers": levers(run_.portfolio),
                "total_law": total_law(run_, budget),
                "steps": steps(counted, found["contributions"]),
            }
        tables |= {f"claims_{name}" if number else name: table for name, table in found.items()}
    return tables


def _refuse_if_silent(table: pl.DataFrame, policy: Policy, as_of: date) -> None:
    """Refuse when not one line has a figure, rather than print a page of nothing."""
    if table.filter(pl.col("high").is_not_null() | pl.col("promised").is_not_null()).is_empty():
        counts = [x.published_count for x in policy.schedules if x.published_count]
        remedy = f"Needed: {', '.join(counts)}. " if counts else ""
        raise ModelRefused(
            f"as of {as_of} no cost line of {policy.id} has a count that was public",
            remedy=remedy + "Move --as-of to a later day, or give claims or counts of your own.",
        )
