"""Choose the inputs that get a slider, and prepare the data from which a page recomputes the cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, Literal

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from outage_analysis import costs
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from outage_analysis.text import CHART_STEPS, LANGUAGES, MONEY_UNITS, LikelyRange, Locale, capitalized

KINDS = (
    *("filing_share", "acceptance", "ultimate", "exposure", "pays", "review_award"),
    *("mean_payment", "take_up", "realised_ratio"),
)
"""Kinds of factors that have a slider, in display order."""
STEPS = 200
"""A slider has at least this many steps, and the step is a power of ten."""
MINUS = "\N{MINUS SIGN}"
LIVE_WORDS = ("likely", "half", "over", "no_budget", "no_amount", "left_out")
"""The labels `report.live_...` with which the script writes its sentences."""
BLANKS = {
    name: f"{{{name}}}"
    for name in (
        *("low", "high", "median", "mean", "chance", "budget", "name", "amount", "share"),
        *("tiers", "expected", "mark", "quantile"),
    )
}
"""Placeholders that the script fills."""
MYRIAD = 10_000
"""In Korean, sliders show amounts of won in units of this number (만)."""


@dataclass(frozen=True)
class WhatIfSliders:
    """All what-if sliders of a report, the totals that they change, and the data for the script."""

    groups: dict[str, list[dict[str, Any]]]
    """The sliders that change the same total, by the title of the total: `factor`, `label`, `unit`, `step`,
    `value` (of the report, in the notation of an HTML number field) and `most`. Values above `most` are
    impossible if the slider is `bounded`. The factor is the value of the field x `times` / `per`."""
    results: list[dict[str, str]]
    """The totals: the `valuation`, the `title`, and the `rounded` and `exact` amount of the report."""
    data: dict[str, Any]
    """Data for the script: factors, terms, totals, and the format of amounts; with `live` if the range of the
    cash moves with the sliders."""
    search: dict[str, Any] | None = None
    """The fields of the form for a search of payments within a budget; None if no payment can be searched."""

    @property
    def live(self) -> dict[str, Any] | None:
        """What the script needs for a range of the cash that moves with the sliders; None without one."""
        return self.data.get("live")


def what_if_sliders(
    cost: costs.LiveCost | None,
    locale: Locale,
    names: Mapping[str, str],
    *,
    run: costs.Simulation | None = None,
    budget: float | None = None,
) -> WhatIfSliders | None:
    """Build the what-if sliders of an expected cost; return None if no input can be changed.

    Args:
        cost: the expected cost as sums of products of factors.
        locale: language and currency of the labels.
        names: display names of cost lines and assumptions by id.
        run: the simulation of the cash, if its range is to move with the sliders.
        budget: an amount of cash to mark in the range, in the smallest unit of the currency.
    """
    if cost is None:
        return None
    terms = merged_terms(cost)
    used = {v: {id_ for _, ids in products for id_ in ids} for v, products in terms.items()}
    # For each input, the first total that it changes.
    total_of = {id_: v for v in reversed(used) for id_ in used[v]}
    # A factor that is in no cost term gets no slider: its cost line pays nothing.
    moved = [f for kind in KINDS for f in cost.factors if f.kind == kind and f.id in total_of]
    if not moved:
        return None
    valuations = [v for v, ids in used.items() if any(f.id in ids for f in moved)]
    groups = {
        _title(v, locale): [_slider(f, locale, names) for f in moved if total_of[f.id] == v]
        for v in valuations
        if v in total_of.values()
    }
    report = {v: cost.expected(v) for v in valuations}
    data = {
        "factors": {f.id: f.value for f in cost.factors},
        "terms": {v: terms[v] for v in valuations},
        "report": report,
        "formats": _script_formats(locale),
    }
    live = live_range(run, locale, budget) if run is not None and "cash" in valuations else None
    if live is not None:
        data["live"] = live
    totals = [
        {
            "valuation": v,
            "title": _title(v, locale),
            "rounded": locale.money(amount),
            "exact": locale("report.exact", amount=locale.exact_money(amount), unit=locale.unit),
        }
        for v, amount in report.items()
    ]
    return WhatIfSliders(groups, totals, data)


def live_range(run: costs.Simulation, locale: Locale, budget: float | None) -> dict[str, Any] | None:
    """Return what a page needs to recompute the range of the cash; None if it would need too many numbers.

    Args:
        run: the simulation.
        locale: language and currency of the sentences.
        budget: an amount to mark, in the smallest unit of the currency.
    """
    likely = LikelyRange(locale.level)
    model = costs.page_model.browser_model(run, upper=likely.upper)
    if model is None:
        return None
    return {
        "model": model,
        "accuracy": locale(
            "report.live_accuracy",
            draws=locale.number(model["draws"]),
            median=locale.money(model["errors"]["median"]),
            high=locale.money(model["errors"]["upper"]),
        ),
        "low": likely.lower,
        "high": likely.upper,
        "budget": "" if budget is None else locale.exact_money(budget),
        "chance": None if budget is None else run.totals["cash"].exceedance(budget).value,
        "per_field": amount_unit(locale)[0],
        "words": {name: locale(f"report.live_{name}", **BLANKS) for name in LIVE_WORDS},
    }


def amount_unit(locale: Locale) -> tuple[int, str]:
    """Return the unit of amounts that a reader types: smallest units per field unit, and its name."""
    if locale.lang == "ko" and locale.currency == "KRW":
        return MYRIAD, locale("report.myriad")
    return 10**locale.minor_units, locale.unit


def merged_terms(cost: costs.LiveCost) -> dict[str, list[tuple[float, tuple[str, ...]]]]:
    """Return the cost terms (amount x factors) per valuation, cash first; those with equal factors are added.

    Returns:
        Valuation (such as cash or list price) -> list of pairs: a base amount, and the ids of the factors
        that multiply the base amount.
    """
    bases: dict[str, dict[tuple[str, ...], list[float]]] = {}
    for term in sorted(cost.terms, key=lambda t: t.valuation != "cash"):  # other terms keep their order
        bases.setdefault(term.valuation, {}).setdefault(term.factors, []).append(term.base)
    return {v: [(math.fsum(b), ids) for ids, b in products.items()] for v, products in bases.items()}


def _title(valuation: str, locale: Locale) -> str:
    titles = {"cash": "report.tile_expected", "face_value": "report.tile_free"}
    return capitalized(locale(titles.get(valuation, f"word.{valuation}")))


def _slider(factor: costs.page_model.LiveInput, locale: Locale, names: Mapping[str, str]) -> dict[str, Any]:
    times, per, unit = 1, 1, "×"
    if factor.measure == "share":
        per, unit = 100, "%"
    elif factor.measure == "money":
        times, unit = amount_unit(locale)
    most, value = (x * per / times for x in (factor.high, factor.value))
    digits = -math.floor(math.log10(most / STEPS)) if most else 0
    bounded = factor.measure == "share"
    if bounded:  # round down, so that the printed maximum never exceeds the real maximum
        most = math.floor(round(most * 10**digits, 6)) / 10**digits
        value = min(value, most)
    line, label = names.get(factor.line, factor.line), names.get(factor.assumption, factor.assumption)
    if factor.kind != "pays":
        label = label.split(":")[0]
        label = locale("report.what_if_served", name=label, line=line) if line else label
    elif (factor.over, factor.up_to) == (0, None):
        label = locale("report.what_if_pays_any", line=line)
    else:
        band = locale.band_with_unit(factor.over, factor.up_to)
        label = locale("report.what_if_pays", line=line, band=band)
    return {
        "factor": factor.id,
        "label": label,
        "unit": unit,
        "value": number_text(value, digits + 1),
        "most": number_text(most, digits),
        "step": number_text(10.0**-digits, digits),
        "times": times,
        "per": per,
        "bounded": bounded,
    }


def number_text(value: float, digits: int) -> str:
    """Return a number as text, rounded to `digits` decimal places, without trailing decimal zeros.

    Negative `digits` round to tens, hundreds and so on.
    """
    text = f"{round(value, digits):.{max(0, digits)}f}"
    return text.rstrip("0").rstrip(".") if digits > 0 else text


def _script_formats(locale: Locale) -> dict[str, Any]:
    korean = locale.lang == "ko" and locale.currency == "KRW"
    sizes = (
        (10**12, 10**8, 10**4) if korean else (10**8, 10**4) if locale.lang == "ko" else (10**9, 10**6, 10**3)
    )
    gap = "" if locale.lang == "ko" else " "
    return {
        "minor": locale.minor_units,
        "korean": korean,
        "unit": locale.unit,
        "steps": [
            [size, gap + ("조" if size == 10**12 and korean else locale.scale(float(size))[1])]
            for size in sizes
        ],
        "exact": locale("report.exact", amount="{amount}", unit=locale.unit),
        "change": locale("report.what_if_change", amount="{amount}", share="{share}"),
        "same": locale("report.what_if_same"),
        "under_one": locale("report.live_under_one"),
        "over_ninety_nine": locale("report.live_over_ninety_nine"),
        "brief": CHART_STEPS[locale.lang],
        "sizes": {"": 1, **MONEY_UNITS},
        "units": [replace(locale, lang=lang).unit for lang in LANGUAGES],
        "less": MINUS,
    }


LEVELS = (50, 75, 80, 90, 95)
"""Probabilities (in percent) of staying within the budget, from which the reader chooses."""
USUAL_LEVEL = 90
MOST_TRIED = 500
"""The page tries at most this many amounts of a payment beside another one."""
MOST_VARIED = 2
"""Largest number of payments that a search varies at the same time."""
REPORT_WORDS = ("none", "choose", "unlimited", "excluded")
"""The labels `report.search_...` that the script uses in its sentences."""
SOLVE_WORDS = ("answer", "not_limited", "nearest", "least")
"""The labels `solve....` that the command `solve` uses as well."""


def with_search_form(
    sliders: WhatIfSliders, cost: costs.LiveCost, policy: Policy, cubes: Sequence[Cube], locale: Locale
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
    labels = {slider["factor"]: slider["label"] for group in sliders.groups.values() for slider in group}
    factors = [factor for factor in cost.factors if factor.id in labels]
    found = costs.policy_search.page_search(policy, factors, sliders.live["model"], cubes)
    if not found:
        return sliders
    per_field, unit = amount_unit(locale)
    lines = {line.id for line, _, _ in found}
    payments = []
    for line, factor, limits in found:
        band = locale.band_with_unit(factor.over, factor.up_to)
        text = locale("solve.tier", band=band, payment="{payment}")
        if len(lines) > 1:
            text = locale("solve.line", name=line.name[locale.lang], tiers=text)
        payments.append({"id": factor.id, "text": text, **limits})
    words = {name: locale(f"report.search_{name}", **BLANKS) for name in REPORT_WORDS}
    answer, not_limited, *nearest = (locale(f"solve.{name}", unit=unit, **BLANKS) for name in SOLVE_WORDS)
    words |= {"answer": answer, "not_limited": f"{answer} {not_limited}", "nearest": " ".join(nearest)}
    data = {
        "payments": payments,
        "levels": [level / 100 for level in reversed(LEVELS)],
        "most_tried": MOST_TRIED,
        "words": words | {"many": locale("report.search_many", count=MOST_TRIED)},
    }
    steps = max(factor.value for _, factor, _ in found) / 5  # by default about five to the largest payment
    form = {
        "payments": [(x.id, labels[x.id], n < MOST_VARIED) for n, (_, x, _) in enumerate(found)],
        "step": number_text(costs.policy_search.round_step(steps) / per_field, locale.minor_units),
        "unit": unit,
        "levels": [
            (f"{p / 100:g}", locale("report.search_level", level=p), p == USUAL_LEVEL) for p in LEVELS
        ],
    }
    return replace(sliders, search=form, data={**sliders.data, "live": {**sliders.live, "search": data}})


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
    html = environment.get_template("what_if.html.j2").render(
        what_if=moved, w=locale, likely=likely, title=title
    )
    return Markup(html)  # noqa: S704 - the template escapes
