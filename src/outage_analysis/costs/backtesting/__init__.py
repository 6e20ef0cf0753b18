"""Back-test: forecasts as of an earlier day, scored against the outcomes published later."""
