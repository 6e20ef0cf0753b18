"""Write the what-if sliders as HTML.

The HTML has no ids, styles or scripts of its own, so that a page can contain several sets of sliders.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from outage_analysis.charts.sliders.what_if import WhatIfSliders
from outage_analysis.text import Locale


def slider_asset(name: str) -> str:
    """Return the text of a file that the sliders need: the template, the style sheet or the script."""
    return (files(__package__) / "assets" / name).read_text("utf-8")


def markup(moved: WhatIfSliders, locale: Locale, likely: str, *, title: Literal["h3", "p"] = "h3") -> Markup:
    """Return the HTML of the sliders, for the page element that the script what_if.js controls.

    Args:
        moved: the sliders and the totals that they change.
        locale: language and currency of the labels.
        likely: a sentence on the likely range, which the sliders do not change.
        title: the HTML element for the title of each total. Use p in a notebook, because a notebook's table
            of contents lists every h3.
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
