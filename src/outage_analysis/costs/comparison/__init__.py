"""Policies compared on the same simulated inputs, so that only their rules differ."""
