"""Write the expected cost as Excel formulas that refer to named input cells, with computed values."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from outage_analysis.costs import LiveCost, LiveInput, Product, round_digits
from outage_analysis.reports.workbook.cells import Formula, LargerUnit, decimal_exponent, whole_currency
from outage_analysis.text import Locale

CHANGED_INPUTS_NAME = "inputs_changed"
"""The named cell with the number of inputs that the user changed."""
TOTAL_NAME = "expected_{}"
"""The named cell with the total of a valuation."""
CELL_REFERENCE = re.compile(r"[A-Z]{1,3}[0-9]+|R[0-9]*(C[0-9]*)?|C[0-9]*|TRUE|FALSE", re.IGNORECASE)
"""Texts that a formula would parse as a cell reference or a truth value instead of a name."""
LineKey = tuple[str, str]
"""A cost line and a valuation."""


@dataclass(frozen=True)
class LiveFormulas:
    """The live formulas of a workbook: cost terms (products of inputs), and names of the input cells."""

    products: LiveCost
    locale: Locale
    scale: LargerUnit
    cells: dict[str, str] = field(default_factory=dict)
    """Defined name -> the cell it refers to; filled while the sheets are written."""

    @cached_property
    def terms(self) -> tuple[Product, ...]:
        """The cost terms (products of inputs), grouped by valuation and cost line."""
        keys = list(dict.fromkeys((t.valuation, t.line) for t in self.products.terms))
        valuations = list(dict.fromkeys(t.valuation for t in self.products.terms))
        order = {key: (valuations.index(key[0]), index) for index, key in enumerate(keys)}
        return tuple(sorted(self.products.terms, key=lambda t: order[t.valuation, t.line]))

    @cached_property
    def factors(self) -> dict[str, LiveInput]:
        """The inputs (factors) of the expected cost, by id."""
        return {factor.id: factor for factor in self.products.factors}

    @cached_property
    def valuations(self) -> tuple[str, ...]:
        """All valuations (such as cash or list price) for which there is a total."""
        return tuple(dict.fromkeys(term.valuation for term in self.terms))

    @cached_property
    def names(self) -> dict[str, str]:
        """The Excel name of the cell of each input, by input id."""
        return formula_names(
            self.factors, (CHANGED_INPUTS_NAME, *(TOTAL_NAME.format(v) for v in self.valuations))
        )

    def input_value(self, factor: LiveInput, value: float | None = None) -> float:
        """Return a value of an input as its cell shows it: amounts are in whole currency.

        By default, this is the value that the report uses.
        """
        number = factor.value if value is None else value
        return whole_currency(self.locale, number) if factor.measure == "money" else number

    def term_base(self, term: Product) -> float:
        """Return the constant by which the inputs of a cost term are multiplied to give whole currency.

        If one input of the term is an amount, the constant is a count; otherwise the constant is an amount.
        """
        amounts = sum(self.factors[f].measure == "money" for f in term.factors)
        return float(term.base * 10.0 ** (self.locale.minor_units * (amounts - 1)))

    def term_value(self, term: Product) -> float:
        """Return the value of a cost term in whole currency: its constant times the values of its inputs."""
        return round_digits(
            math.prod((self.term_base(term), *(self.input_value(self.factors[f]) for f in term.factors)))
        )

    def total_value(self, valuation: str, line: str | None = None) -> float:
        """Return the total of a valuation, such as cash, or of one cost line in it, in whole currency."""
        wanted = (t for t in self.terms if t.valuation == valuation and line in (None, t.line))
        return round_digits(math.fsum(map(self.term_value, wanted)))

    def term_formula(self, term: Product, cell: str) -> Formula:
        """Return the formula of a cost term: the constant in the cell `cell` times the named input cells."""
        return Formula("=" + "*".join((cell, *(self.names[f] for f in term.factors))), self.term_value(term))

    def total_formula(self, valuation: str) -> Formula:
        """Return the formula of the total of a valuation, such as cash.

        The total is rounded to ten significant digits, or to the smallest currency unit if that is coarser.
        """
        value = self.model_total(valuation)
        digits = min(self.locale.minor_units, 9 - decimal_exponent(value)) if value else 0
        return Formula(f"=ROUND({TOTAL_NAME.format(valuation)},{digits})", round(value, digits))

    def model_total(self, valuation: str) -> float:
        """Return the total of a valuation, such as cash, as computed by the model, in whole currency."""
        return whole_currency(self.locale, self.products.expected(valuation))

    def scaled_formula(self, cell: str, value: float) -> Formula:
        """Return the formula that converts the amount in a cell to the larger unit, such as millions."""
        return Formula(f"={cell}/{self.scale.size}", round_digits(value / self.scale.size))


def formula_names(ids: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return a valid and unique Excel name for each id: id -> name.

    No name looks like a cell reference, and no two names are equal if case is ignored.
    """
    names: dict[str, str] = {}
    used = {name.casefold() for name in taken}
    for id_ in ids:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", id_)
        if plain[:1].isdigit() or CELL_REFERENCE.fullmatch(plain):
            plain = f"_{plain}"
        name, number = plain, 2
        while name.casefold() in used:
            name, number = f"{plain}_{number}", number + 1
        used.add(name.casefold())
        names[id_] = name
    return names


def cell_address(row: int, column: int, *, fixed: bool = False) -> str:
    """Return the address of a cell, such as B3 or $B$3; row and column are counted from 0.

    The column must be one of A to Z.
    """
    mark = "$" if fixed else ""
    return f"{mark}{chr(ord('A') + column)}{mark}{row + 1}"


def quoted_text(text: str) -> str:
    """Return a label as a quoted text for use in a formula."""
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def sheet_reference(sheet: str, cell: str) -> str:
    """Return the reference to a cell of a sheet, in the form that defining an Excel name requires."""
    doubled = sheet.replace("'", "''")
    return f"='{doubled}'!{cell}"
