"""How every result answers its reader: sentences and tables in one language, and everything as JSON."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from outage_analysis.text.likely_range import LikelyRange
from outage_analysis.text.locale import Locale
from outage_analysis.text.table_schema import TableSchema


@dataclass(frozen=True)
class ShownTable:
    """A table to show below its title; amounts are in the smallest unit of the currency."""

    title: str
    rows: pl.DataFrame
    schema: TableSchema | None = None
    """The columns to show and their units; without it, all columns are shown with the numbers as they are."""


@dataclass(frozen=True)
class Answer:
    """What a reader is told in one language: the answer in sentences, then tables with notes below them."""

    locale: Locale
    """The language of column heads and words, and the units of the amounts in the tables."""
    sentences: Sequence[str] = ()
    tables: Iterable[ShownTable | str] = ()
    """Tables and notes, in the order in which they are read."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Display name by id."""
    option_note: str = ""
    """What a further option of the command would add."""
    card_notes: Iterable[str] = ()
    """What a notebook shows below the sentences and the first tables."""


class Result(ABC):
    """A result that the command line prints and a notebook can show."""

    def warnings(self, lang: str) -> list[str]:  # noqa: ARG002 - for results with inputs to warn of
        """Return sentences on the inputs, such as how many rows were rejected."""
        return []

    @abstractmethod
    def answer(self, lang: str = "en") -> Answer:
        """Return the answer in a language."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, with amounts in the smallest unit of the currency."""


def synthetic_mark(locale: Locale, *, synthetic: bool) -> str:
    """Return the mark before a text or title that is computed from synthetic claims; empty for others."""
    return locale("terminal.synthetic_prefix") if synthetic else ""


def shown_tables(
    tables: Mapping[str, pl.DataFrame],
    schemas: Mapping[str, TableSchema],
    titled: str,
    locale: Locale,
    mark: str = "",
) -> Iterator[ShownTable]:
    """Yield the tables that have at least one row, in the order of their schemas.

    The columns of the likely range are named after its ends: p10, not range_low.

    Args:
        tables: the tables by name.
        schemas: their columns.
        titled: the beginning of the keys of the titles, such as `terminal.compare_`.
        locale: the language of the titles.
        mark: a text before each title, such as the mark of synthetic claims.
    """
    measures = LikelyRange(locale.level).column_measures
    for name, schema in schemas.items():
        table = tables.get(name)
        if table is not None and not table.is_empty():
            title = f"{mark}{locale(titled + name)}"
            yield ShownTable(title, table.rename(measures, strict=False), schema.renamed(measures))
