"""Chart of services by loss band: a table whose cells are darker where there are more claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import polars as pl

from outage_analysis.charts.axes import short_number
from outage_analysis.charts.claims_data import fit_services, merge_bands, ordered_bands
from outage_analysis.charts.loss_charts import band_notes, interpolated_colour, readable_on, service_name
from outage_analysis.charts.theme import (
    AltairChart,
    ChartContext,
    NothingToDraw,
    finish_chart,
    json_ready,
    name_axis,
    wrap_columns,
)
from outage_analysis.incidents import Band

CELL_HEIGHT = 44
"""Height of a row of cells in pixels."""
MAX_COLUMNS = 6
"""Largest number of positive loss bands. Labels of more bands would overlap."""
NAME_WIDTH, BAND_WIDTH = 14, 7
"""Largest number of characters per line of a service's name and of a loss band."""
LABEL_LINE = 13
"""Height of a line in the label of a loss band in pixels."""
NARROW_CELL = 42
"""Width in pixels. Narrower cells have smaller digits and write 4.5k for 4,456 claims."""
EMPTY_CELL = "#f6f7f9"


def services_by_band(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw a table of services and loss bands, with the claims and the expected cost in each cell."""
    locale = context.locale
    if not table["claims"].sum():
        raise NothingToDraw
    narrow = merge_bands(table, MAX_COLUMNS)
    bands = ordered_bands(narrow)
    size, unit = locale.axis(float(narrow["expected"].max() or 0))  # type: ignore[arg-type] # a float column
    labels = _band_labels(bands, context)
    data = fit_services(narrow, lambda few: _cells(few, context, size, labels), context.first)
    has_costs = table["expected"].count() > 0
    names = data["name"].unique(maintain_order=True).to_list()
    lines = labels[bands[0]].count("\n") + 1
    x = alt.X(
        "band:N",
        sort=[*labels.values()],
        title=None,
        scale=alt.Scale(domain=[*labels.values()], padding=0),
        axis=alt.Axis(
            orient="top",
            labelAngle=0,
            labelExpr="split(datum.label, '\\n')",
            labelLineHeight=LABEL_LINE,
            labelPadding=LABEL_LINE * (lines - 1) + 4,
            labelOverlap=False,
            labelFontSize=11,
            domain=False,
            ticks=False,
        ),
    )
    y = alt.Y("name:N", sort=names, title=None, scale=alt.Scale(domain=names, padding=0), axis=name_axis(110))
    base = alt.Chart(json_ready(data))
    cells = base.mark_rect(stroke="white", strokeWidth=2).encode(x, y, color=alt.Color("fill:N", scale=None))
    ink = alt.Color("ink:N", scale=None)
    narrow_cells = f"width / {len(bands)} < {NARROW_CELL}"
    claims = (
        base.transform_calculate(count=f"{narrow_cells} ? datum.short : datum.claims")
        .mark_text(
            fontSize=alt.ExprRef(f"{narrow_cells} ? 11 : 12"), fontWeight=700, dy=-8 if has_costs else 0
        )
        .encode(x, y, text="count:N", color=ink)
    )
    costs = base.mark_text(fontSize=11, dy=9).encode(x, y, text="cost:N", color=ink)
    note = band_notes(context, bands, table)
    key = "chart.service_bands_subtitle" if has_costs else "chart.service_bands_subtitle_claims"
    return finish_chart(
        alt.layer(cells, claims, *([costs] if has_costs else [])),
        context,
        height=CELL_HEIGHT * len(names) + LABEL_LINE * (lines - 1),
        title=_title(table, context),
        subtitle=locale(key, unit=unit, loss=context.loss, note=note),
        description=locale("chart.service_bands_description"),
    )


def _band_labels(bands: Sequence[Band], context: ChartContext) -> dict[Band, str]:
    # A space after the dash of a range lets a line end there.
    names = {band: context.locale.band_short(*band).replace("–", "– ") for band in bands}
    wrapped = {
        band: [line.replace("– ", "–") for line in wrap_columns(name, BAND_WIDTH)]
        for band, name in names.items()
    }
    most = max(map(len, wrapped.values()))
    return {band: "\n".join([""] * (most - len(lines)) + lines) for band, lines in wrapped.items()}


def _title(table: pl.DataFrame, context: ChartContext) -> str:
    total = table["expected"].sum()
    if context.synthetic or table["expected"].null_count() or not total:
        return context.locale("chart.service_bands_measure")
    by_service = table.group_by("service", maintain_order=True).agg(pl.col("expected").sum())
    service, cost = by_service.sort("expected", descending=True, maintain_order=True).row(0)
    name = context.name(service)
    return context.locale(
        "chart.service_bands_finding", service=name, share=context.locale.share(cost / total)
    )


def _cells(few: pl.DataFrame, context: ChartContext, size: float, labels: Mapping[Band, str]) -> pl.DataFrame:
    locale, most = context.locale, max(few["claims"].to_list())
    rows = []
    for row in few.iter_rows(named=True):
        fill = interpolated_colour(row["claims"] / most) if row["claims"] else EMPTY_CELL
        cost = row["expected"]
        rows.append(
            (
                service_name(context, row["service"], row["services"], NAME_WIDTH),
                labels[row["over"], row["up_to"]],
                locale.number(row["claims"]),
                short_number(locale, row["claims"]),
                "–" if cost is None else locale.number(locale.rounded(cost / size)),
                fill,
                readable_on(fill),
            )
        )
    return pl.DataFrame(rows, schema=["name", "band", "claims", "short", "cost", "fill", "ink"], orient="row")
