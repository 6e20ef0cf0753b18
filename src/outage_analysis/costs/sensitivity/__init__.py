"""Sensitivity of the total to each input: tornado, levers, break-evens, Sobol indices."""
