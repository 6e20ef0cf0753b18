"""Fit several severity families to counts of losses in bands, and average over them by Akaike weights.

Losses are divided by their median and parameters are fitted on the logarithmic scale, so that the unit of
the edges affects only the scale parameter. The arguments `top` and `left` state what is known about
losses beyond the first and last edge. Methods: Klugman, Panjer and Willmot, Loss Models; Burnham and
Anderson, Model Selection and Multimodel Inference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.losses.severity.families import FAMILIES, Family
from outage_analysis.losses.severity.fit import Fit, Quantity, fit
from outage_analysis.losses.severity.grouped import GroupedLosses
from outage_analysis.text import ESTIMATE_DIGITS, FLOAT, Card, Column, Displayable, TableSchema

FITS = TableSchema(
    "One row per family, the likeliest first.",
    (
        Column("family", "word", "Family of distributions."),
        Column("weight", "share", "Akaike weight of the family."),
        Column(
            "parameters", "parameters", "Fitted parameters with standard errors; scales in the unit of loss."
        ),
        Column("loglik", "decimal", "Logarithm of the likelihood."),
        Column("aicc", "decimal", "Corrected Akaike criterion; smaller is better."),
        Column("chi_square", "decimal", "Statistic of the goodness-of-fit test."),
        Column("df", "count", "Degrees of freedom of the test."),
        Column("p", "decimal", "p-value of the test."),
        Column("median", "loss", "Median of the fitted distribution.", FLOAT),
        Column("mean", "loss", "Mean of the fitted distribution; empty if infinite.", FLOAT),
    ),
)


def fit_grouped(
    edges: Sequence[float],
    counts: Sequence[float],
    *,
    family: str,
    top: str,
    left: str = "ground_up",
    synthetic: bool = False,
) -> Fit:
    """Fit one family to counts of losses in bands.

    Args:
        edges: k + 1 increasing edges from 0 on, in the unit of the losses; the last may be infinite.
        counts: the number of losses in each of the k bands.
        family: a key of `FAMILIES`.
        top: what is known about losses above the last edge: `open`, `closed` or `truncated`. There is no
            default, because the three are different models; see `GroupedLosses`.
        left: what is known about losses below the first edge: `ground_up` or `truncated`.
        synthetic: whether the losses are synthetic; displays of the fit then state this.

    Raises:
        UsageError: the edges are invalid, or `top`, `left` or the family is unknown.
        InputRefused: a count is not a whole number from 0 on, or all counts are 0.
        ModelRefused: there are too few non-empty bands for the family, or the likelihood has no maximum.

    Example:
        >>> from outage_analysis.losses import fit_grouped
        >>> fit = fit_grouped([0, 10, 20, 50], [40, 30, 30], family="exponential", top="open")
        >>> round(fit.value("mean"), 1)
        17.4
    """
    return fit(GroupedLosses.from_numbers(edges, counts, top, left, synthetic=synthetic), _family(family))


def fit_all(
    edges: Sequence[float],
    counts: Sequence[float],
    *,
    top: str,
    left: str = "ground_up",
    synthetic: bool = False,
    families: Sequence[str] = tuple(FAMILIES),
) -> Fits:
    """Fit several families to counts of losses in bands.

    The arguments are those of `fit_grouped`. The result contains the reason for each family that cannot be
    fitted.

    Raises:
        UsageError: the edges are invalid, or `top`, `left` or a family is unknown.
        InputRefused: a count is not a whole number from 0 on, or all counts are 0.
        ModelRefused: no family could be fitted, or all losses are in one band.

    Example:
        >>> from outage_analysis.losses import fit_all
        >>> families = ("exponential", "gamma")
        >>> fits = fit_all([0, 5, 10, 20, 50], [25, 15, 30, 30], top="open", families=families)
        >>> round(fits.average("mean"), 1)
        17.1
    """
    grouped = GroupedLosses.from_numbers(edges, counts, top, left, synthetic=synthetic)
    fitted: dict[str, Fit] = {}
    refused: dict[str, str] = {}
    for family in map(_family, families):
        try:
            fitted[family.name] = fit(grouped, family)
        except ModelRefused as error:
            refused[family.name] = str(error)
    if not fitted:
        raise ModelRefused("no family could be fitted", remedy=next(iter(refused.values()), ""))
    return Fits(fitted, refused)


def _family(name: str) -> Family:
    if name not in FAMILIES:
        raise UsageError("no such family", value=name, remedy=spelling_hint(name, list(FAMILIES)))
    return FAMILIES[name]


MIN_WEIGHT = 0.01
"""Averages and ranges ignore families with a smaller weight."""


@dataclass(frozen=True, repr=False)
class Fits(Displayable, Mapping[str, Fit]):
    """Fitted distributions by family name.

    `fitted` contains the successful fits, `refused` the reason for each family that could not be fitted.
    """

    fitted: Mapping[str, Fit]
    refused: Mapping[str, str]

    def card(self, lang: str = "en") -> Card:
        """The notebook display: the fitted families, likeliest first, and the families without a fit."""
        from outage_analysis.losses.severity.display import fits_card

        return fits_card(self, lang)

    def __getitem__(self, name: str) -> Fit:
        """The fit of one family.

        Raises:
            ModelRefused: the family could not be fitted; the message has the reason.
            UsageError: the family was not requested.
        """
        if name in self.fitted:
            return self.fitted[name]
        if name in self.refused:
            raise ModelRefused(self.refused[name])
        raise UsageError("no such family", value=name, remedy=spelling_hint(name, list(FAMILIES)))

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the families that were fitted."""
        return iter(self.fitted)

    def __len__(self) -> int:
        """The number of families that were fitted."""
        return len(self.fitted)

    def __contains__(self, name: object) -> bool:
        """Whether a family was fitted."""
        return name in self.fitted

    @property
    def weights(self) -> Mapping[str, float]:
        """The Akaike weights of the fitted families, computed from AICc; they add up to 1."""
        scores = np.array([fit.aicc for fit in self.fitted.values()])
        if not np.isfinite(scores).any():
            raise ModelRefused("there are too few losses to weigh families", remedy="Fit one, the simplest.")
        heights = np.exp(-(scores - scores.min()) / 2)
        return MappingProxyType(dict(zip(self.fitted, (heights / heights.sum()).tolist(), strict=True)))

    @property
    def best(self) -> Fit:
        """The fit with the largest Akaike weight."""
        return self.fitted[max(self.weights, key=self.weights.__getitem__)]

    def average(self, quantity: Quantity, least_weight: float = MIN_WEIGHT) -> float:
        """The Akaike-weighted average of a quantity over families; infinite if one of its values is infinite.

        Families with a weight below `least_weight` are left out.
        """
        values = self._weighty_values(quantity, least_weight)
        total = sum(self.weights[name] for name in values)
        return sum(self.weights[name] * value for name, value in values.items()) / total

    def range(self, quantity: Quantity, least_weight: float = MIN_WEIGHT) -> tuple[float, float]:
        """The smallest and largest value of a quantity among families of Akaike weight >= `least_weight`.

        The range shows how much the choice of the family matters.
        """
        values = self._weighty_values(quantity, least_weight)
        return min(values.values()), max(values.values())

    def _weighty_values(self, quantity: Quantity, least_weight: float) -> dict[str, float]:
        """The value of a quantity by family, for families with an Akaike weight of `least_weight` or more."""
        values = {n: f.value(quantity) for n, f in self.fitted.items() if self.weights[n] >= least_weight}
        if not values:
            raise UsageError("no family weighs that much", value=least_weight)
        return values

    def table(self) -> pl.DataFrame:
        """The fitted families as a table: one row per family, likeliest first.

        Columns: family, weight, parameters (text), loglik, aicc, chi_square, df, p, median, mean.
        """
        rows = [
            {
                "family": name,
                "weight": self.weights[name],
                "parameters": ", ".join(f"{k} {v:.4g} ± {fit.se[k]:.2g}" for k, v in fit.params.items()),
                "loglik": fit.loglik,
                "aicc": fit.aicc if np.isfinite(fit.aicc) else None,
                "chi_square": fit.gof.chi_square,
                "df": fit.gof.df,
                "p": fit.gof.p,
                "median": fit.distribution.median,
                "mean": fit.mean if np.isfinite(fit.mean) else None,
            }
            for name, fit in self.fitted.items()
        ]
        frame = pl.DataFrame(rows, schema=FITS.dtypes).sort("aicc", "family", nulls_last=True)
        return frame.with_columns(pl.col(pl.Float64).round_sig_figs(ESTIMATE_DIGITS))
