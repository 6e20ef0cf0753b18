"""Which inputs and decisions the cost of an analysis depends on, as tables and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from outage_analysis import costs
from outage_analysis.analysis.headline import driver_sentences
from outage_analysis.analysis.results import AnalysisResult
from outage_analysis.analysis.summary import refuse_no_cash
from outage_analysis.assumptions import BandMix
from outage_analysis.errors import ModelRefused
from outage_analysis.text import Answer, Locale, ShownTable, shown_tables

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis

SENSITIVITY = {
    "tornado": costs.TORNADO,
    "indices": costs.INDICES,
    "levers": costs.LEVERS,
    "awards": costs.AWARD_VIEWS,
    "break_evens": costs.BREAK_EVENS,
    "inputs_given_exceedance": costs.INPUTS_GIVEN_EXCEEDANCE,
    "information_value": costs.INFORMATION_VALUE,
}
"""The tables of a sensitivity, in the order in which they are shown, with their columns."""


def sensitivity_tables(
    analysis: Analysis, limit: int | None = None, awards: Sequence[int] = ()
) -> dict[str, pl.DataFrame]:
    """Show which inputs and decisions influence the cost of an analysis.

    The tables describe the headline cost, which is computed from published counts if possible, else from
    claims.

    Args:
        analysis: the result of `run`.
        limit: an amount of cash in whole currency; tables show which inputs would make the cost exceed it.
        awards: possible mean awards of a review, in whole currency; a table shows the cost for each of them.

    Returns:
        The tables `tornado`, `levers` and `indices` (shares of the variance of the cash); with a limit also
        `break_evens` and `inputs_given_exceedance`; with awards also `awards`; if the plan has a budget, also
        `information_value`.

    Raises:
        ModelRefused: there is no expected cost (or no expected cash, with a limit or awards), or too few
            draws exceed the limit.
        UsageError: awards are given and the policy has no review.
    """
    run, plan = analysis.headline_run, analysis.plan
    if run is None:
        raise ModelRefused(
            "no line has an expected cost, so nothing moves it",
            remedy="Give a ledger with the inputs that the policy needs.",
        )
    names = ("tornado", "levers", "information_value")
    tables = {name: analysis.tables[name] for name in names if name in analysis.tables}
    if "cash" not in run.totals:
        if awards or limit is not None:
            refuse_no_cash("a sum or an award")
        return tables
    with suppress(ModelRefused):  # no indices if nothing is uncertain or inputs are correlated
        tables["indices"] = costs.cost_sobol_indices(run.portfolio)
    unit = float(10**analysis.incident.minor_units)
    if awards:
        views = [award * unit for award in awards]
        tables["awards"] = costs.award_views(
            run.portfolio, views, draws=plan.draws, seed=plan.seed, level=plan.level
        )
    if limit is not None:
        tables["break_evens"] = costs.break_evens(run.portfolio, limit * unit)
        tables["inputs_given_exceedance"] = costs.inputs_given_exceedance(run, limit * unit)
    return tables


@dataclass(frozen=True)
class Sensitivity(AnalysisResult):
    """Which inputs and decisions the cost of an analysis depends on."""

    tables: dict[str, pl.DataFrame]
    """The result of `sensitivity_tables`."""

    def to_dict(self) -> dict[str, Any]:
        """Return all tables as plain values."""
        return self.inputs | {name: table.to_dicts() for name, table in self.tables.items()}

    def answer(self, lang: str = "en") -> Answer:
        """Return the inputs that the cost depends on most, then all tables."""
        analysis, locale = self.analysis, self.analysis.locale(lang)
        sentences = driver_sentences(analysis, locale)
        if "information_value" in self.tables and analysis.budget is not None:
            portfolio = analysis.runs[analysis.headline_basis].portfolio
            first = costs.information_sentence(self.tables["information_value"], portfolio, locale)
            budget = locale.money_in_full(analysis.budget)
            sentences.append(f"{first} {locale('information.budget_decision', budget=budget)}")
        marked = [self.mark(locale) + sentence for sentence in sentences]
        return Answer(locale, marked, self._tables(locale), analysis.names(lang))

    def _tables(self, locale: Locale) -> Iterator[ShownTable | str]:
        analysis, tables = self.analysis, self.tables
        if "inputs_given_exceedance" in tables:
            parts = self._with_part_names(tables["inputs_given_exceedance"], locale)
            tables = tables | {"inputs_given_exceedance": parts}
        yield from shown_tables(tables, SENSITIVITY, "terminal.sensitivity_", locale, self.mark(locale))
        if analysis.runs[analysis.headline_basis].portfolio.has_correlated_inputs("cash"):
            yield locale("report.tied")
        if not any(len(table) for name, table in tables.items() if name != "information_value"):
            yield locale("terminal.nothing_uncertain")
        yield locale("terminal.result_units", day=analysis.as_of, currency=locale.currency)

    def _with_part_names(self, table: pl.DataFrame, locale: Locale) -> pl.DataFrame:
        entries = self.analysis.runs[self.analysis.headline_basis].portfolio.entries
        names = []
        for assumption, part in table.select("assumption", "part").iter_rows():
            entry = entries[assumption]
            if part is None:
                names.append("")
            elif isinstance(entry, BandMix):
                names.append(locale.band(entry.bands[part].over, entry.bands[part].up_to))
            else:
                names.append(entry.models[part][locale.lang])
        return table.with_columns(part=pl.Series(names, dtype=pl.String))
