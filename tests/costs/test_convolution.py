"""The oracle of the totals beside totals by hand, textbook examples and three programs."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from tests.costs.convolution import total_of_claims
from tests.paths import GOLDEN

CASES: dict[str, Any] = json.loads((GOLDEN / "exact_cases.json").read_text("utf-8"))


def test_the_toy_case_is_that_of_an_enumeration() -> None:
    case = CASES["tier_toy"]
    total = total_of_claims((c["n"], float(Fraction(c["valid"])), {c["payment"]: 1}) for c in case["claims"])
    enumerated = [float(Fraction(case["pmf"].get(str(x), 0))) for x in range(30)]
    assert total.weights[:30] == pytest.approx(enumerated, abs=1e-15)
    assert total.mean == pytest.approx(float(Fraction(case["mean"])))
    # P(X <= 3) = 1/24 + 3/24, so the quantile at 1/6 is 3, and the tail above 1/12 begins within 3.
    assert [total.quantile(p) for p in (1 / 24, 1 / 6, 0.17, 1)] == [0, 3, 5, 29]
    above = (1 / 12 * 3 + sum(x * p for x, p in enumerate(enumerated) if x > 3)) / (11 / 12)
    assert total.tvar(1 / 12) == pytest.approx(above)


def test_a_tabulated_number_of_dental_claims_gives_the_total_by_hand() -> None:
    case = CASES["dental"]  # Loss Models, example 9.5
    payments = {case["unit"] * k: p for k, p in enumerate(case["probabilities"], start=1)}
    totals = [total_of_claims([(n, 1, payments)]).weights for n in range(1, len(case["counts"]))]
    mixed = [
        sum(p * total[x] for p, total in zip(case["counts"][1:], totals, strict=True) if x < len(total))
        for x in range(4)
    ]
    # p1 f1; p1 f2 + p2 f1^2; p1 f3 + 2 p2 f1 f2 + p3 f1^3.
    by_hand = [0, 0.1 * 0.15, 0.1 * 0.2 + 0.15 * 0.15**2, 0.025 + 0.15 * 2 * 0.03 + 0.2 * 0.15**3]
    assert mixed == pytest.approx(by_hand, abs=1e-15)


def test_the_group_life_example_has_the_printed_moments() -> None:
    case = CASES["group_life"]
    lives = zip(case["benefits"], case["mortality"], strict=True)
    total = total_of_claims((1, q, {benefit: 1}) for benefit, q in lives)
    assert total.mean == pytest.approx(case["mean"], abs=0.005)
    assert total.variance == pytest.approx(case["variance"], rel=5e-6)


def test_the_benchmark_agrees_with_three_programs_to_the_unit() -> None:
    case = CASES["tiers_and_review"]
    payments = {case["unit"] * k: p for k, p in enumerate(case["probabilities"]) if p}
    total, expected = total_of_claims([(8461, 1, payments)]), case["fixed_8461"]
    assert total.mean == pytest.approx(expected["mean"], rel=1e-9)
    assert total.variance**0.5 == pytest.approx(expected["sd"], rel=1e-9)
    assert {p: total.quantile(float(p)) for p in expected["q"]} == expected["q"]
    assert total.tvar(0.99) == pytest.approx(expected["TVaR99"], rel=1e-9)


def test_a_total_of_many_points_has_those_about_its_mean() -> None:
    claims = [(1_000, 0.3, {7: 1.0}), (900, 0.9, {2: 0.5, 3: 0.5})]
    whole, window = total_of_claims(claims), total_of_claims(claims, most_points=2**11)
    steps = (window.amounts - whole.amounts[0]).astype(int)
    assert len(steps) == 2**11 < len(whole.amounts)
    assert window.weights == pytest.approx(whole.weights[steps], abs=1e-15)
    assert window.quantile(0.99) == whole.quantile(0.99)
