"""Settings of the sliders: those to choose at once, and the command that repeats what a reader has chosen."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from outage_analysis.analysis import Analysis, Plan
from outage_analysis.assumptions import bundled_ledger, load_ledger
from outage_analysis.costs import page_model, scenarios
from outage_analysis.files import bundled_claims, bundled_ids
from outage_analysis.incidents import get_fact, load_incident
from outage_analysis.policies import load_policy
from outage_analysis.text import Locale

MOVED_BY = {"award_factor": "times", "acceptance_odds_ratio": "odds"}
"""Keys of a scenario that move the distribution of single inputs -> how the page moves it."""

LIBRARY = {
    "incident": ("incidents", load_incident),
    "policy": ("policies", load_policy),
    "compared": ("policies", load_policy),
    "ledger": ("assumptions", load_ledger),
}
"""Name of a document -> the folder of the bundled ones, and how they are loaded."""
SETTINGS = ("max_rejects", "hindsight", "draws", "seed", "level")
"""Fields of a plan that are options of the same name."""

Preset = dict[str, Any]
"""A setting: its `label`, and by input the change, such as {"odds": 2} or {"set": 0.05}."""


def slider_presets(analysis: Analysis, locale: Locale) -> list[Preset]:
    """Return the settings for the sliders of the headline cash.

    A scenario is a setting only if the page can repeat it exactly: it multiplies an award, or the odds of
    acceptance. With hindsight, one more setting has the rates as they turned out.
    """
    if "cash" not in analysis.exact_tables["quantiles"]["valuation"]:
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


def repeat_command(analysis: Analysis, factors: Iterable[page_model.LiveInput], lang: str) -> dict[str, Any]:
    """Return the patterns of the lines, for the shell and for Python, that make the report again.

    The script fills in the budget and the values of the sliders. A document that is not bundled has the name
    that it has in the report folder; no file name has a folder.

    Args:
        analysis: the analysis of the report.
        factors: the inputs and payments that have sliders.
        lang: the language of the report.

    Returns:
        `shell` and `python`: the `line`, what its `budget` and `changes` are, and how one `change` is written
        and joined (`between`); `names`: for each factor that can be set, its name and how many smallest units
        its unit has.
    """
    options = dict(_options(analysis))
    words = [word for name, value in options.items() for word in _words(name, value)]
    arguments = [f"{name}={value!r}, " for name, value in options.items()]
    imports = "import datetime; " if "as_of" in options else ""
    shown = ["--lang", lang] if lang != "en" else []
    return {
        "names": dict(_change_names(analysis, factors)),
        "shell": {
            "line": " ".join(
                ["outage-analysis report", *words, "{budget}{changes}", *shown, "--out report-changed"]
            ),
            "budget": "--budget {budget} ",
            "changes": "{changes}",
            "change": "--set {name}={value}",
            "between": " ",
        },
        "python": {
            "line": f"{imports}import outage_analysis as oa; oa.run(oa.Plan({''.join(arguments)}{{budget}}"
            f'{{changes}})).report("report-changed", lang="{lang}")',
            "budget": "budget={budget}, ",
            "changes": "changes={{changes}}",
            "change": '"{name}": {value}',
            "between": ", ",
        },
    }


def _document_names(analysis: Analysis) -> dict[str, str]:
    """Return the ids of bundled documents, and the file names in the report folder of the others."""
    names = {}
    for name, document in analysis.documents.items():
        folder, load = LIBRARY.get(name.partition("-")[0], ("layouts", None))
        id_ = getattr(document, "id", "")
        bundled = load is not None and id_ in bundled_ids(folder) and load(id_) == document  # type: ignore[arg-type] # the folders of LIBRARY
        names[name] = id_ if bundled else f"{name}.toml"
    return names


def _options(analysis: Analysis) -> Iterator[tuple[str, Any]]:
    plan, names, usual = analysis.plan, _document_names(analysis), Plan()
    policy_differs = names["policy"] != analysis.incident.id
    ledger_differs = analysis.ledger != bundled_ledger(analysis.incident.id)
    if names["incident"] != usual.incident:
        yield "incident", names["incident"]
    if policy_differs:
        yield "policy", names["policy"]
    if "ledger" in names and (policy_differs or ledger_differs):
        yield "ledger", names["ledger"]
    if plan.counts is not None:
        cube = analysis.cubes["cost"]
        saved = "cube-synthetic.parquet" if cube.synthetic else "cube.parquet"
        yield "counts", Path(cube.source).name if cube.incident is None else saved
    elif analysis.claims:
        store, bundled_file = analysis.claims.store, bundled_claims(analysis.incident.id)
        read = (store.name,) if store else tuple(file.name for file in analysis.claims.inputs)
        if bundled_file is None or read != (bundled_file.name,):
            yield "claims", read
    for option, kind in (("columns", "layout-"), ("compare", "compared-")):
        if found := tuple(names[name] for name in names if name.startswith(kind)):
            yield option, found
    if analysis.ledger is None or analysis.as_of != analysis.ledger.as_of:
        yield "as_of", analysis.as_of
    for name in SETTINGS:
        if (value := getattr(plan, name)) != getattr(usual, name):
            yield name, value


def _words(name: str, value: object) -> list[str]:
    if value is False:
        return [f"--no-{name}"]
    values = value if isinstance(value, tuple) else (value,)
    return [word for each in values for word in (f"--{name.replace('_', '-')}", shlex.quote(str(each)))]


def _change_names(
    analysis: Analysis, factors: Iterable[page_model.LiveInput]
) -> Iterator[tuple[str, tuple[str, int]]]:
    unit = 10**analysis.incident.minor_units
    for factor in factors:
        line = analysis.policy.schedule(factor.line)
        per = unit if factor.measure == "money" else 1
        if factor.kind != "pays":
            if factor.id == factor.assumption:  # else it is a rate under a limit, which other lines use too
                yield factor.id, (factor.id, per)
        elif line is not None and not line.segments and not line.statutory:
            for tier, (band, rule) in enumerate(line.tariff.bands_with_rules, start=1):
                if band == (factor.over, factor.up_to) and rule.fixed == factor.value:
                    yield factor.id, (f"{line.id}.tier{tier}", per)
