"""Sliders in a notebook: a few inputs that move the expected cost, with or without a kernel."""

from __future__ import annotations

from decimal import Decimal
from html import escape

from outage_analysis.analysis import Analysis
from outage_analysis.charts import WHAT_IFS, WhatIf, hand_over
from outage_analysis.errors import UsageError
from outage_analysis.jupyter.markup import Html, note
from outage_analysis.reports import Report, sliders

FEW = 5
"""Sliders that a reader takes in at once."""


def show_what_if(analysis: Analysis, *, lang: str = "en", most: int | None = FEW) -> Html:
    """Sliders that compute the expected cost of an analysis again, to the smallest unit, as the report's do.

    They move in JupyterLab and in a page exported from the notebook, where no kernel is left.

    Args:
        analysis: what `run` returned.
        lang: en or ko.
        most: at most so many sliders: those of the inputs that move the cash most, the largest swing
            first, then of what the policy decides. None for all of the report's page.

    Returns:
        The sliders, marked where the headline rests on synthetic rows; or a line that says why no input
        can be moved.

    Raises:
        UsageError: `most` is no positive whole number.
    """
    if most is not None and (type(most) is not int or most < 1):
        remedy = "Give a whole number from 1 on, or None for all."
        raise UsageError("most is no number of sliders", value=most, remedy=remedy)
    report = Report(analysis, lang)
    moved, markup, refused = sliders(report, most=most, title="p")
    if moved is None:
        return note(refused)
    locale, made_up = report.words, analysis.headline_is_synthetic
    mark = note(locale("notebook.synthetic")) if made_up else Html("", "")
    kind = f"what-if outage-what-if{' made-up' if made_up else ''}"
    key, script = hand_over(WHAT_IFS, moved.data)
    name = escape(locale("report.what_if"))
    place = (
        f'<div class="{kind}" data-outage-what-if="{key}" role="group" aria-label="{name}">\n'
        f'{mark.markup}<p class="title" tabindex="-1">{name}</p>\n'
        f'<p class="waiting"><em>{escape(locale("notebook.what_if_waiting"))}</em></p>\n{markup}</div>'
    )
    told = "\n".join(filter(None, (mark.text, locale("report.what_if"), *_lines(moved))))
    return Html(f"{place}\n<script>{script}</script>", told)


def _lines(moved: WhatIf) -> list[str]:
    """The totals and the inputs for a terminal, where nothing moves."""
    totals = [f"{result.title}: {result.words} ({result.exact})" for result in moved.results]
    inputs = [f"{s.label}: {Decimal(s.value):,f} {s.unit}" for group in moved.groups for s in group.sliders]
    return [*totals, *inputs]
