"""Rules and tariffs: a better promise never costs less, and too many steps are refused."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis.errors import UsageError
from outage_analysis.incidents import NEGATIVE, UNKNOWN, ZERO
from outage_analysis.policies import load_policy
from outage_analysis.policies.tariff import MAX_STEPS
from tests.costs.test_payouts import Page, owed, policy_of, rich_lines, turning_points
from tests.policies.policy_documents import Written, on_its_own, toml

# --- more generous is never cheaper, a larger loss is never paid less ------------------------------


@pytest.mark.slow
@given(page=rich_lines(), data=st.data())
@settings(max_examples=150)
def test_a_larger_loss_in_a_band_is_never_paid_less(page: Page, data: st.DataObject) -> None:
    for _, tariff in policy_of(page).schedules[0].tariffs:
        for (low, high), _ in tariff.rules()[3:]:
            if high is not None and high <= (low or 0):
                continue
            one = st.integers((low or 0) + 1, 10**15 - 1 if high is None else high)
            less, more = sorted((data.draw(one), data.draw(one)))
            mine, theirs = tariff.pay(less), tariff.pay(more)
            assert (mine is None) == (theirs is None)
            assert mine is None or theirs is None or mine <= theirs


@pytest.mark.slow
@given(page=rich_lines())
@settings(max_examples=150)
def test_the_pieces_of_a_tariff_hold_each_loss_once_and_pay_what_the_document_owes(page: Page) -> None:
    for number, (_, tariff) in enumerate(policy_of(page).schedules[0].tariffs):
        unknown, negative, zero, *positive = (piece.band for piece in tariff.pieces)
        assert (unknown, negative, zero) == (UNKNOWN, NEGATIVE, ZERO)
        assert (positive[0][0], positive[-1][1]) == (0, None)
        for (_, ends), (starts, top) in pairwise(positive):
            assert ends == starts
            assert top is None or top > (starts or 0)
        alone = on_its_own(page, number)
        turns = {*tariff.cuts, *turning_points(alone)}
        near = {turn + step for turn in turns for step in (-1, 0, 1)} - {-1}
        for loss in {0, *near, 10**15, 10**18}:  # one claimant's losses may add up to more than a loss
            assert tariff.pay(loss) == owed(alone, loss), loss
        assert tariff.pay(None) == owed(alone, None)
        assert tariff.pay(-1) == 0


# --- what has too many steps is refused, with the remedy -------------------------------------------

ENDLESS: st.SearchStrategy[tuple[Page, ...]] = st.one_of(
    st.builds(  # periods without an end
        lambda amount, every, after: (
            {"band": [{"over": 0, "rate": {"amount": amount, "every": every, "after": after}}]},
        ),
        st.integers(1, 10**12),
        st.integers(2, 10**11),
        st.integers(0, 10**12),
    ),
    st.builds(  # periods as long as the limit lets them, or the edge
        lambda every, end: (
            {
                "band": [
                    {"over": 0, "up_to": every * 2_100, "rate": {"amount": 9, "every": every}, **end},
                    {"over": every * 2_100},
                ]
            },
        ),
        st.integers(2, 10**9),
        st.sampled_from([{}, {"limit": 9 * 2_050}]),
    ),
    st.builds(  # three lines of 900 steps, each on losses of its own
        lambda every: tuple(
            {"band": [{"over": 0, "rate": {"amount": 1, "every": every, "after": n}, "limit": 900}]}
            for n in (0, 1, 2)
        ),
        st.integers(3, 10**9),
    ),
    st.builds(  # the same in segments of one line
        lambda every: (
            {
                "band": [{"over": 0}],
                "segment": [
                    {
                        "id": f"s{n}",
                        "when": {"service": [f"x{n}"]},
                        "band": [
                            {"over": 0, "rate": {"amount": 1, "every": every, "after": n}, "limit": 900}
                        ],
                    }
                    for n in (0, 1, 2)
                ],
            },
        ),
        st.integers(3, 10**9),
    ),
)


@given(lines=ENDLESS)
@settings(max_examples=120)
def test_a_document_of_too_many_steps_is_refused_with_what_to_do(
    write_document: Written, lines: tuple[Page, ...]
) -> None:
    with pytest.raises(UsageError, match=r"more than 2,000 losses|at most 2,000") as refusal:
        load_policy(write_document(toml(*lines)))
    assert refusal.value.remedy.startswith("Round to a larger amount, lengthen the period")
    assert refusal.value.remedy.endswith(("or set `limit` or `up_to`.", "or split the policy."))


def test_as_many_steps_as_are_allowed_are_allowed(write_document: Written) -> None:
    last = {"over": 0, "rate": {"amount": 1, "every": 10}, "limit": MAX_STEPS - 1}
    policy = load_policy(write_document(toml({"band": [last]})))
    assert len(policy.breakpoints) == MAX_STEPS - 1
    assert policy.schedules[0].tariff.pay(10 * MAX_STEPS) == MAX_STEPS - 1
