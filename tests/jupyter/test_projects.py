"""A new project, whole or not at all, and JupyterLab on its notebooks, quiet and on its welcome."""

from __future__ import annotations

import csv
import html
import json
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from outage_analysis import Plan, load_incident, read_claims, run, write_report
from outage_analysis.analysis import load_documents
from outage_analysis.errors import EnvironmentFailed, OutageAnalysisError, UsageError
from outage_analysis.files import notebooks_root
from outage_analysis.jupyter import new_project, project as making
from outage_analysis.jupyter.notebook import notebook_names
from tests.commands import command
from tests.html_page import WebPage
from tests.shared_folders import file_contents

CURRENCIES = ("EUR", "KRW")
MAKE = shutil.which("make")


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A project in each currency."""
    folder = tmp_path_factory.mktemp("projects")
    return {code: new_project(folder / f"my-{code.lower()}", currency=code) for code in CURRENCIES}


@pytest.mark.parametrize("code", CURRENCIES)
def test_the_pages_fit_each_other_and_say_that_they_are_examples(
    projects: dict[str, Path], code: str, tmp_path: Path
) -> None:
    project, digits = projects[code], {"EUR": 2, "KRW": 0}[code]
    incident, policy, ledger = load_documents(plan_of(project))
    assert ledger is not None
    assert (incident.id, policy.id, ledger.incident) == (project.name,) * 3
    assert (incident.currency, ledger.currency, incident.minor_units) == (code, code, digits)
    for entry in ledger.assumptions:
        for said in (entry.owner, entry.source.en, entry.rationale.en):
            assert "xample, not evidence" in said
        assert (entry.grade, entry.approved_by) == ("example", "")
    for page in ("incident", "policy", "alternative", "ledger"):
        assert "EXAMPLE" in (project / f"{page}.toml").read_text("utf-8")
    path = tmp_path / "mine.csv"  # the sample is synthetic under any name
    shutil.copy(project / "claims" / "sample-synthetic.csv", path)
    claims = read_claims(path, load_incident(project / "incident.toml"))
    assert (len(claims), len(claims.rejected_rows), claims.synthetic) == (400, 0, True)


def plan_of(project: Path) -> Plan:
    pages: dict[str, Any] = {name: project / f"{name}.toml" for name in ("incident", "policy", "ledger")}
    compared = (project / "alternative.toml",)
    return Plan(**pages, claims=(project / "claims",), compare=compared, draws=8192)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("currency", "loss_unit", "edges"),
    [
        ("EUR", "", (300_000, 500_000)),
        ("EUR", "minutes", (60, 180)),
        ("KRW", "hours", (4, 24)),
        ("USD", "days", (1, 3)),
    ],
)
def test_a_project_runs_as_created_in_every_unit(
    tmp_path: Path, currency: str, loss_unit: str, edges: tuple[int, int]
) -> None:
    project = new_project(tmp_path / "p", currency=currency, loss_unit=loss_unit or currency, lang="ko")
    assert not re.search(r"\{\{|\{%|Undefined", b"\n".join(file_contents(project).values()).decode())
    analysis = run(plan_of(project))
    assert (analysis.incident.loss.unit, analysis.headline_basis) == (loss_unit or currency, "synthetic")
    losses: dict[str, list[int]] = {"general_user": [], "small_business": []}
    for row in csv.DictReader((project / "claims" / "sample-synthetic.csv").read_text("utf-8").splitlines()):
        if row["loss"]:
            losses[row["claimant_type"]].append(round(float(row["loss"]) * (1 if loss_unit else 100)))
    credit = 5_000 * sum(loss > 0 for loss in losses["general_user"])
    business = sum(
        30_000 if loss <= edges[0] else 50_000 for loss in losses["small_business"] if 0 < loss <= edges[1]
    )
    costs = analysis.exact_tables["claims_costs"].filter(level="band", valuation="cash")
    promised = {line: costs.filter(line=line)["promised"].sum() for line in ("user-credit", "business-cash")}
    assert promised == {"user-credit": credit, "business-cash": business}
    text = WebPage.of(write_report(analysis, tmp_path / "report", formats=("html",))).prose()
    assert "Synthetic. The claims in this report are synthetic." in " ".join(text.split())
    assert all(said in text for said in ("example, not evidence", "no figure in it describes a real outage"))


# --- the notebooks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", notebook_names())
def test_a_notebook_differs_from_the_bundled_one_in_its_parameters_alone(
    projects: dict[str, Path], name: str
) -> None:
    stored = json.loads((notebooks_root() / f"{name}.ipynb").read_text("utf-8"))
    for cell in stored["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    bundled = json.dumps(stored, ensure_ascii=False, indent=1).splitlines()
    mine = (projects["KRW"] / "notebooks" / f"{name}.ipynb").read_text("utf-8").splitlines()
    changed = [(a, b) for a, b in zip(bundled, mine, strict=True) if a != b]
    assert changed
    for before, after in changed:
        assert before.split(" = ")[0] == after.split(" = ")[0]
        assert before.partition("  #")[2] == after.partition("  #")[2]


# --- it runs ------------------------------------------------------------------------------------------


def make_in(project: Path, target: str, tool: object, here: Path) -> subprocess.CompletedProcess[str]:
    words, environment = [str(MAKE), "-s", "-C", str(project), target], {**os.environ, "PWD": str(here)}
    return subprocess.run(
        [*words, f"OUTAGE={tool}"], cwd=here, env=environment, capture_output=True, text=True, check=False
    )


def tool_in(folder: Path) -> Path:
    """A stand-in for the command that prints what it is asked."""
    folder.mkdir(exist_ok=True)
    tool = folder / "outage-analysis"
    tool.write_text('#!/bin/sh\necho "ran $*"\n', "utf-8")
    tool.chmod(0o755)
    return tool


@pytest.mark.skipif(MAKE is None, reason="needs make")
@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            "report",
            (
                "report --incident incident.toml --policy policy.toml --ledger ledger.toml --claims claims "
                "--compare alternative.toml --budget 6_000_000 --max-rejects 5% --lang en --out build/report"
            ),
        ),
        ("verify", "verify build/report --claims claims"),
        (
            "summary",
            (
                "notebook run notebooks/05_executive_summary.ipynb --param budget=6_000_000 "
                "--param max_rejects=5% --lang en --out build/summary.html"
            ),
        ),
        ("lab", "lab notebooks"),
        ("check", "ingest claims --incident incident.toml --max-rejects 5%"),
    ],
)
def test_make_calls_the_command_that_it_is_given(
    projects: dict[str, Path], target: str, said: str, tmp_path: Path
) -> None:
    tool = tool_in(tmp_path / "a folder")
    for named in (tool, tool.relative_to(tmp_path)):  # from where make is called, not from where it goes
        assert f"ran {said}" in make_in(projects["KRW"], target, named, tmp_path).stdout
    lost = make_in(projects["KRW"], target, "no-such-tool", tmp_path)
    assert (lost.returncode, lost.stdout, lost.stderr.count("\n")) == (2, "", 1)
    assert 'no-such-tool was not found: run pip install "outage-analysis[notebooks]"' in lost.stderr


@pytest.mark.skipif(MAKE is None, reason="needs make")
@pytest.mark.parametrize(
    "name", ["`touch P`x", 'x"; touch P; "', "x'; touch P; '", "$(touch P)", "$(shell touch P)"]
)
def test_make_runs_nothing_that_a_folder_is_called(
    projects: dict[str, Path], name: str, tmp_path: Path
) -> None:
    project = Path(shutil.copytree(projects["KRW"], tmp_path / name))
    tool_in(project)
    for tool, said in (("./outage-analysis", "ran lab notebooks\n"), ("no-tool", "")):
        assert make_in(project, "lab", tool, project).stdout == said
    assert not [*tmp_path.rglob("P")]


# --- the same for everybody ---------------------------------------------------------------------------


@pytest.mark.slow
def test_equal_arguments_give_equal_bytes_whatever_the_hash_seed_and_the_clock(
    projects: dict[str, Path], tmp_path: Path
) -> None:
    script = "import sys; from outage_analysis.jupyter import new_project; new_project(sys.argv[1])"
    folder = tmp_path / "my-krw"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland", "LC_ALL": "C"}
    subprocess.run([sys.executable, "-c", script, str(folder)], env=environment, check=True)
    assert file_contents(folder) == file_contents(projects["KRW"])


def test_the_language_is_that_of_the_notebooks_and_of_make(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p", lang="ko", name='Tram "A"\\')
    texts = {p.name: p.read_text("utf-8") for p in (project / "notebooks").glob("*.ipynb")}
    assert all("lang = 'ko'" in text for text in texts.values())
    summary = texts["05_executive_summary.ipynb"]
    assert ("경영진 요약" in summary, "Executive summary" in summary) == (True, False)
    assert "\nSPOKEN ?= ko\n" in (project / "Makefile").read_text("utf-8")
    assert load_incident(project / "incident.toml").name.en == 'Tram "A"\\'


@pytest.mark.parametrize(
    ("folder", "id_"),
    [("Tram 2031!", "tram-2031"), ("Ünïted_Rail", "united_rail"), ("--x", "x"), ("a" * 99, "a" * 48)],
)
def test_the_id_is_made_of_the_name_of_the_folder(folder: str, id_: str, tmp_path: Path) -> None:
    assert load_incident(new_project(tmp_path / folder) / "incident.toml").id == id_
    with pytest.raises(UsageError, match=r": exists already\. Name a new folder"):
        new_project(tmp_path / folder)


def test_a_name_is_no_markup_where_it_is_previewed(tmp_path: Path) -> None:
    name = "![x](http://evil/p.png) <b>_a_ *b* `c` $d$ &amp; \\(e\\) #"
    project = new_project(tmp_path / "p", name=name)
    for page in ("README.md", "notebooks/welcome.md"):
        heading = (project / page).read_text("utf-8").splitlines()[0]
        assert html.unescape(heading) == f"# {name}"
        assert not re.search(r"[\\`*_\[\]<>$]|http://", heading)
    assert load_incident(project / "incident.toml").name.en == name


def test_a_project_that_could_not_be_finished_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "load_documents", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(EnvironmentFailed, match="cannot be written: No space left"):
        new_project(tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


# --- whole or not at all ------------------------------------------------------------------------------


def test_a_file_saved_meanwhile_into_the_folder_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(_: object) -> None:
        (tmp_path / "p").mkdir()
        (tmp_path / "p" / "notes.txt").write_text("mine")

    monkeypatch.setattr(making, "load_policy", write)
    with pytest.raises(UsageError, match="somebody wrote there meanwhile"):
        new_project(tmp_path / "p")
    assert file_contents(tmp_path / "p") == {"notes.txt": b"mine"}


REFUSED = {
    "a name without a letter": (
        partial(new_project, "보상"),
        "gives no valid id for the outage.*Korean name goes into --name",
    ),
    "a bundled id": (partial(new_project, "Kakao 2022"), "is the id of a bundled outage"),
    "a file": (partial(new_project, "file"), "exists already"),
    "a link": (partial(new_project, "link"), "exists already"),
    "no currency": (partial(new_project, "p", currency="won"), "is not a currency code"),
    "a currency with more in it": (partial(new_project, "p", currency='KRW"\n#'), "is not a currency code"),
    "a blank name": (partial(new_project, "p", name=" "), "must be printable text"),
    "an unknown unit": (
        partial(new_project, "p", loss_unit="minuts"),
        "no project can be made for this unit of losses.*Did you mean 'minutes'",
    ),
    "no language": (partial(new_project, "p", lang="fr"), "no such language"),
    "a name over lines": (partial(new_project, "p", name="a\nb"), "must be printable text"),
    "a long name": (partial(new_project, "p", name="a" * 121), "at most 120 characters"),
    "where one stands": (partial(new_project, "."), "exists already"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_cannot_be_a_project_is_refused_in_one_line(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    if case != "where one stands":
        (here / "file").touch()
        (here / "link").symlink_to(here / "nowhere")
    before = sorted(here.iterdir())
    make, said = REFUSED[case]
    with pytest.raises(OutageAnalysisError, match=said) as refused:
        make()
    assert refused.value.exit_code == 2
    assert "\n" not in str(refused.value)
    assert sorted(here.iterdir()) == before


@pytest.mark.parametrize(
    ("folder", "said"),
    [((), "notebooks: no such folder of notebooks"), (("empty",), "empty: has no notebook")],
)
def test_no_notebooks_is_one_line_with_the_remedy(
    folder: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert command("lab", *folder) == (2, "", f"error: {said}. Make a project: outage-analysis new DIR\n")


def test_without_jupyterlab_the_remedy_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    code, out, err = command("lab", notebooks_root())
    assert (code, out) == (6, "")
    assert err == 'error: jupyterlab is not installed. Run: pip install "outage-analysis[notebooks]"\n'
