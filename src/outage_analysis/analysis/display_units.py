"""Format the amounts in displayed tables in whole currency, with the decimals of the currency.

All other tables (results of functions, files, JSON) have amounts in the smallest unit of the currency.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Self

import polars as pl

from outage_analysis.assumptions import AMOUNT_KINDS, Ledger
from outage_analysis.files import bundled_ids
from outage_analysis.incidents import Incident, load_incident
from outage_analysis.policies import Policy, decimal_places
from outage_analysis.text import PERCENTILE_MEASURES, LikelyRange, Locale, in_units

AmountKind = Literal["money", "loss", "squares"]

NO_AMOUNTS = ({"unit"}, {"branch"}, {"origin"})
"""A table with one of these columns has no amounts: its rows state their own units, or they are counts."""
RANGE = ("low", "expected", "high", "most")
QUANTILES = (*LikelyRange().columns, *PERCENTILE_MEASURES)
INPUTS = ("input_low", "input_high", *RANGE, "break_even", "flips_at", "usual", "given_exceedance")
ALWAYS, NEVER = (pl.repeat(value, pl.len()) for value in (True, False))
IS_AMOUNT = pl.col("kind").is_in(AMOUNT_KINDS)
AMOUNT_RULES: tuple[tuple[set[str], tuple[str, ...], AmountKind, pl.Expr], ...] = (
    ({"stage", "outcome"}, (*QUANTILES, "observed"), "money", pl.col("stage").is_in(["paid", "total"])),
    ({"stage"}, RANGE, "money", NEVER),
    # For alternative award rules, the measures other than the median are probabilities, not amounts.
    ({"kind", "measure"}, INPUTS, "money", IS_AMOUNT & (pl.col("measure") == "median")),
    ({"kind"}, INPUTS, "money", IS_AMOUNT),
    ({"probability"}, ("value", "low", "high", "error"), "loss", ALWAYS),
    ({"quantity"}, ("value", "low", "high", "average", "least", "greatest"), "loss", ALWAYS),
    ({"statistic"}, ("first", "second", "difference", "low", "high"), "loss", ALWAYS),
    ({"share_first"}, ("difference", "low", "high"), "money", NEVER),
    ({"measure"}, ("value", "error", "stressed"), "money", ALWAYS),
    ({"lever"}, ("step",), "money", pl.col("lever") == "award"),
    ({"even"}, ("step",), "loss", ALWAYS),
    ({"fact"}, RANGE, "money", pl.col("fact") == ""),  # published facts are already in whole currency
    ({"amount"}, ("amount", "total"), "money", ALWAYS),
    ({"tail"}, ("mean", "tail"), "money", ALWAYS),
    ({"expected"}, RANGE, "money", ALWAYS),
    (
        set(),
        (
            *("promised", "most", *QUANTILES, "tvar95", "sd", "per_recipient", "difference"),
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
"""Rules that decide which columns contain amounts; the first rule that matches a column applies.

Each rule has: the columns that the table must have, the columns that then contain amounts, the kind of
amount, and an expression for the rows in which they are amounts.
"""
NO_RULE: tuple[set[str], tuple[str, ...], AmountKind, pl.Expr] = (set(), (), "money", NEVER)
COUNT_RULES: tuple[tuple[set[str], tuple[str, ...]], ...] = (
    (set(), ("count", "recipients", "late")),
    ({"branch"}, ("total",)),
    ({"stage"}, RANGE),
)
"""Rules that decide which columns are numbers of people, claims or payments: (columns that the table must
have, columns that are then counts)."""
LARGE_UNITS = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
"""Units for large amounts, the largest first."""
SHORT_DIGITS = 3
"""Significant digits of a shortened amount."""


def whole_counts(table: pl.DataFrame) -> pl.DataFrame:
    """Round expected numbers of people, claims and payments in a table to whole numbers, for display."""
    columns = set(table.columns)
    names = {name for required, counts in COUNT_RULES if required <= columns for name in counts}
    floats = [name for name in table.columns if name in names and table.schema[name].is_float()]
    return table.with_columns(pl.col(floats).round(mode="half_away_from_zero").cast(pl.Int64))


def short_amount(value: float) -> str:
    """Format an amount to three significant digits: 190, 6.29, 161,000."""
    if not value or not math.isfinite(value):
        return f"{value:.0f}"
    rounded = Locale.rounded(value, SHORT_DIGITS)
    places = max(0, SHORT_DIGITS - 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{places}f}"


@dataclass(frozen=True)
class DisplayUnits:
    """The currency and number formats for amounts and losses in displayed tables."""

    currency: str
    digits: int
    """Decimal places of the currency."""
    loss_digits: int
    """Decimal places of a loss, if losses are amounts of money."""
    losses_are_money: bool = False
    """Whether losses are amounts of the currency and not, for example, minutes."""
    divisible: bool = False
    """Whether a loss may be a fraction of a unit."""
    starts: frozenset[int] = frozenset()
    """Band edges that belong to the upper band, such as 300000 in [0, 300000), stored as 299999."""

    @classmethod
    def from_document(cls, document: Incident | Policy, starts: Iterable[int] = ()) -> Self:
        """Return the display units of an incident or a policy.

        Args:
            document: the incident or policy.
            starts: further band edges that belong to the upper band, such as 300000 in [0, 300000), stored as
                299999.
        """
        locale = document.locale("en")
        cuts = locale.starts.union(starts)
        unit = document.loss.unit if isinstance(document, Incident) else document.loss_unit
        money = unit == document.currency
        return cls(locale.currency, locale.minor_units, locale.loss_digits, money, locale.divisible, cuts)

    @property
    def locale(self) -> Locale:
        """The English locale with these units."""
        return Locale("en", self.currency, self.digits, self.loss_digits, self.divisible, self.starts)

    @classmethod
    def from_ledger(cls, ledger: Ledger) -> Self | None:
        """Return the display units of a ledger; None if the currency is unknown.

        The currency is known if the ledger states it or if its incident is bundled.
        """
        if ledger.currency:
            return cls(ledger.currency, decimal_places(ledger.currency), 0)
        return (
            cls.from_document(load_incident(ledger.incident))
            if ledger.incident in bundled_ids("incidents")
            else None
        )

    def currency_if_converted(self, table: pl.DataFrame) -> str:
        """Return the currency if `format_amounts` converts amounts of the table, else an empty text."""
        return self.currency if any(places for _, places, _ in self._amount_columns(table).values()) else ""

    def title_with_currency(self, title: str, table: pl.DataFrame) -> str:
        """Return the title, with the currency added if `format_amounts` converts amounts of the table."""
        currency = self.currency_if_converted(table)
        return f"{title}; sums in {currency}" if currency else title

    def format_amounts(
        self, table: pl.DataFrame, write: Callable[[object], str], unit: int | None = None
    ) -> pl.DataFrame:
        """Convert columns with amounts to texts, for display.

        Args:
            table: a table with amounts in the smallest unit, in columns with the names that this package
                uses.
            write: formats the values in these columns that are not amounts.
            unit: the size of one of `LARGE_UNITS`, such as 1000000; amounts are then in this unit, with three
                significant digits.

        Returns:
            The table with amounts as texts; by default they have the decimals of the currency.
        """

        def text(value: object, places: int, *, is_amount: bool, short: bool) -> str | None:
            if value is None:
                return None
            if not is_amount:
                return write(value)
            if short and unit:
                return short_amount(float(str(value)) / 10**places / unit)
            if isinstance(value, int | Decimal) and value == int(value):
                return in_units(int(value), places)
            return f"{Decimal(str(value)).scaleb(-places):,.{places}f}"

        texts = {
            name: [
                text(value, places, is_amount=m, short=kind != "squares")
                for value, m in zip(table[name], mask, strict=True)
            ]
            for name, (kind, places, mask) in self._amount_columns(table).items()
        }
        if self.loss_digits and "parameters" in table.columns:
            texts["parameters"] = [self.locale.rescaled_distribution(text) for text in table["parameters"]]
        return table.with_columns(pl.Series(name, column, pl.String) for name, column in texts.items())

    def common_unit(self, table: pl.DataFrame) -> tuple[int, str] | None:
        """Return the largest unit, such as million, that is not larger than any amount of a table, or None.

        The unit is (size, name). Amounts of 0 are not considered.
        """
        amounts = [
            abs(float(value)) / 10**places
            for name, (kind, places, mask) in self._amount_columns(table).items()
            if kind == "money" or (kind == "loss" and self.losses_are_money)
            for value in table[name].filter(mask).drop_nulls()
            if value
        ]
        if not amounts:
            return None
        return next(((size, name) for size, name in LARGE_UNITS if min(amounts) >= size), None)

    def _amount_columns(self, table: pl.DataFrame) -> dict[str, tuple[AmountKind, int, pl.Series]]:
        """Return the columns with amounts: name -> (kind of amount, decimal places, mask of amount rows)."""
        columns = set(table.columns)
        if any(required <= columns for required in NO_AMOUNTS):
            return {}
        places = {"money": self.digits, "loss": self.loss_digits, "squares": 2 * self.loss_digits}
        amounts: dict[str, tuple[AmountKind, int, pl.Series]] = {}
        for name, dtype in table.schema.items():
            if not dtype.is_numeric():
                continue
            rules = (rule for rule in AMOUNT_RULES if rule[0] <= columns and name in rule[1])
            _, _, kind, where = next(rules, NO_RULE)
            is_money = kind == "money" or self.losses_are_money or places[kind]
            if is_money and (mask := table.select(where).to_series()).any():
                amounts[name] = kind, places[kind], mask
        return amounts
