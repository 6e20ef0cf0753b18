"""Run all steps of an analysis in order: `run` takes claims or a Plan and returns an Analysis.

The first steps, up to the cost, are in `cost_run`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Unpack

import polars as pl

from outage_analysis.analysis.alternatives import compare_with_alternatives
from outage_analysis.analysis.analysis import Analysis
from outage_analysis.analysis.analysis_tables import AnalysisTables
from outage_analysis.analysis.cost_run import CostRun, Progress, RunInputs, background_pool
from outage_analysis.analysis.plan import FurtherArguments, Plan, RunArguments, make_plan
from outage_analysis.analysis.published_marks import mark_published_amounts
from outage_analysis.analysis.reserve import reserve_table
from outage_analysis.analysis.scenarios import scenarios_of
from outage_analysis.analysis.service_bands import service_band_table
from outage_analysis.analysis.tables import (
    cited_facts,
    claims_tables,
    funnel_table,
    headlines_table,
    service_table,
    split_hindsight,
)
from outage_analysis.assumptions import Ledger, load_ledger
from outage_analysis.claims import Claims
from outage_analysis.costs import (
    LEVERS,
    TORNADO,
    Backtest,
    backtest,
    cost_ranges,
    information_value,
    levers,
    reconciliation_table,
    tornado,
    total_distribution_table,
    totals,
    waterfall_steps,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import bundled_ids
from outage_analysis.incidents import Incident, load_backtest_spec
from outage_analysis.policies import Policy, TierPayments, load_policy


def run(  # noqa: PLR0913 - the entry point: completion lists the common arguments
    claims: Plan | Claims | str | Path | Sequence[str | Path] | None = None,
    *,
    tiers: TierPayments | None = None,
    effort: str = "form",
    policy: str | Path | Policy | None = None,
    ledger: str | Path | Ledger | None = None,
    incident: str | Path | Incident | None = None,
    budget: float | None = None,
    as_of: str | date | None = None,
    progress: Progress = lambda _: None,
    **further: Unpack[FurtherArguments],
) -> Analysis:
    """Run an analysis: the cost of a policy, its uncertainty, and all tables of a report.

    Args:
        claims: the claims that `read_claims` returned, or complaint files. By default, the published counts
            and the synthetic claims of the bundled case. A `Plan` states everything; other arguments are then
            not allowed.
        tiers: instead of a policy, largest loss of a tier -> payment per claim, in whole currency:
            {300_000: 30_000, 500_000: 50_000}. The key None stands for all larger losses; without it, larger
            losses are paid nothing. Without `ledger`, rates come from comparable schemes: `reference_ledger`.
        effort: with tiers, what claimants must do to be paid: automatic, one_tap, form or documents.
        policy: a bundled id, a path, or a `Policy`; by default the incident's bundled policy.
        ledger: a bundled id, a path, or a `Ledger`; by default the incident's bundled ledger, if any.
        incident: the outage: a bundled id, a path, or an `Incident`. By default that of the claims.
        budget: an amount of cash in whole currency; results then include the chance of exceeding it.
        as_of: use only what was public by this day; a date, or ISO text such as 2022-12-30.
        progress: called with the name of each step as it starts.
        further: `unknown` (with tiers, the payment for a claim without a stated loss), `encoding` (of text
            files, if it cannot be told from their bytes), fields of `Plan`.

    Raises:
        UsageError: a document is invalid, or documents or arguments do not fit together.
        InputRefused: claims cannot be used.
        ModelRefused: no cost line has a cost as of the day.

    Example:
        >>> run(policy="kakao-2022", budget=300_000_000).headline_basis
        'published'
    """
    arguments: RunArguments = {
        **further,
        "effort": effort,
        "tiers": tiers,
        "policy": policy,
        "ledger": ledger,
        "incident": incident,
        "budget": budget,
        "as_of": as_of,
    }
    if not isinstance(claims, Plan):
        return run_plan(make_plan(claims, **arguments), progress=progress)
    stated = [name for name, value in arguments.items() if value is not None and name != "effort"]
    if stated:
        raise UsageError(
            "a plan states everything, so that other arguments have no effect",
            value=", ".join(sorted(stated)),
            remedy="Change the plan, or leave it out.",
        )
    return run_plan(claims, progress=progress)


def run_plan(plan: Plan, *, progress: Progress = lambda _: None) -> Analysis:
    """Run an analysis with all tables of a report.

    Args:
        plan: what to analyse.
        progress: called with the name of each step as it starts.

    Raises:
        UsageError: a document is invalid, or documents do not fit together.
        InputRefused: claims cannot be used.
        ModelRefused: no cost line has a cost as of the day.
    """
    inputs = RunInputs.from_plan(plan, progress)
    incident, policy, ledger, as_of = inputs.incident, inputs.policy, inputs.ledger, inputs.as_of
    with background_pool() as pool:
        drawing = pool.submit(inputs.run_uncertainty)
        backtesting = pool.submit(_run_backtest, inputs)
        cost_run = CostRun.compute(inputs, drawing, progress)
        deciding = pool.submit(_decision_tables, cost_run.analysis)
        backtest_result = backtesting.result()
        decision_tables = deciding.result()
    of_claims = bool(cost_run.runs) and "published" not in cost_run.runs
    funnels = (
        {}
        if cost_run.claims_costs is None or "published" in cost_run.runs
        else {"claims_funnel": cost_run.claims_costs}
    )
    cube = next(iter(cost_run.cubes.values()), None)
    decision = "" if cube is None or cube.decision else cube.first_decision
    compared = compare_with_alternatives(plan, incident, policy, ledger, as_of, of_claims=of_claims)
    tables = {
        **_published_tables(cost_run),
        **claims_tables(cost_run.claims, cost_run.cubes, inputs.known_policy, cost_run.claims_costs, as_of),
        **_service_bands(cost_run),
        **{name: funnel_table(policy, ledger, as_of, costs, decision) for name, costs in funnels.items()},
        **_uncertainty_tables(cost_run),
        **decision_tables,
        **({} if compared is None else compared.tables),
        **(
            {}
            if backtest_result is None
            else {"hindsight_backtest": backtest_result.ranges, "hindsight_rivals": backtest_result.rivals}
        ),
    }
    tables = split_hindsight(tables, incident, as_of, keep=plan.hindsight)
    tables = mark_published_amounts(tables, incident, cost_run.runs.get("published"))
    return replace(
        cost_run.analysis, tables=AnalysisTables(tables), backtest=backtest_result, compared=compared
    )


def _published_tables(cost_run: CostRun) -> dict[str, pl.DataFrame]:
    inputs, published = cost_run.inputs, cost_run.published_costs
    incident, policy, ledger, as_of = inputs.incident, inputs.policy, inputs.ledger, inputs.as_of
    return {
        "costs": published,
        "totals": totals(published),
        "funnel": funnel_table(policy, ledger, as_of, published),
        "services": service_table(incident),
        "facts": cited_facts(incident, policy, ledger, as_of=as_of),
        "headlines": headlines_table(
            incident, published, cost_run.runs.get("published"), as_of, level=inputs.plan.level
        ),
        "tie_outs": reconciliation_table((*policy.tie_outs, *incident.tie_outs), policy, as_of=as_of),
    }


def _service_bands(cost_run: CostRun) -> dict[str, pl.DataFrame]:
    inputs = cost_run.inputs
    if not cost_run.analysis.headline_from_claims:
        return {}
    table = service_band_table(
        cost_run.cubes["cost"],
        inputs.known_policy,
        inputs.ledger,
        inputs.as_of,
        negative=inputs.incident.loss.negative == "band",
    )
    return {} if table.is_empty() else {"claims_service_bands": table}


def _run_backtest(inputs: RunInputs) -> Backtest | None:
    plan, policy, ledger, as_of = inputs.plan, inputs.policy, inputs.ledger, inputs.as_of
    if not plan.hindsight or ledger is None:
        return None
    for spec in map(load_backtest_spec, bundled_ids("backtests")):
        if (spec.policy, spec.ledger, spec.as_of) != (policy.id, ledger.id, as_of):
            continue
        # Skip the back-test if a document of the user has a bundled id but other contents.
        if (load_policy(spec.policy), load_ledger(spec.ledger)) != (policy, ledger):
            continue
        # If some outcomes are unknown, there is no back-test.
        with suppress(ModelRefused, UsageError):
            return backtest(spec, draws=plan.draws, seed=plan.seed, level=plan.level)
    return None


def _decision_tables(analysis: Analysis) -> dict[str, pl.DataFrame]:
    tables = {"scenarios": scenarios_of(analysis), "reserve": reserve_table(analysis)}
    return {name: table for name, table in tables.items() if table is not None}


def _uncertainty_tables(cost_run: CostRun) -> dict[str, pl.DataFrame]:
    level = cost_run.inputs.plan.level
    tables = {"tornado": TORNADO.empty(), "levers": LEVERS.empty()}
    for basis, (run_result, run_tables) in [*cost_run.runs_with_tables.items()][:1]:
        costs = (
            cost_run.published_costs
            if basis == "published" or cost_run.claims_costs is None
            else cost_run.claims_costs
        )
        tables = {
            "tornado": tornado(run_result.portfolio, level=level),
            "levers": levers(run_result.portfolio),
            **run_tables,
            "total_distribution": total_distribution_table(run_result, cost_run.inputs.budget, level=level),
            "cost_ranges": cost_ranges(run_result, costs, level=level),
            "steps": waterfall_steps(costs, run_tables["contributions"]),
        }
        budget = cost_run.inputs.budget
        if budget is not None and "cash" in run_result.portfolio.valuations:
            tables["information_value"] = information_value([run_result], alternative=budget)
    return tables | cost_run.uncertainty_tables
