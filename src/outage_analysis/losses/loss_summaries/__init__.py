"""Loss summaries: a cube goes in; tables about its losses come out.

Modules:
    groups: the claims of each group by loss band, and sums of a cube over dimensions
    quantiles: counts, means and quantiles of losses, with bounds
    concentration: Lorenz curve and Gini coefficient of losses
    group_comparison: compares the losses of two groups
    fit_counts: counts losses by band as the input of a severity fit
"""
