"""List all charts by name, with the table that each chart shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from outage_analysis.charts import (
    cost_charts,
    fit_charts,
    frontier_charts,
    intake_charts,
    linked_charts,
    loss_charts,
    range_charts,
    total_charts,
)
from outage_analysis.charts.theme import AltairChart, ChartContext, NothingToDraw

ChartFunction = Callable[[pl.DataFrame, ChartContext], AltairChart]


@dataclass(frozen=True)
class ChartEntry:
    """A chart: the name of the table that it shows, and the function that draws it."""

    table: str
    draw: ChartFunction
    page: bool = True
    """Whether report.html shows the chart. The others are for notebooks only."""

    @property
    def claims(self) -> bool:
        """Whether the table comes from claim rows, so that the chart is marked when they are synthetic."""
        return self.table.startswith("claims_")


CHARTS: dict[str, ChartEntry] = {
    "cost_by_band": ChartEntry("costs", cost_charts.cost_by_band, page=False),
    "headlines": ChartEntry("headlines", range_charts.headlines),
    "funnel": ChartEntry("funnel", cost_charts.funnel),
    "total_distribution": ChartEntry("total_distribution", total_charts.total_distribution),
    "total_hindsight": ChartEntry("hindsight_total_distribution", total_charts.total_distribution),
    "separate_sums": ChartEntry("cost_ranges", range_charts.separate_sums),
    "waterfall": ChartEntry("steps", cost_charts.waterfall),
    "tornado": ChartEntry("tornado", range_charts.tornado),
    "free_goods": ChartEntry("cost_ranges", range_charts.free_goods),
    "backtest": ChartEntry("hindsight_backtest", range_charts.backtest),
    "comparison": ChartEntry("comparison", range_charts.comparison),
    "frontier": ChartEntry("frontier_points", frontier_charts.frontier, page=False),
    "band_distribution": ChartEntry("claims_bands", loss_charts.band_distribution),
    "services_by_band": ChartEntry("claims_service_bands", loss_charts.services_by_band),
    "intake": ChartEntry("claims_intake", intake_charts.intake),
    "intake_hours": ChartEntry("claims_intake_hours", intake_charts.intake_hours),
    "linked": ChartEntry("claims_combinations", linked_charts.linked_chart, page=False),
    "ogive": ChartEntry("claims_curves", fit_charts.ogive),
    "tail": ChartEntry("claims_curves", fit_charts.tail),
    "intake_fan": ChartEntry("intake_forecast", intake_charts.intake_fan, page=False),
}
"""Every chart, by name."""


def draw(name: str, table: pl.DataFrame, context: ChartContext) -> AltairChart | None:
    """Draw the chart with this name; return None if the table has no rows that the chart can show."""
    if table.is_empty():
        return None
    # JSON, which a chart embeds, has neither decimals nor enums.
    plain = table.with_columns(pl.col(pl.Decimal).cast(pl.Float64), pl.col(pl.Enum).cast(pl.String))
    try:
        return CHARTS[name].draw(plain, context)
    except NothingToDraw:
        return None
