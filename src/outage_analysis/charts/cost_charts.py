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
from outage_analysis.costs import by_band

FEW = alt.Axis(tickCount=5, format=",.6~g")
HALF = 0.5
"""More than this of a whole is most of it."""


def cost_by_band(costs: pl.DataFrame, frame: Frame) -> Drawn:
    """Bars: expected cash by loss band, and by cost line where there are several; bands that pay."""
    locale = frame.words
    found = costs.filter(pl.col("expected").is_not_null(), level="band", valuation="cash")
    rows = by_band(found).filter(~pl.col("rule").is_in(("nothing", "no_rule", "not_entitled")))
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
    names = [frame.name(line) for line in rows["line"]]
    several = len(set(names)) > 1
    if several:
        lines = pl.Series("line", [folded(name) for name in names])
        data = data.with_columns(row=pl.format("{}\n{}", lines, "row"))
    place = int(data["expected"].arg_max() or 0)
    most = data.row(place, named=True)
    y = alt.Y("row:N", sort=data["row"].to_list(), title=None, axis=names_axis())
    room = float(data["expected"].max() or 0) * 1.15  # type: ignore[arg-type]
    x = alt.X(
        "expected:Q",
        title=locale("chart.band_x", unit=unit),
        scale=alt.Scale(domain=[0, room]),
        axis=FEW,
    )
    base = alt.Chart(plain(data))
    dearest = alt.datum.row == most["row"] if several else alt.datum.band == most["band"]
    bars = base.mark_bar(size=20).encode(
        x, y, color=alt.condition(dearest, alt.value(ACCENT), alt.value(GREY))
    )
    labels = base.mark_text(align="left", dx=5).encode(x, y, text="label:N")
    facts = " ".join(dict.fromkeys(" ".join(rows["facts"]).split()))
    share = most["expected"] / data["expected"].sum()
    name = f"{names[place]}, {most['band']}" if several else most["band"]
    return dressed(
        bars + labels,
        frame,
        facts=facts,
        height=(ROW + (34 if several else 8)) * len(data),
        title=_band_title(name, share, frame),
        subtitle=locale("chart.band_subtitle", unit=unit, loss=frame.loss),
        description=locale("chart.band_description"),
    )


def _band_title(name: str, share: float, frame: Frame) -> str:
    """What the dearest band makes up; of synthetic rows only what is measured."""
    locale = frame.words
    if frame.synthetic:
        return locale("chart.band_measure")
    found = "chart.band_title" if share > HALF else "chart.waterfall_finding"
    return locale(found, share=locale.share(share), band=name, name=name)


def headlines(table: pl.DataFrame, frame: Frame) -> Drawn:
    """Ranges on a log axis: forecasts of one line's cash beside our bounds and expected value."""
    locale = frame.words
    ours = table.filter(pl.col("fact") == "")
    theirs = table.filter(pl.col("fact") != "", pl.col("line") != "")
    if ours.is_empty() or ours["expected"].null_count() or theirs["low"].is_null().all():
        raise NothingToDraw
    divisor, unit = locale.axis(float(theirs["high"].max()))  # type: ignore[arg-type]
    data = pl.concat([ours, theirs]).with_columns(
        pl.coalesce("low", "high") / divisor,
        pl.col("expected") / divisor,
        pl.col("high") / divisor,
        ours=pl.col("fact") == "",
        name=pl.col("fact").map_elements(
            lambda f: folded(frame.name(f)) if f else locale("chart.headlines_ours"),
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
        alt.X("low:Q", scale=scale, title=locale("chart.headlines_x", unit=unit), axis=axis),
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
            text=alt.value(locale.number(locale.rounded(float(ours["expected"][0]) / divisor))),
        )
    )
    return dressed(
        spans + dot + number,
        frame,
        facts=" ".join(theirs["fact"]),
        height=(ROW + 10) * len(data),
        title=locale("chart.headlines_title", times=locale.share(ratio)),
        subtitle=locale("chart.headlines_subtitle", unit=unit),
        description=locale("chart.headlines_description"),
    )


def _decades(data: pl.DataFrame) -> list[float]:
    """Powers of ten across the data: readable ticks on a log axis."""
    low = min(v for v in data["low"] if v and v > 0)
    high = max(v for v in data["high"] if v)
    return [10.0**k for k in range(-6, 13) if low / 10 < 10.0**k < high * 10]


def funnel(table: pl.DataFrame, frame: Frame) -> Drawn:
    """Bars: how many are expected at each stage, from reports to payments; a thin rule spans the bounds.

    Where several lines have stages, each stage stands under the name of its line.
    """
    locale = frame.words
    rows = table.filter(pl.col("expected").is_not_null().all().over("line"))
    if rows.is_empty():
        raise NothingToDraw
    several = rows["line"].n_unique() > 1
    stages = [folded(locale(f"word.{s}")) for s in rows["stage"]]
    if several:
        lines = [folded(frame.name(line)) for line in rows["line"]]
        stages = [f"{line}\n{stage}" for line, stage in zip(lines, stages, strict=True)]
    data = rows.with_columns(
        stage=pl.Series(stages),
        label=pl.col("expected").map_elements(
            lambda v: locale.number(v if float(v).is_integer() else round(locale.rounded(v))),
            return_dtype=pl.String,
        ),
    )
    y = alt.Y("stage:N", sort=data["stage"].to_list(), title=None, axis=names_axis())
    room = alt.Scale(domain=[0, float(data.select(pl.max("expected", "high")).max_horizontal()[0]) * 1.2])
    base = alt.Chart(plain(data))
    counted = "column.claims" if "claimed" in rows["stage"] else "chart.funnel_x"
    x = alt.X("expected:Q", title=locale(counted), scale=room, axis=FEW)
    bars = base.mark_bar(size=18).encode(x, y)
    spans = base.mark_rule(color=INK, strokeWidth=1.2).encode(alt.X("low:Q", scale=room), alt.X2("high:Q"), y)
    labels = base.mark_text(align="left", dx=6, dy=-15, fontWeight=600).encode(x, y, text="label:N")
    return dressed(
        bars + spans + labels,
        frame,
        height=(ROW + (24 if several else 14)) * len(data),
        title=_funnel_title(rows, frame),
        subtitle=locale("chart.funnel_subtitle"),
        description=locale("chart.funnel_description"),
    )


def _funnel_title(rows: pl.DataFrame, frame: Frame) -> str:
    """How many of the line with most payments end in one; of synthetic rows only what is measured."""
    locale = frame.words
    if frame.synthetic:
        return locale("report.funnel_title")
    paid = rows.filter(stage="paid").sort("expected", descending=True, maintain_order=True)
    line = paid["line"][0] if len(paid) else rows["line"][0]
    found = dict(rows.filter(line=line).select("stage", "expected").rows())
    counts = list(found.values())
    first, last = found.get("reported", counts[0]), found.get("paid", counts[-1])
    key = "chart.funnel_claims_title" if "claimed" in found else "chart.funnel_chart_title"
    several = rows["line"].n_unique() > 1
    of = locale("report.of_line", line=frame.name(line)) if several else ""
    return locale(
        key, paid=locale.number(round(locale.rounded(last))), reported=locale.number(first), line=of
    )


def free_goods(costs: pl.DataFrame, frame: Frame) -> Drawn:
    """Bars: list price of free goods, promised in outline and expected filled; never beside cash."""
    locale = frame.words
    rows = costs.filter(
        pl.col("expected").is_not_null() & pl.col("promised").is_not_null(),
        valuation="face_value",
        level="line",
    ).sort("promised", descending=True)
    if rows.is_empty():
        raise NothingToDraw
    divisor, unit = locale.axis(float(rows["promised"].max()))  # type: ignore[arg-type]
    data = rows.select(
        name=pl.col("line").map_elements(lambda x: folded(frame.name(x)), return_dtype=pl.String),
        promised=pl.col("promised") / divisor,
        expected=pl.col("expected") / divisor,
    ).with_columns(
        label=pl.struct("expected", "promised").map_elements(
            lambda r: (
                f"{locale.number(locale.rounded(r['expected']))} / "
                f"{locale.number(locale.rounded(r['promised'], 3))}"
            ),
            return_dtype=pl.String,
        )
    )
    y = alt.Y("name:N", sort=data["name"].to_list(), title=None, axis=names_axis())
    room = alt.Scale(domain=[0, float(data["promised"].max()) * 1.6])  # type: ignore[arg-type]
    base = alt.Chart(plain(data))
    x = alt.X("promised:Q", scale=room, title=locale("chart.free_x", unit=unit), axis=FEW)
    whole = base.mark_bar(size=18, fill=LIGHT, stroke=GREY).encode(x, y)
    taken = base.mark_bar(size=18).encode(alt.X("expected:Q", scale=room), y)
    labels = base.mark_text(align="left", dx=5).encode(x, y, text="label:N")
    facts = " ".join(dict.fromkeys(" ".join(rows["facts"]).split()))
    return dressed(
        whole + taken + labels,
        frame,
        facts=facts,
        height=(ROW + 14) * len(data),
        title=locale(
            "chart.free_chart_title",
            share=locale.share(float(data["expected"].sum()) / float(data["promised"].sum())),
        ),
        subtitle=locale("chart.free_chart_subtitle", unit=unit),
        description=locale("chart.free_description"),
    )
