"""Damaged complaint files of known truth, read by this package and by others: `make bench-reading`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import reading

from tests.benchmarks import readers
from tests.benchmarks.readers import available_readers, run_reader
from tests.benchmarks.reading_tables import by_group, group_sizes, totals
from tests.benchmarks.tables import tell
from tests.contract import damaged_files
from tests.contract.damaged_files.damaged_file import HALVES, all_files, damaged_file
from tests.contract.damaged_files.reading import OURS
from tests.contract.damaged_files.scoring import outcome, summary

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
    assert f"| {OURS} | tune | 1 | 100.0 % | 0 | 0 | 0 | 0 |\n" in shown
    assert f"| delimiters | {group_sizes()['delimiters']} | 100.0 % |" in shown
    assert shown.startswith("before\n")
    assert shown.endswith("after\n")
    assert "old" not in shown


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
