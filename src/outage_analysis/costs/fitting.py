"""Which assumptions can be used for a policy: a mix must be stated on the bands of the line it is for."""

from __future__ import annotations

from outage_analysis.assumptions import Assumption, BandMix, Ledger
from outage_analysis.policies import CostLine, Policy, Schedule


def fits(entry: Assumption, line: CostLine) -> bool:
    """Whether an assumption can be used for a line."""
    if not isinstance(entry, BandMix) or not isinstance(line, Schedule):
        return True
    return [(b.over, b.up_to) for b in entry.bands] == [(b.over, b.up_to) for b in line.bands]


def fitted(ledger: Ledger, policy: Policy) -> Ledger:
    """The ledger without the mixes that are stated on other bands than the policy's."""
    lines = {line.id: line for line in policy.lines}
    kept = []
    for entry in ledger.assumptions:
        mine = tuple(id_ for id_ in entry.lines if id_ not in lines or fits(entry, lines[id_]))
        if mine:
            kept.append(entry if mine == entry.lines else entry.model_copy(update={"lines": mine}))
    return ledger.model_copy(update={"assumptions": tuple(kept)})
