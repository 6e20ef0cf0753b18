"""Installed from its wheel, the package finds all it needs in itself; installed in place, in the checkout."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from outage_analysis.files import data_root
from tests.installed_package import Installed
from tests.paths import ROOT

ASK_WHERE = """
import sys
from outage_analysis.files.documents import data_root, notebooks_root
print(data_root(), notebooks_root(), *sys.path, sep="\\n")
"""


def test_the_wheel_carries_the_data_and_everything_that_is_not_python(installed: Installed) -> None:
    names = set(zipfile.ZipFile(installed.wheel).namelist())
    data = {f"outage_analysis/{p.relative_to(ROOT)}" for p in (ROOT / "data").rglob("*") if p.is_file()}
    data |= {f"outage_analysis/{p.relative_to(ROOT)}" for p in (ROOT / "notebooks").glob("*.ipynb")}
    package = {
        str(p.relative_to(ROOT / "src"))
        for p in (ROOT / "src" / "outage_analysis").rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    assert data | package <= names
    assert not [n for n in names if n.startswith(("tests", "docs", "notebooks"))]


def test_the_wheel_works_away_from_the_checkout(installed: Installed, tmp_path: Path) -> None:
    said = installed.output(installed.python, "-c", ASK_WHERE, cwd=tmp_path).splitlines()
    assert said[:2] == [str(installed.package / "data"), str(installed.package / "notebooks")]
    assert not {str(ROOT), str(ROOT / "src")} & set(said)
    assert "8461" in installed.output(installed.command, "facts", "CL-13", cwd=tmp_path)


def test_an_editable_install_finds_the_checkout() -> None:
    assert data_root() == ROOT / "data"


@pytest.mark.installed
def test_a_new_project_makes_its_report_verifies_it_and_makes_a_page_of_its_notebook(
    installed: Installed, tmp_path: Path
) -> None:
    shop, examples = (
        tmp_path / "shop",
        "5 of 5 assumptions are examples, not evidence. No figure here may be used.\n",
    )
    command = [str(installed.command), "new", "shop"]
    subprocess.run(command, cwd=tmp_path, env=installed.environment(), check=True, capture_output=True)
    assert [*tmp_path.iterdir()] == [shop]

    def make(*words: str, told: str = "") -> list[str]:
        asked = ("make", "--no-print-directory", "-C", "shop", *words, f"OUTAGE={installed.command}")
        return installed.output(*asked, cwd=tmp_path, told=told).splitlines()

    assert make("report", "OPTIONS=--formats html", told=examples)[-1] == "build/report/report.html"
    assert "<h1>" in (shop / "build" / "report" / "report.html").read_text("utf-8")
    asked, outcome, *_limits = make("verify")
    assert ("verify build/report" in asked, "byte for byte" in outcome) == (True, True)
    make("summary")
    page = (shop / "build" / "summary.html").read_text("utf-8")
    assert (page.count("data-outage-chart=") > 1, "Shop" in page) == (True, True)
    files = [path for path in shop.rglob("*") if path.is_file()]
    assert [path for path in files if str(ROOT).encode() in path.read_bytes()] == []
