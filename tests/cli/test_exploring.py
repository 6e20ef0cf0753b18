"""The commands that explore, as their user meets them: tables, JSON, refusals, and what they do not say."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from outage_analysis.cli.claims import exploring
from outage_analysis.files import bundled_ids
from outage_analysis.text import Locale
from tests.commands import GOOD, HEADER, KAKAO, Run, claims, command, names
from tests.paths import ROOT

COMMANDS = names(exploring)
LOCALE = Locale("en")
strict_json = partial(json.loads, parse_constant=pytest.fail)
OPEN = """
id = "mine"
name = { en = "Mine" }
unit = "won"
edges = [0, 10, 20, 50, 100, inf]
counts = [30, 40, 30, 20, 5]
top = "open"
sources = ["a book"]
"""
TOTALS = """service,claimant_type,band,claims,loss
카톡,소상공인,"(0, 100000]",100,4000000
카톡,소상공인,"(100000, 300000]",40,8000000
카톡,소상공인,>300000,20,9000000
카카오 T,소상공인,"(0, 100000]",9,90000
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command in a folder of its own, with a page and totals in it."""
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(OPEN, "utf-8")
    Path("totals.csv").write_text(TOTALS, "utf-8")
    return command


# --- what is printed ------------------------------------------------------------------------------------


def test_the_answer_says_first_how_many_losses_are_small_and_large(run: Run) -> None:
    stated = ("", "0", "100000", "100001", "1000000", "1000001", "2000000")
    rows = (GOOD.replace("1,", f"{n},", 1).replace("300000", loss) for n, loss in enumerate(stated))
    first, second, *_ = run("distribution", *KAKAO, claims(HEADER + "".join(rows)))[1].split("\n")
    assert first == "7 claims; 1 states no loss, 1 states a loss of zero."
    assert second == "Of the 5 losses above zero, 1 is up to 100,000 and 2 are over 1,000,000."


@pytest.mark.parametrize(
    "rows",
    [
        '카톡,소상공인,"[0, 300000]",10,\n카톡,소상공인,>300000,5,\n',
        '카톡,소상공인,"(0, 300000]",10,\n카톡,소상공인,>300000,5,\n카카오 T,소상공인,"(0, 100000]",3,\n',
    ],
    ids=["zero is in the lowest band", "bands overlap"],
)
def test_nothing_is_said_of_totals_that_do_not_separate_zero_or_overlap(run: Run, rows: str) -> None:
    Path("totals.csv").write_text(TOTALS.split("\n", maxsplit=1)[0] + "\n" + rows, "utf-8")
    out = run("distribution", "--counts", "totals.csv")[1]
    assert out.startswith(LOCALE("terminal.distribution_bands"))


# --- refusals -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("--by colour", 2, "no such dimension (found 'colour')"),
        ("--by ,", 2, "--by has an empty word (found ',')"),
        ("--by service,service", 2, "named twice"),
        ("--where service", 2, "--where has no value (found 'service'). Write each once"),
        ("--where =x", 2, "--where has no name (found '=x')"),
        ("--where colour=red", 2, "no such dimension"),
        ("--where service=kakao_x", 2, "Did you mean 'kakao_t'?"),
        ("--where filed_on=soon", 2, "is not a day or an hour (found 'soon'). Write a day as 2022-10-31"),
        ("--level lots --fit --recovery", 2, "--level is not a share"),
        ("--level 100% --fit --recovery", 2, "a level lies between 0 and 1"),
        ("claims.csv --max-rejects lots", 2, "--max-rejects is not a share"),
        ("--fit --family normal --recovery", 2, "Did you mean 'lognormal'?"),
        ("--incident kakao-2023", 2, "Did you mean 'kakao-2022'?"),
        ("--policy kakao-2023", 2, "Did you mean 'kakao-2022'?"),
        ("claims.csv --columns nowhere.toml", 2, "nowhere.toml: no such file"),
        ("claims.csv --counts totals.csv", 2, "FILES has no meaning with --counts"),
        ("nowhere.csv", 3, "nowhere.csv: there is no such file"),
        ("--counts nowhere.csv", 3, "nowhere.csv: there is no such file"),
        ("mine.toml", 3, "is of no known format"),
        ("--fit", 5, "a fit of synthetic claims would be no finding"),
    ],
)
def test_a_wrong_question_is_one_line_with_its_exit_code(
    run: Run, arguments: str, code: int, said: str
) -> None:
    claims(HEADER + GOOD)
    result, out, err = run("distribution", *shlex.split(arguments))
    assert (result, out) == (code, "")
    assert re.fullmatch(r"error: .*\n", err)
    assert said in err


@pytest.mark.parametrize(
    "arguments",
    [
        "distribution --top closed",
        "distribution --family gamma",
        "intake claims.csv --series kakao-federation",
        "intake --recovery",
    ],
)
def test_an_option_that_would_do_nothing_is_refused(run: Run, arguments: str) -> None:
    claims(HEADER + GOOD)
    code, out, err = run(*shlex.split(arguments))
    assert (code, out) == (2, "")
    assert re.fullmatch(r"error: \S+ has no meaning with.*\n", err)


# --- nothing heavy for a word of help -------------------------------------------------------------------


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom outage_analysis.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('loaded', [m for m in ('polars', 'duckdb', 'numpy', 'scipy', 'altair') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "distribution", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "loaded []"


# --- how many are still to come: what was known on the day ---------------------------------------------


@pytest.fixture
def in_october(run: Run) -> dict[str, Any]:
    return dict(strict_json(run("intake", "--as-of", "2022-10-21", "--json")[1]))


def test_by_default_the_federation_has_bounds_as_of_the_day_of_its_last_count(
    run: Run, in_october: dict[str, Any]
) -> None:
    assert strict_json(run("intake", "--json")[1]) == in_october
    assert (in_october["source"], in_october["as_of"]) == ("kakao-federation", "2022-10-21")
    assert [p["cumulative"] for p in in_october["points"]] == [174, 606, 897, 1108, 1198, 1254]
    assert any("too few to forecast" in note for note in in_october["notes"])
    names = ("branch", "by", "median", "level", "low", "high")  # six counts determine no forecast
    assert [tuple(b[name] for name in names) for b in in_october["branches"]] == [
        ("first-deadline", "2022-10-25T00:00+09:00", None, None, 1254, 3038),
        ("extended", "2022-11-01T00:00+09:00", None, None, 1254, 6692),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("as_json", [(), ("--json",)])
@pytest.mark.parametrize("more", [(), ("--extend-to", "2022-10-31"), ("--spike", "1")])
def test_without_hindsight_nobody_speaks_of_the_outcome(
    run: Run, as_json: tuple[str, ...], more: tuple[str, ...]
) -> None:
    code, out, err = run("intake", "--as-of", "2022-10-21", "--no-hindsight", *more, *as_json)
    assert (code, err) == (0, "")
    assert not re.search("2,?117|ended_so|hindsight", out)


@pytest.mark.parametrize("day", ["2022-10-16", "2022-10-18", "2022-10-20"])
def test_before_a_count_was_public_nothing_is_stated(run: Run, day: str) -> None:
    code, out, err = run("intake", "--as-of", day)
    assert (code, out) == (5, "")
    said = f"no count of kakao-federation was public by {day}. Ask as of a later day, such as 2022-10-21."
    assert err == f"error: {said}\n"


@pytest.mark.parametrize("id_", bundled_ids("intakes"))
def test_every_bundled_intake_can_be_asked(run: Run, id_: str) -> None:
    found = strict_json(run("intake", "--series", id_, "--json")[1])
    assert found["source"] == id_
    assert found["branches"]


# --- the examples ---------------------------------------------------------------------------------------


def examples() -> list[str]:
    """Every line that the help of the commands gives as an example."""
    texts = [c.callback.__doc__ or "" for c in exploring.registered_commands if c.callback]
    lines = [line for text in texts for line in re.findall(r"^ *(outage-analysis .+)$", text, re.MULTILINE)]
    return sorted({x for x in lines if x.split()[1] in COMMANDS})


@pytest.mark.slow
@pytest.mark.parametrize("line", examples())
def test_the_examples_run(run: Run, own_claims: Path, line: str) -> None:
    pl.read_parquet(own_claims).rename({"loss": "loss (KRW)"}).write_csv("complaints.csv")
    if "my-outage.toml" in line:  # an outage of one's own, in the month of the example
        (month,) = re.findall(r"--closes (\d{4}-\d\d)", line)
        page = (ROOT / "tests" / "own_outage" / "incident.toml").read_text("utf-8")
        Path("my-outage.toml").write_text(page.replace("2031-03", month), "utf-8")
        rows = "".join(f"{n};R;rider;{month}-{1 + n % 9:02};60;9\n" for n in range(45))
        header = "claim_id;line;claimant_type;filed_on;delay;distance\n"
        Path("complaints.csv").write_text(header + rows, "utf-8")
    words = shlex.split(line, comments=True)[1:]
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) >= 8
