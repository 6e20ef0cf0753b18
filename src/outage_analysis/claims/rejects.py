"""Explain rejects: the broken rule, the value, and what to do; personal data are masked.

`explain_reject` explains one reject as an error, `rejects_table` explains all rejects as a flat table.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import date

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.readers.cell_values import BLANKS, MISSING_WORDS
from outage_analysis.claims.rules import A_DECISION, PAID, READABLE_LOSS
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused, either, one_line
from outage_analysis.files import likely_typo_of, listed_names, toml_value
from outage_analysis.incidents import Incident, claim_columns
from outage_analysis.text import Locale, escape_formulas, has_personal_number, mask_personal_data

MAX_VALUE_LENGTH = 24
"""Most characters of a rejected value that an error message shows; for a longer value it shows the length."""
EXAMPLE_AMOUNT = 12.5
"""The example amount that an error message uses to show how to write decimals."""
LETTERS = re.compile(r"[^\W\d_]{2,}")
UNIT_WORDS = re.compile(
    r"[월화수목금토일]요일|오[전후]|정도|이[상하]|어제|오늘|미상|없음|[년월일시분초원만억천백십약쯤]|KRW|won"
)
"""Words that are common in dates and amounts. Any other word may be the name of a person."""
DATE_WORDS = re.compile(
    r"\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|januar|februar|märz?|mai|juni|juli|okt(?:ober)?|dez(?:ember)?"
    r"|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
    r"|am|pm|utc|kst|gmt|uhr|today|yesterday)\b|(?<=\d)(?:st|nd|rd|th)\b",
    re.IGNORECASE,
)
"""English words of dates. Some are also first names, so only the value of a filing day may contain them."""
DATE_SHAPE = re.compile(
    r"[0-9]{1,4}[-./] ?[0-9]{1,2}[-./] ?[0-9]{1,4}\.?(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?"
)
"""Pattern of a filing day that may be impossible, such as 2022-13-01."""
AMOUNT_SHAPE = re.compile(
    r"[+-]?(?:[$€£¥₩] ?|[A-Z]{3} )?\d{1,3}(?:[.,'\u2019 \u00a0\u2009\u202f]\d{3}){0,2}(?:[.,]\d{1,2})?"
    r"(?:[ \u00a0\u202f]?(?:[$€£¥₩원]|[A-Z]{3}))?"
)
"""Pattern of an amount in some notation: digits in groups of three, with or without a currency."""
ORDERED_DAY = re.compile(r"(\d\d?)([-./])(\d\d?)\2(\d\d|\d{4})\b.*")
"""Pattern of a day whose month may be its first or its second number."""
NUMERIC_RULES = ("loss is not negative", "loss is plausible")
"""Rules that only an amount can break. So its digits are not a phone number or the like, however many."""
REJECT_COLUMNS = {
    "file": pl.String,
    "row": pl.Int64,
    "column": pl.String,
    "value": pl.String,
    "rule": pl.String,
    "problem": pl.String,
    "remedy": pl.String,
    "other_rules": pl.String,
}
"""The columns of `Claims.rejects` and their data types."""
MAX_RULES, MAX_REMEDY_LENGTH = 3, 160
"""Limits for the error about too many rejects: the rules it names, and the characters of its remedy."""


def rejected_rows(warehouse: Warehouse, most: int | None = None) -> pl.DataFrame:
    """Return the first `most` rejects in file and row order, with their raw text; None returns all rejects.

    The raw text is not masked.
    """
    return warehouse.frame(queries.load("rejects_in_order", most="null" if most is None else str(most)))


def rejects_table(rejects: pl.DataFrame, incident: Incident) -> pl.DataFrame:
    """Explain rejects as a flat table with one row per reject, in the given order.

    Args:
        rejects: rows of `rejected_rows`.
        incident: the outage of the complaint files.

    Returns:
        The columns of `REJECT_COLUMNS`. Personal data are masked, and texts that a spreadsheet would run as a
        formula begin with an apostrophe.
    """
    locale, columns, rows = Locale("en"), claim_columns(incident), list[tuple[object, ...]]()
    # Equal values are explained once: most rejects of a file break the same rule in the same way.
    explained: dict[tuple[str, str | None, str | None], tuple[str | None, str, str]] = {}
    for reject in rejects.iter_rows(named=True):
        rule, *others = reject["broken"]
        column = rule.split(" ", 1)[0]
        case = rule, reject.get(column), reject["problem"]
        if case not in explained:
            value = _displayed_value(incident, rule, column, case[1], locale)
            explained[case] = value, _problem(rule, case[2]), _remedy(incident, rule, column, case[1], locale)
        value, problem, remedy = explained[case]
        remedy = _kept_row(reject, locale) or remedy
        place = reject["source_file"], reject["source_row"], column if column in columns else None
        rows.append((*place, value, rule, problem, remedy, "; ".join(others)))
    return escape_formulas(pl.DataFrame(rows, schema=REJECT_COLUMNS, orient="row"))


def explain_reject(incident: Incident, reject: dict[str, object], lang: str = "en") -> InputRefused:
    """Return an error that explains a reject: broken rule, file, row, column, value and remedy.

    Personal data are masked.

    Args:
        incident: the outage of the complaint files.
        reject: a row of `claims.rejected_rows`.
        lang: the language of the remedy and of the note that replaces a hidden value. The name of the rule is
            always in English.
    """
    locale, broken = Locale(lang), reject["broken"]
    rule = str(broken[0]) if isinstance(broken, list) else ""
    column = rule.split(" ", 1)[0]
    text = None if (cell := reject.get(column)) is None else str(cell)
    remedy = _kept_row(reject, locale) or _remedy(incident, rule, column, text, locale)
    return InputRefused(
        f"breaks the rule '{rule}'",
        file=reject["source_file"],
        row=int(str(reject["source_row"])),
        column=column if column in reject else None,
        value=reject["problem"] or _displayed_value(incident, rule, column, text, locale),
        remedy=remedy,
    )


def _kept_row(reject: Mapping[str, object], locale: Locale) -> str:
    """Return the remedy that names the row which was kept instead; empty if none was."""
    if reject["kept_row"] is None:
        return ""
    return locale("remedy.kept", row=locale.number(int(str(reject["kept_row"]))), file=reject["kept_file"])


def _problem(rule: str, reader_problem: str | None) -> str:
    opposites = ((" is not ", " is "), (" is ", " is not "), (" has ", " does not have "))
    sentences = (rule.replace(holds, broken, 1) for holds, broken in opposites if holds in rule)
    sentence = next(sentences, f"the row breaks the rule '{rule}'")
    if sentence.startswith("the "):
        sentence = f"T{sentence[1:]}"
    return f"{sentence}: {reader_problem}." if reader_problem else f"{sentence}."


def _remedy(incident: Incident, rule: str, column: str, text: str | None, locale: Locale) -> str:
    """Return what to do about a broken rule, unless the remedy names another row that was kept."""
    remedy = locale.label_or(f"remedy.{rule}", locale("remedy.whole"))
    if rule.endswith("is known"):
        return f"{_spelling_hint(incident, column, str(text), locale)[0]} {remedy}"
    for ending, key in ((A_DECISION, "decision"), (PAID, "paid")):
        if rule.endswith(ending):
            return locale(f"remedy.{key}")
    if rule.startswith("filed_on ") and (other := _other_reading(incident, str(text), locale)):
        return f"{other} {remedy}"
    if rule == READABLE_LOSS and text is not None and text.strip(BLANKS).casefold() in MISSING_WORDS:
        written = toml_value(text.strip(BLANKS))
        if incident.window == "observed" and (argument := either(f"missing=[{written}]", "")):
            return locale("remedy.missing_argument", argument=argument)
        return locale("remedy.missing", text=written, layout=either("layouts=", "--columns"))
    if rule == READABLE_LOSS and (digits := incident.loss_digits):
        return locale(
            "remedy.decimals",
            currency=incident.currency,
            digits=digits,
            example=f"{EXAMPLE_AMOUNT:.{digits}f}",
        )
    return remedy


def _other_reading(incident: Incident, text: str, locale: Locale) -> str:
    match = ORDERED_DAY.fullmatch(text.strip())
    if match is None:
        return ""
    first, second, year = int(match[1]), int(match[3]), int(f"20{match[4]}"[-4:])
    days: dict[date, str] = {}
    for day, month, notation in ((first, second, "dmy"), (second, first, "mdy")):
        with contextlib.suppress(ValueError):
            days[date(year, month, day)] = notation
    inside = sorted(day for day in days if incident.claims_from <= day <= incident.claims_to)
    if len(inside) == 2:  # noqa: PLR2004 # both orders
        return locale("remedy.two_days", first=inside[0].isoformat(), second=inside[1].isoformat())
    notation = days[inside[0]] if inside else ""
    short = "_short" if len(match[4]) < len("2022") else ""
    return locale("remedy.one_day", day=inside[0].isoformat(), notation=notation + short) if inside else ""


def _spelling_hint(incident: Incident, column: str, text: str, locale: Locale) -> tuple[str, bool]:
    """Suggest the name of a service or claimant type that a value probably misspells.

    If no name is close, list the known names.

    Returns:
        The hint as text, and whether the value is close to a known name.
    """
    items = incident.named_items[column]
    aliases = [s for item in items for s in (item.id, item.name.en, item.name.ko, *item.aliases) if s]
    close = likely_typo_of(text, aliases)
    if close is None:
        return locale("remedy.known", names=listed_names(aliases)), False
    return locale("remedy.closest", name=close), True


def _displayed_value(
    incident: Incident, rule: str, column: str, text: str | None, locale: Locale
) -> str | None:
    """Return a rejected value as an error message may show it, with personal data masked.

    A long value, or a value that may contain the name of a person, is replaced by its number of characters.
    """
    if text is None:
        return None
    # A value that resembles no known name may be the name of a person.
    if rule.endswith("is known") and not _spelling_hint(incident, column, text, locale)[1]:
        return locale("remedy.characters", count=len(text))
    if text.strip(BLANKS).casefold() in MISSING_WORDS:
        return text
    words = UNIT_WORDS.sub("", text)
    if column == "filed_on":
        words = DATE_WORDS.sub("", words)
    measured = not rule.startswith(("claim", "service"))
    if len(text) > MAX_VALUE_LENGTH or (measured and LETTERS.search(words)):
        return locale("remedy.characters", count=len(text))
    shape = {"filed_on": DATE_SHAPE, "loss": AMOUNT_SHAPE}.get(column)
    is_plain = rule in NUMERIC_RULES or (shape is not None and shape.fullmatch(text))
    if is_plain and not has_personal_number(text):
        return text
    return mask_personal_data(text)


def too_many_rejects(first: InputRefused, rejects: pl.DataFrame, rows: int, limit: float) -> InputRefused:
    """Return the error that ends a run if too many of its rows were rejected.

    The message explains the first reject, counts the rejects per rule and says how to continue.

    `rows` is the number of rows of the files that contain the rejects; `limit` is the largest accepted share
    of rejects.
    """
    rejected = len(rejects)
    rules = rejects.select(rule=pl.col("broken").explode())["rule"].value_counts()
    share = _rejected_share(rejected, rows, limit, dict(rules.iter_rows()))
    first.problem = f"{share}; the first {first.problem}"
    enough = -(-100 * rejected // rows)
    onward = (
        "Mend the rows, or go on without them: "
        + either(f"max_rejects={enough / 100:g}; .rejects", f"--max-rejects {enough}%; ingest")
        + " then lists them."
        if rejected < rows
        else "If this is so of every row, "
        + either("oa.inspect_file", "outage-analysis inspect")
        + " shows how the file reads."
    )
    first.remedy = f"{onward} The first: {one_line(first.remedy, MAX_REMEDY_LENGTH)}"
    return first


def _rejected_share(rejected: int, rows: int, limit: float, by_rule: Mapping[str, int]) -> str:
    over = f"{100 * (rejected / rows):.3g}% and more than {100 * limit:.3g}%"
    over = over if rejected < rows else "all of them"
    by_count = sorted(by_rule.items(), key=lambda item: (-item[1], item[0]))
    counts = ", ".join(f"'{rule}' {count:,}" for rule, count in by_count[:MAX_RULES])
    counts += f" and {len(by_count) - MAX_RULES} more rules" if len(by_count) > MAX_RULES else ""
    return f"{rejected:,} of {rows:,} rows rejected, {over}: {counts}"


def check_reject_share(by_rule: Mapping[str, int], rows: int, limit: float, *, file: str) -> None:
    """Raise an error if too many rows of a table of an engine were rejected.

    Raises:
        InputRefused: the share of rejected rows is above `limit`.
    """
    rejected = sum(by_rule.values())
    if rejected > limit * rows:
        remedy = f"Mend the rows, or go on without them: max_rejects={-(-100 * rejected // rows) / 100:g}."
        raise InputRefused(_rejected_share(rejected, rows, limit, by_rule), file=file, remedy=remedy)
