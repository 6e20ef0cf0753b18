"""Scrambled Sobol points in replicates, their numerical error, and declared rank correlations.

A replicate is a Sobol net of its own, scrambled by a random linear map of the digits and a random shift
(Matousek 1998), so that its mean is an unbiased estimate and the replicates are independent. The points
are made here, not by scipy: `scipy.stats` takes half a second to import.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from outage_analysis.costs.uncertainty.directions import COLUMNS, MOST, Bits, directions
from outage_analysis.errors import ModelRefused, UsageError, refuse_no_level

Array = NDArray[np.float64]

BITS = 52
"""Binary digits of a point: with half a last digit added, an exact double strictly between 0 and 1."""
FEWEST = 2
"""Replicates below which they have no spread."""
NO_LESS = -1e-9
"""An eigenvalue down to here is zero that was rounded: inputs that move as one are allowed."""
EDGE = 0.5**53
"""How near a point comes to 0 and 1."""


def uniforms(dimensions: int, count: int, *, seed: int, replicates: int = 8) -> Array:
    """All points at once, (replicates, count // replicates, dimensions).

    The first dimensions do not change when further ones are added, nor the first points of a replicate
    when more are asked for, nor the first replicates.

    Raises:
        UsageError: as `blocks`.
    """
    return np.stack(list(blocks(dimensions, count, seed=seed, replicates=replicates)))


def blocks(dimensions: int, count: int, *, seed: int, replicates: int = 8) -> Iterator[Array]:
    """The points one replicate after the other, each (count // replicates, dimensions), between 0 and 1.

    Args:
        dimensions: of a point, at most 161. 0 is allowed: nothing is uncertain.
        count: points in all, a power of two in each replicate.
        seed: a number from 0 on; the same seed gives the same points anywhere.
        replicates: independent scramblings, at least 2: their spread is the numerical error.

    Raises:
        UsageError: numbers that do not fit, with the next ones that do.
    """
    _check(dimensions, count, seed, replicates)
    power = (count // replicates).bit_length() - 1
    return (_scrambled(dimensions, power, seed, replicate) for replicate in range(replicates))


def even_blocks(dimensions: int, count: int, *, seed: int, replicates: int = 8) -> Iterator[Array]:
    """As `blocks`, for any number of coordinates: beyond the most that Sobol points have, Latin hypercubes.

    In a Latin hypercube each coordinate is evenly spread on its own, so it suits coordinates that matter
    little: those come last.
    """
    sobol = min(dimensions, MOST)
    for replicate, points in enumerate(blocks(sobol, count, seed=seed, replicates=replicates)):
        if dimensions == sobol:
            yield points
        else:
            yield np.hstack([points, _hypercube(dimensions - sobol, len(points), seed, replicate)])


def _hypercube(dimensions: int, count: int, seed: int, replicate: int) -> Array:
    """A Latin hypercube, (count, dimensions), in an order that raw words decide."""
    stream = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(replicate, 1)))
    places = np.argsort(stream.random_raw((dimensions, count)), axis=1, kind="stable")
    inside = (stream.random_raw((dimensions, count)) >> np.uint64(12)).astype(float) * 0.5**BITS
    return np.asarray(((places + inside + EDGE) / count).T)


def half_width(estimates: ArrayLike, *, level: float = 0.9) -> Array:
    """Half the t interval of the mean of independent replicates, (replicates, ...) -> (...).

    The plain t interval holds its level best among those for such replicates (L'Ecuyer, Nakayama, Owen,
    Tuffin 2023).

    Raises:
        UsageError: fewer than 2 replicates, or no level.
    """
    refuse_no_level(level)
    values = np.asarray(estimates, float)
    if len(values) < FEWEST:
        raise UsageError("one replicate has no spread", remedy="Take 2 or more.")
    factor = special.stdtrit(len(values) - 1, (1 + level) / 2)
    return np.asarray(factor * values.std(axis=0, ddof=1) / np.sqrt(len(values)))


def correlated(u: Array, ranks: ArrayLike, names: Sequence[str] = ()) -> Array:
    """Points with declared Spearman rank correlations, by a Gaussian copula, (..., d) -> (..., d).

    A coordinate depends on those before it; one without a correlation to any before it keeps its bits.

    Args:
        u: independent points between 0 and 1.
        ranks: the rank correlations, (d, d).
        names: of the coordinates, for a refusal; by default their numbers, from 0.

    Raises:
        UsageError: a matrix for another number of coordinates.
        ModelRefused: no correlation matrix, or one that no Gaussian copula has.
    """
    matrix = np.asarray(ranks, float)
    if matrix.shape != (u.shape[-1],) * 2:
        raise UsageError(
            f"rank correlations of {matrix.shape} for {u.shape[-1]} coordinates",
            remedy="Give one row and one column a coordinate.",
        )
    factor = _factor(_gaussian(matrix, names or range(len(matrix))))
    moved = np.flatnonzero(np.tril(factor, -1).any(axis=1))
    if not len(moved):
        return u
    normal = {k: special.ndtri(u[..., k]) for k in np.flatnonzero(factor[moved].any(axis=0))}
    result = u.copy(order="K")
    for row in moved:
        # Term by term: a matrix product may differ in its last bit with the number of threads.
        total = sum(factor[row, k] * z for k, z in normal.items())
        result[..., row] = np.clip(special.ndtr(total), EDGE, 1 - EDGE)
    return result


def _check(dimensions: int, count: int, seed: int, replicates: int) -> None:
    if not 0 <= dimensions <= MOST:
        raise UsageError(
            f"points have at most {MOST} coordinates",
            value=dimensions,
            remedy="Fix the inputs that matter least, or join them.",
        )
    if seed < 0:
        raise UsageError("a seed is a whole number from 0 on", value=seed)
    if replicates < FEWEST:
        raise UsageError(
            "one replicate has no spread", value=replicates, remedy="Take at least 2 replicates."
        )
    if count > replicates << COLUMNS:
        raise UsageError("more draws than the sequence has points", value=count)
    each = max(count // replicates, 0)
    if each * replicates != count or each.bit_count() != 1:
        fits = replicates << max(-(-count // replicates) - 1, 0).bit_length()
        raise UsageError(
            f"draws come in {replicates} replicates of a power of two each",
            value=count,
            remedy=f"The next number that fits is {fits:,}.",
        )


def _scrambled(dimensions: int, power: int, seed: int, replicate: int) -> Array:
    """One scrambled net, (2^power, dimensions); in memory, a coordinate is a row."""
    columns = _columns(dimensions, power, seed, replicate)
    x = np.empty((dimensions, 1 << power), np.uint64)
    x[:, 0] = columns[:, power]
    for column in range(power):
        half = 1 << column
        np.bitwise_xor(x[:, :half], columns[:, [column]], out=x[:, half : 2 * half])
    return np.asarray((x.T + 0.5) * 0.5**BITS)


@lru_cache(maxsize=256)
def _columns(dimensions: int, power: int, seed: int, replicate: int) -> Bits:
    """The direction numbers of a replicate, scrambled, and last the point that it begins with.

    They are kept, as a run passes over its points several times: they are few, and slow to make.
    """
    numbers = directions(dimensions)[:, :power]
    stream = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(replicate,)))
    # Raw words, a row a dimension: no release of numpy and no further dimension changes them.
    words = stream.random_raw((dimensions, COLUMNS + 1)).astype(np.uint64) >> np.uint64(64 - BITS)
    moved = np.zeros_like(numbers)
    for digit in range(power):  # of the unscrambled point: stays, and alters the digits after it at random
        unit = np.uint64(1) << np.uint64(BITS - 1 - digit)
        image = unit | words[:, digit] & (unit - np.uint64(1))
        for column in range(digit, power):
            has = numbers[:, column] >> np.uint64(column - digit) & np.uint64(1)
            moved[:, column] ^= image * has
    return np.column_stack([moved, words[:, COLUMNS]])


def _gaussian(ranks: Array, names: Sequence[object]) -> Array:
    """The correlations of the normal variables behind rank correlations, checked."""
    square = np.isfinite(ranks).all() and (np.abs(ranks) <= 1).all() and (ranks == ranks.T).all()
    if not (square and (np.diag(ranks) == 1).all()):
        raise ModelRefused(
            "these are no correlations",
            remedy="Give a symmetric matrix of numbers from -1 to 1, with ones on the diagonal.",
        )
    normal = _pearson(ranks)
    values, vectors = np.linalg.eigh(normal)
    if len(values) and values[0] < NO_LESS:
        worst = np.abs(vectors[:, 0])
        among = ", ".join(str(names[int(k)]) for k in np.flatnonzero(worst > worst.max() / 10))
        raise ModelRefused(
            f"the rank correlations among {among} contradict each other (least eigenvalue {values[0]:.2g})",
            remedy=f"Weaken some, or multiply all by {_feasible(ranks):.2f} or less.",
        )
    return normal


def _pearson(ranks: Array) -> Array:
    normal = 2 * np.sin(np.pi / 6 * ranks)
    np.fill_diagonal(normal, 1.0)
    return np.asarray(normal)


def _feasible(ranks: Array) -> float:
    """The largest share of all rank correlations, in steps of a hundredth, that do not contradict."""
    off = ranks - np.eye(len(ranks))
    shares = (step / 100 for step in range(99, 0, -1))
    return next((s for s in shares if np.linalg.eigvalsh(_pearson(s * off))[0] >= NO_LESS), 0.0)


def _factor(matrix: Array) -> Array:
    """The lower triangle whose square is the matrix; unlike numpy's also where some inputs move as one."""
    lower = np.zeros_like(matrix)
    for k in range(len(matrix)):
        rest = matrix[k:, k] - (lower[k:, :k] * lower[k, :k]).sum(axis=1)
        if rest[0] > -NO_LESS:
            lower[k:, k] = rest / np.sqrt(rest[0])
    return lower
