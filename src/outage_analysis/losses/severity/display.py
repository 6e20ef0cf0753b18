"""Notebook display of fitted severity distributions."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from outage_analysis.errors import ModelRefused
from outage_analysis.losses.severity.grouped import GroupedLosses
from outage_analysis.text import Card, Locale, Table, first_rows

if TYPE_CHECKING:
    from outage_analysis.losses.severity.fit import Fit
    from outage_analysis.losses.severity.fitting import Fits


def fit_card(fit: Fit, lang: str) -> Card:
    """The display of one fit: parameters, standard errors, and counted and expected losses per band."""
    locale = Locale(lang)
    parameters = [
        (locale.translated_distribution(name), locale.exact(value), locale.exact(fit.se[name]))
        for name, value in fit.params.items()
    ]
    heads = (locale("card.parameter"), locale("column.fit_value"), locale("card.standard_error"))
    band_heads = (locale("column.band"), locale("card.counted"), locale("card.expected"))
    names = _band_labels(fit.grouped, locale)
    counted = list(zip(names, fit.grouped.counts, fit.expected.tolist(), strict=True))
    bands, more = first_rows(
        locale, counted, lambda b: (b[0], locale.exact(b[1]), locale.exact(b[2])), "fit.grouped"
    )
    gof = fit.gof
    goodness = locale(
        "card.goodness",
        chi_square=locale.exact(gof.chi_square),
        df=locale.number(gof.df),
        p="–" if gof.p is None else locale.exact(gof.p),
    )
    return Card(
        locale("card.fit", family=locale(f"word.{fit.family}"), count=locale.number(fit.n)),
        _band_lines(fit.grouped, locale),
        (
            Table(heads, tuple(parameters), frozenset({1, 2}), locale("card.parameters")),
            Table(band_heads, bands, frozenset({1, 2}), locale("card.by_band"), more),
        ),
        (
            locale(
                "card.moments",
                mean=_finite_or_word(fit.mean, locale),
                median=locale.exact(fit.distribution.median),
            ),
            goodness,
        ),
    )


def fits_card(fits: Fits, lang: str) -> Card:
    """The display of several fits: the fitted families, likeliest first, and the families without a fit."""
    locale = Locale(lang)
    ordered = sorted(fits.values(), key=lambda fit: (fit.aicc, fit.family))
    try:
        weights = {name: locale.share(weight) for name, weight in fits.weights.items()}
    except ModelRefused:  # too few losses for Akaike weights: the table shows dashes
        weights = {}
    columns = ("family", "weight", "parameters", "chi_square", "df", "p", "median", "mean")
    rows = tuple(
        (
            locale(f"word.{fit.family}"),
            weights.get(fit.family, "–"),
            ", ".join(
                f"{locale.translated_distribution(name)} {value:.4g}" for name, value in fit.params.items()
            ),
            locale.exact(fit.gof.chi_square),
            locale.number(fit.gof.df),
            "–" if fit.gof.p is None else locale.exact(fit.gof.p),
            locale.exact(fit.distribution.median),
            _finite_or_word(fit.mean, locale),
        )
        for fit in ordered
    )
    refused = ", ".join(locale(f"word.{name}") for name in fits.refused)
    table = Table(tuple(locale(f"column.{c}") for c in columns), rows, frozenset({1, 3, 4, 5, 6, 7}))
    any_fit = ordered[0]  # any fit will do: all have the same losses and bands
    return Card(
        locale("card.fits", count=locale.number(any_fit.n)),
        _band_lines(any_fit.grouped, locale),
        (table,),
        (locale("card.refused", names=refused),) if refused else (),
    )


def _band_lines(grouped: GroupedLosses, locale: Locale) -> tuple[str, ...]:
    """Sentences on the bands of a fit: their number, the open or truncated ends, and synthetic losses."""
    ends = f"{locale(f'card.top_{grouped.top}')} {locale(f'card.left_{grouped.left}')}"
    bands = locale("card.bands", count=locale.number(len(grouped.counts)), ends=ends)
    return (locale("card.recovered"), bands) if grouped.synthetic else (bands,)


def _band_labels(grouped: GroupedLosses, locale: Locale) -> list[str]:
    edges = grouped.fitted_edges.tolist()
    return [_band_label(low, high, locale) for low, high in pairwise(edges)]


def _band_label(low: float, high: float, locale: Locale) -> str:
    if math.isinf(high):
        return locale("band.over", low=locale.exact(low))
    if low == 0:
        return locale("band.up_to", high=locale.exact(high))
    return locale("band.between", low=locale.exact(low), high=locale.exact(high))


def _finite_or_word(value: float, locale: Locale) -> str:
    return locale.exact(value) if math.isfinite(value) else locale("card.infinite")
