"""Damaged complaint files of known truth, read by this package and by others: `make bench-reading`."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import reading

from tests.benchmarks import readers
from tests.benchmarks.readers import available_readers, run_reader
from tests.benchmarks.reading_tables import by_group, by_kind, failures, group_sizes, totals
from tests.benchmarks.tables import FOLDER, tell
from tests.benchmarks.written_values import best_claims
from tests.contract import damaged_files
from tests.contract.damaged_files.damaged_file import HALVES, all_files, damaged_file
from tests.contract.damaged_files.reading import OURS
from tests.contract.damaged_files.scoring import Outcome, outcome, summary

assert damaged_files.__all__  # the kinds are registered when their modules are imported


def test_failures_begin_with_wrong_values() -> None:
    def result(kind: str, exact: int, wrong: int = 0) -> Outcome:
        message = "read 'A-1'" if wrong else ""
        return replace(
            outcome(OURS, damaged_file("comma", 1), list),
            kind=kind,
            file=f"{kind}.csv",
            records=10,
            exact=exact,
            wrong=wrong,
            message=message,
        )

    rows = failures([result("tab", 0), result("pipe", 5, wrong=1), result("comma", 10), result("space", 5)])
    assert [(r["kind"], r["wrong files"], r["lost"]) for r in rows] == [
        ("pipe", 1, 0.5),
        ("tab", 0, 1),
        ("space", 0, 0.5),
    ]


# --- the readers ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("reader", [OURS, *readers.SETTINGS])
@pytest.mark.parametrize("name", ["comma", "semicolon"])
def test_every_reader_reads_a_clean_file(tmp_path: Path, reader: str, name: str) -> None:
    if reader not in available_readers():
        pytest.skip(f"{reader} is not installed")
    found = run_reader(reader, damaged_file(name, 3), tmp_path)
    assert (found.share, found.wrong, found.message) == (1, 0, "")


@pytest.mark.parametrize(
    ("reader", "name"),
    [
        ("DuckDB", "json_lines"),
        ("DuckDB", "csv_gz"),
        ("Polars", "json_array"),
        ("Polars", "xlsx_of_numbers_and_days"),
        ("Polars", "ods_of_text"),
        ("Polars", "cp949"),
        ("pandas", "title_above"),
        ("pandas", "korean_times"),
        ("pandas", "euro_sign_behind"),
        ("pandas", "english_month_names"),
        ("pandas", "no_id_column"),
        ("pandas", "no_header"),
    ],
)
def test_others_are_read_in_their_best_settings(tmp_path: Path, reader: str, name: str) -> None:
    found = run_reader(reader, damaged_file(name, 3), tmp_path)
    assert (found.share, found.wrong) == (1, 0)


def test_the_first_rejected_row_is_noted(tmp_path: Path) -> None:
    found = run_reader(OURS, damaged_file("missing_day", 3), tmp_path)
    assert (found.share, found.wrong) == (1, 0)
    assert "filed_on" in found.message


@pytest.mark.parametrize("reader", readers.SETTINGS)
def test_every_setting_for_delimited_files_reads_a_clean_one(tmp_path: Path, reader: str) -> None:
    if reader not in available_readers():
        pytest.skip(f"{reader} is not installed")
    file = damaged_file("line_ends_crlf", 1)
    path = tmp_path / file.name
    other = (readers.duckdb_json, readers.pandas_json, readers.polars_other)
    path.write_bytes(file.data)
    settings = [setting for setting in readers.SETTINGS[reader] if setting not in other]
    assert {len(best_claims(setting(path, file), file)) for setting in settings} == {len(file.records)}


def test_a_reader_that_takes_a_total_for_a_claim_is_wrong() -> None:
    file = damaged_file("total_below", 3)
    total = replace(file.records[0], claim_id="Total", loss=sum(r.loss or 0 for r in file.records))
    found = outcome("r", file, lambda: [*file.records, total])
    assert (found.share, found.wrong) == (1, 1)
    assert "'Total'" in found.message


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
    tell("reading-by-kind", "share recovered, and files with a wrong value, by kind", by_kind(outcomes))
    tell("reading-failures", "kinds on which this package fails", failures(outcomes) or [{"kind": "none"}])
    FOLDER.joinpath("reading-outcomes.json").write_text(readers.as_json(outcomes), "utf-8")
    ours = summary(o for o in outcomes if o.reader == OURS)
    assert ours.crashes == 0
    assert json.loads((FOLDER / "reading.json").read_text("utf-8"))["rows"]
