"""Severity: counts of losses in bands go in; fitted severity distributions come out.

The methods are from Klugman, Panjer and Willmot, Loss Models, and from Burnham and Anderson, Model Selection
and Multimodel Inference. The distributions are SciPy's.

Modules:
    grouped: counts of losses in bands
    families: the seven families of distributions, and the likelihood of grouped losses
    severity_fit: `fit_severity` and `fit_all`, which fit one or several families
    fit_displays: the cards of fits, and the curves of their charts
"""
