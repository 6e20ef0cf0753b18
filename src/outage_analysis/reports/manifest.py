"""The manifest of a report: its inputs, settings, software versions and output files.

Anybody may have changed the manifest file since it was written. When a manifest is read, every key and type
is therefore checked.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files import Document
from outage_analysis.reports.own_sections import MAX_SECTIONS
from outage_analysis.text import DEFAULT_LEVEL, LEAST_LEVEL, MOST_LEVEL

MANIFEST_NAME, CHECKSUMS_NAME = "manifest.json", "SHA256SUMS"
MAX_BYTES = 1_000_000
"""The largest manifest or checksum file, in bytes, that is read."""
REWRITE_REMEDY = "Write the report again."

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class ManifestPart(BaseModel):
    """Base class of the manifest and its parts: immutable, with only the declared keys and types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class OutputRecord(ManifestPart):
    """An output file of the report: its checksum and size."""

    sha256: Digest
    bytes: Count
    members: dict[str, Digest] = Field(default_factory=dict)
    """For .xlsx and .pptx: the checksum of each file inside the zip archive."""


class DocumentRecord(ManifestPart):
    """A TOML document: its id and a checksum of its parsed content, which ignores formatting."""

    id: str
    content_sha256: Digest


class PolicyRecord(DocumentRecord):
    """The compensation policy of the report, with a checksum per cost line."""

    name: str
    currency: str
    lines: dict[str, Digest]


class AssumptionRecord(ManifestPart):
    """An assumption of the report: its distribution as printed in the report, and its owner."""

    id: str
    kind: str
    distribution: str
    expected: float | None
    low: float | None
    high: float | None
    public_on: date
    owner: str
    approved_by: str
    outcome_known: bool
    content_sha256: Digest


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
    assumptions: tuple[AssumptionRecord, ...]
    backtest: DocumentRecord | None
    """The document of outcomes that the back-test used, if there was one."""
    bom: bool
    budget: Count | None
    code_sha256: Digest
    draws: Count
    environment: dict[str, str]
    examples: tuple[str, ...] = ()
    """Ids of assumptions that are examples, not evidence. If there are any, no figure may be used."""
    epoch: date
    """The creation date that is stored in the files of the report."""
    expected: dict[str, float | None]
    """Expected total per valuation (such as cash), computed from published counts."""
    facts: dict[str, Digest]
    """One checksum per file of published facts, over the rows that the run was allowed to use."""
    figures: dict[str, float | None]
    """The headline cost in cash: expected, p50 and the ends of the likely range, such as p10 and p90.

    Amounts are in the smallest unit of the currency.
    """
    fonts: dict[str, Digest]
    formats: tuple[str, ...]
    glyphs_replaced: Count
    """The number of characters in input texts that the fonts lack; the report writes them as U+XXXX."""
    hindsight: bool
    inputs: tuple[InputRecord, ...]
    language: str
    level: Annotated[int, Field(ge=LEAST_LEVEL, le=MOST_LEVEL)] = DEFAULT_LEVEL
    """The probability of the likely range in percent."""
    lines_not_public_yet: tuple[str, ...]
    max_rejects: float
    outputs: dict[str, OutputRecord]
    documents: dict[str, DocumentRecord]
    """The TOML documents in the report folder, by the name in documents/<name>.toml."""
    policy: PolicyRecord
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


def read_manifest(folder: Path) -> Manifest:
    """Read manifest.json of a report folder, without checking its checksum.

    Raises:
        UsageError: the folder has no manifest.
        InputRefused: the manifest is too large, or this version of the package cannot read it.
    """
    data = read_limited(folder, MANIFEST_NAME)
    try:
        return Manifest.model_validate_json(data)
    except (ValidationError, RecursionError) as error:
        problem = "is no manifest of a report of this version"
        raise InputRefused(problem, file=folder / MANIFEST_NAME, remedy=REWRITE_REMEDY) from error


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


def read_checksums(folder: Path) -> dict[str, str]:
    """Return the checksums in SHA256SUMS by file name; empty if SHA256SUMS is missing or unreadable."""
    try:
        lines = read_limited(folder, CHECKSUMS_NAME).decode().splitlines()
    except (OSError, UnicodeDecodeError, UsageError, InputRefused):
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
