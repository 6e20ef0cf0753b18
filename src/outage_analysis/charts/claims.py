"""The chart of the intake."""

from __future__ import annotations

import altair as alt
import polars as pl

from outage_analysis.charts.data import some_days
from outage_analysis.charts.theme import (
    ACCENT,
    Drawn,
    Frame,
    NothingToDraw,
    dressed,
    plain,
)

MOST_DAYS = 365
"""Points of the intake; a longer one says the year, as the same day comes twice."""


def intake(table: pl.DataFrame, frame: Frame) -> Drawn:
    """Line: claims filed by the end of each day."""
    w = frame.words
    if len(table) < 2:  # noqa: PLR2004 - a line needs two points
        raise NothingToDraw
    some = some_days(table, MOST_DAYS)
    first, last_day = some["filed_on"][0], some["filed_on"][-1]
    short = (last_day - first).days < MOST_DAYS
    days = [w.short_day(day) if short else str(day) for day in some["filed_on"]]
    data = some.select(pl.Series("day", days), "cumulative")
    # An ordinal axis: a time axis would depend on the reader's time zone.
    step = -(-len(days) // (5 if short else 3))  # as many labels as a telephone is wide
    x = alt.X(
        "day:O",
        sort=days,
        title=None,
        axis=alt.Axis(values=days[::step], labelAngle=0),
    )
    y = alt.Y("cumulative:Q", title=w("chart.intake_y"), axis=alt.Axis(format=",d"))
    base = alt.Chart(plain(data))
    line = base.mark_line(color=ACCENT, point=alt.OverlayMarkDef(color=ACCENT)).encode(x, y)
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
