"""Uncertainty: a portfolio of cost lines goes in; a sample of each total comes out.

Modules:
    portfolio: cost lines as streams of claims
    policy_streams: a policy compiled to streams
    claim_units: claims that are drawn together
    sobol: scrambled Sobol points
    count_process: accepted counts and payments, given the inputs
    inverse_counts: counts by inversion
    award_sums: sums of awards of random size
    simulation: `simulate`, one run
    samples: quantiles and chances of a sample, with numerical error
    decomposition: which part of the variance comes from where
    tables: the run as tables
"""
