"""A simulation as data from which a web page computes the distribution of a total again.

The page has the same draws, the same terms and the same count process as the simulation, so a
reader can change an input or a payment in the browser and see the new range. The script live.js of the charts
package repeats `CountProcess.amounts`; a test compares both.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.count_process import SCORES, ClaimUnit, award_sum_table
from outage_analysis.costs.simulation import REPLICATES, Sample, Simulation
from outage_analysis.costs.terms import Term

MOST_DRAWS, FEWEST_DRAWS = 2**14, 2**11
"""The page has at most and at least this many draws."""
MOST_BYTES = 290_000
"""Size of the draws of a page, before they are encoded as text; with more columns there are fewer draws."""
BYTES_PER_NUMBER = 2
HIGHEST_CODE = 2**16 - 1
KNOTS = 513
"""Values in the table of an input. Between two of them, values are interpolated linearly."""
SCORE_STEP = 2
"""The page has every second column of the table of sums of awards."""
LARGEST_SCORE = 5.2
"""Scores are limited to this distance from 0."""
MOST_TIMES_TRIALS = 8
"""The table of sums of awards reaches this many times the trials, because a reader may raise their number."""
DIGITS = 9

Columns = dict[str, FloatArray]


def browser_model(run: Simulation, valuation: str = "cash", *, upper: float = 0.9) -> dict[str, Any] | None:
    """Return the draws and the terms of a total as JSON data for a web page.

    Args:
        run: the simulation.
        valuation: the kind of cost that the page shows.
        upper: the probability of a cost below the upper end of the likely range.

    Returns:
        `draws` (the number of draws, which form consecutive `replicates` of equal size), `inputs` (the coded
        draws and the table of values, per input or band of a mix), `fixed` (inputs that do not vary),
        `scores` (the coded normal scores of the counts), `terms`, `awards` (quantiles of sums of awards),
        and `errors` (the numerical errors of the median and of the range's upper end for these draws, in the
        smallest unit). None if the total has so many random counts that a page with enough draws would be
        too large. Also None if the claims of two tiers with equal payments are drawn as one count, because
        the page could not change the payment of only one tier.
    """
    chosen = [
        (term, units)
        for term, units in zip(run.portfolio.terms, run.process.units, strict=True)
        if term.valuation == valuation
    ]
    if any(len(_tiers(term, unit)) > 1 for term, units in chosen for unit in units):
        return None
    inputs, scores, totals = _draws(run, chosen)
    # The page computes the first band of a mix from the other bands, so it does not need draws for it.
    kept = {name: values for name, values in inputs.items() if name not in {f"{s.mix}.0" for s, _ in chosen}}
    varying = {name: values for name, values in kept.items() if np.ptp(values)}
    columns = len(varying) + len(scores)
    draws = min(MOST_DRAWS, totals.size)
    while columns * draws * BYTES_PER_NUMBER > MOST_BYTES:
        draws //= 2
    if draws < FEWEST_DRAWS:
        return None
    first = slice(0, draws // REPLICATES)
    sample = Sample(totals[:, first])
    return {
        "draws": draws,
        "replicates": REPLICATES,
        "inputs": {name: _coded_input(values[:, first].ravel()) for name, values in varying.items()},
        "fixed": {name: _rounded(values.flat[0]) for name, values in kept.items() if name not in varying},
        "scores": {name: _coded_scores(values[:, first].ravel()) for name, values in scores.items()},
        "largest_score": LARGEST_SCORE,
        "streams": [_term_data(term, units, inputs) for term, units in chosen],
        "awards": {
            str(term.spread): _award_table(term)
            for term, units in chosen
            if term.spread and any(unit.reviewed for unit in units)
        },
        "errors": {
            name: _rounded(sample.quantile(p).error) for name, p in (("median", 0.5), ("upper", upper))
        },
    }


def _draws(
    run: Simulation, chosen: list[tuple[Term, tuple[ClaimUnit, ...]]]
) -> tuple[Columns, Columns, FloatArray]:
    kept = min(MOST_DRAWS, run.draws) // REPLICATES
    used = {name for term, _ in chosen for name in term.inputs}
    needed = {f"{term.process}, {name}" for term, units in chosen for name in _score_names(term, units)}
    inputs: dict[str, list[FloatArray]] = {}
    scores: dict[str, list[FloatArray]] = {}
    totals = []
    for block in run.replicates():
        for name in sorted(used):
            values = block.values[name][:kept]
            parts = (
                {name: values}
                if values.ndim == 1
                else {f"{name}.{band}": values[:, band] for band in range(values.shape[1])}
            )
            for part, column in parts.items():
                inputs.setdefault(part, []).append(column)
        for name, column in run.process.scores(block.uniforms[:, run.portfolio.dimensions :]).items():
            if name in needed:
                scores.setdefault(name, []).append(column[:kept])
        amounts = [
            paid
            for term, paid in zip(run.portfolio.terms, block.amounts, strict=True)
            if any(term is one for one, _ in chosen)
        ]
        totals.append(np.sum([paid.sum(axis=1) for paid in amounts], axis=0)[:kept])
    return _stack(inputs), _stack(scores), np.stack(totals)


def _score_names(term: Term, units: tuple[ClaimUnit, ...]) -> set[str]:
    if term.certain:
        return set()
    names = {unit.name for unit in units if unit.band != 0}
    names |= {f"{unit.name}, awards" for unit in units if unit.reviewed and term.spread}
    names |= {f"{unit.name}, losses" for unit in units if unit.share and unit.deviation}
    return names | ({"count"} if term.mix else set())


def _stack(columns: Mapping[str, list[FloatArray]]) -> Columns:
    return {name: np.stack(blocks) for name, blocks in columns.items()}


def _coded_input(values: FloatArray) -> dict[str, Any]:
    ordered = np.sort(values)
    ends = special.ndtri(np.array([0.5, len(values) - 0.5]) / len(values))
    places = special.ndtr(np.linspace(ends[0], ends[1], KNOTS)) * len(values) - 0.5
    table = np.interp(places, np.arange(len(values)), ordered)
    table[0], table[-1] = ordered[0], ordered[-1]
    steps = np.searchsorted(table, values, side="right").clip(1, KNOTS - 1)
    width = table[steps] - table[steps - 1]
    inside = np.divide(values - table[steps - 1], width, out=np.zeros_like(values), where=width > 0)
    return {
        "codes": _encode((steps - 1 + inside) / (KNOTS - 1)),
        "table": [float(f"{x:.6g}") for x in table],
    }


def _coded_scores(values: FloatArray) -> str:
    return _encode((values.clip(-LARGEST_SCORE, LARGEST_SCORE) / LARGEST_SCORE + 1) / 2)


def _encode(shares: FloatArray) -> str:
    """Return numbers between 0 and 1 as 16-bit whole numbers, little-endian, in base 64."""
    codes: npt.NDArray[np.uint16] = np.rint(shares * HIGHEST_CODE).astype("<u2")
    return base64.b64encode(codes.tobytes()).decode()


def _term_data(term: Term, units: tuple[ClaimUnit, ...], inputs: Mapping[str, FloatArray]) -> dict[str, Any]:
    return {
        "process": term.process,
        "trials": _rounded(term.trials),
        "scales": term.scales,
        "rates": term.rates,
        "mix": term.mix,
        "bands": sum(name.startswith(f"{term.mix}.") for name in inputs) if term.mix else 0,
        "award": term.award,
        "spread": str(term.spread) if term.spread else "",
        "capacity": term.capacity,
        "poisson": term.arrivals,
        "certain": term.certain,
        "parts": [
            {"paid": _rounded(part.paid), "band": part.band, "reviewed": part.reviewed}
            for part in (term.parts if term.certain else ())
        ],
        "units": [_unit_data(term, unit) for unit in units if not term.certain],
    }


def _unit_data(term: Term, unit: ClaimUnit) -> dict[str, Any]:
    numbers = ("claims", "fixed", "share", "loss", "deviation", "skewness", "least")
    tiers = _tiers(term, unit)
    tier = next(iter(tiers)) if len(tiers) == 1 else None
    return {
        "name": unit.name,
        **{name: _rounded(getattr(unit, name)) for name in numbers},
        "most": None if np.isinf(unit.most) else _rounded(unit.most),
        "reviewed": unit.reviewed,
        "band": unit.band,
        "pays": "" if tier is None else f"{term.line}.pays.{tier}",
    }


def _tiers(term: Term, unit: ClaimUnit) -> set[int | None]:
    """Return the positions of the tiers that pay the claims of a unit; None for payments outside tiers."""
    known = {
        (label.get("over"), label.get("up_to")): getattr(label.get("tier"), "position", None)
        for part in term.parts
        for label in part.labels
    }
    return {known.get((label.get("over"), label.get("up_to"))) for label in unit.labels}


def _award_table(term: Term) -> dict[str, Any]:
    counts, table = award_sum_table(term.trials * MOST_TIMES_TRIALS, term.spread)
    rows = np.stack([row[::SCORE_STEP] for row in table])
    low, width = rows[:, :1], np.ptp(rows, axis=1, keepdims=True)
    return {
        "counts": counts,
        "lowest": float(SCORES[0]),
        "step": float(SCORES[SCORE_STEP] - SCORES[0]),
        "columns": rows.shape[1],
        "ends": [[_rounded(row.min()), _rounded(row.max())] for row in rows],
        "codes": _encode(np.divide(rows - low, width, out=np.zeros_like(rows), where=width > 0)),
    }


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
