"""Silent failures of the field, made loud: typed errors that name a remedy."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from outage_analysis.costs import Binomial, Component, Fixed, exact_total
from outage_analysis.costs.exact import total as exact
from outage_analysis.costs.exact.components import NegativeBinomial, Poisson
from outage_analysis.costs.exact.lattice import Lattice
from outage_analysis.costs.exact.lattice import probability_window as proved
from outage_analysis.costs.exact.total import invert_by_fft
from outage_analysis.costs.exact.total_distribution import TotalDistribution
from outage_analysis.errors import ModelRefused, UsageError

NAN, INF = float("nan"), float("inf")
TIERS = ([30_000, 50_000], [0.6, 0.4])
Window = Callable[[Lattice], tuple[int, int]]


def tiers(n: float) -> TotalDistribution:
    return exact_total([Component(Poisson(n), *TIERS)])


# --- counts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [-1, 2.0, 2.5, NAN, INF, True, "3", None, 2**63, Fraction(3)])
@pytest.mark.parametrize("count", [Fixed, lambda n: Binomial(n, 0.5)])
def test_a_number_of_claims_that_is_no_count(count: Any, n: Any) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(UsageError, match="the count is not a whole number"):
        count(n)


@pytest.mark.parametrize("p", [-1e-9, 1 + 1e-9, 5, NAN, INF, True, "0.5", None, Decimal("0.5"), 0.5j])
def test_a_probability_that_is_none(p: Any) -> None:  # noqa: ANN401
    with pytest.raises(UsageError, match=r"p (lies|is not)"):
        Binomial(10, p)
    with pytest.raises(UsageError):
        Component(Fixed(1), [0, 1], [0.5, p] if p not in (True, 5) else [p, 0])


@pytest.mark.parametrize("mean", [-0.1, NAN, INF, True, "760", None, [3], 10**400])
def test_a_mean_that_is_none(mean: Any) -> None:  # noqa: ANN401
    for make in (Poisson, lambda m: NegativeBinomial(m, 2)):
        with pytest.raises(UsageError, match="the mean is not a number"):
            make(mean)


@pytest.mark.parametrize("dispersion", [0, 0.5, 1 - 1e-12])
def test_a_dispersion_below_that_of_poisson_names_the_other_parameters(dispersion: float) -> None:
    with pytest.raises(UsageError, match=r"at least 1.*variance = mean \+ c mean\^2, give 1 \+ c x mean"):
        NegativeBinomial(100, dispersion)


@pytest.mark.parametrize("dispersion", [NAN, INF, True, "2"])
def test_a_dispersion_that_is_no_number(dispersion: Any) -> None:  # noqa: ANN401
    with pytest.raises(UsageError, match="the dispersion is not a number"):
        NegativeBinomial(100, dispersion)


# --- payments -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("payment", [-1, 0.5, 30_000.0, NAN, INF, True, "30000", None, Fraction(1, 2)])
def test_a_payment_that_is_no_whole_number(payment: Any) -> None:  # noqa: ANN401
    with pytest.raises(UsageError, match=r"a payment is not a whole number.*Write 30000, not 30000\.0"):
        Component(Fixed(1), [0, payment], [0.5, 0.5])


@pytest.mark.parametrize(
    ("probabilities", "said"),
    [
        ([0.5, 0.4], "do not add up to 1 .found '0.9'"),
        ([0.5, 0.5 + 1e-8], "do not add up to 1"),
        ([1.5, -0.5], "a probability is not a number from 0"),
        ([Fraction(1, 2), Fraction(1, 2) - Fraction(1, 10**30)], "do not add up to 1"),
        ([0.5, NAN], "a probability is not a number from 0"),
        ([1.0], "2 payments do not fit 1 probabilities"),
        ([], "2 payments do not fit 0 probabilities"),
        (1.0, "probabilities are not a list of numbers"),
        ("11", "probabilities are not a list of numbers"),
    ],
)
def test_probabilities_that_are_no_distribution(probabilities: Any, said: str) -> None:  # noqa: ANN401
    with pytest.raises(UsageError, match=said):
        Component(Fixed(1), [0, 10], probabilities)


def test_a_component_of_nothing() -> None:
    with pytest.raises(UsageError, match="at least one payment"):
        Component(Fixed(1), [], [])
    for count in (3, "Poisson", None):
        with pytest.raises(UsageError, match="is not a distribution of a count"):
            Component(count, [1], [1])  # type: ignore[arg-type] # the test


def test_a_sum_of_probabilities_that_rounds_is_divided_out() -> None:
    distribution = exact_total([Component(Fixed(10), [1, 2], [0.5, 0.5 + 5e-10])])
    assert distribution.checks["sum"] < 1e-15
    assert distribution.mean == pytest.approx(15 + 2.5e-9, abs=1e-12)


@pytest.mark.parametrize("components", [[], ()])
def test_a_total_of_nothing(components: Any) -> None:  # noqa: ANN401
    with pytest.raises(UsageError, match="there is no component"):
        exact_total(components)


@pytest.mark.parametrize("components", [[3], "abc", 7, [Fixed(3)]])
def test_a_total_of_something_else(components: Any) -> None:  # noqa: ANN401
    with pytest.raises(UsageError, match=r"is no component.*Give Component"):
        exact_total(components)


def test_numbers_of_numpy_are_numbers() -> None:
    payments, shares = np.array([30_000, 50_000]), np.array([0.6, 0.4])
    distribution = exact_total([Component(Fixed(np.int64(5)), payments, shares)])  # type: ignore[arg-type] # arrays
    plain = exact_total([Component(Fixed(5), *TIERS)])
    assert list(distribution.weights) == list(plain.weights)
    at = (np.float64(200_000), np.int64(200_000), 200_000)
    assert len({distribution.cdf(total) for total in at}) == 1  # type: ignore[arg-type]


# --- the lattice --------------------------------------------------------------------------------------


def test_a_lattice_that_is_too_short_names_the_unit_that_fits() -> None:
    claims = [Component(Poisson(100_000), [1, 9_999_999], [0.5, 0.5])]
    with pytest.raises(ModelRefused, match=r"needs 37,213,5.* points.*unit=18100") as refused:
        exact_total(claims)
    assert "2,097,152 are allowed" in str(refused.value)
    distribution = exact_total(claims, unit=18_100)
    assert distribution.splitting_sd < 1e-3 * float(distribution.variance) ** 0.5


def test_fewer_points_than_the_distribution_needs_are_refused_not_folded() -> None:
    distribution = tiers(100)
    assert (
        exact_total([Component(Poisson(100), *TIERS)], most_points=len(distribution.points)).points
        == distribution.points
    )
    with pytest.raises(ModelRefused, match="the lattice is too short"):
        exact_total([Component(Poisson(100), *TIERS)], most_points=len(distribution.points) - 1)


def test_a_unit_that_would_blur_the_distribution() -> None:
    with pytest.raises(ModelRefused, match="would add 18% to the variance"):
        exact_total([Component(Poisson(100), [3, 5], [0.5, 0.5])], unit=4)
    with pytest.raises(ModelRefused, match="would add 43% to the variance"):
        exact_total([Component(Binomial(10**6, 0.999999999), [7], [1.0])], unit=10)


@pytest.mark.parametrize("unit", [0, -1, 2.0, True, "10"])
def test_a_unit_that_is_none(unit: Any) -> None:  # noqa: ANN401
    with pytest.raises(UsageError, match=r"unit"):
        exact_total([Component(Poisson(1), [1], [1])], unit=unit)
    with pytest.raises(UsageError, match=r"point"):
        exact_total([Component(Poisson(1), [1], [1])], most_points=unit)


def narrowed(share: float) -> Window:
    """A window that is too short, as if its bound had been wrong."""

    def window(lattice: Lattice) -> tuple[int, int]:
        first, last = proved(lattice)
        cut = int((last - first) * (1 - share) / 2)
        return first + cut, last - cut

    return window


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_what_a_short_lattice_folds_is_seen_and_the_lattice_grows(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = tiers(1000)
    monkeypatch.setattr(exact, "probability_window", narrowed(share))
    grown = tiers(1000)
    assert len(grown.points) > share * len(right.points)
    assert [grown.quantile(p) for p in (0.01, 0.999)] == [right.quantile(p) for p in (0.01, 0.999)]
    assert grown.cdf(40_000_000) == pytest.approx(right.cdf(40_000_000), abs=1e-9)


def test_a_lattice_that_may_not_grow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = len(tiers(1000).points)
    monkeypatch.setattr(exact, "probability_window", narrowed(0.3))
    with pytest.raises(ModelRefused, match=r"failed its checks: .*variance off by .*edges off by"):
        exact_total([Component(Poisson(1000), *TIERS)], most_points=needed // 2)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda w: 1.001 * w, "sum off by 1.0e-03"),
        (lambda w: np.roll(w, 1), "mean off by"),
        (lambda w: (w + np.roll(w, 1) + np.roll(w, -1)) / 3, "variance off by"),
        (lambda w: w - 1e-8 * np.eye(len(w))[0], "negative off by 1.0e-08"),
        (lambda w: w + np.nan, "sum off by nan"),
    ],
)
def test_probabilities_that_fail_a_check_never_leave(
    spoil: Callable[[Any], Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        exact, "invert_by_fft", lambda *given: (spoil(invert_by_fft(*given)[0]), *invert_by_fft(*given)[1:])
    )
    with pytest.raises(ModelRefused, match=said):
        tiers(50)


# --- rates, counts and payments that break other programs ---------------------------------------------


@pytest.mark.parametrize("mean", [700, 760, 800, 5000, 100_000])
def test_a_rate_whose_exponential_underflows_is_no_difficulty(mean: int) -> None:
    distribution = tiers(mean)
    assert distribution.pmf(0) == pytest.approx(0, abs=1e-17)
    assert distribution.quantile(0.5) == pytest.approx(distribution.mean, rel=0.01)
    assert max(distribution.checks.values()) < 1e-12


@pytest.mark.parametrize(
    "count", [Fixed(80_000_000), Binomial(80_000_000, 0.05), Poisson(80_000_000)], ids=str
)
def test_eighty_million_claims_are_no_difficulty(count: Fixed | Binomial | Poisson) -> None:
    distribution = exact_total([Component(count, *TIERS)])
    assert max(distribution.checks.values()) < 1e-12
    assert distribution.error < 1e-11
    normal = float(distribution.mean) + 2.3263479 * float(distribution.variance) ** 0.5
    assert distribution.quantile(0.99) == pytest.approx(
        normal, abs=0.001 * float(distribution.variance) ** 0.5
    )


def test_a_payment_that_never_comes_does_not_widen_the_distribution() -> None:
    plain = exact_total([Component(Poisson(1000), [1], [1])])
    distribution = exact_total(
        [Component(Poisson(1000), [1], [1]), Component(Poisson(1e-200), [10**15], [1])]
    )
    assert distribution.quantile(0.999) == plain.quantile(0.999)
    assert len(distribution.points) == len(plain.points)


def test_a_payment_beyond_every_lattice() -> None:
    with pytest.raises(ModelRefused, match="units above the others"):
        exact_total([Component(Poisson(1), [1, 2**62], [0.5, 0.5])])


# --- questions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0, 1, -0.1, 1.1, NAN, INF, True, "0.5", None, [0.5]])
def test_a_level_that_is_none(p: Any) -> None:  # noqa: ANN401
    distribution = tiers(10)
    for ask in (distribution.quantile, distribution.tvar):
        with pytest.raises(UsageError, match=r"probability (lies|is not)"):
            ask(p)


@pytest.mark.parametrize("x", [NAN, True, "3", None, [3]])
def test_a_total_that_is_no_number(x: Any) -> None:  # noqa: ANN401
    distribution = tiers(10)
    for ask in (distribution.pmf, distribution.cdf):
        with pytest.raises(UsageError, match="a total is a number"):
            ask(x)


def test_no_digit_beyond_what_the_distribution_is_known_to() -> None:
    distribution = tiers(100_000)
    assert distribution.smallest_tail == pytest.approx(distribution.error * 1e4)
    for p in (distribution.smallest_tail / 2, 1 - distribution.smallest_tail / 2):
        for ask in (distribution.quantile, distribution.tvar):
            with pytest.raises(ModelRefused, match=r"too much for a tail.*Ask for tails of at least"):
                ask(p)
    assert distribution.quantile(1 - 2 * distribution.smallest_tail) > distribution.quantile(0.999999)
    small = exact_total([Component(Binomial(3, Fraction(1, 100)), [1], [1])])
    assert small.quantile(Fraction(10**30 - 1, 10**30)) == 3
