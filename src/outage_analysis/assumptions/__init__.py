"""Assumptions: a ledger document goes in; uncertain inputs with distribution, owner and source come out.

Modules:
    ledger: loads the ledger, changes a value of it, and lists it as a table
    entries: entries that are one number (rates, factors, mean payments) or shares of reports per loss band
    reviews: entries about awards and about handling claims
    distributions: the distributions that a ledger may state, and tabulated quantiles for fast sampling
    reference_classes: the rule that turns comparable schemes into a distribution of a rate, and updates it
        with counts
    reference_rates: builds a ledger from reference classes
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.assumptions.distributions import FloatArray
    from outage_analysis.assumptions.entries import (
        AMOUNT_KINDS,
        BandMix,
        Factor,
        MeanPayment,
        MixBand,
        OneDistribution,
        PaidTotal,
        Range,
        RateAssumption,
        StatedNumber,
    )
    from outage_analysis.assumptions.ledger import (
        INPUT_UNIT,
        LEDGER,
        Assumption,
        Ledger,
        bundled_ledger,
        distribution_text,
        example_warning,
        grade_label,
        ledger_table,
        load_ledger,
        value_and_range,
    )
    from outage_analysis.assumptions.reference_classes import (
        class_groups,
        published_spread,
        reference_class_prior,
    )
    from outage_analysis.assumptions.reference_rates import (
        REFERENCE_LEDGER,
        rates_by_effort,
        reference_ledger,
    )
    from outage_analysis.assumptions.reviews import Award, Handling

__getattr__, __dir__ = lazy_exports(__name__, __file__)
