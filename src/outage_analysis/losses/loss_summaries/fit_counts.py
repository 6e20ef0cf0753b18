"""Count positive losses by band for a severity fit, with band edges away from round amounts."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import GRID_PER_DECADE, LARGEST_LOSS
from outage_analysis.losses.cube import Cube
from outage_analysis.losses.loss_summaries.groups import Cell, DimensionFilter, Group, filter_cube, groups

GRID_STEP = 5
"""Fit edges are every fifth cut of the fine grid (24 cuts per decade): 1.62, 2.61, 4.22 and 6.81 times a
power of ten. These are far from the amounts that people round to. docs/severity-study.md measures this
choice."""


MIN_IN_TOP_BAND, MIN_TOP_BAND_DIVISOR = 30, 20
"""The open top band of a fit contains at least 30 losses, or 1 in 20 of all losses if that is fewer."""


@dataclass(frozen=True)
class LossCounts:
    """Counts of positive losses by band: the input of a fit.

    Band i contains the losses over `edges[i]` up to `edges[i + 1]`, in the unit of loss. Losses are whole
    units and a fitted distribution is continuous; no continuity correction is applied, because half a unit is
    negligible beside the width of a band for losses above some hundred units.
    """

    edges: tuple[float, ...]
    """The increasing band edges, one more than bands; the last may be infinite."""
    counts: tuple[int, ...]
    """Claims in each band."""
    synthetic: bool
    """Whether the claims are synthetic: a fit then only recovers the generator's parameters."""

    @property
    def claims(self) -> int:
        """The number of claims in the bands."""
        return sum(self.counts)


def between_heaps(low: float, high: float) -> tuple[int, ...]:
    """Band edges from `low` to below `high`, four per factor of ten, that are far from round amounts.

    Args:
        low: the smallest loss, above 0.
        high: the largest loss.

    Returns:
        The edges from `low` to below `high`. All of them are edges of the default bands of `build_cube`.

    Raises:
        UsageError: `low` is not positive, or `high` is not finite.
    """
    if not (low > 0 and math.isfinite(high)):
        raise UsageError("the smallest loss is above 0 and the largest finite", value=f"{low}, {high}")
    decades = range(len(str(LARGEST_LOSS)))
    steps = range(GRID_STEP, GRID_PER_DECADE - 1, GRID_STEP)
    cuts = sorted({round(10 ** (decade + step / GRID_PER_DECADE)) for decade in decades for step in steps})
    return tuple(cut for cut in cuts if low <= cut < high)


def fit_edges(cube: Cube) -> tuple[float, ...]:
    """Band edges for a severity fit: edges far from round amounts, moved to band edges of the cube.

    The edges go from 0 to infinity. They are the edges of `between_heaps`; an edge that falls inside a band
    of the cube is replaced by the end of this band that is nearer on the logarithmic scale. The largest edges
    are left out until the open top band contains enough losses for a fit. The edges depend on the whole cube,
    so that fits to different groups of the cube use the same bands.

    Raises:
        ModelRefused: there is no positive loss, bands overlap, or a band contains zero and positive losses.
    """
    cells = next((group.cells_above(0) for group in groups(cube)), ())
    if not cells:
        raise ModelRefused("there is no positive loss", remedy="A fit needs losses above 0.")
    last = cells[-1]
    cuts = between_heaps((cells[0].over or 0) + 1, last.up_to or (last.over or 0) + 1)
    inner = {_nearest_end(cut, cell) for cut in cuts if (cell := _cell_around(cut, cells))}
    free = {cut for cut in cuts if not _cell_around(cut, cells)}
    chosen = sorted((inner | free) - {0})
    total = sum(cell.claims for cell in cells)
    enough = min(MIN_IN_TOP_BAND, total / MIN_TOP_BAND_DIVISOR)
    while chosen and sum(c.claims for c in cells if (c.over or 0) >= chosen[-1]) < enough:
        chosen.pop()
    return (0.0, *map(float, chosen), math.inf)


def stated_edges(cube: Cube) -> tuple[float, ...]:
    """The band edges of a cube that was read from a file of claim totals, exactly as stated in the file.

    A gap between two bands raises an error, because a fit would treat the gap as a band without losses.

    Args:
        cube: a cube that was read from a file of claim totals.

    Raises:
        ModelRefused: there is no positive band, two bands overlap, or there is a gap between two bands.
    """
    bands = {
        (c.over or 0, _upper_end(c)) for group in groups(cube, cube.dimensions) for c in group.cells_above(0)
    }
    ordered = sorted(bands)
    if not ordered:
        raise ModelRefused("there is no positive loss", remedy="A fit needs losses above 0.")
    for (_, end), (start, _) in itertools.pairwise(ordered):
        if start != end:
            what = "nothing is said of losses" if start > end else "two bands share the losses"
            raise ModelRefused(
                f"{what} over {min(start, end):,.10g} up to {max(start, end):,.10g}",
                file=cube.source,
                remedy="State bands that meet, with 0 claims where there are none.",
            )
    return (float(ordered[0][0]), *(float(end) for _, end in ordered))


def loss_counts(
    cube: Cube,
    *,
    edges: Sequence[float] | None = None,
    where: DimensionFilter | None = None,
    recovery: bool = False,
) -> LossCounts:
    """Count the positive losses of a cube by band, as the input of a fit.

    Args:
        cube: any cube; sums of losses are not needed.
        edges: at least two increasing edges from 0 on; the last may be infinite. No edge may fall inside a
            band of the cube. By default `fit_edges(cube)`.
        where: a mapping from dimension to a value or list of values; only claims with these values are
            counted.
        recovery: allow a synthetic cube, to test whether a fit recovers the generator's parameters.

    Raises:
        UsageError: a dimension or value does not exist, the edges are invalid, or an edge falls inside a band
            of the cube.
        ModelRefused: the cube is synthetic and `recovery` is not set; there is no positive loss; bands
            overlap; or a band contains zero and positive losses.
    """
    refuse_synthetic(cube, "a fit", recovery=recovery)
    chosen = fit_edges(cube) if edges is None else _checked_edges(edges)
    group = next(groups(filter_cube(cube, where)), Group((), (), 0))
    counts = [0] * (len(chosen) + 1)
    for cell in group.cells_above(0):
        _check_no_edge_inside(cell, chosen)
        counts[bisect_left(chosen, _upper_end(cell))] += cell.claims
    return LossCounts(chosen, tuple(counts[1:-1]), cube.synthetic)


def _upper_end(cell: Cell) -> float:
    return math.inf if cell.up_to is None else cell.up_to


def _cell_around(cut: int, cells: Sequence[Cell]) -> Cell | None:
    """The band of the cube that contains `cut` strictly between its ends; None if there is no such band."""
    return next((c for c in cells if (c.over or 0) < cut < _upper_end(c)), None)


def _nearest_end(cut: float, cell: Cell) -> int:
    """The end of the band `cell` that is nearer to `cut` on the logarithmic scale.

    An end of 0 is infinitely far away on this scale, so 0 is returned only if the other end is infinite.
    """
    low, high = cell.over or 0, cell.up_to
    if high is None:
        return low
    return low if low and cut * cut < low * high else high


def _checked_edges(edges: Sequence[float]) -> tuple[float, ...]:
    checked = tuple(float(edge) for edge in edges)
    rising = all(low < high for low, high in itertools.pairwise(checked))
    if len(checked) < 2 or not rising or not 0 <= checked[0] < math.inf:  # noqa: PLR2004 - two ends
        raise UsageError(
            "the edges of a fit are at least two, from 0 on, each larger than the one before",
            value=list(edges),
            remedy="Write (0, 1400, 2400, inf).",
        )
    return checked


def _check_no_edge_inside(cell: Cell, edges: Sequence[float]) -> None:
    inside = next((edge for edge in edges if (cell.over or 0) < edge < _upper_end(cell)), None)
    if inside is None:
        return
    end = _nearest_end(inside, cell)
    raise UsageError(
        f"the edge {inside:,.10g} is inside the cube's band {cell}",
        remedy=f"The nearest edge of the cube is {end:,}; or build the cube with that edge among its bands.",
    )


def refuse_synthetic(cube: Cube, what: str, *, recovery: bool) -> None:
    """Raise ModelRefused if a cube is synthetic, unless `recovery` allows it for a test of the method.

    Args:
        cube: the cube to use.
        what: the analysis that is refused, with its article, for the error message: "a fit", "a comparison".
        recovery: whether to allow synthetic claims, to test whether results recover the generator's
            parameters.

    Raises:
        ModelRefused: the cube is synthetic and `recovery` is not set.
    """
    if cube.synthetic and not recovery:
        raise ModelRefused(
            f"{what} of synthetic claims would be no finding",
            file=cube.source,
            remedy="Give real claims, or say recovery=True (--recovery): the answer then only recovers what "
            "the generator was given.",
        )
