"""Verify a written report: compare checksums, rebuild it, and name the cause of any difference."""
