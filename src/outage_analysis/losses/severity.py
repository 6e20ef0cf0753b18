"""Severity distributions: losses counted by band, families of distributions, their fits, and what is shown.

Grouped losses are counts of losses in bands. They come from a cube, whose bands are merged to edges away from
round amounts, or from a printed table. Fits are by maximum likelihood on the logarithms of the parameters, so
that the unit of the edges affects only the scale parameter. SciPy's distributions calculate the likelihood.
They are named as `scipy.stats`, which SciPy imports when it is first used: this takes part of a second.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, cached_property
from itertools import pairwise, product
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args

import numpy as np
import polars as pl
import scipy
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from outage_analysis.errors import (
    InputRefused,
    ModelRefused,
    OutageAnalysisError,
    UsageError,
    check_level,
    either,
)
from outage_analysis.files import NamedDocument, OptionalText, Text, read_document, spelling_hint
from outage_analysis.incidents import GRID_PER_DECADE, LARGEST_LOSS
from outage_analysis.losses.cube import Cube, DimensionFilter, Group, filter_cube, groups
from outage_analysis.text import (
    ESTIMATE_DIGITS,
    Card,
    Displayable,
    Locale,
    Note,
    ShortRepr,
    Table,
    first_rows,
    schema_of,
)

if TYPE_CHECKING:
    from outage_analysis.charts import AltairChart

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

    @property
    def n(self) -> int:
        """The number of losses."""
        return sum(self.counts)

    @property
    def median(self) -> float:
        """The median loss, interpolated linearly within its band."""
        median = float(np.interp(0.5, np.cumsum([0, *self.counts]) / self.n, self.edges))
        return median if median < math.inf else 2 * self.edges[-2] or 1.0

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
    try:
        ends, numbers = tuple(map(float, edges)), tuple(map(float, counts))
    except (TypeError, ValueError) as error:
        raise UsageError(f"edges or counts are not numbers: {error}") from error
    for name, value, known in (("top", top, get_args(Top)), ("left", left, get_args(Left))):
        if value not in known:
            raise UsageError(
                f"{name} says what lies beyond the edges", value=value, remedy=f"Known: {', '.join(known)}."
            )
    for number, count in enumerate(numbers, 1):
        if not (count >= 0 and count.is_integer()):
            raise InputRefused(f"count {number} is not a whole number from 0 on", value=count)
    possible = all(not e or MIN_EDGE <= e <= MAX_EDGE or e == math.inf for e in ends)
    if not possible or not all(low < high for low, high in pairwise(ends)):
        raise UsageError(
            "edges do not increase from 0 on",
            value=ends,
            remedy=f"Give 0 or edges from {MIN_EDGE:g} to {MAX_EDGE:g}, each larger than the one before.",
        )
    if not numbers or len(numbers) != len(ends) - 1:
        raise UsageError(
            f"{len(numbers)} counts do not fit {max(len(ends) - 1, 0)} bands",
            remedy="Give k + 1 edges for k counts.",
        )
    if top == "open":
        ends = (*ends[:-1], math.inf)
    elif ends[-1] == math.inf:
        raise UsageError(
            f"a {top} top needs a last edge that is finite",
            value=math.inf,
            remedy="Say that the top is open, or end the last band.",
        )
    losses = GroupedLosses(ends, tuple(map(int, numbers)), top, left, synthetic)  # type: ignore[arg-type] # checked above
    if not losses.n:
        raise InputRefused("all bands are empty", remedy="Give counts of losses.")
    if losses.n in losses.counts:
        raise ModelRefused(
            f"all {losses.n:,} losses are in one band: nothing says how they spread",
            remedy="Give narrower bands.",
        )
    return losses


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
        return fit_all(self.edges, self.counts, top=self.top, left=self.left, families=families)


def load_grouped(id_or_path: str | Path) -> GroupedLossesDocument:
    """Read a TOML document with grouped losses, by bundled id or by path."""
    return read_document(GroupedLossesDocument, "grouped", id_or_path)


GRID_STEP = 5
"""Fit edges are every fifth cut of the fine grid (24 cuts per decade): 1.62, 2.61, 4.22 and 6.81 times a
power of ten. These are far from the amounts that people round to. docs/validation.md measures this
choice."""


MIN_IN_TOP_BAND, MIN_TOP_BAND_DIVISOR = 30, 20
"""The open top band of a fit contains at least 30 losses, or 1 in 20 of all losses if that is fewer."""


def fit_edges(cube: Cube) -> tuple[float, ...]:
    """Band edges for a severity fit: the band edges of the cube that are far from round amounts.

    The edges go from 0 to infinity, four per factor of ten. Edges inside a band of the cube are left out;
    the default bands of `build_cube` have them all. The largest edges are left out until the open top band
    contains enough losses for a fit. The edges depend on the whole cube, so that fits to different groups of
    the cube use the same bands.

    Raises:
        ModelRefused: there is no positive loss, bands overlap, or a band contains zero and positive losses.
    """
    cells = next((group.cells_above(0) for group in groups(cube)), ())
    if not cells:
        raise ModelRefused("there is no positive loss", remedy="A fit needs losses above 0.")
    decades, steps = range(len(str(LARGEST_LOSS))), range(GRID_STEP, GRID_PER_DECADE - 1, GRID_STEP)
    cuts = sorted({round(10 ** (decade + step / GRID_PER_DECADE)) for decade in decades for step in steps})
    low, high = cells[0].ends[0], cells[-1].up_to or cells[-1].ends[0] + 1
    inside = [cut for cut in cuts if low < cut < high]
    chosen = [cut for cut in inside if not any(cell.ends[0] < cut < cell.ends[1] for cell in cells)]
    enough = min(MIN_IN_TOP_BAND, sum(cell.claims for cell in cells) / MIN_TOP_BAND_DIVISOR)
    while chosen and sum(cell.claims for cell in cells if cell.ends[0] >= chosen[-1]) < enough:
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
    ordered = sorted({cell.ends for cell in every})
    if not ordered:
        raise ModelRefused("there is no positive loss", remedy="A fit needs losses above 0.")
    for (_, end), (start, _) in pairwise(ordered):
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
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return edges of bands, and the number of positive losses of a cube in each band, as the input of a fit.

    Losses are whole units and a fitted distribution is continuous; no continuity correction is applied,
    because half a unit is negligible beside the width of a band for losses above some hundred units.

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
        raise ModelRefused(
            "a fit of synthetic claims would be no finding",
            file=cube.source,
            remedy=f"Give real claims, or say {either('recovery=True', '--recovery')}: the answer then only "
            "recovers what the generator was given.",
        )
    chosen = fit_edges(cube) if edges is None else tuple(map(float, edges))
    group = next(groups(filter_cube(cube, where)), Group((), (), 0))
    counts = [0] * (len(chosen) + 1)
    for cell in group.cells_above(0):
        for inside in (edge for edge in chosen if cell.ends[0] < edge < cell.ends[1]):
            raise UsageError(
                f"the edge {inside:,.10g} is inside the cube's band {cell}",
                remedy="Take an edge of the band, or build the cube with that edge.",
            )
        counts[bisect_left(chosen, cell.ends[1])] += cell.claims
    return chosen, tuple(counts[1:-1])


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

    @np.errstate(all="ignore")
    def evaluate(self, method: str, params: Sequence[Any] | Array, *x: ArrayLike) -> Array:
        """The result of a method of the SciPy distribution, such as `cdf`, for numbers or arrays."""
        by_name: dict[str | float, Any] = dict(zip(self.params, params, strict=True))
        function = getattr(getattr(scipy.stats, self.scipy_name), method)
        shapes = (by_name.get(shape, shape) for shape in self.shapes)
        return np.asarray(function(*x, *shapes, scale=by_name[self.scale]), float)

    def band_shares(self, edges: ArrayLike, params: Sequence[Any] | Array) -> Array:
        """The share of losses between successive edges.

        In the upper half of the distribution, the shares above the edges are subtracted, because differences
        of shares close to 1 lose digits.
        """
        below, above = self.evaluate("cdf", params, edges), self.evaluate("sf", params, edges)
        return np.where(below[..., 1:] <= 0.5, np.diff(below), -np.diff(above))  # noqa: PLR2004 - half

    @np.errstate(all="ignore")
    def observed_shares(self, losses: GroupedLosses, params: Array) -> Array:
        """The shares (m, k) of the observable losses in k bands, under m sets of parameters (m, p)."""
        columns = params.T[..., None]
        shares = self.band_shares(losses.edges, columns) / self.band_shares(losses.observable, columns)
        return np.asarray(shares)

    @np.errstate(all="ignore")
    def loglik(self, losses: GroupedLosses, params: Array) -> Array:
        """The mean log-likelihood per loss under m sets of parameters (m, p); -inf where it is not finite."""
        counts = np.array(losses.counts)
        filled = counts > 0
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


FIT_CHARTS = ["ogive", "tail"]
MIN_EXPECTED = 5.0
"""Neighbouring bands are pooled until each has at least this many expected losses."""
MIN_WEIGHT = 0.01
"""Averages, ranges and curves ignore families with a smaller Akaike weight."""
START_SHAPES = (0.05, 0.25, 0.5, 1.0, 2.0, 4.0, 16.0, 100.0)
"""Start values of each shape parameter. The optimiser starts from the likeliest of their combinations."""
FLOOR = -1e3
"""The mean log-likelihood where a band with losses has probability 0 in floating point."""
MAX_SLOPE = 1e-6
"""The largest slope of the mean log-likelihood at an optimum; a steeper point is not an optimum."""
MIN_CURVATURE = 1e-7
"""The smallest curvature of the mean log-likelihood that is distinguishable from rounding error."""
MAX_LOG_ERROR = 10.0
"""A larger standard error of a parameter's logarithm means that a parameter diverges."""
MAX_LOG_SHAPE, MAX_LOG_SCALE = 7.0, 100.0
"""A larger logarithm of a shape parameter, or of the scale in units of the median loss, also means that."""
MAX_LOG_CHANGE = 16.0
"""The ends of an interval are sought up to this distance from the logarithm of each parameter."""
MAX_EXCESS = 1e-3
"""An end is refused if it is off the border of the accepted region by this share of the region's radius."""
UNBOUNDED_END = 8.0
"""An end that is further from the estimate on the logarithmic scale (a factor of 3,000) counts as
infinite."""


class Goodness(NamedTuple):
    """Pearson's chi-square test of counts against the expected counts of a distribution.

    `df`, the degrees of freedom, is the number of pooled bands minus 1 minus the number of parameters. If
    `df` is not positive, the p-value `p` is None.
    """

    chi_square: float
    df: int
    p: float | None


@dataclass(frozen=True, repr=False)
class SeverityFit(Displayable):
    """A severity distribution fitted to counts of losses in bands; `chart` draws it.

    All amounts are in the unit of the band edges.
    """

    grouped: GroupedLosses
    family: str
    params: Mapping[str, float]
    covariance: Array = field(compare=False)
    """The covariance matrix of the parameters, in their order."""
    loglik: float

    def card(self, lang: str = "en") -> Card:
        """The notebook display: the parameters, and the counted and expected losses per band."""
        locale = Locale(lang)
        parameters = tuple(
            (locale.translated_distribution(name), locale.exact(value), locale.exact(self.se[name]))
            for name, value in self.params.items()
        )
        losses, figures, numbers = self.grouped, _figures(self, locale), frozenset({1, 2})
        heads = (locale("card.parameter"), locale("column.fit_value"), locale("card.standard_error"))
        band_heads = (locale("column.band"), locale("card.counted"), locale("card.expected"))
        bands, more = first_rows(
            locale,
            [*zip(pairwise(losses.edges), losses.counts, self.expected.tolist(), strict=True)],
            lambda row: (_band_label(*row[0], locale), locale.exact(row[1]), locale.exact(row[2])),
            "fit.grouped",
        )
        return Card(
            locale("card.fit", family=locale(f"word.{self.family}"), count=locale.number(self.n)),
            _band_lines(losses, locale),
            (
                Table(heads, parameters, numbers, locale("card.parameters")),
                Table(band_heads, bands, numbers, locale("card.by_band"), more),
            ),
            (locale("card.moments", **figures), locale("card.goodness", **figures)),
        )

    @property
    def se(self) -> Mapping[str, float]:
        """The standard errors of the parameters by name, from the curvature of the likelihood."""
        return dict(zip(self.params, np.sqrt(np.diag(self.covariance)).tolist(), strict=True))

    @property
    def n(self) -> int:
        """The number of losses."""
        return self.grouped.n

    @property
    def aicc(self) -> float:
        """Akaike's criterion with the correction for small samples (AICc); smaller is better."""
        p, spare = len(self.params), self.n - len(self.params) - 1
        return 2 * p - 2 * self.loglik + (2 * p * (p + 1) / spare if spare > 0 else np.inf)

    @cached_property
    def expected(self) -> Array:
        """The expected number of losses in each band under the fitted distribution, (k,)."""
        shares = FAMILIES[self.family].observed_shares(self.grouped, np.array([[*self.params.values()]]))
        return np.asarray(shares[0] * self.n)

    @cached_property
    @np.errstate(all="ignore")
    def gof(self) -> Goodness:
        """The goodness-of-fit test; neighbouring bands are pooled until each has 5 expected losses.

        Bands are pooled from the first on; those that remain at the end belong to the last pool. If losses
        beyond the first or last edge would have been counted, the losses that are expected there
        are added to the first or last band.
        """
        expected = self.expected.copy()
        if self.grouped.left == "ground_up":
            expected[0] += self.n * float(self.cdf(self.grouped.edges[0]))
        if self.grouped.top == "closed":
            expected[-1] += self.n * float(self.sf(self.grouped.edges[-1]))
        starts, pooled = [0], 0.0
        for band, share in enumerate(expected.tolist(), 1):
            pooled += share
            if pooled >= MIN_EXPECTED:
                starts.append(band)
                pooled = 0.0
        starts = starts[:-1] or starts
        observed, due = (np.add.reduceat(x, starts) for x in (np.array(self.grouped.counts, float), expected))
        chi = round(float(((observed - due) ** 2 / due).sum()), 12)  # an exact fit has no rounding error
        df = len(observed) - 1 - len(self.params)
        return Goodness(chi, df, float(scipy.special.chdtrc(df, max(chi, 0))) if df > 0 else None)

    def _evaluate(self, method: str, *x: ArrayLike) -> Array:
        return FAMILIES[self.family].evaluate(method, [*self.params.values()], *x)

    def cdf(self, x: ArrayLike) -> Array:
        """The share of losses at or below each x."""
        return self._evaluate("cdf", x)

    def sf(self, x: ArrayLike) -> Array:
        """The share of losses above each x."""
        return self._evaluate("sf", x)

    def quantile(self, p: ArrayLike) -> Array:
        """The p-quantile of the losses.

        Raises:
            UsageError: a share is outside 0 to 1.
        """
        shares = np.asarray(p, float)
        if not np.all((shares >= 0) & (shares <= 1)):
            raise UsageError("a share lies between 0 and 1", value=p)
        return self._evaluate("ppf", shares)

    @property
    def median(self) -> float:
        """The median loss."""
        return float(self.quantile(0.5))

    @property
    def mean(self) -> float:
        """The mean loss; infinite if the tail is too heavy."""
        mean = float(self._evaluate("mean"))
        return np.inf if np.isnan(mean) else mean  # SciPy's word for the infinite mean of a Burr distribution

    def limited_mean(self, d: float) -> float:
        """The mean of min(loss, d): the expected payment per loss if losses are paid up to d."""
        if d <= 0:
            return d
        if d == np.inf:
            return self.mean
        # Integrate over log(loss), because the largest losses make up most of the mean of a heavy tail.
        start = min(float(self.quantile(1e-9)), d)
        above = scipy.integrate.quad(
            lambda t: float(self.sf(np.exp(t))) * np.exp(t), *np.log([start, d]), limit=400
        )
        return start + float(above[0])

    def band_probabilities(self, edges: ArrayLike) -> Array:
        """The share of losses in each band between any successive edges: k + 1 edges give k shares.

        Raises:
            UsageError: the edges do not increase.
        """
        x = np.asarray(edges, float)
        if not np.all(x[:-1] < x[1:]):
            raise UsageError("edges do not increase", value=edges)
        return FAMILIES[self.family].band_shares(x, [*self.params.values()])

    def value(self, quantity: Quantity) -> float:
        """The value of a quantity (such as `mean` or `p95`) under the fitted distribution; see `Quantity`.

        Raises:
            UsageError: the quantity does not exist.
        """
        if callable(quantity):
            return quantity(self)
        if quantity in self.params:
            return self.params[quantity]
        if quantity in ("mean", "median"):
            return float(getattr(self, quantity))
        share = re.fullmatch(r"p(\d{1,2}(?:\.\d+)?)", quantity)
        if share and float(share[1]) > 0:
            return float(self.quantile(float(share[1]) / 100))
        raise UsageError(
            f"the {self.family} distribution has no such quantity",
            value=quantity,
            remedy=spelling_hint(quantity, [*self.params, "mean", "median", "p95"]),
        )

    @property
    def log_covariance(self) -> Array:
        """The covariance matrix of the logarithms of the parameters."""
        params = np.array([*self.params.values()])
        return np.asarray(self.covariance / np.outer(params, params))

    def with_log_params(self, log_params: Array) -> SeverityFit:
        """The distribution of the same family with other parameters; everything else is kept."""
        return replace(self, params=dict(zip(self.params, np.exp(log_params).tolist(), strict=True)))

    def interval(self, quantity: Quantity, level: float = 0.95) -> tuple[float, float]:
        """The profile likelihood interval of a quantity, such as the mean or a percentile.

        The interval extends from the smallest to the largest value of the quantity over all distributions of
        the family that a likelihood ratio test does not reject.

        Args:
            quantity: a parameter, `mean`, `median`, a percentile such as `p95`, or a function of a fit.
            level: the confidence level, between 0 and 1.

        Raises:
            UsageError: the quantity does not exist, or the level is outside 0 to 1.
            ModelRefused: the quantity is infinite under the fitted distribution, or no end is found.
        """
        check_level(level)
        if not np.isfinite(self.value(quantity)):
            raise ModelRefused(
                f"the quantity is infinite under the fitted {self.family} distribution",
                remedy="Ask for a quantile or a limited mean, which always exist.",
            )
        return self._interval_end(quantity, level, -1), self._interval_end(quantity, level, 1)

    def _interval_end(self, quantity: Quantity, level: float, sign: int) -> float:
        """The smallest (sign -1) or largest (sign 1) value of a quantity in the accepted region.

        A point of the region is a linear transform of the logarithms of the parameters, chosen so that the
        region is approximately a ball of radius 1.
        """
        allowed = float(scipy.special.chdtri(1, 1 - level)) / 2
        scaling = np.linalg.cholesky(self.log_covariance) * np.sqrt(2 * allowed)
        centre, estimate = np.log([*self.params.values()]), self.value(quantity)
        step = max(STEP, np.cbrt(1e-15 * self.n))  # the rounding error of the likelihood grows with n

        def log_params(points: Array) -> Array:
            return np.asarray(centre + np.clip(points @ scaling.T, -MAX_LOG_CHANGE, MAX_LOG_CHANGE))

        def values(points: Array) -> Array:
            found = np.array([self.with_log_params(x).value(quantity) for x in log_params(points)])
            if estimate > 0:
                found = np.log(np.clip(found / estimate, 1e-300, 1e300))
            return np.asarray(np.nan_to_num(-sign * found))

        def unused_drop(points: Array) -> Array:
            logliks = FAMILIES[self.family].loglik(self.grouped, np.exp(log_params(points)))
            drop = (self.loglik - self.n * logliks) / allowed
            return 1 - np.sqrt(np.clip(drop, 0, -FLOOR))  # the root is about linear in the points

        def slope(function: Callable[[Array], Array], at: Array) -> Array:
            moves = step * np.eye(len(at))
            return np.asarray((function(at + moves) - function(at - moves)) / (2 * step))

        steepest = slope(values, np.zeros(len(centre)))
        steepness = float(np.linalg.norm(steepest)) or 1.0
        at = -steepest / steepness
        while unused_drop(at[None])[0] < -1:
            at = at / 2
        found = scipy.optimize.minimize(
            lambda u: values(u[None])[0] / steepness,
            at,
            jac=lambda u: slope(values, u) / steepness,
            constraints={
                "type": "ineq",
                "fun": lambda u: unused_drop(u[None]),
                "jac": lambda u: slope(unused_drop, u),
            },
            method="SLSQP",
            options={"ftol": 1e-8, "maxiter": 200},
        )
        unbounded = np.abs(scaling @ found.x).max() >= MAX_LOG_CHANGE
        end = self.with_log_params(log_params(found.x)).value(quantity)
        distance = abs(np.log(end / estimate)) if estimate > 0 and end > 0 else 0.0
        if distance >= UNBOUNDED_END or (unbounded and distance >= UNBOUNDED_END / 2):
            return np.inf if sign > 0 else 0.0
        if not found.success or abs(unused_drop(found.x[None])[0]) > MAX_EXCESS:
            raise ModelRefused(
                f"no end of the interval is found under the fitted {self.family} distribution",
                remedy="Ask for another quantity or level, or fit a simpler family.",
            )
        return end

    def chart(
        self,
        name: str = "ogive",
        *,
        loss: str = "",
        width: int | None = None,
        height: int | None = None,
        title: str | None = None,
        lang: str = "en",
    ) -> AltairChart:
        """Return a chart of the fitted curve and of the counted shares; `save` writes it as it is shown.

        Args:
            name: `ogive` for the share of losses up to each amount, `tail` for the share above it.
            loss: the name and unit of the losses, such as "stated loss, won".
            width: the width in pixels; by default the chart fills its container.
            height: the height in pixels.
            title: a title in place of the finding that the chart states.
            lang: en or ko.

        Raises:
            UsageError: there is no such chart, or the size is not possible.
            ModelRefused: there are too few losses, or no loss lies above the first edge.
        """
        from outage_analysis import charts  # imported here: charts are a later layer, and slow to import

        if name not in FIT_CHARTS:
            raise UsageError(
                "no such chart of a fit", value=name, remedy=spelling_hint(str(name), FIT_CHARTS)
            )
        locale, table = Locale(lang), curve_table(Fits({self.family: self}, {}))
        context = charts.ChartContext(
            locale,
            {},
            date.min,  # The footer names the fit instead of a day.
            loss or locale("chart.unnamed_loss"),
            source=locale("card.fit", family=locale(f"word.{self.family}"), count=locale.number(self.n)),
        )
        chart = charts.standalone_chart(name, table, context, width=width, height=height, title=title)
        if chart is None:
            raise ModelRefused(f"no loss can be shown in the chart {name}", remedy="Choose the other chart.")
        return chart


Quantity = str | Callable[[SeverityFit], float]
"""A parameter's name, `mean`, `median`, a percentile such as `p95`, or a function of a `SeverityFit`."""


def fit_severity(
    edges: Sequence[float | None],
    counts: Sequence[float],
    family: str = "lognormal",
    *,
    top: str | None = None,
    left: str = "ground_up",
) -> SeverityFit:
    """Fit a severity distribution to counts of losses in bands.

    Args:
        edges: increasing edges from 0 on, in any unit. The last band is open, that is, it has no upper edge,
            if the last edge is None or infinite, or if there are as many edges as counts.
        counts: the number of losses in each band.
        family: a family of distributions, a key of `FAMILIES`.
        top: what is known about losses above a finite last edge: `closed` if they would have been counted
            and there were none, `truncated` if they could not be observed, `open` if the last band contains
            them anyway. It is needed only if the last band has an upper edge.
        left: `truncated` if losses up to the first edge could not be observed.

    Returns:
        The fit with its parameters, standard errors, quantiles and goodness of fit; `.chart()` draws it.

    Raises:
        UsageError: the family is unknown, the edges are invalid, or `top` is missing.
        InputRefused: a count is not a whole number from 0 on, or all counts are 0.
        ModelRefused: there are too few non-empty bands for the family, or the likelihood has no maximum.

    Example:
        >>> from outage_analysis.losses import fit_severity
        >>> fit = fit_severity([0, 10, 20, 50, None], [40, 30, 30, 0], family="exponential")
        >>> round(fit.value("mean"), 1)
        15.2
    """
    ends = [np.inf if edge is None else edge for edge in edges]
    ends += [np.inf] if len(ends) == len(counts) else []
    if top is None and ends[-1:] != [np.inf]:
        raise UsageError(
            "the last band has an upper edge, so state what is known about larger losses",
            remedy='Give top="closed" (there were none), "truncated" (they could not be observed) or "open".',
        )
    return _fit(grouped_losses(ends, counts, top or "open", left), family)


def fit_all(
    edges: Sequence[float],
    counts: Sequence[float],
    *,
    top: str,
    left: str = "ground_up",
    synthetic: bool = False,
    families: Sequence[str] = (),
) -> Fits:
    """Fit several families to counts of losses in bands.

    Args:
        edges: k + 1 increasing edges from 0 on, in the unit of the losses; the last may be infinite.
        counts: the number of losses in each of the k bands.
        top: what is known about losses above the last edge: `open`, `closed` or `truncated`. There is no
            default, because the three are different models; see `fit_severity`.
        left: what is known about losses below the first edge: `ground_up` or `truncated`.
        synthetic: whether the losses are synthetic; displays of the fits then state this.
        families: keys of `FAMILIES`; by default all.

    Returns:
        The fits by family, and the reason for each family that cannot be fitted.

    Raises:
        UsageError: the edges are invalid, or `top`, `left` or a family is unknown.
        InputRefused: a count is not a whole number from 0 on, or all counts are 0.
        ModelRefused: no family could be fitted, or all losses are in one band.

    Example:
        >>> from outage_analysis.losses import fit_all
        >>> families = ("exponential", "gamma")
        >>> fits = fit_all([0, 5, 10, 20, 50], [25, 15, 30, 30], top="open", families=families)
        >>> round(fits.average("mean"), 1)
        17.1
    """
    losses = grouped_losses(edges, counts, top, left, synthetic=synthetic)
    fitted, refused = dict[str, SeverityFit](), dict[str, str]()
    for family in families or FAMILIES:
        try:
            fitted[family] = _fit(losses, family)
        except ModelRefused as error:
            refused[family] = error.problem
    if not fitted:
        raise ModelRefused("no family could be fitted", remedy=next(iter(refused.values()), ""))
    return Fits(fitted, refused)


def _fit(losses: GroupedLosses, name: str) -> SeverityFit:
    """Fit a family to grouped losses by maximum likelihood.

    Raises:
        ModelRefused: there are too few bands, or the likelihood has no maximum because a parameter diverges.
    """
    if name not in FAMILIES:
        raise UsageError("no such family", value=name, remedy=spelling_hint(str(name), list(FAMILIES)))
    family = FAMILIES[name]
    filled, p = sum(n > 0 for n in losses.counts), len(family.params)
    if filled <= p:
        raise ModelRefused(
            f"{filled} bands hold losses, and the {name} distribution has {p} parameters: it needs {p + 1}",
            remedy="Give narrower bands, or a family with fewer parameters.",
        )

    def loss_of_likelihood(x: Array) -> Array:
        return -np.maximum(family.loglik(losses, np.exp(np.clip(x, -300, 300))), FLOOR)

    def minimise(start: Array, step: Array) -> Derivatives:
        # SciPy asks for the value, the slopes and the curvature one by one.
        at = cache(lambda *x: derivatives(loss_of_likelihood, np.array(x), step))
        found = scipy.optimize.minimize(
            lambda x: at(*x).value,
            start,
            method="trust-exact",
            jac=lambda x: at(*x).gradient,
            hess=lambda x: at(*x).hessian,
            options={"gtol": 1e-9, "maxiter": 200, "max_trust_radius": 2.0},
        )
        return at(*found.x)

    best = min(
        (minimise(x, np.full(p, STEP)) for x in _starts(losses, family)), key=lambda found: found.value
    )
    # A narrow maximum needs short steps.
    best = minimise(best.point, STEP / np.sqrt(np.maximum(np.abs(np.diag(best.hessian)), 1.0)))
    if best.highest >= -FLOOR:
        raise ModelRefused(Note("not_near", family=name))
    is_scale = np.array(family.params) == family.scale
    distance = np.abs(best.point - np.where(is_scale, np.log(losses.median), 0.0))
    flat = np.linalg.eigvalsh(best.hessian).min() < max(MIN_CURVATURE, 1 / (MAX_LOG_ERROR**2 * losses.n))
    if flat or np.any(distance > np.where(is_scale, MAX_LOG_SCALE, MAX_LOG_SHAPE)):
        raise ModelRefused(Note("likeliest_runs_on", family=name, limit=family.limiting_shape))
    if np.abs(best.gradient).max() > MAX_SLOPE:
        raise ModelRefused(Note("likeliest_not_found", family=name))
    # SciPy stops where rounding hides the rise of the likelihood; the slopes still show a last Newton step.
    params = np.exp(best.point - np.linalg.solve(best.hessian, best.gradient))
    covariance = np.linalg.inv(best.hessian * losses.n) * np.outer(params, params)
    covariance.flags.writeable = False
    named = MappingProxyType(dict(zip(family.params, params.tolist(), strict=True)))
    return SeverityFit(losses, name, named, covariance, -best.value * losses.n)


def _starts(losses: GroupedLosses, family: Family) -> Array:
    """The logarithms of parameters to start from: those of the likeliest combination of shapes and scale.

    Two more have extreme shapes: if the maximum is there, other starts do not reach it.
    """
    shapes = np.array(list(product(START_SHAPES, repeat=len(family.params) - 1)))
    scale = family.params.index(family.scale)
    params = np.insert(shapes, scale, 1.0, axis=1)
    medians = np.broadcast_to(family.evaluate("median", params.T), len(params))
    low = np.searchsorted(np.cumsum(losses.counts) / losses.n, (0.02, 0.2))
    scales = [losses.median / medians, *(np.full(len(params), losses.edges[band + 1]) for band in low)]
    candidates = np.tile(params, (len(scales), 1))
    candidates[:, scale] = np.concatenate(scales)
    candidates = candidates[np.isfinite(candidates).all(axis=1) & (candidates > 0).all(axis=1)]
    order = np.argsort(-family.loglik(losses, candidates), kind="stable")
    extreme = np.isin(np.delete(candidates[order], scale, axis=1), START_SHAPES[:: len(START_SHAPES) - 1])
    return np.asarray(np.log(candidates[list(dict.fromkeys([order[0], *order[extreme.any(axis=1)][:2]]))]))


class Derivatives(NamedTuple):
    """A point, and the value, gradient (p,) and Hessian (p, p) of a function there.

    `highest` is the largest value at the points that the finite differences use.
    """

    point: Array
    value: float
    gradient: Array
    hessian: Array
    highest: float


def derivatives(function: Callable[[Array], Array], at: Array, step: Array) -> Derivatives:
    """The derivatives of a function of m points (m, p) at one point (p,), by central differences.

    One call of the function evaluates all points. The error of derivatives along an axis is of the order of
    the fourth power of the step.
    """
    p = len(at)
    ones, pairs = np.diag(step), [(i, j) for i in range(p) for j in range(i)]
    moves = [np.zeros(p), *ones, *-ones, *(2 * ones), *(-2 * ones)]
    moves += [s * ones[i] + t * ones[j] for i, j in pairs for s, t in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
    values = function(at + np.array(moves))
    up, down, far_up, far_down = values[1 : 4 * p + 1].reshape(4, p)
    gradient = (8 * (up - down) - (far_up - far_down)) / (12 * step)
    hessian = np.diag((16 * (up + down) - (far_up + far_down) - 30 * values[0]) / (12 * step**2))
    for (i, j), (pp, pm, mp, mm) in zip(pairs, values[4 * p + 1 :].reshape(-1, 4), strict=True):
        hessian[i, j] = hessian[j, i] = (pp - pm - mp + mm) / (4 * step[i] * step[j])
    return Derivatives(at, float(values[0]), gradient, hessian, float(values.max()))


class Fits(Displayable, dict[str, SeverityFit]):
    """Fitted distributions by family name; `refused` has the reason for each family that was not fitted.

    Raises:
        ModelRefused: the family that was asked for could not be fitted; the message has the reason.
        UsageError: the family was not requested.
    """

    def __init__(self, fitted: Mapping[str, SeverityFit], refused: Mapping[str, str]) -> None:
        super().__init__(fitted)
        self.refused = refused

    def __missing__(self, name: str) -> SeverityFit:
        if name in self.refused:
            raise ModelRefused(self.refused[name])
        raise UsageError("no such family", value=name, remedy=spelling_hint(name, list(FAMILIES)))

    def card(self, lang: str = "en") -> Card:
        """The notebook display: the fitted families, likeliest first, and the families without a fit."""
        locale = Locale(lang)
        ordered = sorted(self.values(), key=lambda fit: (fit.aicc, fit.family))
        try:
            weights = {name: locale.share(weight) for name, weight in self.weights.items()}
        except ModelRefused:  # too few losses for Akaike weights: the table shows dashes
            weights = {}
        rows = []
        for fit in ordered:
            parameters = (f"{locale.translated_distribution(k)} {v:.4g}" for k, v in fit.params.items())
            name, figures = locale(f"word.{fit.family}"), _figures(fit, locale)
            rows.append((name, weights.get(fit.family, "–"), ", ".join(parameters), *figures.values()))
        columns = ("family", "weight", "parameters", *_figures(ordered[0], locale))
        heads = tuple(locale(f"column.{column}") for column in columns)
        refused = ", ".join(locale(f"word.{name}") for name in self.refused)
        losses = ordered[0].grouped  # all families were fitted to the same losses
        return Card(
            locale("card.fits", count=locale.number(losses.n)),
            _band_lines(losses, locale),
            (Table(heads, tuple(rows), frozenset({1, 3, 4, 5, 6, 7})),),
            (locale("card.refused", names=refused),) if refused else (),
        )

    @property
    def weights(self) -> Mapping[str, float]:
        """The Akaike weights of the fitted families, computed from AICc; they add up to 1."""
        scores = np.array([fit.aicc for fit in self.values()])
        if not np.isfinite(scores).any():
            raise ModelRefused("there are too few losses to weigh families", remedy="Fit one, the simplest.")
        heights = np.exp(-(scores - scores.min()) / 2)
        return dict(zip(self, (heights / heights.sum()).tolist(), strict=True))

    @property
    def main_weights(self) -> Mapping[str, float]:
        """The Akaike weights of the families that have 1 % or more."""
        return {name: weight for name, weight in self.weights.items() if weight >= MIN_WEIGHT}

    @property
    def best(self) -> SeverityFit:
        """The fit with the largest Akaike weight."""
        return self[max(self.weights, key=self.weights.__getitem__)]

    def average(self, quantity: Quantity) -> float:
        """The Akaike-weighted average of a quantity over families; infinite if one of its values is infinite.

        Families with a weight below 1 % are left out.
        """
        weights = self.main_weights
        total = sum(weight * self[name].value(quantity) for name, weight in weights.items())
        return total / sum(weights.values())

    def range(self, quantity: Quantity) -> tuple[float, float]:
        """The smallest and largest value of a quantity among families with a weight of at least 1 %.

        The range shows how much the choice of the family matters.
        """
        values = [self[name].value(quantity) for name in self.main_weights]
        return min(values), max(values)

    def table(self) -> pl.DataFrame:
        """The fitted families as a table: one row per family, likeliest first.

        Columns: family, weight, parameters (text), loglik, aicc, chi_square, df, p, median, mean.
        """
        rows, weights = [], self.weights
        for name, fit in self.items():
            parameters = ", ".join(f"{k} {v:.4g} ± {fit.se[k]:.2g}" for k, v in fit.params.items())
            figures = (fit.loglik, fit.aicc, *fit.gof, fit.median, fit.mean)
            rows.append((name, weights[name], parameters, *figures))
        return _finite_estimates(schema_of("claims_fits").frame(rows).sort("aicc", "family"))

    def quantities(self, level: float = 0.95) -> pl.DataFrame:
        """Return the median, the mean and percentiles of the fitted losses.

        Columns: quantity, family (the likeliest), value, low and high (its profile interval), average
        (weighted over families), least and greatest (between families). Infinite values are null.

        Raises:
            UsageError: the level is outside 0 to 1.
        """
        rows, best = [], self.best
        for quantity in ("median", "mean", "p75", "p90", "p95", "p99"):
            ends: Sequence[float | None] = (None, None)
            with suppress(ModelRefused):  # it is infinite, or no end of its interval is found
                ends = best.interval(quantity, level)
            values = (best.value(quantity), *ends, self.average(quantity), *self.range(quantity))
            rows.append((quantity, best.family, *values))
        return _finite_estimates(schema_of("claims_fitted").frame(rows))


def _finite_estimates(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table with rounded estimates, and null for infinite ones."""
    estimates = pl.col(pl.Float64)
    return table.with_columns(pl.when(estimates.is_finite()).then(estimates.round_sig_figs(ESTIMATE_DIGITS)))


COUNTED = "counted"
"""The value of `family` in the rows with counted shares."""
POINTS = 40
"""The number of losses per curve, evenly spaced on the logarithmic scale."""


def curve_table(fits: Fits) -> pl.DataFrame:
    """Points on the fitted distribution function of each family, and the counted shares at the band edges.

    Returns:
        The table `claims_curves`. The first rows, with the family `counted`, have the counted
        shares at each finite edge except the first. The other rows are 40 losses for each family with an
        Akaike weight of at least 1 %. The likeliest family has pointwise 95 % confidence intervals (delta
        method on the logit). All shares refer to the losses over `over` up to `up_to`: all losses above 0,
        unless an end is truncated.
    """
    best, losses = fits.best, fits.best.grouped
    edges = [e for e in losses.edges if 0 < e < math.inf]
    # Up to four times the last finite edge, or up to this edge if no larger loss could be observed.
    end = 1.0 if losses.top == "truncated" else 4.0
    at = np.geomspace(edges[0] / 2, edges[-1] * end, POINTS)
    first, last = losses.observable

    def shares(fit: SeverityFit) -> Array:
        """The shares of the observable losses up to and above each loss."""
        parts = np.stack([fit.cdf(at) - fit.cdf(first), fit.sf(at) - fit.sf(last)])
        return np.asarray(np.clip(parts / fit.band_probabilities([first, last])[0], 0.0, 1.0))

    def logit(log_params: Array) -> Array:
        below, above = np.log(np.maximum(shares(best.with_log_params(log_params)), 1e-300))
        return np.asarray(below - above)

    inner = np.isfinite(losses.edges[1:])
    below = np.cumsum(losses.counts)[inner] / losses.n
    counted = {"loss": np.array(losses.edges[1:])[inner], "share_below": below, "share_above": 1 - below}
    frames = [pl.DataFrame({"family": [COUNTED] * len(below), **counted})]
    for name, weight in fits.main_weights.items():
        below, above = shares(fits[name])
        rows = {"family": [name] * POINTS, "loss": at, "share_below": below, "share_above": above}
        frames.append(pl.DataFrame(rows).with_columns(weight=pl.lit(weight), p=pl.lit(fits[name].gof.p)))
        if name == best.family:
            point, moves = np.log([*best.params.values()]), STEP * np.eye(len(best.params))
            slope = np.array([(logit(point + m) - logit(point - m)) / (2 * STEP) for m in moves])
            errors = np.sqrt(np.einsum("ip,ij,jp->p", slope, best.log_covariance, slope))
            half = scipy.special.ndtri((1 + 0.95) / 2) * errors
            low, high = logit(point) - half, logit(point) + half
            ends = {"low": low, "high": high, "above_low": -high, "above_high": -low}
            frames[-1] = frames[-1].with_columns(
                pl.Series(column, scipy.special.expit(end)) for column, end in ends.items()
            )
    table = pl.concat(frames, how="diagonal_relaxed").with_columns(
        over=pl.lit(first), up_to=pl.lit(last if math.isfinite(last) else None)
    )
    return table.select(
        pl.col(name).cast(dtype) for name, dtype in schema_of("claims_curves").dtypes.items()
    ).with_columns(pl.col(pl.Float64).round_sig_figs(ESTIMATE_DIGITS))


def _figures(fit: SeverityFit, locale: Locale) -> dict[str, str]:
    return {
        "chi_square": locale.exact(fit.gof.chi_square),
        "df": locale.number(fit.gof.df),
        "p": "–" if fit.gof.p is None else locale.exact(fit.gof.p),
        "median": locale.exact(fit.median),
        "mean": locale.exact(fit.mean) if math.isfinite(fit.mean) else locale("card.infinite"),
    }


def _band_lines(grouped: GroupedLosses, locale: Locale) -> tuple[str, ...]:
    """Sentences on the bands of a fit: their number, the open or truncated ends, and synthetic losses."""
    ends = f"{locale(f'card.top_{grouped.top}')} {locale(f'card.left_{grouped.left}')}"
    bands = locale("card.bands", count=locale.number(len(grouped.counts)), ends=ends)
    return (locale("card.recovered"), bands) if grouped.synthetic else (bands,)


def _band_label(low: float, high: float, locale: Locale) -> str:
    key = "over" if math.isinf(high) else "between" if low else "up_to"
    return locale(f"band.{key}", low=locale.exact(low), high=locale.exact(high))
