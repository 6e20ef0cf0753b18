"""The distribution of the headline cash total in whole currency: mean, quantiles, exceedance, samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast, overload

import numpy as np
import polars as pl

from outage_analysis.analysis.plan import Plan
from outage_analysis.costs import Simulation, rounded_estimate, rounded_probability
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Incident
from outage_analysis.text import LikelyRange

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis
    from outage_analysis.costs import ScenarioSet

MOST_SAMPLED = 2**22
"""The largest sample: more totals would exhaust the memory of a small computer."""


@dataclass(frozen=True)
class CashTotal:
    """The simulated cash total of one data source, in whole currency.

    Every figure comes from the same simulation as the tables of the report and is rounded in the same way, so
    that both show the same digits.
    """

    run: Simulation = field(repr=False)
    minor_units: int
    """The number of decimal places of the currency."""

    def quantile(self, p: object) -> float:
        """Return the smallest total that is not exceeded with probability p.

        Raises:
            UsageError: p is not a number between 0 and 1, ends excluded.
            ModelRefused: too few draws lie beyond the quantile.
        """
        if isinstance(p, bool) or not isinstance(p, Real):
            remedy = "Give one probability, such as 0.9, or a list of them."
            raise UsageError("a probability is a number between 0 and 1", value=p, remedy=remedy)
        estimate = self.run.totals["cash"].quantile(float(p))
        return rounded_estimate(estimate).value / float(10**self.minor_units)

    def chance_over(self, amount: object) -> float:
        """Return the probability that the total exceeds an amount of whole currency.

        Raises:
            UsageError: the amount is not a number.
        """
        if isinstance(amount, bool) or not isinstance(amount, Real) or not math.isfinite(amount):
            raise UsageError(
                "an amount is a number in whole currency", value=amount, remedy="Write 500_000_000, not text."
            )
        # The product of a decimal number and 100 can miss a whole cent by a rounding error.
        smallest_units = round(float(amount) * 10**self.minor_units, 6)
        return rounded_probability(self.run.totals["cash"].exceedance(smallest_units)).value

    def sample(self, n: int) -> pl.Series:
        """Return n simulated totals in random order.

        Up to the number of draws of the simulation, the totals are taken from it without replacement. For a
        larger n, the simulation runs again with more draws.

        Raises:
            UsageError: n is not a whole number from 1 to 4,194,304.
        """
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST_SAMPLED:
            raise UsageError(f"a sample has a whole number of totals from 1 to {MOST_SAMPLED:,}", value=n)
        run = self.run
        if n > run.draws:
            run = replace(run, draws=2 ** math.ceil(math.log2(n)))
        order = np.random.default_rng(run.seed).permutation(run.draws)[:n]
        totals = run.totals["cash"].values.ravel()[order]
        return pl.Series("total", totals / 10**self.minor_units)


class HeadlineCash:
    """The methods of an analysis that describe its headline cash total in whole currency."""

    plan: Plan
    incident: Incident
    runs: dict[str, Simulation]

    if TYPE_CHECKING:  # the analysis defines these

        @property
        def headline_basis(self) -> str:
            """The data source of the headline cost; "" if there is none."""

        @property
        def cash_basis(self) -> str:
            """The data source of the cash cost on the first screen."""

        @property
        def likely_range(self) -> LikelyRange:
            """The likely range that the results show."""

        def totals_row(self, basis: str) -> dict[str, float | None] | None:
            """Return the totals of a data source."""

        def uncertainty_table(self, basis: str, name: str) -> pl.DataFrame | None:
            """Return a simulation table of a data source."""

    def expected_cash(self, basis: str = "published") -> float | None:
        """Return the expected cash of a data source in the smallest currency unit; None if there is none.

        If inputs are correlated, the result is the mean of the simulated draws.
        """
        total, table = self.totals_row(basis), self.uncertainty_table(basis, "quantiles")
        if total is None or total["expected"] is None or table is None:
            return total["expected"] if total else None
        simulated = table.filter(valuation="cash", measure="expected")["value"]
        return float(simulated[0]) if len(simulated) else total["expected"]

    def likely_cash(self, basis: str = "published") -> tuple[float, float] | None:
        """Return the likely cash range of a data source; None without a simulation, or with too few draws.

        The range is P10 to P90 unless the plan has another level. If the cash is certain, both ends are it.
        """
        table = self.uncertainty_table(basis, "quantiles")
        if table is None:
            return None
        values = dict(table.filter(valuation="cash").select("measure", "value").iter_rows())
        low, high = (values.get(end) for end in (self.likely_range.low, self.likely_range.high))
        return None if low is None or high is None else (low, high)

    def check_budget_has_cash(self) -> None:
        """Check that a budget can be compared with expected cash.

        Raises:
            ModelRefused: the plan has a budget, and no simulation has an expected cash cost.
        """
        valuations = [run.portfolio.valuations for run in self.runs.values()]
        if self.plan.budget is not None and not any("cash" in names for names in valuations):
            refuse_no_cash("a budget")

    @property
    def expected(self) -> float | None:
        """The expected cash cost of the headline in whole currency; None if no line has an expected cost.

        If inputs are correlated, this is the mean of the simulated draws.
        """
        expected = self.expected_cash(self.cash_basis)
        return None if expected is None else expected / 10**self.incident.minor_units

    @property
    def median(self) -> float:
        """The median of the headline cash total in whole currency.

        Raises:
            ModelRefused: no line has an expected cost in cash.
        """
        return self.quantile(0.5)

    @overload
    def quantile(self, p: float) -> float: ...

    @overload
    def quantile(self, p: Sequence[float]) -> list[float]: ...

    def quantile(self, p: float | Sequence[float]) -> float | list[float]:
        """Return quantiles of the headline cash total in whole currency, rounded as in the report's tables.

        The total includes the lines that have an expected cost.

        Args:
            p: a probability between 0 and 1, such as 0.9 for P90, or several of them.

        Returns:
            One amount, or a list of amounts if `p` is a list.

        Raises:
            UsageError: a probability is not a number between 0 and 1, ends excluded.
            ModelRefused: no line has an expected cost in cash, or the simulation has too few draws.

        Example:
            >>> from outage_analysis.analysis import Plan, price
            >>> analysis = price(Plan(claims=()))
            >>> low, median, high = analysis.quantile([0.1, 0.5, 0.9])
            >>> low < median < high
            True
        """
        total = self._cash_total("a quantile")
        if isinstance(p, list | tuple | pl.Series | np.ndarray):
            return [total.quantile(float(x) if isinstance(x, np.number) else x) for x in p]
        return total.quantile(p)

    def chance_over(self, amount: float) -> float:
        """Return the probability that the headline cash total exceeds an amount of whole currency.

        Args:
            amount: the amount, such as a budget.

        Raises:
            UsageError: the amount is not a number.
            ModelRefused: no line has an expected cost in cash.
        """
        return self._cash_total("the chance of exceeding an amount").chance_over(amount)

    def sample(self, n: int) -> pl.Series:
        """Return simulated values of the headline cash total in whole currency.

        The same plan and the same n always give the same values.

        Args:
            n: the number of values. If the simulation has fewer draws, it runs again with more.

        Returns:
            A series `total` of n amounts in random order.

        Raises:
            UsageError: n is not a whole number from 1 to 4,194,304.
            ModelRefused: no line has an expected cost in cash.
        """
        return self._cash_total("a sample").sample(n)

    def scenarios(self, document: str | Path | ScenarioSet | None = None) -> pl.DataFrame:
        """Return the headline cash under each scenario of a document, computed on the same random points.

        Args:
            document: a bundled id, the path of a TOML file, or a `ScenarioSet`; by default the bundled
                stresses, which the table `scenarios` of a report has.

        Returns:
            One row per scenario, the first without a change: `expected`, the likely range with median and
            P75, `over_budget` (empty without a budget) and `change` (of the expected cash), in the smallest
            unit of the currency. `status` is `ok`, or the reason why a scenario has no figures.

        Raises:
            UsageError: the document is invalid.
            ModelRefused: no line has an expected cost in cash.

        Example:
            >>> from outage_analysis.analysis import Plan, price
            >>> table = price(Plan(claims=())).scenarios()
            >>> table["scenario"].to_list()[:3]
            ['base', 'one-tap', 'two-more-weeks']
        """
        from outage_analysis.analysis.scenarios import scenarios_of  # imported here: few need it

        table = scenarios_of(cast("Analysis", self), document)
        if table is None:
            refuse_no_cash("scenarios")
        return table

    def reserve(self, measure: str = "mean", *, handling: str = "outside") -> float:
        """Return the reserve in whole currency: what the lines with an obligation cost in cash.

        Args:
            measure: mean, median, P75 or P90.
            handling: `inside` adds the cost of working through the claims, draw by draw; else `outside`.

        Raises:
            UsageError: there is no such measure, or `handling` is neither inside nor outside.
            ModelRefused: no line has an expected cost in cash, or handling is inside and has none.

        Example:
            >>> from outage_analysis.analysis import Plan, price
            >>> analysis = price(Plan(claims=()))
            >>> analysis.reserve("mean") == analysis.expected
            True
            >>> analysis.reserve("median") < analysis.reserve("P75") < analysis.reserve("P90")
            True
        """
        from outage_analysis.analysis.reserve import (  # imported here: few need it
            reserve_amount,
            reserve_table,
        )

        table = reserve_table(cast("Analysis", self))
        if table is None:
            refuse_no_cash("a reserve")
        return reserve_amount(table, measure, handling) / float(10**self.incident.minor_units)

    def _cash_total(self, question: str) -> CashTotal:
        run = self.runs.get(self.headline_basis)
        if run is None or "cash" not in run.totals:
            refuse_no_cash(question)
        return CashTotal(run, self.incident.minor_units)


def refuse_no_cash(question: str) -> NoReturn:
    """Raise ModelRefused for a question about cash, because no line has an expected cash cost.

    An error is better than a result that silently leaves out the answer.
    """
    remedy = "Give a ledger with the inputs that the policy needs, or leave that question out."
    raise ModelRefused(
        f"no line has an expected cost in cash, so nothing is known of {question}", remedy=remedy
    )
