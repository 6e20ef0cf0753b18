"""The law of the total when the inputs are uncertain: quasi-random draws over the ledger."""

from outage_analysis.costs.uncertainty.draws import half_width, uniforms

__all__ = ["half_width", "uniforms"]
