"""Claims that last: a Parquet file of claims, and a warehouse file that takes further files.

Either is written under another name and renamed: a run that is killed leaves what was there before.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import polars as pl
from pydantic import TypeAdapter

from outage_analysis.claims import queries
from outage_analysis.claims.claims_and_rejects import (
    Claims,
    ExtendedStore,
    FileState,
    create_claims_view,
    file_names,
    reconciliation_table,
)
from outage_analysis.claims.queries import quote_identifier
from outage_analysis.claims.readers.parquet import INCIDENT_KEY
from outage_analysis.claims.readers.read_files import InputFile, StagedFiles
from outage_analysis.claims.readers.staging import column_types, typed_columns
from outage_analysis.claims.warehouse import NOT_A_STORE, Warehouse
from outage_analysis.errors import EnvironmentFailed, InputRefused, UsageError
from outage_analysis.files import file_in_place, is_file
from outage_analysis.incidents import Incident, Layout

PARQUET_SUFFIX, STORE_SUFFIX = ".parquet", ".duckdb"
TABLES = ("files", "accepted", "noted", "rejects")
"""What a warehouse file keeps, beside its passport."""
BIGINT, VARCHAR = "bigint", "varchar"
COLUMNS = {
    "files": {"file_number": BIGINT, "file": VARCHAR, "rows": BIGINT},
    "noted": {"file_number": BIGINT, "source_row": BIGINT, "rule": VARCHAR},
    "rejects": {
        "source_file": VARCHAR,
        "source_row": BIGINT,
        "byte": BIGINT,
        "broken": f"{VARCHAR}[]",
        **dict.fromkeys(("raw", "problem", "claim_id", "claimant_id", "service", "claimant_type"), VARCHAR),
        "filed_on": VARCHAR,
        "loss": VARCHAR,
        "kept_file": VARCHAR,
        "kept_row": BIGINT,
    },
    "passport": {
        "edition": BIGINT,
        "incident": VARCHAR,
        "incident_sha256": VARCHAR,
        "synthetic": "boolean",
        "inputs": VARCHAR,
        "layouts": VARCHAR,
    },
}
"""The columns of the tables of a warehouse file; those of `accepted` depend on the incident."""
PRIVATE_MODE = 0o600
"""The mode of a warehouse file, whatever the umask: it holds ids of claimants and the text of rejects."""
STORE_EDITION = 3
"""Of the tables of a warehouse file; another edition is refused."""


def save_claims(claims: Claims, path: str | Path) -> None:
    """Write claims as Parquet, one row a claim, or as a warehouse file (.duckdb); whole or not at all.

    The Parquet holds no text but that of the columns, and says in its metadata of which incident and files
    it is, and whether it is synthetic; equal claims give equal bytes. The warehouse file holds the ids of the
    claimants and the raw text of rejects: it stays with the analyst.

    Raises:
        UsageError: another suffix.
        DisclosureBlocked: a column of the Parquet holds personal data.
        EnvironmentFailed: the disk refused.
    """
    path = Path(path)
    if path.suffix not in (PARQUET_SUFFIX, STORE_SUFFIX):
        raise UsageError("is neither .parquet nor .duckdb", file=path.name)
    check_synthetic_name(path, synthetic=claims.synthetic)
    with _folder_lock(path), file_in_place(path) as part:
        if (
            path.suffix == STORE_SUFFIX
            and path.exists()
            and (claims.add_to is None or claims.add_to.state != _file_state(path))
        ):
            raise EnvironmentFailed(
                "exists already, or another run has added to it meanwhile",
                file=path.name,
                remedy="Run again with --add.",
            )
        if path.suffix == STORE_SUFFIX:
            _write_store(claims, path, part)
            part.chmod(PRIVATE_MODE)
        else:
            dimensions = [d.id for d in claims.incident.dimensions if d.kind == "text"]
            claims.check_no_personal_data(["claim_id", "claimant_id", *dimensions])
            claims.warehouse.write_parquet(_saved_claims_query(claims), part, parquet_metadata(claims))


def check_synthetic_name(path: Path, *, synthetic: bool) -> None:
    """Refuse to keep what is synthetic under a name that does not say so.

    Raises:
        UsageError: such a name.
    """
    if synthetic and "synthetic" not in path.name.lower():
        raise UsageError(
            "holds synthetic claims and its name does not say so",
            file=path.name,
            remedy=f"Name it {path.stem}-synthetic{path.suffix}.",
        )


def _write_store(claims: Claims, path: Path, part: Path) -> None:
    """Write a new warehouse file, or a copy of what is there with what was added to it."""
    warehouse = claims.warehouse
    warehouse.load("new_passport", _passport_table(claims))
    whole = {**{table: f"from main.{table}" for table in TABLES}, "passport": "from new_passport"}
    if claims.add_to is None or not path.exists():
        warehouse.save(part, whole)
        return
    shutil.copyfile(path, part)
    accepted = {"accepted": queries.load("added_claims", first=str(claims.add_to.files))}
    warehouse.extend(part, accepted, {t: query for t, query in whole.items() if t != "accepted"})


@contextmanager
def _folder_lock(path: Path) -> Iterator[None]:
    """One writer at a time in a folder, where the system can lock one; the lock ends with the process."""
    if not path.parent.is_dir():
        raise EnvironmentFailed("cannot be written: there is no such folder", file=path)
    if sys.platform == "win32":
        yield
        return
    import fcntl

    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _file_state(path: Path) -> FileState:
    """What changes when a file is replaced."""
    told = path.stat()
    return told.st_ino, told.st_mtime_ns, told.st_size


def _saved_claims_query(claims: Claims) -> str:
    incident = claims.incident
    # A loss in money is written as files write it: with the decimals of its currency.
    digits = incident.loss_digits
    loss = f"loss * cast(1e-{digits} as decimal(10, {digits}))" if digits else "loss"
    others = "".join(f", accepted.{quote_identifier(d.id)}" for d in incident.dimensions)
    return queries.load("saved", loss=loss, dimensions=others)


def parquet_metadata(claims: Claims) -> dict[str, str]:
    """What the metadata of a Parquet of claims says of it."""
    return {
        INCIDENT_KEY: claims.incident.id,
        "outage_analysis.incident_sha256": _incident_sha256(claims.incident),
        "outage_analysis.inputs_sha256": " ".join(sorted(f.sha256 for f in claims.inputs)),
        "outage_analysis.synthetic": "true" if claims.synthetic else "false",
    }


def _incident_sha256(incident: Incident) -> str:
    return hashlib.sha256(incident.model_dump_json(by_alias=True).encode()).hexdigest()


def _passport_table(claims: Claims) -> pl.DataFrame:
    """One row: what a warehouse file is of."""
    layouts = [layout.model_dump(exclude_defaults=True) for layout in claims.layouts]
    return pl.DataFrame(
        {
            "edition": [STORE_EDITION],
            "incident": [claims.incident.id],
            "incident_sha256": [_incident_sha256(claims.incident)],
            "synthetic": [claims.synthetic],
            "inputs": [json.dumps([asdict(f) for f in claims.inputs])],
            "layouts": [json.dumps(layouts)],
        }
    )


def open_claims(path: Path, incident: Incident) -> Claims:
    """The claims of a warehouse file, for reading.

    Raises:
        InputRefused: no warehouse file of this edition, or one judged by another page of the incident.
    """
    warehouse = Warehouse()
    synthetic, staged = _open_store(warehouse, path, incident, {t: t for t in TABLES})
    create_claims_view(warehouse, incident)
    counted = reconciliation_table(warehouse)
    return Claims(incident, staged.inputs, staged.layouts, warehouse, synthetic, counted)


def create_empty_earlier(warehouse: Warehouse, incident: Incident) -> None:
    """The tables of a run that no warehouse file comes before."""
    warehouse.load(
        "files", pl.DataFrame(schema={"file_number": pl.Int64, "file": pl.String, "rows": pl.Int64})
    )
    warehouse.create("earlier", queries.load("empty_earlier", columns=typed_columns(incident)))


def load_earlier_claims(
    warehouse: Warehouse, path: Path, incident: Incident
) -> tuple[StagedFiles, ExtendedStore, bool]:
    """Have the claims of a warehouse file as those that came before.

    Returns:
        Its files, what it was, and whether any of its rows is synthetic.
    """
    state = _file_state(path) if is_file(path) else (0, 0, 0)
    names = {table: f"earlier_{table}" for table in TABLES} | {"accepted": "earlier"}
    synthetic, staged = _open_store(warehouse, path, incident, names)
    warehouse.create("files", "from earlier_files")
    return staged, ExtendedStore(state, len(staged.inputs)), synthetic


def _open_store(
    warehouse: Warehouse, path: Path, incident: Incident, names: dict[str, str]
) -> tuple[bool, StagedFiles]:
    if not is_file(path):
        raise InputRefused("there is no such file", file=path)
    kept = {"file_number": BIGINT, "source_row": BIGINT, "synthetic": "boolean", **column_types(incident)}
    try:
        warehouse.open(path, {**names, "passport": "passport"}, {**COLUMNS, "accepted": kept})
        passport = warehouse.table("passport").row(0, named=True)
        edition, judged_by = passport["edition"], passport["incident_sha256"]
        inputs = TypeAdapter(tuple[InputFile, ...]).validate_json(passport["inputs"], strict=True)
        layouts = TypeAdapter(tuple[Layout, ...]).validate_json(passport["layouts"], strict=True)
        listed = file_names(warehouse, names["files"])
    except InputRefused:
        raise
    except Exception as error:
        raise InputRefused(NOT_A_STORE, file=path.name) from error
    if listed != [f.name for f in inputs] or len(layouts) != len(inputs):
        raise InputRefused("lists other files than its tables are of", file=path.name)
    if edition != STORE_EDITION or judged_by != _incident_sha256(incident):
        raise InputRefused(
            f"was judged by another page of the incident {passport['incident']}",
            file=path.name,
            remedy="Ingest its files again.",
        )
    return passport["synthetic"], StagedFiles(inputs, layouts)
