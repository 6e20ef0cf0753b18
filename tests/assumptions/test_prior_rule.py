"""From reference classes to a law by the written rule, and from the event's own data to an update."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from outage_analysis.assumptions import leave_one_out, load_ledger, published_spread
from outage_analysis.assumptions.bounded_distributions import (
    Beta,
    LogitNormal,
    LogitT,
    Pert,
    Triangular,
    Uniform,
)
from outage_analysis.assumptions.distributions import Fixed
from outage_analysis.assumptions.reference_classes import (
    EFFORT_GROUPS,
    RatePrior,
    Spread,
    UpdatedRate,
    minimum_spread,
    reference_class_prior,
    update_rate,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import load_backtest_spec
from tests.paths import ROOT

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHOD = ROOT / "docs/method.md"
SHARES = st.floats(0.01, 0.99)
FORM = [0.09, 0.08, 0.37]
"""Claims by form: three events that disagree."""


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def expit(x: float) -> float:
    return 1 / (1 + math.exp(-x))


PUBLISHED: list[list[float]] = [[10, 6, 3, 8, 46, 22], [95.9, 85.4, 79.5, 13], [12, 40, 0.7]]
"""The published classes in percent, by the effort they ask: form, documents, one tap."""
POOLED = math.fsum((len(g) - 1) * stats.tvar([logit(p / 100) for p in g]) for g in PUBLISHED) / 10
WEIGHT, FLOOR = 4, stats.tstd([logit(p / 100) for p in PUBLISHED[0]])


def by_hand(shares: Sequence[float], pooled: float = POOLED, weight: int = WEIGHT) -> tuple[float, float]:
    """The 80 % range of the written rule, up to the clause that it contains up to three classes."""
    logits = [logit(s) for s in shares]
    n, centre = len(logits), math.fsum(logits) / len(logits)
    df = weight + n - 1
    variance = (weight * pooled + math.fsum((x - centre) ** 2 for x in logits)) / df
    reach = stats.t.ppf(0.9, df) * max(math.sqrt(variance), FLOOR) * math.sqrt(1 + 1 / n)
    return expit(centre - reach), expit(centre + reach)


def likely(shares: Sequence[float], spread: Spread | None = None) -> tuple[float, float]:
    low, high = reference_class_prior(shares, spread).quantile([0.1, 0.9]).tolist()
    return low, high


def test_the_spread_is_pooled_within_the_published_effort_groups() -> None:
    assert published_spread().variance == pytest.approx(POOLED) == pytest.approx(3.1278, abs=1e-4)
    assert published_spread().weight == WEIGHT
    assert minimum_spread() == pytest.approx(FLOOR) == pytest.approx(1.1737, abs=1e-4)


def test_the_effort_groups_are_those_on_which_the_back_test_tries_the_rule() -> None:
    tried = {s.id: s.classes for s in load_backtest_spec("kakao-2022").reference_sets}
    assert {effort: EFFORT_GROUPS[effort] for effort in ("form", "documents")} == tried
    taps = next(a for a in load_ledger("kakao-2022").assumptions if a.id == "as-one-tap-take-up")
    assert EFFORT_GROUPS["one_tap"] == taps.classes  # type: ignore[union-attr]


def test_a_source_that_an_assumption_uses_counts_once() -> None:
    taps, papers = ([logit(p / 100) for p in PUBLISHED[k]] for k in (2, 1))
    others = (2 * stats.tvar(taps) + 3 * stats.tvar(papers)) / 5
    # The studies of the three classes hold every class of the form group: 2 + 2 sources in 2 groups are left.
    left = published_spread(["TU-FTC-median", "TU-CFPB.median", "TU-RAIL"])
    assert list(left) == pytest.approx([others, 2])
    assert published_spread(["TU-KT18"]) == published_spread()
    everything = [c for group in EFFORT_GROUPS.values() for c in group]
    assert published_spread(everything) == (0.0, 0)
    with pytest.raises(UsageError, match="no such fact"):
        published_spread(["TU-KT19"])


@pytest.mark.parametrize(
    "shares",
    [[0.852], [0.04, 0.13], FORM, [0.12, 0.4, 0.007], [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4, 0.6]],
)
def test_the_range_is_that_of_the_written_rule(shares: list[float]) -> None:
    assert likely(shares) == pytest.approx(by_hand(shares))
    spread = Spread(4.5, 2)
    assert likely(shares, spread) == pytest.approx(by_hand(shares, *spread))


def test_a_prior_averages_over_20_000_points() -> None:
    distribution = reference_class_prior(FORM)
    points = special.expit(
        distribution.location
        + distribution.scale * stats.t.ppf((np.arange(20_000) + 0.5) / 20_000, distribution.df)
    )
    for ceiling in (1.0, 0.3, 0.01):
        assert distribution.capped_mean(ceiling) == float(np.minimum(points, ceiling).mean())
    assert distribution.mean == distribution.capped_mean(1.0)


def test_two_classes_that_disagree_lie_in_the_range() -> None:
    low, high = likely([0.05, 0.95])
    assert [low, high] == pytest.approx([0.012, 0.988], abs=5e-4)


def test_three_classes_that_happen_to_agree_leave_the_pooled_spread() -> None:
    low, high = likely([0.30, 0.31, 0.32])
    assert [low, high] == pytest.approx([0.04, 0.83], abs=0.005)


@pytest.mark.parametrize("n", [10, 30, 1000])
def test_many_classes_that_agree_are_never_narrower_than_the_floor(n: int) -> None:
    low, high = likely([0.30, 0.31] * (n // 2))
    reach = (logit(high) - logit(low)) / 2
    assert reach >= FLOOR * math.sqrt(1 + 1 / n) * stats.t.ppf(0.9, WEIGHT + n - 1) * (1 - 1e-12)
    if n >= 10:
        assert reach == pytest.approx(FLOOR * math.sqrt(1 + 1 / n) * stats.t.ppf(0.9, WEIGHT + n - 1))


@given(shares=st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=3), weight=st.integers(1, 9))
def test_up_to_three_classes_lie_in_the_range(shares: list[float], weight: int) -> None:
    for spread in (None, Spread(2.0, weight)):
        low, high = likely(shares, spread)
        assert low * (1 - 1e-9) <= min(shares) <= max(shares) <= high * (1 + 1e-9)


def test_one_class_and_no_other_event_say_nothing_of_a_spread() -> None:
    with pytest.raises(
        ModelRefused, match=r"one reference class says nothing .* State the distribution of the rate"
    ):
        reference_class_prior([0.2], Spread(0.0, 0))
    assert likely([0.2, 0.3], Spread(0.0, 0)) == pytest.approx(by_hand([0.2, 0.3], 0.0, 0))


COVERAGE = {
    2: (100, 98, 96, 92, 85, 78, 73, 66, 80),
    3: (100, 97, 95, 90, 84, 78, 73, 69, 80),
    5: (100, 95, 92, 88, 82, 78, 75, 72, 80),
    10: (100, 91, 88, 85, 81, 78, 76, 75, 80),
}
"""Of the method page, in %: by classes, and the standard deviation between events."""
BETWEEN = (0.5, 1.0, 1.17, 1.4, 1.77, 2.14, 2.5, 3.0)
EVENTS = 20_000


def covered(n: int, tau: NDArray[np.float64], rng: np.random.Generator) -> float:
    """How often the 80 % range from n classes holds a new event, in %: logits are normal about 0."""
    logits, new = tau[:, None] * rng.standard_normal((len(tau), n)), tau * rng.standard_normal(len(tau))
    low, high = np.transpose([likely(special.expit(row).tolist(), published_spread()) for row in logits])
    return float(100 * np.mean((special.logit(low) <= new) & (new <= special.logit(high))))


@pytest.mark.slow
@pytest.mark.parametrize("n", COVERAGE)
def test_the_range_holds_a_new_event_as_often_as_the_method_page_says(n: int) -> None:
    rng = np.random.default_rng(n)
    uncertain = np.sqrt(WEIGHT * POOLED / rng.chisquare(WEIGHT, 2_000))  # what four degrees of freedom leave
    found = covered(n, uncertain, rng)
    assert 77 <= found <= 83
    row = (n, *COVERAGE[n])
    assert f"| {' | '.join(map(str, row))} |" in METHOD.read_text("utf-8")
    for tau, stated in zip(BETWEEN, COVERAGE[n], strict=False):
        logits, new = tau * rng.standard_normal((EVENTS, n)), tau * rng.standard_normal(EVENTS)
        centre = logits.mean(1)
        df = WEIGHT + n - 1
        variance = (WEIGHT * POOLED + ((logits - centre[:, None]) ** 2).sum(1)) / df
        reach = stats.t.ppf(0.9, df) * np.maximum(np.sqrt(variance), FLOOR) * math.sqrt(1 + 1 / n)
        assert 100 * np.mean(abs(new - centre) <= reach) == pytest.approx(stated, abs=1.5)


@pytest.mark.parametrize("shares", [[0.5], [0.3, 0.7], [0.1, 0.5, 0.9]])
def test_symmetric_classes_give_one_half(shares: list[float]) -> None:
    distribution = reference_class_prior(shares)
    assert distribution.mean == pytest.approx(0.5)
    assert sum(distribution.ends) == pytest.approx(1)


@given(shares=st.lists(SHARES, min_size=1, max_size=6, unique=True), data=st.data())
def test_the_order_of_the_classes_does_not_matter(shares: list[float], data: st.DataObject) -> None:
    one = reference_class_prior(shares)
    other = reference_class_prior(data.draw(st.permutations(shares)))
    assert (one.mean, *one.ends) == pytest.approx((other.mean, *other.ends))
    assert 0 <= one.ends[0] <= one.mean <= one.ends[1] <= 1


@given(low=SHARES, high=SHARES)
def test_one_class_that_rises_raises_everything(low: float, high: float) -> None:
    low, high = sorted((low, high))
    one, other = (reference_class_prior([share]) for share in (low, high))
    assert one.mean <= other.mean
    assert one.ends <= other.ends


@given(shares=st.lists(SHARES, min_size=1, max_size=6, unique=True), shift=st.floats(0.1, 2))
def test_classes_that_rise_together_raise_the_mean(shares: list[float], shift: float) -> None:
    risen = [expit(logit(s) + shift) for s in shares]
    assert reference_class_prior(risen).mean > reference_class_prior(shares).mean


@pytest.mark.parametrize("shares", [[], [0.0], [1.0, 0.5, 0.2], [-0.1], [1.5], [math.nan]])
def test_a_share_outside_zero_and_one_has_no_logit_and_is_refused(shares: list[float]) -> None:
    with pytest.raises(
        ModelRefused, match=r"need shares between 0 and 1.*State the distribution of the rate"
    ):
        reference_class_prior(shares)


def test_equal_classes_have_the_pooled_spread() -> None:
    assert likely([0.2, 0.2, 0.2]) == pytest.approx(by_hand([0.2, 0.2, 0.2]))


def test_each_class_is_tried_against_the_prior_from_the_others() -> None:
    table = leave_one_out({"a": 0.09, "b": 0.08, "c": 0.37, "d": 0.2})
    assert table.columns == ["class", "share", "low", "high", "inside", "percentile"]
    assert table["class"].to_list() == ["a", "b", "c", "d"]
    others = reference_class_prior([0.09, 0.08, 0.2])
    low, high = others.quantile([0.1, 0.9])
    assert table.row(2)[1:4] == (0.37, pytest.approx(low), pytest.approx(high))
    assert table["inside"].to_list() == [True, True, bool(high >= 0.37), True]
    assert table["percentile"][2] == pytest.approx(float(others.cdf(0.37)))
    wider = leave_one_out({"a": 0.09, "b": 0.08, "c": 0.37, "d": 0.2}, level=0.99)
    assert (wider["high"] - wider["low"] > table["high"] - table["low"]).all()
    far = leave_one_out({"a": 0.09, "b": 0.08, "c": 0.999}, spread=Spread(1.0, 50))
    assert far["inside"].to_list() == [True, False, False]  # 8 % lies just below a range that reaches to 9 %
    low, high = likely([0.09, 0.08], Spread(1.0, 50))
    assert far.row(2)[2:4] == (pytest.approx(low), pytest.approx(high))


def test_one_class_alone_and_no_level_are_refused() -> None:
    with pytest.raises(ModelRefused, match="need shares"):
        leave_one_out({"a": 0.2})
    with pytest.raises(UsageError, match="a level lies between"):
        leave_one_out({"a": 0.2, "b": 0.3}, level=1.0)


BETAS = [
    (1, 1, 205, 451),
    (2, 30, 451, 8_461),
    (0.5, 0.5, 0, 1),
    (1, 1, 3, 3),
    (3, 2, 40_000_000, 80_000_000),
]


@pytest.mark.parametrize(("a", "b", "hits", "of"), [*BETAS, (1, 1, 0, 1_000_000), (0.05, 2, 3, 10)])
def test_a_beta_prior_becomes_the_beta_distribution_with_the_counts_added(
    a: float, b: float, hits: int, of: int
) -> None:
    distribution, exact = update_rate(Beta(a=a, b=b), hits, of), stats.beta(a + hits, float(b + of - hits))
    u = np.array([1e-4, 0.01, 0.1, 0.5, 0.9, 0.99])
    at = exact.ppf(u)
    assert distribution.mean == pytest.approx(exact.mean(), rel=1e-8)
    assert distribution.variance == pytest.approx(exact.var(), rel=1e-7)
    assert distribution.quantile(u) == pytest.approx(at, abs=1e-6)
    assert (distribution.quantile(u) - at) / exact.std() == pytest.approx(np.zeros(6), abs=1e-4)
    assert distribution.cdf(at) == pytest.approx(u, abs=1e-6)
    assert distribution.ends == pytest.approx((at[1], at[5]), abs=1e-6)
    ceiling = float(at[2])
    start = float(exact.ppf(1e-13))
    below = integrate.quad(exact.cdf, start, ceiling, epsabs=0, epsrel=1e-10)[0]
    assert distribution.capped_mean(ceiling) == pytest.approx(ceiling - below, abs=1e-6 * exact.std())


PRIORS: list[tuple[RatePrior, Callable[[float], float]]] = [
    (LogitNormal(location=-1.4, scale=1.5), lambda share: _bell((logit(share) + 1.4) / 1.5)),
    (LogitT(location=-1.7, scale=1.05, df=2), lambda share: _student(2, (logit(share) + 1.7) / 1.05)),
    (LogitT(location=0.5, scale=0.1, df=3), lambda share: _student(3, (logit(share) - 0.5) / 0.1)),
    (Uniform(low=0.2, high=0.7), lambda share: share * (1 - share) * (0.2 <= share <= 0.7)),
    (
        Triangular(low=0.1, mode=0.4, high=0.9),
        lambda share: share * (1 - share) * max(0.0, min((share - 0.1) / 0.3, (0.9 - share) / 0.5)),
    ),
    (
        Pert(low=0.1, mode=0.5, high=0.9),
        lambda share: share * (1 - share) * (max(0.0, share - 0.1) * max(0.0, 0.9 - share)) ** 2,
    ),
]
"""Priors with their densities on the logit, but for a constant."""


def _bell(x: float) -> float:
    return math.exp(-x * x / 2)


def _student(df: float, x: float) -> float:
    return float((1 + x * x / df) ** (-(df + 1) / 2))


@pytest.mark.parametrize(("prior", "density"), PRIORS, ids=lambda x: getattr(x, "kind", ""))
@pytest.mark.parametrize(("hits", "of"), [(205, 451), (1, 2)])
def test_an_update_is_prior_times_likelihood_by_another_integral(
    prior: RatePrior, density: Callable[[float], float], hits: int, of: int
) -> None:
    turns = [-30.0, *map(logit, (0.1, 0.2, hits / of, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9)), 30.0]

    def integral(g: Callable[[float], float], to: float = 30) -> float:
        def weighted(x: float) -> float:
            share = expit(x)
            fits = hits * math.log(share * of / hits) + (of - hits) * math.log((1 - share) * of / (of - hits))
            return g(share) * density(share) * math.exp(fits)

        cuts = sorted(x for x in {*turns, to} if x <= to)
        return math.fsum(integrate.quad(weighted, a, b, limit=200)[0] for a, b in pairwise(cuts))

    distribution, whole = update_rate(prior, hits, of), integral(lambda _: 1)
    mean = integral(lambda share: share) / whole
    assert distribution.mean == pytest.approx(mean, abs=1e-6)
    assert distribution.variance == pytest.approx(
        integral(lambda share: (share - mean) ** 2) / whole, abs=1e-6
    )
    assert distribution.capped_mean(0.3) == pytest.approx(
        integral(lambda share: min(share, 0.3)) / whole, abs=1e-6
    )
    for share in (0.3, 0.47):
        below = integral(lambda _: 1, logit(share)) / whole
        assert distribution.cdf(share) == pytest.approx(below, abs=1e-6)
        if below > 1e-3:
            assert distribution.quantile(below) == pytest.approx(share, abs=1e-6)


def test_the_next_event_still_has_the_prior_however_much_was_seen_of_this_one() -> None:
    prior = reference_class_prior(FORM)
    before = prior.model_dump(), prior.mean, prior.variance
    for n in (10, 1_000, 1_000_000):
        distribution = update_rate(prior, n // 20, n)
        assert distribution.prior is prior
        assert distribution.variance < prior.variance
        assert distribution.variance == pytest.approx(0.05 * 0.95 / n, rel=12 / n**0.5)
    assert (prior.model_dump(), prior.mean, prior.variance) == before


@given(
    a=st.floats(0.5, 20),
    b=st.floats(0.5, 20),
    of=st.integers(1, 400),
    part=st.floats(0, 1),
    u=st.floats(0.001, 0.999),
)
def test_what_was_seen_moves_the_mean_towards_it_and_quantiles_are_undone(
    a: float, b: float, of: int, part: float, u: float
) -> None:
    prior, hits = Beta(a=a, b=b), round(part * of)
    if stats.betabinom.pmf(hits, of, a, b) < 1e-6:  # a contradiction, which may be refused
        return
    distribution = update_rate(prior, hits, of)
    assert min(prior.mean, hits / of) - 1e-9 <= distribution.mean <= max(prior.mean, hits / of) + 1e-9
    assert distribution.cdf(distribution.quantile(u)) == pytest.approx(u, abs=1e-6)


@pytest.mark.parametrize(
    ("prior", "hits", "of"),
    [
        (LogitT(location=0, scale=0.01, df=3), 0, 100_000_000),
        (Beta(a=2_000, b=2_000), 10, 2_000),
        (Uniform(low=0.2, high=0.7), 1, 2_000),
        (Uniform(low=0.2, high=0.7), 1_999, 2_000),
        (LogitNormal(location=-5, scale=0.3), 500, 1_000),
    ],
)
def test_counts_that_the_prior_all_but_excludes_are_refused(prior: RatePrior, hits: int, of: int) -> None:
    with pytest.raises(ModelRefused, match=r"all but excludes a rate that gives .* state a wider prior"):
        update_rate(prior, hits, of)


@pytest.mark.parametrize(
    ("prior", "hits", "of", "message"),
    [
        (Beta(a=1, b=1), 3, 2, r"an update needs hits <= of \(found '3 of 2'\)"),
        (Beta(a=1, b=1), -1, 2, "greater than or equal to 0"),
        (Beta(a=1, b=1), 0, 0, "greater than or equal to 1"),
        (Uniform(low=0, high=2), 1, 2, "an update needs a prior of a rate, between 0 and 1"),
        (Fixed(value=0.5), 1, 2, "input tag 'fixed' found using 'kind' does not match"),
    ],
)
def test_what_cannot_be_updated_is_refused(prior: RatePrior, hits: int, of: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        update_rate(prior, hits, of)


def test_an_update_says_what_it_was_made_of() -> None:
    distribution = update_rate(Beta(a=1, b=1), 205, 451)
    assert distribution == UpdatedRate(prior=Beta(a=1, b=1), hits=205, of=451)
    assert distribution.support == (0, 1)
