"""Read complaint files and divide their rows into claims and rejects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Literal, TypedDict, Unpack

import polars as pl

from outage_analysis.arguments import lists_arguments
from outage_analysis.claims import queries
from outage_analysis.claims.claims_and_rejects import MAX_REJECTS, Claims
from outage_analysis.claims.readers.cell_values import IS_SYNTHETIC
from outage_analysis.claims.readers.parquet import Sources, saved_incident_id, source_paths
from outage_analysis.claims.readers.read_files import count_rows, expand_paths, read_files
from outage_analysis.claims.readers.typed_rows import recheck_rows
from outage_analysis.claims.run_settings import limits
from outage_analysis.claims.store import STORE_SUFFIX, open_claims
from outage_analysis.claims.validation import check_rows, create_claims, create_rejects, reconciliation_table
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import REPORT_BUG, EnvironmentFailed, UsageError, either
from outage_analysis.files import bundled_claims, bundled_ids, spelling_hint, temporary_folder
from outage_analysis.incidents import Incident, Layout, claim_columns, load_incident, with_encoding


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
    outage_start: str | date | datetime
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
        loaded = _given_or_derived(path_list, incident, outage, rows, layouts, from_store=bool(stores))
        claims = open_claims(stores[0], loaded) if stores else _read_files(path_list, loaded, layouts)
    claims.check_reject_share(max_rejects)
    return replace(claims, max_rejects=max_rejects)


def _given_or_derived(
    paths: list[Path],
    incident: str | Path | Incident | None,
    outage: OutageArguments,
    rows: str | None,
    layouts: Sequence[Layout],
    *,
    from_store: bool,
) -> Incident:
    if incident is not None:
        if outage:
            raise UsageError(
                "the incident states this already",
                value=", ".join(outage),
                remedy="Give either the incident or these arguments.",
            )
        return load_incident(incident).with_rows(rows)
    if from_store:
        raise UsageError("a warehouse file needs its incident", remedy="Give the incident of its claims.")
    saved = {saved_incident_id(path) for path in expand_paths(paths)[0]}
    if not outage and len(saved) == 1 and (id_ := saved.pop()) in bundled_ids("incidents"):
        return load_incident(str(id_)).with_rows(rows)
    from outage_analysis.claims.inspection.derive_incident import incident_from_files  # imported here: slow

    return incident_from_files(paths, rows=rows, layouts=layouts, **outage)


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
