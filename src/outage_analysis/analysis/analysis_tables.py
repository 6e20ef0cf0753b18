"""The tables of an analysis, by attribute with completion and by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from outage_analysis.analysis.schemas import analysis_schema
from outage_analysis.errors import UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.text import TableSchema

CLAIMS, HINDSIGHT = "claims_", "hindsight_"
"""Prefixes of the names of tables computed from claims, and of tables that use later facts."""


class NoSuchTable(UsageError, AttributeError, KeyError):
    """An analysis has no table with the requested name."""


class AnalysisTables(Mapping[str, pl.DataFrame]):
    """The tables of an analysis.

    Each table is an attribute, such as `tables.costs`. Tables computed from claims are attributes of
    `tables.from_claims`, and tables that use facts published after the day of the analysis are attributes of
    `tables.hindsight`. All tables are also available by name, such as `tables["claims_costs"]`.

    Example:
        >>> tables = AnalysisTables({"claims_totals": pl.DataFrame({"expected": [2.5]})})
        >>> tables.from_claims.totals["expected"].to_list()
        [2.5]
    """

    def __init__(self, tables: Mapping[str, pl.DataFrame], prefix: str = "") -> None:
        """Wrap tables by name. A prefix keeps only tables with the prefix, and is cut from their names."""
        self._prefix = prefix
        self._tables = {n.removeprefix(prefix): table for n, table in tables.items() if n.startswith(prefix)}

    @property
    def from_claims(self) -> AnalysisTables:
        """The tables computed from claims or totals."""
        return AnalysisTables(self._tables, CLAIMS)

    @property
    def hindsight(self) -> AnalysisTables:
        """The tables that use facts published after the day of the analysis."""
        return AnalysisTables(self._tables, HINDSIGHT)

    def schema(self, name: str) -> TableSchema:
        """Return the columns of a table with unit and description.

        Raises:
            NoSuchTable: the analysis has no such table.
        """
        self[name]
        return analysis_schema(self._prefix + name)

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return a table by name.

        Raises:
            NoSuchTable: the analysis has no such table.
        """
        if name not in self._tables:
            remedy = (
                spelling_hint(name, list(self._tables)) if self._tables else "It has no tables of this kind."
            )
            raise NoSuchTable("the analysis has no such table", value=name, remedy=remedy)
        return self._tables[name]

    def __getattr__(self, name: str) -> pl.DataFrame:
        if name.startswith("_"):  # no table; copying asks for such names before `_tables` exists
            raise AttributeError(name)
        return self[name]

    def __dir__(self) -> list[str]:
        attributes = (n for n in self._tables if not n.startswith((CLAIMS, HINDSIGHT)))
        return sorted({*super().__dir__(), *attributes})

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __or__(self, other: Mapping[str, pl.DataFrame]) -> AnalysisTables:
        """Return these tables and the tables of `other`, which replace tables with the same name."""
        return AnalysisTables({**self, **other})

    def __repr__(self) -> str:
        return f"AnalysisTables({', '.join(self._tables)})"
