"""File readers: one per format, each staging the rows of a file for validation."""
