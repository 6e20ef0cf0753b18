"""The manifest: what a report was made from, with what, and what was written; read again without trust."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files import Document

MANIFEST_NAME, CHECKSUMS_NAME = "manifest.json", "SHA256SUMS"
MAX_BYTES = 1_000_000
"""Bytes of a manifest, or of checksums, that are read."""
REWRITE_REMEDY = "Write the report again."

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class ManifestPart(BaseModel):
    """A part of a manifest: frozen, and strict about keys and types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class OutputRecord(ManifestPart):
    """A file that was written."""

    sha256: Digest
    bytes: Count
    members: dict[str, Digest] = Field(default_factory=dict)
    """Of a zip archive: the checksum of each file inside it."""


class DocumentRecord(ManifestPart):
    """A TOML page: a checksum of what it says, whatever its layout."""

    id: str
    content_sha256: Digest


class PolicyRecord(DocumentRecord):
    """The policy, with a checksum of each cost line."""

    name: str
    currency: str
    lines: dict[str, Digest]


class AssumptionRecord(ManifestPart):
    """One entry of the ledger that was used: its law, as the report prints it, and who answers for it."""

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
    """A file of claims, or of totals, with what became of its rows."""

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
    """Everything that a bundle's manifest.json says."""

    as_of: date
    assumptions: tuple[AssumptionRecord, ...]
    backtest: DocumentRecord | None
    """The page of outcomes that the report was set beside, in hindsight."""
    bom: bool
    budget: Count | None
    code_sha256: Digest
    draws: Count
    environment: dict[str, str]
    examples: tuple[str, ...] = ()
    """Assumptions that are examples, not evidence: while there is one, no figure may be used."""
    epoch: date
    """The only date that any file of the bundle was told."""
    expected: dict[str, float | None]
    """Expected totals by valuation, from published counts."""
    facts: dict[str, Digest]
    """A checksum of the rows that could be used, by the file they stand in."""
    figures: dict[str, float | None]
    """Cash of the headline: expected, p10, p50, p90; in the smallest unit of the currency."""
    fonts: dict[str, Digest]
    formats: tuple[str, ...]
    glyphs_replaced: Count
    """Characters of texts from outside that are written U+XXXX, for lack of a glyph."""
    hindsight: bool
    inputs: tuple[InputRecord, ...]
    language: str
    lines_not_public_yet: tuple[str, ...]
    max_rejects: float
    outputs: dict[str, OutputRecord]
    pages: dict[str, DocumentRecord]
    """The pages that the bundle holds as pages/<name>.toml."""
    policy: PolicyRecord
    seed: Count
    synthetic_claims: bool
    versions: dict[str, str]
    warehouse: str | None
    """The warehouse file that the claims were read from; their files are then named as it knew them."""

    def text(self) -> str:
        """As JSON: keys sorted, what is nothing by default left out."""
        told = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle, whether or not it is as it was written.

    Raises:
        UsageError: no bundle.
        InputRefused: too large, or no manifest of this version.
    """
    data = read_limited(folder, MANIFEST_NAME)
    try:
        return Manifest.model_validate_json(data)
    except (ValidationError, RecursionError) as error:
        problem = "is no manifest of a report of this version"
        raise InputRefused(problem, file=folder / MANIFEST_NAME, remedy=REWRITE_REMEDY) from error


def read_limited(folder: Path, name: str) -> bytes:
    """The bytes of a bundle's manifest or checksums.

    Raises:
        UsageError: there is none.
        InputRefused: it is a link, or too large.
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


def content_digest(page: Document) -> str:
    """A checksum of what a page, or a part of one, says: whatever its layout."""
    return hashlib.sha256(page.model_dump_json(by_alias=True).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_checksums(folder: Path) -> dict[str, str]:
    """The checksums of a report's files by name, as it lists them; none where it lists none."""
    try:
        lines = read_limited(folder, CHECKSUMS_NAME).decode().splitlines()
    except (OSError, UnicodeDecodeError, UsageError, InputRefused):
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
