"""Convert Vega-Lite chart specifications to SVG, PNG and PDF, with the fonts of this package."""

from __future__ import annotations

import io
import re
from functools import cache
from html import escape
from typing import Any

from outage_analysis.charts.theme import INK, MUTED, wrap_columns
from outage_analysis.text import fonts

WIDTH, POINTS_PER_INCH = 760, 72
"""Width in pixels of an SVG whose specification sets no width; a pixel of a chart is a point of typst."""
SMALL_SCALE, SMALL_COLOURS = 1.5, 64
"""Pixels of a small PNG per pixel of the chart, and its number of colours."""


def svg(spec: dict[str, Any], width: int = WIDTH) -> str:
    """Render a Vega-Lite specification as SVG.

    `width` is used only if the specification sets its width to "container".

    Raises:
        ValueError: the specification is invalid, or its data are on the web.
    """
    sized = spec | ({"width": width} if spec.get("width") == "container" else {})
    theme = ((spec.get("usermeta") or {}).get("embedOptions") or {}).get("theme")  # as Altair names it
    drawing = _renumber_ids(_converter().vegalite_to_svg(sized, theme=theme, allowed_base_urls=[]))
    return re.sub(r">([^<>]+)</text>", lambda match: f">{fonts.printable(match[1])}</text>", drawing)


def _renumber_ids(drawing: str) -> str:
    # Number the ids inside an SVG from 0, so that the same chart always gives the same SVG.
    ids = {
        name: n for n, name in enumerate(dict.fromkeys(re.findall(r'id="((?:clip|gradient)_?\d+)"', drawing)))
    }

    def own_id(match: re.Match[str]) -> str:
        return f"{match[1]}own{ids[match[2]]}" if match[2] in ids else match[0]

    return re.sub(r'(id="|url\(#)((?:clip|gradient)_?\d+)\b', own_id, drawing)


def add_captions(drawing: str, title: str, subtitle: str, footer: str, description: str) -> str:
    """Add title, subtitle, footer and a text description to an SVG, to make it self-explanatory."""
    (width, height), rows = size_of(drawing), list[str]()

    def write(y: int, *texts: tuple[str, int, int, int, str]) -> int:
        """Write texts below each other from a height on; return the height at which they end."""
        for text, columns, size, weight, colour in texts:
            style = f'font-family="{fonts.FAMILY}, sans-serif" font-size="{size}" font-weight="{weight}"'
            for line in wrap_columns(text, columns):
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
    folder = fonts.folder()
    project: Any = {"main": page.encode(), "chart.svg": drawing.encode()}
    image: bytes = typst.compile(
        project,
        root=folder,  # typst would otherwise read files in the current folder
        font_paths=[folder],
        ignore_system_fonts=True,
        format="png",
        ppi=POINTS_PER_INCH * scale,
    )
    return image


def pdf(drawing: str) -> bytes:
    """Convert an SVG of this package to a PDF of one page."""
    page: bytes = _converter().svg_to_pdf(drawing)
    return page


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
