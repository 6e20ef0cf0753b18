"""The last step of every chart: title, subtitle and footer, one style, and files that look as it is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import altair as alt
from altair.utils import update_nested
from altair.utils.schemapi import debug_mode

from outage_analysis.charts.images import POINTS_PER_INCH, pdf, png, svg
from outage_analysis.charts.offline import STYLE, render_offline, script_bundle, stable_spec
from outage_analysis.charts.theme import FONT, AltairChart, ChartContext, style_config, wrap_columns
from outage_analysis.errors import UsageError
from outage_analysis.files import atomic_file, spelling_hint
from outage_analysis.incidents import source_sites
from outage_analysis.text import Locale, fonts

MAX_SITES = 3
"""The most websites that a footer names, so that it stays on one line."""
FIT_WIDTH = {"type": "fit-x", "contains": "padding"}


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
        text=wrap_columns(title, 60),
        subtitle=[*wrap_columns(below, 78), footer],
        anchor="start",
        frame="group",
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
            spec["config"] = update_nested(style_config(), spec.get("config", {}))
        return {"autosize": FIT_WIDTH} | spec if "width" in spec else spec

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
        ppi: float = POINTS_PER_INCH,
    ) -> None:
        """Write the chart to a file with the fonts of this package, without a network.

        Args:
            fp: the path of the file; its suffix gives the format.
            format: svg, png, pdf, html or json, if the suffix does not give it.
            scale_factor: pixels of a PNG per pixel of the chart.
            ppi: pixels of a PNG per inch, with a `scale_factor` of 1.

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
        scale = scale_factor * ppi / POINTS_PER_INCH
        data = png(svg(spec), scale) if chosen == "png" else WRITERS[chosen](spec)
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
