"""Charts and sliders in notebook outputs that work without a network, and charts as reproducible JSON.

One output of the notebook contains Vega and the script of the sliders. Every chart, and every set of
sliders, is a placeholder element and a short script that adds its data to a queue. The order in which a
page runs the scripts does not matter: data wait in the queue until Vega is loaded.

Until its script has run, the placeholder shows a picture of the chart. Where no script runs, as on a code
host or in a notebook that JupyterLab does not trust, the picture stays.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from outage_analysis.charts import images
from outage_analysis.charts.sliders.what_if import slider_asset
from outage_analysis.text import LANGUAGES, Locale

RENDERER = "outage-offline"
CHART_QUEUE, SLIDER_QUEUE = "outageCharts", "outageWhatIfs"
"""Names of the JavaScript queues for the data of charts and of sliders."""
DATA_START, DATA_END = re.compile(r'\(window\.(\w+) = window\.\w+ \|\| \[\]\)\.push\(\["\w+", '), "]);"
MAX_SCRIPT_LENGTH = 20_000_000
"""Number of characters. A longer script is never recognised as one of this package, to limit parsing time."""

STYLE = """
.outage-chart, .outage-caption { max-width: 860px; }
.outage-chart > img { display: block; max-width: 100%; height: auto; }
.outage-caption { font-size: 0.86em; line-height: 1.4; margin-bottom: 8px; }
.outage-caption strong, .outage-caption span { display: block; }
.outage-caption strong { font-size: 1.2em; }
.outage-chart .vega-bindings { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 0.86em; }
.outage-chart select { max-width: 15em; }
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
.outage-card .outage-heat table .n { padding-right: 10px; }
.outage-card .outage-heat th.n { white-space: normal; min-width: 4.5em; }
.outage-heat .h1 { background: rgba(0, 114, 178, .09); }
.outage-heat .h2 { background: rgba(0, 114, 178, .18); }
.outage-heat .h3 { background: rgba(0, 114, 178, .27); }
.outage-heat .h4 { background: rgba(0, 114, 178, .36); }
.outage-heat .h5 { background: rgba(0, 114, 178, .45); }
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
"""Style sheet of this package's notebook outputs; the outputs are also readable without the style sheet."""

DRAWING = """
function caption(place, title, footer) {  // as HTML above the chart, so that it wraps with the page
  var caption = document.createElement('div'), lines = [].concat(title.subtitle);
  caption.className = 'outage-caption';
  [title.text, lines.slice(0, footer), lines.slice(footer)].forEach(function (text, number) {
    var element = document.createElement(number ? 'span' : 'strong');
    element.textContent = [].concat(text).join(' ');
    caption.append(element);
  });
  place.before(caption);
}
function keepKeys(place, what) {  // else JupyterLab would move between cells on arrow keys
  place.querySelectorAll(what).forEach(function (element) {
    element.setAttribute('data-lm-suppress-shortcuts', 'true');
  });
}
function draw(chart) {
  var places = document.querySelectorAll('[data-outage-chart="' + chart[0] + '"]:not([data-drawn])');
  places.forEach(function (place) {
    place.setAttribute('data-drawn', '');
    var spec = Object.assign({}, chart[1]);
    if (spec.title && spec.title.text && spec.title.subtitle) {
      caption(place, spec.title, (spec.usermeta || {}).footer || 1);
      delete spec.title;
    }
    drawChart(place, spec).then(() => keepKeys(place, 'select, input'));
  });
}
function activate(data) {
  var places = document.querySelectorAll('[data-outage-what-if="' + data[0] + '"]:not([data-live])');
  places.forEach(function (place) {
    keepKeys(place, '[type=range], button');
    whatIf(place, data[1]);
  });
}
function serve(name, go) {
  var waiting = Array.isArray(window[name]) ? window[name] : [];
  window[name] = {push: go};
  waiting.forEach(go);
}
serve('outageCharts', draw);
serve('outageWhatIfs', activate);
"""


def script_bundle() -> str:
    """Return one script element with Vega, the script of the sliders, and code that draws the queued data."""
    return f"<script>{_bundle_source()}</script>"


def _bundle_source() -> str:
    # The scripts are wrapped in a function, so that no variable is declared twice if the cell runs twice.
    scripts = "".join(map(slider_asset, ("drawing.js", "live.js", "what_if.js")))
    return f"(function () {{\n{vega_bundle()}\n{scripts}\n{DRAWING}}})();"


def data_script(queue: str, data: object) -> tuple[str, str]:
    """Return the key of a placeholder (HTML element) and the script that queues the data to draw there.

    The key is a hash of the data.
    """
    text = script_json(data)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    return key, f'(window.{queue} = window.{queue} || []).push(["{key}", {text}]);'


def render_offline(spec: dict[str, Any], **_options: object) -> dict[str, Any]:
    """Render a chart as the output of a notebook cell; this is the package's Altair renderer.

    Returns:
        The output by MIME type: `text/html` is the interactive chart, `image/png` (in base64) is a picture of
        it, and `text/plain` is its description. The HTML contains the picture too, and the script replaces
        it. A chart that cannot be drawn here, for example because its data are on the web, has no picture; a
        short text then takes its place. The text is in the language that the specification's `usermeta`
        names, or else in English. The same chart always gives the same output.
    """
    stable = stable_spec(spec)
    key, script = data_script(CHART_QUEUE, stable)
    described = str(spec.get("description", ""))
    line = escape(" ".join(described.split()))
    label = f' role="img" aria-label="{line}"' if described else ""
    output = {"text/plain": described}
    try:
        drawing = images.svg(stable)
    except ValueError:
        lang = (spec.get("usermeta") or {}).get("lang")
        waiting = escape(Locale(lang if lang in LANGUAGES else "en")("notebook.waiting"))
    else:
        picture, width = base64.b64encode(images.small_png(drawing)).decode(), images.size_of(drawing)[0]
        output["image/png"] = picture
        waiting = f'<img alt="{line}" width="{round(width)}" src="data:image/png;base64,{picture}">'
    place = f'<div class="outage-chart" data-outage-chart="{key}"{label}>{waiting}</div>'
    return output | {"text/html": f"{place}\n<script>{script}</script>"}


def is_package_script(script: str) -> bool:
    """Return whether a script is, character by character, one of the scripts that this module writes.

    These are the bundle of scripts, and the scripts with the data of charts and sliders.
    """
    start = DATA_START.match(script)
    if not start or start[1] not in (CHART_QUEUE, SLIDER_QUEUE):
        return script == _bundle_source()
    if len(script) > MAX_SCRIPT_LENGTH or not script.endswith(DATA_END):
        return False
    try:
        data = json.loads(script[start.end() : -len(DATA_END)])
        return script == data_script(start[1], data)[1]
    except (ValueError, RecursionError):
        return False


def stable_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """Make a chart specification reproducible: number its datasets, whose names change with each run."""
    text = script_json(spec)
    for number, name in enumerate(sorted(spec.get("datasets", {}))):
        text = text.replace(name, f"data-{number}")
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def script_json(value: object) -> str:
    """Convert a value to JSON with sorted keys that is safe inside an HTML script element."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")


@cache
def vega_bundle() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script that works without a network.

    The script defines the JavaScript function `window.vegaEmbed`.

    The command `make vega` writes the file of the script; LICENSES.txt in the same folder contains the
    licences.
    """
    return (files(__package__) / "vega" / "bundle.js").read_text("utf-8")
