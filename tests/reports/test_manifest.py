"""The manifest: everything that a report was made from, and nothing that changes by itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.incidents import facts, outcomes
from outage_analysis.reports import manifest, write_report
from outage_analysis.reports.manifest import code_digest
from tests.tampered_bundles import manifest_of


def test_without_hindsight_it_rests_on_no_outcome(tmp_path: Path, bundles: dict[str, Path]) -> None:
    plan = Plan(claims=(), hindsight=False, budget=300_000_000)
    known = write_report(run(plan), tmp_path / "report", formats=["csv"]).parent
    blind, seeing = manifest_of(known)["facts"], manifest_of(bundles["en"])["facts"]
    files = {f"published/{name}.csv" for name in facts()["collection"].unique()}
    assert blind.keys() <= files
    later = {f"outcomes/{name}.csv" for name in outcomes()["collection"].unique()}
    assert seeing.keys() == files | later | {"outcomes/kakao-2022.toml"}
    assert blind["published/kakao-2022.csv"] != seeing["published/kakao-2022.csv"]


def test_it_tells_no_place_on_the_machine_and_no_time(bundles: dict[str, Path]) -> None:
    text = (bundles["ko"] / "manifest.json").read_text("utf-8")
    assert not re.search(rf"{re.escape(str(Path.home()))}|\d\d:\d\d:\d\d", text)
    assert json.loads(text)["inputs"][0]["name"] == "kakao-2022-synthetic.parquet"


def test_it_tells_who_answers_for_each_assumption(bundles: dict[str, Path], analysis: Analysis) -> None:
    assert analysis.ledger
    used = analysis.ledger.as_known_on(analysis.as_of).assumptions
    told = manifest_of(bundles["en"])["assumptions"]
    assert [a["id"] for a in told] == [a.id for a in used]
    for entry, row in zip(used, told, strict=True):
        assert (row["owner"], row["approved_by"]) == (entry.owner, entry.approved_by)
        assert (row["outcome_known"], row["public_on"]) == (entry.outcome_known, str(entry.public_on))
    filing = next(a for a in told if a["id"] == "as-filing-share")
    assert round(filing["expected"], 3) == 0.329
    assert filing["low"] < filing["expected"] < filing["high"]


def test_a_change_of_code_changes_its_checksum_and_nothing_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "package_root", lambda: tmp_path)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "html.py").write_text("a = 1\n")

    now = code_digest.__wrapped__  # reads again
    before = now()
    for folder, file in {
        "data": "x.toml",
        "font_files": "x.otf",
        "__pycache__": "x.pyc",
        ".git": "x",
    }.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text("x")
    assert now() == before
    (tmp_path / "reports" / "html.css").write_text("a {}\n")
    with_style = now()
    (tmp_path / "reports" / "html.py").write_text("a = 2\n")
    assert len({before, with_style, now()}) == 3
