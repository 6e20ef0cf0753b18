"""The ledger: rates follow from reference classes by one written rule; all have an owner."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from outage_analysis.assumptions import (
    WIDE_SCALE,
    Award,
    BandMix,
    Ledger,
    RateAssumption,
    load_ledger,
    reference_class_prior,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.policies import Policy, Schedule, load_policy
from outage_analysis.published import figure

if TYPE_CHECKING:
    from tests.conftest import Edited

ENDS = (0.01, 0.99)
SHARES = st.floats(0.01, 0.99)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def expit(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize("shares", [[0.2], [0.1, 0.4]])
def test_fewer_than_three_events_take_the_stated_wide_normal(shares: list[float]) -> None:
    rate = reference_class_prior(shares, (0.05, 0.95))
    centre = sum(map(logit, shares)) / len(shares)
    z = stats.norm.ppf(0.95)
    assert rate.low == pytest.approx(expit(centre - WIDE_SCALE * z))
    assert rate.high == pytest.approx(expit(centre + WIDE_SCALE * z))


def test_three_events_take_a_student_t_that_keeps_their_spread() -> None:
    shares = [0.09, 0.19, 0.37]
    rate = reference_class_prior(shares, (0.05, 0.95))
    logits = [logit(s) for s in shares]
    centre = sum(logits) / 3
    spread = math.sqrt(sum((x - centre) ** 2 for x in logits) / 2 * (1 + 1 / 3))
    quantile = stats.t.ppf(0.95, 2)
    assert rate.low == pytest.approx(expit(centre - spread * quantile))
    assert rate.high == pytest.approx(expit(centre + spread * quantile))


def test_the_mean_is_that_of_the_predictive_law() -> None:
    rate = reference_class_prior([0.2], ENDS)
    draws = [expit(stats.norm.ppf((k + 0.5) / 2000, logit(0.2), WIDE_SCALE)) for k in range(2000)]
    assert rate.expected == pytest.approx(sum(draws) / 2000, abs=1e-5)
    assert rate.expected > 0.2


@pytest.mark.parametrize("shares", [[0.5], [0.3, 0.7], [0.1, 0.5, 0.9]])
def test_symmetric_classes_give_one_half(shares: list[float]) -> None:
    rate = reference_class_prior(shares, ENDS)
    assert rate.expected == pytest.approx(0.5)
    assert rate.low + rate.high == pytest.approx(1)


@given(shares=st.lists(SHARES, min_size=1, max_size=6, unique=True), data=st.data())
def test_the_order_of_the_classes_does_not_matter(shares: list[float], data: st.DataObject) -> None:
    other = reference_class_prior(data.draw(st.permutations(shares)), ENDS)
    one = reference_class_prior(shares, ENDS)
    assert one.expected == pytest.approx(other.expected)
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


@given(shares=st.lists(SHARES, min_size=1, max_size=6, unique=True))
def test_the_mean_lies_between_its_ends(shares: list[float]) -> None:
    rate = reference_class_prior(shares, ENDS)
    assert 0 <= rate.low <= rate.expected <= rate.high <= 1


@given(low=SHARES, high=SHARES, other_class=st.lists(SHARES, max_size=1))
def test_one_of_at_most_two_classes_that_rises_raises_everything(
    low: float, high: float, other_class: list[float]
) -> None:
    low, high = sorted((low, high))
    one = reference_class_prior([low, *other_class], ENDS)
    other = reference_class_prior([high, *other_class], ENDS)
    assert one.low <= other.low
    assert one.expected <= other.expected
    assert one.high <= other.high


@given(
    shares=st.lists(SHARES, min_size=3, max_size=6, unique=True),
    shift=st.floats(0.1, 2),
)
def test_classes_that_rise_together_raise_the_mean(shares: list[float], shift: float) -> None:
    risen = [expit(logit(s) + shift) for s in shares]
    assert reference_class_prior(risen, ENDS).expected > reference_class_prior(shares, ENDS).expected


@pytest.mark.parametrize("shares", [[], [0.0], [1.0, 0.5, 0.2], [-0.1], [1.5], [math.nan]])
def test_a_share_outside_zero_and_one_has_no_logit_and_is_refused(shares: list[float]) -> None:
    with pytest.raises(ModelRefused, match="need shares between 0 and 1"):
        reference_class_prior(shares, ENDS)


def test_three_equal_classes_have_no_spread_and_are_refused() -> None:
    with pytest.raises(ModelRefused, match="all equal"):
        reference_class_prior([0.2, 0.2, 0.2], ENDS)


def rates(ledger: Ledger) -> list[RateAssumption]:
    return [a for a in ledger.assumptions if isinstance(a, RateAssumption)]


def test_every_rate_of_the_ledger_lies_between_its_bounds(ledger: Ledger) -> None:
    assert len(rates(ledger)) >= 5
    for assumption in rates(ledger):
        rate = assumption.rate
        assert 0 < rate.low < rate.expected < rate.high < 1, assumption.id


def test_a_filing_share_follows_from_its_classes_and_its_widest_bounds(ledger: Ledger) -> None:
    entry = next(a for a in rates(ledger) if a.id == "as-filing-share")
    prior = reference_class_prior([figure(c).middle / 100 for c in entry.classes], ENDS)
    assert entry.rate.expected == prior.expected
    assert entry.rate.low == pytest.approx(min(figure(c).number for c in entry.widest) / 100)
    assert entry.rate.high == pytest.approx(max(figure(c).number for c in entry.widest) / 100)


def test_every_entry_has_a_rationale_a_source_and_an_owner(ledger: Ledger) -> None:
    for entry in ledger.assumptions:
        assert min(len(entry.rationale), len(entry.source), len(entry.owner)) > 5, entry.id


def test_the_whole_ledger_says_that_its_authors_knew_the_outcome(ledger: Ledger) -> None:
    assert [a.id for a in ledger.assumptions if not a.outcome_known] == []


def test_every_entry_feeds_a_line_of_the_policy(ledger: Ledger, policy: Policy) -> None:
    lines = {line.id for line in policy.lines}
    assert {line for a in ledger.assumptions for line in a.lines} <= lines


def test_no_fact_behind_the_ledger_came_later_than_the_entry(ledger: Ledger) -> None:
    for entry in ledger.assumptions:
        classes = entry.classes + entry.widest if isinstance(entry, RateAssumption) else ()
        for fact in (*classes, *entry.facts):
            day = figure(fact).public_on
            assert day is None or day <= entry.public_on, (entry.id, fact)


def test_an_entry_is_admissible_from_the_day_it_was_public(ledger: Ledger) -> None:
    def admitted(day: date) -> bool:
        ids = [a.id for a in ledger.admissible(day).assumptions]
        return "as-filing-share-documents" in ids

    assert not admitted(date(2023, 1, 29))
    assert admitted(date(2023, 1, 30))
    assert ledger.admissible(date(2022, 1, 1)).assumptions == ()


def test_the_effort_in_force_chooses_the_rate(ledger: Ledger) -> None:
    line = "small-business-cash"
    chosen = [ledger.find("filing_share", line, effort) for effort in ("form", "documents")]
    assert [a.id for a in chosen if a] == ["as-filing-share", "as-filing-share-documents"]
    assert ledger.find("filing_share", line, "one_tap") is None
    assert ledger.find("filing_share", "emoticons", "form") is None
    acceptance = ledger.find("acceptance", line, "documents")
    assert acceptance is not None
    assert acceptance.id == "as-acceptance"


def mix_of(ledger: Ledger) -> BandMix:
    (mix,) = [a for a in ledger.assumptions if isinstance(a, BandMix)]
    return mix


def test_the_band_mix_spreads_everything_over_the_tiers(ledger: Ledger, policy: Policy) -> None:
    shares = mix_of(ledger).on(policy.schedules[0])
    assert list(shares) == [(0, 300_000), (300_000, 500_000), (500_000, None)]
    assert sum(shares.values()) == pytest.approx(1)


def test_the_mix_follows_the_written_edges_to_the_other_closed_side(ledger: Ledger, edited: Edited) -> None:
    other = load_policy(edited("policies", 'closed = "upper"', 'closed = "lower"')).schedules[0]
    assert list(mix_of(ledger).on(other)) == [(0, 299_999), (299_999, 499_999), (499_999, None)]


def test_a_mix_on_other_edges_than_the_policy_is_refused(ledger: Ledger, edited: Edited) -> None:
    page = edited("policies", "up_to = 300_000", "up_to = 200_000", "over = 300_000", "over=200_000")
    line = load_policy(page).schedules[0]
    assert isinstance(line, Schedule)
    with pytest.raises(ModelRefused, match="as-band-mix is not stated on the bands of small-busi"):
        mix_of(ledger).on(line)


CLASSES = 'classes = ["TU-KT18"]'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("share = 0.50", "share = 0.60", "'as-band-mix': has shares that do not sum to 1"),
        ("share = 0.50", "share = -0.50", "band 1 > share: input should be greater than"),
        ("share = 0.50", "share = nan", "band 1 > share: input should be"),
        (
            "over = 300_000, up_to",
            "over = 310_000, up_to",
            "'as-band-mix': there is a gap: no band covers losses over 300,000 up to 310,000",
        ),
        (
            "expected = 222_500",
            "expected = 22_500",
            "'as-review-award': needs low <= expected <= high",
        ),
        (CLASSES, "", "'as-acceptance': needs either reference classes or a stated rate"),
        (
            CLASSES,
            CLASSES + "\nstated = { expected = 0.5, low = 0.1, high = 0.9 }",
            "'as-acceptance': needs either reference classes or a stated rate",
        ),
        (
            CLASSES,
            "stated = { expected = 0.5, low = 0.6, high = 0.9 }",
            "'as-acceptance': needs 0 <= low <= expected <= high <= 1",
        ),
        (CLASSES, "stated = { expected = 0.5, low = 0.1, high = 1.1 }", "needs 0 <= low"),
        (CLASSES, "stated = { expected = nan, low = 0.1, high = 0.9 }", "needs 0 <= low"),
        ('id = "as-acceptance"', 'id = "as-band-mix"', "two assumptions have the id as-band-mix"),
        ('owner = "outage-analysis"', 'owner = ""', "owner: string should have at least 1"),
        ("outcome_known = true", "", "outcome_known: a required key is missing"),
        ('lines = ["emoticons"', 'lins = ["emoticons"', "lins: unknown key"),
    ],
)
def test_a_ledger_that_breaks_a_rule_is_refused_by_name(
    edited: Edited, old: str, new: str, message: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        load_ledger(edited("assumptions", old, new))
    assert message in str(refusal.value)


def test_a_stated_rate_stands_as_it_is(edited: Edited) -> None:
    page = edited("assumptions", CLASSES, "stated = { expected = 0.5, low = 0.25, high = 1 }")
    entry = next(a for a in rates(load_ledger(page)) if a.id == "as-acceptance")
    assert (entry.rate.expected, entry.rate.low, entry.rate.high) == (0.5, 0.25, 1)


def test_a_rate_on_a_fact_that_does_not_exist_names_the_nearest(edited: Edited) -> None:
    page = edited("assumptions", CLASSES, 'classes = ["TU-KT19"]')
    entry = next(a for a in rates(load_ledger(page)) if a.id == "as-acceptance")
    with pytest.raises(UsageError, match=r"no such fact.*TU-KT18"):
        _ = entry.rate


def test_a_review_award_is_an_amount_between_its_bounds(ledger: Ledger) -> None:
    (award,) = [a for a in ledger.assumptions if isinstance(a, Award)]
    assert (award.low, award.expected, award.high) == (50_000, 222_500, 2_950_000)
