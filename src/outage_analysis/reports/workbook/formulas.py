"""The expected cost as formulas over named cells, with the values that they give."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from outage_analysis.costs import Factor, Products, Term, rounded
from outage_analysis.reports.workbook.cells import Formula, LargerUnit, decimal_exponent, whole_currency
from outage_analysis.text import Locale

CHANGED_INPUTS_NAME = "inputs_changed"
"""The named cell that counts the inputs that differ from the model's."""
TOTAL_NAME = "expected_{}"
"""The named cell of a total."""
CELL_REFERENCE = re.compile(r"[A-Z]{1,3}[0-9]+|R[0-9]*(C[0-9]*)?|C[0-9]*|TRUE|FALSE", re.IGNORECASE)
"""What a formula would read as something else than a name."""
LineKey = tuple[str, str]
"""A cost line and a valuation."""


@dataclass(frozen=True)
class LiveFormulas:
    """What the sheets compute: terms in whole currency, and the names of the inputs."""

    products: Products
    words: Locale
    scale: LargerUnit
    cells: dict[str, str] = field(default_factory=dict)
    """Name -> the cell that it stands for, as the sheets are written."""

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The terms, those of a valuation and a line together, in the order of their first."""
        keys = list(dict.fromkeys((t.valuation, t.line) for t in self.products.terms))
        valuations = list(dict.fromkeys(t.valuation for t in self.products.terms))
        order = {key: (valuations.index(key[0]), place) for place, key in enumerate(keys)}
        return tuple(sorted(self.products.terms, key=lambda t: order[t.valuation, t.line]))

    @cached_property
    def factors(self) -> dict[str, Factor]:
        """The inputs by id."""
        return {factor.id: factor for factor in self.products.factors}

    @cached_property
    def valuations(self) -> tuple[str, ...]:
        """Every valuation that has a total."""
        return tuple(dict.fromkeys(term.valuation for term in self.terms))

    @cached_property
    def names(self) -> dict[str, str]:
        """The name of each input in formulas, by id."""
        return formula_names(
            self.factors, (CHANGED_INPUTS_NAME, *(TOTAL_NAME.format(v) for v in self.valuations))
        )

    def input_value(self, factor: Factor, value: float | None = None) -> float:
        """What stands in the cell of an input: sums in whole currency."""
        given = factor.value if value is None else value
        return whole_currency(self.words, given) if factor.measure == "money" else given

    def term_base(self, term: Term) -> float:
        """A term's count, or sum in whole currency: one of its numbers is a sum, and takes the unit."""
        sums = sum(self.factors[f].measure == "money" for f in term.factors)
        return float(term.base * 10.0 ** (self.words.minor_units * (sums - 1)))

    def term_value(self, term: Term) -> float:
        """What the formula of a term gives."""
        return rounded(
            math.prod((self.term_base(term), *(self.input_value(self.factors[f]) for f in term.factors)))
        )

    def total_value(self, valuation: str, line: str | None = None) -> float:
        """What the formula of a total gives."""
        wanted = (t for t in self.terms if t.valuation == valuation and line in (None, t.line))
        return rounded(math.fsum(map(self.term_value, wanted)))

    def term_formula(self, term: Term, cell: str) -> Formula:
        """The formula of a term whose base stands in a cell."""
        return Formula("=" + "*".join((cell, *(self.names[f] for f in term.factors))), self.term_value(term))

    def total_formula(self, valuation: str) -> Formula:
        """A total as the model gives it: to the smallest unit, or to its ten significant digits."""
        value = self.model_total(valuation)
        digits = min(self.words.minor_units, 9 - decimal_exponent(value)) if value else 0
        return Formula(f"=ROUND({TOTAL_NAME.format(valuation)},{digits})", round(value, digits))

    def model_total(self, valuation: str) -> float:
        """A total as the model gave it, in whole currency."""
        return whole_currency(self.words, self.products.expected(valuation))

    def scaled_formula(self, cell: str, value: float) -> Formula:
        """An amount of a cell in the larger unit."""
        return Formula(f"={cell}/{self.scale.size}", rounded(value / self.scale.size))


def formula_names(ids: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """A name for formulas for each id: no reference to a cell, and none twice, whatever the case."""
    found: dict[str, str] = {}
    used = {name.casefold() for name in taken}
    for id_ in ids:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", id_)
        if plain[:1].isdigit() or CELL_REFERENCE.fullmatch(plain):
            plain = f"_{plain}"
        name, number = plain, 2
        while name.casefold() in used:
            name, number = f"{plain}_{number}", number + 1
        used.add(name.casefold())
        found[id_] = name
    return found


def cell_address(row: int, column: int, *, fixed: bool = False) -> str:
    """A cell as formulas write it, from its row and column counted from 0; one of the first 26 columns."""
    mark = "$" if fixed else ""
    return f"{mark}{chr(ord('A') + column)}{mark}{row + 1}"


def quoted_text(text: str) -> str:
    """A word of ours as a text within a formula."""
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def sheet_reference(sheet: str, cell: str) -> str:
    """A cell of a sheet, as a defined name stands for it."""
    doubled = sheet.replace("'", "''")
    return f"='{doubled}'!{cell}"
