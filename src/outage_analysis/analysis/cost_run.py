"""What a plan costs and how unsure that is: the steps with which every run begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import polars as pl

from outage_analysis.analysis.analysis import Analysis
from outage_analysis.analysis.plan import Plan, last_day, load_cubes, load_documents
from outage_analysis.assumptions import Ledger
from outage_analysis.claims import Claims
from outage_analysis.costs import (
    Uncertainty,
    cost_table,
    portfolio_of,
    simulate,
    totals,
    uncertainty_tables,
)
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import Incident
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy

Progress = Callable[[str], None]
RunWithTables = tuple[Uncertainty, dict[str, pl.DataFrame]]
"""An uncertainty run and its tables by name."""


def price(plan: Plan, *, progress: Progress = lambda _: None) -> Analysis:
    """What a plan costs and how unsure that is: as `run`, without what only a report shows.

    Its tables are `costs` and `totals`, those of the draws, and of claims those under their own names.
    """
    begun = RunInputs.from_plan(plan, progress)
    with background_pool() as pool:
        return CostRun.compute(begun, pool.submit(begun.run_uncertainty), progress).analysis


@contextmanager
def background_pool() -> Iterator[ThreadPoolExecutor]:
    """A thread for what rests on no claim, while the engine reads them."""
    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # a refusal waits for nothing that is not begun
            raise


@dataclass(frozen=True)
class RunInputs:
    """The pages of a plan, and the day that its figures are of."""

    plan: Plan
    incident: Incident
    policy: Policy
    ledger: Ledger | None
    as_of: date
    known_policy: Policy
    """The policy as it was known on the day."""

    @classmethod
    def from_plan(cls, plan: Plan, progress: Progress) -> RunInputs:
        """Read them."""
        progress("reading the incident, the policy and the ledger")
        incident, policy, ledger = load_documents(plan)
        as_of = plan.as_of or (ledger.as_of if ledger else last_day(policy, incident))
        return cls(plan, incident, policy, ledger, as_of, policy.as_known_on(as_of))

    @property
    def budget(self) -> float | None:
        """In the smallest unit of the currency."""
        return None if self.plan.budget is None else self.plan.budget * 10.0**self.incident.minor_units

    def cost_table(self, cubes: Sequence[Cube] = ()) -> pl.DataFrame:
        """Of published counts or of cubes."""
        return cost_table(self.policy, self.ledger, as_of=self.as_of, cubes=cubes)

    def run_uncertainty(self, cubes: Sequence[Cube] = ()) -> RunWithTables | None:
        """An uncertainty run of published counts or of cubes, and its tables; None if nothing is expected."""
        portfolio = portfolio_of(self.policy, self.ledger, as_of=self.as_of, cubes=cubes)
        if not portfolio.streams:
            return None
        found = simulate(portfolio, draws=self.plan.draws, seed=self.plan.seed)
        return found, uncertainty_tables(found, budget=self.budget)


@dataclass(frozen=True)
class CostRun:
    """What everything else is made from."""

    inputs: RunInputs
    claims: Claims | None
    cubes: dict[str, Cube]
    published_costs: pl.DataFrame
    """The costs of published counts."""
    claims_costs: pl.DataFrame | None
    """Those of the claims, if there are any."""
    runs_with_tables: dict[str, RunWithTables]
    """By basis, that of the headline first."""

    @classmethod
    def compute(cls, begun: RunInputs, drawing: Future[RunWithTables | None], progress: Progress) -> CostRun:
        """Read the claims, compute the cost, and draw what is uncertain; that of published counts is drawing.

        Raises:
            InputRefused: claims that cannot be used.
            ModelRefused: not one line has a figure.
        """
        plan, policy, as_of = begun.plan, begun.policy, begun.as_of
        progress("reading the claims")
        claims, cubes = load_cubes(plan, begun.incident, begun.known_policy, as_of)
        progress("computing the cost")
        published = begun.cost_table()
        paid = list(cubes.values())
        given = begun.cost_table(paid) if paid else None
        every = published if given is None else pl.concat([published, given])
        _check_any_cost(every, policy, as_of, counted=bool(plan.claims or plan.counts))
        progress("drawing what is uncertain")
        drawn = {"published": drawing.result()}
        if paid:
            basis = "synthetic" if any(cube.synthetic for cube in paid) else "claims"
            drawn[basis] = begun.run_uncertainty(paid)
        some = {basis: told for basis, told in drawn.items() if told}
        return cls(begun, claims, cubes, published, given, some)

    @property
    def runs(self) -> dict[str, Uncertainty]:
        """The uncertainty runs by basis."""
        return {basis: run for basis, (run, _) in self.runs_with_tables.items()}

    @property
    def uncertainty_tables(self) -> dict[str, pl.DataFrame]:
        """The tables of each run: those of the headline under their own names, others marked as of claims."""
        return {
            f"claims_{name}" if number else name: table
            for number, (_, told) in enumerate(self.runs_with_tables.values())
            for name, table in told.items()
        }

    @property
    def analysis(self) -> Analysis:
        """With the tables of the cost alone."""
        begun, given = self.inputs, self.claims_costs
        of_claims = {} if given is None else {"claims_costs": given, "claims_totals": totals(given)}
        costs = {"costs": self.published_costs, "totals": totals(self.published_costs), **of_claims}
        _, later = begun.policy.public_by(begun.as_of)
        return Analysis(
            begun.plan,
            begun.incident,
            begun.policy,
            begun.ledger,
            begun.as_of,
            self.claims,
            self.cubes,
            costs | self.uncertainty_tables,
            tuple(line.id for line in later),
            self.runs,
        )


def _check_any_cost(table: pl.DataFrame, policy: Policy, as_of: date, *, counted: bool) -> None:
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
