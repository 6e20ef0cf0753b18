"""A bundle compared with its own checksums and manifest, without trust in any of them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from outage_analysis.assumptions import Ledger
from outage_analysis.errors import InputRefused, OutageAnalysisError, VerificationFailed
from outage_analysis.policies import Policy
from outage_analysis.reports import archives
from outage_analysis.reports.build_manifest import assumption_records, code_digest, policy_record
from outage_analysis.reports.manifest import (
    CHECKSUMS_NAME,
    MANIFEST_NAME,
    Manifest,
    content_digest,
    file_digest,
    read_limited,
    read_manifest,
)
from outage_analysis.reports.open_bundle import bundle_path, load_bundled_document
from outage_analysis.reports.verification.causes import assumption_changes, policy_changes, reasons
from outage_analysis.reports.verification.file_differences import Location, differing_member
from outage_analysis.reports.verification.rebuild import BUNDLED_DOCUMENT_LOADERS

MAX_FILES, MAX_FILE_BYTES = 5_000, archives.MAX_TOTAL_BYTES
"""What a folder may hold to be taken for a report."""
CHANGED_PROBLEM = "is not as the report wrote it"


def check_integrity(folder: Path) -> None:
    """Compare every file of a bundle with its checksums, these with its manifest, and its pages with both."""
    found, sums = bundle_files(folder), parse_checksums(folder)
    recorded = _manifest_or_none(
        folder, intact=MANIFEST_NAME in found and file_digest(found[MANIFEST_NAME]) == sums.get(MANIFEST_NAME)
    )
    whole = recorded is not None and recorded.outputs.keys() | {MANIFEST_NAME, CHECKSUMS_NAME} == found.keys()
    if whole:  # then a name that is not there is wrong in the checksums
        strange = next((n for n, name in enumerate(sums, start=1) if name not in found), None)
        if strange is not None:
            raise VerificationFailed(CHANGED_PROBLEM, file=CHECKSUMS_NAME, line=strange)
    for name in sorted((found.keys() | sums.keys()) - {CHECKSUMS_NAME}):
        if name not in found:
            raise VerificationFailed("is missing", file=name)
        if name not in sums:
            raise VerificationFailed("is no file of the report", file=name)
        now = file_digest(found[name])
        if now == sums[name]:
            continue
        if recorded and name in recorded.outputs and recorded.outputs[name].sha256 == now:
            raise VerificationFailed(CHANGED_PROBLEM, file=CHECKSUMS_NAME, line=list(sums).index(name) + 1)
        _raise_changed(folder, name, recorded)
    manifest = read_manifest(folder)
    told = {name: output.sha256 for name, output in manifest.outputs.items()} | {
        MANIFEST_NAME: sums.get(MANIFEST_NAME)
    }
    other = next((n for n in sorted(told.keys() | sums.keys()) if told.get(n) != sums.get(n)), None)
    if other is not None:
        raise VerificationFailed(
            "does not agree with SHA256SUMS", file=MANIFEST_NAME, column=f"outputs > {other}"
        )
    if manifest.code_sha256 != code_digest():
        return  # another version reads a page in its own way
    for name, page in sorted(manifest.pages.items()):
        kind = BUNDLED_DOCUMENT_LOADERS.get(name.partition("-")[0])
        if kind is None or content_digest(load_bundled_document(folder, name, kind)) != page.content_sha256:
            _raise_changed(folder, f"pages/{name}.toml", manifest)


def bundle_files(folder: Path) -> dict[str, Path]:
    """Every file of a folder by its name there.

    Raises:
        InputRefused: a link, something that is no plain file, a file too large, or too many.
    """
    found: dict[str, Path] = {}
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root) / name
            if path.is_symlink():
                raise InputRefused("is a link, and not followed", file=path)
            if name in files and (not path.is_file() or path.stat().st_size > MAX_FILE_BYTES):
                raise InputRefused("is no plain file, or too large for one of a report", file=path)
        found |= {(Path(root) / name).relative_to(folder).as_posix(): Path(root) / name for name in files}
        if len(found) > MAX_FILES:
            raise InputRefused(f"holds more than {MAX_FILES:,} files", file=folder)
    return found


def parse_checksums(folder: Path) -> dict[str, str]:
    """The checksums of a bundle by name, if their file is one that a report wrote."""
    text = read_limited(folder, CHECKSUMS_NAME).decode("utf-8", "replace")
    sums: dict[str, str] = {}
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        told = re.fullmatch(r"([0-9a-f]{64})  (.+)", line)
        if told is None or told[2] in sums:
            raise VerificationFailed(CHANGED_PROBLEM, file=CHECKSUMS_NAME, line=number)
        bundle_path(folder, told[2])
        sums[told[2]] = told[1]
    return sums


def _manifest_or_none(folder: Path, *, intact: bool) -> Manifest | None:
    """The manifest; if it is not the one that was written, as far as it can still be read."""
    try:
        return read_manifest(folder)
    except OutageAnalysisError:
        if intact:
            raise
        return None


def _raise_changed(folder: Path, name: str, recorded: Manifest | None) -> None:
    """Name a file that is not as it was written, the member of an archive, and what a page now says."""
    place: Location = {}
    told: list[str] = []
    if recorded and name in recorded.outputs and recorded.outputs[name].members:
        place = _member_location((folder / name).read_bytes(), recorded.outputs[name].members)
    if recorded and name.startswith("pages/"):
        told = _document_changes(folder, name, recorded)
    raise VerificationFailed(f"{CHANGED_PROBLEM}{reasons(told)}", file=name, **place)


def _member_location(data: bytes, recorded: Mapping[str, str]) -> Location:
    try:
        return differing_member(archives.member_digests(data), dict(recorded))
    except InputRefused:
        return {}


def _document_changes(folder: Path, name: str, recorded: Manifest) -> list[str]:
    """What a page that was changed says now in place of what it said."""
    stem = name.removeprefix("pages/").removesuffix(".toml")
    kind = BUNDLED_DOCUMENT_LOADERS.get(stem)
    if kind is None:
        return []
    try:
        page = load_bundled_document(folder, stem, kind)
        if isinstance(page, Ledger):
            now = assumption_records(page.admissible(recorded.as_of))
            return assumption_changes(recorded.assumptions, now)
    except OutageAnalysisError:  # told by what it is not
        return []
    return policy_changes(recorded.policy, policy_record(page)) if isinstance(page, Policy) else []
