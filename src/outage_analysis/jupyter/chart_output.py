"""The charts of the package in a notebook."""

from __future__ import annotations

from datetime import date

import polars as pl

from outage_analysis.analysis import Analysis
from outage_analysis.charts import CHARTS, Drawn, Frame, draw, frame_of, names_of, wrapped
from outage_analysis.claims import Claims
from outage_analysis.errors import UsageError
from outage_analysis.files import nearest
from outage_analysis.incidents import IntakeSeries
from outage_analysis.jupyter.markup import Html, note
from outage_analysis.losses import GroupedLossesDocument
from outage_analysis.text import Locale

WIDEST_FOOTER = 90
"""Columns of a chart's last line: in a report it stands in the page, here inside the drawing."""


def show(
    name: str,
    source: Analysis | Claims | GroupedLossesDocument | IntakeSeries,
    table: pl.DataFrame | None = None,
    *,
    as_of: date | None = None,
    lang: str = "en",
) -> Drawn | Html:
    """A chart of the package by name, as the last expression of a cell.

    Args:
        name: a key of `CHARTS`.
        source: what it is drawn from. An analysis has the table of every chart on the report's page.
        table: a table in place of the analysis's own; needed for claims and pages, which have none.
        as_of: the day in the chart's footer; by default the analysis's or the intake's, of claims the
            last day of their window. A table of grouped losses has its source there, and no day.
        lang: en or ko.

    Returns:
        The chart, to be changed as any Altair chart can be; or a line that says there is nothing
        to draw as of that day.

    Raises:
        UsageError: no such chart, or claims without a table.
    """
    if name not in CHARTS:
        raise UsageError("no such chart", value=name, remedy=nearest(name, list(CHARTS)))
    if isinstance(source, Analysis):
        own = source.tables.get(source.headline_table_name(CHARTS[name].table), pl.DataFrame())
        drawn = own if table is None else table
    elif table is None:
        remedy = "Build one from a cube, or give an analysis."
        raise UsageError(f"the chart {name} needs a table", remedy=remedy)
    else:
        drawn = table
    entry = CHARTS[name]
    from_claims = entry.claims or (isinstance(source, Analysis) and _marked(source, entry.table, drawn))
    frame = _frame(source, as_of, lang, claims=from_claims)
    words, day = frame.words, frame.as_of
    chart = draw(name, drawn, frame)
    if chart is None:
        dated = not isinstance(source, GroupedLossesDocument)
        return note(words("notebook.nothing", day=words.day(day)) if dated else words("notebook.no_rows"))
    *head, footer = chart.title.subtitle
    chart.title.subtitle = [*head, *wrapped(footer, WIDEST_FOOTER)]
    chart.usermeta = {"footer": len(head), "lang": lang}  # for who sets the title otherwise: where it starts
    return chart


def _marked(source: Analysis, name: str, drawn: pl.DataFrame) -> bool:
    """Whether a table is made from synthetic rows: that of the headline, or one that says so itself."""
    return source.needs_synthetic_mark(source.headline_table_name(name)) or (
        "basis" in drawn and "synthetic" in drawn["basis"]
    )


def _frame(
    source: Analysis | Claims | GroupedLossesDocument | IntakeSeries,
    as_of: date | None,
    lang: str,
    *,
    claims: bool,
) -> Frame:
    """What a chart of a source says beside its table."""
    if isinstance(source, GroupedLossesDocument):
        loss = f"{source.name[lang]}, {source.unit[lang]}"
        printed = source.note[lang] if source.note else source.sources[0]
        return Frame(Locale(lang), {}, as_of or date.min, loss, source=printed)
    if isinstance(source, IntakeSeries):
        names = {branch.id: branch.name[lang] for branch in source.branches}
        return Frame(Locale(lang), names, as_of or source.as_of)
    incident = source.incident
    if isinstance(source, Analysis):
        return frame_of(
            incident,
            source.words(lang),
            source.names(lang),
            source.as_of,
            synthetic=claims and source.synthetic,
        )
    names, day = names_of(incident, lang=lang), as_of or incident.claims_to
    return frame_of(incident, incident.words(lang), names, day, synthetic=source.synthetic)
