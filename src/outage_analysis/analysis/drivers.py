"""Sensitivity tables of an analysis: single inputs, shares of variance, decisions and break-even values."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import polars as pl

from outage_analysis.analysis.analysis import Analysis, refuse_no_cash
from outage_analysis.costs import award_views, break_evens, cost_sobol_indices, inputs_given_exceedance
from outage_analysis.errors import ModelRefused


def sensitivity_tables(
    analysis: Analysis, limit: int | None = None, awards: Sequence[int] = ()
) -> dict[str, pl.DataFrame]:
    """Show which inputs and decisions influence the cost of an analysis.

    The tables describe the headline cost, which is computed from published counts if possible, else from
    claims.

    Args:
        analysis: the result of `run`.
        limit: an amount of cash in whole currency; tables show which inputs would make the cost exceed it.
        awards: possible mean awards of a review, in whole currency; a table shows the cost for each of them.

    Returns:
        The tables `tornado`, `levers` and `indices` (shares of the variance of the cash); with a limit also
        `break_evens` and `inputs_given_exceedance`; with awards also `awards`; if the plan has a budget, also
        `information_value`.

    Raises:
        ModelRefused: there is no expected cost (or no expected cash, with a limit or awards), or too few
            draws exceed the limit.
        UsageError: awards are given and the policy has no review.
    """
    if not analysis.runs:
        raise ModelRefused(
            "no line has an expected cost, so nothing moves it",
            remedy="Give a ledger with the inputs that the policy needs.",
        )
    run, plan = analysis.runs[analysis.headline_basis], analysis.plan
    names = ("tornado", "levers", "information_value")
    tables = {name: analysis.tables[name] for name in names if name in analysis.tables}
    if "cash" not in run.totals:
        if awards or limit is not None:
            refuse_no_cash("a sum or an award")
        return tables
    with suppress(ModelRefused):  # no indices if nothing is uncertain or inputs are correlated
        tables["indices"] = cost_sobol_indices(run.portfolio)
    unit = float(10**analysis.incident.minor_units)
    if awards:
        views = [award * unit for award in awards]
        tables["awards"] = award_views(
            run.portfolio, views, draws=plan.draws, seed=plan.seed, level=plan.level
        )
    if limit is not None:
        tables["break_evens"] = break_evens(run.portfolio, limit * unit)
        tables["inputs_given_exceedance"] = inputs_given_exceedance(run, limit * unit)
    return tables
