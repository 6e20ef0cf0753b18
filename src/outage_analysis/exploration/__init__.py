"""What an analyst asks of losses first."""

from outage_analysis.exploration.asking import Found, Question, claims_of, explore, explore_grouped
from outage_analysis.exploration.tables import fit_tables, fitted, heap_tables, loss_tables

__all__ = [
    "Found",
    "Question",
    "claims_of",
    "explore",
    "explore_grouped",
    "fit_tables",
    "fitted",
    "heap_tables",
    "loss_tables",
]
