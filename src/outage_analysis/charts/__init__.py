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

import outage_analysis.charts.altair_import  # noqa: F401 - before any module that imports Altair
from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.charts.curve_data import forecast_fan as forecast_fan
    from outage_analysis.charts.dot_stacks import DotLayout as DotLayout
    from outage_analysis.charts.dot_stacks import dot_layout as dot_layout
    from outage_analysis.charts.images import add_captions as add_captions
    from outage_analysis.charts.images import png as png
    from outage_analysis.charts.images import svg as svg
    from outage_analysis.charts.linked_views import linked_chart as linked_chart
    from outage_analysis.charts.offline import RENDERER as RENDERER
    from outage_analysis.charts.offline import SLIDER_QUEUE as SLIDER_QUEUE
    from outage_analysis.charts.offline import STYLE as STYLE
    from outage_analysis.charts.offline import chart_context as chart_context
    from outage_analysis.charts.offline import data_script as data_script
    from outage_analysis.charts.offline import display_names as display_names
    from outage_analysis.charts.offline import is_package_script as is_package_script
    from outage_analysis.charts.offline import render_offline as render_offline
    from outage_analysis.charts.offline import script_bundle as script_bundle
    from outage_analysis.charts.offline import script_json as script_json
    from outage_analysis.charts.offline import skip_schema_checks as skip_schema_checks
    from outage_analysis.charts.offline import stable_spec as stable_spec
    from outage_analysis.charts.offline import vega_bundle as vega_bundle
    from outage_analysis.charts.registry import CHARTS as CHARTS
    from outage_analysis.charts.registry import ChartEntry as ChartEntry
    from outage_analysis.charts.registry import draw as draw
    from outage_analysis.charts.sliders.markup import markup as markup
    from outage_analysis.charts.sliders.markup import slider_asset as slider_asset
    from outage_analysis.charts.sliders.search_form import with_search_form as with_search_form
    from outage_analysis.charts.sliders.what_if import WhatIfSliders as WhatIfSliders
    from outage_analysis.charts.sliders.what_if import what_if_sliders as what_if_sliders
    from outage_analysis.charts.standalone import check_chart_name as check_chart_name
    from outage_analysis.charts.standalone import standalone_chart as standalone_chart
    from outage_analysis.charts.theme import ACCENT as ACCENT
    from outage_analysis.charts.theme import DARK as DARK
    from outage_analysis.charts.theme import GREY as GREY
    from outage_analysis.charts.theme import INK as INK
    from outage_analysis.charts.theme import LIGHT as LIGHT
    from outage_analysis.charts.theme import WIDE_LETTERS as WIDE_LETTERS
    from outage_analysis.charts.theme import AltairChart as AltairChart
    from outage_analysis.charts.theme import ChartContext as ChartContext
    from outage_analysis.charts.theme import NothingToDraw as NothingToDraw
    from outage_analysis.charts.theme import in_palette as in_palette
    from outage_analysis.charts.theme import style_config as style_config
    from outage_analysis.charts.theme import wrap_columns as wrap_columns

__getattr__, __dir__ = lazy_exports(__name__, __file__)
