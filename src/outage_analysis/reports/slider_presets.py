"""Settings of the sliders that a reader can choose at once: scenarios, and the rates as they turned out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from outage_analysis.analysis import Analysis
from outage_analysis.costs import scenarios
from outage_analysis.incidents import get_fact
from outage_analysis.text import Locale

MOVED_BY = {"award_factor": "times", "acceptance_odds_ratio": "odds"}
"""Keys of a scenario that move the distribution of single inputs -> how the page moves it."""

Preset = dict[str, Any]
"""A setting: its `label`, and by input the change, such as {"odds": 2} or {"set": 0.05}."""


def slider_presets(analysis: Analysis, locale: Locale) -> list[Preset]:
    """Return the settings for the sliders of the headline cash.

    A scenario is a setting only if the page can repeat it exactly: it multiplies an award, or the odds of
    acceptance. With hindsight, one more setting has the rates as they turned out.
    """
    if "cash" not in analysis.tables["quantiles"]["valuation"]:
        return []
    presets = [
        {"label": scenario.name[locale.lang], "changes": changes}
        for scenario in scenarios.load_scenarios().scenarios
        if set(scenario.changes) <= MOVED_BY.keys() and (changes := _scenario_changes(analysis, scenario))
    ]
    if observed := dict(_observed_rates(analysis)):
        presets.append({"label": locale("report.preset_outcome"), "changes": observed})
    return presets


def _scenario_changes(analysis: Analysis, scenario: scenarios.Scenario) -> dict[str, dict[str, float]]:
    run = analysis.runs[analysis.headline_basis]
    changes = {}
    for term in run.portfolio.terms:
        if term.valuation != "cash":
            continue
        kinds = {name: run.portfolio.entries[name].kind for name in term.rates}
        if scenario.award_factor is not None and term.award:
            changes[term.award] = {"times": float(scenario.award_factor)}
        if scenario.acceptance_odds_ratio is not None:
            accepted = [name for name, kind in kinds.items() if kind == "acceptance"]
            changes |= {name: {"odds": float(scenario.acceptance_odds_ratio)} for name in accepted}
    return changes


def _observed_rates(analysis: Analysis) -> Iterator[tuple[str, dict[str, float]]]:
    outcome, run = analysis.incident.outcome, analysis.runs[analysis.headline_basis]
    if outcome is None or not analysis.plan.hindsight or analysis.headline_basis != "published":
        return
    line = analysis.policy.schedule(outcome.line)
    terms = [s for s in run.portfolio.terms if (s.line, s.valuation) == (outcome.line, "cash")]
    if line is None or not line.published_count or not terms:
        return
    counted = get_fact(line.published_count).count
    filed, accepted = (get_fact(f, hindsight=True).count for f in (outcome.filed, outcome.accepted))
    shares = {"filing_share": filed / counted, "acceptance": accepted / filed}
    for name in terms[0].rates:
        kind = run.portfolio.entries[name].kind
        if kind in shares:
            yield name, {"set": round(shares[kind], 6)}
