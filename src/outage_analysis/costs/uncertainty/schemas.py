"""The columns of the tables that describe a simulated total."""

from __future__ import annotations

from outage_analysis.text import (
    CLAIMANT_TYPE,
    FACTS,
    LINE,
    OVER,
    RULE,
    SERVICE,
    UP_TO,
    VALUATION,
    Column,
    TableSchema,
)

QUANTILES = TableSchema(
    "One row per kind of cost and measure of its total.",
    (
        VALUATION,
        Column(
            "measure",
            "word",
            "expected, mean of the draws, quantile (p10, ...) or tvar95 (mean of the tail).",
        ),
        Column("value", "money", "Value of the measure, rounded to its numerical error.", label="amount"),
        Column("error", "money", "One standard error of the simulation; 0 if computed in closed form."),
        Column("stressed", "money", "Value if the rank correlation of all inputs were 0.5."),
    ),
)
VARIANCE_SPLIT = TableSchema(
    "One row per kind of cost and source of its variance.",
    (
        VALUATION,
        Column("source", "word", "process, parameter or model.", label="doubt"),
        Column("sd", "money", "Standard deviation that this source causes."),
        Column("share", "share", "Share of the variance of the total."),
    ),
)
CONTRIBUTIONS = TableSchema(
    "One row per kind of cost, cost line and group of claims.",
    (
        VALUATION,
        LINE,
        SERVICE,
        CLAIMANT_TYPE,
        OVER,
        UP_TO,
        RULE,
        Column("mean", "money", "Contribution to the mean of the draws.", label="mean_contribution"),
        Column("tail", "money", "Contribution to the mean of the totals above the 95 % quantile."),
    ),
)
BUDGET_CHANCE = TableSchema(
    "One row: the probability that the cash exceeds the budget.",
    (
        Column("budget", "money", "The budget."),
        Column("exceeded", "share", "Probability that the cash exceeds the budget."),
        Column("error", "share", "One standard error of this probability."),
        Column("stressed", "share", "The probability if the rank correlation of all inputs were 0.5."),
        Column("counted", "names", "Ids of the cost lines that the cash includes.", label="counted_lines"),
        Column("left_out", "names", "Ids of the cash lines without an expected cost, which it leaves out."),
    ),
)
TOTAL_DISTRIBUTION = TableSchema(
    "One row per kind of cost and dot of its distribution, and one per amount to compare with it.",
    (
        VALUATION,
        Column(
            "mark",
            "word",
            "What a marked amount is: expected, p10, ..., zero, budget, press or observed; empty for a dot.",
        ),
        Column("fact", "facts", "Id of the published fact with the amount; else empty.", label="facts"),
        Column("low", "money", "Lower end of a published range; else empty.", label="value_low"),
        Column("amount", "money", "An amount of the total; of a published range, its upper end."),
        Column("below", "share", "Probability that the total is at most this amount.", label="share_below"),
    ),
)
COST_RANGES = TableSchema(
    "One row per kind of cost, and one per cost line of it, with its likely range.",
    (
        VALUATION,
        Column("line", "name", "Id of the cost line; empty for the total of the kind of cost."),
        Column("announced", "money", "Announced total, or list price of free goods; empty if not published."),
        Column("range_low", "money", "Low end of the likely range."),
        Column("p50", "money", "Median."),
        Column("expected", "money", "Expected cost."),
        Column("range_high", "money", "High end of the likely range."),
        FACTS,
    ),
)
WATERFALL_STEPS = TableSchema(
    "One row per part of the expected cash: cost line, or service or loss band of a single line.",
    (
        LINE,
        SERVICE,
        OVER,
        UP_TO,
        RULE,
        Column("expected", "money", "Expected cash of this part."),
        Column("tail", "money", "Contribution to the mean of the worst 5 % of cases."),
        FACTS,
    ),
)
