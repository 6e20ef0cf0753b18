"""The recipe: a Plan says what to analyse, `run` does it, an Analysis holds every figure.

This is the only module that knows the order of the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from outage_analysis.alternatives import beside
from outage_analysis.analysis import Analysis
from outage_analysis.assumptions import Ledger, load_ledger
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
from outage_analysis.cube import Cube
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
    begun = _Begun.of(plan, progress)
    incident, policy, ledger, as_of = begun.incident, begun.policy, begun.ledger, begun.as_of
    with _beneath() as beneath:
        drawing = beneath.submit(begun.drawn)
        trying = beneath.submit(_tried, plan, policy, ledger, as_of)
        priced = _priced(begun, drawing, progress)
        tried = trying.result()
    runs = priced.runs
    of_claims = bool(runs) and "published" not in runs
    funnels = {} if priced.given is None or "published" in runs else {"claims_funnel": priced.given}
    compared = beside(plan, incident, policy, ledger, as_of, of_claims=of_claims)
    tables = {
        **_published(incident, policy, ledger, as_of, priced.published, runs.get("published")),
        **claims_tables(priced.claims, priced.cubes, begun.known, priced.given, as_of),
        **{name: funnel_table(policy, ledger, as_of, counted) for name, counted in funnels.items()},
        **_doubt(priced, begun.budget),
        **({} if compared is None else compared.tables),
        **({} if tried is None else {"hindsight_backtest": tried.ranges, "hindsight_rivals": tried.rivals}),
    }
    told = hindsight_apart(tables, incident, as_of, shown=plan.hindsight)
    return replace(_analysis(begun, priced), tables=told, backtest=tried, compared=compared)


def price(plan: Plan, *, progress: Progress = lambda _: None) -> Analysis:
    """What a plan costs and how unsure that is: as `run`, without what only a report shows.

    Its tables are `costs` and `totals`, those of the draws, and of claims those under their own names.
    """
    begun = _Begun.of(plan, progress)
    with _beneath() as beneath:
        return _analysis(begun, _priced(begun, beneath.submit(begun.drawn), progress))


@contextmanager
def _beneath() -> Iterator[ThreadPoolExecutor]:
    """A thread for what rests on no claim, while the engine reads them."""
    with ThreadPoolExecutor(1) as beneath:
        try:
            yield beneath
        except BaseException:
            beneath.shutdown(wait=False, cancel_futures=True)  # a refusal waits for nothing that is not begun
            raise


@dataclass(frozen=True)
class _Begun:
    """The pages of a plan, and the day that its figures are of."""

    plan: Plan
    incident: Incident
    policy: Policy
    ledger: Ledger | None
    as_of: date
    known: Policy
    """The policy as it was known on the day."""

    @classmethod
    def of(cls, plan: Plan, progress: Progress) -> _Begun:
        progress("reading the incident, the policy and the ledger")
        incident, policy, ledger = pages_of(plan)
        as_of = plan.as_of or (ledger.as_of if ledger else last_day(policy, incident))
        return cls(plan, incident, policy, ledger, as_of, policy.as_known_on(as_of))

    @property
    def budget(self) -> float | None:
        """In the smallest unit of the currency."""
        return None if self.plan.budget is None else self.plan.budget * 10.0**self.incident.minor_units

    def drawn(self, cubes: Sequence[Cube] = ()) -> Drawn | None:
        """An uncertainty run of published counts or of cubes, and its tables; None if nothing is expected."""
        portfolio = portfolio_of(self.policy, self.ledger, as_of=self.as_of, cubes=cubes)
        if not portfolio.streams:
            return None
        found = simulate(portfolio, draws=self.plan.draws, seed=self.plan.seed)
        return found, uncertainty_tables(found, budget=self.budget)


@dataclass(frozen=True)
class _Priced:
    """What everything else is made from."""

    claims: Claims | None
    cubes: dict[str, Cube]
    published: pl.DataFrame
    """The costs of published counts."""
    given: pl.DataFrame | None
    """Those of the claims, if there are any."""
    drawn: dict[str, Drawn]
    """By basis, that of the headline first."""

    @property
    def runs(self) -> dict[str, Uncertainty]:
        """The uncertainty runs by basis."""
        return {basis: run_ for basis, (run_, _) in self.drawn.items()}


def _priced(begun: _Begun, drawing: Future[Drawn | None], progress: Progress) -> _Priced:
    plan, policy, ledger, as_of = begun.plan, begun.policy, begun.ledger, begun.as_of
    progress("reading the claims")
    claims, cubes = cubes_of(plan, begun.incident, begun.known, as_of)
    progress("computing the cost")
    published = cost_table(policy, ledger, as_of=as_of)
    paid = list(cubes.values())
    given = cost_table(policy, ledger, as_of=as_of, cubes=paid) if paid else None
    every = published if given is None else pl.concat([published, given])
    _refuse_if_silent(every, policy, as_of, counted=bool(plan.claims or plan.counts))
    progress("drawing what is uncertain")
    drawn = {"published": drawing.result()}
    if paid:
        basis = "synthetic" if any(cube.synthetic for cube in paid) else "claims"
        drawn[basis] = begun.drawn(paid)
    return _Priced(claims, cubes, published, given, {basis: told for basis, told in drawn.items() if told})


def _analysis(begun: _Begun, priced: _Priced) -> Analysis:
    """With the tables of the cost alone."""
    given = (
        {} if priced.given is None else {"claims_costs": priced.given, "claims_totals": totals(priced.given)}
    )
    tables = {"costs": priced.published, "totals": totals(priced.published), **given, **_uncertain(priced)}
    _, later = begun.policy.public_by(begun.as_of)
    return Analysis(
        begun.plan,
        begun.incident,
        begun.policy,
        begun.ledger,
        begun.as_of,
        priced.claims,
        priced.cubes,
        tables,
        tuple(line.id for line in later),
        priced.runs,
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


def _uncertain(priced: _Priced) -> dict[str, pl.DataFrame]:
    """The tables of each run: those of the headline under their own names, others marked as the claims'."""
    return {
        f"claims_{name}" if number else name: table
        for number, (_, told) in enumerate(priced.drawn.values())
        for name, table in told.items()
    }


def _doubt(priced: _Priced, budget: float | None) -> dict[str, pl.DataFrame]:
    """These, and what moves the headline, its law and what adds up to it."""
    tables = {"tornado": pl.DataFrame(schema=TORNADO), "levers": pl.DataFrame(schema=LEVERS)}
    for basis, (run_, told) in [*priced.drawn.items()][:1]:
        counted = priced.published if basis == "published" or priced.given is None else priced.given
        tables = {
            "tornado": tornado(run_.portfolio),
            "levers": levers(run_.portfolio),
            **told,
            "total_law": total_law(run_, budget),
            "steps": steps(counted, told["contributions"]),
        }
    return tables | _uncertain(priced)


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
