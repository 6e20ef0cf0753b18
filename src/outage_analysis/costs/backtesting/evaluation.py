"""Runs a back-test: compares forecasts from the assumptions of an earlier day with the later outcomes.

The back-test uses published counts only, so synthetic claims cannot affect it. It reads an outcome only after
the forecast of the outcome is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from outage_analysis.assumptions import (
    Ledger,
    load_ledger,
)
from outage_analysis.costs.backtesting.results import OUTCOMES, RIVALS, UNSCORED, Backtest, rounded_table
from outage_analysis.costs.backtesting.scores import (
    FLAGGED_BEYOND,
    Benchmark,
    flat_benchmark,
    mean_payment_ends,
    naive_benchmark,
    percentile,
    press_benchmark,
    tier_payments,
)
from outage_analysis.costs.backtesting.stage_forecasts import (
    RATES,
    Forecast,
    cash_forecast,
    cash_portfolio,
    count_forecast,
    with_accepted_count,
)
from outage_analysis.costs.funnel import build_funnel
from outage_analysis.costs.uncertainty.policy_streams import build_portfolio
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.costs.uncertainty.simulation import DRAWS, SEED, simulate
from outage_analysis.costs.uncertainty.tables import rounded_estimate
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import BacktestSpec, Fact, Outcome, get_fact
from outage_analysis.policies import CostLine, Policy, load_policy
from outage_analysis.text import DEFAULT_LEVEL, LikelyRange


def backtest(
    spec: BacktestSpec, *, draws: int = DRAWS, seed: int = SEED, level: int = DEFAULT_LEVEL
) -> Backtest:
    """Run the back-test that a specification document describes.

    Args:
        spec: the specification: the case, its forecast day and its outcomes.
        draws: the number of simulated draws, a power of two.
        seed: the seed of the simulation.
        level: the probability of the likely range of a forecast in percent; 90 gives P5 to P95.

    Raises:
        UsageError: the policy and the ledger do not belong to the case, a cost line or a fact does not exist,
            or an outcome was already public on the forecast day.
        ModelRefused: the ledger states no assumption for a stage of the funnel.
    """
    case = _load_case(spec, draws, seed, LikelyRange(level))
    trials = {outcome.id: case.trial(outcome) for outcome in spec.outcomes}
    outcomes = [_outcome_row(trial, case) for trial in trials.values()]
    against = [
        row
        for trial, ours in zip(trials.values(), outcomes, strict=True)
        for row in _benchmark_rows(trial, ours["crps"])
    ]
    return Backtest(
        spec,
        case.policy,
        case.ledger,
        rounded_table(outcomes, OUTCOMES),
        rounded_table(against, RIVALS),
        rounded_table(list(_unscored_rows(case, trials)), UNSCORED),
        level,
    )


def _load_case(spec: BacktestSpec, draws: int, seed: int, likely: LikelyRange) -> BacktestCase:
    policy, ledger = load_policy(spec.policy), load_ledger(spec.ledger)
    if ledger.incident != spec.incident:
        raise UsageError(
            f"the ledger {ledger.id} is for the incident {ledger.incident}, not for {spec.incident}",
            file=spec.id,
            remedy="Name a ledger of the back-test's incident.",
        )
    if ledger.as_of > spec.as_of:
        raise UsageError(
            f"the ledger {ledger.id} is of {ledger.as_of}, after the forecast of {spec.as_of}",
            file=spec.id,
            remedy="Name a ledger of that day or before.",
        )
    return BacktestCase(spec, policy, ledger.as_known_on(spec.as_of), draws, seed, likely)


def _outcome_row(trial: ScoredForecast, case: BacktestCase) -> dict[str, object]:
    outcome, denominator, forecast, observed = (
        trial.outcome,
        trial.denominator,
        trial.forecast,
        trial.observed,
    )
    interval = forecast.likely_range(case.likely)
    low, middle, high = (x.value for x in interval)
    verdict = "miss_low" if observed < low else "miss_high" if observed > high else "inside"
    return {
        "outcome": outcome.id,
        "line": outcome.line,
        "stage": outcome.stage,
        "independent": outcome.independent,
        "conditional": bool(
            denominator and denominator.public_on and denominator.public_on > case.spec.as_of
        ),
        "denominator": float(denominator.count) if denominator else None,
        "unit": trial.unit,
        "range_low": low,
        "p50": middle,
        "range_high": high,
        "expected": forecast.expected,
        "error": max(x.error / max(x.value, 1.0) for x in interval),
        "sharpness": max(high, 1.0) / max(low, 1.0),
        "observed": observed,
        "percentile": percentile(forecast.distribution, observed),
        "inside": verdict == "inside",
        "verdict": verdict,
        "crps": forecast.crps(observed),
        "assumptions": " ".join(forecast.inputs),
        "facts": " ".join(x for x in (outcome.denominator, outcome.fact) if x),
    }


def _benchmark_rows(trial: ScoredForecast, ours: object) -> Iterator[dict[str, object]]:
    for rival in trial.rivals:
        factor = rival.factor(trial.observed)
        yield {
            "outcome": trial.outcome.id,
            "stage": trial.outcome.stage,
            "rival": rival.id,
            "low": rival.low,
            "high": rival.high,
            "observed": trial.observed,
            "factor": factor,
            "flagged": factor > FLAGGED_BEYOND,
            "crps": rival.crps,
            "ours": ours,
        }


def _unscored_rows(case: BacktestCase, trials: Mapping[str, ScoredForecast]) -> Iterator[dict[str, object]]:
    for figure in case.spec.unscored:
        fact = case.spec.later_fact(figure.fact)
        head = {"figure": figure.id, "fact": fact.id, "value": case.money(fact), "unit": case.policy.currency}
        if figure.outcome:
            trial, each = trials[figure.outcome], case.money(get_fact(figure.each, public_by=case.spec.as_of))
            low, middle, high = (x.value * each for x in trial.forecast.likely_range(case.likely))
            ours = dict(zip(case.likely.columns, (low, middle, high), strict=True))
            yield head | {"beside": figure.outcome, "computed": trial.observed * each} | ours
        else:
            yield from (head | row for row in _totals(case, figure.valuations))


def _totals(case: BacktestCase, valuations: tuple[str, ...]) -> Iterator[dict[str, object]]:
    totals = simulate(case.portfolio, draws=case.draws, seed=case.seed).totals
    for valuation in valuations:
        if valuation not in totals:
            raise ModelRefused(
                f"as of {case.spec.as_of} no line has an expected {valuation}",
                file=case.spec.id,
                remedy="Leave that valuation out of what is shown.",
            )
        yield {"beside": valuation} | {
            column: rounded_estimate(totals[valuation].quantile(p)).value
            for column, p in case.likely.columns.items()
        }


ONE_PER_CLAIM = (1.0, 1.0)
"""The payment range of a count: each accepted claim adds exactly 1."""


@dataclass(frozen=True)
class ScoredForecast:
    """A forecast with its outcome and its benchmarks, in people or in the smallest unit of the currency."""

    outcome: Outcome
    denominator: Fact | None
    forecast: Forecast
    observed: float
    unit: str
    rivals: tuple[Benchmark, ...]


@dataclass(frozen=True)
class BacktestCase:
    """The policy and the ledger of a back-test, as known on the forecast day."""

    spec: BacktestSpec
    policy: Policy
    ledger: Ledger
    """The ledger, limited to what was public on the forecast day."""
    draws: int
    seed: int
    likely: LikelyRange

    @cached_property
    def portfolio(self) -> Portfolio:
        """The cost lines of the policy for which the ledger gives an expected cost."""
        return build_portfolio(self.policy, self.ledger, as_of=self.spec.as_of)

    def trial(self, outcome: Outcome) -> ScoredForecast:
        """Forecast one outcome from what was known on the forecast day, then look up the actual outcome.

        Raises:
            UsageError: a cost line or a fact does not exist, or a fact has the wrong unit or day.
            ModelRefused: the cost line was not public on the forecast day, or the ledger states no assumption
                for the stage of the funnel.
        """
        line, as_of = self.policy.line(outcome.line), self.spec.as_of
        if not line.known_on(as_of):
            raise ModelRefused(
                f"the line {line.id} was not public by {as_of}",
                file=self.spec.id,
                remedy="Let as_of be a day on which it was, or leave the outcome out.",
            )
        denominator = self.spec.denominator(outcome)
        if outcome.stage in RATES:
            return self._forecast_people(outcome, line, denominator)
        return self._forecast_cash(outcome, line, denominator)

    def money(self, fact: Fact) -> float:
        """Return the amount of a fact, in the smallest unit of the policy's currency."""
        return float(fact.money(self.policy.currency) * 10**self.policy.digits)

    def _forecast_people(self, outcome: Outcome, line: CostLine, denominator: Fact | None) -> ScoredForecast:
        count = denominator.count if denominator else 0
        forecast = count_forecast(
            outcome.stage, count, line, build_funnel(line, self.ledger, self.spec.as_of)
        )
        fact = self.spec.later_fact(outcome.fact)
        observed = float(fact.count)
        against = [
            naive_benchmark(count, ONE_PER_CLAIM, observed),
            flat_benchmark(count, 1, ONE_PER_CLAIM, observed, draws=self.draws, seed=self.seed),
            *(press_benchmark(f, f.count, f.count, observed) for f in self._press(outcome)),
        ]
        return ScoredForecast(outcome, denominator, forecast, observed, fact.unit, tuple(against))

    def _forecast_cash(self, outcome: Outcome, line: CostLine, denominator: Fact | None) -> ScoredForecast:
        schedule = self.policy.schedule(line.id)
        if schedule is None:
            raise ModelRefused(
                f"{line.id} is no schedule, so there is nothing that claims are paid one by one",
                file=self.spec.id,
                remedy="Try how many take it, or show its sum without a score.",
            )
        portfolio = cash_portfolio(self.portfolio, schedule)
        if denominator:
            portfolio = with_accepted_count(portfolio, denominator.count)
        forecast = cash_forecast(portfolio, self.draws, self.seed)
        observed = self.money(self.spec.later_fact(outcome.fact))
        count, rates = portfolio.streams[0].trials, len(portfolio.streams[0].rates)
        against = [press_benchmark(f, *self._ends(f), observed) for f in self._press(outcome)]
        if conceived := mean_payment_ends(schedule, build_funnel(schedule, self.ledger, self.spec.as_of)):
            against.insert(
                0, flat_benchmark(count, rates, conceived, observed, draws=self.draws, seed=self.seed)
            )
        if at_tiers := tier_payments(schedule):
            against.insert(0, naive_benchmark(count, at_tiers, observed))
        return ScoredForecast(outcome, denominator, forecast, observed, self.policy.currency, tuple(against))

    def _press(self, outcome: Outcome) -> list[Fact]:
        return [get_fact(id_, public_by=self.spec.as_of) for id_ in outcome.press]

    def _ends(self, fact: Fact) -> tuple[float | None, float]:
        scale, currency = 10**self.policy.digits, self.policy.currency
        open_below = fact.value is None and fact.low is None
        low = None if open_below else fact.money(currency, "low") * scale
        return low, fact.money(currency, "high") * scale
