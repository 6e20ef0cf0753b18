"""Charts of the expected cost as bars: a funnel of claims, and a waterfall of parts."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts import cost_data
from outage_analysis.charts.axes import money_axis, short_amount
from outage_analysis.charts.finished_chart import finish_chart
from outage_analysis.charts.marks import axis_for_field, name_axis, wrap_name
from outage_analysis.charts.theme import ACCENT, GREY, INK, ROW, AltairChart, ChartContext, NothingToDraw
from outage_analysis.text import capitalized

FEW = alt.Axis(tickCount=5, format=",.6~g")
LABEL_WIDTH = 90
"""Width in pixels of the label at the end of a bar of the waterfall."""


def funnel(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw a bar chart of the expected number of claims at each stage, from reports to payments.

    A thin line below each bar spans the lower and upper bound of the number. If several cost lines have
    stages, each label starts with the name of its cost line.
    """
    locale = context.locale
    rows = table.filter(pl.col("expected").is_not_null().all().over("line"))
    if rows.is_empty():
        raise NothingToDraw
    several, claimed = rows["line"].n_unique() > 1, "claimed" in rows["stage"]
    stages = [wrap_name(locale(f"word.{s}")) for s in rows["stage"]]
    if several:
        lines = [wrap_name(context.name(line)) for line in rows["line"]]
        stages = [f"{line}\n{stage}" for line, stage in zip(lines, stages, strict=True)]
    labels = [
        locale.number(v if v.is_integer() else round(locale.rounded(v))) for v in rows["expected"].to_list()
    ]
    data = rows.with_columns(stage=pl.Series(stages), label=pl.Series(labels))
    scale = alt.Scale(
        domain=[0, max(v for c in ("expected", "high") for v in rows[c] if v is not None) * 1.2]
    )
    title = locale("column.claims" if claimed else "chart.funnel_x")
    x = alt.X("expected:Q", title=title, scale=scale, axis=FEW)
    y, base = name_axis(stages, "stage"), alt.Chart(data)
    spans = base.mark_rule(color=INK, strokeWidth=1.2, yOffset=13)  # below the bar
    texts = base.mark_text(align="left", dx=6, dy=-15, fontWeight=600)
    return finish_chart(
        alt.layer(
            base.mark_bar(size=18).encode(x, y),
            spans.encode(alt.X("low:Q", scale=scale), alt.X2("high:Q"), y),
            texts.encode(x, y, text=alt.Text("label:N")),
        ),
        context,
        "funnel",
        finding=_funnel_finding(rows, context, several=several, claimed=claimed),
        height=(ROW + (24 if several else 14)) * len(data),
    )


def _funnel_finding(rows: pl.DataFrame, context: ChartContext, *, several: bool, claimed: bool) -> str:
    locale = context.locale
    paid = rows.filter(stage="paid").sort("expected", descending=True, maintain_order=True)
    line = paid["line"][0] if len(paid) else rows["line"][0]
    by_stage = dict(rows.filter(line=line).select("stage", "expected").rows())
    counts = list(by_stage.values())
    first, last = by_stage.get("reported", counts[0]), by_stage.get("paid", counts[-1])
    return locale(
        "chart.funnel_claims_title" if claimed and "claimed" in by_stage else "chart.funnel_chart_title",
        paid=locale.number(round(locale.rounded(last))),
        reported=locale.number(first),
        line=locale("report.of_line", line=context.name(line)) if several else "",
    )


def waterfall(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw a waterfall chart of the parts that add up to the expected cash cost.

    Each bar starts where the previous bar ends. The shares add up to 100 %.
    """
    locale = context.locale
    if len(table) < 2:  # noqa: PLR2004 - a sum needs two bars
        raise NothingToDraw
    rows = cost_data.waterfall_bars(table)
    parts, total = list(rows.iter_rows(named=True)), float(rows["expected"].sum())
    names = [_step_name(part, context) for part in parts]
    shares = [f"{part['percent']}%" if part["percent"] else "<1%" for part in parts]
    costs = [
        f"{short_amount(locale, r['expected'])} ({share})" for r, share in zip(parts, shares, strict=True)
    ]
    data = pl.DataFrame(
        {
            "name": [*names, locale("chart.waterfall_sum")],
            "start": [*rows["start"], 0.0],
            "end": [*rows["end"], total],
            "label": [*costs, f"{short_amount(locale, total)} (100%)"],
            "sum": [*([False] * len(names)), True],
        }
    )
    # Room for the labels at every width of the chart.
    room = alt.ExprRef(f"{total!r} * width / max(width - {LABEL_WIDTH}, 1)")
    x = money_axis("start", locale, "chart.waterfall_x", 0.0, total * 1.1)
    x = x.scale(domainMin=0, domainMax=room, nice=False)
    y, base = name_axis(data["name"].to_list()), alt.Chart(data)
    # The merged small parts, which come last, do not count as the largest part.
    largest = int(rows.filter(joined=1)["expected"].arg_max() or 0)
    colours = [("datum.sum", INK), (alt.datum.name == names[largest], ACCENT)]
    colour = alt.ColorValue(GREY, condition=[{"test": test, "value": value} for test, value in colours])
    bars = base.mark_bar(size=20)
    name = names[largest].replace("\n", " " if parts[largest]["rule"] is None else ", ")
    return finish_chart(
        alt.layer(
            bars.encode(x, alt.X2("end:Q"), y, color=colour),
            base.mark_text(align="left", dx=5).encode(axis_for_field(x, "end"), y, text=alt.Text("label:N")),
        ),
        context,
        "waterfall",
        finding=locale("chart.waterfall_finding", name=capitalized(name), share=shares[largest]),
        facts=" ".join(rows["facts"]),
        height=(ROW + 8) * len(data),
    )


def _step_name(part: dict[str, Any], context: ChartContext) -> str:
    locale = context.locale
    if part["joined"] > 1:
        return locale("chart.other_services", count=part["joined"])
    if part["rule"] is not None:
        band, rule = locale.band_with_unit(part["over"], part["up_to"]), locale(f"word.{part['rule']}")
        return f"{band}\n{rule}"
    return wrap_name(context.name(part["line"] or part["service"] or ""))
