"""Severity distributions fitted to counts of losses in bands, by maximum likelihood.

Methods: Klugman, Panjer and Willmot, Loss Models; Burnham and Anderson, Model Selection and Multimodel
Inference.
"""
