"""Verify a bundle: check its files, rebuild the report and compare it byte by byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from outage_analysis.analysis import run
from outage_analysis.errors import VerificationFailed
from outage_analysis.files import temporary_folder
from outage_analysis.reports.bundle import write_report
from outage_analysis.reports.manifest import (
    CHECKSUMS_NAME,
    MANIFEST_NAME,
    Manifest,
    file_digest,
    read_manifest,
)
from outage_analysis.reports.verification.causes import causes, causes_suffix
from outage_analysis.reports.verification.file_differences import first_difference
from outage_analysis.reports.verification.integrity import (
    CHANGED_PROBLEM,
    bundle_files,
    check_integrity,
    parse_checksums,
)
from outage_analysis.reports.verification.rebuild import plan_from_bundle

NO_KNOWN_CAUSE = "no recorded cause: somebody edited the manifest, or runs are not reproducible"
NOTED_KEYS = {"backtest", "code_sha256", "environment", "facts", "fonts", "versions"}
"""Manifest keys whose differences are only noted, because they need not change any file."""


@dataclass(frozen=True)
class VerificationResult:
    """The result of a successful verification.

    Args:
        files: the number of files.
        rebuilt: whether the report was also rebuilt and compared.
        notes: differences between the two runs that changed no file, such as library versions.
    """

    files: int
    rebuilt: bool
    notes: tuple[str, ...] = ()


def verify(
    folder: str | Path,
    *,
    integrity: bool = True,
    rebuild: bool = True,
    claims: Sequence[Path] = (),
    policy: str | Path | None = None,
    ledger: str | Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> VerificationResult:
    """Verify a bundle: check its checksums, rebuild the report and compare every byte.

    Args:
        folder: a folder that `write_report` wrote.
        integrity: whether to check every file against the checksums and the manifest.
        rebuild: whether to rebuild the report and compare every file.
        claims: the claims files that the bundle was made from, unless they ship with the package.
        policy: another policy for the rebuild; differences then name the policy as their cause.
        ledger: another ledger for the rebuild; differences then name the entries that changed.
        progress: called with the name of each step when it starts.

    Raises:
        UsageError: the folder is not a bundle, or the rebuild lacks claims files.
        InputRefused: the bundle cannot be read, or contains links or unsafe names.
        VerificationFailed: the first file that differs, the location in it, and the cause.
    """
    folder = Path(folder)
    if integrity:
        progress("checking the files")
        check_integrity(folder)
    notes: tuple[str, ...] = ()
    if rebuild:
        notes = check_rebuild(folder, claims=claims, policy=policy, ledger=ledger, progress=progress)
    return VerificationResult(len(bundle_files(folder)), rebuild, notes)


def check_rebuild(
    folder: Path,
    *,
    claims: Sequence[Path] = (),
    policy: str | Path | None = None,
    ledger: str | Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[str, ...]:
    """Rebuild a report in a temporary folder, compare it, and return differences that changed no file."""
    files, was = bundle_files(folder), read_manifest(folder)
    plan = plan_from_bundle(folder, was, claims=claims, policy=policy, ledger=ledger)
    exchanged = {f"pages/{n}.toml" for n, page in (("policy", policy), ("ledger", ledger)) if page}
    with temporary_folder() as temporary:
        analysis = run(plan, progress=progress)
        progress("writing the report again")
        out = temporary / "report"
        write_report(analysis, out, lang=was.language, formats=was.formats, bom=was.bom)
        progress("comparing")
        rebuilt, now = bundle_files(out), read_manifest(out)
        _compare_files(files, rebuilt, was, now, exchanged)
        notes = tuple(causes(was, now))
        _compare_manifests(was, now, exchanged)
        if not notes and not exchanged:
            for name in (MANIFEST_NAME, CHECKSUMS_NAME):
                _check_same_bytes(name, files, rebuilt, [])
    if parse_checksums(folder) != {
        name: file_digest(path) for name, path in files.items() if name != CHECKSUMS_NAME
    }:
        raise VerificationFailed("does not list the files as they are", file=CHECKSUMS_NAME)
    return notes


def _compare_files(
    files: Mapping[str, Path], rebuilt: Mapping[str, Path], was: Manifest, now: Manifest, exchanged: set[str]
) -> None:
    """Compare every file except the manifest and the checksums.

    Args:
        files: the files of the bundle, by name.
        rebuilt: the files of the rebuild, by name.
        was: the manifest of the bundle.
        now: the manifest of the rebuild.
        exchanged: documents that the user replaced, which are not compared.
    """
    names = (files.keys() | rebuilt.keys()) - {MANIFEST_NAME, CHECKSUMS_NAME} - exchanged
    known_causes = causes(was, now)
    for name in sorted(names):
        recorded, again = was.outputs.get(name), now.outputs.get(name)
        if recorded is None and again is None:
            raise VerificationFailed("is no file of the report", file=name)
        changed = name in files and (recorded is None or file_digest(files[name]) != recorded.sha256)
        if changed and recorded == again:
            _check_same_bytes(name, files, rebuilt, ["it was changed after the report was written"])
        _check_same_bytes(name, files, rebuilt, known_causes)
    pages = (name for name in sorted(files) if name.startswith("pages/") and name not in exchanged)
    for name in pages:  # the rebuild copies them from the bundle, so only the manifest can reveal a change
        if name not in was.outputs or file_digest(files[name]) != was.outputs[name].sha256:
            raise VerificationFailed(CHANGED_PROBLEM, file=name)


def _check_same_bytes(
    name: str, files: Mapping[str, Path], rebuilt: Mapping[str, Path], known_causes: Sequence[str]
) -> None:
    """Raise if a file of the bundle differs from the file of the rebuild."""
    if name not in files:
        raise VerificationFailed(f"is missing{causes_suffix(known_causes)}", file=name)
    if name not in rebuilt:
        raise VerificationFailed(f"is not written again{causes_suffix(known_causes)}", file=name)
    ours, theirs = rebuilt[name].read_bytes(), files[name].read_bytes()
    if ours != theirs:
        problem = f"differs from what a rebuild writes{causes_suffix(known_causes or [NO_KNOWN_CAUSE])}"
        raise VerificationFailed(problem, file=name, **first_difference(name, theirs, ours))


def _compare_manifests(was: Manifest, now: Manifest, exchanged: set[str]) -> None:
    """Compare the manifests, except for keys whose differences change no file."""
    ignored = set(NOTED_KEYS)
    if exchanged or was.code_sha256 != now.code_sha256:
        ignored |= {"pages", "policy"}  # another version may parse the same document differently
    if exchanged or was.facts != now.facts:
        ignored |= {"assumptions"}
    for key in sorted(Manifest.model_fields.keys() - ignored):
        old, new = (_comparable_json(manifest, key, exchanged) for manifest in (was, now))
        if old != new:
            place = first_difference(MANIFEST_NAME, old, new)
            raise VerificationFailed("is not what a rebuild writes", file=MANIFEST_NAME, **place)


def _comparable_json(manifest: Manifest, key: str, exchanged: set[str]) -> bytes:
    """Return one key of a manifest as JSON, without exchanged documents and content checksums."""
    read = {"assumptions": {"__all__": {"content_sha256"}}}
    values = manifest.model_dump(mode="json", include={key}, exclude=read)
    if key == "outputs":
        values[key] = {name: output for name, output in values[key].items() if name not in exchanged}
    return json.dumps(values).encode()
