"""Find personal data in texts by patterns, and mask them.

The patterns recognise numbers and e-mail addresses. They do not recognise names, house numbers, account
numbers of small banks, or digits of other scripts.
"""

from __future__ import annotations

import re
import unicodedata

import polars as pl


def _not_preceded_by(marks: str) -> str:
    """Return a pattern that matches directly before a number, where a number can start.

    This is the start of the text, or a character that does not continue the number.
    """
    return rf"(?:^|[^0-9{marks}]|(?:^|[^0-9])[{marks}])"


# These patterns work in the same way in Rust, RE2 and Python: ASCII digits only, no look-around.
_MARK = "[-\N{HYPHEN}\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}. ()]"
_MARKS = f"{_MARK}{{1,3}}"
_OPTIONAL_MARKS = f"{_MARK}{{0,3}}"
_HIDDEN = "[*xX●]"
_LEFT, _RIGHT = "(?:^|[^0-9])", "(?:[^0-9]|$)"
_NO_DECIMAL = _not_preceded_by(".")
"""Pattern of a place where a number without separators may start: not after a decimal point."""
_BIRTH = "[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_HOME = rf"(?:0|\+?82{_MARKS}0?{_OPTIONAL_MARKS})"
_MOBILE = "1[016789]"
_AREA = "(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70|50[0-9]?)"
_SUBSCRIBER = f"[0-9]{{3,4}}{_OPTIONAL_MARKS}[0-9]{{4}}{_RIGHT}"
_LETTER = "0-9A-Za-z가-힣"

PATTERNS: dict[str, str] = {
    "Korean resident number": (
        f"{_LEFT}{_BIRTH}{_MARKS}[1-8](?:[0-9]{{6}}{_RIGHT}|[0-9]{{0,5}}{_HIDDEN})"
        f"|{_NO_DECIMAL}{_BIRTH}[1-8](?:[0-9]{{6}}{_RIGHT}|[0-9]{{0,5}}{_HIDDEN})"
    ),
    "phone number": (
        f"{_LEFT}{_HOME}{_MOBILE}{_MARKS}{_SUBSCRIBER}"
        f"|{_not_preceded_by('.-')}{_HOME}{_AREA}{_MARKS}{_SUBSCRIBER}"
        rf"|\+82{_OPTIONAL_MARKS}0?{_OPTIONAL_MARKS}{_MOBILE}{_OPTIONAL_MARKS}{_SUBSCRIBER}"
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
            (2, 2, 6, 2),  # The digits of a Korean driving licence are grouped like this.
        )
    )
    + f"){_RIGHT}",
}
"""Kind of personal data -> its pattern. The pattern is for text in the Unicode form NFKC.

Thirteen digits without separators count as a resident number if they start with a date and a digit from 1 to
8, although a serial number may look the same. Sixteen digits count as a card number if they start with a
digit with which card numbers start. Mobile numbers count with and without separators, and without the leading
zero, which spreadsheets drop. Landline numbers count only with a separator after the area code. Company
numbers (1588-1234) and toll-free numbers do not count. Account numbers count if their digits are grouped as
by the large banks.
"""

_UNSEEN = "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
"""Pattern of invisible characters, which pasted numbers may contain."""

_WORD = r"""[^\s<>()\[\],;:"']"""
# Strings, not compiled patterns: to compile them takes as long as a command's other imports.
_ADDRESS = rf"(?<!{_WORD}){_WORD}+@{_WORD}+"
_RUN = rf"\+?[0-9](?:(?:,|{_MARKS})?(?:[0-9]|{_HIDDEN}))*"
_YEAR, _MONTH, _MONTHDAY = "(?:19|20)[0-9]{2}", "(?:0?[1-9]|1[0-2])", "(?:0?[1-9]|[12][0-9]|3[01])"
_CLOCK = "(?:[01][0-9]|2[0-3])(?:[0-5][0-9]){1,2}"
_DAY = (
    rf"(?:(?:{_YEAR}|[0-9]{{2}})(?:-{_MONTH}-{_MONTHDAY}|\. ?{_MONTH}\. ?{_MONTHDAY}\.?)"
    rf"|{_MONTHDAY}\.{_MONTH}\.{_YEAR}|(?:{_MONTHDAY}-{_MONTH}|{_MONTH}-{_MONTHDAY})-{_YEAR}"
    rf"|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]){_CLOCK}|(?:3[6-9]|4[0-9]|5[0-4])[0-9]{{3}}\.[0-9]{{1,6}})"
)
"""Pattern of a day: year first or last, two-digit year, with a time without separators, or Excel's number.
"""
_AMOUNT = r"(?:[0-9]{1,2}|[1-9][0-9]{2,8}|[1-9][0-9]{0,2}(?:,[0-9]{3}){1,2})(?:\.[0-9]{1,2})?"
_AMOUNTS = rf"\+?(?:{_DAY}|{_AMOUNT})(?:[ ()]+(?:{_DAY}|{_AMOUNT}))*"
_FEW = "(?:[^0-9]*[0-9]){1,5}[^0-9]*"
_MANY = "(?:[0-9][^0-9]*){10}"


def find_personal_data(texts: pl.Series) -> tuple[str, int] | None:
    """Return the first kind of personal data found in a column, and the number of values that contain it.

    Returns None if there is none.
    """
    visible = texts.cast(pl.String).str.replace_all(_UNSEEN, "").str.normalize("NFKC")
    for kind, pattern in PATTERNS.items():
        if count := int(visible.str.contains(pattern).sum()):
            return kind, count
    return None


def has_personal_number(text: str) -> bool:
    """Return whether a text contains a personal number or e-mail address that a pattern recognises.

    Unlike `mask_personal_data`, it does not count other long numbers. Use it for texts known to be amounts.
    """
    visible = unicodedata.normalize("NFKC", re.sub(_UNSEEN, "", text))
    return any(re.search(pattern, visible) for pattern in PATTERNS.values())


def mask_personal_data(text: str) -> str:
    """Return a text in which stars replace the digits of personal numbers, and "[@]" e-mail addresses.

    Every sequence of six or more digits is masked, whatever separates the digits, except days (2022-10-19,
    2022. 10. 19., 19.10.2022) and amounts of up to nine digits. A text without such sequences and addresses
    is returned unchanged.
    """
    visible = unicodedata.normalize("NFKC", re.sub(_UNSEEN, "", text))
    safe = re.sub(_RUN, lambda run: _mask_unless_harmless(run[0]), re.sub(_ADDRESS, "[@]", visible))
    # `_RUN` covers only some separators between digits. Personal numbers with other separators are masked
    # here.
    for pattern in PATTERNS.values():
        safe = re.sub(pattern, lambda run: re.sub("[0-9]", "*", run[0]), safe)
    return text if safe == visible else safe


def masked_name(name: str) -> str:
    """Return the name of a file or sheet, masked only if it contains personal data.

    Numbers that are not personal data are common in such names, so they are not masked.
    """
    return mask_personal_data(name) if find_personal_data(pl.Series([name])) else name


def _mask_unless_harmless(run: str) -> str:
    beside_dates = re.sub(_DAY, "", run)
    harmless = re.fullmatch(_FEW, run) or (re.fullmatch(_AMOUNTS, run) and not re.search(_MANY, beside_dates))
    if harmless and not any(re.search(pattern, run) for pattern in PATTERNS.values()):
        return run
    return re.sub("[0-9]", "*", run)
