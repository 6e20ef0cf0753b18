"""The exact distribution of a total: components with known parameters go in; probabilities come out.

Modules:
    total: `exact_total`
    components: the count and payment distributions of a group of claims
    pooling: merges components with the same distributions
    lattice: payments as multiples of a common unit
    total_distribution: the result, with probabilities, quantiles, tail means, stop-loss premiums and layers
"""
