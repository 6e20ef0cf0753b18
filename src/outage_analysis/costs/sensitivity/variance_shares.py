"""Sobol indices: the share of the variance of a total that each assumption causes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import special

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.sensitivity.tornado_and_levers import assumptions_behind
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.costs.uncertainty.simulation import SEED
from outage_analysis.costs.uncertainty.sobol import MIN_REPLICATES, sobol_replicates
from outage_analysis.errors import ModelRefused, UsageError, check_level
from outage_analysis.text import ASSUMPTION, ESTIMATE_DIGITS, KIND, Column, TableSchema

INDICES = TableSchema(
    "One row per uncertain input.",
    (
        ASSUMPTION,
        KIND,
        Column(
            "first", "share", "Share of the variance of the total that the input causes alone.", label="alone"
        ),
        Column("first_low", "share", "Lower end of the 95 % interval of `first`.", label="alone_low"),
        Column("first_high", "share", "Upper end of the 95 % interval of `first`.", label="alone_high"),
        Column("total", "share", "Share with everything that the input takes part in.", label="in_all"),
        Column("total_low", "share", "Lower end of the 95 % interval of `total`.", label="in_all_low"),
        Column("total_high", "share", "Upper end of the 95 % interval of `total`.", label="in_all_high"),
    ),
)
PAIRS = 2**13
"""The default number of pairs of points."""


def cost_sobol_indices(portfolio: Portfolio, valuation: str = "cash", *, draws: int = PAIRS) -> pl.DataFrame:
    """Return the Sobol indices of each assumption for the conditional mean of the total, given the inputs.

    The indices do not include the process variance, which remains if every input is known; `variance_split`
    returns it.

    Args:
        portfolio: the payment streams and their inputs.
        valuation: the kind of cost that is added up, such as `cash`.
        draws: the number of pairs of sample points, a power of two. The total is evaluated 2 x (assumptions +
            1) times per pair.

    Returns:
        One row per assumption, the largest total index first: `assumption`, `kind`, `first` (the share that
        it explains alone) and `total` (including its interactions), each with `_low` and `_high`, the ends of
        the 90 % interval of the numerical error.

    Raises:
        ModelRefused: nothing is uncertain, or the ledger declares correlations between inputs of the total.
    """
    entries = {name: e for name, e in assumptions_behind(portfolio, valuation).items() if e.dimensions}
    if not entries:
        raise ModelRefused(
            f"nothing about the {valuation.replace('_', ' ')} is uncertain, so there is no variance to share"
        )
    correlated = next((pair for pair in portfolio.correlations if set(pair) <= entries.keys()), None)
    if correlated is not None:
        raise ModelRefused(
            f"{correlated[0]} and {correlated[1]} are declared to depend on each other,"
            " and shares of the variance"
            " need independent inputs",
            remedy="Read the tornado, or take the correlations out of the ledger.",
        )
    streams = tuple(s for s in portfolio.streams if s.valuation == valuation)
    only = replace(portfolio, streams=streams, entries=assumptions_behind(portfolio, valuation))
    groups = {name: tuple(range(p.start, p.stop)) for name, p in only.places.items() if name in entries}

    def mean(points: FloatArray) -> FloatArray:
        values = only.values(points)
        parts = [stream.moments(values, len(points))[0].sum(axis=1) for stream in streams]
        return np.asarray(np.sum(parts, axis=0))

    table = sobol_indices(mean, groups, count=draws, seed=SEED).rename({"group": "assumption"})
    kinds = pl.col("assumption").replace_strict({name: e.kind for name, e in entries.items()})
    return (
        table.with_columns(pl.col(pl.Float64).round_sig_figs(ESTIMATE_DIGITS))
        .select("assumption", kinds.alias("kind"), pl.exclude("assumption"))
        .sort("total", "assumption", descending=[True, False])
    )


Array = NDArray[np.float64]
Model = Callable[[Array], Array]

ROUNDING = 1e-12
"""If results differ by less than this share of their size, the difference is rounding."""


def sobol_indices(
    model: Model,
    groups: Mapping[str, tuple[int, ...]],
    *,
    count: int,
    seed: int,
) -> pl.DataFrame:
    """Return first-order and total Sobol indices of groups of inputs, with 90 % numerical intervals.

    The estimators are those of Azzini, Mara and Rosati (2021), symmetric versions of Jansen's and Saltelli's.
    They evaluate the model at 2 x (groups + 1) x count points. A group without effect has indices of exactly
    0, and both indices of an additive model are equal. The total index of a group is 1 less the first-order
    index of all other groups together. A first-order estimate may be negative if the index is smaller than
    its numerical error; take more draws then, and do not replace it by 0.

    Args:
        model: a function from points (n, d), with independent coordinates between 0 and 1, to results (n,).
            Inputs that depend on each other belong in one group.
        groups: the coordinates of each group, from 0; every coordinate belongs to exactly one group.
        count: the number of pairs of points, a power of two per replicate.
        seed: the seed of the points.

    Returns:
        One row per group, in the order of `groups`: `group`, `first`, `first_low`, `first_high`, `total`,
        `total_low`, `total_high`.

    Raises:
        UsageError: groups leave out or repeat a coordinate, or the number of pairs is not valid.
        ModelRefused: results are not finite, or do not vary.
    """
    columns = [list(group) for group in groups.values()]
    coordinates = sorted(chain(*columns))
    if not coordinates or coordinates != list(range(len(coordinates))):
        raise UsageError(
            "the groups do not hold each coordinate once",
            value=dict(groups),
            remedy="Name every coordinate from 0 on in one group.",
        )
    pairs = sobol_replicates(2 * len(coordinates), count, seed=seed)
    parts = np.array([_index_parts(model, points, columns) for points in pairs])
    size, variance, *shares = parts.transpose(2, 0, 1)  # each array has the shape (replicates, groups)
    if variance.mean() <= (ROUNDING * size.max()) ** 2:
        raise ModelRefused(
            "the results do not vary, so there is no variance to share out",
            remedy="Leave at least one input uncertain.",
        )
    table: dict[str, object] = {"group": list(groups)}
    for name, share in zip(("first", "total"), shares, strict=True):
        index = share.mean(axis=0) / variance.mean(axis=0)
        # The delta method gives the error of the ratio of two means.
        error = half_width((share - index * variance) / variance.mean(axis=0))
        table |= {name: index, f"{name}_low": index - error, f"{name}_high": index + error}
    return pl.DataFrame(table)


def _index_parts(model: Model, points: Array, groups: Sequence[list[int]]) -> Array:
    a, b = np.hsplit(points, 2)
    at_a, at_b = _model_results(model, a), _model_results(model, b)
    size = np.abs(at_a).max()
    rows = []
    for group in groups:
        one, other = a.copy(order="K"), b.copy(order="K")
        one[:, group], other[:, group] = b[:, group], a[:, group]
        at_one, at_other = _model_results(model, one), _model_results(model, other)
        variance = np.mean((at_a - at_b) ** 2 + (at_one - at_other) ** 2) / 4
        first = np.mean((at_one - at_a) * (at_b - at_other)) / 2
        total = np.mean((at_one - at_a) ** 2 + (at_b - at_other) ** 2) / 4
        rows.append((size, variance, first, total))
    return np.array(rows)


def _model_results(model: Model, points: Array) -> Array:
    results = np.asarray(model(points), float)
    if results.shape != points.shape[:1]:
        raise UsageError("the model does not return one result per point", value=results.shape)
    if not np.isfinite(results).all():
        raise ModelRefused(
            "the model gives results that are no numbers, or infinite ones",
            remedy="Bound the inputs that are unbounded.",
        )
    return results


def half_width(estimates: ArrayLike, *, level: float = 0.9) -> Array:
    """Return half the width of the t confidence interval for the mean of independent replicates.

    The function averages over the first axis of `estimates`. For replicates of scrambled Sobol points, the
    plain t interval covers the mean most reliably (L'Ecuyer, Nakayama, Owen, Tuffin 2023).

    Raises:
        UsageError: there are fewer than 2 replicates, or the level is not between 0 and 1.
    """
    check_level(level)
    values = np.asarray(estimates, float)
    if len(values) < MIN_REPLICATES:
        raise UsageError("one replicate has no spread", remedy="Take 2 or more.")
    factor = special.stdtrit(len(values) - 1, (1 + level) / 2)
    return np.asarray(factor * values.std(axis=0, ddof=1) / np.sqrt(len(values)))
