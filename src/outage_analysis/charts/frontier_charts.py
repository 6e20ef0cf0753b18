"""Chart of the efficient frontier: what claimants get against what policies cost."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts.axes import even_ticks, labelled_axis, money_axis, short_amount
from outage_analysis.charts.finished_chart import finish_chart
from outage_analysis.charts.marks import accent_if
from outage_analysis.charts.theme import GREY, INK, LIGHT, AltairChart, ChartContext, NothingToDraw
from outage_analysis.text import Locale

MIN_POINTS = 2
"""Fewer points show no frontier."""
ROOM = 0.06
"""The share of the range of values that an axis extends beyond the points."""
HEIGHT = 360
BELOW, ABOVE = 15, -13
"""The vertical shift of labels, in pixels: the label of the chosen policy is above the line."""
LABELS_LEFT_FROM = 0.6
"""Labels of points beyond this share of the largest cost are to the left of the point."""
BENEFIT_DIGITS = 3
"""Significant digits of an amount that people get."""
CHOSEN = ("solution", "nearest")
"""The roles of the policy that the search chose."""


def frontier(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw the frontier as a line, and the solution, the announced and other policies as named points.

    Args:
        table: one row per point: `policy`, `role`, `at_level`, `benefit`, `objective`, `mark` and `budget`.
        context: language, names and the as-of day.
    """
    if len(table) < MIN_POINTS:
        raise NothingToDraw
    locale = context.locale
    objective, mark, budget = table.select("objective", "mark", "budget").row(0)
    scale = 1 if objective == "replaced" else 10**locale.minor_units
    data = table.with_columns(shown=pl.col("benefit") / scale)
    costs = [*data["at_level"], *([] if budget is None else [budget])]
    high = max(costs)
    room = (high - min(costs) or high or 1.0) * ROOM
    x = money_axis("at_level", locale, "chart.frontier_x", 0.0, high + 2 * room, mark=mark)
    y = _benefit_axis(data["shown"].to_list(), objective, locale)
    layers = []
    if budget is not None:
        label = locale("chart.frontier_budget", amount=short_amount(locale, budget))
        limit = alt.Chart(pl.DataFrame({"at_level": [float(budget)], "label": [label]}))
        text = limit.mark_text(align="left", dx=5, dy=9)
        layers += [
            limit.mark_rule(strokeDash=[5, 4], color=INK).encode(x),
            text.encode(x, y=alt.YValue(0), text=alt.Text("label:N")),
        ]
    line = alt.Chart(data.filter(role="frontier").sort("at_level", "shown"))
    layers += [
        line.mark_line(color=LIGHT, strokeWidth=2, interpolate="step-after").encode(x, y),
        line.mark_point(filled=True, color=GREY, size=18, opacity=1).encode(x, y),
        *_policy_points(_labelled(data.filter(pl.col("role") != "frontier"), context), x, y, high),
    ]
    return finish_chart(
        alt.layer(*layers),
        context,
        "frontier",
        finding=_finding(table, locale),
        height=HEIGHT,
        mark=mark,
        benefit=locale(f"column.{objective}"),
    )


def _labelled(policies: pl.DataFrame, context: ChartContext) -> pl.DataFrame:
    names = [
        context.name(policy) if role == "named" else context.locale(f"word.{role}")
        for policy, role in policies.select("policy", "role").rows()
    ]
    labelled = policies.with_columns(label=pl.Series(names, dtype=pl.String))
    return labelled.group_by("at_level", "benefit", maintain_order=True).agg(
        pl.col("role", "shown").first(), pl.col("label").str.join(" = ")
    )


def _policy_points(policies: pl.DataFrame, x: alt.X, y: alt.Y, high: float) -> list[alt.Chart]:
    """Return the named points: labels at their right or left, and that of the chosen policy above."""
    right = pl.col("at_level") > high * LABELS_LEFT_FROM
    points = alt.Chart(policies.with_columns(chosen=pl.col("role").is_in(CHOSEN), right=right))
    colour = accent_if("datum.chosen", INK)
    dots = points.mark_point(filled=True, size=120, stroke="white", opacity=1)
    words = points.mark_text(
        align=alt.ExprRef("datum.right ? 'right' : 'left'"),
        dx=alt.ExprRef("datum.right ? -11 : 11"),
        dy=alt.ExprRef(f"datum.chosen ? {ABOVE} : {BELOW}"),
        fontWeight=600,
    )
    return [dots.encode(x, y, color=colour), words.encode(x, y, text=alt.Text("label:N"), color=colour)]


def _benefit_axis(values: list[float], objective: str, locale: Locale) -> alt.Y:
    low, high = min(values), max(values)
    room = (high - low or high or 1.0) * ROOM
    bottom, top = max(low - room, 0.0), high + room
    ticks = [tick for tick in even_ticks(bottom, top) if bottom <= tick <= top]
    if objective == "replaced":
        labels = [f"{100 * tick:.10g}%" for tick in ticks]
    else:
        labels = [short_amount(locale, tick * 10**locale.minor_units, 6) for tick in ticks]
    axis = labelled_axis(ticks, labels)
    scale = alt.Scale(domain=[bottom, top], nice=False)
    return alt.Y("shown:Q", title=locale(f"column.{objective}"), scale=scale, axis=axis)


def _finding(table: pl.DataFrame, locale: Locale) -> str:
    by_role = {row["role"]: row for row in table.iter_rows(named=True)}
    mark, budget = table["mark"][0], table["budget"][0]
    solution, announced = by_role.get("solution"), by_role.get("announced")
    if budget is None:
        return ""
    limit = locale.money(budget)
    if solution is None:
        return locale("chart.frontier_title_none", budget=limit, mark=mark)
    benefit = locale(f"solve.got_{solution['objective']}", value=_value_text(solution, locale))
    if announced is None:
        return locale("chart.frontier_title_solution", budget=limit, benefit=benefit)
    if solution["parameters"] == announced["parameters"]:
        return locale("chart.frontier_title_same", budget=limit, mark=mark)
    value = _value_text(announced, locale)
    return locale("chart.frontier_title", budget=limit, benefit=benefit, announced=value)


def _value_text(row: dict[str, Any], locale: Locale) -> str:
    objective, value = row["objective"], float(row["benefit"])
    if objective == "replaced":
        return locale.share(value)
    return locale.money(value, BENEFIT_DIGITS)
