"""A forecast beside what happened."""
