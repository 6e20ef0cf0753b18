"""Loss intervals of a varied cost line: ranges of losses that each candidate pays by one formula.

A candidate is one combination of values of the varied parameters. The intervals end at every upper edge that
a candidate has, so that the number of accepted claims of an interval is the same for all candidates. What a
candidate costs is then a sum over the intervals.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.policy_search.parameters import Parameter
from outage_analysis.files import validated_copy
from outage_analysis.incidents import UNKNOWN, Band, holds_positive
from outage_analysis.policies import SHARE_SCALE, Rule, RuleBand, Schedule, Tariff

IntArray = npt.NDArray[np.int64]
FlagArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Formulas:
    """Payment formulas: `fixed + share x loss` per claim, or an award if reviewed. All arrays have one shape.

    Args:
        fixed: in the smallest unit of the currency.
        share: from 0 to 1.
        reviewed: 1 if the claims are reviewed individually, else 0.
    """

    fixed: FloatArray
    share: FloatArray
    reviewed: FloatArray

    def take(self, candidates: IntArray | slice) -> Formulas:
        """Return the formulas of some candidates."""
        return Formulas(self.fixed[candidates], self.share[candidates], self.reviewed[candidates])


@dataclass(frozen=True, eq=False)
class VariedLine:
    """A cost line that pays by loss band, with its varied parameters.

    Args:
        schedule: the cost line as announced.
        places: (tier, kind of parameter) -> the column of the table of candidates with its values.
        edge_values: tier -> the upper edges that are tried, as the policy writes them.
    """

    schedule: Schedule
    places: Mapping[tuple[int, str], int]
    edge_values: Mapping[int, tuple[int, ...]]

    @classmethod
    def from_parameters(cls, schedule: Schedule, parameters: Sequence[Parameter]) -> VariedLine:
        """Return the line with those of all parameters that belong to it."""
        own = [(place, p) for place, p in enumerate(parameters) if p.line == schedule.id]
        return cls(
            schedule,
            {(p.tier, p.kind): place for place, p in own},
            {p.tier: p.values for _, p in own if p.kind == "up_to"},
        )

    @property
    def _shift(self) -> int:
        """Subtracted from an edge as written to get the largest loss of the band: 0 or 1."""
        return 0 if self.schedule.closed == "upper" else 1

    @cached_property
    def tiers(self) -> int:
        """The number of loss bands."""
        return len(self.schedule.bands)

    def is_varied(self, tier: int) -> bool:
        """Whether the payment or the share of a tier varies, so that its announced rule does not apply."""
        return (tier, "payment") in self.places or (tier, "share") in self.places

    @cached_property
    def possible_cuts(self) -> list[tuple[int, ...]]:
        """The largest losses that each tier except the last can have, in increasing order."""
        return [
            tuple(sorted(edge - self._shift for edge in self.edge_values.get(tier, (rule.up_to or 0,))))
            for tier, rule in enumerate(self.schedule.bands[:-1])
        ]

    @cached_property
    def _announced_tariffs(self) -> dict[int, Tariff]:
        """The announced rule of each tier that is not varied, for all losses that the tier can contain."""
        tariffs = {}
        for tier, rule in enumerate(self.schedule.bands):
            if self.is_varied(tier):
                continue
            low = self.possible_cuts[tier - 1][0] if tier else 0
            high = self.possible_cuts[tier][-1] if tier < self.tiers - 1 else None
            band = rule.model_copy(update={"over": low, "up_to": high})
            tariffs[tier] = Tariff((band,), Rule(), None, 0, self.schedule.rounding)
        return tariffs

    @cached_property
    def edges(self) -> tuple[int, ...]:
        """The largest loss of each interval except the last, in increasing order."""
        cuts = {cut for cuts in self.possible_cuts for cut in cuts}
        jumps = {cut for tariff in self._announced_tariffs.values() for cut in tariff.cuts}
        return tuple(sorted(cut for cut in cuts | jumps if cut > 0))

    @cached_property
    def bands(self) -> list[Band]:
        """The losses of each interval."""
        return list(zip((0, *self.edges), (*self.edges, None), strict=True))

    def _reaches(self, tier: int, band: Band) -> bool:
        """Whether some candidate has a band of losses in a tier."""
        low = self.possible_cuts[tier - 1][0] if tier else 0
        high = self.possible_cuts[tier][-1] if tier < self.tiers - 1 else None
        return (band[0] or 0) >= low and (high is None or (band[1] is not None and band[1] <= high))

    @cached_property
    def _groups(self) -> tuple[list[int], list[Band]]:
        """The group of each interval, and one interval per group. A candidate pays a group by one formula."""
        groups: dict[object, int] = {}
        numbers: list[int] = []
        first: list[Band] = []
        for band in self.bands:
            top = np.inf if band[1] is None else band[1]
            position = tuple(sum(cut >= top for cut in cuts) for cuts in self.possible_cuts)
            formulas = tuple(
                (tier, tariff.formula(band))
                for tier, tariff in self._announced_tariffs.items()
                if self._reaches(tier, band)
            )
            number = groups.setdefault((position, formulas), len(groups))
            numbers.append(number)
            if number == len(first):
                first.append(band)
        return numbers, first

    @property
    def group_bands(self) -> list[Band]:
        """The first interval of each group."""
        return self._groups[1]

    def group_of(self, band: Band) -> int | None:
        """Return the group that contains all losses of a band; None if no group does.

        The band of zero losses and the band of unknown losses are in no group.
        """
        if band == UNKNOWN or not holds_positive(band) or band[0] is None:
            return None
        first = bisect_right(self.edges, band[0])
        last = len(self.edges) if band[1] is None else bisect_right(self.edges, band[1] - 1)
        groups = {*self._groups[0][first : last + 1]}
        return groups.pop() if len(groups) == 1 else None

    def possible_formulas(self, band: Band) -> list[tuple[float, float, float]]:
        """Return the formulas (fixed, share, reviewed) that candidates may have in an interval.

        The formula of a varied tier stands for all its values: its share is 1 if the share varies.
        """
        found = []
        for tier in range(self.tiers):
            if not self._reaches(tier, band):
                continue
            if self.is_varied(tier):
                found.append((1.0, float((tier, "share") in self.places), 0.0))
            else:
                found.append(_scaled(self._announced_tariffs[tier].formula(band)))
        return found

    def candidate_cuts(self, candidates: IntArray) -> FloatArray:
        """Return the largest loss of each tier except the last, (candidates, tiers - 1)."""
        cuts = np.empty((len(candidates), self.tiers - 1))
        for tier, rule in enumerate(self.schedule.bands[:-1]):
            place = self.places.get((tier, "up_to"))
            written = (rule.up_to or 0) if place is None else candidates[:, place]
            cuts[:, tier] = written - self._shift
        return cuts

    def varied_rule(self, tier: int, candidates: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the fixed payment and the share that candidates pay in a varied tier, each (candidates,).

        A varied payment replaces the announced rule. If only the share varies, the announced fixed payment
        remains. The share is in ten-thousandths.
        """
        payment, share = (self.places.get((tier, kind)) for kind in ("payment", "share"))
        announced = float(self.schedule.bands[tier].fixed)
        fixed = (
            np.full(len(candidates), announced) if payment is None else candidates[:, payment].astype(float)
        )
        shares = np.zeros(len(candidates)) if share is None else candidates[:, share].astype(float)
        return fixed, shares

    def formulas(self, candidates: IntArray) -> Formulas:
        """Return what candidates pay in each group of intervals; arrays have the shape (candidates, groups).

        Args:
            candidates: the values of all parameters, (candidates, parameters).
        """
        cuts, rows = self.candidate_cuts(candidates), np.arange(len(candidates))
        by_tier = np.zeros((3, len(candidates), self.tiers))
        for tier in filter(self.is_varied, range(self.tiers)):
            fixed, share = self.varied_rule(tier, candidates)
            by_tier[0, :, tier], by_tier[1, :, tier] = fixed, share / SHARE_SCALE
        result = np.empty((3, len(candidates), len(self.group_bands)))
        for group, band in enumerate(self.group_bands):
            for tier, tariff in self._announced_tariffs.items():
                if self._reaches(tier, band):
                    formula = tariff.formula(band)
                    by_tier[:, :, tier] = np.array(_scaled(formula))[:, None]
            tier_of = (cuts < (np.inf if band[1] is None else band[1])).sum(axis=1)
            result[:, :, group] = by_tier[:, rows, tier_of]
        return Formulas(*result)

    def pays_at(self, tier: int, candidates: IntArray, losses: FloatArray) -> FloatArray:
        """Return what candidates pay for one loss each, if the loss is in a tier, (candidates,).

        The result is in ten-thousandths of the smallest unit; it is not a number if the claim is reviewed.
        """
        if self.is_varied(tier):
            fixed, share = self.varied_rule(tier, candidates)
            return np.asarray(fixed * SHARE_SCALE + share * losses)
        distinct, which = np.unique(losses, return_inverse=True)
        tariff = self._announced_tariffs[tier]
        paid = [tariff.pay(int(loss)) for loss in distinct]
        known = [np.nan if x is None else float(x * SHARE_SCALE) for x in paid]
        return np.asarray(np.array(known)[which])

    def with_values(self, values: Sequence[int]) -> Schedule:
        """Return the cost line with one value per parameter. A changed band cites no facts."""
        row = np.array([values], dtype=np.int64)
        bands, over = [], 0
        for tier, rule in enumerate(self.schedule.bands):
            place = self.places.get((tier, "up_to"))
            up_to = rule.up_to if place is None else int(values[place])
            if self.is_varied(tier):
                fixed, share = (int(x[0]) for x in self.varied_rule(tier, row))
                band = RuleBand(over=over, up_to=up_to, fixed=fixed, share=share / SHARE_SCALE)  # type: ignore[arg-type]
                same = band == rule.model_copy(update={"facts": ()})
            else:
                same = (over, up_to) == (rule.over, rule.up_to)
                band = rule.model_copy(update={"over": over, "up_to": up_to, "facts": ()})
            bands.append(rule if same else band)
            over = up_to or 0
        return validated_copy(self.schedule, bands=tuple(bands))


def _scaled(formula: tuple[int, int] | None) -> tuple[float, float, float]:
    """Return a formula in the smallest unit with its mark of a review; None is a review."""
    if formula is None:
        return 0.0, 0.0, 1.0
    return formula[0] / SHARE_SCALE, formula[1] / SHARE_SCALE, 0.0
