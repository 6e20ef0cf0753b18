"""Fits of several families of distributions, with Akaike weights, averages and ranges over families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.losses.severity.families import FAMILIES
from outage_analysis.losses.severity.fit import Fit, Quantity
from outage_analysis.text import Card, Displayable

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
        """The average of a quantity over families by Akaike weight; infinite if any family gives infinity."""
        values = self._weighty_values(quantity, least_weight)
        total = sum(self.weights[name] for name in values)
        return sum(self.weights[name] * value for name, value in values.items()) / total

    def range(self, quantity: Quantity, least_weight: float = MIN_WEIGHT) -> tuple[float, float]:
        """The smallest and largest value of a quantity among the families.

        The range shows how much the choice of the family matters.
        """
        values = self._weighty_values(quantity, least_weight)
        return min(values.values()), max(values.values())

    def _weighty_values(self, quantity: Quantity, least_weight: float) -> dict[str, float]:
        """The value of a quantity by family, for families with at least this Akaike weight."""
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
        schema = {
            "family": pl.String,
            "weight": pl.Float64,
            "parameters": pl.String,
            **dict.fromkeys(("loglik", "aicc", "chi_square"), pl.Float64),
            "df": pl.Int64,
            **dict.fromkeys(("p", "median", "mean"), pl.Float64),
        }
        frame = pl.DataFrame(rows, schema=schema).sort("aicc", "family", nulls_last=True)
        return frame.with_columns(pl.col(pl.Float64).round_sig_figs(6))
