"""Charts of fitted loss distributions and observed shares: ogive (share below) and tail (share above)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import altair as alt
import polars as pl

from outage_analysis.charts import curve_data
from outage_analysis.charts.axes import labelled_axis, log_ticks
from outage_analysis.charts.theme import (
    ACCENT,
    GREY,
    INK,
    AltairChart,
    ChartContext,
    NothingToDraw,
    axis_for_field,
    finish_chart,
    json_ready,
)
from outage_analysis.text import Locale

HEIGHT = 320
GAP = 15
"""Smallest vertical distance between two labels, in pixels."""
LEAST_WHOLE = 100
"""Losses from this amount on are printed without decimals."""
CLEAR = 0.9
"""If a family has at least this weight, the title names it; else the title says that several fit."""
POOR = 0.01
"""If the goodness-of-fit p is below this, the title says that even the best family fits badly."""
TAIL_MARGIN = 0.5
"""The axis of the tail chart starts at this multiple of the smallest share in the chart."""


def ogive(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw the ogive: observed shares of losses up to each band edge (points) and fitted curves (lines)."""
    locale = context.locale
    families, counts, lines = _split_table(table)
    best, weight = families.row(0)
    name, median = locale(f"word.{best}"), curve_data.median_loss(table)
    pixels = [HEIGHT * (1 - v) for v in _line_ends(lines, families["family"].to_list(), "share_below")]
    x = _loss_axis(context, lines["loss"].to_list())
    losses = _losses_phrase(locale, table)
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
    has_finding = median is not None and not context.synthetic
    p = table.filter(family=best)["p"][0]
    key = "chart.ogive_finding" if weight >= CLEAR else "chart.ogive_several"
    key = "chart.ogive_poor" if p is not None and p < POOR else key
    finding = (
        locale(key, losses=losses, median=_short_loss(locale, locale.rounded(median)), family=name)
        if has_finding and median
        else ""
    )
    return finish_chart(
        alt.layer(*layers, _family_labels(families, pixels, locale)),
        context,
        height=HEIGHT,
        title=finding or locale("chart.ogive_measure"),
        subtitle=locale(
            "chart.ogive_subtitle",
            losses=losses,
            loss=context.loss,
            note=_scale_note(locale, table),
            weight=locale.share(weight),
        ),
        description=locale("chart.ogive_description"),
    )


def tail(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw the tail: observed shares of losses above each band edge (points) and fitted curves (lines).

    The fitted curves continue beyond the last band edge, where there are no observed shares.

    Raises:
        NothingToDraw: no loss lies above any band edge, or the table has no fitted distribution.
    """
    locale = context.locale
    families, counts, lines = _split_table(table)
    above = counts.filter(pl.col("share_above") > 0)
    if above.is_empty():
        raise NothingToDraw
    last, least = above.select("loss", "share_above").row(-1)
    end = float(counts["loss"].max())  # type: ignore[arg-type] # there are counts
    lowest = _lowest_share(lines, float(least))
    lines = lines.filter(pl.col("share_above") > 0)
    x, losses = _loss_axis(context, lines["loss"].to_list()), _losses_phrase(locale, table)
    ticks = [10.0**k for k in range(math.ceil(math.log10(lowest * 100)), 3)]
    y = alt.Y(
        "share:Q",
        title=locale("chart.tail_y", losses=losses),
        scale=alt.Scale(type="log", domain=[lowest * 100, 100], nice=False),
        axis=alt.Axis(values=ticks, format="~g"),
    )
    percents = lines.select(
        "family",
        "loss",
        share=pl.col("share_above") * 100,
        low=pl.col("above_low").clip(lowest / 10) * 100,
        high=pl.col("above_high").clip(lowest / 10) * 100,
    )
    layers = _layers(above.select("loss", share=pl.col("share_above") * 100), percents, x, y)
    ends = _line_ends(lines, families["family"].to_list(), "share_above")
    pixels = [HEIGHT * math.log(max(v, lowest)) / math.log(lowest) for v in ends]
    title = locale(
        "chart.tail_finding", losses=losses, share=locale.share(least), edge=_short_loss(locale, last)
    )
    return finish_chart(
        alt.layer(*_last_edge_layers(end, x, locale), *layers, _family_labels(families, pixels, locale)),
        context,
        height=HEIGHT,
        title=locale("chart.tail_measure") if context.synthetic else title,
        subtitle=locale(
            "chart.tail_subtitle",
            losses=losses,
            loss=context.loss,
            note=_scale_note(locale, table),
            edge=_short_loss(locale, end),
        ),
        description=locale("chart.tail_description"),
    )


def _lowest_share(lines: pl.DataFrame, least: float) -> float:
    best = lines.filter(family=lines["family"][0])["share_above"]
    reached = float(best.filter(best > 0).min())  # type: ignore[arg-type] # some share is above 0
    return max(min(least, reached), least / 100) * TAIL_MARGIN


def _split_table(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    families, counts = curve_data.family_weights(table), curve_data.counted_shares(table)
    if families.is_empty() or counts.is_empty():
        raise NothingToDraw
    return families, counts, curve_data.family_curves(table)


def _layers(counts: pl.DataFrame, lines: pl.DataFrame, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Return the layers of the ogive or the tail chart, from back to front.

    These are the interval of the best-fitting family, the curves of the other families, the curve of the best
    family, and the observed shares.
    """
    best = lines["family"][0]
    best_line, other_lines = lines.filter(family=best), lines.filter(pl.col("family") != best)
    interval_base = alt.Chart(json_ready(best_line.select("loss", "low", "high").drop_nulls()))
    interval = interval_base.mark_area(color=ACCENT, opacity=0.18, clip=True).encode(
        x, axis_for_field(y, "low"), alt.Y2("high:Q")
    )
    thin = alt.Chart(json_ready(other_lines.select("family", "loss", "share")))
    thick = alt.Chart(json_ready(best_line.select("loss", "share")))
    # There is no legend, because the name of each family stands at the end of its line and only the best
    # family has a colour.
    return [
        interval,
        thin.mark_line(color=GREY, strokeWidth=1, clip=True).encode(x, y, detail="family:N"),
        thick.mark_line(color=ACCENT, strokeWidth=2.5, clip=True).encode(x, y),
        alt.Chart(json_ready(counts)).mark_point(filled=True, color=INK, size=45, opacity=1).encode(x, y),
    ]


def _family_labels(families: pl.DataFrame, pixels: Sequence[float], locale: Locale) -> alt.Chart:
    """Write the name of the distribution family at the end of each fitted curve, without overlaps."""
    rows = [
        {"name": locale(f"word.{family}"), "y": round(place, 1), "best": n == 0}
        for n, (family, place) in enumerate(
            zip(families["family"], curve_data.spread_labels(pixels, GAP, HEIGHT - GAP / 2), strict=True)
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


def _last_edge_layers(end: float, x: alt.X, locale: Locale) -> tuple[alt.Chart, alt.Chart]:
    base = alt.Chart(pl.DataFrame({"loss": [end]}))
    rule = base.mark_rule(color=GREY, strokeDash=[4, 3]).encode(x)
    label = base.mark_text(align="right", dx=-5, fontSize=11, color="#57606a").encode(
        x, y=alt.value(8), text=alt.value(locale("chart.tail_end"))
    )
    return rule, label


def _line_ends(lines: pl.DataFrame, families: Sequence[str], column: str) -> list[float]:
    """Return, for each distribution family, the value of `column` at the largest loss of its curve."""
    return [float(lines.filter(family=f).sort("loss")[column][-1]) for f in families]


def _loss_axis(context: ChartContext, losses: Sequence[float]) -> alt.X:
    """Return a horizontal log axis for losses, with short labels such as 10k, 100k and 1m."""
    low, high = min(losses), max(losses)
    ticks = log_ticks(low, high)
    return alt.X(
        "loss:Q",
        title=context.locale("chart.loss_x", loss=context.loss),
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=labelled_axis(ticks, [_short_loss(context.locale, tick) for tick in ticks]),
    )


def _losses_phrase(locale: Locale, table: pl.DataFrame) -> str:
    """Return a phrase that names the losses on which the shares are based.

    These are all losses above a lower edge or, in a truncated table, the losses between two edges.
    """
    over, up_to = table.select("over", "up_to").row(0)
    if up_to is None:
        return locale("chart.losses_over", over=_short_loss(locale, over))
    return locale("chart.losses_between", over=_short_loss(locale, over), up_to=_short_loss(locale, up_to))


def _short_loss(locale: Locale, loss: float) -> str:
    """Format a loss as a short label.

    A loss below `LEAST_WHOLE` that is not a whole number gets three significant digits.
    """
    return locale.short(round(loss)) if loss >= LEAST_WHOLE or loss == round(loss) else f"{loss:.3g}"


def _scale_note(locale: Locale, table: pl.DataFrame) -> str:
    """Return a note on the abbreviations in the axis labels, such as k and m; "" if there are none."""
    tens = 10.0 ** math.floor(math.log10(float(table["loss"].max())))  # type: ignore[arg-type]
    return (
        locale("chart.steps")
        if tens >= LEAST_WHOLE and locale.short(round(tens)) != locale.loss(round(tens))
        else ""
    )
