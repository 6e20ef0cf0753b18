"""New projects: TOML files, synthetic claims and notebooks for an outage of your own."""
