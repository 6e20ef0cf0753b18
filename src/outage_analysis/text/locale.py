"""Labels, numbers, dates, loss bands and the likely range as text for readers, in English and Korean."""

from __future__ import annotations

import math
import re
import string
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, ClassVar, Self

from outage_analysis.errors import UsageError

if TYPE_CHECKING:
    from outage_analysis.text.table_schema import Unit

DEFAULT_LEVEL = 80
LEAST_LEVEL, MOST_LEVEL = 50, 98
"""A range above 98 % would end beyond P1 and P99, which need more draws than a simulation has by default."""
MEDIAN = "p50"


@dataclass(frozen=True)
class LikelyRange:
    """The central range that contains a figure with a probability of `level` percent.

    Args:
        level: the probability in percent, a whole number from 50 to 98.

    Raises:
        UsageError: the level is not a whole number from 50 to 98.

    Example:
        >>> likely = LikelyRange(90)
        >>> likely.lower, likely.upper, likely.low, likely.high
        (0.05, 0.95, 'p5', 'p95')
    """

    level: int = DEFAULT_LEVEL
    low_column: ClassVar[str] = "range_low"
    high_column: ClassVar[str] = "range_high"

    def __post_init__(self) -> None:
        """Raise an error if the level is not a whole number from 50 to 98."""
        if type(self.level) is not int or not LEAST_LEVEL <= self.level <= MOST_LEVEL:
            raise UsageError(
                f"the level of the likely range is no whole number from {LEAST_LEVEL} to {MOST_LEVEL}",
                value=self.level,
                remedy="Write 90 for P5 to P95.",
            )

    @property
    def lower(self) -> float:
        """The probability of a value below the range: 0.1 at a level of 80."""
        return (100 - self.level) / 200

    @property
    def upper(self) -> float:
        """The probability of a value below the upper end of the range: 0.9 at a level of 80."""
        return (100 + self.level) / 200

    @property
    def low(self) -> str:
        """The key of the lower end in the table of quantiles: p10, or p2_5 at a level of 95."""
        return percentile_measure(self.lower)

    @property
    def high(self) -> str:
        """The key of the upper end in the table of quantiles: p90, or p97_5 at a level of 95."""
        return percentile_measure(self.upper)

    @property
    def points(self) -> dict[str, float]:
        """Probabilities of a value below both ends and the median: p10 -> 0.1, p50 -> 0.5, p90 -> 0.9."""
        return {self.low: self.lower, MEDIAN: 0.5, self.high: self.upper}

    @property
    def percentiles(self) -> dict[str, float]:
        """Name of each printed percentile -> its probability: the ends of the range, the median, P95 and P99.

        An end that is itself P95 or P99, such as P95 at a level of 90, appears once.
        """
        return dict(sorted((self.points | {"p95": 0.95, "p99": 0.99}).items(), key=lambda item: item[1]))

    @property
    def columns(self) -> dict[str, float]:
        """Table columns of the range, with the probability of a value below: range_low -> 0.1, p50 -> 0.5."""
        return {self.low_column: self.lower, MEDIAN: 0.5, self.high_column: self.upper}

    @property
    def column_measures(self) -> dict[str, str]:
        """The column names of the range in printed tables: range_low -> p10, range_high -> p90."""
        return {self.low_column: self.low, self.high_column: self.high}

    @property
    def placeholders(self) -> dict[str, str]:
        """The values of the placeholders for the range, such as {p_low}, which every label may contain.

        `level` is the probability of the range in percent, `p_low` and `p_high` are the names of its ends,
        `share_low` and `share_high` the probabilities of a value below each end, such as 10% and 90%.
        """
        return {
            "level": f"{self.level}",
            "p_low": percentile_mark(self.low),
            "p_high": percentile_mark(self.high),
            "share_low": percent(self.lower),
            "share_high": percent(self.upper),
        }


def percent(probability: float) -> str:
    """Return a probability in percent with the digits that it needs: 5% for 0.05, 97.5% for 0.975."""
    return f"{100 * probability:.10g}%"


def percentile_measure(probability: float) -> str:
    """Return the key of a percentile in tables: p90 for the probability 0.9, p97_5 for 0.975."""
    return "p" + percent(probability).removesuffix("%").replace(".", "_")


def percentile_mark(measure: str) -> str:
    """Return the name of a percentile for readers, given its key in tables: P97.5 for p97_5."""
    return measure.upper().replace("_", ".")


PERCENTILES = {percentile_measure(half / 200): half / 200 for half in range(1, 200)}
"""Key of each percentile in tables -> the probability of a value below it: p97_5 -> 0.975.

They are in steps of half a percent, which includes the ends at every level.
"""


ALL_DIGITS = 15
"""Significant digits of amounts that must not be rounded: as many as a floating-point number has."""
LARGE = 100
"""Numbers in prose from this size on are written without decimals."""
TINY = 0.0001
"""Positive numbers below this are written as "<0.0001"."""
LEAST_PERCENT = 0.01
"""Smaller percentages are written as "<0.01%", and percentages as close to 100 % as ">99.99%"."""
NEARLY_ALL, ALL = 99.5, 100
LANGUAGES = ("en", "ko")
SPECIAL: dict[tuple[int | None, int | None], str] = {
    (None, None): "unknown",
    (None, -1): "negative",
    (-1, 0): "zero",
}
"""Band -> its label, for bands that are not written as a range."""
EDGE = re.compile(r"-?\d[\d,.]*(?!\d|~)(?![,.]\d)")
"""Pattern of an edge in a Korean band. In a range, the unit is written only after the high end."""
UPPER, LOWER, OPEN = (
    ("band.up_to", "band.under"),
    ("band.between", "band.from_under"),
    ("band.over_up_to", "band.over_under"),
)
"""Keys of the labels for a band without a lower edge (UPPER), with an included one (LOWER) and with an
excluded one (OPEN).

In each pair, the first key is for an included upper edge, the second for an excluded one.
"""
NOTE_WORDS = frozenset(("family", "top", "left", "branch", "limit"))
"""Placeholders of notes whose values are words."""
CHART_STEPS: dict[str, tuple[tuple[int, str], ...]] = {
    "en": ((10**12, "tn"), (10**9, "bn"), (10**6, "m"), (10**3, "k")),
    "ko": ((10**12, "조"), (10**8, "억"), (10**4, "만")),
}
"""The units in which charts abbreviate round losses, the largest first."""


class PluralFormatter(string.Formatter):
    """Formats `{count:claim|claims}` as the singular if the count is 1, else as the plural."""

    def format_field(self, value: object, format_spec: str) -> str:
        """Return one of two word forms; format other values as `str.format` does."""
        singular, is_plural, plural = format_spec.partition("|")
        if not is_plural:
            return str(super().format_field(value, format_spec))
        return singular if str(value) == "1" else plural


def capitalized(text: str) -> str:
    """Return a string with its first letter capitalised."""
    return text[:1].upper() + text[1:]


def short_names(names: Sequence[str]) -> list[str]:
    """Shorten names such as "Cash: relief" to the part before the colon, if these parts are unique.

    If all names have the same part before the colon, the parts after the colon are used if they are unique.
    Otherwise, the names are returned unchanged.
    """
    parts = [name.partition(": ") for name in names]
    heads, tails = [p[0] for p in parts], [p[2] for p in parts]
    if len(set(heads)) == len(names):
        return heads
    same_heads = len(set(heads)) == 1 and len(set(tails)) == len(names) and all(tails)
    return [capitalized(tail) for tail in tails] if same_heads else list(names)


def in_units(amount: float, digits: int) -> str:
    """Convert an amount to the main unit (cents to euros), and format it with `digits` decimals.

    Integers are converted without rounding errors.
    """
    units = Decimal(amount).scaleb(-digits) if isinstance(amount, int) else amount / 10**digits
    return f"{units:,.{digits}f}"


def _tiny(value: float | Decimal) -> str:
    """Return a number very close to zero as "<0.0001" or ">-0.0001"; empty text for other numbers."""
    if abs(float(value)) >= TINY:
        return ""
    return f"<{TINY}" if value > 0 else f">-{TINY}"


@cache
def _label_texts(lang: str) -> dict[str, str]:
    """Return all labels of a language: `section.key` -> text."""
    document = tomllib.loads((files(__package__) / "words" / f"{lang}.toml").read_text("utf-8"))
    percentiles = {measure: percentile_mark(measure) for measure in PERCENTILES}
    sections = [*((section, percentiles) for section in ("word", "column")), *document.items()]
    return {f"{section}.{key}": text for section, words in sections for key, text in words.items()}


@cache
def _placeholders(level: int, counted: str = "") -> dict[str, str]:
    """Return the placeholders that every label may contain, with their values."""
    return {**LikelyRange(level).placeholders, "counted": counted, "Counted": capitalized(counted)}


@dataclass(frozen=True)
class Locale:
    """The texts for readers in one language, and its formats of numbers, money, days and loss bands."""

    lang: str
    currency: str = "KRW"
    minor_units: int = 0
    loss_digits: int = 0
    """Number of decimals of a loss: that of the currency if losses are money, else 0."""
    divisible: bool = False
    """Whether a loss may be a fraction, such as 11.5 hours. Money in its smallest unit may not."""
    starts: frozenset[int] = frozenset()
    """Cuts at edges that belong to the band above: 11 if a policy states "from 12"."""
    level: int = DEFAULT_LEVEL
    """The probability in percent of the likely range that the labels name."""
    loss_unit: str = ""
    """The unit of losses, a currency code or a unit such as minutes; empty if it is unknown."""
    counted: str = ""  # the items in published counts, such as flights; empty for reports

    def __post_init__(self) -> None:
        """Raise an error if the language or the level is not supported."""
        if self.lang not in LANGUAGES:
            raise UsageError("no such language", value=self.lang, remedy="Known: en, ko.")
        _placeholders(self.level)

    def __call__(self, key: str, **values: object) -> str:
        """Return the text for readers with this key. Keyword arguments replace its placeholders.

        Every label may contain `{counted}`. `{count:claim|claims}` is "claim" if the count is 1.

        Raises:
            KeyError: there is no label with this key, which is a bug of this package.
        """
        texts = _label_texts(self.lang)
        values = _placeholders(self.level, self.counted or texts["report.counted"]) | values
        return PluralFormatter().format(texts[key], **values)

    def note(self, text: str) -> str:
        """Return a note in the language; any other text is returned unchanged.

        Example:
            >>> Locale("ko").note(Note("step_reading_the_losses"))
            '손실 자료를 읽는 중'
        """
        if self.lang == "en" or not isinstance(text, Note):
            return text
        return self.filled_note(text.key, {name: self.note(value) for name, value in text.values.items()})

    def filled_note(self, key: str, values: Mapping[str, str]) -> str:
        """Return the sentence of a note with its values, in which words are named as the language does."""
        named = {x: self.label_or(f"word.{values[x]}", values[x]) for x in NOTE_WORDS & values.keys()}
        return self(f"note.{key}", **{**values, **named})

    @property
    def likely_range(self) -> LikelyRange:
        """The likely range that the labels name."""
        return LikelyRange(self.level)

    def has_label(self, key: str) -> bool:
        """Return whether a label with this key exists."""
        return key in _label_texts(self.lang)

    @property
    def places(self) -> dict[Unit, int]:
        """The decimals of amounts, of losses and of their squares, by unit of a column."""
        return {"money": self.minor_units, "loss": self.loss_digits, "loss_squared": 2 * self.loss_digits}

    @property
    def unit(self) -> str:
        """The name of the currency in the language."""
        return self.label_or(f"currency.{self.currency}", self.currency)

    def unit_name(self, unit: str) -> str:
        """Return the unit of a published figure in the language: cases/day, or 건/일."""
        return "".join(self.label_or(f"unit.{part}", part) for part in re.split(r"([/,] ?)", unit))

    def translated_distribution(self, text: str) -> str:
        """Return the description of a distribution with translated parameter names: theta 12, or 세타 12."""
        return re.sub(r"[a-z]+", lambda term: self.label_or(f"distribution.{term[0]}", term[0]), text)

    def label_or(self, key: str, default: str) -> str:
        """Return the label with this key, or a default if there is no such label."""
        return self(key) if self.has_label(key) else default

    def number(self, value: float | Decimal) -> str:
        """Format a number for prose.

        Whole numbers get thousands separators. Numbers below 100 are written with up to four significant
        digits. Powers of ten are never used.
        """
        if not math.isfinite(value):
            return f"{value}"
        if float(value).is_integer() or abs(float(value)) >= LARGE:
            return f"{round(value):,}"  # The format `:.0f` would convert an int to a float and lose digits.
        return _tiny(value) or f"{value:,.4g}"

    def exact(self, value: float | Decimal) -> str:
        """Format a number for a table.

        Whole numbers are written in full, other numbers with up to two decimals, and numbers below 1 with up
        to three significant digits.
        """
        if value % 1 == 0:
            return f"{int(value):,}"
        if -1 < value < 1:
            return _tiny(value) or f"{float(value):.3g}"
        return f"{value:,.2f}".rstrip("0").rstrip(".")

    def share(self, value: float) -> str:
        """Format a share in percent with two significant digits.

        Shares just below 100 % get as many digits as they need to differ from 100 %.
        """
        percent = value * 100
        if percent == 0:
            return "0%"
        if abs(percent) < LEAST_PERCENT:
            return f"<{LEAST_PERCENT}%"
        digits = max(0, 1 - math.floor(math.log10(abs(percent))))
        if NEARLY_ALL <= percent < ALL:
            gap_to_all = round(ALL - percent, 9)  # Rounding removes the binary error: 100 - 99.9 becomes 0.1.
            if gap_to_all < LEAST_PERCENT:
                return f">{ALL - LEAST_PERCENT}%"
            digits = -math.floor(math.log10(gap_to_all))
        # Halves are rounded up: 24.5 % becomes 25 %. Rounding to nine decimals first removes binary errors.
        step = Decimal(1).scaleb(-min(digits, 4))
        return f"{Decimal(repr(round(percent, 9))).quantize(step, ROUND_HALF_UP)}%"

    def one_in(self, share: float) -> str:
        """Say how many outcomes have a property: 1 in 10 outcomes is, or 7.5% of the outcomes are."""
        times = round(1 / share) if share else 0
        exact = times and math.isclose(times * share, 1, rel_tol=1e-6)
        return self("report.one_in", times=times) if exact else self("report.one_of", share=self.share(share))

    def day(self, value: date) -> str:
        """Format a day: 29 December 2022, or 2022. 12. 29."""
        if self.lang == "ko":
            return f"{value.year}. {value.month}. {value.day}."
        return f"{value.day} {value:%B %Y}"

    def short_day(self, value: date) -> str:
        """Format a day for a chart axis: 29 Dec, or 12. 29."""
        return f"{value.month}. {value.day}." if self.lang == "ko" else f"{value.day} {value:%b}"

    def exact_money(self, amount: float) -> str:
        """Format an amount for a table in the main currency unit (euros, not cents), with all digits."""
        return in_units(amount, self.minor_units)

    def money(self, amount: float, digits: int = 2) -> str:
        """Format an amount for prose, such as 6.3 million won, with two significant digits by default."""
        units = self.rounded(amount / 10**self.minor_units, digits)
        if self.lang == "ko" and self.currency == "KRW":
            return self._korean(round(units))
        divisor, name = self.scale(units)
        number = f"{units / divisor:,.{ALL_DIGITS}g}"
        return f"{self.with_unit(number, name)} {self.unit}" if name else self.with_unit(number, self.unit)

    def with_unit(self, number: str, unit: str) -> str:
        """Return a formatted number with its unit: "60 minutes", or "60분" in Korean."""
        return f"{number}{'' if self.lang == 'ko' else ' '}{unit}"

    def money_in_full(self, amount: float) -> str:
        """Format an amount that a document or a user states, for prose, without rounding."""
        return self.money(amount, ALL_DIGITS)

    def money_range(self, low: float, high: float, digits: int = 2) -> str:
        """Format a range of two amounts for a table: 1.1–440 million won, or 110만 원~4억 4,000만 원.

        This form is for tables and charts. Sentences repeat the unit: "1.1 million won to 440 million won".
        """
        first, last = self.money(low, digits), self.money(high, digits)
        number, _, unit = first.partition(" ")
        shared = self.lang == "en" and unit == last.partition(" ")[2] and first != last
        return self.span(number if shared else first, last)

    def span(self, low: str, high: str) -> str:
        """Return a range of two formatted values for a table: 12%–17%, or 12%~17% in Korean.

        If the two values are equal, the value is written once.
        """
        key = "band.between" if high.startswith(">") else "band.short"  # "–>" would read as an arrow
        return low if low == high else self(key, low=low, high=high)

    @staticmethod
    def rounded(value: float, digits: int = 2) -> float:
        """Return a number rounded to significant digits, two by default."""
        if value == 0:
            return 0.0
        return round(value, digits - 1 - math.floor(math.log10(abs(value))))

    def scale(self, largest: float) -> tuple[int, str]:
        """Return the largest unit that is at most `largest`, such as (1000000, "million").

        `largest` is in the main currency unit (euros, not cents).
        """
        steps = (
            ((10**8, "억"), (10**4, "만"))
            if self.lang == "ko"
            else ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
        )
        return next(((size, name) for size, name in steps if largest >= size), (1, ""))

    def axis(self, largest: float) -> tuple[float, str]:
        """Return the unit of a chart axis, such as million won, if the largest amount is `largest`.

        Returns the number of smallest currency units in this unit, and the name of this unit.
        """
        units = largest / 10**self.minor_units
        # Below ten 억 (1 billion), a Korean axis is easier to read in 만 (10,000) than in tenths of an 억.
        size, name = self.scale(min(units, 10**8 - 1) if self.lang == "ko" and units < 10**9 else units)
        return size * 10**self.minor_units, f"{name} {self.unit}".strip()

    def _korean(self, won: int) -> str:
        parts = []
        for size, name in CHART_STEPS["ko"]:
            if won >= size:
                parts.append(f"{won // size:,}{name}")
                won %= size
        if won or not parts:
            parts.append(f"{won:,}")
        return " ".join(parts) + (" 원" if parts[-1][-1] in "조억만" else "원")

    def band(self, over: int | None, up_to: int | None) -> str:
        """Return a loss band in words: "300,001 to 500,000" for money.

        For losses that may be fractions, such as hours, the text is like "over 11 up to 24".
        """
        if (special := SPECIAL.get((over, up_to))) is not None:
            return self(f"band.{special}")
        excludes_high = up_to in self.starts
        high = "" if up_to is None else self.loss(up_to + excludes_high)
        if over is None or (over == 0 and over not in self.starts):
            key = "band.over" if up_to is None else UPPER[excludes_high]
            return self(key, low=self.loss(0), high=high)
        includes_low = over in self.starts or (self.divisible and over == -1)
        if up_to is None:
            key = "band.from" if includes_low else "band.over"
        else:
            includes_low = includes_low or not self.divisible
            key = (LOWER if includes_low else OPEN)[excludes_high]
        return self(key, low=self.loss(over + includes_low), high=high)

    def band_with_unit(self, over: int | None, up_to: int | None) -> str:
        """Return a loss band in words with the unit of losses: "from 60 to under 120 minutes".

        In Korean, each edge has the unit, as in "60분 이상 120분 미만"; the ends of a range share a unit.

        Example:
            >>> Locale("en", loss_unit="minutes").band_with_unit(180, None)
            'over 180 minutes'
        """
        text = self.band(over, up_to)
        if not self.loss_unit or (over, up_to) in ((None, None), (-1, 0)):  # They contain no amount.
            return text
        if self.lang == "ko":
            return EDGE.sub(lambda edge: self.with_unit(edge[0], self.loss_unit_name), text)
        return f"{text} {self.loss_unit_name}"

    @property
    def loss_unit_name(self) -> str:
        """The unit of losses in the reader's language, such as won or minutes; empty if it is unknown."""
        return self.unit if self.loss_unit == self.currency else self.unit_name(self.loss_unit)

    def band_short(self, over: int | None, up_to: int | None) -> str:
        """Return a loss band in short form for a chart: 300k–500k for losses over 300,000 up to 500,000.

        If an edge cannot be abbreviated without rounding, the band is written as by the method `band`.
        """
        if over is None or over < 0 or up_to == 0 or not self.starts.isdisjoint((over, up_to)):
            return self.band(over, up_to)
        low, high = self._in_largest_step(over), (None if up_to is None else self._in_largest_step(up_to))
        if over == 0 and high is not None:
            return self("band.up_to", high="".join(high))
        if up_to is None and low is not None:
            return self("band.over", low="".join(low))
        # The band from 5 to 10,000 must not be abbreviated to "5–10k". So both edges are abbreviated, or
        # neither.
        if low is None or high is None or bool(low[1]) != bool(high[1]):
            return self.band(over, up_to)
        # In English, "300–500k" writes a shared unit once; in Korean, each end has its unit: 30만~50만.
        first = low[0] if low[1] == high[1] and self.lang == "en" else "".join(low)
        return self("band.short", low=first, high="".join(high))

    def band_note(self, bands: Iterable[tuple[int | None, int | None]]) -> str:
        """Return a note on which edge a band such as 300k–500k includes; empty if no band is abbreviated."""
        return self("band.note") if any(self.band_short(*b) != self.band(*b) for b in bands) else ""

    def short(self, amount: int) -> str:
        """Format a loss for a chart axis: 300k or 30만, or all digits if it cannot be abbreviated exactly."""
        short_form = self._in_largest_step(amount)
        return self.loss(amount) if short_form is None else "".join(short_form)

    def _in_largest_step(self, amount: int) -> tuple[str, str] | None:
        """Return a loss in the largest unit that divides it, such as ("300", "k"); None if no unit does."""
        whole, rest = divmod(amount, 10**self.loss_digits)
        if rest:
            return None
        for size, name in CHART_STEPS[self.lang]:
            if whole and whole % size == 0:
                return f"{whole // size:,}", name
        # Losses in cents that are whole euros are written in euros.
        return (f"{whole:,}", "") if self.loss_digits else None

    def loss(self, amount: int) -> str:
        """Format a loss in the main unit (euros, not cents), with all digits."""
        return in_units(amount, self.loss_digits)

    def exact_loss(self, amount: float) -> str:
        """Format a loss for a table in the main unit (euros, not cents); whole numbers keep all digits."""
        return self.exact(
            Decimal(amount).scaleb(-self.loss_digits)
            if isinstance(amount, int)
            else amount / 10**self.loss_digits
        )


class Note(str):
    """A sentence about a result, in English; `Locale.note` says it in another language.

    Results are computed where no language is known. So a note carries its key in the section `[note]` of the
    words, and the values of its placeholders, which may be notes.

    Example:
        >>> Note("step_reading_the_losses")
        'reading the losses'
    """

    __slots__ = ("key", "values")
    key: str
    values: dict[str, str]

    def __new__(cls, key: str, **values: str) -> Self:
        """Return the English sentence, which keeps its key and values."""
        note = super().__new__(cls, Locale("en").filled_note(key, values))
        note.key, note.values = key, values
        return note

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, str]]:
        """Make the note from its key again when it is unpickled or copied."""
        return (self.key,), self.values
