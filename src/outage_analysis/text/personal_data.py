"""Personal data in text: what may not leave the house, found by pattern and masked.

A pattern knows the shape of a number or an address. Names, Korean ones above all, have none and are
not recognised; nor are house numbers, account numbers of every bank, or digits of other scripts.
"""

from __future__ import annotations

import re
import unicodedata

import polars as pl


def _behind(marks: str) -> str:
    """The start of a text, or what is neither a digit nor a mark that a digit stands before."""
    return rf"(?:^|[^0-9{marks}]|(?:^|[^0-9])[{marks}])"


# Rust, RE2 and Python agree on these: ASCII digits by class, and no look-around.
_MARK = "[-\N{HYPHEN}\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}. ()]"
_MARKS = f"{_MARK}{{1,3}}"
_ANY = f"{_MARK}{{0,3}}"
_HIDDEN = "[*xX●]"
_LEFT, _RIGHT = "(?:^|[^0-9])", "(?:[^0-9]|$)"
_NO_DECIMAL = _behind(".")
"""Where digits that no mark divides may start: not behind the point of a decimal number."""
_BIRTH = "[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_HOME = rf"(?:0|\+?82{_MARKS}0?{_ANY})"
_MOBILE = "1[016789]"
_AREA = "(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70|50[0-9]?)"
_SUBSCRIBER = f"[0-9]{{3,4}}{_ANY}[0-9]{{4}}{_RIGHT}"
_LETTER = "0-9A-Za-z가-힣"

PATTERNS: dict[str, str] = {
    "Korean resident number": (
        f"{_LEFT}{_BIRTH}{_MARKS}[1-8](?:[0-9]{{6}}{_RIGHT}|[0-9]{{0,5}}{_HIDDEN})"
        f"|{_NO_DECIMAL}{_BIRTH}[1-8](?:[0-9]{{6}}{_RIGHT}|[0-9]{{0,5}}{_HIDDEN})"
    ),
    "phone number": (
        f"{_LEFT}{_HOME}{_MOBILE}{_MARKS}{_SUBSCRIBER}"
        f"|{_behind('.-')}{_HOME}{_AREA}{_MARKS}{_SUBSCRIBER}"
        rf"|\+82{_ANY}0?{_ANY}{_MOBILE}{_ANY}{_SUBSCRIBER}"
        f"|{_NO_DECIMAL}(?:0[17]0[0-9]{{8}}|01[16789][0-9]{{7,8}}|(?:82)?10[2-9][0-9]{{7}}){_RIGHT}"
        f"|{_LEFT}0{_MOBILE}[/_][0-9]{{3,4}}[/_][0-9]{{4}}{_RIGHT}"
    ),
    "e-mail address": f"[{_LETTER}._%+-]@(?:[{_LETTER}-]+[.])+[A-Za-z가-힣]{{2}}",
    "card number": (
        f"{_LEFT}[0-9]{{4}}{_MARKS}[0-9]{{4}}{_MARKS}[0-9]{{4}}{_MARKS}[0-9]{{4}}{_RIGHT}"
        f"|{_LEFT}3[47][0-9]{{2}}{_MARKS}[0-9]{{6}}{_MARKS}[0-9]{{5}}{_RIGHT}"
        f"|{_NO_DECIMAL}[34569][0-9]{{15}}{_RIGHT}"
    ),
    "account number": f"{_LEFT}(?:"
    + "|".join(
        "-".join(f"[0-9]{{{n}}}" for n in shape)
        for shape in (
            *((3, 3, 6), (4, 3, 6), (6, 2, 6), (3, 6, 5), (3, 4, 4, 2), (4, 2, 7), (4, 4, 4), (3, 6, 2, 3)),
            (2, 2, 6, 2),  # a driving licence
        )
    )
    + f"){_RIGHT}",
}
"""Kind of personal data -> its pattern, for text in the form NFKC.

Thirteen bare digits count as a resident number when they start with a date and a digit from 1 to 8,
though a counter may look the same; sixteen bare digits as a card when a card can start so. Mobile
numbers count with and without marks, also without the zero that a spreadsheet takes off; landline
numbers only with a mark behind the area code, and numbers of companies (1588-1234) and toll-free ones
not at all. Accounts count in the groups of the large banks.
"""

_UNSEEN = "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
"""Characters of no width, which can stand inside a number that was pasted."""

_WORD = r"""[^\s<>()\[\],;:"']"""
_ADDRESS = re.compile(rf"(?<!{_WORD}){_WORD}+@{_WORD}+")
_RUN = re.compile(rf"\+?[0-9](?:(?:,|{_MARKS})?(?:[0-9]|{_HIDDEN}))*")
_YEAR, _MONTH, _MONTHDAY = "(?:19|20)[0-9]{2}", "(?:0?[1-9]|1[0-2])", "(?:0?[1-9]|[12][0-9]|3[01])"
_CLOCK = "(?:[01][0-9]|2[0-3])(?:[0-5][0-9]){1,2}"
_DAY = (
    rf"(?:(?:{_YEAR}|[0-9]{{2}})(?:-{_MONTH}-{_MONTHDAY}|\. ?{_MONTH}\. ?{_MONTHDAY}\.?)"
    rf"|{_MONTHDAY}\.{_MONTH}\.{_YEAR}|(?:{_MONTHDAY}-{_MONTH}|{_MONTH}-{_MONTHDAY})-{_YEAR}"
    rf"|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]){_CLOCK}|(?:3[6-9]|4[0-9]|5[0-4])[0-9]{{3}}\.[0-9]{{1,6}})"
)
"""A day as files write it: year first or last, the year in two digits, with a time and no marks, Excel's."""
_AMOUNT = r"(?:[0-9]{1,2}|[1-9][0-9]{2,8}|[1-9][0-9]{0,2}(?:,[0-9]{3}){1,2})(?:\.[0-9]{1,2})?"
_AMOUNTS = re.compile(rf"\+?(?:{_DAY}|{_AMOUNT})(?:[ ()]+(?:{_DAY}|{_AMOUNT}))*")
_FEW = re.compile("(?:[^0-9]*[0-9]){1,5}[^0-9]*")
_MANY = re.compile("(?:[0-9][^0-9]*){10}")


def find_personal_data(texts: pl.Series) -> tuple[str, int] | None:
    """The first kind of personal data in a column of texts, and in how many of its values; else None."""
    seen = texts.cast(pl.String).str.replace_all(_UNSEEN, "").str.normalize("NFKC")
    for kind, pattern in PATTERNS.items():
        if count := int(seen.str.contains(pattern).sum()):
            return kind, count
    return None


def mask_personal_data(text: str) -> str:
    """A text with every digit of a telling number starred and every e-mail address as "[@]".

    Telling is any run of six digits or more, whatever divides it, but for days (2022-10-19, 2022. 10. 19.,
    19.10.2022) and amounts of up to nine digits; a text without such a run or an address comes back as it
    was.
    """
    seen = unicodedata.normalize("NFKC", re.sub(_UNSEEN, "", text))
    safe = _RUN.sub(lambda run: _starred(run[0]), _ADDRESS.sub("[@]", seen))
    for pattern in PATTERNS.values():  # what other marks divide
        safe = re.sub(pattern, lambda run: re.sub("[0-9]", "*", run[0]), safe)
    return text if safe == seen else safe


def masked_name(name: str) -> str:
    """The name of a file or a sheet, masked only when it holds personal data: days and numbers are usual."""
    return mask_personal_data(name) if find_personal_data(pl.Series([name])) else name


def _starred(run: str) -> str:
    """A run of digits and marks, starred unless it is harmless."""
    beside_dates = re.sub(_DAY, "", run)
    harmless = _FEW.fullmatch(run) or (_AMOUNTS.fullmatch(run) and not _MANY.search(beside_dates))
    if harmless and not any(re.search(pattern, run) for pattern in PATTERNS.values()):
        return run
    return re.sub("[0-9]", "*", run)
