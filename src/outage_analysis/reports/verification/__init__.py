"""Verification: a written report goes in; the first difference and its cause come out.

Modules:
    verify: `verify`, the checks in order
    integrity: files against checksums and manifest
    rebuild: the plan of the report, to write it again
    file_differences: where two files differ first
    causes: why they differ
"""
