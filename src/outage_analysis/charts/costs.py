"""Charts of the cost: by band, against headlines, funnel, free goods."""

from __future__ import annotations

import altair as alt
import polars as pl

from outage_analysis.charts.theme import (
    ACCENT,
    GREY,
    INK,
    LIGHT,
    ROW,
    Drawn,
    Frame,
    NothingToDraw,
    dressed,
    folded,
    names_axis,
    plain,
)

FEW = alt.Axis(tickCount=5, format=",.6~g")


def cost_by_band(costs: pl.DataFrame, frame: Frame) -> Drawn:
    """Bars: expected cash by loss band, from published counts."""
    w = frame.words
    rows = costs.filter(
        pl.col("basis") == "published", pl.col("level") == "band", pl.col("expected").is_not_null()
    )
    if rows.is_empty():
        raise NothingToDraw
    divisor, unit = w.axis(float(rows["expected"].sum()))
    data = rows.select(
        band=pl.struct("over", "up_to").map_elements(
            lambda b: w.band(b["over"], b["up_to"]), return_dtype=pl.String
        ),
        rule=pl.col("rule").map_elements(lambda r: w(f"word.{r}"), return_dtype=pl.String),
        expected=pl.col("expected") / divisor,
    ).with_columns(
        row=pl.format("{}\n{}", "band", "rule"),
        label=pl.col("expected").map_elements(lambda v: w.number(w.rounded(v)), return_dtype=pl.String),
    )
    most = data.row(int(data["expected"].arg_max() or 0), named=True)
    share = w.share(most["expected"] / data["expected"].sum())
    y = alt.Y("row:N", sort=data["row"].to_list(), title=None, axis=names_axis())
    room = float(data["expected"].max() or 0) * 1.15  # type: ignore[arg-type]
    x = alt.X(
        "expected:Q",
        title=w("chart.band_x", unit=unit),
        scale=alt.Scale(domain=[0, room]),
        axis=FEW,
    )
    base = alt.Chart(plain(data))
    bars = base.mark_bar(size=20).encode(
        x, y, color=alt.condition(alt.datum.band == most["band"], alt.value(ACCENT), alt.value(GREY))
    )
    labels = base.mark_text(align="left", dx=5).encode(x, y, text="label:N")
    facts = " ".join(dict.fromkeys(" ".join(rows["facts"]).split()))
    return dressed(
        bars + labels,
        frame,
        facts=facts,
        height=(ROW + 8) * len(data),
        title=w("chart.band_title", share=share, band=most["band"]),
        subtitle=w("chart.band_subtitle", unit=unit, loss=frame.loss),
        description=w("chart.band_description"),
    )


def headlines(table: pl.DataFrame, frame: Frame) -> Drawn:
    """Ranges on a log axis: forecasts of one line's cash beside our bounds and expected value."""
    w = frame.words
    ours = table.filter(pl.col("fact") == "")
    theirs = table.filter(pl.col("fact") != "", pl.col("line") != "")
    if ours.is_empty() or ours["expected"].null_count() or theirs["low"].is_null().all():
        raise NothingToDraw
    divisor, unit = w.axis(float(theirs["high"].max()))  # type: ignore[arg-type]
    data = pl.concat([ours, theirs]).with_columns(
        pl.coalesce("low", "high") / divisor,
        pl.col("expected") / divisor,
        pl.col("high") / divisor,
        ours=pl.col("fact") == "",
        name=pl.col("fact").map_elements(
            lambda f: folded(frame.name(f)) if f else w("chart.headlines_ours"),
            return_dtype=pl.String,
        ),
    )
    ratio = ours["expected"][0] / float(theirs["low"].min())  # type: ignore[arg-type]
    y = alt.Y("name:N", sort=data["name"].to_list(), title=None, axis=names_axis())
    scale = alt.Scale(type="log", nice=False)
    axis = alt.Axis(format=",.6~g", values=_decades(data))
    colour = alt.condition("datum.ours", alt.value(ACCENT), alt.value(GREY))
    base = alt.Chart(plain(data))
    spans = base.mark_rule(strokeWidth=5, strokeCap="round").encode(
        alt.X("low:Q", scale=scale, title=w("chart.headlines_x", unit=unit), axis=axis),
        alt.X2("high:Q"),
        y,
        color=colour,
    )
    dot = (
        base.transform_filter("datum.ours")
        .mark_point(filled=True, size=130, color=ACCENT, stroke="white", opacity=1)
        .encode(alt.X("expected:Q", scale=scale), y)
    )
    number = (
        base.transform_filter("datum.ours")
        .mark_text(dy=-15, fontWeight=600)
        .encode(
            alt.X("expected:Q", scale=scale),
            y,
            text=alt.value(w.number(w.rounded(float(ours["expected"][0]) / divisor))),
        )
    )
    return dressed(
        spans + dot + number,
        frame,
        facts=" ".join(theirs["fact"]),
        height=(ROW + 10) * len(data),
        title=w("chart.headlines_title", times=w.share(ratio)),
        subtitle=w("chart.headlines_subtitle", unit=unit),
        description=w("chart.headlines_description"),
    )


def _decades(data: pl.DataFrame) -> list[float]:
    """Powers of ten across the data: readable ticks on a log axis."""
    low = min(v for v in data["low"] if v and v > 0)
    high = max(v for v in data["high"] if v)
    return [10.0**k for k in range(-6, 13) if low / 10 < 10.0**k < high * 10]


def funnel(table: pl.DataFrame, frame: Frame) -> Drawn:
    """Bars: how many are expected at each stage, from reports to payments; a thin rule spans the bounds."""
    w = frame.words
    rows = table.filter(pl.col("line") == table["line"][0])
    if rows["expected"].null_count():
        raise NothingToDraw
    data = rows.with_columns(
        stage=pl.col("stage").map_elements(lambda s: folded(w(f"word.{s}")), return_dtype=pl.String),
        label=pl.col("expected").map_elements(
            lambda v: w.number(v if float(v).is_integer() else round(w.rounded(v))), return_dtype=pl.String
        ),
    )
    y = alt.Y("stage:N", sort=data["stage"].to_list(), title=None, axis=names_axis())
    room = alt.Scale(domain=[0, float(data.select(pl.max("expected", "high")).max_horizontal()[0]) * 1.2])
    base = alt.Chart(plain(data))
    x = alt.X("expected:Q", title=w("chart.funnel_x"), scale=room, axis=FEW)
    bars = base.mark_bar(size=18).encode(x, y)
    spans = base.mark_rule(color=INK, strokeWidth=1.2).encode(alt.X("low:Q", scale=room), alt.X2("high:Q"), y)
    labels = base.mark_text(align="left", dx=6, dy=-15, fontWeight=600).encode(x, y, text="label:N")
    found = dict(rows.select("stage", "expected").rows())
    first, last = found.get("reported", rows["expected"][0]), found.get("paid", rows["expected"][-1])
    return dressed(
        bars + spans + labels,
        frame,
        height=(ROW + 14) * len(data),
        title=w("chart.funnel_chart_title", paid=w.number(round(w.rounded(last))), reported=w.number(first)),
        subtitle=w("chart.funnel_subtitle"),
        description=w("chart.funnel_description"),
    )


def free_goods(costs: pl.DataFrame, frame: Frame) -> Drawn:
    """Bars: list price of free goods, promised in outline and expected filled; never beside cash."""
    w = frame.words
    rows = costs.filter(
        pl.col("expected").is_not_null() & pl.col("promised").is_not_null(),
        valuation="face_value",
        level="line",
    ).sort("promised", descending=True)
    if rows.is_empty():
        raise NothingToDraw
    divisor, unit = w.axis(float(rows["promised"].max()))  # type: ignore[arg-type]
    data = rows.select(
        name=pl.col("line").map_elements(lambda x: folded(frame.name(x)), return_dtype=pl.String),
        promised=pl.col("promised") / divisor,
        expected=pl.col("expected") / divisor,
    ).with_columns(
        label=pl.struct("expected", "promised").map_elements(
            lambda r: f"{w.number(w.rounded(r['expected']))} / {w.number(w.rounded(r['promised'], 3))}",
            return_dtype=pl.String,
        )
    )
    y = alt.Y("name:N", sort=data["name"].to_list(), title=None, axis=names_axis())
    room = alt.Scale(domain=[0, float(data["promised"].max()) * 1.6])  # type: ignore[arg-type]
    base = alt.Chart(plain(data))
    x = alt.X("promised:Q", scale=room, title=w("chart.free_x", unit=unit), axis=FEW)
    whole = base.mark_bar(size=18, fill=LIGHT, stroke=GREY).encode(x, y)
    taken = base.mark_bar(size=18).encode(alt.X("expected:Q", scale=room), y)
    labels = base.mark_text(align="left", dx=5).encode(x, y, text="label:N")
    facts = " ".join(dict.fromkeys(" ".join(rows["facts"]).split()))
    return dressed(
        whole + taken + labels,
        frame,
        facts=facts,
        height=(ROW + 14) * len(data),
        title=w(
            "chart.free_chart_title",
            share=w.share(float(data["expected"].sum()) / float(data["promised"].sum())),
        ),
        subtitle=w("chart.free_chart_subtitle", unit=unit),
        description=w("chart.free_description"),
    )
