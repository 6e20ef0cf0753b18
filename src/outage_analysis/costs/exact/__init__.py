"""The exact distribution of a total: components with known parameters go in; probabilities come out.

Modules:
    total: `exact_total`
    components: the count and payment distributions of a group of claims
    lattice: payments as multiples of a common unit; merges equal components
    total_distribution: the result, with probabilities, quantiles and tail means
"""
