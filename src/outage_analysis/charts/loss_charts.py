"""Charts of losses: a table of services and bands with darker cells for more claims, and fitted curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

import altair as alt
import numpy as np
import polars as pl
from rich.cells import cell_len

from outage_analysis.charts import theme
from outage_analysis.charts.chart_output import finish_chart
from outage_analysis.incidents import Band, holds_positive
from outage_analysis.losses import COUNTED, sum_or_null
from outage_analysis.text import Locale, wrap_text

CELL_HEIGHT = 44
"""Height of a row of cells in pixels."""
MAX_BANDS = 6
"""Largest number of positive loss bands in the table; beyond it, neighbours with few claims are merged."""
CELL_NAME, CELL_BAND = 14, 7
"""Largest number of characters per line of the table's names of services and of loss bands."""
LABEL_LINE = 13
"""Height of a line in the label of a loss band in pixels."""
NARROW_CELL = 42
"""Width in pixels. Narrower cells have smaller digits and write 4.5k for 4,456 claims."""
MAX_SERVICES = 15
"""Largest number of services in a chart; beyond it, the smallest services are merged into one row."""
OTHER_ID = ""
"""The id of the merged small services in a `service` column. No real service has this id."""
EDGES = ["over", "up_to"]
UNSTATED = pl.all_horizontal(pl.col(EDGES).is_null())
BAND_ORDER = (UNSTATED, "over", pl.col("up_to").fill_null(2**62))
"""The display order of bands: negative, zero, positive, unknown. At one lower edge, the widest is last."""
FIT_HEIGHT = 320
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


def service_name(context: theme.ChartContext, service: str, services: int, columns: int = 24) -> str:
    """Return the display name of a service, in lines of at most `columns` characters.

    Small services that were merged have one common name, which states how many they are.
    """
    if service == OTHER_ID:
        return context.locale("chart.other_services", count=services)
    # Korean joins words with a middle dot without a space. A space after the dot lets a line end there.
    lines = wrap_text(context.name(service).replace("·", "· "), columns)
    return "\n".join(line.replace("· ", "·") for line in lines)


def services_by_band(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw a table of services and loss bands, with the claims and the expected cost in each cell."""
    locale = context.locale
    if not table["claims"].sum():
        raise theme.NothingToDraw
    narrow = merge_bands(table)
    bands, has_costs = ordered_bands(narrow), table["expected"].count() > 0
    size, unit = locale.axis(float(narrow["expected"].max() or 0))  # type: ignore[arg-type] # a float column
    # A space after the dash of a range lets a line end there. All labels have the same number of lines.
    shown = [locale.band_short(*band).replace("–", "– ") for band in bands]
    width = max(CELL_BAND, *(cell_len(word) for label in shown for word in label.split()))
    wrapped = [wrap_text(label, width) for label in shown]
    lines = max(map(len, wrapped))
    labels = ["\n".join([""] * (lines - len(rows)) + rows).replace("– ", "–") for rows in wrapped]
    columns = dict(zip(bands, labels, strict=True))
    data = _cells(merge_small_services(narrow, first=context.first), context, size, columns)
    names = data["name"].unique(maintain_order=True).to_list()
    axis = alt.Axis(
        orient="top",
        labelAngle=0,
        labelExpr="split(datum.label, '\\n')",
        labelLineHeight=LABEL_LINE,
        labelPadding=LABEL_LINE * (lines - 1) + 4,
        labelOverlap=False,
        labelFontSize=11,
        domain=False,
        ticks=False,
    )
    x = alt.X("band:N", sort=labels, title=None, scale=alt.Scale(domain=labels, padding=0), axis=axis)
    y, base = theme.name_axis(names, limit=110).scale(domain=names, padding=0), alt.Chart(data)
    narrow_cells, ink = f"width / {len(bands)} < {NARROW_CELL}", alt.Color("ink:N", scale=None)
    digits = alt.ExprRef(f"{narrow_cells} ? 11 : 12")
    claims = base.transform_calculate(count=f"{narrow_cells} ? datum.short : datum.claims").mark_text(
        fontSize=digits, fontWeight=700, dy=-8 if has_costs else 0
    )
    cells = base.mark_rect(stroke="white", strokeWidth=2)
    layers = [
        cells.encode(x, y, color=alt.Color("fill:N", scale=None)),
        claims.encode(x, y, text=alt.Text("count:N"), color=ink),
    ]
    if has_costs:
        layers.append(base.mark_text(fontSize=11, dy=9).encode(x, y, text=alt.Text("cost:N"), color=ink))
    total, finding = table["expected"].sum(), ""
    if total and not table["expected"].null_count():
        by_service = table.group_by("service", maintain_order=True).agg(pl.col("expected").sum())
        service, cost = by_service.sort("expected", descending=True, maintain_order=True).row(0)
        share = locale.share(cost / total)
        finding = locale("chart.service_bands_finding", service=context.name(service), share=share)
    joined, note = len(bands) < len(ordered_bands(table)), locale.band_note(bands)
    return finish_chart(
        alt.layer(*layers),
        context,
        "service_bands",
        finding=finding,
        subtitle="" if has_costs else "chart.service_bands_subtitle_claims",
        height=CELL_HEIGHT * len(names) + LABEL_LINE * (lines - 1),
        unit=unit,
        note=(f"; {note}" if note else "") + (locale("chart.bands_joined") if joined else ""),
    )


def _cells(
    few: pl.DataFrame, context: theme.ChartContext, size: float, labels: dict[Band, str]
) -> pl.DataFrame:
    locale, most = context.locale, max(few["claims"].to_list())
    rows = []
    for row in few.iter_rows(named=True):
        shade = int(math.sqrt(row["claims"] / most) * (len(theme.CELL_COLOURS) - 1))
        fill, ink = theme.CELL_COLOURS[shade] if row["claims"] else (theme.EMPTY_CELL, theme.BLACK)
        cost = row["expected"]
        rows.append(
            {
                "name": service_name(context, row["service"], row["services"], CELL_NAME),
                "band": labels[row["over"], row["up_to"]],
                "claims": locale.number(row["claims"]),
                "short": theme.short_number(locale, row["claims"]),
                "cost": "–" if cost is None else locale.number(locale.rounded(cost / size)) if cost else "",
                "fill": fill,
                "ink": ink,
            }
        )
    return pl.DataFrame(rows)


def merge_small_services(
    table: pl.DataFrame, most: int = MAX_SERVICES, first: Sequence[str] = ()
) -> pl.DataFrame:
    """Keep the services with the most claims, and merge the others into one with the id `OTHER_ID`.

    Args:
        table: one row per service and loss band: `service`, `over`, `up_to`, `claims` and further sums.
        most: the largest number of services in the result; the merged services count as one.
        first: services that come first, however few claims they have.

    Returns:
        The columns of the table and `services` (the number of services merged in the row). The service with
        the most claims comes first and the merged services come last. The rows of a service keep their order.
        A sum is null if one of its parts is unknown.
    """
    largest = services_by_claims(table, first)
    separate = largest if len(largest) <= most else largest[: most - 1]
    is_separate = pl.col("service").is_in(separate, nulls_equal=True)
    merged = table.filter(pl.col("service").is_in(largest, nulls_equal=True)).with_columns(
        service=pl.when(is_separate).then("service").otherwise(pl.lit(OTHER_ID)),
        services=pl.when(is_separate).then(1).otherwise(len(largest) - len(separate)),
    )
    summed = merged.group_by("service", "services", *EDGES, maintain_order=True).agg(_sums(table))
    place = {service: n for n, service in enumerate(separate)}
    return summed.sort(pl.col("service").replace_strict(place, default=len(separate)), maintain_order=True)


def _sums(table: pl.DataFrame) -> list[pl.Expr]:
    return [sum_or_null(name) for name in ("claims", "loss", "expected") if name in table.columns]


def services_by_claims(table: pl.DataFrame, first: Sequence[str] = ()) -> list[str]:
    """Return the services that have claims: those in `first`, then the others, the largest first."""
    totals = table.group_by("service").agg(pl.col("claims").sum()).filter(pl.col("claims") > 0)
    counted = totals.sort("claims", "service", descending=[True, False])["service"].to_list()
    return [*(x for x in first if x in counted), *(x for x in counted if x not in first)]


def ordered_bands(table: pl.DataFrame) -> list[Band]:
    """Return the loss bands of a table in display order: negative, zero, positive, unknown."""
    return table.select(EDGES).unique().sort(*BAND_ORDER).rows()


def merge_bands(table: pl.DataFrame, most: int = MAX_BANDS) -> pl.DataFrame:
    """Merge neighbouring loss bands with few claims, so that the table has at most `most` bands.

    The bands for zero, negative and unknown losses are never merged.

    Args:
        table: the columns `service`, `over`, `up_to`, `claims` and `expected`. The cost of merged bands is
            unknown if one of them is.
        most: largest number of bands, not counting the bands for zero, negative and unknown losses.
    """
    totals = table.group_by(EDGES).agg(pl.col("claims").sum()).rows()
    joined = merged_bands({(over, up_to): claims for over, up_to, claims in totals}, most)
    edges = table.select(EDGES)
    wide = table.with_columns(
        pl.DataFrame([joined[band] for band in edges.rows()], schema=edges.schema, orient="row")
    )
    return wide.group_by("service", *EDGES, maintain_order=True).agg(_sums(table))


def merged_bands(claims: Mapping[Band, int], most: int) -> dict[Band, Band]:
    """Map each loss band to the wider band that replaces it; a band that is not merged maps to itself."""
    bands = pl.DataFrame([*claims], schema=dict.fromkeys(EDGES, pl.Int64), orient="row")
    positive, groups, top = list(filter(holds_positive, ordered_bands(bands))), list[list[Band]](), 0.0
    for over, up_to in positive:
        if len(positive) > most and groups and (over or 0) < top:  # overlaps, as bands of totals may
            groups[-1].append((over, up_to))
        else:
            groups.append([(over, up_to)])
        top = max(top, math.inf if up_to is None else up_to)
    while len(groups) > most:
        counts = [sum(claims[band] for band in group) for group in groups]
        at = min(range(len(groups) - 1), key=lambda i: counts[i] + counts[i + 1])
        groups[at : at + 2] = [groups[at] + groups[at + 1]]
    merged = {band: band for band in claims}
    for group in groups:
        tops = [up_to for _, up_to in group if up_to is not None]
        wider = group[0][0], max(tops) if len(tops) == len(group) else None
        merged |= dict.fromkeys(group, wider)
    return merged


def thin_evenly(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """Keep at most `most` evenly spaced rows, including the first and the last; `most` is 2 or more."""
    if len(rows) <= most:
        return rows
    return rows[[round(n * (len(rows) - 1) / (most - 1)) for n in range(most)]]


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
    return finish_chart(alt.layer(*layers), context, "ogive", finding=finding, height=FIT_HEIGHT, **values)


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
        height=FIT_HEIGHT,
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
    places = spread_labels([FIT_HEIGHT * depth(share) for share in ends["share"]], GAP, FIT_HEIGHT - GAP / 2)
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
    locale, low, high = context.locale, min(losses), max(losses)
    return alt.X(
        "loss:Q",
        title=locale("chart.loss_x", loss=context.loss),
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=theme.number_axis(locale, theme.log_ticks(low, high), places=locale.loss_digits),
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


def family_curves(curves: pl.DataFrame) -> pl.DataFrame:
    """Return the fitted distributions as curves of at most `MAX_POINTS` points, the largest weight first.

    Returns:
        One row per point: `family`, `loss`, `share_below` with its interval from `low` to `high`, and
        `share_above` with its interval from `above_low` to `above_high`.
    """
    return pl.concat(
        thin_evenly(
            curves.filter(family=family)
            .select("family", "loss", "share_below", "share_above", "low", "high", "above_low", "above_high")
            .sort("loss"),
            MAX_POINTS,
        )
        for family in family_weights(curves)["family"]
    ).with_columns(pl.col(pl.Float64).round_sig_figs(4))


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
