"""What a back-test found: its tables, and the sentences that say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from outage_analysis.assumptions import Ledger
from outage_analysis.costs.backtesting.benchmarks import FLAGGED_BEYOND
from outage_analysis.incidents import BacktestSpec
from outage_analysis.policies import Policy
from outage_analysis.text import Locale

CASH = ("paid", "total")
"""Stages in money."""
DIGITS = 3
"""Of a forecast count in prose: a miss by one may be a miss."""

OUTCOMES: dict[str, pl.DataType] = {
    "outcome": pl.String(),
    "line": pl.String(),
    "stage": pl.String(),
    "independent": pl.Boolean(),
    "conditional": pl.Boolean(),
    "given": pl.Float64(),
    "unit": pl.String(),
    "p10": pl.Float64(),
    "p50": pl.Float64(),
    "p90": pl.Float64(),
    "expected": pl.Float64(),
    "error": pl.Float64(),
    "sharpness": pl.Float64(),
    "observed": pl.Float64(),
    "percentile": pl.Float64(),
    "inside": pl.Boolean(),
    "verdict": pl.String(),
    "crps": pl.Float64(),
    "assumptions": pl.String(),
    "facts": pl.String(),
}
RIVALS: dict[str, pl.DataType] = {
    "outcome": pl.String(),
    "rival": pl.String(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "observed": pl.Float64(),
    "factor": pl.Float64(),
    "flagged": pl.Boolean(),
    "crps": pl.Float64(),
    "ours": pl.Float64(),
}
SHOWN: dict[str, pl.DataType] = {
    "shown": pl.String(),
    "fact": pl.String(),
    "value": pl.Float64(),
    "unit": pl.String(),
    "beside": pl.String(),
    "p10": pl.Float64(),
    "p50": pl.Float64(),
    "p90": pl.Float64(),
    "computed": pl.Float64(),
}


@dataclass(frozen=True)
class Backtest:
    """Forecasts of one day beside what came out; money in the smallest unit of the currency.

    Args:
        page: what was tried.
        policy: its policy.
        ledger: its ledger, as it was public on the day.
        outcomes: the columns of `OUTCOMES`, one row an outcome: quantiles of the forecast, their largest
            numerical error as a share, sharpness (P90 over P10, below 1 counting as 1), the outcome, its
            mid-rank percentile, the verdict (inside: from P10 to P90, miss_low: less came, miss_high: more
            came) and the CRPS of log10. `conditional` marks forecasts for a given count that itself came out
            later.
        rivals: the columns of `RIVALS`, one row an outcome and rival (naive, flat, or the fact of a press
            forecast): the least and the most that it allows, how many times the outcome lies outside of
            that, whether it is flagged for more than twice, its CRPS and `ours`.
        coverage: the columns of `COVERAGE`, see `coverage`.
        shown: the columns of `SHOWN`: published figures beside ours, not scored.
    """

    page: BacktestSpec
    policy: Policy = field(repr=False)
    ledger: Ledger = field(repr=False)
    outcomes: pl.DataFrame
    rivals: pl.DataFrame = field(repr=False)
    coverage: pl.DataFrame = field(repr=False)
    shown: pl.DataFrame = field(repr=False)

    @property
    def ranges(self) -> pl.DataFrame:
        """One row an outcome, for a chart: the columns of `OUTCOMES`, with the ends of its rivals.

        Returns:
            Also `naive_low`, `naive_high`, `press_low` and `press_high`, of the first forecast of the press.
        """
        first = {o.id: o.press[0] for o in self.page.outcomes if o.press}
        named = pl.col("outcome").replace_strict(first, default=None, return_dtype=pl.String)
        rivals = {"naive": pl.col("rival") == "naive", "press": pl.col("rival") == named}
        found = self.outcomes
        for name, mine in rivals.items():
            ends = self.rivals.filter(mine).select("outcome", pl.col("low", "high").name.prefix(f"{name}_"))
            found = found.join(ends, on="outcome", how="left", maintain_order="left")
        return found

    def sentences(self, words: Locale) -> list[str]:
        """What it found, the caveat first; amounts in words as `words` writes them."""
        return [
            *self._verdicts(words),
            *(f"{o.name[words.lang]}: {o.note[words.lang]}" for o in self.page.outcomes if o.note),
            *self._rivalry(words),
            *self._coverage(words),
            *self._shown(words),
        ]

    def _verdicts(self, words: Locale) -> Iterator[str]:
        tried = self.outcomes.filter("independent")
        inside = tried.filter(verdict="inside")["outcome"].to_list()
        known = any(a.outcome_known for a in self.ledger.assumptions)
        yield words("backtest.caveat" if known else "backtest.caveat_blind", count=len(tried))
        yield words(
            "backtest.inside",
            day=words.day(self.page.as_of),
            inside=len(inside),
            count=len(tried),
            names=", ".join(self._names(words)[x] for x in inside) or "–",
        )
        for row in self.outcomes.filter(pl.col("verdict") != "inside").iter_rows(named=True):
            yield " ".join(self._miss(row, words))

    def _names(self, words: Locale) -> dict[str, str]:
        named = (*self.page.outcomes, *self.page.shown, *self.ledger.assumptions)
        return {x.id: x.name[words.lang] for x in named}

    def _miss(self, row: Mapping[str, Any], words: Locale) -> Iterator[str]:
        """What was forecast, what came, which input was wrong, and that it stays so."""
        names = self._names(words)
        low = row["verdict"] == "miss_low"
        cash = row["stage"] in CASH

        def figure(value: float) -> str:
            return words.money(value) if cash else words.number(words.rounded(value, DIGITS))

        yield words(
            f"backtest.{row['verdict']}",
            name=names[row["outcome"]],
            day=words.day(self.page.as_of),
            low=figure(row["p10"]),
            median=figure(row["p50"]),
            high=figure(row["p90"]),
            observed=_exactly(row["observed"], words, cash=cash),
            chance=words.share(row["percentile"] if low else 1 - row["percentile"]),
        )
        inputs = ", ".join(words("backtest.quoted", name=names[x]) for x in row["assumptions"].split())
        if row["given"]:
            each = words.money if cash else words.share
            yield words(
                "backtest.wrong_each" if cash else "backtest.wrong_share",
                inputs=inputs,
                given=words.number(row["given"]),
                expected=each(row["expected"] / row["given"]),
                came=each(row["observed"] / row["given"]),
            )
        else:
            yield words("backtest.wrong_total", inputs=inputs)
        yield words("backtest.kept")

    def _rivalry(self, words: Locale) -> Iterator[str]:
        yield words("backtest.rule", factor=words.number(FLAGGED_BEYOND))
        naive, flat = (self.rivals.filter(rival=x) for x in ("naive", "flat"))
        if len(naive):
            worst = naive.sort("factor", descending=True).row(0, named=True)
            yield words(
                "backtest.naive",
                flagged=naive["flagged"].sum(),
                count=len(naive),
                name=self._names(words)[worst["outcome"]],
                times=words.number(words.rounded(worst["factor"])),
            )
        better = pl.col("ours") < pl.col("crps")
        yield words(
            "backtest.scores",
            naive=len(naive.filter(better)),
            of_naive=len(naive),
            flat=len(flat.filter(better)),
            of_flat=len(flat),
        )
        for row in self.rivals.filter(~pl.col("rival").is_in(["naive", "flat"])).iter_rows(named=True):
            yield self._press(row, words)

    def _press(self, row: Mapping[str, Any], words: Locale) -> str:
        cash = {o.id: o.stage in CASH for o in self.page.outcomes}[row["outcome"]]
        ends = [x for x in dict.fromkeys((row["low"], row["high"])) if x is not None]
        said = words(
            "backtest.press_bound" if row["low"] is None else "backtest.press",
            fact=row["rival"],
            printed=" – ".join(_exactly(x, words, cash=cash) for x in ends),
            times=words.number(words.rounded(row["factor"])),
        )
        return f"{said} {words('backtest.flagged' if row['flagged'] else 'backtest.not_flagged')}"

    def _coverage(self, words: Locale) -> Iterator[str]:
        tried = self.coverage.drop_nulls("inside")
        if len(tried):
            yield words("backtest.coverage", inside=tried["inside"].sum(), tried=len(tried))
        alone = self.coverage.filter(pl.col("inside").is_null())["set"].str.split(" ").explode()
        if len(alone):
            yield words("backtest.alone", names=", ".join(self._names(words)[x] for x in alone))

    def _shown(self, words: Locale) -> Iterator[str]:
        values = dict(self.shown.select("shown", "value").rows())
        for shown in self.page.shown:
            yield words(
                "backtest.shown",
                name=shown.name[words.lang],
                value=_exactly(values[shown.id], words, cash=True),
                note=shown.note[words.lang],
            )


def _exactly(value: float, words: Locale, *, cash: bool) -> str:
    """A published figure in prose keeps its digits."""
    return f"{words.exact_money(value)} {words.unit}" if cash else words.number(value)
