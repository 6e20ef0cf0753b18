"""Rows that each break exactly one rule of a claim, in known numbers: for teaching and for tests.

A broken row is made from a clean one, which stands at most `LAG` clean rows before it. All but copies
and headers bear a number that no clean row has, so that no two are alike by chance.
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
from outage_analysis.incidents import LARGEST_LOSS, normalized_name

if TYPE_CHECKING:
    from outage_analysis.incidents import Incident, NamedItem

LAG = 100
UNEVEN = "the record has the fields of its header"
"""The rule that no frame can break: its rows end in a mark, which `uneven` replaces in the CSV."""
MARKS = {b",\x01\n": b"\n", b",\x02\n": b",true,true\n"}
"""A last cell that marks a record -> its end with a field too few, or one too many."""


def numbered(prefix: str, column: str) -> pl.Expr:
    """An id from a number, of at least six digits."""
    return (prefix + pl.col(column).cast(pl.String).str.zfill(6)).alias(column)


def may_be_uneven(frame: pl.DataFrame) -> bool:
    """Whether a frame may hold marked records."""
    return frame.columns[-1] == "synthetic" and frame.dtypes[-1] == pl.String


def uneven(text: bytes) -> bytes:
    """Lines of CSV in which the marked records lose their last field, or get one more."""
    for mark, end in MARKS.items():
        text = text.replace(mark, end)
    return text


def dirt_counts(rows: int, share: float, incident: Incident, *, csv: bool) -> dict[str, int]:
    """How many further rows break each rule when `share` of so many rows are added, evenly by rule.

    Args:
        rows: the clean rows.
        share: broken rows for each clean one, between 0 and 1.
        incident: its page may leave out rules, or only count them.
        csv: whether the file is CSV, which can also break `UNEVEN`.
    """
    if not 0 <= share <= 1:
        raise UsageError("the share of broken rows is not between 0 and 1", value=share)
    left_out = {rule for rule, what in incident.rules.items() if what == "count"}
    if incident.loss.negative != "reject":
        left_out.add("loss is not negative")
    if incident.loss.plausible_to is None:
        left_out.add("loss is plausible")
    if not csv:
        left_out.add(UNEVEN)
    rules = [rule for rule in DIRT if rule not in left_out]
    counts = apportion([1] * len(rules), round(share * rows)).tolist()
    return {rule: count for rule, count in zip(rules, counts, strict=True) if count}


def soiled(
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
    places = np.minimum(origins + rng.integers(0, LAG, total), len(clean) - 1)
    fresh = pl.DataFrame({"own_claim": np.arange(total), "own_claimant": np.arange(total)}) + first_number
    made_from = texts[origins].hstack(
        fresh.select(numbered("SYN-", "own_claim"), numbered("SYN-C", "own_claimant"))
    )
    parts, done = [texts], 0
    for rule, count in dirt.items():
        parts.append(DIRT[rule](made_from[done : done + count], incident).select(texts.columns))
        done += count
    order = np.insert(np.arange(len(clean)), places + 1, len(clean) + np.arange(total))
    return pl.concat(parts, rechunk=True)[order]


Breakage = Callable[[pl.DataFrame, "Incident"], pl.DataFrame]


def _of_its_own(rows: pl.DataFrame, **cells: pl.Expr) -> pl.DataFrame:
    """A complaint under a number of its own, with other cells here and there."""
    return rows.with_columns(
        **{"claim_id": pl.col("own_claim"), "claimant_id": pl.col("own_claimant"), **cells}
    )


def _in_turn(*texts: object) -> pl.Expr:
    """These texts, one after the other, again and again."""
    words = pl.Series([str(text) for text in texts])
    return pl.lit(words).gather(pl.int_range(pl.len()) % len(words))


BLANK = ("", " ")


def _without_id(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _of_its_own(rows, claim_id=_in_turn(*BLANK))


def _id_rounded(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _of_its_own(rows, claim_id=_rounded("own_claim"))


def _claimant_rounded(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _of_its_own(rows, claimant_id=_rounded("own_claimant"))


def _rounded(column: str) -> pl.Expr:
    """A number as a spreadsheet shows a long one."""
    return "1." + pl.col(column).str.extract(r"(\d+)$") + "E+11"


def _id_with_control(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _of_its_own(rows, claim_id=_split("own_claim"))


def _claimant_with_control(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _of_its_own(rows, claimant_id=_split("own_claimant"))


def _split(column: str) -> pl.Expr:
    """An id with a line separator inside, which ends no line of a CSV file."""
    return pl.col(column).str.replace("-", "-\N{LINE SEPARATOR}")


def _under_an_id_taken(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return rows.with_columns(claimant_id=pl.col("own_claimant"))


def _copied(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return rows


def _without_service(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _of_its_own(rows, service=_in_turn(*BLANK))


def _service_misspelt(rows: pl.DataFrame, incident: Incident) -> pl.DataFrame:
    return _of_its_own(rows, service=_misspelt("service", incident.services))


def _without_type(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _of_its_own(rows, claimant_type=_in_turn(*BLANK))


def _type_misspelt(rows: pl.DataFrame, incident: Incident) -> pl.DataFrame:
    return _of_its_own(rows, claimant_type=_misspelt("claimant_type", incident.claimant_types))


def _misspelt(column: str, named: tuple[NamedItem, ...]) -> pl.Expr:
    """Each name with another last letter, which makes it no name that the incident knows."""
    known = {spelling for item in named for spelling in item.spellings()}
    names = sorted({name for item in named for name in item.known_names})
    slips = [next(slip for slip in _slips(name) if normalized_name(slip) not in known) for name in names]
    return pl.col(column).replace_strict(names, slips, return_dtype=pl.String)


def _slips(name: str) -> Iterator[str]:
    """A name whose last letter is the next one, the one after it, and so on: 톡 becomes 톢."""
    return (name[:-1] + chr(ord(name[-1]) + slip) for slip in itertools.count(1))


def _undated(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _of_its_own(rows, filed_on=_in_turn("2022-10-32", "어제", "2022-02-30", "모름"))


def _out_of_window(rows: pl.DataFrame, incident: Incident) -> pl.DataFrame:
    early, late = incident.claims_from, incident.claims_to
    days = [early - timedelta(1), late + timedelta(1), early - timedelta(14), late + timedelta(365)]
    return _of_its_own(rows, filed_on=_in_turn(*days))


def _loss_unreadable(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _of_its_own(rows, loss=_in_turn("약 30만원", "12.34567", "모름", LARGEST_LOSS))


def _loss_negative(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _of_its_own(rows, loss=_in_turn(-1, -30_000))


def _loss_implausible(rows: pl.DataFrame, incident: Incident) -> pl.DataFrame:
    return _of_its_own(rows, loss=_in_turn((incident.loss.plausible_to or 0) + 1, LARGEST_LOSS - 1))


def _header_again(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return rows.with_columns(pl.lit(name).alias(name) for name in rows.columns)


def _uneven(rows: pl.DataFrame, _: Incident) -> pl.DataFrame:
    return _of_its_own(rows, synthetic=_in_turn("\x01", "\x02"))


DIRT: dict[str, Breakage] = {
    "claim_id is given": _without_id,
    "claim_id is in full": _id_rounded,
    "claimant_id is in full": _claimant_rounded,
    "claim_id is one line of text": _id_with_control,
    "claimant_id is one line of text": _claimant_with_control,
    "claim_id is not repeated": _under_an_id_taken,
    "the complaint is not an exact copy of another": _copied,
    "service is given": _without_service,
    "service is known": _service_misspelt,
    "claimant_type is given": _without_type,
    "claimant_type is known": _type_misspelt,
    "filed_on is a date": _undated,
    "filed_on is within the claims window": _out_of_window,
    "loss is an amount that can be read, below 10^15": _loss_unreadable,
    "loss is not negative": _loss_negative,
    "loss is plausible": _loss_implausible,
    "the record is not the header again": _header_again,
    UNEVEN: _uneven,
}
"""Rule -> what makes rows that break it, and it alone, from clean ones with numbers to give them."""
