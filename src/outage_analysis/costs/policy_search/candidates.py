"""What each candidate pays and costs. A candidate is one combination of values of the varied parameters.

The losses of a varied line are divided into intervals that end at every upper edge that is tried. So each
candidate pays each interval by one formula, and the accepted claims of an interval, the sum of their losses
and the sum of their awards are the same for all candidates. They are drawn once. A candidate costs, in each
draw,

    base + sum over intervals of (fixed x claims + share x losses + awards if reviewed)
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from outage_analysis.assumptions import Assumption, Award, FloatArray, Ledger, MeanPayment
from outage_analysis.costs.claim_payments import cube_fits_line, rows_with_formula
from outage_analysis.costs.compile_lines import compile_lines
from outage_analysis.costs.expected import ledger_for_policy
from outage_analysis.costs.policy_search.parameters import Parameter
from outage_analysis.costs.terms import CompiledLine
from outage_analysis.costs.uncertainty.policy_streams import build_portfolio
from outage_analysis.costs.uncertainty.portfolio import Part, Portfolio, Stream, expected_at
from outage_analysis.costs.uncertainty.simulation import REPLICATES, Simulation, quantile_place, simulate
from outage_analysis.errors import ModelRefused
from outage_analysis.files import validated_copy
from outage_analysis.incidents import Band
from outage_analysis.losses import Cube
from outage_analysis.policies import SHARE_SCALE, Policy, Rule, RuleBand, Schedule, Tariff

IntArray = npt.NDArray[np.int64]
FlagArray = npt.NDArray[np.bool_]
FIXED, SHARE, REVIEWED = PARTS = range(3)
"""The parts of a payment: a fixed amount, a share of the loss, and 1 if the award of a review is paid."""
UNITS: Sequence[Mapping[str, Any]] = (
    {"fixed": 1.0, "share": 0.0, "reviewed": False},
    {"fixed": 0.0, "share": 1.0, "reviewed": False},
    {"fixed": 1.0, "share": 0.0, "reviewed": True},
)
"""By part: what a claim unit pays so that it costs its claims, the sum of its losses, or of its awards."""
FIRST = "column"
"""The label of a claim unit: the first of the columns of its interval, one column per part."""
TINY_PAYMENT = 2.0**-20
"""Makes the payments of all intervals different, so that each interval has a claim count of its own."""
MOST_DRAWS = 2**14
"""Candidates are compared on at most this many draws; the costs of the chosen policy use all draws."""
CHUNK = 2**19
"""At most about this many totals are computed at once."""


@dataclass(frozen=True, eq=False)
class VariedLine:
    """A cost line that pays by loss band, with its varied parameters.

    Args:
        schedule: the cost line as announced.
        places: (tier, kind of parameter) -> the column of the table of candidates with its values.
        possible_cuts: the largest losses that each tier except the last can have, in increasing order.
    """

    schedule: Schedule
    places: Mapping[tuple[int, str], int]
    possible_cuts: Sequence[Sequence[int]]

    @classmethod
    def from_parameters(cls, schedule: Schedule, parameters: Sequence[Parameter]) -> VariedLine:
        """Return the line with those of all parameters that belong to it."""
        places = {(p.tier, p.kind): n for n, p in enumerate(parameters) if p.line == schedule.id}
        cuts = []
        for tier, rule in enumerate(schedule.bands[:-1]):
            place = places.get((tier, "up_to"))
            written = (rule.up_to or 0,) if place is None else parameters[place].values
            cuts.append([edge - schedule.tariff.shift for edge in written])
        return cls(schedule, places, cuts)

    def is_varied(self, tier: int) -> bool:
        """Whether the payment or the share of a tier varies, so that its announced rule does not apply."""
        return (tier, "payment") in self.places or (tier, "share") in self.places

    @cached_property
    def _tariffs(self) -> dict[int, Tariff]:
        # The announced rule of each tier that does not vary, for all losses that the tier can contain.
        lows, highs = [0, *(c[0] for c in self.possible_cuts)], [*(c[-1] for c in self.possible_cuts), None]
        bands = zip(self.schedule.bands, lows, highs, strict=True)
        widest = [rule.model_copy(update={"over": low, "up_to": high}) for rule, low, high in bands]
        return {
            tier: Tariff((rule,), Rule(), None, 0, self.schedule.rounding)
            for tier, rule in enumerate(widest)
            if not self.is_varied(tier)
        }

    @cached_property
    def edges(self) -> list[int]:
        """The largest loss of each interval except the last, in increasing order."""
        stated = [(rule.up_to or 0) - self.schedule.tariff.shift for rule in self.schedule.bands[:-1]]
        cuts = [{own, *possible} for own, possible in zip(stated, self.possible_cuts, strict=True)]
        jumps = {cut for tariff in self._tariffs.values() for cut in tariff.cuts}
        moved = {jump for jump in jumps if any(min(c) < jump < max(c) for c in cuts)}
        return sorted(cut for cut in moved.union(*cuts) if cut > 0)

    @cached_property
    def _announced(self) -> FloatArray:
        # The parts of the announced payment, (tiers, intervals, parts): not a number where a tier contains no
        # candidate. In a varied tier, a part is 1 if candidates pay it.
        tiers = len(self.schedule.bands)
        found = np.full((tiers, len(self.edges) + 1, len(PARTS)), np.nan)
        for place, (over, up_to) in enumerate(zip((0, *self.edges), (*self.edges, None), strict=True)):
            for tier in range(tiers):
                below = tier and over < self.possible_cuts[tier - 1][0]
                above = tier < tiers - 1 and (up_to is None or up_to > self.possible_cuts[tier][-1])
                if below or above:
                    continue
                if self.is_varied(tier):
                    found[tier, place] = 1, (tier, "share") in self.places, 0
                elif (formula := self._tariffs[tier].formula((over, up_to))) is None:
                    found[tier, place] = 0, 0, 1
                else:
                    found[tier, place] = formula[0] / SHARE_SCALE, formula[1] / SHARE_SCALE, 0
        return found

    @cached_property
    def used(self) -> FlagArray:
        """Whether some candidate pays a part in an interval, (intervals, parts).

        None is used in an interval that all candidates pay as announced.
        """
        reached = ~np.isnan(self._announced[:, :, FIXED])
        stated = self._tiers(np.array([self.usual_values], dtype=np.int64))[0]
        same = reached[stated, np.arange(len(stated))] & (reached.sum(axis=0) == 1)
        varied = [self.is_varied(tier) for tier in range(len(reached))]
        used: FlagArray = (np.nan_to_num(self._announced) != 0).any(axis=0)
        used[:, FIXED] = True
        alike = same & ~reached[varied].any(axis=0)
        return np.asarray(used & ~alike[:, None])

    @cached_property
    def usual_values(self) -> list[int]:
        """A usual value of each parameter up to the last of the line: as announced, and no payment of 0."""
        usual = max((band.fixed for band in self.schedule.bands if band.fixed), default=1)
        found = [0] * (1 + max(self.places.values(), default=-1))
        for (tier, kind), place in self.places.items():
            rule = self.schedule.bands[tier]
            values = {"payment": rule.fixed or usual, "share": rule.share, "up_to": rule.up_to or 0}
            found[place] = values[kind]
        return found

    def interval_of(self, band: Band) -> int:
        """Return the place of the interval with a band of losses; -1 if all candidates pay it as announced.

        Raises:
            ModelRefused: the band spans an edge that is tried.
        """
        over, up_to = band
        if over is None or over < 0 or (up_to is not None and up_to <= 0):
            return -1
        place = bisect_right(self.edges, over)
        if place < len(self.edges) and (up_to is None or self.edges[place] < up_to):
            raise ModelRefused(
                f"a loss band of the claims spans the edge {self.edges[place]:,} that is tried",
                value=f"({over}, {up_to}]",
                remedy="Thresholds need claims, or counts by band that end at each of them.",
            )
        return place if self.used[place].any() else -1

    def intervals_in(self, cube: Cube) -> IntArray:
        """Return the place of the interval of each row of a cube, (rows,), as for `interval_of`."""
        rows = rows_with_formula(cube, self.schedule)
        last = (pl.col("tariff") == len(self.schedule.tariffs) - 1) & (pl.col("claims") > 0)
        columns = rows.select("over", "up_to", pl.col("entitled") & last).iter_rows()
        return np.array([self.interval_of(row[:2]) if row[2] else -1 for row in columns], dtype=np.int64)

    def cuts_of(self, candidates: IntArray) -> FloatArray:
        """Return the largest loss of each tier except the last, (candidates, tiers - 1)."""
        cuts = np.empty((len(candidates), len(self.possible_cuts)))
        for tier, possible in enumerate(self.possible_cuts):
            place = self.places.get((tier, "up_to"))
            cuts[:, tier] = (
                possible[0] if place is None else candidates[:, place] - self.schedule.tariff.shift
            )
        return cuts

    def _tiers(self, candidates: IntArray) -> IntArray:
        # The tier of each interval, (candidates, intervals).
        return np.asarray(
            (self.cuts_of(candidates)[:, :, None] < np.array([*self.edges, np.inf])).sum(axis=1)
        )

    def _varied_rule(self, tier: int, candidates: IntArray) -> tuple[FloatArray, FloatArray]:
        # The fixed payment and the share in ten-thousandths in a varied tier, each (candidates,). A varied
        # payment replaces the announced rule; if only the share varies, the announced fixed payment remains.
        fixed = np.full(len(candidates), float(self.schedule.bands[tier].fixed))
        share = np.zeros(len(candidates))
        if (tier, "payment") in self.places:
            fixed = candidates[:, self.places[tier, "payment"]].astype(float)
        if (tier, "share") in self.places:
            share = candidates[:, self.places[tier, "share"]].astype(float)
        return fixed, share

    def payments(self, candidates: IntArray) -> FloatArray:
        """Return the parts of what candidates pay in each interval, (candidates, intervals, parts).

        They are 0 in an interval that all candidates pay as announced.
        """
        tiers = self._tiers(candidates)
        found = self._announced[tiers, np.arange(tiers.shape[1])] * self.used
        for tier in filter(self.is_varied, range(len(self.schedule.bands))):
            fixed, share = self._varied_rule(tier, candidates)
            rows, columns = np.nonzero(tiers == tier)
            found[rows, columns, FIXED], found[rows, columns, SHARE] = fixed[rows], share[rows] / SHARE_SCALE
        return found

    def pays_at(self, tier: int, candidates: IntArray, losses: FloatArray) -> FloatArray:
        """Return what candidates pay for one loss each, if the loss is in a tier, (candidates,).

        The result is in ten-thousandths of the smallest unit; it is not a number if the claim is reviewed.
        """
        if self.is_varied(tier):
            fixed, share = self._varied_rule(tier, candidates)
            return np.asarray(fixed * SHARE_SCALE + share * losses)
        distinct, which = np.unique(losses, return_inverse=True)
        paid = [self._tariffs[tier].pay(int(loss)) for loss in distinct]
        return np.array([np.nan if x is None else float(x * SHARE_SCALE) for x in paid])[which]

    def with_values(self, values: Sequence[int]) -> Schedule:
        """Return the cost line with one value per parameter. A changed band cites no facts."""
        row = np.array([values], dtype=np.int64)
        bands, over = [], 0
        for tier, rule in enumerate(self.schedule.bands):
            place = self.places.get((tier, "up_to"))
            up_to = rule.up_to if place is None else int(values[place])
            band = rule.model_copy(update={"over": over, "up_to": up_to, "facts": ()})
            if self.is_varied(tier):
                fixed, share = (int(x[0]) for x in self._varied_rule(tier, row))
                band = RuleBand(over=over, up_to=up_to, fixed=fixed, share=share / SHARE_SCALE)  # type: ignore[arg-type]
            bands.append(rule if band == rule.model_copy(update={"facts": ()}) else band)
            over = up_to or 0
        return validated_copy(self.schedule, bands=tuple(bands))


@dataclass(frozen=True)
class CostInputs:
    """What the costs of a search are computed from.

    Args:
        policy: the announced policy, whose lines are varied.
        ledger: the assumptions.
        as_of: only facts, lines and assumptions public by this day are used.
        draws: the number of draws, a power of two.
        seed: the seed of the draws.
        with_handling: whether the cost of handling claims belongs to the total.
    """

    policy: Policy
    ledger: Ledger | None
    as_of: date
    draws: int
    seed: int
    with_handling: bool = False

    def fitting_ledger(self, policy: Policy) -> Ledger | None:
        """Return the ledger without band mixes that do not fit a policy."""
        return None if self.ledger is None else ledger_for_policy(self.ledger, policy)

    def portfolio(self, policy: Policy, cubes: Sequence[Cube]) -> Portfolio:
        """Return the payment streams of a policy, from cubes of claims or from published counts.

        Raises:
            ModelRefused: handling counts, and the ledger does not state its cost.
        """
        ledger = self.fitting_ledger(policy)
        found = build_portfolio(policy, ledger, as_of=self.as_of, cubes=cubes)
        if not self.with_handling:
            return found
        published = build_portfolio(policy, ledger, as_of=self.as_of) if cubes else found
        handling = [stream for stream in published.streams if stream.valuation == "handling"]
        if not handling:
            raise ModelRefused(
                "the ledger states no cost of handling, so it cannot be counted",
                remedy="Leave --handling out, or add an assumption of the kind `handling`.",
            )
        rest = [stream for stream in found.streams if stream.valuation != "handling"]
        return self._with(replace(found, streams=(*rest, *handling)), published.entries)

    def _with(self, portfolio: Portfolio, further: Mapping[str, Assumption]) -> Portfolio:
        # The portfolio with further assumptions, and with their declared correlations.
        entries = {**portfolio.entries, **further}
        declared = self.ledger.as_known_on(self.as_of).correlations if self.ledger else ()
        return replace(
            portfolio,
            entries={name: entries[name] for name in sorted(entries)},
            correlations={c.of: c.rank for c in declared if set(c.of) <= entries.keys()},
        )

    def simulated(self, portfolio: Portfolio) -> Simulation:
        """Return the simulation of a run, with only the payments that count against the budget."""
        valuations = ("cash", "handling") if self.with_handling else ("cash",)
        run = simulate(portfolio, draws=self.draws, seed=self.seed)
        return run.with_streams(lambda stream: stream.valuation in valuations)

    def candidates(self, lines: Sequence[VariedLine], cubes: Sequence[Cube]) -> CandidateCosts:
        """Draw what the costs of all candidates are computed from.

        Args:
            lines: the varied lines.
            cubes: cubes of claims with an edge at every edge of the lines; empty for published counts.

        Raises:
            ModelRefused: a varied line has no expected cost, or its payments do not follow from the policy.
        """
        usual = {line.schedule.id: line.with_values(line.usual_values) for line in lines}
        model = self.policy.model_copy(update={"lines": tuple(usual.get(x.id, x) for x in self.policy.lines)})
        ledger = self.fitting_ledger(model)
        compiled = {x.line.id: x for x in compile_lines(model, ledger, as_of=self.as_of, cubes=cubes)}
        awards: dict[str, Award] = {}
        for id_ in usual:
            _check_cost(compiled.get(id_), id_, self.as_of, with_claims=bool(cubes))
            award = compiled[id_].funnel.entries.get("review_award")
            awards |= {id_: award} if isinstance(award, Award) else {}
        portfolio = self.portfolio(model, cubes)
        firsts = np.cumsum([0, *(line.used.size for line in lines)])
        by_id = {line.schedule.id: (line, int(first)) for line, first in zip(lines, firsts[:-1], strict=True)}
        streams = [
            _apart(stream, *by_id[stream.line], cubes, awards.get(stream.line))
            if stream.line in by_id and stream.valuation == "cash"
            else stream
            for stream in portfolio.streams
        ]
        reviewed = [line.schedule.id for line in lines if line.used[:, REVIEWED].any()]
        further = {awards[id_].id: awards[id_] for id_ in reviewed if id_ in awards}
        portfolio = replace(portfolio, streams=tuple(streams))
        run = self.simulated(self._with(portfolio, further) if further else portfolio)
        run = replace(run, draws=min(run.draws, max(MOST_DRAWS, self.draws)))
        return _drawn(run, lines, {line.id for line in self.policy.schedules})


def _check_cost(one: CompiledLine | None, id_: str, as_of: date, *, with_claims: bool) -> None:
    cash = [term for term in one.terms if term.valuation == "cash"] if one else []
    missing = next((term.missing for term in cash if term.missing), None)
    if one is None:
        problem, remedy = f"the line was not public by {as_of}", "Move --as-of to a later day."
    elif not with_claims and isinstance(one.funnel.entries.get("mean_payment"), MeanPayment):
        problem = "the ledger states one mean payment for all loss bands, so payments cannot vary"
        remedy = "Replace the mean payment by a band mix, or give claims."
    elif any(term.certain for term in cash):
        problem = "the ledger states the total of the line, so payments cannot vary"
        remedy = "Take the total out of the ledger."
    elif not any(term.has_expected_cost for term in cash):
        problem = "the line has no expected cost, so no policy can be chosen by it"
        remedy = f"The ledger lacks: {missing}." if missing else "See the status of the line in `cost`."
    else:
        return
    raise ModelRefused(problem, value=id_, remedy=remedy)


def _apart(
    stream: Stream, line: VariedLine, first: int, cubes: Sequence[Cube], award: Award | None
) -> Stream:
    # Return the stream with the first column of its interval as label of each claim. All intervals are paid
    # differently, so the simulation draws the claims of each, their losses and their awards apart.
    usual = line.payments(np.array([line.usual_values], dtype=np.int64))[0, :, FIXED]
    usual = np.where(usual > 0, usual, np.nanmax(usual, initial=1.0))

    def pays(place: int, claims: float) -> dict[str, Any]:
        reviewed = bool(line.used[place, REVIEWED])
        if reviewed and claims and award is None:
            raise ModelRefused(
                "claims are reviewed, and the ledger states no mean award of a review",
                value=stream.line,
                remedy="Add an assumption of the kind `review_award`.",
            )
        fixed = (1.0 if reviewed else float(usual[place])) + TINY_PAYMENT * (place + 1)
        return {"fixed": fixed, "share": float(line.used[place, SHARE]), "reviewed": reviewed}

    if award and line.used[:, REVIEWED].any():  # the announced policy may review no claim
        stream = replace(stream, award=award.id, spread=award.spread)
    cube = cube_of(line, cubes)
    if cube is not None:
        cells = [
            replace(cell, **pays(place, cell.claims), labels={FIRST: first + len(PARTS) * place})
            if place >= 0
            else cell
            for cell, place in zip(stream.cells, line.intervals_in(cube).tolist(), strict=True)
        ]
        return replace(stream, cells=tuple(cells))
    parts = []
    for part in stream.parts:
        place = line.interval_of((part.labels[0].get("over"), part.labels[0].get("up_to")))  # type: ignore[arg-type]
        if place >= 0:
            pay, label = pays(place, stream.trials), {FIRST: first + len(PARTS) * place}
            paid, squared = (stream.trials * pay["fixed"] ** power for power in (1, 2))
            parts.append(Part(paid, squared, part.band, pay["reviewed"], (label,)))
        else:
            parts.append(part)
    return replace(stream, parts=tuple(parts))


def cube_of(line: VariedLine, cubes: Sequence[Cube]) -> Cube | None:
    """Return the cube whose claims a line pays; None if the costs come from published counts."""
    return next((cube for cube in cubes if cube_fits_line(line.schedule, cube)), None)


@dataclass(frozen=True, eq=False)
class CandidateCosts:
    """The cost of each candidate: what it pays, times what is paid for.

    The columns are the parts of the payment in each interval of each line.

    Args:
        lines: the varied lines.
        draws: the claims, losses or awards of each column in each draw, (columns, replicates, draws).
        means: their expected values, (columns,).
        base: what all candidates pay alike in each draw, and handling if it counts, (replicates, draws).
        expected_base: its expected value.
        expected_by_loss: its expected value in lines that pay by loss band.
        accepted: the expected number of accepted claims of all lines that pay by loss band.
    """

    lines: Sequence[VariedLine]
    draws: FloatArray
    means: FloatArray
    base: FloatArray
    expected_base: float
    expected_by_loss: float
    accepted: float

    def payments(self, candidates: IntArray) -> FloatArray:
        """Return what candidates pay per claim, loss or award of each column, (candidates, columns)."""
        paid = [line.payments(candidates).reshape(len(candidates), -1) for line in self.lines]
        return np.concatenate(paid, axis=1)

    @property
    def on_average(self) -> CandidateCosts:
        """The costs with one draw, in which everything has its expected value."""
        return replace(self, draws=self.means[:, None, None], base=np.full((1, 1), self.expected_base))

    def per_claim(self, payments: FloatArray) -> FloatArray | None:
        """Return the mean payment per accepted claim, (candidates,), of lines that pay by loss band.

        It is None if no claim is accepted.
        """
        paid = self.expected_by_loss + (payments * self.means).sum(axis=1)
        return paid / self.accepted if self.accepted else None

    def totals(self, payments: FloatArray) -> Iterator[FloatArray]:
        """Yield the costs of candidates in each draw, (candidates, replicates, draws), for some at a time."""
        rows = max(1, CHUNK // self.base.size)
        for first in range(0, len(payments), rows):
            part = payments[first : first + rows]
            total = np.broadcast_to(self.base, (len(part), *self.base.shape)).copy()
            # A matrix product may have other last digits with other numbers of threads.
            for paid, drawn in zip(part.T, self.draws, strict=True):
                if paid.any():
                    total += paid[:, None, None] * drawn
            yield total

    def quantiles(self, payments: FloatArray, level: float) -> FloatArray:
        """Return a quantile of the costs of candidates, (candidates,)."""
        place = quantile_place(level, self.base.size)
        totals = (total.reshape(len(total), -1) for total in self.totals(payments))
        return np.concatenate([np.empty(0), *(np.partition(x, place, axis=1)[:, place] for x in totals)])


def _drawn(run: Simulation, lines: Sequence[VariedLine], by_loss: Collection[str]) -> CandidateCosts:
    used = np.concatenate([line.used.ravel() for line in lines])
    means, paid_by_loss, accepted = (
        np.zeros(len(used) + 1),
        0.0,
        0.0,
    )  # the last: what all candidates pay alike
    units, places = [], []
    for stream, own in zip(run.portfolio.streams, run.process.units, strict=True):
        pairs = [
            (replace(unit, **UNITS[column - first]), column) if first >= 0 else (unit, -1)
            for unit in own
            for first, column in _columns(unit.labels[0], used)
        ]
        units.append(tuple(unit for unit, _ in pairs))
        places.append([column for _, column in pairs])
        is_by_loss = stream.line in by_loss and stream.valuation == "cash"
        for column, part in _parts(stream, used):
            paid = expected_payment(run, replace(stream, parts=(part,)))
            means[column] += paid
            paid_by_loss += paid if column < 0 and is_by_loss else 0.0
        accepted += expected_payment(run, accepted_claims(stream)) if is_by_loss else 0.0
    engine = replace(run, process=replace(run.process, units=tuple(units)))
    rows = []
    for block in engine.replicates():
        sums = np.zeros((len(used) + 1, len(block.uniforms)))
        for stream, columns, amounts in zip(run.portfolio.streams, places, block.amounts, strict=True):
            for column, paid in zip([-1] if stream.certain else columns, amounts.T, strict=True):
                sums[column] += paid
        rows.append(sums)
    drawn = np.stack(rows, axis=1)
    return CandidateCosts(lines, drawn[:-1], means[:-1], drawn[-1], float(means[-1]), paid_by_loss, accepted)


def _columns(labels: Mapping[str, object], used: FlagArray) -> list[tuple[int, int]]:
    # The first column of the interval of claims with these labels, with each column that candidates pay.
    first = labels.get(FIRST, -1)
    if not isinstance(first, int) or first < 0:
        return [(-1, -1)]
    return [(first, first + part) for part in PARTS if used[first + part]]


def _parts(stream: Stream, used: FlagArray) -> Iterator[tuple[int, Part]]:
    sums: dict[tuple[int, int | None, bool], float] = defaultdict(float)
    for part in () if stream.cells else stream.parts:
        for first, column in _columns(part.labels[0], used):
            reviewed = part.reviewed if first < 0 else column - first == REVIEWED
            sums[column, part.band, reviewed] += part.paid if first < 0 else stream.trials
    for cell in stream.cells:
        paid = cell.claims * cell.fixed + cell.share * cell.loss
        for first, column in _columns(cell.labels, used):
            amounts = (cell.claims, cell.loss, cell.claims)
            reviewed = cell.reviewed if first < 0 else column - first == REVIEWED
            sums[column, None, reviewed] += paid if first < 0 else amounts[column - first]
    return ((column, Part(paid, 0.0, band, reviewed)) for (column, band, reviewed), paid in sums.items())


def expected_payment(run: Simulation, stream: Stream) -> float:
    """Return the expected payments of a stream: in closed form, or from the inputs of all draws."""
    if run.portfolio.has_closed_form(stream.valuation):
        return float(expected_at(replace(run.portfolio, streams=(stream,)), stream.valuation, {})[0])
    means = [stream.moments(values, run.draws // REPLICATES)[0] for values in run.drawn_inputs()]
    return float(np.mean([mean.sum(axis=1).mean() for mean in means]))


def accepted_claims(stream: Stream) -> Stream:
    """Return the stream that pays 1 for each accepted claim of a stream."""
    return replace(stream, parts=(Part(stream.trials, 0.0),), cells=(), mix="")


def ordered_edges(lines: Sequence[VariedLine], candidates: IntArray) -> FlagArray:
    """Return whether the upper edges of each candidate increase, (candidates,)."""
    ordered = np.ones(len(candidates), dtype=bool)
    for line in lines:
        ordered &= (np.diff(line.cuts_of(candidates), axis=1, prepend=0) > 0).all(axis=1)
    return ordered


def payment_jumps(lines: Sequence[VariedLine], candidates: IntArray) -> tuple[FloatArray, FlagArray]:
    """Return how the payments of candidates jump at the edges of the loss bands of the varied lines.

    The first jump is from a loss of zero to the smallest loss. Edges are left out if neither they nor the
    payments beside them vary, if the claims on one side are reviewed, and if the band above is announced to
    pay nothing, which no candidate changes.

    Returns:
        The largest jump upwards, in the smallest unit of the currency, and whether a payment falls at an
        edge, each (candidates,).
    """
    largest, falls = np.zeros(len(candidates)), np.zeros(len(candidates), dtype=bool)
    for line in lines:
        cuts, zero = line.cuts_of(candidates), line.schedule.tariff.pay(0)
        below = np.full(len(candidates), np.nan if zero is None else float(zero * SHARE_SCALE))
        for tier, rule in enumerate(line.schedule.bands):
            edge = cuts[:, tier - 1] if tier else np.zeros(len(candidates))
            below = line.pays_at(tier - 1, candidates, edge) if tier else below
            jump = np.nan_to_num(line.pays_at(tier, candidates, edge + 1) - below) / SHARE_SCALE
            around = line.is_varied(tier) or line.is_varied(tier - 1) or (tier - 1, "up_to") in line.places
            if around and (line.is_varied(tier) or rule.pays):
                largest, falls = np.maximum(largest, jump), falls | (jump < 0)
    return largest, falls


def largest_shortfall(lines: Sequence[VariedLine], candidates: IntArray) -> FloatArray | None:
    """Return the largest shortfall at the upper edges of the loss bands, (candidates,), without any claims.

    Returns:
        None if a band without an upper edge is paid by a rule, so that the shortfall has no limit.
    """
    worst = np.zeros(len(candidates))
    for line in lines:
        cuts, tiers = line.cuts_of(candidates), len(line.possible_cuts)
        if not np.isnan(line.pays_at(tiers, candidates, np.ones(len(candidates)))).all():
            return None
        for tier in range(tiers):
            paid = line.pays_at(tier, candidates, cuts[:, tier]) / SHARE_SCALE
            worst = np.maximum(worst, np.nan_to_num(cuts[:, tier] - paid, nan=0.0))
    return worst
