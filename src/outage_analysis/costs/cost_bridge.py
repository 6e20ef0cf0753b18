"""The bridge between two runs: what moved the expected cost, one component at a time.

The components move from the first run to the second in a fixed order, and each step is the change of the
expected total when only that component moves: what came out between the days (data), the ledger, the
policy, what was found out about payments, the version of this model. So the steps add up to the move.
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
from outage_analysis.costs.expected import SIGNIFICANT_DIGITS, cost_table, mix_fits_line
from outage_analysis.costs.funnel import join_ids
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import figure
from outage_analysis.policies import Budget, CostLine, Policy

BRIDGE: dict[str, pl.DataType] = {
    "step": pl.String(),
    "amount": pl.Int64(),
    "total": pl.Int64(),
    "what": pl.String(),
}
STEPS = ("data", "assumption", "policy", "payments")
PAYMENT_KINDS = ("mean_payment", "paid_total")
"""Kinds of assumption that say what was found to have been paid."""
REQUIRED_KINDS = ("filing_share", "acceptance", "take_up", "review_award", "band_mix")
"""Without one of these a line may have no expected cost."""
LARGEST_TOTAL = 10**17
"""Sums up to here, and their differences, are whole numbers of 64 bits."""

AssumptionsByKind = Mapping[str, Assumption]
"""The assumptions in force for a line, by kind."""


@dataclass(frozen=True)
class BridgeRun:
    """One of the two runs, from published counts: promises, assumptions if any, and its day."""

    policy: Policy
    ledger: Ledger | None
    as_of: date


def bridge(
    first: BridgeRun, second: BridgeRun, *, valuation: str = "cash", recorded: float | None = None
) -> pl.DataFrame:
    """Explain how an expected cost moved from one run to a later one.

    Args:
        first: the earlier run.
        second: the later run.
        valuation: which total.
        recorded: the first run's figure as an older version of this package recorded it, in units of the
            currency; by default what this version computes.

    Returns:
        The columns of `BRIDGE`, in whole units of the currency. `start`, `data`, `assumption`, `policy`,
        `payments`, `method` and `end` in this order, each with the `total` that it leads to and, in `what`,
        the ids of the facts, assumptions and lines that moved. A line that gains or loses its expected cost
        has a row of its own after its step. The amounts add up exactly from start to end; without an
        expected cost a total is 0. Of the assumptions, what was observed of the event itself counts as
        payments; a change of what claimants must do counts as policy.

    Raises:
        UsageError: days in the wrong order, two currencies, or a recorded figure that is no sum.
        ModelRefused: neither run has an expected cost.
    """
    _check_runs(first, second, recorded)
    move = _BridgeStages(first, second, valuation)
    totals = [_rounded_total(stage) for stage in move.stages]
    if not move.stages[0] and not move.stages[-1]:
        raise ModelRefused(
            f"neither run has an expected cost in {valuation.replace('_', ' ')}",
            remedy="Give a ledger with the inputs that the policies need.",
        )
    begun = totals[0] if recorded is None else round(recorded)
    rows: list[tuple[str, int | None, int, str]] = [("start", None, begun, _run_ids(first))]
    for step, stages in zip(STEPS, pairwise(move.stages), strict=True):
        rows += _step_rows(step, *stages, begun=rows[-1][2], reasons=move.reasons[step])
    rows.append(("method", totals[0] - begun, totals[-1], ""))
    rows.append(("end", None, totals[-1], _run_ids(second)))
    return pl.DataFrame(rows, schema=BRIDGE, orient="row")


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
    """The sum of the lines as the cost table rounds it, in whole units."""
    cost = math.fsum(stage.values())
    if cost > LARGEST_TOTAL:
        raise ModelRefused(
            f"a cost of {cost:.3g} is larger than the bridge adds up exactly",
            remedy="State amounts in a larger unit.",
        )
    return round(float(pl.Series([cost]).round_sig_figs(SIGNIFICANT_DIGITS)[0]))


def _step_rows(
    step: str,
    before: Mapping[str, float],
    after: Mapping[str, float],
    *,
    begun: int,
    reasons: Callable[[str], str],
) -> Iterator[tuple[str, int | None, int, str]]:
    """A step's own row, then one for each line that gains or loses its expected cost."""
    both, alone = sorted(before.keys() & after.keys()), sorted(before.keys() ^ after.keys())
    stage = {**before, **{line: after[line] for line in both}}
    total = begun + _rounded_total(stage) - _rounded_total(before)
    moved = [line for line in both if before[line] != after[line]]
    yield step, total - begun, total, join_ids(*map(reasons, moved))
    for line in alone:
        held = _rounded_total(stage)
        if line in after:
            stage[line] = after[line]
        else:
            del stage[line]
        total += _rounded_total(stage) - held
        yield step, _rounded_total(stage) - held, total, join_ids(line, reasons(line))


@dataclass(frozen=True)
class _BridgeStages:
    """Every stage between two runs: the expected cost by line, where it has one."""

    first: BridgeRun
    second: BridgeRun
    valuation: str

    @cached_property
    def old(self) -> dict[str, CostLine]:
        """The first policy's lines as they stood on its day, for good."""
        day = self.first.as_of
        return {line.id: _line_as_of(line, day) for line in self.first.policy.as_known_on(day).lines}

    @cached_property
    def newest(self) -> dict[str, CostLine]:
        """The second policy's lines as they stood on its day."""
        day = self.second.as_of
        return {line.id: _line_as_of(line, day) for line in self.second.policy.as_known_on(day).lines}

    @cached_property
    def new(self) -> dict[str, CostLine]:
        """The second policy's lines, without what was found since the first run that budgets came to."""
        return {
            id_: line.model_copy(update={"true_ups": getattr(self.old.get(id_), "true_ups", ())})
            if isinstance(line, Budget)
            else line
            for id_, line in self.newest.items()
        }

    @cached_property
    def stages(self) -> tuple[dict[str, float], ...]:
        """The expected cost by line before the first step and after each of `STEPS`."""
        days = (self.first.as_of, *4 * (self.second.as_of,))
        lines = (self.old, self.old, self.old, self.new, self.newest)
        entries = (self._was, self._was, self._stated, self._promised, self._now)
        return tuple(
            {
                id_: cost
                for id_, line in mine.items()
                if (cost := self._expected(line, chosen(line), day)) is not None
            }
            for mine, chosen, day in zip(lines, entries, days, strict=True)
        )

    @property
    def reasons(self) -> dict[str, Callable[[str], str]]:
        """What moved a line in each step, by ids."""
        return {
            "data": self._facts,
            "assumption": lambda id_: _changed_ids(self._was(self.old[id_]), self._stated(self.old[id_])),
            "policy": self._promises,
            "payments": self._findings,
        }

    @cached_property
    def _ledgers(self) -> tuple[Ledger | None, Ledger | None]:
        """Both ledgers as they were known."""
        first, second = self.first, self.second
        return (
            first.ledger and first.ledger.admissible(first.as_of),
            second.ledger and second.ledger.admissible(second.as_of),
        )

    def _was(self, line: CostLine) -> AssumptionsByKind:
        return _assumptions_in_force(self._ledgers[0], line)

    def _now(self, line: CostLine) -> AssumptionsByKind:
        return _assumptions_in_force(self._ledgers[1], line)

    def _stated(self, line: CostLine) -> AssumptionsByKind:
        """The second ledger's assumptions, with what had been observed by the first run alone.

        Where a line would have no expected cost then, the first ledger's assumptions stand; unless it has
        none in the end either.
        """
        was, now = (
            {kind: entry for kind, entry in entries.items() if mix_fits_line(entry, line)}
            for entries in (self._was(line), self._now(line))
        )
        day = self.second.as_of
        was = {kind: _without_interim_count(entry, line.closes_on(day)) for kind, entry in was.items()}
        for kind, entry in now.items():
            if isinstance(entry, RateAssumption) and entry.observed:
                now[kind] = entry.model_copy(update={"observed": getattr(was.get(kind), "observed", None)})
        now = {kind: entry for kind, entry in now.items() if kind not in PAYMENT_KINDS}
        now |= {kind: entry for kind, entry in was.items() if kind in PAYMENT_KINDS}
        ends = line.id not in self.newest or self._ends(line.id)
        if ends and self._expected(line, now, day) is None:
            now = {kind: entry for kind, entry in was.items() if kind in REQUIRED_KINDS} | now
        return now

    def _promised(self, line: CostLine) -> AssumptionsByKind:
        """As stated; of a promise that the first run did not know yet, all that is known of it by now."""
        return self._stated(line) if line.id in self.old else self._now(line)

    def _ends(self, id_: str) -> bool:
        line = self.newest[id_]
        return self._expected(line, self._now(line), self.second.as_of) is not None

    def _expected(self, line: CostLine, entries: AssumptionsByKind, day: date) -> float | None:
        """The expected cost of one line under some assumptions."""
        ledger = self._ledgers[0] or self._ledgers[1]
        if ledger is not None:
            ledger = ledger.model_copy(update={"assumptions": tuple(entries.values()), "correlations": ()})
        policy = self.second.policy.model_copy(update={"lines": (line,)})
        table = cost_table(policy, ledger, as_of=day).filter(level="line", valuation=self.valuation)
        return table["expected"].item() if len(table) else None

    def _since(self, day: date | None) -> bool:
        return day is not None and self.first.as_of < day <= self.second.as_of

    def _facts(self, id_: str) -> str:
        facts = self.old[id_].figures
        return join_ids(*(f for f in facts if self._since(figure(f, hindsight=True).public_on)))

    def _promises(self, id_: str) -> str:
        changes = self.second.policy.line(id_).effort_changes if id_ in self.new else ()
        return join_ids(id_, *(f for change in changes if self._since(change.since) for f in change.facts))

    def _findings(self, id_: str) -> str:
        line, before = self.newest[id_], self.new[id_]
        if isinstance(line, Budget) and isinstance(before, Budget):
            found = [t for t in line.true_ups if t not in before.true_ups]
            return join_ids(*(f for t in found for f in (str(t.amount), *t.facts) if not f.isdigit()))
        return _changed_ids(self._stated(before), self._now(line))


def _line_as_of(line: CostLine, day: date) -> CostLine:
    """A line as it stood on a day: later demands and later findings are gone."""
    update: dict[str, object] = {"effort": line.effort_on(day), "effort_changes": ()}
    if isinstance(line, Budget):
        update["true_ups"] = tuple(t for t in line.true_ups_by(day) if _is_public(t.amount, day))
    return line.model_copy(update=update)


def _without_interim_count(entry: Assumption, closes: date | None) -> Assumption:
    """An assumption without a count that an extension, announced since, has made an interim one."""
    interim = isinstance(entry, RateAssumption) and entry.interim(closes)
    return entry.model_copy(update={"observed": None}) if interim else entry


def _is_public(amount: int | str, day: date) -> bool:
    return isinstance(amount, int) or (figure(amount, hindsight=True).public_on or date.max) <= day


def _assumptions_in_force(ledger: Ledger | None, line: CostLine) -> AssumptionsByKind:
    kinds = sorted({a.kind for a in ledger.assumptions}) if ledger else ()
    found = {kind: ledger.find(kind, line.id, line.effort) for kind in kinds if ledger}
    return {kind: entry for kind, entry in found.items() if entry is not None}


def _changed_ids(before: AssumptionsByKind, after: AssumptionsByKind) -> str:
    """The ids of the assumptions that are not the same; of one replaced, the new id."""
    kinds = sorted(before.keys() | after.keys())
    return join_ids(*((after.get(k) or before[k]).id for k in kinds if before.get(k) != after.get(k)))
