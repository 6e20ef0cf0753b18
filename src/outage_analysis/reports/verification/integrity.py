"""Compare the files of a report folder with its checksums and its manifest.

Anybody may have changed the folder, so the checks trust none of its files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from outage_analysis.errors import InputRefused, OutageAnalysisError, VerificationFailed
from outage_analysis.reports import archives
from outage_analysis.reports.build_manifest import code_digest
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
from outage_analysis.reports.verification.file_differences import Location, differing_member
from outage_analysis.reports.verification.rebuild import BUNDLED_DOCUMENT_LOADERS

MAX_FILES, MAX_FILE_BYTES = 5_000, archives.MAX_TOTAL_BYTES
"""Limits of a report folder: number of files, and bytes per file."""
CHANGED_PROBLEM = "is not as the report wrote it"


def check_integrity(folder: Path) -> None:
    """Compare all files of a report folder with SHA256SUMS, and SHA256SUMS with the manifest.

    If this version of the package wrote the report, the parsed content of its TOML documents is compared with
    the manifest, too.

    Raises:
        VerificationFailed: a file was changed, added or removed; the error names the first such file.
        InputRefused: the folder contains a link or a file that is too large, or the manifest cannot be read.
    """
    files, checksums = bundle_files(folder), parse_checksums(folder)
    recorded = _manifest_or_none(
        folder,
        intact=MANIFEST_NAME in files and file_digest(files[MANIFEST_NAME]) == checksums.get(MANIFEST_NAME),
    )
    is_complete = (
        recorded is not None and recorded.outputs.keys() | {MANIFEST_NAME, CHECKSUMS_NAME} == files.keys()
    )
    # The manifest lists exactly the files in the folder. If SHA256SUMS lists another file, somebody changed
    # SHA256SUMS.
    if is_complete:
        unknown_line = next((n for n, name in enumerate(checksums, start=1) if name not in files), None)
        if unknown_line is not None:
            raise VerificationFailed(CHANGED_PROBLEM, file=CHECKSUMS_NAME, line=unknown_line)
    for name in sorted((files.keys() | checksums.keys()) - {CHECKSUMS_NAME}):
        if name not in files:
            raise VerificationFailed("is missing", file=name)
        if name not in checksums:
            raise VerificationFailed("is no file of the report", file=name)
        now = file_digest(files[name])
        if now == checksums[name]:
            continue
        if recorded and name in recorded.outputs and recorded.outputs[name].sha256 == now:
            raise VerificationFailed(
                CHANGED_PROBLEM, file=CHECKSUMS_NAME, line=list(checksums).index(name) + 1
            )
        _raise_changed(folder, name, recorded)
    manifest = read_manifest(folder)
    expected = {name: output.sha256 for name, output in manifest.outputs.items()} | {
        MANIFEST_NAME: checksums.get(MANIFEST_NAME)
    }
    other = next(
        (n for n in sorted(expected.keys() | checksums.keys()) if expected.get(n) != checksums.get(n)), None
    )
    if other is not None:
        raise VerificationFailed(
            "does not agree with SHA256SUMS", file=MANIFEST_NAME, column=f"outputs > {other}"
        )
    if manifest.code_sha256 != code_digest():
        # Another version of the package may parse the documents differently, so they are not compared.
        return
    for name, record in sorted(manifest.documents.items()):
        kind = BUNDLED_DOCUMENT_LOADERS.get(name.partition("-")[0])
        if kind is None or content_digest(load_bundled_document(folder, name, kind)) != record.content_sha256:
            _raise_changed(folder, f"documents/{name}.toml", manifest)


def bundle_files(folder: Path) -> dict[str, Path]:
    """Return the paths of all files in a folder, by their name relative to the folder.

    Raises:
        InputRefused: the folder contains a link, a special file, a file that is too large, or too many files.
    """
    paths: dict[str, Path] = {}
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root) / name
            if path.is_symlink():
                raise InputRefused("is a link, and not followed", file=path)
            if name in files and (not path.is_file() or path.stat().st_size > MAX_FILE_BYTES):
                raise InputRefused("is no plain file, or too large for one of a report", file=path)
        paths |= {(Path(root) / name).relative_to(folder).as_posix(): Path(root) / name for name in files}
        if len(paths) > MAX_FILES:
            raise InputRefused(f"holds more than {MAX_FILES:,} files", file=folder)
    return paths


def parse_checksums(folder: Path) -> dict[str, str]:
    """Read SHA256SUMS of a report folder, and return the checksums by file name.

    Raises:
        VerificationFailed: a line has the wrong format or repeats a file name.
        InputRefused: a file name leads outside the folder.
    """
    text = read_limited(folder, CHECKSUMS_NAME).decode("utf-8", "replace")
    checksums: dict[str, str] = {}
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        entry = re.fullmatch(r"([0-9a-f]{64})  (.+)", line)
        if entry is None or entry[2] in checksums:
            raise VerificationFailed(CHANGED_PROBLEM, file=CHECKSUMS_NAME, line=number)
        bundle_path(folder, entry[2])
        checksums[entry[2]] = entry[1]
    return checksums


def _manifest_or_none(folder: Path, *, intact: bool) -> Manifest | None:
    try:
        return read_manifest(folder)
    except OutageAnalysisError:
        if intact:
            raise
        return None


def _raise_changed(folder: Path, name: str, recorded: Manifest | None) -> None:
    """Raise an error for a file that was changed after it was written.

    For a zip archive such as .xlsx, the error names the first file inside it that differs.
    """
    place: Location = {}
    if recorded and name in recorded.outputs and recorded.outputs[name].members:
        place = _member_location((folder / name).read_bytes(), recorded.outputs[name].members)
    raise VerificationFailed(CHANGED_PROBLEM, file=name, **place)


def _member_location(data: bytes, recorded: Mapping[str, str]) -> Location:
    try:
        return differing_member(archives.member_digests(data), dict(recorded))
    except InputRefused:
        return {}
