"""Make rows that each break exactly one validation rule, for teaching and for tests.

Each broken row is a changed copy of a clean row. It is placed at most `MAX_DISTANCE` clean rows after this
row. Broken rows get ids that no clean row has, except exact copies, rows with a repeated id, and repeated
headers. So no two rows are equal by chance.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from outage_analysis.claims.synthetic.synthetic_assumptions import apportion
from outage_analysis.errors import UsageError
from outage_analysis.incidents import LARGEST_LOSS, normalized_name

if TYPE_CHECKING:
    from outage_analysis.incidents import Incident, NamedItem

MAX_DISTANCE = 100
UNEVEN_RECORD = "the record has the fields of its header"
"""The rule that only the text of a CSV file can break. `replace_uneven_marks` breaks it in marked rows."""
UNEVEN_ENDS = {b",\x01\n": b"\n", b",\x02\n": b",true,true\n"}
"""End of a record that is marked by a control character -> the text that replaces it."""


def id_from_number(prefix: str, column: str) -> pl.Expr:
    """Return a Polars expression for ids: a prefix and the number in a column, with at least six digits."""
    return (prefix + pl.col(column).cast(pl.String).str.zfill(6)).alias(column)


def has_uneven_marks(frame: pl.DataFrame) -> bool:
    """Return whether a frame may have rows that are marked to get a wrong number of fields in CSV."""
    return frame.columns[-1] == "synthetic" and frame.dtypes[-1] == pl.String


def replace_uneven_marks(text: bytes) -> bytes:
    """Give each CSV record that ends in a control character (its mark) a wrong number of fields."""
    for mark, end in UNEVEN_ENDS.items():
        text = text.replace(mark, end)
    return text


def dirt_counts(rows: int, share: float, incident: Incident, *, csv: bool) -> dict[str, int]:
    """Return, for each validation rule, how many rows to add that break it. The numbers are about equal.

    Args:
        rows: the number of clean rows.
        share: the number of broken rows divided by the number of clean rows, between 0 and 1.
        incident: the outage. Rules that it does not have or only counts are left out.
        csv: whether the rows are written as CSV. Only then can a row break `UNEVEN_RECORD`.
    """
    if not 0 <= share <= 1:
        raise UsageError("the share of broken rows is not between 0 and 1", value=share)
    left_out = {rule for rule, outcome in incident.rules.items() if outcome == "count"}
    if incident.loss.negative != "reject":
        left_out.add("loss is not negative")
    if incident.loss.plausible_to is None:
        left_out.add("loss is plausible")
    if not csv:
        left_out.add(UNEVEN_RECORD)
    rules = [rule for rule in DIRT if rule not in left_out]
    counts = apportion([1] * len(rules), round(share * rows)).tolist()
    return {rule: count for rule, count in zip(rules, counts, strict=True) if count}


def with_broken_rows(
    rng: np.random.Generator,
    clean: pl.DataFrame,
    dirt: Mapping[str, int],
    incident: Incident,
    *,
    first_number: int,
) -> pl.DataFrame:
    """Return the valid rows in their order, as text, with rows that break a validation rule between them.

    `dirt` maps each rule to the number of rows that break it. Each broken row is made from a different clean
    row. The ids of broken rows are numbered from `first_number`.
    """
    texts = clean.with_columns(pl.all().cast(pl.String))
    total = sum(dirt.values())
    origins = rng.choice(len(clean), total, replace=False)
    places = np.minimum(origins + rng.integers(0, MAX_DISTANCE, total), len(clean) - 1)
    new_ids = (
        pl.DataFrame({"new_claim_id": np.arange(total), "new_claimant_id": np.arange(total)}) + first_number
    )
    made_from = texts[origins].hstack(
        new_ids.select(id_from_number("SYN-", "new_claim_id"), id_from_number("SYN-C", "new_claimant_id"))
    )
    parts, done = [texts], 0
    for rule, count in dirt.items():
        parts.append(DIRT[rule](made_from[done : done + count], incident).select(texts.columns))
        done += count
    order = np.insert(np.arange(len(clean)), places + 1, len(clean) + np.arange(total))
    return pl.concat(parts, rechunk=True)[order]


RowBreaker = Callable[[pl.DataFrame, "Incident"], pl.DataFrame]


def _with_new_ids(rows: pl.DataFrame, **cells: pl.Expr) -> pl.DataFrame:
    """Return copies of rows with new ids. Each keyword argument replaces the cells of its column."""
    return rows.with_columns(
        **{"claim_id": pl.col("new_claim_id"), "claimant_id": pl.col("new_claimant_id"), **cells}
    )


def _repeat_in_order(*texts: object) -> pl.Expr:
    """Return a Polars expression that fills a column with these texts in turn, over and over."""
    values = pl.Series([str(text) for text in texts])
    return pl.lit(values).gather(pl.int_range(pl.len()) % len(values))


BLANK = ("", " ")


def _no_claim_id(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, claim_id=_repeat_in_order(*BLANK))


def _rounded_claim_id(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, claim_id=_rounded_number("new_claim_id"))


def _rounded_claimant_id(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, claimant_id=_rounded_number("new_claimant_id"))


def _rounded_number(column: str) -> pl.Expr:
    """Return a Polars expression for ids as a spreadsheet rounds them, such as 1.000123E+11."""
    return "1." + pl.col(column).str.extract(r"(\d+)$") + "E+11"


def _split_claim_id(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, claim_id=_with_line_separator("new_claim_id"))


def _split_claimant_id(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, claimant_id=_with_line_separator("new_claimant_id"))


def _with_line_separator(column: str) -> pl.Expr:
    """Return a Polars expression that inserts the Unicode line separator into the ids of a column.

    This character does not end a line of a CSV file.
    """
    return pl.col(column).str.replace("-", "-\N{LINE SEPARATOR}")


def _repeated_id(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return rows.with_columns(claimant_id=pl.col("new_claimant_id"))


def _exact_copy(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return rows


def _no_service(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, service=_repeat_in_order(*BLANK))


def _misspelt_service(rows: pl.DataFrame, incident: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, service=_misspelt_names("service", incident.services))


def _no_claimant_type(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, claimant_type=_repeat_in_order(*BLANK))


def _misspelt_claimant_type(rows: pl.DataFrame, incident: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, claimant_type=_misspelt_names("claimant_type", incident.claimant_types))


def _misspelt_names(column: str, named: tuple[NamedItem, ...]) -> pl.Expr:
    """Return a Polars expression that changes the last letter of each name, so that it is unknown."""
    known = {spelling for item in named for spelling in item.spellings()}
    names = sorted({name for item in named for name in item.known_names})
    misspelt = [
        next(candidate for candidate in _misspellings(name) if normalized_name(candidate) not in known)
        for name in names
    ]
    return pl.col(column).replace_strict(names, misspelt, return_dtype=pl.String)


def _misspellings(name: str) -> Iterator[str]:
    """Yield misspellings of a name: its last letter is replaced by later letters of Unicode.

    For example, 톡 becomes 톢, then 톣.
    """
    return (name[:-1] + chr(ord(name[-1]) + step) for step in itertools.count(1))


def _unreadable_day(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, filed_on=_repeat_in_order("2022-10-32", "어제", "2022-02-30", "모름"))


def _day_outside_window(rows: pl.DataFrame, incident: Incident) -> pl.DataFrame:
    early, late = incident.claims_from, incident.claims_to
    days = [early - timedelta(1), late + timedelta(1), early - timedelta(14), late + timedelta(365)]
    return _with_new_ids(rows, filed_on=_repeat_in_order(*days))


def _unreadable_loss(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, loss=_repeat_in_order("약 30만원", "12.34567", "모름", LARGEST_LOSS))


def _negative_loss(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, loss=_repeat_in_order(-1, -30_000))


def _implausible_loss(rows: pl.DataFrame, incident: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, loss=_repeat_in_order((incident.loss.plausible_to or 0) + 1, LARGEST_LOSS - 1))


def _repeated_header(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return rows.with_columns(pl.lit(name).alias(name) for name in rows.columns)


def _uneven_record(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, synthetic=_repeat_in_order("\x01", "\x02"))


DIRT: dict[str, RowBreaker] = {
    "claim_id is given": _no_claim_id,
    "claim_id is in full": _rounded_claim_id,
    "claimant_id is in full": _rounded_claimant_id,
    "claim_id is one line of text": _split_claim_id,
    "claimant_id is one line of text": _split_claimant_id,
    "claim_id is not repeated": _repeated_id,
    "the complaint is not an exact copy of another": _exact_copy,
    "service is given": _no_service,
    "service is known": _misspelt_service,
    "claimant_type is given": _no_claimant_type,
    "claimant_type is known": _misspelt_claimant_type,
    "filed_on is a date": _unreadable_day,
    "filed_on is within the claims window": _day_outside_window,
    "loss is an amount that can be read, below 10^15": _unreadable_loss,
    "loss is not negative": _negative_loss,
    "loss is plausible": _implausible_loss,
    "the record is not the header again": _repeated_header,
    UNEVEN_RECORD: _uneven_record,
}
"""Validation rule -> a function that changes clean rows, which carry new ids, so that they break the rule."""
