"""Grouped losses: counts of losses in bands, and what is known about losses beyond the outer edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

import numpy as np
from pydantic import Field, model_validator

from outage_analysis.errors import InputRefused, ModelRefused, OutageAnalysisError, UsageError
from outage_analysis.files import Document, Identifier, Name, OptionalText, Text, read_document
from outage_analysis.text import ShortRepr

Top = Literal["open", "closed", "truncated"]
Left = Literal["ground_up", "truncated"]
MIN_EDGE, MAX_EDGE = 1e-100, 1e100
"""The range of edges other than 0 and infinity."""


@dataclass(frozen=True, repr=False)
class GroupedLosses(ShortRepr):
    """Counts of losses in the bands between successive edges; `grouped_losses` makes and checks them.

    Args:
        edges: k + 1 increasing edges from 0 on, in the unit of the losses. The last edge is infinite if the
            top is open.
        counts: the number of losses in each of the k bands.
        top: what is known about losses above the last edge. `open`: the last band extends to infinity,
            whatever its edge is. `closed`: losses above the last edge would have been counted, and there
            happened to be none. `truncated`: losses above the last edge could not be observed.
        left: what is known about losses below the first edge. `ground_up`: all losses above 0 were counted.
            `truncated`: losses up to the first edge could not be observed.
        synthetic: whether the losses are synthetic; a fit then only recovers the generator's parameters.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    top: Top
    left: Left = "ground_up"
    synthetic: bool = False

    def __post_init__(self) -> None:
        """Raise an error if the counts say nothing about a distribution."""
        if not self.n:
            raise InputRefused("all bands are empty", remedy="Give counts of losses.")
        if self.n in self.counts:
            where = "the open band" if self.top == "open" and self.counts[-1] else "one band"
            raise ModelRefused(
                f"all {self.n:,} losses are in {where}: nothing says how they spread",
                remedy="Give narrower bands.",
            )

    @property
    def n(self) -> int:
        """The number of losses."""
        return sum(self.counts)

    @property
    def median(self) -> float:
        """The median loss, interpolated linearly within its band."""
        shares = np.cumsum(self.counts) / self.n
        band = int(np.searchsorted(shares, 0.5))
        low, high = self.edges[band : band + 2]
        if high == inf:
            return 2 * low or 1.0
        before = shares[band - 1] if band else 0.0
        return float(low + (high - low) * (0.5 - before) / (shares[band] - before)) or high

    @property
    def observable(self) -> tuple[float, float]:
        """The smallest and largest observable loss: 0 and infinity, unless an end is truncated."""
        first = self.edges[0] if self.left == "truncated" else 0.0
        return first, self.edges[-1] if self.top == "truncated" else inf


def grouped_losses(
    edges: Sequence[float], counts: Sequence[float], top: str, left: str, *, synthetic: bool = False
) -> GroupedLosses:
    """Make grouped losses from edges and counts in any sequence of numbers, such as a list or an array.

    Raises:
        UsageError: values are not numbers, the edges are invalid, the counts do not match the edges, or
            `top` or `left` is unknown.
        InputRefused: a count is not a whole number from 0 on, or all counts are 0.
        ModelRefused: all losses are in one band.
    """
    ends, numbers = _numbers(edges, "edges"), _numbers(counts, "counts")
    for name, value, known in (("top", top, get_args(Top)), ("left", left, get_args(Left))):
        if value not in known:
            raise UsageError(
                f"{name} says what lies beyond the edges", value=value, remedy=f"Known: {', '.join(known)}."
            )
    for number, count in enumerate(numbers, 1):
        if not (isfinite(count) and count >= 0 and count == int(count)):
            raise InputRefused(f"count {number} is not a whole number from 0 on", value=count)
    if not all(low < high for low, high in pairwise(ends)):
        raise UsageError("edges do not increase", value=ends, remedy="Give k + 1 edges for k counts.")
    if ends and ends[0] < 0:
        raise UsageError("a loss cannot be negative", value=ends[0], remedy="Begin with an edge from 0 on.")
    if not numbers or len(numbers) != len(ends) - 1:
        raise UsageError(
            f"{len(numbers)} counts do not fit {max(len(ends) - 1, 0)} bands",
            remedy="Give k + 1 edges for k counts.",
        )
    extreme = next((e for e in ends if e and isfinite(e) and not MIN_EDGE <= e <= MAX_EDGE), None)
    if extreme is not None:
        raise UsageError(
            "an edge is too small or too large to compute with", value=extreme, remedy="Use another unit."
        )
    if top == "open":
        ends = (*ends[:-1], inf)
    elif ends[-1] == inf:
        raise UsageError(
            f"a {top} top needs a last edge that is finite",
            value=inf,
            remedy="Say that the top is open, or end the last band.",
        )
    whole = tuple(map(int, numbers))
    return GroupedLosses(ends, whole, top, left, synthetic)  # type: ignore[arg-type] # checked above


def _numbers(values: Sequence[float], name: str) -> tuple[float, ...]:
    try:
        return tuple(float(v) for v in values)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} are not numbers", value=values) from error


class GroupedLossesDocument(Document):
    """A TOML document with grouped losses from a publication: edges, counts and sources."""

    id: Identifier
    """The identifier that commands accept."""
    name: Name
    """The name in reports and charts."""
    unit: Text
    """The unit of the edges."""
    edges: tuple[Annotated[float, Field(ge=0)], ...]
    """The increasing band edges, one more than counts; the last may be inf."""
    counts: tuple[Annotated[int, Field(ge=0)], ...]
    """The number of losses in each band."""
    top: Top
    """open: the last band has no upper end; closed: no loss was above the last edge; truncated: losses above
    the last edge could not be observed."""
    left: Left = "ground_up"
    """ground_up: all losses above 0 were counted; truncated: losses up to the first edge could not be
    observed."""
    note: OptionalText = None
    """A note on the origin of the table; it is printed below the charts."""
    sources: tuple[str, ...] = Field(min_length=1)
    """Where the table is printed."""

    @model_validator(mode="after")
    def _is_a_table(self) -> Self:
        try:
            grouped_losses(self.edges, self.counts, self.top, self.left)
        except OutageAnalysisError as error:
            raise ValueError(f"is no table of losses: {error.problem}") from error
        return self


def load_grouped(id_or_path: str | Path) -> GroupedLossesDocument:
    """Read a TOML document with grouped losses, by bundled id or by path."""
    return read_document(GroupedLossesDocument, "grouped", id_or_path)
