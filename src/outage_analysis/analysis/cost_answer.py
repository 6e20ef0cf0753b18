"""The cost of an analysis for its reader: sentences, then totals, quantiles, cost items and loss bands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from outage_analysis.analysis.display_units import band_expression
from outage_analysis.analysis.headline import headline_sentences
from outage_analysis.analysis.summary import counted_notes, input_notes, unstated_notes
from outage_analysis.costs import COSTS, QUANTILES, TOTALS
from outage_analysis.text import VALUATION, Answer, Locale, ShownTable, TableSchema, synthetic_mark

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis

BOUNDS = ("low", "expected", "high", "most")


def cost_as_dict(analysis: Analysis) -> dict[str, Any]:
    """Return the cost as plain values. Amounts are in the smallest unit of the currency."""
    return {
        **analysis.inputs,
        "policy": analysis.policy.id,
        "lines_not_public_yet": analysis.dropped_lines,
        "totals": _all_bases(analysis, "totals").to_dicts(),
        "costs": _all_bases(analysis, "costs").to_dicts(),
        "uncertainty": {
            basis: {
                name: table.to_dicts()
                for name in ("quantiles", "split", "contributions", "budget")
                if (table := analysis.uncertainty_table(basis, name)) is not None
            }
            for basis in analysis.runs
        },
    }


def _all_bases(analysis: Analysis, name: str) -> pl.DataFrame:
    """Return the costs from published counts and from claims as one table; `basis` names the source."""
    tables = analysis.tables
    return pl.concat([tables[n] for n in (name, f"claims_{name}") if n in tables])


def cost_answer(analysis: Analysis, lang: str) -> Answer:
    """Return the answer in sentences, then tables: how sure it is and where it arises, then all others."""
    locale, names = analysis.locale(lang), analysis.names(lang)

    def card_notes() -> Iterator[str]:
        yield from input_notes(analysis, locale)
        yield from unstated_notes(analysis, locale, first_screen=True)
        yield locale("card.tables", names=", ".join(analysis.tables))

    return Answer(
        locale,
        cost_sentences(analysis, locale),
        _tables(analysis, locale, names),
        names,
        "" if analysis.budget is not None else locale("terminal.no_budget"),
        card_notes(),
    )


def cost_sentences(analysis: Analysis, locale: Locale) -> list[str]:
    """Return the answer in sentences; without a simulation, the expected cash or that there is none."""
    told = list(headline_sentences(analysis, locale))
    if not told:
        basis = analysis.headline_basis
        expected = analysis.expected_cash(basis) if basis else None
        money = None if expected is None else locale.money(expected)
        key = "terminal.no_cash" if money is None else "terminal.cash_no_range"
        told = [*counted_notes(analysis, locale), locale(key, expected=money)]
    told[0] = synthetic_mark(locale, synthetic=analysis.headline_is_synthetic) + told[0]
    return told


def _tables(analysis: Analysis, locale: Locale, names: Mapping[str, str]) -> Iterator[ShownTable | str]:
    costs, first = _all_bases(analysis, "costs"), analysis.headline_basis
    bases = sorted(costs["basis"].unique(maintain_order=True), key=lambda basis: basis != first)
    likely = analysis.likely_range
    if first:
        yield from _quantiles(analysis, first, locale, (likely.low, "p50", likely.high))
    yield from _bands(costs.filter(basis=bases[0]), locale, names)
    yield from [*input_notes(analysis, locale), *unstated_notes(analysis, locale)]
    run = analysis.headline_run
    omitted = ", ".join(names[x] for x in run.portfolio.left_out.get("cash", ())) if run else ""
    if omitted:
        yield locale("terminal.omits", lines=omitted)
    if later := ", ".join(names[x] for x in analysis.dropped_lines):
        yield locale("terminal.not_public", day=analysis.as_of, lines=later)
    for basis in bases:
        lines = costs.filter(basis=basis, level="line")
        title = locale("terminal.by_line", basis=locale(f"word.{basis}"))
        yield ShownTable(title, lines.select("line", "valuation", "count", *BOUNDS, "status"), COSTS)
    title = locale("terminal.totals", day=analysis.as_of, currency=locale.currency)
    yield ShownTable(title, _all_bases(analysis, "totals"), TOTALS)
    for basis in analysis.runs:
        if basis != first and analysis.synthetic:  # a range of made-up claims tells nobody anything
            continue
        yield from _quantiles(analysis, basis, locale, (*likely.percentiles, "tvar95"))
        rows = analysis.uncertainty_table(basis, "quantiles")
        for row in rows.filter(measure=likely.high).iter_rows(named=True) if rows is not None else ():
            error, stressed = (locale.exact_money(row[name]) for name in ("error", "stressed"))
            amounts = {"error": error, "stressed": stressed, "unit": locale.unit}
            yield locale("terminal.error", valuation=locale(f"word.{row['valuation']}"), **amounts)
        if rows is not None and analysis.runs[basis].portfolio.has_correlated_inputs("cash"):
            yield locale("report.tied")
    for basis in bases[1:]:
        yield from _bands(costs.filter(basis=basis), locale, names)


def _quantiles(
    analysis: Analysis, basis: str, locale: Locale, measures: Sequence[str]
) -> Iterator[ShownTable]:
    quantiles = analysis.uncertainty_table(basis, "quantiles")
    if quantiles is None:
        return
    values = (replace(QUANTILES["value"], name=name, label=name) for name in ("expected", *measures))
    table = quantiles.pivot("measure", index="valuation", values="value")
    title = locale("terminal.quantiles", basis=locale(f"word.{basis}"), currency=locale.currency)
    schema = TableSchema("One row per kind of cost.", (VALUATION, *values))
    yield ShownTable(title, table.select(schema.names), schema)


def _bands(costs: pl.DataFrame, locale: Locale, names: Mapping[str, str]) -> Iterator[ShownTable]:
    across = pl.col("rule") == "straddles"
    band = pl.when(across).then(pl.lit(locale("terminal.across"))).otherwise(band_expression(locale))
    bands = costs.filter(pl.col("level") == "band", pl.col("rule") != "not_entitled").with_columns(band=band)
    for (basis, line), table in bands.group_by("basis", "line", maintain_order=True):
        service = ["service"] if table["service"].null_count() < len(table) else []
        title = locale("terminal.by_band", line=names.get(line, line), basis=locale(f"word.{basis}"))
        yield ShownTable(title, table.select(*service, "band", "count", *BOUNDS), COSTS)
