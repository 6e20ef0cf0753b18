"""The command `scenarios`: the cash under named stresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outage_analysis.cli.console import (
    print_json,
    print_line,
    print_table,
    print_text,
    progress,
    warn_of_rejects,
)
from outage_analysis.cli.cost_output import origin, warn_of_examples
from outage_analysis.cli.options import Json, Language, PlanOptions, expand_options
from outage_analysis.errors import one_line

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    import polars as pl

    from outage_analysis.analysis import Analysis
    from outage_analysis.costs import ScenarioSet
    from outage_analysis.text import Locale

commands = typer.Typer()


@commands.command()
@expand_options()
def scenarios(
    options: PlanOptions,
    *,
    document: Annotated[
        str,
        typer.Option("--scenarios", help="Bundled id, or path to the TOML file of your own scenarios."),
    ] = "stresses",
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Print the cash under named stresses: expected cost, range, and chance of exceeding the budget.

    Each scenario changes one or more things, such as what claimants must do, and is computed on the same
    random draws as the run itself. A scenario that the inputs do not support has no figures and says why.

    Example:
        outage-analysis scenarios --budget 300_000_000
    """
    from outage_analysis.analysis import run
    from outage_analysis.costs import load_scenarios
    from outage_analysis.text import Locale

    Locale(lang)  # an unknown language is refused before anything is computed
    plan, stresses = options.plan(), load_scenarios(document)
    with progress(lang) as step:
        analysis = run(plan, progress=step)
        step("computing the scenarios")
        table = analysis.scenarios(stresses)
    warn_of_rejects(analysis.claims, lang)
    warn_of_examples(analysis, lang)
    if as_json:
        identity = {"policy": analysis.policy.id, "basis": analysis.headline_basis, "document": stresses.id}
        print_json(origin(analysis, plan) | identity | {"budget": plan.budget, "scenarios": table.to_dicts()})
        return
    locale = analysis.locale(lang)
    for sentence in _answer(analysis, table, stresses, locale):
        print_text(sentence)
    print_line("")
    _print_scenarios(analysis, table, stresses, locale)


def _answer(analysis: Analysis, table: pl.DataFrame, stresses: ScenarioSet, locale: Locale) -> Iterator[str]:
    from outage_analysis.analysis import counted_notes

    base = table.row(0, named=True)
    yield from counted_notes(analysis, locale)
    yield locale("terminal.scenarios_base", **_amounts(analysis, base, locale))
    raised = table.filter(table["change"] > 0).sort("expected", descending=True, maintain_order=True)
    if raised.is_empty():
        yield locale("terminal.scenarios_no_increase")
    else:
        worst = raised.row(0, named=True)
        name = stresses.name_of(worst["scenario"], locale.lang)
        yield locale("terminal.scenarios_worst", name=name, **_amounts(analysis, worst, locale))
    names, run = analysis.names(locale.lang), analysis.runs[analysis.headline_basis]
    lines = ", ".join(names[line] for line in run.portfolio.counted("cash"))
    yield locale("terminal.scenarios_scope", lines=lines)


def _amounts(analysis: Analysis, row: dict[str, Any], locale: Locale) -> dict[str, str]:
    """Return the amounts of a row for a sentence; the chance is empty without a budget."""
    chance, budget = "", analysis.plan.budget
    if budget is not None:
        amount = locale.money_in_full(budget * 10.0**locale.minor_units)
        chance = locale("terminal.scenarios_chance", budget=amount, share=locale.share(row["over_budget"]))
    amounts = {"expected": locale.money(row["expected"]), "high": locale.money(row["range_high"])}
    return {**amounts, "chance": chance}


def _print_scenarios(analysis: Analysis, table: pl.DataFrame, stresses: ScenarioSet, locale: Locale) -> None:
    import polars as pl

    from outage_analysis.costs import SCENARIOS

    labels = {table["scenario"][0]: locale("report.scenario_base")}
    labels |= {scenario.id: scenario.name[locale.lang] for scenario in stresses.scenarios}
    measures = analysis.likely_range.column_measures
    hidden = ["status", "reason", *([] if analysis.plan.budget is not None else ["over_budget"])]
    if "p75" in measures.values():  # at a level of 50, an end of the likely range is P75
        hidden.append("p75")
    title = locale("terminal.scenarios")
    units = locale("terminal.sums", currency=analysis.incident.currency)
    print_table(
        table.with_columns(pl.col("scenario").replace(labels)).drop(hidden).rename(measures),
        f"{title}{units}",
        SCENARIOS.without(*hidden).renamed(measures),
        locale=locale,
    )
    rows = {row["scenario"]: row for row in table.iter_rows(named=True)}
    for scenario in stresses.scenarios:
        note, row = scenario.note[locale.lang], rows[scenario.id]
        if row["expected"] is None:
            told = (locale(f"word.{row['status']}"), locale.note(row["reason"]) if row["reason"] else "")
            note += " " + locale("terminal.scenario_out", reason=": ".join(filter(None, told)))
        print_text(one_line(locale("terminal.scenario_note", name=labels[scenario.id], note=note), 600))
