"""The first screen: how much, how sure, what drives it, what to decide, why it differs."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from outage_analysis.analysis import MAX_NAMED_LINES, Analysis, budget_scope
from outage_analysis.costs import UNSTATED
from outage_analysis.incidents import figure
from outage_analysis.policies import Schedule
from outage_analysis.reports.blocks import Answers, Tile
from outage_analysis.text import Locale

MOST_DRIVERS = 3
"""Inputs that the first screen names."""


def tiles(analysis: Analysis, words: Locale) -> list[Tile]:
    """The figures of the first screen, in reading order."""
    published = [_expected, _budget, _promised, _profit, _free]
    # Where nothing published gives cash, nor any line cites a count, the claims given come first.
    cited = any(line.published_count for line in analysis.policy.schedules)
    counted = cited or analysis.expected_cash() is not None
    order = [*published, _claims] if counted else [_claims, *published[1:]]
    return [tile for make in order if (tile := make(analysis, words)) is not None]


def _expected(analysis: Analysis, locale: Locale) -> Tile | None:
    total, expected = analysis.totals_row("published"), analysis.expected_cash()
    title = locale("report.tile_expected")
    if total is None or expected is None:
        return Tile(title, "–", locale("report.no_headline"))
    # Inputs that depend on each other can carry the mean beyond the ends of independent ones.
    low, high = min(total["low"] or 0.0, expected), total["high"] and max(total["high"], expected)
    ends = {"low": locale.money(low), "total": _most(total["most"], locale)}
    bounds = (
        locale("report.tile_expected_unbounded", **ends)
        if high is None
        else locale("report.tile_expected_note", high=locale.money(high), **ends)
    )
    likely = _likely(analysis, locale, "published")
    return Tile(title, locale.money(expected), f"{likely}{_scope(analysis, locale)}{bounds}", likely=likely)


def _most(most: float | None, locale: Locale) -> str:
    """What bounds the total itself."""
    return (
        locale("report.total_open") if most is None else locale("report.total_most", most=locale.money(most))
    )


def _scope(analysis: Analysis, locale: Locale) -> str:
    """Which lines the expected cash counts, where they are so few that it would be taken for more."""
    rows = analysis.tables["costs"].filter(basis="published", level="line", valuation="cash")
    counted = rows.filter(pl.col("expected").is_not_null())["line"].to_list()
    names = analysis.names(locale.lang)
    if not 0 < len(counted) <= MAX_NAMED_LINES:
        return ""
    return locale("report.tile_scope", lines=", ".join(names.get(x, x) for x in counted)) + " "


def _likely(analysis: Analysis, locale: Locale, basis: str) -> str:
    """How unsure the expected cash is."""
    likely = analysis.likely_cash(basis)
    if likely is None:
        return ""
    low, high = map(locale.money, likely)
    return locale("report.tile_likely", low=low, high=high) + " "


def _budget(analysis: Analysis, locale: Locale) -> Tile | None:
    basis = next((b for b in analysis.runs if analysis.uncertainty_table(b, "budget") is not None), "")
    table = analysis.uncertainty_table(basis, "budget")
    if table is None:
        return None
    row = table.row(0, named=True)
    title = locale("report.tile_budget", budget=locale.stated(row["budget"]))
    error = locale("report.tile_budget_error", error=locale.number(locale.rounded(100 * row["error"], 1)))
    note = f"{budget_scope(analysis, basis, locale)} {error}"
    return Tile(title, locale.share(row["exceeded"]), note, synthetic=basis == "synthetic")


def promised_range(analysis: Analysis) -> tuple[float, float, float] | None:
    """What is promised if everyone who reported is paid: the count, at the cheapest and the dearest tier."""
    line = _counted_schedule(analysis)
    if line is None:
        return None
    ends = [line.tariff.extremes(band) for band, rule in line.positive if rule.pays]
    tops = [float(most) for _, most in ends if most is not None]
    if not ends or len(tops) < len(ends):
        return None
    count = float(_schedule_rows(analysis)["count"][0])
    return count, count * float(min(least for least, _ in ends)), count * max(tops)


def _schedule_rows(analysis: Analysis) -> pl.DataFrame:
    return analysis.tables["costs"].filter(basis="published", level="line", rule="schedule", status="ok")


def _counted_schedule(analysis: Analysis) -> Schedule | None:
    """The first schedule with a published count."""
    rows = _schedule_rows(analysis)
    line = analysis.policy.line(rows["line"][0]) if len(rows) else None
    return line if isinstance(line, Schedule) else None


def _promised(analysis: Analysis, locale: Locale) -> Tile | None:
    found, line = promised_range(analysis), _counted_schedule(analysis)
    if found is None or line is None:
        return None
    count, low, high = found
    several = "report.tile_promised_note" if low < high else "report.tile_promised_one"
    note, title = locale(several, count=locale.number(count)), "report.tile_promised"
    if any(rule.review for _, rule in line.positive):
        note, title = f"{note} {locale('report.tile_promised_review')}", "report.tile_promised_tiers"
    return Tile(locale(title), locale.money_range(low, high), note)


def quarter_profit(analysis: Analysis) -> float | None:
    """A quarter's operating profit in the smallest unit, where it was public by the day."""
    fact = analysis.incident.quarter_profit
    profit = figure(fact) if fact else None
    if profit is None or profit.public_on is None or profit.public_on > analysis.as_of:
        return None
    return float(profit.number * 10**analysis.incident.minor_units)


def _profit(analysis: Analysis, locale: Locale) -> Tile | None:
    basis = analysis.headline_basis or "published"
    cash, profit = analysis.expected_cash(basis), quarter_profit(analysis)
    if cash is None or profit is None:
        return None
    note = locale(
        "report.tile_profit_note", profit=locale.money(profit), fact=analysis.incident.quarter_profit
    )
    promised = promised_range(analysis)
    if promised is not None:
        ends = dict.fromkeys(locale.share(locale.rounded(end / profit)) for end in promised[1:])
        note += " " + locale("report.tile_profit_promised", share=" – ".join(ends))
    made_up = basis == "synthetic"
    return Tile(
        locale("report.tile_profit"), locale.share(locale.rounded(cash / profit)), note, synthetic=made_up
    )


def _free(analysis: Analysis, locale: Locale) -> Tile | None:
    total = analysis.totals_row("published", "face_value")
    if total is None or total["expected"] is None:
        return None
    return Tile(locale("report.tile_free"), locale.money(total["expected"]), free_note(analysis, locale))


def free_note(analysis: Analysis, locale: Locale) -> str:
    """What the expected take-up of free goods is out of: the goods that have one."""
    goods = analysis.tables["costs"].filter(
        pl.col("expected").is_not_null(), level="line", valuation="face_value"
    )
    if goods["promised"].null_count():  # of some it is known what they came to, not what was promised
        return locale("report.tile_free_known", count=locale.number(goods["promised"].null_count()))
    return locale("report.tile_free_note", promised=locale.money(float(goods["promised"].sum())))


def _claims(analysis: Analysis, locale: Locale) -> Tile | None:
    total = analysis.totals_row("claims") or analysis.totals_row("synthetic")
    if total is None:
        return None
    line, high = analysis.tables["claims_costs"].filter(level="line"), total["high"]
    values = {
        "count": locale.number(sum(c.claims for n, c in analysis.cubes.items() if n == "cost")),
        "low": locale.money(total["low"] or 0.0),
        "total": _most(total["most"], locale),
    }
    if total["expected"] is None:
        note = _no_estimate(line, locale, high="–" if high is None else locale.money(high), **values)
    elif high is None:
        note = locale("report.tile_claims_open", **values)
    else:
        told = "report.tile_claims_made" if analysis.synthetic else "report.tile_claims_note"
        note = _likely(analysis, locale, str(line["basis"][0])) + locale(
            told, high=locale.money(high), **values
        )
    basis = str(line["basis"][0])
    expected = analysis.expected_cash(basis)
    amount = "–" if expected is None else locale.money(expected)
    likely = _likely(analysis, locale, basis)
    likely = likely if note.startswith(likely) else ""
    return Tile(locale("report.tile_claims"), amount, note, synthetic=analysis.synthetic, likely=likely)


def _no_estimate(lines: pl.DataFrame, locale: Locale, **values: str) -> str:
    """Why the claims give no expected cost: unstated losses, what the ledger lacks, or their bands."""
    if UNSTATED in lines["status"]:
        return locale("report.tile_claims_unstated", **values)
    lacking = dict.fromkeys(" ".join(lines["missing"].fill_null("")).split())
    if not lacking:
        return locale("report.tile_claims_bands", **values)
    return locale(
        "report.tile_claims_none", missing=", ".join(locale(f"word.{name}") for name in lacking), **values
    )


def sentences(analysis: Analysis, words: Locale, names: Mapping[str, str]) -> Answers:
    """What drives the cost, what to decide, what is left out."""
    locale = words
    said: dict[str, list[str]] = {"drives": _drives(analysis, locale, names), "decide": [], "left_out": []}
    if analysis.compared is not None:
        said["decide"].append(analysis.compared.sentence(locale))
    said["decide"] += _choices(analysis.tables["levers"], locale, names)
    bounded = "not_counted_claims" if analysis.headline_from_claims else "not_counted"
    for key, ids in ((bounded, analysis.bounded_lines), ("lines_apart", analysis.published_lines_left_out)):
        if ids:
            said["left_out"].append(locale(f"report.{key}", lines=", ".join(names.get(x, x) for x in ids)))
    said["left_out"] += analysis.unstated_notes(locale, first_screen=True)
    said["left_out"] += _beside(analysis, locale) + _later(analysis, locale)
    if any(run.portfolio.tied("cash") for run in analysis.runs.values()):
        said["left_out"].append(locale("report.tied"))
    if silent := analysis.unpriced_lines:
        said["left_out"].append(locale("report.no_figure", count=len(silent)))
    if analysis.dropped_lines:
        lines = ", ".join(names.get(x, x) for x in analysis.dropped_lines)
        said["left_out"].append(locale("report.dropped", lines=lines))
    if uncounted := analysis.lines_outside_budget:
        lines = ", ".join(names.get(x, x) for x in uncounted)
        said["left_out"].append(locale("report.budget_left_out", lines=lines))
    return Answers(**{key: tuple(texts) for key, texts in said.items()})


def _choices(levers: pl.DataFrame, locale: Locale, names: Mapping[str, str]) -> list[str]:
    """What one step of each choice adds; of which line, where there are several."""
    several = levers["line"].n_unique() > 1
    return [
        locale(
            f"report.decide_{row['lever']}",
            line=locale("report.of_line", line=names.get(row["line"], row["line"])) if several else "",
            step=locale.money(row["step"]) if row["lever"] == "award" else "",
            adds=locale.money(row["adds"]),
        )
        for row in levers.iter_rows(named=True)
    ]


def _drives(analysis: Analysis, locale: Locale, names: Mapping[str, str]) -> list[str]:
    """The input that moves the cash most, and those after it."""
    moved = analysis.tables["tornado"].filter(valuation="cash")
    told = [
        {
            "name": names.get(row["assumption"], row["assumption"]).split(":")[0],
            "low": locale.money(row["cost_low"]),
            "high": locale.money(row["cost_high"]),
        }
        for row in moved.head(MOST_DRIVERS).iter_rows(named=True)
    ]
    if not told:
        return []
    after = "; ".join(locale("report.drives_one", **row) for row in told[1:])
    said = [locale("report.drives_text", **told[0])]
    return [*said, locale("report.drives_next", names=after)] if after else said


def _later(analysis: Analysis, locale: Locale) -> list[str]:
    """Claims that had not been filed by the day."""
    if analysis.claims is None or "cost" not in analysis.cubes:
        return []
    later = len(analysis.claims) - analysis.cubes["cost"].claims
    if not later:
        return []
    # How many rows our generator dated later follows from a count that was published later.
    key = "report.later_rows" if analysis.synthetic else "report.later_claims"
    return [locale(key, count=locale.number(later), day=locale.day(analysis.as_of))]


def _beside(analysis: Analysis, locale: Locale) -> list[str]:
    """What stands beside the cash: lines without detail, and how much of both the others explain."""
    whole, work = (analysis.totals_row("published", v) for v in ("top_down", "handling"))
    said = []
    if whole and whole["expected"]:
        counted = analysis.expected_cash() or 0.0
        said.append(
            locale(
                "report.top_down",
                expected=locale.money(whole["expected"]),
                announced=locale.money(whole["promised"] or 0.0),
                share=locale.share(locale.rounded(counted / (counted + whole["expected"]))),
            )
        )
    if work and work["expected"]:
        said.append(locale("report.handling", expected=locale.money(work["expected"])))
    return said
