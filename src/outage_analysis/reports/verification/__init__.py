"""Verification: a written report goes in; the first difference and its cause come out.

Modules:
    verify: runs all checks in order and names the likeliest cause of a difference
    integrity: compares the files with the checksums and the manifest
    rebuild: recreates the plan of a report, to write the report again
    file_differences: finds the first difference between two files
"""
