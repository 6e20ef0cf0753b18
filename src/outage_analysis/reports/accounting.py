"""Propose how to account for each cost line; the final decision is the controller's."""

from __future__ import annotations

import polars as pl

from outage_analysis.analysis import Analysis, reserve_mean
from outage_analysis.costs import HAS_AMOUNT
from outage_analysis.policies import CostLine
from outage_analysis.text import Locale, schema_of


def accounting_table(analysis: Analysis, locale: Locale) -> pl.DataFrame:
    """Return the accounting proposal: one row per cost line that was public on the as-of day.

    Returns:
        The table `report.controller`: cost line, kind of obligation, presentation
        (expense or reduction of revenue), best estimate, last day for claims, and note. `best_estimate` is a
        text: an amount in whole currency, or the reason why there is no amount.
    """
    rows = [
        (
            line.id,
            locale(f"explain.{line.accounting.obligation}"),
            locale(f"explain.{line.accounting.presentation}"),
            _best_estimate(line, analysis, locale),
            line.closes_on(analysis.as_of),
            line.accounting.note[locale.lang] if line.accounting.note else "",
        )
        for line in analysis.policy.public_by(analysis.as_of)[0]
        if line.accounting
    ]
    return schema_of("report.controller").frame(rows)


def presentation_totals(analysis: Analysis, locale: Locale) -> tuple[str, ...]:
    """Return a sentence on the total cash estimate of expenses, and one on that of reductions of revenue.

    The presentation of a cost line is an expense or a reduction of revenue.

    Cost lines without an obligation or without a best estimate are left out.
    """
    lines: dict[str, list[str]] = {}
    for line in analysis.policy.public_by(analysis.as_of)[0]:
        if line.accounting and line.accounting.obligation != "none":
            lines.setdefault(line.accounting.presentation, []).append(line.id)
    amounts = {presentation: reserve_mean(analysis, ids) for presentation, ids in lines.items()}
    stated = {locale(f"explain.{key}"): _exact(x, locale) for key, x in amounts.items() if x is not None}
    return tuple(locale("report.controller_total", presentation=key, amount=x) for key, x in stated.items())


def _exact(amount: float, locale: Locale) -> str:
    """Format an amount without rounding, with its unit."""
    return locale("report.exact", amount=locale.exact_money(amount), unit=locale.unit)


def _best_estimate(line: CostLine, analysis: Analysis, locale: Locale) -> str:
    if line.accounting and line.accounting.obligation == "none":
        return locale("report.controller_not_due")
    if (cash := reserve_mean(analysis, [line.id])) is not None:
        return _exact(cash, locale)
    # Claims give costs only for payment schedules. Other cost lines get their costs from published counts.
    costs = analysis.exact_tables[analysis.headline_table_name("costs")].filter(
        HAS_AMOUNT, level="line", line=line.id
    )
    costs = analysis.exact_tables["costs"].filter(level="line", line=line.id) if costs.is_empty() else costs
    rows = {row["valuation"]: row for row in costs.iter_rows(named=True)}
    if (line_total := rows.get("top_down", {}).get("expected")) is not None:
        return locale("report.controller_whole", amount=_exact(line_total, locale))
    bounds = rows.get("cash", {})
    suffix = "" if bounds.get("basis", "published") == "published" else "_claims"
    if bounds.get("high") is not None:
        low, high = (_exact(bounds[end] or 0.0, locale) for end in ("low", "high"))
        return locale(f"report.controller_between{suffix}", low=low, high=high)
    if bounds.get("low") or suffix:
        return locale(f"report.controller_from{suffix}", low=_exact(bounds["low"] or 0.0, locale))
    face_value = rows.get("face_value", {})
    if price := face_value.get("expected") or face_value.get("promised"):
        return locale("report.controller_face", amount=_exact(price, locale))
    return locale("report.controller_unreliable")
