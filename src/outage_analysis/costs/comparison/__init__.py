"""Comparison: several policies go in; their cost differences on the same simulated draws come out.

Modules:
    compare_policies: the costs on the same draws, ranks, dominated policies, and sentences about them
    benefits: what a policy pays per accepted claim, and the share of the losses that this replaces
    winners_and_losers: who gets more, less or the same under another policy
"""
