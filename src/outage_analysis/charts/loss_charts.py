"""Charts of claims by service and loss band: stacked bars, and one small panel per service."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import polars as pl

from outage_analysis.charts.claims_data import (
    OTHER_ID,
    band_shares,
    fit_services,
    largest_band,
    merge_bands,
    ordered_bands,
)
from outage_analysis.charts.theme import (
    ACCENT,
    GREY,
    ROW,
    AltairChart,
    ChartContext,
    NothingToDraw,
    finish_chart,
    json_ready,
    name_axis,
    wrap_columns,
)
from outage_analysis.incidents import UNKNOWN, ZERO, Band, holds_positive

LOSS_COLOURS = ("#c9dff0", "#7fb3d9", ACCENT, "#00324f")
"""One hue from light to dark, so that the order is visible with colour blindness and in greyscale."""
WHITE, BLACK = "#ffffff", "#1f2329"
"""Colours of texts on a coloured bar or cell; unlike those of the theme, they are the same on a dark page."""
SPECIAL_BAND_COLOURS = {ZERO: "#d6dae0", UNKNOWN: "#b3b8c0"}
"""Colours of the bands of zero and unknown losses; the band of negative losses is `GREY`."""
PERCENT_LABEL = (
    pl.when(pl.col("percent").is_between(0, 0.5, closed="none"))
    .then(pl.lit("<1"))
    .otherwise(pl.col("percent").round(0).cast(pl.Int64).cast(pl.String))
)
NAME = 24
"""Largest number of characters per line of a service's name beside a bar."""


def service_name(context: ChartContext, service: str, services: int, columns: int = NAME) -> str:
    """Return the display name of a service, in lines of at most `columns` characters.

    Small services that were merged have one common name, which states how many they are.
    """
    if service == OTHER_ID:
        return context.locale("chart.other_services", count=services)
    # Korean joins words with a middle dot without a space. A space after the dot lets a line end there.
    lines = wrap_columns(context.name(service).replace("·", "· "), columns)
    return "\n".join(line.replace("· ", "·") for line in lines)


def add_names(rows: pl.DataFrame, context: ChartContext) -> pl.DataFrame:
    """Add the display names of services and loss bands as the columns `name` and `band`."""
    locale = context.locale
    services = rows.select("service", "services").rows()
    bands = rows.select("over", "up_to").rows()
    return rows.with_columns(
        name=pl.Series([service_name(context, s, n) for s, n in services], dtype=pl.String),
        band=pl.Series([locale.band_short(*band) for band in bands], dtype=pl.String),
    )


def band_colours(bands: Sequence[Band]) -> list[str]:
    """Return one colour per loss band.

    Larger losses have darker colours. The bands of zero, negative and unknown losses are grey.
    """
    amounts = [band for band in bands if holds_positive(band)]
    steps = max(len(amounts) - 1, 1)
    return [
        interpolated_colour(amounts.index(b) / steps) if b in amounts else SPECIAL_BAND_COLOURS.get(b, GREY)
        for b in bands
    ]


def interpolated_colour(position: float) -> str:
    """Interpolate between the colours of `LOSS_COLOURS`; position 0 is the first and 1 the last colour."""
    at = min(int(position * (len(LOSS_COLOURS) - 1)), len(LOSS_COLOURS) - 2)
    part = position * (len(LOSS_COLOURS) - 1) - at
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in LOSS_COLOURS[at : at + 2]]
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(*ends, strict=True))


def readable_on(colour: str) -> str:
    """Return the text colour, `WHITE` or `BLACK`, that has more contrast to a background colour.

    The contrast is computed from the relative luminance as defined by WCAG 2.
    """
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]  # noqa: PLR2004
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return WHITE if luminance < 0.2 else BLACK  # noqa: PLR2004 - at 0.2 both have the same contrast


def band_notes(context: ChartContext, bands: Sequence[Band], table: pl.DataFrame) -> str:
    """Return the subtitle's notes on loss bands: how bands are written, and whether some were merged."""
    locale = context.locale
    note = locale.band_note(bands)
    joined = len(bands) < len(ordered_bands(table))
    return (f"; {note}" if note else "") + (locale("chart.bands_joined") if joined else "")


def band_distribution(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw one stacked 100 % bar per service: its claims by loss band, with their number at the right."""
    locale = context.locale
    narrow = merge_bands(table)
    if not narrow["claims"].sum():
        raise NothingToDraw
    data = fit_services(narrow, lambda few: _stacked_rows(few, context))
    bands = ordered_bands(narrow)
    labels, colours = [locale.band_short(*band) for band in bands], band_colours(bands)
    names = data["name"].unique(maintain_order=True).to_list()
    y = alt.Y("name:N", sort=names, title=None, axis=name_axis(150))
    percents = alt.Axis(values=[0, 25, 50, 75, 100], labelOverlap=True, labelSeparation=6)
    x = alt.X("start:Q", title=None, scale=alt.Scale(domain=[0, 100]), axis=percents)
    base = alt.Chart(json_ready(data))
    # The legend uses the width of the container. It cannot use Vega's signal `width`, because Vega computes
    # that only after the legend is laid out.
    columns = alt.ExprRef("containerSize()[0] < 560 ? 2 : 5")
    bars = base.mark_bar(size=20, stroke="white", strokeWidth=1).encode(
        x,
        alt.X2("end:Q"),
        y,
        color=alt.Color(
            "band:N",
            scale=alt.Scale(domain=labels, range=colours),
            legend=alt.Legend(
                title=None, orient="top", columns=columns, symbolType="square", symbolLimit=0, labelLimit=200
            ),
        ),
    )
    fits = "(datum.end - datum.start) * width / 100 > 8 * length(datum.label) + 3"
    ink = alt.Scale(domain=labels, range=[readable_on(c) for c in colours])
    inside = (
        base.transform_filter(fits)
        .mark_text(fontSize=11)
        .encode(alt.X("middle:Q"), y, text="label:N", color=alt.Color("band:N", scale=ink, legend=None))
    )
    counts = (
        base.transform_filter("datum.of")
        .mark_text(align="left", dx=6)
        .encode(y, x=alt.value("width"), text=alt.Text("of:Q", format=",d"))
    )
    return finish_chart(
        alt.layer(bars, inside, counts).resolve_scale(color="independent"),
        context,
        height=(ROW - 4) * len(names),
        title=_stacked_title(narrow, context),
        subtitle=locale("chart.bands_subtitle", loss=context.loss, note=band_notes(context, bands, table)),
        description=locale("chart.bands_description"),
    )


def _stacked_title(table: pl.DataFrame, context: ChartContext) -> str:
    locale, largest = context.locale, largest_band(table)
    if context.synthetic or largest is None:
        return locale("chart.bands_measure")
    band, share = largest
    return locale("chart.bands_finding", band=locale.band_short(*band), share=locale.share(share))


def _stacked_rows(few: pl.DataFrame, context: ChartContext) -> pl.DataFrame:
    rows = add_names(band_shares(few), context)
    first = pl.int_range(pl.len()).over("service") == 0
    return rows.select(
        "name",
        "band",
        "start",
        "end",
        middle=((pl.col("start") + pl.col("end")) / 2).round(2),
        label=PERCENT_LABEL,
        of=pl.when(first).then("of"),
    )
