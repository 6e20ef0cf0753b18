"""Shares of a total's variance by assumption: Sobol indices of the cost model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import NDArray

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.sensitivity.inputs import assumptions_behind
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.costs.uncertainty.simulation import SEED
from outage_analysis.costs.uncertainty.sobol import half_width, sobol_replicates
from outage_analysis.errors import ModelRefused, UsageError

PAIRS = 2**13
"""Points at which the inputs are swapped one by one."""


def cost_sobol_indices(portfolio: Portfolio, valuation: str = "cash", *, draws: int = PAIRS) -> pl.DataFrame:
    """How much of the variance of a total's mean, given the inputs, each assumption explains.

    What chance leaves when every input is known is in no share (`variance_split` has it).

    Args:
        portfolio: what is paid, and the inputs.
        valuation: which total.
        draws: pairs of points, a power of two; they cost 2 x (assumptions + 1) evaluations each.

    Returns:
        One row an assumption, the largest total index first: `assumption`, `kind`, `first` (the share it
        explains alone), `total` (with all it takes part in), each with `_low` and `_high`, the 90 %
        interval of its numerical error.

    Raises:
        ModelRefused: nothing is uncertain, or inputs are declared to depend on each other.
    """
    entries = {name: e for name, e in assumptions_behind(portfolio, valuation).items() if e.dimensions}
    if not entries:
        raise ModelRefused(
            f"nothing about the {valuation.replace('_', ' ')} is uncertain, so there is no variance to share"
        )
    tied = next((pair for pair in portfolio.correlations if set(pair) <= entries.keys()), None)
    if tied is not None:
        raise ModelRefused(
            f"{tied[0]} and {tied[1]} are declared to depend on each other, and shares of the variance"
            " need independent inputs",
            remedy="Read the tornado, or take the correlations out of the ledger.",
        )
    mine = tuple(s for s in portfolio.streams if s.valuation == valuation)
    only = replace(portfolio, streams=mine, entries=assumptions_behind(portfolio, valuation))
    groups = {name: tuple(range(p.start, p.stop)) for name, p in only.places.items() if name in entries}

    def mean(points: FloatArray) -> FloatArray:
        values = only.values(points)
        parts = [stream.moments(values, len(points))[0].sum(axis=1) for stream in mine]
        return np.asarray(np.sum(parts, axis=0))

    table = sobol_indices(mean, groups, count=draws, seed=SEED).rename({"group": "assumption"})
    kinds = pl.col("assumption").replace_strict({name: e.kind for name, e in entries.items()})
    return (
        table.with_columns(pl.col(pl.Float64).round_sig_figs(6))
        .select("assumption", kinds.alias("kind"), pl.exclude("assumption"))
        .sort("total", "assumption", descending=[True, False])
    )


Array = NDArray[np.float64]
Model = Callable[[Array], Array]

ROUNDING = 1e-12
"""A spread of results below this share of their size is rounding."""


def sobol_indices(
    model: Model,
    groups: Mapping[str, tuple[int, ...]],
    *,
    count: int,
    seed: int,
) -> pl.DataFrame:
    """First-order and total indices of groups of coordinates, with 90 % intervals of their numerical error.

    The estimators are those of Azzini, Mara and Rosati (2021), Jansen's and Saltelli's made symmetric.
    They cost 2 x (groups + 1) x count results. A group without effect has 0 exactly, both indices of an
    additive model are equal, and the total index of a group is one less the first-order index of all the
    others. A first-order estimate may be negative: then the index is less than its numerical error, and
    more draws, not zero, are the better answer.

    Args:
        model: results (n,) of points (n, d) with independent coordinates between 0 and 1. Inputs that
            depend on each other belong in one group.
        groups: the coordinates of each group, from 0; every coordinate belongs to one group.
        count: pairs of points in all, a power of two in each replicate.
        seed: of the points.

    Returns:
        One row a group, as given: `group`, `first`, `first_low`, `first_high`, `total`, `total_low`,
        `total_high`.

    Raises:
        UsageError: groups that leave out or repeat a coordinate, or a number of draws that does not fit.
        ModelRefused: results that are no numbers, or that do not vary.
    """
    columns = [list(group) for group in groups.values()]
    named = sorted(chain(*columns))
    if not named or named != list(range(len(named))):
        raise UsageError(
            "the groups do not hold each coordinate once",
            value=dict(groups),
            remedy="Name every coordinate from 0 on in one group.",
        )
    pairs = sobol_replicates(2 * len(named), count, seed=seed)
    parts = np.array([_index_parts(model, points, columns) for points in pairs])
    size, variance, *shares = parts.transpose(2, 0, 1)  # each (replicates, groups)
    if variance.mean() <= (ROUNDING * size.max()) ** 2:
        raise ModelRefused(
            "the results do not vary, so there is no variance to share out",
            remedy="Leave at least one input uncertain.",
        )
    table: dict[str, object] = {"group": list(groups)}
    for name, share in zip(("first", "total"), shares, strict=True):
        index = share.mean(axis=0) / variance.mean(axis=0)
        # The error of a ratio of means, to first order.
        error = half_width((share - index * variance) / variance.mean(axis=0))
        table |= {name: index, f"{name}_low": index - error, f"{name}_high": index + error}
    return pl.DataFrame(table)


def _index_parts(model: Model, points: Array, groups: Sequence[list[int]]) -> Array:
    """Size of the results, variance, first-order part, total part: (groups, 4), from one replicate."""
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
        raise UsageError("the model does not give one result a point", value=results.shape)
    if not np.isfinite(results).all():
        raise ModelRefused(
            "the model gives results that are no numbers, or infinite ones",
            remedy="Bound the inputs that are unbounded.",
        )
    return results
