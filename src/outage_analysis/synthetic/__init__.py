"""Synthetic complaints: published counts matched exactly, all the rest assumed on a TOML page.

Nothing made here is a finding about an incident; every row says of itself that it is synthetic.
"""

from outage_analysis.synthetic.chunks import synthesise, synthetic_chunks
from outage_analysis.synthetic.counts import row_count
from outage_analysis.synthetic.dirt import DIRT, dirt_counts
from outage_analysis.synthetic.page import SyntheticAssumptions, load_synthetic
from outage_analysis.synthetic.writing import write_synthetic

__all__ = [
    "DIRT",
    "SyntheticAssumptions",
    "dirt_counts",
    "load_synthetic",
    "row_count",
    "synthesise",
    "synthetic_chunks",
    "write_synthetic",
]
