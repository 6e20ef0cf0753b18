"""Format displayed tables: loss bands in words, and amounts in euros with two decimals, not in cents.

All other tables (results of functions, files, JSON) have amounts in the smallest unit of the currency. The
units of a displayed table are those of a `Locale`: of an incident, a policy or a ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import polars as pl

from outage_analysis.assumptions import Ledger
from outage_analysis.files import bundled_ids
from outage_analysis.incidents import load_incident
from outage_analysis.policies import decimal_places
from outage_analysis.text import Locale, TableSchema, Unit, in_units


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


def bands_in_words(table: pl.DataFrame, locale: Locale) -> pl.DataFrame:
    """Return a table with one column `band` instead of its loss bands' edges `over` and `up_to`, if any."""
    if not {"over", "up_to"} <= set(table.columns) or not table.schema["over"].is_integer():
        return table
    with_band = table.with_columns(over=band_expression(locale)).drop("up_to")
    return with_band.rename({"over": "band"})


def band_expression(locale: Locale) -> pl.Expr:
    """Return a Polars expression that puts the loss band from columns `over` and `up_to` into words."""
    return pl.struct("over", "up_to").map_elements(
        lambda band: locale.band(band["over"], band["up_to"]), return_dtype=pl.String
    )


def ledger_locale(ledger: Ledger) -> Locale | None:
    """Return the English locale with the currency of a ledger; None if the currency is unknown.

    The currency is known if the ledger states it or if its incident is bundled.
    """
    if ledger.currency:
        return Locale("en", ledger.currency, decimal_places(ledger.currency))
    return (
        load_incident(ledger.incident).locale("en") if ledger.incident in bundled_ids("incidents") else None
    )


def currency_if_converted(table: pl.DataFrame, schema: TableSchema | None, locale: Locale) -> str:
    """Return the currency if `format_amounts` converts amounts of the table, else an empty text."""
    amounts = [unit for units in _amount_units(table, schema, locale).values() for unit in units if unit]
    return locale.currency if any(_places(unit, locale) for unit in amounts) else ""


def format_amounts(
    table: pl.DataFrame,
    schema: TableSchema | None,
    locale: Locale,
    write: Callable[[object], str],
) -> pl.DataFrame:
    """Format the amounts of a table as texts in whole currency, for display.

    Args:
        table: a table with amounts in the smallest unit, whose number columns are columns of the schema.
        schema: the columns with their units; without a schema, nothing is converted.
        locale: the currency, and the number formats of amounts and losses.
        write: formats the values in these columns that are not amounts.

    Returns:
        The table with amounts as texts, which have the decimals of the currency.
    """

    def text(value: object, unit: Unit | None) -> str | None:
        if value is None:
            return None
        if unit is None:
            return write(value)
        places = _places(unit, locale)
        if isinstance(value, int | Decimal) and value == int(value):
            return in_units(int(value), places)
        return f"{Decimal(str(value)).scaleb(-places):,.{places}f}"

    texts = {
        name: [text(value, unit) for value, unit in zip(table[name], units, strict=True)]
        for name, units in _amount_units(table, schema, locale).items()
    }
    for column in schema.columns if schema and locale.loss_digits else ():
        if column.unit == "parameters" and column.name in table.columns:
            texts[column.name] = [locale.rescaled_distribution(value) for value in table[column.name]]
    return table.with_columns(pl.Series(name, column, pl.String) for name, column in texts.items())


def _places(unit: Unit | None, locale: Locale) -> int:
    """Return the decimal places with which amounts, losses and squared losses are displayed."""
    places = {"money": locale.minor_units, "loss": locale.loss_digits, "loss_squared": 2 * locale.loss_digits}
    return places.get(unit or "", 0)


def _amount_units(
    table: pl.DataFrame, schema: TableSchema | None, locale: Locale
) -> dict[str, list[Unit | None]]:
    """Return, per column with amounts, the unit of each row; None if the row's value is no amount."""
    money = ("money",) if locale.loss_unit != locale.currency else ("money", "loss", "loss_squared")
    amounts: dict[str, list[Unit | None]] = {}
    for name, dtype in table.schema.items():
        column = schema[name] if schema and dtype.is_numeric() else None
        known = {u for u in (column.possible_units if column else ()) if u in money or _places(u, locale)}
        if column and known:
            amounts[name] = [unit if unit in known else None for unit in column.units_in(table)]
    return {name: units for name, units in amounts.items() if any(units)}
