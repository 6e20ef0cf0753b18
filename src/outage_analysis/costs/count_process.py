"""Draws the numbers of accepted claims and their payments, given the uncertain inputs.

Counts are drawn by inversion of their distribution function. They use additional coordinates of the random
points that draw the inputs, so that all results come from one sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any

import numpy as np
from scipy import special

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.benefits import rows_with_formula
from outage_analysis.costs.expected import Portfolio
from outage_analysis.costs.terms import LABELS, PAIR, Term, Values
from outage_analysis.incidents import Band
from outage_analysis.losses import Cube
from outage_analysis.policies import Schedule

SMOOTH_FROM = 8.0
"""From this standard deviation on, the Cornish-Fisher expansion replaces the search. At most 1 % of the
counts are then wrong, each by one, which changes no probability by more than 0.0005."""
TINY = 1e-300
"""Replaces zero in a denominator."""


def binomial_count(score: FloatArray, trials: FloatArray, rate: FloatArray) -> FloatArray:
    """Return the binomial counts for the given normal scores, (n,); the arguments are broadcast.

    A count is the smallest one whose distribution function reaches the probability of the score. If the
    variance is small, it comes from a search, else from the Cornish-Fisher expansion. For a fractional number
    of trials, the distribution is a mixture for the two nearest whole numbers, so that the mean is
    trials x rate.

    Args:
        score: standard normal scores of the probabilities.
        trials: the numbers of trials, at least 0.
        rate: the probability of success per trial, 0 to 1.

    Example:
        >>> import numpy as np
        >>> binomial_count(np.array([-2.0, 0.0, 2.0]), np.full(3, 5.0), np.full(3, 0.4)).tolist()
        [0.0, 2.0, 4.0]
    """
    score, trials, rate = np.broadcast_arrays(score, trials, rate)
    refused = 1 - rate
    variance = trials * rate * refused
    positive = np.maximum(variance, TINY)
    skewness = np.clip((refused - rate) / np.sqrt(positive), -1.0, 1.0)
    excess = np.clip(1 / positive - 6 / np.maximum(trials, 1.0), -1.0, 1.0)
    quantile = cornish_fisher(score, skewness, excess)
    most = np.ceil(trials)
    count = np.clip(np.floor(trials * rate + np.sqrt(variance) * quantile + 0.5), 0.0, most)
    searched = up = np.flatnonzero(variance < SMOOTH_FROM**2)
    if not len(searched):
        return count

    u, chance = special.ndtr(score), np.zeros_like(count)
    while len(up):  # as long as the chance of at most so many is too small
        chance[up] = _mixture(_chance_of_at_most, count[up], trials[up], rate[up])
        up = up[(chance[up] < u[up]) & (count[up] < most[up])]
        count[up] += 1
    down = searched[chance[searched] >= u[searched]]
    while len(down):  # as long as one less still suffices
        down = down[count[down] > 0]
        chance[down] -= _mixture(_chance_of, count[down], trials[down], rate[down])
        down = down[chance[down] >= u[down]]
        count[down] -= 1
    return count


def cornish_fisher(z: FloatArray, skewness: FloatArray | float, excess: FloatArray | float) -> FloatArray:
    """Return standardised quantiles at the normal scores z, by the expansion of Cornish and Fisher (1938)."""
    square = z * z
    bent = skewness * (square - 1) / 6 + z * (
        excess * (square - 3) / 24 - skewness * skewness * (2 * square - 5) / 36
    )
    return np.asarray(z + bent)


def _mixture(
    chance: Callable[[FloatArray, FloatArray, FloatArray], FloatArray],
    count: FloatArray,
    trials: FloatArray,
    rate: FloatArray,
) -> FloatArray:
    """Return the chance for a number of trials that may lie between two whole numbers."""
    whole = np.floor(trials)
    part = trials - whole
    below = chance(count, whole, rate)
    return below if not part.any() else (1 - part) * below + part * chance(count, whole + 1, rate)


def _chance_of_at_most(count: FloatArray, trials: FloatArray, rate: FloatArray) -> FloatArray:
    inside = (count >= 0) & (count < trials)
    failures = np.where(inside, trials - count, 1.0)
    below = special.betainc(failures, np.where(inside, count, 0.0) + 1, 1 - rate)
    return np.where(inside, below, (count >= trials).astype(float))


def _chance_of(count: FloatArray, trials: FloatArray, rate: FloatArray) -> FloatArray:
    failures = np.maximum(trials - count, 0.0)
    ways = special.gammaln(trials + 1) - special.gammaln(count + 1) - special.gammaln(failures + 1)
    chance = np.exp(ways + special.xlogy(count, rate) + special.xlog1py(failures, -rate))
    return np.where(count <= trials, chance, 0.0)


SCORES = np.linspace(-5.0, 5.0, 201)
"""Normal scores of the tabulated quantiles: 3e-7 to 1 - 3e-7."""
LARGEST_AWARD_SCORE = 5.2
"""Normal score of the largest single award that the lattice holds."""
STEP = 0.05
"""Lattice step as a share of one standard deviation, or of the median award times the root of the count."""
FEWEST_POINTS, MOST_POINTS = 2**11, 2**19
GROWTH = 1.3
"""The ratio of neighbouring counts in the table for counts above 8; every smaller count has a row."""
EXACT_COUNTS_TO = 8
EXPANSION_BELOW = 0.15
"""If the skewness of the sum is below this, the expansion of Cornish and Fisher replaces the lattice."""


def award_sum(score: FloatArray, counts: FloatArray, spread: float) -> FloatArray:
    """Return, per number of lognormal awards with mean 1, the quantile of their sum at a score, (n,).

    Args:
        score: the quantile to take of each sum, as a standard normal score.
        counts: the number of awards in each sum.
        spread: the standard deviation of one award.

    Example:
        >>> import numpy as np
        >>> award_sum(np.array([0.0, 0.0]), np.array([0.0, 1.0]), 1.0).round(3).tolist()
        [0.0, 0.707]
    """
    if not spread or not counts.any():
        return counts.astype(float)
    score = np.clip(score, SCORES[0], SCORES[-1])
    rows, quantiles = award_sum_table(float(counts.max()), spread, float(counts[counts > 0].min()))
    table = np.array(quantiles)
    # Between the rows and columns of the table, the logarithms are interpolated.
    row = np.interp(np.log(np.maximum(counts, 1.0)), np.log(rows), np.arange(len(rows)))
    column = (score - SCORES[0]) / (SCORES[1] - SCORES[0])
    above = np.minimum(row.astype(int), table.shape[0] - 2)
    left = np.minimum(column.astype(int), table.shape[1] - 2)
    down, right = row - above, column - left
    upper = table[above, left] * (1 - right) + table[above, left + 1] * right
    lower = table[above + 1, left] * (1 - right) + table[above + 1, left + 1] * right
    return np.asarray(counts * np.exp(upper * (1 - down) + lower * down))


def award_sum_table(most: float, spread: float, least: float = 1.0) -> tuple[list[int], list[FloatArray]]:
    """Tabulate the sums of `least` to `most` awards.

    Returns:
        The numbers of awards, one per row, and the rows: logarithms of the quantiles of the mean of so many
        awards at the normal scores `SCORES`.
    """
    most, counts = max(most, 1.0), [*range(1, EXACT_COUNTS_TO + 1)]
    while counts[-1] <= most:
        counts.append(math.ceil(counts[-1] * GROWTH))
    first = next(k for k, n in enumerate(counts) if n > least) - 1
    last = next(k for k, n in enumerate(counts) if n > most)
    rows = counts[first : last + 1]  # from at most `least` to above `most`
    return rows, [_log_mean_quantiles(n, spread) for n in rows]


@lru_cache(maxsize=1024)
def _log_mean_quantiles(count: int, spread: float) -> FloatArray:
    """Return the logarithms of the quantiles of the mean of `count` awards, at the normal scores `SCORES`."""
    sigma = math.sqrt(math.log1p(spread**2))
    if count == 1:
        return SCORES * sigma - sigma**2 / 2
    deviation = spread / math.sqrt(count)
    skewness = (spread**3 + 3 * spread) / math.sqrt(count)
    if skewness < EXPANSION_BELOW:
        w = 1 + spread**2
        excess = (w**4 + 2 * w**3 + 3 * w**2 - 6) / count
        return np.log1p(deviation * cornish_fisher(SCORES, skewness, excess))
    # The lattice must be long enough for one extreme award if the other awards are near their mean.
    top = count + math.exp(sigma * LARGEST_AWARD_SCORE - sigma**2 / 2) + 8 * spread * math.sqrt(count)
    wanted = STEP * min(spread, math.sqrt(count) * math.exp(-(sigma**2) / 2))
    points = int(np.clip(2 ** math.ceil(math.log2(top / wanted)), FEWEST_POINTS, MOST_POINTS // 2))
    step = top / points
    # Put one award on the lattice, so that the probability and the mean of each cell stay the same.
    scores = np.append(-np.inf, (np.log(np.arange(1, points + 1) * step) + sigma**2 / 2) / sigma)
    mass, mean = np.diff(special.ndtr(scores)), np.diff(special.ndtr(scores - sigma))
    upper = np.clip(mean / step - np.arange(points) * mass, 0.0, mass)
    lattice = mass - upper
    lattice[1:] += upper[:-1]
    power = np.fft.irfft(np.fft.rfft(lattice, 2 * points) ** count, 2 * points)
    below = np.cumsum(np.maximum(power, 0.0))
    # The probability of a lattice point is spread over half a step on either side of the point.
    edges = (np.arange(len(below)) + 0.5) * step
    quantiles = np.interp(special.ndtr(SCORES), below / below[-1], edges)
    return np.asarray(np.log(quantiles / count))


POOLING_TOLERANCE = 0.3
"""Bands are pooled if their mean losses differ from the mean of the pool by at most this many standard
deviations of the total loss of the accepted claims in the pool."""
UNPOOLED_CLAIMS = 200
"""Up to this number of claims there is no pooling, because the sum of the losses takes few values."""
MAX_SEPARATE_BANDS = 48
"""At most this many bands with the same payment formula have a claim count of their own."""
SMALLEST_CHANCE = 1e-6
"""The smallest variance of the acceptance of a claim, used if the acceptance rate is 0 or 1."""


Cell = dict[str, Any]
"""The claims of one cell of a cube, each paid `fixed + share x loss` or by review.

`key` has the values of the cube's dimensions, and `labels` service, claimant type, band and outcome of the
rule that pays the cell."""
FROM_RULE = {"over": "rule_over", "up_to": "rule_up_to"}
"""Labels that come from the payment rule instead of the cell, with the names of their columns."""


def _cells(cube: Cube, line: Schedule) -> Iterator[Cell]:
    for row in rows_with_formula(cube, line).iter_rows(named=True):
        reviewed = row["entitled"] and row["rule"] == "review"
        pays = row["entitled"] and row["fixed"] is not None
        fixed, share = (float(row[name]) if pays else 0.0 for name in ("fixed", "slope"))
        claims, loss = float(row["claims"]), float(row["loss"] or 0)
        equal = loss**2 / claims if claims else 0.0
        yield {
            "key": tuple(row[name] for name in cube.dimensions),
            "band": (row["over"], row["up_to"]),
            "claims": claims,
            "loss": loss,
            "sum_of_squares": equal if row["loss_squared"] is None else float(row["loss_squared"]),
            "fixed": 1.0 if reviewed else fixed,
            "share": share,
            "reviewed": reviewed,
            "paid": bool(fixed or share or reviewed),
            "labels": {name: row.get(FROM_RULE.get(name, name)) for name in LABELS},
        }


@dataclass(frozen=True)
class ClaimUnit:
    """A group of claims whose accepted number is drawn as one count.

    An accepted claim is paid `fixed + share x loss`, or an award if it is `reviewed`.
    """

    name: str
    """Part of the name of its normal score. Units with the same score, claims and acceptance have the same
    count of accepted claims."""
    claims: float
    """The number of claims, accepted or not."""
    fixed: float = 0.0
    """Paid to each accepted claim; if reviewed, the multiple of the award."""
    share: float = 0.0
    """The share of the loss that is paid as well."""
    loss: float = 0.0
    """The mean loss."""
    deviation: float = 0.0
    """The standard deviation of the losses; 0 if all losses are treated as equal."""
    skewness: float = 0.0
    """The skewness of the losses."""
    least: float = 0.0
    """The smallest possible loss."""
    most: float = math.inf
    """The largest possible loss."""
    reviewed: bool = False
    band: int | None = None
    """The position of its band in the term's band mix, if the term has one."""
    labels: tuple[Mapping[str, Any], ...] = ({},)
    """Service, claimant type, band and rule of each cell, with its `share` of the unit's mean payment."""


def shared_units(terms: Sequence[Term], accepted: float) -> list[tuple[ClaimUnit, ...]]:
    """Return, per policy with a cost line, its claim units: groups of claims drawn as one count.

    Args:
        terms: the term of the line under each policy.
        accepted: roughly the share of claims that is accepted; it decides which losses can be pooled.

    Returns:
        The units of each term. The terms share their units, so the counts are the same under each policy,
        unless the terms come from cubes with different cells.
    """
    if any(term.claim_cells is None or term.certain for term in terms):
        return [
            tuple(
                ClaimUnit(
                    f"part {number}" if part.band is None else band_name(term, part.band),
                    part.paid**2 / part.sum_of_squares if part.sum_of_squares else 0.0,
                    fixed=part.sum_of_squares / part.paid if part.paid else 0.0,
                    reviewed=part.reviewed,
                    band=part.band,
                    labels=part.labels,
                )
                for number, part in enumerate(term.parts)
            )
            for term in terms
        ]
    policies = [[*_cells(*term.claim_cells)] for term in terms if term.claim_cells]
    same = itemgetter("key", "band", "claims", "loss")
    if len({tuple(map(same, cells)) for cells in policies}) > 1:
        return [_units_from_cells([c], accepted, f"policy {n} ")[0] for n, c in enumerate(policies)]
    return _units_from_cells(policies, accepted)


def _units_from_cells(
    policies: Sequence[Sequence[Cell]], accepted: float, prefix: str = ""
) -> list[tuple[ClaimUnit, ...]]:
    """Return the claim units of the same cube cells (groups of claims), for each of several policies.

    Cells form a group if each policy pays all of them by one formula. `prefix` makes the unit names different
    from the unit names of other cells.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for place, alike in enumerate(zip(*policies, strict=True)):
        if alike[0]["claims"] and any(cell["paid"] for cell in alike):
            formulas = tuple(map(itemgetter("fixed", "share", "reviewed"), alike))
            groups.setdefault(formulas, []).append(place)
    units: list[list[ClaimUnit]] = [[] for _ in policies]
    for number, places in enumerate(groups.values()):
        flat = not any(cells[places[0]]["share"] for cells in policies)
        same = [policies[0][place] for place in places]
        pools = [_pool_cells(range(len(places)), same)] if flat else [*_units_by_loss(same, accepted)]
        for place, (members, pool) in enumerate(pools):
            name = f"{prefix}group {number} pool {place}"
            for own_units, cells in zip(units, policies, strict=True):
                own = [cells[places[member]] for member in members]
                if not own[0]["paid"]:
                    continue
                payments = [cell["claims"] * cell["fixed"] + cell["share"] * cell["loss"] for cell in own]
                whole = sum(payments) or 1.0
                labels = tuple(
                    {**c["labels"], "share": x / whole} for c, x in zip(own, payments, strict=True)
                )
                formula = {name: own[0][name] for name in ("fixed", "share", "reviewed")}
                own_units.append(replace(pool, name=name, labels=labels, **formula))
    return [tuple(own_units) for own_units in units]


def _units_by_loss(cells: Sequence[Cell], accepted: float) -> Iterator[tuple[Sequence[int], ClaimUnit]]:
    by_band: dict[Band, list[int]] = {}
    for place, cell in enumerate(cells):
        by_band.setdefault(cell["band"], []).append(place)
    bands = sorted(
        (_pool_cells(places_in_band, cells) for places_in_band in by_band.values()),
        key=lambda band: -band[1].loss,
    )
    single = _separate_bands([band for _, band in bands], accepted)
    for places_in_band, band in bands[:single]:
        alike = replace(band, deviation=0.0)
        if band.claims == PAIR:  # the sums of losses and of squares determine both losses
            yield places_in_band, replace(alike, claims=1.0, loss=band.loss + band.deviation)
            yield places_in_band, replace(alike, claims=1.0, loss=band.loss - band.deviation)
        else:
            yield places_in_band, alike
    if single < len(bands):
        rest = [band for _, band in bands[single:]]
        places, pool = _pool_cells(
            [place for places_in_band, _ in bands[single:] for place in places_in_band], cells
        )
        third = sum(band.claims * (band.loss - pool.loss) ** 3 for band in rest) / pool.claims
        yield places, replace(pool, skewness=third / pool.deviation**3 if pool.deviation else 0.0)


def _separate_bands(bands: Sequence[ClaimUnit], accepted: float) -> int:
    if sum(band.claims for band in bands) <= UNPOOLED_CLAIMS:
        return len(bands)
    chance = max(accepted * (1 - accepted), SMALLEST_CHANCE)
    most = min(len(bands), MAX_SEPARATE_BANDS)
    for single in range(most):
        rest = bands[single:]
        mean = sum(band.claims * band.loss for band in rest) / sum(band.claims for band in rest)
        deviation = (chance * sum(band.claims * (band.loss**2 + band.deviation**2) for band in rest)) ** 0.5
        if max(abs(band.loss - mean) for band in rest) <= POOLING_TOLERANCE * deviation:
            return single
    return most


def _pool_cells(places: Iterable[int], cells: Sequence[Cell]) -> tuple[Sequence[int], ClaimUnit]:
    places = list(places)
    claims, whole, squared = (
        sum(cells[place][name] for place in places) for name in ("claims", "loss", "sum_of_squares")
    )
    ends = [cells[place]["band"] for place in places]
    return places, ClaimUnit(
        "",
        claims,
        loss=whole / claims,
        deviation=max(squared / claims - (whole / claims) ** 2, 0.0) ** 0.5,
        least=float(min(low or 0 for low, _ in ends)),
        most=min(max(math.inf if high is None else float(high) for _, high in ends), whole),
    )


ALIGNED = 1e-12
"""If the Householder vector is shorter than this (squared), no reflection is needed."""


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
            first += len(group)
            length = sum(weight**2 for weight in group.values()) ** 0.5
            mirror = [weight / length if length else 0.0 for weight in group.values()]
            mirror[0] -= 1.0
            square = sum(x**2 for x in mirror)
            if square >= ALIGNED:
                # The code avoids a matrix product, whose last bit may depend on the number of threads.
                along = sum(x * column for x, column in zip(mirror, columns, strict=True)) * (2 / square)
                columns = [column - x * along for x, column in zip(mirror, columns, strict=True)]
            scores |= zip(group, columns, strict=True)
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

        scale, rate = term.scale_and_rate(values)

        def draw_accepted(name: str, claims: float) -> FloatArray:
            return binomial_count(own_scores(name), claims * scale, rate)

        if term.mix:
            remaining, split = draw_accepted("count", term.trials), dict[int | None, FloatArray]()
            mix, remaining_share = term.value(term.mix, values), np.ones_like(remaining)
            for band in _drawn_bands(term, units, values):
                share, chance = mix[:, band], np.ones_like(remaining)
                np.divide(share, remaining_share, out=chance, where=remaining_share > share)
                split[band] = binomial_count(own_scores(band_name(term, band)), remaining, chance)
                remaining, remaining_share = remaining - split[band], remaining_share - share
            counts = [draw_accepted(u.name, u.claims) if u.band is None else split[u.band] for u in units]
        else:
            cap = np.inf if term.capacity is None else term.capacity  # nobody is served beyond the capacity
            counts = [np.minimum(draw_accepted(unit.name, unit.claims), cap) for unit in units]
        payments = [
            np.broadcast_to(_payments(term, unit, count, values, own_scores), draws)
            for unit, count in zip(units, counts, strict=True)
        ]
        return np.stack(payments, axis=1) if payments else np.empty((draws, 0))


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
    groups: dict[str, dict[str, float]] = {}
    for name in sorted(deviations, key=lambda name: (-deviations[name], name)):
        groups.setdefault(valuations[name], {})[name] = deviations[name]
    weights = tuple(groups[valuation] for valuation in sorted(groups))
    return [CountProcess(tuple(units[id(s)] for s in portfolio.terms), weights) for portfolio in portfolios]


def _mean_rate(term: Term, values: Values) -> float:
    """Return the mean acceptance rate of the trials (reports, claims or people) of a term."""
    return float(term.scale_and_rate(values)[1].mean())


def _score_variances(term: Term, units: Sequence[ClaimUnit], values: Values) -> Iterator[tuple[str, float]]:
    if term.certain:
        return
    accepted = _mean_rate(term, values)
    award = float(term.value(term.award, values).mean()) if term.award else 1.0
    whole = 0.0
    for unit in units:
        claims, payment = unit.claims * accepted, unit.fixed + unit.share * unit.loss
        payment *= award if unit.reviewed else 1.0
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
            yield band_name(term, band), variance / (1 + band)


def band_name(term: Term, band: int) -> str:
    """Return the name of the score that says how many claims of a term fall into a band of its mix."""
    return f"band {band} of {term.mix}"


def _drawn_bands(term: Term, units: Sequence[ClaimUnit], values: Values) -> range:
    """Return the positions of the loss bands of a band mix, from the highest to the lowest paid band.

    The range includes unpaid bands in between, so that policies that pay different bands share their counts.
    """
    lowest = min(unit.band for unit in units if unit.band is not None)
    return range(term.value(term.mix, values).shape[1] - 1, lowest - 1, -1)


def _payments(
    term: Term, unit: ClaimUnit, count: FloatArray, values: Values, scores: Callable[[str], FloatArray]
) -> FloatArray:
    if unit.reviewed:
        award = term.value(term.award, values) if term.award else 1.0
        sums = award_sum(scores(f"{unit.name}, awards"), count, term.spread) if term.spread else count
        return np.asarray(unit.fixed * award * sums)
    if not unit.share:
        return np.asarray(unit.fixed * count)
    loss = count * unit.loss
    if unit.deviation:
        claims = unit.claims * term.scale_and_rate(values)[0]
        refused = np.maximum(claims - count, 0.0)
        finite, fraction = refused / np.maximum(claims - 1, 1.0), count / np.maximum(claims, 1.0)
        skewness = unit.skewness * (1 - 2 * fraction) / np.sqrt(np.maximum(count * finite, 1.0))
        quantile = cornish_fisher(scores(f"{unit.name}, losses"), skewness, 0.0)
        low = np.maximum(count * unit.least, claims * unit.loss - refused * unit.most)
        high = np.minimum(count * unit.most, claims * unit.loss - refused * unit.least)
        loss = np.clip(loss + unit.deviation * np.sqrt(count * finite) * quantile, low, np.maximum(low, high))
    return np.asarray(unit.fixed * count + unit.share * loss)
