"""An intake that is still open: the cost includes the claims still to come."""

from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import outage_analysis as oa
from outage_analysis.errors import UsageError
from tests.contract.command_line import outage_analysis

TIERS = {300_000: 30_000, 500_000: 50_000}
FIRST, SEEN, CLOSES = date(2026, 3, 2), 8, date(2026, 3, 16)


def daily_counts(days: int, scale: int = 9_000) -> list[int]:
    """Claims filed on each day, where the chance that a claim is still to come falls by 11 % a day."""
    left = [scale * math.exp(-0.12 * day) for day in range(days + 1)]
    return [round(before - after) for before, after in pairwise(left)]


def claims_file(path: Path, counts: list[int]) -> Path:
    rows = [
        f"{day}-{n},App,{FIRST + timedelta(days=day)},{(100_000, 400_000, 900_000)[n % 3]}"
        for day, count in enumerate(counts)
        for n in range(count)
    ]
    path.write_text("\n".join(["claim_id,service,filed_on,loss (KRW)", *rows]) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return claims_file(tmp_path_factory.mktemp("intake") / "seen.csv", daily_counts(SEEN))


@pytest.fixture(scope="module")
def still_open(seen: Path) -> oa.Analysis:
    return oa.run(seen, tiers=TIERS, rows="filed", closes=CLOSES, draws=8_192)


def test_the_cost_covers_the_claims_that_came_by_the_deadline(
    still_open: oa.Analysis, tmp_path: Path
) -> None:
    every = claims_file(tmp_path / "all.csv", daily_counts((CLOSES - FIRST).days + 1))
    final = oa.run(every, tiers=TIERS, rows="filed", draws=8_192).expected
    assert final is not None
    assert still_open.expected == pytest.approx(final, rel=0.08)
    so_far = oa.run(still_open.claims, tiers=TIERS, rows="filed", draws=8_192).expected
    assert so_far is not None
    assert so_far < 0.8 * final


def test_it_says_first_how_many_were_filed_and_how_many_are_expected(still_open: oa.Analysis) -> None:
    filed = sum(daily_counts(SEEN))
    for lang, day in (("en", "16 March 2026"), ("ko", "2026. 3. 16.")):
        first = still_open.answer(lang).sentences[0]
        assert first.index(f"{filed:,}") < first.index(day)


@pytest.mark.slow
def test_a_report_of_it_is_written_again_byte_for_byte(
    still_open: oa.Analysis, seen: Path, tmp_path: Path
) -> None:
    still_open.report(tmp_path / "report", formats=["csv", "md"])
    checked = outage_analysis("verify", tmp_path / "report", "--claims", seen)
    assert (checked.code, checked.err) == (0, "")


def test_too_few_claims_are_not_forecast_and_the_cost_says_so(tmp_path: Path) -> None:
    few = claims_file(tmp_path / "few.csv", daily_counts(SEEN, 900))
    words = ("--tiers", "300000:30000", "--rows", "filed", "--closes", CLOSES, "--draws", "8192")
    told = outage_analysis("cost", few, *words)
    assert told.code == 0
    counted = "The cost counts only the claims filed by 9 March 2026."
    assert told.out.startswith(f"{counted} Filing is open until 16 ")
    assert "too few to forecast" in told.out


@pytest.mark.parametrize("closes", ["2026-03-01", "2026-03-05"])
def test_a_deadline_before_the_last_claim_is_refused(seen: Path, closes: str) -> None:
    told = outage_analysis("cost", seen, "--tiers", "300000:30000", "--closes", closes)
    assert (told.code, told.out) == (2, "")
    assert closes in told.err
    assert "2026-03-09" in told.err


@pytest.mark.parametrize(
    ("name", "value"), [("closes", "2026-03-16"), ("unknown", 5_000), ("effort", "form")]
)
def test_a_term_that_completes_tiers_is_refused_without_them(name: str, value: str | int, seen: Path) -> None:
    term: dict[str, Any] = {name: value}
    with pytest.raises(UsageError, match=f"^{name} has no effect without tiers. Give tiers=..., or"):
        oa.run(seen, incident="kakao-2022", **term)
    told = outage_analysis("cost", f"--{name}", value)
    assert (told.code, told.out) == (2, "")
    remedy = "Give --tiers, or state it in the policy."
    assert told.err == f"error: --{name} has no effect without tiers. {remedy}\n"
