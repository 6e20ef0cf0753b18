"""The sliders as markup. It has no id, no style and no script, so a page may hold them more than once."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from outage_analysis.charts.sliders.what_if import WhatIfSliders
from outage_analysis.text import Locale


def slider_asset(name: str) -> str:
    """The template, the style sheet or the script of the sliders by its file name."""
    return (files(__package__) / "assets" / name).read_text("utf-8")


def markup(moved: WhatIfSliders, locale: Locale, likely: str, *, title: Literal["h3", "p"] = "h3") -> Markup:
    """What stands inside the element that `whatIf` of what_if.js is given.

    Args:
        moved: the sliders and the totals that they move.
        words: the language.
        likely: whose range it is that they leave alone.
        title: the element of a total's title: a notebook lists headings of outputs among its own.
    """
    environment = Environment(
        loader=FunctionLoader(slider_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("what_if.html.j2")
    told = template.render(what_if=moved, w=locale, likely=likely, title=title)
    return Markup(told)  # noqa: S704 - the template escapes
