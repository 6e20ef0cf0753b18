"""Charts: a table goes in, an Altair chart comes out.

Modules:
    registry: every chart by name, with its table
    theme: the look of every chart
    axes: axes of money and of ratios
    cost_charts: charts of costs
    total_charts: charts of the distribution of the total
    range_charts: charts of ranges: inputs, back-test, policies
    loss_charts: losses by service and band
    fit_charts: fitted severity beside the counts
    intake_charts: the intake and its forecast
    linked_views: views that filter each other
    view_selection: the selection that linked views share
    cost_data: tables shaped for charts of costs
    claims_data: tables shaped for charts of claims
    curve_data: tables shaped for fitted curves and forecasts
    linked_data: tables shaped for linked views
    specs: charts as JSON
    images: charts as SVG and PNG
    offline: scripts that notebook output needs without a network
    sliders: what-if sliders
    altair_import: a faster import of Altair
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.charts.axes import money_ends as money_ends
    from outage_analysis.charts.curve_data import forecast_fan as forecast_fan
    from outage_analysis.charts.images import png as png
    from outage_analysis.charts.images import svg as svg
    from outage_analysis.charts.images import titled as titled
    from outage_analysis.charts.linked_views import linked as linked
    from outage_analysis.charts.offline import RENDERER as RENDERER
    from outage_analysis.charts.offline import STYLE as STYLE
    from outage_analysis.charts.offline import WHAT_IFS as WHAT_IFS
    from outage_analysis.charts.offline import bundle as bundle
    from outage_analysis.charts.offline import hand_over as hand_over
    from outage_analysis.charts.offline import is_ours as is_ours
    from outage_analysis.charts.offline import rendered as rendered
    from outage_analysis.charts.registry import CHARTS as CHARTS
    from outage_analysis.charts.registry import Entry as Entry
    from outage_analysis.charts.registry import draw as draw
    from outage_analysis.charts.sliders.markup import asset as asset
    from outage_analysis.charts.sliders.markup import markup as markup
    from outage_analysis.charts.sliders.what_if import WhatIf as WhatIf
    from outage_analysis.charts.sliders.what_if import what_if as what_if
    from outage_analysis.charts.specs import frame_of as frame_of
    from outage_analysis.charts.specs import names_of as names_of
    from outage_analysis.charts.specs import script_json as script_json
    from outage_analysis.charts.specs import stable as stable
    from outage_analysis.charts.specs import unchecked as unchecked
    from outage_analysis.charts.specs import vega_bundle as vega_bundle
    from outage_analysis.charts.theme import ACCENT as ACCENT
    from outage_analysis.charts.theme import GREY as GREY
    from outage_analysis.charts.theme import INK as INK
    from outage_analysis.charts.theme import LIGHT as LIGHT
    from outage_analysis.charts.theme import WIDE_LETTERS as WIDE_LETTERS
    from outage_analysis.charts.theme import Drawn as Drawn
    from outage_analysis.charts.theme import Frame as Frame
    from outage_analysis.charts.theme import NothingToDraw as NothingToDraw
    from outage_analysis.charts.theme import wrapped as wrapped

__getattr__, __dir__ = lazy_exports(__name__, __file__)
