"""What readers made of damaged files, as tables of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.contract.damaged_files.damaged_file import HALVES, KINDS
from tests.contract.damaged_files.scoring import Outcome, summary

Row = dict[str, Any]


def readers_in(outcomes: Sequence[Outcome]) -> list[str]:
    """The readers of outcomes, in their order."""
    return list(dict.fromkeys(o.reader for o in outcomes))


def totals(outcomes: Sequence[Outcome]) -> list[Row]:
    """One row per reader and half of the seeds."""
    return [
        {
            "reader": reader,
            "seeds": half,
            **_row([o for o in outcomes if (o.reader, o.half) == (reader, half)]),
        }
        for reader in readers_in(outcomes)
        for half in HALVES
    ]


def _row(outcomes: Sequence[Outcome]) -> Row:
    found = summary(outcomes)
    return {
        "files": found.files,
        "recovered": _percent(found.share),
        "files with a wrong value": found.wrong_files,
        "wrong records": found.wrong_records,
        "refused": found.refusals,
        "crashed": found.crashes,
        "CPU seconds": found.cpu_seconds,
    }


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share == share else "-"  # noqa: PLR0124 - not a number


def by_group(outcomes: Sequence[Outcome]) -> list[Row]:
    """One row per group of kinds: for each reader the share recovered and the files with a wrong value."""
    return [
        {
            "damage": group,
            "kinds": kinds,
            **_cells([o for o in outcomes if o.group == group], readers_in(outcomes)),
        }
        for group, kinds in group_sizes().items()
        if any(o.group == group for o in outcomes)
    ]


def group_sizes() -> dict[str, int]:
    """Group -> number of its kinds."""
    groups = [k.group for k in KINDS.values()]
    return {group: groups.count(group) for group in dict.fromkeys(groups)}


def _cells(outcomes: Sequence[Outcome], readers: Sequence[str]) -> Row:
    """Reader -> the share recovered, and the number of files with a wrong value if there are any."""
    cells = {}
    for reader in readers:
        found = summary(o for o in outcomes if o.reader == reader)
        wrong = f" ({found.wrong_files} wrong)" if found.wrong_files else ""
        cells[reader] = _percent(found.share) + wrong
    return cells
