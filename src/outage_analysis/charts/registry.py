"""Charts: each a pure function of a frame and words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

import outage_analysis.charts.altair_import  # noqa: F401 - before any module that imports altair
from outage_analysis.charts import (
    cost_charts as costs,
)
from outage_analysis.charts import (
    fit_charts as fits,
)
from outage_analysis.charts import (
    intake_charts as claims,
)
from outage_analysis.charts import (
    intake_charts as forecasts,
)
from outage_analysis.charts import (
    linked_views as linked,
)
from outage_analysis.charts import (
    loss_charts as losses,
)
from outage_analysis.charts import (
    range_charts as ranges,
)
from outage_analysis.charts import (
    total_charts as totals,
)
from outage_analysis.charts.theme import AltairChart, ChartContext, NothingToDraw

Drawing = Callable[[pl.DataFrame, ChartContext], AltairChart]


@dataclass(frozen=True)
class ChartEntry:
    """A chart by name: the table it is drawn from and the function that draws it."""

    table: str
    draw: Drawing
    claims: bool = False
    """Drawn from claim rows, so it carries their mark when they are synthetic."""
    page: bool = True
    """Placed on the report's page. Views with a width of their own are for notebooks."""


CHARTS: dict[str, ChartEntry] = {
    "cost_by_band": ChartEntry("costs", costs.cost_by_band, page=False),
    "headlines": ChartEntry("headlines", costs.headlines),
    "funnel": ChartEntry("funnel", costs.funnel),
    "total_law": ChartEntry("total_law", totals.total_distribution),
    "exceedance": ChartEntry("total_law", totals.exceedance),
    "waterfall": ChartEntry("steps", totals.waterfall),
    "tornado": ChartEntry("tornado", ranges.tornado),
    "free_goods": ChartEntry("costs", costs.free_goods),
    "backtest": ChartEntry("hindsight_backtest", ranges.backtest),
    "comparison": ChartEntry("comparison", ranges.comparison),
    "band_distribution": ChartEntry("claims_bands", losses.band_distribution, claims=True),
    "intake": ChartEntry("claims_intake", claims.intake, claims=True),
    "small_multiples": ChartEntry("claims_bands", losses.small_multiples, claims=True, page=False),
    "linked": ChartEntry("claims_pairs", linked.linked_chart, claims=True, page=False),
    "ogive": ChartEntry("claims_curves", fits.ogive, claims=True),
    "tail": ChartEntry("claims_curves", fits.tail, claims=True),
    "intake_fan": ChartEntry("intake_forecast", forecasts.intake_fan, page=False),
}
"""Every chart, by name."""


def draw(name: str, table: pl.DataFrame, context: ChartContext) -> AltairChart | None:
    """One chart, or None when its table has nothing to show."""
    if table.is_empty():
        return None
    try:
        return CHARTS[name].draw(table, context)
    except NothingToDraw:
        return None
