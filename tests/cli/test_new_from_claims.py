"""`new FOLDER --claims FILES --tiers ...`, and the next command that each command names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from outage_analysis import load_incident, load_policy
from outage_analysis.jupyter import new_project
from tests.commands import command

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
CASES = {
    "form": (COMPLAINTS, TIERS),
    "automatic": (COMPLAINTS, (*TIERS, "--effort", "automatic", "--unknown", "1000")),
    "larger losses": (COMPLAINTS, ("--tiers", "300000:30000,*:80000", "--effort", "documents")),
    "euros": (
        EUROS,
        (
            *("--tiers", "30:2.50,50:4", "--unknown", "1.20", "--currency", "EUR"),
            *("--column", "service=Angebot", "--column", "claim_id=Nr"),
        ),
    ),
}
FEW = ("--draws", "8192")


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_currency_and_the_column_of_the_options_are_in_the_documents() -> None:
    text, options = CASES["euros"]
    Path("c.csv").write_text(text, "utf-8")
    assert command("new", "p", "--claims", "c.csv", *options)[0] == 0
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
        (CLAIMS, "--claims needs the tiers of a policy. State what is paid: --tiers 300000"),
        (TIERS, "--tiers needs complaint files. Name them: --claims complaints.csv"),
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


def test_a_folder_with_files_is_not_overwritten() -> None:
    Path("c.csv").write_text(COMPLAINTS, "utf-8")
    code, _, err = command("new", ".", "--claims", "c.csv", *TIERS)
    assert code == 2
    assert re.match(r"error: .*is not empty", err)
    assert [p.name for p in Path().iterdir()] == ["c.csv"]


def suggested(err: str) -> list[str]:
    """The words of the command on the last line of stderr."""
    (line,) = re.findall(r"^Next: outage-analysis (.+)$", err, re.MULTILINE)
    assert err.endswith(f"{line}\n")
    return shlex.split(line)


@pytest.mark.slow
def test_each_command_leads_to_the_next_until_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    new_project("my outage", currency="EUR")
    sample = "my outage/claims/sample-synthetic.csv"
    own = ("--incident", "my outage/incident.toml")
    code, _, err = command("inspect", sample, *own)
    assert code == 0
    words = suggested(err)
    inspect, ingest = words[: words.index(">")], words[words.index("outage-analysis") + 1 :]
    assert (inspect[:2], words[words.index(">") + 1]) == (["inspect", sample], "layout.toml")
    code, out, err = command(*inspect)
    assert (code, err) == (0, "")  # --toml prints the layout alone
    Path("layout.toml").write_text(out, "utf-8")
    assert command(*ingest)[0] == 0
    policy_and_ledger = ["--policy", "my outage/policy.toml", "--ledger", "my outage/ledger.toml"]
    cost = ["cost", "--claims", sample, *own, "--columns", "layout.toml", *policy_and_ledger]
    code, _, err = command(*cost, "--budget", "60_000", *FEW)
    assert code == 0
    report = suggested(err)
    assert report[0] == "report"
    assert sorted(report[1:]) == sorted([*cost[1:], "--budget", "60_000", *FEW])
    assert command(*report, "--formats", "html")[0] == 0
    assert Path("build/report/report.html").is_file()
    # A layout that exists is not overwritten by the suggested command.
    assert "new-layout.toml" in suggested(command("inspect", sample, *own, "--columns", "layout.toml")[2])
