"""An analysis in words: its answer in sentences, what the figures do not include, and the tables below them.

The mean comes first, because means of costs add up and a few large awards make up most of it; the amount that
one outcome in ten exceeds and the median follow, because half of the outcomes are far below the mean.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import polars as pl

from outage_analysis import costs, text
from outage_analysis.analysis.open_intake import late_claims_notes, open_lines
from outage_analysis.analysis.results import band_expression
from outage_analysis.assumptions import (
    REFERENCE_LEDGER,
    Assumption,
    FloatArray,
    LateClaims,
    Ledger,
    value_and_range,
)
from outage_analysis.claims import DECISIONS
from outage_analysis.costs import rounded_estimate
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import Incident
from outage_analysis.losses import Cube

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis
    from outage_analysis.policies import Schedule

DECISIVE = 0.5
"""A rule is named as what to decide first if at least this share of the expected cash follows from it."""
ANSWERS = 16
"""An input that is known takes one of so many equally likely values: the draws are divided by its size."""
CLEARLY = 0.1
"""A range that would be narrower by a smaller share is said to be hardly narrower."""
BATCHES = 4
"""The numerical error comes from the spread of so many batches of replicates."""
MAX_DRIVERS = 3
"""Most inputs that the answer names as those that the cost depends on."""


def headline_sentences(analysis: Analysis, locale: text.Locale) -> tuple[str, ...]:
    """Return the cash with its scope, mean, range and median, and what the figure does not include.

    It is empty without an expected cash or without a simulation.
    """
    points, likely = _quantiles(analysis, "cash"), analysis.likely_range
    if not {"expected", "p50", likely.low, likely.high} <= set(points):
        return ()
    certain = points[likely.low] == points[likely.high] == points["expected"]
    run = analysis.headline_run
    names = analysis.names(locale.lang)
    lines = [names.get(line, line) for line in (run.portfolio.counted("cash") if run else ())]
    scope, included = locale("report.answer_lines", count=len(lines)), ""
    if len(lines) <= MAX_NAMED_LINES:
        scope = ", ".join(text.short_names(lines))
    elif len(lines) <= MAX_LISTED_LINES:
        included = f" {locale('report.tile_scope', lines='; '.join(lines))}"
    first = locale(
        "report.answer_certain" if certain else "report.answer_cash",
        scope=scope,
        mean=locale.money(points["expected"]),
        often=locale.one_in(1 - likely.upper),
        high=locale.money(points[likely.high]),
        median=locale.money(points["p50"]),
        low=locale.money(points[likely.low]),
    )
    first += included
    if analysis.compared is not None:
        first = f"{first} {locale('report.answer_options', count=len(analysis.exact_tables['comparison']))}"
    beside = _if_all_are_paid(analysis, locale)
    if not certain:
        stressed = locale.money(points["stressed"])
        beside.append(locale("report.answer_together", often=locale.one_in(1 - likely.upper), high=stressed))
    told = [" ".join([*counted_notes(analysis, locale), first])]
    if (table := analysis.uncertainty_table(analysis.headline_basis, "budget")) is not None:
        budget, chance, together = table.select("budget", "exceeded", "stressed").row(0)
        shares = {"chance": locale.share(chance), "together": locale.share(together)}
        told.append(locale("report.answer_budget", budget=locale.money_in_full(budget), **shares))
    return (*told, *parts_left_out(analysis, locale), *beside)


def _quantiles(analysis: Analysis, valuation: str) -> dict[str, float]:
    """Return mean (`expected`), quantiles and, if inputs move together, upper end (`stressed`), if drawn."""
    table = analysis.uncertainty_table(analysis.headline_basis, "quantiles")
    total = analysis.totals_row(analysis.headline_basis, valuation)
    if table is None or total is None or total["expected"] is None:
        return {}
    rows = table.filter(valuation=valuation)
    found = dict(rows.select("measure", "value").iter_rows())
    high = rows.filter(measure=analysis.likely_range.high)["stressed"].to_list()
    # With correlated inputs the mean of the draws is the expected cash, not the product of the means.
    cash = analysis.expected_cash(analysis.headline_basis) if valuation == "cash" else None
    expected = float(total["expected"] if cash is None else cash)
    return {**found, "expected": expected, **({"stressed": high[0]} if high else {})}


def _if_all_are_paid(analysis: Analysis, locale: text.Locale) -> list[str]:
    """Return what it would cost if every report or claim were paid, where the policy says how much."""
    total, promised = analysis.totals_row(analysis.headline_basis), promised_range(analysis)
    line, run = counted_schedule(analysis), analysis.headline_run
    # The reports are those of one cost item, so they bound the cash only if it counts nothing else.
    if promised and line and run and run.portfolio.counted("cash") == (line.id,):
        count, low, high = promised
        key = "tiers" if any(rule.review for _, rule in line.positive_bands) else "reports"
        amounts = {"count": locale.number(count), "range": locale.money_range(low, high, 3)}
        return [locale(f"report.answer_all_{key}", **amounts)]
    if total is None or not total["most"]:
        return []
    largest = {"most": locale.money(total["most"])}
    if analysis.headline_from_claims and "cost" in analysis.cubes:
        largest["count"] = locale.number(analysis.cubes["cost"].claims)
        return [locale("report.answer_all_rows", **largest)]
    return [locale("report.answer_all_claims", **largest)]


def promised_range(analysis: Analysis) -> tuple[float, float, float] | None:
    """Return the number of reported losses, and the least and most if all are paid; None if it is unknown.

    The three values are the published number of reports, the amount if all are paid the lowest tier, and the
    amount if all are paid the highest tier.
    """
    line = counted_schedule(analysis)
    if line is None:
        return None
    ends = [line.tariff.payment_range(band) for band, rule in line.positive_bands if rule.pays]
    highest_amounts = [float(most) for _, most in ends if most is not None]
    if not ends or len(highest_amounts) < len(ends):
        return None
    count = float(_schedule_rows(analysis)["count"][0])
    return count, count * float(min(least for least, _ in ends)), count * max(highest_amounts)


def _schedule_rows(analysis: Analysis) -> pl.DataFrame:
    return analysis.exact_tables["costs"].filter(
        basis="published", level="line", rule="schedule", status="ok"
    )


def counted_schedule(analysis: Analysis) -> Schedule | None:
    """Return the first payment schedule (payments by loss band) whose number of reports is published.

    Return None if the policy has no such schedule.
    """
    rows = _schedule_rows(analysis)
    return analysis.policy.schedule(rows["line"][0]) if len(rows) else None


def parts_left_out(analysis: Analysis, locale: text.Locale) -> list[str]:
    """Return a sentence on the costs beside the cash, which are never added to it; [] if there are none."""
    parts, likely = [], analysis.likely_range
    if handling := _quantiles(analysis, "handling").get("p50"):
        parts.append(locale("report.answer_handling", median=locale.money(handling)))
    points, total = _quantiles(analysis, "top_down"), analysis.totals_row("published", "top_down")
    share = ""
    if total is not None and total["promised"] and {likely.low, likely.high} <= set(points):
        ends = {"low": locale.money(points[likely.low]), "high": locale.money(points[likely.high])}
        announced = locale.money(total["promised"])
        span = locale("report.low_to_high", **ends)
        parts.append(locale("report.answer_announced", announced=announced, range=span))
        cash = analysis.expected_cash() or 0.0
        package = locale.share(locale.rounded(cash / (cash + points["expected"])))
        share = locale("report.answer_package", share=package) + " "
    unpriced = len(analysis.unpriced_lines)
    if unpriced:
        parts.append(locale("report.answer_unpriced", count=unpriced))
    if not parts:
        return []
    *first, last = parts
    named = locale("report.answer_and").join([", ".join(first), last]) if first else last
    return [share + locale("report.answer_without", parts=named)]


def driver_sentences(analysis: Analysis, locale: text.Locale) -> list[str]:
    """Return a sentence for each of the inputs that move the expected cash most."""
    names = analysis.names(locale.lang)
    moved = analysis.exact_tables["tornado"].filter(valuation="cash")
    entries = analysis.used_ledger.assumptions if analysis.used_ledger else ()
    units = {a.id: a.unit[locale.lang] for a in entries if a.kind == "exposure" and a.unit}
    return [
        locale(
            "report.drives_next" if place else "report.drives_text",
            plain=text.capitalized(locale(f"plain.{row['kind']}", unit=units.get(row["assumption"], ""))),
            name=names.get(row["assumption"], row["assumption"]).split(":")[0],
            low=locale.money(row["cost_low"]),
            high=locale.money(row["cost_high"]),
        )
        for place, row in enumerate(moved.head(MAX_DRIVERS).iter_rows(named=True))
    ]


def reserve_column(analysis: Analysis) -> str:
    """Return the column of the reserve with the amount to set aside: cash and handling are both money."""
    table = analysis.exact_tables.get("reserve")
    return "cash" if table is None or not table["both"].count() else "both"


def recommendation(analysis: Analysis, locale: text.Locale) -> list[str]:
    """Say what to set aside, what to keep available and what to decide first; [] without a reserve."""
    table, column = analysis.exact_tables.get("reserve"), reserve_column(analysis)
    if table is None:
        return []
    amounts = dict(table.select("measure", column).iter_rows())
    mean, high = amounts["mean"], amounts["p90"]
    key = f"report.recommend_{column if high > mean else 'mean'}"
    further = locale.money(max(0.0, high - mean))
    often = locale.one_in(0.1)
    told = [locale(key, mean=locale.money(mean), further=further, high=locale.money(high), often=often)]
    budget, cash = analysis.budget, max(table.filter(pl.col("measure").is_in(["mean", "p90"]))["cash"])
    if budget and cash > budget and locale.money(cash) != locale.money(budget):
        named = {"cash": locale.money(cash), "budget": locale.money_in_full(budget)}
        told.append(locale("report.recommend_above_budget", **named))
    note = reserve_note(table, locale, column)
    steps = analysis.exact_tables.get("steps", pl.DataFrame())
    stepped = 0.0 if steps.is_empty() else steps["expected"].sum()
    if stepped:
        largest = steps.sort("expected", descending=True, maintain_order=True).row(0, named=True)
        share = largest["expected"] / stepped
        if largest["rule"] == "review" and share >= DECISIVE:
            band = locale.band_with_unit(largest["over"], largest["up_to"])
            figures = {"band": band, "share": locale.share(locale.rounded(share))}
            told.append(locale("report.recommend_review", **figures))
    return [*told, *([note] if note else [])]


def reserve_note(table: pl.DataFrame | None, locale: text.Locale, column: str = "cash") -> str:
    """Say in a sentence that the mean exceeds P75, if it does as both are printed; otherwise return ""."""
    amounts = {} if table is None else dict(table.select("measure", column).iter_rows())
    mean, p75 = amounts.get("mean"), amounts.get("p75")
    if mean is None or p75 is None or mean <= p75 or locale.money(mean) == locale.money(p75):
        return ""
    return locale("report.reserve_skewed", measure="P75")


def narrowing_sentence(analysis: Analysis, locale: text.Locale) -> tuple[str, ...]:
    """Return a sentence on the input that would, if it were known exactly, make the likely range narrowest.

    Nobody knows beforehand what the input will turn out to be, so the width is averaged over its values: for
    some of them, the range is wider than today's. An input is named as narrowing the range if the range would
    be narrower by a tenth, and by more than the numerical error. The result is empty if the cash was not
    simulated or nothing is uncertain.
    """
    run, ranked = analysis.headline_run, analysis.exact_tables["tornado"].filter(valuation="cash")
    if run is None or "cash" not in run.totals or ranked.is_empty():
        return ()
    drawn = [block.values for block in run.replicates()]
    totals, likely = run.totals["cash"].values, analysis.likely_range
    widths = {
        name: _width(totals, likely, np.stack([values[name] for values in drawn]))
        for name in ranked["assumption"]
        if drawn[0][name].ndim == 1  # a band mix is no single number
    }
    if not widths:
        return ()
    best = min(widths, key=lambda name: widths[name].value)
    known, now = widths[best], _width(totals, likely)
    least = max(CLEARLY * now.value, 2 * math.hypot(known.error, now.error))
    width = rounded_estimate(known)
    return (
        locale(
            "report.narrows_most" if now.value - known.value > least else "report.narrows_none",
            name=analysis.names(locale.lang).get(best, best).split(":")[0],
            width=locale.money(width.value),
            now=locale.money(now.value),
        ),
    )


def _width(
    totals: FloatArray, likely: text.LikelyRange, known: FloatArray | None = None
) -> costs.simulation.Estimate:
    def mean_width(rows: slice) -> float:
        amounts, parts = totals[rows].ravel(), 1
        if known is not None:
            amounts, parts = amounts[np.argsort(known[rows], axis=None, kind="stable")], ANSWERS
        size = len(amounts) // parts
        answers = np.sort(amounts[: parts * size].reshape(parts, size), axis=1)
        low, high = (
            answers[:, costs.simulation.quantile_place(p, size)] for p in (likely.lower, likely.upper)
        )
        return float((high - low).mean())

    each = len(totals) // BATCHES
    batches = [mean_width(slice(n * each, (n + 1) * each)) for n in range(BATCHES)]
    return costs.simulation.Estimate(
        mean_width(slice(None)), costs.simulation.replicate_mean(np.array(batches)).error
    )


BOUNDS = ("low", "expected", "high", "most")


def cost_as_dict(analysis: Analysis) -> dict[str, Any]:
    """Return the cost as plain values, with amounts in whole currency."""
    return {
        **analysis.inputs,
        "policy": analysis.policy.id,
        "lines_not_public_yet": analysis.dropped_lines,
        **{name: analysis.whole(_all_bases(analysis, name), name).to_dicts() for name in ("totals", "costs")},
        "uncertainty": {
            basis: {
                name: analysis.whole(table, name).to_dicts()
                for name in ("quantiles", "split", "contributions", "budget")
                if (table := analysis.uncertainty_table(basis, name)) is not None
            }
            for basis in analysis.runs
        },
    }


def _all_bases(analysis: Analysis, name: str) -> pl.DataFrame:
    """Return the costs from published counts and from claims as one table; `basis` names the source."""
    tables = analysis.exact_tables
    return pl.concat([tables[n] for n in (name, f"claims_{name}") if n in tables])


def cost_answer(analysis: Analysis, lang: str) -> text.Answer:
    """Return the answer in sentences, then tables: how sure it is and where it arises, then all others."""
    locale, names = analysis.locale(lang), analysis.names(lang)

    def card_notes() -> Iterator[str]:
        yield from input_notes(analysis, locale)
        yield from unstated_notes(analysis, locale, first_screen=True)
        yield locale("card.tables", names=", ".join(analysis.exact_tables))

    return text.Answer(
        locale,
        cost_sentences(analysis, locale),
        _cost_tables(analysis, locale, names),
        names,
        "" if analysis.budget is not None else locale("terminal.no_budget"),
        card_notes(),
    )


def cost_sentences(analysis: Analysis, locale: text.Locale) -> list[str]:
    """Return the answer in sentences; without a simulation, the expected cash or that there is none."""
    told = list(headline_sentences(analysis, locale))
    if not told:
        basis = analysis.headline_basis
        expected = analysis.expected_cash(basis) if basis else None
        money = None if expected is None else locale.money(expected)
        key = "terminal.no_cash" if money is None else "terminal.cash_no_range"
        told = [*counted_notes(analysis, locale), locale(key, expected=money)]
    told[0] = text.synthetic_mark(locale, synthetic=analysis.headline_is_synthetic) + told[0]
    return told


def _cost_tables(
    analysis: Analysis, locale: text.Locale, names: Mapping[str, str]
) -> Iterator[text.ShownTable | str]:
    every, first = _all_bases(analysis, "costs"), analysis.headline_basis
    bases = sorted(every["basis"].unique(maintain_order=True), key=lambda basis: basis != first)
    likely = analysis.likely_range
    if first:
        yield from _quantile_tables(analysis, first, locale, (likely.low, "p50", likely.high))
    yield from _band_tables(every.filter(basis=bases[0]), locale, names)
    yield from [*input_notes(analysis, locale), *unstated_notes(analysis, locale)]
    run = analysis.headline_run
    omitted = ", ".join(names[x] for x in run.portfolio.left_out.get("cash", ())) if run else ""
    if omitted:
        yield locale("terminal.omits", lines=omitted)
    if later := ", ".join(names[x] for x in analysis.dropped_lines):
        yield locale("terminal.not_public", day=analysis.as_of, lines=later)
    for basis in bases:
        lines = every.filter(basis=basis, level="line")
        shown = lines.select("line", "valuation", "count", *BOUNDS, "status")
        title = locale("terminal.by_line", basis=locale(f"word.{basis}"))
        yield text.ShownTable(title, shown, text.schema_of("costs"))
    title = locale("terminal.totals", day=analysis.as_of, currency=locale.currency)
    yield text.ShownTable(title, _all_bases(analysis, "totals"), text.schema_of("totals"))
    for basis in analysis.runs:
        if basis != first and analysis.synthetic:  # a range of made-up claims tells nobody anything
            continue
        yield from _quantile_tables(analysis, basis, locale, (*likely.percentiles, "tvar95"))
        rows = analysis.uncertainty_table(basis, "quantiles")
        for row in rows.filter(measure=likely.high).iter_rows(named=True) if rows is not None else ():
            error, stressed = (locale.exact_money(row[name]) for name in ("error", "stressed"))
            amounts = {"error": error, "stressed": stressed, "unit": locale.unit}
            yield locale("terminal.error", valuation=locale(f"word.{row['valuation']}"), **amounts)
        if rows is not None and analysis.runs[basis].portfolio.has_correlated_inputs("cash"):
            yield locale("report.tied")
    for basis in bases[1:]:
        yield from _band_tables(every.filter(basis=basis), locale, names)


def _quantile_tables(
    analysis: Analysis, basis: str, locale: text.Locale, measures: Sequence[str]
) -> Iterator[text.ShownTable]:
    quantiles = analysis.uncertainty_table(basis, "quantiles")
    if quantiles is None:
        return
    value = text.schema_of("quantiles")["value"]
    values = (replace(value, name=name, label=name) for name in ("expected", *measures))
    table = quantiles.pivot("measure", index="valuation", values="value")
    title = locale("terminal.quantiles", basis=locale(f"word.{basis}"), currency=locale.currency)
    schema = text.TableSchema("One row per kind of cost.", (text.column_of("valuation"), *values))
    yield text.ShownTable(title, table.select(schema.names), schema)


def _band_tables(
    rows: pl.DataFrame, locale: text.Locale, names: Mapping[str, str]
) -> Iterator[text.ShownTable]:
    across = pl.col("rule") == "straddles"
    band = pl.when(across).then(pl.lit(locale("terminal.across"))).otherwise(band_expression(locale))
    bands = rows.filter(pl.col("level") == "band", pl.col("rule") != "not_entitled").with_columns(band=band)
    for (basis, line), table in bands.group_by("basis", "line", maintain_order=True):
        service = ["service"] if table["service"].null_count() < len(table) else []
        title = locale("terminal.by_band", line=names.get(line, line), basis=locale(f"word.{basis}"))
        shown = table.select(*service, "band", "count", *BOUNDS)
        yield text.ShownTable(title, shown, text.schema_of("costs"))


MAX_NAMED_LINES = 2
"""Summaries name at most this many cost lines; for more lines they state the number."""
MAX_LISTED_LINES = 5
"""The answer also lists the names of so many cost lines, in a sentence of its own."""


def budget_scope(analysis: Analysis, basis: str, locale: text.Locale) -> str:
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
    scope = locale("report.budget_counts_many", count=len(counted))
    if len(counted) <= MAX_NAMED_LINES:
        scope = locale("report.budget_counts", lines=", ".join(names.get(x, x) for x in counted))
    stressed = locale("report.budget_stressed", share=locale.share(row["stressed"]))
    omits = [locale("report.budget_omits", count=len(omitted))] if omitted else []
    return " ".join([stressed, scope, *omits])


def input_notes(analysis: Analysis, locale: text.Locale) -> list[str]:
    """Return sentences on inputs that the user did not state but that the cost depends on.

    The first sentence says that rates come from comparable schemes; another, that the claims of one claimant
    are decided one by one; further sentences name cost lines that pay nothing for losses above their last
    band, although there are such claims.
    """
    notes, used, table = [], analysis.used_ledger, analysis.claims_costs
    if used and used.id == REFERENCE_LEDGER:
        rates = []
        for entry in used.assumptions:
            if not isinstance(entry, LateClaims):
                value, value_range = value_and_range(entry, locale)
                rates.append(f"{entry.name[locale.lang]} {value} ({value_range})")
        if rates:  # automatic payments use none
            notes.append(locale("report.reference_rates", rates=", ".join(rates)))
    if table is None or not analysis.headline_from_claims:
        return notes
    if analysis.claims is not None:
        again = analysis.exact_tables["claims_claimants"].filter(grain="claimant")["filed_again"].sum()
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


def counted_notes(analysis: Analysis, locale: text.Locale) -> list[str]:
    """Return what the first sentence of every output says about the rows: what they are, and what is missing.

    It is empty if the files or the user state what the rows are, and no claims are still to come.
    """
    late = late_claims_notes(analysis.ledger, analysis.claims_costs, analysis.as_of, locale)
    notes, last = [*_rows_note(analysis, locale), *late], open_until(analysis)
    if last is not None:
        days = {"day": locale.day(analysis.as_of), "deadline": locale.day(last)}
        notes.append(locale("report.open_intake", **days))
        if analysis.no_late_claims:
            notes.append(locale("report.late_refused", reason=locale.note(analysis.no_late_claims)))
    return notes


def _rows_note(analysis: Analysis, locale: text.Locale) -> list[str]:
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
    expected = locale.money(costs.simulation.expected_estimate(if_filed, "cash").value)
    count = locale.number(analysis.cubes.get("cost", cubes[0]).claims)
    source = locale("report.rows_rates") if analysis.has_rule_based_rates else ""
    return [locale("report.rows_unstated", expected=expected, count=count, share=share, source=source)]


def share_to_be_filed(incident: Incident, entries: Iterable[Assumption], locale: text.Locale) -> str:
    """Return the expected filing share as text, if rows count as complaints only for lack of a statement.

    It is empty if the files or the user state what the rows are, or if nobody has to file.
    """
    if incident.rows or incident.decision:
        return ""
    shares = sorted(x.range.expected or 0.0 for x in entries if x.kind == "filing_share")
    return "–".join(dict.fromkeys(map(locale.share, shares[:1] + shares[-1:])))


def rows_are_complaints(
    incident: Incident, ledger: Ledger | None, cubes: Collection[Cube], locale: text.Locale
) -> list[str]:
    """Return the sentence that rows count as complaints; [] if this is stated, or no claims are counted."""
    entries = ledger.assumptions if ledger and cubes else ()
    share = share_to_be_filed(incident, entries, locale)
    return [locale("report.rows_complaints", share=share)] if share else []


def open_until(analysis: Analysis) -> date | None:
    """Return the last day to claim if the cost counts only the claims filed so far; otherwise None.

    It counts only those if a line with an expected cash still takes claims after the day of the analysis, and
    neither a forecast nor the ledger says how many come in the end.
    """
    run, ledger = analysis.headline_run, analysis.known_ledger
    counted = run.portfolio.counted("cash") if run else ()
    still_open = open_lines((analysis.policy,), analysis.incident, ledger, analysis.as_of)
    return max((last for last, ids in still_open.items() if not set(counted).isdisjoint(ids)), default=None)


def unstated_notes(analysis: Analysis, locale: text.Locale, *, first_screen: bool = False) -> list[str]:
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
        for row in costs.expected.unstated_losses(table).iter_rows(named=True)
    ]


def refuse_no_cash(question: str) -> NoReturn:
    """Raise ModelRefused for a question about cash, because no line has an expected cash cost.

    An error is better than a result that silently leaves out the answer.
    """
    remedy = "Give a ledger with the inputs that the policy needs, or leave that question out."
    raise ModelRefused(
        f"no line has an expected cost in cash, so nothing is known of {question}", remedy=remedy
    )
