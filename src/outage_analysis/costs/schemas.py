"""The columns of the cost table and of its totals."""

from __future__ import annotations

from outage_analysis.text import (
    ASSUMPTIONS,
    BASIS,
    CLAIMANT_TYPE,
    FACTS,
    FLOAT,
    LINE,
    MISSING,
    OVER,
    RULE,
    SEGMENT,
    SERVICE,
    STATUS,
    UP_TO,
    VALUATION,
    Column,
    TableSchema,
)

PROMISED = Column("promised", "money", "Cost if everyone counted is paid under the fixed rules.")
LOW = Column("low", "money", "Lower bound of the expected cost: every input at its low end.")
EXPECTED = Column("expected", "money", "Expected cost; empty if the ledger lacks an input.")
HIGH = Column("high", "money", "Upper bound of the expected cost: every input at its high end.")
MOST = Column(
    "most", "money", "Bound of the total: every claim gets its largest payment; empty without a limit."
)

COSTS = TableSchema(
    "One row per cost line (`level` is line) and one per line, service and loss band (`level` is band).",
    (
        BASIS,
        LINE,
        VALUATION,
        Column("level", "text", "`line` or `band`; add up rows of one level only."),
        SERVICE,
        CLAIMANT_TYPE,
        SEGMENT,
        OVER,
        UP_TO,
        RULE,
        Column(
            "count", "count", "Number of reports, claims or people that the cost is computed from.", FLOAT
        ),
        PROMISED,
        LOW,
        EXPECTED,
        HIGH,
        MOST,
        STATUS,
        MISSING,
        FACTS,
        ASSUMPTIONS,
    ),
)
"""The columns of `cost_table`.

Never add rows of different `valuation`. `low` and `high` bound the expected cost: low <= expected <= high.

The meaning of `most` by kind of line:

- schedule: the count, times the largest `ultimate`, times the largest payment; with claims, the payment of
  each claim or the largest payment in its band. Null with new applicants, because no count limits them, and
  with a review whose award has no largest value or varies between claims.
- free good: everyone entitled, or the cap, times the value of one. Fee credit: every subscriber, or the fact
  that limits their number, times the credit.
- budget: the amount or its `high`, or the amount times the largest `realised_ratio`; once known, the amount
  actually paid. Null for a `top_down` amount without a stated ratio.
- handling, and a line whose total is known: the largest value that the ledger allows.
"""
TOTALS = TableSchema(
    "One row per data source and kind of cost.",
    (
        BASIS,
        VALUATION,
        Column("promised", "money", PROMISED.description, shown=False),
        LOW,
        EXPECTED,
        HIGH,
        MOST,
        Column("left_out", "names", "Ids of the cost lines without an expected cost, which no sum includes."),
    ),
)
"""The columns of `totals`."""
