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


def test_the_benchmark_agrees_with_three_programs_to_the_unit() -> None:
    case = CASES["tiers_and_review"]
    payments = {case["unit"] * k: p for k, p in enumerate(case["probabilities"]) if p}
    total, expected = total_of_claims([(8461, 1, payments)]), case["fixed_8461"]
    assert total.mean == pytest.approx(expected["mean"], rel=1e-9)
    assert total.variance**0.5 == pytest.approx(expected["sd"], rel=1e-9)
    assert {p: total.quantile(float(p)) for p in expected["q"]} == expected["q"]
    assert total.tvar(0.99) == pytest.approx(expected["TVaR99"], rel=1e-9)
