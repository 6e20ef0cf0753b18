"""From reference classes to a law by the written rule, and from the event's own data to an update."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Collection, Sequence
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import integrate, stats

from outage_analysis.assumptions import RateAssumption, load_ledger, rates_by_effort
from outage_analysis.assumptions.distributions import (
    Beta,
    Fixed,
    LogitT,
    Pert,
    RatePrior,
    Spread,
    Uniform,
    class_groups,
    published_spread,
    reference_class_prior,
    update_rate,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import bundled_ids
from tests.paths import ROOT

FORM = [0.09, 0.08, 0.37]
"""Claims by form: three events that disagree."""


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def expit(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def classes_by_hand(topic: str, day: str = "9999-99") -> dict[tuple[str, str], dict[str, float]]:
    """(effort, denominator) -> event -> its rate, read from the file of rates."""
    groups: dict[tuple[str, str], dict[str, float]] = {}
    rows = csv.DictReader((ROOT / "data/published/rates.csv").read_text("utf-8").splitlines())
    for row in sorted(rows, key=lambda row: row["public_on"]):  # of one event, the latest counts
        if row["topic"] == topic and row["event"] and (row["public_on"] or "9999-99") <= day:
            low, high = (float(row[end] or row["value"]) for end in ("low", "high"))
            rate = float(row["value"]) if row["value"] else (low + high) / 2
            groups.setdefault((row["effort"], row["of"]), {})[row["event"]] = rate / 100
    return groups


def spread_by_hand(topic: str, day: str = "9999-99", without: Collection[str] = ()) -> tuple[float, int]:
    """The variance of logits about the means of their groups, and its degrees of freedom."""
    squares, free = 0.0, 0
    for group in classes_by_hand(topic, day).values():
        logits = [logit(rate) for event, rate in group.items() if event not in without]
        if logits:
            squares += (len(logits) - 1) * (stats.tvar(logits) if len(logits) > 1 else 0)
            free += len(logits) - 1
    return squares / free, free


SPREAD = Spread(3.0, 4)
"""A spread between other events, for the tests of the rule."""


def by_hand(shares: Sequence[float], pooled: float = 3.0, weight: int = 4) -> tuple[float, float]:
    """The 80 % range of the written rule, up to the clause that it contains up to three classes."""
    logits = [logit(s) for s in shares]
    n, centre = len(logits), math.fsum(logits) / len(logits)
    df = weight + n - 1
    variance = (weight * pooled + math.fsum((x - centre) ** 2 for x in logits)) / df
    reach = stats.t.ppf(0.9, df) * math.sqrt(variance * (1 + 1 / n))
    return expit(centre - reach), expit(centre + reach)


def likely(shares: Sequence[float], spread: Spread = SPREAD) -> tuple[float, float]:
    low, high = reference_class_prior(shares, spread).quantile([0.1, 0.9]).tolist()
    return low, high


@pytest.mark.parametrize("topic", ["take-up", "acceptance"])
def test_the_spread_is_pooled_within_groups_of_one_effort_and_denominator(topic: str) -> None:
    assert published_spread(topic) == pytest.approx(spread_by_hand(topic))
    day = date(2022, 12, 30)
    assert published_spread(topic, public_by=day) == pytest.approx(spread_by_hand(topic, str(day)))
    assert published_spread(topic, public_by=day).weight < published_spread(topic).weight
    groups = class_groups(topic, public_by=day)
    expected = {key: len(group) for key, group in classes_by_hand(topic, str(day)).items()}
    assert {key: len(ids) for key, ids in groups.items()} == expected


def test_an_event_that_an_assumption_uses_or_forecasts_is_in_no_spread() -> None:
    assert published_spread("acceptance", without=["kt-2018"]) == pytest.approx(
        spread_by_hand("acceptance", without=["kt-2018"])
    )
    assert published_spread("acceptance", ["TU-KT18"]) == published_spread("acceptance", without=["kt-2018"])
    everything = [id_ for ids in class_groups("acceptance").values() for id_ in ids]
    assert published_spread("acceptance", everything) == (0.0, 0)
    with pytest.raises(UsageError, match="no such fact"):
        published_spread("acceptance", ["TU-KT19"])


def test_rates_of_comparable_schemes_leave_out_the_event_that_is_forecast() -> None:
    day = date(2022, 12, 30)
    for event, used in (("kt-2018", False), ("kakao-2022", True)):
        _, acceptance = rates_by_effort({"documents": ["cash"]}, day, event)
        assert ("TU-KT18" in acceptance.classes) == used
        assert acceptance.left_out == (() if used else (event,))


def test_a_bundled_ledger_names_whole_groups_of_its_day_without_its_own_event() -> None:
    for name in bundled_ids("assumptions"):
        ledger = load_ledger(name)
        for rate in ledger.assumptions:
            if isinstance(rate, RateAssumption) and rate.classes:
                topic = "acceptance" if rate.kind == "acceptance" else "take-up"
                groups = class_groups(topic, public_by=ledger.as_of, without=[ledger.incident])
                assert rate.classes in groups.values(), (name, rate.id)
                assert "TU-KT18" not in rate.classes or ledger.incident != "kt-2018"
                assert ledger.incident != "kt-2018" or rate.left_out == ("kt-2018",)


@pytest.mark.parametrize(
    "shares",
    [
        [0.852],
        [0.04, 0.13],
        FORM,
        [0.30, 0.31, 0.32],
        [0.2, 0.2, 0.2],
        [0.12, 0.4, 0.007],
        [0.1, 0.2, 0.3, 0.4],
        [0.1, 0.2, 0.3, 0.4, 0.6],
    ],
)
def test_the_range_is_that_of_the_written_rule(shares: list[float]) -> None:
    assert likely(shares) == pytest.approx(by_hand(shares))
    spread = Spread(4.5, 2)
    assert likely(shares, spread) == pytest.approx(by_hand(shares, *spread))


def test_two_classes_that_disagree_lie_in_the_range() -> None:
    low, high = likely([0.05, 0.95])
    assert [low, high] == pytest.approx(by_hand([0.05, 0.95]))
    assert low < 0.05


@given(shares=st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=3), weight=st.integers(1, 9))
def test_up_to_three_classes_lie_in_the_range(shares: list[float], weight: int) -> None:
    for spread in (SPREAD, Spread(2.0, weight)):
        low, high = likely(shares, spread)
        assert low * (1 - 1e-9) <= min(shares) <= max(shares) <= high * (1 + 1e-9)


def test_one_class_and_no_other_event_say_nothing_of_a_spread() -> None:
    with pytest.raises(
        ModelRefused, match=r"one reference class says nothing .* State the distribution of the rate"
    ):
        reference_class_prior([0.2], Spread(0.0, 0))
    assert likely([0.2, 0.3], Spread(0.0, 0)) == pytest.approx(by_hand([0.2, 0.3], 0.0, 0))


@pytest.mark.parametrize("shares", [[], [0.0], [1.0, 0.5, 0.2], [-0.1], [1.5], [math.nan]])
def test_a_share_outside_zero_and_one_has_no_logit_and_is_refused(shares: list[float]) -> None:
    with pytest.raises(
        ModelRefused, match=r"need shares between 0 and 1.*State the distribution of the rate"
    ):
        reference_class_prior(shares, SPREAD)


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
    assert distribution.quantile(u) == pytest.approx(at, abs=1e-6)
    assert (distribution.quantile(u) - at) / exact.std() == pytest.approx(np.zeros(6), abs=1e-4)
    assert distribution.cdf(at) == pytest.approx(u, abs=1e-6)
    assert distribution.ends == pytest.approx((at[1], at[5]), abs=1e-6)
    ceiling = float(at[2])
    start = float(exact.ppf(1e-13))
    below = integrate.quad(exact.cdf, start, ceiling, epsabs=0, epsrel=1e-10)[0]
    assert distribution.capped_mean(ceiling) == pytest.approx(ceiling - below, abs=1e-6 * exact.std())


PRIORS: list[tuple[RatePrior, Callable[[float], float]]] = [
    (LogitT(location=-1.7, scale=1.05, df=2), lambda share: _student(2, (logit(share) + 1.7) / 1.05)),
    (LogitT(location=0.5, scale=0.1, df=3), lambda share: _student(3, (logit(share) - 0.5) / 0.1)),
    (Uniform(low=0.2, high=0.7), lambda share: share * (1 - share) * (0.2 <= share <= 0.7)),
    (
        Pert(low=0.1, mode=0.5, high=0.9),
        lambda share: share * (1 - share) * (max(0.0, share - 0.1) * max(0.0, 0.9 - share)) ** 2,
    ),
]
"""Priors with their densities on the logit, but for a constant."""


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
    assert distribution.mean == pytest.approx(integral(lambda share: share) / whole, abs=1e-6)
    assert distribution.capped_mean(0.3) == pytest.approx(
        integral(lambda share: min(share, 0.3)) / whole, abs=1e-6
    )
    for share in (0.3, 0.47):
        below = integral(lambda _: 1, logit(share)) / whole
        assert distribution.cdf(share) == pytest.approx(below, abs=1e-6)
        if below > 1e-3:
            assert distribution.quantile(below) == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize(
    ("prior", "hits", "of"),
    [
        (LogitT(location=0, scale=0.01, df=3), 0, 100_000_000),
        (Beta(a=2_000, b=2_000), 10, 2_000),
        (Uniform(low=0.2, high=0.7), 1, 2_000),
        (Uniform(low=0.2, high=0.7), 1_999, 2_000),
    ],
)
def test_counts_that_the_prior_all_but_excludes_are_refused(prior: RatePrior, hits: int, of: int) -> None:
    with pytest.raises(ModelRefused, match=r"all but excludes a rate that gives .* state a wider prior"):
        update_rate(prior, hits, of)


@pytest.mark.parametrize(
    ("prior", "hits", "of", "message"),
    [
        (Beta(a=1, b=1), 3, 2, r"an update needs 0 <= hits <= of.*found '3 of 2'"),
        (Beta(a=1, b=1), -1, 2, "an update needs 0 <= hits"),
        (Beta(a=1, b=1), 0, 0, "at least one trial"),
        (Uniform(low=0, high=2), 1, 2, "a continuous prior of a rate, between 0 and 1"),
        (Fixed(value=0.5), 1, 2, "a continuous prior of a rate, between 0 and 1"),
    ],
)
def test_what_cannot_be_updated_is_refused(prior: RatePrior, hits: int, of: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        update_rate(prior, hits, of)
