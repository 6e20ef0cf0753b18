"""Splits the variance of a total by source, and its mean and tail mean by cost line and group of claims."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
import polars as pl

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.uncertainty.claim_units import ClaimUnit
from outage_analysis.costs.uncertainty.samples import SampledTotal
from outage_analysis.costs.uncertainty.simulation import Simulation

TAIL = 0.95
"""The tail of a total is the part above this quantile."""

CONTRIBUTIONS: dict[str, pl.DataType] = {
    "valuation": pl.String(),
    "line": pl.String(),
    "service": pl.String(),
    "claimant_type": pl.String(),
    "over": pl.Int64(),
    "up_to": pl.Int64(),
    "rule": pl.String(),
    "mean": pl.Float64(),
    "tail": pl.Float64(),
}


def variance_split(run: Simulation) -> pl.DataFrame:
    """Split the variance of each total by its source.

    `process` is the variance that remains if every input is known. `model` is the variance between rival
    models of an input. `parameter` is the rest of the variance that the inputs cause.

    Returns:
        `valuation`, `source`, `sd` (the standard deviation in the smallest unit of the currency) and `share`
        of the variance; the shares add up to 1.
    """
    rows: list[tuple[str, str, float, float]] = []
    followed = [run.portfolio.branches(points) for points in run.points()]
    for valuation, total in run.totals.items():
        used = {name for s in run.portfolio.streams if s.valuation == valuation for name in s.inputs}
        codes = [_model_codes(branches, used, total.mean.shape[1]) for branches in followed]
        model = _variance_between_models(total.mean.ravel(), np.concatenate(codes))
        parts = {"process": total.process, "parameter": max(total.parameter - model, 0.0), "model": model}
        whole = sum(parts.values())
        rows += [(valuation, name, v**0.5, v / whole if whole else 0.0) for name, v in parts.items()]
    schema = {"valuation": pl.String, "source": pl.String, "sd": pl.Float64, "share": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _model_codes(
    branches: Mapping[str, tuple[np.ndarray, int]], used: Collection[str], draws: int
) -> np.ndarray:
    """Return, per draw, a number that identifies the combination of rival models of the used assumptions."""
    code = np.zeros(draws, dtype=np.int64)
    for name, (branch, count) in branches.items():
        if name in used:
            code = code * count + branch
    return code


def _variance_between_models(mean: FloatArray, codes: np.ndarray) -> float:
    """Return the variance of the mean total between the combinations of rival models."""
    models, place = np.unique(codes, return_inverse=True)
    if len(models) == 1:
        return 0.0
    sizes = np.bincount(place)
    means = np.bincount(place, weights=mean) / sizes
    return float(np.average((means - mean.mean()) ** 2, weights=sizes))


def contributions(run: Simulation) -> pl.DataFrame:
    """Return the contributions of each cost line and group of claims to the mean and the tail mean.

    Returns:
        The columns of `CONTRIBUTIONS`, in the smallest unit of the currency. The values of `mean` add up to
        the mean of the draws, the values of `tail` to the mean of the totals above the 95 % quantile. By
        Euler's rule `tail` is the mean of the contribution given that the total is in the tail.
    """
    weights = {valuation: _tail_weights(total) for valuation, total in run.totals.items()}
    units = run.process.units
    sums = [np.zeros((2, len(own_units))) for own_units in units]
    for number, block in enumerate(run.replicates()):
        for place, (stream, paid) in enumerate(zip(run.portfolio.streams, block.amounts, strict=True)):
            # The code avoids a matrix product, whose last bit may depend on the number of threads.
            weight = weights[stream.valuation][number][:, None]
            sums[place] += np.array([paid.sum(axis=0), (weight * paid).sum(axis=0)])
    rows = [
        {"valuation": stream.valuation, "line": stream.line, **label, "mean": mean, "tail": tail}
        for stream, own_units, added in zip(run.portfolio.streams, units, sums, strict=True)
        for unit, mean, tail in zip(own_units, *added / run.draws, strict=True)
        for label, mean, tail in _split_over_cells(unit, mean, tail)
    ]
    table = pl.DataFrame(rows, schema=CONTRIBUTIONS)
    keys = [name for name in CONTRIBUTIONS if name not in ("mean", "tail")]
    return table.group_by(keys, maintain_order=True).agg(pl.col("mean", "tail").sum())


def _split_over_cells(
    unit: ClaimUnit, mean: float, tail: float
) -> Iterator[tuple[dict[str, object], float, float]]:
    """Split the contribution of a claim unit over its cells, in proportion to their mean payments."""
    for cell in unit.labels:
        share = float(str(cell.get("share", 1.0)))
        yield {k: v for k, v in cell.items() if k != "share"}, mean * share, tail * share


def _tail_weights(total: SampledTotal) -> FloatArray:
    """Return the weight of each draw in the tail mean, (replicates, draws)."""
    limit = total.quantile(TAIL).value
    above = total.above(limit)
    # Draws equal to the quantile get a reduced weight, so that the tail has exactly 5 % of the probability.
    lacking = (1 - TAIL) * total.draws - float(above.sum())
    at_limit = total.values == limit
    return np.asarray((above + lacking / at_limit.sum() * at_limit) / (1 - TAIL))
