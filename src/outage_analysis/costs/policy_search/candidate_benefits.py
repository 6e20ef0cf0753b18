"""What claimants get under each candidate, if each claim is accepted.

The measures are exact if the cubes have an edge at each loss that a payment replaces exactly; `loss_cuts`
returns these edges. Otherwise they are guaranteed: the true value is at least as good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.claim_payments import rows_with_formula
from outage_analysis.costs.comparison.benefits import LossCells, measure_benefits
from outage_analysis.costs.policy_search.loss_intervals import Formulas, IntArray, VariedLine
from outage_analysis.costs.policy_search.parameters import Parameter
from outage_analysis.losses import Cube
from outage_analysis.policies import MAX_STEPS, SHARE_SCALE, Policy, Schedule
from outage_analysis.text import TABLE_DIGITS

REPLACED, MADE_WHOLE, SHORTFALL, PER_CLAIM = "replaced", "made_whole", "shortfall", "per_claim"
OBJECTIVES = (REPLACED, MADE_WHOLE, SHORTFALL, PER_CLAIM)
"""What a search can maximise; of the shortfall it takes the smallest."""
SMALLER_IS_BETTER = frozenset((SHORTFALL,))
CHUNK = 4_000_000
"""At most about this many numbers are computed at once."""


@dataclass(frozen=True, eq=False)
class Measures:
    """What claimants get, per candidate or policy: each array has the shape (candidates,).

    Args:
        values: objective -> its value; objectives that are not known are left out.
    """

    values: Mapping[str, FloatArray]

    def rank_values(self, objective: str) -> FloatArray:
        """Return the values of an objective so that larger is better, rounded so that equal values tie."""
        rounded = significant(self.values[objective])
        return np.asarray(-rounded if objective in SMALLER_IS_BETTER else rounded)


def significant(values: FloatArray, digits: int = TABLE_DIGITS) -> FloatArray:
    """Return values rounded to significant digits, so that values that differ only by rounding are equal."""
    return pl.Series(values, dtype=pl.Float64).round_sig_figs(digits).to_numpy()


def loss_cuts(parameters: Sequence[Parameter], shown: Sequence[Policy]) -> tuple[int, ...]:
    """Return the losses at which a payment equals the loss, as far as there is room for them.

    A payment of `fixed + share x loss` replaces losses up to fixed / (1 - share).

    Args:
        parameters: the parameters with the values that are tried.
        shown: the announced policy, which is varied, and further policies.
    """
    policy = shown[0]
    if policy.loss_unit != policy.currency:
        return ()
    pairs: set[tuple[int, int]] = set()
    for line in policy.schedules:
        tried = {(p.tier, p.kind): p.values for p in parameters if p.line == line.id}
        for tier, band in enumerate(line.bands):
            shares = tried.get((tier, "share"), (0,))
            pairs.update(product(tried.get((tier, "payment"), (band.fixed,)), shares))
    rules = (rule for p in shown for line in p.schedules for _, t in line.tariffs for _, rule in t.rules())
    pairs.update((rule.fixed, rule.share) for rule in rules)
    cuts = {fixed * SHARE_SCALE // (SHARE_SCALE - share) for fixed, share in pairs if share < SHARE_SCALE}
    room = MAX_STEPS - len({cut for each in shown for cut in each.breakpoints})
    return tuple(sorted(cut for cut in cuts if cut > 0)[: max(room, 0)])


@dataclass(frozen=True, eq=False)
class BenefitCells:
    """Claims of one cube with what unvaried lines pay for them, and their group under each varied line.

    Args:
        cells: the claims.
        groups: per varied line, the group of each cell, (lines, cells); -1 if all candidates pay it alike.
        fixed: what claims are paid apart from the groups, (cells,).
        share: the share of the loss that is paid apart from the groups, (cells,).
        reviewed: whether claims are reviewed apart from the groups, (cells,).
        entitled: above 0 for claims that some policy entitles; only they count for the largest shortfall.
    """

    cells: LossCells
    groups: IntArray
    fixed: FloatArray
    share: FloatArray
    reviewed: FloatArray
    entitled: FloatArray


def cells_of_cube(cube: Cube) -> LossCells:
    """Return the rows of a cube as cells; losses of 0 and unknown losses are marked as not stated."""
    rows = cube.frame.select("over", "up_to", "claims", "loss").rows()
    over = np.array([0.0 if o is None else float(max(o, 0)) for o, _, _, _ in rows])
    up_to = np.array([np.inf if u is None else float(u) for _, u, _, _ in rows])
    stated = np.array([o is not None and (u is None or u > 0) and x is not None for o, u, _, x in rows], bool)
    claims = np.array([float(n) for _, _, n, _ in rows])
    losses = np.array([float(x or 0) for _, _, _, x in rows])
    return LossCells(claims, losses, over, np.where(stated, up_to, 0.0), stated)


def paid_by_line(line: Schedule, cube: Cube) -> tuple[Formulas, FloatArray]:
    """Return what a line pays for each row of a cube, and whether the row is entitled, all (rows,).

    A row without a single formula counts as paid nothing, so that benefits are guaranteed.
    """
    rows = rows_with_formula(cube, line)
    columns = rows.select("entitled", "rule", pl.col("fixed") + pl.col("rounded_down"), "slope").rows()
    fixed, share, reviewed, entitled = np.zeros((4, len(columns)))
    for place, (own, rule, flat, slope) in enumerate(columns):
        entitled[place] = bool(own)
        if own and rule == "review":
            reviewed[place] = 1.0
        elif own and flat is not None:
            fixed[place], share[place] = float(flat), float(slope)
    return Formulas(fixed, share, reviewed), entitled


def benefit_cells(
    policy: Policy, cube: Cube, lines: Sequence[VariedLine], entitled: FloatArray
) -> BenefitCells:
    """Return the claims of a cube with the payments that candidates share.

    Args:
        policy: the announced policy.
        cube: the cube of claims, or of the claimants of the one varied line.
        lines: the varied lines.
        entitled: above 0 for the rows that some policy entitles, (rows,).
    """
    varied = {line.schedule.id: place for place, line in enumerate(lines)}
    groups = np.full((len(lines), len(cube.frame)), -1, dtype=np.int64)
    base = np.zeros((3, len(cube.frame)))
    bands = cube.frame.select("over", "up_to").rows()
    for schedule in lines_of_cube(policy, cube):
        paid, own = paid_by_line(schedule, cube)
        amounts = np.array([paid.fixed, paid.share, paid.reviewed])
        if schedule.id in varied:
            line = lines[varied[schedule.id]]
            last = rows_with_formula(cube, schedule)["tariff"].to_numpy() == len(schedule.tariffs) - 1
            found = [line.group_of(band) for band in bands]
            numbers = np.array([-1 if group is None else group for group in found])
            mine = np.where((own > 0) & last, numbers, -1)
            groups[varied[schedule.id]] = mine
            amounts = np.where(mine >= 0, 0.0, amounts)
        base += amounts
    fixed, share, reviewed = base
    return BenefitCells(cells_of_cube(cube), groups, fixed, share, reviewed, entitled)


def lines_of_cube(policy: Policy, cube: Cube) -> list[Schedule]:
    """Return the lines that pay the claims of a cube: those that pay per claim, or the line of claimants."""
    if cube.line is not None:
        return [line for line in policy.schedules if line.id == cube.line]
    return [line for line in policy.schedules if line.grain == "claim"]


def candidate_measures(cells: BenefitCells, formulas: Sequence[Formulas]) -> dict[str, FloatArray]:
    """Return replaced share, claims made whole and largest shortfall of each candidate, (candidates,).

    The share is of the losses of all claims; the shortfall is that of entitled claims.
    """
    count = len(formulas[0].fixed)
    loss, whole, shortfall = np.zeros(count), np.zeros(count), np.zeros(count)
    stated = np.where(cells.cells.stated & (cells.cells.claims > 0), cells.cells.loss, 0.0).sum()
    numbered = np.vstack([cells.groups, cells.entitled > 0])
    keys, which = np.unique(numbered, axis=1, return_inverse=True)
    for number, key in enumerate(keys.T):
        mine = which.ravel() == number
        own = cells.cells.where(mine)
        paid = np.zeros((count, 3 * len(formulas)))
        for place, group in enumerate(key[:-1]):
            if group >= 0:
                line = formulas[place]
                paid[:, 3 * place] = line.fixed[:, group]
                paid[:, 3 * place + 1] = line.share[:, group]
                paid[:, 3 * place + 2] = line.reviewed[:, group]
        distinct, back = np.unique(paid, axis=0, return_inverse=True)
        found = [np.empty(len(distinct)) for _ in range(3)]
        rows = max(1, CHUNK // max(len(own.claims), 1))
        for first in range(0, len(distinct), rows):
            part = distinct[first : first + rows]
            fixed, share, reviewed = (
                base[mine] + part[:, kind::3].sum(axis=1)[:, None]
                for kind, base in enumerate((cells.fixed, cells.share, cells.reviewed))
            )
            got = measure_benefits(own, fixed, np.minimum(share, 1.0), reviewed > 0)
            total = np.where(own.stated & (own.claims > 0), own.loss, 0.0).sum()
            found[0][first : first + rows] = np.nan_to_num(got.replaced_low) * total
            found[1][first : first + rows] = got.made_whole_low
            found[2][first : first + rows] = got.largest_shortfall * key[-1]
        loss += found[0][back.ravel()]
        whole += found[1][back.ravel()]
        shortfall = np.maximum(shortfall, found[2][back.ravel()])
    measures = {MADE_WHOLE: whole, SHORTFALL: shortfall}
    return {REPLACED: loss / stated, **measures} if stated else {}


def edge_shortfall(lines: Sequence[VariedLine], candidates: IntArray) -> FloatArray | None:
    """Return the largest shortfall at the upper edges of the loss bands, (candidates,), without any claims.

    Returns:
        None if a band without an upper edge is paid by a rule, so that the shortfall has no limit.
    """
    worst = np.zeros(len(candidates))
    for line in lines:
        cuts = line.candidate_cuts(candidates)
        last = line.pays_at(line.tiers - 1, candidates, np.ones(len(candidates)))
        if not np.isnan(last).all():
            return None
        for tier in range(line.tiers - 1):
            paid = line.pays_at(tier, candidates, cuts[:, tier]) / SHARE_SCALE
            worst = np.maximum(worst, np.nan_to_num(cuts[:, tier] - paid, nan=0.0))
    return worst
