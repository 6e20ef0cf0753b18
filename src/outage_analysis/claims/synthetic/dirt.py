"""Rows that each break exactly one validation rule, in known numbers: for teaching and for tests.

Each broken row is made from a clean row, which is at most `MAX_DISTANCE` clean rows before it. Broken rows get
ids that no clean row has, except exact copies, repeated ids and repeated headers. So no two rows are equal by
chance.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from outage_analysis.claims.synthetic.counts import apportion
from outage_analysis.errors import UsageError
from outage_analysis.incidents import LARGEST_LOSS, folded

if TYPE_CHECKING:
    from outage_analysis.incidents import Incident, Named

MAX_DISTANCE = 100
UNEVEN_RECORD = "the record has the fields of its header"
"""The rule that no frame can break: its rows end in a mark, which `replace_uneven_marks` replaces in the CSV."""
UNEVEN_ENDS = {b",\x01\n": b"\n", b",\x02\n": b",true,true\n"}
"""A last cell that marks a record -> its end with a field too few, or one too many."""


def id_from_number(prefix: str, column: str) -> pl.Expr:
    """An id from a number, of at least six digits."""
    return (prefix + pl.col(column).cast(pl.String).str.zfill(6)).alias(column)


def has_uneven_marks(frame: pl.DataFrame) -> bool:
    """Whether a frame may hold marked records."""
    return frame.columns[-1] == "synthetic" and frame.dtypes[-1] == pl.String


def replace_uneven_marks(text: bytes) -> bytes:
    """Lines of CSV in which the marked records lose their last field, or get one more."""
    for mark, end in UNEVEN_ENDS.items():
        text = text.replace(mark, end)
    return text


def dirt_counts(rows: int, share: float, incident: Incident, *, csv: bool) -> dict[str, int]:
    """How many further rows break each rule when `share` of so many rows are added, evenly by rule.

    Args:
        rows: the clean rows.
        share: broken rows for each clean one, between 0 and 1.
        incident: its page may leave out rules, or only count them.
        csv: whether the file is CSV, which can also break `UNEVEN_RECORD`.
    """
    if not 0 <= share <= 1:
        raise UsageError("the share of broken rows is not between 0 and 1", value=share)
    left_out = {rule for rule, what in incident.rules.items() if what == "count"}
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
    """The clean rows in their order, all as text, and among them rows that break these rules.

    Broken rows are numbered from `first_number`; each is made from another clean row.
    """
    texts = clean.with_columns(pl.all().cast(pl.String))
    total = sum(dirt.values())
    origins = rng.choice(len(clean), total, replace=False)
    places = np.minimum(origins + rng.integers(0, MAX_DISTANCE, total), len(clean) - 1)
    fresh = pl.DataFrame({"own_claim": np.arange(total), "own_claimant": np.arange(total)}) + first_number
    made_from = texts[origins].hstack(
        fresh.select(id_from_number("SYN-", "own_claim"), id_from_number("SYN-C", "own_claimant"))
    )
    parts, done = [texts], 0
    for rule, count in dirt.items():
        parts.append(DIRT[rule](made_from[done : done + count], incident).select(texts.columns))
        done += count
    order = np.insert(np.arange(len(clean)), places + 1, len(clean) + np.arange(total))
    return pl.concat(parts, rechunk=True)[order]


RowBreaker = Callable[[pl.DataFrame, "Incident"], pl.DataFrame]


def _with_new_ids(rows: pl.DataFrame, **cells: pl.Expr) -> pl.DataFrame:
    """A complaint under a number of its own, with other cells here and there."""
    return rows.with_columns(
        **{"claim_id": pl.col("own_claim"), "claimant_id": pl.col("own_claimant"), **cells}
    )


def _cycled(*texts: object) -> pl.Expr:
    """These texts, one after the other, again and again."""
    words = pl.Series([str(text) for text in texts])
    return pl.lit(words).gather(pl.int_range(pl.len()) % len(words))


BLANK = ("", " ")


def _no_claim_id(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, claim_id=_cycled(*BLANK))


def _rounded_claim_id(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, claim_id=_rounded_number("own_claim"))


def _rounded_claimant_id(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, claimant_id=_rounded_number("own_claimant"))


def _rounded_number(column: str) -> pl.Expr:
    """A number as a spreadsheet shows a long one."""
    return "1." + pl.col(column).str.extract(r"(\d+)$") + "E+11"


def _split_claim_id(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, claim_id=_with_line_separator("own_claim"))


def _split_claimant_id(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, claimant_id=_with_line_separator("own_claimant"))


def _with_line_separator(column: str) -> pl.Expr:
    """An id with a line separator inside, which ends no line of a CSV file."""
    return pl.col(column).str.replace("-", "-\N{LINE SEPARATOR}")


def _repeated_id(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return rows.with_columns(claimant_id=pl.col("own_claimant"))


def _exact_copy(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return rows


def _no_service(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, service=_cycled(*BLANK))


def _misspelt_service(rows: pl.DataFrame, incident: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, service=_misspelt_names("service", incident.services))


def _no_claimant_type(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, claimant_type=_cycled(*BLANK))


def _misspelt_claimant_type(rows: pl.DataFrame, incident: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, claimant_type=_misspelt_names("claimant_type", incident.claimant_types))


def _misspelt_names(column: str, named: tuple[Named, ...]) -> pl.Expr:
    """Each name with another last letter, which makes it no name that the incident knows."""
    known = {spelling for item in named for spelling in item.spellings()}
    names = sorted({name for item in named for name in item.written})
    slips = [next(slip for slip in _misspellings(name) if folded(slip) not in known) for name in names]
    return pl.col(column).replace_strict(names, slips, return_dtype=pl.String)


def _misspellings(name: str) -> Iterator[str]:
    """A name whose last letter is the next one, the one after it, and so on: 톡 becomes 톢."""
    return (name[:-1] + chr(ord(name[-1]) + slip) for slip in itertools.count(1))


def _unreadable_day(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, filed_on=_cycled("2022-10-32", "어제", "2022-02-30", "모름"))


def _day_outside_window(rows: pl.DataFrame, incident: Incident) -> pl.DataFrame:
    early, late = incident.claims_from, incident.claims_to
    days = [early - timedelta(1), late + timedelta(1), early - timedelta(14), late + timedelta(365)]
    return _with_new_ids(rows, filed_on=_cycled(*days))


def _unreadable_loss(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, loss=_cycled("약 30만원", "12.34567", "모름", LARGEST_LOSS))


def _negative_loss(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, loss=_cycled(-1, -30_000))


def _implausible_loss(rows: pl.DataFrame, incident: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, loss=_cycled((incident.loss.plausible_to or 0) + 1, LARGEST_LOSS - 1))


def _repeated_header(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return rows.with_columns(pl.lit(name).alias(name) for name in rows.columns)


def _uneven_record(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _with_new_ids(rows, synthetic=_cycled("\x01", "\x02"))


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
"""Rule -> what makes rows that break it, and it alone, from clean ones with numbers to give them."""
