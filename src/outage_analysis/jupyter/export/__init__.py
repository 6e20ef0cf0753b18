"""Notebooks executed with parameters and exported as one offline page."""
