"""The exact distribution of a total when every parameter is known."""
