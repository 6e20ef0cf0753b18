"""What every result about an incident has in common: inputs, warnings, the notebook card, its tables.

Inside, the tables of a result have amounts in the smallest unit of the currency, and loss bands are exact.
Wherever a table leaves a result (as a frame, a file, JSON, or printed), `TableSchema.whole` has converted it
to whole currency. The decimals are those of a `Locale`: of an incident, a policy or a ledger.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, TypedDict

import polars as pl

from outage_analysis.assumptions import Ledger, example_warning
from outage_analysis.errors import one_line
from outage_analysis.files import bundled_ids
from outage_analysis.incidents import Incident, load_incident
from outage_analysis.policies import Policy, decimal_places, policy_names
from outage_analysis.text import (
    Answer,
    Card,
    Displayable,
    Locale,
    Result,
    ShownTable,
    Table,
    TableSchema,
    Unit,
    first_rows,
    in_units,
    scaled_parameters,
    schema_of,
)

if TYPE_CHECKING:  # types only; without the second import a command that reads no claims is faster
    from outage_analysis.analysis.plan import Plan
    from outage_analysis.claims import Claims

CARD_TABLES = 2
"""A notebook card has at most this many of the tables of an answer."""


class ChartLook(TypedDict, total=False):
    """How a chart of a result looks: width and height in pixels, and a title in place of its finding."""

    width: int | None
    height: int | None
    title: str | None


@dataclass(frozen=True, repr=False)
class IncidentResult(Displayable, Result):
    """A result for one incident as of one day. Notebooks show its answer as a card."""

    plan: Plan
    """The plan, whose policy is not always one of the policies."""
    incident: Incident
    policies: tuple[Policy, ...]
    """The policies that the result is about, the most important first."""
    ledger: Ledger | None
    as_of: date
    claims: Claims | None
    """The claims that the costs are computed from; None if they come from counts."""

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: everything except the rows of the claims."""
        claims = self.claims.without_rows() if self.claims else None
        own = {} if claims is None else {"claims": claims, "plan": replace(self.plan, claims=claims)}
        return {**self.__dict__, **own}

    @property
    @abstractmethod
    def used_assumptions(self) -> AbstractSet[str]:
        """The ids of the assumptions that the figures depend on."""

    @property
    @abstractmethod
    def synthetic(self) -> bool:
        """Whether the claims are synthetic."""

    @property
    def policy(self) -> Policy:
        """The policy that the result is about; of `solve`, the solution or, if there is none, the nearest."""
        return self.policies[0]

    def names(self, lang: str) -> dict[str, str]:
        """Display names by id, for services, cost lines, assumptions and policies.

        If two policies have the same name, the id is appended. A line may have the id of the only policy.
        """
        entries = self.ledger.assumptions if self.ledger else ()
        items = (*entries, *(line for policy in reversed(self.policies) for line in policy.lines))
        named = self.incident.display_names(lang) | {item.id: item.name[lang] for item in items}
        of_policies = policy_names(self.policies, lang)
        return named | of_policies if len(self.policies) > 1 else of_policies | named

    @property
    def known_ledger(self) -> Ledger | None:
        """The ledger as known on the day of the analysis."""
        return self.ledger.as_known_on(self.as_of) if self.ledger else None

    @property
    def used_ledger(self) -> Ledger | None:
        """The ledger as known on the day of the analysis, with only the assumptions that a result uses."""
        known = self.known_ledger
        return known.with_only(frozenset(self.used_assumptions)) if known else None

    def whole(self, table: pl.DataFrame, name: str) -> pl.DataFrame:
        """Return a table that tables.csv names so, with amounts in whole currency."""
        return schema_of(name).whole(table, self.incident.locale("en").places)

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs as plain values, such as incident, ledger, as-of day, draws and seed."""
        used = self.used_ledger
        return {
            "incident": self.incident.id,
            "ledger": self.ledger.id if self.ledger else None,
            "as_of": self.as_of,
            "currency": self.incident.currency,
            "minor_units": self.incident.minor_units,
            "synthetic_claims": self.synthetic,
            "draws": self.plan.draws,
            "seed": self.plan.seed,
            "level": self.plan.level,
            **({"examples": used.examples} if used and used.examples else {}),
        }

    def warnings(self, lang: str) -> list[str]:
        """Return sentences on rejected rows, and on assumptions that are only examples."""
        return input_warnings(self.claims, self.used_ledger, lang)

    def card(self, lang: str = "en") -> Card:
        """Return the summary for notebooks: inputs, the answer in sentences, and its first tables."""
        answer = self.answer(lang)
        locale, policies = answer.locale, "; ".join(policy.name[lang] for policy in self.policies)
        lines = [
            locale("report.kicker", day=locale.day(self.as_of)),
            locale("report.policy", policy=policies),
            *([locale("card.synthetic")] if self.synthetic else []),
            *filter(None, [example_warning(self.used_ledger, locale)]),
        ]
        return answer_card(self.incident.name[lang], lines, answer)


def answer_card(title: str, lines: Sequence[str], answer: Answer) -> Card:
    """Return a card with the sentences and the first tables of an answer."""
    shown = []
    for each in islice((table for table in answer.tables if isinstance(table, ShownTable)), CARD_TABLES):
        texts, caption = text_table(each, answer), title_with_currency(each, answer.locale)
        rows, more = first_rows(answer.locale, texts.rows, tuple, ".to_dict()")
        shown.append(Table(texts.heads, rows, texts.numbers, caption, more))
    return Card(title, tuple(lines), tuple(shown), (*answer.sentences, *answer.card_notes))


def input_warnings(claims: Claims | None, ledger: Ledger | None, lang: str) -> list[str]:
    """Return sentences that say how many rows were rejected, and how many assumptions are only examples.

    For files without an incident of their own, the first reject is explained.
    """
    locale, found = Locale(lang), list[str]()
    if claims and (rejects := int(claims.files["rejects"].sum())):
        counts, key = {"rejects": f"{rejects:,}", "rows": f"{rejects + len(claims):,}"}, "terminal.rejects"
        if claims.incident.window == "observed":
            from outage_analysis.claims import explain_reject  # imported here: few need it
            from outage_analysis.losses import reject_sentence

            key = "terminal.rejects_observed"
            first = explain_reject(claims.incident, claims.rejected_rows.row(0, named=True), lang)
            counts["first"] = reject_sentence(first, lang)
        found.append(locale(key, **counts))
    return [*found, *filter(None, [example_warning(ledger, locale)])]


LONGEST_CELL = 400
"""Most characters that are printed of a table cell."""


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
    known = ledger.incident in bundled_ids("incidents")
    return load_incident(ledger.incident).locale("en") if known else None


def currency_if_converted(table: pl.DataFrame, schema: TableSchema | None, locale: Locale) -> str:
    """Return the currency if `format_amounts` converts amounts of the table, else an empty text."""
    amounts = [unit for units in _amount_units(table, schema, locale).values() for unit in units if unit]
    return locale.currency if any(locale.places.get(unit) for unit in amounts) else ""


def format_amounts(
    table: pl.DataFrame,
    schema: TableSchema | None,
    locale: Locale,
    write: Callable[[object], str],
    *,
    whole: bool = False,
) -> pl.DataFrame:
    """Format the amounts of a table as texts in whole currency, for display.

    Args:
        table: a table whose number columns are columns of the schema.
        schema: the columns with their units; without a schema, no column has amounts.
        locale: the currency, and the number formats of amounts and losses.
        write: formats the values in these columns that are not amounts.
        whole: whether the amounts are in whole currency already, not in the smallest unit.

    Returns:
        The table with amounts as texts, which have the decimals of the currency.
    """

    def text(value: object, unit: Unit | None) -> str | None:
        if value is None or unit is None:
            return None if value is None else write(value)
        places = locale.places.get(unit, 0)
        if whole:
            return f"{value:,.{places}f}"
        if isinstance(value, int | Decimal) and value == int(value):
            return in_units(int(value), places)
        return f"{Decimal(str(value)).scaleb(-places):,.{places}f}"

    texts = {
        name: [text(value, unit) for value, unit in zip(table[name], units, strict=True)]
        for name, units in _amount_units(table, schema, locale).items()
    }
    for column in schema.columns if schema else ():
        if column.unit == "parameters" and column.name in table.columns:
            scaled = (scaled_parameters(x, 0 if whole else locale.loss_digits) for x in table[column.name])
            texts[column.name] = [*map(locale.translated_distribution, scaled)]
    return table.with_columns(pl.Series(name, column, pl.String) for name, column in texts.items())


def _amount_units(
    table: pl.DataFrame, schema: TableSchema | None, locale: Locale
) -> dict[str, list[Unit | None]]:
    """Return, per column with amounts, the unit of each row; None if the row's value is no amount."""
    money = ("money",) if locale.loss_unit != locale.currency else ("money", "loss", "loss_squared")
    amounts: dict[str, list[Unit | None]] = {}
    for name, dtype in table.schema.items():
        column = schema[name] if schema and dtype.is_numeric() else None
        known = {u for u in (column.possible_units if column else ()) if u in money or locale.places.get(u)}
        if column and known:
            amounts[name] = [unit if unit in known else None for unit in column.units_in(table)]
    return {name: units for name, units in amounts.items() if any(units)}


def title_with_currency(shown: ShownTable, locale: Locale) -> str:
    """Return the title of a table, with the currency if amounts are converted and the title lacks it."""
    currency = currency_if_converted(shown.rows, shown.schema, locale)
    stated = not currency or currency in shown.title
    return one_line(shown.title if stated else shown.title + locale("terminal.sums", currency=currency))


def text_table(shown: ShownTable, answer: Answer, *, narrow: bool = False) -> Table:
    """Return a table as it is printed: heads and cells in the language and the units of the answer.

    Args:
        shown: the table.
        answer: the answer to which it belongs.
        narrow: leave out the columns that only a wide terminal shows.
    """
    locale, names, schema = answer.locale, answer.names, shown.schema
    frame = shown.rows
    if {"over", "up_to"} <= set(frame.columns) and frame.schema["over"].is_integer():
        band = band_expression(locale)
        if "level" in frame.columns:  # rows of cost lines and totals have no band
            band = pl.when(pl.col("level") == "band").then(band)
        frame = frame.with_columns(over=band).drop("up_to").rename({"over": "band"})
    frame = frame.drop(name for name in frame.columns if len(frame) and not frame[name].count())
    texts = format_amounts(whole_counts(frame, schema), schema, locale, _cell_text)
    kept = {True} if narrow else {True, "wide"}
    hidden = [column.name for column in schema.columns if column.shown not in kept] if schema else []
    # Hidden columns are dropped after formatting, because the unit of an amount may depend on them.
    texts = texts.drop(hidden, strict=False)
    numbers = frozenset(n for n, name in enumerate(texts.columns) if frame.schema[name].is_numeric())
    columns = {column.name: column for column in schema.columns} if schema else {}
    labels = [columns[name].label if name in columns else name for name in texts.columns]
    heads = tuple(
        one_line(_translated(label, locale, ("column", "word")) or label, LONGEST_CELL) for label in labels
    )
    rows = (
        [
            _translated_cell(value, columns[name].unit, locale, names) if name in columns else value
            for name, value in zip(texts.columns, row, strict=True)
        ]
        for row in texts.iter_rows()
    )
    return Table(heads, tuple(tuple(map(_cell_text, row)) for row in rows), numbers)


def _translated_cell(value: object, unit: object, locale: Locale, names: Mapping[str, str]) -> object:
    if value is None:
        return None
    if unit == "name":
        return names.get(str(value), value)
    if unit == "names":
        return "; ".join(names.get(id_, id_) for id_ in str(value).split())
    if unit in ("word", "rule"):
        return _translated(value, locale, (str(unit),)) or value
    if unit == "flag":
        return locale(f"word.{str(value).lower()}")
    return locale.unit_name(str(value)) if unit == "unit" else value


def _translated(key: object, locale: Locale, sections: Iterable[str]) -> str | None:
    """Return the translation of a key from the first section of the labels that has it; None if none has."""
    found = (f"{section}.{key}" for section in sections if locale.has_label(f"{section}.{key}"))
    return next((locale(name) for name in found), None)


def _cell_text(value: object) -> str:
    """Return a table cell as text.

    Numbers get thousands separators. Other values are put on one line, without control characters.
    """
    if value is None:
        return ""
    if isinstance(value, float | int | Decimal) and not isinstance(value, bool):
        return Locale("en").number(value)
    return one_line(value, LONGEST_CELL)
