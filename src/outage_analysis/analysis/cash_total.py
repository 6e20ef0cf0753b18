"""The distribution of the headline cash total in whole currency: mean, quantiles, exceedance, samples."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from numbers import Real

import numpy as np
import polars as pl

from outage_analysis.costs import Simulation, rounded_estimate, rounded_probability
from outage_analysis.errors import UsageError

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

    def quantile(self, p: float) -> float:
        """Return the smallest total that is not exceeded with probability p.

        Raises:
            UsageError: p is not a number between 0 and 1, ends excluded.
            ModelRefused: too few draws lie beyond the quantile.
        """
        if isinstance(p, bool) or not isinstance(p, Real):
            remedy = "Give one probability, such as 0.9, or a list of them."
            raise UsageError("a probability is a number between 0 and 1", value=p, remedy=remedy)
        return rounded_estimate(self.run.totals["cash"].quantile(float(p))).value / 10**self.minor_units

    def chance_over(self, amount: float) -> float:
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
