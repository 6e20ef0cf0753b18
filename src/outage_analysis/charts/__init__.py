"""Charts: a table goes in, an Altair chart comes out.

Modules:
    registry: every chart by name, for reports, notebooks and files
    theme: the look of all charts: palette, fonts, context, axes, labels and marks
    cost_charts: bars of the expected cost: funnel, waterfall; what claimants get against what policies cost
    total_charts: the distribution of the total as dots
    range_charts: ranges: inputs, policies, press forecasts, separate sums, free goods, back-test
    loss_charts: claims by service and loss band
    fit_charts: fitted loss distributions and observed shares
    intake_charts: claims filed by day, and their forecast
    linked_charts: charts that filter each other
    chart_output: title, footer and style of a chart; pictures, files and notebook outputs
    what_if: what-if sliders and the search of payments
    altair_import: imports Altair faster
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import outage_analysis.charts.altair_import
from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.charts.chart_output import (
        RENDERER,
        SLIDER_QUEUE,
        STYLE,
        add_captions,
        data_script,
        is_package_script,
        png,
        render_offline,
        report_drawing,
        script_bundle,
        script_json,
        source_line,
        stable_spec,
        svg,
        vega_bundle,
    )
    from outage_analysis.charts.loss_charts import services_by_claims
    from outage_analysis.charts.registry import CHARTS, check_chart_name, draw, standalone_chart
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
    from outage_analysis.charts.what_if import (
        WhatIfSliders,
        markup,
        slider_asset,
        what_if_sliders,
        with_search_form,
    )
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
