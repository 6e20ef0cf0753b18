"""The back-test of the Kakao case: forecasts against oracles, rivals, and no way back from an outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from outage_analysis.costs import build_portfolio, rounded_estimate, simulate
from outage_analysis.costs.backtesting import Backtest, backtest, crps_log10, crps_log_uniform
from outage_analysis.errors import ModelRefused, OutageAnalysisError, UsageError
from outage_analysis.incidents import load_backtest_spec, published_facts as published
from outage_analysis.incidents.published_facts import FactCollection
from outage_analysis.text import Locale
from tests.assumptions.test_prior_rule import classes_by_hand, spread_by_hand
from tests.conftest import Edited, Reshelve

Array = NDArray[np.float64]

SPEC = load_backtest_spec("kakao-2022")
DRAWS = 2**10
FORECAST = [
    "outcome",
    "denominator",
    "range_low",
    "p50",
    "range_high",
    "expected",
    "error",
    "sharpness",
    "assumptions",
]


@pytest.fixture(scope="module")
def result() -> Backtest:
    return backtest(SPEC, draws=DRAWS)


def row(found: Backtest, outcome: str) -> dict[str, Any]:
    return found.outcomes.row(by_predicate=pl.col("outcome") == outcome, named=True)


# --- forecasts against oracles --------------------------------------------------------------------------


def score(draws: Array, observed: float) -> float:
    """The CRPS of log10 by its definition: the squared distance of the distribution from a step."""
    x = np.sort(np.log10(np.maximum(draws, 1)))
    ends = np.sort(np.append(x, np.log10(observed)))
    below = np.searchsorted(x, ends, "right")[:-1] / len(x)
    return float((np.diff(ends) * (below - (ends[:-1] >= np.log10(observed))) ** 2).sum())


def at_most(k: int, n: int, rates: Array) -> float:
    """P(at most k of n) with one of these rates, each as likely."""
    return float(stats.binom.cdf(k, n, rates).mean())


def rates(topic: str, effort: str, of: str) -> Array:
    """The rule in its own words: a new event's rate at 100,000 middles of equal probability."""
    u = (np.arange(100_000) + 0.5) / 100_000
    group = classes_by_hand(topic, str(SPEC.as_of))[effort, of]
    pooled, weight = spread_by_hand(topic, str(SPEC.as_of), without=group)
    classes = special.logit([*group.values()])
    df = weight + len(classes) - 1
    between = (weight * pooled + ((classes - classes.mean()) ** 2).sum()) / df
    wide = np.sqrt(between * (1 + 1 / len(classes)))
    return np.asarray(special.expit(classes.mean() + wide * stats.t.ppf(u, df)))


FILED = rates("take-up", "form", "entitled")
ACCEPTED = rates("acceptance", "form", "filed")


@pytest.mark.slow
def test_the_range_of_filings_has_the_probability_of_its_level() -> None:
    mine = row(backtest(SPEC, level=90), "filed")
    for name, p in (("range_low", 0.05), ("p50", 0.5), ("range_high", 0.95)):
        low, high = (int(mine[name] * (1 + side * 3 * mine["error"])) for side in (-1, 1))
        assert at_most(low, 8461, FILED) <= p <= at_most(high, 8461, FILED)


@pytest.mark.parametrize(
    ("outcome", "people", "seen", "of", "verdict"),
    [("filed", 8461, 451, FILED, "inside"), ("accepted", 451, 205, ACCEPTED, "miss_low")],
)
def test_counts_are_binomial_with_a_student_t_logit_of_the_classes(
    result: Backtest, outcome: str, people: int, seen: int, of: Array, verdict: str
) -> None:
    mine = row(result, outcome)
    assert (mine["observed"], mine["verdict"]) == (seen, verdict)
    assert at_most(int(mine["range_low"]), people, of) == pytest.approx(0.1, abs=1e-3)
    position = (at_most(seen - 1, people, of) + at_most(seen, people, of)) / 2
    assert mine["percentile"] == pytest.approx(position, abs=5e-4)
    assert mine["expected"] == pytest.approx(people * of.mean(), rel=1e-4)
    draws = np.random.default_rng(1).binomial(people, of).astype(float)
    assert mine["crps"] == pytest.approx(score(draws, seen), abs=0.005)


def test_the_total_is_the_cash_of_the_run_that_the_report_prints(result: Backtest) -> None:
    total = row(result, "small-business-total")
    cash = simulate(build_portfolio(result.policy, result.ledger, as_of=SPEC.as_of), draws=DRAWS).totals[
        "cash"
    ]
    printed = [rounded_estimate(cash.quantile(p)).value for p in (0.1, 0.5, 0.9)]
    assert [total[p] for p in ("range_low", "p50", "range_high")] == printed


def test_a_score_is_that_of_the_definition_and_of_the_closed_forms() -> None:
    rng = np.random.default_rng(4)
    draws = rng.lognormal(3, 2, 500) * rng.integers(0, 2, 500)  # half of them count as 1
    for observed in (1.0, 7.0, 1e6):
        assert crps_log10(draws, observed) == pytest.approx(score(draws, observed), rel=1e-9)
    u = (np.arange(2**14) + 0.5) / 2**14
    for observed in (10.0, 10**2.3, 10**5):
        even = 10 ** (2 + 2 * u)  # log-uniform from 100 to 10,000
        assert crps_log10(even, observed) == pytest.approx(crps_log_uniform(1e2, 1e4, observed), abs=1e-8)
        # Of a normal distribution: Gneiting and Raftery (2007), equation 21.
        y = np.log10(observed) - 3
        normal = y * (2 * special.ndtr(y) - 1) + 2 * stats.norm.pdf(y) - 1 / np.sqrt(np.pi)
        assert crps_log10(10 ** (3 + special.ndtri(u)), observed) == pytest.approx(normal, abs=1e-4)
    assert crps_log10(np.array([1000.0]), 10) == crps_log_uniform(1000, 1000, 10) == pytest.approx(2)


# --- tables and sentences -------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_caveat_comes_first_and_each_miss_has_a_paragraph(result: Backtest, lang: str) -> None:
    said = result.sentences(Locale(lang, result.policy.currency, result.policy.digits))
    first = {
        "en": ("illustration, not a validation", "knew the outcome"),
        "ko": ("타당성 검증이 아니라", "결과를 아는 사람"),
    }
    assert all(caveat in said[0] for caveat in first[lang])
    names = {o.id: o.name[lang] for o in SPEC.outcomes}
    misses = [s for s in said if ("We change no assumption" if lang == "en" else "바꾸지 않습니다") in s]
    for miss, outcome, numbers in zip(
        misses,
        ("accepted", "channel-applicants", "emoticon-takers"),
        (
            ("210", "438", "205", "78%", "45%"),
            ("8,800", "266,000", "900", "10%", "0.090%"),
            ("423,000", "12,800,000", "17,300,000", "10%", "36%"),
        ),
        strict=True,
    ):
        assert names[outcome] in miss
        assert all(number in miss for number in numbers)
    assert sum("CO-07" in s or "CO-08" in s or "CO-09" in s for s in said) == 3
    assert not any("{" in s or "None" in s for s in said)


def test_a_miss_of_cash_says_what_each_was_paid() -> None:
    few = SPEC.outcomes[2].model_copy(update={"denominator": "R2-09"})  # fifty million for three claims
    total = SPEC.outcomes[5].model_copy(update={"fact": "CO-06.list-value"})
    spec = SPEC.model_copy(update={"outcomes": (few, total)})
    said = backtest(spec, draws=DRAWS).sentences(Locale("en"))
    (one,) = (s for s in said if "For each of 3" in s)
    assert "the actual average was 17 million won" in one
    assert "the outcome was higher" in one
    assert "“Review award" in one
    assert any("The results by stage show which." in s for s in said)


# --- no hindsight ---------------------------------------------------------------------------------------


def noise(kept: set[str]) -> Callable[[FactCollection], pl.DataFrame]:
    """Shelves whose outcomes and later facts say something else, but for those kept."""
    known = published._fact_table  # noqa: SLF001 - the one place where every figure comes from

    def shelf(name: FactCollection) -> pl.DataFrame:
        frame = known(name)
        later = pl.col("public_on").is_null() | (pl.col("public_on") > SPEC.as_of)
        other = (pl.int_range(pl.len()) * 7919 % 1000 + 1).cast(pl.Float64)
        return frame.with_columns(
            pl.when(later & ~pl.col("id").is_in(kept) & pl.col(c).is_not_null())
            .then(other)
            .otherwise(c)
            .alias(c)
            for c in ("value", "low", "high")
        )

    return shelf


def test_noise_for_every_outcome_changes_scores_and_no_forecast(result: Backtest, reshelve: Reshelve) -> None:
    conditions = {o.denominator for o in SPEC.outcomes}
    reshelve(noise(conditions))
    blind = backtest(SPEC, draws=DRAWS)
    assert blind.outcomes.select(FORECAST).equals(result.outcomes.select(FORECAST))
    moved = blind.outcomes["observed"] != result.outcomes["observed"]
    assert moved.to_list() == [o.fact not in conditions for o in SPEC.outcomes]
    assert (blind.outcomes["crps"] != result.outcomes["crps"]).to_list() == moved.to_list()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("known_on = 2023-06-30", "known_on = 2022-12-30", "a day after as_of"),
        ('stage = "total"', 'stage = "total"\ndenominator = "CL-13"', "Leave out denominator"),
        ('denominator = "CL-13"\n', "", "has no denominator. Name the fact that counts those"),
        ('id = "accepted"', 'id = "filed"', "gives the id filed twice"),
        ('stage = "paid"', 'stage = "refused"', "'filed', 'accepted', 'taken', 'paid' or 'total'"),
    ],
)
def test_a_document_that_contradicts_itself_is_refused(
    edited: Edited, old: str, new: str, message: str
) -> None:
    with pytest.raises(UsageError, match=r"backtests\.toml") as refusal:
        load_backtest_spec(edited("backtests", old, new))
    assert message in str(refusal.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "kind", "message"),
    [
        ('fact = "R2-05"', 'fact = "R2-99"', UsageError, "no such fact"),
        (
            'fact = "R2-05"',
            'fact = "CL-13"',
            UsageError,
            "CL-13 was public on 2022-12-30, so it is no outcome",
        ),
        ('fact = "R2-05"', 'fact = "R2-10"', UsageError, "R2-10 was public on an unknown day"),
        ('fact = "R2-05"', 'fact = "R2-07"', UsageError, "counts no people"),
        ('fact = "R2-07"', 'fact = "R2-06"', UsageError, "no sum in KRW"),
        ("known_on = 2023-06-30", "known_on = 2023-06-29", UsageError, "Let as_of be before that day"),
        ('denominator = "R2-05"', 'denominator = "R2-10"', UsageError, "R2-10 was public on an unknown day"),
        ('"CO-07", ', '"CO-10", ', UsageError, "no such fact"),
        (
            'ledger = "kakao-2022"',
            'ledger = "kakao-2023-06-30"',
            UsageError,
            "after the forecast of 2022-12-30",
        ),
        ('incident = "kakao-2022"', 'incident = "tram-2031"', UsageError, "not for tram-2031"),
        ('line = "emoticons"', 'line = "emotions"', UsageError, "no such cost line"),
        ('line = "emoticons"', 'line = "talk-drawer"', ModelRefused, "also hangs on a cap"),
        ('line = "emoticons"', 'line = "taxi-income-fund"', ModelRefused, "was not public by 2022-12-30"),
        ('line = "emoticons"', 'line = "small-business-cash"', ModelRefused, "states no take_up"),
        ('stage = "total"', 'stage = "total"\nline = "paid-services"', ModelRefused, "is no schedule"),
    ],
)
def test_a_case_that_cannot_be_tried_is_refused_with_its_remedy(
    edited: Edited, old: str, new: str, kind: type[OutageAnalysisError], message: str
) -> None:
    extra = ('line = "small-business-cash"\nstage = "total"', 'stage = "total"') if "paid-serv" in new else ()
    page = load_backtest_spec(edited("backtests", *extra, old, new))
    with pytest.raises(kind) as refusal:
        backtest(page, draws=DRAWS)
    assert message in str(refusal.value)
    assert refusal.value.remedy


ENTITLED = """currency = "KRW"

[[assumption]]
id = "as-entitled"
kind = "entitled_share"
name = { en = "Share of those who reported and are entitled" }
lines = ["small-business-cash"]
distribution = { kind = "uniform", low = 0.5, high = 1 }
public_on = 2022-12-30
grade = "assumed"
source = "a test"
rationale = "a test"
owner = "a test"
outcome_known = false
"""


def test_filings_that_hang_on_more_than_one_rate_are_refused(edited: Edited) -> None:
    ledger = edited("assumptions", 'currency = "KRW"\n', ENTITLED)
    page = SPEC.model_copy(update={"ledger": str(ledger), "outcomes": SPEC.outcomes[:1]})
    with pytest.raises(ModelRefused, match="also hangs on its entitled_share"):
        backtest(page, draws=DRAWS)
