"""Development: cumulative counts of claims go in; a forecast of the claims still to be filed comes out.

Modules:
    intake_counts: cumulative claim counts from a published intake or from a cube
    observed_counts: checks cumulative counts, converts them to increments, and bounds late claims
    growth_curves: curves of the share of claims filed by each time
    curve_weights: weights of the curves by how well they fit the counts
    late_count: the distribution of the number of late claims
    late_claims: the forecast of late claims
    late_claims_backtest: forecasts made at earlier times, compared with the later counts
    forecast_tables: the forecast as tables
"""
