"""The command that `inspect` and `cost` suggest next, and output in Korean."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from outage_analysis.jupyter import new_project
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
    assert command(*ingest)[0] == 0
    cost = ["cost", "--claims", sample, *own]
    cost += ["--policy", "my outage/policy.toml", "--ledger", "my outage/ledger.toml"]
    code, _, err = command(*cost, "--budget", "60_000", *FEW)
    assert code == 0
    report = suggested(err)
    assert report[0] == "report"
    assert sorted(report[1:]) == sorted([*cost[1:], "--budget", "60_000", *FEW])
    assert command(*report, "--formats", "html")[0] == 0
    assert Path("build/report/report.html").is_file()
    # A layout that exists is not overwritten by the suggested command.
    assert "new-layout.toml" in suggested(command("inspect", sample, *own, "--columns", "layout.toml")[2])


def test_json_has_no_suggestion(tmp_path: Path) -> None:
    claims = new_project(tmp_path / "p") / "claims"
    for asked in (("ingest", claims), ("inspect", claims / "sample-synthetic.csv")):
        assert command(*asked, "--incident", tmp_path / "p" / "incident.toml", "--json")[2] == ""
