"""Comparison: several policies go in; their cost differences on the same simulated draws come out.

Modules:
    compare_policies: the costs on the same draws, ranks, dominated policies, and sentences about them
    row_payments: what a policy pays per accepted claim in each row of a cube
    benefits: the share of the loss, the claims made whole and the largest shortfall under a policy
    winners_and_losers: who gets more, less or the same under another policy
"""
