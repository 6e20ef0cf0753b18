"""Charts of the total cash cost: its distribution, its exceedance curve, and a waterfall of its parts."""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts import cost_data
from outage_analysis.charts.axes import money_axis, money_range_ends, short_amount
from outage_analysis.charts.theme import (
    ACCENT,
    INK,
    LIGHT,
    ROW,
    AltairChart,
    ChartContext,
    NothingToDraw,
    axis_for_field,
    finish_chart,
    json_ready,
    name_axis,
    wrap_name,
)
from outage_analysis.text import ALL_DIGITS, LikelyRange, Locale, capitalized, percent

HEIGHT = 260
LINE = 16
"""Pixels between two lines of labels."""
LOW, HIGH = LikelyRange.low_column, LikelyRange.high_column
LINES = {LOW: 2, HIGH: 2, "expected": 1, "budget": 0}
"""For each marked amount, the row of its label above the chart, counted from the top."""
SIDE = 0.37
"""A log axis extends beyond the likely range by this fraction of its length, to leave space for labels."""
HEADROOM = 1.4
"""The density axis goes up to this multiple of the peak, so that the labels fit above it."""
TO_100 = 116
"""Percent at the top of the axis, so that a label fits above the curve."""
CLOSE = (2, 1.1)
"""Labels have one more digit if upper / lower end of the likely range is below the first ratio, and two
more below the second."""

Marks = dict[str, dict[str, float]]


def total_distribution(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw the density of the total cash cost on a log axis, with the likely range in colour.

    Vertical lines mark the ends of the likely range, the expected total and the budget.
    """
    locale, marks = context.locale, _marks(table, context.locale)
    areas = cost_data.density_areas(table, locale.level)
    ends = _axis_ends(areas, marks)
    x = money_axis("amount", locale, locale("chart.total_distribution_x", unit=locale.unit), *ends)
    y = alt.Y(
        "density:Q",
        title=locale("chart.total_distribution_y"),
        scale=alt.Scale(domain=[0, 100 * HEADROOM], nice=False),
        stack=None,
        axis=alt.Axis(values=[0, 50, 100]),
    )
    parts = alt.Scale(domain=["below", "likely", "above"], range=[LIGHT, ACCENT, LIGHT])
    shape = (
        alt.Chart(json_ready(areas))
        .mark_area(opacity=0.9)
        .encode(x, y, color=alt.Color("part:N", scale=parts, legend=None))
    )
    low, high = money_range_ends(locale, marks[LOW]["amount"], marks[HIGH]["amount"])
    return finish_chart(
        alt.layer(shape, *_labelled_lines(marks, x, math.sqrt(math.prod(ends)), _digits(marks), locale)),
        context,
        height=HEIGHT,
        title=locale("chart.total_distribution_measure")
        if context.synthetic
        else locale(
            "chart.total_distribution_finding",
            expected=locale.money(marks["expected"]["amount"]),
            low=low,
            high=high,
        ),
        subtitle=locale("chart.total_distribution_subtitle"),
        description=locale("chart.total_distribution_description"),
    )


def _marks(table: pl.DataFrame, locale: Locale) -> Marks:
    """Return the amounts to mark on charts of the total cash cost.

    The lower end of the likely range is 0 if the table has no positive lower end.

    Raises:
        NothingToDraw: there is no cash, the total is certain, or there are too few simulated totals for the
            likely range.
    """
    marks = cost_data.marked_amounts(table, locale.level)
    gridded = len(table.filter(pl.col("mark").is_null(), valuation="cash"))
    if not gridded or not {"expected", HIGH} <= set(marks):
        raise NothingToDraw
    return {LOW: {"amount": 0.0, "above": locale.likely_range.upper, "density": 0.0}} | marks


def _axis_ends(rows: pl.DataFrame, marks: Marks) -> tuple[float, float]:
    """Return both ends of the axis of amounts, with space for labels beside the likely range."""
    amounts = [*rows["amount"], *(m["amount"] for m in marks.values() if m["amount"])]
    low, high, first, last = min(amounts), max(amounts), marks[LOW]["amount"], marks[HIGH]["amount"]
    high = max(high, last * (last / low) ** SIDE)
    return (min(low, first / (high / first) ** SIDE) if first else low), high


def _digits(marks: Marks) -> int:
    """Return the number of significant digits at which both ends of the range have different labels."""
    low, high = (marks[mark]["amount"] for mark in (LOW, HIGH))
    return 2 + sum(high < times * low for times in CLOSE)


def _labelled_lines(marks: Marks, x: alt.X, middle: float, digits: int, locale: Locale) -> list[alt.Chart]:
    """Draw vertical lines with labels at the budget, the expected total and the ends of the likely range.

    The label of the budget is at the top, the label of the expected total below it, and the labels of the
    range below both. The label of the lower end is left of its line, and the label of the upper end is right
    of its line. The other labels are on the side of their line that is towards `middle`. Labels are drawn
    over all lines.
    """
    rules, texts = [], []
    for mark, line in LINES.items():
        if mark not in marks or not marks[mark]["amount"]:
            continue
        amount, strong = marks[mark]["amount"], mark in ("expected", "budget")
        base = alt.Chart(pl.DataFrame({"amount": [amount]}))
        top = alt.value(line * LINE + 2)
        dash = [1, 0] if strong else [4, 3]
        rule = base.mark_rule(color=INK, strokeWidth=1.6 if strong else 1, strokeDash=dash)
        rules.append(rule.encode(x, y=top, y2=alt.value(HEIGHT)))
        number = short_amount(locale, amount, ALL_DIGITS if mark == "budget" else digits)
        label = locale(f"chart.mark_{mark}", amount=number, share=locale.share(marks[mark]["above"]))
        left = mark == LOW or (mark != HIGH and amount > middle)
        looks = {"align": "right" if left else "left", "dx": -5 if left else 5, "baseline": "top"}
        looks["fontWeight"] = 600 if strong else 400
        texts += _outlined_text(base, looks, x=x, y=top, text=alt.value(label))
    return [*rules, *texts]


def _outlined_text(base: alt.Chart, looks: dict[str, Any], **places: Any) -> list[alt.Chart]:  # noqa: ANN401 - channels
    """Draw a text with a white outline, so that it is readable where it crosses lines."""
    rim = base.mark_text(**looks, stroke="white", strokeWidth=4)
    return [text.encode(**places) for text in (rim, base.mark_text(**looks))]


def exceedance(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw the exceedance curve: the probability that the cash cost exceeds each amount.

    A vertical line marks the budget, if there is one.
    """
    locale, marks = context.locale, _marks(table, context.locale)
    rows = cost_data.exceedance_curve(table)
    ends = _axis_ends(rows, marks)
    x = money_axis("amount", locale, locale("chart.exceedance_x", unit=locale.unit), *ends)
    y = alt.Y(
        "above:Q",
        title=locale("chart.exceedance_y"),
        scale=alt.Scale(domain=[0, TO_100], nice=False),
        axis=alt.Axis(values=[0, 25, 50, 75, 100]),
    )
    base = alt.Chart(json_ready(rows))
    budget = marks.get("budget")
    title = locale("chart.exceedance_finding", high=locale.money(marks[HIGH]["amount"]))
    if budget:
        share = locale.share(budget["above"])
        title = locale("chart.exceedance_budget", budget=locale.money_in_full(budget["amount"]), share=share)
    return finish_chart(
        alt.layer(
            base.mark_area(color=ACCENT, opacity=0.14).encode(x, y),
            base.mark_line(color=ACCENT, strokeWidth=2.5).encode(x, y),
            *_labelled_lines({"budget": budget} if budget else {}, x, math.sqrt(math.prod(ends)), 2, locale),
            *_percentile_points(marks, x, y, locale),
        ),
        context,
        height=HEIGHT,
        title=locale("chart.exceedance_measure") if context.synthetic else title,
        subtitle=locale("chart.exceedance_subtitle"),
        description=locale("chart.exceedance_description"),
    )


def _percentile_points(marks: Marks, x: alt.X, y: alt.Y, locale: Locale) -> list[alt.Chart]:
    """Mark the percentiles and the budget on the exceedance curve.

    Labels are right of their points, because the falling curve leaves space there.
    """
    digits = _digits(marks)
    chances_above = locale.likely_range.chances_above
    rows = [
        {
            "amount": m["amount"],
            "above": 100 * m["above"],
            "label": ""
            if mark not in chances_above
            else locale(
                "chart.exceedance_point",
                share=percent(chances_above[mark]),
                amount=short_amount(locale, m["amount"], digits),
            ),
        }
        for mark, m in marks.items()
        if m["amount"] and (mark in chances_above or mark == "budget")
    ]
    base = alt.Chart(pl.DataFrame(rows))
    points = base.mark_point(filled=True, color=INK, size=50, opacity=1).encode(x, y)
    return [points, *_outlined_text(base, {"align": "left", "dx": 8, "dy": -8}, x=x, y=y, text="label:N")]


def waterfall(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw a waterfall chart of the parts that add up to the expected cash cost.

    Each bar starts where the previous bar ends.
    """
    locale = context.locale
    if len(table) < 2:  # noqa: PLR2004 - a sum needs two bars
        raise NothingToDraw
    rows = cost_data.waterfall_bars(table)
    total = float(rows["expected"].sum())
    labels = (
        cost_data.step_labels(r, locale, lambda id_: wrap_name(context.name(id_)))
        for r in rows.iter_rows(named=True)
    )
    names = ["\n".join(filter(None, step)) for step in labels]
    shares = [
        f"{short_amount(locale, r['expected'])} ({locale.share(r['share'])})"
        for r in rows.iter_rows(named=True)
    ]
    data = pl.DataFrame(
        {
            "name": [*names, locale("chart.waterfall_sum")],
            "start": [*rows["start"], 0.0],
            "end": [*rows["end"], total],
            "label": [*shares, short_amount(locale, total)],
            "sum": [*([False] * len(names)), True],
        }
    )
    y = alt.Y("name:N", sort=data["name"].to_list(), title=None, axis=name_axis())
    x = money_axis("start", locale, locale("chart.waterfall_x", unit=locale.unit), 0.0, total * 1.4)
    base = alt.Chart(json_ready(data))
    return finish_chart(
        alt.layer(
            base.mark_bar(size=20).encode(
                x,
                alt.X2("end:Q"),
                y,
                color=alt.condition("datum.sum", alt.value(INK), alt.value(ACCENT)),
            ),
            base.mark_text(align="left", dx=5).encode(axis_for_field(x, "end"), y, text="label:N"),
        ),
        context,
        facts=" ".join(dict.fromkeys(" ".join(rows["facts"]).split())),
        height=(ROW + 8) * len(data),
        title=locale("chart.waterfall_measure")
        if context.synthetic
        else _waterfall_title(rows, names, locale),
        subtitle=locale("chart.waterfall_subtitle", unit=locale.unit),
        description=locale("chart.waterfall_description"),
    )


def _waterfall_title(rows: pl.DataFrame, names: list[str], locale: Locale) -> str:
    """Return the chart title: the largest part's share of the expected cash cost and of the worst cases."""
    at = int(rows.filter(joined=1)["expected"].arg_max() or 0)  # leave out the last row of merged parts
    separator = " " if rows["rule"][at] is None else ", "
    name, tail = names[at].replace("\n", separator), rows["tail_share"][at]
    key = "chart.waterfall_finding" if tail is None else "chart.waterfall_tail"
    return locale(
        key, name=capitalized(name), share=locale.share(rows["share"][at]), tail=locale.share(tail or 0)
    )
