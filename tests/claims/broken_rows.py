"""Synthetic complaints of which some break one rule each."""

from __future__ import annotations

from collections import Counter

import polars as pl

CELLS = {
    "claim_id is given": {"claim_id": ""},
    "claimant_id is in full": {"claimant_id": "1.000123E+11"},
    "service is known": {"service": "no such service"},
    "filed_on is a date": {"filed_on": "2022-10-32"},
    "filed_on is within the claims window": {"filed_on": "2021-10-15"},
    "loss is an amount that can be read, below 10^15": {"loss": "약 30만원"},
    "loss is not negative": {"loss": "-30000"},
}
"""What stands in the cells of a row that breaks a rule."""
REPEATED_HEADER = "the record is not the header again"
COPY = "the complaint is not an exact copy of another"
REPEATED_ID = "claim_id is not repeated"


def with_broken_rows(clean: pl.DataFrame, every: int) -> tuple[pl.DataFrame, Counter[str]]:
    """One row in `every` broken, by each rule in turn, as text; and how many rows break each rule.

    Further rows at the end copy the row before each broken one, exactly or with its id alone.
    """
    rules = [*CELLS, REPEATED_HEADER, COPY, REPEATED_ID]
    changed = {**CELLS, REPEATED_HEADER: {name: name for name in clean.columns}}
    number = pl.int_range(pl.len())
    frame = clean.with_columns(pl.all().cast(pl.String))
    which = pl.when(number % every == every - 1).then(number // every % len(rules))
    marked = frame.with_columns(which.alias("broken"))
    broken = marked.with_columns(
        pl.coalesce(
            *(
                pl.when(pl.col("broken") == rules.index(rule)).then(pl.lit(cells[name]))
                for rule, cells in changed.items()
                if name in cells
            ),
            pl.col(name),
        ).alias(name)
        for name in clean.columns
    )
    copies = marked.filter(pl.col("broken") == rules.index(COPY))
    again = marked.filter(pl.col("broken") == rules.index(REPEATED_ID)).with_columns(
        claimant_id=pl.col("claimant_id") + "-2"
    )
    counts = Counter(rules[k] for k in marked["broken"].drop_nulls())
    return pl.concat([broken, copies, again]).drop("broken"), counts
