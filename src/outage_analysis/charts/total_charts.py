"""Chart of the total cash cost: its distribution as equally likely dots, with forecasts of the press."""

from __future__ import annotations

import json
from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts import cost_data
from outage_analysis.charts.axes import dots_axis, short_amount, short_span
from outage_analysis.charts.dot_stacks import DotLayout, dot_layout
from outage_analysis.charts.finished_chart import finish_chart
from outage_analysis.charts.marks import accent_if, axis_for_field, outlined_text
from outage_analysis.charts.range_charts import publisher_names
from outage_analysis.charts.theme import GREY, INK, AltairChart, ChartContext, NothingToDraw
from outage_analysis.text import ALL_DIGITS, LikelyRange, Locale, percent

DOT_ROOM = 150
"""Height in pixels of the part of the chart that holds the dots."""
DOT_DIGITS = 3
LINE = 17
"""Pixels between two lines of labels."""
LOW, HIGH = LikelyRange.low_column, LikelyRange.high_column
MARKS = ("observed", "budget", HIGH, "expected", "p50")
"""The amounts with a vertical line, from the top label down. Their names precede their amounts."""
STRONG = ("observed", "budget", "p50")
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
    cash = table.filter(valuation="cash")
    dots = cash.filter(pl.col("mark").is_null())["amount"].sort().to_list()
    certain = not dots and len({m["amount"] for m in marks.values() if m["quantile"]}) == 1 and HIGH in marks
    if not {"expected", "p50", HIGH} <= set(marks) or not (dots or certain):
        raise NothingToDraw
    forecasts = cash.filter(mark="press").sort("amount", descending=True, maintain_order=True)
    ends = [x for c in ("low", "amount") for x in forecasts[c] if x]
    line = marks.get("budget", marks[HIGH])["amount"]
    layout = dot_layout(dots, [*ends, *(m["amount"] for m in marks.values())], marks[LOW]["amount"], line)
    x = dots_axis(layout, locale, locale("chart.total_distribution_x", unit=locale.unit))
    labels = _mark_labels(marks, locale, certain=certain)
    height = DOT_ROOM + LINE * (len(forecasts) + len(labels)) + 6
    layers = _forecast_layers(forecasts, layout, x, context)
    if dots:
        layers.append(_dots(layout, marks, x, locale))
    layers += _labelled_lines(labels, marks, layout, x, len(forecasts) * LINE)
    nothing = ""
    if "zero" in marks:
        nothing = locale("chart.total_distribution_zero", share=locale.share(1 - marks["zero"]["above"]))
    chart = alt.layer(*layers)
    chart.usermeta = {"nothing": nothing}  # the page takes it from the subtitle if the dots move
    return finish_chart(
        chart,
        context,
        "total_distribution",
        finding=_finding(marks, locale, certain=certain),
        subtitle="chart.total_distribution_certain_subtitle" if certain else "",
        facts=" ".join(cash.filter(pl.col("mark").is_in(["press", "observed"]))["fact"]),
        height=height,
        scale=locale("chart.log_scale") if layout.log else "",
        count=len(dots),
        share=percent(1 / len(dots)) if dots else "",
        blue=locale(f"chart.total_distribution_blue_{'budget' if 'budget' in marks else 'range'}"),
        zero=nothing,
        press=locale("chart.total_distribution_press") if len(forecasts) else "",
    )


def movable(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the chart with named data and signals, through which the script of a page moves dots and marks.

    There is room for the mark of a budget that a reader types. A chart without dots is returned as it is.
    """
    kinds = {"level": "dots", "top": "marks"}
    named = {name: kinds[key] for name, rows in spec["datasets"].items() for key in kinds if key in rows[0]}
    if "dots" not in named.values():
        return spec
    x = spec["layer"][-1]["encoding"]["x"]
    low, high = x["scale"]["domain"]
    signals = {"low": low, "high": high, "ticks": x["axis"]["values"], "labels": []}
    scale = {"domainMin": {"expr": "low"}, "domainMax": {"expr": "high"}, "nice": False, "zero": False}
    labels = f"length(labels) ? labels[indexof(ticks, datum.value)] : {x['axis']['labelExpr']}"
    axis = x["axis"] | {"values": {"expr": "ticks"}, "labelExpr": labels}
    text = json.dumps(spec)
    # The subtitle on the page names the axis.
    for old, new in ((x["scale"], scale), (x["axis"], axis), (x["title"], None), *named.items()):
        text = text.replace(json.dumps(old), json.dumps(new))
    moved: dict[str, Any] = json.loads(text)
    below = MARKS[MARKS.index("budget") + 1 :]
    if all(row["mark"] != "budget" for row in moved["datasets"]["marks"]):
        moved["height"] += LINE
        for row in moved["datasets"]["marks"]:
            row["top"] += LINE * (row["mark"] in below)
    return moved | {"params": [{"name": name, "value": value} for name, value in signals.items()]}


def _finding(marks: Marks, locale: Locale, *, certain: bool) -> str:
    money = {
        mark: locale.money(m["amount"], ALL_DIGITS if mark == "budget" else 2) for mark, m in marks.items()
    }
    above = {mark: m["above"] for mark, m in marks.items()}
    values = {"median": money["p50"], "mean": money["expected"], "high": money[HIGH]}
    values["above"] = locale.share(above[HIGH])
    if certain:
        return locale("chart.total_distribution_certain", amount=money["expected"])
    if "observed" in marks:
        share = locale.share(1 - above["observed"])
        return locale("chart.total_distribution_observed", amount=money["observed"], share=share)
    if "budget" in marks:
        share = locale.share(above["budget"])
        return locale("chart.total_distribution_budget", budget=money["budget"], share=share, **values)
    at_most = 1 - above["p50"]
    if not marks["p50"]["amount"]:
        return locale("chart.total_distribution_nothing", share=locale.share(at_most), **values)
    if at_most > 0.5 + HALF_TOLERANCE:  # many outcomes are equal to the median
        return locale("chart.total_distribution_equal", share=locale.share(at_most), **values)
    often = locale.one_in((1 - locale.level / 100) / 2)
    return locale("chart.total_distribution_finding", often=often, **values)


def _dots(layout: DotLayout, marks: Marks, x: alt.X, locale: Locale) -> alt.Chart:
    least = 0.0 if "budget" in marks else marks[LOW]["amount"]
    data = pl.DataFrame(layout.dots).with_columns(
        likely=pl.col("amount").is_between(least, marks.get("budget", marks[HIGH])["amount"]),
        level=pl.col("level") + 0.5,
        label=pl.Series([short_amount(locale, dot["amount"], DOT_DIGITS) for dot in layout.dots]),
        share=pl.lit(float(f"{layout.dot_share:.5g}")),
        room=pl.lit(float(f"{DOT_ROOM / (max(dot['level'] for dot in layout.dots) + 1):.5g}")),
    )
    across = "min(width * datum.share, datum.room)"
    points = alt.Chart(data).mark_point(
        filled=True,
        opacity=1,
        shape="circle",
        size=alt.ExprRef(f"PI / 4 * pow({across} * 0.92, 2)"),
        y=alt.ExprRef(f"height - datum.level * {across}"),
    )
    dots: alt.Chart = points.encode(
        axis_for_field(x, "place"),
        color=accent_if("datum.likely"),
        tooltip=alt.Tooltip("label:N", title=locale("chart.dot")),
    )
    return dots


def _mark_labels(marks: Marks, locale: Locale, *, certain: bool) -> dict[str, str]:
    low, high = (marks[mark]["amount"] for mark in (LOW, HIGH))
    digits = 2 + sum(high < times * low for times in CLOSE)
    labels = {}
    for mark in MARKS:
        if mark not in marks or (certain and mark != "expected" and marks[mark]["quantile"]):
            continue
        amount = short_amount(locale, marks[mark]["amount"], ALL_DIGITS if mark == "budget" else digits)
        name = "certain" if certain and mark == "expected" else mark
        labels[mark] = locale(f"chart.mark_{name}", amount=amount, share=locale.share(marks[mark]["above"]))
    return labels


def _labelled_lines(
    labels: dict[str, str], marks: Marks, layout: DotLayout, x: alt.X, first: int
) -> list[alt.Chart]:
    rows = [
        {
            "mark": mark,
            "amount": marks[mark]["amount"],
            "place": layout.place(marks[mark]["amount"]),
            "label": label,
            "top": first + n * LINE + 2,
            "strong": mark in STRONG or not layout.dots,
        }
        for n, (mark, label) in enumerate(labels.items())
    ]
    base, at = alt.Chart(pl.DataFrame(rows)), axis_for_field(x, "place")
    colour = accent_if("datum.mark == 'observed'", INK)
    top, left = alt.ExprRef("datum.top"), "scale('x', datum.place) > width / 2"
    rule = base.mark_rule(
        y=top,
        y2=alt.ExprRef("height"),
        strokeWidth=alt.ExprRef("datum.strong ? 1.8 : 1.2"),
        strokeDash=alt.ExprRef("datum.strong ? [1, 0] : [4, 3]"),
    )
    looks = {
        "y": top,
        "baseline": "top",
        "align": alt.ExprRef(f"{left} ? 'right' : 'left'"),
        "dx": alt.ExprRef(f"{left} ? -5 : 5"),
        "fontWeight": alt.ExprRef("datum.strong ? 600 : 400"),
    }
    rim, text = outlined_text(base, looks, x=at, text=alt.Text("label:N"))
    return [rule.encode(at, color=colour), rim, text.encode(color=colour)]


def _beside(layout: DotLayout, place: float, gap: int) -> dict[str, Any]:
    """Return how a label is placed beside a mark: on its left in the right half of the chart."""
    if (place - layout.low) / (layout.high - layout.low) > 0.5:  # noqa: PLR2004 - the middle
        return {"align": "right", "dx": -gap}
    return {"align": "left", "dx": gap}


def _forecast_layers(
    rows: pl.DataFrame, layout: DotLayout, x: alt.X, context: ChartContext
) -> list[alt.Chart]:
    layers, locale = [], context.locale
    at, end = axis_for_field(x, "place"), axis_for_field(x, "end")
    publishers = publisher_names(rows["fact"].to_list(), context)
    for line, (least, most) in enumerate(rows.select("low", "amount").rows()):
        high = layout.place(most)
        low = high - ARROW * (layout.high - layout.low) if least is None else layout.place(least)
        y = alt.YValue(line * LINE + LINE / 2)
        base = alt.Chart(pl.DataFrame({"place": [low], "end": [high]}))
        if least is None:
            amount = locale("chart.at_most", amount=short_amount(locale, most))
            # The arrow is short, because the forecast does not say how far down it reaches.
            stem = base.mark_rule(color=GREY, strokeWidth=2).encode(end, x2=alt.X2("place:Q"), y=y)
            head = base.mark_point(shape="triangle-left", filled=True, color=GREY, size=60, opacity=1)
            stop = base.mark_tick(color=GREY, thickness=3, orient="vertical", size=11)
            layers += [stem, head.encode(at, y=y), stop.encode(end, y=y)]
        else:
            amount = short_span(locale, least, most)
            span = base.mark_rule(color=GREY, strokeWidth=6, strokeCap="butt")
            layers.append(span.encode(at, alt.X2("end:Q"), y=y))
        looks = _beside(layout, (low + high) / 2, 8) | {"baseline": "middle"}
        text = alt.TextValue(f"{publishers[line]} {amount}")
        layers += outlined_text(base, looks, x=at if looks["align"] == "right" else end, y=y, text=text)
    return layers
