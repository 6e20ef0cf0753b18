"""Grouped losses as a TOML page: a table that somebody printed, with where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from outage_analysis.datasets import Identifier, Name, Noun, Remark, Text
from outage_analysis.errors import OutageAnalysisError
from outage_analysis.pages import read_noun
from outage_analysis.severity.grouped import Grouped, Left, Top


class GroupedPage(Noun):
    """Counts of losses between edges, what lies beyond the ends, and the source."""

    id: Identifier
    """What commands call it by."""
    name: Name
    """What readers call it."""
    unit: Text
    """The unit of the edges."""
    edges: tuple[Annotated[float, Field(ge=0)], ...]
    """Increasing; one more than there are counts; the last may be inf."""
    counts: tuple[Annotated[int, Field(ge=0)], ...]
    """Losses in each band."""
    top: Top
    """open: the last band has no end; closed: none was above the last edge; truncated: none could be seen."""
    left: Left = "ground_up"
    """ground_up: losses were counted from nothing on; truncated: none up to the first edge could be seen."""
    note: Remark = None
    """Where the table is from, in words; it stands under the charts."""
    sources: tuple[str, ...] = Field(min_length=1)
    """Where the table is printed."""

    @model_validator(mode="after")
    def _is_a_table(self) -> Self:
        try:
            Grouped.of(self.edges, self.counts, self.top, self.left)
        except OutageAnalysisError as error:
            raise ValueError(f"is no table of losses: {error.problem}") from error
        return self


def load_grouped(id_or_path: str | Path) -> GroupedPage:
    """Read a table of grouped losses, from its bundled id or from a path to TOML."""
    return read_noun(GroupedPage, "grouped", id_or_path)
