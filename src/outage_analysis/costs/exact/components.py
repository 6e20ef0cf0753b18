"""The components of a total: groups of claims with a distribution of the count and one of the payment."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral, Real

from outage_analysis.errors import UsageError

Number = int | float | Fraction
SUM_TOLERANCE = 1e-9
"""How far the sum of float probabilities may differ from 1; they are then divided by their sum."""
NUMBER_LIMIT = 2**63


def checked_integer(value: object, name: str) -> int:
    """Check that a value is a whole number from 0 to 2^63 - 1, and return it as an int.

    Raises:
        UsageError: the value is a bool, a float, a text or out of range.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type] # tried
    except TypeError:
        number = None
    if number is None or not 0 <= number < NUMBER_LIMIT:
        raise UsageError(
            f"{name} is not a whole number from 0 to 2^63", value=value, remedy="Write 30000, not 30000.0."
        )
    return number


def checked_number(value: object, name: str) -> Number:
    """Check that a value is a number from 0 to below 2^63, and return it as an int, a Fraction or a float.

    Raises:
        UsageError: the value is not a number, negative, not finite or too large.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise UsageError(f"{name} is not a number", value=value, remedy="Give an int, a float or a Fraction.")
    number: Number
    if isinstance(value, Fraction):
        number = value
    else:
        number = int(value) if isinstance(value, Integral) else float(value)
    if not 0 <= number < NUMBER_LIMIT:  # written as a negation, so that NaN is refused, too
        raise UsageError(f"{name} is not a number from 0 to 2^63", value=value)
    return number


@dataclass(frozen=True)
class Fixed:
    """A known number of claims: exactly n.

    Raises:
        UsageError: n is not a whole number from 0 to 2^63.
    """

    n: int

    def __post_init__(self) -> None:
        """Check the count."""
        object.__setattr__(self, "n", checked_integer(self.n, "the count"))

    @property
    def rational(self) -> bool:
        """Whether the probabilities of the counts are exact rational numbers."""
        return True

    @property
    def moments(self) -> tuple[Number, Number]:
        """Mean and variance of the count."""
        return self.n, 0


@dataclass(frozen=True)
class Binomial:
    """A binomial number of claims: each of n is accepted with probability p; a refused claim is paid 0.

    Raises:
        UsageError: n is not a whole number from 0 to 2^63, or p does not lie between 0 and 1.
    """

    n: int
    p: Number

    def __post_init__(self) -> None:
        """Check the count and the probability."""
        object.__setattr__(self, "n", checked_integer(self.n, "the count"))
        object.__setattr__(self, "p", checked_number(self.p, "p"))
        if self.p > 1:
            raise UsageError("p lies between 0 and 1", value=self.p, remedy="Write 5 % as 0.05.")

    @property
    def rational(self) -> bool:
        """Whether the probabilities of the counts are exact rational numbers."""
        return isinstance(self.p, int | Fraction)

    @property
    def moments(self) -> tuple[Number, Number]:
        """Mean and variance of the count."""
        return self.n * self.p, self.n * self.p * (1 - self.p)


@dataclass(frozen=True)
class Poisson:
    """A Poisson number of claims.

    Raises:
        UsageError: the mean is not a number from 0 to 2^63.
    """

    mean: Number

    def __post_init__(self) -> None:
        """Check the mean."""
        object.__setattr__(self, "mean", checked_number(self.mean, "the mean"))

    @property
    def rational(self) -> bool:
        """Whether the probabilities of the counts are exact rational numbers."""
        return False

    @property
    def moments(self) -> tuple[Number, Number]:
        """Mean and variance of the count."""
        return self.mean, self.mean


@dataclass(frozen=True)
class NegativeBinomial:
    """An over-dispersed Poisson number of claims: its variance is `dispersion` times its mean.

    A dispersion of 1 is the Poisson distribution. If you know c in variance = mean + c mean^2 (c is called
    contagion, or the dispersion of a regression), the dispersion is 1 + c x mean. In the parameters r and
    beta of Klugman, Panjer and Willmot, mean = r beta and dispersion = 1 + beta.

    Raises:
        UsageError: the mean is not a number from 0 to 2^63, or the dispersion is below 1.
    """

    mean: Number
    dispersion: Number

    def __post_init__(self) -> None:
        """Check the mean, and that the dispersion is at least 1, its value for a Poisson distribution."""
        object.__setattr__(self, "mean", checked_number(self.mean, "the mean"))
        object.__setattr__(self, "dispersion", checked_number(self.dispersion, "the dispersion"))
        if self.dispersion < 1:
            raise UsageError(
                "the dispersion is the variance over the mean, at least 1",
                value=self.dispersion,
                remedy="With variance = mean + c mean^2, give 1 + c x mean.",
            )

    @property
    def rational(self) -> bool:
        """Whether the probabilities of the counts are exact rational numbers."""
        return False

    @property
    def moments(self) -> tuple[Number, Number]:
        """Mean and variance of the count."""
        return self.mean, self.mean * self.dispersion


@dataclass(frozen=True)
class Empirical:
    """A number of claims with a given probability for each of the counts 0, 1, 2, ...

    Args:
        probabilities: the probability of each count, from 0 on. They add up to 1; floats may miss it by 1e-9
            and are then divided by their sum. Stored as a tuple, without zeros at its end.

    Raises:
        UsageError: the probabilities are not a list of numbers from 0 to 1 that add up to 1.

    Example:
        >>> from outage_analysis.costs import Empirical
        >>> count = Empirical([0.5, 0.25, 0.25])
        >>> count.mean, round(count.dispersion, 4)
        (0.75, 0.9167)
    """

    probabilities: Sequence[Number]

    def __post_init__(self) -> None:
        """Check the probabilities, and divide floats by their sum."""
        listed = checked_probabilities(
            self.probabilities, "Give the probability of each count from 0 on; 0 for an impossible count."
        )
        last = max(n for n, p in enumerate(listed) if p)
        if not self._all_rational(listed):
            total = float(exact_sum(listed))
            listed = tuple(float(p) / total for p in listed)
        object.__setattr__(self, "probabilities", listed[: last + 1])

    @staticmethod
    def _all_rational(probabilities: Sequence[Number]) -> bool:
        return all(isinstance(p, int | Fraction) for p in probabilities)

    @property
    def rational(self) -> bool:
        """Whether the probabilities of the counts are exact rational numbers."""
        return self._all_rational(self.probabilities)

    @property
    def moments(self) -> tuple[Number, Number]:
        """Mean and variance of the count."""
        mean = exact_sum(n * p for n, p in enumerate(self.probabilities))
        return mean, exact_sum((n - mean) ** 2 * p for n, p in enumerate(self.probabilities))

    @property
    def mean(self) -> Number:
        """The mean of the count."""
        return self.moments[0]

    @property
    def dispersion(self) -> Number:
        """The variance of the count divided by its mean; 1 for a Poisson distribution.

        Raises:
            UsageError: the count is always 0.
        """
        mean, variance = self.moments
        if not mean:
            raise UsageError("a count that is always 0 has no dispersion")
        return variance / mean


Count = Fixed | Binomial | Poisson | NegativeBinomial | Empirical


@dataclass(frozen=True)
class Component:
    """A group of independent claims; each is paid `payments[i]` with probability `probabilities[i]`.

    Args:
        count: the distribution of the number of claims.
        payments: the possible payments, whole numbers from 0 in the smallest unit of the currency; 0 is a
            refused claim. Stored as a tuple.
        probabilities: the probability of each payment. They add up to 1; floats may miss it by 1e-9 and are
            then divided by their sum. Stored as a tuple.

    Raises:
        UsageError: an argument does not fit its description; the message names the argument.
    """

    count: Count
    payments: Sequence[int]
    probabilities: Sequence[Number]

    def __post_init__(self) -> None:
        """Check the count, the payments and their probabilities."""
        if not isinstance(self.count, Count):
            raise UsageError(
                "the count is not a distribution of a count",
                value=self.count,
                remedy="Give Fixed(n), Binomial(n, p), Poisson(mean), NegativeBinomial(mean, dispersion) or "
                "Empirical(probabilities).",
            )
        payments = tuple(checked_integer(x, "a payment") for x in _as_list(self.payments, "payments"))
        listed = _as_list(self.probabilities, "probabilities")
        if len(payments) != len(listed) or not payments:
            raise UsageError(
                f"{len(payments):,} payments do not fit {len(listed):,} probabilities",
                remedy="Give one probability for each payment, and at least one payment.",
            )
        probabilities = checked_probabilities(
            listed, "If the rest is not paid, add a payment of 0 with the remaining probability."
        )
        object.__setattr__(self, "payments", payments)
        object.__setattr__(self, "probabilities", probabilities)

    @property
    def rational(self) -> bool:
        """Whether every number is an int or a Fraction, so that all probabilities are rational."""
        return self.count.rational and all(isinstance(p, int | Fraction) for p in self.probabilities)


def checked_probabilities(values: object, remedy: str) -> tuple[Number, ...]:
    """Check that values are probabilities that add up to 1, and return them as a tuple.

    Args:
        values: the probabilities; a sum of floats may miss 1 by `SUM_TOLERANCE`.
        remedy: what the error message advises if the sum is not 1.

    Raises:
        UsageError: a value is not a number from 0, or the sum is not 1.
    """
    probabilities = tuple(checked_number(x, "a probability") for x in _as_list(values, "probabilities"))
    total = exact_sum(probabilities)
    if total != 1 if isinstance(total, Fraction) else abs(total - 1) > SUM_TOLERANCE:
        raise UsageError("the probabilities do not add up to 1", value=total, remedy=remedy)
    return probabilities


def exact_sum(numbers: Iterable[Number]) -> Fraction | float:
    """Add up numbers: ints and Fractions give an exact Fraction, floats a correctly rounded float."""
    terms = list(numbers)
    if any(isinstance(x, float) for x in terms):
        return math.fsum(terms)
    return sum((Fraction(x) for x in terms), Fraction(0))


def _as_list(values: object, name: str) -> list[object]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise UsageError(f"{name} are not a list of numbers", value=values)
    return list(values)
