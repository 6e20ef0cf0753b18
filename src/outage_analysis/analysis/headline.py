"""The answer of an analysis in sentences: how much, how sure, and what the figure does not include.

The mean comes first, because means of costs add up and a few large awards make up most of it; the amount that
one outcome in ten exceeds and the median follow, because half of the outcomes are far below the mean.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from outage_analysis.analysis.reserve import reserve_note
from outage_analysis.analysis.summary import MAX_NAMED_LINES, counted_notes
from outage_analysis.assumptions import FloatArray
from outage_analysis.costs import Estimate, quantile_place, replicate_mean, rounded_estimate
from outage_analysis.text import LikelyRange, Locale, capitalized, short_names

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


def headline_sentences(analysis: Analysis, locale: Locale) -> tuple[str, ...]:
    """Return the cash with its scope, mean, range and median, and what the figure does not include.

    It is empty without an expected cash or without a simulation.
    """
    points, likely = _quantiles(analysis, "cash"), analysis.likely_range
    if not {"expected", "p50", likely.low, likely.high} <= set(points):
        return ()
    certain = points[likely.low] == points[likely.high] == points["expected"]
    first = locale(
        "report.answer_certain" if certain else "report.answer_cash",
        scope=_scope(analysis, locale),
        mean=locale.money(points["expected"]),
        often=locale.one_in(1 - likely.upper),
        high=locale.money(points[likely.high]),
        median=locale.money(points["p50"]),
        low=locale.money(points[likely.low]),
    )
    if analysis.compared is not None:
        first = f"{first} {locale('report.answer_options', count=len(analysis.tables['comparison']))}"
    beside = _if_all_are_paid(analysis, locale)
    if not certain:
        stressed = locale.money(points["stressed"])
        beside.append(locale("report.answer_together", often=locale.one_in(1 - likely.upper), high=stressed))
    budget = analysis.uncertainty_table(analysis.headline_basis, "budget")
    over_budget = [
        locale(
            "report.answer_budget",
            budget=locale.money_in_full(row["budget"]),
            chance=locale.share(row["exceeded"]),
            together=locale.share(row["stressed"]),
        )
        for row in (() if budget is None else budget.iter_rows(named=True))
    ]
    return (
        " ".join([*counted_notes(analysis, locale), first]),
        *over_budget,
        *parts_left_out(analysis, locale),
        *beside,
    )


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


def _scope(analysis: Analysis, locale: Locale) -> str:
    costs = analysis.tables["costs" if analysis.headline_basis == "published" else "claims_costs"]
    rows = costs.filter(pl.col("expected").is_not_null(), level="line", valuation="cash")
    lines, names = rows["line"].to_list(), analysis.names(locale.lang)
    if len(lines) <= MAX_NAMED_LINES:
        return ", ".join(short_names([names.get(line, line) for line in lines]))
    return locale("report.answer_lines", count=len(lines))


def _if_all_are_paid(analysis: Analysis, locale: Locale) -> list[str]:
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
    return [locale("report.answer_all_claims", most=locale.money(total["most"]))]


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
    return analysis.tables["costs"].filter(basis="published", level="line", rule="schedule", status="ok")


def counted_schedule(analysis: Analysis) -> Schedule | None:
    """Return the first payment schedule (payments by loss band) whose number of reports is published.

    Return None if the policy has no such schedule.
    """
    rows = _schedule_rows(analysis)
    return analysis.policy.schedule(rows["line"][0]) if len(rows) else None


def parts_left_out(analysis: Analysis, locale: Locale) -> list[str]:
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


def driver_sentences(analysis: Analysis, locale: Locale) -> list[str]:
    """Return a sentence for each of the inputs that move the expected cash most."""
    names = analysis.names(locale.lang)
    moved = analysis.tables["tornado"].filter(valuation="cash")
    return [
        locale(
            "report.drives_next" if place else "report.drives_text",
            plain=capitalized(locale(f"plain.{row['kind']}")),
            name=names.get(row["assumption"], row["assumption"]).split(":")[0],
            low=locale.money(row["cost_low"]),
            high=locale.money(row["cost_high"]),
        )
        for place, row in enumerate(moved.head(MAX_DRIVERS).iter_rows(named=True))
    ]


def reserve_column(analysis: Analysis) -> str:
    """Return the column of the reserve with the amount to set aside: cash and handling are both money."""
    table = analysis.tables.get("reserve")
    return "cash" if table is None or not table["both"].count() else "both"


def recommendation(analysis: Analysis, locale: Locale) -> list[str]:
    """Say what to set aside, what to keep available and what to decide first; [] without a reserve."""
    table, column = analysis.tables.get("reserve"), reserve_column(analysis)
    if table is None:
        return []
    amounts = dict(table.select("measure", column).iter_rows())
    mean, high = amounts["mean"], amounts["p90"]
    key = f"report.recommend_{column if high > mean else 'mean'}"
    further = locale.money(max(0.0, high - mean))
    often = locale.one_in(0.1)
    told = [locale(key, mean=locale.money(mean), further=further, high=locale.money(high), often=often)]
    note = reserve_note(table, locale, column)
    steps = analysis.tables.get("steps", pl.DataFrame())
    total = 0.0 if steps.is_empty() else steps["expected"].sum()
    if total:
        largest = steps.sort("expected", descending=True, maintain_order=True).row(0, named=True)
        share = largest["expected"] / total
        if largest["rule"] == "review" and share >= DECISIVE:
            band = locale.band_with_unit(largest["over"], largest["up_to"])
            figures = {"band": band, "share": locale.share(locale.rounded(share))}
            told.append(locale("report.recommend_review", **figures))
    return [*told, *([note] if note else [])]


def narrowing_sentence(analysis: Analysis, locale: Locale) -> tuple[str, ...]:
    """Return a sentence on the input that would, if it were known exactly, make the likely range narrowest.

    Nobody knows beforehand what the input will turn out to be, so the width is averaged over its values: for
    some of them, the range is wider than today's. An input is named as narrowing the range if the range would
    be narrower by a tenth, and by more than the numerical error. The result is empty if the cash was not
    simulated or nothing is uncertain.
    """
    run, ranked = analysis.headline_run, analysis.tables["tornado"].filter(valuation="cash")
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
            error=locale.money(width.error),
            now=locale.money(now.value),
        ),
    )


def _width(totals: FloatArray, likely: LikelyRange, known: FloatArray | None = None) -> Estimate:
    def mean_width(rows: slice) -> float:
        amounts, parts = totals[rows].ravel(), 1
        if known is not None:
            amounts, parts = amounts[np.argsort(known[rows], axis=None, kind="stable")], ANSWERS
        size = len(amounts) // parts
        answers = np.sort(amounts[: parts * size].reshape(parts, size), axis=1)
        low, high = (answers[:, quantile_place(p, size)] for p in (likely.lower, likely.upper))
        return float((high - low).mean())

    each = len(totals) // BATCHES
    batches = [mean_width(slice(n * each, (n + 1) * each)) for n in range(BATCHES)]
    return Estimate(mean_width(slice(None)), replicate_mean(np.array(batches)).error)
