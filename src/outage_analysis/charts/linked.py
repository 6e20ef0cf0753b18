"""Three views of the same claims: choosing a service in the first changes the two below it."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import altair as alt
import polars as pl

from outage_analysis.bands import Band
from outage_analysis.charts.data import rows_of_pairs
from outage_analysis.charts.losses import service_name
from outage_analysis.charts.theme import ACCENT, INK, Drawn, Frame, NothingToDraw, laid_out, names_axis, plain
from outage_analysis.labels import Words

# Views side by side cannot follow the width of their place: 700 pixels with the names, so that a notebook's
# cell and JupyterLab beside its file list both hold them.
NAMES, HEAT, BANDS, DAYS, GAP = 150, 540, 210, 270, 60
NARROW_NAMES, NARROW_HEAT, NARROW_BANDS, NARROW_DAYS = 120, 196, 220, 270
"""On a phone the views stand below each other."""
ROW = 28
HEIGHT = 170
MOST_LEVEL = 8
"""More bands than these are labelled upright."""
MOST_NAMED = 2
"""More chosen services than these are counted in the heading, not named."""
DAY_LABELS = 5
_ONE_LINE = "join(split(datum.name, '\\n'), ' ')"


def linked(table: pl.DataFrame, frame: Frame, *, narrow: bool = False, chooser: bool = False) -> Drawn:
    """Heatmap of service by band; below it, the bands and the intake of the services chosen in it.

    Args:
        table: as `data.pairs` returns it.
        frame: words and names.
        narrow: with the views below each other, for a phone.
        chooser: with a list to choose a service from, which a keyboard reaches.
    """
    w = frame.words
    if table.is_empty() or not table["claims"].sum():
        raise NothingToDraw
    rows, bands, days = rows_of_pairs(table)
    names = [service_name(frame, *row) for row in rows.select("service", "services").rows()]
    data = rows.select(pl.Series("name", names), "claims", "bands", "days")
    chosen = _chosen(names, w, chooser=chooser)
    base = alt.Chart(plain(data))
    top = _heat(base, names, bands, w, chosen, narrow=narrow)
    views = [_bands(base, bands, w, chosen, NARROW_BANDS if narrow else BANDS)]
    if days:
        views.append(_days(base, days, w, chosen, NARROW_DAYS if narrow else DAYS))
    heading = _heading(base, names, w, chosen, NARROW_HEAT if narrow else HEAT)
    below = alt.vconcat(*views, spacing=14) if narrow else alt.hconcat(*views, spacing=GAP)
    label = " ".join(names[0].split())
    share = float(data["claims"][0]) / float(data["claims"].sum())
    note = w.band_note(bands)
    return laid_out(
        alt.vconcat(top, heading, below, spacing=14),
        frame,
        title=w("chart.linked_measure")
        if frame.synthetic
        else w("chart.linked_finding", name=label, share=w.share(share)),
        subtitle=w("chart.linked_subtitle", loss=frame.loss, note=f"; {note}" if note else ""),
        description=w("chart.linked_description"),
    )


def _chosen(names: list[str], w: Words, *, chooser: bool) -> alt.Parameter:
    """Which services are chosen: by clicks, and where asked also from a list."""
    listed: dict[str, Any] = {}
    if chooser:
        labels = [w("chart.linked_all"), *(" ".join(name.split()) for name in names)]
        bound = alt.binding_select(options=[None, *names], labels=labels, name=w("chart.linked_choose"))
        listed["bind"] = {"name": bound}
    return alt.selection_point(
        name="chosen", fields=["name"], toggle="true", on="click", clear="dblclick", **listed
    )


def _each(base: alt.Chart, field: str) -> alt.Chart:
    """One row an entry of a list: its place in the list as `at`, its value as `n`."""
    return base.transform_calculate(at=f"sequence(0, length(datum.{field}))").transform_flatten(
        [field, "at"], as_=["n", "at"]
    )


def _heat(
    base: alt.Chart, names: list[str], bands: list[Band], w: Words, chosen: alt.Parameter, *, narrow: bool
) -> Drawn:
    labels = [w.band_short(*band) for band in bands]
    texts = json.dumps(labels, ensure_ascii=False)
    cells = _each(base, "bands").transform_calculate(
        percent="datum.n / datum.claims * 100",
        said=f"{_ONE_LINE} + ', ' + {texts}[datum.at] + ': ' + format(datum.n, ',')",
    )
    upright = -90 if narrow or len(bands) > MOST_LEVEL else 0
    x = alt.X("at:O", title=None, axis=_labelled(labels, angle=upright, top=True))
    y = alt.Y("name:N", sort=names, title=None, axis=names_axis(NARROW_NAMES if narrow else NAMES))
    faded = alt.condition(chosen, alt.value(1), alt.value(0.4))
    rects = cells.mark_rect(stroke="white", strokeWidth=1, cursor="pointer").encode(
        x,
        y,
        color=alt.Color(
            "percent:Q", scale=alt.Scale(range=["#f2f6fa", ACCENT], domain=[0, 100]), legend=None
        ),
        opacity=faded,
        description="said:N",
    )
    shown = (
        cells.transform_filter("datum.n > 0")
        .transform_calculate(label="datum.percent < 0.5 ? '<1' : format(datum.percent, '.0f')")
        .mark_text(fontSize=11, cursor="pointer")
        .encode(
            x,
            y,
            text="label:N",
            opacity=faded,
            color=alt.condition("datum.percent > 55", alt.value("white"), alt.value(INK)),
        )
    )
    title = _title(w("chart.linked_heat"))
    heat: Drawn = alt.layer(rects.add_params(chosen), shown)
    return _sized(heat, NARROW_HEAT if narrow else HEAT, ROW * len(names), title)


def _heading(base: alt.Chart, names: list[str], w: Words, chosen: alt.Parameter, width: int) -> Drawn:
    """Which services the two views below are about."""
    several = json.dumps(w("chart.linked_several") + " ", ensure_ascii=False)
    everything = json.dumps(w("chart.linked_all"), ensure_ascii=False)
    said = (
        f"datum.chosen == {len(names)} ? {everything} : datum.chosen > {MOST_NAMED} ? "
        f"{several} + datum.chosen : join(split(join(pluck(datum.rows, 'name'), ', '), '\\n'), ' ')"
    )
    heading = (
        base.transform_filter(chosen)
        .transform_aggregate(chosen="count()", rows="values(name)")
        .transform_calculate(said=said)
        .mark_text(align="left", fontWeight=600, fontSize=13)
        .encode(text="said:N", x=alt.value(0))
    )
    return _sized(heading, width, 16)


def _bands(base: alt.Chart, bands: list[Band], w: Words, chosen: alt.Parameter, width: int) -> Drawn:
    labels = [w.band_short(*band) for band in bands]
    sums = _each(base.transform_filter(chosen), "bands").transform_aggregate(n="sum(n)", groupby=["at"])
    y = alt.Y("at:O", title=None, axis=_labelled(labels), scale=alt.Scale(domain=list(range(len(bands)))))
    x = alt.X("n:Q", title=None, axis=alt.Axis(format=",d", tickCount=3, tickMinStep=1))
    height = max(HEIGHT, 14 * len(bands))
    return _sized(_bars(sums, labels).encode(x, y), width, height, _title(w("chart.linked_bands")))


def _days(base: alt.Chart, days: list[date], w: Words, chosen: alt.Parameter, width: int) -> Drawn:
    every = (days[1] - days[0]) // timedelta(days=1) if len(days) > 1 else 1
    title = w("chart.linked_days") if every == 1 else w("chart.linked_days_binned", count=every)
    sums = _each(base.transform_filter(chosen), "days").transform_aggregate(n="sum(n)", groupby=["at"])
    step = max(1, -(-len(days) // DAY_LABELS))
    labels = [w.short_day(day) for day in days]
    axis = _labelled(labels, every=step)
    x = alt.X("at:O", title=None, axis=axis, scale=alt.Scale(domain=list(range(len(days)))))
    y = alt.Y("n:Q", title=None, axis=alt.Axis(format=",d", tickCount=5, tickMinStep=1))
    return _sized(_bars(sums, labels).encode(x, y), width, HEIGHT, _title(title))


def _bars(sums: alt.Chart, labels: list[str]) -> alt.Chart:
    """Bars that say to a screen reader what each is."""
    texts = json.dumps(labels, ensure_ascii=False)
    said = sums.transform_calculate(said=f"{texts}[datum.at] + ': ' + format(datum.n, ',')")
    bars: alt.Chart = said.mark_bar(color=ACCENT).encode(description="said:N")
    return bars


def _labelled(labels: list[str], *, every: int = 1, angle: int = 0, top: bool = False) -> alt.Axis:
    """An axis of places in a list, with the list's texts at every so many places."""
    texts = json.dumps(labels, ensure_ascii=False)
    return alt.Axis(
        labelExpr=f"{texts}[datum.value]",
        labelAngle=angle,
        values=list(range(0, len(labels), every)),
        orient="top" if top else alt.Undefined,
    )


def _sized(view: Drawn, width: int, height: int, title: alt.TitleParams | None = None) -> Drawn:
    sized: Drawn = view.properties(width=width, height=height, **({"title": title} if title else {}))
    return sized


def _title(text: str) -> alt.TitleParams:
    return alt.TitleParams(text, anchor="start", frame="group", fontSize=12, fontWeight="normal", offset=6)
