"""Sensitivity: a portfolio goes in; the effect of each input on the total comes out.

Modules:
    tornado_and_levers: the inputs of a total, the tornado, and the effect of one step of a decision
    conditions: break-even values, and the inputs of outcomes above a limit
    decisions: inputs that are decided instead of estimated
    variance_shares: Sobol indices
    spline_regression: regression of costs on one input
    information_value: what it is worth to know an input before a decision
"""
