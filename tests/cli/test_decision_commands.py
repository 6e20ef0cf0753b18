"""The commands `scenarios`, `reserve` and `solve`: the answer first, then tables, and everything as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from outage_analysis.analysis import reserve_note
from outage_analysis.cli.console import parse_money
from outage_analysis.costs.sensitivity import load_scenarios
from outage_analysis.errors import UsageError
from outage_analysis.policies import load_policy
from outage_analysis.text import Locale
from tests.commands import command

FEW = ("--draws", "8192")


def test_scenarios_answers_before_the_table_and_says_what_each_assumes() -> None:
    code, out, _ = command("scenarios", "--budget", "300_000_000", *FEW)
    assert code == 0
    answer, table = out.split("\n\n")[:2]
    assert answer.splitlines()[0].startswith(
        "Without a change, the expected cash cost is 260 million won and P90"
    )
    assert re.search(r"The chance of exceeding the budget of 300 million won is \d+%\.", answer)
    assert 'largest expected cash cost is "Claiming with one tap"' in answer
    assert answer.splitlines()[2].endswith(": Cash for small businesses.")
    assert "Chance over budget" in table
    for scenario in load_scenarios().scenarios:
        assert f"\n{scenario.name.en}: {scenario.note.en}" in out
        assert re.search(rf"^ {scenario.name.en}( |$)", table, re.MULTILINE)
    assert out.count("No figures: counts without dates.") == 1


@pytest.mark.parametrize(("mean", "said"), [(310e6, True), (264e6, False), (200e6, False)])
def test_a_mean_above_p75_is_said_if_both_do_not_read_the_same(mean: float, *, said: bool) -> None:
    table = pl.DataFrame({"measure": ["mean", "p75"], "cash": [mean, 260e6]})
    note = reserve_note(table, Locale("en", "KRW", 0))
    assert note == ("A few very large outcomes lift the mean above P75." if said else "")


VARY = ("--vary", "small-business-cash.tier1,tier2", "--step", "20_000")
SOLVE = ("solve", "--budget", "550M", *VARY, *FEW)


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("400M", 400_000_000),
        ("1.5B", 1_500_000_000),
        ("1.5bn", 1_500_000_000),
        ("250k", 250_000),
        ("400_000_000", 400_000_000),
        ("400,000,000", 400_000_000),
        ("4억", 400_000_000),
        ("1.5억", 150_000_000),
        ("3천만", 30_000_000),
        ("5만", 50_000),
        ("1조", 10**12),
    ],
)
def test_an_amount_may_have_a_unit(text: str, amount: int) -> None:
    assert parse_money(text) == amount


@pytest.mark.parametrize("text", ["M", "-4M", "1.5", "0.0000001M", "4MM", "1e9", "억", "0M", "4.M.5"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no sum in whole currency"):
        parse_money(text)


def test_the_answer_comes_first() -> None:
    code, out, err = command(*SOLVE)
    assert (code, err) == (0, "")
    first = out.splitlines()[0]
    assert first.startswith("Announce this payment by loss: up to 300,000 won: ")
    assert "exceeds the budget of 550 million won with" in first
    assert all(said in out for said in ("Published counts state no losses", "\nThe choice beside", " P90 "))
    assert "Share of losses paid" not in out  # it is not known from counts


@pytest.mark.slow
def test_the_solution_is_written_as_a_policy_that_runs() -> None:
    path = Path("chosen.toml")
    code, out, _ = command(*SOLVE, "--write", path)
    assert (code, path.is_file(), "Written: chosen.toml" in out) == (0, True, True)
    policy = load_policy(path)
    assert policy.id == "kakao-2022-solution"
    told = json.loads(command(*SOLVE, "--json")[1])
    fixed = [band.fixed for band in policy.schedules[0].bands]
    assert fixed[:2] == [*told["parameters"].values()]
    code, _, err = command(*SOLVE, "--write", path)
    assert (code, "exists already" in err) == (2, True)
    assert command(*SOLVE, "--write", path, "--force")[0] == 0
    ledger = ("--ledger", "kakao-2022", *FEW)
    cost = json.loads(command("cost", "--policy", path, *ledger, "--json")[1])
    (total,) = [row for row in cost["totals"] if (row["basis"], row["valuation"]) == ("published", "cash")]
    assert total["expected"] == pytest.approx(told["solution"][0]["expected"], rel=1e-9)


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        # a P90 of about 475 million won, with an error of more than ten million
        (
            "en",
            (
                "None of the policies tried stays within",
                "The policy that comes closest pays",
                "solution is 480,000,000 won",
            ),
        ),
        ("ko", ("이내인 안은 없습니다", "가장 가까운 안", "최소 예산")),
    ],
)
def test_without_a_solution_the_nearest_policy_is_printed(lang: str, words: tuple[str, ...]) -> None:
    code, out, err = command("solve", "--budget", "1M", *VARY, *FEW, "--lang", lang)
    assert code == 5
    assert all(word in out for word in words)
    assert "no policy that was tried satisfies all constraints" in err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--budget", "4x"), 2, "no sum in whole currency (found '4x')"),
        (("--at", "P100"), 2, "Write P90, or expected."),
        (("--at", "P49"), 2, "from P50 to P99"),
        (("--objective", "replacd"), 2, "Did you mean 'replaced'?"),
        (("--objective", "replaced"), 5, "replaced is not known"),
        (("--step", "0"), 2, "the step is not above 0"),
        (("--vary", "small-business-cash.tier1.up_to"), 2, "is no parameter"),
        (("--vary", "small-busines-cash.tier1"), 2, "Did you mean 'small-business-cash.tier1'?"),
        (("--vary", "channel-credit.tier1"), 2, "has no such parameter"),
        (("--write", "chosen.txt"), 2, "is not named .toml"),
        (("--compare", "kddi-2022"), 2, "pays JPY"),
        (("--compare", "kakao-2022"), 2, "two policies have the same id"),
        (("--as-of", "2022-10-20"), 5, "was not public by 2022-10-20"),
    ],
)
def test_what_cannot_be_solved_is_refused_in_one_line(
    options: tuple[str, str], code: int, message: str
) -> None:
    arguments = [*SOLVE]
    if options[0] in arguments:
        arguments[arguments.index(options[0]) + 1] = options[1]
    else:
        arguments += options
    found, _, err = command(*arguments)
    assert (found, message in err) == (code, True), err
    assert err.count("\n") == 1
