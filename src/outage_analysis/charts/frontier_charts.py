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
    scale = 1 if objective in ("replaced", "made_whole") else 10**locale.minor_units
    data = table.with_columns(shown=pl.col("benefit") / scale)
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
    policies = _labels(policies, context)
    layers = []
    if budget is not None:
        layers += _budget_rule(budget, x, locale)
    line_chart = alt.Chart(json_ready(line.sort("at_level", "shown")))
    layers += [
        line_chart.mark_line(color=LIGHT, strokeWidth=2, interpolate="step-after").encode(x, y),
        line_chart.mark_point(filled=True, color=GREY, size=18, opacity=1).encode(x, y),
    ]
    layers += _policy_points(policies, x, y, high)
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


def _policy_points(policies: pl.DataFrame, x: alt.X, y: alt.Y, high: float) -> list[alt.Chart]:
    chosen = pl.col("role").is_in(CHOSEN)
    layers = []
    for part, colour, shift in (
        (policies.filter(~chosen), INK, BELOW),
        (policies.filter(chosen), ACCENT, ABOVE),
    ):
        for right in (False, True):
            side = part.filter((pl.col("at_level") > high * LABELS_LEFT_FROM) == right)
            if side.is_empty():
                continue
            points = alt.Chart(json_ready(side))
            dots = points.mark_point(filled=True, size=120, stroke="white", color=colour, opacity=1)
            words = points.mark_text(dx=-11 if right else 11, dy=shift, fontWeight=600, color=colour)
            words.mark.align = "right" if right else "left"
            layers += [dots.encode(x, y), words.encode(x, y, text="label:N")]
    return layers


def _labels(policies: pl.DataFrame, context: ChartContext) -> pl.DataFrame:
    names = [
        context.name(row["policy"]) if row["role"] == "named" else context.locale(f"word.{row['role']}")
        for row in policies.iter_rows(named=True)
    ]
    labelled = policies.with_columns(label=pl.Series(names, dtype=pl.String))
    return labelled.group_by("at_level", "benefit", maintain_order=True).agg(
        pl.col("role", "shown").first(), pl.col("label").str.join(" = ")
    )


def _budget_rule(budget: float, x: alt.X, locale: Locale) -> list[alt.Chart]:
    label = locale("chart.frontier_budget", amount=short_amount(locale, budget))
    base = alt.Chart(json_ready(pl.DataFrame({"at_level": [float(budget)], "label": [label]})))
    return [
        base.mark_rule(strokeDash=[5, 4], color=INK).encode(x),
        base.mark_text(align="left", dx=5, dy=9).encode(x, y=alt.value(0), text="label:N"),
    ]


def _benefit_axis(values: list[float], objective: str, locale: Locale) -> alt.Y:
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
    locale = context.locale
    by_role = {row["role"]: row for row in table.iter_rows(named=True)}
    mark, budget = table["mark"][0], table["budget"][0]
    if context.synthetic:
        return locale("chart.frontier_measure")
    if "solution" not in by_role and budget is not None:
        return locale("chart.frontier_title_none", budget=locale.money(budget), mark=mark)
    if "solution" not in by_role or budget is None:
        return locale("chart.frontier_measure")
    solution, announced = by_role["solution"], by_role.get("announced")
    values = {"budget": locale.money(budget), "benefit": _benefit_text(solution, locale)}
    if announced is None:
        return locale("chart.frontier_title_solution", **values)
    if solution["parameters"] == announced["parameters"]:
        return locale("chart.frontier_title_same", mark=mark, **values)
    return locale("chart.frontier_title", announced=_value_text(announced, locale), **values)


def _benefit_text(row: dict[str, object], locale: Locale) -> str:
    return locale(f"solve.got_{row['objective']}", value=_value_text(row, locale))


def _value_text(row: dict[str, object], locale: Locale) -> str:
    objective, value = row["objective"], float(str(row["benefit"]))
    if objective == "replaced":
        return locale.share(value)
    if objective == "made_whole":
        return locale.number(round(value))
    return locale.money(value, BENEFIT_DIGITS)
