"""The exact distribution of a total: components with known parameters go in; probabilities come out.

Modules:
    total: `exact_total`
    components: counts and payments of one component
    pooling: joins components that are alike
    lattice: payments as steps of a lattice
    total_distribution: the distribution and what it can answer
"""
