"""Draws that all candidates share: the accepted claims, their losses and their awards by loss interval.

The claims of a varied line are simulated under three policies, whose payments differ between all groups of
loss intervals. So the simulation draws the accepted claims of each group separately.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from outage_analysis.assumptions import Award, FloatArray
from outage_analysis.costs.policy_search.loss_intervals import VariedLine
from outage_analysis.costs.uncertainty.claim_units import ClaimUnit
from outage_analysis.costs.uncertainty.portfolio import Part, Portfolio, Stream
from outage_analysis.costs.uncertainty.simulation import Simulation
from outage_analysis.errors import ModelRefused

GROUP = "interval"
"""The label of a claim unit: the number of its group of loss intervals, or `NO_GROUP`."""
NO_GROUP = -1
"""Stands for claims that all candidates pay alike: without a loss, or of a segment."""
TINY_PAYMENT = 2.0**-20
"""Added to the payments of a simulated policy, so that no two groups have the same payment."""
BASES = ("counts", "losses", "awards")
"""The simulated policies: they pay each claim a fixed payment, the whole loss, or an award."""


@dataclass(frozen=True, eq=False)
class ClaimGroups:
    """The claims of a varied line, grouped by loss interval.

    Args:
        line: the varied line.
        numbers: the group of each cell of the claims or, for published counts, of each loss band.
        award: the assumption that states the mean award; None if no candidate reviews claims.
    """

    line: VariedLine
    numbers: Sequence[int]
    award: Award | None
    mean_award: float = 0.0
    """The expected award of a review; 0 if the ledger states none."""


@dataclass(frozen=True, eq=False)
class SharedDraws:
    """Amounts in all draws. Each array has the shape (replicates, draws).

    Args:
        base: the total of what all candidates pay alike, and of handling if it counts.
        handling: the cost of handling, or 0 if it does not count.
        claims: per varied line and group, the accepted claims.
        losses: the sums of their losses; None where no candidate pays a share.
        awards: the sums of their awards; None where no candidate reviews.
    """

    base: FloatArray
    handling: FloatArray
    claims: tuple[tuple[FloatArray, ...], ...]
    losses: tuple[tuple[FloatArray | None, ...], ...]
    awards: tuple[tuple[FloatArray | None, ...], ...]


def basis_name(basis: str) -> str:
    """Return the name of the simulated policy of a basis; it is no possible id of a policy."""
    return f"{basis} of the search"


def basis_portfolios(portfolio: Portfolio, groups: Mapping[str, ClaimGroups]) -> dict[str, Portfolio]:
    """Return the portfolios of three policies whose payments differ between all groups of claims, by name.

    Args:
        portfolio: the streams of cash and, if it counts, of handling.
        groups: line -> its claims by group.
    """
    awards = [own.award for own in groups.values() if own.award is not None]
    entries = {**portfolio.entries, **{award.id: award for award in awards}}
    found = {}
    for basis in BASES:
        streams = []
        for stream in portfolio.streams:
            own = groups.get(stream.line) if stream.valuation == "cash" else None
            streams.append(stream if own is None else _basis_stream(stream, own, basis))
        found[basis_name(basis)] = replace(portfolio, streams=tuple(streams), entries=entries)
    return found


def _basis_stream(stream: Stream, own: ClaimGroups, basis: str) -> Stream:
    groups = own.numbers
    typical = _typical_payments(stream, groups, len(own.line.group_bands))
    shared, reviewed = _used(own.line)
    if own.award is not None:  # under the announced edges, the reviewed band may contain no claim
        stream = replace(stream, award=own.award.id, spread=own.award.spread)
    if not stream.cells:
        parts = []
        for part, group in zip(stream.parts, groups, strict=True):
            if group == NO_GROUP:
                parts.append(part)
                continue
            by_review = basis == "awards" and reviewed[group]
            paid = 1.0 if by_review else typical[group]
            sums = (stream.trials * paid, stream.trials * paid**2)
            parts.append(Part(*sums, part.band, by_review, ({GROUP: group},)))
        return replace(stream, parts=tuple(parts))
    cells = []
    for cell, group in zip(stream.cells, groups, strict=True):
        if group == NO_GROUP:
            cells.append(replace(cell, labels={GROUP: NO_GROUP}))
            continue
        fixed, share, by_review = typical[group], 0.0, False
        if basis == "losses" and shared[group]:
            fixed, share = 0.0, 1.0
        if basis == "awards" and reviewed[group]:
            fixed, by_review = 1.0, True
        cells.append(replace(cell, fixed=fixed, share=share, reviewed=by_review, labels={GROUP: group}))
    return replace(stream, cells=tuple(cells))


def _typical_payments(stream: Stream, groups: Sequence[int], count: int) -> FloatArray:
    paid, claims = np.zeros(count), np.zeros(count)
    for cell, group in zip(stream.cells, groups, strict=False):
        if group != NO_GROUP:
            paid[group] += 0.0 if cell.reviewed else cell.claims * cell.fixed + cell.share * cell.loss
            claims[group] += cell.claims
    for part, group in zip(stream.parts, groups, strict=False):
        if not stream.cells and group != NO_GROUP and not part.reviewed:
            paid[group], claims[group] = part.paid, stream.trials
    mean = np.divide(paid, claims, out=np.zeros(count), where=claims > 0)
    usual = max(float(mean.max(initial=0.0)), 1.0)
    return np.asarray(np.where(mean > 0, mean, usual) + TINY_PAYMENT * (1 + np.arange(count)))


def _used(line: VariedLine) -> tuple[list[bool], list[bool]]:
    """Return, per group, whether some candidate pays a share there, and whether some candidate reviews it."""
    shared, reviewed = [], []
    for band in line.group_bands:
        formulas = line.possible_formulas(band)
        shared.append(any(share for _, share, _ in formulas))
        reviewed.append(any(review for _, _, review in formulas))
    return shared, reviewed


def check_same_cells(portfolios: Mapping[str, Portfolio]) -> None:
    """Raise ModelRefused if two policies count different claims under one line, so that draws differ."""
    known: dict[tuple[str, str], tuple[object, ...]] = {}
    for name, portfolio in portfolios.items():
        for stream in portfolio.streams:
            cells = tuple((c.key, c.band, c.claims, c.loss) for c in stream.cells)
            if known.setdefault((stream.process, stream.valuation), cells) != cells:
                raise ModelRefused(
                    f"the policies count different claims under the line {stream.line}",
                    value=name,
                    remedy="Compare policies whose lines of this id pay the same claimants.",
                )


def draw_groups(
    runs: Mapping[str, Simulation], lines: Sequence[VariedLine], *, with_handling: bool
) -> SharedDraws:
    """Draw the base total, the handling cost, and the claims, losses and awards of each group.

    Args:
        runs: the simulations of the portfolios of `basis_portfolios`, by name.
        lines: the varied lines.
        with_handling: whether the cost of handling counts.
    """
    first = runs[basis_name(BASES[0])]
    varied = {line.schedule.id: place for place, line in enumerate(lines)}
    streams, units, targets = [], [], []
    for name in BASES:
        run = runs[basis_name(name)]
        for stream, own in zip(run.portfolio.streams, run.process.units, strict=True):
            if stream.line in varied and stream.valuation == "cash":
                line = varied[stream.line]
                for group, kept in _units_by_group(own, name, lines[line]).items():
                    streams.append(stream)
                    units.append(kept)
                    targets.append((name, line, group))
            if name == BASES[0] and (stream.line not in varied or stream.valuation == "handling"):
                streams.append(stream)
                units.append(own)
                targets.append((stream.valuation, 0, 0))
    engine = replace(
        first,
        portfolio=replace(first.portfolio, streams=tuple(streams)),
        process=replace(first.process, units=tuple(units)),
    )
    sums: dict[tuple[str, int, int], list[FloatArray]] = {}
    size: list[int] = []
    for block in engine.replicates():
        size.append(len(block.uniforms))
        found: dict[tuple[str, int, int], FloatArray] = {}
        for target, paid in zip(targets, block.amounts, strict=True):
            amount = _row_sums(paid)
            found[target] = found[target] + amount if target in found else amount
        for target, amount in found.items():
            sums.setdefault(target, []).append(amount)
    stacked = {target: np.stack(rows) for target, rows in sums.items()}
    zero = np.zeros((len(size), size[0]))
    handling = stacked.get(("handling", 0, 0), zero) if with_handling else zero
    base = stacked.get(("cash", 0, 0), zero) + handling
    for line in range(len(lines)):
        base = base + stacked.get(("counts", line, NO_GROUP), zero)
    groups = [range(len(line.group_bands)) for line in lines]
    losses, awards = (
        tuple(tuple(stacked.get((name, k, group)) for group in own) for k, own in enumerate(groups))
        for name in ("losses", "awards")
    )
    claims = tuple(
        tuple(stacked.get(("counts", k, group), zero) for group in own) for k, own in enumerate(groups)
    )
    return SharedDraws(base, handling, claims, losses, awards)


def _row_sums(paid: FloatArray) -> FloatArray:
    total = np.zeros(len(paid))
    for column in range(paid.shape[1]):
        total = total + paid[:, column]
    return total


def _units_by_group(
    units: Sequence[ClaimUnit], basis: str, line: VariedLine
) -> dict[int, tuple[ClaimUnit, ...]]:
    shared, reviewed = _used(line)
    kept: dict[int, list[ClaimUnit]] = {}
    for unit in units:
        group = unit.labels[0].get(GROUP, NO_GROUP)
        if not isinstance(group, int):
            raise TypeError("a claim unit of a search has the number of its group as label")
        if group == NO_GROUP and basis == "counts":
            kept.setdefault(group, []).append(unit)
        if group == NO_GROUP:
            continue
        if basis == "counts":
            kept.setdefault(group, []).append(replace(unit, fixed=1.0, share=0.0, reviewed=False))
        elif basis == "losses" and shared[group]:
            kept.setdefault(group, []).append(replace(unit, fixed=0.0, share=1.0, reviewed=False))
        elif basis == "awards" and reviewed[group]:
            kept.setdefault(group, []).append(replace(unit, fixed=1.0, share=0.0, reviewed=True))
    return {group: tuple(own) for group, own in kept.items()}
