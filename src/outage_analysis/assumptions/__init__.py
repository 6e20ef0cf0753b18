"""Assumptions: a ledger document goes in; uncertain inputs with distribution, owner and source come out.

Modules:
    ledger: loads the ledger or builds one from reference classes, changes a value, and lists it as a table;
        its entries are rates, factors, mean payments, awards, the cost of handling, shares per loss band
    distributions: the distributions that a ledger may state, and tabulated quantiles for fast sampling; the
        rule that turns comparable schemes into a distribution of a rate, and updates it with counts
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.assumptions.distributions import FloatArray
    from outage_analysis.assumptions.ledger import (
        REFERENCE_LEDGER,
        Assumption,
        Award,
        BandMix,
        Handling,
        LateClaims,
        Ledger,
        MeanPayment,
        MixBand,
        PaidTotal,
        Range,
        RateAssumption,
        bundled_ledger,
        distribution_text,
        example_warning,
        grade_label,
        ledger_table,
        load_ledger,
        rates_by_effort,
        reference_ledger,
        value_and_range,
    )
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
