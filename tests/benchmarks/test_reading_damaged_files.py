"""Damaged complaint files of known truth, read by this package and by others: `make bench-reading`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import reading

from tests.benchmarks import readers
from tests.benchmarks.readers import available_readers, run_reader
from tests.benchmarks.tables import tell
from tests.contract import damaged_files
from tests.contract.damaged_files.damaged_file import HALVES, KINDS, all_files, damaged_file
from tests.contract.damaged_files.reading import OURS
from tests.contract.damaged_files.scoring import Outcome, outcome, summary

assert damaged_files.__all__  # the kinds are registered when their modules are imported


# --- the readers ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("reader", [OURS, *readers.SETTINGS])
def test_every_reader_reads_a_clean_file(tmp_path: Path, reader: str) -> None:
    if reader not in available_readers():
        pytest.skip(f"{reader} is not installed")
    found = run_reader(reader, damaged_file("semicolon", 3), tmp_path)
    assert (found.share, found.wrong, found.message) == (1, 0, "")


# --- the page ---------------------------------------------------------------------------------------------


def test_the_page_shows_every_reader_and_group() -> None:
    written = reading.CLAIMS.read_text("utf-8").split(reading.START)[1].split(reading.END)[0]
    expected = [OURS, *readers.SETTINGS, *HALVES, *(f"| {g} | {n} |" for g, n in group_sizes().items())]
    assert [part for part in expected if part not in written] == [], "run `make bench-reading`"


def test_the_page_takes_its_tables_from_the_measurement() -> None:
    files = [damaged_file("comma", 1, half) for half in HALVES]
    outcomes = [outcome(OURS, file, partial(getattr, file, "records")) for file in files]
    text = f"before\n{reading.START}old\n{reading.END}after\n"
    shown = reading.page(text, totals(outcomes), by_group(outcomes))
    rows = (
        f"| {OURS} | tune | 1 | 100.0 % | 0 | 0 | 0 | 0 |\n",
        f"| delimiters | {group_sizes()['delimiters']} | 100.0 % |",
    )
    assert [row for row in rows if row not in shown] == []
    assert (shown[:7], shown[-6:], "old" in shown) == ("before\n", "after\n", False)


# --- the whole study --------------------------------------------------------------------------------------


@pytest.mark.bench
def test_damaged_files_beside_other_readers(tmp_path: Path) -> None:
    outcomes = []
    for number, file in enumerate(all_files()):
        for reader in available_readers():
            folder = tmp_path / f"{number}-{reader}"
            folder.mkdir()
            outcomes.append(run_reader(reader, file, folder))
    tell("reading", "damaged files: records recovered exactly", totals(outcomes))
    tell("reading-by-group", "share recovered, and files with a wrong value, by damage", by_group(outcomes))
    ours = summary(o for o in outcomes if o.reader == OURS)
    assert ours.crashes == 0


Row = dict[str, Any]


def readers_in(outcomes: Sequence[Outcome]) -> list[str]:
    """The readers of outcomes, in their order."""
    return list(dict.fromkeys(o.reader for o in outcomes))


def totals(outcomes: Sequence[Outcome]) -> list[Row]:
    """One row per reader and half of the seeds."""
    found = {
        (reader, half): summary(o for o in outcomes if (o.reader, o.half) == (reader, half))
        for reader in readers_in(outcomes)
        for half in HALVES
    }
    return [
        {
            "reader": reader,
            "seeds": half,
            "files": one.files,
            "recovered": _percent(one.share),
            "files with a wrong value": one.wrong_files,
            "wrong records": one.wrong_records,
            "refused": one.refusals,
            "crashed": one.crashes,
            "CPU seconds": one.cpu_seconds,
        }
        for (reader, half), one in found.items()
    ]


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
    found = {reader: summary(o for o in outcomes if o.reader == reader) for reader in readers}
    return {
        reader: _percent(one.share) + (f" ({one.wrong_files} wrong)" if one.wrong_files else "")
        for reader, one in found.items()
    }
