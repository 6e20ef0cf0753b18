"""The policy page: tiers with a stated closed side, and lines with the day they became public."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from outage_analysis.errors import UsageError
from outage_analysis.policies import FeeCredit, Policy, load_policy
from tests.conftest import Edited


@pytest.mark.parametrize("closed", ["upper", "lower"])
def test_edges_are_as_they_are_written_whichever_side_is_closed(edited: Edited, closed: str) -> None:
    policy = load_policy(edited("policies", 'closed = "upper"', f'closed = "{closed}"'))
    assert policy.edges == (300_000, 500_000)
    assert load_policy("kt-2021").edges == ()  # without a schedule


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (
            ["over = 300_000", "over = 400_000"],
            "line 'small-business-cash': there is a gap: no band covers losses over 300,000 up to 400,000.",
        ),
        (
            ["over = 300_000", "over = 200_000"],
            "line 'small-business-cash': two bands overlap on losses over 200,000 up to 300,000",
        ),
        (["over = 0", "over = 1"], "the first band starts at 1, not at 0"),
        (
            ["over = 500_000", "over = 500_000\nup_to = 900_000"],
            "the last band ends at 900,000: larger losses have no rule",
        ),
        (
            ["up_to = 500_000", f"up_to = {10**15 + 1}", "over = 500_000", f"over = {10**15 + 1}"],
            "band 2 > up_to: input should be less than or equal to 1000000000000000",
        ),
        (
            ["review = true", "review = true\nfixed = 1"],
            "band 3: a reviewed band has no fixed payment, share, rate, floor or limit",
        ),
        (["review = true", "review = true\nshare = 0.5"], "band 3: a reviewed band has no fixed"),
        (['closed = "upper"', 'closed = "both"'], "closed: input should be 'upper' or 'lower'"),
        (
            ['{ claimant_type = ["small_business"] }', "{ claimant_type = [] }"],
            "eligibility > claimant_type: tuple should have at least 1 item",
        ),
        (
            ['closed = "upper"', 'closed = "upper"\nunknown = { share = 0.5 }'],
            "pays a share of an unknown loss",
        ),
    ],
)
def test_bands_that_break_a_rule_are_refused(edited: Edited, pairs: list[str], message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        load_policy(edited("policies", *pairs))
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("written", "held"), [("0.25", 2500), ("0.3333", 3333), ("1", 10_000), ("1.0", 10_000)]
)
def test_a_share_of_at_most_four_places_is_held_exactly(edited: Edited, written: str, held: int) -> None:
    line = load_policy(edited("policies", "fixed = 30_000", f"share = {written}")).schedules[0]
    assert line.bands[0].share == held


@pytest.mark.parametrize(
    "written", ["0.33333", "1.1", "-0.1", "25", "inf", "-inf", "nan", "1e-5", "true", '"0.25"', "9" * 400]
)
def test_any_other_share_is_refused_by_its_key(edited: Edited, written: str) -> None:
    with pytest.raises(UsageError) as refusal:
        load_policy(edited("policies", "fixed = 30_000", f"share = {written}"))
    assert "line 'small-business-cash' > band 1 > share: is not " in str(refusal.value)


ROUNDED_UP = 'rounding = { to = 10, how = "up" }\n'


def taxi_fee(policy: Policy) -> FeeCredit:
    line = policy.line("taxi-pro-membership")
    assert isinstance(line, FeeCredit)
    return line


def test_the_fee_credit_was_announced_at_two_won_above_its_arithmetic(
    policy: Policy, golden: dict[str, Any], edited: Edited
) -> None:
    case = golden["fee_credit"]
    line = taxi_fee(policy)
    assert line.computed == Fraction(case["fee"] * case["days"], case["period_days"])
    assert line.amount is None  # rounding up to ten won explains what was announced
    assert line.payment == case["announced"]
    assert taxi_fee(load_policy(edited("policies", ROUNDED_UP, ""))).payment == case["computed"]


def test_a_credit_of_an_unknown_fee_has_no_amount(policy: Policy, edited: Edited) -> None:
    line = policy.line("melon-passes")
    assert isinstance(line, FeeCredit)
    assert (line.fee, line.computed, line.payment) == (None, None, None)
    assert line.credit(9_000) == 900  # three days of thirty, whatever the fee
    no_fee = taxi_fee(load_policy(edited("policies", "fee = 39_000\n", "")))
    assert (no_fee.computed, no_fee.payment) == (None, None)


def test_a_line_that_is_not_there_names_those_that_are(policy: Policy) -> None:
    with pytest.raises(UsageError, match=r"no such cost line.*emoticons"):
        policy.line("emoticon")
