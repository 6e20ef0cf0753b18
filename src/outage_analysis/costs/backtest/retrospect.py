"""The back-test of a case: what a ledger would have forecast on a day, beside what came out.

It takes no claims, so that no synthetic row can feed it. Outcomes are read here, after the forecasts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from outage_analysis.assumptions import load_ledger
from outage_analysis.costs.backtest.coverage import coverage
from outage_analysis.costs.backtest.forecasts import ENDS
from outage_analysis.costs.backtest.results import OUTCOMES, RIVALS, SHOWN, Backtest
from outage_analysis.costs.backtest.rivals import FLAGGED_BEYOND
from outage_analysis.costs.backtest.scores import percentile
from outage_analysis.costs.backtest.trials import Case, Trial
from outage_analysis.costs.uncertainty.running import DRAWS, SEED, simulate
from outage_analysis.costs.uncertainty.tables import told
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.policies import load_policy
from outage_analysis.published import figure
from outage_analysis.retrospects import Retrospect


def backtest(page: Retrospect, *, draws: int = DRAWS, seed: int = SEED) -> Backtest:
    """Try a page.

    Args:
        page: the case, its forecast day and its outcomes.
        draws: of the uncertainty run, as `simulate` takes them.
        seed: the same.

    Raises:
        UsageError: pages that do not fit each other, a line or a fact that there is not, an outcome that the
            forecast day already knew.
        ModelRefused: a stage of which the ledger says nothing.
    """
    case = _case(page, draws, seed)
    tried = coverage(page, case.ledger)
    trials = {outcome.id: case.trial(outcome) for outcome in page.outcomes}
    outcomes = [_row(trial, page) for trial in trials.values()]
    against = [
        row
        for trial, ours in zip(trials.values(), outcomes, strict=True)
        for row in _against(trial, ours["crps"])
    ]
    return Backtest(
        page,
        case.policy,
        case.ledger,
        _table(outcomes, OUTCOMES),
        _table(against, RIVALS),
        tried.with_columns(pl.col(pl.Float64).round_sig_figs(10)),
        _table(list(_shown(case, trials)), SHOWN),
    )


def _case(page: Retrospect, draws: int, seed: int) -> Case:
    policy, ledger = load_policy(page.policy), load_ledger(page.ledger)
    if ledger.incident != page.incident:
        raise UsageError(
            f"the ledger {ledger.id} is for the incident {ledger.incident}, not for {page.incident}",
            file=page.id,
            remedy="Name a ledger of the page's incident.",
        )
    if ledger.as_of > page.as_of:
        raise UsageError(
            f"the ledger {ledger.id} is of {ledger.as_of}, after the forecast of {page.as_of}",
            file=page.id,
            remedy="Name a ledger of that day or before.",
        )
    return Case(page, policy, ledger.admissible(page.as_of), draws, seed)


def _table(rows: list[dict[str, object]], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema).with_columns(pl.col(pl.Float64).round_sig_figs(10))


def _row(trial: Trial, page: Retrospect) -> dict[str, object]:
    outcome, given, made, came = trial.outcome, trial.given, trial.forecast, trial.observed
    interval = made.interval()
    low, middle, high = (x.value for x in interval)
    verdict = "miss_low" if came < low else "miss_high" if came > high else "inside"
    return {
        "outcome": outcome.id,
        "line": outcome.line,
        "stage": outcome.stage,
        "independent": outcome.independent,
        "conditional": bool(given and given.public_on and given.public_on > page.as_of),
        "given": float(given.count) if given else None,
        "unit": trial.unit,
        "p10": low,
        "p50": middle,
        "p90": high,
        "expected": made.expected,
        "error": max(x.error / max(x.value, 1.0) for x in interval),
        "sharpness": max(high, 1.0) / max(low, 1.0),
        "observed": came,
        "percentile": percentile(made.law, came),
        "inside": verdict == "inside",
        "verdict": verdict,
        "crps": made.crps(came),
        "assumptions": " ".join(made.inputs),
        "facts": " ".join(x for x in (outcome.given, outcome.fact) if x),
    }


def _against(trial: Trial, ours: object) -> Iterator[dict[str, object]]:
    for rival in trial.rivals:
        factor = rival.factor(trial.observed)
        yield {
            "outcome": trial.outcome.id,
            "rival": rival.id,
            "low": rival.low,
            "high": rival.high,
            "observed": trial.observed,
            "factor": factor,
            "flagged": factor > FLAGGED_BEYOND,
            "crps": rival.crps,
            "ours": ours,
        }


def _shown(case: Case, trials: Mapping[str, Trial]) -> Iterator[dict[str, object]]:
    """Published figures beside ours: times an outcome's people, or beside the totals of the whole policy."""
    for shown in case.page.shown:
        fact = case.page.came_out(shown.fact)
        head = {"shown": shown.id, "fact": fact.id, "value": case.money(fact), "unit": case.policy.currency}
        if shown.outcome:
            trial, each = trials[shown.outcome], case.money(figure(shown.each, public_by=case.page.as_of))
            low, middle, high = (x.value * each for x in trial.forecast.interval())
            ours = {"p10": low, "p50": middle, "p90": high, "computed": trial.observed * each}
            yield head | {"beside": shown.outcome} | ours
        else:
            yield from (head | row for row in _totals(case, shown.valuations))


def _totals(case: Case, valuations: tuple[str, ...]) -> Iterator[dict[str, object]]:
    laws = simulate(case.portfolio, draws=case.draws, seed=case.seed).totals
    for valuation in valuations:
        if valuation not in laws:
            raise ModelRefused(
                f"as of {case.page.as_of} no line has an expected {valuation}",
                file=case.page.id,
                remedy="Leave that valuation out of what is shown.",
            )
        low, middle, high = (told(laws[valuation].quantile(p)).value for p in ENDS)
        yield {"beside": valuation, "p10": low, "p50": middle, "p90": high}
