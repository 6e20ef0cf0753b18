"""Several families at once: their weights, averages over them, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import nearest
from outage_analysis.losses.severity.families import FAMILIES
from outage_analysis.losses.severity.fit import Fit, Quantity
from outage_analysis.text import Card, Displayable

MIN_WEIGHT = 0.01
"""A family whose weight is below this has no say in averages and ranges."""


@dataclass(frozen=True, repr=False)
class Fits(Displayable, Mapping[str, Fit]):
    """The families that could be fitted, by name, and why the others could not."""

    fitted: Mapping[str, Fit]
    refused: Mapping[str, str]

    def card(self, lang: str = "en") -> Card:
        """The families, likeliest first, and those that could not be fitted."""
        from outage_analysis.losses.severity.display import fits_card

        return fits_card(self, lang)

    def __getitem__(self, name: str) -> Fit:
        """The fit of one family.

        Raises:
            ModelRefused: it was refused; the reason is said.
            UsageError: it was not asked for.
        """
        if name in self.fitted:
            return self.fitted[name]
        if name in self.refused:
            raise ModelRefused(self.refused[name])
        raise UsageError("no such family", value=name, remedy=nearest(name, list(FAMILIES)))

    def __iter__(self) -> Iterator[str]:
        """The names of the families that were fitted."""
        return iter(self.fitted)

    def __len__(self) -> int:
        """How many were fitted."""
        return len(self.fitted)

    def __contains__(self, name: object) -> bool:
        """Whether a family was fitted."""
        return name in self.fitted

    @property
    def weights(self) -> Mapping[str, float]:
        """Akaike weights by the corrected criterion: they add up to 1."""
        scores = np.array([fit.aicc for fit in self.fitted.values()])
        if not np.isfinite(scores).any():
            raise ModelRefused("there are too few losses to weigh families", remedy="Fit one, the simplest.")
        heights = np.exp(-(scores - scores.min()) / 2)
        return MappingProxyType(dict(zip(self.fitted, (heights / heights.sum()).tolist(), strict=True)))

    @property
    def best(self) -> Fit:
        """The fit of the greatest weight."""
        return self.fitted[max(self.weights, key=self.weights.__getitem__)]

    def average(self, quantity: Quantity, least_weight: float = MIN_WEIGHT) -> float:
        """A quantity averaged over the families by weight; infinite as soon as it is under one of them."""
        said = self._weighty_values(quantity, least_weight)
        total = sum(self.weights[name] for name in said)
        return sum(self.weights[name] * value for name, value in said.items()) / total

    def range(self, quantity: Quantity, least_weight: float = MIN_WEIGHT) -> tuple[float, float]:
        """The least and the greatest of it between the families: what the choice of one decides."""
        said = self._weighty_values(quantity, least_weight)
        return min(said.values()), max(said.values())

    def _weighty_values(self, quantity: Quantity, least_weight: float) -> dict[str, float]:
        said = {n: f.value(quantity) for n, f in self.fitted.items() if self.weights[n] >= least_weight}
        if not said:
            raise UsageError("no family weighs that much", value=least_weight)
        return said

    def table(self) -> pl.DataFrame:
        """One row a family, likeliest first.

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
