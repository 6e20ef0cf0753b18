"""Charts: a table goes in, an Altair chart comes out.

Modules:
    registry: list of all charts, with the table that each one shows
    theme: colours, fonts and captions of every chart
    axes: axes of money and of ratios
    day_axis: axes of days, with the outage and the deadlines
    cost_charts: charts of the cost: by loss band, funnel
    total_charts: the distribution of the total as dots, and the parts of the expected total
    dot_stacks: places of dots on an axis of amounts
    sum_charts: amounts on one axis: press forecasts, separate sums, free goods
    frontier_charts: what claimants get against what policies cost
    range_charts: charts of ranges: inputs, back-test, policies
    loss_charts: claims by service and loss band
    service_charts: claims and cost by service and loss band
    winner_charts: who gains and who loses under another policy
    fit_charts: fitted loss distributions and observed shares
    intake_charts: claims filed by day and hour, and their forecast
    linked_views: charts that filter each other
    linked_layout: places, names and titles of linked charts
    view_selection: the selection that linked charts share
    cost_data: tables shaped for charts of costs
    claims_data: tables shaped for charts of claims, also for the linked charts
    curve_data: tables shaped for fitted curves and forecasts
    images: charts as SVG, PNG and PDF
    standalone: charts by name for notebooks and files, saved as they are shown
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
    from outage_analysis.charts.curve_data import forecast_fan
    from outage_analysis.charts.images import add_captions, png, svg
    from outage_analysis.charts.linked_views import linked_chart
    from outage_analysis.charts.offline import (
        RENDERER,
        SLIDER_QUEUE,
        STYLE,
        chart_context,
        data_script,
        is_package_script,
        render_offline,
        script_bundle,
        script_json,
        skip_schema_checks,
        stable_spec,
        vega_bundle,
    )
    from outage_analysis.charts.registry import CHARTS, ChartEntry, draw
    from outage_analysis.charts.sliders.markup import markup, slider_asset
    from outage_analysis.charts.sliders.search_form import with_search_form
    from outage_analysis.charts.sliders.what_if import WhatIfSliders, what_if_sliders
    from outage_analysis.charts.standalone import check_chart_name, standalone_chart
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
        NothingToDraw,
        in_palette,
        source_line,
        style_config,
        wrap_columns,
    )

__getattr__, __dir__ = lazy_exports(__name__, __file__)
