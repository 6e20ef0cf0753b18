"""Grouped losses: counts of losses in bands, and what is known about losses beyond the outer edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from outage_analysis.errors import InputRefused, ModelRefused, OutageAnalysisError, UsageError
from outage_analysis.files import Document, Identifier, Name, OptionalText, Text, read_document
from outage_analysis.losses.severity.families import Array, Family, share_differences
from outage_analysis.text import ShortRepr

Top = Literal["open", "closed", "truncated"]
Left = Literal["ground_up", "truncated"]
MIN_EDGE, MAX_EDGE = 1e-100, 1e100
"""The range of edges other than 0 and infinity."""
MIN_SPARE_BANDS = 1
"""A fit needs at least as many non-empty bands as it has parameters plus this number."""


@dataclass(frozen=True, repr=False)
class GroupedLosses(ShortRepr):
    """Counts of losses in the bands between successive edges: k + 1 edges for k counts.

    Args:
        edges: increasing edges from 0 on, in the unit of the losses; the last may be infinite.
        counts: the number of losses in each band.
        top: what is known about losses above the last edge. `open`: the last band extends to infinity,
            whatever its edge is. `closed`: losses above the last edge would have been counted, and there
            happened to be none. `truncated`: losses above the last edge could not be observed.
        left: what is known about losses below the first edge. `ground_up`: all losses above 0 were counted.
            `truncated`: losses up to the first edge could not be observed.
        synthetic: whether the losses are synthetic; a fit then only recovers the generator's parameters.

    Raises:
        UsageError: the edges are invalid, the counts do not match the edges, or `top` or `left` is unknown.
        InputRefused: all counts are 0.
        ModelRefused: all losses are in one band.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    top: Top
    left: Left
    synthetic: bool = False

    def __post_init__(self) -> None:
        """Check the edges and counts, and raise an error if no distribution can be fitted to them."""
        _check_conventions(self.top, self.left)
        _check_edges(self.edges, self.top)
        _check_counts(self.counts, len(self.edges) - 1)
        filled = [i for i, n in enumerate(self.counts) if n]
        if len(filled) == 1:
            open_top = self.top == "open" and filled[0] == len(self.counts) - 1
            where = "the open band" if open_top else "one band"
            raise ModelRefused(
                f"all {self.n:,} losses are in {where}: nothing says how they spread",
                remedy="Give narrower bands.",
            )

    @classmethod
    def from_numbers(
        cls,
        edges: Sequence[float],
        counts: Sequence[float],
        top: str,
        left: str,
        *,
        synthetic: bool = False,
    ) -> GroupedLosses:
        """Make grouped losses from edges and counts in any sequence of numbers, such as a list or an array.

        Raises:
            UsageError: values are not numbers, the edges are invalid, the counts do not match the edges, or
                `top` or `left` is unknown.
            InputRefused: a count is not a whole number from 0 on, or all counts are 0.
            ModelRefused: all losses are in one band.
        """
        raw_edges, raw_counts = _numbers(edges, "edges"), _numbers(counts, "counts")
        for i, count in enumerate(raw_counts):
            if not (np.isfinite(count) and count >= 0 and count == int(count)):
                raise InputRefused(f"count {i + 1} is not a whole number from 0 on", value=count)
        whole = tuple(int(c) for c in raw_counts)
        return cls(raw_edges, whole, top, left, synthetic)  # type: ignore[arg-type] # __post_init__ checks them

    @property
    def n(self) -> int:
        """The number of losses."""
        return sum(self.counts)

    @cached_property
    def fitted_edges(self) -> Array:
        """The band edges that the likelihood uses: if the last band is open, its upper edge is infinite."""
        edges = np.array(self.edges)
        if self.top == "open":
            edges[-1] = np.inf
        return edges

    @cached_property
    def unit(self) -> float:
        """The median loss, interpolated linearly within its band. Fits use losses divided by this unit."""
        shares = np.cumsum(self.counts) / self.n
        band = int(np.searchsorted(shares, 0.5))
        low, high = self.edges[band], self.fitted_edges[band + 1]
        if not np.isfinite(high):
            return 2 * low if low > 0 else 1.0
        before = shares[band - 1] if band else 0.0
        inner = low + (high - low) * (0.5 - before) / (shares[band] - before)
        return float(inner) if inner > 0 else float(high)

    @cached_property
    def _in_units(self) -> Array:
        return self.fitted_edges / self.unit

    @cached_property
    def _weights(self) -> tuple[NDArray[np.bool_], Array]:
        counts = np.array(self.counts)
        return counts > 0, counts[counts > 0] / self.n

    def check_enough_bands(self, family: Family) -> None:
        """Raise ModelRefused if a family has too many parameters for the number of non-empty bands."""
        filled, needed = sum(n > 0 for n in self.counts), len(family.params) + MIN_SPARE_BANDS
        if filled < needed:
            raise ModelRefused(
                f"{filled} bands hold losses, and the {family.name} distribution has {len(family.params)} "
                f"parameters: it needs {needed}",
                remedy="Give narrower bands, or a family with fewer parameters.",
            )

    def probabilities(self, family: Family, params: Array) -> Array:
        """The probability of each of k bands under m sets of parameters (m, p), as an array (m, k).

        The scale parameter is in units of `unit`. If an end is truncated, probabilities are conditional on
        the observable range.
        """
        scale, shapes = family.split(params)
        with np.errstate(all="ignore"):
            below, above = family.kernel.sides(self._in_units / scale, *shapes)
            shares = share_differences(below, above)
            if self.top == "truncated" and self.left == "truncated":
                observable = shares.sum(axis=-1, keepdims=True)
            elif self.top == "truncated":
                observable = below[..., -1:]
            else:
                observable = above[..., :1] if self.left == "truncated" else np.ones(1)
            return np.asarray(shares / observable)

    def loglik(self, family: Family, params: Array) -> Array:
        """The mean log-likelihood per loss under m sets of parameters (m, p), as (m,); -inf if not finite."""
        filled, weights = self._weights
        with np.errstate(all="ignore"):
            value = np.log(self.probabilities(family, params)[..., filled]) @ weights
        return np.asarray(np.where(np.isfinite(value), value, -np.inf))


def _numbers(values: Sequence[float], name: str) -> tuple[float, ...]:
    try:
        return tuple(float(v) for v in values)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} are not numbers", value=values) from error


def _check_conventions(top: str, left: str) -> None:
    for name, value, known in (("top", top, get_args(Top)), ("left", left, get_args(Left))):
        if value not in known:
            raise UsageError(
                f"{name} says what lies beyond the edges", value=value, remedy=f"Known: {', '.join(known)}."
            )


def _check_edges(edges: tuple[float, ...], top: Top) -> None:
    if not all(low < high for low, high in pairwise(edges)):
        raise UsageError("edges do not increase", value=edges, remedy="Give k + 1 edges for k counts.")
    if edges and edges[0] < 0:
        raise UsageError("a loss cannot be negative", value=edges[0], remedy="Begin with an edge from 0 on.")
    if not all(map(np.isfinite, edges[:-1])):
        raise UsageError("only the last edge may be infinite", value=edges)
    extreme = next((e for e in edges if e and np.isfinite(e) and not MIN_EDGE <= e <= MAX_EDGE), None)
    if extreme is not None:
        raise UsageError(
            "an edge is too small or too large to compute with", value=extreme, remedy="Use another unit."
        )
    if edges and top != "open" and not np.isfinite(edges[-1]):
        raise UsageError(
            f"a {top} top needs a last edge that is finite",
            value=edges[-1],
            remedy="Say that the top is open, or end the last band.",
        )


def _check_counts(counts: tuple[int, ...], bands: int) -> None:
    if len(counts) != bands or not counts:
        raise UsageError(
            f"{len(counts)} counts do not fit {max(bands, 0)} bands", remedy="Give k + 1 edges for k counts."
        )
    if not sum(counts):
        raise InputRefused("all bands are empty", remedy="Give counts of losses.")


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
            GroupedLosses.from_numbers(self.edges, self.counts, self.top, self.left)
        except OutageAnalysisError as error:
            raise ValueError(f"is no table of losses: {error.problem}") from error
        return self


def load_grouped(id_or_path: str | Path) -> GroupedLossesDocument:
    """Read a TOML document with grouped losses, by bundled id or by path."""
    return read_document(GroupedLossesDocument, "grouped", id_or_path)
