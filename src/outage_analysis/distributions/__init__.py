"""What a cube says of its losses: bands, quantiles, concentration, comparison, counts for a fit."""

from outage_analysis.distributions.comparison import Comparison, compare, newcombe, wilson
from outage_analysis.distributions.concentration import concentration, lorenz
from outage_analysis.distributions.fitting import (
    LossCounts,
    between_heaps,
    fit_edges,
    loss_counts,
    stated_edges,
)
from outage_analysis.distributions.quantiles import PROBABILITIES, quantiles, summary
from outage_analysis.distributions.selection import Where, select
from outage_analysis.distributions.views import cumulative_intake, display_bands, regroup, with_shares

__all__ = [
    "PROBABILITIES",
    "Comparison",
    "LossCounts",
    "Where",
    "between_heaps",
    "compare",
    "concentration",
    "cumulative_intake",
    "display_bands",
    "fit_edges",
    "lorenz",
    "loss_counts",
    "newcombe",
    "quantiles",
    "regroup",
    "select",
    "stated_edges",
    "summary",
    "wilson",
    "with_shares",
]
