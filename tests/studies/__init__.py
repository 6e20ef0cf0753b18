"""Studies whose tables docs/method.md shows. Each is a script that writes its table, with a test."""
