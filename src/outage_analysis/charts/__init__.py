"""Charts: each a pure function of a frame and words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import altair as alt
import polars as pl

from outage_analysis.charts import claims, costs
from outage_analysis.charts.theme import Frame, NothingToDraw

__all__ = ["CHARTS", "Entry", "Frame", "draw"]

Drawing = Callable[[pl.DataFrame, Frame], alt.Chart | alt.LayerChart]


@dataclass(frozen=True)
class Entry:
    """A chart by name: the table it is drawn from and the function that draws it."""

    table: str
    draw: Drawing
    claims: bool = False
    """Drawn from claim rows, so it carries their mark when they are synthetic."""


CHARTS: dict[str, Entry] = {
    "cost_by_band": Entry("costs", costs.cost_by_band),
    "headlines": Entry("headlines", costs.headlines),
    "funnel": Entry("funnel", costs.funnel),
    "drivers": Entry("drivers", costs.drivers),
    "free_goods": Entry("costs", costs.free_goods),
    "bands_by_service": Entry("claims_bands", claims.bands_by_service, claims=True),
    "intake": Entry("claims_intake", claims.intake, claims=True),
}
"""Every chart, by name."""


def draw(name: str, table: pl.DataFrame, frame: Frame) -> alt.Chart | alt.LayerChart | None:
    """One chart, or None when its table has nothing to show."""
    if table.is_empty():
        return None
    try:
        return CHARTS[name].draw(table, frame)
    except NothingToDraw:
        return None
