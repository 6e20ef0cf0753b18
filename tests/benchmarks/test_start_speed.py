"""How long a person waits for the first word: import, help, cost and report, each a process of its own."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.tables import tell

pytestmark = pytest.mark.bench

ROUNDS = 7
COMMAND = [sys.executable, "-m", "outage_analysis"]


def test_from_a_command_to_its_answer(tmp_path: Path) -> None:
    report = [*COMMAND, "report", "--formats", "html,csv", "--force", "--out", str(tmp_path / "report")]
    contenders = {
        "python itself": [sys.executable, "-c", "pass"],
        "import outage_analysis": [sys.executable, "-c", "import outage_analysis"],
        "--help": [*COMMAND, "--help"],
        "cost": [*COMMAND, "cost"],
        "report, html and tables": report,
    }
    # As where it is installed: with its modules compiled.
    environment = {**os.environ, "NO_COLOR": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS + 1):
        for name, words in contenders.items():
            begun = time.perf_counter()
            subprocess.run(words, capture_output=True, check=True, env=environment)
            taken[name].append(time.perf_counter() - begun)
    middle = {name: statistics.median(found[1:]) for name, found in taken.items()}  # the first one warms
    bare = middle["python itself"]
    rows = [
        {"what": name, "seconds": seconds, "less python": seconds - bare, "/ python": seconds / bare}
        for name, seconds in middle.items()
    ]
    tell("start", "from a command to its answer, warm", rows)
    assert (tmp_path / "report" / "report.html").is_file()
