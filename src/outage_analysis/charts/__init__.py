"""Charts: a table goes in, an Altair chart comes out.

Modules:
    registry: every chart by name, for reports, notebooks and files
    theme: the palette, the fonts and the context of every chart
    marks: marks and axes that several charts share
    axes: axes of money, ratios, days and hours
    cost_charts: bars of the expected cost: funnel, waterfall
    total_charts: the distribution of the total as dots
    dot_stacks: places of dots on an axis of amounts
    range_charts: ranges: inputs, policies, press forecasts, separate sums, free goods, back-test
    frontier_charts: what claimants get against what policies cost
    loss_charts: claims by service and loss band
    fit_charts: fitted loss distributions and observed shares
    intake_charts: claims filed by day and hour, and their forecast
    linked_charts: charts that filter each other
    cost_data: tables shaped for charts of costs
    claims_data: tables shaped for charts of claims
    images: charts as SVG, PNG and PDF
    finished_chart: title, footer and style of a chart, which is saved as it is shown
    offline: charts and sliders in notebooks without a network; charts as reproducible JSON
    sliders: what-if sliders
    altair_import: imports Altair faster
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import outage_analysis.charts.altair_import
from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.charts.claims_data import services_by_claims
    from outage_analysis.charts.finished_chart import report_drawing, source_line
    from outage_analysis.charts.images import add_captions, png, svg
    from outage_analysis.charts.offline import (
        RENDERER,
        SLIDER_QUEUE,
        STYLE,
        data_script,
        is_package_script,
        render_offline,
        script_bundle,
        script_json,
        stable_spec,
        vega_bundle,
    )
    from outage_analysis.charts.registry import CHARTS, check_chart_name, draw, standalone_chart
    from outage_analysis.charts.sliders.what_if import (
        WhatIfSliders,
        markup,
        slider_asset,
        what_if_sliders,
        with_search_form,
    )
    from outage_analysis.charts.theme import (
        ACCENT,
        DARK,
        GREY,
        GRID,
        INK,
        LIGHT,
        MUTED,
        OKABE_ITO,
        WIDE_LETTERS,
        AltairChart,
        ChartContext,
        chart_context,
        style_config,
        wrap_columns,
    )
    from outage_analysis.charts.total_charts import movable
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
