"""Charts of fitted loss distributions and observed shares: ogive (share below) and tail (share above)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate

import altair as alt
import numpy as np
import polars as pl

from outage_analysis.charts import theme
from outage_analysis.charts.chart_output import finish_chart
from outage_analysis.charts.loss_charts import thin_evenly
from outage_analysis.losses import COUNTED
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
MAX_POINTS = 32
"""Largest number of points per curve; more points would not change how a curve looks."""


def ogive(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw the ogive: observed shares of losses up to each band edge (points) and fitted curves (lines)."""
    locale, losses = context.locale, _losses_phrase(context.locale, table)
    families, counts, curves = _split_table(table)
    best, weight = families.row(0)
    median, p = median_loss(table), table.filter(family=best)["p"][0]
    finding = ""
    if median:
        key = "finding" if weight >= CLEAR else "several"
        key = "poor" if p is not None and p < POOR else key
        shown = _short_loss(locale, locale.rounded(median))
        finding = locale(f"chart.ogive_{key}", losses=losses, median=shown, family=locale(f"word.{best}"))
    y = alt.Y("share:Q", title=locale("chart.ogive_y", losses=losses), scale=alt.Scale(domain=[0, 100]))
    points = counts.select("loss", share="share_below")
    lines = curves.select("family", "loss", "low", "high", share="share_below")
    layers = _layers(families, points, lines, context, y, lambda share: 1 - share)
    values = {"losses": losses, "note": _scale_note(locale, table), "weight": locale.share(weight)}
    return finish_chart(alt.layer(*layers), context, "ogive", finding=finding, height=HEIGHT, **values)


def tail(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw the tail: observed shares of losses above each band edge (points) and fitted curves (lines).

    Both axes are logarithmic, so that differences between the families are visible. No loss is counted
    beyond the last edge. A rule marks it.
    """
    locale, losses = context.locale, _losses_phrase(context.locale, table)
    families, counts, curves = _split_table(table)
    points = counts.filter(pl.col("share_above") > 0).select("loss", share="share_above")
    if points.is_empty():
        raise theme.NothingToDraw
    (last, least), end = points.row(-1), float(counts["loss"][-1])
    curves = curves.filter(pl.col("share_above") > 0)
    best = curves.filter(family=curves["family"][0])["share_above"].to_list()
    lowest = max(min(least, *best), least / 100) * TAIL_MARGIN
    y = alt.Y(
        "share:Q",
        title=locale("chart.tail_y", losses=losses),
        scale=alt.Scale(type="log", domain=[lowest * 100, 100], nice=False),
        axis=alt.Axis(values=[10.0**k for k in range(math.ceil(math.log10(lowest * 100)), 3)], format="~g"),
    )
    ends = {name: pl.col(f"above_{name}").clip(lowest / 10) for name in ("low", "high")}
    lines = curves.select("family", "loss", share="share_above", **ends)
    layers = _layers(
        families, points, lines, context, y, lambda share: math.log(max(share, lowest)) / math.log(lowest)
    )
    base, x = alt.Chart(pl.DataFrame({"loss": [end]})), _loss_axis(context, lines["loss"].to_list())
    label = base.mark_text(align="right", dx=-5, fontSize=11, color=theme.MUTED)
    values = {"losses": losses, "note": _scale_note(locale, table), "edge": _short_loss(locale, last)}
    finding = locale("chart.tail_finding", share=locale.share(least), **values)
    return finish_chart(
        alt.layer(
            base.mark_rule(color=theme.GREY, strokeDash=[4, 3]).encode(x),
            label.encode(x, y=alt.YValue(8), text=alt.TextValue(locale("chart.tail_end"))),
            *layers,
        ),
        context,
        "tail",
        finding=finding,
        height=HEIGHT,
        **values | {"edge": _short_loss(locale, end)},
    )


def _split_table(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    families = family_weights(table)
    counts = table.filter(family=COUNTED).select("loss", "share_below", "share_above").sort("loss")
    if families.is_empty() or counts.is_empty():
        raise theme.NothingToDraw
    return families, counts, family_curves(table)


def _layers(
    families: pl.DataFrame,
    counts: pl.DataFrame,
    curves: pl.DataFrame,
    context: theme.ChartContext,
    y: alt.Y,
    depth: Callable[[float], float],
) -> list[alt.Chart]:
    """Return the layers of the ogive or the tail chart, from back to front.

    These are the interval of the best-fitting family, the curves of the other families, the curve of the best
    family, and the observed shares. There is no legend, because the name of each family stands at the end of
    its line and only the best family has a colour.

    Args:
        families: the families, the best-fitting first.
        counts: the observed shares: `loss` and `share`.
        curves: the fitted ones: `family`, `loss` and `share`, with an interval from `low` to `high`.
        context: language and the name of the losses.
        y: the axis of the shares in percent.
        depth: where a share stands in the chart, from 0 at its top to 1.
    """
    percent, best = pl.col("share", "low", "high") * 100, pl.col("family") == curves["family"][0]
    lines, x = curves.with_columns(percent), _loss_axis(context, curves["loss"].to_list())
    interval = alt.Chart(lines.filter(best).select("loss", "low", "high").drop_nulls())
    thin = alt.Chart(lines.filter(~best).select("family", "loss", "share"))
    thick = alt.Chart(lines.filter(best).select("loss", "share"))
    points = alt.Chart(counts.with_columns(pl.col("share") * 100))
    # The name of each family at the end of its curve, without overlaps.
    ends = families.join(curves.sort("loss").group_by("family").last(), on="family", maintain_order="left")
    places = spread_labels([HEIGHT * depth(share) for share in ends["share"]], GAP, HEIGHT - GAP / 2)
    rows = [
        {"name": context.locale(f"word.{family}"), "y": round(place, 1), "best": n == 0}
        for n, (family, place) in enumerate(zip(ends["family"], places, strict=True))
    ]
    names = alt.Chart(pl.DataFrame(rows)).mark_text(align="left", dx=5, fontSize=11)
    return [
        interval.mark_area(color=theme.ACCENT, opacity=0.18, clip=True).encode(
            x, theme.axis_for_field(y, "low"), alt.Y2("high:Q")
        ),
        thin.mark_line(color=theme.GREY, strokeWidth=1, clip=True).encode(x, y, detail="family:N"),
        thick.mark_line(color=theme.ACCENT, strokeWidth=2.5, clip=True).encode(x, y),
        points.mark_point(filled=True, color=theme.INK, size=45, opacity=1).encode(x, y),
        names.encode(
            alt.Y("y:Q", scale=None, axis=None),
            x=alt.XValue("width"),
            text=alt.Text("name:N"),
            color=theme.accent_if("datum.best", theme.MUTED),
        ),
    ]


def _loss_axis(context: theme.ChartContext, losses: Sequence[float]) -> alt.X:
    """Return a horizontal log axis for losses, with short labels such as 10k, 100k and 1m."""
    low, high = min(losses), max(losses)
    ticks = theme.log_ticks(low, high)
    return alt.X(
        "loss:Q",
        title=context.locale("chart.loss_x", loss=context.loss),
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=theme.labelled_axis(ticks, [_short_loss(context.locale, tick) for tick in ticks]),
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


def family_weights(curves: pl.DataFrame) -> pl.DataFrame:
    """Return the fitted distribution families with their model weights, the largest weight first.

    Args:
        curves: the table that `curve_table` returns. Rows with the family `counted` contain the observed
            shares; the other rows contain the fitted distributions at several losses.
    """
    weights = curves.filter(pl.col("family") != COUNTED).group_by("family").agg(pl.col("weight").first())
    return weights.sort("weight", "family", descending=[True, False])


def family_curves(curves: pl.DataFrame, most: int = MAX_POINTS) -> pl.DataFrame:
    """Return the fitted distributions as curves of at most `most` points, the largest weight first.

    Returns:
        One row per point: `family`, `loss`, `share_below` with its interval from `low` to `high`, and
        `share_above` with its interval from `above_low` to `above_high`.
    """
    wanted = ["family", "loss", "share_below", "share_above", "low", "high", "above_low", "above_high"]
    parts = [
        thin_evenly(curves.filter(family=family).select(wanted).sort("loss"), most)
        for family in family_weights(curves)["family"]
    ]
    return pl.concat(parts).with_columns(pl.col(pl.Float64).round_sig_figs(4))


def median_loss(curves: pl.DataFrame) -> float | None:
    """Return the median loss under the fitted distribution with the largest weight, by interpolation.

    The interpolation is linear in the logarithm of the loss. Return None if the curve does not cover 50 %.
    """
    part = curves.filter(family=family_weights(curves)["family"][0]).sort("loss")
    shares = part["share_below"].to_list()
    if not shares[0] <= 0.5 < shares[-1]:  # noqa: PLR2004
        return None
    return float(np.exp(np.interp(0.5, shares, part["loss"].log())))


def spread_labels(places: Sequence[float], gap: float, last: float) -> list[float]:
    """Shift label positions so that they are at least `gap` apart and none exceeds `last`."""
    order = sorted(range(len(places)), key=lambda n: places[n])
    down = accumulate((places[n] for n in order), lambda above, place: max(place, above + gap))
    up = accumulate(reversed([*down]), lambda below, place: min(place, below - gap), initial=last + gap)
    return [place for _, place in sorted(zip(reversed(order), [*up][1:], strict=True))]
