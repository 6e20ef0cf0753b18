"""Run an analysis in five steps: read, count, compile, evaluate, result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Unpack

import polars as pl

from outage_analysis.analysis.analysis import Analysis
from outage_analysis.analysis.plan import (
    FurtherArguments,
    Plan,
    RunArguments,
    last_day,
    load_cubes,
    load_documents,
    make_plan,
)
from outage_analysis.assumptions import Ledger
from outage_analysis.claims import Claims
from outage_analysis.costs import (
    CompiledLine,
    Simulation,
    compiled_lines,
    costs_of_lines,
    portfolio_of_lines,
    simulate,
)
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import Incident
from outage_analysis.policies import Policy, TierPayments

Progress = Callable[[str], None]


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
    """Run an analysis: the cost of a policy and its uncertainty. Its tables are computed when asked for.

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
    return _run_plan(make_plan(claims, **arguments), progress)


def _run_plan(plan: Plan, progress: Progress) -> Analysis:
    progress("reading the incident, the policy and the ledger")
    incident, policy, ledger = load_documents(plan)
    others = tuple(load_documents(replace(plan, policy=other))[1] for other in plan.compare)
    as_of = plan.as_of or (ledger.as_of if ledger else last_day(policy, incident))

    def draw(lines: Sequence[CompiledLine]) -> Simulation | None:
        portfolio = portfolio_of_lines(lines, ledger, as_of)
        return simulate(portfolio, draws=plan.draws, seed=plan.seed) if portfolio.terms else None

    published = compiled_lines(policy, ledger, as_of=as_of)
    with _background() as pool:
        drawing = pool.submit(draw, published)  # the published counts are known before the claims are read
        progress("reading the claims")
        claims, cubes = load_cubes(plan, incident, policy.as_known_on(as_of), as_of)
        progress("computing the cost")
        own = list(cubes.values())
        basis = "synthetic" if any(cube.synthetic for cube in own) else "claims"
        counted = compiled_lines(policy, ledger, as_of=as_of, cubes=own) if own else ()
        costs = {"published": costs_of_lines(published, as_of)}
        if own:
            costs[basis] = costs_of_lines(counted, as_of, own)
        _check_any_cost(pl.concat(costs.values()), policy, as_of, counted=plan.has_own_counts)
        progress("drawing what is uncertain")
        runs = {"published": drawing.result(), **({basis: draw(counted)} if own else {})}
    known_runs = {name: drawn for name, drawn in runs.items() if drawn}
    analysis = Analysis(plan, incident, policy, ledger, as_of, claims, cubes, costs, known_runs, others)
    _ = analysis.compared  # what cannot be compared is refused now, not when somebody asks for a table
    return analysis


@contextmanager
def _background() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool
        except BaseException:  # after an error, do not wait for work that has not started
            pool.shutdown(wait=False, cancel_futures=True)
            raise


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
