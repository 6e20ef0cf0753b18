"""Rows -> claims and rejects: what each staged text says, and the rules that it breaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.claims_and_rejects import dimension_columns, view_claims
from outage_analysis.claims.queries import literal, quoted
from outage_analysis.claims.readers.fast_path import BLANKS, MARKED, value_sql
from outage_analysis.claims.readers.read_files import Staged, locate
from outage_analysis.claims.readers.staging import ANOTHER_TABLE, another_table, needed, typed_columns
from outage_analysis.claims.readers.typed_rows import shift_sql
from outage_analysis.claims.rules import COPY, HEADER_AGAIN, REPEATED, UNREADABLE, broken_sql
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import UNIT_PATTERN, Incident, Layout, NamedItem, normalized_name, scale_remedy
from outage_analysis.text import mask_personal_data

NOBODY = (
    r"|[-–—.?*_/]+|n/?a|none|null|nan|unknown|미상|없음|해당 ?없음|익명|비회원"
    r"|계|합계|소계|총계|누계|total|subtotal|sum|grand total"
)
"""What stands where an id should, in small letters: nothing, a word for nobody, or that of a total."""


def judge(warehouse: Warehouse, incident: Incident, staged: Staged) -> None:
    """Fill `judged`, `noted` and `rejects`, and define `accepted` and `claims`.

    Rows typed at first sight are claims where they are `ok`; the others are staged as texts and judged here.

    Raises:
        InputRefused: the header of another table in the middle of a file.
    """
    if warehouse.count("staged"):
        warehouse.load("spellings", _spellings(warehouse, incident))
        _type(warehouse, incident, staged)
        _refuse_unit_rows(warehouse, staged)
        warehouse.load("headers_again", _headers_again(warehouse, incident, staged))
        _apply_rules(warehouse, incident)
    else:  # the engine takes long to plan for nothing
        raw = "".join(f", cast(null as varchar) as {quoted('raw_' + d.id)}" for d in incident.dimensions)
        query = queries.load("nothing_judged", columns=typed_columns(incident), raw_dimensions=raw)
        warehouse.create("judged", query)
    warehouse.create("noted", queries.load("noted"))
    locate(warehouse, staged)
    warehouse.create("rejects", queries.load("rejects", unreadable=literal(UNREADABLE)))
    warehouse.view(
        "accepted",
        queries.load(
            "accepted",
            dimensions=dimension_columns(incident),
            passed_dimensions="".join(
                f", cast({quoted(d.id)} as {'bigint' if d.kind == 'number' else 'varchar'}) as {quoted(d.id)}"
                for d in incident.dimensions
            ),
            shift=shift_sql("rowid", staged.steps),
            marked=MARKED,
        ),
    )
    view_claims(warehouse, incident)


def _type(warehouse: Warehouse, incident: Incident, staged: Staged) -> None:
    """Fill `typed`: each complaint's texts, and what they stand for in the notations of its file."""
    raw = "".join(
        f", nullif(trim({quoted(d.id)}, $blanks), '') as {quoted('raw_' + d.id)}" for d in incident.dimensions
    )
    fill = warehouse.create
    for layout, numbers in _by_layout(staged.layouts):
        typed = "".join(
            f", {value_sql(d.id, incident, layout)} as {quoted(d.id)}" for d in incident.dimensions
        )
        query = queries.load(
            "typed",
            files=", ".join(numbers),
            filed_on=value_sql("filed_on", incident, layout),
            loss=value_sql("loss", incident, layout),
            raw_dimensions=raw,
            typed_dimensions=typed,
        )
        fill("typed", query, blanks=BLANKS, nobody=NOBODY)
        fill = warehouse.append


def _apply_rules(warehouse: Warehouse, incident: Incident) -> None:
    """Fill `judged`: each staged complaint with the rules that it breaks, and those that are only counted."""
    counted = ", ".join(literal(rule) for rule, outcome in incident.rules.items() if outcome == "count")
    query = queries.load(
        "judged",
        header_again=literal(HEADER_AGAIN),
        broken=broken_sql(incident, counted=False),
        noted=broken_sql(incident, counted=True),
        dimensions=dimension_columns(incident),
        copy=literal(COPY),
        repeated=literal(REPEATED),
        counted=f"cast([{counted}] as varchar[])",
    )
    warehouse.create("judged", query, negative=incident.loss.negative)


def _by_layout(layouts: Sequence[Layout]) -> list[tuple[Layout, list[str]]]:
    """Each different layout with the numbers of its files: most runs have one."""
    found: list[tuple[Layout, list[str]]] = []
    for number, layout in enumerate(layouts):
        same = next((numbers for other, numbers in found if other == layout), None)
        if same is None:
            found.append((layout, same := []))
        same.append(str(number))
    return found


def _spellings(warehouse: Warehouse, incident: Incident) -> pl.DataFrame:
    """Every distinct raw spelling that an alias covers, with the id it stands for."""
    lists: dict[str, tuple[NamedItem, ...]] = {
        "service": incident.services,
        "claimant_type": incident.claimant_types,
    }
    ids = {c: {spelling: x.id for x in named for spelling in x.spellings()} for c, named in lists.items()}
    found = warehouse.frame(queries.load("spellings_found"), blanks=BLANKS)
    rows = [
        (c, raw, ids[c][normalized_name(raw)])
        for c, raw in found.iter_rows()
        if normalized_name(raw) in ids[c]
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(("list", "raw", "id"), pl.String), orient="row")


def _headers_again(warehouse: Warehouse, incident: Incident, staged: Staged) -> pl.DataFrame:
    """The rows that repeat their file's header, as merged exports do: file_number, source_row.

    Raises:
        InputRefused: a row that is the header of another table, with other columns in the same places.
    """
    columns = needed(incident)
    words = {s for layout in staged.layouts for c in columns for s in layout.spellings(c)}
    found = []
    for number, row, *texts in _unreadable_rows(warehouse, columns, words):
        spellings = staged.layouts[number].spellings
        said = [
            (c, normalized_name(t))
            for c, t in zip(columns, texts, strict=True)
            if t and normalized_name(t) in words
        ]
        if len(said) < ANOTHER_TABLE:
            continue
        if not all(word in spellings(column) for column, word in said):
            raise another_table(staged.inputs[number].name, row)
        found.append((number, row))
    keys = {"file_number": pl.Int64, "source_row": pl.Int64}
    return pl.DataFrame(found, schema=keys, orient="row")


def _refuse_unit_rows(warehouse: Warehouse, staged: Staged) -> None:
    """Refuse a file that says its unit in a row of its own, unless the layout says the scale."""
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


def _unreadable_rows(warehouse: Warehouse, columns: Sequence[str], words: set[str]) -> list[tuple[Any, ...]]:
    """The staged rows in which a column that must mean something holds a word of a header instead."""
    texts = warehouse.frame(queries.load("unread_texts")).drop_nulls()
    named = texts.filter([normalized_name(text) in words for text in texts["raw"]])
    if named.is_empty():
        return []
    warehouse.load("_header_words", named)
    cells = ", ".join(f"staged.{quoted(c)}" for c in columns)
    return warehouse.frame(queries.load("header_rows", cells=cells)).rows()
