"""What claimants get under each candidate, if each claim is accepted.

The measures are exact if the cube has an edge at each loss that a payment replaces exactly; `loss_cuts`
returns these edges. Otherwise they are guaranteed: the true value is at least as good.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import polars as pl

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.claim_payments import rows_with_formula
from outage_analysis.costs.comparison.benefits import LossCells, measure_benefits
from outage_analysis.costs.policy_search.candidates import IntArray, VariedLine, largest_shortfall
from outage_analysis.costs.policy_search.parameters import Parameter
from outage_analysis.losses import Cube
from outage_analysis.policies import MAX_STEPS, SHARE_SCALE, Policy, Schedule

REPLACED, MADE_WHOLE, SHORTFALL, PER_CLAIM = "replaced", "made_whole", "shortfall", "per_claim"
OBJECTIVES = (REPLACED, MADE_WHOLE, SHORTFALL, PER_CLAIM)
"""What a search can maximise; of the shortfall it takes the smallest."""
CHUNK = 4_000_000
"""At most about this many payments are computed at once."""


def loss_cuts(parameters: Sequence[Parameter], shown: Sequence[Policy]) -> list[int]:
    """Return the losses at which a payment equals the loss, as far as there is room for them.

    A payment of `fixed + share x loss` replaces losses up to fixed / (1 - share).

    Args:
        parameters: the parameters with the values that are tried.
        shown: the announced policy, which is varied, and further policies.
    """
    if shown[0].loss_unit != shown[0].currency:
        return []
    pairs: set[tuple[int, int]] = set()
    for line in shown[0].schedules:
        tried = {(p.tier, p.kind): p.values for p in parameters if p.line == line.id}
        for tier, band in enumerate(line.bands):
            shares = tried.get((tier, "share"), (0,))
            pairs.update(product(tried.get((tier, "payment"), (band.fixed,)), shares))
    rules = (rule for p in shown for line in p.schedules for _, t in line.tariffs for _, rule in t.rules())
    pairs.update((rule.fixed, rule.share) for rule in rules)
    cuts = {fixed * SHARE_SCALE // (SHARE_SCALE - share) for fixed, share in pairs if share < SHARE_SCALE}
    room = MAX_STEPS - len({cut for each in shown for cut in each.breakpoints})
    return sorted(cut for cut in cuts if cut > 0)[: max(room, 0)]


def shown_benefits(
    policies: Sequence[Policy],
    cube: Cube | None,
    lines: Sequence[VariedLine],
    candidates: IntArray,
    *,
    with_claims: bool,
) -> list[dict[str, FloatArray]]:
    """Return what claimants get under all candidates, and then under each policy, by objective.

    The replaced share is of the losses of all claims; the shortfall is of claims that some policy entitles.

    Args:
        policies: the announced policy, which is varied, and further policies.
        cube: the cube of claims, or of the claimants of the one varied line; None if it is not known which
            claims the varied lines pay together.
        lines: the varied lines.
        candidates: the values of each candidate, (candidates, parameters).
        with_claims: whether there are claims; without, only the largest shortfall may be known.

    Returns:
        One dictionary for the candidates and one per policy; arrays are (candidates,) or (1,).
    """
    known: list[dict[str, FloatArray]] = [{} for _ in ("candidates", *policies)]
    if policies[0].loss_unit != policies[0].currency or (with_claims and cube is None):
        return known
    none = np.zeros((1, 0), dtype=np.int64)
    if cube is None:
        same = [[policy.schedule(line.schedule.id) for line in lines] for policy in policies]
        stated = [[VariedLine.from_parameters(x, ()) for x in own if x] for own in same]
        lacking = [largest_shortfall(lines, candidates)]
        lacking += [largest_shortfall(x, none) if len(x) == len(lines) else None for x in stated]
        return [{} if x is None else {SHORTFALL: x} for x in lacking]
    paid = [_paid(line, cube) for policy in policies for line in _lines_of(policy, cube)]
    entitled = sum((own[3] for own in paid), np.zeros(len(cube.frame)))
    varied = _claim_benefits(
        policies[0], cube, entitled, lines, [line.payments(candidates) for line in lines]
    )
    return [varied, *(_claim_benefits(policy, cube, entitled, (), ()) for policy in policies)]


def _claim_benefits(
    policy: Policy,
    cube: Cube,
    entitled: FloatArray,
    lines: Sequence[VariedLine],
    payments: Sequence[FloatArray],
) -> dict[str, FloatArray]:
    # The benefits of all candidates or, without lines, of a policy.
    claims, places = LossCells.from_rows(cube.frame), [line.intervals_in(cube) for line in lines]
    same = np.zeros((3, len(cube.frame)))
    for schedule in _lines_of(policy, cube):
        varied = [own for line, own in zip(lines, places, strict=True) if line.schedule.id == schedule.id]
        alike = (np.array(varied) < 0).all(axis=0)  # a varied line adds only what all candidates pay alike
        same += _paid(schedule, cube)[:3] * alike
    count = len(payments[0]) if lines else 1
    stated = np.where(claims.stated, claims.loss, 0.0)
    replaced, whole, shortfall = np.zeros((3, count))
    keys, which = np.unique(np.vstack([*places, entitled > 0]), axis=1, return_inverse=True)
    for number, key in enumerate(keys.T):  # the claims of the same intervals
        mine = which.ravel() == number
        own = claims.where(mine)
        paid = [x[:, place] for x, place in zip(payments, key[:-1].astype(int), strict=True) if place >= 0]
        distinct, back = np.unique(sum(paid, np.zeros((count, 3))), axis=0, return_inverse=True)
        rows = max(1, CHUNK // max(len(own.claims), 1))
        found = []
        for first in range(0, len(distinct), rows):
            fixed, share, reviewed = same[:, None, mine] + distinct[first : first + rows].T[:, :, None]
            got = measure_benefits(own, fixed, np.minimum(share, 1.0), reviewed > 0)
            found.append((got["replaced_low"], got["made_whole_low"], got["largest_shortfall"] * key[-1]))
        share_paid, full, lacking = np.concatenate(found, axis=1)[:, back.ravel()]
        replaced += np.nan_to_num(share_paid) * stated[mine].sum()
        whole, shortfall = whole + full, np.maximum(shortfall, lacking)
    if not stated.any():
        return {}
    return {REPLACED: replaced / stated.sum(), MADE_WHOLE: whole, SHORTFALL: shortfall}


def _lines_of(policy: Policy, cube: Cube) -> list[Schedule]:
    # The lines that pay the claims of a cube: those that pay per claim, or the line of claimants.
    if cube.line is not None:
        return [line for line in policy.schedules if line.id == cube.line]
    return [line for line in policy.schedules if line.grain == "claim"]


def _paid(line: Schedule, cube: Cube) -> FloatArray:
    # The fixed payment, the share, whether claims are reviewed and whether they are entitled, (4, rows).
    # A row without a single formula counts as paid nothing, so that benefits are guaranteed.
    rows = rows_with_formula(cube, line)
    reviewed = pl.col("entitled") & (pl.col("rule") == "review").fill_null(value=False)
    flat = pl.col("fixed") + pl.col("rounded_down")
    pays = pl.col("entitled") & ~reviewed & flat.is_not_null()
    columns = [pl.when(pays).then(x).otherwise(0).cast(pl.Float64) for x in (flat, pl.col("slope"))]
    columns += [reviewed.cast(pl.Float64), pl.col("entitled").cast(pl.Float64)]
    return rows.select(x.alias(str(n)) for n, x in enumerate(columns)).to_numpy().T


def largest_claim_loss(cube: Cube) -> int | None:
    """Return the largest possible loss of a claim in a cube; None if it is unknown."""
    largest = 0
    for over, up_to, claims, loss in cube.frame.select("over", "up_to", "claims", "loss").iter_rows():
        if claims and over is not None and over >= 0:
            rest = None if loss is None else loss - (claims - 1) * (over + 1)
            ends = [end for end in (up_to, rest) if end is not None]
            if not ends:
                return None
            largest = max(largest, min(ends))
    return largest
