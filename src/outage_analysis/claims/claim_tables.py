"""Tables of the warehouse that every run has: the view of the claims, and the rows of each input file."""

from __future__ import annotations

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.incidents import Incident


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


def dimension_columns(incident: Incident) -> str:
    """Return the SQL list of the columns that the incident adds (dimensions), each after a comma."""
    return "".join(f", {quote_identifier(d.id)}" for d in incident.dimensions)
