"""Laws of the ledger: against scipy's laws, against sums by hand, and what each must keep."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import ArrayLike
from scipy import integrate, special, stats

from outage_analysis.assumptions.distributions import (
    AnyDistribution,
    Beta,
    Discrete,
    Distribution,
    Fixed,
    FloatArray,
    LogitT,
    Lognormal,
    Pert,
    Uniform,
)
from outage_analysis.assumptions.ledger import BandMix
from outage_analysis.errors import UsageError
from outage_analysis.files import Document, read_document

INSIDE = np.array([1e-9, 1e-4, 0.01, 0.1, 0.35, 0.5, 0.8, 0.97, 0.999, 1 - 1e-6])
U = st.floats(1e-6, 1 - 1e-6)


def pert(low: float, mode: float, high: float, weight: float = 4) -> Any:  # noqa: ANN401 - a law of scipy
    at = (mode - low) / (high - low)
    return stats.beta(1 + weight * at, 1 + weight * (1 - at), loc=low, scale=high - low)


WITH_ORACLE: list[tuple[Distribution, Any]] = [
    (Uniform(low=-2, high=6), stats.uniform(-2, 8)),
    (Pert(low=10, mode=20, high=100), pert(10, 20, 100)),
    (Pert(low=10, mode=10, high=100, weight=2.5), pert(10, 10, 100, 2.5)),
    (Pert(low=-5, mode=3, high=3), pert(-5, 3, 3)),
    (Beta(a=2, b=5), stats.beta(2, 5)),
    (Beta(a=1, b=1), stats.beta(1, 1)),
    (Beta(a=0.4, b=0.3), stats.beta(0.4, 0.3)),
    (Beta(a=205, b=246), stats.beta(205, 246)),
    (Beta(a=4_510, b=80_100), stats.beta(4_510, 80_100)),
    (Lognormal(median=3e6, sigma=1.2), stats.lognorm(1.2, scale=3e6)),
    (Lognormal(median=0.5, sigma=0.05), stats.lognorm(0.05, scale=0.5)),
]
NAMES = [f"{distribution.kind} {number}" for number, (distribution, _) in enumerate(WITH_ORACLE)]  # type: ignore[attr-defined]

LOGITS: list[tuple[LogitT, Any]] = [
    (LogitT(location=-1.8, scale=1.1, df=2), stats.t(2, -1.8, 1.1)),
    (LogitT(location=2.0, scale=0.3, df=3), stats.t(3, 2.0, 0.3)),
    (LogitT(location=0.0, scale=1.0, df=7.5), stats.t(7.5, 0.0, 1.0)),
]


DISCRETE = Discrete(values=(30_000, 50_000, 222_500), probabilities=(0.5, 0.2, 0.3))
EVERY = [
    *(distribution for distribution, _ in WITH_ORACLE),
    *(distribution for distribution, _ in LOGITS),
    DISCRETE,
    Fixed(value=7),
]


@pytest.mark.parametrize(("distribution", "oracle"), WITH_ORACLE, ids=NAMES)
def test_means_shares_and_quantiles_are_those_of_scipy(distribution: Distribution, oracle: Any) -> None:  # noqa: ANN401
    assert distribution.mean == pytest.approx(oracle.mean(), rel=1e-12)
    assert distribution.quantile(INSIDE) == pytest.approx(oracle.ppf(INSIDE), rel=1e-9, abs=1e-12)
    beyond = np.concatenate([oracle.ppf(INSIDE), [oracle.ppf(0.5) - 1e9, oracle.ppf(0.5) + 1e9]])
    assert distribution.cdf(beyond) == pytest.approx(oracle.cdf(beyond), abs=1e-9)
    assert distribution.support == oracle.support()


@pytest.mark.parametrize(("distribution", "oracle"), WITH_ORACLE, ids=NAMES)
@pytest.mark.parametrize("at", [0.001, 0.3, 0.9])
def test_a_cap_takes_away_the_integral_of_what_lies_below_it(
    distribution: Distribution,
    oracle: Any,  # noqa: ANN401
    at: float,
) -> None:
    ceiling = oracle.ppf(at)
    start = max(oracle.support()[0], oracle.ppf(1e-14))
    below, _ = integrate.quad(oracle.cdf, start, ceiling, epsabs=0, epsrel=1e-11)
    assert distribution.capped_mean(ceiling) == pytest.approx(ceiling - below, rel=1e-9)


@pytest.mark.parametrize(("distribution", "logit"), LOGITS)
def test_a_distribution_of_a_logit_is_the_distribution_of_scipy_seen_through_its_curve(
    distribution: LogitT,
    logit: Any,  # noqa: ANN401 - a law of scipy
) -> None:
    assert distribution.quantile(INSIDE) == pytest.approx(special.expit(logit.ppf(INSIDE)), rel=1e-9)
    shares = np.array([-1, 0.01, 0.2, 0.9, 1, 2])
    inside = logit.cdf(special.logit(np.clip(shares, 0, 1)))
    assert distribution.cdf(shares) == pytest.approx(inside, abs=1e-9)

    def expected(g: Callable[[float], float]) -> float:
        turns = sorted([distribution.location, special.logit(0.3)])
        cuts = [-np.inf, *turns, np.inf]
        return math.fsum(
            integrate.quad(lambda x: g(special.expit(x)) * logit.pdf(x), a, b)[0] for a, b in pairwise(cuts)
        )

    assert distribution.mean == pytest.approx(expected(lambda share: share), abs=1e-6)
    assert distribution.capped_mean(0.3) == pytest.approx(expected(lambda share: min(share, 0.3)), abs=1e-6)


@pytest.mark.parametrize("distribution", EVERY, ids=lambda distribution: distribution.kind)
def test_the_ends_are_the_stated_bounds_or_the_outer_points(distribution: Distribution) -> None:
    stated = isinstance(distribution, Fixed | Uniform | Pert | Discrete)
    outer = tuple(distribution.quantile([0.01, 0.99]))
    assert distribution.ends == (distribution.support if stated else outer)
    assert (
        distribution.support[0]
        <= distribution.ends[0]
        <= distribution.mean
        <= distribution.ends[1]
        <= distribution.support[1]
    )


def distributions() -> st.SearchStrategy[Distribution]:
    number = st.floats(-1e6, 1e6)
    shape, scale = st.floats(0.2, 500), st.floats(0.05, 3)
    bounds = st.tuples(number, st.floats(1e-3, 1e6), st.floats(0, 1))
    bounded = bounds.map(lambda b: {"low": b[0], "mode": b[0] + b[2] * b[1], "high": b[0] + b[1]})
    inside = bounded.filter(lambda b: b["low"] <= b["mode"] <= b["high"])
    return st.one_of(
        bounded.map(lambda b: Uniform(low=b["low"], high=b["high"])),
        st.builds(
            lambda b, w: Pert(low=b["low"], mode=b["mode"], high=b["high"], weight=w),
            inside,
            st.floats(0.1, 50),
        ),
        st.builds(lambda a, b: Beta(a=a, b=b), shape, shape),
        st.builds(lambda m, s: Lognormal(median=m, sigma=s), st.floats(1e-3, 1e9), scale),
        st.builds(
            lambda m, s, df: LogitT(location=m, scale=s, df=df), st.floats(-4, 4), scale, st.floats(1, 30)
        ),
    )


@given(distribution=distributions(), low=U, high=U)
def test_quantiles_rise_and_are_undone_by_the_share_below(
    distribution: Distribution, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    at_low, at_high = distribution.quantile([low, high])
    assert at_low <= at_high
    least, most = distribution.support
    assert least <= at_low
    assert at_high <= most
    # Next to 1 a share has few digits left, and the law's probability may change between two of them.
    resolved = (
        least < at_high < most
        and abs(float(distribution.cdf(np.nextafter(at_high, most))) - distribution.cdf(at_high)) < 1e-9
    )
    if resolved:
        assert distribution.cdf(at_high) == pytest.approx(high, abs=1e-8)


@pytest.mark.parametrize(
    ("a", "b"), [(0.05, 2.0), (0.05, 0.08), (1.0, 9_000.0), (3e5, 2e5), (0.9, 40.0)], ids=str
)
def test_a_beta_quantile_is_right_far_out_and_for_odd_shapes(a: float, b: float) -> None:
    far = np.logspace(-14, -0.5, 60)
    distribution, oracle = Beta(a=a, b=b), stats.beta(a, b)
    assert distribution.quantile(far) == pytest.approx(oracle.ppf(far), rel=1e-6, abs=1e-300)
    assert distribution.quantile(1 - far[20:]) == pytest.approx(oracle.ppf(1 - far[20:]), abs=1e-8)


def test_a_discrete_distribution_by_hand() -> None:
    assert DISCRETE.mean == pytest.approx(0.5 * 30_000 + 0.2 * 50_000 + 0.3 * 222_500)
    assert DISCRETE.quantile([0.01, 0.5, 0.500001, 0.7, 0.71, 0.999]).tolist() == [
        *[30_000] * 2, *[50_000] * 2, *[222_500] * 2,
    ]  # fmt: skip
    assert DISCRETE.cdf([29_999, 30_000, 49_999, 50_000, 222_500]) == pytest.approx([0, 0.5, 0.5, 0.7, 1])
    assert DISCRETE.capped_mean(50_000) == pytest.approx(40_000)


def test_a_value_of_no_probability_is_never_drawn() -> None:
    distribution = Discrete(values=(1, 2, 3, 4), probabilities=(0, 0.3, 0.7, 0))
    assert distribution.support == (2.0, 3.0)
    assert set(distribution.quantile([1e-300, 0.3, 0.4, 1 - 1e-16]).tolist()) == {2, 3}


SHARES = (0.5, 0.3, 0.0, 0.2)


def mix_of(shares: tuple[float, ...], size: float) -> BandMix:
    bands = [{"over": k, "up_to": k + 1, "share": share} for k, share in enumerate(shares)]
    del bands[-1]["up_to"]
    stated = {
        "id": "mix",
        "kind": "band_mix",
        "name": "Mix",
        "lines": ("cash",),
        "public_on": date(2022, 1, 1),
    }
    words = dict.fromkeys(("source", "rationale", "owner"), "-")
    page = stated | words | {"grade": "assumed", "outcome_known": False, "band": tuple(bands), "size": size}
    return BandMix.model_validate(page)


def shares_at(mix: BandMix, u: ArrayLike) -> FloatArray:
    """Draws of the shares from uniform numbers in the order of bands; `draw` takes the last band first."""
    return mix.draw(np.asarray(u)[:, ::-1])


@pytest.mark.parametrize("size", [0.001, 0.05, 1, 4, 300, 1e6])
def test_shares_of_a_mix_sum_to_one_and_a_zero_stays_zero(size: float) -> None:
    u = stats.qmc.Sobol(4, seed=1).random(1024).clip(1e-12, 1 - 1e-12)
    u[0], u[1] = 1e-12, 1 - 1e-12
    rows = shares_at(mix_of(SHARES, size), u)
    assert rows.sum(axis=1) == pytest.approx(np.ones(1024), abs=1e-14)
    assert not rows[:, 2].any()
    assert rows.min() >= 0
    assert rows.mean(axis=0) == pytest.approx(SHARES, abs=0.015)


@pytest.mark.parametrize("size", [0.05, 4, 300])
def test_each_share_of_a_mix_follows_its_marginal_beta_distribution(size: float) -> None:
    u = stats.qmc.Sobol(4, seed=1).random(4096).clip(1e-12)
    rows = shares_at(mix_of(SHARES, size), u)
    for i in (0, 1, 3):
        distribution = stats.beta(size * SHARES[i], size * (1 - SHARES[i]))
        tried = np.array([1e-6, 0.01, 0.2, 0.4, 0.6, 0.99])
        assert [(rows[:, i] <= x).mean() for x in tried] == pytest.approx(distribution.cdf(tried), abs=0.01)
    together = np.cov(rows.T)[0, 1]
    assert together == pytest.approx(-0.5 * 0.3 / (size + 1), rel=0.1)


class Page(Document):
    """A page with one law."""

    distribution: AnyDistribution


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        ('{ kind = "pert", low = 1, mode = 2, high = 4 }', Pert(low=1, mode=2, high=4, weight=4)),
        ('{ kind = "logit-t", location = -2, scale = 1.5, df = 2 }', LogitT(location=-2, scale=1.5, df=2)),
    ],
)
def test_a_distribution_is_read_from_a_document(
    write_document: Callable[[str], Path], distribution: str, expected: Distribution
) -> None:
    assert (
        read_document(Page, "assumptions", write_document(f"distribution = {distribution}")).distribution
        == expected
    )


@pytest.mark.parametrize(
    ("distribution", "message"),
    [
        ('kind = "pert", low = 3, mode = 2, high = 4', "line 1, distribution: needs low <= mode <= high"),
        ('kind = "pert", low = 3, mode = 3, high = 3', "needs low < high. A value without a spread is"),
        ('kind = "pert", low = 3, high = 4', "distribution > mode: a required key is missing"),
        (
            'kind = "uniform", low = 3, hihg = 4',
            "distribution > hihg: unknown key (and 1 more). Did you mean 'high'?",
        ),
        ('kind = "uniform", low = 3, high = inf', "distribution > high: input should be a finite number"),
        ('kind = "prt", low = 3', "input tag 'prt' found using 'kind' does not match"),
        ("low = 3", "a required key, kind, is missing. Add it."),
        ('kind = "fixed", value = "3"', "distribution > value: input should be a valid number (found '3')"),
        ('kind = "beta", a = 0, b = 1', "distribution > a: input should be greater than 0"),
        (
            'kind = "lognormal", median = 1, sigma = -1',
            "distribution > sigma: input should be greater than 0",
        ),
        ('kind = "lognormal", median = 1, sigma = 11', "sigma: input should be less than or equal to 10"),
        (
            'kind = "lognormal", median = nan, sigma = 1',
            "distribution > median: input should be a finite number",
        ),
        (
            'kind = "logit-t", location = 0, scale = 1, df = 0',
            "distribution > df: input should be greater than or",
        ),
        ('kind = "discrete", values = [1, 2], probabilities = [0.5, 0.6]', "has probabilities that do"),
        ('kind = "discrete", values = [1, 2], probabilities = [1]', "needs one probability a value"),
        (
            'kind = "discrete", values = [2, 1], probabilities = [0.5, 0.5]',
            "distribution: needs values that rise",
        ),
        ('kind = "discrete", values = [], probabilities = []', "values: tuple should have at least 1 item"),
    ],
)  # fmt: skip
def test_a_distribution_that_breaks_a_rule_is_refused_by_key(
    write_document: Callable[[str], Path], distribution: str, message: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        read_document(Page, "assumptions", write_document(f"distribution = {{ {distribution} }}"))
    assert message in str(refusal.value)
