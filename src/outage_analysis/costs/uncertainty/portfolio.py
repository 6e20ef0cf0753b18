"""A policy under a ledger as streams of claims: what each pays, given the uncertain inputs.

A stream is a number of trials (reports, people, a sum) thinned by rates of the ledger. Its claims fall
into parts: bands of a mix that is itself uncertain, or bands with counted claims. Given the inputs, each
part has a mean and a covariance with the stream's total in closed form, whatever the number of claims.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from outage_analysis.assumptions import Assumption, BandMix, FloatArray, RateAssumption
from outage_analysis.incidents import Band

Values = Mapping[str, FloatArray]
"""Drawn inputs by the assumption's id: (draws,), or (draws, bands) for a mix."""
LABELS = ("service", "claimant_type", "over", "up_to", "rule")
"""What tells the cells of a part from each other."""
ROUNDING_SHARE = 1e-12
"""A variance below this share of the sum of squares is none."""


@dataclass(frozen=True)
class Cell:
    """Claims of one cell of a cube, and how one of them is paid: `fixed + share x loss`, or by review."""

    key: tuple[object, ...]
    """Its dimensions."""
    band: Band
    claims: float
    loss: float
    sum_of_squares: float
    """Sum of squared losses."""
    fixed: float
    share: float
    reviewed: bool
    labels: Mapping[str, object]
    """Service, claimant type, band and outcome of the rule that pays the cell."""

    @property
    def paid(self) -> bool:
        """Whether a claim in it is paid anything."""
        return bool(self.fixed or self.share or self.reviewed)


@dataclass(frozen=True)
class Part:
    """Claims of a stream that are paid alike, and their sums over all claims.

    Args:
        paid: sum of payments, if every trial were accepted.
        squared: sum of squared payments.
        band: its place in the mix, when the stream has one: the sums are then those of all trials.
        reviewed: whether the sums are multiples of the award.
        labels: `LABELS` of its cells, with their share of the mean.
    """

    paid: float
    sum_of_squares: float
    band: int | None = None
    reviewed: bool = False
    labels: tuple[Mapping[str, object], ...] = ({},)


@dataclass(frozen=True)
class Stream:
    """Trials of one cost line under one valuation."""

    line: str
    valuation: str
    trials: float
    parts: tuple[Part, ...]
    scales: tuple[str, ...] = ()
    """Inputs that multiply the trials."""
    rates: tuple[str, ...] = ()
    """Inputs that thin them."""
    mix: str = ""
    award: str = ""
    spread: float = 0.0
    """Standard deviation of single awards, as a share of the award."""
    capacity: float | None = None
    """The most that can be served."""
    poisson_arrivals: bool = False
    """Whether the trials are arrivals of strangers (Poisson), not a counted number."""
    certain: bool = False
    """Whether nothing but the inputs is uncertain: a sum, not a count."""
    cells: tuple[Cell, ...] = field(default=(), repr=False)
    """The cells of a cube that it pays; empty where a published count is paid."""

    @property
    def process(self) -> str:
        """Which counts it reads: streams of the same name share them."""
        return f"{self.line} (new applicants)" if self.poisson_arrivals else self.line

    @property
    def inputs(self) -> tuple[str, ...]:
        """The assumptions it depends on."""
        return tuple(dict.fromkeys(x for x in (*self.scales, *self.rates, self.mix, self.award) if x))

    def moments(self, values: Values, draws: int) -> tuple[FloatArray, FloatArray]:
        """Mean of each part, and its covariance with the stream's total, given the inputs.

        Returns:
            Two arrays of shape (draws, parts), in units of the currency and its square.
        """
        scale, rate = self.scale_and_rate(values, draws)
        if self.capacity is not None:
            return self._served(scale, rate)
        award = values[self.award] if self.award else np.ones(draws)
        ones = np.ones(draws)
        means, squares, thinned = (np.empty((draws, len(self.parts))) for _ in range(3))
        for k, part in enumerate(self.parts):
            share = values[self.mix][:, part.band] if self.mix and part.band is not None else ones
            one = award if part.reviewed else ones
            spread = 1 + self.spread**2 * part.reviewed
            means[:, k] = scale * rate * share * part.paid * one
            squares[:, k] = scale * rate * share * part.sum_of_squares * one**2 * spread
            thinned[:, k] = squares[:, k] / spread * rate
        if self.certain:
            return means, np.zeros_like(means)
        if self.poisson_arrivals:
            return means, squares
        if self.mix:  # which band a trial falls into is drawn with it
            total = means.sum(axis=1, keepdims=True)
            thinned = means * total / np.maximum(self.trials * scale, 1e-300)[:, None]
        covariances = squares - thinned
        # Where every trial is paid the same nothing varies, and what is left is rounding.
        rounding = covariances.sum(axis=1) <= ROUNDING_SHARE * squares.sum(axis=1)
        return means, np.where(rounding[:, None], 0.0, covariances)

    def scale_and_rate(self, values: Values, draws: int = 1) -> tuple[FloatArray, FloatArray]:
        """What multiplies the trials, and the share of them that is accepted, each (draws,).

        Without such inputs they are ones, as many as `draws`.
        """
        scale, rate = np.ones(draws), np.ones(draws)
        for name in self.scales:
            scale = scale * values[name]
        for name in self.rates:
            rate = rate * values[name]
        return scale, rate

    def _served(self, scale: FloatArray, rate: FloatArray) -> tuple[FloatArray, FloatArray]:
        """First come, first served: the lesser of those who ask and those who can be served."""
        (part,) = self.parts
        one = part.paid / self.trials
        asked = self.trials * scale * rate
        most = self.capacity or 0.0
        free = asked < most
        mean = np.where(free, asked, most) * one
        variance = np.where(free, asked * (1 - rate), 0.0) * one**2
        return mean[:, None], variance[:, None]


@dataclass(frozen=True)
class Portfolio:
    """Every stream of a policy that has an expected cost, and the inputs they share."""

    streams: tuple[Stream, ...]
    entries: Mapping[str, Assumption]
    """The assumptions behind the streams, by id in alphabetical order."""
    correlations: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Declared rank correlations between assumptions."""
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By valuation: the lines that have no expected cost here and are in no total. Of claims, these are
    also the lines that pay by no claim."""

    @property
    def valuations(self) -> tuple[str, ...]:
        """Kinds of money in it: never added to each other."""
        return tuple(dict.fromkeys(s.valuation for s in self.streams))

    def counted(self, valuation: str) -> tuple[str, ...]:
        """The cost lines in a total."""
        return tuple(dict.fromkeys(s.line for s in self.streams if s.valuation == valuation))

    def has_correlated_inputs(self, valuation: str) -> bool:
        """Whether inputs of a total are declared to depend on each other: then means do not multiply."""
        used = {name for s in self.streams if s.valuation == valuation for name in s.inputs}
        return any(used.issuperset(pair) for pair, rank in self.correlations.items() if rank)

    @property
    def places(self) -> dict[str, slice]:
        """Which uniform numbers of a draw belong to which assumption."""
        first, places = 0, {}
        for name, entry in self.entries.items():
            places[name] = slice(first, first + entry.dimensions)
            first += entry.dimensions
        return places

    @property
    def dimensions(self) -> int:
        """How many uniform numbers one draw takes."""
        return sum(entry.dimensions for entry in self.entries.values())

    def values(self, u: FloatArray) -> dict[str, FloatArray]:
        """The inputs for uniforms of shape (draws, dimensions)."""
        return {name: self.entries[name].draw(u[:, place]) for name, place in self.places.items()}

    def branches(self, u: FloatArray) -> dict[str, tuple[np.ndarray, int]]:
        """Which of its rival models each draw follows and how many there are, where there are several."""
        found = {}
        for name, place in self.places.items():
            entry = self.entries[name]
            branch = entry.branch(u[:, place])
            if branch is not None:
                found[name] = (branch, len(entry.models))
        return found


def expected_at(portfolio: Portfolio, valuation: str, given: Mapping[str, FloatArray]) -> FloatArray:
    """The expected total of one valuation; the inputs count as independent, whatever is declared.

    Args:
        portfolio: what is paid, and the inputs.
        valuation: which total.
        given: values of some inputs by assumption: (n,), or (n, bands) for a mix.

    Returns:
        One total a value, (n,), in units of the currency; (1,) when nothing is given.
    """
    size = max((len(v) for v in given.values()), default=1)
    total = np.zeros(size)
    for stream in portfolio.streams:
        if stream.valuation == valuation:
            total += _expected_payment(stream, portfolio, given, size)
    return total


def _expected_payment(
    stream: Stream, portfolio: Portfolio, given: Mapping[str, FloatArray], size: int
) -> FloatArray:
    entries = portfolio.entries
    if stream.capacity is not None and stream.rates and stream.rates[0] not in given:
        rate = entries[stream.rates[0]]  # a cap cuts the law off, so the mean rate is not enough
        if isinstance(rate, RateAssumption):
            return np.full(size, rate.capped(stream.capacity / stream.trials).expected * stream.parts[0].paid)
    values = {name: given.get(name, _mean(portfolio, name)) for name in stream.inputs}
    means, _ = stream.moments(values, size)
    return np.asarray(means.sum(axis=1))


def _mean(portfolio: Portfolio, name: str) -> FloatArray:
    entry = portfolio.entries[name]
    if isinstance(entry, BandMix):
        return np.array([[band.share for band in entry.bands]])
    return np.array([entry.range.expected])
