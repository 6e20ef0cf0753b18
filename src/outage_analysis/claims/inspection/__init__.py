"""Inspection of an unknown file: its columns, and a layout file that would read it."""
