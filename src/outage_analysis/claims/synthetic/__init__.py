"""Synthetic complaints: published counts and assumptions go in; files of synthetic rows come out.

Modules:
    synthetic_assumptions: the document: counts to match and everything that is assumed
    counts: rows per kind, in proportion
    rows: the columns of the rows
    chunks: rows in chunks of bounded size, written to a file
    dirt: rows that each break one rule, for teaching and tests
"""
