"""Charts: a table goes in, an Altair chart comes out.

Modules:
    registry: every chart by name, for reports, notebooks and files
    theme: the look of all charts: palette, fonts, context, axes, labels and marks
    cost_charts: expected costs and their ranges, by part, input, policy and forecast; the back-test
    total_charts: the distribution of the total as dots
    loss_charts: claims by service and loss band; fitted loss distributions
    intake_charts: claims filed by day, and their forecast; charts that filter each other
    chart_output: title, footer and style of a chart; pictures, files and notebook outputs
    what_if: what-if sliders and the search of payments
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from outage_analysis.errors import EnvironmentFailed
from outage_analysis.lazy_exports import lazy_exports

# Altair imports jsonschema, which imports every installed package that checks string formats. JupyterLab
# installs such packages: the first checks international URLs and needs more than a second to be imported, the
# others check URIs and durations. No chart contains one of these, so they are hidden meanwhile.
PARSERS = dict.fromkeys(("rfc3987_syntax", "rfc3986_validator", "isoduration"))
if sys.flags.optimize > 1:
    raise EnvironmentFailed(
        "Python runs without docstrings (PYTHONOPTIMIZE=2, or python -OO), which charts need",
        remedy="Unset PYTHONOPTIMIZE, or set it to 1.",
    )
if not {*PARSERS, "jsonschema"} & sys.modules.keys():
    sys.modules.update(PARSERS)  # type: ignore[arg-type] # jsonschema then treats them as not installed
    try:
        import_module("altair")
    finally:
        for name in PARSERS:
            del sys.modules[name]

if TYPE_CHECKING:
    from outage_analysis.charts.chart_output import (
        OWN_KEYS,
        RENDERER,
        SLIDER_QUEUE,
        STYLE,
        add_captions,
        chart_script,
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
        title_parts,
        vega_bundle,
    )
    from outage_analysis.charts.loss_charts import merge_small_services
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
        AltairChart,
        ChartContext,
        chart_context,
        style_config,
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
