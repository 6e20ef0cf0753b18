"""Charts by name for notebooks and files: with title and footer, in any size, saved as they are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts.images import pdf, png, svg
from outage_analysis.charts.offline import STYLE, render_offline, script_bundle, stable_spec
from outage_analysis.charts.registry import CHARTS, draw
from outage_analysis.charts.theme import FONT, AltairChart, ChartContext, wrap_columns
from outage_analysis.errors import UsageError
from outage_analysis.files import atomic_file, spelling_hint
from outage_analysis.text import fonts

WIDEST_FOOTER = 90
"""Columns per line of a chart's footer, which is part of the chart and must be wrapped."""
TITLE_PIXELS, SUBTITLE_PIXELS = 9.0, 6.5
"""The width of a letter of a title and of a subtitle; narrow charts wrap their text by it."""
LEAST_PIXELS, MOST_PIXELS = 100, 4_000
"""The limits of the width and the height of a chart."""


def standalone_chart(
    name: str,
    table: pl.DataFrame,
    context: ChartContext,
    *,
    width: int | None = None,
    height: int | None = None,
    title: str | None = None,
) -> AltairChart | None:
    """Return a chart with title and footer that shows and saves the same picture.

    Args:
        name: a key of `CHARTS`.
        table: the data of the chart.
        context: language, names, as-of day, and whether claims are synthetic.
        width: the width in pixels; by default a chart fills its container, and a saved picture is 760 wide.
        height: the height in pixels; by default the height that the data need.
        title: a title in place of the chart's own. A chart of synthetic claims keeps its mark before it.

    Returns:
        An Altair chart whose method `save` works offline; None if the table has no rows to show.

    Raises:
        UsageError: there is no such chart, the width or height is out of range, or the chart consists of
            several views and has a width of its own.
    """
    check_chart_name(name)
    for measure, pixels in (("width", width), ("height", height)):
        _check_pixels(measure, pixels)
    chart = draw(name, table, context)
    if chart is None:
        return None
    size = {key: pixels for key, pixels in (("width", width), ("height", height)) if pixels is not None}
    if size and not isinstance(chart, alt.Chart | alt.LayerChart):
        remedy = "Leave out width and height."
        raise UsageError(
            "this chart consists of several views and sets its own size", value=name, remedy=remedy
        )
    if title is not None:
        text = " ".join(str(title).split())
        shown = context.locale("chart.synthetic_prefix", title=text) if context.synthetic else text
        chart.title.text = wrap_columns(shown, 60)
    *head, footer = chart.title.subtitle
    chart.title.subtitle = [*head, *wrap_columns(footer, WIDEST_FOOTER)]
    if width is not None:
        head, footers = wrap_columns(" ".join(head), _columns(width, 78)), _columns(width, WIDEST_FOOTER)
        chart.title.text = wrap_columns(" ".join(chart.title.text), _columns(width, 60, TITLE_PIXELS))
        chart.title.subtitle = [*head, *wrap_columns(footer, footers)]
    chart.title.frame = "bounds"  # from the left edge of the picture, where a notebook puts its caption
    chart.usermeta = {"footer": len(head), "lang": context.locale.lang}  # `render_offline` finds the footer.
    return savable(chart.properties(**size) if size else chart)


def check_chart_name(name: str) -> None:
    """Raise an error that suggests the closest name if there is no chart of this name.

    Raises:
        UsageError: there is no such chart.
    """
    if name not in CHARTS:
        raise UsageError("no such chart", value=name, remedy=spelling_hint(str(name), list(CHARTS)))


def _check_pixels(measure: str, pixels: object) -> None:
    if pixels is None:
        return
    if isinstance(pixels, bool) or not isinstance(pixels, int) or not LEAST_PIXELS <= pixels <= MOST_PIXELS:
        problem = f"a {measure} is a whole number of pixels from {LEAST_PIXELS} to {MOST_PIXELS:,}"
        raise UsageError(problem, value=pixels)


def _columns(width: int, most: int, letter: float = SUBTITLE_PIXELS) -> int:
    """Return how many letters fit in a width, up to `most`."""
    return max(min(most, int(width / letter)), 10)


def savable(chart: AltairChart) -> AltairChart:
    """Return the chart as an object of the same kind whose method `save` needs no network."""
    kind: Any = _savable_kind(type(chart))  # type: ignore[arg-type] # classes are hashable
    object.__setattr__(chart, "__class__", kind)  # Altair's own setter would change the specification.
    return chart


class SavedAsShown:
    """Replaces the method `save` of an Altair chart; copies of the chart keep it."""

    def save(self, fp: str | Path, format: str | None = None) -> None:  # noqa: A002 - Altair's name
        """Write the chart to a file with the fonts of this package, without a network.

        Args:
            fp: the path of the file; its suffix gives the format.
            format: svg, png, pdf, html or json, if the suffix does not give it.

        Raises:
            UsageError: there is no such format.
            EnvironmentFailed: the file cannot be written.
        """
        path = Path(fp)
        chosen = (format or path.suffix.removeprefix(".")).lower()
        if chosen not in WRITERS:
            raise UsageError(
                "a chart is saved as " + ", ".join(WRITERS),
                value=chosen or path.name,
                remedy=spelling_hint(chosen, list(WRITERS)),
            )
        spec: dict[str, Any] = self.to_dict()  # type: ignore[attr-defined] # of the Altair chart
        data = WRITERS[chosen](stable_spec(spec))
        with atomic_file(path, parents=True) as file:
            file.write_bytes(data)


@cache
def _savable_kind(kind: type[Any]) -> type[Any]:
    if issubclass(kind, SavedAsShown):
        return kind
    return type(kind.__name__, (SavedAsShown, kind), {"__doc__": kind.__doc__})


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


def _json(spec: dict[str, Any]) -> bytes:
    return (json.dumps(spec, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


WRITERS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "svg": lambda spec: svg(spec).encode(),
    "png": lambda spec: png(svg(spec)),
    "pdf": lambda spec: pdf(svg(spec)),
    "html": _html,
    "json": _json,
}
"""The formats in which a chart is saved."""
