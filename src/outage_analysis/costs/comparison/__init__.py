"""Policies compared on the same draws: what differs between them is then their promises alone."""

from outage_analysis.costs.comparison.comparing import Comparison, compare

__all__ = ["Comparison", "compare"]
