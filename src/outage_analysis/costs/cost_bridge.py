"""The cost bridge: explains the change of the expected cost between two runs, step by step.

Each step replaces one part of the first run by the same part of the second run, in a fixed order: newly
published facts (data), the ledger, the policy, facts about actual payments, and the version of this model.
The amount of a step is the change of the expected total that the replacement causes, so the steps add up to
the whole change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import pairwise

import polars as pl

from outage_analysis.assumptions import Assumption, Ledger, RateAssumption
from outage_analysis.costs.expected import build_portfolio, compiled_lines
from outage_analysis.costs.simulation import SEED, round_digits, rounded_estimate, simulate
from outage_analysis.costs.terms import assumptions_in_force, join_ids, mix_fits_line
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import get_fact
from outage_analysis.policies import CostLine, Policy
from outage_analysis.text import TABLE_DIGITS, schema_of

QUANTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9}
"""Column of the bridge -> the probability of a total below it."""


STEPS = ("data", "assumption", "policy", "payments")
PAYMENT_KINDS = ("mean_payment", "paid_total")
"""Kinds of assumption that state what was actually paid."""
REQUIRED_KINDS = ("filing_share", "acceptance", "take_up", "review_award", "band_mix")
"""Kinds of assumption that a line may need for an expected cost."""
LARGEST_TOTAL = 10**17
"""Recorded totals up to this amount, and their differences, fit into 64-bit integers."""

AssumptionsByKind = Mapping[str, Assumption]
"""The assumptions that apply to a line, by kind."""


@dataclass(frozen=True)
class BridgeRun:
    """One of the two runs that a bridge compares; its cost is computed from published counts.

    Args:
        policy: the policy.
        ledger: the assumptions, if any.
        as_of: the day of the run.
    """

    policy: Policy
    ledger: Ledger | None
    as_of: date


def bridge(
    first: BridgeRun,
    second: BridgeRun,
    *,
    recorded: float | None = None,
    draws: int | None = None,
    seed: int = SEED,
) -> pl.DataFrame:
    """Explain how the expected cash, and with draws its range, changed from one run to a later one.

    Args:
        first: the earlier run.
        second: the later run.
        recorded: the total of the first run as an older version of this package computed it, in the smallest
            unit of the currency; by default, the total that this version computes.
        draws: the number of points with which both runs are simulated, a power of two; by default there is no
            simulation.
        seed: the seed of the points, the same for both runs.

    Returns:
        The table `documents.bridge`, with amounts in the smallest unit of the currency. The
        rows are `start`, `data`, `assumption`, `policy`, `payments`, `method` and `end` in this order.
        `amount` is the change, `total` is the expected cost after the step, and `what` lists the ids of the
        facts, assumptions and lines that changed. A line that gains or loses its expected cost has a separate
        row after its step. The amounts add up exactly to the total at the end; a run without an expected cost
        has a total of 0. Counts observed in the outage itself belong to the step `payments`, although the
        ledger states them. A change in what claimants must do to be paid belongs to the step `policy`. With
        draws, `p50`, `p75` and `p90` of the rows `start` and `end` are quantiles of the total of the run, if
        it has an expected cost.

    Raises:
        UsageError: the second run is earlier than the first, the currencies differ, or `recorded` is negative
            or too large.
        ModelRefused: neither run has an expected cost.
    """
    if second.as_of < first.as_of:
        raise UsageError("the second run is of an earlier day than the first", remedy="Swap them.")
    if (first.policy.currency, first.policy.digits) != (second.policy.currency, second.policy.digits):
        raise UsageError("the two policies do not pay the same currency", remedy="Restate one of them.")
    if recorded is not None and not 0 <= recorded <= LARGEST_TOTAL:
        problem = "a recorded figure is no sum of money"
        raise UsageError(problem, value=recorded, remedy="Take it as it was recorded.")
    changes = _BridgeStages(first, second)
    known = [{id_: cost for id_, cost in stage.items() if cost is not None} for stage in changes.stages]
    totals = [*map(_rounded_total, known)]
    if not known[0] and not known[-1]:
        raise ModelRefused(
            "neither run has an expected cost in cash",
            remedy="Give a ledger with the inputs that the policies need.",
        )
    start = totals[0] if recorded is None else round(recorded)
    rows: list[tuple[str, int | None, int, str]] = [("start", None, start, _run_ids(first))]
    for step, (earlier, later) in zip(STEPS, pairwise(known), strict=True):
        both, alone = sorted(earlier.keys() & later.keys()), sorted(earlier.keys() ^ later.keys())
        moved = [line for line in both if earlier[line] != later[line]]
        costs = earlier
        # First all lines with a cost before and after; then each line that gains or loses its cost.
        for done, lines in enumerate([both, *([line] for line in alone)]):
            previous = _rounded_total(costs)
            costs = {line: cost for line, cost in costs.items() if line not in lines}
            costs |= {line: later[line] for line in lines if line in later}
            amount = _rounded_total(costs) - previous
            reasons = (changes.reasons(step, line) for line in (lines if done else moved))
            what = join_ids(*(lines if done else ()), *reasons)
            rows.append((step, amount, rows[-1][2] + amount, what))
    rows.append(("method", totals[0] - start, totals[-1], ""))
    rows.append(("end", None, totals[-1], _run_ids(second)))
    schema = schema_of("documents.bridge")
    ranges = {"start": _quantiles(first, draws, seed), "end": _quantiles(second, draws, seed)}
    names = schema.without(*QUANTILES).names
    return schema.frame(dict(zip(names, row, strict=True)) | ranges.get(row[0], {}) for row in rows)


def _quantiles(run: BridgeRun, draws: int | None, seed: int) -> dict[str, float]:
    portfolio = build_portfolio(run.policy, run.ledger, as_of=run.as_of)
    if draws is None or "cash" not in portfolio.valuations:
        return {}
    total = simulate(portfolio, draws=draws, seed=seed).totals["cash"]
    return {name: rounded_estimate(total.quantile(p)).value for name, p in QUANTILES.items()}


def _run_ids(side: BridgeRun) -> str:
    return join_ids(side.policy.id, side.ledger.id if side.ledger else "", str(side.as_of))


def _rounded_total(stage: Mapping[str, float]) -> int:
    """Add up the costs of the lines, and round the total as the cost table does, then to a whole number."""
    return round(round_digits(math.fsum(stage.values()), TABLE_DIGITS))


class _BridgeStages:
    """The cost lines before the first step and after each of `STEPS`, with their expected costs.

    Attributes:
        first_lines: the cost lines of the first run by id, as known on the day of that run.
        second_lines: the same for the second run.
        stages: the expected costs of the lines by id, before the first step and after each step; None for a
            line without one.
    """

    def __init__(self, first: BridgeRun, second: BridgeRun) -> None:
        self.first, self.second = first, second
        self.first_lines, self.second_lines = _known_lines(first), _known_lines(second)
        old, new = (run.ledger and run.ledger.as_known_on(run.as_of) for run in (first, second))
        self._ledger = old or new
        self._first_entries = partial(assumptions_in_force, old, day=second.as_of)
        self._second_entries = partial(assumptions_in_force, new, day=second.as_of)
        states = (
            (self.first_lines, self._first_entries, first.as_of),
            (self.first_lines, self._first_entries, second.as_of),
            (self.first_lines, self._entries_after_ledger, second.as_of),
            (self.second_lines, self._entries_after_policy, second.as_of),
            (self.second_lines, self._second_entries, second.as_of),
        )
        self.stages: list[dict[str, float | None]] = [
            {id_: self._cost(line, entries(line), day) for id_, line in lines.items()}
            for lines, entries, day in states
        ]

    def reasons(self, step: str, id_: str) -> str:
        """Return the ids of the facts, assumptions and lines that changed for a line in a step."""
        if step == "data":
            facts = self.first_lines[id_].numeric_facts
            return join_ids(*(x for x in facts if self._between_runs(get_fact(x, hindsight=True).public_on)))
        if step == "assumption":
            line = self.first_lines[id_]
            return _changed_ids(self._first_entries(line), self._entries_after_ledger(line))
        if step == "policy":
            changes = self.second.policy.line(id_).effort_changes if id_ in self.second_lines else ()
            recent = (change.facts for change in changes if self._between_runs(change.since))
            return join_ids(id_, *(fact for facts in recent for fact in facts))
        line = self.second_lines[id_]
        return _changed_ids(self._entries_after_ledger(line), self._second_entries(line))

    def _between_runs(self, day: date | None) -> bool:
        return day is not None and self.first.as_of < day <= self.second.as_of

    def _entries_after_ledger(self, line: CostLine) -> AssumptionsByKind:
        """The assumptions for a line after the step that replaces the ledger.

        Counts observed in the outage and assumptions about actual payments are still those of the first
        ledger. If the line then has no expected cost, the first ledger supplies the missing required
        assumptions. It does not if the second run contains the line without an expected cost.
        """
        before, after = (
            {kind: entry for kind, entry in entries.items() if mix_fits_line(entry, line)}
            for entries in (self._first_entries(line), self._second_entries(line))
        )
        day = self.second.as_of
        for kind, entry in before.items():
            if isinstance(entry, RateAssumption) and entry.interim_error(line.closes_on(day)):
                before[kind] = entry.model_copy(update={"observed": None})
        for kind, entry in after.items():
            if isinstance(entry, RateAssumption) and entry.observed:
                update = {"observed": getattr(before.get(kind), "observed", None)}
                after[kind] = entry.model_copy(update=update)
        after = {kind: entry for kind, entry in after.items() if kind not in PAYMENT_KINDS}
        after |= {kind: entry for kind, entry in before.items() if kind in PAYMENT_KINDS}
        final = self.second_lines.get(line.id)
        needs_cost = final is None or self._cost(final, self._second_entries(final), day) is not None
        if needs_cost and self._cost(line, after, day) is None:
            after = {kind: entry for kind, entry in before.items() if kind in REQUIRED_KINDS} | after
        return after

    def _entries_after_policy(self, line: CostLine) -> AssumptionsByKind:
        return self._entries_after_ledger(line) if line.id in self.first_lines else self._second_entries(line)

    def _cost(self, line: CostLine, entries: AssumptionsByKind, day: date) -> float | None:
        """Return the expected cost of a line under some assumptions; None if it has none."""
        update = {"assumptions": tuple(entries.values()), "correlations": ()}
        ledger = self._ledger and self._ledger.model_copy(update=update)
        policy = self.second.policy.model_copy(update={"lines": (line,)})
        compiled = compiled_lines(policy, ledger, as_of=day)
        own = [term for each in compiled for term in each.terms if term.valuation == "cash"]
        known = own and all(term.has_expected_cost for term in own)
        return round_digits(math.fsum(t.cost.expected or 0.0 for t in own), TABLE_DIGITS) if known else None


def _known_lines(run: BridgeRun) -> dict[str, CostLine]:
    """Return the lines of a run by id, without later changes of the claim effort."""
    day = run.as_of
    return {
        line.id: line.model_copy(update={"effort": line.effort_on(day), "effort_changes": ()})
        for line in run.policy.as_known_on(day).lines
    }


def _changed_ids(before: AssumptionsByKind, after: AssumptionsByKind) -> str:
    """Return the ids of the assumptions that changed; for a replaced assumption, the new id."""
    kinds = sorted(before.keys() | after.keys())
    return join_ids(*((after.get(k) or before[k]).id for k in kinds if before.get(k) != after.get(k)))
