"""Payments: each tier to the won, and from a cube the same as from the claims one by one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis.aggregation import build_cube
from outage_analysis.bands import UNKNOWN, Band, Bands
from outage_analysis.claims import read_claims
from outage_analysis.cube import EDGES, MEASURES, Cube
from outage_analysis.errors import UsageError
from outage_analysis.payouts import payments, rounded
from outage_analysis.policies import SHARE_SCALE, Policy, Schedule, load_policy

if TYPE_CHECKING:
    from outage_analysis.incidents import Incident
    from tests.conftest import ClaimsCsv, Edited

Loss = int | None


def cube_of(losses: list[Loss], bands: Bands, who: str = "small_business") -> Cube:
    """The cube of claims with these losses, made by a plain loop."""
    cells: dict[Band, list[int]] = {}
    for loss in losses:
        cells.setdefault(bands.band_of(loss), []).append(loss or 0)
    return cube(
        [(who, *band, len(inside), sum(inside), sum(x * x for x in inside)) for band, inside in cells.items()]
    )


def cube(rows: list[tuple[object, ...]]) -> Cube:
    schema = {"claimant_type": pl.String, **EDGES, **MEASURES}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(service=pl.lit("kakaotalk"))
    return Cube(frame, ("claimant_type", "service"), synthetic=True, source="a test")


def policy_of(*lines: dict[str, Any]) -> Policy:
    """A policy of schedules; a share is written as in a page."""
    common = {"kind": "schedule", "public_on": date(2022, 12, 29), "effort": "form"}
    return Policy.model_validate(
        {
            "id": "p",
            "name": {"en": "P"},
            "currency": "EUR",
            "loss_unit": "minutes",
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


def paid_alone(line: Schedule, loss: Loss) -> Fraction:
    """What one claim is paid, from the page as written: the oracle."""
    if loss is None or loss < 0:
        rule = line.unknown if loss is None else None
        return Fraction(rule.fixed) if rule else Fraction(0)
    if loss == 0:
        return Fraction(line.zero.fixed)
    for band in line.bands:
        if line.closed == "upper":
            inside = band.over < loss and (band.up_to is None or loss <= band.up_to)
        else:
            inside = band.over <= loss and (band.up_to is None or loss < band.up_to)
        if inside:
            return band.fixed + Fraction(band.share, SHARE_SCALE) * loss
    raise AssertionError(f"no band holds {loss}")


RULE = st.fixed_dictionaries(
    {
        "fixed": st.integers(0, 10**6),
        "share": st.one_of(
            st.just(0), st.integers(0, SHARE_SCALE).map(lambda n: n / SHARE_SCALE)
        ),
    }
)  # fmt: skip
EDGE = st.one_of(st.integers(2, 60), st.integers(2, 10**15))


@st.composite
def schedules(draw: st.DrawFn) -> dict[str, Any]:
    edges = draw(st.lists(EDGE, max_size=4, unique=True).map(sorted))
    return {
        "closed": draw(st.sampled_from(["upper", "lower"])),
        "band": tiers(edges, [draw(RULE) for _ in range(len(edges) + 1)]),
        "zero": {"fixed": draw(st.integers(0, 9))},
        "unknown": {"fixed": draw(st.integers(0, 9))},
    }


@st.composite
def losses_near(draw: st.DrawFn, lines: list[dict[str, Any]]) -> list[Loss]:
    edges = [b["up_to"] for line in lines for b in line["band"] if "up_to" in b]
    near = [e + step for e in edges for step in (-1, 0, 1)]
    one = st.one_of(
        st.none(),
        st.integers(0, 70),
        st.integers(0, 10**15 - 1),
        *([st.sampled_from(near)] if near else []),
    )
    return draw(st.lists(one, max_size=30))


def total(frame: pl.DataFrame, line: str, column: str = "payment") -> Fraction:
    return sum((Fraction(x) for x in frame.filter(pl.col("line") == line)[column]), Fraction(0))


@given(data=st.data())
@settings(max_examples=150)
def test_payments_from_a_cube_equal_those_of_the_claims_one_by_one(data: st.DataObject) -> None:
    lines = data.draw(st.lists(schedules(), min_size=1, max_size=3))
    losses = data.draw(losses_near(lines))
    extra = tuple(data.draw(st.lists(st.integers(1, 80), max_size=3)))
    policy = policy_of(*lines)
    cube = cube_of(losses, Bands.of(policy.cuts, extra))
    frame = payments(cube, policy)
    assert frame["rule"].is_in(["pays", "nothing"]).all()
    for line in policy.schedules:
        exact = sum((paid_alone(line, loss) for loss in losses), Fraction(0))
        assert total(frame, line.id) == exact
        assert total(frame, line.id, "payment_low") == exact
        assert total(frame, line.id, "payment_high") == exact
        assert frame.filter(pl.col("line") == line.id)["claims"].sum() == len(losses)


@given(data=st.data())
@settings(max_examples=150)
def test_bounds_from_counts_are_the_least_and_the_most_that_any_losses_give(
    data: st.DataObject,
) -> None:
    line = data.draw(schedules())
    line["band"] = tuple(
        {**band, "over": n * 7, **({"up_to": n * 7 + 7} if "up_to" in band else {})}
        for n, band in enumerate(line["band"])
    )
    policy = policy_of(line)
    low = data.draw(st.integers(-1, 30))
    band = (low, low + data.draw(st.integers(1, 12)))
    claims = data.draw(st.integers(1, 5))
    frame = payments(cube([("small_business", *band, claims, None, None)]), policy)
    each = [paid_alone(policy.schedules[0], x) for x in range(band[0] + 1, band[1] + 1)]
    assert total(frame, "line-0", "payment_low") == claims * min(each)
    assert total(frame, "line-0", "payment_high") == claims * max(each)
    if frame["payment"].item() is not None:
        assert total(frame, "line-0") == claims * min(each) == claims * max(each)


@given(losses=st.lists(st.integers(1, 30), min_size=1, max_size=8), cut=st.integers(1, 30))
def test_what_the_claims_are_paid_lies_within_the_bounds_of_any_coarser_cube(
    losses: list[Loss], cut: int
) -> None:
    steep = {"band": tiers([10, 20], [{"fixed": 9}, {"share": 0.5}, {"fixed": 1, "share": 0.25}])}
    policy = policy_of(steep)
    frame = payments(cube_of(losses, Bands((cut, 40))), policy)
    exact = sum(paid_alone(policy.schedules[0], loss) for loss in losses)
    assert total(frame, "line-0", "payment_low") <= exact <= total(frame, "line-0", "payment_high")


def one_claim(policy: Policy, loss: Loss, who: str = "small_business") -> dict[str, Any]:
    cube = cube_of([loss], Bands.of(policy.cuts), who)
    return payments(cube, policy).row(0, named=True)


@pytest.mark.parametrize("closed", ["upper", "lower"])
def test_each_side_of_each_edge_is_paid_as_published(
    edited: Edited, golden: dict[str, Any], closed: str
) -> None:
    table = golden["tier_boundary_table"]
    policy = load_policy(edited("policies", 'closed = "upper"', f'closed = "{closed}"'))
    rows = [one_claim(policy, loss) for loss in table["losses"]]
    assert [row["payment"] for row in rows] == table[closed]
    assert [row["rule"] == "review" for row in rows] == [pay is None for pay in table[closed]]


def test_zero_and_unknown_have_rows_of_their_own_and_are_paid_nothing(policy: Policy) -> None:
    cube = cube_of([0, 0, None, 300_000, 500_001], Bands.of(policy.cuts))
    frame = payments(cube, policy).select("over", "up_to", "rule", "claims", "payment")
    assert sorted(frame.rows(), key=str) == sorted(
        [
            (-1, 0, "nothing", 2, Decimal(0)),
            (None, None, "nothing", 1, Decimal(0)),
            (0, 300_000, "pays", 1, Decimal(30_000)),
            (500_000, None, "review", 1, None),
        ],
        key=str,
    )


def test_a_review_is_at_least_nothing_and_has_no_upper_bound(policy: Policy) -> None:
    row = one_claim(policy, 500_001)
    assert (row["payment"], row["payment_low"], row["payment_high"]) == (None, 0, None)


def test_the_published_range_follows_from_the_count_and_the_two_tiers(
    policy: Policy, golden: dict[str, Any]
) -> None:
    case = golden["published_range"]
    totals = [
        payments(cube([("small_business", low, high, case["claims"], None, None)]), policy)
        for low, high in ((0, 300_000), (300_000, 500_000))
    ]
    assert [frame["payment"].item() for frame in totals] == case["totals"]
    both = payments(cube([("small_business", 0, 500_000, case["claims"], None, None)]), policy)
    assert both["rule"].item() == "straddles"
    assert both.select("over", "up_to", "payment").row(0) == (None, None, None)
    assert [both["payment_low"].item(), both["payment_high"].item()] == case["totals"]


def test_a_band_that_reaches_into_the_review_has_no_upper_bound(policy: Policy) -> None:
    row = payments(cube([("small_business", 400_000, None, 2, None, None)]), policy).row(0, named=True)
    assert (row["rule"], row["payment_low"], row["payment_high"]) == ("straddles", 0, None)


def test_counts_alone_bound_a_share_and_leave_an_open_top_unbounded() -> None:
    policy = policy_of({"band": tiers([100], [{"fixed": 5, "share": 0.5}, {"share": 0.1}])})
    rows: list[tuple[object, ...]] = [
        ("x", 0, 100, 2, None, None),
        ("x", 100, None, 3, None, None),
    ]
    frame = payments(cube(rows), policy).sort("over")
    assert frame["payment"].to_list() == [None, None]
    assert frame["payment_low"].to_list() == [Decimal("11.0"), Decimal("30.3")]
    assert frame["payment_high"].to_list() == [Decimal(110), None]


@pytest.mark.parametrize("who", ["general_user", "mid_large_firm"])
def test_a_claimant_who_is_not_entitled_is_paid_exactly_nothing(policy: Policy, who: str) -> None:
    for loss in (None, 0, 1, 400_000, 600_000):
        row = one_claim(policy, loss, who)
        assert row["rule"] == "not_entitled"
        assert (row["payment"], row["payment_low"], row["payment_high"]) == (0, 0, 0)
        assert row["claims"] == 1


def test_a_claimant_of_no_known_type_is_not_entitled(policy: Policy) -> None:
    frame = payments(cube([(None, 0, 300_000, 1, 5, None)]), policy)
    assert frame["rule"].item() == "not_entitled"


def test_a_line_without_eligibility_pays_everybody() -> None:
    policy = policy_of({"band": tiers([], [{"fixed": 7}])})
    rows: list[tuple[object, ...]] = [(who, 0, None, 1, 5, None) for who in ("a", "b", None)]
    assert payments(cube(rows), policy)["payment"].to_list() == [7, 7, 7]


def test_eligibility_on_a_dimension_that_the_cube_lacks_is_refused(policy: Policy) -> None:
    bare = Cube(
        pl.DataFrame({"over": [0], "up_to": [9], "claims": [1], "loss": [5], "loss_squared": [25]}),
        (),
        synthetic=True,
        source="a test",
    )
    with pytest.raises(UsageError, match="small-business-cash depends on claimant_type") as refusal:
        payments(bare, policy)
    assert "Build the cube with the dimension claimant_type" in refusal.value.remedy


def test_eligibility_may_name_the_day_of_filing(claims_csv: ClaimsCsv, incident: Incident) -> None:
    days = [{"filed_on": "2022-10-19"}, {"filed_on": "2022-10-20"}]
    claims = read_claims(claims_csv(days), incident)
    policy = policy_of({"band": tiers([], [{"fixed": 7}]), "eligibility": {"filed_on": ("2022-10-19",)}})
    frame = payments(build_cube(claims, dimensions=("filed_on",), policy=policy), policy)
    assert frame.sort("filed_on")["payment"].to_list() == [7, 0]


def test_each_line_pays_on_its_own() -> None:
    first = {"band": tiers([10], [{"fixed": 1}, {"fixed": 2}])}
    second = {"band": tiers([20], [{"share": 0.1}, {"fixed": 30}]), "closed": "lower"}
    policy = policy_of(first, second)
    frame = payments(cube_of([10, 11, 19, 20], Bands.of(policy.cuts)), policy)
    assert total(frame, "line-0") == 1 + 2 + 2 + 2
    assert total(frame, "line-1") == Fraction(10 + 11 + 19, 10) + 30


def test_a_policy_without_schedules_gives_an_empty_table(policy: Policy) -> None:
    goods = policy.model_copy(update={"lines": policy.lines[1:]})
    frame = payments(cube_of([5], Bands((10,))), goods)
    assert frame.is_empty()
    assert frame.columns[:5] == ["line", "claimant_type", "service", "over", "up_to"]


def test_the_largest_amounts_stay_exact() -> None:
    most = 10**15 - 1
    policy = policy_of({"band": tiers([], [{"fixed": 10**12, "share": 0.3333}])})
    frame = payments(cube([("x", 0, None, most, most, None)]), policy)
    assert total(frame, "line-0") == 10**12 * most + Fraction(3333 * most, SHARE_SCALE)


@pytest.mark.parametrize(
    ("amount", "whole"),
    [
        ("0.4999", 0),
        ("0.5", 1),
        ("1.5", 2),
        ("2.5", 3),
        ("2.4999", 2),
        ("-0.5", 0),
        ("-0.5001", -1),
        ("9999999999999999999999999999999999.4999", 9999999999999999999999999999999999),
    ],
)
def test_a_total_is_rounded_half_up(amount: str, whole: int) -> None:
    assert rounded(Decimal(amount)) == whole


def test_a_total_is_rounded_once_and_not_claim_by_claim() -> None:
    policy = policy_of({"band": tiers([], [{"share": 0.5}])})
    frame = payments(cube_of([1, 1, 1], Bands(())), policy)
    assert rounded(frame["payment"].item()) == 2


def test_the_unknown_band_is_its_own() -> None:
    policy = policy_of({"band": tiers([], [{"fixed": 7}]), "unknown": {"fixed": 3}})
    frame = payments(cube([("x", *UNKNOWN, 4, 0, None)]), policy)
    assert frame["payment"].item() == 12
