"""Choose the formats in which a column writes its days or amounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

import polars as pl

from outage_analysis.incidents import Incident
from outage_analysis.text import AMOUNTS, COMMA_AMOUNTS, DATES, mask_personal_data

MIN_SHARE = 0.5
"""Least share of rows that must fit for a proposal."""
TIE_MARGIN = 0.1
"""Two formats tie if the weight of the second is at least (1 - TIE_MARGIN) times the weight of the first."""
MIN_CERTAIN_SHARE = 0.001
"""Least share of rows that only one of two contradictory formats can read, so that both are proposed."""
OUTSIDE_WEIGHT = 0.25
"""The weight of a day outside the claims window, if its format has a four-digit year."""
FULL_YEAR_FORMATS = {"iso", "korean", "dmy", "mdy", "month_name"}
"""Formats with a four-digit year. With other formats, only days inside the claims window count."""
WESTERN_FORMATS = tuple(name for name in AMOUNTS if name not in COMMA_AMOUNTS)
_EUROPEAN_MARKS = r"^\D*\d{1,3}(?:\.\d{3}){2,}|\.\d{3},\d|,\d{1,2}\D*$"
_WESTERN_MARKS = r"^\D*\d{1,3}(?:,\d{3})+|,\d{3}\.\d|\.\d{1,2}\D*$|\d{4,}\.\d"
_EITHER_MARK = r"^\D*\d{1,3}\.\d{3}\D*$"
"""Pattern of a value such as 1.250, which means 1250 in European notation and 1.25 elsewhere."""


@dataclass(frozen=True)
class FilingWindow:
    """The days on which a complaint can have been filed.

    The period starts with the outage or the claims window, whichever is earlier, and ends when both have
    ended.
    """

    first: date
    last: date

    @classmethod
    def from_incident(cls, incident: Incident) -> Self:
        """Return the days on which complaints about an incident can have been filed."""
        start, end = incident.outage.start, incident.outage.end or incident.outage.start
        days = [moment.astimezone(incident.zone).date() for moment in (start, end)]
        return cls(min(*days, incident.claims_from), max(*days, incident.claims_to))


@dataclass(frozen=True)
class FormatChoice:
    """The formats that are proposed for the days or amounts of a column.

    Attributes:
        formats: the proposed formats; empty if several formats fit equally well or none fits.
        score: the share of rows that the formats can read. Days outside the claims window do not count.
        reason: why these formats are proposed, in numbers, as text for the user.
        tied: the formats to choose from, if the values do not decide between them.
    """

    formats: tuple[str, ...] = ()
    score: float = 0.0
    reason: str = ""
    tied: tuple[str, ...] = ()


def choose_day_formats(days: pl.DataFrame, rows: int, window: FilingWindow) -> FormatChoice:
    """Choose as few day formats as possible that together read a column.

    Formats are added one by one: in each step the format with the largest weight among the values that no
    chosen format can read. A day in the claims window has weight 1. A day outside has weight `OUTSIDE_WEIGHT`
    if the format has a four-digit year, else 0.

    Two formats that contradict each other, such as day first and month first, are both chosen only if each of
    them is certain: it alone can read enough values, as days in the window (`MIN_CERTAIN_SHARE`). The reader
    then takes the only reading in the claims window, and rejects a day with several.

    Args:
        days: one row per distinct value: text, rows, and one column of parsed days per format.
        rows: the number of rows, without the rows whose value was not inspected.
        window: the days on which a complaint can have been filed.
    """
    readable = [n for n in DATES if days[n].null_count() < len(days)]
    remaining, formats = days, list[str]()
    while readable and len(remaining):
        certain = {n for n in readable if _is_certain(days, n, formats, rows, window)}
        weights = {
            n: _weight(remaining, n, window)
            for n in readable
            if n in certain or not _differ(days, [n], formats)
        }
        best = max(weights, key=lambda name: weights[name], default="")
        if not best or not weights[best]:
            break
        least = (1 - TIE_MARGIN) * weights[best]
        rivals = [n for n in weights if weights[n] > least and _differ(remaining, [n], [best])]
        pairs = ((n, other) for n in (best, *rivals) for other in (best, *rivals) if n != other)
        if rivals and not all(_is_certain(days, n, [other], rows, window) for n, other in pairs):
            if formats:
                break
            tied = [n for n in DATES if n in (best, *rivals)]
            return FormatChoice(
                (),
                _rows_read_and_inside(days, [best], window)[1] / rows,
                _tie_reason(remaining, tied),
                tuple(tied),
            )
        formats.append(best)
        remaining = remaining.filter(pl.col(best).is_null())
    if not formats:
        outside = [n for n in readable if _rows_read_and_inside(days, [n], window)[0] >= MIN_SHARE * rows]
        reason = _day_reason(days, outside[:1], rows, window) if outside else ""
        return FormatChoice((), 0.0, reason, tuple(outside))
    inside = _rows_read_and_inside(days, formats, window)[1]
    return FormatChoice(tuple(formats), inside / rows, _day_reason(days, formats, rows, window))


def _is_certain(
    days: pl.DataFrame, name: str, others: Sequence[str], rows: int, window: FilingWindow
) -> bool:
    """Return whether enough values are days in the window that only this format, and no other, can read."""
    only = days.filter(pl.all_horizontal(pl.lit(value=True), *(pl.col(n).is_null() for n in others)))
    return _rows_read_and_inside(only, [name], window)[1] >= max(1, MIN_CERTAIN_SHARE * rows)


def _day_reason(days: pl.DataFrame, formats: Sequence[str], rows: int, window: FilingWindow) -> str:
    """Return the reason for a choice of day formats: the share of rows that they can read.

    The text also names other formats that would read many rows differently.
    """
    rows_read, inside = _rows_read_and_inside(days, formats, window)
    inside_any = inside
    reason = (
        f"{_formats_read(formats)} {percent(rows_read, rows)} of the rows, "
        f"{percent(inside, rows_read)} of these days are in the claims window "
        f"({window.first} to {window.last})"
    )
    for other in DATES:
        rows_read, inside = _rows_read_and_inside(days, [other], window)
        if rows_read >= MIN_SHARE * rows and _differ(days, [other], formats):
            inside_any += inside
            reason += (
                f"; {other} would read {percent(rows_read, rows)}, {percent(inside, rows_read)} in the window"
            )
    if _differ(days, formats, formats):
        reason += "; a day that they read differently is the one in the claims window, or a reject"
    return reason if inside_any else f"{reason}: is it the right incident?"


def _weight(days: pl.DataFrame, name: str, window: FilingWindow) -> float:
    rows_read, inside = _rows_read_and_inside(days, [name], window)
    return inside + (OUTSIDE_WEIGHT * (rows_read - inside) if name in FULL_YEAR_FORMATS else 0)


def _rows_read_and_inside(days: pl.DataFrame, names: Sequence[str], window: FilingWindow) -> tuple[int, int]:
    """Return how many rows the formats can read, and how many of these days are in `window`.

    A value that two formats read as different days counts only if exactly one of these days is in the window.
    """
    readings = pl.concat_list(names).list.drop_nulls().list.unique()
    possible = readings.list.eval(pl.element().filter(pl.element().is_between(window.first, window.last)))
    inside = possible.list.len() == 1
    read = (readings.list.len() == 1) | inside
    counted = days.select(read=pl.col("rows").filter(read).sum(), inside=pl.col("rows").filter(inside).sum())
    return int(counted["read"].item()), int(counted["inside"].item())


def _differ(values: pl.DataFrame, names: Iterable[str], others: Iterable[str]) -> bool:
    """Return whether a format of `names` and a format of `others` read some value differently."""
    differing = [pl.col(n) != pl.col(o) for n in names for o in others if n != o]
    return bool(differing) and values.select(pl.any_horizontal(differing).any()).item() is True


def _tie_reason(values: pl.DataFrame, names: Sequence[str]) -> str:
    differing = pl.any_horizontal([pl.col(names[0]) != pl.col(n) for n in names[1:]])
    row = values.filter(differing).row(0, named=True)
    readings = " or ".join(f"{row[n]} ({n})" for n in names if row[n] is not None)
    return f'"{row["text"]}" is {readings}, and neither the claims window nor the other rows decide'


def choose_amount_formats(amounts: pl.DataFrame, filled: int) -> FormatChoice:
    """Choose as few amount formats as possible that together read a column.

    The formats agree on whether a point or a comma separates the decimals.

    Args:
        amounts: one row per distinct value: text, rows, and one column of parsed amounts per format.
        filled: the number of rows whose value is in `amounts`.
    """
    text = pl.col("text")
    point, comma, either = (
        int(amounts.filter(text.str.contains(marks))["rows"].sum())
        for marks in (_WESTERN_MARKS, _EUROPEAN_MARKS, _EITHER_MARK)
    )
    rows_read = _rows_read(amounts, list(AMOUNTS))
    if not rows_read:
        return FormatChoice()
    tied = abs(point - comma) <= TIE_MARGIN * max(point, comma)
    if tied and point:
        examples = [_example(amounts, marks) for marks in (_WESTERN_MARKS, _EUROPEAN_MARKS)]
        reason = f'in "{examples[0]}" a point starts the decimals, in "{examples[1]}" a comma'
        return FormatChoice((), rows_read / filled, reason, ("grouped", "european"))
    if tied and either and _rows_read(amounts, COMMA_AMOUNTS) > _rows_read(amounts, WESTERN_FORMATS):
        example = _example(amounts, _EITHER_MARK)
        european = max(COMMA_AMOUNTS, key=lambda name: _rows_read(amounts, [name]))
        whole_number = example.replace(".", "")
        reason = f'"{example}" is {whole_number} ({european}), or has three decimals, which no format reads'
        return FormatChoice((), rows_read / filled, reason, (european,))
    names, remaining, formats = (COMMA_AMOUNTS if comma > point else WESTERN_FORMATS), amounts, list[str]()
    while len(remaining):
        best = max(names, key=lambda name: _rows_read(remaining, [name]))
        if not _rows_read(remaining, [best]):
            break
        formats.append(best)
        remaining = remaining.filter(pl.col(best).is_null())
    rows_read = _rows_read(amounts, formats)
    reason = f"{_formats_read(formats)} {percent(rows_read, filled)} of the amounts" if formats else ""
    return FormatChoice(tuple(formats), rows_read / filled, reason)


def _example(amounts: pl.DataFrame, marks: str) -> str:
    """Return the first readable amount whose text matches a pattern, with personal data masked."""
    readable = amounts.filter(pl.any_horizontal(pl.col(list(AMOUNTS)).is_not_null()))
    return mask_personal_data(str(readable.filter(pl.col("text").str.contains(marks))["text"].first()))


def _formats_read(formats: Sequence[str]) -> str:
    return f"{' and '.join(formats)} {'reads' if len(formats) == 1 else 'read'}"


def _rows_read(amounts: pl.DataFrame, names: Sequence[str]) -> int:
    """Return the number of rows whose amount at least one of the formats can read."""
    if not names:
        return 0
    return int(amounts.filter(pl.any_horizontal(pl.col(names).is_not_null()))["rows"].sum())


def percent(part: int, total: int) -> str:
    """Return a share in whole percent.

    The result is 100% only if the share is 1, and 0% only if it is 0.
    """
    share = round(100 * part / total) if total else 0
    return f"{min(99, max(1, share)) if 0 < part < total else share}%"
