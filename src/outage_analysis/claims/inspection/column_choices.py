"""Propose which column of a complaint file contains the claim id, the loss and so on, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import polars as pl

from outage_analysis.claims.header_words import (
    AMOUNT,
    CLAIM,
    CLAIMANT,
    FILED,
    IDENTIFIER,
    LOSS,
    SERVICE,
    TYPE,
    has_word,
    means_claim_id,
    means_claimant_id,
    means_loss,
    means_personal_data,
)
from outage_analysis.claims.inspection.columns import MIN_SHARE, Column, percent
from outage_analysis.claims.readers.source_file import OPTIONAL_COLUMNS, required_columns
from outage_analysis.errors import UsageError, either
from outage_analysis.files import listed_names, toml_value
from outage_analysis.incidents import COUNT, FILED_AT, Incident, Layout, normalized_name
from outage_analysis.text import AMOUNTS, CURRENCY, DATES, mask_personal_data, masked_name

MIN_DISTINCT_SHARE = 0.9
"""Least share of distinct values in a column of claim ids. It is below 1 because files may repeat rows."""
MIN_CODE_SHARE = 0.95
"""Least share of rows whose value looks like a code, in a column of ids."""
MAX_LISTED = 5
"""Most columns that the text of a reason lists."""
IDS = ("claimant_id", "claim_id")
CHOICE_ORDER = ("service", "claimant_type", "filed_on", "loss", *IDS)
DECIDING_WORDS = {
    "service": SERVICE,
    "claimant_type": TYPE,
    "filed_on": FILED,
    "loss": LOSS,
    "claim_id": CLAIM,
}
"""Column of a claim -> header words that decide if several columns of the file fit."""
CONSEQUENCES = {
    "claim_id": "Without it the id is the name of the file and the row, and a complaint that comes again in "
    "another row is not recognised: better name a column that is different in every row.",
    "claimant_id": "Without it a policy line that pays or caps per claimant is refused, and each claim "
    "counts as a claimant of its own.",
}
"""Id column of a claim -> what happens if no column of the file is proposed for it."""


@dataclass(frozen=True)
class Choice:
    """The proposal for one column of a claim, such as `loss`: a column of the inspected file, or none.

    Attributes:
        position: the position of the proposed column in the file; None if no column is proposed.
        reason: why this column or no column is proposed, as text for the user.
        tied: the positions of the columns that fit equally well, if this is why no column is
            proposed.
    """

    position: int | None
    reason: str
    tied: tuple[int, ...] = ()


def choose_columns(columns: list[Column], layout: Layout, incident: Incident) -> dict[str, Choice]:
    """Propose, for each column of a claim (such as `loss`), the column of the file that contains it.

    A column with a known header is taken first. Otherwise the values decide. If several columns fit equally
    well, none is proposed.
    """
    headers = [column.header for column in columns]
    wanted = (*required_columns(incident), *OPTIONAL_COLUMNS, COUNT)
    known_positions = layout.header_positions(headers, wanted)
    dimensions = {d.id for d in incident.dimensions}
    choices = {
        name: _choose_by_header(name, columns, places)
        for name, places in known_positions.items()
        if name not in ("synthetic", CURRENCY) or name in dimensions
    }
    used_positions = {at for places in known_positions.values() for at in places}
    parts = {normalized_name(header) for name in layout.computed for header in layout.parts(name).values()}
    used_positions |= {at for at, header in enumerate(headers) if normalized_name(header) in parts}
    for name in CHOICE_ORDER:
        if name not in choices and name not in layout.constants and not layout.parts(name):
            unused = [at for at in range(len(columns)) if at not in used_positions]
            choices[name] = _choose_by_values(
                name, columns, unused, incident, headless=layout.header_row == 0
            )
            used_positions |= {at for at in (choices[name].position,) if at is not None}
    return choices


def _choose_by_header(name: str, columns: list[Column], places: list[int]) -> Choice:
    if len(places) > 1:
        return Choice(None, f"{_header_list(columns, places)} are both known headers", tuple(places))
    column = columns[places[0]]
    fault = _unsafe_id_reason(column) if name in IDS else None
    if fault:
        return Choice(
            None,
            f"the header {quote_header(column)} is known, so its column is read although it {fault}: rename "
            "the header, or remove the column",
        )
    return Choice(places[0], "the header is known")


def _choose_by_values(
    name: str, columns: list[Column], unused: list[int], incident: Incident, *, headless: bool
) -> Choice:
    tests: dict[str, Callable[[Column], bool]] = {
        "service": lambda c: c.kind.services >= MIN_SHARE,
        "claimant_type": lambda c: c.kind.services < MIN_SHARE <= c.kind.claimant_types,
        "filed_on": lambda c: c.fits_days and c.reads_as == "day",  # amounts are read only if it may be true
        "loss": lambda c: (  # the header first: reading values in every format takes longest
            means_loss(c.header, (incident.currency, incident.loss.unit)) and c.reads_as == "amount"
        ),
        "claim_id": lambda c: means_claim_id(c.header) and id_fault(name, c) is None,
        "claimant_id": lambda c: means_claimant_id(c.header) and id_fault(name, c) is None,
    }
    if headless:  # Without a header, only the values can be used.
        tests["loss"] = lambda c: c.reads_as == "amount"
        tests["claim_id"] = lambda c: (
            c.reads_as == "text" and id_fault(name, c) is None and c.distinct == c.rows
        )
    matches = [at for at in unused if tests[name](columns[at])]
    if name == "loss" and not headless and not any(has_word(columns[at].header, LOSS) for at in matches):
        # The header "amount" is ambiguous if the file also has a column such as "paid amount". Then both
        # columns match, so that neither is proposed.
        amounts = [at for at in unused if columns[at].reads_as == "amount"]
        matches = [at for at in amounts if has_word(columns[at].header, AMOUNT)] if matches else []
    decided = [
        at for at in matches if name in DECIDING_WORDS and has_word(columns[at].header, DECIDING_WORDS[name])
    ]
    if len(matches) == 1:
        by_header = name in (*IDS, "loss") and not headless
        basis = f"the only column whose values {'and header ' if by_header else ''}fit"
        if headless and name in (*IDS, "loss"):
            basis += ", and the file has no header that confirms it: check it"
    elif len(decided) == 1:
        matches, basis = decided, f"of {_header_list(columns, matches)}, the one whose header decides"
    elif matches:
        return Choice(None, f"{_header_list(columns, matches)} fit equally well", tuple(matches))
    else:
        return Choice(None, _reason_for_none(name, columns, unused, headless=headless))
    return Choice(matches[0], basis)


def id_fault(name: str, column: Column) -> str | None:
    """Return why a column cannot be the id of a claim or claimant; None if it can."""
    unsafe = _unsafe_id_reason(column)
    if unsafe or not column.filled:
        return unsafe or "is empty"
    if column.fits_days and column.reads_as == "day":  # `reads_as` is slow for many ids
        return "holds days"
    if column.codes < MIN_CODE_SHARE:
        return f"holds values that are no codes ({1 - column.codes:.0%} of its values)"
    if name == "claim_id" and column.distinct < MIN_DISTINCT_SHARE * column.rows:
        return f"has only {column.distinct:,} different values in {column.rows:,} rows"
    if (
        name == "claimant_id"
        and column.share(pl.col("text").str.contains(r"^\d{1,3}$")) >= MIN_SHARE
        and not has_word(column.header, IDENTIFIER)
    ):
        return "holds small numbers, which may be counts"
    return None


def _unsafe_id_reason(column: Column) -> str | None:
    """Return why a column must not be an id, even if its header fits; None if it may be one.

    A column with personal data or free text must not be an id.
    """
    if column.personal:
        kind, count = column.personal
        return f"holds personal data ({kind}, {count:,} values)"
    if means_personal_data(column.header):
        return "has the header of personal data"
    return "holds free text" if column.free_text else None


def evidence(name: str, column: Column) -> str:
    """Return a text that supports a proposed column with numbers: "950 different values in 1,000 rows".

    It counts all values, so it takes longer than the choice.
    """
    if name in ("filed_on", FILED_AT):
        reasons = [] if column.day.tied else [column.day.reason]
        if timed := column.kind.timed:
            reasons.append(f"{percent(timed, column.kind.rows)} of the rows state a time of day")
        return "; ".join(filter(None, reasons))
    if name == "loss":
        return "" if column.amount.tied else column.amount.reason
    if name in IDS:
        return f"{column.distinct:,} different values in {column.rows:,} rows"
    shares = {"service": column.services, "claimant_type": column.claimant_types}
    return f"{shares[name]:.0%} of its values are names of the incident" if name in shares else ""


def _reason_for_none(name: str, columns: list[Column], unused: list[int], *, headless: bool) -> str:
    if name in IDS:
        reasons = ["no column is a safe id"]
        if headless:
            if safe := [at for at in unused if id_fault(name, columns[at]) is None]:
                reasons.append(f"{_header_list(columns, safe)} may hold ids, but no header says of what")
            return "; ".join(reasons)
        id_words = CLAIM | IDENTIFIER if name == "claim_id" else CLAIMANT
        similar = [columns[at] for at in unused if has_word(columns[at].header, id_words)][:MAX_LISTED]
        other = "has a header of another meaning"
        return "; ".join(reasons + [f"{quote_header(c)} {id_fault(name, c) or other}" for c in similar])
    if name == "filed_on":
        days = [columns[at] for at in unused if columns[at].may_be_day]
        reasons = [f"{quote_header(column)}: {column.day.reason}" for column in days[:MAX_LISTED]]
        return "; ".join(["no column is certain to hold days in the claims window", *reasons])
    if name == "loss":
        amounts = [at for at in unused if columns[at].reads_as == "amount"]
        ending = f"; amounts are in {_header_list(columns, amounts)}" if amounts else ""
        return f"no column of amounts has a header that says loss{ending}"
    return "no column holds names of the incident"


def _header_list(columns: list[Column], places: Sequence[int]) -> str:
    """Return the headers of some columns as a list in words: "a", "b" and "c"."""
    headers = [quote_header(columns[at]) for at in places[:MAX_LISTED]]
    if len(places) > MAX_LISTED:
        headers.append(f"{len(places) - MAX_LISTED} more")
    return " and ".join(filter(None, (", ".join(headers[:-1]), headers[-1])))


def quote_header(column: Column) -> str:
    """Return the header of a column in quotation marks.

    Personal data are masked and control characters escaped.
    """
    return toml_value(mask_personal_data(column.header))


def certain_formats(name: str, column: Column, file: str) -> tuple[str, ...]:
    """Return the formats of a column of days or amounts.

    Raises:
        UsageError: the values fit several formats that read them differently.
    """
    choice = column.day if name == "filed_on" else column.amount
    if choice.formats:
        return choice.formats
    file = masked_name(file)
    if not choice.tied:
        known = listed_names(list(DATES if name == "filed_on" else AMOUNTS))
        problem = f"has values in no format that is known for {name}"
        raise UsageError(problem, file=file, column=column.header, remedy=f"Known: {known}")
    raise UsageError(
        f"has values that fit the formats {' and '.join(choice.tied)}: {choice.reason}",
        file=file,
        column=column.header,
        remedy="Name the format: "
        + either(
            f'formats={{"{name}": "{choice.tied[0]}"}}.',
            f'{name} = ["{choice.tied[0]}"] under [formats] of a --columns layout.',
        ),
    )


def in_known_order(name: str, formats: Collection[str]) -> tuple[str, ...]:
    """Return formats in the order in which the package lists them."""
    return tuple(format_ for format_ in (DATES if name == "filed_on" else AMOUNTS) if format_ in formats)
