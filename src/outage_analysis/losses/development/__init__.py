"""Development: counts of an intake go in; a forecast of the claims still to come comes out.

Modules:
    intake_counts: counts from a published intake or a cube
    observed_counts: cumulative counts, checked
    growth_curves: the growth curves
    curve_weights: how well each curve fits
    late_count: the distribution of the late count
    late_claims: the forecast
    bounds: bounds when there are too few counts for a curve
    late_claims_backtest: forecasts from earlier days beside what came
    forecast_tables: the forecast as tables
"""
