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
    Onto,
    State,
    file_names,
    reconciliation_table,
    view_claims,
)
from outage_analysis.claims.queries import quoted
from outage_analysis.claims.readers.parquet import INCIDENT
from outage_analysis.claims.readers.read_files import InputFile, Staged
from outage_analysis.claims.readers.staging import column_types, typed_columns
from outage_analysis.claims.warehouse import FOREIGN, Warehouse
from outage_analysis.errors import EnvironmentFailed, InputRefused, UsageError
from outage_analysis.files import atomic_file, is_file
from outage_analysis.incidents import Incident, Layout

PARQUET, STORE = ".parquet", ".duckdb"
TABLES = ("files", "accepted", "noted", "rejects")
"""What a warehouse file keeps, beside its passport."""
NUMBERS, TEXTS = "bigint", "varchar"
COLUMNS = {
    "files": {"file_number": NUMBERS, "file": TEXTS, "rows": NUMBERS},
    "noted": {"file_number": NUMBERS, "source_row": NUMBERS, "rule": TEXTS},
    "rejects": {
        "source_file": TEXTS,
        "source_row": NUMBERS,
        "byte": NUMBERS,
        "broken": f"{TEXTS}[]",
        **dict.fromkeys(("raw", "problem", "claim_id", "claimant_id", "service", "claimant_type"), TEXTS),
        "filed_on": TEXTS,
        "loss": TEXTS,
        "kept_file": TEXTS,
        "kept_row": NUMBERS,
    },
    "passport": {
        "edition": NUMBERS,
        "incident": TEXTS,
        "incident_sha256": TEXTS,
        "synthetic": "boolean",
        "inputs": TEXTS,
        "layouts": TEXTS,
    },
}
"""The columns of the tables of a warehouse file; those of `accepted` depend on the incident."""
PRIVATE = 0o600
"""The mode of a warehouse file, whatever the umask: it holds ids of claimants and the text of rejects."""
EDITION = 3
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
    if path.suffix not in (PARQUET, STORE):
        raise UsageError("is neither .parquet nor .duckdb", file=path.name)
    refuse_unmarked(path, synthetic=claims.synthetic)
    with _locked(path), atomic_file(path) as part:
        if (
            path.suffix == STORE
            and path.exists()
            and (claims.onto is None or claims.onto.state != _state(path))
        ):
            raise EnvironmentFailed(
                "exists already, or another run has added to it meanwhile",
                file=path.name,
                remedy="Run again with --add.",
            )
        if path.suffix == STORE:
            _write_store(claims, path, part)
            part.chmod(PRIVATE)
        else:
            dimensions = [d.id for d in claims.incident.dimensions if d.kind == "text"]
            claims.refuse_personal(["claim_id", "claimant_id", *dimensions])
            claims.warehouse.write_parquet(_query(claims), part, marks(claims))


def refuse_unmarked(path: Path, *, synthetic: bool) -> None:
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
    warehouse.load("new_passport", _passport(claims))
    whole = {**{table: f"from main.{table}" for table in TABLES}, "passport": "from new_passport"}
    if claims.onto is None or not path.exists():
        warehouse.save(part, whole)
        return
    shutil.copyfile(path, part)
    accepted = {"accepted": queries.load("added_claims", first=str(claims.onto.files))}
    warehouse.extend(part, accepted, {t: query for t, query in whole.items() if t != "accepted"})


@contextmanager
def _locked(path: Path) -> Iterator[None]:
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


def _state(path: Path) -> State:
    """What changes when a file is replaced."""
    told = path.stat()
    return told.st_ino, told.st_mtime_ns, told.st_size


def _query(claims: Claims) -> str:
    incident = claims.incident
    # A loss in money is written as files write it: with the decimals of its currency.
    digits = incident.loss_digits
    loss = f"loss * cast(1e-{digits} as decimal(10, {digits}))" if digits else "loss"
    others = "".join(f", accepted.{quoted(d.id)}" for d in incident.dimensions)
    return queries.load("saved", loss=loss, dimensions=others)


def marks(claims: Claims) -> dict[str, str]:
    """What the metadata of a Parquet of claims says of it."""
    return {
        INCIDENT: claims.incident.id,
        "outage_analysis.incident_sha256": _digest(claims.incident),
        "outage_analysis.inputs_sha256": " ".join(sorted(f.sha256 for f in claims.inputs)),
        "outage_analysis.synthetic": "true" if claims.synthetic else "false",
    }


def _digest(incident: Incident) -> str:
    return hashlib.sha256(incident.model_dump_json(by_alias=True).encode()).hexdigest()


def _passport(claims: Claims) -> pl.DataFrame:
    """One row: what a warehouse file is of."""
    layouts = [layout.model_dump(exclude_defaults=True) for layout in claims.layouts]
    return pl.DataFrame(
        {
            "edition": [EDITION],
            "incident": [claims.incident.id],
            "incident_sha256": [_digest(claims.incident)],
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
    synthetic, staged = _read_passport(warehouse, path, incident, {t: t for t in TABLES})
    view_claims(warehouse, incident)
    counted = reconciliation_table(warehouse)
    return Claims(incident, staged.inputs, staged.layouts, warehouse, synthetic, counted)


def no_earlier(warehouse: Warehouse, incident: Incident) -> None:
    """The tables of a run that no warehouse file comes before."""
    warehouse.load(
        "files", pl.DataFrame(schema={"file_number": pl.Int64, "file": pl.String, "rows": pl.Int64})
    )
    warehouse.create("earlier", queries.load("nothing_earlier", columns=typed_columns(incident)))


def earlier(warehouse: Warehouse, path: Path, incident: Incident) -> tuple[Staged, Onto, bool]:
    """Have the claims of a warehouse file as those that came before.

    Returns:
        Its files, what it was, and whether any of its rows is synthetic.
    """
    state = _state(path) if is_file(path) else (0, 0, 0)
    names = {table: f"earlier_{table}" for table in TABLES} | {"accepted": "earlier"}
    synthetic, staged = _read_passport(warehouse, path, incident, names)
    warehouse.create("files", "from earlier_files")
    return staged, Onto(state, len(staged.inputs)), synthetic


def _read_passport(
    warehouse: Warehouse, path: Path, incident: Incident, names: dict[str, str]
) -> tuple[bool, Staged]:
    if not is_file(path):
        raise InputRefused("there is no such file", file=path)
    kept = {"file_number": NUMBERS, "source_row": NUMBERS, "synthetic": "boolean", **column_types(incident)}
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
        raise InputRefused(FOREIGN, file=path.name) from error
    if listed != [f.name for f in inputs] or len(layouts) != len(inputs):
        raise InputRefused("lists other files than its tables are of", file=path.name)
    if edition != EDITION or judged_by != _digest(incident):
        raise InputRefused(
            f"was judged by another page of the incident {passport['incident']}",
            file=path.name,
            remedy="Ingest its files again.",
        )
    return passport["synthetic"], Staged(inputs, layouts)
