"""Tables of the warehouse that every run has: the view of the claims, and the rows of each input file."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.incidents import Incident
from outage_analysis.text import Column, TableSchema


def create_claims_view(warehouse: Warehouse, incident: Incident) -> None:
    """Create the SQL view `claims`, which users query: all accepted claims with the names of their files.

    The view shows times of filing in the time zone of the incident.
    """
    warehouse.show_times_in(incident.time_zone)
    files = f"[{', '.join(map(quote_literal, file_names(warehouse, 'files')))}]"
    warehouse.view("claims", queries.load("claims", dimensions=dimension_columns(incident), files=files))


def file_names(warehouse: Warehouse, table: str) -> list[str]:
    """Return the names of the input files listed in a table, in the order in which they were read."""
    return warehouse.frame(queries.load("file_names", files=table))["file"].to_list()


def reconciliation_table(warehouse: Warehouse) -> pl.DataFrame:
    """Return how many rows of each input file became claims and rejects: file, rows, claims, rejects."""
    return warehouse.frame(queries.load("reconciliation"))


CONTROL_TOTALS: TableSchema = TableSchema(
    "One row per complaint file: the losses as they were read, to compare with the totals of the sender.",
    (
        Column("file", "data", "Name of the file."),
        Column("stated", "count", "Rows that state a loss."),
        Column("total", "loss", "Sum of the losses."),
        Column("smallest", "loss", "The smallest loss."),
        Column("median", "loss", "The loss in the middle; of an even number the lower one."),
        Column("largest", "loss", "The largest loss."),
        Column("unit", "unit", "Unit of the losses.", label="loss_unit"),
        Column("scale", "decimal", "What an amount of 1 in the file stands for.", label="file_scale"),
    ),
)


def control_totals(
    warehouse: Warehouse,
    incident: Incident,
    files: Mapping[str, Decimal | float],
    *,
    file: str = "file_number",
    amount: str = "loss",
    source: str = "accepted",
) -> pl.DataFrame:
    """Return the columns of `CONTROL_TOTALS` for the claims of a warehouse, or for the rows of one file.

    Args:
        warehouse: the warehouse.
        incident: the incident, which states the unit of the losses.
        files: name of each file -> its scale.
        file: SQL for the number of the file of a row; by default of a claim.
        amount: SQL for the loss of a row.
        source: the table of the rows.
    """
    query = queries.load("control_totals", file=file, amount=amount, source=source)
    found = {number: sums for number, *sums in warehouse.frame(query).rows()}
    nothing = [0, *4 * [None]]
    rows = [
        (name, *found.get(number, nothing), incident.loss.unit, float(scale))
        for number, (name, scale) in enumerate(files.items())
    ]
    return pl.DataFrame(rows, schema=CONTROL_TOTALS.dtypes, orient="row")


def dimension_columns(incident: Incident) -> str:
    """Return the SQL list of the columns that the incident adds (dimensions), each after a comma."""
    return "".join(f", {quote_identifier(d.id)}" for d in incident.dimensions)
