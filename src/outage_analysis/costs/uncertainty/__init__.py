"""Uncertainty: a portfolio of cost lines goes in; a sample of each total comes out.

Modules:
    portfolio: cost lines as terms, which depend on the uncertain inputs
    claim_units: groups of claims whose accepted number is one draw
    sobol: scrambled Sobol points
    rank_correlation: points with given rank correlations
    count_process: accepted counts and payments, given the inputs
    inverse_counts: binomial and Poisson counts, drawn by inversion
    award_sums: sums of awards of random size
    simulation: `simulate`, which simulates the totals of a portfolio, and the resulting samples
    browser_model: a simulation as data from which a web page computes the distribution again
    schemas: the columns of the result tables
    tables: the result tables of a simulation: quantiles, distribution, split of the variance
    cost_ranges: the likely range of each kind of cost and each cost line, beside what was announced
"""
