"""Print a cost: three sentences, then tables of totals, quantiles, cost lines and loss bands."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outage_analysis.cli.console import band_expression, print_line, print_table, print_text

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
    """Print the cost in three sentences, and then as tables: quantiles, totals, cost lines, loss bands."""
    from outage_analysis.analysis import input_notes, unstated_notes
    from outage_analysis.costs import TOTALS

    sums = analysis.incident.locale("en")
    locale = analysis.locale(lang)
    for sentence in cost_sentences(analysis, locale):
        print_text(sentence)
    print_line("")
    _print_quantiles(analysis, sums, locale)
    totals = _all_bases(analysis.tables, "totals")
    title = locale("terminal.totals", day=analysis.as_of, currency=sums.currency)
    print_table(totals, title, TOTALS, sums, locale=locale)
    print_text(f"{locale('terminal.bounds')}\n{locale('terminal.most')}")
    for note in [*input_notes(analysis, locale), *unstated_notes(analysis, locale)]:
        print_text(note)
    _print_lines_and_bands(_all_bases(analysis.tables, "costs"), sums, locale)


def _print_lines_and_bands(costs: pl.DataFrame, sums: Locale, locale: Locale) -> None:
    import polars as pl

    from outage_analysis.costs import COSTS

    columns = ("count", *BOUNDS)
    lines = costs.filter(level="line").group_by("basis", maintain_order=True)
    for (basis,), table in lines:
        title = locale("terminal.by_line", basis=locale(f"word.{basis}"))
        print_table(table.select("line", "valuation", *columns, "status"), title, COSTS, sums, locale=locale)
    across = pl.col("rule") == "straddles"
    band = pl.when(across).then(pl.lit(locale("terminal.across"))).otherwise(band_expression(locale))
    bands = costs.filter(pl.col("level") == "band", pl.col("rule") != "not_entitled").with_columns(band=band)
    for (basis, line), table in bands.group_by("basis", "line", maintain_order=True):
        service = ["service"] if table["service"].null_count() < len(table) else []
        title = locale("terminal.by_band", line=line, basis=locale(f"word.{basis}"))
        print_table(table.select(*service, "band", *columns), title, COSTS, sums, locale=locale)


def cost_sentences(analysis: Analysis, locale: Locale) -> tuple[str, str, str]:
    """Return three sentences on the cost.

    The sentences state the expected cash, which cost lines it includes, and how likely the cash exceeds the
    budget.
    """
    from outage_analysis.analysis import counted_notes

    basis = analysis.headline_basis
    expected = analysis.expected_cash(basis) if basis else None
    later_lines = ", ".join(analysis.dropped_lines)
    not_public = (
        f" {locale('terminal.not_public', day=analysis.as_of, lines=later_lines)}" if later_lines else ""
    )
    if expected is None:
        scope = locale("terminal.counts_none") + not_public
        return locale("terminal.no_cash"), scope, locale("terminal.no_budget")
    portfolio, quantiles = analysis.runs[basis].portfolio, analysis.uncertainty_table(basis, "quantiles")
    likely = analysis.likely_cash(basis)
    values = {"expected": locale.money(expected), "basis": locale(f"word.{basis}")}
    if likely == (expected, expected):
        amount = locale("terminal.cash_certain", **values)
    elif likely and quantiles is not None:
        (median,) = quantiles.filter(valuation="cash", measure="p50")["value"]
        low, high = map(locale.money, likely)
        ends = low if low == high else locale("report.low_to_high", low=low, high=high)
        amount = locale("terminal.cash", median=locale.money(median), range=ends, **values)
    else:
        amount = locale("terminal.cash_no_range", **values)
    amount = " ".join([*counted_notes(analysis, locale), amount])
    omitted = portfolio.left_out.get("cash", ())
    scope = locale("terminal.counts", lines=", ".join(portfolio.counted("cash")))
    scope += f" {locale('terminal.omits', lines=', '.join(omitted))}" if omitted else ""
    chance = _budget_sentence(analysis, basis, locale) or locale("terminal.no_budget")
    return amount, scope + not_public, chance


def _budget_sentence(analysis: Analysis, basis: str, locale: Locale) -> str:
    """Return a sentence on how likely the cash exceeds the budget; empty if there is no budget."""
    budget = analysis.uncertainty_table(basis, "budget")
    if budget is None:
        return ""
    row = budget.row(0, named=True)
    return locale(
        "terminal.chance",
        budget=locale.exact_money(row["budget"]),
        unit=locale.unit,
        share=locale.share(row["exceeded"]),
        stressed=locale.share(row["stressed"]),
        error=locale.number(locale.rounded(100 * row["error"])),
        basis=locale(f"word.{basis}"),
    )


def _print_quantiles(analysis: Analysis, sums: Locale, locale: Locale) -> None:
    from outage_analysis.costs import QUANTILES
    from outage_analysis.text import VALUATION, TableSchema

    for basis in analysis.runs:
        quantiles = analysis.uncertainty_table(basis, "quantiles")
        if quantiles is None:
            continue
        table = quantiles.pivot("measure", index="valuation", values="value")
        values = (replace(QUANTILES["value"], name=measure, label=measure) for measure in table.columns[1:])
        schema = TableSchema("One row per kind of cost.", (VALUATION, *values))
        likely = analysis.likely_range
        measures = ("expected", *likely.percentiles, "tvar95")
        columns = ("valuation", *(measure for measure in measures if measure in table.columns))
        title = locale("terminal.quantiles", basis=locale(f"word.{basis}"), currency=sums.currency)
        print_table(table.select(columns), title, schema, sums, locale=locale)
        for row in quantiles.filter(measure=likely.high).iter_rows(named=True):
            error, stressed = (locale.exact_money(row[name]) for name in ("error", "stressed"))
            valuation = row["valuation"] if locale.lang == "en" else locale(f"word.{row['valuation']}")
            amounts = {"error": error, "stressed": stressed, "unit": locale.unit}
            print_text(locale("terminal.error", valuation=valuation, **amounts))
        if analysis.runs[basis].portfolio.has_correlated_inputs("cash"):
            print_text(locale("report.tied"))
        if basis != analysis.headline_basis and (sentence := _budget_sentence(analysis, basis, locale)):
            print_text(sentence)
        print_line("")
