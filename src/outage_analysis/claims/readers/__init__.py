"""File readers, one per format: each stages the rows of a file for validation."""
