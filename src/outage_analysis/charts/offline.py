"""What runs in the outputs of a notebook without a network: Vega for charts, and the script of sliders.

One output of the notebook carries both. Each chart, and each set of sliders, is a place and a short script
that hands its data over; whichever of the two a page runs first waits for the other.
"""

from __future__ import annotations

import hashlib
import json
import re
from html import escape
from typing import Any

from outage_analysis.charts.sliders.markup import slider_asset
from outage_analysis.charts.specs import script_json, stable_spec, vega_bundle
from outage_analysis.text import LANGUAGES, Locale

RENDERER = "outage-offline"
CHART_QUEUE, SLIDER_QUEUE = "outageCharts", "outageWhatIfs"
"""What a page calls the charts and the sliders that were handed over."""
HANDED, END = re.compile(r'\(window\.(\w+) = window\.\w+ \|\| \[\]\)\.push\(\["\w+", '), "]);"
LONGEST = 20_000_000
"""Characters of a script beyond which none is held to be of ours."""

STYLE = """
.outage-chart, .outage-caption { max-width: 860px; }
.outage-caption { font-size: 0.86em; line-height: 1.4; margin-bottom: 8px; }
.outage-caption strong, .outage-caption span { display: block; }
.outage-caption strong { font-size: 1.2em; }
.outage-grid { overflow-x: auto; }
.outage-grid table td:not(.n), .outage-grid table th:not(.n) { text-align: left; vertical-align: top; }
.outage-grid table .n { text-align: right; vertical-align: top; }
.outage-grid table .n { font-variant-numeric: tabular-nums; white-space: nowrap; }
.outage-grid table .d { white-space: nowrap; }
.outage-grid td:not([class]) { min-width: 6em; }
.outage-card { margin: 4px 0 16px; }
.outage-card > p { margin: 0 0 6px; }
.outage-card .outage-grid table { margin: 0 0 10px; min-width: 0; width: auto; }
.outage-card .outage-grid td, .outage-card .outage-grid th { padding-right: 20px; }
.outage-card .outage-grid td:not([class]) { min-width: 170px; }
.outage-tiles { display: grid; gap: 12px 24px; max-width: 860px; }
.outage-tiles { grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); }
.outage-tile { border-top: 3px solid #d5d9df; padding-top: 8px; line-height: 1.4; }
.outage-tile.first { border-top-color: #0072b2; }
.outage-tile.made-up { border-top: 3px dashed #9a4a00; }
.outage-tile strong { display: block; font-size: 1.5em; line-height: 1.3; }
.outage-tile.first strong { font-size: 2em; color: #0072b2; }
.outage-tile span { display: block; font-size: 0.86em; }
.outage-what-if { max-width: 860px; margin: 4px 0 12px; line-height: 1.5; }
.outage-what-if.made-up { border-left: 4px dashed #9a4a00; padding-left: 16px; }
.outage-what-if > p { margin: 0 0 8px; }
.outage-what-if .title { font-weight: 700; font-size: 1.15em; }
.outage-what-if[data-live] .waiting { display: none; }
""" + slider_asset("what_if.css")
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
function keepKeys(place, what) {  // in JupyterLab arrows would choose cells
  place.querySelectorAll(what).forEach(function (element) {
    element.setAttribute('data-lm-suppress-shortcuts', 'true');
  });
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
      var views = (spec.vconcat || [])[1] || {};
      if (views.columns && place.clientWidth < 660) views.columns = 1;  // views side by side need as much
      window.vegaEmbed(place, spec, options).then(function () { keepKeys(place, 'select, input'); });
    });
  });
}
function move(given) {
  var places = document.querySelectorAll('[data-outage-what-if="' + given[0] + '"]:not([data-live])');
  places.forEach(function (place) {
    keepKeys(place, '[type=range], button');
    whatIf(place, given[1]);
  });
}
function serve(name, go) {
  var waiting = Array.isArray(window[name]) ? window[name] : [];
  window[name] = {push: go};
  waiting.forEach(go);
}
serve('outageCharts', draw);
serve('outageWhatIfs', move);
"""


def script_bundle() -> str:
    """Vega, the script of the sliders and what hands them their data, as one script element."""
    return f"<script>{_bundled()}</script>"


def _bundled() -> str:
    # Inside a function, so that a second run of the cell declares nothing twice.
    return f"(function () {{\n{vega_bundle()}\n{slider_asset('what_if.js')}\n{DRAWING}}})();"


def data_script(queue: str, given: object) -> tuple[str, str]:
    """The key of a place, which is of what it is given, and the script that hands it over."""
    told = script_json(given)
    key = hashlib.sha256(told.encode()).hexdigest()[:16]
    return key, f'(window.{queue} = window.{queue} || []).push(["{key}", {told}]);'


def render_offline(spec: dict[str, Any], **_options: object) -> dict[str, str]:
    """A chart as the outputs of a cell, which an Altair renderer gives.

    Until it is drawn, words stand in its place: in the language that its `usermeta` names, else in English.
    """
    key, script = data_script(CHART_QUEUE, stable_spec(spec))
    described = str(spec.get("description", ""))
    label = f' role="img" aria-label="{escape(" ".join(described.split()))}"' if described else ""
    lang = (spec.get("usermeta") or {}).get("lang")
    waiting = Locale(lang if lang in LANGUAGES else "en")("notebook.waiting")
    place = f'<div class="outage-chart" data-outage-chart="{key}"{label}>{escape(waiting)}</div>'
    return {"text/html": f"{place}\n<script>{script}</script>", "text/plain": described}


def is_package_script(script: str) -> bool:
    """Whether a script is what this module writes to the letter: the bundle, or what hands over one thing."""
    found = HANDED.match(script)
    if not found or found[1] not in (CHART_QUEUE, SLIDER_QUEUE):
        return script == _bundled()
    if len(script) > LONGEST or not script.endswith(END):
        return False
    try:
        given = json.loads(script[found.end() : -len(END)])
        return script == data_script(found[1], given)[1]
    except (ValueError, RecursionError):
        return False
