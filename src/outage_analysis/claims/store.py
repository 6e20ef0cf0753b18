"""Save claims as a Parquet file, or as a warehouse file to which later runs can add files.

Either file is first written under a temporary name and then renamed. If the program is killed while it
writes, the previous file stays unchanged.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import polars as pl
from pydantic import TypeAdapter

from outage_analysis.claims import queries
from outage_analysis.claims.claims_and_rejects import Claims
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.claims.readers.parquet import INCIDENT_KEY
from outage_analysis.claims.readers.read_files import InputFile
from outage_analysis.claims.readers.typed_rows import column_types
from outage_analysis.claims.rules import EXACT_COPY, REPEATED_ID, SAME_DAY, rule_conditions
from outage_analysis.claims.validation import create_claims_view, file_names, reconciliation_table
from outage_analysis.claims.warehouse import NOT_A_STORE, Warehouse
from outage_analysis.errors import EnvironmentFailed, InputRefused, UsageError
from outage_analysis.files import atomic_file, is_file
from outage_analysis.incidents import FILED_AT, Incident, Layout

PARQUET_SUFFIX, STORE_SUFFIX = ".parquet", ".duckdb"
TABLES = ("files", "accepted", "noted", "rejects")
"""The tables of a warehouse file, except the table `passport`, which describes the file."""
COLUMNS = {
    "files": {"file_number": "bigint", "file": "varchar", "rows": "bigint"},
    "noted": {"file_number": "bigint", "source_row": "bigint", "rule": "varchar"},
    "rejects": {
        "source_file": "varchar",
        "source_row": "bigint",
        "byte": "bigint",
        "broken": "varchar[]",
        **dict.fromkeys(("raw", "problem", "claim_id", "claimant_id", "service", "claimant_type"), "varchar"),
        "filed_on": "varchar",
        "loss": "varchar",
        "kept_file": "varchar",
        "kept_row": "bigint",
    },
    "passport": {
        "edition": "bigint",
        "incident": "varchar",
        "incident_sha256": "varchar",
        "synthetic": "boolean",
        "inputs": "varchar",
        "layouts": "varchar",
    },
}
"""Table of a warehouse file -> column -> SQL type; the columns of `accepted` depend on the incident."""
PRIVATE_MODE = 0o600
"""Permissions of a warehouse file: only its owner may read its claimant ids and reject texts."""
STORE_EDITION = 4
"""Version number of the structure of warehouse files."""


def save_claims(claims: Claims, path: str | Path) -> None:
    """Save claims as a Parquet file (one row per claim) or as a warehouse file (.duckdb).

    The file is written completely or not at all.

    The metadata of a Parquet file contain the incident, the SHA256 checksums of the input files, and whether
    the claims are synthetic. The same claims always give the same bytes. A warehouse file contains the
    claimant ids and the raw text of rejected rows, so do not pass it on.

    Raises:
        UsageError: the suffix is neither .parquet nor .duckdb; the claims are synthetic and the file name
            does not contain "synthetic"; or the claims are derived and the suffix is .duckdb.
        DisclosureBlocked: a text column to be written to Parquet contains personal data.
        EnvironmentFailed: the file cannot be written, or the warehouse file exists already.
    """
    path = Path(path)
    if path.suffix not in (PARQUET_SUFFIX, STORE_SUFFIX):
        raise UsageError("is neither .parquet nor .duckdb", file=path.name)
    if path.suffix == STORE_SUFFIX and claims.is_derived:
        raise UsageError(
            "a warehouse file contains all rows of its input files, and these claims are a selection",
            file=path.name,
            remedy=f"Save them as {path.stem}{PARQUET_SUFFIX}.",
        )
    check_synthetic_name(path, synthetic=claims.synthetic)
    if path.suffix == STORE_SUFFIX and path.exists():
        raise EnvironmentFailed("exists already", file=path.name, remedy="Choose another name, or remove it.")
    with atomic_file(path) as part:
        if path.suffix == STORE_SUFFIX:
            _write_store(claims, part)
            part.chmod(PRIVATE_MODE)
        else:
            dimensions = [d.id for d in claims.incident.dimensions if d.kind == "text"]
            claims.check_no_personal_data(["claim_id", "claimant_id", *dimensions])
            # The warehouse stores losses in the smallest currency unit, such as cents. They are saved with
            # decimals in the main unit, such as euros, as complaint files state them.
            digits, named = claims.incident.loss_digits, claims.incident.dimensions
            query = queries.load(
                "saved",
                filed_at=f", {FILED_AT}" if claims.has_times else "",
                loss=f"loss * cast(1e-{digits} as decimal(10, {digits}))" if digits else "loss",
                dimensions="".join(f", accepted.{quote_identifier(d.id)}" for d in named),
            )
            claims.warehouse.write_parquet(query, part, parquet_metadata(claims))


def check_synthetic_name(path: Path, *, synthetic: bool) -> None:
    """Raise an error if claims are synthetic and the file name does not contain "synthetic".

    Raises:
        UsageError: the name does not contain "synthetic".
    """
    if synthetic and "synthetic" not in path.name.lower():
        raise UsageError(
            "holds synthetic claims and its name does not say so",
            file=path.name,
            remedy=f"Name it {path.stem}-synthetic{path.suffix}.",
        )


def _write_store(claims: Claims, part: Path) -> None:
    warehouse = claims.warehouse
    layouts = [layout.model_dump(exclude_defaults=True) for layout in claims.layouts]
    passport = {
        "edition": STORE_EDITION,
        "incident": claims.incident.id,
        "incident_sha256": _incident_sha256(claims.incident),
        "synthetic": claims.synthetic,
        "inputs": json.dumps([asdict(f) for f in claims.inputs]),
        "layouts": json.dumps(layouts),
    }
    warehouse.load("new_passport", pl.DataFrame([passport]))
    tables = {**{table: f"from main.{table}" for table in TABLES}, "passport": "from new_passport"}
    warehouse.save(part, tables)


def parquet_metadata(claims: Claims) -> dict[str, str]:
    """Return the metadata for a Parquet file of claims.

    The metadata contain the incident id, the checksums of the incident and of the input files, and whether
    the claims are synthetic.
    """
    return {
        INCIDENT_KEY: claims.incident.id,
        "outage_analysis.incident_sha256": _incident_sha256(claims.incident),
        "outage_analysis.inputs_sha256": " ".join(sorted(f.sha256 for f in claims.inputs)),
        "outage_analysis.synthetic": "true" if claims.synthetic else "false",
    }


def _incident_sha256(incident: Incident) -> str:
    # What the rows mean changes no claim.
    return hashlib.sha256(incident.model_dump_json(by_alias=True, exclude={"rows"}).encode()).hexdigest()


def open_claims(path: Path, incident: Incident) -> Claims:
    """Open a warehouse file for reading and return its claims.

    Raises:
        InputRefused: the file is not a warehouse file of this version, or its claims were validated with a
            different definition of the incident.
    """
    if not is_file(path):
        raise InputRefused("there is no such file", file=path)
    warehouse = Warehouse()
    own = {"file_number": "bigint", "source_row": "bigint", "synthetic": "boolean"}
    accepted = own | column_types(incident)
    try:
        warehouse.open(path, {**COLUMNS, "accepted": accepted})
        passport = warehouse.frame("from passport").row(0, named=True)
        edition, incident_sha256 = passport["edition"], passport["incident_sha256"]
        inputs = TypeAdapter(tuple[InputFile, ...]).validate_json(passport["inputs"], strict=True)
        layouts = TypeAdapter(tuple[Layout, ...]).validate_json(passport["layouts"], strict=True)
        named = file_names(warehouse)
        same_incident = edition == STORE_EDITION and incident_sha256 == _incident_sha256(incident)
        found = warehouse.frame(_changes_query(incident)).row(0, named=True) if same_incident else {}
    except InputRefused:
        raise
    except Exception as error:
        raise InputRefused(NOT_A_STORE, file=path.name) from error
    if named != [f.name for f in inputs] or len(layouts) != len(inputs):
        raise InputRefused("has tables of other files than it lists", file=path.name)
    if not same_incident:
        raise InputRefused(
            f"was validated with another definition of the incident {passport['incident']}",
            file=path.name,
            remedy="Ingest its files again.",
        )
    if found["changed"] is not None:
        raise InputRefused(
            f"was changed by another program: its table {found['changed']} contradicts the rest",
            file=path.name,
            remedy="Ingest its files again.",
        )
    create_claims_view(warehouse, incident)
    synthetic = passport["synthetic"] or found["synthetic"]
    files = reconciliation_table(warehouse)
    return Claims(incident, inputs, layouts, warehouse, synthetic, files, store=path)


def _changes_query(incident: Incident) -> str:
    """Return the query for what no run writes: the rules again, without those about texts and ids."""
    counted = [rule for rule, outcome in incident.rules.items() if outcome == "count"]
    broken = [
        condition
        for rule, condition in rule_conditions(incident).items()
        if rule not in (*counted, SAME_DAY) and not rule.startswith(("claim_id", "claimant_id"))
    ]
    named = incident.named_items.items()
    broken += [f"{c} not in ({', '.join(quote_literal(x.id) for x in xs)})" for c, xs in named if xs]
    columns = ("service", "claimant_type", "loss", *(d.id for d in incident.dimensions))
    return queries.load(
        "changed_store",
        texts=queries.listed_sql({f"raw_{c}": quote_identifier(c) for c in columns}),
        broken=" or ".join(f"({condition})" for condition in broken),
        unique_ids=str(not {REPEATED_ID, EXACT_COPY}.intersection(counted)).lower(),
        kept_elsewhere=f"{quote_literal(REPEATED_ID)}, {quote_literal(EXACT_COPY)}",
    )
