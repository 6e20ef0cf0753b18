"""List all charts by name, with the table that each chart shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import altair as alt
import polars as pl

from outage_analysis.charts import cost_charts, intake_charts, loss_charts, total_charts
from outage_analysis.charts.theme import AltairChart, ChartContext, NothingToDraw
from outage_analysis.errors import UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.text import wrap_text

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
    "headlines": ChartEntry("headlines", cost_charts.headlines),
    "funnel": ChartEntry("funnel", cost_charts.funnel),
    "total_distribution": ChartEntry("total_distribution", total_charts.total_distribution),
    "total_hindsight": ChartEntry("hindsight_total_distribution", total_charts.total_distribution),
    "separate_sums": ChartEntry("cost_ranges", cost_charts.separate_sums),
    "waterfall": ChartEntry("steps", cost_charts.waterfall),
    "tornado": ChartEntry("tornado", cost_charts.tornado),
    "backtest": ChartEntry("hindsight_backtest", cost_charts.backtest),
    "comparison": ChartEntry("comparison", cost_charts.comparison),
    "frontier": ChartEntry("frontier_points", cost_charts.frontier, page=False),
    "services_by_band": ChartEntry("claims_service_bands", loss_charts.services_by_band),
    "intake": ChartEntry("claims_intake", intake_charts.intake),
    "linked": ChartEntry("claims_combinations", intake_charts.linked_chart, page=False),
    "ogive": ChartEntry("claims_curves", loss_charts.ogive),
    "tail": ChartEntry("claims_curves", loss_charts.tail),
    "intake_days": ChartEntry("intake_days", intake_charts.intake_days, page=False),
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


WIDEST_FOOTER = 90
"""Columns per line of a chart's footer, which is part of the chart and must be wrapped."""
TITLE_PIXELS, SUBTITLE_PIXELS = 9.0, 6.5
"""The width of a letter of a title and of a subtitle; narrow charts wrap their text by it."""
LEAST_PIXELS, MOST_PIXELS = 100, 4_000
"""The limits of the width and the height of a chart."""


def standalone_chart(
    name: str,
    table: pl.DataFrame,
    context: ChartContext,
    *,
    width: int | None = None,
    height: int | None = None,
    title: str | None = None,
) -> AltairChart | None:
    """Return a chart with title and footer that shows and saves the same picture.

    Args:
        name: a key of `CHARTS`.
        table: the data of the chart.
        context: language, names, as-of day, and whether claims are synthetic.
        width: the width in pixels; by default a chart fills its container, and a saved picture is 760 wide.
        height: the height in pixels; by default the height that the data need.
        title: a title in place of the chart's own. A chart of synthetic claims keeps its mark before it.

    Returns:
        An Altair chart whose method `save` works offline; None if the table has no rows to show.

    Raises:
        UsageError: there is no such chart, the width or height is out of range, or the chart consists of
            several views and has a width of its own.
    """
    check_chart_name(name)
    size = {key: pixels for key, pixels in (("width", width), ("height", height)) if pixels is not None}
    for measure, pixels in size.items():
        if type(pixels) is not int or not LEAST_PIXELS <= pixels <= MOST_PIXELS:
            raise UsageError(
                f"a {measure} is a whole number of pixels from {LEAST_PIXELS} to {MOST_PIXELS:,}",
                value=pixels,
            )
    chart = draw(name, table, context)
    if chart is None:
        return None
    if size and not isinstance(chart, alt.Chart | alt.LayerChart):
        raise UsageError(
            "this chart consists of several views and sets its own size",
            value=name,
            remedy="Leave out width and height.",
        )
    text = " ".join(chart.title.text if title is None else str(title).split())
    if title is not None and context.synthetic:
        text = context.locale("chart.synthetic_prefix", title=text)
    *head, footer = chart.title.subtitle
    head = wrap_text(" ".join(head), _columns(width, 78))
    chart.title.text = wrap_text(text, _columns(width, 60, TITLE_PIXELS))
    chart.title.subtitle = [*head, *wrap_text(footer, _columns(width, WIDEST_FOOTER))]
    chart.title.frame = "bounds"  # from the left edge of the picture, where a notebook puts its caption
    chart.usermeta = {"footer": len(head), "lang": context.locale.lang}  # `render_offline` finds the footer.
    return chart.properties(**size) if size else chart


def check_chart_name(name: str) -> None:
    """Raise an error that suggests the closest name if there is no chart of this name.

    Raises:
        UsageError: there is no such chart.
    """
    if name not in CHARTS:
        raise UsageError("no such chart", value=name, remedy=spelling_hint(str(name), list(CHARTS)))


def _columns(width: int | None, most: int, letter: float = SUBTITLE_PIXELS) -> int:
    """Return how many letters fit in a width, up to `most`."""
    return most if width is None else max(min(most, int(width / letter)), 10)
