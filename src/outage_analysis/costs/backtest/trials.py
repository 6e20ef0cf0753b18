"""One outcome tried: the forecast that the day would have made of it, its rivals, and what came."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from outage_analysis.assumptions import Ledger
from outage_analysis.costs.backtest.forecasts import (
    RATES,
    Forecast,
    accepted_only,
    cash_forecast,
    cash_of,
    count_forecast,
)
from outage_analysis.costs.backtest.rivals import Rival, flat, naive, payments, printed, tiers
from outage_analysis.costs.funnel import funnel_of
from outage_analysis.costs.uncertainty.compiling import portfolio_of
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.errors import ModelRefused
from outage_analysis.policies import CostLine, Policy, Schedule
from outage_analysis.published import Fact, figure
from outage_analysis.retrospects import Outcome, Retrospect

COUNTED = (1.0, 1.0)
"""The least and the most that each of a count adds to it."""


@dataclass(frozen=True)
class Trial:
    """A forecast and its outcome, in people or in the smallest unit of the currency."""

    outcome: Outcome
    given: Fact | None
    forecast: Forecast
    observed: float
    unit: str
    rivals: tuple[Rival, ...]


@dataclass(frozen=True)
class Case:
    """What a page tries, with what was known on its day."""

    page: Retrospect
    policy: Policy
    ledger: Ledger
    """Only what was public on the day."""
    draws: int
    seed: int

    @cached_property
    def portfolio(self) -> Portfolio:
        """Every line of the policy that the ledger expected something of."""
        return portfolio_of(self.policy, self.ledger, as_of=self.page.as_of)

    def trial(self, outcome: Outcome) -> Trial:
        """Forecast one outcome from what was known, then read what came.

        Raises:
            UsageError: a line or a fact that there is not, or one in another unit or of another day.
            ModelRefused: a line that was not public, or a stage of which the ledger says nothing.
        """
        line, as_of = self.policy.line(outcome.line), self.page.as_of
        if not line.known_on(as_of):
            raise ModelRefused(
                f"the line {line.id} was not public by {as_of}",
                file=self.page.id,
                remedy="Let as_of be a day on which it was, or leave the outcome out.",
            )
        given = self.page.given(outcome)
        if outcome.stage in RATES:
            return self._of_people(outcome, line, given)
        return self._of_cash(outcome, line, given)

    def money(self, fact: Fact) -> float:
        """The sum of a fact, in the smallest unit of the policy's currency."""
        return float(fact.money(self.policy.currency) * 10**self.policy.digits)

    def _of_people(self, outcome: Outcome, line: CostLine, given: Fact | None) -> Trial:
        count = given.count if given else 0
        made = count_forecast(outcome.stage, count, line, funnel_of(line, self.ledger, self.page.as_of))
        fact = self.page.came_out(outcome.fact)
        came = float(fact.count)
        against = [
            naive(count, COUNTED, came),
            flat(count, 1, COUNTED, came, draws=self.draws, seed=self.seed),
            *(printed(f, f.count, f.count, came) for f in self._press(outcome)),
        ]
        return Trial(outcome, given, made, came, fact.unit, tuple(against))

    def _of_cash(self, outcome: Outcome, line: CostLine, given: Fact | None) -> Trial:
        if not isinstance(line, Schedule):
            raise ModelRefused(
                f"{line.id} is no schedule, so there is nothing that claims are paid one by one",
                file=self.page.id,
                remedy="Try how many take it, or show its sum without a score.",
            )
        portfolio = cash_of(self.portfolio, line)
        if given:
            portfolio = accepted_only(portfolio, given.count)
        made = cash_forecast(portfolio, self.draws, self.seed)
        came = self.money(self.page.came_out(outcome.fact))
        count, rates = portfolio.streams[0].trials, len(portfolio.streams[0].rates)
        against = [printed(f, *self._ends(f), came) for f in self._press(outcome)]
        if conceived := payments(line, funnel_of(line, self.ledger, self.page.as_of)):
            against.insert(0, flat(count, rates, conceived, came, draws=self.draws, seed=self.seed))
        if at_tiers := tiers(line):
            against.insert(0, naive(count, at_tiers, came))
        return Trial(outcome, given, made, came, self.policy.currency, tuple(against))

    def _press(self, outcome: Outcome) -> list[Fact]:
        return [figure(id_, public_by=self.page.as_of) for id_ in outcome.press]

    def _ends(self, fact: Fact) -> tuple[float | None, float]:
        """The low end, None where only the most was printed, and the high end."""
        scale, currency = 10**self.policy.digits, self.policy.currency
        open_below = fact.value is None and fact.low is None
        low = None if open_below else fact.money(currency, "low") * scale
        return low, fact.money(currency, "high") * scale
