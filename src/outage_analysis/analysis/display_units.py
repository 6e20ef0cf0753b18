"""Sums in tables that people read: in whole currency with its decimals.

Tables of the library, files and JSON keep whole numbers of the smallest unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Self

import polars as pl

from outage_analysis.assumptions import SUMS, Ledger
from outage_analysis.files import ids
from outage_analysis.incidents import Incident, load_incident
from outage_analysis.policies import Policy, decimal_places
from outage_analysis.text import Locale, in_units

AmountKind = Literal["money", "loss", "squares"]

NO_AMOUNTS = ({"unit"}, {"branch"}, {"origin"})
"""Columns by which a table is known whose rows name their own units, or are counts."""
RANGE = ("low", "expected", "high", "most")
QUANTILES = ("p10", "p50", "p90")
INPUTS = ("input_low", "input_high", *RANGE, "break_even", "flips_at", "usual", "given")
ALWAYS, NEVER = (pl.repeat(value, pl.len()) for value in (True, False))
IS_AMOUNT = pl.col("kind").is_in(SUMS)
AMOUNT_RULES: tuple[tuple[set[str], tuple[str, ...], AmountKind, pl.Expr], ...] = (
    ({"stage", "outcome"}, (*QUANTILES, "observed"), "money", pl.col("stage").is_in(["paid", "total"])),
    ({"stage"}, RANGE, "money", NEVER),
    # The chance of a rival rule for an award is no sum.
    ({"kind", "measure"}, INPUTS, "money", IS_AMOUNT & (pl.col("measure") == "median")),
    ({"kind"}, INPUTS, "money", IS_AMOUNT),
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
NO_RULE: tuple[set[str], tuple[str, ...], AmountKind, pl.Expr] = (set(), (), "money", NEVER)
COUNT_RULES: tuple[tuple[set[str], tuple[str, ...]], ...] = (
    (set(), ("count", "recipients", "late")),
    ({"branch"}, ("total",)),
    ({"stage"}, RANGE),
)
"""Columns that stand in a table, and which names are then numbers of people, claims or payments."""
LARGE_UNITS = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
"""In which large amounts are shortened, the largest unit first."""
SHORT_DIGITS = 3
"""Significant digits of a shortened amount."""


def whole_counts(table: pl.DataFrame) -> pl.DataFrame:
    """A table for people: expected numbers of people, claims and payments as whole numbers."""
    columns = set(table.columns)
    names = {name for marks, counted in COUNT_RULES if marks <= columns for name in counted}
    floats = [name for name in table.columns if name in names and table.schema[name].is_float()]
    return table.with_columns(pl.col(floats).round(mode="half_away_from_zero").cast(pl.Int64))


def short_amount(value: float) -> str:
    """An amount to three significant digits: 190, 6.29, 161,000."""
    if not value or not math.isfinite(value):
        return f"{value:.0f}"
    rounded = Locale.rounded(value, SHORT_DIGITS)
    places = max(0, SHORT_DIGITS - 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{places}f}"


@dataclass(frozen=True)
class DisplayUnits:
    """How the sums of one currency are written in tables."""

    currency: str
    digits: int
    """Decimal places of the currency."""
    loss_digits: int
    """Those of a loss, when losses are money."""
    losses_are_money: bool = False
    """Whether a loss is an amount of the currency, and not a number of minutes."""
    divisible: bool = False
    """Whether a loss may lie between two whole units."""
    starts: frozenset[int] = frozenset()
    """Cuts whose edge belongs to the band above."""

    @classmethod
    def from_document(cls, page: Incident | Policy, starts: Iterable[int] = ()) -> Self:
        """How the sums of a page are written; `starts` adds cuts whose edge belongs to the band above."""
        words = page.words("en")
        cuts = words.starts.union(starts)
        unit = page.loss.unit if isinstance(page, Incident) else page.loss_unit
        money = unit == page.currency
        return cls(words.currency, words.minor_units, words.loss_digits, money, words.divisible, cuts)

    @property
    def words(self) -> Locale:
        """The English words that write sums and bands so."""
        return Locale("en", self.currency, self.digits, self.loss_digits, self.divisible, self.starts)

    @classmethod
    def from_ledger(cls, ledger: Ledger) -> Self | None:
        """Those of a ledger that says its currency, or is about a bundled incident."""
        if ledger.currency:
            return cls(ledger.currency, decimal_places(ledger.currency), 0)
        return (
            cls.from_document(load_incident(ledger.incident)) if ledger.incident in ids("incidents") else None
        )

    def currency_if_converted(self, table: pl.DataFrame) -> str:
        """The currency, where a table has sums that are written otherwise than it holds them; else ""."""
        return self.currency if any(places for _, places, _ in self._amount_columns(table).values()) else ""

    def title_with_currency(self, title: str, table: pl.DataFrame) -> str:
        """A title that says the currency where the table needs it."""
        currency = self.currency_if_converted(table)
        return f"{title}; sums in {currency}" if currency else title

    def format_amounts(
        self, table: pl.DataFrame, write: Callable[[object], str], unit: int | None = None
    ) -> pl.DataFrame:
        """A table for people: columns with sums as texts, with the decimals of the currency and no more.

        Args:
            table: sums in the smallest unit, in columns of the names that this package uses.
            write: how another value of such a column is written.
            unit: one of `LARGE_UNITS`, to write amounts of money in it, to three significant digits.
        """

        def text(value: object, places: int, *, is_sum: bool, short: bool) -> str | None:
            if value is None:
                return None
            if not is_sum:
                return write(value)
            if short and unit:
                return short_amount(float(str(value)) / 10**places / unit)
            if isinstance(value, int | Decimal) and value == int(value):
                return in_units(int(value), places)
            return f"{Decimal(str(value)).scaleb(-places):,.{places}f}"

        told = {
            name: [
                text(value, places, is_sum=m, short=counts != "squares")
                for value, m in zip(table[name], mask, strict=True)
            ]
            for name, (counts, places, mask) in self._amount_columns(table).items()
        }
        if self.loss_digits and "parameters" in table.columns:
            told["parameters"] = [self.words.scaled(law) for law in table["parameters"]]
        return table.with_columns(pl.Series(name, texts, pl.String) for name, texts in told.items())

    def common_unit(self, table: pl.DataFrame) -> tuple[int, str] | None:
        """The largest unit that no amount of a table is below, and its name; None where there is none."""
        amounts = [
            abs(float(value)) / 10**places
            for name, (counts, places, mask) in self._amount_columns(table).items()
            if counts == "money" or (counts == "loss" and self.losses_are_money)
            for value in table[name].filter(mask).drop_nulls()
            if value
        ]
        if not amounts:
            return None
        return next(((size, name) for size, name in LARGE_UNITS if min(amounts) >= size), None)

    def _amount_columns(self, table: pl.DataFrame) -> dict[str, tuple[AmountKind, int, pl.Series]]:
        """Column -> what its sums are of, their decimal places, and which of its rows are sums."""
        columns = set(table.columns)
        if any(marks <= columns for marks in NO_AMOUNTS):
            return {}
        places = {"money": self.digits, "loss": self.loss_digits, "squares": 2 * self.loss_digits}
        found: dict[str, tuple[AmountKind, int, pl.Series]] = {}
        for name, dtype in table.schema.items():
            if not dtype.is_numeric():
                continue
            rules = (rule for rule in AMOUNT_RULES if rule[0] <= columns and name in rule[1])
            _, _, counts, where = next(rules, NO_RULE)
            is_money = counts == "money" or self.losses_are_money or places[counts]
            if is_money and (mask := table.select(where).to_series()).any():
                found[name] = counts, places[counts], mask
        return found
