"""Tables on the quality of the complaint files: rows read, rows rejected, broken rules, repeated claims."""

from __future__ import annotations

from typing import Any

import polars as pl

from outage_analysis.claims import Claims, explain_reject, queries
from outage_analysis.losses.heaping import heaping_table

MAX_EXPLAINED_REJECTS = 10
"""`quality_report` explains this many rejected rows one by one."""


def quality_table(claims: Claims) -> pl.DataFrame:
    """One row per complaint file: its format, its counts, and the first and last filing day of its claims.

    Columns: file, encoding, dialect (of the CSV), rows, claims, rejects, first_day, last_day.
    """
    read = pl.DataFrame(
        [(f.name, f.encoding, f.dialect) for f in claims.inputs],
        schema=dict.fromkeys(("file", "encoding", "dialect"), pl.String),
        orient="row",
    )
    spans = claims.warehouse.frame(queries.load("spans"))
    return read.join(claims.files, on="file", maintain_order="left").join(
        spans, on="file", maintain_order="left"
    )


def rule_table(claims: Claims) -> pl.DataFrame:
    """One row per complaint file, broken validation rule and outcome.

    Columns: source_file, rule, outcome (`rejected` or `counted`), complaints (the number of complaints that
    broke the rule), source_row and example (row number and value of the first rejected complaint; null if the
    complaints were counted). Personal data in the example are masked.
    """
    rows: list[tuple[object, ...]] = []
    for rule, count, first in claims.warehouse.frame(queries.load("examples")).iter_rows():
        explained = explain_reject(claims, {**first, "broken": [rule]})
        rows.append((first["source_file"], rule, "rejected", count, first["source_row"], explained.value))
    rows += [(file, rule, "counted", n, None, None) for file, rule, n in claims.counted_rules().iter_rows()]
    texts = ("source_file", "rule", "outcome")
    schema = {
        **dict.fromkeys(texts, pl.String),
        "complaints": pl.Int64,
        "source_row": pl.Int64,
        "example": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def claimants_table(claims: Claims) -> pl.DataFrame:
    """The number of claimants and how many of them filed more than one claim.

    Columns: identified_by, grain, claims, claimants, filed_again. `identified_by` names the column that
    identifies claimants: claimant_id, or claim_id for claims without a claimant, each of which counts as one
    claimant.
    """
    return claims.warehouse.frame(queries.load("repeats"))


def quality_report(claims: Claims) -> dict[str, Any]:
    """All quality tables as plain Python values, ready for JSON; the command `ingest` prints them."""
    first = claims.rejects.head(MAX_EXPLAINED_REJECTS).iter_rows(named=True)
    return {
        "files": quality_table(claims).to_dicts(),
        "skipped": list(claims.skipped),
        "synthetic": claims.synthetic,
        "rows": int(claims.files["rows"].sum()),
        "claims": len(claims),
        "rejects": int(claims.files["rejects"].sum()),
        "rules": rule_table(claims).to_dicts(),
        "first_rejects": [str(explain_reject(claims, reject)) for reject in first],
        "claimants": claimants_table(claims).to_dicts(),
        "heaping": heaping_table(claims).to_dicts(),
    }
