"""Sums in tables that people read: in whole currency with its decimals.

Tables of the library, files and JSON keep whole numbers of the smallest unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import polars as pl

from outage_analysis.assumptions import Ledger
from outage_analysis.assumptions.listing import SUMS
from outage_analysis.datasets import ids
from outage_analysis.incidents import Incident, load_incident
from outage_analysis.labels import Words
from outage_analysis.policies import Policy
from outage_analysis.policies.policy import decimal_places

Counts = Literal["money", "loss", "squares"]

NO_SUMS = ({"unit"}, {"branch"}, {"origin"})
"""Columns by which a table is known whose rows name their own units, or are counts."""
RANGE = ("low", "expected", "high", "most")
QUANTILES = ("p10", "p50", "p90")
INPUTS = ("input_low", "input_high", *RANGE, "break_even", "flips_at", "usual", "given")
ALWAYS, NEVER = (pl.repeat(value, pl.len()) for value in (True, False))
IS_SUM = pl.col("kind").is_in(SUMS)
RULES: tuple[tuple[set[str], tuple[str, ...], Counts, pl.Expr], ...] = (
    ({"stage", "outcome"}, (*QUANTILES, "observed"), "money", pl.col("stage").is_in(["paid", "total"])),
    ({"stage"}, RANGE, "money", NEVER),
    # The chance of a rival rule for an award is no sum.
    ({"kind", "measure"}, INPUTS, "money", IS_SUM & (pl.col("measure") == "median")),
    ({"kind"}, INPUTS, "money", IS_SUM),
    ({"probability"}, ("value", "low", "high", "error"), "loss", ALWAYS),
    ({"quantity"}, ("value", "low", "high", "average", "least", "greatest"), "loss", ALWAYS),
    ({"statistic"}, ("first", "second", "difference", "low", "high"), "loss", ALWAYS),
    ({"share_first"}, ("difference", "low", "high"), "money", NEVER),
    ({"measure"}, ("value", "error", "stressed"), "money", ALWAYS),
    ({"lever"}, ("step",), "money", pl.col("lever") == "award"),
    ({"even"}, ("step",), "loss", ALWAYS),
    ({"fact"}, RANGE, "money", pl.col("fact") == ""),  # what others said is printed in whole currency
    ({"amount"}, ("amount", "total"), "money", ALWAYS),
    ({"tail"}, ("mean", "tail"), "money", ALWAYS),
    ({"expected"}, RANGE, "money", ALWAYS),
    (
        set(),
        (
            *("promised", "most", *QUANTILES, "p95", "p99", "tvar95", "sd", "per_recipient", "difference"),
            *("cost_low", "cost_expected", "cost_high", "adds", "award", "payment"),
        ),
        "money",
        ALWAYS,
    ),
    (
        set(),
        ("loss", "largest", "mean", "median", "median_low", "median_high", "edge", "over", "up_to"),
        "loss",
        ALWAYS,
    ),
    (set(), ("loss_squared",), "squares", ALWAYS),
)
"""Columns that stand in a table, which names are then sums, of what, and in which rows; the first holds."""
NO_RULE = (set[str](), (), "money", NEVER)


@dataclass(frozen=True)
class Sums:
    """How the sums of one currency are written in tables."""

    currency: str
    digits: int
    """Decimal places of the currency."""
    loss_digits: int
    """Those of a loss, when losses are money."""

    @classmethod
    def of(cls, page: Incident | Policy) -> Self:
        """Those of a page."""
        digits = page.minor_units if isinstance(page, Incident) else page.digits
        return cls(page.currency, digits, page.loss_digits)

    @classmethod
    def of_ledger(cls, ledger: Ledger) -> Self | None:
        """Those of a ledger that says its currency, or is about a bundled incident."""
        if ledger.currency:
            return cls(ledger.currency, decimal_places(ledger.currency), 0)
        return cls.of(load_incident(ledger.incident)) if ledger.incident in ids("incidents") else None

    def said(self, table: pl.DataFrame) -> str:
        """The currency, where a table has sums that are written otherwise than it holds them; else ""."""
        return self.currency if self._found(table) else ""

    def titled(self, title: str, table: pl.DataFrame) -> str:
        """A title that says the currency where the table needs it."""
        currency = self.said(table)
        return f"{title}; sums in {currency}" if currency else title

    def written(self, table: pl.DataFrame, write: Callable[[object], str]) -> pl.DataFrame:
        """A table for people: columns with sums as texts; nothing changes in a currency without decimals.

        Args:
            table: sums in the smallest unit, in columns of the names that this package uses.
            write: how another value of such a column is written.
        """

        def text(value: object, places: int, *, is_sum: bool) -> str | None:
            if value is None:
                return None
            return f"{float(str(value)) / 10**places:,.{places}f}" if is_sum else write(value)

        told = {
            name: [text(value, places, is_sum=m) for value, m in zip(table[name], mask, strict=True)]
            for name, (places, mask) in self._found(table).items()
        }
        if self.loss_digits and "parameters" in table.columns:
            words = Words("en", loss_digits=self.loss_digits)
            told["parameters"] = [words.scaled(law) for law in table["parameters"]]
        return table.with_columns(pl.Series(name, texts, pl.String) for name, texts in told.items())

    def _found(self, table: pl.DataFrame) -> dict[str, tuple[int, pl.Series]]:
        """Column -> the decimal places of its sums, and which of its rows are sums; those that have any."""
        columns = set(table.columns)
        if any(marks <= columns for marks in NO_SUMS):
            return {}
        places = {"money": self.digits, "loss": self.loss_digits, "squares": 2 * self.loss_digits}
        found = {}
        for name in table.columns:
            rules = (rule for rule in RULES if rule[0] <= columns and name in rule[1])
            _, _, counts, where = next(rules, NO_RULE)
            if places[counts] and (mask := table.select(where).to_series()).any():
                found[name] = places[counts], mask
        return found
