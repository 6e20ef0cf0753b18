"""Sliders in a notebook: change a few inputs and see the expected cost, with or without a kernel."""

from __future__ import annotations

from decimal import Decimal
from html import escape

from outage_analysis.analysis import Analysis
from outage_analysis.charts import SLIDER_QUEUE, WhatIfSliders, data_script
from outage_analysis.errors import UsageError
from outage_analysis.jupyter.markup import Html, note
from outage_analysis.reports import Report, sliders

DEFAULT_SLIDERS = 5
"""Default number of sliders: more would not fit on one screen."""


def show_what_if(analysis: Analysis, *, lang: str = "en", most: int | None = DEFAULT_SLIDERS) -> Html:
    """Show sliders that recompute the expected cost of an analysis, to the smallest currency unit.

    The sliders work in JupyterLab and in a page exported from the notebook, which has no kernel.

    Args:
        analysis: the analysis that `run` returned.
        lang: en or ko.
        most: largest number of sliders. The inputs with the largest effect on the cash cost come first, then
            the inputs that the policy sets. None shows all sliders of the report.

    Returns:
        The sliders, with a note if the headline cost is based on synthetic rows; or a note with the reason
        why there are no sliders.

    Raises:
        UsageError: `most` is not a positive whole number.
    """
    if most is not None and (type(most) is not int or most < 1):
        remedy = "Give a positive whole number, or None for all."
        raise UsageError("most is not a number of sliders", value=most, remedy=remedy)
    report = Report(analysis, lang)
    moved, markup, refused = sliders(report, most=most, title="p")
    if moved is None:
        return note(refused)
    locale, made_up = report.locale, analysis.headline_is_synthetic
    mark = note(locale("notebook.synthetic")) if made_up else Html("", "")
    kind = f"what-if outage-what-if{' made-up' if made_up else ''}"
    key, script = data_script(SLIDER_QUEUE, moved.data)
    name = escape(locale("report.what_if"))
    place = (
        f'<div class="{kind}" data-outage-what-if="{key}" role="group" aria-label="{name}">\n'
        f'{mark.markup}<p class="title" tabindex="-1">{name}</p>\n'
        f'<p class="waiting"><em>{escape(locale("notebook.what_if_waiting"))}</em></p>\n{markup}</div>'
    )
    text = "\n".join(filter(None, (mark.text, locale("report.what_if"), *_text_lines(moved))))
    return Html(f"{place}\n<script>{script}</script>", text)


def _text_lines(moved: WhatIfSliders) -> list[str]:
    """Return the totals and the inputs of the sliders as lines of text, for terminals."""
    totals = [f"{result.title}: {result.rounded} ({result.exact})" for result in moved.results]
    inputs = [f"{s.label}: {Decimal(s.value):,f} {s.unit}" for group in moved.groups for s in group.sliders]
    return [*totals, *inputs]
