"""What moves the cost of an analysis: inputs one by one and together, decisions, a sum to be exceeded."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import polars as pl

from outage_analysis.analysis.analysis import Analysis, refuse_no_cash
from outage_analysis.costs import award_views, break_evens, cost_indices, given_exceeding
from outage_analysis.errors import ModelRefused


def sensitivity_tables(
    analysis: Analysis, limit: int | None = None, awards: Sequence[int] = ()
) -> dict[str, pl.DataFrame]:
    """What moves the cost of an analysis: of its published counts where there are any, else of its claims.

    Args:
        analysis: what `run` returned.
        limit: a sum of cash in whole currency: what would have to be true for it to be exceeded?
        awards: mean awards of a review in whole currency: what if one were decided on?

    Returns:
        `tornado`, `levers`, `indices` (shares of the variance of the cash); with a limit `break_evens` and
        `given`; with awards `awards`.

    Raises:
        ModelRefused: nothing is expected in cash, or too few draws exceed the limit.
        UsageError: an award where nothing is reviewed.
    """
    if not analysis.runs:
        raise ModelRefused(
            "no line has an expected cost, so nothing moves it",
            remedy="Give a ledger with the inputs that the policy needs.",
        )
    drawn = analysis.runs[analysis.headline_basis]
    tables = {name: analysis.tables[name] for name in ("tornado", "levers")}
    if "cash" not in drawn.totals:
        if awards or limit is not None:
            refuse_no_cash("a sum or an award")
        return tables
    with suppress(ModelRefused):  # nothing is uncertain, or inputs are declared to depend on each other
        tables["indices"] = cost_indices(drawn.portfolio)
    unit = 10**analysis.incident.minor_units
    if awards:
        views = {"draws": analysis.plan.draws, "seed": analysis.plan.seed}
        tables["awards"] = award_views(drawn.portfolio, [float(a * unit) for a in awards], **views)
    if limit is not None:
        amount = float(limit * unit)
        tables["break_evens"] = break_evens(drawn.portfolio, amount)
        tables["given"] = given_exceeding(drawn, amount)
    return tables
