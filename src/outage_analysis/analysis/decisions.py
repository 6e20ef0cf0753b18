"""What supports a decision about an analysis: what its cost depends on, stresses, and a reserve."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from outage_analysis import costs, losses
from outage_analysis.analysis.open_intake import counts_by
from outage_analysis.analysis.results import answer_card
from outage_analysis.analysis.summary import (
    counted_notes,
    driver_sentences,
    open_until,
    refuse_no_cash,
    reserve_note,
)
from outage_analysis.costs import Simulation, rounded_estimate
from outage_analysis.errors import InputRefused, ModelRefused, UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.text import (
    Answer,
    Card,
    Displayable,
    Locale,
    Result,
    ShownTable,
    schema_of,
    shown_tables,
    synthetic_mark,
)

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis


@dataclass(frozen=True, repr=False)
class AnalysisResult(Displayable, Result):
    """A result that is computed from an analysis, such as its scenarios. Notebooks show it as a card."""

    analysis: Analysis

    def card(self, lang: str = "en") -> Card:
        """Return the answer in sentences, with its first tables."""
        return answer_card(self.analysis.incident.name[lang], (), self.answer(lang))

    def warnings(self, lang: str) -> list[str]:
        """Return what a reader must know about the inputs, such as rejected rows."""
        return self.analysis.warnings(lang)

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs of the analysis as plain values, with the source of the headline."""
        basis = {"policy": self.analysis.policy.id, "basis": self.analysis.headline_basis}
        return {**self.analysis.inputs, **basis}

    def mark(self, locale: Locale) -> str:
        """Return the mark of synthetic claims if the headline is computed from them; else nothing."""
        return synthetic_mark(locale, synthetic=self.analysis.headline_is_synthetic)


def sensitivity_tables(analysis: Analysis, limit: int | None = None) -> dict[str, pl.DataFrame]:
    """Show which inputs and decisions influence the cost of an analysis.

    The tables describe the headline cost, which is computed from published counts if possible, else from
    claims.

    Args:
        analysis: the result of `run`.
        limit: an amount of cash in whole currency; tables show which inputs would make the cost exceed it.

    Returns:
        The tables `tornado`, `levers` and `indices` (shares of the variance of the cash); with a limit also
        `break_evens`; if the plan has a budget, also `information_value`. Amounts are in the smallest unit of
        the currency.

    Raises:
        ModelRefused: there is no expected cost (or no expected cash, with a limit).
    """
    run = analysis.headline_run
    if run is None:
        raise ModelRefused(
            "no line has an expected cost, so nothing moves it",
            remedy="Give a ledger with the inputs that the policy needs.",
        )
    names = ("tornado", "levers", "information_value")
    tables = {name: analysis.exact_tables[name] for name in names if name in analysis.exact_tables}
    if "cash" not in run.totals:
        if limit is not None:
            refuse_no_cash("a sum")
        return tables
    with suppress(ModelRefused):  # no indices if nothing is uncertain or inputs are correlated
        tables["indices"] = costs.sensitivity.cost_sobol_indices(run.portfolio)
    unit = float(10**analysis.incident.minor_units)
    if limit is not None:
        tables["break_evens"] = costs.sensitivity.break_evens(run.portfolio, limit * unit)
    return tables


@dataclass(frozen=True, repr=False)
class Sensitivity(AnalysisResult):
    """Which inputs and decisions the cost of an analysis depends on."""

    exact_tables: dict[str, pl.DataFrame]
    """The result of `sensitivity_tables`."""

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The tables by name, with amounts in whole currency."""
        named = self.exact_tables.items()
        return {name: self.analysis.whole(table, f"sensitivity.{name}") for name, table in named}

    def to_dict(self) -> dict[str, Any]:
        """Return all tables as plain values."""
        return self.inputs | {name: table.to_dicts() for name, table in self.tables.items()}

    def answer(self, lang: str = "en") -> Answer:
        """Return the inputs that the cost depends on most, then all tables."""
        analysis, locale = self.analysis, self.analysis.locale(lang)
        sentences = driver_sentences(analysis, locale)
        if "information_value" in self.exact_tables and analysis.budget is not None:
            portfolio = analysis.runs[analysis.headline_basis].portfolio
            first = costs.sensitivity.information_sentence(
                self.exact_tables["information_value"], portfolio, locale
            )
            budget = locale.money_in_full(analysis.budget)
            sentences.append(f"{first} {locale('information.budget_decision', budget=budget)}")
        marked = [self.mark(locale) + sentence for sentence in sentences]
        return Answer(locale, marked, self._tables(locale), analysis.names(lang))

    def _tables(self, locale: Locale) -> Iterator[ShownTable | str]:
        analysis, tables = self.analysis, self.exact_tables
        yield from shown_tables(tables, "sensitivity", locale, self.mark(locale))
        if analysis.runs[analysis.headline_basis].portfolio.has_correlated_inputs("cash"):
            yield locale("report.tied")
        if not any(len(table) for name, table in tables.items() if name != "information_value"):
            yield locale("terminal.nothing_uncertain")
        yield locale("terminal.result_units", day=analysis.as_of, currency=locale.currency)


@dataclass(frozen=True, repr=False)
class Scenarios(AnalysisResult):
    """The headline cash of an analysis under each scenario of a document."""

    stresses: costs.scenarios.ScenarioSet

    def __post_init__(self) -> None:
        """Refuse an analysis without an expected cash."""
        _ = self.exact_table

    @cached_property
    def exact_table(self) -> pl.DataFrame:
        """The table `scenarios`, in the smallest unit of the currency."""
        table = scenarios_of(self.analysis, self.stresses)
        return refuse_no_cash("scenarios") if table is None else table

    @property
    def table(self) -> pl.DataFrame:
        """The table `scenarios`, in whole currency."""
        return self.analysis.whole(self.exact_table, "scenarios")

    def to_dict(self) -> dict[str, Any]:
        """Return the scenarios as plain values."""
        about = {"document": self.stresses.id, "budget": self.analysis.plan.budget}
        return {**self.inputs, **about, "scenarios": self.table.to_dicts()}

    def answer(self, lang: str = "en") -> Answer:
        """Return the expected cash without a change and in the worst scenario, then all scenarios."""
        analysis, table, locale = self.analysis, self.exact_table, self.analysis.locale(lang)
        sentences = counted_notes(analysis, locale)
        base = self._amounts(table.row(0, named=True), locale)
        sentences.append(locale("terminal.scenarios_base", **base))
        raised = table.filter(table["change"] > 0).sort("expected", descending=True, maintain_order=True)
        if raised.is_empty():
            sentences.append(locale("terminal.scenarios_no_increase"))
        else:
            worst = raised.row(0, named=True)
            name = self.stresses.name_of(worst["scenario"], lang)
            sentences.append(locale("terminal.scenarios_worst", name=name, **self._amounts(worst, locale)))
        names, run = analysis.names(lang), analysis.runs[analysis.headline_basis]
        lines = ", ".join(names[line] for line in run.portfolio.counted("cash"))
        return Answer(
            locale, [*sentences, locale("terminal.scenarios_scope", lines=lines)], self._tables(locale)
        )

    def _amounts(self, row: dict[str, Any], locale: Locale) -> dict[str, str]:
        amounts = {"expected": locale.money(row["expected"]), "high": locale.money(row["range_high"])}
        if self.analysis.budget is None:
            return {**amounts, "chance": ""}
        budget, share = locale.money_in_full(self.analysis.budget), locale.share(row["over_budget"])
        return {**amounts, "chance": locale("terminal.scenarios_chance", budget=budget, share=share)}

    def _tables(self, locale: Locale) -> Iterator[ShownTable | str]:
        analysis, table = self.analysis, self.exact_table
        labels = {table["scenario"][0]: locale("report.scenario_base")}
        labels |= {scenario.id: scenario.name[locale.lang] for scenario in self.stresses.scenarios}
        measures = analysis.likely_range.column_measures
        hidden = ["status", "reason", *([] if analysis.budget is not None else ["over_budget"])]
        if "p75" in measures.values():  # at a level of 50, an end of the likely range is P75
            hidden.append("p75")
        title = locale("terminal.scenarios") + locale("terminal.sums", currency=locale.currency)
        shown = table.with_columns(pl.col("scenario").replace(labels)).drop(hidden).rename(measures)
        yield ShownTable(title, shown, schema_of("scenarios").without(*hidden).renamed(measures))
        rows = {row["scenario"]: row for row in table.iter_rows(named=True)}
        for scenario in self.stresses.scenarios:
            note, row = scenario.note[locale.lang], rows[scenario.id]
            if row["expected"] is None:
                told = (locale(f"word.{row['status']}"), row["reason"])
                note += " " + locale("terminal.scenario_out", reason=": ".join(filter(None, told)))
            yield locale("terminal.scenario_note", name=labels[scenario.id], note=note)


def scenarios_of(analysis: Analysis, stresses: costs.scenarios.ScenarioSet) -> pl.DataFrame | None:
    """Return the headline cash of an analysis under each scenario; None if it has no expected cash.

    Returns:
        The table `scenarios`, in the smallest unit of the currency. The row `base` has the
        figures of the table of quantiles.

    Raises:
        UsageError: a scenario names an intake of another incident.
    """
    run = analysis.headline_run
    if run is None or "cash" not in run.totals:
        return None
    cash = run.with_terms(lambda term: term.valuation == "cash")
    about = (analysis.policy, analysis.as_of, analysis.incident.id, partial(_growth, analysis))
    stressed = costs.scenarios.StressedRun(cash, *about)
    budget, level = analysis.budget, analysis.plan.level
    return costs.scenarios.scenario_table(run, stressed, stresses.scenarios, budget=budget, level=level)


def _growth(analysis: Analysis, scenario: costs.scenarios.Scenario) -> float:
    claims, day = analysis.claims, analysis.as_of
    if scenario.spike is None:
        raise costs.scenarios.DoesNotApply("no_spike")
    if claims is None or not analysis.headline_from_claims:
        raise costs.scenarios.DoesNotApply("no_dates")
    if claims.synthetic:
        raise costs.scenarios.DoesNotApply("synthetic_claims")
    closed = analysis.incident.closes_on(day)
    lines = [x for x in analysis.policy.as_known_on(day).schedules if x.effort_on(day) != "automatic"]
    deadline, *others = sorted({line.closes_on(day) or closed for line in lines} or {closed})
    if others:
        raise costs.scenarios.DoesNotApply("several_deadlines", ", ".join(map(str, (deadline, *others))))
    if deadline <= day:
        raise costs.scenarios.DoesNotApply("deadline_passed", str(deadline))
    later = deadline + timedelta(days=scenario.extra_days or 0)
    try:
        forecast = counts_by(claims)(day).with_deadlines(deadline, later, scenario.spike).forecast()
    except (InputRefused, ModelRefused) as refusal:
        raise costs.scenarios.DoesNotApply("no_forecast", str(refusal)) from refusal
    for reason in forecast.refused.values():
        raise costs.scenarios.DoesNotApply("no_forecast", reason)
    if (last := open_until(analysis)) is not None:  # the growth is from the count at the deadline
        raise costs.scenarios.DoesNotApply("claims_to_come", str(last))
    ends = [forecast.late[branch].mean for branch in (losses.DEADLINE, losses.EXTENDED)]
    return (forecast.counted + ends[1]) / (forecast.counted + ends[0])


MONEY_VALUATIONS = ("cash", "incremental_cash")
"""Valuations that are money paid out. List prices and lost sales are not costs to book."""
HANDLING = "handling"
MEASURES: Mapping[str, float | None] = {"mean": None, "p50": 0.5, "p75": 0.75, "p90": 0.9}
"""Measure of a reserve -> its probability; None for the mean."""
SPELLINGS = {"median": "p50", "P50": "p50", "P75": "p75", "P90": "p90"}
"""How users write a measure -> its name in the table."""


@dataclass(frozen=True)
class ReserveScope:
    """The cost lines that were public on the day of an analysis, by their place in the reserve."""

    counted: tuple[str, ...]
    """The lines with an expected cost in money."""
    handled: tuple[str, ...]
    """The lines whose handling has an expected cost."""
    unpriced: tuple[str, ...]
    """The lines that pay money and have no expected cost; the reserve does not include them."""
    not_due: tuple[str, ...]
    """The lines without an obligation."""


def reserve_scope(analysis: Analysis) -> ReserveScope:
    """Return which cost lines the reserve includes, and which it leaves out for what reason."""
    known, run = analysis.policy.public_by(analysis.as_of)[0], analysis.headline_run
    not_due = tuple(x.id for x in known if x.accounting and x.accounting.obligation == "none")
    if run is None:
        return ReserveScope((), (), (), not_due)
    portfolio = run.portfolio
    counted = {line for v in MONEY_VALUATIONS for line in portfolio.counted(v)} - {*not_due}
    missing = {line for v in MONEY_VALUATIONS for line in portfolio.left_out.get(v, ())}
    return ReserveScope(
        tuple(x.id for x in known if x.id in counted),
        tuple(x for x in portfolio.counted(HANDLING) if x not in not_due),
        tuple(x.id for x in known if x.id in missing - counted - {*not_due}),
        not_due,
    )


def reserve_mean(analysis: Analysis, lines: Collection[str] | None = None) -> float | None:
    """Return the mean cash of a reserve, in the smallest unit of the currency; None if no line has one.

    Args:
        analysis: the analysis.
        lines: ids of cost lines; by default all lines of the reserve.
    """
    chosen = reserve_scope(analysis).counted if lines is None else lines
    part = _of_lines(analysis.headline_run, MONEY_VALUATIONS, chosen)
    return None if part is None else _mean(part)


def reserve_table(analysis: Analysis) -> pl.DataFrame | None:
    """Return the reserve by measure; None if no line with an obligation has an expected cost in money.

    Returns:
        The table `reserve`, in the smallest unit of the currency. The means are those of the
        table of quantiles and add up exactly; `both` is added draw by draw on the same random points.
    """
    scope, run = reserve_scope(analysis), analysis.headline_run
    cash = _of_lines(run, MONEY_VALUATIONS, scope.counted)
    if cash is None:
        return None
    handling = _of_lines(run, (HANDLING,), scope.handled)
    parts = [cash] if handling is None else [cash, handling]
    means = [_mean(part) for part in parts]
    draws = [np.sum([total.values for total in part.totals.values()], axis=0) for part in parts]
    if handling is not None:
        means.append(sum(means))
        draws.append(draws[0] + draws[1])
    samples, unknown = [costs.simulation.Sample(values) for values in draws], [None] * (3 - len(draws))
    rows = [
        (name, *(means if p is None else (rounded_estimate(x.quantile(p)).value for x in samples)), *unknown)
        for name, p in MEASURES.items()
    ]
    return schema_of("reserve").frame(rows)


def parse_measure(text: object) -> str:
    """Return the measure of a reserve as the table names it.

    Raises:
        UsageError: there is no such measure.

    Example:
        >>> parse_measure("P75"), parse_measure("median")
        ('p75', 'p50')
    """
    measure = SPELLINGS.get(str(text), str(text))
    if measure not in MEASURES:
        known = ["mean", "median", "P75", "P90"]
        raise UsageError("no such measure of a reserve", value=text, remedy=spelling_hint(str(text), known))
    return measure


@dataclass(frozen=True, repr=False)
class Reserve(AnalysisResult):
    """One amount to set aside, with its measure and scope, and what changed it since an earlier run.

    Raises:
        UsageError: there is no such measure, or `handling` is neither inside nor outside.
        ModelRefused: no line has an expected cost in cash, or handling is inside, and the ledger states none.
    """

    measure: str = "mean"
    """mean, median, P75 or P90."""
    handling: str = "outside"
    """Whether the cost of working through the claims is inside or outside the reserve."""
    since: str | None = None
    """The earlier run as the user names it."""
    moved: pl.DataFrame | None = None
    """The table `documents.bridge`: what changed since the earlier run."""

    def __post_init__(self) -> None:
        """Refuse a measure that does not exist or that the analysis cannot give."""
        _ = self.amount

    @cached_property
    def table(self) -> pl.DataFrame:
        """The reserve by measure."""
        table: pl.DataFrame | None = self.analysis.exact_tables.get("reserve")
        return refuse_no_cash("a reserve") if table is None else table

    @cached_property
    def amount(self) -> float:
        """The reserve in the smallest unit of the currency."""
        if self.handling not in ("inside", "outside"):
            problem = "handling is neither inside nor outside"
            raise UsageError(problem, value=self.handling, remedy="Write one of them.")
        (row,) = self.table.filter(measure=parse_measure(self.measure)).rows(named=True)
        amount = row[self._column]
        if amount is None:
            raise ModelRefused(
                "the cost from this basis has no handling, so that it cannot be inside the reserve",
                remedy="State an assumption of the kind handling in the ledger, or leave handling outside.",
            )
        return float(amount)

    @property
    def _column(self) -> str:
        return "both" if self.handling == "inside" else "cash"

    def to_dict(self) -> dict[str, Any]:
        """Return the reserve as plain values, with its scope."""
        scope, amount = reserve_scope(self.analysis), self.amount / 10**self.analysis.incident.minor_units
        about = {"amount": amount, "measure": parse_measure(self.measure), "handling": self.handling}
        lines = {"lines": scope.counted, "without_price": scope.unpriced, "without_obligation": scope.not_due}
        tables = {"reserve": self.analysis.whole(self.table, "reserve")}
        if self.moved is not None:
            tables["bridge"] = self.analysis.whole(self.moved, "documents.bridge")
        return {**self.inputs, **about, **lines, **{name: table.to_dicts() for name, table in tables.items()}}

    def answer(self, lang: str = "en") -> Answer:
        """Return the amount, what it includes and what moved it, then the reserve by measure."""
        locale = self.analysis.locale(lang)
        first, *others = self._sentences(locale)
        return Answer(locale, [self.mark(locale) + first, *others], self._tables(locale))

    def _sentences(self, locale: Locale) -> Iterator[str]:
        scope, names = reserve_scope(self.analysis), self.analysis.names(locale.lang)
        measure = parse_measure(self.measure)
        yield from counted_notes(self.analysis, locale)
        yield locale(
            f"terminal.reserve_{self.handling}",
            day=locale.day(self.analysis.as_of),
            amount=locale("report.exact", amount=locale.exact_money(self.amount), unit=locale.unit),
            measure=locale("word.median" if measure == "p50" else f"word.{measure}"),
        )
        left_out = {"reserve_unpriced": scope.unpriced, "reserve_not_due": scope.not_due}
        for key, lines in ({"counts": scope.counted} | left_out).items():
            if lines or key == "counts":
                yield locale(f"terminal.{key}", lines=", ".join(names[x] for x in lines))
        if note := reserve_note(self.table, locale, self._column):
            yield note
        if self.moved is None:
            return
        start, end = (self.moved.filter(step=step).row(0, named=True) for step in ("start", "end"))
        before, after = locale.money(start["total"]), locale.money(end["total"])
        yield locale("terminal.reserve_moved", run=self.since, before=before, after=after)
        if start["p90"] is not None and end["p90"] is not None:
            measure, before, after = locale("word.p90"), locale.money(start["p90"]), locale.money(end["p90"])
            yield locale("terminal.reserve_moved_range", measure=measure, before=before, after=after)

    def _tables(self, locale: Locale) -> Iterator[ShownTable]:
        units = locale("terminal.sums", currency=locale.currency)
        yield ShownTable(f"{locale('terminal.reserve')}{units}", self.table, schema_of("reserve"))
        if self.moved is not None:
            title = locale("terminal.bridge", currency=locale.currency)
            yield ShownTable(title, self.moved, schema_of("documents.bridge"))


def _of_lines(
    run: Simulation | None, valuations: Collection[str], lines: Collection[str]
) -> Simulation | None:
    """Return the part of a simulation that is of some valuations and lines; None if there is none."""
    part = run and run.with_terms(lambda term: term.valuation in valuations and term.line in lines)
    return part if part and part.portfolio.terms else None


def _mean(part: Simulation) -> float:
    return sum(
        costs.simulation.expected_estimate(part, valuation).value for valuation in part.portfolio.valuations
    )
