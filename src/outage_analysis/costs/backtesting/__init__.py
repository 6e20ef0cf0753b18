"""Back-test: forecasts made as of an earlier day, scored against the published outcome."""
