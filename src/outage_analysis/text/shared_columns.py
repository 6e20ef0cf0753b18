"""Columns that many tables share; each is defined once."""

from __future__ import annotations

import polars as pl

from outage_analysis.text.table_schema import Column, dimension_column

SERVICE = dimension_column("service")
CLAIMANT_TYPE = dimension_column("claimant_type")
FILED_ON = dimension_column("filed_on")
FILED_HOUR = dimension_column("filed_hour")
LINE = Column("line", "name", "Id of the cost line.")
SEGMENT = Column("segment", "data", "Segment of claimants with a payment rule of its own; empty without one.")
VALUATION = Column("valuation", "word", "Kind of cost, such as cash or face_value; never add up two kinds.")
BASIS = Column("basis", "word", "Data source: published counts, claims or synthetic claims.")
OVER = Column("over", "loss", "Lower edge of the loss band, not included; empty if there is none.")
UP_TO = Column("up_to", "loss", "Upper edge of the loss band, included; empty if there is none.")
RULE = Column("rule", "word", "What the policy does in this band: pays, review, straddles, ...; else empty.")
ASSUMPTION = Column("assumption", "name", "Id of the assumption in the ledger.")
KIND = Column("kind", "word", "Kind of the assumption, such as take_up or review_award.")
FACTS = Column("facts", "facts", "Ids of the published facts that the row uses, separated by spaces.")
ASSUMPTIONS = Column("assumptions", "names", "Ids of the assumptions that the row uses, separated by spaces.")
STATUS = Column("status", "word", "Whether there is an expected cost, or why there is none.")
MISSING = Column("missing", "text", "Inputs that the ledger lacks for an expected cost.")
CLAIMS = Column("claims", "count", "Number of claims.")
LOSS = Column("loss", "loss", "Sum of the stated losses; empty if only counts are known.")
LOSS_SQUARED = Column("loss_squared", "loss_squared", "Sum of the squares of the stated losses.")
SHARE_OF_CLAIMS = Column("share", "share", "Share of all claims of the group.")
PUBLIC_ON = Column("public_on", "day", "Day on which it became public.")
BAND = Column("band", "text", "Loss band in words, composed of `over` and `up_to`.")

FLOAT, INTEGER = pl.Float64(), pl.Int64()
