"""Payments: each tier to the won, and from a cube the same as from the claims one by one."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings, strategies as st
from pydantic import ValidationError

from outage_analysis.claims import Claims, read_claims
from outage_analysis.costs import exact_costs, exact_payments
from outage_analysis.costs.benefits import AMOUNTS
from outage_analysis.errors import InputRefused, OutageAnalysisError, UsageError
from outage_analysis.incidents import Bands, Incident, load_incident
from outage_analysis.losses import Cube, build_cube
from outage_analysis.policies import SHARE_SCALE, Policy, load_policy
from tests.conftest import ClaimsCsv, Edited, with_any_loss
from tests.loss_cubes import counts, cube_of_claims, cube_of_rows

Loss = int | None
DIMENSIONS = ("claimant_type", "service")


def policy_of(*lines: dict[str, Any], **page: Any) -> Policy:  # noqa: ANN401 - keys of a page
    """A policy of schedules; a share is written as in a page."""
    common = {"kind": "schedule", "public_on": date(2022, 12, 29), "effort": "form"}
    return Policy.model_validate(
        {
            "id": "p",
            "name": {"en": "P"},
            "currency": "EUR",
            "loss_unit": "EUR",
            **page,
            "line": tuple(
                {**common, "id": f"line-{n}", "name": {"en": "L"}, **line} for n, line in enumerate(lines)
            ),
        }
    )


def tiers(edges: list[int], rules: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Bands on the edges, each with one of the rules."""
    bands: list[dict[str, Any]] = []
    for (low, high), rule in zip(pairwise([0, *edges, None]), rules, strict=True):
        bands.append({"over": low, **({} if high is None else {"up_to": high}), **rule})
    return tuple(bands)


def shops(policy: Policy, *losses: Loss) -> Cube:
    """The cube of small businesses with these losses, on the edges of the policy."""
    claims = [("small_business", "kakaotalk", loss) for loss in losses]
    return cube_of_claims(claims, Bands.from_cuts(policy.cuts), *DIMENSIONS)


@pytest.mark.parametrize("closed", ["upper", "lower"])
def test_each_side_of_each_edge_is_paid_as_published(
    edited: Edited, golden: dict[str, Any], closed: str
) -> None:
    table = golden["tier_boundary_table"]
    policy = load_policy(edited("policies", 'closed = "upper"', f'closed = "{closed}"'))
    rows = [exact_payments(shops(policy, loss), policy).row(0, named=True) for loss in table["losses"]]
    assert [row["payment"] for row in rows] == table[closed]
    assert [row["rule"] == "review" for row in rows] == [pay is None for pay in table[closed]]


def test_zero_and_unknown_have_rows_of_their_own_and_are_paid_nothing(policy: Policy) -> None:
    cube = shops(policy, 0, 0, None, 300_000, 500_001)
    frame = exact_payments(cube, policy).select("over", "up_to", "rule", "claims", "payment", "payment_high")
    assert sorted(frame.rows(), key=str) == sorted(
        [
            (-1, 0, "nothing", 2, Decimal(0), Decimal(0)),
            (
                None,
                None,
                "no_rule",
                1,
                Decimal(0),
                None,
            ),  # the policy has no rule for it; a review has no end
            (0, 300_000, "pays", 1, Decimal(30_000), Decimal(30_000)),
            (500_000, None, "review", 1, None, None),
        ],
        key=str,
    )


def test_eligibility_on_a_dimension_that_the_cube_lacks_is_refused(policy: Policy) -> None:
    with pytest.raises(UsageError, match="small-business-cash depends on claimant_type") as refusal:
        exact_payments(cube_of_rows([(0, 9, 1, 5, 25)]), policy)
    assert "Build the cube with the dimension claimant_type" in refusal.value.remedy


def test_the_largest_amounts_stay_exact_and_a_total_beyond_all_digits_is_refused() -> None:
    most = 10**15 - 1
    policy = policy_of({"band": tiers([], [{"fixed": 10**12, "share": 0.3333}])})
    frame = exact_payments(cube_of_rows([("x", "x", 0, None, most, most)], *DIMENSIONS), policy)
    assert summed(frame["payment"]) == 10**12 * most + Fraction(3333 * most, SHARE_SCALE)
    endless = policy_of({"band": tiers([], [{"rate": {"amount": 10**12}}])})
    with pytest.raises(OutageAnalysisError):
        exact_payments(counts(("x", "x", 10**14, 10**15, 10**13)), endless)


# --- every term of the language, against a reading of the page ------------------------------------


Page = dict[str, Any]
"""A schedule as its page writes it."""
Who = tuple[str | None, str]
"""A claimant type, perhaps not known, and a service."""
Claim = tuple[Who, Loss]

ANYONE: Who = ("a", "x")
TYPES, SERVICES = ("a", "b"), ("x", "y")


def fits(entitled: dict[str, tuple[str, ...]], who: Who) -> bool:
    """Whether somebody has the values that a page asks for."""
    has = dict(zip(DIMENSIONS, who, strict=True))
    return all(has[dimension] in values for dimension, values in entitled.items())


def holds(band: Page, loss: int, closed: str) -> bool:
    """Whether a band holds a loss, edges read as the page writes them."""
    low: int = band["over"]
    high: int = band.get("up_to", 10**99)
    return low < loss <= high if closed == "upper" else low <= loss < high


def due(rule: Page, loss: int) -> Fraction:
    """What a rule owes for a loss."""
    total: Fraction = Fraction(rule.get("fixed", 0))
    total += Fraction(str(rule.get("share", 0))) * max(loss - rule.get("deductible", 0), 0)
    if rate := rule.get("rate"):
        periods = Fraction(max(loss - rate.get("after", 0), 0), rate.get("every", 1))
        total += rate["amount"] * (math.ceil(periods) if rate.get("round_up") else math.floor(periods))
    total = max(total, Fraction(rule.get("floor", 0)))
    return min(total, Fraction(rule["limit"])) if "limit" in rule else total


def owed(page: Page, loss: Loss, who: Who = ANYONE) -> Fraction | None:
    """What one claim is paid, from the page as written; None under review. It calls nothing of ours."""
    if not fits(page.get("eligibility", {}), who) or (loss is not None and loss < 0):
        return Fraction(0)
    if loss is None or loss == 0:
        rule = page.get("unknown" if loss is None else "zero", {})
    else:
        own = [segment["band"] for segment in page.get("segment", ()) if fits(segment["when"], who)]
        closed = page.get("closed", "upper")
        (rule,) = [band for band in (own or [page["band"]])[0] if holds(band, loss, closed)]
    return None if rule.get("review") else due(rule, loss or 0)


@st.composite
def rich_rules(draw: st.DrawFn, scale: int, *, last: bool) -> Page:
    """A rule with any of its terms.

    Edges are at most 60 `scale`, limits too where steps would have no end: so no tariff has many steps.
    """
    if draw(st.integers(0, 7)) == 0:
        return {"review": True}
    some = st.integers(0, 60).map(lambda n: n * scale)
    rule: Page = {}
    if draw(st.booleans()):
        rule["fixed"] = draw(some) + draw(st.integers(0, 3))
    if draw(st.booleans()):
        rule["share"] = draw(st.integers(1, SHARE_SCALE)) / SHARE_SCALE
        if draw(st.booleans()):
            rule["deductible"] = draw(some) + draw(st.integers(0, 1))
    if draw(st.booleans()):
        by_unit = draw(st.booleans())
        rule["rate"] = {
            "amount": draw(st.integers(1, 3) if by_unit else st.integers(1, 50).map(lambda n: n * scale)),
            "every": 1 if by_unit else draw(st.integers(2, 40)) * scale,
            **draw(st.fixed_dictionaries({}, optional={"after": some, "round_up": st.booleans()})),
        }
    low, high = sorted((draw(st.integers(0, 12)) * scale, draw(st.integers(0, 12)) * scale))
    if draw(st.integers(0, 3)) == 0:
        rule["floor"] = low
    many = "rate" in rule and rule["rate"]["every"] > 1
    if (last and many) or draw(st.integers(0, 3)) == 0:
        rule["limit"] = high
    return rule


@st.composite
def rich_bands(draw: st.DrawFn, scale: int) -> tuple[Page, ...]:
    """Up to four bands, some of them of one loss only, or of none."""
    edge = st.integers(1, 60).map(lambda n: n * scale) | st.integers(1, 3)
    edges = draw(st.lists(edge, max_size=3, unique=True).map(sorted))
    return tiers(edges, [draw(rich_rules(scale, last=n == len(edges))) for n in range(len(edges) + 1)])


ENTITLED = st.dictionaries(st.just("claimant_type"), st.sampled_from([("a",), TYPES]), min_size=1) | st.just(
    {"service": ("x",)}
)


@st.composite
def rich_lines(draw: st.DrawFn, scales: tuple[int, ...] = (1, 10**9)) -> Page:
    """A schedule with any of the terms of the language, as a page writes it."""
    scale = draw(st.sampled_from(scales))
    flat = st.fixed_dictionaries({}, optional={"fixed": st.integers(0, 9)}) | st.just({"review": True})
    page: Page = {
        "band": draw(rich_bands(scale)),
        **draw(
            st.fixed_dictionaries(
                {"closed": st.sampled_from(["upper", "lower"])},
                optional={"zero": flat, "unknown": flat, "eligibility": ENTITLED},
            )
        ),
    }
    count = draw(st.integers(0, 2))
    segments = [
        {"id": f"s{n}", "when": draw(ENTITLED), "band": draw(rich_bands(scale))} for n in range(count)
    ]
    return {**page, **({"segment": tuple(segments)} if segments else {})}


def turning_points(page: Any) -> set[int]:  # noqa: ANN401 - a page, or a part of one
    """The losses that a page names, and the first ends of its periods."""
    if isinstance(page, tuple):
        return {loss for part in page for loss in turning_points(part)}
    if not isinstance(page, dict):
        return set()
    found = {page[key] for key in ("over", "up_to", "deductible", "after") if key in page}
    if "every" in page:
        found |= {page.get("after", 0) + page["every"] * n for n in (1, 2, 7)}
    return found | {loss for part in page.values() for loss in turning_points(part)}


def losses_of(*pages: Page) -> st.SearchStrategy[Loss]:
    """Losses near what pages name, none, not stated, and up to the largest."""
    near = sorted({loss + step for loss in turning_points(pages) for step in (-1, 0, 1)} - {-1})
    anything = st.none() | st.integers(0, 70) | st.integers(0, 70 * 10**9) | st.integers(-3, 10**15 - 1)
    return anything | st.sampled_from(near or [0])


def claims_of(*pages: Page) -> st.SearchStrategy[list[Claim]]:
    who = st.tuples(st.sampled_from([*TYPES, None]), st.sampled_from(SERVICES))
    return st.lists(st.tuples(who, losses_of(*pages)), max_size=25)


def summed(values: pl.Series) -> Fraction:
    return sum((Fraction(value) for value in values), Fraction(0))


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=250)
def test_any_policy_pays_from_a_cube_what_its_document_owes_each_claim(data: st.DataObject) -> None:
    pages = data.draw(st.lists(rich_lines(), min_size=1, max_size=2))
    claims = data.draw(claims_of(*pages))
    policy = policy_of(*pages)
    extra = tuple(data.draw(st.lists(st.integers(1, 80), max_size=3)))
    flat = [(*who, loss) for who, loss in claims]
    cube = cube_of_claims(flat, Bands.from_cuts(policy.breakpoints, extra), *DIMENSIONS)
    frame = exact_payments(cube, policy)
    assert "straddles" not in frame["rule"]
    for line, page in zip(policy.schedules, pages, strict=True):
        for who in {who for who, _ in claims}:
            mine = frame.filter(
                pl.col("line") == line.id,
                pl.col("claimant_type").eq_missing(pl.lit(who[0], pl.String)),
                pl.col("service") == who[1],
            )
            each = [owed(page, loss, whose) for whose, loss in claims if whose == who]
            reviewed = mine.filter(rule="review")
            assert (reviewed["claims"].sum(), mine["claims"].sum()) == (each.count(None), len(each))
            assert set(reviewed.select(AMOUNTS).rows()) <= {(None, Decimal(0), None)}
            unruled = mine.filter(rule="no_rule")
            assert unruled.is_empty() or "unknown" not in page
            assert set(unruled["payment"]) <= {None, Decimal(0)}
            assert set(unruled["payment_low"]) <= {Decimal(0)}
            fixed = mine.filter(~pl.col("rule").is_in(["review", "no_rule"]))
            exact = sum(x for x in each if x is not None)
            assert [summed(fixed[amount]) for amount in AMOUNTS] == [exact, exact, exact]


def test_a_rounded_share_of_any_loss_is_refused() -> None:
    with pytest.raises(ValidationError, match="bend or jump at more than 2,000 losses"):
        policy_of({"band": ({"over": 0, "rate": {"amount": 10, "every": 100}},)})


# --- a policy with many terms, against SQL over the claims, and claimants against a plain grouping ------


BY_CLAIMANT: Page = {
    "grain": "claimant",
    "eligibility": {"service": ("kakaotalk", "melon")},
    "zero": {"fixed": 1},
    "unknown": {"fixed": 2},
    "band": (
        {"over": 0, "up_to": 100, "fixed": 10},
        {"over": 100, "up_to": 1_000, "share": 0.5},
        {"over": 1_000, "fixed": 900},
    ),
}


def paid_by_claimant(claims: Claims, page: Page = BY_CLAIMANT) -> tuple[int, Fraction]:
    """How many claimants a line counts, and what it pays them."""
    policy = policy_of(page)
    cube = build_cube(claims, policy=policy, line=policy.schedules[0])
    frame = exact_payments(cube, policy)
    return cube.claims, summed(frame["payment"])


def complaint(who: str, service: str, loss: str, **more: str) -> dict[str, str]:
    return {"claimant_id": who, "service": service, "loss": loss, **more}


def test_a_claimant_is_paid_once_for_all_that_is_entitled(claims_csv: ClaimsCsv, incident: Incident) -> None:
    rows = [
        complaint("two services", "카톡", "60"),
        complaint("two services", "멜론", "60"),  # 120: half of it
        complaint("unknown and known", "카톡", ""),
        complaint("unknown and known", "카톡", "100"),  # 100: ten
        complaint("unknown twice", "카톡", ""),
        complaint("unknown twice", "멜론", ""),  # not stated: two
        complaint("zero", "카톡", "0"),
        complaint("zero and unknown", "카톡", "0"),
        complaint("zero and unknown", "멜론", ""),  # zero, twice: one each
        complaint("partly entitled", "카톡", "1000"),
        complaint("partly entitled", "다음", "999999"),  # 1,000: half of it
        complaint("not entitled", "다음", "50"),
        complaint("just over", "카톡", "1001"),  # 900
    ]
    claims = read_claims(claims_csv(rows), incident)
    by_hand = {"two services": 60, "unknown and known": 10, "unknown twice": 2, "zero": 1}
    by_hand |= {"zero and unknown": 1, "partly entitled": 500, "just over": 900}
    assert paid_by_claimant(claims) == (7, Fraction(sum(by_hand.values())))


def test_a_negative_loss_takes_nothing_from_a_claimants_others(claims_csv: ClaimsCsv, edited: Edited) -> None:
    incident = load_incident(edited("incidents", 'negative = "reject"', 'negative = "band"'))
    rows = [
        complaint("p", "카톡", "60"),
        complaint("p", "멜론", "-50"),  # 60: ten
        complaint("q", "카톡", "-50"),
        complaint("q", "멜론", ""),  # negative, then not stated: negative, so nothing
    ]
    claims = read_claims(claims_csv(rows), incident)
    assert paid_by_claimant(claims) == (2, Fraction(10))
    each = policy_of({**BY_CLAIMANT, "grain": "claim"})
    frame = exact_payments(build_cube(claims, policy=each), each)
    assert summed(frame["payment"]) == 10 + 0 + 0 + 2


def test_a_line_by_claimant_refuses_claims_that_name_no_claimant(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    rows = [complaint("p", "카톡", "5"), complaint("", "카톡", "not a number")]
    rejected = read_claims(claims_csv(rows), incident, max_rejects=0.9)
    assert paid_by_claimant(rejected) == (1, Fraction(10))  # a reject needs no claimant
    claims = read_claims(claims_csv([complaint("p", "카톡", "5"), complaint(" ", "다음", "5")]), incident)
    with pytest.raises(InputRefused, match="1 claims name no claimant, and the line line-0 pays by") as no:
        paid_by_claimant(claims)
    assert no.value.remedy == 'Give every claim its claimant_id, or set grain = "claim".'
    assert no.value.column == "claimant_id"


def test_a_claimant_whose_losses_add_up_beyond_the_largest_loss_gets_no_more_than_the_limit(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    rows = [complaint("p", "카톡", str(10**15 - 1)) for _ in range(20)]
    claims = read_claims(claims_csv(rows), with_any_loss(incident))
    page = {"grain": "claimant", "band": ({"over": 0, "share": 0.0001, "limit": 10**12},)}
    assert paid_by_claimant(claims, page) == (1, Fraction(10**12))


def test_a_line_by_claimant_says_that_totals_alone_cannot_pay_it() -> None:
    policy = policy_of(BY_CLAIMANT, {"band": ({"over": 0, "fixed": 7},)})
    totals = counts(("kakaotalk", "small_business", 0, 100, 3))
    table = exact_costs(policy, None, as_of=date(2022, 12, 29), cubes=[totals]).filter(level="line")
    assert table.select("line", "count", "promised", "expected", "high", "status").rows() == [
        ("line-0", None, None, None, None, "needs_claimants"),
        ("line-1", 3.0, 21.0, None, 21.0, "bounds_only"),
    ]


def test_the_band_of_a_segment_cites_the_facts_of_the_segment() -> None:
    plain = {"over": 0, "fixed": 5, "facts": ("PR-01",)}
    better = {"over": 0, "fixed": 50, "facts": ("PR-02",)}
    segment = {"id": "s", "when": {"claimant_type": ("b",)}, "band": (better,)}
    line = {"band": (plain,), "segment": (segment,)}
    claims = counts(("x", "b", 0, 100, 3))
    table = exact_costs(policy_of(line), None, as_of=date(2022, 12, 29), cubes=[claims])
    assert table.filter(level="band").select("promised", "facts").rows() == [(150.0, "PR-02")]
