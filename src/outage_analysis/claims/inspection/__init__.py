"""Inspect an unknown complaint file: describe its columns and propose a layout file that reads it."""
