"""The commands that decide: what they print, refuse and write."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from outage_analysis.cli.console import MOST_DRAWS, parse_money
from outage_analysis.costs.sensitivity import load_scenarios
from outage_analysis.errors import UsageError
from outage_analysis.policies import load_policy
from outage_analysis.text import Locale
from tests.commands import Run, command
from tests.tram_case import write_documents

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
    assert "no policy that was tried keeps the budget" in err


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
        (("--compare", "kddi-2022"), 2, "states amounts in JPY"),
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


FEW = ("--draws", "8192")
TRAM = ("--incident", "incident.toml", "--ledger", "mixed.toml", *FEW)
COST = ("cost", *TRAM, "--policy", "counted.toml")
MOVED = ("sensitivity", *TRAM, "--policy", "counted.toml")
BOTH = ("compare", "counted.toml", "flat.toml", *TRAM)
LEDGERS = ("bridge", "kakao-2022", "kakao-2023-06-30")
WEEK = (
    "compare",
    "kakao-candidate-cash",
    "kakao-candidate-voucher",
    "kakao-candidate-fees",
    *FEW,
    "--as-of",
    "2022-10-24",
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command in a folder that holds the pages of the tram outage."""
    monkeypatch.chdir(tmp_path)
    write_documents(tmp_path)
    return command


# --- refusals -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        *(
            ((*asked, "--draws", text), 2, f"(found '{text}'). Take a whole number from 8,192 to 1,048,576.")
            for asked, text in (
                *((COST, text) for text in ("0", "3", "-1")),
                *((other, "3") for other in (MOVED, WEEK, ("backtest",), ("report", *TRAM))),
            )
        ),
        ((*COST, "--draws", "10000"), 2, "(found '10000'). The next number that fits is 16,384."),
        ((*COST, "--draws", 2 * MOST_DRAWS), 2, "--draws is outside its range"),
        ((*COST, "--draws", 10**40), 2, "--draws is outside its range"),
        ((*COST, "--seed", "-1"), 2, "--seed is outside its range"),
        *(
            ((*COST, "--budget", text), 2, f"--budget is no sum in whole currency (found '{text}')")
            for text in ("0", "-5", "abc", "1.5", "", ",", "1e9", "1 000", "३००", "inf")
        ),
        ((*COST, "--budget", 10**40), 2, "--budget is no sum in whole currency"),
        (
            ("cost", *TRAM, "--policy", "goods.toml", "--budget", "5"),
            5,
            "no line has an expected cost in cash",
        ),
        ((*MOVED, "--exceeds", "0"), 2, "--exceeds is no sum in whole currency"),
        ((*MOVED, "--seed", "-1"), 2, "--seed is outside its range"),
        (("sensitivity", *TRAM[:2], "--policy", "counted.toml"), 5, "no line has an expected cost"),
        (
            ("sensitivity", *TRAM, "--policy", "goods.toml", "--ledger", "taken.toml", "--exceeds", "5"),
            5,
            "no line has an expected cost in cash, so nothing is known of a sum. Give a ledger",
        ),
        (("compare", "policy.toml", *TRAM), 2, "needs two or more different policies. Name each once."),
        (("compare", "policy.toml", "policy.toml", *TRAM), 2, "needs two or more different policies"),
        (
            ("compare", "kakao-2022", "kddi-2022"),
            2,
            "states amounts in JPY, the incident kakao-2022 amounts in",
        ),
        ((*WEEK[:3], "--as-of", "2022-12-30"), 5, "Without one: kakao-candidate-cash, kakao-candidate-vou"),
        ((*WEEK, "--ledger", "ledger.toml"), 2, "the ledger tram-ledger is for the incident tram-2031, not"),
        ((*BOTH, "--claims", "nowhere.csv"), 3, "nowhere.csv: there is no such file"),
        (("compare", "goods.toml", "flat.toml", *TRAM), 5, "Without one: tram-goods. Give a ledger with"),
        (("bridge", *LEDGERS[:0:-1]), 2, "of an earlier day than the first. Swap them."),
        (("bridge", "nowhere", "kakao-2022"), 2, "nowhere: no such id in assumptions. Give a path"),
        (("bridge", ".", "kakao-2022"), 2, "no report. Name a folder that `report` wrote."),
        ((*LEDGERS, "--policy", "kddi-2022"), 2, "the policy kddi-2022 states amounts in JPY"),
        ((*LEDGERS, "--incident", "incident.toml"), 2, "no bundled policy for tram-2031. Give one with"),
        (
            (*LEDGERS, "--incident", "incident.toml", "--policy", "policy.toml"),
            2,
            "the ledger kakao-2022 is for the incident kakao-2022, not for tram-2031. Give the incident's",
        ),
        (("backtest", "nowhere"), 2, "nowhere: no such id in backtests. Give a path"),
        (
            ("backtest", "policy.toml"),
            2,
            "policy.toml, line 3, currency: unknown key (and 8 more). Known: as_of,",
        ),
        (("backtest", "--seed", "-1"), 2, "--seed is outside its range"),
        (("backtest", "kakao-2023"), 2, "Did you mean 'kakao-2022'?"),
        (("backtest", "--level", "99"), 2, "--level"),
    ],
)
def test_every_refusal_is_one_line_with_a_remedy_and_its_exit_code(
    run: Run, arguments: tuple[object, ...], code: int, said: str
) -> None:
    result, out, err = run(*arguments)
    assert (result, out) == (code, "")
    assert re.fullmatch(r"error: [^\n]+\n", err)
    assert said in err
    assert re.search(r"\. [A-Z]", err) or "nowhere.csv" in err  # what is not there needs no remedy


BACKTEST_PAGE = """id = "mine"
name = { en = "Mine" }
incident = "kakao-2022"
policy = "kakao-2022"
ledger = "kakao-2022"
as_of = 2022-12-30
known_on = 2023-06-30

[[outcome]]
id = "filed"
name = { en = "Filed" }
line = "small-business-cash"
stage = "filed"
denominator = "CL-13"
fact = "R2-05"
"""


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("known_on = 2023-06-30", "known_on = 2022-12-01", 2, "has outcomes of 2022-12-01 for a forecast of"),
        ('stage = "filed"', 'stage = "lost"', 2, "mine.toml, line 13, outcome 'filed' > stage: "),
        ('denominator = "CL-13"', "", 2, "has no denominator. Name the fact"),
        (
            'fact = "R2-05"',
            'fact = "CL-13"',
            2,
            "fact CL-13 was public on 2022-12-30, so it is no outcome by",
        ),
        ('fact = "R2-05"', 'fact = "R9-99"', 2, "R9-99"),
        ('line = "small', 'line = "tiny', 2, "tiny-business-cash"),
        ('ledger = "kakao-2022"', 'ledger = "kakao-2023-06-30"', 2, "after the forecast of 2022-12-30"),
        ('ledger = "kakao-2022"', 'ledger = "ledger.toml"', 2, "is for the incident tram-2031, not for"),
        ('line = "small-business-cash"', 'line = "talk-drawer"', 5, "talk-drawer"),
    ],
)
def test_a_document_of_a_back_test_that_cannot_be_tried_is_refused(
    run: Run, old: str, new: str, code: int, said: str
) -> None:
    assert BACKTEST_PAGE.count(old) == 1
    Path("mine.toml").write_text(BACKTEST_PAGE.replace(old, new), "utf-8")
    result, out, err = run("backtest", "mine.toml", *FEW)
    assert (result, out) == (code, "")
    assert re.fullmatch(r"error: [^\n]+\n", err)
    assert said in err


# --- tables ---------------------------------------------------------------------------------------------


def test_what_drives_the_cost_and_what_to_find_out_first_come_before_the_tables(run: Run) -> None:
    lines = list(filter(None, run(*MOVED, "--budget", "150,000")[1].splitlines()))
    found = json.loads(run(*MOVED, "--budget", "150,000", "--json")[1], parse_constant=pytest.fail)
    ends = [found["tornado"][0][end] for end in ("cost_low", "cost_high")]
    low, high = (Locale("en", "EUR", 2).money(100 * euros) for euros in ends)
    assert lines[0] == (
        "The share of claims in each loss band (“The mix”) matters most: the expected cost is "
        f"{low} if it is low (P10) and {high} if high (P90)."
    )
    assert lines[4].startswith(Locale("en")("terminal.sensitivity_tornado"))
    assert lines[3].startswith("Find out first: ")
    assert lines[3].endswith(
        "This assumes that you either announce this policy or spend the budget of 150 thousand euros on "
        "something else, and that only the expected cash cost counts."
    )
    rows = found["information_value"]
    assert [row["known"] for row in rows[-2:]] == ["all_inputs", "inputs_and_counts"]
    assert rows[0]["value"] == max(row["value"] for row in rows[:-2])
    compared = run(*BOTH)[1].splitlines()[1]
    # The flat policy never costs more, so nothing that one could find out changes the choice.
    assert compared.startswith(
        "The same choice costs least in every simulation, so no input is worth finding out"
    )
