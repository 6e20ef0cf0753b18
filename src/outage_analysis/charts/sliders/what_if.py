"""Sliders: the inputs that a person decides or doubts, and what a page needs to compute the cost again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from outage_analysis.costs import Factor, Products
from outage_analysis.text import Locale, capital

KINDS = (
    *("filing_share", "acceptance", "new_applicants", "ultimate", "pays", "review_award", "mean_payment"),
    *("take_up", "realised_ratio"),
)
"""Kinds of factors that have a slider, in the order of the page: what somebody decides or doubts."""
STEPS = 200
"""A slider has at least so many steps, each a round number."""
MINUS = "\N{MINUS SIGN}"
MYRIAD = 10_000
"""Korean amounts are said in units of this."""


@dataclass(frozen=True)
class Slider:
    """One input that can be moved."""

    factor: str
    label: str
    unit: str
    value: str
    """As the report has it, as a number field writes it."""
    most: str
    step: str
    times: int
    """A factor is what the field says, times this ..."""
    per: int
    """... and divided by this."""
    bounded: bool
    """Whether it can be no more than `most`, as a share can."""


@dataclass(frozen=True)
class SliderTotal:
    """One total that the sliders move: a valuation, as the report has it."""

    valuation: str
    title: str
    words: str
    exact: str


@dataclass(frozen=True)
class SliderGroup:
    """Sliders that move the same total."""

    title: str
    sliders: tuple[Slider, ...]


@dataclass(frozen=True)
class WhatIfSliders:
    """The section of the sliders."""

    groups: tuple[SliderGroup, ...]
    results: tuple[SliderTotal, ...]
    data: dict[str, Any]
    """What the script computes with: factors, terms, totals, and how amounts are said."""


def what_if_sliders(
    found: Products | None,
    locale: Locale,
    names: Mapping[str, str],
    *,
    most: int | None = None,
    ranking: Sequence[str] = (),
) -> WhatIfSliders | None:
    """The sliders of an expected cost; None where no input can be moved.

    Args:
        found: the expected cost as sums of products.
        words: the language.
        names: what readers call lines and assumptions.
        most: at most so many sliders, of the inputs that matter most; by default all.
        ranking: ids of assumptions, those that matter most first.
    """
    if found is None:
        return None
    terms = merged_terms(found)
    used = {v: {id_ for _, ids in products for id_ in ids} for v, products in terms.items()}
    home = {id_: v for v in reversed(used) for id_ in used[v]}  # the first total that an input moves
    # A line that pays nothing has inputs and no term.
    moved = [f for kind in KINDS for f in found.factors if f.kind == kind and f.id in home]
    if most is not None:
        order, rank = list(used), {id_: n for n, id_ in enumerate(dict.fromkeys(ranking))}
        moved.sort(key=lambda f: (order.index(home[f.id]), rank.get(f.assumption, len(rank))))
        del moved[most:]
    if not moved:
        return None
    shown = [v for v, ids in used.items() if any(f.id in ids for f in moved)]
    groups = {v: tuple(_slider(f, locale, names) for f in moved if home[f.id] == v) for v in shown}
    data = {
        "factors": {f.id: f.value for f in found.factors},
        "terms": {v: terms[v] for v in shown},
        "report": {v: found.expected(v) for v in shown},
        "words": _said(locale),
    }
    return WhatIfSliders(
        tuple(SliderGroup(_title(v, locale), sliders) for v, sliders in groups.items() if sliders),
        tuple(_result(v, found.expected(v), locale) for v in shown),
        data,
    )


def merged_terms(found: Products) -> dict[str, list[tuple[float, tuple[str, ...]]]]:
    """The terms by valuation, cash first; those with the same factors are one."""
    bases: dict[str, dict[tuple[str, ...], list[float]]] = {}
    for term in sorted(found.terms, key=lambda t: t.valuation != "cash"):  # stable
        bases.setdefault(term.valuation, {}).setdefault(term.factors, []).append(term.base)
    return {v: [(math.fsum(b), ids) for ids, b in products.items()] for v, products in bases.items()}


def _title(valuation: str, locale: Locale) -> str:
    titles = {"cash": "report.tile_expected", "face_value": "report.tile_free"}
    return capital(locale(titles.get(valuation, f"word.{valuation}")))


def _result(valuation: str, amount: float, locale: Locale) -> SliderTotal:
    exact = locale("report.exact", amount=locale.exact_money(amount), unit=locale.unit)
    return SliderTotal(valuation, _title(valuation, locale), locale.money(amount), exact)


def _slider(factor: Factor, locale: Locale, names: Mapping[str, str]) -> Slider:
    """A factor in the unit that a person reads: percent, won, ten thousand won, or a multiple."""
    times, per, unit = 1, 1, "×"
    if factor.measure == "share":
        per, unit = 100, "%"
    elif factor.measure == "money" and locale.lang == "ko" and locale.currency == "KRW":
        times, unit = MYRIAD, locale("report.myriad")
    elif factor.measure == "money":
        times, unit = 10**locale.minor_units, locale.unit
    most, value = (x * per / times for x in (factor.high, factor.value))
    digits = -math.floor(math.log10(most / STEPS)) if most else 0
    bounded = factor.measure == "share"
    if bounded:  # what is written of the most is no more than that
        most = math.floor(round(most * 10**digits, 6)) / 10**digits
        value = min(value, most)
    return Slider(
        factor=factor.id,
        label=_label(factor, locale, names),
        unit=unit,
        value=_written(value, digits + 1),
        most=_written(most, digits),
        step=_written(10.0**-digits, digits),
        times=times,
        per=per,
        bounded=bounded,
    )


def _written(value: float, digits: int) -> str:
    """A number to so many decimal places, or to tens and hundreds, without zeros at its end."""
    text = f"{round(value, digits):.{max(0, digits)}f}"
    return text.rstrip("0").rstrip(".") if digits > 0 else text


def _label(factor: Factor, locale: Locale, names: Mapping[str, str]) -> str:
    """What a reader calls a factor; what follows a colon in a name explains it."""
    line = names.get(factor.line, factor.line)
    if factor.kind == "pays" and (factor.over, factor.up_to) == (0, None):
        return locale("report.what_if_pays_any", line=line)
    if factor.kind == "pays":
        return locale("report.what_if_pays", line=line, band=locale.band(factor.over, factor.up_to))
    name = names.get(factor.assumption, factor.assumption).split(":")[0]
    return locale("report.what_if_served", name=name, line=line) if line else name


def _said(locale: Locale) -> dict[str, Any]:
    """How amounts and changes are said, for the script to do as `Words.money` does."""
    korean = locale.lang == "ko" and locale.currency == "KRW"
    sizes = (
        (10**12, 10**8, 10**4) if korean else (10**8, 10**4) if locale.lang == "ko" else (10**9, 10**6, 10**3)
    )
    return {
        "minor": locale.minor_units,
        "korean": korean,
        "glued": locale.lang == "ko",
        "unit": locale.unit,
        "steps": [
            [size, "조" if size == 10**12 and korean else locale.scale(float(size))[1]] for size in sizes
        ],
        "exact": locale("report.exact", amount="{amount}", unit=locale.unit),
        "change": locale("report.what_if_change", amount="{amount}", share="{share}"),
        "same": locale("report.what_if_same"),
        "more": "+",
        "less": MINUS,
    }
