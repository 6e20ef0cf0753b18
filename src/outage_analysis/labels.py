"""Words, numbers, dates and bands as a reader sees them, in English and Korean."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal

from outage_analysis.errors import UsageError

LARGE = 100
"""From here on prose has no decimals."""
LANGUAGES = ("en", "ko")
Kind = Literal[
    "text", "name", "names", "word", "rule", "links", "facts",
    "whole", "decimal", "money", "loss", "share", "day", "counted",
]  # fmt: skip

COLUMNS: dict[str, Kind] = {
    "as_expected": "word",
    "approved_by": "text",
    "assumption": "name",
    "assumptions": "names",
    "basis": "word",
    "claimant_type": "names",
    "claims": "whole",
    "closes_on": "day",
    "computed": "decimal",
    "cost_expected": "money",
    "cost_high": "money",
    "cost_low": "money",
    "count": "whole",
    "counts": "text",
    "cumulative": "whole",
    "effort": "word",
    "expected": "money",
    "facts": "facts",
    "file": "text",
    "filed_on": "day",
    "grade": "text",
    "group": "text",
    "high": "money",
    "hours_high": "decimal",
    "hours_low": "decimal",
    "id": "text",
    "input_high": "decimal",
    "input_low": "decimal",
    "kind": "word",
    "left_out": "names",
    "line": "name",
    "loss": "whole",
    "low": "money",
    "note": "text",
    "obligation": "text",
    "owner": "text",
    "payment": "text",
    "presentation": "text",
    "printed": "decimal",
    "promised": "money",
    "public_on": "day",
    "published_count": "counted",
    "quantity": "text",
    "rationale": "text",
    "rejects": "whole",
    "relation": "text",
    "rows": "whole",
    "rule": "word",
    "segment": "text",
    "service": "name",
    "share": "share",
    "source": "links",
    "source_file": "text",
    "stage": "word",
    "status": "word",
    "tie_out": "name",
    "unit": "text",
    "valuation": "word",
    "value": "decimal",
    "value_high": "decimal",
    "value_low": "decimal",
    "band": "text",
    "eligibility": "text",
    "expected_text": "text",
    "range_text": "text",
    "rule_text": "rule",
    "encoding": "text",
    "dialect": "text",
    "first_day": "day",
    "last_day": "day",
    "outcome": "word",
    "complaints": "whole",
    "source_row": "whole",
    "example": "text",
    "told_by": "text",
    "grain": "word",
    "claimants": "whole",
    "filed_again": "whole",
    "step": "loss",
    "even": "share",
}
"""Column -> how it is shown. Its title is the word `column.<name>`."""


@cache
def _words(lang: str) -> dict[str, str]:
    page = tomllib.loads((files(__package__) / "words" / f"{lang}.toml").read_text("utf-8"))
    return {f"{section}.{key}": text for section, words in page.items() for key, text in words.items()}


@dataclass(frozen=True)
class Words:
    """One language: words by key, and how it writes numbers, money, days and bands."""

    lang: str
    currency: str = "KRW"
    minor_units: int = 0
    loss_digits: int = 0
    """Decimal places of a loss: those of the currency, when losses are money."""

    def __post_init__(self) -> None:
        """Refuse a language that there is not."""
        if self.lang not in LANGUAGES:
            raise UsageError("no such language", value=self.lang, remedy="Known: en, ko.")

    def __call__(self, key: str, **values: object) -> str:
        """The word of a key, with its placeholders filled; a missing key is an error of ours."""
        return _words(self.lang)[key].format(**values)

    def has(self, key: str) -> bool:
        """Whether there is such a word."""
        return key in _words(self.lang)

    @property
    def unit(self) -> str:
        """The currency as people say it."""
        key = f"currency.{self.currency}"
        return self(key) if self.has(key) else self.currency

    def number(self, value: float) -> str:
        """A whole number with separators, or up to four significant digits below 100."""
        if float(value).is_integer() or abs(value) >= LARGE:
            return f"{value:,.0f}"
        return f"{value:,.4g}"

    def exact(self, value: float) -> str:
        """A figure in a table: whole numbers in full, others to two decimals, small ones to three digits."""
        if float(value).is_integer():
            return f"{value:,.0f}"
        if abs(value) < 1:
            return f"{value:.3g}"
        return f"{value:,.2f}".rstrip("0").rstrip(".")

    def share(self, value: float) -> str:
        """A share in percent, two significant digits."""
        percent = value * 100
        if percent == 0:
            return "0%"
        digits = max(0, 1 - math.floor(math.log10(abs(percent))))
        return f"{percent:.{min(digits, 4)}f}%"

    def day(self, value: date) -> str:
        """A day: 29 December 2022, or 2022. 12. 29."""
        if self.lang == "ko":
            return f"{value.year}. {value.month}. {value.day}."
        return f"{value.day} {value:%B %Y}"

    def short_day(self, value: date) -> str:
        """A day on an axis: 29 Dec, or 12. 29."""
        return f"{value.month}. {value.day}." if self.lang == "ko" else f"{value.day} {value:%b}"

    def exact_money(self, amount: float) -> str:
        """An amount of the smallest unit in whole currency, every digit: for tables."""
        return f"{amount / 10**self.minor_units:,.{self.minor_units}f}"

    def money(self, amount: float) -> str:
        """An amount in prose: two significant digits in the unit a person says."""
        units = self.rounded(amount / 10**self.minor_units)
        if self.lang == "ko" and self.currency == "KRW":
            return self._korean(round(units))
        divisor, name = self.scale(units)
        shown = f"{units / divisor:,.10g}" + (name if self.lang == "ko" else f" {name}".rstrip())
        return f"{shown} {self.unit}"

    def money_range(self, low: float, high: float) -> str:
        """Two amounts in prose; the unit is said once when both share it."""
        first, last = self.money(low), self.money(high)
        number, _, unit = first.partition(" ")
        return (
            f"{number} – {last}"
            if self.lang == "en" and unit == last.partition(" ")[2]
            else f"{first} – {last}"
        )

    @staticmethod
    def rounded(value: float, digits: int = 2) -> float:
        """A modelled figure keeps two significant digits in prose."""
        if value == 0:
            return 0.0
        return round(value, digits - 1 - math.floor(math.log10(abs(value))))

    def scale(self, largest: float) -> tuple[int, str]:
        """The divisor and its name for amounts up to `largest`, in units of the currency."""
        steps = (
            ((10**8, "억"), (10**4, "만"))
            if self.lang == "ko"
            else ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
        )
        return next(((size, name) for size, name in steps if largest >= size), (1, ""))

    def axis(self, largest: float) -> tuple[float, str]:
        """The divisor from the smallest unit, and the unit's name, for an axis up to `largest`."""
        units = largest / 10**self.minor_units
        # A Korean axis below ten 억 reads better in 만 than in tenths of an 억.
        size, name = self.scale(min(units, 10**8 - 1) if self.lang == "ko" and units < 10**9 else units)
        joined = f"{name} {self.unit}".strip()
        return size * 10**self.minor_units, joined

    def _korean(self, won: int) -> str:
        parts = []
        for size, name in ((10**12, "조"), (10**8, "억"), (10**4, "만")):
            if won >= size:
                parts.append(f"{won // size:,}{name}")
                won %= size
        if won or not parts:
            parts.append(f"{won:,}")
        return " ".join(parts) + (" 원" if parts[-1][-1] in "조억만" else "원")

    def band(self, over: int | None, up_to: int | None) -> str:
        """A loss band in words that are exact for whole numbers: 300,001 to 500,000."""
        if over is None:
            return self("band.unknown") if up_to is None else self("band.negative")
        if up_to == 0:
            return self("band.zero")
        if up_to is None:
            return self("band.over", low=self.loss(over))
        if over == 0:
            return self("band.up_to", high=self.loss(up_to))
        return self("band.between", low=self.loss(over + 1), high=self.loss(up_to))

    def loss(self, amount: int) -> str:
        """A loss in its unit, every digit."""
        return f"{amount / 10**self.loss_digits:,.{self.loss_digits}f}"
