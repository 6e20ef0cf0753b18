"""What-if sliders that recompute the expected cost, for the report page and for notebooks."""
