"""The recipe: a Plan says what to analyse, `run` does it, an Analysis holds every figure.

This module, and `pricing` for those with which every run begins, know the order of the steps; no other does.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import polars as pl

from outage_analysis.analysis.alternatives import compare_with_alternatives
from outage_analysis.analysis.analysis import Analysis
from outage_analysis.analysis.cost_run import CostRun, Progress, RunInputs, background_pool
from outage_analysis.analysis.plan import Plan
from outage_analysis.analysis.tables import (
    cited_facts,
    claims_tables,
    funnel_table,
    headlines_table,
    service_table,
    split_hindsight,
)
from outage_analysis.assumptions import load_ledger
from outage_analysis.costs import (
    LEVERS,
    TORNADO,
    Backtest,
    backtest,
    levers,
    steps,
    tie_outs,
    tornado,
    total_law,
    totals,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import ids
from outage_analysis.incidents import load_backtest_spec
from outage_analysis.policies import load_policy


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
    begun = RunInputs.from_plan(plan, progress)
    incident, policy, ledger, as_of = begun.incident, begun.policy, begun.ledger, begun.as_of
    with background_pool() as pool:
        drawing = pool.submit(begun.run_uncertainty)
        trying = pool.submit(_run_backtest, begun)
        priced = CostRun.compute(begun, drawing, progress)
        tried = trying.result()
    of_claims = bool(priced.runs) and "published" not in priced.runs
    funnels = (
        {}
        if priced.claims_costs is None or "published" in priced.runs
        else {"claims_funnel": priced.claims_costs}
    )
    compared = compare_with_alternatives(plan, incident, policy, ledger, as_of, of_claims=of_claims)
    tables = {
        **_published_tables(priced),
        **claims_tables(priced.claims, priced.cubes, begun.known_policy, priced.claims_costs, as_of),
        **{name: funnel_table(policy, ledger, as_of, counted) for name, counted in funnels.items()},
        **_uncertainty_tables(priced),
        **({} if compared is None else compared.tables),
        **({} if tried is None else {"hindsight_backtest": tried.ranges, "hindsight_rivals": tried.rivals}),
    }
    told = split_hindsight(tables, incident, as_of, shown=plan.hindsight)
    return replace(priced.analysis, tables=told, backtest=tried, compared=compared)


def _published_tables(priced: CostRun) -> dict[str, pl.DataFrame]:
    """The tables that rest on published figures alone, but for those of the uncertainty run."""
    begun, published = priced.inputs, priced.published_costs
    incident, policy, ledger, as_of = begun.incident, begun.policy, begun.ledger, begun.as_of
    return {
        "costs": published,
        "totals": totals(published),
        "funnel": funnel_table(policy, ledger, as_of, published),
        "services": service_table(incident),
        "facts": cited_facts(incident, policy, ledger, as_of=as_of),
        "headlines": headlines_table(incident, published, priced.runs.get("published"), as_of),
        "tie_outs": tie_outs((*policy.tie_outs, *incident.tie_outs), policy, as_of=as_of),
    }


def _run_backtest(begun: RunInputs) -> Backtest | None:
    """The back-test of what this run forecasts, where outcomes may be shown and a page of them is bundled."""
    plan, policy, ledger, as_of = begun.plan, begun.policy, begun.ledger, begun.as_of
    if not plan.hindsight or ledger is None:
        return None
    for page in map(load_backtest_spec, ids("backtests")):
        if (page.policy, page.ledger, page.as_of) != (policy.id, ledger.id, as_of):
            continue
        if (load_policy(page.policy), load_ledger(page.ledger)) != (policy, ledger):
            continue  # pages of one's own that bear the bundled ids
        with suppress(ModelRefused, UsageError):  # not all of its outcomes are known
            return backtest(page, draws=plan.draws, seed=plan.seed)
    return None


def _uncertainty_tables(priced: CostRun) -> dict[str, pl.DataFrame]:
    """These, and what moves the headline, its law and what adds up to it."""
    tables = {"tornado": pl.DataFrame(schema=TORNADO), "levers": pl.DataFrame(schema=LEVERS)}
    for basis, (drawn, told) in [*priced.runs_with_tables.items()][:1]:
        counted = (
            priced.published_costs
            if basis == "published" or priced.claims_costs is None
            else priced.claims_costs
        )
        tables = {
            "tornado": tornado(drawn.portfolio),
            "levers": levers(drawn.portfolio),
            **told,
            "total_law": total_law(drawn, priced.inputs.budget),
            "steps": steps(counted, told["contributions"]),
        }
    return tables | priced.uncertainty_tables
