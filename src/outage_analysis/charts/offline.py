"""Vega in the outputs of a notebook: charts that draw without a network.

One output of the notebook carries Vega. Each chart is a short script that hands its spec over; whichever
of the two a page runs first waits for the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from html import escape
from typing import Any

from outage_analysis.charts.specs import script_json, stable, vega_bundle

RENDERER = "outage-offline"
HAND_OVER = ("(window.outageCharts = window.outageCharts || []).push(", ");")
"""What stands around a chart in its script."""

STYLE = """
.outage-chart, .outage-caption { max-width: 860px; }
.outage-caption { font-size: 0.86em; line-height: 1.4; margin-bottom: 8px; }
.outage-caption strong, .outage-caption span { display: block; }
.outage-caption strong { font-size: 1.2em; }
.outage-grid { overflow-x: auto; }
.outage-grid table td, .outage-grid table th { text-align: left; vertical-align: top; }
.outage-grid table .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.outage-grid table .d { white-space: nowrap; }
.outage-tiles { display: grid; gap: 12px 24px; max-width: 860px; }
.outage-tiles { grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); }
.outage-tile { border-top: 3px solid #d5d9df; padding-top: 8px; line-height: 1.4; }
.outage-tile.first { border-top-color: #0072b2; }
.outage-tile.made-up { border-top: 3px dashed #9a4a00; }
.outage-tile strong { display: block; font-size: 1.5em; line-height: 1.3; }
.outage-tile.first strong { font-size: 2em; color: #0072b2; }
.outage-tile span { display: block; font-size: 0.86em; }
"""
"""The look of what this package puts into a notebook; a page without it still reads."""

# A place is drawn once it has a width: JupyterLab builds cells out of sight.
DRAWING = """
var options = {
  ast: true, actions: false, defaultStyle: false, renderer: 'svg', tooltip: {disableDefaultStyle: true}
};
function whenWide(place, go) {
  if (place.clientWidth) { go(); return; }
  var watch = new ResizeObserver(function () {
    if (place.clientWidth) { watch.disconnect(); go(); }
  });
  watch.observe(place);
}
function caption(place, title, footer) {  // above the drawing, where it wraps as the page does
  var caption = document.createElement('div'), lines = [].concat(title.subtitle);
  caption.className = 'outage-caption';
  [title.text, lines.slice(0, footer), lines.slice(footer)].forEach(function (text, number) {
    var said = document.createElement(number ? 'span' : 'strong');
    said.textContent = [].concat(text).join(' ');
    caption.append(said);
  });
  place.before(caption);
}
function draw(chart) {
  var places = document.querySelectorAll('[data-outage-chart="' + chart[0] + '"]:not([data-drawn])');
  places.forEach(function (place) {
    place.setAttribute('data-drawn', '');
    whenWide(place, function () {
      var spec = Object.assign({}, chart[1]);
      if (spec.title && spec.title.text && spec.title.subtitle) {
        caption(place, spec.title, (spec.usermeta || {}).footer || 1);
        delete spec.title;
      }
      if (spec.facet && spec.columns) {  // as many small panels a row as there is room for
        spec.columns = Math.max(3, Math.floor((place.clientWidth - 75) / 84));
      }
      window.vegaEmbed(place, spec, options);
    });
  });
}
var waiting = Array.isArray(window.outageCharts) ? window.outageCharts : [];
window.outageCharts = {push: draw};
waiting.forEach(draw);
"""


def bundle() -> str:
    """Vega and what hands it the charts, as one script element."""
    return f"<script>{_bundled()}</script>"


def _bundled() -> str:
    # Inside a function, so that a second run of the cell declares nothing twice.
    return f"(function () {{\n{vega_bundle()}\n{DRAWING}}})();"


def renderer_with(waiting: str) -> Callable[..., dict[str, str]]:
    """An Altair renderer; `waiting` is what stands in a chart's place until it is drawn."""

    def render(spec: dict[str, Any], **_options: object) -> dict[str, str]:
        drawn, described = script_json(stable(spec)), str(spec.get("description", ""))
        key = hashlib.sha256(drawn.encode()).hexdigest()[:16]
        label = f' role="img" aria-label="{escape(" ".join(described.split()))}"' if described else ""
        place = f'<div class="outage-chart" data-outage-chart="{key}"{label}>{escape(waiting)}</div>'
        hand_over = f'["{key}", {drawn}]'.join(HAND_OVER)
        return {"text/html": f"{place}\n<script>{hand_over}</script>", "text/plain": described}

    return render


def is_ours(script: str) -> bool:
    """Whether the text of a script is one that this module writes: Vega, or one chart and nothing else."""
    start, end = HAND_OVER
    if not (script.startswith(start) and script.endswith(end)):
        return script == _bundled()
    try:
        chart = json.loads(script.removeprefix(start).removesuffix(end))
    except ValueError:
        return False
    return isinstance(chart, list)
