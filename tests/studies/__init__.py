"""Studies whose tables docs/validation.md shows. Each is a script that writes its table, with a test."""
