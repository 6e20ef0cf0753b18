"""Show the package's charts in a notebook."""

from __future__ import annotations

from datetime import date

import polars as pl

from outage_analysis.analysis import Analysis
from outage_analysis.charts import (
    CHARTS,
    AltairChart,
    ChartContext,
    chart_context,
    display_names,
    draw,
    wrap_columns,
)
from outage_analysis.claims import Claims
from outage_analysis.errors import UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.incidents import IntakeSeries
from outage_analysis.jupyter.markup import Html, note
from outage_analysis.losses import GroupedLossesDocument
from outage_analysis.text import Locale

WIDEST_FOOTER = 90
"""Columns per line of a chart's footer, which is part of the chart in a notebook and must be wrapped."""


def show(
    name: str,
    source: Analysis | Claims | GroupedLossesDocument | IntakeSeries,
    table: pl.DataFrame | None = None,
    *,
    as_of: date | None = None,
    lang: str = "en",
) -> AltairChart | Html:
    """Return a chart of the package by name. As the last expression of a cell, the chart is displayed.

    Args:
        name: a key of `CHARTS`.
        source: where the data come from. An analysis contains the table of every chart of the report.
        table: the data to show instead of the analysis's table. Required if the source is not an analysis.
        as_of: the day in the chart's footer. Default: the as-of day of the analysis or intake, or the last
            day to claim. The footer of grouped losses shows their source instead of a day.
        lang: en or ko.

    Returns:
        An Altair chart, which you can change further; or a note that there is nothing to show as of that day.

    Raises:
        UsageError: there is no such chart, or `table` is missing.
    """
    if name not in CHARTS:
        raise UsageError("no such chart", value=name, remedy=spelling_hint(name, list(CHARTS)))
    if isinstance(source, Analysis):
        own = source.tables.get(source.headline_table_name(CHARTS[name].table), pl.DataFrame())
        data = own if table is None else table
    elif table is None:
        remedy = "Build one from a cube, or give an analysis."
        raise UsageError(f"the chart {name} needs a table", remedy=remedy)
    else:
        data = table
    entry = CHARTS[name]
    from_claims = entry.claims or (isinstance(source, Analysis) and _is_synthetic(source, entry.table, data))
    context = _context(source, as_of, lang, claims=from_claims)
    locale, day = context.locale, context.as_of
    chart = draw(name, data, context)
    if chart is None:
        dated = not isinstance(source, GroupedLossesDocument)
        return note(locale("notebook.nothing", day=locale.day(day)) if dated else locale("notebook.no_rows"))
    *head, footer = chart.title.subtitle
    chart.title.subtitle = [*head, *wrap_columns(footer, WIDEST_FOOTER)]
    chart.usermeta = {"footer": len(head), "lang": lang}  # render_offline finds the footer by this
    return chart


def _is_synthetic(source: Analysis, name: str, data: pl.DataFrame) -> bool:
    """Whether a table is based on synthetic rows, according to the analysis or the table's column `basis`."""
    return source.needs_synthetic_mark(source.headline_table_name(name)) or (
        "basis" in data and "synthetic" in data["basis"]
    )


def _context(
    source: Analysis | Claims | GroupedLossesDocument | IntakeSeries,
    as_of: date | None,
    lang: str,
    *,
    claims: bool,
) -> ChartContext:
    """Return what the charts of a source need: locale, display names, as-of day and synthetic mark."""
    if isinstance(source, GroupedLossesDocument):
        loss = f"{source.name[lang]}, {source.unit[lang]}"
        printed = source.note[lang] if source.note else source.sources[0]
        return ChartContext(Locale(lang), {}, as_of or date.min, loss, source=printed)
    if isinstance(source, IntakeSeries):
        names = {branch.id: branch.name[lang] for branch in source.branches}
        return ChartContext(Locale(lang), names, as_of or source.as_of)
    incident = source.incident
    if isinstance(source, Analysis):
        return chart_context(
            incident,
            source.locale(lang),
            source.names(lang),
            source.as_of,
            synthetic=claims and source.synthetic,
        )
    names, day = display_names(incident, lang=lang), as_of or incident.claims_to
    return chart_context(incident, incident.locale(lang), names, day, synthetic=source.synthetic)
