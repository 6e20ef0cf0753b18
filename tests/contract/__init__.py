"""What the package must never lose, told through its public interface.

A test here imports `outage_analysis` as `oa` only, runs the command line, and reads the files that it writes.
"""
