"""Two groups side by side: published intervals, claim-level means, and what is refused."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Bands
from outage_analysis.losses import Cube, compare_groups
from outage_analysis.losses.loss_summaries import MIN_LOSSES_FOR_INTERVAL, newcombe, wilson
from tests.loss_cubes import counts_only, cube_of_claims, made_up
from tests.paths import GOLDEN

if TYPE_CHECKING:
    from collections.abc import Sequence

CASES: dict[str, Any] = json.loads((GOLDEN / "reference_cases.json").read_text("utf-8"))
ONE_SHARE, TWO_SHARES = (
    list(zip(CASES[name]["data"], CASES[name]["intervals"], strict=True))
    for name in ("newcombe_1998_one_share", "newcombe_1998_two_shares")
)
WIDE = Bands((20,))


def two(first: Sequence[int | None], second: Sequence[int | None], *cuts: int) -> Cube:
    told = [*(("mail", x) for x in first), *(("taxi", x) for x in second)]
    return cube_of_claims(told, Bands.from_cuts(cuts or (10, 20)))


@pytest.mark.parametrize(("pair", "interval"), ONE_SHARE)
def test_wilsons_interval_is_the_published_one(pair: list[int], interval: list[float]) -> None:
    assert wilson(pair[0], pair[1]) == pytest.approx(interval, abs=1e-12)


@pytest.mark.parametrize(("pairs", "interval"), TWO_SHARES)
def test_newcombes_interval_is_the_published_one(pairs: list[list[int]], interval: list[float]) -> None:
    (a, m), (b, n) = pairs
    assert newcombe((a, m), (b, n)) == pytest.approx(interval, abs=5.1e-5)
    low, high = newcombe((b, n), (a, m))
    assert (-high, -low) == pytest.approx(newcombe((a, m), (b, n)))


@given(m=st.integers(1, 500), n=st.integers(1, 500), data=st.data())
def test_an_interval_of_shares_holds_the_difference_and_stays_possible(
    m: int, n: int, data: st.DataObject
) -> None:
    a, b = data.draw(st.integers(0, m)), data.draw(st.integers(0, n))
    low, high = newcombe((a, m), (b, n))
    assert -1 - 1e-12 <= low <= a / m - b / n <= high <= 1 + 1e-12


def test_every_band_has_both_shares_and_their_difference() -> None:
    table = compare_groups(two([5, 15, 25, None], [0, 15]), "service", "mail", "taxi", WIDE)["shares"]
    assert table.columns == [
        "over", "up_to", "claims_first", "claims_second", "share_first", "share_second",
        "difference", "low", "high",
    ]  # fmt: skip
    assert table.drop("low", "high").rows() == [
        (-1, 0, 0, 1, 0, 0.5, -0.5),
        (0, 20, 2, 1, 0.5, 0.5, 0),
        (20, None, 1, 0, 0.25, 0, 0.25),
        (None, None, 1, 0, 0.25, 0, 0.25),
    ]
    assert table.row(1)[-2:] == pytest.approx(newcombe((2, 4), (1, 2)))


def test_the_difference_of_means_has_welchs_interval() -> None:
    rng = np.random.default_rng(5)
    first, second = ([int(x) for x in rng.lognormal(10, 1, n)] for n in (40, 70))
    found = compare_groups(two([*first, None], second), "service", "mail", "taxi", WIDE, level=0.9)
    ((_, *told, status), _) = found["differences"].rows()
    welch = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.9)
    means = statistics.mean(first), statistics.mean(second)
    assert told == pytest.approx([*means, means[0] - means[1], welch.low, welch.high])
    assert status == "interval"


def test_the_difference_of_medians_has_bounds_that_hold_the_exact_one() -> None:
    first, second = [11, 12, 19], [1, 2, 30]
    (_, (_, a, b, difference, low, high, status)) = compare_groups(
        two(first, second), "service", "mail", "taxi", WIDE
    )["differences"].rows()
    assert low <= 12 - 2 <= high
    assert (difference, status) == (a - b, "bounds")
    exact = compare_groups(two(first, second, *range(1, 31)), "service", "mail", "taxi", WIDE)["differences"]
    assert exact.row(1) == ("median", 12, 2, 10, 10, 10, "bounds")


def test_a_mean_of_few_claims_gets_no_interval() -> None:
    few, many = list(range(1, MIN_LOSSES_FOR_INTERVAL)), list(range(1, MIN_LOSSES_FOR_INTERVAL + 1))
    for cube in (two([*few, None], many), two(many, few)):
        row = compare_groups(cube, "service", "mail", "taxi", WIDE)["differences"].row(0)
        assert row[4:] == (None, None, "too_few")
        assert None not in row[:4]
    row = compare_groups(two(many, many), "service", "mail", "taxi", WIDE)["differences"].row(0)
    assert row[3] == 0
    assert row[4] == pytest.approx(-row[5])
    same = compare_groups(
        two([7] * MIN_LOSSES_FOR_INTERVAL, [5] * MIN_LOSSES_FOR_INTERVAL), "service", "mail", "taxi", WIDE
    )["differences"]
    assert same.row(0)[1:] == (7, 5, 2, None, None, "no_spread")


def test_what_sums_would_say_is_null_without_them() -> None:
    many = list(range(1, MIN_LOSSES_FOR_INTERVAL + 1))
    counted = counts_only(two(many, many))
    assert compare_groups(counted, "service", "mail", "taxi", WIDE)["differences"].row(0) == (
        "mean", None, None, None, None, None, "sums_unknown",
    )  # fmt: skip
    summed = two(many, many)
    cube = Cube(
        summed.frame.with_columns(loss_squared=counted.frame["loss_squared"]), summed.dimensions,
        synthetic=False, source="a test",
    )  # fmt: skip
    assert compare_groups(cube, "service", "mail", "taxi", WIDE)["differences"].row(0)[3:] == (
        0, None, None, "sums_unknown",
    )  # fmt: skip
    unknown = compare_groups(two([None], many), "service", "mail", "taxi", WIDE)["differences"]
    assert unknown.row(0)[1:] == (None, None, None, None, None, "too_few")
    assert unknown.row(1)[3:] == (None, None, None, "bounds")


def test_claims_without_a_name_can_be_compared() -> None:
    cube = cube_of_claims([(None, 5), (None, 25), ("mail", 5)], Bands((20,)))
    shares = compare_groups(cube, "service", None, "mail", WIDE)["shares"]
    assert shares.select("claims_first", "claims_second").rows() == [(1, 1), (1, 0)]


def test_synthetic_claims_give_no_finding_unless_recovery_is_asked_for() -> None:
    cube = made_up(two([5], [5]))
    with pytest.raises(ModelRefused, match=r"synthetic\.csv: a comparison of synthetic.*recovery=True") as no:
        compare_groups(cube, "service", "mail", "taxi", WIDE)
    assert "only recovers what the generator was given" in no.value.remedy
    assert compare_groups(cube, "service", "mail", "taxi", WIDE, recovery=True)


@pytest.mark.parametrize(
    ("dimension", "first", "second", "message"),
    [
        ("servce", "mail", "taxi", r"no such dimension \(found 'servce'\). Did you mean 'service'\?"),
        ("service", "mial", "taxi", r"service: no claim of the cube has it \(found 'mial'\). Did you mean"),
        ("service", "mail", "mail", "is named twice"),
    ],
)
def test_unknown_names_are_refused(dimension: str, first: str, second: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compare_groups(two([5], [5]), dimension, first, second, WIDE)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_a_share(level: float) -> None:
    with pytest.raises(UsageError, match="a level lies between 0 and 1"):
        compare_groups(two([5], [5]), "service", "mail", "taxi", WIDE, level=level)


def test_a_group_without_a_claim_is_refused() -> None:
    cube = two([5], [5])
    none = cube.frame.with_columns(claims=cube.frame["claims"] * (cube.frame["service"] == "mail"))
    with pytest.raises(ModelRefused, match=r"the group has no claim .*'taxi'.*groups with claims"):
        compare_groups(Cube(none, cube.dimensions, False, ""), "service", "mail", "taxi", WIDE)  # noqa: FBT003


def test_bands_that_are_no_unions_are_refused() -> None:
    with pytest.raises(UsageError, match="lies in no display band"):
        compare_groups(two([5], [5]), "service", "mail", "taxi", Bands((7,)))
