"""The commands `scenarios` and `reserve`: the answer first, then tables, and everything as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from outage_analysis.analysis import Analysis, Plan, reserve_note, run
from outage_analysis.costs.scenarios import load_scenarios
from outage_analysis.text import Locale
from tests.commands import command

FEW = ("--draws", "8192")
OWN = """id = "mine"
name = { en = "Mine" }

[[scenario]]
id = "half"
name = { en = "Half the reports" }
note = "Half of the reports are withdrawn."
count_factor = 0.5

[[scenario]]
id = "longer"
name = { en = "Longer" }
note = "Two more weeks."
extra_days = 14
spike = 0
"""


@pytest.fixture(scope="module")
def few() -> Analysis:
    return run(Plan(claims=(), draws=8_192, budget=300_000_000))


def test_scenarios_answers_before_the_table_and_says_what_each_assumes(few: Analysis) -> None:
    code, out, _ = command("scenarios", "--budget", "300_000_000", *FEW)
    assert code == 0
    answer, table = out.split("\n\n")[:2]
    table_of = few.scenarios()
    chance = round(100 * table_of["over_budget"][0])
    assert answer.splitlines()[0].startswith(
        "Without a change, the expected cash cost is 260 million won and P90"
    )
    assert f"The chance of exceeding the budget of 300 million won is {chance}%." in answer
    assert 'largest expected cash cost is "Claiming with one tap"' in answer
    assert answer.splitlines()[2].endswith(": Cash for small businesses.")
    assert "Chance over budget" in table
    for scenario in load_scenarios().scenarios:
        assert f"\n{scenario.name.en}: {scenario.note.en}" in out
        assert re.search(rf"^ {scenario.name.en}( |$)", table, re.MULTILINE)
    assert out.count("No figures: counts without dates.") == 1


def test_scenarios_of_ones_own_have_no_column_for_a_budget_that_was_not_given(tmp_path: Path) -> None:
    page = tmp_path / "mine.toml"
    page.write_text(OWN, "utf-8")
    code, out, _ = command("scenarios", "--scenarios", page, *FEW)
    assert code == 0
    assert "No scenario raises the expected cash cost." in out
    assert "Chance over budget" not in out
    assert "budget" not in out.split("\n\n")[0]
    assert "\nHalf the reports: Half of the reports are withdrawn." in out
    line = next(line for line in out.splitlines() if line.strip().startswith("Half the reports "))
    assert line.split()[-1] == "-130,682,092"


def test_reserve_states_amount_measure_day_and_scope(few: Analysis) -> None:
    code, out, _ = command("reserve", *FEW)
    assert code == 0
    amount = f"{few.reserve():,.0f}"
    assert out.startswith(f"Reserve as of 30 December 2022: {amount}")
    first, counted, unpriced, not_due = out.splitlines()[:4]
    assert first.endswith("won (mean of the cash cost, without handling).")
    assert counted == "It includes Cash for small businesses."
    assert "Six days of Pro Membership fee for taxi drivers" in unpriced
    assert not_due == ("Left out (no obligation to pay): Case-by-case review and sales support by Kakao Pay.")


@pytest.mark.parametrize(("mean", "said"), [(310e6, True), (264e6, False), (200e6, False)])
def test_a_mean_above_p75_is_said_if_both_do_not_read_the_same(mean: float, *, said: bool) -> None:
    table = pl.DataFrame({"measure": ["mean", "p75"], "cash": [mean, 260e6]})
    note = reserve_note(table, Locale("en", "KRW", 0))
    assert note == ("A few very large outcomes lift the mean above P75." if said else "")


@pytest.mark.slow
def test_reserve_since_an_earlier_run_ends_at_the_reserve(few: Analysis) -> None:
    _, out, _ = command("reserve", "--since", "kakao-2022-10-24", *FEW, "--json")
    bridge = json.loads(out)["bridge"]
    assert bridge[-1]["total"] == round(few.reserve())
    assert [bridge[-1][q] for q in ("p50", "p75", "p90")] == [
        few.reserve(m) for m in ("median", "P75", "P90")
    ]
    code, told, _ = command("reserve", "--since", "kakao-2022-10-24", *FEW)
    assert code == 0
    assert "Since kakao-2022-10-24, the expected cash cost has changed from 0 won to 260 million won." in told
    assert told.count("\nIt includes Cash for small businesses.\n") == 1
    assert re.search(r"^ policy +261,364,185 .* small-business-cash$", told, re.MULTILINE)
