"""The reserve figure: the cash and the handling of the lines with an obligation, by measure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from outage_analysis.costs import Sample, Simulation, expected_estimate, rounded_estimate
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.text import Column, Locale, TableSchema

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis

MONEY_VALUATIONS = ("cash", "incremental_cash")
"""Valuations that are money paid out. List prices and lost sales are not costs to book."""
HANDLING = "handling"
RESERVE = TableSchema(
    "One row per measure. Lines without an obligation are left out.",
    (
        Column("measure", "word", "Measure of the total: mean, p50 (median), p75 or p90."),
        Column(
            "cash",
            "money",
            "Cash paid out, with the incremental cash of free goods.",
            label="cash_paid",
        ),
        Column("handling", "money", "Cost of working through the claims; empty if the ledger states none."),
        Column("both", "money", "Cash and handling together, added draw by draw; quantiles do not add up."),
    ),
)
MEASURES: Mapping[str, float | None] = {"mean": None, "p50": 0.5, "p75": 0.75, "p90": 0.9}
"""Measure of a reserve -> its probability; None for the mean."""
SPELLINGS = {"median": "p50", "P50": "p50", "P75": "p75", "P90": "p90"}
"""How users write a measure -> its name in the table."""


@dataclass(frozen=True)
class ReserveScope:
    """The cost lines that were public on the day of an analysis, by their place in the reserve."""

    counted: tuple[str, ...]
    """The lines with an expected cost in money."""
    handled: tuple[str, ...]
    """The lines whose handling has an expected cost."""
    unpriced: tuple[str, ...]
    """The lines that pay money and have no expected cost; the reserve does not include them."""
    not_due: tuple[str, ...]
    """The lines without an obligation."""


def reserve_scope(analysis: Analysis) -> ReserveScope:
    """Return which cost lines the reserve includes, and which it leaves out for what reason."""
    known, run = analysis.policy.public_by(analysis.as_of)[0], analysis.headline_run
    not_due = tuple(x.id for x in known if x.accounting and x.accounting.obligation == "none")
    if run is None:
        return ReserveScope((), (), (), not_due)
    portfolio = run.portfolio
    counted = {line for v in MONEY_VALUATIONS for line in portfolio.counted(v)} - {*not_due}
    missing = {line for v in MONEY_VALUATIONS for line in portfolio.left_out.get(v, ())}
    return ReserveScope(
        tuple(x.id for x in known if x.id in counted),
        tuple(x for x in portfolio.counted(HANDLING) if x not in not_due),
        tuple(x.id for x in known if x.id in missing - counted - {*not_due}),
        not_due,
    )


def reserve_mean(analysis: Analysis, lines: Collection[str] | None = None) -> float | None:
    """Return the mean cash of a reserve, in the smallest unit of the currency; None if no line has one.

    Args:
        analysis: the analysis.
        lines: ids of cost lines; by default all lines of the reserve.
    """
    chosen = reserve_scope(analysis).counted if lines is None else lines
    part = _of_lines(analysis.headline_run, MONEY_VALUATIONS, chosen)
    return None if part is None else _mean(part)


def reserve_table(analysis: Analysis) -> pl.DataFrame | None:
    """Return the reserve by measure; None if no line with an obligation has an expected cost in money.

    Returns:
        The columns of `RESERVE`, in the smallest unit of the currency. The means are those of the table of
        quantiles and add up exactly; `both` is added draw by draw on the same random points.
    """
    scope, run = reserve_scope(analysis), analysis.headline_run
    cash = _of_lines(run, MONEY_VALUATIONS, scope.counted)
    if cash is None:
        return None
    handling = _of_lines(run, (HANDLING,), scope.handled)
    parts = [cash] if handling is None else [cash, handling]
    means: list[float | None] = [_mean(part) for part in parts]
    draws = [np.sum([total.values for total in part.totals.values()], axis=0) for part in parts]
    if handling is not None:
        means.append(_mean(cash) + _mean(handling))
        draws.append(draws[0] + draws[1])
    samples, unknown = [Sample(values) for values in draws], [None] * (3 - len(draws))
    rows = []
    for measure, p in MEASURES.items():
        quantiles = [] if p is None else [rounded_estimate(x.quantile(p)).value for x in samples]
        rows.append((measure, *(quantiles or means), *unknown))
    return pl.DataFrame(rows, schema=RESERVE.dtypes, orient="row")


def parse_measure(text: object) -> str:
    """Return the measure of a reserve as the table names it.

    Raises:
        UsageError: there is no such measure.

    Example:
        >>> parse_measure("P75"), parse_measure("median")
        ('p75', 'p50')
    """
    measure = SPELLINGS.get(str(text), str(text))
    if measure not in MEASURES:
        known = ["mean", "median", "P75", "P90"]
        raise UsageError("no such measure of a reserve", value=text, remedy=spelling_hint(str(text), known))
    return measure


def reserve_amount(table: pl.DataFrame, measure: str, handling: str) -> float:
    """Return one figure of a table of the reserve, in the smallest unit of the currency.

    Args:
        table: the result of `reserve_table`.
        measure: mean, median, P75 or P90.
        handling: inside or outside.

    Raises:
        UsageError: there is no such measure, or `handling` is neither inside nor outside.
        ModelRefused: handling is inside, and the ledger states none.
    """
    if handling not in ("inside", "outside"):
        raise UsageError(
            "handling is neither inside nor outside", value=handling, remedy="Write one of them."
        )
    (row,) = table.filter(measure=parse_measure(measure)).rows(named=True)
    amount = row["both" if handling == "inside" else "cash"]
    if amount is None:
        raise ModelRefused(
            "the cost from this basis has no handling, so that it cannot be inside the reserve",
            remedy="State an assumption of the kind handling in the ledger, or leave handling outside.",
        )
    return float(amount)


def _of_lines(
    run: Simulation | None, valuations: Collection[str], lines: Collection[str]
) -> Simulation | None:
    """Return the part of a simulation that is of some valuations and lines; None if there is none."""
    part = run and run.with_terms(lambda term: term.valuation in valuations and term.line in lines)
    return part if part and part.portfolio.terms else None


def _mean(part: Simulation) -> float:
    return sum(expected_estimate(part, valuation).value for valuation in part.portfolio.valuations)


def reserve_note(table: pl.DataFrame | None, locale: Locale, column: str = "cash") -> str:
    """Say in a sentence that the mean exceeds P75, if it does as both are printed; otherwise return ""."""
    amounts = {} if table is None else dict(table.select("measure", column).iter_rows())
    mean, p75 = amounts.get("mean"), amounts.get("p75")
    if mean is None or p75 is None or mean <= p75 or locale.money(mean) == locale.money(p75):
        return ""
    return locale("report.reserve_skewed", measure="P75")
