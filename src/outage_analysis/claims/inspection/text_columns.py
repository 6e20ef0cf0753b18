"""Read all columns of a complaint file as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from outage_analysis.claims import queries
from outage_analysis.claims.inspection.columns import Column
from outage_analysis.claims.queries import quote_identifier
from outage_analysis.claims.readers.read_files import read_unmapped
from outage_analysis.claims.resource_limits import limits
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.files import temporary_folder
from outage_analysis.incidents import Incident, Layout
from outage_analysis.text import day_sql


@dataclass(frozen=True)
class TextColumns:
    """A complaint file whose columns are stored as text."""

    file: str
    warehouse: Warehouse
    headers: list[str]

    @classmethod
    def read(cls, path: Path, incident: Incident) -> TextColumns:
        """Read all columns of a file as text."""
        warehouse = Warehouse()
        with temporary_folder(limits.get().folder) as workspace:
            file_format, _ = read_unmapped(warehouse, path, incident, layout_of(incident), workspace)
        return cls(path.name, warehouse, list(file_format.headers))

    def columns(self, incident: Incident) -> list[Column]:
        """Describe the columns under an incident, which defines names, currency and claims window."""
        columns = [
            Column(self.warehouse, f"c{at}", header, incident) for at, header in enumerate(self.headers)
        ]
        for column in columns:  # The scale that the caller states replaces those in headers.
            column.scale = Decimal(str(incident.scale.get("loss", column.scale)))
        return columns

    def first_and_last_day(self, position: int, formats: Sequence[str], incident: Incident) -> list[date]:
        """Return the first and the last day of a column, over all rows; [] if no value is a day.

        If two formats read a value as different days, both days count.
        """
        column, days = quote_identifier(f"c{position}"), list[date]()
        for name in formats:
            query = queries.load("first_and_last_day", day=day_sql(column, [name], incident.time_zone))
            days += [day for day in self.warehouse.frame(query).row(0) if day is not None]
        return [min(days), max(days)] if days else []


def layout_of(incident: Incident) -> Layout:
    """Return the layout that an incident describes."""
    return Layout().merged_over(incident)
