"""The policy page: tiers with a stated closed side, and lines with the day they became public."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from outage_analysis.bands import NEGATIVE, UNKNOWN, ZERO, Bands, within
from outage_analysis.errors import UsageError
from outage_analysis.policies import FeeCredit, InKind, Policy, Rule, Schedule, load_policy

if TYPE_CHECKING:
    from tests.conftest import Edited


def rule_for(line: Schedule, loss: int | None) -> Rule:
    """The one rule that covers a loss."""
    band = Bands.of(line.cuts).band_of(loss)
    (rule,) = [rule for edges, rule in line.rules() if within(band, edges)]
    return rule


def paid(line: Schedule, loss: int | None) -> int | None:
    rule = rule_for(line, loss)
    return None if rule.review else rule.fixed


@pytest.mark.parametrize("closed", ["upper", "lower"])
def test_each_side_of_each_edge_is_paid_as_the_sources_print_it(
    edited: Edited, golden: dict[str, Any], closed: str
) -> None:
    table = golden["tier_boundary_table"]
    page = edited("policies", 'closed = "upper"', f'closed = "{closed}"')
    line = load_policy(page).schedules[0]
    assert [paid(line, loss) for loss in table["losses"]] == table[closed]


def test_zero_and_unknown_losses_are_paid_nothing_unless_the_page_says_so(
    policy: Policy, edited: Edited
) -> None:
    line = policy.schedules[0]
    assert [rule_for(line, loss) for loss in (None, 0, -5)] == [Rule()] * 3
    generous = edited(
        "policies", 'closed = "upper"', 'closed = "upper"\nzero = { fixed = 1 }\nunknown.fixed = 2'
    )
    other = load_policy(generous).schedules[0]
    assert [paid(other, loss) for loss in (None, 0, -5)] == [2, 1, 0]


def test_the_rules_cover_the_special_bands_first_and_then_the_tiers(policy: Policy) -> None:
    edges = [band for band, _ in policy.schedules[0].rules()]
    assert edges == [NEGATIVE, ZERO, UNKNOWN, (0, 300_000), (300_000, 500_000), (500_000, None)]
    assert policy.cuts == (300_000, 500_000)


def test_the_other_closed_side_moves_every_edge_by_one(edited: Edited) -> None:
    page = edited("policies", 'closed = "upper"', 'closed = "lower"')
    policy = load_policy(page)
    assert policy.cuts == (299_999, 499_999)
    assert policy.schedules[0].rules()[3][0] == (0, 299_999)


def test_the_largest_fixed_payment_is_that_of_the_dearest_tier(policy: Policy) -> None:
    assert policy.schedules[0].largest_fixed == 50_000


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (
            ["over = 300_000", "over = 400_000"],
            (
                "line 'small-business-cash': there is a gap: no band covers losses over 300,000"
                " up to 400,000. Make the next band start where the last one ends."
            ),
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
            ["up_to = 300_000", 'up_to = "300000"'],
            ("line 'small-business-cash' > band 1 > up_to: input should be a valid integer (found '300000')"),
        ),
        (["up_to = 300_000", "up_to = 300_000.0"], "band 1 > up_to: input should be a valid int"),
        (["up_to = 300_000", "up_to = true"], "band 1 > up_to: input should be a valid integer"),
        (["over = 0", "over = -1"], "band 1 > over: input should be greater than or equal to 0"),
        (
            ["up_to = 500_000", f"up_to = {10**15 + 1}", "over = 500_000", f"over = {10**15 + 1}"],
            "band 2 > up_to: input should be less than or equal to 1000000000000000",
        ),
        (["fixed = 30_000", "fixd = 30_000"], "band 1 > fixd: unknown key"),
        (["fixed = 30_000", "fixed = -1"], "band 1 > fixed: input should be greater than"),
        (["fixed = 30_000", "fixed = 30_000.5"], "band 1 > fixed: input should be a valid integer"),
        (
            ["review = true", "review = true\nfixed = 1"],
            "band 3: a reviewed band has no fixed payment and no share",
        ),
        (["review = true", "review = true\nshare = 0.5"], "band 3: a reviewed band has no fixed"),
        (['id = "emoticons"', 'id = "talk-drawer"'], "two lines have the id talk-drawer"),
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
def test_a_page_that_breaks_a_rule_is_refused_with_the_path_of_its_key(
    edited: Edited, pairs: list[str], message: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        load_policy(edited("policies", *pairs))
    assert message in str(refusal.value)
    assert str(refusal.value).startswith("policies.toml, ")


@pytest.mark.parametrize(
    ("written", "held"), [("0.25", 2500), ("0.3333", 3333), ("1", 10_000), ("1.0", 10_000)]
)
def test_a_share_of_at_most_four_places_is_held_exactly(edited: Edited, written: str, held: int) -> None:
    line = load_policy(edited("policies", "fixed = 30_000", f"share = {written}")).schedules[0]
    assert line.bands[0].share == held


@pytest.mark.parametrize(
    "written",
    ["0.33333", "1.1", "-0.1", "25", "inf", "-inf", "nan", "1e-5", "true", '"0.25"', "9" * 400],
)
def test_any_other_share_is_refused_by_its_key(edited: Edited, written: str) -> None:
    with pytest.raises(UsageError) as refusal:
        load_policy(edited("policies", "fixed = 30_000", f"share = {written}"))
    assert "line 'small-business-cash' > band 1 > share: is not " in str(refusal.value)


def test_a_line_is_dropped_before_the_day_it_became_public(policy: Policy) -> None:
    known, later = policy.public_by(date(2022, 12, 28))
    assert [line.id for line in known] == ["taxi-pro-membership"]
    assert len(known) + len(later) == len(policy.lines)
    assert policy.public_by(date(2022, 12, 29)) == (policy.lines, ())


def test_documents_are_asked_for_from_the_day_that_was_announced(policy: Policy) -> None:
    line = policy.line("small-business-cash")
    assert line.effort_on(date(2023, 1, 29)) == "form"
    assert line.effort_on(date(2023, 1, 30)) == "documents"


def test_the_latest_change_of_effort_is_in_force_whatever_the_order_of_the_page(
    edited: Edited,
) -> None:
    first = "effort_changes = [{ since = 2023-01-30"
    page = edited("policies", first, first.replace("[", '[{ since = 2023-03-01, effort = "automatic" }, '))
    line = load_policy(page).line("small-business-cash")
    assert line.effort_on(date(2023, 2, 28)) == "documents"
    assert line.effort_on(date(2023, 3, 1)) == "automatic"


def test_the_fee_credit_was_announced_at_two_won_above_its_arithmetic(
    policy: Policy, golden: dict[str, Any], edited: Edited
) -> None:
    case = golden["fee_credit"]
    line = policy.line("taxi-pro-membership")
    assert isinstance(line, FeeCredit)
    assert line.computed == Fraction(case["fee"] * case["days"], case["period_days"])
    assert line.payment == case["announced"]
    plain = load_policy(edited("policies", "amount = 7_550", "")).line("taxi-pro-membership")
    assert isinstance(plain, FeeCredit)
    assert plain.payment == case["computed"]


def test_a_fee_credit_that_ends_in_a_half_is_rounded_up(edited: Edited) -> None:
    page = edited("policies", "amount = 7_550", "", "fee = 39_000", "fee = 1", "days = 6", "days=1")
    page.write_text(page.read_text("utf-8").replace("period_days = 31", "period_days = 2"), "utf-8")
    line = load_policy(page).line("taxi-pro-membership")
    assert isinstance(line, FeeCredit)
    assert line.payment == 1


def test_the_goods_for_every_user_are_listed_at_their_unit_value(policy: Policy) -> None:
    line = policy.line("emoticons")
    assert isinstance(line, InKind)
    assert (line.unit_value, line.recipients) == (6_500, "US-03")


def test_a_line_that_is_not_there_names_those_that_are(policy: Policy) -> None:
    with pytest.raises(UsageError, match=r"no such cost line.*emoticons"):
        policy.line("emoticon")
