"""The first screen: how much, how sure, what drives it, what to decide, why it differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from outage_analysis.costs import COUNTED
from outage_analysis.labels import Words
from outage_analysis.pipeline import Analysis
from outage_analysis.policies import Schedule
from outage_analysis.published import figure


@dataclass(frozen=True)
class Tile:
    """One figure with its name and what it means."""

    title: str
    figure: str
    note: str
    synthetic: bool = False


def tiles(analysis: Analysis, words: Words) -> list[Tile]:
    """The figures of the first screen, in reading order."""
    published = [_expected, _promised, _profit, _free]
    # Where no line cites a published count there is no headline: the claims given come first.
    counted = any(line.published_count for line in analysis.policy.schedules)
    order = [*published, _claims] if counted else [_claims, *published[1:]]
    return [tile for make in order if (tile := make(analysis, words)) is not None]


def _expected(analysis: Analysis, w: Words) -> Tile | None:
    total = analysis.total("published")
    title = w("report.tile_expected")
    if total is None or total["expected"] is None:
        return Tile(title, "–", w("report.no_headline"))
    low = w.money(total["low"] or 0.0)
    note = (
        w("report.tile_expected_unbounded", low=low)
        if total["high"] is None
        else w("report.tile_expected_note", low=low, high=w.money(total["high"]))
    )
    return Tile(title, w.money(total["expected"]), note)


def _promised(analysis: Analysis, w: Words) -> Tile | None:
    rows = analysis.tables["costs"].filter(basis="published", level="line", rule="schedule", status="ok")
    if rows.is_empty():
        return None
    row = rows.row(0, named=True)
    line = analysis.policy.line(row["line"])
    if not isinstance(line, Schedule):
        return None
    ends = [line.tariff.extremes(band) for band, rule in line.positive if rule.pays]
    tops = [float(most) for _, most in ends if most is not None]
    if not ends or len(tops) < len(ends):
        return None
    low, high = row["count"] * float(min(least for least, _ in ends)), row["count"] * max(tops)
    note = w("report.tile_promised_note", count=w.number(row["count"]))
    if any(rule.review for _, rule in line.positive):
        note += " " + w("report.tile_promised_review")
    return Tile(w("report.tile_promised"), w.money_range(low, high), note)


def _profit(analysis: Analysis, w: Words) -> Tile | None:
    total, fact = analysis.total("published"), analysis.incident.quarter_profit
    if not fact or total is None or total["expected"] is None:
        return None
    profit = figure(fact)
    if profit.public_on is None or profit.public_on > analysis.as_of:
        return None
    share = w.share(w.rounded(total["expected"] / profit.number))
    note = w("report.tile_profit_note", profit=w.money(profit.number), fact=fact)
    return Tile(w("report.tile_profit"), share, note)


def _free(analysis: Analysis, w: Words) -> Tile | None:
    total = analysis.total("published", "face_value")
    if total is None or total["expected"] is None:
        return None
    return Tile(w("report.tile_free"), w.money(total["expected"]), free_note(analysis, w))


def free_note(analysis: Analysis, w: Words) -> str:
    """What the expected take-up of free goods is out of: the goods that have one."""
    goods = analysis.tables["costs"].filter(
        pl.col("expected").is_not_null(), level="line", valuation="face_value"
    )
    return w("report.tile_free_note", promised=w.money(float(goods["promised"].sum())))


def _claims(analysis: Analysis, w: Words) -> Tile | None:
    total = analysis.total("claims") or analysis.total("synthetic")
    if total is None:
        return None
    line = analysis.tables["claims_costs"].filter(level="line")
    bounds = line.select(pl.col("low", "high").sum()).row(0)
    high = None if line["high"].null_count() else bounds[1]
    values = {
        "count": w.number(sum(c.claims for n, c in analysis.cubes.items() if n == "cost")),
        "low": w.money(bounds[0]),
    }
    if total["expected"] is None:
        shown = "–" if high is None else w.money(high)
        lacking = " ".join(line["missing"].fill_null("")).split()
        missing = ", ".join(w(f"word.{name}") for name in dict.fromkeys(lacking))
        note = w("report.tile_claims_none", missing=missing, high=shown, **values)
    elif high is None:
        note = w("report.tile_claims_open", **values)
    else:
        note = w("report.tile_claims_note", high=w.money(high), **values)
    amount = "–" if total["expected"] is None else w.money(total["expected"])
    return Tile(w("report.tile_claims"), amount, note, synthetic=analysis.synthetic)


def sentences(analysis: Analysis, words: Words, names: Mapping[str, str]) -> dict[str, list[str]]:
    """What drives the cost, what to decide, what is left out."""
    w = words
    said: dict[str, list[str]] = {"drives": [], "decide": [], "left_out": []}
    drivers, levers = analysis.tables["drivers"], analysis.tables["levers"]
    if not drivers.is_empty():
        top = drivers.row(0, named=True)
        name = names.get(top["assumption"], top["assumption"]).split(":")[0]
        said["drives"].append(
            w("report.drives_text", name=name, low=w.money(top["cost_low"]), high=w.money(top["cost_high"]))
        )
    for lever in levers.iter_rows(named=True):
        added = w.money(lever["adds"])
        if lever["lever"] == "award":
            said["decide"].append(w("report.decide_award", step=w.money(lever["step"]), award=added))
        else:
            said["decide"].append(w("report.decide_filing", filing=added))
    promises = analysis.tables["costs"].filter(level="line")
    bounded = promises.filter(COUNTED, pl.col("expected").is_null(), valuation="cash")["line"]
    if len(bounded):
        said["left_out"].append(w("report.not_counted", lines=", ".join(names.get(x, x) for x in bounded)))
    silent = promises.filter(~COUNTED)["line"].n_unique()
    if silent:
        said["left_out"].append(w("report.no_figure", count=silent))
    if analysis.dropped_lines:
        lines = ", ".join(names.get(x, x) for x in analysis.dropped_lines)
        said["left_out"].append(w("report.dropped", lines=lines))
    return said
