"""Bare cubes: a cube in a Parquet file that says what it was made from, and the sum of two of them.

A bare cube holds no claim, but a row of it may count only one: it is not for publication. Two can be added
when they cut and judged the claims alike and count no file twice; a claim in two files cannot be seen.
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
    PARQUET,
    RULES,
    Claims,
    Warehouse,
    as_path,
    conditions,
    marks,
    queries,
    refuse_unmarked,
)
from outage_analysis.errors import EnvironmentFailed, InputRefused, UsageError
from outage_analysis.files import Document, file_in_place, is_file
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
"""Of the marks and columns of a bare cube; another edition is refused."""
VERSION_KEY, PROVENANCE_KEY = "outage_analysis.cube_edition", "outage_analysis.cube"
"""In the metadata of the Parquet: the edition, and what else it says of itself."""
MAX_ROWS = 5_000_000
"""Of a bare cube: as many as memory takes without a thought."""
BUILD_AGAIN = "Make it again from its files: outage-analysis cube FILES --out cube.parquet."
READ_TOGETHER = "Read all of the files together."
DAMAGED = "is a damaged bare cube"

NO_DIGEST = "0" * 64
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class CountedFile(Document):
    """One file that was counted, or one sheet of it."""

    name: str
    sha256: Digest
    sheet: str = ""


class CubeProvenance(Document):
    """What the metadata of a bare cube say of it."""

    incident: str
    incident_sha256: Digest
    """Of its page."""
    dimensions: tuple[str, ...]
    edges: tuple[Annotated[int, Field(gt=0, le=MAX_INT64)], ...]
    """Of its loss bands: inclusive upper cuts above 0, increasing; bands below 0 mirror them."""
    line: str | None
    """The cost line whose claimants it counts; None when it counts claims."""
    rules_sha256: Digest
    """Of every rule with its condition, and whether it rejects or counts."""
    counted: tuple[str, ...]
    """The rules that did not reject."""
    inputs: tuple[CountedFile, ...]
    """In the order in which they were counted."""
    synthetic: bool
    sha256: Digest
    """Of all that is said here and of the rows, written as CSV."""


@dataclass(frozen=True)
class StoredCube:
    """A cube with what is known of how it was made; its rows are in the order of `sorted_cube`."""

    cube: Cube
    provenance: CubeProvenance
    file: str | None = None
    """The file that it was loaded from."""


def with_provenance(cube: Cube, claims: Claims, *, bands: Bands) -> StoredCube:
    """A cube beside what must be known to add another to it.

    Args:
        cube: what `build_cube` made of all of the claims.
        claims: those behind it.
        bands: those that it was built with.

    Raises:
        UsageError: it has other bands, or not every claim.
    """
    page = claims.incident
    own = conditions(page)
    edges = tuple(cut for cut in bands.mirrored().cuts if cut > 0)
    told = {rule: (own.get(rule), page.rules.get(rule, "reject")) for rule in (*RULES, *own)}
    about = CubeProvenance(
        incident=page.id,
        incident_sha256=marks(claims)["outage_analysis.incident_sha256"],
        dimensions=cube.dimensions,
        edges=edges,
        line=cube.line,
        rules_sha256=hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
        counted=tuple(sorted(rule for rule, (_, outcome) in told.items() if outcome == "count")),
        inputs=tuple(CountedFile(name=f.name, sha256=f.sha256, sheet=f.sheet) for f in claims.inputs),
        synthetic=cube.synthetic,
        sha256=NO_DIGEST,
    )
    if not _on_edges(cube.frame, edges) or (cube.line is None and cube.claims != len(claims)):
        raise UsageError("the cube is not that of all of these claims in these loss bands")
    return _sorted_with_digest(cube.frame, about)


def _sorted_with_digest(frame: pl.DataFrame, about: CubeProvenance, file: str | None = None) -> StoredCube:
    """A cube of these rows, brought in order."""
    frame = sorted_cube(frame, about.dimensions)
    about = about.model_copy(update={"sha256": _digest(frame, about)})
    source = ", ".join(f.name for f in about.inputs)
    return StoredCube(Cube(frame, about.dimensions, about.synthetic, source, about.line), about, file)


def _digest(frame: pl.DataFrame, about: CubeProvenance) -> str:
    said = about.model_copy(update={"sha256": NO_DIGEST}).model_dump_json()
    return hashlib.sha256(f"{said}\n{frame.write_csv()}".encode()).hexdigest()


def save_cube(kept: StoredCube, path: str | Path, *, onto: StoredCube | None = None) -> None:
    """Write a bare cube as Parquet, whole or not at all; equal cubes give equal bytes.

    Args:
        kept: the cube.
        path: the file; one that is there is replaced.
        onto: what was loaded from `path` to be added to: it is replaced only if it is still that.

    Raises:
        UsageError: another suffix, or a synthetic cube whose name does not say so.
        InputRefused: more rows than `load_cube` takes.
        EnvironmentFailed: the disk refused, or another run has replaced `path` meanwhile.
    """
    path = Path(path)
    if path.suffix != PARQUET:
        raise UsageError(f"is not {PARQUET}", file=path.name)
    refuse_unmarked(path, synthetic=kept.provenance.synthetic)
    _check_row_count(len(kept.cube.frame), path.name)
    with file_in_place(path) as part:
        held = BytesIO()  # the engine calls a full disk a fault of the format
        said = {VERSION_KEY: FORMAT_VERSION, PROVENANCE_KEY: kept.provenance.model_dump_json()}
        kept.cube.frame.write_parquet(held, compression="zstd", metadata=said)
        part.write_bytes(held.getvalue())
        if onto is not None and load_cube(path).provenance != onto.provenance:
            problem = "another run has added to it meanwhile"
            raise EnvironmentFailed(problem, file=path.name, remedy="Run again.")


def load_cube(path: str | Path) -> StoredCube:
    """Read a bare cube that `save_cube` wrote; nothing in it is believed unseen.

    Raises:
        InputRefused: no such file, no bare cube, one of another edition, a damaged one, or one whose rows
            no claims can have.
    """
    path = Path(path)
    if not is_file(path):
        raise InputRefused("there is no such file", file=path)
    try:
        with path.open("rb") as stream:  # a path could be a pattern
            said = pl.read_parquet_metadata(stream)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputRefused(
            "is no bare cube, nor a Parquet file", file=path.name, remedy=BUILD_AGAIN
        ) from error
    if said.get(VERSION_KEY) != FORMAT_VERSION:
        other = f"is a bare cube of another edition than {FORMAT_VERSION}"
        problem = other if VERSION_KEY in said else "is no bare cube: nothing in it says so"
        raise InputRefused(problem, file=path.name, value=said.get(VERSION_KEY), remedy=BUILD_AGAIN)
    try:
        about = CubeProvenance.model_validate_json(said.get(PROVENANCE_KEY, ""))
        query = queries.load("cube_file", most=str(MAX_ROWS + 1))
        frame = Warehouse().frame(query, path=as_path(path))
    except EnvironmentFailed:
        raise
    except Exception as error:  # the engine has many for a damaged file
        raise InputRefused(DAMAGED, file=path.name, remedy=BUILD_AGAIN) from error
    _check_row_count(len(frame), path.name)
    for why in _content_errors(frame, about):
        raise InputRefused(f"{DAMAGED}: {why}", file=path.name, remedy=BUILD_AGAIN)
    _check_sums_fit(frame, path.name)
    kept = _sorted_with_digest(frame, about, path.name)
    if kept.provenance != about:
        problem = f"{DAMAGED}: it is not what was written"
        raise InputRefused(problem, file=path.name, remedy=BUILD_AGAIN)
    return kept


def _check_row_count(rows: int, file: str) -> None:
    if rows > MAX_ROWS:
        raise InputRefused(f"more than {MAX_ROWS:,} rows", file=file, remedy="Take fewer dimensions.")


def _content_errors(frame: pl.DataFrame, about: CubeProvenance) -> Iterator[str]:
    """Why rows are not those of a cube, whoever wrote them; each reason rests on those before."""
    kinds: Schema = {**dict.fromkeys(about.dimensions, pl.String), "filed_on": pl.Date, **EDGES, **MEASURES}
    names = [*about.dimensions, *EDGES, *MEASURES]
    if frame.columns != names or [kinds[name] for name in names] != frame.dtypes:
        yield "its columns are not those that it says"
    if list(about.edges) != sorted(set(about.edges)) or not _on_edges(frame, about.edges):
        yield "a row is in none of its loss bands"
    if frame.select(*about.dimensions, *EDGES).is_duplicated().any():
        yield "a row is there twice"
    wrong = frame.select(_plausible_sums().fill_null(value=False).not_()).to_series()
    for row in wrong.arg_true().head(1):
        yield f"no claims can have the counts and sums of its row {row + 1:,}"


def _on_edges(frame: pl.DataFrame, edges: tuple[int, ...]) -> bool:
    """Whether each row lies in one of the bands between the edges."""
    bands = pl.DataFrame(Bands(edges).mirrored().rows(), schema=EDGES, orient="row")
    return frame.join(bands, on=list(EDGES), how="anti", nulls_equal=True).is_empty()


def _plausible_sums() -> pl.Expr:
    """Whether claims in a band can have such sums; in 128 bits, which two 64-bit integers multiplied fit."""
    claims, loss, squares, over, up_to = (pl.col(name).cast(pl.Int128) for name in (*MEASURES, *EDGES))
    return pl.all_horizontal(
        claims > 0,
        over.is_null() | (claims * (over + 1) <= loss),
        up_to.is_null() | (loss <= claims * up_to),
        over.is_not_null() | up_to.is_not_null() | (loss == 0),
        # Of whole numbers of one sign.
        loss.abs() <= squares,
        squares <= loss * loss,
    )


def _check_sums_fit(frame: pl.DataFrame, file: str | None) -> None:
    """Claims and losses that fit 64 bits have squares that fit the 38 digits of theirs."""
    wide = frame.select(pl.col("claims", "loss").cast(pl.Int128).abs().sum())
    check_total_fits(max(wide.row(0)), file)


def merge_cubes(kept: StoredCube, new: StoredCube) -> StoredCube:
    """The cube of the files of both: claims, loss and loss squared added up by dimensions and band.

    A claim that is in a file of each counts twice: a cube does not know its claims.

    Raises:
        InputRefused: they are of another incident or another page of it, judged by other rules, of another
            line or of claimants, by other dimensions or in other bands; a file is in both; or sums are
            too large.
    """
    for problem, remedy in _provenance_differences(kept.provenance, new.provenance):
        raise InputRefused(problem, file=kept.file, remedy=remedy)
    _check_counted_once(kept, new)
    frame = pl.concat([kept.cube.frame, new.cube.frame])
    _check_sums_fit(frame, kept.file)
    keys = (*kept.provenance.dimensions, *EDGES)
    added = frame.group_by(*keys).agg(pl.col(name).sum().cast(kind) for name, kind in MEASURES.items())
    inputs, synthetic = (
        kept.provenance.inputs + new.provenance.inputs,
        kept.provenance.synthetic or new.provenance.synthetic,
    )
    return _sorted_with_digest(
        added, kept.provenance.model_copy(update={"inputs": inputs, "synthetic": synthetic})
    )


def _provenance_differences(old: CubeProvenance, new: CubeProvenance) -> Iterator[tuple[str, str]]:
    """Why two cubes do not count the same, and what to do about it."""
    if old.incident != new.incident:
        yield f"holds claims of {old.incident}, not of {new.incident}", f"Give --incident {old.incident}."
    if old.incident_sha256 != new.incident_sha256:
        yield f"was judged by another page of the incident {old.incident}", BUILD_AGAIN
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


def _check_counted_once(kept: StoredCube, new: StoredCube) -> None:
    """Refuse a file that is counted already, whatever its name."""
    before = {(f.sha256, f.sheet): f.name for f in kept.provenance.inputs}
    for file in new.provenance.inputs:
        known = before.get((file.sha256, file.sheet))
        if known is not None:
            problem = f"has the same content as {known}, which the cube counts already"
            raise InputRefused(problem, file=file.name, remedy="Add each file once.")
