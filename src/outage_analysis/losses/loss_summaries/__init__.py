"""Summaries of the losses in a cube: quantiles, concentration, comparison of groups, counts for a fit."""
