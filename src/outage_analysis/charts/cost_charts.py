"""Charts of the cost: cost by loss band, and the claims funnel."""

from __future__ import annotations

import altair as alt
import polars as pl

from outage_analysis.charts.theme import (
    ACCENT,
    GREY,
    INK,
    ROW,
    AltairChart,
    ChartContext,
    NothingToDraw,
    finish_chart,
    json_ready,
    name_axis,
    wrap_name,
)
from outage_analysis.costs import by_band

FEW = alt.Axis(tickCount=5, format=",.6~g")
HALF = 0.5
"""If the share of a band exceeds this, the title says that most of the cost is in the band."""


def cost_by_band(costs: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw a bar chart of the expected cash cost per loss band; bands without any payment are left out.

    If there are several cost lines, there is one bar per cost line and loss band.
    """
    locale = context.locale
    band_costs = costs.filter(pl.col("expected").is_not_null(), level="band", valuation="cash")
    rows = by_band(band_costs).filter(~pl.col("rule").is_in(("nothing", "no_rule", "not_entitled")))
    if rows.is_empty():
        raise NothingToDraw
    divisor, unit = locale.axis(float(rows["expected"].sum()))
    data = rows.select(
        band=pl.struct("over", "up_to").map_elements(
            lambda b: locale.band(b["over"], b["up_to"]), return_dtype=pl.String
        ),
        rule=pl.col("rule").map_elements(lambda r: locale(f"word.{r}"), return_dtype=pl.String),
        expected=pl.col("expected") / divisor,
    ).with_columns(
        row=pl.format("{}\n{}", "band", "rule"),
        label=pl.col("expected").map_elements(
            lambda v: locale.number(locale.rounded(v)), return_dtype=pl.String
        ),
    )
    names = [context.name(line) for line in rows["line"]]
    several = len(set(names)) > 1
    if several:
        lines = pl.Series("line", [wrap_name(name) for name in names])
        data = data.with_columns(row=pl.format("{}\n{}", lines, "row"))
    place = int(data["expected"].arg_max() or 0)
    most = data.row(place, named=True)
    y = alt.Y("row:N", sort=data["row"].to_list(), title=None, axis=name_axis())
    axis_end = float(data["expected"].max() or 0) * 1.15  # type: ignore[arg-type]
    x = alt.X(
        "expected:Q",
        title=locale("chart.band_x", unit=unit),
        scale=alt.Scale(domain=[0, axis_end]),
        axis=FEW,
    )
    base = alt.Chart(json_ready(data))
    dearest = alt.datum.row == most["row"] if several else alt.datum.band == most["band"]
    bars = base.mark_bar(size=20).encode(
        x, y, color=alt.condition(dearest, alt.value(ACCENT), alt.value(GREY))
    )
    labels = base.mark_text(align="left", dx=5).encode(x, y, text="label:N")
    facts = " ".join(dict.fromkeys(" ".join(rows["facts"]).split()))
    share = most["expected"] / data["expected"].sum()
    name = f"{names[place]}, {most['band']}" if several else most["band"]
    return finish_chart(
        bars + labels,
        context,
        facts=facts,
        height=(ROW + (34 if several else 8)) * len(data),
        title=_band_title(name, share, context),
        subtitle=locale("chart.band_subtitle", unit=unit, loss=context.loss),
        description=locale("chart.band_description"),
    )


def _band_title(name: str, share: float, context: ChartContext) -> str:
    # If the claims are synthetic, the title only states what the chart measures, because such claims support
    # no finding.
    locale = context.locale
    if context.synthetic:
        return locale("chart.band_measure")
    key = "chart.band_title" if share > HALF else "chart.waterfall_finding"
    return locale(key, share=locale.share(share), band=name, name=name)


def funnel(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw a bar chart of the expected number of claims at each stage, from reports to payments.

    A thin line on each bar spans the lower and upper bound of the number. If several cost lines have stages,
    each label starts with the name of its cost line.
    """
    locale = context.locale
    rows = table.filter(pl.col("expected").is_not_null().all().over("line"))
    if rows.is_empty():
        raise NothingToDraw
    several = rows["line"].n_unique() > 1
    stages = [wrap_name(locale(f"word.{s}")) for s in rows["stage"]]
    if several:
        lines = [wrap_name(context.name(line)) for line in rows["line"]]
        stages = [f"{line}\n{stage}" for line, stage in zip(lines, stages, strict=True)]
    data = rows.with_columns(
        stage=pl.Series(stages),
        label=pl.col("expected").map_elements(
            lambda v: locale.number(v if float(v).is_integer() else round(locale.rounded(v))),
            return_dtype=pl.String,
        ),
    )
    y = alt.Y("stage:N", sort=data["stage"].to_list(), title=None, axis=name_axis())
    x_scale = alt.Scale(domain=[0, float(data.select(pl.max("expected", "high")).max_horizontal()[0]) * 1.2])
    base = alt.Chart(json_ready(data))
    counted = "column.claims" if "claimed" in rows["stage"] else "chart.funnel_x"
    x = alt.X("expected:Q", title=locale(counted), scale=x_scale, axis=FEW)
    bars = base.mark_bar(size=18).encode(x, y)
    spans = base.mark_rule(color=INK, strokeWidth=1.2).encode(
        alt.X("low:Q", scale=x_scale), alt.X2("high:Q"), y
    )
    labels = base.mark_text(align="left", dx=6, dy=-15, fontWeight=600).encode(x, y, text="label:N")
    return finish_chart(
        bars + spans + labels,
        context,
        height=(ROW + (24 if several else 14)) * len(data),
        title=_funnel_title(rows, context),
        subtitle=locale("chart.funnel_subtitle"),
        description=locale("chart.funnel_description"),
    )


def _funnel_title(rows: pl.DataFrame, context: ChartContext) -> str:
    # If the claims are synthetic, the title only states what the chart measures, because such claims support
    # no finding.
    locale = context.locale
    if context.synthetic:
        return locale("report.funnel_title_claims" if "claimed" in rows["stage"] else "report.funnel_title")
    paid = rows.filter(stage="paid").sort("expected", descending=True, maintain_order=True)
    line = paid["line"][0] if len(paid) else rows["line"][0]
    by_stage = dict(rows.filter(line=line).select("stage", "expected").rows())
    counts = list(by_stage.values())
    first, last = by_stage.get("reported", counts[0]), by_stage.get("paid", counts[-1])
    key = "chart.funnel_claims_title" if "claimed" in by_stage else "chart.funnel_chart_title"
    several = rows["line"].n_unique() > 1
    line_phrase = locale("report.of_line", line=context.name(line)) if several else ""
    return locale(
        key, paid=locale.number(round(locale.rounded(last))), reported=locale.number(first), line=line_phrase
    )
