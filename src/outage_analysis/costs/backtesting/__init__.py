"""Back-test: a specification and a ledger as of an earlier day go in; forecasts with scores come out.

Modules:
    evaluation: `backtest`, which forecasts and scores each outcome
    stage_forecasts: the forecast of each stage of the funnel
    mixed_binomial: the distribution of a count whose rate is uncertain
    scores: CRPS and other scores; benchmark forecasts
    results: result tables and summary sentences
"""
