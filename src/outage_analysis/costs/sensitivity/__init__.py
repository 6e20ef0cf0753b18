"""What the total is sensitive to."""

from outage_analysis.costs.sensitivity.indices import sobol_indices

__all__ = ["sobol_indices"]
