"""The ledger of assumptions: laws, the written rule behind rates, kinds of entry, the list of them."""

from outage_analysis.assumptions.band_mixes import BandMix, MixBand
from outage_analysis.assumptions.entries import Entry, Range
from outage_analysis.assumptions.ledger import Assumption, Correlation, Ledger, bundled_ledger, load_ledger
from outage_analysis.assumptions.rates import Factor, MeanPayment, PaidTotal, RateAssumption, Stated
from outage_analysis.assumptions.reviews import Award, AwardRule, Handling
from outage_analysis.assumptions.rule import reference_class_prior

__all__ = [
    "Assumption",
    "Award",
    "AwardRule",
    "BandMix",
    "Correlation",
    "Entry",
    "Factor",
    "Handling",
    "Ledger",
    "MeanPayment",
    "MixBand",
    "PaidTotal",
    "Range",
    "RateAssumption",
    "Stated",
    "bundled_ledger",
    "load_ledger",
    "reference_class_prior",
]
