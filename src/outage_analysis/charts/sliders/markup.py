"""The sliders as HTML, without ids, style or script, so that a page can contain them more than once."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from outage_analysis.charts.sliders.what_if import WhatIfSliders
from outage_analysis.text import Locale


def slider_asset(name: str) -> str:
    """Return the template, style sheet or script of the sliders by its file name."""
    return (files(__package__) / "assets" / name).read_text("utf-8")


def markup(moved: WhatIfSliders, locale: Locale, likely: str, *, title: Literal["h3", "p"] = "h3") -> Markup:
    """Return the HTML inside the element that is passed to `whatIf` in what_if.js.

    Args:
        moved: the sliders and the totals that they change.
        locale: language and currency of the labels.
        likely: the note on the likely range, which the sliders do not change.
        title: the element for the title of a total. A notebook needs p, as its table of contents lists h3.
    """
    environment = Environment(
        loader=FunctionLoader(slider_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("what_if.html.j2")
    html = template.render(what_if=moved, w=locale, likely=likely, title=title)
    return Markup(html)  # noqa: S704 - the template escapes
