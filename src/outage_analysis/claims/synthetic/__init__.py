"""Synthetic complaints: published counts and assumptions go in; files of synthetic complaints come out.

Modules:
    synthetic_assumptions: the TOML document with the assumptions, and the counts of rows that follow
    rows: draws the rows in chunks of limited size, and writes them to a file
"""
