"""Notes of an analysis in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, NoReturn

import polars as pl

from outage_analysis import costs
from outage_analysis.assumptions import REFERENCE_LEDGER, Assumption, Ledger, value_and_range
from outage_analysis.claims import DECISIONS
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import Incident
from outage_analysis.losses import Cube
from outage_analysis.text import Locale

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis

MAX_NAMED_LINES = 2
"""Summaries name at most this many cost lines; for more lines they state the number."""


def budget_scope(analysis: Analysis, basis: str, locale: Locale) -> str:
    """Return sentences on the probability of exceeding the budget and the cost lines that it includes.

    The sentences state the probability if all inputs are correlated, the cost lines that it includes, and the
    number of lines that it leaves out.

    Args:
        analysis: the analysis; without a budget the result is an empty text.
        basis: the data source of the simulation: `published`, `claims` or `synthetic`.
        locale: the language.
    """
    table = analysis.uncertainty_table(basis, "budget")
    if table is None:
        return ""
    row, names = table.row(0, named=True), analysis.names(locale.lang)
    counted, omitted = row["counted"].split(), row["left_out"].split()
    if len(counted) <= MAX_NAMED_LINES:
        scope = locale("report.budget_counts", lines=", ".join(names.get(x, x) for x in counted))
    else:
        scope = locale("report.budget_counts_many", count=len(counted))
    stressed = locale("report.budget_stressed", share=locale.share(row["stressed"]))
    omits = [locale("report.budget_omits", count=len(omitted))] if omitted else []
    return " ".join([stressed, scope, *omits])


def input_notes(analysis: Analysis, locale: Locale) -> list[str]:
    """Return sentences on inputs that the user did not state but that the cost depends on.

    The first sentence says that rates come from comparable schemes; another, that the claims of one claimant
    are decided one by one; further sentences name cost lines that pay nothing for losses above their last
    band, although there are such claims.
    """
    notes, used, table = [], analysis.used_ledger, analysis.claims_costs
    if used and used.id == REFERENCE_LEDGER and used.assumptions:  # automatic payments use no rate
        rates = []
        for entry in used.assumptions:
            value, value_range = value_and_range(entry, locale)
            rates.append(f"{entry.name[locale.lang]} {value} ({value_range})")
        notes.append(locale("report.reference_rates", rates=", ".join(rates)))
    if table is None or not analysis.headline_from_claims:
        return notes
    if analysis.claims is not None:
        again = analysis.tables["claims_claimants"].filter(grain="claimant")["filed_again"].sum()
        notes += [locale("report.claimants_again", count=again)] if again else []
    names, loss = analysis.names(locale.lang), analysis.incident.loss
    unit = locale.unit if analysis.incident.loss_currency else locale.unit_name(loss.unit)
    unpaid = table.filter(
        pl.col("up_to").is_null(), pl.col("over") > 0, pl.col("count") > 0, level="band", rule="nothing"
    )
    above = unpaid.group_by("line", maintain_order=True).agg(pl.col("over").first(), pl.col("count").sum())
    for line, over, count in above.iter_rows():
        figures = {"over": locale.loss(over), "unit": unit, "count": locale.number(count)}
        notes.append(locale("report.unpaid_above", line=names.get(line, line), **figures))
    return notes


def counted_notes(analysis: Analysis, locale: Locale) -> list[str]:
    """Return what the first sentence of every output says about the rows: what they are, and what is missing.

    It is empty if the files or the user state what the rows are, and no claims are still to come.
    """
    last = open_until(analysis)
    if last is None:
        return _rows_note(analysis, locale)
    days = {"day": locale.day(analysis.as_of), "deadline": locale.day(last)}
    return [*_rows_note(analysis, locale), locale("report.open_intake", **days)]


def _rows_note(analysis: Analysis, locale: Locale) -> list[str]:
    basis, incident, plan = analysis.headline_basis, analysis.incident, analysis.plan
    if basis in ("", "published"):
        return []
    cubes = list(analysis.cubes.values())
    if incident.decision:
        counts = cubes[0].frame.group_by(pl.col(incident.decision).fill_null(cubes[0].first_decision))
        claims = dict(counts.agg(pl.col("claims").sum()).iter_rows())
        parts = [locale(f"report.rows_{x}", count=locale.number(claims[x])) for x in DECISIONS if x in claims]
        return [locale("report.rows_decided", parts=", ".join(parts))]
    share = share_to_be_filed(incident, analysis.runs[basis].portfolio.entries.values(), locale)
    if not share:
        return []
    others = [replace(cube, rows="filed") for cube in cubes]
    filed = costs.build_portfolio(analysis.policy, analysis.ledger, as_of=analysis.as_of, cubes=others)
    if_filed = costs.simulate(filed, draws=plan.draws, seed=plan.seed)
    return [
        locale(
            "report.rows_unstated",
            expected=locale.money(costs.expected_estimate(if_filed, "cash").value),
            count=locale.number(analysis.cubes.get("cost", cubes[0]).claims),
            share=share,
            source=locale("report.rows_rates") if analysis.has_rule_based_rates else "",
        )
    ]


def share_to_be_filed(incident: Incident, entries: Iterable[Assumption], locale: Locale) -> str:
    """Return the expected filing share as text, if rows count as complaints only for lack of a statement.

    It is empty if the files or the user state what the rows are, or if nobody has to file.
    """
    if incident.rows or incident.decision:
        return ""
    shares = sorted(x.range.expected or 0.0 for x in entries if x.kind == "filing_share")
    return "–".join(dict.fromkeys(map(locale.share, shares[:1] + shares[-1:])))


def rows_are_complaints(
    incident: Incident, ledger: Ledger | None, cubes: Collection[Cube], locale: Locale
) -> list[str]:
    """Return the sentence that rows count as complaints; [] if this is stated, or no claims are counted."""
    entries = ledger.assumptions if ledger and cubes else ()
    share = share_to_be_filed(incident, entries, locale)
    return [locale("report.rows_complaints", share=share)] if share else []


def open_until(analysis: Analysis) -> date | None:
    """Return the last day to claim if the cost counts only the claims filed so far; otherwise None.

    It counts only those if a line with an expected cash still takes claims after the day of the analysis, and
    the ledger states no `ultimate` for it.
    """
    day, ledger, run = analysis.as_of, analysis.known_ledger, analysis.headline_run
    counted = run.portfolio.counted("cash") if run else ()
    last = day
    for line in analysis.policy.as_known_on(day).schedules:
        effort = line.effort_on(day)
        stated = ledger is not None and ledger.find("ultimate", line.id, effort) is not None
        if line.id in counted and effort != "automatic" and not stated:
            last = max(last, line.closes_on(day) or analysis.incident.claims_to)
    return last if last > day else None


def unstated_notes(analysis: Analysis, locale: Locale, *, first_screen: bool = False) -> list[str]:
    """Return a sentence for each cost line that has claims without a loss and no rule for such claims.

    With `first_screen`, the list is empty if the claims are synthetic and the headline is not computed
    from claims.
    """
    table = analysis.claims_costs
    if table is None or (first_screen and analysis.synthetic and not analysis.headline_from_claims):
        return []
    names = analysis.names(locale.lang)
    return [
        locale(
            f"report.unstated_{'some' if row['priced'] else 'most'}",
            line=names.get(row["line"], row["line"]),
            unstated=locale.number(row["unstated"]),
            entitled=locale.number(row["entitled"]),
            share=locale.share(row["unstated"] / row["entitled"]),
        )
        for row in costs.unstated_losses(table).iter_rows(named=True)
    ]


def refuse_no_cash(question: str) -> NoReturn:
    """Raise ModelRefused for a question about cash, because no line has an expected cash cost.

    An error is better than a result that silently leaves out the answer.
    """
    remedy = "Give a ledger with the inputs that the policy needs, or leave that question out."
    raise ModelRefused(
        f"no line has an expected cost in cash, so nothing is known of {question}", remedy=remedy
    )
