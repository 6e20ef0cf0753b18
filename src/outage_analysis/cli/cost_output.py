"""Print a cost: three sentences, then tables of totals, quantiles, cost lines and loss bands."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outage_analysis.cli.console import band_expression, has_room, print_line, print_table, print_text

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    import polars as pl

    from outage_analysis.analysis import Analysis, BudgetSolution, Plan, PolicyComparison
    from outage_analysis.text import Locale

BOUNDS = ("low", "expected", "high", "most")


def cost_as_json(analysis: Analysis) -> dict[str, Any]:
    """Return the cost as a dictionary for JSON. Amounts are in the smallest unit of the currency."""
    return {
        **origin(analysis, analysis.plan),
        "policy": analysis.policy.id,
        "lines_not_public_yet": analysis.dropped_lines,
        "totals": _all_bases(analysis.tables, "totals").to_dicts(),
        "costs": _all_bases(analysis.tables, "costs").to_dicts(),
        "uncertainty": {
            basis: {
                name: table.to_dicts()
                for name in ("quantiles", "split", "contributions", "budget")
                if (table := analysis.uncertainty_table(basis, name)) is not None
            }
            for basis in analysis.runs
        },
    }


def origin(result: Analysis | PolicyComparison | BudgetSolution, plan: Plan) -> dict[str, Any]:
    """Return the inputs of a result for JSON, such as incident, ledger, as-of day, draws and seed."""
    inputs = result.used_ledger
    return {
        "incident": result.incident.id,
        "ledger": result.ledger.id if result.ledger else None,
        "as_of": result.as_of,
        "currency": result.incident.currency,
        "minor_units": result.incident.minor_units,
        "synthetic_claims": result.synthetic,
        "draws": plan.draws,
        "seed": plan.seed,
        "level": plan.level,
        **({"examples": inputs.examples} if inputs and inputs.examples else {}),
    }


def warn_of_examples(result: Analysis | PolicyComparison | BudgetSolution, lang: str = "en") -> None:
    """Print a warning on stderr if some assumptions of the result are only examples."""
    from outage_analysis.assumptions import example_warning
    from outage_analysis.text import Locale

    message = example_warning(result.used_ledger, Locale(lang))
    if message:
        sys.stderr.write(f"{message}\n")


def _all_bases(tables: Mapping[str, pl.DataFrame], name: str) -> pl.DataFrame:
    """Return the costs from published counts and from claims as one table; `basis` names the source."""
    import polars as pl

    return pl.concat([tables[n] for n in (name, f"claims_{name}") if n in tables])


def print_cost(analysis: Analysis, lang: str = "en") -> None:
    """Print the answer in sentences, then how sure it is and where it arises, then all other tables."""
    from outage_analysis.analysis import input_notes, unstated_notes
    from outage_analysis.costs import COSTS, TOTALS

    locale, names = analysis.locale(lang), analysis.names(lang)
    for sentence in answer(analysis, locale):
        print_text(sentence)
    if analysis.budget is None:
        print_text(locale("terminal.no_budget"))
    print_line("")
    costs, first = _all_bases(analysis.tables, "costs"), analysis.headline_basis
    bases = sorted(costs["basis"].unique(maintain_order=True), key=lambda basis: basis != first)
    if first:
        _print_quantiles(analysis, first, locale, in_full=False)
    for basis in bases[:1]:
        _print_bands(costs.filter(basis=basis), locale, names)
    notes = [*input_notes(analysis, locale), *unstated_notes(analysis, locale)]
    for note in [*notes, *_scope_sentences(analysis, locale)]:
        print_text(note)
    for basis in bases:
        table = costs.filter(basis=basis, level="line").select(
            "line", "valuation", "count", *BOUNDS, "status"
        )
        title = locale("terminal.by_line", basis=locale(f"word.{basis}"))
        print_table(table, title, COSTS, locale=locale, names=names)
    title = locale("terminal.totals", day=analysis.as_of, currency=locale.currency)
    print_table(_all_bases(analysis.tables, "totals"), title, TOTALS, locale=locale, names=names)
    for basis in analysis.runs:
        title = locale("terminal.quantiles", basis=locale(f"word.{basis}"), currency=locale.currency)
        if has_room(title):
            _print_quantiles(analysis, basis, locale, in_full=True)
    for basis in bases[1:]:
        _print_bands(costs.filter(basis=basis), locale, names)


def _print_bands(costs: pl.DataFrame, locale: Locale, names: Mapping[str, str]) -> None:
    import polars as pl

    from outage_analysis.costs import COSTS

    across = pl.col("rule") == "straddles"
    band = pl.when(across).then(pl.lit(locale("terminal.across"))).otherwise(band_expression(locale))
    bands = costs.filter(pl.col("level") == "band", pl.col("rule") != "not_entitled").with_columns(band=band)
    for (basis, line), table in bands.group_by("basis", "line", maintain_order=True):
        service = ["service"] if table["service"].null_count() < len(table) else []
        title = locale("terminal.by_band", line=names.get(line, line), basis=locale(f"word.{basis}"))
        print_table(
            table.select(*service, "band", "count", *BOUNDS), title, COSTS, locale=locale, names=names
        )


def answer(analysis: Analysis, locale: Locale) -> list[str]:
    """Return the answer in sentences; without a simulation, the expected cash or that there is none."""
    from outage_analysis.analysis import counted_notes, headline_sentences

    told = list(headline_sentences(analysis, locale))
    basis = analysis.headline_basis
    expected = analysis.expected_cash(basis) if basis else None
    if not told:
        money = None if expected is None else locale.money(expected)
        key = "terminal.no_cash" if money is None else "terminal.cash_no_range"
        told = [*counted_notes(analysis, locale), locale(key, expected=money)]
    if analysis.headline_is_synthetic:
        told[0] = locale("terminal.synthetic_prefix") + told[0]
    return told


def _scope_sentences(analysis: Analysis, locale: Locale) -> list[str]:
    """Name the cost items that the cash does not count."""
    names, run = analysis.names(locale.lang), analysis.headline_run
    omitted = ", ".join(names[x] for x in run.portfolio.left_out.get("cash", ())) if run else ""
    later = ", ".join(names[x] for x in analysis.dropped_lines)
    return [
        *([locale("terminal.omits", lines=omitted)] if omitted else []),
        *([locale("terminal.not_public", day=analysis.as_of, lines=later)] if later else []),
    ]


def _print_quantiles(analysis: Analysis, basis: str, locale: Locale, *, in_full: bool) -> None:
    from outage_analysis.costs import QUANTILES
    from outage_analysis.text import VALUATION, TableSchema

    quantiles = analysis.uncertainty_table(basis, "quantiles")
    if quantiles is None:
        return
    table, likely = quantiles.pivot("measure", index="valuation", values="value"), analysis.likely_range
    values = (replace(QUANTILES["value"], name=measure, label=measure) for measure in table.columns[1:])
    schema = TableSchema("One row per kind of cost.", (VALUATION, *values))
    measures = (*likely.percentiles, "tvar95") if in_full else (likely.low, "p50", likely.high)
    title = locale("terminal.quantiles", basis=locale(f"word.{basis}"), currency=locale.currency)
    print_table(table.select("valuation", "expected", *measures), title, schema, locale=locale)
    for row in quantiles.filter(measure=likely.high).iter_rows(named=True) if in_full else ():
        error, stressed = (locale.exact_money(row[name]) for name in ("error", "stressed"))
        amounts = {"error": error, "stressed": stressed, "unit": locale.unit}
        print_text(locale("terminal.error", valuation=locale(f"word.{row['valuation']}"), **amounts))
    if in_full and analysis.runs[basis].portfolio.has_correlated_inputs("cash"):
        print_text(locale("report.tied"))
