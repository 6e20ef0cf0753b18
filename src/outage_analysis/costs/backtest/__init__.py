"""A forecast beside what happened."""

from outage_analysis.costs.backtest.counts import MixedBinomial
from outage_analysis.costs.backtest.scores import (
    crps,
    crps_log10,
    crps_uniform,
    decades,
    percentile,
    sharpness,
)

__all__ = [
    "MixedBinomial",
    "crps",
    "crps_log10",
    "crps_uniform",
    "decades",
    "percentile",
    "sharpness",
]
