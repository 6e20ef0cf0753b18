"""Severity distributions: grouped losses, which are the input of a fit, and the families of distributions.

Grouped losses are counts of losses in bands. They come from a cube, whose bands are merged to edges away from
round amounts, or from a printed table. SciPy's distributions calculate their likelihood. They are imported by
the function that needs them, because `scipy.stats` takes a noticeable part of a second to import.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from outage_analysis.errors import InputRefused, ModelRefused, OutageAnalysisError, UsageError, either
from outage_analysis.files import NamedDocument, OptionalText, Text, read_document
from outage_analysis.incidents import GRID_PER_DECADE, LARGEST_LOSS
from outage_analysis.losses.cube import Cell, Cube, DimensionFilter, Group, filter_cube, groups
from outage_analysis.text import ShortRepr

if TYPE_CHECKING:
    from outage_analysis.losses.severity import Fits

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
        if high == math.inf:
            return 2 * low or 1.0
        before = shares[band - 1] if band else 0.0
        return float(low + (high - low) * (0.5 - before) / (shares[band] - before)) or high

    @property
    def observable(self) -> tuple[float, float]:
        """The smallest and largest observable loss: 0 and infinity, unless an end is truncated."""
        first = self.edges[0] if self.left == "truncated" else 0.0
        return first, self.edges[-1] if self.top == "truncated" else math.inf


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
        if not (math.isfinite(count) and count >= 0 and count == int(count)):
            raise InputRefused(f"count {number} is not a whole number from 0 on", value=count)
    if not all(low < high for low, high in itertools.pairwise((-1e-300, *ends))):
        remedy = "Give edges from 0 on, each larger than the one before."
        raise UsageError("edges do not increase from 0 on", value=ends, remedy=remedy)
    if not numbers or len(numbers) != len(ends) - 1:
        problem = f"{len(numbers)} counts do not fit {max(len(ends) - 1, 0)} bands"
        raise UsageError(problem, remedy="Give k + 1 edges for k counts.")
    extreme = next((e for e in ends if e and math.isfinite(e) and not MIN_EDGE <= e <= MAX_EDGE), None)
    if extreme is not None:
        problem = "an edge is too small or too large to compute with"
        raise UsageError(problem, value=extreme, remedy="Use another unit.")
    if top == "open":
        ends = (*ends[:-1], math.inf)
    elif ends[-1] == math.inf:
        raise UsageError(
            f"a {top} top needs a last edge that is finite",
            value=math.inf,
            remedy="Say that the top is open, or end the last band.",
        )
    return GroupedLosses(ends, tuple(map(int, numbers)), top, left, synthetic)  # type: ignore[arg-type] # checked above


def _numbers(values: Sequence[float], name: str) -> tuple[float, ...]:
    try:
        return tuple(map(float, values))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} are not numbers", value=values) from error


class GroupedLossesDocument(NamedDocument):
    """A TOML document with grouped losses from a publication: edges, counts and sources."""

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

    def _check(self) -> None:
        try:
            grouped_losses(self.edges, self.counts, self.top, self.left)
        except OutageAnalysisError as error:
            raise ValueError(f"is no table of losses: {error.problem}") from error

    def fit(self, *families: str) -> Fits:
        """Fit severity distributions to the losses above 0; by default all families.

        Example:
            >>> load_grouped("dental-claims").fit().best.family
            'lomax'
        """
        from outage_analysis.losses.severity import fit_all  # imported here: it imports this module

        chosen = families or tuple(FAMILIES)
        return fit_all(self.edges, self.counts, top=self.top, left=self.left, families=chosen)


def load_grouped(id_or_path: str | Path) -> GroupedLossesDocument:
    """Read a TOML document with grouped losses, by bundled id or by path."""
    return read_document(GroupedLossesDocument, "grouped", id_or_path)


GRID_STEP = 5
"""Fit edges are every fifth cut of the fine grid (24 cuts per decade): 1.62, 2.61, 4.22 and 6.81 times a
power of ten. These are far from the amounts that people round to. docs/validation.md measures this
choice."""


MIN_IN_TOP_BAND, MIN_TOP_BAND_DIVISOR = 30, 20
"""The open top band of a fit contains at least 30 losses, or 1 in 20 of all losses if that is fewer."""


class LossCounts(NamedTuple):
    """Counts of positive losses by band: claims over each edge up to the next.

    Losses are whole units and a fitted distribution is continuous; no continuity correction is applied,
    because half a unit is negligible beside the width of a band for losses above some hundred units.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]


def between_heaps(low: float, high: float) -> tuple[int, ...]:
    """Band edges from `low` to below `high`, four per factor of ten, that are far from round amounts.

    Args:
        low: the smallest loss, above 0.
        high: the largest loss.

    Returns:
        The edges from `low` to below `high`. All of them are edges of the default bands of `build_cube`.
    """
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
    moved = set()
    for cut in cuts:
        around = next((cell for cell in cells if (cell.over or 0) < cut < cell.ends[1]), None)
        moved.add(cut if around is None else _nearest_end(cut, around))
    chosen = sorted(moved - {0})
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
    every = (cell for group in groups(cube, cube.dimensions) for cell in group.cells_above(0))
    ordered = sorted({(cell.over or 0, cell.ends[1]) for cell in every})
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
        UsageError: a dimension or value does not exist, or an edge falls inside a band of the cube.
        ModelRefused: the cube is synthetic and `recovery` is not set; there is no positive loss; bands
            overlap; or a band contains zero and positive losses.
    """
    if cube.synthetic and not recovery:
        say = either("recovery=True", "--recovery")
        remedy = (
            f"Give real claims, or say {say}: the answer then only recovers what the generator was given."
        )
        raise ModelRefused("a fit of synthetic claims would be no finding", file=cube.source, remedy=remedy)
    chosen = fit_edges(cube) if edges is None else tuple(map(float, edges))
    group = next(groups(filter_cube(cube, where)), Group((), (), 0))
    counts = [0] * (len(chosen) + 1)
    for cell in group.cells_above(0):
        inside = next((edge for edge in chosen if (cell.over or 0) < edge < cell.ends[1]), None)
        if inside is not None:
            problem = f"the edge {inside:,.10g} is inside the cube's band {cell}"
            nearest = _nearest_end(inside, cell)
            raise UsageError(problem, remedy=f"Take {nearest:,}, or build the cube with that edge.")
        counts[bisect_left(chosen, cell.ends[1])] += cell.claims
    return LossCounts(chosen, tuple(counts[1:-1]))


def _nearest_end(cut: float, cell: Cell) -> int:
    """The end of the band `cell` that is nearer to `cut` on the logarithmic scale.

    An end of 0 is infinitely far away on this scale, so 0 is returned only if the other end is infinite.
    """
    low, high = cell.over or 0, cell.up_to
    if high is None:
        return low
    return low if low and cut * cut < low * high else high


Array = NDArray[np.float64]
STEP = 1e-3
"""The step of finite differences on the logarithms of parameters, where the likelihood is not narrower."""


@dataclass(frozen=True)
class Family:
    """A family of severity distributions, such as the lognormal or the gamma distributions.

    Args:
        params: the names of the parameters, in the order of display. All parameters are positive.
        scipy_name: the name of the distribution in `scipy.stats`.
        shapes: the shape parameters that SciPy expects, in its order: names of parameters, or constants.
        limiting_shape: the distribution that the family approaches if a shape parameter diverges, as text for
            the error message of a fit.
        scale: the parameter that carries the unit of the losses.
    """

    params: tuple[str, ...]
    scipy_name: str
    shapes: tuple[str | float, ...]
    limiting_shape: str
    scale: str = "theta"

    def evaluate(self, method: str, params: Sequence[Any] | Array, *x: ArrayLike) -> Array:
        """The result of a method of the SciPy distribution, such as `cdf`, for numbers or arrays."""
        from scipy import stats

        by_name: dict[str | float, Any] = dict(zip(self.params, params, strict=True))
        function = getattr(getattr(stats, self.scipy_name), method)
        with np.errstate(all="ignore"):
            shapes = (by_name.get(shape, shape) for shape in self.shapes)
            return np.asarray(function(*x, *shapes, scale=by_name[self.scale]), float)

    def band_shares(self, edges: ArrayLike, params: Sequence[Any] | Array) -> Array:
        """The share of losses between successive edges.

        In the upper half of the distribution, the shares above the edges are subtracted, because differences
        of shares close to 1 lose digits.
        """
        below, above = self.evaluate("cdf", params, edges), self.evaluate("sf", params, edges)
        return np.where(below[..., 1:] <= 0.5, np.diff(below), -np.diff(above))  # noqa: PLR2004 - half

    def observed_shares(self, losses: GroupedLosses, params: Array) -> Array:
        """The shares (m, k) of the observable losses in k bands, under m sets of parameters (m, p)."""
        columns = params.T[..., None]
        shares = self.band_shares(losses.edges, columns)
        if losses.observable == (0.0, np.inf):
            return shares
        if losses.left == losses.top:
            observable = shares.sum(axis=-1, keepdims=True)
        elif losses.top == "truncated":
            observable = self.evaluate("cdf", columns, losses.edges[-1])
        else:
            observable = self.evaluate("sf", columns, losses.edges[0])
        with np.errstate(all="ignore"):
            return np.asarray(shares / observable)

    def loglik(self, losses: GroupedLosses, params: Array) -> Array:
        """The mean log-likelihood per loss under m sets of parameters (m, p); -inf where it is not finite."""
        counts = np.array(losses.counts)
        filled = counts > 0
        with np.errstate(all="ignore"):
            value = np.log(self.observed_shares(losses, params)[:, filled]) @ (counts[filled] / losses.n)
        return np.where(np.isfinite(value), value, -np.inf)


FAMILIES: Mapping[str, Family] = {
    "exponential": Family(("theta",), "expon", (), "nothing else"),
    "gamma": Family(
        ("alpha", "theta"), "gamma", ("alpha",), "a single point or a flat spread on the logarithm"
    ),
    "weibull": Family(("tau", "theta"), "weibull_min", ("tau",), "a single point or a flat spread"),
    "lognormal": Family(("median", "sigma"), "lognorm", ("sigma",), "a single point", scale="median"),
    # SciPy's `fisk` is the log-logistic distribution, but it loses the digits of small shares above a loss.
    "loglogistic": Family(("gamma", "theta"), "burr12", ("gamma", 1.0), "a single point"),
    "lomax": Family(("alpha", "theta"), "lomax", ("alpha",), "the exponential distribution"),
    "burr": Family(
        ("alpha", "gamma", "theta"),
        "burr12",
        ("gamma", "alpha"),
        "the Weibull, log-logistic or Pareto distribution",
    ),
}
"""All families by name: exponential, gamma, Weibull, lognormal, log-logistic, Lomax, Burr XII."""
