"""Charts of amounts with their ranges on one axis: press forecasts, separate sums, free goods."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts.axes import money_axis, short_amount, short_span
from outage_analysis.charts.theme import (
    ACCENT,
    GREY,
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
from outage_analysis.charts.total_charts import publisher_names
from outage_analysis.text import LikelyRange, Locale

LOW, HIGH = LikelyRange.low_column, LikelyRange.high_column
SMALLEST = 1e-5
"""A log axis starts at this fraction of the largest amount, or above; smaller amounts are clipped."""
ROOM = 1.6
"""A log axis extends beyond the smallest and the largest amount by this factor."""
ARROW = 4.0
"""The arrow of an upper bound starts at the bound divided by this; how far down it reaches is unknown."""
LABEL_DY = -14
"""Vertical distance of a label above its range, in pixels."""


def _log_ends(amounts: list[float]) -> tuple[float, float]:
    """Return the ends of a log axis that holds the positive amounts."""
    most = max(amounts)
    least = max(min(x for x in amounts if x > 0), most * SMALLEST)
    return least / ROOM, most * ROOM


def _with_range(locale: Locale, amount: float, low: float, high: float) -> str:
    """Return an amount with its range as a short label, such as 50m (1.1m–440m)."""
    return locale(
        "chart.with_range", amount=short_amount(locale, amount), range=short_span(locale, low, high)
    )


def headlines(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw press forecasts of the cash cost on a log axis, next to the model's likely range.

    The model's range has a dot at the median and a line at the mean. A forecast that gives only an upper
    bound is an arrow. Forecasts are named after their publishers.
    """
    locale = context.locale
    ours = table.filter(pl.col("fact") == "")
    theirs = table.filter(pl.col("fact") != "", pl.col("line") != "", pl.col("high").is_not_null())
    # Published amounts are in whole currency, ours are in the smallest unit.
    theirs = theirs.with_columns(pl.col("low", "high") * 10**locale.minor_units)
    if (
        ours.is_empty()
        or ours["expected"].null_count()
        or ours["high"].null_count()
        or theirs["low"].is_null().all()
    ):
        raise NothingToDraw
    rows = pl.concat([ours, theirs])
    least, most = _log_ends([x for c in ("low", "expected", "high") for x in rows[c] if x])
    names = [*_own_names(ours, context), *publisher_names(theirs["fact"].to_list(), context)]
    data = rows.select(
        name=pl.Series([wrap_name(name) for name in names]),
        low=pl.coalesce("low", pl.col("high") / ARROW).clip(least),
        high="high",
        ours=pl.col("fact") == "",
        bound=pl.col("low").is_null(),
        middle=pl.col("p50").clip(least),
        mean="expected",
        label=pl.Series([_headline_label(row, locale) for row in rows.iter_rows(named=True)]),
    )
    x = money_axis("low", locale, locale("chart.headlines_x", unit=locale.unit), least, most)
    y = alt.Y("name:N", sort=data["name"].to_list(), title=None, axis=name_axis())
    return finish_chart(
        alt.layer(*_headline_layers(alt.Chart(json_ready(data)), x, y)),
        context,
        facts=" ".join(theirs["fact"]),
        height=(ROW + 16) * len(data),
        title=_headlines_title(ours, theirs, names[len(ours) :], locale),
        subtitle=locale("chart.headlines_subtitle", unit=locale.unit),
        description=locale("chart.headlines_description"),
    )


def _own_names(ours: pl.DataFrame, context: ChartContext) -> list[str]:
    model = context.locale("chart.headlines_ours")
    return [model] if len(ours) == 1 else [f"{model}: {context.name(line)}" for line in ours["line"]]


def _headline_layers(base: alt.Chart, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    colour = alt.condition("datum.ours", alt.value(ACCENT), alt.value(GREY))
    bounds, own = base.transform_filter("datum.bound"), base.transform_filter("datum.ours")
    ranges = base.transform_filter("!datum.bound").mark_rule(strokeWidth=6)
    stem = bounds.mark_rule(strokeWidth=2, color=GREY)
    head = bounds.mark_point(shape="triangle-left", filled=True, size=80, color=GREY, opacity=1)
    stop = bounds.mark_tick(thickness=3, size=14, color=GREY, orient="vertical")
    mean = own.mark_tick(thickness=2.5, size=20, color=INK, orient="vertical")
    median = own.transform_filter("datum.middle").mark_point(
        filled=True, size=110, color=INK, stroke="white", opacity=1
    )
    return [
        ranges.encode(x, alt.X2("high:Q"), y, color=colour),
        stem.encode(x, alt.X2("high:Q"), y),
        head.encode(x, y),
        stop.encode(axis_for_field(x, "high"), y),
        mean.encode(axis_for_field(x, "mean"), y),
        median.encode(axis_for_field(x, "middle"), y),
        base.mark_text(align="left", dy=LABEL_DY).encode(y, x=alt.value(0), text="label:N"),
    ]


def _headlines_title(ours: pl.DataFrame, theirs: pl.DataFrame, names: list[str], locale: Locale) -> str:
    means = dict(ours.select("line", "expected").rows())
    ratios = [
        (low / means[line], name)
        for (low, line), name in zip(theirs.select("low", "line").rows(), names, strict=True)
        if low is not None and means.get(line)
    ]
    if not ratios:
        return locale("chart.headlines_measure")
    ratio, name = min(ratios)
    return locale("chart.headlines_title", name=name, times=locale.number(locale.rounded(ratio)))


def _headline_label(row: dict[str, Any], locale: Locale) -> str:
    low, high = row["low"], float(row["high"] or 0)
    if low is None:
        return locale("chart.at_most", amount=short_amount(locale, high))
    span = short_span(locale, low, high)
    if row["expected"] is None:
        return span
    mean = locale("chart.mark_expected", amount=short_amount(locale, row["expected"]))
    middle = span if row["p50"] is None else _with_range(locale, row["p50"], low, high)
    return f"{middle}, {mean}"


def separate_sums(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw each kind of cost on one log axis: likely range, median and the announced amount.

    The kinds of cost are never added, because list prices and announced totals are not cash.
    """
    locale, rows = context.locale, table.filter(pl.col("line") == "", pl.col(HIGH) > 0)
    if len(rows) < 2:  # noqa: PLR2004 - a comparison needs two sums
        raise NothingToDraw
    least, most = _log_ends([x for c in (LOW, "p50", HIGH, "announced") for x in rows[c] if x])
    names = [wrap_name(locale(f"chart.sum_{valuation}")) for valuation in rows["valuation"]]
    data = rows.select(
        pl.col(LOW, "p50").clip(least),
        HIGH,
        "announced",
        name=pl.Series(names),
        cash=pl.col("valuation") == "cash",
        label=pl.Series([_sum_label(row, locale) for row in rows.iter_rows(named=True)]),
    )
    x = money_axis(LOW, locale, locale("chart.separate_sums_x", unit=locale.unit), least, most)
    y = alt.Y("name:N", sort=names, title=None, axis=name_axis())
    colour = alt.condition("datum.cash", alt.value(ACCENT), alt.value(GREY))
    base = alt.Chart(json_ready(data))
    return finish_chart(
        alt.layer(
            base.mark_rule(strokeWidth=6).encode(x, alt.X2(f"{HIGH}:Q"), y, color=colour),
            _announced_mark(base, x, y),
            base.mark_point(filled=True, size=110, color=INK, stroke="white", opacity=1).encode(
                axis_for_field(x, "p50"), y
            ),
            base.mark_text(align="left", dy=LABEL_DY).encode(y, x=alt.value(0), text="label:N"),
        ),
        context,
        facts=" ".join(rows["facts"]),
        height=(ROW + 18) * len(data),
        title=locale("chart.separate_sums_measure") if context.synthetic else _sums_title(rows, locale),
        subtitle=locale("chart.separate_sums_subtitle", unit=locale.unit),
        description=locale("chart.separate_sums_description"),
    )


def _announced_mark(base: alt.Chart, x: alt.X, y: alt.Y) -> alt.Chart:
    diamond = base.transform_filter("datum.announced").mark_point(
        shape="diamond", filled=True, fill="white", stroke=INK, size=90, opacity=1
    )
    marks: alt.Chart = diamond.encode(axis_for_field(x, "announced"), y)
    return marks


def _sum_label(row: dict[str, Any], locale: Locale) -> str:
    low, median, high = (float(row[c] or 0) for c in (LOW, "p50", HIGH))
    parts = [_with_range(locale, median, low, high)]
    if row["announced"] is not None:
        key = "chart.listed" if row["valuation"] == "face_value" else "chart.announced"
        parts.append(locale(key, amount=short_amount(locale, row["announced"])))
    return ", ".join(parts)


def _sums_title(rows: pl.DataFrame, locale: Locale) -> str:
    medians = {valuation: median for valuation, median in rows.select("valuation", "p50").rows() if median}
    cash, handling = medians.get("cash"), medians.get("handling")
    if cash and handling and handling > cash:
        return locale(
            "chart.separate_sums_handling", handling=locale.money(handling), cash=locale.money(cash)
        )
    if len(medians) < 2:  # noqa: PLR2004 - nothing to compare
        return locale("chart.separate_sums_measure")
    low, high = min(medians.values()), max(medians.values())
    return locale("chart.separate_sums_finding", low=locale.money(low), high=locale.money(high))


def free_goods(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw free goods at list price: promised value, expected take-up and likely range of the take-up.

    The chart never shows cash, because the list price of goods is not what the company spends on them.
    """
    locale = context.locale
    goods = table.filter(pl.col("announced") > 0, valuation="face_value")
    rows = goods.filter(pl.col("line") != "").sort("announced", descending=True, maintain_order=True)
    if rows.is_empty():
        raise NothingToDraw
    names = [wrap_name(context.name(line)) for line in rows["line"]]
    data = rows.select(
        "announced",
        "expected",
        "p50",
        LOW,
        HIGH,
        name=pl.Series(names),
        label=pl.Series(
            [
                locale(
                    "chart.free_label",
                    expected=_with_range(locale, r["expected"], r[LOW], r[HIGH]),
                    announced=short_amount(locale, r["announced"]),
                )
                for r in rows.iter_rows(named=True)
            ]
        ),
    )
    most = float(rows.select(pl.max_horizontal("announced", HIGH)).max().item())
    x = money_axis("announced", locale, locale("chart.free_x", unit=locale.unit), 0.0, most * 1.05)
    y = alt.Y("name:N", sort=names, title=None, axis=name_axis())
    base = alt.Chart(json_ready(data))
    total = goods.filter(line="")
    return finish_chart(
        alt.layer(
            base.mark_bar(size=16, fill=LIGHT).encode(x, y),
            base.mark_bar(size=16).encode(axis_for_field(x, "expected"), y),
            base.mark_rule(color=INK, strokeWidth=2).encode(axis_for_field(x, LOW), alt.X2(f"{HIGH}:Q"), y),
            base.mark_point(filled=True, size=60, color=INK, stroke="white", opacity=1).encode(
                axis_for_field(x, "p50"), y
            ),
            base.mark_text(align="left", dy=LABEL_DY - 3).encode(y, x=alt.value(0), text="label:N"),
        ),
        context,
        facts=" ".join(dict.fromkeys(" ".join(rows["facts"]).split())),
        height=(ROW + 16) * len(data),
        title=_free_title(total if len(total) else rows.head(1), locale),
        subtitle=locale("chart.free_chart_subtitle", unit=locale.unit),
        description=locale("chart.free_description"),
    )


def _free_title(row: pl.DataFrame, locale: Locale) -> str:
    expected, low, high = (row[c][0] / row["announced"][0] for c in ("expected", LOW, HIGH))
    share, least, most = (locale.share(x) for x in (expected, low, high))
    return locale("chart.free_chart_title", share=share, low=least, high=most)
