"""What readers see of fits: their cards, and the table of curves that the ogive and tail charts draw."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from outage_analysis.errors import ModelRefused
from outage_analysis.losses.grouped_losses import STEP, Array, GroupedLosses
from outage_analysis.text import ESTIMATE_DIGITS, Card, Locale, Table, first_rows, schema_of

if TYPE_CHECKING:
    from outage_analysis.losses.severity import Fits, SeverityFit

COUNTED = "counted"
"""The value of `family` in the rows with counted shares."""
POINTS = 40
"""The number of losses per curve, evenly spaced on the logarithmic scale."""
SMALLEST_LOSS_SHARE, LARGEST_LOSS_MULTIPLE = 0.5, 4.0
"""Curves begin at half the first edge above 0 and end at four times the last finite edge, or at that edge
itself if the top is truncated."""
LEVEL = 0.95
"""The confidence level of the interval of the likeliest curve."""
MIN_SHARE = 1e-300
"""Smaller shares are replaced by this one, so that their logarithm exists."""


def curve_table(fits: Fits) -> pl.DataFrame:
    """Points on the fitted distribution function of each family, and the counted shares at the band edges.

    Returns:
        The table `claims_curves`. The first rows, with the family `counted`, have the counted
        shares at each finite edge except the first. The other rows are 40 losses for each family with an
        Akaike weight of at least 1 %. The likeliest family has pointwise 95 % confidence intervals (delta
        method on the logit). All shares refer to the losses over `over` up to `up_to`: all losses above 0,
        unless an end is truncated.
    """
    from scipy import special

    best = fits.best
    losses = best.grouped
    edges = [e for e in losses.edges if 0 < e < math.inf]
    end = 1.0 if losses.top == "truncated" else LARGEST_LOSS_MULTIPLE
    at = np.geomspace(edges[0] * SMALLEST_LOSS_SHARE, edges[-1] * end, POINTS)
    first, last = losses.observable

    def shares(fit: SeverityFit) -> tuple[Array, Array]:
        """The shares of the observable losses up to and above each loss."""
        whole = fit.band_probabilities([first, last])[0]
        below, above = (fit.cdf(at) - fit.cdf(first)) / whole, (fit.sf(at) - fit.sf(last)) / whole
        return np.clip(below, 0.0, 1.0), np.clip(above, 0.0, 1.0)

    def logit(log_params: Array) -> Array:
        below, above = np.log(np.maximum(shares(best.with_log_params(log_params)), MIN_SHARE))
        return np.asarray(below - above)

    inner = np.isfinite(losses.edges[1:])
    below = np.cumsum(losses.counts)[inner] / losses.n
    counted = {"loss": np.array(losses.edges[1:])[inner], "share_below": below, "share_above": 1 - below}
    frames = [pl.DataFrame({"family": [COUNTED] * len(below), **counted})]
    for name, weight in fits.main_weights.items():
        below, above = shares(fits[name])
        rows = {"family": [name] * POINTS, "loss": at, "share_below": below, "share_above": above}
        frames.append(pl.DataFrame(rows).with_columns(weight=pl.lit(weight), p=pl.lit(fits[name].gof.p)))
        if name == best.family:
            point, moves = np.log([*best.params.values()]), STEP * np.eye(len(best.params))
            slope = np.array([(logit(point + m) - logit(point - m)) / (2 * STEP) for m in moves])
            errors = np.sqrt(np.einsum("ip,ij,jp->p", slope, best.log_covariance, slope))
            half = special.ndtri((1 + LEVEL) / 2) * errors
            low, high = logit(point) - half, logit(point) + half
            ends = {"low": low, "high": high, "above_low": -high, "above_high": -low}
            frames[-1] = frames[-1].with_columns(
                pl.Series(column, special.expit(end)) for column, end in ends.items()
            )
    table = pl.concat(frames, how="diagonal_relaxed").with_columns(
        over=pl.lit(first), up_to=pl.lit(last if math.isfinite(last) else None)
    )
    return table.select(
        pl.col(name).cast(dtype) for name, dtype in schema_of("claims_curves").dtypes.items()
    ).with_columns(pl.col(pl.Float64).round_sig_figs(ESTIMATE_DIGITS))


def fit_card(fit: SeverityFit, lang: str) -> Card:
    """The display of one fit: parameters, standard errors, and counted and expected losses per band."""
    locale = Locale(lang)
    parameters = tuple(
        (locale.translated_distribution(name), locale.exact(value), locale.exact(fit.se[name]))
        for name, value in fit.params.items()
    )
    heads = (locale("card.parameter"), locale("column.fit_value"), locale("card.standard_error"))
    band_heads = (locale("column.band"), locale("card.counted"), locale("card.expected"))
    counted = list(zip(pairwise(fit.grouped.edges), fit.grouped.counts, fit.expected.tolist(), strict=True))
    bands, more = first_rows(
        locale,
        counted,
        lambda row: (_band_label(*row[0], locale), locale.exact(row[1]), locale.exact(row[2])),
        "fit.grouped",
    )
    figures = _figures(fit, locale)
    return Card(
        locale("card.fit", family=locale(f"word.{fit.family}"), count=locale.number(fit.n)),
        _band_lines(fit.grouped, locale),
        (
            Table(heads, parameters, frozenset({1, 2}), locale("card.parameters")),
            Table(band_heads, bands, frozenset({1, 2}), locale("card.by_band"), more),
        ),
        (locale("card.moments", **figures), locale("card.goodness", **figures)),
    )


def fits_card(fits: Fits, lang: str) -> Card:
    """The display of several fits: the fitted families, likeliest first, and the families without a fit."""
    locale = Locale(lang)
    ordered = sorted(fits.values(), key=lambda fit: (fit.aicc, fit.family))
    try:
        weights = {name: locale.share(weight) for name, weight in fits.weights.items()}
    except ModelRefused:  # too few losses for Akaike weights: the table shows dashes
        weights = {}
    rows = []
    for fit in ordered:
        parameters = (f"{locale.translated_distribution(k)} {v:.4g}" for k, v in fit.params.items())
        name, figures = locale(f"word.{fit.family}"), _figures(fit, locale)
        rows.append((name, weights.get(fit.family, "–"), ", ".join(parameters), *figures.values()))
    columns = ("family", "weight", "parameters", *_figures(ordered[0], locale))
    heads = tuple(locale(f"column.{column}") for column in columns)
    refused = ", ".join(locale(f"word.{name}") for name in fits.refused)
    losses = ordered[0].grouped  # all families were fitted to the same losses
    return Card(
        locale("card.fits", count=locale.number(losses.n)),
        _band_lines(losses, locale),
        (Table(heads, tuple(rows), frozenset({1, 3, 4, 5, 6, 7})),),
        (locale("card.refused", names=refused),) if refused else (),
    )


def _figures(fit: SeverityFit, locale: Locale) -> dict[str, str]:
    return {
        "chi_square": locale.exact(fit.gof.chi_square),
        "df": locale.number(fit.gof.df),
        "p": "–" if fit.gof.p is None else locale.exact(fit.gof.p),
        "median": locale.exact(fit.median),
        "mean": locale.exact(fit.mean) if math.isfinite(fit.mean) else locale("card.infinite"),
    }


def _band_lines(grouped: GroupedLosses, locale: Locale) -> tuple[str, ...]:
    """Sentences on the bands of a fit: their number, the open or truncated ends, and synthetic losses."""
    ends = f"{locale(f'card.top_{grouped.top}')} {locale(f'card.left_{grouped.left}')}"
    bands = locale("card.bands", count=locale.number(len(grouped.counts)), ends=ends)
    return (locale("card.recovered"), bands) if grouped.synthetic else (bands,)


def _band_label(low: float, high: float, locale: Locale) -> str:
    if math.isinf(high):
        return locale("band.over", low=locale.exact(low))
    if low == 0:
        return locale("band.up_to", high=locale.exact(high))
    return locale("band.between", low=locale.exact(low), high=locale.exact(high))
