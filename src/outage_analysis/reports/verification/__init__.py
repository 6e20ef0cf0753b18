"""Verification of a written report: checksums, a rebuild, and the cause of any difference."""
