"""The command line run inside the test process, and rows that its tests write into files."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
import typer

from outage_analysis.cli import claims as claim_files
from outage_analysis.cli import decide, explore, lookup, main, notebooks, report


def names(group: typer.Typer) -> list[str]:
    """The names of the commands of a group."""
    return [c.name or (c.callback.__name__ if c.callback else "") for c in group.registered_commands]


GROUPS = {
    "Report and cost": names(report.commands),
    "Claims": names(claim_files.commands),
    "Explore": names(explore.commands),
    "Decide": names(decide.commands),
    "Look up": [*names(lookup.commands), "policies"],
    "Projects and notebooks": [*names(notebooks.commands), "notebook"],
}
"""The commands of each group, by its title in `--help`."""
COMMANDS = [
    *(name for names_ in GROUPS.values() for name in names_ if name not in {"policies", "notebook"}),
    *(f"policies {name}" for name in names(lookup.policy_commands)),
    *(f"notebook {name}" for name in names(notebooks.notebook_commands)),
]
HEADER = "claim_id,service,claimant_type,filed_on,loss,region,industry,category\n"
GOOD = "1,카톡,소상공인,2022-10-19,300000,서울,식당,free\n"
KAKAO = ("--incident", "kakao-2022")
"""The incident of these rows, for commands that would derive one from the file."""
Run = Callable[..., tuple[int, str, str]]


def command(*arguments: object) -> tuple[int, str, str]:
    """Run the command in this process; returns exit code, stdout, stderr."""
    out, err = StringIO(), StringIO()
    before = signal.getsignal(signal.SIGPIPE)  # the command ends by it; the tests must not
    words = ["outage-analysis", *map(str, arguments)]
    with patch.object(sys, "argv", words), redirect_stdout(out), redirect_stderr(err):
        try:
            with pytest.raises(SystemExit) as stop:
                main()
        finally:
            signal.signal(signal.SIGPIPE, before)
    return int(stop.value.code or 0), out.getvalue(), err.getvalue()


def claims(text: str) -> Path:
    """Write `claims.csv` into the working directory."""
    path = Path("claims.csv")
    path.write_text(text, encoding="utf-8")
    return path
