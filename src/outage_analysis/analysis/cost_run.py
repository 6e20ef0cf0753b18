"""Compute the cost of a plan and its uncertainty: the first steps of every run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import polars as pl

from outage_analysis.analysis.analysis import Analysis
from outage_analysis.analysis.analysis_tables import AnalysisTables
from outage_analysis.analysis.plan import Plan, last_day, load_cubes, load_documents
from outage_analysis.assumptions import Ledger
from outage_analysis.claims import Claims
from outage_analysis.costs import (
    Simulation,
    build_portfolio,
    cost_table,
    simulate,
    totals,
    uncertainty_tables,
)
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import Incident
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy

Progress = Callable[[str], None]
RunWithTables = tuple[Simulation, dict[str, pl.DataFrame]]
"""A simulation, and its tables by name."""


def price(plan: Plan, *, progress: Progress = lambda _: None) -> Analysis:
    """Compute the cost of a plan and its uncertainty, without the other tables of a report.

    This is faster than `run`. The result has the tables `costs` and `totals` and the tables of the
    simulation; tables computed from claims have the prefix `claims_`.

    Args:
        plan: what to analyse.
        progress: called with the name of each step as it starts.

    Raises:
        UsageError: a document is invalid, or documents do not fit together.
        InputRefused: claims cannot be used.
        ModelRefused: no cost line has a cost as of the day.
    """
    inputs = RunInputs.from_plan(plan, progress)
    with background_pool() as pool:
        return CostRun.compute(inputs, pool.submit(inputs.run_uncertainty), progress).analysis


@contextmanager
def background_pool() -> Iterator[ThreadPoolExecutor]:
    """Provide a background thread for work that does not depend on the claims while claims are read."""
    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(
                wait=False, cancel_futures=True
            )  # after an error, do not wait for work that has not started
            raise


@dataclass(frozen=True)
class RunInputs:
    """The loaded documents of a plan, and the day of the analysis."""

    plan: Plan
    incident: Incident
    policy: Policy
    ledger: Ledger | None
    as_of: date
    known_policy: Policy
    """The policy as known on `as_of`."""

    @classmethod
    def from_plan(cls, plan: Plan, progress: Progress) -> RunInputs:
        """Load the documents that a plan names, and determine the day of the analysis."""
        progress("reading the incident, the policy and the ledger")
        incident, policy, ledger = load_documents(plan)
        as_of = plan.as_of or (ledger.as_of if ledger else last_day(policy, incident))
        return cls(plan, incident, policy, ledger, as_of, policy.as_known_on(as_of))

    @property
    def budget(self) -> float | None:
        """The budget of the plan, in the smallest unit of the currency."""
        return None if self.plan.budget is None else self.plan.budget * 10.0**self.incident.minor_units

    def cost_table(self, cubes: Sequence[Cube] = ()) -> pl.DataFrame:
        """Return the cost table, computed from `cubes` of claims or, if empty, from published counts."""
        return cost_table(self.policy, self.ledger, as_of=self.as_of, cubes=cubes)

    def run_uncertainty(self, cubes: Sequence[Cube] = ()) -> RunWithTables | None:
        """Simulate the cost, computed from `cubes` of claims or, if empty, from published counts.

        Returns:
            The simulation and its tables; None if no line has an expected cost.
        """
        portfolio = build_portfolio(self.policy, self.ledger, as_of=self.as_of, cubes=cubes)
        if not portfolio.streams:
            return None
        run = simulate(portfolio, draws=self.plan.draws, seed=self.plan.seed)
        return run, uncertainty_tables(run, budget=self.budget, level=self.plan.level)


@dataclass(frozen=True)
class CostRun:
    """The costs of a plan and their simulations: the input of all further steps of an analysis."""

    inputs: RunInputs
    claims: Claims | None
    cubes: dict[str, Cube]
    published_costs: pl.DataFrame
    """The cost table computed from published counts."""
    claims_costs: pl.DataFrame | None
    """The cost table computed from claims or totals, if there are any."""
    runs_with_tables: dict[str, RunWithTables]
    """The simulations with their tables, by data source; the source of the headline comes first."""

    @classmethod
    def compute(cls, inputs: RunInputs, drawing: Future[RunWithTables | None], progress: Progress) -> CostRun:
        """Read the claims, compute the cost tables, and collect the simulations.

        Args:
            inputs: the loaded documents and the day of the analysis.
            drawing: the simulation from published counts, which is already running in the background.
            progress: called with the name of each step as it starts.

        Raises:
            InputRefused: claims cannot be used.
            ModelRefused: no cost line has a cost.
        """
        plan, policy, as_of = inputs.plan, inputs.policy, inputs.as_of
        progress("reading the claims")
        claims, cubes = load_cubes(plan, inputs.incident, inputs.known_policy, as_of)
        progress("computing the cost")
        published = inputs.cost_table()
        all_cubes = list(cubes.values())
        claims_costs = inputs.cost_table(all_cubes) if all_cubes else None
        combined = published if claims_costs is None else pl.concat([published, claims_costs])
        _check_any_cost(combined, policy, as_of, counted=plan.has_own_counts)
        progress("drawing what is uncertain")
        results = {"published": drawing.result()}
        if all_cubes:
            basis = "synthetic" if any(cube.synthetic for cube in all_cubes) else "claims"
            results[basis] = inputs.run_uncertainty(all_cubes)
        runs = {basis: result for basis, result in results.items() if result}
        return cls(inputs, claims, cubes, published, claims_costs, runs)

    @property
    def runs(self) -> dict[str, Simulation]:
        """The simulations by data source: `published`, `claims` or `synthetic`."""
        return {basis: run for basis, (run, _) in self.runs_with_tables.items()}

    @property
    def uncertainty_tables(self) -> dict[str, pl.DataFrame]:
        """All simulation tables by name; `claims_` marks tables that do not describe the headline cost."""
        return {
            f"claims_{name}" if number else name: table
            for number, (_, tables) in enumerate(self.runs_with_tables.values())
            for name, table in tables.items()
        }

    @property
    def analysis(self) -> Analysis:
        """An `Analysis` that has only the tables of the cost and its uncertainty."""
        inputs, claims_costs = self.inputs, self.claims_costs
        of_claims = (
            {}
            if claims_costs is None
            else {"claims_costs": claims_costs, "claims_totals": totals(claims_costs)}
        )
        costs = {"costs": self.published_costs, "totals": totals(self.published_costs), **of_claims}
        _, later = inputs.policy.public_by(inputs.as_of)
        return Analysis(
            inputs.plan,
            inputs.incident,
            inputs.policy,
            inputs.ledger,
            inputs.as_of,
            self.claims,
            self.cubes,
            AnalysisTables(costs | self.uncertainty_tables),
            tuple(line.id for line in later),
            self.runs,
        )


def _check_any_cost(table: pl.DataFrame, policy: Policy, as_of: date, *, counted: bool) -> None:
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
