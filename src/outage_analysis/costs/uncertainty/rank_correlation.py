"""Points between 0 and 1 with given rank correlations, by a Gaussian copula."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from outage_analysis.costs.uncertainty.sobol import EDGE, Array
from outage_analysis.errors import ModelRefused, UsageError

EIGENVALUE_TOLERANCE = -1e-9
"""Smallest eigenvalue that counts as zero; zero is allowed, because inputs may be perfectly correlated."""


def correlate_ranks(u: Array, ranks: ArrayLike, names: Sequence[str] = ()) -> Array:
    """Return the points (..., d), changed by a Gaussian copula so that they have given rank correlations.

    A coordinate changes only if it is correlated with an earlier one.

    Args:
        u: independent points between 0 and 1.
        ranks: the required rank correlations (Spearman's), (d, d).
        names: the names of the coordinates for error messages; by default their numbers from 0.

    Raises:
        UsageError: the matrix has the wrong size.
        ModelRefused: the matrix is not a correlation matrix, or no Gaussian copula has these correlations.
    """
    matrix = np.asarray(ranks, float)
    if matrix.shape != (u.shape[-1],) * 2:
        raise UsageError(
            f"rank correlations of {matrix.shape} for {u.shape[-1]} coordinates",
            remedy="Give one row and one column per coordinate.",
        )
    factor = _cholesky(_gaussian_correlations(matrix, names or range(len(matrix))))
    moved = np.flatnonzero(np.tril(factor, -1).any(axis=1))
    if not len(moved):
        return u
    normal = {k: special.ndtri(u[..., k]) for k in np.flatnonzero(factor[moved].any(axis=0))}
    result = u.copy(order="K")
    for row in moved:
        # The code avoids a matrix product, whose last bit may depend on the number of threads.
        total = sum(factor[row, k] * z for k, z in normal.items())
        result[..., row] = np.clip(special.ndtr(total), EDGE, 1 - EDGE)
    return result


def _gaussian_correlations(ranks: Array, names: Sequence[object]) -> Array:
    square = np.isfinite(ranks).all() and (np.abs(ranks) <= 1).all() and (ranks == ranks.T).all()
    if not (square and (np.diag(ranks) == 1).all()):
        raise ModelRefused(
            "these are not correlations",
            remedy="Give a symmetric matrix of numbers from -1 to 1, with ones on the diagonal.",
        )
    normal = _pearson_from_ranks(ranks)
    values, vectors = np.linalg.eigh(normal)
    if len(values) and values[0] < EIGENVALUE_TOLERANCE:
        worst = np.abs(vectors[:, 0])
        among = ", ".join(str(names[int(k)]) for k in np.flatnonzero(worst > worst.max() / 10))
        raise ModelRefused(
            f"the rank correlations among {among} contradict each other (least eigenvalue {values[0]:.2g})",
            remedy=f"Weaken some, or multiply all by {_feasible_share(ranks):.2f} or less.",
        )
    return normal


def _pearson_from_ranks(ranks: Array) -> Array:
    normal = 2 * np.sin(np.pi / 6 * ranks)
    np.fill_diagonal(normal, 1.0)
    return np.asarray(normal)


def _feasible_share(ranks: Array) -> float:
    off = ranks - np.eye(len(ranks))
    shares = (step / 100 for step in range(99, 0, -1))
    return next(
        (s for s in shares if np.linalg.eigvalsh(_pearson_from_ranks(s * off))[0] >= EIGENVALUE_TOLERANCE),
        0.0,
    )


def _cholesky(matrix: Array) -> Array:
    lower = np.zeros_like(matrix)
    for k in range(len(matrix)):
        rest = matrix[k:, k] - (lower[k:, :k] * lower[k, :k]).sum(axis=1)
        if rest[0] > -EIGENVALUE_TOLERANCE:
            lower[k:, k] = rest / np.sqrt(rest[0])
    return lower
