"""Whether the row that was taken for a header is a complaint."""

from __future__ import annotations

import polars as pl

from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Incident
from outage_analysis.inspection.columns import Column
from outage_analysis.layouts import folded
from outage_analysis.privacy import found


def holds_a_complaint(columns: list[Column], incident: Incident, *, file: str, row: int | None) -> bool:
    """Whether a file has no header: whether the cells of its header are like those below.

    A day above days and a phone number are never a header. An amount above amounts may be one, such as a
    year, and so may the name of a service.

    Args:
        columns: the columns, as they are below the supposed header.
        incident: the names of services and claimant types.
        file: the name of the file, for an error.
        row: the row of the supposed header; None where names of columns are no row, as in Parquet.

    Raises:
        InputRefused: some cells are like those below and others are not.
    """
    headers = pl.Series([column.header for column in columns], dtype=pl.String)
    if found(headers) or any(c.header_is_clear_day for c in columns if not c.rows):
        return True
    names = {
        "service": {s for item in incident.services for s in item.spellings()},
        "claimant_type": {s for item in incident.claimant_types for s in item.spellings()},
    }
    like: dict[str, list[bool]] = {"day": [], "amount": [], "service": [], "claimant_type": []}
    for column in columns:
        kind = column.reads_as
        if kind in like and column.header:
            alike = folded(column.header) in names[kind] if kind in names else column.header_is(kind)
            like[kind].append(alike)
    if any(like["day"]):
        return True
    typed, named = like["day"] + like["amount"], like["service"] + like["claimant_type"]
    if not any(typed) and (typed or not any(named)):  # "channel" is a service, and a word for a header too
        return False
    if (all(typed + named) and typed) or row is None:
        return row is not None
    raise InputRefused(
        "has a first row that may be a header or a complaint",
        file=file,
        row=row,
        remedy=f"Write header_row = 0 (no header) or header_row = {row} into a layout page and give it by "
        "--columns.",
    )
