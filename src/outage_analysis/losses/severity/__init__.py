"""Severity: counts of losses in bands go in; fitted severity distributions come out.

Methods: Klugman, Panjer and Willmot, Loss Models; Burnham and Anderson, Model Selection and Multimodel
Inference.

Modules:
    fitting: `fit_grouped` and `fit_all`
    grouped: grouped losses
    families: the seven families
    fit: one fitted distribution
    newton: the maximum of a smooth function
    goodness: goodness of fit
    intervals: confidence intervals
    averaging: several families averaged
    fitted_curves: fitted curves for charts
    known: band shares when only a median or a mean is known
    display: fits as text and HTML
"""
