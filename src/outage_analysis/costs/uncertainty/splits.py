"""Where a total's doubt and its tail come from: process, parameter and model; lines and segments."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
import polars as pl

from outage_analysis.assumptions.laws import FloatArray
from outage_analysis.costs.uncertainty.mixtures import Mixture
from outage_analysis.costs.uncertainty.portfolio import Part
from outage_analysis.costs.uncertainty.running import Uncertainty

TAIL = 0.95
"""Contributions to the tail are to the mean of what lies above this quantile."""

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


def variance_split(run: Uncertainty) -> pl.DataFrame:
    """The variance of each total by its source.

    Process is what chance leaves when every input is known; model is which of rival rules or laws holds;
    parameter is the rest of the inputs.

    Returns:
        `valuation`, `source`, `sd` in units of the currency, `share` of the variance; shares add up to 1.
    """
    rows: list[tuple[str, str, float, float]] = []
    followed = [run.portfolio.branches(points) for points in run.points()]
    for valuation, law in run.laws.items():
        used = {name for s in run.portfolio.streams if s.valuation == valuation for name in s.inputs}
        codes = [_codes(branches, used, law.mean.shape[1]) for branches in followed]
        model = _between(law.mean.ravel(), np.concatenate(codes))
        parts = {"process": law.process, "parameter": max(law.parameter - model, 0.0), "model": model}
        whole = sum(parts.values())
        rows += [(valuation, name, v**0.5, v / whole if whole else 0.0) for name, v in parts.items()]
    schema = {"valuation": pl.String, "source": pl.String, "sd": pl.Float64, "share": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _codes(branches: Mapping[str, tuple[np.ndarray, int]], used: Collection[str], draws: int) -> np.ndarray:
    """One whole number for each combination of rival models of some assumptions."""
    code = np.zeros(draws, dtype=np.int64)
    for name, (branch, count) in branches.items():
        if name in used:
            code = code * count + branch
    return code


def _between(mean: FloatArray, codes: np.ndarray) -> float:
    """The variance of the means of the models."""
    models, place = np.unique(codes, return_inverse=True)
    if len(models) == 1:
        return 0.0
    sizes = np.bincount(place)
    means = np.bincount(place, weights=mean) / sizes
    return float(np.average((means - mean.mean()) ** 2, weights=sizes))


def contributions(run: Uncertainty) -> pl.DataFrame:
    """What each line and segment adds to the mean of its total, and to the mean of the tail.

    Returns:
        The columns of `CONTRIBUTIONS`, in units of the currency: `mean` adds up to the mean of the draws,
        `tail` to the mean of what lies above the 95 % quantile (Euler's rule: the mean of a part, given
        that the total is in the tail).
    """
    tails = {valuation: _Tail(law, law.quantile(TAIL).value) for valuation, law in run.laws.items()}
    sums = [np.zeros((2, len(stream.parts))) for stream in run.portfolio.streams]
    for number, block in enumerate(run.blocks()):
        for k, stream in enumerate(run.portfolio.streams):
            means, covariances = block.moments[k]
            sums[k][0] += means.sum(axis=0)
            sums[k][1] += tails[stream.valuation].of(number, means, covariances)
    rows = [
        {"valuation": stream.valuation, "line": stream.line, **label, "mean": mean, "tail": tail}
        for stream, parts in zip(run.portfolio.streams, sums, strict=True)
        for part, mean, tail in zip(stream.parts, *parts / run.draws, strict=True)
        for label, mean, tail in _spread(part, mean, tail)
    ]
    table = pl.DataFrame(rows, schema=CONTRIBUTIONS)
    keys = [name for name in CONTRIBUTIONS if name not in ("mean", "tail")]
    return table.group_by(keys, maintain_order=True).agg(pl.col("mean", "tail").sum())


def _spread(part: Part, mean: float, tail: float) -> Iterator[tuple[dict[str, object], float, float]]:
    """A part's contribution over its cells."""
    for cell in part.labels:
        share = float(str(cell.get("share", 1.0)))
        yield {k: v for k, v in cell.items() if k != "share"}, mean * share, tail * share


class _Tail:
    """Weights of the draws, given that the total lies in its tail."""

    def __init__(self, law: Mixture, limit: float) -> None:
        self.above = law.above(limit)
        grown = law.mean * (law.above(limit, extra=1) - self.above)
        self.slope = np.divide(grown, law.variance, out=np.zeros_like(grown), where=law.variance > 0)
        # An atom at the quantile belongs to the tail for what the rest of the tail lacks.
        lacking = (1 - TAIL) * law.draws - float(self.above.sum())
        atom = (law.variance == 0) & np.isclose(law.mean, limit, rtol=1e-9)
        self.above = self.above + (lacking / atom.sum() * atom if lacking > 0 and atom.any() else 0.0)

    def of(self, replicate: int, means: FloatArray, covariances: FloatArray) -> FloatArray:
        """A replicate's sum of each part over the tail, as a mean over all draws times their number."""
        # No matrix product: its last bit may differ with the number of threads.
        weighted = self.above[replicate][:, None] * means + self.slope[replicate][:, None] * covariances
        return np.asarray(weighted.sum(axis=0) / (1 - TAIL))
