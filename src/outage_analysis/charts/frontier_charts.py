"""Chart of the efficient frontier: what claimants get against what policies cost."""

from __future__ import annotations

import altair as alt
import polars as pl

from outage_analysis.charts.axes import even_ticks, labelled_axis, money_axis, short_amount
from outage_analysis.charts.theme import (
    ACCENT,
    GREY,
    INK,
    LIGHT,
    AltairChart,
    ChartContext,
    NothingToDraw,
    finish_chart,
    json_ready,
)
from outage_analysis.text import Locale

MIN_POINTS = 2
"""Fewer points show no frontier."""
ROOM = 0.06
"""The share of the range of values that an axis extends beyond the points."""
HEIGHT = 360
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
    scale = 1 if objective in ("replaced", "made_whole") else 10**locale.minor_units
    data = table.with_columns(
        shown=pl.col("benefit") / scale,
        label=pl.Series([_label(row, context) for row in table.iter_rows(named=True)], dtype=pl.String),
    )
    costs = [*data["at_level"], *([] if budget is None else [budget])]
    low, high = min(costs), max(costs)
    room = (high - low or high or 1.0) * ROOM
    x = money_axis(
        "at_level",
        locale,
        locale("chart.frontier_x", mark=mark, unit=locale.unit),
        0.0,
        high + 2 * room,
    )
    y = _benefit_axis(data["shown"].to_list(), objective, locale)
    line, policies = data.filter(role="frontier"), data.filter(pl.col("role") != "frontier")
    layers = []
    if budget is not None:
        layers += _budget_rule(budget, x, locale)
    line_chart = alt.Chart(json_ready(line.sort("at_level", "shown")))
    layers += [
        line_chart.mark_line(color=LIGHT, strokeWidth=2, interpolate="step-after").encode(x, y),
        line_chart.mark_point(filled=True, color=GREY, size=18, opacity=1).encode(x, y),
    ]
    points = alt.Chart(json_ready(policies))
    colour = alt.condition(alt.FieldOneOfPredicate("role", list(CHOSEN)), alt.value(ACCENT), alt.value(INK))
    layers += [
        points.mark_point(filled=True, size=110, stroke="white", opacity=1).encode(x, y, color=colour),
        points.mark_text(align="left", dx=9, dy=12, fontWeight=600).encode(
            x, y, text="label:N", color=colour
        ),
    ]
    return finish_chart(
        alt.layer(*layers),
        context,
        height=HEIGHT,
        title=_title(table, context),
        subtitle=locale(
            "chart.frontier_subtitle",
            mark=mark,
            unit=locale.unit,
            benefit=locale(f"column.{objective}"),
        ),
        description=locale("chart.frontier_description", mark=mark),
    )


def _label(row: dict[str, object], context: ChartContext) -> str:
    role = str(row["role"])
    if role == "named":
        return context.name(str(row["policy"]))
    return context.locale(f"word.{role}")


def _budget_rule(budget: float, x: alt.X, locale: Locale) -> list[alt.Chart]:
    """Return a vertical line at the budget, with its label."""
    label = locale("chart.frontier_budget", amount=short_amount(locale, budget))
    base = alt.Chart(json_ready(pl.DataFrame({"at_level": [float(budget)], "label": [label]})))
    return [
        base.mark_rule(strokeDash=[5, 4], color=INK).encode(x),
        base.mark_text(align="left", dx=5, dy=9).encode(x, y=alt.value(0), text="label:N"),
    ]


def _benefit_axis(values: list[float], objective: str, locale: Locale) -> alt.Y:
    """Return a vertical axis of shares, counts or amounts, with labels in the language of the chart."""
    low, high = min(values), max(values)
    room = (high - low or high or 1.0) * ROOM
    bottom, top = max(low - room, 0.0), high + room
    ticks = [tick for tick in even_ticks(bottom, top) if bottom <= tick <= top]
    if objective == "replaced":
        labels = [f"{100 * tick:.10g}%" for tick in ticks]
    elif objective == "made_whole":
        labels = [f"{tick:,.0f}" for tick in ticks]
    else:
        labels = [short_amount(locale, tick * 10**locale.minor_units, 6) for tick in ticks]
    axis = labelled_axis(ticks, labels)
    scale = alt.Scale(domain=[top, bottom] if objective == "shortfall" else [bottom, top], nice=False)
    return alt.Y("shown:Q", title=locale(f"column.{objective}"), scale=scale, axis=axis)


def _title(table: pl.DataFrame, context: ChartContext) -> str:
    """Return the finding: what the budget buys, beside what the announced policy gives."""
    locale = context.locale
    by_role = {row["role"]: row for row in table.iter_rows(named=True)}
    mark, budget = table["mark"][0], table["budget"][0]
    if context.synthetic:
        return locale("chart.frontier_measure")
    if "solution" not in by_role and budget is not None:
        return locale("chart.frontier_title_none", budget=locale.money(budget), mark=mark)
    if "solution" not in by_role or budget is None:
        return locale("chart.frontier_measure")
    values = {role: _benefit_text(row, locale) for role, row in by_role.items()}
    key = "frontier_title" if "announced" in values else "frontier_title_solution"
    return locale(
        f"chart.{key}",
        budget=locale.money(budget),
        benefit=values["solution"],
        announced=values.get("announced", ""),
    )


def _benefit_text(row: dict[str, object], locale: Locale) -> str:
    objective, value = str(row["objective"]), float(str(row["benefit"]))
    if objective == "replaced":
        shown = locale.share(value)
    else:
        shown = (
            locale.number(round(value)) if objective == "made_whole" else locale.money(value, BENEFIT_DIGITS)
        )
    return locale(f"solve.got_{objective}", value=shown)
