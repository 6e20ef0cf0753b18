"""Back-test: a specification and a ledger as of an earlier day go in; forecasts with scores come out.

Modules:
    evaluation: `backtest`, case by case
    stage_forecasts: the forecast of each stage of the funnel
    mixed_binomial: counts whose rate is uncertain
    benchmarks: simple forecasts to beat
    scores: CRPS and other scores
    results: tables and sentences of the result
"""
