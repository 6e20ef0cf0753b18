"""Policies on the same draws: against laws of the textbooks, plain random draws and every single loss."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from scipy import stats

from outage_analysis.costs.comparison import PolicySimulations, simulate_policies
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import get_fact
from outage_analysis.policies import Policy
from outage_analysis.text import Locale
from tests.small_policies import (
    DAY,
    DRIVERS,
    REPORTS,
    budget,
    fee,
    fixed,
    ledger_of,
    mix,
    policy_of,
    tiers,
    uniform,
)

SIGMA = 0.9
RATIO = {"kind": "realised_ratio", "distribution": {"kind": "lognormal", "median": 1, "sigma": SIGMA}}
SUM, CREDIT = 2_000_000_000, 10_000
LEDGER = ledger_of(RATIO)
RATES = (
    {"kind": "filing_share", "distribution": uniform(0.1, 0.5)},
    {"kind": "acceptance", "distribution": fixed(0.8)},
    {"kind": "review_award", "distribution": fixed(100_000)},
    mix(0.5, 0.3, 0.2),
)


@pytest.fixture(scope="module")
def comparison() -> PolicySimulations:
    """An uncertain sum against a certain one."""
    pages = (policy_of(budget(SUM), id_="sum"), policy_of(fee(CREDIT), id_="credit"))
    return simulate_policies(pages, LEDGER, as_of=DAY)


def only(table: pl.DataFrame) -> dict[str, Any]:
    """The row of a table that has one."""
    (row,) = table.iter_rows(named=True)
    return row


# one against another


def test_a_difference_follows_the_distribution_of_what_is_uncertain(comparison: PolicySimulations) -> None:
    distribution, other = stats.lognorm(SIGMA, scale=SUM), CREDIT * DRIVERS
    row = only(comparison.pairs)
    assert (row["policy"], row["other"]) == ("sum", "credit")
    assert row["difference"] == pytest.approx(distribution.mean() - other)
    assert (row["range_low"], row["p50"], row["range_high"]) == pytest.approx(
        distribution.ppf((0.1, 0.5, 0.9)) - other, rel=2e-3
    )
    assert (row["cheaper"], row["dearer"]) == pytest.approx(
        (distribution.cdf(other), distribution.sf(other)), abs=1e-3
    )


def test_the_decision_flips_where_both_cost_the_same(comparison: PolicySimulations) -> None:
    row = only(comparison.flips)
    assert row["flips_at"] == pytest.approx(CREDIT * DRIVERS / SUM)
    assert row["expected"] == pytest.approx(stats.lognorm(SIGMA).mean())
    assert row["beyond"] == pytest.approx(stats.lognorm(SIGMA).cdf(CREDIT * DRIVERS / SUM))


def test_each_policy_has_its_distribution_and_the_cost_of_one_payment(comparison: PolicySimulations) -> None:
    loose, sure = comparison.policies.rows(named=True)
    assert loose["expected"] == pytest.approx(SUM * stats.lognorm(SIGMA).mean())
    assert loose["promised"] == SUM
    assert (loose["recipients"], loose["per_recipient"]) == (None, None)  # a sum counts nobody
    assert (sure["range_low"], sure["p50"], sure["range_high"]) == 3 * (CREDIT * DRIVERS,)
    assert (sure["recipients"], sure["per_recipient"]) == (DRIVERS, CREDIT)
    assert [r["cheapest"] for r in (loose, sure)] == pytest.approx(
        [only(comparison.pairs)["cheaper"], only(comparison.pairs)["dearer"]], abs=1e-3
    )


def test_the_same_claims_are_accepted_under_each_policy() -> None:
    """Half of the users get 1,000 or 1,001: the difference is one for each of them, and never turns."""
    half = {"kind": "filing_share", "distribution": fixed(0.5)}
    every = {"kind": "acceptance", "distribution": fixed(1)}
    pages = [policy_of(fee(x, effort="form"), id_=f"p{x}") for x in (1_000, 1_001)]
    row = only(simulate_policies(pages, ledger_of(half, every), as_of=DAY).pairs)
    assert (row["cheaper"], row["dearer"]) == (1, 0)
    for column, p in {"range_low": 0.1, "p50": 0.5, "range_high": 0.9}.items():
        assert -row[column] == pytest.approx(stats.binom(DRIVERS, 0.5).ppf(1 - p), rel=1e-4)


# recipients


def test_claims_that_are_paid_nothing_are_no_recipients() -> None:
    bands = ({"over": 0, "up_to": 300_000}, *tiers()["band"][1:])
    pages = [policy_of(tiers(band=bands), id_="a"), policy_of(fee(1), id_="b")]
    row = simulate_policies(pages, ledger_of(*RATES), as_of=DAY).policies.row(0, named=True)
    paid = REPORTS * 0.3 * 0.8 * 0.5
    assert row["recipients"] == pytest.approx(paid)
    assert row["per_recipient"] == pytest.approx((0.3 * 50_000 + 0.2 * 100_000) / 0.5)


# what has no expected cost, and what is said


def test_a_policy_without_an_expected_cost_is_shown_with_the_reason() -> None:
    pages = [
        policy_of(tiers(), id_="no-mix"),
        policy_of(fee(1), id_="fees"),
        policy_of(fee(2), tiers(published_count="CL-10"), id_="part"),
        policy_of({"id": "good", "kind": "in_kind", "recipients": "US-03", "face_value": 5}, id_="goods"),
    ]
    rates = [rate | {"lines": ("tiers",)} for rate in RATES[:2]]
    found = simulate_policies(pages, ledger_of(*rates), as_of=DAY)
    assert found.policies["expected"].to_list() == [None, DRIVERS, 2 * DRIVERS, None]
    # As in `cost`: what the fixed rules promise, and the most of the lines that have an expected cost.
    later = get_fact("CL-10").count
    assert found.policies["promised"].to_list() == [
        REPORTS * 50_000,
        DRIVERS,
        2 * DRIVERS + later * 50_000,
        None,
    ]
    assert found.policies["most"].to_list() == [None, DRIVERS, 2 * DRIVERS, None]  # a review has no limit
    assert found.left_out.rows() == [
        ("no-mix", "tiers", "bounds_only", "review_award band_mix"),
        ("part", "tiers", "bounds_only", "review_award band_mix"),
        ("goods", None, "not_offered", None),
    ]
    said = found.sentence(Locale("en"), {page.id: page.name.en for page in pages})
    assert said.endswith("No expected cost can be given for “Policy no-mix”, “Policy goods”.")


def test_the_sentence_says_which_is_cheaper_and_how_likely(comparison: PolicySimulations) -> None:
    names = {"sum": "A", "credit": "B"}
    assert comparison.sentence(Locale("en"), names) == (
        "“B” costs least on average (2.3 billion won, cash), "
        "yet it is cheaper than “A” (3 billion won) with only 45% probability. "
        "What claimants get cannot be compared; it is unknown for “A”."
    )
    dearer = simulate_policies(
        [policy_of(budget(SUM), id_="a"), policy_of(fee(20_000), id_="b")], LEDGER, as_of=DAY
    )
    assert dearer.sentence(Locale("ko"), {"a": "가", "b": "나"}) == (
        "평균 비용(현금)이 가장 적은 안: ‘가’(30억 원). ‘나’(45억 원)보다 적게 들 확률은 82%입니다. "
        "보상 수준은 비교할 수 없습니다. 알 수 없는 안: ‘가’."
    )


def test_a_sentence_claims_no_certainty_and_knows_a_tie() -> None:
    words = Locale("en")
    pages = [policy_of(fee(x), id_=f"p{x}") for x in (5, 6)]
    sure = simulate_policies(pages, None, as_of=DAY)
    assert "with more than 99% probability" in sure.sentence(words, {"p5": "A", "p6": "B"})
    same = simulate_policies([policy_of(fee(5), id_=x) for x in "ab"], None, as_of=DAY)
    said = same.sentence(words, {"a": "A", "b": "B"})
    assert said == (
        "“A” and “B” cost the same in every case (1.1 million won, cash). "
        "What claimants get is the same. No policy is dominated."
    )
    ratio = {"kind": "realised_ratio", "distribution": uniform(0.5, 1.5)}
    pages = [policy_of(budget(CREDIT * DRIVERS), id_="a"), policy_of(fee(CREDIT), id_="b")]
    even = simulate_policies(pages, ledger_of(ratio), as_of=DAY).sentence(words, {"a": "A", "b": "B"})
    assert (
        "“A” and “B” cost the same on average (2.3 billion won, cash); the first is cheaper with 50%" in even
    )


@pytest.mark.parametrize(
    ("pages", "error", "message"),
    [
        ([policy_of(fee(1))], UsageError, "two or more different policies"),
        ([policy_of(fee(1)), policy_of(fee(2))], UsageError, "two or more different policies"),
        (
            [policy_of(fee(1)), policy_of(fee(2), id_="q", currency="EUR", loss_unit="EUR")],
            UsageError,
            "same currency",
        ),
        (
            [policy_of(fee(1)), policy_of(tiers(), id_="q")],
            ModelRefused,
            "fewer than two policies have an expected cost in cash.*Without one: q",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(
    pages: list[Policy], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        simulate_policies(pages, None, as_of=DAY)


def test_a_mix_on_other_bands_is_a_reason_and_no_refusal() -> None:
    other = ({"over": 0, "up_to": 100_000, "fixed": 10_000}, {"over": 100_000, "fixed": 20_000})
    one = ({"over": 0, "fixed": 10_000},)
    pages = [
        policy_of(tiers(band=b), id_=n) for n, b in (("now", tiers()["band"]), ("two", other), ("one", one))
    ]
    found = simulate_policies(pages, ledger_of(*RATES), as_of=DAY)
    assert found.policies["expected"].is_null().to_list() == [False, True, False]
    assert found.policies["expected"][2] == pytest.approx(REPORTS * 0.3 * 0.8 * 10_000)  # needs no mix
    assert found.left_out.rows() == [("two", "tiers", "bounds_only", "band_mix")]
