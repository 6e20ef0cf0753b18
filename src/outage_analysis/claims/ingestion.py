"""Read complaint files into claims and rejects; save claims, and open saved ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal, TypedDict, Unpack

import polars as pl
from pydantic import TypeAdapter

from outage_analysis.arguments import lists_arguments
from outage_analysis.claims import queries
from outage_analysis.claims.cell_values import IS_SYNTHETIC
from outage_analysis.claims.claims_and_rejects import MAX_REJECTS, Claims
from outage_analysis.claims.queries import quote_identifier
from outage_analysis.claims.read_files import (
    InputFile,
    column_types,
    count_rows,
    expand_paths,
    read_files,
    recheck_rows,
)
from outage_analysis.claims.structured_files import INCIDENT_KEY, Sources, saved_incident_id, source_paths
from outage_analysis.claims.validation import (
    check_rows,
    create_claims,
    create_claims_view,
    create_rejects,
    reconciliation_table,
)
from outage_analysis.claims.warehouse import NOT_A_STORE, Warehouse, limits
from outage_analysis.errors import REPORT_BUG, EnvironmentFailed, InputRefused, UsageError, either
from outage_analysis.files import (
    atomic_file,
    bundled_claims,
    bundled_ids,
    is_file,
    spelling_hint,
    temporary_folder,
)
from outage_analysis.incidents import FILED_AT, Incident, Layout, claim_columns, load_incident, with_encoding


class OutageFacts(TypedDict, total=False):
    """Arguments of `incident_from_files`: what complaint files may not state about an outage."""

    currency: str
    loss_unit: str
    scale: float | None
    encoding: str | None
    formats: Mapping[str, str | Sequence[str]]
    missing: Sequence[str]
    constants: Mapping[str, str]
    computed: Mapping[str, Sequence[str]]
    service: str
    loss: None
    count: str
    dimensions: Sequence[str]
    time_zone: str


class OutageArguments(OutageFacts, total=False):
    """The arguments of `incident_from_files` about the outage and the columns of the files."""

    columns: Mapping[str, str]


@lists_arguments(OutageArguments)
def read_claims(
    paths: Sources | None,
    incident: str | Path | Incident | None = None,
    *,
    layouts: Sequence[Layout] = (),
    max_rejects: float = MAX_REJECTS,
    rows: str | None = None,
    **outage: Unpack[OutageArguments],
) -> Claims:
    """Read complaint files or a data frame. Every row becomes either one claim or one reject.

    Several threads can use the same claims. Claims cannot be pickled: save them with `save_claims`, and read
    the file in the other process.

    Args:
        paths: files, folders and patterns such as `exports/*.csv`, of any supported format; or a single
            warehouse file (.duckdb). Or a data frame with the Arrow interface: a Polars frame (a lazy one
            too), a pyarrow table, a pandas frame, a DuckDB relation. None reads the bundled synthetic claims
            of the incident.
        incident: the outage: a bundled id, the path of a TOML file, or an `Incident`. It defines the columns
            of the files and how they write services and claimant types. By default `incident_from_files`
            derives it from the files.
        layouts: layouts of files whose columns or formats differ from those that the incident defines.
        max_rejects: the largest accepted share of rejected rows. Below 1, every file must also contain at
            least one claim.
        rows: what a row is: `complaints`, `filed` (claims) or `accepted` (claims); by default what the
            incident says. Where a row states a decision (filed, accepted, refused, paid), this decides.
        outage: without an incident, the arguments of `incident_from_files`: what the files do not state, such
            as currency="EUR", the headers of further columns to keep, such as dimensions=["region"], and
            loss=None or service="Internet" if the files have no such column; and count="passengers" if a row
            stands for several claims. Also with an incident: encoding="gbk", if the encoding of text files
            cannot be told from their bytes.

    Raises:
        UsageError: no file is named, none is bundled for the incident, or the files do not state what a
            derived incident needs.
        InputRefused: a file is unreadable, lacks a column or is named twice, or too many rows are rejected.
    """
    if not 0 <= max_rejects <= 1:
        raise UsageError(
            f"{either('max_rejects', '--max-rejects')} is a share between 0 and 1", value=max_rejects
        )
    if paths is None and incident is not None:
        incident = load_incident(incident)
        paths = bundled_claims(incident.id)
        if paths is None:
            raise UsageError(f"no claims are bundled for {incident.id}", remedy="Name your files.")
    with source_paths(() if paths is None else paths) as path_list:
        if not path_list:
            raise UsageError("no file of complaints was named", remedy="Name at least one.")
        stores = [p for p in path_list if p.suffix.lower() == STORE_SUFFIX]
        if stores and len(path_list) > 1:
            raise UsageError(
                "is a warehouse file, which is read alone",
                file=stores[0],
                remedy="Read the files from which it was made together with the others.",
            )
        if incident is not None:
            layouts = with_encoding(layouts, outage.pop("encoding", None))
            if outage:
                raise UsageError(
                    "the incident states this already",
                    value=", ".join(outage),
                    remedy="Give either the incident or these arguments.",
                )
        elif stores:
            raise UsageError("a warehouse file needs its incident", remedy="Give the incident of its claims.")
        else:
            saved = {saved_incident_id(path) for path in expand_paths(path_list)[0]}
            if not outage and len(saved) == 1 and (id_ := saved.pop()) in bundled_ids("incidents"):
                incident = id_
        if incident is None:
            from outage_analysis.claims.inspection import incident_from_files  # imported here: slow

            loaded = incident_from_files(path_list, rows=rows, layouts=layouts, **outage)
        else:
            loaded = load_incident(incident).with_rows(rows)
        claims = open_claims(stores[0], loaded) if stores else _read_files(path_list, loaded, layouts)
    claims.check_reject_share(max_rejects)
    return replace(claims, max_rejects=max_rejects)


def _read_files(paths: list[Path], incident: Incident, layouts: Sequence[Layout]) -> Claims:
    paths_to_read, skipped = expand_paths(paths)
    for layout in layouts:
        layout.check_columns_known(claim_columns(incident))
    warehouse = Warehouse()
    with temporary_folder(limits.get().folder) as workspace:
        files = read_files(warehouse, paths_to_read, incident, workspace, layouts=layouts)
        count_rows(warehouse, files, recheck_rows(warehouse, files.typed))
        check_rows(warehouse, incident, files)
        create_rejects(warehouse, files)
        create_claims(warehouse, incident, files)
    counted = reconciliation_table(warehouse)
    lost = counted.filter(pl.col("rows") != pl.col("claims") + pl.col("rejects"))
    for file, read, accepted, rejected in lost.head(1).iter_rows():
        raise EnvironmentFailed(
            f"{read:,} rows are not {accepted:,} claims and {rejected:,} rejects",
            file=file,
            remedy=REPORT_BUG,
        )
    synthetic = bool(warehouse.frame(queries.load("synthetic", marked=IS_SYNTHETIC))["synthetic"].item())
    return Claims(
        incident,
        tuple(files.inputs),
        tuple(files.layouts),
        warehouse,
        synthetic=synthetic or any("synthetic" in f.name.lower() for f in files.inputs),
        files=counted,
        given_layouts=tuple(layouts),
        skipped=(*(f.name for f in skipped), *files.unread),
    )


SAMPLES = {"kakao": "kakao-2022", "trams": "trams"}
"""Name of a sample -> the id of its incident."""


def load_sample(name: Literal["kakao", "trams"] = "kakao") -> Claims:
    """Load bundled synthetic claims.

    Both samples are marked as synthetic in every table, chart and report. They show how the package works and
    are not findings about an outage.

    Args:
        name: `kakao` has 105,116 complaints about the Kakao outage of 2022, whose published counts they
            match; losses are in won. `trams` has 360 complaints about an invented tram outage; losses are
            minutes of delay, and payments are in euros.

    Raises:
        UsageError: there is no such sample.

    Example:
        >>> import outage_analysis as oa
        >>> claims = oa.load_sample("trams")
        >>> claims.synthetic, len(claims)
        (True, 360)
    """
    if name not in SAMPLES:
        raise UsageError("no such sample", value=name, remedy=spelling_hint(str(name), list(SAMPLES)))
    return read_claims(None, SAMPLES[name])


PARQUET_SUFFIX, STORE_SUFFIX = ".parquet", ".duckdb"
TABLES = ("files", "accepted", "rejects")
"""The tables of a warehouse file, except the table `passport`, which describes the file."""
COLUMNS = {
    "files": {"file_number": "bigint", "file": "varchar", "rows": "bigint"},
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
        "contents": "varchar",
    },
}
"""Table of a warehouse file -> column -> SQL type; the columns of `accepted` depend on the incident."""
PRIVATE_MODE = 0o600
"""Permissions of a warehouse file: only its owner may read its claimant ids and reject texts."""
STORE_EDITION = 6
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
            passport = {
                "edition": STORE_EDITION,
                "incident": claims.incident.id,
                "incident_sha256": _incident_sha256(claims.incident),
                "synthetic": claims.synthetic,
                "inputs": json.dumps([asdict(file) for file in claims.inputs]),
                "layouts": json.dumps(
                    [layout.model_dump(exclude_defaults=True) for layout in claims.layouts]
                ),
            }
            passport["contents"], _ = _contents(claims.warehouse, "main")
            claims.warehouse.load("new_passport", pl.DataFrame([passport]))
            tables = {table: f"from main.{table}" for table in TABLES}
            claims.warehouse.save(part, {**tables, "passport": "from new_passport"})
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
    try:
        warehouse.open(path, {**COLUMNS, "accepted": own | column_types(incident)})
        passport = warehouse.frame("from passport").row(0, named=True)
        edition, incident_sha256 = passport["edition"], passport["incident_sha256"]
        inputs = TypeAdapter(tuple[InputFile, ...]).validate_json(passport["inputs"], strict=True)
        layouts = TypeAdapter(tuple[Layout, ...]).validate_json(passport["layouts"], strict=True)
        named = warehouse.frame("from files order by file_number")["file"].to_list()
        same_incident = edition == STORE_EDITION and incident_sha256 == _incident_sha256(incident)
        contents, synthetic = _contents(warehouse, "opened.main")
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
    if contents != passport["contents"]:
        raise InputRefused(
            "was changed by another program: its rows are not those that were saved, or another version of "
            "DuckDB saved them",
            file=path.name,
            remedy="Ingest its files again.",
        )
    create_claims_view(warehouse, incident)
    files, synthetic = reconciliation_table(warehouse), synthetic or passport["synthetic"]
    return Claims(incident, inputs, layouts, warehouse, synthetic, files, store=path)


def _contents(warehouse: Warehouse, schema: str) -> tuple[str, bool]:
    """Return a sum over the hashes of all rows of a schema, and whether any claim in it is synthetic."""
    contents, synthetic = warehouse.frame(queries.load("store_contents", schema=schema)).row(0)
    return contents, synthetic
