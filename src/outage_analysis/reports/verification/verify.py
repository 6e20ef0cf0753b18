"""A bundle verified: every file is the one that was written, and writing it again gives the same bytes."""

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
from outage_analysis.reports.verification.causes import causes, reasons
from outage_analysis.reports.verification.file_differences import first_difference
from outage_analysis.reports.verification.integrity import (
    CHANGED_PROBLEM,
    bundle_files,
    check_integrity,
    parse_checksums,
)
from outage_analysis.reports.verification.rebuild import plan_from_bundle

NO_KNOWN_CAUSE = "nothing that the manifest records: an option in it was changed, or no run is like another"
NOTED_KEYS = {"backtest", "code_sha256", "environment", "facts", "fonts", "versions"}
"""Keys of a manifest that may differ where no file does: they are told as notes."""


@dataclass(frozen=True)
class VerificationResult:
    """What was found to be as it should.

    Args:
        files: how many there are.
        rebuilt: whether they were also written again.
        notes: what differs between the two runs without changing a byte of what they tell.
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
    """Verify a bundle: its checksums, then that its plan gives the same bytes again.

    Args:
        folder: what `write_report` wrote.
        integrity: check every file against the checksums and the manifest.
        rebuild: run the plan again and compare every file, byte for byte.
        claims: where the claims are that the bundle was made from, when they are not bundled ones.
        policy: rebuild with another policy, to see that it is named.
        ledger: rebuild with another ledger, to see that its entries are named.
        progress: called with the name of each step as it starts.

    Raises:
        UsageError: no bundle, or claims that a rebuild needs and was not given.
        InputRefused: a bundle that leads outside its folder, or cannot be read.
        VerificationFailed: the first file that differs, where in it, and why.
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
    """Write a bundle again into a folder that nobody owns, and compare; what differs without effect."""
    found, was = bundle_files(folder), read_manifest(folder)
    plan = plan_from_bundle(folder, was, claims=claims, policy=policy, ledger=ledger)
    exchanged = {f"pages/{n}.toml" for n, page in (("policy", policy), ("ledger", ledger)) if page}
    with temporary_folder() as temporary:
        analysis = run(plan, progress=progress)
        progress("writing the report again")
        out = temporary / "report"
        write_report(analysis, out, lang=was.language, formats=was.formats, bom=was.bom)
        progress("comparing")
        written, now = bundle_files(out), read_manifest(out)
        _compare_files(found, written, was, now, exchanged)
        notes = tuple(causes(was, now))
        _compare_manifests(was, now, exchanged)
        if not notes and not exchanged:
            for name in (MANIFEST_NAME, CHECKSUMS_NAME):
                _check_same_bytes(name, found, written, [])
    if parse_checksums(folder) != {
        name: file_digest(path) for name, path in found.items() if name != CHECKSUMS_NAME
    }:
        raise VerificationFailed("does not list the files as they are", file=CHECKSUMS_NAME)
    return notes


def _compare_files(
    found: Mapping[str, Path], written: Mapping[str, Path], was: Manifest, now: Manifest, exchanged: set[str]
) -> None:
    """Compare every file but the manifest and the checksums."""
    names = (found.keys() | written.keys()) - {MANIFEST_NAME, CHECKSUMS_NAME} - exchanged
    why = causes(was, now)
    for name in sorted(names):
        recorded, again = was.outputs.get(name), now.outputs.get(name)
        if recorded is None and again is None:
            raise VerificationFailed("is no file of the report", file=name)
        changed = name in found and (recorded is None or file_digest(found[name]) != recorded.sha256)
        if changed and recorded == again:
            _check_same_bytes(name, found, written, ["it was changed after the report was written"])
        _check_same_bytes(name, found, written, why)
    pages = (name for name in sorted(found) if name.startswith("pages/") and name not in exchanged)
    for name in pages:  # rebuilt from themselves
        if name not in was.outputs or file_digest(found[name]) != was.outputs[name].sha256:
            raise VerificationFailed(CHANGED_PROBLEM, file=name)


def _check_same_bytes(
    name: str, found: Mapping[str, Path], written: Mapping[str, Path], why: Sequence[str]
) -> None:
    """Refuse a file that is not, byte for byte, what was written again."""
    if name not in found:
        raise VerificationFailed(f"is missing{reasons(why)}", file=name)
    if name not in written:
        raise VerificationFailed(f"is not written again{reasons(why)}", file=name)
    ours, theirs = written[name].read_bytes(), found[name].read_bytes()
    if ours != theirs:
        problem = f"differs from what a rebuild writes{reasons(why or [NO_KNOWN_CAUSE])}"
        raise VerificationFailed(problem, file=name, **first_difference(name, theirs, ours))


def _compare_manifests(was: Manifest, now: Manifest, exchanged: set[str]) -> None:
    """Compare what the manifests say, but for what may differ without effect."""
    apart = set(NOTED_KEYS)
    if exchanged or was.code_sha256 != now.code_sha256:
        apart |= {"pages", "policy"}  # other code reads the same page in its own way
    if exchanged or was.facts != now.facts:
        apart |= {"assumptions"}
    for key in sorted(Manifest.model_fields.keys() - apart):
        old, new = (_comparable_json(manifest, key, exchanged) for manifest in (was, now))
        if old != new:
            place = first_difference(MANIFEST_NAME, old, new)
            raise VerificationFailed("is not what a rebuild writes", file=MANIFEST_NAME, **place)


def _comparable_json(manifest: Manifest, key: str, exchanged: set[str]) -> bytes:
    """What a manifest says under one key, but for exchanged pages and digests of how pages are read."""
    read = {"assumptions": {"__all__": {"content_sha256"}}}
    told = manifest.model_dump(mode="json", include={key}, exclude=read)
    if key == "outputs":
        told[key] = {name: output for name, output in told[key].items() if name not in exchanged}
    return json.dumps(told).encode()
