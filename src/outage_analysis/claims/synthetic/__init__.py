"""Synthetic complaints: published counts are matched exactly, everything else is assumed in a TOML file."""
