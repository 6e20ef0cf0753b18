"""Draws the numbers of accepted claims and their payments, given the uncertain inputs.

Counts are drawn by inversion of their distribution function. They use additional coordinates of the random
points that draw the inputs, so that all results come from one sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.terms import Term, Values
from outage_analysis.costs.uncertainty.award_sums import award_sum
from outage_analysis.costs.uncertainty.claim_units import ClaimUnit, shared_units
from outage_analysis.costs.uncertainty.inverse_counts import (
    binomial_count,
    cornish_fisher,
    poisson_count,
)
from outage_analysis.costs.uncertainty.portfolio import Portfolio

Scores = Callable[[str], FloatArray]
"""A function that returns the normal scores with a given name, (draws,)."""
ALIGNED = 1e-12
"""If the Householder vector is shorter than this (squared), no reflection is needed."""
TINY = 1e-300
"""Replaces zero in a denominator."""


@dataclass(frozen=True)
class CountProcess:
    """Claim units (claims drawn as one count) per payment term, and the scores that give the counts."""

    units: tuple[tuple[ClaimUnit, ...], ...]
    weights: tuple[Mapping[str, float], ...]
    """One mapping per valuation: the name of each score and roughly the standard deviation of the amount
    that it determines."""

    @property
    def dimensions(self) -> int:
        """The number of random coordinates per draw from which the claim counts are computed."""
        return sum(len(group) for group in self.weights)

    def scores(self, points: FloatArray) -> dict[str, FloatArray]:
        """Convert uniform points (draws, dimensions) to standard normal scores by name, each (draws,).

        The scores of each valuation are rotated so that the first coordinate has the largest effect on the
        total, because the first coordinates of Sobol points are the most evenly distributed. The rotation is
        a Householder reflection, which keeps independent normal numbers independent.
        """
        scores: dict[str, FloatArray] = {}
        first = 0
        for group in self.weights:
            columns = [special.ndtri(points[:, first + place]) for place in range(len(group))]
            scores |= zip(group, _reflect(columns, [*group.values()]), strict=True)
            first += len(group)
        return scores

    def amounts(
        self,
        term: Term,
        units: Sequence[ClaimUnit],
        values: Values,
        scores: Mapping[str, FloatArray],
        draws: int,
    ) -> FloatArray:
        """Return the payments to each claim unit of a term, (draws, units), in the smallest currency unit.

        Args:
            term: a term of the portfolio.
            units: the claim units of the term.
            values: the drawn inputs.
            scores: the result of the method `scores`.
            draws: the number of draws.
        """
        if term.certain:
            return term.moments(values, draws)[0]

        def own_scores(name: str) -> FloatArray:
            return scores[f"{term.process}, {name}"]

        counts = _accepted_counts(term, units, values, own_scores)
        payments = [
            np.broadcast_to(_payments(term, unit, count, values, own_scores), draws)
            for unit, count in zip(units, counts, strict=True)
        ]
        return np.stack(payments, axis=1) if payments else np.empty((draws, 0))


def _reflect(columns: Sequence[FloatArray], weights: Sequence[float]) -> list[FloatArray]:
    length = sum(weight**2 for weight in weights) ** 0.5
    mirror = [weight / length if length else 0.0 for weight in weights]
    mirror[0] -= 1.0
    square = sum(x**2 for x in mirror)
    if square < ALIGNED:
        return [*columns]
    # The code avoids a matrix product, whose last bit may depend on the number of threads.
    along = sum(x * column for x, column in zip(mirror, columns, strict=True)) * (2 / square)
    return [column - x * along for x, column in zip(mirror, columns, strict=True)]


def shared_processes(portfolios: Sequence[Portfolio], values: Values) -> list[CountProcess]:
    """Return the count processes of several policies; cost lines with the same id have the same counts.

    Args:
        portfolios: portfolios with the same inputs.
        values: sampled inputs; they decide which losses are pooled and the order of the scores.

    Returns:
        One process per portfolio; all processes use the same normal scores.
    """
    terms: dict[tuple[str, str], list[Term]] = {}
    for portfolio in portfolios:
        for term in portfolio.terms:
            terms.setdefault((term.process, term.valuation), []).append(term)
    units = {
        id(term): own_units
        for alike in terms.values()
        for term, own_units in zip(alike, shared_units(alike, _mean_rate(alike[0], values)), strict=True)
    }
    deviations: dict[str, float] = {}
    valuations: dict[str, str] = {}
    for portfolio in portfolios:
        for term in portfolio.terms:
            for name, variance in _score_variances(term, units[id(term)], values):
                score = f"{term.process}, {name}"
                valuations.setdefault(score, term.valuation)
                deviations[score] = max(deviations.get(score, 0.0), variance**0.5)
    ordered = sorted(deviations, key=lambda name: (-deviations[name], name))
    groups: dict[str, dict[str, float]] = {}
    for name in ordered:
        groups.setdefault(valuations[name], {})[name] = deviations[name]
    weights = tuple(groups[valuation] for valuation in sorted(groups))
    return [CountProcess(tuple(units[id(s)] for s in portfolio.terms), weights) for portfolio in portfolios]


def _mean_rate(term: Term, values: Values) -> float:
    """Return the mean acceptance rate of the trials (reports, claims or people) of a term."""
    _, rate = term.scale_and_rate(values)
    return float(rate.mean())


def _score_variances(term: Term, units: Sequence[ClaimUnit], values: Values) -> Iterator[tuple[str, float]]:
    if term.certain:
        return
    accepted = _mean_rate(term, values)
    award = float(term.value(term.award, values).mean()) if term.award else 1.0
    whole = 0.0
    for unit in units:
        claims, payment = unit.claims * accepted, unit.mean_payment * (award if unit.reviewed else 1.0)
        if unit.band is not None:
            claims *= float(term.value(term.mix, values)[:, unit.band].mean())
        else:
            yield unit.name, claims * (1 - accepted) * payment**2
        whole += claims * payment
        if unit.reviewed and term.spread:
            yield f"{unit.name}, awards", claims * (payment * term.spread) ** 2
        if unit.share and unit.deviation:
            yield f"{unit.name}, losses", claims * (unit.share * unit.deviation) ** 2
    if term.mix:
        variance = whole**2 / max(term.trials * accepted, TINY)
        yield "count", variance
        for band in _drawn_bands(term, units, values):
            yield _band_name(term, band), variance / (1 + band)


def _band_name(term: Term, band: int) -> str:
    return f"band {band} of {term.mix}"


def _drawn_bands(term: Term, units: Sequence[ClaimUnit], values: Values) -> range:
    """Return the positions of the loss bands of a band mix, from the highest to the lowest paid band.

    The range includes unpaid bands in between, so that policies that pay different bands share their counts.
    """
    lowest = min(unit.band for unit in units if unit.band is not None)
    return range(term.value(term.mix, values).shape[1] - 1, lowest - 1, -1)


def _accepted_counts(
    term: Term, units: Sequence[ClaimUnit], values: Values, scores: Scores
) -> list[FloatArray]:
    scale, rate = term.scale_and_rate(values)

    def draw_accepted(name: str, claims: float) -> FloatArray:
        if term.arrivals:
            return poisson_count(scores(name), claims * scale * rate)
        return binomial_count(scores(name), claims * scale, rate)

    if term.mix:
        split = _counts_by_band(term, units, values, draw_accepted("count", term.trials), scores)
        return [draw_accepted(u.name, u.claims) if u.band is None else split[u.band] for u in units]
    cap = np.inf if term.capacity is None else term.capacity  # nobody is served beyond the capacity
    return [np.minimum(draw_accepted(unit.name, unit.claims), cap) for unit in units]


def _counts_by_band(
    term: Term, units: Sequence[ClaimUnit], values: Values, count: FloatArray, scores: Scores
) -> dict[int, FloatArray]:
    remaining, remaining_share = count, np.ones_like(count)
    split, mix = {}, term.value(term.mix, values)
    for band in _drawn_bands(term, units, values):
        share = mix[:, band]
        chance = np.divide(share, remaining_share, out=np.ones_like(share), where=remaining_share > share)
        split[band] = binomial_count(scores(_band_name(term, band)), remaining, chance)
        remaining, remaining_share = remaining - split[band], remaining_share - share
    return split


def _payments(term: Term, unit: ClaimUnit, count: FloatArray, values: Values, scores: Scores) -> FloatArray:
    if unit.reviewed:
        award = term.value(term.award, values) if term.award else 1.0
        sums = award_sum(scores(f"{unit.name}, awards"), count, term.spread) if term.spread else count
        return np.asarray(unit.fixed * award * sums)
    if not unit.share:
        return np.asarray(unit.fixed * count)
    loss = count * unit.loss
    if unit.deviation:
        scale, _ = term.scale_and_rate(values)
        loss = _summed_losses(
            unit, count, scale, scores(f"{unit.name}, losses"), poisson_arrivals=term.arrivals
        )
    return np.asarray(unit.fixed * count + unit.share * loss)


def _summed_losses(
    unit: ClaimUnit, count: FloatArray, scale: FloatArray, score: FloatArray, *, poisson_arrivals: bool
) -> FloatArray:
    claims = unit.claims * scale
    refused = np.maximum(claims - count, 0.0)
    finite = np.ones_like(count) if poisson_arrivals else refused / np.maximum(claims - 1, 1.0)
    fraction = 0.0 if poisson_arrivals else count / np.maximum(claims, 1.0)
    effective = np.maximum(count * finite, 1.0)
    quantile = cornish_fisher(score, unit.skewness * (1 - 2 * fraction) / np.sqrt(effective), 0.0)
    loss = count * unit.loss + unit.deviation * np.sqrt(count * finite) * quantile
    low, high = count * unit.least, count * unit.most
    if not poisson_arrivals:
        whole = claims * unit.loss
        low = np.maximum(low, whole - refused * unit.most)
        high = np.minimum(high, whole - refused * unit.least)
    return np.clip(loss, low, np.maximum(low, high))
