"""Comparison: several policies go in; their cost differences on the same simulated draws come out.

Modules:
    compare_policies: `compare`, its result tables and summary sentence
    replaced_losses: the share of a loss that each policy pays
"""
