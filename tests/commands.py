"""The commands by name, and rows that its tests write into files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer

from outage_analysis.cli import claims as claim_files, lookup, notebooks, report
from tests.contract.command_line import outage_analysis


def names(group: typer.Typer) -> list[str]:
    """The names of the commands of a group."""
    return [c.name or (c.callback.__name__ if c.callback else "") for c in group.registered_commands]


GROUPS = {
    "Report and cost": names(report.commands),
    "Claims": names(claim_files.commands),
    "Explore": names(claim_files.exploring),
    "Decide": names(report.decisions),
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
command = outage_analysis
"""Run the command in this process; returns exit code, stdout, stderr."""


def claims(text: str) -> Path:
    """Write `claims.csv` into the working directory."""
    path = Path("claims.csv")
    path.write_text(text, encoding="utf-8")
    return path
