"""The scenarios of an analysis: its headline cash under the stresses of a document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from outage_analysis import costs, losses
from outage_analysis.analysis.exploration import (
    forecast_input_from_claims,
    forecast_input_from_series,
)
from outage_analysis.analysis.results import AnalysisResult
from outage_analysis.analysis.summary import counted_notes, open_until
from outage_analysis.costs import DoesNotApply, Scenario, ScenarioSet
from outage_analysis.errors import InputRefused, ModelRefused, UsageError
from outage_analysis.incidents import load_intake
from outage_analysis.text import Answer, Locale, ShownTable

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis


@dataclass(frozen=True)
class Scenarios(AnalysisResult):
    """The headline cash of an analysis under each scenario of a document."""

    table: pl.DataFrame
    """The columns of `SCENARIOS`, in the smallest unit of the currency."""
    stresses: ScenarioSet

    def to_dict(self) -> dict[str, Any]:
        """Return the scenarios as plain values."""
        budget = self.analysis.plan.budget
        return {
            **self.inputs,
            "document": self.stresses.id,
            "budget": budget,
            "scenarios": self.table.to_dicts(),
        }

    def answer(self, lang: str = "en") -> Answer:
        """Return the expected cash without a change and in the worst scenario, then all scenarios."""
        analysis, table, locale = self.analysis, self.table, self.analysis.locale(lang)
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
        chance, budget = "", self.analysis.budget
        if budget is not None:
            amount, share = locale.money_in_full(budget), locale.share(row["over_budget"])
            chance = locale("terminal.scenarios_chance", budget=amount, share=share)
        amounts = {"expected": locale.money(row["expected"]), "high": locale.money(row["range_high"])}
        return {**amounts, "chance": chance}

    def _tables(self, locale: Locale) -> Iterator[ShownTable | str]:
        analysis, table = self.analysis, self.table
        labels = {table["scenario"][0]: locale("report.scenario_base")}
        labels |= {scenario.id: scenario.name[locale.lang] for scenario in self.stresses.scenarios}
        measures = analysis.likely_range.column_measures
        hidden = ["status", "reason", *([] if analysis.budget is not None else ["over_budget"])]
        if "p75" in measures.values():  # at a level of 50, an end of the likely range is P75
            hidden.append("p75")
        units = locale("terminal.sums", currency=locale.currency)
        yield ShownTable(
            f"{locale('terminal.scenarios')}{units}",
            table.with_columns(pl.col("scenario").replace(labels)).drop(hidden).rename(measures),
            costs.SCENARIOS.without(*hidden).renamed(measures),
        )
        rows = {row["scenario"]: row for row in table.iter_rows(named=True)}
        for scenario in self.stresses.scenarios:
            note, row = scenario.note[locale.lang], rows[scenario.id]
            if row["expected"] is None:
                told = (locale(f"word.{row['status']}"), locale.note(row["reason"]) if row["reason"] else "")
                note += " " + locale("terminal.scenario_out", reason=": ".join(filter(None, told)))
            yield locale("terminal.scenario_note", name=labels[scenario.id], note=note)


def scenarios_of(analysis: Analysis, document: str | Path | ScenarioSet | None = None) -> pl.DataFrame | None:
    """Return the headline cash of an analysis under each scenario; None if it has no expected cash.

    Args:
        analysis: the analysis.
        document: the scenarios, as bundled id, path or `ScenarioSet`; by default the bundled stresses.

    Returns:
        The columns of `SCENARIOS`, in the smallest unit of the currency. The row `base` has the figures of
        the table of quantiles.

    Raises:
        UsageError: the document is invalid, or names an intake of another incident.
    """
    stresses = costs.load_scenarios() if document is None else costs.load_scenarios(document)
    run = analysis.headline_run
    if run is None or "cash" not in run.totals:
        return None
    cash = run.with_terms(lambda term: term.valuation == "cash")
    growth = partial(_growth, analysis)
    stressed = costs.StressedRun(cash, analysis.policy, analysis.as_of, analysis.incident.id, growth)
    budget, level = analysis.budget, analysis.plan.level
    return costs.scenario_table(run, stressed, stresses.scenarios, budget=budget, level=level)


def _growth(analysis: Analysis, scenario: Scenario) -> float:
    if scenario.spike is None:
        raise DoesNotApply("no_spike")
    day = analysis.as_of
    if analysis.headline_from_claims:
        deadline, count = _claims_so_far(analysis)
    else:
        deadline, count = _intake_so_far(analysis, scenario)
    if deadline <= day:
        raise DoesNotApply("deadline_passed", str(deadline))
    later = deadline + timedelta(days=scenario.extra_days or 0)
    try:
        forecast = count().with_deadlines(deadline, later, scenario.spike).forecast()
    except (InputRefused, ModelRefused) as refusal:
        raise DoesNotApply("no_forecast", str(refusal)) from refusal
    for branch in (losses.DEADLINE, losses.EXTENDED):
        if branch in forecast.refused:
            raise DoesNotApply("no_forecast", forecast.refused[branch])
    if (last := open_until(analysis)) is not None:  # the growth is from the count at the deadline
        raise DoesNotApply("claims_to_come", str(last))
    at_deadline, at_later = (
        forecast.counted + forecast.late[branch].mean for branch in (losses.DEADLINE, losses.EXTENDED)
    )
    return at_later / at_deadline


def _claims_so_far(analysis: Analysis) -> tuple[date, Callable[[], losses.Channel]]:
    """Return the last day to claim, and a function that counts the claims filed so far."""
    claims, day, closed = analysis.claims, analysis.as_of, analysis.incident.claims_to
    if claims is None:
        raise DoesNotApply("no_dates")
    if claims.synthetic:
        raise DoesNotApply("synthetic_claims")
    lines = [x for x in analysis.policy.as_known_on(day).schedules if x.effort_on(day) != "automatic"]
    deadlines = sorted({line.closes_on(day) or closed for line in lines} or {closed})
    if len(deadlines) > 1:
        raise DoesNotApply("several_deadlines", ", ".join(map(str, deadlines)))
    return deadlines[0], lambda: forecast_input_from_claims(claims, day).channel


def _intake_so_far(analysis: Analysis, scenario: Scenario) -> tuple[date, Callable[[], losses.Channel]]:
    """Return the last day of a published intake, and a function that returns its counts so far."""
    if not scenario.intake:
        raise DoesNotApply("no_dates")
    series = load_intake(scenario.intake)
    if series.incident != analysis.incident.id:
        raise UsageError(
            f"the intake of the scenario {scenario.id} is of the incident {series.incident}",
            value=scenario.intake,
            remedy=f"Name an intake of {analysis.incident.id}, or leave the key out.",
        )
    known = series.known_by(analysis.as_of)
    if known is None or known.deadline is None:
        raise DoesNotApply("no_deadline", series.id)
    last_moment = known.deadline.closes.astimezone(series.zone) - timedelta(microseconds=1)

    def count() -> losses.Channel:
        channel = forecast_input_from_series(series, analysis.as_of).channel
        return replace(channel, branches=tuple(x for x in channel.branches if x.id == losses.DEADLINE))

    return last_moment.date(), count
