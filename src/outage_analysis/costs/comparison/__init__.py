"""Comparison: several policies go in; differences on the same simulated draws come out.

Modules:
    compare_policies: `compare`, its tables and sentence
    replaced_losses: the share of a loss that each policy pays
"""
