"""Save cubes as Parquet files ("bare cubes"), load bare cubes, and add two of them up.

A bare cube contains counts and sums but no single claims. Because a row may count only one claim, a bare cube
must not be published. Its metadata record the claims files, validation rules and loss bands from which it was
built. Two bare cubes can be added up if their rules, bands and dimensions agree and no file was counted in
both. A claim that appears in two different files is counted twice; a cube cannot detect this.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Annotated

import polars as pl
from pydantic import Field

from outage_analysis.claims import (
    PARQUET_SUFFIX,
    RULES,
    Claims,
    Warehouse,
    check_synthetic_name,
    escaped_path,
    parquet_metadata,
    queries,
    rule_conditions,
)
from outage_analysis.errors import EnvironmentFailed, InputRefused, UsageError
from outage_analysis.files import Document, atomic_file, is_file
from outage_analysis.incidents import Bands
from outage_analysis.losses.cube import (
    EDGES,
    MAX_INT64,
    MEASURES,
    Cube,
    Schema,
    check_total_fits,
    sorted_cube,
)

FORMAT_VERSION = "2"
"""The version of the metadata and columns of a bare cube. `load_cube` accepts no other version."""
VERSION_KEY, PROVENANCE_KEY = "outage_analysis.cube_edition", "outage_analysis.cube"
"""Keys in the Parquet metadata: the format version, and the provenance as JSON."""
MAX_ROWS = 5_000_000
"""The largest number of rows of a bare cube; so many fit into memory easily."""
BUILD_AGAIN = "Make it again from its files: outage-analysis cube FILES --out cube.parquet."
READ_TOGETHER = "Read all of the files together."
DAMAGED = "is a damaged bare cube"

NO_DIGEST = "0" * 64
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class CountedFile(Document):
    """A claims file, or one sheet of a workbook, whose claims are counted in a cube."""

    name: str
    sha256: Digest
    sheet: str = ""


class CubeProvenance(Document):
    """How a cube was built (files, rules, bands). It is stored as JSON in the metadata of a bare cube."""

    incident: str
    incident_sha256: Digest
    """The digest of the incident's document."""
    dimensions: tuple[str, ...]
    edges: tuple[Annotated[int, Field(gt=0, le=MAX_INT64)], ...]
    """The inclusive upper edges of the loss bands above 0, increasing; bands below 0 mirror them."""
    line: str | None
    """If the cube counts the claimants that a cost line entitles: the id of the line. None: it counts
    claims."""
    rules_sha256: Digest
    """The digest of every validation rule with its condition and outcome (reject or count)."""
    counted: tuple[str, ...]
    """The rules whose broken rows were counted and not rejected."""
    inputs: tuple[CountedFile, ...]
    """The files, in the order in which they were read."""
    synthetic: bool
    sha256: Digest
    """The digest of all other fields and of the rows written as CSV."""


@dataclass(frozen=True)
class StoredCube:
    """A cube and its provenance (how it was built). The rows are sorted by dimension, then by loss band."""

    cube: Cube
    provenance: CubeProvenance
    file: str | None = None
    """The file that the cube was loaded from, if any."""


def with_provenance(cube: Cube, claims: Claims, *, bands: Bands) -> StoredCube:
    """Add the provenance (files, rules, bands) to a cube, so that it can be saved and added up.

    Args:
        cube: the cube that `build_cube` built from all of the claims.
        claims: the claims from which the cube was built.
        bands: the bands that were passed to `build_cube`.

    Raises:
        UsageError: the cube has bands other than `bands`, or does not count every claim.
    """
    incident = claims.incident
    own = rule_conditions(incident)
    edges = tuple(cut for cut in bands.with_mirrored_negatives().cuts if cut > 0)
    rules = {rule: (own.get(rule), incident.rules.get(rule, "reject")) for rule in (*RULES, *own)}
    provenance = CubeProvenance(
        incident=incident.id,
        incident_sha256=parquet_metadata(claims)["outage_analysis.incident_sha256"],
        dimensions=cube.dimensions,
        edges=edges,
        line=cube.line,
        rules_sha256=hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest(),
        counted=tuple(sorted(rule for rule, (_, outcome) in rules.items() if outcome == "count")),
        inputs=tuple(CountedFile(name=f.name, sha256=f.sha256, sheet=f.sheet) for f in claims.inputs),
        synthetic=cube.synthetic,
        sha256=NO_DIGEST,
    )
    if not _on_edges(cube.frame, edges) or (cube.line is None and cube.claims != len(claims)):
        raise UsageError("the cube is not that of all of these claims in these loss bands")
    return _sorted_with_digest(cube.frame, provenance)


def _sorted_with_digest(
    frame: pl.DataFrame, provenance: CubeProvenance, file: str | None = None
) -> StoredCube:
    """Sort the rows of a cube, and record the SHA-256 digest of the cube in its provenance."""
    frame = sorted_cube(frame, provenance.dimensions)
    provenance = provenance.model_copy(update={"sha256": _digest(frame, provenance)})
    source = ", ".join(f.name for f in provenance.inputs)
    return StoredCube(
        Cube(frame, provenance.dimensions, provenance.synthetic, source, provenance.line), provenance, file
    )


def _digest(frame: pl.DataFrame, provenance: CubeProvenance) -> str:
    described = provenance.model_copy(update={"sha256": NO_DIGEST}).model_dump_json()
    return hashlib.sha256(f"{described}\n{frame.write_csv()}".encode()).hexdigest()


def save_cube(stored: StoredCube, path: str | Path, *, add_to: StoredCube | None = None) -> None:
    """Save a cube and its provenance as a Parquet file in one atomic step; equal cubes give equal bytes.

    Args:
        stored: the cube with its provenance.
        path: the file to write; an existing file is replaced.
        add_to: the cube that was loaded from `path` before claims were added. The file is replaced only if it
            still contains this cube, so that two runs cannot overwrite each other.

    Raises:
        UsageError: the suffix is not .parquet, or the cube is synthetic and its file name does not contain
            "synthetic".
        InputRefused: the cube has more rows than `load_cube` accepts.
        EnvironmentFailed: the file cannot be written, or another run has changed `path` in the meantime.
    """
    path = Path(path)
    if path.suffix != PARQUET_SUFFIX:
        raise UsageError(f"is not {PARQUET_SUFFIX}", file=path.name)
    check_synthetic_name(path, synthetic=stored.provenance.synthetic)
    _check_row_count(len(stored.cube.frame), path.name)
    with atomic_file(path) as part:
        # Let polars write to memory, not to disk: on a full disk, polars would report a wrong file format.
        buffer = BytesIO()
        metadata = {VERSION_KEY: FORMAT_VERSION, PROVENANCE_KEY: stored.provenance.model_dump_json()}
        stored.cube.frame.write_parquet(buffer, compression="zstd", metadata=metadata)
        part.write_bytes(buffer.getvalue())
        if add_to is not None and load_cube(path).provenance != add_to.provenance:
            problem = "another run has added to it meanwhile"
            raise EnvironmentFailed(problem, file=path.name, remedy="Run again.")


def load_cube(path: str | Path) -> StoredCube:
    """Read a bare cube that `save_cube` wrote, and check its digest, columns, loss bands and sums.

    Raises:
        InputRefused: the file does not exist, is not a bare cube, has another format version, is damaged, or
            has sums that no claims can have.
    """
    path = Path(path)
    if not is_file(path):
        raise InputRefused("there is no such file", file=path)
    try:
        # Pass an open file, because in a path polars would treat * and [ as wildcards.
        with path.open("rb") as stream:
            metadata = pl.read_parquet_metadata(stream)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputRefused(
            "is no bare cube, nor a Parquet file", file=path.name, remedy=BUILD_AGAIN
        ) from error
    if metadata.get(VERSION_KEY) != FORMAT_VERSION:
        other = f"is a bare cube of another edition than {FORMAT_VERSION}"
        problem = other if VERSION_KEY in metadata else "is no bare cube: nothing in it says so"
        raise InputRefused(problem, file=path.name, value=metadata.get(VERSION_KEY), remedy=BUILD_AGAIN)
    try:
        provenance = CubeProvenance.model_validate_json(metadata.get(PROVENANCE_KEY, ""))
        query = queries.load("cube_file", most=str(MAX_ROWS + 1))
        frame = Warehouse().frame(query, path=escaped_path(path))
    except EnvironmentFailed:
        raise
    except Exception as error:  # catch all, because a damaged file can raise any error
        raise InputRefused(DAMAGED, file=path.name, remedy=BUILD_AGAIN) from error
    _check_row_count(len(frame), path.name)
    for why in _content_errors(frame, provenance):
        raise InputRefused(f"{DAMAGED}: {why}", file=path.name, remedy=BUILD_AGAIN)
    _check_sums_fit(frame, path.name)
    stored = _sorted_with_digest(frame, provenance, path.name)
    if stored.provenance != provenance:
        problem = f"{DAMAGED}: it is not what was written"
        raise InputRefused(problem, file=path.name, remedy=BUILD_AGAIN)
    return stored


def _check_row_count(rows: int, file: str) -> None:
    """Raise InputRefused if a cube file has more than `MAX_ROWS` rows."""
    if rows > MAX_ROWS:
        raise InputRefused(f"more than {MAX_ROWS:,} rows", file=file, remedy="Take fewer dimensions.")


def _content_errors(frame: pl.DataFrame, provenance: CubeProvenance) -> Iterator[str]:
    # The caller uses only the first reason, because each check assumes that the earlier checks passed.
    kinds: Schema = {
        **dict.fromkeys(provenance.dimensions, pl.String),
        "filed_on": pl.Date,
        "filed_hour": pl.Datetime("us"),
        **EDGES,
        **MEASURES,
    }
    names = [*provenance.dimensions, *EDGES, *MEASURES]
    if frame.columns != names or [kinds[name] for name in names] != frame.dtypes:
        yield "its columns are not those that it says"
    if list(provenance.edges) != sorted(set(provenance.edges)) or not _on_edges(frame, provenance.edges):
        yield "a row is in none of its loss bands"
    if frame.select(*provenance.dimensions, *EDGES).is_duplicated().any():
        yield "a row is there twice"
    wrong = frame.select(_plausible_sums().fill_null(value=False).not_()).to_series()
    for row in wrong.arg_true().head(1):
        yield f"no claims can have the counts and sums of its row {row + 1:,}"


def _on_edges(frame: pl.DataFrame, edges: tuple[int, ...]) -> bool:
    """Whether each row's loss band lies between two successive edges; negative bands mirror positive ones."""
    bands = pl.DataFrame(Bands(edges).with_mirrored_negatives().rows(), schema=EDGES, orient="row")
    return frame.join(bands, on=list(EDGES), how="anti", nulls_equal=True).is_empty()


def _plausible_sums() -> pl.Expr:
    # The columns are converted to 128-bit integers, because products of two 64-bit integers do not fit into
    # 64 bits.
    claims, loss, squares, over, up_to = (pl.col(name).cast(pl.Int128) for name in (*MEASURES, *EDGES))
    return pl.all_horizontal(
        claims > 0,
        over.is_null() | (claims * (over + 1) <= loss),
        up_to.is_null() | (loss <= claims * up_to),
        over.is_not_null() | up_to.is_not_null() | (loss == 0),
        # Losses in a band are whole numbers of one sign, so sum of squares >= |sum| and <= sum squared.
        loss.abs() <= squares,
        squares <= loss * loss,
    )


def _check_sums_fit(frame: pl.DataFrame, file: str | None) -> None:
    """Raise InputRefused if the total number of claims or the total loss exceeds a 64-bit integer.

    Sums of squares need no check: if losses fit into 64 bits, their squares fit into the 38 digits of the
    column.
    """
    wide = frame.select(pl.col("claims", "loss").cast(pl.Int128).abs().sum())
    check_total_fits(max(wide.row(0)), file)


def merge_cubes(stored: StoredCube, new: StoredCube) -> StoredCube:
    """Add up two cubes: the claims, losses and squared losses for each combination of dimensions and band.

    A claim that appears in files of both cubes is counted twice, because a cube does not contain single
    claims to compare.

    Raises:
        InputRefused: the cubes differ in incident document, validation rules, cost line, dimensions or bands;
            they count claimants instead of claims; a claims file is counted in both cubes; or a sum is too
            large.
    """
    for problem, remedy in _provenance_differences(stored.provenance, new.provenance):
        raise InputRefused(problem, file=stored.file, remedy=remedy)
    _check_counted_once(stored, new)
    frame = pl.concat([stored.cube.frame, new.cube.frame])
    _check_sums_fit(frame, stored.file)
    keys = (*stored.provenance.dimensions, *EDGES)
    added = frame.group_by(*keys).agg(pl.col(name).sum().cast(kind) for name, kind in MEASURES.items())
    inputs, synthetic = (
        stored.provenance.inputs + new.provenance.inputs,
        stored.provenance.synthetic or new.provenance.synthetic,
    )
    return _sorted_with_digest(
        added, stored.provenance.model_copy(update={"inputs": inputs, "synthetic": synthetic})
    )


def _provenance_differences(old: CubeProvenance, new: CubeProvenance) -> Iterator[tuple[str, str]]:
    if old.incident != new.incident:
        yield f"holds claims of {old.incident}, not of {new.incident}", f"Give --incident {old.incident}."
    if old.incident_sha256 != new.incident_sha256:
        yield f"was judged by another document of the incident {old.incident}", BUILD_AGAIN
    if old.rules_sha256 != new.rules_sha256:
        yield "was judged by other rules than the new files", BUILD_AGAIN
    if old.line != new.line:
        one, two = (f"claimants of the line {a.line}" if a.line else "claims" for a in (old, new))
        yield f"counts {one}, and the new cube {two}", READ_TOGETHER
    if old.line is not None:
        yield f"counts claimants of the line {old.line}: who is in both would be two", READ_TOGETHER
    if old.dimensions != new.dimensions:
        by = ",".join(old.dimensions) or "nothing"
        yield f"is by {by}, and the new files by {','.join(new.dimensions) or 'nothing'}", f"Give --by {by}."
    for edges in itertools.zip_longest(old.edges, new.edges):
        if edges[0] != edges[1]:
            one, two = ("none" if edge is None else f"{edge:,}" for edge in edges)
            problem = f"has other loss bands: the first edge that differs is {one}, in the new files {two}"
            yield problem, "Give the --policy that it was made with, or make it again from its files."


def _check_counted_once(stored: StoredCube, new: StoredCube) -> None:
    before = {(f.sha256, f.sheet): f.name for f in stored.provenance.inputs}
    for file in new.provenance.inputs:
        known = before.get((file.sha256, file.sheet))
        if known is not None:
            problem = f"has the same content as {known}, which the cube counts already"
            raise InputRefused(problem, file=file.name, remedy="Add each file once.")
