"""The likely range of each kind of cost and of each of its lines, beside what was announced."""

from __future__ import annotations

import numpy as np
import polars as pl

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.uncertainty.portfolio import expected_at
from outage_analysis.costs.uncertainty.schemas import COST_RANGES
from outage_analysis.costs.uncertainty.simulation import Sample, Simulation
from outage_analysis.costs.uncertainty.tables import rounded_estimate
from outage_analysis.errors import ModelRefused
from outage_analysis.text import DEFAULT_LEVEL, TABLE_DIGITS, LikelyRange

ANNOUNCED = ("face_value", "top_down")
"""Kinds of cost for which `promised` is an amount that was announced or follows from a list price."""


def cost_ranges(run: Simulation, costs: pl.DataFrame, *, level: int = DEFAULT_LEVEL) -> pl.DataFrame:
    """Return the likely range of each kind of cost and of each cost line, beside what was announced.

    Args:
        run: the simulation.
        costs: the result of `cost_table` from which the run was built.
        level: the probability of the likely range in percent.

    Returns:
        The columns of `COST_RANGES`. The first row of a kind of cost is its total, whose `line` is empty; the
        quantiles of its lines do not add up to those of the total. `announced` is empty if an amount is not
        published for every line. Quantiles that the draws do not support are left out with their row.
    """
    likely, rows = LikelyRange(level), []
    samples = _line_samples(run)
    lines = costs.filter(level="line")
    for valuation, total in run.totals.items():
        names = [line for line, kind in samples if kind == valuation]
        own = lines.filter(pl.col("line").is_in(names), valuation=valuation)
        rows.append((valuation, "", _announced(own), *_range(run, valuation, total, likely), _cited(own)))
        for name in names:
            line_run = run.only(name, valuation)
            if line_run is None:  # never: the run has a sample of this line
                continue
            row = own.filter(line=name)
            spread = _range(line_run, valuation, samples[name, valuation], likely)
            rows.append((valuation, name, _announced(row), *spread, _cited(row)))
    table = pl.DataFrame(rows, schema=COST_RANGES.dtypes, orient="row")
    return table.drop_nulls(LikelyRange.high_column).with_columns(
        pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS)
    )


def _line_samples(run: Simulation) -> dict[tuple[str, str], Sample]:
    keys = list(dict.fromkeys((s.line, s.valuation) for s in run.portfolio.terms))
    kinds = [valuation for _, valuation in keys]
    if len(set(kinds)) == len(kinds):  # one line per kind of cost: its sample is the total
        return {key: run.totals[key[1]] for key in keys}
    paid: dict[tuple[str, str], list[FloatArray]] = {key: [] for key in keys}
    for block in run.replicates():
        sums = {key: np.zeros(len(block.uniforms)) for key in keys}
        for term, amounts in zip(run.portfolio.terms, block.amounts, strict=True):
            sums[term.line, term.valuation] += amounts.sum(axis=1)
        for key, values in sums.items():
            paid[key].append(values)
    return {key: Sample(np.stack(values)) for key, values in paid.items()}


def _range(
    run: Simulation, valuation: str, sample: Sample, likely: LikelyRange
) -> tuple[float | None, float | None, float, float | None]:
    """Return the low end, the median, the expected cost and the high end; no quantiles for few draws."""
    expected = (  # with correlated inputs the mean of a product is not the product of the means
        rounded_estimate(sample.expected).value
        if run.portfolio.has_correlated_inputs(valuation)
        else float(expected_at(run.portfolio, valuation, {})[0])
    )
    try:
        low, median, high = (rounded_estimate(sample.quantile(p)).value for p in likely.points.values())
    except ModelRefused:
        return None, None, expected, None
    return low, median, expected, high


def _announced(lines: pl.DataFrame) -> float | None:
    """Return the announced amount of cost lines of one kind; None if one of them has none."""
    announced = lines.filter(pl.col("valuation").is_in(ANNOUNCED))["promised"]
    return None if announced.is_empty() or announced.null_count() else float(announced.sum())


def _cited(lines: pl.DataFrame) -> str:
    """Return the ids of the facts that the lines cite, each once."""
    return " ".join(dict.fromkeys(" ".join(lines["facts"].drop_nulls()).split()))
