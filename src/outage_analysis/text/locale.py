"""Words, numbers, dates and bands as a reader sees them, in English and Korean."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files

from outage_analysis.errors import UsageError

LARGE = 100
"""From here on prose has no decimals."""
TINY = 0.0001
"""A number this close to zero is only said to be so."""
LARGEST_EXACT = 2**53
"""From here on a float does not hold every whole number."""
LEAST_PERCENT = 0.01
"""A share below this is only said to be so, and one as close to all."""
NEARLY_ALL, ALL = 99.5, 100
MOST_DIGITS = 4
ALL_DIGITS = 15
"""Digits of an amount that nothing has rounded: as many as a number holds."""
LANGUAGES = ("en", "ko")
SCALE = re.compile(r"\b(theta|median) (\S+) ± ([^\s,]+)")
"""The parameter of a law of losses that carries their unit, with its error."""
SPECIAL: dict[tuple[int | None, int | None], str] = {
    (None, None): "unknown",
    (None, -1): "negative",
    (-1, 0): "zero",
}
"""Bands with words of their own."""
UPPER, LOWER, OPEN = (
    ("band.up_to", "band.under"),
    ("band.between", "band.from_under"),
    ("band.over_up_to", "band.over_under"),
)
"""The words of a band without a lower edge, with a lower edge that belongs to it, and with one that does not:
each for an upper edge that belongs to it and for one that does not."""
CHART_STEPS: dict[str, tuple[tuple[int, str], ...]] = {
    "en": ((10**12, "tn"), (10**9, "bn"), (10**6, "m"), (10**3, "k")),
    "ko": ((10**12, "조"), (10**8, "억"), (10**4, "만")),
}
"""The steps in which a chart writes round losses, the largest first."""


@cache
def _label_texts(lang: str) -> dict[str, str]:
    page = tomllib.loads((files(__package__) / "words" / f"{lang}.toml").read_text("utf-8"))
    return {f"{section}.{key}": text for section, words in page.items() for key, text in words.items()}


@dataclass(frozen=True)
class Locale:
    """One language: words by key, and how it writes numbers, money, days and bands."""

    lang: str
    currency: str = "KRW"
    minor_units: int = 0
    loss_digits: int = 0
    """Decimal places of a loss: those of the currency, when losses are money."""
    divisible: bool = False
    """Whether a loss may lie between two whole units, as 11.5 hours; money in its smallest unit does not."""
    starts: frozenset[int] = frozenset()
    """Cuts whose edge belongs to the band above: 11 where a policy writes "from 12"."""

    def __post_init__(self) -> None:
        """Refuse a language that there is not."""
        if self.lang not in LANGUAGES:
            raise UsageError("no such language", value=self.lang, remedy="Known: en, ko.")

    def __call__(self, key: str, **values: object) -> str:
        """The word of a key, with its placeholders filled; a missing key is an error of ours."""
        return _label_texts(self.lang)[key].format(**values)

    def has_label(self, key: str) -> bool:
        """Whether there is such a word."""
        return key in _label_texts(self.lang)

    def texts(self) -> tuple[str, ...]:
        """Every word of the language, its placeholders unfilled."""
        return tuple(_label_texts(self.lang).values())

    @property
    def unit(self) -> str:
        """The currency as people say it."""
        return self._known(f"currency.{self.currency}", self.currency)

    def unit_name(self, unit: str) -> str:
        """The unit of a published figure: cases/day, or 건/일; what has no word stays as it is."""
        parts = re.split(r"([/,] ?)", unit)
        return "".join(self._known(f"unit.{part}", part) for part in parts)

    def translated_distribution(self, text: str) -> str:
        """A law as it is written out, each of its terms in words: theta 12, or 세타 12."""
        return re.sub(r"[a-z]+", lambda term: self._known(f"law.{term[0]}", term[0]), self.rescaled_distribution(text))

    def rescaled_distribution(self, text: str) -> str:
        """A law of losses as it is written out, its scale with its error in the unit of `loss`."""
        unit = 10**self.loss_digits
        return SCALE.sub(
            lambda found: f"{found[1]} {float(found[2]) / unit:.4g} ± {float(found[3]) / unit:.2g}", text
        )

    def _known(self, key: str, other: str) -> str:
        return self(key) if self.has_label(key) else other

    def number(self, value: float | Decimal) -> str:
        """A whole number with separators, or up to four significant digits below 100; no power of ten."""
        if not math.isfinite(value):
            return f"{value}"
        if float(value).is_integer() or abs(float(value)) >= LARGE:
            return f"{round(value):,}"  # `:.0f` would take a whole number for a float and lose digits
        return _tiny(value) or f"{value:,.4g}"

    def exact(self, value: float) -> str:
        """A figure in a table: whole numbers in full, others to two decimals, small ones to three digits."""
        if isinstance(value, int):
            return f"{value:,}"
        if float(value).is_integer():
            return f"{value:,.0f}"
        if abs(value) < 1:
            return _tiny(value) or f"{value:.3g}"
        return f"{value:,.2f}".rstrip("0").rstrip(".")

    def share(self, value: float) -> str:
        """A share in percent, two significant digits; close to all of it, as many as keep it from 100 %."""
        percent = value * 100
        if percent == 0:
            return "0%"
        if abs(percent) < LEAST_PERCENT:
            return f"<{LEAST_PERCENT}%"
        digits = max(0, 1 - math.floor(math.log10(abs(percent))))
        if NEARLY_ALL <= percent < ALL:
            lacking = round(ALL - percent, 9)  # 99.9 lacks 0.1, not a little less
            if lacking < LEAST_PERCENT:
                return f">{ALL - LEAST_PERCENT}%"
            digits = -math.floor(math.log10(lacking))
        # Half rounds up, as people do it: 24.5 % is 25 %. Nine decimals drop what binary fractions add.
        step = Decimal(1).scaleb(-min(digits, MOST_DIGITS))
        return f"{Decimal(repr(round(percent, 9))).quantize(step, ROUND_HALF_UP)}%"

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
        return in_units(amount, self.minor_units)

    def money(self, amount: float, digits: int = 2) -> str:
        """An amount in prose, in the unit a person says: two significant digits, more of what was printed."""
        units = self.rounded(amount / 10**self.minor_units, digits)
        if self.lang == "ko" and self.currency == "KRW":
            return self._korean(round(units))
        divisor, name = self.scale(units)
        shown = f"{units / divisor:,.{ALL_DIGITS}g}" + (name if self.lang == "ko" else f" {name}".rstrip())
        return f"{shown} {self.unit}"

    def money_in_full(self, amount: float) -> str:
        """An amount that somebody stated, in prose: every digit, in the unit a person says."""
        return self.money(amount, ALL_DIGITS)

    def money_range(self, low: float, high: float, digits: int = 2) -> str:
        """Two amounts in prose; the unit is said once when both share it."""
        first, last = self.money(low, digits), self.money(high, digits)
        if first == last:
            return first
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
        """A loss band in words: 300,001 to 500,000 of money; of hours as it is written, over 11 up to 24."""
        if (special := SPECIAL.get((over, up_to))) is not None:
            return self(f"band.{special}")
        under = up_to in self.starts
        high = "" if up_to is None else self.loss(up_to + under)
        if over is None or (over == 0 and over not in self.starts):
            return self("band.over", low=self.loss(0)) if up_to is None else self(UPPER[under], high=high)
        begins = over in self.starts or (self.divisible and over == -1)
        if up_to is None:
            return self("band.from" if begins else "band.over", low=self.loss(over + begins))
        begins = begins or not self.divisible
        key = (LOWER if begins else OPEN)[under]
        return self(key, low=self.loss(over + begins), high=high)

    def band_short(self, over: int | None, up_to: int | None) -> str:
        """A loss band for a chart: 300k–500k holds 500,000 and not 300,000.

        A band with an edge that is no whole step keeps the words of `band`, in which every digit counts.
        """
        if over is None or over < 0 or up_to == 0 or not self.starts.isdisjoint((over, up_to)):
            return self.band(over, up_to)
        low, high = self._stepped(over), (None if up_to is None else self._stepped(up_to))
        if over == 0 and high is not None:
            return self("band.up_to", high="".join(high))
        if up_to is None and low is not None:
            return self("band.over", low="".join(low))
        # 5 to 10,000 must not read as 5k to 10k: both edges have a step, or neither has.
        if low is None or high is None or bool(low[1]) != bool(high[1]):
            return self.band(over, up_to)
        first = low[0] if low[1] == high[1] else "".join(low)
        return self("band.short", low=first, high="".join(high))

    def band_note(self, bands: Iterable[tuple[int | None, int | None]]) -> str:
        """What a reader of short bands must know of their edges; empty when every band is written in full."""
        return self("band.note") if any(self.band_short(*b) != self.band(*b) for b in bands) else ""

    def short(self, amount: int) -> str:
        """A loss on an axis: 300k or 30만, and every digit where it is no whole step."""
        stepped = self._stepped(amount)
        return self.loss(amount) if stepped is None else "".join(stepped)

    def _stepped(self, amount: int) -> tuple[str, str] | None:
        """A loss in its largest whole step, and the step's name; None if it is whole in none."""
        whole, rest = divmod(amount, 10**self.loss_digits)
        if rest:
            return None
        step = next(
            ((size, name) for size, name in CHART_STEPS[self.lang] if whole and whole % size == 0), None
        )
        if step is None:  # whole euros, of losses in cents
            return (f"{whole:,}", "") if self.loss_digits else None
        return f"{whole // step[0]:,}", step[1]

    def loss(self, amount: int) -> str:
        """A loss in its unit, every digit."""
        return in_units(amount, self.loss_digits)

    def exact_loss(self, amount: float) -> str:
        """A loss in a table, in its unit: as `exact` writes it, or every digit where a float has too few."""
        if isinstance(amount, int) and (not self.loss_digits or abs(amount) >= LARGEST_EXACT):
            return in_units(amount, self.loss_digits)
        return self.exact(amount / 10**self.loss_digits)


def in_units(amount: float, digits: int) -> str:
    """An amount of the smallest unit in whole units with so many decimals; a whole amount is exact."""
    if not isinstance(amount, int):
        return f"{amount / 10**digits:,.{digits}f}"
    units, rest = divmod(abs(amount), 10**digits)
    return ("-" if amount < 0 else "") + f"{units:,}" + (f".{rest:0{digits}d}" if digits else "")


def _tiny(value: float | Decimal) -> str:
    """That a value is close to zero, where its digits would need a power of ten; else empty."""
    if abs(float(value)) >= TINY:
        return ""
    return f"<{TINY}" if value > 0 else f">-{TINY}"


def capitalized(text: str) -> str:
    """A text that begins with a capital letter, where its script has any."""
    return text[:1].upper() + text[1:]


def short_names(names: Sequence[str]) -> list[str]:
    """What stands before the colon of each name; behind it, where all of them begin alike."""
    parts = [name.partition(": ") for name in names]
    heads, tails = [p[0] for p in parts], [p[2] for p in parts]
    if len(set(heads)) == len(names):
        return heads
    alike = len(set(heads)) == 1 and len(set(tails)) == len(names) and all(tails)
    return [capitalized(tail) for tail in tails] if alike else list(names)
