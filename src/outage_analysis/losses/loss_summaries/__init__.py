"""Loss summaries: a cube goes in; tables about its losses come out.

Modules:
    groups: the claims of each group by band
    regrouping: fewer dimensions and wider bands
    quantiles: counts, means and quantiles with bounds
    concentration: Lorenz curve and Gini coefficient
    group_comparison: two groups side by side
    fit_counts: counts and edges for a fit
"""
