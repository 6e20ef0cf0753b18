"""The cost bridge: explains the change of the expected cost between two runs, step by step.

Each step replaces one part of the first run by the same part of the second run, in a fixed order: newly
published facts (data), the ledger, the policy, facts about actual payments, and the version of this model.
The amount of a step is the change of the expected total that the replacement causes, so the steps add up to
the whole change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise

import polars as pl

from outage_analysis.assumptions import Assumption, Ledger, RateAssumption
from outage_analysis.costs.expected import cost_table, mix_fits_line
from outage_analysis.costs.funnel import join_ids
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import get_fact
from outage_analysis.policies import CostLine, Policy
from outage_analysis.text import INTEGER, TABLE_DIGITS, Column, TableSchema

BRIDGE = TableSchema(
    "One row per step from the earlier to the later total.",
    (
        Column(
            "step", "word", "start, data, assumption, policy, payments, method or end.", label="bridge_step"
        ),
        Column("amount", "money", "Change of the expected cost in this step.", INTEGER),
        Column("total", "money", "Expected cost after this step.", INTEGER),
        Column("what", "names", "Ids of the facts, assumptions and lines that changed."),
    ),
)
STEPS = ("data", "assumption", "policy", "payments")
PAYMENT_KINDS = ("mean_payment", "paid_total")
"""Kinds of assumption that state what was actually paid."""
REQUIRED_KINDS = ("filing_share", "acceptance", "take_up", "review_award", "band_mix")
"""Kinds of assumption that a line may need for an expected cost."""
LARGEST_TOTAL = 10**17
"""Totals up to this amount, and their differences, fit into 64-bit integers."""

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
    first: BridgeRun, second: BridgeRun, *, valuation: str = "cash", recorded: float | None = None
) -> pl.DataFrame:
    """Explain how the expected cost changed from one run to a later one.

    Args:
        first: the earlier run.
        second: the later run.
        valuation: the kind of cost that is added up, such as `cash`.
        recorded: the total of the first run as an older version of this package computed it, in the smallest
            unit of the currency; by default, the total that this version computes.

    Returns:
        The columns of `BRIDGE`, with amounts in the smallest unit of the currency. The rows are `start`,
        `data`, `assumption`, `policy`, `payments`, `method` and `end` in this order. `amount` is the change,
        `total` is the expected cost after the step, and `what` lists the ids of the facts, assumptions and
        lines that changed. A line that gains or loses its expected cost has a separate row after its step.
        The amounts add up exactly to the total at the end; a run without an expected cost has a total of 0.
        Counts observed in the outage itself belong to the step `payments`, although the ledger states them. A
        change in what claimants must do to be paid belongs to the step `policy`.

    Raises:
        UsageError: the second run is earlier than the first, the currencies differ, or `recorded` is negative
            or too large.
        ModelRefused: neither run has an expected cost.
    """
    _check_runs(first, second, recorded)
    changes = _BridgeStages(first, second, valuation)
    totals = [_rounded_total(stage) for stage in changes.stages]
    if not changes.stages[0] and not changes.stages[-1]:
        raise ModelRefused(
            f"neither run has an expected cost in {valuation.replace('_', ' ')}",
            remedy="Give a ledger with the inputs that the policies need.",
        )
    start = totals[0] if recorded is None else round(recorded)
    rows: list[tuple[str, int | None, int, str]] = [("start", None, start, _run_ids(first))]
    for step, stages in zip(STEPS, pairwise(changes.stages), strict=True):
        rows += _step_rows(step, *stages, start=rows[-1][2], reasons=changes.reasons[step])
    rows.append(("method", totals[0] - start, totals[-1], ""))
    rows.append(("end", None, totals[-1], _run_ids(second)))
    return pl.DataFrame(rows, schema=BRIDGE.dtypes, orient="row")


def _check_runs(first: BridgeRun, second: BridgeRun, recorded: float | None) -> None:
    if second.as_of < first.as_of:
        raise UsageError("the second run is of an earlier day than the first", remedy="Swap them.")
    if (first.policy.currency, first.policy.digits) != (second.policy.currency, second.policy.digits):
        raise UsageError("the two policies do not pay the same currency", remedy="Restate one of them.")
    if recorded is not None and not 0 <= recorded <= LARGEST_TOTAL:
        raise UsageError(
            "a recorded figure is no sum of money", value=recorded, remedy="Take it as it was recorded."
        )


def _run_ids(side: BridgeRun) -> str:
    return join_ids(side.policy.id, side.ledger.id if side.ledger else "", str(side.as_of))


def _rounded_total(stage: Mapping[str, float]) -> int:
    """Add up the costs of the lines, and round the total as the cost table does, then to a whole number."""
    cost = math.fsum(stage.values())
    if cost > LARGEST_TOTAL:
        raise ModelRefused(
            f"a cost of {cost:.3g} is larger than the bridge adds up exactly",
            remedy="State amounts in a larger unit.",
        )
    return round(float(pl.Series([cost]).round_sig_figs(TABLE_DIGITS)[0]))


def _step_rows(
    step: str,
    before: Mapping[str, float],
    after: Mapping[str, float],
    *,
    start: int,
    reasons: Callable[[str], str],
) -> Iterator[tuple[str, int | None, int, str]]:
    """Yield the bridge row of a step, then one row per cost line that gains or loses an expected cost."""
    both, alone = sorted(before.keys() & after.keys()), sorted(before.keys() ^ after.keys())
    stage = {**before, **{line: after[line] for line in both}}
    total = start + _rounded_total(stage) - _rounded_total(before)
    moved = [line for line in both if before[line] != after[line]]
    yield step, total - start, total, join_ids(*map(reasons, moved))
    for line in alone:
        previous = _rounded_total(stage)
        if line in after:
            stage[line] = after[line]
        else:
            del stage[line]
        total += _rounded_total(stage) - previous
        yield step, _rounded_total(stage) - previous, total, join_ids(line, reasons(line))


@dataclass(frozen=True)
class _BridgeStages:
    """The stages from the first run to the second: the expected cost per line after each step."""

    first: BridgeRun
    second: BridgeRun
    valuation: str

    @cached_property
    def first_lines(self) -> dict[str, CostLine]:
        """The cost lines of the first run's policy by id, as known on the day of that run."""
        day = self.first.as_of
        return {line.id: _line_as_of(line, day) for line in self.first.policy.as_known_on(day).lines}

    @cached_property
    def second_lines(self) -> dict[str, CostLine]:
        """The cost lines of the second run's policy by id, as known on the day of that run."""
        day = self.second.as_of
        return {line.id: _line_as_of(line, day) for line in self.second.policy.as_known_on(day).lines}

    @cached_property
    def promised_lines(self) -> dict[str, CostLine]:
        """The second policy's cost lines by id; budgets have only paid amounts that the first run knew."""
        return {
            id_: line.with_true_ups(
                self.first_lines[id_].true_ups_by(self.first.as_of) if id_ in self.first_lines else ()
            )
            for id_, line in self.second_lines.items()
        }

    @cached_property
    def stages(self) -> tuple[dict[str, float], ...]:
        """The expected cost per line before the first step and after each of `STEPS`.

        A stage does not contain the lines without an expected cost.
        """
        days = (self.first.as_of, *4 * (self.second.as_of,))
        lines = (self.first_lines, self.first_lines, self.first_lines, self.promised_lines, self.second_lines)
        entries = (
            self._first_entries,
            self._first_entries,
            self._entries_after_ledger,
            self._entries_after_policy,
            self._second_entries,
        )
        return tuple(
            {
                id_: cost
                for id_, line in mine.items()
                if (cost := self._expected_cost(line, chosen(line), day)) is not None
            }
            for mine, chosen, day in zip(lines, entries, days, strict=True)
        )

    @property
    def reasons(self) -> dict[str, Callable[[str], str]]:
        """Per step, a function that returns the ids of the facts and assumptions that changed for a line."""
        return {
            "data": self._new_facts,
            "assumption": lambda id_: _changed_ids(
                self._first_entries(self.first_lines[id_]), self._entries_after_ledger(self.first_lines[id_])
            ),
            "policy": self._policy_changes,
            "payments": self._payment_facts,
        }

    @cached_property
    def _ledgers(self) -> tuple[Ledger | None, Ledger | None]:
        """Both ledgers, each limited to what was public on the day of its run."""
        first, second = self.first, self.second
        return (
            first.ledger and first.ledger.as_known_on(first.as_of),
            second.ledger and second.ledger.as_known_on(second.as_of),
        )

    def _first_entries(self, line: CostLine) -> AssumptionsByKind:
        return _assumptions_in_force(self._ledgers[0], line)

    def _second_entries(self, line: CostLine) -> AssumptionsByKind:
        return _assumptions_in_force(self._ledgers[1], line)

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
        before = {kind: _without_interim_count(entry, line.closes_on(day)) for kind, entry in before.items()}
        for kind, entry in after.items():
            if isinstance(entry, RateAssumption) and entry.observed:
                observed = getattr(before.get(kind), "observed", None)
                after[kind] = entry.model_copy(update={"observed": observed})
        after = {kind: entry for kind, entry in after.items() if kind not in PAYMENT_KINDS}
        after |= {kind: entry for kind, entry in before.items() if kind in PAYMENT_KINDS}
        needs_cost = line.id not in self.second_lines or self._has_final_cost(line.id)
        if needs_cost and self._expected_cost(line, after, day) is None:
            after = {kind: entry for kind, entry in before.items() if kind in REQUIRED_KINDS} | after
        return after

    def _entries_after_policy(self, line: CostLine) -> AssumptionsByKind:
        """The assumptions for a line after the step that replaces the policy.

        A line that the first run did not have uses all assumptions of the second ledger.
        """
        return self._entries_after_ledger(line) if line.id in self.first_lines else self._second_entries(line)

    def _has_final_cost(self, id_: str) -> bool:
        line = self.second_lines[id_]
        return self._expected_cost(line, self._second_entries(line), self.second.as_of) is not None

    def _expected_cost(self, line: CostLine, entries: AssumptionsByKind, day: date) -> float | None:
        """Return the expected cost of one line under the assumptions `entries`; None if they give no cost."""
        ledger = self._ledgers[0] or self._ledgers[1]
        if ledger is not None:
            ledger = ledger.model_copy(update={"assumptions": tuple(entries.values()), "correlations": ()})
        policy = self.second.policy.model_copy(update={"lines": (line,)})
        table = cost_table(policy, ledger, as_of=day).filter(level="line", valuation=self.valuation)
        return table["expected"].item() if len(table) else None

    def _between_runs(self, day: date | None) -> bool:
        return day is not None and self.first.as_of < day <= self.second.as_of

    def _new_facts(self, id_: str) -> str:
        facts = self.first_lines[id_].numeric_facts
        return join_ids(*(f for f in facts if self._between_runs(get_fact(f, hindsight=True).public_on)))

    def _policy_changes(self, id_: str) -> str:
        changes = self.second.policy.line(id_).effort_changes if id_ in self.promised_lines else ()
        return join_ids(
            id_, *(f for change in changes if self._between_runs(change.since) for f in change.facts)
        )

    def _payment_facts(self, id_: str) -> str:
        line, before = self.second_lines[id_], self.promised_lines[id_]
        day = self.second.as_of
        known = before.true_ups_by(day)
        if added := [t for t in line.true_ups_by(day) if t not in known]:
            return join_ids(*(f for t in added for f in (str(t.amount), *t.facts) if not f.isdigit()))
        return _changed_ids(self._entries_after_ledger(before), self._second_entries(line))


def _line_as_of(line: CostLine, day: date) -> CostLine:
    """Return a cost line as known on a day, without later paid amounts or changes of the claim effort."""
    public = [t for t in line.true_ups_by(day) if _is_public(t.amount, day)]
    update = {"effort": line.effort_on(day), "effort_changes": ()}
    return line.with_true_ups(public).model_copy(update=update)


def _without_interim_count(entry: Assumption, closes: date | None) -> Assumption:
    """Remove the observed counts of an assumption if they are not final: claims or decisions may follow."""
    interim = isinstance(entry, RateAssumption) and entry.interim_error(closes)
    return entry.model_copy(update={"observed": None}) if interim else entry


def _is_public(amount: int | str, day: date) -> bool:
    return isinstance(amount, int) or (get_fact(amount, hindsight=True).public_on or date.max) <= day


def _assumptions_in_force(ledger: Ledger | None, line: CostLine) -> AssumptionsByKind:
    kinds = sorted({a.kind for a in ledger.assumptions}) if ledger else ()
    entries = {kind: ledger.find(kind, line.id, line.effort) for kind in kinds if ledger}
    return {kind: entry for kind, entry in entries.items() if entry is not None}


def _changed_ids(before: AssumptionsByKind, after: AssumptionsByKind) -> str:
    """Return the ids of the assumptions that changed; for a replaced assumption, the new id."""
    kinds = sorted(before.keys() | after.keys())
    return join_ids(*((after.get(k) or before[k]).id for k in kinds if before.get(k) != after.get(k)))
