"""Policies beside each other: who gains and who loses, against single claims; costs, against textbooks."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, strategies as st
from scipy import stats

import outage_analysis as oa
from outage_analysis.costs import payments
from outage_analysis.costs.benefits import edges_for_comparison, loss_shares
from outage_analysis.costs.comparison import (
    PolicySimulations,
    simulate_policies,
    winners_and_losers,
    with_ranks,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Bands, get_fact
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from outage_analysis.text import Locale, schema_of
from tests.contract.command_line import OWN_FILE
from tests.loss_cubes import counts_only, cube_of_claims
from tests.small_policies import (
    DAY,
    DRIVERS,
    REPORTS,
    TIERS,
    Page,
    budget,
    fee,
    fixed,
    ledger_of,
    mix,
    policy_of,
    tiers,
    uniform,
)

Claim = tuple[str, int | None]
AWARD = 100_000
RATES = (
    {"kind": "filing_share", "distribution": fixed(0.3)},
    {"kind": "acceptance", "distribution": fixed(0.8)},
    {"kind": "review_award", "distribution": fixed(AWARD)},
    mix(0.5, 0.3, 0.2),
)
SIGNS = ("gain", "lose", "equal", "unclear")


def by_loss(*bands: Page, id_: str, **keys: Any) -> Policy:  # noqa: ANN401 - keys of a line
    """A policy that pays by loss band, also a claim without a stated loss."""
    return policy_of({"unknown": {"fixed": 0}, **tiers(band=bands), **keys}, id_=id_)


def cube_for(claims: list[Claim], *policies: Policy) -> Cube:
    """A cube with the edges of the policies, and where they pay the same or a whole loss."""
    edges = [p.breakpoints for p in policies]
    cube = cube_of_claims(claims, Bands.from_cuts(*edges))
    more = edges_for_comparison(cube, policies, None, DAY)
    return cube_of_claims(claims, Bands.from_cuts(*edges, more))


def total_of(table: pl.DataFrame) -> dict[str, Any]:
    """The row over all claims."""
    (row,) = table.filter(level="total").iter_rows(named=True)
    return row


FLAT = by_loss({"over": 0, "fixed": 30}, id_="flat")
SHARE = by_loss({"over": 0, "share": 0.5}, id_="share")


def test_three_claims_by_hand() -> None:
    """A flat payment of 30 against half of the loss: equal at a loss of 60."""
    claims: list[Claim] = [("mail", 20), ("mail", 60), ("maps", 100)]
    table = winners_and_losers(FLAT, SHARE, as_of=DAY, cubes=[cube_for(claims, FLAT, SHARE)])
    assert table.schema == schema_of("winners_and_losers").frame().schema
    assert table.select("level", "service", "over", "up_to", "claims", *SIGNS).rows() == [
        ("band", "mail", 0, None, 2, 1, 0, 1, 0),
        ("band", "maps", 0, None, 1, 0, 1, 0, 0),
        ("service", "mail", None, None, 2, 1, 0, 1, 0),
        ("service", "maps", None, None, 1, 0, 1, 0, 0),
        ("total", None, None, None, 3, 1, 1, 1, 0),
    ]
    row = total_of(table)
    assert (row["payment"], row["payment_other"], row["difference"]) == (30, 30, 0)
    assert (row["total_difference"], row["total_low"], row["total_high"], row["assumed"]) == (0, 0, 0, 0)
    mail = table.row(0, named=True)
    assert (mail["payment"], mail["payment_other"], mail["total_difference"]) == (30, 20, 20)


UNRULED = policy_of(tiers(band=({"over": 0, "fixed": 30},)), id_="unruled")
CAPPED = by_loss({"over": 0, "up_to": 100, "share": 0.5}, {"over": 100}, id_="capped")
COARSE = cube_of_claims([("mail", 20), ("mail", 100)], Bands.from_cuts(FLAT.breakpoints))
UNSTATED = cube_of_claims([("mail", 5), ("mail", 5), ("mail", None)], Bands.from_cuts(FLAT.breakpoints))
MOSTLY = cube_of_claims([("mail", 5), ("mail", None), ("mail", None)], Bands.from_cuts(FLAT.breakpoints))
COUNTED = counts_only(cube_of_claims([("mail", 20), ("mail", 90)], Bands.from_cuts(CAPPED.breakpoints)))


@pytest.mark.parametrize(
    ("first", "second", "cube", "signs", "difference"),
    [
        (FLAT, SHARE, COARSE, [0, 0, 0, 2], (0, 0, 0)),  # no edge where both pay the same; exact sums
        (UNRULED, FLAT, UNSTATED, [0, 0, 2, 1], (0, 0, 30)),  # a loss that nobody states, without a rule
        (FLAT, UNRULED, UNSTATED, [0, 0, 2, 1], (0, -30, 0)),
        (UNRULED, FLAT, MOSTLY, [0, 0, 1, 2], (None, 0, 60)),  # most losses are not stated: no estimate
        (FLAT, CAPPED, COUNTED, [0, 0, 0, 2], (None, 2 * (30 - 50), 2 * (30 - 0.5))),  # no sums of losses
    ],
)
def test_where_the_sign_is_unclear_the_difference_has_bounds(
    first: Policy, second: Policy, cube: Cube, signs: list[int], difference: tuple[float | None, ...]
) -> None:
    row = total_of(winners_and_losers(first, second, as_of=DAY, cubes=[cube]))
    assert [row[name] for name in SIGNS] == signs
    assert (row["total_difference"], row["total_low"], row["total_high"]) == difference


def test_a_review_pays_the_mean_award_and_the_row_says_that_it_is_assumed() -> None:
    reviewed = policy_of(tiers(), id_="now")
    flat = policy_of(tiers(band=({"over": 0, "fixed": 60_000},)), id_="flat")
    claims: list[Claim] = [("mail", 100_000), ("mail", 900_000)]
    cube = cube_for(claims, reviewed, flat)
    row = total_of(winners_and_losers(reviewed, flat, ledger_of(*RATES), as_of=DAY, cubes=[cube]))
    assert [row[name] for name in (*SIGNS, "assumed")] == [1, 1, 0, 0, 1]
    assert row["total_difference"] == (30_000 - 60_000) + (AWARD - 60_000)
    swapped = total_of(winners_and_losers(flat, reviewed, ledger_of(*RATES), as_of=DAY, cubes=[cube]))
    assert (swapped["assumed"], swapped["total_difference"]) == (1, -row["total_difference"])
    unknown = total_of(winners_and_losers(reviewed, flat, as_of=DAY, cubes=[cube]))
    assert [unknown[name] for name in (*SIGNS, "assumed")] == [0, 1, 0, 1, 1]
    assert (unknown["total_difference"], unknown["total_high"]) == (None, None)
    assert unknown["total_low"] == (30_000 - 60_000) + (0 - 60_000)
    same = total_of(
        winners_and_losers(reviewed, reviewed.model_copy(update={"id": "copy"}), as_of=DAY, cubes=[cube])
    )
    assert [same[name] for name in (*SIGNS, "total_difference")] == [0, 0, 2, 0, 0]


RULES = st.one_of(
    st.builds(lambda x: {"fixed": x}, st.integers(0, 40)),
    st.builds(
        lambda x, y: {"fixed": x, "share": y}, st.integers(0, 20), st.sampled_from([0.1, 0.25, 0.5, 1.0])
    ),
    st.builds(
        lambda x, y: {"share": x, "deductible": y, "limit": 25},
        st.sampled_from([0.2, 0.5]),
        st.integers(0, 30),
    ),
)


@st.composite
def policies(draw: st.DrawFn, id_: str) -> Policy:
    """Bands with any rules, for all services or for one."""
    edges = sorted(draw(st.sets(st.integers(1, 60), max_size=2)))
    bands = [
        {"over": over, **({} if up_to is None else {"up_to": up_to}), **draw(RULES)}
        for over, up_to in zip([0, *edges], [*edges, None], strict=True)
    ]
    entitled = draw(st.sampled_from([{}, {"eligibility": {"service": ("mail",)}}]))
    return by_loss(*bands, id_=id_, **entitled)


def paid(policy: Policy, claim: Claim) -> Fraction:
    """What a policy pays one claim, by its tariff."""
    (line,) = policy.schedules
    service, loss = claim
    if line.eligibility and service not in line.eligibility["service"]:
        return Fraction(0)
    return line.tariff.pay(loss) or Fraction(0)


@pytest.mark.slow
@given(
    one=policies("one"),
    two=policies("two"),
    claims=st.lists(
        st.tuples(st.sampled_from(["mail", "maps"]), st.none() | st.integers(0, 90)), min_size=1, max_size=15
    ),
)
def test_every_sum_is_that_of_the_single_claims(one: Policy, two: Policy, claims: list[Claim]) -> None:
    cube = cube_for(claims, one, two)
    table = winners_and_losers(one, two, as_of=DAY, cubes=[cube])
    gaps = {n: paid(one, claim) - paid(two, claim) for n, claim in enumerate(claims)}
    for row in table.filter(level="service").iter_rows(named=True):
        mine = [gap for n, gap in gaps.items() if claims[n][0] == row["service"]]
        assert row["claims"] == len(mine)
        assert row["gain"] == sum(gap > 0 for gap in mine)
        assert row["lose"] == sum(gap < 0 for gap in mine)
        assert row["equal"] == sum(gap == 0 for gap in mine)
        assert row["unclear"] == 0
    total, bands = total_of(table), table.filter(level="band")
    assert total["total_difference"] == pytest.approx(float(sum(gaps.values())), abs=1e-9)
    assert bands["total_difference"].sum() == pytest.approx(total["total_difference"], abs=1e-9)
    assert [bands[name].sum() for name in ("claims", *SIGNS)] == [total[x] for x in ("claims", *SIGNS)]
    # The cost model adds up the payments of each policy on its own.
    sums = [float(payments(cube, policy)["payment"].sum()) for policy in (one, two)]
    assert total["total_difference"] == pytest.approx(sums[0] - sums[1], abs=1e-9)
    back = total_of(winners_and_losers(two, one, as_of=DAY, cubes=[cube]))
    assert (back["gain"], back["lose"], back["equal"]) == (total["lose"], total["gain"], total["equal"])


@given(policy=policies("one"), losses=st.lists(st.integers(0, 90), min_size=1, max_size=15))
def test_the_share_of_the_losses_is_that_of_the_single_claims(policy: Policy, losses: list[int]) -> None:
    claims: list[Claim] = [("mail", x) for x in losses]
    measures = loss_shares(policy, cube_for(claims, policy), None, DAY)
    stated = [x for x in losses if x > 0]
    if not stated:
        assert measures == {}
        return
    given = {x: paid(policy, ("mail", x)) for x in stated}
    share = float(sum(min(given[x], Fraction(x)) for x in stated) / sum(stated))
    assert (measures["replaced_low"], measures["replaced_high"]) == pytest.approx((share, share))


def test_a_payment_with_a_rounded_share_makes_the_claim_at_the_edge_whole() -> None:
    """27,000 and a tenth of the loss replace a loss of exactly 30,000."""
    policy = by_loss({"over": 0, "fixed": 27_000, "share": 0.1}, id_="edge")
    cube = cube_for([("mail", 30_000), ("mail", 30_001)], policy)
    measures = loss_shares(policy, cube, None, DAY)
    replaced = (30_000 + 30_000.1) / 60_001
    assert (measures["replaced_low"], measures["replaced_high"]) == pytest.approx(
        (replaced, replaced), rel=1e-12
    )


# --- published counts -------------------------------------------------------------------------------------


def test_reports_are_counted_by_the_band_mix_of_the_ledger() -> None:
    now = policy_of(tiers(), id_="now")
    raised = ({"over": 0, "up_to": 300_000, "fixed": 40_000}, *tiers()["band"][1:])
    more = policy_of(tiers(band=raised), fee(10), id_="more")
    table = winners_and_losers(now, more, ledger_of(*RATES), as_of=DAY)
    half, most, rest = 4_230.5, 2_538.3, 1_692.2
    assert half + most + rest == REPORTS
    assert table.select("level", "line", "over", "claims", "payment", "payment_other", *SIGNS).rows() == [
        ("band", "tiers", 0, half, 30_000, 40_000, 0, half, 0, 0),
        ("band", "tiers", 300_000, most, 50_000, 50_000, 0, 0, most, 0),
        ("band", "tiers", 500_000, rest, AWARD, AWARD, 0, 0, rest, 0),
        ("line", "fee", None, DRIVERS, 0, 10, 0, DRIVERS, 0, 0),
        ("total", None, None, None, None, None, None, None, None, None),
    ]
    assert total_of(table)["total_difference"] == pytest.approx(-REPORTS * 0.5 * 10_000 - DRIVERS * 10)


def test_lines_that_pay_claimants_have_sums_and_no_loss_bands(tmp_path: Path) -> None:
    """Nine claimants state a loss; one of them files two claims, 300,000 and 90,000."""
    (tmp_path / "complaints.csv").write_text(OWN_FILE, "utf-8")
    tariffs = {
        "cash": ({"over": 0, "up_to": 300_000, "fixed": 30_000}, {"over": 300_000, "fixed": 50_000}),
        "gift": ({"over": 0, "fixed": 10_000},),
    }
    pair = [
        policy_of(
            tiers(id=id_, band=bands, effort="automatic", grain="claimant", published_count=None), id_=id_
        )
        for id_, bands in tariffs.items()
    ]
    found = oa.compare(*pair, claims=oa.read_claims(tmp_path / "complaints.csv"), draws=1024)
    table = found.winners_and_losers("cash", "gift")
    paid = 4 * 30_000 + 5 * 50_000
    assert table.select("level", "line", "total_difference").rows() == [
        ("line", "cash", paid),
        ("line", "gift", -9 * 10_000),
        ("total", None, paid - 9 * 10_000),
    ]
    # Claimants are paid different amounts, so nobody knows who gains.
    assert table["unclear"].to_list() == [11, 11, None]


def test_two_lines_with_one_published_count_pay_the_same_people_once_it_is_public() -> None:
    now = policy_of(tiers(), id_="now")
    flat = policy_of(tiers(id="flat", band=({"over": 0, "fixed": 60_000},)), id_="flat")
    ledger = ledger_of(*RATES, as_of=DAY - timedelta(days=1))
    for day, claims in ((DAY, [4_230.5, 2_538.3, 1_692.2]), (ledger.as_of, [None] * 3)):
        bands = winners_and_losers(now, flat, ledger, as_of=day).filter(level="band")
        assert bands["claims"].to_list() == claims
        assert bands.select("payment", "payment_other").rows() == [
            (payment, 60_000) for payment in (30_000, 50_000, AWARD)
        ]


def test_a_stated_mean_payment_is_more_than_nothing() -> None:
    ledger = ledger_of({"kind": "mean_payment", "distribution": fixed(70_000)}, mix(0.5, 0.3, 0.2))
    table = winners_and_losers(policy_of(tiers()), policy_of(fee(10), id_="fee"), ledger, as_of=DAY)
    bands = table.filter(level="band").select("gain", "equal", "total_difference").sum()
    assert bands.row(0) == pytest.approx((REPORTS, 0, REPORTS * 70_000))


def test_without_a_band_mix_there_are_payments_and_no_counts() -> None:
    now = policy_of(tiers(), id_="now")
    flat = policy_of(
        tiers(band=({"over": 0, "up_to": 400_000, "fixed": 40_000}, {"over": 400_000})), id_="flat"
    )
    bands = winners_and_losers(now, flat, as_of=DAY).filter(level="band")
    assert bands.select("over", "claims", "payment", "payment_other", "gain", "total_difference").rows() == [
        (0, None, 30_000, 40_000, None, None),
        (300_000, None, 50_000, 40_000, None, None),
        (400_000, None, 50_000, 0, None, None),
        (500_000, None, None, 0, None, None),
    ]


def test_a_band_of_the_mix_across_an_edge_of_the_other_policy_is_unclear() -> None:
    now = policy_of(tiers(), id_="now")
    other = ({"over": 0, "up_to": 100_000, "fixed": 10_000}, {"over": 100_000, "fixed": 60_000})
    table = winners_and_losers(now, policy_of(tiers(band=other), id_="b"), ledger_of(*RATES), as_of=DAY)
    first = table.row(0, named=True)
    assert [first[name] for name in SIGNS] == [0, 0, 0, REPORTS * 0.5]
    assert (first["payment"], first["payment_other"], first["total_difference"]) == (30_000, None, None)
    assert first["total_low"] == pytest.approx(REPORTS * 0.5 * (30_000 - 60_000))
    assert first["total_high"] == pytest.approx(REPORTS * 0.5 * (30_000 - 10_000))


def test_a_difference_within_a_band_of_the_mix_has_the_bounds_of_its_parts() -> None:
    rest = TIERS[1:]
    one, two = (
        policy_of(tiers(band=({"over": 0, "up_to": 300_000, "share": x, "limit": 100_000}, *rest)), id_=id_)
        for x, id_ in ((0.5, "one"), (0.4, "two"))
    )
    first = winners_and_losers(one, two, ledger_of(*RATES), as_of=DAY).row(0, named=True)
    assert (first["unclear"], first["total_low"]) == (REPORTS * 0.5, 0)
    assert first["total_high"] == pytest.approx(REPORTS * 0.5 * 20_000)  # where one of them is capped


def test_a_budget_has_a_sum_and_nobody_to_count() -> None:
    table = winners_and_losers(policy_of(budget(1_000), id_="a"), policy_of(budget(400), id_="b"), as_of=DAY)
    row = table.filter(level="line").row(0, named=True)
    assert (row["claims"], row["payment"], row["gain"], row["total_difference"]) == (None, None, None, 600)


# --- ranks and dominated policies -------------------------------------------------------------------------


def test_the_stingy_policy_is_cheapest_and_the_generous_one_gives_most() -> None:
    stingy = by_loss({"over": 0, "fixed": 10}, id_="stingy")
    generous = by_loss({"over": 0, "fixed": 40}, id_="generous")
    # Half of this money goes to losses that are smaller than the payment.
    wasteful = by_loss({"over": 0, "up_to": 10, "fixed": 160}, {"over": 10}, id_="wasteful")
    pages = [stingy, generous, wasteful]
    cube = cube_for([("mail", 10), ("mail", 40), ("mail", 80), ("mail", 80)], *pages)
    found = simulate_policies(
        pages, ledger_of(*RATES), as_of=DAY, cubes={p.id: [cube] for p in pages}, draws=2**10
    )
    measures = ("cost_rank", "benefit_rank", "dominated_by")
    ranks = [(1, 2, None), (2, 1, None), (2, 3, "stingy generous")]
    assert found.policies.select(*measures).rows() == ranks
    assert found.policies["replaced_low"].to_list() == pytest.approx([40 / 210, 130 / 210, 10 / 210])
    said = found.sentence(Locale("en"), {p.id: p.id for p in pages})
    assert "“stingy” costs least" in said
    assert "“generous” gives claimants most: it pays 62% of the stated losses" in said
    assert (
        "“wasteful” is dominated: it costs no less than “stingy”, “generous” and gives claimants no more."
        in said
    )


@pytest.mark.parametrize(
    ("better", "dominated"),
    [
        ({}, None),  # nothing differs
        ({"expected": 9.0}, "a"),
        ({"p90": 19.0}, "a"),
        ({"replaced_low": 0.6}, "a"),
        ({"expected": 9.0, "p90": 21.0}, None),
        ({"expected": 9.0, "replaced_low": 0.4}, None),
        ({"expected": 9.0, "replaced_high": 0.4}, None),  # a review may replace more
        ({"expected": 10.0 * (1 - 1e-15)}, None),  # rounding
        ({"expected": None}, None),
    ],
)
def test_a_policy_is_dominated_only_if_nothing_about_it_is_better(
    better: dict[str, float | None], dominated: str | None
) -> None:
    row = {"expected": 10.0, "p90": 20.0, "replaced_low": 0.5, "replaced_high": 0.5}
    ranked = with_ranks([{"policy": "a", **row, **better}, {"policy": "b", **row}])
    assert [r["dominated_by"] for r in ranked] == [None, dominated]


def test_shares_that_nobody_knows_are_left_out() -> None:
    minutes = policy_of(tiers(), loss_unit="minutes")
    by_claimant = policy_of(tiers(grain="claimant"))
    cube = cube_of_claims([("mail", 5)], Bands.from_cuts((10,)))
    for policy, claims in ((minutes, cube), (FLAT, None), (by_claimant, cube), (FLAT, counts_only(cube))):
        assert loss_shares(policy, claims, None, DAY) == {}


# --- policies on the same draws ---------------------------------------------------------------------------

FILED = ({"kind": "filing_share", "distribution": uniform(0.1, 0.5)}, *RATES[1:])
SIGMA = 0.9
RATIO = {"kind": "realised_ratio", "distribution": {"kind": "lognormal", "median": 1, "sigma": SIGMA}}
SUM, CREDIT = 2_000_000_000, 10_000
LEDGER = ledger_of(RATIO)


@pytest.fixture(scope="module")
def comparison() -> PolicySimulations:
    """An uncertain sum against a certain one."""
    pages = (policy_of(budget(SUM), id_="sum"), policy_of(fee(CREDIT), id_="credit"))
    return simulate_policies(pages, LEDGER, as_of=DAY)


def test_an_uncertain_sum_against_a_certain_one_follows_its_distribution(
    comparison: PolicySimulations,
) -> None:
    distribution, other = stats.lognorm(SIGMA, scale=SUM), CREDIT * DRIVERS
    (row,), (flip,) = comparison.pairs.to_dicts(), comparison.flips.to_dicts()
    assert (row["policy"], row["other"]) == ("sum", "credit")
    assert row["difference"] == pytest.approx(distribution.mean() - other)
    assert (row["range_low"], row["p50"], row["range_high"]) == pytest.approx(
        distribution.ppf((0.1, 0.5, 0.9)) - other, rel=2e-3
    )
    assert (row["cheaper"], row["dearer"]) == pytest.approx(
        (distribution.cdf(other), distribution.sf(other)), abs=1e-3
    )
    assert flip["flips_at"] == pytest.approx(other / SUM)
    assert flip["expected"] == pytest.approx(stats.lognorm(SIGMA).mean())
    assert flip["beyond"] == pytest.approx(distribution.cdf(other))
    loose, sure = comparison.policies.rows(named=True)
    assert loose["expected"] == pytest.approx(distribution.mean())
    assert loose["promised"] == SUM
    assert (loose["recipients"], loose["per_recipient"]) == (None, None)  # a sum counts nobody
    assert (sure["range_low"], sure["p50"], sure["range_high"]) == 3 * (other,)
    assert (sure["recipients"], sure["per_recipient"]) == (DRIVERS, CREDIT)
    assert [r["cheapest"] for r in (loose, sure)] == pytest.approx([row["cheaper"], row["dearer"]], abs=1e-3)


def test_claims_that_are_paid_nothing_are_no_recipients() -> None:
    bands = ({"over": 0, "up_to": 300_000}, *tiers()["band"][1:])
    pages = [policy_of(tiers(band=bands), id_="a"), policy_of(fee(1), id_="b")]
    row = simulate_policies(pages, ledger_of(*FILED), as_of=DAY).policies.row(0, named=True)
    paid = REPORTS * 0.3 * 0.8 * 0.5
    assert row["recipients"] == pytest.approx(paid)
    assert row["per_recipient"] == pytest.approx((0.3 * 50_000 + 0.2 * 100_000) / 0.5)


def test_a_policy_without_an_expected_cost_is_shown_with_the_reason() -> None:
    pages = [
        policy_of(tiers(), id_="no-mix"),
        policy_of(fee(1), id_="fees"),
        policy_of(fee(2), tiers(published_count="CL-10"), id_="part"),
        policy_of({"id": "good", "kind": "in_kind", "recipients": "US-03", "face_value": 5}, id_="goods"),
    ]
    rates = [rate | {"lines": ("tiers",)} for rate in FILED[:2]]
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
        "but its chance of costing less than “A” (3 billion won) is only 45%. "
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
    found = simulate_policies(pages, ledger_of(*FILED), as_of=DAY)
    assert found.policies["expected"].is_null().to_list() == [False, True, False]
    assert found.policies["expected"][2] == pytest.approx(REPORTS * 0.3 * 0.8 * 10_000)  # needs no mix
    assert found.left_out.rows() == [("two", "tiers", "bounds_only", "band_mix")]
