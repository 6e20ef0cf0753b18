"""Parameters of a search as users write them, and the values that are tried."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outage_analysis.costs.policy_search.parameters import (
    Parameter,
    Vary,
    parse_parameters,
    round_step,
    with_payments,
)
from outage_analysis.errors import UsageError
from outage_analysis.policies import Policy
from tests.costs.policy_search.small_searches import POLICY
from tests.small_policies import fee, policy_of, tiers

TWO = policy_of(tiers(), tiers(id="more", published_count=None), fee(10))


def names(vary: Vary, policy: Policy = POLICY) -> list[str]:
    """The parameters that a text names."""
    return [p.name for p in parse_parameters(vary, policy)]


@pytest.mark.parametrize(
    ("vary", "found"),
    [
        (["tiers.tier1,tier2"], ["tiers.tier1", "tiers.tier2"]),
        (["tier2", "tier1"], ["tiers.tier1", "tiers.tier2"]),
        ({"tiers.tier1": None}, ["tiers.tier1"]),
    ],
)
def test_texts_name_parameters_in_the_order_of_the_policy(vary: Vary, found: list[str]) -> None:
    assert names(vary) == found


def test_the_line_may_be_left_out_after_the_first_parameter() -> None:
    assert names(["more.tier1,tier2", "tiers.tier1"], TWO) == ["tiers.tier1", "more.tier1", "more.tier2"]


@pytest.mark.parametrize(
    ("vary", "policy", "message"),
    [
        ([], POLICY, "nothing is varied"),
        (["tier"], POLICY, "is no parameter"),
        (["tiers.tier9"], POLICY, "no such parameter (found 'tiers.tier9'). Did you mean 'tiers.tier"),
        (["tires.tier1"], POLICY, "no such cost line (found 'tires'). Did you mean 'tiers'?"),
        (["fee.tier1"], TWO, "the cost line does not pay by loss band"),
        (["tier1"], TWO, "names no cost line"),
        (["tiers.tier1"], policy_of(tiers(statutory=True)), "fixed by law"),
        (["tiers.tier1", "tier1"], POLICY, "named twice"),
        (["tiers.tier1=5..x"], POLICY, "no number (found 'x')"),
        (["tiers.tier1=9..5"], POLICY, "no range of values"),
        (["tiers.tier1=1..5/0"], POLICY, "no range of values"),
        ({"tiers.tier1": []}, POLICY, "has no values"),
        ({"tiers.tier1": [0.5]}, POLICY, "no decimal places"),
    ],
)
def test_what_is_no_parameter_is_refused_with_the_remedy(vary: Vary, policy: Policy, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_parameters(vary, policy)
    assert message in str(error.value)


def test_a_payment_ends_at_the_largest_loss_of_its_band_or_of_its_range() -> None:
    parameters = parse_parameters(["tier1,tier2"], POLICY)
    found = with_payments(parameters, 50, lambda p: ((100, 300)[p.tier], math.inf))
    assert [tuple(p.values) for p in found] == [(0, 50, 100), (0, 50, 100, 150, 200, 250, 300)]
    assert not any(p.breaks_above for p in found)
    (stated,) = with_payments(parse_parameters(["tiers.tier1=10..30/10"], POLICY), None, lambda _: (None, 0))
    assert tuple(stated.values) == (10, 20, 30)


@given(st.integers(1, 7), st.integers(0, 300))
def test_a_payment_ends_where_it_alone_breaks_the_budget(step: int, most: int) -> None:
    parameters = parse_parameters(["tier1"], POLICY)
    (found,) = with_payments(parameters, step, lambda _: (200, most))
    assert found.values[-1] == min(most, 200) // step * step
    assert found.breaks_above == (most < 200 // step * step + step)


def test_a_payment_that_nothing_limits_needs_a_range() -> None:
    with pytest.raises(UsageError, match=r"Write tiers\.tier3=LOW\.\.HIGH"):
        with_payments(parse_parameters(["tier3"], POLICY), 10, lambda _: (None, math.inf))


def test_too_many_combinations_name_a_step_that_fits() -> None:
    parameters = parse_parameters(["tier1,tier2"], POLICY)
    with pytest.raises(UsageError) as error:
        with_payments(parameters, 1, lambda _: (999, math.inf))
    assert "1,000,000 combinations" in str(error.value)
    assert "A step of 5 fits" in str(error.value)  # 200 x 200 = 40,000
    with pytest.raises(UsageError, match=r"A step of 0\.05 fits"):  # the same in euros and cents
        with_payments([replace(p, digits=2) for p in parameters], 1, lambda _: (999, math.inf))
    found = with_payments(parameters, 5, lambda _: (999, math.inf))
    assert [len(p.values) for p in found] == [200, 200]


@given(st.floats(0.1, 10**9))
def test_a_round_step_is_a_power_of_ten_times_one_two_or_five(width: float) -> None:
    step = round_step(width)
    assert step >= min(width, step)
    assert str(step).rstrip("0") in ("1", "2", "5")
    assert step < 2.5 * max(width, 1) + 1


def test_values_are_stated_as_users_write_them() -> None:
    assert Parameter("tiers", 0, 0).assignment(40_000) == "tiers.tier1=40,000"
    assert Parameter("tiers", 0, 2).assignment(1250, with_line=False) == "tier1=12.5"
    assert Parameter("tiers", 0, 0).stated_value(300) == 300
