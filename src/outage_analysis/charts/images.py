"""Specifications as images, drawn by the converter in the package's own fonts."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import Any

from outage_analysis.charts.theme import INK, wrapped
from outage_analysis.text import fonts

WIDTH = 760
"""Of a chart that has no width of its own, in pixels; a PNG has twice as many."""
SOFT = "#57606a"


def svg(spec: dict[str, Any], width: int = WIDTH) -> str:
    """A chart's specification as SVG; one that is as wide as its place gets this width, in pixels."""
    sized = spec | ({"width": width} if spec.get("width") == "container" else {})
    drawn = _renumbered(_converter().vegalite_to_svg(sized))
    return re.sub(r">([^<>]+)</text>", lambda found: f">{fonts.printable(found[1])}</text>", drawn)


def _renumbered(drawn: str) -> str:
    """An SVG with ids of its own: the converter counts on from one drawing to the next."""
    ids = {
        name: n for n, name in enumerate(dict.fromkeys(re.findall(r'id="((?:clip|gradient)_?\d+)"', drawn)))
    }

    def renamed(found: re.Match[str]) -> str:
        return f"{found[1]}own{ids[found[2]]}" if found[2] in ids else found[0]

    return re.sub(r'(id="|url\(#)((?:clip|gradient)_?\d+)\b', renamed, drawn)


def titled(drawn: str, title: str, subtitle: str, footer: str, description: str) -> str:
    """A drawing under its title and above its sources, so that it can travel alone."""
    sizes = re.search(r'width="([\d.]+)" height="([\d.]+)"', drawn)
    assert sizes is not None  # noqa: S101 - the converter always says both
    width, height = map(float, sizes.groups())
    head = [(line, 17, 700, INK) for line in wrapped(title, 82)]
    head += [(line, 13, 400, SOFT) for line in wrapped(subtitle, 110)]
    foot = [(line, 11, 400, SOFT) for line in wrapped(footer, 130)]
    y, rows = 4, []
    for line, size, weight, colour in head:
        y += size + 5
        rows.append(_row(line, y, size, weight, colour))
    top = y + 12
    y = top + round(height)
    for line, size, weight, colour in foot:
        y += size + 5
        rows.append(_row(line, y, size, weight, colour))
    inside = drawn[drawn.index(">") + 1 : drawn.rindex("</svg>")]
    extent = f'width="{width:g}" height="{y + 8}"'
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    told = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    ground = f'<rect {extent} fill="white"/>{"".join(rows)}'
    placed = f'<g transform="translate(0,{top})">{inside}</g>'
    return f'<svg {spaces} {extent} viewBox="0 0 {width:g} {y + 8}" role="img">{told}{ground}{placed}</svg>'


def _row(line: str, y: int, size: int, weight: int, colour: str) -> str:
    style = f'font-family="{fonts.FAMILY}, sans-serif" font-size="{size}" font-weight="{weight}"'
    return f'<text x="4" y="{y}" {style} fill="{colour}">{escape(line)}</text>'


def png(drawn: str) -> bytes:
    """An SVG of ours as PNG, at two dots a pixel."""
    dots: bytes = _converter().svg_to_png(drawn, scale=2)
    return dots


@cache
def _converter() -> Any:  # noqa: ANN401 - the library ships no types
    """The converter, told of the package's fonts: where no font fits it draws no text, without a word."""
    import vl_convert

    vl_convert.register_font_directory(str(fonts.folder()))
    return vl_convert
