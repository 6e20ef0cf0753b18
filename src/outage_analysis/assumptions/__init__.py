"""Assumptions: a ledger document goes in; uncertain inputs with distribution, owner and source come out.

Modules:
    ledger: loads the ledger or builds one from reference classes, changes a value, and lists it as a table
    entries: rates, factors, mean payments, awards, the cost of handling, shares of reports per loss band
    distributions: the distributions that a ledger may state, and tabulated quantiles for fast sampling
    reference_classes: the rule that turns comparable schemes into a distribution of a rate, and updates it
        with counts
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.assumptions.distributions import FloatArray as FloatArray
    from outage_analysis.assumptions.entries import AMOUNT_KINDS as AMOUNT_KINDS
    from outage_analysis.assumptions.entries import Award as Award
    from outage_analysis.assumptions.entries import BandMix as BandMix
    from outage_analysis.assumptions.entries import Factor as Factor
    from outage_analysis.assumptions.entries import Handling as Handling
    from outage_analysis.assumptions.entries import MeanPayment as MeanPayment
    from outage_analysis.assumptions.entries import MixBand as MixBand
    from outage_analysis.assumptions.entries import OneDistribution as OneDistribution
    from outage_analysis.assumptions.entries import PaidTotal as PaidTotal
    from outage_analysis.assumptions.entries import Range as Range
    from outage_analysis.assumptions.entries import RateAssumption as RateAssumption
    from outage_analysis.assumptions.entries import StatedNumber as StatedNumber
    from outage_analysis.assumptions.ledger import INPUT_UNIT as INPUT_UNIT
    from outage_analysis.assumptions.ledger import LEDGER as LEDGER
    from outage_analysis.assumptions.ledger import REFERENCE_LEDGER as REFERENCE_LEDGER
    from outage_analysis.assumptions.ledger import Assumption as Assumption
    from outage_analysis.assumptions.ledger import Ledger as Ledger
    from outage_analysis.assumptions.ledger import bundled_ledger as bundled_ledger
    from outage_analysis.assumptions.ledger import distribution_text as distribution_text
    from outage_analysis.assumptions.ledger import example_warning as example_warning
    from outage_analysis.assumptions.ledger import grade_label as grade_label
    from outage_analysis.assumptions.ledger import ledger_table as ledger_table
    from outage_analysis.assumptions.ledger import load_ledger as load_ledger
    from outage_analysis.assumptions.ledger import rates_by_effort as rates_by_effort
    from outage_analysis.assumptions.ledger import reference_ledger as reference_ledger
    from outage_analysis.assumptions.ledger import value_and_range as value_and_range

__getattr__, __dir__ = lazy_exports(__name__, __file__)
