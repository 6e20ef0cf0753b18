"""Comparison: several policies go in; their cost differences on the same simulated draws come out.

Modules:
    compare_policies: `compare`, its result tables and summary sentence
    benefits: the share of the loss, the claims made whole and the largest shortfall under a policy
    replaced_losses: the share of a loss that each policy pays
"""
