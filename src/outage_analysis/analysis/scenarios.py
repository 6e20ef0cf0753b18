"""The scenarios of an analysis: its headline cash under the stresses of a document."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from outage_analysis.analysis.exploration import (
    forecast_input_from_claims,
    forecast_input_from_series,
)
from outage_analysis.analysis.summary import open_until
from outage_analysis.costs import (
    DoesNotApply,
    Scenario,
    ScenarioSet,
    StressedRun,
    load_scenarios,
    scenario_table,
)
from outage_analysis.errors import InputRefused, ModelRefused, UsageError
from outage_analysis.incidents import load_intake
from outage_analysis.losses import DEADLINE, EXTENDED, Channel

if TYPE_CHECKING:
    import polars as pl

    from outage_analysis.analysis.analysis import Analysis


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
    stresses = load_scenarios() if document is None else load_scenarios(document)
    run = analysis.runs.get(analysis.headline_basis)
    if run is None or "cash" not in run.totals:
        return None
    cash = run.with_streams(lambda stream: stream.valuation == "cash")
    stressed = StressedRun(
        cash, analysis.policy, analysis.as_of, analysis.incident.id, partial(_growth, analysis)
    )
    budget = (
        None if analysis.plan.budget is None else analysis.plan.budget * 10.0**analysis.incident.minor_units
    )
    return scenario_table(run, stressed, stresses.scenarios, budget=budget, level=analysis.plan.level)


def _growth(analysis: Analysis, scenario: Scenario) -> float:
    if scenario.spike is None:
        raise DoesNotApply("no_spike")
    channel, deadline = (
        _claims_so_far(analysis) if analysis.headline_from_claims else _intake_so_far(analysis, scenario)
    )
    later = deadline + timedelta(days=scenario.extra_days or 0)
    try:
        forecast = channel.with_deadlines(deadline, later, scenario.spike).forecast()
    except ModelRefused as refusal:
        raise DoesNotApply("no_forecast", str(refusal)) from refusal
    for branch in (DEADLINE, EXTENDED):
        if branch in forecast.refused:
            raise DoesNotApply("no_forecast", forecast.refused[branch])
    if (last := open_until(analysis)) is not None:  # the growth is from the count at the deadline
        raise DoesNotApply("claims_to_come", str(last))
    at_deadline, at_later = (forecast.counted + forecast.late[branch].mean for branch in (DEADLINE, EXTENDED))
    return at_later / at_deadline


def _claims_so_far(analysis: Analysis) -> tuple[Channel, date]:
    claims, day = analysis.claims, analysis.as_of
    if claims is None:
        raise DoesNotApply("no_dates")
    if claims.synthetic:
        raise DoesNotApply("synthetic_claims")
    lines = [x for x in analysis.policy.as_known_on(day).schedules if x.effort_on(day) != "automatic"]
    deadlines = {line.closes_on(day) or analysis.incident.claims_to for line in lines}
    if len(deadlines) > 1:
        raise DoesNotApply("several_deadlines", ", ".join(map(str, sorted(deadlines))))
    deadline = deadlines.pop() if deadlines else analysis.incident.claims_to
    _refuse_closed(deadline, day)
    try:
        return forecast_input_from_claims(claims, day).channel, deadline
    except (InputRefused, ModelRefused) as refusal:
        raise DoesNotApply("no_forecast", str(refusal)) from refusal


def _intake_so_far(analysis: Analysis, scenario: Scenario) -> tuple[Channel, date]:
    day = analysis.as_of
    if not scenario.intake:
        raise DoesNotApply("no_dates")
    series = load_intake(scenario.intake)
    if series.incident != analysis.incident.id:
        raise UsageError(
            f"the intake of the scenario {scenario.id} is of the incident {series.incident}",
            value=scenario.intake,
            remedy=f"Name an intake of {analysis.incident.id}, or leave the key out.",
        )
    known = series.known_by(day)
    if known is None or known.deadline is None:
        raise DoesNotApply("no_deadline", series.id)
    last_moment = known.deadline.closes.astimezone(series.zone) - timedelta(microseconds=1)
    _refuse_closed(last_moment.date(), day)
    try:
        channel = forecast_input_from_series(series, day).channel
    except ModelRefused as refusal:
        raise DoesNotApply("no_forecast", str(refusal)) from refusal
    kept = tuple(branch for branch in channel.branches if branch.id == DEADLINE)
    return replace(channel, branches=kept), last_moment.date()


def _refuse_closed(deadline: date, day: date) -> None:
    if deadline <= day:
        raise DoesNotApply("deadline_passed", str(deadline))
