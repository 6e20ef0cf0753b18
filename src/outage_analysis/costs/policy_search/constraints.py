"""Constraints of a search besides the budget: payments rise with the loss, and no cliff is too high."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.policy_search.loss_intervals import FlagArray, IntArray, VariedLine
from outage_analysis.policies import SHARE_SCALE, Policy

BUDGET, MONOTONE, MAX_CLIFF = "budget", "monotone", "max_cliff"
"""The names of the constraints."""


def statutory_lines(policy: Policy) -> frozenset[str]:
    """Return the ids of the lines whose payments are fixed by law, so that no search varies them."""
    return frozenset(line.id for line in policy.lines if line.statutory)


@dataclass(frozen=True, eq=False)
class Jumps:
    """The jumps of the payments of candidates at the edges of loss bands.

    Args:
        largest: the largest jump upwards, (candidates,), in the smallest unit of the currency.
        falls: whether a payment falls at an edge, (candidates,).
    """

    largest: FloatArray
    falls: FlagArray


def ordered_edges(lines: Sequence[VariedLine], candidates: IntArray) -> FlagArray:
    """Return whether the upper edges of each candidate increase, (candidates,)."""
    ordered = np.ones(len(candidates), dtype=bool)
    for line in lines:
        cuts = line.candidate_cuts(candidates)
        ordered &= (np.diff(cuts, axis=1) > 0).all(axis=1)
        if cuts.shape[1]:
            ordered &= cuts[:, 0] > 0
    return ordered


def payment_jumps(lines: Sequence[VariedLine], candidates: IntArray) -> Jumps:
    """Return how the payments of candidates jump at the edges of the loss bands of the varied lines.

    The first jump is from a loss of zero to the smallest loss. Edges are left out if neither they nor the
    payments beside them vary, if the claims on one side are reviewed, and if the band above is announced to
    pay nothing, which no candidate changes.
    """
    largest, falls = np.zeros(len(candidates)), np.zeros(len(candidates), dtype=bool)
    for line in lines:
        cuts = line.candidate_cuts(candidates)
        for tier in range(line.tiers):
            if tier == 0:
                if not line.is_varied(0):
                    continue
                zero = line.schedule.tariff.pay(0)
                below = np.full(len(candidates), np.nan if zero is None else float(zero * SHARE_SCALE))
                above = line.pays_at(0, candidates, np.ones(len(candidates)))
            else:
                edge = (tier - 1, "up_to") in line.places
                if not (edge or line.is_varied(tier) or line.is_varied(tier - 1)):
                    continue
                below = line.pays_at(tier - 1, candidates, cuts[:, tier - 1])
                above = line.pays_at(tier, candidates, cuts[:, tier - 1] + 1)
                if not line.is_varied(tier) and not line.schedule.bands[tier].pays:
                    above = np.full(len(candidates), np.nan)
            jump = np.nan_to_num((above - below) / SHARE_SCALE, nan=0.0)
            largest, falls = np.maximum(largest, jump), falls | (jump < 0)
    return Jumps(largest, falls)
