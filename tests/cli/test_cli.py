"""The command line: help, reports, policies, new projects, what a reader that stops early does."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from outage_analysis import load_incident, load_policy
from outage_analysis.jupyter import new_project
from tests.commands import GOOD, GROUPS, HEADER, KAKAO, claims, command
from tests.html_page import WebPage


def test_help_groups_the_commands_by_what_a_user_wants() -> None:
    code, out, err = command("--help")
    assert (code, err) == (0, "")
    titles = "|".join(GROUPS)
    panels = re.split(rf"^╭─ ({titles}) ─+╮$", out, flags=re.MULTILINE)[1:]
    listed = {
        title: re.findall(r"^│ (\w+) ", panel.split("╰")[0], re.MULTILINE)
        for title, panel in zip(panels[::2], panels[1::2], strict=True)
    }
    assert list(listed.items()) == list(GROUPS.items())


@pytest.mark.slow
def test_the_report_ends_with_the_answer_and_the_paths_of_its_files(report: Callable[[str], Path]) -> None:
    here = report("kakao-en")
    told = (here.parent / "printed.txt").read_text("utf-8").splitlines()
    answers, paths = told[:4], told[4:]
    assert answers[0].startswith("Cash for small businesses: about ")
    text = WebPage.of(here / "report.html").prose()
    assert [sentence for sentence in answers if sentence not in text] == []
    files = [f"report.{suffix}" for suffix in ("md", "pdf", "pptx", "xlsx")]
    names = ["brief.pdf", "charts/", "documents/", *files, "tables/"]
    assert paths == [f"{here}/{name}" for name in (*names, "report.html")]
    assert all(Path(path).exists() for path in paths)


# --- policies ----------------------------------------------------------------------------------------


def test_a_policy_is_shown_as_it_was_known_on_a_day() -> None:
    page = load_policy("kakao-2022")
    code, out, err = command("policies", "show", page.id, "--as-of", "2022-10-20")
    assert (code, err) == (0, "")
    later = [x.id for x in page.lines if not x.known_on(date(2022, 10, 20))]
    assert {"small-business-cash", "taxi-income-fund"} <= set(later)
    assert [id_ for id_ in later if re.search(rf"^ {id_} ", out, re.MULTILINE)] == []
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
def test_a_document_that_could_not_be_valid_is_not_written(arguments: tuple[str, ...], said: str) -> None:
    code, out, err = command("policies", "new", *arguments)
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
    arguments: tuple[str, ...], code: int, said: str
) -> None:
    file = claims(HEADER + GOOD)
    assert command("ingest", *KAKAO, file, "--out", "kept.duckdb")[0] == 0
    Path("old.parquet").write_bytes(b"old")
    before = {p.name: p.read_bytes() for p in Path.cwd().iterdir()}
    result, out, err = command("ingest", *KAKAO, file, *arguments)
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


COMPLAINTS = """Ticket No,Product,Received,Damage (KRW)
1,KakaoTalk,2022-10-16,"120,000"
2,KakaoTalk,2022-10-17,"300,000"
3,Kakao Bank,2022-10-18,"300,001"
4,Kakao T,2022-10-18,"500,000"
5,Kakao T,2022-10-18,"500,001"
6,Kakao T,2022-10-19,0
7,Kakao T,2022-10-19,
"""
EUROS = """Nr,Angebot,Received,Damage
1,tram,2031-03-16,12.50
2,tram,2031-03-17,30.00
3,bus,2031-03-18,30.01
4,bus,2031-03-18,
"""
TIERS = ("--tiers", "300000:30000,500000:50000")
EURO_OPTIONS = (
    *("--tiers", "30:2.50,50:4", "--unknown", "1.20", "--currency", "EUR"),
    *("--column", "service=Angebot", "--column", "claim_id=Nr"),
)
FEW = ("--draws", "8192")


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_currency_and_the_column_of_the_options_are_in_the_documents() -> None:
    Path("c.csv").write_text(EUROS, "utf-8")
    assert command("new", "p", "--claims", "c.csv", *EURO_OPTIONS)[0] == 0
    incident, policy = load_incident("p/incident.toml"), load_policy("p/policy.toml")
    assert (incident.currency, incident.minor_units) == ("EUR", 2)
    assert sorted(service.id for service in incident.services) == ["bus", "tram"]
    (line,) = policy.schedules
    assert [(rule.up_to, rule.fixed) for rule in line.bands] == [(3000, 250), (5000, 400), (None, 0)]
    assert line.unknown is not None
    assert line.unknown.fixed == 120


CLAIMS = ("--claims", "c.csv")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (CLAIMS, "documents for your files need --claims and --tiers. Give both: --claims complaints.csv"),
        (TIERS, "documents for your files need --claims and --tiers. Give both: --claims complaints.csv"),
        ((*CLAIMS, *TIERS, "--name", "Trams"), "--name has no meaning with --claims"),
        ((*CLAIMS, *TIERS, "--loss-unit", "minutes"), "--loss-unit has no meaning with --claims"),
        (("--effort", "form"), "--effort has no meaning in an example project"),
        (("--unknown", "0"), "--unknown has no meaning in an example project"),
        (("--column", "service=Product"), "--column has no meaning in an example project"),
        ((*CLAIMS, "--tiers", "300000"), "--tiers has no value (found '300000')"),
        ((*CLAIMS, *TIERS, "--effort", "letter"), "letter"),
        ((*CLAIMS, *TIERS, "--lang", "fr"), "no such language (found 'fr')"),
    ],
)
def test_options_that_do_not_fit_are_refused_and_leave_no_folder(
    options: tuple[str, ...], problem: str
) -> None:
    Path("c.csv").write_text(COMPLAINTS, "utf-8")
    code, out, err = command("new", "p", *options)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert problem in err
    assert len(err.splitlines()) == 1
    assert [p.name for p in Path().iterdir()] == ["c.csv"]


@pytest.mark.slow
def test_each_command_leads_to_the_next_until_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    new_project("my outage", currency="EUR")
    sample = "my outage/claims/sample-synthetic.csv"
    own = ("--incident", "my outage/incident.toml")
    code, _, err = command("inspect", sample, *own)
    assert (code, "--toml > new-layout.toml" in err) == (0, True)
    code, out, err = command("inspect", sample, *own, "--toml")
    assert (code, err) == (0, "")  # --toml prints the layout alone
    Path("layout.toml").write_text(out, "utf-8")
    assert command("ingest", sample, *own, "--columns", "layout.toml")[0] == 0
    documents = ["--policy", "my outage/policy.toml", "--ledger", "my outage/ledger.toml"]
    plan = [sample, *own, "--columns", "layout.toml", *documents, "--budget", "60_000", *FEW]
    assert command("cost", *plan)[0] == 0
    assert command("report", *plan, "--formats", "html")[0] == 0
    assert Path("build/report/report.html").is_file()
