"""The command that `inspect`, `ingest` and `cost` suggest next, and output in Korean."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from outage_analysis.incidents import load_incident
from outage_analysis.jupyter import new_project
from outage_analysis.policies import load_policy
from tests.commands import command

FEW = ("--draws", "8192")


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
    code, _, err = command(*ingest)
    assert code == 0
    cost = suggested(err)
    policy_and_ledger = ["--policy", "my outage/policy.toml", "--ledger", "my outage/ledger.toml"]
    assert cost[:3] == ["cost", "--claims", sample]
    assert cost[-4:] == policy_and_ledger
    code, _, err = command(*cost, "--budget", "60_000", *FEW)
    assert code == 0
    report = suggested(err)
    assert report[0] == "report"
    assert sorted(report[1:]) == sorted([*cost[1:], "--budget", "60_000", *FEW])
    assert command(*report, "--formats", "html")[0] == 0
    assert Path("build/report/report.html").is_file()
    # A layout that exists is not overwritten by the suggested command.
    assert "new-layout.toml" in suggested(command("inspect", sample, *own, "--columns", "layout.toml")[2])


def test_claims_that_were_saved_are_named_and_need_no_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    project = new_project("p", currency="EUR", loss_unit="minutes")
    asked = ("ingest", project / "claims", "--incident", "p/incident.toml", "--max-rejects", "7%")
    words = suggested(command(*asked, "--out", "it's-synthetic.duckdb")[2])
    assert words[:5] == ["cost", "--claims", "it's-synthetic.duckdb", "--incident", "p/incident.toml"]
    assert "--max-rejects" not in words
    Path("p/policy.toml").unlink()
    words = suggested(command(*asked)[2])
    assert command(*words)[0] == 0  # without a policy, a template is the next step
    policy, incident = load_policy("my-policy.toml"), load_incident("p/incident.toml")
    assert (policy.currency, policy.loss_unit) == (incident.currency, incident.loss.unit)
