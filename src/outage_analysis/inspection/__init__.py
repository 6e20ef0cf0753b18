"""A file nobody has seen yet -> what is in it, and the layout page that would read it.

Nothing here is used to read claims: a person reads the proposal, mends it and keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from outage_analysis.datasets import misspelt, nearest
from outage_analysis.incidents import Incident, columns_of
from outage_analysis.ingest import read_unmapped
from outage_analysis.inspection.columns import Column
from outage_analysis.inspection.proposal import layout_page, proposed
from outage_analysis.layouts import Layout, folded
from outage_analysis.placing import temporary_folder
from outage_analysis.privacy import masked
from outage_analysis.warehouse import Warehouse, limits

SHOWN = 5
"""Rows and examples that are shown."""
STRANGERS = {"column": pl.String, "found": pl.String, "rows": pl.Int64, "nearest": pl.String}


@dataclass(frozen=True)
class Inspection:
    """What is in one file.

    `columns` has one row a column of the file: header, column (proposed), reads_as (day, amount, service,
    claimant_type or text), notations, missing (share), distinct, personal (kind, if any) and an example.
    `rows` are the first ones. `strangers` are the services and the claimant types that no alias covers:
    column, found, rows, nearest (alias). Personal data are masked everywhere.
    """

    name: str
    encoding: str
    dialect: str
    records: int
    unreadable: int
    columns: pl.DataFrame
    rows: pl.DataFrame
    strangers: pl.DataFrame
    claimants: int | None
    page: str
    """The layout page, as TOML."""


def inspect_file(path: str | Path, incident: Incident, *, layout: Layout | None = None) -> Inspection:
    """Look into one complaint file.

    Args:
        path: a file of any format that is read.
        incident: what its columns, services and claimant types should be.
        layout: what is known already, such as the sheet of a workbook.

    Raises:
        InputRefused: a file that cannot be read at all.
    """
    path, known = Path(path), layout or Layout()
    known.refuse_foreign(columns_of(incident))
    layout = known.over(incident)
    warehouse = Warehouse()
    with temporary_folder(limits.get().folder) as workspace:
        headers, shape, unit = read_unmapped(warehouse, path, incident, layout, workspace)
    columns = [Column(warehouse, f"c{at}", header, incident) for at, header in enumerate(headers)]
    chosen = proposed(columns, headers, layout, incident)
    names = {at: column for column, at in chosen.items()}
    table = pl.DataFrame(
        [(masked(h), names.get(at), *columns[at].summary()) for at, h in enumerate(headers)],
        schema={
            "header": pl.String,
            "column": pl.String,
            "reads_as": pl.String,
            "notations": pl.String,
            "missing": pl.Float64,
            "distinct": pl.Int64,
            "personal": pl.String,
            "example": pl.String,
        },
        orient="row",
    )
    records, unreadable = warehouse.frame(
        "select (select count(*) from staged) as staged, (select count(*) from unreadable) as unreadable"
    ).row(0)
    claimant = chosen.get("claimant_id")
    return Inspection(
        path.name,
        shape.encoding,
        shape.dialect,
        records,
        unreadable,
        table,
        _first_rows(warehouse, headers),
        _strangers({name: columns[at] for name, at in chosen.items()}, incident),
        columns[claimant].distinct if claimant is not None else None,
        layout_page(path.name, columns, chosen, known, incident, unit),
    )


def _first_rows(warehouse: Warehouse, headers: list[str]) -> pl.DataFrame:
    cells = ", ".join(f"c{at}" for at in range(len(headers)))
    frame = warehouse.frame(f"select source_row, {cells} from staged order by source_row limit {SHOWN}")
    frame.columns = ["row", *(f"{at + 1} {masked(header)}" for at, header in enumerate(headers))]
    return frame.with_columns(pl.col(pl.String).map_elements(masked, return_dtype=pl.String))


def _strangers(chosen: Mapping[str, Column], incident: Incident) -> pl.DataFrame:
    """The texts that name no service or no claimant type, most frequent first, with the nearest alias."""
    rows: list[tuple[str, str, int, str]] = []
    for name, items in (("service", incident.services), ("claimant_type", incident.claimant_types)):
        spellings = {s for item in items for s in item.spellings()}
        aliases = [way for item in items for way in item.written]
        texts = chosen[name].texts.iter_rows() if name in chosen else ()
        strange = [(text, count) for text, count in texts if folded(text) not in spellings]
        rows += [(name, masked(t), count, nearest(t, aliases, misspelt)) for t, count in strange[: 2 * SHOWN]]
    return pl.DataFrame(rows, schema=STRANGERS, orient="row")
