"""The command line as its user meets it: results on stdout, one line of trouble on stderr, exit codes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from outage_analysis.policies import load_policy
from tests.commands import GOOD, GROUPS, HEADER, KAKAO, Run, claims, command
from tests.html_page import WebPage

FEW = ("--draws", "8192")
"""As few draws as the command takes."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return command


def test_help_groups_the_commands_by_what_a_user_wants(run: Run) -> None:
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    titles = "|".join(GROUPS)
    panels = re.split(rf"^╭─ ({titles}) ─+╮$", out, flags=re.MULTILINE)[1:]
    listed = {
        title: re.findall(r"^│ (\w+) ", panel.split("╰")[0], re.MULTILINE)
        for title, panel in zip(panels[::2], panels[1::2], strict=True)
    }
    assert list(listed.items()) == list(GROUPS.items())


def test_facts_of_a_day_leave_out_what_came_later(run: Run) -> None:
    early = {f["id"] for f in json.loads(run("facts", "--as-of", "2022-12-29", "--json")[1])}
    late = {f["id"] for f in json.loads(run("facts", "--as-of", "2022-12-30", "--json")[1])}
    assert "CL-13" in late - early


@pytest.mark.slow
def test_the_report_ends_with_the_answer_and_the_paths_of_its_files(report: Callable[[str], Path]) -> None:
    here = report("kakao-en")
    told = (here.parent / "printed.txt").read_text("utf-8").splitlines()
    answers, paths = told[:5], told[5:]
    assert answers[0].startswith("Cash for small businesses: about ")
    text = WebPage.of(here / "report.html").prose()
    assert [sentence for sentence in answers if sentence not in text] == []
    files = [f"report.{suffix}" for suffix in ("md", "pdf", "pptx", "xlsx")]
    names = ["brief.pdf", "charts/", "documents/", *files, "tables/"]
    assert paths == [f"{here}/{name}" for name in (*names, "report.html")]
    assert all(Path(path).exists() for path in paths)


# --- policies ----------------------------------------------------------------------------------------


def test_a_policy_is_shown_as_it_was_known_on_a_day(run: Run) -> None:
    page = load_policy("kakao-2022")
    code, out, err = run("policies", "show", page.id, "--as-of", "2022-10-20")
    assert (code, err) == (0, "")
    later = [x.id for x in page.lines if not x.known_on(date(2022, 10, 20))]
    assert {"small-business-cash", "taxi-income-fund"} <= set(later)
    assert [x for x in out.splitlines() if x.startswith("not public by 2022-10-20: ")] == [
        f"not public by 2022-10-20: {id_}" for id_ in later
    ]
    for line in page.lines:
        assert (f"\n {line.id} " in out) == (line.id not in later), line.id
    assert "press-low" not in out  # a sum of a line that was not public


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("My policy",), "id: string should match pattern"),
        (("../policy",), "id: string should match pattern"),
        (('a"b',), "id: string should match pattern"),
        (("a\nb",), "id: string should match pattern"),
        (("policy", "--currency", "euro"), "currency: string should match pattern"),
        (("policy", "--loss-unit", ""), "loss_unit: string should have at least 1 char"),
        (("policy", "--out", "policy.json"), "is not named .toml"),
    ],
)
def test_a_document_that_could_not_be_valid_is_not_written(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = run("policies", "new", *arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"error: .*\n", err)
    assert said in err
    assert not list(Path.cwd().iterdir())


# --- totals and files ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--out", "kept.duckdb"), 2, "kept.duckdb: exists already. Choose another --out."),
        (("--out", "old.parquet"), 2, "old.parquet: exists already. Choose another --out."),
        (("--out", "x.csv"), 2, "x.csv: is neither .parquet nor .duckdb"),
        (("kept.duckdb",), 2, "kept.duckdb: is a warehouse file, which is read alone."),
        (("--out", "no-folder/x.parquet"), 6, "x.parquet: cannot be written"),
        (("--out", "no-folder/x.duckdb"), 6, "x.duckdb: cannot be written"),
        (("--out", "claims.csv/x.duckdb"), 6, "x.duckdb: cannot be written"),
    ],
)
def test_what_cannot_be_kept_is_one_line_and_changes_nothing(
    run: Run, arguments: tuple[str, ...], code: int, said: str
) -> None:
    file = claims(HEADER + GOOD)
    assert run("ingest", *KAKAO, file, "--out", "kept.duckdb")[0] == 0
    Path("old.parquet").write_bytes(b"old")
    before = {p.name: p.read_bytes() for p in Path.cwd().iterdir()}
    result, out, err = run("ingest", *KAKAO, file, *arguments)
    assert (result, out) == (code, "")
    assert re.fullmatch(r"error: .*\n", err)
    assert said in err
    assert ".part" not in err
    assert {p.name: p.read_bytes() for p in Path.cwd().iterdir()} == before


@pytest.mark.slow
def test_a_reader_that_stops_early_is_no_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "outage_analysis", "facts", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    assert process.stdout
    assert process.stderr
    process.stdout.read(1)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    # Ended by the pipe, as any command is: by no exit code of ours, and without a word.
    assert (process.wait(timeout=60), said) in ((0, b""), (-signal.SIGPIPE, b""))
