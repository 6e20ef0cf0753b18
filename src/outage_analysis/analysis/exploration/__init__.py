"""Exploration tables: how losses are distributed and how many claims are still to come."""
