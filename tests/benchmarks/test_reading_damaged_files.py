"""Damaged complaint files of known truth, read by this package and by others: `make bench-reading`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import pytest
import reading

from tests.benchmarks import damaged_files
from tests.benchmarks.damaged_files import readers
from tests.benchmarks.damaged_files.clean_table import NAMES, Record
from tests.benchmarks.damaged_files.damaged_file import (
    HALVES,
    KINDS,
    DamagedFile,
    all_files,
    damaged_file,
    kind,
)
from tests.benchmarks.damaged_files.readers import OURS, available_readers, run_reader
from tests.benchmarks.damaged_files.scoring import Outcome, WholeFileRefused, outcome, scored, summary
from tests.benchmarks.damaged_files.tables import by_group, by_kind, failures, group_sizes, totals
from tests.benchmarks.damaged_files.written_values import best_claims
from tests.benchmarks.tables import FOLDER, tell

assert damaged_files.__all__  # the kinds are registered when their modules are imported

ONE = Record("A-1", "kakaotalk", "general_user", date(2022, 10, 19), 300_000)
TWO, THREE = replace(ONE, claim_id="A-2"), replace(ONE, claim_id="A-3")


def file_of(*records: Record, damaged: tuple[Record, ...] = (), **changes: object) -> DamagedFile:
    """A file whose truth is a handful of records."""
    made = damaged_file("comma", 1)
    return replace(made, records=records, damaged=damaged, **changes)  # type: ignore[arg-type]


# --- the files --------------------------------------------------------------------------------------------


def test_every_file_is_made_again_from_its_seed() -> None:
    first, again = all_files(), all_files()
    assert [f.data for f in first] == [f.data for f in again]
    assert len({f.name for f in first}) == len(first) == len(KINDS) * sum(map(len, HALVES.values()))


@pytest.mark.parametrize("name", KINDS)
def test_a_file_states_its_truth(name: str) -> None:
    file = damaged_file(name, 7)
    assert len(file.records) + len(file.damaged) >= 12
    assert {r.claim_id for r in file.records}.isdisjoint({r.claim_id for r in file.damaged})
    incident = file.case.incident
    assert all(incident.claims_from <= r.filed_on <= incident.claims_to for r in file.records)
    assert set(file.headers) == set(NAMES) if file.keyed else set(file.headers) == set(NAMES) - {"claim_id"}


def test_two_seeds_make_two_files() -> None:
    assert all(damaged_file(name, 1).data != damaged_file(name, 101).data for name in KINDS)


def test_a_name_stands_for_one_kind() -> None:
    with pytest.raises(ValueError, match="two kinds are called comma"):
        kind("delimiters")(KINDS["comma"].make)


# --- scores -----------------------------------------------------------------------------------------------


def test_records_are_exact_wrong_or_lost() -> None:
    file = file_of(ONE, TWO)
    assert scored(file, [ONE, TWO]) == (2, 0, "")
    assert scored(file, [ONE]) == (1, 0, "")
    exact, wrong, first = scored(file, [ONE, replace(TWO, loss=3)])
    assert (exact, wrong) == (1, 1)
    assert first == "read 'A-2' kakaotalk general_user 2022-10-19 3"
    assert scored(file, [ONE, TWO, TWO])[:2] == (2, 1)  # a claim that is counted twice
    assert scored(file, [ONE, TWO, THREE])[:2] == (2, 1)  # a claim that is none, such as a total


def test_a_damaged_row_may_be_left_out_or_read_as_it_was() -> None:
    file = file_of(ONE, damaged=(TWO,))
    assert scored(file, [ONE]) == (1, 0, "")
    assert scored(file, [ONE, TWO])[:2] == (1, 0)
    assert scored(file, [ONE, replace(TWO, claim_id='"A-2')])[:2] == (1, 0)
    assert scored(file, [ONE, replace(TWO, loss=30)])[:2] == (1, 1)


def test_records_without_ids_are_compared_by_their_number() -> None:
    file = file_of(ONE, TWO, keyed=False)
    assert scored(file, [replace(ONE, claim_id="1"), replace(ONE, claim_id="2")])[:2] == (2, 0)
    assert scored(file, [replace(ONE, claim_id=str(n)) for n in range(3)])[:2] == (2, 1)


def test_a_right_refusal_counts_nowhere() -> None:
    def refuse() -> list[Record]:
        raise WholeFileRefused("a second table begins in row 9")

    right = outcome("r", file_of(ONE, may_refuse=True), refuse)
    wrong = outcome("r", file_of(ONE), refuse)
    read = outcome("r", file_of(ONE, TWO), lambda: [ONE])
    crash = outcome("r", file_of(ONE), lambda: [ONE] * (1 // 0))
    assert (right.share, wrong.share, read.share, crash.share) == (None, 0, 0.5, 0)
    assert (right.refused, wrong.refused, crash.crashed, read.message) == (False, True, True, "")
    found = summary([right, wrong, read, crash])
    assert (found.files, found.refusals, found.crashes) == (4, 1, 1)
    assert found.share == pytest.approx(1 / 6)


def test_failures_begin_with_wrong_values() -> None:
    def result(kind: str, exact: int, wrong: int = 0) -> Outcome:
        message = "read 'A-1'" if wrong else ""
        return replace(
            outcome(OURS, file_of(ONE), lambda: [ONE]),
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
        ("Polars", "xls_of_text"),
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
