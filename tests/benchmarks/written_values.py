"""Values of texts, as a person would script them for the readers that only cut lines into fields.

Each style reads a whole column in one way. The benchmark tries all styles on a file and keeps the best, which
no script could know beforehand; so what it measures of these readers is the cutting.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import product

from outage_analysis.incidents import normalized_name
from tests.contract.damaged_files.clean_table import Case, Record
from tests.contract.damaged_files.damaged_file import DamagedFile
from tests.contract.damaged_files.scoring import scored

Grid = Sequence[Sequence[str]]
MISSING = {
    "",
    "na",
    "n/a",
    "#n/a",
    "null",
    "none",
    "nan",
    "-",
    "–",
    "--",
    "\\n",
    "미상",
    "unknown",
    "unbekannt",
    "모름",
}
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p")
PATTERNS = {
    "day first": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"),
    "month first": ("%m/%d/%Y", "%m-%d-%Y"),
    "day first, short": ("%d/%m/%y", "%d.%m.%y", "%d-%m-%y"),
    "month first, short": ("%m/%d/%y",),
    "year first, short": ("%y-%m-%d", "%y/%m/%d", "%y.%m.%d", "%y년 %m월 %d일"),
    "year first": ("%Y/%m/%d", "%Y. %m. %d.", "%Y년 %m월 %d일", "%Y%m%d"),
    "month names": (*("%d %B %Y", "%B %d, %Y", "%d-%b-%Y", "%b %d %Y", "%d-%b-%y", "%d %b %Y"), "%d. %B %Y"),
}
GERMAN = {
    "Januar": "January",
    "Februar": "February",
    "März": "March",
    "Mai": "May",
    "Juni": "June",
    "Juli": "July",
}


def iso_day(text: str) -> date | None:
    """A day that a text in ISO form begins with."""
    try:
        return date.fromisoformat(text[:10]) if re.match(r"\d{4}-\d\d-\d\d(?!\d)", text) else None
    except ValueError:
        return None


def pattern_day(patterns: Sequence[str]) -> Callable[[str], date | None]:
    """A function that reads days by the first pattern of `strptime` that fits, with or without a time."""

    def read(text: str) -> date | None:
        for german, english in GERMAN.items():
            text = text.replace(german, english)
        text = re.sub(r"\([월화수목금토일]\)", "", text)
        text = re.sub(r"(오전|오후) (\S+)", lambda m: f"{m[2]} {'AM' if m[1] == '오전' else 'PM'}", text)
        for pattern, clock in product(patterns, TIMES):
            try:
                return datetime.strptime(text, pattern + clock).replace(tzinfo=UTC).date()
            except ValueError:
                continue
        return None

    return read


def number_day(start: date, unit: timedelta) -> Callable[[str], date | None]:
    """A function that reads days as a number of units since a first day."""

    def read(text: str) -> date | None:
        return start + int(text) * unit if re.fullmatch(r"\d{5,10}", text) else None

    def seconds(text: str) -> date | None:
        return datetime.fromtimestamp(int(text), UTC).date() if re.fullmatch(r"\d{10}", text) else None

    return read if unit == timedelta(days=1) else seconds


def first_of(*readers: Callable[[str], date | None]) -> Callable[[str], date | None]:
    """A function that takes the first reading of several."""
    return lambda text: next((day for read in readers if (day := read(text)) is not None), None)


DAY_STYLES: dict[str, Callable[[str], date | None]] = {
    "iso": iso_day,
    **{name: pattern_day(patterns) for name, patterns in PATTERNS.items()},
    "excel": number_day(date(1899, 12, 30), timedelta(days=1)),
    "unix": number_day(date(1970, 1, 1), timedelta(seconds=1)),
    "mixed, day first": first_of(
        iso_day,
        *(pattern_day(PATTERNS[p]) for p in ("year first", "day first", "month names", "month first")),
    ),
}
AMOUNT_STYLES = [(point, scale) for point in (".", ",") for scale in (1, 1_000, 10_000)]
"""The mark before the decimals, and what one unit in the file stands for."""


@lru_cache(maxsize=100_000)
def amount(text: str, style: tuple[str, int], minor: int) -> int | None:
    """An amount in the smallest unit; None if the text is none."""
    point, scale = style
    digits = re.sub(r"[^\d.,+\-]", "", unicodedata.normalize("NFKC", text))
    digits = digits.replace("," if point == "." else ".", "").replace(point, ".")
    try:
        value = Decimal(digits) * scale * minor
    except InvalidOperation:
        return None
    return int(value) if value == value.to_integral_value() and value >= 0 else None


@lru_cache(maxsize=100_000)
def day_of(style: str, text: str) -> date | None:
    """The day of a text in a style, if it has one."""
    try:
        return DAY_STYLES[style](text)
    except (ValueError, OverflowError):
        return None


@lru_cache
def names_of(case: Case) -> tuple[dict[str, str], dict[str, str]]:
    """The spellings of services and of claimant types, and their ids."""
    incident = case.incident
    return (
        {s: item.id for item in incident.services for s in item.spellings()},
        {s: item.id for item in incident.claimant_types for s in item.spellings()},
    )


def positions_in(grid: Grid, file: DamagedFile) -> tuple[dict[str, int], Grid]:
    """Where each column stands, by the headers that the reader is told, and the rows below."""
    wanted = {column: header.strip() for column, header in file.headers.items()}
    for n, cells in enumerate(grid):
        stripped = [cell.strip().lstrip("\ufeff").strip('"') for cell in cells]
        if all(header in stripped for header in wanted.values()):
            return {column: stripped.index(header) for column, header in wanted.items()}, grid[n + 1 :]
    return dict(file.positions), grid


@dataclass(frozen=True)
class NamedRow:
    """A row whose service and claimant type are known; its day and its loss are texts."""

    claim_id: str
    service: str
    claimant_type: str
    filed_on: str
    loss: str


def named_rows(grid: Grid, file: DamagedFile) -> list[NamedRow]:
    """The rows of a grid that have an id, if the file has ids, and known names."""
    positions, rows = positions_in(grid, file)
    services, types = names_of(file.case)
    found = []
    for row in rows:
        if max(positions.values()) >= len(row):
            continue
        text = {column: row[at].strip() for column, at in positions.items()}
        service = services.get(normalized_name(text["service"]))
        type_ = types.get(normalized_name(text["claimant_type"]))
        id_ = text.get("claim_id", "")
        if service and type_ and not (file.keyed and id_.casefold() in MISSING):
            found.append(NamedRow(id_, service, type_, text["filed_on"], text["loss"]))
    return found


def claims_in(
    rows: Sequence[NamedRow], file: DamagedFile, day_style: str, amount_style: tuple[str, int]
) -> list[Record]:
    """The rows whose day and loss can be read in these styles; equal rows are read once."""
    incident, found = file.case.incident, []
    for row in rows:
        day = day_of(day_style, row.filed_on)
        unstated = row.loss.casefold() in MISSING
        loss = None if unstated else amount(row.loss, amount_style, file.case.minor)
        if day is None or (loss is None and not unstated):
            continue
        if incident.claims_from <= day <= incident.claims_to:
            found.append(Record(row.claim_id, row.service, row.claimant_type, day, loss))
    return list(dict.fromkeys(found)) if file.keyed else found


def best_claims(grid: Grid, file: DamagedFile) -> list[Record]:
    """The claims of a grid in the styles of days and amounts that score best."""
    rows, best, best_score = named_rows(grid, file), [], -1
    for day_style, amount_style in product(DAY_STYLES, AMOUNT_STYLES):
        claims = claims_in(rows, file, day_style, amount_style)
        exact, wrong, _ = scored(file, claims)
        if exact - wrong > best_score:
            best, best_score = claims, exact - wrong
        if best_score == len(file.records):
            break
    return best
