"""What fitted laws of loss show of themselves."""

from __future__ import annotations

import math
from itertools import pairwise

from outage_analysis.cards import Card, Table, first
from outage_analysis.errors import ModelRefused
from outage_analysis.labels import Words
from outage_analysis.severity.averaging import Fits
from outage_analysis.severity.fit import Fit
from outage_analysis.severity.grouped import Grouped


def fit_card(fit: Fit, lang: str) -> Card:
    """Its parameters with their errors, and the losses counted and expected in each band."""
    w = Words(lang)
    parameters = [
        (w.terms(name), w.exact(value), w.exact(fit.se[name])) for name, value in fit.params.items()
    ]
    heads = (w("card.parameter"), w("column.fit_value"), w("card.standard_error"))
    band_heads = (w("column.band"), w("card.counted"), w("card.expected"))
    names = _bands(fit.grouped, w)
    counted = list(zip(names, fit.grouped.counts, fit.expected.tolist(), strict=True))
    bands, more = first(w, counted, lambda b: (b[0], w.exact(b[1]), w.exact(b[2])), "fit.grouped")
    gof = fit.gof
    goodness = w(
        "card.goodness",
        chi_square=w.exact(gof.chi_square),
        df=w.number(gof.df),
        p="–" if gof.p is None else w.exact(gof.p),
    )
    return Card(
        w("card.fit", family=w(f"word.{fit.family}"), count=w.number(fit.n)),
        _told(fit.grouped, w),
        (
            Table(heads, tuple(parameters), frozenset({1, 2}), w("card.parameters")),
            Table(band_heads, bands, frozenset({1, 2}), w("card.by_band"), more),
        ),
        (w("card.moments", mean=_finite(fit.mean, w), median=w.exact(fit.law.median)), goodness),
    )


def fits_card(fits: Fits, lang: str) -> Card:
    """The families, likeliest first, and which could not be fitted."""
    w = Words(lang)
    ordered = sorted(fits.values(), key=lambda fit: (fit.aicc, fit.family))
    try:
        weights = {name: w.share(weight) for name, weight in fits.weights.items()}
    except ModelRefused:  # too few losses to weigh families by: they are shown without
        weights = {}
    columns = ("family", "weight", "parameters", "chi_square", "df", "p", "median", "mean")
    rows = tuple(
        (
            w(f"word.{fit.family}"),
            weights.get(fit.family, "–"),
            ", ".join(f"{w.terms(name)} {value:.4g}" for name, value in fit.params.items()),
            w.exact(fit.gof.chi_square),
            w.number(fit.gof.df),
            "–" if fit.gof.p is None else w.exact(fit.gof.p),
            w.exact(fit.law.median),
            _finite(fit.mean, w),
        )
        for fit in ordered
    )
    refused = ", ".join(w(f"word.{name}") for name in fits.refused)
    table = Table(tuple(w(f"column.{c}") for c in columns), rows, frozenset({1, 3, 4, 5, 6, 7}))
    some = ordered[0]
    return Card(
        w("card.fits", count=w.number(some.n)),
        _told(some.grouped, w),
        (table,),
        (w("card.refused", names=refused),) if refused else (),
    )


def _told(grouped: Grouped, w: Words) -> tuple[str, ...]:
    """What the losses are, and what lies beyond the ends of their bands."""
    ends = f"{w(f'card.top_{grouped.top}')} {w(f'card.left_{grouped.left}')}"
    said = w("card.bands", count=w.number(len(grouped.counts)), ends=ends)
    return (w("card.recovered"), said) if grouped.synthetic else (said,)


def _bands(grouped: Grouped, w: Words) -> list[str]:
    """Each band in words, in the unit of the edges."""
    reach = grouped.reach.tolist()
    return [_band(low, high, w) for low, high in pairwise(reach)]


def _band(low: float, high: float, w: Words) -> str:
    if math.isinf(high):
        return w("band.over", low=w.exact(low))
    if low == 0:
        return w("band.up_to", high=w.exact(high))
    return w("band.between", low=w.exact(low), high=w.exact(high))


def _finite(value: float, w: Words) -> str:
    return w.exact(value) if math.isfinite(value) else w("card.infinite")
