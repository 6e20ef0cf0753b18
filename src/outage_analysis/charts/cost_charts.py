"""Charts of what policies cost: funnel and waterfall; the frontier of what claimants get against the cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts import theme
from outage_analysis.charts.chart_output import finish_chart
from outage_analysis.text import MEDIAN, LikelyRange, Locale, capitalized, short_names

LABEL_WIDTH = 90
"""Width in pixels of the label at the end of a bar of the waterfall."""
MAX_ROWS = 12
"""Largest number of rows in a waterfall, a tornado, a back-test or a comparison of policies."""
STEP_KEYS = ("line", "service", "over", "up_to", "rule")
MIN_POINTS = 2
"""Fewer points show no frontier."""
ROOM_BEYOND = 1.1
"""The axes of the frontier end at this many times the largest value."""
FRONTIER_HEIGHT = 360
BELOW, ABOVE = 15, -13
"""The vertical shift of labels, in pixels: the label of the chosen policy is above the line."""
LABELS_LEFT_FROM = 0.6
"""Labels of points beyond this share of the largest cost are to the left of the point."""
BENEFIT_DIGITS = 3
"""Significant digits of an amount that people get."""
CHOSEN = ("solution", "nearest")
"""The roles of the policy that the search chose."""
LOW, HIGH = LikelyRange.low_column, LikelyRange.high_column
"""The columns with the ends of the likely range."""
MONEY = ("review_award", "mean_payment", "paid_total", "handling")
FACTORS = ("ultimate", "exposure", "realised_ratio")
"""Kinds of inputs that are multipliers; those in `MONEY` are amounts, all others are shares."""
SMALLEST_POLICY, SMALLEST_SUM = 1e-4, 1e-6
"""A log axis of policies or of sums starts at this fraction of the largest amount, or above."""
ROOM = 1.6
"""A log axis of sums extends beyond the smallest and the largest amount by this factor."""
ARROW = 4.0
"""The arrow of an upper bound starts at the bound divided by this; how far down it reaches is unknown."""
LANES = {"naive": theme.GREY, "forecast": theme.ACCENT, "press": theme.OKABE_ITO[1]}
"""Colours of the rows of one outcome, in display order: the model's forecast is in the middle."""
FARTHEST = 1e4
"""Multiples of the observed value are clipped to between 1/10,000 and 10,000."""
BENCHMARKS = ("naive", "press")
"""Forecasts that the model is compared with: a naive estimate and press reports."""


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
    x = alt.X(
        "expected:Q",
        title=locale("column.claims" if claimed else "chart.funnel_x"),
        scale=scale,
        axis=alt.Axis(tickCount=5, format=",.6~g"),
    )
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
            "name": [*names, locale("report.tile_expected")],
            "start": [*rows["start"], 0.0],
            "end": [*rows["end"], total],
            "label": [*costs, f"{theme.short_amount(locale, total)} (100%)"],
            "sum": [*([False] * len(names)), True],
        }
    )
    # Room for the labels at every width of the chart.
    room = alt.ExprRef(f"{total!r} * width / max(width - {LABEL_WIDTH}, 1)")
    x = theme.money_axis("start", locale, "chart.tornado_x", 0.0, total * 1.1)
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
    names = [
        context.name(policy) if role == "named" else locale(f"word.{role}")
        for policy, role in table.select("policy", "role").rows()
    ]
    data, title = table.with_columns(label=pl.Series(names)), f"column.{objective}"
    high, best = max([*data["at_level"], budget or 0.0]), max(data["benefit"])
    x = theme.money_axis("at_level", locale, "chart.frontier_x", 0.0, high * ROOM_BEYOND, mark=mark)
    y = theme.money_axis("benefit", locale, title, 0.0, best * ROOM_BEYOND, channel=alt.Y)
    if objective == "replaced":
        y = alt.Y(
            "benefit:Q",
            title=locale(title),
            scale=alt.Scale(domain=[0, best * ROOM_BEYOND], nice=False),
            axis=alt.Axis(format="~%"),
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
    line = alt.Chart(data.drop("label").filter(role="frontier").sort("at_level", "benefit"))
    # Policies at the same point share a label; that of the chosen policy is above the line.
    policies = data.filter(pl.col("role") != "frontier").group_by("at_level", "benefit", maintain_order=True)
    named = policies.agg(pl.col("role").first(), pl.col("label").str.join(" = ")).with_columns(
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
        finding=_frontier_finding(table, locale),
        height=FRONTIER_HEIGHT,
        mark=mark,
        benefit=locale(title),
    )


def _frontier_finding(table: pl.DataFrame, locale: Locale) -> str:
    mark, budget = table["mark"][0], table["budget"][0]
    if budget is None:
        return ""
    found = table.filter(role="solution")
    if found.is_empty():
        return locale("chart.frontier_title_none", budget=locale.money(budget), mark=mark)
    objective, value = found["objective"][0], float(found["benefit"][0])
    text = locale.share(value) if objective == "replaced" else locale.money(value, BENEFIT_DIGITS)
    benefit = locale(f"solve.got_{objective}", value=text)
    return locale("chart.frontier_title_found", budget=locale.money(budget), benefit=benefit)


def tornado(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw a tornado chart: one bar per input, the widest bar first.

    A bar extends between the expected cash costs with the input at the lower and the upper end of its likely
    range. The scale starts at 0, as in the charts of the slides and the workbook.
    """
    locale, falls = context.locale, pl.col("cost_high") < pl.col("cost_low")
    low, high, first, last = (pl.col(name) for name in ("cost_low", "cost_high", "input_low", "input_high"))
    rows = table.filter(valuation="cash").head(MAX_ROWS)  # the input with the largest effect comes first
    rows = rows.select(
        "assumption",
        "kind",
        expected="cost_expected",
        left=pl.min_horizontal(low, high),
        right=pl.max_horizontal(low, high),
        input_left=pl.when(falls).then(last).otherwise(first),
        input_right=pl.when(falls).then(first).otherwise(last),
    ).filter(pl.col("right") > 0)
    if rows.is_empty():
        raise theme.NothingToDraw
    names = theme.row_names(rows["assumption"].to_list(), context)
    labels = []
    for row in rows.iter_rows(named=True):
        inputs = [
            _input_label(row["kind"], row[f"input_{side}"], locale) or locale(f"word.{point}")
            for side, point in (("left", LOW), ("right", HIGH))
        ]
        costs = theme.short_span(locale, row["left"], row["right"])
        labels.append(locale("chart.with_range", amount=costs, range=locale.span(*inputs)))
    data = rows.select("left", "right", name=pl.Series(names), label=pl.Series(labels))
    x = theme.money_axis(
        "left", locale, "chart.tornado_x", 0.0, max(*rows["right"], rows["expected"][0]) * 1.05
    )
    y, base = theme.name_axis(names), alt.Chart(data)
    colour = theme.accent_if(alt.datum.name == names[0])
    mean = alt.Chart(rows.select(pl.col("expected").first())).mark_rule(color=theme.INK, strokeDash=[3, 3])
    ends = {end: locale.money(rows[side][0]) for end, side in (("low", "left"), ("high", "right"))}
    return finish_chart(
        alt.layer(
            base.mark_bar(size=16).encode(x, alt.X2("right:Q"), y, color=colour),
            mean.encode(theme.axis_for_field(x, "expected")),
            *theme.labels_at_bars(base, y, "left", -17),
        ),
        context,
        "tornado",
        finding=locale("chart.tornado_title", name=names[0].replace("\n", " "), **ends),
        height=(theme.ROW + 14) * len(data),
    )


def _input_label(kind: str, value: float | None, locale: Locale) -> str:
    if value is None:  # band shares are not one number: show only the percentile
        return ""
    if kind in MONEY:
        return theme.short_amount(locale, value)
    return f"×{value:,.2g}" if kind in FACTORS else locale.share(value)


def comparison(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw one row per policy: likely range, expected cash cost and largest possible total."""
    locale, rows = context.locale, table.filter(pl.col("expected") > 0).sort("expected", "policy")
    rows = rows.head(MAX_ROWS)
    if len(rows) < 2:  # noqa: PLR2004 - a comparison needs two policies
        raise theme.NothingToDraw
    names, columns = theme.row_names(rows["policy"].to_list(), context), (LOW, HIGH, "expected", "most")
    best = int(rows["cheapest"].arg_max() or 0)
    amounts = [v for c in columns for v in rows[c] if v]
    least, most = min(amounts), max(amounts)
    least = max(least, most * SMALLEST_POLICY) / 1.5 if most / least > theme.LOG_AXIS_RATIO else 0.0
    labels = [_with_range(locale, *ends) for ends in rows.select("expected", LOW, HIGH).rows()]
    shown = (pl.col(column).clip(least) for column in columns)
    data = rows.select(*shown, name=pl.Series(names), label=pl.Series(labels))
    label = "chart.comparison_log_x" if least else "chart.comparison_x"
    x = theme.money_axis(LOW, locale, label, least, most * (1.5 if least else 1.1))
    y, base = theme.name_axis(names), alt.Chart(data)
    colour = theme.accent_if(alt.datum.name == names[best])
    name = names[best].replace("\n", " ")
    return finish_chart(
        alt.layer(
            base.mark_rule(strokeWidth=7, strokeCap="round").encode(x, alt.X2(f"{HIGH}:Q"), y, color=colour),
            base.transform_filter("datum.most")
            .mark_point(**theme.DIAMOND)
            .encode(theme.axis_for_field(x, "most"), y),
            base.mark_point(**theme.MEDIAN_DOT, size=80).encode(theme.axis_for_field(x, "expected"), y),
            *theme.labels_at_bars(base, y, LOW, -16),
        ),
        context,
        "comparison",
        finding=locale("chart.comparison_title", name=name, share=locale.share(rows["cheapest"][best])),
        height=(theme.ROW + 28) * len(data),
    )


def backtest(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw the back-test: forecast ranges as multiples of the observed value, on a log axis.

    A dot marks the median of the model's forecast. The naive forecast and the press forecast of the same
    outcome are drawn above and below the model's range.
    """
    locale, rows = context.locale, backtest_ratios(table)
    if rows.is_empty():
        raise theme.NothingToDraw
    heads = rows.filter(part="forecast")
    labels = {}
    for row in heads.iter_rows(named=True):
        money, observed = row["unit"] == locale.currency, row["observed"]
        amount = theme.short_amount(locale, observed) if money else theme.short_number(locale, observed, 3)
        verdict = locale("word.inside" if row["inside"] else "chart.backtest_missed")
        labels[row["outcome"]] = f"{theme.wrap_name(context.name(row['outcome']))}\n{amount} · {verdict}"
    parts = {part: locale(f"chart.backtest_{part}") for part in rows["part"].unique(maintain_order=True)}
    data = rows.select(
        pl.col("low", "middle", "high").clip(1 / FARTHEST, FARTHEST),
        name=pl.col("outcome").replace_strict(labels, return_dtype=pl.String),
        part=pl.col("part").replace_strict(parts, return_dtype=pl.String),
    )
    ends = [*data["low"], *data["high"]]
    low, high = min([*ends, 0.5]) / 1.5, max([*ends, 2]) * 1.5
    multiples = "datum.value < 1 ? '×1/' + format(1 / datum.value, ',.3~g') : '×' + format(datum.value, ',')"
    x = alt.X(
        "low:Q",
        title=locale("chart.backtest_x"),
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=theme.number_axis(locale, theme.log_ticks(low, high)) | {"labelExpr": multiples},
    )
    y = theme.name_axis([*labels.values()])
    lane = alt.YOffset(
        "part:N", sort=[parts[part] for part in LANES if part in parts], scale=alt.Scale(paddingOuter=0.7)
    )
    colours = alt.Scale(domain=[*parts.values()], range=[LANES[part] for part in parts])
    legend = alt.Legend(
        title=None, orient="top", symbolType="stroke", symbolStrokeWidth=5, columns=1, labelLimit=300
    )
    base, one = alt.Chart(data), alt.Chart(pl.DataFrame({"low": [1.0]}))
    happened = alt.TextValue(locale("chart.backtest_happened"))
    spans = base.mark_rule(strokeWidth=6, strokeCap="round")
    colour = alt.Color("part:N", scale=colours, legend=legend)
    dots = base.transform_filter("datum.middle").mark_point(**theme.MEDIAN_DOT, size=70)
    independent = heads.filter("independent")["inside"]
    return finish_chart(
        alt.layer(
            one.mark_rule(color=theme.INK, strokeWidth=1.4).encode(x),
            one.mark_text(dy=-6, fontWeight=600).encode(x, y=alt.YValue(0), text=happened),
            spans.encode(x, alt.X2("high:Q"), y, lane, color=colour),
            dots.encode(theme.axis_for_field(x, "middle"), y, lane),
        ),
        replace(context, source=locale("chart.backtest_source", day=locale.day(context.as_of))),
        "backtest",
        finding=locale("chart.backtest_title", inside=independent.sum(), count=len(independent)),
        height=(theme.ROW + 24) * len(labels),
    )


def headlines(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw press forecasts of the cash cost on a log axis, next to the model's likely range.

    The model's range has a dot at the median and a line at the mean. A forecast that gives only an upper
    bound is an arrow. Forecasts are named after their publishers.
    """
    locale, published = context.locale, pl.col("fact") != ""
    ours = table.filter(~published)
    # Published amounts are in whole currency, ours are in the smallest unit.
    theirs = table.filter(published, pl.col("line") != "", pl.col("high").is_not_null()).with_columns(
        pl.col("low", "high") * 10**locale.minor_units
    )
    unknown = ours["expected"].null_count() or ours["high"].null_count()
    if ours.is_empty() or unknown or theirs["low"].is_null().all():
        raise theme.NothingToDraw
    rows = pl.concat([ours, theirs])
    least, most = _log_ends([x for c in ("low", "expected", "high") for x in rows[c] if x])
    model, publishers = locale("chart.headlines_ours"), publisher_names(theirs["fact"].to_list(), context)
    models = [model] if len(ours) == 1 else [f"{model}: {context.name(line)}" for line in ours["line"]]
    labels = []
    for low, median, high, mean in rows.select("low", "p50", "high", "expected").rows():
        if low is None:
            label = locale("explain.limit", amount=theme.short_amount(locale, high))
        else:
            span = theme.short_span(locale, low, high)
            label = span if median is None else _with_range(locale, median, low, high)
        if low is not None and mean is not None:
            label += f", {locale('chart.mark_expected', amount=theme.short_amount(locale, mean))}"
        labels.append(label)
    data = rows.select(
        name=pl.Series([theme.wrap_name(name) for name in (*models, *publishers)]),
        low=pl.coalesce("low", pl.col("high") / ARROW).clip(least),
        high="high",
        ours=~published,
        bound=pl.col("low").is_null(),
        middle=pl.col("p50").clip(least),
        mean="expected",
        label=pl.Series(labels),
    )
    x = theme.money_axis("low", locale, "chart.comparison_log_x", least, most)
    high, y, base = theme.axis_for_field(x, "high"), theme.name_axis(data["name"].to_list()), alt.Chart(data)
    bounds, own = base.transform_filter("datum.bound"), base.transform_filter("datum.ours")
    ranges = base.transform_filter("!datum.bound").mark_rule(strokeWidth=6)
    head = bounds.mark_point(shape="triangle-left", filled=True, size=80, color=theme.GREY, opacity=1)
    stop = bounds.mark_tick(thickness=3, size=14, color=theme.GREY, orient="vertical")
    mean = own.mark_tick(thickness=2.5, size=20, color=theme.INK, orient="vertical")
    median = own.transform_filter("datum.middle").mark_point(**theme.MEDIAN_DOT, size=110)
    means = dict(ours.select("line", "expected").rows())
    ratios = [
        (low / means[line], name)
        for (low, line), name in zip(theirs.select("low", "line").rows(), publishers, strict=True)
        if low is not None and means.get(line)
    ]
    finding = ""
    if ratios:
        ratio, name = min(ratios)
        finding = locale("chart.headlines_title", name=name, times=locale.number(locale.rounded(ratio)))
    return finish_chart(
        alt.layer(
            ranges.encode(x, alt.X2("high:Q"), y, color=theme.accent_if("datum.ours")),
            bounds.mark_rule(strokeWidth=2, color=theme.GREY).encode(x, alt.X2("high:Q"), y),
            head.encode(x, y),
            stop.encode(high, y),
            mean.encode(theme.axis_for_field(x, "mean"), y),
            median.encode(theme.axis_for_field(x, "middle"), y),
            *theme.labels_at_bars(base, y, "low"),
        ),
        context,
        "headlines",
        finding=finding,
        facts=" ".join(theirs["fact"]),
        height=(theme.ROW + 16) * len(data),
    )


def publisher_names(facts: list[str], context: theme.ChartContext) -> list[str]:
    """Return the publisher of each published amount; "press forecast" if the incident does not name it."""
    unnamed = context.locale("chart.press_forecast")
    names = [context.names.get(fact, unnamed) for fact in facts]
    if len(set(names)) == len(names):
        return short_names(names)
    return [f"{name} {n}" for n, name in enumerate(names, start=1)]


def _log_ends(amounts: list[float]) -> tuple[float, float]:
    """Return the ends of a log axis that holds the positive amounts."""
    most = max(amounts)
    return max(min(x for x in amounts if x > 0), most * SMALLEST_SUM) / ROOM, most * ROOM


def _with_range(locale: Locale, amount: float, low: float, high: float) -> str:
    """Return an amount with its range as a short label, such as 50m (1.1m–440m)."""
    shown, span = theme.short_amount(locale, amount), theme.short_span(locale, low, high)
    return shown if span == shown else locale("chart.with_range", amount=shown, range=span)


def separate_sums(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw each kind of cost on one log axis: likely range, median and the announced amount.

    The kinds of cost are never added, because list prices and announced totals are not cash.
    """
    locale, rows = context.locale, table.filter(pl.col("line") == "", pl.col(HIGH) > 0)
    if len(rows) < 2:  # noqa: PLR2004 - a comparison needs two sums
        raise theme.NothingToDraw
    least, most = _log_ends([x for c in (LOW, "p50", HIGH, "announced") for x in rows[c] if x])
    names = [theme.wrap_name(locale(f"chart.sum_{valuation}")) for valuation in rows["valuation"]]
    ends = rows.select(pl.col("p50", LOW, HIGH).fill_null(0.0))
    labels = [_with_range(locale, *amounts) for amounts in ends.rows()]
    for n, (valuation, published) in enumerate(rows.select("valuation", "announced").rows()):
        if published is not None:
            key = "chart.listed" if valuation == "face_value" else "chart.announced"
            labels[n] += f", {locale(key, amount=theme.short_amount(locale, published))}"
    data = rows.select(
        pl.col(LOW, "p50").clip(least),
        HIGH,
        "announced",
        name=pl.Series(names),
        cash=pl.col("valuation") == "cash",
        label=pl.Series(labels),
    )
    x = theme.money_axis(LOW, locale, "chart.separate_sums_x", least, most)
    y, base = theme.name_axis(names), alt.Chart(data)
    ranges = base.mark_rule(strokeWidth=6)
    medians = {valuation: median for valuation, median in rows.select("valuation", "p50").rows() if median}
    cash, handling, finding = medians.get("cash"), medians.get("handling"), ""
    if cash and handling and handling > cash:
        finding = locale(
            "chart.separate_sums_handling", handling=locale.money(handling), cash=locale.money(cash)
        )
    elif len(medians) > 1:
        low, high = min(medians.values()), max(medians.values())
        finding = locale("chart.separate_sums_finding", low=locale.money(low), high=locale.money(high))
    announced = base.transform_filter("datum.announced").mark_point(**theme.DIAMOND)
    return finish_chart(
        alt.layer(
            ranges.encode(x, alt.X2(f"{HIGH}:Q"), y, color=theme.accent_if("datum.cash")),
            base.mark_point(**theme.MEDIAN_DOT, size=110).encode(theme.axis_for_field(x, "p50"), y),
            announced.encode(theme.axis_for_field(x, "announced"), y),  # above the dot of an equal median
            *theme.labels_at_bars(base, y, LOW),
        ),
        context,
        "separate_sums",
        finding=finding,
        facts=" ".join(rows["facts"]),
        height=(theme.ROW + 18) * len(data),
    )


def backtest_ratios(table: pl.DataFrame) -> pl.DataFrame:
    """Divide the forecasts of each back-tested outcome by the observed value.

    Args:
        table: one row per outcome: `outcome`, `independent`, `unit`, `range_low`, `p50`, `range_high`,
            `observed`, `inside`, `naive_low`, `naive_high`, `press_low`, `press_high` (a low end is null if
            its source gave only an upper bound). Outcomes with an observed value of 0 are left out.

    Returns:
        One row per outcome and forecast: `outcome`, `independent`, `observed`, `unit`, `inside`, `part`
        (`forecast` for the model, `naive` or `press` for a benchmark), `low`, `middle` (the model's median;
        null for benchmarks) and `high`. A benchmark without an upper end has no row.
    """
    rows = table.filter(pl.col("observed") > 0).head(MAX_ROWS)
    heads, observed = ("outcome", "independent", "observed", "unit", "inside"), pl.col("observed")
    parts = {"forecast": (LOW, HIGH)} | {name: (f"{name}_low", f"{name}_high") for name in BENCHMARKS}
    forecasts = [
        rows.select(
            *heads,
            pl.lit(part).alias("part"),
            low=pl.coalesce(low, high) / observed,
            middle=pl.col(MEDIAN) / observed if part == "forecast" else pl.lit(None, pl.Float64),
            high=pl.col(high) / observed,
        )
        for part, (low, high) in parts.items()
    ]
    return pl.concat(forecasts).filter(pl.col("high").is_not_null())
