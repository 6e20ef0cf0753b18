"""Claim units: groups of claims whose accepted number is one random draw, and what a policy pays for them.

Compared policies share their units, so each policy accepts the same claims. Two identical policies then cost
exactly the same in every draw. If a policy pays at least as much as another policy for every claim, it never
costs less in any draw.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from outage_analysis.costs.claim_payments import rows_with_formula
from outage_analysis.costs.terms import LABELS, ClaimCells, Part, Term
from outage_analysis.incidents import Band

POOLING_TOLERANCE = 0.3
"""Bands are pooled if their mean losses differ from the mean of the pool by at most this many standard
deviations of the total loss of the accepted claims in the pool."""
UNPOOLED_CLAIMS = 200
"""Up to this number of claims there is no pooling, because the sum of the losses takes few values."""
MAX_SEPARATE_BANDS = 48
"""At most this many bands with the same payment formula have a claim count of their own."""
TWO_CLAIMS = 2
"""The sum and the sum of squares of two losses determine both losses."""
SMALLEST_CHANCE = 1e-6
"""The smallest variance of the acceptance of a claim, used if the acceptance rate is 0 or 1."""


@dataclass(frozen=True)
class Cell:
    """The claims of one cell of a cube, each paid `fixed + share x loss` or by review."""

    key: tuple[object, ...]
    """The values of the cube's dimensions."""
    band: Band
    claims: float
    loss: float
    sum_of_squares: float
    """The sum of squared losses."""
    fixed: float
    share: float
    reviewed: bool
    labels: Mapping[str, object]
    """Service, claimant type, band and outcome of the rule that pays the cell."""

    @property
    def paid(self) -> bool:
        """Whether claims in the cell receive any payment."""
        return bool(self.fixed or self.share or self.reviewed)


FROM_RULE = {"over": "rule_over", "up_to": "rule_up_to"}
"""Labels that come from the payment rule instead of the cell, with the names of their columns."""


def _cells(cells: ClaimCells) -> Iterator[Cell]:
    for row in rows_with_formula(cells.cube, cells.line).iter_rows(named=True):
        reviewed = row["entitled"] and row["rule"] == "review"
        pays = row["entitled"] and row["fixed"] is not None
        fixed, share = (float(row[name]) if pays else 0.0 for name in ("fixed", "slope"))
        claims, loss = float(row["claims"]), float(row["loss"] or 0)
        equal = loss**2 / claims if claims else 0.0
        yield Cell(
            tuple(row[name] for name in cells.cube.dimensions),
            (row["over"], row["up_to"]),
            claims,
            loss,
            equal if row["loss_squared"] is None else float(row["loss_squared"]),
            1.0 if reviewed else fixed,
            share,
            reviewed,
            {name: row.get(FROM_RULE.get(name, name)) for name in LABELS},
        )


@dataclass(frozen=True)
class ClaimUnit:
    """A group of claims whose accepted number is drawn as one count.

    An accepted claim is paid `fixed + share x loss`, or an award if it is `reviewed`.
    """

    name: str
    """Part of the name of its normal score. Units with the same score, claims and acceptance have the same
    count of accepted claims."""
    claims: float
    """The number of claims, accepted or not."""
    fixed: float = 0.0
    """Paid to each accepted claim; if reviewed, the multiple of the award."""
    share: float = 0.0
    """The share of the loss that is paid as well."""
    loss: float = 0.0
    """The mean loss."""
    deviation: float = 0.0
    """The standard deviation of the losses; 0 if all losses are treated as equal."""
    skewness: float = 0.0
    """The skewness of the losses."""
    least: float = 0.0
    """The smallest possible loss."""
    most: float = math.inf
    """The largest possible loss."""
    reviewed: bool = False
    band: int | None = None
    """The position of its band in the term's band mix, if the term has one."""
    labels: tuple[Mapping[str, object], ...] = ({},)
    """Service, claimant type, band and rule of each cell, with its `share` of the unit's mean payment."""

    @property
    def mean_payment(self) -> float:
        """The mean payment per accepted claim; if reviewed, as a multiple of the award."""
        return self.fixed + self.share * self.loss


def shared_units(terms: Sequence[Term], accepted: float) -> list[tuple[ClaimUnit, ...]]:
    """Return, per policy with a cost line, its claim units: groups of claims drawn as one count.

    Args:
        terms: the term of the line under each policy.
        accepted: roughly the share of claims that is accepted; it decides which losses can be pooled.

    Returns:
        The units of each term. The terms share their units, so the counts are the same under each policy,
        unless the terms come from cubes with different cells.
    """
    if any(term.claim_cells is None or term.certain for term in terms):
        return [tuple(_unit_of_part(term, *part) for part in enumerate(term.parts)) for term in terms]
    policies = [[*_cells(term.claim_cells)] for term in terms if term.claim_cells]
    if len({tuple((c.key, c.band, c.claims, c.loss) for c in cells) for cells in policies}) > 1:
        return [_units_from_cells([c], accepted, f"policy {n} ")[0] for n, c in enumerate(policies)]
    return _units_from_cells(policies, accepted)


def _unit_of_part(term: Term, number: int, part: Part) -> ClaimUnit:
    return ClaimUnit(
        f"part {number}" if part.band is None else f"band {part.band} of {term.mix}",
        part.paid**2 / part.sum_of_squares if part.sum_of_squares else 0.0,
        fixed=part.sum_of_squares / part.paid if part.paid else 0.0,
        reviewed=part.reviewed,
        band=part.band,
        labels=part.labels,
    )


def _units_from_cells(
    policies: Sequence[Sequence[Cell]], accepted: float, prefix: str = ""
) -> list[tuple[ClaimUnit, ...]]:
    """Return the claim units of the same cube cells (groups of claims), for each of several policies.

    Cells form a group if each policy pays all of them by one formula. `prefix` makes the unit names different
    from the unit names of other cells.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for place, alike in enumerate(zip(*policies, strict=True)):
        if alike[0].claims and any(cell.paid for cell in alike):
            formulas = tuple((cell.fixed, cell.share, cell.reviewed) for cell in alike)
            groups.setdefault(formulas, []).append(place)
    units: list[list[ClaimUnit]] = [[] for _ in policies]
    for number, places in enumerate(groups.values()):
        flat = not any(cells[places[0]].share for cells in policies)
        same = [policies[0][place] for place in places]
        pools = [_pool_cells(range(len(places)), same)] if flat else [*_units_by_loss(same, accepted)]
        for place, (members, pool) in enumerate(pools):
            for own_units, cells in zip(units, policies, strict=True):
                own = [cells[places[member]] for member in members]
                if own[0].paid:
                    name = f"{prefix}group {number} pool {place}"
                    own_units.append(_with_payment_formula(replace(pool, name=name), own))
    return [tuple(own_units) for own_units in units]


def _with_payment_formula(pool: ClaimUnit, cells: Sequence[Cell]) -> ClaimUnit:
    first = cells[0]
    payments = [cell.claims * cell.fixed + cell.share * cell.loss for cell in cells]
    whole = sum(payments) or 1.0
    labels = tuple(
        {**cell.labels, "share": payment / whole} for cell, payment in zip(cells, payments, strict=True)
    )
    return replace(pool, fixed=first.fixed, share=first.share, reviewed=first.reviewed, labels=labels)


def _units_by_loss(cells: Sequence[Cell], accepted: float) -> Iterator[tuple[Sequence[int], ClaimUnit]]:
    by_band: dict[Band, list[int]] = {}
    for place, cell in enumerate(cells):
        by_band.setdefault(cell.band, []).append(place)
    bands = sorted(
        (_pool_cells(places_in_band, cells) for places_in_band in by_band.values()),
        key=lambda band: -band[1].loss,
    )
    single = _separate_bands([band for _, band in bands], accepted)
    for places_in_band, band in bands[:single]:
        alike = replace(band, deviation=0.0)
        if band.claims == TWO_CLAIMS:  # the sums of losses and of squares determine both losses
            yield places_in_band, replace(alike, claims=1.0, loss=band.loss + band.deviation)
            yield places_in_band, replace(alike, claims=1.0, loss=band.loss - band.deviation)
        else:
            yield places_in_band, alike
    if single < len(bands):
        rest = [band for _, band in bands[single:]]
        places, pool = _pool_cells(
            [place for places_in_band, _ in bands[single:] for place in places_in_band], cells
        )
        third = sum(band.claims * (band.loss - pool.loss) ** 3 for band in rest) / pool.claims
        yield places, replace(pool, skewness=third / pool.deviation**3 if pool.deviation else 0.0)


def _separate_bands(bands: Sequence[ClaimUnit], accepted: float) -> int:
    if sum(band.claims for band in bands) <= UNPOOLED_CLAIMS:
        return len(bands)
    chance = max(accepted * (1 - accepted), SMALLEST_CHANCE)
    most = min(len(bands), MAX_SEPARATE_BANDS)
    for single in range(most):
        rest = bands[single:]
        mean = sum(band.claims * band.loss for band in rest) / sum(band.claims for band in rest)
        deviation = (chance * sum(band.claims * (band.loss**2 + band.deviation**2) for band in rest)) ** 0.5
        if max(abs(band.loss - mean) for band in rest) <= POOLING_TOLERANCE * deviation:
            return single
    return most


def _pool_cells(places: Iterable[int], cells: Sequence[Cell]) -> tuple[Sequence[int], ClaimUnit]:
    """Merge the claims of the cells at `places` into one unit with the mean and spread of their losses."""
    places = list(places)
    claims = sum(cells[place].claims for place in places)
    whole = sum(cells[place].loss for place in places)
    squared = sum(cells[place].sum_of_squares for place in places)
    ends = [cells[place].band for place in places]
    return places, ClaimUnit(
        "",
        claims,
        loss=whole / claims,
        deviation=max(squared / claims - (whole / claims) ** 2, 0.0) ** 0.5,
        least=float(min(low or 0 for low, _ in ends)),
        most=min(max(math.inf if high is None else float(high) for _, high in ends), whole),
    )
