"""Exploration: questions about losses or an intake go in; tables come out.

Modules:
    questions: which losses to describe, and the tables with the answers
    loss_tables: tables of losses and of fitted severity
    intake_query: claim counts over time, as the input of a forecast of late claims
"""
