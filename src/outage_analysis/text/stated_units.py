"""What a header says about currency, scale and unit, and the currencies."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from outage_analysis.errors import InputRefused, either
from outage_analysis.text.notations import listed_words
from outage_analysis.text.personal_data import mask_personal_data

DECIMALS = {code: int(digits) for code, digits in listed_words("decimals").items()}
"""Currency code that is recognised in headers and values -> its decimal places (ISO 4217)."""
CURRENCY_WORDS = {code.casefold(): (code,) for code in DECIMALS} | {
    word: tuple(codes.split()) for word, codes in listed_words("currency").items()
}
"""Word or sign -> the currencies that it may mean."""
SCALES = {word: Decimal(scale) for word, scale in listed_words("scale").items()}
"""Word -> how many units it stands for: 1000 for thousand, Tsd. and 천."""
TIME_UNITS = listed_words("time")
"""Word -> the unit of time that it means."""
CURRENCY = "currency"
"""The column of a file that names the currency of each row."""
CURRENCY_HEADERS = tuple(listed_words("currency_header"))
"""Headers of that column."""
KNOWN = {*CURRENCY_WORDS, *SCALES, *TIME_UNITS, *listed_words("remark")}
"""The words above, and words such as `total`, which change nothing about an amount."""
MAX_SCALE = 10**9
"""The largest scale that is understood."""
LONG_WORD = 4
"""Fewest letters of a word that says a scale or a unit outside brackets; `min` may mean a minimum."""
UNKNOWN_CURRENCY = "XXX"
"""The code of an unknown currency (ISO 4217), which contradicts no other."""
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_NUMBER = r"\d+(?:[.,' ]\d{3})*"
_WORD = re.compile(rf"(?:us|au?|ca?|nz|s|hk|r|nt)\$|[$€£¥₩]|{_NUMBER}|[^\W\d_]+")
_POWER = re.compile(r"1(0{0,9})|(000|000000)")
_THOUSANDS = re.compile(r"10?0?(?:[.,' ]?000)+|000")
_LIMIT = re.compile(
    r"(?i)\b(?:over|above|under|below|up to|max|min|more|less|least|most|from|until)\b"
    r"|이상|초과|이하|미만|최대|최소"
)
_WORD_STARTS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<![십백천])(?=(?:[십백천]?[만억]|[십백천])원\b)")
"""Where a word begins without a blank before it: lossEUR, 피해금액천원."""
_AMOUNT = re.compile(rf"(?i)\d *(?:{'|'.join(SCALES)})(?!\w)")
"""An amount, such as 10 million, as opposed to a unit."""
_FILLING = re.compile(r"[\s.,;:/'`_|*×\u2018\u2019\u00b4\u2013-]*")


@dataclass(frozen=True)
class StatedUnit:
    """What a header says about the amounts below it."""

    currencies: frozenset[str] = frozenset()
    """The currencies that may be meant; none if the header names none."""
    scale: Decimal = Decimal(1)
    """How many units an amount of 1 stands for."""
    unit: str = ""
    """The unit of time, or the unit of the incident's losses."""
    unknown: str = ""
    """The text that is not understood."""


@lru_cache(maxsize=10_000)
def stated_unit(header: str, own_unit: str = "", *, brackets_only: bool = False) -> StatedUnit:
    """Return what a header says about the amounts below it, in brackets and in its other words.

    Text in brackets is understood as a whole or not at all. Outside brackets, where most words are the name
    of the column, only currencies and long words such as `thousand` or `minutes` count.

    Args:
        header: the header of a column.
        own_unit: the unit of the incident's losses, or its currency, which a header may name.
        brackets_only: whether words outside brackets are ignored, as in a title.

    Example:
        >>> stated_unit("loss (Tsd. EUR)").scale, stated_unit("loss (per flight)").unknown
        (Decimal('1000'), 'per flight')
    """
    plain = unicodedata.normalize("NFKC", header).replace("\u200b", "")
    inside = " ".join(_BRACKETS.findall(plain)).strip()
    within = _understood(inside, own_unit)
    others = "" if brackets_only else _WORD_STARTS.sub(" ", _BRACKETS.sub(" ", plain)).casefold()
    outside = [
        word
        for word in _WORD.findall(others)
        if word in CURRENCY_WORDS
        or word in ("tsd", "mio", "mrd")
        or _THOUSANDS.fullmatch(word)
        or ((len(word) >= LONG_WORD or word.endswith("원")) and _parts(word))
    ]  # the words that certainly say a currency, a scale or a unit
    beside = _understood(" ".join(outside), own_unit)
    is_scale = beside and beside.currencies and not _LIMIT.search(plain)
    if not is_scale and any(map(_THOUSANDS.fullmatch, outside)):
        beside = None  # "loss over 1000 KRW" states a limit
    both = None if within is None or beside is None else _merged(within, beside)
    return both or StatedUnit(unknown=inside or " ".join(outside))


def title_scale(title: str) -> Decimal:
    """Return the scale that a title states for the amounts below it, such as 1000; 1 if it states none.

    A scale counts in brackets, or together with a currency. It does not count as part of an amount.

    Example:
        >>> title_scale("Losses in thousand KRW"), title_scale("Losses above 10 million won")
        (Decimal('1000'), Decimal('1'))
    """
    scale = stated_unit(title, brackets_only=True).scale
    words = stated_unit(re.sub(r"[()\[\]]", " ", title))
    if scale == 1 and words.currencies and not _AMOUNT.search(title):
        return words.scale
    return scale


def _parts(word: str) -> tuple[str, ...]:
    """Return the known words of which a word consists, such as k and eur; none if it has another part."""
    if word in KNOWN:
        return (word,)
    ends = ((word[:at], _parts(word[at:])) for at in range(len(word) - 1, 0, -1) if word[:at] in KNOWN)
    return next(((first, *rest) for first, rest in ends if rest), ())


def _understood(text: str, own_unit: str) -> StatedUnit | None:
    """Return what a text says; None if any of it is not understood."""
    folded, own = text.casefold(), own_unit.casefold()
    if own and folded.strip() == own and own not in {*CURRENCY_WORDS, *TIME_UNITS}:
        return StatedUnit(unit=own_unit)
    if not _FILLING.fullmatch(_WORD.sub("", folded)):
        return None
    currencies: set[str] | None = None
    scale, letters, units = Decimal(1), "", set[str]()
    for word in _WORD.findall(folded):
        power = _POWER.fullmatch(re.sub(r"\D", "", word))
        parts = (word,) if word == own or power else _parts(word)
        if not parts:
            return None
        for part in parts:
            if power:
                scale *= 10 ** len(power[1] if power[2] is None else power[2])
            elif part in CURRENCY_WORDS:
                meant = set(CURRENCY_WORDS[part])
                currencies = meant if currencies is None else currencies & meant
            elif part in SCALES:
                scale *= SCALES[part]
                letters += part if len(part) == 1 and part.isascii() else ""
            elif part in TIME_UNITS or part == own:
                units.add(TIME_UNITS.get(part, own_unit))
    contradictory = currencies is not None and (units or not currencies)
    if contradictory or len(units) > 1 or scale > MAX_SCALE:
        return None
    # One letter alone may mean minutes, metres or tonnes; before a currency it means k, m or German T.
    lone = letters and (not currencies or scale != SCALES[letters[0]])
    if lone or ("t" in letters and not {"EUR", "CHF"} >= (currencies or set())):
        return None
    return StatedUnit(frozenset(currencies or ()), scale, "".join(units))


def _merged(within: StatedUnit, beside: StatedUnit) -> StatedUnit | None:
    """Return what a header says in brackets and beside them; None if the two contradict each other."""
    currencies = [part.currencies for part in (within, beside) if part.currencies]
    scales = {part.scale for part in (within, beside)} - {1}
    units = {part.unit for part in (within, beside)} - {""}
    common = frozenset.intersection(*currencies) if currencies else frozenset[str]()
    if len(scales) > 1 or len(units) > 1 or bool(currencies) > bool(common) or (units and currencies):
        return None
    return StatedUnit(common, max(scales, default=Decimal(1)), "".join(units))


def scale_remedy(scale: Decimal | int) -> str:
    """Return advice for an error message if losses are stated in a unit such as 만원 (10,000 won)."""
    return (
        f"If losses are meant: loss = {scale} under [scale] of a layout; if not, loss = 1. Without an "
        f"incident: {either('scale=', '--scale ')}{scale}."
    )


def checked_scale(
    header: str, currency: str, unit: str, *, scaled: bool, file: str, row: int | None = None
) -> Decimal:
    """Return how many units an amount of 1 below a header stands for; 1 if the caller states the scale.

    Args:
        header: the header of the losses.
        currency: the currency of the incident.
        unit: the unit of losses; the currency if they are money.
        scaled: whether the caller states the scale, so that only currencies and units are checked.
        file: the name of the file, for the error message.
        row: the row of the header.

    Raises:
        InputRefused: the header is not understood, or it contradicts the currency or the unit.
    """
    stated = stated_unit(header, unit)
    named = " or ".join(sorted(stated.currencies))
    other_unit = stated.unit not in ("", TIME_UNITS.get(unit.casefold(), unit))
    faults = [
        (
            stated.unknown and not scaled,
            f"says in its header something about its amounts that is not understood: {stated.unknown}",
            "State how many units of the currency or the loss unit an amount of 1 stands for: "
            + either("scale=1", "--scale 1")
            + " (with an incident, loss = 1 under [scale] of a layout).",
        ),
        (
            other_unit and (unit == currency or not scaled),
            f"says {stated.unit} in its header, but losses are in {unit}",
            f'Read it with loss_unit="{stated.unit}", or with an incident whose losses are in this unit.',
        ),
        (
            named and unit != currency,
            f"says {named} in its header, but losses are in {unit}",
            "Leave out loss_unit, or name the column of the losses.",
        ),
        (
            named and currency not in (*stated.currencies, UNKNOWN_CURRENCY),
            f"says {named} in its header, but the currency is {currency}",
            _currency_remedy(min(stated.currencies, default="")),
        ),
    ]
    for is_fault, problem, remedy in faults:
        if is_fault:
            masked = mask_personal_data(header)
            raise InputRefused(mask_personal_data(problem), file=file, row=row, column=masked, remedy=remedy)
    return Decimal(1) if scaled else stated.scale


def _currency_remedy(code: str) -> str:
    return (
        f"Read it with {either(f'currency={code!r}', f'--currency {code}')} or an incident in {code}, or "
        "convert the amounts."
    )


def rows_by_currency(texts: Mapping[str, int], missing: Iterable[str] = ()) -> dict[str, int]:
    """Return how many rows name each currency, given the texts of a column; empty texts are left out."""
    rows: Counter[str] = Counter()
    for text, count in texts.items():
        word = text.strip().casefold()
        if word and word not in missing:
            meant = CURRENCY_WORDS.get(word, ())
            rows[meant[0] if len(meant) == 1 else text.strip().upper()] += count
    return dict(rows.most_common())


def check_one_currency(rows: Mapping[str, int], currency: str, *, file: str, column: str) -> None:
    """Raise an error if rows name several currencies, or another one than the losses have.

    Args:
        rows: currency -> the number of rows that name it.
        currency: the currency of the losses; "" if it is not known yet.
        file: the name of the file, for the error message.
        column: the header of the column.

    Raises:
        InputRefused: the rows name another currency.
    """
    foreign = [
        code for code in rows if code != currency and currency not in CURRENCY_WORDS.get(code.casefold(), ())
    ]
    if len(rows) > 1 and (foreign or not currency):
        listed = ", ".join(f"{mask_personal_data(code)} in {n:,}" for code, n in rows.items())
        raise InputRefused(
            f"has rows in several currencies: {listed}",
            file=file,
            column=column,
            remedy="Keep the rows of one currency, or convert the amounts to one.",
        )
    if foreign and currency:
        code = mask_personal_data(foreign[0])
        raise InputRefused(
            f"has rows in {code}, but the currency is {currency}",
            file=file,
            column=column,
            remedy=_currency_remedy(code),
        )
