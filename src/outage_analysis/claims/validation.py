"""Validate the rows that the fast path could not accept: parse each cell and check the validation rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.claim_tables import create_claims_view, dimension_columns
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.claims.readers.fast_path import BLANKS, IS_SYNTHETIC, value_sql
from outage_analysis.claims.readers.read_files import StagedFiles, locate_rejects
from outage_analysis.claims.readers.staging import (
    MIN_HEADER_COLUMNS,
    column_types,
    required_columns,
    second_table_error,
    shift_sql,
    typed_columns,
)
from outage_analysis.claims.rules import (
    EXACT_COPY,
    REPEATED_HEADER,
    REPEATED_ID,
    UNREADABLE,
    broken_rules_sql,
)
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import UNIT_PATTERN, Incident, Layout, NamedItem, normalized_name, scale_remedy
from outage_analysis.text import mask_personal_data

NO_ID = (
    r"|[-–—.?*_/]+|n/?a|none|null|nan|unknown|미상|없음|해당 ?없음|익명|비회원"
    r"|계|합계|소계|총계|누계|total|subtotal|sum|grand total"
)
"""Pattern of a lower-case text that is not an id: empty, a word for a missing id, or the label of a total."""


def validate_rows(warehouse: Warehouse, incident: Incident, staged: StagedFiles) -> None:
    """Validate the rows in the table `staged`, and create the tables and views of claims and rejects.

    Creates the tables `validated`, `noted` and `rejects` and the views `accepted` and `claims`.

    The fast path has already accepted the rows of `fast_rows` in which `ok` is true. This function validates
    the other rows, which are in the table `staged` as text.

    Raises:
        InputRefused: a file contains the header of another table between its rows, or a row that states the
            unit of the losses.
    """
    if warehouse.count("staged"):
        warehouse.load("spellings", _known_spellings(warehouse, incident))
        _create_typed(warehouse, incident, staged)
        _check_no_unit_rows(warehouse, staged)
        warehouse.load("headers_again", _repeated_headers(warehouse, incident, staged))
        _apply_rules(warehouse, incident)
    else:  # No row to validate: an empty table saves the time to plan the validation query.
        raw = "".join(
            f", cast(null as varchar) as {quote_identifier('raw_' + d.id)}" for d in incident.dimensions
        )
        query = queries.load("empty_validated", columns=typed_columns(incident), raw_dimensions=raw)
        warehouse.create("validated", query)
    warehouse.create("noted", queries.load("noted"))
    locate_rejects(warehouse, staged)
    warehouse.create("rejects", queries.load("rejects", unreadable=quote_literal(UNREADABLE)))
    types = column_types(incident)
    warehouse.view(
        "accepted",
        queries.load(
            "accepted",
            dimensions=dimension_columns(incident),
            fast_dimensions="".join(
                f", cast({quote_identifier(name)} as {types[name]}) as {quote_identifier(name)}"
                for name in (d.id for d in incident.dimensions)
            ),
            shift=shift_sql("rowid", staged.row_shifts),
            marked=IS_SYNTHETIC,
        ),
    )
    create_claims_view(warehouse, incident)


def _create_typed(warehouse: Warehouse, incident: Incident, staged: StagedFiles) -> None:
    """Create the table `typed`: the cell texts of each row to validate, and the values parsed from them."""
    raw = "".join(
        f", nullif(trim({quote_identifier(d.id)}, $blanks), '') as {quote_identifier('raw_' + d.id)}"
        for d in incident.dimensions
    )
    add_rows = warehouse.create
    for layout, numbers in _files_by_layout(staged.layouts):
        typed = "".join(
            f", {value_sql(d.id, incident, layout)} as {quote_identifier(d.id)}" for d in incident.dimensions
        )
        query = queries.load(
            "typed",
            files=", ".join(numbers),
            filed_on=value_sql("filed_on", incident, layout),
            loss=value_sql("loss", incident, layout),
            raw_dimensions=raw,
            typed_dimensions=typed,
        )
        add_rows("typed", query, blanks=BLANKS, nobody=NO_ID)
        add_rows = warehouse.append


def _apply_rules(warehouse: Warehouse, incident: Incident) -> None:
    """Create the table `validated`: each row, the rules that reject it, and the rules that only count it."""
    counted = ", ".join(quote_literal(rule) for rule, outcome in incident.rules.items() if outcome == "count")
    query = queries.load(
        "validated",
        header_again=quote_literal(REPEATED_HEADER),
        broken=broken_rules_sql(incident, counted=False),
        noted=broken_rules_sql(incident, counted=True),
        dimensions=dimension_columns(incident),
        copy=quote_literal(EXACT_COPY),
        repeated=quote_literal(REPEATED_ID),
        counted=f"cast([{counted}] as varchar[])",
    )
    warehouse.create("validated", query, negative=incident.loss.negative)


def _files_by_layout(layouts: Sequence[Layout]) -> list[tuple[Layout, list[str]]]:
    """Group the numbers of the input files by layout (how columns map to those of a claim).

    Most runs have a single layout.
    """
    groups: list[tuple[Layout, list[str]]] = []
    for number, layout in enumerate(layouts):
        same = next((numbers for other, numbers in groups if other == layout), None)
        if same is None:
            groups.append((layout, same := []))
        same.append(str(number))
    return groups


def _known_spellings(warehouse: Warehouse, incident: Incident) -> pl.DataFrame:
    """Return the spellings of known services and claimant types that occur in the rows to validate.

    The columns are `list` (service or claimant_type), `raw` (the spelling) and `id`.
    """
    lists: dict[str, tuple[NamedItem, ...]] = {
        "service": incident.services,
        "claimant_type": incident.claimant_types,
    }
    ids = {c: {spelling: x.id for x in named for spelling in x.spellings()} for c, named in lists.items()}
    spellings = warehouse.frame(queries.load("spellings_found"), blanks=BLANKS)
    rows = [
        (c, raw, ids[c][normalized_name(raw)])
        for c, raw in spellings.iter_rows()
        if normalized_name(raw) in ids[c]
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(("list", "raw", "id"), pl.String), orient="row")


def _repeated_headers(warehouse: Warehouse, incident: Incident, staged: StagedFiles) -> pl.DataFrame:
    """Return the rows that repeat the header of their file, as file_number and source_row.

    Headers are repeated if several exports were concatenated into one file.

    Raises:
        InputRefused: a row contains the headers of the file in a different order, so that another table
            begins there.
    """
    columns = required_columns(incident)
    header_words = {s for layout in staged.layouts for c in columns for s in layout.spellings(c)}
    repeated = []
    for number, row, *texts in _rows_with_header_words(warehouse, columns, header_words):
        spellings = staged.layouts[number].spellings
        matches = [
            (c, normalized_name(t))
            for c, t in zip(columns, texts, strict=True)
            if t and normalized_name(t) in header_words
        ]
        if len(matches) < MIN_HEADER_COLUMNS:
            continue
        if not all(word in spellings(column) for column, word in matches):
            raise second_table_error(staged.inputs[number].name, row)
        repeated.append((number, row))
    keys = {"file_number": pl.Int64, "source_row": pl.Int64}
    return pl.DataFrame(repeated, schema=keys, orient="row")


def _check_no_unit_rows(warehouse: Warehouse, staged: StagedFiles) -> None:
    """Raise an error if a row has a unit such as 만원 instead of a loss, and the layout gives no scale."""
    for number, row, text in warehouse.frame(queries.load("unit_texts")).iter_rows():
        if UNIT_PATTERN.search(text.strip()) and "loss" not in staged.layouts[number].scale:
            raise InputRefused(
                "says a unit among its losses",
                file=staged.inputs[number].name,
                row=row,
                column="loss",
                value=mask_personal_data(text),
                remedy=scale_remedy(text),
            )


def _rows_with_header_words(
    warehouse: Warehouse, columns: Sequence[str], header_words: set[str]
) -> list[tuple[Any, ...]]:
    """Return the rows to validate that repeat a column header in a cell: file number, row number, cells.

    Only cells for service, claimant type, day and loss that could not be read as a value are searched.
    """
    texts = warehouse.frame(queries.load("unread_texts")).drop_nulls()
    matches = texts.filter([normalized_name(text) in header_words for text in texts["raw"]])
    if matches.is_empty():
        return []
    warehouse.load("_header_words", matches)
    cells = ", ".join(f"staged.{quote_identifier(c)}" for c in columns)
    return warehouse.frame(queries.load("header_rows", cells=cells)).rows()
