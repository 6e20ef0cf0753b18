"""Every reader offers the same: all rows, chosen rows, and a count that does not come from DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from outage_analysis import load_incident, read_claims
from outage_analysis.claims.readers.expected_table import ExpectedTable, required_columns
from outage_analysis.claims.readers.read_files import JSON, TEXTS, WORKBOOKS, open_file
from outage_analysis.claims.readers.source_file import OpenedFile, RowNumbers
from outage_analysis.claims.readers.typed_rows import RowTyping, TypedRows, create_text_tables, store_texts
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.incidents import Incident, Layout
from tests.claims.complaint_files import write_frame
from tests.contract.damaged_files.container_kinds import open_document

if TYPE_CHECKING:
    from pathlib import Path

HEADER = ("claim_id", "service", "claimant_type", "filed_on", "loss")
ROWS: list[tuple[str, ...]] = [(str(n), "카톡", "개인", "2022-10-19", str(1_000 * n)) for n in range(1, 8)]
SUFFIXES = (*TEXTS, ".parquet", *WORKBOOKS)
WITHOUT_ENGINE = (*WORKBOOKS, *JSON)
"""The suffixes of files that DuckDB does not read."""


@pytest.fixture(scope="module")
def incident() -> Incident:
    """The bundled incident without dimensions."""
    return load_incident("kakao-2022").model_copy(update={"dimensions": ()})


def write(path: Path, rows: list[tuple[str, ...]]) -> None:
    """Write rows in the format of the suffix of a path."""
    frame = pl.DataFrame(rows, schema=HEADER, orient="row")
    match path.suffix:
        case ".ods":
            path.write_bytes(open_document([HEADER, *rows]))
        case ".json":
            frame.write_json(path)
        case suffix:
            write_frame(path, frame, separator="\t" if suffix == ".tsv" else ",")


def opened(path: Path, incident: Incident, warehouse: Warehouse) -> OpenedFile:
    """Open a file for a warehouse that has empty tables of texts."""
    create_text_tables(warehouse, (*required_columns(incident), "claimant_id", "synthetic"))
    table = ExpectedTable(0, path.name, Layout().merged_over(incident), incident)
    return open_file(table, path, path.suffix, warehouse, path.parent)


def stored(warehouse: Warehouse) -> list[tuple[str, ...]]:
    """Return the rows in `text_rows`, in the order of the file."""
    return warehouse.frame("from text_rows").sort("source_row").select(HEADER).rows()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_reads_all_rows_and_chosen_rows_alike(
    tmp_path: Path, incident: Incident, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    write(path, ROWS)
    warehouse = Warehouse()
    file, _ = opened(path, incident, warehouse)
    assert set(file.columns) == set(HEADER)
    counted = file.row_numbers()
    assert store_texts(warehouse, file) == 0
    assert stored(warehouse) == ROWS
    numbers = warehouse.frame("from text_rows")["source_row"].sort().to_list()
    first = 2 if suffix in (".csv", ".tsv", ".txt", *WORKBOOKS) else 1
    assert numbers == [*range(first, first + len(ROWS))]
    if suffix in WITHOUT_ENGINE:
        assert counted is None
    else:
        assert counted is not None
        assert (counted.first, counted.rows, [*counted.uneven]) == (first, len(ROWS), [])
    chosen = Warehouse()
    create_text_tables(chosen, (*HEADER, "claimant_id", "synthetic"))
    store_texts(chosen, file, np.array([numbers[1], numbers[4]]))
    assert stored(chosen) == [ROWS[1], ROWS[4]]


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix not in WITHOUT_ENGINE])
def test_a_file_whose_rows_are_counted_differently_is_read_as_text(
    tmp_path: Path, incident: Incident, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"a{suffix}"
    write(path, ROWS)
    warehouse = Warehouse()
    (file, source), typing = opened(path, incident, warehouse), RowTyping(warehouse, incident)
    assert source is not None
    monkeypatch.setattr(type(file), "row_numbers", lambda _: RowNumbers(1, len(ROWS) + 1))
    assert typing.type_rows(file, source) is None
    assert warehouse.count("typed_rows") == 0
    monkeypatch.undo()
    typed = typing.type_rows(file, source)
    assert isinstance(typed, TypedRows)
    assert typed.row_numbers == file.row_numbers()
    assert warehouse.count("typed_rows") == len(ROWS)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_only_the_tables_of_the_result_remain(tmp_path: Path, incident: Incident, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write(path, [*ROWS, ("8", "카톡", "개인", "never", "5")])
    claims = read_claims(path, incident, max_rejects=1)
    names = claims.warehouse.frame("select table_name as name from duckdb_tables()")["name"].sort().to_list()
    assert names == ["checked_rows", "files", "noted", "rejects", "typed_rows", "unreadable"]
    views = claims.warehouse.frame("select view_name as name from duckdb_views() where not internal")["name"]
    assert views.sort().to_list() == ["accepted", "claims", "exact_claims"]
    assert claims.files.select("rows", "claims", "rejects").rows() == [(8, 7, 1)]
