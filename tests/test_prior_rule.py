"""From reference classes to a law by the written rule, and from the event's own data to an update."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from outage_analysis.assumptions.laws import (
    Beta,
    Fixed,
    LogitNormal,
    LogitT,
    Pert,
    Triangular,
    Uniform,
)
from outage_analysis.assumptions.rule import (
    WIDE_SCALE,
    leave_one_out,
    reference_class_prior,
)
from outage_analysis.assumptions.updating import RatePrior, Updated, within_event
from outage_analysis.errors import ModelRefused, UsageError

SHARES = st.floats(0.01, 0.99)
FORM = [0.09, 0.08, 0.37]
"""Claims by form: three events that disagree."""


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def expit(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def first_release(shares: Sequence[float], ceiling: float) -> tuple[float, float, float]:
    """The rule as the first published figures were made: mean and outer points under a ceiling."""
    logits = np.log(np.asarray(shares) / (1 - np.asarray(shares)))
    n = len(logits)
    law = (
        stats.t(n - 1, loc=logits.mean(), scale=logits.std(ddof=1) * np.sqrt(1 + 1 / n))
        if n >= 3
        else stats.norm(loc=logits.mean(), scale=1.5)
    )
    points = (np.arange(20_000) + 0.5) / 20_000
    low, high = (min(float(special.expit(law.ppf(p))), ceiling) for p in (0.01, 0.99))
    return float(np.minimum(special.expit(law.ppf(points)), ceiling).mean()), low, high


@pytest.mark.parametrize(
    "shares",
    [[0.852], [0.04, 0.13], FORM, [0.12, 0.4, 0.007], [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4, 0.6]],
)
@pytest.mark.parametrize("ceiling", [1.0, 0.3, 0.01])
def test_published_figures_do_not_change_by_a_digit(shares: list[float], ceiling: float) -> None:
    law = reference_class_prior(shares)
    low, high = (min(end, ceiling) for end in law.ends)
    assert (law.capped_mean(ceiling), low, high) == first_release(shares, ceiling)
    assert law.mean == law.capped_mean(1.0)


@pytest.mark.parametrize("shares", [[0.2], [0.1, 0.4]])
def test_fewer_than_three_events_take_the_stated_wide_normal(shares: list[float]) -> None:
    law = reference_class_prior(shares)
    centre, z = sum(map(logit, shares)) / len(shares), stats.norm.ppf(0.95)
    ends = [expit(centre - WIDE_SCALE * z), expit(centre + WIDE_SCALE * z)]
    assert law.quantile([0.05, 0.95]) == pytest.approx(ends)


def test_three_events_take_a_student_t_that_keeps_their_spread() -> None:
    shares = [0.09, 0.19, 0.37]
    logits = [logit(s) for s in shares]
    centre = sum(logits) / 3
    spread = math.sqrt(sum((x - centre) ** 2 for x in logits) / 2 * (1 + 1 / 3))
    t = stats.t.ppf(0.95, 2)
    ends = [expit(centre - spread * t), expit(centre + spread * t)]
    assert reference_class_prior(shares).quantile([0.05, 0.95]) == pytest.approx(ends)


@pytest.mark.parametrize("shares", [[0.5], [0.3, 0.7], [0.1, 0.5, 0.9]])
def test_symmetric_classes_give_one_half(shares: list[float]) -> None:
    law = reference_class_prior(shares)
    assert law.mean == pytest.approx(0.5)
    assert sum(law.ends) == pytest.approx(1)


@given(shares=st.lists(SHARES, min_size=1, max_size=6, unique=True), data=st.data())
def test_the_order_of_the_classes_does_not_matter(shares: list[float], data: st.DataObject) -> None:
    one = reference_class_prior(shares)
    other = reference_class_prior(data.draw(st.permutations(shares)))
    assert (one.mean, *one.ends) == pytest.approx((other.mean, *other.ends))
    assert 0 <= one.ends[0] <= one.mean <= one.ends[1] <= 1


@given(low=SHARES, high=SHARES, other_class=st.lists(SHARES, max_size=1))
def test_one_of_at_most_two_classes_that_rises_raises_everything(
    low: float, high: float, other_class: list[float]
) -> None:
    low, high = sorted((low, high))
    one, other = (reference_class_prior([share, *other_class]) for share in (low, high))
    assert one.mean <= other.mean
    assert one.ends <= other.ends


@given(shares=st.lists(SHARES, min_size=3, max_size=6, unique=True), shift=st.floats(0.1, 2))
def test_classes_that_rise_together_raise_the_mean(shares: list[float], shift: float) -> None:
    risen = [expit(logit(s) + shift) for s in shares]
    assert reference_class_prior(risen).mean > reference_class_prior(shares).mean


@pytest.mark.parametrize("shares", [[], [0.0], [1.0, 0.5, 0.2], [-0.1], [1.5], [math.nan]])
def test_a_share_outside_zero_and_one_has_no_logit_and_is_refused(shares: list[float]) -> None:
    with pytest.raises(ModelRefused, match=r"need shares between 0 and 1.*State the law of the rate"):
        reference_class_prior(shares)


def test_three_equal_classes_have_no_spread_and_are_refused() -> None:
    with pytest.raises(ModelRefused, match="all equal"):
        reference_class_prior([0.2, 0.2, 0.2])


def test_each_class_is_tried_against_the_prior_from_the_others() -> None:
    table = leave_one_out({"a": 0.09, "b": 0.08, "c": 0.37, "d": 0.2})
    assert table.columns == ["class", "share", "low", "high", "inside", "percentile"]
    assert table["class"].to_list() == ["a", "b", "c", "d"]
    others = reference_class_prior([0.09, 0.08, 0.2])
    low, high = others.quantile([0.1, 0.9])
    assert table.row(2)[1:4] == (0.37, low, high)
    assert table["inside"].to_list() == [True, True, bool(high >= 0.37), True]
    assert table["percentile"][2] == pytest.approx(float(others.cdf(0.37)))
    wider = leave_one_out({"a": 0.09, "b": 0.08, "c": 0.37, "d": 0.2}, level=0.99)
    assert wider["inside"].all()


def test_the_rule_covers_what_it_says_when_logits_are_normal() -> None:
    rng = np.random.default_rng(1)
    sets = special.expit(rng.normal(-1.5, 0.8, (250, 4)))
    tables = [leave_one_out({str(i): float(s) for i, s in enumerate(row)}) for row in sets]
    assert np.mean([table["inside"].mean() for table in tables]) == pytest.approx(0.8, abs=0.04)


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
def test_a_beta_prior_becomes_the_beta_law_with_the_counts_added(
    a: float, b: float, hits: int, of: int
) -> None:
    law, exact = within_event(Beta(a=a, b=b), hits, of), stats.beta(a + hits, float(b + of - hits))
    u = np.array([1e-4, 0.01, 0.1, 0.5, 0.9, 0.99])
    at = exact.ppf(u)
    assert law.mean == pytest.approx(exact.mean(), rel=1e-8)
    assert law.variance == pytest.approx(exact.var(), rel=1e-7)
    assert law.quantile(u) == pytest.approx(at, abs=1e-6)
    assert (law.quantile(u) - at) / exact.std() == pytest.approx(np.zeros(6), abs=1e-4)
    assert law.cdf(at) == pytest.approx(u, abs=1e-6)
    assert law.ends == pytest.approx((at[1], at[5]), abs=1e-6)
    ceiling = float(at[2])
    start = float(exact.ppf(1e-13))
    below = integrate.quad(exact.cdf, start, ceiling, epsabs=0, epsrel=1e-10)[0]
    assert law.capped_mean(ceiling) == pytest.approx(ceiling - below, abs=1e-6 * exact.std())


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

    law, whole = within_event(prior, hits, of), integral(lambda _: 1)
    mean = integral(lambda share: share) / whole
    assert law.mean == pytest.approx(mean, abs=1e-6)
    assert law.variance == pytest.approx(integral(lambda share: (share - mean) ** 2) / whole, abs=1e-6)
    assert law.capped_mean(0.3) == pytest.approx(integral(lambda share: min(share, 0.3)) / whole, abs=1e-6)
    for share in (0.3, 0.47):
        below = integral(lambda _: 1, logit(share)) / whole
        assert law.cdf(share) == pytest.approx(below, abs=1e-6)
        if below > 1e-3:
            assert law.quantile(below) == pytest.approx(share, abs=1e-6)


def test_the_next_event_still_has_the_prior_however_much_was_seen_of_this_one() -> None:
    prior = reference_class_prior(FORM)
    before = prior.model_dump(), prior.mean, prior.variance
    for n in (10, 1_000, 1_000_000):
        law = within_event(prior, n // 20, n)
        assert law.prior is prior
        assert law.variance < prior.variance
        assert law.variance == pytest.approx(0.05 * 0.95 / n, rel=12 / n**0.5)
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
    law = within_event(prior, hits, of)
    assert min(prior.mean, hits / of) - 1e-9 <= law.mean <= max(prior.mean, hits / of) + 1e-9
    assert law.cdf(law.quantile(u)) == pytest.approx(u, abs=1e-6)


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
        within_event(prior, hits, of)


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
        within_event(prior, hits, of)


def test_an_update_says_what_it_was_made_of() -> None:
    law = within_event(Beta(a=1, b=1), 205, 451)
    assert law == Updated(prior=Beta(a=1, b=1), hits=205, of=451)
    assert law.support == (0, 1)
