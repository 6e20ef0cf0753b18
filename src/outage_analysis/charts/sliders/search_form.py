"""The form with which a reader searches for payments within a budget: fields, labels and data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from outage_analysis.charts.sliders.what_if import SearchForm, WhatIfSliders, amount_unit, number_text
from outage_analysis.costs import LiveCost, SearchablePayment, page_search, round_step
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from outage_analysis.text import Locale

LEVELS = (50, 75, 80, 90, 95)
"""Probabilities (in percent) of staying within the budget, from which the reader chooses."""
USUAL_LEVEL = 90
MOST_VARIED = 2
"""Largest number of payments that a search varies at the same time."""
BLANKS = {
    name: f"{{{name}}}"
    for name in (
        "tiers",
        "expected",
        "mark",
        "quantile",
        "budget",
        "chance",
        "amount",
        "unit",
        "error",
        "count",
    )
}
"""Placeholders that the script replaces with values."""
REPORT_WORDS = ("none", "error", "no_budget", "choose", "no_step", "many", "unlimited", "excluded")
"""The labels `report.search_...` that the script uses in its sentences."""
SOLVE_WORDS = ("answer", "nearest", "least", "not_limited")
"""The labels `solve....` that the command `solve` uses as well."""


def with_search_form(
    sliders: WhatIfSliders, cost: LiveCost, policy: Policy, cubes: Sequence[Cube], locale: Locale
) -> WhatIfSliders:
    """Add the search form to the sliders of a page, if the page has a payment that a search can vary.

    Args:
        sliders: the sliders of the page.
        cost: the expected cost that the sliders change.
        policy: the announced policy.
        cubes: the claims from which costs are computed; empty if they are computed from published counts.
        locale: language and currency of the labels.
    """
    if sliders.live is None:
        return sliders
    labels = {slider.factor: slider.label for group in sliders.groups for slider in group.sliders}
    factors = [factor for factor in cost.factors if factor.id in labels]
    found, edges = page_search(policy, factors, sliders.live.data["model"], cubes)
    if not found:
        return sliders
    form = _form(found, edges, labels, locale)
    data = {**sliders.data, "live": {**sliders.data["live"], "search": form.data}}
    return replace(sliders, search=form, data=data)


def _form(
    found: Sequence[SearchablePayment],
    edges: Sequence[Mapping[str, float | str]],
    labels: Mapping[str, str],
    locale: Locale,
) -> SearchForm:
    per_field, unit = amount_unit(locale)
    lines = {payment.line.id for payment in found}
    payments = []
    for payment in found:
        band = locale.band_with_unit(payment.factor.over, payment.factor.up_to)
        text = locale("solve.tier", band=band, payment="{payment}")
        if len(lines) > 1:
            text = locale("solve.line", name=payment.line.name[locale.lang], tiers=text)
        payments.append({"id": payment.factor.id, "largest": payment.largest, "text": text})
    words = {name: locale(f"report.search_{name}", **BLANKS) for name in REPORT_WORDS}
    words |= {name: locale(f"solve.{name}", **BLANKS) for name in SOLVE_WORDS}
    return SearchForm(
        tuple(
            (payment.factor.id, labels[payment.factor.id], place < MOST_VARIED)
            for place, payment in enumerate(found)
        ),
        # by default about five steps to the largest payment
        number_text(round_step(max(x.factor.value for x in found) / 5) / per_field, locale.minor_units),
        unit,
        tuple((f"{p / 100:g}", locale("report.search_level", level=p), p == USUAL_LEVEL) for p in LEVELS),
        {"payments": payments, "edges": edges, "most_varied": MOST_VARIED, "words": words},
    )
