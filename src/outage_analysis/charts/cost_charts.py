"""Charts of what policies cost: funnel and waterfall; the frontier of what claimants get against the cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts import theme
from outage_analysis.charts.chart_output import finish_chart
from outage_analysis.text import Locale, capitalized

FEW = alt.Axis(tickCount=5, format=",.6~g")
LABEL_WIDTH = 90
"""Width in pixels of the label at the end of a bar of the waterfall."""
MAX_ROWS = 12
"""Largest number of rows in a waterfall, a tornado, a back-test or a comparison of policies."""
STEP_KEYS = ("line", "service", "over", "up_to", "rule")
MIN_POINTS = 2
"""Fewer points show no frontier."""
ROOM = 0.06
"""The share of the range of values that an axis extends beyond the points."""
HEIGHT = 360
BELOW, ABOVE = 15, -13
"""The vertical shift of labels, in pixels: the label of the chosen policy is above the line."""
LABELS_LEFT_FROM = 0.6
"""Labels of points beyond this share of the largest cost are to the left of the point."""
BENEFIT_DIGITS = 3
"""Significant digits of an amount that people get."""
CHOSEN = ("solution", "nearest")
"""The roles of the policy that the search chose."""


def funnel(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw a bar chart of the expected number of claims at each stage, from reports to payments.

    A thin line below each bar spans the lower and upper bound of the number. If several cost lines have
    stages, each label starts with the name of its cost line.
    """
    locale = context.locale
    rows = table.filter(pl.col("expected").is_not_null().all().over("line"))
    if rows.is_empty():
        raise theme.NothingToDraw
    several, claimed = rows["line"].n_unique() > 1, "claimed" in rows["stage"]
    stages = [theme.wrap_name(locale(f"word.{s}")) for s in rows["stage"]]
    if several:
        lines = [theme.wrap_name(context.name(line)) for line in rows["line"]]
        stages = [f"{line}\n{stage}" for line, stage in zip(lines, stages, strict=True)]
    labels = [
        locale.number(v if v.is_integer() else round(locale.rounded(v))) for v in rows["expected"].to_list()
    ]
    data = rows.with_columns(stage=pl.Series(stages), label=pl.Series(labels))
    scale = alt.Scale(
        domain=[0, max(v for c in ("expected", "high") for v in rows[c] if v is not None) * 1.2]
    )
    title = locale("column.claims" if claimed else "chart.funnel_x")
    x = alt.X("expected:Q", title=title, scale=scale, axis=FEW)
    y, base = theme.name_axis(stages, "stage"), alt.Chart(data)
    paid = rows.filter(stage="paid").sort("expected", descending=True, maintain_order=True)
    line = (paid if len(paid) else rows)["line"][0]
    by_stage = dict(rows.filter(line=line).select("stage", "expected").rows())
    counts = list(by_stage.values())
    finding = locale(
        "chart.funnel_claims_title" if claimed and "claimed" in by_stage else "chart.funnel_chart_title",
        paid=locale.number(round(locale.rounded(by_stage.get("paid", counts[-1])))),
        reported=locale.number(by_stage.get("reported", counts[0])),
        line=locale("report.of_line", line=context.name(line)) if several else "",
    )
    spans = base.mark_rule(color=theme.INK, strokeWidth=1.2, yOffset=13)  # below the bar
    texts = base.mark_text(align="left", dx=6, dy=-15, fontWeight=600)
    return finish_chart(
        alt.layer(
            base.mark_bar(size=18).encode(x, y),
            spans.encode(alt.X("low:Q", scale=scale), alt.X2("high:Q"), y),
            texts.encode(x, y, text=alt.Text("label:N")),
        ),
        context,
        "funnel",
        finding=finding,
        height=(theme.ROW + (24 if several else 14)) * len(data),
    )


def waterfall(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw a waterfall chart of the parts that add up to the expected cash cost.

    Each bar starts where the previous bar ends. The shares add up to 100 %.
    """
    locale = context.locale
    if len(table) < 2:  # noqa: PLR2004 - a sum needs two bars
        raise theme.NothingToDraw
    rows = waterfall_bars(table)
    parts, total = list(rows.iter_rows(named=True)), float(rows["expected"].sum())
    names = [_step_name(part, context) for part in parts]
    shares = [f"{part['percent']}%" if part["percent"] else "<1%" for part in parts]
    costs = [
        f"{theme.short_amount(locale, r['expected'])} ({share})"
        for r, share in zip(parts, shares, strict=True)
    ]
    data = pl.DataFrame(
        {
            "name": [*names, locale("chart.waterfall_sum")],
            "start": [*rows["start"], 0.0],
            "end": [*rows["end"], total],
            "label": [*costs, f"{theme.short_amount(locale, total)} (100%)"],
            "sum": [*([False] * len(names)), True],
        }
    )
    # Room for the labels at every width of the chart.
    room = alt.ExprRef(f"{total!r} * width / max(width - {LABEL_WIDTH}, 1)")
    x = theme.money_axis("start", locale, "chart.waterfall_x", 0.0, total * 1.1)
    x = x.scale(domainMin=0, domainMax=room, nice=False)
    y, base = theme.name_axis(data["name"].to_list()), alt.Chart(data)
    # The merged small parts, which come last, do not count as the largest part.
    largest = int(rows.filter(joined=1)["expected"].arg_max() or 0)
    colours = [("datum.sum", theme.INK), (alt.datum.name == names[largest], theme.ACCENT)]
    colour = alt.ColorValue(theme.GREY, condition=[{"test": test, "value": value} for test, value in colours])
    bars = base.mark_bar(size=20)
    name = names[largest].replace("\n", " " if parts[largest]["rule"] is None else ", ")
    return finish_chart(
        alt.layer(
            bars.encode(x, alt.X2("end:Q"), y, color=colour),
            base.mark_text(align="left", dx=5).encode(
                theme.axis_for_field(x, "end"), y, text=alt.Text("label:N")
            ),
        ),
        context,
        "waterfall",
        finding=locale("chart.waterfall_finding", name=capitalized(name), share=shares[largest]),
        facts=" ".join(rows["facts"]),
        height=(theme.ROW + 8) * len(data),
    )


def _step_name(part: dict[str, Any], context: theme.ChartContext) -> str:
    locale = context.locale
    if part["joined"] > 1:
        return locale("chart.other_services", count=part["joined"])
    if part["rule"] is not None:
        band, rule = locale.band_with_unit(part["over"], part["up_to"]), locale(f"word.{part['rule']}")
        return f"{band}\n{rule}"
    return theme.wrap_name(context.name(part["line"] or part["service"] or ""))


def waterfall_bars(table: pl.DataFrame, most: int = MAX_ROWS) -> pl.DataFrame:
    """Return the bars of a waterfall chart of the expected cash cost; the smallest parts share one bar.

    Args:
        table: the table `steps` of an analysis: the parts that add up to the expected cash cost.
        most: largest number of bars, not counting the bar of the total.

    Returns:
        One row per bar: `line`, `service`, `over`, `up_to`, `rule`, `joined` (the number of steps merged in
        the bar), `expected`, `start`, `end`, `percent` (of the expected total, whole percents that add up to
        100) and `facts`.
    """
    small = pl.col("expected").rank("ordinal", descending=True) > (most - 1 if len(table) > most else most)
    place = pl.when(small).then(len(table)).otherwise(pl.int_range(pl.len()))
    bars = table.group_by(place.alias("place"), maintain_order=True).agg(
        *(pl.when(pl.len() == 1).then(pl.first(key)).alias(key) for key in STEP_KEYS),
        pl.sum("expected"),
        pl.col("facts").str.join(" "),
        joined=pl.len(),
    )
    bars = bars.sort("place")
    end = pl.col("expected").cum_sum()
    return bars.select(
        *STEP_KEYS,
        "joined",
        "expected",
        start=end - pl.col("expected"),
        end=end,
        percent=pl.Series(whole_percents(bars["expected"].to_list())),
        facts="facts",
    )


def whole_percents(amounts: Sequence[float]) -> list[int]:
    """Return the shares of amounts in whole percents that add up to 100, by largest remainders.

    Example:
        >>> whole_percents([1, 1, 1])
        [34, 33, 33]
    """
    total = math.fsum(amounts)
    exact = [100 * amount / total for amount in amounts]
    down = [math.floor(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda n: (down[n] - exact[n], n))
    for n in by_remainder[: 100 - sum(down)]:
        down[n] += 1
    return down


def frontier(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw the frontier as a line, and the solution, the announced and other policies as named points.

    Args:
        table: one row per point: `policy`, `role`, `at_level`, `benefit`, `objective`, `mark` and `budget`.
        context: language, names and the as-of day.
    """
    if len(table) < MIN_POINTS:
        raise theme.NothingToDraw
    locale = context.locale
    objective, mark, budget = table.select("objective", "mark", "budget").row(0)
    in_percent = objective == "replaced"
    names = [
        context.name(policy) if role == "named" else locale(f"word.{role}")
        for policy, role in table.select("policy", "role").rows()
    ]
    data = table.with_columns(
        shown=pl.col("benefit") / (1 if in_percent else 10**locale.minor_units), label=pl.Series(names)
    )
    costs, shown = [*data["at_level"], *([] if budget is None else [budget])], data["shown"].to_list()
    high, low, best = max(costs), min(shown), max(shown)
    room = (high - min(costs) or high or 1.0) * ROOM
    x = theme.money_axis("at_level", locale, "chart.frontier_x", 0.0, high + 2 * room, mark=mark)
    room = (best - low or best or 1.0) * ROOM
    bottom, top = max(low - room, 0.0), best + room
    ticks = [tick for tick in theme.even_ticks(bottom, top) if bottom <= tick <= top]
    labels = [
        f"{100 * tick:.10g}%" if in_percent else theme.short_number(locale, tick, theme.TICK_DIGITS)
        for tick in ticks
    ]
    y = alt.Y(
        "shown:Q",
        title=locale(f"column.{objective}"),
        scale=alt.Scale(domain=[bottom, top], nice=False),
        axis=theme.labelled_axis(ticks, labels),
    )
    layers = []
    if budget is not None:
        label = locale("chart.frontier_budget", amount=theme.short_amount(locale, budget))
        limit = alt.Chart(pl.DataFrame({"at_level": [float(budget)], "label": [label]}))
        text = limit.mark_text(align="left", dx=5, dy=9)
        layers += [
            limit.mark_rule(strokeDash=[5, 4], color=theme.INK).encode(x),
            text.encode(x, y=alt.YValue(0), text=alt.Text("label:N")),
        ]
    line = alt.Chart(data.drop("label").filter(role="frontier").sort("at_level", "shown"))
    # Policies at the same point share a label; that of the chosen policy is above the line.
    policies = data.filter(pl.col("role") != "frontier").group_by("at_level", "benefit", maintain_order=True)
    named = policies.agg(pl.col("role", "shown").first(), pl.col("label").str.join(" = ")).with_columns(
        chosen=pl.col("role").is_in(CHOSEN), right=pl.col("at_level") > high * LABELS_LEFT_FROM
    )
    points, colour = alt.Chart(named), theme.accent_if("datum.chosen", theme.INK)
    words = points.mark_text(
        align=alt.ExprRef("datum.right ? 'right' : 'left'"),
        dx=alt.ExprRef("datum.right ? -11 : 11"),
        dy=alt.ExprRef(f"datum.chosen ? {ABOVE} : {BELOW}"),
        fontWeight=600,
    )
    dots = points.mark_point(filled=True, size=120, stroke="white", opacity=1)
    layers += [
        line.mark_line(color=theme.LIGHT, strokeWidth=2, interpolate="step-after").encode(x, y),
        line.mark_point(filled=True, color=theme.GREY, size=18, opacity=1).encode(x, y),
        dots.encode(x, y, color=colour),
        words.encode(x, y, text=alt.Text("label:N"), color=colour),
    ]
    return finish_chart(
        alt.layer(*layers),
        context,
        "frontier",
        finding=_finding(table, locale),
        height=HEIGHT,
        mark=mark,
        benefit=locale(f"column.{objective}"),
    )


def _finding(table: pl.DataFrame, locale: Locale) -> str:
    by_role = {row["role"]: row for row in table.iter_rows(named=True)}
    mark, budget = table["mark"][0], table["budget"][0]
    solution, announced = by_role.get("solution"), by_role.get("announced")
    if budget is None:
        return ""
    limit = locale.money(budget)
    if solution is None:
        return locale("chart.frontier_title_none", budget=limit, mark=mark)
    benefit = locale(f"solve.got_{solution['objective']}", value=_value_text(solution, locale))
    if announced is None:
        return locale("chart.frontier_title_solution", budget=limit, benefit=benefit)
    if solution["parameters"] == announced["parameters"]:
        return locale("chart.frontier_title_same", budget=limit, mark=mark)
    value = _value_text(announced, locale)
    return locale("chart.frontier_title", budget=limit, benefit=benefit, announced=value)


def _value_text(row: dict[str, Any], locale: Locale) -> str:
    objective, value = row["objective"], float(row["benefit"])
    if objective == "replaced":
        return locale.share(value)
    return locale.money(value, BENEFIT_DIGITS)
