"""The result of a back-test: its tables and the sentences that summarise them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from outage_analysis.assumptions import Ledger
from outage_analysis.costs.backtesting.scores import FLAGGED_BEYOND
from outage_analysis.incidents import BacktestSpec
from outage_analysis.policies import Policy
from outage_analysis.text import (
    ASSUMPTIONS,
    DEFAULT_LEVEL,
    FACTS,
    FLOAT,
    LINE,
    TABLE_DIGITS,
    Column,
    Locale,
    ShortRepr,
    TableSchema,
    UnitByRow,
)

CASH = ("paid", "total")
"""The stages whose outcome is an amount of money."""
DIGITS = 3
"""Significant digits of a forecast count in a sentence."""

STAGE_UNIT = UnitByRow("stage", dict.fromkeys(CASH, "money"), otherwise="count")
OUTCOMES = TableSchema(
    "One row per outcome.",
    (
        Column("outcome", "name", "Id of the outcome.", label="outcome_name"),
        replace(LINE, shown=False),
        Column("stage", "word", "Stage of the funnel.", shown=False),
        Column("independent", "flag", "Whether it repeats no other outcome.", shown=False),
        Column("conditional", "flag", "Whether the forecast starts from a later count.", shown=False),
        Column("denominator", "count", "Count that the forecast starts from; else empty.", FLOAT),
        Column("unit", "unit", "Unit of the outcome.", shown=False),
        Column("range_low", STAGE_UNIT, "Low end of the likely range of the forecast."),
        Column("p50", STAGE_UNIT, "Median of the forecast."),
        Column("range_high", STAGE_UNIT, "High end of the likely range of the forecast."),
        Column("expected", STAGE_UNIT, "Mean of the forecast.", shown=False),
        Column("error", "share", "Largest relative numerical error of the quantiles.", shown=False),
        Column(
            "sharpness",
            "decimal",
            "High end of the likely range divided by its low end; values below 1 count as 1.",
        ),
        Column("observed", STAGE_UNIT, "The outcome."),
        Column("percentile", "share", "Probability of a lower outcome, plus half that of this one."),
        Column("inside", "flag", "Whether the outcome lies in the likely range.", shown=False),
        Column("verdict", "word", "inside, miss_low or miss_high."),
        Column("crps", "decimal", "Continuous ranked probability score of log10; smaller is better."),
        replace(ASSUMPTIONS, shown=False),
        replace(FACTS, shown=False),
    ),
)
RANGES: TableSchema = replace(
    OUTCOMES,
    columns=(
        *OUTCOMES.columns,
        Column("naive_low", STAGE_UNIT, "Lower end of the naive forecast."),
        Column("naive_high", STAGE_UNIT, "Upper end of the naive forecast."),
        Column("press_low", STAGE_UNIT, "Lower end of the first press figure."),
        Column("press_high", STAGE_UNIT, "Upper end of the first press figure."),
    ),
)
RIVALS: TableSchema = TableSchema(
    "One row per outcome and benchmark.",
    (
        Column("outcome", "name", "Id of the outcome.", label="outcome_name"),
        Column("stage", "word", "Stage of the funnel.", shown=False),
        Column("rival", "text", "The benchmark: naive, flat, or the id of a press figure."),
        Column("low", STAGE_UNIT, "Lower end of the benchmark; empty without one.", label="value_low"),
        Column("high", STAGE_UNIT, "Upper end of the benchmark.", label="value_high"),
        Column("observed", STAGE_UNIT, "The outcome."),
        Column("factor", "decimal", "Factor by which the outcome lies outside the range; 1 inside it."),
        Column("flagged", "flag", "Whether the factor is large."),
        Column("crps", "decimal", "Score of the benchmark; smaller is better."),
        Column("ours", "decimal", "Score of our forecast; smaller is better."),
    ),
)
UNSCORED = TableSchema(
    "One row per published figure that gets no score, and forecast beside it.",
    (
        Column("figure", "name", "Id of the figure."),
        Column("fact", "facts", "Id of the published fact.", label="facts"),
        Column("value", "money", "The published amount."),
        Column("unit", "unit", "Currency of the amounts."),
        Column("beside", "text", "The outcome or the kind of cost that the forecast is of."),
        Column("range_low", "money", "Low end of the likely range of the forecast."),
        Column("p50", "money", "Median of the forecast."),
        Column("range_high", "money", "High end of the likely range of the forecast."),
        Column("computed", "money", "The amount that follows from the outcome; else empty."),
    ),
)


def rounded_table(rows: list[dict[str, object]], schema: TableSchema) -> pl.DataFrame:
    """Return rows as a table with the columns of a schema; floats are rounded as in all result tables."""
    return pl.DataFrame(rows, schema=schema.dtypes).with_columns(
        pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS)
    )


@dataclass(frozen=True, repr=False)
class Backtest(ShortRepr):
    """Forecasts as of one day compared with the outcomes; money in the smallest unit of the currency.

    Args:
        spec: the specification of the back-test.
        policy: the policy.
        ledger: the ledger, limited to what was public on the forecast day.
        outcomes: the columns of `OUTCOMES`, one row per outcome: the likely range of the forecast and its
            median, their largest relative numerical error, sharpness (upper over lower end of the range,
            where values below 1 count as 1), the outcome, its mid-rank percentile, the verdict (`inside` the
            likely range; `miss_low`: the outcome is lower; `miss_high`: it is higher) and the CRPS on log10.
            `conditional` marks forecasts that start from a count which was itself published after the
            forecast day.
        rivals: the columns of `RIVALS`, one row per outcome and benchmark (`naive`, `flat`, or the id of the
            press figure): the range of the benchmark, the factor by which the outcome lies outside the range,
            whether the factor exceeds `FLAGGED_BEYOND` (`flagged`), the CRPS of the benchmark, and the CRPS
            of our forecast (`ours`).
        unscored: the columns of `UNSCORED`: published figures beside our forecasts, without a score.
        level: the probability of the likely range in percent.
    """

    spec: BacktestSpec
    policy: Policy = field(repr=False)
    ledger: Ledger = field(repr=False)
    outcomes: pl.DataFrame
    rivals: pl.DataFrame = field(repr=False)
    unscored: pl.DataFrame = field(repr=False)
    level: int = DEFAULT_LEVEL

    @property
    def ranges(self) -> pl.DataFrame:
        """The table of outcomes with the ranges of the naive and the press benchmark, for a chart.

        Returns:
            One row per outcome: the columns of `OUTCOMES`, then `naive_low`, `naive_high`, and `press_low`
            and `press_high` of the first press figure.
        """
        first = {o.id: o.press[0] for o in self.spec.outcomes if o.press}
        named = pl.col("outcome").replace_strict(first, default=None, return_dtype=pl.String)
        rivals = {"naive": pl.col("rival") == "naive", "press": pl.col("rival") == named}
        table = self.outcomes
        for name, matching in rivals.items():
            ends = self.rivals.filter(matching).select(
                "outcome", pl.col("low", "high").name.prefix(f"{name}_")
            )
            table = table.join(ends, on="outcome", how="left", maintain_order="left")
        return table

    def sentences(self, locale: Locale) -> list[str]:
        """Summarise the back-test in sentences; the first sentence states its main limitation.

        Args:
            locale: the language and its number formats; the level is that of the back-test.
        """
        locale = replace(locale, level=self.level)
        return [
            *self._verdicts(locale),
            *(f"{o.name[locale.lang]}: {o.note[locale.lang]}" for o in self.spec.outcomes if o.note),
            *self._rivalry(locale),
            *self._unscored_figures(locale),
        ]

    def _verdicts(self, locale: Locale) -> Iterator[str]:
        tried = self.outcomes.filter("independent")
        inside = tried.filter(verdict="inside")["outcome"].to_list()
        known = any(a.outcome_known for a in self.ledger.assumptions)
        yield locale("backtest.caveat" if known else "backtest.caveat_blind", count=len(tried))
        yield locale(
            "backtest.inside",
            day=locale.day(self.spec.as_of),
            inside=len(inside),
            count=len(tried),
            names=", ".join(self._names(locale)[x] for x in inside) or "–",
        )
        for row in self.outcomes.filter(pl.col("verdict") != "inside").iter_rows(named=True):
            yield " ".join(self._miss(row, locale))

    def _names(self, locale: Locale) -> dict[str, str]:
        named = (*self.spec.outcomes, *self.spec.unscored, *self.ledger.assumptions)
        return {x.id: x.name[locale.lang] for x in named}

    def _miss(self, row: Mapping[str, Any], locale: Locale) -> Iterator[str]:
        names = self._names(locale)
        low = row["verdict"] == "miss_low"
        cash = row["stage"] in CASH

        def figure(value: float) -> str:
            return locale.money(value) if cash else locale.number(locale.rounded(value, DIGITS))

        yield locale(
            f"backtest.{row['verdict']}",
            name=names[row["outcome"]],
            day=locale.day(self.spec.as_of),
            low=figure(row["range_low"]),
            median=figure(row["p50"]),
            high=figure(row["range_high"]),
            observed=_exactly(row["observed"], locale, cash=cash),
            chance=locale.share(row["percentile"] if low else 1 - row["percentile"]),
        )
        inputs = ", ".join(locale("backtest.quoted", name=names[x]) for x in row["assumptions"].split())
        if row["denominator"]:
            each = locale.money if cash else locale.share
            yield locale(
                "backtest.wrong_each" if cash else "backtest.wrong_share",
                inputs=inputs,
                denominator=locale.number(row["denominator"]),
                expected=each(row["expected"] / row["denominator"]),
                came=each(row["observed"] / row["denominator"]),
            )
        else:
            yield locale("backtest.wrong_total", inputs=inputs)
        yield locale("backtest.kept")

    def _rivalry(self, locale: Locale) -> Iterator[str]:
        yield locale("backtest.rule", factor=locale.number(FLAGGED_BEYOND))
        naive, flat = (self.rivals.filter(rival=x) for x in ("naive", "flat"))
        if len(naive):
            worst = naive.sort("factor", descending=True).row(0, named=True)
            yield locale(
                "backtest.naive",
                flagged=naive["flagged"].sum(),
                count=len(naive),
                name=self._names(locale)[worst["outcome"]],
                times=locale.number(locale.rounded(worst["factor"])),
            )
        better = pl.col("ours") < pl.col("crps")
        yield locale(
            "backtest.scores",
            naive=len(naive.filter(better)),
            of_naive=len(naive),
            flat=len(flat.filter(better)),
            of_flat=len(flat),
        )
        for row in self.rivals.filter(~pl.col("rival").is_in(["naive", "flat"])).iter_rows(named=True):
            yield self._press(row, locale)

    def _press(self, row: Mapping[str, Any], locale: Locale) -> str:
        cash = {o.id: o.stage in CASH for o in self.spec.outcomes}[row["outcome"]]
        ends = [x for x in dict.fromkeys((row["low"], row["high"])) if x is not None]
        printed = [_exactly(x, locale, cash=cash) for x in ends]
        sentence = locale(
            "backtest.press_bound" if row["low"] is None else "backtest.press",
            fact=row["rival"],
            printed=locale("report.low_to_high", low=printed[0], high=printed[-1])
            if len(printed) > 1
            else printed[0],
            times=locale.number(locale.rounded(row["factor"])),
        )
        return f"{sentence} {locale('backtest.flagged' if row['flagged'] else 'backtest.not_flagged')}"

    def _unscored_figures(self, locale: Locale) -> Iterator[str]:
        values = dict(self.unscored.select("figure", "value").rows())
        for figure in self.spec.unscored:
            yield locale(
                "backtest.unscored",
                name=figure.name[locale.lang],
                value=_exactly(values[figure.id], locale, cash=True),
                note=figure.note[locale.lang],
            )


def _exactly(value: float, locale: Locale, *, cash: bool) -> str:
    """Format a published figure with all its digits."""
    return locale.with_unit(locale.exact_money(value), locale.unit) if cash else locale.number(value)
