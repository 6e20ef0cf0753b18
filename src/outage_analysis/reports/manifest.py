"""The manifest of a report: its inputs, settings, software versions and output files.

Anybody may have changed the manifest file since it was written. When a manifest is read, every key and type
is therefore checked.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from outage_analysis.analysis import Analysis
from outage_analysis.assumptions import ledger_table
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files import Document, package_root, refuse_if
from outage_analysis.incidents import facts, outcomes
from outage_analysis.losses import Cube, cube_bytes
from outage_analysis.reports.own_sections import MAX_SECTIONS
from outage_analysis.reports.report import Report
from outage_analysis.text import DEFAULT_LEVEL, LEAST_LEVEL, MOST_LEVEL, fonts

MANIFEST_NAME, CHECKSUMS_NAME = "manifest.json", "SHA256SUMS"
MAX_BYTES = 1_000_000
"""The largest manifest or checksum file, in bytes, that is read."""
MAX_DRAWS, MAX_BUDGET = 2**22, 10**18
"""More draws would exhaust the memory; a larger budget would exceed the precision of a float."""
REWRITE_REMEDY = "Write the report again."
LIBRARIES = (
    *("altair", "duckdb", "fastexcel", "fonttools", "jinja2", "lxml", "numpy", "polars"),
    *("pydantic", "python-pptx", "scipy", "typst", "vl-convert-python", "xlsxwriter"),
)
"""Libraries whose version can change a byte of a report."""
ASSUMPTION_COLUMNS = (
    *("id", "kind", "distribution", "expected", "low", "high", "public_on", "outcome_known"),
    *("owner", "approved_by"),
)
PLAN_KEYS = ("budget", "changes", "draws", "hindsight", "level", "max_rejects", "seed")
"""The settings of a run that the manifest records, and from which `verify` runs the plan again."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class ManifestPart(BaseModel):
    """Base class of the manifest and its parts: immutable, with only the declared keys and types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class OutputRecord(ManifestPart):
    """An output file of the report: its checksum and size."""

    sha256: Digest
    bytes: Count


class InputRecord(ManifestPart):
    """An input file of the report (claims, or totals per loss band): checksum, rows read and rejected."""

    kind: Literal["claims", "counts"]
    name: str
    sha256: Digest
    bytes: Count
    claims: Count
    encoding: str | None = None
    dialect: str | None = None
    rows: Count | None = None
    rejects: Count | None = None


class Manifest(ManifestPart):
    """The content of manifest.json in a report folder."""

    as_of: date
    assumptions: tuple[dict[str, Any], ...]
    """The assumptions known on the as-of day: the columns of `ASSUMPTION_COLUMNS`."""
    bom: bool
    budget: Annotated[int, Field(ge=0, le=MAX_BUDGET)] | None
    changes: dict[str, float]
    """Payments by name and assumptions by id that the user has set; the documents contain the values."""
    code_sha256: Digest
    documents: dict[
        Annotated[str, Field(pattern=r"^(incident|policy|ledger|(compared|layout)-\d{1,4})$")], Digest
    ]
    """The TOML documents in documents/<name>.toml: checksums of their content, whatever its layout."""
    draws: Annotated[int, Field(gt=0, le=MAX_DRAWS)]
    environment: dict[str, str]
    epoch: date
    """The creation date in the files of the report. A rebuild compares it, also if no file shows the day."""
    examples: tuple[str, ...] = ()
    """Ids of assumptions that are examples, not evidence. If there are any, no figure may be used."""
    expected: dict[str, float | None]
    """Expected total per valuation (such as cash), computed from published counts."""
    facts: dict[str, Digest]
    """One checksum per file of published facts and outcomes, over what the run was allowed to use."""
    figures: dict[str, float | None]
    """The headline cost in cash: expected, p50 and the ends of the likely range, such as p10 and p90.

    Amounts are in the smallest unit of the currency.
    """
    formats: Annotated[tuple[str, ...], Field(min_length=1)]
    hindsight: bool
    inputs: tuple[InputRecord, ...]
    language: str
    level: Annotated[int, Field(ge=LEAST_LEVEL, le=MOST_LEVEL)] = DEFAULT_LEVEL
    """The probability of the likely range in percent."""
    max_rejects: float
    outputs: dict[str, OutputRecord]
    sections: Annotated[int, Field(ge=0, le=MAX_SECTIONS)] = 0
    """The number of sections that the user has added; their content is in sections/<number>.json."""
    seed: Count
    synthetic_claims: bool
    versions: dict[str, str]
    warehouse: str | None
    """The DuckDB file that the claims were read from; `inputs` then names the files it was built from."""

    def to_json(self) -> str:
        """Return the manifest as JSON, with sorted keys and without values that equal their defaults."""
        values = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(values, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def create_manifest(report: Report, folder: Path, formats: tuple[str, ...]) -> Manifest:
    """Return the manifest of a report whose output files are already in the folder."""
    analysis = report.analysis
    store, ledger = analysis.claims.store if analysis.claims else None, analysis.known_ledger
    entries = pl.DataFrame()
    if ledger is not None:
        entries = ledger_table(ledger).rename({"assumption": "id"}).select(ASSUMPTION_COLUMNS)
    figures: dict[str, float | None] = {"expected": analysis.expected_cash(analysis.cash_basis)}
    if (table := analysis.uncertainty_table(analysis.headline_basis, "quantiles")) is not None:
        points = table.filter(pl.col("measure").is_in(analysis.likely_range.points), valuation="cash")
        figures |= dict(points.select("measure", "value").iter_rows())
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return Manifest(
        as_of=analysis.as_of,
        assumptions=tuple(fonts.printable_table(entries).to_dicts()),
        bom=report.bom,
        code_sha256=code_digest(),
        documents={name: content_digest(document) for name, document in analysis.documents.items()},
        environment=environment(),
        epoch=analysis.as_of,
        examples=analysis.used_ledger.examples if analysis.used_ledger else (),
        expected=dict(analysis.exact_tables["totals"].select("valuation", "expected").iter_rows()),
        facts=_facts_digests(analysis),
        figures=figures,
        formats=tuple(sorted(formats)),
        inputs=tuple(_input_records(analysis)),
        language=report.lang,
        outputs={
            file.relative_to(folder).as_posix(): OutputRecord(
                sha256=file_digest(file), bytes=file.stat().st_size
            )
            for file in files
        },
        sections=len(report.own_sections),
        synthetic_claims=analysis.synthetic,
        versions={name: version(name) for name in ("outage-analysis", *LIBRARIES)},
        warehouse=None if store is None else fonts.printable(store.name),
        **{key: getattr(analysis.plan, key) for key in PLAN_KEYS},
    )


def environment() -> dict[str, str]:
    """Return the processor architecture and the Python version, such as 3.11."""
    machine = platform.machine().lower()
    return {
        "machine": {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine),
        "python": ".".join(map(str, sys.version_info[:2])),
    }


@cache
def code_digest() -> str:
    """Return one checksum of all files of this package, except its data and notebooks.

    Data is excluded because the manifest records it separately. Notebooks do not affect a report.
    """
    root = package_root()
    checksum = hashlib.sha256()
    for path in sorted(root.rglob("*"), key=lambda p: p.relative_to(root).as_posix()):
        name = path.relative_to(root)
        hidden = any(part.startswith((".", "__pycache__")) for part in name.parts)
        if path.is_file() and name.parts[0] not in ("data", "notebooks") and not hidden:
            content = path.read_bytes()
            checksum.update(f"{name.as_posix()}\0{len(content)}\0".encode() + content)
    return checksum.hexdigest()


def _facts_digests(analysis: Analysis) -> dict[str, str]:
    hindsight = analysis.plan.hindsight
    tables = {"published": facts(public_by=None if hindsight else analysis.as_of)}
    tables |= {"outcomes": outcomes()} if hindsight else {}
    digests = {
        f"{directory}/{file}.csv": hashlib.sha256(rows.write_csv().encode()).hexdigest()
        for directory, frame in tables.items()
        for (file,), rows in frame.group_by("collection", maintain_order=True)
    }
    if analysis.backtest:
        spec = analysis.backtest.spec
        digests[f"outcomes/{spec.id}.toml"] = content_digest(spec)
    return digests


def _input_records(analysis: Analysis) -> Iterator[InputRecord]:
    plan = analysis.plan
    if plan.counts is not None:
        cube = analysis.cubes["cost"]
        data = cube_bytes(cube) if isinstance(plan.counts, Cube) else Path(plan.counts).read_bytes()
        rejects = None if cube.rejects is None else sum(cube.rejects.values())
        yield InputRecord(
            kind="counts",
            name=cube.source,
            sha256=hashlib.sha256(data).hexdigest(),
            bytes=len(data),
            claims=cube.claims,
            rows=None if rejects is None else cube.claims + rejects,
            rejects=rejects,
        )
    if analysis.claims is not None:
        counts = analysis.claims.files.select("rows", "claims", "rejects").iter_rows(named=True)
        for file, row in zip(analysis.claims.inputs, counts, strict=True):
            of_file = {key: getattr(file, key) for key in ("name", "sha256", "bytes", "encoding", "dialect")}
            yield InputRecord(kind="claims", **of_file, **row)


def read_manifest(folder: Path) -> Manifest:
    """Read manifest.json of a report folder, without checking its checksum.

    Raises:
        UsageError: the folder has no manifest.
        InputRefused: the manifest is too large, or this version of the package cannot read it.
    """
    data = read_limited(folder, MANIFEST_NAME)
    try:
        manifest = Manifest.model_validate_json(data)
        refuse_if(not {"incident", "policy"} <= manifest.documents.keys(), "lacks a document")
    except (ValueError, RecursionError) as error:
        problem = "is no manifest of a report of this version"
        raise InputRefused(problem, file=folder / MANIFEST_NAME, remedy=REWRITE_REMEDY) from error
    return manifest


def read_limited(folder: Path, name: str) -> bytes:
    """Read the manifest or the checksum file of a report folder, if it has at most `MAX_BYTES`.

    Raises:
        UsageError: the folder has no such file.
        InputRefused: the file is a link or too large.
    """
    path = folder / name
    if path.is_symlink():
        raise InputRefused("is a link, and not followed", file=path)
    if not path.is_file():
        raise UsageError("no report", file=folder, remedy="Name a folder that `report` wrote.")
    with path.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputRefused("is too large for a manifest", file=path, remedy=REWRITE_REMEDY)
    return data


def content_digest(document: Document) -> str:
    """Return the SHA-256 of the parsed content of a TOML document, which does not depend on formatting."""
    return hashlib.sha256(document.model_dump_json(by_alias=True).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def checksum_lines(checksums: Mapping[str, str]) -> list[str]:
    """Return the lines of SHA256SUMS for the checksums of files by name."""
    return [f"{checksums[name]}  {name}" for name in sorted(checksums)]


def parse_checksums(text: str) -> dict[str, str]:
    """Return the checksums that the text of SHA256SUMS states, by file name."""
    return {name: digest for digest, _, name in (line.partition("  ") for line in text.splitlines())}


def read_checksums(folder: Path) -> dict[str, str]:
    """Return the checksums in SHA256SUMS by file name; empty if SHA256SUMS is missing or unreadable."""
    try:
        return parse_checksums(read_limited(folder, CHECKSUMS_NAME).decode())
    except (OSError, UnicodeDecodeError, UsageError, InputRefused):
        return {}
