"""Charts of the claims: service by loss band, and the intake."""

from __future__ import annotations

import altair as alt
import polars as pl

from outage_analysis.charts.theme import (
    ACCENT,
    Frame,
    NothingToDraw,
    dressed,
    folded,
    names_axis,
    plain,
)


def bands_by_service(bands: pl.DataFrame, frame: Frame) -> alt.Chart | alt.LayerChart:
    """Heatmap: the share of each service's claims in each loss band, in percent."""
    w = frame.words
    data = bands.select(
        service=pl.col("service").map_elements(lambda s: folded(frame.name(s)), return_dtype=pl.String),
        band=pl.struct("over", "up_to").map_elements(
            lambda b: w.band(b["over"], b["up_to"]), return_dtype=pl.String
        ),
        claims="claims",
        percent=pl.col("share") * 100,
        label=pl.col("share").map_elements(lambda s: f"{s * 100:.0f}", return_dtype=pl.String),
    )
    services = (
        data.group_by("service")
        .agg(pl.col("claims").sum())
        .sort("claims", "service", descending=[True, False])
    )
    order = bands.select("over", "up_to").unique(maintain_order=True)
    unknown = pl.col("over").is_null() & pl.col("up_to").is_null()
    columns = [w.band(*row) for row in order.sort(unknown, "over").rows()]
    x = alt.X(
        "band:N",
        sort=columns,
        title=w("chart.heat_x", loss=frame.loss),
        axis=alt.Axis(labelAngle=-30, labelLimit=140),
    )
    y = alt.Y("service:N", sort=services["service"].to_list(), title=None, axis=names_axis())
    base = alt.Chart(plain(data))
    cells = base.mark_rect(stroke="white", strokeWidth=1).encode(
        x,
        y,
        color=alt.Color(
            "percent:Q", scale=alt.Scale(range=["#f2f6fa", ACCENT], domain=[0, 100]), legend=None
        ),
    )
    labels = base.mark_text(fontSize=11).encode(
        x,
        y,
        text="label:N",
        color=alt.condition("datum.percent > 55", alt.value("white"), alt.value("#1f2328")),
    )
    return dressed(
        cells + labels,
        frame,
        height=30 * len(services),
        title=w("chart.heat_title"),
        subtitle=w("chart.heat_subtitle"),
        description=w("chart.heat_description"),
    )


def intake(table: pl.DataFrame, frame: Frame) -> alt.Chart | alt.LayerChart:
    """Line: claims filed by the end of each day."""
    w = frame.words
    if len(table) < 2:  # noqa: PLR2004 - a line needs two points
        raise NothingToDraw
    data = table.select(
        day=pl.col("filed_on").map_elements(w.short_day, return_dtype=pl.String),
        cumulative="cumulative",
    )
    days = data["day"].to_list()
    # An ordinal axis: a time axis would depend on the reader's time zone.
    step = max(1, len(days) // 7)
    x = alt.X("day:O", sort=days, title=None, axis=alt.Axis(values=days[::step], labelAngle=0))
    y = alt.Y("cumulative:Q", title=w("chart.intake_y"), axis=alt.Axis(format=",d"))
    base = alt.Chart(plain(data))
    line = base.mark_line(color=ACCENT, point=True).encode(x, y)
    last = (
        base.transform_filter(alt.datum.day == days[-1])
        .mark_text(align="right", dx=-10, dy=-2, fontWeight=600)
        .encode(x, y, text=alt.Text("cumulative:Q", format=",d"))
    )
    return dressed(
        line + last,
        frame,
        height=260,
        title=w("chart.intake_title"),
        subtitle=w("chart.intake_subtitle"),
        description=w("chart.intake_description"),
    )
