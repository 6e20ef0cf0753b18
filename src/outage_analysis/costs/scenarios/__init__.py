"""Scenarios: a simulation and a document of stresses go in; the cost under each stress comes out.

Modules:
    scenario_documents: the TOML document of scenarios
    stressed_terms: the terms of a simulation under one scenario
    scenario_table: the table of scenarios, on the random points of the simulation
"""
