"""Format amounts in displayed tables in whole currency, such as euros with two decimals, not in cents.

All other tables (results of functions, files, JSON) have amounts in the smallest unit of the currency.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

import polars as pl

from outage_analysis.assumptions import Ledger
from outage_analysis.files import bundled_ids
from outage_analysis.incidents import Incident, load_incident
from outage_analysis.policies import Policy, decimal_places
from outage_analysis.text import Locale, TableSchema, Unit, in_units

AMOUNT_UNITS: tuple[Unit, ...] = ("money", "loss", "loss_squared")
"""Units of columns whose values are converted from the smallest unit for display."""
LARGE_UNITS = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
"""Units for large amounts, the largest first."""
SHORT_DIGITS = 3
"""Significant digits of a shortened amount."""


def whole_counts(table: pl.DataFrame, schema: TableSchema | None) -> pl.DataFrame:
    """Round expected numbers of people, claims and payments in a table to whole numbers, for display.

    Args:
        table: a table whose number columns are columns of the schema.
        schema: the columns with their units; without a schema, the table is returned unchanged.
    """
    floats = [
        name
        for name, dtype in table.schema.items()
        if schema and dtype.is_float() and schema[name].unit == "count"
    ]
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

    def currency_if_converted(self, table: pl.DataFrame, schema: TableSchema | None) -> str:
        """Return the currency if `format_amounts` converts amounts of the table, else an empty text."""
        amounts = self._amount_units(table, schema).values()
        return self.currency if any(self._places[unit] for units in amounts for unit in units if unit) else ""

    def format_amounts(
        self,
        table: pl.DataFrame,
        schema: TableSchema | None,
        write: Callable[[object], str],
        unit: int | None = None,
    ) -> pl.DataFrame:
        """Format the amounts of a table as texts in whole currency or a larger unit, for display.

        Args:
            table: a table with amounts in the smallest unit, whose number columns are columns of the schema.
            schema: the columns with their units; without a schema, nothing is converted.
            write: formats the values in these columns that are not amounts.
            unit: the size of one of `LARGE_UNITS`, such as 1000000; amounts are then in this unit, with three
                significant digits.

        Returns:
            The table with amounts as texts; by default they have the decimals of the currency.
        """

        def text(value: object, amount: Unit | None) -> str | None:
            if value is None:
                return None
            if amount is None:
                return write(value)
            places = self._places[amount]
            if unit and amount != "loss_squared":
                return short_amount(float(str(value)) / 10**places / unit)
            if isinstance(value, int | Decimal) and value == int(value):
                return in_units(int(value), places)
            return f"{Decimal(str(value)).scaleb(-places):,.{places}f}"

        texts = {
            name: [text(value, amount) for value, amount in zip(table[name], amounts, strict=True)]
            for name, amounts in self._amount_units(table, schema).items()
        }
        if schema and self.loss_digits:
            for name in (
                c.name for c in schema.columns if c.unit == "parameters" and c.name in table.columns
            ):
                texts[name] = [self.locale.rescaled_distribution(value) for value in table[name]]
        return table.with_columns(pl.Series(name, column, pl.String) for name, column in texts.items())

    def common_unit(self, table: pl.DataFrame, schema: TableSchema | None) -> tuple[int, str] | None:
        """Return the largest unit, such as million, in which every amount is at least 1; None if none fits.

        The unit is (size, name). Amounts of 0, and columns that a terminal does not show, are not considered.
        """
        amounts = [
            abs(float(value)) / 10 ** self._places[unit]
            for name, units in self._amount_units(table, schema).items()
            for value, unit in zip(table[name], units, strict=True)
            if value
            and schema
            and schema[name].shown
            and (unit == "money" or (unit == "loss" and self.losses_are_money))
        ]
        if not amounts:
            return None
        return next(((size, name) for size, name in LARGE_UNITS if min(amounts) >= size), None)

    @property
    def _places(self) -> dict[Unit, int]:
        """The decimal places with which amounts, losses and squared losses are displayed."""
        return {"money": self.digits, "loss": self.loss_digits, "loss_squared": 2 * self.loss_digits}

    def _amount_units(self, table: pl.DataFrame, schema: TableSchema | None) -> dict[str, list[Unit | None]]:
        """Return, per column with amounts, the unit of each row; None if the row's value is no amount."""
        columns = [schema[name] for name, dtype in table.schema.items() if schema and dtype.is_numeric()]
        amounts = {
            column.name: [unit if self._is_amount(unit) else None for unit in column.units_in(table)]
            for column in columns
            if any(map(self._is_amount, column.possible_units))
        }
        return {name: units for name, units in amounts.items() if any(units)}

    def _is_amount(self, unit: Unit) -> bool:
        """Return whether values in a unit are amounts: of money, or of losses in money or with decimals."""
        if unit not in AMOUNT_UNITS:
            return False
        return unit == "money" or self.losses_are_money or bool(self._places[unit])
