"""Chart of winners and losers: the shares of people who gain, lose or get the same under another policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import altair as alt
import polars as pl

from outage_analysis.charts.claims_data import merge_small_services, ordered_bands
from outage_analysis.charts.loss_charts import band_notes, service_name
from outage_analysis.charts.theme import (
    ACCENT,
    GREY,
    LIGHT,
    OKABE_ITO,
    ROW,
    AltairChart,
    ChartContext,
    NothingToDraw,
    finish_chart,
    json_ready,
    name_axis,
)

SIGNS = {"gain": ACCENT, "equal": LIGHT, "unclear": GREY, "lose": OKABE_ITO[1]}
"""Colours of the parts of a bar, from left to right."""
MOST_SERVICES = 9
"""The most services with a bar of their own; the claims of the others are added up."""
NAME_WIDTH = 150
"""Width of the names of the bars in pixels."""


def winners_and_losers(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw a stacked bar for all people, for each loss band and for each service.

    Args:
        table: the columns of `WINNERS_AND_LOSERS`; only its first pair of policies is drawn.
        context: language, names, as-of day, and whether claims are synthetic.
    """
    locale = context.locale
    pair = table.filter(pl.col("other") == table["other"][0], pl.col("policy") == table["policy"][0])
    bands = pair.filter(pl.col("level") == "band", pl.col("claims") > 0)
    if bands.is_empty():
        raise NothingToDraw
    groups = [(locale("chart.winners_all"), bands), *_by_band(bands, context), *_by_service(pair, context)]
    names = [name for name, _ in groups]
    signs = [sign for sign in SIGNS if bands[sign].sum()]
    labels = {sign: locale(f"chart.winners_{sign}") for sign in signs}
    rows = [row for name, group in groups for row in _parts(name, group, labels)]
    y = alt.Y("name:N", sort=names, title=None, axis=name_axis(NAME_WIDTH))
    percents = alt.Axis(values=[0, 25, 50, 75, 100], labelOverlap=True, labelSeparation=6)
    x = alt.X("start:Q", title=None, scale=alt.Scale(domain=[0, 100]), axis=percents)
    colours = alt.Scale(domain=[*labels.values()], range=[SIGNS[sign] for sign in signs])
    legend = alt.Legend(title=None, orient="top", symbolType="square", labelLimit=200)
    bars = (
        alt.Chart(json_ready(pl.DataFrame(rows, orient="row", schema=PART_SCHEMA)))
        .mark_bar(size=18, stroke="white", strokeWidth=1)
        .encode(x, alt.X2("end:Q"), y, color=alt.Color("part:N", scale=colours, legend=legend))
    )
    policy, other = (context.name(pair[name][0]) for name in ("policy", "other"))
    gain, lose = (locale.share(_total(bands, sign) / _total(bands, "claims")) for sign in ("gain", "lose"))
    return finish_chart(
        bars,
        context,
        height=(ROW - 4) * len(names) + 40,
        title=locale("chart.winners_measure")
        if context.synthetic
        else locale("chart.winners_title", gain=gain, lose=lose),
        subtitle=locale("chart.winners_subtitle", policy=policy, other=other)
        + band_notes(context, ordered_bands(bands), bands),
        description=locale("chart.winners_description"),
    )


PART_SCHEMA = {"name": pl.String, "part": pl.String, "start": pl.Float64, "end": pl.Float64}


def _by_band(bands: pl.DataFrame, context: ChartContext) -> Iterator[tuple[str, pl.DataFrame]]:
    for over, up_to in ordered_bands(bands):
        same = pl.col("over").eq_missing(pl.lit(over)) & pl.col("up_to").eq_missing(pl.lit(up_to))
        yield context.locale.band_short(over, up_to), bands.filter(same)


def _by_service(pair: pl.DataFrame, context: ChartContext) -> Iterator[tuple[str, pl.DataFrame]]:
    services = pair.filter(pl.col("level") == "service", pl.col("claims") > 0)
    if services.is_empty():
        return
    merged = merge_small_services(services.select("service", "claims"), MOST_SERVICES)
    named = merged.filter(pl.col("services") == 1)["service"].to_list()
    for service, count in merged.select("service", "services").iter_rows():
        alone = service in named
        rows = services.filter(pl.col("service") == service if alone else ~pl.col("service").is_in(named))
        yield service_name(context, service, count), rows


def _parts(name: str, group: pl.DataFrame, labels: dict[str, str]) -> Iterator[Sequence[str | float]]:
    claims, start = _total(group, "claims"), 0.0
    for sign, label in labels.items():
        end = start + 100 * _total(group, sign) / claims
        if end > start:
            yield name, label, round(start, 4), round(end, 4)
        start = end


def _total(group: pl.DataFrame, column: str) -> float:
    return float(group[column].sum())
