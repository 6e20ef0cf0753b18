"""Charts with ranges as rows: tornado, back-test and comparison of policies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts import cost_data
from outage_analysis.charts.axes import (
    LOG_AXIS_RATIO,
    labelled_axis,
    log_ticks,
    money_axis,
    money_range_ends,
    short_amount,
    short_number,
    short_span,
)
from outage_analysis.charts.theme import (
    ACCENT,
    GREY,
    INK,
    OKABE_ITO,
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
from outage_analysis.text import LikelyRange, Locale, short_names

LOW, HIGH = LikelyRange.low_column, LikelyRange.high_column
"""The columns with the ends of the likely range."""
MONEY = ("review_award", "mean_payment", "paid_total", "handling")
FACTORS = ("ultimate", "exposure", "realised_ratio")
"""Kinds of inputs that are multipliers; those in `MONEY` are amounts, all others are shares."""
LABEL_DY = -17
"""Vertical distance of the label above a bar of the tornado, in pixels."""
SMALLEST = 1e-4
"""A log axis starts at this fraction of the largest amount, or above; smaller amounts are clipped."""
LANES = {"naive": GREY, "forecast": ACCENT, "press": OKABE_ITO[1]}
"""Colours of the rows of one outcome, in display order: the model's forecast is in the middle."""
FARTHEST = 1e4
"""Multiples of the observed value are clipped to between 1/10,000 and 10,000."""


def tornado(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw a tornado chart: one bar per input, the widest bar first.

    A bar extends between the expected cash costs with the input at the lower and the upper end of its likely
    range. The scale starts at 0, as in the charts of the slides and the workbook.
    """
    locale, rows = context.locale, cost_data.tornado_bars(table)
    if rows.is_empty():
        raise NothingToDraw
    most = max(float(rows["right"].max()), float(rows["expected"][0]))  # type: ignore[arg-type] # there are rows
    names = [wrap_name(name) for name in short_names([context.name(a) for a in rows["assumption"]])]
    data = rows.select(
        "left",
        "right",
        name=pl.Series(names),
        label=pl.Series([_ends_label(row, locale) for row in rows.iter_rows(named=True)]),
    )
    x = money_axis("left", locale, locale("chart.tornado_x", unit=locale.unit), 0.0, most * 1.05)
    y = alt.Y("name:N", sort=names, title=None, axis=name_axis())
    base = alt.Chart(json_ready(data))
    colour = alt.condition(alt.datum.name == names[0], alt.value(ACCENT), alt.value(GREY))
    bars = base.mark_bar(size=16).encode(x, alt.X2("right:Q"), y, color=colour)
    means = alt.Chart(rows.select(pl.col("expected").first()))
    line = means.mark_rule(color=INK, strokeDash=[3, 3]).encode(axis_for_field(x, "expected"))
    labels = outlined_text(base, {"align": "left", "dy": LABEL_DY}, x=alt.value(0), y=y, text="label:N")
    low, high = money_range_ends(locale, rows["left"][0], rows["right"][0])
    return finish_chart(
        alt.layer(bars, line, *labels),
        context,
        height=(ROW + 14) * len(data),
        title=locale("chart.tornado_measure")
        if context.synthetic
        else locale("chart.tornado_title", name=names[0].replace("\n", " "), low=low, high=high),
        subtitle=locale("chart.tornado_subtitle", unit=locale.unit),
        description=locale("chart.tornado_description"),
    )


def _ends_label(row: dict[str, Any], locale: Locale) -> str:
    points = {"left": locale("word.range_low"), "right": locale("word.range_high")}
    values = [
        _input_label(row["kind"], row[f"input_{side}"], point, locale) for side, point in points.items()
    ]
    costs = short_span(locale, row["left"], row["right"])
    return locale("chart.with_range", amount=costs, range=locale.span(*values))


def _input_label(kind: str, value: float | None, point: str, locale: Locale) -> str:
    if value is None:  # band shares are not one number: show only the percentile
        return point
    if kind in MONEY:
        return short_amount(locale, value)
    return f"×{value:,.2g}" if kind in FACTORS else locale.share(value)


def backtest(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw the back-test: forecast ranges as multiples of the observed value, on a log axis.

    A dot marks the median of the model's forecast. The naive forecast and the press forecast of the same
    outcome are drawn above and below the model's range.
    """
    locale, rows = context.locale, cost_data.backtest_ratios(table)
    if rows.is_empty():
        raise NothingToDraw
    heads = rows.filter(part="forecast")
    labels = _outcome_labels(heads, context)
    parts = {part: locale(f"chart.backtest_{part}") for part in rows["part"].unique(maintain_order=True)}
    data = rows.select(
        pl.col("low", "middle", "high").clip(1 / FARTHEST, FARTHEST),
        name=pl.col("outcome").replace_strict(labels, return_dtype=pl.String),
        part=pl.col("part").replace_strict(parts, return_dtype=pl.String),
    )
    x = _multiples_axis(data, locale)
    y = alt.Y("name:N", sort=list(labels.values()), title=None, axis=name_axis(lines=2))
    lanes = [parts[part] for part in LANES if part in parts]
    lane = alt.YOffset("part:N", sort=lanes, scale=alt.Scale(paddingOuter=0.7))
    colours = alt.Scale(domain=list(parts.values()), range=[LANES[part] for part in parts])
    legend = alt.Legend(
        title=None, orient="top", symbolType="stroke", symbolStrokeWidth=5, columns=1, labelLimit=300
    )
    base, one = alt.Chart(json_ready(data)), alt.Chart(pl.DataFrame({"low": [1.0]}))
    one_label = {"y": alt.value(0), "text": alt.value(locale("chart.backtest_happened"))}
    spans = base.mark_rule(strokeWidth=6, strokeCap="round")
    dots = base.transform_filter("datum.middle").mark_point(
        filled=True, color=INK, size=70, stroke="white", opacity=1
    )
    independent = heads.filter("independent")["inside"]
    return finish_chart(
        alt.layer(
            one.mark_rule(color=INK, strokeWidth=1.4).encode(x),
            one.mark_text(dy=-6, fontWeight=600).encode(x, **one_label),
            spans.encode(
                x, alt.X2("high:Q"), y, lane, color=alt.Color("part:N", scale=colours, legend=legend)
            ),
            dots.encode(axis_for_field(x, "middle"), y, lane),
        ),
        replace(context, source=locale("chart.backtest_source", day=locale.day(context.as_of))),
        height=(ROW + 24) * len(labels),
        title=locale("chart.backtest_title", inside=independent.sum(), count=len(independent)),
        subtitle=locale("chart.backtest_subtitle"),
        description=locale("chart.backtest_description"),
    )


def _multiples_axis(data: pl.DataFrame, locale: Locale) -> alt.X:
    ends = [v for c in ("low", "high") for v in data[c]]
    low, high = min([*ends, 0.5]) / 1.5, max([*ends, 2]) * 1.5
    ticks = log_ticks(low, high)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    axis = labelled_axis(ticks, [f"×{x:,.10g}" if x >= 1 else f"×1/{1 / x:,.3g}" for x in ticks])
    return alt.X("low:Q", title=locale("chart.backtest_x"), scale=scale, axis=axis)


def _outcome_labels(rows: pl.DataFrame, context: ChartContext) -> dict[str, str]:
    locale, labels = context.locale, {}
    for row in rows.iter_rows(named=True):
        observed = (
            short_amount(locale, row["observed"])
            if row["unit"] == locale.currency
            else short_number(locale, row["observed"], 3)
        )
        verdict = locale("chart.backtest_inside" if row["inside"] else "chart.backtest_missed")
        labels[row["outcome"]] = f"{wrap_name(context.name(row['outcome']))}\n{observed} · {verdict}"
    return labels


def comparison(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw one row per policy: likely range, expected cash cost and largest possible total."""
    locale, rows = context.locale, cost_data.policy_ranges(table)
    if len(rows) < 2:  # noqa: PLR2004 - a comparison needs two policies
        raise NothingToDraw
    names = [wrap_name(name) for name in short_names([context.name(p) for p in rows["policy"]])]
    best = int(rows["cheapest"].arg_max() or 0)
    amounts = [v for c in (LOW, HIGH, "expected", "most") for v in rows[c] if v]
    least, most = min(amounts), max(amounts)
    least = max(least, most * SMALLEST) / 1.5 if most / least > LOG_AXIS_RATIO else 0.0
    data = rows.select(
        *(pl.col(c).clip(least) for c in (LOW, HIGH, "expected", "most")),
        name=pl.Series(names),
        label=pl.Series([short_amount(locale, v) for v in rows["expected"]]),
    )
    key = "chart.comparison_log_x" if least else "chart.comparison_x"
    x = money_axis(LOW, locale, locale(key, unit=locale.unit), least, most * (1.5 if least else 1.1))
    expected, most = axis_for_field(x, "expected"), axis_for_field(x, "most")
    y = alt.Y(
        "name:N", sort=names, title=None, axis=name_axis(lines=min(name.count("\n") + 1 for name in names))
    )
    base = alt.Chart(json_ready(data))
    colour = alt.condition(alt.datum.name == names[best], alt.value(ACCENT), alt.value(GREY))
    layers = [
        base.mark_rule(strokeWidth=7, strokeCap="round").encode(x, alt.X2(f"{HIGH}:Q"), y, color=colour),
        base.transform_filter("datum.most")
        .mark_point(shape="diamond", filled=True, fill="white", stroke=INK, size=70, opacity=1)
        .encode(most, y),
        base.mark_point(filled=True, color=INK, size=80, stroke="white", opacity=1).encode(expected, y),
        base.mark_text(dy=-16, fontWeight=600).encode(expected, y, text="label:N"),
    ]
    return finish_chart(
        alt.layer(*layers),
        context,
        height=(ROW + 28) * len(data),
        title=locale("chart.comparison_measure")
        if context.synthetic
        else locale(
            "chart.comparison_title",
            name=names[best].replace("\n", " "),
            share=locale.share(rows["cheapest"][best]),
        ),
        subtitle=locale("chart.comparison_subtitle", unit=locale.unit),
        description=locale("chart.comparison_description"),
    )
