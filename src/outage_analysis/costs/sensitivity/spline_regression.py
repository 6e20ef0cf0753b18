"""Regression of costs on one drawn input, with a spline whose flexibility the draws choose.

The columns of the regression are nested, from a constant on:

1. the constant,
2. the value of the input, because an expected cost is linear in each independent input,
3. natural cubic splines of the input's normal score with 3, 5 and 9 knots, for correlated inputs and for
   limits such as a capacity. An input with at most `FEW_VALUES` different values gets one column per value.

The number of columns is the one that predicts best when each replicate is left out of the fit in turn. A
band mix has the columns of each of its shares (an additive model).

All sums have a fixed order, so that the results do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from outage_analysis.assumptions import FloatArray

KNOTS = ((0.05,), (0.275, 0.725), (0.1625, 0.3875, 0.6125, 0.8375))
"""The probabilities of the knots that each step adds to the two knots `SHARED_KNOTS`."""
SHARED_KNOTS = (0.5, 0.95)
FEW_VALUES = 16
"""Up to this number of different values, the regression can have one mean per value."""
MOST_COLUMNS = 40
"""Steps that would exceed this number of columns are left out, as for a mix of many bands."""
ALIASED = 1e-8
"""A column is left out if the earlier columns explain all but this share of its variance."""
TIE = 1e-12
"""Prediction errors that differ by less than this share of the variance are equal."""


@dataclass(frozen=True, eq=False)
class SplineRegression:
    """The regression of several responses on one input, from the draws of independent replicates."""

    columns: FloatArray = field(repr=False)
    """The columns, (columns, replicates, draws), each with a mean square of 1."""
    steps: tuple[int, ...]
    """The number of columns after each step of flexibility."""
    responses: tuple[FloatArray, ...] = field(repr=False)
    """The responses, each (replicates, draws)."""

    @classmethod
    def from_draws(cls, values: FloatArray, responses: Sequence[FloatArray]) -> SplineRegression:
        """Return the regression on an input whose values have the shape (coordinates, replicates, draws)."""
        columns, steps = [np.ones(values.shape[1:])], [1]
        for step in _steps(values):
            scaled = [column for column in map(_standardised, step) if column is not None]
            if len(columns) + len(scaled) > MOST_COLUMNS:
                break
            columns += scaled
            steps.append(len(columns))
        return cls(np.array(columns), tuple(steps), tuple(responses))

    def predict(self, replicates: NDArray[np.intp]) -> list[FloatArray]:
        """Return the fitted responses at all draws, from a fit on some of the replicates.

        Args:
            replicates: the positions of the replicates from which the coefficients are estimated.
        """
        return [
            sum_in_order(self.columns[: self.size], coefficients)
            for coefficients in self._coefficients(replicates, (self.size,))[0]
        ]

    @cached_property
    def size(self) -> int:
        """The number of columns that predicts best in replicates that were left out of the fit."""
        replicates = np.arange(len(self._gram))
        errors = np.zeros(len(self.steps))
        for r in replicates:
            for k, fits in enumerate(self._coefficients(np.delete(replicates, r), self.steps)):
                for fit, products, square in zip(
                    fits, self._products[:, r], self._squares[:, r], strict=True
                ):
                    quadratic = (fit[:, None] * fit * self._gram[r, : len(fit), : len(fit)]).sum()
                    errors[k] += square - 2 * (fit * products[: len(fit)]).sum() + quadratic
        best = errors <= errors.min() + TIE * float(self._squares.sum())
        return self.steps[int(np.flatnonzero(best)[0])]

    def _coefficients(self, replicates: NDArray[np.intp], sizes: Sequence[int]) -> list[list[FloatArray]]:
        """Return the least-squares coefficients of each response, for each number of columns."""
        gram = self._gram[replicates].mean(axis=0)
        lower = _cholesky(gram)
        by_response = []
        for products in self._products[:, replicates]:
            projected = _solve_forward(lower, products.mean(axis=0))
            by_response.append([_solve_backward(lower[:size, :size], projected[:size]) for size in sizes])
        return [list(fits) for fits in zip(*by_response, strict=True)]

    @cached_property
    def _gram(self) -> FloatArray:
        """The mean products of the columns, (replicates, columns, columns)."""
        count = len(self.columns)
        gram = np.empty((self.columns.shape[1], count, count))
        for i in range(count):
            for j in range(i + 1):
                gram[:, i, j] = gram[:, j, i] = (self.columns[i] * self.columns[j]).mean(axis=1)
        return gram

    @cached_property
    def _products(self) -> FloatArray:
        """The mean products of each response with the columns, (responses, replicates, columns)."""
        return np.array(
            [np.stack([(y * x).mean(axis=1) for x in self.columns], axis=1) for y in self.responses]
        )

    @cached_property
    def _squares(self) -> FloatArray:
        """The mean square of each response, (responses, replicates)."""
        return np.array([(y * y).mean(axis=1) for y in self.responses])


def sum_in_order(columns: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Return the weighted sum of columns; a matrix product may depend on the number of threads."""
    total = np.zeros(columns.shape[1:])
    for column, coefficient in zip(columns, coefficients, strict=True):
        total += coefficient * column
    return total


def _steps(values: FloatArray) -> Iterator[list[FloatArray]]:
    yield list(values)
    if len(values) == 1:
        distinct = np.unique(values)
        if len(distinct) <= FEW_VALUES:
            yield [(values[0] == value).astype(float) for value in distinct]
            return
    scores = [_normal_scores(coordinate) for coordinate in values]
    for number, knots in enumerate(KNOTS):
        step = [] if number else list(scores)
        for knot in special.ndtri(knots):
            step += [_natural_spline(score, float(knot)) for score in scores]
        yield step


def _normal_scores(values: FloatArray) -> FloatArray:
    ordered = np.sort(values, axis=None)
    ranks = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return np.asarray(special.ndtri(ranks / (2 * values.size)))


def _natural_spline(score: FloatArray, knot: float) -> FloatArray:
    # The basis is that of Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, (5.4); the
    # knots that all its functions share come last, so that more knots add functions and change none.
    middle, last = special.ndtri(SHARED_KNOTS)

    def ramp(start: float) -> FloatArray:
        cubes = np.maximum(score - start, 0.0) ** 3 - np.maximum(score - last, 0.0) ** 3
        return np.asarray(cubes / (last - start))

    return ramp(knot) - ramp(middle)


def _standardised(column: FloatArray) -> FloatArray | None:
    if not np.ptp(column):
        return None
    centred = column - column.mean()
    return np.asarray(centred / np.sqrt((centred * centred).mean()))


def _cholesky(gram: FloatArray) -> FloatArray:
    lower = np.zeros_like(gram)
    for k in range(len(gram)):
        rest = gram[k:, k] - (lower[k:, :k] * lower[k, :k]).sum(axis=1)
        if rest[0] > ALIASED:
            lower[k:, k] = rest / np.sqrt(rest[0])
    return lower


def _solve_forward(lower: FloatArray, products: FloatArray) -> FloatArray:
    solution = np.zeros(len(lower))
    for k in np.flatnonzero(np.diag(lower)):
        solution[k] = (products[k] - (lower[k, :k] * solution[:k]).sum()) / lower[k, k]
    return solution


def _solve_backward(lower: FloatArray, projected: FloatArray) -> FloatArray:
    solution = np.zeros(len(lower))
    for k in np.flatnonzero(np.diag(lower))[::-1]:
        solution[k] = (projected[k] - (lower[k + 1 :, k] * solution[k + 1 :]).sum()) / lower[k, k]
    return solution
