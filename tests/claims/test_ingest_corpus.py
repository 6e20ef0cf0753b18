"""The corpus: every format in every encoding with every kind of damage, and what is to come of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
import pytest

from outage_analysis.claims import READABLE_SUFFIXES, RULES, read_claims
from outage_analysis.claims.rules import COUNTED_CLAIMS, SAME_DAY
from tests.claims.complaint_files import (
    CARRIERS,
    COLUMNS,
    DAMAGE,
    RECORDED,
    Carrier,
    corpus_incident,
    encoded,
    found_in_the_bytes,
)

if TYPE_CHECKING:
    from pathlib import Path

    from outage_analysis.claims import Claims
    from tests.conftest import Row

pytestmark = pytest.mark.slow  # many files; the contract suite reads some of each kind in the quick run

LANES = [(carrier, encoding) for carrier, form in CARRIERS.items() for encoding in form.encodings]
FILES = [
    (carrier, encoding, damage)
    for carrier, encoding in LANES
    for damage in DAMAGE
    if CARRIERS[carrier].holds(DAMAGE[damage], encoding)
]


@dataclass(frozen=True)
class Read:
    """All files of one format and encoding, read in one run."""

    claims: Claims
    paths: dict[str, Path]
    passed: pl.DataFrame
    rejects: pl.DataFrame

    def of(self, frame: pl.DataFrame, damage: str) -> list[dict[str, object]]:
        """The rows of a frame that come from one file."""
        return frame.filter(pl.col("source_file") == self.paths[damage].name).to_dicts()


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Read]:
    """Each format in each encoding, written and read once."""
    known: dict[tuple[str, str], Read] = {}

    def once(carrier: str, encoding: str) -> Read:
        if (carrier, encoding) not in known:
            form, folder = CARRIERS[carrier], tmp_path_factory.mktemp("corpus")
            paths = {d: folder / f"{d}{form.suffix}" for c, e, d in FILES if (c, e) == (carrier, encoding)}
            for damage, path in paths.items():
                form.write(path, DAMAGE[damage].complaints(damage), encoding)
            claims = read_claims(list(paths.values()), corpus_incident(), max_rejects=1)
            known[carrier, encoding] = Read(claims, paths, claims.to_polars(), claims.rejected_rows)
        return known[carrier, encoding]

    return once


def test_every_rule_is_broken_by_some_damage_and_no_damage_by_another_name() -> None:
    broken = {rule for damage in DAMAGE.values() for rules in damage.broken.values() for rule in rules}
    # No file of the corpus has columns filed_at and count: test_times.py, test_rows_of_several_claims.py.
    assert broken == {*RULES, "delay is a whole number"} - {SAME_DAY, COUNTED_CLAIMS}


def test_every_damage_is_carried_by_some_file_and_every_format_is_in_the_corpus() -> None:
    assert {damage for _, _, damage in FILES} == set(DAMAGE)
    assert {form.suffix for form in CARRIERS.values()} <= set(READABLE_SUFFIXES)
    in_other_tests = {"txt", "ndjson", "json", "ods", "zip"}  # see test_containers.py
    assert {suffix.split(".")[1] for suffix in READABLE_SUFFIXES} - in_other_tests == {
        form.suffix.split(".")[1] for form in CARRIERS.values()
    }


@pytest.mark.parametrize(("carrier", "encoding"), LANES)
def test_rows_are_claims_plus_rejects_in_every_file(
    read: Callable[[str, str], Read], carrier: str, encoding: str
) -> None:
    lane = read(carrier, encoding)
    expected = [
        (path.name, len(d.rows), len(d.rows) - len(d.broken), len(d.broken))
        for path, d in ((path, DAMAGE[damage]) for damage, path in lane.paths.items())
    ]
    assert lane.claims.files.rows() == expected
    assert {f.encoding for f in lane.claims.inputs} == {RECORDED.get(encoding, encoding)}
    assert [f.bytes for f in lane.claims.inputs] == [path.stat().st_size for path in lane.paths.values()]


@pytest.mark.parametrize(("carrier", "encoding", "damage"), FILES)
def test_the_claims_and_rejects_of_a_file_are_those_that_were_written(
    read: Callable[[str, str], Read], carrier: str, encoding: str, damage: str
) -> None:
    lane, d, form = read(carrier, encoding), DAMAGE[damage], CARRIERS[carrier]
    complaints = d.complaints(damage)
    written = {n: row for n, row in enumerate(complaints) if n not in d.broken and row is not None}
    passed = lane.of(lane.passed, damage)
    told = [(row["source_row"], row["claim_id"], row["region"], row["delay"]) for row in passed]
    assert told == [(form.first + n, row["claim_id"].strip(), row["region"], 5) for n, row in written.items()]
    for claim, place in zip(passed, written, strict=True):
        for column, value in d.says.get(place, {}).items():
            said = claim[column]
            assert (str(said) if isinstance(value, str) else said) == value
    rejects = lane.of(lane.rejects, damage)
    ruled = [(reject["source_row"], reject["broken"]) for reject in rejects]
    assert ruled == [(form.first + place, list(rules)) for place, rules in d.broken.items()]
    places = [(reject["byte"], reject["raw"]) for reject in rejects]
    assert places == [_place(form, complaints, n, encoding) for n in d.broken]


def _place(form: Carrier, complaints: list[Row | None], n: int, encoding: str) -> tuple[int | None, str]:
    """The byte and the text of one reject."""
    if form.records is None:
        cells = complaints[n] or {}
        return None, " | ".join(text for c in COLUMNS[:5] if (text := cells[c].strip()))
    records = form.records(complaints)
    at = n + form.first - 1  # the header is a record as well, where there is one
    return len(encoded("".join(records[:at]), encoding)), records[at].rstrip("\r\n")


@pytest.mark.parametrize(
    ("carrier", "encoding"), [lane for lane in LANES if CARRIERS[lane[0]].records is not None]
)
def test_the_text_of_every_reject_stands_at_the_byte_that_it_names(
    read: Callable[[str, str], Read], carrier: str, encoding: str
) -> None:
    lane = read(carrier, encoding)
    assert found_in_the_bytes(lane.claims, list(lane.paths.values())) == len(lane.rejects) > 20
