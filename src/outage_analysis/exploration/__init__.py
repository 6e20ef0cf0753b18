"""What an analyst asks of losses first."""

from outage_analysis.exploration.asking import Found, Question, explore, explore_grouped
from outage_analysis.exploration.counted import Counted, counted_by_day, counted_on_page
from outage_analysis.exploration.tables import fit_tables, fitted, heap_tables, loss_tables, pairwise

__all__ = [
    "Counted",
    "Found",
    "Question",
    "counted_by_day",
    "counted_on_page",
    "explore",
    "explore_grouped",
    "fit_tables",
    "fitted",
    "heap_tables",
    "loss_tables",
    "pairwise",
]
