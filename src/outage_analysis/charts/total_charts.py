"""Charts of the total cash cost: its distribution as dots, and a waterfall of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts import cost_data
from outage_analysis.charts.axes import dots_axis, money_axis, short_amount, short_span
from outage_analysis.charts.dot_stacks import DotLayout, dot_layout
from outage_analysis.charts.theme import (
    ACCENT,
    GREY,
    INK,
    ROW,
    AltairChart,
    ChartContext,
    NothingToDraw,
    axis_for_field,
    finish_chart,
    json_ready,
    name_axis,
    outlined_text,
    wrap_name,
)
from outage_analysis.text import ALL_DIGITS, LikelyRange, Locale, capitalized, percent, short_names

DOT_ROOM = 150
"""Height in pixels of the part of the chart that holds the dots."""
DOT_DIGITS = 3
LINE = 17
"""Pixels between two lines of labels."""
LOW, HIGH = LikelyRange.low_column, LikelyRange.high_column
MARKS = ("observed", "budget", HIGH, "expected", "p50")
"""The amounts with a vertical line, from the top label down. Their names precede their amounts."""
STRONG = ("observed", "budget", "p50")
LABEL_WIDTH = 90
"""Width in pixels of the label at the end of a bar of the waterfall."""
HALF_TOLERANCE = 0.01
"""The title says "half" if the probability of at most the median differs from 1/2 by less than this."""
ARROW = 0.1
"""Length of the arrow of an upper bound, as a share of the axis."""
CLOSE = (2, 1.1)
"""Labels have one more digit if upper / lower end of the likely range is below the first ratio, and two
more below the second."""

Marks = dict[str, dict[str, float]]


def total_distribution(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw the total cash cost as equally likely dots, with the median, the mean and the budget marked.

    Press forecasts of the same cash are ranges above the dots. A forecast that gives only an upper bound is
    an arrow. If the table has the amount that was paid in the end, it is marked too; only tables of hindsight
    have it. A total that is certain is one line.
    """
    locale, marks = context.locale, cost_data.marked_amounts(table, context.locale.level)
    dots = cost_data.dot_amounts(table)
    certain = not dots and len({m["amount"] for m in marks.values() if m["quantile"]}) == 1 and HIGH in marks
    if "expected" not in marks or not {"p50", HIGH} <= set(marks) or not (dots or certain):
        raise NothingToDraw
    forecasts = _forecast_rows(table, context)
    ends = [x for f in forecasts.iter_rows(named=True) for x in (f["low"], f["amount"]) if x]
    layout = dot_layout(dots, [*ends, *(m["amount"] for m in marks.values())], marks[LOW]["amount"])
    x = dots_axis(layout, locale, locale("chart.total_distribution_x", unit=locale.unit))
    labels = _mark_labels(marks, locale, certain=certain)
    height = DOT_ROOM + LINE * (len(forecasts) + len(labels)) + 6
    layers = [
        *_forecast_layers(forecasts, layout, x, locale),
        *([_dots(layout, marks, x, height, locale)] if dots else []),
        *_labelled_lines(labels, marks, layout, x, len(forecasts) * LINE, height),
    ]
    return finish_chart(
        alt.layer(*layers),
        context,
        facts=" ".join(table.filter(pl.col("mark").is_in(["press", "observed"]), valuation="cash")["fact"]),
        height=height,
        title=locale("chart.total_distribution_measure")
        if context.synthetic
        else _distribution_title(marks, locale, certain=certain),
        subtitle=_distribution_subtitle(marks, layout, locale, certain=certain, forecasts=len(forecasts)),
        description=locale("chart.total_distribution_description"),
    )


def _distribution_title(marks: Marks, locale: Locale, *, certain: bool) -> str:
    money = {
        mark: locale.money(m["amount"], ALL_DIGITS if mark == "budget" else 2) for mark, m in marks.items()
    }
    if certain:
        return locale("chart.total_distribution_certain", amount=money["expected"])
    if "observed" in marks:
        return locale(
            "chart.total_distribution_observed",
            amount=money["observed"],
            share=locale.share(1 - marks["observed"]["above"]),
        )
    above = locale.share(marks[HIGH]["above"])
    values = {"median": money["p50"], "mean": money["expected"], "high": money[HIGH], "above": above}
    at_most = 1 - marks["p50"]["above"]
    if "budget" in marks:
        share = locale.share(marks["budget"]["above"])
        return locale("chart.total_distribution_budget", budget=money["budget"], share=share, **values)
    if not marks["p50"]["amount"]:
        return locale("chart.total_distribution_nothing", share=locale.share(at_most), **values)
    if at_most > 0.5 + HALF_TOLERANCE:  # many outcomes are equal to the median
        return locale("chart.total_distribution_equal", share=locale.share(at_most), **values)
    often = locale.one_in((1 - locale.level / 100) / 2)
    return locale("chart.total_distribution_finding", often=often, **values)


def _distribution_subtitle(
    marks: Marks, layout: DotLayout, locale: Locale, *, certain: bool, forecasts: int
) -> str:
    if certain:
        return locale("chart.total_distribution_certain_subtitle", unit=locale.unit)
    count = len(layout.dots)
    zero = (
        locale("chart.total_distribution_zero", share=locale.share(1 - marks["zero"]["above"]))
        if "zero" in marks
        else ""
    )
    return locale(
        "chart.total_distribution_subtitle",
        unit=locale.unit,
        scale=locale("chart.log_scale") if layout.log else "",
        count=count,
        share=percent(1 / count),
        zero=zero,
        press=locale("chart.total_distribution_press") if forecasts else "",
    )


def _dots(layout: DotLayout, marks: Marks, x: alt.X, height: int, locale: Locale) -> alt.Chart:
    tallest = max(dot["level"] for dot in layout.dots) + 1
    across = f"min(width * {layout.dot_share:.5g}, {DOT_ROOM / tallest:.5g})"
    data = pl.DataFrame(layout.dots).with_columns(
        likely=pl.col("amount").is_between(marks[LOW]["amount"], marks[HIGH]["amount"]),
        level=pl.col("level") + 0.5,
        label=pl.Series([short_amount(locale, dot["amount"], DOT_DIGITS) for dot in layout.dots]),
    )
    y = alt.Y(
        "level:Q",
        title=None,
        axis=None,
        scale=alt.Scale(domainMin=0, domainMax=alt.ExprRef(f"{height} / {across}"), nice=False, zero=True),
    )
    mark = alt.Chart(json_ready(data)).mark_point(
        filled=True, opacity=1, shape="circle", size=alt.ExprRef(f"PI / 4 * pow({across} * 0.92, 2)")
    )
    colour = alt.condition("datum.likely", alt.value(ACCENT), alt.value(GREY))
    place = axis_for_field(x, "place")
    dots: alt.Chart = mark.encode(
        place, y, color=colour, tooltip=alt.Tooltip("label:N", title=locale("chart.dot"))
    )
    return dots


def _digits(marks: Marks) -> int:
    low, high = (marks[mark]["amount"] for mark in (LOW, HIGH))
    return 2 + sum(high < times * low for times in CLOSE)


def _mark_labels(marks: Marks, locale: Locale, *, certain: bool) -> dict[str, str]:
    digits = _digits(marks)
    own = {mark for mark in MARKS if marks.get(mark, {}).get("quantile")} - {"expected"}
    labels = {}
    for mark in MARKS:
        if mark not in marks or (certain and mark in own):
            continue
        amount = short_amount(locale, marks[mark]["amount"], ALL_DIGITS if mark == "budget" else digits)
        name = "certain" if certain and mark == "expected" else mark
        labels[mark] = locale(f"chart.mark_{name}", amount=amount, share=locale.share(marks[mark]["above"]))
    return labels


def _labelled_lines(
    labels: Mapping[str, str], marks: Marks, layout: DotLayout, x: alt.X, first: int, height: int
) -> list[alt.Chart]:
    rules, texts = [], []
    for n, (mark, label) in enumerate(labels.items()):
        strong = mark in STRONG or not layout.dots
        colour = ACCENT if mark == "observed" else INK
        place = layout.place(marks[mark]["amount"])
        base = alt.Chart(pl.DataFrame({"place": [place]}))
        top = alt.value(first + n * LINE + 2)
        looks: dict[str, Any] = {
            "strokeWidth": 1.8 if strong else 1.2,
            "strokeDash": [1, 0] if strong else [4, 3],
        }
        at = axis_for_field(x, "place")
        rules.append(base.mark_rule(color=colour, **looks).encode(at, y=top, y2=alt.value(height)))
        right_half = layout.fraction(place) > 0.5  # noqa: PLR2004 - the middle
        side = {"align": "right", "dx": -5} if right_half else {"align": "left", "dx": 5}
        text = {**side, "baseline": "top", "fontWeight": 600 if strong else 400, "color": colour}
        texts += outlined_text(base, text, x=at, y=top, text=alt.value(label))
    return [*rules, *texts]


def _forecast_rows(table: pl.DataFrame, context: ChartContext) -> pl.DataFrame:
    rows = table.filter(valuation="cash", mark="press").sort("amount", descending=True, maintain_order=True)
    return rows.select("low", "amount").with_columns(
        name=pl.Series(publisher_names(rows["fact"].to_list(), context), dtype=pl.String)
    )


def publisher_names(facts: list[str], context: ChartContext) -> list[str]:
    """Return the publisher of each published amount; "press forecast" if the incident does not name it."""
    unnamed = context.locale("chart.press_forecast")
    names = [context.names.get(fact, unnamed) for fact in facts]
    if len(set(names)) == len(names):
        return short_names(names)
    return [f"{name} {n}" for n, name in enumerate(names, start=1)]


def _forecast_layers(rows: pl.DataFrame, layout: DotLayout, x: alt.X, locale: Locale) -> list[alt.Chart]:
    layers = []
    for line, row in enumerate(rows.iter_rows(named=True)):
        high = layout.place(row["amount"])
        short = high - ARROW * (layout.high - layout.low)
        low = short if row["low"] is None else layout.place(row["low"])
        y = alt.value(line * LINE + LINE / 2)
        base = alt.Chart(pl.DataFrame({"place": [low], "end": [high]}))
        at, end = axis_for_field(x, "place"), axis_for_field(x, "end")
        if row["low"] is None:
            amount = locale("chart.at_most", amount=short_amount(locale, row["amount"]))
            # The arrow is short, because the forecast does not say how far down it reaches.
            stem = base.mark_rule(color=GREY, strokeWidth=2).encode(end, x2=alt.X2("place:Q"), y=y)
            head = base.mark_point(shape="triangle-left", filled=True, color=GREY, size=60, opacity=1)
            stop = base.mark_tick(color=GREY, thickness=3, orient="vertical", size=11)
            layers += [stem, head.encode(at, y=y), stop.encode(end, y=y)]
        else:
            amount = short_span(locale, row["low"], row["amount"])
            layers.append(
                base.mark_rule(color=GREY, strokeWidth=6, strokeCap="butt").encode(at, alt.X2("end:Q"), y=y)
            )
        right_half = layout.fraction((low + high) / 2) > 0.5  # noqa: PLR2004 - the middle
        looks = {
            "align": "right" if right_half else "left",
            "dx": -8 if right_half else 8,
            "baseline": "middle",
        }
        text = f"{row['name']} {amount}"
        layers += outlined_text(base, looks, x=at if right_half else end, y=y, text=alt.value(text))
    return layers


def waterfall(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw a waterfall chart of the parts that add up to the expected cash cost.

    Each bar starts where the previous bar ends. The shares add up to 100 %.
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
        f"{short_amount(locale, r['expected'])} ({_percent(r['percent'])})"
        for r in rows.iter_rows(named=True)
    ]
    data = pl.DataFrame(
        {
            "name": [*names, locale("chart.waterfall_sum")],
            "start": [*rows["start"], 0.0],
            "end": [*rows["end"], total],
            "label": [*shares, f"{short_amount(locale, total)} (100%)"],
            "sum": [*([False] * len(names)), True],
        }
    )
    y = alt.Y("name:N", sort=data["name"].to_list(), title=None, axis=name_axis())
    # Room for the labels at every width of the chart.
    room = alt.ExprRef(f"{total!r} * width / max(width - {LABEL_WIDTH}, 1)")
    scale = alt.Scale(domainMin=0, domainMax=room, nice=False)
    x_title = locale("chart.waterfall_x", unit=locale.unit)
    x = money_axis("start", locale, x_title, 0.0, total * 1.1, scale)
    base = alt.Chart(json_ready(data))
    end = axis_for_field(x, "end")
    largest = names[_largest_part(rows)]
    colour = (
        alt.when("datum.sum").then(alt.value(INK)).when(alt.datum.name == largest).then(alt.value(ACCENT))
    )
    return finish_chart(
        alt.layer(
            base.mark_bar(size=20).encode(x, alt.X2("end:Q"), y, color=colour.otherwise(alt.value(GREY))),
            base.mark_text(align="left", dx=5).encode(end, y, text="label:N"),
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


def _percent(percent: int) -> str:
    return f"{percent}%" if percent else "<1%"


def _largest_part(rows: pl.DataFrame) -> int:
    """Return the index of the largest part; the merged small parts, which come last, do not count."""
    return int(rows.filter(joined=1)["expected"].arg_max() or 0)


def _waterfall_title(rows: pl.DataFrame, names: list[str], locale: Locale) -> str:
    at = _largest_part(rows)
    separator = " " if rows["rule"][at] is None else ", "
    name = names[at].replace("\n", separator)
    return locale("chart.waterfall_finding", name=capitalized(name), share=_percent(rows["percent"][at]))
