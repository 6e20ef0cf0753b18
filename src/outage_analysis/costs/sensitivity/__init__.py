"""Sensitivity: a portfolio goes in; the effect of each input on the total comes out.

Modules:
    inputs: one input at a time
    tornado_and_levers: the tornado, and decisions one step at a time
    conditions: break-evens, and inputs of an expensive outcome
    decisions: inputs that are decided instead of estimated
    variance_shares: Sobol indices
"""
