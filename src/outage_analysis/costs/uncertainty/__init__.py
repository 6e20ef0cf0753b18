"""The distribution of the total when inputs are uncertain, by quasi-random simulation."""
