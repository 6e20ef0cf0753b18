"""Installed away from the checkout, the package finds its data in itself; installed in place, in data/."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from outage_analysis.datasets import data_root

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(ROOT)]
    subprocess.run([*pip, *build], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_the_data_and_everything_that_is_not_python(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    data = {f"outage_analysis/{p.relative_to(ROOT)}" for p in (ROOT / "data").rglob("*") if p.is_file()}
    data |= {f"outage_analysis/{p.relative_to(ROOT)}" for p in (ROOT / "notebooks").glob("*.ipynb")}
    package = {
        str(p.relative_to(ROOT / "src"))
        for p in (ROOT / "src" / "outage_analysis").rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    assert data | package <= names
    assert not [n for n in names if n.startswith(("tests", "docs", "notebooks"))]


def test_the_wheel_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(target)  # what an installer does with a pure wheel
    environment = {**os.environ, "PYTHONPATH": str(target)}

    def python(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
        return done.stdout.decode()

    found = python("-c", "from outage_analysis.datasets import data_root; print(data_root())").strip()
    assert Path(found) == target / "outage_analysis" / "data"
    names = python("-c", "from outage_analysis.executed import names; print(*names())").split()
    assert "05_executive_summary" in names
    assert "8461" in python("-m", "outage_analysis", "facts", "CL-13")


def test_an_editable_install_finds_the_checkout() -> None:
    assert data_root() == ROOT / "data"
