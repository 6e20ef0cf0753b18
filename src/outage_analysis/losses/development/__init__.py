"""Development: cumulative counts of claims go in; a forecast of the claims still to be filed comes out.

Modules:
    intake_forecasts: cumulative counts from a published intake or a cube, and their forecast as tables
    growth_curves: curves of the share of claims filed by each time, weighted by how well they fit the counts
    late_claims: the number of late claims, and forecasts made at earlier times compared with later counts
"""
