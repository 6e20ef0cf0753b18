"""The uncertainty run as tables: quantiles with their numerical error, and no digit beyond it."""

from __future__ import annotations

import math

import polars as pl

from outage_analysis.costs.sensitivity.expected_at import expected_at
from outage_analysis.costs.uncertainty.running import Uncertainty, stressed
from outage_analysis.costs.uncertainty.samples import Estimate, SampledTotal
from outage_analysis.costs.uncertainty.splits import TAIL, contributions, variance_split
from outage_analysis.errors import ModelRefused

MEASURES = {"p10": 0.1, "p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
DIGITS = 10
STRESS = 0.5
"""The rank correlation between all inputs under which the totals are printed beside independence."""
NEGLIGIBLE = 1e-15
"""A probability below this is zero: the arithmetic has no digits for it."""

QUANTILES: dict[str, pl.DataType] = {
    "valuation": pl.String(),
    "measure": pl.String(),
    "value": pl.Float64(),
    "error": pl.Float64(),
    "stressed": pl.Float64(),
}


def uncertainty_tables(run: Uncertainty, *, budget: float | None = None) -> dict[str, pl.DataFrame]:
    """Every table of a run.

    Args:
        run: the draws.
        budget: a sum of cash, in units of the currency: how likely the total exceeds it.

    Returns:
        `quantiles`: the columns of `QUANTILES`, rounded to the digits that the error leaves: the expected
        cost in closed form (or the mean of the draws, where inputs are declared to depend on each other),
        the mean of the draws as its check, quantiles, and the mean of the tail above the 95 % quantile;
        each with one standard error and, under rank correlations of 0.5 between all inputs, `stressed`.
        Also `split`, `contributions` and, when there is a budget, `budget`: `budget`, `exceeded` (the
        chance), its `error`, `stressed` (the chance under rank correlations of 0.5), `counted` (the cost
        lines in the total) and `left_out` (the cash lines without an expected cost, in no total).
    """
    harder = stressed(run, STRESS)
    tables = {
        "quantiles": _quantiles(run, harder),
        "split": variance_split(run).with_columns(pl.col("sd", "share").round_sig_figs(6)),
        "contributions": contributions(run).with_columns(pl.col("mean", "tail").round_sig_figs(6)),
    }
    if budget is not None and "cash" in run.totals:
        tables["budget"] = _budget(run, harder, budget)
    return tables


def told(estimate: Estimate) -> Estimate:
    """An estimate rounded to the decade of its error, and the error to two digits."""
    if not estimate.error:
        return Estimate(_rounded(estimate.value, DIGITS), 0.0)
    if not math.isfinite(estimate.error):
        return Estimate(_rounded(estimate.value, 1), estimate.error)
    decade = math.floor(math.log10(estimate.error))
    return Estimate(round(estimate.value, -decade), _rounded(estimate.error, 2))


def rounded_chance(estimate: Estimate) -> Estimate:
    """An estimate of a probability, rounded as `told` rounds; below 1e-15 the probability is zero."""
    return Estimate(0.0, 0.0) if estimate.value < NEGLIGIBLE else told(estimate)


def _rounded(value: float, digits: int) -> float:
    return value if not value else round(value, digits - 1 - math.floor(math.log10(abs(value))))


def _budget(run: Uncertainty, harder: Uncertainty, budget: float) -> pl.DataFrame:
    """The chance that the cash exceeds a budget, and which lines that cash counts."""
    chance, pressed = (rounded_chance(r.totals["cash"].exceedance(budget)) for r in (run, harder))
    row = {
        "budget": budget,
        "exceeded": chance.value,
        "error": chance.error,
        "stressed": pressed.value,
        "counted": " ".join(run.portfolio.counted("cash")),
        "left_out": " ".join(run.portfolio.left_out.get("cash", ())),
    }
    return pl.DataFrame([row])


def _quantiles(run: Uncertainty, harder: Uncertainty) -> pl.DataFrame:
    rows: list[tuple[str, str, float, float | None, float | None]] = []
    for valuation, total in run.totals.items():
        expected = _expected(run, valuation)
        rows.append((valuation, "expected", expected.value, expected.error, None))
        pressed = _measures(harder.totals[valuation])
        for measure, found in _measures(total).items():
            rows.append((valuation, measure, found.value, found.error, pressed[measure].value))
    return pl.DataFrame(rows, schema=QUANTILES, orient="row")


def _expected(run: Uncertainty, valuation: str) -> Estimate:
    """The expected total: in closed form, or from the draws where its inputs depend on each other."""
    if run.portfolio.tied(valuation):
        return told(run.totals[valuation].expected)
    return Estimate(_rounded(float(expected_at(run.portfolio, valuation, {})[0]), DIGITS), 0.0)


def _measures(total: SampledTotal) -> dict[str, Estimate]:
    """What the draws support."""
    found = {"mean": told(total.expected)}
    for measure, p in MEASURES.items():
        try:
            found[measure] = told(total.quantile(p))
        except ModelRefused:  # too few draws: left out rather than guessed
            continue
        if p == TAIL:
            found["tvar95"] = told(total.tvar(p))
    return found
