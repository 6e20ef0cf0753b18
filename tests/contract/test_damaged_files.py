"""Damaged files of known truth are read as an attentive person reads them, and every row is accounted for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

import outage_analysis as oa
from tests.contract import damaged_files
from tests.contract.damaged_files.clean_table import COURIER, NAMES, Record
from tests.contract.damaged_files.damaged_file import (
    HALVES,
    HELD_OUT,
    KINDS,
    DamagedFile,
    all_files,
    damaged_file,
    kinds,
)
from tests.contract.damaged_files.reading import DATA_REFUSED, failures_in_words, our_outcome, records_of
from tests.contract.damaged_files.scoring import WholeFileRefused, outcome

assert damaged_files.__all__  # the kinds are registered when their modules are imported

ONE = Record("A-1", "kakaotalk", "general_user", date(2022, 10, 19), 300_000)
TWO, THREE = replace(ONE, claim_id="A-2"), replace(ONE, claim_id="A-3")
GROUPS = list(dict.fromkeys(k.group for k in KINDS.values()))
INSPECTED = (
    "no_header",
    "english_month_names",
    "decimal_commas",
    "loss_unknown_in_words",
    "id_in_two_columns",
)
"""Kinds that need a layout; the quick run tries these, the slow one all kinds."""
NEEDS_A_LAYOUT = {
    *("backslash_before_quotes", "backslash_before_delimiters"),
    *(
        "decimal_commas",
        "decimal_commas_and_points",
        "euro_sign_behind",
        "euro_sign_before",
        "unit_in_header",
    ),
    *("thousands_with_points", "thousands_with_spaces", "thousands_with_apostrophes"),
    *("loss_na", "loss_dash", "loss_null", "loss_unknown_in_words", "loss_missing_in_several_ways"),
    *("no_id_column", "id_in_two_columns"),
    *("day_first_with_slashes", "day_first_with_points", "month_first", "day_first_two_digit_years"),
    *("month_first_two_digit_years", "year_first_two_digit_years", "english_month_names"),
    *("english_short_months_short_years", "german_month_names", "korean_days_short_years"),
    *("korean_month_and_day", "digits_alone", "excel_day_numbers", "unix_seconds", "day_first_times"),
    *("month_first_times", "several_formats_in_one_column", "day_first_and_month_first_mixed"),
    *("one_day_cannot_be_told", "headers_in_local_words", "headers_in_other_english_words", "no_header"),
}
"""Kinds whose notations or headers the incident does not name."""


# --- the corpus and its scores ------------------------------------------------------------------------------


def test_every_file_is_made_again_from_its_seed_and_states_its_truth() -> None:
    first, again = all_files(), all_files()
    assert [f.data for f in first] == [f.data for f in again]
    assert len({f.name for f in first}) == len({f.data for f in first}) == len(first) >= 336
    for file in first:
        incident, columns = file.case.incident, set(NAMES) - (set() if file.keyed else {"claim_id"})
        assert len(file.records) + len(file.damaged) >= 12
        assert {r.claim_id for r in file.records}.isdisjoint({r.claim_id for r in file.damaged})
        assert all(incident.claims_from <= r.filed_on <= incident.claims_to for r in file.records)
        assert set(file.headers) == columns
    with pytest.raises(ValueError, match="two kinds are called comma"):
        kinds("delimiters", comma=KINDS["comma"].make)


# --- the contract -------------------------------------------------------------------------------------------


def failures_on(tmp_path: Path, *files: DamagedFile) -> list[str]:
    """What is wrong with the reading of files by the layout that is proposed for each."""
    outcomes = []
    for file in files:
        folder = tmp_path / file.name
        folder.mkdir()
        outcomes.append(our_outcome(file, folder))
    return failures_in_words(outcomes)


@pytest.mark.parametrize("name", INSPECTED)
def test_a_file_is_read_in_full_with_the_proposed_layout(tmp_path: Path, name: str) -> None:
    assert failures_on(tmp_path, damaged_file(name, 1)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_every_file_of_both_halves_is_read_in_full_with_the_proposed_layout(
    tmp_path: Path, name: str
) -> None:
    files = [damaged_file(name, seed, half) for half, seeds in HALVES.items() for seed in seeds]
    assert len(files) >= 2
    assert failures_on(tmp_path, *files) == []


def read_without_layout(path: Path, file: DamagedFile) -> list[Record]:
    """The records that are read by the columns of the incident; its dimensions are in no file."""
    lines = [f'{dimension.id} = ""' for dimension in file.case.incident.dimensions]
    constants = path.with_name("constants.toml")
    constants.write_text("\n".join(["[constants]", *lines]), "utf-8")
    try:
        claims = oa.read_claims(
            path, file.case.incident, layouts=[oa.load_layout(constants)] if lines else [], max_rejects=1
        )
    except Exception as why:
        if getattr(why, "exit_code", None) != DATA_REFUSED:
            raise
        raise WholeFileRefused(str(why)) from why
    records = records_of(claims)
    assert claims.files["rows"].to_list() == [len(records) + len(claims.rejects)]
    return records


@pytest.mark.parametrize(
    ("group", "half"),
    [
        pytest.param(group, half, marks=pytest.mark.slow if n % 6 or half == HELD_OUT else ())
        for half in HALVES
        for n, group in enumerate(GROUPS)
    ],
)
def test_without_a_layout_rows_are_read_or_refused_and_never_read_wrongly(
    tmp_path: Path, group: str, half: str
) -> None:
    failed = []
    for file in (file for file in all_files() if (file.group, file.half) == (group, half)):
        path = tmp_path / file.name
        path.write_bytes(file.data)
        result = outcome("r", file, partial(read_without_layout, path, file))
        if result.wrong or result.crashed:
            failed.append(f"{file.name}: {result.wrong} wrong, {result.message}")
        elif file.kind not in NEEDS_A_LAYOUT and result.share not in (None, 1):
            failed.append(f"{file.name}: {result.exact} of {result.records}, {result.message}")
    assert failed == []


# --- every row is a claim or a reject -----------------------------------------------------------------------

HEADER = "claim_id,service,claimant_type,filed_on,loss"
CELLS = st.sampled_from(
    ["", "?", "-5", "1e99", "2022-02-30", "네이버", "=1+1", "NaN", "9" * 25, "\x00", "\u2028"]
)
DAMAGE = st.lists(
    st.tuples(
        st.integers(0, 11),
        st.one_of(
            st.tuples(st.just("cell"), st.integers(0, 4), CELLS),
            st.tuples(st.just("field too many"), st.just(0), CELLS),
            st.tuples(st.just("field missing"), st.integers(0, 4), st.just("")),
            st.tuples(st.just("cut"), st.integers(2, 30), st.just("")),
            st.tuples(st.just("twice"), st.just(0), st.just("")),
            st.tuples(st.just("blank lines"), st.just(0), st.sampled_from(["", "\n\n"])),
        ),
    ),
    max_size=6,
    unique_by=lambda damage: damage[0],
)


def damaged_line(cells: list[str], damage: tuple[str, int, str] | None) -> str:
    """One row as a line of text, with one damage."""
    if damage is None:
        return ",".join(cells)
    what, at, text = damage
    if what == "cell":
        cells = [*cells[:at], text, *cells[at + 1 :]]
    elif what == "field too many":
        cells = [*cells, text]
    elif what == "field missing":
        cells = [*cells[:at], *cells[at + 1 :]]
    line = ",".join(cells)
    if what == "cut":
        return line[:at]
    return {"twice": f"{line}\n{line}", "blank lines": f"{text}\n{line}"}.get(what, line)


def every_row_is_a_claim_or_a_reject(path: Path, damages: list[tuple[int, tuple[str, int, str]]]) -> None:
    """Read rows with damage; the untouched ones are claims as written, and each line is counted once."""
    damage_of = dict(damages)
    rows = [[f"A-{n}", "parcel_app", "private", f"2024-05-{10 + n}", f"{n * 7}.{n:02}"] for n in range(12)]
    lines = [damaged_line(cells, damage_of.get(n)) for n, cells in enumerate(rows)]
    path.write_bytes("\n".join([HEADER, *lines, ""]).encode())
    claims = oa.read_claims(path, COURIER.incident, max_rejects=1)
    frame, rejects = claims.to_polars(), claims.rejects
    (counted,) = claims.files.select("rows", "claims", "rejects").rows()
    written = sum(1 for line in "\n".join(lines).split("\n") if line.strip())
    assert counted == (written, len(frame), len(rejects))
    assert written == len(frame) + rejects["row"].n_unique()
    assert set(frame["source_row"]).isdisjoint(rejects["row"])
    found = {row["claim_id"]: row for row in frame.iter_rows(named=True)}
    for n, (id_, service, claimant_type, day, loss) in enumerate(rows):
        if damage_of.get(n, ("",))[0] in ("", "twice", "blank lines"):
            read = found[id_]
            assert (read["service"], read["claimant_type"]) == (service, claimant_type)
            assert (str(read["filed_on"]), read["loss"]) == (day, float(loss))
    if any(damage[0] == "twice" for damage in damage_of.values()):
        assert len(rejects) > 0


@given(damages=DAMAGE)
@settings(max_examples=10, deadline=None, derandomize=True)
def test_every_row_of_a_file_with_random_damage_is_a_claim_or_a_reject(
    tmp_path_factory: pytest.TempPathFactory, damages: list[tuple[int, tuple[str, int, str]]]
) -> None:
    every_row_is_a_claim_or_a_reject(tmp_path_factory.mktemp("damage") / "a.csv", damages)


@pytest.mark.slow
@given(damages=DAMAGE)
@settings(max_examples=100, deadline=None)
def test_every_row_of_many_files_with_random_damage_is_a_claim_or_a_reject(
    tmp_path_factory: pytest.TempPathFactory, damages: list[tuple[int, tuple[str, int, str]]]
) -> None:
    every_row_is_a_claim_or_a_reject(tmp_path_factory.mktemp("damage") / "a.csv", damages)
