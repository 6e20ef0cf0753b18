"""The portfolio of a policy under a ledger: its payment streams as functions of the uncertain inputs.

A stream starts from a number of trials (reports, people, or one amount), which the rates of the ledger
reduce to accepted claims. Its claims are divided into parts: bands of an uncertain mix, or bands with
counted claims. Given the inputs, the mean of each part and its covariance with the stream's total have a
closed form, so the number of claims does not affect the run time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from outage_analysis.assumptions import Assumption, BandMix, FloatArray
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import Band
from outage_analysis.text import ShortRepr

Values = Mapping[str, FloatArray]
"""Drawn inputs by the assumption's id: (draws,), or (draws, bands) for a mix."""
LABELS = ("service", "claimant_type", "over", "up_to", "rule")
"""The columns that identify the cells of a part."""
ROUNDING_SHARE = 1e-12
"""A variance below this share of the sum of squares is a rounding error and treated as 0."""


@dataclass(frozen=True)
class Cell:
    """The claims of one cell of a cube, each paid `fixed + share x loss` or by review."""

    key: tuple[object, ...]
    """The values of the cube's dimensions."""
    band: Band
    claims: float
    loss: float
    sum_of_squares: float
    """The sum of squared losses."""
    fixed: float
    share: float
    reviewed: bool
    labels: Mapping[str, object]
    """Service, claimant type, band and outcome of the rule that pays the cell."""

    @property
    def paid(self) -> bool:
        """Whether claims in the cell receive any payment."""
        return bool(self.fixed or self.share or self.reviewed)


@dataclass(frozen=True)
class Part:
    """The claims of a payment stream that are paid in the same way, such as all claims under review.

    Args:
        paid: the sum of payments if every trial were accepted.
        sum_of_squares: the sum of squared payments if every trial were accepted.
        band: the position of its band in the mix, if the stream has a mix; both sums then assume that all
            trials are in this band.
        reviewed: whether the sums are multiples of the award.
        labels: the `LABELS` of its cells, each with its `share` of the mean.
    """

    paid: float
    sum_of_squares: float
    band: int | None = None
    reviewed: bool = False
    labels: tuple[Mapping[str, object], ...] = ({},)


@dataclass(frozen=True)
class DerivedInput:
    """A value that is computed from the drawn inputs, such as a rate whose odds are doubled.

    Args:
        inputs: the inputs that the value depends on.
        compute: returns the value in each draw from the drawn inputs, in the shape of an input.
        linear: whether the value is a constant, or a constant times one input. The mean of the value is then
            its value at the means of the inputs.
    """

    inputs: tuple[str, ...]
    compute: Callable[[Values], FloatArray]
    linear: bool = False


@dataclass(frozen=True)
class RedrawnInput:
    """An input with another distribution, drawn from the random points of an input of the portfolio.

    Args:
        place: the id of the assumption whose random points are used.
        entry: the assumption that states the other distribution; it needs no more coordinates.
    """

    place: str
    entry: Assumption


@dataclass(frozen=True, repr=False)
class Stream(ShortRepr):
    """The payments of one cost line under one valuation, such as cash."""

    line: str
    valuation: str
    trials: float
    parts: tuple[Part, ...]
    scales: tuple[str, ...] = ()
    """The assumptions that multiply the number of trials."""
    rates: tuple[str, ...] = ()
    """The assumptions whose product is the probability that a trial is accepted."""
    mix: str = ""
    award: str = ""
    spread: float = 0.0
    """The standard deviation of single awards, as a share of the mean award."""
    capacity: float | None = None
    """The largest number of people who can be served; None if there is no limit."""
    served: float | None = None
    """With a capacity, the expected share of the people who are served: the mean of min(rate, limit)."""
    poisson_arrivals: bool = False
    """Whether the claims come from people who had not reported: their count is Poisson, not binomial."""
    certain: bool = False
    """Whether the stream is one amount, which is certain once the inputs are known."""
    cells: tuple[Cell, ...] = field(default=(), repr=False)
    """The cells of the cube that the stream pays; empty if it uses a published count."""
    decision: str = ""
    """How far the claims have come, if those of the line have come to different stages."""
    derived: Mapping[str, DerivedInput] = field(default_factory=dict, repr=False)
    """By the name of an input of the stream: the computed value that the stream uses in its place."""

    @property
    def process(self) -> str:
        """The name of the claim counts; streams with the same name get the same random counts."""
        name = f"{self.line} ({self.decision})" if self.decision else self.line
        return f"{name} (new applicants)" if self.poisson_arrivals else name

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the drawn inputs that the stream depends on."""
        used = (x for x in (*self.scales, *self.rates, self.mix, self.award) if x)
        drawn = (self.derived[x].inputs if x in self.derived else (x,) for x in used)
        return tuple(dict.fromkeys(name for names in drawn for name in names))

    def value(self, name: str, values: Values) -> FloatArray:
        """Return an input of the stream in each draw: the drawn value, or the value that is computed from it.

        Args:
            name: one of `scales` or `rates`, the `mix` or the `award`.
            values: the drawn inputs.
        """
        return self.derived[name].compute(values) if name in self.derived else values[name]

    def moments(self, values: Values, draws: int) -> tuple[FloatArray, FloatArray]:
        """Return, given the inputs, each part's mean payments and their covariance with the stream's total.

        Returns:
            The means in the smallest unit of the currency, and the covariances in its square, each of shape
            (draws, parts).
        """
        scale, rate = self.scale_and_rate(values, draws)
        if self.capacity is not None:
            return self._served_moments(scale, rate)
        award = self.value(self.award, values) if self.award else np.ones(draws)
        mix = self.value(self.mix, values) if self.mix else np.ones((draws, 0))
        ones = np.ones(draws)
        means, squares, thinned = (np.empty((draws, len(self.parts))) for _ in range(3))
        for k, part in enumerate(self.parts):
            share = mix[:, part.band] if self.mix and part.band is not None else ones
            factor = award if part.reviewed else ones
            spread = 1 + self.spread**2 * part.reviewed
            means[:, k] = scale * rate * share * part.paid * factor
            squares[:, k] = scale * rate * share * part.sum_of_squares * factor**2 * spread
            thinned[:, k] = squares[:, k] / spread * rate
        if self.certain:
            return means, np.zeros_like(means)
        if self.poisson_arrivals:
            return means, squares
        if self.mix:  # each trial falls into one band, so the bands are negatively correlated
            total = means.sum(axis=1, keepdims=True)
            thinned = means * total / np.maximum(self.trials * scale, 1e-300)[:, None]
        covariances = squares - thinned
        # If every trial is accepted and paid the same, the variance is 0 and the difference is only rounding.
        rounding = covariances.sum(axis=1) <= ROUNDING_SHARE * squares.sum(axis=1)
        return means, np.where(rounding[:, None], 0.0, covariances)

    def scale_and_rate(self, values: Values, draws: int = 1) -> tuple[FloatArray, FloatArray]:
        """Return the factor on the number of trials, and the acceptance rate of the trials, each (draws,).

        A factor or a rate without an assumption is 1.
        """
        scale, rate = np.ones(draws), np.ones(draws)
        for name in self.scales:
            scale = scale * self.value(name, values)
        for name in self.rates:
            rate = rate * self.value(name, values)
        return scale, rate

    def _served_moments(self, scale: FloatArray, rate: FloatArray) -> tuple[FloatArray, FloatArray]:
        (part,) = self.parts
        payment = part.paid / self.trials
        demand = self.trials * scale * rate
        capacity = self.capacity or 0.0
        below = demand < capacity
        mean = np.where(below, demand, capacity) * payment
        variance = np.where(below, demand * (1 - rate), 0.0) * payment**2
        return mean[:, None], variance[:, None]


@dataclass(frozen=True, repr=False)
class Portfolio(ShortRepr):
    """All streams of a policy that have an expected cost, and the assumptions they share."""

    streams: tuple[Stream, ...]
    entries: Mapping[str, Assumption]
    """The assumptions behind the streams, by id in alphabetical order."""
    correlations: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Declared rank correlations between assumptions."""
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Per valuation, the lines without an expected cost, which no total includes. If the portfolio uses
    claims, these include the lines that do not pay per claim."""
    statutory: frozenset[str] = frozenset()
    """The ids of the cost lines whose payment the law fixes; no decision changes them."""
    redrawn: Mapping[str, RedrawnInput] = field(default_factory=dict)
    """Further inputs by name, which are drawn from the random points of `entries`."""

    @property
    def valuations(self) -> tuple[str, ...]:
        """The valuations of the streams; amounts of different valuations are never added."""
        return tuple(dict.fromkeys(s.valuation for s in self.streams))

    def counted(self, valuation: str) -> tuple[str, ...]:
        """Return the ids of the cost lines in the total of a valuation."""
        return tuple(dict.fromkeys(s.line for s in self.streams if s.valuation == valuation))

    def has_correlated_inputs(self, valuation: str) -> bool:
        """Whether the ledger declares correlations between inputs of a total.

        With correlated inputs the mean of a product is not the product of the means.
        """
        names = {name for s in self.streams if s.valuation == valuation for name in s.inputs}
        used = {self.redrawn[name].place if name in self.redrawn else name for name in names}
        return any(used.issuperset(pair) for pair, rank in self.correlations.items() if rank)

    def has_closed_form(self, valuation: str) -> bool:
        """Whether the expected total is the total at the means of the inputs.

        It is not if the ledger declares correlations between inputs, or if a value is computed from inputs
        in a way that is not linear.
        """
        derived = (d for s in self.streams if s.valuation == valuation for d in s.derived.values())
        return all(d.linear for d in derived) and not self.has_correlated_inputs(valuation)

    @property
    def places(self) -> dict[str, slice]:
        """For each assumption, the coordinates of a random point from which its value is drawn."""
        first, places = 0, {}
        for name, entry in self.entries.items():
            places[name] = slice(first, first + entry.dimensions)
            first += entry.dimensions
        return places

    @property
    def dimensions(self) -> int:
        """The number of uniform numbers that one draw of all inputs needs."""
        return sum(entry.dimensions for entry in self.entries.values())

    def values(self, u: FloatArray) -> dict[str, FloatArray]:
        """Draw the inputs from uniform points (draws, dimensions), and return the values by name."""
        return {name: self.entries[name].draw(u[:, place]) for name, place in self.places.items()}

    def redrawn_values(self, u: FloatArray) -> dict[str, FloatArray]:
        """Draw the further inputs from the same uniform points (draws, dimensions), by name.

        An input with fewer coordinates than its place uses the last ones.
        """
        return {
            name: redrawn.entry.draw(u[:, self.places[redrawn.place]][:, -redrawn.entry.dimensions :])
            for name, redrawn in self.redrawn.items()
        }

    def branches(self, u: FloatArray) -> dict[str, tuple[np.ndarray, int]]:
        """Return, per assumption with rival models, the model index of each draw and the number of models."""
        branches = {}
        for name, place in self.places.items():
            entry = self.entries[name]
            branch = entry.branch(u[:, place])
            if branch is not None:
                branches[name] = (branch, len(entry.models))
        return branches


def expected_at(portfolio: Portfolio, valuation: str, inputs: Mapping[str, FloatArray]) -> FloatArray:
    """Return the expected total of a valuation, with some inputs set to given values.

    All inputs are treated as independent, even if the ledger declares correlations.

    Args:
        portfolio: the payment streams and their inputs.
        valuation: the kind of cost that is added up, such as `cash`.
        inputs: values of some inputs by assumption, (n,), or (n, bands) for a mix; the other inputs are at
            their means.

    Returns:
        One total per value, (n,), in the smallest unit of the currency; (1,) if `inputs` is empty.

    Raises:
        ModelRefused: a value is computed from inputs in a way that is not linear, so that the total at the
            means of the inputs is not the expected total.
    """
    size = max((len(v) for v in inputs.values()), default=1)
    total = np.zeros(size)
    for stream in portfolio.streams:
        if stream.valuation == valuation:
            if not all(derived.linear for derived in stream.derived.values()):
                raise ModelRefused(f"the expected total of {stream.line} has no closed form")
            total += _expected_payment(stream, portfolio, inputs, size)
    return total


def _expected_payment(
    stream: Stream, portfolio: Portfolio, inputs: Mapping[str, FloatArray], size: int
) -> FloatArray:
    if stream.served is not None and not inputs.keys() & set(stream.rates):
        return np.full(size, stream.served * stream.parts[0].paid)  # min(mean rate, cap) may be too large
    values = {name: inputs.get(name, _mean(portfolio, name)) for name in stream.inputs}
    means, _ = stream.moments(values, size)
    return np.asarray(means.sum(axis=1))


def _mean(portfolio: Portfolio, name: str) -> FloatArray:
    entry = portfolio.redrawn[name].entry if name in portfolio.redrawn else portfolio.entries[name]
    if isinstance(entry, BandMix):
        return np.array([[band.share for band in entry.bands]])
    return np.array([entry.range.expected])
