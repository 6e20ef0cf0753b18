"""Finished charts: title, footer and style; pictures, files, and notebook outputs without a network."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import altair as alt
from altair.utils.schemapi import debug_mode

from outage_analysis.charts.theme import FONT, INK, MUTED, AltairChart, ChartContext, style_config
from outage_analysis.charts.what_if import slider_asset
from outage_analysis.errors import UsageError
from outage_analysis.files import atomic_file, spelling_hint
from outage_analysis.incidents import source_sites
from outage_analysis.text import LANGUAGES, Locale, fonts, wrap_text

MAX_SITES = 3
"""The most websites that a footer names, so that it stays on one line."""
WIDTH, POINTS_PER_INCH = 760, 72
"""Width in pixels of an SVG whose specification sets no width; a pixel of a chart is a point of typst."""
SMALL_SCALE, SMALL_COLOURS = 1.5, 64
"""Pixels of a small PNG per pixel of the chart, and its number of colours."""
RENDERER = "outage-offline"
OWN_KEYS = 'data-lm-suppress-shortcuts="true"'
"""Lets an output keep the arrow keys for its sliders and lists; JupyterLab would move to another cell."""
CHART_QUEUE, SLIDER_QUEUE = "outageCharts", "outageWhatIfs"
"""Names of the JavaScript queues for the data of charts and of sliders."""
DATA = re.compile(r'\(window\.(\w+) = window\.\w+ \|\| \[\]\)\.push\(\["\w+", (.{,20000000})\]\);')
"""A script with the data of a chart or of sliders. Longer ones are not recognised, to limit the parsing."""
STYLE = "\n" + slider_asset("notebook.css") + slider_asset("what_if.css")
"""Style sheet of this package's notebook outputs; the outputs are also readable without the style sheet."""


def finish_chart(
    chart: AltairChart,
    context: ChartContext,
    words: str,
    *,
    finding: str = "",
    measure: str = "",
    subtitle: str = "",
    facts: str = "",
    height: int | None = None,
    **values: object,
) -> AltairChart:
    """Return a chart with title, footer, description and style.

    The title is the finding or, if there is none, what the chart measures. Synthetic claims are marked.

    Args:
        chart: the drawing.
        context: language, as-of day, sources, and whether claims are synthetic.
        words: the start of the keys of the texts: `chart.<words>_measure`, `chart.<words>_subtitle` and
            `chart.<words>_description`.
        finding: the title that states what the chart shows.
        measure: the key of the title without a finding, if it is not `chart.<words>_measure`.
        subtitle: the key of the subtitle, if it is not `chart.<words>_subtitle`.
        facts: the ids of the published facts in the chart, separated by spaces; the footer names their sites.
        height: the height in pixels of a chart that fills the width of its container; None if the chart sets
            its own size.
        values: the values for placeholders in the texts, besides `unit` (of money) and `loss`.
    """
    locale = context.locale
    values = {"unit": locale.unit, "loss": context.loss} | values
    title = finding or locale(measure or f"chart.{words}_measure", **values)
    if context.synthetic:
        title = locale("chart.synthetic_prefix", title=title)
    footer = context.source
    if context.synthetic or not footer:
        footer = source_line(facts.split(), context.as_of, locale, synthetic=context.synthetic)
    # Set in place, because `properties` would copy the whole chart.
    if height is not None:
        chart.width, chart.height = "container", height
    below = locale(subtitle or f"chart.{words}_subtitle", **values)
    chart.description = f"{locale(f'chart.{words}_description', **values)} {footer}"
    chart.title = alt.TitleParams(
        text=wrap_text(title, 60), subtitle=[*wrap_text(below, 78), footer], anchor="start", frame="group"
    )
    return finished(chart)


def source_line(facts: Iterable[str], as_of: date, locale: Locale, *, synthetic: bool) -> str:
    """Return the line below a chart or slide: the websites that published its facts, and the as-of day."""
    day = locale.day(as_of)
    if synthetic:
        return locale("chart.sources_synthetic", day=day)
    sites = source_sites(facts)
    if not sites:
        return locale("chart.sources_none", day=day)
    listed, left = ", ".join(sites[:MAX_SITES]), len(sites) - MAX_SITES
    named = locale("chart.more_sites", shown=listed, count=left) if left > 0 else listed
    return locale("chart.sources", facts=named, day=day)


def finished(chart: AltairChart) -> AltairChart:
    """Return the chart as an object of the same kind that has the style and whose `save` needs no network."""
    kind: Any = _finished_kind(type(chart))  # type: ignore[arg-type] # classes are hashable
    object.__setattr__(chart, "__class__", kind)  # Altair's own setter would change the specification.
    return chart


@contextmanager
def report_drawing() -> Iterator[None]:
    """In the `with` block, draw charts without a theme of the user, so that a report is the same everywhere.

    Altair skips its slow schema validation, because the tests of this package validate every chart.
    """
    with debug_mode(False), alt.theme.enable("default"):  # noqa: FBT003 - Altair's signature
        yield


@cache
def _finished_kind(kind: type[Any]) -> type[Any]:
    if issubclass(kind, FinishedChart):
        return kind
    return type(kind.__name__, (FinishedChart, kind), {"__doc__": kind.__doc__})


class FinishedChart:
    """What the charts of this package add to Altair's; copies of a chart keep it."""

    def to_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - Altair's
        """Return the specification, with the style of this package unless the user has enabled a theme."""
        spec: dict[str, Any] = super().to_dict(*args, **kwargs)  # type: ignore[misc] # of the Altair chart
        if not (kwargs.get("context") or {}).get("top_level", True):
            spec.pop("usermeta", None)  # Vega-Lite allows it at the top only
            return spec
        if alt.theme.active == "default":
            spec["config"] = style_config(spec.get("config", {}))
        return {"autosize": {"type": "fit-x", "contains": "padding"}} | spec if "width" in spec else spec

    def __or__(self, other: Any) -> Any:  # noqa: ANN401 - any Altair chart
        """Return both charts side by side."""
        return finished(alt.hconcat(self, other))  # type: ignore[arg-type] # both are Altair charts

    def __and__(self, other: Any) -> Any:  # noqa: ANN401 - any Altair chart
        """Return both charts, this one above the other."""
        return finished(alt.vconcat(self, other))  # type: ignore[arg-type] # both are Altair charts

    def __add__(self, other: Any) -> Any:  # noqa: ANN401 - any Altair chart
        """Return one chart with this one below the other."""
        return finished(alt.layer(self, other))  # type: ignore[arg-type] # both are Altair charts

    def save(
        self,
        fp: str | Path,
        format: str | None = None,  # noqa: A002 - Altair's name
        *,
        scale_factor: float = 2,
    ) -> None:
        """Write the chart to a file with the fonts of this package, without a network.

        Args:
            fp: the path of the file; its suffix gives the format.
            format: svg, png, pdf, html or json, if the suffix does not give it.
            scale_factor: pixels of a PNG per pixel of the chart.

        Raises:
            UsageError: there is no such format.
            EnvironmentFailed: the file cannot be written.
        """
        path = Path(fp)
        chosen = (format or path.suffix.removeprefix(".")).lower()
        if chosen not in (*WRITERS, "png"):
            formats = ["svg", "png", "pdf", "html", "json"]
            raise UsageError(
                "a chart is saved as " + ", ".join(formats),
                value=chosen or path.name,
                remedy=spelling_hint(chosen, formats),
            )
        spec = stable_spec(self.to_dict())
        data = png(svg(spec), scale_factor) if chosen == "png" else WRITERS[chosen](spec)
        with atomic_file(path, parents=True) as file:
            file.write_bytes(data)


def _html(spec: dict[str, Any]) -> bytes:
    title = spec.get("title") or {}
    name = " ".join(title.get("text", ())) if isinstance(title, dict) else str(title)
    body = render_offline(spec)["text/html"]
    letters = json.dumps(spec, ensure_ascii=False) + body
    style = f"{fonts.font_face_rules(letters)}body {{ margin: 16px; font-family: {FONT}; }}{STYLE}"
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; font-src data:"
    lang = (spec.get("usermeta") or {}).get("lang", "en")
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(str(lang))}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(name)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n{script_bundle()}\n"
        f"</body>\n</html>\n"
    ).encode()


WRITERS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "svg": lambda spec: svg(spec).encode(),
    "pdf": lambda spec: pdf(svg(spec)),
    "html": _html,
    "json": lambda spec: (json.dumps(spec, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode(),
}
"""The formats in which a chart is saved, besides PNG."""


def svg(spec: dict[str, Any], width: int = WIDTH) -> str:
    """Render a Vega-Lite specification as SVG.

    `width` is used only if the specification sets its width to "container".

    Raises:
        ValueError: the specification is invalid, or its data are on the web.
    """
    sized = spec | ({"width": width} if spec.get("width") == "container" else {})
    theme = ((spec.get("usermeta") or {}).get("embedOptions") or {}).get("theme")  # as Altair names it
    text = json.dumps(sized, ensure_ascii=False)
    family = fonts.FAMILY if fonts.KOREAN.search(text) else fonts.LATIN_FAMILY
    sized = json.loads(text.replace(fonts.FAMILY, family))
    drawing = _converter().vegalite_to_svg(sized, theme=theme, allowed_base_urls=[])
    drawing = drawing.replace(family, fonts.FAMILY)
    # Number the ids inside an SVG from 0, so that the same chart always gives the same SVG.
    found = re.findall(r'id="((?:clip|gradient)_?\d+)"', drawing)
    ids = {name: f"own{n}" for n, name in enumerate(dict.fromkeys(found))}
    drawing = re.sub(
        r'(id="|url\(#)((?:clip|gradient)_?\d+)\b', lambda m: m[1] + ids.get(m[2], m[2]), drawing
    )
    return re.sub(r">([^<>]+)</text>", lambda match: f">{fonts.printable(match[1])}</text>", drawing)


def add_captions(drawing: str, title: str, subtitle: str, footer: str, description: str) -> str:
    """Add title, subtitle, footer and a text description to an SVG, to make it self-explanatory."""
    (width, height), rows = size_of(drawing), list[str]()

    def write(y: int, *texts: tuple[str, int, int, int, str]) -> int:
        """Write texts below each other from a height on; return the height at which they end."""
        for text, columns, size, weight, colour in texts:
            style = f'font-family="{fonts.FAMILY}, sans-serif" font-size="{size}" font-weight="{weight}"'
            for line in wrap_text(text, columns):
                y += size + 5
                rows.append(f'<text x="4" y="{y}" {style} fill="{colour}">{escape(line)}</text>')
        return y

    top = write(4, (title, 82, 17, 700, INK), (subtitle, 110, 13, 400, MUTED)) + 12
    y = write(top + round(height), (footer, 130, 11, 400, MUTED))
    inside = drawing[drawing.index(">") + 1 : drawing.rindex("</svg>")]
    extent = f'width="{width:g}" height="{y + 8}"'
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    accessible = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    background = f'<rect {extent} fill="white"/>{"".join(rows)}'
    body = f'<g transform="translate(0,{top})">{inside}</g>'
    view_box = f'viewBox="0 0 {width:g} {y + 8}"'
    return f'<svg {spaces} {extent} {view_box} role="img">{accessible}{background}{body}</svg>'


def png(drawing: str, scale: float = 2) -> bytes:
    """Convert an SVG of this package to PNG, with `scale` times as many pixels in width and height.

    Typst draws the same pixels as the chart converter, from fonts that it keeps in memory: this takes a fifth
    of the time, and the file is smaller.
    """
    import typst

    width, height = (f"{length:g}pt" for length in size_of(drawing))
    extent = f"width: {width}, height: {height}"
    page = f'#page({extent}, margin: 0pt, image("chart.svg", {extent}))'
    project: Any = {"main": page.encode(), "chart.svg": drawing.encode()}
    return bytes(
        typst.compile(
            project,
            root=fonts.folder(),  # typst would otherwise read files in the current folder
            font_paths=fonts.for_typst(),
            format="png",
            ppi=POINTS_PER_INCH * scale,
        )
    )


def pdf(drawing: str) -> bytes:
    """Convert an SVG of this package to a PDF of one page."""
    return bytes(_converter().svg_to_pdf(drawing))


def small_png(drawing: str) -> bytes:
    """Convert an SVG of this package to a PNG of a few tens of kB, for the output of a notebook cell.

    It has 1.5 times as many pixels in width and height, and few colours.
    """
    from PIL import Image

    full = Image.open(io.BytesIO(png(drawing, SMALL_SCALE))).convert("RGB")
    few = full.quantize(SMALL_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    image = io.BytesIO()
    few.save(image, "PNG", optimize=True)
    return image.getvalue()


def size_of(drawing: str) -> tuple[float, float]:
    """Return the width and the height of an SVG of this package in pixels."""
    sizes = re.search(r'width="([\d.]+)" height="([\d.]+)"', drawing)
    assert sizes is not None  # noqa: S101 - the converter always writes both
    return float(sizes[1]), float(sizes[2])


@cache
def _converter() -> Any:  # noqa: ANN401 - the library ships no types
    """Return the chart converter, with this package's fonts registered.

    The converter silently drops text for which it has no font.
    """
    import vl_convert

    vl_convert.register_font_directory(str(fonts.folder()))
    return vl_convert


def chart_script(last: str) -> str:
    """Return the script with Vega and the functions of charts and sliders, and `last`, which calls them."""
    # It is wrapped in a function, so that no variable is declared twice if a cell runs twice.
    scripts = "".join(map(slider_asset, ("drawing.js", "cost_model.js", "what_if.js")))
    return f"(function () {{\n{vega_bundle()}\n(() => {{\n'use strict';\n{scripts}{last}}})();\n}})();"


def script_bundle() -> str:
    """Return one script element with Vega, the script of the sliders, and code that draws the queued data."""
    return f"<script>{chart_script(slider_asset('notebook.js'))}</script>"


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
    caption = title_parts(stable)
    own = {"title": None, "usermeta": {**(stable.get("usermeta") or {}), "caption": caption}}
    key, script = data_script(CHART_QUEUE, {**stable, **own} if all(caption[:2]) else stable)
    described = str(spec.get("description", ""))
    line = escape(" ".join(described.split()))
    label = f' role="img" aria-label="{line}"' if described else ""
    output = {"text/plain": described}
    try:
        drawing = svg(stable)
    except ValueError:
        lang = (spec.get("usermeta") or {}).get("lang")
        waiting = escape(Locale(lang if lang in LANGUAGES else "en")("notebook.waiting"))
    else:
        picture, width = base64.b64encode(small_png(drawing)).decode(), size_of(drawing)[0]
        output["image/png"] = picture
        waiting = f'<img alt="{line}" width="{round(width)}" src="data:image/png;base64,{picture}">'
    place = f'<div class="outage-chart" data-outage-chart="{key}"{label} {OWN_KEYS}>{waiting}</div>'
    return output | {"text/html": f"{place}\n<script>{script}</script>"}


def title_parts(spec: Mapping[str, Any]) -> list[str]:
    """Return the title, the subtitle and the footer of a chart; each is empty if there is none.

    The `footer` in the `usermeta` of the charts of this package is the first line of the subtitle that
    belongs to the footer.
    """
    title, meta = spec.get("title") or "", spec.get("usermeta")
    title = title if isinstance(title, dict) else {"text": title}
    texts = (title.get("text") or [], title.get("subtitle") or [])
    text, lines = (x if isinstance(x, list) else [x] for x in texts)
    end = meta.get("footer") if isinstance(meta, dict) else None
    end = end if isinstance(end, int) else len(lines)
    return [" ".join(map(str, part)).strip() for part in (text, lines[:end], lines[end:])]


def is_package_script(script: str) -> bool:
    """Return whether a script is, character by character, one of the scripts that this module writes.

    These are the bundle of scripts, and the scripts with the data of charts and sliders.
    """
    found = DATA.fullmatch(script)
    if not found or found[1] not in (CHART_QUEUE, SLIDER_QUEUE):
        return f"<script>{script}</script>" == script_bundle()
    try:
        return script == data_script(found[1], json.loads(found[2]))[1]
    except (ValueError, RecursionError):
        return False


def stable_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """Make a chart specification reproducible: number its datasets, whose names change with each run."""
    text = script_json(spec)
    for number, name in enumerate(sorted(spec.get("datasets", {}))):
        text = text.replace(name, f"data-{number}")
    return dict(json.loads(text))


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
