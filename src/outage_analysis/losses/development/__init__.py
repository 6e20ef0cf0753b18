"""Development: cumulative counts of claims go in; a forecast of the claims still to be filed comes out.

Modules:
    growth_curves: curves of the share of claims filed by each time, weighted by how well they fit the counts
    late_claims: the counts of an intake by day, and the forecast of its late claims
"""
