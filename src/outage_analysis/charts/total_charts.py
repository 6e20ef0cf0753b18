"""Chart of the total cash cost: its distribution as equally likely dots, with forecasts of the press."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts import theme
from outage_analysis.charts.chart_output import finish_chart
from outage_analysis.charts.cost_charts import publisher_names
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
PROBABILITY_DIGITS = 10
"""Decimals of a probability, so that 1 - 0.9 is 0.1."""
LINEAR_RATIO = 10.0
"""If the largest positive amount is at most this many times the smallest, the axis is linear."""
FEWEST_COLUMNS, MOST_COLUMNS = 18, 44
"""Number of dot widths between the first and the last dot."""
TALLEST = 6
"""Dots get smaller until no stack has more dots than this, or `MOST_COLUMNS` is reached."""
BELOW_RANGE = 20.0
"""A log axis starts no lower than the likely range divided by this; smaller dots have their own place."""
WIDEST = 1e4
"""If the likely range starts at 0, a log axis starts at the largest amount divided by this."""
ROUNDING = 1e-9
PAD = 1.5
"""Free space at both ends of the axis, in dot widths."""


def total_distribution(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw the total cash cost as equally likely dots, with the median, the mean and the budget marked.

    Press forecasts of the same cash are ranges above the dots. A forecast that gives only an upper bound is
    an arrow. If the table has the amount that was paid in the end, it is marked too; only tables of hindsight
    have it. A total that is certain has no distribution to draw.
    """
    locale, marks = context.locale, marked_amounts(table, context.locale.level)
    cash = table.filter(valuation="cash")
    dots = cash.filter(pl.col("mark").is_null())["amount"].sort().to_list()
    if not dots or not {"expected", "p50", HIGH} <= set(marks):
        raise theme.NothingToDraw
    forecasts = cash.filter(mark="press").sort("amount", descending=True, maintain_order=True)
    ends = [x for c in ("low", "amount") for x in forecasts[c] if x]
    line = marks.get("budget", marks[HIGH])["amount"]
    layout = dot_layout(dots, [*ends, *(m["amount"] for m in marks.values())], marks[LOW]["amount"], line)
    x = dots_axis(layout, locale, locale("chart.total_distribution_x", unit=locale.unit))
    height = DOT_ROOM + LINE * (len(forecasts) + len({*MARKS} & marks.keys())) + 6
    lines = _labelled_lines(marks, layout, x, len(forecasts) * LINE, locale)
    nothing = ""
    if "zero" in marks:
        nothing = locale("chart.total_distribution_zero", share=locale.share(1 - marks["zero"]["above"]))
    chart = alt.layer(
        *_forecast_layers(forecasts, layout, x, context), _dots(layout, marks, x, locale), *lines
    )
    values: dict[str, Any] = {
        "scale": locale("chart.log_scale") if layout.log else "",
        "count": len(dots),
        "share": percent(1 / len(dots)),
        "press": locale("chart.total_distribution_press") if len(forecasts) else "",
    }
    blue = [locale(f"chart.total_distribution_blue_{name}") for name in ("range", "budget")]
    subtitles = [
        locale("chart.total_distribution_subtitle", unit=locale.unit, blue=text, zero="", **values)
        for text in blue
    ]
    chart.usermeta = {"log": layout.log, "subtitles": subtitles}
    return finish_chart(
        chart,
        context,
        "total_distribution",
        finding=_finding(marks, locale),
        facts=" ".join(cash.filter(pl.col("mark").is_in(["press", "observed"]))["fact"]),
        height=height,
        blue=blue["budget" in marks],
        zero=nothing,
        **values,
    )


def movable(spec: dict[str, Any], locale: Locale) -> dict[str, Any]:
    """Return the chart with named data and signals, through which the script of a page moves dots and marks.

    There is room for the mark of a budget that a reader types. Its `usermeta` says what the script needs: the
    `room` for the highest stack of dots, the marks with their places and the patterns of their labels, the
    subtitles without and with a budget, and the pattern of the title that says what happened.
    """
    kinds = {"level": "dots", "top": "marks"}
    named = {name: kinds[key] for name, rows in spec["datasets"].items() for key in kinds if key in rows[0]}
    x = spec["layer"][-1]["encoding"]["x"]
    low, high = x["scale"]["domain"]
    scale = {"domainMin": {"expr": "low"}, "domainMax": {"expr": "high"}, "nice": False, "zero": False}
    axis = x["axis"]
    if spec["usermeta"]["log"]:  # a moved axis has powers of ten
        powers = theme.number_axis(locale, places=locale.minor_units, log=True)["labelExpr"]
        labels = f"moved ? {powers} : {axis['labelExpr']}"
        ticks = f"moved ? sequence(ceil(low), high) : {json.dumps(axis['values'])}"
        axis = axis | {"values": {"expr": ticks}, "labelExpr": labels}
    text = json.dumps(spec)
    # The subtitle on the page names the axis.
    for old, new in ((x["scale"], scale), (x["axis"], axis), (x["title"], None), *named.items()):
        text = text.replace(json.dumps(old), json.dumps(new))
    moved: dict[str, Any] = json.loads(text)
    marks = MARKS[MARKS.index("budget") :]
    if all(row["mark"] != "budget" for row in moved["datasets"]["marks"]):
        moved["height"] += LINE
        for row in moved["datasets"]["marks"]:
            row["top"] += LINE * (row["mark"] in marks)
    blanks = {"amount": "{amount}", "share": "{share}"}
    last = moved["datasets"]["marks"][-1]["top"]
    tops = range(last - LINE * (len(MARKS) - 1), last + 1, LINE)
    told = {
        "room": DOT_ROOM,
        "marks": [
            {
                "mark": mark,
                "pattern": locale(f"chart.mark_{mark}", **blanks),
                "strong": mark in STRONG,
                "top": top,
            }
            for mark, top in zip(MARKS, tops, strict=True)
        ],
        "happened": locale("chart.total_distribution_observed", **blanks),
    }
    signals = (("low", low), ("high", high), ("moved", False))
    params = [{"name": name, "value": value} for name, value in signals]
    return moved | {"params": params, "usermeta": spec["usermeta"] | told}


def _finding(marks: Marks, locale: Locale) -> str:
    money = {
        mark: locale.money(m["amount"], ALL_DIGITS if mark == "budget" else 2) for mark, m in marks.items()
    }
    above = {mark: m["above"] for mark, m in marks.items()}
    if "observed" in marks:
        key = "observed"
    elif "budget" in marks:
        key = "budget"
    elif not marks["p50"]["amount"]:
        key = "nothing"
    else:  # in the second case, many outcomes are equal to the median
        key = "finding" if 1 - above["p50"] <= 0.5 + HALF_TOLERANCE else "equal"
    share = above["budget"] if key == "budget" else 1 - above.get(key, above["p50"])
    return locale(
        f"chart.total_distribution_{key}",
        share=locale.share(share),
        above=locale.share(above[HIGH]),
        often=locale.one_in((1 - locale.level / 100) / 2),
        median=money["p50"],
        mean=money["expected"],
        high=money[HIGH],
        amount=money.get("observed"),
        budget=money.get("budget"),
    )


def _dots(layout: DotLayout, marks: Marks, x: alt.X, locale: Locale) -> alt.Chart:
    least = 0.0 if "budget" in marks else marks[LOW]["amount"]
    data = pl.DataFrame(layout.dots).with_columns(
        likely=pl.col("amount").is_between(least, marks.get("budget", marks[HIGH])["amount"]),
        level=pl.col("level") + 0.5,
        label=pl.Series([theme.short_amount(locale, dot["amount"], DOT_DIGITS) for dot in layout.dots]),
        share=pl.lit(float(f"{layout.width / (layout.high - layout.low):.5g}")),
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
        theme.axis_for_field(x, "place"),
        color=theme.accent_if("datum.likely"),
        tooltip=alt.Tooltip("label:N", title=locale("chart.dot")),
    )
    return dots


def _labelled_lines(marks: Marks, layout: DotLayout, x: alt.X, first: int, locale: Locale) -> list[alt.Chart]:
    low, high = (marks[mark]["amount"] for mark in (LOW, HIGH))
    digits, rows = 2 + sum(high < times * low for times in CLOSE), []
    for n, mark in enumerate(name for name in MARKS if name in marks):
        value = marks[mark]["amount"]
        amount = theme.short_amount(locale, value, ALL_DIGITS if mark == "budget" else digits)
        share = locale.share(marks[mark]["above"])
        rows.append(
            {
                "mark": mark,
                "amount": value,
                "place": layout.place(value),
                "label": locale(f"chart.mark_{mark}", amount=amount, share=share),
                "top": first + n * LINE + 2,
                "strong": mark in STRONG,
            }
        )
    base, at = alt.Chart(pl.DataFrame(rows)), theme.axis_for_field(x, "place")
    colour = theme.accent_if("datum.mark == 'observed'", theme.INK)
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
    rim, text = theme.outlined_text(base, looks, x=at, text=alt.Text("label:N"))
    return [rule.encode(at, color=colour), rim, text.encode(color=colour)]


def _forecast_layers(
    rows: pl.DataFrame, layout: DotLayout, x: alt.X, context: theme.ChartContext
) -> list[alt.Chart]:
    layers, locale = [], context.locale
    at, end = theme.axis_for_field(x, "place"), theme.axis_for_field(x, "end")
    publishers = publisher_names(rows["fact"].to_list(), context)
    for line, (least, most) in enumerate(rows.select("low", "amount").rows()):
        high = layout.place(most)
        low = high - ARROW * (layout.high - layout.low) if least is None else layout.place(least)
        y = alt.YValue(line * LINE + LINE / 2)
        base = alt.Chart(pl.DataFrame({"place": [low], "end": [high]}))
        if least is None:
            amount = locale("explain.limit", amount=theme.short_amount(locale, most))
            # The arrow is short, because the forecast does not say how far down it reaches.
            stem = base.mark_rule(color=theme.GREY, strokeWidth=2).encode(end, x2=alt.X2("place:Q"), y=y)
            head = base.mark_point(shape="triangle-left", filled=True, color=theme.GREY, size=60, opacity=1)
            stop = base.mark_tick(color=theme.GREY, thickness=3, orient="vertical", size=11)
            layers += [stem, head.encode(at, y=y), stop.encode(end, y=y)]
        else:
            amount = theme.short_span(locale, least, most)
            span = base.mark_rule(color=theme.GREY, strokeWidth=6, strokeCap="butt")
            layers.append(span.encode(at, alt.X2("end:Q"), y=y))
        # In the right half of the chart, the label stands to the left of its mark.
        side, dx, label_x = ("right", -8, at) if (low + high) > layout.low + layout.high else ("left", 8, end)
        text = alt.TextValue(f"{publishers[line]} {amount}")
        looks = {"align": side, "dx": dx, "baseline": "middle"}
        layers += theme.outlined_text(base, looks, x=label_x, y=y, text=text)
    return layers


def marked_amounts(table: pl.DataFrame, level: int) -> dict[str, dict[str, float]]:
    """Return the amounts to mark on the chart of the total cash cost, such as the budget, by name.

    The names are `expected`, `range_low` and `range_high` (the ends of the likely range), `p50`, `zero`,
    `budget` and `observed`. Each value has two items: `amount`, and `above` (the probability that the cash
    cost exceeds the amount).

    Args:
        table: as `total_distribution_table` returns it.
        level: the probability of the likely range in percent.
    """
    columns = {measure: column for column, measure in LikelyRange(level).column_measures.items()}
    rows = table.filter(pl.col("mark").is_not_null() & (pl.col("mark") != "press"), valuation="cash")
    return {
        columns.get(r["mark"], r["mark"]): {
            "amount": r["amount"],
            "above": round(1 - r["below"], PROBABILITY_DIGITS),
        }
        for r in rows.iter_rows(named=True)
    }


def dots_axis(layout: DotLayout, locale: Locale, title: str) -> alt.X:
    """Return the horizontal axis of a chart of dots, whose amounts are in the smallest currency unit.

    On a log axis, the dots that are too small for it have a tick of their own: 0, or "below" the amount at
    which the axis starts.
    """
    ticks = theme.log_ticks(10**layout.start, 10**layout.high) if layout.log else []
    axis = theme.number_axis(
        locale, [math.log10(tick) for tick in ticks], places=locale.minor_units, log=layout.log
    )
    if layout.small is not None:
        least = locale("chart.less_than", amount=theme.short_amount(locale, 10**layout.start))
        only_zeros = not any(dot["amount"] for dot in layout.dots if dot["place"] < layout.start)
        label = json.dumps("0" if only_zeros else least, ensure_ascii=False)
        axis["values"] = [layout.small, *axis["values"]]
        axis["labelExpr"] = f"datum.value < {layout.start} ? {label} : {axis['labelExpr']}"
    scale = {"domain": [layout.low, layout.high], "nice": False, "zero": False}
    return alt.X("place:Q", title=title, scale=scale, axis=axis)


@dataclass(frozen=True)
class DotLayout:
    """Dots on an axis of amounts. On a log axis, a place is the logarithm of an amount to base 10."""

    dots: list[dict[str, float]]
    """The dots: `amount`, `place` (on the axis) and `level` (in its stack, from 0)."""
    low: float
    """The place where the axis starts."""
    high: float
    """The place where the axis ends."""
    width: float
    """The width of a dot on the axis."""
    start: float
    """The place of the smallest amount that the axis can show."""
    small: float | None = None
    """The place of the dots below `start`, on a log axis; None if there are none."""
    log: bool = False
    """Whether the axis is logarithmic."""

    def place(self, amount: float) -> float:
        """Return the place of an amount on the axis; amounts too small for a log axis share a place."""
        if not self.log:
            return amount
        if amount <= 0 or math.log10(amount) < self.start:
            return self.low if self.small is None else self.small
        return math.log10(amount)


def dot_layout(
    amounts: Sequence[float], marked: Sequence[float], likely_low: float, line: float
) -> DotLayout:
    """Stack dots on an axis that also has room for other amounts.

    Args:
        amounts: the amounts of the dots, none of them negative.
        marked: further amounts on the axis, such as the mean and published forecasts.
        likely_low: the lower end of the likely range.
        line: an amount, such as the budget; every dot stands on its own side of it.

    Returns:
        The layout. No dot is displaced by more than its width. Dots do not overlap.
    """
    positive = [x for x in amounts if x > 0]
    log = bool(positive) and max(positive) > LINEAR_RATIO * min(positive)
    place: Callable[[float], float] = math.log10 if log else float
    least = max(likely_low / BELOW_RANGE or max(positive) / WIDEST, min(positive)) if log else 0.0
    places = sorted(place(x) for x in amounts if x >= least)
    edge, span = place(max(line, least)), places[-1] - places[0] or (1.0 if log else max(places[-1], 1.0))
    for columns in range(FEWEST_COLUMNS, MOST_COLUMNS + 1):
        width = span / columns
        bins = [math.ceil((x - edge) / width - ROUNDING) for x in places]
        if max(Counter(bins).values()) <= TALLEST:
            break
    stacked = [edge + (n - 0.5) * width for n in bins]
    start, below = min(places[0], *stacked), sorted(x for x in amounts if x < least)
    small = start - (1 + PAD) * width if below else None
    dots, levels = list[dict[str, float]](), Counter[float]()
    for amount, at in zip(sorted(amounts), [*[small or 0.0] * len(below), *stacked], strict=False):
        dots.append({"amount": amount, "place": at, "level": float(levels[at])})
        levels[at] += 1
    ends = [*(place(x) for x in marked if x >= least), *places, *(dot["place"] for dot in dots)]
    pad = PAD * width if min(ends) < max(ends) else places[0] / 2 or 1.0
    low, high = min(ends) - pad, max(ends) + pad
    if not log:
        return DotLayout(dots, min(0.0, low) if min(ends) < max(ends) / 2 else low, high, width, low)
    return DotLayout(dots, low, high, width, start - width / 2, small, log=True)
