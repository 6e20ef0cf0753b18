"""Exploration: questions about losses or an intake go in; tables come out.

Modules:
    questions: which losses to describe, and the tables that answer
    loss_tables: tables of losses and of fitted severity
    intake_query: counts of an intake whose claims are still coming in
"""
