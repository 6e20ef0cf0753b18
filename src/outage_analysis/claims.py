"""What a claim is: its columns, the named rules, and the rejects that broke them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from outage_analysis import queries
from outage_analysis.datasets import nearest
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.incidents import Incident, Named, folded
from outage_analysis.ingest import InputFile, stage
from outage_analysis.queries import literal, quoted
from outage_analysis.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb

RULES: dict[str, str] = {
    "claim_id is given": "Give every complaint an id.",
    "claim_id is not repeated": "The first row with this id was kept.",
    "service is given": "Name the service.",
    "service is known": "Correct it, or add an alias to the incident.",
    "claimant_type is given": "Name the claimant type.",
    "claimant_type is known": "Correct it, or add an alias to the incident.",
    "filed_on is a date": "Write it as 2022-10-19, in the incident's time zone.",
    "filed_on is within the claims window": "Correct it, or widen claims_from and claims_to.",
    "loss is a whole number of the smallest unit, below 10^15": "Write a plain number, or leave it empty.",
    "loss is not negative": "Correct it, or say in the incident what a negative loss means.",
    "the record has the fields of its header": "Quote fields that hold the delimiter.",
}
"""Rule -> what to do about a complaint that breaks it. Each dimension of kind number adds one."""

MAX_REJECTS = 0.05


@dataclass(frozen=True)
class Claims:
    """The claims of one run, inside their warehouse, and what was rejected.

    `rejects` holds one row a reject (source_file, source_row, broken, raw text of each column);
    `files` one row a file with rows = claims + rejects.
    """

    incident: Incident
    inputs: tuple[InputFile, ...]
    warehouse: Warehouse
    synthetic: bool
    """Whether any row says of itself, or any file of its name, that it is synthetic."""
    files: pl.DataFrame

    def __len__(self) -> int:
        """How many claims passed."""
        return int(self.files["claims"].sum())

    @property
    def rejects(self) -> pl.DataFrame:
        """One row a reject, in file and row order."""
        return self.warehouse.frame("select * from rejects order by source_file, source_row")

    def sql(self, query: str, **values: object) -> duckdb.DuckDBPyRelation:
        """A DuckDB relation over the tables `claims`, `rejects` and `staged`; values enter as $name."""
        return self.warehouse.relation(query, **values)

    def frame(self) -> pl.DataFrame:
        """Every claim as a Polars frame, in file and row order."""
        return self.warehouse.frame("select * from claims order by source_file, source_row")

    def broken_rules(self) -> pl.DataFrame:
        """Rejects by file and rule: source_file, rule, rejects."""
        return (
            self.rejects.select("source_file", rule="broken")
            .explode("rule", empty_as_null=True, keep_nulls=True)
            .group_by("source_file", "rule")
            .agg(rejects=pl.len())
            .sort("source_file", "rule")
        )


def read_claims(
    paths: str | Path | Sequence[str | Path],
    incident: Incident,
    *,
    max_rejects: float = MAX_REJECTS,
) -> Claims:
    """Read complaint files; every row ends as exactly one claim or one reject.

    Args:
        paths: one or more CSV or Parquet files.
        incident: says how services, claimant types and columns are written.
        max_rejects: the largest share of rejects to go on with.

    Raises:
        InputRefused: an unreadable file, a missing column, no claim at all, or too many rejects.
    """
    if not 0 <= max_rejects <= 1:
        raise UsageError("--max-rejects is a share between 0 and 1", value=max_rejects)
    several = [paths] if isinstance(paths, str | Path) else paths
    files = [Path(p) for p in several]
    if not files:
        raise UsageError("no file of complaints was named", remedy="Name at least one CSV or Parquet file.")
    warehouse = Warehouse()
    inputs = stage(warehouse, files, incident)
    _judge(warehouse, incident)
    counted = warehouse.frame(queries.text("reconciliation"))
    flagged = warehouse.frame("select count(*) as n from staged where lower(synthetic) in ('true', '1')")
    synthetic = flagged["n"].item() > 0 or any("synthetic" in f.name.lower() for f in files)
    claims = Claims(incident, tuple(inputs), warehouse, synthetic, counted)
    _refuse_too_many(claims, max_rejects)
    return claims


def _judge(warehouse: Warehouse, incident: Incident) -> None:
    """Fill `claims` and `rejects` from `staged`."""
    warehouse.load("spellings", _spellings(warehouse, incident))
    numbers = [d for d in incident.dimensions if d.kind == "number"]
    raw = "".join(
        f", nullif(trim({quoted(d.id)}), '') as {quoted('raw_' + d.id)}" for d in incident.dimensions
    )
    typed = "".join(
        f", {_whole(quoted('raw_' + d.id)) if d in numbers else quoted('raw_' + d.id)} as {quoted(d.id)}"
        for d in incident.dimensions
    )
    rules = "".join(
        f", case when {quoted('raw_' + d.id)} is not null and {quoted(d.id)} is null "
        f"then {literal(d.id + ' is a whole number')} end"
        for d in numbers
    )
    kept = "".join(f", {quoted(d.id)}" for d in incident.dimensions)
    digits = incident.loss_digits
    # A money loss may have the decimals of its currency: 12.50 euros are 1,250 cents.
    decimals = rf"(\.\d{{1,{digits}}}0*)?" if digits else r"(\.0+)?"
    warehouse.create(
        "typed",
        queries.bind("typed", raw_dimensions=raw, typed_dimensions=typed),
        amount=rf"[+-]?\d{{1,15}}{decimals}",
        scale=10**digits,
    )
    warehouse.create(
        "judged",
        queries.bind("judged", dimension_rules=rules),
        claims_from=incident.claims_from,
        claims_to=incident.claims_to,
        negative=incident.loss.negative,
    )
    warehouse.create("claims", queries.bind("claims", dimensions=kept))
    warehouse.create("rejects", queries.text("rejects"))


def _whole(column: str) -> str:
    return f"case when regexp_full_match({column}, '[+-]?\\d{{1,15}}') then try_cast({column} as bigint) end"


def _spellings(warehouse: Warehouse, incident: Incident) -> pl.DataFrame:
    """Every distinct raw spelling that an alias covers, with the id it stands for."""
    lists: dict[str, tuple[Named, ...]] = {
        "service": incident.services,
        "claimant_type": incident.claimant_types,
    }
    rows: list[tuple[str, str, str]] = []
    for column, named in lists.items():
        ids = {spelling: item.id for item in named for spelling in item.spellings()}
        raw = warehouse.frame(
            f"select distinct trim({column}) as raw from staged where trim({column}) <> '' order by raw"
        )
        rows += [(column, r, ids[folded(r)]) for r in raw["raw"] if folded(r) in ids]
    return pl.DataFrame(
        rows,
        schema=["list", "raw", "id"],
        orient="row",
        schema_overrides={"list": pl.String, "raw": pl.String, "id": pl.String},
    )


def explain(claims: Claims, reject: dict[str, object]) -> InputRefused:
    """One reject as the line that a user reads: file, row, column, value, remedy."""
    broken = reject["broken"]
    rule = str(broken[0]) if isinstance(broken, list) else ""
    column = rule.split(" ", 1)[0]
    value = reject.get(column, reject["raw"])
    remedy = RULES.get(rule, "Give a whole number.")
    incident = claims.incident
    if rule.endswith("is known"):
        named = incident.services if column == "service" else incident.claimant_types
        aliases = [s for item in named for s in (item.id, item.name.en, item.name.ko, *item.aliases) if s]
        remedy = f"{nearest(str(value), aliases)} {remedy}"
    if rule == "claim_id is not repeated":
        remedy = f"Row {reject['kept_row']:,} of {reject['kept_file']} was kept."
    return InputRefused(
        f"breaks the rule '{rule}'",
        file=reject["source_file"],
        row=int(str(reject["source_row"])),
        column=column if column in reject else None,
        value=value,
        remedy=remedy,
    )


def _refuse_too_many(claims: Claims, max_rejects: float) -> None:
    rows, rejected = int(claims.files["rows"].sum()), int(claims.files["rejects"].sum())
    if rows == 0:
        raise InputRefused("has a header and no rows", file=claims.inputs[0].name)
    if rejected == rows or rejected / rows > max_rejects:
        first = explain(claims, claims.rejects.row(0, named=True))
        limit = "all of them" if rejected == rows else f"more than {max_rejects:.1%}"
        share = f"{rejected:,} of {rows:,} rows rejected, {limit}; the first"
        raise InputRefused(
            f"{first.problem} ({share})",
            file=first.file,
            row=first.row,
            column=first.column,
            value=first.value,
            remedy=first.remedy,
        )
