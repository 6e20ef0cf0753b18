"""Severity: counts of losses in bands go in; fitted severity distributions come out.

The methods are from Klugman, Panjer and Willmot, Loss Models, and from Burnham and Anderson, Model Selection
and Multimodel Inference.

Modules:
    fitting: `fit_grouped` and `fit_all`, which fit one or several families and average them
    grouped: counts of losses in bands
    families: the seven families of distributions
    fit: one fitted distribution with its standard errors, intervals and goodness of fit
    severity_fit: `fit_severity`, one fit to plain lists, with a chart
    newton: finds the maximum of a smooth function
    intervals: confidence intervals
    fitted_curves: curves of fitted distributions for charts
    display: shows fits as text and HTML
"""
