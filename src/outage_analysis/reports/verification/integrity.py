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
from outage_analysis.reports.build_manifest import assumption_entries, code_digest, policy_page
from outage_analysis.reports.manifest import (
    NAME,
    SUMS,
    Manifest,
    bounded,
    content_digest,
    digest,
    read_manifest,
)
from outage_analysis.reports.open_bundle import inside, page_of
from outage_analysis.reports.verification.causes import assumption_changes, policy_changes, reasons
from outage_analysis.reports.verification.file_differences import Place, member
from outage_analysis.reports.verification.rebuild import PAGES

MOST_FILES, LARGEST_FILE = 5_000, archives.MOST_BYTES
"""What a folder may hold to be taken for a report."""
CHANGED = "is not as the report wrote it"


def check_integrity(folder: Path) -> None:
    """Compare every file of a bundle with its checksums, these with its manifest, and its pages with both."""
    found, sums = files_of(folder), listed(folder)
    recorded = _manifest_or_none(folder, intact=NAME in found and digest(found[NAME]) == sums.get(NAME))
    whole = recorded is not None and recorded.outputs.keys() | {NAME, SUMS} == found.keys()
    if whole:  # then a name that is not there is wrong in the checksums
        strange = next((n for n, name in enumerate(sums, start=1) if name not in found), None)
        if strange is not None:
            raise VerificationFailed(CHANGED, file=SUMS, line=strange)
    for name in sorted((found.keys() | sums.keys()) - {SUMS}):
        if name not in found:
            raise VerificationFailed("is missing", file=name)
        if name not in sums:
            raise VerificationFailed("is no file of the report", file=name)
        now = digest(found[name])
        if now == sums[name]:
            continue
        if recorded and name in recorded.outputs and recorded.outputs[name].sha256 == now:
            raise VerificationFailed(CHANGED, file=SUMS, line=list(sums).index(name) + 1)
        _refuse(folder, name, recorded)
    manifest = read_manifest(folder)
    told = {name: output.sha256 for name, output in manifest.outputs.items()} | {NAME: sums.get(NAME)}
    other = next((n for n in sorted(told.keys() | sums.keys()) if told.get(n) != sums.get(n)), None)
    if other is not None:
        raise VerificationFailed("does not agree with SHA256SUMS", file=NAME, column=f"outputs > {other}")
    if manifest.code_sha256 != code_digest():
        return  # another version reads a page in its own way
    for name, page in sorted(manifest.pages.items()):
        kind = PAGES.get(name.partition("-")[0])
        if kind is None or content_digest(page_of(folder, name, kind)) != page.content_sha256:
            _refuse(folder, f"pages/{name}.toml", manifest)


def files_of(folder: Path) -> dict[str, Path]:
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
            if name in files and (not path.is_file() or path.stat().st_size > LARGEST_FILE):
                raise InputRefused("is no plain file, or too large for one of a report", file=path)
        found |= {(Path(root) / name).relative_to(folder).as_posix(): Path(root) / name for name in files}
        if len(found) > MOST_FILES:
            raise InputRefused(f"holds more than {MOST_FILES:,} files", file=folder)
    return found


def listed(folder: Path) -> dict[str, str]:
    """The checksums of a bundle by name, if their file is one that a report wrote."""
    text = bounded(folder, SUMS).decode("utf-8", "replace")
    sums: dict[str, str] = {}
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        told = re.fullmatch(r"([0-9a-f]{64})  (.+)", line)
        if told is None or told[2] in sums:
            raise VerificationFailed(CHANGED, file=SUMS, line=number)
        inside(folder, told[2])
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


def _refuse(folder: Path, name: str, recorded: Manifest | None) -> None:
    """Name a file that is not as it was written, the member of an archive, and what a page now says."""
    place: Place = {}
    told: list[str] = []
    if recorded and name in recorded.outputs and recorded.outputs[name].members:
        place = _member((folder / name).read_bytes(), recorded.outputs[name].members)
    if recorded and name.startswith("pages/"):
        told = _said(folder, name, recorded)
    raise VerificationFailed(f"{CHANGED}{reasons(told)}", file=name, **place)


def _member(data: bytes, recorded: Mapping[str, str]) -> Place:
    try:
        return member(archives.digests(data), dict(recorded))
    except InputRefused:
        return {}


def _said(folder: Path, name: str, recorded: Manifest) -> list[str]:
    """What a page that was changed says now in place of what it said."""
    stem = name.removeprefix("pages/").removesuffix(".toml")
    kind = PAGES.get(stem)
    if kind is None:
        return []
    try:
        page = page_of(folder, stem, kind)
        if isinstance(page, Ledger):
            now = assumption_entries(page.as_known_on(recorded.as_of))
            return assumption_changes(recorded.assumptions, now)
    except OutageAnalysisError:  # told by what it is not
        return []
    return policy_changes(recorded.policy, policy_page(page)) if isinstance(page, Policy) else []
