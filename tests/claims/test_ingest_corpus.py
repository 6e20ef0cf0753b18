"""The corpus: every format in every encoding with every kind of damage, and what is to come of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from outage_analysis.claims import READABLE_SUFFIXES, RULES, read_claims
from outage_analysis.claims.cell_values import COUNTED_CLAIMS, SAME_DAY
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

    from tests.conftest import Row

LANES = [(carrier, encoding) for carrier, form in CARRIERS.items() for encoding in form.encodings]


def test_every_rule_and_every_format_is_in_the_corpus() -> None:
    broken = {rule for damage in DAMAGE.values() for rules in damage.broken.values() for rule in rules}
    # No file of the corpus has columns filed_at and count: test_times.py, test_rows_of_several_claims.py.
    assert broken == {*RULES, "delay is a whole number"} - {SAME_DAY, COUNTED_CLAIMS}
    assert all(any(CARRIERS[c].holds(damage, e) for c, e in LANES) for damage in DAMAGE.values())
    in_other_tests = {"txt", "ndjson", "json", "ods", "zip"}  # see test_ingest_formats.py, test_json_files.py
    suffixes = {suffix.split(".")[1] for suffix in READABLE_SUFFIXES} - in_other_tests
    assert suffixes == {form.suffix.split(".")[1] for form in CARRIERS.values()}


@pytest.mark.slow
@pytest.mark.parametrize(("carrier", "encoding"), LANES)
def test_the_claims_and_rejects_of_every_file_are_those_that_were_written(
    tmp_path: Path, carrier: str, encoding: str
) -> None:
    form = CARRIERS[carrier]
    paths = {name: tmp_path / f"{name}{form.suffix}" for name, d in DAMAGE.items() if form.holds(d, encoding)}
    for name, path in paths.items():
        form.write(path, DAMAGE[name].complaints(name), encoding)
    claims = read_claims(list(paths.values()), corpus_incident(), max_rejects=1)
    assert claims.files.rows() == [
        (path.name, len(d.rows), len(d.rows) - len(d.broken), len(d.broken))
        for path, d in ((path, DAMAGE[name]) for name, path in paths.items())
    ]
    assert {f.encoding for f in claims.inputs} == {RECORDED.get(encoding, encoding)}
    assert [f.bytes for f in claims.inputs] == [path.stat().st_size for path in paths.values()]
    every, rejected = claims.to_polars(), claims.rejected_rows
    for name, path in paths.items():
        d, of_file = DAMAGE[name], pl.col("source_file") == path.name
        complaints, passed = d.complaints(name), every.filter(of_file)
        written = {n: row for n, row in enumerate(complaints) if n not in d.broken and row is not None}
        assert passed.select("source_row", "claim_id", "region", "delay").rows() == [
            (form.first + n, row["claim_id"].strip(), row["region"], 5) for n, row in written.items()
        ], name
        said = dict(zip(written, passed.cast({"filed_on": pl.String}).iter_rows(named=True), strict=True))
        assert {n: {c: said[n][c] for c in values} for n, values in d.says.items()} == d.says, name
        assert rejected.filter(of_file).select("source_row", "broken", "byte", "raw").rows() == [
            (form.first + n, list(rules), *_place(form, complaints, n, encoding))
            for n, rules in d.broken.items()
        ], name
    if form.records is not None:
        assert found_in_the_bytes(claims, list(paths.values())) == len(rejected) > 20


def _place(form: Carrier, complaints: list[Row | None], n: int, encoding: str) -> tuple[int | None, str]:
    """The byte and the text of one reject."""
    if form.records is None:
        cells = complaints[n] or {}
        return None, " | ".join(text for c in COLUMNS[:5] if (text := cells[c].strip()))
    records = form.records(complaints)
    at = n + form.first - 1  # the header is a record as well, where there is one
    return len(encoded("".join(records[:at]), encoding)), records[at].rstrip("\r\n")
