"""The forecast of an open intake on each of its days, beside what came, and why it moved."""

from __future__ import annotations

import csv
import math
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import outage_analysis as oa
from outage_analysis.analysis import IntakeForecast
from outage_analysis.errors import UsageError
from outage_analysis.incidents import ClaimDeadline, Incident, load_incident
from outage_analysis.losses import Branch, forecast_late_claims
from tests.commands import command
from tests.conftest import claim_rows

FIRST, EXTENDED_ON = date(2022, 10, 19), date(2022, 10, 25)
COUNTS = [round(before - after) for before, after in pairwise(9_000 * math.exp(-0.12 * n) for n in range(15))]
"""Fourteen days of an exponential curve, from 19 October to 1 November."""


@pytest.fixture(scope="module")
def incident() -> Incident:
    """The deadline is 1 November; on 25 October it is moved to the 6th."""
    announced = ((FIRST, date(2022, 11, 1)), (EXTENDED_ON, date(2022, 11, 6)))
    deadlines = tuple(ClaimDeadline(announced_on=day, closes=closes) for day, closes in announced)
    return load_incident("kakao-2022").model_copy(update={"deadlines": deadlines})


@pytest.fixture(scope="module")
def claims(incident: Incident, tmp_path_factory: pytest.TempPathFactory) -> oa.Claims:
    days = [str(FIRST + timedelta(n)) for n in range(len(COUNTS))]
    rows = claim_rows(
        [{"filed_on": day} for day, count in zip(days, COUNTS, strict=True) for _ in range(count)], incident
    )
    path = tmp_path_factory.mktemp("intake") / "mine.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return oa.read_claims(path, incident)


@pytest.fixture(scope="module")
def made(claims: oa.Claims) -> IntakeForecast:
    return oa.forecast_by_day(claims, EXTENDED_ON)


def median(days: int, closes: float, spike: float = 0.0, former: tuple[float, ...] = ()) -> int:
    """The median of the final count from the counts of some days, by the public function."""
    filed = [sum(COUNTS[: n + 1]) for n in range(days)]
    late = forecast_late_claims(
        range(1, days + 1), filed, [Branch("end", closes, spike)], former=former, starts=FIRST
    ).late["end"]
    return late.counted + late.quantile(0.5)


def test_each_day_has_the_forecast_from_its_own_counts_and_deadline(made: IntakeForecast) -> None:
    days = made.tables["days"]
    assert days["filed"].to_list() == [sum(COUNTS[: n + 1]) for n in range(7)]
    assert days["closes"].to_list() == [date(2022, 11, 1)] * 6 + [date(2022, 11, 6)]
    medians = [None] * 4 + [median(5, 14.0), median(6, 14.0), median(7, 19.0)]
    assert days["median"].to_list() == medians
    reasons = days["refused"].to_list()
    assert [reason is None for reason in reasons] == [value is not None for value in medians]
    assert reasons[0].startswith("1 increment cannot determine a growth curve")
    assert all(row["low"] <= row["median"] <= row["high"] for row in days.tail(3).to_dicts())


def test_what_came_stands_beside_the_forecast_of_the_day_before(made: IntakeForecast) -> None:
    days = made.tables["days"]
    assert days["next_filed"].to_list() == [*days["filed"].to_list()[1:], None]
    for row in days.filter(pl.col("next_low").is_not_null() & pl.col("next_filed").is_not_null()).to_dicts():
        assert row["filed"] < row["next_low"] <= row["next_filed"] <= row["next_high"] < row["low"]


def test_nothing_of_a_later_day_is_in_the_forecast_of_a_day(claims: oa.Claims, made: IntakeForecast) -> None:
    known = ("day", "filed", "closes", "median", "low", "high", "next_low", "next_high", "refused")
    later = oa.forecast_by_day(claims).tables["days"]
    assert later.head(7).select(known).equals(made.tables["days"].select(known))
    ended = sum(COUNTS)  # on 1 November, the deadline that was known until the 24th
    assert later["final"].to_list() == [ended] * 6 + [None] * 8


@pytest.mark.parametrize(
    ("change", "now"),
    [
        ({"closes": date(2022, 11, 10)}, median(7, 23.0)),
        ({"spike": 2.0}, median(7, 19.0, spike=2.0)),
        ({"former": [date(2022, 10, 21)]}, median(7, 19.0, former=(3.0,))),
        ({}, median(7, 19.0)),
    ],
)
def test_a_step_is_new_claims_and_then_changed_assumptions(
    claims: oa.Claims, change: dict[str, Any], now: int
) -> None:
    made = oa.forecast_by_day(claims, EXTENDED_ON, changes={EXTENDED_ON: change})
    last = made.tables["days"].row(-1, named=True)
    before, with_old_assumptions = median(6, 14.0), median(7, 14.0)
    assert last["median"] == now
    assert last["new_claims"] == with_old_assumptions - before
    assert last["changed"] == now - with_old_assumptions
    told = made.answer().sentences[-1]
    assert f"from {before:,} to {now:,}. New claims changed it by {last['new_claims']:,}, " in told
    assert told.endswith(f"changed assumptions by {last['changed']:,}.")


def test_an_assumption_that_there_is_not_is_refused(claims: oa.Claims) -> None:
    with pytest.raises(
        UsageError, match=r"changes names no assumption \(found 'rush'\)\. Name closes, spike"
    ):
        oa.forecast_by_day(claims, changes={EXTENDED_ON: {"rush": 1.0}})


def test_the_last_day_of_a_file_is_no_deadline(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("claim_id,service,filed_on,loss (KRW)\n1,App,2022-10-19,100000\n", "utf-8")
    said = "error: no deadline is known. Say when the intake closes: --closes DAY.\n"
    assert command("intake", path, "--by-day") == (2, "", said)
