"""Charts of fitted laws beside the counts: the ogive, and the tail on two logarithmic scales."""

from __future__ import annotations

import math
from collections.abc import Sequence

import altair as alt
import polars as pl

from outage_analysis.charts import curve_data as points
from outage_analysis.charts.axes import labelled, log_ticks
from outage_analysis.charts.theme import (
    ACCENT,
    GREY,
    INK,
    Drawn,
    Frame,
    NothingToDraw,
    dressed,
    on_field,
    plain,
)
from outage_analysis.text import Locale

HEIGHT = 320
GAP = 15
"""Pixels between two labels one above the other."""
LEAST_WHOLE = 100
"""From here on a loss is told in whole units."""
CLEAR = 0.9
"""A weight from which one law is told to be the likeliest; below it several will do."""
POOR = 0.01
"""A goodness of fit below this says that even the likeliest law is wrong."""
SHORT_OF = 0.5
"""Of the smallest share counted: how far down the tail is drawn."""


def ogive(table: pl.DataFrame, frame: Frame) -> Drawn:
    """Points: the share of losses counted up to each edge; lines: what the fitted laws say."""
    locale = frame.words
    laws, counts, lines = _parts(table)
    best, weight = laws.row(0)
    name, half = locale(f"word.{best}"), points.median(table)
    pixels = [HEIGHT * (1 - v) for v in _last(lines, laws["family"].to_list(), "share_below")]
    x = _loss_axis(frame, lines["loss"].to_list())
    losses = _losses(locale, table)
    y = alt.Y("share:Q", title=locale("chart.ogive_y", losses=losses), scale=alt.Scale(domain=[0, 100]))
    layers = _layers(
        counts.select("loss", share=pl.col("share_below") * 100),
        lines.select(
            "family",
            "loss",
            share=pl.col("share_below") * 100,
            low=pl.col("low") * 100,
            high=pl.col("high") * 100,
        ),
        x,
        y,
    )
    finding = half is not None and not frame.synthetic
    p = table.filter(family=best)["p"][0]
    key = "chart.ogive_finding" if weight >= CLEAR else "chart.ogive_several"
    key = "chart.ogive_poor" if p is not None and p < POOR else key
    said = (
        locale(key, losses=losses, median=_amount(locale, locale.rounded(half)), family=name)
        if finding and half
        else ""
    )
    return dressed(
        alt.layer(*layers, _names(laws, pixels, locale)),
        frame,
        height=HEIGHT,
        title=said or locale("chart.ogive_measure"),
        subtitle=locale(
            "chart.ogive_subtitle",
            losses=losses,
            loss=frame.loss,
            note=_note(locale, table),
            weight=locale.share(weight),
        ),
        description=locale("chart.ogive_description"),
    )


def tail(table: pl.DataFrame, frame: Frame) -> Drawn:
    """Points: the share of losses counted above each edge; lines: what the laws say, also beyond."""
    locale = frame.words
    laws, counts, lines = _parts(table)
    above = counts.filter(pl.col("share_above") > 0)
    if above.is_empty():
        raise NothingToDraw
    last, least = above.select("loss", "share_above").row(-1)
    end = float(counts["loss"].max())  # type: ignore[arg-type] # there are counts
    floor = _floor(lines, float(least))
    lines = lines.filter(pl.col("share_above") > 0)
    x, losses = _loss_axis(frame, lines["loss"].to_list()), _losses(locale, table)
    ticks = [10.0**k for k in range(math.ceil(math.log10(floor * 100)), 3)]
    y = alt.Y(
        "share:Q",
        title=locale("chart.tail_y", losses=losses),
        scale=alt.Scale(type="log", domain=[floor * 100, 100], nice=False),
        axis=alt.Axis(values=ticks, format="~g"),
    )
    shown = lines.select(
        "family",
        "loss",
        share=pl.col("share_above") * 100,
        low=pl.col("above_low").clip(floor / 10) * 100,
        high=pl.col("above_high").clip(floor / 10) * 100,
    )
    layers = _layers(above.select("loss", share=pl.col("share_above") * 100), shown, x, y)
    ends = _last(lines, laws["family"].to_list(), "share_above")
    pixels = [HEIGHT * math.log(max(v, floor)) / math.log(floor) for v in ends]
    title = locale("chart.tail_finding", losses=losses, share=locale.share(least), edge=_amount(locale, last))
    return dressed(
        alt.layer(*_end_of_counts(end, x, locale), *layers, _names(laws, pixels, locale)),
        frame,
        height=HEIGHT,
        title=locale("chart.tail_measure") if frame.synthetic else title,
        subtitle=locale(
            "chart.tail_subtitle",
            losses=losses,
            loss=frame.loss,
            note=_note(locale, table),
            edge=_amount(locale, end),
        ),
        description=locale("chart.tail_description"),
    )


def _floor(lines: pl.DataFrame, least: float) -> float:
    """The smallest share on the tail's axis: below the last count, and down to the likeliest law's end."""
    best = lines.filter(family=lines["family"][0])["share_above"]
    reached = float(best.filter(best > 0).min())  # type: ignore[arg-type] # a law reaches above 0 somewhere
    return max(min(least, reached), least / 100) * SHORT_OF


def _parts(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    laws, counts = points.families(table), points.counted(table)
    if laws.is_empty() or counts.is_empty():
        raise NothingToDraw
    return laws, counts, points.lines(table)


def _layers(counts: pl.DataFrame, lines: pl.DataFrame, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """The interval of the likeliest law, the other laws, the likeliest and the counts, from back to front."""
    best = lines["family"][0]
    likeliest, others = lines.filter(family=best), lines.filter(pl.col("family") != best)
    about = alt.Chart(plain(likeliest.select("loss", "low", "high").drop_nulls()))
    interval = about.mark_area(color=ACCENT, opacity=0.18, clip=True).encode(
        x, on_field(y, "low"), alt.Y2("high:Q")
    )
    thin = alt.Chart(plain(others.select("family", "loss", "share")))
    thick = alt.Chart(plain(likeliest.select("loss", "share")))
    # One line a family and none in another colour: their names stand at their ends.
    return [
        interval,
        thin.mark_line(color=GREY, strokeWidth=1, clip=True).encode(x, y, detail="family:N"),
        thick.mark_line(color=ACCENT, strokeWidth=2.5, clip=True).encode(x, y),
        alt.Chart(plain(counts)).mark_point(filled=True, color=INK, size=45, opacity=1).encode(x, y),
    ]


def _names(laws: pl.DataFrame, pixels: Sequence[float], locale: Locale) -> alt.Chart:
    """The name of each law at the end of its line, in the margin; none over another."""
    rows = [
        {"name": locale(f"word.{family}"), "y": round(place, 1), "best": n == 0}
        for n, (family, place) in enumerate(
            zip(laws["family"], points.spaced(pixels, GAP, HEIGHT - GAP / 2), strict=True)
        )
    ]
    base = alt.Chart(pl.DataFrame(rows))
    y = alt.Y("y:Q", scale=None, axis=None)
    names: alt.Chart = base.mark_text(align="left", dx=5, fontSize=11).encode(
        y,
        x=alt.value("width"),
        text="name:N",
        color=alt.condition("datum.best", alt.value(ACCENT), alt.value("#57606a")),
    )
    return names


def _end_of_counts(end: float, x: alt.X, locale: Locale) -> tuple[alt.Chart, alt.Chart]:
    base = alt.Chart(pl.DataFrame({"loss": [end]}))
    rule = base.mark_rule(color=GREY, strokeDash=[4, 3]).encode(x)
    said = base.mark_text(align="right", dx=-5, fontSize=11, color="#57606a").encode(
        x, y=alt.value(8), text=alt.value(locale("chart.tail_end"))
    )
    return rule, said


def _last(lines: pl.DataFrame, families: Sequence[str], column: str) -> list[float]:
    """Where each line ends."""
    return [float(lines.filter(family=f).sort("loss")[column][-1]) for f in families]


def _loss_axis(frame: Frame, losses: Sequence[float]) -> alt.X:
    """A log axis of losses with ticks that a person says: 10k, 100k, 1m."""
    low, high = min(losses), max(losses)
    ticks = log_ticks(low, high)
    return alt.X(
        "loss:Q",
        title=frame.words("chart.loss_x", loss=frame.loss),
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=labelled(ticks, [_amount(frame.words, tick) for tick in ticks]),
    )


def _losses(locale: Locale, table: pl.DataFrame) -> str:
    """The losses that every share on the chart divides by: those that could be seen, mostly all above 0."""
    over, up_to = table.select("over", "up_to").row(0)
    if up_to is None:
        return locale("chart.losses_over", over=_amount(locale, over))
    return locale("chart.losses_between", over=_amount(locale, over), up_to=_amount(locale, up_to))


def _amount(locale: Locale, loss: float) -> str:
    """A loss in the unit a person says; three digits of one that is small and no whole number."""
    return locale.short(round(loss)) if loss >= LEAST_WHOLE or loss == round(loss) else f"{loss:.3g}"


def _note(locale: Locale, table: pl.DataFrame) -> str:
    """What the steps of the axis mean, where it has any."""
    tens = 10.0 ** math.floor(math.log10(float(table["loss"].max())))  # type: ignore[arg-type]
    return (
        locale("chart.steps")
        if tens >= LEAST_WHOLE and locale.short(round(tens)) != locale.loss(round(tens))
        else ""
    )
