"""How each line might be booked: a proposal for the controller, never an accounting judgement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from outage_analysis.analysis import Analysis
from outage_analysis.costs import COUNTED
from outage_analysis.policies import CostLine
from outage_analysis.text import Locale

SCHEMA = {
    **dict.fromkeys(("line", "obligation", "presentation", "best_estimate"), pl.String),
    "closes_on": pl.Date,
    "note": pl.String,
}
CASH = ("cash", "incremental_cash")
"""Valuations that are money paid out; list prices and sales displaced are no cost to be booked."""


def controller(analysis: Analysis, locale: Locale) -> pl.DataFrame:
    """One row a line that was public: obligation, presentation, best estimate, until when it can be claimed.

    Returns:
        The columns of `SCHEMA`; `best_estimate` is a sum in whole currency, or why there is none.
    """
    rows = [
        (
            line.id,
            locale(f"explain.{line.accounting.obligation}"),
            locale(f"explain.{line.accounting.presentation}"),
            _estimate(line, analysis, locale),
            line.closes_on(analysis.as_of),
            line.accounting.note[locale.lang] if line.accounting.note else "",
        )
        for line in _lines(analysis)
        if line.accounting
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def totals(analysis: Analysis, locale: Locale) -> tuple[str, ...]:
    """The best estimates in cash, added up by presentation; what has none is in no total."""
    sums: dict[str, float] = {}
    for line in _lines(analysis):
        cash = _cash(line, analysis)
        if line.accounting and line.accounting.obligation != "none" and cash is not None:
            presentation = line.accounting.presentation
            sums[presentation] = sums.get(presentation, 0.0) + cash
    return tuple(
        locale(
            "report.controller_total",
            presentation=locale(f"explain.{presentation}"),
            amount=locale("report.exact", amount=locale.exact_money(total), unit=locale.unit),
        )
        for presentation, total in sums.items()
    )


def _lines(analysis: Analysis) -> Iterator[CostLine]:
    known, _ = analysis.policy.public_by(analysis.as_of)
    yield from known


def _figures(line: CostLine, analysis: Analysis) -> dict[str, dict[str, Any]]:
    """The figures of a line by valuation, from what the headline rests on."""
    rows = analysis.tables[analysis.headline_table_name("costs")].filter(COUNTED, level="line", line=line.id)
    if rows.is_empty():  # claims give figures to schedules alone
        rows = analysis.tables["costs"].filter(level="line", line=line.id)
    return {row["valuation"]: row for row in rows.iter_rows(named=True)}


def _cash(line: CostLine, analysis: Analysis) -> float | None:
    """The expected cash of a line."""
    found = _figures(line, analysis)
    told: Iterator[float | None] = (found[v]["expected"] for v in CASH if v in found)
    return next((value for value in told if value is not None), None)


def _estimate(line: CostLine, analysis: Analysis, locale: Locale) -> str:
    """The best estimate of a line, or why there is none."""
    if line.accounting and line.accounting.obligation == "none":
        return locale("report.controller_not_due")
    cash, found = _cash(line, analysis), _figures(line, analysis)
    if cash is not None:
        return locale("report.exact", amount=locale.exact_money(cash), unit=locale.unit)
    whole = found.get("top_down", {}).get("expected")
    if whole is not None:
        return locale("report.controller_whole", amount=locale.exact_money(whole))
    bounds = found.get("cash", {})
    of = "" if bounds.get("basis", "published") == "published" else "_claims"
    if bounds.get("high") is not None:
        low, high = (locale.exact_money(bounds[end] or 0.0) for end in ("low", "high"))
        return locale(f"report.controller_between{of}", low=low, high=high)
    if bounds.get("low") or of:
        return locale(f"report.controller_from{of}", low=locale.exact_money(bounds["low"] or 0.0))
    listed = found.get("face_value", {})
    price = listed.get("expected") or listed.get("promised")
    return (
        locale("report.controller_face", amount=locale.exact_money(price))
        if price
        else locale("report.controller_unreliable")
    )
