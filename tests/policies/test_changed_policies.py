"""A changed tier and a changed assumption: the cost moves exactly as computed by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from outage_analysis.assumptions import Ledger, load_ledger
from outage_analysis.assumptions.distributions import Pert, Uniform
from outage_analysis.costs import cost_table, totals
from outage_analysis.costs.benefits import reconciliation_table
from outage_analysis.errors import UsageError
from outage_analysis.policies import Policy, load_policy
from tests.small_policies import DAY, REPORTS, fee, fixed, ledger_of, mix, policy_of, tiers, uniform

TABLE_ROUNDING = 5e-10
"""Tables round amounts to ten significant digits."""
FILED, ACCEPTED, SHARES, AWARD = 0.4, 0.75, (0.5, 0.3, 0.2), 100_000
POLICY = policy_of(tiers())
LEDGER = ledger_of(
    {"kind": "filing_share", "distribution": uniform(0.2, 0.6)},
    {"kind": "acceptance", "distribution": fixed(ACCEPTED)},
    {"kind": "review_award", "distribution": fixed(AWARD), "spread": 0.5},
    mix(*SHARES),
    currency="KRW",
)


def cost(policy: Policy, ledger: Ledger) -> float:
    (total,) = totals(cost_table(policy, ledger, as_of=DAY)).filter(valuation="cash")["expected"]
    return float(total)


def by_hand(*payments: float, filed: float = FILED, accepted: float = ACCEPTED) -> float:
    mean = sum(share * payment for share, payment in zip(SHARES, payments, strict=True))
    return REPORTS * filed * accepted * mean


@given(st.integers(0, 10**9), st.sampled_from([0, 1, 2]))
def test_the_cost_follows_a_changed_tier(pays: int, band: int) -> None:
    changed = POLICY.with_tier(up_to=(300_000, 500_000, None)[band], pays=pays)
    payments = [30_000, 50_000, AWARD]
    payments[band] = pays
    assert cost(changed, LEDGER) == pytest.approx(by_hand(*payments), rel=TABLE_ROUNDING)
    assert cost(POLICY, LEDGER) == pytest.approx(by_hand(30_000, 50_000, AWARD), rel=TABLE_ROUNDING)


@given(st.floats(0, 1), st.floats(0, 10**9))
def test_the_cost_follows_a_changed_rate_and_a_changed_award(filed: float, award: float) -> None:
    changed = LEDGER.with_value("filing-share", filed).with_value("review-award", award)
    hand = by_hand(30_000, 50_000, award, filed=filed)
    assert cost(POLICY, changed) == pytest.approx(hand, rel=TABLE_ROUNDING, abs=1e-6)


def test_a_range_is_uniform_and_with_a_value_a_pert_distribution() -> None:
    wide = LEDGER.with_value("filing-share", low=0.1, high=0.5)
    assert wide.assumptions[0].distribution == Uniform(low=0.1, high=0.5)  # type: ignore[union-attr]
    assert cost(POLICY, wide) == pytest.approx(by_hand(30_000, 50_000, AWARD, filed=0.3), rel=TABLE_ROUNDING)
    peaked = LEDGER.with_value("filing-share", 0.2, low=0.1, high=0.5)
    assert peaked.assumptions[0].distribution == Pert(low=0.1, mode=0.2, high=0.5)  # type: ignore[union-attr]
    mean = (0.1 + 4 * 0.2 + 0.5) / 6
    assert cost(POLICY, peaked) == pytest.approx(
        by_hand(30_000, 50_000, AWARD, filed=mean), rel=TABLE_ROUNDING
    )


def test_amounts_are_whole_currency() -> None:
    """12.35 euros are 1,235 cents, though 12.35 x 100 is not 1235 in floats."""
    policy = policy_of(tiers(), currency="EUR", loss_unit="EUR")
    changed = policy.with_tier(up_to=3_000, pays=12.35)
    assert changed.schedules[0].bands[0].fixed == 1_235
    assert [band.fixed for band in changed.schedules[0].bands[1:]] == [50_000, 0]
    award = ledger_of({"kind": "review_award", "distribution": fixed(1)}, currency="EUR")
    assert award.with_value("review-award", 80.15).assumptions[0].range.expected == 8_015  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="has at most 2 decimal places"):
        policy.with_tier(up_to=3_000, pays=0.005)
    minutes = policy_of(tiers(), currency="EUR", loss_unit="minutes").with_tier(up_to=300_000, pays=1)
    assert [band.fixed for band in minutes.schedules[0].bands] == [100, 50_000, 0]


def test_the_copy_is_marked_once_and_the_original_stays() -> None:
    policy, ledger = load_policy("kakao-2022"), load_ledger("kakao-2022")
    before = policy.model_dump_json(), ledger.model_dump_json()
    twice = policy.with_tier(up_to=300_000, pays=1).with_tier(up_to=500_000, pays=2)
    assert twice.id == "kakao-2022-changed"
    assert twice.name.en == f"{policy.name.en} (changed)"
    assert twice.name.ko == f"{policy.name.ko} (변경)"
    assert [band.fixed for band in twice.schedules[0].bands[:2]] == [1, 2]
    assert twice.schedules[0].bands[2].review
    again = ledger.with_value("as-acceptance", 0.5).with_value("as-acceptance", 0.6)
    assert (again.id, again.name.en.count("(changed)")) == ("kakao-2022-changed", 1)
    assert (policy.model_dump_json(), ledger.model_dump_json()) == before


def test_published_totals_of_a_changed_line_are_not_reconciled() -> None:
    policy = load_policy("kakao-2022")
    changed = policy.with_tier(up_to=300_000, pays=1)
    kept = tuple(tie for tie in policy.tie_outs if "small-business-cash" not in tie.lines)
    assert (changed.tie_outs, [line.id for line in changed.lines]) == (
        kept,
        [line.id for line in policy.lines],
    )
    assert {"press-low", "press-high"} <= {tie.id for tie in policy.tie_outs} - {tie.id for tie in kept}
    rows, original = (reconciliation_table(kept, p, as_of=DAY) for p in (changed, policy))
    assert rows.equals(original)


def test_a_set_value_has_the_users_source_and_the_owner_stays() -> None:
    ledger = load_ledger("kakao-2022")
    old, new = (x.assumptions[0] for x in (ledger, ledger.with_value("as-filing-share", 0.5)))
    assert (new.grade, new.source.en, new.source.ko) == ("assumed", "Set by the user.", "사용자가 정한 값.")
    assert (new.owner, new.lines, new.public_on) == (old.owner, old.lines, old.public_on)
    assert (new.facts, new.approved_by) == ((), "")
    assert new.computed_from == ()
    assert old.computed_from


def test_a_tier_is_changed_for_claimants_of_no_segment() -> None:
    one = tiers(
        published_count=None,
        segment=({"id": "taxi", "when": {"service": ("kakao_t",)}, "band": tiers()["band"]},),
    )
    policy = policy_of({k: v for k, v in one.items() if v is not None})
    changed = policy.with_tier(up_to=300_000, pays=7).schedules[0]
    assert (changed.segments[0].bands[0].fixed, changed.bands[0].fixed) == (30_000, 7)


NAME_ONE = "name a cost line of p that pays by loss band"
TWO = policy_of(tiers(), tiers(id="more"), fee(1_000))


@pytest.mark.parametrize(
    ("policy", "changes", "problem"),
    [
        (POLICY, {"up_to": 400_000, "pays": 1}, "Its bands end at 300,000, 500,000, None"),
        (POLICY, {"up_to": 300_000, "pays": -1}, "the payment is a number from 0"),
        (POLICY, {"up_to": 300_000, "pays": "40000"}, "the payment is a number from 0"),
        (POLICY, {"up_to": 300_000, "pays": True}, "the payment is a number from 0"),
        (POLICY, {"up_to": 300_000, "pays": float("nan")}, "the payment is a number from 0"),
        (POLICY, {"up_to": 300_000, "pays": float("inf")}, "the payment is a number from 0"),
        (POLICY, {"up_to": 300_000, "pays": 0.5}, "no decimal places"),
        (
            POLICY,
            {"up_to": 300_000, "pays": 10**13},
            "payment, fixed: input should be less.*found '10000000000000'",
        ),
        (POLICY, {"up_to": "all", "pays": 1}, "the edge of a band is a number from 0"),
        (POLICY, {"up_to": 300_000, "pays": 1, "line": "tier"}, "Did you mean 'tiers'"),
        (
            TWO,
            {"up_to": 300_000, "pays": 1},
            "name a cost line of p that pays by loss band. These do: tiers, more",
        ),
        (
            TWO,
            {"up_to": 300_000, "pays": 1, "line": "fee"},
            f"{NAME_ONE} .found 'fee'.. These do: tiers, more",
        ),
        (policy_of(fee(1)), {"up_to": 300_000, "pays": 1}, f"{NAME_ONE}. These do: none"),
    ],
)
def test_a_wrong_tier_is_one_clear_error(policy: Policy, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        policy.with_tier(**changes)


def test_a_changed_line_replaces_the_line_with_its_id() -> None:
    with pytest.raises(UsageError, match="no such cost line"):
        POLICY.with_line(TWO.schedules[1])


@pytest.mark.parametrize(
    ("id_", "values", "problem"),
    [
        ("filing-shar", {"value": 0.5}, "Did you mean 'filing-share'"),
        ("filing-share", {}, "needs a value, or low and high"),
        ("filing-share", {"low": 0.2}, "needs a value, or low and high"),
        ("filing-share", {"value": 50}, "between 0 and 1 .found '50'.. Write 50 % as 0.5"),
        ("filing-share", {"value": -0.1}, "between 0 and 1"),
        ("filing-share", {"value": "0.5"}, "is a number"),
        ("filing-share", {"value": float("nan")}, "is a number"),
        ("filing-share", {"low": 0.5, "high": 0.5}, "needs low < high"),
        ("filing-share", {"value": 0.9, "low": 0.1, "high": 0.5}, "needs low <= mode <= high"),
        ("review-award", {"value": -1}, "never below 0"),
        ("band-mix", {"value": 0.5}, "is a band_mix, which is not one number"),
    ],
)
def test_a_wrong_value_is_one_clear_error(id_: str, values: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        LEDGER.with_value(id_, **values)

    with pytest.raises(UsageError, match="states no currency"):
        ledger_of({"kind": "review_award", "distribution": fixed(1)}).with_value("review-award", 1)
