"""The recipe: a Plan says what to analyse, `run` does it, an Analysis holds every figure.

This is the only module that knows the order of the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date

import polars as pl

from outage_analysis.alternatives import beside
from outage_analysis.analysis import Analysis
from outage_analysis.assumptions import Ledger, load_ledger
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
from outage_analysis.datasets import ids
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Incident
from outage_analysis.plans import Plan, cubes_of, last_day, pages_of
from outage_analysis.policies import Policy, load_policy
from outage_analysis.retrospects import load_retrospect
from outage_analysis.tables import (
    cited_facts,
    claims_tables,
    funnel_table,
    headline_table,
    hindsight_apart,
    service_table,
)

__all__ = ["Analysis", "Progress", "run"]

Progress = Callable[[str], None]
Drawn = tuple[Uncertainty, dict[str, pl.DataFrame]]
"""An uncertainty run and its tables by name."""


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
        drawing = beneath.submit(lambda: _drawn(plan, portfolio_of(policy, ledger, as_of=as_of), budget))
        trying = beneath.submit(_tried, plan, policy, ledger, as_of)
        try:
            claims, cubes = cubes_of(plan, incident, known, as_of)
        except BaseException:
            beneath.shutdown(wait=False, cancel_futures=True)  # a refusal waits for nothing that is not begun
            raise
    progress("computing the cost")
    published = cost_table(policy, ledger, as_of=as_of)
    paid = [cube for name, cube in cubes.items() if name == "cost" or cube.line]
    given = cost_table(policy, ledger, as_of=as_of, cubes=paid) if paid else None
    every = published if given is None else pl.concat([published, given])
    _refuse_if_silent(every, policy, as_of, counted=bool(plan.claims or plan.counts))
    _, later = policy.public_by(as_of)
    progress("drawing what is uncertain")
    tried, drawn = trying.result(), {"published": drawing.result()}
    if paid:
        basis = "synthetic" if any(cube.synthetic for cube in paid) else "claims"
        drawn[basis] = _drawn(plan, portfolio_of(policy, ledger, as_of=as_of, cubes=paid), budget)
    runs = {basis: found[0] for basis, found in drawn.items() if found}
    of_claims = bool(runs) and "published" not in runs
    funnels = {} if given is None or "published" in runs else {"claims_funnel": given}
    compared = beside(plan, incident, policy, ledger, as_of, of_claims=of_claims)
    tables = {
        **_published(incident, policy, ledger, as_of, published, runs.get("published")),
        **claims_tables(claims, cubes, known, given, as_of),
        **{name: funnel_table(policy, ledger, as_of, counted) for name, counted in funnels.items()},
        **_doubt({basis: found for basis, found in drawn.items() if found}, published, given, budget),
        **({} if compared is None else compared.tables),
        **({} if tried is None else {"hindsight_backtest": tried.ranges, "hindsight_rivals": tried.rivals}),
    }
    told, dropped = hindsight_apart(tables, incident, as_of, shown=plan.hindsight), tuple(x.id for x in later)
    return Analysis(
        plan, incident, policy, ledger, as_of, claims, cubes, told, dropped, runs, tried, compared
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


def _refuse_if_silent(table: pl.DataFrame, policy: Policy, as_of: date, *, counted: bool) -> None:
    """Refuse when not one line has a figure, rather than print a page of nothing.

    Args:
        table: every line with its figures.
        policy: of which they are.
        as_of: the day of the run.
        counted: whether claims or totals were given, so that none are asked for.
    """
    if not table.filter(pl.col("high").is_not_null() | pl.col("promised").is_not_null()).is_empty():
        return
    days = [line.public_on for line in policy.schedules if line.public_on]
    if counted and days and as_of < min(days):
        raise ModelRefused(
            f"as of {as_of} no line of {policy.id} that pays by loss was public: first on {min(days)}",
            remedy="Move the day: --as-of, else as_of in the ledger; in a notebook, its as_of.",
        )
    counts = [x.published_count for x in policy.schedules if x.published_count]
    remedy = f"Needed: {', '.join(counts)}. " if counts else ""
    raise ModelRefused(
        f"as of {as_of} no cost line of {policy.id} has a count that was public",
        remedy=f"{remedy}Move --as-of to a later day"
        + (", or give the lines their public_on." if counted else ", or give claims or counts of your own."),
    )
