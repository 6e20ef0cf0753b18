"""Verify a bundle: check its files, rebuild the report and compare it byte by byte.

If bytes differ, the manifests show why: the likeliest cause comes first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from outage_analysis.reports.verification.file_differences import first_difference
from outage_analysis.reports.verification.integrity import (
    CHANGED_PROBLEM,
    bundle_files,
    check_integrity,
    parse_checksums,
)
from outage_analysis.reports.verification.rebuild import plan_from_bundle, sections_from_bundle

NO_KNOWN_CAUSE = "no recorded cause: somebody edited the manifest, or runs are not reproducible"
NOTED_KEYS = {"backtest", "code_sha256", "environment", "facts", "fonts", "versions"}
"""Manifest keys whose differences are only noted, because they need not change any file."""


@dataclass(frozen=True)
class VerificationResult:
    """The result of a successful verification of a report.

    Args:
        files: the number of files in the report folder.
        rebuilt: whether the report was also rebuilt and compared byte by byte.
        notes: differences between the two runs that changed no file, such as library versions.
        max_rejects: the largest share of rejects that the report states. A rebuild takes it as it is.
    """

    files: int
    rebuilt: bool
    notes: tuple[str, ...] = ()
    max_rejects: float | None = None


def verify(
    folder: str | Path,
    *,
    integrity: bool = True,
    rebuild: bool = True,
    claims: Sequence[Path] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> VerificationResult:
    """Verify a written report: check its checksums, rebuild the report and compare every byte.

    Args:
        folder: a folder that `write_report` wrote.
        integrity: whether to compare every file with the checksums and the manifest.
        rebuild: whether to run the plan again and compare every file byte by byte.
        claims: the claims files from which the report was computed, unless they are part of the package.
        progress: called with the name of each step as it starts.

    Raises:
        UsageError: the folder contains no report, or claims files for the rebuild are missing.
        InputRefused: the report cannot be read, or its folder contains links or unsafe file names.
        VerificationFailed: a file differs; the error names the first such file, the location in the file, and
            the cause.
    """
    folder = Path(folder)
    if integrity:
        progress("checking the files")
        check_integrity(folder)
    files = len(bundle_files(folder))
    if not rebuild:
        return VerificationResult(files, rebuilt=False)
    notes = check_rebuild(folder, claims=claims, progress=progress)
    return VerificationResult(files, rebuilt=True, notes=notes, max_rejects=read_manifest(folder).max_rejects)


def check_rebuild(
    folder: Path,
    *,
    claims: Sequence[Path] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[str, ...]:
    """Rebuild a report in a temporary folder, and compare it with the original report.

    Return the differences between both runs that changed no file, such as library versions.
    """
    files, was = bundle_files(folder), read_manifest(folder)
    plan = plan_from_bundle(folder, was, claims=claims)
    with temporary_folder() as temporary:
        analysis = run(plan, progress=progress)
        progress("writing the report again")
        out = temporary / "report"
        write_report(
            analysis,
            out,
            lang=was.language,
            formats=was.formats,
            bom=was.bom,
            sections=sections_from_bundle(folder, was),
        )
        progress("comparing")
        rebuilt, now = bundle_files(out), read_manifest(out)
        _compare_files(files, rebuilt, was, now)
        notes = tuple(causes(was, now))
        _compare_manifests(was, now)
        if not notes:
            for name in (MANIFEST_NAME, CHECKSUMS_NAME):
                _check_same_bytes(name, files, rebuilt, [])
    digests = {name: file_digest(path) for name, path in files.items() if name != CHECKSUMS_NAME}
    if parse_checksums(folder) != digests:
        raise VerificationFailed("does not list the files as they are", file=CHECKSUMS_NAME)
    return notes


def _compare_files(
    files: Mapping[str, Path], rebuilt: Mapping[str, Path], was: Manifest, now: Manifest
) -> None:
    names = (files.keys() | rebuilt.keys()) - {MANIFEST_NAME, CHECKSUMS_NAME}
    known_causes = causes(was, now)
    for name in sorted(names):
        recorded, recorded_again = was.outputs.get(name), now.outputs.get(name)
        if recorded is None and recorded_again is None:
            raise VerificationFailed("is no file of the report", file=name)
        changed = name in files and (recorded is None or file_digest(files[name]) != recorded.sha256)
        if changed and recorded == recorded_again:
            _check_same_bytes(name, files, rebuilt, ["it was changed after the report was written"])
        _check_same_bytes(name, files, rebuilt, known_causes)
    # A rebuild copies the documents and own sections of the report, so only their checksums reveal a change.
    for name in sorted(name for name in files if name.startswith(("documents/", "sections/"))):
        if name not in was.outputs or file_digest(files[name]) != was.outputs[name].sha256:
            raise VerificationFailed(CHANGED_PROBLEM, file=name)


def _check_same_bytes(
    name: str, files: Mapping[str, Path], rebuilt: Mapping[str, Path], known_causes: Sequence[str]
) -> None:
    """Raise an error if a file of the report differs from the file that the rebuild wrote."""
    if name not in files:
        raise VerificationFailed(f"is missing{causes_suffix(known_causes)}", file=name)
    if name not in rebuilt:
        raise VerificationFailed(f"is not written again{causes_suffix(known_causes)}", file=name)
    ours, theirs = rebuilt[name].read_bytes(), files[name].read_bytes()
    if ours != theirs:
        problem = f"differs from what a rebuild writes{causes_suffix(known_causes or [NO_KNOWN_CAUSE])}"
        raise VerificationFailed(problem, file=name, **first_difference(name, theirs, ours))


def _compare_manifests(was: Manifest, now: Manifest) -> None:
    for key in sorted(Manifest.model_fields.keys() - NOTED_KEYS):
        old, new = (_comparable_json(manifest, key) for manifest in (was, now))
        if old != new:
            place = first_difference(MANIFEST_NAME, old, new)
            raise VerificationFailed("is not what a rebuild writes", file=MANIFEST_NAME, **place)


def _comparable_json(manifest: Manifest, key: str) -> bytes:
    read = {"assumptions": {"__all__": {"content_sha256"}}}
    return json.dumps(manifest.model_dump(mode="json", include={key}, exclude=read)).encode()


MAX_CAUSES = 3
"""The most causes that an error message names."""


def causes_suffix(why: Sequence[str]) -> str:
    """Return the first causes in `why` as the end of an error message, after a colon; empty if none."""
    more = [f"and {len(why) - MAX_CAUSES} more"] if len(why) > MAX_CAUSES else []
    return "".join((": " if why else "", "; ".join([*why[:MAX_CAUSES], *more])))


def causes(was: Manifest, now: Manifest) -> list[str]:
    """Return the differences between the manifests of two runs: environment, code, documents and data."""
    return [
        *_changed_values("environment: ", was.environment, now.environment),
        *_changed_values("environment: ", was.versions, now.versions),
        *_replaced_keys("font ", was.fonts, now.fonts),
        *(["code: the package is not the one that wrote it"] if was.code_sha256 != now.code_sha256 else []),
        *_replaced_keys("document ", _documents(was), _documents(now)),
        *_replaced_keys("facts ", was.facts, now.facts),
        *_data_changes(was, now),
    ]


def _documents(manifest: Manifest) -> dict[str, str]:
    """Return the checksum of each TOML document that a run read, including the one with actual outcomes."""
    outcomes = {"outcomes": manifest.backtest} if manifest.backtest else {}
    return {name: record.content_sha256 for name, record in (manifest.documents | outcomes).items()}


def _data_changes(was: Manifest, now: Manifest) -> Iterator[str]:
    if len(was.inputs) != len(now.inputs):
        yield f"data: {len(was.inputs)} files -> {len(now.inputs)}"
    for old, new in zip(was.inputs, now.inputs, strict=False):
        if old.sha256 != new.sha256:
            yield f"data: {old.name} is another file"
        elif old.name != new.name:
            yield f"data: {old.name} was given as {new.name}; rename it"
        elif old != new:
            yield f"data: {old.name} was read in another way"


def _changed_values(kind: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield a text per setting (such as a library version) that differs between runs: old and new value."""
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            yield f"{kind}{key} {was.get(key, 'none')} -> {now.get(key, 'none')}"


def _replaced_keys(kind: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield one text per font, document or file of facts that is new, gone or changed in the later run."""
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            how = "is new" if key not in was else "is gone" if key not in now else "changed"
            yield f"{kind}{key} {how}"
